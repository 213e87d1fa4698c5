# The names and attributes that the protocol pages state, one line each, as tests/golden/vocabulary.txt explains.
# usage: awk -f tests/tools/vocabulary.awk forks-observed.md channels.md events.md INDEX.md
# forks-observed.md comes first because it holds where the others differ. Tables are read by the titles of their
# columns; the few sentences that stand for tables, by their form.
BEGIN {
    OFS = "\t"
    timelines = "homeTimeline, localTimeline, hybridTimeline, globalTimeline, roleTimeline, channel, hashtag, antenna"
    split("home local hybrid global bubble recommended", short, " ")
    for (i in short) long[short[i]] = short[i] "Timeline"
    long["timelines"] = timelines ", userList"
    last_v10 = "10.102"
    print "# Made by tests/tools/vocabulary.awk from the protocol pages, read by tests/test_vocabulary.c. Columns,"
    print "# between tabs (- = not stated; last: now, or fork, and then first says whose):"
    print "# channel      name, credential, permission, share, releases, first, last"
    print "# param        channel (- = wherever it is), name, need, type, default, first, last"
    print "# event        channel, name, body, first, last"
    print "# operation    channel, name, body, first, last"
    print "# root         name, body, first, last"
    print "# update       name, members, whose"
    print "# notification name, members, first, last"
    print "# field        section of events.md (and which table of it), name, type"
    print "# recorded     a name that is in the recordings: of an event, update, notification or root message"
}

function clean(s) { gsub(/[`*]/, "", s); gsub(/^ +| +$/, "", s); return s }
function plain(s) { s = clean(s); sub(/ *\(.*/, "", s); return s }
function stated(s) { return s == "" ? "-" : s }
function is_name(s) { return s ~ /^[a-z][A-Za-z]*$/ }
function no_remarks(s) { gsub(/ *\([^)]*\)/, "", s); return s }

# What is left of the text is in rest.
function take(s, pattern) {
    if (!match(s, pattern)) { rest = ""; return "" }
    rest = substr(s, RSTART + RLENGTH)
    return substr(s, RSTART, RLENGTH)
}

# home, global and userList -> homeTimeline, globalTimeline, userList; sets channels[1..n], returns n
function expand(s,    n, i, parts, all) {
    gsub(/ and |\//, ", ", s)
    n = split(s, parts, /, */)
    for (i = 1; i <= n; i++) all = all (i > 1 ? ", " : "") (parts[i] in long ? long[parts[i]] : parts[i])
    return split(all, channels, /, /)
}

# (12.71-13.6), (12.71+) or a fork: sets since and until, which stay where nothing is stated.
function versions(s,    v) {
    if (s ~ /\((Sharkey|CherryPick line)\)/) {
        since = plain(substr(s, match(s, /Sharkey|CherryPick/))); sub(/[ )].*/, "", since)
        until = "fork"
    } else if ((v = take(s, "\\([0-9.]+[-+][0-9.]*\\)")) != "") {
        split(substr(v, 2, length(v) - 2), range, /[-+]/)
        since = range[1]
        if (range[2] != "") until = range[2]
    }
}

# The form of a body: null, str, arr of UserLite, {userId: str}; what is said besides is left out.
function form(s) {
    s = clean(s)
    if (s ~ /^body any/) s = substr(s, match(s, /\{|$/))
    if (s ~ /\{/) return substr(s, 1, match(s, /\}/))
    sub(/( *\(|,|;|\.$| every | directly).*/, "", s)
    return stated(s)
}

# All that is in backquotes, with commas between; {} is nothing.
function members(s,    piece, all) {
    while ((piece = take(s, "`[^`]*`")) != "") {
        s = rest
        piece = clean(piece)
        if (piece ~ /^\{.*\}$/) piece = substr(piece, 2, length(piece) - 2)
        if (piece != "") all = all (all == "" ? "" : ", ") piece
    }
    return stated(all)
}

# `a`, `b` `{x}` and `c {y}`: a line for each name; a body of its own piece is that of all names before it.
function names_and_bodies(s, start,    piece, n, i, names, body) {
    n = 0
    while ((piece = take(s, "`[^`]*`")) != "") {
        s = rest
        piece = clean(piece)
        body = take(piece, "\\{.*\\}")
        if (piece !~ /^\{/) names[++n] = substr(piece, 1, match(piece " ", / /) - 1)
        if (body == "" && s ~ /`/) continue
        for (i = 1; i <= n; i++) print start, names[i], (i < n && piece !~ /^\{/ ? "-" : stated(body)), whose, "fork"
        n = 0
    }
}

/^#/ {
    section = $2
    sub(/\.$/, "", section)
    title = $0
    tables = 0
    if (FILENAME ~ /forks/) whose = title ~ /Type4ny/ ? "Type4ny" : "Sharkey"
    of_title = title
    sub(/ *\(.*/, "", of_title)
    of_table = of_title = clean(substr(of_title, match(of_title, /`/)))
}
!/^\|/ { in_table = 0 }
/^\|[-|]+$/ { next }
/^\|/ {
    cells = split($0, cell, /\|/)
    if (!in_table) {
        in_table = 1
        tables++
        split($0, head, /\|/)
        for (i in head) head[i] = clean(head[i])
        next
    }
}

# --- forks-observed.md ---

FILENAME ~ /forks/ && in_table {
    topic = clean(cell[2])
    if (topic == "root messages added") names_and_bodies(cell[4], "root")
    if (topic == "errors as messages")
        for (i = 1; i <= expand("chatUser, chatRoom"); i++) names_and_bodies(cell[4], "event" OFS channels[i])
    if (topic == "main events added") names_and_bodies(cell[4], "event" OFS "main")
    if (topic == "notifications added") { sub(/;.*/, "", cell[4]); names_and_bodies(cell[4], "notification") }
    if (topic == "updated" || topic == "replied") print "update", topic, members(cell[4]), whose
    if (topic == "operations") observed_operations(cell[4])
    if (topic ~ /^mediaTimeline / && cell[3] ~ /not shareable/) {
        shares["mediaTimeline"] = "no"
        print "param", "mediaTimeline", "withRenotes", "may", "-", "true", whose, "fork"
    }
    if (cell[3] ~ /loginBonus \(`points`: number\)/) print "notification", "loginBonus", "points: num", whose, "fork"
    next
}

function observed_operations(s,    n, i, parts, part, names, j, m) {
    n = split(s, parts, /; */)
    for (i = 1; i <= n; i++) {
        split(parts[i], part, /: */)
        if (part[2] ~ /answered by/) {
            names_and_bodies(part[2], "event" OFS clean(part[1]))
            sub(/, answered by.*/, "", part[2])
        }
        m = split(part[2], names, /[,\/] */)
        for (j = 1; j <= m; j++) print "operation", clean(part[1]), clean(names[j]), "-", whose, "fork"
    }
}

# --- channels.md: 1, 2 ---

function yes_or_no(s) {
    s = plain(s)
    sub(/.*later /, "", s)
    if (s ~ /^[0-9.]+\+$/) s = "yes"
    return s == "unverified" ? "-" : stated(s)
}

function permission(s) { s = clean(s); return s == "unverified" ? "-" : s == "-" ? "none" : s }

# The names in a list of events; the text behind ";" is taken only where it is a list as well.
function events_in(s, channel, first, last,    n, i, parts, name) {
    n = split(s, parts, /[,;] */)
    for (i = 1; i <= n; i++) {
        if (parts[i] ~ /operation/) return
        name = plain(parts[i])
        since = first
        until = last
        versions(parts[i])
        sub(/ with null body/, "", name)
        if (is_name(name) && name != "unverified")
            print "event", channel, name, (parts[i] ~ /with null/ ? "null" : "-"), since, until
    }
}

FILENAME ~ /channels/ && in_table && section == "1" {
    name = clean(cell[2])
    firsts[name] = plain(cell[7])
    lasts[name] = plain(cell[8])
    print "channel", name, yes_or_no(cell[3]), permission(cell[4]), plain(cell[5]), yes_or_no(cell[6]), \
        firsts[name], lasts[name]
    n = split(cell[9], parts, /, *| or /)
    for (i = 1; i <= n; i++) {
        since = firsts[name]
        versions(parts[i])
        need = cell[9] ~ /\*\* or \*\*/ ? "either" : "must"
        if (!is_name(plain(parts[i]))) continue
        if (parts[i] ~ /\*\*/) print "param", name, plain(parts[i]), need, "-", "-", since, lasts[name]
        else print "param", name, plain(parts[i]), "may", "-", "-", "-", "-"
    }
    events_in(cell[10], name, firsts[name], lasts[name])
    n = split(clean(cell[11]), parts, /, */)
    for (i = 1; i <= n; i++)
        if (is_name(parts[i])) print "operation", name, parts[i], "-", firsts[name], lasts[name]
    next
}

function fork_params(s, channel, whose,    only, piece, value, remark) {
    s = clean(s)
    if (match(s, /^[a-z]+: /)) {
        only = substr(s, 1, RLENGTH - 2)
        if (only != channel) return
        s = substr(s, RLENGTH + 1)
        print "param", channel, s, "must", "-", "-", whose, "fork"
        return
    }
    if (is_name(s)) print "param", channel, s, s ~ /Id$/ ? "must" : "may", "-", "-", whose, "fork"
    while ((piece = take(s, "[A-Za-z]+=[a-z]+")) != "") {
        s = rest
        split(piece, value, "=")
        remark = take(substr(s, 1, match(s ",", /[,;]/) - 1), "\\([A-Z].*\\)")
        gsub(/[()]/, "", remark)
        print "param", channel, value[1], "may", "bool", value[2], (remark == "" ? whose : remark), "fork"
    }
}

# name(type), name {members}, name/name {members}
function fork_operations(s, channel, whose,    piece, n, i, names, body) {
    if (!match(s, /operations? /)) return
    s = clean(substr(s, RSTART + RLENGTH))
    while ((piece = take(s, "[A-Za-z/]+ ?(\\([a-z]+\\)|\\{[^}]*\\})")) != "") {
        s = rest
        body = take(piece, "\\(.*\\)|\\{.*\\}")
        gsub(/[()]/, "", body)
        n = split(substr(piece, 1, match(piece, / ?[({]/) - 1), names, "/")
        for (i = 1; i <= n; i++) print "operation", channel, names[i], body, whose, "fork"
    }
}

FILENAME ~ /channels/ && in_table && section == "2" && head[2] == "Channel" && !/never use/ {
    whose = no_remarks(clean(cell[3]))
    n = split(clean(cell[2]), names, /, */)
    for (i = 1; i <= n; i++) {
        share = yes_or_no(cell[6])
        if (names[i] in shares) share = shares[names[i]]
        print "channel", names[i], yes_or_no(cell[4]), permission(cell[5]), share, "-", whose, "fork"
        fork_params(cell[7], names[i], whose)
        events_in(cell[8], names[i], whose, "fork")
        fork_operations(cell[8], names[i], whose)
    }
    next
}

# Extra parameters of forks: `name` type (default), for channels of its own where "home and hybrid also" stands before.
FILENAME ~ /channels/ && in_table && section == "2" && head[2] == "Fork" {
    whose = plain(cell[2])
    if ((also = take(cell[4], "; also [A-Za-z]+ on [a-z-]+")) != "") {
        sub(/; also [A-Za-z]+ on [a-z-]+/, "", cell[4])
        split(also, words, " ")
        match(cell[4], /`[A-Za-z]+` \([a-z]+\)$|`[A-Za-z]+` \([a-z]+\) *$/)
        name = clean(substr(cell[4], RSTART))
        sub(/ .*/, "", name)
        print "param", words[3], name, "may", "bool", "-", words[5], "fork"
    }
    sub(/\): .*/, ")", cell[4])
    n = split(cell[4], parts, /; */)
    for (i = 1; i <= n; i++) {
        on = clean(cell[3])
        if ((also = take(parts[i], "^[A-Za-z ]+ also ")) != "") { on = also; sub(/ also $/, "", on) }
        s = parts[i]
        while ((piece = take(s, "`[A-Za-z]+`( [a-z]+( or null)?)?( \\([a-z0-9]+\\))?")) != "") {
            s = rest
            split(piece, words, "`")
            value = take(words[3], "\\(.*\\)")
            gsub(/[()]/, "", value)
            type = no_remarks(words[3])
            gsub(/^ +| +$/, "", type)
            m = expand(on)
            for (j = 1; j <= m; j++)
                print "param", channels[j], words[2], "may", (type == "" ? "bool" : type), stated(value), whose, "fork"
        }
    }
    next
}

# --- channels.md: 3 ---

FILENAME ~ /channels/ && in_table && head[2] == "Param" {
    n = split(clean(cell[2]), names, /, */)
    type = plain(cell[3])
    value = plain(cell[4]) ~ /^(true|false)$/ ? plain(cell[4]) : "-"
    sub(/^ *see above *$/, "-", cell[5])
    groups = split(no_remarks(clean(cell[5])), places, /; */)
    for (i = 1; i <= n; i++) {
        for (g = 1; g <= groups; g++) {
            since = stated(clean(cell[6]))
            if (take(places[g], " [0-9.]+\\+$") != "") {
                since = substr(places[g], RSTART + 1, RLENGTH - 2)
                places[g] = substr(places[g], 1, RSTART - 1)
            }
            m = expand(places[g])
            for (j = 1; j <= m; j++)
                print "param", channels[j], names[i], "-", type, value, since, until_of(channels[j], cell[7])
        }
    }
    next
}

# home, global: 2023.9; local, hybrid: now, or one version for all
function until_of(channel, s,    n, i, parts, part, short_name) {
    s = no_remarks(clean(s))
    if (s !~ /:/) return stated(s)
    short_name = channel
    sub(/Timeline$/, "", short_name)
    n = split(s, parts, /; */)
    for (i = 1; i <= n; i++) {
        split(parts[i], part, /: */)
        if ((", " part[1] ", ") ~ (", " short_name ", ")) return part[2]
    }
    return "-"
}

FILENAME ~ /channels/ && in_table && head[2] ~ /[Ee]vent$/ {
    if (head[2] ~ / event$/) of_table = substr(head[2], 1, length(head[2]) - 6)
    n = split(clean(cell[2]), names, /, */)
    m = expand(of_table)
    for (i = 1; i <= n; i++) {
        for (j = 1; j <= m; j++) {
            since = firsts[channels[j]]
            until = lasts[channels[j]]
            if (head[4] == "First") {
                since = clean(cell[4])
                until = since ~ /^[0-9.]+$/ ? plain(cell[5]) : "fork"
            } else versions(cell[3])
            print "event", channels[j], names[i], form(cell[3]), since, until
        }
    }
    next
}

FILENAME ~ /channels/ && in_table && head[2] == "Operation" {
    n = split(clean(cell[2]), names, /, */)
    m = expand(of_table)
    for (i = 1; i <= n; i++) for (j = 1; j <= m; j++) operation(names[i], channels[j], clean(cell[3]), cell[4])
    next
}

# A body with two forms, "v10 {...}; v11+ {...}", is two operations.
function operation(name, channel, body, remark,    old) {
    since = firsts[channel]
    until = lasts[channel]
    versions("(" clean(remark) ")")
    if ((old = take(body, "^v10 .*; v11\\+ ")) != "") {
        body = rest
        print "operation", channel, name, form(substr(old, 5)), since, last_v10
        since = "11.0"
    }
    print "operation", channel, name, form(body), since, until
}

# Sentences: `name`: body. Operation `name`: body. Operation `name {body}`. Behind `channel` events: and `channel.name`:
# they are about that channel.
FILENAME ~ /channels/ && section ~ /^3\.([4-9]|1[0-3])$/ && !in_table {
    on = of_title
    s = $0
    if (match(s, /^`[A-Za-z]+` events: /)) {
        on = clean(substr(s, 1, RLENGTH - 9))
        s = substr(s, RLENGTH + 1)
    }
    while ((piece = take(s, "[a-z]* ?`([A-Za-z]+\\.)?[A-Za-z]+( \\{[^}]*\\})?`(: |[.])")) != "") {
        s = rest
        word = piece
        sub(/ ?`.*/, "", word)
        body = take(piece, "\\{.*\\}")
        name = clean(substr(piece, match(piece, /`/)))
        sub(/ *\{.*|[:.]$|: *$/, "", name)
        if (match(name, /\./)) {
            on = substr(name, 1, RSTART - 1)
            name = substr(name, RSTART + 1)
        }
        if (body == "") body = s
        sub(/; .*|\. .*/, "", body)
        sub(/the same/, "samples", body)
        m = expand(on)
        for (j = 1; j <= m; j++) {
            if (word ~ /peration$/) operation(name, channels[j], clean(body), "")
            else print "event", channels[j], name, form(body), firsts[channels[j]], lasts[channels[j]]
        }
    }
}

# --- events.md ---

FILENAME ~ /events/ && in_table && section == "1" && cell[3] ~ /^ *`/ {
    groups = split(cell[3], names_of, / \/ /)
    bodies = split(cell[4], body_of, / \/ /)
    scope = clean(cell[2])
    since = until = "-"
    versions(scope)
    scope = no_remarks(scope)
    for (g = 1; g <= groups; g++) {
        n = split(clean(names_of[g]), names, /, */)
        body = form(body_of[bodies == groups ? g : 1])
        m = expand(scope)
        for (i = 1; i <= n; i++) for (j = 1; j <= m; j++) {
            if (channels[j] == "root") print "root", names[i], body, since, until
            else print "event", channels[j], names[i], body, since, until
        }
    }
    next
}

FILENAME ~ /events/ && in_table && section == "2" && head[3] == "body" {
    print "update", clean(cell[2]), members(cell[3]), (cell[4] ~ /all|10\.x\+/ ? "all" : "fork")
    next
}

FILENAME ~ /events/ && in_table && section == "5" {
    s = clean(cell[4])
    since = s == "all" ? "10.0" : s
    until = s ~ /^[A-Z]/ ? "fork" : "now"
    if (match(s, /^[0-9.]+(x\+|\+|-[0-9.]+)/)) {
        split(substr(s, 1, RLENGTH), range, /[-+]/)
        since = range[1]
        sub(/x$/, "0", since)
        if (range[2] != "") until = range[2]
    }
    s = cell[2]
    while ((name = take(s, "`[^`]*`")) != "") {
        s = rest
        print "notification", clean(name), members(cell[3]), since, until
    }
    next
}

FILENAME ~ /events/ && /^Common members: / {
    s = $0
    while ((piece = take(s, "`[A-Za-z?]+` [A-Za-z]+")) != "") {
        s = rest
        split(clean(piece), words, " ")
        sub(/\?$/, "", words[1])
        print "field", section, words[1], words[2]
    }
}

FILENAME ~ /events/ && in_table && head[2] == "Field" {
    n = split(clean(cell[2]), names, /, | \/ /)
    m = split(clean(cell[3]), types, / \/ /)
    for (i = 1; i <= n; i++) {
        type = m == n ? types[i] : clean(cell[3])
        sub(/^".*/, "str", type)
        if ($0 ~ /\| any or null \|$/) type = "any"
        sub(/^\{.*\[\]$/, "arr of obj", type)
        sub(/^(\{|Record).*/, "obj", type)
        print "field", (tables > 1 ? section "." tables : section), names[i], type
    }
}

# --- INDEX.md: `< channel:event`, `< main:notification(type)`, `< noteUpdated:type`, `< type` ---

FILENAME ~ /INDEX/ {
    s = $0
    while ((piece = take(s, "`< [A-Za-z]+(:[A-Za-z0-9]+(\\([^)]*\\))?)?`")) != "") {
        s = rest
        piece = substr(clean(piece), 3)
        name = take(piece, "\\(.*\\)")
        if (name != "") record("notification" OFS substr(name, 2, length(name) - 2))
        sub(/\(.*/, "", piece)
        if (split(piece, words, ":") == 1) record("root" OFS piece)
        else if (words[1] == "noteUpdated") record("update" OFS words[2])
        else if (words[1] == "api") record("root" OFS "api:") # the rest is the id of the call
        else record("event" OFS words[1] OFS words[2])
    }
}

function record(line) { if (!(line in recorded)) print "recorded", line; recorded[line] = 1 }
