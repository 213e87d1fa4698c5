# For checks of misskey-tail against servers; to be sourced with check=NAME. Every server gets a port from the system, and
# is ended by its process id.
dir=build/$check
out=$dir/out    # of misskey-tail
err=$dir/err
failed=0
pids=
: "${MAKE:=make}"
rm -rf $dir
mkdir -p $dir
trap 'for pid in $pids; do kill -KILL $pid 2>/dev/null; done' EXIT

# result NAME PROBLEM: passes if there is no problem
result() {
    if [ -z "$2" ]; then
        echo "PASS $check $1"
    else
        echo "FAIL $check $1: $2"
        failed=1
    fi
}

# until SECONDS COMMAND...: waits until it succeeds
until_() {
    tries=$(($1 * 20))
    shift
    while ! "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.05
    done
}

# serve OPTIONS...: starts build/misskey-serve; then $server is its process, $port where it listens
serve() {
    : >$dir/serve.out
    build/misskey-serve "$@" >$dir/serve.out 2>&1 &
    server=$!
    pids="$pids $server"
    until_ 5 grep -q listening $dir/serve.out || result "misskey-serve $*" "does not listen: $(cat $dir/serve.out)"
    port=$(sed -n 's/^listening on .*:\([0-9]*\)$/\1/p' $dir/serve.out)
}

# end SIGNAL PROCESS
end() {
    kill -$1 $2 2>/dev/null
    wait $2 2>/dev/null
}

# begin OPTIONS...: starts misskey-tail; then $client is its process
begin() {
    : >$out
    $tail "$@" >$out 2>$err &
    client=$!
    pids="$pids $client"
}

# finished: waits for it, 30 seconds at most; then $status is its exit status
finished() {
    (
        tries=150
        while [ $tries -gt 0 ]; do
            sleep 0.2
            tries=$((tries - 1))
        done
        kill -KILL $client
    ) >/dev/null 2>&1 &
    watchdog=$!
    wait $client
    status=$?
    kill $watchdog 2>/dev/null
}

# ended STATUS NAME WORDS: it has ended so, without a word, or with one line on stderr that has the words in it
ended() {
    problem=
    [ $status -eq $1 ] || problem="exit status $status instead of $1"
    [ "$(wc -l <$err)" -eq $(($1 != 0)) ] || problem="$problem stderr: $(head -n 3 $err)"
    [ $1 -eq 0 ] || grep -q -- "$3" $err || problem="$problem '$3' is not in: $(cat $err)"
    result "$2" "$problem"
}

# ends STATUS NAME WORDS OPTIONS...: the same for one that is run to its end
ends() {
    want=$1 name=$2 words=$3
    shift 3
    begin "$@"
    finished
    ended $want "$name" "$words"
}

# shows NAME WORDS...: each of them is in a line of the output, in this order
shows() {
    name=$1
    shift
    problem=
    at=1
    for words in "$@"; do
        line=$(sed -n "$at,\$p" $out | grep -n -m 1 -- "$words" | cut -d: -f1)
        [ -n "$line" ] || problem="'$words' is not in the output after line $at: $(sed -n "$at,\$p" $out | head -n 3)"
        [ -n "$line" ] || break
        at=$((at + line))
    done
    result "$name" "$problem"
}

# sees COUNT WORDS: so many lines of the output have them by now
sees() {
    [ "$(grep -c -- "$2" $out)" -ge $1 ]
}
