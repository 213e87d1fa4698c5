#!/bin/sh
# The browser page: page.c compiled to WebAssembly without a warning, then the page in a real Chromium against
# misskey-serve. Screenshots: build/browser-check/wide.png, narrow.png, story.png.
dir=build/browser-check
: "${MAKE:=make}"
mkdir -p $dir
failed=0
warn="-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef -Wcast-qual -Werror"
wasm="clang --target=wasm32 -mbulk-memory -std=c99 -ffreestanding -isystem examples/browser"

echo 'int main(void) { return 0; }' >$dir/empty.c
if ! clang --target=wasm32 -nostdlib -Wl,--no-entry -o $dir/empty.wasm $dir/empty.c 2>/dev/null; then
    echo "SKIP browser: clang with wasm-ld (lld) is missing"
    exit 0
fi
if $wasm $warn -fsyntax-only examples/browser/page.c >$dir/log 2>&1; then
    echo "PASS browser page.c without a warning"
else
    sed 's/^/    /' $dir/log | head -n 20
    echo "FAIL browser page.c: see above"
    failed=1
fi
if ! $MAKE -s --no-print-directory build/browser build/misskey-serve; then
    echo "FAIL browser: make build/browser build/misskey-serve"
    exit 1
fi
chromium=$(command -v chromium) || { echo "SKIP browser: chromium is missing"; exit $failed; }
. tests/tools/npm.sh
npm_packages browser playwright-core@1.52.0 axe-core@4.14.1 || exit $failed
node tests/tools/browser.mjs build/misskey-serve build/npm "$chromium" build/browser $dir || failed=1
exit $failed
