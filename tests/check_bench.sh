#!/bin/sh
# make bench in short: every peer reads the same, instructions a byte have a ceiling, no input takes more than linear
# time. Times and ratios are printed, but decide nothing: machines differ, and are not always quiet.
failed=0
dir=build/bench
: "${MAKE:=make}"

result() {  # NAME PROBLEM DETAIL: passes if there is no problem
    if [ -z "$2" ]; then
        echo "PASS bench $1: $3"
    else
        echo "FAIL bench $1: $2"
        failed=1
    fi
}

# within NAME VALUE CEILING [GOAL]: above the ceiling is a regression; the goal is what the library aims at.
within() {
    result "$1" "$(awk -v n="${2:-999}" -v c=$3 'BEGIN { if (n > c) print n ", the ceiling is " c }')" \
        "$2, the ceiling is $3${4:+, the goal $4}"
}

QUICK=1 $MAKE -s --no-print-directory bench BUILD=build REPETITIONS=1 >build/bench.log 2>&1
status=$?
grep -v '^missing' build/bench.log
if [ $status -ne 0 ]; then
    echo "FAIL bench: make bench ended with an error"
    exit 1
fi
sed -n 's/^missing: \(.*\) (Debian: \(.*\))/SKIP bench peer \1: \2 is missing/p' build/bench.log
result "everybody reads the same" "" "$(grep -c 'read the same' build/bench.log) times"

# The same with sums over every byte that was read; the bench itself has no time for that.
whole() { $MAKE -s --no-print-directory BUILD=build/whole CPPFLAGS=-DBENCH_WHOLE "$@"; }
objects=
for object in $dir/own*.so $dir/simdjson.so $dir/rapidjson.so $dir/cjson.so; do
    [ -f $object ] && objects="$objects build/whole/bench/$(basename $object)"
done
find tests/recordings -name messages.jsonl | LC_ALL=C sort | xargs cat | $dir/corpus recorded >build/recorded.all
if whole build/whole/bench/json $objects &&
    build/whole/bench/json 0 build/recorded.all $dir/synthetic $dir/synthetic-shuffled -- $objects >build/whole.log 2>&1
then
    result "every byte of it" "" "$(grep -c 'read the same' build/whole.log) corpora"
else
    result "every byte of it" "$(tail -n 1 build/whole.log)"
fi

if ! valgrind -q --tool=callgrind --callgrind-out-file=/dev/null true >/dev/null 2>&1; then
    echo "SKIP bench instructions, linear time: valgrind is missing or does not work"
    exit $failed
fi
instructions() {  # ROW COLUMN
    awk -v row="$1" -v column="$2" '/^instructions a byte/ { on = 1 } on && $1 == row { print $column }' build/bench.log
}
within "instructions a byte, W1" "$(instructions own 2)" 4.0
within "instructions a byte, W2" "$(instructions own 3)" 5.5
within "instructions a byte, mean of both" "$(instructions own 4)" 4.7 4.6
within "instructions a byte, portable, W1" "$(instructions own-portable 2)" 5.2
within "instructions a byte, portable, W2" "$(instructions own-portable 3)" 6.9
within "instructions a byte, small, W1" "$(instructions own-small 2)" 18.2
within "instructions a byte, small, W2" "$(instructions own-small 3)" 43.5

# Twice the bytes may take 2.2 times the instructions.
rm -f build/linear.cg*
timeout 200 valgrind --tool=callgrind --callgrind-out-file=build/linear.cg --collect-atstart=no --toggle-collect=measured \
    --dump-after=measured $dir/linear --list 5000 >build/linear.list 2>/dev/null
awk -v w1="$(instructions own 2)" -v w2="$(instructions own 3)" '
    {
        file = "build/linear.cg." NR
        count = 0
        while ((getline line <file) > 0) if (line ~ /^totals: /) count += substr(line, 9)
        close(file)
        bytes = $NF
        if (NR % 2 == 1) { first = count / bytes; next }
        sub(/: [0-9]+$/, "")
        mean = $1 == "W1" ? w1 : $1 == "W2" ? w2 : 0
        each = count / bytes
        printf "    %-38s %8.1f instructions a byte", $0, each
        if (mean > 0) printf ", %5.1f times the mean", each / mean
        printf "\n"
        if (count == 0 || each > first * 1.1) print "FAIL " $0 ": " first ", with twice the bytes " each
        if (each > worst[$1]) { worst[$1] = each; name[$1] = $0 }
    }
    END { for (kind in worst) print "worst", kind, worst[kind], name[kind] }' build/linear.list >build/linear.log
rm -f build/linear.cg*
grep '^    ' build/linear.log
problem=$(sed -n 's/^FAIL //p' build/linear.log | head -n 3)
[ -s build/linear.log ] || problem="linear did not run"
result "linear time" "$problem" "$(grep -c 'a byte' build/linear.log) inputs"
worst() { awk -v kind=$1 '$1 == "worst" && $2 == kind { print $3 }' build/linear.log; }
# The worst of W1 is nothing but brackets below MISSKEY_MAX_DEPTH, which go step by step.
within "instructions a byte, worst input for W1" "$(worst W1)" 61
within "instructions a byte, worst input for W2" "$(worst W2)" 307
within "instructions a byte, worst stream of frames" "$(worst frames)" 300
within "instructions a byte, worst note for the store" "$(worst store)" 22500
exit $failed
