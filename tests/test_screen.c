/* examples/screen.h: what a text costs to lay out, and where its lines end. Nothing is drawn on a terminal. */
#define _POSIX_C_SOURCE 200809L
#include "../examples/width.h"
static unsigned long measured;
static inline size_t counted_next(const char *text, size_t len, int *columns)
{
    measured++;
    return width_next(text, len, columns);
}
#define width_next counted_next
#include "../examples/screen.h"
#undef width_next
#include "greatest.h"

enum { SIZE = 200000 };
static char text[SIZE];

/* So many copies of the unit, in a window of 25 columns; how many characters were measured for it. */
static unsigned long cost(const char *unit, size_t copies, int lines)
{
    const size_t size = strlen(unit);
    size_t i;
    for (i = 0; i < copies; i++) memcpy(text + i * size, unit, size);
    measured = 0;
    pen_window(0, 25, 0, 0);
    pen_text(text, copies * size, lines);
    return measured;
}

TEST layout_is_linear_in_the_text(void)
{
    static const char *const units[] = {
        "、", "。」", "a", "ab ", " ", "あ", "あ、", "a、", "、a", "「あ」", "a。b", "、 ", "\n、",
        "👍", "、👍", "e\xCC\x81", "\t、",
        "\xCC\x81、", "\xFF", "、\xFF", "\xE2\x80\x8B、", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa、",
        "）））））））））））））））））））））））））あ",
    };
    size_t i;
    for (i = 0; i < sizeof units / sizeof units[0]; i++) {
        const unsigned long one = cost(units[i], 500, 100000), four = cost(units[i], 2000, 100000);
        ASSERTm(units[i], four <= 4 * one + 100);
        ASSERTm(units[i], four <= 3 * 2000 * strlen(units[i]));
    }
    PASS();
}

/* 2700 signs of punctuation on 20 lines of 25 columns: the rest of the text is measured once at most. */
TEST what_is_not_shown_costs_little(void)
{
    ASSERT(cost("、", 2700, 20) < 4000);
    ASSERT(cost("。」", 1350, 20) < 4000);
    ASSERT(cost("、", 2700, 1) < 4000);
    PASS();
}

/* The lines of a text in 10 columns, with | between them. */
static const char *lines_of(const char *what)
{
    static char lines[2000];
    const screen_look looks[] = { { 0, 0, 0 } };
    int x, y, last;
    screen.looks = looks;
    if (!screen_resize(10, 12)) return "no memory";
    screen_fill(0, 12, 0);
    pen_window(0, 10, 0, 12);
    pen_text(what, strlen(what), 12);
    lines[0] = '\0';
    last = pen.y;
    for (y = 0; y <= last; y++) {
        size_t len = strlen(lines);
        for (x = 0; x < 10; x++) {
            const screen_cell *const c = screen_at(x, y);
            memcpy(lines + len, c->text, c->len);
            len += c->len;
        }
        while (len > 0 && lines[len - 1] == ' ') len--;
        lines[len] = '\0';
        if (y < last) strcat(lines, "|");
    }
    return lines;
}

TEST lines_end_where_they_may(void)
{
    static const char *const cases[][2] = {
        { "abc def ghi jkl", "abc def|ghi jkl" }, { "abcdefghijklmno", "abcdefghij|klmno" },
        { "ab cdefghijklmnop q", "ab cdefghi|jklmnop q" }, { "あいうえおかき", "あいうえお|かき" },
        { "あいうえお、か", "あいうえ|お、か" },
        { "あいうえお。」か", "あいうえ|お。」か" }, { "aあbいcうdえe", "aあbいcうd|えe" },
        { "、、、、、、、", "、、、、、|、、" }, { "a\n\nb", "a||b" },
        { "あいうえabc", "あいうえ|abc" },
        { "abc あいう、え", "abc あい|う、え" }, { "あ、、、、、、い", "あ、、、、|、、い" },
    };
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) ASSERT_STR_EQ(cases[i][1], lines_of(cases[i][0]));
    PASS();
}

SUITE(layout)
{
    RUN_TEST(layout_is_linear_in_the_text);
    RUN_TEST(what_is_not_shown_costs_little);
    RUN_TEST(lines_end_where_they_may);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(layout);
    GREATEST_MAIN_END();
}
