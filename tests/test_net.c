/* examples/net.h: the addresses of a name, tried as RFC 8305 says, and the clock. Names are scripts: each letter is an
   address, small letters IPv4, capitals IPv6: d never answers, l accepts, s accepts when told to, r is refused, u fails
   at once, b is a listener whose backlog is full. The time is the test's, except with b. */
#define _POSIX_C_SOURCE 200809L
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../misskey_stream.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

static int fake_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **list);
static void fake_freeaddrinfo(struct addrinfo *list);
static int fake_socket(int family, int type, int protocol);
static int fake_connect(int fd, const struct sockaddr *to, socklen_t len);
static int fake_clock(clockid_t id, struct timespec *t);

#define getaddrinfo fake_getaddrinfo
#define freeaddrinfo fake_freeaddrinfo
#define socket fake_socket
#define connect fake_connect
#define clock_gettime fake_clock
#include "../examples/net.h"
#undef getaddrinfo
#undef freeaddrinfo
#undef socket
#undef connect
#undef clock_gettime
#include "greatest.h"

enum { ADDRESSES = 40, NEVER = -1 };

static net n;
static char script[ADDRESSES + 1];
static struct addrinfo infos[ADDRESSES];
static union { struct sockaddr any; struct sockaddr_in v4; struct sockaddr_in6 v6; } addresses[ADDRESSES];
static int lists;                       /* that are not freed */
static int fds[ADDRESSES];              /* by address */
static long started[ADDRESSES];         /* by address, after the dial */
static bool pending;                    /* the kernel has something to tell */
static uint32_t begun, now;
static struct sockaddr_in live, full, closed;

static int fake_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **list)
{
    size_t i, len = strlen(host);
    if (strcmp(port, "443") != 0 || hints->ai_socktype != SOCK_STREAM || *host == '?') return EAI_NONAME;
    snprintf(script, sizeof script, "%s", host);
    memset(addresses, 0, sizeof addresses);
    for (i = 0; i < len; i++) {
        struct addrinfo *const a = &infos[i];
        memset(a, 0, sizeof *a);
        a->ai_socktype = SOCK_STREAM;
        a->ai_family = isupper((unsigned char)host[i]) ? AF_INET6 : AF_INET;
        a->ai_addr = &addresses[i].any;
        a->ai_addrlen = a->ai_family == AF_INET6 ? sizeof addresses[i].v6 : sizeof addresses[i].v4;
        a->ai_next = i + 1 < len ? a + 1 : NULL;
        if (a->ai_family == AF_INET6) addresses[i].v6.sin6_addr.s6_addr[15] = (uint8_t)(i + 1);
        else addresses[i].v4.sin_addr.s_addr = htonl(0x7F000001u + (uint32_t)i);
        addresses[i].any.sa_family = (sa_family_t)a->ai_family;
    }
    lists++;
    *list = infos;
    return 0;
}

static void fake_freeaddrinfo(struct addrinfo *list) { lists -= list == infos; }

static int fake_socket(int family, int type, int protocol)
{
    return socket(family == AF_INET6 ? AF_INET : family, type, protocol);
}

static int fake_connect(int fd, const struct sockaddr *to, socklen_t len)
{
    int i;
    for (i = 0; i < ADDRESSES; i++) if (fds[i] == fd) fds[i] = -1;      /* the number of a closed one is used again */
    for (i = 0; to != &addresses[i].any; i++) {}
    started[i] = (long)(now - begun);
    fds[i] = fd;
    if (len != infos[i].ai_addrlen) errno = EINVAL;
    else switch (tolower((unsigned char)script[i])) {
    case 'b': return connect(fd, (struct sockaddr *)&full, sizeof full);
    case 'l': pending = true; return connect(fd, (struct sockaddr *)&live, sizeof live);
    case 'r': pending = true; return connect(fd, (struct sockaddr *)&closed, sizeof closed);
    case 'u': errno = ENETUNREACH; break;
    default: errno = EINPROGRESS; break;
    }
    return -1;
}

static clockid_t asked;
static bool no_boottime;

static int fake_clock(clockid_t id, struct timespec *t)
{
    asked = id;
#ifdef CLOCK_BOOTTIME
    if (no_boottime && id == CLOCK_BOOTTIME) return -1;
#endif
    return clock_gettime(id, t);
}

/* On loopback; the backlog is what listen() is told. */
static int listen_at(struct sockaddr_in *at, int backlog)
{
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t len = sizeof *at;
    memset(at, 0, sizeof *at);
    at->sin_family = AF_INET;
    at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)at, sizeof *at) != 0 || listen(fd, backlog) != 0) abort();
    if (getsockname(fd, (struct sockaddr *)at, &len) != 0) abort();
    return fd;
}

/* Returns what net_dial returns. */
static bool dial(const char *name, uint32_t at)
{
    int i;
    for (i = 0; i < ADDRESSES; i++) started[i] = NEVER;
    for (i = 0; i < ADDRESSES; i++) fds[i] = -1;
    pending = false;
    begun = now = at;
    return net_dial(&n, name, "443", now);
}

static size_t num_open(void)
{
    size_t i, open = 0;
    for (i = 0; script[i] != '\0'; i++) open += fds[i] >= 0 && fcntl(fds[i], F_GETFD) >= 0;
    return open;
}

/* One turn of a program; time passes only if the kernel has nothing to tell. */
static net_state turn(void)
{
    const struct timespec moment = { 0, 1000000 };
    const net_state state = net_connected(&n, now);
    struct pollfd list[NET_FDS];
    if (state == NET_WAIT && !pending) now += net_timeout(&n, now);
    if (pending) (void)nanosleep(&moment, NULL);
    pending = false;
    return state == NET_WAIT && net_poll_fds(&n, list) == 0 ? NET_FAILED : state;
}

static net_state turns(int most)
{
    net_state state = NET_WAIT;
    while (most-- > 0 && state == NET_WAIT) state = turn();
    return state;
}

static const struct { const char *name; int winner; long end; long started[12]; } cases[] = {
    { "l", 0, 0, { 0 } },
    { "dl", 1, 250, { 0, 250 } },
    { "dddl", 3, 750, { 0, 250, 500, 750 } },
    { "lddd", 0, 0, { 0, NEVER, NEVER, NEVER } },
    { "DDDl", 3, 250, { 0, NEVER, NEVER, 250 } },                           /* the families take turns */
    { "dddDL", 4, 750, { 0, 500, NEVER, 250, 750 } },
    { "DdDdDl", 5, 1250, { 0, 250, 500, 750, 1000, 1250 } },
    { "DDDDdl", 5, 750, { 0, 500, NEVER, NEVER, 250, 750 } },
    { "uuul", 3, 0, { 0, 0, 0, 0 } },                                       /* what fails makes room at once */
    { "rrrl", 3, 0, { 0, 0, 0, 0 } },
    { "Urdul", 4, 250, { 0, 0, 0, 250, 250 } },
    { "durl", 3, 250, { 0, 250, 250, 250 } },
    { "d", NEVER, 10000, { 0 } },
    { "r", NEVER, 0, { 0 } },
    { "uu", NEVER, 0, { 0, 0 } },
    { "dd", NEVER, 10250, { 0, 250 } },
    { "dr", NEVER, 10000, { 0, 250 } },
    { "ddddddddddul", 11, 10500, { 0, 250, 500, 750, 1000, 1250, 1500, 1750, 10000, 10250, 10500, 10500 } },
};

TEST each_address_is_tried_at_its_time(void)
{
    static const uint32_t clocks[] = { 0, 0xFFFFFF80u, 0x7FFFFF80u };
    size_t i, k;
    for (i = 0; i < 3 * sizeof cases / sizeof cases[0]; i++) {
        const size_t row = i / 3;
        dial(cases[row].name, clocks[i % 3]);
        ASSERT_EQm(cases[row].name, cases[row].winner == NEVER ? NET_FAILED : NET_CONNECTED, turns(40));
        ASSERT_EQ_FMTm(cases[row].name, cases[row].end, (long)(now - begun), "%ld");
        for (k = 0; script[k] != '\0'; k++)
            ASSERT_EQ_FMTm(cases[row].name, cases[row].started[k], started[k], "%ld");
        ASSERT_EQm(cases[row].name, cases[row].winner == NEVER ? 0 : 1, num_open());
        ASSERT_EQm(cases[row].name, cases[row].winner == NEVER ? -1 : fds[cases[row].winner], n.fd);
        ASSERT_EQm(cases[row].name, cases[row].winner == NEVER, n.error[0] != '\0');
        ASSERT_EQ(0, lists);
        ASSERT_EQ(n.fd >= 0 ? NET_CONNECTED : NET_FAILED, net_connected(&n, now + 99999));
        net_close(&n);
        ASSERT_EQ(0, num_open());
    }
    PASS();
}

TEST few_sockets_at_a_time_whatever_the_name_has(void)
{
    char name[ADDRESSES + 1];
    int k;
    net_state state = NET_WAIT;
    memset(name, 'd', ADDRESSES);
    name[ADDRESSES] = '\0';
    dial(name, 5);
    for (k = 0; k < 400 && state == NET_WAIT; k++) {
        state = turn();
        ASSERT(num_open() <= NET_FDS);
    }
    ASSERT_EQ(NET_FAILED, state);
    ASSERT(started[ADDRESSES - 1] == 41750 && now - begun == 51750);
    ASSERT_STR_EQ("cannot connect to dddddddddddddddddddddddddddddddddddddddd (127.0.0.40) port 443: "
                  "no answer, timed out", n.error);
    ASSERT_EQ(0, num_open());
    PASS();
}

/* The first to connect wins, not the last to be tried. */
TEST an_early_address_may_answer_late(void)
{
    const struct timespec moment = { 0, 1000000 };
    int k;
    dial("dsd", 7);
    ASSERT_EQ(NET_WAIT, turns(3));
    ASSERT_EQ(3, num_open());
    for (k = 0; k < 100 && connect(fds[1], (struct sockaddr *)&live, sizeof live) != 0 && errno != EISCONN; k++)
        (void)nanosleep(&moment, NULL);
    ASSERT_EQ(NET_CONNECTED, net_connected(&n, now));
    ASSERT(n.fd == fds[1] && num_open() == 1 && lists == 0);
    ASSERT_STR_EQ("", n.error);
    net_close(&n);
    PASS();
}

/* Looking the name up may take longer than all the attempts may. */
TEST time_begins_with_the_first_attempt(void)
{
    dial("ddl", 0);
    now = begun = 30000;
    ASSERT_EQ(0, net_timeout(&n, now));
    ASSERT_EQ(NET_CONNECTED, turns(10));
    ASSERT(started[1] == 250 && started[2] == 500);
    net_close(&n);
    PASS();
}

/* A clock read before the dial is no reason to time out. */
TEST an_older_time_is_no_time(void)
{
    dial("dd", 1000);
    ASSERT_EQ(NET_WAIT, net_connected(&n, 1000));
    ASSERT_EQ(NET_WAIT, net_connected(&n, 990));
    ASSERT(num_open() == 1 && net_timeout(&n, 990) == NET_DELAY_MS);
    net_close(&n);
    PASS();
}

TEST closing_ends_every_attempt_and_a_new_dial_begins_anew(void)
{
    dial("dDd", 0);
    ASSERT_EQ(NET_WAIT, turns(3));
    ASSERT_EQ(3, num_open());
    net_close(&n);
    ASSERT(num_open() == 0 && lists == 0 && net_connected(&n, now) == NET_FAILED);
    dial("ddd", 0);
    ASSERT_EQ(NET_WAIT, turns(2));
    dial("Dl", 90);
    ASSERT_EQ(1, lists);
    ASSERT_EQ(NET_CONNECTED, turns(9));
    ASSERT(started[0] == 0 && started[1] == 250 && num_open() == 1);
    net_close(&n);
    PASS();
}

TEST a_name_that_is_not_known_fails_at_once(void)
{
    ASSERT_FALSE(net_dial(&n, "?", "443", 0));
    ASSERT(strncmp(n.error, "cannot look up ?: ", 18) == 0);
    ASSERT(net_connected(&n, 0) == NET_FAILED && lists == 0);
    PASS();
}

/* With a clock and poll(), as programs do it. */
TEST three_dead_addresses_cost_less_than_a_second(void)
{
    struct pollfd list[NET_FDS];
    int listener = listen_at(&full, 0), fill[8], i, busy = 0;
    net_state state;
    for (i = 0; i < 8; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (fcntl(fill[i], F_SETFL, O_NONBLOCK) != 0) abort();
        (void)!connect(fill[i], (struct sockaddr *)&full, sizeof full);
    }
    dial("bBbl", net_now());
    while ((state = net_connected(&n, now)) == NET_WAIT && busy++ < 100) {
        const nfds_t num = net_poll_fds(&n, list);
        (void)poll(list, num, (int)net_timeout(&n, now));
        now = net_now();
    }
    for (i = 0; i < 8; i++) close(fill[i]);
    close(listener);
    ASSERT_EQ(NET_CONNECTED, state);
    ASSERT(n.fd == fds[3] && now - begun >= 750 && now - begun < 3000 && busy < 20);
    net_close(&n);
    PASS();
}

TEST the_clock_goes_on_while_the_machine_is_suspended(void)
{
    struct timespec t;
    uint32_t ms;
    clockid_t id = CLOCK_MONOTONIC;
#ifdef CLOCK_BOOTTIME
    id = CLOCK_BOOTTIME;
#endif
    no_boottime = false;
    ms = net_now();
    ASSERT_EQ(id, asked);
    ASSERT_EQ(0, clock_gettime(id, &t));
    ASSERT((uint32_t)((uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000) - ms < 1000);
    no_boottime = true;     /* an old kernel, or one that does not let us */
    (void)net_now();
    no_boottime = false;
    ASSERT_EQ(CLOCK_MONOTONIC, asked);
    PASS();
}

SUITE(dialling)
{
    RUN_TEST(each_address_is_tried_at_its_time);
    RUN_TEST(few_sockets_at_a_time_whatever_the_name_has);
    RUN_TEST(an_early_address_may_answer_late);
    RUN_TEST(time_begins_with_the_first_attempt);
    RUN_TEST(an_older_time_is_no_time);
    RUN_TEST(closing_ends_every_attempt_and_a_new_dial_begins_anew);
    RUN_TEST(a_name_that_is_not_known_fails_at_once);
    RUN_TEST(three_dead_addresses_cost_less_than_a_second);
}

SUITE(clocks)
{
    RUN_TEST(the_clock_goes_on_while_the_machine_is_suspended);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    n.fd = -1;
    (void)listen_at(&live, 100);
    close(listen_at(&closed, 1));
    RUN_SUITE(dialling);
    RUN_SUITE(clocks);
    GREATEST_MAIN_END();
}
