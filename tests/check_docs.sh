#!/bin/sh
# Compiles every code block of README.md (```c fences) and of the header's comments; complete programs are run.
# A block in a comment: lines indented by 8 columns or more whose first is indented by exactly 8 and stands after a blank
# line or a line that ends with ':'. A complete program has a main; anything else is wrapped in a function.
dir=build/docs
rm -rf $dir
mkdir -p $dir
failed=0

# Writes each block to $dir/NAME_LINE.c, with #line so that compilers name the place in the document.
awk -v dir=$dir '
    function open(name) {
        file = dir "/" name "_" FNR + fence ".c"
        printf "#line %d \"%s\"\n", FNR + fence, FILENAME >file
    }
    function shut() { if (file != "") close(file); file = "" }
    FNR == 1 { shut(); comment = fence = 0; last = "" }
    FILENAME ~ /\.md$/ {
        if ($0 ~ /^```c[ \t]*$/) { fence = 1; open("readme") }
        else if ($0 ~ /^```/) { fence = 0; shut() }
        else if (file != "") print >file
        next
    }
    /^\/\*/ { comment = 1 }
    comment && file == "" && /^        [^ ]/ && (last == "" || last ~ /:$/) { open("header") }
    file != "" && !/^        / && !/^[ \t]*$/ { shut() }
    file != "" { print substr($0, 9) >file }
    /\*\/[ \t]*$/ { comment = 0; shut() }
    { last = $0 }
' misskey_stream.h $([ -f README.md ] && echo README.md)

# What the fragments take for granted.
cat >$dir/around.h <<'END'
#define MISSKEY_STREAM_IMPLEMENTATION
#include "misskey_stream.h"
#include <stdio.h>
#include <string.h>
static misskey_ws ws;
static misskey_conn conn;
static misskey_conn_desc desc;
static misskey_session session;
static misskey_event event;
static misskey_message message;
static misskey_json value, json;
static misskey_jw w;
static misskey_io io;
static char buf[256];
static const char *id = "9abc";
static size_t len;
static void use(misskey_jstr key, misskey_json element) { (void)key; (void)element; }
END

strict="gcc -std=c99 -Wall -Wextra -Wpedantic -Werror -I. -I$dir"
if ! command -v gcc >/dev/null; then
    strict="cc -I. -I$dir"
fi
for block in $dir/*_*.c; do
    name=$(basename $block .c)
    if grep -q 'main(' $block; then
        $strict -o $dir/$name $block >$dir/log 2>&1 && $dir/$name >$dir/$name.out 2>>$dir/log
    elif ! grep -q -v -E '^(#|$)' $block; then
        $strict -c -o $dir/$name.o $block >$dir/log 2>&1
    else
        {
            echo '#include "around.h"'
            echo 'void fragment(void) {'
            sed 's/)[ ]*\.\.\.[ ]*$/) return;/' $block
            echo '}'
        } >$dir/wrapped.c
        $strict -Wno-unused -c -o $dir/$name.o $dir/wrapped.c >$dir/log 2>&1
    fi
    if [ $? -eq 0 ]; then
        echo "PASS docs $name"
    else
        sed 's/^/    /' $dir/log | head -n 20
        echo "FAIL docs $name: does not compile or its program fails"
        failed=1
    fi
done

# prints FILE TEXT: the program extracted to this file printed exactly this.
prints() {
    out=$dir/$(basename "$1" .c).out
    if [ "$(cat "$out" 2>/dev/null)" = "$2" ]; then
        echo "PASS docs $(basename "$1" .c) prints what it should"
    else
        echo "FAIL docs $(basename "$1" .c): printed '$(cat "$out" 2>/dev/null)' instead of '$2'"
        failed=1
    fi
}
prints "$(grep -l 'main(' $dir/header_*.c)" "open
connected"
prints "$(grep -l 'main(' $dir/readme_*.c)" "note: Hello"
if [ ! -f README.md ]; then
    echo "FAIL docs README.md: is missing"
    failed=1
fi
exit $failed
