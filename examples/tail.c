/* misskey-tail - prints the stream of a Misskey server as a person reads a timeline
   What to copy: set_up(), feed() and handle_events() are a whole client without its socket. What stands above them
   takes members out of JSON and prints them. POSIX: popen (for recordings packed by gzip), poll, isatty.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#define _POSIX_C_SOURCE 200809L
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../misskey_stream.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

static const char help[] =
    "usage: misskey-tail --replay DIR [--speed N] [--json]\n"
    "Prints the stream of a Misskey server as a timeline. A note that comes on several channels is shown once.\n"
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
enum { INDENT = 10, EXCERPT = 128 };    /* columns before a continuation line; bytes of a note in few words */

static bool colour, as_json;
static misskey_json now = { "0", 1 };   /* "t" of what is played */
static misskey_conn conn;
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

static void put_str(misskey_jstr s, bool lines)
{
    char *const plain = allocate(NULL, s.len + 1);  /* decoded text is never longer */
    size_t len = misskey_jstr_copy(s, plain, s.len + 1);
    while (len > 0 && plain[len - 1] == '\n') len--;
    put_plain(plain, len, lines);
    free(plain);
}

/* --- values --- */

static misskey_jstr str(misskey_json object, const char *name)
{
    return misskey_json_str(misskey_json_get(object, name));
}

static bool has(misskey_json object, const char *name)
{
    const misskey_json value = misskey_json_get(object, name);
    misskey_iter it = misskey_json_iter(value);
    return misskey_json_type(value) == MISSKEY_TYPE_STRING || misskey_json_next(&it);
}

/* A renote with nothing of its own. */
static bool is_pure_renote(misskey_json note)
{
    return has(note, "renote") && !has(note, "text") && !has(note, "cw") && !has(note, "replyId") &&
           !has(note, "files") && !has(note, "poll");
}

/* A note in few words; of a text behind a warning only the warning. */
static void excerpt(misskey_json note, char dst[EXCERPT])
{
    char user[40], words[64];
    const misskey_json about = is_pure_renote(note) ? misskey_json_get(note, "renote") : note;
    const bool cw = has(about, "cw");
    const bool cut = misskey_jstr_copy(str(about, cw ? "cw" : "text"), words, sizeof words) >= sizeof words;
    (void)misskey_jstr_copy(str(misskey_json_get(about, "user"), "username"), user, sizeof user);
    snprintf(dst, EXCERPT, cw ? "@%s: [CW: %s%s]" : "@%s: %s%s", user, *words != '\0' || cw ? words : "(no text)",
             cut ? "…" : "");
}

/* A user as @name@host, a note in few words, other objects by their name. */
static void put_object(misskey_json object)
{
    char words[EXCERPT];
    if (has(object, "username")) {
        style("1;36");
        putchar('@');
        put_str(str(object, "username"), false);
        if (has(object, "host")) putchar('@');
        put_str(str(object, "host"), false);
        style("0");
    } else if (has(object, "user")) {
        excerpt(object, words);
        put_plain(words, strlen(words), false);
    } else {
        put_str(str(object, "name"), false);
    }
}

static void put_value(misskey_json value)
{
    const misskey_type type = misskey_json_type(value);
    misskey_jstr s = misskey_json_str(value);
    if (type == MISSKEY_TYPE_OBJECT) put_object(value);
    else if (type != MISSKEY_TYPE_STRING) put_plain(value.ptr, value.len, false);
    else if (s.len > 4 && memcmp(s.ptr + s.len - 3, "@.:", 3) == 0) {   /* an emoji of the server itself */
        s.len -= 3;
        put_str(s, false);
        putchar(':');
    } else {
        put_str(s, false);
    }
}

/* Prints text in which {name} stands for a member of the object, and nothing where that is missing or null. A space or
   a line break before the name is printed if the member is. */
static void put(misskey_json object, const char *text)
{
    char name[32];
    for (;;) {
        const size_t plain = strcspn(text, "{"), len = strcspn(text + plain, "}");
        misskey_json value;
        fwrite(text, 1, plain, stdout);
        text += plain;
        if (*text == '\0') return;
        snprintf(name, sizeof name, "%.*s", (int)len - 1, text + 1);
        text += len + 1;
        value = misskey_json_get(object, name + strspn(name, " \n"));
        if (misskey_json_type(value) <= MISSKEY_TYPE_NULL) continue;
        if (*name == ' ') putchar(' ');
        if (*name == '\n') printf("\n%*s", INDENT, "");
        put_value(value);
    }
}

static void begin_line(void)
{
    style("2");
    printf("%8.1fs ", strtod(now.ptr, NULL) / 1000);
    style("0");
}

static void end_line(void)
{
    style("0");
    putchar('\n');
}

/* --- what was shown a short while ago --- */

static struct shown { char id[40], words[EXCERPT]; } recent[512];
static size_t num_shown;

static const struct shown *find_shown(misskey_jstr id)
{
    size_t i;
    for (i = 0; i < sizeof recent / sizeof recent[0]; i++) {
        if (*recent[i].id != '\0' && misskey_jstr_eq(id, recent[i].id)) return &recent[i];
    }
    return NULL;
}

/* False: it was shown already. */
static bool remember(misskey_json note)
{
    struct shown *const s = &recent[num_shown % (sizeof recent / sizeof recent[0])];
    if (find_shown(str(note, "id")) != NULL) return false;
    (void)misskey_jstr_copy(str(note, "id"), s->id, sizeof s->id);
    excerpt(note, s->words);
    num_shown++;
    return true;
}

/* --- events --- */

/* What a note and a chat message have in common. */
static void print_content(misskey_json note)
{
    misskey_iter files = misskey_json_iter(misskey_json_get(note, "files"));
    misskey_iter choices = misskey_json_iter(misskey_json_get(misskey_json_get(note, "poll"), "choices"));
    fputs(": ", stdout);
    style("33");
    if (misskey_json_type(misskey_json_get(note, "cw")) == MISSKEY_TYPE_STRING) put(note, "[CW: {cw}] ");
    style("0");
    put_str(str(note, "text"), true);
    style("35");
    while (misskey_json_next(&files)) put(files.value, "{\nname} ({type}, {size} bytes)");
    if (has(note, "file")) put(misskey_json_get(note, "file"), "{\nname} ({type}, {size} bytes)");
    while (misskey_json_next(&choices)) put(choices.value, "{\ntext}: {votes} votes");
    style("0");
}

static void print_note(misskey_json note)
{
    const misskey_json shown = is_pure_renote(note) ? misskey_json_get(note, "renote") : note;
    const misskey_json user = misskey_json_get(note, "user");
    put(note, has(user, "username") ? "{user}" : "note {id}");
    if (!has(user, "username")) return; /* minimized: the rest is to be fetched over HTTP */
    if (!misskey_jstr_eq(str(note, "visibility"), "public")) put(note, " [{visibility}]");
    if (has(note, "channel")) put(note, " [in {channel}]");
    if (shown.ptr != note.ptr) put(shown, " renoted {user}");
    if (has(shown, "replyId")) put(shown, " replied");
    print_content(shown);
    style("2");
    if (has(shown, "reply")) put(shown, "{\nreply} (replied to)");
    if (has(shown, "renote")) put(shown, "{\nrenote} (quoted)");
}

static void print_chat(misskey_json message)
{
    put(message, has(message, "fromUser") ? "chat {fromUser}" : "chat {fromUserId}");
    print_content(message);
}

static void print_notification(misskey_json body)
{
    style("33");
    put(body, "* {type}");
    style("0");
    put(body, "{ user}{ reaction}{ achievement}{ exportedEntity}{ message}{ role}{ header}{ body}");
    style("2");
    put(body, "{\nnote}");
}

static void print_note_update(const misskey_message *m)
{
    const struct shown *const note = find_shown(m->id);
    int64_t choice;
    style("35");
    if (misskey_jstr_eq(m->event, "reacted")) put(m->body, "{reaction}");
    else put_str(m->event, false);
    if (misskey_jstr_eq(m->event, "unreacted")) put(m->body, " {reaction}");
    if (misskey_json_i64(misskey_json_get(m->body, "choice"), &choice)) printf(" no. %lld", (long long)choice + 1);
    style("0");
    fputs(note != NULL ? " on " : " on note ", stdout);
    if (note != NULL) put_plain(note->words, strlen(note->words), false);
    else put_str(m->id, false);
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
    put_str(m->event.ptr != NULL ? m->event : type, false);
    putchar(' ');
    if (m->kind != MISSKEY_KIND_CHANNEL) put_str(m->id, false);
    if (has(m->body, "username")) put_object(m->body);
    else put_plain(shown.ptr, len, false);
    if (len < shown.len && !has(m->body, "username")) fputs("…", stdout);
}

static void print_message(const misskey_message *m)
{
    static const struct { const char *event; void (*print)(misskey_json body); } printers[] = {
        { "note", print_note }, { "mention", print_note }, { "reply", print_note }, { "renote", print_note },
        { "edited", print_note }, { "message", print_chat }, { "newChatMessage", print_chat },
        { "notification", print_notification }, { "unreadNotification", print_notification }
    };
    const size_t num = sizeof printers / sizeof printers[0];
    const bool edited = misskey_jstr_eq(m->event, "edited");
    size_t i = m->kind == MISSKEY_KIND_CHANNEL && has(m->body, "id") ? 0 : num;
    while (i < num && !misskey_jstr_eq(m->event, printers[i].event)) i++;
    if (i < num && !remember(m->body) && !edited) return;
    begin_line();
    if (edited) fputs("edited: ", stdout);
    if (i < num) printers[i].print(m->body);
    else if (m->kind == MISSKEY_KIND_NOTE_UPDATED) print_note_update(m);
    else print_other(m);
    end_line();
}

static void print_event(const misskey_event *e)
{
    if (e->type == MISSKEY_EVENT_MESSAGE) {
        print_message(&e->message);
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
    static char key[32], protocols[256];
    static const misskey_header offer = { "Sec-WebSocket-Protocol", protocols };
    misskey_conn_desc desc = { 0 };
    misskey_err err;
    request_header(request, "Sec-WebSocket-Key:", key, sizeof key);
    request_header(request, "Sec-WebSocket-Protocol:", protocols, sizeof protocols);
    decode_key(key, nonce);
    desc.ws.host = "replay";
    desc.ws.entropy = entropy;
    desc.ws.user = nonce;
    desc.ws.headers = &offer;
    desc.ws.num_headers = *protocols != '\0';
    desc.ws.rx.ptr = rx;
    desc.ws.rx.size = sizeof rx;
    desc.ws.tx.ptr = tx;
    desc.ws.tx.size = sizeof tx;
    err = misskey_conn_init(&conn, &desc);
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
        if (!misskey_jstr_eq(str(chunk, "dir"), "recv")) continue;
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
