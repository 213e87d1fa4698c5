#!/bin/sh
# examples/cpp and examples/python: every recording comes out of them as out of wire_replay, their objects do what they
# say, under sanitizers; and the Python module notices a library with other structs.
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

if command -v g++ >/dev/null; then
    if g++ -std=c++17 $strict $sanitize -DMISSKEY_MAX_DEPTH=4096 -o $dir/cpp tests/tools/cpp_replay.cpp \
        >$dir/log 2>&1; then
        replays "C++" $dir/cpp
        $dir/cpp --check 2>$dir/err || result "C++ objects, exit" "$(head -n 1 $dir/err)"
    else
        result "C++" "$(grep -m 1 error $dir/log)"
    fi
else
    echo "SKIP wrappers C++: g++ is missing"
fi
if command -v clang++ >/dev/null; then
    clang++ -std=c++17 $strict -fsyntax-only tests/tools/cpp_replay.cpp >$dir/log 2>&1
    result "C++, clang" "$(grep -m 1 -E 'error|warning' $dir/log)"
else
    echo "SKIP wrappers C++, clang: clang++ is missing"
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
MISSKEY_LIBRARY=build/libmisskey_stream.so replays "Python" python3 tests/tools/python_replay.py

c="gcc -std=c99 -Wsign-conversion -Wundef -Wcast-qual $strict -fPIC -shared"
if $c $sanitize -o $dir/sane.so examples/python/library.c >$dir/log 2>&1; then
    MISSKEY_LIBRARY=$dir/sane.so LD_PRELOAD=$(gcc -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0 \
        python3 tests/tools/python_replay.py --check 2>$dir/err || result "Python objects" "$(tail -n 1 $dir/err)"
else
    result "Python objects" "$(grep -m 1 error $dir/log)"
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
