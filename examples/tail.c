/* misskey-tail - prints the stream of a Misskey server as a person reads a timeline
   What to copy: set_up(), feed() and handle_events() are a whole client without its socket. What stands above them
   reads what has come and prints it. POSIX: popen (for recordings packed by gzip), poll, isatty.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#define _POSIX_C_SOURCE 200809L
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../misskey_stream.h"
#include "timeline.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

static const char help[] =
    "usage: misskey-tail --replay DIR [--speed N] [--json]\n"
    "Prints the stream of a Misskey server as a timeline. A note that comes on several channels is shown once,\n"
    "reactions and votes with their number so far.\n"
    "  --replay DIR  play a recording: server.bin, client.bin and chunks.jsonl in DIR, each may have .gz at its end\n"
    "  --speed N     N times as fast as it was recorded; 1 = as it was, 0.5 = half as fast (default: no waiting)\n"
    "  --json        every event as one line with a JSON object; t: milliseconds since the connection was made\n"
    "                  {\"t\",\"event\":\"open\"}\n"
    "                  {\"t\",\"event\":\"message\",\"message\"}  message: as it came, with its \"type\" and \"body\"\n"
    "                  {\"t\",\"event\":\"text\",\"text\"}        a text that is no message\n"
    "                  {\"t\",\"event\":\"dropped\",\"size\"}     a message that is too large, or binary\n"
    "                  {\"t\",\"event\":\"closed\",\"code\",\"error\",\"reason\"}  error: OK, or its name\n"
    "  --help        this text\n"
    "Colours are used on a terminal, unless NO_COLOR is set.\n"
    "Exit status: 0 played to its end, whatever the server did; 1 the stream is broken or the files do not fit\n"
    "together; 2 wrong option, or something cannot be read.\n";

enum { BROKEN = 1, UNUSABLE = 2 };      /* exit status */
enum { INDENT = 10 };                   /* columns before a continuation line */
enum { ROWS = 512, NOTE_SIZE = 8192 };  /* notes that are remembered, and how much of each */

static bool colour, as_json;
static misskey_json now = { "0", 1 };   /* "t" of what is played */
static misskey_conn conn;
static misskey_store store;
static timeline shown_notes;
static bool closed;                     /* CLOSED has come */
static misskey_err why;

static void fail(int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fflush(stdout);
    fputs("misskey-tail: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(status);
}

static void *allocate(void *old, size_t size)
{
    void *const p = realloc(old, size);
    if (p == NULL) fail(UNUSABLE, "out of memory");
    return p;
}

/* --- text that came from a server, on a terminal --- */

static void style(const char *sgr)
{
    if (colour) printf("\033[%sm", sgr);
}

/* Bytes of the character at p if a terminal would act on it: C0, DEL, C1, line separators, and what turns the direction
   of the text (U+2028 to U+202E, U+2066 to U+2069). 0 = it is only shown. */
static size_t control_length(const unsigned char *p, size_t left)
{
    if (p[0] < 0x20 || p[0] == 0x7F) return 1;
    if (left >= 2 && p[0] == 0xC2 && p[1] < 0xA0) return 2;
    if (left < 3 || p[0] != 0xE2) return 0;
    if (p[1] == 0x80 && p[2] >= 0xA8 && p[2] <= 0xAE) return 3;
    return p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9 ? 3 : 0;
}

/* lines: a line break starts an indented line. */
static void put_plain(const char *text, size_t len, bool lines)
{
    const unsigned char *p = (const unsigned char *)text, *const end = p + len;
    while (p < end) {
        const size_t n = control_length(p, (size_t)(end - p));
        if (n == 0) putchar(*p);
        else if (*p == '\r' && p + 1 < end && p[1] == '\n') {}
        else if (*p == '\n' && lines) printf("\n%*s", p + 1 < end && p[1] != '\n' ? INDENT : 0, "");
        else fputs(*p == '\n' || *p == '\r' || *p == '\t' ? " " : "\xEF\xBF\xBD", stdout);
        p += n > 0 ? n : 1;
    }
}

/* At most so many bytes, 0 = all of them. */
static void put_str(misskey_jstr s, size_t most, bool lines)
{
    const size_t cap = most > 0 ? most + 1 : s.len + 1;     /* decoded text is never longer */
    char *const plain = allocate(NULL, cap);
    const bool cut = misskey_jstr_copy(s, plain, cap) >= cap;
    size_t len = cut ? strlen(plain) : misskey_jstr_copy(s, plain, cap);
    while (len > 0 && plain[len - 1] == '\n') len--;
    put_plain(plain, len, lines);
    if (cut) fputs("…", stdout);
    free(plain);
}

/* Nothing at all if there is no such text. */
static void put(const char *before, misskey_jstr s, const char *behind)
{
    if (s.ptr == NULL) return;
    fputs(before, stdout);
    put_str(s, 0, false);
    fputs(behind, stdout);
}

static void begin_line(void)
{
    style("2");
    printf("%8.1fs ", strtod(now.ptr, NULL) / 1000);
    style("0");
}

static void begin_part(void) { printf("\n%*s", INDENT, ""); }

static void end_line(void)
{
    style("0");
    putchar('\n');
}

/* --- parts of events --- */

static bool put_user(const char *before, misskey_json json)
{
    misskey_user user;
    if (!misskey_user_read(json, &user) || user.username.ptr == NULL) return false;
    fputs(before, stdout);
    style("1;36");
    put("@", user.username, "");
    put("@", user.host, "");
    style("0");
    return true;
}

/* Of custom emojis of the server itself only the name. */
static void put_reaction(misskey_jstr reaction)
{
    misskey_jstr name, host;
    if (misskey_reaction_split(reaction, &name, &host) && host.ptr == NULL) put(":", name, ":");
    else put_str(reaction, 0, false);
}

/* A note in few words; of a text behind a warning only the warning. */
static void put_excerpt(misskey_json json)
{
    misskey_note note;
    misskey_user user;
    misskey_note_read(json, &note);
    if (misskey_note_is_renote(&note) && note.has.renote == MISSKEY_PRESENT) misskey_note_read(note.renote, &note);
    misskey_user_read(note.user, &user);
    put("@", user.username, ": ");
    fputs(note.cw.ptr != NULL ? "[CW: " : note.text.len == 0 ? "(no text)" : "", stdout);
    put_str(note.cw.ptr != NULL ? note.cw : note.text, 63, false);
    if (note.cw.ptr != NULL) putchar(']');
}

static void put_related(misskey_json note, const char *relation)
{
    if (misskey_json_type(note) != MISSKEY_TYPE_OBJECT) return;
    begin_part();
    put_excerpt(note);
    fputs(relation, stdout);
}

static void put_file(misskey_json json)
{
    misskey_file file;
    if (!misskey_file_read(json, &file)) return;
    begin_part();
    put_str(file.name, 0, false);
    put(" (", file.type, ", ");
    printf("%lld bytes)", (long long)file.size);
}

/* The choice with this number (or id, as v10 has it), or all of them, with their votes. False: there is none. */
static bool put_choices(misskey_json json, int64_t number, bool all)
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
        if (all) begin_part();
        put_str(choice.text, 0, false);
        printf(": %lld votes", (long long)choice.votes);
        found = true;
    }
    return found;
}

/* --- events --- */

static void print_note(misskey_json json)
{
    misskey_note note;
    misskey_note_channel channel;
    misskey_iter files;
    misskey_note_read(json, &note);
    if (!put_user("", note.user)) { /* minimized: the rest is to be fetched over HTTP */
        put("note ", note.id, "");
        return;
    }
    if (!misskey_jstr_eq(note.visibility, "public")) put(" [", note.visibility, "]");
    if (misskey_note_channel_read(note.channel, &channel)) put(" [in ", channel.name, "]");
    if (misskey_note_is_renote(&note) && misskey_note_read(note.renote, &note)) put_user(" renoted ", note.user);
    if (note.reply_id.ptr != NULL) fputs(" replied", stdout);
    fputs(": ", stdout);
    style("33");
    put("[CW: ", note.cw, "] ");
    style("0");
    put_str(note.text, 0, true);
    style("35");
    files = misskey_json_iter(note.files);
    while (misskey_json_next(&files)) put_file(files.value);
    put_choices(note.poll, 0, true);
    style("0;2");
    put_related(note.reply, " (replied to)");
    put_related(note.renote, " (quoted)");
}

static void print_chat(misskey_json json)
{
    misskey_chat_message message;
    misskey_chat_message_read(json, &message);
    if (!put_user("chat ", message.from_user)) put("chat ", message.from_user_id, "");
    fputs(": ", stdout);
    put_str(message.text, 0, true);
    style("35");
    put_file(message.file);
}

static void print_notification(misskey_json json)
{
    misskey_notification n;
    misskey_role role;
    misskey_notification_read(json, &n);
    misskey_role_read(n.role, &role);
    style("33");
    put("* ", n.type, "");
    style("0");
    put_user(" ", n.user);
    fputs(n.reaction.ptr != NULL ? " " : "", stdout);
    put_reaction(n.reaction);
    put(" ", n.achievement, "");
    put(" ", n.exported_entity, "");
    put(" ", n.message, "");
    put(" ", role.name, "");
    put(" ", n.header, "");
    put(" ", n.body, "");
    style("2");
    put_related(n.note, "");
}

/* What was done to a note, and what it has come to. Nothing if it should change a note that is here (the types up to
   UPDATED do) and does not: it was known, or the note is deleted. */
static void print_note_update(const misskey_message *m)
{
    const misskey_note_update_type type = misskey_note_update_find(m->event);
    const bool whole = type == MISSKEY_NOTE_UPDATE_DELETED || type == MISSKEY_NOTE_UPDATE_UPDATED;
    const bool stale = timeline_update(&shown_notes, m) == 0;
    const misskey_json json = misskey_store_get(&store, m->id);
    misskey_note note;
    misskey_note_update update;
    misskey_iter it;
    misskey_jstr name;
    int64_t count;
    misskey_note_update_read(m->body, &update);
    if (misskey_note_read(json, &note) && stale && type <= MISSKEY_NOTE_UPDATE_UPDATED) return;
    begin_line();
    style("35");
    if (type != MISSKEY_NOTE_UPDATE_REACTED) put_str(m->event, 0, false);
    if (type != MISSKEY_NOTE_UPDATE_REACTED && update.reaction.ptr != NULL) putchar(' ');
    put_reaction(update.reaction);
    it = misskey_json_iter(note.reactions);
    while (misskey_reactions_next(&it, &name, &count)) {
        if (misskey_reaction_eq(name, update.reaction)) printf(" ×%lld", (long long)count);
    }
    if (update.has.choice == MISSKEY_PRESENT) putchar(' ');
    if (update.has.choice == MISSKEY_PRESENT && !put_choices(note.poll, update.choice, false))
        printf("no. %lld", (long long)update.choice + 1);
    style("0");
    fputs(whole ? " " : " on ", stdout);
    if (note.user.ptr != NULL) put_excerpt(json);
    else put("note ", m->id, "");
    end_line();
}

#define NAME(kind, type, form) type,
static const char *const type_names[] = { MISSKEY_KIND_LIST(NAME) };
#undef NAME

/* Everything else: what it is and the beginning of the body. */
static void print_other(const misskey_message *m)
{
    const misskey_jstr type = m->type.ptr != NULL ? m->type : misskey_jstr_text(type_names[m->kind]);
    const misskey_str body = { m->body.ptr, m->body.len }, shown = m->raw.ptr != NULL ? m->raw : body;
    size_t len = shown.len < 80 ? shown.len : 80;
    while (len > 0 && len < shown.len && ((unsigned char)shown.ptr[len] & 0xC0) == 0x80) len--;
    style("2");
    put_str(m->event.ptr != NULL ? m->event : type, 0, false);
    putchar(' ');
    if (m->kind != MISSKEY_KIND_CHANNEL) put_str(m->id, 0, false);
    if (put_user("", m->body)) return;
    put_plain(shown.ptr, len, false);
    if (len < shown.len) fputs("…", stdout);
}

/* Whatever has an id goes into the timeline, so that all of it is shown once: chat messages come on two channels as
   well, and notifications under two names. */
static void print_message(const misskey_message *m)
{
    static const struct { const char *event; void (*print)(misskey_json body); } printers[] = {
        { "note", print_note }, { "mention", print_note }, { "reply", print_note }, { "renote", print_note },
        { "edited", print_note }, { "message", print_chat }, { "newChatMessage", print_chat },
        { "notification", print_notification }, { "unreadNotification", print_notification }
    };
    const size_t num = sizeof printers / sizeof printers[0];
    const bool edited = misskey_jstr_eq(m->event, "edited");
    size_t i = m->kind == MISSKEY_KIND_CHANNEL && misskey_json_get(m->body, "id").ptr != NULL ? 0 : num;
    while (i < num && !misskey_jstr_eq(m->event, printers[i].event)) i++;
    if (i < num && timeline_note(&shown_notes, m->body) == TIMELINE_DUPLICATE && !edited) return;
    begin_line();
    if (edited) fputs("edited: ", stdout);
    if (i < num) printers[i].print(m->body);
    else print_other(m);
    end_line();
}

static void print_event(const misskey_event *e)
{
    if (e->type == MISSKEY_EVENT_MESSAGE) {
        if (e->message.kind == MISSKEY_KIND_NOTE_UPDATED) print_note_update(&e->message);
        else print_message(&e->message);
        return;
    }
    begin_line();
    style("2");
    if (e->type == MISSKEY_EVENT_OPEN) fputs("connected", stdout);
    else if (e->type == MISSKEY_EVENT_DROPPED) printf("%llu bytes left out", (unsigned long long)e->size);
    else {
        printf("closed (%u)", (unsigned)e->code);
        if (e->err != MISSKEY_ERR_OK) printf(" %s", misskey_err_text(e->err));
        if (e->text.len > 0) fputs(": ", stdout);
        put_plain(e->text.ptr, e->text.len, false);
    }
    end_line();
}

/* --- --json --- */

static void json_text(misskey_str text)
{
    const size_t cap = text.len * 6 + 2;    /* every byte as \u00XX */
    char *const buffer = allocate(NULL, cap);
    misskey_json literal;
    misskey_jw w;
    misskey_jw_init(&w, buffer, cap);
    misskey_jw_str(&w, text.ptr, text.len);
    (void)misskey_jw_done(&w, &literal);
    fwrite(literal.ptr, 1, literal.len, stdout);
    free(buffer);
}

static void print_json(const misskey_event *e)
{
    size_t i;
    printf("{\"t\":%.*s,\"event\":", (int)now.len, now.ptr);
    if (e->type == MISSKEY_EVENT_OPEN) fputs("\"open\"", stdout);
    else if (e->type == MISSKEY_EVENT_DROPPED) printf("\"dropped\",\"size\":%llu", (unsigned long long)e->size);
    else if (e->type == MISSKEY_EVENT_CLOSED) {
        printf("\"closed\",\"code\":%u,\"error\":\"%s\",\"reason\":", (unsigned)e->code, misskey_err_name(e->err));
        json_text(e->text);
    } else if (e->message.kind >= MISSKEY_KIND_TEXT_PING) {
        fputs("\"text\",\"text\":", stdout);
        json_text(e->text);
    } else {
        fputs("\"message\",\"message\":", stdout);
        for (i = 0; i < e->text.len; i++) { /* a line break in checked JSON is white space between tokens */
            putchar(e->text.ptr[i] == '\n' || e->text.ptr[i] == '\r' ? ' ' : e->text.ptr[i]);
        }
    }
    puts("}");
}

/* --- the recording --- */

struct bytes { char *at; size_t len; };     /* with a NUL behind */

/* name or name.gz in the working directory, which is dir */
static struct bytes read_file(const char *dir, const char *name)
{
    struct bytes all = { NULL, 0 };
    size_t cap = 0, n;
    char packed[32], command[64];
    FILE *file = fopen(name, "rb");
    const bool gzip = file == NULL && errno == ENOENT;
    snprintf(packed, sizeof packed, "%s.gz", name);
    snprintf(command, sizeof command, "gzip -dc %s 2>/dev/null", packed);
    if (gzip && access(packed, F_OK) != 0)
        fail(UNUSABLE, "%s has no %s (nor %s): give the folder of a recording", dir, name, packed);
    if (gzip) file = popen(command, "r");
    if (file == NULL) fail(UNUSABLE, "cannot read %s/%s: %s", dir, name, strerror(errno));
    do {
        if (cap - all.len < 2) all.at = allocate(all.at, cap = cap * 2 + 65536);
        all.len += n = fread(all.at + all.len, 1, cap - all.len - 1, file);
    } while (n > 0);
    if (ferror(file)) fail(UNUSABLE, "cannot read %s/%s: %s", dir, name, strerror(errno));
    if (!gzip) fclose(file);
    else if (pclose(file) != 0) fail(UNUSABLE, "cannot read %s/%s: gzip -dc failed on it", dir, packed);
    all.at[all.len] = '\0';
    return all;
}

/* Value of a header of the recorded request, "" if there is none. name with its colon. */
static void request_header(const char *line, const char *name, char *value, size_t cap)
{
    const size_t n = strlen(name);
    for (*value = '\0'; strcspn(line, "\r\n") > 0; line += strcspn(line, "\n"), line += *line == '\n') {
        if (strncasecmp(line, name, n) != 0) continue;
        line += n + strspn(line + n, " ");
        snprintf(value, cap, "%.*s", (int)strcspn(line, "\r\n"), line);
    }
}

/* The 16 bytes of a Sec-WebSocket-Key; zeros if it has another form. */
static void decode_key(const char *key, uint8_t nonce[16])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    size_t i, n = 0;
    for (i = 0; i < 22 && strspn(key, digits) == 22; i++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, key[i]) - digits);
        if (i % 4 != 0) nonce[n++] = (uint8_t)(bits >> (6 - i % 4 * 2));
    }
}

/* The recorded answer fits the recorded key only. Masks may be zero: nobody sees what is sent here. */
static bool entropy(void *nonce, void *dst, size_t len)
{
    if (len == 16) memcpy(dst, nonce, len);
    else memset(dst, 0, len);
    return true;
}

static void set_up(const char *request)
{
    static uint8_t rx[MISSKEY_RX_SIZE(1 << 20)], tx[MISSKEY_TX_SIZE(4096)], nonce[16];
    static uint64_t notes[MISSKEY_STORE_SIZE(2 * ROWS, NOTE_SIZE) / 8];    /* a renote needs two */
    static timeline_row rows[ROWS];
    static char key[32], protocols[256];
    static const misskey_header offer = { "Sec-WebSocket-Protocol", protocols };
    const misskey_store_desc desc = { .mem = { notes, sizeof notes }, .note_size = NOTE_SIZE };
    const timeline_desc line = { .rows = rows, .num_rows = ROWS, .store = &store };
    misskey_conn_desc wire = { .ws = { .host = "replay", .entropy = entropy, .user = nonce, .headers = &offer,
                                       .rx = { rx, sizeof rx }, .tx = { tx, sizeof tx } } };
    misskey_err err;
    request_header(request, "Sec-WebSocket-Key:", key, sizeof key);
    request_header(request, "Sec-WebSocket-Protocol:", protocols, sizeof protocols);
    decode_key(key, nonce);
    wire.ws.num_headers = *protocols != '\0';
    (void)misskey_store_init(&store, &desc);
    (void)timeline_init(&shown_notes, &line);
    err = misskey_conn_init(&conn, &wire);
    if (err != MISSKEY_ERR_OK) fail(BROKEN, "the request in client.bin cannot be repeated: %s", misskey_err_text(err));
    misskey_conn_transport_up(&conn);
}

/* Takes all events, and throws away what is to be sent. */
static void handle_events(void)
{
    misskey_event e;
    size_t len;
    while (misskey_conn_poll(&conn, &e)) {
        if (as_json) print_json(&e);
        else print_event(&e);
        if (e.type == MISSKEY_EVENT_CLOSED) {
            closed = true;
            why = e.err;
        }
    }
    while (misskey_conn_send_buf(&conn, &len) != NULL) misskey_conn_send_ack(&conn, len);
}

/* The clock stands still (no tick): a recording cannot answer pings. */
static void feed(const char *data, size_t len)
{
    while (len > 0 && !closed) {
        const size_t n = misskey_conn_feed(&conn, data, len);
        data += n;
        len -= n;
        handle_events();
    }
}

/* Not at all where the recording goes back in time. */
static void wait_ms(double ms)
{
    fflush(stdout);
    if (ms > 0) (void)poll(NULL, 0, ms < 1e9 ? (int)ms : 1000000000);
}

/* speed 0 = no waiting */
static void play(struct bytes wire, const char *line, double speed)
{
    double last = 0;
    int64_t fed = 0, off = 0, len = 0;
    misskey_json chunk;
    for (; !closed && *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        if (misskey_json_check(line, strcspn(line, "\n"), &chunk, NULL) != MISSKEY_ERR_OK ||
            misskey_json_type(now = misskey_json_get(chunk, "t")) != MISSKEY_TYPE_NUMBER ||
            !misskey_json_i64(misskey_json_get(chunk, "off"), &off) ||
            !misskey_json_i64(misskey_json_get(chunk, "len"), &len)) {
            fail(BROKEN, "a line of chunks.jsonl does not have t, dir, off and len");
        }
        if (!misskey_jstr_eq(misskey_json_str(misskey_json_get(chunk, "dir")), "recv")) continue;
        if (off != fed || len < 0 || len > (int64_t)wire.len - fed)
            fail(BROKEN, "chunks.jsonl does not fit server.bin from byte %lld on", (long long)fed);
        if (speed > 0) wait_ms((strtod(now.ptr, NULL) - last) / speed);
        last = strtod(now.ptr, NULL);
        feed(wire.at + off, (size_t)len);
        fed += len;
    }
    if (!closed && fed != (int64_t)wire.len)
        fail(BROKEN, "chunks.jsonl ends before server.bin, at byte %lld", (long long)fed);
    misskey_conn_transport_down(&conn);
    handle_events();
}

static void replay(const char *dir, double speed)
{
    static struct bytes wire, request, chunks;
    if (chdir(dir) != 0) fail(UNUSABLE, "cannot open the folder %s: %s", dir, strerror(errno));
    wire = read_file(dir, "server.bin");
    request = read_file(dir, "client.bin");
    chunks = read_file(dir, "chunks.jsonl");
    set_up(request.at);
    play(wire, chunks.at, speed);
    if (why == MISSKEY_ERR_WS_ACCEPT) fail(BROKEN, "server.bin does not answer the Sec-WebSocket-Key of client.bin");
    if (why != MISSKEY_ERR_OK && why != MISSKEY_ERR_HTTP_STATUS && why != MISSKEY_ERR_TRANSPORT)
        fail(BROKEN, "the stream is broken: %s", misskey_err_text(why));
}

int main(int argc, char **argv)
{
    const char *dir = NULL;
    double speed = 0;
    char *end;
    int i;
    for (i = 1; i < argc; i++) {
        const char *const value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--help") == 0) return fputs(help, stdout) < 0 ? UNUSABLE : 0;
        if (strcmp(argv[i], "--json") == 0) {
            as_json = true;
        } else if (strcmp(argv[i], "--replay") == 0 && *value != '\0') {
            dir = argv[++i];
        } else if (strcmp(argv[i], "--speed") == 0) {
            speed = strtod(value, &end);
            if (*end != '\0' || !(speed > 0 && speed < 1e9)) fail(UNUSABLE, "--speed needs a number above 0");
            i++;
        } else {
            fail(UNUSABLE, "%s %s; --help lists the options",
                 strcmp(argv[i], "--replay") == 0 ? "no folder after" : "unknown option", argv[i]);
        }
    }
    if (dir == NULL) fail(UNUSABLE, "nothing to do: give --replay DIR; --help lists the options");
    colour = !as_json && isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
    replay(dir, speed);
    if (fflush(stdout) != 0 || ferror(stdout)) fail(UNUSABLE, "cannot write: %s", strerror(errno));
    return 0;
}
