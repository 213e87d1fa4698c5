/* curl - prints the local timeline of a Misskey server; the bytes go through libcurl
   What to copy: connect_to(), io_read() and io_write(). With CURLOPT_CONNECT_ONLY libcurl brings what programs use it
   for, names, proxies, TLS and certificates, and hands out the bytes; upgrade, frames and the rest are the header's.
   connect_to() blocks until there is a connection or 10 seconds have passed.
   Build: cc curl.c $(pkg-config --cflags --libs libcurl)
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#define _POSIX_C_SOURCE 200809L
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../misskey_stream.h"
#include "net.h"            /* a clock and random bytes */
#include "print_note.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdlib.h>

static CURL *curl;          /* NULL = no transport */
static curl_socket_t sock;
static bool moved;          /* libcurl gave bytes: it may hold more that the socket does not show */

static int io_read(void *user, void *dst, size_t len)
{
    size_t n = 0;
    const CURLcode code = curl_easy_recv(curl, dst, len, &n);
    (void)user;
    if (code == CURLE_AGAIN) return 0;
    moved = code == CURLE_OK && n > 0;
    return moved ? (int)n : -1;
}

static int io_write(void *user, const void *src, size_t len)
{
    size_t n = 0;
    const CURLcode code = curl_easy_send(curl, src, len, &n);
    (void)user;
    return code == CURLE_AGAIN ? 0 : code == CURLE_OK ? (int)n : -1;
}

static bool connect_to(const char *url)
{
    CURLcode code;
    curl = curl_easy_init();
    if (curl == NULL) return false;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTPPROXYTUNNEL, 1L);    /* a proxy has to hand the bytes through */
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);  /* else TLS agrees on HTTP/2 */
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (getenv("CURL_CA_BUNDLE") != NULL) curl_easy_setopt(curl, CURLOPT_CAINFO, getenv("CURL_CA_BUNDLE"));
    code = curl_easy_perform(curl);
    if (code == CURLE_OK) code = curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &sock);
    if (code == CURLE_OK) return true;
    fprintf(stderr, "curl: %s: %s\n", url, curl_easy_strerror(code));
    curl_easy_cleanup(curl);
    curl = NULL;
    return false;
}

/* False: it is over. */
static bool handle_events(misskey_conn *conn, const char *url, long *notes)
{
    misskey_event event;
    while (misskey_conn_poll(conn, &event)) {
        if (event.type == MISSKEY_EVENT_DIAL) {
            const bool up = connect_to(url);
            misskey_conn_tick(conn, net_now());      /* that may have taken a while */
            if (up) misskey_conn_transport_up(conn);
            else misskey_conn_transport_down(conn);
        } else if (event.type == MISSKEY_EVENT_CLOSED) {
            fprintf(stderr, "curl: closed, %u: %s\n", (unsigned)event.code, misskey_err_text(event.err));
            curl_easy_cleanup(curl);
            curl = NULL;
            if (*notes == 0) return false;
        } else if (*notes != 0 && print_note(&event) && --*notes == 0) misskey_conn_close(conn, 1000, NULL);
    }
    return curl != NULL || misskey_conn_timeout(conn) != MISSKEY_FOREVER;   /* 401 and 403 end the retries */
}

int main(int argc, char **argv)
{
    static uint8_t rx[MISSKEY_RX_SIZE(65536)], tx[MISSKEY_TX_SIZE(1024)];
    static misskey_channel_slot channels[1];
    const char *const scheme = argc > 1 ? strstr(argv[1], "://") : NULL;
    long notes = argc > 2 ? strtol(argv[2], NULL, 10) : -1;
    misskey_conn_desc desc = { .ws = { .entropy = net_entropy, .rx = { rx, sizeof rx }, .tx = { tx, sizeof tx } },
                               .session = { .channels = channels, .num_channels = 1 } };
    const misskey_io io = { io_read, io_write, NULL };
    misskey_conn conn;
    misskey_channel channel;
    desc.ws.host = scheme != NULL ? scheme + 3 : "";
    desc.ws.token = getenv("MISSKEY_TOKEN");
    if (misskey_conn_init(&conn, &desc) != MISSKEY_ERR_OK) {
        fputs("usage: curl https://HOST[:PORT] [NUMBER OF NOTES]; a token in MISSKEY_TOKEN\n", stderr);
        return 2;
    }
    misskey_channel_open(&conn.session, "localTimeline", NULL, NULL, &channel);
    misskey_conn_tick(&conn, net_now());
    while (handle_events(&conn, argv[1], &notes)) {
        struct pollfd wait = { .fd = sock, .events = POLLIN };
        const uint32_t most = misskey_conn_timeout(&conn);
        size_t unsent;
        if (misskey_conn_send_buf(&conn, &unsent) != NULL) wait.events |= POLLOUT;
        if (!moved) poll(&wait, curl != NULL, most > INT_MAX ? -1 : (int)most);
        misskey_conn_tick(&conn, net_now());
        moved = false;
        if (curl != NULL) misskey_conn_pump(&conn, &io);
    }
    return notes != 0;
}
