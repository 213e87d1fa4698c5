/* A slow second opinion on JSON for tests and fuzzers. It shares no construction with the library: the checker is
   recursive descent along the rules of RFC 8259 and remembers the furthest byte that matched nothing; UTF-8 is decoded
   by arithmetic; strings go through UTF-16; numbers are compared as text.
   The library has no memory for the kinds of containers that are nested deeper than its limit: once a container inside
   of one has ended, the one around it may go on, and end, as either kind. Nothing else is left unchecked there, and the
   reference accepts the same. */
#ifndef JSON_REFERENCE_H
#define JSON_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct ref_text {
    const unsigned char *p;
    size_t len, at;
    size_t far;             /* the furthest byte that matched nothing */
    bool bad_utf8;          /* ... begins a malformed character of a string */
    size_t limit, depth;    /* nesting allowed, nesting at at */
    size_t deep_at;         /* first bracket beyond limit; len if there is none */
} ref_text;

/* Code point of the character at p and its length in *n; -1 if it is malformed. len is at least 1. */
static long ref_character(const unsigned char *p, size_t len, size_t *n)
{
    static const long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const size_t need = p[0] < 0x80 ? 1 : p[0] < 0xC0 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF8 ? 4 : 0;
    size_t i;
    long c;
    if (need == 0 || need > len) return -1;
    c = need == 1 ? p[0] : p[0] & (0x7F >> need);
    for (i = 1; i < need; i++) {
        if (p[i] >> 6 != 2) return -1;
        c = c * 64 + (p[i] & 63);
    }
    *n = need;
    return c < least[need] || (c >= 0xD800 && c <= 0xDFFF) || c > 0x10FFFF ? -1 : c;
}

static inline bool ref_utf8(const void *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t n;
    for (; len > 0; p += n, len -= n) if (ref_character(p, len, &n) < 0) return false;
    return true;
}

static bool ref_one_of(ref_text *r, const char *set)
{
    if (r->at < r->len && r->p[r->at] != 0 && strchr(set, r->p[r->at]) != NULL) {
        r->at++;
        return true;
    }
    if (r->at > r->far) {
        r->far = r->at;
        r->bad_utf8 = false;
    }
    return false;
}

static bool ref_ws(ref_text *r)
{
    while (ref_one_of(r, " \t\n\r")) {}
    return true;
}

static bool ref_word(ref_text *r, const char *word)
{
    const size_t begin = r->at;
    char one[2] = { 0, 0 };
    for (; *word != 0; word++) {
        one[0] = *word;
        if (ref_one_of(r, one)) continue;
        r->at = begin;
        return false;
    }
    return true;
}

static bool ref_digits(ref_text *r)
{
    if (!ref_one_of(r, "0123456789")) return false;
    while (ref_one_of(r, "0123456789")) {}
    return true;
}

static bool ref_number(ref_text *r)
{
    (void)ref_one_of(r, "-");
    if (!ref_one_of(r, "0") && !ref_digits(r)) return false;
    if (ref_one_of(r, ".") && !ref_digits(r)) return false;
    if (!ref_one_of(r, "eE")) return true;
    (void)ref_one_of(r, "+-");
    return ref_digits(r);
}

static bool ref_string_character(ref_text *r)
{
    size_t i, n = 0;
    if (ref_one_of(r, "\\")) {
        if (ref_one_of(r, "\"\\/bfnrt")) return true;
        if (!ref_one_of(r, "u")) return false;
        for (i = 0; i < 4; i++) if (!ref_one_of(r, "0123456789abcdefABCDEF")) return false;
        return true;
    }
    if (r->at == r->len || r->p[r->at] < 0x20) return false;
    if (ref_character(r->p + r->at, r->len - r->at, &n) < 0) {
        r->far = r->at;
        r->bad_utf8 = true;
        return false;
    }
    r->at += n;
    return true;
}

static bool ref_string(ref_text *r)
{
    if (!ref_one_of(r, "\"")) return false;
    while (!ref_one_of(r, "\"")) if (!ref_string_character(r)) return false;
    return true;
}

static bool ref_value(ref_text *r);

/* The beginning of a member, up to its value. */
static bool ref_name(ref_text *r) { return ref_string(r) && ref_ws(r) && ref_one_of(r, ":") && ref_ws(r); }

static bool ref_is_container(const ref_text *r) { return r->at < r->len && strchr("{[", r->p[r->at]) != NULL; }

/* What follows an opening bracket, with the closing one. closing: what it may be; both are possible where the kind has
   been forgotten, and a name, or an element, tells it again. */
static bool ref_elements(ref_text *r, const char *closing)
{
    (void)ref_ws(r);
    if (ref_one_of(r, closing)) return true;
    do {
        const bool known = closing[1] == 0;
        bool read = false; /* the element was a string, and is behind us */
        (void)ref_ws(r);
        if (known && *closing == '}' && !ref_name(r)) return false;
        if (!known && r->at < r->len && r->p[r->at] == '"') {
            if (!ref_string(r)) return false;
            (void)ref_ws(r);
            read = !ref_one_of(r, ":");
            closing = read ? "]" : "}";
            (void)ref_ws(r);
        } else if (!known) {
            closing = "]";
        }
        if (!read && ref_is_container(r) && r->depth > r->limit) closing = "]}";
        if (!read && !ref_value(r)) return false;
        (void)ref_ws(r);
    } while (ref_one_of(r, ","));
    return ref_one_of(r, closing);
}

static bool ref_value(ref_text *r)
{
    const size_t begin = r->at;
    const bool object = ref_one_of(r, "{");
    bool good;
    if (!object && !ref_one_of(r, "[")) {
        if (ref_word(r, "true") || ref_word(r, "false") || ref_word(r, "null") || ref_string(r)) return true;
        r->at = begin;
        return ref_number(r);
    }
    if (++r->depth > r->limit && r->deep_at == r->len) r->deep_at = begin;
    good = ref_elements(r, object ? "}" : "]");
    r->depth--;
    return good;
}

/* Is this one JSON text? The reasons stay in *r. */
static inline bool ref_check(ref_text *r, const void *text, size_t len, size_t limit)
{
    memset(r, 0, sizeof *r);
    r->p = (const unsigned char *)text;
    r->len = r->deep_at = len;
    r->limit = limit;
    if (!ref_ws(r) || !ref_value(r)) return false;
    (void)ref_ws(r);
    (void)ref_one_of(r, ""); /* the end: nothing matches here */
    return r->at == len;
}

static unsigned ref_hex4(const unsigned char *p)
{
    static const char digits[] = "0123456789abcdef";
    unsigned v = 0, i;
    for (i = 0; i < 4; i++) v = v * 16 + (unsigned)(strchr(digits, p[i] | 0x20) - digits);
    return v;
}

/* One UTF-16 code unit of a valid string, or both of a character above U+FFFF. Returns the bytes read. */
static size_t ref_units(const unsigned char *p, size_t len, unsigned unit[2], unsigned *n)
{
    size_t used = 1;
    long c;
    *n = 1;
    if (*p == '\\' && p[1] == 'u') {
        unit[0] = ref_hex4(p + 2);
        return 6;
    }
    if (*p == '\\') {
        static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
        const char *const known = strchr(from, p[1]);
        unit[0] = known != NULL ? (unsigned char)to[known - from] : p[1];
        return 2;
    }
    c = ref_character(p, len, &used);
    unit[0] = (unsigned)c;
    if (c > 0xFFFF) {
        *n = 2;
        unit[0] = 0xD800u + (unsigned)((c - 0x10000) / 0x400);
        unit[1] = 0xDC00u + (unsigned)((c - 0x10000) % 0x400);
    }
    return used;
}

/* Puts a code point as UTF-8 into dst. */
static size_t ref_encode(unsigned long c, char *dst)
{
    const size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned lead[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
    size_t i;
    for (i = n; i-- > 1; c /= 64) dst[i] = (char)(0x80 + c % 64);
    dst[0] = (char)(lead[n] + c);
    return n;
}

/* Decodes the inside of a valid string of at most 65536 bytes; dst has room for as many. Returns the length. */
static inline size_t ref_decode(const char *text, size_t len, char *dst)
{
    static unsigned units[65536 + 1];
    const unsigned char *p = (const unsigned char *)text, *const end = p + len;
    size_t count = 0, i, out = 0;
    unsigned n;
    while (p < end) {
        p += ref_units(p, (size_t)(end - p), units + count, &n);
        count += n;
    }
    units[count] = 0;
    for (i = 0; i < count; i++) {
        unsigned long c = units[i];
        if (c >= 0xD800 && c < 0xDC00 && units[i + 1] >= 0xDC00 && units[i + 1] < 0xE000) {
            c = 0x10000 + (c - 0xD800) * 0x400 + (units[++i] - 0xDC00);
        } else if (c >= 0xD800 && c < 0xE000) {
            c = 0xFFFD;
        }
        out += ref_encode(c, dst + out);
    }
    return out;
}

/* The exponent of a number, at most 10^12 in either direction. */
static long long ref_exponent(const char *p, const char *end)
{
    const bool minus = p < end && *p == '-';
    long long e = 0;
    if (p < end && (*p == '-' || *p == '+')) p++;
    for (; p < end; p++) if (e < 100000000000LL) e = e * 10 + (*p - '0');
    return minus ? -e : e;
}

/* A valid number of at most 65536 bytes as an exact integer: its digits without zeros around them, a power of ten, and
   then a comparison with the limits as text. */
static inline bool ref_i64(const char *text, size_t len, int64_t *out)
{
    static char digits[65536 + 20];
    const char *const limit = *text == '-' ? "9223372036854775808" : "9223372036854775807";
    const char *p = text, *const end = text + len;
    size_t count = 0, i;
    long long power = 0;
    bool point = false;
    uint64_t value = 0;
    for (p += *p == '-'; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') point = true;
        else if (*p != '0' || count > 0) digits[count++] = *p;
        if (*p != '.' && point) power--;
    }
    if (p < end) power += ref_exponent(p + 1, end);
    for (; count > 0 && digits[count - 1] == '0'; power++) count--;
    if (count == 0) power = 0;
    if (power < 0 || power > 19 || count + (size_t)power > 19) return false;
    while (power-- > 0) digits[count++] = '0';
    if (count == 19 && memcmp(digits, limit, 19) > 0) return false;
    for (i = 0; i < count; i++) value = value * 10 + (uint64_t)(digits[i] - '0');
    *out = *text == '-' ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

#endif
