#!/bin/sh
# The budgets of the core client on Cortex-M0+; `make size` prints the whole tables.
size=build/size
failed=0

# within NAME BYTES GOAL CEILING: above the ceiling is a regression; the goal is what the library aims at.
within() {
    if [ "$2" -gt "$4" ]; then
        echo "FAIL size $1: $2 bytes, the ceiling is $4 (and the goal $3)"
        failed=1
    elif [ "$2" -gt "$3" ]; then
        echo "PASS size $1: $2 bytes, under the ceiling of $4; the goal of $3 is missed by $(($2 - $3))"
    else
        echo "PASS size $1: $2 bytes, the goal is $3"
    fi
}

if ! BUILD=build sh tests/tools/size.sh >build/size.txt; then
    echo "FAIL size: make size ended with an error"
    exit 1
fi
cat build/size.txt
if [ ! -f $size/cortex-m0plus-core.flash.txt ]; then
    echo "SKIP size: arm-none-eabi-gcc is missing"
    exit 0
fi
flash() {
    awk -v names=" $* " 'index(names, " " $1 " ") { n += $2 } END { print n + 0 }' $size/cortex-m0plus-core.flash.txt
}
within "json and message" "$(flash json message)" 4096 5200
within "websocket" "$(flash websocket)" 3584 7160
within "stack of the core client" "$(cut -d ' ' -f 1 $size/cortex-m0plus-core.stack.txt)" 320 464
within "stack of every function" "$(cut -d ' ' -f 1 $size/cortex-m0plus-all.stack.txt)" 320 464
within "stack of the note store" "$(cut -d ' ' -f 1 $size/cortex-m0plus-all.store-stack.txt)" 320 1048

# README shows what make size prints; UPDATE=1 writes it there.
if [ -n "${UPDATE:-}" ]; then
    awk -v table=build/size.txt '
        /<!-- \/size -->/ { print "```"; inside = 0 }
        !inside
        /<!-- size -->/ { print "```"; while ((getline line <table) > 0) print line; inside = 1 }
    ' README.md >build/README.md && cp build/README.md README.md
fi
if awk '/<!-- \/size -->/ { exit } inside && !/^```$/; /<!-- size -->/ { inside = 1 }' README.md | cmp -s - build/size.txt; then
    echo "PASS size README shows the measured sizes"
else
    echo "FAIL size README shows other sizes: run UPDATE=1 sh tests/check_size.sh"
    failed=1
fi
exit $failed
