#!/bin/sh
# Every four-byte string against Unicode table 3-7: see tests/tools/utf8_all.c. Two processes; under two minutes.
# Of the 4294967296 strings 383270912 are UTF-8: with 128 characters of one byte, 1920 of two, 61440 of three and
# 1048576 of four, 128^4 + 3 * 128^2 * 1920 + 1920^2 + 2 * 128 * 61440 + 1048576.
set -u
build=${BUILD:-build}
${MAKE:-make} -s --no-print-directory "$build/utf8_all" || { echo "FAIL utf8: $build/utf8_all does not build"; exit 1; }

begin=$(date +%s)
"$build/utf8_all" 0 2 >"$build/utf8_even.txt" &
"$build/utf8_all" 1 2 >"$build/utf8_odd.txt"
wait
seconds=$(($(date +%s) - begin))

counts=$(awk '$2 == "strings" { strings += $1; valid += $3 } END { printf "%.0f %.0f", strings, valid }' \
    "$build/utf8_even.txt" "$build/utf8_odd.txt")
blocks=$(awk '/in blocks/ { n += $1 } END { print n + 0 }' "$build/utf8_even.txt" "$build/utf8_odd.txt")
if [ "$counts $blocks" = "4294967296 383270912 331776" ]; then
    echo "PASS utf8: 4294967296 strings, 383270912 valid; $blocks at every place of a block; in $seconds s"
else
    echo "FAIL utf8: counted (strings, valid, in blocks) $counts $blocks, expected 4294967296 383270912 331776"
    cat "$build/utf8_even.txt" "$build/utf8_odd.txt"
    exit 1
fi
