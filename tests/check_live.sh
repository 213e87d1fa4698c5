#!/bin/sh
# build/misskey-tail against build/misskey-serve on loopback: what it shows and records, how it ends, and that it has all
# that it wanted again after the server was restarted. Under AddressSanitizer where the compiler has it.
check=live
. tests/tools/live.sh
tail=$dir/misskey-tail
recordings=tests/recordings
secret=Sekrit0123456789
strict="-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef -Wcast-qual -Werror"

if ! $MAKE -s --no-print-directory build/misskey-serve build/wire_replay build/json_check; then
    echo "FAIL live: the programs do not build"
    exit 1
fi
if gcc -std=c99 -O1 -g $strict -fsanitize=address,undefined -fno-sanitize-recover=all -o $tail examples/tail.c 2>$dir/log
then
    result "misskey-tail builds without a warning, with AddressSanitizer" ""
else
    echo "SKIP live AddressSanitizer: gcc with libasan is missing: $(head -n 1 $dir/log)"
    $MAKE -s --no-print-directory build/misskey-tail && cp build/misskey-tail $tail
fi

# folders DIR: every connection of a recording
folders() {
    find $1 -name client.bin -exec dirname {} \; | sort
}

# captured DIR: ids of the notes that the client captures in the end, of one connection
captured() {
    sed -n 's/.*"send","data":"{\\"type\\":\\"\(u*n*\)\([sS]ubNote\)\\",\\"body\\":{\\"id\\":\\"\([^\\]*\)\\".*/\1 \3/p' \
        $1/messages.jsonl | awk '$1 == "un" { delete on[$2]; next } { on[$1] } END { for (id in on) print id }' | sort
}

# --- what is shown ---

serve --seed 1 --speed 10
out=$dir/refused.out err=$dir/refused.err    # takes 10 seconds: looked at later
begin --plain --channel localTimeline --channel noSuchChannel 127.0.0.1:$port
patient=$client
out=$dir/out err=$dir/err
ends 0 "--count" "" --plain --capture --count 12 127.0.0.1:$port
shows "notes and reactions" "connected" "localTimeline is on" "@" "×1 on @"
problem=
lines=$(grep -c '^[0-9][0-9]:[0-9][0-9]:[0-9][0-9]  ' $dir/out)
[ $lines -eq 15 ] || problem="$lines lines instead of 12 and connected, is on, closed"
result "--count, the output" "$problem"
ends 0 "--filter" "" --plain --capture --filter reacted,unreacted --count 5 127.0.0.1:$port
problem=$(grep -v -e '^..:..:..  [^ ]* ×[0-9]* on @' -e '^..:..:..  unreacted [^ ]* ' -e '  connected$' -e ' is on$' -e '  closed$' $dir/out | head -n 1)
result "--filter, the output" "$problem"
ends 0 "--json" "" --plain --json --capture --count 30 --channel localTimeline --channel 'hashtag:{"q":[["ramen"]]}' \
    127.0.0.1:$port
problem=
while read -r line; do
    printf '%s' "$line" | build/json_check - || problem="no JSON: $line"
done <$dir/out
problem=$problem$(grep -v '^{"t":[0-9]*,"event":"[a-z]*"' $dir/out | head -n 1)
[ "$(grep -c '"event":"message"' $dir/out)" -eq 30 ] || problem="$(grep -c '"event":"message"' $dir/out) messages"
result "--json, the output" "$problem"
shows "--json, the channels" '"event":"open"}' '"event":"ready","channel":"localTimeline"}' \
    '"message","channel":"localTimeline","message":{"type":"channel"' '"closed","code":1000,"error":"OK","reason":""}'
begin --plain --raw --count 5 127.0.0.1:$port
finished
problem=$(grep -v '^{"type":"[a-zA-Z]*","body":{.*}$' $dir/out | head -n 1)
[ "$(wc -l <$dir/out)" -eq 5 ] || problem="$(wc -l <$dir/out) lines"
result "--raw" "$problem"
problem=
grep -q 'misskey-tail: localTimeline is on' $dir/err || problem="$(cat $dir/err)"
result "--raw, the rest on stderr" "$problem"
begin --plain --stats --count 3 127.0.0.1:$port
finished
problem=
grep -q '^misskey-tail: .* ms; 3 shown of .* 1 connections; [1-9][0-9]* bytes received' $dir/err || problem=$(cat $dir/err)
result "--stats" "$problem"
start=$(date +%s%N)
ends 0 "--seconds" "" --plain --seconds 1 localhost:$port
took=$((($(date +%s%N) - start) / 1000000))
problem=
[ $took -ge 1000 ] && [ $took -lt 3000 ] || problem="it took $took ms"
result "--seconds, the time" "$problem"
ends 0 "colours on no terminal" "" --plain --count 1 127.0.0.1:$port
problem=
! grep -q "$(printf '\033')" $dir/out || problem="there are some"
result "no colours on no terminal" "$problem"
if command -v script >/dev/null; then
    script -qec "$tail --plain --count 1 --no-color 127.0.0.1:$port" /dev/null </dev/null >$dir/out 2>&1
    problem=
    ! grep -q "$(printf '\033\\[')" $dir/out || problem="there are some"
    result "--no-color on a terminal" "$problem"
else
    echo "SKIP live --no-color: script (of util-linux) is missing"
fi

until_ 15 grep -q 'noSuchChannel: the server' $dir/refused.out
kill -INT $patient
out=$dir/refused.out err=$dir/refused.err client=$patient
finished
ended 0 "a channel is refused" ""
shows "a channel is refused, what is said" "localTimeline is on" "noSuchChannel: .* no known server has a channel of this"
result "a channel is refused, no advice about the token" "$(grep token-in-query $dir/refused.out)"
out=$dir/out err=$dir/err

# --- how it ends ---

for signal in INT TERM; do
    begin --plain --record $dir/by$signal 127.0.0.1:$port
    until_ 5 grep -q "is on" $dir/out
    kill -$signal $client
    finished
    ended 0 "SIG$signal" ""
    problem=$(grep -c '"op":"close","len":2,"code":1000' $dir/by$signal/control.jsonl)
    [ "$problem" -ne 2 ] || problem=
    result "SIG$signal, one Close 1000 each way" "$problem"
done
$tail --plain 127.0.0.1:$port 2>$dir/err | head -n 1 >$dir/out
result "the output is closed" "$(cat $dir/err)"
$tail --plain --count 1 127.0.0.1:$port >/dev/full 2>$dir/err
status=$?
ended 2 "full disk" "cannot write"
end KILL $server

nobody=$port
ends 3 "nobody listens" "cannot connect to 127.0.0.1 (127.0.0.1) port $nobody: Connection refused" --plain 127.0.0.1:$nobody
ends 3 "unknown name" "cannot look up no-such-host.invalid: " --plain no-such-host.invalid
# a server as people have it: from a browser, in capitals
for address in http://127.0.0.1:$nobody ws://127.0.0.1:$nobody/ ws://127.0.0.1:$nobody/streaming 127.0.0.1:$nobody/ \
    HTTP://127.0.0.1:$nobody; do
    ends 3 "$address" "cannot connect to 127.0.0.1 (127.0.0.1) port $nobody: Connection refused" --plain $address
done
ends 3 "capitals" "cannot look up no-such-host.invalid: " --plain No-Such-Host.INVALID/
for address in https://localhost/ wss://localhost HTTPS://localhost:1; do
    ends 2 "$address with --plain" "is with TLS, --plain is without" --plain $address
done
for address in http://localhost ws://localhost:1/; do
    ends 2 "$address without --plain" "is without TLS: give --plain too" $address
done
for address in http:// http:/localhost ftp://localhost http://localhost/@aoi localhost/notes/9a http://u:p@localhost / \
    "http://local host/" http://localhost//x "ws://localhost/streaming?i=$secret" "localhost?i=$secret" \
    $(awk 'BEGIN { for (i = 0; i < 400; i++) printf "n" }'); do
    ends 2 "no HOST: $(printf %.30s "$address")" "is no HOST" --plain "$address"
    grep $secret $dir/err >>$dir/leaked.out
done
result "a token in an address is not shown" "$(cat $dir/leaked.out)"
: >$dir/leaked.out
for number in 0 65536 70000; do
    ends 2 "port $number" "localhost:$number is no HOST" --plain localhost:$number
done
ends 2 "two hosts" "a second server" --plain localhost localhost
ends 2 "--speed without --replay" "goes with --replay" --plain --speed 1 localhost
ends 2 "--json and --raw" "not both" --plain --json --raw localhost
ends 2 "--json and --raw of a recording" "not both" --json --raw --replay tests/recordings/demo
ends 2 "--channel with bad JSON" "--channel localTimeline: not one valid JSON" --plain --channel localTimeline:{ localhost
ends 2 "--channel without a name" "no name after --channel" --plain localhost --channel
for number in count seconds; do
    ends 2 "--$number 0" "--$number needs a number above 0" --plain localhost --$number 0
done
ends 5 "a channel that needs an account" "main needs an account" --plain --channel main localhost
ends 2 "--token-file that is not there" "cannot read $dir/nothing: No such" --plain --token-file $dir/nothing localhost
: >$dir/token
ends 5 "--token-file that is empty" "no token in $dir/token" --plain --token-file $dir/token localhost
export MISSKEY_TOKEN="Sekrit 0123456789"
ends 5 "MISSKEY_TOKEN with a space" "no token in MISSKEY_TOKEN" --plain localhost
unset MISSKEY_TOKEN
ends 2 "--login without TLS" "needs TLS" --plain --login localhost

# --- the token ---

serve --token $secret
printf '%s\r\n' $secret >$dir/token
ends 0 "--token-file" "" --plain --token-file $dir/token --record $dir/token.rec --json --channel main --seconds 1 127.0.0.1:$port
shows "--token-file, the account's channel" '"event":"ready","channel":"main"'
MISSKEY_TOKEN=$secret $tail --plain --stats --raw --channel main --seconds 1 127.0.0.1:$port >$dir/out 2>$dir/err
result "MISSKEY_TOKEN" "$(grep -q 'main is on' $dir/err || cat $dir/err)"
export MISSKEY_TOKEN=$secret.wrong
ends 5 "a bad token" "the server refuses the token (401" --plain --record $dir/token.bad 127.0.0.1:$port
unset MISSKEY_TOKEN
cat $dir/out $dir/err >>$dir/said
problem=$(find $dir -type f ! -name token ! -name misskey-tail -exec grep -l "${secret%6789}" {} + | head -n 1)
result "the token is nowhere" "${problem:+it is in $problem}"
grep -q '^Authorization: Bearer x*.$' $dir/token.rec/client.bin || result "the token is nowhere" "nor its place in client.bin"

# a server that knows no Authorization: with the header the client is anonymous, and is told so
end KILL $server
serve --era 12.119 --token $secret
old="--plain --token-file $dir/token --channel main 127.0.0.1:$port"
advice="may be older than 13.14 and ignore the token: try --token-in-query"
out=$dir/old.out err=$dir/old.err    # takes 10 seconds: looked at below
begin --seconds 12 --channel localTimeline $old
ignored=$client
out=$dir/json.out err=$dir/json.err
begin --seconds 12 --json $old
ignored_json=$client
printf '%s\n' $secret.wrong >$dir/token.wrong
out=$dir/wrong.out err=$dir/wrong.err
begin --plain --token-in-query --token-file $dir/token.wrong --channel main 127.0.0.1:$port
unanswered=$client
out=$dir/out err=$dir/err
ends 0 "--token-in-query" "" --seconds 1 --token-in-query --record $dir/query.rec $old
shows "--token-in-query, the account's channel" "main is on"
problem=
LC_ALL=C grep -q '^GET /streaming?i=xxxxxxxxxxxxxxxx HTTP/1.1' $dir/query.rec/client.bin || problem="not masked in client.bin"
! grep -r -q $secret $dir/query.rec || problem="it is in $(grep -r -l $secret $dir/query.rec)"
result "--token-in-query, the recording" "$problem"
ends 0 "--token-in-query, --replay" "" --replay $dir/query.rec
shows "--token-in-query, --replay, the output" "s connected$"
ends 5 "--token-in-query without a token" "there is no token" --plain --token-in-query 127.0.0.1:$port
out=$dir/old.out err=$dir/old.err client=$ignored
finished
ended 0 "a server before 13.14" ""
shows "a server before 13.14, what is said" "localTimeline is on" "main: the server does not answer" "$advice"
out=$dir/json.out err=$dir/json.err client=$ignored_json
finished
problem=$(grep -v '^{' $dir/json.out)
grep -q "$advice" $dir/json.err || problem="$problem stderr: $(cat $dir/json.err)"
result "a server before 13.14, --json: the advice is on stderr" "$problem"
out=$dir/wrong.out err=$dir/wrong.err client=$unanswered
finished
ended 3 "--token-in-query, a wrong token" "servers before 13.13 do not answer at all if the token is wrong"
out=$dir/out err=$dir/err
end KILL $server
serve --era 2024.8 --token $secret

# --- restarts ---

# wants DIR: the channels that the client connects, without their ids
wants() {
    sed -n 's/.*"send","data":"{\\"type\\":\\"connect\\".*\\"channel\\":\(.*\),\\"id\\":\\"[0-9.]*\\"\(.*\)}$/\1\2/p' \
        $1/messages.jsonl | sort
}

# Everything that the client wants is back after a SIGKILL, and after a SIGTERM with nobody there for a while.
end KILL $server
serve --seed 5 --speed 8
begin --plain --capture --token-file $dir/token --channel localTimeline --channel main --channel 'hashtag:{"q":[["a"]]}' \
    --record $dir/restart 127.0.0.1:$port
until_ 10 sees 5 '×1 on'
end KILL $server
serve --port $port --seed 6 --speed 8
until_ 20 sees 1 'gap: hashtag'
until_ 10 sees $(($(grep -c '×1 on' $dir/out) + 1)) '×1 on'
end TERM $server
until_ 10 sees 1 'Connection refused'
serve --port $port --seed 7 --speed 8
until_ 30 sees 2 'gap: hashtag'
until_ 10 sees $(($(grep -c '×1 on' $dir/out) + 1)) '×1 on'
kill -INT $client
finished
ended 0 "restarts" ""
shows "restarts, what is said" "  connected$" "localTimeline is on" "main is on" "hashtag is on" "×1 on" \
    "lost: .*; connecting again in [0-9.]* s" "connected again" "localTimeline is on" \
    "gap: localTimeline was off for [0-9.]* s; the last note before it: [0-9a-z]*" "main is on" "gap: main" \
    "hashtag is on" "gap: hashtag" "×1 on" \
    "closed by the server (1001 .*; connecting again in" "Connection refused; connecting again in" "connected again" \
    "gap: localTimeline" "gap: main" "gap: hashtag" "×1 on" "  closed$"
problem=
[ "$(wants $dir/restart | wc -l)" -eq 3 ] || problem="not three channels: $(wants $dir/restart)"
before=$dir/restart
for folder in $dir/restart/attempt-01 $dir/restart/attempt-02; do
    [ "$(wants $folder)" = "$(wants $before)" ] || problem="$folder wants $(wants $folder)"
    captured $before >$dir/before
    captured $folder >$dir/after
    [ "$(wc -l <$dir/before)" -gt 3 ] || problem="only $(wc -l <$dir/before) notes are captured in $before"
    lost=$(comm -23 $dir/before $dir/after | wc -l)
    [ $lost -eq 0 ] || problem="$folder does not capture $lost notes that $before had"
    before=$folder
done
result "restarts, channels and captures" "$problem"

# the account is refused after a restart
begin --plain --token-file $dir/token --channel main 127.0.0.1:$port
until_ 10 sees 1 "main is on"
end KILL $server
serve --port $port --token other
finished
ended 5 "the token is refused after a restart" "the server refuses the token (401"

# the same as JSON
begin --plain --json 127.0.0.1:$port
until_ 10 sees 1 '"ready"'
end KILL $server
until_ 10 sees 1 '"failed"'
serve --port $port
until_ 20 sees 1 '"gap"'
kill -INT $client
finished
ended 0 "a restart, --json" ""
shows "a restart, --json, what is said" '"event":"open"}' '"closed","code":1006,"error":"TRANSPORT","reason":""}' \
    '"event":"retry","delay":[1-9][0-9]*}' '"failed","reason":"cannot connect to 127.0.0.1 .* refused"}' \
    '"event":"retry","delay"' '"event":"open","resumed":true}' '"event":"ready","channel":"localTimeline"}' \
    '"gap","channel":"localTimeline","outage":[1-9][0-9]*,"lastId":' '"closed","code":1000,"error":"OK"'

# a signal while it waits
begin --plain 127.0.0.1:$port
until_ 10 sees 1 "is on"
end KILL $server
until_ 10 sees 1 "connecting again"
kill -TERM $client
finished
ended 0 "SIGTERM between two connections" ""

# --- what a server answers ---

# answered STATUS NAME WORDS RECORDING OPTIONS...: the server plays the recording, from the beginning of the connection
answered() {
    want=$1 name=$2 words=$3
    serve --replay $recordings/$4 --raw --speed 0
    shift 4
    ends $want "$name" "$words" --plain "$@" 127.0.0.1:$port
    end KILL $server
}

answered 5 "403" "or a CDN before it, refuses us (403 Forbidden); is the account suspended?" behind-nginx/refused-403 \
    --token-file $dir/token
answered 5 "403 without a token" "or a CDN before it, refuses us (403 Forbidden)" behind-nginx/refused-403
result "403 without a token, what is said" "$(grep suspended $dir/err)"
answered 5 "401 without a token" "wants a token (401" behind-nginx/refused-401
answered 1 "a redirect" "answers 301 Moved Permanently: go to http" behind-nginx/redirect
answered 1 "200" "answers 200 OK" behind-nginx/ok-200-not-101
answered 3 "502 at first" "no connection in 2 s: the server answers 502" behind-nginx/bad-gateway --seconds 2
shows "502 at first, what is said" "the server answers 502 Bad Gateway; connecting again in"
if command -v node >/dev/null; then
    # says this one frame, given in hex, and nothing more
    cat >$dir/refuse.mjs <<'END'
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
const server = createServer().listen(0, '127.0.0.1', () => console.log(server.address().port))
server.on('upgrade', ({ headers }, socket) => {
  const accept = createHash('sha1').update(`${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`)
  socket.end(Buffer.from(process.argv[2], 'hex'))
})
END
    # closed STATUS NAME WORDS FRAME
    closed() {
        : >$dir/serve.out
        node $dir/refuse.mjs $4 >$dir/serve.out &
        server=$!
        pids="$pids $server"
        until_ 5 test -s $dir/serve.out
        port=$(cat $dir/serve.out)
        ends $1 "$2" "$3" --plain --token-file $dir/token 127.0.0.1:$port
        end KILL $server
    }
    closed 5 "accepted, and closed at once" "closes every connection at once: it refuses the token" 8800
    closed 5 "suspended, Sharkey" "closed by the server (4001 User suspended)" 88100fa1557365722073757370656e646564
else
    echo "SKIP live accepted, and closed at once: node is missing"
fi

# a renote that is deleted is not the note in it
cat >$dir/script <<'END'
event homeTimeline note {"id":"9aaaaaaaa1","userId":"u1","user":{"id":"u1","username":"alice","host":null},"text":"my own"}
wait 700
event homeTimeline note {"id":"9aaaaaaaa2","userId":"u2","user":{"id":"u2","username":"bob","host":"b.example"},"text":null,"renoteId":"9aaaaaaaa1","renote":{"id":"9aaaaaaaa1","userId":"u1","user":{"id":"u1","username":"alice","host":null},"text":"my own"}}
wait 1200
text {"type":"noteUpdated","body":{"id":"9aaaaaaaa2","type":"deleted","body":{}}}
text {"type":"noteUpdated","body":{"id":"9aaaaaaaa1","type":"reacted","body":{"reaction":"👍","userId":"u3"}}}
END
serve --script $dir/script
ends 0 "a deleted renote" "" --plain --capture --channel homeTimeline --token-file $dir/token --seconds 3 127.0.0.1:$port
shows "a deleted renote, what is said" "@alice: my own" "@bob@b.example renoted @alice: my own" \
    "deleted the renote by @bob@b.example of @alice: my own" "👍 ×1 on @alice: my own"
end KILL $server

# the client says nothing for longer than misskey-serve waits for a Close (5 s), then closes
printf 'wait 100\nping 1\nwait 30000\nping 1\n' >$dir/script
serve --script $dir/script
ends 0 "Close after a long silence" "" --plain --seconds 7 127.0.0.1:$port
shows "Close after a long silence is answered" "  closed$"
end KILL $server

# a 403 after a good connection comes from something in between: it is tried again, whatever was shown to the server
printf 'wait 300\nrefuse 403\n' >$dir/script
for shown in "" "--token-file $dir/token"; do
    serve --script $dir/script
    begin --plain --json $shown 127.0.0.1:$port
    until_ 10 grep -q '"code":403,' $dir/out
    shows "403 after a good connection, --json${shown:+, with a token}" '"event":"open"}' '"closed","code":403,' \
        '"event":"retry","delay":[0-9]*}'
    kill -TERM $client
    finished
    ended 0 "403 after a good connection, it goes on${shown:+, with a token}" ""
    end KILL $server
    serve --script $dir/script
    begin --plain $shown 127.0.0.1:$port
    until_ 10 grep -q '(403 ' $dir/out
    kill -TERM $client
    finished
    ended 0 "403 after a good connection, as text${shown:+, with a token}" ""
    shows "403 after a good connection, what is said${shown:+, with a token}" \
        "a CDN before it, refuses us (403 [A-Za-z]*); connecting again in [0-9.]* s"
    end KILL $server
done

# --- the recordings ---

problem=
for folder in $(folders $dir); do
    for role in client server; do
        build/wire_replay --role $role $folder >$dir/replayed 2>$dir/err || problem="$folder: $(cat $dir/err)"
    done
done
result "--record, wire_replay" "$problem"
problem=
for folder in $dir/restart $dir/byINT $dir/token.rec; do
    $tail --replay $folder --json >$dir/out 2>$dir/err || problem="$folder: $(cat $dir/err)"
    messages=$(cat $(find $folder -name messages.jsonl) | grep '"dir":"recv"' | grep -v -c '"type\\":\\"connected')
    [ "$(grep -c '"event":"message"' $dir/out)" -eq $messages ] || problem="$folder: not $messages messages"
done
result "--record, --replay" "$problem"
problem=
for folder in $dir/restart $dir/byINT $dir/token.rec; do
    $tail --replay $folder --json >$dir/out 2>$dir/err
    problem="$problem$(grep '"message":{"type":"channel"' $dir/out | grep -v -m 1 '"message","channel":"[a-zA-Z]*"')"
    [ "$(grep -c '"event":"ready"' $dir/out)" -eq "$(cat $(find $folder -name messages.jsonl) | grep -c '"connected')" ] ||
        problem="$problem $folder: other channels"
done
result "--record, --replay, the channels" "$problem"
result "--record, nobody but the user can read it" "$(find $dir/restart $dir/byINT $dir/query.rec \
    ! \( -type d -perm 700 \) ! \( -type f -perm 600 \) | head -n 1)"
serve
mkdir -m 755 $dir/shared.rec
ends 0 "--record into a folder that others can read" "" --plain --seconds 1 --record $dir/shared.rec 127.0.0.1:$port
result "--record into a folder that others can read, the files" "$(find $dir/shared.rec -type f ! -perm 600)"
mkdir $dir/half.rec
echo kept >$dir/half.rec/messages.jsonl
ends 2 "--record over a part of a recording" "cannot write into $dir/half.rec: File exists" --plain --seconds 1 \
    --record $dir/half.rec 127.0.0.1:$port
result "--record over a part of a recording, which stays" "$([ "$(cat $dir/half.rec/messages.jsonl)" = kept ] || echo "it is gone")"
rm -r $dir/half.rec
end KILL $server
ends 2 "--record over a recording" "there is a recording already" --plain --record $dir/restart 127.0.0.1:$nobody
if command -v node >/dev/null; then
    mkdir $dir/expected
    node tests/tools/expect_replay.mjs $dir/expected 1024 $(folders $dir) >$dir/log 2>&1
    problem=$(head -n 1 $dir/log)
    while read -r number bytes more folder; do
        for role in client server; do
            build/wire_replay --role $role $folder | cmp -s - $dir/expected/$number.$role || problem="$folder: role $role"
        done
        build/wire_replay --framing message $folder | cmp -s - $dir/expected/$number.client.message ||
            problem="$folder: messages.jsonl"
    done <$dir/expected/index 2>/dev/null
    [ -f $dir/expected/index ] && [ "$(wc -l <$dir/expected/index)" -ge 6 ] || problem="only $(wc -l <$dir/expected/index) recordings are compared"
    result "--record, what is decoded" "$problem"
else
    echo "SKIP live --record, what is decoded: node is missing"
fi
exit $failed
