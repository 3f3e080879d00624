#!/bin/sh
# index_by_symbol.sh
#
# A by-symbol index of built/daily.csv: symbol, first byte, length. A reader takes one row without
# reading the file:
#
#   grep '^BAST,' daily.idx                  ->  BAST,1234,87
#   tail -c +1235 daily.csv | head -c 87         (tail counts from 1)
#
# And daily.csv.gz, for those who take all of it.
set -eu

built=$SEXTON_RUN_DIR/built

# LC_ALL=C makes length() count bytes; the 1 is the newline. daily.csv is already sorted by symbol.
awk -F, '
    NR > 1 { print $1 "," start "," length($0) + 1 }
    { start += length($0) + 1 }
' "$built/daily.csv" >"$built/.daily.idx.$$"
mv "$built/.daily.idx.$$" "$built/daily.idx"

# -n keeps the time out of the header: the same data is the same file, whenever it is built.
gzip -9 -n -c "$built/daily.csv" >"$built/.daily.csv.gz.$$"
mv "$built/.daily.csv.gz.$$" "$built/daily.csv.gz"

# The index is only worth having if it is right: look the last symbol up through it.
last=$(tail -n 1 "$built/daily.idx")
start=$(echo "$last" | cut -d, -f2)
length=$(echo "$last" | cut -d, -f3)
found=$(tail -c "+$((start + 1))" "$built/daily.csv" | head -c "$length")
[ "$found" = "$(tail -n 1 "$built/daily.csv")" ] || {
    echo "the index points to '$found' for its last symbol" >&2
    exit 1
}

echo "index: $(wc -l <"$built/daily.idx") symbols, $(wc -c <"$built/daily.csv.gz") bytes compressed"
