/* dial - a client for the tests: connects to 127.0.0.1, keeps the channels wanted, prints what happens, a line each:
   open | ready CHANNEL | refused CHANNEL | gap CHANNEL | text TEXT | dropped SIZE | closed CODE NAME REASON | dial MS
   Exit 0: ended as wanted (--closes, --texts or --seconds reached); 1: could not connect; 2: usage.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#define _POSIX_C_SOURCE 200809L
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../../misskey_stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: dial [--token T] [--channel NAME[:PARAMS]]... [--capture] [--rx BYTES] [--texts N] [--closes N]\n"
    "            [--seconds S] [--handshake MS] [--ping MS] [--pong MS] PORT\n"
    "--capture: every note that comes; --texts, --closes: end after so many; --ping, --pong, --handshake: as in the\n"
    "header. Without a channel, and without --capture, all that comes is shown. On stderr at the end: seconds, bytes\n"
    "read, largest memory in KiB.\n";

static misskey_conn conn;
static misskey_channel_slot channels[64];
static misskey_capture_slot captures[4096];
static char *names[64];
static size_t num_names;
static bool capturing;
static int fd = -1;
static unsigned long texts, closes, most_texts, most_closes;
static unsigned long long bytes;
static uint16_t port;

static bool entropy(void *user, void *dst, size_t len)
{
    size_t i;
    (void)user;
    for (i = 0; i < len; i++) ((uint8_t *)dst)[i] = (uint8_t)rand();
    return true;
}

static uint32_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)((uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u);
}

static int io_result(ssize_t n)
{
    if (n > 0) return (int)n;
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) ? 0 : -1;
}

static int io_read(void *user, void *dst, size_t len)
{
    const int n = io_result(recv(fd, dst, len, 0));
    (void)user;
    if (n > 0) bytes += (unsigned)n;
    return n;
}

static int io_write(void *user, const void *src, size_t len)
{
    (void)user;
    return io_result(send(fd, src, len, 0));
}

static bool dial(void)
{
    struct sockaddr_in a;
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0) return fcntl(fd, F_SETFL, O_NONBLOCK) >= 0;
    if (fd >= 0) (void)close(fd);
    fd = -1;
    return false;
}

static const char *name_of(const misskey_event *e) { return e->user != NULL ? (const char *)e->user : "?"; }

static void handle(const misskey_event *e)
{
    misskey_note note;
    switch (e->type) {
    case MISSKEY_EVENT_DIAL:
        printf("dial\n");
        if (dial()) misskey_conn_transport_up(&conn);
        else misskey_conn_transport_down(&conn);
        break;
    case MISSKEY_EVENT_OPEN: printf("open\n"); break;
    case MISSKEY_EVENT_CHANNEL_READY: printf("ready %s\n", name_of(e)); break;
    case MISSKEY_EVENT_CHANNEL_REFUSED: printf("refused %s\n", name_of(e)); break;
    case MISSKEY_EVENT_GAP: printf("gap %s\n", name_of(e)); break;
    case MISSKEY_EVENT_DROPPED: printf("dropped %llu\n", (unsigned long long)e->size); break;
    case MISSKEY_EVENT_MESSAGE:
        texts++;
        printf("text %.*s\n", (int)e->text.len, e->text.ptr);
        if (capturing && misskey_channel_event_find(e->message.event) == MISSKEY_CHANNEL_EVENT_NOTE &&
            misskey_note_read(e->message.body, &note))
            (void)misskey_note_capture(&conn.session, note.id.ptr, note.id.len);
        break;
    case MISSKEY_EVENT_CLOSED:
        closes++;
        printf("closed %u %s%s%.*s\n", (unsigned)e->code, misskey_err_name(e->err), e->text.len > 0 ? " " : "",
               (int)e->text.len, e->text.ptr != NULL ? e->text.ptr : "");
        if (fd >= 0) (void)close(fd);
        fd = -1;
        break;
    default: break;
    }
}

static bool over(void) { return (most_texts > 0 && texts >= most_texts) || (most_closes > 0 && closes >= most_closes); }

static void run(double seconds)
{
    static const misskey_io io = { io_read, io_write, NULL };
    const uint32_t begin = now_ms(), most = seconds > 0 ? (uint32_t)(seconds * 1000) : MISSKEY_FOREVER;
    struct rusage usage_now;
    misskey_event e;
    while (!over() && now_ms() - begin < most) {
        struct pollfd p = { -1, POLLIN, 0 };
        uint32_t wait;
        size_t len;
        misskey_conn_tick(&conn, now_ms());
        if (fd >= 0) (void)misskey_conn_pump(&conn, &io);
        while (!over() && misskey_conn_poll(&conn, &e)) handle(&e);
        if (fd >= 0) (void)misskey_conn_pump(&conn, &io);
        wait = misskey_conn_timeout(&conn);
        p.fd = fd;
        if (misskey_conn_send_buf(&conn, &len) != NULL) p.events |= POLLOUT;
        (void)poll(&p, 1, (int)(wait < 100 ? wait : 100));
    }
    getrusage(RUSAGE_SELF, &usage_now);
    fprintf(stderr, "%.3f s, %llu bytes, %ld KiB\n", (now_ms() - begin) / 1000.0, bytes, usage_now.ru_maxrss);
}

int main(int argc, char **argv)
{
    static uint8_t tx[8192];
    misskey_conn_desc desc;
    double seconds = 0;
    size_t rx = MISSKEY_RX_SIZE(1 << 20), k;
    int i;
    memset(&desc, 0, sizeof desc);
    desc.session.retry_ms = 100;
    for (i = 1; i + 1 < argc; i++) {
        char *const value = argv[i + 1];
        if (strcmp(argv[i], "--capture") == 0) { capturing = true; continue; }
        if (strcmp(argv[i], "--token") == 0) desc.ws.token = value;
        else if (strcmp(argv[i], "--channel") == 0 && num_names < 64) names[num_names++] = value;
        else if (strcmp(argv[i], "--rx") == 0) rx = (size_t)atol(value);
        else if (strcmp(argv[i], "--texts") == 0) most_texts = (unsigned long)atol(value);
        else if (strcmp(argv[i], "--closes") == 0) most_closes = (unsigned long)atol(value);
        else if (strcmp(argv[i], "--seconds") == 0) seconds = atof(value);
        else if (strcmp(argv[i], "--handshake") == 0) desc.ws.handshake_ms = (uint32_t)atol(value);
        else if (strcmp(argv[i], "--ping") == 0) desc.ws.ping_ms = (uint32_t)atol(value);
        else if (strcmp(argv[i], "--pong") == 0) desc.ws.pong_ms = (uint32_t)atol(value);
        else return fputs(usage, stderr), 2;
        i++;
    }
    port = (uint16_t)(i < argc ? atoi(argv[i]) : 0);
    desc.ws.host = "127.0.0.1";
    desc.ws.entropy = entropy;
    desc.ws.rx.ptr = malloc(rx);
    desc.ws.rx.size = rx;
    desc.ws.tx.ptr = tx;
    desc.ws.tx.size = sizeof tx;
    desc.session.channels = channels;
    desc.session.num_channels = (uint16_t)(num_names > 0 ? 64 : 0); /* none: every message is shown */
    desc.session.captures = captures;
    desc.session.num_captures = (uint16_t)(capturing ? 4096 : 0);
    if (port == 0 || desc.ws.rx.ptr == NULL || misskey_conn_init(&conn, &desc) != MISSKEY_ERR_OK)
        return fputs(usage, stderr), 2;
    (void)signal(SIGPIPE, SIG_IGN);
    misskey_conn_tick(&conn, now_ms());
    for (k = 0; k < num_names; k++) {
        char *const params = strchr(names[k], ':');
        misskey_channel channel;
        if (params != NULL) *params = '\0';
        if (misskey_channel_open(&conn.session, names[k], params != NULL ? params + 1 : NULL, names[k],
                                 &channel) != MISSKEY_ERR_OK) printf("not opened %s\n", names[k]);
    }
    run(seconds);
    free(desc.ws.rx.ptr);
    return 0;
}
