#!/bin/sh
# build/misskey-tail: its output for some recordings against tests/golden/, what it does with its options, and every kind
# of bad input: exit status, and one line that names what is wrong. examples/timeline.h under it: C99 and C++11.
# After a wanted change of the output: UPDATE=1 sh tests/check_tail.sh, then read the difference.
dir=build/tail
tail=build/misskey-tail
recordings=tests/recordings
small=$recordings/cut-off/c
failed=0
: "${MAKE:=make}"
rm -rf $dir
mkdir -p $dir
if ! $MAKE -s --no-print-directory $tail build/json_check; then
    echo "FAIL tail: $tail or build/json_check does not build"
    exit 1
fi

# result NAME PROBLEM: passes if there is no problem
result() {
    if [ -z "$2" ]; then
        echo "PASS tail $1"
    else
        echo "FAIL tail $1: $2"
        failed=1
    fi
}

# golden NAME OPTIONS...: the output is tests/golden/NAME.txt, byte for byte
golden() {
    name=$1
    shift
    $tail "$@" >$dir/out 2>$dir/err
    status=$?
    [ -z "$UPDATE" ] || cp $dir/out tests/golden/$name.txt
    problem=
    cmp -s $dir/out tests/golden/$name.txt || problem=$(diff tests/golden/$name.txt $dir/out | sed -n '2p')
    [ $status -eq 0 ] || problem="exit status $status"
    [ ! -s $dir/err ] || problem="stderr: $(head -n 1 $dir/err)"
    result "golden $name" "$problem"
}

# ends STATUS WHAT WORDS COMMAND...: the exit status; unless it is 0, one line on stderr, which has the words in it
ends() {
    want=$1 what=$2 words=$3
    shift 3
    "$@" >$dir/out 2>$dir/err
    status=$?
    problem=
    [ $status -eq "$want" ] || problem="exit status $status instead of $want"
    if [ "$want" -ne 0 ]; then
        [ "$(wc -l <$dir/err)" -eq 1 ] || problem="$(wc -l <$dir/err) lines on stderr instead of one"
        grep -q -- "$words" $dir/err || problem="'$words' is not in: $(cat $dir/err)"
    fi
    result "$what" "$problem"
}

# spoiled FROM: a copy of a recording, to be broken
spoiled() {
    rm -rf $dir/spoiled
    cp -r "$1" $dir/spoiled
    chmod -R u+w $dir/spoiled
}

# wire TEXT...: a copy of the small recording in which the server sends these texts; short ones padded, so that all have
# the same form of length
wire() {
    spoiled $small
    head -c 129 $small/server.bin >$dir/spoiled/server.bin
    for text in "$@"; do
        printf '%-126s' "$text" >$dir/text
        size=$(wc -c <$dir/text)
        printf '\201\176%b%b' "\\0$(printf %o $((size / 256)))" "\\0$(printf %o $((size % 256)))"
        cat $dir/text
    done >>$dir/spoiled/server.bin
    printf '{"t":1,"dir":"recv","off":0,"len":%d}\n' $(wc -c <$dir/spoiled/server.bin) >$dir/spoiled/chunks.jsonl
}

golden cut-off-c --replay $small
golden cut-off-c.json --replay $small --json
golden note-capture --replay $recordings/note-capture
golden main-events --replay $recordings/main-events
golden timelines --replay $recordings/timelines
golden chat-user-b --replay $recordings/chat-user-b
golden broadcast.json --replay $recordings/broadcast --json
golden refused-401 --replay $recordings/behind-nginx/refused-401
golden edited --replay $recordings/sharkey-2024.9.1-rc/edited
golden main-and-capture --replay $recordings/other-version-2025.3.1/main-and-capture
golden visibility --replay $recordings/type4ny-2026.5.4/visibility/anonymous

# every folder: status 0, and not one byte that a terminal would act on
bad= count=0
for folder in $(find $recordings -name 'client.bin*' -exec dirname {} \; | sort); do
    count=$((count + 1))
    $tail --replay "$folder" >$dir/out 2>$dir/err || bad="$folder: $(cat $dir/err)"
    LC_ALL=C tr -d '\n\040-\176\200-\377' <$dir/out >$dir/controls
    [ ! -s $dir/controls ] || bad="$folder: control characters in the output"
done
result "every recording ($count)" "$bad"

# chatUser sends ids of users alone; who they are is known once main has said it, also with a message that was shown
chat='{"type":"channel","body":{"id":"1","type":"%s","body":{"id":"%s","text":"hi","fromUserId":"u%s"%s}}}'
who=',"fromUser":{"id":"u1","username":"aoi","host":"b.example"},"toUser":{"id":"u2","username":"ren","host":null}'
wire "$(printf "$chat" message m1 1 '')" "$(printf "$chat" newChatMessage m1 1 "$who")" \
    "$(printf "$chat" message m2 1 '')" "$(printf "$chat" message m3 2 '')" "$(printf "$chat" message m4 3 '')"
ends 0 "chat by id" "" $tail --replay $dir/spoiled
result "chat by id, the names" "$(sed -n 's/^.*s chat \(.*\): hi$/\1/p' $dir/out | tr '\n' ' ' |
    sed 's/^user u1 @aoi@b.example @ren user u3 $//')"

# a note of which every text is hostile: escape sequences, C1, line separators, changes of direction
evil='\\u001b[31m\\u009b2J\\u0007\\b\\r\\u2028\\u202e\\u2066\\u0000\\u007f'
note='{"type":"channel","body":{"id":"1","type":"note","body":{"id":"EVIL","text":"EVIL","cw":"EVIL",'
note=$note'"visibility":"EVIL","user":{"username":"EVIL","host":"EVIL"},"files":[{"name":"EVIL","type":"EVIL","size":1}],'
note=$note'"poll":{"choices":[{"text":"EVIL","votes":1}]}}}}'
note=$(printf '%s' "$note" | sed "s/EVIL/$evil/g")
wire "$note"
ends 0 "hostile note" "" $tail --replay $dir/spoiled
LC_ALL=C tr -d '\n\040-\176\200-\377' <$dir/out >$dir/controls
problem=
[ ! -s $dir/controls ] || problem="control characters in the output"
[ "$(grep -c '\[31m' $dir/out)" -ge 3 ] || problem="the texts are missing: $(cat $dir/out)"
for raw in '\302\233' '\342\200\250' '\342\200\256' '\342\201\246'; do
    ! LC_ALL=C grep -q "$(printf "$raw")" $dir/out || problem="$raw in the output"
done
result "hostile note, the output" "$problem"

# the same characters as they are, not as escapes: as JSON and raw they may stay, but only as escapes
c1=$(printf '\302\233' ) ls=$(printf '\342\200\250') rlo=$(printf '\342\200\256') rli=$(printf '\342\201\246')
del=$(printf '\177')
note='{"type":"channel","body":{"id":"1","type":"note","body":{"id":"n","user":{"username":"EVIL"},"text":"EVIL"}}}'
wire "$(printf '%s' "$note" | sed "s/EVIL/<$c1$ls$rlo$rli$del>/g")" "no JSON <$c1$ls$rlo$rli$del$(printf '\033')[31m>"
for form in "" --json --raw; do
    ends 0 "hostile bytes ${form:-as text}" "" $tail --replay $dir/spoiled $form
    cp $dir/out $dir/hostile
    problem=
    LC_ALL=C tr -d '\n\040-\176\200-\377' <$dir/out >$dir/controls
    [ ! -s $dir/controls ] || problem="control characters in the output"
    for raw in $c1 $ls $rlo $rli; do
        ! LC_ALL=C grep -q "$raw" $dir/out || problem="$raw in the output"
    done
    [ -z "$form" ] || grep -q '"text":"<\\u009b\\u2028\\u202e\\u2066\\u007f>"' $dir/out || problem="$problem no escapes"
    grep -q 'no JSON <.*\[31m>' $dir/out || problem="$problem the bare text is missing"
    result "hostile bytes ${form:-as text}, the output" "$problem"
done

# nested deeper than is checked: whatever it is, every line of --json is JSON, and what is no JSON is a text
deep() {
    awk -v n="$1" -v inside="$2" 'BEGIN { for (i = 0; i < n; i++) a = a "["; for (i = 0; i < n; i++) b = b "]"
        printf "%s%s%s", a, inside, b }'
}
for depth in 505 511 512 513 700; do
    set --
    for inside in '' 1 '"a"' '1,,2' 'tru' '{"a"}' '"\x"' '{"a":[],1}' '[{},"a":1]' '{"a":{}]' '[[]}' "$(printf '"\033[31m"')"; do
        set -- "$@" "{\"type\":\"channel\",\"body\":{\"id\":\"1\",\"type\":\"note\",\"body\":$(deep $depth "$inside")}}" \
            "{\"x\":$(deep $depth "$inside"),\"type\":\"emojiAdded\",\"body\":{}}" \
            "{\"type\":\"new\",\"body\":$(deep $depth "$inside")}" "$(deep $depth "$inside")"
    done
    wire "$@"
    problem=
    $tail --replay $dir/spoiled --json >$dir/out 2>$dir/err || problem=$(cat $dir/err)
    [ "$(grep -c -e '"event":"message"' -e '"event":"text"' $dir/out)" -eq $# ] || problem="not $# messages and texts"
    while read -r line; do
        printf '%s' "$line" | build/json_check - >/dev/null || problem="no JSON: $(printf '%s' "$line" | cut -c 1-60)"
    done <$dir/out
    $tail --replay $dir/spoiled --raw >$dir/out 2>$dir/err || problem="$problem $(cat $dir/err)"
    [ "$(wc -l <$dir/out)" -eq $# ] || problem="$problem --raw has $(wc -l <$dir/out) lines"
    ! grep -q "$(printf '\033')" $dir/out || problem="$problem an escape character"
    result "nested $depth deep" "$problem"
done

# what a recorded client has asked for: its channels have their names, and an acknowledgement is no message
$tail --replay $recordings/timelines --json >$dir/out
problem=$(grep '"message":{"type":"channel"' $dir/out | grep -v '"message","channel":"[a-zA-Z]*Timeline"' | head -n 1)
for name in local global home hybrid; do
    grep -q "\"event\":\"ready\",\"channel\":\"${name}Timeline\"" $dir/out || problem="$problem ${name}Timeline is not ready"
done
problem="$problem$(grep -m 1 '"message":{"type":"connected"' $dir/out)"
result "--replay, the channels" "$problem"
for form in --json --raw; do
    $tail --replay $recordings/timelines $form --count 5 >$dir/out
    count=$(grep -c '"type":"[a-zA-Z]*","body":' $dir/out)
    result "--replay $form --count 5" "$([ $count -eq 5 ] || echo "$count messages")$(grep '"type":"connected"' $dir/out)"
done
$tail --replay $recordings/timelines --count 5 >$dir/out
count=$(grep -v -c -e '^           ' -e ' connected$' -e ' is on$' $dir/out)
result "--replay --count 5" "$([ "$count" -eq 5 ] || echo "$count lines")"

# --filter: only what there is
for name in note notification mention edited noteUpdated reacted updated emojiAdded announcementCreated channel stats \
    newChatMessage userUpdated note,reacted,followed; do
    ends 0 "--filter $name" "" $tail --replay $small --filter $name
done
for name in notes Note nothing connected connect note,reactd 'note, reacted' $(deep 300 n); do
    ends 2 "--filter $(printf %.20s "$name")" "--filter .*: no message has this name" $tail --replay $small --filter "$name"
done
ends 2 "--filter reaction" "--filter reaction: .* a type of notification: use notification" $tail --replay $small --filter reaction
for name in note, ,note note,,reacted ,; do
    ends 2 "--filter $name" "--filter $name: a name is empty" $tail --replay $small --filter $name
done

# what happens to a note that was shown: counted once, and nothing more once it is deleted
happened() {
    printf '{"type":"noteUpdated","body":{"id":"%s","type":"%s","body":%s}}' "$1" "$2" "$3"
}
on_channel() {
    printf '{"type":"channel","body":{"id":"%s","type":"note","body":%s}}' "$1" "$2"
}
note='{"id":"n","createdAt":"2026-11-23T21:00:00Z","userId":"u","user":{"username":"aoi"},"text":"hello",'
note=$note'"visibility":"public","poll":{"choices":[{"text":"yes","votes":0},{"text":"no","votes":3}]}}'
by_u='{"reaction":":blob@.:","userId":"u"}'
by_v='{"reaction":":blob:","userId":"v"}'
wire "$(on_channel 1 "$note")" "$(on_channel 2 "$note")" \
    "$(happened n reacted "$by_u")" "$(happened n reacted "$by_u")" "$(happened n reacted "$by_v")" \
    "$(happened n unreacted "$by_u")" "$(happened n unreacted "$by_v")" \
    "$(happened n pollVoted '{"choice":1,"userId":"u"}')" "$(happened n pollVoted '{"choice":1,"userId":"u"}')" \
    "$(happened n replied '{"id":"r"}')" "$(happened n updated '{"text":"bye","cw":null}')" \
    "$(happened n deleted '{"deletedAt":"2026-11-23T21:00:01Z"}')" "$(happened n reacted "$by_u")" \
    "$(happened m reacted "$by_u")" "$(happened m pollVoted '{"choice":1,"userId":"u"}')" "$(happened m deleted '{}')"
cat >$dir/expected <<'END'
     0.0s connected
     0.0s @aoi: hello
          yes: 0 votes
          no: 3 votes
     0.0s :blob: ×1 on @aoi: hello
     0.0s :blob: ×2 on @aoi: hello
     0.0s unreacted :blob: ×1 on @aoi: hello
     0.0s unreacted :blob: on @aoi: hello
     0.0s pollVoted no: 4 votes on @aoi: hello
     0.0s replied on @aoi: hello
     0.0s updated @aoi: bye
     0.0s deleted @aoi: bye
     0.0s :blob: on note m
     0.0s pollVoted no. 2 on note m
     0.0s deleted note m
END
ends 0 "updates of a note" "" $tail --replay $dir/spoiled
result "updates of a note, the output" "$(sed '$d' $dir/out | diff $dir/expected - | sed -n 2p)"

# whose note it is, with the host; of a renote, that it is one
far='{"id":"n","userId":"u","user":{"username":"aoi","host":"far.example"},"text":"hello","visibility":"public"}'
renote='{"id":"r","userId":"v","user":{"username":"bob","host":"b.example"},"text":null,"visibility":"public",'
renote=$renote'"renoteId":"n","renote":'$far'}'
quote='{"id":"q","userId":"v","user":{"username":"bob"},"text":"see","visibility":"public","renoteId":"n","renote":'$far'}'
lost='{"id":"l","userId":"v","user":{"username":"bob"},"text":null,"visibility":"public","renoteId":"n"}'
wire "$(on_channel 1 "$far")" "$(on_channel 1 "$renote")" "$(on_channel 1 "$quote")" "$(on_channel 1 "$lost")" \
    "$(happened n reacted "$by_v")" "$(happened r reacted "$by_v")" "$(happened q deleted '{}')" \
    "$(happened r deleted '{}')" "$(happened l deleted '{}')" "$(happened n deleted '{}')"
cat >$dir/expected <<'END'
     0.0s connected
     0.0s @aoi@far.example: hello
     0.0s @bob@b.example renoted @aoi@far.example: hello
     0.0s @bob: see
          @aoi@far.example: hello (quoted)
     0.0s @bob: 
     0.0s :blob: ×1 on @aoi@far.example: hello
     0.0s :blob: ×1 on the renote by @bob@b.example of @aoi@far.example: hello
     0.0s deleted @bob: see
     0.0s deleted the renote by @bob@b.example of @aoi@far.example: hello
     0.0s deleted the renote by @bob of note n
     0.0s deleted @aoi@far.example: hello
END
ends 0 "authors and renotes" "" $tail --replay $dir/spoiled
result "authors and renotes, the output" "$(sed '$d' $dir/out | diff $dir/expected - | sed -n 2p)"

# colours: on a terminal only (script makes one)
if command -v script >/dev/null; then
    script -qec "$tail --replay $small" /dev/null </dev/null >$dir/out 2>&1
    problem=
    grep -q "$(printf '\033\\[')" $dir/out || problem="there are none"
    result "colours on a terminal" "$problem"
    script -qec "env NO_COLOR=1 $tail --replay $small" /dev/null </dev/null >$dir/out 2>&1
    problem=
    ! grep -q "$(printf '\033\\[')" $dir/out || problem="there are some"
    result "no colours with NO_COLOR" "$problem"
else
    echo "SKIP tail colours: script (of util-linux) is missing"
fi

# cut-off/c lasts 129 ms
start=$(date +%s%N)
ends 0 "--speed 0.25" "" $tail --replay $small --speed 0.25
took=$((($(date +%s%N) - start) / 1000000))
problem=
[ $took -ge 400 ] && [ $took -lt 3000 ] || problem="it took $took ms"
result "--speed 0.25 waits" "$problem"
ends 0 "--help" "" $tail --help

mkdir -p $dir/empty
ends 2 "no option" "give --replay DIR" $tail
ends 2 "unknown option" "unknown option --host" $tail --host misskey.example
ends 2 "a folder without --replay" "$small is no HOST" $tail $small
ends 2 "--replay without a folder" "no folder after --replay" $tail --replay
for speed in "" 0 -1 x 1x nan inf; do
    ends 2 "--speed '$speed'" "number above 0" $tail --replay $small --speed "$speed"
done
ends 2 "--speed at the end" "number above 0" $tail --replay $small --speed
ends 2 "missing folder" "$dir/missing: No such file" $tail --replay $dir/missing
ends 2 "a file for a folder" "Not a directory" $tail --replay $small/server.bin
ends 2 "empty folder" "$dir/empty has no server.bin" $tail --replay $dir/empty
ends 2 "full disk" "cannot write" sh -c "$tail --replay $small >/dev/full"
for file in server.bin client.bin chunks.jsonl; do
    spoiled $small
    gzip $dir/spoiled/$file
    ends 0 "$file.gz" "" $tail --replay $dir/spoiled
    echo no gzip >$dir/spoiled/$file.gz
    ends 2 "broken $file.gz" "$file.gz: gzip -dc failed" $tail --replay $dir/spoiled
    rm $dir/spoiled/$file.gz
    ends 2 "no $file" "has no $file" $tail --replay $dir/spoiled
    mkdir $dir/spoiled/$file
    ends 2 "$file is a folder" "$file: Is a directory" $tail --replay $dir/spoiled
done
spoiled $small
printf x >>$dir/spoiled/server.bin
ends 1 "server.bin too long" "ends before server.bin" $tail --replay $dir/spoiled
spoiled $small
head -c 500 $small/server.bin >$dir/spoiled/server.bin
ends 1 "server.bin too short" "does not fit server.bin" $tail --replay $dir/spoiled
spoiled $small
sed 's/"off":129,"len":40/"off":128,"len":40/' $small/chunks.jsonl >$dir/spoiled/chunks.jsonl
ends 1 "chunks.jsonl leaves the order" "does not fit server.bin from byte 129" $tail --replay $dir/spoiled
spoiled $small
sed 's/"t":128.9/"t":1/' $small/chunks.jsonl >$dir/spoiled/chunks.jsonl
ends 0 "time that goes back" "" timeout 5 $tail --replay $dir/spoiled --speed 1
spoiled $small
: >$dir/spoiled/server.bin
: >$dir/spoiled/chunks.jsonl
ends 0 "empty files" "" $tail --replay $dir/spoiled --json
problem=$(grep -v '^{"t":0,"event":"closed","code":0,"error":"TRANSPORT","reason":""}$' $dir/out)
result "empty files, the output" "$problem"
spoiled $small
echo '{"t":1}' >>$dir/spoiled/chunks.jsonl
ends 1 "chunks.jsonl is incomplete" "does not have t, dir, off and len" $tail --replay $dir/spoiled
spoiled $small
sed 's/\(Key: \)[^=]*==/\1AAAAAAAAAAAAAAAAAAAAAA==/' $small/client.bin >$dir/spoiled/client.bin
ends 1 "wrong key" "Sec-WebSocket-Key of client.bin" $tail --replay $dir/spoiled
spoiled $small
head -c 129 $small/server.bin >$dir/spoiled/server.bin
printf '\203\000' >>$dir/spoiled/server.bin
printf '{"t":1,"dir":"recv","off":0,"len":131}\n' >$dir/spoiled/chunks.jsonl
ends 1 "broken stream" "the stream is broken: the peer broke RFC 6455" $tail --replay $dir/spoiled

# every option of --help in the manual page and in both completions, and none that --help does not have
$tail --help | grep -o '^  --[a-z-]*' | tr -d ' ' | sort >$dir/options
problem=
[ "$(wc -l <$dir/options)" -ge 16 ] || problem="only $(wc -l <$dir/options) options are found in --help"
result "--help lists the options" "$problem"
sed -n 's/^\.It Fl \(-[a-z-]*\).*/-\1/p' examples/misskey-tail.1 | sort | diff $dir/options - >$dir/log
result "options in the manual page" "$(sed -n 2p $dir/log)"
sed -n "s/^ *'[^a-z-]*\((--*[a-z1]*)\)*\(--[a-z-]*\)\[.*/\2/p" examples/_misskey-tail | sort | diff $dir/options - >$dir/log
result "options in the completion for zsh" "$(sed -n 2p $dir/log)"
if command -v bash >/dev/null; then
    # completed WORD...: what bash offers for the last of them
    completed() {
        bash -c '. examples/misskey-tail.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _misskey_tail
            printf "%s\n" "${COMPREPLY[@]}"' bash misskey-tail "$@"
    }
    completed -- | sort | diff $dir/options - >$dir/log
    result "options in the completion for bash" "$(sed -n 2p $dir/log)"
    problem=
    [ "$(completed --plain --re | tr '\n' ' ')" = "--record --replay " ] || problem="$(completed --plain --re)"
    [ "$(completed --channel loc)" = localTimeline ] || problem="$problem $(completed --channel loc)"
    [ "$(completed --replay tests/rec)" = tests/recordings ] || problem="$problem $(completed --replay tests/rec)"
    result "completion for bash, values" "$problem"
else
    echo "SKIP tail completion for bash: bash is missing"
fi
if command -v zsh >/dev/null; then
    result "completion for zsh, syntax" "$(zsh -n examples/_misskey-tail 2>&1)"
else
    echo "SKIP tail completion for zsh, syntax: zsh is missing"
fi
if command -v mandoc >/dev/null; then
    result "manual page, mandoc -Tlint" "$(mandoc -Tlint -Wwarning examples/misskey-tail.1 2>&1 | head -n 1)"
else
    echo "SKIP tail manual page, mandoc: it is missing"
fi
if command -v groff >/dev/null && [ -n "$(find /usr/share/groff /usr/local/share/groff -name doc.tmac 2>/dev/null)" ]; then
    result "manual page, groff -ww" "$(groff -ww -mandoc -Tutf8 examples/misskey-tail.1 2>&1 >/dev/null | head -n 1)"
else
    echo "SKIP tail manual page, groff: it is missing"
fi
for code in 0 1 2 3 4 5; do
    grep -q "^\.It $code\$" examples/misskey-tail.1 || result "exit status $code" "is not in the manual page"
done
rm -rf $dir/root
$MAKE -s --no-print-directory install PREFIX=/usr DESTDIR=$dir/root >/dev/null
problem=
for file in bin/misskey-tail include/misskey_stream.h share/man/man1/misskey-tail.1 \
    share/bash-completion/completions/misskey-tail share/zsh/site-functions/_misskey-tail; do
    [ -s $dir/root/usr/$file ] || problem="no $file"
done
result "make install" "$problem"

# the headers of the examples with what a strict user compiles with
for header in timeline net wire show record miauth account; do
    printf '#define _POSIX_C_SOURCE 200809L\n#include "misskey_stream.h"\n#include "examples/%s.h"\nint main(void) { return 0; }\n' \
        $header >$dir/$header.c
    cp $dir/$header.c $dir/$header.cpp
    for compiler in "gcc -std=c99" "clang -std=c99" "g++ -std=c++11" "clang++ -std=c++11"; do
        source=$dir/$header.c
        case $compiler in *++*) source=$dir/$header.cpp ;; esac
        if ! command -v ${compiler%% *} >/dev/null; then
            echo "SKIP tail $header.h, $compiler: ${compiler%% *} is missing"
            continue
        fi
        $compiler -I. -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef -Wcast-qual -Werror \
            -fsyntax-only $source >$dir/log 2>&1
        result "$header.h, $compiler" "$(head -n 1 $dir/log)"
    done
done
exit $failed
