#!/bin/sh
# download.sh day|reference|previous
#
# Stands in for the vendor's server: copies one delivery from $VENDOR_DIR into the run's own directory,
# so that a file the vendor replaces in the middle of the night cannot change under a run's feet.
#
#   day        the files of this logical date
#   reference  symbol master and fundamentals, which the vendor replaces in place
#   previous   the delivery before this date, for yesterday's closes
set -eu

what=$1
vendor=$SEXTON_RUN_DIR/vendor
mkdir -p "$vendor"

case $what in
day)
    # The vendor's server refuses the first request of a night. The marker makes that true here too:
    # the first attempt of a run fails, the second finds the marker and succeeds.
    if mkdir "$SEXTON_RUN_DIR/vendor_is_awake" 2>/dev/null; then
        echo "vendor: 503 Service Unavailable, the first request of the night woke it up" >&2
        exit 75 # EX_TEMPFAIL: worth another attempt
    fi
    source=$VENDOR_DIR/$SEXTON_DS_NODASH
    ;;
reference)
    source=$VENDOR_DIR/reference
    ;;
previous)
    # The newest delivery before this date; folders are named YYYYMMDD, so their order is the calendar's.
    source=
    for folder in "$VENDOR_DIR"/[0-9]*; do
        if [ "${folder##*/}" -lt "$SEXTON_DS_NODASH" ]; then source=$folder; fi
    done
    if [ -z "$source" ]; then
        echo "no delivery before $SEXTON_DS: prices cannot be compared with the day before"
        mkdir -p "$vendor/previous"
        exit 0
    fi
    ;;
*)
    echo "download.sh: day, reference or previous, not '$what'" >&2
    exit 64
    ;;
esac

if [ ! -d "$source" ]; then
    echo "no delivery for $SEXTON_DS: $source does not exist. What is there:" >&2
    ls "$VENDOR_DIR" >&2
    exit 66
fi

# Copy beside the place, then move: a directory that is there is complete.
copy=$vendor/.$what.$$
mkdir "$copy"
cp "$source"/*.csv "$copy"
rm -rf "${vendor:?}/$what"
mv "$copy" "$vendor/$what"

bytes=$(cat "$vendor/$what"/*.csv | wc -c)
echo "$what: $source, $bytes bytes"
echo "bytes=$bytes" >>"$SEXTON_OUTPUT"
