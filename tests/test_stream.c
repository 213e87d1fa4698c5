/* Whole streams: what real servers and clients sent, cut into pieces in every way, truncated everywhere, with receive
   memory of many sizes. The memory lent to the library ends at an unreadable page. */
#if defined(__unix__) || defined(__APPLE__)
#define _DEFAULT_SOURCE     /* MAP_ANONYMOUS */
#define UNREADABLE_PAGES 1
#include <sys/mman.h>
#include <unistd.h>
#else
#define UNREADABLE_PAGES 0
#endif

#include "../misskey_stream.h"
#include "greatest.h"
#include "reading.h"

enum { MAX_WIRE = 1 << 20, MAX_STEPS = 2000, TX_SIZE = 1024, SHORT = 1400, CLIENT = 0, SERVER = 1, MISREAD = 1000 };

static const char *const committed[] = {
    "behind-nginx/ok", "behind-nginx/redirect", "cut-off/a", "cut-off/b", "cut-off/d", "frames/bad-opcode",
    "frames/big-client-message", "frames/client-ping", "frames/close-4000", "frames/close-bad-code",
    "frames/close-one-byte", "frames/control-too-long", "frames/fragmented-client-text", "frames/huge-announced",
    "frames/invalid-utf8", "frames/rsv1", "frames/stray-continuation", "frames/text-inside-fragments",
    "frames/unmasked", "garbage-from-client", "giant-messages", "handshake/bad-key", "handshake/bad-request",
    "handshake/bad-version", "handshake/ok-lowercase-headers", "handshake/ok-query-token",
    "handshake/refused-401-bad-bearer", "handshake/refused-403-suspended", "keepalive", "note-capture", "slow-link",
    "timelines", NULL
};
static const char *const shared[] = {
    "drive", "filters", "main-extra", "other-version-2025.3.1/main-and-capture",
    "sharkey-2024.9.1-rc/garbage-from-client", "sharkey-2025.5.2-dev/chat-room-outsider", "slow-link",
    "timelines-anonymous", "type4ny-2026.5.4/after-disconnect", "type4ny-2026.5.4/burst/with-request",
    "yojo-art-1.9.0/drive", NULL
};

/* --- memory that ends at an unreadable page --- */

static uint8_t *rx_end, *tx_end, *text_end;

static uint8_t *guarded_end(size_t size)
{
#if UNREADABLE_PAGES
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *p;
    size = (size + page - 1) / page * page;
    p = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p + size, page, PROT_NONE) != 0) exit(EXIT_FAILURE);
#else
    uint8_t *p = malloc(size);
    if (p == NULL) exit(EXIT_FAILURE);
#endif
    return p + size;
}

/* --- recordings --- */

struct wire {
    uint8_t bytes[2][MAX_WIRE];     /* from the server (for a client), from the client (for a server) */
    size_t len[2];
    uint8_t nonce[16];
};
static struct wire wire;

/* Into buffer; all bytes of the file must fit. */
static bool read_file(const char *base, const char *folder, const char *name, uint8_t *buffer, size_t *len)
{
    char path[200];
    FILE *file;
    snprintf(path, sizeof path, "%s/%s/%s", base, folder, name);
    file = fopen(path, "rb");
    if (file == NULL) return false;
    *len = fread(buffer, 1, MAX_WIRE, file);
    fclose(file);
    return *len < MAX_WIRE;
}

/* Looks for the key in the request; without one the nonce stays zero. */
static void find_nonce(void)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *const request = (const char *)wire.bytes[SERVER];
    size_t at, i, n = 0;
    uint32_t bits = 0;
    memset(wire.nonce, 0, sizeof wire.nonce);
    for (at = 0; at + 24 < wire.len[SERVER]; at++) {
        if (memcmp(request + at, "-Key: ", 6) == 0 || memcmp(request + at, "-key: ", 6) == 0) break;
    }
    for (i = 0, at += 6; i < 22 && at + i < wire.len[SERVER] && strchr(digits, request[at + i]) != NULL; i++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, request[at + i]) - digits);
        if (i % 4 != 0) wire.nonce[n++] = (uint8_t)(bits >> (6 - i % 4 * 2));
    }
}

static bool read_wire(const char *base, const char *folder)
{
    if (!read_file(base, folder, "server.bin", wire.bytes[CLIENT], &wire.len[CLIENT])) return false;
    if (!read_file(base, folder, "client.bin", wire.bytes[SERVER], &wire.len[SERVER])) return false;
    find_nonce();
    return true;
}

/* --- one replay --- */

struct step { unsigned type; uint64_t size, hash; };     /* size: of a message */

struct trace {
    bool read;                      /* by misskey_conn_read */
    struct step steps[MAX_STEPS];
    size_t count, opened, closed;   /* events, OPEN and CLOSED among them */
    misskey_err err;
    unsigned code;
};

/* How a replay is to be: how the input is cut, how much memory, whether the output is taken. */
struct plan {
    int role;
    size_t len;                     /* how much of the wire */
    size_t rx;
    size_t (*piece)(size_t at, uint32_t *arg);
    uint32_t arg;
    bool keep_output;
};

static size_t whole(size_t at, uint32_t *arg) { (void)at, (void)arg; return MAX_WIRE; }
static size_t one(size_t at, uint32_t *arg) { (void)at, (void)arg; return 1; }
static size_t in_two(size_t at, uint32_t *arg) { return at < *arg ? *arg - at : MAX_WIRE; }

static size_t at_random(size_t at, uint32_t *arg)
{
    (void)at;
    *arg = *arg * 1664525u + 1013904223u;
    return 1 + ((*arg >> 8) & ((1u << (*arg >> 28)) - 1));
}

static uint64_t hash_bytes(uint64_t hash, const char *p, size_t len)
{
    hash = (hash ^ (p != NULL) ^ (len << 1)) * UINT64_C(1099511628211);
    for (; len > 0; p++, len--) hash = (hash ^ (uint8_t)*p) * UINT64_C(1099511628211);
    return hash;
}

static uint64_t hash_message(const misskey_message *m, misskey_str text)
{
    uint64_t hash = (uint64_t)m->kind + 100u * m->alias + 1000u * m->pong + 2000u * m->read + 4000u * m->id_number;
    hash = hash_bytes(hash, text.ptr, text.len);
    hash = hash_bytes(hash, m->type.ptr, m->type.len);
    hash = hash_bytes(hash, m->id.ptr, m->id.len);
    hash = hash_bytes(hash, m->channel.ptr, m->channel.len);
    hash = hash_bytes(hash, m->event.ptr, m->event.len);
    hash = hash_bytes(hash, m->body.ptr, m->body.len);
    return hash_bytes(hash, m->raw.ptr, m->raw.len);
}

static void add_step(struct trace *t, unsigned type, uint64_t size, uint64_t hash)
{
    struct step *const s = &t->steps[t->count++];
    s->type = type;
    s->size = size;
    s->hash = hash;
}

static void add_end(struct trace *t, unsigned type, unsigned code, misskey_err err, misskey_str reason)
{
    add_step(t, type, 0, hash_bytes(code * 100u + (unsigned)err, reason.ptr, reason.len));
    t->closed++;
    t->code = code;
    t->err = err;
}

static bool poll_client(misskey_conn *conn, struct trace *t)
{
    static misskey_reading reading; /* what is left of the message before must not show */
    misskey_event e;
    if (t->count == MAX_STEPS) return false;
    if (!(t->read ? misskey_conn_read(conn, &e, &reading) : misskey_conn_poll(conn, &e))) return false;
    if (t->read && !same_reading(&e.message, &reading)) {
        add_step(t, MISREAD, 0, 0);
        return true;
    }
    switch (e.type) {
    case MISSKEY_EVENT_MESSAGE: add_step(t, e.type, e.text.len, hash_message(&e.message, e.text)); break;
    case MISSKEY_EVENT_DROPPED: add_step(t, e.type, e.size, 0); break;
    case MISSKEY_EVENT_CLOSED:  add_end(t, e.type, e.code, e.err, e.text); break;
    default:
        t->opened += e.type == MISSKEY_EVENT_OPEN;
        add_step(t, e.type, 0, 0);
    }
    return true;
}

static bool poll_server(misskey_ws *ws, struct trace *t)
{
    misskey_ws_event e;
    misskey_message m;
    if (t->count == MAX_STEPS || !misskey_ws_poll(ws, &e)) return false;
    switch (e.type) {
    case MISSKEY_WS_EVENT_MESSAGE:
        (void)misskey_message_parse(e.text.ptr, e.text.len, &m);
        add_step(t, e.type, e.text.len, hash_message(&m, e.text));
        break;
    case MISSKEY_WS_EVENT_UPGRADE:
        add_step(t, e.type, 0, hash_bytes(hash_bytes(0, e.text.ptr, e.text.len), e.token.ptr, e.token.len));
        misskey_ws_accept(ws, NULL);
        break;
    case MISSKEY_WS_EVENT_DROPPED: add_step(t, e.type, e.size, 0); break;
    case MISSKEY_WS_EVENT_CLOSED:  add_end(t, e.type, e.code, e.err, e.text); break;
    default:
        t->opened += e.type == MISSKEY_WS_EVENT_OPEN;
        add_step(t, e.type, 0, 0);
    }
    return true;
}

static bool entropy(void *user, void *dst, size_t len)
{
    memcpy(dst, user, len);
    return true;
}

struct player { misskey_conn client; misskey_ws server; };

static void drain(struct player *p, const struct plan *plan, struct trace *t)
{
    size_t len = 0;
    do {
        if (len > 0 && plan->role == SERVER) misskey_ws_send_ack(&p->server, len);
        if (len > 0 && plan->role == CLIENT) misskey_conn_send_ack(&p->client, len);
        while (plan->role == SERVER ? poll_server(&p->server, t) : poll_client(&p->client, t)) {}
        if (plan->role == SERVER) misskey_ws_send_buf(&p->server, &len);
        else misskey_conn_send_buf(&p->client, &len);
    } while (len > 0 && !plan->keep_output);
}

static size_t feed(struct player *p, const struct plan *plan, const uint8_t *data, size_t len)
{
    return plan->role == SERVER ? misskey_ws_feed(&p->server, data, len) : misskey_conn_feed(&p->client, data, len);
}

/* False: the library refused the set-up, or bytes while it was open, or took some after the end. */
static bool play(struct plan plan, struct trace *t)
{
    static struct player p;
    misskey_conn_desc desc;
    misskey_err err;
    size_t at, n, taken;
    memset(&desc, 0, sizeof desc);
    t->count = t->opened = t->closed = 0;
    desc.ws.server = plan.role == SERVER;
    desc.ws.host = "misskey.example";
    desc.ws.entropy = entropy;
    desc.ws.user = wire.nonce;
    desc.ws.rx.size = plan.rx;
    desc.ws.rx.ptr = rx_end - plan.rx;
    desc.ws.tx.size = TX_SIZE;
    desc.ws.tx.ptr = tx_end - TX_SIZE;
    err = plan.role == SERVER ? misskey_ws_init(&p.server, &desc.ws) : misskey_conn_init(&p.client, &desc);
    if (err != MISSKEY_ERR_OK) return false;
    if (plan.role == SERVER) misskey_ws_transport_up(&p.server);
    else misskey_conn_transport_up(&p.client);
    drain(&p, &plan, t);
    for (at = 0; at < plan.len && t->closed == 0; at += n) {
        n = plan.piece(at, &plan.arg);
        if (n > plan.len - at) n = plan.len - at;
        for (taken = 0; taken < n && t->closed == 0;) {
            const size_t more = feed(&p, &plan, wire.bytes[plan.role] + at + taken, n - taken);
            if (more == 0) return false;
            taken += more;
            drain(&p, &plan, t);
        }
    }
    for (n = 0; n < 2; n++) {
        if (plan.role == SERVER) misskey_ws_transport_down(&p.server);
        else misskey_conn_transport_down(&p.client);
        drain(&p, &plan, t);
        if (t->closed > 0 && feed(&p, &plan, wire.bytes[plan.role], 1) > 0) return false;
    }
    return true;
}

static struct plan plan_of(int role)
{
    struct plan plan;
    memset(&plan, 0, sizeof plan);
    plan.role = role;
    plan.len = wire.len[role];
    plan.rx = MAX_WIRE;
    plan.piece = whole;
    return plan;
}

/* --- comparing --- */

static struct trace full, other;
static char why[300];

static unsigned message_type(int role)
{
    return role == SERVER ? (unsigned)MISSKEY_WS_EVENT_MESSAGE : (unsigned)MISSKEY_EVENT_MESSAGE;
}

/* Turns what would not have fitted into so much memory into DROPPED. */
static struct step expected_step(const struct step *s, int role, size_t rx)
{
    struct step e = *s;
    if (e.type != message_type(role) || e.size <= rx - 14) return e;
    e.type = role == SERVER ? (unsigned)MISSKEY_WS_EVENT_DROPPED : (unsigned)MISSKEY_EVENT_DROPPED;
    e.hash = 0;
    return e;
}

/* How many events at the beginning of other are as in full. */
static size_t same_steps(int role, size_t rx)
{
    size_t i;
    for (i = 0; i < full.count && i < other.count; i++) {
        const struct step e = expected_step(&full.steps[i], role, rx);
        if (e.type != other.steps[i].type || e.size != other.steps[i].size || e.hash != other.steps[i].hash) break;
    }
    return i;
}

static void explain(const char *folder, const struct plan *plan, const char *what, size_t event)
{
    snprintf(why, sizeof why, "%s, %s, %lu of its bytes, %s %lu, rx %lu: %s at event %lu", folder,
             plan->role == SERVER ? "server" : "client", (unsigned long)plan->len,
             plan->piece == whole ? "whole" : plan->piece == one ? "one" : plan->piece == in_two ? "in two" : "random",
             (unsigned long)plan->arg, (unsigned long)plan->rx, what, (unsigned long)event);
}

/* Plays it, with what the messages are about read along, and compares with full. */
static bool same(const char *folder, struct plan plan)
{
    size_t i;
    other.read = true;
    explain(folder, &plan, "bytes refused", 0);
    if (!play(plan, &other)) return false;
    i = same_steps(plan.role, plan.rx);
    explain(folder, &plan, "another event", i);
    if (i < full.count || i < other.count) return false;
    explain(folder, &plan, "CLOSED not exactly once", other.closed);
    return other.closed == 1;
}

/* Plays a truncated stream: the events that were complete, then CLOSED, once. */
static bool truncated(const char *folder, struct plan plan)
{
    size_t i;
    explain(folder, &plan, "bytes refused", 0);
    if (!play(plan, &other)) return false;
    i = same_steps(plan.role, plan.rx);
    explain(folder, &plan, "another end", i);
    if (other.closed != 1) return false;
    if (i == full.count && i == other.count) return true;
    return i + 1 == other.count && other.err == MISSKEY_ERR_TRANSPORT && other.code == (other.opened > 0 ? 1006u : 0u);
}

/* --- tests --- */

struct known { const char *folder; int role; size_t messages; unsigned code; misskey_err err; };

static const struct known known[] = {
    { "timelines",                    CLIENT, 550, 1000, MISSKEY_ERR_OK },
    { "timelines",                    SERVER,  11, 1000, MISSKEY_ERR_OK },
    { "giant-messages",               CLIENT,   6, 1006, MISSKEY_ERR_TRANSPORT },
    { "note-capture",                 CLIENT,  21, 1000, MISSKEY_ERR_OK },
    { "garbage-from-client",          SERVER,  28, 1000, MISSKEY_ERR_OK },
    { "keepalive",                    SERVER,   4, 1000, MISSKEY_ERR_OK },
    { "cut-off/a",                    CLIENT,   0,    0, MISSKEY_ERR_TRANSPORT },
    { "cut-off/d",                    CLIENT,   2, 1006, MISSKEY_ERR_TRANSPORT },
    { "behind-nginx/redirect",        CLIENT,   0,  301, MISSKEY_ERR_HTTP_STATUS },
    { "handshake/bad-request",        SERVER,   0,  400, MISSKEY_ERR_HTTP_SYNTAX },
    { "handshake/bad-version",        SERVER,   0,  426, MISSKEY_ERR_HTTP_STATUS },
    { "frames/client-ping",           SERVER,   0, 1005, MISSKEY_ERR_OK },
    { "frames/close-4000",            SERVER,   0, 4000, MISSKEY_ERR_OK },
    { "frames/fragmented-client-text", SERVER,  1, 1000, MISSKEY_ERR_OK },
    { "frames/huge-announced",        SERVER,   0, 1009, MISSKEY_ERR_TOO_BIG },
    { "frames/invalid-utf8",          SERVER,   0, 1007, MISSKEY_ERR_WS_UTF8 },
    { "frames/unmasked",              SERVER,   0, 1002, MISSKEY_ERR_WS_PROTOCOL },
    { "frames/unmasked",              CLIENT,   0, 1002, MISSKEY_ERR_OK }
};

TEST known_streams_end_as_recorded(void)
{
    size_t i, s, messages;
    for (i = 0; i < sizeof known / sizeof known[0]; i++) {
        ASSERTm(known[i].folder, read_wire("tests/recordings", known[i].folder));
        ASSERTm(known[i].folder, play(plan_of(known[i].role), &full));
        for (s = 0, messages = 0; s < full.count; s++) {
            messages += full.steps[s].type == message_type(known[i].role);
        }
        ASSERT_EQ_FMT(known[i].messages, messages, "%zu");
        ASSERT_EQ_FMT(known[i].code, full.code, "%u");
        ASSERT_EQ_FMT(known[i].err, full.err, "%d");
        ASSERTm(known[i].folder, full.closed == 1 && full.count < MAX_STEPS);
    }
    PASS();
}

static bool every_split(const char *folder, struct plan plan)
{
    plan.piece = one;
    if (!same(folder, plan)) return false;
    plan.piece = at_random;
    for (plan.arg = 1; plan.arg <= 3; plan.arg++) if (!same(folder, plan)) return false;
    plan.piece = in_two;
    for (plan.arg = 1; plan.len <= SHORT && plan.arg < plan.len; plan.arg++) if (!same(folder, plan)) return false;
    plan.keep_output = true;
    return same(folder, plan);
}

static bool every_truncation(const char *folder, struct plan plan)
{
    const size_t len = plan.len, step = len <= SHORT ? 1 : len / 30;
    for (plan.len = 0; plan.len < len; plan.len += step) {
        plan.piece = whole;
        if (!truncated(folder, plan)) return false;
        plan.piece = at_random;
        plan.arg = (uint32_t)plan.len;
        if (!truncated(folder, plan)) return false;
    }
    return true;
}

static bool every_memory(const char *folder, struct plan plan)
{
    plan.piece = at_random;
    for (plan.rx = 256; plan.rx < MAX_WIRE; plan.rx += plan.len <= SHORT && plan.rx < 400 ? 1 : plan.rx / 3) {
        plan.arg = (uint32_t)plan.rx;
        if (!same(folder, plan)) return false;
    }
    plan.rx = 256;
    plan.piece = one;
    return same(folder, plan);
}

TEST committed_recordings(bool (*property)(const char *, struct plan))
{
    size_t i;
    int role;
    for (i = 0; committed[i] != NULL; i++) {
        ASSERTm(committed[i], read_wire("tests/recordings", committed[i]));
        for (role = CLIENT; role <= SERVER; role++) {
            ASSERTm(committed[i], play(plan_of(role), &full));
            ASSERTm(why, property(committed[i], plan_of(role)));
        }
    }
    PASS();
}

TEST shared_recordings(void)
{
    size_t i;
    int role;
    if (!read_wire("../shared/recordings", "cut-off/a"))
        SKIPm("../shared/recordings is missing; only tests/recordings was used");
    for (i = 0; shared[i] != NULL; i++) {
        ASSERTm(shared[i], read_wire("../shared/recordings", shared[i]));
        for (role = CLIENT; role <= SERVER; role++) {
            ASSERTm(shared[i], play(plan_of(role), &full));
            ASSERTm(why, every_split(shared[i], plan_of(role)));
            ASSERTm(why, every_memory(shared[i], plan_of(role)));
        }
    }
    PASS();
}

/* Is every prefix of the text, at the unreadable page, read alike by all that read texts? */
static bool prefixes_agree(const uint8_t *text, size_t len)
{
    misskey_session session;
    misskey_session_desc desc;
    misskey_event e;
    misskey_message m;
    misskey_json value;
    size_t n, at;
    memset(&desc, 0, sizeof desc);
    if (misskey_session_init(&session, &desc) != MISSKEY_ERR_OK) return false;
    misskey_session_transport_up(&session);
    if (!misskey_session_poll(&session, &e) || e.type != MISSKEY_EVENT_OPEN) return false;
    for (n = 0; n <= len; n++) {
        const char *const p = (const char *)memcpy(text_end - n, text, n);
        const misskey_err json = misskey_json_check(p, n, &value, &at);
        const misskey_err err = misskey_message_parse(p, n, &m);
        if (at > n || (json == MISSKEY_ERR_OK) != (n == len)) return false;
        if (misskey_session_recv_message(&session, p, n) != err) return false;
        if (err != MISSKEY_ERR_OK) continue;
        if (!misskey_session_poll(&session, &e) || misskey_session_poll(&session, &e)) return false;
        if ((m.kind == MISSKEY_KIND_TEXT) != (n < len)) return false;
    }
    return true;
}

/* The messages of a server stand in the clear in its bytes: each begins with the same member. */
TEST texts_before_an_unreadable_page(void)
{
    static const char begin[] = "{\"type\":\"";
    size_t at, len, count = 0;
#if !UNREADABLE_PAGES
    SKIPm("no unreadable pages on this system");
#endif
    ASSERT(read_wire("tests/recordings", "note-capture"));
    for (at = 4; at + sizeof begin < wire.len[CLIENT]; at++) {
        const uint8_t *const p = wire.bytes[CLIENT] + at;
        if (memcmp(p, begin, sizeof begin - 1) != 0) continue;
        len = p[-4] == 0x81 && p[-3] == 126 ? (size_t)p[-2] << 8 | p[-1] : p[-1];
        ASSERT(at + len <= wire.len[CLIENT]);
        ASSERT(prefixes_agree(p, len));
        count++;
    }
    ASSERT_EQ_FMT((size_t)21, count, "%zu");
    PASS();
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    rx_end = guarded_end(MAX_WIRE);
    tx_end = guarded_end(TX_SIZE);
    text_end = guarded_end(MAX_WIRE);
    RUN_TEST(known_streams_end_as_recorded);
    greatest_set_test_suffix("every_split");
    RUN_TESTp(committed_recordings, every_split);
    greatest_set_test_suffix("every_truncation");
    RUN_TESTp(committed_recordings, every_truncation);
    greatest_set_test_suffix("every_memory");
    RUN_TESTp(committed_recordings, every_memory);
    RUN_TEST(shared_recordings);
    RUN_TEST(texts_before_an_unreadable_page);
    GREATEST_MAIN_END();
}
