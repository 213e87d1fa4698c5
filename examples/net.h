/* net.h - a non-blocking TCP connection for POSIX: dial by name, a misskey_io over it, a clock, random bytes.

        signal(SIGPIPE, SIG_IGN); net n = { .fd = -1 };
        DIAL came:      ok = net_dial(&n, "misskey.example", "443", net_now());
        each turn:      switch (net_connected(&n, net_now())) ...                   // until it is not NET_WAIT
        poll():         net_poll_fds(&n, fds), at most net_timeout(&n, net_now())   // until then
        connected:      misskey_conn_transport_up(&conn); io = net_io(&n); misskey_conn_pump(&conn, &io);
        CLOSED came:    net_close(&n);

   A name may have several addresses, some of them dead. They are tried as RFC 8305 (Happy Eyeballs) says: IPv6 and
   IPv4 in turn, the next one 250 ms after the one before or as soon as one fails, while the others go on. The first
   that connects is n.fd, the others are closed.
   What fails leaves one line in n.error that says what and why. net_dial blocks while it looks the name up, as
   getaddrinfo() does; a program that must not block gives addresses, or looks up elsewhere. The source file that
   includes this begins with #define _POSIX_C_SOURCE 200809L.
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
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NET_CONNECT_MS 10000    /* for each address of the name */
#define NET_DELAY_MS 250        /* RFC 8305 section 5: Connection Attempt Delay */
#define NET_FDS 8               /* at most so many attempts at the same time */

typedef struct net_attempt_ {
    const struct addrinfo *to;  /* NULL: no attempt */
    int fd;
    uint32_t since;
} net_attempt_;

typedef struct net {
    int fd;                     /* connected, or while it connects one of the attempts; -1: neither */
    char error[400];            /* of what failed last, one line; "" = nothing did */
    struct addrinfo *list_;     /* while it connects */
    const struct addrinfo *next_[2];    /* the next address of the first one's family; of other families */
    int turn_;                  /* index of next_ */
    net_attempt_ attempts_[NET_FDS];
    uint32_t since_;            /* when the last attempt began */
    bool fresh_;                /* the first attempts began after a look-up that may have taken long: count from now */
    char host_[256], port_[8];
} net;

typedef enum net_state { NET_WAIT, NET_CONNECTED, NET_FAILED } net_state;

/* net_now -- milliseconds, as misskey_conn_tick wants them. On Linux CLOCK_MONOTONIC stands still while the machine is
   suspended: an outage would look shorter than it was. */
static inline uint32_t net_now(void)
{
    struct timespec t;
#ifdef CLOCK_BOOTTIME
    if (clock_gettime(CLOCK_BOOTTIME, &t) != 0)
#endif
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

#define NET_HOST_HEADER 272

/* net_host_header -- the parts as one again, for misskey_ws_desc.host: IPv6 in brackets, the port unless it is usual */
static inline void net_host_header(char header[NET_HOST_HEADER], const char *host, const char *port, const char *usual)
{
    const bool ipv6 = strchr(host, ':') != NULL, bare = strcmp(port, usual) == 0;
    snprintf(header, NET_HOST_HEADER, "%s%s%s%s%s", ipv6 ? "[" : "", host, ipv6 ? "]" : "", bare ? "" : ":",
             bare ? "" : port);
}

/* net_close -- also ends what is connecting. */
static inline void net_close(net *n)
{
    size_t i;
    for (i = 0; i < NET_FDS; i++) {
        if (n->attempts_[i].to != NULL) close(n->attempts_[i].fd);
        n->attempts_[i].to = NULL;
    }
    if (n->fd >= 0 && n->list_ == NULL) close(n->fd);
    if (n->list_ != NULL) freeaddrinfo(n->list_);
    n->fd = -1;
    n->list_ = NULL;
    n->next_[0] = n->next_[1] = NULL;
    n->fresh_ = false;
}

/* The first address from this one on that is of the family of the first of all, or of another one. */
static inline const struct addrinfo *net_of_family_(const net *n, const struct addrinfo *at, bool first)
{
    while (at != NULL && (at->ai_family == n->list_->ai_family) != first) at = at->ai_next;
    return at;
}

/* RFC 8305 section 4: the families take turns, each in the order of getaddrinfo(). NULL: no address is left. */
static inline const struct addrinfo *net_next_address_(net *n)
{
    const int turn = n->next_[n->turn_] != NULL ? n->turn_ : !n->turn_;
    const struct addrinfo *const to = n->next_[turn];
    if (to != NULL) n->next_[turn] = net_of_family_(n, to->ai_next, turn == 0);
    n->turn_ = !turn;
    return to;
}

/* The attempt has failed: its place is free for another one. */
static inline void net_give_up_(net *n, net_attempt_ *a, int error)
{
    char at[64] = "";
    const char *const why = error == ETIMEDOUT ? "no answer, timed out" : strerror(error);
    (void)getnameinfo(a->to->ai_addr, a->to->ai_addrlen, at, sizeof at, NULL, 0, NI_NUMERICHOST);
    snprintf(n->error, sizeof n->error, "cannot connect to %s (%s) port %s: %s", n->host_, at, n->port_, why);
    if (a->fd >= 0) close(a->fd);
    a->to = NULL;
}

/* False: the attempt failed at once. */
static inline bool net_try_(net *n, net_attempt_ *a, uint32_t now)
{
    a->to = net_next_address_(n);
    a->since = n->since_ = now;
    a->fd = socket(a->to->ai_family, a->to->ai_socktype, a->to->ai_protocol);
    if (a->fd >= 0 && fcntl(a->fd, F_SETFL, O_NONBLOCK) == 0 && fcntl(a->fd, F_SETFD, FD_CLOEXEC) == 0 &&
        (connect(a->fd, a->to->ai_addr, a->to->ai_addrlen) == 0 || errno == EINPROGRESS)) {
        return true;
    }
    net_give_up_(n, a, errno);
    return false;
}

/* Milliseconds until so many have passed; a time before the beginning counts as the beginning. */
static inline uint32_t net_left_(uint32_t since, uint32_t limit, uint32_t now)
{
    const uint32_t waited = (int32_t)(now - since) < 0 ? 0 : now - since;
    return waited < limit ? limit - waited : 0;
}

/* Which place is free for another attempt; NET_FDS: none is, or no address is left. */
static inline size_t net_place_(const net *n)
{
    size_t i = 0;
    if (n->next_[0] == NULL && n->next_[1] == NULL) return NET_FDS;
    while (i < NET_FDS && n->attempts_[i].to != NULL) i++;
    return i;
}

static inline bool net_is_trying_(const net *n)
{
    size_t i = 0;
    while (i < NET_FDS && n->attempts_[i].to == NULL) i++;
    return i < NET_FDS;
}

/* This attempt is the connection. */
static inline net_state net_win_(net *n, net_attempt_ *a)
{
    const int fd = a->fd;
    a->to = NULL;
    net_close(n);
    n->fd = fd;
    n->error[0] = '\0';
    return NET_CONNECTED;
}

/* net_connected -- how far it is; begins attempts and ends those that fail. A spurious call does no harm. */
static inline net_state net_connected(net *n, uint32_t now)
{
    bool hurry = !net_is_trying_(n);
    net_attempt_ *a;
    size_t i;
    if (n->fd >= 0 && n->list_ == NULL) return NET_CONNECTED;
    if (n->fresh_) {
        for (a = n->attempts_; a < n->attempts_ + NET_FDS; a++) a->since = now;
        n->since_ = now;
        n->fresh_ = false;
    }
    for (a = n->attempts_; a < n->attempts_ + NET_FDS; a++) {
        struct sockaddr_storage peer;
        socklen_t len = sizeof(int), peer_len = sizeof peer;
        int error = 0;
        if (a->to == NULL) continue;
        if (getpeername(a->fd, (struct sockaddr *)&peer, &peer_len) == 0) return net_win_(n, a);
        (void)getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error == 0 && net_left_(a->since, NET_CONNECT_MS, now) == 0) error = ETIMEDOUT;
        if (error == 0 || error == EINPROGRESS) continue;
        net_give_up_(n, a, error);
        hurry = true;
    }
    hurry = hurry || net_left_(n->since_, NET_DELAY_MS, now) == 0;
    while (hurry && (i = net_place_(n)) < NET_FDS) hurry = !net_try_(n, &n->attempts_[i], now);
    n->fd = -1;
    for (a = n->attempts_; a < n->attempts_ + NET_FDS; a++) if (a->to != NULL) n->fd = a->fd;
    if (n->fd >= 0) return NET_WAIT;
    net_close(n);
    return NET_FAILED;
}

/* net_dial -- looks the name up and begins to connect, after it has closed what was connected before. False: it has
   failed already, n->error says why. */
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
    n->next_[0] = n->list_;
    n->next_[1] = net_of_family_(n, n->list_, false);
    n->turn_ = 0;
    n->fresh_ = net_connected(n, now) == NET_WAIT;
    return n->list_ != NULL || n->fd >= 0;
}

/* net_poll_fds -- while it connects: what poll() is to wait for. Returns how many of fds are filled in. */
static inline nfds_t net_poll_fds(const net *n, struct pollfd fds[NET_FDS])
{
    nfds_t num = 0;
    size_t i;
    for (i = 0; i < NET_FDS; i++) {
        if (n->attempts_[i].to == NULL) continue;
        fds[num].fd = n->attempts_[i].fd;
        fds[num].events = POLLOUT;
        fds[num++].revents = 0;
    }
    return num;
}

/* net_timeout -- while it connects: milliseconds until net_connected is due even if poll() sees nothing. */
static inline uint32_t net_timeout(const net *n, uint32_t now)
{
    uint32_t wait = MISSKEY_FOREVER, left;
    size_t i;
    if (!net_is_trying_(n)) return 0;
    if (net_place_(n) < NET_FDS) wait = net_left_(n->since_, NET_DELAY_MS, now);
    for (i = 0; i < NET_FDS; i++) {
        left = n->attempts_[i].to != NULL ? net_left_(n->attempts_[i].since, NET_CONNECT_MS, now) : MISSKEY_FOREVER;
        if (left < wait) wait = left;
    }
    return wait;
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
