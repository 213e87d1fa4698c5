#!/bin/sh
# Each fuzz target for FUZZ_SECONDS (30 by default), as many at a time as make runs jobs.
set -u
build=${BUILD:-build}
clang=${CLANG:-clang}

mkdir -p "$build"
echo 'int LLVMFuzzerTestOneInput(const char *p, unsigned long n) { return p == 0 && n > 0; }' >"$build/fuzz_none.c"
if ! "$clang" -fsanitize=fuzzer,address,undefined -o "$build/fuzz_none" "$build/fuzz_none.c" >/dev/null 2>&1; then
    echo "SKIP fuzz: $clang with libFuzzer is missing"
    exit 0
fi
${MAKE:-make} -s -k --no-print-directory fuzz SECONDS="${FUZZ_SECONDS:-30}" BUILD="$build" CLANG="$clang"
