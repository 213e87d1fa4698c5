/* wire.h - TCP or TLS as one thing: dial, wait, read and write.

        wire_init(&l, "misskey.example", "443", true, NULL)                 // once; false: l.error
        DIAL came:   wire_dial(&l);
        each turn:   switch (wire_drive(&l, now)) ...                       // UP: misskey_conn_transport_up, once
        pump:        io = wire_io(&l); misskey_conn_pump(&conn, &io);
        poll():      wire_poll_fds(&l, is there something to send, fds), at most wire_timeout(&l, now)
        CLOSED came: wire_close(&l);

   TLS_HEADER is the name of one of tls_openssl.h, tls_mbedtls.h and tls_bearssl.h, in quotes; without it there is no
   TLS, and wire_init() says so.
   What to copy: the file.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef WIRE_H
#define WIRE_H
#include "net.h"

#ifdef TLS_HEADER
#include TLS_HEADER
#else   /* wire_init() does not let anybody come here */
typedef struct tls { short events; char error[80]; } tls;
typedef enum tls_state { TLS_WAIT, TLS_DONE, TLS_FAILED } tls_state;
static inline bool tls_init(tls *t, const char *ca_file)
{
    (void)ca_file;
    snprintf(t->error, sizeof t->error, "built without TLS: make TLS=openssl, mbedtls or bearssl");
    return false;
}
static inline bool tls_begin(tls *t, int fd, const char *host) { return t == NULL && fd < 0 && host == NULL; }
static inline tls_state tls_handshake(tls *t) { return t == NULL ? TLS_DONE : TLS_FAILED; }
static inline misskey_io tls_io(tls *t) { const misskey_io none = { NULL, NULL, t }; return none; }
static inline bool tls_pending(const tls *t) { return t == NULL; }
static inline void tls_end(tls *t) { (void)t; }
#endif

#define WIRE_TLS_MS 10000           /* for the TLS handshake */

typedef enum wire_state { WIRE_DOWN, WIRE_CONNECTING, WIRE_SECURING, WIRE_UP, WIRE_FAILED } wire_state;

typedef struct wire {
    wire_state state;
    net tcp;
    const char *error;              /* what failed last, one line, or why it ended; "" = nothing */
    bool tls_failed;                /* FAILED: it was TLS */
    tls secure_;
    bool with_tls_;
    uint32_t since_;
    const char *host_, *port_;
} wire;

/* wire_init -- host and port are borrowed. ca_file: authorities to trust, NULL = those of the system. False: .error. */
static inline bool wire_init(wire *l, const char *host, const char *port, bool with_tls, const char *ca_file)
{
    memset(l, 0, sizeof *l);
    l->tcp.fd = -1;
    l->host_ = host;
    l->port_ = port;
    l->with_tls_ = with_tls;
    l->error = with_tls ? l->secure_.error : l->tcp.error;
    return !with_tls || tls_init(&l->secure_, ca_file);
}

/* wire_close -- says goodbye, and is down. What .error says stays. */
static inline void wire_close(wire *l)
{
    if (l->with_tls_ && (l->state == WIRE_SECURING || l->state == WIRE_UP)) tls_end(&l->secure_);
    net_close(&l->tcp);
    l->state = WIRE_DOWN;
}

static inline wire_state wire_fail_(wire *l, const char *error, bool tls_failed)
{
    wire_close(l);
    l->error = error;
    l->tls_failed = tls_failed;
    return l->state = WIRE_FAILED;
}

static inline wire_state wire_dial(wire *l, uint32_t now)
{
    wire_close(l);
    l->tcp.error[0] = l->secure_.error[0] = '\0';
    if (!net_dial(&l->tcp, l->host_, l->port_, now)) return wire_fail_(l, l->tcp.error, false);
    return l->state = WIRE_CONNECTING;
}

/* wire_drive -- goes on as far as it can without waiting. */
static inline wire_state wire_drive(wire *l, uint32_t now)
{
    if (l->state == WIRE_CONNECTING) {
        const net_state connected = net_connected(&l->tcp, now);
        if (connected == NET_FAILED) return wire_fail_(l, l->tcp.error, false);
        if (connected == NET_WAIT) return l->state;
        l->state = l->with_tls_ ? WIRE_SECURING : WIRE_UP;
        l->error = l->with_tls_ ? l->secure_.error : l->tcp.error;
        l->since_ = now;
        if (l->with_tls_ && !tls_begin(&l->secure_, l->tcp.fd, l->host_)) return wire_fail_(l, l->secure_.error, true);
    }
    if (l->state == WIRE_SECURING) {
        const tls_state secured = tls_handshake(&l->secure_);
        if (secured == TLS_FAILED) return wire_fail_(l, l->secure_.error, true);
        if (secured == TLS_DONE) l->state = WIRE_UP;
        else if (now - l->since_ >= WIRE_TLS_MS) return wire_fail_(l, "TLS: the server does not answer", true);
    }
    return l->state;
}

static inline misskey_io wire_io(wire *l) { return l->with_tls_ ? tls_io(&l->secure_) : net_io(&l->tcp); }

/* wire_events -- what poll() is to wait for on tcp.fd. */
static inline short wire_events(const wire *l, bool sending)
{
    if (l->state == WIRE_CONNECTING) return POLLOUT;
    if (l->state == WIRE_SECURING) return l->secure_.events;
    return (short)(POLLIN | (sending ? POLLOUT : 0) | (l->with_tls_ ? l->secure_.events : 0));
}

/* wire_poll_fds -- the same for every address that is being tried. Returns how many of fds are filled in; 0 when there
   is no socket. */
static inline nfds_t wire_poll_fds(const wire *l, bool sending, struct pollfd fds[NET_FDS])
{
    if (l->state == WIRE_CONNECTING) return net_poll_fds(&l->tcp, fds);
    fds[0].fd = l->tcp.fd;
    fds[0].events = wire_events(l, sending);
    fds[0].revents = 0;
    return l->tcp.fd >= 0;
}

/* wire_timeout -- milliseconds until wire_drive, or reading when UP, is due even if poll() sees nothing. */
static inline uint32_t wire_timeout(const wire *l, uint32_t now)
{
    const uint32_t waited = now - l->since_;
    if (l->state == WIRE_CONNECTING) return net_timeout(&l->tcp, now);
    if (l->state == WIRE_SECURING) return waited < WIRE_TLS_MS ? WIRE_TLS_MS - waited : 0;
    return l->state == WIRE_UP && l->with_tls_ && tls_pending(&l->secure_) ? 0 : MISSKEY_FOREVER;
}

#endif /* WIRE_H */
