#!/bin/sh
# Every test program under ASan and UBSan, and valgrind over the replay of every small recording, in both roles.
dir=build/asan
failed=0
: "${MAKE:=make}"
mkdir -p $dir

sanitize="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
compiler=
echo 'int main(void) { return 0; }' >$dir/empty.c
cc -o $dir/empty $dir/empty.c
for cc in clang gcc; do
    [ -n "$compiler" ] || ! $cc $sanitize -o $dir/sanitized $dir/empty.c 2>/dev/null || compiler=$cc
done
if [ -z "$compiler" ]; then
    echo "SKIP memory ASan and UBSan: neither clang nor gcc has the sanitizers"
else
    $MAKE --no-print-directory test BUILD=$dir CC=$compiler CFLAGS="$sanitize" >$dir/log 2>&1
    status=$?
    sed -n 's/^\(test_[a-z0-9_]*\)  *\([0-9]* passed, 0 failed.*\)/PASS memory ASan and UBSan \1: \2/p' $dir/log
    if [ $status -ne 0 ]; then
        grep -v '^clang\|^gcc' $dir/log | sed 's/^/    /'
        echo "FAIL memory ASan and UBSan: make test with $compiler, see above"
        failed=1
    fi
fi

if ! valgrind -q $dir/empty 2>/dev/null; then
    echo "SKIP memory valgrind: valgrind is missing or does not work (it needs libc6-dbg)"
    exit $failed
fi
if [ ! -d tests/recordings ]; then
    echo "SKIP memory valgrind: tests/recordings is missing"
    exit $failed
fi
if ! $MAKE -s --no-print-directory build/wire_replay; then
    echo "FAIL memory valgrind: build/wire_replay does not build"
    exit 1
fi

# A folder that fails leaves its name and valgrind's words.
cat >build/valgrind.sh <<'END'
words=$(valgrind -q --error-exitcode=99 --leak-check=full build/wire_replay --role $1 "$2" 2>&1 >/dev/null)
status=$?
[ $status -eq 0 ] || echo "$2: status $status
$words"
END
folders=$(find tests/recordings -name server.bin -size -300k -exec dirname {} \; | sort)
for role in client server; do
    found=$(echo "$folders" | xargs -P "$(getconf _NPROCESSORS_ONLN)" -n 1 sh build/valgrind.sh $role)
    if [ -z "$found" ]; then
        echo "PASS memory valgrind $role: $(echo "$folders" | wc -l) recordings"
    else
        echo "$found" | sed 's/^/    /' | head -n 60
        echo "FAIL memory valgrind $role: see above"
        failed=1
    fi
done
exit $failed
