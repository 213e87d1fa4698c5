#!/bin/sh
# misskey-serve against the official client library: the npm package misskey-js over ws.
: "${MAKE:=make}"
. tests/tools/npm.sh
npm_packages clients misskey-js@2026.5.1 ws@8.23.0 || exit 0
if ! $MAKE -s --no-print-directory build/misskey-serve; then
    echo "FAIL clients: build/misskey-serve does not build"
    exit 1
fi
node tests/tools/clients.mjs build/npm build/misskey-serve
