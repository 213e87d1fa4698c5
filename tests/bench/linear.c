/* linear - the cost of a byte of inputs made to be slow, against that of ordinary messages
   usage: linear CORPUS          nanoseconds a byte, and how many times the mean of the same work over the corpus
          linear --list SIZE     runs each input with SIZE and with 2 * SIZE bytes in measured(), for counting
                                 instructions; prints "name SIZE" for each run
   Work is W1 and W2 (peer.h), frames (a stream into a misskey_ws, poll after every part), or store (a note put over
   one that is already long, and two updates of it).
   Exit status: 0, 2 on usage. */
#define _POSIX_C_SOURCE 200809L
#include "own.c"
#include "bench.h"

#include <limits.h>

enum { PAD = 64, MIB = 1 << 20, REPETITIONS = 7 };

enum kind { W1, W2, PARTS, STORE, OTHER };

typedef struct input {
    const char *name;
    enum kind kind;
    const char *head, *part, *tail; /* head, part again and again, tail; PARTS: the stream, fed by pieces of head[0] */
    const char *stored;             /* STORE: the head of the note that is stored, with the same parts and tail, or in
                                       OTHER with other parts */
} input;

#define NOTE(member) "{\"type\":\"channel\",\"body\":{\"id\":\"1\",\"type\":\"note\",\"body\":{\"id\":\"9\"," member
#define BODY "{\"type\":\"channel\",\"body\":{\"id\":\"1\",\"type\":\"note\",\"body\":"
#define STRING BODY "\""
#define END "}}"
#define STRING_END "\"}}"
#define WHOLE "{\"id\":\"9\",\"userId\":\"u\",\"createdAt\":\"x\","   /* in the parts of STORE a # is a number */
#define MINIMIZED "{\"id\":\"9\","

static const input inputs[] = {
    { "nested arrays, not closed",      W1, BODY, "[", "", NULL },
    { "nested objects, not closed",     W1, BODY, "{\"\":", "", NULL },
    { "nested arrays",                  W1, BODY, "[", "]", NULL },     /* the part again, mirrored: see make */
    { "one string, ASCII",              W1, STRING, "a", STRING_END, NULL },
    { "one string, Japanese",           W1, STRING, "あ", STRING_END, NULL },
    { "one string, emoji",              W1, STRING, "\xF0\x9F\x8D\xAE", STRING_END, NULL },
    { "one string, ASCII and Japanese", W1, STRING, "aあ", STRING_END, NULL },
    { "one string, two-byte and four",  W1, STRING, "é\xF0\x9F\x8D\xAE", STRING_END, NULL },
    { "backslashes",                    W1, STRING, "\\\\", STRING_END, NULL },
    { "line feeds",                     W1, STRING, "\\n", STRING_END, NULL },
    { "escaped surrogates",             W1, STRING, "\\ud83c\\udf6e", STRING_END, NULL },
    { "lone surrogates",                W1, STRING, "\\ud83c", STRING_END, NULL },
    { "a string that never ends",       W1, STRING, "\\\"", "", NULL },
    { "UTF-8 cut off at the end",       W1, STRING, "あ", "\xE3", NULL },
    { "no JSON behind the last byte",   W1, BODY "[", "0,", "]}}]", NULL },
    { "a number of many digits",        W1, BODY "1", "0", END, NULL },
    { "exponents",                      W1, BODY "[", "1e999999999,", "0]}}", NULL },
    { "one exponent of many digits",    W1, BODY "1e", "9", END, NULL },
    { "one fraction of many digits",    W1, BODY "0.", "0", END, NULL },
    { "zeros",                          W1, BODY "[", "0,", "0]}}", NULL },
    { "literals",                       W1, BODY "[", "true,false,null,", "0]}}", NULL },
    { "empty arrays",                   W1, BODY "[", "[],", "0]}}", NULL },
    { "empty objects",                  W1, BODY "[", "{},", "0]}}", NULL },
    { "empty strings",                  W1, BODY "[", "\"\",", "0]}}", NULL },
    { "white space",                    W1, BODY, " ", "0}}", NULL },
    { "unknown types",                  W1, "{\"type\":\"x\",\"body\":{", "\"type\":0,", "\"id\":\"\"}}", NULL },
    { "bodies again and again",         W1, "{", "\"body\":{},", "\"type\":\"channel\"}", NULL },
    { "unknown members",                W2, NOTE(""), "\"a\":0,", "\"b\":0}}}", NULL },
    { "escaped names of members",       W2, NOTE(""), "\"\\u0061\":0,", "\"b\":0}}}", NULL },
    { "a known member again and again", W2, NOTE(""), "\"cw\":\"\",", "\"b\":0}}}", NULL },
    { "a long text, escaped",           W2, NOTE("\"text\":\""), "\\u3042", "\"}}}", NULL },
    { "reactions",                      W2, NOTE("\"reactions\":{"), "\"a\":1,", "\"b\":1}}}}", NULL },
    { "counts with exponents",          W2, NOTE("\"reactions\":{"), "\"a\":1e-999999999,", "\"b\":1}}}}", NULL },
    { "a count of many digits",         W2, NOTE("\"reactions\":{\"a\":0."), "0", "}}}}", NULL },
    { "files",                          W2, NOTE("\"files\":["), "{},", "0]}}}", NULL },
    { "users",                          W2, NOTE("\"user\":{"), "\"name\":\"\",", "\"a\":0}}}}", NULL },
    { "a message byte by byte",         PARTS, "\1", NULL, NULL, NULL },
    { "fragments of a byte",            PARTS, "\3", "\x00\x01x", "\x80\x01x", NULL },
    { "empty fragments",                PARTS, "\x40", "\x00\x00", "\x80\x01x", NULL },
    { "pings",                          PARTS, "\x40", "\x89\x00", "\x80\x01x", NULL },
    { "members that are no more",       OTHER, WHOLE, "\"#\":0,", "\"x\":0}", MINIMIZED },
    { "members that are all new",       STORE, WHOLE, "\"#\":0,", "\"x\":0}", NULL },
    { "members that are all known",     STORE, WHOLE, "\"#\":0,", "\"x\":0}", MINIMIZED },
    { "members with escaped names",     STORE, WHOLE, "\"\\u0061#\":0,", "\"x\":0}", MINIMIZED },
    { "a known member again and again", STORE, WHOLE, "\"cw\":\"#\",", "\"x\":0}", MINIMIZED },
    { "a minimized note of many members", STORE, MINIMIZED, "\"#\":1,", "\"x\":0}", MINIMIZED },
    { "members of the user",            STORE, MINIMIZED "\"user\":{", "\"#\":1,", "\"x\":0}}",
      WHOLE "\"user\":{" },
    { "reactions that were counted",    STORE, WHOLE "\"reactions\":{", "\"#\":2,", "\"x\":1}}",
      WHOLE "\"cw\":\"\",\"reactions\":{" },
    { "choices that were voted for",    STORE, WHOLE "\"poll\":{\"choices\":[{\"votes\":1},",
      "{\"votes\":1,\"id\":#},", "{}]}}", WHOLE "\"poll\":{\"choices\":[{\"votes\":0},{\"id\":7}," },
    { "who has reacted",                STORE, WHOLE "\"reactionAndUserPairCache\":[", "\"#/a\",", "0]}",
      WHOLE "\"a\":[" },
    { "a note in a note in a note",     STORE, WHOLE "\"renote\":{\"a\":[", "{},", "{}]}}",
      WHOLE "\"renote\":{\"b\":[" },
};
enum { NUM_INPUTS = sizeof inputs / sizeof inputs[0] };

static char *bytes;
static size_t num_bytes;
static uint64_t seen;

static void add(const char *part, size_t len)
{
    memcpy(bytes + num_bytes, part, len);
    num_bytes += len;
}

/* A text, or the stream of PARTS: one message in many frames, or one long frame. */
static void make(const input *in, size_t size)
{
    const size_t half = size / 2;
    num_bytes = 0;
    if (in->kind == PARTS && in->part == NULL) {
        const uint8_t head[] = { 0x81, size < 65536 ? 126 : 127, 0, 0, 0, 0, 0, (uint8_t)(size >> 16),
                                 (uint8_t)(size >> 8), (uint8_t)size };
        add((const char *)head, 2);
        if (size < 65536) add((const char *)head + 8, 2);
        else add((const char *)head + 2, 8);
        memset(bytes + num_bytes, 'x', size);
        num_bytes += size;
    } else if (in->kind == PARTS) {
        const size_t len = in->part[0] == '\0' && in->part[1] == '\1' ? 3 : 2;
        add("\x01\x01x", 3);
        while (num_bytes < size) add(in->part, len);
        add(in->tail, 3);
    } else {
        add(in->head, strlen(in->head));
        while (num_bytes < (*in->tail == ']' && in->tail[1] == '\0' ? half : size)) add(in->part, strlen(in->part));
        if (*in->tail == ']' && in->tail[1] == '\0') {
            while (num_bytes < size) add(in->tail, 1);
            add(END, 2);
        } else {
            add(in->tail, strlen(in->tail));
        }
    }
    memset(bytes + num_bytes, 0, PAD);
}

/* A number for the parts of STORE, so that no two are the same. */
static void add_numbered(const char *part, unsigned number)
{
    for (; *part != '\0'; part++) {
        char digits[16];
        if (*part != '#') add(part, 1);
        else add(digits, (size_t)snprintf(digits, sizeof digits, "%u", number + 10000));
    }
}

/* One text of STORE with so many bytes, or with so many parts from first on. */
static misskey_json make_note(const char *head, const input *in, size_t size, unsigned first, unsigned parts)
{
    misskey_json note;
    unsigned i;
    num_bytes = 0;
    add(head, strlen(head));
    for (i = 0; i < parts && num_bytes < size; i++) add_numbered(in->part, first + i);
    add(in->tail, strlen(in->tail));
    need(misskey_json_check(bytes, num_bytes, &note, NULL) == MISSKEY_ERR_OK, "no JSON", in->name);
    return note;
}

static misskey_store store;

static void put_note_of(misskey_json note)
{
    uint32_t changed = 0;
    need(misskey_store_put(&store, note, &changed) == MISSKEY_ERR_OK, "the note was refused", "");
    seen += changed;
}

static void update_of(const char *body)
{
    char message[200];
    misskey_message m;
    const int len = snprintf(message, sizeof message, "{\"type\":\"noteUpdated\",\"body\":{\"id\":\"9\",%s}}", body);
    if (misskey_message_parse(message, (size_t)len, &m) == MISSKEY_ERR_OK) seen += misskey_store_update(&store, &m);
}

#define REACTED(user) "\"type\":\"reacted\",\"body\":{\"reaction\":\"x\",\"userId\":\"" user "\"}"
#define VOTED(user) "\"type\":\"pollVoted\",\"body\":{\"choice\":7,\"userId\":\"" user "\"}"

/* A store whose note is as long as can be: minimized forms, each with as many new members as one call takes. */
static void fill_store(const input *in, size_t size)
{
    static uint64_t mem[MISSKEY_STORE_SIZE(2, 8 * LONGEST) / 8];
    misskey_store_desc desc;
    unsigned first;
    memset(&desc, 0, sizeof desc);
    desc.mem.ptr = mem;
    desc.note_size = 2 * size;
    desc.mem.size = MISSKEY_STORE_SIZE(2, desc.note_size);
    desc.me = "u1";
    need(misskey_store_init(&store, &desc) == MISSKEY_ERR_OK, "the store was refused", in->name);
    if (in->stored == NULL) put_note_of(misskey_json_text(WHOLE "\"x\":1}"));
    else if (strcmp(in->stored, MINIMIZED) != 0) put_note_of(make_note(in->stored, in, size, 0, UINT_MAX));
    else for (first = 0; first * strlen(in->part) < size; first += 200) {
        put_note_of(make_note(in->stored, in, size, first, 200));
    }
    update_of(REACTED("u1"));
    update_of(VOTED("u1"));
}

static void count_message(void *to, const char *t, size_t len)
{
    (void)t;
    *(uint64_t *)to += len;
}

/* Not static, and called through a pointer, so that it has a name to count by. */
void measured(enum kind kind, size_t piece);
void measured(enum kind kind, size_t piece)
{
    sum s = { 0, 0 };
    size_t at;
    if (kind >= STORE) {
        misskey_json note;
        note.ptr = bytes;
        note.len = num_bytes;
        put_note_of(note);
        update_of(REACTED("u2"));
        update_of(VOTED("u2"));
    } else if (kind == W1) w1(bytes, num_bytes, num_bytes + PAD, &s);
    else if (kind == W2) w2(bytes, num_bytes, num_bytes + PAD, &s);
    else for (at = 0; at < num_bytes; at += piece) {
        const size_t n = num_bytes - at < piece ? num_bytes - at : piece;
        need(feed((const uint8_t *)bytes + at, n) == 0, "a good stream was refused", "");
    }
    seen += s.hash;
}

static void (*volatile run_measured)(enum kind, size_t) = measured;

static void run_once(const input *in)
{
    if (in->kind == PARTS) start(count_message, &seen);
    run_measured(in->kind, in->kind == PARTS ? (size_t)in->head[0] : 0);
}

static double time_of_input(const input *in)
{
    const double begin = now();
    run_once(in);
    return now() - begin;
}

/* Seconds a byte over the beginning of a corpus. */
static double time_of_corpus(const corpus *c, work *w)
{
    const double begin = now();
    sum s = { 0, 0 };
    size_t i, done = 0;
    for (i = 0; i < c->num && done < MIB; i++) {
        memcpy(bytes, c->messages[i].ptr, c->messages[i].len);
        w(bytes, c->messages[i].len, c->longest, &s);
        done += c->messages[i].len;
    }
    seen += s.hash;
    return (now() - begin) / (double)done;
}

static void print_times(const corpus *c)
{
    int i, r;
    printf("%-34s ns a byte  times the mean of ordinary messages\n", "");
    for (i = 0; i < NUM_INPUTS; i++) {
        double least = 1e9, mean = 1e9, t;
        if (inputs[i].kind >= PARTS) continue;
        for (r = 0; r < REPETITIONS; r++) { /* the least of each: what disturbs only ever adds */
            t = time_of_corpus(c, inputs[i].kind == W1 ? w1 : w2);
            if (t < mean) mean = t;
            make(&inputs[i], strncmp(inputs[i].name, "one string", 10) == 0 ? 10 * MIB : MIB);
            t = time_of_input(&inputs[i]) / (double)num_bytes;
            if (t < least) least = t;
        }
        printf("W%d %-34s %8.2f %6.2f\n", inputs[i].kind == W1 ? 1 : 2, inputs[i].name, least * 1e9, least / mean);
    }
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = { "W1", "W2", "frames", "store", "store" };
    const size_t size = argc == 3 && strcmp(argv[1], "--list") == 0 ? (size_t)strtoul(argv[2], NULL, 10) : 0;
    int i, twice;
    if (argc < 2 || (argc == 3) != (size > 0) || size > MIB / 4) {
        fprintf(stderr, "usage: linear CORPUS, or linear --list SIZE\n");
        return 2;
    }
    bytes = (char *)room_for(12 * MIB, 1);
    if (size == 0) {
        const corpus c = corpus_read(argv[1]);
        print_times(&c);
        return 0;
    }
    for (i = 0; i < NUM_INPUTS; i++) for (twice = 1; twice <= 2; twice++) {
        if (inputs[i].kind >= STORE) {
            fill_store(&inputs[i], size * (size_t)twice);
            make_note(inputs[i].head, &inputs[i], size * (size_t)twice, inputs[i].kind == OTHER ? 20000 : 0, UINT_MAX);
        } else {
            make(&inputs[i], size * (size_t)twice);
        }
        run_once(&inputs[i]);
        printf("%s %s: %lu\n", kinds[inputs[i].kind], inputs[i].name, (unsigned long)num_bytes);
    }
    return 0;
}
