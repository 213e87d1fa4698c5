/* The session: the situations in which other clients fail, channels, captures. */
#include "session_bench.h"

/* --- the eight situations in which the official client subscribes twice, storms, or throws --- */

TEST capture_before_the_socket_opens_is_one_subnote(bool wire)
{
    prepare(wire);
    CHECK(start());
    OK(capture("a"));
    up();
    SAID("s:a");
    OK(release("a"));
    SAID("u:a");
    PASS();
}

TEST two_opens_of_main_are_one_connect(bool wire)
{
    misskey_channel first, second;
    CHECK(begin(wire));
    first = want("main", NULL);
    second = want("main", "{}");
    CHECK(first.id != 0 && first.id == second.id);
    SAID("+main");
    acknowledge(0);
    note(0, "n");
    SEEN("ready:main main:note");
    OK(shut(first));
    SAID("");
    OK(shut(second));
    SAID("-main");
    REFUSED(STALE, shut(second));
    PASS();
}

TEST release_while_offline_sends_nothing(bool wire)
{
    CHECK(begin(wire));
    OK(capture("a"));
    OK(capture("b"));
    SAID("s:a s:b");
    down(0, 0);
    OK(release("a"));
    up();
    SAID("s:b");
    PASS();
}

TEST every_attempt_has_its_own_address_and_key(void)
{
    misskey_url url = { "misskey.example", NULL, NULL, "1", false };
    char first[64], second[64], key[32];
    OK(misskey_url_write(&url, first, sizeof first, NULL));
    url.cache_buster = "2";
    OK(misskey_url_write(&url, second, sizeof second, NULL));
    CHECK(strcmp(first, second) != 0);
    CHECK(begin(true));
    memcpy(key, bench.key, sizeof key);
    down(0, 0);
    up();
    CHECK(key[0] != '\0' && memcmp(key, bench.key, 24) != 0);
    PASS();
}

/* A server that accepts and drops at once, for 6 s: when the client dials. */
static unsigned storm(uint32_t seed, bool wire, uint32_t at[32])
{
    unsigned n = 0;
    prepare(wire);
    if (!start()) return 0;
    bench.seed = seed;
    while (bench.now < 7000) {
        up();
        down(0, 0);
        take(bench.seen);
        while (bench.seen[0] == '\0') tick(1);
        if (n < 32) at[n++] = bench.now;
        take(bench.seen);
    }
    return n;
}

TEST first_retry_after_half_a_second_and_spread(bool wire)
{
    uint32_t one[32] = { 0 }, other[32] = { 0 };
    const unsigned n = storm(1, wire, one);
    CHECK(n > 1 && n <= 8);
    CHECK(storm(2, wire, other) > 1);
    CHECK(one[0] >= 1500 && other[0] >= 1500);
    CHECK(one[0] != other[0] && one[1] - one[0] != other[1] - other[0]);
    PASS();
}

static bool lives_after(const char *text)
{
    char expected[64];
    sprintf(expected, "message:%s", text);
    take(bench.seen);
    say("%s", text);
    if (strcmp(take(bench.seen), expected) != 0) return false;
    note(0, "n");
    return strcmp(take(bench.seen), "main:note") == 0;
}

TEST bare_pong_is_an_event(bool wire)
{
    CHECK(begin(wire));
    want("main", NULL);
    acknowledge(0);
    CHECK(lives_after("pong"));
    ASSERT_EQ_FMT(1u, (unsigned)bench.session->counters.texts, "%u");
    PASS();
}

TEST channel_without_body_is_an_event(bool wire)
{
    CHECK(begin(wire));
    want("main", NULL);
    acknowledge(0);
    CHECK(lives_after("{\"type\":\"channel\"}"));
    PASS();
}

TEST null_is_an_event(bool wire)
{
    CHECK(begin(wire));
    want("main", NULL);
    acknowledge(0);
    CHECK(lives_after("null"));
    CHECK(lives_after("1"));
    CHECK(lives_after("h"));
    ASSERT_EQ_FMT(3u, (unsigned)bench.session->counters.texts, "%u");
    PASS();
}

/* --- channels --- */

static misskey_err reopen(const char *name, const char *params)
{
    misskey_channel channel;
    return misskey_channel_open(bench.session, name, params, NULL, &channel);
}

TEST ready_by_connected_or_by_the_first_event(bool wire)
{
    CHECK(begin(wire));
    want("main", NULL);
    want("homeTimeline", "{\"withFiles\":true}");
    SAID("+main +homeTimeline");
    SEEN("");
    acknowledge(0);
    acknowledge(0);
    SEEN("ready:main");
    note(1, "n");
    acknowledge(1);
    note(1, "n");
    SEEN("ready:homeTimeline homeTimeline:note homeTimeline:note");
    PASS();
}

TEST refused_with_the_probable_reason(bool wire)
{
    CHECK(begin(wire));
    want("hashtag", NULL);
    want("noSuchChannel", NULL);
    want("homeTimeline", "{}");
    want("homeTimeline", "{\"withFiles\":true}"); /* a server before 2023.10 has it once */
    acknowledge(2);
    take(bench.seen);
    tick(9999);
    SEEN("");
    ASSERT_EQ_FMT(1u, (unsigned)timeout(), "%u");
    tick(1);
    SEEN("refused:hashtag/unknown refused:noSuchChannel/name refused:homeTimeline/shared");
    PASS();
}

TEST refused_above_the_limit_of_the_server(bool wire)
{
    unsigned i;
    unsigned places;
    for (places = 33; places <= 34; places++) { /* the places of the desc are what counts: a server may have more */
        prepare(wire);
        bench.desc.session.max_channels = (uint8_t)places;
        CHECK(start());
        up();
        for (i = 0; i < 33; i++) CHECK(want("hashtag", NULL).id != 0);
        for (i = 0; i < 32; i++) acknowledge(i);
        take(bench.seen);
        tick(10000);
        ASSERT_STR_EQ(places == 33 ? "refused:hashtag/limit" : "refused:hashtag/unknown", take(bench.seen));
    }
    PASS();
}

/* Number 0 is never one: an id on the wire spells slot and number. */
TEST four_thousand_million_connects_are_not_too_many(bool wire)
{
    unsigned i;
    CHECK(begin(wire));
    bench.session->wire_ = 0xFFFFFFFDu;
    for (i = 0; i < 5; i++) {
        CHECK(want("hashtag", NULL).id != 0);
        acknowledge(i);
        CHECK(strcmp(take(bench.seen), "ready:hashtag") == 0);
    }
    PASS();
}

TEST a_refused_channel_stays_wanted(bool wire)
{
    misskey_channel late, resumed, closed;
    CHECK(begin(wire));
    late = want("hashtag", NULL);
    resumed = want("antenna", NULL);
    closed = want("channel", NULL);
    tick(10000);
    SEEN("refused:hashtag/unknown refused:antenna/unknown refused:channel/unknown");
    REFUSED(NOT_READY, operate(late, "x", NULL));
    acknowledge(0);
    SEEN("ready:hashtag");
    OK(operate(late, "x", NULL));
    take(bench.said);
    OK(shut(closed));
    SAID("-channel"); /* it may hold a place of the server */
    down(0, 0);
    up();
    SAID("+hashtag +antenna");
    acknowledge(4);
    OK(operate(resumed, "x", NULL));
    PASS();
}

TEST close_before_the_connect_was_sent(bool wire)
{
    misskey_channel channel;
    prepare(wire);
    CHECK(start());
    channel = want("main", NULL);
    OK(shut(channel));
    up();
    SAID("");
    REFUSED(STALE, shut(channel));
    PASS();
}

TEST disconnect_waits_for_the_acknowledgement(bool wire)
{
    misskey_channel channel;
    prepare(wire);
    bench.desc.session.num_channels = 1;
    CHECK(start());
    up();
    channel = want("hashtag", NULL);
    OK(shut(channel));
    SAID("+hashtag");
    REFUSED(FULL, reopen("antenna", NULL));
    channel.id += 0x10000; /* the next handle of this slot, which nobody has yet */
    REFUSED(STALE, shut(channel));
    take(bench.seen);
    acknowledge(0);
    SAID("-hashtag");
    note(0, "n");
    SEEN("");
    CHECK(want("antenna", NULL).id != 0);
    SAID("+antenna");
    PASS();
}

TEST disconnect_waits_no_longer_than_the_limit(bool wire)
{
    CHECK(begin(wire));
    OK(shut(want("hashtag", NULL)));
    tick(9999);
    SAID("+hashtag");
    tick(1);
    SAID("-hashtag");
    SEEN("");
    OK(shut(want("antenna", NULL)));
    note(1, "n"); /* an event is an acknowledgement, also of what is not wanted any more */
    SAID("+antenna -antenna");
    SEEN("");
    ASSERT_EQ_FMT(1u, (unsigned)bench.session->counters.leaked, "%u");
    PASS();
}

TEST close_offline_disconnects_nothing(bool wire)
{
    misskey_channel channel;
    CHECK(begin(wire));
    channel = want("hashtag", NULL);
    OK(shut(want("antenna", NULL)));
    acknowledge(0);
    down(0, 0);
    OK(shut(channel));
    take(bench.said);
    take(bench.seen);
    up();
    SAID("");
    SEEN("resumed");
    PASS();
}

TEST operations_need_a_ready_channel(bool wire)
{
    misskey_channel channel;
    CHECK(begin(wire));
    channel = want("queueStats", NULL);
    REFUSED(NOT_READY, operate(channel, "requestLog", NULL));
    acknowledge(0);
    SAID("+queueStats");
    OK(operate(channel, "requestLog", "{\"id\":\"1\",\"length\":2}"));
    OK(operate(channel, "read", NULL));
    SAID("queueStats:requestLog{\"id\":\"1\",\"length\":2} queueStats:read{}");
    REFUSED(BAD_ARG, operate(channel, "a\"b", NULL));
    REFUSED(BAD_ARG, operate(channel, "", NULL));
    REFUSED(BAD_ARG, operate(channel, NULL, NULL));
    REFUSED(BAD_JSON, operate(channel, "x", "{"));
    REFUSED(BAD_JSON, operate(channel, "x", ""));
    REFUSED(BAD_UTF8, operate(channel, "x", "\"\xFF\""));
    down(0, 0);
    REFUSED(NOT_READY, operate(channel, "read", NULL));
    up();
    take(bench.said);
    OK(shut(channel));
    REFUSED(STALE, operate(channel, "read", NULL));
    SAID("");
    PASS();
}

TEST handles_of_closed_channels_are_stale(bool wire)
{
    misskey_channel old, channel = { 0 };
    unsigned i;
    prepare(wire);
    bench.desc.session.num_channels = 1;
    CHECK(start());
    REFUSED(STALE, shut(channel));
    for (i = 0; i < 70000; i++) {
        old = channel;
        OK(misskey_channel_open(bench.session, "hashtag", NULL, NULL, &channel));
        if (channel.id == 0 || channel.id == old.id) break;
        REFUSED(STALE, misskey_channel_close(bench.session, old));
        OK(misskey_channel_close(bench.session, channel));
        REFUSED(STALE, misskey_channel_close(bench.session, channel));
    }
    ASSERT_EQ_FMT(70000u, i, "%u");
    channel.id = 0xFFFFFFFFu;
    REFUSED(STALE, shut(channel));
    PASS();
}

TEST no_more_channels_than_the_server_gives(bool wire)
{
    unsigned i;
    CHECK(begin(wire));
    for (i = 0; i < 32; i++) CHECK(want("hashtag", NULL).id != 0);
    REFUSED(FULL, reopen("hashtag", NULL));
    prepare(wire);
    bench.desc.session.num_channels = 2;
    CHECK(start());
    CHECK(want("main", NULL).id != 0 && want("drive", NULL).id != 0);
    REFUSED(FULL, reopen("hashtag", NULL));
    OK(reopen("main", NULL));
    PASS();
}

TEST shareable_channels_with_other_params_are_refused(bool wire)
{
    CHECK(begin(wire));
    CHECK(want("main", NULL).id != 0);
    REFUSED(SHARED, reopen("main", "{\"x\":1}"));
    CHECK(want("homeTimeline", NULL).id != want("homeTimeline", NULL).id);
    CHECK(want("homeTimeline", "{\"withFiles\":true}").id != 0);
    SAID("+main +homeTimeline +homeTimeline +homeTimeline");
    prepare(wire);
    bench.desc.session.old_timelines = true;
    CHECK(start());
    up();
    CHECK(want("homeTimeline", NULL).id == want("homeTimeline", NULL).id);
    REFUSED(SHARED, reopen("homeTimeline", "{\"withFiles\":true}"));
    CHECK(want("userList", "{\"listId\":\"a\"}").id != want("userList", "{\"listId\":\"b\"}").id);
    SAID("+homeTimeline +userList +userList");
    PASS();
}

TEST a_closing_shareable_channel_opens_again(bool wire)
{
    misskey_channel channel;
    CHECK(begin(wire));
    OK(shut(want("main", NULL)));
    channel = want("main", NULL); /* same params: it just stays */
    acknowledge(0);
    SAID("+main");
    SEEN("ready:main");
    OK(operate(channel, "read", NULL));
    take(bench.said);
    OK(shut(want("drive", NULL)));
    channel = want("drive", "{\"x\":1}"); /* other params: after the disconnect */
    SAID("+drive");
    acknowledge(1);
    SAID("-drive +drive");
    acknowledge(2);
    SEEN("ready:drive");
    OK(shut(channel));
    SAID("-drive");
    PASS();
}

TEST without_a_token(bool wire)
{
    prepare(wire);
    bench.desc.ws.token = NULL;
    CHECK(start());
    REFUSED(NO_TOKEN, reopen("main", NULL));
    REFUSED(NO_TOKEN, reopen("homeTimeline", NULL));
    OK(reopen("localTimeline", NULL));
    OK(reopen("channelOfSomeFork", NULL));
    PASS();
}

TEST names_and_params_are_checked(bool wire)
{
    char name[4200];
    CHECK(begin(wire));
    REFUSED(BAD_ARG, reopen(NULL, NULL));
    REFUSED(BAD_ARG, reopen("", NULL));
    REFUSED(BAD_ARG, reopen("a\"b", NULL));
    REFUSED(BAD_ARG, reopen("a\\u0041", NULL));
    REFUSED(BAD_ARG, reopen("a\n", NULL));
    REFUSED(BAD_ARG, reopen("\xFF", NULL));
    REFUSED(BAD_JSON, reopen("main", ""));
    REFUSED(BAD_JSON, reopen("main", "null"));
    REFUSED(BAD_JSON, reopen("main", "[]"));
    REFUSED(BAD_JSON, reopen("main", "{}}"));
    REFUSED(BAD_UTF8, reopen("main", "{\"\xC0\":1}"));
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ASSERT_EQ_FMT((int)(wire ? MISSKEY_ERR_TOO_SMALL : MISSKEY_ERR_OK), (int)reopen(name, NULL), "%d");
    PASS();
}

TEST events_that_leak_are_dropped_and_counted(bool wire)
{
    misskey_channel channel;
    CHECK(begin(wire));
    channel = want("main", NULL);
    acknowledge(0);
    OK(shut(channel));
    take(bench.seen);
    note(0, "n");
    say("{\"type\":\"channel\",\"body\":{\"id\":\"zz\",\"type\":\"note\",\"body\":null}}");
    say("{\"type\":\"connected\",\"body\":{\"id\":\"7\"}}");
    say("{\"type\":\"noteUpdated\",\"body\":{\"id\":\"a\",\"type\":\"deleted\",\"body\":{}}}");
    CHECK(want("main", NULL).id != 0); /* the old id goes on beside the new one */
    acknowledge(1);
    note(0, "n");
    note(1, "n");
    SEEN("ready:main main:note");
    ASSERT_EQ_FMT(5u, (unsigned)bench.session->counters.leaked, "%u");
    PASS();
}

TEST without_slots_everything_is_delivered(bool wire)
{
    prepare(wire);
    bench.desc.session.num_channels = bench.desc.session.num_captures = 0;
    bench.desc.session.channels = NULL;
    bench.desc.session.captures = NULL;
    CHECK(start());
    up();
    take(bench.seen);
    REFUSED(FULL, reopen("main", NULL));
    REFUSED(FULL, capture("a"));
    REFUSED(STALE, release("a"));
    say("{\"type\":\"channel\",\"body\":{\"id\":\"zz\",\"type\":\"note\",\"body\":null}}");
    say("{\"type\":\"connected\",\"body\":{\"id\":\"1\"}}");
    say("{\"type\":\"noteUpdated\",\"body\":{\"id\":\"a\",\"type\":\"deleted\",\"body\":{}}}");
    SEEN("-:note message:{\"type\":\"connected\",\"body\":{\"id\":\"1\"}} note:a/deleted");
    ASSERT_EQ_FMT(0u, (unsigned)bench.session->counters.leaked, "%u");
    say("{\"type\":\"ping\"}");
    SAID("h");
    PASS();
}

/* --- captures --- */

TEST captures_are_counted(bool wire)
{
    CHECK(begin(wire));
    OK(capture("a"));
    OK(capture("a"));
    OK(release("a"));
    SAID("s:a");
    say("{\"type\":\"noteUpdated\",\"body\":{\"id\":\"a\",\"type\":\"deleted\",\"body\":{}}}");
    say("{\"type\":\"noteUpdated\",\"body\":{\"type\":\"reacted\",\"id\":\"a\",\"body\":{}}}");
    OK(release("a"));
    SAID("u:a");
    REFUSED(STALE, release("a"));
    say("{\"type\":\"noteUpdated\",\"body\":{\"id\":\"a\",\"type\":\"reacted\",\"body\":{}}}");
    say("{\"type\":\"noteUpdated\",\"body\":{\"id\":\"aa\",\"type\":\"reacted\",\"body\":{}}}");
    SEEN("note:a/deleted note:a/reacted");
    ASSERT_EQ_FMT(2u, (unsigned)bench.session->counters.leaked, "%u");
    OK(capture("a"));
    SAID("s:a");
    PASS();
}

TEST a_pair_that_nobody_saw_sends_nothing(bool wire)
{
    CHECK(begin(wire));
    OK(misskey_note_capture(bench.session, "a", 1));
    OK(misskey_note_release(bench.session, "a", 1));
    run();
    SAID("");
    OK(capture("b"));
    OK(misskey_note_release(bench.session, "b", 1));
    OK(misskey_note_capture(bench.session, "b", 1));
    OK(misskey_note_release(bench.session, "b", 1));
    OK(misskey_note_capture(bench.session, "b", 1));
    run();
    SAID("s:b");
    OK(misskey_note_release(bench.session, "b", 1));
    OK(misskey_note_capture(bench.session, "c", 1));
    run();
    SAID("u:b s:c"); /* what makes room goes first */
    PASS();
}

TEST the_capture_table_may_fill_up(bool wire)
{
    char id[8];
    unsigned i;
    CHECK(begin(wire));
    for (i = 0; i < CAPTURES; i++) {
        sprintf(id, "n%u", i);
        OK(misskey_note_capture(bench.session, id, strlen(id)));
    }
    REFUSED(FULL, misskey_note_capture(bench.session, "x", 1));
    OK(misskey_note_capture(bench.session, "n1", 2));
    OK(misskey_note_release(bench.session, "n1", 2));
    OK(misskey_note_release(bench.session, "n2", 2));
    OK(misskey_note_capture(bench.session, "x", 1)); /* the slot of n2, whose subNote was never sent */
    REFUSED(FULL, misskey_note_capture(bench.session, "y", 1));
    tick(1000);
    CHECK(strstr(bench.said, "s:n1 ") != NULL && strstr(bench.said, "s:x ") != NULL);
    CHECK(strstr(bench.said, "s:n2 ") == NULL);
    OK(misskey_note_release(bench.session, "n3", 2));
    REFUSED(FULL, misskey_note_capture(bench.session, "y", 1)); /* its unsubNote is still to be sent */
    tick(1000);
    OK(misskey_note_capture(bench.session, "y", 1));
    for (i = 1; i < 16383; i++) OK(misskey_note_capture(bench.session, "y", 1));
    REFUSED(FULL, misskey_note_capture(bench.session, "y", 1));
    take(bench.said);
    for (i = 0; i < 16382; i++) OK(misskey_note_release(bench.session, "y", 1));
    tick(1000);
    SAID("s:y");
    PASS();
}

TEST note_ids_are_checked(bool wire)
{
    static const struct { const char *id; size_t len; bool good; } ids[] = {
        { "a", 1, true }, { "0123456789abcdef0123456789abcdef", 32, true },
        { "0123456789abcdef0123456789abcdefg", 33, false },
        { "", 0, false }, { "a\"b", 3, false }, { "a\\b", 3, false }, { "a b", 3, false }, { "a\0b", 3, false },
        { "a\n", 2, false }, { "a\x7F", 2, false }, { "\xC3\xA9", 2, false }, { "~!#", 3, true }
    };
    unsigned i;
    CHECK(begin(wire));
    for (i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        const misskey_err expected = ids[i].good ? MISSKEY_ERR_OK : MISSKEY_ERR_BAD_ARG;
        ASSERT_EQ_FMTm(ids[i].id, (int)expected, (int)misskey_note_capture(bench.session, ids[i].id, ids[i].len), "%d");
        ASSERT_EQ_FMTm(ids[i].id, (int)expected, (int)misskey_note_release(bench.session, ids[i].id, ids[i].len), "%d");
    }
    OK(capture("a"));
    say("{\"type\":\"noteUpdated\",\"body\":{\"id\":\"a\\u0000\",\"type\":\"reacted\",\"body\":{}}}");
    say("{\"type\":\"noteUpdated\",\"body\":{\"id\":\"\\u0061\",\"type\":\"reacted\",\"body\":{}}}");
    SEEN("note:\\u0061/reacted");
    PASS();
}

SUITE(situations)
{
    BOTH(capture_before_the_socket_opens_is_one_subnote);
    BOTH(two_opens_of_main_are_one_connect);
    BOTH(release_while_offline_sends_nothing);
    RUN_TEST(every_attempt_has_its_own_address_and_key);
    BOTH(first_retry_after_half_a_second_and_spread);
    BOTH(bare_pong_is_an_event);
    BOTH(channel_without_body_is_an_event);
    BOTH(null_is_an_event);
}

SUITE(channels)
{
    BOTH(ready_by_connected_or_by_the_first_event);
    BOTH(refused_with_the_probable_reason);
    BOTH(refused_above_the_limit_of_the_server);
    BOTH(four_thousand_million_connects_are_not_too_many);
    BOTH(a_refused_channel_stays_wanted);
    BOTH(close_before_the_connect_was_sent);
    BOTH(disconnect_waits_for_the_acknowledgement);
    BOTH(disconnect_waits_no_longer_than_the_limit);
    BOTH(close_offline_disconnects_nothing);
    BOTH(operations_need_a_ready_channel);
    BOTH(handles_of_closed_channels_are_stale);
    BOTH(no_more_channels_than_the_server_gives);
    BOTH(shareable_channels_with_other_params_are_refused);
    BOTH(a_closing_shareable_channel_opens_again);
    BOTH(without_a_token);
    BOTH(names_and_params_are_checked);
    BOTH(events_that_leak_are_dropped_and_counted);
    BOTH(without_slots_everything_is_delivered);
}

SUITE(captures)
{
    BOTH(captures_are_counted);
    BOTH(a_pair_that_nobody_saw_sends_nothing);
    BOTH(the_capture_table_may_fill_up);
    BOTH(note_ids_are_checked);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(situations);
    RUN_SUITE(channels);
    RUN_SUITE(captures);
    GREATEST_MAIN_END();
}
