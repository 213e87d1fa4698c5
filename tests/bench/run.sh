#!/bin/sh
# make bench: builds the benches and the peers that are installed, makes the corpora, prints every table. Arguments:
# shared objects of further peers (peer.h). Environment: MAKE, BUILD, REPETITIONS; QUICK=1: small corpora; UPDATE=1:
# writes the tables that README.md shows. Run it on a quiet machine; only ratios within one run count.
dir=$BUILD/bench
recording=../shared/recordings/bulk/messages.jsonl.gz
generator=../shared/anchors/bench/gen_corpus.py
bytes=20971520
[ -z "${QUICK:-}" ] || bytes=2097152
pin=
command -v taskset >/dev/null && pin="taskset -c $(($(nproc) - 1))"
own="$dir/own.so $dir/own-portable.so $dir/own-small.so"
mkdir -p $dir

build() { $MAKE -s --no-print-directory "$@"; }

# peer NAME PACKAGE HEADER: adds it to $peers, or says that it is missing; one that is there must build.
peer() {
    if build $dir/$1.so >$dir/$1.log 2>&1; then
        peers="$peers $dir/$1.so"
        return
    fi
    if [ -f tests/bench/peers/$1.c ]; then compiler="${CC:-cc} -x c"; else compiler="${CXX:-c++} -x c++"; fi
    if echo "#include <$3>" | $compiler -E - >/dev/null 2>&1; then
        cat $dir/$1.log
        echo "bench: tests/bench/peers/$1 does not build"
        exit 1
    fi
    echo "missing: $1 (Debian: $2)"
}

corpora() {
    if [ -f $recording ]; then
        gzip -dc $recording | $dir/corpus recorded >$dir/whole || exit 1
    else
        echo "missing: $recording; tests/recordings stand in for it"
        find tests/recordings -name messages.jsonl | LC_ALL=C sort | xargs cat | $dir/corpus recorded >$dir/whole ||
            exit 1
    fi
    if [ -z "${QUICK:-}" ]; then mv $dir/whole $dir/recorded; else head -n 1600 $dir/whole >$dir/recorded; fi
    if [ -f $generator ] && [ -z "${QUICK:-}" ] && command -v python3 >/dev/null; then
        python3 $generator $dir/synthetic 20 20261123 >/dev/null || exit 1
    else
        $dir/corpus synthetic $bytes >$dir/synthetic || exit 1
    fi
    for corpus in recorded synthetic; do
        $dir/corpus shuffled <$dir/$corpus >$dir/$corpus-shuffled || exit 1
    done
    head -n 2000 $dir/synthetic >$dir/counted
}

# count W PEER: instructions a byte
count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no --toggle-collect=measured \
        $dir/json --once $1 $dir/counted $2 2>&1 | awk '
            / bytes$/ { bytes = $1 }
            /Collected/ { count = $NF }
            END { printf "%.2f", count / bytes }'
}

instructions() {
    if ! valgrind -q --tool=none true >/dev/null 2>&1; then
        echo "missing: valgrind; no instructions are counted"
        return
    fi
    printf '\n%-46s %8s %7s %7s\n' "instructions a byte, synthetic" W1 W2 mean
    for object in $own $counted_peers; do
        w1=$(count 1 $object)
        w2=$(count 2 $object)
        mean=$(echo $w1 $w2 | awk '{ printf "%.2f", ($1 + $2) / 2 }')
        printf '%-46s %8s %7s %7s\n' "$(basename $object .so)" $w1 $w2 $mean
    done
}

build $dir/json $dir/frames $dir/e2e $dir/corpus $dir/linear $own || exit 1
peers= counted_peers=
peer simdjson libsimdjson-dev simdjson.h
peer rapidjson rapidjson-dev rapidjson/document.h
peer cjson libcjson-dev cjson/cJSON.h
[ -n "${QUICK:-}" ] || counted_peers="$peers $*"
peer wslay libwslay-dev wslay/wslay.h
peers="$peers $*"
corpora

{
    $pin $dir/json $REPETITIONS $dir/recorded $dir/recorded-shuffled $dir/synthetic $dir/synthetic-shuffled \
        -- $own $peers &&
    $pin $dir/frames $REPETITIONS $dir/recorded $own $peers &&
    $dir/e2e $REPETITIONS 2 $dir/recorded $own $peers &&
    $dir/json --stack $dir/recorded $own $peers &&
    instructions &&
    echo &&
    $pin $dir/linear $dir/recorded &&
    echo done
} | tee $dir/tables.txt
[ "$(tail -n 1 $dir/tables.txt)" = done ] || exit 1

# README shows some of the tables.
[ -n "${UPDATE:-}" ] || exit 0
awk '
    NR == FNR { # a table: its title and the rows up to the next empty line
        if ($0 == "") on = 0
        else if (/^W[12], recorded  |^reading.* 16384|^masking.* 1024|^end to end/) {
            on = 1
            text = text gap
            gap = "\n"
        }
        if (on) text = text $0 "\n"
        next
    }
    /<!-- \/bench -->/ { print "```"; inside = 0 }
    !inside
    /<!-- bench -->/ { printf "```\n%s", text; inside = 1 }
' $dir/tables.txt README.md >$dir/README.md && cp $dir/README.md README.md
