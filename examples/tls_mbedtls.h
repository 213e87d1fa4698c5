/* tls_mbedtls.h - TLS over a connected, non-blocking socket as a misskey_io, by Mbed TLS 2.28 or 3
   (-lmbedtls -lmbedx509 -lmbedcrypto). The certificate is checked: its chain, its dates, and that it is for the host,
   which has to be a name.

        tls t = { 0 };
        tls_init(&t, NULL)                              // once; certificates to trust: a file, NULL = the system's
        tls_begin(&t, fd, "misskey.example")            // for each connection, once the socket is connected
        tls_handshake(&t) until it is not TLS_WAIT      // in between, poll the socket for t.events
        io = tls_io(&t); misskey_conn_pump(&conn, &io); // poll for t.events as well; not at all if tls_pending(&t)
        tls_end(&t)                                     // then close the socket
   What fails leaves one line in t.error. signal(SIGPIPE, SIG_IGN) is the program's.
   tls_openssl.h and tls_bearssl.h have the same functions. What to copy: one of the three.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef TLS_H
#define TLS_H
#ifndef MISSKEY_STREAM_H
#error "include misskey_stream.h before tls_mbedtls.h"
#endif
#include <errno.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#if defined(MBEDTLS_PSA_CRYPTO_C) || defined(MBEDTLS_PSA_CRYPTO_CLIENT)
#include <psa/crypto.h>
#endif

typedef enum tls_state { TLS_WAIT, TLS_DONE, TLS_FAILED } tls_state;

typedef struct tls {            /* zero-initialise; must not move */
    short events;               /* what it waits for itself, for poll() */
    char error[600];
    mbedtls_entropy_context entropy_;
    mbedtls_ctr_drbg_context random_;
    mbedtls_x509_crt trusted_;
    mbedtls_ssl_config config_;
    mbedtls_ssl_context ssl_;
    bool begun_, done_;
    int fd_, errno_;            /* errno_: why the socket failed */
    size_t unsent_;             /* bytes that the last write has taken in, but could not send */
    char host_[256];
} tls;

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

/* What a call of Mbed TLS returned, in a few words. MBEDTLS_ERR_NET_CONN_RESET comes from tls_socket_ alone. */
static inline const char *tls_reason_(const tls *t, int error, char *text, size_t cap)
{
    if (error == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || error == MBEDTLS_ERR_SSL_CONN_EOF || error == 0)
        return "closed by the server";
    if (error == MBEDTLS_ERR_NET_CONN_RESET) return strerror(t->errno_);
    mbedtls_strerror(error, text, cap);
    return text;
}

/* TLS 1.3, which Mbed TLS 3.6 has on by default, needs PSA, and every handshake fails with an internal error without
   it. 0, or what PSA says. */
static inline int tls_init_psa_(void)
{
#if defined(MBEDTLS_PSA_CRYPTO_C) || defined(MBEDTLS_PSA_CRYPTO_CLIENT)
    return (int)psa_crypto_init();
#else
    return 0;
#endif
}

/* tls_init -- ca_file: PEM. False: t->error. */
static inline bool tls_init(tls *t, const char *ca_file)
{
    const char *const file = ca_file != NULL ? ca_file : tls_system_file_();
    const int status = tls_init_psa_();
    char text[160];
    int error;
    mbedtls_entropy_init(&t->entropy_);
    mbedtls_ctr_drbg_init(&t->random_);
    mbedtls_x509_crt_init(&t->trusted_);
    mbedtls_ssl_config_init(&t->config_);
    if (mbedtls_x509_crt_parse_file(&t->trusted_, file) < 0) {     /* above 0: some were not understood */
        snprintf(t->error, sizeof t->error, "TLS: no certificates in %s", file);
        return false;
    }
    if (status != 0) {
        snprintf(t->error, sizeof t->error, "TLS: Mbed TLS cannot be used: psa_crypto_init fails with %d", status);
        return false;
    }
    error = mbedtls_ctr_drbg_seed(&t->random_, mbedtls_entropy_func, &t->entropy_, NULL, 0);
    if (error == 0)
        error = mbedtls_ssl_config_defaults(&t->config_, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                            MBEDTLS_SSL_PRESET_DEFAULT);
    if (error != 0) {
        snprintf(t->error, sizeof t->error, "TLS: Mbed TLS cannot be used: %s",
                 tls_reason_(t, error, text, sizeof text));
        return false;
    }
#if MBEDTLS_VERSION_MAJOR < 3
    mbedtls_ssl_conf_min_version(&t->config_, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
    mbedtls_ssl_conf_authmode(&t->config_, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&t->config_, &t->trusted_, NULL);
    mbedtls_ssl_conf_rng(&t->config_, mbedtls_ctr_drbg_random, &t->random_);
    return true;
}

/* tls_end -- says goodbye if that goes without waiting. May be called at any time. */
static inline void tls_end(tls *t)
{
    if (!t->begun_) return;
    if (t->done_) (void)mbedtls_ssl_close_notify(&t->ssl_);
    mbedtls_ssl_free(&t->ssl_);
    t->begun_ = t->done_ = false;
}

/* What recv and send returned, as Mbed TLS wants it. */
static inline int tls_socket_(tls *t, ssize_t moved, int want)
{
    if (moved >= 0) return (int)moved;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return want;
    t->errno_ = errno;
    return MBEDTLS_ERR_NET_CONN_RESET;
}

static inline int tls_send_(void *user, const unsigned char *src, size_t len)
{
    tls *const t = (tls *)user;
    return tls_socket_(t, send(t->fd_, src, len, 0), MBEDTLS_ERR_SSL_WANT_WRITE);
}

static inline int tls_recv_(void *user, unsigned char *dst, size_t len)
{
    tls *const t = (tls *)user;
    return tls_socket_(t, recv(t->fd_, dst, len, 0), MBEDTLS_ERR_SSL_WANT_READ);
}

static inline bool tls_begin(tls *t, int fd, const char *host)
{
    char text[160];
    int error;
    tls_end(t);
    mbedtls_ssl_init(&t->ssl_);
    t->begun_ = true;
    t->fd_ = fd;
    t->unsent_ = 0;
    t->error[0] = '\0';
    snprintf(t->host_, sizeof t->host_, "%s", host);
    error = mbedtls_ssl_setup(&t->ssl_, &t->config_);
    if (error == 0) error = mbedtls_ssl_set_hostname(&t->ssl_, host);
    if (error != 0) {
        snprintf(t->error, sizeof t->error, "TLS: no connection can be made for %s: %s", t->host_,
                 tls_reason_(t, error, text, sizeof text));
        return false;
    }
    mbedtls_ssl_set_bio(&t->ssl_, t, tls_send_, tls_recv_, NULL);
    return true;
}

static inline const char *tls_distrust_(uint32_t flags)
{
    if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) return "is signed by an unknown authority";
    if (flags & MBEDTLS_X509_BADCERT_EXPIRED) return "has expired";
    if (flags & MBEDTLS_X509_BADCERT_FUTURE) return "is not valid yet";
    return flags & MBEDTLS_X509_BADCERT_CN_MISMATCH ? "is for another name" : "cannot be used";
}

static inline tls_state tls_handshake(tls *t)
{
    char text[160];
    const int error = mbedtls_ssl_handshake(&t->ssl_);
    t->events = error == MBEDTLS_ERR_SSL_WANT_WRITE ? POLLOUT : POLLIN;
    t->done_ = error == 0;
    if (t->done_) return TLS_DONE;
    if (error == MBEDTLS_ERR_SSL_WANT_READ || error == MBEDTLS_ERR_SSL_WANT_WRITE) return TLS_WAIT;
    if (error == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) {
        snprintf(t->error, sizeof t->error, "TLS: the certificate of %s %s", t->host_,
                 tls_distrust_(mbedtls_ssl_get_verify_result(&t->ssl_)));
    } else {
        snprintf(t->error, sizeof t->error, "TLS: no handshake with %s: %s", t->host_,
                 tls_reason_(t, error, text, sizeof text));
    }
    return TLS_FAILED;
}

/* What mbedtls_ssl_read and _write returned, as misskey_io wants it. */
static inline int tls_moved_(tls *t, int moved)
{
    char text[160];
    t->events = moved == MBEDTLS_ERR_SSL_WANT_WRITE ? POLLOUT : POLLIN;
    if (moved > 0) return moved;
    if (moved == MBEDTLS_ERR_SSL_WANT_READ || moved == MBEDTLS_ERR_SSL_WANT_WRITE) return 0;
    snprintf(t->error, sizeof t->error, "connection to %s lost: %s", t->host_,
             tls_reason_(t, moved, text, sizeof text));
    return -1;
}

static inline int tls_read_(void *user, void *dst, size_t len)
{
    tls *const t = (tls *)user;
    int moved = mbedtls_ssl_read(&t->ssl_, (unsigned char *)dst, len);
#ifdef MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET
    while (moved == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)    /* TLS 1.3: no data, and no failure */
        moved = mbedtls_ssl_read(&t->ssl_, (unsigned char *)dst, len);
#endif
    return tls_moved_(t, moved);
}

/* What it could not send, Mbed TLS wants to be given again, with the same length. */
static inline int tls_write_(void *user, const void *src, size_t len)
{
    tls *const t = (tls *)user;
    const size_t most = t->unsent_ > 0 ? t->unsent_ : len < 16384 ? len : 16384;
    const int moved = tls_moved_(t, mbedtls_ssl_write(&t->ssl_, (const unsigned char *)src, most));
    t->unsent_ = moved == 0 ? most : 0;
    return moved;
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
static inline bool tls_pending(const tls *t) { return t->done_ && mbedtls_ssl_get_bytes_avail(&t->ssl_) > 0; }

#endif /* TLS_H */
