#!/bin/sh
# clean_symbols.sh
#
# The symbols that were listed on this date (clean/symbols.csv: symbol, name, exchange, sector).
set -eu

clean=$SEXTON_RUN_DIR/clean
mkdir -p "$clean"

awk -F, '
    BEGIN { ds = ENVIRON["SEXTON_DS"] }
    NR > 1 && $5 <= ds && ($6 == "" || $6 > ds) { print $1 "," $2 "," $3 "," $4 }
' "$SEXTON_RUN_DIR/vendor/reference/symbols.csv" | sort -t, -k1,1 >"$clean/.symbols.$$"
mv "$clean/.symbols.$$" "$clean/symbols.csv"

rows=$(wc -l <"$clean/symbols.csv")
echo "symbols: $rows listed on $SEXTON_DS"
echo "rows=$rows" >>"$SEXTON_OUTPUT"
