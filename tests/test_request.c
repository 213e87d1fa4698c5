/* What a client asks: host, User-Agent, extra headers, and what misskey_ws_init refuses. */
#if defined(__unix__) || defined(__APPLE__)
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#endif
#include "heads.h"

/* ---- the request ---- */

static size_t count_in(const char *text, const char *part)
{
    size_t n = 0;
    for (; (text = strstr(text, part)) != NULL; text++) n++;
    return n;
}

TEST one_user_agent(void)
{
    static const misskey_header t[][2] = { /* the first decides; the second is there in any case */
        { { "Origin", "https://h" }, { "X", "" } }, { { "user-AGENT", "own/2 (of me)" }, { "X", "y" } },
        { { "User-Agent", "" }, { "X", "y" } }, { { "User-Agent", "a" }, { "User-agent", "a" } },
        { { "User-Agent", "" }, { "USER-AGENT", "" } }, { { "User-Agent", "a\r\nX: y" }, { "X", "y" } },
    };
    static const char *const want[SIZE(t)] = { NULL, "\r\nuser-AGENT: own/2 (of me)\r\n", "", "refused", "refused",
        "refused" };
    char agent[64];
    size_t i, k;
    snprintf(agent, sizeof agent, "\r\nUser-Agent: misskey_stream.h/%d.%d.%d\r\n", MISSKEY_VERSION_MAJOR,
             MISSKEY_VERSION_MINOR, MISSKEY_VERSION_PATCH);
    for (i = 0; i < SIZE(t); i++) {
        const char *const line = want[i] == NULL ? agent : want[i];
        CASE("number %u", (unsigned)i);
        describe(C, 256, 1024);
        C->desc.headers = t[i];
        C->desc.num_headers = 2;
        if (strcmp(line, "refused") == 0) {
            CHECK(misskey_ws_init(&C->ws, &C->desc) == MISSKEY_ERR_BAD_ARG);
            continue;
        }
        CHECK(begin(C) && drain(C) > 0 && strstr((char *)out, line) != NULL);
        for (k = 0; k < out_len; k++) if (out[k] >= 'A' && out[k] <= 'Z') out[k] |= 0x20;
        CHECK(count_in((char *)out, "user-agent") == (*line != '\0') && count_in((char *)out, "\r\nx:") == 1);
    }
    describe(C, 256, 1024);
    CHECK(begin(C) && drain(C) > 0 && strstr((char *)out, agent) != NULL);
    PASS();
}

/* init knows to the byte what the request takes. */
TEST tx_holds_the_request(void)
{
    static const misskey_header extra[] = { { "Origin", "https://h" }, { "User-Agent", X100 }, { "User-Agent", "" } };
    unsigned round;
    for (round = 0; round < 24; round++) {
        size_t len;
        describe(C, 256, 2048);
        C->desc.headers = extra + (round % 6 == 3 ? 2 : round % 6 == 4 ? 1 : 0);
        C->desc.num_headers = round % 6 == 2 ? 2 : round % 6 > 0;
        C->desc.host = X300;
        C->desc.token = round >= 12 ? X100 : NULL;
        C->desc.token_in_query = round >= 18;
        CASE("round %u", round);
        CHECK(begin(C));
        len = drain(C);
        C->desc.tx.size = len - 1;
        CHECK(len > 256 && misskey_ws_init(&C->ws, &C->desc) == MISSKEY_ERR_TOO_SMALL);
        C->desc.tx.size = len;
        CHECK(begin(C) && drain(C) == len);
    }
    PASS();
}

TEST client_writes_request(void)
{
    static const misskey_header extra[] = { { "User-Agent", "t/1" }, { "Origin", "https://o.example" } };
    const char *const has[] = { "Host: h.example:8443\r\n", UP, VERSION, ASK_KEY, "\r\nUser-Agent: t/1\r\n",
                                "\r\nOrigin: https://o.example\r\n", "\r\n\r\n" };
    const char *const token = "a/b+c%~=&?", *const escaped = "?i=a%2Fb%2Bc%25~%3D%26%3F";
    size_t i, n, in_query;
    for (in_query = 0; in_query < 2; in_query++) {
        describe(C, 256, 1024);
        C->desc.host = "h.example:8443";
        C->desc.token = token;
        C->desc.token_in_query = in_query == 1;
        C->desc.headers = extra;
        C->desc.num_headers = 2;
        ASSERT(begin(C));
        CASE("token in tx before");
        for (i = 0, n = 0; i + 4 < C->desc.tx.size; i++) n += memcmp(C->tx + i, in_query ? "a%2F" : "a/b+", 4) == 0;
        CHECK(n == 1);
        for (n = 0; misskey_ws_send_buf(&C->ws, &i) != NULL; n++) {
            out[n] = *misskey_ws_send_buf(&C->ws, &i);
            misskey_ws_send_ack(&C->ws, 1);
        }
        out[n] = 0;
        for (i = 0; i < sizeof has / sizeof *has; i++) ASSERTm(has[i], strstr((char *)out, has[i]) != NULL);
        ASSERT_EQ(strstr((char *)out, "\r\n\r\n"), (char *)out + n - 4);
        ASSERT_EQ(strstr((char *)out, "Authorization: Bearer a/b+c%~=&?\r\n") != NULL, !in_query);
        ASSERT_EQ(strstr((char *)out, escaped) != NULL, in_query == 1);
        ASSERT_STRN_EQ("GET /streaming", (char *)out, 14);
        CASE("token in tx after, in query: %u", (unsigned)in_query);
        for (i = 0; i + 4 < C->desc.tx.size; i++) CHECK(memcmp(C->tx + i, in_query ? "a%2F" : "a/b+", 4) != 0);
    }
    PASS();
}

TEST init_refuses(void)
{
    static const char *const own[] = { "Host", "UPGRADE", "connection", "authorization", "Sec-WebSocket-Key",
                                       "Sec-WebSocket-Version", "Sec-WebSocket-Extensions", "Sec-WebSocket-Accept",
                                       "SEC-websocket-Location", "Sec-WebSocket-", "content-length",
                                       "Transfer-Encoding" };
    static char text[8];
    static misskey_header header;
    unsigned c, field;
    size_t i;
    for (c = 1; c <= 0x21; c++) {
        const unsigned bad = c == 0x21 ? 0x7F : c;
        for (field = 0; field < 5; field++) {
            snprintf(text, sizeof text, "/a%cb", (int)bad);
            describe(C, 256, 512);
            header.name = field == 3 ? text + 1 : "X";
            header.value = field == 4 ? text : "v";
            C->desc.headers = &header;
            C->desc.num_headers = 1;
            if (field == 0) C->desc.host = text + 1;
            if (field == 1) C->desc.path = text;
            if (field == 2) C->desc.token = text;
            CASE("character %02x, field %u", bad, field);
            if (field == 4 && (bad == ' ' || bad == '\t')) continue;
            CHECK(misskey_ws_init(&C->ws, &C->desc) == MISSKEY_ERR_BAD_ARG);
        }
    }
    for (i = 0; i < sizeof own / sizeof *own; i++) {
        describe(C, 256, 512);
        header.name = own[i];
        header.value = "v";
        C->desc.headers = &header;
        C->desc.num_headers = 1;
        ASSERT_EQm(own[i], MISSKEY_ERR_BAD_ARG, misskey_ws_init(&C->ws, &C->desc));
    }
#define REFUSED(ERR, CHANGE) do { describe(C, 256, 512); CHANGE; \
        ASSERT_EQm(#CHANGE, ERR, misskey_ws_init(&C->ws, &C->desc)); } while (0)
    REFUSED(MISSKEY_ERR_BAD_ARG, C->desc.host = NULL);
    REFUSED(MISSKEY_ERR_BAD_ARG, C->desc.host = "");
    REFUSED(MISSKEY_ERR_BAD_ARG, C->desc.entropy = NULL);
    REFUSED(MISSKEY_ERR_BAD_ARG, C->desc.rx.ptr = NULL);
    REFUSED(MISSKEY_ERR_BAD_ARG, C->desc.tx.ptr = NULL);
    REFUSED(MISSKEY_ERR_BAD_ARG, C->desc.path = "streaming");
    REFUSED(MISSKEY_ERR_BAD_ARG, C->desc.path = "/caf\xC3\xA9");
    REFUSED(MISSKEY_ERR_OK, C->desc.path = "/caf%C3%A9?a=b");
    REFUSED(MISSKEY_ERR_BAD_ARG, C->desc.num_headers = 1);
    REFUSED(MISSKEY_ERR_TOO_SMALL, C->desc.rx.size = 255);
    REFUSED(MISSKEY_ERR_TOO_SMALL, C->desc.tx.size = 255);
    REFUSED(MISSKEY_ERR_TOO_SMALL, memset(wire, 't', 400); wire[400] = 0; C->desc.token = (char *)wire);
    REFUSED(MISSKEY_ERR_OK, C->desc.server = true; C->desc.host = NULL; C->desc.entropy = NULL);
    PASS();
}

/* ---- host ---- */

static misskey_err init_with_host(const char *host)
{
    describe(C, 256, 1024);
    C->desc.host = host;
    return misskey_ws_init(&C->ws, &C->desc);
}

static misskey_err write_with(const char *host, const char *path)
{
    static char text[600];
    misskey_url url;
    memset(&url, 0, sizeof url);
    url.host = host;
    url.path = path;
    return misskey_url_write(&url, text, sizeof text, NULL);
}

static misskey_err write_with_host(const char *host) { return write_with(host, NULL); }

static bool host_is(const char *host, bool good)
{
    const misskey_err want = good ? MISSKEY_ERR_OK : MISSKEY_ERR_BAD_ARG;
    return init_with_host(host) == want && write_with_host(host) == want;
}

TEST hosts(void)
{
    static const char *const good[] = {
        "misskey.example", "misskey.example:3000", "localhost", "h", "127.0.0.1", "127.0.0.1:1", "h:65535", "h:080",
        "a_b.example",
        "xn--r8jz45g.example", "999.999.1.1", "-", "a.", "a!$&'()*+,;=~b", "[::]", "[::1]", "[::1]:3000",
        "[fd00:10::1]",
        "[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7::]", "[::2:3:4:5:6:7:8]", "[ABCD:ef01::]", "[::ffff:1.2.3.4]:80",
        "[1:2:3:4:5:6:255.255.255.0]", "[1::2:3:4:5:6:7]", "[::1:2:3:4:5:0.0.0.0]"
    };
    static const char *const bad[] = {
        "", "::1", "fd00:10::1", "h:", "h:0", "h:00", "h:65536", "h:99999", "h:4294967297", "h:-1", "h:+1", "h:80x",
        "h: 80", "h:1:2",
        "127.0.0.1:1:2", ":80", ":", "[", "]", "[]", "[:]", "[::1", "::1]", "[::1]]", "[[::1]", "[::1]x", "[::1]:",
        "[::1]:0",
        "[::1]:65536", "[::1]80", "[:::]", "[::1::]", "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]", "[1:2:3:4:5:6:7:8::]",
        "[::g]",
        "[12345::]", "[1:]", "[:1]", "[1:2:3:4:5:6:7:1.2.3.4]", "[1.2.3.4]", "[::1.2.3]", "[::1.2.3.4.5]",
        "[::1.2.3.256]",
        "[::1.2.3.04]", "[::1.2.3.4:5]", "[::.1.2.3]", "[::1.2..4]", "[fe80::1%eth0]", "[fe80::1%25eth0]:3000",
        "[v1.a]", "[h]",
        "[::1 ]", "a@b", "user:pw@b", "a/b", "a?b", "a#b", "a\\b", "a b", "a%41", "a%", "a\"b", "a<b", "a[b", "a^b",
        "a`b", "a{b",
        "a|b", "http://h", "[::1]/x", "h\r\nX: y", "h\t", "h\x7F"
    };
    char text[4];
    size_t i;
    int c;
    for (i = 0; i < SIZE(good); i++) {
        CASE("%s", good[i]);
        CHECK(host_is(good[i], true));
    }
    for (i = 0; i < SIZE(bad); i++) {
        CASE("%s", bad[i]);
        CHECK(host_is(bad[i], false));
    }
    CHECK(init_with_host(NULL) == MISSKEY_ERR_BAD_ARG && write_with_host(NULL) == MISSKEY_ERR_BAD_ARG);
    for (c = 1; c < 0x80; c++) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           strchr("-._~!$&'()*+,;=", c) != NULL;
        snprintf(text, sizeof text, "a%c9", c);
        CASE("character %02x", c);
        CHECK(host_is(text, plain || c == ':'));
    }
    CASE("a name that is not in ASCII is for those who convert it");
    CHECK(init_with_host("\xE4\xBE\x8B.example") == MISSKEY_ERR_BAD_ARG);
    CHECK(write_with_host("\xE4\xBE\x8B.example:3000") == MISSKEY_ERR_OK);
    CHECK(write_with_host("\xE4\xBE.example") == MISSKEY_ERR_BAD_ARG && write_with_host("\xFF") == MISSKEY_ERR_BAD_ARG);
    CASE("a path is ASCII in both");
    CHECK(write_with("h", "/caf\xC3\xA9") == MISSKEY_ERR_BAD_ARG && write_with("h", "/caf%C3%A9") == MISSKEY_ERR_OK);
    PASS();
}

#if defined(__unix__) || defined(__APPLE__)
/* Addresses, and what looks like them, against the system's own reader. */
TEST addresses_of_version_6(void)
{
    static const char letters[] = "01259afF::::::::..gG% ";
    unsigned round, good = 0;
    for (round = 0; round < 60000; round++) {
        char text[64], host[80];
        uint8_t address[16];
        size_t len = 0, n;
        bool right;
        if (round & 1) { /* a right one, and one letter of it changed */
            for (n = 0; n < 16; n++) address[n] = (uint8_t)(rnd(3) == 0 ? rnd(256) : 0);
            inet_ntop(AF_INET6, address, text, sizeof text);
            if (rnd(3) > 0) text[rnd((uint32_t)strlen(text))] = letters[rnd(sizeof letters - 1)];
        } else {
            for (n = rnd(20); n > 0; n--) text[len++] = letters[rnd(sizeof letters - 1)];
            text[len] = '\0';
        }
        right = inet_pton(AF_INET6, text, address) == 1;
        snprintf(host, sizeof host, "[%s]%s", text, rnd(2) ? ":443" : "");
        CASE("%s", host);
        CHECK(host_is(host, right));
        good += right;
        if (right) CHECK(host_is(text, false));
    }
    CASE("only %u addresses were right", good);
    CHECK(good > 10000);
    PASS();
}
#endif

SUITE(request)
{
    RUN_TEST(client_writes_request);
    RUN_TEST(one_user_agent);
    RUN_TEST(tx_holds_the_request);
    RUN_TEST(init_refuses);
}

SUITE(host)
{
    RUN_TEST(hosts);
#if defined(__unix__) || defined(__APPLE__)
    RUN_TEST(addresses_of_version_6);
#endif
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(request);
    RUN_SUITE(host);
    GREATEST_MAIN_END();
}
