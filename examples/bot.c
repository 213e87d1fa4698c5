/* misskey-bot - answers whoever mentions it: prints the body of the POST /api/notes/create that it would send
   What to copy: all of it; answer() is where your bot begins. POSIX (net.h).
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#define _POSIX_C_SOURCE 200809L
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../misskey_stream.h"
#include "net.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>

static misskey_conn conn;
static net tcp = { .fd = -1 };
static bool dialling;

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "misskey-bot: %s: %s\n", what, why);
    exit(1);
}

/* To everybody but bots, or two of them would never end. The answer is for the same people as the question. */
static void answer(misskey_json json)
{
    char name[256], host[256], said[3000], text[4096], body[8192];
    misskey_note note;
    misskey_user user;
    misskey_json post;
    misskey_jw w;
    if (!misskey_note_read(json, &note) || !misskey_user_read(note.user, &user) ) return;
    misskey_jstr_copy(user.username, name, sizeof name);
    misskey_jstr_copy(user.host, host, sizeof host);
    misskey_jstr_copy(note.text, said, sizeof said);
    snprintf(text, sizeof text, "@%s%s%s You said: %s", name, *host != '\0' ? "@" : "", host, said);
    misskey_jw_init(&w, body, sizeof body);
    misskey_jw_open(&w, '{');
    misskey_jw_key(&w, "replyId");
    misskey_jw_jstr(&w, note.id);
    misskey_jw_key(&w, "visibility");
    misskey_jw_jstr(&w, note.visibility);
    misskey_jw_key(&w, "text");
    misskey_jw_str(&w, text, strlen(text));
    misskey_jw_close(&w);
    if (misskey_jw_done(&w, &post) == MISSKEY_ERR_OK) printf("%.*s\n", (int)post.len, post.ptr);
}

static void handle(const misskey_event *e, const char *host, const char *port)
{
    switch (e->type) {
    case MISSKEY_EVENT_DIAL:
        dialling = net_dial(&tcp, host, port, net_now());
        if (!dialling) misskey_conn_transport_down(&conn);
        break;
    case MISSKEY_EVENT_MESSAGE:
        if (misskey_channel_event_find(e->message.event) == MISSKEY_CHANNEL_EVENT_MENTION) answer(e->message.body);
        break;
    case MISSKEY_EVENT_CHANNEL_READY: fprintf(stderr, "misskey-bot: listening\n"); break;
    case MISSKEY_EVENT_CLOSED:
        net_close(&tcp);
        if (e->code == 401 || e->code == 403) fail(host, misskey_err_text(e->err));
        break;
    default: break;     /* outages: the session comes back by itself */
    }
}

static void turn(const char *host, const char *port)
{
    const uint32_t now = net_now(), wait = misskey_conn_timeout(&conn);
    const misskey_io io = net_io(&tcp);
    struct pollfd socket = { tcp.fd, POLLIN, 0 };
    misskey_event e;
    size_t len;
    if (dialling || misskey_conn_send_buf(&conn, &len) != NULL) socket.events |= POLLOUT;
    (void)poll(&socket, 1, (int)(dialling ? net_timeout(&tcp, now) : wait < 60000 ? wait : 60000));
    misskey_conn_tick(&conn, net_now());
    if (dialling) {
        const net_state state = net_connected(&tcp, net_now());
        dialling = state == NET_WAIT;
        if (state == NET_CONNECTED) misskey_conn_transport_up(&conn);
        if (state == NET_FAILED) misskey_conn_transport_down(&conn);
    }
    if (!dialling && tcp.fd >= 0) (void)misskey_conn_pump(&conn, &io);
    while (misskey_conn_poll(&conn, &e)) handle(&e, host, port);
}

int main(int argc, char **argv)
{
    static uint8_t rx[MISSKEY_RX_SIZE(65536)], tx[MISSKEY_TX_SIZE(1024)];
    static misskey_channel_slot slot;
    const char *const address = argc == 4 && strcmp(argv[1], "--plain") == 0 ? argv[2] : "";
    char token[256] = "", host[256], port[8];
    FILE *const file = argc == 4 ? fopen(argv[3], "r") : NULL;
    misskey_conn_desc desc = { .ws = { .host = address, .token = token, .entropy = net_entropy, .rx = { rx, sizeof rx },
                                       .tx = { tx, sizeof tx } },
                               .session = { .channels = &slot, .num_channels = 1 } };
    misskey_channel main_channel;
    misskey_err err;
    if (!net_address(address, "80", host, port)) fail("usage", "misskey-bot --plain HOST[:PORT] TOKEN_FILE");
    if (file == NULL || fscanf(file, "%255s", token) != 1) fail(argv[3], "no access token in it");
    (void)fclose(file);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    err = misskey_conn_init(&conn, &desc);
    if (err == MISSKEY_ERR_OK) err = misskey_channel_open(&conn.session, "main", NULL, NULL, &main_channel);
    if (err != MISSKEY_ERR_OK) fail(address, misskey_err_text(err));
    for (;;) turn(host, port);
}
