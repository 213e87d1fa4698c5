#!/bin/sh
# What an event costs with small and with large tables, and what recorded clients asked for, seen in the server role.
failed=0
: "${MAKE:=make}"

if ! $MAKE -s --no-print-directory build/session_cost build/operations; then
    echo "FAIL session: build/session_cost or build/operations does not build"
    exit 1
fi

# Instructions of one operation: cost MODE CHANNELS CAPTURES
cost() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=measured \
        build/session_cost "$1" "$2" "$3" 2000 2>&1 >/dev/null | awk '/Collected/ { printf "%d", $NF / 2000 }'
}

# MODE, a word for it, and rows of "channels captures"; the last row may cost 1.3 times the first.
table() {
    mode=$1
    what=$2
    shift 2
    least=
    for row; do
        now=$(cost "$mode" ${row% *} ${row#* })
        printf '    %-24s %3s channels %6s captures %7s instructions\n' "$what" ${row% *} ${row#* } "$now"
        : "${least:=$now}"
    done
    if [ "${now:-0}" -gt 0 ] && [ $((now * 10)) -le $((least * 13)) ]; then
        echo "PASS session cost of $what: $least instructions, $now with the largest table"
    else
        echo "FAIL session cost of $what: $least instructions, ${now:-none} with the largest table, more than 1.3 times"
        failed=1
    fi
}

if ! valgrind -q --tool=callgrind --callgrind-out-file=/dev/null build/session_cost event 1 1 1 >/dev/null 2>&1; then
    echo "SKIP session cost: valgrind is missing or does not work"
else
    table event "an event of a channel" "1 10" "8 10" "32 10" "32 10000"
    table note "an update of a note" "8 10" "8 100" "8 1000" "8 10000"
    table capture "capture and release" "8 10" "8 100" "8 1000" "8 10000"
fi

index=../shared/recordings/INDEX.md
if [ ! -f $index ]; then
    echo "SKIP session operations: $index is missing"
    exit $failed
fi

# What the index says that a client sent, one sorted line for each message. The index writes `ch` for a message to a
# channel, also where the client sent the longer word `channel`. Left out below: garbage and broken frames, which the
# index names by other rules.
operations() {
    grep "^- \*\*$1\*\*" $index | grep -o '`> [^`]*`\( [0-9][0-9]*\)\{0,1\}' |
        sed 's/^`> //; s/^channel /ch /' | awk -F '`' '{ for (i = $2 == "" ? 1 : $2 + 0; i > 0; i--) print $1 }' | LC_ALL=C sort
}

right=0
for folder in $(sed -n 's/^- \*\*\([^*]*\)\*\*.*`> .*/\1/p' $index | grep -v 'garbage\|^frames/\|/frames/'); do
    dir=../shared/recordings/$folder
    operations "$folder" >build/operations.expected
    if [ -f "$dir/client.bin.gz" ]; then gzip -dc <"$dir/client.bin.gz"; else cat "$dir/client.bin"; fi |
        build/operations | sed 's/^channel /ch /' | LC_ALL=C sort >build/operations.got
    if cmp -s build/operations.expected build/operations.got; then
        right=$((right + 1))
    else
        diff build/operations.expected build/operations.got | sed 's/^/    /' | head -n 10
        echo "FAIL session operations of $folder: < is the index, > what the server role saw"
        failed=1
    fi
done
if [ $right -gt 0 ]; then
    echo "PASS session operations: $right recorded clients"
else
    echo "FAIL session operations: $index names no client's messages"
    failed=1
fi
exit $failed
