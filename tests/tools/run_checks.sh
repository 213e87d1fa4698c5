#!/bin/sh
# make check: runs make test and every tests/check_*.sh, and sums their results. Environment: MAKE, BUILD.
mkdir -p "$BUILD"
rm -f "$BUILD"/check_*.log
failed=0

$MAKE --no-print-directory test BUILD="$BUILD" >"$BUILD/check_test.log" 2>&1
status=$?
cat "$BUILD/check_test.log"
counts=$(sed -n 's/^make test: //p' "$BUILD/check_test.log" | tail -n 1)
[ -n "$counts" ] || counts="0 passed, $((status != 0)) failed, 0 skipped"

for check in tests/check_*.sh; do
    name=$(basename "$check" .sh)
    log=$BUILD/$name.log
    echo "== $check"
    sh "$check" >"$log" 2>&1
    status=$?
    if [ $status -ne 0 ] && ! grep -q '^FAIL ' "$log"; then
        echo "FAIL $name: ended with status $status" >>"$log"
    fi
    cat "$log"
done

cat "$BUILD"/check_*.log | awk -v counts="$counts" '
    BEGIN { split(counts, test, /[^0-9]+/) }
    /^PASS / { test[1]++ }
    /^FAIL / { test[2]++ }
    /^SKIP / { test[3]++ }
    END {
        printf "make check: %d passed, %d failed, %d skipped\n", test[1], test[2], test[3]
        exit test[2] > 0
    }'
