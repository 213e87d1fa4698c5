/* The websocket section in memory: the library's client and server against hand-made bytes and against each other. */
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

static uint32_t rnd(uint32_t below) { seed = seed * 1664525u + 1013904223u; return (seed >> 8) % below; }

static bool entropy(void *user, void *dst, size_t len)
{
    size_t i;
    (void)user;
    if (++entropy_calls == entropy_fails_at) return false;
    if (len == 16) memcpy(dst, "the sample nonce", 16);
    else for (i = 0; i < len; i++) ((uint8_t *)dst)[i] = (uint8_t)(entropy_calls * 53 + (int)i * 29 + 1);
    return true;
}

static void describe(endpoint *e, size_t rx, size_t tx)
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

static bool begin(endpoint *e)
{
    if (misskey_ws_init(&e->ws, &e->desc) != MISSKEY_ERR_OK) return false;
    misskey_ws_tick(&e->ws, START);
    misskey_ws_transport_up(&e->ws);
    return true;
}

static bool next(endpoint *e) { return misskey_ws_poll(&e->ws, &e->ev); }
static bool next_is(endpoint *e, misskey_ws_event_type type) { return next(e) && e->ev.type == type; }

static bool feed(endpoint *e, const void *data, size_t len) { return misskey_ws_feed(&e->ws, data, len) == len; }
static bool feed_str(endpoint *e, const char *s) { return feed(e, s, strlen(s)); }

/* Everything that is to be sent. */
static uint8_t out[80000];
static size_t out_len;
static size_t drain(endpoint *e)
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

static bool open_it(endpoint *e)
{
    if (!begin(e)) return false;
    drain(e);
    if (e == C) return feed_str(e, SWITCH UP ACCEPT "\r\n") && next_is(e, MISSKEY_WS_EVENT_OPEN) && !next(e);
    return feed_str(e, ASK UP VERSION ASK_KEY "\r\n") && next_is(e, MISSKEY_WS_EVENT_UPGRADE) &&
           misskey_ws_accept(&e->ws, NULL) == MISSKEY_ERR_OK && next_is(e, MISSKEY_WS_EVENT_OPEN) && !next(e) &&
           drain(e) > 0;
}

static bool open_sized(endpoint *e, size_t rx, size_t tx)
{
    describe(e, rx, tx);
    return open_it(e);
}

/* Drains and polls until CLOSED, as a program would; ends the transport if that is what it takes. */
static bool closed_as(endpoint *e, misskey_err err, unsigned code)
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

static bool is(misskey_str s, const char *text)
{
    return text == NULL ? s.ptr == NULL : s.ptr != NULL && s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

/* ---- frames ---- */

/* As the peer of e would write it, with a fixed mask. */
static size_t put_frame(const endpoint *e, uint8_t *dst, unsigned first, const void *payload, size_t len)
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
static bool feed_frame(endpoint *e, unsigned first, const void *payload, size_t len)
{
    return feed(e, wire, put_frame(e, wire, first, payload, len));
}

/* Takes the next frame out of `out`, checks that e may write it so, and unmasks it. */
static struct { unsigned op; size_t len; uint8_t data[70200]; } got;
static size_t out_at;
static bool take_frame(const endpoint *e)
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

static bool take(const endpoint *e, unsigned op, const void *data, size_t len)
{
    return take_frame(e) && got.op == op && got.len == len && memcmp(got.data, data, len) == 0;
}

static bool take_close(const endpoint *e, unsigned code)
{
    return take_frame(e) && got.op == 8 && got.len >= 2 && (unsigned)(got.data[0] << 8 | got.data[1]) == code;
}

/* e has just received something wrong: it must say code, end with it, and say nothing more. */
static bool failed(endpoint *e, misskey_err err, unsigned code)
{
    while (next(e)) {}
    drain(e);
    out_at = 0;
    if (!take_close(e, code) || got.len != 2 || out_at != out_len) return false;
    return closed_as(e, err, code) && drain(e) == 0 && !next(e);
}

/* ---- handshake, client ---- */

typedef struct { const char *name, *head; misskey_err err; unsigned code; } answer; /* err OK: it opens */

#define OPENS MISSKEY_ERR_OK, 0
#define MISFIT MISSKEY_ERR_WS_ACCEPT, 101
#define SYNTAX MISSKEY_ERR_HTTP_SYNTAX, 0
#define STATUS MISSKEY_ERR_HTTP_STATUS,

static const answer answers[] = {
    { "plain", SWITCH UP ACCEPT "\r\n", OPENS },
    { "case", "HTTP/1.1 101 x\r\nUPGRADE:WebSocket\r\nconnection: upgrade\r\nSEC-websocket-ACCEPT:"
      "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", OPENS },
    { "list", SWITCH "Connection: keep-alive, Upgrade\r\nUpgrade: \t websocket \t\r\n" ACCEPT "\r\n", OPENS },
    { "list with empty elements", SWITCH "Connection: , ,UPGRADE ,\r\nUpgrade: websocket\r\n" ACCEPT "\r\n", OPENS },
    { "two lists", SWITCH "Connection: keep-alive\r\n" UP ACCEPT "\r\n", OPENS },
    { "no phrase", "HTTP/1.1 101 \r\n" UP ACCEPT "\r\n", OPENS },
    { "bare LF", "HTTP/1.1 101 x\nUpgrade: websocket\nConnection: Upgrade\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n\n", OPENS },
    { "100 first", "HTTP/1.1 100 Continue\r\n\r\n" SWITCH UP ACCEPT "\r\n", OPENS },
    { "103 first", "HTTP/1.1 103 Early Hints\r\n" UP "Sec-WebSocket-Accept: x\r\n\r\n" SWITCH UP ACCEPT "\r\n", OPENS },
    { "offered protocol", SWITCH UP ACCEPT "Sec-WebSocket-Protocol: beta\r\n\r\n", OPENS },
    { "wrong accept", SWITCH UP "Sec-WebSocket-Accept: t3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", MISFIT },
    { "accept in other case", SWITCH UP "Sec-WebSocket-Accept: S3PPLMBITXAQ9KYGZZHZRBK+XOO=\r\n\r\n", MISFIT },
    { "accept cut", SWITCH UP "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo\r\n\r\n", MISFIT },
    { "no accept", SWITCH UP "\r\n", MISFIT },
    { "two accepts", SWITCH UP ACCEPT ACCEPT "\r\n", MISFIT },
    { "no Upgrade", SWITCH "Connection: Upgrade\r\n" ACCEPT "\r\n", MISFIT },
    { "Upgrade to h2c", SWITCH "Connection: Upgrade\r\nUpgrade: h2c\r\n" ACCEPT "\r\n", MISFIT },
    { "no Connection", SWITCH "Upgrade: websocket\r\n" ACCEPT "\r\n", MISFIT },
    { "Connection: close", SWITCH "Upgrade: websocket\r\nConnection: upgraded, close\r\n" ACCEPT "\r\n", MISFIT },
    { "extension", SWITCH UP ACCEPT "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", MISFIT },
    { "protocol not offered", SWITCH UP ACCEPT "Sec-WebSocket-Protocol: gamma\r\n\r\n", MISFIT },
    { "protocol in other case", SWITCH UP ACCEPT "Sec-WebSocket-Protocol: Beta\r\n\r\n", MISFIT },
    { "protocol twice", SWITCH UP ACCEPT "Sec-WebSocket-Protocol: beta\r\nSec-WebSocket-Protocol: beta\r\n\r\n",
      MISFIT },
    { "two protocols", SWITCH UP ACCEPT "Sec-WebSocket-Protocol: alpha, beta\r\n\r\n", MISFIT },
    { "200", "HTTP/1.1 200 OK\r\n" UP ACCEPT "\r\n", STATUS 200 },
    { "301", "HTTP/1.1 301 Moved\r\nlocation: https://elsewhere.example/s\r\n\r\n", STATUS 301 },
    { "401", "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", STATUS 401 },
    { "403", "HTTP/1.0 403 Forbidden\r\n\r\n", STATUS 403 },
    { "429", "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 17\r\n\r\nbody", STATUS 429 },
    { "503", "HTTP/1.1 503\r\nRetry-After: 21 Oct 2026 07:28:00 GMT\r\n\r\n", STATUS 503 },
    { "103 and 401", "HTTP/1.1 103 x\r\nLocation: y\r\nRetry-After: 1\r\n\r\nHTTP/1.1 401 Z\r\n\r\n", STATUS 401 },
    { "ssh", "SSH-2.0-OpenSSH_9.6\r\n", SYNTAX },
    { "TLS alert", "\x15\x03\x01\n", SYNTAX },
    { "HTTP/2", "HTTP/2 101 x\r\n" UP ACCEPT "\r\n", SYNTAX },
    { "short status", "HTTP/1.1 99 x\r\n\r\n", SYNTAX },
    { "long status", "HTTP/1.1 1010 x\r\n\r\n", SYNTAX },
    { "no colon", SWITCH UP "nonsense\r\n" ACCEPT "\r\n", SYNTAX },
    { "space before colon", SWITCH "Upgrade : websocket\r\nConnection: Upgrade\r\n" ACCEPT "\r\n", SYNTAX },
    { "folded line", SWITCH "Upgrade:\r\n websocket\r\nConnection: Upgrade\r\n" ACCEPT "\r\n", SYNTAX },
};

/* step: bytes fed at once. */
static bool play_head(endpoint *e, const char *head, size_t len, size_t step)
{
    bool seen = false;
    size_t at, n;
    if (!begin(e)) return false;
    if (e == C) drain(e);
    for (at = 0; at < len && !seen; at += n) {
        n = misskey_ws_feed(&e->ws, head + at, len - at < step ? len - at : step);
        seen = next(e);
    }
    return seen || next(e);
}

TEST client_reads_answers(void)
{
    static const misskey_header offer[] = { { "Sec-WebSocket-Protocol", "alpha,  beta" } };
    size_t i, step;
    for (i = 0; i < sizeof answers / sizeof *answers; i++) {
        for (step = 1; step < 600; step += 1 + step / 2) {
            const answer *a = &answers[i];
            CASE("%s, %u bytes at once", a->name, (unsigned)step);
            describe(C, 256, 4096);
            C->desc.headers = offer;
            C->desc.num_headers = 1;
            CHECK(play_head(C, a->head, strlen(a->head), step));
            if (a->err == MISSKEY_ERR_OK) {
                CHECK(C->ev.type == MISSKEY_WS_EVENT_OPEN);
                continue;
            }
            CHECK(C->ev.type == MISSKEY_WS_EVENT_CLOSED && C->ev.err == a->err);
            CHECK(C->ev.code == a->code);
            CHECK(C->ev.retry_after == (a->code == 429 ? 17u : 0u));
            CHECK(is(C->ev.location, a->code == 301 ? "https://elsewhere.example/s" : NULL));
            CHECK(a->code != 429 || is(C->ev.text, "Too Many Requests"));
            CHECK(!next(C) && drain(C) == 0);
        }
    }
    PASS();
}

TEST heads_larger_than_rx(void)
{
    static char head[90000];
    unsigned lines, len;
    size_t n, i;
    for (lines = 1; lines < 40; lines += 6) {
        for (len = 200; len < 2000; len += 89) {
            n = (size_t)sprintf(head, SWITCH);
            for (i = 0; i < lines; i++) {
                n += (size_t)sprintf(head + n, "X-%u: %0*u\r\n", (unsigned)i, (int)len, 7u);
            }
            n += (size_t)sprintf(head + n, UP ACCEPT "\r\n");
            if (n > 60000) continue;
            CASE("%u lines of %u", lines, len);
            describe(C, 256, 512);
            CHECK(play_head(C, head, n, 1 + rnd(300)) && C->ev.type == MISSKEY_WS_EVENT_OPEN);
        }
    }
    CASE("endless");
    memset(head, 'x', sizeof head);
    memcpy(head, SWITCH "X:", strlen(SWITCH "X:"));
    describe(C, 256, 512);
    CHECK(play_head(C, head, sizeof head, 200));
    CHECK(C->ev.type == MISSKEY_WS_EVENT_CLOSED && C->ev.err == MISSKEY_ERR_TOO_BIG);
    CASE("a Location that rx cannot hold");
    n = (size_t)sprintf(head, "HTTP/1.1 301 Moved\r\nLocation: https://%0150u\r\n\r\n", 7u);
    describe(C, 256, 512);
    CHECK(play_head(C, head, n, 100) && C->ev.err == MISSKEY_ERR_HTTP_STATUS && C->ev.code == 301);
    CHECK(C->ev.location.ptr == NULL && is(C->ev.text, "Moved"));
    for (len = 2; len < 300; len++) {
        CASE("a target of %u", len);
        n = (size_t)sprintf(head, "GET /%0*u HTTP/1.1\r\nHost: h\r\n" UP VERSION ASK_KEY "\r\n", (int)len - 1, 7u);
        describe(S, 256, 256);
        if (play_head(S, head, n, 100)) CHECK(len < 200 && S->ev.text.len == len);
        else CHECK(len > 100 && drain(S) && closed_as(S, MISSKEY_ERR_TOO_BIG, 400));
    }
    PASS();
}

TEST client_writes_request(void)
{
    static const misskey_header extra[] = { { "User-Agent", "t/1" }, { "Origin", "https://o.example" } };
    const char *const has[] = { "Host: h.example:8443\r\n", UP, VERSION, ASK_KEY, "\r\nUser-Agent: t/1\r\n",
                                "\r\nOrigin: https://o.example\r\n", "\r\n\r\n" };
    const char *const token = "a/b+c%~=&?", *const escaped = "?i=a%2Fb%2Bc%25~%3D%26%3F";
    size_t i, n, in_query;
    for (in_query = 0; in_query < 2; in_query++) {
        describe(C, 256, 1024);
        C->desc.host = "h.example:8443";
        C->desc.token = token;
        C->desc.token_in_query = in_query == 1;
        C->desc.headers = extra;
        C->desc.num_headers = 2;
        ASSERT(begin(C));
        CASE("token in tx before");
        for (i = 0, n = 0; i + 4 < C->desc.tx.size; i++) n += memcmp(C->tx + i, in_query ? "a%2F" : "a/b+", 4) == 0;
        CHECK(n == 1);
        for (n = 0; misskey_ws_send_buf(&C->ws, &i) != NULL; n++) {
            out[n] = *misskey_ws_send_buf(&C->ws, &i);
            misskey_ws_send_ack(&C->ws, 1);
        }
        out[n] = 0;
        for (i = 0; i < sizeof has / sizeof *has; i++) ASSERTm(has[i], strstr((char *)out, has[i]) != NULL);
        ASSERT_EQ(strstr((char *)out, "\r\n\r\n"), (char *)out + n - 4);
        ASSERT_EQ(strstr((char *)out, "Authorization: Bearer a/b+c%~=&?\r\n") != NULL, !in_query);
        ASSERT_EQ(strstr((char *)out, escaped) != NULL, in_query == 1);
        ASSERT_STRN_EQ("GET /streaming", (char *)out, 14);
        CASE("token in tx after, in query: %u", (unsigned)in_query);
        for (i = 0; i + 4 < C->desc.tx.size; i++) CHECK(memcmp(C->tx + i, in_query ? "a%2F" : "a/b+", 4) != 0);
    }
    PASS();
}

TEST init_refuses(void)
{
    static const char *const own[] = { "Host", "UPGRADE", "connection", "authorization", "Sec-WebSocket-Key",
                                       "Sec-WebSocket-Version", "Sec-WebSocket-Extensions", "Sec-WebSocket-Accept" };
    static char text[8];
    static misskey_header header;
    unsigned c, field;
    size_t i;
    for (c = 1; c <= 0x21; c++) {
        const unsigned bad = c == 0x21 ? 0x7F : c;
        for (field = 0; field < 5; field++) {
            snprintf(text, sizeof text, "/a%cb", (int)bad);
            describe(C, 256, 512);
            header.name = field == 3 ? text + 1 : "X";
            header.value = field == 4 ? text : "v";
            C->desc.headers = &header;
            C->desc.num_headers = 1;
            if (field == 0) C->desc.host = text + 1;
            if (field == 1) C->desc.path = text;
            if (field == 2) C->desc.token = text;
            CASE("character %02x, field %u", bad, field);
            if (field == 4 && (bad == ' ' || bad == '\t')) continue;
            CHECK(misskey_ws_init(&C->ws, &C->desc) == MISSKEY_ERR_BAD_ARG);
        }
    }
    for (i = 0; i < sizeof own / sizeof *own; i++) {
        describe(C, 256, 512);
        header.name = own[i];
        header.value = "v";
        C->desc.headers = &header;
        C->desc.num_headers = 1;
        ASSERT_EQm(own[i], MISSKEY_ERR_BAD_ARG, misskey_ws_init(&C->ws, &C->desc));
    }
#define REFUSED(ERR, CHANGE) do { describe(C, 256, 512); CHANGE; \
        ASSERT_EQm(#CHANGE, ERR, misskey_ws_init(&C->ws, &C->desc)); } while (0)
    REFUSED(MISSKEY_ERR_BAD_ARG, C->desc.host = NULL);
    REFUSED(MISSKEY_ERR_BAD_ARG, C->desc.host = "");
    REFUSED(MISSKEY_ERR_BAD_ARG, C->desc.entropy = NULL);
    REFUSED(MISSKEY_ERR_BAD_ARG, C->desc.rx.ptr = NULL);
    REFUSED(MISSKEY_ERR_BAD_ARG, C->desc.tx.ptr = NULL);
    REFUSED(MISSKEY_ERR_BAD_ARG, C->desc.path = "streaming");
    REFUSED(MISSKEY_ERR_BAD_ARG, C->desc.num_headers = 1);
    REFUSED(MISSKEY_ERR_TOO_SMALL, C->desc.rx.size = 255);
    REFUSED(MISSKEY_ERR_TOO_SMALL, C->desc.tx.size = 255);
    REFUSED(MISSKEY_ERR_TOO_SMALL, memset(wire, 't', 400); wire[400] = 0; C->desc.token = (char *)wire);
    REFUSED(MISSKEY_ERR_OK, C->desc.server = true; C->desc.host = NULL; C->desc.entropy = NULL);
    PASS();
}

/* ---- handshake, server ---- */

typedef struct { const char *name, *head; unsigned status; } request; /* status 0: an UPGRADE event */

static const request requests[] = {
    { "plain", ASK UP VERSION ASK_KEY "\r\n", 0 },
    { "case and lists", "GET / HTTP/1.1\r\nHOST:h\r\nupgrade: h2c, WebSocket\r\nconnection: keep-alive, upgrade\r\n"
      "sec-websocket-version: 13\r\nsec-websocket-KEY: " KEY "\r\n\r\n", 0 },
    { "extension offered", ASK UP VERSION ASK_KEY "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", 0 },
    { "repeated Connection", ASK "Connection: keep-alive\r\n" UP VERSION ASK_KEY "\r\n", 0 },
    { "empty Host", "GET / HTTP/1.1\r\nHost:\r\n" UP VERSION ASK_KEY "\r\n", 0 },
    { "empty line first", "\r\n" ASK UP VERSION ASK_KEY "\r\n", 0 },
    { "POST", "POST / HTTP/1.1\r\nHost: h\r\n" UP VERSION ASK_KEY "\r\n", 400 },
    { "get", "get / HTTP/1.1\r\nHost: h\r\n" UP VERSION ASK_KEY "\r\n", 400 },
    { "HTTP/1.0", "GET / HTTP/1.0\r\nHost: h\r\n" UP VERSION ASK_KEY "\r\n", 400 },
    { "HTTP/0.9", "GET /\r\n", 400 },
    { "garbage", "\x16\x03\x01\x02\n", 400 },
    { "no Host", "GET / HTTP/1.1\r\n" UP VERSION ASK_KEY "\r\n", 400 },
    { "two Hosts", ASK "Host: h\r\n" UP VERSION ASK_KEY "\r\n", 400 },
    { "no Upgrade", ASK "Connection: Upgrade\r\n" VERSION ASK_KEY "\r\n", 400 },
    { "no Connection", ASK "Upgrade: websocket\r\n" VERSION ASK_KEY "\r\n", 400 },
    { "no key", ASK UP VERSION "\r\n", 400 },
    { "two keys", ASK UP VERSION ASK_KEY ASK_KEY "\r\n", 400 },
    { "short key", ASK UP VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n\r\n", 400 },
    { "long key", ASK UP VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA==\r\n\r\n", 400 },
    { "key of 18 bytes", ASK UP VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA\r\n\r\n", 400 },
    { "key not base64", ASK UP VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!Q==\r\n\r\n", 400 },
    { "no version", ASK UP ASK_KEY "\r\n", 400 },
    { "version 8", ASK UP "Sec-WebSocket-Version: 8\r\n" ASK_KEY "\r\n", 426 },
    { "version 013", ASK UP "Sec-WebSocket-Version: 013\r\n" ASK_KEY "\r\n", 426 },
    { "header without name", ASK ": x\r\n" UP VERSION ASK_KEY "\r\n", 400 },
    { "NUL-like control", ASK "X: a\001b\r\n" UP VERSION ASK_KEY "\r\n", 400 },
};

TEST server_reads_requests(void)
{
    char status[32];
    size_t i, step;
    for (i = 0; i < sizeof requests / sizeof *requests; i++) {
        const request *r = &requests[i];
        for (step = 1; step < 600; step += 1 + step / 2) {
            CASE("%s, %u bytes at once", r->name, (unsigned)step);
            describe(S, 256, 256);
            CHECK(play_head(S, r->head, strlen(r->head), step) == (r->status == 0));
            if (r->status == 0) {
                CHECK(S->ev.type == MISSKEY_WS_EVENT_UPGRADE);
                CHECK(misskey_ws_accept(&S->ws, NULL) == MISSKEY_ERR_OK && next_is(S, MISSKEY_WS_EVENT_OPEN));
                drain(S);
                CHECK(memcmp(out, SWITCH, strlen(SWITCH)) == 0 && strstr((char *)out, ACCEPT) != NULL);
                continue;
            }
            drain(S);
            snprintf(status, sizeof status, "HTTP/1.1 %u ", r->status);
            CHECK(strncmp((char *)out, status, strlen(status)) == 0);
            CHECK((strstr((char *)out, "\r\n" VERSION) != NULL) == (r->status == 426));
            CHECK(out_len > 4 && memcmp(out + out_len - 4, "\r\n\r\n", 4) == 0);
            CHECK(next_is(S, MISSKEY_WS_EVENT_CLOSED) && S->ev.code == r->status);
            CHECK(S->ev.err == MISSKEY_ERR_HTTP_STATUS || S->ev.err == MISSKEY_ERR_HTTP_SYNTAX);
            CHECK(!next(S));
        }
    }
    PASS();
}

TEST server_shows_the_request(void)
{
    static const struct { const char *target, *headers, *token, *path, *protocols; } cases[] = {
        { "/streaming", "", NULL, "/streaming", NULL },
        { "/streaming?i=a%20b%2Bc%C3%A9", "", "a b+c\xC3\xA9", "/streaming", NULL },
        { "/streaming?a=1&i=tok&i=second", "", "tok", "/streaming", NULL },
        { "/streaming?xi=no", "", NULL, "/streaming", NULL },
        { "/s?i=query", "Authorization: Bearer header\r\n", "header", "/s", NULL },
        { "/s?i=query", "Authorization: Basic abc\r\n", "query", "/s", NULL },
        { "/s", "Sec-WebSocket-Protocol: alpha, beta\r\n", NULL, "/s", "alpha, beta" },
    };
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        sprintf((char *)wire, "GET %s HTTP/1.1\r\nHost: h\r\n%s" UP VERSION ASK_KEY "\r\n", cases[i].target,
                cases[i].headers);
        CASE("%s %s", cases[i].target, cases[i].headers);
        describe(S, 256, 256);
        CHECK(play_head(S, (char *)wire, strlen((char *)wire), 7) && S->ev.type == MISSKEY_WS_EVENT_UPGRADE);
        CHECK(is(S->ev.text, cases[i].path));
        CHECK(is(S->ev.token, cases[i].token) && is(S->ev.protocols, cases[i].protocols));
        CHECK(misskey_ws_accept(&S->ws, "") == MISSKEY_ERR_BAD_ARG);
        CHECK(misskey_ws_accept(&S->ws, "a b") == MISSKEY_ERR_BAD_ARG);
        CHECK(misskey_ws_reject(&S->ws, 299) == MISSKEY_ERR_BAD_ARG);
        CHECK(misskey_ws_reject(&S->ws, 600) == MISSKEY_ERR_BAD_ARG);
        CHECK(misskey_ws_send(&S->ws, "x", 1, false) == MISSKEY_ERR_BAD_STATE);
        if (i & 1) {
            CHECK(misskey_ws_reject(&S->ws, 401) == MISSKEY_ERR_OK && !next(S) && drain(S));
            CHECK(strncmp((char *)out, "HTTP/1.1 401 ", 13) == 0 && closed_as(S, MISSKEY_ERR_HTTP_STATUS, 401));
        } else {
            CHECK(misskey_ws_accept(&S->ws, "beta") == MISSKEY_ERR_OK && next_is(S, MISSKEY_WS_EVENT_OPEN) && drain(S));
            CHECK(strstr((char *)out, "\r\nSec-WebSocket-Protocol: beta\r\n") != NULL);
        }
        CHECK(misskey_ws_accept(&S->ws, NULL) == MISSKEY_ERR_BAD_STATE);
        CHECK(misskey_ws_reject(&S->ws, 401) == MISSKEY_ERR_BAD_STATE);
    }
    PASS();
}

/* ---- frames ---- */

/* RFC 6455 section 5.2 as a table of what the first two bytes may be. within: a fragmented message is under way. */
static bool header_allowed(bool server, bool within, unsigned b0, unsigned b1)
{
    static const char ops[17] = "mdd-----ccc-----"; /* more, data, control */
    const char kind = ops[b0 & 15];
    if (kind == '-' || (b0 & 0x70) != 0 || (b1 >= 128) != server) return false;
    if (kind == 'c') return b0 >= 128 && (b1 & 127) < 126;
    return (kind == 'm') == within;
}

TEST every_header(endpoint *e, bool within)
{
    static misskey_ws start;
    unsigned b0, b1;
    ASSERT(open_sized(e, 256, 256));
    if (within) ASSERT(feed_frame(e, 0x01, "a", 1) && !next(e));
    start = e->ws;
    for (b0 = 0; b0 < 256; b0++) {
        for (b1 = 0; b1 < 256; b1++) {
            const uint8_t head[6] = { (uint8_t)b0, (uint8_t)b1, 0, 0, 0, 0 };
            const bool whole = (b1 & 127) == 0;
            CASE("header %02x %02x", b0, b1);
            e->ws = start;
            CHECK(feed(e, head, 2));
            if (!header_allowed(e == S, within, b0, b1)) {
                CHECK(failed(e, MISSKEY_ERR_WS_PROTOCOL, 1002));
                continue;
            }
            CHECK((e == C && whole) || !next(e));
            CHECK(e == C || feed(e, head + 2, 4)); /* the mask */
            if (whole && (b0 & 15) == 8) CHECK(closed_as(e, MISSKEY_ERR_OK, 1005));
            else CHECK(next(e) == (whole && b0 >= 128 && (b0 & 15) < 3));
        }
    }
    PASS();
}

TEST length_forms(endpoint *e)
{
    static const struct { unsigned form; uint64_t len; bool good; } forms[] = {
        { 126, 0, false }, { 126, 125, false }, { 126, 126, true }, { 126, 65535, true }, { 127, 0, false },
        { 127, 65535, false }, { 127, 65536, true }, { 127, 0xFFFFFFFE, true }, { 127, 0xFFFFFFFF, true },
        { 127, UINT64_MAX >> 1, true }, { 127, (UINT64_MAX >> 1) + 1, false }, { 127, UINT64_MAX, false },
    };
    size_t i, k;
    for (i = 0; i < sizeof forms / sizeof *forms; i++) {
        const unsigned size = forms[i].form == 126 ? 2 : 8;
        uint8_t head[14] = { 0x82, (uint8_t)((e == S ? 0x80 : 0) | forms[i].form) };
        for (k = 0; k < size; k++) head[2 + k] = (uint8_t)(forms[i].len >> (8 * (size - 1 - k)));
        CASE("form %u length %lu", forms[i].form, (unsigned long)forms[i].len);
        describe(e, 256, 256);
        e->desc.max_message = 0xFFFFFFFE;
        CHECK(open_it(e) && feed(e, head, 2 + size + (e == S ? 4 : 0)));
        if (!forms[i].good) CHECK(failed(e, MISSKEY_ERR_WS_PROTOCOL, 1002));
        else if (forms[i].len > 0xFFFFFFFE) CHECK(failed(e, MISSKEY_ERR_TOO_BIG, 1009));
        else CHECK(!next(e) && drain(e) == 0);
    }
    PASS();
}

/* Messages of random sizes cut into random fragments, pings with payloads in between, fed in random pieces. */
TEST fragments_and_pings(endpoint *e)
{
    static const uint8_t text[] = "a\xC3\xA9\xE6\xBC\xA2\xF0\x9F\x98\x80"; /* 10 bytes */
    static uint8_t message[5000], stream[80000];
    char ping[40];
    unsigned round;
    for (round = 0; round < 300; round++) {
        const size_t size = 10 * (rnd(4) > 0 ? rnd(30) : rnd(501));
        const bool binary = rnd(2) == 1;
        size_t at = 0, len = 0, n, pings = 0, pongs = 0;
        unsigned op = binary ? 2 : 1;
        bool last = false, arrived = false;
        for (n = 0; n < size; n++) message[n] = binary ? (uint8_t)rnd(256) : text[n % 10];
        while (!last) {
            const size_t part = rnd(5) == 0 ? 0 : rnd(2) ? size - at : rnd((uint32_t)(size - at) + 1);
            for (n = rnd(3); n > 0; n--) {
                sprintf(ping, "%*u", (int)(1 + pings % 30), (unsigned)pings);
                len += put_frame(e, stream + len, 0x89, ping, strlen(ping));
                pings++;
            }
            last = at + part == size && rnd(2) == 1;
            len += put_frame(e, stream + len, (last ? 0x80 : 0) | op, message + at, part);
            at += part;
            op = 0;
        }
        CASE("round %u size %u", round, (unsigned)size);
        CHECK(open_sized(e, MISSKEY_RX_SIZE(5000), 70000));
        for (at = 0; at < len; at += n) {
            n = 1 + rnd(round & 1 ? 7 : 6000);
            n = misskey_ws_feed(&e->ws, stream + at, n < len - at ? n : len - at);
            while (next(e)) {
                CHECK(!arrived && e->ev.type == MISSKEY_WS_EVENT_MESSAGE && e->ev.binary == binary);
                CHECK(e->ev.text.len == size && memcmp(e->ev.text.ptr, message, size) == 0);
                arrived = true;
            }
        }
        CHECK(arrived && at == len);
        drain(e);
        for (out_at = 0; pongs < pings; pongs++) {
            sprintf(ping, "%*u", (int)(1 + pongs % 30), (unsigned)pongs);
            CHECK(take(e, 10, ping, strlen(ping)));
        }
        CHECK(out_at == out_len);
    }
    PASS();
}

TEST pings_beyond_room(endpoint *e)
{
    char payload[126];
    unsigned i, answered;
    for (i = 0; i < 100; i++) {
        CASE("ping %u", i);
        if (i == 0) CHECK(open_sized(e, 256, 256));
        memset(payload, (int)('A' + i % 50), 125);
        CHECK(feed_frame(e, 0x89, payload, i) && !next(e));
    }
    CHECK(feed_frame(e, 0x8A, "a pong is no ping", 17) && !next(e));
    drain(e); /* in order while there was room, then the latest */
    for (out_at = 0, i = 0, answered = 0; out_at < out_len && take_frame(e); answered++, i++) {
        CASE("pong %u", i);
        CHECK(got.op == 10 && got.len == (out_at < out_len ? i : 99));
    }
    CHECK(out_at == out_len && answered >= 2 && got.data[0] == 'A' + 49);
    PASS();
}

TEST close_codes(endpoint *e)
{
    unsigned code;
    for (code = 0; code <= 5000; code++) {
        const bool valid = (code >= 1000 && code < 1015 && code != 1004 && code != 1005 && code != 1006) ||
                           (code >= 3000 && code < 5000);
        const uint8_t payload[5] = { (uint8_t)(code >> 8), (uint8_t)code, 'b', 'y', 'e' };
        misskey_err err;
        CASE("code %u", code);
        CHECK(open_sized(e, 256, 256) && feed_frame(e, 0x88, payload, code & 1 ? 5 : 2));
        if (valid) {
            while (next(e)) {}
            drain(e);
            out_at = 0;
            CHECK(take_close(e, code) && out_at == out_len && closed_as(e, MISSKEY_ERR_OK, code));
            CHECK(e->ev.text.len == (code & 1 ? 3u : 0u) && (e->ev.text.len == 0 || is(e->ev.text, "bye")));
        } else {
            CHECK(failed(e, MISSKEY_ERR_WS_PROTOCOL, 1002));
        }
        CHECK(open_it(e));
        err = misskey_ws_close(&e->ws, (uint16_t)code, NULL);
        CHECK(err == (valid || code == 0 ? MISSKEY_ERR_OK : MISSKEY_ERR_BAD_ARG));
        if (err != MISSKEY_ERR_OK) continue;
        CHECK(drain(e) && feed_frame(e, 0x88, NULL, 0) && closed_as(e, MISSKEY_ERR_OK, code == 0 ? 1005 : code));
    }
    PASS();
}

TEST close_reasons(endpoint *e)
{
    uint8_t payload[125] = { 3, 0xE8 };
    char reason[126];
    CASE("length 1");
    CHECK(open_sized(e, 256, 256) && feed_frame(e, 0x88, "\x03", 1) && failed(e, MISSKEY_ERR_WS_PROTOCOL, 1002));
    CASE("bad UTF-8");
    memcpy(payload + 2, "a\xED\xA0\x80", 4);
    CHECK(open_it(e) && feed_frame(e, 0x88, payload, 6) && failed(e, MISSKEY_ERR_WS_UTF8, 1007));
    CASE("cut UTF-8");
    memcpy(payload + 2, "a\xE2\x82", 3);
    CHECK(open_it(e) && feed_frame(e, 0x88, payload, 5) && failed(e, MISSKEY_ERR_WS_UTF8, 1007));
    CASE("our own");
    memset(reason, 'r', sizeof reason);
    reason[124] = 0;
    CHECK(open_it(e) && misskey_ws_close(&e->ws, 1000, reason) == MISSKEY_ERR_BAD_ARG);
    CHECK(misskey_ws_close(&e->ws, 0, "x") == MISSKEY_ERR_BAD_ARG);
    CHECK(misskey_ws_close(&e->ws, 1000, "\xC0\x80") == MISSKEY_ERR_BAD_UTF8);
    reason[123] = 0;
    CHECK(misskey_ws_close(&e->ws, 4321, reason) == MISSKEY_ERR_OK);
    CHECK(misskey_ws_close(&e->ws, 1000, NULL) == MISSKEY_ERR_BAD_STATE);
    CHECK(misskey_ws_send(&e->ws, "x", 1, true) == MISSKEY_ERR_BAD_STATE);
    drain(e);
    out_at = 0;
    CHECK(take_close(e, 4321) && got.len == 125 && memcmp(got.data + 2, reason, 123) == 0 && out_at == out_len);
    CHECK(feed_frame(e, 0x81, "late", 4) && next_is(e, MISSKEY_WS_EVENT_MESSAGE) && is(e->ev.text, "late") && !next(e));
    CHECK(feed_frame(e, 0x88, "\x03\xE9" "answer", 8) && closed_as(e, MISSKEY_ERR_OK, 4321));
    PASS();
}

/* May bytes[0..n) be the beginning of UTF-8 text? From the definition: fill what is missing of the last character with
   the least and the greatest continuation bytes and see if a scalar value in the range of its length lies between. */
static bool may_be_utf8(const uint8_t *bytes, size_t n, bool *complete)
{
    static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t i = 0, k, len;
    for (*complete = true; i < n; i += len) {
        const unsigned c = bytes[i];
        uint32_t low, high;
        if (c >= 0xF8 || (c & 0xC0) == 0x80) return false;
        len = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
        low = high = len == 1 ? c : c & (0x7Fu >> len);
        for (k = 1; k < len; k++) {
            const bool here = i + k < n;
            if (here && (bytes[i + k] & 0xC0) != 0x80) return false;
            low = low << 6 | (here ? bytes[i + k] & 0x3Fu : 0u);
            high = high << 6 | (here ? bytes[i + k] & 0x3Fu : 0x3Fu);
            *complete = *complete && here;
        }
        if (high < least[len] || low > 0x10FFFF || (low >= 0xD800 && high <= 0xDFFF)) return false;
    }
    return true;
}

/* Strings of up to 5 bytes around every border: bad ones fail with the first byte that cannot be right and not before,
   in one piece, byte by byte, and cut into two frames at every place. */
TEST utf8_fails_fast(endpoint *e)
{
    static const uint8_t edge[] = { 0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0,
                                    0xE1, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF };
    static misskey_ws start;
    unsigned round;
    ASSERT(open_sized(e, 256, 256));
    start = e->ws;
    for (round = 0; round < 40000; round++) {
        uint8_t text[6];
        const size_t len = 1 + rnd(5), cut = rnd((uint32_t)len + 1);
        size_t bad, i, n;
        bool complete = true, alive;
        for (i = 0; i < len; i++) text[i] = edge[rnd(sizeof edge)];
        for (bad = 0; bad < len && may_be_utf8(text, bad + 1, &complete); bad++) {}
        CASE("%u: %02x %02x %02x %02x %02x (%u), cut at %u", round, text[0], text[1], text[2], text[3], text[4],
             (unsigned)len, (unsigned)cut);
        e->ws = start;
        if (round % 3 == 0) { /* in one piece */
            CHECK(feed_frame(e, 0x81, text, len));
            alive = bad == len && complete;
            if (alive) CHECK(next_is(e, MISSKEY_WS_EVENT_MESSAGE) && e->ev.text.len == len);
            else CHECK(failed(e, MISSKEY_ERR_WS_UTF8, 1007));
            continue;
        }
        n = put_frame(e, wire, 0x01, text, cut);
        n += put_frame(e, wire + n, 0x80, text + cut, len - cut);
        for (i = 0, alive = true; i < n && alive; i++) {
            const size_t head = e == S ? 6 : 2, seen = i < head ? 0 : i < head + cut ? i - head + 1 :
                                i < 2 * head + cut ? cut : i - 2 * head + 1;
            CHECK(feed(e, wire + i, 1));
            alive = seen <= bad && (i + 1 < n || complete);
            if (!alive) CHECK(failed(e, MISSKEY_ERR_WS_UTF8, 1007));
            else CHECK(next(e) == (i + 1 == n) && drain(e) == 0);
        }
    }
    PASS();
}

/* ---- sending ---- */

/* Five messages, a pong and a Close: seven calls for entropy after that of the upgrade. */
TEST entropy_and_masks(void)
{
    int fails_at, i;
    for (fails_at = 1; fails_at <= 9; fails_at++) {
        bool dead = false;
        int frames = 0;
        CASE("fails at call %d", fails_at);
        describe(C, 256, 2048);
        entropy_fails_at = fails_at;
        if (fails_at == 1) {
            CHECK(begin(C) && drain(C) == 0 && closed_as(C, MISSKEY_ERR_ENTROPY, 0) && !next(C));
            continue;
        }
        CHECK(open_it(C));
        for (i = 0; i < 7 && !dead; i++) {
            misskey_err err = MISSKEY_ERR_OK;
            if (i < 5) err = misskey_ws_send(&C->ws, "unmasked", 8, false);
            else if (i == 5) CHECK(feed_frame(C, 0x89, "unmasked", 8));
            else err = misskey_ws_close(&C->ws, 1000, "unmasked");
            while (next(C)) dead = C->ev.type == MISSKEY_WS_EVENT_CLOSED && C->ev.err == MISSKEY_ERR_ENTROPY;
            CHECK(i >= 5 || dead == (err == MISSKEY_ERR_ENTROPY));
            drain(C);
            CHECK(memcmp(C->tx, "unmasked", 8) != 0 && strstr((char *)out, "unmasked") == NULL);
            for (out_at = 0; out_at < out_len; frames++) {
                CHECK(take_frame(C) && out[out_at - got.len - 4] == (uint8_t)((frames + 2) * 53 + 1));
            }
        }
        CHECK(dead == (fails_at < 9) && frames == (dead ? fails_at - 2 : 7) && (!dead || !next(C)));
    }
    PASS();
}

/* Messages until tx is full, then a Close: nothing is cut, the Close always fits, and refusals change nothing. */
TEST tx_full(endpoint *e)
{
    static char text[800];
    size_t tx, len;
    memset(text, 't', sizeof text);
    for (tx = 256; tx < 700; tx += 3) {
        for (len = 0; len <= 460; len += 1 + len / 7) {
            const size_t header = (len < 126 ? 2u : 4u) + (e == C ? 4u : 0u);
            unsigned sent = 0, taken = 0;
            misskey_err err;
            CASE("tx %u message %u", (unsigned)tx, (unsigned)len);
            CHECK(open_sized(e, 256, tx));
            while ((err = misskey_ws_send(&e->ws, text, len, false)) == MISSKEY_ERR_OK) sent++;
            CHECK(err == (sent > 0 ? MISSKEY_ERR_WOULD_BLOCK : MISSKEY_ERR_TOO_SMALL));
            CHECK(sent == (tx - 131 < header ? 0 : (tx - 131) / (header + len)));
            CHECK(tx < MISSKEY_TX_SIZE(len) || sent > 0);
            CHECK(misskey_ws_send(&e->ws, "\xFF", 1, false) != MISSKEY_ERR_OK);
            CHECK(feed_frame(e, 0x89, text, 125) && !next(e)); /* a pong that has to wait must not disturb */
            memset(text, 'c', 123);
            text[123] = 0;
            CHECK(misskey_ws_close(&e->ws, 1000, text) == MISSKEY_ERR_OK);
            memset(text, 't', 124);
            drain(e);
            for (out_at = 0; taken < sent; taken++) CHECK(take(e, 1, text, len));
            CHECK(take_frame(e) && (got.op == 8 || (got.op == 10 && got.len == 125 && take_frame(e))));
            CHECK(got.op == 8 && got.len == 125 && out_at == out_len);
        }
    }
    PASS();
}

/* ---- receiving ---- */

static bool feed_until_event(endpoint *e, const uint8_t *data, size_t len, size_t *at)
{
    while (!next(e)) {
        if (*at == len) return false;
        *at += misskey_ws_feed(&e->ws, data + *at, len - *at);
    }
    return true;
}

TEST rx_sizes(endpoint *e)
{
    static uint8_t text[70000];
    size_t n, extra, cut, total, len;
    memset(text, 'x', sizeof text);
    for (n = 1; n < 69000; n += 1 + n / 60) {
        for (extra = 0; extra < 3; extra++) {
            const size_t holds = MISSKEY_RX_SIZE(n) - 14;
            const bool fits = extra == 0;
            cut = rnd((uint32_t)holds);
            total = holds + extra;
            CASE("rx for %u, message of %u, cut at %u", (unsigned)n, (unsigned)total, (unsigned)cut);
            CHECK(open_sized(e, MISSKEY_RX_SIZE(n), 256));
            len = put_frame(e, wire, 0x02, text, cut);
            len += put_frame(e, wire + len, 0x80, text, total - cut);
            len += put_frame(e, wire + len, 0x81, "next", 4);
            cut = 0;
            CHECK(feed_until_event(e, wire, len, &cut));
            CHECK(e->ev.type == (fits ? MISSKEY_WS_EVENT_MESSAGE : MISSKEY_WS_EVENT_DROPPED) && e->ev.binary);
            CHECK(e->ev.text.len == (fits ? total : holds - (holds / 4 < 4096 ? holds / 4 : 4096)));
            CHECK(fits || e->ev.size == total);
            CHECK(memcmp(e->ev.text.ptr, text, e->ev.text.len) == 0);
            CHECK(feed_until_event(e, wire, len, &cut));
            CHECK(e->ev.type == MISSKEY_WS_EVENT_MESSAGE && is(e->ev.text, "next") && cut == len);
        }
    }
    PASS();
}

TEST max_message(endpoint *e)
{
    static uint8_t text[1001];
    size_t total, len;
    describe(e, 256, 256);
    e->desc.max_message = 1000;
    CASE("exactly");
    CHECK(open_it(e) && !feed_frame(e, 0x82, text, 1000));
    while (!next(e)) CHECK(misskey_ws_feed(&e->ws, text, 100) > 0);
    CHECK(e->ev.type == MISSKEY_WS_EVENT_DROPPED && e->ev.size == 1000);
    CASE("one more, as soon as announced");
    put_frame(e, wire, 0x82, text, 1001);
    CHECK(open_it(e) && feed(e, wire, e == S ? 8 : 4) && failed(e, MISSKEY_ERR_TOO_BIG, 1009));
    CASE("what is too large is read in pieces of a quarter of rx");
    e->desc.max_message = 0;
    describe(e, 4096, 256);
    put_frame(e, wire, 0x82, wire, 1 << 16);
    CHECK(open_it(e) && feed(e, wire, e == S ? 14 : 10));
    for (total = 0; total < 1 << 16; total += len) {
        CHECK(!next(e) && misskey_ws_recv_buf(&e->ws, &len) != NULL && len >= 1000);
        misskey_ws_recv_ack(&e->ws, len);
    }
    describe(e, 256, 256);
    e->desc.max_message = 1000;
    CASE("sum of fragments");
    CHECK(open_it(e) && feed_frame(e, 0x02, text, 100) && !next(e) && feed_frame(e, 0x00, text, 100) && !next(e));
    put_frame(e, wire, 0x00, text, 801);
    CHECK(feed(e, wire, e == S ? 8 : 4) && failed(e, MISSKEY_ERR_TOO_BIG, 1009));
    PASS();
}

/* A text that is here whole is not taken because it is. */
TEST whole_texts(endpoint *e)
{
    static const uint8_t text[301] = { 'x' };
    uint8_t frame[14] = { 0x81, (uint8_t)((e == S ? 0x80 : 0) | 126), 0, 5 };
    describe(e, 512, 256);
    CASE("a length that is longer than it needs to be");
    CHECK(open_it(e) && feed(e, frame, e == S ? 13 : 9) && failed(e, MISSKEY_ERR_WS_PROTOCOL, 1002));
    e->desc.max_message = 300;
    CASE("of the greatest length");
    CHECK(open_it(e) && feed_frame(e, 0x81, text, 300) && next_is(e, MISSKEY_WS_EVENT_MESSAGE));
    e->desc.max_message = 299;
    CASE("one more");
    CHECK(open_it(e) && feed_frame(e, 0x81, text, 300) && failed(e, MISSKEY_ERR_TOO_BIG, 1009));
    CASE("of the size that is kept, and one more, though rx has room for its short header");
    CHECK(open_sized(e, 314, 256));
    CHECK(feed_frame(e, 0x81, text, 300) && next_is(e, MISSKEY_WS_EVENT_MESSAGE) && !next(e));
    CHECK(feed_frame(e, 0x81, text, 301) && next_is(e, MISSKEY_WS_EVENT_DROPPED) && e->ev.size == 301);
    PASS();
}

TEST ports(endpoint *e)
{
    size_t len, more;
    uint8_t *p;
    CHECK(open_sized(e, 300, 256));
    CASE("recv_ack moves nothing");
    p = misskey_ws_recv_buf(&e->ws, &len);
    len = put_frame(e, p, 0x81, "abc", 3);
    misskey_ws_recv_ack(&e->ws, len);
    CHECK(misskey_ws_recv_buf(&e->ws, &more) == p + len && next_is(e, MISSKEY_WS_EVENT_MESSAGE));
    len = put_frame(e, misskey_ws_recv_buf(&e->ws, &more), 0x81, "d", 1);
    misskey_ws_recv_ack(&e->ws, len);
    CHECK(is(e->ev.text, "abc") && next_is(e, MISSKEY_WS_EVENT_MESSAGE) && is(e->ev.text, "d") && !next(e));
    CASE("spurious calls");
    misskey_ws_recv_ack(&e->ws, 0);
    misskey_ws_send_ack(&e->ws, 100);
    CHECK(misskey_ws_feed(&e->ws, NULL, 0) == 0 && misskey_ws_send_buf(&e->ws, &len) == NULL && len == 0);
    CHECK(!next(e) && !next(e) && misskey_ws_accept(&e->ws, NULL) == MISSKEY_ERR_BAD_STATE);
    CASE("recv_ack of more than there is room for");
    p = misskey_ws_recv_buf(&e->ws, &len);
    memset(p, e == S ? 0x80 : 0x00, len);
    put_frame(e, p, 0x82, wire, 200);
    misskey_ws_recv_ack(&e->ws, (size_t)-1);
    CHECK(misskey_ws_recv_buf(&e->ws, &more) == NULL && more == 0 && misskey_ws_feed(&e->ws, "x", 1) == 0);
    CHECK(next_is(e, MISSKEY_WS_EVENT_MESSAGE) && e->ev.text.len == 200);
    CASE("no transport");
    CHECK(misskey_ws_init(&e->ws, &e->desc) == MISSKEY_ERR_OK && !next(e) && drain(e) == 0);
    misskey_ws_transport_down(&e->ws);
    misskey_ws_tick(&e->ws, 5);
    CHECK(!next(e) && misskey_ws_recv_buf(&e->ws, &len) == NULL && misskey_ws_feed(&e->ws, "x", 1) == 0);
    CHECK(misskey_ws_timeout(&e->ws) == MISSKEY_FOREVER);
    CHECK(misskey_ws_close(&e->ws, 1000, NULL) == MISSKEY_ERR_BAD_STATE);
    CHECK(misskey_ws_send(&e->ws, "x", 1, true) == MISSKEY_ERR_BAD_STATE);
    PASS();
}

/* ---- time and the end ---- */

/* The only thing that happens next happens after exactly ms, and timeout says so on the way. */
static bool silent_until(endpoint *e, uint32_t *now, uint32_t ms)
{
    uint32_t step;
    if (next(e) || drain(e) > 0 || misskey_ws_timeout(&e->ws) != ms) return false;
    for (step = ms / 2; step < ms; step = step + (ms - step + 1) / 2 < ms ? step + (ms - step + 1) / 2 : ms - 1) {
        misskey_ws_tick(&e->ws, *now + step);
        if (next(e) || drain(e) > 0 || misskey_ws_timeout(&e->ws) != ms - step) return false;
        if (step == ms - 1) break;
    }
    *now += ms;
    misskey_ws_tick(&e->ws, *now);
    return true;
}

TEST timers(endpoint *e, bool own)
{
    const uint32_t handshake = own ? 700 : 10000, ping = own ? 900 : 75000;
    const uint32_t pong = own ? 300 : 15000, close = own ? 400 : 5000;
    uint32_t now = START;
    describe(e, 256, 256);
    if (own) {
        e->desc.handshake_ms = handshake;
        e->desc.ping_ms = ping;
        e->desc.pong_ms = pong;
        e->desc.close_ms = close;
    }
    CASE("handshake");
    CHECK(begin(e) && feed_str(e, e == C ? SWITCH : ASK) && !next(e) && drain(e) == (e == C ? out_len : 0));
    CHECK(silent_until(e, &now, handshake));
    CHECK(misskey_ws_timeout(&e->ws) == 0 && closed_as(e, MISSKEY_ERR_TIMEOUT, 0) && !next(e));
    CASE("ping");
    now = START;
    CHECK(open_it(e) && silent_until(e, &now, ping) && drain(e) > 0);
    out_at = 0;
    CHECK(take_frame(e) && got.op == 9 && out_at == out_len);
    CASE("pong and silence again");
    misskey_ws_tick(&e->ws, now += pong - 1);
    CHECK(feed_frame(e, 0x8A, NULL, 0) && silent_until(e, &now, ping) && drain(e) > 0);
    CASE("no pong");
    CHECK(silent_until(e, &now, pong) && closed_as(e, MISSKEY_ERR_TIMEOUT, 1006) && !next(e));
    CASE("close");
    now = START;
    CHECK(open_it(e) && misskey_ws_close(&e->ws, 1001, NULL) == MISSKEY_ERR_OK && drain(e) > 0);
    CHECK(silent_until(e, &now, close) && closed_as(e, MISSKEY_ERR_TIMEOUT, 1001) && !next(e));
    CHECK(misskey_ws_timeout(&e->ws) == MISSKEY_FOREVER);
    PASS();
}

/* The transport ends after every byte of a whole life: CLOSED comes once, last, and a new transport works. */
TEST transport_ends_anywhere(endpoint *e)
{
    static char stream[2000];
    size_t head, len, cut, n;
    head = (size_t)sprintf(stream, "%s\r\n", e == C ? SWITCH UP ACCEPT : ASK UP VERSION ASK_KEY);
    len = head + put_frame(e, (uint8_t *)stream + head, 0x01, "frag", 4);
    len += put_frame(e, (uint8_t *)stream + len, 0x89, "ping", 4);
    len += put_frame(e, (uint8_t *)stream + len, 0x80, "ment", 4);
    n = len += put_frame(e, (uint8_t *)stream + len, 0x82, "x", 1);
    len += put_frame(e, (uint8_t *)stream + len, 0x88, "\x03\xE8", 2);
    for (cut = 0; cut <= len; cut++) {
        int messages = 0, turn;
        CASE("end after %u of %u", (unsigned)cut, (unsigned)len);
        describe(e, 256, 256);
        CHECK(begin(e) && feed(e, stream, cut));
        for (turn = 0; turn < 2; turn++) {
            while (next(e) && e->ev.type != MISSKEY_WS_EVENT_CLOSED) {
                if (e->ev.type == MISSKEY_WS_EVENT_UPGRADE) CHECK(misskey_ws_accept(&e->ws, NULL) == MISSKEY_ERR_OK);
                messages += e->ev.type == MISSKEY_WS_EVENT_MESSAGE;
            }
            if (turn == 0) misskey_ws_transport_down(&e->ws);
            CHECK(turn > 0 || drain(e) == 0);
        }
        CHECK(messages == (cut >= n ? 2 : cut >= n - (e == S ? 7 : 3) ? 1 : 0));
        CHECK(e->ev.type == MISSKEY_WS_EVENT_CLOSED);
        CHECK(e->ev.err == (cut == len ? MISSKEY_ERR_OK : MISSKEY_ERR_TRANSPORT));
        CHECK(e->ev.code == (cut < head ? 0 : cut < len ? 1006 : 1000));
        misskey_ws_transport_down(&e->ws);
        CHECK(!next(e) && drain(e) == 0 && !feed(e, "x", 1) && misskey_ws_timeout(&e->ws) == MISSKEY_FOREVER);
        CHECK(open_it(e) && feed_frame(e, 0x81, "new", 3));
        CHECK(next_is(e, MISSKEY_WS_EVENT_MESSAGE) && is(e->ev.text, "new"));
    }
    PASS();
}

/* ---- the two against each other ---- */

static void carry(endpoint *from, endpoint *to)
{
    size_t n;
    const uint8_t *p = misskey_ws_send_buf(&from->ws, &n);
    if (p != NULL) misskey_ws_send_ack(&from->ws, misskey_ws_feed(&to->ws, p, 1 + rnd((uint32_t)n)));
}

TEST client_and_server(void)
{
    enum { COUNT = 3000 };
    static uint32_t sent[2][COUNT], size;
    unsigned heads[2] = { 0, 0 }, tails[2] = { 0, 0 }, closed = 0, i;
    uint8_t text[260];
    describe(C, 256, 512);
    describe(S, 256, 300);
    C->desc.token = "secret";
    ASSERT(begin(C) && begin(S));
    CASE("loop");
    while (closed < 2) {
        endpoint *const e = rnd(2) ? C : S;
        const unsigned me = e == S;
        size = rnd(140);
        for (i = 0; i < size; i++) text[i] = (uint8_t)(i * 7 + size);
        if (heads[me] < COUNT && misskey_ws_send(&e->ws, text, size, true) == MISSKEY_ERR_OK) {
            sent[me][heads[me]++] = size;
        }
        carry(e, e == C ? S : C);
        if (!next(e)) continue;
        if (e->ev.type == MISSKEY_WS_EVENT_UPGRADE) {
            CHECK(is(e->ev.token, "secret") && misskey_ws_accept(&S->ws, NULL) == MISSKEY_ERR_OK);
        }
        if (e->ev.type == MISSKEY_WS_EVENT_CLOSED) {
            CHECK(e->ev.err == MISSKEY_ERR_OK && e->ev.code == 3000);
            closed++;
        }
        if (e->ev.type != MISSKEY_WS_EVENT_MESSAGE) continue;
        CHECK(tails[!me] < heads[!me] && e->ev.text.len == sent[!me][tails[!me]++]);
        for (i = 0; i < e->ev.text.len; i++) CHECK((uint8_t)e->ev.text.ptr[i] == (uint8_t)(i * 7 + e->ev.text.len));
        if (tails[0] == COUNT && tails[1] == COUNT) CHECK(misskey_ws_close(&e->ws, 3000, "done") == MISSKEY_ERR_OK);
    }
    PASS();
}

SUITE(handshake)
{
    RUN_TEST(client_reads_answers);
    RUN_TEST(heads_larger_than_rx);
    RUN_TEST(client_writes_request);
    RUN_TEST(init_refuses);
    RUN_TEST(server_reads_requests);
    RUN_TEST(server_shows_the_request);
}

SUITE(frames)
{
    endpoint *const both[2] = { C, S };
    int i;
    for (i = 0; i < 2; i++) {
        RUN_TESTp(every_header, both[i], false);
        RUN_TESTp(every_header, both[i], true);
        RUN_TESTp(length_forms, both[i]);
        RUN_TESTp(fragments_and_pings, both[i]);
        RUN_TESTp(pings_beyond_room, both[i]);
        RUN_TESTp(close_codes, both[i]);
        RUN_TESTp(close_reasons, both[i]);
        RUN_TESTp(utf8_fails_fast, both[i]);
        RUN_TESTp(tx_full, both[i]);
        RUN_TESTp(rx_sizes, both[i]);
        RUN_TESTp(max_message, both[i]);
        RUN_TESTp(whole_texts, both[i]);
        RUN_TESTp(ports, both[i]);
        RUN_TESTp(timers, both[i], false);
        RUN_TESTp(timers, both[i], true);
        RUN_TESTp(transport_ends_anywhere, both[i]);
    }
    RUN_TEST(entropy_and_masks);
    RUN_TEST(client_and_server);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(handshake);
    RUN_SUITE(frames);
    GREATEST_MAIN_END();
}
