/* A message larger than the receive memory is dropped, and what is whole in its beginning can be read: the id of the
   note and its author, so that an application can fetch it or show that it was there. */
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../misskey_stream.h"
#include "greatest.h"
#include <stdio.h>

#define CHECK(condition) ASSERTm(#condition, condition)

static uint8_t rx[4096], tx[512];
static misskey_channel_slot channels[2];
static misskey_conn conn;
static misskey_event event;

static bool zeros(void *user, void *dst, size_t len)
{
    (void)user;
    memset(dst, 0, len);
    return true;
}

/* A connection that is open, with receive memory of this size and a channel (its id on the wire is 0.1) if wanted. */
static bool open_with(size_t rx_size, bool channel)
{
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                 "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n";
    misskey_conn_desc desc;
    misskey_channel handle;
    size_t len;
    memset(&desc, 0, sizeof desc);
    desc.ws.host = "h";
    desc.ws.entropy = zeros;
    desc.ws.rx.ptr = rx;
    desc.ws.rx.size = rx_size;
    desc.ws.tx.ptr = tx;
    desc.ws.tx.size = sizeof tx;
    desc.session.channels = channels;
    desc.session.num_channels = channel ? 2 : 0;
    if (misskey_conn_init(&conn, &desc) != MISSKEY_ERR_OK) return false;
    if (channel && misskey_channel_open(&conn.session, "hashtag", NULL, NULL, &handle) != MISSKEY_ERR_OK) return false;
    misskey_conn_tick(&conn, 0);
    misskey_conn_transport_up(&conn);
    while (misskey_conn_send_buf(&conn, &len) != NULL) misskey_conn_send_ack(&conn, len);
    if (misskey_conn_feed(&conn, answer, sizeof answer - 1) != sizeof answer - 1) return false;
    while (misskey_conn_poll(&conn, &event)) if (event.type == MISSKEY_EVENT_OPEN) break;
    while (misskey_conn_poll(&conn, &event)) {}
    while (misskey_conn_send_buf(&conn, &len) != NULL) misskey_conn_send_ack(&conn, len);
    return event.type != MISSKEY_EVENT_CLOSED;
}

static uint8_t wire[1 << 16];   /* what the server sends, and how far it has come */
static size_t wire_len, wire_at;

/* The next message or DROPPED. */
static bool next(size_t step)
{
    do {
        while (misskey_conn_poll(&conn, &event)) {
            if (event.type == MISSKEY_EVENT_DROPPED || event.type == MISSKEY_EVENT_MESSAGE) return true;
        }
        wire_at += misskey_conn_feed(&conn, wire + wire_at, wire_len - wire_at < step ? wire_len - wire_at : step);
    } while (event.type != MISSKEY_EVENT_CLOSED);
    return false;
}

/* One text message comes in pieces of step bytes, with a bare h behind it. */
static bool receive(const char *text, size_t len, size_t step)
{
    wire[0] = 0x81;
    wire[1] = 126;
    wire[2] = (uint8_t)(len >> 8);
    wire[3] = (uint8_t)len;
    memcpy(wire + 4, text, len);
    memcpy(wire + 4 + len, "\x81\x01h", 3);
    wire_len = len + 7;
    wire_at = 0;
    return next(step);
}

static char text[1 << 14];

/* A note of more than size bytes, as a server of 2026 writes it. */
static size_t big_note(const char *type, const char *id, size_t size)
{
    size_t n = (size_t)sprintf(text,
        "{\"type\":\"channel\",\"body\":{\"id\":\"0.1\",\"type\":\"%s\",\"body\":{\"id\":\"%s\",\"createdAt\":"
        "\"2026-01-01T00:00:00.000Z\",\"userId\":\"9u\",\"user\":{\"id\":\"9u\",\"name\":\"A\\u006eother\","
        "\"username\":\"ann\",\"host\":\"far.example\",\"avatarDecorations\":[{\"id\":\"d\",\"url\":\"x:",
        type, id);
    while (n < size) text[n++] = 'x';
    return n + (size_t)sprintf(text + n, "\"}]},\"text\":\"late\",\"visibility\":\"public\"}}}");
}

TEST id_and_author_of_a_dropped_note_are_readable(void)
{
    static const char *const types[] = { "note", "mention", "reply", "renote", "edited", "notification" };
    misskey_note note;
    misskey_user user;
    size_t size, step;
    for (size = 512; size <= 2048; size += 37) {
        for (step = 1; step <= 1000; step = step * 3 + 1) {
            const char *const type = types[(size + step) % 6];
            const size_t len = big_note(type, "9abcdefghi", size + size / 3);
            CHECK(open_with(size, true) && receive(text, len, step));
            CHECK(event.type == MISSKEY_EVENT_DROPPED && event.size == len && event.text.ptr == NULL);
            CHECK(event.channel.id != 0 && misskey_jstr_eq(event.message.event, type));
            CHECK(misskey_note_read(event.message.body, &note) && misskey_user_read(note.user, &user));
            CHECK(misskey_jstr_eq(note.id, "9abcdefghi") && misskey_jstr_eq(note.user_id, "9u"));
            CHECK(misskey_jstr_eq(user.id, "9u") && misskey_jstr_eq(user.username, "ann"));
            CHECK(misskey_jstr_eq(user.name, "Another") && misskey_jstr_eq(user.host, "far.example"));
            CHECK(note.text.ptr == NULL && note.visibility.ptr == NULL);
            CHECK(next(step) && event.message.kind == MISSKEY_KIND_TEXT_H);
        }
    }
    PASS();
}

/* With the least memory there are the first 182 bytes of a message: the id of the note is among them. */
TEST the_least_memory_still_gives_the_id(void)
{
    const size_t len = big_note("note", "9abcdefghi", 300);
    CHECK(open_with(256, true) && receive(text, len, 100) && event.type == MISSKEY_EVENT_DROPPED);
    CHECK(misskey_jstr_eq(misskey_json_str(misskey_json_get(event.message.body, "id")), "9abcdefghi"));
    CHECK(misskey_jstr_eq(misskey_json_str(misskey_json_get(event.message.body, "userId")), "9u"));
    PASS();
}

/* It was the last one that came, even though it came not whole. */
TEST a_gap_begins_at_a_dropped_note(void)
{
    const size_t len = big_note("note", "9dropped00", 600);
    CHECK(open_with(512, true) && receive(text, len, 5000) && event.type == MISSKEY_EVENT_DROPPED);
    misskey_conn_transport_down(&conn);
    while (misskey_conn_poll(&conn, &event)) {}
    CHECK(channels[0].last_len_ == 10 && memcmp(channels[0].last_, "9dropped00", 10) == 0);
    PASS();
}

/* Depth 0 is the root. Every value of part is in whole, at the same place; a container may have lost its end. */
static bool is_part(misskey_json part, misskey_json whole)
{
    misskey_iter a = misskey_json_iter(part), b = misskey_json_iter(whole);
    const misskey_type type = misskey_json_type(part);
    if (type != misskey_json_type(whole)) return false;
    if (type != MISSKEY_TYPE_OBJECT && type != MISSKEY_TYPE_ARRAY) {
        return part.len == whole.len && memcmp(part.ptr, whole.ptr, part.len) == 0;
    }
    while (misskey_json_next(&a)) {
        if (!misskey_json_next(&b) || a.key.len != b.key.len) return false;
        if (a.key.len > 0 && memcmp(a.key.ptr, b.key.ptr, a.key.len) != 0) return false;
        if (!is_part(a.value, b.value)) return false;
    }
    return true;
}

/* How many scalars a value has, and how many of them end before a place. */
static size_t scalars(misskey_json value, const char *end)
{
    misskey_iter it = misskey_json_iter(value);
    const misskey_type type = misskey_json_type(value);
    size_t n = 0;
    if (type != MISSKEY_TYPE_OBJECT && type != MISSKEY_TYPE_ARRAY) return value.ptr + value.len < end;
    while (misskey_json_next(&it)) n += scalars(it.value, end);
    return n;
}

/* What is left of every beginning is valid, is in the whole, and lacks no scalar that was whole a few bytes before. */
TEST beginnings_are_closed_rightly(void)
{
    static const char *const texts[] = {
        "{\"type\":\"channel\",\"body\":{\"id\":\"1\",\"type\":\"note\",\"body\":{\"id\":\"a\",\"files\":[],"
        "\"reactions\":{},\"user\":{\"id\":\"u\\\"}\",\"name\":\"]},{[\\\\\"},\"tags\":[\"a\",[1,[2,{}]],null,true],"
        "\"n\":-1.5e3,\"z\":\"\"}}}",
        " { \"a\" : [ 1 , { \"b\" : [ ] , \"c\" : \"\\u00e9\xC3\xA9\" } , [ [ ] ] ] , \"d\" : { } , \"e\" : false } ",
        /* too deep to be looked into */
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1,2],3]],4]]]]]]]]]]]]]]]]]]]]]]]]]]]]],5]]],{\"x\":\"y\"}]",
        "\"a string\"", "12", "[]", "{}", ""
    };
    static char room[600];
    size_t i, n, len;
    for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const misskey_json whole = { texts[i], strlen(texts[i]) };
        misskey_json all, part;
        if (misskey_json_check(whole.ptr, whole.len, &all, NULL) != MISSKEY_ERR_OK) all.ptr = NULL, all.len = 0;
        for (n = 0; n <= whole.len; n++) {
            memset(room, '#', sizeof room);
            memcpy(room, whole.ptr, n);
            len = mski_close_beginning((uint8_t *)room, n);
            CHECK(len <= n && room[n] == '#');
            if (len == 0) continue;
            CHECK(misskey_json_check(room, len, &part, NULL) == MISSKEY_ERR_OK);
            CHECK(is_part(part, all));
            CHECK(n < 40 || i == 2 || scalars(part, part.ptr + part.len + 1) >= scalars(all, whole.ptr + n - 36));
        }
    }
    PASS();
}

/* What is no JSON is no message, wherever it is broken. */
TEST broken_beginnings_are_texts(void)
{
    static const char *const broken[] = {
        "{\"type\":\"channel\",\"body\":{\"id\":\"0.1\",\"type\":\"note\",\"body\":{\"id\":\"a\"]]]]}}}, ",
        "{\"type\":\"channel\",,,,,,", "]]]]]]]]{{{{{{{{", "{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{,,,",
        ",:,:\"\\\"", "nothing"
    };
    size_t i, n;
    for (i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        n = strlen(strcpy(text, broken[i]));
        memset(text + n, 'x', 1000);
        CHECK(open_with(512, false) && receive(text, n + 1000, 77) && event.type == MISSKEY_EVENT_DROPPED);
        CHECK(event.message.kind == MISSKEY_KIND_TEXT || event.message.kind == MISSKEY_KIND_OTHER);
        CHECK(event.message.raw.ptr == NULL && event.size == n + 1000);
    }
    PASS();
}

TEST binary_messages_have_no_beginning(void)
{
    CHECK(open_with(256, false) && misskey_conn_feed(&conn, "\x82\x02{}", 4) == 4);
    CHECK(misskey_conn_poll(&conn, &event) && event.type == MISSKEY_EVENT_DROPPED && event.size == 2);
    CHECK(event.message.body.ptr == NULL && event.message.raw.ptr == NULL);
    PASS();
}

SUITE(dropped)
{
    RUN_TEST(id_and_author_of_a_dropped_note_are_readable);
    RUN_TEST(the_least_memory_still_gives_the_id);
    RUN_TEST(a_gap_begins_at_a_dropped_note);
    RUN_TEST(beginnings_are_closed_rightly);
    RUN_TEST(broken_beginnings_are_texts);
    RUN_TEST(binary_messages_have_no_beginning);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(dropped);
    GREATEST_MAIN_END();
}
