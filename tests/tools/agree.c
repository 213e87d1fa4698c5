/* agree [-n COUNT] [-s SEED] [-p PART/PARTS] [FILE...] - do all paths of the library find the same in every text?

   Standard input: messages.jsonl of recordings. FILE: a text, whole and line by line. Then so many mutated ones (of
   which only each PARTS-th, for several processes). The paths are compared by digests of all that the library finds in
   a text (tests/agree_path.c), with the text at different alignments and up to a page that cannot be read.
   Exit code: 0 they agree, 1 they do not, 2 usage. The text at fault is printed, and is in agree-failed beside the
   program. */
#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE 1
#define _DARWIN_C_SOURCE 1
#endif
#include "../../misskey_stream.h"
#include "../agree.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define COUNT_OF(ARRAY) (sizeof(ARRAY) / sizeof(ARRAY)[0])

static const agree_path *const paths[AGREE_PATH_COUNT] = {
#define X(name) &agree_##name,
    AGREE_PATHS(X)
#undef X
};

/* ---- random numbers ---- */

static uint64_t random_state;

static uint32_t bits(void)
{
    uint64_t z = random_state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)(z >> 32);
}

static uint32_t below(uint32_t limit) { return (uint32_t)((uint64_t)bits() * limit >> 32); }

/* ---- the comparison ---- */

enum { TEXT_MAX = 1 << 20, MARGIN = 64 };

static struct {
    char *text, *text_end;  /* pages with one behind them that cannot be read */
    char *room, *room_end;
    agree_input in;
    uint64_t number, seed;  /* of the mutated text; number 0: it is none */
    uint64_t given, mutated;
    unsigned part, parts;
    const char *program;
} now;

static char *pages(size_t size, char **end)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (size + page - 1) / page * page;
    char *const p = (char *)mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == (char *)MAP_FAILED || mprotect(p + whole, page, PROT_NONE) != 0) {
        perror("agree: no memory");
        exit(2);
    }
    *end = p + whole;
    return p;
}

static void print_text(const char *text, size_t len)
{
    size_t i;
    printf("text, %lu bytes: ", (unsigned long)len);
    for (i = 0; i < len && i < 4000; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c < ' ' || c > '~') printf("<%02X>", c);
        else putchar(c);
    }
    putchar('\n');
}

static void print_failed(void)
{
    char name[1024];
    FILE *file;
    if (now.number > 0) printf("seed %lu, number %lu, ", (unsigned long)now.seed, (unsigned long)now.number);
    print_text(now.in.text, now.in.len);
    snprintf(name, sizeof name, "%s-failed", now.program);
    file = fopen(name, "wb");
    if (file != NULL) {
        fwrite(now.in.text, 1, now.in.len, file);
        fclose(file);
    }
    fflush(stdout);
}

void agree_fail(const char *path, const char *what)
{
    printf("FAIL agree: %s: %s\n", path, what);
    print_failed();
    _exit(1);
}

static const char *path_name; /* of what runs */

static void on_signal(int number)
{
    agree_fail(path_name, number == SIGALRM ? "does not come to an end" : "reads or writes where it must not");
}

/* The first line that two paths do not have in common, with what stood before it. */
static void print_difference(const agree_path *a, const agree_path *b)
{
    FILE *const files[2] = { tmpfile(), tmpfile() };
    char lines[2][4096], before[4096] = "";
    bool more[2];
    int i;
    if (files[0] == NULL || files[1] == NULL) return;
    a->digest(&now.in, files[0]);
    b->digest(&now.in, files[1]);
    rewind(files[0]);
    rewind(files[1]);
    do {
        for (i = 0; i < 2; i++) more[i] = fgets(lines[i], sizeof lines[i], files[i]) != NULL;
        if (!more[0] || !more[1] || strcmp(lines[0], lines[1]) != 0) break;
        memcpy(before, lines[0], sizeof before);
    } while (true);
    printf("behind: %s%s: %s%s: %s", before, a->name, more[0] ? lines[0] : "the end\n", b->name,
           more[1] ? lines[1] : "the end\n");
}

static void compare(void)
{
    uint64_t digests[AGREE_PATH_COUNT];
    const size_t last = AGREE_PATH_COUNT - 1;
    size_t i;
    for (i = 0; i <= last; i++) {
        path_name = paths[i]->name;
        digests[i] = paths[i]->digest(&now.in, NULL);
    }
    for (i = 0; i < last; i++) {
        if (digests[i] == digests[last]) continue;
        printf("FAIL agree: (%s) and (%s) differ\n", paths[i]->name, paths[last]->name);
        print_difference(paths[i], paths[last]);
        print_failed();
        _exit(1);
    }
}

/* Bytes around a text that must have no influence. */
static const char around[] = "\"\\0}]\x80\xE3,:9{\xF0\xBF[e\"";

/* Up to the page that cannot be read, or somewhere else with something around it. */
static void place(const char *text, size_t len, bool at_end)
{
    char *to = now.text_end - len;
    size_t i;
    if (!at_end) {
        to = now.text + MARGIN + (bits() & 63);
        for (i = 1; i < MARGIN; i++) to[-(ptrdiff_t)i] = around[(i + len) & 15];
        for (i = 0; i < MARGIN; i++) to[len + i] = around[(i + len) & 15];
    }
    if (len > 0) memmove(to, text, len);
    now.in.text = to;
    now.in.len = len;
}

/* ---- texts that mutated ones are made of ---- */

enum { NODES_MAX = 4096, POOL_MAX = 6000, SHORT = 250 };

typedef struct node {       /* a value; all of a text in their order, so what is within one follows it */
    uint32_t begin, end;
    uint32_t name;          /* where its name begins; as begin: it has none */
    uint32_t next;          /* first value behind it */
} node;

typedef struct source { char *text; size_t len; node *nodes; uint32_t num_nodes; } source;

static source pool[POOL_MAX];
static uint32_t pool_size, pool_short; /* the short ones come first */

static const char *white(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) p++;
    return p;
}

static const char *string_end(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++) if (*p == '\\') p++;
    return p < end ? p + 1 : NULL;
}

typedef struct builder { const char *begin, *end; node nodes[NODES_MAX]; uint32_t num; } builder;

/* Takes a value apart. NULL: it is none, too large, or nested too deep. Only roughly JSON, which is enough. */
static const char *build(builder *b, const char *p, const char *name, unsigned depth)
{
    node *n;
    const bool object = p < b->end && *p == '{';
    if (p >= b->end || b->num == NODES_MAX || depth > 40) return NULL;
    n = &b->nodes[b->num++];
    n->begin = (uint32_t)(p - b->begin);
    n->name = (uint32_t)(name - b->begin);
    if (*p == '"') p = string_end(p, b->end);
    else if (*p != '{' && *p != '[') while (p < b->end && strchr(",]} \t\r\n", *p) == NULL) p++;
    else {
        const char close = object ? '}' : ']';
        p = white(p + 1, b->end);
        while (p != NULL && p < b->end && *p != close) {
            const char *const at = p;
            if (object && *p != '"') return NULL;
            if (object) p = string_end(p, b->end);
            if (object && p != NULL) p = white(p, b->end);
            if (object && p != NULL) p = p < b->end && *p == ':' ? white(p + 1, b->end) : NULL;
            if (p != NULL) p = build(b, p, at, depth + 1);
            if (p != NULL) p = white(p, b->end);
            if (p != NULL && p < b->end && *p == ',') p = white(p + 1, b->end);
        }
        p = p != NULL && p < b->end ? p + 1 : NULL;
    }
    if (p == NULL) return NULL;
    n->end = (uint32_t)(p - b->begin);
    n->next = b->num;
    return p;
}

static void *copy_of(const void *p, size_t size)
{
    void *const copy = malloc(size + 1);
    if (copy == NULL) abort();
    if (size > 0) memcpy(copy, p, size);
    return copy;
}

/* ---- making texts ---- */

static struct { char at[TEXT_MAX]; size_t len; } out;

static void put(const char *p, size_t n)
{
    if (n > TEXT_MAX / 2 - out.len) n = TEXT_MAX / 2 - out.len;
    memcpy(out.at + out.len, p, n);
    out.len += n;
}

static void put_text(const char *text) { put(text, strlen(text)); }
static void put_char(char c) { put(&c, 1); }

static const char *pick(const char *const *texts, size_t count) { return texts[below((uint32_t)count)]; }
#define PICK(TEXTS) pick(TEXTS, COUNT_OF(TEXTS))

static const char *const names[] = {
#define NAME(kind, member, name) name,
#define NAME_IN(kind, member, outer, name) name,
    MISSKEY_NOTE_FIELDS(NAME, NAME, NAME, NAME, NAME_IN) MISSKEY_USER_FIELDS(NAME, NAME, NAME, NAME, NAME_IN)
    MISSKEY_FILE_FIELDS(NAME, NAME, NAME, NAME, NAME_IN) MISSKEY_POLL_FIELDS(NAME, NAME, NAME, NAME, NAME_IN)
    MISSKEY_POLL_CHOICE_FIELDS(NAME, NAME, NAME, NAME, NAME_IN)
    MISSKEY_NOTE_UPDATE_FIELDS(NAME, NAME, NAME, NAME, NAME_IN)
    "id", "type", "body", "channel", "read", "pong", "user", "files", "poll", "choices", "renote", "reply", "", "x"
};

static const char *const escapes[] = {
    "\\n", "\\\"", "\\\\", "\\/", "\\b\\f\\r\\t", "\\u0000", "\\u0069", "\\u00e9", "\\u20AC", "\\ud83d\\ude00",
    "\\ud800",
    "\\uDC00\\uD800", "\\ud83d\\n", "\\ud83d\\u0041", "\\u00", "\\x", "\\", "\\u12g4", "\\ud83d\\ude0"
};
enum { GOOD_ESCAPES = 14 };

static const char *const characters[] = {
    "\xC2\x80", "\xC3\xA9", "\xDF\xBF", "\xE0\xA0\x80", "\xE3\x81\x82", "\xE6\xBC\xA2", "\xEC\xBF\xBF", "\xED\x9F\xBF",
    "\xEE\x80\x80", "\xEF\xBF\xBF", "\xEF\xBB\xBF", "\xF0\x90\x80\x80", "\xF0\x9F\x98\x80", "\xF1\x80\x80\x80",
    "\xF3\xBF\xBF\xBF", "\xF4\x8F\xBF\xBF", "\x7F"
};

static const char *const malformed[] = {
    "\x80", "\xBF\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC3\x28", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xE3\x81", "\xE3",
    "\xE3\x81\x41", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF", "\xF0\x9F\x98", "\xF0\x9F",
    "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xFE", "\xF8\x88\x80\x80\x80", "\xE3\x81\x82\x80", "\xC3\xA9\xA9",
    "\xF0\x9F\x98\x80\x80", "\xE1\xC0\x80", "\xF1\x80\xC0\x80", "\xEF\xBF\xC3", "\xDF\xDF\xBF", "\x1F", "\n", "\0"
};

static void put_letters(uint32_t n)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789 ,:{}[]@.abcdefghijklmnopqrstuvwxyz0123456789";
    put(letters + below(sizeof letters - 50), n < 49 ? n : 49);
}

/* What stands between the quotes of a string. Nearly all are valid. */
static void put_characters(void)
{
    const uint32_t kind = below(16), many = below(4) > 0 ? below(6) : below(40);
    uint32_t i;
    put_letters(below(36));
    for (i = 0; i < many; i++) {
        if (kind < 4) put_text(characters[4 + below(2)]);
        else if (kind < 7) put_text(PICK(characters));
        else if (kind < 9) put_text(pick(escapes, GOOD_ESCAPES));
        else if (kind < 12 && below(2) > 0) put_text(PICK(characters));
        else if (kind < 12) put_text(pick(escapes, GOOD_ESCAPES));
        if (below(4) == 0) put_letters(below(20));
    }
    if (below(12) == 0) put_text(below(3) > 0 ? PICK(malformed) : PICK(escapes));
    put_letters(below(36));
}

static void put_string(void)
{
    put_char('"');
    if (below(8) > 0) put_characters();
    put_char('"');
}

static const char *const scalars[] = {
    "null", "true", "false", "0", "1", "7", "12", "-1", "-0", "0.5", "1.50", "15e-1", "1e2", "1E+2", "-0.056", "1e400",
    "123456789012345678", "1234567890123456789", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "12345678901234567890.5", "10.000", "100e-2", "1e-99999999999", "0e999999999", "\"\"", "[]", "{}", "[{}]",
    "{\"\":{}}",
    "[1,{\"id\":\"x\"},\"}\"]", "[[],[[]]]", "\"2024-02-29T12:34:56.789Z\"", "\"2023-02-29T00:00:00Z\"", "\"\\u0031\"",
    /* these are none */
    "nul", "tru", "True", "nulll", "falsf", "01", "-", "+1", "1.", ".5", "1e", "0x1", "NaN", "'a'", "[1,]",
    "{\"a\":1,}",
    "{\"a\"}", "{1:2}", "[", "{", "]", "}", "\"", "1 2", "[1 2]", "{\"a\" 1}", ",", ":", ""
};
enum { GOOD_SCALARS = 36 };

static void put_value(unsigned depth);

static void put_members(unsigned depth, uint32_t count)
{
    put_char('{');
    for (; count > 0; count--) {
        put_char('"');
        put_text(PICK(names));
        put_text("\":");
        put_value(depth + 1);
        if (count > 1) put_char(',');
    }
    put_char('}');
}

static void put_elements(unsigned depth, uint32_t count)
{
    const bool objects = below(2) > 0;
    put_char('[');
    for (; count > 0; count--) {
        if (objects && below(8) > 0) put_members(depth + 1, below(4));
        else put_value(depth + 1);
        if (count > 1) put_char(',');
    }
    put_char(']');
}

/* Brackets to about where the words of bits end, or to the limit. */
static void put_nested(void)
{
    const uint32_t count = below(2) > 0 ? below(6) : 56 + below(20);
    const bool arrays = below(2) > 0;
    uint32_t i, mix = bits();
    for (i = 0; i < count; i++) put_text(arrays || (mix >> (i & 31) & 1) != 0 ? "[" : "{\"user\":");
    put_value(9);
    for (; i > 0; i--) put_char(arrays || (mix >> ((i - 1) & 31) & 1) != 0 ? ']' : '}');
}

/* A value out of another text. */
static void put_foreign(void)
{
    const source *const s = &pool[below(pool_short)];
    const node *const n = &s->nodes[below(s->num_nodes)];
    if (n->end - n->begin < 300) put(s->text + n->begin, n->end - n->begin);
    else put_text("null");
}

static void put_value(unsigned depth)
{
    const uint32_t kind = below(depth < 3 ? 20 : 10);
    if (kind < 5) put_text(below(16) > 0 ? pick(scalars, GOOD_SCALARS) : PICK(scalars));
    else if (kind < 10) put_string();
    else if (kind < 14) put_foreign();
    else if (kind < 16) put_members(depth, below(5));
    else if (kind < 18) put_elements(depth, below(8) > 0 ? below(4) : 9 + below(12));
    else put_nested();
}

static void put_white(void)
{
    static const char *const kinds[] = {
        " ", "\n", "\t", "\r", "  ", " \r\n\t", "                  ", "\n\n    ", "\f", "\v"
    };
    put_text(pick(kinds, below(40) > 0 ? 8 : 10));
}

/* ---- a text with changes ---- */

enum {
    VALUE, VALUE_2, STRING, NESTED, SPACES, DROP, TWICE, TWICE_OTHER, SWAP, RENAME, ESCAPED, LONG_NAME, NEW_BEFORE,
    NEW_BEHIND, NEW_LAST, REPEAT, CHANGES
};

enum { CHANGES_MAX = 6 };

static struct {
    const source *s;
    uint32_t at[CHANGES_MAX], kind[CHANGES_MAX], count;
    uint32_t drop;          /* of 16, so many members are left out */
} change;

/* The change at this value, else CHANGES; made once. */
static uint32_t change_at(uint32_t i)
{
    uint32_t k;
    for (k = 0; k < change.count; k++) {
        if (change.at[k] != i) continue;
        change.at[k] = UINT32_MAX;
        return change.kind[k];
    }
    return CHANGES;
}

static bool changes_in(uint32_t begin, uint32_t end)
{
    uint32_t k;
    for (k = 0; k < change.count; k++) if (change.at[k] >= begin && change.at[k] < end) return true;
    return change.drop > 0;
}

static void put_node(uint32_t i, uint32_t kind, unsigned depth);

static void put_original(uint32_t i, unsigned depth)
{
    const source *const s = change.s;
    const node *const n = &s->nodes[i];
    const char open = s->text[n->begin];
    const size_t start = out.len;
    uint32_t child = i + 1;
    if (!changes_in(i + 1, n->next) || (open != '{' && open != '[')) {
        put(s->text + n->begin, n->end - n->begin);
        return;
    }
    put_char(open);
    while (child < n->next) {
        const uint32_t kind = change_at(child);
        const uint32_t behind = s->nodes[child].next;
        if (kind == DROP || (change.drop > below(16) && depth > 2)) {
            child = behind;
            continue;
        }
        if (out.len > start + 1) put_char(',');
        if (kind == SWAP && behind < n->next) {
            put_node(behind, CHANGES, depth);
            put_char(',');
            put_node(child, CHANGES, depth);
            child = s->nodes[behind].next;
            continue;
        }
        put_node(child, kind, depth);
        child = behind;
    }
    put_char(open == '{' ? '}' : ']');
}

static void put_new_member(bool named)
{
    if (named) {
        put_char('"');
        put_text(PICK(names));
        put_text("\":");
    }
    put_value(1);
}

static void put_name(const char *name, size_t len, uint32_t kind)
{
    size_t at = 0, i;
    if (kind == RENAME) {
        put_char('"');
        put_text(PICK(names));
        put_char('"');
        return;
    }
    if (kind != ESCAPED && kind != LONG_NAME) {
        put(name, len);
        return;
    }
    at = 1 + below(len > 2 ? (uint32_t)len - 2 : 1);
    put(name, at);
    if (kind == LONG_NAME) {
        for (i = 1 + below(70); i > 0; i--) put_char('k');
        if (below(4) == 0) put_text(PICK(characters));
    } else if (at < len - 1) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        put_text("\\u00");
        put_char(digits[(uint8_t)name[at] >> 4]);
        put_char(digits[16 + (name[at] & 15)]);
        at++;
    }
    put(name + at, len - at);
}

static void put_changed(uint32_t i, uint32_t kind, unsigned depth)
{
    switch (kind) {
    case VALUE: case VALUE_2: put_value(0); break;
    case STRING: put_string(); break;
    case NESTED: put_nested(); break;
    default: put_original(i, depth + 1); break;
    }
}

/* A value with its name, and what is changed of it. */
static void put_node(uint32_t i, uint32_t kind, unsigned depth)
{
    const node *const n = &change.s->nodes[i];
    const char *const text = change.s->text;
    const bool named = n->name != n->begin;
    if (kind == NEW_BEFORE) {
        put_new_member(named);
        put_char(',');
    }
    if (kind == SPACES) put_white();
    if (named) {
        put_name(text + n->name, (size_t)(string_end(text + n->name, text + n->begin) - text) - n->name, kind);
        if (kind == SPACES && below(2) > 0) put_white();
        put_char(':');
        if (kind == SPACES && below(2) > 0) put_white();
    }
    put_changed(i, kind, depth);
    if (kind == SPACES && below(2) > 0) put_white();
    if (kind == TWICE || kind == TWICE_OTHER) {
        put_char(',');
        if (named) put(text + n->name, n->begin - n->name);
        if (kind == TWICE) put_original(i, depth + 1);
        else put_value(0);
    }
    if (kind == NEW_BEHIND || kind == NEW_LAST) {
        put_char(',');
        put_new_member(named);
    }
    if (kind == REPEAT && !named) {
        uint32_t count = 8 + below(14);
        for (; count > 0; count--) {
            put_char(',');
            put(text + n->begin, n->end - n->begin);
        }
    }
}

/* Bytes, whatever they mean. */
static void change_bytes(void)
{
    static const char often[] = "\"\"\\\\{}[],:  \n\x00\x1F\x7F\x80\xBF\xC2\xE3\xED\xF0\xF4\xFF" "09-.eEntfu";
    uint32_t count = 1 + below(3);
    for (; count > 0 && out.len > 0; count--) {
        const uint32_t at = below((uint32_t)out.len), kind = below(6);
        char *const p = out.at + at;
        if (kind == 0) *p = (char)(*p ^ 1 << below(8));
        else if (kind == 1) *p = often[below(sizeof often - 1)];
        else if (kind == 2) *p = (char)bits();
        else if (kind == 3) out.len = at;
        else if (kind == 4) memmove(p, p + 1, --out.len - at);
        else {
            memmove(p + 1, p, out.len++ - at);
            *p = often[below(sizeof often - 1)];
        }
    }
}

static void mutate(void)
{
    uint32_t i;
    const uint32_t from = below(64) > 0 ? pool_short : pool_size;
    change.s = &pool[below(from)];
    change.drop = 0;
    change.count = 1 + below(3) + (below(8) == 0 ? 3 : 0);
    out.len = 0;
    for (i = 0; i < change.count; i++) {
        change.at[i] = below(change.s->num_nodes);
        change.kind[i] = below(CHANGES);
    }
    if (below(4) == 0) change.count = 0;
    put_original(0, 0);
    if (below(3) == 0) change_bytes();
}

/* ---- input ---- */

static void into_pool(const char *text, size_t len)
{
    static builder b;
    source *const s = &pool[pool_size];
    if (pool_size == POOL_MAX || len > 20000) return;
    b.begin = text;
    b.end = text + len;
    b.num = 0;
    if (build(&b, white(text, b.end), white(text, b.end), 0) == NULL) return;
    s->text = (char *)copy_of(text, len);
    s->len = len;
    s->nodes = (node *)copy_of(b.nodes, b.num * sizeof b.nodes[0]);
    s->num_nodes = b.num;
    pool_size++;
    if (len > SHORT) return;
    b.nodes[0].begin = 0; /* the short ones to the front */
    {
        const source last = *s;
        *s = pool[pool_short];
        pool[pool_short++] = last;
    }
}

/* Long texts also become short ones that have only some of their members. */
static void make_short(void)
{
    const uint32_t count = pool_size;
    uint32_t i, tries;
    for (i = 0; i < count && pool_size < POOL_MAX; i++) {
        if (pool[i].len <= SHORT) continue;
        for (tries = 6; tries < 15; tries++) {
            const source s = pool[i];
            change.s = &s;
            change.count = 0;
            change.drop = tries;
            out.len = 0;
            put_original(0, 0);
            if (out.len > SHORT) continue;
            into_pool(out.at, out.len);
            break;
        }
    }
}

static void one_text(const char *text, size_t len)
{
    if (len > TEXT_MAX - 4 * MARGIN) return;
    now.in.choice = bits();
    now.in.all = true;
    now.number = 0;
    if (now.given++ % now.parts == now.part) {
        alarm(20);
        place(text, len, true);
        compare();
        now.in.all = false;
        place(text, len, false);
        compare();
    }
    if (pool_size < POOL_MAX / 2 || below(16) == 0) into_pool(text, len);
}

/* The character of a JSON string at p as UTF-8, or the halves of a pair of surrogates one by one. */
static const char *unescape(const char *p)
{
    static const char escaped[] = "bfnrt", meant[] = "\b\f\n\r\t";
    const char *e;
    unsigned c, low;
    if (*p != '\\') {
        put_char(*p);
        return p + 1;
    }
    e = strchr(escaped, p[1]);
    if (p[1] != 'u' || sscanf(p + 2, "%4x", &c) != 1) {
        put_char(e != NULL && *e != 0 ? meant[e - escaped] : p[1]);
        return p + 2;
    }
    p += 6;
    if (c >> 10 == 0x36 && p[0] == '\\' && p[1] == 'u' && sscanf(p + 2, "%4x", &low) == 1 && low >> 10 == 0x37) {
        c = 0x10000 + ((c & 0x3FF) << 10 | (low & 0x3FF));
        p += 6;
    }
    if (c < 0x80) put_char((char)c);
    else if (c < 0x800) put_char((char)(0xC0 | c >> 6));
    else if (c < 0x10000) put_char((char)(0xE0 | c >> 12));
    else put_char((char)(0xF0 | c >> 18));
    if (c >= 0x10000) put_char((char)(0x80 | (c >> 12 & 0x3F)));
    if (c >= 0x800) put_char((char)(0x80 | (c >> 6 & 0x3F)));
    if (c >= 0x80) put_char((char)(0x80 | (c & 0x3F)));
    return p;
}

static void recorded(FILE *file)
{
    static const char before[] = "\"data\":\"";
    char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, file) > 0) {
        const char *p = strstr(line, before);
        if (p == NULL) continue;
        out.len = 0;
        for (p += sizeof before - 1; *p != '"' && *p != '\n' && *p != 0;) p = unescape(p);
        one_text(out.at, out.len);
    }
    free(line);
}

/* Short messages with everything that is read along. */
static const char *const own[] = {
#define NOTE(event, note) "{\"type\":\"channel\",\"body\":{\"id\":\"0.1\",\"type\":\"" event "\",\"body\":" note "}}"
#define UPDATE(event, body) \
    "{\"type\":\"noteUpdated\",\"body\":{\"id\":\"9a\",\"type\":\"" event "\",\"body\":" body "}}"
    NOTE("note", "{\"id\":\"9a\",\"createdAt\":\"2024-05-01T12:00:00.000Z\",\"userId\":\"u1\",\"user\":{\"id\":\"u1\","
         "\"name\":\"\xE3\x81\x82\",\"username\":\"ai\",\"host\":null,\"isBot\":true},\"text\":\"hi\",\"cw\":null,"
         "\"visibility\":\"public\",\"reactions\":{\"\xE2\x9D\xA4\":2},\"files\":[],\"replyId\":null}"),
    NOTE("note", "{\"id\":\"9b\",\"user\":{\"id\":\"u2\",\"username\":\"bo\",\"host\":\"example.com\",\"instance\":"
         "{\"name\":"
         "\"x\"}},\"files\":[{\"id\":\"f1\",\"type\":\"image/png\",\"url\":\"https://example.com/f1\","
         "\"properties\":{\"width\":"
         "3,\"height\":4}},{\"id\":\"f2\",\"size\":12}],\"poll\":{\"multiple\":false,\"expiresAt\":null,\"choices\":["
         "{\"text\":\"a\",\"votes\":1,\"isVoted\":true},{\"text\":\"b\",\"votes\":0}]}}"),
    NOTE("mention", "{\"id\":\"9c\",\"text\":\"\",\"renoteId\":\"9d\",\"renote\":{\"id\":\"9d\","
         "\"user\":{\"id\":\"u3\"},"
         "\"files\":[{\"id\":\"f3\"}],\"poll\":{\"choices\":[{\"text\":\"c\"}]},\"text\":\"quoted\"},"
         "\"user\":{\"id\":\"u4\"}}"),
    NOTE("edited", "{\"user\":null,\"poll\":null,\"files\":null}"),
    NOTE("reply", "{\"poll\":{\"choices\":[{\"votes\":1},{\"votes\":2},{\"votes\":3},{\"votes\":4},{\"votes\":5},"
         "{\"votes\":6},{\"votes\":7},{\"votes\":8},{\"votes\":9},{\"votes\":10}]},\"id\":\"9e\"}"),
    NOTE("renote", "{\"files\":[{\"id\":\"1\"},{\"id\":\"2\"},{\"id\":\"3\"},{\"id\":\"4\"},{\"id\":\"5\"},"
         "{\"id\":\"6\"},"
         "{\"id\":\"7\"},{\"id\":\"8\"},{\"id\":\"9\"},{\"id\":\"10\"},{\"id\":\"11\"},{\"id\":\"12\"},{\"id\":\"13\"},"
         "{\"id\":\"14\"},{\"id\":\"15\"},{\"id\":\"16\"}],\"user\":{}}"),
    UPDATE("reacted", "{\"reaction\":\":blob@.:\",\"emoji\":{\"name\":\"blob\",\"url\":\"https://example.com/b\"},"
           "\"userId\":\"u5\"}"),
    UPDATE("unreacted", "{\"reaction\":\"\xE2\x9D\xA4\",\"userId\":\"u6\"}"),
    UPDATE("pollVoted", "{\"choice\":1,\"userId\":\"u7\"}"),
    UPDATE("deleted", "{\"deletedAt\":\"2024-05-01T12:00:00.000Z\"}"),
    "{\"type\":\"connect\",\"body\":{\"channel\":\"main\",\"id\":\"1\",\"params\":{},\"pong\":true}}",
    "{\"type\":\"subNote\",\"body\":{\"id\":\"9a\"}}", "{\"type\":\"connected\",\"body\":{\"id\":\"1\"}}",
    "{\"body\":{\"body\":{\"id\":\"9f\",\"user\":{\"id\":\"u8\"}},\"type\":\"note\",\"id\":\"1\"},\"type\":\"channel\"}"
};

static void begin(const char *program, uint64_t seed, unsigned part, unsigned parts)
{
    size_t i;
    now.program = program;
    now.part = part;
    now.parts = parts;
    now.seed = random_state = seed;
    now.text = pages(TEXT_MAX, &now.text_end);
    now.in.room = pages(TEXT_MAX, &now.in.room_end);
    signal(SIGSEGV, on_signal);
    signal(SIGBUS, on_signal);
    signal(SIGALRM, on_signal);
    for (i = 0; i < COUNT_OF(own); i++) one_text(own[i], strlen(own[i]));
}

/* The mutated texts number part, part + parts, ... below count: each depends on its number and the seed alone. */
static void mutated(uint64_t count)
{
    uint64_t i;
    make_short();
    now.in.all = false;
    for (i = now.part; i < count; i += now.parts, now.mutated++) {
        if ((now.mutated & 0xFFF) == 0) alarm(20);
        random_state = now.seed * UINT64_C(0xD1342543DE82EF95) + i * UINT64_C(0x2545F4914F6CDD1D);
        now.number = i + 1;
        mutate();
        now.in.choice = bits();
        place(out.at, out.len, (bits() & 1) != 0);
        compare();
    }
    alarm(0);
}

#ifndef AGREE_NO_MAIN
static void each_line(const char *text, size_t len)
{
    const char *const end = text + len;
    while (text < end) {
        const char *const lf = (const char *)memchr(text, '\n', (size_t)(end - text));
        const char *const to = lf != NULL ? lf : end;
        one_text(text, (size_t)(to - text));
        text = to + 1;
    }
}

static bool from_file(const char *name)
{
    static char text[TEXT_MAX];
    FILE *const file = fopen(name, "rb");
    size_t len;
    if (file == NULL) return false;
    len = fread(text, 1, sizeof text, file);
    fclose(file);
    one_text(text, len);
    if (memchr(text, '\n', len) != NULL) each_line(text, len);
    return true;
}

static int usage(void)
{
    fprintf(stderr, "usage: agree [-n COUNT] [-s SEED] [-p PART/PARTS] [FILE...] <messages.jsonl\n");
    return 2;
}

int main(int argc, char **argv)
{
    unsigned long count = 0, seed = 1;
    unsigned part = 0, parts = 1;
    int i;
    for (i = 1; i + 1 < argc && argv[i][0] == '-'; i += 2) {
        if (argv[i][1] == 'n') count = strtoul(argv[i + 1], NULL, 10);
        else if (argv[i][1] == 's') seed = strtoul(argv[i + 1], NULL, 10);
        else if (argv[i][1] != 'p' || sscanf(argv[i + 1], "%u/%u", &part, &parts) != 2 || part >= parts) return usage();
    }
    if (i < argc && argv[i][0] == '-') return usage();
    begin(argv[0], seed, part, parts);
    recorded(stdin);
    for (; i < argc; i++) {
        if (from_file(argv[i])) continue;
        fprintf(stderr, "agree: cannot read %s\n", argv[i]);
        return 2;
    }
    mutated(count);
    printf("%lu mutated texts, and %lu given ones of which 1 in %u compared; paths:", (unsigned long)now.mutated,
           (unsigned long)now.given, parts);
    for (i = 0; i < AGREE_PATH_COUNT; i++) printf(" (%s)", paths[i]->name);
    putchar('\n');
    return 0;
}
#endif
