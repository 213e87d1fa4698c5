#!/bin/sh
# build/misskey-bot against build/misskey-serve: it answers every mention and nothing else, comes back after the server
# was killed, ends where the token is refused. Built with sanitizers.
dir=build/bot
bot=$dir/misskey-bot
failed=0
: "${MAKE:=make}"
unset MISSKEY_TOKEN
rm -rf $dir
mkdir -p $dir
strict="-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef -Wcast-qual -Werror"
command -v gcc >/dev/null || { echo "SKIP bot: gcc is missing"; exit 0; }
if ! $MAKE -s --no-print-directory build/misskey-serve ||
    ! gcc $strict -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -o $bot examples/bot.c; then
    echo "FAIL bot: does not build"
    exit 1
fi

server='' bot_pid='' stunnel=''
trap 'kill $server $bot_pid $stunnel 2>/dev/null' EXIT
trap 'exit 1' INT TERM

# result NAME PROBLEM: passes if there is no problem
result() {
    if [ -z "$2" ]; then
        echo "PASS bot $1"
    else
        echo "FAIL bot $1: $2"
        failed=1
    fi
}

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

has_lines() { [ "$(wc -l <$dir/out)" -ge "$1" ]; }

# serve PORT OPTIONS...: sets $server and $address
serve() {
    at=$1
    shift
    : >$dir/serve.log
    build/misskey-serve --port "$at" --token right "$@" >$dir/serve.log 2>&1 &
    server=$!
    wait_for 5 grep -q '^listening on ' $dir/serve.log
    address=$(sed -n 's/^listening on //p' $dir/serve.log)
}

echo right >$dir/token
echo wrong >$dir/wrong
serve 0 --speed 60
: >$dir/out
$bot --plain "$address" $dir/token >$dir/out 2>$dir/err &
bot_pid=$!
problem=
wait_for 20 has_lines 3 || problem="$(wc -l <$dir/out) answers after 20 s: $(cat $dir/err)"
grep -v -q '^{"replyId":"[0-9a-z]\{16\}","visibility":"[a-z]*","text":"@[a-z]*\(@[^ ]*\)\? You said: .*@'"$(printf '\342\200\213')"'you .*"}$' \
    $dir/out && problem="$(head -n 1 $dir/out)"
[ -z "$(sort $dir/out | uniq -d)" ] || problem="something was answered twice"
result "answers mentions" "$problem"

kill -KILL $server
wait $server 2>/dev/null
answers=$(wc -l <$dir/out)
serve "${address#*:}" --speed 60
problem=
wait_for 20 has_lines $((answers + 2)) || problem="no answer after the server came back: $(cat $dir/err)"
result "comes back" "$problem"
kill $bot_pid
wait $bot_pid 2>/dev/null
bot_pid=
problem=$(grep -E -m 1 'ERROR|runtime error' $dir/err)
result "sanitizers" "$problem"

# ends STATUS WHAT WORDS OPTIONS...: exit status, 124: it goes on; the words are on stderr
ends() {
    want=$1 what=$2 words=$3
    shift 3
    problem=
    timeout $((want == 124 ? 2 : 10)) $bot "$@" >$dir/out 2>$dir/err
    status=$?
    [ $status -eq "$want" ] && grep -q "$words" $dir/err || problem="exit status $status: $(cat $dir/err)"
    result "$what" "$problem"
}
ends 1 "wrong token" "refuses the token (401" --plain "$address" $dir/wrong
ends 1 "no token file" "cannot read $dir/missing" --plain "$address" $dir/missing
ends 1 "no token" "needs an access token" --plain "$address"
ends 2 "usage" "usage" --colour "$address" $dir/token
ends 2 "no host" "usage" --plain
ends 2 "no address" "no HOST" --plain local:host $dir/token
ends 124 "nobody listens" "port 1: Connection refused; again in [0-9.]* s" --plain 127.0.0.1:1 $dir/token
ends 124 "no such name" "cannot look up nobody.invalid: .*; again in" --plain nobody.invalid $dir/token
export MISSKEY_TOKEN=right
ends 124 "the token of the environment" "listening" --plain "$address"
unset MISSKEY_TOKEN
kill $server
wait $server 2>/dev/null

# a server before 13.14 ignores the header; the bot says what helps
serve 0 --speed 60 --era 12.119
: >$dir/out
$bot --plain "$address" $dir/token >$dir/out 2>$dir/err &
bot_pid=$!
problem=
wait_for 15 grep -q 'does not give the channel main; .* try --token-in-query$' $dir/err || problem="$(cat $dir/err)"
result "a server before 13.14, what is said" "$problem"
kill $bot_pid
$bot --plain --token-in-query "$address" $dir/token >$dir/out 2>$dir/err &
bot_pid=$!
problem=
wait_for 20 has_lines 1 || problem="no answer: $(cat $dir/err)"
result "a server before 13.14, --token-in-query" "$problem"
kill $bot_pid $server
wait $bot_pid $server 2>/dev/null
server= bot_pid=

# over TLS, where there is what it takes; a certificate that signs itself is its own authority
tls='-DTLS_HEADER="tls_openssl.h"'
if ! command -v openssl >/dev/null || ! command -v stunnel4 >/dev/null ||
    ! echo '#include <openssl/ssl.h>' | gcc -E - >/dev/null 2>&1; then
    echo "SKIP bot TLS: openssl, its headers or stunnel4 are missing"
    exit $failed
fi
serve 0
port=${address#*:}      # nobody else has it, so stunnel gets it
kill $server
wait $server 2>/dev/null
serve 0 --speed 60
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout $dir/key.pem -out $dir/cert.pem 2>$dir/log
printf 'foreground = yes\npid =\n[bot]\naccept = 127.0.0.1:%s\nconnect = %s\ncert = %s\nkey = %s\n' \
    "$port" "$address" "$PWD/$dir/cert.pem" "$PWD/$dir/key.pem" >$dir/stunnel.conf
: >$dir/stunnel.log
stunnel4 $dir/stunnel.conf 2>$dir/stunnel.log &
stunnel=$!
wait_for 5 grep -q 'Configuration successful' $dir/stunnel.log
problem=
gcc $strict -g -O0 -fsanitize=address,undefined -fno-sanitize-recover=all "$tls" -o $bot-tls examples/bot.c \
    -lssl -lcrypto 2>$dir/log || problem=$(head -n 1 $dir/log)
: >$dir/out
SSL_CERT_FILE=$dir/cert.pem ASAN_OPTIONS=detect_leaks=0 $bot-tls localhost:"$port" $dir/token >$dir/out 2>$dir/err &
bot_pid=$!
[ -n "$problem" ] || wait_for 20 has_lines 2 || problem="no answers: $(cat $dir/err $dir/stunnel.log | tail -n 3)"
result "over TLS" "$problem"
exit $failed
