/* The library's own rows, by its public functions alone. */
#define MISSKEY_STATIC 1
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../../misskey_stream.h"
#include "peer.h"

#include <sys/types.h>
#include <sys/socket.h>

#ifndef OWN_NAME
#define OWN_NAME "misskey_stream.h"
#endif

enum { LONGEST = 1 << 20, RECV = 65536 };

static uint8_t rx[MISSKEY_RX_SIZE(LONGEST)], tx[MISSKEY_TX_SIZE(LONGEST)];

/* --- JSON --- */

static void put(sum *s, int field, misskey_jstr escaped)
{
    static char decoded[LONGEST];
    misskey_str text;
    if (escaped.ptr == NULL) return;
    text = misskey_jstr_plain(escaped, decoded, sizeof decoded);
    sum_str(s, field, text.ptr, text.len);
}

static void put_kind(sum *s, const misskey_message *m)
{
#define NAME(kind, type, form) { type, sizeof(type) - 1 },
    static const struct { const char *text; size_t len; } names[] = { MISSKEY_KIND_LIST(NAME) };
#undef NAME
    if (m->kind == MISSKEY_KIND_OTHER) put(s, FIELD_TYPE, m->type);
    else sum_str(s, FIELD_TYPE, names[m->kind].text, names[m->kind].len);
}

static void put_file(sum *s, const misskey_file *file)
{
    put(s, FIELD_FILE_ID, file->id);
    put(s, FIELD_FILE_URL, file->url);
    put(s, FIELD_FILE_TYPE, file->type);
}

static void put_choice(sum *s, const misskey_poll_choice *choice)
{
    put(s, FIELD_POLL, choice->text);
    sum_int(s, FIELD_POLL, choice->votes);
}

static void put_note(sum *s, const misskey_note *note, const misskey_user *user)
{
    misskey_iter it = misskey_json_iter(note->reactions);
    misskey_jstr reaction;
    int64_t count;
    put(s, FIELD_NOTE_ID, note->id);
    put(s, FIELD_CREATED_AT, note->created_at);
    put(s, FIELD_TEXT, note->text);
    put(s, FIELD_CW, note->cw);
    put(s, FIELD_VISIBILITY, note->visibility);
    put(s, FIELD_RENOTE_ID, note->renote_id);
    put(s, FIELD_REPLY_ID, note->reply_id);
    put(s, FIELD_USER_ID, user->id);
    put(s, FIELD_USERNAME, user->username);
    put(s, FIELD_HOST, user->host);
    put(s, FIELD_USER_NAME, user->name);
    while (misskey_reactions_next(&it, &reaction, &count)) {
        put(s, FIELD_REACTIONS, reaction);
        sum_int(s, FIELD_REACTIONS, count);
    }
}

static void put_update(sum *s, const misskey_note_update *update)
{
    put(s, FIELD_UPDATE_REACTION, update->reaction);
    put(s, FIELD_UPDATE_USER_ID, update->user_id);
}

/* The parts of a note that do not fit into a reading, or all (from 0). */
static void put_parts(sum *s, misskey_json files, uint32_t from_file, misskey_json choices, uint32_t from_choice)
{
    misskey_file file;
    misskey_poll_choice choice;
    misskey_iter it = misskey_json_iter(files);
    for (; misskey_json_next(&it); from_file -= from_file > 0) {
        if (from_file == 0 && misskey_file_read(it.value, &file)) put_file(s, &file);
    }
    it = misskey_json_iter(choices);
    for (; misskey_json_next(&it); from_choice -= from_choice > 0) {
        if (from_choice == 0 && misskey_poll_choice_read(it.value, &choice)) put_choice(s, &choice);
    }
}

static void put_route(sum *s, const misskey_message *m, const char *text, size_t len)
{
    put_kind(s, m);
    put(s, FIELD_ID, m->id);
    put(s, FIELD_EVENT, m->event);
    if (m->kind != MISSKEY_KIND_CHANNEL && m->kind != MISSKEY_KIND_NOTE_UPDATED) return;
    if (m->body.ptr >= text && m->body.ptr < text + len) sum_found(s, FIELD_BODY); /* else there was none */
}

static bool is_note(const misskey_message *m)
{
    return m->kind == MISSKEY_KIND_CHANNEL && misskey_channel_event_find(m->event) == MISSKEY_CHANNEL_EVENT_NOTE;
}

/* What was read along with the message. */
static void put_reading(sum *s, const misskey_message *m, const misskey_reading *r)
{
    enum { FILES = sizeof r->files / sizeof r->files[0], CHOICES = sizeof r->choices / sizeof r->choices[0] };
    uint32_t i;
    if (r->what == MISSKEY_READS_NOTE_UPDATE) put_update(s, &r->update);
    if (r->what != MISSKEY_READS_NOTE || !is_note(m)) return;
    put_note(s, &r->note, &r->user);
    for (i = 0; i < r->num_files; i++) put_file(s, &r->files[i]);
    for (i = 0; i < r->num_choices; i++) put_choice(s, &r->choices[i]);
    if (r->num_files == FILES || r->num_choices == CHOICES) {
        put_parts(s, r->note.files, r->num_files, r->poll.choices, r->num_choices);
    }
}

/* The same by one reader for each part. */
static void put_body(sum *s, const misskey_message *m)
{
    misskey_note note;
    misskey_user user;
    misskey_poll poll;
    misskey_note_update update;
    if (m->kind == MISSKEY_KIND_NOTE_UPDATED && misskey_note_update_read(m->body, &update)) put_update(s, &update);
    if (!is_note(m) || !misskey_note_read(m->body, &note)) return;
    misskey_user_read(note.user, &user);
    misskey_poll_read(note.poll, &poll);
    put_note(s, &note, &user);
    put_parts(s, note.files, 0, poll.choices, 0);
}

static int w1(char *text, size_t len, size_t cap, sum *s)
{
    misskey_message m;
    (void)cap;
    if (misskey_message_parse(text, len, &m) != MISSKEY_ERR_OK || m.kind >= MISSKEY_KIND_TEXT_PING) return 1;
    put_route(s, &m, text, len);
    return 0;
}

static int w2(char *text, size_t len, size_t cap, sum *s)
{
    static misskey_reading reading;
    misskey_message m;
    (void)cap;
    if (misskey_message_read(text, len, &m, &reading) != MISSKEY_ERR_OK || m.kind >= MISSKEY_KIND_TEXT_PING) return 1;
    put_route(s, &m, text, len);
    put_reading(s, &m, &reading);
    return 0;
}

static int w2_parts(char *text, size_t len, size_t cap, sum *s)
{
    misskey_message m;
    (void)cap;
    if (misskey_message_parse(text, len, &m) != MISSKEY_ERR_OK || m.kind >= MISSKEY_KIND_TEXT_PING) return 1;
    put_route(s, &m, text, len);
    put_body(s, &m);
    return 0;
}

EXPORT extern const peer peers[];
const peer peers[] = {
    { OWN_NAME, 1, NULL, w1, w2 },
    { OWN_NAME " + readers", 1, NULL, w1, w2_parts },
    { NULL, 0, NULL, NULL, NULL }
};

/* --- frames --- */

static misskey_ws ws;
static got_text *got;
static void *got_to;

static bool entropy(void *user, void *dst, size_t len)
{
    (void)user;
    memcpy(dst, "\x12\x9A\xE7\x4D\x12\x9A\xE7\x4D\x12\x9A\xE7\x4D\x12\x9A\xE7\x4D", len);
    return true;
}

static const char upgraded[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: l2oGlYHMu6T4aJbwddIb3DBQP0k=\r\n\r\n";

static void start(got_text *callback, void *to)
{
    misskey_ws_desc desc;
    misskey_ws_event e;
    size_t len;
    got = callback;
    got_to = to;
    memset(&desc, 0, sizeof desc);
    desc.host = "localhost";
    desc.entropy = entropy;
    desc.rx.ptr = rx; desc.rx.size = sizeof rx;
    desc.tx.ptr = tx; desc.tx.size = sizeof tx;
    misskey_ws_init(&ws, &desc);
    misskey_ws_transport_up(&ws);
    while (misskey_ws_send_buf(&ws, &len) != NULL) misskey_ws_send_ack(&ws, len);
    misskey_ws_feed(&ws, upgraded, sizeof upgraded - 1);
    while (misskey_ws_poll(&ws, &e)) {}
}

static int feed(const uint8_t *bytes, size_t len)
{
    misskey_ws_event e;
    if (misskey_ws_feed(&ws, bytes, len) != len) return 1;
    while (misskey_ws_poll(&ws, &e)) {
        if (e.type != MISSKEY_WS_EVENT_MESSAGE) return 1;
        got(got_to, e.text.ptr, e.text.len);
    }
    return 0;
}

static void end(void) {}

static const uint8_t *mask(const uint8_t *payload, size_t len, size_t *frame_len)
{
    const uint8_t *frame;
    if (misskey_ws_send(&ws, payload, len, true) != MISSKEY_ERR_OK) return NULL;
    frame = misskey_ws_send_buf(&ws, frame_len);
    misskey_ws_send_ack(&ws, *frame_len); /* the bytes stay where they are until the next send */
    return frame;
}

/* What of it is masking: the rest is the header of the frame, its key, and room for it in the queue. */
static const uint8_t *mask_alone(const uint8_t *payload, size_t len, size_t *frame_len)
{
    static uint8_t frame[14 + LONGEST];
    static size_t header, last_len;
    if (len != last_len) {
        const uint8_t *const whole = mask(payload, len, frame_len);
        header = *frame_len - len;
        last_len = len;
        memcpy(frame, whole, header);
    }
    mski_mask(frame + header, payload, len, frame + header - 4, 0);
    *frame_len = header + len;
    return frame;
}

EXPORT extern const frame_peer frame_peers[];
const frame_peer frame_peers[] = {
    { OWN_NAME, start, feed, end, mask },
    { OWN_NAME ", mask alone", NULL, NULL, NULL, mask_alone },
    { NULL, NULL, NULL, NULL, NULL }
};

/* --- a whole client --- */

static bool send_all(misskey_conn *conn, int fd)
{
    const uint8_t *p;
    size_t len;
    ssize_t n;
    while ((p = misskey_conn_send_buf(conn, &len)) != NULL) {
        n = send(fd, p, len, 0);
        if (n <= 0) return false;
        misskey_conn_send_ack(conn, (size_t)n);
    }
    return true;
}

static int run(int fd, work *json, sum *s, uint64_t *messages)
{
    static misskey_conn conn;
    static misskey_reading reading;
    misskey_conn_desc desc;
    misskey_event e;
    uint8_t *dst;
    size_t len;
    ssize_t n;
    (void)json;
    memset(&desc, 0, sizeof desc);
    desc.ws.host = "localhost";
    desc.ws.entropy = entropy;
    desc.ws.rx.ptr = rx; desc.ws.rx.size = sizeof rx;
    desc.ws.tx.ptr = tx; desc.ws.tx.size = 4096;
    if (misskey_conn_init(&conn, &desc) != MISSKEY_ERR_OK) return 1;
    misskey_conn_transport_up(&conn);
    for (;;) {
        while (misskey_conn_read(&conn, &e, &reading)) {
            if (e.type == MISSKEY_EVENT_CLOSED) return e.err != MISSKEY_ERR_OK;
            if (e.type != MISSKEY_EVENT_MESSAGE) continue;
            ++*messages;
            put_route(s, &e.message, e.text.ptr, e.text.len);
            put_reading(s, &e.message, &reading);
        }
        if (!send_all(&conn, fd)) return 1;
        if (misskey_conn_timeout(&conn) == 0) continue;
        dst = misskey_conn_recv_buf(&conn, &len);
        n = dst == NULL ? 0 : recv(fd, dst, len < RECV ? len : RECV, 0);
        if (n <= 0) misskey_conn_transport_down(&conn);
        else misskey_conn_recv_ack(&conn, (size_t)n);
    }
}

EXPORT extern const link_peer link_peers[];
const link_peer link_peers[] = { { OWN_NAME, 0, run }, { NULL, 0, NULL } };
