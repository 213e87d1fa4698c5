/* Has a misskey_reading what misskey_message_parse and the readers one by one find? Include misskey_stream.h first. */
#ifndef READING_H
#define READING_H

#include <stdbool.h>
#include <string.h>

static inline misskey_reads reads_what(const misskey_message *m)
{
    static const char *const events[] = { "note", "mention", "reply", "renote", "edited" };
    size_t i;
    if (misskey_json_type(m->body) != MISSKEY_TYPE_OBJECT) return MISSKEY_READS_NOTHING;
    if (m->kind == MISSKEY_KIND_NOTE_UPDATED) return MISSKEY_READS_NOTE_UPDATE;
    for (i = 0; m->kind == MISSKEY_KIND_CHANNEL && i < sizeof events / sizeof events[0]; i++) {
        if (misskey_jstr_eq(m->event, events[i])) return MISSKEY_READS_NOTE;
    }
    return MISSKEY_READS_NOTHING;
}

static inline bool same_files(const misskey_reading *r)
{
    misskey_iter it = misskey_json_iter(r->note.files);
    misskey_file file;
    uint32_t n = 0;
    if (misskey_json_type(r->note.files) != MISSKEY_TYPE_ARRAY) return r->num_files == 0;
    while (n < 16 && misskey_json_next(&it)) {
        (void)misskey_file_read(it.value, &file); /* all zero if it is no object: the others keep their places */
        if (n == r->num_files || memcmp(&r->files[n++], &file, sizeof file) != 0) return false;
    }
    return n == r->num_files;
}

static inline bool same_choices(const misskey_reading *r)
{
    misskey_iter it = misskey_json_iter(r->poll.choices);
    misskey_poll_choice choice;
    uint32_t n = 0;
    if (misskey_json_type(r->poll.choices) != MISSKEY_TYPE_ARRAY) return r->num_choices == 0;
    while (n < 10 && misskey_json_next(&it)) {
        (void)misskey_poll_choice_read(it.value, &choice);
        if (n == r->num_choices || memcmp(&r->choices[n++], &choice, sizeof choice) != 0) return false;
    }
    return n == r->num_choices;
}

/* message: what was read along with r; all zero for an event that is none. */
static inline bool same_reading(const misskey_message *message, const misskey_reading *r)
{
    static misskey_reading want;
    if (r->what != reads_what(message)) return false;
    if (r->what == MISSKEY_READS_NOTE_UPDATE) {
        (void)misskey_note_update_read(message->body, &want.update);
        return memcmp(&r->update, &want.update, sizeof want.update) == 0;
    }
    if (r->what != MISSKEY_READS_NOTE) return true;
    (void)misskey_note_read(message->body, &want.note);
    (void)misskey_user_read(want.note.user, &want.user);
    (void)misskey_poll_read(want.note.poll, &want.poll);
    return memcmp(&r->note, &want.note, sizeof want.note) == 0 && memcmp(&r->user, &want.user, sizeof want.user) == 0 &&
           memcmp(&r->poll, &want.poll, sizeof want.poll) == 0 && same_files(r) && same_choices(r);
}

#endif
