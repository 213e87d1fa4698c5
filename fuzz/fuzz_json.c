/* JSON: the input is a text. The checker must agree with the reference about it; a valid text is walked completely, and
   each scalar is read, decoded, compared and written again, against the reference. */
#include "fuzz.h"

#define JSON_MAX 16384

static char json_plain[JSON_MAX + 1], json_copied[JSON_MAX + 1], json_written[6 * JSON_MAX + 2];

static void json_is_read_back(const misskey_jw *w, const char *plain, size_t len)
{
    misskey_json value, checked;
    MUST(misskey_jw_done(w, &value) == MISSKEY_ERR_OK);
    MUST(misskey_json_check(value.ptr, value.len, &checked, NULL) == MISSKEY_ERR_OK && checked.len == value.len);
    MUST(misskey_jstr_copy(misskey_json_str(checked), json_copied, sizeof json_copied) == len);
    MUST(memcmp(json_copied, plain, len) == 0);
}

/* Where a copy of json_plain into cap bytes is cut. */
static size_t json_cut(size_t len, size_t cap)
{
    size_t cut, n = 0;
    for (cut = 0; cut < len; cut += n) {
        MUST(ref_character((const unsigned char *)json_plain + cut, len - cut, &n) >= 0);
        if (cut + n >= cap) break;
    }
    return cut;
}

static void json_string(misskey_jstr s)
{
    const size_t len = ref_decode(s.ptr, s.len, json_plain);
    size_t cap, cut;
    misskey_jw w;
    MUST(misskey_jstr_copy(s, NULL, 0) == len);
    for (cap = 1; cap <= len + 1; cap += 1 + cap / 4) {
        char *const dst = (char *)malloc(cap);
        MUST(dst != NULL && misskey_jstr_copy(s, dst, cap) == len);
        cut = json_cut(len, cap);
        MUST(memcmp(dst, json_plain, cut) == 0 && dst[cut] == 0);
        free(dst);
    }
    json_plain[len] = 0;
    MUST(misskey_jstr_eq(s, json_plain) == (strlen(json_plain) == len));
    misskey_jw_init(&w, json_written, sizeof json_written);
    misskey_jw_jstr(&w, s);
    json_is_read_back(&w, json_plain, len);
    misskey_jw_init(&w, json_written, sizeof json_written);
    misskey_jw_str(&w, json_plain, len);
    json_is_read_back(&w, json_plain, len);
}

static void json_number(misskey_json value)
{
    int64_t expected = 42, got = 42;
    const bool integer = ref_i64(value.ptr, value.len, &expected);
    MUST(misskey_json_i64(value, &got) == integer);
    MUST(got == (integer ? expected : 42));
}

/* A look-up gives the last of the members whose name decodes to the same. */
static void json_look_up(misskey_json obj, misskey_jstr key)
{
    char *const name = (char *)malloc(key.len + 1);
    misskey_json last = { NULL, 0 };
    misskey_iter it = misskey_json_iter(obj);
    MUST(name != NULL);
    name[ref_decode(key.ptr, key.len, name)] = 0;
    while (misskey_json_next(&it)) {
        if (misskey_jstr_eq(it.key, name)) last = it.value;
    }
    MUST(same_bytes(last.ptr, last.len, misskey_json_get(obj, name).ptr, misskey_json_get(obj, name).len));
    free(name);
}

static void json_walk(misskey_json value, unsigned depth)
{
    const misskey_type type = misskey_json_type(value);
    misskey_iter it = misskey_json_iter(value);
    const char *at = value.ptr + 1;
    unsigned count = 0;
    misskey_json checked;
    bool flag;
    MUST(depth <= MISSKEY_MAX_DEPTH);
    MUST(misskey_json_check(value.ptr, value.len, &checked, NULL) == MISSKEY_ERR_OK);
    MUST(checked.ptr == value.ptr && checked.len == value.len);
    MUST(misskey_json_bool(value, &flag) == (type == MISSKEY_TYPE_BOOL));
    MUST((misskey_json_str(value).ptr != NULL) == (type == MISSKEY_TYPE_STRING));
    if (type == MISSKEY_TYPE_STRING) json_string(misskey_json_str(value));
    if (type == MISSKEY_TYPE_NUMBER) json_number(value);
    for (; misskey_json_next(&it); at = it.value.ptr + it.value.len) {
        MUST((it.key.ptr != NULL) == (type == MISSKEY_TYPE_OBJECT));
        MUST(it.value.ptr >= at && it.value.ptr + it.value.len < value.ptr + value.len);
        if (it.key.ptr != NULL && count++ < 8) {
            json_string(it.key);
            json_look_up(value, it.key);
        }
        json_walk(it.value, depth + 1);
    }
    MUST(!misskey_json_next(&it));
}

static void json_text(const char *text, size_t len)
{
    misskey_json value, rewritten;
    misskey_err err;
    misskey_jw w;
    MUST(verdict_is_right(text, len));
    err = misskey_json_check(text, len, &value, NULL);
    rewritten.ptr = text;
    rewritten.len = len;
    misskey_jw_init(&w, json_written, sizeof json_written);
    misskey_jw_json(&w, rewritten);
    MUST(misskey_jw_done(&w, &rewritten) == err);
    if (err == MISSKEY_ERR_OK) {
        MUST(same_bytes(rewritten.ptr, rewritten.len, text, len));
        json_walk(value, 0);
    } else {
        MUST(value.ptr == NULL && value.len == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= JSON_MAX) {
        char *const text = (char *)fuzz_copy(data, size);
        json_text(text, size);
        free(text);
    }
    return 0;
}
