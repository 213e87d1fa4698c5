/* operations - what a recorded client asked its server for
   usage: operations <client.bin
   Feeds the bytes to a misskey_ws in the server role and prints one line per message, in the words of the index of the
   recordings: connect main, disconnect, ch queueStats:requestLog, sr, "h". A channel that no connect named is ?.
   Exit status: 0, or 1 if memory is short or no upgrade was seen. */
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../../misskey_stream.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_CONNECTS = 4096 };

static struct { char *id, *name; } connects[MAX_CONNECTS];
static unsigned num_connects;

/* Decoded, to be freed. */
static char *decoded(misskey_jstr s)
{
    const size_t size = misskey_jstr_copy(s, NULL, 0) + 1;
    char *const text = malloc(size);
    if (text == NULL) exit(1);
    misskey_jstr_copy(s, text, size);
    return text;
}

/* A member as JavaScript would print it: absent ones are undefined, an array is its only element. */
static char *printed(misskey_json body, const char *member)
{
    misskey_json value = misskey_json_get(body, member);
    misskey_iter it = misskey_json_iter(value);
    if (misskey_json_type(value) == MISSKEY_TYPE_ARRAY && misskey_json_next(&it)) value = it.value;
    if (misskey_json_type(value) != MISSKEY_TYPE_STRING) return decoded(misskey_jstr_text("undefined"));
    return decoded(misskey_json_str(value));
}

static void print_connect(misskey_json body)
{
    const misskey_type type = misskey_json_type(body);
    const misskey_json id = misskey_json_get(body, "id");
    char *name;
    if (type != MISSKEY_TYPE_OBJECT && type != MISSKEY_TYPE_ARRAY) {
        puts("connect");
        return;
    }
    name = printed(body, "channel");
    printf("connect %s\n", name);
    if (num_connects == MAX_CONNECTS || misskey_json_type(id) != MISSKEY_TYPE_STRING) {
        free(name);
        return;
    }
    connects[num_connects].id = decoded(misskey_json_str(id));
    connects[num_connects++].name = name;
}

/* An operation on a channel: of connects with one id the last counts. */
static void print_operation(const char *type, misskey_json body)
{
    const char *channel = "?";
    char *const id = printed(body, "id"), *const event = printed(body, "type");
    unsigned i;
    for (i = 0; i < num_connects; i++) if (strcmp(connects[i].id, id) == 0) channel = connects[i].name;
    if (misskey_json_type(body) == MISSKEY_TYPE_OBJECT) printf("%s %s:%s\n", type, channel, event);
    else puts(type);
    free(id);
    free(event);
}

static void print_message(misskey_str text)
{
    misskey_json root, body;
    const misskey_err err = misskey_json_check(text.ptr, text.len, &root, NULL);
    char *type;
    if (err != MISSKEY_ERR_OK || misskey_json_type(root) == MISSKEY_TYPE_NULL) {
        printf("\"%.*s\"\n", (int)text.len, text.ptr);
        return;
    }
    body = misskey_json_get(root, "body");
    type = printed(root, "type");
    if (strcmp(type, "connect") == 0) print_connect(body);
    else if (strcmp(type, "ch") == 0 || strcmp(type, "channel") == 0) print_operation(type, body);
    else puts(type);
    free(type);
}

static bool serve(misskey_ws *ws)
{
    misskey_ws_event e;
    size_t len;
    bool open = false;
    while (misskey_ws_poll(ws, &e)) {
        open |= e.type == MISSKEY_WS_EVENT_UPGRADE && misskey_ws_accept(ws, NULL) == MISSKEY_ERR_OK;
        if (e.type == MISSKEY_WS_EVENT_MESSAGE) print_message(e.text);
        while (misskey_ws_send_buf(ws, &len) != NULL) misskey_ws_send_ack(ws, len);
    }
    return open;
}

int main(void)
{
    static uint8_t tx[1024];
    char buf[65536];
    misskey_ws_desc desc;
    misskey_ws ws;
    size_t n, done;
    bool open = false;
    memset(&desc, 0, sizeof desc);
    desc.server = true;
    desc.rx.size = (size_t)64 << 20;
    desc.rx.ptr = malloc(desc.rx.size);
    desc.tx.ptr = tx; desc.tx.size = sizeof tx;
    if (desc.rx.ptr == NULL || misskey_ws_init(&ws, &desc) != MISSKEY_ERR_OK) return 1;
    misskey_ws_transport_up(&ws);
    while ((n = fread(buf, 1, sizeof buf, stdin)) > 0) {
        for (done = 0; done < n;) {
            const size_t taken = misskey_ws_feed(&ws, buf + done, n - done);
            open |= serve(&ws);
            if (taken == 0) break;
            done += taken;
        }
    }
    misskey_ws_transport_down(&ws);
    open |= serve(&ws);
    free(desc.rx.ptr);
    while (num_connects-- > 0) {
        free(connects[num_connects].id);
        free(connects[num_connects].name);
    }
    return open ? 0 : 1;
}
