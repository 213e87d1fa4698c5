/* The smallest client, without libc: what `make size` links and measures. Registers stand for the outside world. */
#include "own_mem.h"
#include "misskey_stream.h"

extern void *memcpy(void *dst, const void *src, size_t n);
extern void *memmove(void *dst, const void *src, size_t n);
extern void *memset(void *dst, int c, size_t n);
extern size_t strlen(const char *s);
void *memcpy(void *dst, const void *src, size_t n) { return own_copy(dst, src, n); }
void *memmove(void *dst, const void *src, size_t n) { return own_move(dst, src, n); }
void *memset(void *dst, int c, size_t n) { return own_set(dst, c, n); }
size_t strlen(const char *s) { return own_len(s); }

volatile uint32_t clock_ms, received, sent;

static uint8_t rx[MISSKEY_RX_SIZE(4096)], tx[MISSKEY_TX_SIZE(512)];

static bool entropy(void *user, void *dst, size_t len)
{
    (void)user;
    memset(dst, (int)clock_ms, len);
    return true;
}

int main(void)
{
    static misskey_conn conn;
    static misskey_conn_desc desc;
    misskey_event event;
    size_t len;
    desc.ws.host = "misskey.example";
    desc.ws.token = "token";
    desc.ws.entropy = entropy;
    desc.ws.rx.ptr = rx;
    desc.ws.rx.size = sizeof rx;
    desc.ws.tx.ptr = tx;
    desc.ws.tx.size = sizeof tx;
    if (misskey_conn_init(&conn, &desc) != MISSKEY_ERR_OK) return 1;
    misskey_conn_transport_up(&conn);
    while (misskey_conn_timeout(&conn) != MISSKEY_FOREVER) {
        misskey_conn_tick(&conn, clock_ms);
        if (misskey_conn_recv_buf(&conn, &len) != NULL) misskey_conn_recv_ack(&conn, received);
        while (misskey_conn_poll(&conn, &event)) misskey_conn_send(&conn, &event.message);
        if (misskey_conn_send_buf(&conn, &len) != NULL) misskey_conn_send_ack(&conn, sent);
    }
    return 0;
}
