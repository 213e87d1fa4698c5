#!/bin/sh
# The anatomy of the header, the form of all C files and what stands at the top level of the repository.
failed=0

result() {  # NAME LIST: passes if the list is empty
    if [ -z "$2" ]; then
        echo "PASS layout $1"
    else
        echo "$2" | sed 's/^/    /' | head -n 20
        echo "FAIL layout $1: $(echo "$2" | wc -l) offences"
        failed=1
    fi
}

mkdir -p build
awk '/^CONTENTS/ { on = 1 } /^>>/ { exit } on' misskey_stream.h | tr ' ' '\n' | grep '^>>' >build/contents.txt
awk '/^>>/ { print $1 } /^\/\* MARK: - .* >>[a-z0-9-]+  \*\/$/ { print $(NF - 1) }' misskey_stream.h >build/banners.txt
result "contents and banners agree, in order" "$(diff build/contents.txt build/banners.txt)"
[ "$(wc -l <build/banners.txt)" -gt 10 ] || result "banners" "fewer than 10 are found"

files=$(find misskey_stream.h tests examples fuzz -name '*.[ch]')
result "functions" "$(awk -f tests/tools/layout.awk $files)"
result "lines" "$(awk 'length($0) > 120 { print FILENAME ":" FNR ": longer than 120 columns" }' $files)"

result "top level" "$(ls -A | grep -v -x -E 'misskey_stream\.h|tests|examples|fuzz|Makefile|README\.md|UNLICENSE|\..*|build')"
result "entries that must be there" \
    "$(ls -d misskey_stream.h tests examples fuzz Makefile README.md UNLICENSE .ci/run 2>&1 >/dev/null)"
exit $failed
