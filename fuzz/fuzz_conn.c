/* misskey_conn: the whole wire of a client, with the calls of an application in between (send, close, tick) at fixed
   bytes of the stream. Given whole or in pieces, polled or read, the events and what is sent must be the same; so must
   be the messages of a session alone that is given the texts. A third run has little send memory, polls rarely and
   dials again after each end; only what holds for every connection is checked there. The first six bytes of an input
   choose how, see conn_choose. */
#include "wire.h"

typedef struct conn_choice {
    bool head, token_in_query;
    bool channel;           /* one is opened: its first message is held back */
    size_t rx_size;
    uint32_t max_message;
    size_t piece, between;  /* longest piece, and most bytes between two calls; 0 = no calls */
    uint32_t seed;
} conn_choice;

typedef struct conn_peer {
    misskey_conn conn;
    misskey_channel_slot channels[1];
    bool read;              /* by misskey_conn_read */
    const conn_choice *choice;
    wire_run *run;
    uint32_t pieces, calls; /* states of two random sequences: the calls must not depend on the pieces */
    uint32_t now;
} conn_peer;

static void conn_choose(conn_choice *c, fuzz_input *in)
{
    const unsigned flags = fuzz_byte(in), rx = fuzz_byte(in);
    c->head = (flags & 1) != 0;
    c->token_in_query = (flags & 2) != 0;
    c->channel = c->head && (flags & 4) != 0;
    c->rx_size = 256 + (flags & 8 ? 64 * rx : rx);
    c->max_message = flags & 16 ? 1000 : 0;
    c->piece = 1 + fuzz_byte(in);
    c->between = fuzz_byte(in);
    c->seed = fuzz_byte(in) << 8;
    c->seed |= fuzz_byte(in);
}

static void conn_check_message(const misskey_event *ev, size_t rx_size)
{
    misskey_message again;
    MUST(ev->text.ptr != NULL && ev->text.len <= rx_size - 14);
    MUST(misskey_message_parse(ev->text.ptr, ev->text.len, &again) == MISSKEY_ERR_OK);
    MUST(same_message(&again, &ev->message));
}

/* A session that has no channels gives the message as it is. */
static void conn_check_session(const misskey_event *ev)
{
    static misskey_reading reading;
    misskey_session_desc desc;
    misskey_session session;
    misskey_event alone;
    memset(&desc, 0, sizeof desc);
    MUST(misskey_session_init(&session, &desc) == MISSKEY_ERR_OK);
    misskey_session_transport_up(&session);
    MUST(misskey_session_read(&session, &alone, &reading) && alone.type == MISSKEY_EVENT_OPEN);
    MUST(same_reading(&alone.message, &reading));
    MUST(misskey_session_recv_message(&session, ev->text.ptr, ev->text.len) == MISSKEY_ERR_OK);
    MUST(misskey_session_read(&session, &alone, &reading) && alone.type == MISSKEY_EVENT_MESSAGE);
    MUST(same_message(&alone.message, &ev->message) && same_reading(&alone.message, &reading));
    MUST(!misskey_session_read(&session, &alone, &reading) && reading.what == MISSKEY_READS_NOTHING);
}

static bool conn_next(conn_peer *peer, misskey_event *ev)
{
    static misskey_reading reading; /* what is left of the message before must not show */
    bool more;
    if (!peer->read) return misskey_conn_poll(&peer->conn, ev);
    more = misskey_conn_read(&peer->conn, ev, &reading);
    MUST(more ? same_reading(&ev->message, &reading) : reading.what == MISSKEY_READS_NOTHING);
    return more;
}

static void conn_log_event(conn_peer *peer, const misskey_event *ev)
{
    wire_log *const log = &peer->run->events;
    const misskey_message *const m = &ev->message;
    wire_number(log, (uint64_t)ev->type << 32 | (uint64_t)ev->code << 16 | (uint64_t)ev->err);
    wire_number(log, ev->retry_after);
    wire_number(log, ev->size);
    wire_number(log, (uint64_t)m->kind << 32 | (uint64_t)m->alias << 16 | (uint64_t)m->pong << 3 |
                         (uint64_t)m->read << 2 | (uint64_t)m->id_number << 1 | m->deep);
    wire_view(log, ev->text.ptr, ev->text.len);
    wire_view(log, ev->location.ptr, ev->location.len);
    wire_view(log, m->type.ptr, m->type.len);
    wire_view(log, m->id.ptr, m->id.len);
    wire_view(log, m->channel.ptr, m->channel.len);
    wire_view(log, m->event.ptr, m->event.len);
    wire_view(log, m->body.ptr, m->body.len);
    wire_view(log, m->raw.ptr, m->raw.len);
    MUST(!peer->run->closed);
    peer->run->closed = ev->type == MISSKEY_EVENT_CLOSED;
    if (ev->type == MISSKEY_EVENT_MESSAGE) {
        conn_check_message(ev, peer->choice->rx_size);
        conn_check_session(ev);
    }
}

static void conn_drain(conn_peer *peer, size_t most)
{
    size_t len;
    const uint8_t *const p = misskey_conn_send_buf(&peer->conn, &len);
    if (len > most) len = most;
    wire_put(&peer->run->sent, p, len);
    misskey_conn_send_ack(&peer->conn, len);
}

/* Polls and sends until nothing happens any more. */
static void conn_settle(conn_peer *peer)
{
    misskey_event ev;
    size_t len;
    do {
        while (conn_next(peer, &ev)) conn_log_event(peer, &ev);
        (void)misskey_conn_send_buf(&peer->conn, &len);
        conn_drain(peer, len);
    } while (len > 0);
    MUST(!peer->run->closed || misskey_conn_timeout(&peer->conn) > 0); /* until the next DIAL, or for ever */
}

static void conn_send(conn_peer *peer)
{
    static const char *const texts[] = {
        "{\"type\":\"connect\",\"body\":{\"channel\":\"main\",\"id\":\"1\",\"params\":{},\"pong\":true}}",
        "{\"type\":\"subNote\",\"body\":{\"id\":\"9abc\"}}", "h", "{\"type\":\"\\ud83d\",\"body\":[]}"
    };
    const char *const text = texts[fuzz_below(&peer->calls, sizeof texts / sizeof texts[0])];
    misskey_message m;
    MUST(misskey_message_parse(text, strlen(text), &m) == MISSKEY_ERR_OK);
    if (fuzz_below(&peer->calls, 8) == 0) m.deep = true; /* refused */
    wire_number(&peer->run->events, (uint64_t)misskey_conn_send(&peer->conn, &m));
}

static void conn_call(conn_peer *peer)
{
    static const uint16_t codes[] = { 0, 1000, 1001, 1005, 3000, 4999, 5000 };
    switch (fuzz_below(&peer->calls, 12)) {
    case 0:
        wire_number(&peer->run->events, (uint64_t)misskey_conn_close(&peer->conn, codes[fuzz_below(&peer->calls, 7)],
                                                                     fuzz_below(&peer->calls, 2) ? "bye" : NULL));
        break;
    case 1: case 2: case 3: case 4:
        conn_send(peer);
        break;
    default:
        peer->now += (uint32_t)fuzz_below(&peer->calls, 30000);
        misskey_conn_tick(&peer->conn, peer->now);
        wire_number(&peer->run->events, misskey_conn_timeout(&peer->conn));
        break;
    }
}

/* Hands over bytes; piece 0 = all that fits. */
static void conn_give(conn_peer *peer, const uint8_t *p, size_t len, size_t piece)
{
    size_t n;
    while (len > 0 && !peer->run->closed) {
        n = piece == 0 ? len : 1 + fuzz_below(&peer->pieces, piece);
        n = misskey_conn_feed(&peer->conn, p, n < len ? n : len);
        MUST(n > 0);
        p += n;
        len -= n;
        conn_settle(peer);
    }
}

static void conn_begin(conn_peer *peer, const conn_choice *c, size_t tx_size, wire_run *run)
{
    misskey_conn_desc desc;
    misskey_channel channel;
    memset(&desc, 0, sizeof desc);
    memset(peer, 0, sizeof *peer);
    run->events.len = run->sent.len = run->masks = 0;
    run->closed = false;
    desc.ws.host = "h";
    desc.ws.token = "secret";
    desc.ws.token_in_query = c->token_in_query;
    desc.ws.entropy = wire_entropy;
    desc.ws.user = run;
    desc.ws.max_message = c->max_message;
    desc.ws.rx.ptr = malloc(c->rx_size);
    desc.ws.rx.size = c->rx_size;
    desc.ws.tx.ptr = malloc(tx_size);
    desc.ws.tx.size = tx_size;
    desc.session.channels = peer->channels;
    desc.session.num_channels = c->channel;
    peer->choice = c;
    peer->run = run;
    peer->pieces = peer->calls = c->seed;
    peer->now = 0xFFFFF000u;
    MUST(misskey_conn_init(&peer->conn, &desc) == MISSKEY_ERR_OK);
    misskey_conn_tick(&peer->conn, peer->now);
    if (c->channel) MUST(misskey_channel_open(&peer->conn.session, "main", NULL, NULL, &channel) == MISSKEY_ERR_OK);
}

static void conn_end(conn_peer *peer)
{
    free(peer->conn.ws_.d_.rx.ptr);
    free(peer->conn.ws_.d_.tx.ptr);
}

static const char conn_head[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                "Sec-WebSocket-Accept: " WIRE_ACCEPT "\r\n\r\n";

/* One connection, with calls in between. */
static void conn_run(const conn_choice *c, fuzz_input in, size_t piece, wire_run *run)
{
    conn_peer peer;
    size_t n;
    conn_begin(&peer, c, wire_tx_size(in.left), run);
    peer.read = piece > 0;
    misskey_conn_transport_up(&peer.conn);
    conn_settle(&peer);
    if (c->head) conn_give(&peer, (const uint8_t *)conn_head, sizeof conn_head - 1, piece);
    for (; in.left > 0 && !run->closed; in.p += n, in.left -= n) {
        n = c->between == 0 ? in.left : 1 + fuzz_below(&peer.calls, c->between);
        if (n > in.left) n = in.left;
        conn_give(&peer, in.p, n, piece);
        if (c->between > 0 && !run->closed) conn_call(&peer);
        conn_settle(&peer);
    }
    misskey_conn_transport_down(&peer.conn);
    conn_settle(&peer);
    MUST(run->closed);
    conn_end(&peer);
}

/* Little memory, everything in an arbitrary order, several connections one after the other. */
static void conn_mess(const conn_choice *c, fuzz_input in, wire_run *run)
{
    conn_peer peer;
    misskey_event ev;
    size_t n;
    conn_begin(&peer, c, 320, run);
    for (run->closed = true; in.left > 0; in.p += n, in.left -= n) {
        if (run->closed) {
            run->closed = false;
            run->sent.len = run->events.len = 0;
            misskey_conn_transport_up(&peer.conn);
            conn_settle(&peer);
            if (c->head) conn_give(&peer, (const uint8_t *)conn_head, sizeof conn_head - 1, 0);
        }
        n = misskey_conn_feed(&peer.conn, in.p, 1 + fuzz_below(&peer.pieces, in.left < c->piece ? in.left : c->piece));
        if (fuzz_below(&peer.calls, 4) == 0) conn_call(&peer);
        if (fuzz_below(&peer.calls, 64) == 0) misskey_conn_transport_down(&peer.conn);
        if (fuzz_below(&peer.calls, 2) == 0) conn_drain(&peer, fuzz_below(&peer.calls, 16));
        peer.read = !peer.read;
        if (conn_next(&peer, &ev)) conn_log_event(&peer, &ev);
        else if (n == 0 && !run->closed) conn_settle(&peer);
        if (run->closed) wire_check_sent(&run->sent, true, true);
    }
    conn_end(&peer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static wire_run whole, pieces;
    conn_choice choice;
    fuzz_input in;
    if (size > WIRE_MAX) return 0;
    in.p = data;
    in.left = size;
    conn_choose(&choice, &in);
    conn_run(&choice, in, 0, &whole);
    conn_run(&choice, in, choice.piece, &pieces);
    MUST(wire_same(&whole.events, &pieces.events));
    wire_check_sent(&whole.sent, true, false);
    wire_check_sent(&pieces.sent, true, false);
    wire_drop_probes(&whole.sent);
    wire_drop_probes(&pieces.sent);
    MUST(wire_same(&whole.sent, &pieces.sent));
    conn_mess(&choice, in, &pieces);
    return 0;
}
