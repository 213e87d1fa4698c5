/* Is what misskey_json_check says of a text what fuzz/json_reference.h says of it, the place of the error included?
   Include misskey_stream.h first. */
#ifndef VERDICT_H
#define VERDICT_H

#include "../fuzz/json_reference.h"

static inline misskey_err expected_verdict(const char *text, size_t len, size_t *at)
{
    ref_text r;
    const bool good = ref_check(&r, text, len, MISSKEY_MAX_DEPTH);
    *at = good ? len : r.far;
    if (good) return r.deep_at == len ? MISSKEY_ERR_OK : MISSKEY_ERR_DEPTH;
    return r.bad_utf8 ? MISSKEY_ERR_BAD_UTF8 : MISSKEY_ERR_BAD_JSON;
}

static inline bool verdict_is_right(const char *text, size_t len)
{
    misskey_json value = { "", 1 };
    size_t at = len + 1, expected_at;
    const misskey_err err = misskey_json_check(text, len, &value, &at);
    if (err != expected_verdict(text, len, &expected_at) || at != expected_at) return false;
    if (err != MISSKEY_ERR_OK) return value.ptr == NULL && value.len == 0;
    return value.ptr >= text && value.len > 0 && value.ptr + value.len <= text + len &&
           misskey_json_type(value) != MISSKEY_TYPE_NONE;
}

#endif
