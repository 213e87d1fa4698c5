/* HTTP heads of the websocket section: what is asked, what is answered, and what is refused, in both roles. */
#include "heads.h"

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

SUITE(handshake)
{
    RUN_TEST(client_reads_answers);
    RUN_TEST(heads_larger_than_rx);
    RUN_TEST(server_reads_requests);
    RUN_TEST(server_shows_the_request);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(handshake);
    GREATEST_MAIN_END();
}
