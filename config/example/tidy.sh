#!/bin/sh
# tidy.sh
#
# Removes what this pipeline left in $DATA_DIR and nobody needs: versions of a day that a newer one has
# replaced for more than a day. The run's own directory is Sexton's; it stays, so that a cleared task
# finds what the tasks before it made.
set -eu

daily=$DATA_DIR/daily
removed=0
[ -d "$daily" ] || exit 0

for version in "$daily"/.????-??-??.*; do
    # -mtime +0: touched at least a day ago. A version that is being published is younger than that.
    [ -n "$(find "$version" -maxdepth 0 -mtime +0 2>/dev/null)" ] || continue
    name=${version##*/}                     # .2018-05-14.X1y2Z3
    ds=$(echo "$name" | cut -c2-11)
    if [ "$(readlink "$daily/$ds")" != "$name" ]; then
        rm -r "$version"
        removed=$((removed + 1))
    fi
done
echo "removed $removed replaced versions"
