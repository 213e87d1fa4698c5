# flash.awk misskey_stream.h FACTS: bytes of code and constants by section of the header. FACTS are lines of nm, of objdump's
# line table and hex dump and of the linker's map, each with its source before it (see size.sh).
# Code counts where its source line stands, whatever it was inlined into; constants where they are defined; string literals
# with the function they are used in, or, if used in a table, where the text stands.
BEGIN {
    split("utf8 scan json jw", names, " "); for (i in names) group[names[i]] = "json"
    split("sha1 tx head frames ws", names, " "); for (i in names) group[names[i]] = "websocket"
    group["conn"] = "connection"
    group["config"] = "errors"
    for (i = 0; i < 16; i++) digit[sprintf("%x", i)] = i
    order = "json message vocabulary typed params url websocket session store connection pump errors other"
}

function hex(text,    n, i) {
    sub(/^0x/, "", text)
    for (i = 1; i <= length(text); i++) n = n * 16 + digit[substr(text, i, 1)]
    return n
}

function count(line, n) { bytes[line in section ? section[line] : "other"] += n }

# the line that defines a function of the implementation
function definition(name) { return name in defined ? defined[name] : 0 }

# string literals between two addresses of .rodata
function strings(from, to,    text, at, line) {
    for (at = from; at < to; at++) {
        if (memory[at] != "00") { text = text sprintf("%c", hex(memory[at])); continue }
        for (line = 1; line <= lines; line++) if (index(source[line], "\"" text "\"")) break
        count(line, length(text) + 1)
        text = ""
    }
}

FNR == NR {
    source[FNR] = $0
    lines = FNR
    if (match($0, />>[a-z0-9-]+  \*\/$/)) {
        tag = substr($0, RSTART + 2, RLENGTH - 6)
        impl = impl || tag == "impl"
        sub(/^impl-/, "", tag)
        tag = tag in group ? group[tag] : tag
    }
    section[FNR] = tag
    if (impl && match($0, /^[A-Za-z].*\(/)) {
        name = substr($0, 1, index($0, "(") - 1)
        sub(/.*[ *]/, "", name)
        defined[name] = FNR
    }
    next
}

$1 == "nm" && $4 ~ /^[tT]$/ && (!base || hex($2) < base) { base = hex($2) }

# what the linker dropped still has lines, at addresses from 0 on
$1 == "line" && $2 ~ /\.[ch]$/ && $4 ~ /^0x/ {
    address = hex($4)
    if (address < base) next
    if (from_header) count(previous, address - start)
    from_header = $2 == "misskey_stream.h" && $3 != "-"
    previous = $3
    start = address
}

$1 == "nm" && $4 ~ /^[rR]$/ && match($NF, /misskey_stream\.h:[0-9]+$/) { count(substr($NF, RSTART + 17), hex($3)) }
$1 == "nm" && $5 ~ /^CSWTCH/ { count(0, hex($3)) }

$1 == "dump" && $2 ~ /^[0-9a-f]+$/ && $3 ~ /^[0-9a-f]+$/ {
    address = hex($2)
    all = substr($0, index($0, $2) + length($2) + 1, 35)
    gsub(/ /, "", all)
    for (i = 1; i < length(all); i += 2) memory[address++] = substr(all, i, 2)
}

# ".rodata.NAME.str1.1", then, there or on the next line, address, size and object. The size is that of the object; what
# was merged or dropped does not move the address of what follows.
function flush_piece(next_address) {
    if (size > next_address - from) size = next_address - from
    if (size > 0 && piece ~ /^str[0-9]/) strings(from, from + size)
    else if (size > 0) count(definition(piece), size)
    size = 0
}
$1 == "map" && $2 ~ /^\./ { pending = $2 }
$1 == "map" && match($0, /0x[0-9a-f]+ +0x[0-9a-f]+ /) {
    split(substr($0, RSTART), place, " ")
    flush_piece(hex(place[1]))
    if (pending ~ /^\.rodata.*\.str[0-9.]+$/ && $0 ~ /impl\.o$/) {
        from = hex(place[1])
        size = hex(place[2])
        piece = pending
        sub(/^\.rodata\./, "", piece)
        sub(/\.str[0-9.]+$/, "", piece)
    }
}

END {
    n = split(order, names, " ")
    for (i = 1; i <= n; i++) {
        print names[i], bytes[names[i]] + 0
        total += bytes[names[i]]
    }
    print "total", total
}
