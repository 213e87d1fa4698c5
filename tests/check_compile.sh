#!/bin/sh
# Every compiler, language version and option that the header promises, without a warning. Each program calls the
# implementation and is linked (and run where it can run), so that a misspelt macro cannot pass.
dir=build/compile
mkdir -p $dir
warn="-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef -Wcast-qual -Werror -I. -Itests"
failed=0

# try NAME COMMAND: passes if the command succeeds
try() {
    name=$1
    shift
    if sh -c "$*" >$dir/log 2>&1; then
        echo "PASS compile $name"
    else
        sed 's/^/    /' $dir/log | head -n 20
        echo "FAIL compile $name: $*"
        failed=1
    fi
}

# have NAME COMPILER-WITH-OPTIONS: can it link an empty program? Otherwise the check NAME is skipped.
have() {
    echo 'int main(void) { return 0; }' >$dir/empty.c
    $2 -o $dir/empty $dir/empty.c >/dev/null 2>&1 && return 0
    echo "SKIP compile $1: missing or incomplete: $2"
    return 1
}

c=tests/smoke.c
cpp=$dir/smoke.cpp
cp $c $cpp

for cc in gcc clang; do
    have $cc $cc || continue
    for std in c99 c11 c17; do
        try "$cc $std" "$cc -std=$std -O2 $warn -o $dir/smoke $c && $dir/smoke"
    done
    flags="-fshort-enums -funsigned-char"
    try "$cc $flags" "$cc -std=c99 -O2 $flags $warn -o $dir/smoke $c && $dir/smoke"
done
for cxx in g++ clang++; do
    have $cxx "$cxx -x c++" || continue
    for std in c++11 c++20; do
        try "$cxx $std" "$cxx -std=$std -O2 $warn -o $dir/smoke $cpp && $dir/smoke"
    done
done
have tcc tcc && try tcc "tcc -Wall -Werror -I. -Itests -o $dir/smoke $c && $dir/smoke"
if have "gcc -m32" "gcc -m32"; then
    run= # not every kernel runs programs of 32 bits
    $dir/empty 2>/dev/null || run=qemu-i386-static
    if $run $dir/empty 2>/dev/null; then
        try "gcc -m32" "gcc -m32 -std=c99 -O2 $warn -o $dir/smoke $c && $run $dir/smoke"
    else
        echo "SKIP compile gcc -m32: neither the kernel nor qemu-i386-static runs it"
    fi
fi

bare="-std=c99 -Os -ffreestanding -nostdlib -DSMOKE_OWN_MEM $warn -Wl,-e,main"
arm="arm-none-eabi-gcc -mcpu=cortex-m0plus -mthumb"
have cortex-m0plus "$arm -nostdlib -Wl,-e,main" && try cortex-m0plus "$arm $bare -o $dir/smoke.elf $c -lgcc"
for target in "rv32imac -mabi=ilp32" "rv64gc -mabi=lp64d"; do
    riscv="riscv64-unknown-elf-gcc -march=$target"
    have "riscv ${target% *}" "$riscv -nostdlib -Wl,-e,main" &&
        try "riscv ${target% *}" "$riscv $bare -Wl,--no-relax -o $dir/smoke.elf $c -lgcc"
done
msvc="clang --target=x86_64-pc-windows-msvc -fms-compatibility -ffreestanding -fsyntax-only"
if have msvc clang; then
    for std in c99 c11 c17; do
        try "msvc $std" "$msvc -std=$std -DSMOKE_OWN_MEM $warn $c"
    done
    try "msvc c++20" "$msvc -x c++ -std=c++20 -DSMOKE_OWN_MEM $warn $c"
fi

have "the rest" gcc || exit $failed
gcc="gcc -std=c99 -O1 $warn"
try "two translation units" "$gcc -DSMOKE_MAIN=other -DSMOKE_ELSEWHERE -c -o $dir/other.o $c &&
    $gcc -DSMOKE_OTHER=other -o $dir/smoke $c $dir/other.o && $dir/smoke"
have "C++ user of a C implementation" "g++ -x c++" &&
    try "C++ user of a C implementation" "$gcc -DSMOKE_MAIN=other -c -o $dir/other.o $c &&
        g++ -std=c++11 $warn -DSMOKE_ELSEWHERE -o $dir/smoke $cpp $dir/other.o && $dir/smoke"
try "MISSKEY_STATIC=1 twice" "$gcc -DMISSKEY_STATIC=1 -DSMOKE_MAIN=other -c -o $dir/other.o $c &&
    $gcc -DMISSKEY_STATIC=1 -DSMOKE_OTHER=other -o $dir/smoke $c $dir/other.o && $dir/smoke"
cat >$dir/twice.c <<'END'
#include "misskey_stream.h"
#include "smoke.c"
#include "misskey_stream.h"
END
try "included three times" "$gcc -o $dir/smoke $dir/twice.c && $dir/smoke"
try "replaced memory functions" "$gcc -DSMOKE_OWN_MEM -o $dir/smoke $c && $dir/smoke"
try "MISSKEY_API" "$gcc '-DMISSKEY_API=extern __attribute__((visibility(\"hidden\")))' -o $dir/smoke $c && $dir/smoke"

# Words that platforms and programs define as macros: Arduino, Windows, BSD, ESP-IDF, Zephyr, and our users. They change
# nothing, neither as names nor with arguments.
words="DEC HEX OCT BIN INT STR BOOL JSON OBJ ARR LIST LEN USER NOTE ERROR OK FAIL NONE TEXT OTHER HOME MAIN
    DRIVE ADMIN IN OUT OPTIONAL OLD FORK ALIAS X Y KEY NAME VALUE TYPE ID TRUE FALSE BIT SET CLEAR HIGH LOW
    INPUT OUTPUT PI DEFAULT DEBUG INFO WARN ASSERT DELETE CONST VOID DIAL OPEN CLOSED MESSAGE READY GAP
    DROPPED STALE FULL SHARED ENTROPY DEPTH TIMEOUT BAD_ARG BAD_STATE TRANSPORT UPGRADE LIMIT UNKNOWN EVENT
    REQUEST POLL REACTION REACTED FOLLOWED RENOTE MENTION REPLY QUOTE APP ACHIEVEMENT CHANNEL CONNECT
    CONNECTED DISCONNECT PING PONG API EMOJI GLOBAL LOCAL HYBRID PAGE CLIP ANTENNA UPDATED DELETED ROLE
    FOLDER SIGNIN ANSWER CONTENT SETTING near far small interface unix linux min max round bit sq B0 B1 F R
    N M P T"
assembly() {  # FLAGS FORM: of the implementation, with these words defined; a form of NONE defines none
    for word in $words; do
        [ "$2" = NONE ] || echo "#define $word$2"
    done >$dir/words.c
    printf '#define MISSKEY_STREAM_IMPLEMENTATION\n#include "misskey_stream.h"\n' >>$dir/words.c
    gcc -std=c99 -w $1 -I. -S -o - $dir/words.c
}
for flags in -O1 -Os; do
    assembly $flags NONE >$dir/words.none
    for form in " 10 +" "(a, b) 10 +"; do
        assembly $flags "$form" >$dir/words.some 2>$dir/words.log
        try "words of platforms, gcc $flags, '#define WORD$form'" \
            "cat $dir/words.log && cmp $dir/words.none $dir/words.some"
    done
done

# Every 0/1 option both ways, all of them at once, and the depth; none may change a public struct.
cat >$dir/sizes.c <<'END'
#include "misskey_stream.h"
#include <stdio.h>
int main(void)
{
    printf("%lu %lu %lu %lu %lu %lu %lu %lu\n", (unsigned long)sizeof(misskey_conn), (unsigned long)sizeof(misskey_ws),
        (unsigned long)sizeof(misskey_conn_desc), (unsigned long)sizeof(misskey_session),
        (unsigned long)sizeof(misskey_event), (unsigned long)sizeof(misskey_ws_event),
        (unsigned long)sizeof(misskey_message), (unsigned long)sizeof(misskey_jw));
#define MISSKEY_X_(name, NAME) printf("%lu\n", (unsigned long)sizeof(misskey_##name));
    MISSKEY_ENTITY_LIST(MISSKEY_X_)
    return 0;
}
END
options=$(awk 'was && $0 == "#define " was " 0" { print was } { was = $1 == "#ifndef" ? $2 : "" }' misskey_stream.h)
all=
for option in $options; do
    all="$all -D$option=1"
done
gcc $all -I. -o $dir/sizes $dir/sizes.c 2>/dev/null && $dir/sizes >$dir/sizes.all
for option in $options MISSKEY_MAX_DEPTH; do
    for value in 0 1; do
        [ $option = MISSKEY_MAX_DEPTH ] && value=$((8 + value * 4088))
        define=-D$option=$value
        try "$option=$value" "$gcc $define -o $dir/smoke $c && $dir/smoke &&
            gcc $define -I. -o $dir/sizes $dir/sizes.c && $dir/sizes | cmp - $dir/sizes.all"
    done
done
try "all options" "$gcc $all -o $dir/smoke $c && $dir/smoke"

for file in tests/test_*.c tests/tools/*.c tests/bench/*.c examples/*.c; do
    case $file in examples/curl.c | examples/lws.c) continue ;; esac    # check_transports.sh
    [ -f "$file" ] || continue
    try "$file" "gcc -std=c99 -Wall -Wextra -Wpedantic -Wshadow -Wundef -Werror -Itests/greatest -fsyntax-only $file"
done
exit $failed
