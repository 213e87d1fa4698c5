/* record.h - writes what goes over a connection into a folder, the access token left out:
   server.bin, client.bin   the bytes of both sides, from the HTTP head on
   chunks.jsonl             {"t","dir","off","len"}: each piece as it came ("recv") and went ("send")
   messages.jsonl           {"t","dir","data"}: each whole text; "frames" if it came in several, "binary", "invalidUtf8"
   control.jsonl            {"t","dir","op","len"}: ping, pong, and close with "code" and "reason"; {"t","tcp"}: the end
   t: milliseconds since record_begin. misskey-tail --replay plays such a folder. Nobody else can read the files: what a
   server says to an account is private.
   What to copy: the file, to keep what a server said when something went wrong. POSIX.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef RECORD_H
#define RECORD_H
#ifndef MISSKEY_STREAM_H
#error "include misskey_stream.h before record.h"
#endif
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct record_memory { uint8_t *at; size_t len, cap; } record_memory;

typedef struct record_side {
    const char *dir;            /* "recv", "send" */
    FILE *wire;
    size_t off;                 /* bytes in .bin */
    bool framed;                /* the head is over, and frames follow */
    bool binary;
    unsigned frames;            /* of the message so far */
    record_memory raw, message;  /* not taken apart yet; put together so far */
} record_side;

typedef struct recording {      /* zero-initialise */
    bool on;
    bool failed;                /* something could not be written, or there is no memory */
    uint32_t since, now;
    FILE *chunks, *messages, *control;
    record_side sides[2];       /* from the server, from the client */
} recording;

/* record_json_string -- the text as a JSON string, "" if it is not UTF-8. */
static inline void record_json_string(FILE *out, const char *text, size_t len)
{
    const size_t cap = len * 6 + 2;     /* every byte as \u00XX */
    char *const buffer = (char *)malloc(cap);
    misskey_json literal = { NULL, 0 };
    misskey_jw w;
    if (buffer != NULL) {
        misskey_jw_init(&w, buffer, cap);
        misskey_jw_str(&w, text, len);
        (void)misskey_jw_done(&w, &literal);
    }
    if (literal.ptr != NULL) fwrite(literal.ptr, 1, literal.len, out);
    else fputs("\"\"", out);
    free(buffer);
}

static inline void record_append_(recording *r, record_memory *to, const uint8_t *data, size_t len)
{
    const size_t cap = to->len + len > to->cap ? 2 * (to->len + len) : to->cap;
    uint8_t *const at = cap > to->cap ? (uint8_t *)realloc(to->at, cap) : to->at;
    r->failed = r->failed || (at == NULL && cap > 0);
    if (r->failed) return;
    to->at = at;
    to->cap = cap;
    if (len > 0) memcpy(to->at + to->len, data, len);
    to->len += len;
}

static inline void record_hex_(FILE *out, const char *name, const uint8_t *data, size_t len)
{
    size_t i;
    fprintf(out, ",\"%s\":\"", name);
    for (i = 0; i < len; i++) fprintf(out, "%02x", data[i]);
    putc('"', out);
}

static inline void record_control_(recording *r, const record_side *side, unsigned op, const uint8_t *data, size_t len)
{
    FILE *const out = r->control;
    fprintf(out, "{\"t\":%lu,\"dir\":\"%s\",\"op\":\"%s\",\"len\":%lu", (unsigned long)(r->now - r->since), side->dir,
            op == 8 ? "close" : op == 9 ? "ping" : "pong", (unsigned long)len);
    if (op == 8 && len >= 2) {
        fprintf(out, ",\"code\":%u,\"reason\":", (unsigned)(data[0] << 8 | data[1]));
        record_json_string(out, (const char *)data + 2, len - 2);
    } else if (len > 0) {
        record_hex_(out, "hex", data, len);
    }
    fputs("}\n", out);
}

static inline void record_message_(recording *r, record_side *side)
{
    FILE *const out = r->messages;
    const char *const text = side->message.at != NULL ? (const char *)side->message.at : "";
    misskey_message m;
    fprintf(out, "{\"t\":%lu,\"dir\":\"%s\",\"data\":", (unsigned long)(r->now - r->since), side->dir);
    record_json_string(out, text, side->message.len);
    if (side->binary) fputs(",\"binary\":true", out);
    if (side->frames > 1) fprintf(out, ",\"frames\":%u", side->frames);
    if (misskey_message_parse(text, side->message.len, &m) != MISSKEY_ERR_OK)
        record_hex_(out, "invalidUtf8", side->message.at, side->message.len);
    fputs("}\n", out);
}

/* A frame, unmasked. */
static inline void record_frame_(recording *r, record_side *side, unsigned first, const uint8_t *data, size_t len)
{
    const unsigned op = first & 15;
    if (op >= 8) {
        record_control_(r, side, op, data, len);
        return;
    }
    if (op != 0) {
        side->message.len = side->frames = 0;
        side->binary = op == 2;
    }
    record_append_(r, &side->message, data, len);
    side->frames++;
    if (first & 0x80) record_message_(r, side);
}

/* Bytes of the frame at p, header included, which is unmasked in place and given to record_frame_; 0: not whole yet. */
static inline size_t record_next_frame_(recording *r, record_side *side, uint8_t *p, size_t left)
{
    const size_t bytes = left < 2 ? 0 : (p[1] & 127) == 126 ? 2 : (p[1] & 127) == 127 ? 8 : 0;
    const bool masked = left >= 2 && (p[1] & 0x80) != 0;
    const size_t head = 2 + bytes + (masked ? 4 : 0);
    uint64_t len = left < 2 ? 0 : p[1] & 127;
    size_t i;
    if (left < head) return 0;
    if (bytes > 0) len = 0;
    for (i = 0; i < bytes; i++) len = len << 8 | p[2 + i];
    if (len > left - head) return 0;
    for (i = 0; masked && i < len; i++) p[head + i] ^= p[head - 4 + i % 4];
    record_frame_(r, side, p[0], p + head, (size_t)len);
    return head + (size_t)len;
}

static inline void record_wire_(recording *r, record_side *side, const uint8_t *data, size_t len)
{
    if (len == 0) return;
    fprintf(r->chunks, "{\"t\":%lu,\"dir\":\"%s\",\"off\":%lu,\"len\":%lu}\n", (unsigned long)(r->now - r->since),
            side->dir, (unsigned long)side->off, (unsigned long)len);
    fwrite(data, 1, len, side->wire);
    side->off += len;
}

/* Where the HTTP head that begins at p ends; 0: not yet. */
static inline size_t record_head_(const uint8_t *p, size_t len)
{
    size_t i;
    for (i = 4; i <= len; i++) if (memcmp(p + i - 4, "\r\n\r\n", 4) == 0) return i;
    return 0;
}

/* x for the characters behind `before`, up to one of `ends`. */
static inline void record_mask_(uint8_t *p, size_t len, const char *before, const char *ends)
{
    const size_t n = strlen(before);
    size_t i = 0;
    while (i + n < len && memcmp(p + i, before, n) != 0) i++;
    for (i += n; i < len && strchr(ends, p[i]) == NULL; i++) p[i] = 'x';
}

/* Writes the head of the client without the token, which is in a header or in the query. */
static inline void record_request_(recording *r, record_side *side)
{
    size_t line = 0;
    while (line < side->raw.len && side->raw.at[line] != '\r') line++;
    record_mask_(side->raw.at, line, "?i=", " &");
    record_mask_(side->raw.at, side->raw.len, "\r\nAuthorization: Bearer ", "\r");
    record_wire_(r, side, side->raw.at, side->raw.len);
}

/* So that a program that is killed leaves what it has seen. */
static inline void record_flush_(recording *r)
{
    const int bad = fflush(r->sides[0].wire) | fflush(r->sides[1].wire) | fflush(r->chunks) | fflush(r->messages) |
                    fflush(r->control);
    if (bad != 0) r->failed = true;
}

/* record_data -- they were received, or sent. */
static inline void record_data(recording *r, bool sent, const void *data, size_t len, uint32_t now)
{
    record_side *const side = &r->sides[sent];
    size_t at = 0, n;
    if (!r->on || r->failed) return;
    r->now = now;
    if (!sent || side->framed) record_wire_(r, side, (const uint8_t *)data, len);
    record_append_(r, &side->raw, (const uint8_t *)data, len);
    if (r->failed) return;
    if (!side->framed) {
        at = record_head_(side->raw.at, side->raw.len);
        if (at == 0) return;
        if (sent) record_request_(r, side);
        side->framed = sent || (at > 12 && memcmp(side->raw.at + 8, " 101", 4) == 0);
        if (!side->framed) at = 0;
    }
    while (side->framed && (n = record_next_frame_(r, side, side->raw.at + at, side->raw.len - at)) > 0) at += n;
    side->raw.len -= at;
    if (at > 0 && side->raw.len > 0) memmove(side->raw.at, side->raw.at + at, side->raw.len);
    record_flush_(r);
}

/* A new one: none is written over. */
static inline FILE *record_file_(recording *r, const char *folder, const char *name)
{
    char path[4096];
    FILE *file = NULL;
    int fd = -1;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) < sizeof path)
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd >= 0) file = fdopen(fd, "wb");
    if (fd >= 0 && file == NULL) close(fd);
    r->failed = r->failed || file == NULL;
    return file;
}

static inline void record_close_(recording *r, FILE *file)
{
    const bool bad = file != NULL && ferror(file);
    if (file != NULL && (fclose(file) != 0 || bad)) r->failed = true;
}

/* record_end -- the connection is over. who: "server-closed", "client-closed". False: not all could be written. */
static inline bool record_end(recording *r, const char *who, uint32_t now)
{
    size_t i;
    if (!r->on) return true;
    r->now = now;
    if (!r->sides[1].framed && !r->failed) record_request_(r, &r->sides[1]);
    if (!r->failed) fprintf(r->control, "{\"t\":%lu,\"tcp\":\"%s\"}\n", (unsigned long)(now - r->since), who);
    record_close_(r, r->chunks);
    record_close_(r, r->messages);
    record_close_(r, r->control);
    for (i = 0; i < 2; i++) {
        record_close_(r, r->sides[i].wire);
        free(r->sides[i].raw.at);
        free(r->sides[i].message.at);
    }
    r->on = false;
    return !r->failed;
}

/* record_begin -- a connection is there; the folder exists. False: errno says why. */
static inline bool record_begin(recording *r, const char *folder, uint32_t now)
{
    memset(r, 0, sizeof *r);
    r->since = now;
    r->sides[0].dir = "recv";
    r->sides[1].dir = "send";
    r->sides[0].wire = record_file_(r, folder, "server.bin");
    r->sides[1].wire = record_file_(r, folder, "client.bin");
    r->chunks = record_file_(r, folder, "chunks.jsonl");
    r->messages = record_file_(r, folder, "messages.jsonl");
    r->control = record_file_(r, folder, "control.jsonl");
    r->on = true;
    return !r->failed || record_end(r, "", now);
}

#endif /* RECORD_H */
