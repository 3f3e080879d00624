#!/bin/sh
# verify.sh FOLDER/FILE HEADER
#
# Is the file what the vendor says it sent? Checksum and row count against the delivery's MANIFEST.csv,
# and the columns we expect. Says nothing about what stands in the rows: that is cleaning.
set -eu

file=$SEXTON_RUN_DIR/vendor/$1
header=$2
name=${file##*/}
manifest=${file%/*}/MANIFEST.csv

promised=$(grep "^$name," "$manifest") || {
    echo "$name is not in the vendor's MANIFEST.csv" >&2
    exit 1
}
want_rows=$(echo "$promised" | cut -d, -f2)
want_sum=$(echo "$promised" | cut -d, -f3)

failed=0
complain() {
    echo "$1: $2" >&2
    failed=1
}

sum=$(sha256sum <"$file" | cut -d' ' -f1)
[ "$sum" = "$want_sum" ] || complain "$name" "sha256 is $sum, the manifest says $want_sum"

rows=$(($(wc -l <"$file") - 1)) # without the header
[ "$rows" -eq "$want_rows" ] || complain "$name" "$rows rows, the manifest says $want_rows"

first=$(head -n 1 "$file")
[ "$first" = "$header" ] || complain "$name" "columns are '$first', expected '$header'"

[ "$failed" -eq 0 ] || exit 1
echo "$name: $rows rows, checksum and columns as promised"
echo "rows=$rows" >>"$SEXTON_OUTPUT"
