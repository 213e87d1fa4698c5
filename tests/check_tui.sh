#!/bin/sh
# misskey-tui, built with sanitizers: the picture in README, what it does with its options and with hostile notes, and its
# screen in a terminal emulator (tmux) at 80x24 and 200x50: what stands where, keys, sizes, signals, a server that dies.
# After a wanted change of the picture: UPDATE=1 sh tests/check_tui.sh, then look at it.
# tmux counts some emoji otherwise than terminals do that know them (a keycap as 1 column); misskey-tui tells the cursor
# where to go behind each of them, so the borders are where they belong in spite of that. That is what is tested here.
dir=build/tui
tui=$dir/misskey-tui
demo=tests/recordings/demo
small=tests/recordings/cut-off/c
failed=0
: "${MAKE:=make}"
unset MISSKEY_TOKEN
export XDG_CONFIG_HOME=$PWD/$dir/config
PATH=$PATH:/usr/sbin    # stunnel4
rm -rf $dir
mkdir -p $dir
command -v gcc >/dev/null || { echo "SKIP tui: gcc is missing"; exit 0; }
if ! gcc -std=c99 -O1 -g -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef -Wcast-qual -Werror \
    -fsanitize=address,undefined -fno-sanitize-recover=all -o $tui examples/tui.c; then
    echo "FAIL tui: does not build"
    exit 1
fi

# result NAME PROBLEM: passes if there is no problem
result() {
    if [ -z "$2" ]; then
        echo "PASS tui $1"
    else
        echo "FAIL tui $1: $2"
        failed=1
    fi
}

# --- without a terminal ---

problem=
[ -z "$UPDATE" ] || sh tests/tools/tui_svg.sh $tui >examples/tui.svg
sh tests/tools/tui_svg.sh $tui >$dir/tui.svg 2>$dir/err || problem="exit status is not 0: $(head -n 1 $dir/err)"
cmp -s $dir/tui.svg examples/tui.svg || problem="another one: line $(cmp $dir/tui.svg examples/tui.svg | sed 's/.* //')"
result "examples/tui.svg" "$problem"

# ends STATUS WHAT WORDS OPTIONS...: exit status; unless it is 0, one line on stderr, which has the words in it
ends() {
    want=$1 what=$2 words=$3
    shift 3
    $tui "$@" >$dir/out 2>$dir/err </dev/null
    status=$?
    problem=
    [ $status -eq "$want" ] || problem="exit status $status instead of $want: $(head -n 1 $dir/err)"
    if [ "$want" -ne 0 ]; then
        [ "$(wc -l <$dir/err)" -eq 1 ] && grep -q -- "$words" $dir/err || problem="stderr: $(cat $dir/err)"
    fi
    result "$what" "$problem"
}
spoil() {
    rm -rf $dir/spoiled
    cp -r $small $dir/spoiled
    chmod -R u+w $dir/spoiled
}
echo secret >$dir/token
: >$dir/empty
ends 0 "--help" "" --help
ends 2 "nothing to do" "give HOST or --replay DIR"
ends 2 "both" "give HOST or --replay DIR" localhost --replay $small
ends 2 "unknown option" "unknown option --frames" --frames 3
ends 2 "nothing after" "nothing after --replay" --replay
ends 2 "no file after --ca" "nothing after --ca" localhost --ca
ends 2 "no TLS" "built without TLS" localhost --ca $dir/token
ends 2 "--speed 0" "number above 0" --replay $small --speed 0
ends 2 "--svg 19x5" "20x5 to 999x999" --replay $small --svg 19x5
ends 2 "--svg 80" "20x5 to 999x999" --replay $small --svg 80
ends 2 "--svg live" "needs --replay" localhost --plain --svg 80x24
ends 2 "no terminal" "needs a terminal" --replay $small
ends 2 "no address" "is no HOST" local:host --plain
ends 2 "no token file" "cannot read $dir/missing" localhost --plain --token-file $dir/missing
ends 2 "empty token file" "no token in $dir/empty" localhost --plain --token-file $dir/empty
ends 2 "no token for the query" "there is no token" localhost --plain --token-in-query
ends 2 "a token for a recording" "need a server" --replay $small --token-file $dir/token
ends 2 "missing folder" "cannot open the folder" --replay $dir/missing --svg 80x24
spoil
rm $dir/spoiled/chunks.jsonl
ends 2 "no chunks.jsonl" "has no chunks.jsonl" --replay $dir/spoiled --svg 80x24
spoil
printf x >>$dir/spoiled/server.bin
ends 1 "server.bin too long" "ends before server.bin" --replay $dir/spoiled --svg 80x24
spoil
sed 's/"off":129,"len":40/"off":128,"len":40/' $small/chunks.jsonl >$dir/spoiled/chunks.jsonl
ends 1 "chunks.jsonl leaves the order" "does not fit server.bin" --replay $dir/spoiled --svg 80x24

bad= count=0
for folder in $(find tests/recordings -name 'client.bin*' -exec dirname {} \; | sort); do
    count=$((count + 1))
    $tui --replay "$folder" --svg 80x24 >$dir/out 2>$dir/err || bad="$folder: $(head -n 1 $dir/err)"
    LC_ALL=C tr -d '\n\040-\176\200-\377' <$dir/out >$dir/controls
    [ ! -s $dir/controls ] || bad="$folder: control characters in the picture"
done
result "every recording ($count)" "$bad"
bad=
for size in 20x5 21x6 59x7 60x8 61x999 999x5; do
    $tui --replay tests/recordings/timelines --svg $size >$dir/out 2>$dir/err || bad="$size: $(head -n 1 $dir/err)"
done
result "sizes" "$bad"

# --- in a terminal ---

command -v tmux >/dev/null || { echo "SKIP tui, in a terminal: tmux is missing"; exit $failed; }
LC_ALL=C.UTF-8 TZ=JST-9
export LC_ALL TZ
terminals=0
server=
t() { tmux -L check_tui_$$_$terminals -f /dev/null "$@"; }
trap 't kill-server 2>/dev/null; [ -z "$server" ] || kill $server 2>/dev/null' EXIT
trap 'exit 1' INT TERM
screen() { t capture-pane -p "$@"; }
shows() { screen | grep -q -e "$1"; }
keys() { t send-keys "$@"; }

# wait_for SECONDS COMMAND...: until the command succeeds
wait_for() {
    tries=$(($1 * 20))
    shift
    while [ $tries -gt 0 ]; do
        "$@" && return 0
        sleep 0.05
        tries=$((tries - 1))
    done
    return 1
}

# type LINE: to the shell; begin COLUMNS ROWS: a new shell, its screen and terminal settings noted
type() { keys -l "$1"; keys Enter; }
begin() {
    t kill-server 2>/dev/null
    terminals=$((terminals + 1))
    t new-session -d -x "$1" -y "$2" "env PS1='$ ' sh"
    wait_for 5 shows '^\$'
    type "echo before; stty -g >$dir/stty"
    wait_for 5 shows '^before' || echo "tmux: no shell"
}

# columns_of LINE: where its borders stand, as tmux counts. Its #{w:} adds up the parts of an emoji that it draws as one
# character: what follows a U+200D is left out.
columns_of() {
    rest=$(printf '%s' "$1" | LC_ALL=C sed 's/\xE2\x80\x8D\(\xE2..\|\xF0...\)//g') text= columns=
    while [ "${rest#*│}" != "$rest" ]; do
        text=$text${rest%%│*}
        t set -g @text "$text"
        columns="$columns $(t display -p '#{w:@text}')"
        text="${text}|"
        rest=${rest#*│}
    done
    printf '%s' "$columns"
}

# borders COLUMNS: every line between the bars has its borders there
borders() {
    problem=
    screen >$dir/screen
    number=1
    sed '1d; $d' $dir/screen >$dir/lines
    while IFS= read -r line; do
        number=$((number + 1))
        found=$(columns_of "$line")
        [ "$found" = "$1" ] || problem="line $number has its borders in$found instead of$1: $line"
    done <$dir/lines
    [ $number -gt 20 ] || problem="only $number lines"
    echo "$problem"
}

# quit: back to the shell, which listens again
quit() {
    rm -f $dir/back
    keys q
    wait_for 5 is 0 t display -p '#{alternate_on}'
    type "echo back >$dir/back"
    wait_for 5 test -s $dir/back
}

fits() { [ -z "$(borders "$1")" ]; }

# Ten lines of the first column; of the others. is TEXT COMMAND..., is_not: does it print this?
column() { screen | sed -n '3,12s/│.*//p'; }
others() { screen | sed -n '3,12s/^[^│]*│//p'; }
is() { text=$1; shift; [ "$("$@")" = "$text" ]; }
is_not() { ! is "$@"; }

# sane: the shell's screen is back, the terminal is as it was, and the shell listens. Prints the problem.
sane() {
    rm -f $dir/stty_after $dir/back
    wait_for 5 is "0 1 1" t display -p '#{alternate_on} #{cursor_flag} #{wrap_flag}' || { echo "modes"; return; }
    type "stty -g >$dir/stty_after; echo back >$dir/back"
    wait_for 5 test -s $dir/back || { echo "the shell does not answer: $(screen | tail -n 3)"; return; }
    cmp -s $dir/stty $dir/stty_after || echo "stty: $(cat $dir/stty_after) instead of $(cat $dir/stty)"
    ! shows 'q quit' || echo "its screen is still there"
}

for size in 80x24 200x50; do
    w=${size%x*} h=${size#*x}
    begin $w $h
    type "$tui --replay tests/recordings/bulk --speed 1000 2>$dir/err"
    wait_for 20 shows 'end of the recording'
    edges=" $(((w + 1) / 3 - 1)) $((2 * (w + 1) / 3 - 1))"
    result "$size borders" "$(borders "$edges")"
    problem=
    [ "$(screen | wc -l)" -eq $h ] || problem="$(screen | wc -l) lines"
    screen | sed -n 1p | grep -q '^ misskey-tui .* misskey.local:3002  end of the recording .* 863 messages$' ||
        problem="$(screen | sed -n 1p)"
    screen | sed -n 2p | grep -q '^ Home  *│ Local  *│ Notifications *$' || problem="$(screen | sed -n 2p)"
    screen | sed -n ${h}p | grep -q 'q quit' || problem="$(screen | sed -n ${h}p)"
    result "$size bars" "$problem"

    # the first column is active; each key and what it does
    problem=
    first=$(column) second=$(others)
    keys j
    wait_for 3 is_not "$first" column || problem="j does nothing"
    [ "$(column | sed '$d')" = "$(echo "$first" | sed 1d)" ] || problem="j does not scroll by a line"
    [ "$(others)" = "$second" ] || problem="j scrolls another column"
    keys k
    wait_for 3 is "$first" column || problem="k does not scroll back"
    keys G
    wait_for 3 shows '^ Home ▲ [0-9][0-9]*' || problem="G does not go to the oldest"
    oldest=$(column)
    keys NPage Down j
    sleep 0.2
    [ "$(column)" = "$oldest" ] || problem="beyond the oldest"
    keys PPage
    wait_for 3 is_not "$oldest" column || problem="PgUp does nothing"
    keys g
    wait_for 3 is "$first" column || problem="g does not go to the newest"
    shows '^ Home  *│' || problem="g does not go to the newest"
    keys Tab Down
    wait_for 3 is_not "$second" others || problem="after Tab the second column is not scrolled"
    [ "$(column)" = "$first" ] || problem="after Tab the first column is scrolled"
    keys BTab
    keys -H 1b 5b 31 3b 32 42   # a key that it does not know
    keys Escape x
    sleep 0.2
    [ "$(column)" = "$first" ] || problem="an unknown key does something"
    result "$size keys" "$problem"

    t resize-window -x 120 -y 30
    wait_for 1 fits " 39 79"
    result "$size resized to 120x30" "$(borders " 39 79")"
    t resize-window -x 40 -y 30
    problem=
    wait_for 3 shows '^ Home *$' && ! shows '│' || problem="not one timeline: $(screen | sed -n 2,4p)"
    keys Tab
    wait_for 3 shows '^ Local' || problem="Tab does not show the next one"
    result "$size resized to 40x30" "$problem"
    keys q
    result "$size quit" "$(sane)"
    [ ! -s $dir/err ] || result "$size sanitizers" "$(head -n 3 $dir/err)"
done

for signal in INT TERM HUP QUIT ABRT SEGV; do
    begin 80 24
    type "ASAN_OPTIONS=handle_segv=0:handle_abort=0 $tui --replay $demo 2>$dir/err"
    wait_for 10 shows '^ Home'
    pid=$(t display -p '#{pane_pid}')
    kill -$signal "$(ps -o pid= --ppid "$pid" | tr -d ' ')"
    result "signal $signal" "$(sane)"
done
begin 80 24
type "$tui --replay $demo"
wait_for 10 shows '^ Home'
keys C-z
wait_for 5 shows '^before'
problem=
[ "$(t display -p '#{alternate_on} #{cursor_flag}')" = "0 1" ] || problem="Ctrl-Z leaves the screen as it was"
type fg
wait_for 5 shows '^ Home' || problem="nothing is drawn after fg"
keys C-c
[ -n "$problem" ] || problem=$(sane)
result "Ctrl-Z, fg, Ctrl-C" "$problem"

# a reaction that counts up, seen while it does
begin 200 50
type "$tui --replay $demo --speed 8"
: >$dir/seen
wait_for 10 shows '^ Home'
for try in $(seq 1000); do
    ! shows 'end of the recording' || break
    screen | sed 's/│.*//' | grep -o ':neko@remote.example: [0-9]*' | sort | tail -n 1 >>$dir/seen
done
problem=
[ "$(uniq $dir/seen | sed 's/.* //' | tr '\n' ' ')" = "1 2 3 " ] || problem="seen: $(uniq $dir/seen | tr '\n' ' ')"
result "reactions count up" "$problem"
screen -e | grep -q '38;5;' && problem= || problem="no colours"
result "colours" "$problem"
quit
type "NO_COLOR=1 $tui --replay $demo --speed 1000"
wait_for 10 shows 'end of the recording'
screen -e | grep -q '8;5;' && problem="colours" || problem=
result "NO_COLOR" "$problem"

# --- servers ---

# wire FOLDER: of a recording that is still like this one, in which the server sends the texts of standard input, one a
# line (padded, so that all lengths have one form)
wire() {
    rm -rf $dir/spoiled
    cp -r "$1" $dir/spoiled
    chmod -R u+w $dir/spoiled
    head -c 129 "$1/server.bin" >$dir/spoiled/server.bin
    while IFS= read -r text; do
        printf '%-126s' "$text" >$dir/text
        size=$(wc -c <$dir/text)
        printf "\201\176\\$(printf %o $((size / 256)))\\$(printf %o $((size % 256)))"
        cat $dir/text
    done >>$dir/spoiled/server.bin
    grep '"send"' "$1/chunks.jsonl" >$dir/spoiled/chunks.jsonl
    printf '{"t":9,"dir":"recv","off":0,"len":%d}\n' "$(wc -c <$dir/spoiled/server.bin)" >>$dir/spoiled/chunks.jsonl
}

# every text hostile: escape sequences, C1, line separators, changes of direction, lone marks; numbers without measure
evil='\\u001b[31m\\u009b2J\\u0007\\b\\r\\u2028\\u202e\\u2066\\u0000\\u007f\\u200d\\u0301'
user='{"username":"EVIL","name":"EVIL","host":"EVIL"}'
note='{"id":"ID","text":"EVIL","cw":CW,"visibility":"EVIL","user":USER,"files":[{"name":"EVIL","comment":"EVIL"}],'
note=$note'"reactions":{"EVIL":1,":EVIL@.:":9223372036854775807},"poll":{"choices":[{"text":"EVIL","votes":-1}]},'
note=$note'"reply":{"text":"EVIL","user":USER},"renote":{"text":"EVIL","user":USER}}'
notification='{"id":"ID","type":"EVIL","reaction":"EVIL","message":"EVIL","body":"EVIL","user":USER,"note":NOTE}'
fill_in() { sed "s/NOTE/$note/; s/USER/$user/g; s/ID/$1/; s/CW/$2/; s/EVIL/$evil/g"; }
on_channel() { printf '{"type":"channel","body":{"id":"%s","type":"%s","body":%s}}\n' "$1" "$2" "$(cat)"; }

# harmless NAME FOLDER: of what the terminal gets, only the program's own escape sequences are left
harmless() {
    begin 80 24
    t pipe-pane -o "cat >$dir/bytes"
    type "$tui --replay $dir/spoiled"
    wait_for 10 shows 'end of the recording'
    keys q
    problem=$(sane)
    LC_ALL=C sed 's/\x1B\[[?0-9;]*[hlmHJ]//g' $dir/bytes >$dir/rest
    LC_ALL=C tr -d '\r\n\040-\176\200-\377' <$dir/rest >$dir/controls
    [ ! -s $dir/controls ] || problem="control characters reach the terminal"
    for raw in '\302\233' '\342\200\250' '\342\200\256' '\342\201\246'; do
        ! LC_ALL=C grep -q "$(printf "$raw")" $dir/rest || problem="$raw reaches the terminal"
    done
    [ "$(grep -c '\[31m' $dir/rest)" -ge 1 ] || problem="the texts are missing"
    result "$1" "$problem"
}
{
    echo "$note" | fill_in a null | on_channel 1 note
    echo "$note" | fill_in b '"EVIL"' | on_channel 1 note
} | wire $small
harmless "hostile notes"
echo "$notification" | fill_in c null | on_channel m notification | wire tests/recordings/handshake/ok-bearer
harmless "hostile notification"

# content warnings: c opens them one after the other, then closes all
warned() { printf '{"id":"%s","text":"hidden %s","cw":"warned","user":{"username":"u"}}\n' "$1" "$1"; }
{
    warned n1 | on_channel 1 note
    echo '{"id":"n2","text":"plain","user":{"username":"u"}}' | on_channel 1 note
    warned n3 | on_channel 1 note
    echo "{\"id\":\"n4\",\"text\":\"quoting\",\"user\":{\"username\":\"u\"},\"renoteId\":\"n5\",\"renote\":$(warned n5)}" |
        on_channel 1 note
} | wire $small
begin 80 24
type "$tui --replay $dir/spoiled 2>$dir/err"
wait_for 10 shows 'end of the recording'
hidden() { screen | grep -o 'hidden n[0-9]' | tr '\n' ' '; }
problem=
keys c
sleep 0.2
is "" hidden || problem="c opens what is in another column"
keys Tab
for want in "hidden n5 " "hidden n5 hidden n3 " "hidden n5 hidden n3 hidden n1 " "" "hidden n5 "; do
    keys c
    wait_for 3 is "$want" hidden || problem="$problem; '$(hidden)' instead of '$want'"
done
[ "$(screen | grep -c 'CW: warned')" -eq 3 ] || problem="$problem; the warnings are not shown"
t resize-window -x 80 -y 9
bar_at() { screen | sed -n "${1}p" | grep -q '^ Tab'; }
wait_for 3 bar_at 9
keys j j j j j
wait_for 3 shows '^[^│]*│ Local ▲ 1' || problem="$problem; not scrolled: $(screen)"
keys c
wait_for 3 is "hidden n3 " hidden || problem="$problem; '$(hidden)' instead of what is on the screen"
keys g
t resize-window -x 80 -y 24
wait_for 3 bar_at 24
wait_for 3 is "hidden n5 hidden n3 " hidden || problem="$problem; scrolling closes what is open"
shows 'c CW ' || problem="$problem; the bar does not name the key"
result "content warnings" "$problem"
keys q
result "content warnings, quit" "$(sane)$(head -n 3 $dir/err)"

# live: a server that dies and comes back
if ! $MAKE -s --no-print-directory build/misskey-serve; then
    result "live" "build/misskey-serve does not build"
    exit 1
fi
# serve PORT SPEED OPTIONS...
serve() {
    : >$dir/serve.log
    port=$1 speed=$2
    shift 2
    build/misskey-serve --port "$port" --token secret --speed "$speed" "$@" >$dir/serve.log 2>&1 &
    server=$!
    wait_for 5 grep -q '^listening on ' $dir/serve.log
    address=$(sed -n 's/^listening on //p' $dir/serve.log)
}
serve 0 20
begin 80 24
type "$tui $address --plain --token-file $dir/token 2>$dir/err"
problem=
wait_for 20 shows '^ misskey-tui  ● 127.0.0.1  connected ' || problem="not connected: $(screen | head -n 1)"
notification_comes() { screen | sed -n '3,23s/.*│//p' | grep -q '[0-9]:[0-9]'; }
reaction_comes() { screen -e | grep -q '48;5;238m [^ ]* [1-9]'; }
wait_for 20 notification_comes || problem="no notification"
wait_for 20 reaction_comes || problem="no reaction"
result "live" "$problem"
kill -KILL $server
wait $server 2>/dev/null
wait_for 5 shows '^ misskey-tui  ● 127.0.0.1  again in [0-9.]* s: .*\(lost\|connect\)' && problem= ||
    problem="no word of the outage: $(screen | head -n 1)"
result "live, the server is gone" "$problem"
sleep 1
serve "${address#*:}" 0.2    # slow: the gaps stay on the screen
gaps() { [ "$(screen | grep -o '── gap of [0-9.]* s ─' | wc -l)" -eq 3 ]; }
wait_for 20 gaps && problem= || problem="not three gaps: $(screen | grep -c gap) lines with some"
result "live, gaps" "$problem"
keys q
problem=$(sane)
[ -n "$problem" ] || problem=$(head -n 3 $dir/err)
result "live, quit" "$problem"
type "$tui $address --plain 2>$dir/err"
wait_for 20 shows '^ Local *$' && ! shows '│' && problem= || problem="without a token: $(screen | head -n 3)"
quit
result "live, without a token" "$problem"
type "MISSKEY_TOKEN=secret $tui $address --plain 2>$dir/err"
wait_for 20 shows '^ Home .*│ Notifications *$' && problem= || problem="$(screen | head -n 3)"
quit
result "live, the token of the environment" "$problem"

# trouble WHAT WORDS OPTIONS...: the bar says it, and the columns as well; nobody waits for a connection
trouble() {
    what=$1 words=$2
    shift 2
    type "$tui $* 2>$dir/err"
    problem=
    wait_for 20 shows "^ misskey-tui  ● [^ ]*  \(again in [0-9.]* s: \)\?$words" || problem=$(screen | head -n 1)
    # each column says as much as its first line holds
    screen | sed -n 3p | grep -q '^ [a-zT]' || problem="the column: $(screen | sed -n 3,6p)"
    ! shows 'Connecting' || problem="it says Connecting"
    quit
    result "live, $what" "$problem"
}
echo wrong >$dir/token.wrong
t resize-window -x 200 -y 24
trouble "wrong token" "the server refuses the token (401" $address --plain --token-file $dir/token.wrong
trouble "nobody listens" "cannot connect to 127.0.0.1 (127.0.0.1) port 1: " 127.0.0.1:1 --plain
trouble "no such name" "cannot look up nobody.invalid: " nobody.invalid --plain
kill $server
wait $server 2>/dev/null

# a server before 13.14 takes everybody who shows the token in the header for anonymous
serve 0 20 --era 12.119
type "$tui $address --plain --token-file $dir/token 2>$dir/err"
wait_for 20 shows 'the server may be older than 13.14 and ignore the token: try' && problem= || problem=$(screen | head -n 5)
quit
result "a server before 13.14, what is said" "$problem"
type "$tui $address --plain --token-file $dir/token --token-in-query 2>$dir/err"
wait_for 20 notification_comes && problem= || problem=$(screen | head -n 5)
quit
result "a server before 13.14, --token-in-query" "$problem"
kill $server
wait $server 2>/dev/null
server=

# over TLS: --ca, and the token that misskey-tail --login has stored
if ! command -v openssl >/dev/null || ! command -v stunnel4 >/dev/null ||
    ! echo '#include <openssl/ssl.h>' | gcc -E - >/dev/null 2>&1; then
    echo "SKIP tui TLS: openssl, its headers or stunnel4 are missing"
    exit $failed
fi
serve 0 20
tls_port=${address#*:}      # nobody else has it, so stunnel gets it
kill $server
wait $server 2>/dev/null
serve 0 20
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout $dir/key.pem -out $dir/cert.pem 2>$dir/log
printf 'foreground = yes\npid =\n[tui]\naccept = 127.0.0.1:%s\nconnect = %s\ncert = %s\nkey = %s\n' \
    "$tls_port" "$address" "$PWD/$dir/cert.pem" "$PWD/$dir/key.pem" >$dir/stunnel.conf
stunnel4 $dir/stunnel.conf 2>$dir/stunnel.log &
server="$server $!"
gcc -std=c99 -O1 -DTLS_HEADER='"tls_openssl.h"' -o $tui-tls examples/tui.c -lssl -lcrypto
mkdir -p $XDG_CONFIG_HOME/misskey-tail
echo secret >$XDG_CONFIG_HOME/misskey-tail/localhost:$tls_port
type "$tui-tls localhost:$tls_port --ca $dir/cert.pem"
wait_for 20 notification_comes && problem= || problem="$(screen | head -n 5)"
quit
result "TLS, --ca, the stored token" "$problem"
tui=$tui-tls
trouble "TLS, an unknown authority" "TLS: the certificate of localhost is signed by an unknown authority" localhost:$tls_port
exit $failed
