/* What time does: a clock that is set back, a program that ticks late or not for weeks, calls between ticks, and how
   long an outage was for a program that was asleep. */
#include "session_bench.h"

#define DAY 86400000u

/* --- every timer --- */

static bool sent(uint8_t first)
{
    size_t len;
    const uint8_t *const out = misskey_conn_send_buf(&bench.conn, &len);
    return out != NULL && out[0] == first;
}

static bool was_closed(void) { return bench.closed.type == MISSKEY_EVENT_CLOSED; }
static bool was_closed_by_time(void) { return was_closed() && bench.closed.err == MISSKEY_ERR_TIMEOUT; }
static bool was_dialled(void) { return strstr(bench.seen, "dial") != NULL; }
static bool was_refused(void) { return strstr(bench.seen, "refused:") != NULL; }
static bool was_pinged(void) { return sent(0x89); }
static bool said_h(void) { return strstr(bench.said, "h ") != NULL; }
static bool said_b(void) { return strstr(bench.said, "s:b ") != NULL; }
static bool forgot(void) { return bench.session->failures_ == 0; }

/* A situation in which nothing happens for the time that is returned. */
static uint32_t upgrading(void)
{
    prepare(true);
    if (!start()) return 0;
    misskey_conn_transport_up(&bench.conn);
    return 10000;
}

static uint32_t silent(void)
{
    if (!begin(true)) return 0;
    bench.linked = false;
    return 75000;
}

static uint32_t pinged(void)
{
    size_t len;
    if (silent() == 0) return 0;
    tick(75000);
    while (misskey_conn_send_buf(&bench.conn, &len) != NULL) misskey_conn_send_ack(&bench.conn, len);
    return 15000;
}

static uint32_t closing(void)
{
    size_t len;
    if (silent() == 0) return 0;
    (void)misskey_conn_close(&bench.conn, 1000, NULL);
    while (misskey_conn_send_buf(&bench.conn, &len) != NULL) misskey_conn_send_ack(&bench.conn, len);
    return 5000;
}

static uint32_t asked_wire(void) { return begin(true) && want("hashtag", NULL).id != 0 ? 10000 : 0; }
static uint32_t asked_alone(void) { return begin(false) && want("hashtag", NULL).id != 0 ? 10000 : 0; }

static uint32_t beating(void)
{
    prepare(false);
    bench.desc.session.heartbeat_ms = 60000;
    if (!start()) return 0;
    up();
    return 60000;
}

static uint32_t lost_wire(void)
{
    if (!begin(true)) return 0;
    down(0, 0);
    return timeout();
}

static uint32_t lost_alone(void)
{
    if (!begin(false)) return 0;
    down(1006, 0);
    return timeout();
}

static uint32_t told_to_wait(void)
{
    if (!begin(false)) return 0;
    down(503, 7);
    return timeout();
}

static uint32_t told_to_wait_for_days(void)
{
    if (!begin(false)) return 0;
    down(503, 0xFFFFFFFFu);
    return timeout();
}

static uint32_t dial_let_pass(void)
{
    prepare(true);
    return start() ? 60000 : 0;
}

static uint32_t dial_let_pass_alone(void)
{
    prepare(false);
    return start() ? 60000 : 0;
}

static uint32_t dialled_again(void)
{
    if (!begin(false)) return 0;
    down(0, 0);
    misskey_session_dial_now(bench.session);
    return 500;
}

static uint32_t stable(void)
{
    if (!begin(false)) return 0;
    down(0, 0);
    up();
    return 30000;
}

static uint32_t paced(void)
{
    prepare(false);
    bench.desc.session.rate = 1;
    if (!start()) return 0;
    up();
    (void)capture("a");
    (void)capture("b");
    return 1000;
}

static const struct timer { const char *name; uint32_t (*set)(void); bool (*fired)(void); } timers[] = {
    { "upgrade", upgrading, was_closed_by_time }, { "silence", silent, was_pinged },
    { "pong", pinged, was_closed_by_time },
    { "close", closing, was_closed }, { "acknowledgement", asked_wire, was_refused },
    { "acknowledgement alone", asked_alone, was_refused }, { "heartbeat", beating, said_h },
    { "retry", lost_wire, was_dialled }, { "retry alone", lost_alone, was_dialled },
    { "Retry-After", told_to_wait, was_dialled }, { "long Retry-After", told_to_wait_for_days, was_dialled },
    { "DIAL let pass", dial_let_pass, was_dialled }, { "DIAL let pass alone", dial_let_pass_alone, was_dialled },
    { "dial now", dialled_again, was_dialled }, { "stable", stable, forgot }, { "rate", paced, said_b }
};
enum { TIMERS = sizeof timers / sizeof timers[0] };

/* Sets a timer and ticks once, so that its clock runs. */
static uint32_t set(const struct timer *t)
{
    const uint32_t span = t->set();
    tick(0);
    bench.seen[0] = '\0';
    return t->fired() ? 0 : span;
}

/* As long as the clock goes forward. */
TEST timers_fire_in_time(void)
{
    unsigned i;
    for (i = 0; i < TIMERS; i++) {
        const uint32_t span = set(&timers[i]);
        ASSERTm(timers[i].name, span > 0 && (timeout() <= span || timers[i].fired == forgot));
        tick(span / 3);
        ASSERTm(timers[i].name, !timers[i].fired());
        tick(span - span / 3 - 1);
        ASSERTm(timers[i].name, !timers[i].fired());
        tick(1);
        ASSERTm(timers[i].name, timers[i].fired());
    }
    PASS();
}

/* NTP, a leap second, two processors with clocks of their own. The time that has passed before the step counts. */
TEST a_clock_set_back_neither_fires_nor_stalls_a_timer(void)
{
    static const uint32_t steps[] = { 1, 7, 1000, 3600000, 2 * DAY };
    unsigned i, k;
    for (i = 0; i < TIMERS * 5; i++) {
        const struct timer *const t = &timers[i / 5];
        const uint32_t span = set(t), back = steps[i % 5];
        ASSERTm(t->name, span > 0);
        tick(span / 2);
        for (k = 0; k < 3; k++) tick(0u - back);
        ASSERTm(t->name, !t->fired());
        tick(span - span / 2 - 1);
        ASSERTm(t->name, !t->fired());
        tick(1);
        ASSERTm(t->name, t->fired());
    }
    PASS();
}

/* 24.8 days are 2^31 ms. */
TEST after_weeks_without_a_tick_every_timer_has_fired(void)
{
    static const uint32_t days[] = { 12, 24, 25, 37, 46 };
    unsigned i;
    for (i = 0; i < TIMERS * 5; i++) {
        const struct timer *const t = &timers[i / 5];
        const uint32_t span = set(t);
        ASSERTm(t->name, span > 0);
        tick(days[i % 5] * DAY);
        ASSERTm(t->name, t->fired());
    }
    for (i = 0; i < TIMERS; i++) { /* beyond what a clock of 32 bits can tell: late, but not never */
        const uint32_t span = set(&timers[i]);
        ASSERTm(timers[i].name, span > 0);
        tick(0u - 1000);
        tick(span);
        ASSERTm(timers[i].name, timers[i].fired());
    }
    PASS();
}

/* --- calls between two ticks --- */

/* Clocks of both sides, without reading. */
static void wake(uint32_t ms)
{
    bench.now += ms;
    if (bench.wire) {
        misskey_conn_tick(&bench.conn, bench.now);
        misskey_ws_tick(&bench.server, bench.now);
    } else {
        misskey_session_tick(bench.session, bench.now);
    }
}

static void feed_all(const char *bytes, size_t len)
{
    while (len > 0) {
        const size_t n = misskey_conn_feed(&bench.conn, bytes, len);
        if (n == 0) return;
        bytes += n;
        len -= n;
        run();
    }
}

/* A connect that blocks: name resolution, a slow modem. */
TEST an_upgrade_has_its_time_from_the_first_tick_on(void)
{
    uint32_t blocked;
    for (blocked = 0; blocked <= 120000; blocked += 250) {
        if (blocked >= 10000 && blocked <= 10005) continue; /* as if it had slept the time that it was told */
        prepare(true);
        CHECK(start());
        bench.now += blocked;
        misskey_conn_transport_up(&bench.conn);
        tick(0);
        tick(9999);
        CHECK(!was_closed() && timeout() == 1);
        tick(1);
        CHECK(was_closed_by_time());
    }
    PASS();
}

TEST a_retry_waits_from_the_first_tick_on(bool wire)
{
    uint32_t quiet, wait;
    for (quiet = 0; quiet <= 5000000; quiet = quiet * 2 + 333) {
        CHECK(begin(wire));
        bench.now += quiet;
        if (wire) { /* the transport could not be connected */
            down(0, 0);
            tick(100000);
            SEEN("dial");
            bench.now += quiet;
        }
        down(0, 0);
        tick(0);
        wait = timeout();
        CHECK(wait >= 500 && wait <= (wire ? 2500u : 1500u));
        tick(wait - 1);
        CHECK(!was_dialled());
        tick(1);
        CHECK(was_dialled());
    }
    PASS();
}

/* Whoever calls transport_up before the first tick has a clock all the same. */
TEST the_first_tick_may_come_late(void)
{
    static const uint32_t first[] = { 0, 1, 10000, 0x7FFFFFFF, 0x80000000u, 0xEFFFFFFFu, 0xF0000001u, 0xFFFFFFFFu };
    unsigned i;
    for (i = 0; i < sizeof first / sizeof first[0]; i++) {
        prepare(true);
        bench.now = first[i];
        bench.session = &bench.conn.session;
        OK(misskey_conn_init(&bench.conn, &bench.desc));
        up();
        SEEN("open");
        tick(0);
        CHECK(!was_closed() && timeout() >= 15000);
        tick(10000);
        CHECK(!was_closed());
        SEEN("");
    }
    PASS();
}

/* What is in the socket when a deadline has passed counts: the caller may have been busy. */
TEST what_has_arrived_counts_before_a_deadline_does(void)
{
    static const char switched[] = "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                   "Sec-WebSocket-Accept: ";
    uint8_t accept[28];
    char text[80];
    CHECK(begin(true));     /* the acknowledgement */
    CHECK(want("hashtag", NULL).id != 0);
    wake(60000);
    (void)sprintf(text, "{\"type\":\"connected\",\"body\":{\"id\":\"%s\"}}", bench.asked[0][0]);
    OK(misskey_ws_send(&bench.server, text, strlen(text), false));
    (void)move();
    run();
    SEEN("ready:hashtag");
    CHECK(begin(false));
    CHECK(want("hashtag", NULL).id != 0);
    wake(60000);
    acknowledge(0);
    SEEN("ready:hashtag");
    CHECK(pinged() > 0);    /* the pong */
    misskey_conn_tick(&bench.conn, bench.now += 60000);
    feed_all("\x8A\x00", 2);
    CHECK(!was_closed());
    CHECK(closing() > 0);   /* the Close */
    misskey_conn_tick(&bench.conn, bench.now += 60000);
    feed_all("\x88\x02\x03\xE8", 4);
    bench.linked = true;
    run();
    CHECK(was_closed() && bench.closed.err == MISSKEY_ERR_OK && bench.closed.code == 1000);
    CHECK(upgrading() > 0); /* the answer */
    tick(0);
    misskey_conn_tick(&bench.conn, bench.now += 60000);
    memcpy(accept, bench.conn.ws_.in_.head.accept, 28);
    CHECK(misskey_conn_feed(&bench.conn, switched, sizeof switched - 1) == sizeof switched - 1);
    CHECK(misskey_conn_feed(&bench.conn, accept, 28) == 28 && misskey_conn_feed(&bench.conn, "\r\n\r\n", 4) == 4);
    run();
    SEEN("open");
    PASS();
}

/* --- how long was it? --- */

/* A channel that is ready and has had a note; then the program does not tick for so long. */
static bool asleep(bool wire, uint32_t ms, uint32_t blink)
{
    prepare(wire);
    bench.desc.session.blink_ms = blink;
    if (!start()) return false;
    up();
    if (want("main", NULL).id == 0) return false;
    acknowledge(0);
    note(0, "n1");
    (void)take(bench.seen);
    bench.now += ms;
    return true;
}

/* The connection is lost, the next one is ready 1000 ms later. Which outage GAP tells; MISSKEY_FOREVER = no GAP. */
static uint32_t gap_after_loss(void)
{
    unsigned long outage = MISSKEY_FOREVER;
    const char *found;
    down(0, 0);
    tick(0);
    tick(500);
    up();
    tick(500);
    acknowledge(bench.num_asked - 1);
    found = strstr(bench.seen, "gap:main/");
    if (found != NULL) sscanf(found, "gap:main/%lu/", &outage);
    (void)take(bench.seen);
    return (uint32_t)outage;
}

static const uint32_t sleeps[] = { 2000, 2001, 5000, 35000, 74000, 80000, 600000, 3600000, 5 * DAY, 30 * DAY };
enum { SLEEPS = sizeof sleeps / sizeof sleeps[0] };

/* Old bytes are read on waking, in turns of this length, with so many ticks before the first one. */
TEST a_gap_covers_the_sleep(bool wire)
{
    static const uint32_t turns[] = { 0, 1, 20, 400, 999, 1999 };
    unsigned i, ticks, k;
    for (i = 0; i < SLEEPS * 6; i++) {
        for (ticks = 0; ticks < 4; ticks++) {
            const uint32_t turn = turns[i % 6];
            uint32_t passed = sleeps[i / 6], outage;
            CHECK(asleep(wire, passed, i % 2 ? 1000 : 0));
            for (k = 0; k < ticks; k++) wake(0);
            for (k = 0; k < 5; k++) {
                char old[128];
                const int len = sprintf(old, "{\"type\":\"channel\",\"body\":{\"id\":\"%s\",\"type\":\"note\",\"body\":"
                                        "{\"id\":\"n%u\"}}}", bench.asked[0][0], k + 2);
                char frame[130] = { (char)0x81, (char)len };
                memcpy(frame + 2, old, (size_t)len);
                bench.linked = false;
                if (wire) feed_all(frame, (size_t)len + 2);
                else { OK(misskey_session_recv_message(bench.session, old, (size_t)len)); run(); }
                wake(turn);
                passed += turn;
            }
            outage = gap_after_loss();
            CHECK(outage != MISSKEY_FOREVER && outage >= passed + 1000 && outage <= passed + 1000 + 1);
        }
    }
    PASS();
}

/* A second without anything, or a minute without another stall: what comes then has not waited. */
TEST what_comes_after_a_calm_time_is_new(bool wire)
{
    unsigned i, k;
    for (i = 0; i < SLEEPS; i++) {
        CHECK(asleep(wire, sleeps[i], 0));
        wake(0);
        note(0, "n2");
        if (!wire || i % 2) {
            for (k = 0; k < 4; k++) tick(timeout() < 300 ? timeout() : 300);
        } else {
            for (k = 0; k < 121; k++) tick(500), note(0, "n3"); /* always something */
        }
        note(0, "n4");
        ASSERT_EQ_FMT(1000u, (unsigned)gap_after_loss(), "%u");
    }
    PASS();
}

/* Half a minute between notes is no sleep that would be added up. */
TEST a_quiet_channel_is_not_asleep(bool wire)
{
    unsigned k, n;
    CHECK(asleep(wire, 0, 0));
    for (k = 0; k < 100; k++) {
        for (n = 0; n < 30000; ) {
            const uint32_t step = timeout() < 30000 - n ? timeout() : 30000 - n;
            n += step;
            if (n < 30000) tick(step);
            else wake(step);
        }
        note(0, "n2");
    }
    CHECK(gap_after_loss() <= 31000);
    PASS();
}

/* The pong proves that everything before it has come, so that nothing needs a calm second. */
TEST a_pong_proves_that_nothing_is_missing(void)
{
    CHECK(asleep(true, 3600000, 0));
    wake(0);
    note(0, "n2"); /* the server answers the ping at once */
    wake(10);
    ASSERT_EQ_FMT(1010u, (unsigned)gap_after_loss(), "%u");
    PASS();
}

/* One that was on its way before the sleep, or before another one, proves nothing. */
TEST another_pong_proves_nothing(void)
{
    static const char pong[] = { (char)0x8A, 0 }, probe_pong[] = { (char)0x8A, 1, 0 };
    size_t len;
    CHECK(asleep(true, 3600000, 0));
    bench.linked = false;
    wake(0);
    feed_all("\x89\x00", 2);
    feed_all(pong, 2);
    wake(10);
    CHECK(gap_after_loss() == 3601010);
    CHECK(asleep(true, 3600000, 0));
    bench.linked = false;
    wake(0);
    feed_all("\x89\x00", 2);    /* the ping of one byte goes out ... */
    while (misskey_conn_send_buf(&bench.conn, &len) != NULL) misskey_conn_send_ack(&bench.conn, len);
    wake(3600000);              /* ... and its pong comes when the program wakes for the second time */
    feed_all(probe_pong, 3);
    wake(10);
    CHECK(gap_after_loss() == 7201010);
    PASS();
}

/* What has not come whole is lost: its beginning says when it was sent. */
TEST half_a_message_is_part_of_the_gap(void)
{
    unsigned k;
    CHECK(asleep(true, 0, 0));
    bench.linked = false;
    feed_all("\x81\x7E\x01\x00{\"type\":\"channel\"", 21);
    for (k = 0; k < 50; k++) {
        tick(500);
        feed_all("x", 1);
    }
    ASSERT_EQ_FMT(26000u, (unsigned)gap_after_loss(), "%u");
    PASS();
}

/* --- objects that were not made --- */

TEST calls_on_what_was_not_made_do_nothing(bool failed)
{
    misskey_conn_desc desc;
    misskey_conn conn;
    misskey_session *const s = &conn.session;
    misskey_event event;
    misskey_message m;
    misskey_channel channel = { 0 };
    uint8_t byte = 0;
    size_t len;
    memset(&conn, failed ? 0xAA : 0, sizeof conn);
    memset(&desc, 0, sizeof desc);
    memset(&m, 0, sizeof m);
    m.kind = MISSKEY_KIND_TEXT_H;
    if (failed) REFUSED(BAD_ARG, misskey_conn_init(&conn, &desc));
    misskey_conn_tick(&conn, 5);
    misskey_conn_tick(&conn, 0x90000000u);
    misskey_conn_transport_up(&conn);
    misskey_session_transport_up(s);
    CHECK(misskey_conn_recv_buf(&conn, &len) == NULL && len == 0);
    misskey_conn_recv_ack(&conn, 1);
    CHECK(misskey_conn_feed(&conn, &byte, 1) == 0);
    CHECK(misskey_conn_send_buf(&conn, &len) == NULL && len == 0);
    misskey_conn_send_ack(&conn, 1);
    CHECK(!misskey_conn_poll(&conn, &event) && !misskey_session_poll(s, &event));
    REFUSED(BAD_STATE, misskey_channel_open(s, "main", NULL, NULL, &channel));
    REFUSED(STALE, misskey_channel_close(s, channel));
    REFUSED(BAD_STATE, misskey_note_capture(s, "a", 1));
    REFUSED(STALE, misskey_note_release(s, "a", 1));
    REFUSED(STALE, misskey_conn_channel_send(&conn, channel, "read", NULL));
    REFUSED(BAD_STATE, misskey_conn_send(&conn, &m));
    REFUSED(BAD_STATE, misskey_conn_close(&conn, 1000, NULL));
    REFUSED(BAD_STATE, misskey_session_recv_message(s, "{}", 2));
    REFUSED(WOULD_BLOCK, misskey_session_send_message(s, (char *)&byte, 1, &len));
    misskey_session_dial_now(s);
    misskey_conn_transport_down(&conn);
    misskey_session_transport_down(s, 0, 0);
    misskey_session_tick(s, 7);
    CHECK(!misskey_conn_poll(&conn, &event) && !misskey_session_poll(s, &event));
    CHECK(misskey_conn_timeout(&conn) == MISSKEY_FOREVER && misskey_session_timeout(s) == MISSKEY_FOREVER);
    PASS();
}

SUITE(time_)
{
    RUN_TEST(timers_fire_in_time);
    RUN_TEST(a_clock_set_back_neither_fires_nor_stalls_a_timer);
    RUN_TEST(after_weeks_without_a_tick_every_timer_has_fired);
    RUN_TEST(an_upgrade_has_its_time_from_the_first_tick_on);
    BOTH(a_retry_waits_from_the_first_tick_on);
    greatest_set_test_suffix("");
    RUN_TEST(the_first_tick_may_come_late);
    RUN_TEST(what_has_arrived_counts_before_a_deadline_does);
    BOTH(a_gap_covers_the_sleep);
    BOTH(what_comes_after_a_calm_time_is_new);
    BOTH(a_quiet_channel_is_not_asleep);
    greatest_set_test_suffix("");
    RUN_TEST(a_pong_proves_that_nothing_is_missing);
    RUN_TEST(another_pong_proves_nothing);
    RUN_TEST(half_a_message_is_part_of_the_gap);
    RUN_TESTp(calls_on_what_was_not_made_do_nothing, true);
    RUN_TESTp(calls_on_what_was_not_made_do_nothing, false);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(time_);
    GREATEST_MAIN_END();
}
