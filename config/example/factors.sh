#!/bin/sh
# factors.sh
#
# What tonight's splits and dividends do to a price, per symbol (clean/factors.csv: symbol, split,
# dividend, factor). Yesterday's close times the factor is the close that means "nothing happened":
# a 2-for-1 split has 0.5, a dividend of 1.00 on a price of 50.00 has 0.98.
set -eu

clean=$SEXTON_RUN_DIR/clean

join -t, -a 1 -e 0 -o 0,1.2,1.3,2.2 "$clean/actions.csv" "$clean/previous.csv" | awk -F, '
    { symbols[$1] = 1 }
    $2 == "split"               { split_of[$1] = $3 }
    $2 == "dividend"            { dividend_of[$1] += $3; close_of[$1] = $4 }
    END {
        for (symbol in symbols) {
            ratio = symbol in split_of ? split_of[symbol] : 1
            dividend = dividend_of[symbol] + 0
            previous = close_of[symbol] + 0
            factor = (previous > dividend ? 1 - dividend / previous : 1) / ratio
            printf "%s,%s,%s,%.8f\n", symbol, ratio, dividend, factor
        }
    }
' | sort -t, -k1,1 >"$clean/.factors.$$"
mv "$clean/.factors.$$" "$clean/factors.csv"

echo "factors for $(wc -l <"$clean/factors.csv") symbols"
