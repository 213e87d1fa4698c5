#!/bin/sh
# That all paths of the library find the same in every text (see tests/tools/agree.c): every recording, JSONTestSuite,
# the fuzz corpus, and AGREE_COUNT mutated texts (10000000 by default) in two processes; and 100000 of them
# on 64-bit ARM.
set -u
build=${BUILD:-build}
suite=../shared/jsontestsuite/test_parsing
work=$build/check_paths
failed=0
mkdir -p "$work"

sets=tests/recordings
if [ -d ../shared/recordings ]; then sets="$sets ../shared/recordings"
else echo "SKIP paths, all recordings: ../shared/recordings is missing"; fi
[ -d $suite ] || echo "SKIP paths, JSONTestSuite: $suite is missing"

# compare NAME COUNT VECTORS COMMAND...: agree in two processes, on all given texts and so many mutated ones
compare() {
    name=$1 count=$2 vectors=$3
    shift 3
    begin=$(date +%s)
    for part in 0 1; do
        "$@" -n "$count" -p $part/2 fuzz/corpus/json/* fuzz/corpus/message/* fuzz/corpus/typed/* \
            $(find $suite -name '*.json' 2>/dev/null) <"$work/messages" >"$work/$name.$part" 2>&1 &
    done
    wait
    seconds=$(($(date +%s) - begin))
    mutated=$(sed -n 's/ mutated texts.*//p' "$work/$name.0" "$work/$name.1" | awk '{ n += $1 } END { print n + 0 }')
    given=$(sed -n 's/.* and \([0-9]*\) given ones.*/\1/p' "$work/$name.0")
    if [ "$mutated" = "$count" ] && [ "$(grep -c "fast, $vectors.*fast, words of 64 bits.*small, bytes" \
        "$work/$name.0")" -eq 1 ] && [ "$given" -gt 1000 ]; then
        echo "PASS paths, $name: the same in $given given texts and $mutated mutated ones, in $seconds s"
    else
        echo "FAIL paths, $name: $mutated of $count mutated texts compared"
        cat "$work/$name.0" "$work/$name.1"
        failed=1
    fi
}

build_agree() {
    ${MAKE:-make} -s --no-print-directory "$1/agree" BUILD="$1" CC="$2" LDFLAGS="$3" >"$work/log" 2>&1 && return
    echo "FAIL paths: $1/agree does not build with $2"
    cat "$work/log"
    exit 1
}

# Some recordings are in both places.
{
    find $sets -name messages.jsonl -exec cat {} +
    find $sets -name messages.jsonl.gz -exec gzip -dc {} +
} | awk '!seen[$0]++' >"$work/messages"
case $(uname -m) in
x86_64) native=SSE2 ;;
aarch64) native=NEON ;;
*) native='words of 64 bits' ;;
esac
build_agree "$build" "${CC:-cc}" ""
compare native "${AGREE_COUNT:-10000000}" "$native" "$build/agree"

find tests/recordings -name messages.jsonl -exec cat {} + >"$work/messages"
# With clang: gcc for it and gcc for 32 bits cannot be installed side by side.
arm64="clang --target=aarch64-linux-gnu"
echo 'int main(void) { return 0; }' >"$work/empty.c"
if ! $arm64 -static -fuse-ld=lld -o "$work/empty" "$work/empty.c" >/dev/null 2>&1; then
    echo "SKIP paths, arm64: clang, lld or the C library for aarch64-linux-gnu is missing"
    exit $failed
fi
if ! command -v qemu-aarch64-static >/dev/null; then
    echo "SKIP paths, arm64: qemu-aarch64-static is missing"
    exit $failed
fi
build_agree "$work/arm64" "$arm64" "-static -fuse-ld=lld"
compare arm64 100000 NEON qemu-aarch64-static "$work/arm64/agree"
exit $failed
