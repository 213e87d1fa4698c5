/* HTTP heads for the tests of the websocket section: how they are fed, and heads at random that RFC 9112 allows. */
#ifndef HEADS_H
#define HEADS_H

#include "endpoint.h"

#define SIZE(A) (sizeof (A) / sizeof *(A))

#define X100 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X300 X100 X100 X100

/* ---- feeding ---- */

static size_t played; /* bytes of the head taken until the event */

/* The first event. step: bytes fed at once; 0 = random pieces. */
static inline bool play_head(endpoint *e, const char *head, size_t len, size_t step)
{
    bool seen = false;
    size_t at, n;
    if (!begin(e)) return false;
    if (e == C) drain(e);
    for (at = 0; at < len && !seen; at += n) {
        n = step > 0 ? step : 1 + rnd(rnd(4) == 0 ? 400 : 9);
        n = misskey_ws_feed(&e->ws, head + at, len - at < n ? len - at : n);
        seen = next(e);
    }
    played = at;
    return seen || next(e);
}

/* ---- heads at random ---- */

static struct { size_t len; char text[30000]; bool answer; } made; /* answer: folds, and white space before colons */

static inline void put(const char *text)
{
    const size_t len = strlen(text);
    if (made.len + len >= sizeof made.text) abort();
    memcpy(made.text + made.len, text, len + 1);
    made.len += len;
}

static inline void put_byte(unsigned c)
{
    char text[2] = "";
    text[0] = (char)c;
    put(text);
}

static inline void put_line_end(void) { put(rnd(4) == 0 ? "\n" : "\r\n"); }

/* Optional white space, which may begin a new line in answers (RFC 9112 section 5.2). */
static inline void put_space(void)
{
    unsigned n;
    for (n = rnd(3); n > 0; n--) put(rnd(3) == 0 ? "\t" : " ");
    for (n = made.answer && rnd(5) == 0 ? 1 + rnd(2) : 0; n > 0; n--) {
        put_line_end();
        put(rnd(2) ? " \t " : "\t");
    }
}

/* A name in any case, and its colon. */
static inline void put_name(const char *name)
{
    for (; *name != '\0'; name++) {
        const bool letter = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z');
        put_byte(letter && rnd(2) ? *name ^ 0x20u : (unsigned)*name);
    }
    if (made.answer && rnd(5) == 0) put(rnd(2) ? " " : "\t ");
    put(":");
}

static inline void put_header(const char *name, const char *value)
{
    put_name(name);
    put_space();
    put(value);
    put_space();
    put_line_end();
}

/* A list with one element that matters, in one line or several; others: there may be more than this one. */
static inline void put_list(const char *name, const char *element, bool others)
{
    unsigned n;
    if (others && rnd(3) == 0) put_header(name, "keep-alive");
    put_name(name);
    for (n = rnd(3); n > 0; n--) {
        put_space();
        put(others && rnd(2) ? "x-other ," : ",");
    }
    put_space();
    for (; *element != '\0'; element++) put_byte(*element != '-' && rnd(2) ? *element ^ 0x20u : (unsigned)*element);
    put_space();
    for (n = rnd(3); n > 0; n--) {
        put(others && rnd(2) ? ",\tother" : ",");
        put_space();
    }
    put_line_end();
    if (others && rnd(3) == 0) put_header(name, ", h2c");
}

/* A header that does not matter, of any length. */
static inline void put_unknown(void)
{
    static const char *const names[] = { "Server", "Set-Cookie", "X", "!#$%&'*+-.^_`|~09", "Sec-WebSocket-Acceptable",
                                         "sec-websocket-", "Hos", "Retry-After-", "Via", "Alt-Svc", "upgrade-" };
    unsigned n = rnd(6) == 0 ? rnd(1500) : rnd(40);
    put_name(names[rnd(SIZE(names))]);
    for (; n > 0; n--) {
        const unsigned c = 0x20 + rnd(0xE0);
        if (rnd(30) == 0) put_space();
        else put_byte(c == 0x7F ? '\t' : c);
    }
    put_space();
    put_line_end();
}

static inline void put_interim(void)
{
    static const char *const lines[] = { "HTTP/1.1 100 Continue", "HTTP/1.0 102", "HTTP/1.1 103 Early Hints",
        "HTTP/1.9 199 " };
    unsigned n;
    put(lines[rnd(SIZE(lines))]);
    put_line_end();
    for (n = rnd(6); n > 0; n--) {
        put_unknown();
        if (rnd(4) == 0) put_header("Upgrade", "h2c");
        if (rnd(4) == 0) put_header("Sec-WebSocket-Accept", "none");
        if (rnd(4) == 0) put_header("Location", "/elsewhere");
        if (rnd(4) == 0) put_header("Retry-After", "5");
    }
    put_line_end();
}

static inline void put_status_line(unsigned status)
{
    char line[24];
    unsigned n;
    snprintf(line, sizeof line, "HTTP/1.%u %u", rnd(10), status);
    put(line);
    if (rnd(4) > 0) put(" ");
    if (made.text[made.len - 1] == ' ') for (n = rnd(5) == 0 ? rnd(600) :
        rnd(20); n > 0; n--) put_byte(0x21 + rnd(0x5E));
    put_line_end();
}

/* The lines that an upgrade needs, those that do not matter, and extra, in any order. without: one of the first that is
   left out; -1 = none. */
static inline void put_lines(int without, const char *extra)
{
    enum { NEEDED = 5, MOST = 10 };
    int order[MOST], count = NEEDED + 1 + (int)rnd(5), i, k, swap;
    for (i = 0; i < count; i++) {
        order[i] = i;
        k = (int)rnd((uint32_t)i + 1);
        swap = order[k];
        order[k] = i;
        order[i] = swap;
    }
    for (i = 0; i < count; i++) {
        if (order[i] == without) continue;
        if (order[i] == 0) put_list("Upgrade", "websocket", !made.answer);
        else if (order[i] == 1) put_list("Connection", "upgrade", true);
        else if (order[i] == 2 && made.answer) put_header("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        else if (order[i] == 2) put_header("Sec-WebSocket-Key", KEY);
        else if (order[i] == 3 && !made.answer) put_header("Host", rnd(2) ? "h" : "[::1]:3000");
        else if (order[i] == 4 && !made.answer) put_header("Sec-WebSocket-Version", "13");
        else if (order[i] == NEEDED && extra != NULL) put(extra);
        else put_unknown();
    }
    put_line_end();
}

#endif
