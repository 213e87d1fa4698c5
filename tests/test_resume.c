/* The session over more than one transport: resume, gaps, liveness, and where the token must not be. */
#include "session_bench.h"

/* --- resume and gaps --- */

TEST resume_in_slot_order_and_paced(bool wire)
{
    char expected[256] = "+main +hashtag";
    char id[8];
    unsigned i;
    prepare(wire);
    bench.desc.session.rate = 4;
    CHECK(start());
    for (i = 0; i < 9; i++) {
        sprintf(id, "n%u", i);
        OK(capture(id));
        sprintf(expected + strlen(expected), " s:%s", id);
    }
    want("main", NULL);
    want("hashtag", NULL);
    up();
    for (i = 0; i < 5000 && bench.num_paced < 11; i++) tick(1);
    SAID(expected);
    down(0, 0);
    up();
    for (i = 0; i < 5000 && bench.num_paced < 22; i++) tick(1);
    SAID(expected);
    for (i = 4; i < 22; i++) CHECK(bench.paced[i] - bench.paced[i - 4] >= 1000);
    CHECK(bench.paced[21] - bench.paced[11] <= 3100);
    PASS();
}

TEST pacing_holds_nothing_else_back(bool wire)
{
    misskey_channel channel;
    prepare(wire);
    bench.desc.session.rate = 1;
    CHECK(start());
    channel = want("main", NULL);
    OK(capture("a"));
    OK(capture("b"));
    up();
    acknowledge(0);
    SAID("+main");
    OK(operate(channel, "read", NULL));
    SAID("main:read{}");
    say("{\"type\":\"ping\",\"body\":{}}");
    SAID("h");
    CHECK(timeout() > 0 && timeout() <= 1000);
    OK(release("a")); /* nobody saw it: nothing to send */
    OK(shut(channel));
    tick(timeout());
    SAID("-main");
    tick(timeout());
    SAID("s:b");
    PASS();
}

TEST what_was_captured_while_resuming_is_sent_once(bool wire)
{
    prepare(wire);
    bench.desc.session.rate = 2;
    CHECK(start());
    OK(capture("a"));
    OK(capture("b"));
    OK(capture("c"));
    up();
    SAID("s:a s:b");
    OK(release("a"));
    OK(capture("d"));
    OK(release("c"));
    OK(capture("e")); /* in the slot of c */
    OK(capture("a"));
    tick(1000);
    tick(1000);
    SAID("s:e s:d");
    PASS();
}

TEST a_gap_for_each_channel_that_lost_time(bool wire)
{
    CHECK(begin(wire));
    want("homeTimeline", NULL);
    want("main", NULL);
    want("hashtag", NULL); /* never ready: no gap */
    acknowledge(0);
    acknowledge(1);
    note(0, "n2");
    note(0, "n1");
    say("{\"type\":\"channel\",\"body\":{\"id\":\"%s\",\"type\":\"mention\",\"body\":{\"id\":\"x\"}}}",
        bench.asked[1][0]);
    take(bench.seen);
    tick(300); /* silence belongs to the outage */
    down(0, 0);
    bench.now += 200;
    up();
    tick(500);
    SEEN("resumed");
    note(3, "n9"); /* READY and GAP come before it, and it is not the last id */
    SEEN("ready:homeTimeline gap:homeTimeline/1000/n1 homeTimeline:note");
    acknowledge(5);
    acknowledge(4);
    SEEN("ready:hashtag ready:main gap:main/1000/");
    down(0, 0);
    up();
    acknowledge(6);
    SEEN("resumed ready:homeTimeline gap:homeTimeline/0/n9");
    PASS();
}

/* Whatever the application does when it is told that a channel is ready. */
TEST a_gap_comes_right_after_its_ready(bool wire)
{
    static const char *const names[] = { "drive", "localTimeline", "main" };
    misskey_channel handle[3], other;
    misskey_event e;
    unsigned i, reopened, gaps, readies;
    for (reopened = 0; reopened < 3; reopened++) {
        uint32_t last_ready = 0;
        gaps = readies = 0;
        CHECK(begin(wire));
        for (i = 0; i < 3; i++) handle[i] = want(names[i], NULL);
        for (i = 0; i < 3; i++) acknowledge(i);
        down(0, 0);
        up();
        take(bench.seen);
        for (i = 0; i < 3; i++) { /* a connection has all three acknowledgements before it polls */
            char text[96];
            (void)sprintf(text, "{\"type\":\"connected\",\"body\":{\"id\":\"%s\"}}", bench.asked[3 + i][0]);
            if (wire) OK(misskey_ws_send(&bench.server, text, strlen(text), false));
            else OK(misskey_session_recv_message(bench.session, text, strlen(text)));
            if (wire && i < 2) continue;
            if (wire) (void)move();
            while (poll_event(&e)) {
                if (e.type == MISSKEY_EVENT_GAP) CHECK(e.channel.id == last_ready);
                last_ready = e.type == MISSKEY_EVENT_CHANNEL_READY ? e.channel.id : 0;
                gaps += e.type == MISSKEY_EVENT_GAP;
                readies += e.type == MISSKEY_EVENT_CHANNEL_READY;
                if (e.type != MISSKEY_EVENT_CHANNEL_READY || e.channel.id == handle[reopened].id) continue;
                if (misskey_channel_close(bench.session, handle[reopened]) != MISSKEY_ERR_OK) continue;
                OK(misskey_channel_open(bench.session, names[reopened], NULL, NULL, &other));
            }
        }
        CHECK(gaps > 0 && readies >= 2);
    }
    PASS();
}

TEST several_failed_attempts_are_one_outage(bool wire)
{
    misskey_channel channel;
    CHECK(begin(wire));
    channel = want("homeTimeline", NULL);
    acknowledge(0);
    note(0, "n1");
    tick(1000);
    down(0, 0);
    up();
    tick(1000); /* no answer yet when the next transport breaks */
    down(0, 0);
    down(0, 0);
    bench.now += 1000;
    up();
    tick(1000);
    take(bench.seen);
    acknowledge(2);
    SEEN("ready:homeTimeline gap:homeTimeline/4000/n1");
    acknowledge(2);
    down(0, 0);
    OK(shut(channel));
    want("homeTimeline", NULL); /* a new one: it has lost nothing */
    up();
    take(bench.seen);
    acknowledge(3);
    SEEN("ready:homeTimeline");
    PASS();
}

TEST no_gap_for_a_blink(bool wire)
{
    prepare(wire);
    bench.desc.session.blink_ms = 5000;
    CHECK(start());
    up();
    want("main", NULL);
    acknowledge(0);
    down(0, 0);
    tick(4999);
    up();
    take(bench.seen);
    acknowledge(1);
    SEEN("ready:main");
    down(0, 0);
    tick(5000);
    up();
    take(bench.seen);
    acknowledge(2);
    SEEN("ready:main gap:main/5000/");
    PASS();
}

TEST a_channel_that_opened_again_has_no_last_note(bool wire)
{
    misskey_channel channel;
    prepare(wire);
    bench.desc.session.rate = 1;
    CHECK(start());
    up();
    channel = want("main", NULL);
    acknowledge(0);
    note(0, "n1");
    OK(shut(channel)); /* its disconnect waits for the pacing */
    want("main", NULL);
    tick(1000);
    SAID("+main");
    down(0, 0);
    up();
    take(bench.seen);
    acknowledge(1);
    SEEN("ready:main gap:main/1000/");
    PASS();
}

/* A transport that replaces another of which no end was told. */
TEST a_new_transport_ends_the_one_before(bool wire)
{
    misskey_channel channel;
    CHECK(begin(wire));
    channel = want("homeTimeline", NULL);
    OK(capture("a"));
    tick(700);
    acknowledge(0);
    note(0, "n1");
    tick(300);
    if (wire) OK(misskey_conn_channel_send(&bench.conn, channel, "read", NULL));
    take(bench.seen);
    take(bench.said);
    up();
    SAID("+homeTimeline s:a");
    ASSERT_EQ_FMT(wire ? 1u : 0u, (unsigned)bench.unsent, "%u");
    acknowledge(1);
    SEEN("resumed ready:homeTimeline gap:homeTimeline/300/n1");
    PASS();
}

/* ... while a message waits behind the READY that it caused. */
TEST a_message_held_back_dies_with_its_transport(void)
{
    static const char head[] = "HTTP/1.1 101 Switching Protocols\r\nX-A: 0123456789012345678901234567890123456789\r\n";
    misskey_event e;
    const uint8_t *out;
    char text[128];
    size_t len;
    CHECK(begin(true));
    want("main", NULL);
    sprintf(text, "{\"type\":\"channel\",\"body\":{\"id\":\"%s\",\"type\":\"x\",\"body\":0}}", bench.asked[0][0]);
    misskey_ws_send(&bench.server, text, strlen(text), false);
    out = misskey_ws_send_buf(&bench.server, &len);
    CHECK(misskey_conn_feed(&bench.conn, out, len) == len);
    CHECK(misskey_conn_poll(&bench.conn, &e) && e.type == MISSKEY_EVENT_CHANNEL_READY);
    misskey_conn_transport_up(&bench.conn);
    CHECK(misskey_conn_feed(&bench.conn, head, sizeof head - 1) == sizeof head - 1);
    bench.linked = false;
    run();
    SEEN("");
    ASSERT_EQ_FMT(0u, (unsigned)bench.session->counters.leaked, "%u");
    PASS();
}

TEST a_transport_that_ends_at_once_never_opened(void)
{
    CHECK(begin(false));
    down(0, 0);
    misskey_session_transport_up(bench.session);
    misskey_session_transport_down(bench.session, 401, 0);
    run();
    SEEN("");
    ASSERT_EQ_FMT(MISSKEY_FOREVER, timeout(), "%u");
    PASS();
}

TEST open_counts_what_was_lost_in_tx(void)
{
    misskey_channel channel;
    CHECK(begin(true));
    channel = want("main", NULL);
    acknowledge(0);
    OK(capture("a"));
    OK(misskey_conn_channel_send(&bench.conn, channel, "one", NULL));
    OK(misskey_conn_channel_send(&bench.conn, channel, "two", NULL));
    OK(misskey_note_capture(bench.session, "b", 1));
    misskey_conn_tick(&bench.conn, bench.now);
    take(bench.said);
    down(0, 0);
    down(0, 0);
    up();
    SAID("+main s:a s:b");
    ASSERT_EQ_FMT(2u, (unsigned)bench.unsent, "%u");
    down(0, 0);
    up();
    ASSERT_EQ_FMT(0u, (unsigned)bench.unsent, "%u");
    PASS();
}

/* --- life --- */

TEST json_ping_and_heartbeat(bool wire)
{
    prepare(wire);
    bench.desc.session.heartbeat_ms = 60000;
    bench.desc.ws.ping_ms = MISSKEY_FOREVER;
    CHECK(start());
    up();
    ASSERT_EQ_FMT(60000u, timeout(), "%u");
    say("{\"type\":\"ping\",\"body\":{}}");
    SAID("h");
    tick(59999);
    SAID("");
    tick(1);
    SAID("h");
    tick(30000);
    OK(capture("a"));
    SAID("s:a");
    ASSERT_EQ_FMT(60000u, timeout(), "%u");
    PASS();
}

TEST a_full_tx_is_no_busy_loop(void)
{
    misskey_message x;
    prepare(true);
    bench.desc.ws.tx.size = 256;
    bench.desc.ws.ping_ms = MISSKEY_FOREVER;
    bench.desc.session.heartbeat_ms = 1000;
    bench.desc.ws.token = NULL;
    CHECK(start());
    up();
    memset(&x, 0, sizeof x);
    x.kind = MISSKEY_KIND_TEXT;
    x.raw.ptr = "x"; x.raw.len = 1;
    while (misskey_conn_send(&bench.conn, &x) == MISSKEY_ERR_OK) {}
    REFUSED(WOULD_BLOCK, misskey_conn_send(&bench.conn, &x));
    OK(misskey_note_capture(bench.session, "a", 1));
    OK(misskey_note_capture(bench.session, "b", 1));
    misskey_conn_tick(&bench.conn, bench.now += 1000);
    misskey_conn_tick(&bench.conn, bench.now += 1000);
    CHECK(timeout() > 0);
    tick(0);
    CHECK(strstr(take(bench.said), "x h s:a s:b") != NULL);
    PASS();
}

TEST trace_and_counters(bool wire)
{
    CHECK(begin(wire));
    OK(capture("a"));
    say("pong");
    down(0, 0);
    up();
    ASSERT_STR_EQ(">{\"type\":\"subNote\",\"body\":{\"id\":\"a\"}} <pong "
                  ">{\"type\":\"subNote\",\"body\":{\"id\":\"a\"}}", take(bench.traced));
    ASSERT_EQ_FMT(1u, (unsigned)bench.session->counters.messages, "%u");
    ASSERT_EQ_FMT(2u, (unsigned)bench.session->counters.sent, "%u");
    ASSERT_EQ_FMT(1u, (unsigned)bench.session->counters.outages, "%u");
    if (wire) {
        misskey_ws_send(&bench.server, "b", 1, true);
        run();
        ASSERT_EQ_FMT(1u, (unsigned)bench.session->counters.dropped, "%u");
    }
    ASSERT_EQ_FMT(1u, (unsigned)bench.session->counters.texts, "%u");
    CHECK(!bench.tainted);
    PASS();
}

TEST message_framing_borrows_one_text(void)
{
    char text[128];
    misskey_event e;
    size_t len;
    CHECK(begin(false));
    OK(misskey_channel_open(bench.session, "main", NULL, NULL, &e.channel));
    REFUSED(TOO_SMALL, misskey_session_send_message(bench.session, text, 8, &len));
    CHECK(len > 8 && len < sizeof text);
    REFUSED(TOO_SMALL, misskey_session_send_message(bench.session, NULL, 0, &len));
    run();
    SAID("+main");
    OK(misskey_session_recv_message(bench.session, "pong", 4));
    REFUSED(WOULD_BLOCK, misskey_session_recv_message(bench.session, "pong", 4));
    CHECK(misskey_session_poll(bench.session, &e));
    REFUSED(WOULD_BLOCK, misskey_session_recv_message(bench.session, "pong", 4));
    CHECK(!misskey_session_poll(bench.session, &e));
    REFUSED(BAD_UTF8, misskey_session_recv_message(bench.session, "\xFF", 1));
    sprintf(text, "{\"type\":\"connected\",\"body\":{\"id\":\"%s\"}}", bench.asked[0][0]);
    OK(misskey_session_recv_message(bench.session, text, strlen(text)));
    CHECK(misskey_session_poll(bench.session, &e) && e.type == MISSKEY_EVENT_CHANNEL_READY);
    REFUSED(WOULD_BLOCK, misskey_session_recv_message(bench.session, "pong", 4));
    CHECK(!misskey_session_poll(bench.session, &e));
    OK(misskey_session_recv_message(bench.session, "pong", 4));
    PASS();
}

TEST dial_now_waits_half_a_second_at_most(bool wire)
{
    CHECK(begin(wire));
    tick(100000);
    down(0, 0);
    misskey_session_dial_now(bench.session);
    tick(0);
    SEEN("dial");
    down(0, 0);
    tick(200);
    misskey_session_dial_now(bench.session);
    ASSERT_EQ_FMT(300u, timeout(), "%u");
    tick(299);
    SEEN("");
    tick(1);
    SEEN("dial");
    up();
    misskey_session_dial_now(bench.session);
    tick(100000);
    SEEN("resumed");
    PASS();
}

TEST close_ends_the_retries(void)
{
    CHECK(begin(true));
    OK(misskey_conn_close(&bench.conn, 1000, NULL));
    run();
    CHECK(bench.closed.code == 1000 && bench.closed.err == MISSKEY_ERR_OK);
    misskey_session_dial_now(bench.session);
    tick(1000000);
    SEEN("");
    up();
    SEEN("resumed");
    down(0, 0);
    OK(misskey_conn_close(&bench.conn, 0, NULL)); /* while waiting */
    tick(1000000);
    SEEN("");
    PASS();
}

TEST the_clock_may_wrap(bool wire)
{
    unsigned i;
    prepare(wire);
    bench.now = 0xFFFFFF00u;
    bench.desc.ws.ping_ms = MISSKEY_FOREVER;
    bench.desc.session.rate = 2;
    CHECK(start());
    up();
    want("hashtag", NULL);
    want("main", NULL);
    OK(capture("a"));
    SAID("+hashtag +main");
    acknowledge(1);
    take(bench.seen);
    tick(timeout());
    SAID("s:a");
    tick(8999);
    SEEN("");
    tick(1);
    SEEN("refused:hashtag/unknown");
    bench.now = 0u - 100;
    tick(0);
    down(0, 0);
    for (i = 0; i < 3 && strstr(bench.seen, "dial") == NULL; i++) {
        CHECK(timeout() <= 1500);
        tick(timeout());
    }
    SEEN("dial");
    PASS();
}

/* --- secrets --- */

TEST the_token_is_in_the_request_only(bool query)
{
    static const char redirect[] = "HTTP/1.1 302 Found\r\nLocation: https://b/streaming?i=" TOKEN "&x=1\r\n\r\n";
    misskey_channel channel;
    const uint8_t *out;
    size_t len, first;
    prepare(true);
    bench.desc.ws.token_in_query = query;
    CHECK(start());
    misskey_conn_transport_up(&bench.conn);
    out = misskey_conn_send_buf(&bench.conn, &len);
    CHECK(contains(out, len, query ? "?i=" TOKEN " HTTP" : "Authorization: Bearer " TOKEN "\r\n"));
    for (first = len - 1; len > 0; first = len) { /* in two pieces */
        misskey_conn_send_ack(&bench.conn, first);
        misskey_conn_send_buf(&bench.conn, &len);
        look_for_token(bench.tx, sizeof bench.tx);
    }
    CHECK(misskey_conn_feed(&bench.conn, redirect, sizeof redirect - 1) == sizeof redirect - 1);
    run();
    CHECK(bench.closed.code == 302);
    ASSERT_STR_EQ("https://b/streaming", bench.location);
    up();
    channel = want("main", NULL);
    acknowledge(0);
    OK(operate(channel, "read", NULL));
    look_for_token(bench.tx, sizeof bench.tx);
    misskey_conn_transport_up(&bench.conn); /* the request is cut off */
    misskey_conn_transport_down(&bench.conn);
    look_for_token(bench.tx, sizeof bench.tx);
    bench.linked = false;
    run();
    CHECK(!bench.tainted);
    PASS();
}

TEST line_breaks_are_refused(void)
{
    static const char *const bad[] = { "a\rb", "a\nb", "a b", "", "a\x7F" };
    misskey_header header = { "X-A", "b" };
    unsigned i;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        prepare(true);
        bench.desc.ws.host = bad[i];
        REFUSED(BAD_ARG, misskey_conn_init(&bench.conn, &bench.desc));
        bench.desc.ws.host = "h";
        bench.desc.ws.token = bad[i];
        REFUSED(BAD_ARG, misskey_conn_init(&bench.conn, &bench.desc));
        bench.desc.ws.token = NULL;
        bench.desc.ws.path = bad[i];
        REFUSED(BAD_ARG, misskey_conn_init(&bench.conn, &bench.desc));
        bench.desc.ws.path = NULL;
        bench.desc.ws.headers = &header;
        bench.desc.ws.num_headers = 1;
        header.name = bad[i];
        REFUSED(BAD_ARG, misskey_conn_init(&bench.conn, &bench.desc));
        header.name = "X-A";
        header.value = bad[i];
        ASSERT_EQ_FMT(i == 2 || i == 3, misskey_conn_init(&bench.conn, &bench.desc) == MISSKEY_ERR_OK, "%d");
    }
    PASS();
}

SUITE(resume)
{
    BOTH(resume_in_slot_order_and_paced);
    BOTH(pacing_holds_nothing_else_back);
    BOTH(what_was_captured_while_resuming_is_sent_once);
    BOTH(a_gap_for_each_channel_that_lost_time);
    BOTH(a_gap_comes_right_after_its_ready);
    BOTH(several_failed_attempts_are_one_outage);
    BOTH(no_gap_for_a_blink);
    BOTH(a_channel_that_opened_again_has_no_last_note);
    BOTH(a_new_transport_ends_the_one_before);
    RUN_TEST(a_message_held_back_dies_with_its_transport);
    RUN_TEST(a_transport_that_ends_at_once_never_opened);
    RUN_TEST(open_counts_what_was_lost_in_tx);
}

SUITE(life)
{
    BOTH(json_ping_and_heartbeat);
    RUN_TEST(a_full_tx_is_no_busy_loop);
    BOTH(trace_and_counters);
    RUN_TEST(message_framing_borrows_one_text);
    BOTH(dial_now_waits_half_a_second_at_most);
    RUN_TEST(close_ends_the_retries);
    BOTH(the_clock_may_wrap);
}

SUITE(secrets)
{
    greatest_set_test_suffix("header");
    RUN_TESTp(the_token_is_in_the_request_only, false);
    greatest_set_test_suffix("query");
    RUN_TESTp(the_token_is_in_the_request_only, true);
    RUN_TEST(line_breaks_are_refused);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(resume);
    RUN_SUITE(life);
    RUN_SUITE(secrets);
    GREATEST_MAIN_END();
}
