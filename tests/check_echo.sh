#!/bin/sh
# ws_echo against an independent WebSocket implementation: the npm package ws, in both roles. From the repository root.
set -u
packages=build/npm

for tool in node npm; do
    command -v $tool >/dev/null 2>&1 || { echo "SKIP echo: $tool is not installed"; exit 0; }
done
if [ ! -d $packages/node_modules/ws ]; then
    mkdir -p $packages
    npm install --silent --no-audit --no-fund --prefix $packages ws >/dev/null 2>&1 ||
        { echo "SKIP echo: the npm package ws cannot be installed (no network?)"; exit 0; }
fi
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
