/* miauth.h - an access token by MiAuth: the user opens an address in a browser and says yes, then the server gives the
   token to whoever knows the session's id. Over HTTPS.

        miauth m;
        miauth_init(&m, &w, "misskey.example", "my program", "read:account")    // w: of wire_init, with TLS
        puts(m.address)
        while (miauth_ask(&m) != MIAUTH_DONE && !m.allowed) sleep(2);  // FAILED, m.error: passes if it once was WAIT
        m.token

   What to copy: the file. miauth_ask() is also the smallest HTTPS request that does: HTTP/1.0, so that the answer comes
   in one piece.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef MIAUTH_H
#define MIAUTH_H
#include "wire.h"
#include <sys/stat.h>

typedef enum miauth_state { MIAUTH_WAIT, MIAUTH_DONE, MIAUTH_FAILED } miauth_state;

typedef struct miauth {
    char address[700];          /* for the browser */
    char token[512];            /* DONE */
    char error[700];            /* FAILED: one line */
    bool answered;              /* FAILED: the server has answered, and is neither busy nor down behind its proxy */
    bool allowed;               /* the user has said yes: a server says so only once */
    wire *wire_;
    char request_[512];
    char answer_[1 << 18];      /* it has the whole profile of the user */
} miauth;

/* A random UUID, which is to be known to nobody else. */
static inline bool miauth_session_(char session[37])
{
    uint8_t r[16];
    size_t i;
    int at = 0;
    if (!net_entropy(NULL, r, sizeof r)) return false;
    r[6] = (uint8_t)(0x40 | (r[6] & 0x0F));
    r[8] = (uint8_t)(0x80 | (r[8] & 0x3F));
    for (i = 0; i < sizeof r; i++) {
        at += snprintf(session + at, 37 - (size_t)at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", r[i]);
    }
    return true;
}

/* miauth_init -- host as it stands in an address, with its port if that is not 443. name and permissions: characters
   that an address may have. False: no random bytes. */
static inline bool miauth_init(miauth *m, wire *w, const char *host, const char *name, const char *permissions)
{
    char session[37];
    m->wire_ = w;
    m->token[0] = m->error[0] = '\0';
    if (!miauth_session_(session)) return false;
    snprintf(m->address, sizeof m->address, "https://%s/miauth/%s?name=%s&permission=%s", host, session, name,
             permissions);
    snprintf(m->request_, sizeof m->request_, "POST /api/miauth/%s/check HTTP/1.0\r\nHost: %s\r\n"
             "User-Agent: misskey_stream.h\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", session,
             host);
    return true;
}

/* Sends the request and takes the answer until the server closes; waits at most 15 s. -1: failed. */
static inline int miauth_exchange_(miauth *m)
{
    const size_t request = strlen(m->request_);
    const uint32_t begin = net_now();
    size_t sent = 0, got = 0;
    uint32_t now = begin, wait;
    nfds_t num;
    int n = 0;
    for (wire_dial(m->wire_, begin); now - begin < 15000; now = net_now()) {
        struct pollfd fds[NET_FDS];
        if (wire_drive(m->wire_, now) == WIRE_FAILED) return -1;
        if (m->wire_->state == WIRE_UP) {
            const misskey_io io = wire_io(m->wire_);
            n = sent < request ? io.write(io.user, m->request_ + sent, request - sent) : 0;
            if (n > 0) sent += (size_t)n;
            if (n >= 0) n = io.read(io.user, m->answer_ + got, sizeof m->answer_ - 1 - got);
            if (n > 0) got += (size_t)n;
            if (n < 0 || got == sizeof m->answer_ - 1) break;
        }
        wait = wire_timeout(m->wire_, now);
        num = wire_poll_fds(m->wire_, sent < request, fds);
        if (n == 0) (void)poll(fds, num, wait < 1000 ? (int)wait : 1000);
    }
    m->answer_[got] = '\0';
    return n < 0 ? (int)got : -1;
}

/* The JSON text in the answer, whatever framing is around it. */
static inline misskey_json miauth_body_(const char *answer)
{
    const char *const begin = strchr(answer, '{'), *const end = strrchr(answer, '}');
    misskey_json json = { NULL, 0 };
    if (begin != NULL && end > begin) (void)misskey_json_check(begin, (size_t)(end - begin) + 1, &json, NULL);
    return json;
}

/* An answer that says neither yes nor no. */
static inline miauth_state miauth_refuse_(miauth *m, int code)
{
    const int line = (int)strcspn(m->answer_, "\r\n");
    m->answered = code < 500 && code != 429 && code != 408;
    snprintf(m->error, sizeof m->error, "the server %s %.*s",
             m->answered ? "does not know MiAuth: it answers" : "is busy or down: it answers", line < 80 ? line : 80,
             m->answer_);
    return MIAUTH_FAILED;
}

/* miauth_ask -- has the user said yes? */
static inline miauth_state miauth_ask(miauth *m)
{
    const int got = miauth_exchange_(m);
    const char *const body = got > 0 ? strstr(m->answer_, "\r\n\r\n") : NULL;
    const int code = got > 0 ? atoi(m->answer_ + strcspn(m->answer_, " \r\n")) : 0;
    misskey_json json = { NULL, 0 };
    misskey_jstr token;
    wire_close(m->wire_);
    m->answered = m->allowed = false;
    if (got <= 0) {
        snprintf(m->error, sizeof m->error, "%s", *m->wire_->error != '\0' ? m->wire_->error : "no answer in time");
        return MIAUTH_FAILED;
    }
    if (body != NULL && code == 200) json = miauth_body_(body);
    if (!misskey_json_bool(misskey_json_get(json, "ok"), &m->allowed)) return miauth_refuse_(m, code);
    token = misskey_json_str(misskey_json_get(json, "token"));
    m->answered = true;
    if (!m->allowed) return MIAUTH_WAIT;
    if (token.len > 0 && misskey_jstr_copy(token, m->token, sizeof m->token) < sizeof m->token) return MIAUTH_DONE;
    snprintf(m->error, sizeof m->error, "the server has sent no token");
    return MIAUTH_FAILED;
}

/* miauth_store -- the token as the only line of a file that nobody else can read, from its first byte on; the folders
   on the way are made. False: errno says why. */
static inline bool miauth_store(const char *path, const char *token)
{
    char text[4096];
    const char *at = path;
    bool ok = false;
    int fd;
    while ((at = strchr(at + 1, '/')) != NULL) {
        snprintf(text, sizeof text, "%.*s", (int)(at - path), path);
        (void)mkdir(text, 0700);    /* if that fails, so does open() */
    }
    if ((size_t)snprintf(text, sizeof text, "%s.new", path) >= sizeof text) return false;
    (void)unlink(text);
    fd = open(text, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd >= 0) ok = dprintf(fd, "%s\n", token) > 0;
    if (fd >= 0) ok = close(fd) == 0 && ok;
    return ok && rename(text, path) == 0;
}

#endif /* MIAUTH_H */
