/* misskey-bot - answers people who mention it: prints the body of the POST /api/notes/create that it would send
   What to copy: all of it; answer() is where your bot begins. POSIX.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#define _POSIX_C_SOURCE 200809L
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../misskey_stream.h"
#include "account.h"
#include "wire.h"

#include <signal.h>
#include <stdlib.h>

static const char help[] =
    "usage: misskey-bot [--plain] [--token-in-query] HOST[:PORT] [TOKEN_FILE]\n"
    "Answers people who mention the account: prints what it would post, one JSON object per line.\n"
    "  TOKEN_FILE         its first line is the access token; without it MISSKEY_TOKEN, else what\n"
    "                     misskey-tail --login has stored, which is for TLS only\n"
    "  --plain            no TLS: ws instead of wss\n"
    "  --token-in-query   for servers before 13.14: the token goes into ?i=, where proxies may log it\n"
    "Exit status: 1 no token, or the server refuses it; 2 usage.\n";

static misskey_conn conn;
static wire peer;
static account me;
static char host[256], header[NET_HOST_HEADER], trouble[800];   /* trouble: "" = none, or it was said */

static void fail(int status, const char *what)
{
    fprintf(stderr, "misskey-bot: %s\n", what);
    exit(status);
}

static bool has(misskey_json ids, misskey_jstr id)
{
    char plain[64];
    misskey_iter it = misskey_json_iter(ids);
    misskey_jstr_copy(id, plain, sizeof plain);
    while (misskey_json_next(&it)) if (misskey_jstr_eq(misskey_json_str(it.value), plain)) return true;
    return false;
}

/* Two bots that answer each other, or one that answers itself, would never end. Not every bot says that it is one. But
   answers are replies, and who mentions us and is mentioned by the same note may be us: both get no answer. A bot that
   talks in replies has to limit how often it answers the same user. */
static bool is_from_a_person(const misskey_note *note, const misskey_user *user)
{
    return !user->is_bot && note->reply_id.len == 0 && !has(note->mentions, note->user_id.len > 0 ? note->user_id
                                                                                                   : user->id);
}

/* What was said mentions nobody again: U+200B follows each @. */
static void quote(misskey_jstr text, char *dst, size_t cap)
{
    char said[1000], *p;
    size_t len = 0;
    misskey_jstr_copy(text, said, sizeof said);
    for (p = said; *p != '\0' && len + 5 < cap; p++) {
        dst[len++] = *p;
        if (*p == '@') len += (size_t)snprintf(dst + len, cap - len, "\xE2\x80\x8B");
    }
    dst[len] = '\0';
}

/* The answer is for the same people as the question. */
static void answer(misskey_json json)
{
    char name[256], at[256], said[4096], text[5000], body[16384];
    misskey_note note;
    misskey_user user;
    misskey_json post;
    misskey_jw w;
    if (!misskey_note_read(json, &note) || !misskey_user_read(note.user, &user)) return;
    if (!is_from_a_person(&note, &user)) return;
    misskey_jstr_copy(user.username, name, sizeof name);
    misskey_jstr_copy(user.host, at, sizeof at);
    quote(note.text, said, sizeof said);
    snprintf(text, sizeof text, "@%s%s%s You said: %s", name, *at != '\0' ? "@" : "", at, said);
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

/* No connection came about. */
static void give_up(void)
{
    snprintf(trouble, sizeof trouble, "%s", peer.error);
    misskey_conn_transport_down(&conn);
}

static void handle(const misskey_event *e)
{
    const char *const advice = account_advice(&me, e, "main");
    switch (e->type) {
    case MISSKEY_EVENT_DIAL:
        if (wire_dial(&peer, net_now()) == WIRE_FAILED) give_up();
        break;
    case MISSKEY_EVENT_MESSAGE:
        if (misskey_channel_event_find(e->message.event) == MISSKEY_CHANNEL_EVENT_MENTION) answer(e->message.body);
        break;
    case MISSKEY_EVENT_CHANNEL_READY: fprintf(stderr, "misskey-bot: listening\n"); break;
    case MISSKEY_EVENT_CHANNEL_REFUSED:
        fprintf(stderr, "misskey-bot: the server does not give the channel main; %s\n",
                advice != NULL ? advice : "does the token allow read:account?");
        break;
    case MISSKEY_EVENT_CLOSED:
        account_explain(&me, e, host, peer.error, trouble, sizeof trouble);
        wire_close(&peer);
        break;
    default: break;
    }
}

/* Outages: the session says when it dials again, if it does. */
static void report(void)
{
    const uint32_t wait = misskey_conn_timeout(&conn);
    if (*trouble == '\0') return;
    if (wait == MISSKEY_FOREVER) fail(1, trouble);
    fprintf(stderr, "misskey-bot: %s; again in %.1f s\n", trouble, wait / 1000.0);
    trouble[0] = '\0';
}

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

static void turn(void)
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
        if (state == WIRE_FAILED) give_up();
    }
    if (peer.state == WIRE_UP) (void)misskey_conn_pump(&conn, &io);
    while (misskey_conn_poll(&conn, &e)) handle(&e);
    report();
}

int main(int argc, char **argv)
{
    static uint8_t rx[MISSKEY_RX_SIZE(65536)], tx[MISSKEY_TX_SIZE(2048)];
    static const misskey_header agent = { "User-Agent", "misskey-bot" };   /* say whose it is */
    static misskey_channel_slot slot;
    static char port[8];
    misskey_conn_desc desc = { .ws = { .host = header, .entropy = net_entropy, .rx = { rx, sizeof rx },
                                       .tx = { tx, sizeof tx }, .headers = &agent, .num_headers = 1 },
                               .session = { .channels = &slot, .num_channels = 1 } };
    misskey_channel main_channel;
    misskey_err err;
    bool plain = false;
    int i;
    for (i = 1; i < argc && *argv[i] == '-'; i++) {
        if (strcmp(argv[i], "--help") == 0) return fputs(help, stdout) < 0;
        if (strcmp(argv[i], "--plain") == 0) plain = true;
        else if (strcmp(argv[i], "--token-in-query") == 0) me.in_query = true;
        else return fputs(help, stderr), 2;
    }
    if (i + 1 != argc && i + 2 != argc) return fputs(help, stderr), 2;
    if (!net_address(argv[i], plain ? "80" : "443", host, port)) fail(2, "this is no HOST or HOST:PORT");
    net_host_header(header, host, port, plain ? "80" : "443");
    if (!account_read(&me, header, i + 2 == argc ? argv[i + 1] : NULL, plain)) fail(1, me.error);
    if (*me.token == '\0') fail(1, "a bot needs an access token: give TOKEN_FILE");
    account_show(&me, &desc.ws);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    if (!wire_init(&peer, host, port, !plain, NULL)) fail(1, peer.error);
    err = misskey_conn_init(&conn, &desc);
    if (err == MISSKEY_ERR_OK) err = misskey_channel_open(&conn.session, "main", NULL, NULL, &main_channel);
    if (err != MISSKEY_ERR_OK) fail(2, "this name of a server cannot be used");
    for (;;) turn();
}
