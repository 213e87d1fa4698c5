/* Random operations drive a client against the pretend server, beside a plain model of what is wanted. Environment:
   MODEL_STEPS (default 40000) and MODEL_SEED choose a longer or another run; a failure prints both for its world. */
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../misskey_stream.h"
#include "pretend.h"
#include "greatest.h"
#include <stdlib.h>

enum {
    WANTS = 64, ASKED = 256, NOTES = 40, PARAMS = 24, NAMES = 12, SEQS = 1 << 14, PIPE = 1 << 18, WORLD_STEPS = 1000,
    MAX_RATE = 80
};

/* What the application wants of one channel, and what it was told. */
typedef struct want {
    misskey_channel handle;
    const char *name, *params;
    unsigned refs;          /* 0 = free */
    bool ready, refused;    /* told on this transport */
    bool owed;              /* was ready when a transport was lost: a GAP is due, since lost_at */
    bool again;             /* opened when one of its name had been closed on this transport: may be ready already */
    bool silent;            /* ... and not told so before the transport was lost: a GAP may come */
    bool exact;             /* nothing was late or cut since open_at: the outage is known, not just its bounds */
    uint32_t lost_at, open_at; /* what came last, and OPEN, on the transport that was lost */
    uint32_t probes;
    char last[40];          /* id of the last note */
} want;

/* A connect that was sent on this transport. */
typedef struct connect_ { char id[16]; uint32_t at; bool answered; } connect_;

typedef struct pipe_ { uint8_t data[PIPE]; size_t len; } pipe_;

typedef struct world {
    /* the client */
    misskey_conn conn;
    misskey_session *s;
    misskey_channel_slot channels[48];
    misskey_capture_slot captures[48];
    misskey_conn_desc desc;
    uint8_t rx[4096], tx[2048];
    char loan[2][1 << 14];  /* alone: the text lent to the session, and the next one */
    unsigned lent;          /* which of them is lent */
    size_t next_len;
    bool anonymous;
    bool alone;             /* session without WebSocket */
    /* the model */
    want wants[WANTS];
    unsigned notes[NOTES];  /* captures */
    unsigned note_probes[NOTES];
    misskey_channel stale;  /* closed last */
    bool closed[NAMES];     /* some channel of this name, on this transport */
    want *gap;              /* this channel's GAP has to be the next event of a channel */
    uint32_t seqs[SEQS], num_seqs, got_seqs, seq; /* operations accepted on this transport, arrived; last number */
    uint32_t left, unsent;  /* of these: left whole; died with earlier transports */
    uint32_t heard_at, open_at, lost_at, dialled_at, retry_floor, retry_after;
    uint32_t sent_at[MAX_RATE], num_sent, slot_was; /* times of the messages that count for the rate */
    connect_ asked[ASKED];
    uint32_t num_asked;
    uint32_t texts_in, texts_out, connecteds, delivered, given_texts, outages, dropped;
    bool up, was_up, stopped, dialling, quit, last_traced;
    unsigned rate, max_channels, entropy_left;  /* entropy fails after so many calls, 0 = never */
    /* between them */
    pretend server;
    pipe_ to_server, watched;
    bool linked, broken, head_left;
    bool late;              /* some tick since OPEN came late: what was read may have waited */
    bool kind, calm;        /* no new trouble; the transport has to stay */
    uint32_t now, seen;     /* the time, and what the client was told of it */
    uint64_t rng;
    uint32_t note_id;
    /* the verdict */
    const char *failed;
    unsigned long seed, step, opens, readies, gaps, refusals, quiets, subs, ups, ops;
} world;

static char params_pool[PARAMS][24];
static const char *const names_pool[NAMES] = {
    "homeTimeline", "localTimeline", "main", "drive", "admin", "serverStats", "hashtag", "channel", "userList",
    "antenna", "inventedTimeline", "globalTimeline"
};

/* The first thing that is not as it should be ends the run; a place for a breakpoint. */
static void fail(world *w, const char *what)
{
    if (w->failed == NULL) w->failed = what;
}

#define CHECK(cond) do { if (!(cond)) fail(w, #cond); } while (0)

static uint32_t roll(world *w, uint32_t below)
{
    w->rng ^= w->rng >> 12;
    w->rng ^= w->rng << 25;
    w->rng ^= w->rng >> 27;
    return below == 0 ? 0 : (uint32_t)((w->rng * UINT64_C(2685821657736338717)) >> 33) % below;
}

static bool one_in(world *w, uint32_t n) { return roll(w, n) == 0; }

/* --- callbacks of the client --- */

static bool starts(const char *text, size_t len, const char *with)
{
    return len >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

static bool entropy(void *user, void *dst, size_t len)
{
    world *const w = (world *)user;
    uint8_t *p = (uint8_t *)dst;
    const bool of_message = w->last_traced;
    w->last_traced = false;
    if (w->entropy_left > 0 && --w->entropy_left == 0) {
        if (of_message) w->sent_at[--w->num_sent % w->rate] = w->slot_was; /* it was traced, and does not leave */
        return false;
    }
    while (len-- > 0) *p++ = (uint8_t)roll(w, 256);
    return true;
}

/* Never more messages that count than the rate in any second. */
static void check_rate(world *w)
{
    uint32_t *const slot = &w->sent_at[w->num_sent % w->rate];
    if (w->num_sent >= w->rate) CHECK("rate" && w->seen - *slot >= 1000);
    w->slot_was = *slot;
    *slot = w->seen;
    w->num_sent++;
}

static connect_ *find_asked(world *w, misskey_jstr id)
{
    uint32_t i;
    for (i = 0; i < w->num_asked && i < ASKED; i++) if (misskey_jstr_eq(id, w->asked[i].id)) return &w->asked[i];
    return NULL;
}

/* A disconnect waits until its connect is answered, or was not for long enough. */
static void check_order(world *w, const misskey_message *m)
{
    connect_ *a = find_asked(w, m->id);
    if (m->kind == MISSKEY_KIND_DISCONNECT && a != NULL) CHECK(a->answered || w->seen - a->at >= w->s->d_.ack_ms);
    if (m->kind == MISSKEY_KIND_DISCONNECT) CHECK(a != NULL || w->num_asked > ASKED);
    if (m->kind != MISSKEY_KIND_CONNECT) return;
    a = &w->asked[w->num_asked++ % ASKED];
    (void)misskey_jstr_copy(m->id, a->id, sizeof a->id);
    a->at = w->seen;
    a->answered = false;
}

static void trace(void *user, bool sent, const char *text, size_t len)
{
    world *const w = (world *)user;
    misskey_message m;
    CHECK(misskey_message_parse(text, len, &m) == MISSKEY_ERR_OK);
    if (!sent) {
        connect_ *const a = find_asked(w, m.id);
        if (a != NULL && (m.kind == MISSKEY_KIND_CONNECTED || m.kind == MISSKEY_KIND_CHANNEL)) a->answered = true;
        w->texts_in++;
        w->connecteds += m.kind == MISSKEY_KIND_CONNECTED;
        return;
    }
    w->texts_out++;
    w->subs += m.kind == MISSKEY_KIND_SUB_NOTE;
    w->last_traced = !w->alone && m.kind >= MISSKEY_KIND_CONNECT && m.kind <= MISSKEY_KIND_UNSUB_NOTE;
    if (m.kind < MISSKEY_KIND_CONNECT || m.kind > MISSKEY_KIND_UNSUB_NOTE) return;
    check_order(w, &m);
    check_rate(w);
}

/* The server got an operation: those accepted on this transport arrive in order, none twice. */
static void operation(void *user, const char *id, const misskey_message *m)
{
    world *const w = (world *)user;
    int64_t seq = 0;
    char text[16];
    if (id != NULL) {
        CHECK(misskey_json_i64(misskey_json_get(m->body, "seq"), &seq));
    } else if (m->kind == MISSKEY_KIND_READ_NOTIFICATION) {
        (void)misskey_jstr_copy(m->id, text, sizeof text);
        seq = strtol(text, NULL, 10);
    } else {
        CHECK("what the server gets is of a known kind" && m->kind == MISSKEY_KIND_TEXT_H);
        return;
    }
    CHECK(w->got_seqs < w->num_seqs && w->seqs[w->got_seqs % SEQS] == (uint32_t)seq);
    w->got_seqs++;
}

/* --- the model --- */

static want *want_of(world *w, misskey_channel handle)
{
    unsigned i;
    for (i = 0; i < WANTS; i++) if (w->wants[i].refs > 0 && w->wants[i].handle.id == handle.id) return &w->wants[i];
    return NULL;
}

static unsigned num_wants(const world *w)
{
    unsigned i, n = 0;
    for (i = 0; i < WANTS; i++) n += w->wants[i].refs > 0;
    return n;
}

static bool shared(const world *w, const char *name)
{
    const pretend_kind *const kind = pretend_find_kind(name);
    return kind != NULL && (kind->share == 1 || (kind->share == 2 && w->desc.session.old_timelines));
}

/* The transport was lost, and the client knows. */
static void model_lost(world *w)
{
    unsigned i;
    if (w->up) {
        w->outages++;
        if (!w->alone) w->unsent += w->num_seqs - w->left;
    }
    for (i = 0; i < WANTS; i++) {
        want *const x = &w->wants[i];
        if (!x->owed && !x->silent) {
            x->lost_at = w->heard_at;
            x->open_at = w->open_at;
            x->exact = w->alone && !w->late;
        }
        x->owed = x->owed || (x->ready && !x->silent);
        x->silent = x->silent || (!x->owed && x->again);
        x->again = false;
        x->ready = x->refused = false;
    }
    memset(w->closed, 0, sizeof w->closed);
    w->up = false;
    w->gap = NULL;
    w->num_seqs = w->got_seqs = w->left = w->num_asked = 0;
    w->lost_at = w->seen;
}

/* Bytes that the client let go: counts the operations that left whole. */
static void watch(world *w, const uint8_t *data, size_t n)
{
    pipe_ *const p = &w->watched;
    size_t at = 0, i;
    memcpy(p->data + p->len, data, n);
    p->len += n;
    for (; w->head_left && at + 4 <= p->len; at++) {
        if (memcmp(p->data + at, "\r\n\r\n", 4) != 0) continue;
        w->head_left = false;
        at += 3;
    }
    while (!w->head_left && p->len - at >= 6) {
        const size_t short_len = p->data[at + 1] & 127u;
        const size_t header = short_len == 126 ? 8 : 6;
        const size_t len = short_len == 126 ? (size_t)p->data[at + 2] << 8 | p->data[at + 3] : short_len;
        char text[32];
        if (p->len - at < header + len) break;
        for (i = 0; i < len && i < sizeof text; i++) {
            text[i] = (char)(p->data[at + header + i] ^ p->data[at + header - 4 + (i & 3)]);
        }
        if (starts(text, i, "{\"type\":\"channel\"") || starts(text, i, "{\"type\":\"readNotification\"")) w->left++;
        at += header + len;
    }
    if (w->head_left) at = 0; /* looked at again when it is whole */
    memmove(p->data, p->data + at, p->len - at);
    p->len -= at;
}

/* --- the transport --- */

static void unlink_(world *w)
{
    pretend_down(&w->server);
    w->to_server.len = w->watched.len = 0;
    w->next_len = 0;
    w->linked = w->broken = false;
}

static void transport_down(world *w, uint16_t status)
{
    const bool known = w->alone && w->dialling;
    unlink_(w);
    if (!w->alone) {
        misskey_conn_transport_down(&w->conn);
        if (!w->dialling || w->conn.ws_.state_ != MSKI_IDLE) return; /* else CLOSED follows */
        model_lost(w);
        w->dialling = false;
        w->retry_floor = 500;
        return;
    }
    if (w->up || known) model_lost(w);
    w->dialling = false;
    w->stopped = w->stopped || status == 401 || (status == 403 && !w->was_up);
    w->retry_floor = w->retry_after > 0 ? 1000 * w->retry_after : 500;
    misskey_session_transport_down(w->s, status, w->retry_after);
}

static void transport_up(world *w)
{
    if (w->linked) unlink_(w);
    if (w->up) model_lost(w);
    w->stopped = w->quit = false;
    w->dialling = w->head_left = w->linked = true;
    if (!w->alone) {
        pretend_up(&w->server);
        w->heard_at = w->seen;
        misskey_conn_transport_up(&w->conn);
        return;
    }
    if (w->server.status != 0) {
        transport_down(w, w->server.status);
        return;
    }
    pretend_up_texts(&w->server, w->desc.session.anonymous);
    misskey_session_transport_up(w->s);
}

/* The client's bytes, or texts, go on their way; at most so many. */
static void flush(world *w, size_t max)
{
    size_t len, n;
    const uint8_t *out;
    char text[1024];
    while (!w->alone && max > 0 && (out = misskey_conn_send_buf(&w->conn, &len)) != NULL) {
        n = len < max ? len : max;
        watch(w, out, n);
        if (w->linked && !w->broken && PIPE - w->to_server.len >= n) {
            memcpy(w->to_server.data + w->to_server.len, out, n);
            w->to_server.len += n;
        }
        misskey_conn_send_ack(&w->conn, n);
        max -= n;
    }
    for (; w->alone && max > 0; max--) {
        const size_t cap = one_in(w, 8) ? roll(w, 60) : sizeof text;
        const misskey_err err = misskey_session_send_message(w->s, text, cap, &len);
        if (err == MISSKEY_ERR_WOULD_BLOCK) return;
        if (err == MISSKEY_ERR_TOO_SMALL) continue;
        CHECK(w->up && err == MISSKEY_ERR_OK);
        if (w->linked && !w->broken) {
            memcpy(w->to_server.data + w->to_server.len, &len, sizeof len);
            memcpy(w->to_server.data + w->to_server.len + sizeof len, text, len);
            w->to_server.len += len + sizeof len;
        }
    }
}

static void to_server(world *w, size_t max)
{
    pipe_ *const p = &w->to_server;
    size_t n = 0, len;
    if (!w->alone) {
        n = max < p->len ? max : p->len;
        pretend_feed(&w->server, p->data, n);
    }
    for (; w->alone && max > 0 && n < p->len; max--) {
        memcpy(&len, p->data + n, sizeof len);
        if (w->server.open) pretend_text(&w->server, (const char *)p->data + n + sizeof len, len);
        n += sizeof len + len;
    }
    p->len -= n;
    memmove(p->data, p->data + n, p->len);
}

static void to_client(world *w, size_t max)
{
    const uint8_t *out;
    size_t len, n;
    if (!w->linked) return;
    while (!w->alone && !w->broken && max > 0 && (out = pretend_send_buf(&w->server, &len)) != NULL) {
        n = misskey_conn_feed(&w->conn, out, len < max ? len : max);
        if (n == 0) break;
        if (n > 0) w->heard_at = w->seen;
        pretend_send_ack(&w->server, n);
        max -= n;
    }
    if (w->alone && w->next_len == 0) {
        w->next_len = pretend_next_text(&w->server, w->loan[1 - w->lent], sizeof w->loan[0]);
    }
    if (w->next_len > 0 && misskey_session_recv_message(w->s, w->loan[1 - w->lent], w->next_len) == MISSKEY_ERR_OK) {
        w->lent = 1 - w->lent;
        w->next_len = 0;
        w->heard_at = w->seen;
    }
    if (w->linked && !w->broken && w->next_len == 0 && pretend_over(&w->server)) {
        CHECK(!w->calm);
        transport_down(w, 0);
    }
}

static void tick(world *w)
{
    w->late = w->late || w->now - w->seen >= 2000;
    w->seen = w->now;
    if (w->alone) misskey_session_tick(w->s, w->now);
    else misskey_conn_tick(&w->conn, w->now);
}

static uint32_t timeout(const world *w)
{
    return w->alone ? misskey_session_timeout(w->s) : misskey_conn_timeout(&w->conn);
}

/* --- events --- */

static void on_open(world *w, const misskey_event *event)
{
    CHECK(w->linked || !w->alone);
    CHECK(!w->up && w->dialling);
    CHECK(event->resumed == w->was_up);
    CHECK(event->size == w->unsent);
    w->up = w->was_up = true;
    w->dialling = false;
    w->unsent = 0;
    w->opens++;
    w->open_at = w->seen;
    w->late = false;
    if (w->alone) w->heard_at = w->seen;
}

static void on_closed(world *w, const misskey_event *event)
{
    CHECK(!w->calm);
    CHECK(event->err != MISSKEY_ERR_WS_PROTOCOL && event->err != MISSKEY_ERR_WS_UTF8);
    CHECK(event->err != MISSKEY_ERR_WS_ACCEPT);
    if (event->code == 401 || (event->code == 403 && !w->was_up)) w->stopped = true;
    if (w->quit) w->stopped = true;
    w->retry_floor = event->retry_after > 0 ? 1000 * event->retry_after : 500;
    model_lost(w);
    w->dialling = false;
    unlink_(w);
}

static void on_ready(world *w, want *x)
{
    const uint32_t outage = w->seen - x->lost_at;
    CHECK(w->up && !x->ready);
    x->ready = true;
    x->refused = false;
    w->readies++;
    if (!x->owed && !x->silent) return;
    w->gap = x;
    if (outage >= w->desc.session.blink_ms) return;
    x->owed = false;            /* a GAP may come, if what was heard last may have been old */
    x->silent = !x->exact;
    if (x->exact) w->gap = NULL;
}

static void on_refused(world *w, want *x, const misskey_event *event)
{
    CHECK(w->up && !x->ready && !x->refused);
    x->refused = true;
    w->refusals++;
    if (strcmp(x->name, "inventedTimeline") == 0) {
        CHECK(event->reason == MISSKEY_REASON_NAME || event->reason == MISSKEY_REASON_LIMIT);
    }
}

static void on_gap(world *w, want *x, const misskey_event *event)
{
    CHECK(w->gap == x && x->ready);
    CHECK(event->outage_ms >= w->desc.session.blink_ms);
    CHECK(x->silent || event->outage_ms >= w->seen - x->lost_at);
    CHECK(x->silent || event->outage_ms <= w->seen - x->open_at);
    CHECK(x->silent || !x->exact || event->outage_ms == w->seen - x->lost_at);
    CHECK(event->last_id.len == strlen(x->last));
    CHECK(event->last_id.len == 0 || memcmp(event->last_id.ptr, x->last, event->last_id.len) == 0);
    x->owed = x->silent = false;
    w->gap = NULL;
    w->gaps++;
}

/* The event's body says for whom it was made. */
static void on_channel_message(world *w, want *x, const misskey_event *event)
{
    const misskey_message *const m = &event->message;
    const misskey_jstr id = misskey_json_str(misskey_json_get(m->body, "id"));
    if (id.len > 0) (void)misskey_jstr_copy(id, x->last, sizeof x->last);
    if (event->type == MISSKEY_EVENT_DROPPED) return;
    CHECK(x->ready && w->gap != x);
    CHECK(misskey_jstr_eq(misskey_json_str(misskey_json_get(m->body, "name")), x->name));
    CHECK(misskey_json_get(m->body, "params").len == strlen(x->params) &&
          memcmp(misskey_json_get(m->body, "params").ptr, x->params, strlen(x->params)) == 0);
    if (misskey_json_get(m->body, "probe").len > 0) x->probes++;
}

static void on_message(world *w, const misskey_event *event)
{
    const misskey_message *const m = &event->message;
    char note[40];
    CHECK(m->kind != MISSKEY_KIND_CHANNEL && m->kind != MISSKEY_KIND_CONNECTED);
    if (m->kind == MISSKEY_KIND_NOTE_UPDATED) {
        (void)misskey_jstr_copy(m->id, note, sizeof note);
        CHECK(w->notes[strtol(note + 1, NULL, 10) % NOTES] > 0);
        w->note_probes[strtol(note + 1, NULL, 10) % NOTES]++;
    }
    if (m->kind >= MISSKEY_KIND_TEXT_PING) {
        CHECK(m->kind == MISSKEY_KIND_TEXT_PONG);
        w->given_texts++;
    }
}

static void take_event(world *w, const misskey_event *event)
{
    want *const x = event->channel.id == 0 ? NULL : want_of(w, event->channel);
    CHECK(event->channel.id == 0 || (x != NULL && event->user == x));
    if (w->failed != NULL) return;
    if (w->gap != NULL && !w->gap->owed && event->type != MISSKEY_EVENT_GAP) {
        w->gap->silent = false;
        w->gap = NULL;
    }
    switch (event->type) {
    case MISSKEY_EVENT_DIAL:
        CHECK(!w->up && !w->stopped && !w->dialling);
        w->dialling = true;
        CHECK(w->opens + w->outages == 0 || w->seen - w->lost_at >= w->retry_floor || w->retry_floor == 0);
        CHECK(w->seen - w->dialled_at >= 500 || w->opens == 0);
        w->dialled_at = w->seen;
        if (!w->kind && one_in(w, 10)) transport_down(w, 0);
        else transport_up(w);
        break;
    case MISSKEY_EVENT_OPEN: on_open(w, event); break;
    case MISSKEY_EVENT_CLOSED: on_closed(w, event); break;
    case MISSKEY_EVENT_CHANNEL_READY: on_ready(w, x); break;
    case MISSKEY_EVENT_CHANNEL_REFUSED: on_refused(w, x, event); break;
    case MISSKEY_EVENT_GAP: on_gap(w, x, event); break;
    default:
        if (event->type == MISSKEY_EVENT_MESSAGE) w->delivered++;
        else w->dropped++;
        if (x != NULL) on_channel_message(w, x, event);
        else on_message(w, event);
    }
}

/* --- operations --- */

static void op_open(world *w)
{
    const unsigned which = roll(w, NAMES);
    const char *const name = names_pool[which];
    const pretend_kind *const kind = pretend_find_kind(name);
    const bool once = shared(w, name);
    const char *const given = one_in(w, 6) ? NULL : params_pool[once ? roll(w, 2) : roll(w, PARAMS)];
    const char *const params = given == NULL ? "{}" : given;
    want *x = NULL;
    unsigned i, free_want = WANTS;
    misskey_channel handle;
    misskey_err err;
    for (i = 0; i < WANTS; i++) {
        if (w->wants[i].refs == 0) free_want = i;
        else if (once && strcmp(w->wants[i].name, name) == 0) x = &w->wants[i];
    }
    if (free_want == WANTS) return;
    err = misskey_channel_open(w->s, name, given, x == NULL ? &w->wants[free_want] : x, &handle);
    if (kind != NULL && kind->credential && w->anonymous) {
        CHECK(err == MISSKEY_ERR_NO_TOKEN);
    } else if (x != NULL && strcmp(x->params, params) != 0) {
        CHECK(err == MISSKEY_ERR_SHARED);
    } else if (x != NULL) {
        CHECK(err == MISSKEY_ERR_OK && handle.id == x->handle.id);
        x->refs++;
    } else if (err == MISSKEY_ERR_OK) {
        x = &w->wants[free_want];
        CHECK(handle.id != 0 && want_of(w, handle) == NULL && handle.id != w->stale.id);
        memset(x, 0, sizeof *x);
        x->handle = handle;
        x->name = name;
        x->params = params;
        x->refs = 1;
        x->again = once && w->closed[which];
    } else {
        CHECK(err == MISSKEY_ERR_FULL);
    }
}

static want *any_want(world *w)
{
    const unsigned from = roll(w, WANTS);
    unsigned i;
    for (i = 0; i < WANTS; i++) if (w->wants[(from + i) % WANTS].refs > 0) return &w->wants[(from + i) % WANTS];
    return NULL;
}

static void op_close(world *w)
{
    want *const x = any_want(w);
    unsigned i;
    if (x == NULL) return;
    CHECK(misskey_channel_close(w->s, x->handle) == MISSKEY_ERR_OK);
    if (--x->refs > 0) return;
    for (i = 0; i < NAMES; i++) if (x->name == names_pool[i]) w->closed[i] = true;
    w->stale = x->handle;
    if (w->gap == x) w->gap = NULL;
    memset(x, 0, sizeof *x);
    CHECK(misskey_channel_close(w->s, w->stale) == MISSKEY_ERR_STALE);
}

static void accepted(world *w, misskey_err err)
{
    switch (err) {
    case MISSKEY_ERR_OK:
        CHECK(w->up);
        w->seqs[w->num_seqs++ % SEQS] = w->seq;
        break;
    case MISSKEY_ERR_WOULD_BLOCK:
    case MISSKEY_ERR_TOO_SMALL:
        break;
    case MISSKEY_ERR_BAD_STATE:
        CHECK(!w->alone && !w->calm);
        break;
    case MISSKEY_ERR_ENTROPY:
        CHECK(!w->kind && !w->alone);
        break;
    default:
        CHECK(!"an error that channel_send and send have not");
    }
}

static void op_send(world *w)
{
    const want *const x = any_want(w);
    char body[512], text[1024];
    size_t len;
    misskey_err err;
    if (x == NULL) return;
    (void)snprintf(body, sizeof body, "{\"seq\":%lu,\"pad\":\"%0*d\"}", (unsigned long)++w->seq, 1 + (int)roll(w, 40),
                   0);
    if (!w->alone) {
        err = misskey_conn_channel_send(&w->conn, x->handle, "op", body);
    } else {
        err = misskey_session_channel_send(w->s, x->handle, "op", body, text, sizeof text, &len);
    }
    if (err == MISSKEY_ERR_NOT_READY) {
        CHECK(!x->ready);
        return;
    }
    accepted(w, err);
    if (err != MISSKEY_ERR_OK || !w->alone || !w->linked || w->broken) return;
    memcpy(w->to_server.data + w->to_server.len, &len, sizeof len);
    memcpy(w->to_server.data + w->to_server.len + sizeof len, text, len);
    w->to_server.len += len + sizeof len;
}

/* A message of the application that belongs to no channel. */
static void op_read(world *w)
{
    misskey_message m;
    char id[16];
    if (w->alone) return;
    (void)snprintf(id, sizeof id, "%lu", (unsigned long)++w->seq);
    memset(&m, 0, sizeof m);
    m.kind = MISSKEY_KIND_READ_NOTIFICATION;
    m.id = misskey_jstr_text(id);
    accepted(w, misskey_conn_send(&w->conn, &m));
}

static size_t note_name(unsigned note, char text[40]) { return (size_t)snprintf(text, 40, "n%u", note); }

static void op_capture(world *w)
{
    const unsigned note = roll(w, NOTES);
    char id[40];
    const misskey_err err = misskey_note_capture(w->s, id, note_name(note, id));
    if (err == MISSKEY_ERR_OK) w->notes[note]++;
    else CHECK(err == MISSKEY_ERR_FULL && w->notes[note] == 0);
}

static void op_release(world *w)
{
    const unsigned note = roll(w, NOTES);
    char id[40];
    const misskey_err err = misskey_note_release(w->s, id, note_name(note, id));
    CHECK(err == (w->notes[note] > 0 ? MISSKEY_ERR_OK : MISSKEY_ERR_STALE));
    if (err == MISSKEY_ERR_OK) w->notes[note]--;
}

/* A note on one channel; its body tells whose it is. */
static void emit_note(world *w, const pretend_channel *c, unsigned pad, bool probe)
{
    char body[8192];
    (void)snprintf(body, sizeof body, "{\"id\":\"n%lu\",\"name\":\"%s\",\"params\":%s,%s\"text\":\"%0*d\"}",
                   (unsigned long)++w->note_id, c->name, c->params, probe ? "\"probe\":1," : "", 1 + (int)pad, 0);
    (void)pretend_emit_on(&w->server, c, "note", body);
}

static void op_emit(world *w)
{
    misskey_message m;
    char id[40];
    if (!w->server.open || pretend_waiting(&w->server) > PRETEND_OUT / 2) return;
    switch (roll(w, 8)) {
    case 0:
        (void)pretend_broadcast(&w->server, one_in(w, 2) ? "emojiAdded" : "somethingNew", "{\"a\":[1]}");
        break;
    case 1:
        memset(&m, 0, sizeof m);
        m.kind = MISSKEY_KIND_TEXT_PONG;
        (void)pretend_say(&w->server, &m);
        break;
    case 2:
    case 3:
        (void)note_name(roll(w, NOTES), id);
        (void)pretend_note_updated(&w->server, id, "reacted", "{\"reaction\":\"a.b\"}");
        break;
    default:
        if (w->server.num_channels == 0) return;
        emit_note(w, &w->server.channels[roll(w, w->server.num_channels)], roll(w, one_in(w, 8) ? 6000 : 60), false);
    }
}

/* The wire breaks somewhere within what is under way; the client learns it now, or later. */
static void op_cut(world *w)
{
    if (!w->linked) return;
    to_server(w, roll(w, 600));
    to_client(w, roll(w, 600));
    if (!w->linked) return;
    if (one_in(w, 4)) {
        pretend_down(&w->server);
        w->to_server.len = 0;
        w->next_len = 0;
        w->broken = true;
    } else {
        transport_down(w, one_in(w, 8) ? 1008 : 0);
    }
}

static void op_refuse(world *w)
{
    static const uint16_t statuses[] = { 0, 0, 0, 0, 301, 400, 401, 403, 429, 500, 503 };
    w->server.status = statuses[roll(w, sizeof statuses / sizeof statuses[0])];
    w->server.retry_after = w->server.status >= 429 && one_in(w, 2) ? 1 + roll(w, 7) : 0;
    w->retry_after = w->alone ? w->server.retry_after : 0;
    w->server.close_at_once = one_in(w, 12);
}

/* The application itself ends the connection, or dials without being asked. */
static void op_meddle(world *w)
{
    if (w->broken && one_in(w, 2)) {
        transport_down(w, 0);
    } else if (one_in(w, 3)) {
        if (w->alone && w->server.status != 0) return; /* it is not told of attempts that it did not ask for */
        transport_up(w);
        if (one_in(w, 4)) transport_down(w, 0);
    } else if (one_in(w, 2)) {
        misskey_session_dial_now(w->s);
        w->retry_floor = 0;
        if (!w->quit) w->stopped = false; /* the application may know better than a 401 */
    } else if (!w->alone) {
        const bool idle = w->conn.ws_.state_ == MSKI_IDLE;
        CHECK(misskey_conn_close(&w->conn, 1000, "bye") == MISSKEY_ERR_OK);
        if (idle) w->stopped = true;
        w->quit = true;
    }
}

/* What an application does while it handles an event. */
static void react(world *w)
{
    switch (roll(w, 16)) {
    case 0: op_meddle(w); break;
    case 1: op_read(w); break;
    case 2: case 3: case 4: op_send(w); break;
    case 5: case 6: op_capture(w); break;
    case 7: case 8: op_release(w); break;
    case 9: case 10: case 11: op_close(w); break;
    default: op_open(w);
    }
}

static bool poll_once(world *w)
{
    misskey_event event;
    const bool more = w->alone ? misskey_session_poll(w->s, &event) : misskey_conn_poll(&w->conn, &event);
    if (more) {
        take_event(w, &event);
        if (!w->kind && one_in(w, 10)) react(w);
    } else {
        memset(w->loan[w->lent], 0xDD, sizeof w->loan[0]); /* lent until here */
    }
    return more && w->failed == NULL;
}

static void op_time(world *w)
{
    static const uint32_t spans[] = { 1, 3, 10, 30, 100, 300, 1000, 3000, 12000, 100000 };
    const uint32_t asked = timeout(w);
    w->now += one_in(w, 4) && asked < 70000 ? asked : roll(w, spans[roll(w, one_in(w, 30) ? 10 : 8)] + 1);
    if (!one_in(w, 4)) tick(w);
    if (!one_in(w, 4)) pretend_tick(&w->server, w->now);
}

static void op_poll(world *w)
{
    unsigned n = one_in(w, 3) ? roll(w, 4) : 1000;
    while (n-- > 0 && poll_once(w)) {}
}

/* --- quiet --- */

static bool busy(world *w)
{
    size_t len;
    if (w->to_server.len > 0 || w->next_len > 0) return true;
    return w->linked && (w->alone ? w->server.out_len > 0 : pretend_send_buf(&w->server, &len) != NULL);
}

/* Everything that is under way arrives. */
static void deliver(world *w)
{
    unsigned rounds = 0;
    do {
        pretend_tick(&w->server, w->now);
        to_client(w, PIPE);
        while (poll_once(w)) {}
        flush(w, PIPE);
        to_server(w, PIPE);
        CHECK(++rounds < 5000);
    } while (w->failed == NULL && busy(w));
    to_client(w, PIPE);
    while (poll_once(w)) {}
    flush(w, PIPE);
    to_server(w, PIPE);
}

/* So much time passes, in the steps that client and server ask for. */
static void settle(world *w, uint32_t span)
{
    const uint32_t from = w->now;
    uint32_t step, spins = 0;
    for (;;) {
        tick(w);
        if (w->stopped && !w->linked) transport_up(w);
        deliver(w);
        if (w->failed != NULL) return;
        step = mski_least(timeout(w), pretend_timeout(&w->server));
        spins = step == 0 ? spins + 1 : 0;
        CHECK(spins < 20);
        if (w->now - from >= span) return;
        if (step > span - (w->now - from)) step = span - (w->now - from);
        w->now += step;
    }
}

/* The server refused it, and not because of another of its name that the client should have known of. */
static bool rightly_refused(const world *w, const want *x)
{
    const pretend_refusal *const r = pretend_refused(&w->server, x->name, x->params);
    uint32_t i;
    if (r == NULL || r->why != MISSKEY_REASON_SHARED || !shared(w, x->name)) return r != NULL;
    for (i = 0; i < w->server.num_channels; i++) {
        if (w->server.channels[i].ghost && strcmp(w->server.channels[i].name, x->name) == 0) return true;
    }
    return false;
}

static void verify_channels(world *w)
{
    bool matched[PRETEND_CHANNELS] = { false };
    unsigned i, readies = 0, found = 0;
    uint32_t k;
    for (i = 0; i < WANTS; i++) {
        const want *const x = &w->wants[i];
        if (x->refs == 0) continue;
        for (k = 0; k < w->server.num_channels; k++) {
            const pretend_channel *const c = &w->server.channels[k];
            if (c->state == PRETEND_LIVE && !c->ghost && !matched[k] && strcmp(c->name, x->name) == 0 &&
                strcmp(c->params, x->params) == 0) {
                break;
            }
        }
        if (k < w->server.num_channels) matched[k] = true;
        found += k < w->server.num_channels;
        readies += x->ready;
        CHECK(k < w->server.num_channels || rightly_refused(w, x));
        CHECK(x->ready != x->refused);
        CHECK(!x->ready || !x->owed);
    }
    CHECK("all that the server has is ready" && readies == found);
    for (k = 0; k < w->server.num_channels; k++) {
        const pretend_channel *const c = &w->server.channels[k];
        CHECK("the server has what nobody wants" && (matched[k] || c->ghost || c->state == PRETEND_LEAKED));
    }
}

static void verify_captures(world *w)
{
    unsigned i;
    char id[40];
    for (i = 0; i < NOTES; i++) {
        const pretend_capture *c;
        (void)note_name(i, id);
        c = pretend_find_capture(&w->server, id);
        CHECK("captured but not wanted" && (w->notes[i] > 0 || c == NULL));
        CHECK("wanted but not captured" && (w->notes[i] == 0 || (c != NULL && c->count == 1 && !c->spoilt) ||
                                            (w->server.era.captures > 0 && pretend_was_evicted(&w->server, id))));
    }
}

static void verify_counters(world *w)
{
    const misskey_counters *const c = &w->s->counters;
    const uint32_t given = w->delivered + w->dropped + c->leaked;
    CHECK(c->messages == w->texts_in && c->sent == w->texts_out);
    CHECK(c->outages == w->outages && c->texts == w->given_texts);
    CHECK(c->dropped >= w->dropped);
    CHECK(given <= c->messages + c->dropped && c->messages + c->dropped <= given + w->connecteds);
    CHECK(w->server.subs_twice == 0);
    CHECK(w->server.ids_twice == 0);
    CHECK(w->server.unsubs_unknown == 0);
    CHECK(w->server.lost == 0);
    CHECK(w->server.overflow == 0);
    CHECK("accepted operations arrive" && w->got_seqs == w->num_seqs);
}

/* Every channel and note that the server has speaks once; exactly the wanted ones are heard. */
static void verify_probes(world *w)
{
    bool told[NOTES];
    char id[40];
    unsigned i;
    for (i = 0; i < WANTS; i++) w->wants[i].probes = 0;
    memset(w->note_probes, 0, sizeof w->note_probes);
    for (i = 0; i < w->server.num_channels; i++) emit_note(w, &w->server.channels[i], 1, true);
    for (i = 0; i < NOTES; i++) {
        (void)note_name(i, id);
        told[i] = pretend_note_updated(&w->server, id, "reacted", "{}");
    }
    settle(w, 0);
    for (i = 0; i < WANTS; i++) {
        CHECK("each channel is heard once" && (w->wants[i].refs == 0 || w->wants[i].probes == w->wants[i].ready));
    }
    for (i = 0; i < NOTES; i++) CHECK(w->note_probes[i] == told[i]);
}

/* All slots that nobody uses can be used. */
static void verify_slots(world *w)
{
    misskey_channel handles[64];
    unsigned n = 0, notes = 0, i;
    char id[40];
    while (n < 64 && misskey_channel_open(w->s, "hashtag", NULL, NULL, &handles[n]) == MISSKEY_ERR_OK) n++;
    CHECK(n + num_wants(w) == w->max_channels);
    while (n-- > 0) CHECK(misskey_channel_close(w->s, handles[n]) == MISSKEY_ERR_OK);
    for (i = 0; i < NOTES; i++) notes += w->notes[i] > 0;
    for (n = 0; misskey_note_capture(w->s, id, note_name(NOTES + n, id)) == MISSKEY_ERR_OK; n++) {}
    CHECK(n + notes == w->desc.session.num_captures);
    while (n-- > 0) CHECK(misskey_note_release(w->s, id, note_name(NOTES + n, id)) == MISSKEY_ERR_OK);
}

/* No more trouble: then the server has what is wanted, and every promise is kept. */
static void quiet(world *w)
{
    const misskey_session_desc *const d = &w->s->d_;
    const uint32_t span = 2 * d->ack_ms + 2 * w->server.era.create_ms + 4000 +
                          1000 * (2u * ((uint32_t)d->num_channels + d->num_captures) / w->rate);
    unsigned tries;
    unsigned long opens = 0;
    w->kind = true;
    w->server.status = 0;
    w->server.close_at_once = false;
    w->retry_after = w->entropy_left = 0;
    if (w->broken) transport_down(w, 0);
    for (tries = 0; tries < 8 && w->failed == NULL && !(w->up && opens == w->opens); tries++) {
        opens = w->opens;
        settle(w, w->up ? span : d->retry_max_ms + 10000);
    }
    CHECK(w->up && tries < 8);
    settle(w, span);
    w->calm = true;
    if (w->server.era.json_ping || one_in(w, 8)) settle(w, 200000);
    if (w->failed == NULL) verify_channels(w);
    if (w->failed == NULL) verify_captures(w);
    if (w->failed == NULL) verify_probes(w);
    if (w->failed == NULL) verify_slots(w);
    if (w->failed == NULL) verify_counters(w);
    w->kind = w->calm = false;
    w->quiets++;
}

/* --- a world --- */

static void world_init(world *w, unsigned long seed)
{
    static const uint16_t rates[] = { 1, 2, 5, 20, 0 };
    misskey_session_desc *const d = &w->desc.session;
    misskey_err err;
    memset(w, 0, sizeof *w);
    w->seed = seed;
    w->rng = (seed + 1) * UINT64_C(0x9E3779B97F4A7C15);
    w->s = &w->conn.session;
    w->now = w->seen = one_in(w, 2) ? 0u - roll(w, 60000) : roll(w, 0x7FFFFFFF) * 2;
    w->alone = one_in(w, 3);
    w->anonymous = one_in(w, 4);
    pretend_init(&w->server, &pretend_eras[roll(w, PRETEND_ERAS)], (uint32_t)seed);
    w->server.operation = operation;
    w->server.user = w;
    w->server.now = w->now;
    if (w->server.era.captures > 0 && one_in(w, 2)) w->server.era.captures = 6;
    if (one_in(w, 4)) w->server.era.limit = 2 + roll(w, 8);
    if (one_in(w, 4)) w->server.forbidden = "antenna";
    d->channels = w->channels;
    d->num_channels = (uint16_t)(1 + roll(w, 40));
    d->max_channels = (uint8_t)(one_in(w, 2) ? 0 : 1 + roll(w, 48));
    d->captures = w->captures;
    d->num_captures = (uint16_t)(1 + roll(w, 48));
    d->rate = rates[roll(w, 5)];
    d->old_timelines = w->server.era.old_timelines && !one_in(w, 8);
    d->anonymous = w->anonymous;
    d->trace = trace;
    d->entropy = one_in(w, 2) ? entropy : NULL;
    d->user = w;
    d->ack_ms = one_in(w, 2) ? 0 : 500 + roll(w, 8000);
    d->blink_ms = one_in(w, 2) ? 0 : roll(w, 5000);
    d->heartbeat_ms = one_in(w, 2) ? 0 : 5000 + roll(w, 30000);
    d->retry_max_ms = one_in(w, 2) ? 0 : 1000 + roll(w, 9000);
    d->stable_ms = one_in(w, 2) ? 0 : 1 + roll(w, 50000);
    w->rate = d->rate == 0 ? 64 : d->rate;
    w->max_channels = d->max_channels == 0 ? 32 : d->max_channels;
    if (w->max_channels > d->num_channels) w->max_channels = d->num_channels;
    w->desc.ws.host = "misskey.example";
    w->desc.ws.token = w->anonymous ? NULL : "secret0123456789";
    w->desc.ws.token_in_query = w->server.era.query_token;
    w->desc.ws.entropy = entropy;
    w->desc.ws.user = w;
    w->desc.ws.rx.ptr = w->rx;
    w->desc.ws.rx.size = one_in(w, 2) ? 256 + roll(w, 100) : 256 + roll(w, sizeof w->rx - 255);
    w->desc.ws.tx.ptr = w->tx;
    w->desc.ws.tx.size = one_in(w, 2) ? 320 + roll(w, 100) : 320 + roll(w, sizeof w->tx - 319);
    err = w->alone ? misskey_session_init(w->s, d) : misskey_conn_init(&w->conn, &w->desc);
    CHECK(err == MISSKEY_ERR_OK);
    tick(w);
}

static void step(world *w)
{
    const uint32_t n = roll(w, 1000);
    w->step++;
    w->ups += w->up;
    w->ops += w->seq - w->ops;
    if (n < 70) op_open(w);
    else if (n < 120) op_close(w);
    else if (n < 200) op_send(w);
    else if (n < 220) op_read(w);
    else if (n < 290) op_capture(w);
    else if (n < 350) op_release(w);
    else if (n < 480) op_time(w);
    else if (n < 580) flush(w, one_in(w, 3) ? roll(w, 40) : PIPE);
    else if (n < 670) to_server(w, one_in(w, 3) ? roll(w, 100) : PIPE);
    else if (n < 770) to_client(w, one_in(w, 3) ? roll(w, 100) : PIPE);
    else if (n < 880) op_poll(w);
    else if (n < 945) op_emit(w);
    else if (n < 952) op_cut(w);
    else if (n < 958) op_refuse(w);
    else if (n < 960) w->entropy_left = 1 + roll(w, 60);
    else if (n < 966) op_meddle(w);
    else if (n < 968) pretend_close(&w->server, one_in(w, 2) ? 1008 : 1001, "restart");
    else if (n < 972) quiet(w);
    else deliver(w);
}

static unsigned long setting(const char *name, unsigned long otherwise)
{
    const char *const text = getenv(name);
    return text == NULL ? otherwise : strtoul(text, NULL, 10);
}

TEST model(void)
{
    static world w;
    const unsigned long steps = setting("MODEL_STEPS", 40000), first = setting("MODEL_SEED", 1);
    unsigned long done, opens = 0, readies = 0, gaps = 0, refusals = 0, quiets = 0, outages = 0, subs = 0;
    unsigned i;
    for (i = 0; i < PARAMS; i++) (void)snprintf(params_pool[i], sizeof params_pool[i], "{\"k\":%u}", i);
    for (done = 0; done < steps; done += WORLD_STEPS) {
        world_init(&w, first + done / WORLD_STEPS);
        while (w.failed == NULL && w.step < WORLD_STEPS) step(&w);
        if (w.failed == NULL) quiet(&w);
        if (w.failed != NULL) {
            printf("step %lu, %s, server %s: %s\nagain with: MODEL_SEED=%lu MODEL_STEPS=%d build/test_model\n", w.step,
                   w.alone ? "session" : "connection", w.server.era.name, w.failed, w.seed, WORLD_STEPS);
            FAIL();
        }
        opens += w.opens;
        readies += w.readies;
        gaps += w.gaps;
        refusals += w.refusals;
        quiets += w.quiets;
        outages += w.outages;
        subs += w.subs;
    }
    printf("seeds %lu to %lu: %lu steps, %lu times open, %lu outages, %lu ready, %lu refused, %lu gaps, %lu subNote, "
           "%lu times quiet\n",
           first, first + done / WORLD_STEPS - 1, done, opens, outages, readies, refusals, gaps, subs, quiets);
    ASSERT(steps < 10000 || (gaps > 0 && refusals > 0 && outages > 0));
    PASS();
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_TEST(model);
    GREATEST_MAIN_END();
}
