/* ws_echo - misskey_ws alone as an echo peer for WebSocket conformance suites, in both roles. POSIX sockets.
   Every text or binary message of up to 16 MiB comes back. Nothing is dropped: while an echo finds no room in tx,
   nothing more is read. */
#define _POSIX_C_SOURCE 200809L
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../../misskey_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LARGEST = 16 << 20, MAX_PEERS = 64, LINGER_MS = 2000, OK = 0, FAILED = 1, USAGE = 2 };

struct peer {
    misskey_ws ws;
    misskey_ws_event event;
    uint8_t *rx, *tx;
    unsigned long *number;  /* not NULL: the first message is a number for the caller, and nothing is echoed */
    uint32_t closed_at;
    int fd;
    bool server;
    bool waiting;           /* the echo of event found no room in tx */
    bool eof, broken;       /* the peer sends no more; the socket failed */
    bool closed, fin;       /* CLOSED has come; our FIN has gone */
    misskey_err ended;      /* what CLOSED said */
};

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "ws_echo: %s: %s\n", what, why);
    return FAILED;
}

static uint32_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)t.tv_sec * 1000u + (uint32_t)(t.tv_nsec / 1000000);
}

static bool entropy(void *user, void *dst, size_t len)
{
    return read(*(int *)user, dst, len) == (ssize_t)len;
}

static struct peer *peer_new(int fd, const char *host, const char *path)
{
    static int random_fd = -1;
    const int one = 1;
    misskey_ws_desc desc = {0};
    misskey_err err = MISSKEY_ERR_TOO_SMALL;
    struct peer *p = calloc(1, sizeof *p);
    if (random_fd < 0) random_fd = open("/dev/urandom", O_RDONLY);
    if (p == NULL) return NULL;
    desc.server = p->server = host == NULL;
    desc.host = host;
    desc.path = path;
    desc.entropy = entropy;
    desc.user = &random_fd;
    desc.max_message = LARGEST;
    desc.rx.size = MISSKEY_RX_SIZE(LARGEST);
    desc.tx.size = MISSKEY_TX_SIZE(LARGEST);
    desc.rx.ptr = p->rx = malloc(desc.rx.size);
    desc.tx.ptr = p->tx = malloc(desc.tx.size);
    if (p->rx != NULL && p->tx != NULL) err = misskey_ws_init(&p->ws, &desc);
    if (err != MISSKEY_ERR_OK) {
        fail("cannot set up a connection", misskey_err_text(err));
        free(p->rx);
        free(p->tx);
        free(p);
        return NULL;
    }
    p->fd = fd;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    misskey_ws_tick(&p->ws, now_ms());
    misskey_ws_transport_up(&p->ws);
    return p;
}

static void peer_free(struct peer *p)
{
    close(p->fd);
    free(p->rx);
    free(p->tx);
    free(p);
}

static bool has_output(const struct peer *p)
{
    size_t len;
    return misskey_ws_send_buf(&p->ws, &len) != NULL;
}

static void peer_receive(struct peer *p)
{
    static uint8_t waste[65536];
    size_t room;
    uint8_t *dst = misskey_ws_recv_buf(&p->ws, &room);
    ssize_t n;
    if (p->closed) {
        dst = waste;
        room = sizeof waste;
    }
    if (dst == NULL) return;
    n = recv(p->fd, dst, room, 0);
    if (n > 0 && !p->closed) misskey_ws_recv_ack(&p->ws, (size_t)n);
    if (n == 0) p->eof = true;
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) p->broken = true;
}

static void peer_send(struct peer *p)
{
    size_t len;
    const uint8_t *src;
    while (!p->broken && (src = misskey_ws_send_buf(&p->ws, &len)) != NULL) {
        ssize_t n = send(p->fd, src, len, 0);
        if (n >= 0) misskey_ws_send_ack(&p->ws, (size_t)n);
        else if (errno == EAGAIN || errno == EWOULDBLOCK) return;
        else if (errno != EINTR) p->broken = true;
    }
}

static void peer_event(struct peer *p)
{
    const misskey_ws_event *e = &p->event;
    char digits[12] = "";
    switch (e->type) {
    case MISSKEY_WS_EVENT_UPGRADE:
        misskey_ws_accept(&p->ws, NULL);
        break;
    case MISSKEY_WS_EVENT_MESSAGE:
        p->waiting = p->number == NULL;
        if (p->waiting || e->text.len >= sizeof digits) break;
        memcpy(digits, e->text.ptr, e->text.len);
        *p->number = strtoul(digits, NULL, 10);
        break;
    case MISSKEY_WS_EVENT_CLOSED:
        p->closed = true;
        p->closed_at = now_ms();
        p->ended = e->err;
        if (e->err == MISSKEY_ERR_OK) break;
        fprintf(stderr, "ws_echo: connection ended with code %u, %s: %s\n", (unsigned)e->code, misskey_err_name(e->err),
                misskey_err_text(e->err));
        break;
    default:
        break;
    }
}

/* A message that cannot be sent for another reason than room is not owed an echo: the closing has begun. */
static void peer_echo(struct peer *p)
{
    for (;;) {
        const misskey_ws_event *e = &p->event;
        misskey_err err = MISSKEY_ERR_OK;
        if (p->waiting) err = misskey_ws_send(&p->ws, e->text.ptr, e->text.len, e->binary);
        if (err == MISSKEY_ERR_WOULD_BLOCK) return;
        p->waiting = false;
        if (!misskey_ws_poll(&p->ws, &p->event)) return;
        peer_event(p);
    }
}

/* One turn. The end of the peer's bytes is passed on only when all echoes have left: it may still be reading them.
   Of the two ends the server closes TCP first (RFC 6455 section 7.1.1); both then read until EOF, because closing a
   socket with unread bytes resets the connection, and the last Close frame would be lost. Returns false at the end. */
static bool peer_turn(struct peer *p, short ready)
{
    misskey_ws_tick(&p->ws, now_ms());
    if (ready & (POLLIN | POLLHUP | POLLERR)) peer_receive(p);
    peer_echo(p);
    peer_send(p);
    if (p->broken || (p->eof && !p->waiting && !has_output(p))) {
        p->waiting = false;
        misskey_ws_transport_down(&p->ws);
    }
    peer_echo(p);
    if (!p->closed) return true;
    if (p->broken || now_ms() - p->closed_at >= LINGER_MS) return false;
    if (has_output(p)) return true;
    if (p->server && !p->fin) p->fin = shutdown(p->fd, SHUT_WR) == 0;
    return !p->eof;
}

static short peer_wants(const struct peer *p)
{
    const bool read_more = !p->waiting && !p->eof;
    const bool write_more = p->waiting || has_output(p);
    return (short)((read_more ? POLLIN : 0) | (write_more ? POLLOUT : 0));
}

static int peer_timeout(const struct peer *p)
{
    uint32_t ms = p->closed || p->waiting ? LINGER_MS : misskey_ws_timeout(&p->ws);
    return ms == MISSKEY_FOREVER ? -1 : ms > 60000 ? 60000 : (int)ms;
}

static void peer_accept(int listener, struct peer **peers, size_t *count)
{
    int fd = accept(listener, NULL, NULL);
    struct peer *p;
    if (fd < 0) return;
    p = peer_new(fd, NULL, NULL);
    if (p != NULL) peers[(*count)++] = p;
    else close(fd);
}

static int serve(int listener)
{
    struct pollfd polled[MAX_PEERS + 1];
    struct peer *peers[MAX_PEERS];
    size_t count = 0, i, kept;
    for (;;) {
        int timeout = -1;
        for (i = 0; i < count; i++) {
            int t = peer_timeout(peers[i]);
            if (t >= 0 && (timeout < 0 || t < timeout)) timeout = t;
            polled[i].fd = peers[i]->fd;
            polled[i].events = peer_wants(peers[i]);
        }
        polled[count].fd = count < MAX_PEERS ? listener : -1;
        polled[count].events = POLLIN;
        if (poll(polled, (nfds_t)count + 1, timeout) < 0) return fail("poll", strerror(errno));
        for (i = 0, kept = 0; i < count; i++) {
            if (peer_turn(peers[i], polled[i].revents)) peers[kept++] = peers[i];
            else peer_free(peers[i]);
        }
        i = count;
        count = kept;
        if (polled[i].revents & POLLIN) peer_accept(listener, peers, &count);
    }
}

static int run_server(unsigned long port)
{
    struct sockaddr_in at = {0};
    socklen_t at_len = sizeof at;
    const int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    at.sin_family = AF_INET;
    at.sin_port = htons((uint16_t)port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0) return fail("socket", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, MAX_PEERS) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &at_len) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        return fail("cannot listen on that port of 127.0.0.1", strerror(errno));
    fprintf(stderr, "listening on 127.0.0.1:%u\n", (unsigned)ntohs(at.sin_port));
    return serve(fd);
}

static int dial(const char *host, const char *port)
{
    struct addrinfo hints = {0}, *list, *a;
    int fd = -1, rc;
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    rc = getaddrinfo(host, port, &hints, &list);
    if (rc != 0) {
        fail(host, gai_strerror(rc));
        return -1;
    }
    for (a = list; a != NULL && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) == 0) break;
        if (fd >= 0) close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    if (fd < 0) fail("cannot connect", strerror(errno));
    return fd;
}

/* One client connection from beginning to end. *ended: how it ended; not set when it could not be set up. */
static int run_client(const char *host, const char *port, const char *path, unsigned long *number, misskey_err *ended)
{
    char authority[300];
    struct pollfd polled = {0};
    struct peer *p;
    if (snprintf(authority, sizeof authority, "%s:%s", host, port) >= (int)sizeof authority)
        return fail("HOST is too long", "a name has at most 253 bytes");
    polled.fd = dial(host, port);
    if (polled.fd < 0) return FAILED;
    p = peer_new(polled.fd, authority, path);
    if (p == NULL) {
        close(polled.fd);
        return FAILED;
    }
    p->number = number;
    while (peer_turn(p, polled.revents)) {
        polled.events = peer_wants(p);
        if (poll(&polled, 1, peer_timeout(p)) < 0) polled.revents = 0;
    }
    *ended = p->ended;
    peer_free(p);
    return OK;
}

/* The cases are meant to end in errors, and the suite's report tells about them: all that fails here is reaching it. */
static int run_suite(const char *host, const char *port)
{
    unsigned long count = 0, i;
    misskey_err ended;
    char path[80];
    if (run_client(host, port, "/getCaseCount", &count, &ended) != OK) return FAILED;
    if (count == 0) return fail("/getCaseCount", "the suite announced no cases");
    for (i = 1; i <= count; i++) {
        snprintf(path, sizeof path, "/runCase?case=%lu&agent=misskey_stream", i);
        if (run_client(host, port, path, NULL, &ended) != OK) return FAILED;
    }
    return run_client(host, port, "/updateReports?agent=misskey_stream", NULL, &ended);
}

static bool is_port(const char *text, unsigned long *port)
{
    char *end;
    *port = strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && *port <= 65535;
}

int main(int argc, char **argv)
{
    unsigned long port;
    misskey_err ended = MISSKEY_ERR_OK;
    signal(SIGPIPE, SIG_IGN);
    if (argc == 3 && strcmp(argv[1], "server") == 0 && is_port(argv[2], &port)) return run_server(port);
    if (argc == 5 && strcmp(argv[1], "client") == 0 && is_port(argv[3], &port) && argv[4][0] == '/') {
        if (strcmp(argv[4], "/autobahn") == 0) return run_suite(argv[2], argv[3]);
        if (run_client(argv[2], argv[3], argv[4], NULL, &ended) != OK) return FAILED;
        return ended == MISSKEY_ERR_OK ? OK : FAILED;
    }
    fprintf(stderr, "usage: ws_echo server PORT              (0 picks a port)\n"
                    "       ws_echo client HOST PORT PATH    (PATH /autobahn runs a whole suite)\n");
    return USAGE;
}
