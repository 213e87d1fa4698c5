/* The connection and the pump: a WebSocket and a session joined, against a stream in memory. What a session does is
   tested in test_session.c and test_resume.c, against a pretend server in test_model.c. */
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../misskey_stream.h"
#include "greatest.h"
#include <stdio.h>

static uint8_t rx[1024], tx[4096];
static misskey_channel_slot channels[4];
static misskey_capture_slot captures[64];
static misskey_conn conn;
static misskey_event event;

static bool zeros(void *user, void *dst, size_t len)
{
    (void)user;
    memset(dst, 0, len);
    return true;
}

static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n";

/* A connection that is open at time now, with nothing in tx. */
static bool open_at(uint32_t now, size_t tx_size, uint16_t num_captures)
{
    misskey_conn_desc desc;
    size_t len;
    memset(&desc, 0, sizeof desc);
    desc.ws.host = "misskey.example";
    desc.ws.entropy = zeros;
    desc.ws.rx.ptr = rx;
    desc.ws.rx.size = sizeof rx;
    desc.ws.tx.ptr = tx;
    desc.ws.tx.size = tx_size;
    desc.session.channels = channels;
    desc.session.num_channels = 4;
    desc.session.captures = captures;
    desc.session.num_captures = num_captures;
    desc.session.rate = 1000;
    if (misskey_conn_init(&conn, &desc) != MISSKEY_ERR_OK) return false;
    misskey_conn_tick(&conn, now);
    misskey_conn_transport_up(&conn);
    while (misskey_conn_send_buf(&conn, &len) != NULL) misskey_conn_send_ack(&conn, len);
    if (misskey_conn_feed(&conn, answer, sizeof answer - 1) != sizeof answer - 1) return false;
    return misskey_conn_poll(&conn, &event) && event.type == MISSKEY_EVENT_OPEN && !misskey_conn_poll(&conn, &event);
}

static bool no_entropy(void *user, void *dst, size_t len)
{
    (void)user;
    (void)dst;
    (void)len;
    return false;
}

/* The poll in which a message of the session finds no entropy gives CLOSED; it does not ask to be called again. */
TEST entropy_that_fails_within_a_poll_closes_in_that_poll(void)
{
    ASSERT(open_at(0, sizeof tx, 4));
    conn.ws_.d_.entropy = no_entropy;
    ASSERT_EQ(MISSKEY_ERR_OK, misskey_note_capture(&conn.session, "9a", 2));
    ASSERT(misskey_conn_poll(&conn, &event));
    ASSERT_EQ(MISSKEY_EVENT_CLOSED, event.type);
    ASSERT_EQ(MISSKEY_ERR_ENTROPY, event.err);
    ASSERT(!misskey_conn_poll(&conn, &event));
    ASSERT(misskey_conn_timeout(&conn) > 0);
    PASS();
}

/* --- a stream that takes and gives at most step bytes a call --- */

static size_t step, written, to_read;
static int end_of_stream; /* what read answers when there is nothing: 0 = not now, -1 = the end */

static int stream_write(void *user, const void *src, size_t len)
{
    (void)user;
    (void)src;
    if (len > step) len = step;
    written += len;
    return (int)len;
}

static int stream_read(void *user, void *dst, size_t len)
{
    (void)user;
    if (to_read == 0) return end_of_stream;
    if (len > step) len = step;
    if (len > to_read) len = to_read;
    memcpy(dst, answer + sizeof answer - 1 - to_read, len);
    to_read -= len;
    return (int)len;
}

static const misskey_io stream = { stream_read, stream_write, NULL };

static void capture_many(unsigned from, unsigned to)
{
    char id[16];
    for (; from < to; from++) {
        (void)snprintf(id, sizeof id, "note%02u", from);
        (void)misskey_note_capture(&conn.session, id, 6);
    }
}

TEST pump_refills_what_it_drains(void)
{
    unsigned turns = 0;
    size_t len;
    ASSERT(open_at(1000, 256, 64));
    capture_many(0, 50);
    step = 100000;
    to_read = 0;
    end_of_stream = 0;
    misskey_conn_tick(&conn, 1001);
    ASSERT_FALSE(misskey_conn_poll(&conn, &event));
    /* as an application does that sleeps unless there is something to send */
    do {
        ASSERT(misskey_conn_pump(&conn, &stream));
        turns++;
    } while (misskey_conn_send_buf(&conn, &len) != NULL);
    ASSERT_EQ(50u, conn.session.counters.sent);
    ASSERT(turns > 5 && turns <= 50);
    PASS();
}

TEST pump_upgrades_in_any_steps_and_reports_the_end(void)
{
    for (step = 1; step < 400; step += 7) {
        bool opened = false;
        unsigned calls = 0;
        ASSERT(open_at(1000, sizeof tx, 64));
        misskey_conn_transport_down(&conn);
        ASSERT(misskey_conn_poll(&conn, &event) && event.type == MISSKEY_EVENT_CLOSED);
        misskey_conn_transport_up(&conn);
        to_read = sizeof answer - 1;
        end_of_stream = -1;
        while (misskey_conn_pump(&conn, &stream) && calls++ < 1000) {
            while (misskey_conn_poll(&conn, &event)) opened = opened || event.type == MISSKEY_EVENT_OPEN;
        }
        ASSERT(opened && to_read == 0);
        ASSERT(misskey_conn_poll(&conn, &event) && event.type == MISSKEY_EVENT_CLOSED);
        ASSERT_EQ(MISSKEY_ERR_TRANSPORT, event.err);
    }
    PASS();
}

/* A stream that refuses what is written, and has so much to be read, step bytes at a time. */
static uint8_t incoming[5000];
static size_t incoming_len, incoming_at;
static unsigned reads_after_end;

static int broken_write(void *user, const void *src, size_t len)
{
    (void)user;
    (void)src;
    (void)len;
    return -1;
}

static int broken_read(void *user, void *dst, size_t len)
{
    (void)user;
    if (incoming_at == incoming_len) {
        reads_after_end++;
        return end_of_stream;
    }
    if (len > step) len = step;
    if (len > incoming_len - incoming_at) len = incoming_len - incoming_at;
    memcpy(dst, incoming + incoming_at, len);
    incoming_at += len;
    return (int)len;
}

/* The last notes of a server and its Close, more of them than rx holds, while something is to be sent. */
TEST pump_reads_what_is_there_when_a_write_fails(void)
{
    static const misskey_io broken = { broken_read, broken_write, NULL };
    static const char note[] = "{\"type\":\"channel\",\"body\":{\"id\":\"9.9\",\"type\":\"note\","
                               "\"body\":{\"id\":\"a\"}}}";
    const size_t len = sizeof note - 1;
    unsigned notes, closes, sent, calls;
    misskey_message h;
    memset(&h, 0, sizeof h);
    h.kind = MISSKEY_KIND_TEXT_H;
    for (incoming_len = sent = 0; sent < 40; sent++) {
        incoming[incoming_len++] = 0x81;
        incoming[incoming_len++] = (uint8_t)len;
        memcpy(incoming + incoming_len, note, len);
        incoming_len += len;
    }
    memcpy(incoming + incoming_len, "\x88\x06\x03\xf0spam", 8);
    incoming_len += 8;
    for (step = 1; step < 6000; step = step * 2 + 1) {
        for (end_of_stream = -1; end_of_stream <= 0; end_of_stream++) {
            ASSERT(open_at(1000, sizeof tx, 64));
            ASSERT_EQ(MISSKEY_ERR_OK, misskey_conn_send(&conn, &h));
            incoming_at = 0;
            notes = closes = calls = reads_after_end = 0;
            while (closes == 0 && calls++ < 1000) {
                const bool alive = misskey_conn_pump(&conn, &broken);
                ASSERT(alive || incoming_at == incoming_len);
                while (misskey_conn_poll(&conn, &event)) {
                    notes += event.type == MISSKEY_EVENT_MESSAGE;
                    if (event.type != MISSKEY_EVENT_CLOSED) continue;
                    closes++;
                    ASSERT(event.code == 1008 && event.err == MISSKEY_ERR_OK && event.text.len == 4);
                }
            }
            ASSERT_EQ(0u, notes); /* the channel is not ours */
            ASSERT_EQ(40u, conn.session.counters.leaked);
            ASSERT(closes == 1 && reads_after_end == 1);
        }
    }
    PASS();
}

TEST pump_moves_what_an_int_of_16_bits_can_count(void)
{
    ASSERT(mski_pump_size((size_t)-1) == 32767 && mski_pump_size(32768) == 32767 && mski_pump_size(5) == 5);
    PASS();
}

TEST a_closing_connection_is_a_bad_state_not_a_full_one(void)
{
    misskey_message h;
    misskey_channel channel;
    memset(&h, 0, sizeof h);
    h.kind = MISSKEY_KIND_TEXT_H;
    ASSERT(open_at(1000, sizeof tx, 64));
    ASSERT_EQ(MISSKEY_ERR_OK, misskey_conn_send(&conn, &h));
    ASSERT_EQ(MISSKEY_ERR_OK, misskey_conn_close(&conn, 1000, NULL));
    ASSERT_EQ(MISSKEY_ERR_BAD_STATE, misskey_conn_send(&conn, &h));
    ASSERT_EQ(MISSKEY_ERR_OK, misskey_channel_open(&conn.session, "localTimeline", NULL, NULL, &channel));
    ASSERT_EQ(MISSKEY_ERR_BAD_STATE, misskey_conn_send(&conn, &h));
    PASS();
}

TEST failures_are_forgotten_however_long_it_was_open(void)
{
    uint32_t now = 1000;
    unsigned i;
    size_t len;
    ASSERT(open_at(now, sizeof tx, 64));
    for (i = 0; i < 8; i++) {
        misskey_conn_transport_down(&conn);
        while (misskey_conn_poll(&conn, &event)) {}
        misskey_conn_transport_up(&conn);
        (void)misskey_conn_feed(&conn, answer, sizeof answer - 1);
        while (misskey_conn_poll(&conn, &event)) {}
    }
    ASSERT(conn.session.failures_ >= 8);
    for (i = 0; i < 86; i++) { /* 2^32 milliseconds and 5 seconds, with a pong now and then */
        now += i < 85 ? 50000000u : 44972296u;
        misskey_conn_tick(&conn, now);
        (void)misskey_conn_feed(&conn, "\x8A\0", 2);
        while (misskey_conn_poll(&conn, &event)) {}
        while (misskey_conn_send_buf(&conn, &len) != NULL) misskey_conn_send_ack(&conn, len);
    }
    ASSERT_EQ(1000u + 5000u, now);
    misskey_conn_transport_down(&conn);
    while (misskey_conn_poll(&conn, &event)) {}
    ASSERT_EQ(1u, conn.session.failures_);
    PASS();
}

/* A slot that is released before its subNote left is free at once; its next note inherits the place in the queue. */
TEST a_full_table_that_waits_takes_new_notes_for_released_ones(void)
{
    size_t len;
    ASSERT(open_at(1000, 256, 8)); /* room for one or two frames, so the others wait */
    capture_many(0, 8);
    ASSERT_EQ(MISSKEY_ERR_FULL, misskey_note_capture(&conn.session, "more", 4));
    ASSERT_EQ(MISSKEY_ERR_OK, misskey_note_release(&conn.session, "note05", 6));
    ASSERT_EQ(MISSKEY_ERR_OK, misskey_note_capture(&conn.session, "more", 4));
    ASSERT_EQ(MISSKEY_ERR_OK, misskey_note_release(&conn.session, "note07", 6));
    ASSERT_EQ(MISSKEY_ERR_STALE, misskey_note_release(&conn.session, "note05", 6));
    misskey_conn_tick(&conn, 1001);
    while (misskey_conn_send_buf(&conn, &len) != NULL) misskey_conn_send_ack(&conn, len);
    ASSERT_EQ(7u, conn.session.counters.sent);
    ASSERT_EQ(MISSKEY_ERR_OK, misskey_note_release(&conn.session, "more", 4));
    misskey_conn_tick(&conn, 1002);
    while (misskey_conn_send_buf(&conn, &len) != NULL) misskey_conn_send_ack(&conn, len);
    ASSERT_EQ(8u, conn.session.counters.sent);
    PASS();
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_TEST(pump_refills_what_it_drains);
    RUN_TEST(pump_upgrades_in_any_steps_and_reports_the_end);
    RUN_TEST(pump_reads_what_is_there_when_a_write_fails);
    RUN_TEST(pump_moves_what_an_int_of_16_bits_can_count);
    RUN_TEST(entropy_that_fails_within_a_poll_closes_in_that_poll);
    RUN_TEST(a_closing_connection_is_a_bad_state_not_a_full_one);
    RUN_TEST(failures_are_forgotten_however_long_it_was_open);
    RUN_TEST(a_full_table_that_waits_takes_new_notes_for_released_ones);
    GREATEST_MAIN_END();
}
