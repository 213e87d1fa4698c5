/* width.h - how many columns text takes on a terminal

        while (len > 0) {
            n = width_next(text, len, &columns);    // one character as people count them, -1 = a control character
            text += n, len -= n;
        }

   The numbers are facts out of the Unicode Character Database, version 15.0: EastAsianWidth.txt (W and F are wide),
   DerivedGeneralCategory.txt (Mn, Me, Zl, Zp and Cf take no column; of Cf not U+00AD and Prepended_Concatenation_Mark),
   HangulSyllableType.txt (V and T join what stands before them), emoji-data.txt (Emoji, without digits and flags). Code
   points that are unassigned go with their neighbours where that makes the table shorter.
   A character is a base and all that is drawn onto it: marks, variation selectors, skin tones, the second half of a
   flag, what U+200D joins. U+FE0F makes an emoji wide. Ambiguous width counts as narrow. Terminals disagree where emoji
   are joined: move the cursor to where a column begins, do not trust where it stands.
   tests/check_width.sh compares all of it with the files of Unicode.
   What to copy: the file. C99.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef WIDTH_H
#define WIDTH_H
#include <stddef.h>
#include <stdint.h>

typedef enum width_kind {
    WIDTH_NARROW,
    WIDTH_ZERO,         /* Z */
    WIDTH_WIDE,         /* W */
    WIDTH_EMOJI,        /* E: an emoji, and wide */
    WIDTH_TEXT          /* T: an emoji, narrow unless U+FE0F follows */
} width_kind;

#define Z(first, last) { 0x##first, 0x##last, WIDTH_ZERO },
#define W(first, last) { 0x##first, 0x##last, WIDTH_WIDE },
#define E(first, last) { 0x##first, 0x##last, WIDTH_EMOJI },
#define T(first, last) { 0x##first, 0x##last, WIDTH_TEXT },
static const struct { uint32_t first, last; width_kind kind; } width_table_[] = {
    T(A9,A9) T(AE,AE) Z(300,36F) Z(483,489) Z(591,5BD) Z(5BF,5BF) Z(5C1,5C2) Z(5C4,5C5) Z(5C7,5C7) Z(610,61A) Z(61C,61C)
    Z(64B,65F) Z(670,670) Z(6D6,6DC) Z(6DF,6E4) Z(6E7,6E8) Z(6EA,6ED) Z(711,711) Z(730,74A) Z(7A6,7B0) Z(7EB,7F3)
    Z(7FD,7FD) Z(816,819) Z(81B,823) Z(825,827) Z(829,82D) Z(859,85B) Z(898,89F) Z(8CA,8E1) Z(8E3,902) Z(93A,93A)
    Z(93C,93C) Z(941,948) Z(94D,94D) Z(951,957) Z(962,963) Z(981,981) Z(9BC,9BC) Z(9C1,9C4) Z(9CD,9CD) Z(9E2,9E3)
    Z(9FE,A02) Z(A3C,A3C) Z(A41,A51) Z(A70,A71) Z(A75,A75) Z(A81,A82) Z(ABC,ABC) Z(AC1,AC8) Z(ACD,ACD) Z(AE2,AE3)
    Z(AFA,B01) Z(B3C,B3C) Z(B3F,B3F) Z(B41,B44) Z(B4D,B56) Z(B62,B63) Z(B82,B82) Z(BC0,BC0) Z(BCD,BCD) Z(C00,C00)
    Z(C04,C04) Z(C3C,C3C) Z(C3E,C40) Z(C46,C56) Z(C62,C63) Z(C81,C81) Z(CBC,CBC) Z(CBF,CBF) Z(CC6,CC6) Z(CCC,CCD)
    Z(CE2,CE3) Z(D00,D01) Z(D3B,D3C) Z(D41,D44) Z(D4D,D4D) Z(D62,D63) Z(D81,D81) Z(DCA,DCA) Z(DD2,DD6) Z(E31,E31)
    Z(E34,E3A) Z(E47,E4E) Z(EB1,EB1) Z(EB4,EBC) Z(EC8,ECE) Z(F18,F19) Z(F35,F35) Z(F37,F37) Z(F39,F39) Z(F71,F7E)
    Z(F80,F84) Z(F86,F87) Z(F8D,FBC) Z(FC6,FC6) Z(102D,1030) Z(1032,1037) Z(1039,103A) Z(103D,103E) Z(1058,1059)
    Z(105E,1060) Z(1071,1074) Z(1082,1082) Z(1085,1086) Z(108D,108D) Z(109D,109D) W(1100,115F) Z(1160,11FF) Z(135D,135F)
    Z(1712,1714) Z(1732,1733) Z(1752,1753) Z(1772,1773) Z(17B4,17B5) Z(17B7,17BD) Z(17C6,17C6) Z(17C9,17D3) Z(17DD,17DD)
    Z(180B,180F) Z(1885,1886) Z(18A9,18A9) Z(1920,1922) Z(1927,1928) Z(1932,1932) Z(1939,193B) Z(1A17,1A18) Z(1A1B,1A1B)
    Z(1A56,1A56) Z(1A58,1A60) Z(1A62,1A62) Z(1A65,1A6C) Z(1A73,1A7F) Z(1AB0,1B03) Z(1B34,1B34) Z(1B36,1B3A) Z(1B3C,1B3C)
    Z(1B42,1B42) Z(1B6B,1B73) Z(1B80,1B81) Z(1BA2,1BA5) Z(1BA8,1BA9) Z(1BAB,1BAD) Z(1BE6,1BE6) Z(1BE8,1BE9) Z(1BED,1BED)
    Z(1BEF,1BF1) Z(1C2C,1C33) Z(1C36,1C37) Z(1CD0,1CD2) Z(1CD4,1CE0) Z(1CE2,1CE8) Z(1CED,1CED) Z(1CF4,1CF4) Z(1CF8,1CF9)
    Z(1DC0,1DFF) Z(200B,200F) Z(2028,202E) T(203C,203C) T(2049,2049) Z(2060,206F) Z(20D0,20F0) T(2122,2122) T(2139,2139)
    T(2194,2199) T(21A9,21AA) E(231A,231B) T(2328,2328) W(2329,232A) T(23CF,23CF) E(23E9,23EC) T(23ED,23EF) E(23F0,23F0)
    T(23F1,23F2) E(23F3,23F3) T(23F8,23FA) T(24C2,24C2) T(25AA,25AB) T(25B6,25B6) T(25C0,25C0) T(25FB,25FC) E(25FD,25FE)
    T(2600,2604) T(260E,260E) T(2611,2611) E(2614,2615) T(2618,2618) T(261D,261D) T(2620,2620) T(2622,2623) T(2626,2626)
    T(262A,262A) T(262E,262F) T(2638,263A) T(2640,2640) T(2642,2642) E(2648,2653) T(265F,2660) T(2663,2663) T(2665,2666)
    T(2668,2668) T(267B,267B) T(267E,267E) E(267F,267F) T(2692,2692) E(2693,2693) T(2694,2697) T(2699,2699) T(269B,269C)
    T(26A0,26A0) E(26A1,26A1) T(26A7,26A7) E(26AA,26AB) T(26B0,26B1) E(26BD,26BE) E(26C4,26C5) T(26C8,26C8) E(26CE,26CE)
    T(26CF,26CF) T(26D1,26D1) T(26D3,26D3) E(26D4,26D4) T(26E9,26E9) E(26EA,26EA) T(26F0,26F1) E(26F2,26F3) T(26F4,26F4)
    E(26F5,26F5) T(26F7,26F9) E(26FA,26FA) E(26FD,26FD) T(2702,2702) E(2705,2705) T(2708,2709) E(270A,270B) T(270C,270D)
    T(270F,270F) T(2712,2712) T(2714,2714) T(2716,2716) T(271D,271D) T(2721,2721) E(2728,2728) T(2733,2734) T(2744,2744)
    T(2747,2747) E(274C,274C) E(274E,274E) E(2753,2755) E(2757,2757) T(2763,2764) E(2795,2797) T(27A1,27A1) E(27B0,27B0)
    E(27BF,27BF) T(2934,2935) T(2B05,2B07) E(2B1B,2B1C) E(2B50,2B50) E(2B55,2B55) Z(2CEF,2CF1) Z(2D7F,2D7F) Z(2DE0,2DFF)
    W(2E80,3029) Z(302A,302D) W(302E,302F) E(3030,3030) W(3031,303C) E(303D,303D) W(303E,303E) W(3041,3096) Z(3099,309A)
    W(309B,3247) W(3250,3296) E(3297,3297) W(3298,3298) E(3299,3299) W(329A,4DBF) W(4E00,A4C6) Z(A66F,A672) Z(A674,A67D)
    Z(A69E,A69F) Z(A6F0,A6F1) Z(A802,A802) Z(A806,A806) Z(A80B,A80B) Z(A825,A826) Z(A82C,A82C) Z(A8C4,A8C5) Z(A8E0,A8F1)
    Z(A8FF,A8FF) Z(A926,A92D) Z(A947,A951) W(A960,A97C) Z(A980,A982) Z(A9B3,A9B3) Z(A9B6,A9B9) Z(A9BC,A9BD) Z(A9E5,A9E5)
    Z(AA29,AA2E) Z(AA31,AA32) Z(AA35,AA36) Z(AA43,AA43) Z(AA4C,AA4C) Z(AA7C,AA7C) Z(AAB0,AAB0) Z(AAB2,AAB4) Z(AAB7,AAB8)
    Z(AABE,AABF) Z(AAC1,AAC1) Z(AAEC,AAED) Z(AAF6,AAF6) Z(ABE5,ABE5) Z(ABE8,ABE8) Z(ABED,ABED) W(AC00,D7A3) Z(D7B0,D7FB)
    W(F900,FAFF) Z(FB1E,FB1E) Z(FE00,FE0F) W(FE10,FE19) Z(FE20,FE2F) W(FE30,FE6B) Z(FEFF,FEFF) W(FF01,FF60) W(FFE0,FFE6)
    Z(FFF9,FFFB) Z(101FD,101FD) Z(102E0,102E0) Z(10376,1037A) Z(10A01,10A0F) Z(10A38,10A3F) Z(10AE5,10AE6)
    Z(10D24,10D27) Z(10EAB,10EAC) Z(10EFD,10EFF) Z(10F46,10F50) Z(10F82,10F85) Z(11001,11001) Z(11038,11046)
    Z(11070,11070) Z(11073,11074) Z(1107F,11081) Z(110B3,110B6) Z(110B9,110BA) Z(110C2,110C2) Z(11100,11102)
    Z(11127,1112B) Z(1112D,11134) Z(11173,11173) Z(11180,11181) Z(111B6,111BE) Z(111C9,111CC) Z(111CF,111CF)
    Z(1122F,11231) Z(11234,11234) Z(11236,11237) Z(1123E,1123E) Z(11241,11241) Z(112DF,112DF) Z(112E3,112EA)
    Z(11300,11301) Z(1133B,1133C) Z(11340,11340) Z(11366,11374) Z(11438,1143F) Z(11442,11444) Z(11446,11446)
    Z(1145E,1145E) Z(114B3,114B8) Z(114BA,114BA) Z(114BF,114C0) Z(114C2,114C3) Z(115B2,115B5) Z(115BC,115BD)
    Z(115BF,115C0) Z(115DC,115DD) Z(11633,1163A) Z(1163D,1163D) Z(1163F,11640) Z(116AB,116AB) Z(116AD,116AD)
    Z(116B0,116B5) Z(116B7,116B7) Z(1171D,1171F) Z(11722,11725) Z(11727,1172B) Z(1182F,11837) Z(11839,1183A)
    Z(1193B,1193C) Z(1193E,1193E) Z(11943,11943) Z(119D4,119DB) Z(119E0,119E0) Z(11A01,11A0A) Z(11A33,11A38)
    Z(11A3B,11A3E) Z(11A47,11A47) Z(11A51,11A56) Z(11A59,11A5B) Z(11A8A,11A96) Z(11A98,11A99) Z(11C30,11C3D)
    Z(11C3F,11C3F) Z(11C92,11CA7) Z(11CAA,11CB0) Z(11CB2,11CB3) Z(11CB5,11CB6) Z(11D31,11D45) Z(11D47,11D47)
    Z(11D90,11D91) Z(11D95,11D95) Z(11D97,11D97) Z(11EF3,11EF4) Z(11F00,11F01) Z(11F36,11F3A) Z(11F40,11F40)
    Z(11F42,11F42) Z(13430,13440) Z(13447,13455) Z(16AF0,16AF4) Z(16B30,16B36) Z(16F4F,16F4F) Z(16F8F,16F92)
    W(16FE0,16FE3) Z(16FE4,16FE4) W(16FF0,18D08) W(1AFF0,1B2FB) Z(1BC9D,1BC9E) Z(1BCA0,1BCA3) Z(1CF00,1CF46)
    Z(1D167,1D169) Z(1D173,1D182) Z(1D185,1D18B) Z(1D1AA,1D1AD) Z(1D242,1D244) Z(1DA00,1DA36) Z(1DA3B,1DA6C)
    Z(1DA75,1DA75) Z(1DA84,1DA84) Z(1DA9B,1DAAF) Z(1E000,1E02A) Z(1E08F,1E08F) Z(1E130,1E136) Z(1E2AE,1E2AE)
    Z(1E2EC,1E2EF) Z(1E4EC,1E4EF) Z(1E8D0,1E8D6) Z(1E944,1E94A) E(1F004,1F004) E(1F0CF,1F0CF) T(1F170,1F171)
    T(1F17E,1F17F) E(1F18E,1F18E) E(1F191,1F19A) W(1F200,1F200) E(1F201,1F202) W(1F210,1F219) E(1F21A,1F21A)
    W(1F21B,1F22E) E(1F22F,1F22F) W(1F230,1F231) E(1F232,1F23A) W(1F23B,1F248) E(1F250,1F251) W(1F260,1F265)
    E(1F300,1F320) T(1F321,1F321) T(1F324,1F32C) E(1F32D,1F335) T(1F336,1F336) E(1F337,1F37C) T(1F37D,1F37D)
    E(1F37E,1F393) T(1F396,1F397) T(1F399,1F39B) T(1F39E,1F39F) E(1F3A0,1F3CA) T(1F3CB,1F3CE) E(1F3CF,1F3D3)
    T(1F3D4,1F3DF) E(1F3E0,1F3F0) T(1F3F3,1F3F3) E(1F3F4,1F3F4) T(1F3F5,1F3F5) T(1F3F7,1F3F7) E(1F3F8,1F43E)
    T(1F43F,1F43F) E(1F440,1F440) T(1F441,1F441) E(1F442,1F4FC) T(1F4FD,1F4FD) E(1F4FF,1F53D) T(1F549,1F54A)
    E(1F54B,1F54E) E(1F550,1F567) T(1F56F,1F570) T(1F573,1F579) E(1F57A,1F57A) T(1F587,1F587) T(1F58A,1F58D)
    T(1F590,1F590) E(1F595,1F596) E(1F5A4,1F5A4) T(1F5A5,1F5A5) T(1F5A8,1F5A8) T(1F5B1,1F5B2) T(1F5BC,1F5BC)
    T(1F5C2,1F5C4) T(1F5D1,1F5D3) T(1F5DC,1F5DE) T(1F5E1,1F5E1) T(1F5E3,1F5E3) T(1F5E8,1F5E8) T(1F5EF,1F5EF)
    T(1F5F3,1F5F3) T(1F5FA,1F5FA) E(1F5FB,1F64F) E(1F680,1F6C5) T(1F6CB,1F6CB) E(1F6CC,1F6CC) T(1F6CD,1F6CF)
    E(1F6D0,1F6D2) E(1F6D5,1F6DF) T(1F6E0,1F6E5) T(1F6E9,1F6E9) E(1F6EB,1F6EC) T(1F6F0,1F6F0) T(1F6F3,1F6F3)
    E(1F6F4,1F6FC) E(1F7E0,1F7F0) E(1F90C,1F93A) E(1F93C,1F945) E(1F947,1F9FF) E(1FA70,1FAF8) W(20000,3FFFD)
    Z(E0001,E01EF)
};
#undef Z
#undef W
#undef E
#undef T

/* width_of -- one code point by itself. */
static inline width_kind width_of(uint32_t c)
{
    const size_t num = sizeof width_table_ / sizeof width_table_[0];
    size_t low = 0, high = num;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (c > width_table_[middle].last) low = middle + 1;
        else high = middle;
    }
    return low < num && c >= width_table_[low].first ? width_table_[low].kind : WIDTH_NARROW;
}

/* width_decode -- one code point; of bytes that are not valid UTF-8 each is U+FFFD. Returns its bytes, 0 at the end. */
static inline size_t width_decode(const char *text, size_t len, uint32_t *c)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *const p = (const unsigned char *)text;
    const size_t n = len == 0 ? 0 : p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    size_t i;
    *c = n == 0 ? 0 : n == 1 ? p[0] : p[0] & (0x7Fu >> n);
    for (i = 1; i < n && i < len && (p[i] & 0xC0) == 0x80; i++) *c = *c << 6 | (p[i] & 0x3F);
    if (n <= 1 || (i == n && p[0] >= 0xC0 && p[0] < 0xF8 && *c >= least[n] && *c < 0x110000)) return n;
    *c = 0xFFFD;
    return 1;
}

/* C0, DEL, C1, line separators, and what turns the direction of the text. */
static inline int width_is_control_(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

/* width_next -- the first character of the text. Returns its bytes, 0 only where len is 0. *columns: 0 for marks that
   stand alone, 1, 2; -1: one code point that a terminal would act on, not to be sent to it. */
static inline size_t width_next(const char *text, size_t len, int *columns)
{
    uint32_t base, c, last = 0;
    size_t at = width_decode(text, len, &base), n;
    const width_kind kind = width_of(base);
    const int emoji = kind == WIDTH_EMOJI || kind == WIDTH_TEXT;
    const int flag = base >= 0x1F1E6 && base <= 0x1F1FF;
    const int key = base == '#' || base == '*' || (base >= '0' && base <= '9');
    *columns = kind == WIDTH_ZERO ? 0 : kind == WIDTH_WIDE || kind == WIDTH_EMOJI ? 2 : 1;
    if (width_is_control_(base)) *columns = -1;
    if (width_is_control_(base)) return at;
    n = width_decode(text + at, len - at, &c);
    if (n > 0 && flag && c >= 0x1F1E6 && c <= 0x1F1FF) {
        *columns = 2;
        at += n;
    }
    while ((n = width_decode(text + at, len - at, &c)) > 0) {
        const width_kind next = width_of(c);
        const int tone = emoji && c >= 0x1F3FB && c <= 0x1F3FF;
        const int joined = emoji && last == 0x200D && (next == WIDTH_EMOJI || next == WIDTH_TEXT);
        if (!tone && !joined && (next != WIDTH_ZERO || width_is_control_(c))) break;
        if (tone || joined || (emoji && c == 0xFE0F) || (key && c == 0x20E3)) *columns = 2;
        last = c;
        at += n;
    }
    return at;
}

#endif /* WIDTH_H */
