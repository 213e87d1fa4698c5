#!/bin/sh
# misskey-tail with each of the three TLS hooks, under AddressSanitizer, against misskey-serve behind stunnel with a
# throw-away authority: what is accepted, what is refused and how that is said; restarts; --login. Then nginx in between.
check=tls
. tests/tools/live.sh
strict="-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef -Wcast-qual -Werror"
export XDG_CONFIG_HOME=$dir/config
unset MISSKEY_TOKEN SSL_CERT_FILE
PATH=$PATH:/usr/sbin   # nginx

if ! $MAKE -s --no-print-directory build/misskey-serve build/misskey-tail; then
    echo "FAIL tls: the programs do not build"
    exit 1
fi

# libraries NAME
libraries() {
    case $1 in
    openssl) echo "-lssl -lcrypto" ;;
    mbedtls) echo "-lmbedtls -lmbedx509 -lmbedcrypto" ;;
    bearssl) echo "-lbearssl" ;;
    esac
}

hooks=
for name in openssl mbedtls bearssl; do
    libs=$(libraries $name)
    printf '#include <%s>\nint main(void) { return 0; }\n' \
        $(case $name in openssl) echo openssl/ssl.h ;; mbedtls) echo mbedtls/ssl.h ;; *) echo bearssl.h ;; esac) >$dir/x.c
    if ! gcc -o $dir/x $dir/x.c $libs 2>$dir/log; then
        echo "SKIP tls $name: the library is missing"
        continue
    fi
    printf '#define _POSIX_C_SOURCE 200809L\n#include "misskey_stream.h"\n#include "examples/tls_%s.h"\n' $name >$dir/x.cpp
    for compiler in "clang -std=c99 -x c" "g++ -std=c++11"; do
        if ! command -v ${compiler%% *} >/dev/null; then
            echo "SKIP tls $name, $compiler: it is missing"
            continue
        fi
        $compiler -I. $strict -fsyntax-only $dir/x.cpp >$dir/log 2>&1
        result "$name, ${compiler% -x c}" "$(head -n 1 $dir/log)"
    done
    gcc -std=c99 -O0 -g $strict -fsanitize=address,undefined -fno-sanitize-recover=all \
        -DTLS_HEADER="\"tls_$name.h\"" -o $dir/$name examples/tail.c $libs 2>$dir/$name.log &
    hooks="$hooks $name"
done
wait
for hook in $hooks; do
    result "$hook, misskey-tail" "$(head -n 1 $dir/$hook.log)"
    [ -x $dir/$hook ] || hooks=$(echo "$hooks" | sed "s/ $hook//")
done

# --- the throw-away authority ---

if ! command -v openssl >/dev/null || ! command -v stunnel4 >/dev/null; then
    echo "SKIP tls: openssl or stunnel4 is missing"
    exit $failed
fi

# certificate NAME HOST DAYS...: signed by the authority, with its key in NAME.pem
certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $dir/$1.key -out $dir/$1.csr -subj "/CN=$2" &&
        printf 'subjectAltName=DNS:%s\nbasicConstraints=CA:FALSE\n' $2 >$dir/$1.ext &&
        openssl x509 -req -in $dir/$1.csr -CA $dir/ca.pem -CAkey $dir/ca.key -CAcreateserial -extfile $dir/$1.ext \
            -days $3 -out $dir/$1.crt &&
        cat $dir/$1.crt $dir/$1.key >$dir/$1.pem
}

{
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $dir/ca.key -out $dir/ca.pem -days 2 \
        -subj "/CN=throw-away authority" &&
        openssl req -x509 -newkey rsa:2048 -nodes -keyout $dir/other.key -out $dir/other.pem -days 2 \
            -subj "/CN=another authority" &&
        certificate good localhost 2 && certificate wrong elsewhere.example 2 && certificate expired localhost -1
} >$dir/log 2>&1 || {
    result "certificates" "openssl: $(tail -n 1 $dir/log)"
    exit 1
}

# --- Mbed TLS: what its calls return, and what is said then; without PSA version 3.6 never connects ---

case " $hooks " in *" mbedtls "*)
    cat >$dir/calls.c <<'END'
#define _POSIX_C_SOURCE 200809L
#define MISSKEY_STREAM_IMPLEMENTATION
#include "misskey_stream.h"
#include <mbedtls/ssl.h>
#include <psa/crypto.h>
static int psa = -148, tickets = 2, handshake = MBEDTLS_ERR_SSL_INTERNAL_ERROR;
#ifndef MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET
#define MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET -0x7B00
#endif
#define psa_crypto_init() psa
#define mbedtls_ssl_handshake(ssl) ((void)(ssl), handshake)
#define mbedtls_ssl_read(ssl, p, n) (tickets-- > 0 ? MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET : (int)(n))
#include "examples/tls_mbedtls.h"
int main(int argc, char **argv)
{
    static tls t;
    char bytes[3];
    if (argc != 2 || tls_init(&t, argv[1])) return 1;
    puts(t.error);
    psa = 0;
    if (!tls_init(&t, argv[1]) || !tls_begin(&t, -1, "localhost")) return 2;
    errno = EINPROGRESS;
    if (tls_handshake(&t) != TLS_FAILED) return 3;
    puts(t.error);
    handshake = tls_recv_(&t, (unsigned char *)bytes, 3);   /* from descriptor -1 */
    errno = EINPROGRESS;
    if (tls_handshake(&t) != TLS_FAILED) return 4;
    puts(t.error);
    return tls_read_(&t, bytes, 3) != 3;
}
END
    cat >$dir/calls.want <<'END'
TLS: Mbed TLS cannot be used: psa_crypto_init fails with -148
TLS: no handshake with localhost: SSL - Internal error (eg, unexpected failure in lower-level module)
TLS: no handshake with localhost: Bad file descriptor
END
    gcc -std=c99 -I. -o $dir/calls $dir/calls.c $(libraries mbedtls) 2>$dir/log &&
        $dir/calls $dir/ca.pem >$dir/calls.out 2>>$dir/log || echo "exit status $?" >>$dir/log
    result "mbedtls, what its calls return" "$(cat $dir/log; diff $dir/calls.want $dir/calls.out)" ;;
esac

# free_port: one that nobody uses now; stunnel and nginx cannot ask the system for one
free_port() {
    build/misskey-serve >$dir/free.out 2>&1 &
    pids="$pids $!"
    until_ 5 grep -q listening $dir/free.out
    end KILL $!
    sed -n 's/^listening on .*:\([0-9]*\)$/\1/p' $dir/free.out
    : >$dir/free.out
}

# secure NAME: stunnel with this certificate before the server; $tls_port and $stunnel
secure() {
    tls_port=$(free_port)
    cat >$dir/stunnel.conf <<END
foreground = yes
pid =
[ws]
accept = 127.0.0.1:$tls_port
connect = 127.0.0.1:$port
cert = $dir/$1.pem
END
    stunnel4 $dir/stunnel.conf >$dir/stunnel.log 2>&1 &
    stunnel=$!
    pids="$pids $stunnel"
    until_ 5 grep -q 'Configuration successful' $dir/stunnel.log || result "stunnel" "$(tail -n 1 $dir/stunnel.log)"
}

: >$dir/advice
serve --token Sekrit0123456789 --speed 5
plain_port=$port
secure wrong
wrong_port=$tls_port
secure expired
expired_port=$tls_port
secure good

for hook in $hooks; do
    tail=$dir/$hook
    ends 0 "$hook, the right chain" "" --ca $dir/ca.pem --capture --count 8 localhost:$tls_port
    shows "$hook, the right chain, notes" "  connected" "localTimeline is on" "@" "  closed$"
    for file in $dir/other.pem "the system's"; do
        set -- --ca "$file"
        [ -f "$file" ] || set --
        ends 4 "$hook, unknown authority, $(basename "$file")" "certificate of localhost is signed by an unknown authority" \
            "$@" localhost:$tls_port
    done
    ends 4 "$hook, wrong host" "certificate of localhost is for another name" --ca $dir/ca.pem localhost:$wrong_port
    ends 4 "$hook, wrong address" "certificate of 127.0.0.1 is for another name" --ca $dir/ca.pem 127.0.0.1:$tls_port
    ends 4 "$hook, expired" "certificate of localhost has expired" --ca $dir/ca.pem localhost:$expired_port
    grep -e --plain $dir/err >>$dir/advice
    ends 4 "$hook, no TLS there" "no handshake with localhost: .*; a server without TLS needs --plain" --ca $dir/ca.pem localhost:$plain_port
    ends 2 "$hook, --ca without certificates" "no certificates in $0" --ca $0 localhost:$tls_port
    ends 2 "$hook, --ca that is not there" "no certificates in $dir/nothing" --ca $dir/nothing localhost:$tls_port
    ends 3 "$hook, nobody listens" "Connection refused" --ca $dir/ca.pem localhost:1

    ends 3 "$hook, --plain where there is TLS" "; if it has TLS, leave out --plain" --plain localhost:$tls_port

    rm -rf $dir/config
    ends 0 "$hook, --login" "" --ca $dir/ca.pem --login localhost:$tls_port
    shows "$hook, --login, the address" "^https://localhost:$tls_port/miauth/[0-9a-f-]*?name=misskey-tail&permission=read:"
    stored=$dir/config/misskey-tail/localhost:$tls_port
    result "$hook, --login, the file" "$([ "$(cat $stored)" = Sekrit0123456789 ] || echo 'another token')$(
        find $dir/config -type f ! -perm 600)$(find $dir/config -type d ! -perm 700)"
    result "$hook, --login, the token is not shown" "$(cat $dir/out $dir/err | grep Sekrit)"
    ends 0 "$hook, the token of --login" "" --ca $dir/ca.pem --channel main --seconds 1 localhost:$tls_port
    shows "$hook, the token of --login, its channel" "main is on"
    ends 4 "$hook, --login, unknown authority" "unknown authority" --ca $dir/other.pem --login localhost:$tls_port
done

# who does not trust a certificate is not told to go without
result "no advice to use --plain" "$(cat $dir/advice)"

# --- restarts behind TLS: of the server, and of what speaks TLS for it; all three at once ---

# each_sees COUNT WORDS
each_sees() {
    for hook in $hooks; do
        out=$dir/$hook.out
        until_ 30 sees "$@"
    done
}

# each_sees_more WORDS: one more line with them than there is now
each_sees_more() {
    for hook in $hooks; do
        out=$dir/$hook.out
        until_ 30 sees $(($(grep -c -- "$1" $out) + 1)) "$1"
    done
}

clients=
for hook in $hooks; do
    tail=$dir/$hook out=$dir/$hook.out err=$dir/$hook.err
    begin --ca $dir/ca.pem --capture --record $dir/$hook.rec localhost:$tls_port
    clients="$clients $client"
done
each_sees 1 '×1 on'
end KILL $server
each_sees 1 'connecting again'
serve --port $plain_port --token Sekrit0123456789 --speed 5
each_sees 1 'gap: localTimeline'
each_sees_more '×1 on'
end TERM $stunnel
each_sees 1 'Connection refused; connecting again'
stunnel4 $dir/stunnel.conf >$dir/stunnel.log 2>&1 &
stunnel=$!
pids="$pids $stunnel"
each_sees 2 'gap: localTimeline'
set -- $clients
for hook in $hooks; do
    client=$1 out=$dir/$hook.out err=$dir/$hook.err
    shift
    kill -INT $client
    finished
    ended 0 "$hook, restarts" ""
    shows "$hook, restarts, what is said" "  connected$" "is on" "×1 on" "connecting again in" "connected again" \
        "localTimeline is on" "gap: localTimeline" "×1 on" "Connection refused; connecting again" "connected again" \
        "gap: localTimeline" "  closed$"
    problem=
    cat $(find $dir/$hook.rec -name control.jsonl) | grep -q '"dir":"recv","op":"close","len":2,"code":1000' ||
        problem="the server's answer to our Close is not in the recording"
    result "$hook, SIGINT closes" "$problem"
done
out=$dir/out err=$dir/err

# --- much data, as fast as it goes ---

end TERM $stunnel
kept=$server
serve --replay tests/recordings/bulk --speed 0
set -- --channel localTimeline --channel globalTimeline --raw --count 500
build/misskey-tail --plain "$@" 127.0.0.1:$port >$dir/expected 2>$dir/log || result "much data" "$(tail -n 1 $dir/log)"
secure good
for hook in $hooks; do
    $dir/$hook --ca $dir/ca.pem "$@" localhost:$tls_port 2>$dir/log | cmp - $dir/expected >$dir/differs 2>&1
    result "$hook, much data is the same as without TLS" "$(cat $dir/differs)"
done
end KILL $server
server=$kept

# --- a login that takes its time, and one that nobody knows ---

if command -v node >/dev/null; then
    cat >$dir/miauth.mjs <<'END'
import { createServer } from 'node:http'
// what goes wrong while the user hesitates, then the token; afterwards nothing is known
const answers = [ 'no', 502, 503, 429, 404, 'cut', 'page', 'no', 'yes', 'no', 'empty', 502 ]
const server = createServer((request, response) => {
  const answer = answers.shift() ?? 404
  if (request.method !== 'POST' || !/^\/api\/miauth\/[0-9a-f-]{36}\/check$/.test(request.url)) response.statusCode = 400
  if (answer === 'cut') request.socket.resetAndDestroy()
  else if (typeof answer === 'number') response.writeHead(answer).end('<html>{}</html>')
  else if (answer === 'page') response.end('<html>A moment, please</html>')
  else response.end(JSON.stringify(answer === 'no' ? { ok: false } :
    { ok: true, token: answer === 'yes' ? 'Late0123456789ab' : undefined, user: { id: '9a' } }))
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
END
    kept_port=$port
    : >$dir/miauth.out
    node $dir/miauth.mjs >$dir/miauth.out &
    server=$!
    pids="$pids $server"
    until_ 5 test -s $dir/miauth.out
    port=$(cat $dir/miauth.out)
    end TERM $stunnel
    secure good
    for hook in $hooks; do break; done
    tail=$dir/$hook
    ends 0 "--login, the user hesitates" "" --ca $dir/ca.pem --token-file $dir/late --login localhost:$tls_port
    result "--login, the file that was asked for" "$([ "$(cat $dir/late)" = Late0123456789ab ] || echo 'another token')$(
        find $dir/late ! -perm 600)"
    shows "--login, what goes wrong meanwhile" "Open this address" "busy or down: it answers HTTP/1.[01] 502 .*; asking again" \
        "503" "429" "404" "asking again" "The token is in"
    ends 1 "--login, no token in the answer" "the server has sent no token" --ca $dir/ca.pem --login localhost:$tls_port
    ends 3 "--login, busy at first" "is busy or down: it answers HTTP/1.[01] 502" --ca $dir/ca.pem --login localhost:$tls_port
    ends 1 "--login, no MiAuth there" "does not know MiAuth: it answers HTTP/1.[01] 404" --ca $dir/ca.pem --login \
        localhost:$tls_port
    end KILL $server

    # a server that hangs up after the handshake, so that the client writes into a broken pipe
    cat >$dir/gone.mjs <<'END'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:tls'
const pem = readFileSync(process.argv[2])
let connections = 0
const server = createServer({ cert: pem, key: pem }, socket => {
  const say = body => socket.once('data', () => socket.end(`HTTP/1.0 200 OK\r\n\r\n${body}`))
  socket.on('error', () => {})
  if (++connections === 1) say('{"ok":false}')
  else if (connections < 5) socket.destroy()
  else say('{"ok":true,"token":"Late0123456789ab"}')
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
END
    for hook in $hooks; do
        : >$dir/gone.out
        node $dir/gone.mjs $dir/good.pem >$dir/gone.out &
        server=$!
        pids="$pids $server"
        until_ 5 test -s $dir/gone.out
        tail=$dir/$hook
        ends 0 "$hook, --login, the server hangs up" "" --ca $dir/ca.pem --token-file $dir/late --login \
            localhost:$(cat $dir/gone.out)
        end KILL $server
    done
    server=$kept port=$kept_port
else
    echo "SKIP tls --login, the user hesitates: node is missing"
fi

# --- nginx in between: 502 while the server is away ---

if ! command -v nginx >/dev/null || [ -z "$hooks" ]; then
    echo "SKIP tls nginx: nginx or every TLS library is missing"
    exit $failed
fi
mkdir -p $dir/nginx
proxy_port=$(free_port)
secure_port=$(free_port)
cat >$dir/nginx/nginx.conf <<END
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events { }
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {
        listen 127.0.0.1:$proxy_port;
        listen 127.0.0.1:$secure_port ssl;
        ssl_certificate $PWD/$dir/good.crt;
        ssl_certificate_key $PWD/$dir/good.key;
        location / {
            proxy_pass http://127.0.0.1:$plain_port;
            proxy_http_version 1.1;
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection upgrade;
            proxy_set_header Host \$host;
        }
    }
}
END
nginx -p $PWD/$dir/nginx -c nginx.conf >$dir/nginx.log 2>&1 &
pids="$pids $!"
until_ 5 test -s $dir/nginx/nginx.pid || result "nginx" "does not start: $(tail -n 1 $dir/nginx.log)"

# through NAME OPTIONS...
through() {
    name=$1
    shift
    begin "$@"
    until_ 10 sees 1 'main is on'
    end KILL $server
    until_ 20 sees 1 'the server answers 502'
    serve --port $plain_port --token Sekrit0123456789 --speed 5
    until_ 30 sees 1 'gap: main'
    kill -TERM $client
    finished
    ended 0 "$name" ""
    shows "$name, what is said" "  connected$" "localTimeline is on" "main is on" "lost: .*; connecting again in" \
        "the server answers 502 Bad Gateway; connecting again in" "connected again" "localTimeline is on" "gap: main" \
        "  closed$"
}

echo Sekrit0123456789 >$dir/token
set -- --token-file $dir/token --channel localTimeline --channel main
through "nginx, plain" "$@" --plain localhost:$proxy_port
through "nginx, TLS" "$@" --ca $dir/ca.pem localhost:$secure_port
end KILL $server
serve --port $plain_port --token another
ends 5 "nginx, a bad token" "the server refuses the token (401" "$@" --ca $dir/ca.pem localhost:$secure_port
end KILL $server
ends 3 "nginx, nobody behind it" "no connection in 2 s: the server answers 502" "$@" --plain --seconds 2 \
    localhost:$proxy_port
exit $failed
