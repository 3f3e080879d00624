#!/bin/sh
# report.sh
#
# The night on one page, for people: reports/DATE.txt in $DATA_DIR. REJECTS and COVERAGE_PCT come from
# the outputs of earlier nodes, as the pipeline passes them on.
set -eu

run=$SEXTON_RUN_DIR
daily=$run/built/daily.csv
mkdir -p "$DATA_DIR/reports"
report=$DATA_DIR/reports/$SEXTON_DS.txt

heading() { printf '\n%s\n' "$1"; }

# movers SORT-OPTION: five rows of daily.csv by return.
movers() {
    tail -n +2 "$daily" | awk -F, '$10 != ""' | sort -t, -k"10,10$1" -k1,1 | head -n 5 |
        awk -F, '{ printf "  %-5s %-24s %10.2f %+8.2f %%\n", $1, $2, $5, $10 }'
}

page() {
    title=$(date --date="$SEXTON_DS" '+%A, %d %B %Y')
    printf 'NIGHTLY DATALOAD %52s\n' "$title"
    printf '%s\n' ---------------------------------------------------------------------
    printf '  %-28s %8d   %s %% of those listed\n' "symbols loaded" "$(($(wc -l <"$daily") - 1))" "$COVERAGE_PCT"
    printf '  %-28s %8d\n' "price rows rejected" "$REJECTS"
    printf '  %-28s %8d\n' "splits and dividends" "$(wc -l <"$run/clean/actions.csv")"
    awk -F, 'NR > 1 { cap += $11; if ($10 > 0) up++; else if ($10 != "" && $10 < 0) down++; else same++ }
        END {
            printf "  %-28s %8.1f   bn\n", "market capitalisation", cap / 1000
            printf "  %-28s %8s   unchanged or new: %d\n", "risen / fallen", up + 0 " / " down + 0, same
        }' "$daily"

    heading "Sectors                      symbols      cap bn    return %"
    tail -n +2 "$run/built/sectors.csv" |
        awk -F, '{ printf "  %-26s %8d %11.1f %+10.2f\n", $1, $2, $3 / 1000, $4 }'

    heading "Highest returns                                close     return"
    movers nr
    heading "Lowest returns                                 close     return"
    movers n

    if [ -s "$run/clean/factors.csv" ]; then
        heading "Corporate actions             split  dividend"
        awk -F, '{ printf "  %-26s %6s %9s\n", $1, $2 == 1 ? "-" : $2, $3 == 0 ? "-" : $3 }' \
            "$run/clean/factors.csv"
    fi
    if [ -s "$run/rejects/prices.txt" ]; then
        heading "Rejected price rows"
        awk -F'|' '{ printf "  line %-4s %-38s %s\n", $1, $2, substr($3, 1, 40) }' "$run/rejects/prices.txt"
    fi
}
page >"$report.$$"
mv "$report.$$" "$report"
cat "$report"

{
    echo "path=$report"
    awk -F, '
        NR > 1 { rows++; cap += $11 }
        END { printf "symbols=%d\nmarket_cap_bn=%.1f\n", rows, cap / 1000 }' "$daily"
} >>"$SEXTON_OUTPUT"
