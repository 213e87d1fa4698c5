#!/bin/sh
# ws_echo against an independent WebSocket implementation: the npm package ws, in both roles. From the repository root.
set -u
packages=build/npm

. tests/tools/npm.sh
npm_packages echo ws@8.23.0 || exit 0
make -s build/ws_echo || { echo "FAIL echo: build/ws_echo does not build"; exit 1; }

result=0
usage() {
    build/ws_echo "$@" 2>/dev/null
    code=$?
    [ $code -eq 2 ] && echo "PASS echo usage: $*" && return
    echo "FAIL echo usage: '$*' gave exit code $code, not 2"
    result=1
}
usage
usage server
usage server 99999
usage client 127.0.0.1 80
usage client 127.0.0.1 80 no-slash
build/ws_echo client 127.0.0.1 1 / 2>/dev/null
[ $? -eq 1 ] && echo "PASS echo no server" || { echo "FAIL echo no server: exit code is not 1"; result=1; }

node tests/tools/echo_peer.mjs build/ws_echo $packages || result=1
exit $result
