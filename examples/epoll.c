/* misskey-epoll - a thousand connections in one thread (Linux): counts what comes, and what it costs
   What to copy: struct connection is all that a connection takes besides its rx and tx; on_ready() serves one that has
   something; sweep() is the clock of all. Three things keep a message as cheap as with one connection:
   - one recv for each connection that has something, of as much as its rx takes, then the next one's turn: epoll says
     again who has more, so nobody is kept waiting by one that never ends, and no recv is made only to hear EAGAIN;
   - what is to be sent is sent at once; epoll watches for room only where there was none;
   - nobody looks at connections where nothing happens: all are looked at when the earliest of their deadlines has come,
     which are seconds away, and not before TICK_MS have passed since the last time.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#define _GNU_SOURCE
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../misskey_stream.h"
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>

static const char help[] =
    "usage: misskey-epoll [--connections N] [--messages N] [--channel NAME] HOST[:PORT]\n"
    "Keeps N connections (default 1000) with one channel each (default localTimeline) without a token, ws only. When\n"
    "all are ready at the same time it counts messages (default 100000). Then it prints what they cost, how many\n"
    "connections are open and how many were lost meanwhile, and ends. Exit status: 0 done, 1 the server cannot be\n"
    "reached or refuses, 2 usage.\n";

enum { RX = MISSKEY_RX_SIZE(16384), TX = MISSKEY_TX_SIZE(512), TICK_MS = 100, BATCH = 256 };

typedef struct connection {
    misskey_conn conn;
    misskey_channel_slot channel;
    int fd;                             /* -1: none */
    uint32_t watched;                   /* what epoll watches it for */
    bool connecting, ready;             /* ready: its channel is open now */
} connection;

static connection *all;
static uint32_t num = 1000, num_ready, failures, lost;  /* num_ready: now; lost: while messages were counted */
static int queue;
static uint64_t messages, most = 100000, dropped;
static const char *channel = "localTimeline";
static struct sockaddr_storage address;
static socklen_t address_len;
static bool reached;                    /* some connection was ready */
static uint32_t swept, due;             /* the last sweep; when the next one is needed */
static bool measuring;
static struct rusage before;

static void fail(int status, const char *what)
{
    fprintf(stderr, "misskey-epoll: %s\n", what);
    exit(status);
}

static bool entropy(void *user, void *dst, size_t len)
{
    (void)user;
    return getrandom(dst, len, 0) == (ssize_t)len;
}

/* --- one connection --- */

static void dial(connection *c)
{
    struct epoll_event e = { .events = c->watched = EPOLLOUT, .data = { .ptr = c } };
    c->fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    c->connecting = c->fd >= 0 && epoll_ctl(queue, EPOLL_CTL_ADD, c->fd, &e) == 0 &&
                    (connect(c->fd, (struct sockaddr *)&address, address_len) == 0 || errno == EINPROGRESS);
    if (c->connecting) return;          /* epoll says when it is connected, or has failed */
    if (errno == EMFILE || !reached) fail(1, strerror(errno));
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    misskey_conn_transport_down(&c->conn);
}

/* A connection is ready once at most, however often its channel says so. */
static void set_ready(connection *c, bool ready)
{
    if (c->ready == ready) return;
    c->ready = ready;
    num_ready += ready ? 1u : -1u;
    reached = true;
    if (measuring && !ready) lost++;
    if (num_ready != num || measuring) return;
    measuring = true;
    getrusage(RUSAGE_SELF, &before);
}

static void closed(connection *c, const misskey_event *e)
{
    if ((!measuring && failures++ == 0) || e->err == MISSKEY_ERR_HTTP_STATUS)
        fprintf(stderr, "misskey-epoll: %u, %s\n", (unsigned)e->code, misskey_err_text(e->err));
    if (e->err == MISSKEY_ERR_HTTP_STATUS) exit(1);
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    set_ready(c, false);
}

static void poll_events(connection *c)
{
    misskey_event e;
    while (misskey_conn_poll(&c->conn, &e)) {
        if (e.type == MISSKEY_EVENT_DIAL) dial(c);
        if (e.type == MISSKEY_EVENT_CLOSED) closed(c, &e);
        if (e.type == MISSKEY_EVENT_CHANNEL_READY) set_ready(c, true);
        if (e.type == MISSKEY_EVENT_DROPPED && measuring) dropped++;
        if (e.type == MISSKEY_EVENT_MESSAGE && measuring) messages++;
    }
}

static void receive(connection *c)
{
    size_t room;
    uint8_t *const dst = misskey_conn_recv_buf(&c->conn, &room);    /* after poll there is always room */
    const ssize_t n = recv(c->fd, dst, room, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n > 0) misskey_conn_recv_ack(&c->conn, (size_t)n);
    else misskey_conn_transport_down(&c->conn);
    poll_events(c);
}

static void flush(connection *c)
{
    struct epoll_event e = { .events = EPOLLIN, .data = { .ptr = c } };
    const uint8_t *data;
    size_t len;
    if (c->fd < 0 || c->connecting) return;
    while ((data = misskey_conn_send_buf(&c->conn, &len)) != NULL) {
        const ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);
        if (n > 0) misskey_conn_send_ack(&c->conn, (size_t)n);
        else break;                     /* if the peer is gone recv will say so */
    }
    if (data != NULL) e.events |= EPOLLOUT;
    if (e.events != c->watched && epoll_ctl(queue, EPOLL_CTL_MOD, c->fd, &e) == 0) c->watched = e.events;
}

static void keep_deadline(const connection *c, uint32_t now)
{
    const uint32_t wait = misskey_conn_timeout(&c->conn);
    if (wait < due - now) due = now + wait;
}

static void on_ready(connection *c, uint32_t ready, uint32_t now)
{
    int error = 0;
    socklen_t len = sizeof error;
    misskey_conn_tick(&c->conn, now);
    if (c->connecting && (ready & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
        c->connecting = false;
        (void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error != 0 && !reached) fail(1, strerror(error));
        if (error == 0) misskey_conn_transport_up(&c->conn);
        else misskey_conn_transport_down(&c->conn);
    }
    poll_events(c);
    if (c->fd >= 0 && !c->connecting && (ready & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) receive(c);
    flush(c);
    keep_deadline(c, now);
}

/* --- all of them --- */

static void sweep(uint32_t now)
{
    uint32_t i;
    swept = now;
    due = now + 60000;
    for (i = 0; i < num; i++) {
        misskey_conn_tick(&all[i].conn, now);
        poll_events(&all[i]);
        flush(&all[i]);
        keep_deadline(&all[i], now);
    }
}

static void run(void)
{
    static struct epoll_event ready[BATCH];
    uint32_t now = net_now();
    sweep(now);
    while (messages < most) {
        const uint32_t least = swept + TICK_MS, next = (int32_t)(due - least) > 0 ? due : least;
        int i, n = epoll_wait(queue, ready, BATCH, (int32_t)(next - now) > 0 ? (int)(next - now) : 0);
        now = net_now();
        for (i = 0; i < n; i++) on_ready(ready[i].data.ptr, ready[i].events, now);
        if ((int32_t)(next - now) <= 0) sweep(now);
    }
}

/* --- memory, and what it costs --- */

static void *map(size_t size)
{
    void *const p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) fail(1, "out of memory");
    return p;
}

/* Bytes of this process that are in memory; of a mapping of its own. */
static size_t resident(void)
{
    unsigned long total, pages = 0;
    FILE *const f = fopen("/proc/self/statm", "r");
    if (f == NULL || fscanf(f, "%lu %lu", &total, &pages) != 2) fail(1, "cannot read /proc/self/statm");
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static size_t resident_of(void *p, size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (size + page - 1) / page;
    unsigned char *const in = malloc(pages);
    size_t i, n = 0;
    if (in == NULL || mincore(p, size, in) != 0) fail(1, "cannot measure memory");
    for (i = 0; i < pages; i++) n += in[i] & 1u;
    free(in);
    return n * page;
}

static double cpu_us(const struct rusage *r)
{
    const struct timeval u = r->ru_utime, s = r->ru_stime;
    return (double)(u.tv_sec + s.tv_sec) * 1e6 + (double)(u.tv_usec + s.tv_usec);
}

static void set_up(const char *host, uint8_t *rx, uint8_t *tx)
{
    misskey_conn_desc desc;
    misskey_channel opened;
    uint32_t i;
    memset(&desc, 0, sizeof desc);
    desc.ws.host = host;
    desc.ws.entropy = entropy;
    desc.session.num_channels = 1;
    for (i = 0; i < num; i++) {
        connection *const c = &all[i];
        c->fd = -1;
        desc.ws.rx = (misskey_mem){ rx + (size_t)i * RX, RX };
        desc.ws.tx = (misskey_mem){ tx + (size_t)i * TX, TX };
        desc.session.channels = &c->channel;
        if (misskey_conn_init(&c->conn, &desc) != MISSKEY_ERR_OK ||
            misskey_channel_open(&c->conn.session, channel, NULL, NULL, &opened) != MISSKEY_ERR_OK)
            fail(2, "such a host or channel cannot be");
    }
}

/* Whichever address of the name answers first is the server of all connections. */
static void find_server(const char *host, const char *port)
{
    struct pollfd fds[NET_FDS];
    net n = { .fd = -1 };
    net_state state = net_dial(&n, host, port, net_now()) ? NET_WAIT : NET_FAILED;
    while (state == NET_WAIT && (state = net_connected(&n, net_now())) == NET_WAIT) {
        const nfds_t num_fds = net_poll_fds(&n, fds);
        (void)poll(fds, num_fds, (int)net_timeout(&n, net_now()));
    }
    address_len = sizeof address;
    if (state == NET_FAILED) fail(1, n.error);
    if (getpeername(n.fd, (struct sockaddr *)&address, &address_len) != 0) fail(1, strerror(errno));
    net_close(&n);
}

static uint64_t number(const char *text)
{
    char *end;
    const unsigned long n = strtoul(text, &end, 10);
    if (*text == '-' || *end != '\0' || n == 0 || n > 1000000000) fail(2, "a number from 1 to 1000000000 is needed");
    return n;
}

int main(int argc, char **argv)
{
    struct rusage after;
    struct rlimit files;
    char host[256], port[8], header[NET_HOST_HEADER];
    size_t before_all, others;
    uint8_t *rx, *tx;
    int i;
    for (i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--connections") == 0) num = (uint32_t)number(argv[i + 1]);
        else if (strcmp(argv[i], "--messages") == 0) most = number(argv[i + 1]);
        else if (strcmp(argv[i], "--channel") == 0) channel = argv[i + 1];
        else break;
    }
    if (i + 1 != argc || !net_address(argv[i], "80", host, port)) return fputs(help, stderr), 2;
    find_server(host, port);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    queue = epoll_create1(EPOLL_CLOEXEC);
    before_all = resident();
    all = map(num * sizeof *all);
    rx = map((size_t)num * RX);
    tx = map((size_t)num * TX);
    net_host_header(header, host, port, "80");
    set_up(header, rx, tx);
    run();
    getrusage(RUSAGE_SELF, &after);
    others = resident() - before_all - resident_of(rx, (size_t)num * RX) - resident_of(tx, (size_t)num * TX);
    printf("%u of %u connections open, %u lost, %llu messages (%llu dropped), %.3f us of CPU per message, memory per "
           "connection: %u bytes, %u measured, besides rx and tx\n", (unsigned)num_ready, (unsigned)num, (unsigned)lost,
           (unsigned long long)messages, (unsigned long long)dropped,
           (cpu_us(&after) - cpu_us(&before)) / (double)messages, (unsigned)sizeof *all, (unsigned)(others / num));
    return 0;
}
