/* Room in tx, in the smallest and in every other: a ping is always answered, a Close always leaves, whatever is queued
   and whatever the two of them are. Both roles. */
#include "endpoint.h"

/* Every size up to that of two control frames, where reserves differ, and some beyond. */
enum { LEAST = 256, LAST = 420 };

static size_t after(size_t tx) { return tx < 264 ? tx + 1 : tx + 13; }

static uint8_t payload[2 + 123];
static char reason[124];

/* The peer pings with every payload, before and after so many messages are queued: the pong comes whole, after them. */
TEST every_ping_is_answered(endpoint *e)
{
    size_t tx, n, sent, taken;
    for (tx = LEAST; tx <= LAST; tx = after(tx)) {
        CHECK(open_sized(e, 256, tx));
        for (n = 0; n <= 250; n++) {
            const size_t len = n % 126;
            CASE("tx %u ping %u", (unsigned)tx, (unsigned)len);
            for (sent = 0; n > 125 && misskey_ws_send(&e->ws, "0123456789", 10, false) == MISSKEY_ERR_OK; ) sent++;
            CHECK(feed_frame(e, 0x89, payload, len) && !next(e));
            drain(e);
            for (out_at = 0, taken = 0; taken < sent; taken++) CHECK(take(e, 1, "0123456789", 10));
            if (out_at == out_len) { /* it waited for room, which is there now */
                drain(e);
                out_at = 0;
            }
            CHECK(take(e, 10, payload, len) && out_at == out_len);
            CHECK(misskey_ws_send(&e->ws, "x", 1, false) == MISSKEY_ERR_OK && drain(e) > 0); /* nothing is stuck */
        }
    }
    PASS();
}

/* The peer closes, with every payload: the answer has its code. */
TEST every_close_is_answered(endpoint *e)
{
    size_t tx, len;
    int full;
    for (tx = LEAST; tx <= LAST; tx = after(tx)) {
        for (len = 0; len <= 125; len += len == 0 ? 2 : 1) {
            for (full = 0; full < 3; full++) {
                CASE("tx %u close %u, %d", (unsigned)tx, (unsigned)len, full);
                CHECK(open_sized(e, 256, tx));
                if (full == 1) CHECK(feed_frame(e, 0x89, payload, 125) && !next(e));
                if (full == 2) while (misskey_ws_send(&e->ws, "0123456789", 10, false) == MISSKEY_ERR_OK) {}
                payload[0] = 0x03;
                payload[1] = 0xE8;
                CHECK(feed_frame(e, 0x88, payload, len) && !next(e) && drain(e) > 0);
                for (out_at = 0; take_frame(e) && got.op != 8; ) {}
                CHECK(got.op == 8 && got.len == (len == 0 ? 0u : 2u) && out_at == out_len);
                CHECK(next_is(e, MISSKEY_WS_EVENT_CLOSED) && e->ev.err == MISSKEY_ERR_OK);
            }
        }
    }
    PASS();
}

/* Our own Close, with every reason. Only the smallest tx, with the largest pongs in it, has no room for all of it. */
TEST every_close_of_ours_leaves(endpoint *e)
{
    const size_t header = e == C ? 6 : 2;
    size_t tx, len, pong;
    for (tx = LEAST; tx <= LAST; tx = after(tx)) {
        for (len = 0; len <= 123; len++) {
            for (pong = 0; pong <= 126; pong += 18) { /* 126: none */
                CASE("tx %u close %u pong %u", (unsigned)tx, (unsigned)len, (unsigned)pong);
                CHECK(open_sized(e, 256, tx));
                if (pong <= 125) CHECK(feed_frame(e, 0x89, payload, pong) && !next(e));
                memset(reason, 'r', len);
                reason[len] = 0;
                CHECK(misskey_ws_close(&e->ws, 1000, reason) == MISSKEY_ERR_OK && drain(e) > 0);
                for (out_at = 0; take_frame(e) && got.op != 8; ) CHECK(got.op == 10 && got.len == pong);
                CHECK(got.op == 8 && got.data[0] == 0x03 && got.data[1] == 0xE8 && out_at == out_len);
                CHECK(got.len == 2 + len || (tx < 2 * (header + 125) && header + pong + header + 2 + len > tx));
            }
        }
    }
    PASS();
}

/* Between accept and the moment at which the 101 has left. */
TEST a_server_can_close_before_its_101_has_left(void)
{
    static char protocol[200];
    size_t tx, len, n;
    for (tx = LEAST; tx <= LAST; tx = after(tx)) {
        for (n = 0; n < 190; n++) {
            misskey_err err;
            CASE("tx %u protocol %u", (unsigned)tx, (unsigned)n);
            describe(S, 256, tx);
            CHECK(begin(S) && feed_str(S, ASK UP VERSION ASK_KEY "\r\n") && next_is(S, MISSKEY_WS_EVENT_UPGRADE));
            memset(protocol, 'p', n);
            protocol[n] = 0;
            err = misskey_ws_accept(&S->ws, n == 0 ? NULL : protocol);
            if (err != MISSKEY_ERR_OK) {
                CHECK(err == MISSKEY_ERR_TOO_SMALL && 129 + 26 + n + 8 > tx);
                CHECK(misskey_ws_accept(&S->ws, NULL) == MISSKEY_ERR_OK);
            }
            CHECK(next_is(S, MISSKEY_WS_EVENT_OPEN) && misskey_ws_close(&S->ws, 1008, "no") == MISSKEY_ERR_OK);
            len = drain(S);
            CHECK(len > 4 && strstr((const char *)out, "\r\n\r\n") != NULL);
            out_at = (size_t)(strstr((const char *)out, "\r\n\r\n") - (const char *)out) + 4;
            CHECK(take_close(S, 1008) && out_at == out_len);
        }
    }
    PASS();
}

/* A peer that answers before the request was acknowledged, while that fills tx: there is no room to say goodbye. */
TEST a_close_that_finds_no_room_ends_the_connection_at_once(void)
{
    size_t tx;
    for (tx = LEAST; tx <= LAST; tx = after(tx)) {
        CASE("tx %u", (unsigned)tx);
        describe(C, 256, tx);
        CHECK(begin(C) && feed_str(C, SWITCH UP ACCEPT "\r\n") && next_is(C, MISSKEY_WS_EVENT_OPEN));
        CHECK(misskey_ws_close(&C->ws, 1000, NULL) == MISSKEY_ERR_OK);
        if (next(C)) {
            CHECK(C->ev.type == MISSKEY_WS_EVENT_CLOSED && C->ev.code == 1000 && !next(C));
        } else {
            CHECK(drain(C) > 8 && out[out_len - 8] == 0x88);
        }
    }
    PASS();
}

/* What an event shows stays until the next poll, also if the next connection begins before. */
TEST views_of_the_end_outlive_transport_up(endpoint *e)
{
    char text[124];
    size_t n, len;
    uint8_t *p;
    memset(payload, 'v', sizeof payload);
    payload[0] = 0x03;
    payload[1] = 0xF0;
    for (n = 2; n <= 125; n++) {
        CASE("reason of %u", (unsigned)n - 2);
        CHECK(open_sized(e, 300, 300) && feed_frame(e, 0x88, payload, n) && !next(e) && drain(e) > 0);
        CHECK(next_is(e, MISSKEY_WS_EVENT_CLOSED) && e->ev.code == 1008 && e->ev.text.len == n - 2);
        memset(text, 'v', sizeof text);
        misskey_ws_transport_up(&e->ws);
        p = misskey_ws_recv_buf(&e->ws, &len);
        CHECK(len == 300 - (n - 2));
        memset(p, '#', len); /* as recv does */
        CHECK(memcmp(e->ev.text.ptr, text, n - 2) == 0);
        CHECK(feed_str(e, e == C ? SWITCH UP ACCEPT "\r\n" : ASK UP VERSION ASK_KEY "\r\n"));
        CHECK(memcmp(e->ev.text.ptr, text, n - 2) == 0);
        CHECK(next_is(e, e == C ? MISSKEY_WS_EVENT_OPEN : MISSKEY_WS_EVENT_UPGRADE));
        CHECK(e == C || is(e->ev.text, "/streaming"));
        CHECK(!next(e) && misskey_ws_recv_buf(&e->ws, &len) != NULL);
        CHECK(e == S || len == 300);
    }
    PASS();
}

TEST views_of_a_refusal_outlive_transport_up(void)
{
    size_t len;
    describe(C, 300, 300);
    CHECK(begin(C) && drain(C) > 0);
    CHECK(feed_str(C, "HTTP/1.1 302 Over there\r\nLocation: https://b.example/streaming\r\n\r\n"));
    CHECK(next_is(C, MISSKEY_WS_EVENT_CLOSED) && C->ev.code == 302);
    misskey_ws_transport_up(&C->ws);
    memset(misskey_ws_recv_buf(&C->ws, &len), '#', 200);
    CHECK(is(C->ev.text, "Over there") && is(C->ev.location, "https://b.example/streaming"));
    CHECK(!next(C));
    CHECK(misskey_ws_recv_buf(&C->ws, &len) != NULL && len == 300);
    PASS();
}

SUITE(room)
{
    endpoint *const both[] = { C, S };
    int i;
    for (i = 0; i < 2; i++) {
        greatest_set_test_suffix(i == 0 ? "client" : "server");
        RUN_TESTp(every_ping_is_answered, both[i]);
        RUN_TESTp(every_close_is_answered, both[i]);
        RUN_TESTp(every_close_of_ours_leaves, both[i]);
        RUN_TESTp(views_of_the_end_outlive_transport_up, both[i]);
    }
    greatest_set_test_suffix("");
    RUN_TEST(a_server_can_close_before_its_101_has_left);
    RUN_TEST(a_close_that_finds_no_room_ends_the_connection_at_once);
    RUN_TEST(views_of_a_refusal_outlive_transport_up);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    memset(payload, 'p', sizeof payload);
    RUN_SUITE(room);
    GREATEST_MAIN_END();
}
