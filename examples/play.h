/* play.h - what one client of misskey-serve gets: the steps of its story, or what happens in the world
   What to copy: play_step() sends a recorded event under the id that this client gave its channel; tell() knows who
   sees what.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef PLAY_H
#define PLAY_H
#include "story.h"
#include "world.h"

enum { BACKLOG = 1 << 17,           /* bytes that may wait for a client before the story pauses */
       SETTLE_MS = 50,              /* without another connect: the client has its channels */
       DRAIN_MS = 1000, GRACE_MS = 2000 };

typedef enum state {
    SNIFFING,                       /* the first bytes: a WebSocket, or a page? */
    SERVING,
    DRAINING                        /* all was said: until the client has hung up */
} state;

typedef struct client {
    int fd;
    state state;
    unsigned number;
    bool begun, cutting, late;      /* story: begun; to be cut when all has left. late: the world has gone without it */
    uint32_t since;                 /* DRAINING */
    char token[128];
    char head[2048];
    size_t head_len;
    size_t at;                      /* story: next step */
    double due;
    uint32_t played, skipped;
    pretend p;
} client;

static struct { char token[128]; size_t at; } *parked;  /* stories that were cut, and go on with the next client */
static size_t num_parked;

static uint32_t now;
static double speed = 1;
static uint32_t drop_after;
static story tale;
static bool looping, raw;

/* --- the story of one client --- */

static void park(const client *c)
{
    parked = story_allocate(parked, (num_parked + 1) * sizeof *parked);
    memcpy(parked[num_parked].token, c->token, sizeof c->token);
    parked[num_parked++].at = c->at;
}

/* The client asks for the upgrade. */
static void arrived(void *user, misskey_str shown)
{
    client *const c = user;
    size_t i;
    pretend_copy(c->token, sizeof c->token, shown.ptr != NULL ? shown.ptr : "", shown.len);
    for (i = 0; i < num_parked && strcmp(parked[i].token, c->token) != 0; i++) {}
    if (i == num_parked) return;
    c->at = parked[i].at;
    memmove(&parked[i], &parked[i + 1], (--num_parked - i) * sizeof *parked);
}

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

/* One message of the recording. False: this client does not get it. */
static bool play_step(client *c, const story_step *s)
{
    const pretend_channel *channel;
    misskey_message m;
    if (raw || (s->kind != MISSKEY_KIND_CHANNEL && s->kind != MISSKEY_KIND_CONNECTED))
        return misskey_ws_send(&c->p.ws, s->text, s->len, s->binary) == MISSKEY_ERR_OK;
    if (s->kind == MISSKEY_KIND_CONNECTED || (channel = channel_for(c, s->channel)) == NULL) return false;
    if (misskey_message_parse(s->text, s->len, &m) != MISSKEY_ERR_OK) return false;
    m.id = misskey_jstr_text(channel->id);
    m.id_number = false;
    return pretend_say(&c->p, &m);
}

/* Its channels are there, and no more come. */
static bool settled(const client *c)
{
    return c->p.connects > 0 && now - c->p.connect_at >= SETTLE_MS && pretend_count(&c->p, PRETEND_PENDING) == 0;
}

static void play(client *c)
{
    size_t steps = 0;
    if (!c->p.open || c->cutting || tale.num == 0) return;
    if (!c->begun) {
        if (!raw && !settled(c)) return;
        c->begun = true;
        c->due = now;
    }
    while (c->at < tale.num && c->due <= now && pretend_waiting(&c->p) < BACKLOG && steps++ < 4096) {
        if (play_step(c, &tale.steps[c->at++])) c->played++;
        else c->skipped++;
        if (c->at == tale.num && looping) c->at = 0;
        if (c->at < tale.num && speed > 0) c->due += tale.steps[c->at].wait / speed;
        if (drop_after > 0 && c->played == drop_after && c->at < tale.num) {
            park(c);
            c->cutting = true;
            return;
        }
    }
    if (c->at == tale.num) pretend_close(&c->p, 1000, "end of the recording");
}

/* Milliseconds until play() has something to do. */
static double play_timeout(const client *c)
{
    if (!c->p.open || c->cutting || tale.num == 0) return 1e9;
    if (c->begun) return pretend_waiting(&c->p) >= BACKLOG ? 1e9 : c->due - now;
    return raw ? 0 : c->p.connects == 0 ? 1e9 : (double)c->p.connect_at + SETTLE_MS - now;
}

/* --- the world --- */

static void tell(client *c, const world_act *a)
{
    static const char *const timelines[] = { "homeTimeline", "localTimeline", "hybridTimeline", "globalTimeline",
                                             "userList", "antenna" };
    const bool local = a->author->host == NULL, followed = a->author->followed;
    const bool gets[] = { followed, local, local || followed, true, followed, local };
    size_t i;
    uint32_t k;
    if (!c->p.open || pretend_waiting(&c->p) >= BACKLOG) {
        if (c->p.open && !c->late) fprintf(stderr, "client %u reads too slowly: it misses events\n", c->number);
        c->late = c->p.open;
        return;
    }
    c->late = false;
    if (a->kind == WORLD_MAIN) c->played += pretend_emit(&c->p, "main", a->event, a->body);
    if (a->kind == WORLD_STATS) c->played += pretend_emit(&c->p, "serverStats", a->event, a->body);
    if (a->kind == WORLD_BROADCAST) c->played += pretend_broadcast(&c->p, a->event, a->body);
    if (a->kind == WORLD_UPDATE) c->played += pretend_note_updated(&c->p, a->id, a->event, a->body);
    for (i = 0; a->kind == WORLD_NOTE && i < sizeof gets / sizeof gets[0]; i++) {
        if (gets[i]) c->played += pretend_emit(&c->p, timelines[i], a->event, a->body);
    }
    for (k = 0; a->kind == WORLD_NOTE && k < c->p.num_channels; k++) { /* hashtag: {"q":[["進捗"]]} */
        const pretend_channel *const h = &c->p.channels[k];
        const char *const tag = strcmp(h->name, "hashtag") == 0 ? strstr(h->params, "[[\"") : NULL;
        const char *const end = tag != NULL ? strchr(tag + 3, '"') : NULL;
        char hash[PRETEND_PARAMS] = "#";
        if (end == NULL) continue;
        pretend_copy(hash + 1, sizeof hash - 1, tag + 3, (size_t)(end - tag) - 3);
        if (strstr(a->body, hash) != NULL) c->played += pretend_emit_on(&c->p, h, a->event, a->body);
    }
}

#endif /* PLAY_H */
