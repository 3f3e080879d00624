#!/bin/sh
# join.sh
#
# One row per listed and priced symbol: master x prices x fundamentals x yesterday x tonight's actions
# (built/daily.csv). Every input is sorted by symbol under LC_ALL=C, which is what join(1) needs.
# A symbol without fundamentals, without a yesterday or without actions keeps empty fields.
set -eu

clean=$SEXTON_RUN_DIR/clean
built=$SEXTON_RUN_DIR/built
mkdir -p "$built"

{
    echo symbol,name,exchange,sector,close,volume,previous,split,dividend,return_pct,market_cap_m,pe,period_end
    join -t, -o 0,1.2,1.3,1.4,2.6,2.7 "$clean/symbols.csv" "$clean/prices.csv" |
        join -t, -a 1 -o 0,1.2,1.3,1.4,1.5,1.6,2.2,2.4,2.5 - "$clean/fundamentals.csv" |
        join -t, -a 1 -o 0,1.2,1.3,1.4,1.5,1.6,1.7,1.8,1.9,2.2 - "$clean/previous.csv" |
        join -t, -a 1 -o 0,1.2,1.3,1.4,1.5,1.6,1.7,1.8,1.9,1.10,2.2,2.3,2.4 - "$clean/factors.csv" |
        awk -F, '
            {
                symbol = $1; close_ = $5; period_end = $7; eps = $8; shares = $9; previous = $10
                split_ = $11; dividend = $12; factor = $13 == "" ? 1 : $13

                # "close" and "split" are awk words, hence the underscores.
                return_ = previous == "" ? "" : sprintf("%.2f", 100 * (close_ / (previous * factor) - 1))
                cap     = shares == ""   ? "" : sprintf("%.1f", close_ * shares)
                pe      = eps > 0        ? sprintf("%.1f", close_ / (4 * eps)) : ""
                print symbol "," $2 "," $3 "," $4 "," close_ "," $6 "," previous "," split_ "," dividend \
                    "," return_ "," cap "," pe "," period_end
            }'
} >"$built/.daily.$$"
mv "$built/.daily.$$" "$built/daily.csv"

rows=$(($(wc -l <"$built/daily.csv") - 1))
echo "daily: $rows symbols"
echo "rows=$rows" >>"$SEXTON_OUTPUT"
