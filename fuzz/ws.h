/* misskey_ws in one role, given the bytes of its peer whole, in pieces, and with a send memory that empties slowly: the
   events must be the same. What is sent must be, too, but for pings that find no room in the slow send memory.
   The first four bytes of an input choose how, see ws_choose. */
#ifndef FUZZ_WS_H
#define FUZZ_WS_H

#include "wire.h"

typedef struct ws_choice {
    bool server;
    bool head;              /* the input begins behind a valid HTTP head */
    bool reject;            /* server: refuse the upgrade */
    bool protocol;          /* offer or select a protocol */
    size_t rx_size;
    uint32_t max_message;
    size_t piece;           /* longest piece */
    uint32_t seed;
} ws_choice;

typedef struct ws_peer {
    misskey_ws ws;
    const ws_choice *choice;
    wire_run *run;
    bool asked;             /* an upgrade waits for its answer */
    bool slow;              /* what is to be sent leaves bit by bit */
    uint32_t random;
} ws_peer;

static inline void ws_choose(ws_choice *c, fuzz_input *in)
{
    const unsigned flags = fuzz_byte(in), rx = fuzz_byte(in), piece = fuzz_byte(in);
    c->head = (flags & 1) != 0;
    c->reject = (flags & 2) != 0;
    c->protocol = (flags & 4) != 0;
    c->rx_size = 256 + (flags & 8 ? 64 * rx : rx);
    c->max_message = flags & 16 ? 1000 : 0;
    c->piece = 1 + piece;
    c->seed = fuzz_byte(in);
}

/* Out of a head comes UTF-8 without control characters. */
static inline void ws_check_shown(misskey_str text)
{
    size_t i;
    MUST(ref_utf8(text.ptr, text.len));
    for (i = 0; i < text.len; i++) {
        const uint8_t c = (uint8_t)text.ptr[i];
        MUST(c >= 0x20 && c != 0x7F && !(c == 0xC2 && (uint8_t)text.ptr[i + 1] < 0xA0));
    }
}

static inline void ws_check_no_token(misskey_str text)
{
    size_t i;
    for (i = 0; i + 6 <= text.len; i++) MUST(memcmp(text.ptr + i, "secret", 6) != 0);
}

static inline void ws_check_event(const ws_peer *peer, const misskey_ws_event *ev)
{
    ws_check_shown(ev->location);
    ws_check_shown(ev->token);
    ws_check_shown(ev->protocols);
    if (ev->type == MISSKEY_WS_EVENT_UPGRADE || ev->err == MISSKEY_ERR_HTTP_STATUS) ws_check_shown(ev->text);
    if (ev->type == MISSKEY_WS_EVENT_UPGRADE) MUST(ev->text.len > 0 && ev->text.ptr[0] == '/');
    if (ev->type != MISSKEY_WS_EVENT_CLOSED || peer->choice->server) return;
    ws_check_no_token(ev->location);
    ws_check_no_token(ev->text);
}

static inline void ws_log_event(ws_peer *peer, const misskey_ws_event *ev)
{
    wire_log *const log = &peer->run->events;
    wire_number(log, (uint64_t)ev->type << 32 | (uint64_t)ev->code << 16 | (uint64_t)ev->err << 8 | ev->binary);
    wire_number(log, ev->retry_after);
    wire_number(log, ev->size);
    wire_view(log, ev->text.ptr, ev->text.len);
    wire_view(log, ev->location.ptr, ev->location.len);
    wire_view(log, ev->token.ptr, ev->token.len);
    wire_view(log, ev->protocols.ptr, ev->protocols.len);
    ws_check_event(peer, ev);
    MUST(!peer->run->closed);
    peer->run->closed = ev->type == MISSKEY_WS_EVENT_CLOSED;
    peer->asked = ev->type == MISSKEY_WS_EVENT_UPGRADE;
    if (ev->type == MISSKEY_WS_EVENT_MESSAGE) {
        MUST(ev->size == ev->text.len && ev->size <= peer->choice->rx_size - 14 && ev->text.ptr != NULL);
        MUST(ev->binary || ref_utf8(ev->text.ptr, ev->text.len));
    }
    if (ev->type == MISSKEY_WS_EVENT_DROPPED) MUST(ev->size > peer->choice->rx_size - 14 && ev->size > ev->text.len);
}

/* Takes what is to be sent, or a few bytes of it. */
static inline bool ws_drain(ws_peer *peer)
{
    size_t len;
    const uint8_t *const p = misskey_ws_send_buf(&peer->ws, &len);
    MUST((p == NULL) == (len == 0));
    if (len == 0) return false;
    if (peer->slow && len > 4) len = fuzz_below(&peer->random, 4);
    wire_put(&peer->run->sent, p, len);
    misskey_ws_send_ack(&peer->ws, len);
    return len > 0;
}

/* The answer to an UPGRADE event. */
static inline bool ws_answer(ws_peer *peer)
{
    if (!peer->asked) return false;
    peer->asked = false;
    if (peer->choice->reject) MUST(misskey_ws_reject(&peer->ws, 503) == MISSKEY_ERR_OK);
    else MUST(misskey_ws_accept(&peer->ws, peer->choice->protocol ? "b" : NULL) == MISSKEY_ERR_OK);
    return true;
}

static inline void ws_poll(ws_peer *peer)
{
    misskey_ws_event ev;
    bool more;
    do {
        while (misskey_ws_poll(&peer->ws, &ev)) ws_log_event(peer, &ev);
        more = ws_drain(peer) && !peer->slow;
    } while (ws_answer(peer) || more);
    if (peer->run->closed) MUST(misskey_ws_timeout(&peer->ws) == MISSKEY_FOREVER && !ws_drain(peer));
}

/* Hands over bytes, by copying or in place; piece: the longest piece, 0 = all that fits. */
static inline void ws_give(ws_peer *peer, const uint8_t *p, size_t len, size_t piece)
{
    size_t n, room;
    uint8_t *dst;
    while (len > 0 && !peer->run->closed) {
        n = piece == 0 ? len : 1 + fuzz_below(&peer->random, piece);
        if (n > len) n = len;
        if (n % 2 != 0) {
            n = misskey_ws_feed(&peer->ws, p, n);
        } else {
            dst = misskey_ws_recv_buf(&peer->ws, &room);
            if (n > room) n = room;
            if (n > 0) memcpy(dst, p, n);
            misskey_ws_recv_ack(&peer->ws, n);
        }
        MUST(n > 0);
        p += n;
        len -= n;
        ws_poll(peer);
    }
}

/* One connection. */
static inline void ws_run(const ws_choice *c, fuzz_input in, size_t piece, size_t tx_size, bool slow, wire_run *run)
{
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                 "Sec-WebSocket-Accept: " WIRE_ACCEPT "\r\n\r\n";
    static const char request[] = "GET /streaming?i=token HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: " WIRE_KEY "\r\n\r\n";
    static const misskey_header offer = { "Sec-WebSocket-Protocol", "a, b" };
    const char *const head = c->server ? request : answer;
    misskey_ws_desc desc;
    ws_peer peer;
    memset(&desc, 0, sizeof desc);
    memset(&peer, 0, sizeof peer);
    run->events.len = run->sent.len = run->masks = 0;
    run->closed = false;
    desc.server = c->server;
    desc.host = "h";
    desc.token = "secret";
    desc.headers = &offer;
    desc.num_headers = c->protocol;
    desc.entropy = wire_entropy;
    desc.user = run;
    desc.max_message = c->max_message;
    desc.rx.ptr = malloc(c->rx_size);
    desc.rx.size = c->rx_size;
    desc.tx.ptr = malloc(tx_size);
    desc.tx.size = tx_size;
    peer.choice = c;
    peer.run = run;
    peer.slow = slow;
    peer.random = c->seed;
    MUST(misskey_ws_init(&peer.ws, &desc) == MISSKEY_ERR_OK);
    misskey_ws_transport_up(&peer.ws);
    ws_poll(&peer);
    if (c->head) ws_give(&peer, (const uint8_t *)head, strlen(head), piece);
    ws_give(&peer, in.p, in.left, piece);
    misskey_ws_transport_down(&peer.ws);
    ws_poll(&peer);
    MUST(run->closed);
    free(desc.rx.ptr);
    free(desc.tx.ptr);
}

static inline void ws_target(bool server, const uint8_t *data, size_t size)
{
    static wire_run whole, pieces, slow;
    ws_choice choice;
    fuzz_input in;
    in.p = data;
    in.left = size;
    if (size > WIRE_MAX) return;
    choice.server = server;
    ws_choose(&choice, &in);
    ws_run(&choice, in, 0, wire_tx_size(size), false, &whole);
    ws_run(&choice, in, choice.piece, wire_tx_size(size), false, &pieces);
    MUST(wire_same(&whole.events, &pieces.events));
    MUST(wire_same(&whole.sent, &pieces.sent));
    ws_run(&choice, in, choice.piece, 320, true, &slow);
    MUST(wire_same(&whole.events, &slow.events));
    wire_check_sent(&whole.sent, !server, false);
    wire_check_sent(&slow.sent, !server, true);
    wire_check_pongs(&whole.sent, &slow.sent);
}

#endif
