/* One endpoint of the websocket section with its memory, in either role, and the frames of its peer: what test_ws.c and
   those of HTTP heads share. */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include "../misskey_stream.h"
#include "greatest.h"

#include <stdio.h>
#include <stdlib.h>

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="               /* the example of RFC 6455 section 1.3 */
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define SWITCH "HTTP/1.1 101 Switching Protocols\r\n"
#define UP "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define ASK "GET /streaming HTTP/1.1\r\nHost: h\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define ASK_KEY "Sec-WebSocket-Key: " KEY "\r\n"
#define START 0xFFFFFF00u                            /* of the clock: it wraps during the tests */

static char where[160];
#define CHECK(COND) do { if (!(COND)) { \
        snprintf(where + strlen(where), sizeof where - strlen(where), " [line %d: %s]", __LINE__, #COND); \
        FAILm(where); } } while (0)
#define CASE(...) snprintf(where, sizeof where / 2, __VA_ARGS__)

/* ---- an endpoint with its memory ---- */

typedef struct {
    misskey_ws ws;
    misskey_ws_desc desc;
    misskey_ws_event ev;    /* the last one polled */
    uint8_t *rx, *tx;       /* of exactly the size lent, so that a sanitizer sees every byte beyond */
} endpoint;

static endpoint client_, server_;
static endpoint *const C = &client_, *const S = &server_;
static int entropy_calls, entropy_fails_at;
static uint32_t seed = 1;

static inline uint32_t rnd(uint32_t below) { seed = seed * 1664525u + 1013904223u; return (seed >> 8) % below; }

static inline bool entropy(void *user, void *dst, size_t len)
{
    size_t i;
    (void)user;
    if (++entropy_calls == entropy_fails_at) return false;
    if (len == 16) memcpy(dst, "the sample nonce", 16);
    else for (i = 0; i < len; i++) ((uint8_t *)dst)[i] = (uint8_t)(entropy_calls * 53 + (int)i * 29 + 1);
    return true;
}

static inline void describe(endpoint *e, size_t rx, size_t tx)
{
    memset(&e->desc, 0, sizeof e->desc);
    e->desc.server = e == S;
    e->desc.host = "h";
    e->desc.entropy = entropy;
    free(e->rx);
    free(e->tx);
    e->desc.rx.ptr = e->rx = calloc(1, rx);
    e->desc.tx.ptr = e->tx = calloc(1, tx);
    e->desc.rx.size = rx;
    e->desc.tx.size = tx;
    entropy_calls = entropy_fails_at = 0;
}

static inline bool begin(endpoint *e)
{
    if (misskey_ws_init(&e->ws, &e->desc) != MISSKEY_ERR_OK) return false;
    misskey_ws_tick(&e->ws, START);
    misskey_ws_transport_up(&e->ws);
    return true;
}

static inline bool next(endpoint *e) { return misskey_ws_poll(&e->ws, &e->ev); }
static inline bool next_is(endpoint *e, misskey_ws_event_type type) { return next(e) && e->ev.type == type; }

static inline bool feed(endpoint *e, const void *data, size_t len) { return misskey_ws_feed(&e->ws, data, len) == len; }
static inline bool feed_str(endpoint *e, const char *s) { return feed(e, s, strlen(s)); }

/* Everything that is to be sent. */
static uint8_t out[80000];
static size_t out_len;
static inline size_t drain(endpoint *e)
{
    size_t n;
    const uint8_t *p;
    for (out_len = 0; (p = misskey_ws_send_buf(&e->ws, &n)) != NULL; misskey_ws_send_ack(&e->ws, n)) {
        if (out_len + n > sizeof out - 1) abort();
        memcpy(out + out_len, p, n);
        out_len += n;
    }
    out[out_len] = 0;
    return out_len;
}

static inline bool open_it(endpoint *e)
{
    if (!begin(e)) return false;
    drain(e);
    if (e == C) return feed_str(e, SWITCH UP ACCEPT "\r\n") && next_is(e, MISSKEY_WS_EVENT_OPEN) && !next(e);
    return feed_str(e, ASK UP VERSION ASK_KEY "\r\n") && next_is(e, MISSKEY_WS_EVENT_UPGRADE) &&
           misskey_ws_accept(&e->ws, NULL) == MISSKEY_ERR_OK && next_is(e, MISSKEY_WS_EVENT_OPEN) && !next(e) &&
           drain(e) > 0;
}

static inline bool open_sized(endpoint *e, size_t rx, size_t tx)
{
    describe(e, rx, tx);
    return open_it(e);
}

/* Drains and polls until CLOSED, as a program would; ends the transport if that is what it takes. */
static inline bool closed_as(endpoint *e, misskey_err err, unsigned code)
{
    int i;
    for (i = 0; i < 5; i++) {
        while (next(e)) {
            if (e->ev.type != MISSKEY_WS_EVENT_CLOSED) continue;
            return e->ev.err == err && e->ev.code == code;
        }
        drain(e);
        if (i > 1) misskey_ws_transport_down(&e->ws);
    }
    return false;
}

static inline bool is(misskey_str s, const char *text)
{
    return text == NULL ? s.ptr == NULL : s.ptr != NULL && s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

/* ---- frames ---- */

/* As the peer of e would write it, with a fixed mask. */
static inline size_t put_frame(const endpoint *e, uint8_t *dst, unsigned first, const void *payload, size_t len)
{
    static const uint8_t mask[4] = { 0x11, 0x82, 0xF3, 0x44 };
    const bool masked = e == S;
    uint8_t *p = dst;
    size_t i;
    unsigned shift, bytes = len < 126 ? 0 : len < 65536 ? 2 : 8;
    *p++ = (uint8_t)first;
    *p++ = (uint8_t)((masked ? 0x80 : 0) | (bytes == 0 ? len : bytes == 2 ? 126u : 127u));
    for (shift = bytes * 8; shift > 0; shift -= 8) *p++ = (uint8_t)((uint64_t)len >> (shift - 8));
    if (masked) for (i = 0; i < 4; i++) *p++ = mask[i];
    for (i = 0; i < len; i++) *p++ = (uint8_t)(((const uint8_t *)payload)[i] ^ (masked ? mask[i & 3] : 0));
    return (size_t)(p - dst);
}

static uint8_t wire[80000];
static inline bool feed_frame(endpoint *e, unsigned first, const void *payload, size_t len)
{
    return feed(e, wire, put_frame(e, wire, first, payload, len));
}

/* Takes the next frame out of `out`, checks that e may write it so, and unmasks it. */
static struct { unsigned op; size_t len; uint8_t data[70200]; } got;
static size_t out_at;
static inline bool take_frame(const endpoint *e)
{
    const uint8_t *p = out + out_at;
    const size_t left = out_len - out_at;
    size_t i, head = 2, ext = 0;
    if (left < 2 || (p[0] & 0xF0) != 0x80 || ((p[1] & 0x80) != 0) != (e == C)) return false;
    got.op = p[0] & 15;
    got.len = p[1] & 127;
    ext = got.len == 126 ? 2 : got.len == 127 ? 8 : 0;
    if (ext > 0) for (i = 0, got.len = 0; i < ext; i++) got.len = got.len << 8 | p[2 + i];
    if ((ext == 2 && got.len < 126) || (ext == 8 && got.len < 65536)) return false;
    head += ext + (e == C ? 4 : 0);
    if (left < head || left - head < got.len) return false;
    for (i = 0; i < got.len; i++) got.data[i] = (uint8_t)(p[head + i] ^ (e == C ? p[head - 4 + (i & 3)] : 0));
    out_at += head + got.len;
    return true;
}

static inline bool take(const endpoint *e, unsigned op, const void *data, size_t len)
{
    return take_frame(e) && got.op == op && got.len == len && memcmp(got.data, data, len) == 0;
}

static inline bool take_close(const endpoint *e, unsigned code)
{
    return take_frame(e) && got.op == 8 && got.len >= 2 && (unsigned)(got.data[0] << 8 | got.data[1]) == code;
}

/* e has just received something wrong: it must say code, end with it, and say nothing more. */
static inline bool failed(endpoint *e, misskey_err err, unsigned code)
{
    while (next(e)) {}
    drain(e);
    out_at = 0;
    if (!take_close(e, code) || got.len != 2 || out_at != out_len) return false;
    return closed_as(e, err, code) && drain(e) == 0 && !next(e);
}

#endif
