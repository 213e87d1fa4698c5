#!/bin/sh
# Replays every recording with build/wire_replay, both roles, cut into pieces in many ways, and compares the output byte
# for byte with what tests/tools/expect_replay.mjs works out from the decoded messages. Then the errors of wire_replay
# and json_check.
check=recordings
. tests/tools/recordings.sh
build wire_replay json_check

replay_set() {
    expect || return
    for r in client server; do
        for split in whole one recorded random:1 random:2 random:3; do
            compare $r "" --split $split
        done
        compare $r .small --rx $small
        compare $r .small --rx $small --split random:4
        compare $r .message --framing message
    done
}

# ends STATUS WHAT COMMAND...: the exit status, and one line on stderr unless it is 0
ends() {
    want=$1 what=$2
    shift 2
    "$@" >$dir/out 2>$dir/err
    got=$?
    count=$(wc -l <$dir/err)
    problem=
    [ $got -eq $want ] || problem="exit status $got instead of $want"
    [ $want -eq 0 ] || [ $count -eq 1 ] || problem="$count lines on stderr"
    result "$what" "$problem" "$(cat $dir/err)"
}

# spoiled NAME: a copy of a small recording, to be broken
spoiled() {
    rm -rf $dir/spoiled
    cp -r tests/recordings/cut-off/c $dir/spoiled
}

replay_errors() {
    good=tests/recordings/cut-off/c
    mkdir -p $dir/empty
    ends 2 "no folder" $replay
    ends 2 "two folders" $replay $good $good
    ends 2 "unknown option" $replay --type $good
    ends 2 "unknown role" $replay --role peer $good
    ends 2 "no value" $replay --split
    ends 2 "unknown split" $replay --split random:x $good
    ends 2 "too little memory" $replay --rx 255 $good
    ends 0 "least memory" $replay --rx 256 $good
    ends 2 "missing folder" $replay $dir/missing
    ends 2 "empty folder" $replay $dir/empty
    for file in server.bin client.bin chunks.jsonl messages.jsonl; do
        spoiled
        rm $dir/spoiled/$file
        ends 2 "no $file" $replay $dir/spoiled
        echo no gzip >$dir/spoiled/$file.gz
        ends 2 "broken $file.gz" $replay $dir/spoiled
    done
    spoiled
    printf x >>$dir/spoiled/server.bin
    ends 1 "server.bin too long" $replay $dir/spoiled
    spoiled
    sed '$d' $good/chunks.jsonl >$dir/spoiled/chunks.jsonl
    ends 1 "chunks.jsonl too short" $replay $dir/spoiled
    spoiled
    mkdir $dir/spoiled/server.bin.d && mv $dir/spoiled/server.bin $dir/spoiled/server.bin.d
    mv $dir/spoiled/server.bin.d $dir/spoiled/server.bin
    ends 2 "server.bin is a folder" $replay $dir/spoiled
    spoiled
    sed 's/\(Key: \)[^=]*==/\1AAAAAAAAAAAAAAAAAAAAAA==/' $good/client.bin >$dir/spoiled/client.bin
    ends 0 "wrong key" $replay $dir/spoiled
    result "wrong key, the line" "$(grep -v '"error":"WS_ACCEPT"' $dir/out)" "$(cat $dir/out)"
    spoiled
    echo '{"dir":"recv"' >>$dir/spoiled/messages.jsonl
    ends 1 "messages.jsonl is no JSON" $replay $dir/spoiled
}

json_check_errors() {
    awk 'BEGIN { for (i = 0; i < 4096; i++) printf "["; for (i = 0; i < 4096; i++) printf "]" }' >$dir/deepest.json
    { printf '['; cat $dir/deepest.json; printf ']'; } >$dir/too_deep.json
    printf '{"a":"\303\050"}' >$dir/not_utf8.json
    printf '[1,]' >$dir/not_json.json
    ends 0 "json_check, 4096 levels" build/json_check $dir/deepest.json
    ends 1 "json_check, 4097 levels" build/json_check $dir/too_deep.json
    ends 1 "json_check, not UTF-8" build/json_check $dir/not_utf8.json
    ends 1 "json_check, not JSON" build/json_check $dir/not_json.json
    ends 0 "json_check, standard input" sh -c "build/json_check - <$dir/deepest.json"
    ends 2 "json_check, no file" build/json_check
    ends 2 "json_check, missing file" build/json_check $dir/missing
    ends 2 "json_check, folder" build/json_check $dir
}

each_set replay_set
replay_errors
json_check_errors
exit $failed
