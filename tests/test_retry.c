/* When a client dials again, how it finds a dead peer, and what it says about the time that it lost. */
#define _POSIX_C_SOURCE 200809L
#include "session_bench.h"

enum { CLIENTS = 1000, ATTEMPTS = 32 };

/* --- a crowd of clients whose server is away for a minute --- */

struct client {
    misskey_session session;
    uint32_t seed;
    uint32_t first, due;                /* its first retry; when it has something to do */
    bool there;
};
static struct client clients[CLIENTS];
static uint32_t retries[CLIENTS * ATTEMPTS];
static unsigned num_retries;

static bool client_entropy(void *user, void *dst, size_t len)
{
    struct client *const c = (struct client *)user;
    uint8_t *d = (uint8_t *)dst;
    while (len-- > 0) {
        c->seed ^= c->seed << 13;
        c->seed ^= c->seed >> 17;
        c->seed ^= c->seed << 5;
        *d++ = (uint8_t)(c->seed >> 16);
    }
    return true;
}

static void client_start(struct client *c, uint32_t seed, uint32_t now)
{
    misskey_session_desc desc;
    misskey_event e;
    memset(&desc, 0, sizeof desc);
    memset(c, 0, sizeof *c);
    c->seed = seed * 2654435761u + 1;
    desc.entropy = client_entropy;
    desc.user = c;
    misskey_session_init(&c->session, &desc);
    misskey_session_tick(&c->session, now);
    while (misskey_session_poll(&c->session, &e)) {}
}

static void client_connects(struct client *c)
{
    misskey_event e;
    misskey_session_transport_up(&c->session);
    while (misskey_session_poll(&c->session, &e)) {}
    c->there = true;
}

/* Does it dial at this time? */
static bool client_dials(struct client *c, uint32_t now)
{
    misskey_event e;
    bool dials = false;
    misskey_session_tick(&c->session, now);
    while (misskey_session_poll(&c->session, &e)) dials |= e.type == MISSKEY_EVENT_DIAL;
    return dials;
}

/* The largest part of all retries in any 100 ms, in tenths of a percent. retries is in order. */
static unsigned worst_window(void)
{
    unsigned i, first = 0, worst = 0;
    for (i = 0; i < num_retries; i++) {
        while (retries[i] - retries[first] >= 100) first++;
        if (i - first + 1 > worst) worst = i - first + 1;
    }
    return num_retries == 0 ? 1000 : worst * 1000 / num_retries;
}

/* One minute without a server: refuse is how an attempt fails. False: somebody never came
   back, or timeout told a wrong time. */
static bool outage(uint32_t seed, uint32_t start, uint16_t refuse)
{
    unsigned i, there = 0;
    uint32_t t;
    num_retries = 0;
    for (i = 0; i < CLIENTS; i++) {
        client_start(&clients[i], seed + i, start);
        client_connects(&clients[i]);
        misskey_session_tick(&clients[i].session, start + 40000);
        misskey_session_transport_down(&clients[i].session, 1006, 0);
        clients[i].there = false;
        clients[i].due = misskey_session_timeout(&clients[i].session);
    }
    start += 40000;
    for (t = 0; t < 180000 && there < CLIENTS; t++) {
        for (i = 0; i < CLIENTS; i++) {
            struct client *const c = &clients[i];
            if (c->there || t < c->due) continue;
            if (!client_dials(c, start + t)) return false;
            if (num_retries < CLIENTS * ATTEMPTS) retries[num_retries++] = t;
            if (c->first == 0) c->first = t;
            if (t >= 60000) client_connects(c);
            else misskey_session_transport_down(&c->session, refuse, 0);
            c->due = t + misskey_session_timeout(&c->session);
            there += c->there;
        }
    }
    return there == CLIENTS;
}

TEST a_crowd_spreads_its_retries(uint16_t refuse)
{
    unsigned i;
    CHECK(outage(refuse, 0xFFFFFFFFu - 50000, refuse)); /* the clock wraps on the way */
    CHECK(num_retries > 4 * CLIENTS && num_retries < 12 * CLIENTS);
    ASSERTm("at most 5 % in any 100 ms", worst_window() <= 50);
    for (i = 0; i < CLIENTS; i++) CHECK(clients[i].first >= 500 && clients[i].first <= 1500);
    PASS();
}

/* --- one client, its server refuses --- */

/* The upgrade is answered with this head; returns the milliseconds until DIAL, MISSKEY_FOREVER = never. */
static uint32_t delay_after(const char *head)
{
    const uint32_t from = bench.now;
    misskey_conn_transport_up(&bench.conn);
    bench.linked = false;
    misskey_conn_feed(&bench.conn, head, strlen(head));
    misskey_conn_transport_down(&bench.conn);
    run();
    take(bench.seen);
    while (timeout() != MISSKEY_FOREVER && bench.seen[0] == '\0') tick(timeout());
    return strcmp(take(bench.seen), "dial") == 0 ? bench.now - from : MISSKEY_FOREVER;
}

TEST refused_for_good(void)
{
    static const char *const heads[] = {
        "HTTP/1.1 401 Unauthorized\r\n\r\n", "HTTP/1.1 403 Forbidden\r\nRetry-After: 7\r\n\r\n"
    };
    unsigned i;
    for (i = 0; i < 2; i++) {
        prepare(true);
        CHECK(start());
        ASSERT_EQ_FMT(MISSKEY_FOREVER, delay_after(heads[i]), "%u");
        CHECK(bench.closed.code == (i == 0 ? 401 : 403) && bench.closed.err == MISSKEY_ERR_HTTP_STATUS);
        tick(10000000);
        SEEN("");
        misskey_session_dial_now(bench.session); /* the application may know better */
        run();
        SEEN("dial");
    }
    PASS();
}

/* The status with which the nth connection ended; -1 = it could not be opened, so the status is that of the upgrade. */
static uint32_t delay_alone(bool opened, uint16_t status)
{
    const uint32_t from = bench.now;
    misskey_session_transport_up(bench.session);
    if (opened) run();
    misskey_session_transport_down(bench.session, status, 0);
    tick(0);
    take(bench.seen);
    while (timeout() != MISSKEY_FOREVER && bench.seen[0] == '\0') tick(timeout());
    return strcmp(take(bench.seen), "dial") == 0 ? bench.now - from : MISSKEY_FOREVER;
}

/* A CDN in between has a bad day, the token has been good: never give up, but slowly. 401 is the server's own word. */
TEST after_a_good_connection_403_is_no_end(void)
{
    uint32_t seed, delay, most = 0;
    for (seed = 1; seed <= 100; seed++) {
        prepare(false);
        CHECK(start());
        bench.seed = seed * 7919;
        CHECK(delay_alone(true, 1006) <= 1500);
        delay = delay_alone(false, 403);
        CHECK(delay >= 500 && delay <= 60500);
        if (delay > most) most = delay;
        delay = delay_alone(false, 403);
        CHECK(delay != MISSKEY_FOREVER);
        CHECK(delay_alone(false, 401) == MISSKEY_FOREVER);
        misskey_session_dial_now(bench.session);
        tick(500);
        SEEN("dial");
    }
    CHECK(most > 50000);
    PASS();
}

/* Policy violation (too many messages), try again later: slowly. Service restart and all others: the usual ladder. */
TEST codes_that_ask_for_patience_get_it(void)
{
    static const uint16_t codes[] = { 1008, 1013, 1000, 1001, 1006, 1011, 1012, 4000 };
    uint32_t seed, most;
    unsigned i;
    for (i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        for (most = 0, seed = 1; seed <= 100; seed++) {
            uint32_t delay;
            prepare(false);
            CHECK(start());
            bench.seed = seed * 7919;
            delay = delay_alone(true, codes[i]);
            if (delay > most) most = delay;
        }
        CHECK(i < 2 ? most > 50000 && most <= 60500 : most > 1000 && most <= 1500);
    }
    PASS();
}

/* An application that has no use for a DIAL right now, or lost it. */
TEST a_dial_that_was_let_pass_comes_again(bool wire)
{
    prepare(wire);
    bench.desc.session.retry_max_ms = 20000;
    CHECK(start());
    tick(0);
    CHECK(timeout() == 20000);
    tick(19999);
    SEEN("");
    tick(1);
    SEEN("dial");
    tick(20000);
    SEEN("dial");
    up();
    SEEN("open");
    tick(10000000);
    CHECK(strstr(take(bench.seen), "dial") == NULL || wire);
    PASS();
}

/* Extremes of the nth delay over many clients, each refused every time. */
static void delays(const char *head, unsigned nth, uint32_t *least, uint32_t *most)
{
    uint32_t seed, delay = 0;
    unsigned i;
    *least = MISSKEY_FOREVER;
    *most = 0;
    for (seed = 1; seed <= 200; seed++) {
        prepare(true);
        bench.now = seed * 77777777u;
        if (!start()) return;
        bench.seed = seed * 7919;
        for (i = 0; i <= nth; i++) delay = delay_after(head);
        if (delay < *least) *least = delay;
        if (delay > *most) *most = delay;
    }
}

TEST retry_after_is_kept_and_spread(void)
{
    uint32_t least, most;
    delays("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\n\r\n", 0, &least, &most);
    CHECK(least >= 7000 && least < 7100 && most > 7900 && most <= 8000);
    delays("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n\r\n", 5, &least, &most);
    CHECK(least >= 7000 && least < 7100 && most > 7900 && most <= 8000);
    PASS();
}

TEST other_refusals_back_off(void)
{
    static const char *const heads[] = {
        "HTTP/1.1 502 Bad Gateway\r\n\r\n", "HTTP/1.1 429 Rate Limit Exceeded\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\n\r\n",
        "HTTP/1.1 301 Moved Permanently\r\nLocation: https://b/\r\n\r\n", "", "SSH-2.0\r\n\r\n"
    };
    static const uint32_t spans[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
    uint32_t least, most;
    unsigned i, n;
    for (i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        for (n = 0; n < 8; n += i == 0 ? 1 : 3) {
            delays(heads[i], n, &least, &most);
            ASSERTm(heads[i], least >= 500 && least <= 500 + spans[n] / 10);
            ASSERTm(heads[i], most <= 500 + spans[n] && most >= 500 + spans[n] - spans[n] / 10);
        }
    }
    PASS();
}

/* The upgrade is accepted, then the server closes with a code (0: without one; 1: no Close at all) after open_ms. */
static uint32_t delay_after_close(uint16_t code, uint32_t open_ms)
{
    uint32_t from;
    up();
    tick(open_ms);
    if (code != 1) {
        misskey_ws_close(&bench.server, code, NULL);
        run();
    }
    down(0, 0);
    from = bench.now;
    take(bench.seen);
    while (bench.seen[0] == '\0' && timeout() != MISSKEY_FOREVER) tick(timeout());
    return strcmp(take(bench.seen), "dial") == 0 ? bench.now - from : MISSKEY_FOREVER;
}

TEST policy_violation_starts_at_the_cap(void)
{
    uint32_t most = 0, sum = 0, seed, delay;
    for (seed = 1; seed <= 100; seed++) {
        prepare(true);
        CHECK(start());
        bench.seed = seed * 7919;
        delay = delay_after_close(1008, 40000);
        CHECK(delay >= 500 && delay <= 60500);
        sum += delay;
        if (delay > most) most = delay;
    }
    CHECK(bench.closed.code == 1008 && sum / 100 > 20000 && sum / 100 < 40000 && most > 50000);
    PASS();
}

/* A server that takes the upgrade and closes at once: how some forks refuse a token. */
TEST accepted_and_closed_is_a_failure(uint16_t code)
{
    uint32_t most = 0, seed, delay = 0;
    unsigned i;
    for (seed = 1; seed <= 50; seed++) {
        prepare(true);
        CHECK(start());
        bench.seed = seed * 7919;
        for (i = 0; i < 5; i++) delay = delay_after_close(code, 0);
        CHECK(delay >= 500 && delay <= 16500);
        if (delay > most) most = delay;
    }
    CHECK(most > 12000);
    PASS();
}

TEST a_stable_period_forgets_the_failures(void)
{
    uint32_t seed, delay, most = 0;
    unsigned i;
    for (seed = 1; seed <= 50; seed++) {
        prepare(true);
        CHECK(start());
        bench.seed = seed * 7919;
        for (i = 0; i < 6; i++) delay_after_close(0, 0);
        delay = delay_after_close(0, 29999);
        if (delay > most) most = delay;
        delay = delay_after_close(0, 30000);
        CHECK(delay >= 500 && delay <= 1500);
    }
    CHECK(most > 40000);
    PASS();
}

static bool no_entropy(void *user, void *dst, size_t len)
{
    (void)user;
    (void)dst;
    (void)len;
    return false;
}

/* Without a random number the whole span is waited: late, never early. */
TEST without_entropy(void)
{
    unsigned i;
    for (i = 0; i < 2; i++) {
        prepare(false);
        bench.desc.session.entropy = i == 0 ? NULL : no_entropy;
        CHECK(start());
        down(0, 0);
        tick(0);
        tick(1499);
        SEEN("");
        tick(1);
        SEEN("dial");
    }
    PASS();
}

TEST limits_of_the_desc(void)
{
    prepare(false);
    bench.desc.session.entropy = NULL;
    bench.desc.session.retry_ms = 10;
    bench.desc.session.retry_max_ms = 30;
    CHECK(start());
    down(0, 0);
    ASSERT_EQ_FMT(510u, timeout(), "%u");
    tick(510);
    down(0, 0);
    ASSERT_EQ_FMT(520u, timeout(), "%u");
    tick(520);
    down(0, 0);
    ASSERT_EQ_FMT(530u, timeout(), "%u");
    tick(530);
    down(429, 0xFFFFFFFFu); /* an absurd time is still a time */
    CHECK(timeout() >= 1000000000u && timeout() != MISSKEY_FOREVER);
    PASS();
}

/* --- dead peers --- */

/* Steps by what timeout asks for, until CLOSED or the end of the time. */
static uint32_t time_to_close(uint32_t max)
{
    const uint32_t from = bench.now;
    bench.closed.type = MISSKEY_EVENT_NONE;
    while (bench.closed.type == MISSKEY_EVENT_NONE && bench.now - from < max) tick(timeout() < 1 ? 1 : timeout());
    return bench.now - from;
}

TEST a_dead_peer_is_found(uint32_t start_at)
{
    const uint8_t *out;
    size_t len;
    prepare(true);
    bench.now = start_at;
    CHECK(start());
    up();
    want("main", NULL);
    tick(5000);
    acknowledge(0);
    take(bench.seen);
    bench.linked = false; /* nothing arrives, nothing ends */
    tick(74999);
    CHECK(misskey_conn_send_buf(&bench.conn, &len) == NULL);
    tick(1);
    out = misskey_conn_send_buf(&bench.conn, &len);
    CHECK(out != NULL && len == 6 && out[0] == 0x89);
    ASSERT_EQ_FMT(15000u, time_to_close(200000), "%u");
    CHECK(bench.closed.err == MISSKEY_ERR_TIMEOUT && bench.closed.code == 1006);
    tick(1500);
    up();
    acknowledge(1);
    CHECK(strstr(take(bench.seen), "dial resumed ready:main gap:main/9") != NULL);
    PASS();
}

TEST an_upgrade_without_an_answer_is_given_up(void)
{
    prepare(true);
    CHECK(start());
    misskey_conn_transport_up(&bench.conn);
    ASSERT_EQ_FMT(10000u, time_to_close(200000), "%u");
    CHECK(bench.closed.err == MISSKEY_ERR_TIMEOUT && bench.closed.code == 0);
    CHECK(timeout() >= 500 && timeout() <= 1500);
    PASS();
}

/* A day of pings at the intervals that real servers kept (recordings keepalive, sharkey-2024.9.1-rc/keepalive and
   type4ny-2026.5.4/keepalive), half of them read late. */
TEST no_false_alarm_in_a_day(void)
{
    static const uint32_t intervals[] = { 59998, 60005, 59999, 60000, 59996, 60003 }; /* tenths are rounded outwards */
    static const uint8_t ping[2] = { 0x89, 0 };
    uint32_t end, pings = 0, pongs = 0, i;
    const uint8_t *out;
    size_t len;
    prepare(true);
    bench.now = 0xFFFFFFFFu - 40000000;
    CHECK(start());
    up();
    SEEN("open");
    bench.linked = false;
    for (end = bench.now + 33408; pings < 24 * 60; pings++, end += intervals[pings % 6]) {
        while (end - bench.now > timeout()) {
            tick(timeout() < 1 ? 1 : timeout());
            CHECK(misskey_conn_send_buf(&bench.conn, &len) == NULL); /* no ping of our own */
        }
        tick(end - bench.now);
        for (i = 0; i < 2; i++) CHECK(misskey_conn_feed(&bench.conn, ping + i, 1) == 1);
        if (pings % 2) tick(3000), end += 3000;
        run();
        out = misskey_conn_send_buf(&bench.conn, &len);
        CHECK(out != NULL && len == 6 && out[0] == 0x8A);
        misskey_conn_send_ack(&bench.conn, len);
        pongs++;
        end = bench.now;
    }
    SEEN("");
    CHECK(bench.closed.type == MISSKEY_EVENT_NONE && pongs == pings);
    PASS();
}

/* --- gaps on recorded traffic, cut at any byte --- */

struct stream { uint8_t *at; size_t len, cap; };

static void put(struct stream *s, const void *bytes, size_t len)
{
    if (s->len + len > s->cap) {
        s->cap = (s->len + len) * 2;
        s->at = (uint8_t *)realloc(s->at, s->cap);
        if (s->at == NULL) abort();
    }
    memcpy(s->at + s->len, bytes, len);
    s->len += len;
}

static bool read_all(struct stream *s, FILE *file)
{
    char buf[65536];
    size_t n;
    while (file != NULL && (n = fread(buf, 1, sizeof buf, file)) > 0) put(s, buf, n);
    if (s->len == 0) return false;
    put(s, "", 1); /* the end for strstr */
    s->len--;
    return true;
}

/* server.bin of the bulk recording, else the beginning of it that is committed. */
static bool read_bulk(struct stream *s)
{
    FILE *file = popen("gzip -dc ../shared/recordings/bulk/server.bin.gz 2>/dev/null", "r");
    bool ok = read_all(s, file);
    if (file != NULL) pclose(file);
    if (ok) return true;
    file = fopen("tests/recordings/bulk/server.bin", "rb");
    ok = read_all(s, file);
    if (file != NULL) fclose(file);
    return ok;
}

/* Payload of the frame at *at (unmasked, never fragmented in this recording); NULL at the end. */
static const char *next_payload(const struct stream *s, size_t *at, size_t *len)
{
    const uint8_t *const p = s->at + *at;
    unsigned extended, i;
    if (s->len - *at < 10) return NULL;
    extended = p[1] == 126 ? 2 : p[1] == 127 ? 8 : 0;
    *len = extended > 0 ? 0 : p[1];
    for (i = 0; i < extended; i++) *len = *len << 8 | p[2 + i];
    if (s->len - *at - 2 - extended < *len) return NULL;
    *at += 2 + extended + *len;
    return (const char *)p + 2 + extended;
}

static const struct { const char *recorded, *name; } bulk_channels[] = {
    { "main", "main" }, { "2", "homeTimeline" }, { "3", "localTimeline" }, { "4", "globalTimeline" }
};

/* The recorded message with the channel id of this connection, as a frame. Returns which channel, -1 for others. */
static int translate(struct stream *frame, const char *text, size_t len)
{
    static const char head[] = "{\"type\":\"channel\",\"body\":{\"id\":\"";
    const char *const rest = text + sizeof head - 1;
    uint8_t header[10] = { 0x81, 127 };
    size_t id_len, total, size, i;
    int k;
    frame->len = 0;
    if (len < sizeof head || memcmp(text, head, sizeof head - 1) != 0) return -1;
    id_len = (size_t)((const char *)memchr(rest, '"', len - (sizeof head - 1)) - rest);
    for (k = 0; strncmp(bulk_channels[k].recorded, rest, id_len) != 0; k++) {}
    total = len - id_len + strlen(bench.asked[k][0]);
    if (total < 65536) header[1] = (uint8_t)(total < 126 ? total : 126);
    size = total < 126 ? 2 : total < 65536 ? 4 : 10;
    for (i = 2; i < size; i++) header[i] = (uint8_t)((uint64_t)total >> 8 * (size - 1 - i));
    put(frame, header, size);
    put(frame, head, sizeof head - 1);
    put(frame, bench.asked[k][0], strlen(bench.asked[k][0]));
    put(frame, rest + id_len, len - (sizeof head - 1) - id_len);
    return k;
}

/* Brings the channels back; the events must be one READY and one GAP for each, with the last id. */
static bool resume_with_gaps(char last[4][40], uint32_t outage)
{
    char expected[512] = "resumed ";
    unsigned k;
    down(0, 0);
    tick(outage);
    take(bench.seen);
    bench.num_asked = 0;
    up();
    for (k = 0; k < 4; k++) acknowledge(k);
    for (k = 0; k < 4; k++) {
        const char *const name = bulk_channels[k].name;
        sprintf(expected + strlen(expected), "ready:%s gap:%s/%u/%s ", name, name, (unsigned)outage, last[k]);
    }
    if (strcmp(expected, bench.seen) == 0) return true;
    printf("  expected %s\n  got      %s\n", expected, bench.seen);
    return false;
}

/* Feeds all but what is behind the cut; returns the bytes taken. */
static size_t feed(const struct stream *frame, size_t len)
{
    misskey_event e;
    size_t done = 0;
    while (done < len) {
        const size_t n = misskey_conn_feed(&bench.conn, frame->at + done, len - done);
        while (misskey_conn_poll(&bench.conn, &e)) {}
        if (n == 0) break;
        done += n;
    }
    return done;
}

TEST gaps_on_the_bulk_recording(void)
{
    static uint8_t rx[MISSKEY_RX_SIZE(1 << 20)];
    struct stream bulk = { NULL, 0, 0 }, frame = { NULL, 0, 0 };
    char last[4][40] = { "", "", "", "" };
    const char *text, *id;
    size_t at, start_at, len, cut = 10000, passed = 0;
    unsigned k, cuts = 0;
    int channel;
    if (!read_bulk(&bulk)) SKIPm("neither ../shared/recordings/bulk nor tests/recordings/bulk is there");
    prepare(true);
    bench.desc.ws.rx.ptr = rx; bench.desc.ws.rx.size = sizeof rx;
    bench.desc.session.rate = 10000; /* more outages in a second than the pacing is for */
    CHECK(start());
    up();
    for (k = 0; k < 4; k++) want(bulk_channels[k].name, NULL);
    for (k = 0; k < 4; k++) acknowledge(k);
    bench.desc.session.trace = bench.session->d_.trace = NULL;
    start_at = (size_t)(strstr((const char *)bulk.at, "\r\n\r\n") + 4 - (const char *)bulk.at);
    for (at = start_at; cuts < 1000;) {
        text = next_payload(&bulk, &at, &len);
        if (text == NULL) at = start_at; /* the excerpt needs more than one round */
        channel = text == NULL ? -1 : translate(&frame, text, len);
        if (channel < 0) continue;
        passed += frame.len;
        if (passed > cut) { /* this message comes in part, and again on the next transport */
            feed(&frame, (size_t)(cut - (passed - frame.len)));
            ASSERTm("one gap for each channel, with its last id", resume_with_gaps(last, 100 + cuts % 7));
            cuts++;
            client_entropy(&clients[0], &k, sizeof k);
            cut += 1 + k % 40000;
            translate(&frame, text, len);
            if (cut < passed) cut = passed;
        }
        ASSERT_EQ_FMT(frame.len, feed(&frame, frame.len), "%zu");
        id = strstr(text, "\"type\":\"note\",\"body\":{\"id\":\"");
        if (id != NULL && id - text < 80) sprintf(last[channel], "%.16s", id + 28);
    }
    free(bulk.at);
    free(frame.at);
    PASS();
}

SUITE(retry)
{
    greatest_set_test_suffix("unreachable");
    RUN_TESTp(a_crowd_spreads_its_retries, 0);
    greatest_set_test_suffix("503");
    RUN_TESTp(a_crowd_spreads_its_retries, 503);
    RUN_TEST(refused_for_good);
    RUN_TEST(retry_after_is_kept_and_spread);
    RUN_TEST(other_refusals_back_off);
    RUN_TEST(policy_violation_starts_at_the_cap);
    greatest_set_test_suffix("without_code");
    RUN_TESTp(accepted_and_closed_is_a_failure, 0);
    greatest_set_test_suffix("eof");
    RUN_TESTp(accepted_and_closed_is_a_failure, 1);
    RUN_TEST(after_a_good_connection_403_is_no_end);
    RUN_TEST(codes_that_ask_for_patience_get_it);
    BOTH(a_dial_that_was_let_pass_comes_again);
    greatest_set_test_suffix("");
    RUN_TEST(a_stable_period_forgets_the_failures);
    RUN_TEST(without_entropy);
    RUN_TEST(limits_of_the_desc);
}

SUITE(liveness)
{
    RUN_TESTp(a_dead_peer_is_found, 1000);
    greatest_set_test_suffix("while_the_clock_wraps");
    RUN_TESTp(a_dead_peer_is_found, 0xFFFFFFFFu - 50000);
    RUN_TEST(an_upgrade_without_an_answer_is_given_up);
    RUN_TEST(no_false_alarm_in_a_day);
}

SUITE(gaps)
{
    clients[0].seed = 1;
    RUN_TEST(gaps_on_the_bulk_recording);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(retry);
    RUN_SUITE(liveness);
    RUN_SUITE(gaps);
    GREATEST_MAIN_END();
}
