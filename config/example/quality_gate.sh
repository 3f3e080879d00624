#!/bin/sh
# quality_gate.sh
#
# Is tonight's data fit to be read? Three checks, each with its limit; all are made and shown, then the
# gate fails if one of them did. What it prints is meant for somebody who has just been woken up.
#
#   SEXTON_PARAM_MAX_REJECT_PCT   rejected price rows, in percent of those received
#   MIN_COVERAGE_PCT              listed symbols that must have a price
#   MAX_JUMP_PCT                  move from yesterday's close, splits and dividends taken out
set -eu

run=$SEXTON_RUN_DIR
rejects=$run/rejects/prices.txt
work=$run/.quality_gate.$$
mkdir -p "$work"

# --- what was found -------------------------------------------------------------------------------

good=$(wc -l <"$run/clean/prices.csv")
bad=$(wc -l <"$rejects")
listed=$(wc -l <"$run/clean/symbols.csv")
priced=$(($(wc -l <"$run/built/daily.csv") - 1))

# Symbols that moved too far, with a guess at what happened: "SYMB  previous -> close  guess".
awk -F, -v limit="$MAX_JUMP_PCT" '
    NR > 1 && $10 != "" && ($10 > limit || $10 < -limit) {
        times = 1 + $10 / 100                        # close as a multiple of what was expected
        guess = "no corporate action explains it"
        if (near(times, 100))              guess = "100 times: cents for dollars?"
        else if (whole(1 / times) > 1)     guess = "a " whole(1 / times) "-for-1 split missing from actions.csv?"
        else if (whole(times) > 1)         guess = "a 1-for-" whole(times) " reverse split missing from actions.csv?"
        printf "    %-5s %9.2f -> %9.2f   %s\n", $1, $7, $5, guess
    }
    function near(x, goal) { return x > goal * 0.93 && x < goal * 1.07 }
    function whole(x,    n) { n = int(x + 0.5); return n >= 2 && near(x, n) ? n : 0 }
' "$run/built/daily.csv" >"$work/jumps"
jumps=$(wc -l <"$work/jumps")

# --- the verdict ----------------------------------------------------------------------------------

# check LABEL FOUND "<="|">=" LIMIT REMARK: one line of the table; an exceeded limit is counted.
failed=0
check() {
    verdict=$(awk -v found="$2" -v order="$3" -v limit="$4" 'BEGIN {
        print (order == "<=" ? found + 0 <= limit + 0 : found + 0 >= limit + 0) ? "ok" : "FAILED" }')
    [ "$verdict" = ok ] || failed=$((failed + 1))
    printf '  %-28s %6s   %s %-5s  %-7s %s\n' "$1" "$2" "$3" "$4" "$verdict" "$5" >>"$work/table"
}

# percent PART WHOLE, with two decimals: 5.04 must not pass as 5.0.
percent() { awk -v part="$1" -v whole="$2" 'BEGIN { printf "%.2f", whole ? 100 * part / whole : 0 }'; }

reject_pct=$(percent "$bad" $((good + bad)))
coverage_pct=$(percent "$priced" "$listed")
check "rejected price rows, %" "$reject_pct" "<=" "$SEXTON_PARAM_MAX_REJECT_PCT" "$bad of $((good + bad))"
check "listed symbols priced, %" "$coverage_pct" ">=" "$MIN_COVERAGE_PCT" "$priced of $listed"
check "moves beyond $MAX_JUMP_PCT %" "$jumps" "<=" 0 "splits and dividends taken out"

# --- the screen -----------------------------------------------------------------------------------

screen() {
    if [ "$failed" -eq 0 ]; then
        echo "QUALITY GATE $SEXTON_DS: passed"
        echo
        cat "$work/table"
        return
    fi

    echo "QUALITY GATE $SEXTON_DS: FAILED, $failed of 3 checks"
    echo
    cat "$work/table"
    echo
    if [ "$bad" -gt 0 ]; then
        echo "Rejected rows, by reason (all of them: $rejects)"
        awk -F'|' '
            { reason = $2; sub(/ on line [0-9]+$/, " on another line", reason); count[reason]++ }
            !(reason in first) { first[reason] = "line " $1 ": " $3 }
            END { for (reason in count) printf "  %4d  %-40s %s\n", count[reason], reason, first[reason] }
        ' "$rejects" | sort -k1,1nr -k2 | cut -c1-110
    fi
    if [ "$priced" -lt "$listed" ]; then
        echo "Listed symbols without a price, by exchange"
        cut -d, -f1 "$run/clean/prices.csv" | join -t, -v 1 "$run/clean/symbols.csv" - | cut -d, -f3 |
            sort | uniq -c | sort -k1,1nr | while read -r missing exchange; do
            printf '  %4d  of %d on %s\n' "$missing" "$(grep -c ",$exchange," "$run/clean/symbols.csv")" "$exchange"
        done
    fi
    if [ "$jumps" -gt 0 ]; then
        echo "Moves beyond $MAX_JUMP_PCT %, yesterday -> today"
        head -n 6 "$work/jumps"
        [ "$jumps" -le 6 ] || echo "    and $((jumps - 6)) more"
    fi
    echo
    if latest=$(readlink "$DATA_DIR/latest"); then
        echo "Nothing of $SEXTON_DS has been published; readers of $DATA_DIR/latest keep ${latest##*/}."
    else
        echo "Nothing of $SEXTON_DS has been published."
    fi
    echo "Have the vendor correct $VENDOR_DIR/$SEXTON_DS_NODASH, then run this date again from 'download'."
    echo "The limits: max_reject_pct is a parameter of the pipeline, the other two are the gate's own env."
}
screen | tee "$run/quality.txt"
rm -r "$work"

{
    echo "coverage_pct=$coverage_pct"
    echo "jumps=$jumps"
    echo "failed_checks=$failed"
} >>"$SEXTON_OUTPUT"
[ "$failed" -eq 0 ]
