# For the checks that compare build/wire_replay with tests/tools/expect_replay.mjs; to be sourced from the root of the
# repository. The caller sets check: its name, in the results and below build/.
dir=build/$check
replay=build/wire_replay
small=4096      # receive memory that many messages do not fit in
one_max=300000  # bytes; larger folders are not fed byte by byte
failed=0
rm -rf $dir
mkdir -p $dir

# result NAME PROBLEM DETAIL: passes if there is no problem
result() {
    if [ -z "$2" ]; then
        echo "PASS $check $1: $3"
    else
        echo "FAIL $check $1: $2"
        failed=1
    fi
}

# build PROGRAM...: ends the check if one cannot be built
build() {
    for program in "$@"; do
        ${MAKE:-make} -s --no-print-directory "build/$program" && continue
        echo "FAIL $check: build/$program does not build"
        exit 1
    done
}

# each_set COMMAND: calls it with set being each folder of recordings that is there
each_set() {
    for set in tests/recordings ../shared/recordings; do
        if [ -d $set ]; then
            $1
        else
            echo "SKIP $check: $set is missing"
        fi
    done
}

# expect [--typed]: what wire_replay has to print for every folder of the set; false if that cannot be found out
expect() {
    if ! command -v node >/dev/null; then
        echo "SKIP $check $set: node is missing"
        return 1
    fi
    find "$set" -name control.jsonl | sed 's,/control.jsonl$,,' | LC_ALL=C sort >$dir/folders
    xargs node tests/tools/expect_replay.mjs "$@" $dir $small <$dir/folders && return
    result "$set" "tests/tools/expect_replay.mjs cannot read it"
    return 1
}

# compare ROLE KIND OPTIONS...: every folder of the index
compare() {
    role=$1 kind=$2
    shift 2
    count=0
    bad=
    while read -r number client server folder; do
        bytes=$server
        [ $role = server ] && bytes=$client
        case " $* " in *" one "*) [ "$bytes" -le $one_max ] || continue ;; esac
        count=$((count + 1))
        $replay --role $role "$@" "$folder" >$dir/out 2>$dir/err && cmp -s $dir/out $dir/$number.$role$kind && continue
        [ -n "$bad" ] && continue
        line=$(cmp $dir/out $dir/$number.$role$kind 2>&1 | sed 's/.*, //')
        bad="$folder ($line) $(head -n 1 $dir/err)"
    done <$dir/index
    result "$set, $role $*" "$bad" "$count folders"
}
