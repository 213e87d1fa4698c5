/* For the targets that take the bytes of a connection: what came out of one run, and whether two runs say the same. */
#ifndef WIRE_H
#define WIRE_H

#include "fuzz.h"

#define WIRE_MAX 16384      /* longest input */
#define WIRE_KEY "AAAAAAAAAAAAAAAAAAAAAA=="              /* sixteen zeros, what wire_entropy gives for an upgrade */
#define WIRE_ACCEPT "ICX+Yqv66kxgM0FcWaLWlFLwTAI="

/* Events, and bytes for the peer. */
typedef struct wire_log { size_t len; uint8_t bytes[128 * WIRE_MAX]; } wire_log;
typedef struct wire_run { wire_log events, sent; uint32_t masks; bool closed; } wire_run;

static inline void wire_put(wire_log *log, const void *data, size_t len)
{
    MUST(len <= sizeof log->bytes - log->len);
    if (len > 0) memcpy(log->bytes + log->len, data, len);
    log->len += len;
}

static inline void wire_number(wire_log *log, uint64_t value) { wire_put(log, &value, sizeof value); }

static inline void wire_view(wire_log *log, const char *ptr, size_t len)
{
    wire_number(log, ptr == NULL ? 0 : 1 + (uint64_t)len);
    wire_put(log, ptr, len);
}

static inline bool wire_same(const wire_log *a, const wire_log *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* Send memory that is never full: the answers to a whole input of empty pings fit. */
static inline size_t wire_tx_size(size_t input) { return 4 * input + 1024; }

/* Masks differ, and are the same in every run. */
static inline bool wire_entropy(void *user, void *dst, size_t len)
{
    wire_run *const run = (wire_run *)user;
    memset(dst, 0, len);
    if (len == 4) {
        run->masks = run->masks * 1664525u + 1013904223u;
        memcpy(dst, &run->masks, 4);
    }
    return true;
}

/* May this library send a frame with this first byte and payload (RFC 6455)? */
static inline void wire_check_payload(unsigned first, const uint8_t *p, size_t len)
{
    const unsigned code = len >= 2 ? (unsigned)p[0] << 8 | p[1] : 1000;
    MUST(first == 0x81 || first == 0x82 || ((first == 0x88 || first == 0x89 || first == 0x8A) && len <= 125));
    if (first == 0x81) MUST(ref_utf8(p, len));
    if (first != 0x88) return;
    MUST(len != 1 && (len < 2 || ref_utf8(p + 2, len - 2)));
    MUST(code >= 1000 && code <= 4999 && (code <= 1014 || code >= 3000) && !(code >= 1004 && code <= 1006));
}

/* Size of the header of a frame that was sent, and of its payload; 0 if it is not whole. */
static inline size_t wire_frame(const uint8_t *p, size_t len, size_t *size)
{
    size_t head = 2, payload, i;
    if (len < 2) return 0;
    payload = p[1] & 127u;
    if (payload >= 126) {
        const size_t more = payload == 126 ? 2 : 8;
        if (len < head + more) return 0;
        for (i = 0, payload = 0; i < more; i++) payload = payload << 8 | p[head++];
        MUST(payload > (more == 2 ? 125u : 65535u));
    }
    if (p[1] >= 0x80) head += 4;
    *size = payload;
    return len < head || len - head < payload ? 0 : head;
}

/* Where the frames begin: behind the HTTP head. */
static inline size_t wire_frames(const wire_log *sent)
{
    size_t at = 0;
    while (at < sent->len && (at < 4 || memcmp(sent->bytes + at - 4, "\r\n\r\n", 4) != 0)) at++;
    return at;
}

/* All that was sent: an HTTP head and then frames, none behind a Close. They are unmasked in place. cut: the end may be
   missing. */
static inline void wire_check_sent(wire_log *sent, bool masked, bool cut)
{
    size_t at, i, head, size = 0;
    bool closing = false;
    for (at = wire_frames(sent); at < sent->len; at += head + size) {
        uint8_t *const p = sent->bytes + at;
        MUST(!closing);
        closing = *p == 0x88;
        head = wire_frame(p, sent->len - at, &size);
        MUST(head > 0 || cut);
        if (head == 0) return;
        MUST((p[1] >= 0x80) == masked);
        for (i = 0; masked && i < size; i++) p[head + i] ^= p[head - 4 + i % 4];
        wire_check_payload(*p, p + head, size);
    }
}

/* Leaves of what was sent, and unmasked, the payload of each frame behind its first two bytes, without the pings that
   prove after a sleep that nothing is missing: they leave when all that came was parsed, so the pieces decide when. */
static inline void wire_drop_probes(wire_log *sent)
{
    size_t at, to = wire_frames(sent), head, size = 0;
    for (at = to; at < sent->len; at += head + size) {
        uint8_t *const p = sent->bytes + at;
        head = wire_frame(p, sent->len - at, &size);
        MUST(head > 0);
        if (p[0] == 0x89 && size > 0 && size <= MSKI_PROBES) continue;
        memmove(sent->bytes + to, p, 2);
        memmove(sent->bytes + to + 2, p + head, size);
        to += 2 + size;
    }
    sent->len = to;
}

/* Moves *at behind the next pong of an unmasked log. Returns its payload, NULL if there is none. */
static inline const uint8_t *wire_next_pong(const wire_log *sent, size_t *at, size_t *size)
{
    while (*at < sent->len) {
        const uint8_t *const p = sent->bytes + *at;
        const size_t head = wire_frame(p, sent->len - *at, size);
        if (head == 0) break;
        *at += head + *size;
        if (*p == 0x8A) return p + head;
    }
    return NULL;
}

/* Where not every ping can be answered, those that are must be answered in order and unchanged. */
static inline void wire_check_pongs(const wire_log *all, const wire_log *some)
{
    size_t all_at = wire_frames(all), some_at = wire_frames(some), all_size, size;
    const uint8_t *pong, *candidate;
    while ((pong = wire_next_pong(some, &some_at, &size)) != NULL) {
        do candidate = wire_next_pong(all, &all_at, &all_size);
        while (candidate != NULL && (all_size != size || memcmp(candidate, pong, size) != 0));
        MUST(candidate != NULL);
    }
}

#endif
