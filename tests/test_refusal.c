/* What a CLOSED event shows of a refusal: reason and Location, and never the token. */
#include "heads.h"

/* ---- what an event shows ---- */

/* A refusal with this reason and Location, through any rx and any pieces. */
static bool refused_with(const char *reason, const char *location)
{
    made.len = 0;
    made.answer = true;
    put("HTTP/1.1 302 ");
    put(reason);
    put("\r\n");
    if (location != NULL) {
        put("Location: ");
        put(location);
        put("\r\n");
    }
    put("\r\n");
    return play_head(C, made.text, made.len, 0) && C->ev.type == MISSKEY_WS_EVENT_CLOSED && C->ev.code == 302;
}

TEST only_clean_text_is_shown(void)
{
    static const struct { const char *text; bool shown; } texts[] = {
        { "Found", true }, { "\xE8\xA6\x8B\xE3\x81\xA4\xE3\x81\x8B\xE3\x82\x8A", true }, { "\xC2\xA0", true },
        { "", false },
        { "caf\xC3\xA9 \xF0\x9F\x98\x80", true }, { "caf\xE9", false }, { "\xC2\x80", false }, { "a\xC2\x9F", false },
        { "\xED\xA0\x80", false }, { "\xC0\xAF", false }, { "\xF4\x90\x80\x80", false }, { "cut\xE3\x81", false },
        { "tab\tin", false },
    };
    char text[8];
    size_t i;
    int c;
    for (i = 0; i < SIZE(texts); i++) {
        CASE("text %u", (unsigned)i);
        describe(C, 256, 512);
        CHECK(refused_with(texts[i].text, texts[i].text));
        CHECK(is(C->ev.text, texts[i].shown ? texts[i].text : NULL));
        CHECK(is(C->ev.location, texts[i].shown || i == 3 ? texts[i].text : NULL));
    }
    for (c = 1; c < 0x20; c++) {
        CASE("control %02x in a reason", c);
        if (c == '\n' || c == '\r') continue;
        snprintf(text, sizeof text, "a%cb", c == 0x1F ? 0x7F : c);
        describe(C, 256, 512);
        CHECK(refused_with(text, "/x") && C->ev.text.ptr == NULL && is(C->ev.location, "/x"));
    }
    PASS();
}

/* One character as somebody might write it who encodes too much, or more than once. */
static void put_spelled(char *dst, char c)
{
    static const char *const hex[] = { "0123456789ABCDEF", "0123456789abcdef" };
    const unsigned times = c == '%' ? rnd(3) : rnd(4) > 0 ? 0 : 1 + rnd(3);
    unsigned i;
    dst += strlen(dst);
    if (c == '+' && rnd(3) == 0) c = ' '; /* as a form has it */
    if (times == 0) {
        *dst++ = c;
    } else {
        *dst++ = '%';
        for (i = 1; i < times; i++) dst += sprintf(dst, "25");
        *dst++ = hex[rnd(2)][(uint8_t)c >> 4];
        *dst++ = hex[rnd(2)][(uint8_t)c & 15];
    }
    *dst = '\0';
}

/* The token comes back in any spelling, at any place: then that text is left out. One letter that differs:
    it is not. */
TEST token_is_not_shown(bool in_query)
{
    static const char *const around[] = { "no /streaming?i=%s here", "%s", "https://auth.example/#/x;i=%s", "/%s/?i=%s",
                                          "x%%3Fi%%3D%s%%26y", "%%%s%%zz", "(%s20)" };
    static const char *const tokens[] = { "SECRETtok", "a/b+c%~=&?", "!\"#$&'()*,-.:;<>@[]^_`{|}~\\/", "aaab", "tok%",
                                          "\xC3\xA9t\xC3\xA9" };
    unsigned round;
    for (round = 0; round < 6000; round++) {
        const char *const token = tokens[rnd(SIZE(tokens))], *const frame = around[rnd(SIZE(around))];
        const size_t len = strlen(token);
        const bool differs = rnd(3) == 0 && (uint8_t)*token < 0x80, at_end = token[len - 1] != '%' && rnd(2);
        char spelled[600] = "", text[900], shown[900];
        size_t i;
        for (i = 0; i < len; i++) put_spelled(spelled, differs && i == (at_end ? len - 1 : 0) ? '0' : token[i]);
        snprintf(text, sizeof text, frame, spelled, "x");
        CASE("round %u %.50s", round, text);
        describe(C, strlen(text) < 60 && rnd(2) ? 256 : 2048, 1024);
        C->desc.token = token;
        C->desc.token_in_query = in_query;
        CHECK(refused_with(text, "/where") && is(C->ev.location, "/where"));
        CHECK(is(C->ev.text, differs ? text : NULL));
        CHECK(refused_with("why", text) && is(C->ev.text, "why"));
        snprintf(shown, sizeof shown, "%s", text);
        if (strchr(shown, '?') != NULL) *strchr(shown, '?') = '\0';
        if (differs || (frame == around[0])) CHECK(is(C->ev.location, shown));
        else CHECK(C->ev.location.ptr == NULL);
    }
    PASS();
}

TEST token_is_not_in_a_close_reason(void)
{
    uint8_t payload[125] = { 3, 0xE8 };
    CASE("Close");
    describe(C, 256, 512);
    C->desc.token = "SECRETtok";
    CHECK(open_it(C));
    memcpy(payload + 2, "bad i=SECRETt%6Fk", 17);
    CHECK(feed_frame(C, 0x88, payload, 19) && closed_as(C, MISSKEY_ERR_OK, 1000) && C->ev.text.ptr == NULL);
    memcpy(payload + 2, "bad i=SECRETt%6Fx", 17);
    CHECK(open_it(C));
    CHECK(feed_frame(C, 0x88, payload, 19) && closed_as(C, MISSKEY_ERR_OK, 1000) && is(C->ev.text,
        "bad i=SECRETt%6Fx"));
    PASS();
}

SUITE(refusals)
{
    RUN_TEST(only_clean_text_is_shown);
    RUN_TESTp(token_is_not_shown, false);
    RUN_TESTp(token_is_not_shown, true);
    RUN_TEST(token_is_not_in_a_close_reason);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(refusals);
    GREATEST_MAIN_END();
}
