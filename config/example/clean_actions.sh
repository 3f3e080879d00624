#!/bin/sh
# clean_actions.sh
#
# Keeps the splits and dividends that take effect on this date (clean/actions.csv: symbol, action, value).
# The vendor announces a week ahead; rows of later dates are not rejects, they are just not tonight's.
set -eu

in=$SEXTON_RUN_DIR/vendor/day/actions.csv
clean=$SEXTON_RUN_DIR/clean
rejects=$SEXTON_RUN_DIR/rejects
work=$SEXTON_RUN_DIR/.clean_actions.$$
mkdir -p "$clean" "$rejects" "$work"

GOOD=$work/good REJECTS=$work/rejects awk -F, '
    BEGIN { good = ENVIRON["GOOD"]; rejects = ENVIRON["REJECTS"]; ds = ENVIRON["SEXTON_DS"] }
    NR == 1                               { next }
    NF != 4                               { reject(NF " fields, expected 4"); next }
    $3 != "split" && $3 != "dividend"     { reject("unknown action"); next }
    $4 !~ /^[0-9]+(\.[0-9]+)?$/ || $4 == 0 { reject("value is not a positive number"); next }
    $2 == ds                              { print $1 "," $3 "," $4 > good }

    function reject(why) { print FNR "|" why "|" $0 > rejects }
' "$in"

touch "$work/good" "$work/rejects"
sort -t, -k1,1 "$work/good" >"$work/sorted"
mv "$work/sorted" "$clean/actions.csv"
mv "$work/rejects" "$rejects/actions.txt"
rm -r "$work"

splits=$(grep -c ',split,' "$clean/actions.csv") || true # grep -c prints 0 and exits 1
dividends=$(grep -c ',dividend,' "$clean/actions.csv") || true
echo "actions today: $splits splits, $dividends dividends; $(wc -l <"$rejects/actions.txt") rejected"
{
    echo "splits=$splits"
    echo "dividends=$dividends"
} >>"$SEXTON_OUTPUT"
