/* The json section: checking, reading, decoding and writing, against tables and against fuzz/json_reference.h. */
#if defined(__unix__) || defined(__APPLE__)
#define _DEFAULT_SOURCE 1
#define _DARWIN_C_SOURCE 1
#include <sys/mman.h>
#include <unistd.h>
#define HAVE_MMAP 1
#else
#define HAVE_MMAP 0
#endif

#include "../misskey_stream.h"
#include "verdict.h"
#include "greatest.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BYTES(literal) (literal), sizeof(literal) - 1

/* What a table test is at; the message of its assertions. */
static char where[200];
#define CASE(...) snprintf(where, sizeof where, __VA_ARGS__)

static misskey_json json(const char *text)
{
    misskey_json out;
    (void)misskey_json_check(text, strlen(text), &out, NULL);
    return out;
}

static bool same(misskey_json value, const char *text)
{
    return value.len == strlen(text) && memcmp(value.ptr, text, value.len) == 0;
}

static bool missing(misskey_json value) { return value.ptr == NULL && value.len == 0; }

static uint32_t random_state;

static size_t below(size_t limit)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (size_t)(random_state >> 8) % limit;
}

/* ---- memory whose end is unreadable ---- */

static char *fence;             /* first byte that must not be read */
static size_t fence_room;       /* bytes before it */

static void make_fence(void)
{
    static char fallback[70000];
    fence = fallback + sizeof fallback;
    fence_room = sizeof fallback;
#if HAVE_MMAP
    {
        const size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (sizeof fallback + page - 1) / page * page;
        char *const p = (char *)mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == (char *)MAP_FAILED || mprotect(p + room, page, PROT_NONE) != 0) return;
        fence = p + room;
        fence_room = room;
    }
#endif
}

/* The text, ending where reading on is fatal. */
static const char *at_fence(const char *text, size_t len)
{
    memcpy(fence - len, text, len);
    return fence - len;
}

/* ---- reader ---- */

TEST types_of_values(void)
{
    static const struct { const char *text; misskey_type type; } rows[] = {
        { "null", MISSKEY_TYPE_NULL }, { "true", MISSKEY_TYPE_BOOL }, { "false", MISSKEY_TYPE_BOOL },
        { "0", MISSKEY_TYPE_NUMBER }, { "-1.5e3", MISSKEY_TYPE_NUMBER }, { "\"\"", MISSKEY_TYPE_STRING },
        { "[]", MISSKEY_TYPE_ARRAY }, { "{}", MISSKEY_TYPE_OBJECT }, { " \t\r\n{} ", MISSKEY_TYPE_OBJECT }
    };
    const misskey_json none = { NULL, 0 };
    size_t i;
    for (i = 0; i < COUNT(rows); i++) ASSERT_EQm(rows[i].text, rows[i].type, misskey_json_type(json(rows[i].text)));
    ASSERT_EQ(MISSKEY_TYPE_NONE, misskey_json_type(none));
    PASS();
}

TEST check_gives_the_value_without_white_space(void)
{
    const char *const text = " \r\n\t [1, 2] \n";
    misskey_json out;
    size_t at = 0;
    ASSERT_EQ(MISSKEY_ERR_OK, misskey_json_check(text, strlen(text), &out, &at));
    ASSERT(out.ptr == text + 5);
    ASSERT(same(out, "[1, 2]"));
    ASSERT_EQ(strlen(text), at);
    ASSERT_EQ(MISSKEY_ERR_BAD_JSON, misskey_json_check("[1", 2, &out, NULL));
    ASSERT(missing(out));
    PASS();
}

TEST get_by_decoded_name(void)
{
    const misskey_json obj = json("{ \"a\" : 1 ,\"b\\u0063\":[2, {\"a\":3}],\"\":4,\"a.b\":5,\":star@.:\":6,"
                                  "\"\\ud83d\\ude00\":7,"
                                  "\"\xF0\x9F\x98\x81\":8,\"\\\"\\/\\n\":9,\"ab\":10,\"aa\":null,\"\\ud800\":11}");
    ASSERT(same(misskey_json_get(obj, "a"), "1"));
    ASSERT(same(misskey_json_get(obj, "bc"), "[2, {\"a\":3}]"));
    ASSERT(same(misskey_json_get(obj, ""), "4"));
    ASSERT(same(misskey_json_get(obj, "a.b"), "5"));
    ASSERT(same(misskey_json_get(obj, ":star@.:"), "6"));
    ASSERT(same(misskey_json_get(obj, "\xF0\x9F\x98\x80"), "7"));
    ASSERT(same(misskey_json_get(obj, "\xF0\x9F\x98\x81"), "8"));
    ASSERT(same(misskey_json_get(obj, "\"/\n"), "9"));
    ASSERT(same(misskey_json_get(obj, "aa"), "null"));
    ASSERT(same(misskey_json_get(obj, "\xEF\xBF\xBD"), "11"));
    ASSERT(missing(misskey_json_get(obj, "b")));
    ASSERT(missing(misskey_json_get(obj, "b\\u0063")));
    ASSERT(missing(misskey_json_get(obj, "aaa")));
    PASS();
}

TEST last_duplicate_counts(void)
{
    const misskey_json obj = json("{\"a\":1,\"b\":2,\"\\u0061\":3,\"a\":4,\"b\":{}}");
    ASSERT(same(misskey_json_get(obj, "a"), "4"));
    ASSERT(same(misskey_json_get(obj, "b"), "{}"));
    PASS();
}

TEST missing_values_chain(void)
{
    static const char *const others[] = { "null", "1", "\"a\"", "[{\"a\":1}]", "{\"b\":1}", "{}", "true" };
    const misskey_json none = { NULL, 0 };
    int64_t number = 7;
    bool flag = true;
    char text[4] = "xyz";
    size_t i;
    for (i = 0; i < COUNT(others); i++) {
        const misskey_json value = misskey_json_get(misskey_json_get(json(others[i]), "a"), "b");
        misskey_iter it = misskey_json_iter(value);
        ASSERTm(others[i], missing(value));
        ASSERT_FALSEm(others[i], misskey_json_next(&it) || misskey_json_next(&it));
    }
    ASSERT(missing(misskey_json_get(none, "a")));
    ASSERT_FALSE(misskey_json_i64(none, &number) || misskey_json_bool(none, &flag));
    ASSERT(number == 7 && flag);
    ASSERT(misskey_json_str(none).ptr == NULL);
    ASSERT_FALSE(misskey_jstr_eq(misskey_json_str(none), ""));
    ASSERT_EQ((size_t)0, misskey_jstr_copy(misskey_json_str(none), text, sizeof text));
    ASSERT_EQ(0, text[0]);
    PASS();
}

TEST iteration_follows_the_text(void)
{
    misskey_iter it = misskey_json_iter(json("[ 1 ,\"]\", [2,[3]] ,{\"a\":[]},null ]"));
    ASSERT(misskey_json_next(&it) && same(it.value, "1") && it.key.ptr == NULL);
    ASSERT(misskey_json_next(&it) && same(it.value, "\"]\""));
    ASSERT(misskey_json_next(&it) && same(it.value, "[2,[3]]"));
    ASSERT(misskey_json_next(&it) && same(it.value, "{\"a\":[]}"));
    ASSERT(misskey_json_next(&it) && same(it.value, "null"));
    ASSERT_FALSE(misskey_json_next(&it) || misskey_json_next(&it));

    it = misskey_json_iter(json("{ \"a\\n\" : {\"x\":1} , \"\":[ ] }"));
    ASSERT(misskey_json_next(&it) && same(it.value, "{\"x\":1}"));
    ASSERT_EQ((size_t)3, it.key.len);
    ASSERT(misskey_jstr_eq(it.key, "a\n"));
    ASSERT(misskey_json_next(&it) && same(it.value, "[ ]"));
    ASSERT(it.key.ptr != NULL && it.key.len == 0);
    ASSERT_FALSE(misskey_json_next(&it) || misskey_json_next(&it));
    PASS();
}

TEST scalars_have_no_elements(void)
{
    static const char *const rows[] = { "[]", "{ }", "[ \n]", "null", "12", "\"[1]\"", "false" };
    size_t i;
    for (i = 0; i < COUNT(rows); i++) {
        misskey_iter it = misskey_json_iter(json(rows[i]));
        ASSERT_FALSEm(rows[i], misskey_json_next(&it));
    }
    PASS();
}

TEST integers_are_exact(void)
{
    static const struct { const char *text; int64_t value; } rows[] = {
        { "0", 0 }, { "-0", 0 }, { "0.0", 0 }, { "-0e0", 0 }, { "1", 1 }, { "-1", -1 }, { "1.0", 1 }, { "1e2", 100 },
        { "1E+2", 100 }, { "10e-1", 1 }, { "1.50e1", 15 }, { "0.1e1", 1 }, { "0.00012e5", 12 }, { "12000e-3", 12 },
        { "-25.000e0", -25 }, { "0e400", 0 }, { "0e999999999999", 0 }, { "0e-999999999999", 0 },
        { "0.000e99999999999999999999", 0 }, { "123456789012345678", 123456789012345678 },
        { "9223372036854775807", INT64_MAX }, { "-9223372036854775807", -INT64_MAX },
        { "-9223372036854775808", INT64_MIN },
        { "9223372036854775807.0", INT64_MAX }, { "922337203685477580.7e1", INT64_MAX },
        { "92233720368547758070e-1", INT64_MAX }, { "-0.9223372036854775808e19", INT64_MIN },
        { "-9223372036854775808000e-3", INT64_MIN }, { "9e18", 9000000000000000000 },
        { "9007199254740993", 9007199254740993 }, { "1e18", 1000000000000000000 },
        { "0.0000000000000000000000001e25", 1 },
        { "10000000000000000000000000000000000000000e-40", 1 }
    };
    size_t i;
    for (i = 0; i < COUNT(rows); i++) {
        int64_t value = 42, reference = 43;
        ASSERTm(rows[i].text, misskey_json_i64(json(rows[i].text), &value));
        ASSERT_EQm(rows[i].text, rows[i].value, value);
        ASSERTm(rows[i].text, ref_i64(rows[i].text, strlen(rows[i].text), &reference) && reference == value);
    }
    PASS();
}

TEST other_values_are_no_integers(void)
{
    static const char *const rows[] = {
        "9223372036854775808", "-9223372036854775809", "9223372036854775807.5", "9223372036854775808.0",
        "18446744073709551616", "18446744073709551617", "1e19", "-1e19", "1e400", "-1e400", "1e999999999999",
        "1e4294967296", "1e18446744073709551616", "1e-4294967296", "1e-18446744073709551616", "1.5", "-0.1", "1e-1",
        "15e-1", "1e-400", "0.1e0", "100e-3", "9223372036854775807e1", "922337203685477580.8e1",
        "92233720368547758071e-1", "99999999999999999999999999999999999999",
        "\"1\"", "true", "null", "[1]", "{\"a\":1}"
    };
    size_t i;
    for (i = 0; i < COUNT(rows); i++) {
        int64_t value = 42;
        ASSERT_FALSEm(rows[i], misskey_json_i64(json(rows[i]), &value));
        ASSERT_EQm(rows[i], 42, value);
    }
    PASS();
}

/* Digits, with the point and the exponent moved so that the value stays. */
TEST integers_in_long_clothes(void)
{
    static char text[3000];
    size_t zeros;
    for (zeros = 0; zeros < 1000; zeros += 37) {
        int64_t value = 0;
        const size_t len = (size_t)snprintf(text, sizeof text, "12%0*d.%0*de-%u", (int)zeros + 1, 0, (int)zeros + 1, 0,
                                            (unsigned)zeros + 1);
        CASE("%u zeros", (unsigned)zeros);
        ASSERTm(where, len < sizeof text && misskey_json_i64(json(text), &value));
        ASSERT_EQm(where, 12, value);
        snprintf(text, sizeof text, "0.%0*d7e%u", (int)zeros + 1, 0, (unsigned)zeros + 2);
        ASSERTm(where, misskey_json_i64(json(text), &value));
        ASSERT_EQm(where, 7, value);
        snprintf(text, sizeof text, "0.%0*d7e%u", (int)zeros + 1, 0, (unsigned)zeros + 1);
        ASSERT_FALSEm(where, misskey_json_i64(json(text), &value));
    }
    PASS();
}

TEST booleans_and_strings(void)
{
    static const char *const others[] = { "null", "0", "\"true\"", "[]", "{}" };
    bool flag = false;
    size_t i;
    ASSERT(misskey_json_bool(json("true"), &flag) && flag);
    ASSERT(misskey_json_bool(json(" false "), &flag) && !flag);
    flag = true;
    for (i = 0; i < COUNT(others); i++) ASSERT_FALSEm(others[i], misskey_json_bool(json(others[i]), &flag) || !flag);
    ASSERT_EQ((size_t)4, misskey_json_str(json("\"a\\nb\"")).len);
    ASSERT(misskey_json_str(json("\"\"")).ptr != NULL && misskey_json_str(json("\"\"")).len == 0);
    for (i = 0; i < COUNT(others); i++) {
        if (*others[i] != '"') ASSERTm(others[i], misskey_json_str(json(others[i])).ptr == NULL);
    }
    PASS();
}

/* One pseudo-random text of these characters, in memory of exactly its length, which the caller frees. */
static char *random_text(const char *characters, size_t most, size_t *len)
{
    char *text;
    size_t i;
    *len = below(most + 1);
    text = (char *)malloc(*len > 0 ? *len : 1);
    for (i = 0; text != NULL && i < *len; i++) text[i] = characters[below(strlen(characters))];
    return text;
}

/* A view of something else (misskey_json_text checks nothing) is no number, however long its exponent may look. */
TEST what_is_no_number_is_no_integer(void)
{
    static const char *const rows[] = {
        "", "-", "1e", "1e+", "1.", ".5", "01", "1x", "1 ", "--1", "+1", "1e!!!!!!!!!!!!!!!!!!!!", "1e9999999999x",
        "1e/////////////////////", "1e~~~~~~~~~~~~~~~~~~~~~", "1e-~~~~~~~~~~~~~~~~~~~~", "~", "0x10", "1.2.3", "1e1e1",
        "Infinity", "\"1\"", "1,2", "1]", "true"
    };
    int64_t value = 42, expected = 42;
    ref_text r;
    size_t i, len;
    unsigned numbers = 0;
    for (i = 0; i < COUNT(rows); i++) {
        ASSERT_FALSEm(rows[i], misskey_json_i64(misskey_json_text(rows[i]), &value));
        ASSERT_EQm(rows[i], 42, value);
    }
    for (i = 0; i < 300000; i++) {
        char *const text = random_text(i % 3 == 0 ? "0123456789" : "0019-+.eE", 12, &len);
        misskey_json view = { NULL, 0 };
        bool good;
        view.ptr = text;
        view.len = len;
        ASSERT(text != NULL);
        good = len > 0 && (*text == '-' || (*text >= '0' && *text <= '9')) && ref_check(&r, text, len, 1);
        good = good && ref_i64(text, len, &expected);
        CASE("%.*s", (int)len, text);
        ASSERT_EQm(where, good, misskey_json_i64(view, &value));
        numbers += good;
        free(text);
    }
    ASSERT(numbers > 10000);
    PASS();
}

/* A walk over a view that nobody checked ends, and stays inside of it. */
TEST walks_over_anything_stay_inside(void)
{
    size_t i, len;
    for (i = 0; i < 200000; i++) {
        char *const text = random_text("{}[]\"\"\"\\:,, \n1a", 14, &len);
        misskey_json view = { NULL, 0 };
        misskey_iter it;
        size_t steps = 0;
        ASSERT(text != NULL);
        if (len > 1) text[0] = i & 1 ? '{' : '[';
        if (len > 1 && below(4) > 0) text[len - 1] = i & 1 ? '}' : ']';
        view.ptr = text;
        view.len = len;
        CASE("%.*s", (int)len, text);
        for (it = misskey_json_iter(view); misskey_json_next(&it); steps++) {
            ASSERTm(where, it.value.ptr > text && it.value.len > 0 && it.value.len < len);
            ASSERTm(where, it.value.ptr + it.value.len <= text + len && steps < len);
            ASSERTm(where, it.key.ptr == NULL || (it.key.ptr > text && it.key.len < len &&
                                                  it.key.ptr + it.key.len <= it.value.ptr));
        }
        ASSERT_FALSEm(where, misskey_json_next(&it));
        ASSERTm(where, it.key.len < len || it.key.len == 0);
        (void)misskey_json_get(view, "a");
        (void)misskey_json_str(view);
        free(text);
    }
    PASS();
}

/* Missing values, no memory, structs of zeros. */
TEST nothing_is_taken_for_nothing(void)
{
    const misskey_json none = { NULL, 0 };
    const misskey_jstr no_string = { NULL, 0 };
    misskey_iter it = misskey_json_iter(none), zeros;
    misskey_json out;
    misskey_jw w;
    int64_t number = 7;
    bool flag = true;
    size_t at = 7;
    ASSERT_FALSE(misskey_json_next(&it) || misskey_json_next(&it));
    memset(&zeros, 0, sizeof zeros);
    ASSERT_FALSE(misskey_json_next(&zeros) || misskey_json_next(&zeros));
    ASSERT_EQ(MISSKEY_TYPE_NONE, misskey_json_type(none));
    ASSERT_EQ(MISSKEY_ERR_BAD_JSON, misskey_json_check(NULL, 0, &out, &at));
    ASSERT(missing(out) && at == 0);
    ASSERT_FALSE(misskey_json_i64(none, &number) || misskey_json_bool(none, &flag));
    ASSERT(number == 7 && flag && missing(misskey_json_get(none, "")) && misskey_json_str(none).ptr == NULL);
    ASSERT_FALSE(misskey_jstr_eq(no_string, ""));
    ASSERT_EQ((size_t)0, misskey_jstr_copy(no_string, NULL, 0));
    ASSERT_EQ((size_t)1, misskey_jstr_copy(misskey_jstr_text("\\n"), NULL, 0));
    ASSERT(misskey_jstr_plain(no_string, NULL, 0).ptr == NULL && misskey_jstr_plain(no_string, NULL, 0).len == 0);
    ASSERT(misskey_jstr_plain(misskey_jstr_text("abc"), NULL, 0).len == 3);
    ASSERT(misskey_jstr_plain(misskey_jstr_text("ab\\n"), NULL, 0).len == 0);
    ASSERT(missing(misskey_json_text(NULL)) && misskey_jstr_text(NULL).ptr == NULL);
    memset(&w, 0, sizeof w);
    ASSERT_EQ(MISSKEY_ERR_BAD_ARG, misskey_jw_done(&w, &out));
    misskey_jw_open(&w, '[');
    misskey_jw_str(&w, NULL, 0);
    misskey_jw_str(&w, "", 0);
    misskey_jw_jstr(&w, no_string);
    misskey_jw_json(&w, none);
    misskey_jw_close(&w);
    ASSERT_EQ(MISSKEY_ERR_TOO_SMALL, misskey_jw_done(&w, &out));
    ASSERT_EQ(sizeof "[\"\",\"\",null,null]" - 1, w.len);
    PASS();
}

SUITE(reader)
{
    RUN_TEST(types_of_values);
    RUN_TEST(check_gives_the_value_without_white_space);
    RUN_TEST(get_by_decoded_name);
    RUN_TEST(last_duplicate_counts);
    RUN_TEST(missing_values_chain);
    RUN_TEST(iteration_follows_the_text);
    RUN_TEST(scalars_have_no_elements);
    RUN_TEST(integers_are_exact);
    RUN_TEST(other_values_are_no_integers);
    RUN_TEST(integers_in_long_clothes);
    RUN_TEST(booleans_and_strings);
    RUN_TEST(what_is_no_number_is_no_integer);
    RUN_TEST(walks_over_anything_stay_inside);
    RUN_TEST(nothing_is_taken_for_nothing);
}

/* ---- decoding ---- */

#define FFFD "\xEF\xBF\xBD"
#define GRIN "\xF0\x9F\x98\x80"

static const struct { const char *escaped, *plain; size_t len; } strings[] = {
    { "", BYTES("") },
    { "plain", BYTES("plain") },
    { "\\\"\\\\\\/\\b\\f\\n\\r\\t", BYTES("\"\\/\b\f\n\r\t") },
    { "\\u0041\\u00e9\\u00E9\\u3042\\uFFFF", BYTES("A\xC3\xA9\xC3\xA9\xE3\x81\x82\xEF\xBF\xBF") },
    { "\\u007f\\u0080\\u07ff\\u0800\\ud7ff\\ue000", BYTES("\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80") },
    { "a\\u0000b", BYTES("a\0b") },
    { "\xC3\xA9\xE3\x81\x82" GRIN, BYTES("\xC3\xA9\xE3\x81\x82" GRIN) },
    { "\\ud83d\\ude00", BYTES(GRIN) },
    { "\\uD83D\\uDE00!", BYTES(GRIN "!") },
    { "\\ud800\\udc00\\udbff\\udfff", BYTES("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF") },
    { "\\ud83d", BYTES(FFFD) },
    { "\\ude00", BYTES(FFFD) },
    { "x\\ud83dy\\ude00z", BYTES("x" FFFD "y" FFFD "z") },
    { "\\ude00\\ud83d", BYTES(FFFD FFFD) },
    { "\\ud83d\\ud83d", BYTES(FFFD FFFD) },
    { "\\ude00\\ude00", BYTES(FFFD FFFD) },
    { "\\ud83d\\ud83d\\ude00", BYTES(FFFD GRIN) },
    { "\\ud83d\\ude00\\ude00", BYTES(GRIN FFFD) },
    { "\\ud83d\\ud83d\\ude00\\ude00", BYTES(FFFD GRIN FFFD) },
    { "\\ud83d\\n", BYTES(FFFD "\n") },
    { "\\ud83d\\\\ude00", BYTES(FFFD "\\ude00") },
    { "\\ud83dude00", BYTES(FFFD "ude00") },
    { "\\ud83d\\u0041", BYTES(FFFD "A") },
    { "\\ud83d\\ue000", BYTES(FFFD "\xEE\x80\x80") },
    { "\\ud83d\\udbff", BYTES(FFFD FFFD) },
    { "\\ud83d" GRIN, BYTES(FFFD GRIN) },
    { "\\\\u0041", BYTES("\\u0041") },
    { "\\\\\\u0041\\\\\\\\", BYTES("\\A\\\\") }
};

TEST strings_decode_at_every_cap(void)
{
    char quoted[128], decoded[128];
    size_t i, cap, cut, n = 0;
    for (i = 0; i < COUNT(strings); i++) {
        const char *const plain = strings[i].plain;
        const size_t len = strings[i].len;
        snprintf(quoted, sizeof quoted, "\"%s\"", strings[i].escaped);
        for (cap = 0; cap <= len + 2; cap++) {
            CASE("\"%s\" with cap %u", strings[i].escaped, (unsigned)cap);
            memset(decoded, '#', sizeof decoded);
            ASSERT_EQm(where, len, misskey_jstr_copy(misskey_json_str(json(quoted)), decoded, cap));
            for (cut = 0; cut < len; cut += n) {
                ASSERTm(where, ref_character((const unsigned char *)plain + cut, len - cut, &n) >= 0);
                if (cut + n >= cap) break;
            }
            ASSERT_MEM_EQm(where, plain, decoded, cut);
            ASSERT_EQm(where, cap > 0 ? 0 : '#', decoded[cut]);
            ASSERT_EQm(where, '#', decoded[cap > 0 ? cut + 1 : 0]);
            ASSERT_EQm(where, '#', decoded[cap]);
        }
        ASSERT_EQm(where, len, ref_decode(strings[i].escaped, strlen(strings[i].escaped), decoded));
        ASSERT_MEM_EQm(where, plain, decoded, len);
    }
    PASS();
}

/* misskey_jstr_plain of text with escapes is the copy, U+0000 and all, and no longer than what was written. */
TEST plain_text_is_the_whole_copy(void)
{
    char copied[128], decoded[128], escaped[128], whole[128];
    size_t i, cap, cut, n = 0;
    for (i = 0; i < COUNT(strings); i++) {
        for (cap = 0; cap <= strings[i].len + 8; cap++) {
            const size_t before = below(40);
            misskey_jstr s;
            misskey_str plain;
            memset(escaped, 'x', before);
            strcpy(escaped + before, strings[i].escaped);
            s = misskey_jstr_text(escaped);
            CASE("%s with cap %u", escaped, (unsigned)cap);
            memset(copied, '#', sizeof copied);
            memset(decoded, '#', sizeof decoded);
            misskey_jstr_copy(s, copied, cap);
            plain = misskey_jstr_plain(s, decoded, cap);
            if (strchr(escaped, '\\') == NULL) {
                ASSERTm(where, plain.ptr == s.ptr && plain.len == s.len && decoded[0] == '#');
                continue;
            }
            memset(whole, 'x', before);
            memcpy(whole + before, strings[i].plain, strings[i].len);
            for (cut = 0; cut < before + strings[i].len; cut += n) {
                ASSERTm(where, ref_character((unsigned char *)whole + cut, before + strings[i].len - cut, &n) >= 0);
                if (cut + n >= cap) break;
            }
            ASSERTm(where, plain.ptr == decoded);
            ASSERT_EQ_FMTm(where, (unsigned)cut, (unsigned)plain.len, "%u");
            ASSERT_MEM_EQm(where, copied, decoded, sizeof copied);
        }
    }
    PASS();
}

TEST no_memory_is_needed_to_measure(void)
{
    ASSERT_EQ((size_t)4, misskey_jstr_copy(misskey_jstr_text("\\ud83d\\ude00"), NULL, 0));
    PASS();
}

TEST strings_compare_decoded_and_whole(void)
{
    char longer[128];
    size_t i;
    for (i = 0; i < COUNT(strings); i++) {
        const misskey_jstr s = misskey_jstr_text(strings[i].escaped);
        const bool has_nul = strlen(strings[i].plain) != strings[i].len;
        ASSERT_EQm(strings[i].escaped, !has_nul, misskey_jstr_eq(s, strings[i].plain));
        snprintf(longer, sizeof longer, "%sx", strings[i].plain);
        ASSERT_FALSEm(strings[i].escaped, misskey_jstr_eq(s, longer));
        if (strings[i].len == 0 || has_nul) continue;
        longer[strings[i].len - 1] = 0;
        ASSERT_FALSEm(strings[i].escaped, misskey_jstr_eq(s, longer));
        memcpy(longer, strings[i].plain, strings[i].len + 1);
        longer[strings[i].len - 1] ^= 1;
        ASSERT_FALSEm(strings[i].escaped, misskey_jstr_eq(s, longer));
    }
    ASSERT_FALSE(misskey_jstr_eq(misskey_jstr_text(NULL), ""));
    PASS();
}

/* All 65536 escapes alone, and all pairs of the borders of the surrogate ranges. */
TEST every_escape(void)
{
    static const unsigned units[] = { 0x41, 0xD7FF, 0xD800, 0xD83D, 0xDBFF, 0xDC00, 0xDE00, 0xDFFF, 0xE000 };
    char text[16], expected[16], decoded[16];
    unsigned u, v;
    for (u = 0; u < 0x10000 + COUNT(units) * COUNT(units); u++) {
        if (u < 0x10000) {
            snprintf(text, sizeof text, "\\u%04x", u);
        } else {
            v = u - 0x10000;
            snprintf(text, sizeof text, "\\u%04x\\u%04X", units[v / COUNT(units)], units[v % COUNT(units)]);
        }
        {
            const size_t len = ref_decode(text, strlen(text), expected);
            ASSERT_EQm(text, len, misskey_jstr_copy(misskey_jstr_text(text), decoded, sizeof decoded));
            ASSERTm(text, memcmp(expected, decoded, len) == 0 && decoded[len] == 0);
        }
    }
    PASS();
}

SUITE(decoding)
{
    RUN_TEST(strings_decode_at_every_cap);
    RUN_TEST(plain_text_is_the_whole_copy);
    RUN_TEST(no_memory_is_needed_to_measure);
    RUN_TEST(strings_compare_decoded_and_whole);
    RUN_TEST(every_escape);
}

/* ---- writer ---- */

static char out_text[4096];
static misskey_json written;
static misskey_jw jw;

static misskey_jw *begin(size_t cap)
{
    memset(out_text, '#', sizeof out_text);
    misskey_jw_init(&jw, out_text, cap);
    return &jw;
}

static misskey_err done(void) { return misskey_jw_done(&jw, &written); }

/* Uses every call. */
static void write_sample(misskey_jw *w)
{
    misskey_jw_open(w, '{');
    misskey_jw_key(w, "a\"b");
    misskey_jw_open(w, '[');
    misskey_jw_null(w);
    misskey_jw_bool(w, true);
    misskey_jw_bool(w, false);
    misskey_jw_i64(w, -12);
    misskey_jw_open(w, '{');
    misskey_jw_close(w);
    misskey_jw_open(w, '[');
    misskey_jw_close(w);
    misskey_jw_close(w);
    misskey_jw_key(w, "");
    misskey_jw_str(w, "x\ny", 3);
    misskey_jw_key(w, "j");
    misskey_jw_jstr(w, misskey_jstr_text("\\u0041\\/"));
    misskey_jw_key(w, "v");
    misskey_jw_json(w, misskey_json_text("{\"q\":[1, 2]}"));
    misskey_jw_close(w);
}

static const char sample[] =
    "{\"a\\\"b\":[null,true,false,-12,{},[]],\"\":\"x\\ny\",\"j\":\"\\u0041\\/\",\"v\":{\"q\":[1, 2]}}";

TEST sample_at_every_cap(void)
{
    const size_t len = sizeof sample - 1;
    size_t cap, i;
    for (cap = 0; cap <= len + 1; cap++) {
        CASE("cap %u", (unsigned)cap);
        write_sample(begin(cap));
        ASSERT_EQm(where, len, jw.len);
        for (i = cap; i < len + 2; i++) ASSERT_EQm(where, '#', out_text[i]);
        ASSERT_EQm(where, cap < len ? MISSKEY_ERR_TOO_SMALL : MISSKEY_ERR_OK, done());
        if (cap < len) ASSERTm(where, missing(written));
        else ASSERTm(where, written.ptr == out_text && same(written, sample));
    }
    misskey_jw_init(&jw, NULL, 0);
    write_sample(&jw);
    ASSERT_EQ(len, jw.len);
    ASSERT_EQ(MISSKEY_ERR_TOO_SMALL, done());
    PASS();
}

/* What JSON.stringify writes for each of the first 128 characters, and for others. */
TEST text_is_escaped_as_by_stringify(void)
{
    char one[2] = { 0, 0 }, expected[16];
    unsigned c;
    for (c = 0; c < 128; c++) {
        static const char shorts[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
        const char *const known = c == 0 ? NULL : strchr(shorts, (int)c);
        one[0] = (char)c;
        if (known != NULL) snprintf(expected, sizeof expected, "\"\\%c\"", letters[known - shorts]);
        else if (c < 0x20) snprintf(expected, sizeof expected, "\"\\u%04x\"", c);
        else snprintf(expected, sizeof expected, "\"%c\"", c);
        misskey_jw_str(begin(sizeof out_text), one, 1);
        ASSERT_EQm(expected, MISSKEY_ERR_OK, done());
        ASSERTm(expected, same(written, expected));
    }
    misskey_jw_str(begin(sizeof out_text), BYTES("a\"\x01\xC2\x80\xE2\x80\xA8" GRIN "/\x7F\\"));
    ASSERT_EQ(MISSKEY_ERR_OK, done());
    ASSERT(same(written, "\"a\\\"\\u0001\xC2\x80\xE2\x80\xA8" GRIN "/\x7F\\\\\""));
    misskey_jw_open(begin(sizeof out_text), '{');
    misskey_jw_key(&jw, "\x1F\"" GRIN);
    misskey_jw_null(&jw);
    misskey_jw_close(&jw);
    ASSERT_EQ(MISSKEY_ERR_OK, done());
    ASSERT(same(written, "{\"\\u001f\\\"" GRIN "\":null}"));
    PASS();
}

TEST numbers_are_written_exactly(void)
{
    static const struct { int64_t value; const char *text; } rows[] = {
        { 0, "0" }, { 9, "9" }, { 10, "10" }, { -10, "-10" }, { 99, "99" }, { 100, "100" },
        { 4294967295, "4294967295" }, { 4294967296, "4294967296" },
        { INT64_MAX, "9223372036854775807" }, { INT64_MIN, "-9223372036854775808" }
    };
    uint64_t value = 1;
    char expected[32];
    size_t i;
    for (i = 0; i < COUNT(rows); i++) {
        misskey_jw_i64(begin(sizeof out_text), rows[i].value);
        ASSERTm(rows[i].text, done() == MISSKEY_ERR_OK && same(written, rows[i].text));
    }
    for (i = 0; i < 200000; i++) {
        const int64_t number = (int64_t)(value >> (i % 60 + 1)) - (int64_t)(i % 3);
        value = value * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        snprintf(expected, sizeof expected, "%lld", (long long)number);
        misskey_jw_i64(begin(32), number);
        ASSERTm(expected, done() == MISSKEY_ERR_OK && same(written, expected));
    }
    PASS();
}

/* Each character is one call, see use(). */
static const char *const good_orders[] = { "n", "[]", "{}", "[nn]", "{kn}", "{kskn}", "{k[]k{}}", "[{kn}i]" };
static const char *const bad_orders[] = {
    "", "nn", "[]n", "[][]", "[", "{", "[n", "{kn", "[[]", "]", "n]", "[]]", "{n}", "{s}", "{i}", "{t}", "{j}", "{v}",
    "{[]}", "{{}}", "{k}", "{kk", "{kkn}", "{knn}", "{knk}", "k", "kn", "[k]", "[kn]", "{k[k]}", "(", "[(]", "n]u"
};

static void use(misskey_jw *w, char call)
{
    switch (call) {
    case '{': case '[': case '(': misskey_jw_open(w, call); break;
    case '}': case ']': misskey_jw_close(w); break;
    case 'k': misskey_jw_key(w, "k"); break;
    case 'K': misskey_jw_key(w, "\xC3"); break;
    case 's': misskey_jw_str(w, "s", 1); break;
    case 'u': misskey_jw_str(w, "\xED\xA0\x80", 3); break;
    case 'i': misskey_jw_i64(w, 1); break;
    case 't': misskey_jw_bool(w, true); break;
    case 'n': misskey_jw_null(w); break;
    case 'j': misskey_jw_jstr(w, misskey_jstr_text("j")); break;
    case 'J': misskey_jw_jstr(w, misskey_jstr_text("j\"")); break;
    case 'U': misskey_jw_jstr(w, misskey_jstr_text("\xFF")); break;
    case 'v': misskey_jw_json(w, misskey_json_text("1")); break;
    default: misskey_jw_json(w, misskey_json_text("1,2")); break;
    }
}

static misskey_err use_all(const char *calls)
{
    (void)begin(sizeof out_text);
    for (; *calls != 0; calls++) use(&jw, *calls);
    return done();
}

TEST order_of_calls(void)
{
    size_t i;
    for (i = 0; i < COUNT(good_orders); i++) ASSERT_EQm(good_orders[i], MISSKEY_ERR_OK, use_all(good_orders[i]));
    for (i = 0; i < COUNT(bad_orders); i++) {
        ASSERT_EQm(bad_orders[i], MISSKEY_ERR_BAD_ARG, use_all(bad_orders[i]));
        ASSERTm(bad_orders[i], missing(written));
    }
    PASS();
}

TEST first_error_stays(void)
{
    ASSERT_EQ(MISSKEY_ERR_BAD_UTF8, use_all("u"));
    ASSERT_EQ(MISSKEY_ERR_BAD_UTF8, use_all("[un"));
    ASSERT_EQ(MISSKEY_ERR_BAD_UTF8, use_all("{Kn}"));
    ASSERT_EQ(MISSKEY_ERR_BAD_UTF8, use_all("[UJ]"));
    ASSERT_EQ(MISSKEY_ERR_BAD_JSON, use_all("[Vn]"));
    ASSERT_EQ(MISSKEY_ERR_BAD_JSON, use_all("[JU]]]"));
    PASS();
}

/* Any sequence of calls: what is accepted is JSON, and without dst the verdict is the same but for TOO_SMALL. */
TEST random_orders_give_json_or_an_error(void)
{
    static const char calls[] = "{[}]kkksitnjv";
    uint32_t random = 1;
    unsigned i, n;
    for (i = 0; i < 200000; i++) {
        misskey_jw measure;
        misskey_err err;
        misskey_json out, none;
        (void)begin(sizeof out_text);
        misskey_jw_init(&measure, NULL, 0);
        for (n = 0; n < 1 + i % 9; n++) {
            random = random * 1664525u + 1013904223u;
            use(&jw, calls[(random >> 16) % (sizeof calls - 1)]);
            use(&measure, calls[(random >> 16) % (sizeof calls - 1)]);
        }
        err = done();
        CASE("case %u: %.*s", i, (int)(jw.len < 100 ? jw.len : 100), out_text);
        if (err == MISSKEY_ERR_OK) {
            ASSERT_EQm(where, MISSKEY_ERR_OK, misskey_json_check(written.ptr, written.len, &out, NULL));
            ASSERT_EQm(where, MISSKEY_ERR_TOO_SMALL, misskey_jw_done(&measure, &none));
            ASSERT_EQm(where, written.len, measure.len);
        } else {
            ASSERT_EQm(where, MISSKEY_ERR_BAD_ARG, err);
            ASSERT_EQm(where, MISSKEY_ERR_BAD_ARG, misskey_jw_done(&measure, &none));
        }
    }
    PASS();
}

TEST writer_depth(void)
{
    unsigned depth, i, kind;
    for (kind = 0; kind < 3; kind++) {
        for (depth = 31; depth <= 33; depth++) {
            CASE("kind %u, depth %u", kind, depth);
            (void)begin(sizeof out_text);
            for (i = 0; i < depth; i++) {
                const bool object = kind == 1 || (kind == 2 && i % 2 == 0);
                misskey_jw_open(&jw, object ? '{' : '[');
                if (object) misskey_jw_key(&jw, "k");
            }
            misskey_jw_null(&jw);
            for (i = 0; i < depth; i++) misskey_jw_close(&jw);
            ASSERT_EQm(where, depth > 32 ? MISSKEY_ERR_DEPTH : MISSKEY_ERR_OK, done());
            if (depth > 32) continue;
            ASSERT_EQm(where, MISSKEY_ERR_OK, misskey_json_check(written.ptr, written.len, &written, NULL));
        }
    }
    PASS();
}

TEST parts_are_checked(void)
{
    static const struct { const char *text; misskey_err as_json, as_jstr; } rows[] = {
        { "", MISSKEY_ERR_BAD_JSON, MISSKEY_ERR_OK }, { "1", MISSKEY_ERR_OK, MISSKEY_ERR_OK },
        { "[1", MISSKEY_ERR_BAD_JSON, MISSKEY_ERR_OK }, { "\"", MISSKEY_ERR_BAD_JSON, MISSKEY_ERR_BAD_JSON },
        { "a\"b", MISSKEY_ERR_BAD_JSON, MISSKEY_ERR_BAD_JSON }, { "\\", MISSKEY_ERR_BAD_JSON, MISSKEY_ERR_BAD_JSON },
        { "\\x", MISSKEY_ERR_BAD_JSON, MISSKEY_ERR_BAD_JSON }, { "\\u12", MISSKEY_ERR_BAD_JSON, MISSKEY_ERR_BAD_JSON },
        { "\n", MISSKEY_ERR_BAD_JSON, MISSKEY_ERR_BAD_JSON }, { "\\ud800", MISSKEY_ERR_BAD_JSON, MISSKEY_ERR_OK },
        { "\xC3\xA9", MISSKEY_ERR_BAD_JSON, MISSKEY_ERR_OK }, { "\xC3", MISSKEY_ERR_BAD_JSON, MISSKEY_ERR_BAD_UTF8 },
        { "\"\xE0\xA0\"", MISSKEY_ERR_BAD_UTF8, MISSKEY_ERR_BAD_JSON }, { "1}", MISSKEY_ERR_BAD_JSON, MISSKEY_ERR_OK },
        { "\xEF\xBB\xBF" "1", MISSKEY_ERR_BAD_JSON, MISSKEY_ERR_OK }
    };
    size_t i;
    for (i = 0; i < COUNT(rows); i++) {
        CASE("row %u: %s", (unsigned)i, rows[i].text);
        misskey_jw_json(begin(sizeof out_text), misskey_json_text(rows[i].text));
        ASSERT_EQm(where, rows[i].as_json, done());
        misskey_jw_jstr(begin(sizeof out_text), misskey_jstr_text(rows[i].text));
        ASSERT_EQm(where, rows[i].as_jstr, done());
    }
    misskey_jw_json(begin(sizeof out_text), misskey_json_text(NULL));
    ASSERT_EQ(MISSKEY_ERR_OK, done());
    ASSERT(jw.len == 4 && memcmp(out_text, "null", 4) == 0);
    misskey_jw_jstr(begin(sizeof out_text), misskey_jstr_text(NULL));
    ASSERT_EQ(MISSKEY_ERR_OK, done());
    ASSERT(jw.len == 4 && memcmp(out_text, "null", 4) == 0);
    PASS();
}

SUITE(writer)
{
    RUN_TEST(sample_at_every_cap);
    RUN_TEST(text_is_escaped_as_by_stringify);
    RUN_TEST(numbers_are_written_exactly);
    RUN_TEST(order_of_calls);
    RUN_TEST(first_error_stays);
    RUN_TEST(random_orders_give_json_or_an_error);
    RUN_TEST(writer_depth);
    RUN_TEST(parts_are_checked);
}

/* ---- checker ---- */

/* Texts that are varied below: together they have every token, long strings and every length of UTF-8. */
static const char *const texts[] = {
    "null", "true", "false", "0", "-0.5e+10", "1E-2", "\"\"", "[]", "{}", " [ 1 , 2 ] ",
    "\"0123456789abcdef0123456789abcdef\\n0123456789abcdef\"",
    "\"\\u0041\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\xC3\xA9\xE3\x81\x82"
    "\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF\xEF\xBF\xBF\"",
    "\"0123456789abcde\xC3\xA9" "fghij\xED\x9F\xBF" "0123456789\xE0\xA0\x80xxxxxxxxxxxxxxxxxxxx\xF0\x90\x80\x80\"",
    "{\"a\":{\"b\":[{},[],{\"c\":[null,true,false]}]},\"d\":-12.5e3}",
    "[[[[[[[[[[[[{\"a\":[{\"a\":[[[[1]]]]}]}]]]]]]]]]]]]",
    "{\"type\":\"channel\",\"body\":{\"id\":\"1\",\"type\":\"note\",\"body\":{\"id\":\"9xyz0123456789ab\",\"createdAt"
    "\":\"2024-01-01T00:00:00.000Z\",\"text\":\"\xE3\x81\x93\xE3\x82\x93 \\\"x\\\"\\nend\",\"cw\":null,\"reactions\":{"
    "\":a@.:\":1,\"\xF0\x9F\x91\x8D\":22},\"files\":[],\"localOnly\":false}}}"
};

static void say_text(const char *text, size_t len)
{
    size_t i;
    for (i = 0; i < len; i++) printf(text[i] >= 0x20 && text[i] < 0x7F ? "%c" : "<%02X>", (unsigned char)text[i]);
    printf("\n");
}

TEST truncated_at_every_byte(void)
{
    size_t i, len;
    for (i = 0; i < COUNT(texts); i++) {
        for (len = 0; len <= strlen(texts[i]); len++) {
            CASE("text %u cut to %u bytes", (unsigned)i, (unsigned)len);
            ASSERTm(where, verdict_is_right(at_fence(texts[i], len), len));
        }
        ASSERT_EQm(where, MISSKEY_ERR_OK, misskey_json_check(texts[i], strlen(texts[i]), &written, NULL));
    }
    PASS();
}

TEST where_the_error_is(void)
{
    static const struct { const char *text; size_t at; misskey_err err; } rows[] = {
        { "", 0, MISSKEY_ERR_BAD_JSON }, { "  ", 2, MISSKEY_ERR_BAD_JSON }, { "x", 0, MISSKEY_ERR_BAD_JSON },
        { "\xEF\xBB\xBF[]", 0, MISSKEY_ERR_BAD_JSON }, { "[1 2]", 3, MISSKEY_ERR_BAD_JSON },
        { "[1,]", 3, MISSKEY_ERR_BAD_JSON }, { "[,1]", 1, MISSKEY_ERR_BAD_JSON }, { "[1", 2, MISSKEY_ERR_BAD_JSON },
        { "[1}", 2, MISSKEY_ERR_BAD_JSON }, { "{]", 1, MISSKEY_ERR_BAD_JSON }, { "{\"a\"}", 4, MISSKEY_ERR_BAD_JSON },
        { "{\"a\":1,}", 7, MISSKEY_ERR_BAD_JSON }, { "{\"a\":1 \"b\"", 7, MISSKEY_ERR_BAD_JSON },
        { "{1:2}", 1, MISSKEY_ERR_BAD_JSON }, { "[] []", 3, MISSKEY_ERR_BAD_JSON }, { "01", 1, MISSKEY_ERR_BAD_JSON },
        { "-", 1, MISSKEY_ERR_BAD_JSON }, { "-x", 1, MISSKEY_ERR_BAD_JSON }, { "+1", 0, MISSKEY_ERR_BAD_JSON },
        { "1.", 2, MISSKEY_ERR_BAD_JSON }, { "[1.]", 3, MISSKEY_ERR_BAD_JSON }, { "1e+x", 3, MISSKEY_ERR_BAD_JSON },
        { "trux", 3, MISSKEY_ERR_BAD_JSON }, { "tru", 3, MISSKEY_ERR_BAD_JSON }, { "nulll", 4, MISSKEY_ERR_BAD_JSON },
        { "\"a\nb\"", 2, MISSKEY_ERR_BAD_JSON }, { "\"a", 2, MISSKEY_ERR_BAD_JSON },
        { "\"a\\", 3, MISSKEY_ERR_BAD_JSON },
        { "\"\\x\"", 2, MISSKEY_ERR_BAD_JSON }, { "\"\\u12g4\"", 5, MISSKEY_ERR_BAD_JSON },
        { "\"\\u12", 5, MISSKEY_ERR_BAD_JSON }, { "\"a\xFF\"", 2, MISSKEY_ERR_BAD_UTF8 },
        { "\"a\xE3\x81\"", 2, MISSKEY_ERR_BAD_UTF8 },
        { "\"0123456789abcdef0123\xED\xA0\x80\"", 21, MISSKEY_ERR_BAD_UTF8 },
        { "[\xC3\xA9]", 1, MISSKEY_ERR_BAD_JSON }
    };
    size_t i, at = 0;
    for (i = 0; i < COUNT(rows); i++) {
        CASE("row %u: %s", (unsigned)i, rows[i].text);
        ASSERT_EQm(where, rows[i].err, misskey_json_check(rows[i].text, strlen(rows[i].text), &written, &at));
        ASSERT_EQ_FMTm(where, (unsigned)rows[i].at, (unsigned)at, "%u");
    }
    PASS();
}

/* Each byte after 0 to 40 ordinary ones, in a string, in an escape and outside: the fast way through ordinary
   characters must stop at the right ones, wherever they are. */
TEST every_byte_at_every_place(void)
{
    static const char *const before[] = { "\"", "\"\\", "\"\xE3\x81", "[" };
    char text[80];
    size_t kind, place, len;
    unsigned byte;
    for (kind = 0; kind < COUNT(before); kind++) {
        for (place = 0; place <= 40; place++) {
            for (byte = 0; byte < 256; byte++) {
                CASE("byte %02x after %u others, kind %u", byte, (unsigned)place, (unsigned)kind);
                memset(text, ' ', place);
                text[0] = *before[kind];
                len = place > 0 ? place : 1;
                memcpy(text + len, before[kind] + 1, strlen(before[kind]) - 1);
                len += strlen(before[kind]) - 1;
                text[len++] = (char)byte;
                memcpy(text + len, BYTES("0123456789abcdef0123\""));
                len += 21;
                ASSERTm(where, verdict_is_right(at_fence(text, len), len));
            }
        }
    }
    PASS();
}

/* kind: 0 arrays, 1 objects, 2 both in turn. */
static size_t make_nested(char *text, size_t depth, unsigned kind)
{
    size_t i, len = 0;
    for (i = 0; i < depth; i++) {
        const char *const open = kind == 1 || (kind == 2 && i % 2 == 1) ? "{\"a\":" : "[";
        memcpy(text + len, open, strlen(open));
        len += strlen(open);
    }
    text[len++] = '1';
    for (i = depth; i-- > 0;) text[len++] = kind == 1 || (kind == 2 && i % 2 == 1) ? '}' : ']';
    return len;
}

TEST depth_limit(void)
{
    static char text[8 * MISSKEY_MAX_DEPTH + 100];
    size_t depth, len, at;
    unsigned kind;
    for (kind = 0; kind < 3; kind++) {
        for (depth = MISSKEY_MAX_DEPTH - 2; depth <= MISSKEY_MAX_DEPTH + 10; depth++) {
            CASE("depth %u, kind %u", (unsigned)depth, kind);
            len = make_nested(text, depth, kind);
            ASSERT_EQm(where, depth <= MISSKEY_MAX_DEPTH ? MISSKEY_ERR_OK : MISSKEY_ERR_DEPTH,
                       misskey_json_check(text, len, &written, &at));
            ASSERTm(where, at == len && missing(written) == (depth > MISSKEY_MAX_DEPTH) && verdict_is_right(text, len));
            ASSERTm(where, verdict_is_right(text, len - 1));
            text[len - 1] ^= ']' ^ '}';
            ASSERT_EQm(where, MISSKEY_ERR_BAD_JSON, misskey_json_check(text, len, &written, NULL));
            *strchr(text, '1') = 'x'; /* the innermost value: tokens are checked below the limit */
            ASSERT_EQm(where, MISSKEY_ERR_BAD_JSON, misskey_json_check(text, len, &written, NULL));
        }
    }
    PASS();
}

TEST values_at_the_limit_can_be_walked(void)
{
    static char text[8 * MISSKEY_MAX_DEPTH + 100];
    misskey_json value;
    size_t depth = 0, len = make_nested(text, MISSKEY_MAX_DEPTH, 2);
    ASSERT_EQ(MISSKEY_ERR_OK, misskey_json_check(text, len, &value, NULL));
    for (;; depth++) {
        misskey_iter it = misskey_json_iter(value);
        if (!misskey_json_next(&it)) break;
        value = it.value;
    }
    ASSERT_EQ((size_t)MISSKEY_MAX_DEPTH, depth);
    ASSERT(same(value, "1"));
    PASS();
}

/* The 35 cases of JSONTestSuite that RFC 8259 leaves open. Numbers of any size are valid; a lone surrogate escape is
   valid; what is not UTF-8, or begins with a byte order mark, is not; 500 levels are within the limit. */
#define YES MISSKEY_ERR_OK
#define NO_JSON MISSKEY_ERR_BAD_JSON
#define NO_UTF8 MISSKEY_ERR_BAD_UTF8
static const struct { const char *name, *text; size_t len; misskey_err err; } open_cases[] = {
    { "number_double_huge_neg_exp", BYTES("[123.456e-789]"), YES },
    { "number_huge_exp", BYTES("[0.4e00669999999999999999999999999999999999999999999999999999999999999"
                               "999999999999999999999999999999999999999999999999999999969999999006]"), YES },
    { "number_neg_int_huge_exp", BYTES("[-1e+9999]"), YES },
    { "number_pos_double_huge_exp", BYTES("[1.5e+9999]"), YES },
    { "number_real_neg_overflow", BYTES("[-123123e100000]"), YES },
    { "number_real_pos_overflow", BYTES("[123123e100000]"), YES },
    { "number_real_underflow", BYTES("[123e-10000000]"), YES },
    { "number_too_big_neg_int", BYTES("[-123123123123123123123123123123]"), YES },
    { "number_too_big_pos_int", BYTES("[100000000000000000000]"), YES },
    { "number_very_big_negative_int", BYTES("[-237462374673276894279832749832423479823246327846]"), YES },
    { "object_key_lone_2nd_surrogate", BYTES("{\"\\uDFAA\":0}"), YES },
    { "string_1st_surrogate_but_2nd_missing", BYTES("[\"\\uDADA\"]"), YES },
    { "string_1st_valid_surrogate_2nd_invalid", BYTES("[\"\\uD888\\u1234\"]"), YES },
    { "string_incomplete_surrogate_and_escape_valid", BYTES("[\"\\uD800\\n\"]"), YES },
    { "string_incomplete_surrogate_pair", BYTES("[\"\\uDd1ea\"]"), YES },
    { "string_incomplete_surrogates_escape_valid", BYTES("[\"\\uD800\\uD800\\n\"]"), YES },
    { "string_invalid_lonely_surrogate", BYTES("[\"\\ud800\"]"), YES },
    { "string_invalid_surrogate", BYTES("[\"\\ud800abc\"]"), YES },
    { "string_inverted_surrogates_U+1D11E", BYTES("[\"\\uDd1e\\uD834\"]"), YES },
    { "string_lone_second_surrogate", BYTES("[\"\\uDFAA\"]"), YES },
    { "structure_500_nested_arrays", NULL, 500, YES },
    { "string_UTF-16LE_with_BOM", BYTES("\xFF\xFE[\0\"\0\xE9\0\"\0]\0"), NO_JSON },
    { "string_utf16BE_no_BOM", BYTES("\0[\0\"\0\xE9\0\"\0]"), NO_JSON },
    { "string_utf16LE_no_BOM", BYTES("[\0\"\0\xE9\0\"\0]\0"), NO_JSON },
    { "structure_UTF-8_BOM_empty_object", BYTES("\xEF\xBB\xBF{}"), NO_JSON },
    { "string_UTF-8_invalid_sequence", BYTES("[\"\xE6\x97\xA5\xD1\x88\xFA\"]"), NO_UTF8 },
    { "string_UTF8_surrogate_U+D800", BYTES("[\"\xED\xA0\x80\"]"), NO_UTF8 },
    { "string_invalid_utf-8", BYTES("[\"\xFF\"]"), NO_UTF8 },
    { "string_iso_latin_1", BYTES("[\"\xE9\"]"), NO_UTF8 },
    { "string_lone_utf8_continuation_byte", BYTES("[\"\x81\"]"), NO_UTF8 },
    { "string_not_in_unicode_range", BYTES("[\"\xF4\xBF\xBF\xBF\"]"), NO_UTF8 },
    { "string_overlong_sequence_2_bytes", BYTES("[\"\xC0\xAF\"]"), NO_UTF8 },
    { "string_overlong_sequence_6_bytes", BYTES("[\"\xFC\x83\xBF\xBF\xBF\xBF\"]"), NO_UTF8 },
    { "string_overlong_sequence_6_bytes_null", BYTES("[\"\xFC\x80\x80\x80\x80\x80\"]"), NO_UTF8 },
    { "string_truncated-utf-8", BYTES("[\"\xE0\xFF\"]"), NO_UTF8 }
};

TEST cases_that_the_rfc_leaves_open(void)
{
    static char nested[1001];
    size_t i;
    ASSERT_EQ((size_t)35, COUNT(open_cases));
    for (i = 0; i < COUNT(open_cases); i++) {
        const char *text = open_cases[i].text;
        size_t len = open_cases[i].len;
        if (text == NULL) {
            memset(nested, '[', len);
            memset(nested + len, ']', len);
            text = nested;
            len *= 2;
        }
        ASSERT_EQm(open_cases[i].name, open_cases[i].err, misskey_json_check(text, len, &written, NULL));
    }
    PASS();
}

/* ---- random texts ---- */

/* One change: a byte that matters replaces another or is put in, bytes go, or a piece of a text is put in. */
static size_t change(char *text, size_t len, size_t room)
{
    static const char bytes[] = "{}[]:,\"\\/ \t\n\r\0\x1F" "0159-+.eEtfnulasr"
                                "\x7F\x80\xBF\xC1\xC2\xE0\xED\xEF\xF0\xF4\xF5\xFF";
    const char *const other = texts[below(COUNT(texts))];
    const size_t at = below(len + 1), from = below(strlen(other)), tail = len - at;
    const size_t n = below(4) == 0 ? below(20) : 1, piece = below(strlen(other) - from) + 1;
    switch (below(4)) {
    case 0:
        if (tail > 0) text[at] = bytes[below(sizeof bytes - 1)];
        return len;
    case 1:
        if (len == room) return len;
        memmove(text + at + 1, text + at, tail);
        text[at] = bytes[below(sizeof bytes - 1)];
        return len + 1;
    case 2:
        if (n > tail) return at;
        memmove(text + at, text + at + n, tail - n);
        return len - n;
    default:
        if (len + piece > room) return len;
        memmove(text + at + piece, text + at, tail);
        memcpy(text + at, other + from, piece);
        return len + piece;
    }
}

TEST random_changes_against_the_reference(void)
{
    char text[1024];
    const char *const given = getenv("SEED");
    const uint32_t seed = given != NULL ? (uint32_t)strtoul(given, NULL, 10) : (uint32_t)time(NULL);
    unsigned long i, valid = 0;
    size_t len, changes;
    printf("random texts: SEED=%lu repeats them\n", (unsigned long)seed);
    random_state = seed;
    for (i = 0; i < 200000; i++) {
        const char *const base = texts[below(COUNT(texts))];
        len = strlen(base);
        memcpy(text, base, len);
        for (changes = 1 + below(3); changes > 0; changes--) len = change(text, len, sizeof text);
        if (!verdict_is_right(at_fence(text, len), len)) {
            say_text(text, len);
            FAILm("the library and the reference differ about the text above");
        }
        valid += misskey_json_check(text, len, &written, NULL) == MISSKEY_ERR_OK;
    }
    ASSERT(valid > 10000 && valid < 190000);
    PASS();
}

SUITE(checker)
{
    make_fence();
    RUN_TEST(truncated_at_every_byte);
    RUN_TEST(where_the_error_is);
    RUN_TEST(every_byte_at_every_place);
    RUN_TEST(depth_limit);
    RUN_TEST(values_at_the_limit_can_be_walked);
    RUN_TEST(cases_that_the_rfc_leaves_open);
    RUN_TEST(random_changes_against_the_reference);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(reader);
    RUN_SUITE(decoding);
    RUN_SUITE(writer);
    RUN_SUITE(checker);
    GREATEST_MAIN_END();
}
