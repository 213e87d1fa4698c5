/* frames - reading and masking WebSocket frames with every peer, against copying the same bytes
   usage: frames REPETITIONS CORPUS PEER.so...        REPETITIONS of 0 only check
   Reading: the messages as a server sends them, cut as TCP cuts them; copying each part into receive memory is counted.
   Masking: one frame of a client. Peers run one after another, again and again; speeds and ratios are medians.
   Exit status: 0; 1 if a peer reads or writes something else; 2 on usage. */
#define _POSIX_C_SOURCE 200809L
#include "bench.h"

enum { MAX_PEERS = 16, MAX_PAYLOAD = 65536, HEADER = 14, MASKED = 8 << 20 };

static const frame_peer *peers[MAX_PEERS];
static int num_peers;
static uint8_t *stream, received[MAX_PAYLOAD], payload[MAX_PAYLOAD];
static size_t stream_len;
static volatile uint8_t sink;
static void *(*volatile copy)(void *, const void *, size_t) = memcpy; /* so that none is left out */

static void add_peers(const void *table)
{
    const frame_peer *p;
    for (p = (const frame_peer *)table; p->name != NULL; p++) {
        need(num_peers < MAX_PEERS, "too many peers", "");
        peers[num_peers++] = p;
    }
}

/* --- the stream --- */

static size_t put_header(uint8_t *at, size_t len)
{
    size_t n = 2, i;
    at[0] = 0x81;
    at[1] = (uint8_t)(len < 126 ? len : len < 65536 ? 126 : 127);
    if (len >= 126) n += len < 65536 ? 2 : 8;
    for (i = n; i-- > 2; len >>= 8) at[i] = (uint8_t)len;
    return n;
}

static void make_stream(const corpus *c)
{
    size_t i;
    stream = (uint8_t *)room_for(c->bytes + c->num * HEADER, 1);
    for (i = 0; i < c->num; i++) {
        stream_len += put_header(stream + stream_len, c->messages[i].len);
        memcpy(stream + stream_len, c->messages[i].ptr, c->messages[i].len);
        stream_len += c->messages[i].len;
    }
}

typedef struct seen { size_t messages, bytes, ends; } seen;

static void see(void *to, const char *t, size_t len)
{
    seen *const s = (seen *)to;
    s->messages++;
    s->bytes += len;
    s->ends += (uint8_t)t[0] + (size_t)(uint8_t)t[len - 1];
}

/* One pass; NULL copies only. */
static double read_stream(const frame_peer *p, size_t chunk, seen *s)
{
    const double begin = now();
    size_t at, n;
    memset(s, 0, sizeof *s);
    if (p != NULL) p->start(see, s);
    for (at = 0; at < stream_len; at += n) {
        n = stream_len - at < chunk ? stream_len - at : chunk;
        if (p == NULL) {
            copy(received, stream + at, n);
            sink = received[n / 2];
        } else {
            need(p->feed(stream + at, n) == 0, "the stream was refused by", p->name);
        }
    }
    if (p != NULL) p->end();
    return now() - begin;
}

/* --- masking --- */

static void check_mask(const frame_peer *p, size_t len)
{
    size_t frame_len = 0, i;
    const uint8_t *const frame = p->mask(payload, len, &frame_len), *key;
    const size_t header = len < 126 ? 6 : len < 65536 ? 8 : 14;
    need(frame != NULL && frame_len == header + len, "a frame of another length was made by", p->name);
    need(frame[0] == 0x82 && frame[1] >= 0x80, "a broken header was made by", p->name);
    key = frame + header - 4;
    for (i = 0; i < len; i++) {
        need((frame[header + i] ^ key[i & 3]) == payload[i], "a payload was broken by", p->name);
    }
}

static double mask_payload(const frame_peer *p, size_t len)
{
    const double begin = now();
    size_t times = MASKED / len, frame_len;
    for (; times > 0; times--) {
        if (p == NULL) {
            copy(received, payload, len);
            sink = received[len / 2];
        } else {
            sink = p->mask(payload, len, &frame_len)[len / 2];
        }
    }
    return now() - begin;
}

/* --- tables --- */

static double times[MAX_PEERS + 1][64];     /* row 0: the copy */

static bool reads(int row) { return row == 0 || peers[row - 1]->feed != NULL; }
static bool is_whole(int row) { return is_ours(peers[row - 1]->name) && reads(row); } /* not a part alone */
static bool masks(int row) { return row == 0 || peers[row - 1]->mask != NULL; }

static void print_rows(size_t bytes, size_t repetitions, bool (*has)(int row))
{
    int k, o;
    for (k = 0; k <= num_peers; k++) {
        double sorted[64];
        if (!has(k)) continue;
        memcpy(sorted, times[k], sizeof sorted);
        printf("%-46s %8.2f %11.2f  ", k == 0 ? "memory copy" : peers[k - 1]->name,
               (double)bytes / median(sorted, repetitions) / 1e9, median_ratio(times[0], times[k], repetitions));
        for (o = 1; o <= num_peers; o++) {
            if (is_whole(o) && has(o)) printf(" %6.2f", median_ratio(times[k], times[o], repetitions));
        }
        printf("\n");
    }
}

static void print_title(const char *what, size_t bytes, bool (*has)(int row))
{
    int k;
    printf("\n%s %6lu%22s GB/s  of the copy   so many times as fast is ours", what, (unsigned long)bytes, "");
    for (k = 2; k <= num_peers; k++) {
        if (is_whole(k) && has(k)) printf("%s", strchr(peers[k - 1]->name, ','));
    }
    printf("\n");
}

static void bench_reading(const corpus *c, size_t chunk, size_t repetitions)
{
    size_t r;
    int k;
    seen s;
    for (k = 0; k < num_peers; k++) {
        seen first;
        if (peers[k]->feed == NULL) continue;
        read_stream(peers[0], chunk, &first);
        read_stream(peers[k], chunk, &s);
        need(s.messages == c->num && s.bytes == c->bytes && s.ends == first.ends, "something else was read by",
             peers[k]->name);
    }
    for (r = 0; r < repetitions; r++) for (k = 0; k <= num_peers; k++) {
        if (reads(k)) times[k][r] = read_stream(k == 0 ? NULL : peers[k - 1], chunk, &s);
    }
    if (repetitions == 0) return;
    print_title("reading, parts of", chunk, reads);
    print_rows(c->bytes, repetitions, reads);
}

static void bench_masking(size_t len, size_t repetitions)
{
    size_t r;
    int k;
    for (k = 0; k < num_peers; k++) if (masks(k + 1)) check_mask(peers[k], len);
    for (r = 0; r < repetitions; r++) for (k = 0; k <= num_peers; k++) {
        if (masks(k)) times[k][r] = mask_payload(k == 0 ? NULL : peers[k - 1], len);
    }
    if (repetitions == 0) return;
    print_title("masking, bytes:  ", len, masks);
    print_rows(MASKED / len * len, repetitions, masks);
}

int main(int argc, char **argv)
{
    static const size_t chunks[] = { 1460, 16384 }, lengths[] = { 64, 256, 1024, 4096, 65536 };
    const size_t repetitions = argc > 3 ? (size_t)strtoul(argv[1], NULL, 10) : 0;
    corpus c;
    seen s;
    size_t i;
    int k;
    if (argc < 4 || repetitions > 64) {
        fprintf(stderr, "usage: frames REPETITIONS CORPUS PEER.so..., up to 64\n");
        return 2;
    }
    c = corpus_read(argv[2]);
    make_stream(&c);
    each_table(argv + 3, argc - 3, "frame_peers", add_peers);
    need(num_peers > 0, "no peer", "");
    for (i = 0; i < sizeof chunks / sizeof chunks[0]; i++) bench_reading(&c, chunks[i], repetitions);
    for (i = 0; i < sizeof payload; i++) payload[i] = (uint8_t)(i * 131);
    for (k = 0; k < num_peers; k++) if (peers[k]->start != NULL) peers[k]->start(see, &s);
    for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) bench_masking(lengths[i], repetitions);
    for (k = 0; k < num_peers; k++) if (peers[k]->end != NULL) peers[k]->end();
    printf("\n%s: %d peers read and write the same frames\n", c.name, num_peers);
    return 0;
}
