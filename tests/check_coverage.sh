#!/bin/sh
# Which recording has which member of which entity: build/coverage.txt. That no recording has a member that is in no
# list. What no recording has must be in the cases made by hand, tests/golden/entities.jsonl: every member with a value
# and with null. All that is read on the way is compared with look-ups by name.
set -u
build=${BUILD:-build}
cases=tests/golden/entities.jsonl
sets=tests/recordings
failed=0

if [ -d ../shared/recordings ]; then
    sets="$sets ../shared/recordings"
else
    echo "SKIP coverage of ../shared/recordings: it is missing; tests/recordings was read"
fi
${MAKE:-make} -s --no-print-directory "$build/coverage" ||
    { echo "FAIL coverage: $build/coverage does not build"; exit 1; }

# agree STATUS WHAT: how the program ended
agree() {
    if [ "$1" -eq 0 ]; then
        echo "PASS coverage $2: the readers agree with look-ups by name"
    else
        head -n 20 "$build/coverage.err" | cut -c 1-500 | sed 's/^/    /'
        echo "FAIL coverage $2: see above"
        failed=1
    fi
}

for set in $sets; do
    find "$set" -name 'messages.jsonl*' | LC_ALL=C sort | while read -r file; do
        printf '{"folder":"%s"}\n' "${file%/messages.jsonl*}"
        gzip -dcf "$file"
    done
done | "$build/coverage" >"$build/coverage.txt" 2>"$build/coverage.err"
agree $? "$sets"

{ echo '{"folder":"by-hand"}'; cat $cases; } | "$build/coverage" >"$build/coverage_by_hand.txt" 2>"$build/coverage.err"
agree $? $cases

awk -v list="$build/coverage.txt" '
    function lacks(line, what) { return line ~ " none$" && line !~ / present / || line ~ " " what " none" }
    function count(line, what) {
        if (!lacks(line, what)) recorded[what]++
        else if (!lacks(by_hand[$1], what)) hand[what]++
        else missing[what] = missing[what] " " $1
    }
    function report(what, text) {
        if (missing[what] == "")
            printf "PASS coverage %s: %d of %d in recordings, %d by hand alone, see %s\n", text, recorded[what], rows,
                hand[what], list
        else printf "FAIL coverage %s: in no recording and in no case:%s\n", text, missing[what]
    }
    $1 == "unknown" { unknown = unknown " " $2; next }
    NR == FNR { by_hand[$1] = $0; next }
    { rows++; count($0, "present"); count($0, "null") }
    END {
        if (rows == 0) {
            print "FAIL coverage members: none was listed"
            exit 1
        }
        report("present", "members with a value")
        report("null", "members with null")
        if (unknown == "") print "PASS coverage unknown members: none"
        else printf "FAIL coverage unknown members: in no list:%s\n", unknown
        exit missing["present"] missing["null"] unknown != ""
    }' "$build/coverage_by_hand.txt" "$build/coverage.txt" || failed=1
exit $failed
