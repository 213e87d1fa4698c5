#!/bin/sh
# The note store against a model of it, tests/tools/store_model.mjs: over recordings, over STORE_UPDATES random updates (a
# million) from STORE_SEED on, with everything said twice, and with notes that do not fit. Most of it with addresses and
# undefined behaviour checked where clang is there. A failure prints the command that repeats it. And that a call costs
# the same with ten notes and with ten thousand.
set -u
build=${BUILD:-build}
model=tests/tools/store_model.mjs
seed=${STORE_SEED:-1}
count=${STORE_UPDATES:-1000000}
dir=$build/store
failed=0
rm -rf "$dir"
mkdir -p "$dir"

${MAKE:-make} -s --no-print-directory "$build/store_play" "$build/store_cost" ||
    { echo "FAIL store: $build/store_play or $build/store_cost does not build"; exit 1; }

# cost CALL NOTES: instructions
cost() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=measured \
        "$build/store_cost" "$1" "$2" 500 \
        2>&1 >/dev/null | awk '/Collected/ { printf "%d", $NF / 500 }'
}

# same_cost CALL TEXT: it may be 1.3 times as much
same_cost() {
    few=$(cost "$1" 10)
    many=$(cost "$1" 10000)
    if [ "${many:-0}" -gt 0 ] && [ $((many * 10)) -le $((few * 13)) ]; then
        echo "PASS store cost of $2: $few instructions with 10 notes, $many with 10000"
    else
        echo "FAIL store cost of $2: $few instructions with 10 notes, ${many:-none} with 10000, more than 1.3 times"
        failed=1
    fi
}

if ! valgrind -q --tool=callgrind --callgrind-out-file=/dev/null "$build/store_cost" put 2 1 >/dev/null 2>&1; then
    echo "SKIP store cost: valgrind is missing or does not work"
else
    same_cost put "a new note, for which another one goes"
    same_cost get "a look-up"
    same_cost update "an update"
    same_cost hold "hold, release and the end of a grace"
fi

if ! command -v node >/dev/null; then
    echo "SKIP store: node is missing"
    exit $failed
fi
checked=$dir/play
if ! ${CLANG:-clang} -std=c99 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -o "$checked" \
    tests/tools/store_play.c 2>"$dir/clang.log"; then
    echo "SKIP store sanitizers: clang is missing, or cannot build $checked: see $dir/clang.log"
    cp "$build/store_play" "$checked"
fi

# start NAME ARGUMENTS...: the model, in the background
start() {
    log=$dir/$1
    shift
    echo "node $model $*" >"$log.command"
    node $model "$@" >"$log.out" 2>"$log.err" &
}

# finish PID NAME TEXT
finish() {
    if wait "$1"; then
        echo "PASS store $3: $(cat "$dir/$2.out")"
    else
        head -n 8 "$dir/$2.err" | cut -c 1-1000 | sed 's/^/    /'
        echo "FAIL store $3: repeat it with $(cat "$dir/$2.command")"
        failed=1
    fi
}

# both TEXT OPTIONS... TEXT OPTIONS: two runs of the model at a time, each a text and one word of options
both() {
    # shellcheck disable=SC2086
    start 1 $2
    first=$!
    # shellcheck disable=SC2086
    start 2 $4
    second=$!
    finish $first 1 "$1"
    finish $second 2 "$3"
}

recorded=../shared/recordings
if [ ! -d $recorded ]; then
    echo "SKIP store of $recorded: it is missing; tests/recordings was used"
    recorded=tests/recordings
fi
half=$((count / 2))
part=$((count / 20))

both "$recorded/bulk" "--notes 3000 --size 16384 $checked recordings $recorded/bulk" \
    "$recorded" "--notes 200 --size 524288 $checked recordings $recorded"
both "$recorded/bulk, few notes, twice" "--twice --notes 30 --size 16384 $checked recordings $recorded/bulk" \
    "$recorded, 512 bytes a note" "--cut --notes 100 --size 512 $checked recordings $recorded"
both "random" "$build/store_play random $seed $half" \
    "random, in other words" "--noise $build/store_play random $((seed + 1)) $half"
both "random, twice" "--twice $checked random $((seed + 2)) $part" \
    "random, in other words, twice" "--twice --noise $checked random $((seed + 3)) $part"
both "random, 512 bytes a note" "--cut --size 512 $checked random $((seed + 4)) $part" \
    "random, 256 bytes a note, twice" "--cut --twice --size 256 $checked random $((seed + 5)) $part"
exit $failed
