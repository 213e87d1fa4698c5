/* tls_openssl.h - TLS over a connected, non-blocking socket as a misskey_io, by OpenSSL 1.1.1 or newer
   (-lssl -lcrypto). The certificate is checked: its chain, its dates, and that it is for the host, a name or an IP
   address.

        tls t = { 0 };
        tls_init(&t, NULL)                              // once; certificates to trust: a file, NULL = the system's
        tls_begin(&t, fd, "misskey.example")            // for each connection, once the socket is connected
        tls_handshake(&t) until it is not TLS_WAIT      // in between, poll the socket for t.events
        io = tls_io(&t); misskey_conn_pump(&conn, &io); // poll for t.events as well; not at all if tls_pending(&t)
        tls_end(&t)                                     // then close the socket
   What fails leaves one line in t.error. signal(SIGPIPE, SIG_IGN) is the program's.
   tls_mbedtls.h and tls_bearssl.h have the same functions. What to copy: one of the three.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef TLS_H
#define TLS_H
#ifndef MISSKEY_STREAM_H
#error "include misskey_stream.h before tls_openssl.h"
#endif
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

typedef enum tls_state { TLS_WAIT, TLS_DONE, TLS_FAILED } tls_state;

typedef struct tls {            /* zero-initialise */
    short events;               /* what it waits for itself, for poll() */
    char error[600];
    SSL_CTX *context_;
    SSL *ssl_;
    char host_[256];
} tls;

/* tls_init -- ca_file: PEM. False: t->error. */
static inline bool tls_init(tls *t, const char *ca_file)
{
    t->context_ = SSL_CTX_new(TLS_client_method());
    if (t->context_ == NULL || SSL_CTX_set_min_proto_version(t->context_, TLS1_2_VERSION) != 1) {
        snprintf(t->error, sizeof t->error, "TLS: OpenSSL cannot be used");
        return false;
    }
    SSL_CTX_set_verify(t->context_, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(t->context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (ca_file != NULL ? SSL_CTX_load_verify_locations(t->context_, ca_file, NULL) == 1
                        : SSL_CTX_set_default_verify_paths(t->context_) == 1) {
        return true;
    }
    snprintf(t->error, sizeof t->error, "TLS: no certificates in %s", ca_file != NULL ? ca_file : "the system's place");
    return false;
}

/* tls_end -- says goodbye if that goes without waiting. May be called at any time. */
static inline void tls_end(tls *t)
{
    if (t->ssl_ == NULL) return;
    if (SSL_is_init_finished(t->ssl_)) (void)SSL_shutdown(t->ssl_);
    SSL_free(t->ssl_);
    ERR_clear_error();
    t->ssl_ = NULL;
}

static inline bool tls_begin(tls *t, int fd, const char *host)
{
    X509_VERIFY_PARAM *want;
    tls_end(t);
    snprintf(t->host_, sizeof t->host_, "%s", host);
    t->error[0] = '\0';
    t->ssl_ = SSL_new(t->context_);
    want = t->ssl_ != NULL ? SSL_get0_param(t->ssl_) : NULL;
    if (want != NULL && SSL_set_fd(t->ssl_, fd) == 1) {
        if (X509_VERIFY_PARAM_set1_ip_asc(want, host) == 1) return true;
        X509_VERIFY_PARAM_set_hostflags(want, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        if (X509_VERIFY_PARAM_set1_host(want, host, 0) == 1 && SSL_set_tlsext_host_name(t->ssl_, t->host_) == 1)
            return true;
    }
    snprintf(t->error, sizeof t->error, "TLS: no connection can be made for %s", t->host_);
    return false;
}

/* What OpenSSL says of the call before, in a few words. */
static inline const char *tls_reason_(int error)
{
    const char *const text = ERR_reason_error_string(ERR_peek_last_error());
    if (error == SSL_ERROR_ZERO_RETURN) return "closed by the server";
    if (text != NULL) return text;
    return error == SSL_ERROR_SYSCALL && errno != 0 ? strerror(errno) : "closed by the server";
}

static inline const char *tls_distrust_(long verdict)
{
    switch (verdict) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "is for another name";
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "is not valid yet";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return "is signed by an unknown authority";
    default:
        return X509_verify_cert_error_string(verdict);
    }
}

static inline tls_state tls_handshake(tls *t)
{
    long verdict;
    int done, error;
    ERR_clear_error();
    errno = 0;
    done = SSL_connect(t->ssl_);
    error = SSL_get_error(t->ssl_, done);
    t->events = error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN;
    if (done == 1) return TLS_DONE;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return TLS_WAIT;
    verdict = SSL_get_verify_result(t->ssl_);
    if (verdict != X509_V_OK) {
        snprintf(t->error, sizeof t->error, "TLS: the certificate of %s %s", t->host_, tls_distrust_(verdict));
    } else {
        snprintf(t->error, sizeof t->error, "TLS: no handshake with %s: %s", t->host_, tls_reason_(error));
    }
    return TLS_FAILED;
}

/* What SSL_read and SSL_write returned, as misskey_io wants it. */
static inline int tls_moved_(tls *t, int moved)
{
    const int error = SSL_get_error(t->ssl_, moved);
    t->events = error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN;
    if (moved > 0) return moved;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return 0;
    snprintf(t->error, sizeof t->error, "connection to %s lost: %s", t->host_, tls_reason_(error));
    return -1;
}

static inline int tls_read_(void *user, void *dst, size_t len)
{
    tls *const t = (tls *)user;
    ERR_clear_error();
    errno = 0;
    return tls_moved_(t, SSL_read(t->ssl_, dst, len < INT_MAX ? (int)len : INT_MAX));
}

static inline int tls_write_(void *user, const void *src, size_t len)
{
    tls *const t = (tls *)user;
    ERR_clear_error();
    errno = 0;
    return tls_moved_(t, SSL_write(t->ssl_, src, len < INT_MAX ? (int)len : INT_MAX));
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
static inline bool tls_pending(const tls *t) { return t->ssl_ != NULL && SSL_pending(t->ssl_) > 0; }

#endif /* TLS_H */
