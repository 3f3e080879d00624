#!/bin/sh
# clean_prices.sh
#
# Sorts the vendor's price rows into good ones (clean/prices.csv, by symbol) and rejects
# (rejects/prices.csv: line, reason, the row as it came). Nothing is mended silently and nothing is lost:
# good + rejected = received.
set -eu

in=$SEXTON_RUN_DIR/vendor/day/prices.csv
symbols=$SEXTON_RUN_DIR/vendor/reference/symbols.csv
clean=$SEXTON_RUN_DIR/clean
rejects=$SEXTON_RUN_DIR/rejects
work=$SEXTON_RUN_DIR/.clean_prices.$$
mkdir -p "$clean" "$rejects" "$work"

GOOD=$work/good REJECTS=$work/rejects awk -F, '
    BEGIN { good = ENVIRON["GOOD"]; rejects = ENVIRON["REJECTS"]; ds = ENVIRON["SEXTON_DS"] }

    FNR == 1 && NR > 1 { header = $0 }
    FNR == 1           { next }
    NR == FNR          { known[$1] = 1; next }      # first file: the symbol master

    {
        why = reason()
        if (why == "") { print > good; seen[$1] = FNR }
        else           { print FNR "|" why "|" $0 > rejects }
    }

    function is_number(text) { return text ~ /^-?[0-9]+(\.[0-9]+)?$/ }

    # The first thing wrong with the row, in words; "" if nothing is.
    function reason(    column) {
        if ($0 == header)       return "header in the middle of the file"
        if (NF != 7)            return NF " fields, expected 7"
        if ($2 != ds)           return "not this date"
        if (!($1 in known))     return "symbol is not in the master"
        if ($6 == "")           return "close is missing"
        for (column = 3; column <= 7; column++)
            if (!is_number($column)) return "not a number"
        for (column = 3; column <= 6; column++)
            if ($column <= 0)   return "price is not positive"
        if ($4 < $5 || $6 > $4 || $6 < $5) return "high, low and close disagree"
        if ($1 in seen)         return "symbol is already on line " seen[$1]
        return ""
    }
' "$symbols" "$in"

touch "$work/good" "$work/rejects" # a day may have none of one of them
sort -t, -k1,1 "$work/good" >"$work/sorted"
mv "$work/sorted" "$clean/prices.csv"
mv "$work/rejects" "$rejects/prices.txt"
rm -r "$work"

rows=$(wc -l <"$clean/prices.csv")
rejected=$(wc -l <"$rejects/prices.txt")
percent=$(awk -v bad="$rejected" -v all=$((rows + rejected)) 'BEGIN { printf "%.1f", all ? 100 * bad / all : 0 }')

echo "prices: $rows good, $rejected rejected ($percent %)"
while IFS='|' read -r line why row; do
    printf '  line %-4s %-38s %s\n' "$line" "$why" "$row"
done <"$rejects/prices.txt"

{
    echo "rows=$rows"
    echo "rejects=$rejected"
    echo "reject_pct=$percent"
} >>"$SEXTON_OUTPUT"
