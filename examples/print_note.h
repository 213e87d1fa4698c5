/* print_note.h - a note as one line for a terminal
   What to copy: print_text(). What strangers write must not steer the terminal: no escape sequences, no line breaks, no
   change of direction.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef PRINT_NOTE_H
#define PRINT_NOTE_H
#ifndef MISSKEY_STREAM_H
#error "include misskey_stream.h before print_note.h"
#endif
#include <stdio.h>
#include <string.h>

/* Bytes of the character at p if a terminal would act on it: C0, DEL, C1, U+2028 to U+202E, U+2066 to U+2069; else 0 */
static inline int print_control_(const char *text)
{
    const unsigned char *const p = (const unsigned char *)text;
    if (p[0] < 0x20 || p[0] == 0x7F) return 1;
    if (p[0] == 0xC2 && p[1] < 0xA0) return 2;
    if (p[0] != 0xE2 || (p[1] != 0x80 && p[1] != 0x81)) return 0;
    return p[1] == 0x80 ? (p[2] >= 0xA8 && p[2] <= 0xAE ? 3 : 0) : p[2] >= 0xA6 && p[2] <= 0xA9 ? 3 : 0;
}

/* Up to 12000 bytes of it: servers allow notes of 3000 characters. */
static inline void print_text(misskey_jstr s)
{
    char text[12001];
    const size_t whole = misskey_jstr_copy(s, text, sizeof text), len = whole < sizeof text ? whole : strlen(text);
    const char *p = text;
    while (p < text + len) {
        const int control = print_control_(p);
        putchar(control > 0 ? ' ' : *p);
        p += control > 0 ? control : 1;
    }
}

/* print_note -- if the event brings a note: "@user@host: text"; of a note that repeats another one, that one's text.
   Returns whether it did. */
static inline bool print_note(const misskey_event *event)
{
    misskey_note note;
    misskey_user user;
    if (event->type != MISSKEY_EVENT_MESSAGE || event->message.kind != MISSKEY_KIND_CHANNEL ||
        misskey_channel_event_find(event->message.event) != MISSKEY_CHANNEL_EVENT_NOTE ||
        !misskey_note_read(event->message.body, &note)) return false;
    misskey_user_read(note.user, &user);
    putchar('@');
    print_text(user.username);
    if (user.host.len > 0) putchar('@');
    print_text(user.host);
    if (misskey_note_is_renote(&note)) {
        misskey_note_read(note.renote, &note);
        fputs(" renoted", stdout);
    }
    fputs(": ", stdout);
    print_text(note.cw.len > 0 ? note.cw : note.text);
    putchar('\n');
    fflush(stdout);
    return true;
}

#endif /* PRINT_NOTE_H */
