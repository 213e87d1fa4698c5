/* timeline.h - the rows of a timeline: notes in order, each once however many channels it comes over, up to date; gaps
   after outages; deleted notes. What notes say is in a misskey_store, which several timelines may share: a timeline
   knows their ids and holds them there, so that they stay and are captured.

        if (event.type == MISSKEY_EVENT_GAP) timeline_gap(&t, &event);
        if (m->kind == MISSKEY_KIND_NOTE_UPDATED) timeline_update(&t, m);
        if (misskey_channel_event_find(m->event) == MISSKEY_CHANNEL_EVENT_NOTE) timeline_note(&t, m->body);
        for (row = t.newest; row != NULL; row = row->older) draw(row);

   What to copy: the file. C99 and C++11, no allocation. Every call takes the same time however long the timeline is,
   but for notes that come late where it is ordered by time: they pass the newer rows one by one. Rows never move.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef TIMELINE_H
#define TIMELINE_H
#ifndef MISSKEY_STREAM_H
#error "include misskey_stream.h before timeline.h"
#endif
#include <string.h>

typedef enum timeline_kind {
    TIMELINE_NOTE,
    TIMELINE_DELETED,       /* a note, or a renote of one, to be shown no more; what it said is still in the store */
    TIMELINE_GAP            /* notes may be missing here */
} timeline_kind;

typedef struct timeline_row {
    struct timeline_row *newer, *older;     /* NULL at the ends */
    timeline_kind kind;
    uint32_t changed;       /* MISSKEY_CHANGED_ bits, collected; set it to 0 when the row is drawn */
    char id[33];            /* of the note; of a gap: of the last note before it, "" if there was none */
    char inner[33];         /* of the note that this one repeats, and shows; else "" */
    int64_t time;           /* milliseconds since 1970, by created_at or the id; else as the newest row had then */
    uint32_t outage_ms;     /* of a gap, like the two below */
    misskey_channel channel;
    void *user;             /* as given to misskey_channel_open */
    bool held_;
    struct timeline_row *head_[2], *next_[2];   /* look-up by id and by inner: first row of the chain with this number,
                                                   next one of the chain this row is in */
} timeline_row;

typedef struct timeline_desc {  /* zero-initialise */
    timeline_row *rows;     /* required; lent. When all are in use the oldest row leaves */
    size_t num_rows;        /* 1 at least */
    misskey_store *store;   /* required; borrowed. For 2 * num_rows notes, as a renote needs two; with less the oldest
                               leave earlier. Its session likewise; rows that get no capture slot are not held */
    bool by_time;           /* the order: by .time, where that is the same by .id; false: by arrival */
} timeline_desc;

typedef struct timeline {
    timeline_row *newest, *oldest;
    size_t num;             /* rows in the timeline */
    timeline_desc d_;
    timeline_row *free_;
    int64_t unix_ms_;
} timeline;

typedef enum timeline_result {
    TIMELINE_NEW, TIMELINE_DUPLICATE,
    TIMELINE_OLD,           /* by time: older than every row, and all are in use */
    TIMELINE_REFUSED        /* no object with an id as misskey_store_put takes, or others hold the whole store */
} timeline_result;

/* timeline_init -- empty. What was in it before is not released. Errors: BAD_ARG: something required is missing. */
static inline misskey_err timeline_init(timeline *t, const timeline_desc *desc)
{
    size_t i;
    memset(t, 0, sizeof *t);
    if (desc->rows == NULL || desc->num_rows == 0 || desc->store == NULL) return MISSKEY_ERR_BAD_ARG;
    t->d_ = *desc;
    memset(desc->rows, 0, desc->num_rows * sizeof *desc->rows);
    for (i = 0; i + 1 < desc->num_rows; i++) desc->rows[i].older = &desc->rows[i + 1];
    t->free_ = desc->rows;
    return MISSKEY_ERR_OK;
}

static inline timeline_row **timeline_chain_(const timeline *t, misskey_jstr id, int by)
{
    char plain[33], *p = plain;
    uint32_t h = 2166136261u;   /* FNV-1a */
    for (misskey_jstr_copy(id, plain, sizeof plain); *p != '\0'; p++) h = (h ^ (uint8_t)*p) * 16777619u;
    return &t->d_.rows[h % t->d_.num_rows].head_[by];
}

/* What a row is looked up by: its id (by 0) or inner (by 1). Empty: it is in no chain. */
static inline misskey_jstr timeline_key_(const timeline_row *row, int by)
{
    return misskey_jstr_text(row->kind == TIMELINE_GAP ? "" : by == 0 ? row->id : row->inner);
}

/* The first row that has the id, from this one of its chain on. */
static inline timeline_row *timeline_match_(timeline_row *row, misskey_jstr id, int by)
{
    while (row != NULL && !misskey_jstr_eq(id, by == 0 ? row->id : row->inner)) row = row->next_[by];
    return row;
}

/* timeline_find -- the row of the note with this id; NULL: there is none. */
static inline timeline_row *timeline_find(const timeline *t, misskey_jstr id)
{
    return timeline_match_(*timeline_chain_(t, id, 0), id, 0);
}

/* timeline_remove -- takes a row out, as when a gap was filled; its note is released. At the end of a timeline:
   while (t.newest != NULL) timeline_remove(&t, t.newest); */
static inline void timeline_remove(timeline *t, timeline_row *row)
{
    int by;
    for (by = 0; by < 2 && timeline_key_(row, by).len > 0; by++) {
        timeline_row **link = timeline_chain_(t, timeline_key_(row, by), by);
        while (*link != row) link = &(*link)->next_[by];
        *link = row->next_[by];
    }
    if (row->newer != NULL) row->newer->older = row->older;
    else t->newest = row->older;
    if (row->older != NULL) row->older->newer = row->newer;
    else t->oldest = row->newer;
    if (row->held_) misskey_store_release(t->d_.store, misskey_jstr_text(row->id));
    row->older = t->free_;
    t->free_ = row;
    t->num--;
}

static inline void timeline_link_(timeline *t, timeline_row *row, int by)
{
    timeline_row **const head = timeline_chain_(t, timeline_key_(row, by), by);
    row->next_[by] = *head;
    *head = row;
}

/* A new row; the oldest one if none is free. Gaps go above all others. */
static inline timeline_row *timeline_add_(timeline *t, timeline_kind kind, int64_t time, misskey_jstr id)
{
    const bool by_time = t->d_.by_time && kind != TIMELINE_GAP;
    timeline_row *row;
    if (t->free_ == NULL) timeline_remove(t, t->oldest);
    row = t->free_;
    t->free_ = row->older;
    row->kind = kind;
    row->changed = MISSKEY_CHANGED_NEW;
    row->time = time;
    row->held_ = false;
    misskey_jstr_copy(id, row->id, sizeof row->id);
    row->inner[0] = '\0';
    row->newer = NULL;
    for (row->older = t->newest; by_time && row->older != NULL; row->older = row->older->older) {
        if (time > row->older->time || (time == row->older->time && strcmp(row->id, row->older->id) > 0)) break;
        row->newer = row->older;
    }
    if (row->newer != NULL) row->newer->older = row;
    else t->newest = row;
    if (row->older != NULL) row->older->newer = row;
    else t->oldest = row;
    if (kind != TIMELINE_GAP) timeline_link_(t, row, 0);
    t->num++;
    return row;
}

/* timeline_mark -- a note was changed in the store: its row, and those that repeat it, get the bits into .changed, and
   are DELETED if it was deleted. For timelines that share a store: misskey_store_update once, then this for each. */
static inline void timeline_mark(timeline *t, misskey_jstr id, uint32_t changed)
{
    timeline_row *row;
    int by;
    for (by = 0; by < 2; by++) {
        for (row = *timeline_chain_(t, id, by); (row = timeline_match_(row, id, by)) != NULL; row = row->next_[by]) {
            row->changed |= changed;
            if (changed & MISSKEY_CHANGED_DELETED) row->kind = TIMELINE_DELETED;
        }
    }
}

/* timeline_update -- a noteUpdated came. Returns what misskey_store_update does; the rows have it in .changed. */
static inline uint32_t timeline_update(timeline *t, const misskey_message *message)
{
    const uint32_t changed = misskey_store_update(t->d_.store, message);
    timeline_mark(t, message->id, changed);
    return changed;
}

/* What the store knows of the note by now: is it deleted, does it repeat another one? That is held along with it. */
static inline void timeline_look_(timeline *t, timeline_row *row)
{
    const misskey_jstr id = misskey_jstr_text(row->id);
    misskey_note note;
    misskey_jstr inner;
    misskey_note_read(misskey_store_get(t->d_.store, id), &note);
    if (note.deleted_at.ptr != NULL) row->kind = TIMELINE_DELETED;
    inner = note.renote_id;
    if (row->inner[0] == '\0' && misskey_note_is_renote(&note) &&
        misskey_note_read(misskey_store_get(t->d_.store, inner), &note)) {
        if (note.deleted_at.ptr != NULL) row->kind = TIMELINE_DELETED;
        misskey_jstr_copy(inner, row->inner, sizeof row->inner);
        timeline_link_(t, row, 1);
        timeline_mark(t, inner, MISSKEY_CHANGED_REST);  /* the renote may have brought a newer form of it */
        if (row->held_) misskey_store_release(t->d_.store, id);
        row->held_ = false;
    }
    if (!row->held_) row->held_ = misskey_store_hold(t->d_.store, id, t->unix_ms_) == MISSKEY_ERR_OK;
}

/* timeline_note -- a note came, over any channel or from HTTP: into the store with it, and into the timeline unless it
   is there; then its row has in .changed what was new. Ordered by arrival it becomes the newest row: what was fetched
   for a gap is at home only where the order is by time. */
static inline timeline_result timeline_note(timeline *t, misskey_json json)
{
    int64_t time = t->newest != NULL ? t->newest->time : 0;
    timeline_row *row;
    misskey_note note;
    misskey_err err;
    uint32_t changed;
    bool known;
    misskey_note_read(json, &note);     /* what is no note, the store refuses */
    if (!misskey_jstr_time(note.created_at, &time)) misskey_id_time(note.id, &time);
    row = timeline_find(t, note.id);
    if (row == NULL && t->d_.by_time && t->free_ == NULL && time < t->oldest->time) return TIMELINE_OLD;
    while ((err = misskey_store_put(t->d_.store, json, &changed)) == MISSKEY_ERR_FULL && t->num > 0)
        timeline_remove(t, t->oldest);
    if (err != MISSKEY_ERR_OK) return TIMELINE_REFUSED;
    timeline_mark(t, note.id, changed);
    row = timeline_find(t, note.id);
    known = row != NULL;
    if (!known) row = timeline_add_(t, TIMELINE_NOTE, time, note.id);
    timeline_look_(t, row);
    return known ? TIMELINE_DUPLICATE : TIMELINE_NEW;
}

/* timeline_gap -- for MISSKEY_EVENT_GAP: a row above all others. Outages of a channel with no note in between make one
   gap. Returns the row: fetch from its .id on, with overlap, and remove it. */
static inline timeline_row *timeline_gap(timeline *t, const misskey_event *event)
{
    const size_t len = event->last_id.len < 33 ? event->last_id.len : 0;
    timeline_row *row = t->newest;
    while (row != NULL && row->kind == TIMELINE_GAP && row->channel.id != event->channel.id) row = row->older;
    if (row == NULL || row->kind != TIMELINE_GAP) {
        row = timeline_add_(t, TIMELINE_GAP, t->newest != NULL ? t->newest->time : 0, misskey_jstr_text(NULL));
        if (len > 0) memcpy(row->id, event->last_id.ptr, len);
        row->id[len] = '\0';
        row->outage_ms = 0;
    }
    row->outage_ms += event->outage_ms;
    row->changed |= MISSKEY_CHANGED_REST;
    row->channel = event->channel;
    row->user = event->user;
    return row;
}

/* timeline_read -- the note that a row shows, as it is now: of a renote the note that it repeats. False: a gap, or the
   row is not held and the store has dropped its note. Lifetime: as of misskey_store_get. */
static inline bool timeline_read(const timeline *t, const timeline_row *row, misskey_note *note)
{
    misskey_json json = misskey_store_get(t->d_.store, misskey_jstr_text(row->inner));
    if (json.ptr == NULL) json = misskey_store_get(t->d_.store, timeline_key_(row, 0));
    if (!misskey_note_read(json, note)) return false;
    if (misskey_note_is_renote(note) && note->has.renote == MISSKEY_PRESENT) misskey_note_read(note->renote, note);
    return true;
}

/* timeline_tick -- misskey_store_tick, and the date in milliseconds since 1970 for misskey_store_hold; 0 = unknown:
   notes of every age are captured. */
static inline void timeline_tick(timeline *t, uint32_t now_ms, int64_t unix_ms)
{
    t->unix_ms_ = unix_ms;
    misskey_store_tick(t->d_.store, now_ms);
}

#endif /* TIMELINE_H */
