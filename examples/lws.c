/* lws - prints the local timeline of a Misskey server; libwebsockets is the WebSocket
   What to copy: on_event() and turn(). Whole messages go into a misskey_session and come out of it; when to dial is the
   session's, how is the library's. Frames and SHA-1 of the header are not linked (-ffunction-sections, --gc-sections).
   Build: cc lws.c $(pkg-config --cflags --libs libwebsockets)
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#define _POSIX_C_SOURCE 200809L
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../misskey_stream.h"
#include "net.h"            /* a clock and random bytes */
#include "print_note.h"

#include <libwebsockets.h>
#include <stdlib.h>

static misskey_session session;
static misskey_channel_slot channels[1];
static misskey_url address;
static struct lws_context *context;
static struct lws *ws;                  /* NULL = none, or not open yet */
static lws_sorted_usec_list_t timer;
static uint16_t status;                 /* of the Close that came, or of the HTTP answer */
static uint32_t retry_after;
static const char *token;               /* NULL = anonymous */
static long notes = -1;                 /* still to be printed */
static bool over;
static char text[65536];                /* the message that is arriving */
static size_t text_len;

/* Nothing was heard for so long: the library pings; then it hangs up. A session alone has no clock for that. */
static const lws_retry_bo_t liveness = { .secs_since_valid_ping = 75, .secs_since_valid_hangup = 90 };

static void dial(void)
{
    char url[1024], path[1024];
    const char *scheme, *host, *rest;
    int port;
    struct lws_client_connect_info info;
    status = 0;
    retry_after = 0;
    memset(&info, 0, sizeof info);
    if (misskey_url_write(&address, url, sizeof url, NULL) == MISSKEY_ERR_OK &&
        lws_parse_uri(url, &scheme, &host, &port, &rest) == 0) {
        snprintf(path, sizeof path, "/%s", rest);
        info.context = context;
        info.address = host;
        info.port = port;
        info.path = path;
        info.host = address.host;
        info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (address.plain ? 0 : LCCSCF_USE_SSL);
        info.local_protocol_name = "misskey";
        info.retry_and_idle_policy = &liveness;
        if (lws_client_connect_via_info(&info) != NULL) return;
    }
    misskey_session_tick(&session, net_now());      /* that may have taken a while */
    misskey_session_transport_down(&session, 0, 0);
}

static void turn(lws_sorted_usec_list_t *unused)
{
    misskey_event event;
    uint32_t wait;
    (void)unused;
    misskey_session_tick(&session, net_now());
    while (misskey_session_poll(&session, &event)) {
        if (event.type == MISSKEY_EVENT_DIAL) dial();
        else if (notes != 0 && print_note(&event)) notes--;
    }
    wait = misskey_session_timeout(&session);
    if (ws != NULL && (notes == 0 || wait == 0)) lws_callback_on_writable(ws);
    else if (wait != MISSKEY_FOREVER) lws_sul_schedule(context, 0, &timer, turn, (lws_usec_t)wait * 1000 + 1);
    else over = ws == NULL && (status == 401 || status == 403);     /* the session dials no more */
    if (over) lws_cancel_service(context);
}

static int leave(enum lws_close_status code)
{
    lws_close_reason(ws, code, NULL, 0);
    return -1;
}

/* A message may come in several parts. One that is too large is skipped. */
static int receive(const char *part, size_t len)
{
    if (lws_is_first_fragment(ws)) text_len = 0;
    if (text_len + len <= sizeof text) memcpy(text + text_len, part, len);
    text_len += len;
    if (!lws_is_final_fragment(ws) || text_len > sizeof text || lws_frame_is_binary(ws)) return 0;
    if (misskey_session_recv_message(&session, text, text_len) != MISSKEY_ERR_OK)
        return leave(LWS_CLOSE_STATUS_INVALID_PAYLOAD);
    turn(NULL);
    return 0;
}

static int send_next(void)
{
    static unsigned char out[LWS_PRE + 4096];
    size_t len;
    if (notes == 0) return leave(LWS_CLOSE_STATUS_NORMAL);
    if (misskey_session_send_message(&session, (char *)out + LWS_PRE, sizeof out - LWS_PRE, &len) == MISSKEY_ERR_OK &&
        lws_write(ws, out + LWS_PRE, len, LWS_WRITE_TEXT) < 0) return -1;
    turn(NULL);
    return 0;
}

static int authorize(struct lws *wsi, unsigned char **at, size_t room)
{
    char bearer[512];
    int len;
    if (token == NULL) return 0;
    len = snprintf(bearer, sizeof bearer, "Bearer %s", token);
    return lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, (unsigned char *)bearer, len, at,
                                        *at + room);
}

/* The attempt failed: what the server has said, if it was the server. */
static void refused(struct lws *wsi, const char *why)
{
    char value[32];
    status = (uint16_t)lws_http_client_http_response(wsi);
    if (lws_hdr_copy(wsi, value, sizeof value, WSI_TOKEN_HTTP_RETRY_AFTER) > 0)
        retry_after = (uint32_t)strtoul(value, NULL, 10);
    fprintf(stderr, "lws: %s\n", why != NULL ? why : "no connection");
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    (void)user;
    misskey_session_tick(&session, net_now());      /* before the session is told what has happened */
    switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return authorize(wsi, (unsigned char **)in, len);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        ws = wsi;
        misskey_session_transport_up(&session);
        turn(NULL);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return receive((const char *)in, len);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return send_next();
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        if (len >= 2) status = (uint16_t)(((unsigned char *)in)[0] << 8 | ((unsigned char *)in)[1]);
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        refused(wsi, (const char *)in);
        break;
    case LWS_CALLBACK_CLIENT_CLOSED:
        fprintf(stderr, "lws: closed, %u\n", (unsigned)status);
        break;
    default:
        return 0;
    }
    ws = NULL;
    over = notes == 0;
    misskey_session_transport_down(&session, status, retry_after);
    lws_sul_schedule(context, 0, &timer, turn, 1);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct lws_protocols protocols[] = { { "misskey", on_event, 0, 0, 0, NULL, 0 },
                                                      { NULL, NULL, 0, 0, 0, NULL, 0 } };
    const char *const host = argc > 1 ? strstr(argv[1], "://") : NULL;
    struct lws_context_creation_info info;
    misskey_session_desc desc = { .channels = channels, .num_channels = 1 };
    misskey_channel channel;
    char url[1024];
    address.host = host != NULL ? host + 3 : "";
    address.plain = host != NULL && strncmp(argv[1], "http:", 5) == 0;
    token = getenv("MISSKEY_TOKEN");
    if (misskey_url_write(&address, url, sizeof url, NULL) != MISSKEY_ERR_OK ||
        (token != NULL && (strlen(token) > 500 || strpbrk(token, "\r\n") != NULL))) {
        fputs("usage: lws https://HOST[:PORT] [NUMBER OF NOTES]; a token in MISSKEY_TOKEN\n", stderr);
        return 2;
    }
    if (argc > 2) notes = strtol(argv[2], NULL, 10);
    desc.anonymous = token == NULL;
    desc.entropy = net_entropy;     /* or all clients of a server that was restarted come back at the same moment */
    misskey_session_init(&session, &desc);
    misskey_channel_open(&session, "localTimeline", NULL, NULL, &channel);
    lws_set_log_level(LLL_ERR | LLL_WARN, NULL);
    memset(&info, 0, sizeof info);
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = protocols;
    info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.connect_timeout_secs = info.timeout_secs = 10;     /* done before the session says DIAL again */
    context = lws_create_context(&info);
    if (context == NULL) return 1;
    turn(NULL);
    while (!over && lws_service(context, 0) >= 0) {}
    lws_context_destroy(context);
    return notes != 0;
}
