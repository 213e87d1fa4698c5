#!/bin/sh
# examples/cpp and examples/python: both give every recording as wire_replay does, their objects do what their comments
# say, whatever a caller, a callback or a server does, under sanitizers; the examples of their first comments run; and
# the Python module notices a library with other structs.
dir=build/wrappers
failed=0
: "${MAKE:=make}"
rm -rf $dir
mkdir -p $dir
sanitize="-g -fsanitize=address,undefined -fno-sanitize-recover=all"
strict="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -I."

# result NAME PROBLEM: passes if there is no problem
result() {
    if [ -z "$2" ]; then
        echo "PASS wrappers $1"
    else
        echo "FAIL wrappers $1: $2"
        failed=1
    fi
}

if ! $MAKE -s --no-print-directory build/wire_replay; then
    echo "FAIL wrappers: build/wire_replay does not build"
    exit 1
fi
folders=$(find tests/recordings -name 'client.bin*' -exec dirname {} \; | sort)
for folder in $folders; do
    build/wire_replay "$folder" 2>/dev/null
done >$dir/expected

# replays NAME COMMAND...: the same lines for the same folders
replays() {
    name=$1
    shift
    "$@" $folders >$dir/out 2>$dir/err
    status=$?
    problem=
    cmp -s $dir/expected $dir/out || problem="line $(cmp $dir/expected $dir/out | sed 's/.* //') is another"
    [ -s $dir/expected ] || problem="nothing to compare with"
    [ $status -eq 0 ] || problem="exit status $status: $(head -n 1 $dir/err)"
    result "$name replays every recording ($(echo "$folders" | wc -l))" "$problem"
}

# checks NAME COMMAND...: the tests of a wrapper, which print PASS and FAIL themselves
checks() {
    name=$1
    shift
    echo "$name:"
    timeout 300 "$@" 2>$dir/err
    status=$?
    [ $status -eq 0 ] || result "$name" "exit status $status: $(grep -m 1 -E 'ERROR|rror:' $dir/err)"
}

# cpp NAME COMPILER FLAGS...: builds the tests into $dir/NAME
cpp() {
    output=$dir/$1
    shift
    "$@" $strict $sanitize -DMISSKEY_MAX_DEPTH=4096 -DMISSKEY_EXAMPLE="\"$dir/example.inc\"" -o $output \
        tests/tools/cpp_replay.cpp >$dir/log 2>&1 && return 0
    result "C++, $*" "$(grep -m 1 -E 'error|warning' $dir/log)"
    return 1
}
awk '/^        / { print substr($0, 9) } /\*\// { exit }' examples/cpp/misskey.hpp >$dir/example.inc
[ -s $dir/example.inc ] || result "C++ example" "misskey.hpp has none"

for compiler in g++ clang++; do
    if ! command -v $compiler >/dev/null; then
        echo "SKIP wrappers C++, $compiler: it is missing"
        continue
    fi
    for std in c++17 c++20; do
        cpp $compiler-$std $compiler -std=$std && checks "C++, $compiler -std=$std" $dir/$compiler-$std --check
    done
done
[ -x $dir/g++-c++17 ] && replays "C++" $dir/g++-c++17
if command -v gcc >/dev/null && command -v g++ >/dev/null; then
    # C code that no exception can pass through
    gcc -std=c99 -g -I. -fno-exceptions -DMISSKEY_MAX_DEPTH=4096 -c -o $dir/c.o tests/implementation.c >$dir/log 2>&1 ||
        result "implementation in C" "$(grep -m 1 error $dir/log)"
    cpp in-c g++ -std=c++17 -DMISSKEY_IMPLEMENTED_IN_C $dir/c.o && checks "C++, implementation in C" $dir/in-c --check
fi

if ! command -v python3 >/dev/null; then
    echo "SKIP wrappers Python: python3 is missing"
    exit $failed
fi
if ! command -v gcc >/dev/null; then
    echo "SKIP wrappers Python: gcc is missing"
    exit $failed
fi
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
$MAKE -s --no-print-directory build/libmisskey_stream.so || result "make build/libmisskey_stream.so" "does not build"
MISSKEY_LIBRARY=build/libmisskey_stream.so
export MISSKEY_LIBRARY
replays "Python" python3 tests/tools/python_replay.py
checks "Python, development mode" python3 -X dev -W error tests/tools/python_replay.py --check

c="gcc -std=c99 -Wsign-conversion -Wundef -Wcast-qual $strict -fPIC -shared"
if $c $sanitize -o $dir/sane.so examples/python/library.c >$dir/log 2>&1; then
    checks "Python, sanitizers" env MISSKEY_LIBRARY=$dir/sane.so LD_PRELOAD="$(gcc -print-file-name=libasan.so)" \
        ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc python3 tests/tools/python_replay.py --check
else
    result "Python, sanitizers" "$(grep -m 1 error $dir/log)"
fi

# changed NAME FROM TO WORDS: the header with another struct; the import fails and says where
changed() {
    mkdir -p $dir/changed/examples/python
    cp examples/python/library.c $dir/changed/examples/python/
    sed "s/^    $2;/    $3;/" misskey_stream.h >$dir/changed/misskey_stream.h
    problem=
    if cmp -s misskey_stream.h $dir/changed/misskey_stream.h; then problem="the header has no such line"; fi
    gcc -std=c99 -fPIC -shared -o $dir/changed.so $dir/changed/examples/python/library.c 2>$dir/log ||
        problem="$(grep -m 1 error $dir/log)"
    MISSKEY_LIBRARY=$dir/changed.so python3 tests/tools/python_replay.py >/dev/null 2>$dir/err && problem="not noticed"
    grep -q "ImportError: $4" $dir/err || problem="said: $(tail -n 1 $dir/err)"
    result "Python notices $1" "$problem"
}
changed "a larger member" "uint32_t retry_after" "uint64_t retry_after" "misskey_event is [0-9]* here and"
changed "another member" "misskey_str last_id" "int more_, less_; misskey_str last_id" "misskey_event"
exit $failed
