/* library.c - the shared object for misskey.py: all of misskey_stream.h, and the layout of its structs
   make build/libmisskey_stream.so builds it.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../../misskey_stream.h"

#define SIZE(type) { #type, sizeof(type) },
#define NUMBER(name) { #name, (size_t)(name) },
#define MEMBER(type, member) { #type "." #member, offsetof(type, member) },
#define WS(member) MEMBER(misskey_ws_desc, member)
#define SESSION(member) MEMBER(misskey_session_desc, member)
#define MESSAGE(member) MEMBER(misskey_message, member)
#define EVENT(member) MEMBER(misskey_event, member)

static const struct { const char *name; size_t value; } facts[] = {
    SIZE(misskey_conn) SIZE(misskey_channel_slot) SIZE(misskey_capture_slot)
    SIZE(misskey_str) MEMBER(misskey_str, ptr) MEMBER(misskey_str, len)
    SIZE(misskey_mem) MEMBER(misskey_mem, ptr) MEMBER(misskey_mem, size)
    SIZE(misskey_header) MEMBER(misskey_header, name) MEMBER(misskey_header, value)
    SIZE(misskey_channel) MEMBER(misskey_channel, id)
    SIZE(misskey_ws_desc) WS(rx) WS(tx) WS(host) WS(path) WS(token) WS(headers) WS(num_headers) WS(entropy) WS(user)
    WS(max_message) WS(handshake_ms) WS(ping_ms) WS(pong_ms) WS(close_ms) WS(server) WS(token_in_query)
    SIZE(misskey_session_desc) SESSION(channels) SESSION(captures) SESSION(num_channels) SESSION(num_captures)
    SESSION(rate) SESSION(max_channels) SESSION(old_timelines) SESSION(anonymous) SESSION(entropy) SESSION(trace)
    SESSION(user) SESSION(ack_ms) SESSION(blink_ms) SESSION(heartbeat_ms) SESSION(retry_ms) SESSION(retry_max_ms)
    SESSION(stable_ms)
    SIZE(misskey_conn_desc) MEMBER(misskey_conn_desc, ws) MEMBER(misskey_conn_desc, session)
    SIZE(misskey_message) MESSAGE(kind) MESSAGE(alias) MESSAGE(pong) MESSAGE(read) MESSAGE(id_number) MESSAGE(deep)
    MESSAGE(type) MESSAGE(id) MESSAGE(channel) MESSAGE(event) MESSAGE(body) MESSAGE(raw)
    SIZE(misskey_event) EVENT(type) EVENT(err) EVENT(reason) EVENT(code) EVENT(resumed) EVENT(channel) EVENT(user)
    EVENT(retry_after) EVENT(outage_ms) EVENT(size) EVENT(message) EVENT(text) EVENT(last_id) EVENT(location)
    MEMBER(misskey_conn, session)
    NUMBER(MISSKEY_EVENT_DIAL) NUMBER(MISSKEY_EVENT_OPEN) NUMBER(MISSKEY_EVENT_MESSAGE)
    NUMBER(MISSKEY_EVENT_CHANNEL_READY) NUMBER(MISSKEY_EVENT_CHANNEL_REFUSED) NUMBER(MISSKEY_EVENT_GAP)
    NUMBER(MISSKEY_EVENT_DROPPED) NUMBER(MISSKEY_EVENT_CLOSED)
    NUMBER(MISSKEY_KIND_CHANNEL) NUMBER(MISSKEY_KIND_NOTE_UPDATED) NUMBER(MISSKEY_KIND_TEXT_PING)
    NUMBER(MISSKEY_ERR_DEPTH)
    { "misskey_rx_size", MISSKEY_RX_SIZE(65536) - 65536 }, { "misskey_tx_size", MISSKEY_TX_SIZE(65536) - 65536 }
};

/* Returns the size of a struct, the offset of a member or the number of an enumerator by its name; SIZE_MAX for a name
   that is not in the list; the length of the list for NULL. */
MISSKEY_API size_t misskey_fact(const char *name)
{
    size_t i;
    if (name == NULL) return sizeof facts / sizeof facts[0];
    for (i = 0; i < sizeof facts / sizeof facts[0]; i++) if (strcmp(facts[i].name, name) == 0) return facts[i].value;
    return SIZE_MAX;
}
