/* A pretend Misskey for the tests and for examples/serve.c, in memory: one connection at a time, any number after each
   other. It reads what a client sends with misskey_message_parse, keeps the table of channels and captures as servers
   do, and has the quirks of each era. Two ways in: bytes of a WebSocket (pretend_up, pretend_feed, pretend_send_buf),
   or texts alone (pretend_up_texts, pretend_text, pretend_next_text). Include misskey_stream.h with the implementation
   first. Source of the quirks: protocol/messages.md sections 2 and 4, protocol/forks-observed.md. */
#ifndef PRETEND_H
#define PRETEND_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef PRETEND_CAPTURES
#define PRETEND_CAPTURES 256u
#endif
#ifndef PRETEND_OUT             /* bytes that wait for the client, so also the longest message */
#define PRETEND_OUT (1u << 18)
#endif
enum { PRETEND_CHANNELS = 256, PRETEND_IDS = 1 << 14, PRETEND_REFUSALS = 512, PRETEND_ID = 64, PRETEND_NAME = 32,
       PRETEND_PARAMS = 96 };

/* What a server does. Zero is a server that accepts everything at once and tells everything. */
typedef struct pretend_era {
    const char *name;
    uint32_t limit;         /* channels, 0 = none */
    uint32_t captures;      /* notes; the oldest goes silently. 0 = no limit */
    uint32_t create_ms;     /* asynchronous: longest time to create a channel */
    uint32_t ping_ms;       /* protocol ping, 0 = never */
    bool async;             /* channels are created after the message was handled (after 2025.12) */
    bool share_all;         /* a shareable channel is accepted again (Sharkey v25) */
    bool old_timelines;     /* home, local, hybrid and global are shareable (before 2023.10) */
    bool double_ids;        /* an id that is used again leaves both alive (before 2026.3) */
    bool stops;             /* main, drive and admin fall silent after disconnect (Sharkey v25) */
    bool strict;            /* params that are no object, a body that is missing: ignored (2024.7 on) */
    bool json_ping;         /* {"type":"ping"} after 20 s of idle, 1000 after 131 s without a text (Sharkey v25) */
    bool query_token;       /* the token is read from ?i= only, and a wrong one is never answered (before 13.13) */
    bool spoils;          /* release of a note that was not captured spoils later captures (before 2024.7) */
} pretend_era;

enum { PRETEND_12, PRETEND_13, PRETEND_2023, PRETEND_2024, PRETEND_2025_12, PRETEND_2026, PRETEND_SHARKEY24,
       PRETEND_SHARKEY25, PRETEND_ERAS };

static const pretend_era pretend_eras[PRETEND_ERAS] = {
    { .name = "12.119", .old_timelines = true, .double_ids = true, .spoils = true, .query_token = true },
    { .name = "13.14", .ping_ms = 60000, .old_timelines = true, .double_ids = true, .spoils = true },
    { .name = "2023.12", .ping_ms = 60000, .double_ids = true, .spoils = true },
    { .name = "2024.8", .limit = 32, .ping_ms = 60000, .double_ids = true, .strict = true },
    { .name = "2025.12", .limit = 32, .ping_ms = 60000, .double_ids = true, .strict = true, .async = true,
      .create_ms = 300 },
    { .name = "2026.5", .limit = 32, .ping_ms = 60000, .strict = true, .async = true, .create_ms = 1500 },
    { .name = "sharkey-2024.9", .limit = 32, .ping_ms = 60000, .double_ids = true, .strict = true },
    { .name = "sharkey-2025.5", .limit = 32, .captures = 512, .strict = true, .share_all = true, .stops = true,
      .json_ping = true }
};

/* NULL: there is none of this name. */
static inline const pretend_era *pretend_find_era(const char *name)
{
    size_t i;
    for (i = 0; i < PRETEND_ERAS; i++) if (strcmp(pretend_eras[i].name, name) == 0) return &pretend_eras[i];
    return NULL;
}

typedef enum pretend_state {
    PRETEND_PENDING,        /* being created: not known by its id yet */
    PRETEND_LIVE,
    PRETEND_LEAKED          /* disconnected, and emits all the same */
} pretend_state;

typedef struct pretend_channel {
    char name[PRETEND_NAME], params[PRETEND_PARAMS], id[PRETEND_ID];   /* id: still escaped */
    bool number;            /* the id came as a number, and is echoed so */
    pretend_state state;
    uint32_t due;           /* PENDING: when it is live */
    bool pong;
    bool ghost;             /* its disconnect came while it was PENDING, and was lost */
} pretend_channel;

typedef struct pretend_capture {
    char id[PRETEND_ID];
    uint32_t count;
    bool spoilt;
} pretend_capture;

typedef struct pretend_refusal { char name[PRETEND_NAME], params[PRETEND_PARAMS]; misskey_reason why; } pretend_refusal;

typedef struct pretend {
    pretend_era era;
    const char *forbidden;          /* channel without permission, NULL = none */
    uint16_t status;                /* next upgrades are refused so; 0 = accepted */
    uint32_t retry_after;           /* ... with this header, 0 = none */
    const char *token;              /* another one is refused with 401; NULL = every token is a user's */
    void (*arrived)(void *user, misskey_str token); /* a client asks for the upgrade: may set what is above */
    bool close_at_once;             /* next upgrades: 101, then a Close without a code */
    bool any_name;                  /* channels of every name are there, as forks have more */
    bool deaf;                      /* whatever the client says goes without effect */
    void (*operation)(void *user, const char *id, const misskey_message *m); /* on a live channel; others: id NULL */
    void *user;
    /* to be read */
    pretend_channel channels[PRETEND_CHANNELS];
    pretend_capture captures[PRETEND_CAPTURES];
    pretend_refusal refusals[PRETEND_REFUSALS];
    char evicted[PRETEND_CAPTURES][PRETEND_ID];
    uint32_t num_channels, num_captures, num_refusals, num_evicted; /* all of this connection */
    uint32_t subs_twice, unsubs_unknown;    /* captures of what is captured, releases of what is not */
    uint32_t connects, connect_at;          /* how many there were on this connection, and when the last one */
    uint32_t ids_twice, lost, overflow;     /* ids used again; operations on unknown channels; answers without room */
    bool open, anonymous;
    /* private */
    misskey_ws ws;
    uint8_t rx[1 << 16], tx[PRETEND_OUT], out[PRETEND_OUT];
    char text[1 << 16];
    size_t out_len;
    uint64_t ids[PRETEND_IDS];
    uint32_t now, num_ids, rng, pinged_at, spoke_at, heard_at;
    bool texts, over, begun;
} pretend;

static inline void pretend_init(pretend *p, const pretend_era *era, uint32_t seed)
{
    memset(p, 0, sizeof *p);
    p->era = *era;
    p->rng = seed | 1u;
}

static uint32_t pretend_random(pretend *p, uint32_t below)
{
    p->rng ^= p->rng << 13;
    p->rng ^= p->rng >> 17;
    p->rng ^= p->rng << 5;
    return below == 0 ? 0 : p->rng % below;
}

/* --- what goes out --- */

static bool pretend_say(pretend *p, const misskey_message *m)
{
    size_t len;
    if (!p->open) return false;
    p->spoke_at = p->now;
    if (!p->texts) return misskey_ws_send_message(&p->ws, m) == MISSKEY_ERR_OK;
    if (misskey_message_write(m, p->text, sizeof p->text, &len) != MISSKEY_ERR_OK) return false;
    if (PRETEND_OUT - p->out_len < len + sizeof len) return false;
    memcpy(p->out + p->out_len, &len, sizeof len);
    memcpy(p->out + p->out_len + sizeof len, p->text, len);
    p->out_len += len + sizeof len;
    return true;
}

/* How many bytes of answers wait: whoever emits events stops while it is much. */
static size_t pretend_waiting(const pretend *p)
{
    size_t len = 0;
    if (!p->texts) (void)misskey_ws_send_buf(&p->ws, &len);
    return len + p->out_len;
}

/* An event of one channel; body is JSON. */
static bool pretend_emit_on(pretend *p, const pretend_channel *c, const char *event, const char *body)
{
    misskey_message m;
    memset(&m, 0, sizeof m);
    m.kind = MISSKEY_KIND_CHANNEL;
    m.id = misskey_jstr_text(c->id);
    m.id_number = c->number;
    m.event = misskey_jstr_text(event);
    m.body = misskey_json_text(body);
    return c->state != PRETEND_PENDING && pretend_say(p, &m);
}

/* An event of every channel of this name, those that leak included. Returns how many. */
static inline unsigned pretend_emit(pretend *p, const char *name, const char *event, const char *body)
{
    unsigned n = 0, i;
    for (i = 0; i < p->num_channels; i++) {
        if (strcmp(p->channels[i].name, name) == 0 && pretend_emit_on(p, &p->channels[i], event, body)) n++;
    }
    return n;
}

static pretend_capture *pretend_find_capture(pretend *p, const char *id)
{
    uint32_t i;
    for (i = 0; i < p->num_captures; i++) if (strcmp(p->captures[i].id, id) == 0) return &p->captures[i];
    return NULL;
}

/* Something happened to a note. True: the client is told. */
static inline bool pretend_note_updated(pretend *p, const char *note, const char *event, const char *body)
{
    const pretend_capture *const c = pretend_find_capture(p, note);
    misskey_message m;
    memset(&m, 0, sizeof m);
    m.kind = MISSKEY_KIND_NOTE_UPDATED;
    m.id = misskey_jstr_text(note);
    m.event = misskey_jstr_text(event);
    m.body = misskey_json_text(body);
    return c != NULL && c->count > 0 && !c->spoilt && pretend_say(p, &m);
}

/* A message to everybody, such as emojiAdded. */
static inline bool pretend_broadcast(pretend *p, const char *type, const char *body)
{
    misskey_message m;
    memset(&m, 0, sizeof m);
    m.kind = MISSKEY_KIND_OTHER;
    m.type = misskey_jstr_text(type);
    if (strcmp(type, "emojiAdded") == 0) {
        m.kind = MISSKEY_KIND_EMOJI_ADDED;
        m.type.ptr = NULL;
        m.type.len = 0;
    }
    m.body = misskey_json_text(body);
    return pretend_say(p, &m);
}

/* --- channels --- */

static void pretend_copy(char *dst, size_t cap, const char *src, size_t len)
{
    if (len >= cap) len = cap - 1;
    memcpy(dst, src, len);
    dst[len] = 0;
}

/* As it is on the wire, so that it can be sent again. */
static void pretend_copy_id(char dst[PRETEND_ID], misskey_jstr id)
{
    pretend_copy(dst, PRETEND_ID, id.ptr != NULL ? id.ptr : "", id.len);
}

static void pretend_remove(pretend *p, pretend_channel *c)
{
    const size_t i = (size_t)(c - p->channels);
    p->num_channels--;
    memmove(c, c + 1, (p->num_channels - i) * sizeof *c);
}

static pretend_channel *pretend_find(pretend *p, const char *id, pretend_state state)
{
    uint32_t i;
    for (i = 0; i < p->num_channels; i++) {
        if (p->channels[i].state == state && strcmp(p->channels[i].id, id) == 0) return &p->channels[i];
    }
    return NULL;
}

/* Notes an id. True: it was used on this connection before. */
static bool pretend_used(pretend *p, const char *id)
{
    uint64_t h = UINT64_C(1469598103934665603);
    uint32_t i;
    for (; *id != 0; id++) h = (h ^ (uint8_t)*id) * UINT64_C(1099511628211);
    h |= 1;
    for (i = (uint32_t)(h >> 32) % PRETEND_IDS; p->ids[i] != 0; i = (i + 1) % PRETEND_IDS) {
        if (p->ids[i] == h) return true;
    }
    if (++p->num_ids >= PRETEND_IDS / 2) {
        memset(p->ids, 0, sizeof p->ids);
        p->num_ids = p->overflow = 1;
    }
    p->ids[i] = h;
    return false;
}

typedef struct pretend_kind { const char *name; bool credential; int share; } pretend_kind;

/* The channels of the tests. share: 1 = since ever, 2 = timelines before 2023.10. */
static const pretend_kind *pretend_find_kind(const char *name)
{
    static const pretend_kind kinds[] = {
        { "homeTimeline", true, 2 }, { "localTimeline", false, 2 }, { "hybridTimeline", true, 2 },
        { "globalTimeline", false, 2 }, { "main", true, 1 }, { "drive", true, 1 }, { "admin", true, 1 },
        { "serverStats", false, 1 }, { "queueStats", false, 1 }, { "reversi", true, 1 }, { "userList", false, 0 },
        { "antenna", true, 0 }, { "channel", false, 0 }, { "hashtag", false, 0 }, { "roleTimeline", false, 0 },
        { "reversiGame", false, 0 }, { "chatUser", true, 0 }, { "chatRoom", true, 0 }
    };
    size_t i;
    for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) if (strcmp(kinds[i].name, name) == 0) return &kinds[i];
    return NULL;
}

static void pretend_refuse_channel(pretend *p, const char *name, const char *params, misskey_reason why)
{
    pretend_refusal *const r = &p->refusals[p->num_refusals % PRETEND_REFUSALS];
    pretend_copy(r->name, sizeof r->name, name, strlen(name));
    pretend_copy(r->params, sizeof r->params, params, strlen(params));
    r->why = why;
    p->num_refusals++;
}

/* The last refusal of a connect like this on this connection; NULL: none. */
static inline const pretend_refusal *pretend_refused(const pretend *p, const char *name, const char *params)
{
    uint32_t i = p->num_refusals;
    while (i > 0 && p->num_refusals - i < PRETEND_REFUSALS) {
        const pretend_refusal *const r = &p->refusals[--i % PRETEND_REFUSALS];
        if (strcmp(r->name, name) == 0 && strcmp(r->params, params) == 0) return r;
    }
    return NULL;
}

static void pretend_created(pretend *p, pretend_channel *c)
{
    misskey_message m;
    c->state = PRETEND_LIVE;
    if (!c->pong) return;
    memset(&m, 0, sizeof m);
    m.kind = MISSKEY_KIND_CONNECTED;
    m.id = misskey_jstr_text(c->id);
    m.id_number = c->number;
    if (!pretend_say(p, &m) && p->open && (p->texts || p->ws.state_ == MSKI_OPEN)) p->overflow++;
}

static uint32_t pretend_count(const pretend *p, pretend_state state)
{
    uint32_t i, n = 0;
    for (i = 0; i < p->num_channels; i++) if (p->channels[i].state == state) n++;
    return n;
}

/* UNKNOWN here: there is nothing against it. */
static misskey_reason pretend_objection(const pretend *p, const char *name, bool *forbidden)
{
    const pretend_kind *const kind = pretend_find_kind(name);
    uint32_t i;
    *forbidden = p->forbidden != NULL && strcmp(p->forbidden, name) == 0;
    if (p->era.limit > 0 && pretend_count(p, PRETEND_LIVE) >= p->era.limit) return MISSKEY_REASON_LIMIT;
    if (kind == NULL) return p->any_name ? MISSKEY_REASON_UNKNOWN : MISSKEY_REASON_NAME;
    if (kind->credential && p->anonymous) return MISSKEY_REASON_NAME;
    if (p->era.share_all || kind->share == 0) return MISSKEY_REASON_UNKNOWN;
    if (kind->share == 2 && !p->era.old_timelines) return MISSKEY_REASON_UNKNOWN;
    for (i = 0; i < p->num_channels; i++) {
        const pretend_channel *const c = &p->channels[i];
        if (c->state == PRETEND_LIVE && strcmp(c->name, name) == 0) return MISSKEY_REASON_SHARED;
    }
    return MISSKEY_REASON_UNKNOWN;
}

/* Room for one more: what leaked longest goes. */
static pretend_channel *pretend_new_channel(pretend *p)
{
    uint32_t i;
    for (i = 0; p->num_channels == PRETEND_CHANNELS && i < p->num_channels; i++) {
        if (p->channels[i].state == PRETEND_LEAKED) pretend_remove(p, &p->channels[i]);
    }
    if (p->num_channels == PRETEND_CHANNELS) return NULL;
    memset(&p->channels[p->num_channels], 0, sizeof p->channels[0]);
    return &p->channels[p->num_channels++];
}

static void pretend_connect(pretend *p, const char *name, const char *id, bool number, misskey_json params, bool pong)
{
    char text[PRETEND_PARAMS];
    pretend_channel *c;
    misskey_reason why;
    bool forbidden;
    p->connects++;
    p->connect_at = p->now;
    pretend_copy(text, sizeof text, params.ptr, params.len);
    if (pretend_used(p, id)) p->ids_twice++;
    c = pretend_find(p, id, PRETEND_LIVE);
    if (c != NULL && !p->era.double_ids) pretend_remove(p, c);
    why = pretend_objection(p, name, &forbidden);
    forbidden = forbidden || (number && p->era.strict);
    if (why != MISSKEY_REASON_UNKNOWN || forbidden || (c = pretend_new_channel(p)) == NULL) {
        pretend_refuse_channel(p, name, text, why);
        return;
    }
    pretend_copy(c->name, sizeof c->name, name, strlen(name));
    pretend_copy(c->params, sizeof c->params, text, strlen(text));
    pretend_copy(c->id, sizeof c->id, id, strlen(id));
    c->pong = pong;
    c->number = number;
    c->due = p->now + pretend_random(p, p->era.create_ms + 1);
    if (!p->era.async) pretend_created(p, c);
}

static void pretend_disconnect(pretend *p, const char *id)
{
    pretend_channel *c = pretend_find(p, id, PRETEND_PENDING);
    if (c != NULL) c->ghost = true;
    c = pretend_find(p, id, PRETEND_LIVE);
    if (c == NULL) return;
    if (!p->era.stops &&
        (strcmp(c->name, "main") == 0 || strcmp(c->name, "drive") == 0 || strcmp(c->name, "admin") == 0)) {
        c->state = PRETEND_LEAKED;
    } else {
        pretend_remove(p, c);
    }
    while ((c = pretend_find(p, id, PRETEND_LIVE)) != NULL) c->state = PRETEND_LEAKED; /* the others are forgotten */
}

/* --- captures --- */

static void pretend_capture_note(pretend *p, const char *id)
{
    pretend_capture *c = pretend_find_capture(p, id);
    if (c != NULL && c->count > 0) p->subs_twice++;
    if (c == NULL) {
        if (p->num_captures == PRETEND_CAPTURES || (p->era.captures > 0 && p->num_captures >= p->era.captures)) {
            pretend_copy(p->evicted[p->num_evicted++ % PRETEND_CAPTURES], PRETEND_ID, p->captures[0].id,
                         strlen(p->captures[0].id));
            memmove(p->captures, p->captures + 1, --p->num_captures * sizeof p->captures[0]);
        }
        c = &p->captures[p->num_captures++];
        memset(c, 0, sizeof *c);
        pretend_copy(c->id, sizeof c->id, id, strlen(id));
    }
    c->count++;
}

/* Had the server too many notes, so that this one went? */
static inline bool pretend_was_evicted(const pretend *p, const char *id)
{
    uint32_t i;
    for (i = 0; i < p->num_evicted && i < PRETEND_CAPTURES; i++) if (strcmp(p->evicted[i], id) == 0) return true;
    return false;
}

static void pretend_release_note(pretend *p, const char *id)
{
    pretend_capture *c = pretend_find_capture(p, id);
    if (c == NULL && !pretend_was_evicted(p, id)) p->unsubs_unknown++;
    if (c == NULL && p->era.spoils) {
        pretend_capture_note(p, id);
        pretend_find_capture(p, id)->spoilt = true;
        return;
    }
    if (c == NULL || --c->count > 0 || c->spoilt) return;
    p->num_captures--;
    memmove(c, c + 1, (p->num_captures - (size_t)(c - p->captures)) * sizeof *c);
}

/* --- what comes in --- */

/* A connect whose params are no object: refused, or (before 2024.7) taken as {}. */
static void pretend_odd_connect(pretend *p, misskey_json body)
{
    char name[PRETEND_NAME], id[PRETEND_ID];
    bool pong = false;
    if (misskey_json_str(misskey_json_get(body, "channel")).ptr == NULL) return;
    (void)misskey_jstr_copy(misskey_json_str(misskey_json_get(body, "channel")), name, sizeof name);
    pretend_copy_id(id, misskey_json_str(misskey_json_get(body, "id")));
    (void)misskey_json_bool(misskey_json_get(body, "pong"), &pong);
    if (p->era.strict) pretend_refuse_channel(p, name, "", MISSKEY_REASON_UNKNOWN);
    else pretend_connect(p, name, id, false, misskey_json_text("{}"), pong);
}

static void pretend_operation(pretend *p, const char *id, const misskey_message *m)
{
    if (pretend_find(p, id, PRETEND_LIVE) == NULL) p->lost++;
    else if (p->operation != NULL) p->operation(p->user, id, m);
}

/* One text of the client. */
static void pretend_text(pretend *p, const char *text, size_t len)
{
    char id[PRETEND_ID], name[PRETEND_NAME];
    misskey_message m;
    if (misskey_message_parse(text, len, &m) != MISSKEY_ERR_OK) return;
    p->heard_at = p->now;
    pretend_copy_id(id, m.id);
    switch (m.kind) {
    case MISSKEY_KIND_CONNECT:
        (void)misskey_jstr_copy(m.channel, name, sizeof name);
        pretend_connect(p, name, id, m.id_number, m.body, m.pong);
        break;
    case MISSKEY_KIND_DISCONNECT:
        pretend_disconnect(p, id);
        break;
    case MISSKEY_KIND_CHANNEL:
        pretend_operation(p, id, &m);
        break;
    case MISSKEY_KIND_SUB_NOTE:
        pretend_capture_note(p, id);
        break;
    case MISSKEY_KIND_UNSUB_NOTE:
        pretend_release_note(p, id);
        break;
    default:
        if (m.kind == MISSKEY_KIND_OTHER && misskey_jstr_eq(m.type, "connect")) pretend_odd_connect(p, m.body);
        else if (p->operation != NULL) p->operation(p->user, NULL, &m);
    }
}

/* --- the transport --- */

static void pretend_reset(pretend *p)
{
    p->num_channels = p->num_captures = p->num_refusals = p->num_evicted = p->connects = 0;
    if (p->num_ids > 0) memset(p->ids, 0, sizeof p->ids);
    p->num_ids = 0;
    p->out_len = 0;
    p->open = p->over = p->anonymous = false;
    p->pinged_at = p->spoke_at = p->heard_at = p->now;
}

/* The client's transport is there: a new connection. */
static inline void pretend_up(pretend *p)
{
    misskey_ws_desc desc;
    memset(&desc, 0, sizeof desc);
    desc.server = true;
    desc.rx.ptr = p->rx;
    desc.rx.size = sizeof p->rx;
    desc.tx.ptr = p->tx;
    desc.tx.size = sizeof p->tx;
    desc.ping_ms = MISSKEY_FOREVER;
    if (p->era.query_token) desc.handshake_ms = MISSKEY_FOREVER;    /* whom it does not answer has to hang up */
    pretend_reset(p);
    p->texts = false;
    p->begun = misskey_ws_init(&p->ws, &desc) == MISSKEY_ERR_OK;
    misskey_ws_tick(&p->ws, p->now);
    misskey_ws_transport_up(&p->ws);
}

/* The same for texts alone: no upgrade. */
static inline void pretend_up_texts(pretend *p, bool anonymous)
{
    pretend_reset(p);
    p->texts = p->open = p->begun = true;
    p->anonymous = anonymous;
}

/* The transport is gone, the server forgets everything. */
static inline void pretend_down(pretend *p)
{
    pretend_reset(p);
    p->begun = false;
    if (p->ws.d_.rx.ptr != NULL) misskey_ws_transport_up(&p->ws);
}

static inline void pretend_close(pretend *p, uint16_t code, const char *reason)
{
    if (!p->texts && p->open) (void)misskey_ws_close(&p->ws, code, reason);
    p->open = false;
    p->over = p->over || p->texts;
}

/* True: the server has ended the connection, and all it said was taken. */
static inline bool pretend_over(const pretend *p) { return p->over && pretend_waiting(p) == 0; }

static void pretend_answer_upgrade(pretend *p, const misskey_ws_event *event)
{
    const bool ignored = p->era.query_token && (p->ws.in_.head.seen & MSKI_SEEN(MSKI_AUTHORIZATION)) != 0;
    const misskey_str none = { NULL, 0 }, token = ignored ? none : event->token;
    const size_t len = p->token != NULL ? strlen(p->token) : 0;
    uint16_t status;
    p->anonymous = token.ptr == NULL;
    if (p->arrived != NULL) p->arrived(p->user, token);
    status = p->status;
    if (p->token != NULL && !p->anonymous && (token.len != len || memcmp(token.ptr, p->token, len) != 0)) status = 401;
    if (status == 401 && p->era.query_token) return;
    if (status == 0) {
        (void)misskey_ws_accept(&p->ws, NULL);
        return;
    }
    p->out_len = (size_t)snprintf((char *)p->out, sizeof p->out, "HTTP/1.1 %u Refused\r\n", (unsigned)status);
    if (p->retry_after > 0) {
        p->out_len += (size_t)snprintf((char *)p->out + p->out_len, sizeof p->out - p->out_len, "Retry-After: %lu\r\n",
                                       (unsigned long)p->retry_after);
    }
    p->out_len += (size_t)snprintf((char *)p->out + p->out_len, sizeof p->out - p->out_len, "\r\n");
    p->over = true;
}

static void pretend_poll(pretend *p)
{
    misskey_ws_event event;
    while (!(p->over && p->out_len > 0) && misskey_ws_poll(&p->ws, &event)) {
        if (event.type == MISSKEY_WS_EVENT_UPGRADE) pretend_answer_upgrade(p, &event);
        if (event.type == MISSKEY_WS_EVENT_MESSAGE && p->open && !p->deaf)
            pretend_text(p, event.text.ptr, event.text.len);
        if (event.type == MISSKEY_WS_EVENT_OPEN) {
            p->open = true;
            p->pinged_at = p->spoke_at = p->heard_at = p->now;
            if (p->close_at_once) pretend_close(p, 0, NULL);
        }
        if (event.type == MISSKEY_WS_EVENT_CLOSED) {
            p->open = false;
            p->over = true;
        }
    }
}

/* Bytes of the client. */
static inline void pretend_feed(pretend *p, const uint8_t *data, size_t len)
{
    while (len > 0 && p->begun && !p->over) {
        const size_t n = misskey_ws_feed(&p->ws, data, len);
        data += n;
        len -= n;
        pretend_poll(p);
        if (n == 0) break;
    }
}

/* Bytes for the client, as misskey_ws_send_buf and misskey_ws_send_ack. */
static inline const uint8_t *pretend_send_buf(pretend *p, size_t *len)
{
    *len = p->out_len;
    if (!p->begun) return NULL;
    return p->out_len > 0 ? p->out : misskey_ws_send_buf(&p->ws, len);
}

static inline void pretend_send_ack(pretend *p, size_t n)
{
    if (p->out_len > 0) {
        p->out_len -= n;
        memmove(p->out, p->out + n, p->out_len);
        return;
    }
    misskey_ws_send_ack(&p->ws, n);
    pretend_poll(p);
}

/* Texts for the client: the next one, cut if dst is too small. 0: none. */
static inline size_t pretend_next_text(pretend *p, char *dst, size_t cap)
{
    size_t len;
    if (p->out_len == 0) return 0;
    memcpy(&len, p->out, sizeof len);
    memcpy(dst, p->out + sizeof len, len < cap ? len : cap);
    p->out_len -= len + sizeof len;
    memmove(p->out, p->out + len + sizeof len, p->out_len);
    return len;
}

static void pretend_ping(pretend *p)
{
    misskey_message m;
    memset(&m, 0, sizeof m);
    m.kind = MISSKEY_KIND_PING;
    m.body = misskey_json_text("{}");
    if (p->era.ping_ms > 0 && !p->texts && p->now - p->pinged_at >= p->era.ping_ms) {
        p->pinged_at = p->now;
        (void)mski_send_control(&p->ws, 9, (const uint8_t *)"ping", 4);
    }
    if (p->era.json_ping && p->now - p->spoke_at >= 20000) (void)pretend_say(p, &m);
    if (p->era.json_ping && p->now - p->heard_at >= 131000) pretend_close(p, 1000, "Connection timed out");
}

/* The time now: channels are created, pings sent. */
static inline void pretend_tick(pretend *p, uint32_t now)
{
    uint32_t i;
    p->now = now;
    if (!p->begun) return;
    if (!p->texts) misskey_ws_tick(&p->ws, now);
    if (p->open) pretend_ping(p);
    for (i = p->num_channels; i-- > 0; ) {
        pretend_channel *const c = &p->channels[i];
        if (c->state == PRETEND_PENDING && (int32_t)(now - c->due) >= 0) pretend_created(p, c);
    }
    if (!p->texts) pretend_poll(p);
}

/* Milliseconds until it has something to do by itself. */
static inline uint32_t pretend_timeout(const pretend *p)
{
    uint32_t least = MISSKEY_FOREVER, i;
    if (!p->begun) return least;
    if (!p->texts) least = misskey_ws_timeout(&p->ws);
    if (p->open && p->era.ping_ms > 0 && !p->texts) {
        least = mski_least(least, mski_remaining(p->now, p->pinged_at, p->era.ping_ms));
    }
    if (p->open && p->era.json_ping) least = mski_least(least, mski_remaining(p->now, p->spoke_at, 20000));
    for (i = 0; i < p->num_channels; i++) {
        const pretend_channel *const c = &p->channels[i];
        if (c->state != PRETEND_PENDING) continue;
        least = mski_least(least, (int32_t)(c->due - p->now) > 0 ? c->due - p->now : 0);
    }
    return least;
}

#endif /* PRETEND_H */
