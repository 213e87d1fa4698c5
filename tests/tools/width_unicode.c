/* width_unicode DIR: compares examples/width.h with the files of the Unicode Character Database in DIR (as the package
   unicode-data has them): every assigned code point by itself, and every emoji of emoji-test.txt as one character.
   Prints a PASS or FAIL line for both. Exit status: 0 as it should be, 1 not, 2 usage or a missing file. */
#include "../../examples/width.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 0x110000 };
enum { ASSIGNED = 1, NO_COLUMN = 2, VISIBLE_FORMAT = 4, WIDE = 8, EMOJI = 16 };
static unsigned char facts[POINTS];
static int status;

static FILE *open_file(const char *dir, const char *name)
{
    char path[512];
    FILE *file;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    file = fopen(path, "r");
    if (file == NULL) {
        fprintf(stderr, "width_unicode: cannot open %s\n", path);
        exit(2);
    }
    return file;
}

/* Sets the bit on the code points whose value is one of these words. */
static void read_property(const char *dir, const char *name, unsigned char bit, const char *words)
{
    FILE *const file = open_file(dir, name);
    char line[512], value[64], word[68];
    unsigned first, last;
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "%x..%x ; %63[A-Za-z_]", &first, &last, value) != 3) {
            if (sscanf(line, "%x ; %63[A-Za-z_]", &first, value) != 2) continue;
            last = first;
        }
        snprintf(word, sizeof word, " %s ", value);
        if (strstr(words, word) == NULL) continue;
        for (; first <= last && first < POINTS; first++) facts[first] |= bit;
    }
    fclose(file);
}

static width_kind expected(unsigned c)
{
    const bool ascii_or_flag = c < 0x80 || (c >= 0x1F1E6 && c <= 0x1F1FF);
    if ((facts[c] & NO_COLUMN) && !(facts[c] & VISIBLE_FORMAT) && c != 0xAD) return WIDTH_ZERO;
    if ((facts[c] & EMOJI) && !ascii_or_flag) return facts[c] & WIDE ? WIDTH_EMOJI : WIDTH_TEXT;
    return facts[c] & WIDE ? WIDTH_WIDE : WIDTH_NARROW;
}

static void check_points(const char *dir)
{
    unsigned c, num = 0, bad = 0, first_bad = 0;
    read_property(dir, "extracted/DerivedGeneralCategory.txt", ASSIGNED,
                  " Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co ");
    read_property(dir, "extracted/DerivedGeneralCategory.txt", NO_COLUMN, " Mn Me Cf Zl Zp ");
    read_property(dir, "HangulSyllableType.txt", NO_COLUMN, " V T ");
    read_property(dir, "PropList.txt", VISIBLE_FORMAT, " Prepended_Concatenation_Mark ");
    read_property(dir, "EastAsianWidth.txt", WIDE, " W F ");
    read_property(dir, "emoji/emoji-data.txt", EMOJI, " Emoji ");
    for (c = 0; c < POINTS; c++) {
        if (!(facts[c] & ASSIGNED)) continue;
        num++;
        if (width_of(c) == expected(c)) continue;
        if (bad++ == 0) first_bad = c;
    }
    if (bad == 0 && num > 200000) printf("PASS width of code points (%u)\n", num);
    else printf("FAIL width of code points: %u of %u differ, U+%04X first\n", bad, num, first_bad);
    status |= bad > 0 || num <= 200000;
}

static size_t encode(unsigned c, char *out)
{
    size_t i;
    const size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (i = n; i-- > 1; c >>= 6) out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(n == 1 ? c : (0xF00u >> n & 0xFF) | c);
    return n;
}

/* Lines: code points ; status # ... Only what the file calls fully-qualified is drawn as an emoji everywhere. */
static void check_sequences(const char *dir)
{
    FILE *const file = open_file(dir, "emoji/emoji-test.txt");
    char line[512], text[128], bad[128] = "";
    unsigned num = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        char *at = line, *end;
        size_t len = 0;
        int columns = 0;
        if (line[0] == '#' || strstr(line, "; fully-qualified") == NULL) continue;
        for (; *at != ';' && len < sizeof text - 4; at = end + strspn(end, " ")) {
            len += encode((unsigned)strtoul(at, &end, 16), text + len);
            if (end == at) break;
        }
        num++;
        if (width_next(text, len, &columns) != len || columns != 2) snprintf(bad, sizeof bad, "%.*s", (int)len, text);
    }
    fclose(file);
    if (bad[0] == '\0' && num > 3000) printf("PASS width of emoji (%u)\n", num);
    else printf("FAIL width of emoji: '%s' of %u is not one character of 2 columns\n", bad, num);
    status |= bad[0] != '\0' || num <= 3000;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: width_unicode DIR\n", stderr);
        return 2;
    }
    check_points(argv[1]);
    check_sequences(argv[1]);
    return status;
}
