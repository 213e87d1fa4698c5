/* replay.h - reads a recording of a connection (tests/recordings/README.md says what one is) and plays it back.

        replay r;
        if (!replay_open(&r, dir)) puts(r.error);
        replay_ask(&r, &desc.ws);                   // then misskey_conn_init and _transport_up
        while (replay_next(&r)) {                   // wait until r.ms
            if (!r.sent) misskey_conn_feed(&conn, r.data, r.len);
        }
        if (r.error[0] != '\0') puts(r.error);

   POSIX: chdir, popen (for files packed by gzip).
   What to copy: the file.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef REPLAY_H
#define REPLAY_H
#ifndef MISSKEY_STREAM_H
#error "include misskey_stream.h before replay.h"
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

typedef struct replay_file { char *at; size_t len; } replay_file;   /* with a NUL behind */

typedef struct replay {
    double ms;              /* the piece: when it came, after the connection was made */
    bool sent;              /* by the client; else by the server */
    const char *data;
    size_t len;
    char error[400];        /* one line; "" = nothing is wrong */
    replay_file wire_[2], chunks_;      /* wire_[sent] */
    const char *line_;
    size_t at_[2];
    uint8_t nonce_[16];
    char protocols_[256];
    misskey_header header_;
} replay;

static inline bool replay_fail_(replay *r, const char *what, const char *name, const char *why)
{
    snprintf(r->error, sizeof r->error, what, name, why);
    return false;
}

/* name or name.gz in the working directory */
static inline bool replay_read_(replay *r, const char *dir, const char *name, replay_file *file)
{
    char command[64], packed[32];
    size_t cap = 0, n;
    FILE *f = fopen(name, "rb");
    const bool gzip = f == NULL && errno == ENOENT;
    snprintf(command, sizeof command, "gzip -dc %s.gz 2>/dev/null", name);
    snprintf(packed, sizeof packed, "%s.gz", name);
    if (gzip && access(packed, F_OK) != 0)
        return replay_fail_(r, "%s has no %s, nor with .gz at its end: give the folder of a recording", dir, name);
    if (gzip) f = popen(command, "r");
    if (f == NULL) return replay_fail_(r, "cannot read %s: %s", name, strerror(errno));
    do {
        char *const more = cap - file->len < 2 ? (char *)realloc(file->at, cap = cap * 2 + 65536) : file->at;
        if (more == NULL) return replay_fail_(r, "%s: %s", name, "out of memory");
        file->at = more;
        file->len += n = fread(file->at + file->len, 1, cap - file->len - 1, f);
    } while (n > 0);
    file->at[file->len] = '\0';
    if (ferror(f)) return replay_fail_(r, "cannot read %s: %s", name, strerror(errno));
    if (!gzip) return fclose(f) == 0;
    return pclose(f) == 0 || replay_fail_(r, "cannot read %s/%s: gzip -dc failed on it", dir, packed);
}

/* replay_open -- the working directory is dir afterwards. False: r->error says why. */
static inline bool replay_open(replay *r, const char *dir)
{
    memset(r, 0, sizeof *r);
    if (chdir(dir) != 0) return replay_fail_(r, "cannot open the folder %s: %s", dir, strerror(errno));
    if (!replay_read_(r, dir, "server.bin", &r->wire_[0])) return false;
    if (!replay_read_(r, dir, "client.bin", &r->wire_[1])) return false;
    if (!replay_read_(r, dir, "chunks.jsonl", &r->chunks_)) return false;
    r->line_ = r->chunks_.at;
    return true;
}

/* replay_close -- frees what was read. */
static inline void replay_close(replay *r)
{
    free(r->wire_[0].at);
    free(r->wire_[1].at);
    free(r->chunks_.at);
    memset(r, 0, sizeof *r);
}

/* replay_header -- value of a header of the recorded request, "" if there is none. name with its colon. */
static inline void replay_header(const replay *r, const char *name, char *value, size_t cap)
{
    const size_t n = strlen(name);
    const char *line = r->wire_[1].at;
    for (*value = '\0'; strcspn(line, "\r\n") > 0; line += strcspn(line, "\n"), line += *line == '\n') {
        if (strncasecmp(line, name, n) != 0) continue;
        line += n + strspn(line + n, " ");
        snprintf(value, cap, "%.*s", (int)strcspn(line, "\r\n"), line);
    }
}

/* The recorded answer fits the recorded key only. Masks may be zero: nobody sees what is sent here. */
static inline bool replay_entropy_(void *nonce, void *dst, size_t len)
{
    if (len == 16) memcpy(dst, nonce, len);
    else memset(dst, 0, len);
    return true;
}

/* replay_ask -- sets what makes the request one that the recorded answer fits: host, entropy, user and headers. Lent:
   r must stay where it is. */
static inline void replay_ask(replay *r, misskey_ws_desc *desc)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char key[32];
    uint32_t bits = 0;
    size_t i, n = 0;
    replay_header(r, "Sec-WebSocket-Key:", key, sizeof key);
    replay_header(r, "Sec-WebSocket-Protocol:", r->protocols_, sizeof r->protocols_);
    for (i = 0; i < 22 && strspn(key, digits) == 22; i++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, key[i]) - digits);
        if (i % 4 != 0) r->nonce_[n++] = (uint8_t)(bits >> (6 - i % 4 * 2));
    }
    r->header_.name = "Sec-WebSocket-Protocol";
    r->header_.value = r->protocols_;
    desc->host = "replay";
    desc->entropy = replay_entropy_;
    desc->user = r->nonce_;
    desc->headers = &r->header_;
    desc->num_headers = r->protocols_[0] != '\0';
}

/* replay_next -- the next piece. False at the end; the files may contradict each other: r->error says so then. */
static inline bool replay_next(replay *r)
{
    int64_t off = 0, len = 0;
    size_t left;
    char at[24];
    misskey_json chunk, t;
    if (*r->line_ == '\0') {
        if (r->at_[0] != r->wire_[0].len) replay_fail_(r, "%s ends before %s does", "chunks.jsonl", "server.bin");
        return false;
    }
    if (misskey_json_check(r->line_, strcspn(r->line_, "\n"), &chunk, NULL) != MISSKEY_ERR_OK ||
        misskey_json_type(t = misskey_json_get(chunk, "t")) != MISSKEY_TYPE_NUMBER ||
        !misskey_json_i64(misskey_json_get(chunk, "off"), &off) ||
        !misskey_json_i64(misskey_json_get(chunk, "len"), &len)) {
        return replay_fail_(r, "a line of %s does not have %s", "chunks.jsonl", "t, dir, off and len");
    }
    r->ms = strtod(t.ptr, NULL);
    r->sent = misskey_jstr_eq(misskey_json_str(misskey_json_get(chunk, "dir")), "send");
    left = r->wire_[r->sent].len - r->at_[r->sent];
    if (off != (int64_t)r->at_[r->sent] || len < 0 || (uint64_t)len > left) {
        snprintf(at, sizeof at, "%lu", (unsigned long)r->at_[r->sent]);
        return replay_fail_(r, "chunks.jsonl does not fit %s.bin from byte %s on", r->sent ? "client" : "server", at);
    }
    r->data = r->wire_[r->sent].at + off;
    r->len = (size_t)len;
    r->at_[r->sent] += r->len;
    r->line_ += strcspn(r->line_, "\n");
    r->line_ += *r->line_ == '\n';
    return true;
}

#endif /* REPLAY_H */
