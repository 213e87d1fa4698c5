/* play.h - what one client of misskey-serve gets: the steps of its story, or what happens in the world
   What to copy: recorded() puts the id that this client gave its channel into an event; tell() knows who sees what.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef PLAY_H
#define PLAY_H
#include "hostile.h"
#include "story.h"
#include "world.h"

enum { BACKLOG = 1 << 17,           /* bytes that may wait for a client before the story pauses */
       SETTLE_MS = 50,              /* without another connect: the client has its channels ... */
       LATE_MS = 250,               /* ... if they are those of the recording; else it may be slow */
       CAPTURE_MS = 500,            /* longest wait of a script for a client to capture a note */
       TURN = 32 };                 /* steps before it is another client's turn */

typedef enum state {
    SNIFFING,                       /* the first bytes: a WebSocket, or a page? */
    SERVING,
    DRAINING                        /* all was said: until the client has hung up */
} state;

typedef struct client {
    int fd;
    state state;
    unsigned number;
    uint32_t since;                 /* of this state, but for SERVING */
    char token[128];
    char head[2048];                /* SNIFFING: what it has said */
    size_t head_len;
    size_t at;                      /* story: next step; hostile: next turn */
    double due;                     /* when it is due */
    bool begun, settled, late;      /* late: the world has gone on without it */
    bool cutting;                   /* to be cut off when all has left */
    uint32_t drop_at;               /* cut off when so many were played, 0 = never */
    uint32_t played, skipped, lap;  /* lap: played when the story began anew */
    uint32_t stalled_until, slow;   /* slow: bytes a second, 0 = no limit */
    double allowance, allowed_at;   /* how many of them it may have now */
    world_note note;                /* the last one posted by a script */
    uint32_t posted_at;
    pretend p;
} client;

/* Stories that were cut, and go on with the next client of the same token. */
static struct { char token[128]; size_t at; world_note note; } *parked;
static size_t num_parked;

static uint32_t now;
static double speed = 1;
static uint32_t drop_after;
static story tale;
static bool looping, raw;
static world people;
static int64_t date;                /* at the beginning, milliseconds since 1970 */

/* --- who sees what --- */

static unsigned tell_hashtags(client *c, const world_act *a)
{
    unsigned n = 0;
    uint32_t i;
    for (i = 0; i < c->p.num_channels; i++) { /* {"q":[["進捗"]]} */
        const pretend_channel *const h = &c->p.channels[i];
        const char *const tag = strcmp(h->name, "hashtag") == 0 ? strstr(h->params, "[[\"") : NULL;
        const char *const end = tag != NULL ? strchr(tag + 3, '"') : NULL;
        char hash[PRETEND_PARAMS] = "#";
        if (end == NULL) continue;
        pretend_copy(hash + 1, sizeof hash - 1, tag + 3, (size_t)(end - tag) - 3);
        if (strstr(a->body, hash) != NULL) n += pretend_emit_on(&c->p, h, a->event, a->body);
    }
    return n;
}

static void tell(client *c, const world_act *a)
{
    const bool local = a->author->host == NULL, followed = a->author->followed;
    const struct { const char *name; bool gets; } timelines[] = {
        { "homeTimeline", followed }, { "localTimeline", local }, { "hybridTimeline", local || followed },
        { "globalTimeline", true }, { "userList", followed }, { "antenna", local }
    };
    unsigned n = 0;
    size_t i;
    if (a->kind == WORLD_MAIN) n = pretend_emit(&c->p, "main", a->event, a->body);
    if (a->kind == WORLD_STATS) n = pretend_emit(&c->p, "serverStats", a->event, a->body);
    if (a->kind == WORLD_BROADCAST) n = pretend_broadcast(&c->p, a->event, a->body);
    if (a->kind == WORLD_UPDATE) n = pretend_note_updated(&c->p, a->id, a->event, a->body);
    for (i = 0; a->kind == WORLD_NOTE && i < sizeof timelines / sizeof timelines[0]; i++) {
        if (timelines[i].gets) n += pretend_emit(&c->p, timelines[i].name, a->event, a->body);
    }
    if (a->kind == WORLD_NOTE) n += tell_hashtags(c, a);
    c->played += n;
}

/* An operation on a channel; id NULL: on none. The only one that is answered on a channel asks for statistics. */
static void operation(void *user, const char *id, const misskey_message *m)
{
    client *const c = user;
    const pretend_channel *const channel = id != NULL ? pretend_find(&c->p, id, PRETEND_LIVE) : NULL;
    if (channel == NULL || tale.recorded || !misskey_jstr_eq(m->event, "requestLog")) return;
    if (strcmp(channel->name, "serverStats") == 0 || strcmp(channel->name, "queueStats") == 0)
        (void)pretend_emit_on(&c->p, channel, "statsLog", "[]");
}

/* --- a recorded message --- */

/* The client's channel for a recorded one: of the same name, best with the same params. */
static const pretend_channel *channel_for(const client *c, const story_channel *recorded)
{
    const pretend_channel *found = NULL;
    uint32_t i;
    for (i = 0; recorded != NULL && i < c->p.num_channels; i++) {
        const pretend_channel *const mine = &c->p.channels[i];
        if (mine->state != PRETEND_LIVE || strcmp(mine->name, recorded->name) != 0) continue;
        if (strncmp(mine->params, recorded->params, PRETEND_PARAMS - 1) == 0) return mine;
        if (found == NULL) found = mine;
    }
    return found;
}

/* False: this client does not get it. */
static bool recorded(client *c, const story_step *s)
{
    static char text[PRETEND_OUT];
    const pretend_channel *channel;
    const char *quote;
    size_t len;
    if (raw || (s->kind != MISSKEY_KIND_CHANNEL && s->kind != MISSKEY_KIND_CONNECTED))
        return misskey_ws_send(&c->p.ws, s->text, s->len, s->binary) == MISSKEY_ERR_OK;
    if (s->kind == MISSKEY_KIND_CONNECTED || (channel = channel_for(c, s->channel)) == NULL) return false;
    if (s->len + sizeof channel->id + 2 > sizeof text) return false;
    quote = channel->number ? "" : "\"";
    memcpy(text, s->text, s->id_at);
    len = s->id_at;
    len += (size_t)snprintf(text + len, sizeof text - len, "%s%s%s", quote, channel->id, quote);
    memcpy(text + len, s->text + s->id_at + s->id_len, s->len - s->id_at - s->id_len);
    return misskey_ws_send(&c->p.ws, text, len + s->len - s->id_at - s->id_len, false) == MISSKEY_ERR_OK;
}

/* --- commands of a script --- */

/* What the world would do, done to this client alone. */
static void act(client *c, const story_step *s)
{
    const uint32_t user = 1 + (uint32_t)(c->at % WORLD_LOCAL);
    char text[1024];
    world_draft draft = { 0 };
    misskey_jw w;
    misskey_json json;
    uint32_t i;
    misskey_jw_init(&w, text, sizeof text);
    misskey_jw_str(&w, s->text, s->len);
    if (misskey_jw_done(&w, &json) != MISSKEY_ERR_OK) json = misskey_json_text("\"\"");
    text[json.len - 1] = '\0';              /* world.h wants what is between the quotes */
    draft.text = s->len > 0 ? text + 1 : world_texts[c->at % WORLD_TEXTS];
    people.num_acts = 0;
    people.ms = date + now;
    if (s->op == STORY_POST) {
        c->note = *world_post(&people, user, &draft);
        c->posted_at = now;
    }
    if (s->op == STORY_REACT) world_react(&people, &c->note, user, s->len > 0 ? text + 1 : "👍", true);
    if (s->op == STORY_UNREACT) world_react(&people, &c->note, user, s->len > 0 ? text + 1 : "👍", false);
    if (s->op == STORY_VOTE) world_vote(&people, &c->note, user, s->number);
    if (s->op == STORY_DELETE) world_delete(&people, &c->note);
    if (s->op == STORY_NOTIFY) world_notify(&people, text + 1, user, NULL, NULL);
    for (i = 0; i < people.num_acts; i++) tell(c, &people.acts[i]);
}

/* update TYPE JSON, event CHANNEL TYPE JSON: the words, then the rest. */
static void act_words(client *c, const story_step *s)
{
    char words[2][64] = { "", "" };
    const char *at = s->text;
    const int num = s->op == STORY_EVENT ? 2 : 1;
    int i;
    for (i = 0; i < num; i++) {
        const size_t len = strcspn(at, " ");
        pretend_copy(words[i], sizeof words[i], at, len);
        at += len + strspn(at + len, " ");
    }
    if (*at == '\0') at = "{}";
    if (s->op == STORY_EVENT) c->played += pretend_emit(&c->p, words[0], words[1], at);
    else c->played += pretend_note_updated(&c->p, c->note.id, words[0], at);
}

/* Bytes that are no frames, or pings. */
static void act_bytes(client *c, const story_step *s)
{
    uint8_t *const out = c->p.out;
    size_t n = 0, i;
    if (s->op == STORY_GARBAGE) {
        for (n = 0; n < s->number && n < sizeof c->p.out; n++) out[n] = (uint8_t)pretend_random(&c->p, 256);
    } else if (s->op == STORY_PING) {
        for (i = 0; i < s->number && n + 6 <= sizeof c->p.out; i++, n += 6) memcpy(out + n, "\x89\x04ping", 6);
    } else {
        for (i = 0; i + 1 < s->len; i += 2) {
            const char two[3] = { s->text[i], s->text[i + 1], '\0' };
            out[n++] = (uint8_t)strtoul(two, NULL, 16);
        }
    }
    c->p.out_len = n;
}

static void park(const client *c)
{
    parked = story_allocate(parked, (num_parked + 1) * sizeof *parked);
    memcpy(parked[num_parked].token, c->token, sizeof c->token);
    parked[num_parked].note = c->note;
    parked[num_parked++].at = c->at;
}

/* The client asks for the upgrade. */
static void arrived(void *user, misskey_str token)
{
    client *const c = user;
    size_t i;
    pretend_copy(c->token, sizeof c->token, token.ptr != NULL ? token.ptr : "", token.len);
    for (i = 0; i < num_parked && strcmp(parked[i].token, c->token) != 0; i++) {}
    if (i < num_parked) {
        c->at = parked[i].at;
        c->note = parked[i].note;
        c->posted_at = now;             /* the client captures it again */
        memmove(&parked[i], &parked[i + 1], (--num_parked - i) * sizeof *parked);
    }
    if (c->at == tale.num && looping) c->at = 0;
    if (c->at == tale.num || tale.steps[c->at].op != STORY_REFUSE) return;
    c->p.status = (uint16_t)tale.steps[c->at].number;
    c->p.retry_after = (uint32_t)strtoul(tale.steps[c->at].text, NULL, 10);
    c->at++;
    park(c);
}

static void cut(client *c)
{
    park(c);
    c->cutting = true;
}

/* --- the story --- */

/* One step. False: not yet. */
static bool step(client *c, const story_step *s)
{
    const size_t waiting = pretend_waiting(&c->p);
    if (waiting > 0 && s->len + waiting + BACKLOG > PRETEND_OUT) return false;
    if (s->op >= STORY_REACT && s->op <= STORY_UPDATE && now - c->posted_at < CAPTURE_MS &&
        pretend_find_capture(&c->p, c->note.id) == NULL) {
        c->due = now + 10.0;
        return false;
    }
    switch (s->op) {
    case STORY_RECORDED:
        if (recorded(c, s)) c->played++;
        else c->skipped++;
        return true;
    case STORY_TEXT:
        c->played += misskey_ws_send(&c->p.ws, s->text, s->len, false) == MISSKEY_ERR_OK;
        return true;
    case STORY_UPDATE: case STORY_EVENT: act_words(c, s); return true;
    case STORY_REFUSE: c->at--; cut(c); return true;
    case STORY_DROP: cut(c); return true;
    case STORY_DROP_AFTER: c->drop_at = c->played + s->number; return true;
    case STORY_CLOSE:
        pretend_close(&c->p, (uint16_t)s->number, s->text);
        park(c);
        return true;
    case STORY_STALL:
        if (waiting > 0) return false;
        c->stalled_until = now + s->number;
        c->due += s->number;
        return true;
    case STORY_SLOW:
        if (waiting > 0) return false;
        c->slow = s->number;
        c->allowance = 0;
        return true;
    case STORY_GARBAGE: case STORY_BYTES: case STORY_PING:
        if (waiting > 0) return false;      /* not within a frame */
        act_bytes(c, s);
        return true;
    case STORY_WAIT: c->due += speed > 0 ? s->number / speed : 0; return true;
    default: act(c, s); return true;
    }
}

/* Does this step need the client's channels? They are there when all that were recorded are, or no more come. */
static bool needs_channels(const story_step *s)
{
    return s->op == STORY_RECORDED ? !raw : s->op <= STORY_EVENT;
}

static bool settled(const client *c)
{
    size_t i = 0;
    if (c->p.connects == 0 || pretend_count(&c->p, PRETEND_PENDING) > 0) return false;
    while (tale.recorded && i < tale.num_channels) {
        const pretend_channel *const mine = channel_for(c, tale.channels[i]);
        if (mine == NULL || strncmp(mine->params, tale.channels[i]->params, PRETEND_PARAMS - 1) != 0) break;
        i++;
    }
    return now - c->p.connect_at >= (tale.recorded && i < tale.num_channels ? LATE_MS : SETTLE_MS);
}

static void play(client *c)
{
    size_t steps = 0;
    if (!c->begun) c->due = now;
    c->begun = c->p.open;
    while (c->p.open && !c->cutting && c->at < tale.num && c->due <= now && pretend_waiting(&c->p) < BACKLOG &&
           steps++ < TURN) {
        const story_step *const s = &tale.steps[c->at++];
        if (needs_channels(s) && !c->settled) {
            c->settled = settled(c);
            c->due = now;
        }
        if ((needs_channels(s) && !c->settled) || !step(c, s)) {
            c->at--;
            return;
        }
        if (c->at == tale.num && looping) {
            c->at = 0;
            if (c->played == c->lap) c->due = now + 1000.0;    /* nothing of it is for this client */
            c->lap = c->played;
        }
        if (c->at < tale.num && speed > 0) c->due += tale.steps[c->at].wait / speed;
        if (c->drop_at > 0 && c->played >= c->drop_at && c->at < tale.num && !c->cutting) cut(c);
    }
    if (tale.num == 0 && c->drop_at > 0 && c->played >= c->drop_at && !c->cutting) cut(c);
    if (c->at == tale.num && tale.recorded && c->p.open && !c->cutting && (raw || c->settled || settled(c)))
        pretend_close(&c->p, 1000, "end of the recording");
}

/* Milliseconds until play() has something to do, if not when all has left. */
static double play_timeout(const client *c)
{
    const size_t waiting = pretend_waiting(&c->p);
    double wait = c->due - now;
    if (!c->p.open || c->cutting || (c->at == tale.num && !tale.recorded)) return 1e9;
    if (waiting >= BACKLOG || (wait <= 0 && waiting > 0)) return 1e9;
    if (c->at < tale.num ? c->settled || !needs_channels(&tale.steps[c->at]) : raw) return wait;
    wait = (double)c->p.connect_at + SETTLE_MS - now;
    return c->p.connects == 0 ? 1e9 : wait > 0 ? wait : 20;
}

/* --- a hostile server --- */

static const hostile *enemy;        /* NULL = none */

static void harm(client *c)
{
    if ((enemy->upgrade && !c->p.open) || pretend_waiting(&c->p) > 0 || c->due > now) return;
    c->p.out_len = enemy->say(c->at, c->p.out);
    c->due = c->p.out_len == 0 ? 1e18 : now + enemy->pause_ms;
    c->at++;
}

#endif /* PLAY_H */
