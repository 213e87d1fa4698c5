# stack.awk FILE.ci: the deepest stack below a public function and its chain of calls, from gcc -fcallgraph-info=su.
# What callbacks and libc use comes on top. -v store=0: of all but the note store; -v store=1: of the note store.
/^node:/ {
    split($0, part, "\"")
    title = part[2]
    if (match(part[4], /[0-9]+ bytes \(/)) frame[title] = substr(part[4], RSTART) + 0
}
/^edge:/ {
    split($0, part, "\"")
    calls[part[2]] = calls[part[2]] " " part[4]
}

function depth(f,    called, n, i, d, best) {
    if (f in known) return known[f]
    known[f] = frame[f] + 0
    n = split(calls[f], called, " ")
    for (i = 1; i <= n; i++) {
        d = depth(called[i])
        if (d > best) { best = d; deepest[f] = called[i] }
    }
    return known[f] = frame[f] + best
}

END {
    for (f in frame) {
        if (f ~ /^misskey_/ && (f ~ /^misskey_store_/) == store && depth(f) > worst) { worst = depth(f); root = f }
    }
    printf "%d", worst
    for (f = root; f != ""; f = deepest[f]) {
        name = f
        sub(/.*:/, "", name)
        printf " %s(%d)", name, frame[f]
    }
    print ""
}
