#!/bin/sh
# run_fuzzer.sh NAME SECONDS: runs fuzz/fuzz_NAME.c under libFuzzer. Environment: MAKE, CLANG, BUILD.
# What it finds and its own corpus stay under BUILD; fuzz/corpus/NAME is only read.
target=fuzz_$1
log=$BUILD/$target.log
if ! command -v "$CLANG" >/dev/null; then
    echo "SKIP $target: $CLANG is missing"
    exit 0
fi
if ! $MAKE -s --no-print-directory "$BUILD/$target" BUILD="$BUILD" CLANG="$CLANG"; then
    echo "FAIL $target: does not build"
    exit 1
fi
mkdir -p "$BUILD/corpus/$1"
set -- "$BUILD/corpus/$1" "fuzz/corpus/$1" "$2"
[ -d "$2" ] || set -- "$1" "$1" "$3"
if "$BUILD/$target" -timeout=10 -max_total_time="$3" -dict=fuzz/misskey.dict -artifact_prefix="$BUILD/$target-" "$1" "$2" \
    >"$log" 2>&1; then
    echo "PASS $target: $(tail -n 1 "$log")"
else
    tail -n 40 "$log"
    echo "FAIL $target: see $log and the input $BUILD/$target-*"
    exit 1
fi
