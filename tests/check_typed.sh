#!/bin/sh
# The typed lines of every recording, as build/wire_replay --typed prints them, byte for byte against what
# tests/tools/expect_replay.mjs finds with JSON.parse; the same for recorded messages changed at random, and for those of
# tests/golden/typed_cases.txt, made by hand. Dates against Date of JavaScript. That the library knows every name that
# the recordings have, but those that their clients invented. And that every message arrives whatever name in it is
# another one (test_typed).
check=typed
seed=${TYPED_SEED:-1}
. tests/tools/recordings.sh

# one_line: of equal lines how many there are, all in one line
one_line() {
    LC_ALL=C sort | uniq -c | tr -s ' \n' ' '
}

# count_lines FILE...: the kinds of typed lines there are, so that comparing nothing does not pass
count_lines() {
    counts=$(cat "$@" | LC_ALL=C sed -n 's/^{"event":"typed","kind":"\([a-zA-Z]*\)".*/\1/p' | one_line)
    case $counts in
    *' note '*' noteUpdate '*' notification '*) result "$set, lines" "" "$counts" ;;
    *) result "$set, lines" "not every kind is there:$counts" ;;
    esac
}

# What the recorded clients said on purpose: names that no server has, and known ones with a body of another form.
invented='channel (noSuchChannel|nope)|message (nope|zz)|operation (unknown|y|)'
malformed='message (ch|connect|disconnect|readNotification|s|un)'

unknown_names() {
    find $set -name messages.jsonl -exec cat {} + >$dir/messages
    find $set -name messages.jsonl.gz -exec gzip -dc {} + >>$dir/messages
    result "$set, unknown names of servers" "$(build/list_unknown recv <$dir/messages 2>&1 | one_line)" \
        "none in $(wc -l <$dir/messages) messages"
    build/list_unknown send <$dir/messages >$dir/sent 2>&1
    result "$set, unknown names of clients" "$(grep -v -x -E "$invented|$malformed|text" $dir/sent | one_line)" \
        "$(grep -x -E "$invented" $dir/sent | one_line)"
}

renamed_set() {
    if RECORDINGS=$set build/test_typed -v -s recorded >$dir/log 2>&1; then
        result "$set, renamed" "" "$(grep renamed, $dir/log)"
    else
        result "$set, renamed" "$(tail -n 4 $dir/log | tr '\n' ' ')"
    fi
}

typed_set() {
    unknown_names
    renamed_set
    rm -f $dir/*.client
    expect --typed || return
    count_lines $dir/*.client
    for r in client server; do
        compare $r "" --typed
        compare $r "" --typed --split random:7
        compare $r .message --typed --framing message
    done
    mutated_set
}

# a_folder NAME: one with nothing but the messages on stdin, and what they give
a_folder() {
    mkdir -p $dir/$1
    for file in control.jsonl chunks.jsonl client.bin server.bin; do : >$dir/$1/$file; done
    cat >$dir/$1/messages.jsonl
    node tests/tools/expect_replay.mjs --typed $dir $small $dir/$1
}

# Messages that no server has sent so far: recorded ones, changed at random. TYPED_SEED=n changes them in other ways.
mutated_set() {
    find $set -name 'messages.jsonl*' | LC_ALL=C sort | xargs node tests/tools/mutate.mjs "$seed" 30 | a_folder mutated
    whole=$set
    set="$set, $(wc -l <$dir/mutated/messages.jsonl) messages changed by seed $seed"
    count_lines $dir/0.client.message
    compare client .message --typed --framing message
    set=$whole
}

# Each line of the file is a message, sent and received. DEEP is more nesting than wire_replay is built for.
typed_cases() {
    set=tests/golden/typed_cases.txt
    node -e 'const deep = "[".repeat(5000) + "]".repeat(5000)
        for (const line of fs.readFileSync(0, "utf8").split("\n").slice(0, -1)) {
            const data = line.replace("DEEP", deep)
            for (const dir of ["recv", "send"]) console.log(JSON.stringify({ dir, data }))
        }' \
        <$set | a_folder cases
    compare client .message --typed --framing message
    compare server .message --typed --framing message
    found=$(build/list_unknown recv <$dir/cases/messages.jsonl |
        grep -c -x -E 'message glimpsed|event sparkled|note update starred|notification wished|text')
    [ "$found" -eq 5 ] && problem= || problem="list_unknown finds $found of 5 invented names"
    result "$set, unknown names" "$problem" "all $found invented ones are found"
}

# What Date.toISOString writes, and other texts, of which none must be read as another time than Date.parse gives.
dates() {
    if node tests/tools/times.mjs build/times "$seed" >$dir/log 2>&1; then
        result "dates" "" "$(cat $dir/log)"
    else
        result "dates" "$(head -n 20 $dir/log | tr '\n' ' ')"
    fi
}

build wire_replay list_unknown test_typed times
each_set typed_set
if command -v node >/dev/null; then
    typed_cases
    dates
else
    echo "SKIP typed tests/golden/typed_cases.txt and dates: node is missing"
fi
exit $failed
