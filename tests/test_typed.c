/* The section typed: every reader, row by row, against the lists and against look-ups by name; numbers, times, ids,
   reactions; and recorded messages in which a name was changed: those of tests/recordings, or of the folder that
   RECORDINGS in the environment names. POSIX: popen, getline and alarm, find and gzip. */
#define _POSIX_C_SOURCE 200809L
#include "../misskey_stream.h"
#include "entities.h"
#include "greatest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char where[1500];
#define CHECK(COND) do { if (!(COND)) { \
        snprintf(where + strlen(where), sizeof where - strlen(where), " [line %d: %s]", __LINE__, #COND); \
        FAILm(where); } } while (0)
#define CASE(...) snprintf(where, sizeof where / 2, __VA_ARGS__)
#define SHOWN(VIEW) (int)((VIEW).len < 600 ? (VIEW).len : 600), (VIEW).ptr

static uint32_t seed = 1;
static uint32_t rnd(uint32_t below) { seed = seed * 1664525u + 1013904223u; return (seed >> 8) % below; }

/* ---- texts ---- */

struct text { char at[16384]; size_t len; };

static void put(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    t->len += (size_t)vsnprintf(t->at + t->len, sizeof t->at - t->len, format, args);
    va_end(args);
    if (t->len >= sizeof t->at) abort();
}

static void begin(struct text *t)
{
    t->len = 0;
    put(t, "{");
}

/* Between two members. */
static void comma(struct text *t) { if (t->at[t->len - 1] != '{') put(t, ","); }

static misskey_json checked(const char *text, size_t len)
{
    misskey_json json;
    if (misskey_json_check(text, len, &json, NULL) != MISSKEY_ERR_OK) {
        printf("this test made a text that is no JSON: %.*s\n", (int)len, text);
        abort();
    }
    return json;
}

static misskey_json end(struct text *t)
{
    put(t, "}");
    return checked(t->at, t->len);
}

/* A literal with ' for ", which reads better in C. Up to four of them live at a time. */
static misskey_json json(const char *literal)
{
    static struct text texts[4];
    static unsigned turn;
    struct text *const t = &texts[turn++ % 4];
    size_t i;
    t->len = 0;
    put(t, "%s", literal);
    for (i = 0; i < t->len; i++) if (t->at[i] == '\'') t->at[i] = '"';
    return checked(t->at, t->len);
}

static misskey_jstr jstr(const char *inside) { return misskey_jstr_text(inside); }

/* Text in memory of exactly its length, so that the sanitizers see every byte read behind it. */
static char *exact(const char *text, size_t len)
{
    char *const copy = malloc(len > 0 ? len : 1);
    if (copy == NULL) abort();
    memcpy(copy, text, len);
    return copy;
}

/* ---- values and members ---- */

enum {
    STR = 1 << FIELD_STR, BOOL = 1 << FIELD_BOOL, INT = 1 << FIELD_INT, DEC = 1 << FIELD_DEC,
    OBJ = 1 << FIELD_OBJ | 1 << FIELD_LIST, ARR = 1 << FIELD_ARR | 1 << FIELD_LIST
};

/* Which kinds take a value. JSON takes all but null, which no kind takes. */
static const struct { const char *text; unsigned kinds; } values[] = {
    { "null", 0 }, { "true", BOOL }, { "false", BOOL }, { "0", INT | DEC }, { "-17", INT | DEC },
    { "9007199254740993", INT | DEC }, { "1e2", INT | DEC }, { "24.4", DEC }, { "-0.056", DEC },
    { "9223372036854775808", 0 }, { "12345678901234567890.5", 0 }, { "\"\"", STR }, { "\"a\\n\\ud800\\\"\"", STR },
    { "\"null\"", STR }, { "[]", ARR }, { "[1,{\"id\":\"x\"},\"}\"]", ARR }, { "{}", OBJ },
    { "{\"id\":\"i\",\"text\":null}", OBJ }, { "[{}]", ARR }, { "{\"\":[]}", OBJ }
};
enum { NUM_VALUES = sizeof values / sizeof values[0] };

static int presence_of(enum field_kind kind, size_t value)
{
    if (value == 0) return MISSKEY_NULL;
    return kind == FIELD_JSON || values[value].kinds >> kind & 1 ? MISSKEY_PRESENT : MISSKEY_ABSENT;
}

/* The first value from i on that gives this presence. There is always one but for ABSENT of JSON. */
static size_t value_from(size_t i, enum field_kind kind, int presence)
{
    i %= NUM_VALUES;
    while (presence_of(kind, i) != presence) i = (i + 1) % NUM_VALUES;
    return i;
}

static size_t value_with(enum field_kind kind, int presence) { return value_from(rnd(NUM_VALUES), kind, presence); }

/* "name": or "outer":{"name": */
static void put_name(struct text *t, const struct entity *e, const struct field *f)
{
    comma(t);
    if (f->outer != NULL) put(t, "\"%s\":{", field_of(e, f->outer)->name);
    put(t, "\"%s\":", f->name);
}

static void put_member(struct text *t, const struct entity *e, const struct field *f, size_t value)
{
    put_name(t, e, f);
    put(t, f->outer != NULL ? "%s}" : "%s", values[value].text);
}

static bool is_part(const struct field *part, const struct field *outer)
{
    return part->outer != NULL && strcmp(part->outer, outer->member) == 0;
}

static size_t count_parts(const struct entity *e, const struct field *outer)
{
    size_t n = 0, i;
    for (i = 0; i < e->num_fields; i++) n += is_part(&e->fields[i], outer);
    return n;
}

/* Every member by its own name, a good value each, in the order of the rows or (step > 1) another. */
static misskey_json put_all(struct text *t, const struct entity *e, size_t first, size_t step)
{
    size_t i, j, n;
    begin(t);
    for (n = 0, i = first; n < e->num_fields; n++, i = (i + step) % e->num_fields) {
        const struct field *const f = &e->fields[i];
        if (f->alias || f->outer != NULL) continue;
        put_name(t, e, f);
        if (count_parts(e, f) == 0) {
            put(t, "%s", values[value_from(i, f->kind, MISSKEY_PRESENT)].text);
            continue;
        }
        put(t, "{");
        for (j = 0; j < e->num_fields; j++) {
            const struct field *const part = &e->fields[j];
            if (!is_part(part, f)) continue;
            comma(t);
            put(t, "\"%s\":%s", part->name, values[value_from(j, part->kind, MISSKEY_PRESENT)].text);
        }
        put(t, "}");
    }
    return end(t);
}

/* Reads over what is not zero; a member that is not as look-ups by name find it, or NULL. */
static const char *differing(const struct entity *e, misskey_json object)
{
    union any out;
    size_t i;
    memset(&out, 0x55, sizeof out);
    if (!e->read(object, &out)) return "(not read)";
    for (i = 0; i < e->num_fields; i++) {
        const struct field *const f = &e->fields[i];
        if (!f->alias && !same_value(value_in(f, &out), value_wanted(e, f, object))) return f->member;
    }
    return NULL;
}

#define CHECK_READ(e, object) do { \
        const misskey_json object_ = (object); \
        const char *const differs_ = differing(e, object_); \
        if (differs_ != NULL) { CASE("%s.%s: %.*s", (e)->name, differs_, SHOWN(object_)); FAILm(where); } \
    } while (0)

#define EACH_ENTITY(e) for (e = entities; e < entities + NUM_ENTITIES; e++)
#define EACH_FIELD(e, f) for (f = (e)->fields; f < (e)->fields + (e)->num_fields; f++)

/* ---- readers ---- */

/* One member alone, with every value: it, the member around it if there is one, and nothing else. */
TEST each_member_alone(void)
{
    static struct text t;
    const struct entity *e;
    const struct field *f, *other;
    size_t i;
    EACH_ENTITY(e) EACH_FIELD(e, f) for (i = 0; i < NUM_VALUES; i++) {
        struct value wanted;
        misskey_json object;
        union any out;
        begin(&t);
        put_member(&t, e, f, i);
        object = end(&t);
        CASE("%s %.600s", e->name, t.at);
        wanted = value_of(f->kind, checked(values[i].text, strlen(values[i].text)));
        CHECK(wanted.presence == presence_of(f->kind, i));
        memset(&out, 0x55, sizeof out);
        CHECK(e->read(object, &out));
        EACH_FIELD(e, other) {
            struct value v = value_in(other, &out), none = { 0, 0, 0, NULL, 0 };
            CHECK(v.ptr == NULL || (v.ptr > object.ptr && v.ptr + v.len < object.ptr + object.len));
            if (other->at == f->at) CHECK(same_value(v, wanted));
            else if (is_part(f, other)) CHECK(v.presence == MISSKEY_PRESENT);
            else CHECK(same_value(v, none));
        }
    }
    PASS();
}

/* The last counts, also where both are in one outer object, and where the outer object comes twice. */
TEST last_duplicate_counts(void)
{
    static const int pairs[][2] = {
        { MISSKEY_PRESENT, MISSKEY_PRESENT }, { MISSKEY_PRESENT, MISSKEY_NULL }, { MISSKEY_NULL, MISSKEY_PRESENT },
        { MISSKEY_PRESENT, MISSKEY_ABSENT }, { MISSKEY_ABSENT, MISSKEY_PRESENT }, { MISSKEY_NULL, MISSKEY_ABSENT }
    };
    static struct text t;
    const struct entity *e;
    const struct field *f;
    union any out;
    size_t i;
    EACH_ENTITY(e) EACH_FIELD(e, f) for (i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        size_t first, second;
        if (f->kind == FIELD_JSON && (pairs[i][0] == MISSKEY_ABSENT || pairs[i][1] == MISSKEY_ABSENT)) continue;
        first = value_with(f->kind, pairs[i][0]);
        second = value_with(f->kind, pairs[i][1]);
        begin(&t);
        put_member(&t, e, f, first);
        put_member(&t, e, f, second);
        CASE("%s %.600s", e->name, t.at);
        CHECK(e->read(end(&t), &out));
        CHECK(value_in(f, &out).presence == pairs[i][1]);
        CHECK_READ(e, checked(t.at, t.len));
        if (f->outer == NULL) continue;
        begin(&t);
        put_name(&t, e, f);
        put(&t, "%s,\"%s\":%s}", values[first].text, f->name, values[second].text);
        CHECK_READ(e, end(&t));
        begin(&t);
        put_member(&t, e, f, first);
        put(&t, ",\"%s\":%s", field_of(e, f->outer)->name, rnd(2) ? "{}" : rnd(2) ? "null" : "[1]");
        CASE("%s %.600s", e->name, t.at);
        CHECK(e->read(end(&t), &out));
        CHECK(value_in(f, &out).presence == MISSKEY_ABSENT);
    }
    PASS();
}

/* A name with escapes for the characters that the bits of the mask say. */
static void put_escaped(struct text *t, const char *name, uint32_t mask)
{
    put(t, "\"");
    for (; *name != '\0'; name++, mask >>= 1) {
        if ((mask & 1) == 0) put(t, "%c", *name);
        else if (mask & 2) put(t, "\\u%04x", (unsigned)*name);
        else put(t, "\\u%04X", (unsigned)*name);
    }
    put(t, "\"");
}

TEST names_with_escapes(void)
{
    static const uint32_t masks[] = { 1, 2, 0xFFFFFFFF, 0x55555555, 0xAAAAAAAA };
    static struct text t;
    const struct entity *e;
    const struct field *f;
    union any out;
    size_t i;
    EACH_ENTITY(e) EACH_FIELD(e, f) for (i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        begin(&t);
        if (f->outer != NULL) {
            put_escaped(&t, field_of(e, f->outer)->name, masks[i]);
            put(&t, ":{");
        }
        put_escaped(&t, f->name, masks[i]);
        put(&t, f->outer != NULL ? ":%s}" : ":%s", values[value_with(f->kind, MISSKEY_PRESENT)].text);
        CASE("%s %.600s", e->name, t.at);
        CHECK(e->read(end(&t), &out));
        CHECK(value_in(f, &out).presence == MISSKEY_PRESENT);
        CHECK_READ(e, checked(t.at, t.len));
    }
    PASS();
}

/* Names that resemble one, and names of members in other places. */
TEST unknown_members_are_skipped(void)
{
    static const char *const forms[] = {
        "\"%sx\":", "\"x%s\":", "\" %s\":", "\"%s\\u0000\":", "\"\":", "\"\\\"\":"
    };
    static struct text t;
    const struct entity *e;
    const struct field *f;
    size_t i;
    EACH_ENTITY(e) EACH_FIELD(e, f) {
        const char *const value = values[value_with(f->kind, MISSKEY_PRESENT)].text;
        begin(&t);
        for (i = 0; i < sizeof forms / sizeof forms[0]; i++) {
            comma(&t);
            put(&t, forms[i], f->name);
            put(&t, "%s", value);
        }
        put(&t, ",\"%c%s\":%s", f->name[0] ^ 0x20, f->name + 1, value);
        put(&t, ",\"%.*s\":%s", (int)strlen(f->name) - 1, f->name, value);
        put(&t, ",\"~\":{\"%s\":%s},\"~~\":[{\"%s\":%s}]", f->name, value, f->name, value);
        if (f->outer != NULL) put(&t, ",\"%s\":%s,\"%s\":[%s]", f->name, value, field_of(e, f->outer)->name, value);
        CHECK_READ(e, end(&t));
        if (rnd(4) > 0) continue;
        t.len--;
        put_member(&t, e, f, value_with(f->kind, MISSKEY_PRESENT));
        CHECK_READ(e, end(&t));
    }
    PASS();
}

TEST members_in_any_order(void)
{
    static struct text ordered, other;
    const struct entity *e;
    EACH_ENTITY(e) {
        const misskey_json wanted = put_all(&ordered, e, 0, 1);
        size_t step;
        CHECK_READ(e, wanted);
        for (step = 1; step < e->num_fields; step++) {
            const struct field *f;
            misskey_json object;
            union any out;
            size_t common = e->num_fields, rest = step, swap;
            for (; rest != 0; swap = common % rest, common = rest, rest = swap) {}
            if (common != 1) continue;  /* a step that does not reach every row */
            object = put_all(&other, e, step - 1, step);
            CASE("%s %.600s", e->name, other.at);
            CHECK(object.len == wanted.len);
            CHECK(e->read(object, &out));
            EACH_FIELD(e, f) if (!f->alias) CHECK(same_value(value_in(f, &out), value_wanted(e, f, wanted)));
        }
    }
    PASS();
}

/* An alias fills the member, and never takes the place of the member's own name, whichever comes first. */
TEST aliases(void)
{
    static struct text t;
    const struct entity *e;
    const struct field *f;
    size_t order, i, found = 0;
    EACH_ENTITY(e) EACH_FIELD(e, f) for (order = 0; order < 2 && f->alias; order++) for (i = 0; i < NUM_VALUES; i++) {
        const struct field *const own = field_of(e, f->member);
        const size_t alias_value = value_with(f->kind, rnd(4) > 0 ? MISSKEY_PRESENT : MISSKEY_NULL);
        union any out;
        struct value wanted = value_of(f->kind, checked(values[i].text, strlen(values[i].text)));
        if (wanted.presence == MISSKEY_ABSENT)
            wanted = value_of(f->kind, checked(values[alias_value].text, strlen(values[alias_value].text)));
        begin(&t);
        put_member(&t, e, order == 0 ? own : f, order == 0 ? i : alias_value);
        put_member(&t, e, order == 0 ? f : own, order == 0 ? alias_value : i);
        CASE("%s %.600s", e->name, t.at);
        CHECK(e->read(end(&t), &out));
        CHECK(same_value(value_in(own, &out), wanted));
        found++;
    }
    CASE("rows of aliases");
    CHECK(found > 0);
    PASS();
}

TEST only_objects_are_read(void)
{
    static const char *const others[] = { "null", "true", "0", "-1.5", "\"id\"", "\"{}\"", "[]", "[{\"id\":\"x\"}]" };
    const struct entity *e;
    union any out, zero;
    size_t i;
    memset(&zero, 0, sizeof zero);
    EACH_ENTITY(e) {
        const misskey_json none = { NULL, 0 };
        for (i = 0; i <= sizeof others / sizeof others[0]; i++) {
            const struct field *f;
            CASE("%s from %s", e->name, i == 0 ? "nothing" : others[i - 1]);
            memset(&out, 0x55, sizeof out);
            CHECK(!e->read(i == 0 ? none : misskey_json_text(others[i - 1]), &out));
            EACH_FIELD(e, f) CHECK(same_value(value_in(f, &out), value_in(f, &zero)));
        }
        CASE("%s from {}", e->name);
        CHECK(e->read(misskey_json_text("{}"), &out));
        CHECK_READ(e, misskey_json_text("{ }"));
    }
    PASS();
}

/* Not allowed, but it must not read outside: with the sanitizers that is seen at once, without by what is read. */
TEST truncated_objects(void)
{
    static struct text t;
    const struct entity *e;
    const struct field *f;
    size_t len;
    EACH_ENTITY(e) {
        put_all(&t, e, 0, 1);
        for (len = 0; len < t.len; len++) {
            char *const text = exact(t.at, len);
            char *const behind = exact(t.at, len + 1);
            misskey_json cut = { NULL, 0 };
            union any out, other;
            bool ok;
            behind[len] = behind[len] == '"' ? '}' : '"';
            cut.ptr = text;
            cut.len = len;
            ok = e->read(cut, &out);
            cut.ptr = behind;
            CASE("%s, the first %d bytes of %.600s", e->name, (int)len, t.at);
            CHECK(e->read(cut, &other) == ok);
            EACH_FIELD(e, f) {
                const struct value v = value_in(f, &out);
                CHECK(v.ptr == NULL || (v.ptr >= text && v.len <= len && v.ptr + v.len <= text + len));
                CHECK(same_value(v, value_in(f, &other)));
            }
            free(text);
            free(behind);
        }
    }
    PASS();
}

/* Rows, aliases, duplicates, escapes and strangers in any mixture. */
TEST random_objects(void)
{
    static struct text t;
    unsigned round;
    for (round = 0; round < 10000; round++) {
        const struct entity *const e = &entities[rnd(NUM_ENTITIES)];
        const uint32_t some = 1 + rnd((uint32_t)e->num_fields); /* few rows to choose from: many duplicates */
        unsigned members = rnd(16);
        misskey_json object;
        begin(&t);
        for (; members > 0; members--) {
            const struct field *const f = &e->fields[rnd(some)];
            const char *const value = values[rnd(NUM_VALUES)].text;
            comma(&t);
            if (f->outer != NULL) {
                put_escaped(&t, field_of(e, f->outer)->name, rnd(3) == 0 ? rnd(256) : 0);
                put(&t, rnd(4) == 0 ? ":[" : ":{");
                if (t.at[t.len - 1] == '{') put_escaped(&t, f->name, rnd(3) == 0 ? rnd(256) : 0);
                put(&t, t.at[t.len - 1] == '[' ? "%s]" : ":%s}", value);
                continue;
            }
            put_escaped(&t, f->name, rnd(3) == 0 ? rnd(256) : 0);
            if (rnd(8) == 0) put(&t, ":0,\"%s%u\"", f->name, rnd(9));
            put(&t, "%s:%s%s", rnd(4) == 0 ? "\n " : "", rnd(4) == 0 ? "\t" : "", value);
        }
        object = end(&t);
        CHECK_READ(e, object);
    }
    PASS();
}

SUITE(readers)
{
    RUN_TEST(each_member_alone);
    RUN_TEST(last_duplicate_counts);
    RUN_TEST(names_with_escapes);
    RUN_TEST(unknown_members_are_skipped);
    RUN_TEST(members_in_any_order);
    RUN_TEST(aliases);
    RUN_TEST(only_objects_are_read);
    RUN_TEST(truncated_objects);
    RUN_TEST(random_objects);
}

/* ---- numbers ---- */

/* Without zeros at the end of the mantissa. */
static void normalise(int64_t *mantissa, int64_t *exponent)
{
    if (*mantissa == 0) *exponent = 0;
    for (; *mantissa != 0 && *mantissa % 10 == 0; (*exponent)++) *mantissa /= 10;
}

/* Does text read as exactly this, whatever is chosen among equal mantissas and exponents? */
static bool reads_as(const char *text, int64_t mantissa, int64_t exponent)
{
    misskey_decimal d = { 4711, 4711, { NULL, 0 } };
    int64_t m, e;
    if (!misskey_json_decimal(misskey_json_text(text), &d)) return false;
    m = d.mantissa;
    e = d.exponent;
    normalise(&m, &e);
    normalise(&mantissa, &exponent);
    return m == mantissa && e == exponent && d.text.ptr == text && d.text.len == strlen(text);
}

static bool is_refused(const char *text)
{
    misskey_decimal d = { 4711, 4712, { NULL, 0 } };
    return !misskey_json_decimal(text == NULL ? misskey_json_text(NULL) : json(text), &d) && d.mantissa == 4711 &&
           d.exponent == 4712 && d.text.ptr == NULL;
}

TEST decimals(void)
{
    static const struct { const char *text; int64_t mantissa, exponent; } cases[] = {
        { "0", 0, 0 }, { "-0", 0, 0 }, { "-0.0", 0, 0 }, { "0e5", 0, 0 }, { "0.000E-7", 0, 0 }, { "1", 1, 0 },
        { "-17", -17, 0 }, { "0.056", 56, -3 }, { "24.4", 244, -1 }, { "-0.125", -125, -3 }, { "1e3", 1000, 0 },
        { "1E+3", 1000, 0 }, { "1E-2", 1, -2 }, { "1.50", 15, -1 }, { "15e-1", 15, -1 }, { "1.0e1", 10, 0 },
        { "120.0450e2", 120045, -1 }, { "1e100", 1, 100 }, { "1e-100", 1, -100 }, { "1e-99999999", 1, -99999999 },
        { "1e0000000000000000003", 1000, 0 }, { "9223372036854775807", INT64_MAX, 0 },
        { "-9223372036854775807", -INT64_MAX, 0 }, { "92233720368547758.07e-3", INT64_MAX, -5 },
        { "0.1234567890123456789", 1234567890123456789, -19 },
        { "0.00000000000000000000000000000000000000001", 1, -41 },
        { "1000000000000000000000000000000", 1, 30 }, { "1.0000000000000000000000000000000", 1, 0 },
        { "1234567890123456789.000000000000000", 1234567890123456789, 0 }
    };
    static const char *const refused[] = {
        NULL, "null", "true", "[]", "{}", "'1'", "''", "9223372036854775808", "-9223372036854775808",
        "12345678901234567891", "1.2345678901234567891e5", "0.9223372036854775808", "99999999999999999999.9",
        "18446744073709551617", "1e2147483648", "1e-2147483649", "1e99999999999999999999", "1e10000000000",
        "1.5e-4294967296"
    };
    static const char *const no_numbers[] = { /* as misskey_json_text gives them */
        "", "-", "01", "1.", ".5", "1e", "1e+", "1x", "1 ", "+1", "1e!!!!!!!!!!!!!!!!!!!!", "1e/////////////////////",
        "1e-~~~~~~~~~~~~~~~~~~~~", "-~", "1.2.3", "1e1e1", "Infinity", "1,2"
    };
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CASE("%s", cases[i].text);
        CHECK(reads_as(cases[i].text, cases[i].mantissa, cases[i].exponent));
    }
    for (i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        CASE("%s", refused[i] == NULL ? "nothing" : refused[i]);
        CHECK(is_refused(refused[i]));
    }
    for (i = 0; i < sizeof no_numbers / sizeof no_numbers[0]; i++) {
        misskey_decimal d = { 4711, 4712, { NULL, 0 } };
        CASE("%s", no_numbers[i]);
        CHECK(!misskey_json_decimal(misskey_json_text(no_numbers[i]), &d) && d.mantissa == 4711 && d.exponent == 4712);
    }
    CASE("exponents that fit, but may be refused");
    CHECK(reads_as("1e999999999", 1, 999999999) || is_refused("1e999999999"));
    CHECK(reads_as("1e1000000000", 1, 1000000000) || is_refused("1e1000000000"));
    CHECK(reads_as("1e-2147483647", 1, -2147483647) || is_refused("1e-2147483647"));
    CASE("0e99999999999");
    CHECK(reads_as("0e99999999999", 0, 0));
    PASS();
}

/* Up to 18 digits, the point anywhere, zeros around, an exponent or none. */
TEST random_decimals(void)
{
    unsigned round;
    for (round = 0; round < 100000; round++) {
        char digits[32], text[96];
        const int n = sprintf(digits, "%lld", (long long)((uint64_t)rnd(1u << 24) * rnd(1u << 24) * rnd(3000)));
        const int point = (int)rnd((uint32_t)n + 1), zeros = (int)rnd(4), exponent = (int)rnd(41) - 20;
        const bool minus = rnd(2) == 0, shown = rnd(2) == 0;
        const int64_t mantissa = (int64_t)strtoull(digits, NULL, 10);
        int len = sprintf(text, "%s%.*s", minus ? "-" : "", point > 0 ? point : 1, point > 0 ? digits : "0");
        if (point < n) len += sprintf(text + len, ".%s%.*s", digits + point, zeros, "0000");
        if (shown) sprintf(text + len, "%c%s%d", rnd(2) ? 'e' : 'E', exponent >= 0 && rnd(2) ? "+" : "", exponent);
        CASE("%s", text);
        CHECK(reads_as(text, minus ? -mantissa : mantissa, (shown ? exponent : 0) - (n - point)));
    }
    PASS();
}

/* ---- times ---- */

/* What Date.parse says (Node 18); where there are more than three digits, of the date without them. */
static const struct { const char *text; int64_t ms; } dates[] = {
    { "1970-01-01T00:00:00.000Z", 0 },                   { "1969-12-31T23:59:59.999Z", -1 },
    { "1969-07-20T20:17:40.123Z", -14182939877 },        { "1900-02-28T23:59:59.999Z", -2203891200001 },
    { "1900-03-01T00:00:00.000Z", -2203891200000 },      { "2000-02-29T12:00:00.000Z", 951825600000 },
    { "2000-12-31T23:59:59.999Z", 978307199999 },        { "2024-02-29T23:59:59.001Z", 1709251199001 },
    { "2026-11-23T21:46:49.580Z", 1795470409580 },       { "2038-01-19T03:14:08.000Z", 2147483648000 },
    { "2100-02-28T00:00:00.000Z", 4107456000000 },       { "2100-03-01T00:00:00.000Z", 4107542400000 },
    { "0000-01-01T00:00:00.000Z", -62167219200000 },     { "0000-02-29T00:00:00.000Z", -62162121600000 },
    { "0000-12-31T23:59:59.999Z", -62135596800001 },     { "0001-01-01T00:00:00.000Z", -62135596800000 },
    { "0004-02-29T00:00:00.000Z", -62035891200000 },     { "0100-03-01T00:00:00.000Z", -59006361600000 },
    { "0400-02-29T00:00:00.000Z", -49539340800000 },     { "1582-10-15T00:00:00.000Z", -12219292800000 },
    { "9999-12-31T23:59:59.999Z", 253402300799999 },     { "2026-11-23T21:46:49Z", 1795470409000 },
    { "2026-11-23T21:46:49.5Z", 1795470409500 },         { "2026-11-23T21:46:49.58Z", 1795470409580 },
    { "2026-11-23T21:46:49.5801234567890123456789Z", 1795470409580 },
    { "1969-12-31T23:59:59.0009Z", -1000 },              { "2026-11-23T21:46:49.9999Z", 1795470409999 },
    { "\\u0032026-11\\u002d23\\u005421:46:49.58\\u0030\\u005A", 1795470409580 },
    { "+275760-09-13T00:00:00.000Z", 8640000000000000 }, { "-271821-04-20T00:00:00.000Z", -8640000000000000 },
    { "+275760-09-12T23:59:59.999Z", 8639999999999999 }, { "-271821-04-20T00:00:00.001Z", -8639999999999999 },
    { "+275760-09-13T00:00:00.0009Z", 8640000000000000 },
    { "+012024-03-24T00:00:00.000Z", 317280758400000 },  { "-000001-03-24T00:00:00.000Z", -62191670400000 },
    { "+010000-01-01T00:00:00.000Z", 253402300800000 },  { "-000001-12-31T23:59:59.999Z", -62167219200001 },
    { "+012000-02-29T00:00:00.000Z", 316521302400000 },  { "-000004-02-29T00:00:00.000Z", -62288352000000 },
    { "-000400-02-29T00:00:00.000Z", -74784902400000 },  { "+002026-11-23T21:46:49.580Z", 1795470409580 },
    { "+000000-01-01T00:00:00.000Z", -62167219200000 },  { "\\u002b012024-03-24T00:00:00.000Z", 317280758400000 },
    { "\\u002D000001-03-24T00:00:00Z", -62191670400000 }
};

TEST times(void)
{
    static const char *const refused[] = {
        "", "2026", "2026-11-23", "2026-11-23T21:46:49", "2026-11-23T21:46:49.580", "2026-11-23T21:46Z",
        "2026-11-23T21:46:49.580+00:00", "2026-11-23T21:46:49.580+09:00", "2026-11-23 21:46:49.580Z",
        "2026-11-23t21:46:49.580Z", "2026-11-23T21:46:49.580z", "2026-11-23T21:46:49.Z", "2026-11-23T21:46:49,580Z",
        "2026-11-23T21:46:49.580Z ", " 2026-11-23T21:46:49.580Z", "2026-11-23T21:46:49.580ZZ",
        "2026-11-23T21:46:49.580Z\\u0000", "2026-00-23T21:46:49.580Z", "2026-13-23T21:46:49.580Z",
        "2026-11-00T21:46:49.580Z", "2026-11-31T21:46:49.580Z", "2026-12-32T21:46:49.580Z", "2026-02-29T00:00:00.000Z",
        "1900-02-29T00:00:00.000Z", "2100-02-29T00:00:00.000Z", "2024-02-30T00:00:00.000Z", "2026-11-23T24:00:00.000Z",
        "2026-11-23T21:60:00.000Z", "2026-11-23T21:46:60.000Z", "12026-11-23T21:46:49.580Z", "026-11-23T21:46:49.580Z",
        "-000000-01-01T00:00:00.000Z", "+275760-09-13T00:00:00.001Z", "-271821-04-19T23:59:59.999Z",
        "+275760-09-14T00:00:00.000Z", "-271821-04-19T00:00:00.000Z", "+275761-01-01T00:00:00.000Z",
        "+999999-12-31T23:59:59.999Z", "-999999-01-01T00:00:00.000Z", "+10000-01-01T00:00:00.000Z",
        "-1-01-01T00:00:00.000Z", "+0012026-11-23T00:00:00.000Z", "+-12026-11-23T00:00:00.000Z",
        "--00001-11-23T00:00:00.000Z", "+010001-02-29T00:00:00.000Z", "+012100-02-29T00:00:00.000Z",
        "-000001-02-29T00:00:00.000Z", "-000100-02-29T00:00:00.000Z", "+012024-04-31T00:00:00.000Z",
        "+012024-03-24T24:00:00.000Z", "+012024-03-24T00:00:00.000+00:00", "+012024-03-24", "+", "-", "+012024",
        "2026-1-23T21:46:49.580Z", "2026-11-3T21:46:49.580Z", "2026-11-23T1:46:49.580Z", "2026-11-23T21:46:9.580Z",
        "2026-11-23T21:46:-9.580Z", "２026-11-23T21:46:49.580Z", "2026\\u201011-23T21:46:49.580Z"
    };
    const misskey_jstr none = { NULL, 0 };
    static const char *const good[] = { "2026-11-23T21:46:49.580Z", "+012026-11-23T21:46:49.580Z" };
    int64_t ms;
    size_t i;
    for (i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        CASE("%s", dates[i].text);
        ms = 4711;
        CHECK(misskey_jstr_time(jstr(dates[i].text), &ms));
        CHECK(ms == dates[i].ms);
    }
    ms = 4711;
    for (i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        CASE("%s", refused[i]);
        CHECK(!misskey_jstr_time(jstr(refused[i]), &ms) && ms == 4711);
    }
    CASE("nothing");
    CHECK(!misskey_jstr_time(none, &ms) && ms == 4711);
    for (i = 0; i < strlen(good[0]) + strlen(good[1]); i++) {
        const char *const whole = i < strlen(good[0]) ? good[0] : good[1];
        const size_t at = i < strlen(good[0]) ? i : i - strlen(good[0]);
        char *const cut = exact(whole, at), spoiled[32];
        misskey_jstr view = { NULL, 0 };
        strcpy(spoiled, whole);
        spoiled[at] = 'x';
        CASE("the first %d characters of %s; %s", (int)at, whole, spoiled);
        view.ptr = cut;
        view.len = at;
        CHECK(!misskey_jstr_time(view, &ms) && ms == 4711);
        CHECK(!misskey_jstr_time(jstr(spoiled), &ms) && ms == 4711);
        free(cut);
    }
    PASS();
}

/* How JavaScript writes a year: four digits, or six and a sign. */
static int put_year(char *text, int year)
{
    if (year >= 0 && year <= 9999) return sprintf(text, "%04d", year);
    return sprintf(text, "%c%06d", year < 0 ? '-' : '+', year < 0 ? -year : year);
}

/* All days of a year, counted from *days on, or (for time) the first and last ones of each month; and the day after
   each month. */
static enum greatest_test_res days_of_year(int year, bool all, int64_t *days)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int month, day;
    for (month = 1; month <= 12; month++) {
        const int last = lengths[month - 1] + (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
        for (day = 1; day <= last + 1; day++, *days += day <= last + 1) {
            char text[40];
            int64_t ms;
            bool ok;
            if (day > 2 && day < last - 1 && !all) continue;
            sprintf(text + put_year(text, year), "-%02d-%02dT00:00:00.000Z", month, day);
            ok = misskey_jstr_time(jstr(text), &ms);
            CASE("%s", text);
            CHECK(ok == (day <= last && *days >= -100000000 && *days <= 100000000));
            if (ok) CHECK(ms == *days * 86400000);
        }
    }
    PASS();
}

/* From the first year that a date of JavaScript can have to the last. */
TEST every_year(void)
{
    int64_t days = -100000000 - 109; /* -271821-01-01: April the 20th is the first day in the range */
    int year;
    for (year = -271821; year <= 275760; year++) {
        const bool near = (year >= -1 && year <= 10000) || year <= -271820 || year >= 275759;
        if (near || (year + 272000) % 397 < 5) CHECK_CALL(days_of_year(year, near && year % 100 == 0, &days));
        else days += 365 + (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    }
    PASS();
}

/* ---- ids ---- */

TEST times_of_ids(void)
{
    static const struct { const char *id; int64_t ms; } ids[] = {
        /* 2025-11-03T09:14:07.229Z, 2000-01-01T00:00:00.000Z, 2018-10-25T11:02:44.000Z */
        { "aemhmdq59z", 1762161247229 },                 { "aemhmdq5l69b0001", 1762161247229 },
        { "819a48fec3fd4e5a01c3d2bf", 1762161247229 },   { "g19a48fec3fd4e5a01c3d2bf", 1762161247229 },
        { "01K94FXGZXV4RRFFQ69G5FAV00", 1762161247229 }, { "6908725fc3b2a1908f7e6d5c", 1762161247000 },
        { "000000009z", 946684800000 },                  { "00000000l69b0001", 946684800000 },
        { "80dc6acfac004e5a01c3d2bf", 946684800000 },    { "g0dc6acfac004e5a01c3d2bf", 946684800000 },
        { "00VHNCZB00V4RRFFQ69G5FAV00", 946684800000 },  { "386d4380c3b2a1908f7e6d5c", 946684800000 },
        { "7ks1m7fk9z", 1540465364000 },                 { "7ks1m7fkl69b0001", 1540465364000 },
        { "8166aae40c204e5a01c3d2bf", 1540465364000 },   { "g166aae40c204e5a01c3d2bf", 1540465364000 },
        { "01CTNE8310V4RRFFQ69G5FAV00", 1540465364000 }, { "5bd1a2d4c3b2a1908f7e6d5c", 1540465364000 },
        /* recorded with their createdAt */
        { "atxbuhytl69b000h", 1795468411253 },           { "atxd81bhh8ks00ds", 1795470722477 },
        /* the examples of the ULID specification and of the manual of MongoDB */
        { "01ARZ3NDEKTSV4RRFFQ69G5FAV", 1469922850259 }, { "507f191e810c19729de860ea", 1350506782000 },
        /* ends of the ranges */
        { "zzzzzzzz00", 946684800000 + 2821109907455 },  { "7ZZZZZZZZZ0000000000000000", 281474976710655 },
        { "g00000000000000000000000", 0 },               { "800000000000000000000000", 0 },
        { "\\u0061emhmdq59\\u007a", 1762161247229 }
    };
    static const char *const refused[] = {
        "", "a", "aemhmdq59", "aemhmdq59zz", "Aemhmdq59z", "aemhmdq59-", "aemhmdq59Z", "aemhmdq5l69b000",
        "aemhmdq5 69b0001", "aemhmdq5l69b00011", "819a48fec3fd4e5a01c3d2bF", "819a48fec3fd4e5a01c3d2bg",
        "g19a48fec3fd4e5a01c3d2bg", "g19A48fec3fd4e5a01c3d2bf", "h19a48fec3fd4e5a01c3d2bf", "G19a48fec3fd4e5a01c3d2bf",
        "6908725fC3b2a1908f7e6d5c", "6908725fc3b2a1908f7e6d5", "6908725fc3b2a1908f7e6d5c0",
        "01k94fxgzxv4rrffq69g5fav00", "01K94FXGZXV4RRFFQ69G5FAVIL", "01K94FXGZXV4RRFFQ69G5FAVOU",
        "81K94FXGZXV4RRFFQ69G5FAV00", "01K94FXGZXV4RRFFQ69G5FAV000", "あemhmdq", "aemhmdq\\n9z",
        "\\u0000000000000", "gggggggggggggggggggggggg", "clh1f0a5n0000qzrmn831i7rn"
    };
    const misskey_jstr none = { NULL, 0 };
    int64_t ms;
    size_t i;
    for (i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        CASE("%s", ids[i].id);
        ms = 4711;
        CHECK(misskey_id_time(jstr(ids[i].id), &ms));
        CHECK(ms == ids[i].ms);
    }
    ms = 4711;
    for (i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        CASE("%s", refused[i]);
        CHECK(!misskey_id_time(jstr(refused[i]), &ms) && ms == 4711);
    }
    CASE("nothing");
    CHECK(!misskey_id_time(none, &ms) && ms == 4711);
    for (i = 0; i < 80; i++) {
        char zeros[81];
        memset(zeros, '0', i);
        zeros[i] = '\0';
        CASE("%d zeros", (int)i);
        CHECK(misskey_id_time(jstr(zeros), &ms) == (i == 10 || i == 16 || i == 24 || i == 26));
    }
    PASS();
}

/* ---- maps and lists ---- */

/* What a walk gives, as one line. */
static const char *reactions_of(const char *literal)
{
    static char line[400];
    misskey_iter it = misskey_json_iter(literal == NULL ? misskey_json_text(NULL) : json(literal));
    misskey_jstr reaction;
    int64_t count;
    size_t n = 0;
    line[0] = '\0';
    while (misskey_reactions_next(&it, &reaction, &count))
        n += (size_t)sprintf(line + n, "%.*s=%lld ", (int)reaction.len, reaction.ptr, (long long)count);
    return line;
}

static const char *emojis_of(const char *literal)
{
    static char line[400];
    misskey_iter it = misskey_json_iter(literal == NULL ? misskey_json_text(NULL) : json(literal));
    misskey_jstr name, url;
    size_t n = 0;
    line[0] = '\0';
    while (misskey_emojis_next(&it, &name, &url))
        n += (size_t)sprintf(line + n, "%.*s=%.*s ", (int)name.len, name.ptr, (int)url.len, url.ptr);
    return line;
}

static const char *moves_of(const char *literal)
{
    static char line[400];
    misskey_iter it = misskey_json_iter(literal == NULL ? misskey_json_text(NULL) : json(literal));
    misskey_move move = { 0, 0, false };
    size_t n = 0;
    line[0] = '\0';
    while (misskey_reversi_logs_next(&it, &move))
        n += (size_t)sprintf(line + n, "%lld:%c%lld ", (long long)move.time, move.black ? 'b' : 'w',
                             (long long)move.pos);
    return line;
}

TEST reactions_of_notes(void)
{
    ASSERT_STR_EQ("", reactions_of(NULL));
    ASSERT_STR_EQ("", reactions_of("{}"));
    ASSERT_STR_EQ("❤=3 :a.b@.:=1 :c@host.example:=0 like=100 ",
                  reactions_of("{'❤':3, ':a.b@.:':1.0,':c@host.example:':0 ,'like':1e2}"));
    ASSERT_STR_EQ("a=0 b=0 c=0 d=0 e=0 f=0 g=-1 \\u2764=9007199254740993 ",
                  reactions_of("{'a':null,'b':'2','c':1.5,'d':{},'e':[7],'f':9223372036854775808,'g':-1,"
                               "'\\u2764':9007199254740993}"));
    ASSERT_STR_EQ("", reactions_of("'x'"));
    PASS();
}

TEST emojis_in_all_forms(void)
{
    ASSERT_STR_EQ("", emojis_of(NULL));
    ASSERT_STR_EQ("", emojis_of("{}"));
    ASSERT_STR_EQ("", emojis_of("[]"));
    ASSERT_STR_EQ("", emojis_of("null"));
    ASSERT_STR_EQ("a=https://h/a b@r.example=https://h/b ",
                  emojis_of("{'a':'https://h/a','b@r.example':'https://h/b'}"));
    ASSERT_STR_EQ("a=u c=w ", emojis_of("{'a':'u','b':null,'c':'w','d':1,'e':{'name':'e','url':'x'}}"));
    ASSERT_STR_EQ("a=u b@r=v ", emojis_of("[{'name':'a','url':'u','width':1},"
                                          "{'id':'1','url':'v','host':null,'name':'b@r'}]"));
    ASSERT_STR_EQ("c=w ", emojis_of("[{'name':'a'},{'url':'u'},{'name':1,'url':'u'},{'name':'b','url':null},'x',null,"
                                    "['y'],{'name':'c','url':'w'}]"));
    PASS();
}

TEST moves_of_games(void)
{
    ASSERT_STR_EQ("", moves_of(NULL));
    ASSERT_STR_EQ("", moves_of("[]"));
    ASSERT_STR_EQ("1762160460000:b19 1762160461500:w18 1762160461500:b0 ",
                  moves_of("[[1762160460000,1,0,19],[1500,0,0,18],[0,1,0,0]]"));
    ASSERT_STR_EQ("5:b1 ", moves_of("[[5,1,0,1],[5,1,0]]"));
    ASSERT_STR_EQ("5:b1 ", moves_of("[[5,1,0,1],[5,1,9,2]]"));
    ASSERT_STR_EQ("5:b1 ", moves_of("[[5,1,0,1],{'at':'x','color':true,'pos':1}]"));
    ASSERT_STR_EQ("", moves_of("[['5',1,0,1]]"));
    ASSERT_STR_EQ("", moves_of("[[5,true,0,1]]"));
    ASSERT_STR_EQ("", moves_of("[null]"));
    ASSERT_STR_EQ("", moves_of("[1,2,3,4]"));
    PASS();
}

/* Peers choose the times: a sum that does not fit ends the walk, and what was read before stays. */
TEST times_of_moves_do_not_overflow(void)
{
    static const char *const times[] = {
        "9223372036854775807", "-9223372036854775808", "1", "-1", "0", "9223372036854775806", "4611686018427387904",
        "-4611686018427387905"
    };
    enum { TIMES = sizeof times / sizeof times[0] };
    unsigned which, i;
    for (which = 0; which < TIMES * TIMES * TIMES; which++) {
        const unsigned at[3] = { which % TIMES, which / TIMES % TIMES, which / TIMES / TIMES };
        static struct text t;
        misskey_move move = { 0, 0, false }, before;
        misskey_iter it;
        int64_t sum = 0;
        t.len = 0;
        put(&t, "[[%s,1,0,1],[%s,0,0,2],[%s,1,0,3]]", times[at[0]], times[at[1]], times[at[2]]);
        it = misskey_json_iter(checked(t.at, t.len));
        CASE("%.200s", t.at);
        for (i = 0; i < 3; i++) {
            const int64_t n = strtoll(times[at[i]], NULL, 10);
            const uint64_t wrapped = (uint64_t)sum + (uint64_t)n;
            const bool fits = (sum < 0) != (n < 0) || (wrapped >> 63 != 0) == (n < 0);
            before = move;
            CHECK(misskey_reversi_logs_next(&it, &move) == fits);
            if (!fits) {
                CHECK(move.time == before.time && move.pos == before.pos && move.black == before.black);
                break;
            }
            sum += n;
            CHECK(move.time == sum && move.pos == (int64_t)i + 1 && move.black == (i != 1));
        }
    }
    PASS();
}

/* Missing values, memory of no size, structs of zeros: nothing is found, nothing is written, nothing breaks. */
TEST nothing_is_taken_for_nothing(void)
{
    const misskey_json none = { NULL, 0 };
    const misskey_jstr no_string = { NULL, 0 };
    static misskey_note note;
    static misskey_reading reading;
    misskey_message m;
    misskey_iter it;
    misskey_move move = { 0, 0, false };
    misskey_decimal decimal = { 4711, 0, { NULL, 0 } };
    misskey_jstr name, host;
    int64_t n = 4711;
    CASE("nothing");
    memset(&note, 0, sizeof note);
    memset(&it, 0, sizeof it);
    CHECK(!misskey_note_minimized(&note) && !misskey_note_is_renote(&note));
    CHECK(!misskey_json_decimal(none, &decimal) && decimal.mantissa == 4711);
    CHECK(!misskey_jstr_time(no_string, &n) && !misskey_id_time(no_string, &n) && n == 4711);
    CHECK(!misskey_reactions_next(&it, &name, &n) && !misskey_emojis_next(&it, &name, &host));
    CHECK(!misskey_reversi_logs_next(&it, &move) && move.time == 0);
    CHECK(!misskey_reaction_split(no_string, &name, &host) && name.ptr == NULL && host.ptr == NULL);
    CHECK(misskey_reaction_copy(no_string, NULL, 0) == 0 && misskey_reaction_copy(jstr(":a:"), NULL, 0) == 5);
    CHECK(!misskey_reaction_eq(no_string, no_string));
    CHECK(misskey_message_read(NULL, 0, &m, &reading) == MISSKEY_ERR_OK && m.kind == MISSKEY_KIND_TEXT);
    CHECK(reading.what == MISSKEY_READS_NOTHING);
    PASS();
}

/* ---- reactions ---- */

TEST reactions_are_split(void)
{
    static const struct { const char *reaction; bool custom; const char *name, *host; } cases[] = {
        { ":a:", true, "a", NULL }, { ":a@.:", true, "a", NULL }, { ":a@host.example:", true, "a", "host.example" },
        { ":A_b-9+@x.y.example:", true, "A_b-9+", "x.y.example" }, { "like", false, "like", NULL },
        { "❤", false, "❤", NULL }, { "❤️", false, "❤️", NULL },
        { "\\u2764\\ufe0f", false, "\\u2764\\ufe0f", NULL },
        { "", false, "", NULL }, { ":", false, ":", NULL }, { "::", false, "::", NULL }, { ":a", false, ":a", NULL },
        { "a:", false, "a:", NULL }, { "a@b", false, "a@b", NULL }, { "@", false, "@", NULL },
        { ":@:", true, "", NULL }, { ":@.:", true, "", NULL }, { ":@h:", true, "", "h" },
        { ":a@b@c:", true, "a", "b@c" },
        /* spelled with escapes */
        { "\\u003aa:", true, "a", NULL }, { ":a\\u003A", true, "a", NULL },
        { "\\u003a\\u0061\\u003a", true, "\\u0061", NULL }, { ":a\\u0040host:", true, "a", "host" },
        { ":a@\\u002e:", true, "a", NULL }, { ":a\\u0040.\\u003a", true, "a", NULL },
        { ":a\\u0040h\\u002Eexample:", true, "a", "h\\u002Eexample" }, { "\\u003a:", false, "\\u003a:", NULL },
        { ":\\\":", true, "\\\"", NULL }, { ":a\\\\", false, ":a\\\\", NULL }
    };
    misskey_jstr name, host;
    const misskey_jstr none = { NULL, 0 };
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CASE("%s", cases[i].reaction);
        name = host = jstr("untouched");
        CHECK(misskey_reaction_split(jstr(cases[i].reaction), &name, &host) == cases[i].custom);
        CHECK(name.ptr != NULL && name.len == strlen(cases[i].name) && memcmp(name.ptr, cases[i].name, name.len) == 0);
        CHECK((host.ptr == NULL) == (cases[i].host == NULL));
        if (host.ptr == NULL) continue;
        CHECK(host.len == strlen(cases[i].host) && memcmp(host.ptr, cases[i].host, host.len) == 0);
    }
    CASE("nothing");
    name = host = jstr("untouched");
    CHECK(!misskey_reaction_split(none, &name, &host) && name.ptr == NULL && host.ptr == NULL);
    PASS();
}

/* Spelled with escapes or not, a reaction is split alike. */
TEST escapes_do_not_change_how_reactions_are_split(void)
{
    unsigned i;
    for (i = 0; i < 50000; i++) {
        static const char characters[] = "::::@@..ab";
        char plain[16], escaped[128], part[3][64];
        misskey_jstr name[2], host[2];
        const unsigned len = rnd(8);
        unsigned k, n = 0;
        for (k = 0; k < len; k++) plain[k] = characters[rnd(10)];
        if (len > 1 && rnd(3) > 0) plain[0] = plain[len - 1] = ':';
        plain[len] = 0;
        for (k = 0; k < len; k++) n += (unsigned)sprintf(escaped + n, rnd(2) ? "\\u%04x" : "%c", (unsigned)plain[k]);
        escaped[n] = 0;
        CASE("%s and %s", plain, escaped);
        CHECK(misskey_reaction_split(jstr(plain), &name[0], &host[0]) ==
              misskey_reaction_split(jstr(escaped), &name[1], &host[1]));
        CHECK((host[0].ptr == NULL) == (host[1].ptr == NULL));
        misskey_jstr_copy(name[0], part[0], sizeof part[0]);
        CHECK(misskey_jstr_eq(name[1], part[0]));
        misskey_jstr_copy(host[0], part[1], sizeof part[1]);
        CHECK(host[0].ptr == NULL || misskey_jstr_eq(host[1], part[1]));
    }
    PASS();
}

/* The normal form, the plain way: decoded, then U+FE0F out, then the host in. */
static void normal_form(misskey_jstr reaction, char out[256])
{
    char text[256];
    size_t len = misskey_jstr_copy(reaction, text, sizeof text);
    const char *p = text;
    const bool bare = len >= 3 && text[0] == ':' && text[len - 1] == ':' && strchr(text, '@') == NULL;
    const bool joined = strstr(text, "\xE2\x80\x8D") != NULL;
    size_t n = 0;
    if (bare) text[len - 1] = '\0';
    while (*p != '\0') {
        if (!joined && strncmp(p, "\xEF\xB8\x8F", 3) == 0) p += 3;
        else out[n++] = *p++;
    }
    out[n] = '\0';
    if (bare) strcat(out, "@.:");
}

#define FE0F "\xEF\xB8\x8F"
#define ZWJ "\xE2\x80\x8D"

TEST reactions_have_a_normal_form(void)
{
    static const struct { const char *reaction, *wanted; } cases[] = {
        { ":a:", ":a@.:" }, { ":a@.:", ":a@.:" }, { ":a@host.example:", ":a@host.example:" }, { "like", "like" },
        { "❤", "❤" }, { "❤" FE0F, "❤" }, { "\\u2764\\uFE0F", "❤" }, { "\\u2764\\ufe0f", "❤" },
        { "👩" ZWJ "❤" FE0F ZWJ "👨", "👩" ZWJ "❤" FE0F ZWJ "👨" },
        { "❤" FE0F "\\u200d🔥", "❤" FE0F ZWJ "🔥" },
        { "1" FE0F "\xE2\x83\xA3", "1\xE2\x83\xA3" }, { "\\ud83d\\udc4d", "👍" },
        { "\\ud83d", "\xEF\xBF\xBD" },
        { ":\\u0061:", ":a@.:" }, { ":a\\u0040.:", ":a@.:" }, { "\\u003aa:", ":a@.:" }, { ":a\\u003A", ":a@.:" },
        { "", "" }, { ":", ":" }, { "::", "::" }, { ":@.:", ":@.:" }, { ":a", ":a" }, { FE0F, "" }
    };
    size_t i, cap;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const misskey_jstr reaction = jstr(cases[i].reaction);
        const size_t len = strlen(cases[i].wanted);
        char out[64], model[256];
        CASE("%s", cases[i].reaction);
        normal_form(reaction, model);
        CHECK(strcmp(model, cases[i].wanted) == 0);
        for (cap = 0; cap < len + 3; cap++) {
            size_t n = 0;
            memset(out, 0x55, sizeof out);
            CHECK(misskey_reaction_copy(reaction, out, cap) == len);
            if (cap > 0) n = strlen(out);
            CHECK(n < cap || cap == 0);
            CHECK(memcmp(out, cases[i].wanted, n) == 0 && (out[n] == '\0') == (cap > 0));
            CHECK(cap <= len || n == len);
            CHECK(n == len || (cases[i].wanted[n] & 0xC0) != 0x80); /* cut between characters */
            CHECK(cap == 0 || n + 4 > cap - 1 || n == len);         /* and not earlier than needed */
            CHECK((uint8_t)out[cap > 0 ? cap : 0] == 0x55);
        }
    }
    CASE("nothing");
    CHECK(misskey_reaction_copy(misskey_jstr_text(NULL), NULL, 0) == 0);
    PASS();
}

static void random_reaction(char text[128])
{
    static const char *const parts[] = {
        ":", ":", ":", "@", "@.", ".", "a", "a", "b", "host", "❤", FE0F, FE0F, ZWJ, "\\ufe0f", "\\u200D", "\\u0061",
        "\\u0040", "\\u003a", "\\u003A", "\\ud83d\\udc4d", "\\ud83d", "👍", "\\\\"
    };
    unsigned n = rnd(6);
    text[0] = '\0';
    if (rnd(2) == 0) strcat(text, ":");
    while (n-- > 0) strcat(text, parts[rnd(sizeof parts / sizeof parts[0])]);
    if (rnd(2) == 0) strcat(text, ":");
}

TEST equal_reactions(void)
{
    static const struct { const char *a, *b; bool equal; } cases[] = {
        { ":a:", ":a@.:", true }, { ":a:", ":a:", true }, { ":a@.:", ":a@.:", true }, { ":a:", ":A:", false },
        { ":a:", ":a@host:", false }, { ":a@.:", ":a@host:", false }, { ":a@host:", ":a@host:", true },
        { ":a:", "a", false }, { ":a:", ":ab:", false }, { ":ab:", ":a:", false }, { "❤", "❤" FE0F, true },
        { "❤", "\\u2764\\ufe0f", true }, { "👩" ZWJ "❤" FE0F ZWJ "👨", "👩" ZWJ "❤" ZWJ "👨", false },
        { "like", "like", true }, { "like", "love", false }, { "::", "::", true }, { ":@.:", "::", false },
        { "", "", true }, { "", "a", false }, { ":\\u0061:", ":a:", true }
    };
    char a[128], b[128], x[256], y[256];
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CASE("%s and %s", cases[i].a, cases[i].b);
        CHECK(misskey_reaction_eq(jstr(cases[i].a), jstr(cases[i].b)) == cases[i].equal);
        CHECK(misskey_reaction_eq(jstr(cases[i].b), jstr(cases[i].a)) == cases[i].equal);
    }
    CASE("nothing");
    CHECK(!misskey_reaction_eq(misskey_jstr_text(NULL), jstr("a")));
    CHECK(!misskey_reaction_eq(jstr("a"), misskey_jstr_text(NULL)));
    for (i = 0; i < 50000; i++) {
        char *other;
        random_reaction(a);
        random_reaction(b);
        if (rnd(2) == 0) strcpy(b, a);
        other = strstr(b, FE0F);
        if (other != NULL && rnd(2) == 0) memmove(other, other + 3, strlen(other + 3) + 1);
        normal_form(jstr(a), x);
        normal_form(jstr(b), y);
        CASE("%s and %s", a, b);
        CHECK(misskey_reaction_eq(jstr(a), jstr(b)) == (strcmp(x, y) == 0));
        CHECK(misskey_reaction_copy(jstr(a), b, sizeof b) == strlen(x) && strcmp(b, x) == 0);
    }
    PASS();
}

/* ---- notes ---- */

static misskey_note note_of(const char *literal)
{
    misskey_note note;
    if (!misskey_note_read(json(literal), &note)) abort();
    return note;
}

TEST minimized_notes(void)
{
    static const struct { const char *note; bool minimized; } cases[] = {
        { "{'id':'1'}", true },
        { "{'id':'1','myReaction':'❤','poll':{'choices':[]},'renote':{'myReaction':'x'},'user':{'badgeRoles':[]}}",
          true },
        { "{'id':'1','createdAt':null,'userId':null}", true },
        { "{'id':'1','createdAt':'2026-11-23T21:46:49.580Z'}", false }, { "{'id':'1','userId':'2'}", false },
        { "{'id':'1','createdAt':'2026-11-23T21:46:49.580Z','userId':'2','text':null}", false }, { "{}", false },
        { "{'myReaction':'x'}", false }
    };
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const misskey_note note = note_of(cases[i].note);
        CASE("%s", cases[i].note);
        CHECK(misskey_note_minimized(&note) == cases[i].minimized);
    }
    PASS();
}

TEST renotes_and_quotes(void)
{
    static const struct { const char *note; bool renote; } cases[] = {
        { "{'id':'1','renoteId':'2','text':null,'cw':null,'replyId':null,'files':[],'fileIds':[],'poll':null}", true },
        { "{'renoteId':'2'}", true }, { "{'renoteId':'2','renote':null,'reactions':{}}", true },
        { "{'renoteId':'2','renote':{'text':'x'},'user':{},'localOnly':true}", true },
        { "{'renoteId':'2','text':'x'}", false }, { "{'renoteId':'2','text':''}", false },
        { "{'renoteId':'2','cw':'x'}", false }, { "{'renoteId':'2','replyId':'3'}", false },
        { "{'renoteId':'2','files':[{'id':'f'}]}", false }, { "{'renoteId':'2','poll':{'choices':[]}}", false },
        { "{'renoteId':null,'text':null}", false }, { "{'id':'1','text':'x'}", false }, { "{}", false },
        { "{'renote':{'id':'2'}}", false }, { "{'renoteId':'2','mediaIds':['f']}", false },
        { "{'renoteId':'2','media':[{'id':'f'}]}", false }, { "{'renoteId':'2','mediaIds':[],'media':[]}", true },
        { "{'renoteId':'2','fileIds':[],'mediaIds':['f']}", true }, { "{'renoteId':5,'fileIds':[]}", false },
        { "{'renoteId':'2','reply':{'id':'3'},'renote':{'id':'2'}}", true }, { "{'renoteId':'','text':null}", true }
    };
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const misskey_note note = note_of(cases[i].note);
        CASE("%s", cases[i].note);
        CHECK(misskey_note_is_renote(&note) == cases[i].renote);
    }
    PASS();
}

/* pollVoted counts choices by their place, so what is no object keeps its own, all zero, as do files. */
TEST elements_of_a_reading_keep_their_place(void)
{
    static const char *const others[] = {
        "null", "1", "false", "\"x\"", "[]", "[{\"id\":\"x\",\"text\":\"x\"}]", "{}"
    };
    static misskey_reading r;
    static struct text t;
    misskey_file no_file;
    misskey_poll_choice no_choice;
    unsigned mask, i;
    memset(&no_file, 0, sizeof no_file);
    memset(&no_choice, 0, sizeof no_choice);
    for (mask = 0; mask < 1u << 12; mask++) {
        const bool type_last = rnd(2) == 0, files = rnd(2) == 0;
        const unsigned count = 1 + mask % 12, shown = files || count < 10 ? count : 10;
        misskey_message m;
        t.len = 0;
        put(&t, "{%s\"body\":{\"id\":\"1\",%s\"body\":{", type_last ? "" : "\"type\":\"channel\",",
            type_last ? "" : "\"type\":\"note\",");
        put(&t, files ? "\"files\":[" : "\"poll\":{\"choices\":[");
        for (i = 0; i < count; i++) {
            if (mask >> i & 1) put(&t, "%s%s", i > 0 ? " ," : "", others[rnd(7)]);
            else put(&t, "%s{\"id\":\"%c\",\"text\":\"%c\"}", i > 0 ? ", " : "", 'a' + (int)i, 'a' + (int)i);
        }
        put(&t, "]%s%s}%s}", files ? "" : "}", type_last ? "},\"type\":\"note\"" : "}",
            type_last ? ",\"type\":\"channel\"" : "");
        CASE("%.600s", t.at);
        CHECK(misskey_message_read(t.at, t.len, &m, &r) == MISSKEY_ERR_OK && r.what == MISSKEY_READS_NOTE);
        CHECK(r.num_files == (files ? shown : 0) && r.num_choices == (files ? 0 : shown));
        for (i = 0; i < shown; i++) {
            const misskey_jstr name = files ? r.files[i].id : r.choices[i].text;
            if (mask >> i & 1) CHECK(files ? memcmp(&r.files[i], &no_file, sizeof no_file) == 0
                                           : memcmp(&r.choices[i], &no_choice, sizeof no_choice) == 0);
            else CHECK(name.len == 1 && *name.ptr == 'a' + (char)i);
        }
    }
    PASS();
}

/* Of each member that may make a quote of a renote what it can be: absent, null, empty, something, of another kind. */
static const struct { const char *name, *values[6]; } added[] = {
    { "text",    { NULL, "null", "\"\"", "\"x\"", "1", "[]" } },
    { "cw",      { NULL, "null", "\"\"", "\"x\"", "{}", "true" } },
    { "replyId", { NULL, "null", "\"\"", "\"3\"", "3", "{\"id\":\"3\"}" } },
    { "files",   { NULL, "null", "[]", "[{\"id\":\"f\"}]", "{\"0\":{}}", "\"f\"" } },
    { "fileIds", { NULL, "null", "[ ]", "[\"f\"]", "\"f\"", "{}" } },
    { "poll",    { NULL, "null", "{}", "{\"choices\":[{}]}", "false", "[]" } },
    { "hasPoll", { NULL, "null", "false", "true", "\"true\"", "1" } },
    { "event",   { NULL, "null", "{}", "{\"title\":\"x\"}", "\"x\"", "[{}]" } }
};
enum { ADDED = sizeof added / sizeof added[0], ABSENT = 0, NONE = 1, EMPTY = 2, SOME = 3 };

/* The rule of servers and of the official client, in their words: text == null, cw == null, replyId == null, poll ==
   null, fileIds == null or of no length, not hasPoll, event == null (CherryPick); without fileIds by files. */
static bool adds_nothing(const unsigned char is[ADDED])
{
    enum { TEXT, CW, REPLY_ID, FILES, FILE_IDS, POLL, HAS_POLL, EVENT };
    const bool has_ids = is[FILE_IDS] == EMPTY || is[FILE_IDS] == SOME;
    if (is[TEXT] == EMPTY || is[TEXT] == SOME || is[CW] == EMPTY || is[CW] == SOME) return false;
    if (is[REPLY_ID] == EMPTY || is[REPLY_ID] == SOME || is[POLL] == EMPTY || is[POLL] == SOME) return false;
    if (is[HAS_POLL] == SOME) return false;
    if (!MISSKEY_NO_FORKS && (is[EVENT] == EMPTY || is[EVENT] == SOME)) return false;
    return has_ids ? is[FILE_IDS] == EMPTY : is[FILES] != SOME;
}

TEST renotes_in_every_combination(void)
{
    static struct text t;
    unsigned long which, renotes = 0;
    for (which = 0; which < 6ul * 6 * 6 * 6 * 6 * 6 * 6 * 6; which++) {
        unsigned char is[ADDED];
        unsigned long rest = which;
        misskey_note note;
        unsigned i;
        bool expected;
        for (i = 0; i < ADDED; i++, rest /= 6) is[i] = (unsigned char)(rest % 6);
        expected = adds_nothing(is);
        if (!expected && which % 7 > 0) continue; /* most of them; for time */
        t.len = 0;
        put(&t, "{\"renoteId\":\"2\"");
        for (i = 0; i < ADDED; i++) {
            if (added[i].values[is[i]] != NULL) put(&t, ",\"%s\":%s", added[i].name, added[i].values[is[i]]);
        }
        put(&t, "}");
        CASE("%.600s", t.at);
        CHECK(misskey_note_read(checked(t.at, t.len), &note));
        CHECK(misskey_note_is_renote(&note) == expected);
        renotes += expected;
    }
    ASSERT(renotes > 1000);
    PASS();
}

SUITE(helpers)
{
    RUN_TEST(decimals);
    RUN_TEST(random_decimals);
    RUN_TEST(times);
    RUN_TEST(every_year);
    RUN_TEST(times_of_ids);
    RUN_TEST(reactions_of_notes);
    RUN_TEST(emojis_in_all_forms);
    RUN_TEST(moves_of_games);
    RUN_TEST(times_of_moves_do_not_overflow);
    RUN_TEST(nothing_is_taken_for_nothing);
    RUN_TEST(reactions_are_split);
    RUN_TEST(escapes_do_not_change_how_reactions_are_split);
    RUN_TEST(reactions_have_a_normal_form);
    RUN_TEST(equal_reactions);
    RUN_TEST(minimized_notes);
    RUN_TEST(renotes_and_quotes);
    RUN_TEST(renotes_in_every_combination);
    RUN_TEST(elements_of_a_reading_keep_their_place);
}

/* ---- recorded messages ---- */

struct recorded { char *text; size_t len; bool sent; };

static struct {
    struct recorded *at;
    size_t count;
} recordings;

/* All their texts, in memory of exactly their length. */
static void read_recordings(void)
{
    FILE *const all = popen("find ${RECORDINGS:-tests/recordings} -name 'messages.jsonl*' 2>/dev/null | "
                            "LC_ALL=C sort | while read -r file; do gzip -dcf \"$file\"; done", "r");
    char *line = NULL;
    size_t cap = 0, room = 0;
    ssize_t len;
    while (all != NULL && (len = getline(&line, &cap, all)) > 0) {
        const misskey_json object = checked(line, (size_t)len);
        const misskey_jstr data = misskey_json_str(misskey_json_get(object, "data"));
        char *const text = exact(data.ptr, data.len + 1);
        struct recorded *r;
        if (recordings.count == room)
            recordings.at = realloc(recordings.at, (room = room * 2 + 1024) * sizeof *recordings.at);
        if (recordings.at == NULL) abort();
        r = &recordings.at[recordings.count++];
        r->len = misskey_jstr_copy(data, text, data.len + 1);
        r->text = exact(text, r->len);
        r->sent = misskey_jstr_eq(misskey_json_str(misskey_json_get(object, "dir")), "send");
        free(text);
    }
    free(line);
    if (all != NULL) pclose(all);
}

static void free_recordings(void)
{
    while (recordings.count > 0) free(recordings.at[--recordings.count].text);
    free(recordings.at);
}

/* The inside of the next string of a JSON text from *at on, which moves behind it; false at the end. */
static bool next_string(const char *text, size_t len, size_t *at, misskey_jstr *string)
{
    const char *p = memchr(text + *at, '"', len - *at);
    if (p == NULL) return false;
    string->ptr = ++p;
    for (; *p != '"'; p++) if (*p == '\\') p++;
    string->len = (size_t)(p - string->ptr);
    *at = (size_t)(p - text) + 1;
    return true;
}

/* Is this the name of a member, or the value of one that is named type? before: the string before it. */
static bool is_name(const char *text, size_t len, misskey_jstr string, misskey_jstr before)
{
    const char *p = string.ptr + string.len + 1;
    while (p < text + len && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) p++;
    return (p < text + len && *p == ':') || misskey_jstr_eq(before, "type");
}

/* Its first letter becomes one that no name has; false where that is no plain letter. */
static bool rename_at(char *letter)
{
    if (!((*letter >= 'a' && *letter <= 'z') || (*letter >= 'A' && *letter <= 'Z') || *letter == ':')) return false;
    *letter = '~';
    return true;
}

/* Gives a message to a session. True if the application gets exactly one message with exactly this text, and nothing is
   an error. */
static bool arrives(misskey_session *session, const char *text, size_t len, misskey_message *message)
{
    misskey_event e;
    unsigned messages = 0;
    bool same = true;
    if (misskey_session_recv_message(session, text, len) != MISSKEY_ERR_OK) return false;
    while (misskey_session_poll(session, &e)) {
        if (e.type != MISSKEY_EVENT_MESSAGE) return false;
        messages++;
        *message = e.message;
        same = e.text.len == len && memcmp(e.text.ptr, text, len) == 0;
    }
    return messages == 1 && same;
}

static bool is_inside(misskey_jstr string, misskey_json body)
{
    return body.ptr != NULL && string.ptr > body.ptr && string.ptr < body.ptr + body.len;
}

/* Every name of a member and every name of a type, one at a time, in one message. */
static enum greatest_test_res rename_each(misskey_session *session, const struct recorded *r, size_t *renamed)
{
    misskey_message original, m;
    misskey_jstr string = { NULL, 0 }, before;
    char *const pristine = exact(r->text, r->len);
    const misskey_str whole = { pristine, r->len };
    size_t at = 0;
    CASE("%.*s", SHOWN(whole));
    CHECK(misskey_message_parse(r->text, r->len, &original) == MISSKEY_ERR_OK);
    for (before = string; next_string(r->text, r->len, &at, &string); before = string) {
        char *const letter = r->text + (string.ptr - r->text), was = *letter;
        if (!is_name(r->text, r->len, string, before) || !rename_at(letter)) continue;
        (*renamed)++;
        CASE("%.*s renamed in %.*s", SHOWN(string), SHOWN(whole));
        if (r->sent) CHECK(misskey_message_parse(r->text, r->len, &m) == MISSKEY_ERR_OK);
        else CHECK(arrives(session, r->text, r->len, &m));
        if (original.kind != MISSKEY_KIND_OTHER && is_inside(string, original.body)) {
            CHECK(m.body.ptr == original.body.ptr && m.body.len == original.body.len);
            CHECK(m.kind == original.kind && m.id.ptr == original.id.ptr);
        }
        CHECK(m.kind != MISSKEY_KIND_TEXT || (m.raw.ptr == r->text && m.raw.len == r->len));
        *letter = was;
        CHECK(memcmp(pristine, r->text, r->len) == 0);
    }
    free(pristine);
    PASS();
}

TEST renamed_messages_arrive(void)
{
    misskey_session session;
    misskey_session_desc desc;
    misskey_event e;
    size_t i, renamed = 0;
    if (recordings.count == 0) SKIPm("tests/recordings is missing");
    memset(&desc, 0, sizeof desc);
    ASSERT_EQ(MISSKEY_ERR_OK, misskey_session_init(&session, &desc));
    misskey_session_transport_up(&session);
    while (misskey_session_poll(&session, &e)) {}
    for (i = 0; i < recordings.count; i++) {
        misskey_json object;
        if (misskey_json_check(recordings.at[i].text, recordings.at[i].len, &object, NULL) == MISSKEY_ERR_OK)
            CHECK_CALL(rename_each(&session, &recordings.at[i], &renamed));
    }
    ASSERT(renamed > 100000);
    printf("%lu names renamed, in %lu messages\n", (unsigned long)renamed, (unsigned long)recordings.count);
    PASS();
}

/* Reads a note after each of its members was renamed: that member is gone, all others are as before. */
static enum greatest_test_res rename_members(misskey_json body, char *text)
{
    const struct entity *const e = &entities[ENTITY_note];
    misskey_note before, after;
    misskey_iter it = misskey_json_iter(body);
    CASE("%.*s", SHOWN(body));
    CHECK(misskey_note_read(body, &before));
    while (misskey_json_next(&it)) {
        char *const letter = text + (it.key.ptr - text), was = *letter;
        const struct field *f;
        CASE("%.*s renamed in %.*s", SHOWN(it.key), SHOWN(body));
        if (!rename_at(letter)) continue;
        CHECK(misskey_note_read(body, &after));
        *letter = was;
        EACH_FIELD(e, f) {
            const struct value v = value_in(f, &after);
            if (f->alias) continue;
            if (misskey_jstr_eq(it.key, f->name)) CHECK(v.presence == MISSKEY_ABSENT);
            else CHECK(same_value(v, value_in(f, &before)) && v.ptr == value_in(f, &before).ptr);
        }
    }
    PASS();
}

/* Notes as events of channels; what is embedded in others is read by build/coverage. */
TEST notes_with_renamed_members(void)
{
    size_t i, notes = 0;
    if (recordings.count == 0) SKIPm("tests/recordings is missing");
    for (i = 0; i < recordings.count; i++) {
        struct recorded *const r = &recordings.at[i];
        misskey_message m;
        if (misskey_message_parse(r->text, r->len, &m) != MISSKEY_ERR_OK || m.kind != MISSKEY_KIND_CHANNEL ||
            misskey_channel_event_find(m.event) != MISSKEY_CHANNEL_EVENT_NOTE) continue;
        notes++;
        CHECK_CALL(rename_members(m.body, r->text));
    }
    ASSERT(notes > 200);
    PASS();
}

/* Ids of recorded notes were made when the notes were. */
TEST ids_of_recorded_notes(void)
{
    size_t i, notes = 0;
    if (recordings.count == 0) SKIPm("tests/recordings is missing");
    for (i = 0; i < recordings.count; i++) {
        misskey_message m;
        misskey_note note;
        int64_t of_id = 1, of_note = 2;
        if (misskey_message_parse(recordings.at[i].text, recordings.at[i].len, &m) != MISSKEY_ERR_OK ||
            misskey_channel_event_find(m.event) != MISSKEY_CHANNEL_EVENT_NOTE ||
            !misskey_note_read(m.body, &note) || misskey_note_minimized(&note)) continue;
        CASE("%.*s", SHOWN(m.body));
        CHECK(misskey_id_time(note.id, &of_id) && misskey_jstr_time(note.created_at, &of_note));
        CHECK(of_id == of_note);
        notes++;
    }
    ASSERT(notes > 200);
    PASS();
}

SUITE(recorded)
{
    read_recordings();
    RUN_TEST(ids_of_recorded_notes);
    RUN_TEST(notes_with_renamed_members);
    RUN_TEST(renamed_messages_arrive);
    free_recordings();
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    alarm(getenv("RECORDINGS") != NULL ? 600 : 60); /* what never ends fails, too */
    entities_init();
    RUN_SUITE(readers);
    RUN_SUITE(helpers);
    RUN_SUITE(recorded);
    GREATEST_MAIN_END();
}
