/* corpus - messages for the benches, one a line, on stdout
   usage: corpus recorded <messages.jsonl     what servers sent in a recording (tests/recordings/README.md)
          corpus synthetic BYTES [SEED]       made up, in the form and mix of a busy federated server
          corpus shuffled <CORPUS             the same with the members of every object in random order
   recorded leaves out what some parser refuses: texts that are no JSON, lone surrogates, numbers of 20 digits.
   Exit status: 0, 1 if the input is broken, 2 on usage. */
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../../misskey_stream.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 1 << 22, MAX_MEMBERS = 1 << 16 };

static uint64_t seed = 20261123;

static unsigned random_below(unsigned n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((seed >> 32) * n >> 32);
}

static bool chance(unsigned percent) { return random_below(100) < percent; }

/* --- recorded --- */

/* The value of \uXXXX at p, -1 if there is none. */
static int escaped_unit(const char *p)
{
    char digits[5] = "";
    if (p[0] != '\\' || p[1] != 'u') return -1;
    memcpy(digits, p + 2, 4);
    return (int)strtol(digits, NULL, 16);
}

static bool has_lone_surrogate(const char *p)
{
    for (; *p != '\0'; p++) {
        const int unit = escaped_unit(p);
        if (*p == '\\' && unit < 0) p++;
        if (unit < 0xD800 || unit > 0xDFFF) continue;
        if (unit >= 0xDC00 || escaped_unit(p + 6) < 0xDC00 || escaped_unit(p + 6) > 0xDFFF) return true;
        p += 11;
    }
    return false;
}

static bool has_long_number(const char *p)
{
    unsigned digits = 0;
    for (; *p != '\0' && digits < 20; p++) digits = *p >= '0' && *p <= '9' ? digits + 1 : 0;
    return digits == 20;
}

static int print_recorded(void)
{
    static char line[LONGEST], text[LONGEST];
    while (fgets(line, sizeof line, stdin) != NULL) {
        misskey_json record, message;
        size_t len;
        if (misskey_json_check(line, strlen(line), &record, NULL) != MISSKEY_ERR_OK) return 1;
        if (!misskey_jstr_eq(misskey_json_str(misskey_json_get(record, "dir")), "recv")) continue;
        len = misskey_jstr_copy(misskey_json_str(misskey_json_get(record, "data")), text, sizeof text);
        if (len >= sizeof text) return 1;
        if (text[0] != '{' || has_lone_surrogate(text) || has_long_number(text)) continue;
        if (misskey_json_check(text, len, &message, NULL) == MISSKEY_ERR_OK) puts(text);
    }
    return 0;
}

/* --- shuffled --- */

static misskey_iter members[MAX_MEMBERS];
static size_t num_members;

static void print_shuffled_value(misskey_json value)
{
    const misskey_type type = misskey_json_type(value);
    const size_t first = num_members;
    misskey_iter it = misskey_json_iter(value);
    size_t i, last;
    if (type != MISSKEY_TYPE_OBJECT && type != MISSKEY_TYPE_ARRAY) {
        fwrite(value.ptr, 1, value.len, stdout);
        return;
    }
    while (misskey_json_next(&it) && num_members < MAX_MEMBERS) members[num_members++] = it;
    last = num_members;
    putchar(type == MISSKEY_TYPE_OBJECT ? '{' : '[');
    for (i = first; i < last; i++) {
        if (type == MISSKEY_TYPE_OBJECT) {
            const size_t other = i + random_below((unsigned)(last - i));
            it = members[i];
            members[i] = members[other];
            members[other] = it;
        }
        if (i > first) putchar(',');
        if (members[i].key.ptr != NULL) printf("\"%.*s\":", (int)members[i].key.len, members[i].key.ptr);
        print_shuffled_value(members[i].value);
    }
    putchar(type == MISSKEY_TYPE_OBJECT ? '}' : ']');
    num_members = first;
}

static int print_shuffled(void)
{
    static char line[LONGEST];
    while (fgets(line, sizeof line, stdin) != NULL) {
        misskey_json value;
        if (misskey_json_check(line, strlen(line), &value, NULL) != MISSKEY_ERR_OK) return 1;
        print_shuffled_value(value);
        putchar('\n');
    }
    return 0;
}

/* --- synthetic: members and their order as servers pack them (protocol/events.md) --- */

static char out[LONGEST];
static size_t out_len;

static void add(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    out_len += (size_t)vsnprintf(out + out_len, sizeof out - out_len, format, args);
    va_end(args);
}

#define PICK(list) (list)[random_below(sizeof (list) / sizeof (list)[0])]
#define BOOL(percent) (chance(percent) ? "true" : "false")

static const char kana[] = /* three bytes each */
    "あいうえおかきくけこさしすせそたちつてとなにのはひふへほまみむもよらり"
    "るれをんがだでっょアイカクコストラルンー、。！"
    "日本人今時行見前食学電車東京天気朝夜猫犬絵写真新作現";
static const char *const words[] = { "the ", "and ", "for ", "note ", "today ", "release ", "cat ", "music ", "server ",
                                     "coffee ", "morning ", "stream ", "open ", "us " };
static const char *const emoji[] = { "😂", "🎉", "👍", "❤️", "🍮", "🤔", "😆", "😮", "💢", "⭐",
                                     "🙏", "👀", "🏳️‍🌈", "🍣" };
static const char *const hosts[] = { "misskey.example", "mstdn.example.jp", "social.example.com", "sushi.example.ski",
                                     "pawoo.example.net", "fedibird.example", "nijimiss.example" };

static void add_random(const char *digits, unsigned num)
{
    const unsigned count = (unsigned)strlen(digits);
    while (num-- > 0) add("%c", digits[random_below(count)]);
}

static void add_id(void) { add("a"); add_random("0123456789abcdefghijklmnopqrstuvwxyz", 9); }
static void add_word(unsigned least, unsigned most)
{
    add_random("abcdefghijklmnopqrstuvwxyz_0123456789", least + random_below(most - least + 1));
}
static void add_hex(unsigned num) { add_random("0123456789abcdef", num); }
static void add_uuid(void)
{
    static const unsigned groups[] = { 8, 4, 4, 4, 12 };
    unsigned i;
    for (i = 0; i < 5; i++) {
        if (i > 0) add("-");
        add_hex(groups[i]);
    }
}
static void add_blur(unsigned num)
{
    add_random("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~", num);
}
static void add_time(void)
{
    add("2026-%02u-%02uT%02u:%02u:%02u.%03uZ", 1 + random_below(11), 1 + random_below(28), random_below(24),
        random_below(60), random_below(60), random_below(1000));
}
static void add_japanese(unsigned num)
{
    while (num-- > 0) add("%.3s", kana + 3 * random_below(sizeof kana / 3));
}

static void add_text(void)
{
    unsigned parts = 1 + random_below(4), i, num;
    if (chance(10)) parts += random_below(12);
    for (; parts > 0; parts--) {
        num = 8 + random_below(30);
        if (chance(75)) add_japanese(num);
        else for (i = 0; i < num / 5; i++) add("%s", PICK(words));
        switch (random_below(12)) {
        case 0: case 1: add("\\n"); break;
        case 2: add("%s", PICK(emoji)); break;
        case 3: add(":"); add_word(4, 14); add(":"); break;
        case 4: add("\\\"%s\\\"", PICK(emoji)); break;
        case 5: add(" https://%s/@", PICK(hosts)); add_id(); add("?a=1&b=%%E3%%81%%82#x "); break;
        default: break;
        }
    }
}

static void add_user(void)
{
    const char *const host = chance(45) ? NULL : PICK(hosts);
    add("{\"id\":\""); add_id();
    if (chance(5)) add("\",\"name\":null");
    else { add("\",\"name\":\""); add_japanese(2 + random_below(9)); add("%s\"", chance(30) ? PICK(emoji) : ""); }
    add(",\"username\":\""); add_word(4, 14);
    if (host == NULL) add("\",\"host\":null"); else add("\",\"host\":\"%s\"", host);
    add(",\"avatarUrl\":\"https://media.example.net/proxy/avatar.webp?url=https%%3A%%2F%%2F%s%%2Ffiles%%2F",
        host == NULL ? "misskey.example" : host);
    add_uuid(); add("&avatar=1\",\"avatarBlurhash\":\""); add_blur(27);
    add("\",\"avatarDecorations\":[");
    if (chance(25)) {
        add("{\"id\":\""); add_id();
        add("\",\"angle\":0.%u,\"offsetX\":-0.%u,\"url\":\"https://media.example.net/files/", random_below(50),
            random_below(30));
        add_uuid(); add("\"}");
    }
    add("],\"isBot\":%s,\"isCat\":%s", BOOL(6), BOOL(20));
    if (host != NULL) {
        add(",\"instance\":{\"name\":\""); add_japanese(6);
        add("\",\"softwareName\":\"misskey\",\"softwareVersion\":\"2026.5.1\",\"iconUrl\":\"https://%s/favicon.ico\","
            "\"faviconUrl\":\"https://%s/favicon.ico\",\"themeColor\":\"#", host, host);
        add_hex(6); add("\"}");
    }
    add(",\"emojis\":{");
    if (host != NULL && chance(20)) { add("\"blobcat\":\"https://%s/emoji/", host); add_uuid(); add(".png\""); }
    add("},\"onlineStatus\":\"%s\",\"badgeRoles\":[", chance(50) ? "online" : "unknown");
    if (chance(25)) {
        add("{\"name\":\""); add_japanese(5); add("\",\"iconUrl\":\"https://media.example.net/files/"); add_uuid();
        add(".png\",\"displayOrder\":%u,\"behavior\":null}", random_below(10));
    }
    add("]}");
}

static void add_file(void)
{
    static const char *const types[] = { "image/webp", "image/webp", "image/jpeg", "image/png", "video/mp4" };
    add("{\"id\":\""); add_id(); add("\",\"createdAt\":\""); add_time(); add("\",\"name\":\""); add_japanese(6);
    add(".png\",\"type\":\"%s\",\"md5\":\"", PICK(types)); add_hex(32);
    add("\",\"size\":%u,\"isSensitive\":%s,\"blurhash\":\"", 8000 + random_below(9000000), BOOL(15)); add_blur(40);
    add("\",\"properties\":{\"width\":%u,\"height\":%u},\"url\":\"https://media.example.net/files/webpublic-",
        200 + random_below(3800), 200 + random_below(3800));
    add_uuid(); add(".webp\",\"thumbnailUrl\":\"https://media.example.net/files/thumbnail-"); add_uuid();
    add(".webp\",\"comment\":");
    if (chance(20)) { add("\""); add_japanese(20); add("\""); } else add("null");
    add(",\"folderId\":null,\"folder\":null,\"userId\":null,\"user\":null}");
}

static void add_reactions(void)
{
    static const unsigned counts[] = { 0, 0, 0, 1, 1, 2, 3, 5, 9, 16 };
    const unsigned num = PICK(counts);
    unsigned i;
    add("\"reactions\":{");
    for (i = 0; i < num; i++) {
        add(i > 0 ? ",\"" : "\"");
        if (chance(40)) {
            add("%s%u", PICK(emoji), i); /* no name twice: peers differ in which of two counts */
        } else {
            add(":"); add_word(4, 16); add("%u@%s:", i, chance(50) ? "." : PICK(hosts));
        }
        add("\":%u", 1 + random_below(40));
    }
    add("},\"reactionEmojis\":{");
    for (i = 0; i < num / 3; i++) {
        const char *const host = PICK(hosts);
        add(i > 0 ? ",\"" : "\""); add_word(4, 16); add("%u@%s\":\"https://%s/emoji/", i, host, host); add_uuid();
        add(".png\"");
    }
    add("}");
}

static void add_poll(void)
{
    unsigned num = 2 + random_below(5);
    add(",\"poll\":{\"multiple\":%s,\"expiresAt\":null,\"choices\":[", BOOL(30));
    while (num-- > 0) {
        add("{\"text\":\""); add_japanese(3 + random_below(13));
        add("\",\"votes\":%u,\"isVoted\":%s}%s", random_below(300), BOOL(10), num > 0 ? "," : "");
    }
    add("]}");
}

enum inner { ALONE, RENOTE, QUOTE, REPLY };

static void add_note_head(enum inner inner)
{
    add("{\"id\":\""); add_id(); add("\",\"createdAt\":\""); add_time(); add("\",\"userId\":\""); add_id();
    add("\",\"user\":"); add_user(); add(",\"text\":");
    if (inner == RENOTE) add("null"); else { add("\""); add_text(); add("\""); }
    add(",\"cw\":");
    if (chance(7)) { add("\""); add_japanese(8); add("\""); } else add("null");
    add(",\"visibility\":\"%s\",\"localOnly\":%s,\"reactionAcceptance\":null,\"renoteCount\":%u,\"repliesCount\":%u,"
        "\"reactionCount\":%u,", chance(60) ? "public" : "home", BOOL(10), random_below(31), random_below(10),
        random_below(90));
    add_reactions();
}

static void add_files(enum inner inner)
{
    static const unsigned counts[] = { 0, 0, 0, 0, 0, 1, 1, 2, 4 };
    const unsigned num = inner == RENOTE ? 0 : PICK(counts);
    unsigned i;
    add(",\"fileIds\":[");
    for (i = 0; i < num; i++) { add(i > 0 ? ",\"" : "\""); add_id(); add("\""); }
    add("],\"files\":[");
    for (i = 0; i < num; i++) { if (i > 0) add(","); add_file(); }
    add("],\"replyId\":");
    if (inner == REPLY) { add("\""); add_id(); add("\",\"renoteId\":null,\"mentions\":[\""); add_id(); add("\"]"); }
    else if (inner == ALONE) add("null,\"renoteId\":null");
    else { add("null,\"renoteId\":\""); add_id(); add("\""); }
}

static void add_note(bool whole)
{
    const unsigned roll = whole ? random_below(100) : 99;
    const enum inner inner = roll < 22 ? RENOTE : roll < 27 ? QUOTE : roll < 42 ? REPLY : ALONE;
    add_note_head(inner);
    if (chance(50)) add(",\"emojis\":{}");
    add_files(inner);
    if (chance(50)) { add(",\"uri\":\"https://%s/notes/", PICK(hosts)); add_id(); add("\""); }
    if (whole) add(",\"clippedCount\":%u", random_below(2));
    if (inner == REPLY) { add(",\"reply\":"); add_note(false); }
    else if (inner != ALONE) { add(",\"renote\":"); add_note(false); }
    if (whole && chance(3)) add_poll();
    add("}");
}

static void add_update(void)
{
    add("{\"type\":\"noteUpdated\",\"body\":{\"id\":\""); add_id();
    switch (random_below(10)) {
    case 0: add("\",\"type\":\"deleted\",\"body\":{\"deletedAt\":\""); add_time(); add("\"}}}"); return;
    case 1: add("\",\"type\":\"pollVoted\",\"body\":{\"choice\":%u,\"userId\":\"", random_below(6)); break;
    default:
        add("\",\"type\":\"%s\",\"body\":{\"reaction\":\"%s\",\"emoji\":null,\"userId\":\"",
            chance(80) ? "reacted" : "unreacted", PICK(emoji));
    }
    add_id(); add("\"}}}");
}

static void add_other(void)
{
    static const char *const types[] = { "reaction", "follow", "mention", "reply", "renote", "pollEnded" };
    if (chance(70)) {
        add("{\"type\":\"channel\",\"body\":{\"id\":\"main\",\"type\":\"notification\",\"body\":{\"id\":\""); add_id();
        add("\",\"createdAt\":\""); add_time(); add("\",\"type\":\"%s\",\"userId\":\"", PICK(types)); add_id();
        add("\",\"user\":"); add_user(); add(",\"note\":"); add_note(false);
        add(",\"reaction\":\"%s\"}}}", PICK(emoji));
    } else {
        add("{\"type\":\"channel\",\"body\":{\"id\":\"stats\",\"type\":\"stats\",\"body\":{\"cpu\":0.%u,"
            "\"mem\":{\"used\":%u,\"active\":%u},\"net\":{\"rx\":%u.%u,\"tx\":%u.5},"
            "\"fs\":{\"r\":1e2,\"w\":0}}}}",
            random_below(1000), random_below(1u << 31), random_below(1u << 31), random_below(1000000),
            random_below(1000000), random_below(100000));
    }
}

static int print_synthetic(size_t bytes)
{
    size_t printed = 0;
    while (printed < bytes) {
        const unsigned roll = random_below(100);
        out_len = 0;
        if (roll < 70) {
            add("{\"type\":\"channel\",\"body\":{\"id\":\"home\",\"type\":\"note\",\"body\":");
            add_note(true);
            add("}}");
        } else if (roll < 90) {
            add_update();
        } else {
            add_other();
        }
        if (out_len >= sizeof out) return 1;
        puts(out);
        printed += out_len;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "recorded") == 0) return print_recorded();
    if (argc == 2 && strcmp(argv[1], "shuffled") == 0) return print_shuffled();
    if (argc >= 3 && strcmp(argv[1], "synthetic") == 0) {
        if (argc > 3) seed = strtoull(argv[3], NULL, 10);
        return print_synthetic((size_t)strtoull(argv[2], NULL, 10));
    }
    fprintf(stderr, "usage: corpus recorded|shuffled <FILE, or corpus synthetic BYTES [SEED]\n");
    return 2;
}
