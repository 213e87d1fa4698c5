/* utf8_all PART PARTS: puts every four-byte string whose first byte is PART modulo PARTS through the UTF-8 validation
   of the library and through a reference that reads Unicode table 3-7, and prints how many there were and how many are
   valid.

   The library has two validators. The one for whole text sees each string as it is. So does the one for text in pieces;
   it must refuse if and only if no continuation could save the string, and know whether it ends within a character. It
   also sees each string byte by byte, where the state after a common prefix is computed once. What it does with a piece
   depends on nothing but its three bytes of state, and byte by byte these were compared for every string; so for pieces
   of 1+3 and 2+2 bytes one prefix for each state stands for all that lead to it.

   Long text is looked at in blocks. So every string of four bytes that stand for all others (the ends of each range in
   the table) is also put at every place of a text of more than two blocks. The scanner of JSON has a validator of its
   own, which sees the same text as a string.
   Exit code: 0 they agree, 1 they differ, 2 usage. */
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../../misskey_stream.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct range { uint8_t low, high; } range;
typedef struct row { unsigned length; range bytes[4]; } row;

/* The Unicode Standard, table 3-7: well-formed UTF-8 byte sequences. */
static const row table[] = {
    { 1, { { 0x00, 0x7F } } },
    { 2, { { 0xC2, 0xDF }, { 0x80, 0xBF } } },
    { 3, { { 0xE0, 0xE0 }, { 0xA0, 0xBF }, { 0x80, 0xBF } } },
    { 3, { { 0xE1, 0xEC }, { 0x80, 0xBF }, { 0x80, 0xBF } } },
    { 3, { { 0xED, 0xED }, { 0x80, 0x9F }, { 0x80, 0xBF } } },
    { 3, { { 0xEE, 0xEF }, { 0x80, 0xBF }, { 0x80, 0xBF } } },
    { 4, { { 0xF0, 0xF0 }, { 0x90, 0xBF }, { 0x80, 0xBF }, { 0x80, 0xBF } } },
    { 4, { { 0xF1, 0xF3 }, { 0x80, 0xBF }, { 0x80, 0xBF }, { 0x80, 0xBF } } },
    { 4, { { 0xF4, 0xF4 }, { 0x80, 0x8F }, { 0x80, 0xBF }, { 0x80, 0xBF } } }
};
static const row *row_of[256];

static void index_table(void)
{
    size_t i;
    unsigned byte;
    for (i = 0; i < sizeof table / sizeof table[0]; i++) {
        for (byte = table[i].bytes[0].low; byte <= table[i].bytes[0].high; byte++) row_of[byte] = &table[i];
    }
}

/* How many bytes are right: all of them, or those before the first that no continuation can save. *whole: the text does
   not end within a character. */
static unsigned reference(const uint8_t *p, unsigned len, bool *whole)
{
    unsigned at = 0, i;
    *whole = true;
    while (at < len) {
        const row *const r = row_of[p[at]];
        for (i = 0; i < (r == NULL ? 1 : r->length); i++) {
            *whole = at + i < len;
            if (!*whole) return len;
            if (r == NULL || p[at + i] < r->bytes[i].low || p[at + i] > r->bytes[i].high) return at + i;
        }
        at += i;
    }
    return at;
}

static void differ(const char *what, const uint8_t *p)
{
    printf("%s differs from Unicode table 3-7 at %02X %02X %02X %02X\n", what, p[0], p[1], p[2], p[3]);
    exit(1);
}

/* State of the validator for pieces after a prefix; dead: refused already. */
typedef struct state { uint8_t bytes[3]; bool dead; } state;

static state feed(state s, const uint8_t *p, unsigned len)
{
    s.dead = s.dead || !mski_utf8_feed(s.bytes, p, len, false);
    return s;
}

/* Does the validator for pieces give the right verdict on the last piece of a text? right: no byte is wrong; whole: the
   text does not end within a character. */
static bool last_piece(const state *before, const uint8_t *p, unsigned len, bool right, bool whole)
{
    uint8_t bytes[3];
    if (before->dead) return !right;
    memcpy(bytes, before->bytes, sizeof bytes);
    if (!mski_utf8_feed(bytes, p, len, false)) return !right;
    return right && (bytes[0] == 0) == whole;
}

/* Has no prefix of n bytes led to this state before? */
static bool is_new(state s, unsigned n)
{
    static state seen[4][16];
    static unsigned count[4];
    unsigned i;
    if (s.dead || s.bytes[0] == 0) s.bytes[0] = s.bytes[1] = s.bytes[2] = 0; /* the others mean nothing then */
    for (i = 0; i < count[n]; i++) if (memcmp(&seen[n][i], &s, sizeof s) == 0) return false;
    if (count[n] < 16) seen[n][count[n]++] = s;
    return true;
}

/* All strings with the three bytes at p; after[n]: state after n of them, byte by byte; split[n]: cut there as well. */
static uint64_t last_byte(uint8_t p[4], const state after[4], const bool split[4])
{
    bool whole;
    const unsigned before = reference(p, 3, &whole);
    uint64_t valid = 0;
    unsigned byte, n;
    for (byte = 0; byte < 256; byte++) {
        unsigned right = before;
        p[3] = (uint8_t)byte;
        if (before == 3) right = reference(p, 4, &whole); /* else the string is wrong before its last byte */
        whole = whole && right == 4;
        if (mski_utf8_valid(p, 4, false) != whole) differ("the validator for whole text", p);
        for (n = 0; n < 4; n++) {
            if (!split[n] || last_piece(&after[n], p + n, 4 - n, right == 4, whole)) continue;
            differ("the validator for pieces", p);
        }
        valid += whole;
    }
    return valid;
}

/* Both ways to a prefix must lead to the same state: byte by byte, and at once. */
static state step(uint8_t p[4], unsigned len, const state after[4])
{
    static const state none;
    const state bytewise = feed(after[len - 1], p + len - 1, 1), at_once = feed(none, p, len);
    bool whole;
    const bool right = reference(p, len, &whole) == len;
    if (bytewise.dead == right || at_once.dead == right) differ("the validator for pieces", p);
    if (right && memcmp(bytewise.bytes, at_once.bytes, bytewise.bytes[0] > 0 ? 3 : 1) != 0) differ("a cut text", p);
    return bytewise;
}

static uint64_t all_with(unsigned first)
{
    uint8_t p[4] = { 0, 0, 0, 0 };
    state after[4] = { { { 0, 0, 0 }, false } };
    bool split[4] = { true, false, false, true };
    uint64_t valid = 0;
    unsigned second, third;
    p[0] = (uint8_t)first;
    after[1] = step(p, 1, after);
    split[1] = is_new(after[1], 1);
    for (second = 0; second < 256; second++) {
        p[1] = (uint8_t)second;
        after[2] = step(p, 2, after);
        split[2] = is_new(after[2], 2);
        for (third = 0; third < 256; third++) {
            p[2] = (uint8_t)third;
            after[3] = step(p, 3, after);
            valid += last_byte(p, after, split);
        }
    }
    return valid;
}

/* --- in blocks --- */

enum { PLACES = 132 }; /* two blocks, and one that overlaps the second */

static const uint8_t ends[] = {
    0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0,
    0xF1, 0xF3, 0xF4, 0xF5, 0xFF
};

/* The string at every place of a text, behind characters of this kind and up to three bytes of ASCII. json: no control
   character is in it. */
static void in_text(const uint8_t p[4], const char *character, bool valid, bool json, bool wide)
{
    const size_t len = strlen(character);
    uint8_t all[3 + PLACES + 4 + 3 + 16], *const text = all + 3; /* so that the quote is not in the last step */
    const misskey_err as_text = valid ? MISSKEY_ERR_OK : MISSKEY_ERR_BAD_UTF8;
    misskey_err err = json ? as_text : MISSKEY_ERR_BAD_JSON;
    misskey_json value;
    size_t ascii, at;
    memset(all, ' ', sizeof all);
    memcpy(all, "[[\"", 3);
    memcpy(text + PLACES + 4, "\"]]", 3);
    for (ascii = 0; ascii < len; ascii++) {
        memset(text, 'a', PLACES + 4);
        for (at = ascii; at <= PLACES; at += len) {
            memcpy(text + at, p, 4);
            if (mski_utf8_valid(text, PLACES + 4, wide) != valid) {
                differ(wide ? "the wide validator for blocks" : "the validator for blocks", p);
            }
            if (!wide) err = misskey_json_check((const char *)all, sizeof all, &value, NULL);
            if (json ? err != as_text : err == MISSKEY_ERR_OK) differ("the validator for strings", p);
            memset(text + at, 'a', 4);
            memcpy(text + at, character, len);
        }
    }
}

static uint64_t in_blocks(unsigned part, unsigned parts)
{
    const unsigned n = sizeof ends;
    unsigned i, wide, widest = 0;
    bool whole;
#if MSKI_WIDE
    widest = mski_find_wide();
#endif
    for (i = part; i < n * n * n * n; i += parts) {
        const uint8_t p[4] = { ends[i % n], ends[i / n % n], ends[i / n / n % n], ends[i / n / n / n] };
        const bool valid = reference(p, 4, &whole) == 4 && whole;
        const bool json = p[0] >= 0x20 && p[1] >= 0x20 && p[2] >= 0x20 && p[3] >= 0x20;
        for (wide = 0; wide <= widest; wide++) {
            in_text(p, "a", valid, json, wide > 0);
            in_text(p, "\xE3\x81\x82", valid, json, wide > 0);
            in_text(p, "\xF0\x9F\x98\x80", valid, json, wide > 0);
        }
    }
    return (n * n * n * n - part + parts - 1) / parts;
}

int main(int argc, char **argv)
{
    const unsigned part = argc == 3 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
    const unsigned parts = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    uint64_t strings = 0, valid = 0;
    unsigned first;
    if (part >= parts) {
        fprintf(stderr, "usage: utf8_all PART PARTS, with PART below PARTS (0 1 is everything)\n");
        return 2;
    }
    index_table();
    for (first = part; first < 256; first += parts) {
        valid += all_with(first);
        strings += UINT64_C(1) << 24;
    }
    printf("%lu strings %lu valid\n", (unsigned long)strings, (unsigned long)valid);
    printf("%lu in blocks\n", (unsigned long)in_blocks(part, parts));
    return 0;
}
