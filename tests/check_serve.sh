#!/bin/sh
# misskey-serve: recordings, scripts, eras, tokens, MiAuth, its end; its ten hostile servers against a client of ours; and
# misskey-epoll with 1000 connections against it, what they cost. Server and clients run under ASan where that is there;
# what is measured is built as make does.
dir=build/serve
recordings=tests/recordings
failed=0
: "${MAKE:=make}"
: "${CC:=cc}"
rm -rf $dir
mkdir -p $dir build/asan
warn="-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef -Wcast-qual -Werror"
sanitize="-g -O1 -DMISSKEY_POISON=1 -fsanitize=address,undefined -fno-sanitize-recover=all"
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null' EXIT

# result NAME PROBLEM: passes if there is no problem
result() {
    if [ -z "$2" ]; then
        echo "PASS serve $1"
    else
        echo "FAIL serve $1: $2"
        failed=1
    fi
}

for compiler in gcc clang; do
    command -v $compiler >/dev/null || { echo "SKIP serve $compiler: missing"; continue; }
    for file in examples/serve.c examples/epoll.c tests/tools/dial.c; do
        result "$file, $compiler without a warning" "$($compiler $warn -fsyntax-only $file 2>&1 | head -n 1)"
    done
done
if ! $MAKE -s --no-print-directory build/misskey-serve build/misskey-epoll build/dial; then
    echo "FAIL serve: misskey-serve, misskey-epoll or dial does not build"
    exit 1
fi
for pair in misskey-serve:examples/serve.c misskey-epoll:examples/epoll.c dial:tests/tools/dial.c; do
    if ! $CC -std=c99 $sanitize -o build/asan/${pair%:*} ${pair#*:} 2>$dir/log; then
        echo "SKIP serve ASan: $CC does not have it"
        cp build/${pair%:*} build/asan/
    fi
done

# start OPTIONS...: a server; its port is in $port
start() {
    rm -f $dir/port
    ${serve:-build/asan/misskey-serve} "$@" >$dir/port 2>$dir/log &
    server=$!
    tries=0
    while [ ! -s $dir/port ] && [ $tries -lt 100 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    port=$(sed -n 's/^listening on 127\.0\.0\.1:\([0-9]*\)$/\1/p' $dir/port)
}

# stop NAME PROBLEM: ends the server as a person would, which may be a problem too; then as result
stop() {
    [ -z "$server" ] || kill -TERM $server
    ended "$@"
}
ended() {
    wait $server
    status=$?
    server=
    trouble=
    [ $status -eq 0 ] || trouble=" misskey-serve ended with $status: $(grep -m 1 -i 'error\|misskey-serve:' $dir/log)"
    [ "$(wc -l <$dir/port)" -eq 1 ] || trouble="$trouble it printed $(wc -l <$dir/port) lines"
    result "$1" "$2$trouble"
}

# dial OPTIONS...: a client; what happened is in $dir/out, its cost in $dir/cost
dial() {
    timeout 30 ${client:-build/asan/dial} "$@" $port >$dir/out 2>$dir/cost
    status=$?
    [ $status -eq 0 ] || echo "the client ended with $status: $(tail -n 1 $dir/cost)"
}

# lacks LINE...: those that $dir/out has not, as whole lines
lacks() {
    for line in "$@"; do
        grep -q -x -F -- "$line" $dir/out || echo "no line '$line' "
    done
}

# shows TEXT COUNT: does it come so often?
shows() {
    n=$(grep -c -- "$1" $dir/out)
    [ "$n" -eq "$2" ] || echo "$n times '$1', not $2 "
}

# --- recordings ---
if command -v node >/dev/null; then
    # texts FOLDER: those of the recorded server
    texts() {
        node -e 'for (const line of require("fs").readFileSync(process.argv[1] + "/messages.jsonl", "utf8").split("\n")) {
            if (line && JSON.parse(line).dir === "recv") console.log("text " + JSON.parse(line).data); }' "$1"
    }
    for name in timelines main-events; do
        texts $recordings/$name >$dir/want
        start --replay $recordings/$name --raw --speed 0
        problem=$(dial --closes 1)
        grep '^text' $dir/out | cmp -s - $dir/want || problem="$problem other texts"
        stop "$name --raw: every text as recorded, then 1000" \
            "$problem$(lacks 'closed 1000 OK end of the recording')"
    done
    texts $recordings/timelines >$dir/want
    start --replay $recordings/timelines --raw --speed 0 --drop-after 150
    problem=$(dial --closes 4)
    grep '^text' $dir/out | cmp -s - $dir/want || problem="$problem other texts"
    stop "--drop-after: nothing twice, nothing lost" "$problem$(shows 'closed 1006 TRANSPORT' 3)"
else
    echo "SKIP serve recordings as texts: node is not installed"
fi
start --replay $recordings/timelines --speed 0
problem=$(dial --token x --channel globalTimeline --closes 1)
stop "a recording on the client's own ids" "$problem$(shows '^text {"type":"channel","body":{"id":"0.1","type":"note"' \
    "$(grep -c '"recv".*\\"channel\\",\\"body\\":{\\"id\\":\\"g' $recordings/timelines/messages.jsonl)")"
start --replay $recordings/main-events --speed 20 --loop --count 1
problem=$(dial --token x --channel main --texts 400)
ended "--loop, --speed, --count" "$problem$(shows '^text' 400)"
start --replay $recordings/handshake/refused-401-bad-bearer
stop "a recorded refusal" "$(dial --closes 1)$(lacks 'closed 401 HTTP_STATUS Unauthorized')"

start --replay $recordings/main-events --raw --speed 5
problem=$(dial --token x --channel main --closes 1)
stop "--raw does not listen" "$problem$(shows '^ready' 0)"

# --- the world ---
start --seed 7 --speed 20 --token secret
problem=$(dial --token secret --channel homeTimeline --channel main --texts 60)
cp $dir/out $dir/first
stop "the world" "$problem"
start --seed 7 --speed 20 --token secret
problem=$(dial --token secret --channel homeTimeline --channel main --texts 60)
cmp -s $dir/out $dir/first || problem="$problem the same seed, another story"
for type in note mention notification unreadNotification; do
    grep -q "\"type\":\"$type\"" $dir/out || problem="$problem no $type"
done
result "the world, twice the same" "$problem"
result "another token is refused" "$(dial --token other --closes 1)$(lacks 'closed 401 HTTP_STATUS Refused')"
problem=$(dial --channel localTimeline --channel main --capture --seconds 3)
[ -z "$(lacks 'not opened main')" ] || problem="$problem main without a token"
grep -q '"noteUpdated".*"reacted"' $dir/out || problem="$problem no reaction"
stop "without a token" "$problem$(lacks 'ready localTimeline')"

# a server that shares timelines, one that does not
for pair in 13.14:1 2024.8:2; do
    start --era ${pair%:*}
    problem=$(dial --channel localTimeline --channel 'localTimeline:{"withFiles":true}' --seconds 1)
    stop "era ${pair%:*}" "$problem$(shows '^ready localTimeline' ${pair#*:})"
done

start --speed 10
(sleep 1; kill -TERM $server) &
problem=$(dial --channel localTimeline --closes 1)
ended "SIGTERM: a Close to every client" "$problem$(lacks 'closed 1001 OK the server goes down')"

if command -v node >/dev/null; then
    start --token secret
    stop "MiAuth" "$(node -e 'const http = require("http"), port = process.argv[1];
        const ask = (method, path, then) => http.request({ port, method, path }, answer => {
            let body = "";
            answer.on("data", data => body += data).on("end", () => then(answer.statusCode, body));
        }).on("error", error => console.log(error.message)).end("{}");
        ask("GET", "/miauth/abc?name=x", (status, body) => {
            if (status !== 200 || !body) console.log("GET", status, body);
            ask("POST", "/api/miauth/abc/check", (status, body) => {
                const { ok, token, user } = JSON.parse(body);
                if (status !== 200 || ok !== true || token !== "secret" || !user.username) console.log(status, body);
            });
        });' $port)"
else
    echo "SKIP serve MiAuth: node is not installed"
fi

# --- scripts ---
cat >$dir/script <<'SCRIPT'
refuse 503 1
# a story
post hello "you" \ 猫
react
react :neko@.:
unreact 👍
post which one?
vote 1
update edited {"cw":null}
event main mention {"id":"x"}
notify follow
repeat 2
  text one
  repeat 3
    text two
  end
end
drop
post after a drop
delete
drop-after 2
post two
post three
ping 1000
slow 2000
post slowly
slow 0
stall 700
post after a stall
close 4001 さようなら
bytes 8103616263
garbage 100
SCRIPT
start --script $dir/script
problem=$(dial --token x --channel localTimeline --channel main --capture --closes 5)
problem=$problem$(lacks 'closed 503 HTTP_STATUS Refused' 'text one' 'text two' 'closed 1006 TRANSPORT' \
    'closed 4001 OK さようなら' 'text abc' 'closed 1002 WS_PROTOCOL')
for pair in '"text":"hello ."you." .. 猫":1' '"reacted":2' '"unreacted":1' '"pollVoted","body":{"choice":1,:1' '^text two:6' \
    '"edited","body":{"cw":null}:1' '"mention","body":{"id":"x"}:1' '"type":"follow":2' '"deleted":1' \
    '"text":"three":1' '"text":"after a stall":1'; do
    problem=$problem$(shows "${pair%:*}" "${pair##*:}")
done
stop "a script" "$problem"
printf 'post cut short\ndrop\nreact\nclose 1000\n' >$dir/script
start --script $dir/script --loop
problem=$(dial --channel localTimeline --capture --closes 4)
stop "a script again and again" "$problem$(shows '"text":"cut short"' 2)$(shows '"reacted"' 2)"

# unusable WORDS OPTIONS...: one line that names what is wrong, exit status 2
unusable() {
    words=$1
    shift
    build/asan/misskey-serve "$@" >$dir/out 2>$dir/log
    status=$?
    problem=
    [ $status -eq 2 ] || problem="exit status $status"
    [ "$(wc -l <$dir/log)" -eq 1 ] && grep -q -- "$words" $dir/log || problem="$problem: $(head -n 3 $dir/log)"
    result "unusable: $* ($words)" "$problem"
}
unusable 'no enemy nobody' --hostile nobody
unusable 'no era 9' --era 9
unusable 'needs a number' --port x
unusable 'nothing: unknown' --nothing
unusable 'only one of' --hostile deep --replay $recordings/timelines
unusable 'messages.jsonl' --replay $dir
while IFS=: read -r line words; do
    echo "$line" >$dir/wrong
    unusable "$words" --script $dir/wrong
done <<'LINES'
dance:no command dance
wait x:needs a number
text:needs a text
bytes 8:needs pairs of hexadecimal digits
refuse 7:a status is from 200 to 599
close 99:a code is 1000 to 1003
event main x {:no words with JSON behind them
end:no repeat before this end
repeat 3:a repeat has no end
LINES

# --- hostile servers: the line that says what happened, and memory as with a peaceful one ---
client=build/dial
start --speed 20
problem=$(dial --channel localTimeline --texts 20)
peaceful=$(sed 's/.*, \([0-9]*\) KiB$/\1/' $dir/cost)
stop "a peaceful server, $peaceful KiB" "$problem"
while read -r name options lines; do
    for client in build/asan/dial build/dial; do
        start --hostile $name
        problem=$(dial $(echo "$options" | tr , ' '); IFS='|'; lacks $lines)
        used=$(sed 's/.*, \([0-9]*\) KiB$/\1/' $dir/cost)
        cost=$(sed 's/, [^,]*$//' $dir/cost)
        [ $client != build/dial ] || [ "$used" -le $((peaceful + 1536)) ] ||
            problem="$problem $used KiB of memory, $peaceful is usual"
        stop "hostile $name, $client: $lines ($cost)" "$problem"
    done
done <<'HOSTILE'
endless-head --closes,1 closed 0 TOO_BIG
slow-head --closes,1,--handshake,1500 closed 0 TIMEOUT
bad-accept --closes,1 closed 101 WS_ACCEPT
huge --closes,1 open|closed 1009 TOO_BIG
fragments --closes,1,--rx,65536 open|closed 1009 TOO_BIG
pings --seconds,2 open
half-frame --closes,1,--ping,500,--pong,500 open|closed 1006 TIMEOUT
noise --closes,1 open|closed 1002 WS_PROTOCOL
deep --seconds,1 open|text {"type":"emojiAdded","body":{}}
close-data --closes,1 open|closed 1000 OK bye
HOSTILE
client=

# --- the same against misskey-tail, all at once: what it says, and how it ends ---
# tailed NAME SECONDS STATUS WORDS
tailed() {
    dir=$dir/$1
    mkdir -p $dir
    start --hostile $1
    timeout 40 build/misskey-tail --plain --seconds $2 127.0.0.1:$port </dev/null >$dir/out 2>&1
    status=$?
    problem=
    [ $status -eq $3 ] || problem="exit status $status instead of $3"
    grep -q -F -- "$4" $dir/out || problem="$problem '$4' is not in: $(tail -n 1 $dir/out | cut -c 1-200)"
    stop "misskey-tail, hostile $1: $4" "$problem"
}
if $MAKE -s --no-print-directory build/misskey-tail >$dir/log 2>&1; then
    while read -r name seconds status words; do
        tailed $name $seconds $status "$words" >$dir/$name.result 2>&1 &
    done <<'HOSTILE'
endless-head 5 1 a message or a head line is larger than the limit
slow-head 12 3 no answer from 127.0.0.1 in time
bad-accept 5 1 the 101 answer does not fit the request
huge 3 0 a message or a head line is larger than the limit: raise max_message or the receive memory; connecting again
fragments 3 0 a message or a head line is larger than the limit: raise max_message or the receive memory; connecting again
pings 3 0 connected
half-frame 3 0 connected
noise 3 0 the peer broke RFC 6455: report it to its operator; connecting again
deep 3 0 emojiAdded {}
close-data 3 0 closed by the server (1000 bye); connecting again
HOSTILE
    wait
    cat $dir/*.result
    [ "$(cat $dir/*.result | grep -c '^PASS ')" -eq 10 ] || failed=1
else
    result "misskey-tail" "does not build: $(head -n 1 $dir/log)"
fi

# --- a thousand connections ---
if [ "$(uname -s)" != Linux ]; then
    echo "SKIP serve misskey-epoll: not Linux"
    exit $failed
fi
start --replay $recordings/timelines --speed 0 --loop
timeout 60 build/asan/misskey-epoll --connections 50 --messages 5000 127.0.0.1:$port >$dir/out 2>&1
status=$?
problem=
[ $status -eq 0 ] || problem="exit status $status: $(head -n 3 $dir/out)"
grep -q '^50 of 50 connections open, 0 lost, 5[0-9]* messages' $dir/out || problem="$(tail -n 1 $dir/out)"
stop "misskey-epoll under ASan" "$problem"

# A server that keeps one connection at a time for 3 s, then as many as come: they count as connected when both are open.
if command -v node >/dev/null; then
    cat >$dir/one.mjs <<'END'
import { createServer } from 'node:http'
import { createHash } from 'node:crypto'
const begun = Date.now(), open = new Set()
const frame = text => Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)])
const server = createServer()
server.on('upgrade', (request, socket) => {
  const key = request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
  if (Date.now() - begun < 3000) for (const other of open) other.destroy()
  open.add(socket.on('close', () => open.delete(socket)).on('error', () => {}))
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ' +
    createHash('sha1').update(key).digest('base64') + '\r\n\r\n')
  socket.on('data', data => {
    const text = Buffer.from(data.subarray(6).map((byte, i) => byte ^ data[2 + i % 4])).toString()
    const id = /"id":"([^"]*)"/.exec(text)?.[1]
    if (id) socket.write(frame(`{"type":"connected","body":{"id":"${id}"}}`))
  })
})
setInterval(() => {
  for (const socket of open) socket.write(frame('{"type":"emojiAdded","body":{}}'))
  if (Date.now() - begun >= 3000) console.error(`${open.size} open`)
}, 50)
server.listen(0, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${server.address().port}`))
END
    : >$dir/port
    node $dir/one.mjs >$dir/port 2>$dir/log &
    server=$!
    for i in 1 2 3 4 5 6 7 8 9 10; do [ -s $dir/port ] || sleep 0.2; done
    timeout 20 build/asan/misskey-epoll --connections 2 --messages 3 "$(sed -n 's/^listening on //p' $dir/port)" \
        >$dir/out 2>&1
    status=$?
    kill $server
    server=
    problem=
    [ $status -eq 0 ] && grep -q '^2 of 2 connections open, 0 lost, ' $dir/out || problem="exit status $status: $(cat $dir/out)"
    grep -q '^2 open' $dir/log || problem="it ended before both connections were open: $(cat $dir/out)"
    result "misskey-epoll counts connections that are open" "$problem"
else
    echo "SKIP serve misskey-epoll counts connections: node is missing"
fi

if [ "$(ulimit -H -n)" != unlimited ] && [ "$(ulimit -H -n)" -lt 1100 ]; then
    echo "SKIP serve 1000 connections: ulimit -H -n is $(ulimit -H -n)"
    exit $failed
fi
serve=build/misskey-serve
start --replay $recordings/timelines --speed 0 --loop

# Instructions of this process are the same whatever else the machine does: they decide. each CONNECTIONS: those of a
# message, as the difference of two runs, so that connecting is not counted.
each() {
    for n in 20000 60000; do
        timeout 100 valgrind --tool=callgrind --callgrind-out-file=/dev/null build/misskey-epoll --connections $1 \
            --messages $n 127.0.0.1:$port 2>&1 | sed -n 's/.* lost, \([0-9]*\) messages.*/\1/p; s/.*Collected : //p'
    done | tr '\n' ' ' | awk 'NF == 4 { printf "%.0f", ($4 - $2) / ($3 - $1) }'
}
if valgrind --tool=none true >/dev/null 2>&1; then
    one=$(each 1)
    many=$(each 1000)
    result "1000 connections: instructions per message with one $one, with 1000 $many" "$(echo "$one $many" | awk '
        NF != 2 { print "no figures" }
        NF == 2 && $2 > 1.3 * $1 { print "more than 1.3 times" }')"
else
    echo "SKIP serve 1000 connections, instructions: valgrind is missing or does not work"
fi

# cost CONNECTIONS FILE: CPU microseconds per message and bytes per connection, one more line of FILE
cost() {
    timeout 60 build/misskey-epoll --connections $1 --messages 100000 127.0.0.1:$port >$dir/out 2>&1 || cat $dir/out >&2
    sed -n 's/^.*), \(.*\) us .* connection: \([0-9]*\) bytes, \([0-9]*\) .*/\1 \2 \3/p' $dir/out >>$2
}
# least FILE: of several runs, which leaves out most of what else the machine does
least() { sort -n $1 | head -n 1; }
begun=$(date +%s)
for i in 1 2 3 4 5 6; do
    cost 1 $dir/one.cost
    cost 1000 $dir/many.cost
    [ $i -lt 3 ] || echo "$(least $dir/one.cost) $(least $dir/many.cost)" | awk '{ exit $4 <= 1.3 * $1 }' || break
done
took=$((($(date +%s) - begun) / i))
one=$(least $dir/one.cost)
many=$(least $dir/many.cost)
# Times say how much of the 1.3 a machine with other neighbours keeps: its caches, and the kernel's. Twice is a defect.
problem=$(echo "$one $many" | awk -v took=$took '
    NF != 6 { print "no figures: " $0; exit }
    $4 > 2 * $1 { print $4 " us of CPU per message, with one connection " $1 }
    $5 > 1024 || $6 > 1024 { print $5 " bytes per connection, " $6 " measured" }
    took > 40 { print "a run took " took " s" }')
stop "1000 connections: us per message, bytes, measured: with one $one, with 1000 $many" "$problem"
exit $failed
