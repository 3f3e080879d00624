#!/bin/sh
# publish.sh
#
# Shows readers the day, all files at once or none:
#
#   $DATA_DIR/daily/.2018-05-14.X1y2Z3/   a version: daily.csv, daily.csv.gz, daily.idx, sectors.csv, ...
#   $DATA_DIR/daily/2018-05-14            a link to the version that counts
#   $DATA_DIR/latest                      a link to the newest day
#
# A link is replaced by rename(2), so a reader sees the old version or the new one and never a mixture,
# and two runs of one date at once leave one of their two results. Old versions stay a day for those who
# still read them; see tidy.sh.
set -eu

daily=$DATA_DIR/daily
mkdir -p "$daily"

version=$(mktemp -d "$daily/.$SEXTON_DS.XXXXXX")
cp "$SEXTON_RUN_DIR"/built/* "$version"
cp "$SEXTON_RUN_DIR/rejects/prices.txt" "$version/rejects.txt"
(cd "$version" && sha256sum -- * >SHA256SUMS)
chmod 755 "$version" # mktemp makes it 700

# point LINK TARGET
point() {
    ln -s "$2" "${1%/*}/.link.$$"
    mv -T "${1%/*}/.link.$$" "$1"
}
point "$daily/$SEXTON_DS" "${version##*/}"

# Another date may be published at the same time: look again until what was linked is the newest.
newest() {
    for day in "$daily"/*; do :; done # the last in order; versions begin with a dot and do not match
    echo "${day##*/}"
}
until [ "$(readlink "$DATA_DIR/latest")" = "daily/$(newest)" ]; do
    point "$DATA_DIR/latest" "daily/$(newest)"
done
rm -f "$DATA_DIR/held_back-$SEXTON_DS.txt"

echo "published $daily/$SEXTON_DS, $(($(wc -l <"$version/SHA256SUMS") + 1)) files"
echo "path=$daily/$SEXTON_DS" >>"$SEXTON_OUTPUT"
