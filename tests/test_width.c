/* examples/width.h: what counts as one character, and its columns. tests/check_width.sh compares it with Unicode. */
#include "../examples/width.h"
#include "greatest.h"

#include <stdio.h>
#include <string.h>

/* The columns of each character with its bytes: "1:2 3:1 " */
static const char *measure(const char *text, size_t len)
{
    static char out[256];
    size_t at = 0, n, end = 0;
    int columns;
    out[0] = '\0';
    for (; (n = width_next(text + at, len - at, &columns)) > 0 && end < sizeof out - 16; at += n)
        end += (size_t)snprintf(out + end, sizeof out - end, "%u:%d ", (unsigned)n, columns);
    return at == len ? out : "not all of it";
}

#define IS(text, expected) ASSERT_STR_EQ(expected, measure(text, sizeof text - 1))

TEST plain(void)
{
    IS("", "");
    IS("a ~", "1:1 1:1 1:1 ");
    IS("\xC3\xA9\xE2\x98\x85", "2:1 3:1 ");                             /* é ★: ambiguous is narrow */
    IS("日本ｱＡ한", "3:2 3:2 3:1 3:2 3:2 ");
    IS("\xC2\xAD\xEF\xBF\xBD", "2:1 3:1 ");                             /* soft hyphen, U+FFFD */
    PASS();
}

TEST marks(void)
{
    IS("e\xCC\x81\xCC\xA7x", "5:1 1:1 ");                               /* two marks on one letter */
    IS("\xE3\x81\x8B\xE3\x82\x99", "6:2 ");                             /* か and a voicing mark */
    IS("\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB", "9:2 ");                 /* a Hangul syllable of three letters */
    IS("\xCC\x81\xCC\x81" "a", "4:0 1:1 ");                             /* on nothing */
    IS("a\xE2\x80\x8B" "b", "4:1 1:1 ");                                /* U+200B */
    IS("\xE0\xB8\x81\xE0\xB8\xB4\xE0\xB9\x88", "9:1 ");                 /* Thai, vowel and tone above */
    PASS();
}

TEST emoji(void)
{
    IS("🍣🍣", "4:2 4:2 ");
    IS("❤", "3:1 ");
    IS("❤\xEF\xB8\x8F", "6:2 ");                                        /* U+FE0F */
    IS("a\xEF\xB8\x8F", "4:1 ");                                        /* no emoji, and stays as it is */
    IS("1\xEF\xB8\x8F\xE2\x83\xA3" "1", "7:2 1:1 ");                    /* keycap */
    IS("👍🏽👍", "8:2 4:2 ");
    IS("☝🏽", "7:2 ");
    IS("👨\xE2\x80\x8D👩\xE2\x80\x8D👧\xE2\x80\x8D👦!", "25:2 1:1 ");
    IS("❤\xEF\xB8\x8F\xE2\x80\x8D🔥", "13:2 ");
    IS("🍣\xE2\x80\x8D" "a", "7:2 1:1 ");                                 /* U+200D before no emoji joins nothing */
    IS("a\xE2\x80\x8D🍣", "4:1 4:2 ");
    IS("🏽", "4:2 ");                                                   /* a skin tone of nobody */
    PASS();
}

TEST flags(void)
{
    IS("🇯🇵", "8:2 ");
    IS("🇯🇵🇯", "8:2 4:1 ");
    IS("🇯a", "4:1 1:1 ");
    IS("🏴\xF3\xA0\x81\xA7\xF3\xA0\x81\xA2\xF3\xA0\x81\xB3\xF3\xA0\x81\xA3\xF3\xA0\x81\xB4\xF3\xA0\x81\xBF",
       "28:2 ");                                                        /* Scotland, in tags */
    IS("🏳\xEF\xB8\x8F\xE2\x80\x8D🌈", "14:2 ");
    PASS();
}

TEST controls(void)
{
    IS("\x1B[31m", "1:-1 1:1 1:1 1:1 1:1 ");
    IS("\r\n\t\x7F", "1:-1 1:-1 1:-1 1:-1 ");
    IS("\xC2\x9B\xC2\x85", "2:-1 2:-1 ");                               /* C1 */
    IS("\xE2\x80\xA8\xE2\x80\xAE\xE2\x81\xA6", "3:-1 3:-1 3:-1 ");      /* lines and directions */
    IS("a\xE2\x80\xAE" "b", "1:1 3:-1 1:1 ");                           /* never hidden behind a base */
    ASSERT_STR_EQ("1:-1 1:1 ", measure("\0a", 2));
    PASS();
}

TEST malformed(void)
{
    IS("\x80\xBF\xBF\xFF", "1:1 1:1 1:1 1:1 ");
    IS("\xC1\x81", "1:1 1:1 ");
    IS("\xE3\x81", "1:1 1:1 ");
    IS("\xF5\x80\x80\x80", "1:1 1:1 1:1 1:1 ");
    IS("\xF8\x88\x80\x80", "1:1 1:1 1:1 1:1 ");
    PASS();
}

/* Every pair of bytes, before every length: all of it is read and, as sanitizers see, nothing else. */
TEST every_pair(void)
{
    char text[4] = "";
    unsigned pair;
    for (pair = 0; pair < 65536; pair++) {
        const size_t len = 1 + pair % 3;
        text[0] = (char)(pair >> 8);
        text[1] = (char)(pair & 0xFF);
        ASSERT(strcmp(measure(text, len), "not all of it") != 0);
    }
    PASS();
}

SUITE(width)
{
    RUN_TEST(plain);
    RUN_TEST(marks);
    RUN_TEST(emoji);
    RUN_TEST(flags);
    RUN_TEST(controls);
    RUN_TEST(malformed);
    RUN_TEST(every_pair);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(width);
    GREATEST_MAIN_END();
}
