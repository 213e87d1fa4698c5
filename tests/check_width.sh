#!/bin/sh
# examples/width.h against the files of Unicode (Debian: unicode-data), and its tests under sanitizers.
dir=build/width
unicode=/usr/share/unicode
failed=0
: "${MAKE:=make}"
mkdir -p $dir

if [ ! -f $unicode/EastAsianWidth.txt ]; then
    echo "SKIP width: the package unicode-data is missing"
elif ! $MAKE -s --no-print-directory build/width_unicode; then
    echo "FAIL width: build/width_unicode does not build"
    failed=1
else
    build/width_unicode $unicode || failed=1
fi

if ! command -v gcc >/dev/null; then
    echo "SKIP width sanitizers: gcc is missing"
    exit $failed
fi
if gcc -std=c99 -O1 -g -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef -Wcast-qual -Werror \
    -fsanitize=address,undefined -fno-sanitize-recover=all -I tests/greatest -o $dir/test tests/test_width.c \
    >$dir/log 2>&1 && $dir/test >>$dir/log 2>&1; then
    echo "PASS width sanitizers"
else
    echo "FAIL width sanitizers: $(grep -m 1 -E 'error|ERROR|FAIL' $dir/log)"
    failed=1
fi
exit $failed
