/* wslay (libwslay-dev): its event layer, which checks UTF-8 and puts messages together, and its frame layer alone. */
#include "../peer.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <wslay/wslay.h>

enum { LONGEST = 1 << 20 };

static got_text *got;
static void *got_to;
static const uint8_t *input;        /* of the part being fed */
static size_t input_len;

static size_t take(uint8_t *dst, size_t len)
{
    if (len > input_len) len = input_len;
    memcpy(dst, input, len);
    input += len;
    input_len -= len;
    return len;
}

static void set_callback(got_text *callback, void *to)
{
    got = callback;
    got_to = to;
}

/* --- event layer --- */

static wslay_event_context_ptr events;

static ssize_t event_receive(wslay_event_context_ptr context, uint8_t *dst, size_t len, int flags, void *user)
{
    const size_t n = take(dst, len);
    (void)flags; (void)user;
    if (n == 0) {
        wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    return (ssize_t)n;
}

static void event_got(wslay_event_context_ptr context, const struct wslay_event_on_msg_recv_arg *message, void *user)
{
    (void)context; (void)user;
    got(got_to, (const char *)message->msg, message->msg_length);
}

static void event_start(got_text *callback, void *to)
{
    struct wslay_event_callbacks callbacks;
    memset(&callbacks, 0, sizeof callbacks);
    callbacks.recv_callback = event_receive;
    callbacks.on_msg_recv_callback = event_got;
    set_callback(callback, to);
    if (wslay_event_context_client_init(&events, &callbacks, NULL) != 0) abort();
}

static int event_feed(const uint8_t *bytes, size_t len)
{
    input = bytes;
    input_len = len;
    return wslay_event_recv(events);
}

static void event_end(void) { wslay_event_context_free(events); }

/* --- frame layer --- */

static wslay_frame_context_ptr frames;
static char text[LONGEST];
static size_t text_len;
static uint8_t frame[LONGEST + 16];
static size_t frame_len;

static ssize_t frame_receive(uint8_t *dst, size_t len, int flags, void *user)
{
    const size_t n = take(dst, len);
    (void)flags; (void)user;
    return n == 0 ? -1 : (ssize_t)n;
}

static ssize_t frame_send(const uint8_t *bytes, size_t len, int flags, void *user)
{
    (void)flags; (void)user;
    memcpy(frame + frame_len, bytes, len); /* as send would */
    frame_len += len;
    return (ssize_t)len;
}

static int frame_key(uint8_t *dst, size_t len, void *user)
{
    (void)user;
    memcpy(dst, "\x12\x9A\xE7\x4D", len);
    return 0;
}

static void frame_start(got_text *callback, void *to)
{
    struct wslay_frame_callbacks callbacks;
    memset(&callbacks, 0, sizeof callbacks);
    callbacks.recv_callback = frame_receive;
    callbacks.send_callback = frame_send;
    callbacks.genmask_callback = frame_key;
    set_callback(callback, to);
    text_len = 0;
    if (wslay_frame_context_init(&frames, &callbacks, NULL) != 0) abort();
}

static int frame_feed(const uint8_t *bytes, size_t len)
{
    struct wslay_frame_iocb part;
    input = bytes;
    input_len = len;
    for (;;) {
        memset(&part, 0, sizeof part);
        if (wslay_frame_recv(frames, &part) < 0) return input_len > 0;
        memcpy(text + text_len, part.data, part.data_length);
        text_len += part.data_length;
        if (text_len < part.payload_length) continue;
        got(got_to, text, text_len);
        text_len = 0;
    }
}

static void frame_end(void) { wslay_frame_context_free(frames); }

static const uint8_t *mask(const uint8_t *payload, size_t len, size_t *out_len)
{
    struct wslay_frame_iocb part;
    ssize_t taken;
    memset(&part, 0, sizeof part);
    part.fin = 1;
    part.opcode = WSLAY_BINARY_FRAME;
    part.mask = 1;
    part.payload_length = len;
    part.data = payload;
    part.data_length = len;
    frame_len = 0;
    taken = wslay_frame_send(frames, &part);
    *out_len = frame_len;
    return taken == (ssize_t)len ? frame : NULL;
}

EXPORT extern const frame_peer frame_peers[];
const frame_peer frame_peers[] = {
    { "wslay events", event_start, event_feed, event_end, NULL },
    { "wslay frames, no UTF-8 check", frame_start, frame_feed, frame_end, mask },
    { NULL, NULL, NULL, NULL, NULL }
};

/* --- a whole client --- */

struct link { int fd, closed, bad; work *w2; sum *s; uint64_t messages; };

static ssize_t link_receive(wslay_event_context_ptr context, uint8_t *dst, size_t len, int flags, void *user)
{
    const ssize_t n = recv(((struct link *)user)->fd, dst, len, 0);
    (void)flags;
    if (n > 0) return n;
    wslay_event_set_error(context, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t link_send(wslay_event_context_ptr context, const uint8_t *bytes, size_t len, int flags, void *user)
{
    (void)context; (void)flags;
    return send(((struct link *)user)->fd, bytes, len, 0);
}

static int link_key(wslay_event_context_ptr context, uint8_t *dst, size_t len, void *user)
{
    (void)context; (void)user;
    memcpy(dst, "\x12\x9A\xE7\x4D", len);
    return 0;
}

/* JSON peers want zeros behind the text, or write into it: they get a copy. */
static void link_got(wslay_event_context_ptr context, const struct wslay_event_on_msg_recv_arg *message, void *user)
{
    struct link *const l = (struct link *)user;
    (void)context;
    if (wslay_is_ctrl_frame(message->opcode)) {
        l->closed = message->opcode == WSLAY_CONNECTION_CLOSE;
        return;
    }
    memcpy(text, message->msg, message->msg_length);
    memset(text + message->msg_length, 0, 64);
    l->messages++;
    if (l->w2(text, message->msg_length, sizeof text, l->s) != 0) l->bad = 1;
}

/* wslay knows no upgrade. */
static int upgrade(int fd)
{
    static const char request[] = "GET /streaming HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Key: EprnTRKa500SmudNEprnTQ==\r\n"
                                  "Sec-WebSocket-Version: 13\r\n\r\n";
    char head[512];
    size_t len = 0;
    if (send(fd, request, sizeof request - 1, 0) != (ssize_t)sizeof request - 1) return 1;
    while (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0) {
        if (len == sizeof head || recv(fd, head + len, 1, 0) != 1) return 1;
        len++;
    }
    return 0;
}

static int run(int fd, work *w2, sum *s, uint64_t *messages)
{
    struct wslay_event_callbacks callbacks;
    struct link l = { fd, 0, 0, w2, s, 0 };
    wslay_event_context_ptr context;
    if (upgrade(fd) != 0) return 1;
    memset(&callbacks, 0, sizeof callbacks);
    callbacks.recv_callback = link_receive;
    callbacks.send_callback = link_send;
    callbacks.genmask_callback = link_key;
    callbacks.on_msg_recv_callback = link_got;
    if (wslay_event_context_client_init(&context, &callbacks, &l) != 0) return 1;
    wslay_event_config_set_max_recv_msg_length(context, LONGEST - 64);
    while (!l.closed && wslay_event_recv(context) == 0) {}
    wslay_event_send(context);
    wslay_event_context_free(context);
    *messages = l.messages;
    return !l.closed || l.bad;
}

EXPORT extern const link_peer link_peers[];
const link_peer link_peers[] = { { "wslay", 1, run }, { NULL, 0, NULL } };
