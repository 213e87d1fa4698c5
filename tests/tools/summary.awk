# Sums the logs of the test programs (each ends with "exit status N"; counts as our greatest.h or upstream's prints them).
# The log of a program that failed is printed whole, of the others only what was skipped. goal: what make was asked for.
function program(path) { sub(/.*\//, "", path); sub(/\.log$/, "", path); return path }
function finish(    name) {
    if (file == "") return
    name = program(file)
    if (status != 0 && bad == 0) { bad = 1; text = text name ": ended with status " status "\n" }
    if (status == 0 && good + bad + left == 0) { bad = 1; text = text name ": no line of counts\n" }
    printf "%s%-24s %5d passed, %d failed, %d skipped\n", bad ? text : skips, name, good, bad, left
    passed += good; failed += bad; skipped += left
}
FNR == 1 { finish(); file = FILENAME; text = skips = ""; good = bad = left = status = 0 }
/^exit status / { status = $3; next }
{ text = text $0 "\n" }
/^SKIP / { skips = skips program(FILENAME) ": " $0 "\n" }
tolower($0) ~ /^pass(ed)?:? [0-9]+, fail(ed)?:? [0-9]+, skip(ped)?:? [0-9]+/ {
    gsub(/[^0-9]+/, " ")
    good += $1; bad += $2; left += $3
}
END {
    finish()
    printf "make %s: %d passed, %d failed, %d skipped\n", goal, passed, failed, skipped
    exit failed + !passed > 0
}
