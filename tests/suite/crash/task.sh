# A task that leaves evidence. Arguments: how many lines it prints, how long it pauses in the middle, and
# the exit code of each attempt, the last of them for all that follow.
echo "start $SEXTON_ATTEMPT $SEXTON_RUN $SEXTON_ATTEMPT_NUMBER $SEXTON_PATH" >>"$SIDE"
lines=$1 pause=$2
shift 2
n=1
while [ "$n" -lt "$SEXTON_ATTEMPT_NUMBER" ] && [ $# -gt 1 ]; do
    shift
    n=$((n + 1))
done
i=0
while [ "$i" -lt "$lines" ]; do
    echo "line $i of attempt $SEXTON_ATTEMPT"
    i=$((i + 1))
    [ "$i" -ne $((lines / 2)) ] || sleep "$pause"
done
echo "exit $SEXTON_ATTEMPT $1" >>"$SIDE"
exit "$1"
