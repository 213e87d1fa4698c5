/* misskey-bot - answers whoever mentions it: prints the body of the POST /api/notes/create that it would send
   What to copy: all of it; answer() is where your bot begins. POSIX.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#define _POSIX_C_SOURCE 200809L
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../misskey_stream.h"
#include "wire.h"

#include <signal.h>
#include <stdlib.h>

static misskey_conn conn;
static wire peer;

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

static void handle(const misskey_event *e, const char *host)
{
    switch (e->type) {
    case MISSKEY_EVENT_DIAL:
        if (wire_dial(&peer) == WIRE_FAILED) misskey_conn_transport_down(&conn);
        break;
    case MISSKEY_EVENT_MESSAGE:
        if (misskey_channel_event_find(e->message.event) == MISSKEY_CHANNEL_EVENT_MENTION) answer(e->message.body);
        break;
    case MISSKEY_EVENT_CHANNEL_READY: fprintf(stderr, "misskey-bot: listening\n"); break;
    case MISSKEY_EVENT_CLOSED:
        wire_close(&peer);
        if (e->code == 401 || e->code == 403) fail(host, misskey_err_text(e->err));
        break;
    default: break;     /* outages: the session comes back by itself */
    }
}

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

static void turn(const char *host)
{
    const uint32_t wait = least(misskey_conn_timeout(&conn), wire_timeout(&peer, net_now()));
    const misskey_io io = wire_io(&peer);
    misskey_event e;
    size_t len;
    struct pollfd fds[NET_FDS];
    const nfds_t num = wire_poll_fds(&peer, misskey_conn_send_buf(&conn, &len) != NULL, fds);
    (void)poll(fds, num, (int)least(wait, 60000));
    misskey_conn_tick(&conn, net_now());
    if (peer.state == WIRE_CONNECTING || peer.state == WIRE_SECURING) {
        const wire_state state = wire_drive(&peer, net_now());
        if (state == WIRE_UP) misskey_conn_transport_up(&conn);
        if (state == WIRE_FAILED) misskey_conn_transport_down(&conn);
    }
    if (peer.state == WIRE_UP) (void)misskey_conn_pump(&conn, &io);
    while (misskey_conn_poll(&conn, &e)) handle(&e, host);
}

int main(int argc, char **argv)
{
    static uint8_t rx[MISSKEY_RX_SIZE(65536)], tx[MISSKEY_TX_SIZE(1024)];
    static const misskey_header agent = { "User-Agent", "misskey-bot" };   /* say whose it is */
    static misskey_channel_slot slot;
    const bool plain = argc == 4 && strcmp(argv[1], "--plain") == 0;
    const char *const address = argc == 3 || plain ? argv[argc - 2] : "";
    FILE *const file = fopen(argv[argc - 1], "r");
    char token[256] = "", host[256], port[8];
    misskey_conn_desc desc = { .ws = { .host = address, .token = token, .entropy = net_entropy, .rx = { rx, sizeof rx },
                                       .tx = { tx, sizeof tx }, .headers = &agent, .num_headers = 1 },
                               .session = { .channels = &slot, .num_channels = 1 } };
    misskey_channel main_channel;
    misskey_err err;
    if (!net_address(address, plain ? "80" : "443", host, port))
        fail("usage", "misskey-bot [--plain] HOST[:PORT] TOKEN_FILE");
    if (file == NULL || fscanf(file, "%255s", token) != 1) fail(argv[argc - 1], "no access token in it");
    (void)fclose(file);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    if (!wire_init(&peer, host, port, !plain, NULL)) fail(host, peer.error);
    err = misskey_conn_init(&conn, &desc);
    if (err == MISSKEY_ERR_OK) err = misskey_channel_open(&conn.session, "main", NULL, NULL, &main_channel);
    if (err != MISSKEY_ERR_OK) fail(address, misskey_err_text(err));
    for (;;) turn(host);
}
