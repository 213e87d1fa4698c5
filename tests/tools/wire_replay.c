/* wire_replay - feeds the recording of one connection to the library and prints every event as one line of JSON
   usage: wire_replay [--role client|server] [--split whole|one|recorded|random:SEED] [--rx BYTES]
                      [--framing websocket|message] [--typed] DIR
   Role client replays server.bin, role server client.bin. --framing message feeds the texts of messages.jsonl instead.
   --typed: what the library reads from a note, a note update or a notification follows as a line of its own.
   Exit status: 0 replayed, whatever the peer did; 1 the files of DIR disagree with each other; 2 usage or unreadable.
   POSIX: popen and gzip, for files that end in .gz. */
#define _POSIX_C_SOURCE 200809L
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../../misskey_stream.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { DISAGREE = 1, USAGE = 2 };
enum split { WHOLE, ONE, RECORDED, RANDOM };
enum { TO_CLIENT, TO_SERVER, DIRECTIONS };      /* "recv" and "send" in the .jsonl files */

struct options {
    const char *dir;
    bool server, message_framing, typed;
    enum split split;
    uint32_t seed;
    size_t rx_size;             /* 0 = large enough for everything */
};

struct bytes { char *at; size_t len; };
struct chunk { int direction; size_t off, len; };

struct folder {
    struct bytes wire[DIRECTIONS];
    struct bytes messages;      /* messages.jsonl */
    struct chunk *chunks;
    size_t num_chunks;
};

static void fail(int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fflush(stdout);
    fputs("wire_replay: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(status);
}

static void *allocate(void *old, size_t size)
{
    void *p = realloc(old, size > 0 ? size : 1);
    if (p == NULL) fail(USAGE, "out of memory");
    return p;
}

/* --- the folder --- */

/* gzip -dc <'path'; what gzip has to say is left to its exit status. */
static FILE *open_gzip(const char *path)
{
    char *command = allocate(NULL, strlen(path) * 4 + 32), *p = command;
    FILE *file;
    p += sprintf(p, "gzip -dc <'");
    for (; *path != '\0'; path++) p += sprintf(p, *path == '\'' ? "'\\''" : "%c", *path);
    strcpy(p, "' 2>/dev/null");
    file = popen(command, "r");
    free(command);
    return file;
}

/* DIR/name or DIR/name.gz */
static struct bytes read_file(const char *dir, const char *name)
{
    struct bytes all = { NULL, 0 };
    size_t cap = 0, n;
    char *path = allocate(NULL, strlen(dir) + strlen(name) + 8);
    bool gzip = false;
    FILE *file;
    sprintf(path, "%s/%s", dir, name);
    file = fopen(path, "rb");
    if (file == NULL && errno == ENOENT) {
        strcat(path, ".gz");
        file = fopen(path, "rb");
        gzip = file != NULL;
        if (gzip) fclose(file);
        else path[strlen(path) - 3] = '\0';
        if (gzip) file = open_gzip(path);
    }
    if (file == NULL) fail(USAGE, "cannot read %s: %s", path, strerror(errno));
    do {
        if (all.len == cap) all.at = allocate(all.at, cap = cap * 2 + 65536);
        all.len += n = fread(all.at + all.len, 1, cap - all.len, file);
    } while (n > 0);
    if (ferror(file)) fail(USAGE, "cannot read %s: %s", path, strerror(errno));
    if (!gzip) fclose(file);
    else if (pclose(file) != 0) fail(USAGE, "cannot read %s: gzip -dc failed", path);
    free(path);
    return all;
}

/* The next line of a .jsonl file as an object with a direction; false at the end. */
static bool next_line(const char *name, struct bytes file, size_t *at, misskey_json *object, int *direction)
{
    const char *const line = file.at + *at, *end;
    misskey_jstr dir;
    if (*at == file.len) return false;
    end = memchr(line, '\n', file.len - *at);
    if (end == NULL) end = file.at + file.len;
    *at = (size_t)(end - file.at) + (end < file.at + file.len);
    if (misskey_json_check(line, (size_t)(end - line), object, NULL) != MISSKEY_ERR_OK ||
        misskey_json_type(*object) != MISSKEY_TYPE_OBJECT) {
        fail(DISAGREE, "%s: the line before byte %lu is no JSON object", name, (unsigned long)*at);
    }
    dir = misskey_json_str(misskey_json_get(*object, "dir"));
    *direction = misskey_jstr_eq(dir, "send") ? TO_SERVER : TO_CLIENT;
    if (*direction == TO_CLIENT && !misskey_jstr_eq(dir, "recv"))
        fail(DISAGREE, "%s: the line before byte %lu has no direction", name, (unsigned long)*at);
    return true;
}

static void read_chunks(struct folder *f, struct bytes file)
{
    size_t covered[DIRECTIONS] = { 0, 0 }, at = 0;
    misskey_json object;
    struct chunk c;
    int64_t off, len;
    while (next_line("chunks.jsonl", file, &at, &object, &c.direction)) {
        if (!misskey_json_i64(misskey_json_get(object, "off"), &off) || off != (int64_t)covered[c.direction] ||
            !misskey_json_i64(misskey_json_get(object, "len"), &len) || len < 0 ||
            len > (int64_t)(f->wire[c.direction].len - covered[c.direction])) {
            fail(DISAGREE, "chunks.jsonl: the line before byte %lu does not go on where %s.bin is", (unsigned long)at,
                 c.direction == TO_SERVER ? "client" : "server");
        }
        c.off = (size_t)off;
        c.len = (size_t)len;
        covered[c.direction] += c.len;
        f->chunks = allocate(f->chunks, (f->num_chunks + 1) * sizeof c);
        f->chunks[f->num_chunks++] = c;
    }
    if (covered[TO_SERVER] != f->wire[TO_SERVER].len) fail(DISAGREE, "chunks.jsonl does not cover client.bin");
    if (covered[TO_CLIENT] != f->wire[TO_CLIENT].len) fail(DISAGREE, "chunks.jsonl does not cover server.bin");
}

static void read_folder(struct folder *f, const char *dir)
{
    misskey_json object;
    size_t at = 0;
    int direction;
    struct bytes chunks;
    f->wire[TO_CLIENT] = read_file(dir, "server.bin");
    f->wire[TO_SERVER] = read_file(dir, "client.bin");
    f->messages = read_file(dir, "messages.jsonl");
    chunks = read_file(dir, "chunks.jsonl");
    read_chunks(f, chunks);
    free(chunks.at);
    while (next_line("messages.jsonl", f->messages, &at, &object, &direction)) {
        if (misskey_json_type(misskey_json_get(object, "data")) != MISSKEY_TYPE_STRING)
            fail(DISAGREE, "messages.jsonl: the line before byte %lu has no data", (unsigned long)at);
    }
}

/* --- the typed lines --- */

static void write_string(misskey_jw *w, const char *name, misskey_jstr s)
{
    char *plain;
    size_t len;
    if (s.ptr == NULL) return;
    plain = allocate(NULL, s.len + 1);
    len = misskey_jstr_copy(s, plain, s.len + 1);
    misskey_jw_key(w, name);
    misskey_jw_str(w, plain, len);
    free(plain);
}

static void write_user(misskey_jw *w, misskey_json object)
{
    misskey_user user;
    if (!misskey_user_read(object, &user)) return;
    misskey_jw_key(w, "user");
    misskey_jw_open(w, '{');
    write_string(w, "id", user.id);
    write_string(w, "username", user.username);
    write_string(w, "host", user.host);
    write_string(w, "name", user.name);
    misskey_jw_close(w);
}

/* misskey_jw_key takes names up to a NUL, so the object is put together from strings that the writer made. What is
   written of a member is at most four times as long as the member. */
static void write_reactions(misskey_jw *w, misskey_json map)
{
    const size_t cap = map.len * 4 + 32;
    char *const text = allocate(NULL, cap), *const plain = allocate(NULL, map.len), *end = text;
    misskey_iter it = misskey_json_iter(map);
    misskey_jstr reaction;
    misskey_json name, whole;
    misskey_jw part;
    int64_t count;
    *end++ = '{';
    while (misskey_reactions_next(&it, &reaction, &count)) {
        if (end > text + 1) *end++ = ',';
        misskey_jw_init(&part, end, cap - (size_t)(end - text));
        misskey_jw_str(&part, plain, misskey_jstr_copy(reaction, plain, map.len));
        (void)misskey_jw_done(&part, &name);
        end += name.len;
        end += sprintf(end, ":%lld", (long long)count);
    }
    *end++ = '}';
    whole.ptr = text;
    whole.len = (size_t)(end - text);
    misskey_jw_key(w, "reactions");
    misskey_jw_json(w, whole);
    free(plain);
    free(text);
}

static void write_files(misskey_jw *w, misskey_json array)
{
    misskey_iter it = misskey_json_iter(array);
    misskey_file file;
    if (misskey_json_type(array) != MISSKEY_TYPE_ARRAY) return;
    misskey_jw_key(w, "files");
    misskey_jw_open(w, '[');
    while (misskey_json_next(&it)) {
        if (!misskey_file_read(it.value, &file)) continue;
        misskey_jw_open(w, '{');
        write_string(w, "id", file.id);
        write_string(w, "type", file.type);
        write_string(w, "url", file.url);
        misskey_jw_close(w);
    }
    misskey_jw_close(w);
}

static void write_poll(misskey_jw *w, misskey_json object)
{
    misskey_poll poll;
    misskey_poll_choice choice;
    misskey_iter it;
    if (!misskey_poll_read(object, &poll) || misskey_json_type(poll.choices) != MISSKEY_TYPE_ARRAY) return;
    misskey_jw_key(w, "poll");
    misskey_jw_open(w, '[');
    for (it = misskey_json_iter(poll.choices); misskey_json_next(&it);) {
        if (!misskey_poll_choice_read(it.value, &choice)) continue;
        misskey_jw_open(w, '{');
        write_string(w, "text", choice.text);
        if (choice.has.votes == MISSKEY_PRESENT) {
            misskey_jw_key(w, "votes");
            misskey_jw_i64(w, choice.votes);
        }
        misskey_jw_close(w);
    }
    misskey_jw_close(w);
}

static void write_note(misskey_jw *w, misskey_json body)
{
    misskey_note note;
    (void)misskey_note_read(body, &note);
    write_string(w, "id", note.id);
    write_string(w, "createdAt", note.created_at);
    write_string(w, "text", note.text);
    write_string(w, "cw", note.cw);
    write_string(w, "visibility", note.visibility);
    if (note.has.local_only == MISSKEY_PRESENT) {
        misskey_jw_key(w, "localOnly");
        misskey_jw_bool(w, note.local_only);
    }
    write_string(w, "userId", note.user_id);
    write_string(w, "replyId", note.reply_id);
    write_string(w, "renoteId", note.renote_id);
    write_string(w, "channelId", note.channel_id);
    write_user(w, note.user);
    if (misskey_json_type(note.reactions) == MISSKEY_TYPE_OBJECT) write_reactions(w, note.reactions);
    write_files(w, note.files);
    write_poll(w, note.poll);
}

static void write_note_update(misskey_jw *w, const misskey_message *m, misskey_json body)
{
    misskey_note_update update;
    (void)misskey_note_update_read(body, &update);
    if (!m->id_number) write_string(w, "id", m->id);
    write_string(w, "type", m->event);
    write_string(w, "reaction", update.reaction);
    write_string(w, "userId", update.user_id);
    if (update.has.choice == MISSKEY_PRESENT) {
        misskey_jw_key(w, "choice");
        misskey_jw_i64(w, update.choice);
    }
    write_string(w, "deletedAt", update.deleted_at);
}

static void write_notification(misskey_jw *w, misskey_json body)
{
    misskey_notification notification;
    misskey_note note;
    (void)misskey_notification_read(body, &notification);
    write_string(w, "id", notification.id);
    write_string(w, "createdAt", notification.created_at);
    write_string(w, "type", notification.type);
    write_string(w, "userId", notification.user_id);
    write_string(w, "reaction", notification.reaction);
    write_user(w, notification.user);
    if (misskey_note_read(notification.note, &note)) write_string(w, "noteId", note.id);
}

/* What a message is read as. */
enum typed { NOTHING, NOTE, NOTE_UPDATE, NOTIFICATION };

static enum typed type_of(const misskey_message *m, misskey_json body)
{
    if (m->kind == MISSKEY_KIND_NOTE_UPDATED) return NOTE_UPDATE;
    if (m->kind != MISSKEY_KIND_CHANNEL || misskey_json_type(body) != MISSKEY_TYPE_OBJECT) return NOTHING;
    switch (misskey_channel_event_find(m->event)) {
    case MISSKEY_CHANNEL_EVENT_NOTE:
    case MISSKEY_CHANNEL_EVENT_MENTION:
    case MISSKEY_CHANNEL_EVENT_REPLY:
    case MISSKEY_CHANNEL_EVENT_RENOTE:
    case MISSKEY_CHANNEL_EVENT_EDITED: return NOTE;
    case MISSKEY_CHANNEL_EVENT_NOTIFICATION:
    case MISSKEY_CHANNEL_EVENT_UNREAD_NOTIFICATION: return NOTIFICATION;
    default: return NOTHING;
    }
}

static void write_typed(misskey_jw *w, enum typed type, const misskey_message *m, misskey_json body)
{
    static const char *const kinds[] = { "", "note", "noteUpdate", "notification" };
    misskey_jw_open(w, '{');
    write_string(w, "event", misskey_jstr_text("typed"));
    write_string(w, "kind", misskey_jstr_text(kinds[type]));
    if (type == NOTE) write_note(w, body);
    else if (type == NOTE_UPDATE) write_note_update(w, m, body);
    else write_notification(w, body);
    misskey_jw_close(w);
}

static void print_typed(const misskey_message *m, misskey_json body)
{
    const enum typed type = type_of(m, body);
    size_t cap = 4096;
    char *buffer = NULL;
    misskey_json line;
    misskey_jw w;
    misskey_err err;
    if (type == NOTHING) return;
    do {
        buffer = allocate(buffer, cap);
        misskey_jw_init(&w, buffer, cap);
        write_typed(&w, type, m, body);
        err = misskey_jw_done(&w, &line);
        cap = w.len;
    } while (err == MISSKEY_ERR_TOO_SMALL);
    if (err != MISSKEY_ERR_OK) fail(DISAGREE, "the library cannot write what it read: %s", misskey_err_text(err));
    printf("%.*s\n", (int)line.len, line.ptr);
    free(buffer);
}

/* --- the lines --- */

/* LF and CR can only be white space between tokens here. */
static void print_json(const char *p, size_t len)
{
    for (; len > 0; p++, len--) putchar(*p == '\n' || *p == '\r' ? ' ' : *p);
}

static void print_member(const char *name, const char *p, size_t len)
{
    printf(",\"%s\":", name);
    if (p == NULL) fputs("null", stdout);
    else print_json(p, len);
}

/* A string as its literal on the wire; everything else as null. */
static void print_literal(const char *name, misskey_jstr s)
{
    print_member(name, s.ptr == NULL ? NULL : s.ptr - 1, s.len + 2);
}

static void print_text(misskey_str text)
{
    const size_t cap = text.len * 6 + 2;
    char *const buffer = allocate(NULL, cap);
    misskey_json literal;
    misskey_jw w;
    misskey_jw_init(&w, buffer, cap);
    misskey_jw_str(&w, text.ptr, text.len);
    if (misskey_jw_done(&w, &literal) != MISSKEY_ERR_OK) fail(DISAGREE, "the library cannot write what it received");
    printf("{\"event\":\"text\",\"data\":%.*s}\n", (int)literal.len, literal.ptr);
    free(buffer);
}

static void print_dropped(uint64_t size)
{
    printf("{\"event\":\"dropped\",\"size\":%llu}\n", (unsigned long long)size);
}

static bool is_white(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* What the event does not keep as it was on the wire is looked up in its text. The library has checked that text;
   misskey_json_check would refuse the messages that are deeper than MISSKEY_MAX_DEPTH. */
static void print_message(const misskey_message *m, misskey_str text, bool typed)
{
    const bool event = m->kind == MISSKEY_KIND_CHANNEL || m->kind == MISSKEY_KIND_NOTE_UPDATED;
    const misskey_jstr none = { NULL, 0 };
    misskey_json root, body;
    if (m->kind >= MISSKEY_KIND_TEXT_PING) {
        print_text(text);
        return;
    }
    for (; is_white(*text.ptr); text.ptr++) text.len--;
    while (is_white(text.ptr[text.len - 1])) text.len--;
    root.ptr = text.ptr;
    root.len = text.len;
    body = misskey_json_get(root, "body");
    fputs("{\"event\":\"message\"", stdout);
    print_literal("type", misskey_json_str(misskey_json_get(root, "type")));
    if (event) {
        print_literal("id", m->id_number ? none : m->id);
        print_literal("inner", m->event);
        body = m->body;
        if (m->deep) {
            body.ptr = m->raw.ptr;
            body.len = m->raw.len;
        }
    } else {
        print_literal("id", misskey_json_str(misskey_json_get(body, "id")));
        print_literal("inner", none);
    }
    print_member("body", body.ptr, body.len);
    fputs("}\n", stdout);
    if (typed) print_typed(m, body);
}

static void print_closed(uint16_t code, misskey_err err)
{
    printf("{\"event\":\"closed\",\"code\":%u,\"error\":\"%s\"}\n", (unsigned)code, misskey_err_name(err));
}

/* --- the replay --- */

struct replay {
    misskey_conn client;
    misskey_ws server;
    bool is_server, typed, closed;
    misskey_err end;
};

static bool poll_client(struct replay *r)
{
    misskey_event e;
    if (!misskey_conn_poll(&r->client, &e)) return false;
    if (r->closed) fail(DISAGREE, "the library reports an event after the end of the connection");
    switch (e.type) {
    case MISSKEY_EVENT_OPEN:    puts("{\"event\":\"open\"}"); break;
    case MISSKEY_EVENT_MESSAGE: print_message(&e.message, e.text, r->typed); break;
    case MISSKEY_EVENT_DROPPED: print_dropped(e.size); break;
    case MISSKEY_EVENT_CLOSED:
        print_closed(e.code, e.err);
        r->closed = true;
        r->end = e.err;
        break;
    default: break;
    }
    return true;
}

/* Servers take a binary message as text; one that is not UTF-8 cannot be printed as text. */
static void server_message(const struct replay *r, const misskey_ws_event *e)
{
    misskey_message m;
    if (misskey_message_parse(e->text.ptr, e->text.len, &m) == MISSKEY_ERR_OK) print_message(&m, e->text, r->typed);
    else print_dropped(e->text.len);
}

static bool poll_server(struct replay *r)
{
    misskey_ws_event e;
    if (!misskey_ws_poll(&r->server, &e)) return false;
    if (r->closed) fail(DISAGREE, "the library reports an event after the end of the connection");
    switch (e.type) {
    case MISSKEY_WS_EVENT_UPGRADE: misskey_ws_accept(&r->server, NULL); break;
    case MISSKEY_WS_EVENT_OPEN:    puts("{\"event\":\"open\"}"); break;
    case MISSKEY_WS_EVENT_MESSAGE: server_message(r, &e); break;
    case MISSKEY_WS_EVENT_DROPPED: print_dropped(e.size); break;
    case MISSKEY_WS_EVENT_CLOSED:
        print_closed(e.code, e.err);
        r->closed = true;
        r->end = e.err;
        break;
    default: break;
    }
    return true;
}

/* Takes what the library wants to send; false if there was nothing. */
static bool throw_away_output(struct replay *r)
{
    bool any = false;
    size_t len;
    while ((r->is_server ? misskey_ws_send_buf(&r->server, &len) : misskey_conn_send_buf(&r->client, &len)) != NULL) {
        if (r->is_server) misskey_ws_send_ack(&r->server, len);
        else misskey_conn_send_ack(&r->client, len);
        any = true;
    }
    return any;
}

static void drain(struct replay *r)
{
    do while (r->is_server ? poll_server(r) : poll_client(r)) {}
    while (throw_away_output(r));
}

static void feed(struct replay *r, const char *data, size_t len)
{
    while (len > 0 && !r->closed) {
        const size_t n =
            r->is_server ? misskey_ws_feed(&r->server, data, len) : misskey_conn_feed(&r->client, data, len);
        if (n == 0) fail(DISAGREE, "the library takes no more bytes though all its events were polled");
        data += n;
        len -= n;
        drain(r);
    }
}

/* Mostly short pieces, some up to 64 KiB: the number of bits is random, too (Marsaglia's xorshift32). */
static size_t random_length(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return 1 + ((*state >> 8) & ((1u << (*state & 15)) - 1));
}

static void feed_split(struct replay *r, const struct folder *f, const struct options *o)
{
    const int direction = o->server ? TO_SERVER : TO_CLIENT;
    const struct bytes wire = f->wire[direction];
    uint32_t state = (o->seed + 1) * 2654435761u;
    size_t at, i, n;
    if (state == 0) state = 1;
    if (o->split == RECORDED) {
        for (i = 0; i < f->num_chunks; i++) {
            if (f->chunks[i].direction == direction) feed(r, wire.at + f->chunks[i].off, f->chunks[i].len);
        }
        return;
    }
    for (at = 0; at < wire.len && !r->closed; at += n) {
        n = o->split == WHOLE ? wire.len : o->split == ONE ? 1 : random_length(&state);
        if (n > wire.len - at) n = wire.len - at;
        feed(r, wire.at + at, n);
    }
}

/* --- what the recorded client asked for --- */

static bool same_name(const char *a, const char *b, size_t len)
{
    while (len > 0 && (*a | 0x20) == (*b | 0x20)) a++, b++, len--;
    return len == 0;
}

/* Value of a header of the request as a new NUL-terminated string; NULL if there is none. name: lower case. */
static char *request_header(struct bytes request, const char *name)
{
    const size_t name_len = strlen(name);
    const char *line = request.at, *const end = request.at + request.len, *next;
    char *value;
    size_t len;
    for (; line < end; line = next + 1) {
        next = memchr(line, '\n', (size_t)(end - line));
        if (next == NULL || next - line <= 1) return NULL;
        if ((size_t)(next - line) <= name_len || line[name_len] != ':' || !same_name(line, name, name_len)) continue;
        for (line += name_len + 1; line < next && is_white(*line); line++) {}
        for (len = (size_t)(next - line); len > 0 && is_white(line[len - 1]); len--) {}
        value = allocate(NULL, len + 1);
        memcpy(value, line, len);
        value[len] = '\0';
        return value;
    }
    return NULL;
}

/* The 16 bytes of a Sec-WebSocket-Key; false, and zeros, if it has another form. */
static bool decode_key(const char *key, uint8_t nonce[16])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    size_t i, n = 0;
    memset(nonce, 0, 16);
    if (key == NULL || strlen(key) != 24 || strspn(key, digits) != 22 || strcmp(key + 22, "==") != 0) return false;
    for (i = 0; i < 22; i++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, key[i]) - digits);
        if (i % 4 != 0) nonce[n++] = (uint8_t)(bits >> (6 - i % 4 * 2));
    }
    return true;
}

/* user: the nonce of the recorded request. Masks are zero: nobody sees them. */
static bool entropy(void *user, void *dst, size_t len)
{
    if (len == 16) memcpy(dst, user, len);
    else memset(dst, 0, len);
    return true;
}

static void replay_wire(const struct folder *f, const struct options *o)
{
    uint8_t nonce[16];
    char *const key = request_header(f->wire[TO_SERVER], "sec-websocket-key");
    char *const protocols = request_header(f->wire[TO_SERVER], "sec-websocket-protocol");
    const misskey_header offer = { "Sec-WebSocket-Protocol", protocols };
    misskey_conn_desc desc = { 0 };
    struct replay r = { 0 };
    const bool usable = decode_key(key, nonce);
    misskey_err err;
    r.typed = o->typed;
    desc.ws.server = r.is_server = o->server;
    desc.ws.host = "replay";
    desc.ws.entropy = entropy;
    desc.ws.user = nonce;
    desc.ws.headers = &offer;
    desc.ws.num_headers = protocols != NULL;
    desc.ws.rx.size = o->rx_size > 0 ? o->rx_size : MISSKEY_RX_SIZE(f->wire[TO_CLIENT].len + f->wire[TO_SERVER].len);
    desc.ws.tx.size = MISSKEY_TX_SIZE(f->wire[TO_SERVER].len + 4096);
    desc.ws.rx.ptr = allocate(NULL, desc.ws.rx.size);
    desc.ws.tx.ptr = allocate(NULL, desc.ws.tx.size);
    err = o->server ? misskey_ws_init(&r.server, &desc.ws) : misskey_conn_init(&r.client, &desc);
    if (err != MISSKEY_ERR_OK) fail(USAGE, "cannot set up the connection: %s", misskey_err_text(err));
    if (o->server) misskey_ws_transport_up(&r.server);
    else misskey_conn_transport_up(&r.client);
    drain(&r);
    feed_split(&r, f, o);
    if (o->server) misskey_ws_transport_down(&r.server);
    else misskey_conn_transport_down(&r.client);
    drain(&r);
    if (!r.closed) fail(DISAGREE, "the library did not report the end of the connection");
    if (r.end == MISSKEY_ERR_WS_ACCEPT)
        fprintf(stderr, "wire_replay: the answer in server.bin does not fit the request in client.bin%s\n",
                usable ? "" : ", which has no usable Sec-WebSocket-Key (sixteen zeros stood in for it)");
    free(desc.ws.rx.ptr);
    free(desc.ws.tx.ptr);
    free(protocols);
    free(key);
}

/* The bytes of one recorded message in dst, which is large enough. */
static size_t message_text(misskey_json object, char *dst, size_t cap)
{
    const misskey_jstr hex = misskey_json_str(misskey_json_get(object, "invalidUtf8"));
    size_t i;
    char pair[3] = "";
    if (hex.ptr == NULL) return misskey_jstr_copy(misskey_json_str(misskey_json_get(object, "data")), dst, cap);
    for (i = 0; i < hex.len / 2; i++) {
        memcpy(pair, hex.ptr + 2 * i, 2);
        dst[i] = (char)strtoul(pair, NULL, 16);
    }
    return i;
}

/* A client's WebSocket library hands on neither binary messages nor text that is not UTF-8. */
static void replay_messages(const struct folder *f, const struct options *o)
{
    misskey_session session;
    misskey_session_desc desc;
    misskey_event e;
    misskey_json object;
    size_t at = 0, len;
    int direction;
    char *const text = allocate(NULL, f->messages.len);
    memset(&desc, 0, sizeof desc);
    (void)misskey_session_init(&session, &desc);
    misskey_session_transport_up(&session);
    while (next_line("messages.jsonl", f->messages, &at, &object, &direction)) {
        bool binary = false;
        if (direction != (o->server ? TO_SERVER : TO_CLIENT)) continue;
        len = message_text(object, text, f->messages.len);
        if (misskey_json_bool(misskey_json_get(object, "binary"), &binary) && binary && !o->server) print_dropped(len);
        else if (misskey_session_recv_message(&session, text, len) == MISSKEY_ERR_BAD_UTF8)
            fputs("wire_replay: messages.jsonl: a text that is not UTF-8 is left out\n", stderr);
        while (misskey_session_poll(&session, &e)) {
            if (e.type == MISSKEY_EVENT_MESSAGE) print_message(&e.message, e.text, o->typed);
        }
    }
    free(text);
}

/* --- options --- */

static bool parse_number(const char *text, size_t max, size_t *out)
{
    char *end;
    unsigned long long n;
    errno = 0;
    n = strtoull(text, &end, 10);
    *out = (size_t)n;
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && n <= max;
}

static bool parse_split(const char *value, struct options *o)
{
    size_t seed;
    if (strcmp(value, "whole") == 0) o->split = WHOLE;
    else if (strcmp(value, "one") == 0) o->split = ONE;
    else if (strcmp(value, "recorded") == 0) o->split = RECORDED;
    else if (strncmp(value, "random:", 7) == 0 && parse_number(value + 7, UINT32_MAX, &seed)) {
        o->split = RANDOM;
        o->seed = (uint32_t)seed;
    } else {
        return false;
    }
    return true;
}

/* One of two words. */
static bool parse_choice(const char *value, const char *no, const char *yes, bool *out)
{
    *out = strcmp(value, yes) == 0;
    return *out || strcmp(value, no) == 0;
}

static const char usage[] = "usage: wire_replay [--role client|server] [--split whole|one|recorded|random:SEED] "
                            "[--rx BYTES, at least 256] [--framing websocket|message] [--typed] DIR";

static void parse_options(int argc, char **argv, struct options *o)
{
    int i;
    for (i = 1; i < argc && argv[i][0] == '-'; i++) {
        const char *const name = argv[i], *value;
        bool ok = false;
        if (strcmp(name, "--typed") == 0) {
            o->typed = true;
            continue;
        }
        value = ++i < argc ? argv[i] : "";
        if (strcmp(name, "--role") == 0) ok = parse_choice(value, "client", "server", &o->server);
        else if (strcmp(name, "--framing") == 0) ok = parse_choice(value, "websocket", "message", &o->message_framing);
        else if (strcmp(name, "--split") == 0) ok = parse_split(value, o);
        else if (strcmp(name, "--rx") == 0) ok = parse_number(value, SIZE_MAX / 2, &o->rx_size) && o->rx_size >= 256;
        else fail(USAGE, "unknown option %s; %s", name, usage);
        if (!ok) fail(USAGE, "%s cannot be \"%s\"; %s", name, value, usage);
    }
    if (i != argc - 1) fail(USAGE, "one folder is needed; %s", usage);
    o->dir = argv[i];
}

int main(int argc, char **argv)
{
    struct options o = { 0 };
    struct folder f = { 0 };
    parse_options(argc, argv, &o);
    read_folder(&f, o.dir);
    if (o.message_framing) replay_messages(&f, &o);
    else replay_wire(&f, &o);
    if (fflush(stdout) != 0 || ferror(stdout)) fail(USAGE, "cannot write: %s", strerror(errno));
    free(f.wire[TO_CLIENT].at);
    free(f.wire[TO_SERVER].at);
    free(f.messages.at);
    free(f.chunks);
    return 0;
}
