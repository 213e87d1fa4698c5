#!/bin/sh
# tests/golden/vocabulary.txt against the protocol pages that it is made from; test_vocabulary on a fresh extract of
# these; and it and test_params with each option that leaves vocabulary out.
dir=build/vocabulary
golden=tests/golden/vocabulary.txt
pages=../shared/protocol
index=../shared/recordings/INDEX.md
mkdir -p $dir
failed=0

# result NAME PROBLEM DETAIL: passes if there is no problem
result() {
    if [ -z "$2" ]; then
        echo "PASS vocabulary $1: $3"
    else
        echo "FAIL vocabulary $1: $2"
        failed=1
    fi
}

# run_test NAME OPTIONS: builds tests/NAME.c with the options and runs it
run_test() {
    ${CC:-cc} -std=c99 -Wall -Wextra -Werror -DMISSKEY_POISON=1 $2 -I tests/greatest -o $dir/$1 tests/$1.c \
        tests/implementation.c >$dir/log 2>&1 && $dir/$1 >>$dir/log 2>&1
    status=$?
    [ $status -eq 0 ] || sed 's/^/    /' $dir/log | head -n 20
    [ $status -eq 0 ] && problem= || problem="exit status $status"
    result "$1${2:+ $2}" "$problem" "$(tail -n 1 $dir/log)"
}

# Names in recordings come and go with these: the tests want those that are known and those that are there now.
without_recorded() {
    grep -v "^recorded" "$1"
}

# The page that holds where others differ comes first.
set -- $pages/forks-observed.md $pages/channels.md $pages/events.md
if [ -f "$1" ] && [ -f "$2" ] && [ -f "$3" ]; then
    [ -f $index ] && set -- "$@" $index || echo "SKIP vocabulary names in recordings: $index is missing"
    awk -f tests/tools/vocabulary.awk "$@" >$dir/fresh
    without_recorded $golden >$dir/old
    without_recorded $dir/fresh >$dir/new
    line=$(diff $dir/old $dir/new | sed -n 2p)
    [ -z "$line" ] || line="$line; new: awk -f tests/tools/vocabulary.awk $* >$golden"
    result "$golden" "$line" "$(wc -l <$dir/new) lines as in $pages"
    grep "^recorded" $golden >>$dir/fresh
    VOCABULARY=$dir/fresh
    export VOCABULARY
    run_test test_vocabulary ""
    unset VOCABULARY
else
    echo "SKIP vocabulary pages: $pages is missing or lacks one of forks-observed.md, channels.md, events.md"
fi

for options in -DMISSKEY_NO_HISTORIC=1 -DMISSKEY_NO_FORKS=1 "-DMISSKEY_NO_HISTORIC=1 -DMISSKEY_NO_FORKS=1"; do
    run_test test_vocabulary "$options"
    run_test test_params "$options"
done
exit $failed
