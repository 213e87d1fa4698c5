#!/bin/sh
# The note store against a model of it, tests/tools/store_model.mjs: over recordings, over STORE_UPDATES random updates (a
# million) from STORE_SEED on, with everything said twice, and with notes that do not fit. Most of it with addresses and
# undefined behaviour checked where clang is there. A failure prints the command that repeats it.
set -u
build=${BUILD:-build}
model=tests/tools/store_model.mjs
seed=${STORE_SEED:-1}
count=${STORE_UPDATES:-1000000}
dir=$build/store
failed=0
rm -rf "$dir"
mkdir -p "$dir"

if ! command -v node >/dev/null; then
    echo "SKIP store: node is missing"
    exit 0
fi
${MAKE:-make} -s --no-print-directory "$build/store_play" ||
    { echo "FAIL store: $build/store_play does not build"; exit 1; }
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
