/* page.c - the half of the page that is WebAssembly: session, note store and timeline; page.js has the browser's own
   WebSocket and draws. Between the two go texts of the stream and, for each row that changed, a small JSON object.
   What to copy: the exported functions are a whole client in message framing, in a dozen calls.
   Build: make build/browser (clang and lld; no libc, no Emscripten)
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../../misskey_stream.h"
#include "../timeline.h"

#define EXPORT(name) __attribute__((export_name(#name)))
#define IMPORT(name) __attribute__((import_module("page"), import_name(#name)))

enum { ROWS = 100, NOTE_SIZE = 8192, TEXT_SIZE = 1 << 18 };

IMPORT(dial) void page_dial(const char *url, size_t len);
IMPORT(send) void page_send(const char *text, size_t len);
IMPORT(show) void page_show(const char *json, size_t len);
IMPORT(entropy) void page_entropy(void *dst, size_t len);

static char text[TEXT_SIZE];                    /* what page.js hands over */
static char out[65536];
static char host[256], channel[64], token[512];
static misskey_url url;
static misskey_session session;
static misskey_channel_slot channels[1];
static misskey_capture_slot captures[2 * ROWS]; /* a note and the one that it repeats */
static uint64_t memory[MISSKEY_STORE_SIZE(2 * ROWS, NOTE_SIZE) / 8];
static misskey_store store;
static timeline_row rows[ROWS];
static timeline shown;

static bool entropy(void *user, void *dst, size_t len)
{
    (void)user;
    page_entropy(dst, len);
    return true;
}

/* --- what page.js draws --- */

static void put(misskey_jw *w, const char *key, misskey_jstr value)
{
    if (value.ptr == NULL) return;
    misskey_jw_key(w, key);
    misskey_jw_jstr(w, value);
}

static void put_number(misskey_jw *w, const char *key, int64_t value)
{
    misskey_jw_key(w, key);
    misskey_jw_i64(w, value);
}

/* "name", "user" and "host", or the same of who repeated the note */
static void put_user(misskey_jw *w, misskey_json json, const char *key)
{
    misskey_user user;
    if (!misskey_user_read(json, &user)) return;
    misskey_jw_key(w, key);
    misskey_jw_open(w, '{');
    put(w, "name", user.name);
    put(w, "user", user.username);
    put(w, "host", user.host);
    misskey_jw_close(w);
}

static void put_pair(misskey_jw *w, misskey_jstr name, int64_t count)
{
    misskey_jw_open(w, '[');
    misskey_jw_jstr(w, name);
    misskey_jw_i64(w, count);
    misskey_jw_close(w);
}

static void put_counts(misskey_jw *w, const misskey_note *note)
{
    misskey_iter it = misskey_json_iter(note->reactions);
    misskey_poll poll;
    misskey_poll_choice choice;
    misskey_jstr reaction;
    int64_t count, files = 0;
    misskey_jw_key(w, "reactions");
    misskey_jw_open(w, '[');
    while (misskey_reactions_next(&it, &reaction, &count)) put_pair(w, reaction, count);
    misskey_jw_close(w);
    misskey_jw_key(w, "poll");
    misskey_jw_open(w, '[');
    misskey_poll_read(note->poll, &poll);
    it = misskey_json_iter(poll.choices);
    while (misskey_json_next(&it) && misskey_poll_choice_read(it.value, &choice))
        put_pair(w, choice.text, choice.votes);
    misskey_jw_close(w);
    it = misskey_json_iter(note->files);
    while (misskey_json_next(&it)) files++;
    put_number(w, "files", files);
}

static void put_note(misskey_jw *w, const timeline_row *row)
{
    misskey_note note, outer;
    if (!timeline_read(&shown, row, &note)) return;
    if (row->inner[0] != '\0' && misskey_note_read(misskey_store_get(&store, misskey_jstr_text(row->id)), &outer))
        put_user(w, outer.user, "renotedBy");
    put_number(w, "time", row->time);
    put_user(w, note.user, "by");
    put(w, "cw", note.cw);
    put(w, "text", note.text);
    put_counts(w, &note);
}

static void show_row(timeline_row *row)
{
    misskey_jw w;
    misskey_json json;
    misskey_jw_init(&w, out, sizeof out);
    misskey_jw_open(&w, '{');
    put_number(&w, "row", row - rows);
    misskey_jw_key(&w, "new");
    misskey_jw_bool(&w, (row->changed & MISSKEY_CHANGED_NEW) != 0);
    if (row->kind == TIMELINE_NOTE) put_note(&w, row);
    else put_number(&w, row->kind == TIMELINE_GAP ? "gap" : "deleted", row->outage_ms);
    misskey_jw_close(&w);
    if (misskey_jw_done(&w, &json) == MISSKEY_ERR_OK) page_show(json.ptr, json.len);
    row->changed = 0;
}

static void show_state(const char *state, int64_t value)
{
    misskey_jw w;
    misskey_json json;
    misskey_jw_init(&w, out, sizeof out);
    misskey_jw_open(&w, '{');
    put_number(&w, state, value);
    misskey_jw_close(&w);
    if (misskey_jw_done(&w, &json) == MISSKEY_ERR_OK) page_show(json.ptr, json.len);
}

static void show_changes(void)
{
    timeline_row *row;
    for (row = shown.oldest; row != NULL; row = row->newer) if (row->changed != 0) show_row(row);
}

/* --- what page.js calls --- */

EXPORT(text) char *page_text(void) { return text; }
EXPORT(text_size) size_t page_text_size(void) { return sizeof text; }

/* len bytes at *at of what page.js has put into text, as a string of our own */
static bool take(char *dst, size_t cap, size_t *at, size_t len)
{
    if (len >= cap) return false;
    memcpy(dst, text + *at, len);
    memset(text + *at, 0, len);
    dst[len] = '\0';
    *at += len;
    return true;
}

/* In text, one behind the other: host, name of the channel, token. Begins anew; returns 0 or a misskey_err. */
EXPORT(start) misskey_err page_start(size_t host_len, size_t channel_len, size_t token_len, bool plain)
{
    misskey_session_desc desc = { .channels = channels, .num_channels = 1, .captures = captures,
                                  .num_captures = 2 * ROWS, .entropy = entropy };
    const misskey_store_desc lent = { .mem = { memory, sizeof memory }, .note_size = NOTE_SIZE, .session = &session };
    const timeline_desc order = { .rows = rows, .num_rows = ROWS, .store = &store };
    misskey_channel handle;
    misskey_err err;
    size_t at = 0, len;
    if (!take(host, sizeof host, &at, host_len) || !take(channel, sizeof channel, &at, channel_len) ||
        !take(token, sizeof token, &at, token_len)) return MISSKEY_ERR_BAD_ARG;
    memset(&url, 0, sizeof url);
    url.host = host;
    url.token = token_len > 0 ? token : NULL;
    url.plain = plain;
    desc.anonymous = url.token == NULL;
    desc.heartbeat_ms = 60000;      /* a peer that is gone without a word shows when something is sent */
    misskey_session_init(&session, &desc);
    misskey_store_init(&store, &lent);
    timeline_init(&shown, &order);
    err = misskey_url_write(&url, out, sizeof out, &len);
    memset(out, 0, sizeof out);
    return err != MISSKEY_ERR_OK ? err : misskey_channel_open(&session, channel, NULL, NULL, &handle);
}

/* page.js calls turn no more: what is left to do is to forget. */
EXPORT(stop) void page_stop(void) { memset(token, 0, sizeof token); }

/* Milliseconds, of a clock that goes on while the machine sleeps. Before each of the calls below, and by turn. */
EXPORT(tick) void page_tick(uint32_t now)
{
    misskey_session_tick(&session, now);
    timeline_tick(&shown, now, 0);
}

EXPORT(up) void page_up(void) { misskey_session_transport_up(&session); }
EXPORT(down) void page_down(uint16_t code) { misskey_session_transport_down(&session, code, 0); }
EXPORT(online) void page_online(void) { misskey_session_dial_now(&session); }

/* The first len bytes of text are a message of the server. Call turn then. */
EXPORT(received) void page_received(size_t len) { misskey_session_recv_message(&session, text, len); }

static void handle(const misskey_event *event)
{
    size_t len;
    switch (event->type) {
    case MISSKEY_EVENT_DIAL:
        if (misskey_url_write(&url, out, sizeof out, &len) == MISSKEY_ERR_OK) page_dial(out, len);
        memset(out, 0, sizeof out);
        break;
    case MISSKEY_EVENT_CHANNEL_READY:
        show_state("ready", 1);
        break;
    case MISSKEY_EVENT_CHANNEL_REFUSED:
        show_state("refused", event->reason);
        break;
    case MISSKEY_EVENT_GAP:
        timeline_gap(&shown, event);
        break;
    case MISSKEY_EVENT_MESSAGE:
        if (event->message.kind == MISSKEY_KIND_NOTE_UPDATED) timeline_update(&shown, &event->message);
        else if (misskey_channel_event_find(event->message.event) == MISSKEY_CHANNEL_EVENT_NOTE)
            timeline_note(&shown, event->message.body);
        break;
    default:
        break;
    }
}

/* Once per change and whenever the time that it returned is over. now: as for tick. */
EXPORT(turn) uint32_t page_turn(uint32_t now)
{
    misskey_event event;
    uint32_t wait;
    size_t len;
    page_tick(now);
    while (misskey_session_poll(&session, &event)) handle(&event);
    show_changes();
    while (misskey_session_send_message(&session, out, sizeof out, &len) == MISSKEY_ERR_OK) page_send(out, len);
    wait = misskey_session_timeout(&session);
    return wait < misskey_store_timeout(&store) ? wait : misskey_store_timeout(&store);
}
