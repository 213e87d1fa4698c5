/* Frames of the websocket section in memory: the library's client and server against hand-made bytes and against each
   other. */
#include "endpoint.h"

/* ---- frames ---- */

/* RFC 6455 section 5.2 as a table of what the first two bytes may be. within: a fragmented message is under way. */
static bool header_allowed(bool server, bool within, unsigned b0, unsigned b1)
{
    static const char ops[17] = "mdd-----ccc-----"; /* more, data, control */
    const char kind = ops[b0 & 15];
    if (kind == '-' || (b0 & 0x70) != 0 || (b1 >= 128) != server) return false;
    if (kind == 'c') return b0 >= 128 && (b1 & 127) < 126;
    return (kind == 'm') == within;
}

TEST every_header(endpoint *e, bool within)
{
    static misskey_ws start;
    unsigned b0, b1;
    ASSERT(open_sized(e, 256, 256));
    if (within) ASSERT(feed_frame(e, 0x01, "a", 1) && !next(e));
    start = e->ws;
    for (b0 = 0; b0 < 256; b0++) {
        for (b1 = 0; b1 < 256; b1++) {
            const uint8_t head[6] = { (uint8_t)b0, (uint8_t)b1, 0, 0, 0, 0 };
            const bool whole = (b1 & 127) == 0;
            CASE("header %02x %02x", b0, b1);
            e->ws = start;
            CHECK(feed(e, head, 2));
            if (!header_allowed(e == S, within, b0, b1)) {
                CHECK(failed(e, MISSKEY_ERR_WS_PROTOCOL, 1002));
                continue;
            }
            CHECK((e == C && whole) || !next(e));
            CHECK(e == C || feed(e, head + 2, 4)); /* the mask */
            if (whole && (b0 & 15) == 8) CHECK(closed_as(e, MISSKEY_ERR_OK, 1005));
            else CHECK(next(e) == (whole && b0 >= 128 && (b0 & 15) < 3));
        }
    }
    PASS();
}

TEST length_forms(endpoint *e)
{
    static const struct { unsigned form; uint64_t len; bool good; } forms[] = {
        { 126, 0, false }, { 126, 125, false }, { 126, 126, true }, { 126, 65535, true }, { 127, 0, false },
        { 127, 65535, false }, { 127, 65536, true }, { 127, 0xFFFFFFFE, true }, { 127, 0xFFFFFFFF, true },
        { 127, UINT64_MAX >> 1, true }, { 127, (UINT64_MAX >> 1) + 1, false }, { 127, UINT64_MAX, false },
    };
    size_t i, k;
    for (i = 0; i < sizeof forms / sizeof *forms; i++) {
        const unsigned size = forms[i].form == 126 ? 2 : 8;
        uint8_t head[14] = { 0x82, (uint8_t)((e == S ? 0x80 : 0) | forms[i].form) };
        for (k = 0; k < size; k++) head[2 + k] = (uint8_t)(forms[i].len >> (8 * (size - 1 - k)));
        CASE("form %u length %lu", forms[i].form, (unsigned long)forms[i].len);
        describe(e, 256, 256);
        e->desc.max_message = 0xFFFFFFFE;
        CHECK(open_it(e) && feed(e, head, 2 + size + (e == S ? 4 : 0)));
        if (!forms[i].good) CHECK(failed(e, MISSKEY_ERR_WS_PROTOCOL, 1002));
        else if (forms[i].len > 0xFFFFFFFE) CHECK(failed(e, MISSKEY_ERR_TOO_BIG, 1009));
        else CHECK(!next(e) && drain(e) == 0);
    }
    PASS();
}

/* Messages of random sizes cut into random fragments, pings with payloads in between, fed in random pieces. */
TEST fragments_and_pings(endpoint *e)
{
    static const uint8_t text[] = "a\xC3\xA9\xE6\xBC\xA2\xF0\x9F\x98\x80"; /* 10 bytes */
    static uint8_t message[5000], stream[80000];
    char ping[40];
    unsigned round;
    for (round = 0; round < 300; round++) {
        const size_t size = 10 * (rnd(4) > 0 ? rnd(30) : rnd(501));
        const bool binary = rnd(2) == 1;
        size_t at = 0, len = 0, n, pings = 0, pongs = 0;
        unsigned op = binary ? 2 : 1;
        bool last = false, arrived = false;
        for (n = 0; n < size; n++) message[n] = binary ? (uint8_t)rnd(256) : text[n % 10];
        while (!last) {
            const size_t part = rnd(5) == 0 ? 0 : rnd(2) ? size - at : rnd((uint32_t)(size - at) + 1);
            for (n = rnd(3); n > 0; n--) {
                sprintf(ping, "%*u", (int)(1 + pings % 30), (unsigned)pings);
                len += put_frame(e, stream + len, 0x89, ping, strlen(ping));
                pings++;
            }
            last = at + part == size && rnd(2) == 1;
            len += put_frame(e, stream + len, (last ? 0x80 : 0) | op, message + at, part);
            at += part;
            op = 0;
        }
        CASE("round %u size %u", round, (unsigned)size);
        CHECK(open_sized(e, MISSKEY_RX_SIZE(5000), 70000));
        for (at = 0; at < len; at += n) {
            n = 1 + rnd(round & 1 ? 7 : 6000);
            n = misskey_ws_feed(&e->ws, stream + at, n < len - at ? n : len - at);
            while (next(e)) {
                CHECK(!arrived && e->ev.type == MISSKEY_WS_EVENT_MESSAGE && e->ev.binary == binary);
                CHECK(e->ev.text.len == size && memcmp(e->ev.text.ptr, message, size) == 0);
                arrived = true;
            }
        }
        CHECK(arrived && at == len);
        drain(e);
        for (out_at = 0; pongs < pings; pongs++) {
            sprintf(ping, "%*u", (int)(1 + pongs % 30), (unsigned)pongs);
            CHECK(take(e, 10, ping, strlen(ping)));
        }
        CHECK(out_at == out_len);
    }
    PASS();
}

TEST pings_beyond_room(endpoint *e)
{
    char payload[126];
    unsigned i, answered;
    for (i = 0; i < 100; i++) {
        CASE("ping %u", i);
        if (i == 0) CHECK(open_sized(e, 256, 256));
        memset(payload, (int)('A' + i % 50), 125);
        CHECK(feed_frame(e, 0x89, payload, i) && !next(e));
    }
    CHECK(feed_frame(e, 0x8A, "a pong is no ping", 17) && !next(e));
    drain(e); /* in order while there was room, then the latest */
    for (out_at = 0, i = 0, answered = 0; out_at < out_len && take_frame(e); answered++, i++) {
        CASE("pong %u", i);
        CHECK(got.op == 10 && got.len == (out_at < out_len ? i : 99));
    }
    CHECK(out_at == out_len && answered >= 2 && got.data[0] == 'A' + 49);
    PASS();
}

TEST close_codes(endpoint *e)
{
    unsigned code;
    for (code = 0; code <= 5000; code++) {
        const bool valid = (code >= 1000 && code < 1015 && code != 1004 && code != 1005 && code != 1006) ||
                           (code >= 3000 && code < 5000);
        const uint8_t payload[5] = { (uint8_t)(code >> 8), (uint8_t)code, 'b', 'y', 'e' };
        misskey_err err;
        CASE("code %u", code);
        CHECK(open_sized(e, 256, 256) && feed_frame(e, 0x88, payload, code & 1 ? 5 : 2));
        if (valid) {
            while (next(e)) {}
            drain(e);
            out_at = 0;
            CHECK(take_close(e, code) && out_at == out_len && closed_as(e, MISSKEY_ERR_OK, code));
            CHECK(e->ev.text.len == (code & 1 ? 3u : 0u) && (e->ev.text.len == 0 || is(e->ev.text, "bye")));
        } else {
            CHECK(failed(e, MISSKEY_ERR_WS_PROTOCOL, 1002));
        }
        CHECK(open_it(e));
        err = misskey_ws_close(&e->ws, (uint16_t)code, NULL);
        CHECK(err == (valid || code == 0 ? MISSKEY_ERR_OK : MISSKEY_ERR_BAD_ARG));
        if (err != MISSKEY_ERR_OK) continue;
        CHECK(drain(e) && feed_frame(e, 0x88, NULL, 0) && closed_as(e, MISSKEY_ERR_OK, code == 0 ? 1005 : code));
    }
    PASS();
}

TEST close_reasons(endpoint *e)
{
    uint8_t payload[125] = { 3, 0xE8 };
    char reason[126];
    CASE("length 1");
    CHECK(open_sized(e, 256, 256) && feed_frame(e, 0x88, "\x03", 1) && failed(e, MISSKEY_ERR_WS_PROTOCOL, 1002));
    CASE("bad UTF-8");
    memcpy(payload + 2, "a\xED\xA0\x80", 4);
    CHECK(open_it(e) && feed_frame(e, 0x88, payload, 6) && failed(e, MISSKEY_ERR_WS_UTF8, 1007));
    CASE("cut UTF-8");
    memcpy(payload + 2, "a\xE2\x82", 3);
    CHECK(open_it(e) && feed_frame(e, 0x88, payload, 5) && failed(e, MISSKEY_ERR_WS_UTF8, 1007));
    CASE("our own");
    memset(reason, 'r', sizeof reason);
    reason[124] = 0;
    CHECK(open_it(e) && misskey_ws_close(&e->ws, 1000, reason) == MISSKEY_ERR_BAD_ARG);
    CHECK(misskey_ws_close(&e->ws, 0, "x") == MISSKEY_ERR_BAD_ARG);
    CHECK(misskey_ws_close(&e->ws, 1000, "\xC0\x80") == MISSKEY_ERR_BAD_UTF8);
    reason[123] = 0;
    CHECK(misskey_ws_close(&e->ws, 4321, reason) == MISSKEY_ERR_OK);
    CHECK(misskey_ws_close(&e->ws, 1000, NULL) == MISSKEY_ERR_BAD_STATE);
    CHECK(misskey_ws_send(&e->ws, "x", 1, true) == MISSKEY_ERR_BAD_STATE);
    drain(e);
    out_at = 0;
    CHECK(take_close(e, 4321) && got.len == 125 && memcmp(got.data + 2, reason, 123) == 0 && out_at == out_len);
    CHECK(feed_frame(e, 0x81, "late", 4) && next_is(e, MISSKEY_WS_EVENT_MESSAGE) && is(e->ev.text, "late") && !next(e));
    CHECK(feed_frame(e, 0x88, "\x03\xE9" "answer", 8) && closed_as(e, MISSKEY_ERR_OK, 4321));
    PASS();
}

/* May bytes[0..n) be the beginning of UTF-8 text? From the definition: fill what is missing of the last character with
   the least and the greatest continuation bytes and see if a scalar value in the range of its length lies between. */
static bool may_be_utf8(const uint8_t *bytes, size_t n, bool *complete)
{
    static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t i = 0, k, len;
    for (*complete = true; i < n; i += len) {
        const unsigned c = bytes[i];
        uint32_t low, high;
        if (c >= 0xF8 || (c & 0xC0) == 0x80) return false;
        len = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
        low = high = len == 1 ? c : c & (0x7Fu >> len);
        for (k = 1; k < len; k++) {
            const bool here = i + k < n;
            if (here && (bytes[i + k] & 0xC0) != 0x80) return false;
            low = low << 6 | (here ? bytes[i + k] & 0x3Fu : 0u);
            high = high << 6 | (here ? bytes[i + k] & 0x3Fu : 0x3Fu);
            *complete = *complete && here;
        }
        if (high < least[len] || low > 0x10FFFF || (low >= 0xD800 && high <= 0xDFFF)) return false;
    }
    return true;
}

/* Strings of up to 5 bytes around every border: bad ones fail with the first byte that cannot be right and not before,
   in one piece, byte by byte, and cut into two frames at every place. */
TEST utf8_fails_fast(endpoint *e)
{
    static const uint8_t edge[] = { 0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0,
                                    0xE1, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF };
    static misskey_ws start;
    unsigned round;
    ASSERT(open_sized(e, 256, 256));
    start = e->ws;
    for (round = 0; round < 40000; round++) {
        uint8_t text[6];
        const size_t len = 1 + rnd(5), cut = rnd((uint32_t)len + 1);
        size_t bad, i, n;
        bool complete = true, alive;
        for (i = 0; i < len; i++) text[i] = edge[rnd(sizeof edge)];
        for (bad = 0; bad < len && may_be_utf8(text, bad + 1, &complete); bad++) {}
        CASE("%u: %02x %02x %02x %02x %02x (%u), cut at %u", round, text[0], text[1], text[2], text[3], text[4],
             (unsigned)len, (unsigned)cut);
        e->ws = start;
        if (round % 3 == 0) { /* in one piece */
            CHECK(feed_frame(e, 0x81, text, len));
            alive = bad == len && complete;
            if (alive) CHECK(next_is(e, MISSKEY_WS_EVENT_MESSAGE) && e->ev.text.len == len);
            else CHECK(failed(e, MISSKEY_ERR_WS_UTF8, 1007));
            continue;
        }
        n = put_frame(e, wire, 0x01, text, cut);
        n += put_frame(e, wire + n, 0x80, text + cut, len - cut);
        for (i = 0, alive = true; i < n && alive; i++) {
            const size_t head = e == S ? 6 : 2, seen = i < head ? 0 : i < head + cut ? i - head + 1 :
                                i < 2 * head + cut ? cut : i - 2 * head + 1;
            CHECK(feed(e, wire + i, 1));
            alive = seen <= bad && (i + 1 < n || complete);
            if (!alive) CHECK(failed(e, MISSKEY_ERR_WS_UTF8, 1007));
            else CHECK(next(e) == (i + 1 == n) && drain(e) == 0);
        }
    }
    PASS();
}

/* ---- sending ---- */

/* Five messages, a pong and a Close: seven calls for entropy after that of the upgrade. */
TEST entropy_and_masks(void)
{
    int fails_at, i;
    for (fails_at = 1; fails_at <= 9; fails_at++) {
        bool dead = false;
        int frames = 0;
        CASE("fails at call %d", fails_at);
        describe(C, 256, 2048);
        entropy_fails_at = fails_at;
        if (fails_at == 1) {
            CHECK(begin(C) && drain(C) == 0 && closed_as(C, MISSKEY_ERR_ENTROPY, 0) && !next(C));
            continue;
        }
        CHECK(open_it(C));
        for (i = 0; i < 7 && !dead; i++) {
            misskey_err err = MISSKEY_ERR_OK;
            if (i < 5) err = misskey_ws_send(&C->ws, "unmasked", 8, false);
            else if (i == 5) CHECK(feed_frame(C, 0x89, "unmasked", 8));
            else err = misskey_ws_close(&C->ws, 1000, "unmasked");
            while (next(C)) dead = C->ev.type == MISSKEY_WS_EVENT_CLOSED && C->ev.err == MISSKEY_ERR_ENTROPY;
            CHECK(i >= 5 || dead == (err == MISSKEY_ERR_ENTROPY));
            drain(C);
            CHECK(memcmp(C->tx, "unmasked", 8) != 0 && strstr((char *)out, "unmasked") == NULL);
            for (out_at = 0; out_at < out_len; frames++) {
                CHECK(take_frame(C) && out[out_at - got.len - 4] == (uint8_t)((frames + 2) * 53 + 1));
            }
        }
        CHECK(dead == (fails_at < 9) && frames == (dead ? fails_at - 2 : 7) && (!dead || !next(C)));
    }
    PASS();
}

/* Messages until tx is full, then a Close: nothing is cut, the Close always fits (without its reason if a
   pong took the room in the smallest tx), and refusals change nothing. */
TEST tx_full(endpoint *e)
{
    static char text[800];
    size_t tx, len;
    memset(text, 't', sizeof text);
    for (tx = 256; tx < 700; tx += 3) {
        for (len = 0; len <= 460; len += 1 + len / 7) {
            const size_t header = (len < 126 ? 2u : 4u) + (e == C ? 4u : 0u);
            unsigned sent = 0, taken = 0;
            misskey_err err;
            bool cut;
            CASE("tx %u message %u", (unsigned)tx, (unsigned)len);
            CHECK(open_sized(e, 256, tx));
            while ((err = misskey_ws_send(&e->ws, text, len, false)) == MISSKEY_ERR_OK) sent++;
            CHECK(err == (sent > 0 ? MISSKEY_ERR_WOULD_BLOCK : MISSKEY_ERR_TOO_SMALL));
            CHECK(sent == (tx - 131 < header ? 0 : (tx - 131) / (header + len)));
            CHECK(tx < MISSKEY_TX_SIZE(len) || sent > 0);
            CHECK(misskey_ws_send(&e->ws, "\xFF", 1, false) != MISSKEY_ERR_OK);
            CHECK(feed_frame(e, 0x89, text, 125) && !next(e)); /* a pong that has to wait must not disturb */
            memset(text, 'c', 123);
            text[123] = 0;
            CHECK(misskey_ws_close(&e->ws, 1000, text) == MISSKEY_ERR_OK);
            memset(text, 't', 124);
            drain(e);
            for (out_at = 0; taken < sent; taken++) CHECK(take(e, 1, text, len));
            CHECK(take_frame(e) && (got.op == 8 || (got.op == 10 && got.len == 125)));
            cut = got.op == 10 && tx < 2 * (size_t)(e == C ? 131 : 127);
            CHECK(got.op == 8 || take_frame(e));
            CHECK(got.op == 8 && got.len == (cut ? 2u : 125u) && out_at == out_len);
        }
    }
    PASS();
}

/* ---- receiving ---- */

static bool feed_until_event(endpoint *e, const uint8_t *data, size_t len, size_t *at)
{
    while (!next(e)) {
        if (*at == len) return false;
        *at += misskey_ws_feed(&e->ws, data + *at, len - *at);
    }
    return true;
}

TEST rx_sizes(endpoint *e)
{
    static uint8_t text[70000];
    size_t n, extra, cut, total, len;
    memset(text, 'x', sizeof text);
    for (n = 1; n < 69000; n += 1 + n / 60) {
        for (extra = 0; extra < 3; extra++) {
            const size_t holds = MISSKEY_RX_SIZE(n) - 14;
            const bool fits = extra == 0;
            cut = rnd((uint32_t)holds);
            total = holds + extra;
            CASE("rx for %u, message of %u, cut at %u", (unsigned)n, (unsigned)total, (unsigned)cut);
            CHECK(open_sized(e, MISSKEY_RX_SIZE(n), 256));
            len = put_frame(e, wire, 0x02, text, cut);
            len += put_frame(e, wire + len, 0x80, text, total - cut);
            len += put_frame(e, wire + len, 0x81, "next", 4);
            cut = 0;
            CHECK(feed_until_event(e, wire, len, &cut));
            CHECK(e->ev.type == (fits ? MISSKEY_WS_EVENT_MESSAGE : MISSKEY_WS_EVENT_DROPPED) && e->ev.binary);
            CHECK(e->ev.text.len == (fits ? total : holds - (holds / 4 < 4096 ? holds / 4 : 4096)));
            CHECK(fits || e->ev.size == total);
            CHECK(memcmp(e->ev.text.ptr, text, e->ev.text.len) == 0);
            CHECK(feed_until_event(e, wire, len, &cut));
            CHECK(e->ev.type == MISSKEY_WS_EVENT_MESSAGE && is(e->ev.text, "next") && cut == len);
        }
    }
    PASS();
}

TEST max_message(endpoint *e)
{
    static uint8_t text[1001];
    size_t total, len;
    describe(e, 256, 256);
    e->desc.max_message = 1000;
    CASE("exactly");
    CHECK(open_it(e) && !feed_frame(e, 0x82, text, 1000));
    while (!next(e)) CHECK(misskey_ws_feed(&e->ws, text, 100) > 0);
    CHECK(e->ev.type == MISSKEY_WS_EVENT_DROPPED && e->ev.size == 1000);
    CASE("one more, as soon as announced");
    put_frame(e, wire, 0x82, text, 1001);
    CHECK(open_it(e) && feed(e, wire, e == S ? 8 : 4) && failed(e, MISSKEY_ERR_TOO_BIG, 1009));
    CASE("what is too large is read in pieces of a quarter of rx");
    e->desc.max_message = 0;
    describe(e, 4096, 256);
    put_frame(e, wire, 0x82, wire, 1 << 16);
    CHECK(open_it(e) && feed(e, wire, e == S ? 14 : 10));
    for (total = 0; total < 1 << 16; total += len) {
        CHECK(!next(e) && misskey_ws_recv_buf(&e->ws, &len) != NULL && len >= 1000);
        misskey_ws_recv_ack(&e->ws, len);
    }
    describe(e, 256, 256);
    e->desc.max_message = 1000;
    CASE("sum of fragments");
    CHECK(open_it(e) && feed_frame(e, 0x02, text, 100) && !next(e) && feed_frame(e, 0x00, text, 100) && !next(e));
    put_frame(e, wire, 0x00, text, 801);
    CHECK(feed(e, wire, e == S ? 8 : 4) && failed(e, MISSKEY_ERR_TOO_BIG, 1009));
    PASS();
}

/* A text that is here whole is not taken because it is. */
TEST whole_texts(endpoint *e)
{
    static const uint8_t text[301] = { 'x' };
    uint8_t frame[14] = { 0x81, (uint8_t)((e == S ? 0x80 : 0) | 126), 0, 5 };
    describe(e, 512, 256);
    CASE("a length that is longer than it needs to be");
    CHECK(open_it(e) && feed(e, frame, e == S ? 13 : 9) && failed(e, MISSKEY_ERR_WS_PROTOCOL, 1002));
    e->desc.max_message = 300;
    CASE("of the greatest length");
    CHECK(open_it(e) && feed_frame(e, 0x81, text, 300) && next_is(e, MISSKEY_WS_EVENT_MESSAGE));
    e->desc.max_message = 299;
    CASE("one more");
    CHECK(open_it(e) && feed_frame(e, 0x81, text, 300) && failed(e, MISSKEY_ERR_TOO_BIG, 1009));
    CASE("of the size that is kept, and one more, though rx has room for its short header");
    CHECK(open_sized(e, 314, 256));
    CHECK(feed_frame(e, 0x81, text, 300) && next_is(e, MISSKEY_WS_EVENT_MESSAGE) && !next(e));
    CHECK(feed_frame(e, 0x81, text, 301) && next_is(e, MISSKEY_WS_EVENT_DROPPED) && e->ev.size == 301);
    PASS();
}

TEST ports(endpoint *e)
{
    size_t len, more;
    uint8_t *p;
    CHECK(open_sized(e, 300, 256));
    CASE("recv_ack moves nothing");
    p = misskey_ws_recv_buf(&e->ws, &len);
    len = put_frame(e, p, 0x81, "abc", 3);
    misskey_ws_recv_ack(&e->ws, len);
    CHECK(misskey_ws_recv_buf(&e->ws, &more) == p + len && next_is(e, MISSKEY_WS_EVENT_MESSAGE));
    len = put_frame(e, misskey_ws_recv_buf(&e->ws, &more), 0x81, "d", 1);
    misskey_ws_recv_ack(&e->ws, len);
    CHECK(is(e->ev.text, "abc") && next_is(e, MISSKEY_WS_EVENT_MESSAGE) && is(e->ev.text, "d") && !next(e));
    CASE("spurious calls");
    misskey_ws_recv_ack(&e->ws, 0);
    misskey_ws_send_ack(&e->ws, 100);
    CHECK(misskey_ws_feed(&e->ws, NULL, 0) == 0 && misskey_ws_send_buf(&e->ws, &len) == NULL && len == 0);
    CHECK(!next(e) && !next(e) && misskey_ws_accept(&e->ws, NULL) == MISSKEY_ERR_BAD_STATE);
    CASE("more acknowledged than there is: -1 of recv or send passed on");
    p = misskey_ws_recv_buf(&e->ws, &len);
    memset(p, 0xFF, len);
    misskey_ws_recv_ack(&e->ws, (size_t)-1);
    misskey_ws_recv_ack(&e->ws, len + 1);
    CHECK(misskey_ws_recv_buf(&e->ws, &more) == p && more == len && !next(e));
    CHECK(misskey_ws_send(&e->ws, "abc", 3, false) == MISSKEY_ERR_OK && misskey_ws_send_buf(&e->ws, &len) != NULL);
    misskey_ws_send_ack(&e->ws, (size_t)-1);
    misskey_ws_send_ack(&e->ws, len + 1);
    CHECK(misskey_ws_send_buf(&e->ws, &more) != NULL && more == len && drain(e) == len);
    CASE("no transport");
    CHECK(misskey_ws_init(&e->ws, &e->desc) == MISSKEY_ERR_OK && !next(e) && drain(e) == 0);
    misskey_ws_transport_down(&e->ws);
    misskey_ws_tick(&e->ws, 5);
    CHECK(!next(e) && misskey_ws_recv_buf(&e->ws, &len) == NULL && misskey_ws_feed(&e->ws, "x", 1) == 0);
    CHECK(misskey_ws_timeout(&e->ws) == MISSKEY_FOREVER);
    CHECK(misskey_ws_close(&e->ws, 1000, NULL) == MISSKEY_ERR_BAD_STATE);
    CHECK(misskey_ws_send(&e->ws, "x", 1, true) == MISSKEY_ERR_BAD_STATE);
    PASS();
}

/* ---- time and the end ---- */

/* The only thing that happens next happens after exactly ms, and timeout says so on the way. */
static bool silent_until(endpoint *e, uint32_t *now, uint32_t ms)
{
    uint32_t step;
    if (next(e) || drain(e) > 0 || misskey_ws_timeout(&e->ws) != ms) return false;
    for (step = ms / 2; step < ms; step = step + (ms - step + 1) / 2 < ms ? step + (ms - step + 1) / 2 : ms - 1) {
        misskey_ws_tick(&e->ws, *now + step);
        if (next(e) || drain(e) > 0 || misskey_ws_timeout(&e->ws) != ms - step) return false;
        if (step == ms - 1) break;
    }
    *now += ms;
    misskey_ws_tick(&e->ws, *now);
    return true;
}

TEST timers(endpoint *e, bool own)
{
    const uint32_t handshake = own ? 700 : 10000, ping = own ? 900 : 75000;
    const uint32_t pong = own ? 300 : 15000, close = own ? 400 : 5000;
    uint32_t now = START;
    describe(e, 256, 256);
    if (own) {
        e->desc.handshake_ms = handshake;
        e->desc.ping_ms = ping;
        e->desc.pong_ms = pong;
        e->desc.close_ms = close;
    }
    CASE("handshake");
    CHECK(begin(e) && feed_str(e, e == C ? SWITCH : ASK) && !next(e) && drain(e) == (e == C ? out_len : 0));
    misskey_ws_tick(&e->ws, now);
    CHECK(silent_until(e, &now, handshake));
    CHECK(misskey_ws_timeout(&e->ws) == 0 && closed_as(e, MISSKEY_ERR_TIMEOUT, 0) && !next(e));
    CASE("ping");
    now = START;
    CHECK(open_it(e) && silent_until(e, &now, ping) && drain(e) > 0);
    out_at = 0;
    CHECK(take_frame(e) && got.op == 9 && out_at == out_len);
    CASE("pong and silence again");
    misskey_ws_tick(&e->ws, now += pong - 1);
    CHECK(feed_frame(e, 0x8A, NULL, 0) && silent_until(e, &now, ping) && drain(e) > 0);
    CASE("no pong");
    CHECK(silent_until(e, &now, pong) && closed_as(e, MISSKEY_ERR_TIMEOUT, 1006) && !next(e));
    CASE("close");
    now = START;
    CHECK(open_it(e) && misskey_ws_close(&e->ws, 1001, NULL) == MISSKEY_ERR_OK && drain(e) > 0);
    misskey_ws_tick(&e->ws, now);
    CHECK(silent_until(e, &now, close) && closed_as(e, MISSKEY_ERR_TIMEOUT, 1001) && !next(e));
    CHECK(misskey_ws_timeout(&e->ws) == MISSKEY_FOREVER);
    PASS();
}

/* The transport ends after every byte of a whole life: CLOSED comes once, last, and a new transport works. */
TEST transport_ends_anywhere(endpoint *e)
{
    static char stream[2000];
    size_t head, len, cut, n;
    head = (size_t)sprintf(stream, "%s\r\n", e == C ? SWITCH UP ACCEPT : ASK UP VERSION ASK_KEY);
    len = head + put_frame(e, (uint8_t *)stream + head, 0x01, "frag", 4);
    len += put_frame(e, (uint8_t *)stream + len, 0x89, "ping", 4);
    len += put_frame(e, (uint8_t *)stream + len, 0x80, "ment", 4);
    n = len += put_frame(e, (uint8_t *)stream + len, 0x82, "x", 1);
    len += put_frame(e, (uint8_t *)stream + len, 0x88, "\x03\xE8", 2);
    for (cut = 0; cut <= len; cut++) {
        int messages = 0, turn;
        CASE("end after %u of %u", (unsigned)cut, (unsigned)len);
        describe(e, 256, 256);
        CHECK(begin(e) && feed(e, stream, cut));
        for (turn = 0; turn < 2; turn++) {
            while (next(e) && e->ev.type != MISSKEY_WS_EVENT_CLOSED) {
                if (e->ev.type == MISSKEY_WS_EVENT_UPGRADE) CHECK(misskey_ws_accept(&e->ws, NULL) == MISSKEY_ERR_OK);
                messages += e->ev.type == MISSKEY_WS_EVENT_MESSAGE;
            }
            if (turn == 0) misskey_ws_transport_down(&e->ws);
            CHECK(turn > 0 || drain(e) == 0);
        }
        CHECK(messages == (cut >= n ? 2 : cut >= n - (e == S ? 7 : 3) ? 1 : 0));
        CHECK(e->ev.type == MISSKEY_WS_EVENT_CLOSED);
        CHECK(e->ev.err == (cut == len ? MISSKEY_ERR_OK : MISSKEY_ERR_TRANSPORT));
        CHECK(e->ev.code == (cut < head ? 0 : cut < len ? 1006 : 1000));
        misskey_ws_transport_down(&e->ws);
        CHECK(!next(e) && drain(e) == 0 && !feed(e, "x", 1) && misskey_ws_timeout(&e->ws) == MISSKEY_FOREVER);
        CHECK(open_it(e) && feed_frame(e, 0x81, "new", 3));
        CHECK(next_is(e, MISSKEY_WS_EVENT_MESSAGE) && is(e->ev.text, "new"));
    }
    PASS();
}

/* ---- the two against each other ---- */

static void carry(endpoint *from, endpoint *to)
{
    size_t n;
    const uint8_t *p = misskey_ws_send_buf(&from->ws, &n);
    if (p != NULL) misskey_ws_send_ack(&from->ws, misskey_ws_feed(&to->ws, p, 1 + rnd((uint32_t)n)));
}

TEST client_and_server(void)
{
    enum { COUNT = 3000 };
    static uint32_t sent[2][COUNT], size;
    unsigned heads[2] = { 0, 0 }, tails[2] = { 0, 0 }, closed = 0, i;
    uint8_t text[260];
    describe(C, 256, 512);
    describe(S, 256, 300);
    C->desc.token = "secret";
    ASSERT(begin(C) && begin(S));
    CASE("loop");
    while (closed < 2) {
        endpoint *const e = rnd(2) ? C : S;
        const unsigned me = e == S;
        size = rnd(140);
        for (i = 0; i < size; i++) text[i] = (uint8_t)(i * 7 + size);
        if (heads[me] < COUNT && misskey_ws_send(&e->ws, text, size, true) == MISSKEY_ERR_OK) {
            sent[me][heads[me]++] = size;
        }
        carry(e, e == C ? S : C);
        if (!next(e)) continue;
        if (e->ev.type == MISSKEY_WS_EVENT_UPGRADE) {
            CHECK(is(e->ev.token, "secret") && misskey_ws_accept(&S->ws, NULL) == MISSKEY_ERR_OK);
        }
        if (e->ev.type == MISSKEY_WS_EVENT_CLOSED) {
            CHECK(e->ev.err == MISSKEY_ERR_OK && e->ev.code == 3000);
            closed++;
        }
        if (e->ev.type != MISSKEY_WS_EVENT_MESSAGE) continue;
        CHECK(tails[!me] < heads[!me] && e->ev.text.len == sent[!me][tails[!me]++]);
        for (i = 0; i < e->ev.text.len; i++) CHECK((uint8_t)e->ev.text.ptr[i] == (uint8_t)(i * 7 + e->ev.text.len));
        if (tails[0] == COUNT && tails[1] == COUNT) CHECK(misskey_ws_close(&e->ws, 3000, "done") == MISSKEY_ERR_OK);
    }
    PASS();
}

SUITE(frames)
{
    endpoint *const both[2] = { C, S };
    int i;
    for (i = 0; i < 2; i++) {
        RUN_TESTp(every_header, both[i], false);
        RUN_TESTp(every_header, both[i], true);
        RUN_TESTp(length_forms, both[i]);
        RUN_TESTp(fragments_and_pings, both[i]);
        RUN_TESTp(pings_beyond_room, both[i]);
        RUN_TESTp(close_codes, both[i]);
        RUN_TESTp(close_reasons, both[i]);
        RUN_TESTp(utf8_fails_fast, both[i]);
        RUN_TESTp(tx_full, both[i]);
        RUN_TESTp(rx_sizes, both[i]);
        RUN_TESTp(max_message, both[i]);
        RUN_TESTp(whole_texts, both[i]);
        RUN_TESTp(ports, both[i]);
        RUN_TESTp(timers, both[i], false);
        RUN_TESTp(timers, both[i], true);
        RUN_TESTp(transport_ends_anywhere, both[i]);
    }
    RUN_TEST(entropy_and_masks);
    RUN_TEST(client_and_server);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(frames);
    GREATEST_MAIN_END();
}
