/* The smallest program that uses every layer; tests/check_compile.sh builds it with each compiler and option.
   SMOKE_OWN_MEM: no libc. SMOKE_MAIN, SMOKE_OTHER: name of this file's entry, of another file's that it calls too.
   SMOKE_ELSEWHERE: the implementation is in another file. */
#ifdef SMOKE_OWN_MEM
#include "own_mem.h"
#endif
#ifndef SMOKE_ELSEWHERE
#define MISSKEY_STREAM_IMPLEMENTATION
#endif
#include "misskey_stream.h"
#ifndef SMOKE_MAIN
#define SMOKE_MAIN main
#endif

static uint8_t rx[MISSKEY_RX_SIZE(512)], tx[MISSKEY_TX_SIZE(512)];

static bool entropy(void *user, void *dst, size_t len)
{
    uint8_t *d = (uint8_t *)dst;
    (void)user;
    while (len-- > 0) *d++ = 0;
    return true;
}

#ifdef SMOKE_OTHER
extern int SMOKE_OTHER(void);
#endif

/* A note through the typed layer, the store and a builder. */
static int notes(void)
{
    static uint64_t mem[MISSKEY_STORE_SIZE(2, 256) / 8];
    static misskey_store_desc desc;
    static misskey_store store;
    static misskey_params params;
    misskey_note note;
    char text[32];
    size_t len;
    desc.mem.ptr = mem; desc.mem.size = sizeof mem;
    desc.note_size = 256;
    if (misskey_store_init(&store, &desc) != MISSKEY_ERR_OK) return 1;
    if (misskey_store_put(&store, misskey_json_text("{\"id\":\"1\",\"text\":\"a\"}"), NULL) != MISSKEY_ERR_OK) return 2;
    if (!misskey_note_read(misskey_store_get(&store, misskey_jstr_text("1")), &note)) return 3;
    if (note.has.text != MISSKEY_PRESENT || !misskey_jstr_eq(note.text, "a")) return 4;
    params.list_id = "1";
    if (misskey_params_write(MISSKEY_CHANNEL_USER_LIST, &params, text, sizeof text, &len) != MISSKEY_ERR_OK) return 5;
    return len == sizeof "{\"listId\":\"1\"}" - 1 ? 0 : 6;
}

int SMOKE_MAIN(void)
{
    static const char wire[] =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n"
        "\x81\x26{\"type\":\"connected\",\"body\":{\"id\":\"1\"}}";
    static misskey_conn_desc desc;
    static misskey_conn conn;
    misskey_event event;
    size_t len;
    int seen = 0;
    desc.ws.host = "misskey.example";
    desc.ws.entropy = entropy;
    desc.ws.rx.ptr = rx; desc.ws.rx.size = sizeof rx;
    desc.ws.tx.ptr = tx; desc.ws.tx.size = sizeof tx;
    if (misskey_conn_init(&conn, &desc) != MISSKEY_ERR_OK) return 1;
    misskey_conn_transport_up(&conn);
    while (misskey_conn_send_buf(&conn, &len) != NULL) misskey_conn_send_ack(&conn, len);
    if (misskey_conn_feed(&conn, wire, sizeof wire - 1) != sizeof wire - 1) return 2;
    while (misskey_conn_poll(&conn, &event)) {
        if (event.type == MISSKEY_EVENT_MESSAGE && misskey_jstr_eq(event.message.id, "1")) seen++;
        if (event.type == MISSKEY_EVENT_MESSAGE && misskey_conn_send(&conn, &event.message) != MISSKEY_ERR_OK) return 3;
    }
    if (misskey_conn_send_buf(&conn, &len) == NULL || len != 6u + 0x26u) return 4;
#ifdef SMOKE_OTHER
    if (SMOKE_OTHER() != 0) return 5;
#endif
    if (notes() != 0) return 7;
    return seen == 1 ? 0 : 6;
}
