/* Public calls in any order, with any arguments, on a connection, on a WebSocket in either role, or on a session alone.
   Checked after each: views live until the next poll, polling ends, what is sent is well formed, nothing asks to be
   polled again at once when nothing is left to do. Then a good peer comes: everything that is wanted must be there, and
   nothing else. The first bytes of an input choose the object and its memory, see api_begin. */
#include "wire.h"
#include "../tests/pretend.h"

enum { API_CONN, API_SESSION, API_CLIENT, API_SERVER, API_KINDS };
enum { API_CHANNELS = 4, API_NOTES = 4, API_SLOTS = 3, API_VIEWS = 16 };

typedef struct api {
    int kind;
    bool made;                  /* init succeeded */
    bool closed;                /* CLOSED came, and no transport since */
    misskey_conn conn;          /* API_CONN */
    misskey_ws ws;              /* API_CLIENT, API_SERVER */
    misskey_session alone;      /* API_SESSION */
    misskey_session *session;   /* of the two that have one, else NULL */
    misskey_channel_slot channels[API_CHANNELS];
    misskey_capture_slot captures[API_SLOTS];
    misskey_mem rx, tx;
    char *lent;                 /* the text that a session alone has borrowed */
    uint32_t now;
    bool no_entropy;
    wire_run *run;
    fuzz_input in;
    struct { misskey_channel handle; const char *name; unsigned refs; } wants[API_CHANNELS];
    unsigned notes[API_NOTES];  /* captures of each */
    misskey_str views[API_VIEWS]; /* of the last event */
    unsigned num_views;
    uint64_t sum;               /* over their bytes */
} api;

static const char *const api_names[] = {
    "localTimeline", "main", "hashtag", "globalTimeline", "", "a\"b", "homeTimeline"
};
static const char *const api_ids[API_NOTES] = { "9aaaaaaaaa", "9bbbbbbbbb", "x", "0123456789abcdef0123456789abcdef" };
static const char *const api_texts[] = { /* %.*s: the id of a channel on the wire */
    "h", "", "{\"type\":\"%.*s", "{\"type\":\"ping\",\"body\":{}}", "{\"type\":\"emojiAdded\",\"body\":{\"emoji\":{}}}",
    "{\"type\":\"connected\",\"body\":{\"id\":\"%.*s\"}}",
    "{\"type\":\"noteUpdated\",\"body\":{\"id\":\"9aaaaaaaaa\",\"type\":\"reacted\",\"body\":{\"reaction\":\"a\"}}}",
    "{\"type\":\"channel\",\"body\":{\"id\":\"%.*s\",\"type\":\"note\",\"body\":{\"id\":\"9ccccccccc\"}}}"
};

static bool api_entropy(void *user, void *dst, size_t len)
{
    api *const a = (api *)user;
    return !a->no_entropy && wire_entropy(a->run, dst, len);
}

/* --- what is fed --- */

/* A text message of a server, or of a client. Returns its length. */
static size_t api_text(api *a, char *dst, size_t cap)
{
    const char *const form = api_texts[fuzz_byte(&a->in) % (sizeof api_texts / sizeof api_texts[0])];
    const size_t slot = fuzz_byte(&a->in) % API_CHANNELS;
    char number[16];
    const misskey_jstr id = mski_wire_id((uint32_t)slot, a->channels[slot].wire_, number);
    return (size_t)snprintf(dst, cap, form, (int)id.len, id.ptr);
}

/* A frame of the peer: often right, sometimes with a first byte or length that no peer may send. */
static size_t api_frame(api *a, uint8_t *dst)
{
    static const uint8_t firsts[] = { 0x81, 0x81, 0x81, 0x81, 0x82, 0x89, 0x8A, 0x88, 0x01, 0x80, 0xC1, 0x83 };
    const uint8_t first = firsts[fuzz_byte(&a->in) % sizeof firsts];
    char text[256];
    size_t len = api_text(a, text, sizeof text), at = 2, i;
    if ((first & 8) != 0) { /* of a Close: code 1000 */
        len = fuzz_byte(&a->in) & 127;
        for (i = 0; i < len; i++) text[i] = (char)(i == 0 ? 3 : i == 1 ? 0xE8 : 'p');
    }
    dst[0] = first;
    dst[1] = (uint8_t)((len < 126 ? len : 126) | (a->kind == API_SERVER ? 0x80 : 0));
    if (len >= 126) dst[at++] = (uint8_t)(len >> 8), dst[at++] = (uint8_t)len;
    if (a->kind == API_SERVER) for (i = 0; i < 4; i++) dst[at++] = 0; /* the mask */
    memcpy(dst + at, text, len);
    return at + len;
}

static size_t api_bytes(api *a, uint8_t dst[512])
{
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                 "Sec-WebSocket-Accept: " WIRE_ACCEPT "\r\n\r\n";
    static const char request[] = "GET /streaming?i=t HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: " WIRE_KEY "\r\n\r\n";
    static const char *const refusals[] = {
        "HTTP/1.1 401 No\r\n\r\n", "HTTP/1.1 403 No\r\n\r\n", "HTTP/1.1 429 No\r\nRetry-After: 7\r\n\r\n",
        "HTTP/1.1 301 No\r\nLocation: /\r\n\r\n"
    };
    const char *head = a->kind == API_SERVER ? request : answer;
    size_t len, n;
    switch (fuzz_byte(&a->in) % 8) {
    case 0:
        n = fuzz_byte(&a->in);
        for (len = 0; len < n; len++) dst[len] = (uint8_t)fuzz_byte(&a->in);
        return len;
    case 1: head = refusals[fuzz_byte(&a->in) % 4]; /* fall through */
    case 2: case 3:
        memcpy(dst, head, strlen(head));
        return strlen(head);
    default: return api_frame(a, dst);
    }
}

/* --- the calls that the objects have in common --- */

/* What has left of this connection: whole frames, but for the last. */
static void api_check_sent(api *a)
{
    if (a->kind != API_SESSION) wire_check_sent(&a->run->sent, a->kind != API_SERVER, true);
    a->run->sent.len = 0;
}

static void api_up(api *a)
{
    api_check_sent(a);
    a->closed = false;
    if (a->kind == API_CONN) misskey_conn_transport_up(&a->conn);
    else if (a->kind == API_SESSION) misskey_session_transport_up(&a->alone);
    else misskey_ws_transport_up(&a->ws);
}

static void api_down(api *a, uint16_t status, uint32_t retry_after)
{
    if (a->kind == API_CONN) misskey_conn_transport_down(&a->conn);
    else if (a->kind == API_SESSION) misskey_session_transport_down(&a->alone, status, retry_after);
    else misskey_ws_transport_down(&a->ws);
}

static void api_tick(api *a, uint32_t ms)
{
    a->now += ms;
    if (a->kind == API_CONN) misskey_conn_tick(&a->conn, a->now);
    else if (a->kind == API_SESSION) misskey_session_tick(&a->alone, a->now);
    else misskey_ws_tick(&a->ws, a->now);
}

static uint32_t api_timeout(const api *a)
{
    if (a->kind == API_CONN) return misskey_conn_timeout(&a->conn);
    return a->kind == API_SESSION ? misskey_session_timeout(&a->alone) : misskey_ws_timeout(&a->ws);
}

static const uint8_t *api_send_buf(const api *a, size_t *len)
{
    return a->kind == API_CONN ? misskey_conn_send_buf(&a->conn, len) : misskey_ws_send_buf(&a->ws, len);
}

static void api_send_ack(api *a, size_t n)
{
    if (a->kind == API_CONN) misskey_conn_send_ack(&a->conn, n);
    else misskey_ws_send_ack(&a->ws, n);
}

static size_t api_feed(api *a, const uint8_t *p, size_t len)
{
    return a->kind == API_CONN ? misskey_conn_feed(&a->conn, p, len) : misskey_ws_feed(&a->ws, p, len);
}

/* --- views --- */

static uint64_t api_sum(const api *a)
{
    uint64_t sum = 1;
    size_t i, j;
    for (i = 0; i < a->num_views; i++) {
        for (j = 0; j < a->views[i].len; j++) sum = (sum ^ (uint8_t)a->views[i].ptr[j]) * UINT64_C(1099511628211);
    }
    return sum;
}

static void api_view(api *a, const char *ptr, size_t len)
{
    MUST(ptr != NULL || len == 0);
    a->views[a->num_views].ptr = ptr;
    a->views[a->num_views++].len = len;
}

/* The views of the last event are what they were. */
static void api_check_views(const api *a) { MUST(a->sum == api_sum(a)); }

static bool api_poll_ws(api *a)
{
    misskey_ws_event ev;
    api_check_views(a);
    a->num_views = 0;
    a->sum = api_sum(a);
    if (!misskey_ws_poll(&a->ws, &ev)) return false;
    MUST(!a->closed && ev.type != MISSKEY_WS_EVENT_NONE);
    a->closed = ev.type == MISSKEY_WS_EVENT_CLOSED;
    api_view(a, ev.text.ptr, ev.text.len);
    api_view(a, ev.location.ptr, ev.location.len);
    api_view(a, ev.token.ptr, ev.token.len);
    api_view(a, ev.protocols.ptr, ev.protocols.len);
    a->sum = api_sum(a);
    return true;
}

static bool api_poll(api *a)
{
    static misskey_reading reading;
    misskey_event ev;
    bool more;
    if (a->session == NULL) return api_poll_ws(a);
    api_check_views(a);
    a->num_views = 0;
    a->sum = api_sum(a);
    if (a->kind == API_SESSION) more = misskey_session_poll(&a->alone, &ev);
    else more = a->now % 2 == 0 ? misskey_conn_poll(&a->conn, &ev) : misskey_conn_read(&a->conn, &ev, &reading);
    if (!more) {
        free(a->lent);
        a->lent = NULL;
        return false;
    }
    MUST(ev.type != MISSKEY_EVENT_NONE && (!a->closed || ev.type == MISSKEY_EVENT_DIAL));
    if (ev.type == MISSKEY_EVENT_CLOSED) a->closed = true;
    api_view(a, ev.text.ptr, ev.text.len);
    api_view(a, ev.location.ptr, ev.location.len);
    api_view(a, ev.last_id.ptr, ev.last_id.len);
    api_view(a, ev.message.raw.ptr, ev.message.raw.len);
    api_view(a, ev.message.body.ptr, ev.message.body.len);
    api_view(a, ev.message.id.ptr, ev.message.id.len);
    api_view(a, ev.message.event.ptr, ev.message.event.len);
    a->sum = api_sum(a);
    return true;
}

/* --- single calls --- */

/* Takes n bytes of what is to be sent. */
static void api_take(api *a, size_t n)
{
    size_t len;
    const uint8_t *const p = api_send_buf(a, &len);
    MUST((p == NULL) == (len == 0));
    if (n > len) n = len;
    if (p != NULL) wire_put(&a->run->sent, p, n);
    api_send_ack(a, n);
}

/* Session alone: the texts that it wants to send. */
static bool api_take_text(api *a, size_t cap)
{
    char text[512];
    misskey_message m;
    size_t len;
    const misskey_err err = misskey_session_send_message(&a->alone, text, cap, &len);
    if (err == MISSKEY_ERR_TOO_SMALL) MUST(len > cap && len <= sizeof text);
    if (err != MISSKEY_ERR_OK) return false;
    MUST(misskey_message_parse(text, len, &m) == MISSKEY_ERR_OK && m.kind != MISSKEY_KIND_TEXT);
    return true;
}

/* Polls and sends until nothing is left to do; then nothing may ask for it again at once. */
static void api_settle(api *a)
{
    unsigned rounds = 0;
    size_t len;
    for (;;) {
        bool some = false;
        while (api_poll(a)) {
            some = true;
            MUST(++rounds < 5000);
        }
        if (a->kind == API_SESSION) {
            while (api_take_text(a, 512)) some = true;
        } else {
            (void)api_send_buf(a, &len);
            some = some || len > 0;
            api_take(a, len);
        }
        MUST(++rounds < 5000);
        if (!some) break;
    }
    MUST(api_timeout(a) > 0);
}

static void api_receive(api *a)
{
    uint8_t bytes[512];
    const size_t len = api_bytes(a, bytes);
    size_t room, n;
    uint8_t *p;
    if (fuzz_byte(&a->in) % 2 == 0) {
        n = api_feed(a, bytes, len);
        MUST(n <= len);
        return;
    }
    p = a->kind == API_CONN ? misskey_conn_recv_buf(&a->conn, &room) : misskey_ws_recv_buf(&a->ws, &room);
    MUST((p == NULL) == (room == 0));
    n = len < room ? len : room;
    if (p != NULL) memcpy(p, bytes, n);
    if (fuzz_byte(&a->in) % 8 == 0) n = fuzz_byte(&a->in) % 2 != 0 ? room + 1 : (size_t)-1; /* ignored */
    if (a->kind == API_CONN) misskey_conn_recv_ack(&a->conn, n);
    else misskey_ws_recv_ack(&a->ws, n);
}

/* Hands a text to a session alone. */
static void api_lend(api *a)
{
    char text[256];
    const size_t len = api_text(a, text, sizeof text);
    char *const copy = (char *)fuzz_copy(text, len);
    if (misskey_session_recv_message(&a->alone, copy, len) != MISSKEY_ERR_OK) {
        free(copy);
        return;
    }
    free(a->lent);
    a->lent = copy;
}

static void api_open(api *a)
{
    static const char *const params[] = { NULL, "{}", "{\"q\":[[\"a\"]]}", "{", "[]" };
    const char *const name = api_names[fuzz_byte(&a->in) % (sizeof api_names / sizeof api_names[0])];
    misskey_channel handle;
    size_t i, place = API_CHANNELS;
    const misskey_err err = misskey_channel_open(a->session, name, params[fuzz_byte(&a->in) % 5], a, &handle);
    if (err != MISSKEY_ERR_OK) return;
    MUST(a->made);
    for (i = 0; i < API_CHANNELS; i++) {
        if (a->wants[i].refs > 0 && a->wants[i].handle.id == handle.id) break;
        if (a->wants[i].refs == 0) place = i;
    }
    if (i == API_CHANNELS) i = place;
    MUST(i < API_CHANNELS);
    a->wants[i].handle = handle;
    a->wants[i].name = name;
    a->wants[i].refs++;
}

static void api_close_channel(api *a)
{
    misskey_channel handle = a->wants[fuzz_byte(&a->in) % API_CHANNELS].handle;
    size_t i;
    if (fuzz_byte(&a->in) % 8 == 0) handle.id ^= 0x10000u << fuzz_byte(&a->in) % 16; /* most often nobody's */
    for (i = 0; i < API_CHANNELS; i++) if (a->wants[i].refs > 0 && a->wants[i].handle.id == handle.id) break;
    MUST(misskey_channel_close(a->session, handle) == (i < API_CHANNELS ? MISSKEY_ERR_OK : MISSKEY_ERR_STALE));
    if (i < API_CHANNELS) a->wants[i].refs--;
}

static void api_note(api *a)
{
    const unsigned i = fuzz_byte(&a->in) % API_NOTES;
    const size_t len = fuzz_byte(&a->in) % 8 == 0 ? (size_t)fuzz_byte(&a->in) % 2 : strlen(api_ids[i]);
    const bool whole = len == strlen(api_ids[i]);
    if (!whole && len > 0) return; /* a shorter id is another note */
    if (fuzz_byte(&a->in) % 2 == 0) {
        if (misskey_note_capture(a->session, api_ids[i], len) == MISSKEY_ERR_OK) a->notes[i] += whole;
    } else {
        const misskey_err err = misskey_note_release(a->session, api_ids[i], len);
        MUST((err == MISSKEY_ERR_OK) == (whole && a->notes[i] > 0));
        a->notes[i] -= err == MISSKEY_ERR_OK;
    }
}

static void api_send(api *a)
{
    char text[256], out[512];
    size_t len = api_text(a, text, sizeof text), written;
    const misskey_channel handle = a->wants[fuzz_byte(&a->in) % API_CHANNELS].handle;
    misskey_message m;
    const char *const bodies[] = { NULL, "{\"a\":1}", "{", "\xFF" };
    const char *const body = bodies[fuzz_byte(&a->in) % 4];
    if (misskey_message_parse(text, len, &m) != MISSKEY_ERR_OK) return;
    if (a->kind == API_CONN) {
        (void)misskey_conn_send(&a->conn, &m);
        (void)misskey_conn_channel_send(&a->conn, handle, "read", body);
    } else if (a->kind == API_SESSION) {
        (void)misskey_session_channel_send(&a->alone, handle, "read", body, out, fuzz_byte(&a->in), &written);
    } else {
        (void)misskey_ws_send_message(&a->ws, &m);
        (void)misskey_ws_send(&a->ws, text, len, fuzz_byte(&a->in) % 2 != 0);
    }
}

static void api_close(api *a)
{
    static const uint16_t codes[] = { 0, 1000, 1001, 1005, 1006, 1016, 3000, 4999, 5000, 65535 };
    char reason[140];
    const size_t lens[] = { 0, 3, 122, 123, 124, sizeof reason - 1 };
    const size_t len = lens[fuzz_byte(&a->in) % 6];
    const uint16_t code = codes[fuzz_byte(&a->in) % 10];
    const bool some = fuzz_byte(&a->in) % 4 > 0;
    memset(reason, fuzz_byte(&a->in) % 8 == 0 ? 0xC3 : 'r', len);
    reason[len] = 0;
    if (a->kind == API_CONN) (void)misskey_conn_close(&a->conn, code, some ? reason : NULL);
    else (void)misskey_ws_close(&a->ws, code, some ? reason : NULL);
}

static void api_answer(api *a)
{
    static const uint16_t status[] = { 101, 299, 300, 401, 403, 503, 599, 600, 0 };
    const unsigned how = fuzz_byte(&a->in);
    if (how % 4 == 0) (void)misskey_ws_reject(&a->ws, status[how / 4 % 9]);
    else (void)misskey_ws_accept(&a->ws, how % 4 == 1 ? "a b" : how % 4 == 2 ? "misskey" : NULL);
}

static int api_read(void *user, void *dst, size_t len)
{
    api *const a = (api *)user;
    uint8_t bytes[512];
    const unsigned how = fuzz_byte(&a->in);
    size_t n;
    if (how % 4 == 0) return -1;
    if (how % 4 != 1) return 0;
    n = api_bytes(a, bytes);
    if (n > len) n = len;
    memcpy(dst, bytes, n);
    return (int)n;
}

static int api_write(void *user, const void *src, size_t len)
{
    api *const a = (api *)user;
    const unsigned how = fuzz_byte(&a->in);
    if (how % 8 == 0) return -1;
    if (len > how) len = how;
    wire_put(&a->run->sent, src, len);
    return (int)len;
}

static void api_pump(api *a)
{
    misskey_io io;
    io.read = api_read;
    io.write = api_write;
    io.user = a;
    if (a->kind == API_CONN) (void)misskey_conn_pump(&a->conn, &io);
    else (void)misskey_ws_pump(&a->ws, &io);
}

static void api_time(api *a)
{
    static const uint32_t steps[] = { 0, 1, 3, 100, 999, 5000, 10000, 75000, 3600000, 0x20000000u, 0x7FFFFFFFu,
                                      0x80000000u, 0xFFFFF000u, 0xFFFFFFFFu };
    const unsigned how = fuzz_byte(&a->in);
    const uint32_t timeout = api_timeout(a);
    api_tick(a, how % 2 == 0 ? steps[how / 2 % 14] : timeout == MISSKEY_FOREVER ? 1000000 : timeout);
}

static void api_status(api *a)
{
    static const uint16_t status[] = { 0, 101, 401, 403, 429, 503, 1000, 1006, 1008, 1012, 1013 };
    const uint16_t code = status[fuzz_byte(&a->in) % 11];
    api_down(a, code, fuzz_byte(&a->in) % 4 == 0 ? 0xFFFFFFFFu : 0);
}

/* The calls that are a session's own, and those of a WebSocket. */
static void api_call_session(api *a, unsigned op)
{
    switch (op) {
    case 0: api_open(a); break;
    case 1: api_close_channel(a); break;
    case 2: api_note(a); break;
    default: misskey_session_dial_now(a->session); break;
    }
}

static void api_call_transport(api *a, unsigned op)
{
    switch (op) {
    case 0: api_pump(a); break;
    case 1: api_take(a, fuzz_byte(&a->in)); break;
    case 2: api_close(a); break;
    default: api_receive(a); break;
    }
}

static void api_call(api *a)
{
    const unsigned op = fuzz_byte(&a->in) % 20;
    switch (op) {
    case 0: api_up(a); break;
    case 1: api_status(a); break;
    case 2: case 3: case 4: api_time(a); break;
    case 5: (void)api_poll(a); break;
    case 6: case 7: api_settle(a); break;
    case 8: api_send(a); break;
    case 9: a->no_entropy = fuzz_byte(&a->in) % 4 == 0; break;
    case 10: case 11: case 12: case 13:
        if (a->session != NULL) api_call_session(a, op - 10);
        else api_answer(a);
        break;
    default:
        if (a->kind != API_SESSION) api_call_transport(a, op - 14);
        else if (op % 2 == 0) api_lend(a);
        else (void)api_take_text(a, fuzz_byte(&a->in));
        break;
    }
    api_check_views(a);
}

/* --- the good peer --- */

static pretend api_server;

/* Moves everything that both sides have to say. */
static void api_exchange(api *a)
{
    char text[1 << 12];
    size_t len, n;
    const uint8_t *p;
    bool some = true;
    while (some) {
        some = false;
        while (api_poll(a)) some = true;
        if (a->kind == API_SESSION) {
            while (misskey_session_send_message(&a->alone, text, sizeof text, &len) == MISSKEY_ERR_OK) {
                pretend_text(&api_server, text, len);
                some = true;
            }
            len = pretend_next_text(&api_server, text, sizeof text);
            if (len == 0) continue;
            free(a->lent);
            a->lent = (char *)fuzz_copy(text, len);
            MUST(misskey_session_recv_message(&a->alone, a->lent, len) == MISSKEY_ERR_OK);
            some = true;
            continue;
        }
        p = api_send_buf(a, &len);
        if (len > 0) {
            pretend_feed(&api_server, p, len);
            api_send_ack(a, len);
            some = true;
        }
        p = pretend_send_buf(&api_server, &len);
        n = len > 0 ? api_feed(a, p, len) : 0;
        if (n > 0) pretend_send_ack(&api_server, n);
        some = some || n > 0;
    }
}

/* The server has what is wanted, and nothing else but what it cannot end (PRETEND_LEAKED). */
static bool api_satisfied(const api *a)
{
    size_t i, wanted = 0, live = 0, notes = 0;
    for (i = 0; i < API_CHANNELS; i++) wanted += a->wants[i].refs > 0;
    for (i = 0; i < api_server.num_channels; i++) {
        if (api_server.channels[i].state == PRETEND_PENDING) return false;
        live += api_server.channels[i].state == PRETEND_LIVE;
    }
    for (i = 0; i < API_NOTES; i++) {
        const bool there = pretend_find_capture(&api_server, api_ids[i]) != NULL;
        if (there != (a->notes[i] > 0)) return false;
        notes += there;
    }
    return live == wanted && notes == api_server.num_captures;
}

/* Time passes until the server has what is wanted. */
static void api_wait(api *a)
{
    uint32_t step;
    unsigned n;
    for (n = 0; n < 1000; n++) {
        api_exchange(a);
        MUST(!a->closed);
        if (api_satisfied(a)) return;
        step = mski_least(mski_least(api_timeout(a), pretend_timeout(&api_server)), 10000);
        MUST(step > 0);
        api_tick(a, step);
        pretend_tick(&api_server, a->now);
    }
    MUST(!"everything that is wanted is there, and nothing else");
}

static void api_want_nothing(api *a)
{
    size_t i;
    for (i = 0; i < API_CHANNELS; i++) {
        for (; a->wants[i].refs > 0; a->wants[i].refs--) {
            MUST(misskey_channel_close(a->session, a->wants[i].handle) == MISSKEY_ERR_OK);
        }
    }
    for (i = 0; i < API_NOTES; i++) {
        for (; a->notes[i] > 0; a->notes[i]--) {
            MUST(misskey_note_release(a->session, api_ids[i], strlen(api_ids[i])) == MISSKEY_ERR_OK);
        }
    }
}

static void api_good_peer(api *a)
{
    a->no_entropy = false;
    api_down(a, 0, 0);
    api_settle(a);
    pretend_init(&api_server, &pretend_eras[PRETEND_2026], 1);
    api_server.now = a->now;
    if (a->kind == API_SESSION) pretend_up_texts(&api_server, false);
    else pretend_up(&api_server);
    api_tick(a, 0);
    api_up(a);
    api_wait(a);
    api_want_nothing(a);
    api_wait(a);
}

/* --- one run --- */

static void api_begin(api *a, fuzz_input in, wire_run *run)
{
    misskey_conn_desc desc;
    unsigned flags;
    memset(a, 0, sizeof *a);
    memset(&desc, 0, sizeof desc);
    a->sum = api_sum(a);
    a->in = in;
    a->run = run;
    run->sent.len = run->masks = 0;
    flags = fuzz_byte(&a->in);
    a->kind = (int)(flags % API_KINDS);
    a->rx.size = 256 + fuzz_byte(&a->in) * (flags & 16 ? 8u : 1u);
    a->tx.size = 256 + fuzz_byte(&a->in) * (flags & 32 ? 8u : 1u);
    desc.ws.rx.ptr = a->rx.ptr = malloc(a->rx.size);
    desc.ws.tx.ptr = a->tx.ptr = malloc(a->tx.size);
    desc.ws.rx.size = a->rx.size;
    desc.ws.tx.size = a->tx.size;
    desc.ws.host = flags & 64 ? "example.com:443" : "h";
    desc.ws.token = "secret";
    desc.ws.entropy = desc.session.entropy = api_entropy;
    desc.ws.user = desc.session.user = a;
    desc.ws.server = a->kind == API_SERVER;
    desc.session.channels = a->channels;
    desc.session.num_channels = flags & 128 ? API_CHANNELS : 1;
    desc.session.captures = a->captures;
    desc.session.num_captures = API_SLOTS;
    desc.session.rate = (uint16_t)(fuzz_byte(&a->in) % 8);
    desc.session.blink_ms = fuzz_byte(&a->in) % 2 == 0 ? 0 : 5000;
    desc.session.heartbeat_ms = fuzz_byte(&a->in) % 2 == 0 ? 0 : 7000;
    a->now = fuzz_byte(&a->in) % 2 == 0 ? 0 : 0xFFFFF000u;
    if (fuzz_byte(&a->in) % 16 == 0) desc.ws.host = desc.ws.server ? NULL : "not a host";
    if (a->kind == API_CONN) a->session = &a->conn.session;
    if (a->kind == API_SESSION) a->session = &a->alone;
    if (a->kind == API_CONN) a->made = misskey_conn_init(&a->conn, &desc) == MISSKEY_ERR_OK;
    else if (a->kind == API_SESSION) a->made = misskey_session_init(&a->alone, &desc.session) == MISSKEY_ERR_OK;
    else a->made = misskey_ws_init(&a->ws, &desc.ws) == MISSKEY_ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static wire_run run;
    static api a;
    fuzz_input in;
    if (size > 2048) return 0;
    in.p = data;
    in.left = size;
    api_begin(&a, in, &run);
    api_tick(&a, 0);
    while (a.in.left > 0 && run.sent.len < sizeof run.sent.bytes / 2) api_call(&a);
    api_check_sent(&a);
    if (a.made && a.session != NULL) api_good_peer(&a);
    else api_settle(&a);
    free(a.lent);
    free(a.rx.ptr);
    free(a.tx.ptr);
    return 0;
}
