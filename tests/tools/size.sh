#!/bin/sh
# make size: flash by section of the header, memory by struct, worst stack, for Cortex-M0+ and x86-64. "core" is the client
# of tests/core_client.c linked with --gc-sections, MISSKEY_NO_SERVER=1 and MISSKEY_NO_STRINGS=1; "all" is every function.
# The rows are also left in build/size/*.txt, one "name bytes" a line.
here=tests/tools
dir=${BUILD:-build}/size
mkdir -p $dir
rm -f $dir/*.txt

echo '#define MISSKEY_STREAM_IMPLEMENTATION
#include "misskey_stream.h"' >$dir/impl.c

structs="ws conn session event ws_event message jw ws_desc conn_desc store note_slot note user notification"
{
    echo '#include "misskey_stream.h"'
    for name in $structs; do
        echo "char ram_misskey_$name[sizeof(misskey_$name)];"
    done
} >$dir/structs.c

# measure BUILD PREFIX CORE-OPTIONS COMPILER...: the tables of one build
measure() {
    build=$1
    prefix=$2
    options=$3
    shift 3
    compile="$* -std=c99 -Os -g -fno-pic -ffunction-sections -fdata-sections -I. -Itests"
    $compile $options -fstack-usage -fcallgraph-info=su -c -o $dir/impl.o $dir/impl.c || return 1
    $compile -c -o $dir/client.o tests/core_client.c || return 1
    gc=
    [ -z "$options" ] || gc=-Wl,--gc-sections
    "$@" -static -nostdlib $gc -Wl,-e,main -Wl,-Map=$dir/link.map -o $dir/$build.elf $dir/impl.o $dir/client.o -lgcc ||
        return 1
    {
        ${prefix}nm -S -l $dir/$build.elf | sed 's/^/nm /'
        ${prefix}objdump --dwarf=decodedline $dir/$build.elf | sed 's/^/line /'
        ${prefix}objdump -s -j .rodata $dir/$build.elf | sed 's/^/dump /'
        sed -n '/^Linker script and memory map/,$s/^/map /p' $dir/link.map
    } >$dir/facts
    awk -f $here/flash.awk misskey_stream.h $dir/facts >$dir/$build.flash.txt
    awk -v store=0 -f $here/stack.awk $dir/impl.ci >$dir/$build.stack.txt
    awk -v store=1 -f $here/stack.awk $dir/impl.ci >$dir/$build.store-stack.txt
    $compile -c -o $dir/structs.o $dir/structs.c || return 1
    ${prefix}nm -S -t d $dir/structs.o | awk '{ sub(/^ram_/, "", $4); print $4, $2 + 0 }' >$dir/$build.ram.txt
}

# both NAME PREFIX COMPILER...: core and all; a line instead where the compiler is missing
both() {
    name=$1
    prefix=$2
    shift 2
    if ! command -v "$1" >/dev/null; then
        echo "$name: skipped, $1 is missing"
        return
    fi
    if measure $name-core "$prefix" "-DMISSKEY_NO_SIMD=1 -DMISSKEY_NO_SERVER=1 -DMISSKEY_NO_STRINGS=1" "$@" &&
        measure $name-all "$prefix" "" "$@"; then
        columns="$columns $name-core $name-all"
    else
        echo "$name: cannot be built"
        exit 1
    fi
}

# table TITLE KIND COLUMNS...
table() {
    title=$1
    kind=$2
    shift 2
    for column in "$@"; do
        sed "s/^/$column /" $dir/$column.$kind.txt
    done | awk -v title="$title" -v columns="$*" '
        { if (!($2 in known)) row[++rows] = $2; known[$2]; value[$1, $2] = $3 }
        END {
            n = split(columns, column, " ")
            printf "%-22s", title
            for (i = 1; i <= n; i++) printf " %17s", column[i]
            print ""
            for (r = 1; r <= rows; r++) {
                printf "%-22s", row[r]
                for (i = 1; i <= n; i++) printf " %17s", value[column[i], row[r]]
                print ""
            }
            print ""
        }'
}

columns=
both cortex-m0plus arm-none-eabi- arm-none-eabi-gcc -mcpu=cortex-m0plus -mthumb
both x86-64 "" gcc
[ -n "$columns" ] || exit 0
table "flash, bytes" flash $columns
echo "worst stack, bytes, below a public function (callbacks and libc on top)"
for column in $columns; do
    printf '%-22s %s\n' $column "$(cat $dir/$column.stack.txt)"
done
for column in $columns; do
    case $column in *-all) printf '%-22s %s\n' "${column%-all}, store" "$(cat $dir/$column.store-stack.txt)" ;; esac
done
echo
table "memory, bytes" ram $(for column in $columns; do case $column in *-all) echo $column ;; esac; done)
