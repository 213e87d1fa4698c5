/* store_cost - runs one kind of work of a note store many times, for counting instructions in measured()
   usage: store_cost put|get|update|hold NOTES COUNT
   The store is full all the time. put: a new note, for which the one unused for longest makes room; get and update: of
   any note, by a user who has not reacted yet; hold: hold, release, and the release of the capture by a tick. Prints
   how often what was called did what it should.
   Exit status: 0, or 2 on usage. */
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../../misskey_stream.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST = 10000, SIZE = 2048, TEXT = 512 };

static uint64_t memory[MISSKEY_STORE_SIZE(MOST, SIZE) / 8];
static misskey_store store;
static misskey_session session;
static misskey_capture_slot captures[MOST + 1];
static uint32_t now, seed = 1;
static unsigned long notes, next, users, good;

static unsigned long random_note(void)
{
    seed = seed * 1664525u + 1013904223u;
    return next - 1 - (unsigned long)((uint64_t)seed * notes >> 32);
}

static misskey_jstr id_of(unsigned long n)
{
    static char id[24];
    sprintf(id, "a%09lx", n * 977);
    return misskey_jstr_text(id);
}

static void put(void)
{
    char text[TEXT];
    misskey_json note;
    sprintf(text, "{\"id\":\"%s\",\"createdAt\":\"2026-11-24T00:00:00.000Z\",\"userId\":\"u\",\"user\":{\"id\":\"u\"},"
                  "\"text\":\"of the usual kind\",\"reactions\":{},\"reactionCount\":0}", id_of(next).ptr);
    note = misskey_json_text(text);
    next++;
    good += misskey_store_put(&store, note, NULL) == MISSKEY_ERR_OK;
}

static void update(void)
{
    char text[TEXT];
    misskey_message m;
    sprintf(text, "{\"type\":\"noteUpdated\",\"body\":{\"id\":\"%s\",\"type\":\"reacted\",\"body\":{\"reaction\":\"x\","
                  "\"userId\":\"%lu\"}}}", id_of(random_note()).ptr, ++users);
    misskey_message_parse(text, strlen(text), &m);
    good += misskey_store_update(&store, &m) == MISSKEY_CHANGED_REACTIONS;
}

static void hold(void)
{
    const misskey_jstr id = id_of(random_note());
    const bool held = misskey_store_hold(&store, id, 0) == MISSKEY_ERR_OK;
    good += held && misskey_store_release(&store, id) == MISSKEY_ERR_OK;
    misskey_store_tick(&store, now += 1000);
}

/* A function of its own, for callgrind --toggle-collect. */
#if defined(__GNUC__)
__attribute__((noinline))
#endif
void measured(const char *what);

void measured(const char *what)
{
    if (*what == 'p') put();
    else if (*what == 'g') good += misskey_store_get(&store, id_of(random_note())).ptr != NULL;
    else if (*what == 'u') update();
    else hold();
}

int main(int argc, char **argv)
{
    misskey_session_desc lent;
    misskey_store_desc desc;
    unsigned long i, count = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    notes = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
    if (count == 0 || notes < 2 || notes > MOST || strchr("pguh", *argv[1]) == NULL) {
        fputs("usage: store_cost put|get|update|hold NOTES COUNT    (2 to 10000 notes)\n", stderr);
        return 2;
    }
    memset(&lent, 0, sizeof lent);
    lent.captures = captures;
    lent.num_captures = MOST + 1;
    memset(&desc, 0, sizeof desc);
    desc.mem.ptr = memory;
    desc.mem.size = MISSKEY_STORE_SIZE(notes, SIZE);
    desc.note_size = SIZE;
    desc.session = &session;
    desc.grace_ms = 5000;
    if (misskey_session_init(&session, &lent) != MISSKEY_ERR_OK || misskey_store_init(&store, &desc) != MISSKEY_ERR_OK)
        return 2;
    for (i = 0; i < 2 * notes; i++) put();
    for (good = 0, i = 0; i < count; i++) measured(argv[1]);
    printf("%lu\n", good);
    return 0;
}
