#!/bin/sh
# The examples with another library below the header, curl.c and lws.c: compiled without a warning, and under ASan run
# against misskey-serve, over TCP and TLS, with cuts, refusals and hostile texts.
dir=build/transports
failed=0
: "${MAKE:=make}"
mkdir -p $dir
warn="-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef -Wcast-qual -Werror"
sanitize="-g -O1 -DMISSKEY_POISON=1 -fsanitize=address,undefined -fno-sanitize-recover=all"
echo 'int main(void) { return 0; }' >$dir/empty.c

programs=
for pair in curl:libcurl lws:libwebsockets; do
    name=${pair%:*}
    flags=$(pkg-config --cflags --libs ${pair#*:} 2>/dev/null) ||
        { echo "SKIP transports $name: pkg-config does not find ${pair#*:}"; continue; }
    for compiler in gcc clang; do
        $compiler -o $dir/empty $dir/empty.c 2>/dev/null || { echo "SKIP transports $name, $compiler: missing"; continue; }
        if $compiler -std=c99 $warn -fsyntax-only \
            $(pkg-config --cflags ${pair#*:}) examples/$name.c >$dir/log 2>&1; then
            echo "PASS transports $name, $compiler without a warning"
        else
            sed 's/^/    /' $dir/log | head -n 20
            echo "FAIL transports $name, $compiler: see above"
            failed=1
        fi
    done
    if ! $MAKE -s --no-print-directory build/$name >$dir/log 2>&1; then
        sed 's/^/    /' $dir/log | head -n 20
        echo "FAIL transports make build/$name: see above"
        failed=1
    fi
    ${CC:-cc} -std=c99 $sanitize -o $dir/$name examples/$name.c $flags >$dir/log 2>&1 ||
        { echo "SKIP transports $name, ASan: ${CC:-cc} does not have it"; cp build/$name $dir/$name; }
    [ ! -x $dir/$name ] || programs="$programs $dir/$name"
done

if ! command -v node >/dev/null; then
    echo "SKIP transports against misskey-serve: node is not installed"
elif ! $MAKE -s --no-print-directory build/misskey-serve; then
    echo "FAIL transports: build/misskey-serve does not build"
    failed=1
elif [ -n "$programs" ]; then
    node tests/tools/transports.mjs build/misskey-serve $dir $programs || failed=1
fi
exit $failed
