/* tls_bearssl.h - TLS 1.2 over a connected, non-blocking socket as a misskey_io, by BearSSL 0.6 (-lbearssl). The
   certificate is checked: its chain, its dates, and that it is for the host, which has to be a name.

        tls t = { 0 };
        tls_init(&t, NULL)                              // once; certificates to trust: a file, NULL = the system's
        tls_begin(&t, fd, "misskey.example")            // for each connection, once the socket is connected
        tls_handshake(&t) until it is not TLS_WAIT      // in between, poll the socket for t.events
        io = tls_io(&t); misskey_conn_pump(&conn, &io); // poll for t.events as well; not at all if tls_pending(&t)
        tls_end(&t)                                     // then close the socket
   What fails leaves one line in t.error. signal(SIGPIPE, SIG_IGN) is the program's.
   tls_openssl.h and tls_mbedtls.h have the same functions. What to copy: one of the three.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef TLS_H
#define TLS_H
#ifndef MISSKEY_STREAM_H
#error "include misskey_stream.h before tls_bearssl.h"
#endif
#include <bearssl.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef enum tls_state { TLS_WAIT, TLS_DONE, TLS_FAILED } tls_state;

typedef struct tls {            /* zero-initialise; must not move */
    short events;               /* what it waits for itself, for poll() */
    char error[600];
    br_x509_trust_anchor *trusted_;
    size_t num_trusted_;
    br_ssl_client_context client_;
    br_x509_minimal_context chain_;
    unsigned char buffer_[BR_SSL_BUFSIZE_BIDI];
    int fd_, errno_;            /* errno_: -1 = the server has closed the connection */
    bool done_;
    char host_[256];
} tls;

/* --- the certificates to trust --- */

/* Where systems keep the certificates that they trust. */
static inline const char *tls_system_file_(void)
{
    static const char *const places[] = { "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                          "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
                                          "/usr/local/etc/ssl/cert.pem" };
    const char *const given = getenv("SSL_CERT_FILE");
    size_t i;
    if (given != NULL && *given != '\0') return given;
    for (i = 0; i + 1 < sizeof places / sizeof places[0] && access(places[i], R_OK) != 0; i++) {}
    return places[i];
}

typedef struct tls_anchor_ {    /* one certificate on its way from PEM */
    br_pem_decoder_context pem;
    br_x509_decoder_context x509;
    unsigned char name[1024];
    size_t name_len;
} tls_anchor_;

static inline void tls_take_name_(void *user, const void *data, size_t len)
{
    tls_anchor_ *const a = (tls_anchor_ *)user;
    if (len <= sizeof a->name - a->name_len) memcpy(a->name + a->name_len, data, len);
    a->name_len = len <= sizeof a->name - a->name_len ? a->name_len + len : sizeof a->name + 1;
}

static inline void tls_take_certificate_(void *user, const void *data, size_t len)
{
    br_x509_decoder_push(&((tls_anchor_ *)user)->x509, data, len);
}

static inline unsigned char *tls_copy_(const unsigned char *data, size_t len)
{
    unsigned char *const copy = (unsigned char *)malloc(len > 0 ? len : 1);
    if (copy != NULL) memcpy(copy, data, len);
    return copy;
}

/* Adds what was decoded. What BearSSL has no use for (an unknown kind of key) is left out. False: no memory. */
static inline bool tls_trust_(tls *t, tls_anchor_ *a)
{
    const br_x509_pkey *const key = br_x509_decoder_get_pkey(&a->x509);
    br_x509_trust_anchor *to;
    if (key == NULL || a->name_len > sizeof a->name) return true;
    to = (br_x509_trust_anchor *)realloc(t->trusted_, (t->num_trusted_ + 1) * sizeof *to);
    if (to == NULL) return false;
    t->trusted_ = to;
    to += t->num_trusted_;
    to->flags = br_x509_decoder_isCA(&a->x509) ? BR_X509_TA_CA : 0;
    to->pkey = *key;
    to->dn.len = a->name_len;
    to->dn.data = tls_copy_(a->name, a->name_len);
    if (key->key_type == BR_KEYTYPE_RSA) {
        to->pkey.key.rsa.n = tls_copy_(key->key.rsa.n, key->key.rsa.nlen);
        to->pkey.key.rsa.e = tls_copy_(key->key.rsa.e, key->key.rsa.elen);
        if (to->dn.data == NULL || to->pkey.key.rsa.n == NULL || to->pkey.key.rsa.e == NULL) return false;
    } else {
        to->pkey.key.ec.q = tls_copy_(key->key.ec.q, key->key.ec.qlen);
        if (to->dn.data == NULL || to->pkey.key.ec.q == NULL) return false;
    }
    t->num_trusted_++;
    return true;
}

/* A piece of the file. False: no memory, or no PEM. */
static inline bool tls_read_pem_(tls *t, tls_anchor_ *a, const char *text, size_t len)
{
    bool ok = true;
    while (ok && len > 0) {
        const size_t n = br_pem_decoder_push(&a->pem, text, len);
        text += n;
        len -= n;
        switch (br_pem_decoder_event(&a->pem)) {
        case BR_PEM_BEGIN_OBJ:
            a->name_len = 0;
            br_x509_decoder_init(&a->x509, tls_take_name_, a);
            br_pem_decoder_setdest(&a->pem, tls_take_certificate_, a);
            break;
        case BR_PEM_END_OBJ:
            ok = tls_trust_(t, a);
            break;
        case BR_PEM_ERROR:
            ok = false;
            break;
        default:
            break;
        }
    }
    return ok;
}

/* tls_init -- ca_file: PEM; kept until the program ends. False: t->error. */
static inline bool tls_init(tls *t, const char *ca_file)
{
    const char *const name = ca_file != NULL ? ca_file : tls_system_file_();
    tls_anchor_ a;
    char text[4096];
    FILE *const file = fopen(name, "r");
    bool ok = file != NULL;
    size_t n;
    br_pem_decoder_init(&a.pem);
    while (ok && (n = fread(text, 1, sizeof text, file)) > 0) ok = tls_read_pem_(t, &a, text, n);
    ok = ok && tls_read_pem_(t, &a, "\n", 1);
    if (file != NULL) fclose(file);
    if (!ok || t->num_trusted_ == 0) snprintf(t->error, sizeof t->error, "TLS: no certificates in %s", name);
    return ok && t->num_trusted_ > 0;
}

/* --- a connection --- */

/* Moves records between BearSSL and the socket, as far as that goes without waiting. */
static inline void tls_move_(tls *t)
{
    br_ssl_engine_context *const engine = &t->client_.eng;
    unsigned state = br_ssl_engine_current_state(engine), stuck = 0;
    while (t->errno_ == 0 && (state & (BR_SSL_SENDREC | BR_SSL_RECVREC) & ~stuck) != 0) {
        const bool sending = (state & BR_SSL_SENDREC & ~stuck) != 0;
        size_t len;
        unsigned char *const at = sending ? br_ssl_engine_sendrec_buf(engine, &len)
                                          : br_ssl_engine_recvrec_buf(engine, &len);
        const ssize_t n = sending ? send(t->fd_, at, len, 0) : recv(t->fd_, at, len, 0);
        if (n > 0 && sending) br_ssl_engine_sendrec_ack(engine, (size_t)n);
        else if (n > 0) br_ssl_engine_recvrec_ack(engine, (size_t)n);
        else if (n == 0) t->errno_ = -1;
        else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) t->errno_ = errno;
        else stuck |= sending ? BR_SSL_SENDREC : BR_SSL_RECVREC;
        state = br_ssl_engine_current_state(engine);
    }
    t->events = (short)(state & BR_SSL_SENDREC ? POLLIN | POLLOUT : POLLIN);
}

/* tls_end -- says goodbye if that goes without waiting. May be called at any time. */
static inline void tls_end(tls *t)
{
    size_t len;
    const unsigned char *at;
    if (t->done_ && t->errno_ == 0) {
        br_ssl_engine_close(&t->client_.eng);
        at = br_ssl_engine_sendrec_buf(&t->client_.eng, &len);
        if (at != NULL) (void)!send(t->fd_, at, len, 0);
    }
    t->done_ = false;
}

static inline bool tls_begin(tls *t, int fd, const char *host)
{
    tls_end(t);
    t->fd_ = fd;
    t->errno_ = 0;
    t->error[0] = '\0';
    snprintf(t->host_, sizeof t->host_, "%s", host);
    br_ssl_client_init_full(&t->client_, &t->chain_, t->trusted_, t->num_trusted_);
    br_ssl_engine_set_versions(&t->client_.eng, BR_TLS12, BR_TLS12);
    br_ssl_engine_set_buffer(&t->client_.eng, t->buffer_, sizeof t->buffer_, 1);
    if (br_ssl_client_reset(&t->client_, host, 0)) return true;
    snprintf(t->error, sizeof t->error, "TLS: no connection can be made for %s", t->host_);
    return false;
}

/* Why the connection is over, in a few words; text is room for them. */
static inline const char *tls_reason_(const tls *t, char text[40])
{
    const int error = br_ssl_engine_last_error(&t->client_.eng);
    if (t->errno_ > 0) return strerror(t->errno_);
    if (t->errno_ < 0 || error == BR_ERR_OK) return "closed by the server";
    snprintf(text, 40, "error %d of BearSSL", error);
    if (error >= BR_ERR_RECV_FATAL_ALERT && error < BR_ERR_SEND_FATAL_ALERT)
        snprintf(text, 40, "the server sent alert %d", error - BR_ERR_RECV_FATAL_ALERT);
    return error == BR_ERR_BAD_VERSION || error == BR_ERR_UNSUPPORTED_VERSION ? "this is no TLS 1.2" : text;
}

static inline const char *tls_distrust_(int error)
{
    switch (error) {
    case BR_ERR_X509_BAD_SERVER_NAME: return "is for another name";
    case BR_ERR_X509_EXPIRED: return "has expired, or is not valid yet";
    case BR_ERR_X509_NOT_TRUSTED: return "is signed by an unknown authority";
    default: return "cannot be used";
    }
}

static inline tls_state tls_handshake(tls *t)
{
    char text[40];
    unsigned state;
    int error;
    tls_move_(t);
    state = br_ssl_engine_current_state(&t->client_.eng);
    error = br_ssl_engine_last_error(&t->client_.eng);
    t->done_ = (state & BR_SSL_SENDAPP) != 0 && t->errno_ == 0;
    if (t->done_) return TLS_DONE;
    if (state != BR_SSL_CLOSED && t->errno_ == 0) return TLS_WAIT;
    if (error > BR_ERR_X509_OK && error <= BR_ERR_X509_NOT_TRUSTED) {
        snprintf(t->error, sizeof t->error, "TLS: the certificate of %s %s", t->host_, tls_distrust_(error));
    } else {
        snprintf(t->error, sizeof t->error, "TLS: no handshake with %s: %s", t->host_, tls_reason_(t, text));
    }
    return TLS_FAILED;
}

/* 0: nothing now; -1: it is over. What has come before the end is given first. */
static inline int tls_nothing_(tls *t)
{
    char text[40];
    if (t->errno_ == 0 && br_ssl_engine_current_state(&t->client_.eng) != BR_SSL_CLOSED) return 0;
    snprintf(t->error, sizeof t->error, "connection to %s lost: %s", t->host_, tls_reason_(t, text));
    return -1;
}

static inline int tls_read_(void *user, void *dst, size_t len)
{
    tls *const t = (tls *)user;
    unsigned char *at;
    size_t n;
    tls_move_(t);
    at = br_ssl_engine_recvapp_buf(&t->client_.eng, &n);
    if (at == NULL) return tls_nothing_(t);
    if (n > len) n = len;
    memcpy(dst, at, n);
    br_ssl_engine_recvapp_ack(&t->client_.eng, n);
    return (int)n;
}

static inline int tls_write_(void *user, const void *src, size_t len)
{
    tls *const t = (tls *)user;
    unsigned char *at;
    size_t n;
    tls_move_(t);
    at = br_ssl_engine_sendapp_buf(&t->client_.eng, &n);
    if (at == NULL) return tls_nothing_(t);
    if (n > len) n = len;
    memcpy(at, src, n);
    br_ssl_engine_sendapp_ack(&t->client_.eng, n);
    br_ssl_engine_flush(&t->client_.eng, 0);
    tls_move_(t);
    return (int)n;
}

/* tls_io -- valid until tls_end */
static inline misskey_io tls_io(tls *t)
{
    misskey_io io;
    io.read = tls_read_;
    io.write = tls_write_;
    io.user = t;
    return io;
}

/* tls_pending -- there is something to read that poll() does not see */
static inline bool tls_pending(const tls *t)
{
    return t->done_ && (br_ssl_engine_current_state(&t->client_.eng) & BR_SSL_RECVAPP) != 0;
}

#endif /* TLS_H */
