/* misskey-serve - a pretend Misskey on 127.0.0.1, so that clients are developed and tested without a network
   What to copy: read_client() and write_client() move the bytes of one client; tests/pretend.h is the server role of
   the header put to use. One thread, one poll() loop, any number of clients. POSIX sockets.
   play.h says what a client gets: world.h has people who post and react, story.h a recording.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#define _POSIX_C_SOURCE 200809L
#define PRETEND_CAPTURES 4096u
#define PRETEND_OUT (1u << 20)      /* only the pages that are used take memory */
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../misskey_stream.h"
#include "../tests/pretend.h"
#include "play.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SNIFF_MS = 10000, DRAIN_MS = 1000, GRACE_MS = 2000, SLOW_MS = 20 };

static const char help[] =
    "usage: misskey-serve [--port N] [--era NAME] [--token TOKEN] [--seed N] [--count N]\n"
    "                     [--replay DIR | --script FILE | --hostile NAME] [--speed N] [--loop] [--raw]\n"
    "                     [--drop-after N]\n"
    "A pretend Misskey on 127.0.0.1. Prints \"listening on 127.0.0.1:PORT\", then serves until SIGINT or SIGTERM.\n"
    "Without anything to play people post notes, react, vote and delete; with a token there are notifications too.\n"
    "  --port N        0 (default): the system chooses\n"
    "  --era NAME      the quirks of which server: 12.119, 13.14, 2023.12, 2024.8 (default), 2025.12, 2026.5,\n"
    "                  sharkey-2024.9, sharkey-2025.5\n"
    "  --token TOKEN   who shows it is a user, another token is refused with 401, without one a client is anonymous;\n"
    "                  default: every token is a user's\n"
    "  --seed N        another story; with it dates are fixed too, so that everything is the same each time\n"
    "  --count N       end, exit 0, after N clients have come and gone\n"
    "  --replay DIR    play a recording (tests/recordings/README.md) to every client, from its first connect on:\n"
    "                  events of channels that the client has connected, under its own ids (same name, if possible\n"
    "                  same params), broadcasts, and every noteUpdated. Then close with 1000. If the recorded server\n"
    "                  refused the upgrade, so does this one\n"
    "  --script FILE   play a script to every client: post, react, drop, stall, ...; examples/story.h lists them all\n"
    "  --hostile NAME  do harm: endless-head, slow-head, bad-accept, huge, fragments, pings, half-frame, noise, deep,\n"
    "                  close-data\n"
    "  --speed N       N times as fast (default 1), 0 = as fast as the client reads; of all that is played\n"
    "  --loop          the recording or script begins again at its end\n"
    "  --raw           the texts exactly as recorded, all of them, to everybody at once; clients are not listened to\n"
    "  --drop-after N  cut the TCP connection after N messages played; the next client with the same token (or the\n"
    "                  next one without) goes on where that was\n"
    "  --help          this text\n"
    "GET /miauth/SESSION and POST /api/miauth/SESSION/check are answered as if the user had said yes at once.\n";

static client **clients;
static struct pollfd *fds;          /* the listener, the signal pipe, then one per client */
static size_t num_clients;
static unsigned served;
static int signals[2];
static const char *token;
static const pretend_era *era = &pretend_eras[PRETEND_2024];
static double world_due;
static uint32_t count;
static uint16_t port;
static int64_t seed = -1;           /* below 0: none was given */
static unsigned played;             /* how many things there are to be played: none, so there is the world; or one */
static bool ending;
static bool crowded;                /* no file descriptor for one more client */
static bool watched, held;          /* the world: somebody is there; at full speed: somebody has not read it all yet */

static double clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The world goes on while somebody is there to see it, so that with the same seed the first one sees the same. */
static void live(void)
{
    size_t i;
    uint32_t k, acts = 0;
    watched = held = false;
    for (i = 0; i < num_clients; i++) {
        clients[i]->settled = clients[i]->settled || settled(clients[i]);
        watched = watched || clients[i]->settled;
    }
    if (!watched) world_due = now;
    while (watched && !held && !ending && world_due <= now && acts++ < 64) {
        if (seed < 0) people.ms = date + (int64_t)world_due;
        world_due += world_next(&people) / (speed > 0 ? speed : 1e9);
        for (i = 0; i < num_clients; i++) {
            client *const c = clients[i];
            const bool late = c->p.open && pretend_waiting(&c->p) >= BACKLOG;
            if (late && !c->late) fprintf(stderr, "client %u reads too slowly: it misses events\n", c->number);
            c->late = late;
            for (k = 0; c->p.open && !late && k < people.num_acts; k++) tell(c, &people.acts[k]);
            held = held || (speed <= 0 && c->p.open && pretend_waiting(&c->p) >= BACKLOG);
        }
    }
}

/* --- clients --- */

static void answer_page(client *c)
{
    const char *const you = "{\"id\":\"a0000000000you00\",\"name\":\"You\",\"username\":\"you\",\"host\":null}";
    const bool check = strncmp(c->head, "POST", 4) == 0;
    char body[512];
    (void)snprintf(body, sizeof body, check ? "{\"ok\":true,\"token\":\"%s\",\"user\":%s}" : "<p>Allowed. Go back.</p>",
                   token != NULL ? token : "pretend-token", you);
    c->p.out_len = (size_t)snprintf((char *)c->p.out, sizeof c->p.out,
        "HTTP/1.1 200 OK\r\nContent-Type: %s; charset=utf-8\r\nAccess-Control-Allow-Origin: *\r\n"
        "Content-Length: %u\r\nConnection: close\r\n\r\n%s",
        check ? "application/json" : "text/html", (unsigned)strlen(body), body);
    c->p.over = true;
}

/* The first bytes of a client. All that is no page of MiAuth goes to the WebSocket. */
static void sniff(client *c, const uint8_t *data, size_t len)
{
    static const char *const pages[] = { "GET /miauth/", "POST /api/miauth/" };
    size_t i;
    const size_t room = sizeof c->head - 1 - c->head_len;
    memcpy(c->head + c->head_len, data, len < room ? len : room);
    c->head_len += len < room ? len : room;
    c->head[c->head_len] = '\0';
    for (i = 0; i < 2; i++) {
        const size_t n = strlen(pages[i]);
        if (strncmp(c->head, pages[i], c->head_len < n ? c->head_len : n) != 0) continue;
        if (strstr(c->head, "\r\n\r\n") != NULL || room <= len) {
            c->state = SERVING;
            answer_page(c);
        }
        return;
    }
    c->state = SERVING;
    if (enemy != NULL && !enemy->upgrade) return;
    if (tale.refusal != NULL && tale.refusal_len < sizeof c->p.out) {
        memcpy(c->p.out, tale.refusal, c->p.out_len = tale.refusal_len);
        c->p.over = true;
        return;
    }
    pretend_feed(&c->p, (const uint8_t *)c->head, c->head_len);
    if (len > room) pretend_feed(&c->p, data + room, len - room);
}

/* False: the client is gone. */
static bool read_client(client *c)
{
    static uint8_t buffer[1 << 16];
    const ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
    if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    if (n == 0) return false;
    if (c->state == SNIFFING) sniff(c, buffer, (size_t)n);
    else if (c->state == SERVING && !c->cutting && (enemy == NULL || !c->p.open))
        pretend_feed(&c->p, buffer, (size_t)n);
    return true;
}

static bool write_client(client *c)
{
    const uint8_t *data;
    size_t len;
    if (c->slow > 0) c->allowance += c->slow * (now - c->allowed_at) / 1e3;
    c->allowed_at = now;
    if (c->allowance > c->slow) c->allowance = c->slow;
    while ((data = pretend_send_buf(&c->p, &len)) != NULL && len > 0) {
        const size_t most = c->slow > 0 && c->allowance < (double)len ? (size_t)c->allowance : len;
        const ssize_t n = most > 0 ? send(c->fd, data, most, 0) : 0;
        if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
        pretend_send_ack(&c->p, (size_t)n);
        c->allowance -= (double)n;
        if (n == 0 || enemy != NULL) break; /* an enemy has always more */
    }
    return true;
}

static void drain(client *c)
{
    (void)shutdown(c->fd, SHUT_WR);
    c->state = DRAINING;
    c->since = now;
}

/* One turn of one client; ready: what poll says. False: it is gone. */
static bool serve(client *c, short ready)
{
    if (c->stalled_until > now) return !ending;
    if (enemy == NULL) pretend_tick(&c->p, now);    /* before it reads: time limits that begin now run from now on */
    if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0 && !read_client(c)) return false;
    if (c->state == DRAINING) return now - c->since < DRAIN_MS;
    if (c->state == SNIFFING) return !ending && now - c->since < SNIFF_MS;
    if (enemy == NULL) play(c);
    else harm(c);
    if (!write_client(c)) return false;
    if (pretend_over(&c->p) || (c->cutting && pretend_waiting(&c->p) == 0)) drain(c);
    return true;
}

/* False: no more clients wait. */
static bool welcome(int listener)
{
    const int on = 1, fd = accept(listener, NULL, NULL);
    client *c;
    if (fd < 0) {
        crowded = errno == EMFILE || errno == ENFILE;
        if (crowded) fprintf(stderr, "client %u has to wait: %s (ulimit -n)\n", served + 1, strerror(errno));
        return false;
    }
    c = calloc(1, sizeof *c);       /* large, but pages that are never touched cost nothing: no pretend_init() */
    if (c == NULL || fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
        fprintf(stderr, "no memory for another client\n");
        free(c);
        (void)close(fd);
        return true;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->fd = fd;
    c->number = ++served;
    c->since = now;
    c->p.era = *era;
    c->p.rng = served;
    c->p.token = token;
    c->p.any_name = tale.recorded;      /* a recording may be of a fork */
    c->p.deaf = raw;
    c->p.arrived = arrived;
    c->p.operation = operation;
    c->p.user = c;
    c->p.now = now;
    c->drop_at = drop_after;
    pretend_up(&c->p);
    clients = story_allocate(clients, (num_clients + 1) * sizeof *clients);
    fds = story_allocate(fds, (num_clients + 3) * sizeof *fds);
    clients[num_clients++] = c;
    return true;
}

static void farewell(size_t i)
{
    client *const c = clients[i];
    fprintf(stderr, "client %u (%s) is gone: %u messages played, %u not for it\n", c->number,
            c->token[0] != '\0' ? "user" : "anonymous", (unsigned)c->played, (unsigned)c->skipped);
    (void)close(c->fd);
    crowded = false;
    free(c);
    clients[i] = clients[--num_clients];
}

/* Milliseconds until this client has something to do by itself. */
static double own_timeout(const client *c)
{
    const uint32_t least = pretend_timeout(&c->p);
    double wait = c->slow > 0 && pretend_waiting(&c->p) > 0 ? SLOW_MS : 1e9;
    if (c->state == DRAINING) return DRAIN_MS;
    if (c->state == SNIFFING) return SNIFF_MS;
    if (c->stalled_until > now) return c->stalled_until - now;
    if (enemy != NULL) return pretend_waiting(&c->p) > 0 ? 1e9 : c->due - now;
    if (least != MISSKEY_FOREVER && least < wait) wait = least;
    return play_timeout(c) < wait ? play_timeout(c) : wait;
}

/* Fills fds; returns how long to wait. */
static int prepare(int listener)
{
    double wait = played > 0 || num_clients == 0 || ending || held ? 1e9 : watched ? world_due - now : SLOW_MS;
    size_t i, len;
    fds[0].fd = ending || crowded ? -1 : listener;
    fds[1].fd = signals[0];
    fds[0].events = fds[1].events = POLLIN;
    fds[0].revents = fds[1].revents = 0;
    for (i = 0; i < num_clients; i++) {
        client *const c = clients[i];
        const bool stalled = c->stalled_until > now;
        (void)pretend_send_buf(&c->p, &len);
        fds[i + 2].fd = c->fd;
        fds[i + 2].revents = 0;
        fds[i + 2].events = (short)((stalled ? 0 : POLLIN) |
                                    (len > 0 && c->state == SERVING && c->slow == 0 && !stalled ? POLLOUT : 0));
        if (own_timeout(c) < wait) wait = own_timeout(c);
    }
    return wait >= 1e9 ? -1 : wait <= 0 ? 0 : (int)wait + 1;
}

static void loop(int listener)
{
    uint32_t ending_at = 0;
    const double start = clock_ms();
    for (;;) {
        size_t i, here;
        const int wait = prepare(listener);
        if (ending && (num_clients == 0 || now - ending_at > GRACE_MS)) return;
        if (poll(fds, (nfds_t)num_clients + 2, ending ? 50 : wait) < 0 && errno != EINTR)
            story_fail("poll: %s", strerror(errno));
        now = (uint32_t)(clock_ms() - start);
        here = num_clients;
        if (played == 0) live();
        for (i = here; i-- > 0; ) {
            if (!serve(clients[i], fds[i + 2].revents)) farewell(i);
        }
        while ((fds[0].revents & POLLIN) != 0 && welcome(listener)) {}
        if (ending || ((fds[1].revents & POLLIN) == 0 && (count == 0 || served < count || num_clients > 0))) continue;
        ending = true;
        ending_at = now;
        for (i = 0; i < num_clients; i++) pretend_close(&clients[i]->p, 1001, "the server goes down");
    }
}

/* --- the beginning --- */

static void on_signal(int number)
{
    const char byte = (char)number;
    const int kept = errno;
    (void)!write(signals[1], &byte, 1);
    errno = kept;
}

static int listen_on(void)
{
    const int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0) story_fail("socket: %s", strerror(errno));
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 1024) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) < 0)
        story_fail("cannot listen on 127.0.0.1:%u: %s", (unsigned)port, strerror(errno));
    printf("listening on 127.0.0.1:%u\n", (unsigned)ntohs(a.sin_port));
    if (fflush(stdout) != 0) story_fail("cannot write: %s", strerror(errno));
    return fd;
}

static const void *known(const char *what, const char *name, const void *found)
{
    if (found == NULL) story_fail("no %s %s; --help lists them", what, name);
    return found;
}

static double number(const char *option, const char *value, double most)
{
    char *end;
    const double n = strtod(value, &end);
    if (*value == '\0' || *end != '\0' || !(n >= 0 && n <= most)) story_fail("%s needs a number", option);
    return n;
}

/* One option, with the argument behind it, or "". Returns whether it took that. */
static bool option(const char *name, const char *value)
{
    if (strcmp(name, "--port") == 0) port = (uint16_t)number(name, value, 65535);
    else if (strcmp(name, "--era") == 0) era = known("era", value, pretend_find_era(value));
    else if (strcmp(name, "--token") == 0 && *value != '\0') token = value;
    else if (strcmp(name, "--seed") == 0) seed = (int64_t)number(name, value, 4e9);
    else if (strcmp(name, "--count") == 0) count = (uint32_t)number(name, value, 4e9);
    else if (strcmp(name, "--replay") == 0 && played++ == 0) story_recording(&tale, value);
    else if (strcmp(name, "--script") == 0 && played++ == 0) story_script(&tale, value);
    else if (strcmp(name, "--hostile") == 0 && played++ == 0) enemy = known("enemy", value, hostile_find(value));
    else if (strcmp(name, "--speed") == 0) speed = number(name, value, 1e9);
    else if (strcmp(name, "--drop-after") == 0) drop_after = (uint32_t)number(name, value, 4e9);
    else if (strcmp(name, "--loop") == 0) return looping = true, false;
    else if (strcmp(name, "--raw") == 0) return raw = true, false;
    else if (played > 1) story_fail("only one of --replay, --script and --hostile");
    else story_fail("%s: unknown, or nothing behind it; --help lists the options", name);
    return true;
}

int main(int argc, char **argv)
{
    struct sigaction action;
    struct rlimit files;
    int i;
    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) return fputs(help, stdout) < 0 ? 2 : 0;
        i += option(argv[i], i + 1 < argc ? argv[i + 1] : "");
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    date = seed < 0 ? (int64_t)time(NULL) * 1000 : INT64_C(1767225600000);  /* 2026 begins */
    world_init(&people, seed < 0 ? 1 : (uint32_t)seed, date);
    if (pipe(signals) < 0) story_fail("pipe: %s", strerror(errno));
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    fds = story_allocate(fds, 2 * sizeof *fds);
    loop(listen_on());
    return 0;
}
