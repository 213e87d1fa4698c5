#!/bin/sh
# build/json_check: JSONTestSuite (read from ../shared, not part of this repository) and texts that must not take long.
set -u
build=${BUILD:-build}
suite=../shared/jsontestsuite/test_parsing
work=$build/check_json
result=0

${MAKE:-make} -s --no-print-directory "$build/json_check" ||
    { echo "FAIL json: $build/json_check does not build"; exit 1; }
mkdir -p "$work"

# accepted_of PREFIX: how many files of the suite are accepted, and how many there are; any other exit code is named.
accepted_of() {
    yes=0
    all=0
    for file in "$suite/$1"*.json; do
        "$build/json_check" "$file" >/dev/null 2>&1
        code=$?
        all=$((all + 1))
        [ $code -eq 0 ] && yes=$((yes + 1))
        [ $code -gt 1 ] && echo "exit code $code for $file" >&2 && yes=-1000
    done
    echo "$yes of $all"
}

expect() {  # NAME EXPECTED SEEN
    if [ "$2" = "$3" ]; then
        echo "PASS json $1: $3"
    else
        echo "FAIL json $1: $3, expected $2"
        result=1
    fi
}

if [ -d $suite ]; then
    expect "y_ accepted" "95 of 95" "$(accepted_of y_)"
    expect "n_ accepted" "0 of 188" "$(accepted_of n_)"
    # The decisions are explained in tests/test_json.c: numbers of any size and lone surrogate escapes are valid.
    expect "i_number accepted" "10 of 10" "$(accepted_of i_number_)"
    expect "i_object accepted" "1 of 1" "$(accepted_of i_object_key_lone_2nd_surrogate)"
    expect "i_structure_500 accepted" "1 of 1" "$(accepted_of i_structure_500)"
    expect "i_structure_UTF-8_BOM accepted" "0 of 1" "$(accepted_of i_structure_UTF-8_BOM)"
    for name in 1st_surrogate_but_2nd_missing 1st_valid_surrogate_2nd_invalid incomplete_surrogate_and_escape_valid \
        incomplete_surrogate_pair incomplete_surrogates_escape_valid invalid_lonely_surrogate invalid_surrogate \
        inverted_surrogates lone_second_surrogate; do
        expect "i_string_$name accepted" "1 of 1" "$(accepted_of i_string_$name)"
    done
    expect "i_string accepted, the 9 above of" "9 of 22" "$(accepted_of i_string_)"
else
    echo "SKIP json suite: $suite is missing"
fi

# take NAME CODE: json_check on $work/text has this exit code within 5 seconds of processor time.
take() {
    (ulimit -t 5; exec "$build/json_check" "$work/text") >/dev/null 2>"$work/said"
    expect "$1 within 5 s" "exit code $2" "exit code $?"
}

repeat() {  # COUNT CHARACTER
    head -c "$1" /dev/zero | tr '\0' "$2"
}

repeat 100000 '[' >"$work/text"
take "100000 opening brackets" 1
{ repeat 100000 '['; repeat 100000 ']'; } >"$work/text"
take "100000 nested arrays" 1
if grep -qi 'deep\|depth\|nest' "$work/said"; then
    echo "PASS json says that the text is too deep: $(head -n 1 "$work/said")"
else
    echo "FAIL json says that the text is too deep: said '$(head -n 1 "$work/said")'"
    result=1
fi
{ repeat 4096 '['; repeat 4096 ']'; } >"$work/text"
take "4096 nested arrays" 0
{ printf '"'; repeat 10000000 x; printf '"'; } >"$work/text"
take "a string of 10 MB" 0
{ printf '"'; repeat 10000000 x; } >"$work/text"
take "a string of 10 MB without its end" 1
{ printf '"'; repeat 1000000 '\\'; printf '"'; } >"$work/text"
take "1000000 backslashes" 0
{ printf '"'; repeat 1000001 '\\'; printf '"'; } >"$work/text"
take "1000001 backslashes" 1
{ repeat 10000000 ' '; printf 1; repeat 10000000 '\n'; } >"$work/text"
take "20 MB of white space" 0
{ printf '[1e'; repeat 5000000 9; printf ',-0.'; repeat 5000000 0; printf 'E-'; repeat 5000000 7; printf ']'; } \
    >"$work/text"
take "numbers of 5 MB and more" 0
{ printf '[0'; repeat 5000000 , | sed 's/,/,{}/g'; printf ']'; } >"$work/text"
take "an array of 5000000 objects" 0
repeat 5000000 '"' >"$work/text"
take "5000000 quotes" 1
rm -r "$work"
exit $result
