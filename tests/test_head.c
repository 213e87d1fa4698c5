/* HTTP heads of the websocket section: what opens, what asks, and what is refused, in both roles. */
#include "heads.h"

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
    { "any minor version", "HTTP/1.9 101 x\r\n" UP ACCEPT "\r\n", OPENS },
    { "no phrase, no space", "HTTP/1.1 101\r\n" UP ACCEPT "\r\n", OPENS },
    { "empty lines first", "\r\n\n\r\n" SWITCH UP ACCEPT "\r\n", OPENS },
    { "three before it", "HTTP/1.1 100 x\r\n\r\nHTTP/1.0 102\n\nHTTP/1.1 199 \r\nnonsense: x\r\n\r\n" SWITCH UP ACCEPT
      "\r\n", OPENS },
    { "folded lines", SWITCH "Upgrade:\r\n websocket\r\nConnection: keep-alive\r\n\t , \n Upgrade\r\n \r\n"
      "Sec-WebSocket-Accept: \r\n s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n \r\nX: y\n z\r\n\r\n", OPENS },
    { "space before colon", SWITCH "Upgrade : websocket\r\nConnection \t: Upgrade\r\n" ACCEPT "\r\n", OPENS },
    { "obs-text", "HTTP/1.1 101 \x80\xFF\r\nServer: \xE9\x80\r\n" UP ACCEPT "\r\n", OPENS },
    { "list of one with empty elements", SWITCH "Upgrade: , websocket ,,\r\nConnection: upgrade\r\n" ACCEPT "\r\n",
      OPENS },
    { "Upgrade twice the same", SWITCH "Upgrade: websocket\r\n" UP ACCEPT "\r\n", OPENS },
    { "extensions, but none", SWITCH UP ACCEPT "Sec-WebSocket-Extensions: , ,\r\n\r\n", OPENS },
    { "a length, which means nothing here", SWITCH "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
      UP ACCEPT "\r\n", OPENS },
    { "offered protocol", SWITCH UP ACCEPT "Sec-WebSocket-Protocol: beta\r\n\r\n", OPENS },
    { "wrong accept", SWITCH UP "Sec-WebSocket-Accept: t3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", MISFIT },
    { "accept in other case", SWITCH UP "Sec-WebSocket-Accept: S3PPLMBITXAQ9KYGZZHZRBK+XOO=\r\n\r\n", MISFIT },
    { "accept cut", SWITCH UP "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo\r\n\r\n", MISFIT },
    { "no accept", SWITCH UP "\r\n", MISFIT },
    { "two accepts", SWITCH UP ACCEPT ACCEPT "\r\n", MISFIT },
    { "no Upgrade", SWITCH "Connection: Upgrade\r\n" ACCEPT "\r\n", MISFIT },
    { "Upgrade to h2c", SWITCH "Connection: Upgrade\r\nUpgrade: h2c\r\n" ACCEPT "\r\n", MISFIT },
    { "Upgrade to both", SWITCH "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n" ACCEPT "\r\n", MISFIT },
    { "Upgrade to both, in two lines", SWITCH "Upgrade: h2c\r\n" UP ACCEPT "\r\n", MISFIT },
    { "empty Upgrade", SWITCH "Upgrade:\r\nConnection: Upgrade\r\n" ACCEPT "\r\n", MISFIT },
    { "accept cut by a fold", SWITCH UP "Sec-WebSocket-Accept: s3pPLMBiTxa\r\n Q9kYGzzhZRbK+xOo=\r\n\r\n", MISFIT },
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
    { "long headers of a refusal", "HTTP/1.1 404 " X300 "\r\nConnection: " X300 "\r\nUpgrade: " X300 "\r\n" X300 ": "
      X300 "\r\n " X300 "\r\nHost: " X300 "\r\n\r\n", STATUS 404 },
    { "interim answer with long headers", "HTTP/1.1 103 " X300 "\r\nConnection: " X300 "\r\nUpgrade: " X300 "\r\n\r\n"
      "HTTP/1.1 101 " X300 "\r\n" UP "Link: " X300 ",\r\n\t" X300 "\r\n " X300 "\r\n" ACCEPT "\r\n", OPENS },
    { "ssh", "SSH-2.0-OpenSSH_9.6\r\n", SYNTAX },
    { "TLS alert", "\x15\x03\x01\n", SYNTAX },
    { "HTTP/2", "HTTP/2 101 x\r\n" UP ACCEPT "\r\n", SYNTAX },
    { "short status", "HTTP/1.1 99 x\r\n\r\n", SYNTAX },
    { "long status", "HTTP/1.1 1010 x\r\n\r\n", SYNTAX },
    { "no colon", SWITCH UP "nonsense\r\n" ACCEPT "\r\n", SYNTAX },
    { "no name", SWITCH UP ": nonsense\r\n" ACCEPT "\r\n", SYNTAX },
    { "space in a name", SWITCH UP "non sense: x\r\n" ACCEPT "\r\n", SYNTAX },
    { "a long line without a name", SWITCH UP X100 "(" X300 "\r\n" ACCEPT "\r\n", SYNTAX },
    { "white space behind the status line", SWITCH " X: y\r\n" UP ACCEPT "\r\n", SYNTAX },
    { "bare CR in a value", SWITCH "X: a\rb\r\n" UP ACCEPT "\r\n", SYNTAX },
    { "control in a value", SWITCH "X: a\x7F\r\n" UP ACCEPT "\r\n", SYNTAX },
    { "status 099", "HTTP/1.1 099 x\r\n" UP ACCEPT "\r\n", SYNTAX },
    { "behind an interim answer", "HTTP/1.1 100 x\r\n\r\n<html>", SYNTAX },
    { "Accept that rx cannot hold", SWITCH UP "Sec-WebSocket-Accept: " X300 "\r\n\r\n", MISSKEY_ERR_TOO_BIG, 0 },
};

/* ---- answers ---- */

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
            CHECK(C->ev.retry_after == (a->code == 429 ? 17u : a->code == 503 ? 60u : 0u));
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

static void put_answer(unsigned status, int without, const char *extra)
{
    unsigned n;
    made.len = 0;
    made.answer = true;
    for (n = rnd(6) == 0 ? rnd(4) : 0; n > 0; n--) put_line_end();
    for (n = rnd(3) == 0 ? rnd(4) : 0; n > 0; n--) put_interim();
    put_status_line(status);
    put_lines(without, extra);
}

static const misskey_header offer_two[] = { { "Sec-WebSocket-Protocol", "alpha,  beta" } };

static void describe_client(size_t rx)
{
    describe(C, rx, 1024);
    C->desc.headers = offer_two;
    C->desc.num_headers = 1;
}

/* What is left of made is a frame. */
static bool rest_says_ok(endpoint *e)
{
    while (!next(e)) {
        const size_t n = misskey_ws_feed(&e->ws, made.text + played, made.len - played);
        played += n;
        if (n == 0) return false;
    }
    return e->ev.type == MISSKEY_WS_EVENT_MESSAGE && is(e->ev.text, "ok") && played == made.len && !next(e);
}

/* Any head that RFC 9112 allows opens, at any size of rx and in any pieces, and the frame behind it is read. */
TEST valid_answers_open(void)
{
    static const char *const extra[] = { NULL, "Sec-WebSocket-Protocol: beta\r\n", "sec-websocket-protocol:\n alpha \n",
                                         "Sec-WebSocket-Extensions: ,\r\n", "Content-Length: 7\r\n" };
    unsigned round;
    for (round = 0; round < 4000; round++) {
        size_t head;
        CASE("round %u", round);
        put_answer(101, -1, extra[rnd(SIZE(extra))]);
        head = made.len;
        put("\x81\x02ok");
        describe_client(256 + (rnd(2) ? rnd(600) : 0));
        CHECK(play_head(C, made.text, made.len, 0) && C->ev.type == MISSKEY_WS_EVENT_OPEN);
        CHECK(played >= head && rest_says_ok(C));
    }
    PASS();
}

TEST valid_refusals_are_refusals(void)
{
    unsigned round;
    for (round = 0; round < 2000; round++) {
        const unsigned status = round % 3 == 0 ? 102 + rnd(898) : 200 + rnd(400);
        CASE("round %u status %u", round, status);
        put_answer(status, rnd(2) ? (int)rnd(3) : -1, "Content-Length: 4\r\n");
        if (status < 200) put("HTTP/1.1 404\r\n\r\n");
        describe_client(256);
        CHECK(play_head(C, made.text, made.len, 0) && C->ev.type == MISSKEY_WS_EVENT_CLOSED);
        CHECK(C->ev.err == MISSKEY_ERR_HTTP_STATUS && C->ev.code == (status < 200 ? 404 : status));
        CHECK(C->ev.location.ptr == NULL && C->ev.retry_after == 0 && (status >= 200 || C->ev.text.ptr == NULL));
    }
    PASS();
}

/* One thing that is wrong in a head that is right: the error is that of this thing. */
TEST one_fault_in_an_answer(void)
{
    static const struct { int without; const char *extra; misskey_err err; } faults[] = {
        { 0, NULL, MISSKEY_ERR_WS_ACCEPT }, { 1, NULL, MISSKEY_ERR_WS_ACCEPT }, { 2, NULL, MISSKEY_ERR_WS_ACCEPT },
        { 2, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK-xOo=\r\n", MISSKEY_ERR_WS_ACCEPT },
        { 2, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo\r\n", MISSKEY_ERR_WS_ACCEPT },
        { 2, "Sec-WebSocket-Accept:\r\n", MISSKEY_ERR_WS_ACCEPT },
        { 0, "Upgrade: websockets\r\n", MISSKEY_ERR_WS_ACCEPT }, { 0, "Upgrade: , ,\r\n", MISSKEY_ERR_WS_ACCEPT },
        { 1, "Connection: upgrades\r\n", MISSKEY_ERR_WS_ACCEPT },
        { 1, "Connection: up grade\n", MISSKEY_ERR_WS_ACCEPT },
        { -1, ACCEPT, MISSKEY_ERR_WS_ACCEPT }, { -1, "Upgrade: h2c\r\n", MISSKEY_ERR_WS_ACCEPT },
        { -1, "Sec-WebSocket-Extensions: permessage-deflate\r\n", MISSKEY_ERR_WS_ACCEPT },
        { -1, "Sec-WebSocket-Extensions: ,,\n ,x\n", MISSKEY_ERR_WS_ACCEPT },
        { -1, "Sec-WebSocket-Protocol: gamma\r\n", MISSKEY_ERR_WS_ACCEPT },
        { -1, "Sec-WebSocket-Protocol: ALPHA\r\n", MISSKEY_ERR_WS_ACCEPT },
        { -1, "Sec-WebSocket-Protocol:\r\n", MISSKEY_ERR_WS_ACCEPT },
        { -1, "Sec-WebSocket-Protocol: beta\nSec-WebSocket-Protocol: beta\n", MISSKEY_ERR_WS_ACCEPT },
        { -1, ": x\r\n", MISSKEY_ERR_HTTP_SYNTAX }, { -1, "X\r\n", MISSKEY_ERR_HTTP_SYNTAX },
        { -1, "X Y: z\r\n", MISSKEY_ERR_HTTP_SYNTAX }, { -1, "X(: z\r\n", MISSKEY_ERR_HTTP_SYNTAX },
        { -1, "\xC3\xA9: z\r\n", MISSKEY_ERR_HTTP_SYNTAX }, { -1, "X: \001\r\n", MISSKEY_ERR_HTTP_SYNTAX },
        { -1, "X: \x7F\n", MISSKEY_ERR_HTTP_SYNTAX }, { -1, "X: a\rb\r\n", MISSKEY_ERR_HTTP_SYNTAX },
        { -1, "X: a\r\r\n", MISSKEY_ERR_HTTP_SYNTAX }, { -1, "HTTP/1.1 101\r\n", MISSKEY_ERR_HTTP_SYNTAX },
        { -1, X100 " " X300 "\r\n", MISSKEY_ERR_HTTP_SYNTAX },
        { -1, "Connection: " X300 "\r\n", MISSKEY_ERR_TOO_BIG }, { -1, "Upgrade:\n " X300 "\r\n", MISSKEY_ERR_TOO_BIG },
    };
    unsigned round;
    for (round = 0; round < 100 * SIZE(faults); round++) {
        const size_t i = round % SIZE(faults);
        const bool misfit = faults[i].err == MISSKEY_ERR_WS_ACCEPT;
        CASE("round %u fault %u", round, (unsigned)i);
        put_answer(101, faults[i].without, faults[i].extra);
        describe_client(256);
        CHECK(play_head(C, made.text, made.len, 0) && C->ev.type == MISSKEY_WS_EVENT_CLOSED);
        CHECK(C->ev.err == faults[i].err && C->ev.code == (misfit ? 101 : 0) && !next(C) && drain(C) == 0);
    }
    PASS();
}

/* A head may have 64 KiB; those before it do not count. */
TEST heads_are_limited(void)
{
    static char text[200000];
    const size_t most = 65536;
    size_t len = 0, i, extra;
    for (extra = 0; extra < 2; extra++) {
        for (i = 0, len = 0; i < 2; i++) { /* the interim answer has its own 64 KiB */
            const char *const first = i == 0 ? "HTTP/1.1 103 x\r\nX: " : "HTTP/1.1 101 x\r\n" UP ACCEPT "X: ";
            const size_t start = len;
            len += (size_t)sprintf(text + len, "%s", first);
            memset(text + len, 'x', most - (len - start) - 4);
            len = start + most - 4;
            memcpy(text + len, "x\r\n\r\n", 5);
            if (i == 1 && extra == 1) len += (size_t)sprintf(text + len, "x\r\n\r\n");
            else len += (size_t)sprintf(text + len, "\r\n\r\n");
        }
        CASE("%u more", (unsigned)extra);
        describe_client(256);
        CHECK(play_head(C, text, len, 200));
        if (extra == 0) CHECK(C->ev.type == MISSKEY_WS_EVENT_OPEN);
        else CHECK(C->ev.type == MISSKEY_WS_EVENT_CLOSED && C->ev.err == MISSKEY_ERR_TOO_BIG && C->ev.code == 0);
    }
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

/* ---- requests at random ---- */

static void put_request(const char *line, int without, const char *extra)
{
    unsigned n;
    made.len = 0;
    made.answer = false;
    for (n = rnd(6) == 0 ? rnd(4) : 0; n > 0; n--) put_line_end();
    put(line);
    put_line_end();
    put_lines(without, extra);
}

/* The request line, what the event says then, and a token in it. */
static const struct { const char *line, *path, *token; } targets[] = {
    { "GET /streaming HTTP/1.1", "/streaming", NULL }, { "GET / HTTP/1.9", "/", NULL },
    { "GET /streaming?i=a%20b%2Bc%C3%A9 HTTP/1.1", "/streaming", "a b+c\xC3\xA9" },
    { "GET /streaming?a=1&i=tok&i=second HTTP/1.1", "/streaming", "tok" },
    { "GET /streaming?xi=no HTTP/1.1", "/streaming", NULL },
    { "GET /s?i=a+b HTTP/1.1", "/s", "a b" }, { "GET /?i= HTTP/1.1", "/", "" },
    { "GET /%00%C3%28?i=x HTTP/1.1", "/%00%C3%28", "x" },
    { "GET http://misskey.example/streaming?i=x HTTP/1.1", "/streaming", "x" },
    { "GET HTTPS://[::1]:3000/a/b HTTP/1.1", "/a/b", NULL }, { "GET ws://h HTTP/1.1", "/", NULL },
    { "GET http://h:80?i=x HTTP/1.1", "/", "x" }, { "GET /http://h/x?i=y HTTP/1.1", "/http://h/x", "y" },
    { "GET //h/x?i=http://z/ HTTP/1.1", "//h/x", "http://z/" },
};

TEST valid_requests_ask(void)
{
    static const struct { const char *extra, *token, *protocols; } t[] = {
        { NULL, NULL, NULL }, { "Authorization: Bearer header\r\n", "header", NULL },
        { "authorization:\tbearer  x\n", "x", NULL },
        { "Authorization: Basic abc\r\n", NULL, NULL },
        { "Sec-WebSocket-Protocol: alpha, beta\r\n", NULL, "alpha, beta" },
        { "Sec-WebSocket-Protocol: alpha\r\nSec-WebSocket-Protocol:\tbeta,gamma \r\nSec-WebSocket-Protocol:delta\r\n",
          NULL,
          "alpha,beta,gamma,delta" },
        { "Sec-WebSocket-Protocol: a\r\nAuthorization: Bearer tok\r\nsec-websocket-protocol: b\n", "tok", "a,b" },
        { "Content-Length: 0\r\n", NULL, NULL }, { "Content-length: 00\r\nContent-Length: 0\r\n", NULL, NULL },
        { "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n", NULL, NULL },
        { "Upgrade: h2c, websocket/13\r\n", NULL, NULL }, { "X: \xFF\x80\t\r\n", NULL, NULL },
    };
    unsigned round;
    for (round = 0; round < 4000; round++) {
        const size_t i = rnd(SIZE(t)), k = rnd(SIZE(targets));
        size_t head;
        CASE("round %u: %s, %.30s", round, targets[k].line, t[i].extra != NULL ? t[i].extra : "");
        put_request(targets[k].line, -1, t[i].extra);
        head = made.len;
        put("\x81\x82....\x41\x45");
        describe(S, 256 + (rnd(2) ? rnd(600) : 0), 256);
        CHECK(play_head(S, made.text, made.len, 0) && S->ev.type == MISSKEY_WS_EVENT_UPGRADE);
        CHECK(is(S->ev.text, targets[k].path) && is(S->ev.protocols, t[i].protocols));
        CHECK(is(S->ev.token, t[i].token != NULL ? t[i].token : targets[k].token));
        CHECK(misskey_ws_accept(&S->ws, NULL) == MISSKEY_ERR_OK && next_is(S, MISSKEY_WS_EVENT_OPEN) && drain(S) > 0);
        CHECK(played >= head && rest_says_ok(S));
    }
    PASS();
}

TEST one_fault_in_a_request(void)
{
    static const struct { const char *line; int without; const char *extra; unsigned status; } faults[] = {
        { NULL, 0, NULL, 400 }, { NULL, 1, NULL, 400 }, { NULL, 2, NULL, 400 }, { NULL, 3, NULL, 400 },
        { NULL, 4, NULL, 400 },
        { NULL, 4, "Sec-WebSocket-Version: 8\r\n", 426 }, { NULL, 4, "Sec-WebSocket-Version: 13, 8\r\n", 426 },
        { NULL, -1, VERSION, 400 }, { NULL, -1, ASK_KEY, 400 }, { NULL, -1, "Host: h\r\n", 400 },
        { NULL, -1, "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n", 400 },
        { NULL, 2, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n", 400 },
        { NULL, 0, "Upgrade: websocket/13\r\n", 400 },
        { NULL, 3, "Host: ::1\r\n", 400 }, { NULL, 3, "Host: a b\r\n", 400 }, { NULL, 3, "Host: h:99999\r\n", 400 },
        { NULL, 3, "Host: u@h\r\n", 400 }, { NULL, 3, "Host: h, h\r\n", 400 }, { NULL, 3, "Host: \xC3\xA9\r\n", 400 },
        { NULL, -1, "X:\r\n folded\r\n", 400 }, { NULL, -1, "X: y\n\tz\n", 400 }, { NULL, -1, " X: y\r\n", 400 },
        { NULL, -1, "X : y\r\n", 400 }, { NULL, -1, "X\t: y\r\n", 400 }, { NULL, -1, "X\r\n", 400 },
        { NULL, -1, ": y\r\n", 400 },
        { NULL, -1, "X: \001\r\n", 400 }, { NULL, -1, "X: y\r\r\n", 400 }, { NULL, -1, "X: \x7F\r\n", 400 },
        { NULL, -1, "Content-Length: 1\r\n", 400 }, { NULL, -1, "Content-Length:\r\n", 400 },
        { NULL, -1, "Content-Length: 0\r\nContent-Length: 5\r\n", 400 }, { NULL, -1, "Content-Length: 0, 5\r\n", 400 },
        { NULL, -1, "Content-Length: -0\r\n", 400 }, { NULL, -1, "Transfer-Encoding: chunked\r\n", 400 },
        { NULL, -1, "Transfer-Encoding: identity\r\n", 400 }, { NULL, -1, "Content-Length: " X300 "\r\n", 400 },
        { NULL, -1, "Authorization: Bearer a\tb\r\n", 400 }, { NULL, -1, "Authorization: Bearer \xFF\r\n", 400 },
        { NULL, -1, "Authorization: Bearer \xC2\x85\r\n", 400 },
        { NULL, -1, "Sec-WebSocket-Protocol: a, \xE3\x81\r\n", 400 },
        { NULL, -1, "Authorization: Bearer " X300 "\r\n", 400 },
        { "GET /s?i=a%00b HTTP/1.1", -1, NULL, 400 }, { "GET /s?i=a%0D%0Ab HTTP/1.1", -1, NULL, 400 },
        { "GET /s?i=%FF HTTP/1.1", -1, NULL, 400 }, { "GET /s?i=%C2%85 HTTP/1.1", -1, NULL, 400 },
        { "GET /s?i=%7F HTTP/1.1", -1, NULL, 400 }, { "GET /\xC3\xA9 HTTP/1.1", -1, NULL, 400 },
        { "GET * HTTP/1.1", -1, NULL, 400 }, { "GET h:443 HTTP/1.1", -1, NULL, 400 },
        { "GET streaming HTTP/1.1", -1, NULL, 400 },
        { "GET http:/h/x HTTP/1.1", -1, NULL, 400 }, { "GET ://h/x HTTP/1.1", -1, NULL, 400 },
        { "GET http:// HTTP/1.1", -1, NULL, 400 },
        { "GET http://u@h/x HTTP/1.1", -1, NULL, 400 }, { "GET http://h:0/x HTTP/1.1", -1, NULL, 400 },
        { "GET http://[::1/x HTTP/1.1", -1, NULL, 400 }, { "CONNECT h:443 HTTP/1.1", -1, NULL, 400 },
        { "OPTIONS * HTTP/1.1", -1, NULL, 400 },
        { "POST /streaming HTTP/1.1", -1, NULL, 400 }, { "GET /streaming HTTP/1.0", -1, NULL, 400 },
        { "GET  /streaming HTTP/1.1", -1, NULL, 400 }, { "GET /streaming  HTTP/1.1", -1, NULL, 400 },
        { "GET /streaming HTTP/1.1 ", -1, NULL, 400 }, { "GET /streaming HTTP/2.0", -1, NULL, 400 },
        { "GET /streaming", -1, NULL, 400 },
    };
    char status[32];
    unsigned round;
    for (round = 0; round < 60 * SIZE(faults); round++) {
        const size_t i = round % SIZE(faults);
        size_t at;
        CASE("round %u fault %u", round, (unsigned)i);
        put_request(faults[i].line != NULL ? faults[i].line : targets[rnd(SIZE(targets))].line, faults[i].without,
            faults[i].extra);
        put("\x81\x82....\x41\x45");
        describe(S, 256, 256);
        CHECK(!play_head(S, made.text, made.len, 0));
        for (at = played; at < made.len; at++) (void)feed(S, made.text + at, 1);
        CHECK(!next(S));
        drain(S);
        snprintf(status, sizeof status, "HTTP/1.1 %u ", faults[i].status);
        CHECK(strncmp((char *)out, status, strlen(status)) == 0 && next_is(S, MISSKEY_WS_EVENT_CLOSED));
        CHECK(S->ev.code == faults[i].status && S->ev.err >= MISSKEY_ERR_HTTP_SYNTAX && !next(S) && drain(S) == 0);
    }
    PASS();
}

/* ---- what is no HTTP is told at the first byte that cannot be ---- */

/* May text be the beginning of a status line, or of a request line? From the grammar (RFC 9112 sections 3 and 4). */
static bool may_be_answer(const char *text, size_t n)
{
    size_t i = 0;
    while (i < n && (text[i] == '\n' || (text[i] == '\r' && (i + 1 == n || text[i + 1] == '\n')))) i++;
    for (text += i, n -= i, i = 0; i < n && i < 13; i++) {
        const char c = text[i];
        if (i < 7 ? c != "HTTP/1."[i] : i == 8 ? c != ' ' : i == 12 ? c != ' ' && c != '\r' && c != '\n' :
            c < (i == 9 ? '1' : '0') || c > '9') return false;
        if (i == 12 && c == '\n') return true;
    }
    return n < 14 || text[12] != '\r' || text[13] == '\n';
}

static bool may_be_request(const char *text, size_t n)
{
    const char *const rest = " HTTP/1.";
    size_t i = 0, method, target, k;
    while (i < n && (text[i] == '\n' || (text[i] == '\r' && (i + 1 == n || text[i + 1] == '\n')))) i++;
    text += i;
    n -= i;
    for (method = 0; method < n; method++) {
        const char c = text[method];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) break;
    }
    if (method == n) return true;
    if (method == 0 || text[method] != ' ') return false;
    for (target = method + 1; target < n && text[target] > ' ' && text[target] < 0x7F; target++) {}
    if (target == n) return true;
    if (target == method + 1) return false;
    for (k = 0; k < 8 && target + k < n; k++) if (text[target + k] != rest[k]) return false;
    if (n <= target + 8) return true;
    if (text[target + 8] < '0' || text[target + 8] > '9') return false;
    if (n == target + 9 || text[target + 9] == '\n') return true;
    return text[target + 9] == '\r' && (n == target + 10 || text[target + 10] == '\n');
}

TEST first_wrong_byte(endpoint *e)
{
    static const char *const begin_with[2][3] = {
        { "HTTP/1.1 101 Switching", "\r\n\nHTTP/1.0 200\r\nX: y", "\r\nHTTP/1.1 999\n" },
        { "GET /streaming?i=x HTTP/1.1\r\nX: y", "\r\nget / HTTP/1.9\nX", "OPTIONS * HTTP/1.0\r\n" }
    };
    unsigned which, c;
    size_t n;
    for (which = 0; which < 3; which++) {
        const char *const good = begin_with[e == S][which];
        for (n = 0; n < strlen(good); n++) {
            for (c = 0; c < 256; c++) {
                char text[64];
                const bool whole = rnd(2) == 1;
                bool fits, line = false;
                size_t i;
                memcpy(text, good, n);
                text[n] = (char)c;
                for (i = 2; i <= n; i++) line = line || (good[i] == '\n' && good[i - 1] != '\n' && good[i - 2] != '\n');
                fits = e == C ? may_be_answer(text, n + 1) : may_be_request(text, n + 1);
                if (line) break; /* header lines are told when they end */
                CASE("%s: byte %u is %02x", good, (unsigned)n, c);
                describe(e, 256, 512);
                CHECK(begin(e) && (e == S || drain(e) > 0));
                for (i = 0; i < n && !whole; i++) CHECK(feed(e, text + i, 1) && !next(e));
                CHECK(feed(e, text + i, n + 1 - i) && (e == C || !next(e)));
                if (e == C) CHECK(next(e) == !fits);
                else CHECK((drain(e) > 0) == !fits);
                if (fits) continue;
                CHECK(e == C || (strncmp((char *)out, "HTTP/1.1 400 ", 13) == 0 && next(e)));
                CHECK(e->ev.type == MISSKEY_WS_EVENT_CLOSED && e->ev.err == MISSKEY_ERR_HTTP_SYNTAX);
                CHECK(e->ev.code == (e == S ? 400 : 0) && !next(e));
            }
        }
    }
    PASS();
}

SUITE(from_servers)
{
    RUN_TEST(client_reads_answers);
    RUN_TEST(heads_larger_than_rx);
    RUN_TEST(valid_answers_open);
    RUN_TEST(valid_refusals_are_refusals);
    RUN_TEST(one_fault_in_an_answer);
    RUN_TEST(heads_are_limited);
    RUN_TESTp(first_wrong_byte, C);
}

SUITE(from_clients)
{
    RUN_TEST(server_reads_requests);
    RUN_TEST(server_shows_the_request);
    RUN_TEST(valid_requests_ask);
    RUN_TEST(one_fault_in_a_request);
    RUN_TESTp(first_wrong_byte, S);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(from_servers);
    RUN_SUITE(from_clients);
    GREATEST_MAIN_END();
}
