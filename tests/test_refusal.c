/* What a CLOSED event shows of a refusal: reason, Location, Retry-After, and never the token. */
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

/* ---- Retry-After ---- */

static int month_days(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return days[month] + (month == 1 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

/* Seconds since 1970 in one of the three forms (RFC 9110 section 5.6.7). */
static const char *http_date(uint32_t seconds, int form)
{
    static const char *const days[] = { "Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
        "Dec" };
    static char text[64];
    const char *const name = days[seconds / 86400 % 7];
    int day = (int)(seconds / 86400), year = 1970, month = 0;
    const int h = (int)(seconds % 86400 / 3600), m = (int)(seconds % 3600 / 60), s = (int)(seconds % 60);
    for (; day >= month_days(year, month); month = (month + 1) % 12) {
        day -= month_days(year, month);
        year += month == 11;
    }
    day++;
    if (form == 0) sprintf(text, "%.3s, %02d %s %04d %02d:%02d:%02d GMT", name, day, months[month], year, h, m, s);
    else if (form == 1) sprintf(text, "%s, %02d-%s-%02d %02d:%02d:%02d GMT", name, day, months[month], year % 100, h,
        m, s);
    else sprintf(text, "%.3s %s %2d %02d:%02d:%02d %04d", name, months[month], day, h, m, s, year);
    return text;
}

/* What a 503 with these headers gives; NULL = without it. */
static bool waits(const char *date, const char *retry, bool date_first, uint32_t want)
{
    made.len = 0;
    made.answer = true;
    put("HTTP/1.1 503 Busy\r\n");
    if (date_first && date != NULL) put_header("Date", date);
    put_unknown();
    if (retry != NULL) put_header("Retry-After", retry);
    if (!date_first && date != NULL) put_header("Date", date);
    put("\r\n");
    describe(C, 256, 512);
    return play_head(C, made.text, made.len, 0) && C->ev.type == MISSKEY_WS_EVENT_CLOSED && C->ev.code == 503 &&
           C->ev.retry_after == want;
}

TEST retry_after_dates(void)
{
    unsigned round;
    for (round = 0; round < 5000; round++) {
        const uint32_t now = 946684800u + rnd(1u << 16) * 40000u + rnd(86400); /* 2000 to 2083 */
        const int32_t later = rnd(4) == 0 ? -(int32_t)rnd(5000000) : (int32_t)rnd(rnd(2) ? 5000 : 16000000);
        char date[64], retry[64];
        strcpy(date, http_date(now, (int)rnd(3)));
        strcpy(retry, http_date(now + (uint32_t)later, (int)rnd(3)));
        CASE("%.35s, %.35s", date, retry);
        CHECK(waits(date, retry, rnd(2) == 1, later > 0 ? (uint32_t)later : 0));
    }
    PASS();
}

TEST retry_after_forms(void)
{
    static const char now[] = "Sun, 29 Nov 2026 12:00:00 GMT";
    static const struct { const char *date, *retry; uint32_t want; } t[] = {
        { NULL, NULL, 0 }, { now, NULL, 0 }, { now, "120", 120 }, { NULL, "0", 0 }, { NULL, "00017", 17 },
        { NULL, "Sun, 29 Nov 2026 12:02:00 GMT", 60 }, { "yesterday", "Sun, 29 Nov 2026 12:02:00 GMT", 60 },
        { now, "Sun, 29 Nov 2026 12:02:00 GMT", 120 }, { now, "Sunday, 29-Nov-26 12:02:00 GMT", 120 },
        { now, "Sun Nov 29 12:02:00 2026", 120 }, { now, "Tue Dec  1 12:00:01 2026", 2 * 86400 + 1 },
        { now, "Sun, 29 Nov 2026 12:00:60 GMT", 60 }, { now, now, 0 }, { now, "Sun, 06 Nov 1994 08:49:37 GMT", 0 },
        { now, "Sunday, 06-Nov-94 08:49:37 GMT", 0 }, { now, "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
        { now, "Mon, 01 Jan 0001 00:00:00 GMT", 0 }, { now, "Fri, 01 Jan 1000 00:00:00 GMT", 0 },
        { now, "soon", 60 }, { now, "", 60 }, { now, "-5", 60 }, { now, "1.5", 60 }, { now, "5s", 60 },
        { now, "120, 120", 60 },
        { now, "Sun, 29 Foo 2026 12:02:00 GMT", 60 }, { now, "Sun, 29 Nov 2026 24:00:00 GMT", 60 },
        { now, "Sun, 29 Nov 2026 12:60:00 GMT", 60 }, { now, "Sun, 29 Nov 2026 12:02:61 GMT", 60 },
        { now, "Sun, 32 Nov 2026 12:02:00 GMT", 60 }, { now, "Sun, 00 Nov 2026 12:02:00 GMT", 60 },
        { now, "Sun, 29 Nov 2026 12:02 GMT", 60 }, { now, "29 Nov", 60 }, { now, "2026-11-29T12:02:00Z", 60 },
        { now, "Sun, 29 Nov 20260 12:02:00 GMT", 60 }, { now, "Sun, 29 Nov 2026 12:02:00 +0900", 60 },
        { "Sun, 32 Nov 2026 12:00:00 GMT", "Sun, 29 Nov 2026 12:02:00 GMT", 60 },
        { "Sunday, 29-Nov-26 12:00:00 GMT", "Sun Nov 29 12:02:00 2026", 120 },
    };
    char date[64];
    unsigned year;
    size_t i;
    for (i = 0; i < 4 * SIZE(t); i++) {
        const size_t k = i / 4;
        CASE("Date %s, Retry-After %s", t[k].date, t[k].retry);
        CHECK(waits(t[k].date, t[k].retry, i & 1, t[k].want));
    }
    CASE("far ahead");
    CHECK(waits(now, "Sunday, 29-Nov-77 12:02:00 GMT", false, 0));
    CHECK(waits(now, "Saturday, 29-Nov-75 12:02:00 GMT", false, 1546300920));
    for (year = 2090; year < 10000; year += 97) {
        sprintf(date, "Fri, 31 Dec %u 23:59:59 GMT", year);
        CASE("%s", date);
        CHECK(!waits(now, date, false, 1) && C->ev.retry_after > 1546300920);
    }
    CASE("many digits");
    CHECK(!waits(NULL, "99999999999999999999", false, 1) && C->ev.retry_after >= 99999999);
    CASE("a line that rx cannot hold");
    made.len = 0;
    put("HTTP/1.1 503 Busy\r\nRetry-After:\r\n " X300 "\r\n\r\n");
    describe(C, 256, 512);
    CHECK(play_head(C, made.text, made.len, 0) && C->ev.code == 503 && C->ev.retry_after == 60);
    PASS();
}

SUITE(refusals)
{
    RUN_TEST(only_clean_text_is_shown);
    RUN_TESTp(token_is_not_shown, false);
    RUN_TESTp(token_is_not_shown, true);
    RUN_TEST(token_is_not_in_a_close_reason);
    RUN_TEST(retry_after_dates);
    RUN_TEST(retry_after_forms);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(refusals);
    GREATEST_MAIN_END();
}
