/* net.h - a non-blocking TCP connection for POSIX: dial by name, a misskey_io over it, a clock, random bytes.

        signal(SIGPIPE, SIG_IGN); net n = { .fd = -1 };
        DIAL came:      ok = net_dial(&n, "misskey.example", "443", net_now());    // then poll n.fd for POLLOUT
        each turn:      switch (net_connected(&n, net_now())) ...                   // until it is not NET_WAIT
        connected:      misskey_conn_transport_up(&conn); io = net_io(&n); misskey_conn_pump(&conn, &io);
        CLOSED came:    net_close(&n);

   Whatever fails leaves one line in n.error that says what and why. Looking a name up blocks, as getaddrinfo() does; a
   program that cannot have that gives addresses, or looks up elsewhere. The source file that includes this begins with
   #define _POSIX_C_SOURCE 200809L.
   What to copy: the file.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef NET_H
#define NET_H
#ifndef MISSKEY_STREAM_H
#error "include misskey_stream.h before net.h"
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NET_CONNECT_MS 10000    /* for each address of the name */

typedef struct net {
    int fd;                     /* -1: none; poll it for POLLOUT while it connects */
    char error[400];            /* of what failed last, one line; "" = nothing did */
    struct addrinfo *list_, *next_;
    uint32_t since_;
    char host_[256], port_[8];
} net;

typedef enum net_state { NET_WAIT, NET_CONNECTED, NET_FAILED } net_state;

/* net_now -- milliseconds, as misskey_conn_tick wants them. */
static inline uint32_t net_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)((uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000);
}

/* net_entropy -- for misskey_ws_desc.entropy. */
static inline bool net_entropy(void *user, void *dst, size_t len)
{
    const int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    const bool ok = fd >= 0 && read(fd, dst, len) == (ssize_t)len;
    (void)user;
    if (fd >= 0) close(fd);
    return ok;
}

/* net_address -- "host", "host:port", "[::1]:port" or "::1" into its parts. Without a port: the one given. False: it is
   none of them, or too long. */
static inline bool net_address(const char *text, const char *default_port, char host[256], char port[8])
{
    const char *const end = *text == '[' ? strchr(text, ']') : strchr(text, ':');
    const char *rest = text + strlen(text);
    size_t len;
    if (*text == '[') {
        if (end == NULL || (end[1] != '\0' && end[1] != ':')) return false;
        rest = end + 1;
        len = (size_t)(end - ++text);
    } else {
        if (end != NULL && strchr(end + 1, ':') == NULL) rest = end;    /* else: bare IPv6 */
        len = (size_t)(rest - text);
    }
    if (*rest == ':') default_port = rest + 1;
    if (len == 0 || len > 255 || strlen(default_port) > 5 || *default_port == '\0') return false;
    if (default_port[strspn(default_port, "0123456789")] != '\0') return false;
    if (atoi(default_port) < 1 || atoi(default_port) > 65535) return false;     /* getaddrinfo() takes it modulo 2^16 */
    memcpy(host, text, len);
    host[len] = '\0';
    memcpy(port, default_port, strlen(default_port) + 1);
    return true;
}

static inline void net_close(net *n)
{
    if (n->fd >= 0) close(n->fd);
    if (n->list_ != NULL) freeaddrinfo(n->list_);
    n->fd = -1;
    n->list_ = n->next_ = NULL;
}

/* What it says of the address that was tried, if there is one. */
static inline void net_cannot_connect_(net *n, const struct addrinfo *to, int error)
{
    char at[64] = "";
    const char *const why = error == ETIMEDOUT ? "no answer, timed out" : strerror(error);
    (void)getnameinfo(to->ai_addr, to->ai_addrlen, at, sizeof at, NULL, 0, NI_NUMERICHOST);
    snprintf(n->error, sizeof n->error, "cannot connect to %s (%s) port %s: %s", n->host_, at, n->port_, why);
}

/* The next address that does not fail at once; false: there is none. */
static inline bool net_try_next_(net *n, uint32_t now)
{
    const struct addrinfo *to;
    while ((to = n->next_) != NULL) {
        n->next_ = to->ai_next;
        n->since_ = now;
        if (n->fd >= 0) close(n->fd);
        n->fd = socket(to->ai_family, to->ai_socktype, to->ai_protocol);
        if (n->fd >= 0 && fcntl(n->fd, F_SETFL, O_NONBLOCK) == 0 && fcntl(n->fd, F_SETFD, FD_CLOEXEC) == 0 &&
            (connect(n->fd, to->ai_addr, to->ai_addrlen) == 0 || errno == EINPROGRESS)) {
            return true;
        }
        net_cannot_connect_(n, to, errno);
    }
    net_close(n);
    return false;
}

/* net_dial -- begins to connect, after whatever was connected before. False: failed already. */
static inline bool net_dial(net *n, const char *host, const char *port, uint32_t now)
{
    struct addrinfo hints;
    int error;
    net_close(n);
    snprintf(n->host_, sizeof n->host_, "%s", host);
    snprintf(n->port_, sizeof n->port_, "%s", port);
    n->error[0] = '\0';
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    error = getaddrinfo(host, port, &hints, &n->list_);
    if (error != 0) {
        n->list_ = NULL;
        snprintf(n->error, sizeof n->error, "cannot look up %s: %s", n->host_,
                 error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
        return false;
    }
    n->next_ = n->list_;
    return net_try_next_(n, now);
}

/* net_timeout -- milliseconds until net_connected is due even if the socket is not ready. */
static inline uint32_t net_timeout(const net *n, uint32_t now)
{
    return now - n->since_ < NET_CONNECT_MS ? NET_CONNECT_MS - (now - n->since_) : 0;
}

/* net_connected -- how far it is. Where one address fails, the next one is tried. A spurious call is harmless. */
static inline net_state net_connected(net *n, uint32_t now)
{
    struct sockaddr_storage peer;
    const struct addrinfo *to;
    socklen_t len = sizeof(int), peer_len = sizeof peer;
    int error = 0;
    if (n->fd < 0) return NET_FAILED;
    if (getpeername(n->fd, (struct sockaddr *)&peer, &peer_len) == 0) return NET_CONNECTED;
    (void)getsockopt(n->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error == 0 && net_timeout(n, now) == 0) error = ETIMEDOUT;
    if (error == 0 || error == EINPROGRESS) return NET_WAIT;
    for (to = n->list_; to->ai_next != n->next_; to = to->ai_next) {}
    net_cannot_connect_(n, to, error);
    return net_try_next_(n, now) ? NET_WAIT : NET_FAILED;
}

/* What recv and send returned, as misskey_io wants it. */
static inline int net_moved_(net *n, ssize_t moved, bool reading)
{
    if (moved > 0) return (int)moved;
    if (moved < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return 0;
    if (moved == 0 && !reading) return 0;
    snprintf(n->error, sizeof n->error, "connection to %s lost: %s", n->host_,
             moved == 0 ? "closed by the server" : strerror(errno));
    return -1;
}

static inline int net_read_(void *user, void *dst, size_t len)
{
    net *const n = (net *)user;
    return net_moved_(n, recv(n->fd, dst, len < INT_MAX ? len : INT_MAX, 0), true);
}

static inline int net_write_(void *user, const void *src, size_t len)
{
    net *const n = (net *)user;
    return net_moved_(n, send(n->fd, src, len < INT_MAX ? len : INT_MAX, 0), false);
}

/* net_io -- for misskey_conn_pump. Valid as long as n is. */
static inline misskey_io net_io(net *n)
{
    misskey_io io;
    io.read = net_read_;
    io.write = net_write_;
    io.user = n;
    return io;
}

#endif /* NET_H */
