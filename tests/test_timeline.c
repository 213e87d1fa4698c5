/* examples/timeline.h: orders, duplicates, what leaves and is released, tombstones, gaps, renotes; and random runs
   against an array that does the same the slow way. */
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../misskey_stream.h"
#include "../examples/timeline.h"
#include "greatest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 4, NOTES = 16, NOTE = 512, CAPTURES = 16 };

static uint64_t memory[MISSKEY_STORE_SIZE(NOTES, NOTE) / 8];
static misskey_capture_slot captures[CAPTURES];
static misskey_session session;
static misskey_store store;
static timeline_row rows[ROWS];
static timeline line;

/* An empty timeline with an empty store for so many notes; num_captures 0: without a session. */
static bool begin(bool by_time, size_t notes, uint16_t num_captures)
{
    misskey_session_desc wire = { 0 };
    misskey_store_desc slots = { 0 };
    timeline_desc desc = { 0 };
    wire.captures = captures;
    wire.num_captures = num_captures;
    slots.mem.ptr = memory;
    slots.mem.size = MISSKEY_STORE_SIZE(notes, NOTE);
    slots.note_size = NOTE;
    slots.session = num_captures > 0 ? &session : NULL;
    desc.rows = rows;
    desc.num_rows = ROWS;
    desc.store = &store;
    desc.by_time = by_time;
    if (misskey_session_init(&session, &wire) != MISSKEY_ERR_OK) return false;
    if (misskey_store_init(&store, &slots) != MISSKEY_ERR_OK) return false;
    misskey_session_transport_up(&session);
    return timeline_init(&line, &desc) == MISSKEY_ERR_OK;
}

static misskey_jstr id(const char *text) { return misskey_jstr_text(text); }

/* JSON with ' for ". Valid until the next call. */
static misskey_json json(const char *format, va_list args)
{
    static char text[1024];
    misskey_json value = { NULL, 0 };
    char *p;
    vsnprintf(text, sizeof text, format, args);
    for (p = text; *p != '\0'; p++) if (*p == '\'') *p = '"';
    if (misskey_json_check(text, strlen(text), &value, NULL) != MISSKEY_ERR_OK) abort();
    return value;
}

static timeline_result put(const char *format, ...)
{
    timeline_result result;
    va_list args;
    va_start(args, format);
    result = timeline_note(&line, json(format, args));
    va_end(args);
    return result;
}

/* A note with nothing but its id. */
static timeline_result note(const char *name) { return put("{'id':'%s','userId':'u','text':'%s'}", name, name); }

static timeline_result note_at(const char *name, int second)
{
    return put("{'id':'%s','createdAt':'2026-11-23T21:00:%02d.000Z','userId':'u','text':'%s'}", name, second, name);
}

static timeline_result renote(const char *name, const char *inner)
{
    return put("{'id':'%s','userId':'u','text':null,'renoteId':'%s',"
               "'renote':{'id':'%s','userId':'u','text':'%s','reactions':{}}}", name, inner, inner, inner);
}

/* Into the store alone. */
static void put_old(const char *name)
{
    char text[80];
    snprintf(text, sizeof text, "{\"id\":\"%s\",\"createdAt\":\"2026-11-23T21:00:00Z\"}", name);
    misskey_store_put(&store, misskey_json_text(text), NULL);
}

static misskey_message message_of(const char *name, const char *type, const char *format, ...)
{
    misskey_message m;
    va_list args;
    memset(&m, 0, sizeof m);
    m.kind = MISSKEY_KIND_NOTE_UPDATED;
    m.id = id(name);
    m.event = id(type);
    va_start(args, format);
    m.body = json(format, args);
    va_end(args);
    return m;
}

static uint32_t reacted(const char *name, const char *user)
{
    const misskey_message m = message_of(name, "reacted", "{'reaction':'+','userId':'%s'}", user);
    return timeline_update(&line, &m);
}

static uint32_t deleted(const char *name)
{
    const misskey_message m = message_of(name, "deleted", "{'deletedAt':'2026-11-23T21:00:00.000Z'}");
    return timeline_update(&line, &m);
}

static timeline_row *gap(uint32_t channel, const char *last, uint32_t outage_ms)
{
    misskey_event event;
    memset(&event, 0, sizeof event);
    event.type = MISSKEY_EVENT_GAP;
    event.channel.id = channel;
    event.user = &captures[channel];
    event.outage_ms = outage_ms;
    event.last_id.ptr = last;
    event.last_id.len = last != NULL ? strlen(last) : 0;
    return timeline_gap(&line, &event);
}

static timeline_row *find(const char *name) { return timeline_find(&line, id(name)); }

/* Is the timeline, newest first, this? Words: id, id>inner; -id deleted; |id a gap. A ! behind: it has changed since
   the last call. Looks at both directions of the links. */
static bool shows(const char *want)
{
    char text[1024] = "";
    timeline_row *row, *back = NULL;
    size_t num = 0;
    for (row = line.newest; row != NULL; back = row, row = row->older, num++) {
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s%s%s%s%s", num > 0 ? " " : "",
                 row->kind == TIMELINE_DELETED ? "-" : row->kind == TIMELINE_GAP ? "|" : "", row->id,
                 row->inner[0] != '\0' ? ">" : "", row->inner, row->changed != 0 ? "!" : "");
        row->changed = 0;
        if (row->newer != back) return false;
    }
    if (strcmp(text, want) != 0) printf("%s\n    instead of\n%s\n", text, want);
    return strcmp(text, want) == 0 && line.oldest == back && line.num == num;
}

/* Is the note held in the store? */
static bool held(const char *name)
{
    const uint16_t i = mski_find_note_of(&store, id(name)); /* no public call tells */
    return i != MSKI_NONE && mski_slot(&store, i)->holds_ > 0;
}

/* Does the row show a note with this text, and so often a reaction +? */
static bool reads(const char *name, const char *text, int64_t count)
{
    misskey_note n;
    misskey_iter it;
    misskey_jstr reaction;
    int64_t counted = 0;
    const timeline_row *const row = find(name);
    if (row == NULL || !timeline_read(&line, row, &n) || !misskey_jstr_eq(n.text, text)) return false;
    it = misskey_json_iter(n.reactions);
    misskey_reactions_next(&it, &reaction, &counted);
    return counted == count;
}

/* What the session sends by now: s:id subNote, u:id unsubNote. */
static bool says(const char *want)
{
    char text[512], said[512] = "";
    size_t len;
    misskey_event event;
    misskey_message m;
    do {
        while (misskey_session_poll(&session, &event)) {}
        if (misskey_session_send_message(&session, text, sizeof text, &len) != MISSKEY_ERR_OK) break;
        if (misskey_message_parse(text, len, &m) != MISSKEY_ERR_OK) return false;
        snprintf(said + strlen(said), sizeof said - strlen(said), "%s%s:%.*s", *said != '\0' ? " " : "",
                 m.kind == MISSKEY_KIND_SUB_NOTE ? "s" : "u", (int)m.id.len, m.id.ptr);
    } while (true);
    if (strcmp(said, want) != 0) printf("said %s\n    instead of %s\n", said, want);
    return strcmp(said, want) == 0;
}

/* ---- orders ---- */

TEST by_arrival_the_order_is_that_of_the_calls(void)
{
    ASSERT(begin(false, NOTES, 0));
    ASSERT(shows(""));
    ASSERT_EQ(TIMELINE_NEW, note_at("b", 5));
    ASSERT_EQ(TIMELINE_NEW, note_at("c", 9));
    ASSERT_EQ(TIMELINE_NEW, note_at("a", 1));
    ASSERT(shows("a! c! b!"));
    ASSERT(find("c")->time - find("a")->time == 8000);
    PASS();
}

TEST by_time_a_late_note_goes_to_its_place(void)
{
    ASSERT(begin(true, NOTES, 0));
    note_at("x", 5);
    note_at("y", 9);
    ASSERT(shows("y! x!"));
    ASSERT_EQ(TIMELINE_NEW, note_at("z", 7));
    ASSERT(shows("y z! x"));
    ASSERT_EQ(TIMELINE_NEW, note_at("w", 1));
    ASSERT(shows("y z x w!"));
    PASS();
}

TEST by_time_ids_decide_between_notes_of_one_moment(void)
{
    ASSERT(begin(true, NOTES, 0));
    note_at("b", 5);
    note_at("c", 5);
    note_at("a", 5);
    ASSERT(shows("c! b! a!"));
    PASS();
}

/* Made at 21:00:02, at 21:00:01, and one more whose createdAt counts, not its id. */
TEST by_time_ids_tell_the_time_of_notes_without_a_date(void)
{
    ASSERT(begin(true, NOTES, 0));
    note("atxbddog0000000a");
    note("atxbdcwo0000000a");
    ASSERT(find("atxbddog0000000a")->time - find("atxbdcwo0000000a")->time == 1000);
    put("{'id':'atxbdcwo0000000b','createdAt':'2027-01-01T00:00:00Z'}");
    ASSERT(shows("atxbdcwo0000000b! atxbddog0000000a! atxbdcwo0000000a!"));
    PASS();
}

TEST by_time_a_note_that_tells_no_time_is_as_new_as_the_newest(void)
{
    ASSERT(begin(true, NOTES, 0));
    note("n");
    ASSERT(find("n")->time == 0);
    note_at("a", 5);
    note("z");
    ASSERT(shows("z! a! n!"));
    ASSERT(find("z")->time == find("a")->time);
    PASS();
}

/* ---- duplicates ---- */

TEST a_note_that_comes_again_updates_its_row(void)
{
    ASSERT(begin(false, NOTES, 0));
    note("a");
    note("b");
    ASSERT(shows("b! a!"));
    ASSERT_EQ(TIMELINE_DUPLICATE, note("a"));
    ASSERT(shows("b a"));
    ASSERT_EQ(TIMELINE_DUPLICATE, put("{'id':'a','userId':'u','text':'edited','reactions':{'+':3}}"));
    ASSERT((find("a")->changed & MISSKEY_CHANGED_TEXT) != 0 && (find("a")->changed & MISSKEY_CHANGED_REACTIONS) != 0);
    ASSERT(shows("b a!"));
    ASSERT(reads("a", "edited", 3));
    reacted("a", "u");
    put("{'id':'a','userId':'u','text':'edited again','reactions':{'+':4}}");
    ASSERT_EQ(MISSKEY_CHANGED_REACTIONS | MISSKEY_CHANGED_TEXT, find("a")->changed);
    PASS();
}

TEST a_minimized_note_and_the_full_one_are_one_row(void)
{
    ASSERT(begin(false, NOTES, 0));
    ASSERT_EQ(TIMELINE_NEW, put("{'id':'r','renote':{'myReaction':'+'}}"));
    ASSERT(shows("r!"));
    ASSERT_EQ(TIMELINE_DUPLICATE, renote("r", "n"));
    ASSERT(shows("r>n!"));
    ASSERT(held("n"));
    ASSERT(reads("r", "n", 0));
    timeline_remove(&line, find("r"));
    ASSERT(!held("r") && !held("n"));
    PASS();
}

TEST what_is_no_note_is_refused(void)
{
    ASSERT(begin(false, NOTES, 0));
    ASSERT_EQ(TIMELINE_REFUSED, put("'note'"));
    ASSERT_EQ(TIMELINE_REFUSED, put("{'text':'no id'}"));
    ASSERT_EQ(TIMELINE_REFUSED, put("{'id':''}"));
    ASSERT_EQ(TIMELINE_REFUSED, put("{'id':7}"));
    ASSERT_EQ(TIMELINE_NEW, put("{'id':'12345678901234567890123456789012'}"));
    ASSERT_EQ(TIMELINE_REFUSED, put("{'id':'123456789012345678901234567890123'}"));
    ASSERT_EQ(NULL, find("123456789012345678901234567890123"));
    ASSERT_EQ(NULL, timeline_find(&line, id(NULL)));
    ASSERT_EQ(NULL, find(""));
    ASSERT(shows("12345678901234567890123456789012!"));
    PASS();
}

TEST init_wants_rows_and_a_store(void)
{
    timeline_desc desc = { 0 };
    ASSERT(begin(false, NOTES, 0));
    desc = line.d_;
    desc.rows = NULL;
    ASSERT_EQ(MISSKEY_ERR_BAD_ARG, timeline_init(&line, &desc));
    desc.rows = rows;
    desc.num_rows = 0;
    ASSERT_EQ(MISSKEY_ERR_BAD_ARG, timeline_init(&line, &desc));
    desc.num_rows = ROWS;
    desc.store = NULL;
    ASSERT_EQ(MISSKEY_ERR_BAD_ARG, timeline_init(&line, &desc));
    PASS();
}

/* ---- a full timeline ---- */

TEST when_full_the_oldest_row_leaves_and_is_released(void)
{
    ASSERT(begin(false, NOTES, 0));
    note("a");
    note("b");
    note("c");
    note("d");
    ASSERT(held("a") && held("d"));
    ASSERT_EQ(TIMELINE_NEW, note("e"));
    ASSERT(shows("e! d! c! b!"));
    ASSERT(!held("a") && held("b") && held("e"));
    ASSERT_EQ(NULL, find("a"));
    ASSERT_EQ(TIMELINE_NEW, note("a"));
    ASSERT(shows("a! e d c"));
    ASSERT(held("a") && !held("b"));
    PASS();
}

TEST by_time_when_full_what_is_older_than_all_is_not_taken(void)
{
    ASSERT(begin(true, NOTES, 0));
    note_at("b", 2);
    note_at("c", 3);
    note_at("d", 4);
    note_at("e", 5);
    ASSERT(shows("e! d! c! b!"));
    ASSERT_EQ(TIMELINE_OLD, note_at("a", 1));
    ASSERT_EQ(NULL, misskey_store_get(&store, id("a")).ptr);
    ASSERT_EQ(TIMELINE_DUPLICATE, note_at("b", 1));
    ASSERT(shows("e d c b!"));
    ASSERT_EQ(TIMELINE_NEW, note_at("f", 3));
    ASSERT(shows("e d f! c"));
    ASSERT(!held("b"));
    PASS();
}

/* Three slots, and what holds in them is what is shown. */
TEST when_the_store_is_full_the_oldest_rows_leave(void)
{
    ASSERT(begin(false, 3, 0));
    note("a");
    note("b");
    note("c");
    note("d");
    ASSERT(shows("d! c! b!"));
    renote("r", "n");
    ASSERT(shows("r! d c"));
    ASSERT(reads("r", "n", 0));
    timeline_remove(&line, find("d"));
    timeline_remove(&line, find("r"));
    ASSERT_EQ(TIMELINE_NEW, renote("q", "m"));
    ASSERT(shows("q>m! c"));
    ASSERT_EQ(TIMELINE_NEW, note("e"));
    ASSERT(shows("e! q>m"));
    timeline_remove(&line, find("q"));
    put_old("x");
    misskey_store_hold(&store, id("e"), 0);
    misskey_store_hold(&store, id("x"), 0);
    put_old("y");
    misskey_store_hold(&store, id("y"), 0);
    ASSERT_EQ(TIMELINE_REFUSED, note("f"));
    ASSERT(shows(""));
    PASS();
}

TEST removed_rows_are_released_and_free(void)
{
    ASSERT(begin(false, NOTES, 0));
    note("a");
    note("b");
    note("c");
    timeline_remove(&line, find("b"));
    ASSERT(shows("c! a!"));
    ASSERT(!held("b"));
    note("d");
    note("e");
    ASSERT(shows("e! d! c a"));
    while (line.newest != NULL) timeline_remove(&line, line.newest);
    ASSERT(shows(""));
    ASSERT(!held("a") && !held("c") && !held("d") && !held("e"));
    note("a");
    ASSERT(shows("a!"));
    PASS();
}

/* ---- renotes and updates ---- */

TEST a_renote_shows_the_inner_note_as_it_is_now(void)
{
    ASSERT(begin(false, NOTES, 0));
    note("n");
    renote("r", "n");
    ASSERT(shows("r>n! n!"));
    note("o");
    ASSERT(shows("o! r>n n"));
    ASSERT_EQ(MISSKEY_CHANGED_REACTIONS, reacted("n", "u"));
    ASSERT(shows("o r>n! n!"));
    ASSERT_EQ(0, reacted("n", "u"));
    ASSERT(shows("o r>n n"));
    reacted("n", "v");
    ASSERT(reads("n", "n", 2) && reads("r", "n", 2) && reads("o", "o", 0));
    ASSERT(shows("o r>n! n!"));
    ASSERT(reacted("r", "u") != 0);
    ASSERT(shows("o r>n! n"));
    ASSERT(reads("r", "n", 2));
    PASS();
}

TEST a_renote_refreshes_the_rows_of_the_inner_note(void)
{
    ASSERT(begin(false, NOTES, 0));
    note("n");
    renote("r", "n");
    ASSERT(shows("r>n! n!"));
    ASSERT_EQ(TIMELINE_NEW, put("{'id':'q','userId':'u','renoteId':'n',"
                                "'renote':{'id':'n','userId':'u','text':'n','reactions':{'+':5}}}"));
    ASSERT(shows("q>n! r>n! n!"));
    ASSERT(reads("n", "n", 5) && reads("r", "n", 5) && reads("q", "n", 5));
    PASS();
}

TEST quotes_and_renotes_of_nothing_have_no_inner_note(void)
{
    misskey_note n;
    ASSERT(begin(false, NOTES, 0));
    note("n");
    put("{'id':'q','userId':'u','text':'quote','renoteId':'n','renote':{'id':'n','userId':'u','text':'n'}}");
    put("{'id':'l','userId':'u','text':null,'renoteId':'gone','renote':null}");
    put("{'id':'w','userId':'u','renoteId':'\\\\u','renote':{'id':'\\\\u','text':'strange id'}}");
    ASSERT(shows("w! l! q! n!"));
    ASSERT(reads("q", "quote", 0) && reads("w", "strange id", 0));
    ASSERT(timeline_read(&line, find("l"), &n) && misskey_jstr_eq(n.id, "l"));
    PASS();
}

TEST a_renote_of_itself_does_no_harm(void)
{
    ASSERT(begin(false, NOTES, 0));
    ASSERT_EQ(TIMELINE_NEW, renote("s", "s"));
    ASSERT(reacted("s", "u") != 0);
    deleted("s");
    timeline_remove(&line, find("s"));
    ASSERT(shows("") && find("s") == NULL && !held("s"));
    PASS();
}

TEST when_a_renote_leaves_the_inner_note_is_released(void)
{
    ASSERT(begin(false, NOTES, 0));
    renote("r", "n");
    renote("q", "n");
    ASSERT(held("n") && held("r"));
    timeline_remove(&line, find("r"));
    ASSERT(held("n") && !held("r"));
    ASSERT(reacted("n", "u") != 0);
    ASSERT(shows("q>n!"));
    timeline_remove(&line, find("q"));
    ASSERT(!held("n") && !held("q"));
    PASS();
}

TEST deleted_notes_and_their_renotes_become_tombstones(void)
{
    ASSERT(begin(false, NOTES, 0));
    note("n");
    renote("r", "n");
    note("o");
    ASSERT(shows("o! r>n! n!"));
    ASSERT_EQ(MISSKEY_CHANGED_DELETED, deleted("n"));
    ASSERT(shows("o -r>n! -n!"));
    ASSERT_EQ(0, deleted("n"));
    ASSERT_EQ(0, reacted("n", "u"));
    ASSERT_EQ(TIMELINE_DUPLICATE, note("n"));
    ASSERT(shows("o -r>n -n"));
    ASSERT(reads("n", "n", 0) && held("n"));
    ASSERT_EQ(TIMELINE_NEW, renote("q", "n"));
    ASSERT(shows("-q>n! o -r>n! -n!"));
    timeline_remove(&line, find("n"));
    ASSERT_EQ(TIMELINE_NEW, note("n"));
    ASSERT(shows("-n! -q>n o -r>n"));
    PASS();
}

TEST an_undone_renote_leaves_the_inner_note(void)
{
    ASSERT(begin(false, NOTES, 0));
    note("n");
    renote("r", "n");
    deleted("r");
    ASSERT(shows("-r>n! n!"));
    ASSERT_EQ(0, deleted("nobody"));
    ASSERT(shows("-r>n n"));
    PASS();
}

TEST timelines_may_share_a_store(void)
{
    static timeline_row others[ROWS];
    timeline other;
    timeline_desc desc;
    misskey_message m;
    ASSERT(begin(false, NOTES, 0));
    desc = line.d_;
    desc.rows = others;
    ASSERT_EQ(MISSKEY_ERR_OK, timeline_init(&other, &desc));
    note("a");
    ASSERT_EQ(TIMELINE_NEW, timeline_note(&other, misskey_store_get(&store, id("a"))));
    timeline_remove(&line, find("a"));
    ASSERT(held("a"));
    note("a");
    other.newest->changed = 0;
    m = message_of("a", "deleted", "{}");
    timeline_mark(&other, m.id, timeline_update(&line, &m));
    ASSERT(shows("-a!"));
    ASSERT(other.newest->kind == TIMELINE_DELETED && other.newest->changed == MISSKEY_CHANGED_DELETED);
    timeline_remove(&other, other.newest);
    ASSERT(held("a"));
    timeline_remove(&line, find("a"));
    ASSERT(!held("a"));
    PASS();
}

/* ---- captures ---- */

TEST rows_are_captured_and_released_after_their_grace(void)
{
    ASSERT(begin(false, NOTES, CAPTURES));
    timeline_tick(&line, 1000, 0);
    note("a");
    renote("r", "n");
    ASSERT(says("s:a s:r s:n"));
    note("a");
    timeline_remove(&line, find("r"));
    ASSERT(says(""));
    timeline_tick(&line, 10999, 0);
    ASSERT(says(""));
    timeline_tick(&line, 11000, 0);
    ASSERT(says("u:n u:r"));
    put("{'id':'m'}");
    renote("m", "i");
    ASSERT(says("s:m s:i"));
    PASS();
}

TEST old_notes_are_not_captured(void)
{
    const int64_t now = INT64_C(1795467900000); /* 2026-11-23T21:05:00Z */
    ASSERT(begin(false, NOTES, CAPTURES));
    timeline_tick(&line, 0, now + 10000);
    note_at("old", 9);
    note_at("new", 11);
    ASSERT(says("s:new"));
    ASSERT(held("old") && held("new"));
    PASS();
}

TEST rows_without_a_capture_slot_are_held_when_they_come_again(void)
{
    ASSERT(begin(false, NOTES, 1));
    timeline_tick(&line, 0, 0);
    note("a");
    note("b");
    ASSERT(shows("b! a!"));
    ASSERT(held("a") && !held("b"));
    ASSERT(says("s:a"));
    timeline_remove(&line, find("a"));
    timeline_tick(&line, 20000, 0);
    ASSERT(says("u:a"));
    ASSERT_EQ(TIMELINE_DUPLICATE, note("b"));
    ASSERT(held("b"));
    ASSERT(says("s:b"));
    timeline_remove(&line, find("b"));
    ASSERT(!held("b"));
    PASS();
}

/* In a store for three, the note of a row that is not held was dropped; now it comes again, and needs so much room that
   its old row has to leave too. */
TEST a_row_may_leave_for_the_note_that_it_shows(void)
{
    const int64_t late = INT64_C(1795467900000) + 3600000;
    ASSERT(begin(false, 3, 1));
    misskey_note_capture(&session, "z", 1);
    note("b");
    misskey_note_release(&session, "z", 1);
    note("a");
    ASSERT(held("a") && !held("b"));
    put_old("x");
    put_old("y");
    ASSERT_EQ(MISSKEY_ERR_OK, misskey_store_hold(&store, id("x"), late));
    ASSERT_EQ(MISSKEY_ERR_OK, misskey_store_hold(&store, id("y"), late));
    ASSERT_EQ(NULL, misskey_store_get(&store, id("b")).ptr);
    ASSERT(shows("a! b!"));
    ASSERT_EQ(TIMELINE_NEW, note("b"));
    ASSERT(shows("b!"));
    PASS();
}

/* ---- gaps ---- */

TEST a_gap_is_a_row_with_what_the_event_says(void)
{
    timeline_row *row;
    misskey_note n;
    ASSERT(begin(false, NOTES, 0));
    note("a");
    row = gap(1, "a", 4000);
    ASSERT(shows("|a! a!"));
    ASSERT(row == line.newest && row->kind == TIMELINE_GAP && row->outage_ms == 4000 && row->channel.id == 1);
    ASSERT(row->user == &captures[1]);
    ASSERT(!timeline_read(&line, row, &n));
    ASSERT(find("a") != row);
    deleted("a");
    note("b");
    ASSERT(shows("b! |a -a!"));
    ASSERT(gap(1, NULL, 1) != row);
    ASSERT(shows("|! b |a -a"));
    note("c");
    ASSERT(shows("c! | b |a"));
    timeline_remove(&line, row);
    ASSERT(shows("c | b"));
    gap(2, "12345678901234567890123456789012", 1);
    ASSERT(shows("|12345678901234567890123456789012! c | b"));
    timeline_remove(&line, line.newest);
    row = gap(3, "x", 2);
    ASSERT(shows("|x! c | b") && row->outage_ms == 2);
    PASS();
}

TEST outages_without_a_note_in_between_are_one_gap(void)
{
    timeline_row *first;
    ASSERT(begin(false, NOTES, 0));
    note("a");
    first = gap(1, "a", 1000);
    gap(2, NULL, 2000);
    ASSERT(shows("|! |a! a!"));
    ASSERT(gap(1, "a", 500) == first && first->outage_ms == 1500);
    ASSERT(shows("| |a! a"));
    gap(2, NULL, 1);
    ASSERT(line.newest->outage_ms == 2001);
    note("b");
    ASSERT(gap(1, "b", 70) != first && line.newest->outage_ms == 70);
    ASSERT(shows("|b! b! |! |a"));
    PASS();
}

TEST by_time_fetched_notes_go_above_the_gap(void)
{
    ASSERT(begin(true, NOTES, 0));
    note_at("b", 5);
    gap(1, "a", 4000);
    note_at("e", 9);
    ASSERT(shows("e! |a! b!"));
    note_at("c", 7);
    ASSERT(shows("e c! |a b"));
    timeline_remove(&line, line.oldest->newer);
    note_at("a", 4);
    ASSERT(shows("e c b a!"));
    PASS();
}

TEST gaps_alone_fill_a_timeline(void)
{
    ASSERT(begin(true, NOTES, 0));
    gap(1, NULL, 1);
    gap(2, NULL, 1);
    gap(3, NULL, 1);
    gap(4, NULL, 1);
    gap(5, "x", 1);
    ASSERT(shows("|x! |! |! |!"));
    ASSERT_EQ_FMT(2u, line.oldest->channel.id, "%u");
    PASS();
}

/* ---- the slow way ---- */

enum { MANY = 23, IDS = 60, STEPS = 20000 };

static struct model_row { char kind; int id, inner; int64_t time; } model[MANY];
static size_t num_model;
static uint32_t seed = 1;
static uint32_t rnd(uint32_t below) { seed = seed * 1664525u + 1013904223u; return (seed >> 8) % below; }

/* Of note number i: half of them are renotes of the note before, all are some seconds old, in no order. */
static int inner_of(int i) { return i % 2 == 1 ? i - 1 : -1; }
static int second_of(int i) { return i * 7 % 59; }

static int model_find(int i)
{
    size_t k = 0;
    while (k < num_model && (model[k].kind == 'g' || model[k].id != i)) k++;
    return k < num_model ? (int)k : -1;
}

static void model_remove(size_t k)
{
    memmove(model + k, model + k + 1, (--num_model - k) * sizeof *model);
}

static void model_insert(size_t k, struct model_row row)
{
    memmove(model + k + 1, model + k, (num_model++ - k) * sizeof *model);
    model[k] = row;
}

/* Newest last. Numbers are in the order of the ids. */
static timeline_result model_note(bool by_time, int i, bool dead)
{
    const struct model_row row = { dead ? 'd' : 'n', i, inner_of(i), second_of(i) };
    size_t k = num_model;
    if (model_find(i) >= 0) return TIMELINE_DUPLICATE;
    if (num_model == MANY && by_time && row.time < model[0].time) return TIMELINE_OLD;
    if (num_model == MANY) model_remove(0);
    k = num_model;
    for (; by_time && k > 0 && row.time <= model[k - 1].time; k--) {
        if (row.time == model[k - 1].time && i > model[k - 1].id) break;
    }
    model_insert(k, row);
    return TIMELINE_NEW;
}

static void model_gap(int channel)
{
    size_t k = num_model;
    struct model_row row = { 'g', -1, channel, 0 };
    while (k > 0 && model[k - 1].kind == 'g') if (model[--k].inner == channel) return;
    row.time = num_model > 0 ? model[num_model - 1].time : 0;
    if (num_model == MANY) model_remove(0);
    model_insert(num_model, row);
}

static const char *name_of(int i)
{
    static char name[16];
    snprintf(name, sizeof name, "id%03d", i);
    return name;
}

static bool same_as_model(const timeline *t)
{
    const timeline_row *row = t->oldest, *back = NULL;
    size_t k;
    for (k = 0; k < num_model; back = row, row = row->newer, k++) {
        const struct model_row *const m = &model[k];
        const char kind = "ndg"[row->kind];
        if (row->older != back || kind != m->kind) return false;
        if (kind == 'g' ? row->channel.id != (uint32_t)m->inner : strcmp(row->id, name_of(m->id)) != 0) return false;
        if (kind != 'g' && timeline_find(t, misskey_jstr_text(row->id)) != row) return false;
        if (kind != 'g' && strcmp(row->inner, m->inner < 0 ? "" : name_of(m->inner)) != 0) return false;
    }
    return row == NULL && t->num == num_model && t->newest == back;
}

/* All that the store holds are notes of rows. */
static bool holds_as_model(void)
{
    int i;
    size_t k;
    for (i = 0; i < IDS; i++) {
        bool want = false;
        for (k = 0; k < num_model; k++) want = want || model[k].id == i || (model[k].id >= 0 && model[k].inner == i);
        if (held(name_of(i)) != want) return false;
    }
    return true;
}

/* One random call, and the same with the model. dead: notes that were deleted stay so. */
static bool random_step(bool by_time, bool dead[IDS])
{
    const int i = (int)rnd(IDS);
    char inner[16];
    size_t k;
    if (rnd(8) > 2) {
        const timeline_result want = model_note(by_time, i, dead[i] || (inner_of(i) >= 0 && dead[inner_of(i)]));
        snprintf(inner, sizeof inner, "%s", name_of(inner_of(i)));
        return want == put(inner_of(i) < 0 ? "{'id':'%s','createdAt':'2026-11-23T21:00:%02dZ'}" :
                           "{'id':'%s','createdAt':'2026-11-23T21:00:%02dZ','renoteId':'%s','renote':{'id':'%s'}}",
                           name_of(i), second_of(i), inner, inner);
    }
    if (rnd(8) == 0) {
        const uint32_t channel = 1 + rnd(3);
        model_gap((int)channel);
        gap(channel, NULL, 1);
    } else if (rnd(2) == 0 && num_model > 0) {
        timeline_row *row = line.oldest;
        const size_t at = rnd((uint32_t)num_model);
        for (k = 0; k < at; k++) row = row->newer;
        model_remove(at);
        timeline_remove(&line, row);
    } else if (rnd(8) == 0 && misskey_store_get(&store, id(name_of(i))).ptr != NULL) {
        dead[i] = true;
        deleted(name_of(i));
        for (k = 0; k < num_model; k++) {
            if (model[k].kind == 'n' && (model[k].id == i || model[k].inner == i)) model[k].kind = 'd';
        }
    }
    return true;
}

TEST random_calls_agree_with_a_slow_model(bool by_time)
{
    static uint64_t mem[MISSKEY_STORE_SIZE(IDS, 256) / 8];
    static timeline_row many[MANY];
    misskey_store_desc slots = { 0 };
    timeline_desc desc = { 0 };
    bool dead[IDS] = { false };
    int step;
    slots.mem.ptr = mem;
    slots.mem.size = sizeof mem;
    slots.note_size = 256;
    desc.rows = many;
    desc.num_rows = MANY;
    desc.store = &store;
    desc.by_time = by_time;
    num_model = 0;
    for (step = 0; step < STEPS; step++) {
        if (step % 500 == 0) {  /* else everything is dead in the end */
            ASSERT_EQ(MISSKEY_ERR_OK, misskey_store_init(&store, &slots));
            ASSERT_EQ(MISSKEY_ERR_OK, timeline_init(&line, &desc));
            num_model = 0;
            memset(dead, 0, sizeof dead);
        }
        ASSERT(random_step(by_time, dead));
        ASSERT(same_as_model(&line));
        if (step % 50 == 0) ASSERT(holds_as_model());
    }
    PASS();
}

SUITE(orders)
{
    RUN_TEST(by_arrival_the_order_is_that_of_the_calls);
    RUN_TEST(by_time_a_late_note_goes_to_its_place);
    RUN_TEST(by_time_ids_decide_between_notes_of_one_moment);
    RUN_TEST(by_time_ids_tell_the_time_of_notes_without_a_date);
    RUN_TEST(by_time_a_note_that_tells_no_time_is_as_new_as_the_newest);
    RUN_TEST(a_note_that_comes_again_updates_its_row);
    RUN_TEST(a_minimized_note_and_the_full_one_are_one_row);
    RUN_TEST(what_is_no_note_is_refused);
    RUN_TEST(init_wants_rows_and_a_store);
}

SUITE(full)
{
    RUN_TEST(when_full_the_oldest_row_leaves_and_is_released);
    RUN_TEST(by_time_when_full_what_is_older_than_all_is_not_taken);
    RUN_TEST(when_the_store_is_full_the_oldest_rows_leave);
    RUN_TEST(removed_rows_are_released_and_free);
}

SUITE(changes)
{
    RUN_TEST(a_renote_shows_the_inner_note_as_it_is_now);
    RUN_TEST(a_renote_refreshes_the_rows_of_the_inner_note);
    RUN_TEST(quotes_and_renotes_of_nothing_have_no_inner_note);
    RUN_TEST(a_renote_of_itself_does_no_harm);
    RUN_TEST(when_a_renote_leaves_the_inner_note_is_released);
    RUN_TEST(deleted_notes_and_their_renotes_become_tombstones);
    RUN_TEST(an_undone_renote_leaves_the_inner_note);
    RUN_TEST(timelines_may_share_a_store);
    RUN_TEST(rows_are_captured_and_released_after_their_grace);
    RUN_TEST(old_notes_are_not_captured);
    RUN_TEST(rows_without_a_capture_slot_are_held_when_they_come_again);
    RUN_TEST(a_row_may_leave_for_the_note_that_it_shows);
}

SUITE(gaps)
{
    RUN_TEST(a_gap_is_a_row_with_what_the_event_says);
    RUN_TEST(outages_without_a_note_in_between_are_one_gap);
    RUN_TEST(by_time_fetched_notes_go_above_the_gap);
    RUN_TEST(gaps_alone_fill_a_timeline);
}

SUITE(random_runs)
{
    greatest_set_test_suffix("by_arrival");
    RUN_TESTp(random_calls_agree_with_a_slow_model, false);
    greatest_set_test_suffix("by_time");
    RUN_TESTp(random_calls_agree_with_a_slow_model, true);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(orders);
    RUN_SUITE(full);
    RUN_SUITE(changes);
    RUN_SUITE(gaps);
    RUN_SUITE(random_runs);
    GREATEST_MAIN_END();
}
