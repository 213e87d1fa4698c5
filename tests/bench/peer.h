/* What a library brings to make bench: one shared object that exports one or more of the tables peers, frame_peers and
   link_peers, each ended by a row without a name. A peer from elsewhere that has a table "peers" of this form and takes
   the same sums joins by make bench PEERS=/path/to/it.so. */
#ifndef PEER_H
#define PEER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Everything taken out of a message goes into one sum, in whatever order, so that a peer which takes less, more or
   something else than the others is found out. */
enum {
    FIELD_TYPE = 1, FIELD_ID, FIELD_EVENT, FIELD_BODY, /* W1 */
    FIELD_NOTE_ID, FIELD_CREATED_AT, FIELD_TEXT, FIELD_CW, FIELD_VISIBILITY, FIELD_USER_ID, FIELD_USERNAME, FIELD_HOST,
    FIELD_USER_NAME, FIELD_RENOTE_ID, FIELD_REPLY_ID, FIELD_REACTIONS, FIELD_FILE_ID, FIELD_FILE_URL, FIELD_FILE_TYPE,
    FIELD_POLL, FIELD_UPDATE_REACTION, FIELD_UPDATE_USER_ID
};

typedef struct sum { uint64_t hash, count; } sum;

static inline void sum_str(sum *s, int field, const char *text, size_t len)
{
    const uint64_t f = (uint64_t)field;
#ifdef BENCH_WHOLE /* every byte, for the check; too slow for the bench */
    size_t i;
    uint64_t hash = f;
    for (i = 0; i < len; i++) hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001B3);
    s->hash += hash;
#endif
    s->hash += f * UINT64_C(0x9E3779B97F4A7C15) + (f * 7 + 1) * (len * 4 + 1);
    if (len > 0) s->hash += (f * 13 + 5) * ((uint8_t)text[0] + ((uint64_t)(uint8_t)text[len - 1] << 9));
    s->count++;
}

static inline void sum_int(sum *s, int field, int64_t value)
{
    s->hash += ((uint64_t)field * 17 + 3) * ((uint64_t)value + 1);
    s->count++;
}

/* Where a value is was found. */
static inline void sum_found(sum *s, int field)
{
    s->hash += (uint64_t)field * 1000003u;
    s->count++;
}

/* text has len bytes and 64 zeros behind them; it may be overwritten, up to cap. Returns 0 if it is good. */
typedef int work(char *text, size_t len, size_t cap, sum *s);

typedef struct peer {               /* one way to read messages */
    const char *name;
    int usable;                     /* on this machine */
    void (*init)(size_t longest);   /* may be NULL */
    work *w1;                       /* whole syntax and UTF-8; type, id, inner type, where the inner body is */
    work *w2;                       /* W1 and what the fields above name, decoded */
} peer;

typedef void got_text(void *to, const char *text, size_t len);

typedef struct frame_peer {         /* one way to read and write frames; what it does not do is NULL */
    const char *name;
    void (*start)(got_text *got, void *to);
    int (*feed)(const uint8_t *bytes, size_t len); /* a part of the stream, copied as recv would; 0 = good */
    void (*end)(void);
    const uint8_t *(*mask)(const uint8_t *payload, size_t len, size_t *frame_len); /* a client's frame */
} frame_peer;

typedef struct link_peer {          /* one client, from the upgrade to the Close */
    const char *name;
    int takes_json;                 /* hands each text to w2, which is NULL otherwise */
    int (*run)(int fd, work *w2, sum *s, uint64_t *messages); /* returns 0 if all was well */
} link_peer;

#if defined(__GNUC__) || defined(__clang__)
#define EXPORT __attribute__((visibility("default")))
#else
#define EXPORT
#endif

#endif
