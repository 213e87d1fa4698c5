/* A session and its peer, for tests that run twice: under a connection whose peer is a misskey_ws in the server role,
   and alone in message framing. What the client said and which events it gave are two lines of words that the tests
   compare: "+main s:a" is a connect and a subNote, "ready:home gap:home/1000/n1" two events. */
#ifndef SESSION_BENCH_H
#define SESSION_BENCH_H

#include "../misskey_stream.h"
#include "greatest.h"
#include "reading.h"

#include <stdarg.h>

#define TOKEN "Sup3rS3cretT0ken"
#define CHECK(condition) ASSERTm(#condition, condition)
#define OK(call) ASSERT_EQ_FMT((int)MISSKEY_ERR_OK, (int)(call), "%d")
#define REFUSED(name, call) ASSERT_EQ_FMT((int)MISSKEY_ERR_##name, (int)(call), "%d")
#define SAID(words) ASSERT_STR_EQ(words, take(bench.said))
#define SEEN(words) ASSERT_STR_EQ(words, take(bench.seen))

enum { CHANNELS = 48, CAPTURES = 64, ASKED = 256, WORDS = 8192 };

struct bench {
    bool wire;                          /* a connection; else a session alone */
    misskey_conn conn;
    misskey_session alone, *session;
    misskey_ws server;
    bool linked;                        /* the transport exists */
    misskey_conn_desc desc;
    misskey_channel_slot channels[CHANNELS];
    misskey_capture_slot captures[CAPTURES];
    uint8_t rx[MISSKEY_RX_SIZE(1024)], tx[4096], server_rx[8192], server_tx[8192];
    uint32_t now, seed;
    char asked[ASKED][2][40];           /* id and name of every connect, in order */
    unsigned num_asked;
    uint32_t paced[512];                /* when the messages that count for the rate were sent */
    unsigned num_paced;
    char said[WORDS], seen[WORDS], traced[WORDS];
    misskey_event closed;               /* the last CLOSED, without its views */
    char location[128], key[32];        /* of the last CLOSED; Sec-WebSocket-Key of the last request */
    uint64_t unsent;                    /* OPEN.size */
    bool tainted;                       /* the token was seen where it must not be */
};
static struct bench bench;

/* --- words --- */

static void add(char *words, const char *format, ...)
{
    const size_t len = strlen(words);
    va_list args;
    va_start(args, format);
    vsnprintf(words + len, WORDS - len, format, args);
    va_end(args);
}

/* The words so far, without the last space; they start anew. */
static const char *take(char *words)
{
    static char taken[2][WORDS];
    static unsigned n;
    char *const t = taken[n++ & 1];
    strcpy(t, words);
    if (t[0] != '\0') t[strlen(t) - 1] = '\0';
    words[0] = '\0';
    return t;
}

static bool contains(const void *bytes, size_t len, const char *text)
{
    const size_t n = strlen(text);
    size_t i;
    for (i = 0; i + n <= len; i++) if (memcmp((const char *)bytes + i, text, n) == 0) return true;
    return false;
}

static void look_for_token(const void *bytes, size_t len)
{
    if (contains(bytes, len, TOKEN)) bench.tainted = true;
}

/* --- the peer --- */

static const char *asked_name(misskey_jstr id)
{
    unsigned i;
    for (i = 0; i < bench.num_asked; i++) if (misskey_jstr_eq(id, bench.asked[i][0])) return bench.asked[i][1];
    return "?";
}

static void hear_connect(const misskey_message *m)
{
    if (strcmp(asked_name(m->id), "?") != 0) add(bench.said, "REUSED-ID ");
    if (!m->pong || m->body.ptr[0] != '{') add(bench.said, "BAD-FORM ");
    misskey_jstr_copy(m->id, bench.asked[bench.num_asked][0], 40);
    misskey_jstr_copy(m->channel, bench.asked[bench.num_asked][1], 40);
    add(bench.said, "+%s ", bench.asked[bench.num_asked++][1]);
}

/* One text of the client. */
static void hear(const char *text, size_t len)
{
    misskey_message m;
    look_for_token(text, len);
    misskey_message_parse(text, len, &m);
    if (m.kind == MISSKEY_KIND_CONNECT || m.kind == MISSKEY_KIND_DISCONNECT || m.kind == MISSKEY_KIND_SUB_NOTE ||
        m.kind == MISSKEY_KIND_UNSUB_NOTE) {
        bench.paced[bench.num_paced++ % 512] = bench.now;
    }
    switch (m.kind) {
    case MISSKEY_KIND_CONNECT:
        hear_connect(&m);
        break;
    case MISSKEY_KIND_DISCONNECT:
        add(bench.said, "-%s ", asked_name(m.id));
        break;
    case MISSKEY_KIND_SUB_NOTE:
        add(bench.said, "s:%.*s ", (int)m.id.len, m.id.ptr);
        break;
    case MISSKEY_KIND_UNSUB_NOTE:
        add(bench.said, "u:%.*s ", (int)m.id.len, m.id.ptr);
        break;
    case MISSKEY_KIND_CHANNEL:
        add(bench.said, "%s:%.*s%.*s ", asked_name(m.id), (int)m.event.len, m.event.ptr, (int)m.body.len, m.body.ptr);
        break;
    default:
        add(bench.said, "%.*s ", (int)len, text);
    }
}

static void see_message(const misskey_event *e)
{
    const misskey_message *const m = &e->message;
    const int id_len = (int)m->id.len, event_len = (int)m->event.len;
    if (m->kind == MISSKEY_KIND_CHANNEL) {
        add(bench.seen, "%s:%.*s ", e->user == NULL ? "-" : (const char *)e->user, event_len, m->event.ptr);
    } else if (m->kind == MISSKEY_KIND_NOTE_UPDATED) {
        add(bench.seen, "note:%.*s/%.*s ", id_len, m->id.ptr, event_len, m->event.ptr);
    } else {
        add(bench.seen, "message:%.*s ", (int)e->text.len, e->text.ptr);
    }
}

static void see(const misskey_event *e)
{
    static const char *const reasons[] = { "unknown", "limit", "shared", "name" };
    const char *const user = (const char *)e->user;
    look_for_token(e->text.ptr, e->text.len);
    look_for_token(e->location.ptr, e->location.len);
    switch (e->type) {
    case MISSKEY_EVENT_DIAL: add(bench.seen, "dial "); break;
    case MISSKEY_EVENT_OPEN:
        add(bench.seen, e->resumed ? "resumed " : "open ");
        bench.unsent = e->size;
        break;
    case MISSKEY_EVENT_MESSAGE: see_message(e); break;
    case MISSKEY_EVENT_CHANNEL_READY: add(bench.seen, "ready:%s ", user); break;
    case MISSKEY_EVENT_CHANNEL_REFUSED: add(bench.seen, "refused:%s/%s ", user, reasons[e->reason]); break;
    case MISSKEY_EVENT_GAP:
        add(bench.seen, "gap:%s/%u/%.*s ", user, (unsigned)e->outage_ms, (int)e->last_id.len, e->last_id.ptr);
        break;
    case MISSKEY_EVENT_DROPPED: add(bench.seen, "dropped:%u ", (unsigned)e->size); break;
    default:
        bench.closed = *e;
        sprintf(bench.location, "%.*s", (int)e->location.len, e->location.ptr);
    }
}

static void serve(void)
{
    misskey_ws_event e;
    while (misskey_ws_poll(&bench.server, &e)) {
        if (e.type == MISSKEY_WS_EVENT_UPGRADE) misskey_ws_accept(&bench.server, NULL);
        if (e.type == MISSKEY_WS_EVENT_MESSAGE) hear(e.text.ptr, e.text.len);
    }
}

/* Moves bytes in both directions once; the request may have the token, nothing else. */
static bool move(void)
{
    const uint8_t *out;
    const char *key;
    size_t len, n;
    bool moved = false;
    while ((out = misskey_conn_send_buf(&bench.conn, &len)) != NULL) {
        if (len > 4 && memcmp(out, "GET ", 4) == 0) {
            key = strstr((const char *)out, "Sec-WebSocket-Key: ");
            if (key != NULL) memcpy(bench.key, key + 19, 24);
        } else {
            look_for_token(out, len);
        }
        n = misskey_ws_feed(&bench.server, out, len);
        serve();
        misskey_conn_send_ack(&bench.conn, n);
        moved = true;
    }
    while ((out = misskey_ws_send_buf(&bench.server, &len)) != NULL) {
        n = misskey_conn_feed(&bench.conn, out, len);
        if (n == 0) break;
        misskey_ws_send_ack(&bench.server, n);
        moved = true;
    }
    serve();
    return moved;
}

/* Two times out of three what a message is about is read along: the rest must not notice. */
static bool poll_event(misskey_event *e)
{
    static misskey_reading reading;
    static unsigned turn;
    bool more;
    if (turn++ % 3 == 0) return bench.wire ? misskey_conn_poll(&bench.conn, e) : misskey_session_poll(bench.session, e);
    more = bench.wire ? misskey_conn_read(&bench.conn, e, &reading) : misskey_session_read(bench.session, e, &reading);
    if (!same_reading(&e->message, &reading)) add(bench.seen, "misread ");
    return more;
}

/* Until nothing happens any more. */
static void run(void)
{
    char text[512];
    misskey_event e;
    size_t len;
    bool busy;
    do {
        busy = false;
        while (poll_event(&e)) see(&e);
        if (bench.wire && bench.linked) busy = move();
        while (!bench.wire && misskey_session_send_message(bench.session, text, sizeof text, &len) == MISSKEY_ERR_OK) {
            hear(text, len);
            busy = true;
        }
    } while (busy);
}

static inline void tick(uint32_t ms)
{
    bench.now += ms;
    if (bench.wire) {
        misskey_conn_tick(&bench.conn, bench.now);
        misskey_ws_tick(&bench.server, bench.now);
    } else {
        misskey_session_tick(bench.session, bench.now);
    }
    run();
}

static void up(void)
{
    misskey_ws_desc desc;
    bench.linked = true;
    if (bench.wire) {
        memset(&desc, 0, sizeof desc);
        desc.server = true;
        desc.ping_ms = MISSKEY_FOREVER;
        desc.rx.ptr = bench.server_rx; desc.rx.size = sizeof bench.server_rx;
        desc.tx.ptr = bench.server_tx; desc.tx.size = sizeof bench.server_tx;
        misskey_ws_init(&bench.server, &desc);
        misskey_ws_tick(&bench.server, bench.now);
        misskey_ws_transport_up(&bench.server);
        misskey_conn_transport_up(&bench.conn);
    } else {
        misskey_session_transport_up(bench.session);
    }
    run();
}

static inline void down(uint16_t status, uint32_t retry_after)
{
    bench.linked = false;
    if (bench.wire) misskey_conn_transport_down(&bench.conn);
    else misskey_session_transport_down(bench.session, status, retry_after);
    run();
}

/* The server says something. */
static void say(const char *format, ...)
{
    char text[512];
    int len;
    va_list args;
    va_start(args, format);
    len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (bench.wire) misskey_ws_send(&bench.server, text, (size_t)len, false);
    else misskey_session_recv_message(bench.session, text, (size_t)len);
    run();
}

/* nth: which connect, counted from 0. */
static inline void acknowledge(unsigned nth)
{
    say("{\"type\":\"connected\",\"body\":{\"id\":\"%s\"}}", bench.asked[nth][0]);
}

static inline void note(unsigned nth, const char *id)
{
    const char *const channel = bench.asked[nth][0];
    say("{\"type\":\"channel\",\"body\":{\"id\":\"%s\",\"type\":\"note\",\"body\":"
        "{\"id\":\"%s\",\"user\":{\"id\":\"u\"},\"files\":[{\"id\":\"f\"}]}}}", channel, id);
}

static bool entropy(void *user, void *dst, size_t len)
{
    uint8_t *d = (uint8_t *)dst;
    (void)user;
    while (len-- > 0) {
        bench.seed = bench.seed * 1664525u + 1013904223u;
        *d++ = (uint8_t)(bench.seed >> 24);
    }
    return true;
}

static void trace(void *user, bool sent, const char *text, size_t len)
{
    if (user != &bench) bench.tainted = true;
    look_for_token(text, len);
    add(bench.traced, "%c%.*s ", sent ? '>' : '<', (int)len, text);
}

/* Fills in a desc; what a test wants otherwise it changes before start. */
static void prepare(bool wire)
{
    memset(&bench, 0, sizeof bench);
    bench.wire = wire;
    bench.now = 1000;
    bench.seed = 1;
    bench.desc.ws.host = "misskey.example";
    bench.desc.ws.token = TOKEN;
    bench.desc.ws.entropy = entropy;
    bench.desc.ws.user = bench.desc.session.user = &bench;
    bench.desc.ws.rx.ptr = bench.rx; bench.desc.ws.rx.size = sizeof bench.rx;
    bench.desc.ws.tx.ptr = bench.tx; bench.desc.ws.tx.size = sizeof bench.tx;
    bench.desc.session.entropy = entropy;
    bench.desc.session.channels = bench.channels; bench.desc.session.num_channels = CHANNELS;
    bench.desc.session.captures = bench.captures; bench.desc.session.num_captures = CAPTURES;
    bench.desc.session.trace = trace;
}

static bool start(void)
{
    misskey_err err;
    bench.session = bench.wire ? &bench.conn.session : &bench.alone;
    bench.desc.session.anonymous = bench.desc.ws.token == NULL;
    err = bench.wire ? misskey_conn_init(&bench.conn, &bench.desc)
                     : misskey_session_init(&bench.alone, &bench.desc.session);
    if (err != MISSKEY_ERR_OK) return false;
    tick(0);
    return strcmp(take(bench.seen), "dial") == 0;
}

/* The usual beginning: connected, nothing wanted yet. */
static inline bool begin(bool wire)
{
    prepare(wire);
    if (!start()) return false;
    up();
    return strcmp(take(bench.seen), "open") == 0;
}

/* Opens with the name as user pointer; 0 = refused. */
static inline misskey_channel want(const char *name, const char *params)
{
    misskey_channel channel = { 0 };
    void *const user = (void *)(uintptr_t)name;
    if (misskey_channel_open(bench.session, name, params, user, &channel) != MISSKEY_ERR_OK) channel.id = 0;
    run();
    return channel;
}

static inline misskey_err shut(misskey_channel channel)
{
    const misskey_err err = misskey_channel_close(bench.session, channel);
    run();
    return err;
}

static inline misskey_err capture(const char *id)
{
    const misskey_err err = misskey_note_capture(bench.session, id, strlen(id));
    run();
    return err;
}

static inline misskey_err release(const char *id)
{
    const misskey_err err = misskey_note_release(bench.session, id, strlen(id));
    run();
    return err;
}

static inline uint32_t timeout(void)
{
    return bench.wire ? misskey_conn_timeout(&bench.conn) : misskey_session_timeout(bench.session);
}

/* An operation on a channel, heard by the server. */
static inline misskey_err operate(misskey_channel channel, const char *type, const char *body)
{
    char text[256];
    size_t len;
    misskey_err err;
    if (bench.wire) {
        err = misskey_conn_channel_send(&bench.conn, channel, type, body);
    } else {
        err = misskey_session_channel_send(bench.session, channel, type, body, text, sizeof text, &len);
        if (err == MISSKEY_ERR_OK) hear(text, len);
    }
    run();
    return err;
}

/* A test that takes the kind of bench, with both. */
#define BOTH(test) \
    do { \
        greatest_set_test_suffix("wire"); \
        RUN_TESTp(test, true); \
        greatest_set_test_suffix("alone"); \
        RUN_TESTp(test, false); \
    } while (0)

#endif
