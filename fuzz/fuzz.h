/* Common to the fuzz targets: the library, MUST, and the bytes of an input as numbers. Each target defines
   LLVMFuzzerTestOneInput; tests/test_regressions.c includes them all under other names. */
#ifndef FUZZ_H
#define FUZZ_H

#define MISSKEY_MAX_DEPTH 16 /* small, so that short inputs reach beyond it */
#ifndef MISSKEY_POISON
#define MISSKEY_POISON 1
#endif
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../misskey_stream.h"
#include "../tests/reading.h"
#include "../tests/verdict.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

#define MUST(COND) ((COND) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #COND))

/* What is left of an input. */
typedef struct fuzz_input { const uint8_t *p; size_t left; } fuzz_input;

static inline unsigned fuzz_byte(fuzz_input *in)
{
    if (in->left == 0) return 0;
    in->left--;
    return *in->p++;
}

/* A pseudo-random number below limit. */
static inline size_t fuzz_below(uint32_t *state, size_t limit)
{
    *state = *state * 1664525u + 1013904223u;
    return (size_t)(*state >> 8) % limit;
}

/* A copy whose end the address sanitizer guards; the caller frees it. */
static inline void *fuzz_copy(const void *data, size_t size)
{
    void *const copy = malloc(size + (size == 0));
    MUST(copy != NULL);
    if (size > 0) memcpy(copy, data, size);
    return copy;
}

static inline bool same_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return (a == NULL) == (b == NULL) && a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

static inline bool same_message(const misskey_message *a, const misskey_message *b)
{
    return a->kind == b->kind && a->alias == b->alias && a->pong == b->pong && a->read == b->read &&
           a->id_number == b->id_number && a->deep == b->deep &&
           same_bytes(a->type.ptr, a->type.len, b->type.ptr, b->type.len) &&
           same_bytes(a->id.ptr, a->id.len, b->id.ptr, b->id.len) &&
           same_bytes(a->channel.ptr, a->channel.len, b->channel.ptr, b->channel.len) &&
           same_bytes(a->event.ptr, a->event.len, b->event.ptr, b->event.len) &&
           same_bytes(a->body.ptr, a->body.len, b->body.ptr, b->body.len) &&
           same_bytes(a->raw.ptr, a->raw.len, b->raw.ptr, b->raw.len);
}

#endif
