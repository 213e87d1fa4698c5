#!/bin/sh
# The model test at length: a million random steps, with addresses and undefined behaviour checked where clang is there.
# The seeds are printed; a failure prints the command that repeats it.
build=${BUILD:-build}
mkdir -p "$build"
sanitize=
command -v clang >/dev/null && sanitize="-fsanitize=address,undefined -fno-sanitize-recover=all"
if ! ${CLANG:-clang} -std=c99 -O1 -g -DMISSKEY_POISON=1 $sanitize -I tests/greatest -o "$build/model_soak" tests/test_model.c \
    2>/dev/null; then
    ${CC:-cc} -std=c99 -O1 -g -DMISSKEY_POISON=1 -I tests/greatest -o "$build/model_soak" tests/test_model.c || exit 1
    echo "SKIP model sanitizers: clang is missing"
fi
if MODEL_STEPS=1000000 "$build/model_soak" >"$build/model_soak.log" 2>&1; then
    echo "PASS model $(grep '^seeds' "$build/model_soak.log")"
else
    tail -n 20 "$build/model_soak.log"
    echo "FAIL model: see $build/model_soak.log"
    exit 1
fi
