# layout.awk FILE...: functions longer than 80 lines, nesting deeper than 4, private functions declared ahead of their
# definition. One line for each offence.

# $0 without comments and with empty literals
function code(    i, c, two, out, quote) {
    for (i = 1; i <= length($0); i++) {
        c = substr($0, i, 1)
        two = substr($0, i, 2)
        if (comment) {
            if (two == "*/") { comment = 0; i++ }
        } else if (quote != "") {
            if (c == "\\") i++
            else if (c == quote) { quote = ""; out = out c }
        } else if (two == "/*") { comment = 1; i++ }
        else if (two == "//") break
        else {
            if (c == "\"" || c == "'") quote = c
            out = out c
        }
    }
    return out
}

# what stands before a body is its function's name
function name_of(text) {
    sub(/\(.*/, "", text)
    sub(/.*[ *]/, "", text)
    return text
}

function offence(line, text) { print FILENAME ":" line ": " text }

function end_file() { if (depth != 0) print last_file ": braces do not match (code in #if and #else?)" }

FNR == 1 { end_file(); depth = comment = macro = cplusplus = 0; head = ""; last_file = FILENAME }
{ text = code() }
macro || text ~ /^[ \t]*#/ {
    macro = text ~ /\\$/
    if (text ~ /^#ifdef __cplusplus/) cplusplus = 1
    else if (text ~ /^#(endif|else)/) cplusplus = 0
    next
}
cplusplus { next }
{
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (depth == 0 && head == "" && c != " ") start = FNR
        if (c == "{") {
            if (depth == 0) { function_ = head ~ /\)[ ]*$/; name = name_of(head) }
            depth++
            if (function_ && depth > 5 && !(name in told)) {
                told[name]
                offence(FNR, name " nests deeper than 4")
            }
        } else if (c == "}") {
            depth--
            rows = FNR - start + 1
            if (depth == 0 && function_ && rows > 80) offence(start, name " has " rows " lines, more than 80")
            if (depth == 0) head = ""
        } else if (depth == 0 && c == ";") {
            if (head ~ /^static [^=]*mski_[a-z0-9_]*\(/) offence(start, name_of(head) " is declared before its definition")
            head = ""
        } else if (depth == 0 && (head != "" || c != " ")) head = head c
    }
    if (head != "") head = head " "
}
END { end_file() }
