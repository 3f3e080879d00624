#!/bin/sh
# clean_fundamentals.sh
#
# For each symbol the newest figures that were known on this date (clean/fundamentals.csv: symbol,
# period_end, as_of, eps, shares_m). "as_of" is the day a figure was published: a load for 14 May must
# not know what a company said on 16 May, whenever the load runs.
set -eu

in=$SEXTON_RUN_DIR/vendor/reference/fundamentals.csv
clean=$SEXTON_RUN_DIR/clean
mkdir -p "$clean"

# Sorted by symbol and publication; the last row of a symbol is the one that counts.
sort -t, -k1,1 -k3,3 "$in" | awk -F, '
    $1 == "symbol" || $3 > ENVIRON["SEXTON_DS"] { next }
    $1 != last && last != ""                    { print row }
    { last = $1; row = $1 "," $2 "," $3 "," $4 "," $5 }
    END { if (last != "") print row }
' >"$clean/.fundamentals.$$"
mv "$clean/.fundamentals.$$" "$clean/fundamentals.csv"

rows=$(wc -l <"$clean/fundamentals.csv")
newest=$(cut -d, -f3 "$clean/fundamentals.csv" | sort | tail -n 1)
echo "fundamentals: $rows symbols, the newest figures are of $newest"
{
    echo "rows=$rows"
    echo "newest=$newest"
} >>"$SEXTON_OUTPUT"
