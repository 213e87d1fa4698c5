#!/bin/sh
# make test and make run-test_x, with programs that pass, fail, die and say nothing: what is shown, and what is returned.
dir=build/make
failed=0
: "${MAKE:=make}"
rm -rf $dir
mkdir -p $dir

# program NAME COMMANDS: a test program
program() {
    printf '#!/bin/sh\n%s\n' "$2" >$dir/$1
    chmod +x $dir/$1
}
program test_good 'echo "Pass: 3, fail: 0, skip: 1."'
program test_good2 'echo "Pass: 1, fail: 0, skip: 0."'
program test_bad 'echo "FAIL two_is_three: 2 != 3"; echo "Pass: 2, fail: 1, skip: 0."; exit 1'
program test_dies 'kill -KILL $$'
program test_silent ''

# makes STATUS WHAT WORDS OPTIONS...: returns 0, or not; each line of WORDS is in the output
makes() {
    want=$1 what=$2 words=$3
    shift 3
    $MAKE --no-print-directory BUILD=$dir "$@" >$dir/out 2>&1
    status=$?
    problem=
    [ $((status != 0)) -eq $want ] || problem="returns $status"
    printf '%s\n' "$words" >$dir/words
    while read -r line; do
        grep -q -- "$line" $dir/out || problem="$problem no '$line' in: $(head -n 5 $dir/out)"
    done <$dir/words
    if [ -z "$problem" ]; then
        echo "PASS make $what"
    else
        echo "FAIL make $what: $problem"
        failed=1
    fi
}

all='TESTS=test_good test_good2 test_bad test_dies test_silent'
makes 0 "a test that passes" 'test_good  *3 passed, 0 failed, 1 skipped' "$all" run-test_good
makes 1 "a test that fails" 'FAIL two_is_three: 2 != 3
test_bad  *2 passed, 1 failed' "$all" run-test_bad
makes 1 "a test that dies" 'test_dies: ended with status 137' "$all" run-test_dies
makes 1 "a test that says nothing" 'test_silent: no line of counts' "$all" run-test_silent
makes 1 "-k goes on after a failure" 'FAIL two_is_three
test_good  *3 passed
test_dies: ended' -k "$all" run-test_bad run-test_dies run-test_good
makes 1 "test runs all and sums them" 'FAIL two_is_three
test_good  *3 passed
test_good2  *1 passed
test_bad  *2 passed, 1 failed
test_dies: ended with status 137
test_silent: no line of counts
^make test: 6 passed, 3 failed, 1 skipped' "$all" test
makes 0 "test without a failure" '^make test: 4 passed, 0 failed, 1 skipped' 'TESTS=test_good test_good2' test
rm -f $dir/*.log
makes 1 "-k test with a program that does not build" 'test_nothing' -k 'TESTS=test_nothing test_good' test
[ -s $dir/test_good.log ] || { echo "FAIL make -k test: the others are not run"; failed=1; }
exit $failed
