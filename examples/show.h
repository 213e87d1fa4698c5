/* show.h - notes, notifications, chat messages and whatever else comes, as text on stdout: safe for a terminal whatever
   the server sends. A line is begun and ended by the caller; what continues it is indented.
   What to copy: show_plain() for every text of a stranger; show_note() as the pattern of how fields are read.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef SHOW_H
#define SHOW_H
#ifndef MISSKEY_STREAM_H
#error "include misskey_stream.h before show.h"
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOW_INDENT 10          /* columns before a continuation line */

static bool show_colour;        /* escape sequences for colours */

/* --- text that came from a server, on a terminal --- */

static inline void show_style(const char *sgr)
{
    if (show_colour) printf("\033[%sm", sgr);
}

/* Bytes of the character at p if a terminal would act on it: C0, DEL, C1, line separators, and what turns the direction
   of the text (U+2028 to U+202E, U+2066 to U+2069). 0 = it is only shown. */
static inline size_t show_control_length_(const unsigned char *p, size_t left)
{
    if (p[0] < 0x20 || p[0] == 0x7F) return 1;
    if (left >= 2 && p[0] == 0xC2 && p[1] < 0xA0) return 2;
    if (left < 3 || p[0] != 0xE2) return 0;
    if (p[1] == 0x80 && p[2] >= 0xA8 && p[2] <= 0xAE) return 3;
    return p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9 ? 3 : 0;
}

/* lines: a line break starts an indented line. */
static inline void show_plain_to(FILE *out, const char *text, size_t len, bool lines)
{
    const unsigned char *p = (const unsigned char *)text, *const end = p + len;
    while (p < end) {
        const size_t n = show_control_length_(p, (size_t)(end - p));
        if (n == 0) putc(*p, out);
        else if (*p == '\r' && p + 1 < end && p[1] == '\n') {}
        else if (*p == '\n' && lines) fprintf(out, "\n%*s", p + 1 < end && p[1] != '\n' ? SHOW_INDENT : 0, "");
        else fputs(*p == '\n' || *p == '\r' || *p == '\t' ? " " : "\xEF\xBF\xBD", out);
        p += n > 0 ? n : 1;
    }
}

static inline void show_plain(const char *text, size_t len, bool lines) { show_plain_to(stdout, text, len, lines); }

/* JSON on one line. What a terminal would act on is white space between tokens, or stands in a string: there an escape
   means the same. */
static inline void show_json(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text, *const end = p + len;
    while (p < end) {
        const size_t n = show_control_length_(p, (size_t)(end - p));
        if (n == 0) putchar(*p);
        else if (n == 1 && *p < 0x20) putchar(' ');
        else if (n == 3) printf("\\u%04x", 0x2000u | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu));
        else printf("\\u%04x", (unsigned)p[n - 1]);
        p += n > 0 ? n : 1;
    }
}

/* At most so many bytes, 0 = all of them. */
static inline void show_str(misskey_jstr s, size_t most, bool lines)
{
    const size_t cap = most > 0 ? most + 1 : s.len + 1;     /* decoded text is never longer */
    char *const plain = (char *)malloc(cap);
    bool cut;
    size_t len;
    if (plain == NULL) return;
    len = misskey_jstr_copy(s, plain, cap);
    cut = len >= cap;
    if (cut) len = strlen(plain);
    while (len > 0 && plain[len - 1] == '\n') len--;
    show_plain(plain, len, lines);
    if (cut) fputs("…", stdout);
    free(plain);
}

/* Nothing at all if there is no such text. */
static inline void show_text(const char *before, misskey_jstr s, const char *behind)
{
    if (s.ptr == NULL) return;
    fputs(before, stdout);
    show_str(s, 0, false);
    fputs(behind, stdout);
}

static inline void show_part_(void) { printf("\n%*s", SHOW_INDENT, ""); }

/* --- parts of events --- */

static inline bool show_user(const char *before, misskey_json json)
{
    misskey_user user;
    if (!misskey_user_read(json, &user) || user.username.ptr == NULL) return false;
    fputs(before, stdout);
    show_style("1;36");
    show_text("@", user.username, "");
    show_text("@", user.host, "");
    show_style("0");
    return true;
}

/* Of custom emojis of the server itself only the name. */
static inline void show_reaction(misskey_jstr reaction)
{
    misskey_jstr name, host;
    if (misskey_reaction_split(reaction, &name, &host) && host.ptr == NULL) show_text(":", name, ":");
    else show_str(reaction, 0, false);
}

/* A note in few words; of a text behind a warning only the warning. */
static inline void show_excerpt(misskey_json json)
{
    misskey_note note;
    misskey_user user;
    misskey_note_read(json, &note);
    if (misskey_note_is_renote(&note) && note.has.renote == MISSKEY_PRESENT) misskey_note_read(note.renote, &note);
    misskey_user_read(note.user, &user);
    show_text("@", user.username, user.host.ptr != NULL ? "" : ": ");
    show_text("@", user.host, ": ");
    fputs(note.cw.ptr != NULL ? "[CW: " : note.text.len == 0 ? "(no text)" : "", stdout);
    show_str(note.cw.ptr != NULL ? note.cw : note.text, 63, false);
    if (note.cw.ptr != NULL) putchar(']');
}

static inline void show_related_(misskey_json note, const char *relation)
{
    if (misskey_json_type(note) != MISSKEY_TYPE_OBJECT) return;
    show_part_();
    show_excerpt(note);
    fputs(relation, stdout);
}

static inline void show_file_(misskey_json json)
{
    misskey_file file;
    if (!misskey_file_read(json, &file)) return;
    show_part_();
    show_str(file.name, 0, false);
    show_text(" (", file.type, ", ");
    printf("%lld bytes)", (long long)file.size);
}

/* The choice with this number (or id, as v10 has it), or all of them, with their votes. False: there is none. */
static inline bool show_choices(misskey_json json, int64_t number, bool all)
{
    misskey_poll poll;
    misskey_poll_choice choice;
    misskey_iter it;
    int64_t i;
    bool found = false;
    misskey_poll_read(json, &poll);
    it = misskey_json_iter(poll.choices);
    for (i = 0; misskey_json_next(&it) && misskey_poll_choice_read(it.value, &choice); i++) {
        if (!all && number != (choice.has.id == MISSKEY_PRESENT ? choice.id : i)) continue;
        if (all) show_part_();
        show_str(choice.text, 0, false);
        printf(": %lld votes", (long long)choice.votes);
        found = true;
    }
    return found;
}

/* --- events --- */

static inline void show_note(misskey_json json)
{
    misskey_note note;
    misskey_note_channel channel;
    misskey_iter files;
    misskey_note_read(json, &note);
    if (!show_user("", note.user)) { /* minimized: the rest is to be fetched over HTTP */
        show_text("note ", note.id, "");
        return;
    }
    if (!misskey_jstr_eq(note.visibility, "public")) show_text(" [", note.visibility, "]");
    if (misskey_note_channel_read(note.channel, &channel)) show_text(" [in ", channel.name, "]");
    if (misskey_note_is_renote(&note) && misskey_note_read(note.renote, &note)) show_user(" renoted ", note.user);
    if (note.reply_id.ptr != NULL) fputs(" replied", stdout);
    fputs(": ", stdout);
    show_style("33");
    show_text("[CW: ", note.cw, "] ");
    show_style("0");
    show_str(note.text, 0, true);
    show_style("35");
    files = misskey_json_iter(note.files);
    while (misskey_json_next(&files)) show_file_(files.value);
    show_choices(note.poll, 0, true);
    show_style("0;2");
    show_related_(note.reply, " (replied to)");
    show_related_(note.renote, " (quoted)");
}

/* Names of users by id: chatUser sends ids alone, newChatMessage on main has the names. A name that shares its place
   with another one replaces it. */
static struct { char id[33], name[400]; } show_met_[64];

static inline size_t show_place_(const char *id)
{
    unsigned sum = 0;
    for (; *id != '\0'; id++) sum = sum * 31 + (unsigned char)*id;
    return sum % (sizeof show_met_ / sizeof show_met_[0]);
}

static inline void show_meet_(misskey_json json)
{
    misskey_user user;
    char id[33], name[130], host[260];
    size_t at;
    if (!misskey_user_read(json, &user) || user.username.ptr == NULL) return;
    if (misskey_jstr_copy(user.id, id, sizeof id) >= sizeof id || *id == '\0') return;
    misskey_jstr_copy(user.username, name, sizeof name);
    misskey_jstr_copy(user.host, host, sizeof host);
    at = show_place_(id);
    memcpy(show_met_[at].id, id, sizeof id);
    snprintf(show_met_[at].name, sizeof show_met_[at].name, "@%s%s%s", name, *host != '\0' ? "@" : "", host);
}

/* show_meet -- remembers who a chat message is from and to, whether it is shown or not. */
static inline void show_meet(misskey_json json)
{
    misskey_chat_message message;
    misskey_chat_message_read(json, &message);
    show_meet_(message.from_user);
    show_meet_(message.to_user);
}

static inline void show_user_of_id_(const char *before, misskey_jstr id)
{
    char plain[33];
    size_t at;
    misskey_jstr_copy(id, plain, sizeof plain);
    at = show_place_(plain);
    fputs(before, stdout);
    if (*plain == '\0' || strcmp(show_met_[at].id, plain) != 0) {
        show_text("user ", id, "");
        return;
    }
    show_style("1;36");
    show_plain(show_met_[at].name, strlen(show_met_[at].name), false);
    show_style("0");
}

static inline void show_chat(misskey_json json)
{
    misskey_chat_message message;
    misskey_chat_message_read(json, &message);
    if (!show_user("chat ", message.from_user)) show_user_of_id_("chat ", message.from_user_id);
    fputs(": ", stdout);
    show_str(message.text, 0, true);
    show_style("35");
    show_file_(message.file);
}

static inline void show_notification(misskey_json json)
{
    misskey_notification n;
    misskey_role role;
    misskey_notification_read(json, &n);
    misskey_role_read(n.role, &role);
    show_style("33");
    show_text("* ", n.type, "");
    show_style("0");
    show_user(" ", n.user);
    fputs(n.reaction.ptr != NULL ? " " : "", stdout);
    show_reaction(n.reaction);
    show_text(" ", n.achievement, "");
    show_text(" ", n.exported_entity, "");
    show_text(" ", n.message, "");
    show_text(" ", role.name, "");
    show_text(" ", n.header, "");
    show_text(" ", n.body, "");
    show_style("2");
    show_related_(n.note, "");
}

#define SHOW_NAME_(kind, type, form) type,
static const char *const show_type_names_[] = { MISSKEY_KIND_LIST(SHOW_NAME_) };
#undef SHOW_NAME_

/* The note of an update. A renote is not the note in it, which lives on when the renote is deleted. */
static inline void show_updated_(const misskey_message *m, const misskey_note *note, misskey_json now)
{
    misskey_user user;
    const bool renote = misskey_note_is_renote(note) && misskey_user_read(note->user, &user);
    if (renote) {
        show_text("the renote by @", user.username, "");
        show_text("@", user.host, "");
        fputs(" of ", stdout);
    }
    if (renote && note->has.renote != MISSKEY_PRESENT) show_text("note ", note->renote_id, "");
    else if (note->user.ptr != NULL) show_excerpt(now);
    else show_text("note ", m->id, "");
}

/* What was done to a note, and what it has come to. now: the note as it is by now, missing if it is not known. */
static inline void show_note_update(const misskey_message *m, misskey_json now)
{
    const misskey_note_update_type type = misskey_note_update_find(m->event);
    const bool whole = type == MISSKEY_NOTE_UPDATE_DELETED || type == MISSKEY_NOTE_UPDATE_UPDATED;
    misskey_note note;
    misskey_note_update update;
    misskey_iter it;
    misskey_jstr name;
    int64_t count;
    misskey_note_update_read(m->body, &update);
    misskey_note_read(now, &note);
    show_style("35");
    if (type != MISSKEY_NOTE_UPDATE_REACTED) show_str(m->event, 0, false);
    if (type != MISSKEY_NOTE_UPDATE_REACTED && update.reaction.ptr != NULL) putchar(' ');
    show_reaction(update.reaction);
    it = misskey_json_iter(note.reactions);
    while (misskey_reactions_next(&it, &name, &count)) {
        if (misskey_reaction_eq(name, update.reaction)) printf(" ×%lld", (long long)count);
    }
    if (update.has.choice == MISSKEY_PRESENT) putchar(' ');
    if (update.has.choice == MISSKEY_PRESENT && !show_choices(note.poll, update.choice, false))
        printf("no. %lld", (long long)update.choice + 1);
    show_style("0");
    fputs(whole ? " " : " on ", stdout);
    show_updated_(m, &note, now);
}

/* The type of a message as it stood on the wire; of a bare text that text, if it has a name. */
static inline misskey_jstr show_type(const misskey_message *m)
{
    return m->type.ptr != NULL ? m->type : misskey_jstr_text(show_type_names_[m->kind]);
}

/* Everything else: what it is and the beginning of the body. */
static inline void show_other(const misskey_message *m)
{
    const misskey_jstr type = show_type(m);
    const misskey_str body = { m->body.ptr, m->body.len }, shown = m->raw.ptr != NULL ? m->raw : body;
    size_t len = shown.len < 80 ? shown.len : 80;
    while (len > 0 && len < shown.len && ((unsigned char)shown.ptr[len] & 0xC0) == 0x80) len--;
    show_style("2");
    show_str(m->event.ptr != NULL ? m->event : type, 0, false);
    putchar(' ');
    if (m->kind != MISSKEY_KIND_CHANNEL) show_str(m->id, 0, false);
    if (show_user("", m->body)) return;
    show_plain(shown.ptr, len, false);
    if (len < shown.len) fputs("…", stdout);
}

#endif /* SHOW_H */
