/* hostile.h - ten servers that mean no good, for misskey-serve --hostile NAME
   What to copy: nothing; what each of them does to a client is what a client has to survive.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef HOSTILE_H
#define HOSTILE_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { HOSTILE_ROOM = 1 << 16 };

typedef struct hostile {
    const char *name;
    bool upgrade;           /* it begins behind a proper 101; else it is the answer to the request */
    uint32_t pause_ms;      /* between turns */
    size_t (*say)(size_t turn, uint8_t *dst);   /* up to HOSTILE_ROOM bytes; none: silence from now on */
} hostile;

static size_t hostile_text(uint8_t *dst, const char *text)
{
    memcpy(dst, text, strlen(text));
    return strlen(text);
}

/* Header of a frame; len < 65536. */
static size_t hostile_frame(uint8_t *dst, unsigned first, size_t len)
{
    dst[0] = (uint8_t)first;
    dst[1] = (uint8_t)(len < 126 ? len : 126);
    if (len < 126) return 2;
    dst[2] = (uint8_t)(len >> 8);
    dst[3] = (uint8_t)len;
    return 4;
}

static size_t hostile_endless_head(size_t turn, uint8_t *dst)
{
    size_t n = turn == 0 ? hostile_text(dst, "HTTP/1.1 101 Switching Protocols\r\n") : 0;
    while (n + 64 < HOSTILE_ROOM) n += hostile_text(dst + n, "X-Padding: there is always one more header to come\r\n");
    return n;
}

static size_t hostile_slow_head(size_t turn, uint8_t *dst)
{
    static const char head[] =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Padding: ";
    dst[0] = (uint8_t)(turn < sizeof head - 1 ? head[turn] : 'a');
    return 1;
}

static size_t hostile_bad_accept(size_t turn, uint8_t *dst)
{
    if (turn > 0) return 0;
    return hostile_text(dst, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n");
}

static size_t hostile_huge(size_t turn, uint8_t *dst)
{
    size_t n = 0;
    if (turn == 0) {        /* a text of 1 GiB */
        memcpy(dst, "\x81\x7F\0\0\0\0\x40\0\0\0", 10);
        n = 10;
    }
    memset(dst + n, 'a', HOSTILE_ROOM - n);
    return HOSTILE_ROOM;
}

static size_t hostile_fragments(size_t turn, uint8_t *dst)
{
    size_t n = 0;
    bool first = turn == 0;
    for (; n + 1004 <= HOSTILE_ROOM; n += 1000) {
        n += hostile_frame(dst + n, first ? 0x01 : 0x00, 1000);
        memset(dst + n, 'a', 1000);
        first = false;
    }
    return n;
}

static size_t hostile_pings(size_t turn, uint8_t *dst)
{
    size_t n = 0;
    for (; n + 127 <= HOSTILE_ROOM; n += 127) {
        dst[n] = 0x89;
        dst[n + 1] = 125;
        memset(dst + n + 2, (int)('a' + turn % 26), 125);
    }
    return n;
}

static size_t hostile_half_frame(size_t turn, uint8_t *dst)
{
    if (turn > 0) return 0;
    (void)hostile_frame(dst, 0x81, 4096);
    memset(dst + 4, 'a', 2048);
    return 4 + 2048;
}

static size_t hostile_noise(size_t turn, uint8_t *dst)
{
    uint32_t r = (uint32_t)turn * 2654435769u + 2463534242u;
    size_t n;
    for (n = 0; n < HOSTILE_ROOM; n++) {
        r ^= r << 13;
        r ^= r >> 17;
        r ^= r << 5;
        dst[n] = (uint8_t)(r >> 11);
    }
    return n;
}

/* 30000 arrays within each other, then an ordinary message. */
static size_t hostile_deep(size_t turn, uint8_t *dst)
{
    enum { DEPTH = 30000 };
    static const char before[] = "{\"type\":\"deep\",\"body\":", after[] = "{\"type\":\"emojiAdded\",\"body\":{}}";
    size_t n;
    if (turn > 0) return 0;
    n = hostile_frame(dst, 0x81, sizeof before - 1 + 2 * DEPTH + 1);
    n += hostile_text(dst + n, before);
    memset(dst + n, '[', DEPTH);
    memset(dst + n + DEPTH, ']', DEPTH);
    n += 2 * DEPTH;
    n += hostile_text(dst + n, "}");
    n += hostile_frame(dst + n, 0x81, sizeof after - 1);
    return n + hostile_text(dst + n, after);
}

static size_t hostile_close_data(size_t turn, uint8_t *dst)
{
    size_t n = 0;
    if (turn == 0) n += hostile_text(dst, "\x88\x05\x03\xE8" "bye");
    for (; n + 9 <= HOSTILE_ROOM; n += 9) memcpy(dst + n, "\x81\x07{\"a\":1}", 9);
    return n;
}

static const hostile hostiles[] = {
    { "endless-head", false, 0, hostile_endless_head }, { "slow-head", false, 200, hostile_slow_head },
    { "bad-accept", false, 0, hostile_bad_accept }, { "huge", true, 0, hostile_huge },
    { "fragments", true, 0, hostile_fragments }, { "pings", true, 0, hostile_pings },
    { "half-frame", true, 0, hostile_half_frame }, { "noise", true, 0, hostile_noise },
    { "deep", true, 0, hostile_deep }, { "close-data", true, 0, hostile_close_data }
};

/* NULL: there is none of this name. */
static const hostile *hostile_find(const char *name)
{
    size_t i;
    for (i = 0; i < sizeof hostiles / sizeof hostiles[0]; i++) {
        if (strcmp(hostiles[i].name, name) == 0) return &hostiles[i];
    }
    return NULL;
}

#endif /* HOSTILE_H */
