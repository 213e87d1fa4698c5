/* e2e - CPU time of whole clients on loopback, from the upgrade to the Close
   usage: e2e REPETITIONS LOOPS CORPUS PEER.so...
   A child is the server: it sends the corpus LOOPS times in writes of 256 KiB. The client does W2 (peer.h) on each
   message; clients that have no JSON take that of every peer that has. Time is that of the process (getrusage), so the
   server's is not in it; clients run one after another, again and again; the median counts.
   Exit status: 0; 1 if a client sees something else than the others; 2 on usage. */
#define _POSIX_C_SOURCE 200809L
#include "bench.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_CLIENTS = 32, MAX_REPETITIONS = 64, WRITE = 262144, HEADER = 14 };

typedef struct client {
    const link_peer *link;          /* NULL: receives and counts frames */
    const peer *json;
    char name[100];
    double user[MAX_REPETITIONS], all[MAX_REPETITIONS]; /* microseconds a message */
    sum sum;
} client;

static client clients[MAX_CLIENTS];
static int num_clients;
static const peer *json_peers[MAX_CLIENTS];
static int num_json_peers;
static uint8_t *stream;
static size_t stream_len;

static const char request[] = "GET /streaming HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Key: EprnTRKa500SmudNEprnTQ==\r\n"
                              "Sec-WebSocket-Version: 13\r\n\r\n";
static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Accept: l2oGlYHMu6T4aJbwddIb3DBQP0k=\r\n\r\n"; /* to that key */

static void add_json_peers(const void *table)
{
    const peer *p;
    for (p = (const peer *)table; p->name != NULL; p++) {
        if (!p->usable || is_ours(p->name)) continue;
        need(num_json_peers < MAX_CLIENTS, "too many peers", "");
        json_peers[num_json_peers++] = p;
    }
}

static void add_client(const link_peer *link, const peer *json)
{
    client *const c = &clients[num_clients];
    need(num_clients++ < MAX_CLIENTS, "too many clients", "");
    c->link = link;
    c->json = json;
    snprintf(c->name, sizeof c->name, "%s%s%s", link == NULL ? "recv" : link->name, json == NULL ? "" : " + ",
             json == NULL ? "" : json->name);
}

static void add_clients(const void *table)
{
    const link_peer *p;
    int k;
    for (p = (const link_peer *)table; p->name != NULL; p++) {
        if (!p->takes_json) add_client(p, NULL);
        else for (k = 0; k < num_json_peers; k++) add_client(p, json_peers[k]);
    }
}

/* --- the server --- */

static void make_stream(const corpus *c)
{
    size_t i, j, n;
    stream = (uint8_t *)room_for(c->bytes + c->num * HEADER, 1);
    for (i = 0; i < c->num; i++) {
        uint8_t *const at = stream + stream_len;
        size_t len = c->messages[i].len;
        at[0] = 0x81;
        at[1] = (uint8_t)(len < 126 ? len : len < 65536 ? 126 : 127);
        n = len < 126 ? 2 : len < 65536 ? 4 : 10;
        for (j = n; j-- > 2; len >>= 8) at[j] = (uint8_t)len;
        memcpy(at + n, c->messages[i].ptr, c->messages[i].len);
        stream_len += n + c->messages[i].len;
    }
}

static bool send_all(int fd, const void *bytes, size_t len)
{
    const char *p = (const char *)bytes;
    ssize_t n;
    for (; len > 0; p += n, len -= (size_t)n) {
        n = send(fd, p, len < WRITE ? len : WRITE, MSG_NOSIGNAL);
        if (n <= 0) return false;
    }
    return true;
}

static void receive_head(int fd)
{
    char head[4096];
    size_t len = 0;
    while (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0) {
        need(len < sizeof head && recv(fd, head + len, 1, 0) == 1, "no upgrade", "");
        len++;
    }
}

static void serve(int listener, unsigned long loops)
{
    char rest[256];
    const int fd = accept(listener, NULL, NULL);
    need(fd >= 0, "accept failed", "");
    receive_head(fd);
    if (send_all(fd, answer, sizeof answer - 1)) {
        while (loops-- > 0 && send_all(fd, stream, stream_len)) {}
        send_all(fd, "\x88\x02\x03\xE8", 4);
        shutdown(fd, SHUT_WR);
        while (recv(fd, rest, sizeof rest, 0) > 0) {}
    }
    _exit(0);
}

/* --- clients --- */

/* The floor: what is no message is the Close at the end. */
static int count_frames(int fd, uint64_t *messages)
{
    static uint8_t received[65536];
    uint8_t head[10];
    size_t have = 0, want = 2;
    uint64_t left = 0;
    ssize_t len, i;
    if (!send_all(fd, request, sizeof request - 1)) return 1;
    receive_head(fd);
    while ((len = recv(fd, received, sizeof received, 0)) > 0) {
        for (i = 0; i < len;) {
            if (left > 0) {
                const uint64_t n = (uint64_t)(len - i) < left ? (uint64_t)(len - i) : left;
                i += (ssize_t)n;
                left -= n;
                continue;
            }
            head[have++] = received[i++];
            if (have == 2) want = head[1] < 126 ? 2 : head[1] == 126 ? 4 : 10;
            if (have < want) continue;
            if (head[0] == 0x88) return 0;
            left = head[1];
            if (want > 2) for (left = 0, have = 2; have < want; have++) left = left << 8 | head[have];
            have = 0;
            want = 2;
            ++*messages;
        }
    }
    return 1;
}

static double seconds(struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec * 1e-6; }

static int dial(int listener)
{
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    need(getsockname(listener, (struct sockaddr *)&address, &len) == 0, "getsockname failed", "");
    need(fd >= 0 && connect(fd, (struct sockaddr *)&address, len) == 0, "connect failed", "");
    return fd;
}

static void run_client(client *c, int listener, unsigned long loops, size_t expected, size_t repetition)
{
    const pid_t server = fork();
    struct rusage begin, end;
    uint64_t messages = 0;
    double user;
    int fd, status;
    need(server >= 0, "fork failed", "");
    if (server == 0) serve(listener, loops);
    fd = dial(listener);
    memset(&c->sum, 0, sizeof c->sum);
    getrusage(RUSAGE_SELF, &begin);
    if (c->link == NULL) status = count_frames(fd, &messages);
    else status = c->link->run(fd, c->json == NULL ? NULL : c->json->w2, &c->sum, &messages);
    getrusage(RUSAGE_SELF, &end);
    close(fd);
    waitpid(server, NULL, 0);
    need(status == 0, "the connection or a message was refused by", c->name);
    need(messages == expected, "messages were lost or made by", c->name);
    need(c->link == NULL || memcmp(&c->sum, &clients[1].sum, sizeof(sum)) == 0, "something else was read by", c->name);
    user = seconds(end.ru_utime) - seconds(begin.ru_utime);
    c->user[repetition] = user / (double)expected * 1e6;
    c->all[repetition] = (user + seconds(end.ru_stime) - seconds(begin.ru_stime)) / (double)expected * 1e6;
}

static void print_table(const corpus *c, size_t repetitions)
{
    int k, o;
    printf("\nend to end, %-34s  us/message    user   ours takes so many times less", c->name);
    for (k = 2; k < num_clients; k++) if (is_ours(clients[k].name)) printf("%s", strchr(clients[k].name, ','));
    printf("\n");
    for (k = 0; k < num_clients; k++) {
        double all[MAX_REPETITIONS], user[MAX_REPETITIONS];
        memcpy(all, clients[k].all, sizeof all);
        memcpy(user, clients[k].user, sizeof user);
        printf("%-46s %12.2f %7.2f  ", clients[k].name, median(all, repetitions), median(user, repetitions));
        for (o = 0; o < num_clients; o++) {
            if (is_ours(clients[o].name)) printf(" %6.2f", median_ratio(clients[k].all, clients[o].all, repetitions));
        }
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    const size_t repetitions = argc > 4 ? (size_t)strtoul(argv[1], NULL, 10) : 0;
    const unsigned long loops = argc > 4 ? strtoul(argv[2], NULL, 10) : 0;
    struct sockaddr_in address;
    corpus c;
    size_t r;
    int k, listener;
    if (repetitions < 1 || repetitions > MAX_REPETITIONS || loops < 1) {
        fprintf(stderr, "usage: e2e REPETITIONS LOOPS CORPUS PEER.so..., up to %d\n", MAX_REPETITIONS);
        return 2;
    }
    c = corpus_read(argv[3]);
    make_stream(&c);
    each_table(argv + 4, argc - 4, "peers", add_json_peers);
    for (k = 0; k < num_json_peers; k++) if (json_peers[k]->init != NULL) json_peers[k]->init(c.longest);
    add_client(NULL, NULL);
    each_table(argv + 4, argc - 4, "link_peers", add_clients);
    need(num_clients > 1, "no peer", "");
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    need(listener >= 0 && bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0,
         "cannot listen on loopback", "");
    signal(SIGPIPE, SIG_IGN);
    for (r = 0; r < repetitions; r++) {
        for (k = 0; k < num_clients; k++) run_client(&clients[k], listener, loops, c.num * loops, r);
    }
    print_table(&c, repetitions);
    return 0;
}
