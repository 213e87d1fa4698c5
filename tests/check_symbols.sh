#!/bin/sh
# What the compiled implementation defines and needs: names, libc functions, no division, no mutable globals, no recursion.
dir=build/symbols
mkdir -p $dir
failed=0

result() {  # NAME LIST: passes if the list is empty
    if [ -z "$2" ]; then
        echo "PASS symbols $1"
    else
        echo "FAIL symbols $1:" $2
        failed=1
    fi
}

cat >$dir/impl.c <<'END'
#define MISSKEY_STREAM_IMPLEMENTATION
#include "misskey_stream.h"
END
{ echo '#include "own_mem.h"'; cat $dir/impl.c; } >$dir/own_mem.c

# object NAME COMPILER OPTIONS...: compiles into $dir/impl.o; false and a SKIP line if the compiler is missing.
# Not position-independent: constant tables of pointers would look like data.
object() {
    name=$1
    shift
    if ! command -v "$1" >/dev/null; then
        echo "SKIP symbols $name: $1 is missing"
        return 1
    fi
    rm -f $dir/impl.o
    "$@" -std=c99 -fno-pic -I. -Itests -c -o $dir/impl.o >$dir/log 2>&1 && return 0
    sed 's/^/    /' $dir/log | head -n 20
    result "$name" "does not compile: $*"
    return 1
}

undefined() { nm -u $dir/impl.o | awk '{ print $NF }'; }

# rules NAME: names and globals
rules() {
    result "$1: names" "$(nm -g --defined-only $dir/impl.o | awk '$NF !~ /^misskey_/ { print $NF }')"
    result "$1: no mutable globals" "$(nm $dir/impl.o | awk '$2 ~ /^[BbCDdGgSs]$/ { print $NF }')"
    nm -g --defined-only $dir/impl.o | grep -q ' T misskey_message_parse$' || result "$1: implementation" "is missing"
}

for cc in gcc clang; do
    for level in -O2 -Os; do
        name="$cc $level"
        object "$name" $cc $level $dir/impl.c || continue
        rules "$name"
        result "$name: libc" "$(undefined | grep -v -x -E 'memcpy|memmove|memset|strlen')"
        object "$name own memory functions" $cc $level $dir/own_mem.c || continue
        result "$name: no libc with own memory functions" "$(undefined)"
    done
done

for target in "arm-none-eabi-gcc -mcpu=cortex-m0plus -mthumb" "riscv64-unknown-elf-gcc -march=rv32ic -mabi=ilp32" \
    "gcc -m32"; do
    for level in -O2 -Os; do
        name="${target%% -mthumb} $level"
        object "$name" $target $level -ffreestanding $dir/own_mem.c || continue
        rules "$name"
        result "$name: no division" "$(undefined | grep -E '(div|mod)')"
    done
done

# Without inlining every call is an edge. A function on a cycle reaches itself.
if object recursion gcc -O0 -fkeep-static-functions -fcallgraph-info $dir/impl.c; then
    result "no recursion" "$(awk -F '"' '
        /^edge:/ && $4 !~ /indirect_call/ { call[$2] = call[$2] " " $4; edges++ }
        END {
            for (f in call) {
                n = split(call[f], todo, " ")
                split("", seen)
                while (n > 0) {
                    g = todo[n--]
                    if (g == f) { sub(/.*:/, "", f); print f; break }
                    if (g in seen) continue
                    seen[g]
                    m = split(call[g], more, " ")
                    while (m > 0) todo[++n] = more[m--]
                }
            }
            if (edges < 20) print "(no call graph)"
        }' $dir/impl.ci)"
fi
exit $failed
