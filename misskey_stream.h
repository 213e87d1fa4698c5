/* misskey_stream.h - v0.1.0 - the Misskey streaming API in one C99 file: client and server, no allocation, no sockets
   SPDX-License-Identifier: Unlicense OR MIT-0    (public domain; both texts stand at the end of this file)

CONTENTS (search for the tag)
    >>doc           this text: do this, example, the loop, lifetimes, sizing, time, entropy, errors, options, security
    >>config        version, options, includes
    >>views         misskey_str, misskey_jstr, misskey_json, misskey_mem
    >>errors        every error, its number and what to do
    >>json          checking, reading and writing JSON
    >>message       text <-> misskey_message, all kinds of the Misskey stream, both directions
    >>vocabulary    channels, their events and operations, note updates, notifications: names and what is known of them
    >>typed         notes, users, files, notifications, ...: structs, read on demand
    >>params        what channels are opened with, bodies of operations
    >>url           the wss:// address for those who bring their own WebSocket library
    >>ws            HTTP upgrade and RFC 6455 frames, client and server
    >>session       what a text message means (for those who bring their own WebSocket library)
    >>store         notes that stay up to date
    >>conn          WebSocket and session joined: what most programs use
    >>pump          moving bytes between a connection and a socket or a TLS library
    >>impl          the implementation, in the same order:
                    >>impl-config >>impl-steps >>impl-shape >>impl-utf8 >>impl-walk >>impl-scan >>impl-json >>impl-jw
                    >>impl-message >>impl-vocabulary >>impl-typed >>impl-params >>impl-url >>impl-sha1 >>impl-tx
                    >>impl-head >>impl-frames >>impl-ws >>impl-session >>impl-store >>impl-conn >>impl-pump
    >>history       revisions
    >>licence       the Unlicense, and MIT-0 for those who need a licence

>>doc

DO THIS
    In exactly one C or C++ file of your program:
        #define MISSKEY_STREAM_IMPLEMENTATION
        #include "misskey_stream.h"
    and in every other file that needs the declarations:
        #include "misskey_stream.h"

WHAT IT IS
    Everything between the bytes of a TCP or TLS connection and "a note appeared in the home timeline": the HTTP
    upgrade, RFC 6455 frames, UTF-8, JSON and every message of the Misskey streaming API from version 10 to 2026.5,
    forks included. You hand it the bytes that arrive and send the bytes it hands out. It never allocates, has no global
    state, reads no clock and draws no random numbers: memory, time and entropy come from you.
    It is not a REST client, does not speak TLS itself, resolves no names and renders no MFM.

EXAMPLE
    Complete, without network: the bytes a server would send are in an array. With a socket, the bytes come from recv()
    and what misskey_conn_send_buf() gives goes to send(); misskey_pump() does both.

        #define MISSKEY_STREAM_IMPLEMENTATION
        #include "misskey_stream.h"
        #include <stdio.h>

        static uint8_t rx[MISSKEY_RX_SIZE(8192)], tx[MISSKEY_TX_SIZE(512)];

        static bool entropy(void *user, void *dst, size_t len)
        {
            (void)user;
            memset(dst, 0, len);            // an example may; a program asks its system: getrandom(), esp_fill_random()
            return true;
        }

        int main(void)
        {
            static const char wire[] =
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n"
                "\x81\x26{\"type\":\"connected\",\"body\":{\"id\":\"1\"}}";
            misskey_conn conn;
            misskey_conn_desc desc;
            misskey_event event;
            size_t out;
            memset(&desc, 0, sizeof desc);
            desc.ws.host = "misskey.example";
            desc.ws.entropy = entropy;
            desc.ws.rx.ptr = rx; desc.ws.rx.size = sizeof rx;
            desc.ws.tx.ptr = tx; desc.ws.tx.size = sizeof tx;
            if (misskey_conn_init(&conn, &desc) != MISSKEY_ERR_OK) return 1;
            misskey_conn_transport_up(&conn);
            while (misskey_conn_send_buf(&conn, &out) != NULL) misskey_conn_send_ack(&conn, out);
            if (misskey_conn_feed(&conn, wire, sizeof wire - 1) != sizeof wire - 1) return 1;
            while (misskey_conn_poll(&conn, &event)) {
                if (event.type == MISSKEY_EVENT_OPEN) puts("open");
                if (event.type == MISSKEY_EVENT_MESSAGE && misskey_jstr_eq(event.message.id, "1")) puts("connected");
            }
            return 0;
        }

THE LOOP
    1. misskey_conn_tick(now)                      once per turn, before anything else
    2. read the transport into recv_buf, recv_ack  (or feed); the end of the stream is transport_down. A failed write is
                                                   not the end: read until the stream says so, the peer's reason and
                                                   last messages may still be there
    3. misskey_conn_poll until it returns false    the only call that parses; events are handled here. DIAL: connect a
                                                   socket, then transport_up; where that fails, transport_down
    4. send_buf to the transport, send_ack         until send_buf gives nothing
    5. sleep until the socket is ready, at most misskey_conn_timeout() milliseconds
    A call too many does no harm. One object belongs to one thread at a time; different objects share nothing.

WANTED STATE
    misskey_channel_open and misskey_note_capture say what you want, at any time, with or without a connection. The
    session makes it so on the server, once, and again after every outage: connect with a request to acknowledge, in
    slot order, paced; one subNote per note however often it is captured; no id used twice. CHANNEL_READY or
    CHANNEL_REFUSED says how a connect went (servers refuse in silence: REFUSED comes by timeout, with the probable
    reason). After an outage each channel that was ready gives one GAP behind its READY: how long, and the last note
    that came. Fetch from there. Wait for DIAL before you connect again: attempts are at least 500 ms apart, back off
    exponentially with jitter, and honour Retry-After. 401 ends them, and so does 403 if the connection was never open;
    misskey_session_dial_now starts again. After a good connection 403 comes from something in between, such as a CDN:
    it is retried slowly, as are Close 1008 (policy violation) and 1013 (try again later). 1012 (service restart) is
    retried as any other loss. A server's quirks that this hides: protocol/messages.md section 4.

LIFETIMES
    thing                                          owner and place              valid until
    misskey_ws, misskey_session, misskey_conn      caller; must not move        the caller stops using it
    strings in a desc, headers array, slots        caller, borrowed             the object is initialised anew
    name and params of an open channel             caller, borrowed             it is closed and its disconnect was sent
    note ids                                       copied                       -
    rx and tx memory                               caller, lent                 the object is initialised anew
    views in an event, all that is read from them  rx memory or the object      the next poll of that object
    pointer from recv_buf                          rx memory, writable          the next recv_ack or poll
    pointer from send_buf                          tx memory                    the next send_ack, send, close, tick or
                                                                                poll
    text given to misskey_session_recv_message     caller, borrowed             the next poll that returns false
    a typed struct                                 caller; views into the body    as long as that body
    memory of a store, its desc's strings          caller, lent                   the store is initialised anew
    views into a stored note                       memory of the store            the next put, update or hold of it
    With MISSKEY_POISON=1 released receive memory is overwritten, so that a view kept too long shows at once.

SIZING
    rx  MISSKEY_RX_SIZE(n) receives messages of up to n bytes; 256 bytes are the least. A note has 2 to 20 KiB,
        meUpdated up to 200 KiB. A longer message is skipped and reported as DROPPED with its size; the connection lives
        on.
    tx  MISSKEY_TX_SIZE(n) sends messages of up to n bytes; the upgrade request (about 200 bytes plus host, path, token
        and extra headers) must fit as well. init says TOO_SMALL where it does not.
    Both are constant expressions: static uint8_t rx[MISSKEY_RX_SIZE(8192)];

TIME
    A free-running uint32_t of milliseconds that may wrap. Only differences between ticks count, so tick once per turn;
    without tick nothing times out. A step back of less than 3 days counts as no time. Up to 46 days may lie between two
    ticks; more cannot be told from less. A time limit that starts between two ticks (transport_up, transport_down,
    close) runs from the second one, as a program may have been busy since the first, unless the second comes just when
    misskey_conn_timeout() said. What had arrived by then counts: limits are judged in poll, after everything received.
    If 2 seconds or more pass between two ticks, what is read next may be old. GAP then tells the time since the tick
    before, until a calm second, or a pong to a ping sent since, proves that nothing is missing.

ENTROPY
    A client must bring 16 bytes per upgrade and 4 per frame it sends (RFC 6455 section 5.3 asks for unpredictable
    masks). A callback that returns false for those kills the connection with ENTROPY; there is no weak fallback. A
    session also draws 4 bytes per retry, to spread them; without, it waits the longest time of the range.

ERRORS
    One list, MISSKEY_ERROR_LIST. 1 to 31: the call was refused and changed nothing. 32 and up: the connection is dead,
    the CLOSED event says why, and nothing but transport_up revives it.

OPTIONS (define before the include; 0 or 1 unless said; none changes a public struct)
    MISSKEY_API            linkage of the public functions (default: extern)
    MISSKEY_STATIC         1: all functions static, for a private copy per file
    MISSKEY_MAX_DEPTH      JSON nesting, a multiple of 8 (default 512 = 64 bytes of stack)
    MISSKEY_NO_SIMD        1: no vector code. What is best for speed or for size, the compiler decides: -Os gives the
                           smallest code, without the tables that speed needs
    MISSKEY_NO_SERVER      1: leave out the server role
    MISSKEY_NO_STRINGS     1: leave out the texts of errors
    MISSKEY_NO_HISTORIC    1: leave out the vocabulary and the members that only servers of the past have
    MISSKEY_NO_FORKS       1: leave out those that only forks have
    MISSKEY_POISON         1: overwrite released receive memory (for tests)
    MISSKEY_MEMCPY MISSKEY_MEMMOVE MISSKEY_MEMSET MISSKEY_STRLEN
                           replace libc; with all four <string.h> is not included

SECURITY
    The token goes into the Authorization header (or, asked for, percent-encoded into ?i=). It is in no error text and
    in no event that tells how a connection ended, even if a proxy repeats it in a reason or a Location, however
    encoded. It is wiped from the send memory once the upgrade request has left. Host, path, token and extra headers
    with CR, LF, NUL or (where it matters) a space are refused. Peers can make the library use the lent memory and
    linear time, no more; ids of notes are hashed without a secret, so capture only ids that a server gave.
*/
#ifndef MISSKEY_STREAM_H
#define MISSKEY_STREAM_H

/* ================================================================================================================== */
/* MARK: - configuration                                                                                    >>config  */
/* ================================================================================================================== */

#define MISSKEY_VERSION_MAJOR 0
#define MISSKEY_VERSION_MINOR 1
#define MISSKEY_VERSION_PATCH 0

#ifndef MISSKEY_STATIC
#define MISSKEY_STATIC 0
#endif
#ifndef MISSKEY_MAX_DEPTH
#define MISSKEY_MAX_DEPTH 512
#endif
#ifndef MISSKEY_NO_SIMD
#define MISSKEY_NO_SIMD 0
#endif
#ifndef MISSKEY_NO_SERVER
#define MISSKEY_NO_SERVER 0
#endif
#ifndef MISSKEY_NO_STRINGS
#define MISSKEY_NO_STRINGS 0
#endif
#ifndef MISSKEY_NO_HISTORIC
#define MISSKEY_NO_HISTORIC 0
#endif
#ifndef MISSKEY_NO_FORKS
#define MISSKEY_NO_FORKS 0
#endif
#ifndef MISSKEY_POISON
#define MISSKEY_POISON 0
#endif
#ifndef MISSKEY_API
#if MISSKEY_STATIC && (defined(__GNUC__) || defined(__clang__))
#define MISSKEY_API static __attribute__((unused))
#elif MISSKEY_STATIC
#define MISSKEY_API static
#else
#define MISSKEY_API extern
#endif
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if !defined(MISSKEY_MEMCPY) || !defined(MISSKEY_MEMMOVE) || !defined(MISSKEY_MEMSET) || !defined(MISSKEY_STRLEN)
#include <string.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ================================================================================================================== */
/* MARK: - views                                                                                             >>views  */
/* ================================================================================================================== */

/* Three kinds of text, three types, so that mixing them up does not compile. None is NUL-terminated. A missing value is
   {NULL, 0}, which every function accepts; an empty one has a pointer. */
typedef struct misskey_str  { const char *ptr; size_t len; } misskey_str;   /* plain UTF-8 */
typedef struct misskey_jstr { const char *ptr; size_t len; } misskey_jstr;  /* inside of a JSON string, still escaped */
typedef struct misskey_json { const char *ptr; size_t len; } misskey_json;  /* one whole, checked JSON value */
typedef struct misskey_mem  { void *ptr; size_t size; } misskey_mem;        /* memory lent by the caller */

/* ================================================================================================================== */
/* MARK: - errors                                                                                           >>errors  */
/* ================================================================================================================== */

/* X(name, number, text). Numbers are frozen. 1..31: refused, nothing changed. 32..: the connection is dead. */
#define MISSKEY_ERROR_LIST(X) \
    X(OK,           0, "no error") \
    X(WOULD_BLOCK,  1, "no room or nothing to take right now: send or poll what is pending, then try again") \
    X(TOO_SMALL,    2, "the memory given is too small: the call reports, or its doc states, the size needed") \
    X(BAD_ARG,      3, "an argument is not allowed: the doc of the call lists what is") \
    X(BAD_STATE,    4, "not possible in this state: wait for OPEN (or UPGRADE), or bring a new transport") \
    X(BAD_JSON,     5, "not one valid JSON text (RFC 8259)") \
    X(BAD_UTF8,     6, "not valid UTF-8: convert the text before sending it") \
    X(DEPTH,        7, "JSON nested deeper than MISSKEY_MAX_DEPTH: raise it or flatten the value") \
    X(FULL,         8, "no free slot, or as many channels as the server allows: close or release one first") \
    X(STALE,        9, "this handle or note is not open any more") \
    X(SHARED,      10, "the server gives this channel only once per connection, and it is open with other parameters") \
    X(NOT_READY,   11, "the server has not acknowledged this channel yet: wait for CHANNEL_READY") \
    X(NO_TOKEN,    12, "this channel needs a token, and the connection is anonymous") \
    X(HTTP_SYNTAX, 32, "the peer does not speak HTTP/1.1: check host, port and whether TLS is expected") \
    X(HTTP_STATUS, 33, "the upgrade was refused: the status says why (401 and 403: check the token)") \
    X(WS_ACCEPT,   34, "the 101 answer does not fit the request: a proxy or another service answered") \
    X(WS_PROTOCOL, 35, "the peer broke RFC 6455: report it to its operator") \
    X(WS_UTF8,     36, "the peer sent text that is not UTF-8") \
    X(TOO_BIG,     37, "a message or a head line is larger than the limit: raise max_message or the receive memory") \
    X(ENTROPY,     38, "the entropy callback failed: nothing is sent with a weak mask") \
    X(TIMEOUT,     39, "the peer did not answer in time: dial again") \
    X(TRANSPORT,   40, "the connection ended without a Close frame: dial again")
#define MISSKEY_X_(name, number, text) MISSKEY_ERR_##name = number,
typedef enum misskey_err { MISSKEY_ERROR_LIST(MISSKEY_X_) MISSKEY_ERR_FORCE32_ = 0x7FFFFFFF } misskey_err;
#undef MISSKEY_X_

/* misskey_err_name -- "WS_UTF8"; misskey_err_text -- the sentence. Static, NUL-terminated; "" with MISSKEY_NO_STRINGS
   or for a number that is not in the list. */
MISSKEY_API const char *misskey_err_name(misskey_err err);
MISSKEY_API const char *misskey_err_text(misskey_err err);

/* ================================================================================================================== */
/* MARK: - json                                                                                               >>json  */
/* ================================================================================================================== */

typedef enum misskey_type {
    MISSKEY_TYPE_NONE, MISSKEY_TYPE_NULL, MISSKEY_TYPE_BOOL, MISSKEY_TYPE_NUMBER, MISSKEY_TYPE_STRING,
    MISSKEY_TYPE_ARRAY, MISSKEY_TYPE_OBJECT, MISSKEY_TYPE_FORCE32_ = 0x7FFFFFFF
} misskey_type;

/* One step of a walk over an array or object; see misskey_json_next. */
typedef struct misskey_iter {
    misskey_jstr key;       /* member name; {NULL, 0} in an array */
    misskey_json value;
    const char *at_, *end_;
} misskey_iter;

/*
    misskey_json_check -- is this one valid JSON text?

    Strict RFC 8259 in strict UTF-8 (Unicode table 3-7), white space around it allowed, nothing else; a byte order mark
    is not white space. Lone surrogate escapes are valid (servers relay them) and decode to U+FFFD. Linear time, no
    recursion.

    Returns   OK and the value without the white space around it in *out; else {NULL, 0} there.
    Errors    BAD_JSON, BAD_UTF8, DEPTH (valid, but nested deeper than MISSKEY_MAX_DEPTH. Below that limit everything is
              checked except that, after an inner container has ended, the one around it goes on as what it was).
              *error_at (if not NULL): offset of the first byte that cannot be right, of malformed UTF-8 the first of
              its sequence; len when there is none, or when the text ends too early.
    Lifetime  *out points into text.
*/
MISSKEY_API misskey_err misskey_json_check(const char *text, size_t len, misskey_json *out, size_t *error_at);

/* misskey_json_type -- the kind of a value; NONE for a missing one. */
MISSKEY_API misskey_type misskey_json_type(misskey_json value);

/*
    misskey_json_get -- member of an object by its decoded name

    One name, not a path: reaction names contain dots. Of duplicate members the last counts, as in JavaScript.

    Returns   the value; {NULL, 0} if it is missing or obj is no object, so that look-ups chain without checks.
    Lifetime  as obj.
*/
MISSKEY_API misskey_json misskey_json_get(misskey_json obj, const char *key);

/*
    misskey_json_iter, misskey_json_next -- walk over an array or object in the order of the text

        misskey_iter it = misskey_json_iter(value);
        while (misskey_json_next(&it)) use(it.key, it.value);

    A value of another kind has no elements. Lifetime of key and value: as the value walked over.
*/
MISSKEY_API misskey_iter misskey_json_iter(misskey_json value);
MISSKEY_API bool misskey_json_next(misskey_iter *it);

/*
    misskey_json_i64 -- exact integer

    Returns   true and *out for every number, however it is written (1, 1.0, 10e-1), whose value is an integer from
              -2^63 to 2^63-1; false, *out unchanged, for fractions, larger numbers and every other value.
*/
MISSKEY_API bool misskey_json_i64(misskey_json value, int64_t *out);

/* misskey_json_bool -- true and *out for true and false; false, *out unchanged, for everything else. */
MISSKEY_API bool misskey_json_bool(misskey_json value, bool *out);

/* misskey_json_str -- the inside of a string, still escaped; {NULL, 0} for everything else. Lifetime: as value. */
MISSKEY_API misskey_jstr misskey_json_str(misskey_json value);

/* misskey_jstr_eq -- does s decode to exactly this NUL-terminated text? A missing s equals nothing. */
MISSKEY_API bool misskey_jstr_eq(misskey_jstr s, const char *plain);

/*
    misskey_jstr_copy -- decode into dst

    Writes at most cap - 1 bytes and a NUL (nothing if cap is 0), cut only between characters. A lone surrogate becomes
    U+FFFD, so the output is always valid UTF-8. It may contain U+0000.

    Returns   the length of the whole decoded text without NUL, as snprintf does: >= cap means that it was cut.
*/
MISSKEY_API size_t misskey_jstr_copy(misskey_jstr s, char *dst, size_t cap);

/*
    misskey_jstr_plain -- decoded text, copied only if it has to be

    Returns   s itself where it has no escapes; else the copy in dst, as misskey_jstr_copy makes it (cut if it does not
              fit: cap of s.len + 1 is always enough).
    Lifetime  as s, or as dst.
*/
MISSKEY_API misskey_str misskey_jstr_plain(misskey_jstr s, char *dst, size_t cap);

/* Writer. Errors stick: write everything, then ask misskey_jw_done. */
typedef struct misskey_jw {
    char *dst;
    size_t cap;             /* bytes at dst */
    size_t len;             /* bytes of the whole text so far; counts on beyond cap, as snprintf does */
    uint32_t objects_;      /* bit per level: 1 = object */
    uint8_t depth_, state_, err_;
} misskey_jw;

/*
    misskey_jw_* -- write one JSON value

        misskey_jw_init(&w, buf, sizeof buf);
        misskey_jw_open(&w, '{');
        misskey_jw_key(&w, "listId"); misskey_jw_str(&w, id, strlen(id));
        misskey_jw_close(&w);
        if (misskey_jw_done(&w, &json) != MISSKEY_ERR_OK) ...

    open takes '{' or '[' (32 levels at most), close ends the innermost one. key takes plain NUL-terminated text, str
    plain text of len bytes; both are escaped as JSON.stringify does. jstr and json take parts of another text as they
    are, and check them; a missing one is written as null. dst may be NULL if cap is 0: then only the length is found.

    Errors    misskey_jw_done: BAD_ARG (calls in an order that gives no JSON), BAD_UTF8, BAD_JSON (a part is not valid),
              DEPTH, TOO_SMALL (w->len says how many bytes are needed). No terminating NUL is written.
    Lifetime  *out points into dst.
*/
MISSKEY_API void misskey_jw_init(misskey_jw *w, char *dst, size_t cap);
MISSKEY_API void misskey_jw_open(misskey_jw *w, char brace);
MISSKEY_API void misskey_jw_close(misskey_jw *w);
MISSKEY_API void misskey_jw_key(misskey_jw *w, const char *key);
MISSKEY_API void misskey_jw_str(misskey_jw *w, const char *text, size_t len);
MISSKEY_API void misskey_jw_jstr(misskey_jw *w, misskey_jstr text);
MISSKEY_API void misskey_jw_json(misskey_jw *w, misskey_json value);
MISSKEY_API void misskey_jw_i64(misskey_jw *w, int64_t value);
MISSKEY_API void misskey_jw_bool(misskey_jw *w, bool value);
MISSKEY_API void misskey_jw_null(misskey_jw *w);
MISSKEY_API misskey_err misskey_jw_done(const misskey_jw *w, misskey_json *out);

/* ================================================================================================================== */
/* MARK: - messages                                                                                        >>message  */
/* ================================================================================================================== */

/* X(kind, type on the wire, form of the body). In the order in which look-up tries them: what a timeline sends most
   comes first. "<" server to client, ">" client to server. Source: protocol/messages.md sections 2 and 3. */
#define MISSKEY_KIND_LIST(X) \
    X(CHANNEL,              "channel",             EVENT)    /* <> event of, or operation on, a channel */ \
    X(NOTE_UPDATED,         "noteUpdated",         EVENT)    /* <  event of a captured note */ \
    X(CONNECTED,            "connected",           ID)       /* <  a connect with pong was carried out */ \
    X(EMOJI_ADDED,          "emojiAdded",          RAW)      /* <  */ \
    X(EMOJI_UPDATED,        "emojiUpdated",        RAW)      /* <  */ \
    X(EMOJI_DELETED,        "emojiDeleted",        RAW)      /* <  */ \
    X(ANNOUNCEMENT_CREATED, "announcementCreated", RAW)      /* <  */ \
    X(CONNECT,              "connect",             CONNECT)  /*  > */ \
    X(DISCONNECT,           "disconnect",          ID)       /*  > */ \
    X(SUB_NOTE,             "subNote",             ID)       /*  > capture a note */ \
    X(UNSUB_NOTE,           "unsubNote",           ID)       /*  > release it */ \
    X(READ_NOTIFICATION,    "readNotification",    ID)       /*  > */ \
    X(USER_UPDATED,         "userUpdated",         RAW)      /* <  Sharkey */ \
    X(PING,                 "ping",                RAW)      /* <> JSON ping of some forks; not the bare text */ \
    X(H,                    "h",                   RAW)      /*  > JSON heartbeat; not the bare text */ \
    X(PONG,                 "pong",                RAW)      /* <> */ \
    X(TYPING_ON_CHANNEL,    "typingOnChannel",     NAME)     /*  > 12.71 to 13.6 */ \
    X(TYPING_ON_MESSAGING,  "typingOnMessaging",   PARTNER)  /*  > 12.71 to 13.6 */ \
    X(API,                  "api",                 API)      /*  > 10.0 to 12.110 */ \
    X(API_RESULT,           "api:",                RAW)      /* <  10.0 to 12.110; the id follows the colon */ \
    X(ALIVE,                "alive",               EMPTY)    /*  > 10.0 to 10.57 */ \
    X(OTHER,                "",                    RAW)      /* <> every other type; the name is in .type */ \
    X(TEXT_PING,            "ping",                TEXT)     /*  > bare text, not JSON */ \
    X(TEXT_PONG,            "pong",                TEXT)     /* <  bare text */ \
    X(TEXT_H,               "h",                   TEXT)     /*  > bare text */ \
    X(TEXT,                 "",                    TEXT)     /* <> whatever else is no message; in .raw */

/* X(kind, alias, name): other names of the same message. Writing keeps the alias; 0 is the name that every version
   knows. */
#define MISSKEY_ALIAS_LIST(X) \
    X(CHANNEL,     1, "ch")         /* 10.5 on */ \
    X(SUB_NOTE,    1, "s")          /* 12.5 on */ \
    X(SUB_NOTE,    2, "sr")         /* 12.75 on; marks as read up to 2025.3 */ \
    X(SUB_NOTE,    3, "sn")         /* up to 12.74 */ \
    X(UNSUB_NOTE,  1, "un") \
    X(API_RESULT,  1, "api-res:")   /* connections in the form of version 9 */

#define MISSKEY_X_(name, type, form) MISSKEY_KIND_##name,
typedef enum misskey_kind { MISSKEY_KIND_LIST(MISSKEY_X_) MISSKEY_KIND_FORCE32_ = 0x7FFFFFFF } misskey_kind;
#undef MISSKEY_X_

/* One message, for reading and for writing. Members that a kind does not use are zero. A known type whose body has not
   the expected form is OTHER, with nothing lost. */
typedef struct misskey_message {
    misskey_kind kind;
    uint8_t alias;          /* MISSKEY_ALIAS_LIST; API: 1 = "ep" for "endpoint"; TYPING_ON_MESSAGING: 1 = "group" */
    bool pong;              /* CONNECT: ask for CONNECTED */
    bool read;              /* SUB_NOTE: also mark as read (v10, v11) */
    bool id_number;         /* .id is a number on the wire (servers before 2024.7 echo those) */
    bool deep;              /* nested deeper than MISSKEY_MAX_DEPTH: .body is missing, .raw has its bytes; not writable
                               */
    misskey_jstr type;      /* OTHER: the type */
    misskey_jstr id;        /* channel id, note id, notification id, API call id, user or group id (typing) */
    misskey_jstr channel;   /* CONNECT: channel name; TYPING_ON_CHANNEL: id of the note channel */
    misskey_jstr event;     /* CHANNEL, NOTE_UPDATED: inner type; API: endpoint */
    misskey_json body;      /* CHANNEL, NOTE_UPDATED: inner body (null if absent); CONNECT: params, an object ({} if
                               absent); API: data; RAW forms: body; both missing if absent */
    misskey_str raw;        /* TEXT: the whole text; .deep: the bytes of the body */
} misskey_message;

/*
    misskey_message_parse -- one text message to its parts

    Any text is a message of some kind: what is not an object with a string "type" is TEXT. Unknown types, members and
    enum strings pass through. Member order does not matter; of duplicate members the last counts.

    Returns   OK, whatever the text is, as long as it is UTF-8.
    Errors    BAD_UTF8: *out is all zero.
    Lifetime  the views in *out point into text (body of CHANNEL and NOTE_UPDATED and params of CONNECT, where absent:
              static storage).
    Source    protocol/messages.md sections 2, 3 and 6
*/
MISSKEY_API misskey_err misskey_message_parse(const char *text, size_t len, misskey_message *out);

/*
    misskey_message_write -- the parts to one text message

    Writes the form that every server version understands (section 5 of protocol/messages.md) unless .alias names
    another; reading the result gives the same message again. Every part is checked: no call can write broken JSON.
    CHANNEL and NOTE_UPDATED need .body (misskey_json_text("null") for none), CONNECT needs an object
    (misskey_json_text("{}")).

    Returns   OK; *len (never NULL) is the length of the text. No NUL is written.
    Errors    TOO_SMALL: *len is the length needed; dst may be NULL if cap is 0. BAD_ARG: kind or alias unknown, a
              needed part is missing, a member is set that the kind does not use, OTHER or TEXT that would be read as
              another kind, .deep. BAD_JSON, BAD_UTF8, DEPTH: a part is not valid.
*/
MISSKEY_API misskey_err misskey_message_write(const misskey_message *message, char *dst, size_t cap, size_t *len);

/* misskey_json_text, misskey_jstr_text -- a NUL-terminated literal as a view, for filling a misskey_message. The text
   is taken as it is: JSON for the first, the inside of a JSON string for the second. Lifetime: as text. NULL gives
   {NULL, 0}. */
MISSKEY_API misskey_json misskey_json_text(const char *text);
MISSKEY_API misskey_jstr misskey_jstr_text(const char *text);

/* ================================================================================================================== */
/* MARK: - vocabulary                                                                                  >>vocabulary  */
/* ================================================================================================================== */

/* Each list takes three macros: X for what servers of today have, OLD for what upstream had once, FORK for what only
   forks have. MISSKEY_NO_HISTORIC and MISSKEY_NO_FORKS leave those rows out of the look-up tables; the enumerators are
   always there. first, last: the first and the last version with it, "" = still there; of FORK rows: whose. */

/* X(channel, name on the wire, credential, share, releases, permission, events, first, last). credential: the server
   wants a token. share: ONE = one per connection and name, whatever the id or params; UNTIL_2023_10 = so before that
   version. releases: nothing comes after disconnect (else events may go on). permission: what the token of an app
   needs, besides read:account, which every one needs. events: the group in MISSKEY_CHANNEL_BODY_LIST.
   Source: protocol/channels.md sections 1 and 2 */
#define MISSKEY_CHANNEL_LIST(X, OLD, FORK) \
    X(HOME_TIMELINE,   "homeTimeline",   true,  UNTIL_2023_10, true,  "read:account", TIMELINE, "10.0", "") \
    X(LOCAL_TIMELINE,  "localTimeline",  false, UNTIL_2023_10, true,  "", TIMELINE, "10.0", "") \
    X(HYBRID_TIMELINE, "hybridTimeline", true,  UNTIL_2023_10, true,  "read:account", TIMELINE, "10.0", "") \
    X(GLOBAL_TIMELINE, "globalTimeline", false, UNTIL_2023_10, true,  "", TIMELINE, "10.0", "") \
    X(MAIN,            "main",           true,  ONE, false, "read:account", MAIN, "10.0", "") \
    X(USER_LIST,       "userList",       false, ANY, true,  "", USER_LIST, "10.0", "") \
    X(ANTENNA,         "antenna",        true,  ANY, true,  "read:account", TIMELINE, "12.0", "") \
    X(CHANNEL,         "channel",        false, ANY, true,  "", NOTE_CHANNEL, "12.47", "") \
    X(HASHTAG,         "hashtag",        false, ANY, true,  "", TIMELINE, "10.0", "") \
    X(ROLE_TIMELINE,   "roleTimeline",   false, ANY, true,  "", TIMELINE, "13.12", "") \
    X(DRIVE,           "drive",          true,  ONE, false, "read:account", DRIVE, "10.0", "") \
    X(SERVER_STATS,    "serverStats",    false, ONE, true,  "", SERVER_STATS, "10.0", "") \
    X(QUEUE_STATS,     "queueStats",     false, ONE, true,  "", QUEUE_STATS, "10.93", "") \
    X(ADMIN,           "admin",          true,  ONE, false, "read:admin:stream", ADMIN, "10.79", "") \
    X(REVERSI,         "reversi",        true,  ONE, true,  "read:account", REVERSI, "2024.2", "") \
    X(REVERSI_GAME,    "reversiGame",    false, ANY, true,  "", REVERSI_GAME, "2024.2", "") \
    X(CHAT_USER,       "chatUser",       true,  ANY, true,  "read:chat", CHAT, "2025.4", "") \
    X(CHAT_ROOM,       "chatRoom",       true,  ANY, true,  "read:chat", CHAT, "2025.4", "") \
    OLD(MESSAGING,     "messaging",      true,  ANY, true,  "", MESSAGING, "10.0", "13.6") \
    OLD(MESSAGING_INDEX, "messagingIndex", true, ONE, false, "", MESSAGING_INDEX, "10.0", "13.6") \
    OLD(GAMES_REVERSI, "gamesReversi",   true,  ONE, false, "", GAMES_REVERSI, "10.0", "12.101") \
    OLD(GAMES_REVERSI_GAME, "gamesReversiGame", false, ANY, true, "", GAMES_REVERSI_GAME, "10.0", "12.101") \
    OLD(NOTES_STATS,   "notesStats",     false, ONE, true,  "", NOTES_STATS, "10.0", "11.37") \
    OLD(AP_LOG,        "apLog",          false, ONE, true,  "", AP_LOG, "10.38", "11.37") \
    FORK(BUBBLE_TIMELINE, "bubbleTimeline", false, ANY, true, "", TIMELINE, "Sharkey, CherryPick, yojo-art", "") \
    FORK(RECOMMENDED_TIMELINE, "recommendedTimeline", true, ONE, true, "", TIMELINE, "Calckey, Firefish, mkkey", "") \
    FORK(SPOTLIGHT_TIMELINE, "spotlightTimeline", false, ANY, true, "", TIMELINE, "mkkey", "") \
    FORK(HEALTH_STATS, "healthStats",    false, ANY, true,  "", UNKNOWN, "mkkey", "") \
    FORK(YAMI_TIMELINE, "yamiTimeline",  true,  ANY, true,  "read:account", TIMELINE, "yamisskey", "") \
    FORK(MEDIA_TIMELINE, "mediaTimeline", false, ANY, true, "", TIMELINE, "nekomiya, nexkey, Type4ny", "") \
    FORK(LIMITED_TIMELINE, "limitedTimeline", true, ONE, true, "", TIMELINE, "nekomiya, nexkey", "") \
    FORK(PERSONAL_TIMELINE, "personalTimeline", false, ANY, true, "", TIMELINE, "nexkey", "") \
    FORK(CAT_TIMELINE, "catTimeline",    false, ONE, true,  "", TIMELINE, "Groundpolis, nekomiya", "") \
    FORK(MOD_TIMELINE, "modTimeline",    false, ONE, true,  "", TIMELINE, "nekomiya", "") \
    FORK(LOCAL_HYBRID_TIMELINE, "localHybridTimeline", true, ONE, true, "", TIMELINE, "Groundpolis", "") \
    FORK(REMOTE_FOLLOWING_TIMELINE, "remoteFollowingTimeline", true, ONE, true, "", TIMELINE, "Groundpolis", "") \
    FORK(FOLLOWERS_TIMELINE, "followersTimeline", true, ONE, true, "", TIMELINE, "Groundpolis", "") \
    FORK(LOCAO_TIMELINE, "locaoTimeline", false, ANY, true, "", TIMELINE, "mei23 v10", "") \
    FORK(HOT_TIMELINE, "hotTimeline",    true,  ANY, true,  "", TIMELINE, "mei23 v10", "") \
    FORK(ANOTHER_TIMELINE, "anotherTimeline", true, ANY, true, "", TIMELINE, "mei23 v10", "") \
    FORK(HEAD_PAT,     "headPat",        false, ONE, true,  "", UNKNOWN, "Shrimpia", "") \
    FORK(CALLS_ROOM,   "callsRoom",      true,  ANY, true,  "read:calls", CALLS, "Type4ny", "") \
    FORK(CALLS_ROOMS,  "callsRooms",     true,  ANY, true,  "read:calls", CALLS, "Type4ny", "") \
    FORK(DRAWING,      "drawing",        true,  ANY, true,  "read:calls", CALLS, "Type4ny", "")

/* X(event, type on the wire) of what a channel sends. In the order in which look-up tries them. */
#define MISSKEY_CHANNEL_EVENT_LIST(X, OLD, FORK) \
    X(NOTE, "note")                             X(NOTIFICATION, "notification") \
    X(UNREAD_NOTIFICATION, "unreadNotification") X(READ_ALL_NOTIFICATIONS, "readAllNotifications") \
    X(NOTIFICATION_FLUSHED, "notificationFlushed") X(MENTION, "mention") \
    X(REPLY, "reply")                           X(RENOTE, "renote") \
    X(FOLLOW, "follow")                         X(UNFOLLOW, "unfollow") \
    X(FOLLOWED, "followed")                     X(RECEIVE_FOLLOW_REQUEST, "receiveFollowRequest") \
    X(ME_UPDATED, "meUpdated")                  X(READ_ALL_ANNOUNCEMENTS, "readAllAnnouncements") \
    X(ANNOUNCEMENT_CREATED, "announcementCreated") X(NEW_CHAT_MESSAGE, "newChatMessage") \
    X(DRIVE_FILE_CREATED, "driveFileCreated")   X(URL_UPLOAD_FINISHED, "urlUploadFinished") \
    X(PAGE_EVENT, "pageEvent")                  X(REGISTRY_UPDATED, "registryUpdated") \
    X(SIGNIN, "signin")                         X(MY_TOKEN_REGENERATED, "myTokenRegenerated") \
    X(USER_ADDED, "userAdded")                  X(USER_REMOVED, "userRemoved") \
    X(FILE_CREATED, "fileCreated")              X(FILE_UPDATED, "fileUpdated") \
    X(FILE_DELETED, "fileDeleted")              X(FOLDER_CREATED, "folderCreated") \
    X(FOLDER_UPDATED, "folderUpdated")          X(FOLDER_DELETED, "folderDeleted") \
    X(STATS, "stats")                           X(STATS_LOG, "statsLog") \
    X(NEW_ABUSE_USER_REPORT, "newAbuseUserReport") X(MATCHED, "matched") \
    X(INVITED, "invited")                       X(CHANGE_READY_STATES, "changeReadyStates") \
    X(UPDATE_SETTINGS, "updateSettings")        X(STARTED, "started") \
    X(LOG, "log")                               X(ENDED, "ended") \
    X(CANCELED, "canceled")                     X(MESSAGE, "message") \
    X(DELETED, "deleted")                       X(REACT, "react") \
    X(UNREACT, "unreact") \
    OLD(READ_NOTIFICATIONS, "readNotifications") OLD(UNREAD_MENTION, "unreadMention") \
    OLD(UNREAD_SPECIFIED_NOTE, "unreadSpecifiedNote") OLD(READ_ALL_UNREAD_MENTIONS, "readAllUnreadMentions") \
    OLD(READ_ALL_UNREAD_SPECIFIED_NOTES, "readAllUnreadSpecifiedNotes") OLD(UNREAD_ANTENNA, "unreadAntenna") \
    OLD(READ_ANTENNA, "readAntenna")            OLD(READ_ALL_ANTENNAS, "readAllAntennas") \
    OLD(UNREAD_CHANNEL, "unreadChannel")        OLD(READ_ALL_CHANNELS, "readAllChannels") \
    OLD(MESSAGING_MESSAGE, "messagingMessage")  OLD(UNREAD_MESSAGING_MESSAGE, "unreadMessagingMessage") \
    OLD(READ_ALL_MESSAGING_MESSAGES, "readAllMessagingMessages") OLD(REVERSI_INVITED, "reversiInvited") \
    OLD(REVERSI_NO_INVITES, "reversiNoInvites") OLD(CLIENT_SETTING_UPDATED, "clientSettingUpdated") \
    OLD(HOME_UPDATED, "homeUpdated")            OLD(MOBILE_HOME_UPDATED, "mobileHomeUpdated") \
    OLD(WIDGET_UPDATED, "widgetUpdated")        OLD(TYPERS, "typers") \
    OLD(READ, "read")                           OLD(CHANGE_ACCEPTS, "changeAccepts") \
    OLD(INIT_FORM, "initForm")                  OLD(UPDATE_FORM, "updateForm") \
    OLD(SET, "set")                             OLD(RESCUE, "rescue") \
    OLD(WATCHERS, "watchers") \
    FORK(EDITED, "edited")                      FORK(NOTIFICATION_DELETED, "notificationDeleted") \
    FORK(BLOCKED, "blocked")                    FORK(UNBLOCKED, "unblocked") \
    FORK(USER_UPDATED, "userUpdated")           FORK(USER_AVATAR_UPDATED, "userAvatarUpdated") \
    FORK(CONTENT_CREATED, "contentCreated")     FORK(NOTIFICATIONS, "notifications") \
    FORK(REACTED, "reacted")                    FORK(CLEARED, "cleared") \
    FORK(MSG_ACK, "msgAck")                     FORK(MSG_ERROR, "msgError") \
    FORK(CLEAR_ACK, "clearAck")                 FORK(HISTORY, "history") \
    FORK(HISTORY_ERROR, "historyError")         FORK(MEMBERS, "members") \
    FORK(MEMBERS_ERROR, "membersError")         FORK(ROOM, "room") \
    FORK(USER, "user")                          FORK(E2EE_KEY_ERROR, "e2eeKeyError") \
    FORK(PARTICIPANT, "participant")            FORK(WATCH_TOGETHER, "watchTogether") \
    FORK(REVOKED, "revoked")

/* X(group, event, body, first, last): which channels send which events with which body. body: an entity of
   MISSKEY_ENTITY_LIST, its name followed by S = an array of them; ID = a string, IDS = an array of strings; NONE =
   null, absent or {}; ANY = what it wants to be. Source: protocol/channels.md section 3 and protocol/events.md */
#define MISSKEY_CHANNEL_BODY_LIST(X, OLD, FORK) \
    X(TIMELINE,      NOTE,                   NOTE,         "10.0", "") \
    X(USER_LIST,     NOTE,                   NOTE,         "10.0", "") \
    X(USER_LIST,     USER_ADDED,             USER,         "10.0", "") \
    X(USER_LIST,     USER_REMOVED,           USER,         "10.0", "") \
    X(NOTE_CHANNEL,  NOTE,                   NOTE,         "12.47", "") \
    OLD(NOTE_CHANNEL, TYPERS,                USERS,        "12.71", "13.6") \
    X(MAIN,          NOTIFICATION,           NOTIFICATION, "10.0", "") \
    X(MAIN,          UNREAD_NOTIFICATION,    NOTIFICATION, "10.0", "") \
    X(MAIN,          READ_ALL_NOTIFICATIONS, NONE,         "10.0", "") \
    X(MAIN,          NOTIFICATION_FLUSHED,   NONE,         "2024.3", "") \
    X(MAIN,          MENTION,                NOTE,         "10.0", "") \
    X(MAIN,          REPLY,                  NOTE,         "10.0", "") \
    X(MAIN,          RENOTE,                 NOTE,         "10.0", "") \
    X(MAIN,          FOLLOW,                 USER_DETAIL,  "10.0", "") \
    X(MAIN,          UNFOLLOW,               USER_DETAIL,  "10.0", "") \
    X(MAIN,          FOLLOWED,               USER,         "10.0", "") \
    X(MAIN,          RECEIVE_FOLLOW_REQUEST, USER,         "10.0", "") \
    X(MAIN,          ME_UPDATED,             ME,           "10.0", "") \
    X(MAIN,          READ_ALL_ANNOUNCEMENTS, NONE,         "12.0", "") \
    X(MAIN,          ANNOUNCEMENT_CREATED,   BROADCAST,    "2023.9", "") \
    X(MAIN,          NEW_CHAT_MESSAGE,       CHAT_MESSAGE, "2025.4", "") \
    X(MAIN,          DRIVE_FILE_CREATED,     FILE,         "10.0", "") \
    X(MAIN,          URL_UPLOAD_FINISHED,    URL_UPLOAD,   "12.48", "") \
    X(MAIN,          PAGE_EVENT,             PAGE_EVENT,   "11.25", "") \
    X(MAIN,          REGISTRY_UPDATED,       SETTING,      "12.67", "") \
    X(MAIN,          SIGNIN,                 SIGNIN,       "10.0", "") \
    X(MAIN,          MY_TOKEN_REGENERATED,   NONE,         "10.0", "") \
    OLD(MAIN,        READ_NOTIFICATIONS,     IDS,          "12.111", "13.10") \
    OLD(MAIN,        UNREAD_MENTION,         ID,           "10.0", "2025.3") \
    OLD(MAIN,        UNREAD_SPECIFIED_NOTE,  ID,           "10.0", "2025.3") \
    OLD(MAIN,        READ_ALL_UNREAD_MENTIONS, NONE,       "10.0", "2025.3") \
    OLD(MAIN,        READ_ALL_UNREAD_SPECIFIED_NOTES, NONE, "10.0", "2025.3") \
    OLD(MAIN,        UNREAD_ANTENNA,         ANTENNA,      "12.0", "13.10") \
    OLD(MAIN,        READ_ANTENNA,           ANTENNA,      "12.0", "13.10") \
    OLD(MAIN,        READ_ALL_ANTENNAS,      NONE,         "12.0", "13.10") \
    OLD(MAIN,        UNREAD_CHANNEL,         ID,           "12.47", "13.10") \
    OLD(MAIN,        READ_ALL_CHANNELS,      NONE,         "12.47", "13.10") \
    OLD(MAIN,        MESSAGING_MESSAGE,      MESSAGING_MESSAGE, "10.0", "13.6") \
    OLD(MAIN,        UNREAD_MESSAGING_MESSAGE, MESSAGING_MESSAGE, "10.0", "13.6") \
    OLD(MAIN,        READ_ALL_MESSAGING_MESSAGES, NONE,    "10.0", "13.6") \
    OLD(MAIN,        REVERSI_INVITED,        REVERSI_INVITATION, "10.0", "12.101") \
    OLD(MAIN,        REVERSI_NO_INVITES,     NONE,         "10.0", "12.101") \
    OLD(MAIN,        CLIENT_SETTING_UPDATED, SETTING,      "10.0", "11.37") \
    OLD(MAIN,        HOME_UPDATED,           ANY,          "10.0", "10.102") \
    OLD(MAIN,        MOBILE_HOME_UPDATED,    ANY,          "10.0", "10.102") \
    OLD(MAIN,        WIDGET_UPDATED,         SETTING,      "10.0", "10.102") \
    FORK(MAIN,       EDITED,                 NOTE,         "Sharkey", "") \
    FORK(MAIN,       NOTIFICATION_DELETED,   ID,           "CherryPick, yojo-art", "") \
    FORK(MAIN,       BLOCKED,                USER_DETAIL,  "yamisskey", "") \
    FORK(MAIN,       UNBLOCKED,              USER_DETAIL,  "yamisskey", "") \
    FORK(MAIN,       USER_UPDATED,           BROADCAST,    "Sharkey", "") \
    FORK(MAIN,       USER_AVATAR_UPDATED,    BROADCAST,    "Sharkey", "") \
    FORK(MAIN,       CONTENT_CREATED,        CONTENT,      "Sharkey", "") \
    FORK(MAIN,       NOTIFICATIONS,          ANSWER,       "Sharkey", "") \
    X(DRIVE,         FILE_CREATED,           FILE,         "10.0", "") \
    X(DRIVE,         FILE_UPDATED,           FILE,         "10.0", "") \
    X(DRIVE,         FILE_DELETED,           ID,           "10.0", "") \
    X(DRIVE,         FOLDER_CREATED,         FOLDER,       "10.0", "") \
    X(DRIVE,         FOLDER_UPDATED,         FOLDER,       "10.0", "") \
    X(DRIVE,         FOLDER_DELETED,         ID,           "10.0", "") \
    X(SERVER_STATS,  STATS,                  SERVER_STATS, "10.0", "") \
    X(SERVER_STATS,  STATS_LOG,              SERVER_STATSS, "10.0", "") \
    X(QUEUE_STATS,   STATS,                  QUEUE_STATS,  "10.93", "") \
    X(QUEUE_STATS,   STATS_LOG,              QUEUE_STATSS, "10.93", "") \
    X(ADMIN,         NEW_ABUSE_USER_REPORT,  ABUSE_REPORT, "10.79", "") \
    X(REVERSI,       MATCHED,                REVERSI_EVENT, "2024.2", "") \
    X(REVERSI,       INVITED,                REVERSI_EVENT, "2024.2", "") \
    X(REVERSI_GAME,  CHANGE_READY_STATES,    REVERSI_EVENT, "2024.2", "") \
    X(REVERSI_GAME,  UPDATE_SETTINGS,        SETTING,      "2024.2", "") \
    X(REVERSI_GAME,  STARTED,                REVERSI_EVENT, "2024.2", "") \
    X(REVERSI_GAME,  LOG,                    REVERSI_LOG,  "2024.2", "") \
    X(REVERSI_GAME,  ENDED,                  REVERSI_EVENT, "2024.2", "") \
    X(REVERSI_GAME,  CANCELED,               REVERSI_EVENT, "2024.2", "") \
    FORK(REVERSI_GAME, REACTED,              REACTION,     "CherryPick, yojo-art", "") \
    X(CHAT,          MESSAGE,                CHAT_MESSAGE, "2025.4", "") \
    X(CHAT,          DELETED,                ID,           "2025.4", "") \
    X(CHAT,          REACT,                  REACTION,     "2025.4", "") \
    X(CHAT,          UNREACT,                REACTION,     "2025.4", "") \
    FORK(CHAT,       CLEARED,                ANSWER,       "Sharkey", "") \
    FORK(CHAT,       MSG_ACK,                ANSWER,       "Sharkey", "") \
    FORK(CHAT,       MSG_ERROR,              ANSWER,       "Sharkey", "") \
    FORK(CHAT,       CLEAR_ACK,              ANSWER,       "Sharkey", "") \
    FORK(CHAT,       HISTORY,                ANSWER,       "Sharkey", "") \
    FORK(CHAT,       HISTORY_ERROR,          ANSWER,       "Sharkey", "") \
    FORK(CHAT,       MEMBERS,                ANSWER,       "Sharkey", "") \
    FORK(CHAT,       MEMBERS_ERROR,          ANSWER,       "Sharkey", "") \
    FORK(CHAT,       ROOM,                   ANSWER,       "Sharkey", "") \
    FORK(CHAT,       USER,                   ANSWER,       "Sharkey", "") \
    FORK(CHAT,       E2EE_KEY_ERROR,         ANSWER,       "Sharkey", "") \
    OLD(MESSAGING,   MESSAGE,                MESSAGING_MESSAGE, "10.0", "13.6") \
    OLD(MESSAGING,   DELETED,                ID,           "10.0", "13.6") \
    OLD(MESSAGING,   READ,                   ANY,          "10.0", "13.6") \
    OLD(MESSAGING,   TYPERS,                 USERS,        "12.71", "13.6") \
    OLD(MESSAGING_INDEX, MESSAGE,            MESSAGING_MESSAGE, "10.0", "13.6") \
    OLD(MESSAGING_INDEX, READ,               IDS,          "10.0", "13.6") \
    OLD(GAMES_REVERSI, MATCHED,              REVERSI_GAME, "10.0", "12.101") \
    OLD(GAMES_REVERSI, INVITED,              REVERSI_INVITATION, "10.0", "12.101") \
    OLD(GAMES_REVERSI_GAME, STARTED,         REVERSI_GAME, "10.0", "12.101") \
    OLD(GAMES_REVERSI_GAME, ENDED,           REVERSI_EVENT, "10.0", "12.101") \
    OLD(GAMES_REVERSI_GAME, CHANGE_ACCEPTS,  REVERSI_EVENT, "10.0", "12.101") \
    OLD(GAMES_REVERSI_GAME, UPDATE_SETTINGS, SETTING,      "10.0", "12.101") \
    OLD(GAMES_REVERSI_GAME, INIT_FORM,       REVERSI_EVENT, "10.0", "12.101") \
    OLD(GAMES_REVERSI_GAME, UPDATE_FORM,     SETTING,      "10.0", "12.101") \
    OLD(GAMES_REVERSI_GAME, MESSAGE,         REVERSI_EVENT, "10.0", "12.101") \
    OLD(GAMES_REVERSI_GAME, SET,             REVERSI_LOG,  "10.0", "12.101") \
    OLD(GAMES_REVERSI_GAME, RESCUE,          REVERSI_GAME, "10.0", "12.101") \
    OLD(GAMES_REVERSI_GAME, WATCHERS,        USERS,        "12.53", "12.101") \
    OLD(NOTES_STATS, STATS,                  NOTES_STATS,  "10.0", "11.37") \
    OLD(NOTES_STATS, STATS_LOG,              NOTES_STATSS, "10.0", "11.37") \
    OLD(AP_LOG,      LOG,                    AP_LOG,       "10.38", "11.37") \
    FORK(CALLS,      PARTICIPANT,            ANY,          "Type4ny", "") \
    FORK(CALLS,      WATCH_TOGETHER,         ANY,          "Type4ny", "") \
    FORK(CALLS,      REVOKED,                NONE,         "Type4ny", "")

/* X(update, type on the wire, first, last) of noteUpdated. Source: protocol/events.md section 2 */
#define MISSKEY_NOTE_UPDATE_LIST(X, OLD, FORK) \
    X(REACTED,          "reacted",     "10.0", "") \
    X(UNREACTED,        "unreacted",   "10.0", "") \
    X(POLL_VOTED,       "pollVoted",   "10.0", "") \
    X(DELETED,          "deleted",     "10.0", "") \
    FORK(UPDATED,       "updated",     "upstream 2023.9.2 to 2023.9.3; mei23, Firefish, Sharkey, CherryPick, ...", "") \
    FORK(REPLIED,       "replied",     "Firefish, Sharkey", "") \
    FORK(UNRENOTED,     "unrenoted",   "mei23 v10", "") \
    FORK(MADE_PRIVATE,  "madePrivate", "Sharkey 2024", "")

/* X(type, type on the wire, first, last) of a notification. Source: protocol/events.md section 5 */
#define MISSKEY_NOTIFICATION_LIST(X, OLD, FORK) \
    X(FOLLOW,                    "follow",                    "10.0", "") \
    X(RECEIVE_FOLLOW_REQUEST,    "receiveFollowRequest",      "10.0", "") \
    X(FOLLOW_REQUEST_ACCEPTED,   "followRequestAccepted",     "12.0", "") \
    X(MENTION,                   "mention",                   "10.0", "") \
    X(REPLY,                     "reply",                     "10.0", "") \
    X(RENOTE,                    "renote",                    "10.0", "") \
    X(QUOTE,                     "quote",                     "10.0", "") \
    X(NOTE,                      "note",                      "2023.9", "") \
    X(REACTION,                  "reaction",                  "10.0", "") \
    X(POLL_ENDED,                "pollEnded",                 "12.108", "") \
    X(ROLE_ASSIGNED,             "roleAssigned",              "2023.12", "") \
    X(CHAT_ROOM_INVITATION_RECEIVED, "chatRoomInvitationReceived", "2025.4", "") \
    X(ACHIEVEMENT_EARNED,        "achievementEarned",         "13.1", "") \
    X(EXPORT_COMPLETED,          "exportCompleted",           "2024.9", "") \
    X(LOGIN,                     "login",                     "2024.10", "") \
    X(CREATE_TOKEN,              "createToken",               "2025.2.1", "") \
    X(SCHEDULED_NOTE_POSTED,     "scheduledNotePosted",       "2025.10", "") \
    X(SCHEDULED_NOTE_POST_FAILED, "scheduledNotePostFailed",  "2025.10", "") \
    X(APP,                       "app",                       "12.27", "") \
    X(TEST,                      "test",                      "2023.9", "") \
    X(REACTION_GROUPED,          "reaction:grouped",          "2023.10", "") /* HTTP only */ \
    X(RENOTE_GROUPED,            "renote:grouped",            "2023.10", "") /* HTTP only */ \
    OLD(POLL_VOTE,               "pollVote",                  "10.0", "13.11") /* poll_vote on v10 */ \
    OLD(GROUP_INVITED,           "groupInvited",              "11.16", "13.6") \
    FORK(EDITED,                 "edited",                    "Sharkey", "") \
    FORK(SCHEDULED_NOTE_FAILED,  "scheduledNoteFailed",       "Sharkey", "") \
    FORK(NOTE_SCHEDULED,         "noteScheduled",             "MisskeyIO", "") \
    FORK(SCHEDULED_NOTE_ERROR,   "scheduledNoteError",        "MisskeyIO", "") \
    FORK(SENSITIVE_FLAG_ASSIGNED, "sensitiveFlagAssigned",    "MisskeyIO", "") \
    FORK(LOGIN_BONUS,            "loginBonus",                "Type4ny", "")

/* X(operation, type on the wire, group, first, last): what a client sends on a channel; bodies: MISSKEY_BODY_PART_LIST.
   Source: protocol/channels.md section 3, protocol/forks-observed.md */
#define MISSKEY_OPERATION_LIST(X, OLD, FORK) \
    X(REQUEST_LOG,       "requestLog",     SERVER_STATS, "10.0", "") /* queueStats and notesStats as well */ \
    X(READY,             "ready",          REVERSI_GAME, "2024.2", "") \
    X(UPDATE_SETTINGS,   "updateSettings", REVERSI_GAME, "2024.2", "") /* 11.0 to 12.101: gamesReversiGame */ \
    X(PUT_STONE,         "putStone",       REVERSI_GAME, "2024.2", "") \
    X(CANCEL,            "cancel",         REVERSI_GAME, "2024.2", "") \
    X(CLAIM_TIME_IS_UP,  "claimTimeIsUp",  REVERSI_GAME, "2024.2", "") \
    X(READ,              "read",           CHAT, "2025.4", "") /* 10.0 to 13.6: messaging */ \
    OLD(PING,            "ping",           GAMES_REVERSI, "10.0", "12.101") \
    OLD(ACCEPT,          "accept",         GAMES_REVERSI_GAME, "10.0", "12.101") \
    OLD(CANCEL_ACCEPT,   "cancelAccept",   GAMES_REVERSI_GAME, "10.0", "12.101") \
    OLD(INIT_FORM,       "initForm",       GAMES_REVERSI_GAME, "10.0", "12.101") \
    OLD(UPDATE_FORM,     "updateForm",     GAMES_REVERSI_GAME, "10.0", "12.101") \
    OLD(MESSAGE,         "message",        GAMES_REVERSI_GAME, "10.0", "12.101") \
    OLD(SET,             "set",            GAMES_REVERSI_GAME, "10.0", "12.101") \
    OLD(CHECK,           "check",          GAMES_REVERSI_GAME, "10.0", "12.101") \
    OLD(UPDATE_SETTINGS_V10, "updateSettings", GAMES_REVERSI_GAME, "10.0", "10.102") \
    FORK(REACTION,       "reaction",       REVERSI_GAME, "CherryPick, yojo-art", "") \
    FORK(MSG,            "msg",            CHAT, "Sharkey", "") \
    FORK(REACT,          "react",          CHAT, "Sharkey", "") \
    FORK(UNREACT,        "unreact",        CHAT, "Sharkey", "") \
    FORK(DELETE,         "delete",         CHAT, "Sharkey", "") \
    FORK(CLEAR_MESSAGES, "clearMessages",  CHAT, "Sharkey", "") \
    FORK(HISTORY,        "history",        CHAT, "Sharkey", "") \
    FORK(USER_SHOW,      "userShow",       CHAT, "Sharkey", "") \
    FORK(ROOM_SHOW,      "roomShow",       CHAT, "Sharkey", "") \
    FORK(MEMBERS,        "members",        CHAT, "Sharkey", "") \
    FORK(E2EE_KEY_GET,   "e2eeKeyGet",     CHAT, "Sharkey", "") \
    FORK(E2EE_KEY_SET,   "e2eeKeySet",     CHAT, "Sharkey", "") \
    FORK(NOTIFICATIONS,  "notifications",  MAIN, "Sharkey", "") \
    FORK(REQUEST_NOTIFICATIONS, "requestNotifications", MAIN, "Sharkey", "") \
    FORK(PAT,            "pat",            UNKNOWN, "Shrimpia", "") \
    FORK(MUTE,           "mute",           CALLS, "Type4ny", "") \
    FORK(SPEAKING,       "speaking",       CALLS, "Type4ny", "") \
    FORK(HEARTBEAT,      "heartbeat",      CALLS, "Type4ny", "") \
    FORK(CALL_READY,     "ready",          CALLS, "Type4ny", "")

typedef enum misskey_share {
    MISSKEY_SHARE_ANY, MISSKEY_SHARE_UNTIL_2023_10, MISSKEY_SHARE_ONE, MISSKEY_SHARE_FORCE32_ = 0x7FFFFFFF
} misskey_share;

#define MISSKEY_X_(name, ...) MISSKEY_CHANNEL_##name,
typedef enum misskey_channel_kind {
    MISSKEY_CHANNEL_LIST(MISSKEY_X_, MISSKEY_X_, MISSKEY_X_)
    MISSKEY_CHANNEL_OTHER, MISSKEY_CHANNEL_FORCE32_ = 0x7FFFFFFF
} misskey_channel_kind;
#undef MISSKEY_X_
#define MISSKEY_X_(name, type) MISSKEY_CHANNEL_EVENT_##name,
typedef enum misskey_channel_event {
    MISSKEY_CHANNEL_EVENT_LIST(MISSKEY_X_, MISSKEY_X_, MISSKEY_X_)
    MISSKEY_CHANNEL_EVENT_OTHER, MISSKEY_CHANNEL_EVENT_FORCE32_ = 0x7FFFFFFF
} misskey_channel_event;
#undef MISSKEY_X_
#define MISSKEY_X_(name, ...) MISSKEY_NOTE_UPDATE_##name,
typedef enum misskey_note_update_type {
    MISSKEY_NOTE_UPDATE_LIST(MISSKEY_X_, MISSKEY_X_, MISSKEY_X_)
    MISSKEY_NOTE_UPDATE_OTHER, MISSKEY_NOTE_UPDATE_FORCE32_ = 0x7FFFFFFF
} misskey_note_update_type;
#undef MISSKEY_X_
#define MISSKEY_X_(name, ...) MISSKEY_NOTIFICATION_##name,
typedef enum misskey_notification_type {
    MISSKEY_NOTIFICATION_LIST(MISSKEY_X_, MISSKEY_X_, MISSKEY_X_)
    MISSKEY_NOTIFICATION_OTHER, MISSKEY_NOTIFICATION_FORCE32_ = 0x7FFFFFFF
} misskey_notification_type;
#undef MISSKEY_X_
#define MISSKEY_X_(name, ...) MISSKEY_OPERATION_##name,
typedef enum misskey_operation_kind {
    MISSKEY_OPERATION_LIST(MISSKEY_X_, MISSKEY_X_, MISSKEY_X_)
    MISSKEY_OPERATION_OTHER, MISSKEY_OPERATION_FORCE32_ = 0x7FFFFFFF
} misskey_operation_kind;
#undef MISSKEY_X_

/*
    misskey_..._find -- the enumerator of a name on the wire

        switch (misskey_channel_event_find(event.message.event)) {
        case MISSKEY_CHANNEL_EVENT_NOTE: break;
        default: break;
        }

    OTHER for what is not in the list, was left out by an option, or is missing: the name itself stays in the message.
    Of operations with one name on several channels: the first in the list.
*/
MISSKEY_API misskey_channel_kind misskey_channel_find(misskey_jstr name);
MISSKEY_API misskey_channel_event misskey_channel_event_find(misskey_jstr type);
MISSKEY_API misskey_note_update_type misskey_note_update_find(misskey_jstr type);
MISSKEY_API misskey_notification_type misskey_notification_find(misskey_jstr type);
MISSKEY_API misskey_operation_kind misskey_operation_find(misskey_jstr type);

/* What MISSKEY_CHANNEL_LIST says about a channel. All strings are static and NUL-terminated. */
typedef struct misskey_channel_info {
    const char *name;               /* on the wire, for misskey_channel_open */
    const char *permission;         /* "" = none but read:account */
    const char *first, *last;
    misskey_share share;
    bool credential, releases;
} misskey_channel_info;

/* misskey_channel_about -- a row of the list. False, and *info all zero, for OTHER and for what an option left out.
   misskey_operation_name -- the name of an operation on the wire; "" likewise. */
MISSKEY_API bool misskey_channel_about(misskey_channel_kind kind, misskey_channel_info *info);
MISSKEY_API const char *misskey_operation_name(misskey_operation_kind kind);

/* ================================================================================================================== */
/* MARK: - typed                                                                                            >>typed  */
/* ================================================================================================================== */

/* Every entity is one list of members, in the order in which servers write them: first what servers of today have, then
   what others add. Structs and readers come from it.
   A row is X(kind, member, name on the wire), kind one of
        STR     misskey_jstr            a string, still escaped: misskey_jstr_eq, _copy, _time
        BOOL    bool
        INT     int64_t                 an exact integer
        DEC     misskey_decimal         a number that may have a fraction
        OBJ     misskey_json            an object, to be read when it is needed
        ARR     misskey_json            an array, likewise
        LIST    misskey_json            an array or an object, depending on the version
        JSON    misskey_json            any value, of the kinds that the comment names
   Other rows: OLD what only historic versions have, FORK what only forks have (left out of reading by
   MISSKEY_NO_HISTORIC and MISSKEY_NO_FORKS, the struct member stays); ALIAS(kind, member, name): a historic name of a
   member; IN(kind, member, outer, name): a member of the object in the JSON member outer, read along with it.
   Everything may be absent or null on some server: both leave the member zero, and .has (note.has.text) tells them
   apart. A value of another kind counts as absent; its bytes are still in the body. Unknown members are skipped. Of
   duplicates the last counts. Source: protocol/events.md, section in front of each list */

typedef struct misskey_decimal {    /* mantissa * 10^exponent, exactly */
    int64_t mantissa;
    int32_t exponent;
    misskey_json text;              /* the number as it was written */
} misskey_decimal;

/* 3 and 3.1: a note; minimized ones (misskey_note_minimized) have the least */
#define MISSKEY_NOTE_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     id,                  "id") \
    X(STR,     created_at,          "createdAt") \
    X(STR,     deleted_at,          "deletedAt") \
    X(STR,     user_id,             "userId") \
    X(OBJ,     user,                "user")                 /* misskey_user */ \
    X(STR,     text,                "text") \
    X(STR,     cw,                  "cw")                   /* set and empty: a warning without label */ \
    X(STR,     visibility,          "visibility")           /* public, home, followers, specified; v10 also private */ \
    X(BOOL,    local_only,          "localOnly") \
    X(STR,     reaction_acceptance, "reactionAcceptance") \
    X(ARR,     visible_user_ids,    "visibleUserIds")       /* strings */ \
    X(INT,     renote_count,        "renoteCount") \
    X(INT,     replies_count,       "repliesCount") \
    X(INT,     reaction_count,      "reactionCount") \
    X(OBJ,     reactions,           "reactions")            /* misskey_reactions_next */ \
    X(OBJ,     reaction_emojis,     "reactionEmojis")       /* misskey_emojis_next; keys name@host */ \
    X(ARR,     reaction_and_user_pair_cache, "reactionAndUserPairCache") /* strings userId/reaction, the last 16 */ \
    X(LIST,    emojis,              "emojis")               /* misskey_emojis_next */ \
    X(ARR,     tags,                "tags")                 /* strings */ \
    X(ARR,     file_ids,            "fileIds")              /* strings */ \
    X(ARR,     files,               "files")                /* array of misskey_file */ \
    X(STR,     reply_id,            "replyId") \
    FORK(STR,  reply_user_id,       "replyUserId") \
    X(STR,     renote_id,           "renoteId") \
    X(BOOL,    has_poll,            "hasPoll") \
    X(STR,     channel_id,          "channelId") \
    X(OBJ,     channel,             "channel")              /* misskey_note_channel */ \
    X(ARR,     mentions,            "mentions")             /* user ids */ \
    X(STR,     uri,                 "uri") \
    X(STR,     url,                 "url") \
    X(INT,     clipped_count,       "clippedCount") \
    X(OBJ,     poll,                "poll")                 /* misskey_poll */ \
    X(OBJ,     renote,              "renote")               /* misskey_note */ \
    X(OBJ,     reply,               "reply")                /* misskey_note */ \
    X(STR,     my_reaction,         "myReaction") \
    X(BOOL,    is_hidden,           "isHidden")             /* the content is left out: fetch it */ \
    FORK(STR,  updated_at,          "updatedAt") \
    FORK(ARR,  updated_at_history,  "updatedAtHistory")     /* dates */ \
    FORK(STR,  delete_at,           "deleteAt")             /* when it will delete itself */ \
    FORK(STR,  user_host,           "userHost") \
    FORK(STR,  mandatory_cw,        "mandatoryCW") \
    FORK(STR,  searchable_by,       "searchableBy") \
    FORK(INT,  dimension,           "dimension") \
    FORK(INT,  quote_count,         "quoteCount") \
    FORK(BOOL, is_favorited,        "isFavorited") \
    FORK(BOOL, is_renoted,          "isRenoted") \
    FORK(ARR,  my_reactions,        "myReactions")          /* strings */ \
    FORK(OBJ,  event,               "event")                /* CherryPick line: a date with a title */ \
    FORK(BOOL, renoted_by_me,       "renotedByMe") \
    FORK(BOOL, copy_once,           "copyOnce") \
    FORK(ARR,  reference_ids,       "referenceIds")         /* note ids */ \
    FORK(STR,  lang,                "lang") \
    FORK(BOOL, has_delivery_targets, "hasDeliveryTargets") \
    FORK(ARR,  note_edit_history,   "noteEditHistory")      /* strings */ \
    FORK(ARR,  history,             "history")              /* objects with text, cw and createdAt */ \
    FORK(STR,  thread_id,           "threadId") \
    FORK(BOOL, is_muting_thread,    "isMutingThread") \
    FORK(BOOL, is_muting_note,      "isMutingNote") \
    FORK(BOOL, bypass_silence,      "bypassSilence") \
    FORK(ARR,  process_errors,      "processErrors") \
    FORK(BOOL, is_first_note,       "isFirstNote") \
    OLD(OBJ,   app,                 "app")                  /* the program that posted it */ \
    OLD(BOOL,  via_mobile,          "viaMobile") \
    OLD(OBJ,   geo,                 "geo") \
    OLD(STR,   my_renote_id,        "myRenoteId") \
    ALIAS(OBJ,  reactions,          "reactionCounts") \
    ALIAS(ARR,  file_ids,           "mediaIds") \
    ALIAS(ARR,  files,              "media")

#define MISSKEY_POLL_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(BOOL,    multiple,            "multiple") \
    X(STR,     expires_at,          "expiresAt") \
    X(ARR,     choices,             "choices")              /* array of misskey_poll_choice; the order is the index */ \
    X(INT,     expired_after,       "expiredAfter")         /* drafts: milliseconds */

#define MISSKEY_POLL_CHOICE_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     text,                "text") \
    X(INT,     votes,               "votes") \
    X(BOOL,    is_voted,            "isVoted") \
    OLD(INT,   id,                  "id")

#define MISSKEY_NOTE_CHANNEL_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     id,                  "id") \
    X(STR,     name,                "name") \
    X(STR,     color,               "color") \
    X(BOOL,    is_sensitive,        "isSensitive") \
    X(BOOL,    allow_renote_to_external, "allowRenoteToExternal") \
    X(STR,     user_id,             "userId")

/* 4.1 UserLite, and what of it is in every form of a user */
#define MISSKEY_USER_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     id,                  "id") \
    X(STR,     name,                "name")                 /* null: show the username */ \
    X(STR,     username,            "username") \
    X(STR,     host,                "host")                 /* null: a user of this server */ \
    X(STR,     avatar_url,          "avatarUrl") \
    X(STR,     avatar_blurhash,     "avatarBlurhash") \
    X(ARR,     avatar_decorations,  "avatarDecorations")    /* array of misskey_decoration */ \
    X(BOOL,    is_bot,              "isBot") \
    X(BOOL,    is_cat,              "isCat") \
    X(BOOL,    require_signin,      "requireSigninToViewContents") \
    X(INT,     notes_followers_only_before, "makeNotesFollowersOnlyBefore") /* seconds; negative: before now */ \
    X(INT,     notes_hidden_before, "makeNotesHiddenBefore") \
    X(OBJ,     instance,            "instance")             /* misskey_instance */ \
    X(LIST,    emojis,              "emojis")               /* misskey_emojis_next */ \
    X(STR,     online_status,       "onlineStatus")         /* unknown, online, active, offline */ \
    X(ARR,     badge_roles,         "badgeRoles")           /* array of misskey_badge_role */ \
    FORK(BOOL, is_locked,           "isLocked") \
    FORK(BOOL, noindex,             "noindex") \
    FORK(STR,  mandatory_cw,        "mandatoryCW") \
    FORK(BOOL, is_silenced,         "isSilenced") \
    FORK(BOOL, speak_as_cat,        "speakAsCat") \
    FORK(BOOL, approved,            "approved") \
    FORK(BOOL, is_system,           "isSystem") \
    FORK(STR,  channel_id,          "channelId") \
    FORK(BOOL, set_federation_avatar_shape, "setFederationAvatarShape") \
    FORK(BOOL, is_square_avatars,   "isSquareAvatars") \
    FORK(BOOL, is_proxy,            "isProxy") \
    FORK(ARR,  attribution_domains, "attributionDomains")   /* strings */ \
    FORK(BOOL, reject_quotes,       "rejectQuotes") \
    FORK(BOOL, bypass_silence,      "bypassSilence") \
    FORK(BOOL, enable_rss,          "enableRss") \
    OLD(BOOL,  is_admin,            "isAdmin") \
    OLD(BOOL,  is_moderator,        "isModerator") \
    OLD(BOOL,  is_verified,         "isVerified") \
    OLD(JSON,  avatar_color,        "avatarColor")          /* string or array of numbers */ \
    OLD(JSON,  banner_color,        "bannerColor") \
    OLD(DEC,   drive_capacity_override_mb, "driveCapacityOverrideMb")

/* 4.2 UserDetailed: read from the same object as misskey_user */
#define MISSKEY_USER_DETAIL_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     url,                 "url") \
    X(STR,     uri,                 "uri") \
    X(STR,     moved_to,            "movedTo") \
    X(ARR,     also_known_as,       "alsoKnownAs")          /* strings */ \
    X(STR,     created_at,          "createdAt") \
    X(STR,     updated_at,          "updatedAt") \
    X(STR,     last_fetched_at,     "lastFetchedAt") \
    X(STR,     banner_url,          "bannerUrl") \
    X(STR,     banner_blurhash,     "bannerBlurhash") \
    X(BOOL,    is_locked,           "isLocked") \
    X(BOOL,    is_silenced,         "isSilenced") \
    X(BOOL,    is_suspended,        "isSuspended") \
    X(STR,     description,         "description") \
    X(STR,     location,            "location") \
    X(STR,     birthday,            "birthday") \
    X(STR,     lang,                "lang") \
    X(ARR,     fields,              "fields")               /* array of misskey_profile_field */ \
    X(ARR,     verified_links,      "verifiedLinks")        /* strings */ \
    X(INT,     followers_count,     "followersCount") \
    X(INT,     following_count,     "followingCount") \
    X(INT,     notes_count,         "notesCount") \
    X(ARR,     pinned_note_ids,     "pinnedNoteIds")        /* strings */ \
    X(ARR,     pinned_notes,        "pinnedNotes")          /* array of misskey_note */ \
    X(STR,     pinned_page_id,      "pinnedPageId") \
    X(OBJ,     pinned_page,         "pinnedPage") \
    X(BOOL,    public_reactions,    "publicReactions") \
    X(STR,     following_visibility, "followingVisibility") /* public, followers, private */ \
    X(STR,     followers_visibility, "followersVisibility") \
    X(STR,     chat_scope,          "chatScope")            /* everyone, following, followers, mutual, none */ \
    X(BOOL,    can_chat,            "canChat") \
    X(ARR,     roles,               "roles")                /* array of misskey_role */ \
    X(STR,     followed_message,    "followedMessage") \
    X(STR,     memo,                "memo") \
    X(STR,     moderation_note,     "moderationNote") \
    X(BOOL,    two_factor_enabled,  "twoFactorEnabled") \
    X(BOOL,    use_password_less_login, "usePasswordLessLogin") \
    X(BOOL,    security_keys,       "securityKeys") \
    X(BOOL,    is_following,        "isFollowing") \
    X(BOOL,    is_followed,         "isFollowed") \
    X(BOOL,    has_pending_follow_request_from_you, "hasPendingFollowRequestFromYou") \
    X(BOOL,    has_pending_follow_request_to_you, "hasPendingFollowRequestToYou") \
    X(BOOL,    is_blocking,         "isBlocking") \
    X(BOOL,    is_blocked,          "isBlocked") \
    X(BOOL,    is_muted,            "isMuted") \
    X(BOOL,    is_renote_muted,     "isRenoteMuted") \
    X(STR,     notify,              "notify")               /* normal, none */ \
    X(BOOL,    with_replies,        "withReplies") \
    OLD(OBJ,   twitter,             "twitter") \
    OLD(OBJ,   github,              "github") \
    OLD(OBJ,   discord,             "discord") \
    OLD(STR,   ff_visibility,       "ffVisibility") \
    FORK(INT,  points,              "points") \
    FORK(STR,  background_url,      "backgroundUrl") \
    FORK(STR,  listenbrainz,        "listenbrainz") \
    FORK(STR,  points_visibility,   "pointsVisibility") \
    FORK(STR,  background_blurhash, "backgroundBlurhash") \
    FORK(STR,  moved_to_uri,        "movedToUri") \
    FORK(STR,  moved_to_user_id,    "movedToUserId") \
    FORK(OBJ,  moved_to_user,       "movedToUser")          /* misskey_user */ \
    FORK(BOOL, is_indexable,        "isIndexable") \
    FORK(STR,  searchable_by,       "searchableBy") \
    FORK(ARR,  mutual_link_sections, "mutualLinkSections") \
    FORK(BOOL, is_limited,          "isLimited") \
    FORK(STR,  notes_count_visibility, "notesCountVisibility") \
    FORK(INT,  reference_followers_count, "referenceFollowersCount") \
    FORK(INT,  reference_following_count, "referenceFollowingCount") \
    FORK(BOOL, is_disabled,         "isDisabled") \
    FORK(BOOL, is_hidden,           "isHidden") \
    FORK(BOOL, is_fox,              "isFox") \
    FORK(BOOL, is_force_sensitive,  "isForceSensitive") \
    FORK(BOOL, is_local_silenced,   "isLocalSilenced") \
    FORK(BOOL, is_private_silenced, "isPrivateSilenced")

/* 4.3 MeDetailed: read from the same object as misskey_user and misskey_user_detail */
#define MISSKEY_ME_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     avatar_id,           "avatarId") \
    X(STR,     banner_id,           "bannerId") \
    X(STR,     followed_message,    "followedMessage") \
    X(BOOL,    is_moderator,        "isModerator") \
    X(BOOL,    is_admin,            "isAdmin") \
    X(BOOL,    inject_featured_note, "injectFeaturedNote") \
    X(BOOL,    receive_announcement_email, "receiveAnnouncementEmail") \
    X(BOOL,    always_mark_nsfw,    "alwaysMarkNsfw") \
    X(BOOL,    auto_sensitive,      "autoSensitive") \
    X(BOOL,    careful_bot,         "carefulBot") \
    X(BOOL,    auto_accept_followed, "autoAcceptFollowed") \
    X(BOOL,    no_crawle,           "noCrawle") \
    X(BOOL,    prevent_ai_learning, "preventAiLearning") \
    X(BOOL,    is_explorable,       "isExplorable") \
    X(BOOL,    is_deleted,          "isDeleted") \
    X(STR,     two_factor_backup_codes_stock, "twoFactorBackupCodesStock") /* full, partial, none */ \
    X(BOOL,    hide_online_status,  "hideOnlineStatus") \
    X(BOOL,    has_unread_specified_notes, "hasUnreadSpecifiedNotes") \
    X(BOOL,    has_unread_mentions, "hasUnreadMentions") \
    X(BOOL,    has_unread_chat_messages, "hasUnreadChatMessages") \
    X(BOOL,    has_unread_announcement, "hasUnreadAnnouncement") \
    X(ARR,     unread_announcements, "unreadAnnouncements") /* array of misskey_announcement */ \
    X(BOOL,    has_unread_antenna,  "hasUnreadAntenna") \
    X(BOOL,    has_unread_channel,  "hasUnreadChannel") \
    X(BOOL,    has_unread_notification, "hasUnreadNotification") \
    X(BOOL,    has_pending_received_follow_request, "hasPendingReceivedFollowRequest") \
    X(INT,     unread_notifications_count, "unreadNotificationsCount") \
    X(ARR,     muted_words,         "mutedWords")           /* each an array of strings, or a string */ \
    X(ARR,     hard_muted_words,    "hardMutedWords") \
    X(ARR,     muted_instances,     "mutedInstances")       /* strings */ \
    X(OBJ,     notification_recieve_config, "notificationRecieveConfig") /* spelled so; map type -> {type} */ \
    X(ARR,     email_notification_types, "emailNotificationTypes") /* strings */ \
    X(ARR,     achievements,        "achievements")         /* array of misskey_achievement */ \
    X(INT,     logged_in_days,      "loggedInDays") \
    X(OBJ,     policies,            "policies")             /* map */ \
    X(BOOL,    two_factor_enabled,  "twoFactorEnabled") \
    X(BOOL,    use_password_less_login, "usePasswordLessLogin") \
    X(BOOL,    security_keys,       "securityKeys") \
    X(STR,     email,               "email") \
    X(BOOL,    email_verified,      "emailVerified") \
    X(ARR,     security_keys_list,  "securityKeysList")     /* array of misskey_security_key */ \
    OLD(BOOL,  has_unread_messaging_message, "hasUnreadMessagingMessage") \
    OLD(OBJ,   integrations,        "integrations") \
    OLD(ARR,   muting_notification_types, "mutingNotificationTypes") /* strings */ \
    OLD(OBJ,   client_settings,     "clientSettings") \
    OLD(OBJ,   settings,            "settings") \
    OLD(BOOL,  show_timeline_replies, "showTimelineReplies") \
    OLD(BOOL,  auto_watch,          "autoWatch") \
    OLD(OBJ,   client_data,         "clientData") \
    OLD(INT,   pending_received_follow_requests_count, "pendingReceivedFollowRequestsCount") \
    FORK(BOOL, has_pending_sent_follow_request, "hasPendingSentFollowRequest") \
    FORK(STR,  background_id,       "backgroundId") \
    FORK(STR,  signup_reason,       "signupReason") \
    FORK(BOOL, default_sensitive,   "defaultSensitive") \
    FORK(STR,  default_cw,          "defaultCW") \
    FORK(STR,  default_cw_priority, "defaultCWPriority")    /* default, parent, ... */ \
    FORK(STR,  allow_unsigned_fetch, "allowUnsignedFetch") \
    FORK(JSON, ai_translation_config, "aiTranslationConfig") /* any value */ \
    FORK(JSON, sk_also_known_as,    "skAlsoKnownAs")        /* any value */ \
    FORK(STR,  deleted_at,          "deletedAt") \
    FORK(ARR,  permissions,         "permissions")          /* strings */ \
    FORK(STR,  posting_lang,        "postingLang") \
    FORK(ARR,  viewing_langs,       "viewingLangs")         /* strings */ \
    FORK(BOOL, show_hashtags_in_all_languages, "showHashtagsInAllLanguages") \
    FORK(BOOL, show_media_in_all_languages, "showMediaInAllLanguages") \
    FORK(BOOL, allow_follow,        "allowFollow") \
    FORK(BOOL, broadcast_reactions, "broadcastReactions") \
    FORK(BOOL, federate_blocks,     "federateBlocks")

#define MISSKEY_INSTANCE_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     name,                "name") \
    X(STR,     software_name,       "softwareName") \
    X(STR,     software_version,    "softwareVersion") \
    X(STR,     icon_url,            "iconUrl") \
    X(STR,     favicon_url,         "faviconUrl") \
    X(STR,     theme_color,         "themeColor") \
    FORK(BOOL, is_silenced,         "isSilenced") \
    FORK(STR,  mandatory_cw,        "mandatoryCW")

#define MISSKEY_DECORATION_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     id,                  "id") \
    X(DEC,     angle,               "angle")                /* turns */ \
    X(BOOL,    flip_h,              "flipH") \
    X(STR,     url,                 "url") \
    X(DEC,     offset_x,            "offsetX") \
    X(DEC,     offset_y,            "offsetY")

#define MISSKEY_BADGE_ROLE_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     name,                "name") \
    X(STR,     icon_url,            "iconUrl") \
    X(INT,     display_order,       "displayOrder")

#define MISSKEY_PROFILE_FIELD_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     name,                "name") \
    X(STR,     value,               "value")

#define MISSKEY_ACHIEVEMENT_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     name,                "name") \
    X(INT,     unlocked_at,         "unlockedAt")           /* milliseconds since 1970 */

#define MISSKEY_SECURITY_KEY_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     id,                  "id") \
    X(STR,     name,                "name") \
    X(STR,     last_used,           "lastUsed")

/* 5 every type; misskey_notification_find(type) */
#define MISSKEY_NOTIFICATION_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     id,                  "id") \
    X(STR,     created_at,          "createdAt") \
    X(STR,     type,                "type") \
    X(STR,     user_id,             "userId") \
    X(OBJ,     user,                "user")                 /* misskey_user */ \
    X(OBJ,     note,                "note")                 /* misskey_note */ \
    X(STR,     reaction,            "reaction") \
    X(STR,     message,             "message")              /* followRequestAccepted */ \
    X(OBJ,     role,                "role")                 /* misskey_role */ \
    X(OBJ,     invitation,          "invitation")           /* misskey_chat_invitation */ \
    X(STR,     achievement,         "achievement") \
    X(STR,     exported_entity,     "exportedEntity") \
    X(STR,     file_id,             "fileId") \
    X(OBJ,     note_draft,          "noteDraft")            /* misskey_note_draft */ \
    FORK(OBJ,  draft,               "draft")                /* misskey_note_draft */ \
    X(STR,     body,                "body")                 /* app */ \
    X(STR,     header,              "header") \
    X(STR,     icon,                "icon") \
    FORK(STR,  ip,                  "ip")                   /* login */ \
    FORK(INT,  points,              "points")               /* loginBonus */ \
    FORK(STR,  reason,              "reason")               /* scheduledNoteFailed */ \
    OLD(INT,   choice,              "choice")               /* pollVote */ \
    OLD(BOOL,  is_read,             "isRead") \
    X(ARR,     reactions,           "reactions")            /* reaction:grouped: array of misskey_reaction */ \
    X(ARR,     users,               "users")                /* renote:grouped: array of misskey_user */

/* 2 the body of noteUpdated, all of its forms; id and type are in the message */
#define MISSKEY_NOTE_UPDATE_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     reaction,            "reaction") \
    X(OBJ,     emoji,               "emoji")                /* null: a Unicode emoji */ \
    X(STR,     user_id,             "userId") \
    X(INT,     choice,              "choice")               /* index; v10: id of the choice */ \
    X(STR,     deleted_at,          "deletedAt") \
    FORK(STR,  text,                "text") \
    FORK(STR,  cw,                  "cw") \
    FORK(STR,  updated_at,          "updatedAt") \
    FORK(STR,  delete_at,           "deleteAt") \
    FORK(ARR,  file_ids,            "fileIds")              /* strings */ \
    FORK(ARR,  files,               "files")                /* array of misskey_file */ \
    FORK(BOOL, disable_right_click, "disableRightClick") \
    FORK(OBJ,  note,                "note")                 /* misskey_note: the whole of it */ \
    FORK(STR,  id,                  "id")                   /* replied: the reply */ \
    FORK(STR,  renotee_id,          "renoteeId") \
    IN(STR,    emoji_name,          emoji, "name")          /* name@host, name@. or name */ \
    IN(STR,    emoji_url,           emoji, "url")

/* 6.1; width and height may be absent */
#define MISSKEY_FILE_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     id,                  "id") \
    X(STR,     created_at,          "createdAt") \
    X(STR,     name,                "name") \
    X(STR,     type,                "type")                 /* MIME */ \
    X(STR,     md5,                 "md5") \
    X(INT,     size,                "size")                 /* bytes */ \
    X(BOOL,    is_sensitive,        "isSensitive") \
    X(STR,     blurhash,            "blurhash") \
    X(OBJ,     properties,          "properties") \
    X(STR,     url,                 "url") \
    X(STR,     thumbnail_url,       "thumbnailUrl") \
    X(STR,     comment,             "comment")              /* description for those who do not see it */ \
    X(STR,     folder_id,           "folderId") \
    X(OBJ,     folder,              "folder")               /* misskey_folder */ \
    X(STR,     user_id,             "userId") \
    X(OBJ,     user,                "user")                 /* misskey_user */ \
    FORK(BOOL, is_sensitive_by_moderator, "isSensitiveByModerator") \
    OLD(STR,   src,                 "src") \
    OLD(ARR,   attached_note_ids,   "attachedNoteIds")      /* strings */ \
    OLD(JSON,  webpublic,           "webpublic")            /* any value */ \
    ALIAS(INT, size,                "datasize") \
    IN(INT,    width,               properties, "width") \
    IN(INT,    height,              properties, "height") \
    IN(INT,    orientation,         properties, "orientation") /* EXIF */ \
    IN(JSON,   avg_color,           properties, "avgColor") /* string; v10: numbers */

/* 6.2 */
#define MISSKEY_FOLDER_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     id,                  "id") \
    X(STR,     created_at,          "createdAt") \
    X(STR,     name,                "name") \
    X(STR,     parent_id,           "parentId") \
    X(INT,     folders_count,       "foldersCount") \
    X(INT,     files_count,         "filesCount") \
    X(OBJ,     parent,              "parent")               /* misskey_folder */

/* 7.1 and 7.2: ChatMessageLite has no to_user and to_room */
#define MISSKEY_CHAT_MESSAGE_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     id,                  "id") \
    X(STR,     created_at,          "createdAt") \
    X(STR,     text,                "text") \
    FORK(BOOL, is_e2ee,             "isE2ee") \
    FORK(STR,  ciphertext,          "ciphertext") \
    FORK(BOOL, encrypted_at_rest,   "encryptedAtRest") \
    X(STR,     from_user_id,        "fromUserId") \
    X(OBJ,     from_user,           "fromUser")             /* misskey_user */ \
    X(STR,     to_user_id,          "toUserId") \
    X(OBJ,     to_user,             "toUser")               /* misskey_user */ \
    X(STR,     to_room_id,          "toRoomId") \
    X(OBJ,     to_room,             "toRoom")               /* misskey_chat_room */ \
    X(STR,     file_id,             "fileId") \
    X(OBJ,     file,                "file")                 /* misskey_file */ \
    X(ARR,     reactions,           "reactions")            /* array of misskey_reaction */ \
    FORK(STR,  from_name,           "fromName") \
    FORK(STR,  from_username,       "fromUsername") \
    FORK(STR,  reply_id,            "replyId") \
    FORK(OBJ,  reply,               "reply")                /* misskey_chat_message */ \
    X(BOOL,    is_read,             "isRead")

/* One reaction of one user: react and unreact of chats, elements of chat messages and of reaction:grouped, and of
   reversi games */
#define MISSKEY_REACTION_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     message_id,          "messageId") \
    X(OBJ,     user,                "user")                 /* misskey_user */ \
    X(STR,     reaction,            "reaction") \
    FORK(STR,  user_id,             "userId")

/* 7.3 */
#define MISSKEY_CHAT_ROOM_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     id,                  "id") \
    X(STR,     created_at,          "createdAt") \
    X(STR,     name,                "name") \
    X(STR,     description,         "description") \
    X(STR,     owner_id,            "ownerId") \
    X(OBJ,     owner,               "owner")                /* misskey_user */ \
    X(BOOL,    is_muted,            "isMuted") \
    X(BOOL,    invitation_exists,   "invitationExists") \
    FORK(STR,  join_policy,         "joinPolicy") \
    FORK(STR,  announcement,        "announcement") \
    FORK(BOOL, is_member,           "isMember") \
    FORK(BOOL, can_join,            "canJoin") \
    FORK(STR,  my_role,             "myRole")               /* owner, ... */ \
    FORK(STR,  invite_code,         "inviteCode") \
    FORK(BOOL, is_muted_all,        "isMutedAll") \
    FORK(INT,  message_rate_limit_seconds, "messageRateLimitSeconds")

/* 7.3; groups of users up to 13.6 and in forks: id and group */
#define MISSKEY_CHAT_INVITATION_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     id,                  "id") \
    X(STR,     created_at,          "createdAt") \
    X(STR,     room_id,             "roomId") \
    X(OBJ,     room,                "room")                 /* misskey_chat_room */ \
    X(STR,     user_id,             "userId") \
    X(OBJ,     user,                "user")                 /* misskey_user */ \
    OLD(OBJ,   group,               "group")                /* object with id, createdAt, name, ownerId, userIds */ \
    FORK(STR,  role,                "role") \
    FORK(STR,  muted_until,         "mutedUntil")

/* 7.4 */
#define MISSKEY_MESSAGING_MESSAGE_FIELDS(X, OLD, FORK, ALIAS, IN) \
    OLD(STR,   id,                  "id") \
    OLD(STR,   created_at,          "createdAt") \
    OLD(STR,   text,                "text") \
    OLD(STR,   user_id,             "userId") \
    OLD(OBJ,   user,                "user")                 /* misskey_user */ \
    OLD(STR,   recipient_id,        "recipientId") \
    OLD(OBJ,   recipient,           "recipient")            /* misskey_user */ \
    OLD(STR,   group_id,            "groupId") \
    OLD(OBJ,   group,               "group")                /* object with id, createdAt, name, ownerId, userIds */ \
    OLD(STR,   file_id,             "fileId") \
    OLD(OBJ,   file,                "file")                 /* misskey_file */ \
    OLD(BOOL,  is_read,             "isRead") \
    OLD(ARR,   reads,               "reads")                /* user ids */

/* 8.1; also the elements of emojis lists up to 12.119 */
#define MISSKEY_EMOJI_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     id,                  "id") \
    X(ARR,     aliases,             "aliases")              /* strings */ \
    X(STR,     name,                "name") \
    X(STR,     category,            "category") \
    X(STR,     host,                "host") \
    X(STR,     url,                 "url") \
    X(STR,     license,             "license") \
    X(BOOL,    is_sensitive,        "isSensitive") \
    X(BOOL,    local_only,          "localOnly") \
    X(ARR,     role_ids,            "roleIdsThatCanBeUsedThisEmojiAsReaction") /* strings */ \
    FORK(ARR,  excluded_role_ids,   "roleIdsThatCanNotBeUsedThisEmojiAsReaction") /* strings */ \
    OLD(INT,   width,               "width") \
    OLD(INT,   height,              "height")

/* 8.2 */
#define MISSKEY_ANNOUNCEMENT_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     id,                  "id") \
    X(STR,     created_at,          "createdAt") \
    X(STR,     updated_at,          "updatedAt") \
    X(STR,     title,               "title") \
    X(STR,     text,                "text") \
    X(STR,     image_url,           "imageUrl") \
    X(STR,     icon,                "icon")                 /* info, warning, error, success */ \
    X(STR,     display,             "display")              /* dialog, normal, banner */ \
    X(BOOL,    for_you,             "forYou") \
    X(BOOL,    need_confirmation_to_read, "needConfirmationToRead") \
    X(BOOL,    silence,             "silence") \
    X(BOOL,    is_read,             "isRead") \
    FORK(INT,  display_order,       "displayOrder") \
    FORK(INT,  close_duration,      "closeDuration") \
    FORK(BOOL, need_enrollment_tutorial_to_read, "needEnrollmentTutorialToRead") \
    FORK(BOOL, confetti,            "confetti") \
    FORK(BOOL, is_active,           "isActive") \
    FORK(BOOL, for_existing_users,  "forExistingUsers") \
    FORK(STR,  user_id,             "userId")

/* 8.3; the raw row of 12.0 to 13.10 as well */
#define MISSKEY_ANTENNA_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     id,                  "id") \
    X(STR,     created_at,          "createdAt") \
    X(STR,     name,                "name") \
    X(ARR,     keywords,            "keywords")             /* arrays of strings */ \
    X(ARR,     exclude_keywords,    "excludeKeywords") \
    X(STR,     src,                 "src")                  /* home, all, users, list, users_blacklist */ \
    X(STR,     user_list_id,        "userListId") \
    X(ARR,     users,               "users")                /* strings */ \
    X(BOOL,    case_sensitive,      "caseSensitive") \
    X(BOOL,    local_only,          "localOnly") \
    X(BOOL,    exclude_bots,        "excludeBots") \
    X(BOOL,    with_replies,        "withReplies") \
    X(BOOL,    with_file,           "withFile") \
    X(BOOL,    is_active,           "isActive") \
    X(BOOL,    has_unread_note,     "hasUnreadNote") \
    X(BOOL,    notify,              "notify") \
    X(BOOL,    exclude_notes_in_sensitive_channel, "excludeNotesInSensitiveChannel") \
    OLD(STR,   user_id,             "userId") \
    OLD(STR,   user_group_joining_id, "userGroupJoiningId") \
    OLD(STR,   expression,          "expression")

/* 8.4; headers may hold cookies: a secret */
#define MISSKEY_SIGNIN_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     id,                  "id") \
    X(STR,     created_at,          "createdAt") \
    X(STR,     ip,                  "ip") \
    X(OBJ,     headers,             "headers")              /* map */ \
    FORK(STR,  fingerprint,         "fingerprint") \
    FORK(STR,  user_agent,          "userAgent") \
    X(BOOL,    success,             "success") \
    OLD(STR,   user_id,             "userId")

/* 8.5 */
#define MISSKEY_PAGE_EVENT_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     page_id,             "pageId") \
    X(STR,     event,               "event") \
    X(JSON,    var,                 "var")                  /* any value */ \
    X(STR,     user_id,             "userId") \
    X(OBJ,     user,                "user")                 /* misskey_user, misskey_user_detail */

/* urlUploadFinished */
#define MISSKEY_URL_UPLOAD_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     marker,              "marker") \
    X(OBJ,     file,                "file")                 /* misskey_file */

/* One value of a store of keys: registryUpdated; updateSettings and updateForm of games; settings and widgets of v10 */
#define MISSKEY_SETTING_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     user_id,             "userId") \
    X(ARR,     scope,               "scope")                /* strings */ \
    X(STR,     key,                 "key") \
    X(JSON,    value,               "value")                /* any value */ \
    OLD(STR,   id,                  "id")                   /* of the widget, or of the element of the form */ \
    ALIAS(JSON, value,              "data")

/* 8.6 */
#define MISSKEY_SERVER_STATS_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(DEC,     cpu,                 "cpu")                  /* 0 to 1 */ \
    X(OBJ,     mem,                 "mem") \
    X(OBJ,     net,                 "net") \
    X(OBJ,     fs,                  "fs") \
    OLD(OBJ,   disk,                "disk") \
    OLD(DEC,   os_uptime,           "os_uptime")            /* seconds */ \
    OLD(DEC,   process_uptime,      "process_uptime") \
    ALIAS(DEC, cpu,                 "cpu_usage") \
    IN(DEC,    mem_used,            mem, "used")            /* bytes */ \
    IN(DEC,    mem_active,          mem, "active") \
    IN(DEC,    mem_total,           mem, "total") \
    IN(DEC,    net_rx,              net, "rx")              /* bytes a second */ \
    IN(DEC,    net_tx,              net, "tx") \
    IN(DEC,    fs_r,                fs, "r")                /* operations a second */ \
    IN(DEC,    fs_w,                fs, "w") \
    IN(DEC,    disk_available,      disk, "available")      /* bytes */ \
    IN(DEC,    disk_free,           disk, "free") \
    IN(DEC,    disk_total,          disk, "total")

/* 8.7; the queues that have no parts here have the members of these two */
#define MISSKEY_QUEUE_STATS_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(OBJ,     deliver,             "deliver") \
    X(OBJ,     inbox,               "inbox") \
    OLD(OBJ,   db,                  "db")                   /* and Sharkey */ \
    OLD(OBJ,   object_storage,      "objectStorage") \
    FORK(OBJ,  system,              "system") \
    FORK(OBJ,  relationship,        "relationship") \
    FORK(OBJ,  ended_poll_notification, "endedPollNotification") \
    FORK(OBJ,  schedule_note_post,  "scheduleNotePost") \
    FORK(OBJ,  user_webhook_deliver, "userWebhookDeliver") \
    FORK(OBJ,  system_webhook_deliver, "systemWebhookDeliver") \
    FORK(OBJ,  background_task,     "backgroundTask") \
    FORK(OBJ,  daemon,              "daemon") \
    IN(INT,    deliver_active_since_prev_tick, deliver, "activeSincePrevTick") \
    IN(INT,    deliver_active,      deliver, "active") \
    IN(INT,    deliver_waiting,     deliver, "waiting") \
    IN(INT,    deliver_delayed,     deliver, "delayed") \
    IN(INT,    deliver_completed,   deliver, "completed")   /* Sharkey */ \
    IN(INT,    deliver_failed,      deliver, "failed") \
    IN(INT,    inbox_active_since_prev_tick, inbox, "activeSincePrevTick") \
    IN(INT,    inbox_active,        inbox, "active") \
    IN(INT,    inbox_waiting,       inbox, "waiting") \
    IN(INT,    inbox_delayed,       inbox, "delayed") \
    IN(INT,    inbox_completed,     inbox, "completed") \
    IN(INT,    inbox_failed,        inbox, "failed")

/* channels.md 3.12 */
#define MISSKEY_NOTES_STATS_FIELDS(X, OLD, FORK, ALIAS, IN) \
    OLD(INT,   all,                 "all") \
    OLD(INT,   local,               "local")

#define MISSKEY_AP_LOG_FIELDS(X, OLD, FORK, ALIAS, IN) \
    OLD(STR,   direction,           "direction")            /* in, out */ \
    OLD(STR,   activity,            "activity") \
    OLD(STR,   host,                "host") \
    OLD(STR,   actor,               "actor")

/* 8.8 and 8.9 */
#define MISSKEY_REVERSI_GAME_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     id,                  "id") \
    X(STR,     created_at,          "createdAt") \
    X(STR,     started_at,          "startedAt") \
    X(STR,     ended_at,            "endedAt") \
    X(BOOL,    is_started,          "isStarted") \
    X(BOOL,    is_ended,            "isEnded") \
    X(JSON,    form1,               "form1")                /* any value */ \
    X(JSON,    form2,               "form2") \
    X(BOOL,    user1_ready,         "user1Ready") \
    X(BOOL,    user2_ready,         "user2Ready") \
    X(STR,     user1_id,            "user1Id") \
    X(STR,     user2_id,            "user2Id") \
    X(OBJ,     user1,               "user1")                /* misskey_user */ \
    X(OBJ,     user2,               "user2") \
    X(STR,     winner_id,           "winnerId") \
    X(OBJ,     winner,              "winner")               /* misskey_user */ \
    X(STR,     surrendered_user_id, "surrenderedUserId") \
    X(STR,     timeout_user_id,     "timeoutUserId") \
    X(INT,     black,               "black")                /* 1 or 2 */ \
    X(JSON,    bw,                  "bw")                   /* string: random, 1, 2; v10: or a number */ \
    X(BOOL,    is_llotheo,          "isLlotheo") \
    X(BOOL,    can_put_everywhere,  "canPutEverywhere") \
    X(BOOL,    looped_board,        "loopedBoard") \
    X(INT,     time_limit_for_each_turn, "timeLimitForEachTurn") /* seconds */ \
    X(BOOL,    no_irregular_rules,  "noIrregularRules") \
    X(ARR,     logs,                "logs")                 /* misskey_reversi_logs_next; old: misskey_reversi_log */ \
    X(ARR,     map,                 "map")                  /* strings, one a row: - empty, b, w, space = no cell */ \
    OLD(STR,   crc32,               "crc32") \
    OLD(OBJ,   settings,            "settings")             /* v10: map, bw and rules, as above */ \
    ALIAS(BOOL, user1_ready,        "user1Accepted") \
    ALIAS(BOOL, user2_ready,        "user2Accepted") \
    ALIAS(STR, surrendered_user_id, "surrendered")

/* channels.md 3.7, 3.8, 3.13: what has no form of its own */
#define MISSKEY_REVERSI_EVENT_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(OBJ,     game,                "game")                 /* matched, started, ended: misskey_reversi_game */ \
    X(OBJ,     user,                "user")                 /* invited: misskey_user */ \
    X(BOOL,    user1,               "user1")                /* changeReadyStates, changeAccepts */ \
    X(BOOL,    user2,               "user2") \
    X(STR,     winner_id,           "winnerId")             /* ended */ \
    X(STR,     user_id,             "userId")               /* canceled, initForm, message */ \
    OLD(ARR,   form,                "form")                 /* initForm: array */ \
    OLD(OBJ,   message,             "message")              /* message: object */

/* log, and set up to 12.101; elements of the old logs */
#define MISSKEY_REVERSI_LOG_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(INT,     time,                "time")                 /* milliseconds since 1970 */ \
    X(BOOL,    player,              "player")               /* true = black */ \
    X(STR,     operation,           "operation")            /* put */ \
    X(INT,     pos,                 "pos") \
    X(STR,     id,                  "id")                   /* as given to putStone */ \
    OLD(STR,   at,                  "at")                   /* date */ \
    OLD(BOOL,  next,                "next")                 /* true = black; null = the game has ended */ \
    ALIAS(BOOL, player,             "color")

#define MISSKEY_REVERSI_INVITATION_FIELDS(X, OLD, FORK, ALIAS, IN) \
    OLD(STR,   id,                  "id") \
    OLD(STR,   created_at,          "createdAt") \
    OLD(STR,   parent_id,           "parentId") \
    OLD(OBJ,   parent,              "parent")               /* misskey_user */ \
    OLD(STR,   child_id,            "childId") \
    OLD(OBJ,   child,               "child")                /* misskey_user */

/* channels.md 3.6 */
#define MISSKEY_ABUSE_REPORT_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     id,                  "id") \
    X(STR,     target_user_id,      "targetUserId") \
    X(STR,     reporter_id,         "reporterId") \
    X(STR,     comment,             "comment")

/* 8.10; RoleLite has the first of them */
#define MISSKEY_ROLE_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     id,                  "id") \
    X(STR,     created_at,          "createdAt") \
    X(STR,     updated_at,          "updatedAt") \
    X(STR,     name,                "name") \
    X(STR,     description,         "description") \
    X(STR,     color,               "color") \
    X(STR,     icon_url,            "iconUrl") \
    X(STR,     target,              "target")               /* manual, conditional */ \
    X(OBJ,     cond_formula,        "condFormula") \
    X(BOOL,    is_public,           "isPublic") \
    X(BOOL,    is_administrator,    "isAdministrator") \
    X(BOOL,    is_moderator,        "isModerator") \
    X(BOOL,    is_explorable,       "isExplorable") \
    X(BOOL,    as_badge,            "asBadge") \
    X(BOOL,    can_edit_members_by_moderator, "canEditMembersByModerator") \
    X(INT,     display_order,       "displayOrder") \
    X(OBJ,     policies,            "policies")             /* map */ \
    X(INT,     users_count,         "usersCount") \
    X(BOOL,    preserve_assignment_on_move_account, "preserveAssignmentOnMoveAccount") \
    FORK(STR,  badge_behavior,      "badgeBehavior")

/* 8.11, and the drafts of MisskeyIO */
#define MISSKEY_NOTE_DRAFT_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(STR,     id,                  "id") \
    X(STR,     created_at,          "createdAt") \
    FORK(STR,  updated_at,          "updatedAt") \
    X(JSON,    scheduled_at,        "scheduledAt")          /* number: milliseconds since 1970; MisskeyIO: date */ \
    FORK(STR,  reason,              "reason")               /* why it failed */ \
    X(STR,     text,                "text") \
    X(STR,     cw,                  "cw") \
    X(STR,     user_id,             "userId") \
    X(OBJ,     user,                "user")                 /* misskey_user */ \
    X(STR,     reply_id,            "replyId") \
    X(STR,     renote_id,           "renoteId") \
    X(OBJ,     reply,               "reply")                /* misskey_note */ \
    X(OBJ,     renote,              "renote")               /* misskey_note */ \
    X(STR,     visibility,          "visibility") \
    X(ARR,     visible_user_ids,    "visibleUserIds")       /* strings */ \
    X(ARR,     file_ids,            "fileIds")              /* strings */ \
    X(ARR,     files,               "files")                /* array of misskey_file */ \
    X(STR,     hashtag,             "hashtag") \
    X(OBJ,     poll,                "poll")                 /* as misskey_poll, but choices are strings */ \
    X(STR,     channel_id,          "channelId") \
    X(OBJ,     channel,             "channel")              /* misskey_note_channel */ \
    X(BOOL,    local_only,          "localOnly") \
    X(STR,     reaction_acceptance, "reactionAcceptance") \
    X(BOOL,    is_actually_scheduled, "isActuallyScheduled") \
    FORK(OBJ,  data,                "data")                 /* MisskeyIO: the note to be: text, cw, visibility, ... */

/* What one member wraps: emojiAdded, emojiUpdated, emojiDeleted, announcementCreated, userUpdated, userAvatarUpdated */
#define MISSKEY_BROADCAST_FIELDS(X, OLD, FORK, ALIAS, IN) \
    X(OBJ,     emoji,               "emoji")                /* misskey_emoji */ \
    X(ARR,     emojis,              "emojis")               /* array of misskey_emoji */ \
    X(OBJ,     announcement,        "announcement")         /* misskey_announcement */ \
    FORK(OBJ,  user,                "user")                 /* misskey_user */ \
    FORK(STR,  updated_at,          "updatedAt")

/* forks-observed.md, Sharkey: something of the user's own was made */
#define MISSKEY_CONTENT_FIELDS(X, OLD, FORK, ALIAS, IN) \
    FORK(STR,  kind,                "kind") \
    FORK(STR,  id,                  "id") \
    FORK(OBJ,  item,                "item")

/* forks-observed.md, Sharkey: answers to operations */
#define MISSKEY_ANSWER_FIELDS(X, OLD, FORK, ALIAS, IN) \
    FORK(STR,  req_id,              "reqId") \
    FORK(BOOL, ok,                  "ok") \
    FORK(STR,  code,                "code")                 /* of an error */ \
    FORK(STR,  message,             "message") \
    FORK(INT,  deleted,             "deleted")              /* how many */ \
    FORK(STR,  room_id,             "roomId") \
    FORK(OBJ,  room,                "room")                 /* misskey_chat_room */ \
    FORK(OBJ,  user,                "user")                 /* misskey_user */ \
    FORK(ARR,  messages,            "messages")             /* array of misskey_chat_message */ \
    FORK(ARR,  memberships,         "memberships")          /* array of misskey_chat_invitation */ \
    FORK(ARR,  notifications,       "notifications")        /* array of misskey_notification */ \
    FORK(BOOL, has_more,            "hasMore") \
    FORK(STR,  until_id,            "untilId")

/* X(entity, LIST): all of the above */
#define MISSKEY_ENTITY_LIST(X) \
    X(note, NOTE)                   X(poll, POLL)                   X(poll_choice, POLL_CHOICE) \
    X(note_channel, NOTE_CHANNEL)   X(user, USER)                   X(user_detail, USER_DETAIL) \
    X(me, ME)                       X(instance, INSTANCE)           X(decoration, DECORATION) \
    X(badge_role, BADGE_ROLE)       X(profile_field, PROFILE_FIELD) X(achievement, ACHIEVEMENT) \
    X(security_key, SECURITY_KEY)   X(notification, NOTIFICATION)   X(note_update, NOTE_UPDATE) \
    X(file, FILE)                   X(folder, FOLDER)               X(chat_message, CHAT_MESSAGE) \
    X(reaction, REACTION)           X(chat_room, CHAT_ROOM)         X(chat_invitation, CHAT_INVITATION) \
    X(messaging_message, MESSAGING_MESSAGE) X(emoji, EMOJI)         X(announcement, ANNOUNCEMENT) \
    X(antenna, ANTENNA)             X(signin, SIGNIN)               X(page_event, PAGE_EVENT) \
    X(url_upload, URL_UPLOAD)       X(setting, SETTING)             X(server_stats, SERVER_STATS) \
    X(queue_stats, QUEUE_STATS)     X(notes_stats, NOTES_STATS)     X(ap_log, AP_LOG) \
    X(reversi_game, REVERSI_GAME)   X(reversi_event, REVERSI_EVENT) X(reversi_log, REVERSI_LOG) \
    X(reversi_invitation, REVERSI_INVITATION) X(abuse_report, ABUSE_REPORT) X(role, ROLE) \
    X(note_draft, NOTE_DRAFT)       X(broadcast, BROADCAST)         X(content, CONTENT) \
    X(answer, ANSWER)

/* misskey_note and the others: a member for each row, and .has with a byte of the same name, misskey_presence. */
typedef enum misskey_presence { MISSKEY_ABSENT, MISSKEY_NULL, MISSKEY_PRESENT } misskey_presence;

#define MISSKEY_STR_ misskey_jstr
#define MISSKEY_BOOL_ bool
#define MISSKEY_INT_ int64_t
#define MISSKEY_DEC_ misskey_decimal
#define MISSKEY_OBJ_ misskey_json
#define MISSKEY_ARR_ misskey_json
#define MISSKEY_LIST_ misskey_json
#define MISSKEY_JSON_ misskey_json
#define MISSKEY_M_(kind, member, name) MISSKEY_##kind##_ member;
#define MISSKEY_M_IN_(kind, member, outer, name) MISSKEY_##kind##_ member;
#define MISSKEY_H_(kind, member, name) uint8_t member;
#define MISSKEY_H_IN_(kind, member, outer, name) uint8_t member;
#define MISSKEY_NO_(kind, member, name)
#define MISSKEY_X_(name, NAME) \
    typedef struct misskey_##name { \
        MISSKEY_##NAME##_FIELDS(MISSKEY_M_, MISSKEY_M_, MISSKEY_M_, MISSKEY_NO_, MISSKEY_M_IN_) \
        struct { MISSKEY_##NAME##_FIELDS(MISSKEY_H_, MISSKEY_H_, MISSKEY_H_, MISSKEY_NO_, MISSKEY_H_IN_) } has; \
    } misskey_##name;
MISSKEY_ENTITY_LIST(MISSKEY_X_)
#undef MISSKEY_X_
#undef MISSKEY_STR_
#undef MISSKEY_BOOL_
#undef MISSKEY_INT_
#undef MISSKEY_DEC_
#undef MISSKEY_OBJ_
#undef MISSKEY_ARR_
#undef MISSKEY_LIST_
#undef MISSKEY_JSON_
#undef MISSKEY_M_
#undef MISSKEY_M_IN_
#undef MISSKEY_H_
#undef MISSKEY_H_IN_
#undef MISSKEY_NO_

/*
    misskey_note_read, misskey_user_read, ... -- the members of one object

        misskey_note note;
        misskey_user user;
        if (misskey_note_read(event.message.body, &note) && misskey_user_read(note.user, &user)) {
            if (note.has.cw == MISSKEY_PRESENT) use(note.cw, note.poll);
        }

    One walk over the object; nested objects are skipped and read when they are wanted. Nothing is allocated or copied.

    Returns   true and *out; false for everything that is no object: *out is all zero then.
    Lifetime  the views in *out point into value.
*/
#define MISSKEY_X_(name, NAME) MISSKEY_API bool misskey_##name##_read(misskey_json value, misskey_##name *out);
MISSKEY_ENTITY_LIST(MISSKEY_X_)
#undef MISSKEY_X_

typedef enum misskey_reads {
    MISSKEY_READS_NOTHING, MISSKEY_READS_NOTE, MISSKEY_READS_NOTE_UPDATE, MISSKEY_READS_FORCE32_ = 0x7FFFFFFF
} misskey_reads;

/* What most messages are about: what says which of it is filled. Views into the message. An element of .choices or
   .files that is no object is all zero: the index of the others stays that of the poll and of the note. */
typedef struct misskey_reading {
    misskey_reads what;             /* NOTHING: every other message or event, and a body that is no object */
    uint32_t num_files, num_choices;
    misskey_note note;              /* NOTE: a channel event note, mention, reply, renote or edited */
    misskey_user user;              /* NOTE: of note.user */
    misskey_poll poll;              /* NOTE: of note.poll */
    misskey_poll_choice choices[10]; /* num_choices, as many as servers allow; the rest only in poll.choices */
    misskey_file files[16];         /* num_files, as many as servers allow; the rest only in note.files */
    misskey_note_update update;     /* NOTE_UPDATE */
    const char *body_, *event_;
} misskey_reading;

/*
    misskey_message_read -- misskey_message_parse, and what the message is about in the same pass

        misskey_message message;
        misskey_reading reading;
        if (misskey_message_read(buf, len, &message, &reading) == MISSKEY_ERR_OK &&
            reading.what == MISSKEY_READS_NOTE) use(reading.note.text, reading.note.reactions);

    The same as misskey_message_parse and then the readers one by one (misskey_note_read, misskey_user_read, ...), but
    the text is walked once: on 64-bit machines it takes little longer than the parse alone. misskey_session_read and
    misskey_conn_read do it for misskey_session_poll and misskey_conn_poll. With -Os, and on smaller machines, it is
    there for the convenience.

    Errors    as misskey_message_parse
    Lifetime  the views in *reading as those in *out
*/
MISSKEY_API misskey_err misskey_message_read(const char *text, size_t len, misskey_message *out,
                                             misskey_reading *reading);

/* misskey_note_minimized -- only the id and what concerns the viewer (channels opened with minimize): fetch the rest
   over HTTP, or look into the store. Source: protocol/events.md 3.1 */
MISSKEY_API bool misskey_note_minimized(const misskey_note *note);

/* misskey_note_is_renote -- repeats .renote_id and adds nothing of its own: no text, warning, reply, file, poll or
   event, as servers and the official client decide. .file_ids says whether there are files, since .files lacks those
   deleted since; .files only where a server sends no ids. Source: protocol/events.md section 3 */
MISSKEY_API bool misskey_note_is_renote(const misskey_note *note);

/* misskey_json_decimal -- a number, exactly. False, *out unchanged, for everything else and where the digits exceed
   63 bits. Lifetime: out->text as value. */
MISSKEY_API bool misskey_json_decimal(misskey_json value, misskey_decimal *out);

/*
    misskey_jstr_time -- a timestamp in milliseconds since 1970-01-01T00:00:00Z

    ISO 8601 as servers, and Date.toISOString of JavaScript, write it: 2026-11-23T21:46:49.580Z. Years beyond 9999 and
    before 0 have a sign and six digits (+012026, -000001), as far as a Date of JavaScript goes: 8640000000000000 ms
    from 1970 in both directions. The fraction may have any number of digits (those after the third are ignored) or be
    missing. No server writes an offset or 24:00: both are refused.

    Returns   true and *ms; false, *ms unchanged, for everything else.
    Source    ECMA-262, Date Time String Format
*/
MISSKEY_API bool misskey_jstr_time(misskey_jstr date, int64_t *ms);

/*
    misskey_id_time -- when a thing was made, as its id tells

    aid and aidx (10 and 16 characters), meid and objectid (24 hexadecimal), meidg (24 with g), ulid (26). objectid
    counts seconds. Which one a server uses is nowhere said: ids of other kinds that look alike give nonsense.

    Returns   true and *ms since 1970-01-01T00:00:00Z; false, *ms unchanged, for ids of other forms.
    Source    protocol/versions.md section 3
*/
MISSKEY_API bool misskey_id_time(misskey_jstr id, int64_t *ms);

/* misskey_reactions_next -- over note.reactions: reaction and how often (0 on older servers, or if it is no integer).
   misskey_emojis_next -- over .emojis and .reaction_emojis in all forms (array of objects, map): name and URL. Start
   both with misskey_json_iter. False at the end. Lifetime: as the value walked over. */
MISSKEY_API bool misskey_reactions_next(misskey_iter *it, misskey_jstr *reaction, int64_t *count);
MISSKEY_API bool misskey_emojis_next(misskey_iter *it, misskey_jstr *name, misskey_jstr *url);

/* One move of a reversi game; see misskey_reversi_logs_next. */
typedef struct misskey_move {
    int64_t time;           /* milliseconds since 1970 */
    int64_t pos;
    bool black;
} misskey_move;

/* misskey_reversi_logs_next -- over game.logs of 2024.2 on, times added up. *move: zero before the first call. False,
   *move unchanged, at the end, at an element of another form, and where the sum exceeds 63 bits. Source:
   protocol/events.md 8.8 */
MISSKEY_API bool misskey_reversi_logs_next(misskey_iter *it, misskey_move *move);

/*
    misskey_reaction_split -- name and host of a reaction; misskey_reaction_copy -- its normal form

    Servers write one custom emoji as :name: and :name@.:, and Unicode emoji with or without U+FE0F. split: true for a
    custom emoji, name without colons, host missing for the own server; a Unicode emoji, or a word of v10, is all name.
    copy: :name@.: for the own server, U+FE0F left out unless there is a U+200D; as misskey_jstr_copy, decoded. Two
    reactions are the same if their copies are: misskey_reaction_eq.
    Source    protocol/events.md section 2
*/
MISSKEY_API bool misskey_reaction_split(misskey_jstr reaction, misskey_jstr *name, misskey_jstr *host);
MISSKEY_API size_t misskey_reaction_copy(misskey_jstr reaction, char *dst, size_t cap);
MISSKEY_API bool misskey_reaction_eq(misskey_jstr a, misskey_jstr b);

/* ================================================================================================================== */
/* MARK: - params                                                                                          >>params  */
/* ================================================================================================================== */

/* A switch that can be left to the server. */
typedef enum misskey_flag { MISSKEY_DEFAULT, MISSKEY_YES, MISSKEY_NO, MISSKEY_FLAG_FORCE32_ = 0x7FFFFFFF } misskey_flag;

/* The tags of a hashtag channel: alternatives, divided by NULL, of tags that a note must have all. Without #.
   { "a", "b", NULL, "c" }: (a and b) or c. */
typedef struct misskey_tags { const char *const *tag; size_t num; } misskey_tags;

/* X(kind, parameter, name on the wire, default of the server): STR const char *; FLAG misskey_flag; INT int64_t, 0 =
   not sent; TAGS misskey_tags. Source: protocol/channels.md sections 2 and 3.0 */
#define MISSKEY_PARAM_LIST(X, OLD, FORK) \
    X(FLAG, with_renotes,       "withRenotes",      "true") \
    X(FLAG, with_replies,       "withReplies",      "false") \
    X(FLAG, with_files,         "withFiles",        "false") \
    X(STR,  list_id,            "listId",           "") \
    X(TAGS, q,                  "q",                "") \
    X(STR,  antenna_id,         "antennaId",        "") \
    X(STR,  channel_id,         "channelId",        "") \
    X(STR,  role_id,            "roleId",           "") \
    X(STR,  game_id,            "gameId",           "") \
    X(STR,  other_id,           "otherId",          "") \
    X(STR,  room_id,            "roomId",           "") \
    OLD(STR, otherparty,        "otherparty",       "") \
    OLD(STR, group,             "group",            "") \
    FORK(FLAG, minimize,        "minimize",         "false") \
    FORK(INT, dimension,        "dimension",        "0") \
    FORK(FLAG, with_bots,       "withBots",         "true") \
    FORK(FLAG, with_cats,       "withCats",         "false") \
    FORK(FLAG, exclude_bots,    "excludeBots",      "false") \
    FORK(FLAG, exclude_channel_notes_non_following, "excludeChannelNotesNonFollowing", "false") \
    FORK(FLAG, with_hashtags,   "withHashtags",     "true") \
    FORK(FLAG, show_yami_non_following_public_notes, "showYamiNonFollowingPublicNotes", "true") \
    FORK(FLAG, show_yami_following_notes, "showYamiFollowingNotes", "true") \
    FORK(FLAG, include_foreign_reply, "includeForeignReply", "false")

/* X(channel, parameter, need, first, last). need: MUST; MAY; EITHER = exactly one of those. */
#define MISSKEY_CHANNEL_PARAM_LIST(X, OLD, FORK) \
    X(HOME_TIMELINE,   with_renotes, MAY, "2023.9.2", "") \
    X(HOME_TIMELINE,   with_files,   MAY, "2023.10", "") \
    OLD(HOME_TIMELINE, with_replies, MAY, "13.13", "2023.9") /* and forks */ \
    X(LOCAL_TIMELINE,  with_renotes, MAY, "2023.9.2", "") \
    X(LOCAL_TIMELINE,  with_replies, MAY, "13.13", "") \
    X(LOCAL_TIMELINE,  with_files,   MAY, "2023.10", "") \
    X(HYBRID_TIMELINE, with_renotes, MAY, "2023.9.2", "") \
    X(HYBRID_TIMELINE, with_replies, MAY, "13.13", "") \
    X(HYBRID_TIMELINE, with_files,   MAY, "2023.10", "") \
    X(GLOBAL_TIMELINE, with_renotes, MAY, "2023.9.2", "") \
    X(GLOBAL_TIMELINE, with_files,   MAY, "2023.10", "") \
    OLD(GLOBAL_TIMELINE, with_replies, MAY, "13.13", "2023.9") /* and forks */ \
    X(USER_LIST,       list_id,      MUST, "10.0", "") \
    X(USER_LIST,       with_files,   MAY, "2023.10", "") \
    X(USER_LIST,       with_renotes, MAY, "2024.2", "") \
    X(HASHTAG,         q,            MUST, "10.0", "") \
    X(ANTENNA,         antenna_id,   MUST, "12.0", "") \
    X(CHANNEL,         channel_id,   MUST, "12.47", "") \
    X(ROLE_TIMELINE,   role_id,      MUST, "13.12", "") \
    X(REVERSI_GAME,    game_id,      MUST, "2024.2", "") \
    X(CHAT_USER,       other_id,     MUST, "2025.4", "") \
    X(CHAT_ROOM,       room_id,      MUST, "2025.4", "") \
    OLD(MESSAGING,     otherparty,   EITHER, "10.0", "13.6") \
    OLD(MESSAGING,     group,        EITHER, "11.16", "13.6") \
    OLD(GAMES_REVERSI_GAME, game_id, MUST, "10.0", "12.101") \
    FORK(HOME_TIMELINE, minimize,    MAY, "MisskeyIO", "") \
    FORK(LOCAL_TIMELINE, minimize,   MAY, "MisskeyIO", "") \
    FORK(HYBRID_TIMELINE, minimize,  MAY, "MisskeyIO", "") \
    FORK(GLOBAL_TIMELINE, minimize,  MAY, "MisskeyIO", "") \
    FORK(USER_LIST,    minimize,     MAY, "MisskeyIO", "") \
    FORK(ROLE_TIMELINE, minimize,    MAY, "MisskeyIO", "") \
    FORK(ANTENNA,      minimize,     MAY, "MisskeyIO", "") \
    FORK(CHANNEL,      minimize,     MAY, "MisskeyIO", "") \
    FORK(HOME_TIMELINE, dimension,   MAY, "MisskeyIO", "") \
    FORK(LOCAL_TIMELINE, dimension,  MAY, "MisskeyIO", "") \
    FORK(HYBRID_TIMELINE, dimension, MAY, "MisskeyIO", "") \
    FORK(GLOBAL_TIMELINE, dimension, MAY, "MisskeyIO", "") \
    FORK(HASHTAG,      dimension,    MAY, "MisskeyIO", "") \
    FORK(ROLE_TIMELINE, dimension,   MAY, "MisskeyIO", "") \
    FORK(CHANNEL,      dimension,    MAY, "MisskeyIO", "") \
    FORK(HOME_TIMELINE, with_bots,   MAY, "CherryPick, yojo-art", "") \
    FORK(LOCAL_TIMELINE, with_bots,  MAY, "Sharkey, CherryPick, yojo-art", "") \
    FORK(HYBRID_TIMELINE, with_bots, MAY, "CherryPick, yojo-art", "") \
    FORK(GLOBAL_TIMELINE, with_bots, MAY, "Sharkey, CherryPick, yojo-art", "") \
    FORK(USER_LIST,    with_bots,    MAY, "yojo-art", "") \
    FORK(HOME_TIMELINE, with_cats,   MAY, "CherryPick, yojo-art", "") \
    FORK(LOCAL_TIMELINE, with_cats,  MAY, "CherryPick, yojo-art", "") \
    FORK(HYBRID_TIMELINE, with_cats, MAY, "CherryPick, yojo-art", "") \
    FORK(GLOBAL_TIMELINE, with_cats, MAY, "CherryPick, yojo-art", "") \
    FORK(BUBBLE_TIMELINE, with_renotes, MAY, "Sharkey, CherryPick, yojo-art", "") \
    FORK(BUBBLE_TIMELINE, with_files, MAY, "Sharkey, CherryPick, yojo-art", "") \
    FORK(BUBBLE_TIMELINE, with_bots, MAY, "Sharkey, CherryPick, yojo-art", "") \
    FORK(BUBBLE_TIMELINE, with_replies, MAY, "Sharkey", "") \
    FORK(BUBBLE_TIMELINE, with_cats, MAY, "CherryPick, yojo-art", "") \
    FORK(RECOMMENDED_TIMELINE, with_replies, MAY, "Calckey, Firefish, mkkey", "") \
    FORK(YAMI_TIMELINE, with_renotes, MAY, "yamisskey", "") \
    FORK(YAMI_TIMELINE, with_files,  MAY, "yamisskey", "") \
    FORK(YAMI_TIMELINE, show_yami_non_following_public_notes, MAY, "yamisskey", "") \
    FORK(YAMI_TIMELINE, show_yami_following_notes, MAY, "yamisskey", "") \
    FORK(YAMI_TIMELINE, exclude_bots, MAY, "yamisskey", "") \
    FORK(HOME_TIMELINE, exclude_bots, MAY, "yamisskey", "") \
    FORK(LOCAL_TIMELINE, exclude_bots, MAY, "yamisskey", "") \
    FORK(HYBRID_TIMELINE, exclude_bots, MAY, "yamisskey", "") \
    FORK(GLOBAL_TIMELINE, exclude_bots, MAY, "yamisskey", "") \
    FORK(HOME_TIMELINE, exclude_channel_notes_non_following, MAY, "yamisskey", "") \
    FORK(HYBRID_TIMELINE, exclude_channel_notes_non_following, MAY, "yamisskey", "") \
    FORK(GLOBAL_TIMELINE, with_hashtags, MAY, "yamisskey", "") \
    FORK(MEDIA_TIMELINE, with_renotes, MAY, "Type4ny", "") \
    FORK(HOME_TIMELINE, include_foreign_reply, MAY, "mei23 v10", "") \
    FORK(CALLS_ROOM,   room_id,      MUST, "Type4ny", "") \
    FORK(DRAWING,      room_id,      MUST, "Type4ny", "")

/* What a channel is asked for with: a member for each row; zero-initialise. Strings are plain text. */
#define MISSKEY_STR_ const char *
#define MISSKEY_FLAG_ misskey_flag
#define MISSKEY_INT_ int64_t
#define MISSKEY_TAGS_ misskey_tags
#define MISSKEY_X_(kind, member, name, unless) MISSKEY_##kind##_ member;
typedef struct misskey_params { MISSKEY_PARAM_LIST(MISSKEY_X_, MISSKEY_X_, MISSKEY_X_) } misskey_params;
#undef MISSKEY_X_
#undef MISSKEY_STR_
#undef MISSKEY_FLAG_
#undef MISSKEY_INT_
#undef MISSKEY_TAGS_

/*
    misskey_params_write -- the params of a channel, for misskey_channel_open

        char text[64];
        misskey_params params;
        memset(&params, 0, sizeof params);
        params.list_id = "9abc";
        params.with_renotes = MISSKEY_NO;
        if (misskey_params_write(MISSKEY_CHANNEL_USER_LIST, &params, text, sizeof text, NULL) != MISSKEY_ERR_OK) ...

    Writes what is set, NUL-terminated; params NULL: nothing is. misskey_channel_open borrows the text: keep it as long
    as the channel is open. Parameters that are not in the list are for misskey_jw.

    Returns   OK; *len (may be NULL) is the length without NUL.
    Errors    BAD_ARG: the channel is OTHER or left out by an option; a parameter is missing, empty, or set and not one
              of this channel; a tag is missing, empty or begins with #. BAD_UTF8. TOO_SMALL: *len is the length needed
              without NUL; dst may be NULL if cap is 0.
*/
MISSKEY_API misskey_err misskey_params_write(misskey_channel_kind channel, const misskey_params *params, char *dst,
                                             size_t cap, size_t *len);

/* What a client sends on a channel. Which members an operation has tells MISSKEY_BODY_PART_LIST; zero-initialise. */
typedef struct misskey_operation {
    misskey_operation_kind kind;
    const char *id;             /* plain text, as are key and text */
    const char *key, *text;
    const char *value;          /* JSON text */
    int64_t number;
    bool yes;
} misskey_operation;

/* X(operation, member of misskey_operation, need, name on the wire): the parts of its body; "" = it is the body. An
   operation without a row has the body {}. Source: as MISSKEY_OPERATION_LIST */
#define MISSKEY_BODY_PART_LIST(X, OLD, FORK) \
    X(REQUEST_LOG,       id,     MUST, "id")            /* a random string: servers mix up requests with one id */ \
    X(REQUEST_LOG,       number, MUST, "length")        /* 1 to 200 */ \
    X(READY,             yes,    MUST, "") \
    X(UPDATE_SETTINGS,   key,    MUST, "key")           /* map, bw, isLlotheo, canPutEverywhere, loopedBoard, ... */ \
    X(UPDATE_SETTINGS,   value,  MUST, "value") \
    X(PUT_STONE,         number, MUST, "pos") \
    X(PUT_STONE,         id,     MUST, "id")            /* comes back in the log */ \
    X(READ,              id,     MAY,  "id")            /* of the message */ \
    OLD(PING,            id,     MUST, "id")            /* of the user */ \
    OLD(INIT_FORM,       value,  MUST, "")              /* array */ \
    OLD(UPDATE_FORM,     id,     MUST, "id") \
    OLD(UPDATE_FORM,     value,  MUST, "value") \
    OLD(MESSAGE,         value,  MUST, "")              /* object */ \
    OLD(SET,             number, MUST, "pos") \
    OLD(CHECK,           text,   MUST, "crc32") \
    OLD(UPDATE_SETTINGS_V10, value, MUST, "settings")   /* object */ \
    FORK(REACTION,       text,   MUST, "") \
    FORK(MSG,            text,   MAY,  "text") \
    FORK(MSG,            key,    MAY,  "fileId") \
    FORK(MSG,            id,     MAY,  "replyId") \
    FORK(REACT,          id,     MUST, "messageId") \
    FORK(REACT,          text,   MUST, "reaction") \
    FORK(UNREACT,        id,     MUST, "messageId") \
    FORK(UNREACT,        text,   MUST, "reaction") \
    FORK(DELETE,         id,     MUST, "messageId") \
    FORK(HISTORY,        number, MAY,  "limit") \
    FORK(HISTORY,        key,    MAY,  "untilId") \
    FORK(HISTORY,        id,     MAY,  "reqId")         /* comes back in the answer, as everywhere */ \
    FORK(USER_SHOW,      id,     MAY,  "reqId") \
    FORK(ROOM_SHOW,      id,     MAY,  "reqId") \
    FORK(MEMBERS,        id,     MAY,  "reqId") \
    FORK(E2EE_KEY_GET,   id,     MAY,  "reqId") \
    FORK(E2EE_KEY_SET,   id,     MAY,  "reqId") \
    FORK(E2EE_KEY_SET,   text,   MUST, "publicKey") \
    FORK(NOTIFICATIONS,  number, MAY,  "limit") \
    FORK(NOTIFICATIONS,  id,     MAY,  "reqId") \
    FORK(REQUEST_NOTIFICATIONS, number, MAY, "limit") \
    FORK(PAT,            id,     MUST, "noteId") \
    FORK(PAT,            text,   MUST, "clientId") \
    FORK(MUTE,           yes,    MUST, "") \
    FORK(SPEAKING,       yes,    MUST, "") \
    FORK(HEARTBEAT,      id,     MUST, "connectionId") \
    FORK(HEARTBEAT,      number, MUST, "generation") \
    FORK(CALL_READY,     id,     MUST, "connectionId") \
    FORK(CALL_READY,     number, MUST, "generation")

/*
    misskey_operation_write -- the body of an operation, for misskey_conn_channel_send

        char text[64];
        misskey_operation op;
        memset(&op, 0, sizeof op);
        op.kind = MISSKEY_OPERATION_REQUEST_LOG;
        op.id = "k3v9";
        op.number = 50;
        if (misskey_operation_write(&op, text, sizeof text, NULL) != MISSKEY_ERR_OK) ...
        misskey_conn_channel_send(&conn, event.channel, misskey_operation_name(op.kind), text);

    NUL-terminated. Numbers of MAY rows: 0 = not sent.

    Returns   OK; *len (may be NULL) is the length without NUL.
    Errors    BAD_ARG: the operation is OTHER or left out by an option, a part that it needs is NULL, or one is set that
              it has not. BAD_JSON, DEPTH: value. BAD_UTF8. TOO_SMALL: as misskey_params_write.
*/
MISSKEY_API misskey_err misskey_operation_write(const misskey_operation *operation, char *dst, size_t cap, size_t *len);

/* ================================================================================================================== */
/* MARK: - url                                                                                                 >>url  */
/* ================================================================================================================== */

typedef struct misskey_url {
    const char *host;       /* required: "misskey.example" or "misskey.example:3000", "[::1]:3000" */
    const char *path;       /* NULL = "/streaming"; may have a query of its own; percent-encoded */
    const char *token;      /* NULL = anonymous; percent-encoded into ?i= */
    const char *cache_buster; /* NULL = none; else digits or letters for _t=, such as the time in milliseconds */
    bool plain;             /* ws:// instead of wss:// */
} misskey_url;

/*
    misskey_url_write -- the address for a WebSocket library of your own, NUL-terminated

    wss://{host}/streaming?i={token}&_t={cache_buster}. The token is in the address: keep it out of logs, and prefer the
    header Authorization: Bearer (13.14 on) where your library can send one.

    Returns   OK; *len (may be NULL) is the length without NUL.
    Errors    TOO_SMALL: *len is the length needed without NUL. BAD_ARG: host is missing or not as misskey_ws_desc
              describes it, but for names that are not ASCII: valid UTF-8 is written as it is, for libraries that
              convert such names, as browsers do; path without leading slash, or with control characters, spaces, # or
              bytes that are not ASCII; token empty; cache_buster not alphanumeric.
    Source    protocol/messages.md 1.1 and 1.2; RFC 3986 section 3.2
*/
MISSKEY_API misskey_err misskey_url_write(const misskey_url *url, char *dst, size_t cap, size_t *len);

/* ================================================================================================================== */
/* MARK: - websocket                                                                                            >>ws  */
/* ================================================================================================================== */

/* Memory for messages of up to n bytes, as constant expressions. rx: 14 bytes of frame header stay free (RFC 6455
   section 5.2). tx: one frame header, and 131 bytes that messages leave free for a Close or pong, so that a full queue
   delays neither. */
#define MISSKEY_RX_SIZE(n) ((size_t)(n) < 242u ? (size_t)256u : (size_t)(n) + 14u)
#define MISSKEY_TX_SIZE(n) ((size_t)(n) < 111u ? (size_t)256u : (size_t)(n) + 14u + 131u)

#define MISSKEY_FOREVER 0xFFFFFFFFu   /* a time that never comes */

/* An extra header of the upgrade request. name: RFC 9110 token, none of the library's own (Host, Upgrade, Connection,
   Authorization, Content-Length, Transfer-Encoding, and all that begin with Sec-WebSocket- but Sec-WebSocket-Protocol);
   value without control characters.
   The library sends "User-Agent: misskey_stream.h/" and its version, because many proxies answer 403 to requests
   without one. One User-Agent among the extra headers replaces it; if its value is empty, none is sent. */
typedef struct misskey_header { const char *name, *value; } misskey_header;

typedef struct misskey_ws_desc {    /* zero-initialise; 0 is the default that the comment names */
    misskey_mem rx;                 /* required; MISSKEY_RX_SIZE(largest message), at least 256 bytes */
    misskey_mem tx;                 /* required; MISSKEY_TX_SIZE(largest message) */
    const char *host;               /* client: required, sent as Host. A name, an IPv4 address, or an IPv6 address in
                                       brackets and without a zone; then a colon and the port, 1 to 65535, if it is not
                                       the default one. Names are ASCII: an IDN as its A-label, xn--... */
    const char *path;               /* client: 0 = "/streaming"; ASCII, percent-encoded */
    const char *token;              /* client: 0 = anonymous */
    const misskey_header *headers;  /* client: num_headers extra headers */
    size_t num_headers;
    bool (*entropy)(void *user, void *dst, size_t len); /* client: required; fills dst, false = failed; must not call
                                                           back */
    void *user;                     /* handed to entropy */
    uint32_t max_message;           /* bytes; a larger message closes with 1009. 0 = 64 MiB */
    uint32_t handshake_ms;          /* time for the upgrade. 0 = 10000 */
    uint32_t ping_ms;               /* silence before an own ping. 0 = 75000: servers since 13.13.2 ping each 60 s */
    uint32_t pong_ms;               /* further silence before the connection is dead. 0 = 15000 */
    uint32_t close_ms;              /* wait for the peer's Close and for the rest of tx to leave. 0 = 5000 */
    bool server;                    /* false = client */
    bool token_in_query;            /* client: ?i= instead of Authorization, for servers before 13.14 */
} misskey_ws_desc;

typedef enum misskey_ws_event_type {
    MISSKEY_WS_EVENT_NONE,
    MISSKEY_WS_EVENT_OPEN,          /* the upgrade is complete */
    MISSKEY_WS_EVENT_MESSAGE,       /* .text, .binary; text is valid UTF-8 */
    MISSKEY_WS_EVENT_DROPPED,       /* a message larger than rx was skipped: .size, .binary, and its beginning in .text,
                                       three quarters of rx at least */
    MISSKEY_WS_EVENT_UPGRADE,       /* server: .text, .token, .protocols; answer with accept or reject */
    MISSKEY_WS_EVENT_CLOSED,        /* once per transport, last: .code, .err, .text; close the transport */
    MISSKEY_WS_EVENT_FORCE32_ = 0x7FFFFFFF
} misskey_ws_event_type;

/* What is shown of an HTTP head is valid UTF-8 without control characters. A reason phrase or Location that is not is
   missing; a request whose token or protocols are not is answered with 400. */
typedef struct misskey_ws_event {   /* views: until the next poll */
    misskey_ws_event_type type;
    misskey_err err;                /* CLOSED: OK after a valid Close from the peer */
    uint16_t code;                  /* CLOSED: HTTP status if the upgrade was refused; else the Close code; 1005 for a
                                       Close without one, 1006 for an end without Close, 0 for an end within the upgrade
                                       */
    bool binary;                    /* MESSAGE, DROPPED */
    uint32_t retry_after;           /* CLOSED: Retry-After of a refusal in seconds, 0 = none, or the time has passed. A
                                       date is compared with the Date of the same answer; 60 if there is no Date or
                                       Retry-After is not understood */
    uint64_t size;                  /* DROPPED: payload bytes of the whole message */
    misskey_str text;               /* MESSAGE: payload; DROPPED: its first bytes, cut anywhere; UPGRADE: path of the
                                       request as sent, without the query, ASCII; CLOSED: reason of the Close frame,
                                       valid UTF-8 that may have control characters, or reason phrase of the refusal;
                                       missing if the token of the desc is in it */
    misskey_str location;           /* CLOSED: Location of a redirect without its query; missing if there was none, rx
                                       is too small for it or the token of the desc is in it */
    misskey_str token;              /* UPGRADE: Authorization: Bearer, else ?i= decoded; missing if anonymous */
    misskey_str protocols;          /* UPGRADE: Sec-WebSocket-Protocol; several lines are joined by commas */
} misskey_ws_event;

/* One WebSocket. All members are private; the struct is visible so that it can be static or on the stack. */
typedef struct misskey_ws {         /* small members first: short offsets make short code on small machines */
    uint16_t flags_, code_;
    uint8_t state_, err_, op_, phase_, ctrl_len_, utf8_[3];
    uint8_t mask_[4];
    bool tx_counts_;                /* see tx_rest_ */
    bool wide_;                     /* see MSKI_WIDE */
    bool fresh_;                    /* the phase that since_ belongs to has begun after the last tick */
    uint8_t probe_;                 /* see mski_probe */
    uint32_t left_;                 /* payload bytes of the current frame still to come */
    uint32_t total_;                /* payload bytes announced for the current message (upgrade: bytes of the head) */
    uint32_t now_, clock_;          /* time that has passed; the caller's clock at the last tick */
    uint32_t heard_, since_;
    size_t msg_, msg_len_;          /* rx: the message being put together (upgrade: the values kept) */
    size_t raw_, end_;              /* rx: bytes not parsed yet */
    size_t tx_, tx_end_;            /* tx: bytes not sent yet */
    size_t tx_rest_;                /* how many of them belong to the frame, or head, that has begun to leave;
                                       tx_counts_: that is a message of the application */
    misskey_ws_desc d_;
    union {
        struct {                    /* upgrade */
            uint32_t retry, date;   /* Retry-After and Date: seconds */
            uint16_t seen;          /* headers seen, bit per MSKI_SEEN */
            uint8_t retry_form, date_form; /* what these seconds are: MSKI_TIME and so on */
            struct { uint32_t at, len; } kept[3]; /* values kept in rx: where + 1 */
            uint8_t accept[28];     /* Sec-WebSocket-Accept expected (client) or to be sent (server) */
        } head;
        uint8_t ctrl[125];          /* payload of the control frame that arrives, then of the pong that waits */
    } in_;
} misskey_ws;

/*
    misskey_ws_init -- prepare; no transport yet

    Nothing to free, ever. The desc is copied, what it points at is borrowed (LIFETIMES).

    Errors    BAD_ARG: rx, tx or (client) host or entropy missing; host not as described above; forbidden characters in
              path, token or headers; a header of the library's own, or two of User-Agent; server with
              MISSKEY_NO_SERVER. TOO_SMALL: rx below 256 bytes, tx below 256 bytes or too small for the upgrade request.
*/
MISSKEY_API misskey_err misskey_ws_init(misskey_ws *ws, const misskey_ws_desc *desc);

/*
    misskey_ws_transport_up, misskey_ws_transport_down -- the transport is connected, has ended

    up starts anew, whatever was before; a client's upgrade request is then in send_buf. The views of the last event
    stay valid until the next poll. down is the end of the bytes received (EOF, reset, timeout): poll gives what had
    arrived whole, then CLOSED. Read what the transport still has before you call it. Neither does anything if init
    failed.
*/
MISSKEY_API void misskey_ws_transport_up(misskey_ws *ws);
MISSKEY_API void misskey_ws_transport_down(misskey_ws *ws);

/*
    misskey_ws_recv_buf, misskey_ws_recv_ack -- where to put bytes from the peer; how many were put there

    recv_buf gives the free space behind the bytes received. NULL and *len = 0: no transport, or memory full of messages
    not yet polled: poll until false, then there is space. This is the back-pressure: stop reading the socket.
    recv_ack moves no bytes. It ignores an n larger than the space given, such as the -1 of a recv() that failed.
*/
MISSKEY_API uint8_t *misskey_ws_recv_buf(misskey_ws *ws, size_t *len);
MISSKEY_API void misskey_ws_recv_ack(misskey_ws *ws, size_t n);

/* misskey_ws_feed -- the copying form of both. Returns the bytes taken; fewer than len: poll until false, feed the
   rest. 0 after CLOSED. */
MISSKEY_API size_t misskey_ws_feed(misskey_ws *ws, const void *data, size_t len);

/* misskey_ws_send_buf, misskey_ws_send_ack -- bytes for the peer (NULL and 0: none); how many of them were sent. An n
   larger than that is ignored. */
MISSKEY_API const uint8_t *misskey_ws_send_buf(const misskey_ws *ws, size_t *len);
MISSKEY_API void misskey_ws_send_ack(misskey_ws *ws, size_t n);

/*
    misskey_ws_poll -- the next event

    Parses what has arrived. Releases the views of the event before. Call it until it returns false.

    Returns   true and *event; false: nothing more until bytes, time or the end of the transport come.
*/
MISSKEY_API bool misskey_ws_poll(misskey_ws *ws, misskey_ws_event *event);

/* misskey_ws_tick -- the time now; misskey_ws_timeout -- milliseconds until the next tick is due, 0 = poll now,
   MISSKEY_FOREVER = none. */
MISSKEY_API void misskey_ws_tick(misskey_ws *ws, uint32_t now_ms);
MISSKEY_API uint32_t misskey_ws_timeout(const misskey_ws *ws);

/*
    misskey_ws_send -- queue one message, whole or not at all

    Errors    BAD_STATE: not open, or closing. BAD_UTF8: text that is not UTF-8. TOO_SMALL: tx could never hold it (see
              MISSKEY_TX_SIZE). WOULD_BLOCK: not now; send what is queued first. ENTROPY: the connection is dead now.
*/
MISSKEY_API misskey_err misskey_ws_send(misskey_ws *ws, const void *data, size_t len, bool binary);

/* misskey_ws_send_message -- the same for a Misskey message, written into tx directly. Errors also those of
   misskey_message_write. */
MISSKEY_API misskey_err misskey_ws_send_message(misskey_ws *ws, const misskey_message *message);

/*
    misskey_ws_close -- start the closing handshake (RFC 6455 section 7)

    code: 1000 to 1003, 1007 to 1014, 3000 to 4999; 0 = a Close without code. reason: UTF-8 of at most 123 bytes, or
    NULL; left out if a pong has taken its room in a tx below 262 bytes. What is queued leaves first. Messages may still
    arrive; CLOSED follows when the peer answers or close_ms have passed. Before OPEN, and while the upgrade request
    still fills tx, the connection just ends.

    Errors    BAD_ARG, BAD_UTF8; BAD_STATE: no transport, or closing already.
*/
MISSKEY_API misskey_err misskey_ws_close(misskey_ws *ws, uint16_t code, const char *reason);

#if !MISSKEY_NO_SERVER
/*
    misskey_ws_accept, misskey_ws_reject -- answer an UPGRADE event, then or later

    protocol: NULL, or the one to select out of event.protocols. status: 300 to 599, sent without a body; Misskey uses
    401 (bad token), 403 (suspended), 429, 503. After reject: CLOSED with that status once the answer has left.

    Errors    BAD_STATE: no upgrade waits. BAD_ARG: protocol is no token, or status out of range. TOO_SMALL: tx cannot
              hold the answer and a Close.
*/
MISSKEY_API misskey_err misskey_ws_accept(misskey_ws *ws, const char *protocol);
MISSKEY_API misskey_err misskey_ws_reject(misskey_ws *ws, uint16_t status);
#endif

/* ================================================================================================================== */
/* MARK: - session                                                                                         >>session  */
/* ================================================================================================================== */

/* A channel that was opened. 0 is never valid. The handle of a closed channel is STALE; it is another channel's only
   after 65535 channels have come and gone in the same slot. */
typedef struct misskey_channel { uint32_t id; } misskey_channel;

/* What the application wants of one channel, and how far the server is. Lent; zeroed by init; all members are private.
   */
typedef struct misskey_channel_slot {
    uint8_t state_, flags_, last_len_;
    uint16_t generation_, refs_;
    uint32_t wire_;             /* number of the connect that made it: with the slot, the id on the wire */
    uint32_t asked_, lost_;     /* when the connect was sent; when it was heard last before an outage */
    const char *name_, *params_;
    void *user_;
    char last_[32];             /* id of the last note */
} misskey_channel_slot;

/* One captured note. Lent; all members are private. */
typedef struct misskey_capture_slot {
    char id_[32];               /* NUL-padded */
    uint16_t refs_;             /* and two bits of state */
    uint16_t head_, next_;      /* look-up: first slot of the chain with this number, next one of the chain this slot is
                                   in */
    uint16_t queue_;            /* next slot that waits for its subNote or unsubNote */
} misskey_capture_slot;

typedef struct misskey_session_desc { /* zero-initialise; 0 is the default that the comment names */
    misskey_channel_slot *channels; /* num_channels slots; 0 = none: no registry, every channel message is delivered */
    misskey_capture_slot *captures; /* num_captures slots; 0 = none: every noteUpdated is delivered */
    uint16_t num_channels;
    uint16_t num_captures;          /* up to 65534 */
    uint16_t rate;                  /* connect, disconnect, subNote and unsubNote in any second. 0 = 64; Sharkey closes
                                       with 1008 above 2048 a second, or after a burst of 4096 */
    uint8_t max_channels;           /* places the server gives. 0 = 32 (since 2024.8) */
    bool old_timelines;             /* server before 2023.10: home, local, hybrid and global timeline once each */
    bool anonymous;                 /* session alone: there is no token. A connection knows by itself */
    bool (*entropy)(void *user, void *dst, size_t len); /* session alone: for the spread of retries; 0 = none */
    void (*trace)(void *user, bool sent, const char *text, size_t len); /* 0 = none; every text message, never a head,
                                       so never the token; must not call back */
    void *user;                     /* handed to trace, and to entropy of a session alone */
    uint32_t ack_ms;                /* time for the server to acknowledge a connect. 0 = 10000: since 2026.3 it comes
                                       after the channel's queries, before within milliseconds */
    uint32_t blink_ms;              /* outages shorter than this give no GAP. 0 = all do: notes are lost in every one */
    uint32_t heartbeat_ms;          /* a bare "h" after so many milliseconds without a message of our own. 0 = never: no
                                       server asks for it but by the JSON ping, which is answered in any case */
    uint32_t retry_ms, retry_max_ms; /* back-off: 500 ms + a part of min(retry_max_ms, retry_ms * 2^failures), drawn
                                       evenly. 0 = 1000 and 60000 */
    uint32_t stable_ms;             /* open for so long: the failures are forgotten. 0 = 30000 */
} misskey_session_desc;

/* Since init; they wrap. */
typedef struct misskey_counters {
    uint32_t messages;              /* received */
    uint32_t texts;                 /* of these: no JSON object with a type */
    uint32_t leaked;                /* of these: for a channel that is not open or a note that is not captured; not
                                       delivered */
    uint32_t dropped;               /* larger than the receive memory, or binary */
    uint32_t sent;                  /* messages of the session and of the application */
    uint32_t outages;               /* transports lost after they had been open */
} misskey_counters;

typedef enum misskey_reason {       /* why a channel was refused, probably: servers never say */
    MISSKEY_REASON_UNKNOWN,         /* parameters, permission, policy, an overloaded server, ... */
    MISSKEY_REASON_LIMIT,           /* all places that the server has (max_channels) are taken */
    MISSKEY_REASON_SHARED,          /* one of this name is there already */
    MISSKEY_REASON_NAME,            /* a name that no known server has */
    MISSKEY_REASON_FORCE32_ = 0x7FFFFFFF
} misskey_reason;

typedef enum misskey_event_type {
    MISSKEY_EVENT_NONE,
    MISSKEY_EVENT_DIAL,             /* connect the transport now, then transport_up; or transport_down if that failed.
                                       Comes again if neither was called for retry_max_ms */
    MISSKEY_EVENT_OPEN,             /* the upgrade is complete, or (alone) transport_up was called. .resumed, .size */
    MISSKEY_EVENT_MESSAGE,          /* .message, .text; on a channel of ours .channel and .user */
    MISSKEY_EVENT_CHANNEL_READY,    /* .channel, .user: the server acknowledged it, or sent its first event */
    MISSKEY_EVENT_CHANNEL_REFUSED,  /* .channel, .user, .reason: no answer in time; it stays wanted, a late answer gives
                                       READY */
    MISSKEY_EVENT_GAP,              /* .channel, .user, .outage_ms, .last_id: after an outage, right after its READY */
    MISSKEY_EVENT_DROPPED,          /* connection only: larger than rx, or binary: .size. .message is what was whole in
                                       its beginning: of a note, id and author are in .message.body, and other members
                                       are missing. As the first sign of a channel it comes before READY */
    MISSKEY_EVENT_CLOSED,           /* connection only: .code, .err, .text, .retry_after, .location; close the transport
                                       */
    MISSKEY_EVENT_FORCE32_ = 0x7FFFFFFF
} misskey_event_type;

typedef struct misskey_event {      /* views: until the next poll */
    misskey_event_type type;
    misskey_err err;                /* CLOSED: as in misskey_ws_event */
    misskey_reason reason;          /* CHANNEL_REFUSED */
    uint16_t code;                  /* CLOSED: as in misskey_ws_event */
    bool resumed;                   /* OPEN: it had been open before, messages in between are lost */
    misskey_channel channel;        /* 0 = none */
    void *user;                     /* as given to misskey_channel_open */
    uint32_t retry_after;           /* CLOSED: seconds */
    uint32_t outage_ms;             /* GAP: from the last moment at which nothing can have been lost (see TIME) to
                                       READY; most often the last whole message or ping */
    uint64_t size;                  /* DROPPED: payload bytes of the whole message; OPEN: messages of the application
                                       that were accepted but had not left when the transport before was lost (not
                                       counting connect, disconnect, subNote, unsubNote and h: the session's own
                                       are made again) */
    misskey_message message;        /* MESSAGE; DROPPED: see there */
    misskey_str text;               /* MESSAGE: the whole text; CLOSED: reason */
    misskey_str last_id;            /* GAP: the last note that came; missing if none did. Notes arrive out of id order:
                                       fetch with some overlap */
    misskey_str location;           /* CLOSED: Location of a redirect, without its query */
} misskey_event;

/* What the application wants, and what the server has of it. A connection has one (conn.session); alone it serves those
   who bring a WebSocket library. .counters may be read, all else is private. */
typedef struct misskey_session {
    uint16_t flags_;
    uint8_t state_, failures_;
    uint16_t burst_;                /* paced messages without a second between */
    uint16_t free_, subs_, subs_end_, unsubs_, unsubs_end_; /* capture slots: lists */
    uint16_t resume_;               /* capture slots: how far the resume is */
    uint16_t unsent_;               /* messages of the application that died with transports, not reported yet */
    uint32_t paced_;                /* time of the last message that counts for the rate */
    uint32_t now_, clock_;          /* time that has passed; the caller's clock at the last tick */
    uint32_t since_;                /* when it opened; while there is no transport, when to dial */
    uint32_t came_, sure_;          /* when something came last; up to when nothing can have been lost */
    uint32_t stalled_, before_;     /* the last tick that came late; before it, when nothing waited */
    uint32_t dialled_, beat_;       /* last DIAL; last message sent */
    uint32_t wire_, limit_;         /* number of the last connect; longest message that can be sent */
    misskey_str text_;              /* message lent (alone) or held back behind the events that it caused */
    misskey_session_desc d_;
    misskey_counters counters;
} misskey_session;

/*
    misskey_session_init -- prepare

    Errors    BAD_ARG: a count without slots, or num_captures above 65534. A session whose init failed refuses every
              call (BAD_STATE, STALE) and gives no event.
    Lifetime  the slots and what the desc points at are borrowed until init is called again.
*/
MISSKEY_API misskey_err misskey_session_init(misskey_session *session, const misskey_session_desc *desc);

/*
    misskey_channel_open -- want a channel

    Edits a table; the connect is sent as soon as there is a transport and room, and again after every outage. READY or
    REFUSED says how it went. A channel that the server shares (main, drive, ...) and that is open with the same params
    is not opened again but counted: same handle, one event per message, as many closes.

    params    JSON object in text, without white space around it; NULL = {}
    Lifetime  name and params are borrowed until the channel is closed and its disconnect has been sent: best literals.
    Errors    BAD_ARG: name empty or not free of quotes, backslashes and control characters; BAD_JSON, DEPTH, BAD_UTF8:
              params; FULL, SHARED, NO_TOKEN; TOO_SMALL: the connect would not fit into tx.
    Source    protocol/messages.md 2.1, 4.2 to 4.5
*/
MISSKEY_API misskey_err misskey_channel_open(misskey_session *session, const char *name, const char *params, void *user,
                                             misskey_channel *channel);

/* misskey_channel_close -- want it no longer. Its events end at once; the slot is free again once the disconnect was
   sent, which waits for the acknowledgement of the connect. Errors: STALE. */
MISSKEY_API misskey_err misskey_channel_close(misskey_session *session, misskey_channel channel);

/*
    misskey_note_capture, misskey_note_release -- want the updates of a note; no longer

    Counted: one subNote for the first capture, one unsubNote for the last release, nothing for a pair that nobody saw.
    Sent again after every outage. Captures of a deleted note stay until they are released.

    Lifetime  the id is copied: up to 32 characters without quotes, backslashes, spaces, control or non-ASCII
              characters.
    Errors    BAD_ARG: not such an id; FULL: no free slot (or captured 16383 times); release: STALE: not captured.
    Source    protocol/messages.md 2.4, 2.5 and 4.4
*/
MISSKEY_API misskey_err misskey_note_capture(misskey_session *session, const char *id, size_t len);
MISSKEY_API misskey_err misskey_note_release(misskey_session *session, const char *id, size_t len);

/* misskey_session_dial_now -- the network is back, or the reason for a 401 or 403 is gone: DIAL at once, but not within
   500 ms of the last one. No effect while there is a transport, or after misskey_conn_close. */
MISSKEY_API void misskey_session_dial_now(misskey_session *session);

/* --- session alone: what your WebSocket library and your loop call (a connection does all this by itself) --- */

/* misskey_session_transport_up -- the WebSocket is open. misskey_session_transport_down -- it is lost, or the attempt
   failed. status: HTTP status or Close code, 0 = none known; WANTED STATE says what it does to the retries.
   retry_after: seconds out of that header, 0 = none. */
MISSKEY_API void misskey_session_transport_up(misskey_session *session);
MISSKEY_API void misskey_session_transport_down(misskey_session *session, uint16_t status, uint32_t retry_after);

/*
    misskey_session_recv_message -- one whole text message from your WebSocket library

    Borrowed, not copied, until the next misskey_session_poll that returns false.

    Errors    WOULD_BLOCK: the message before has not been polled yet. BAD_UTF8: refused; your library should have
              closed the connection with 1007.
*/
MISSKEY_API misskey_err misskey_session_recv_message(misskey_session *session, const char *text, size_t len);

/*
    misskey_session_send_message -- the next text message for the server

    Call it after poll and after every change until it answers WOULD_BLOCK, and send each text before the next call:
    what is handed out counts as sent.

    Errors    WOULD_BLOCK: nothing to send now. TOO_SMALL: *len is the length needed; nothing is lost.
*/
MISSKEY_API misskey_err misskey_session_send_message(misskey_session *session, char *dst, size_t cap, size_t *len);

/* misskey_session_channel_send -- the text of an operation on a channel, to be sent now. type: plain name of the
   operation; body: JSON text, NULL = {}. Errors: STALE, NOT_READY, TOO_SMALL (*len says how much), BAD_ARG, BAD_JSON,
   BAD_UTF8, DEPTH. */
MISSKEY_API misskey_err misskey_session_channel_send(misskey_session *session, misskey_channel channel,
                                                     const char *type, const char *body, char *dst, size_t cap,
                                                     size_t *len);

/* misskey_session_poll -- the next event, until it returns false. misskey_session_tick -- the time now.
   misskey_session_timeout -- milliseconds until the next tick is due; 0 = poll and send_message now. */
MISSKEY_API bool misskey_session_poll(misskey_session *session, misskey_event *event);

/* misskey_session_read -- misskey_session_poll with misskey_message_read */
MISSKEY_API bool misskey_session_read(misskey_session *session, misskey_event *event, misskey_reading *reading);
MISSKEY_API void misskey_session_tick(misskey_session *session, uint32_t now_ms);
MISSKEY_API uint32_t misskey_session_timeout(const misskey_session *session);

/* ================================================================================================================== */
/* MARK: - store                                                                                            >>store  */
/* ================================================================================================================== */

/* Notes that stay up to date. Each slot holds one note as JSON text, changed in place as updates come, so that what is
   read out of it is what servers send: misskey_note_read(misskey_store_get(...)). The slots are the caller's memory;
   what has not been used for longest makes room, unless the application holds it. Source: protocol/events.md sections 2
   and 3 */

/* Memory for so many notes of up to size bytes each, as a constant expression. size: 256 at least; most notes have 1 to
   4 KiB, some 20. Of a larger one the store keeps what it works with, then whatever else fits. A quarter stays free for
   reactions to come. */
#define MISSKEY_STORE_SIZE(notes, size) ((size_t)(notes) * MISSKEY_STORE_STRIDE(size))
#define MISSKEY_STORE_STRIDE(size) \
    (((sizeof(misskey_note_slot) + (size_t)(size) + 7) / 8 + (size_t)(size) / 32) * 8)

/* One note; the text and what is remembered of its updates follow. All members are private. */
typedef struct misskey_note_slot {
    char id_[32];                   /* NUL-padded */
    uint32_t len_;                  /* of the text */
    uint32_t released_;             /* when the capture began to wait for its release */
    uint16_t holds_, flags_;
    uint16_t head_, next_;          /* look-up: first slot of the chain with this number, next one in its chain */
    uint16_t newer_, older_;        /* by use */
    uint16_t waiting_;              /* next slot whose capture waits for its release */
    uint16_t inner_;                /* the slot of the note that this one repeats, held along with it */
    uint16_t along_;                /* how many of holds_ are such ones */
    uint16_t seen_;                 /* entries in use of what is remembered */
} misskey_note_slot;

typedef struct misskey_store_desc { /* zero-initialise */
    misskey_mem mem;                /* required; MISSKEY_STORE_SIZE(notes, size), aligned for uint64_t */
    size_t note_size;               /* required: the size given there */
    const char *me;                 /* id of the own user, for my_reaction and is_voted; 0 = nobody. Borrowed */
    misskey_session *session;       /* captures what is held; 0 = captures are the application's. Borrowed */
    uint32_t grace_ms;              /* captures outlive the last hold by so much. 0 = 10000; at most 2^31;
                                       MISSKEY_FOREVER: until the note makes room */
    uint32_t max_age_ms;            /* older notes are not captured: few react to them. 0 = 300000; MISSKEY_FOREVER: all
                                       are */
} misskey_store_desc;

typedef struct misskey_store {      /* all members are private */
    misskey_store_desc d_;
    size_t stride_;
    uint32_t now_, clock_;
    uint16_t num_;                  /* slots; 0: not initialised */
    uint16_t newest_, oldest_;      /* by use; free ones are the oldest */
    uint16_t first_, last_;         /* slots whose captures wait for their release */
    bool ticked_;
} misskey_store;

/* What a call changed, as bits. */
enum {
    MISSKEY_CHANGED_NEW = 1,            /* the note was not there */
    MISSKEY_CHANGED_REACTIONS = 2,      /* reactions, reaction_count, reaction_emojis */
    MISSKEY_CHANGED_MY_REACTION = 4,
    MISSKEY_CHANGED_POLL = 8,
    MISSKEY_CHANGED_TEXT = 16,          /* text, cw, files */
    MISSKEY_CHANGED_DELETED = 32,       /* deleted_at is set from now on, and nothing changes any more */
    MISSKEY_CHANGED_REST = 64,
    MISSKEY_CHANGED_REFETCH = 128,      /* it was edited, and the update does not say how: misskey_store_put_fetched */
    MISSKEY_CHANGED_CUT = 256           /* something did not fit into note_size and was left out */
};

/*
    misskey_store_init -- prepare

    Errors    BAD_ARG: mem missing or not aligned, or for more than 65534 notes; TOO_SMALL: note_size below 256, or mem
              too small for two notes (a renote needs both).
    Lifetime  mem and what the desc points at are borrowed until init is called again. Captures of the store stay in the
              session: release what is held before that, and initialise a store anew after its session was.
*/
MISSKEY_API misskey_err misskey_store_init(misskey_store *store, const misskey_store_desc *desc);

/*
    misskey_store_put, misskey_store_put_fetched -- take a note that came over a channel; one that was fetched

    Servers send copies that are older than the updates before them: unreadNotification repeats a note 2 seconds later,
    a renote brings a copy of what it repeats. So after an update put keeps what that has changed. Counts of reactions
    and votes can only rise by a copy, and reactions not even that after one was taken back; the own reaction stays, and
    so does the text, unless the copy's updatedAt is later than the stored one. put_fetched takes the note as the truth:
    give it what an HTTP request returned, after a GAP or MISSKEY_CHANGED_REFETCH. What users did before is forgotten
    then.

    A new note is stored. A known one is replaced, but my_reaction stays unless the note says something else, and a
    deleted note stays deleted. A minimized note is merged over what is there. What minimized notes say of the viewer
    stays when a whole note is put: my_reaction, the own votes, members of user, reply and renote that the whole note
    does not have. The note that a renote repeats is put as well, in a slot of its own, because updates come for that
    one. Of more than 255 members, those of inner objects that are merged among them, some are left out; servers send 35
    or so.

    note      may be a view into the store itself, such as the renote of a stored note
    *changed  may be NULL; of the note itself
    Errors    BAD_ARG: no object with an id as misskey_note_capture takes. FULL: every slot is held. BAD_STATE: not
              initialised. Nothing has changed then.
*/
MISSKEY_API misskey_err misskey_store_put(misskey_store *store, misskey_json note, uint32_t *changed);
MISSKEY_API misskey_err misskey_store_put_fetched(misskey_store *store, misskey_json note, uint32_t *changed);

/*
    misskey_store_update -- a noteUpdated came

    Counts a reaction once: what a user did to a note is remembered (the latest note_size / 32 doings, 4096 at most), so
    that an update that comes twice changes nothing the second time. Counts do not go below 0, keys with 0 are removed.

    Returns   MISSKEY_CHANGED_ bits; 0: the note is not here, is deleted, or the update says nothing new.
*/
MISSKEY_API uint32_t misskey_store_update(misskey_store *store, const misskey_message *message);

/* misskey_store_get -- the note as it is now, an object; {NULL, 0} if it is not here. Counts as a use. Lifetime: until
   the next call of put, update, hold or init. */
MISSKEY_API misskey_json misskey_store_get(misskey_store *store, misskey_jstr id);

/*
    misskey_store_hold, misskey_store_release -- the note is shown; no longer

    Counted. Held notes stay, and are captured if there is a session: the note itself, and for a renote also the one
    that it repeats, which is held along (not what that one repeats in turn). When the last hold is gone, the capture
    lives on for grace_ms.

    unix_ms   milliseconds since 1970: a note older than max_age_ms (of a renote: the renote) is not captured; 0 = no
              idea, capture it
    Errors    STALE: not here; release: not held. FULL: held 65535 times, or the session has no free capture slot.
              Others are those of misskey_note_capture. Nothing has changed then.
*/
MISSKEY_API misskey_err misskey_store_hold(misskey_store *store, misskey_jstr id, int64_t unix_ms);
MISSKEY_API misskey_err misskey_store_release(misskey_store *store, misskey_jstr id);

/* misskey_store_tick -- the time now: releases captures whose grace is over. misskey_store_timeout -- milliseconds
   until that is due, MISSKEY_FOREVER = not at all. */
MISSKEY_API void misskey_store_tick(misskey_store *store, uint32_t now_ms);
MISSKEY_API uint32_t misskey_store_timeout(const misskey_store *store);

/* ================================================================================================================== */
/* MARK: - connection                                                                                         >>conn  */
/* ================================================================================================================== */

typedef struct misskey_conn_desc {  /* zero-initialise */
    misskey_ws_desc ws;             /* .server must be false: a server uses misskey_ws and misskey_message_parse */
    misskey_session_desc session;   /* .anonymous, .entropy and .user are set from .ws */
} misskey_conn_desc;

/* A client: one WebSocket and one session. session is for the calls that take one; the rest is private. */
typedef struct misskey_conn {
    misskey_session session;
    misskey_ws ws_;
} misskey_conn;

/* The calls of misskey_ws, for a whole client; see there for arguments, lifetimes and errors. close also ends the
   retries until the next transport_up, and is no error where there is no transport. A connection whose init failed, or
   that is all zero, refuses every call and gives no event. */
MISSKEY_API misskey_err misskey_conn_init(misskey_conn *conn, const misskey_conn_desc *desc);
MISSKEY_API void misskey_conn_transport_up(misskey_conn *conn);
MISSKEY_API void misskey_conn_transport_down(misskey_conn *conn);
MISSKEY_API uint8_t *misskey_conn_recv_buf(misskey_conn *conn, size_t *len);
MISSKEY_API void misskey_conn_recv_ack(misskey_conn *conn, size_t n);
MISSKEY_API size_t misskey_conn_feed(misskey_conn *conn, const void *data, size_t len);
MISSKEY_API const uint8_t *misskey_conn_send_buf(const misskey_conn *conn, size_t *len);
MISSKEY_API void misskey_conn_send_ack(misskey_conn *conn, size_t n);
MISSKEY_API void misskey_conn_tick(misskey_conn *conn, uint32_t now_ms);
MISSKEY_API uint32_t misskey_conn_timeout(const misskey_conn *conn);
MISSKEY_API misskey_err misskey_conn_send(misskey_conn *conn, const misskey_message *message);
MISSKEY_API misskey_err misskey_conn_close(misskey_conn *conn, uint16_t code, const char *reason);

/* misskey_conn_channel_send -- an operation on a channel, such as read or requestLog. type: plain name; body: JSON
   text, NULL = {}. Not kept for later: before READY it is NOT_READY. Errors: those of misskey_session_channel_send and
   misskey_ws_send. */
MISSKEY_API misskey_err misskey_conn_channel_send(misskey_conn *conn, misskey_channel channel, const char *type,
                                                  const char *body);

/*
    misskey_conn_poll -- the next event

    As misskey_ws_poll; every message is checked and taken apart. UTF-8 is checked once for frames and JSON together.
*/
MISSKEY_API bool misskey_conn_poll(misskey_conn *conn, misskey_event *event);

/* misskey_conn_read -- misskey_conn_poll with misskey_message_read */
MISSKEY_API bool misskey_conn_read(misskey_conn *conn, misskey_event *event, misskey_reading *reading);

/* ================================================================================================================== */
/* MARK: - pump                                                                                               >>pump  */
/* ================================================================================================================== */

/* A byte stream: a socket or a TLS library (examples/ has some). Each call moves at most len bytes and returns how
   many; 0: would block; negative: end of the stream or error. */
typedef struct misskey_io {
    int (*read)(void *user, void *dst, size_t len);
    int (*write)(void *user, const void *src, size_t len);
    void *user;
} misskey_io;

/*
    misskey_ws_pump, misskey_conn_pump -- write what is to be sent, read what there is

    Non-blocking streams: call when the socket is ready. Blocking ones: each call reads once. At most 32767 bytes per
    call of read and write. If write fails, reads all that is there, as the peer may have said why. On the end of the
    stream transport_down is called for you. Poll afterwards.

    Returns   true while the stream lives.
*/
MISSKEY_API bool misskey_ws_pump(misskey_ws *ws, const misskey_io *io);
MISSKEY_API bool misskey_conn_pump(misskey_conn *conn, const misskey_io *io);

#ifdef __cplusplus
}
#endif
#endif /* MISSKEY_STREAM_H */

/* ################################################################################################################## */
/* MARK: - IMPLEMENTATION                                                                                     >>impl  */
/* ################################################################################################################## */
#ifdef MISSKEY_STREAM_IMPLEMENTATION
#ifndef MISSKEY_STREAM_IMPLEMENTED
#define MISSKEY_STREAM_IMPLEMENTED

/* ================================================================================================================== */
/* MARK: - implementation: configuration                                                               >>impl-config  */
/* ================================================================================================================== */

#ifndef MISSKEY_MEMCPY
#define MISSKEY_MEMCPY(dst, src, n) memcpy(dst, src, n)
#endif
#ifndef MISSKEY_MEMMOVE
#define MISSKEY_MEMMOVE(dst, src, n) memmove(dst, src, n)
#endif
#ifndef MISSKEY_MEMSET
#define MISSKEY_MEMSET(dst, c, n) memset(dst, c, n)
#endif
#ifndef MISSKEY_STRLEN
#define MISSKEY_STRLEN(s) strlen(s)
#endif

/* MSKI_FAST: whole words, and guesses of the next member, on 64-bit machines unless the compiler is asked for small
   code. MSKI_VECTOR: 16 bytes at a time, where every machine of the target can. MSKI_WIDE: UTF-8 32 bytes at a time if
   the processor is found to have AVX2; there is no place to remember that but the connection, so only what comes over
   one is read so. */
#define MSKI_FAST 0
#define MSKI_VECTOR 0
#define MSKI_WIDE 0
#if UINTPTR_MAX > 0xFFFFFFFFu && !defined(__OPTIMIZE_SIZE__)
#undef MSKI_FAST
#define MSKI_FAST 1
#if !MISSKEY_NO_SIMD && (defined(__GNUC__) || defined(__clang__)) && defined(__SSE2__)
#undef MSKI_VECTOR
#define MSKI_VECTOR 1
#include <emmintrin.h>
#if defined(__x86_64__) && !defined(_MSC_VER)
#undef MSKI_WIDE
#define MSKI_WIDE 1
#define MSKI_AVX2 __attribute__((target("avx2")))
#include <cpuid.h>
#include <immintrin.h>
#endif
#elif !MISSKEY_NO_SIMD && (defined(__GNUC__) || defined(__clang__)) && defined(__AARCH64EL__) && defined(__ARM_NEON)
#undef MSKI_VECTOR
#define MSKI_VECTOR 1
#include <arm_neon.h>
#endif
#endif

/* The scanner's depth bits are bytes; a message needs two levels for its envelope. */
typedef char mski_assert_depth[MISSKEY_MAX_DEPTH >= 8 && MISSKEY_MAX_DEPTH % 8 == 0 ? 1 : -1];
/* 544 bytes on 64-bit machines, 448 on 32-bit ones; slots 80 or 64, and 40. */
typedef char mski_assert_conn_size[sizeof(misskey_conn) <= (sizeof(void *) > 4 ? 544 : 448) ? 1 : -1];
typedef char mski_assert_channel_size[sizeof(misskey_channel_slot) <= (sizeof(void *) > 4 ? 80 : 64) ? 1 : -1];
typedef char mski_assert_capture_size[sizeof(misskey_capture_slot) == 40 ? 1 : -1];
typedef char mski_assert_enum_size[sizeof(misskey_err) == 4 && sizeof(misskey_kind) == 4 ? 1 : -1];

/* Functions whose stack must not add up with that of their callees; INLINE: the same, but in line where speed counts;
   SELDOM: code that would only be in the way of what is called often. */
#if !MSKI_FAST && (defined(__GNUC__) || defined(__clang__))
#define MSKI_NOINLINE __attribute__((noinline))
#else
#define MSKI_NOINLINE
#endif
#if !MSKI_FAST
#define MSKI_INLINE MSKI_NOINLINE
#elif defined(__GNUC__) || defined(__clang__)
#define MSKI_INLINE inline __attribute__((always_inline)) /* clang needs to be told */
#else
#define MSKI_INLINE inline
#endif
#if defined(__GNUC__) || defined(__clang__)
#define MSKI_SELDOM __attribute__((noinline))
#else
#define MSKI_SELDOM
#endif

/* The rows of a list that are not left out: MISSKEY_..._LIST(row, MSKI_OLD(row), MSKI_FORK(row)). */
#define MSKI_NOTHING(...)
#if MISSKEY_NO_HISTORIC
#define MSKI_OLD(row) MSKI_NOTHING
#else
#define MSKI_OLD(row) row
#endif
#if MISSKEY_NO_FORKS
#define MSKI_FORK(row) MSKI_NOTHING
#else
#define MSKI_FORK(row) row
#endif

#define MSKI_STR(literal) (literal), sizeof(literal) - 1

MISSKEY_API const char *misskey_err_name(misskey_err err)
{
#if !MISSKEY_NO_STRINGS
#define MISSKEY_X_(name, number, text) case MISSKEY_ERR_##name: return #name;
    switch (err) { MISSKEY_ERROR_LIST(MISSKEY_X_) default: break; }
#undef MISSKEY_X_
#else
    (void)err;
#endif
    return "";
}

MISSKEY_API const char *misskey_err_text(misskey_err err)
{
#if !MISSKEY_NO_STRINGS
#define MISSKEY_X_(name, number, text) case MISSKEY_ERR_##name: return text;
    switch (err) { MISSKEY_ERROR_LIST(MISSKEY_X_) default: break; }
#undef MISSKEY_X_
#else
    (void)err;
#endif
    return "";
}

static const misskey_str mski_no_str = { NULL, 0 };
static const misskey_jstr mski_no_jstr = { NULL, 0 };
static const misskey_json mski_no_json = { NULL, 0 };

/* Text as bytes; a missing one as an empty one, so that pointers can be counted with. */
static const uint8_t *mski_bytes(const char *p)
{
    static const uint8_t empty[1] = { 0 };
    return p == NULL ? empty : (const uint8_t *)p;
}

/* Zeroes a struct. Not in line: compilers make slow string instructions of a size that they know. */
static MSKI_SELDOM void mski_zero(void *p, size_t n) { MISSKEY_MEMSET(p, 0, n); }

#if MSKI_FAST
static inline uint32_t mski_four(const void *p)
{
    uint32_t word;
    MISSKEY_MEMCPY(&word, p, 4);
    return word;
}

static inline uint64_t mski_eight(const void *p)
{
    uint64_t word;
    MISSKEY_MEMCPY(&word, p, 8);
    return word;
}
#endif

/* Short runs of bytes; a loop of our own, because compilers make calls of memcmp into calls of bcmp, which not every
   libc has. */
static inline bool mski_equal(const void *a, const void *b, size_t n)
{
    const uint8_t *p = (const uint8_t *)a, *q = (const uint8_t *)b;
#if MSKI_FAST
    if (n >= 8) { /* the last step overlaps the one before it */
        const uint8_t *const last = p + n - 8;
        for (; p < last; p += 8, q += 8) if (mski_eight(p) != mski_eight(q)) return false;
        return mski_eight(last) == mski_eight(q - (p - last));
    }
    if (n >= 4) return mski_four(p) == mski_four(q) && mski_four(p + n - 4) == mski_four(q + n - 4);
#endif
    for (; n > 0; n--) if (*p++ != *q++) return false;
    return true;
}

/* ================================================================================================================== */
/* MARK: - implementation: steps of 16 or 8 bytes                                                       >>impl-steps  */
/* ================================================================================================================== */

/* All that loops over text go in steps of MSKI_STEP bytes, and then by single bytes; small builds have only the latter.
   A look at one step gives mski_flags, from which mski_first tells where the first byte is that was looked for. Twins:
   SSE2, NEON, and words of 64 bits in plain C. */
#if MSKI_VECTOR
#define MSKI_STEP 16
typedef unsigned mski_flags;    /* one bit a byte */

#if defined(__SSE2__)
/* Signed where it says below: bytes above 0x7F are below 0. Unsigned where it says most and minus; minus stops at 0, so
   the highest bit is set from c + 0x80 on. */
typedef __m128i mski_vector;
static inline mski_vector mski_load(const uint8_t *p) { return _mm_loadu_si128((const __m128i *)(const void *)p); }
static inline mski_vector mski_or(mski_vector a, mski_vector b) { return _mm_or_si128(a, b); }
static inline mski_vector mski_are(mski_vector v, int c) { return _mm_cmpeq_epi8(v, _mm_set1_epi8((char)c)); }
static inline mski_vector mski_below(mski_vector v, int c) { return _mm_cmplt_epi8(v, _mm_set1_epi8((char)c)); }
static inline mski_vector mski_most(mski_vector a, mski_vector b) { return _mm_max_epu8(a, b); }
static inline mski_vector mski_minus(mski_vector v, int c) { return _mm_subs_epu8(v, _mm_set1_epi8((char)c)); }
/* Negative: below 0x20 or above 0x7F. */
static inline mski_vector mski_no_text(mski_vector v) { return _mm_subs_epi8(v, _mm_set1_epi8(0x20)); }
static inline mski_vector mski_all(int c) { return _mm_set1_epi8((char)c); }
static inline mski_vector mski_equals(mski_vector a, mski_vector b) { return _mm_cmpeq_epi8(a, b); }
static inline mski_vector mski_and(mski_vector a, mski_vector b) { return _mm_and_si128(a, b); }
static inline mski_vector mski_xor(mski_vector a, mski_vector b) { return _mm_xor_si128(a, b); }
static inline void mski_save(uint8_t *p, mski_vector v) { _mm_storeu_si128((__m128i *)(void *)p, v); }
/* The highest bit of each byte. */
static inline mski_flags mski_highest(mski_vector v) { return (unsigned)_mm_movemask_epi8(v); }
#else
typedef int8x16_t mski_vector;
static inline mski_vector mski_load(const uint8_t *p) { return vreinterpretq_s8_u8(vld1q_u8(p)); }
static inline mski_vector mski_or(mski_vector a, mski_vector b) { return vorrq_s8(a, b); }
static inline mski_vector mski_are(mski_vector v, int c)
{
    return vreinterpretq_s8_u8(vceqq_s8(v, vdupq_n_s8((int8_t)c)));
}
static inline mski_vector mski_below(mski_vector v, int c)
{
    return vreinterpretq_s8_u8(vcltq_s8(v, vdupq_n_s8((int8_t)c)));
}
static inline mski_vector mski_most(mski_vector a, mski_vector b)
{
    return vreinterpretq_s8_u8(vmaxq_u8(vreinterpretq_u8_s8(a), vreinterpretq_u8_s8(b)));
}
static inline mski_vector mski_minus(mski_vector v, int c)
{
    return vreinterpretq_s8_u8(vqsubq_u8(vreinterpretq_u8_s8(v), vdupq_n_u8((uint8_t)c)));
}
static inline mski_vector mski_no_text(mski_vector v) { return vqsubq_s8(v, vdupq_n_s8(0x20)); }
static inline mski_vector mski_all(int c) { return vdupq_n_s8((int8_t)c); }
static inline mski_vector mski_equals(mski_vector a, mski_vector b) { return vreinterpretq_s8_u8(vceqq_s8(a, b)); }
static inline mski_vector mski_and(mski_vector a, mski_vector b) { return vandq_s8(a, b); }
static inline mski_vector mski_xor(mski_vector a, mski_vector b) { return veorq_s8(a, b); }
static inline void mski_save(uint8_t *p, mski_vector v) { vst1q_u8(p, vreinterpretq_u8_s8(v)); }
static inline mski_flags mski_highest(mski_vector v)
{
    static const uint8_t bits[16] = { 1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128 };
    uint8x16_t sum = vandq_u8(vreinterpretq_u8_s8(vshrq_n_s8(v, 7)), vld1q_u8(bits));
    sum = vpaddq_u8(sum, sum);
    sum = vpaddq_u8(sum, sum);
    sum = vpaddq_u8(sum, sum);
    return vgetq_lane_u16(vreinterpretq_u16_u8(sum), 0);
}
#endif

/* Bytes of a string that need a look: quote, backslash, below 0x20, above 0x7F. */
static inline mski_flags mski_stops(const uint8_t *p)
{
    const mski_vector v = mski_load(p);
    return mski_highest(mski_or(mski_no_text(v), mski_or(mski_are(v, '"'), mski_are(v, '\\'))));
}

static inline mski_flags mski_either(const uint8_t *p, int one, int other)
{
    const mski_vector v = mski_load(p);
    return mski_highest(mski_or(mski_are(v, one), mski_are(v, other)));
}

static inline mski_flags mski_non_ascii_in(const uint8_t *p) { return mski_highest(mski_load(p)); }

static inline const uint8_t *mski_first(const uint8_t *p, mski_flags flags) { return p + __builtin_ctz(flags); }

#elif MSKI_FAST
#define MSKI_STEP 8
typedef uint64_t mski_flags;    /* the highest bit of each byte; only the lowest of them all is to be trusted */
#define MSKI_ONES UINT64_C(0x0101010101010101)

static inline mski_flags mski_stops(const uint8_t *p)
{
    const uint64_t v = mski_eight(p), quote = v ^ (MSKI_ONES * '"'), slash = v ^ (MSKI_ONES * '\\');
    return (v | (v - MSKI_ONES * 0x20) | (quote - MSKI_ONES) | (slash - MSKI_ONES)) & (MSKI_ONES * 0x80);
}

static inline mski_flags mski_either(const uint8_t *p, int one, int other)
{
    const uint64_t v = mski_eight(p), a = v ^ (MSKI_ONES * (uint8_t)one), b = v ^ (MSKI_ONES * (uint8_t)other);
    return (((a - MSKI_ONES) & ~a) | ((b - MSKI_ONES) & ~b)) & (MSKI_ONES * 0x80);
}

static inline mski_flags mski_non_ascii_in(const uint8_t *p) { return mski_eight(p) & (MSKI_ONES * 0x80); }

/* Where the order of bytes is another one, or not known: the beginning of the step, for a look at each byte. */
static inline const uint8_t *mski_first(const uint8_t *p, mski_flags flags)
{
#if (defined(__GNUC__) || defined(__clang__)) && !defined(__TINYC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return p + (__builtin_ctzll(flags) >> 3);
#else
    (void)flags;
    return p;
#endif
}
#endif

/* ================================================================================================================== */
/* MARK: - implementation: members of entities                                                          >>impl-shape  */
/* ================================================================================================================== */

/* What is known of the members of an entity, in the order in which servers write them: where each one goes, and its
   name. Small builds have the names one behind the other. Fast ones have each in its row, with the quote and the colon
   that follow it where there is no white space, and what is before it where it is not the first member, so that it can
   be compared 16 bytes at a time. */

/* Kinds of members; those that can be told by it are the first byte of their values. */
enum {
    MSKI_BOOL_FIELD, MSKI_INT_FIELD, MSKI_DEC_FIELD, MSKI_LIST_FIELD, MSKI_JSON_FIELD,
    MSKI_STR_FIELD = '"', MSKI_ARR_FIELD = '[', MSKI_OBJ_FIELD = '{'
};

#define MSKI_ALIAS 0xFFFF
#define MSKI_END 0xFFFE

typedef struct mski_field {
#if MSKI_FAST
    char text[48];              /* comma, quote, name, quote, colon */
#if MSKI_VECTOR
    uint32_t bits;              /* one for each of its first 16 bytes but the comma; END: one that no byte has */
#else
    uint8_t care[8];            /* 0xFF for each of the 8 bytes behind the comma that is of it */
#endif
#endif
    uint16_t at, has;           /* of the member and of its byte in .has; in the last row the size of the struct, 0 */
    uint16_t outer;             /* where the member is that it is a part of, plus 1; 0 = of the object itself; ALIAS; in
                                   the last row END, and in fast builds in one before those that have an outer */
    uint8_t kind, len;          /* len: of the name */
} mski_field;

/* A place in the tables of an entity: first of all their beginning. */
typedef struct mski_shape {
    const mski_field *field;
#if MSKI_FAST
    const mski_field *end;
    const uint8_t *lens;        /* of the names in all rows, and zeros for one step more */
#else
    const char *name;
#endif
} mski_shape;

#if MSKI_FAST
static const char *mski_row_name(const mski_field *row) { return row->text + 2; }
static const char *mski_field_name(const mski_shape *at) { return mski_row_name(at->field); }
static void mski_next_field(mski_shape *at) { at->field++; }
static const mski_field *mski_end_of(const mski_shape *all) { return all->end; }
static bool mski_at_end(const mski_shape *at, const mski_shape *all) { return at->field == all->end; }
#if MSKI_VECTOR
#define MSKI_CARE(name) sizeof(name) > 12 ? 0xFFFEu : sizeof(name) == 1 ? 0x10000u : (1u << (sizeof(name) + 3)) - 2
#else
#define MSKI_CARE_8(n) { 255, 255, 255, (n) > 1 ? 255 : 0, (n) > 2 ? 255 : 0, (n) > 3 ? 255 : 0, (n) > 4 ? 255 : 0, \
                         (n) > 5 ? 255 : 0 }
#define MSKI_CARE(name) MSKI_CARE_8(sizeof(name))
#endif
#define MSKI_ROW_NAME(name) ",\"" name "\":", MSKI_CARE(name),
#define MSKI_ROW_END { MSKI_ROW_NAME("") (uint16_t)sizeof(mski_t), 0, MSKI_END, 0, 0 }
#define MSKI_ROWS(FIELDS) \
    FIELDS(MSKI_ROW, MSKI_OLD(MSKI_ROW), MSKI_FORK(MSKI_ROW), MSKI_NO_ROW, MSKI_NO_ROW_IN) \
    MSKI_ROW_END, \
    FIELDS(MSKI_NO_ROW, MSKI_NO_ROW, MSKI_NO_ROW, MSKI_OLD(MSKI_ROW_ALIAS), MSKI_ROW_IN) \
    MSKI_ROW_END
#define MSKI_NO_ROW(kind, member, name)
#define MSKI_NO_ROW_IN(kind, member, outer, name)
#define MSKI_LEN(kind, member, name) sizeof(name) - 1,
#define MSKI_LEN_IN(kind, member, outer, name) sizeof(name) - 1,
#define MSKI_REST(FIELDS) \
    static const uint8_t lens[sizeof fields / sizeof *fields + MSKI_STEP] = { \
        FIELDS(MSKI_LEN, MSKI_OLD(MSKI_LEN), MSKI_FORK(MSKI_LEN), MSKI_NO_ROW, MSKI_NO_ROW_IN) \
        0, \
        FIELDS(MSKI_NO_ROW, MSKI_NO_ROW, MSKI_NO_ROW, MSKI_OLD(MSKI_LEN), MSKI_LEN_IN) \
    };
#define MSKI_SET_REST(shape) \
    shape.end = fields + sizeof fields / sizeof *fields - 1; \
    shape.lens = lens;
#else
static const char *mski_field_name(const mski_shape *at) { return at->name; }
static void mski_next_field(mski_shape *at) { at->name += at->field++->len + 2; }
#define MSKI_ROW_NAME(name)
#define MSKI_ROWS(FIELDS) \
    FIELDS(MSKI_ROW, MSKI_OLD(MSKI_ROW), MSKI_FORK(MSKI_ROW), MSKI_OLD(MSKI_ROW_ALIAS), MSKI_ROW_IN) \
    { (uint16_t)sizeof(mski_t), 0, MSKI_END, 0, 0 }
#define MSKI_KEY(kind, member, name) name "\":"
#define MSKI_KEY_IN(kind, member, outer, name) name "\":"
#define MSKI_REST(FIELDS) \
    static const char names[] = FIELDS(MSKI_KEY, MSKI_OLD(MSKI_KEY), MSKI_FORK(MSKI_KEY), MSKI_OLD(MSKI_KEY), \
                                       MSKI_KEY_IN) "";
#define MSKI_SET_REST(shape) shape.name = names;

#define mski_at_end(place, all) ((place)->field->has == 0)

static const mski_field *mski_end_of(const mski_shape *all)
{
    const mski_field *end = all->field;
    while (end->has != 0) end++;
    return end;
}
#endif

/* Member by member: small compilers call memcpy to copy a struct. */
static void mski_go_to(mski_shape *at, const mski_shape *place)
{
    at->field = place->field;
#if !MSKI_FAST
    at->name = place->name;
#endif
}

/* A word of the lists is pasted where it is first seen, so that a macro of that name, such as Arduino's DEC, is never
   expanded. */
#define MSKI_ROW_(kind, member, name, outer) \
    { MSKI_ROW_NAME(name) (uint16_t)offsetof(mski_t, member), (uint16_t)offsetof(mski_t, has.member), outer, \
      kind, sizeof(name) - 1 },
#define MSKI_ROW(kind, member, name) MSKI_ROW_(MSKI_##kind##_FIELD, member, name, 0)
#define MSKI_ROW_ALIAS(kind, member, name) MSKI_ROW_(MSKI_##kind##_FIELD, member, name, MSKI_ALIAS)
#define MSKI_ROW_IN(kind, member, outer, name) \
    MSKI_ROW_(MSKI_##kind##_FIELD, member, name, (uint16_t)(offsetof(mski_t, outer) + 1))
#define MISSKEY_X_(entity, ENTITY) \
    static mski_shape mski_##entity##_shape(void) \
    { \
        typedef misskey_##entity mski_t; \
        static const mski_field fields[] = { MSKI_ROWS(MISSKEY_##ENTITY##_FIELDS) }; \
        MSKI_REST(MISSKEY_##ENTITY##_FIELDS) \
        mski_shape shape; \
        shape.field = fields; \
        MSKI_SET_REST(shape) \
        return shape; \
    }
MISSKEY_ENTITY_LIST(MISSKEY_X_)
#undef MISSKEY_X_

static misskey_jstr mski_jstr(const uint8_t *p, const uint8_t *end)
{
    misskey_jstr s;
    s.ptr = (const char *)p;
    s.len = (size_t)(end - p);
    return s;
}

static misskey_json mski_json(const uint8_t *p, const uint8_t *end)
{
    misskey_json v;
    v.ptr = (const char *)p;
    v.len = (size_t)(end - p);
    return v;
}

/* Value of a hexadecimal digit; above 15 if it is none. */
static unsigned mski_hex(uint8_t c)
{
    if ((uint8_t)(c - '0') < 10) return (unsigned)(c - '0');
    c = (uint8_t)((c | 0x20) - 'a');
    return c < 6 ? c + 10u : 16u;
}

/* The next character of a string, if it is ASCII: letters and digits can be hidden by no other escape than \u00XY. *p
   moves behind it. */
static unsigned mski_ascii(const uint8_t **p, const uint8_t *end)
{
    const uint8_t *q = *p;
    *p = q + 1;
    if (*q != '\\' || end - q < 6 || q[1] != 'u' || q[2] != '0' || q[3] != '0') return *q;
    *p = q + 6;
    return mski_hex(q[4]) << 4 | mski_hex(q[5]);
}

/* Where a string goes on behind one of the protocol's own names; NULL if it does not begin with it. */
static const uint8_t *mski_match(misskey_jstr s, const char *name, size_t len)
{
    const uint8_t *p = mski_bytes(s.ptr), *const end = p + s.len;
    for (; len > 0; name++, len--) if (p == end || mski_ascii(&p, end) != (uint8_t)*name) return NULL;
    return p;
}

static MSKI_INLINE bool mski_is_text(misskey_jstr s, const char *name, size_t len)
{
#if MSKI_FAST
    if (s.len <= len) return s.len == len && mski_equal(mski_bytes(s.ptr), name, len);
    if (*s.ptr != *name && *s.ptr != '\\') return false; /* only an escape makes a string longer */
#endif
    return mski_match(s, name, len) == mski_bytes(s.ptr) + s.len;
}

static inline bool mski_is_name(misskey_jstr s, const char *name)
{
    return mski_is_text(s, name, MISSKEY_STRLEN(name));
}

static MSKI_INLINE bool mski_is_field(misskey_jstr key, const mski_shape *at)
{
    return mski_is_text(key, mski_field_name(at), at->field->len);
}

/* Is this the first byte of a container that fits? */
static inline bool mski_is_container(uint8_t kind, uint8_t first)
{
    return (first | 0x20) == '{' && (kind == first || kind == MSKI_LIST_FIELD); /* '[' | 0x20 is '{' */
}

static bool mski_set_value(void *at, uint8_t kind, misskey_json value)
{
    switch (kind) {
    case MSKI_STR_FIELD:
        *(misskey_jstr *)at = misskey_json_str(value);
        return ((misskey_jstr *)at)->ptr != NULL;
    case MSKI_BOOL_FIELD: return misskey_json_bool(value, (bool *)at);
    case MSKI_INT_FIELD: return misskey_json_i64(value, (int64_t *)at);
    case MSKI_DEC_FIELD: return misskey_json_decimal(value, (misskey_decimal *)at);
    default:
        if (kind != MSKI_JSON_FIELD && !mski_is_container(kind, (uint8_t)*value.ptr)) return false;
        *(misskey_json *)at = value;
        return true;
    }
}

static void mski_clear_value(void *at, uint8_t kind)
{
    MISSKEY_MEMSET(at, 0, kind == MSKI_BOOL_FIELD ? sizeof(bool)
                        : kind == MSKI_INT_FIELD  ? sizeof(int64_t)
                        : kind == MSKI_DEC_FIELD  ? sizeof(misskey_decimal) : sizeof(misskey_json));
}

static MSKI_NOINLINE void mski_set_field(const mski_field *field, uint8_t *out, misskey_json value)
{
    void *const at = out + field->at;
    uint8_t *const has = out + field->has;
    mski_clear_value(at, field->kind);
    *has = MISSKEY_NULL;
    if (misskey_json_type(value) == MISSKEY_TYPE_NULL) return;
    *has = mski_set_value(at, field->kind, value) ? MISSKEY_PRESENT : MISSKEY_ABSENT;
}

/* ================================================================================================================== */
/* MARK: - implementation: UTF-8                                                                         >>impl-utf8  */
/* ================================================================================================================== */

/* Length of the well-formed sequence at p, which begins with a byte above 0x7F; 0 if there is none (Unicode table 3-7).
   */
static unsigned mski_utf8_sequence(const uint8_t *p, const uint8_t *end)
{
    const size_t left = (size_t)(end - p);
    const unsigned lead = p[0];
    if (lead < 0xE0) return lead >= 0xC2 && left >= 2 && (p[1] & 0xC0) == 0x80 ? 2 : 0;
    if (left < 3 || (p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80) return 0;
    if (lead < 0xF0) return (lead != 0xE0 || p[1] >= 0xA0) && (lead != 0xED || p[1] < 0xA0) ? 3 : 0;
    if (left < 4 || lead > 0xF4 || (p[3] & 0xC0) != 0x80) return 0;
    return (lead != 0xF0 || p[1] >= 0x90) && (lead != 0xF4 || p[1] < 0x90) ? 4 : 0;
}

/* First byte above 0x7F. */
static const uint8_t *mski_skip_ascii(const uint8_t *p, const uint8_t *end)
{
#if MSKI_FAST
    while (end - p >= MSKI_STEP && mski_non_ascii_in(p) == 0) p += MSKI_STEP;
#endif
    while (p < end && *p < 0x80) p++;
    return p;
}

#if MSKI_VECTOR
/* The highest bit of each byte: is it wrong behind the three before it? Whether it is a continuation byte must be what
   these ask for; behind E0 and ED, and behind F0 and F4, only half or a part of them may stand; others are never right.
   four: there may be lead bytes of four. */
static inline mski_vector mski_utf8_wrong(const uint8_t *p, bool four)
{
    const mski_vector v = mski_load(p), before = mski_load(p - 1);
    const mski_vector odd = mski_xor(mski_and(mski_below(v, 0xA0 - 256), mski_all(0xE0 ^ 0xED)), mski_all(0xED));
    mski_vector wrong = mski_or(mski_equals(before, odd), mski_are(mski_and(v, mski_all(0xFE)), 0xC0));
    mski_vector due = mski_or(mski_minus(before, 0xC0 - 0x80), mski_minus(mski_load(p - 2), 0xE0 - 0x80));
    if (four) {
        const mski_vector odd4 = mski_xor(mski_and(mski_below(v, 0x90 - 256), mski_all(0xF0 ^ 0xF4)), mski_all(0xF4));
        wrong = mski_or(wrong, mski_or(mski_equals(before, odd4), mski_minus(v, 0xF5 - 0x80)));
        due = mski_or(due, mski_minus(mski_load(p - 3), 0xF0 - 0x80));
    }
    return mski_or(mski_xor(due, mski_below(v, 0xC0 - 256)), wrong);
}

static inline bool mski_utf8_right_64(const uint8_t *p, bool four)
{
    const mski_vector a = mski_or(mski_utf8_wrong(p, four), mski_utf8_wrong(p + 16, four));
    const mski_vector b = mski_or(mski_utf8_wrong(p + 32, four), mski_utf8_wrong(p + 48, four));
    return mski_highest(mski_or(a, b)) == 0;
}

static MSKI_SELDOM bool mski_utf8_three(const uint8_t *p) { return mski_utf8_right_64(p, false); }
static MSKI_SELDOM bool mski_utf8_four(const uint8_t *p) { return mski_utf8_right_64(p, true); }

/* Are 64 bytes right, as far as they and the three before them tell? The latter are right. */
static inline bool mski_utf8_block(const uint8_t *p)
{
    const mski_vector a = mski_most(mski_load(p), mski_load(p + 16));
    const mski_vector b = mski_most(mski_load(p + 32), mski_load(p + 48));
    const mski_vector most = mski_most(mski_most(a, b), mski_load(p - 3));
    if (mski_highest(most) == 0) return true;
    return mski_highest(mski_minus(most, 0xF0 - 0x80)) == 0 ? mski_utf8_three(p) : mski_utf8_four(p);
}

#if MSKI_WIDE
/* Does the processor have vectors of 32 bytes, and does the system keep their upper halves? */
static bool mski_find_wide(void)
{
    unsigned a, b, c, d, kept, high;
    if (__get_cpuid_max(0, NULL) < 7) return false;
    __cpuid(1, a, b, c, d);
    if ((c & bit_OSXSAVE) == 0) return false;
    __asm__ volatile("xgetbv" : "=a"(kept), "=d"(high) : "c"(0));
    __cpuid_count(7, 0, a, b, c, d);
    return (kept & 6) == 6 && (b & bit_AVX2) != 0;
}

static inline MSKI_AVX2 __m256i mski_wide(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

static inline MSKI_AVX2 __m256i mski_look_up(const uint8_t table[16], __m256i v)
{
    const __m256i both = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table));
    return _mm256_shuffle_epi8(both, _mm256_and_si256(v, _mm256_set1_epi8(0x0F)));
}

/* mski_utf8_wrong for 32 bytes, by tables (J. Keiser and D. Lemire, Validating UTF-8 In Less Than One Instruction Per
   Byte, 2021). A byte can be wrong behind the one before it in seven ways, a bit each: 1 a lead byte is followed by no
   continuation byte, 2 ASCII is followed by one, 4 E0, 8 F4 and above, 0x10 ED, 0x20 C0 or C1, 0x40 F0, or above F4,
   are followed by one that they must not have. 0x80 is for two in a row: wrong, but where they are due. A table has the
   ways that are open to half a byte; what is open to three halves is the case. */
static inline MSKI_AVX2 __m256i mski_wide_wrong(const uint8_t *p)
{
    static const uint8_t first_high[16] = { 2, 2, 2, 2, 2, 2, 2, 2, 0x80, 0x80, 0x80, 0x80, 0x21, 1, 0x15, 0x49 };
    static const uint8_t first_low[16] = { 0xE7, 0xA3, 0x83, 0x83, 0x8B, 0xCB, 0xCB, 0xCB, 0xCB, 0xCB, 0xCB, 0xCB, 0xCB,
                                           0xDB, 0xCB, 0xCB };
    static const uint8_t second_high[16] = { 1, 1, 1, 1, 1, 1, 1, 1, 0xE6, 0xAE, 0xBA, 0xBA, 1, 1, 1, 1 };
    const __m256i v = mski_wide(p), before = mski_wide(p - 1);
    const __m256i ways = _mm256_and_si256(_mm256_and_si256(mski_look_up(first_high, _mm256_srli_epi16(before, 4)),
                                                           mski_look_up(first_low, before)),
                                          mski_look_up(second_high, _mm256_srli_epi16(v, 4)));
    const __m256i due = _mm256_or_si256(_mm256_subs_epu8(mski_wide(p - 2), _mm256_set1_epi8(0xE0 - 0x80)),
                                        _mm256_subs_epu8(mski_wide(p - 3), _mm256_set1_epi8(0xF0 - 0x80)));
    return _mm256_xor_si256(_mm256_and_si256(due, _mm256_set1_epi8((char)0x80)), ways);
}

static MSKI_AVX2 const uint8_t *mski_wide_blocks(const uint8_t *p, const uint8_t *end)
{
    for (; p < end; p += 64) {
        __m256i wrong;
        if (end - p < 64) p = end - 64;
        wrong = _mm256_or_si256(_mm256_or_si256(mski_wide(p), mski_wide(p + 32)), mski_wide(p - 3));
        if (_mm256_movemask_epi8(wrong) == 0) continue;
        wrong = _mm256_or_si256(mski_wide_wrong(p), mski_wide_wrong(p + 32));
        if (!_mm256_testz_si256(wrong, wrong)) break;
    }
    return p;
}
#endif

/* mski_utf8_skip for at least 67 bytes: up to the end, or the block with the first error. The last block overlaps the
   one before it. */
static const uint8_t *mski_utf8_blocks(const uint8_t *p, const uint8_t *end, bool wide)
{
    const uint8_t *const begin = p;
    while (p - begin < 3) {
        const unsigned n = *p < 0x80 ? 1 : mski_utf8_sequence(p, end);
        if (n == 0) return p;
        p += n;
    }
#if MSKI_WIDE
    if (wide) p = mski_wide_blocks(p, end);
#endif
    for (; p < end && !wide; p += 64) {
        if (end - p < 64) p = end - 64;
        if (!mski_utf8_block(p)) break;
    }
    return p - (p[-1] >= 0xC0 ? 1 : p[-2] >= 0xE0 ? 2 : p[-3] >= 0xF0 ? 3 : 0);
}
#endif

/* First byte that is not part of a complete, well-formed sequence; end if all is well. wide: as mski_find_wide says. */
static const uint8_t *mski_utf8_skip(const uint8_t *p, const uint8_t *end, bool wide)
{
    unsigned n;
#if MSKI_VECTOR
    if (end - p >= 67) p = mski_utf8_blocks(p, end, wide);
#else
    (void)wide;
#endif
    while ((p = mski_skip_ascii(p, end)) < end) {
        n = mski_utf8_sequence(p, end);
        if (n == 0) return p;
        p += n;
    }
    return p;
}

static bool mski_utf8_valid(const void *text, size_t len, bool wide)
{
    const uint8_t *const p = mski_bytes((const char *)text);
    return mski_utf8_skip(p, p + len, wide) == p + len;
}

/* The same for text in pieces. state: continuation bytes still due, and the range of the next one; all zero at the
   beginning and whenever a piece ends between characters. False as soon as no continuation can make it valid. */
static bool mski_utf8_feed(uint8_t state[3], const uint8_t *p, size_t len, bool wide)
{
    const uint8_t *const end = p + len;
    while (p < end) {
        const uint8_t c = *p;
        if (state[0] > 0) {
            if (c < state[1] || c > state[2]) return false;
            state[0]--;
            state[1] = 0x80;
            state[2] = 0xBF;
            p++;
            continue;
        }
        p = mski_utf8_skip(p, end, wide);
        if (p == end) break;
        if (*p < 0xC2 || *p > 0xF4) return false;
        state[0] = (uint8_t)(1 + (*p >= 0xE0) + (*p >= 0xF0));
        state[1] = *p == 0xE0 ? 0xA0 : *p == 0xF0 ? 0x90 : 0x80;
        state[2] = *p == 0xED ? 0x9F : *p == 0xF4 ? 0x8F : 0xBF;
        p++;
    }
    return true;
}

/* ================================================================================================================== */
/* MARK: - implementation: walk over checked text                                                        >>impl-walk  */
/* ================================================================================================================== */

static const uint8_t *mski_white(const uint8_t *p, const uint8_t *end)
{
    while (p < end && *p <= ' ' && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) p++;
    return p;
}

#if MSKI_FAST
/* The same where there is none, as nearly everywhere. */
static inline const uint8_t *mski_skip_white(const uint8_t *p, const uint8_t *end)
{
    return p < end && *p <= ' ' ? mski_white(p, end) : p;
}
#else
#define mski_skip_white mski_white
#endif

/* First of two characters. */
static inline const uint8_t *mski_find(const uint8_t *p, const uint8_t *end, char one, char other)
{
#if MSKI_FAST
    for (; end - p >= MSKI_STEP; p += MSKI_STEP) {
        const mski_flags found = mski_either(p, one, other);
        if (found == 0) continue;
        p = mski_first(p, found);
        break;
    }
#endif
    while (p < end && *p != (uint8_t)one && *p != (uint8_t)other) p++;
    return p;
}

/* The walk over a value that was checked before looks at quotes and brackets only; whatever it is given, it stays
   before end. p is behind an opening quote; returns what is behind the closing one. */
static const uint8_t *mski_skip_string(const uint8_t *p, const uint8_t *end)
{
    while ((p = mski_find(p, end, '"', '\\')) < end && *p == '\\') p += end - p > 1 ? 2 : 1;
    return p < end ? p + 1 : p;
}

#if MSKI_VECTOR
/* Flags of the bytes of four steps that are one of two. */
static inline uint64_t mski_either_of_64(const uint8_t *p, char one, char other)
{
    uint64_t flags = 0;
    int i;
    for (i = 3; i >= 0; i--) flags = flags << MSKI_STEP | mski_either(p + i * MSKI_STEP, one, other);
    return flags;
}

/* Containers are skipped 64 bytes at a time: what stands between an odd and an even quote is a string, and of what does
   not, brackets count. Returns where to go on with single characters: less than 64 bytes are left, or there is a
   backslash, or the container ends before; *depth and *string say what is open there. */
static const uint8_t *mski_skip_blocks(const uint8_t *p, const uint8_t *end, size_t *depth, bool *string)
{
    for (; end - p >= 64 && mski_either_of_64(p, '\\', '\\') == 0; p += 64) {
        uint64_t inside = mski_either_of_64(p, '"', '"'), opening, brackets;
        int shift;
        for (shift = 1; shift < 64; shift *= 2) inside ^= inside << shift;
        if (*string) inside = ~inside;
        opening = mski_either_of_64(p, '{', '[') & ~inside;
        brackets = opening | (mski_either_of_64(p, '}', ']') & ~inside);
        for (; brackets != 0; brackets &= brackets - 1) {
            const uint64_t bracket = brackets & (~brackets + 1);
            if ((opening & bracket) != 0) ++*depth;
            else if (--*depth == 0) return p + __builtin_ctzll(bracket) + 1;
        }
        *string = inside >> 63 != 0;
    }
    return p;
}
#endif

static const uint8_t *mski_skip_container(const uint8_t *p, const uint8_t *end)
{
    size_t depth = 1;
    bool string = false;
#if MSKI_VECTOR
    const uint8_t *again = p;   /* behind a block that has to be taken by single characters */
#endif
    for (p++; p < end && depth > 0;) {
#if MSKI_VECTOR
        if (p >= again && end - p >= 64) {
            p = mski_skip_blocks(p, end, &depth, &string);
            if (depth == 0 || p == end) break;
            again = end - p >= 64 ? p + 64 : end;
        }
#endif
        if (string || *p == '"') {
            p = mski_skip_string(p + !string, end);
            string = false;
            continue;
        }
        depth += *p == '{' || *p == '[';
        depth -= *p == '}' || *p == ']';
        p++;
    }
    return p;
}

static const uint8_t *mski_skip_value(const uint8_t *p, const uint8_t *end)
{
    if (*p == '"') return mski_skip_string(p + 1, end);
    if (*p == '{' || *p == '[') return mski_skip_container(p, end);
    while (p < end && *p > ' ' && *p != ',' && *p != ']' && *p != '}') p++;
    return p;
}

/* ================================================================================================================== */
/* MARK: - implementation: JSON scanner                                                                  >>impl-scan  */
/* ================================================================================================================== */

/* One pass over the text, UTF-8 included, without a tree and without recursion: what is open is one bit per level (1 =
   object). The loop is mski_value: a value, then what may follow it in the container around it. Strings are most of the
   bytes; they are skipped in steps up to the next byte that needs a look.
   Fast builds: the hot path is the loop behind "member" in mski_value. Servers write the members of an entity always in
   the same order, so the next name is guessed to be that of the next row of its table, or of one of a few behind it
   (mski_guess): one compare of 16 bytes, with the comma's place, the quotes and the colon, instead of a search for its
   end, and what comes next does not have to wait for it. Which table holds is known from the kind of the message, and
   inside of that from the name of the member around it. A wrong guess costs such a compare for each of these rows: then
   the name is read as any other, and looked up only if it is to be stored. As the row also says where the member goes,
   a message can be checked and read in the same pass (misskey_message_read). Values have the same code twice, so that
   the branches of members that are known and of those that are not are predicted apart. */
#if MSKI_FAST
/* Deep enough for what is read along: the choices of the poll of a note, and a container in them. */
#define MSKI_LEVELS 5
/* Enough for one step, and for the name of a member and the beginning of its value. */
#define MSKI_AMPLE 20

typedef struct mski_level {
    const mski_field *at;   /* next member of the object; in an array, the first of its elements; NULL = not known */
    uint8_t *out;           /* where the members go; NULL = nowhere */
    const mski_field *row;  /* the member that is read; NULL = not known */
    const uint8_t *begin;   /* its value */
} mski_level;
#endif

typedef struct mski_scan {
    const uint8_t *end;
    const uint8_t *bad;     /* where it failed */
    uint8_t err;
    bool utf8;              /* bytes above 0x7F have to be checked (false: that has been done) */
    bool deep;              /* something was nested deeper than MISSKEY_MAX_DEPTH */
#if MSKI_FAST
    const uint8_t *begin;   /* of the text */
    const uint8_t *ample;   /* before it, at least MSKI_AMPLE bytes can be read */
    unsigned depth, base;   /* how many containers are open, and were when this walk began */
    uint64_t bits;          /* of those around the innermost one, the lowest that right around it; 64 and more outside
                               of it in objects */
    uint64_t objects[(MISSKEY_MAX_DEPTH + 63) / 64];
    mski_shape shape;       /* members of the next value; field NULL = unknown */
    misskey_reading *reading;
    uint8_t *out;           /* where they go, in reading; NULL = nowhere */
    const uint8_t *part;    /* the last member whose own members were read along with it, by the rows that have an
                               outer; NULL = there was none yet */
    unsigned outer;         /* of such a member that is open; 0 = there is none */
    mski_level levels[MSKI_LEVELS]; /* the containers that are open */
#else
    uint8_t objects[MISSKEY_MAX_DEPTH / 8];
#endif
} mski_scan;

static void mski_scan_init(mski_scan *s, const uint8_t *begin, const uint8_t *end, bool utf8)
{
    s->end = s->bad = end;
    s->err = MISSKEY_ERR_OK;
    s->utf8 = utf8;
    s->deep = false;
#if MSKI_FAST
    s->begin = begin;
    s->ample = end - begin < MSKI_AMPLE ? begin : end - MSKI_AMPLE + 1;
    s->shape.field = NULL;
    s->out = NULL;
    s->part = NULL;
    s->outer = 0;
#else
    (void)begin;
#endif
}

static const uint8_t *mski_fail(mski_scan *s, const uint8_t *at, misskey_err err)
{
    s->bad = at;
    s->err = (uint8_t)err;
    return NULL;
}

/* First byte that is not an ordinary ASCII character of a string: quote, backslash, control, or above 0x7F. */
static const uint8_t *mski_plain(const uint8_t *p, const uint8_t *end)
{
#if MSKI_FAST
    for (; end - p >= MSKI_STEP; p += MSKI_STEP) {
        const mski_flags found = mski_stops(p);
        if (found == 0) continue;
        p = mski_first(p, found);
        break;
    }
#endif
    while (p < end && (uint8_t)(*p - 0x20) < 0x60 && *p != '"' && *p != '\\') p++;
    return p;
}

#if MSKI_FAST
/* Two characters of three bytes, with leads where nothing is special: most of the scripts of the world. 8 bytes can be
   read at p. */
static inline bool mski_are_threes(const uint8_t *p)
{
    static const uint8_t care[8] = { 0xF0, 0xC0, 0xC0, 0xF0, 0xC0, 0xC0, 0, 0 };
    static const uint8_t want[8] = { 0xE0, 0x80, 0x80, 0xE0, 0x80, 0x80, 0, 0 };
    return (mski_eight(p) & mski_eight(care)) == mski_eight(want) &&
           *p != 0xE0 && *p != 0xED && p[3] != 0xE0 && p[3] != 0xED;
}
#endif

static const uint8_t *mski_non_ascii(mski_scan *s, const uint8_t *p)
{
    do {
        unsigned n = 1;
#if MSKI_FAST
        while (s->end - p >= 8 && mski_are_threes(p)) p += 6;
        if (p == s->end || *p < 0x80) return p;
#endif
        if (s->utf8) n = mski_utf8_sequence(p, s->end);
        if (n == 0) return mski_fail(s, p, MISSKEY_ERR_BAD_UTF8);
        p += n;
    } while (p < s->end && *p >= 0x80);
    return p;
}

/* p is at the backslash. Surrogates need no partner (RFC 8259 section 8.2; servers relay lone ones). */
static const uint8_t *mski_escape(mski_scan *s, const uint8_t *p)
{
    const uint8_t *q = p + 1;
    int i;
    if (q == s->end) return mski_fail(s, q, MISSKEY_ERR_BAD_JSON);
    switch (*q++) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
        return q;
    case 'u':
        for (i = 0; i < 4; i++, q++) {
            if (q == s->end || mski_hex(*q) > 15) return mski_fail(s, q, MISSKEY_ERR_BAD_JSON);
        }
        return q;
    default:
        return mski_fail(s, p + 1, MISSKEY_ERR_BAD_JSON);
    }
}

/* The characters of a string up to its closing quote, or to the end of the text. */
static const uint8_t *mski_characters(mski_scan *s, const uint8_t *p)
{
    for (;;) {
        p = mski_plain(p, s->end);
        if (p == s->end || *p == '"') return p;
        if (*p >= 0x80) p = mski_non_ascii(s, p);
        else if (*p == '\\') p = mski_escape(s, p);
        else return mski_fail(s, p, MISSKEY_ERR_BAD_JSON);
        if (p == NULL) return NULL;
    }
}

#if MSKI_VECTOR
/* The characters of a string, in steps, up to one that needs a closer look: an escape, the end of the text near, or an
   error. Returns the closing quote, or where to go on. For UTF-8 the three bytes before a step count as well; what
   stands behind the byte that ends the string does not. */
static inline const uint8_t *mski_skip_characters(const mski_scan *s, const uint8_t *p)
{
    mski_flags open = 0;    /* the step before ends with a byte above 0x7F */
    if (p - s->begin < 3) return p;
    for (; s->end - p >= MSKI_STEP; p += MSKI_STEP) {
        const mski_flags found = mski_stops(p);
        mski_flags high, stop;
        if ((found | open) == 0) continue;
        high = mski_non_ascii_in(p);
        stop = found & ~high;
        if ((high | open) != 0 && s->utf8) {
            if ((mski_highest(mski_utf8_wrong(p, true)) & (stop ^ (stop - 1))) != 0) break;
            open = high >> (MSKI_STEP - 1);
        }
        if (stop != 0) return mski_first(p, stop);
    }
    if (p[-1] >= 0x80) do p--; while ((*p & 0xC0) == 0x80);
    return p;
}
#else
static const uint8_t *mski_skip_characters(const mski_scan *s, const uint8_t *p) { return mski_plain(p, s->end); }
#endif

/* p is behind the opening quote; returns what is behind the closing one. */
static MSKI_SELDOM const uint8_t *mski_long_string(mski_scan *s, const uint8_t *p)
{
    while ((p = mski_skip_characters(s, p)) < s->end && *p == '\\') {
        do p = mski_escape(s, p); while (p != NULL && p < s->end && *p == '\\');
        if (p == NULL) return NULL;
    }
    if (p < s->end && *p == '"') return p + 1;
    p = mski_characters(s, p); /* the last few, or up to the error */
    if (p == s->end) return mski_fail(s, p, MISSKEY_ERR_BAD_JSON);
    return p == NULL ? NULL : p + 1;
}

/* The same; most strings are plain. */
static inline const uint8_t *mski_string(mski_scan *s, const uint8_t *p)
{
#if MSKI_FAST
    for (; p < s->ample; p += MSKI_STEP) {
        const mski_flags stop = mski_stops(p);
        if (stop == 0) continue;
        p = mski_first(p, stop);
        if (*p == '"') return p + 1;
        break;
    }
#endif
    return mski_long_string(s, p);
}

/* One or more digits. */
static const uint8_t *mski_digits(const uint8_t *p, const uint8_t *end, const uint8_t **bad)
{
    *bad = p;
    if (p == end || (uint8_t)(*p - '0') > 9) return NULL;
    do p++; while (p < end && (uint8_t)(*p - '0') < 10);
    return p;
}

/* Returns what is after the number at p; NULL if there is none, and in *bad the first byte that cannot be right. */
static const uint8_t *mski_number(const uint8_t *p, const uint8_t *end, const uint8_t **bad)
{
    if (*p == '-') p++;
    if (p < end && *p == '0') p++;
    else p = mski_digits(p, end, bad);
    if (p != NULL && p < end && *p == '.') p = mski_digits(p + 1, end, bad);
    if (p == NULL || p == end || (*p | 0x20) != 'e') return p;
    p++;
    if (p < end && (*p == '+' || *p == '-')) p++;
    return mski_digits(p, end, bad);
}

static const uint8_t *mski_literal(mski_scan *s, const uint8_t *p, const char *text, size_t len)
{
    size_t i;
    for (i = 0; i < len; i++) {
        if (p + i == s->end || p[i] != (uint8_t)text[i]) return mski_fail(s, p + i, MISSKEY_ERR_BAD_JSON);
    }
    return p + len;
}

/* A value that is no container; there is at least one byte. */
static const uint8_t *mski_scalar(mski_scan *s, const uint8_t *p)
{
    const uint8_t *q, *bad;
    switch (*p) {
    case '"': return mski_string(s, p + 1);
    case 't': return mski_literal(s, p, MSKI_STR("true"));
    case 'f': return mski_literal(s, p, MSKI_STR("false"));
    case 'n': return mski_literal(s, p, MSKI_STR("null"));
    }
    q = mski_number(p, s->end, &bad);
    return q != NULL ? q : mski_fail(s, bad, MISSKEY_ERR_BAD_JSON);
}

/* A member name; p at the opening quote, returns what is behind the closing one. */
static const uint8_t *mski_name(mski_scan *s, const uint8_t *p)
{
    if (p == s->end || *p != '"') return mski_fail(s, p, MISSKEY_ERR_BAD_JSON);
    return mski_string(s, p + 1);
}

static const uint8_t *mski_colon(mski_scan *s, const uint8_t *p)
{
    p = mski_white(p, s->end);
    if (p == s->end || *p != ':') return mski_fail(s, p, MISSKEY_ERR_BAD_JSON);
    return p + 1;
}

enum { MSKI_ARRAY, MSKI_OBJECT, MSKI_UNKNOWN };

/* A container begins inside of depth others; what the innermost one is after one in it has ended. There are no bits for
   those that are deeper than MISSKEY_MAX_DEPTH. */
#if MSKI_FAST
static void mski_push(mski_scan *s, size_t depth, unsigned kind)
{
    (void)depth;
    (void)kind;
    s->deep = true;
}

static unsigned mski_pop(const mski_scan *s, size_t depth)
{
    (void)s;
    (void)depth;
    return MSKI_UNKNOWN;
}
#else
static void mski_push(mski_scan *s, size_t depth, unsigned kind)
{
    uint8_t *bits;
    if (depth >= MISSKEY_MAX_DEPTH) {
        s->deep = true;
        return;
    }
    bits = &s->objects[depth >> 3];
    *bits = (uint8_t)((*bits & ~(1u << (depth & 7))) | kind << (depth & 7));
}

static unsigned mski_pop(const mski_scan *s, size_t depth)
{
    return depth > MISSKEY_MAX_DEPTH ? MSKI_UNKNOWN : s->objects[(depth - 1) >> 3] >> ((depth - 1) & 7) & 1u;
}
#endif

/* Does a member begin here, and no element? If neither does, whatever reads on says so again. */
static bool mski_at_member(mski_scan *s, const uint8_t *p)
{
    if (p == s->end || *p != '"') return false;
    p = mski_string(s, p + 1);
    if (p == NULL) return false;
    p = mski_white(p, s->end);
    return p < s->end && *p == ':';
}

/* One value with the white space before it, inside of base containers that the caller keeps track of, step by step:
   small builds have nothing else, fast ones go so through what is deeper than MISSKEY_MAX_DEPTH. Where there is no bit
   that says what a container is, what stands behind the next comma says it. */
static const uint8_t *mski_steps(mski_scan *s, const uint8_t *p, unsigned base)
{
    size_t depth = base;
    unsigned kind = MSKI_ARRAY; /* of the innermost container */
value:
    p = mski_white(p, s->end);
    if (p == s->end) return mski_fail(s, p, MISSKEY_ERR_BAD_JSON);
    if (*p == '{' || *p == '[') {
        kind = *p == '{' ? MSKI_OBJECT : MSKI_ARRAY;
        mski_push(s, depth++, kind);
        p = mski_white(p + 1, s->end);
        if (p < s->end && *p == (kind == MSKI_OBJECT ? '}' : ']')) goto close;
        if (kind == MSKI_OBJECT) goto member;
        goto value;
    }
    p = mski_scalar(s, p);
    if (p == NULL) return NULL;
after:
    if (depth == base) return p;
    p = mski_white(p, s->end);
    if (p == s->end) return mski_fail(s, p, MISSKEY_ERR_BAD_JSON);
    if (*p == ',') {
        p = mski_white(p + 1, s->end);
        if (kind == MSKI_UNKNOWN) kind = mski_at_member(s, p) ? MSKI_OBJECT : MSKI_ARRAY;
        if (kind == MSKI_OBJECT) goto member;
        goto value;
    }
    if (*p == '}' ? kind == MSKI_ARRAY : *p != ']' || kind == MSKI_OBJECT) {
        return mski_fail(s, p, MISSKEY_ERR_BAD_JSON);
    }
close:
    p++;
    if (--depth > base) kind = mski_pop(s, depth);
    goto after;
member:
    p = mski_name(s, p);
    if (p != NULL) p = mski_colon(s, p);
    if (p == NULL) return NULL;
    goto value;
}

#if !MSKI_FAST
#define mski_value mski_steps
#endif

#if MSKI_FAST
#if MSKI_VECTOR
/* mski_same behind the first 16 bytes; the last 16 are looked at first, and are most often all. */
static inline bool mski_same_rest(const uint8_t *p, const uint8_t *end, const mski_field *row)
{
    const size_t n = row->len - 12u;
    if (end - p <= row->len + 5) return false;
    if (mski_highest(mski_equals(mski_load(p + n), mski_load((const uint8_t *)row->text + n))) != 0xFFFF) return false;
    return n <= 16 || mski_equal(p + 16, row->text + 16, n - 16);
}
#endif

/* Is this the text of the row, whatever the first byte? 16 bytes can be read at p. */
static inline bool mski_same(const uint8_t *p, const uint8_t *end, const mski_field *row)
{
#if MSKI_VECTOR
    const mski_flags same = mski_highest(mski_equals(mski_load(p), mski_load((const uint8_t *)row->text)));
    if ((~same & row->bits) != 0) return false;
    return row->len <= 12 || mski_same_rest(p, end, row);
#else
    if (((mski_eight(p + 1) ^ mski_eight(row->text + 1)) & mski_eight(row->care)) != 0 || row->has == 0) return false;
    if (row->len <= 5) return true;
    if (row->len > 12 && end - p <= row->len + 5) return false;
    if (mski_eight(p + row->len - 4) != mski_eight(row->text + row->len - 4)) return false;
    return row->len <= 13 || mski_equal(p + 9, row->text + 9, row->len - 13u);
#endif
}

/* The last rows of a table that have the same outer. */
static inline const mski_field *mski_part_rows(const mski_field *end)
{
    const mski_field *row = end - 1;
    while (row[-1].outer == row->outer) row--;
    return row;
}

/* Which members the object or the objects in the array with this name have. */
static const mski_field *mski_inner(const char *name)
{
    const uint32_t word = mski_four(name);
    if (word == mski_four("user")) return mski_user_shape().field;
    if (word == mski_four("file")) return mski_file_shape().field;
    if (word == mski_four("renote") || word == mski_four("reply")) return mski_note_shape().field;
    if (word == mski_four("avatarDecorations")) return mski_decoration_shape().field;
    if (word == mski_four("instance")) return mski_instance_shape().field;
    if (word == mski_four("badgeRoles")) return mski_badge_role_shape().field;
    if (word == mski_four("poll")) return mski_poll_shape().field;
    if (word == mski_four("choices")) return mski_poll_choice_shape().field;
    if (word == mski_four("channel")) return mski_note_channel_shape().field;
    if (word == mski_four("note")) return mski_note_shape().field;
    if (word == mski_four("properties")) return mski_part_rows(mski_file_shape().end);
    if (word == mski_four("emoji")) return mski_part_rows(mski_note_update_shape().end);
    return NULL;
}

/* The member behind p, which is a comma or what is before the first member, is guessed to be one of the next few that
   are expected: a compare instead of a look at every character. Returns its row; NULL: it is none of them, or not
   written as servers do, or too close to the end. MSKI_AMPLE bytes can be read. */
static MSKI_INLINE const mski_field *mski_guess(const uint8_t *p, const uint8_t *end, const mski_field *row)
{
    int n;
    if (mski_same(p, end, row)) return row;
    for (n = 7; n > 0 && row->has != 0; n--) if (mski_same(p, end, ++row)) return row;
    return NULL;
}

/* The row of a member that was not guessed; NULL: there is none. Only names of the same length are looked at, unless
   there are escapes in this one. */
static MSKI_SELDOM const mski_field *mski_find_row(const mski_shape *all, unsigned outer, misskey_jstr key)
{
    const uint8_t *const end = all->lens + (all->end - all->field), *const name = mski_bytes(key.ptr), *p = all->lens;
    mski_shape at;
    while (p < end) {
        const mski_flags same = mski_either(p, (int)key.len, (int)key.len);
        p = same == 0 ? p + MSKI_STEP : mski_first(p, same);
        if (same == 0 || p >= end) continue;
        at.field = all->field + (p++ - all->lens);
        if (at.field->outer == outer && at.field->len == key.len &&
            mski_equal(name, mski_field_name(&at), key.len)) return at.field;
    }
    if (mski_find(name, name + key.len, '\\', '\\') == name + key.len) return NULL;
    for (at.field = all->field; at.field < all->end; at.field++) {
        if (at.field->outer == outer && mski_is_field(key, &at)) return at.field;
    }
    return NULL;
}

/* What nearly all numbers are: a few digits. */
static inline bool mski_small_number(const uint8_t *p, const uint8_t *end, int64_t *out)
{
    int64_t n = 0;
    if (end - p > 18) return false;
    for (; p < end; p++) {
        const unsigned digit = (unsigned)(*p - '0');
        if (digit > 9) return false;
        n = n * 10 + digit;
    }
    *out = n;
    return true;
}

/* Any value; at once where it is what is expected, as nearly all are. */
static inline void mski_put_value(uint8_t *out, const mski_field *row, const uint8_t *p, const uint8_t *end)
{
    uint8_t *const has = out + row->has;
    void *const at = out + row->at;
    if (*p == '"' && row->kind == MSKI_STR_FIELD && end - p >= 2) {
        *(misskey_jstr *)at = mski_jstr(p + 1, end - 1);
    } else if (*p == 'n' && *has == MISSKEY_ABSENT) {
        *has = MISSKEY_NULL;
        return;
    } else if (mski_is_container(row->kind, *p)) {
        *(misskey_json *)at = mski_json(p, end);
    } else if (row->kind == MSKI_BOOL_FIELD && (*p == 't' || *p == 'f')) {
        *(bool *)at = *p == 't';
    } else if (row->kind != MSKI_INT_FIELD || !mski_small_number(p, end, (int64_t *)at)) {
        mski_set_field(row, out, mski_json(p, end));
        return;
    }
    *has = MISSKEY_PRESENT;
}

#endif

static MSKI_NOINLINE misskey_json mski_find_field(misskey_json object, const mski_shape *at)
{
    misskey_iter it = misskey_json_iter(object);
    misskey_json found = mski_no_json;
    while (misskey_json_next(&it)) {
        if (!mski_is_field(it.key, at)) continue;
        found.ptr = it.value.ptr;
        found.len = it.value.len;
    }
    return found;
}

#if MSKI_FAST
/* As many members as are where they are expected, by rows with this outer. */
static void mski_read_guessed(misskey_iter *it, const mski_field **at, unsigned outer, uint8_t *out)
{
    const uint8_t *p = mski_bytes(it->at_);
    const uint8_t *const end = mski_bytes(it->end_) - 1;
    while (end - p >= MSKI_AMPLE) {
        const uint8_t *begin = *p == ',' ? p : p - 1;
        const mski_field *const row = mski_guess(begin, end, *at);
        if (row == NULL || row->outer != outer) return;
        begin += row->len + 4;
        if (*begin <= ' ') return;
        *at = row + 1;
        p = mski_skip_value(begin, end);
        mski_put_value(out, row, begin, p);
        it->at_ = (const char *)p;
    }
}
#endif

/* The members of one object that have rows with the outer of the row from. Servers write them in the order of the
   rows. */
#if MSKI_FAST
static MSKI_SELDOM void mski_read_members(misskey_json object, const mski_shape *all, const mski_shape *from,
                                          uint8_t *out)
{
    misskey_iter it = misskey_json_iter(object);
    const mski_field *at = from->field, *row;
    if (misskey_json_type(object) != MISSKEY_TYPE_OBJECT) return;
    for (;;) {
        mski_read_guessed(&it, &at, from->field->outer, out);
        if (!misskey_json_next(&it)) return;
        row = mski_find_row(all, from->field->outer, it.key);
        if (row != NULL) mski_set_field(row, out, it.value);
    }
}
#else
/* Each look-up begins where the last one ended. */
static MSKI_NOINLINE void mski_read_members(misskey_json object, const mski_shape *all, const mski_shape *from,
                                            uint8_t *out)
{
    misskey_iter it = misskey_json_iter(object);
    mski_shape at;
    if (misskey_json_type(object) != MISSKEY_TYPE_OBJECT) return;
    mski_go_to(&at, from);
    while (misskey_json_next(&it)) {
        const mski_field *begin;
        bool found;
        if (at.field->has == 0) mski_go_to(&at, all);
        begin = at.field;
        do {
            found = at.field->outer == from->field->outer && mski_is_field(it.key, &at);
            if (found) mski_set_field(at.field, out, it.value);
            mski_next_field(&at);
            if (at.field->has == 0) mski_go_to(&at, all);
        } while (!found && at.field != begin);
    }
}
#endif

#if MSKI_FAST
/* Forgets what was read by the rows from here on that have the same outer. */
static MSKI_SELDOM void mski_clear_part(const mski_field *from, uint8_t *out)
{
    const mski_field *row = from;
    for (; row->outer == from->outer; row++) {
        mski_clear_value(out + row->at, row->kind);
        out[row->has] = MISSKEY_ABSENT;
    }
}
#endif

/* What the walk leaves out: members by the names that they once had, then members of members. Their rows are the last
   ones. done: the value of a member whose members have been read; NULL = there is none. */
static MSKI_NOINLINE void mski_read_rest(misskey_json value, const mski_shape *all, const uint8_t *done, uint8_t *out)
{
    uint16_t outer = 0;
    misskey_json part;
    mski_shape at;
    mski_go_to(&at, all);
#if MSKI_FAST
    for (at.field = all->end; at.field[-1].outer != MSKI_END;) at.field--;
#else
    (void)done;
#endif
    for (; !mski_at_end(&at, all); mski_next_field(&at)) {
        if (at.field->outer == MSKI_ALIAS) {
            if (out[at.field->has] != MISSKEY_ABSENT) continue;
            part = mski_find_field(value, &at);
            if (part.ptr != NULL) mski_set_field(at.field, out, part);
        } else if (at.field->outer != outer) {
            outer = at.field->outer;
            MISSKEY_MEMCPY(&part, out + outer - 1, sizeof part);
#if MSKI_FAST
            if (done != NULL && mski_bytes(part.ptr) == done) continue;
            if (done != NULL) mski_clear_part(at.field, out);
#endif
            if (part.ptr != NULL) mski_read_members(part, all, &at, out);
        }
    }
}

#if MSKI_FAST
/* Which parts of a reading are read along: the member that has them, where they go, how many, and where their number
   is. */
static const struct mski_piece { uint16_t member, at, size, most, num; } mski_pieces[] = {
#define MSKI_R(member) ((uint16_t)offsetof(misskey_reading, member))
    { MSKI_R(note.user), MSKI_R(user), sizeof(misskey_user), 0, 0 },
    { MSKI_R(note.files), MSKI_R(files), sizeof(misskey_file), 16, MSKI_R(num_files) },
    { MSKI_R(note.poll), MSKI_R(poll), sizeof(misskey_poll), 0, 0 },
    { MSKI_R(poll.choices), MSKI_R(choices), sizeof(misskey_poll_choice), 10, MSKI_R(num_choices) }
};

/* A container begins, with this member of a reading around it: where its own members go. member: the place of the array
   where it is an element of one. An element that is no object keeps its place, with nothing in it. */
static MSKI_SELDOM uint8_t *mski_place(misskey_reading *reading, const uint8_t *member, bool in_object, bool object)
{
    uint8_t *const base = (uint8_t *)reading;
    const struct mski_piece *const end = mski_pieces + sizeof mski_pieces / sizeof *mski_pieces, *part = mski_pieces;
    const size_t at = (size_t)(member - base);
    uint8_t *out;
    uint32_t *num;
    while (part < end && at != (in_object ? part->member : part->at)) part++;
    if (part == end || (in_object && object == (part->most > 0))) return NULL;
    out = base + part->at;
    num = (uint32_t *)(void *)(base + part->num);
    if (in_object && !object) {
        *num = 0;
        return out;
    }
    if (part->most > 0) {
        if (*num == part->most) return NULL;
        out += part->size * (*num)++;
    }
    mski_zero(out, part->size);
    return object ? out : NULL;
}

/* The members that an object in a reading may have. */
static mski_shape mski_piece_shape(const misskey_reading *reading, const uint8_t *out)
{
    if (out == (const uint8_t *)&reading->note) return mski_note_shape();
    if (out == (const uint8_t *)&reading->user) return mski_user_shape();
    if (out == (const uint8_t *)&reading->poll) return mski_poll_shape();
    if (out == (const uint8_t *)&reading->update) return mski_note_update_shape();
    return out < (const uint8_t *)reading->files ? mski_poll_choice_shape() : mski_file_shape();
}

/* An object of a reading ended: what the walk left out. part: see mski_scan. A note whose last "files" is no array has
   not those that were read along; it may have some under another name. */
static MSKI_SELDOM void mski_end_piece(misskey_reading *reading, uint8_t *out, const uint8_t *part,
                                       const uint8_t *begin, const uint8_t *end)
{
    const mski_shape all = mski_piece_shape(reading, out);
    if (out == (uint8_t *)&reading->note && reading->note.files.ptr == NULL) reading->num_files = 0;
    if (all.end[-1].outer != MSKI_END) mski_read_rest(mski_json(begin, end), &all, part, out);
}

/* A number that begins with a digit; most have no more than these. */
static inline const uint8_t *mski_natural(mski_scan *s, const uint8_t *p)
{
    const uint8_t *q = p + 1;
    if (*p != '0') while (q < s->ample && (uint8_t)(*q - '0') < 10) q++;
    return *q == ',' || *q == '}' ? q : mski_scalar(s, p);
}

/* A value that is no container and no string. */
static MSKI_INLINE const uint8_t *mski_word(mski_scan *s, const uint8_t *p)
{
    if (p < s->ample) {
        const uint32_t word = mski_four(p);
        if ((uint8_t)(*p - '0') < 10) return mski_natural(s, p);
        if (word == mski_four("null") || word == mski_four("true")) return p + 4;
        if (word == mski_four("fals") && p[4] == 'e') return p + 5;
    }
    return mski_scalar(s, p);
}

/* A container in an object or array of a reading begins at p: where its own members go. at: by which rows, if it has a
   place. */
static MSKI_SELDOM uint8_t *mski_enter_piece(mski_scan *s, const mski_level *around, bool in_object, const uint8_t *p,
                                             const mski_field *at)
{
    const mski_field *const row = around->row;
    uint8_t *const out = mski_place(s->reading, around->out + (row == NULL ? 0 : row->at), in_object, *p == '{');
    mski_shape all;
    if (out != NULL || row == NULL || *p != '{' || at->outer != row->at + 1u) return out;
    all = mski_piece_shape(s->reading, around->out);
    if (at != mski_part_rows(all.end)) return NULL; /* rows of another entity */
    if (s->part != NULL) mski_clear_part(at, around->out); /* perhaps another one with this name has been read */
    s->part = p;
    s->outer = at->outer;
    return around->out;
}

/* A container begins at p, the value of in->row or an element. */
static inline void mski_enter(mski_scan *s, mski_level *in, bool in_object, const uint8_t *p)
{
    const mski_field *const row = in->row;
    const unsigned level = s->depth - s->base;
    if ((s->depth & 63) == 0) s->objects[s->depth >> 6] = s->bits;
    s->bits = s->bits << 1 | in_object;
    s->depth++;
    in->begin = p;
    in->row = NULL;
    if (level >= MSKI_LEVELS) {
        in->at = NULL;
        in->out = NULL;
        return;
    }
    s->levels[level] = *in;
    s->levels[level].row = row;
    if (level == 0) {
        in->at = s->shape.field;
        in->out = s->out;
        return;
    }
    if (in_object) in->at = row == NULL || row->kind < MSKI_ARR_FIELD ? NULL : mski_inner(mski_row_name(row));
    if (in->out != NULL) in->out = in->at == NULL ? NULL : mski_enter_piece(s, &s->levels[level], in_object, p, in->at);
}

/* It ended; p is behind it. Is what is around it an object? */
static inline bool mski_leave(mski_scan *s, mski_level *in, bool object, const uint8_t *p)
{
    uint8_t *const out = in->out;
    const unsigned depth = --s->depth;
    const bool in_object = s->bits & 1;
    s->bits = (depth & 63) == 0 ? s->objects[depth >> 6] : s->bits >> 1;
    if (depth - s->base >= MSKI_LEVELS) return in_object;
    *in = s->levels[depth - s->base];
    if (out != NULL && object) {
        if (s->outer == 0) mski_end_piece(s->reading, out, s->part, in->begin, p);
        s->outer = 0;
    }
    if (in->row != NULL && in->out != NULL) mski_put_value(in->out, in->row, in->begin, p);
    in->row = NULL;
    return in_object;
}

/* A member that was not guessed, up to its value. */
static const uint8_t *mski_member_name(mski_scan *s, mski_level *in, const uint8_t *p)
{
    const uint8_t *const name = p;
    p = mski_name(s, p);
    if (p == NULL) return NULL;
    if (in->out != NULL) {
        const mski_shape all = mski_piece_shape(s->reading, in->out);
        in->row = mski_find_row(&all, s->outer, mski_jstr(name + 1, p - 1));
    }
    return p < s->end && *p == ':' ? p + 1 : mski_colon(s, p);
}

/* One value with the white space before it, inside of base containers that the caller keeps track of. */
static const uint8_t *mski_value(mski_scan *s, const uint8_t *p, unsigned base)
{
    const uint8_t *const end = s->end;
    mski_level in = { NULL, NULL, NULL, NULL };
    bool object = false;    /* the innermost container is one */
    s->depth = s->base = base;
    s->bits = 0;
value:
    p = mski_skip_white(p, end);
    if (p == end) return mski_fail(s, p, MISSKEY_ERR_BAD_JSON);
    in.begin = p;
    if (*p == '"') p = mski_string(s, p + 1);
    else if (*p != '{' && *p != '[') p = mski_word(s, p);
    else if (s->depth == MISSKEY_MAX_DEPTH) p = mski_steps(s, p, MISSKEY_MAX_DEPTH);
    else if (in.out == NULL && end - p > 1 && p[1] == *p + 2) p += 2; /* nothing in it */
    else goto open;
    if (p == NULL) return NULL;
    if (in.out != NULL) {
        if (in.row != NULL) mski_put_value(in.out, in.row, in.begin, p);
        else if (!object) (void)mski_place(s->reading, in.out, false, false);
    }
    in.row = NULL;
after:
    if (object && p < s->ample && *p == ',') goto member;
    if (s->depth == s->base) return p;
    p = mski_skip_white(p, end);
    if (p == end) return mski_fail(s, p, MISSKEY_ERR_BAD_JSON);
    if (*p == ',') {
        if (object) goto member;
        p++;
        goto value;
    }
    if (*p != (object ? '}' : ']')) return mski_fail(s, p, MISSKEY_ERR_BAD_JSON);
close:
    p++;
    object = mski_leave(s, &in, object, p);
    goto after;
open:
    mski_enter(s, &in, object, p);
    object = *p == '{';
    p = mski_skip_white(p + 1, end);
    if (p < end && *p == (object ? '}' : ']')) goto close;
    if (!object) goto value;
    p--;
member: /* behind p, which is a comma or else what is before the first */
    if (in.at == NULL || p >= s->ample) goto name;
    while ((in.row = mski_guess(p, end, in.at)) != NULL) {
        in.at = in.row + 1;
        p += in.row->len + 4;
        in.begin = p;
        if (*p == '"') p = mski_string(s, p + 1);
        else if (*p <= ' ') goto value;
        else if (*p != '{' && *p != '[') p = mski_word(s, p);
        else if (s->depth == MISSKEY_MAX_DEPTH) p = mski_steps(s, p, MISSKEY_MAX_DEPTH);
        else if (p[1] == *p + 2) p += 2;
        else goto open;
        if (p == NULL) return NULL;
        if (in.out != NULL) mski_put_value(in.out, in.row, in.begin, p);
        if (p >= s->ample || *p != ',') goto after;
    }
    if (mski_skip_white(p + 1, end) != p + 1) {
        p = mski_white(p + 1, end) - 1;
        goto member;
    }
name:
    in.row = NULL;
    p = mski_member_name(s, &in, mski_skip_white(p + 1, end));
    if (p == NULL) return NULL;
    goto value;
}
#endif

/* ================================================================================================================== */
/* MARK: - implementation: JSON reader                                                                   >>impl-json  */
/* ================================================================================================================== */

MISSKEY_API misskey_err misskey_json_check(const char *text, size_t len, misskey_json *out, size_t *error_at)
{
    const uint8_t *const begin = mski_bytes(text);
    const uint8_t *p, *q;
    mski_scan s;
    mski_scan_init(&s, begin, begin + len, true);
    out->ptr = NULL;
    out->len = 0;
    p = mski_white(begin, s.end);
    q = mski_value(&s, p, 0);
    if (q != NULL && mski_white(q, s.end) != s.end) mski_fail(&s, mski_white(q, s.end), MISSKEY_ERR_BAD_JSON);
    if (error_at != NULL) *error_at = (size_t)(s.bad - begin);
    if (s.err != MISSKEY_ERR_OK) return (misskey_err)s.err;
    if (s.deep) return MISSKEY_ERR_DEPTH;
    *out = mski_json(p, q);
    return MISSKEY_ERR_OK;
}

MISSKEY_API misskey_type misskey_json_type(misskey_json value)
{
    if (value.len == 0) return MISSKEY_TYPE_NONE;
    switch (*value.ptr) {
    case 'n': return MISSKEY_TYPE_NULL;
    case 't': case 'f': return MISSKEY_TYPE_BOOL;
    case '"': return MISSKEY_TYPE_STRING;
    case '[': return MISSKEY_TYPE_ARRAY;
    case '{': return MISSKEY_TYPE_OBJECT;
    default:  return MISSKEY_TYPE_NUMBER;
    }
}

MISSKEY_API misskey_iter misskey_json_iter(misskey_json value)
{
    const misskey_type type = misskey_json_type(value);
    const bool container = type == MISSKEY_TYPE_ARRAY || type == MISSKEY_TYPE_OBJECT;
    misskey_iter it;
    it.key = mski_no_jstr;
    it.value = mski_no_json;
    it.at_ = container ? value.ptr + 1 : NULL;
    it.end_ = container ? value.ptr + value.len : NULL;
    return it;
}

MISSKEY_API bool misskey_json_next(misskey_iter *it)
{
    const uint8_t *p, *q, *end;
    if (it->at_ == it->end_) return false;
    end = mski_bytes(it->end_) - 1;
    p = mski_skip_white(mski_bytes(it->at_), end);
    if (p < end && *p == ',') p = mski_skip_white(p + 1, end);
    if (p < end && *end == '}') {
        q = mski_skip_string(p + 1, end);
        it->key = mski_jstr(p + 1, q > p + 1 ? q - 1 : q);
        p = mski_skip_white(q, end);
        if (*p == ':') p++;
        p = mski_skip_white(p, end);
    }
    if (p >= end) return false;
    q = mski_skip_value(p, end);
    if (q == p) return false;
    it->value = mski_json(p, q);
    it->at_ = (const char *)q;
    return true;
}

MISSKEY_API misskey_json misskey_json_get(misskey_json obj, const char *key)
{
    misskey_iter it = misskey_json_iter(obj);
    misskey_json found = mski_no_json;
    while (misskey_json_next(&it)) {
        if (misskey_jstr_eq(it.key, key)) found = it.value;
    }
    return found;
}

MISSKEY_API bool misskey_json_bool(misskey_json value, bool *out)
{
    if (misskey_json_type(value) != MISSKEY_TYPE_BOOL) return false;
    *out = *value.ptr == 't';
    return true;
}

MISSKEY_API misskey_jstr misskey_json_str(misskey_json value)
{
    const uint8_t *p = mski_bytes(value.ptr);
    if (misskey_json_type(value) != MISSKEY_TYPE_STRING || value.len < 2) return mski_no_jstr;
    return mski_jstr(p + 1, p + value.len - 1);
}

/* Is this a number? A caller may have made a view of something else (misskey_json_text). */
static MSKI_NOINLINE bool mski_is_number(misskey_json value)
{
    const uint8_t *const p = mski_bytes(value.ptr), *const end = p + value.len, *bad;
    return value.len > 0 && mski_number(p, end, &bad) == end;
}

/* The exponent of a number, 0 without one; from 10^8 on its exact size does not matter. */
static int32_t mski_exponent(const uint8_t *p, const uint8_t *end)
{
    int32_t e = 0;
    bool minus = false;
    while (p < end && (*p | 0x20) != 'e') p++;
    for (p += p < end; p < end; p++) {
        if (*p == '-') minus = true;
        else if (*p != '+' && e < 100000000) e = e * 10 + (*p - '0');
    }
    return minus ? -e : e;
}

#define MSKI_TENTH UINT64_C(922337203685477580)

/* The value is an integer if all digits behind the decimal point, moved by the exponent, are zero. Two passes: the
   first finds where the point is, the second collects the digits before it. */
MISSKEY_API bool misskey_json_i64(misskey_json value, int64_t *out)
{
    const uint8_t *p = mski_bytes(value.ptr), *const end = p + value.len;
    const bool minus = value.len > 0 && *p == '-';
    const unsigned last = minus ? 8 : 7; /* of 9223372036854775808 and ...807 */
    uint64_t m = 0;
    int64_t point = 0; /* digits before the point */
#if MSKI_FAST
    if (value.len > 0 && (*p != '0' || value.len == 1) && mski_small_number(p, end, out)) return true;
#endif
    if (!mski_is_number(value)) return false;
    p += minus;
    while (p + point < end && (uint8_t)(p[point] - '0') < 10) point++;
    point += mski_exponent(p, end);
    for (; p < end && (*p | 0x20) != 'e'; p++) {
        const unsigned digit = (unsigned)(*p - '0');
        if (*p == '.') continue;
        if (point-- <= 0) {
            if (digit != 0) return false;
            continue;
        }
        if (m > MSKI_TENTH || (m == MSKI_TENTH && digit > last)) return false;
        m = m * 10 + digit;
    }
    for (; m != 0 && point > 0; point--) {
        if (m > MSKI_TENTH) return false;
        m *= 10;
    }
    *out = minus ? (int64_t)(0 - m) : (int64_t)m;
    return true;
}

/* The code unit of a \u escape at p; 0 if there is none. */
static uint32_t mski_code_unit(const uint8_t *p, const uint8_t *end)
{
    uint32_t c = 0;
    if (end - p < 6 || p[0] != '\\' || p[1] != 'u') return 0;
    for (end = p + 6, p += 2; p < end; p++) c = c << 4 | mski_hex(*p);
    return c;
}

/* Decodes the character of a string at *p, which moves behind it, to UTF-8. Returns the number of bytes. */
static unsigned mski_decode(const uint8_t **p, const uint8_t *end, uint8_t out[4])
{
    static const char escapes[] = "bfnrt", meant[] = "\b\f\n\r\t";
    const uint8_t *q = *p;
    uint32_t c;
    unsigned n = 0, i;
    if (*q != '\\' || end - q < 2) {
        do out[n++] = *q++; while (q < end && (*q & 0xC0) == 0x80 && n < 4);
        *p = q;
        return n;
    }
    *p = q + 2;
    if (q[1] != 'u' || end - q < 6) {
        for (i = 0; i < 5 && q[1] != (uint8_t)escapes[i]; i++) {}
        out[0] = i < 5 ? (uint8_t)meant[i] : q[1];
        return 1;
    }
    *p = q + 6;
    c = mski_code_unit(q, end);
    if (c >> 11 == 0x1B) { /* a surrogate: U+D800 to U+DFFF */
        const uint32_t low = c < 0xDC00 ? mski_code_unit(q + 6, end) : 0;
        c = low >> 10 == 0x37 ? 0x10000 + ((c & 0x3FF) << 10 | (low & 0x3FF)) : 0xFFFD;
        if (c != 0xFFFD) *p = q + 12;
    }
    n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (i = n - 1; i > 0; i--, c >>= 6) out[i] = (uint8_t)(0x80 | (c & 0x3F));
    out[0] = (uint8_t)(n == 1 ? c : (0xF00u >> n & 0xFF) | c);
    return n;
}

MISSKEY_API bool misskey_jstr_eq(misskey_jstr s, const char *plain)
{
    const uint8_t *p = mski_bytes(s.ptr), *const end = p + s.len;
    uint8_t out[4];
    while (p < end) {
        const unsigned n = mski_decode(&p, end, out);
        unsigned i;
        for (i = 0; i < n; i++, plain++) if (*plain == 0 || (uint8_t)*plain != out[i]) return false;
    }
    return *plain == 0 && s.ptr != NULL;
}

/* Text into memory of the caller: whole characters as long as they fit, then only counted, and a NUL. */
typedef struct mski_copy { char *dst; size_t cap, len, written; } mski_copy;

static mski_copy mski_copy_begin(char *dst, size_t cap)
{
    mski_copy c;
    c.dst = dst;
    c.cap = cap;
    c.len = c.written = 0;
    return c;
}

static void mski_copy_put(mski_copy *c, const uint8_t *character, unsigned n)
{
    if (c->len == c->written && c->len + n < c->cap) {
        MISSKEY_MEMCPY(c->dst + c->written, character, n);
        c->written += n;
    }
    c->len += n;
}

static size_t mski_copy_end(mski_copy *c)
{
    if (c->cap > 0) c->dst[c->written] = 0;
    return c->len;
}

#if MSKI_FAST
/* Decodes as long as there is room for 16 bytes more; *dst moves on. */
static const uint8_t *mski_copy_plain(const uint8_t *p, const uint8_t *end, char **dst, const char *last)
{
    char *to = *dst;
    while (p < end && last - to > 16) {
        if (*p == '\\') {
            if (end - p >= 2 && (p[1] == 'n' || p[1] == '"' || p[1] == '\\')) {
                *to++ = p[1] == 'n' ? '\n' : (char)p[1];
                p += 2;
            } else to += mski_decode(&p, end, (uint8_t *)to);
            continue;
        }
        if (end - p >= MSKI_STEP) {
            const mski_flags slash = mski_either(p, '\\', '\\');
            const size_t n = slash != 0 ? (size_t)(mski_first(p, slash) - p) : MSKI_STEP;
            MISSKEY_MEMCPY(to, p, MSKI_STEP);
            to += n;
            p += n;
            if (n > 0) continue;
        }
        *to++ = (char)*p++;
    }
    if (p < end) for (; to > *dst && (*p & 0xC0) == 0x80; p--) to--; /* not in the middle of a character */
    *dst = to;
    return p;
}
#endif

/* A string as the first text of a copy. */
static void mski_copy_string(mski_copy *c, misskey_jstr s)
{
    const uint8_t *p = mski_bytes(s.ptr), *const end = p + s.len;
    uint8_t out[4];
#if MSKI_FAST
    if (c->cap > 16) {
        char *to = c->dst;
        p = mski_copy_plain(p, end, &to, c->dst + c->cap);
        c->len = c->written = (size_t)(to - c->dst);
    }
#endif
    while (p < end) {
        const unsigned n = mski_decode(&p, end, out);
        mski_copy_put(c, out, n);
    }
}

MISSKEY_API size_t misskey_jstr_copy(misskey_jstr s, char *dst, size_t cap)
{
    mski_copy c = mski_copy_begin(dst, cap);
    mski_copy_string(&c, s);
    return mski_copy_end(&c);
}

#if MSKI_FAST
static inline bool mski_slash_in(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), slash = word ^ (ones * '\\');
    return ((slash - ones) & ~slash & (ones * 0x80)) != 0;
}
#endif

/* How much of a string stands before its first escape. */
static inline size_t mski_before_escape(const uint8_t *p, size_t n)
{
#if MSKI_FAST
    const uint8_t *const begin = p;
    if (n >= MSKI_STEP) {
        const uint8_t *const last = p + n - MSKI_STEP; /* this step overlaps the one before it */
        for (; p < last && mski_either(p, '\\', '\\') == 0; p += MSKI_STEP) {}
        if (p >= last && mski_either(last, '\\', '\\') == 0) return n;
        return (size_t)(mski_find(p < last ? p : last, begin + n, '\\', '\\') - begin);
    }
    if (n >= 8 && !mski_slash_in(mski_eight(p)) && !mski_slash_in(mski_eight(p + n - 8))) return n;
    if (n >= 4 && n < 8 && !mski_slash_in(mski_four(p) | (uint64_t)mski_four(p + n - 4) << 32)) return n;
#endif
    return (size_t)(mski_find(p, p + n, '\\', '\\') - p);
}

/* Do two strings decode to the same text? A missing one equals nothing. */
static MSKI_NOINLINE bool mski_same_jstr(misskey_jstr a, misskey_jstr b)
{
    const uint8_t *p = mski_bytes(a.ptr), *const end = p + a.len;
    const uint8_t *q = mski_bytes(b.ptr), *const other_end = q + b.len;
    uint8_t c[4], d[4];
    if (a.len == b.len && mski_equal(p, q, a.len)) return a.ptr != NULL && b.ptr != NULL;
    /* an escape is longer than what it stands for */
    if ((a.len < b.len || mski_before_escape(p, a.len) == a.len) &&
        (a.len > b.len || mski_before_escape(q, b.len) == b.len)) return false;
    while (p < end && q < other_end) {
        const unsigned n = mski_decode(&p, end, c);
        unsigned i = 0;
        if (mski_decode(&q, other_end, d) != n) return false;
        while (i < n && c[i] == d[i]) i++;
        if (i < n) return false;
    }
    return p == end && q == other_end && a.ptr != NULL && b.ptr != NULL;
}

/* plain: how much of s can be copied as it is. */
static MSKI_SELDOM misskey_str mski_decoded(misskey_jstr s, size_t plain, char *dst, size_t cap)
{
    misskey_str text;
    mski_copy c;
    if (cap <= s.len) plain = 0; /* it may have to be cut, between characters */
    if (plain > 0) MISSKEY_MEMCPY(dst, s.ptr, plain);
    s.ptr += plain;
    s.len -= plain;
    c = mski_copy_begin(plain > 0 ? dst + plain : dst, cap - plain);
    mski_copy_string(&c, s);
    (void)mski_copy_end(&c);
    text.ptr = dst;
    text.len = plain + c.written;
    return text;
}

MISSKEY_API misskey_str misskey_jstr_plain(misskey_jstr s, char *dst, size_t cap)
{
    const size_t plain = mski_before_escape(mski_bytes(s.ptr), s.len);
    misskey_str text;
    if (plain < s.len) return mski_decoded(s, plain, dst, cap);
    text.ptr = s.ptr;
    text.len = s.len;
    return text;
}

/* ================================================================================================================== */
/* MARK: - implementation: JSON writer                                                                     >>impl-jw  */
/* ================================================================================================================== */

/* state_: what may come next in the innermost container */
enum { MSKI_JW_FIRST, MSKI_JW_NEXT, MSKI_JW_VALUE };

MISSKEY_API void misskey_jw_init(misskey_jw *w, char *dst, size_t cap)
{
    MISSKEY_MEMSET(w, 0, sizeof *w);
    w->dst = dst;
    w->cap = cap;
}

static void mski_jw_fail(misskey_jw *w, misskey_err err)
{
    if (w->err_ == MISSKEY_ERR_OK) w->err_ = (uint8_t)err;
}

/* Goes on counting when the memory is full: from then on len is above cap, and nothing is written any more. */
static void mski_put(misskey_jw *w, const void *data, size_t n)
{
    if (n > 0 && w->len <= w->cap && n <= w->cap - w->len) MISSKEY_MEMCPY(w->dst + w->len, data, n);
    w->len += n;
}

static void mski_put_text(misskey_jw *w, const char *text) { mski_put(w, text, MISSKEY_STRLEN(text)); }

static void mski_put_char(misskey_jw *w, char c) { mski_put(w, &c, 1); }

/* Division by ten without a division: the sum is value * 0.8 / 8 from below, at most one too small. */
static uint64_t mski_tenth(uint64_t value)
{
    uint64_t q = (value >> 1) + (value >> 2);
    q += q >> 4;
    q += q >> 8;
    q += q >> 16;
    q += q >> 32;
    q >>= 3;
    return q + (value - q * 10 > 9);
}

static void mski_put_number(misskey_jw *w, uint64_t value)
{
    char text[20];
    size_t i = sizeof text;
    do {
        const uint64_t tenth = mski_tenth(value);
        text[--i] = (char)('0' + (int)(value - tenth * 10));
        value = tenth;
    } while (value != 0);
    mski_put(w, text + i, sizeof text - i);
}

static bool mski_jw_in_object(const misskey_jw *w)
{
    return w->depth_ > 0 && (w->objects_ >> (w->depth_ - 1) & 1) != 0;
}

/* Before each value: the comma, or the refusal if no value may stand here. */
static void mski_jw_value(misskey_jw *w)
{
    if (mski_jw_in_object(w) ? w->state_ != MSKI_JW_VALUE : w->depth_ == 0 && w->state_ != MSKI_JW_FIRST) {
        mski_jw_fail(w, MISSKEY_ERR_BAD_ARG);
    }
    if (w->state_ == MSKI_JW_NEXT) mski_put_char(w, ',');
    w->state_ = MSKI_JW_NEXT;
}

MISSKEY_API void misskey_jw_open(misskey_jw *w, char brace)
{
    mski_jw_value(w);
    if (brace != '{' && brace != '[') mski_jw_fail(w, MISSKEY_ERR_BAD_ARG);
    if (w->depth_ == 32) mski_jw_fail(w, MISSKEY_ERR_DEPTH);
    if (w->err_ != MISSKEY_ERR_OK) return;
    mski_put_char(w, brace);
    w->objects_ &= ~(UINT32_C(1) << w->depth_);
    if (brace == '{') w->objects_ |= UINT32_C(1) << w->depth_;
    w->depth_++;
    w->state_ = MSKI_JW_FIRST;
}

MISSKEY_API void misskey_jw_close(misskey_jw *w)
{
    if (w->depth_ == 0 || w->state_ == MSKI_JW_VALUE) mski_jw_fail(w, MISSKEY_ERR_BAD_ARG);
    if (w->err_ != MISSKEY_ERR_OK) return;
    mski_put_char(w, mski_jw_in_object(w) ? '}' : ']');
    w->depth_--;
    w->state_ = MSKI_JW_NEXT;
}

/* What JSON.stringify escapes: quote, backslash and controls, the short form where there is one. */
static void mski_put_escaped(misskey_jw *w, const uint8_t *p, const uint8_t *end)
{
    static const char hex[] = "0123456789abcdef", shorts[] = "btn?fr"; /* 0x08 to 0x0D */
    while (p < end) {
        const uint8_t *q = p;
        char text[2];
        while (q < end && *q >= 0x20 && *q != '"' && *q != '\\') q++;
        mski_put(w, p, (size_t)(q - p));
        if (q == end) return;
        p = q + 1;
        if (*q >= 0x20 || (*q >= 8 && *q < 14 && *q != 11)) {
            text[0] = '\\';
            text[1] = *q >= 0x20 ? (char)*q : shorts[*q - 8];
        } else {
            mski_put_text(w, "\\u00");
            text[0] = hex[*q >> 4];
            text[1] = hex[*q & 15];
        }
        mski_put(w, text, 2);
    }
}

static void mski_put_string(misskey_jw *w, const char *text, size_t len)
{
    if (!mski_utf8_valid(text, len, false)) mski_jw_fail(w, MISSKEY_ERR_BAD_UTF8);
    mski_put_char(w, '"');
    mski_put_escaped(w, mski_bytes(text), mski_bytes(text) + len);
    mski_put_char(w, '"');
}

MISSKEY_API void misskey_jw_key(misskey_jw *w, const char *key)
{
    if (!mski_jw_in_object(w) || w->state_ == MSKI_JW_VALUE) mski_jw_fail(w, MISSKEY_ERR_BAD_ARG);
    if (w->state_ == MSKI_JW_NEXT) mski_put_char(w, ',');
    mski_put_string(w, key, MISSKEY_STRLEN(key));
    mski_put_char(w, ':');
    w->state_ = MSKI_JW_VALUE;
}

MISSKEY_API void misskey_jw_str(misskey_jw *w, const char *text, size_t len)
{
    mski_jw_value(w);
    mski_put_string(w, text, len);
}

MISSKEY_API void misskey_jw_jstr(misskey_jw *w, misskey_jstr text)
{
    mski_scan s;
    const uint8_t *const end = mski_bytes(text.ptr) + text.len;
    if (text.ptr == NULL) {
        misskey_jw_null(w);
        return;
    }
    mski_jw_value(w);
    mski_scan_init(&s, mski_bytes(text.ptr), end, true);
    if (mski_characters(&s, mski_bytes(text.ptr)) != end) {
        mski_jw_fail(w, s.err == MISSKEY_ERR_BAD_UTF8 ? MISSKEY_ERR_BAD_UTF8 : MISSKEY_ERR_BAD_JSON);
    }
    mski_put_char(w, '"');
    mski_put(w, text.ptr, text.len);
    mski_put_char(w, '"');
}

MISSKEY_API void misskey_jw_json(misskey_jw *w, misskey_json value)
{
    misskey_json checked;
    misskey_err err;
    if (value.ptr == NULL) {
        misskey_jw_null(w);
        return;
    }
    err = misskey_json_check(value.ptr, value.len, &checked, NULL);
    mski_jw_value(w);
    if (err != MISSKEY_ERR_OK) mski_jw_fail(w, err);
    mski_put(w, value.ptr, value.len);
}

MISSKEY_API void misskey_jw_i64(misskey_jw *w, int64_t value)
{
    mski_jw_value(w);
    if (value < 0) mski_put_char(w, '-');
    mski_put_number(w, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

MISSKEY_API void misskey_jw_bool(misskey_jw *w, bool value)
{
    mski_jw_value(w);
    mski_put_text(w, value ? "true" : "false");
}

MISSKEY_API void misskey_jw_null(misskey_jw *w)
{
    mski_jw_value(w);
    mski_put_text(w, "null");
}

MISSKEY_API misskey_err misskey_jw_done(const misskey_jw *w, misskey_json *out)
{
    out->ptr = NULL;
    out->len = 0;
    if (w->err_ != MISSKEY_ERR_OK) return (misskey_err)w->err_;
    if (w->depth_ > 0 || w->state_ == MSKI_JW_FIRST) return MISSKEY_ERR_BAD_ARG;
    if (w->len > w->cap) return MISSKEY_ERR_TOO_SMALL;
    out->ptr = w->dst;
    out->len = w->len;
    return MISSKEY_ERR_OK;
}

/* ================================================================================================================== */
/* MARK: - implementation: messages                                                                   >>impl-message  */
/* ================================================================================================================== */

/* Reading is one pass. The members of the root are walked here, the values go to mski_value; once "type" has told the
   form of the body, the members of the body are walked as well and those that the form names are noted. Where the body
   comes first (no server does that), it is walked again at the end. */

enum {
    MSKI_FORM_EVENT, MSKI_FORM_ID, MSKI_FORM_CONNECT, MSKI_FORM_NAME, MSKI_FORM_PARTNER, MSKI_FORM_API,
    MSKI_FORM_RAW, MSKI_FORM_EMPTY, MSKI_FORM_TEXT
};

#define MSKI_PARTS 4

/* Members of a body that each form up to API reads, in the order of the views of misskey_message: what belongs into id,
   channel, event and body. A flag, or a second name, waits in a view that the form has no use for. */
static const char *const mski_members[][MSKI_PARTS] = {
    { "id", NULL, "type", "body" },         /* EVENT */
    { "id", "read", NULL, NULL },           /* ID */
    { "id", "channel", "pong", "params" },  /* CONNECT */
    { NULL, "channel", NULL, NULL },        /* NAME */
    { "partner", "group", NULL, NULL },     /* PARTNER */
    { "id", "ep", "endpoint", "data" }      /* API */
};

/* The views of a message stand in a row and look alike, so that they can be gone through by number. */
#define MSKI_AT(member) offsetof(misskey_message, member)
typedef char mski_assert_views[MSKI_AT(raw) == MSKI_AT(type) + 5 * sizeof(misskey_str) &&
                               MSKI_AT(body) == MSKI_AT(id) + 3 * sizeof(misskey_json) ? 1 : -1];

#define MISSKEY_X_(name, type, form) MSKI_FORM_##form,
static const uint8_t mski_forms[] = { MISSKEY_KIND_LIST(MISSKEY_X_) };
#undef MISSKEY_X_

typedef struct mski_type_name { const char *text; uint8_t len, kind, alias; } mski_type_name;

#define MISSKEY_X_(name, type, form) { type, sizeof(type) - 1, MISSKEY_KIND_##name, 0 },
#define MISSKEY_Y_(name, alias, type) { type, sizeof(type) - 1, MISSKEY_KIND_##name, alias },
static const mski_type_name mski_type_names[] = { MISSKEY_KIND_LIST(MISSKEY_X_) MISSKEY_ALIAS_LIST(MISSKEY_Y_) };
#undef MISSKEY_X_
#undef MISSKEY_Y_
#define MSKI_TYPE_NAMES (sizeof mski_type_names / sizeof mski_type_names[0])

/* A message while it is read. Its views hold the parts of the body as they were noted, quotes and all; type has the
   type, raw the body, with length 0 until its end was seen. */
typedef struct mski_reader {
    mski_scan s;
    misskey_message *m;
    const mski_type_name *name;     /* of the last "type"; NULL = unknown */
    uint8_t walked;                 /* form whose parts were noted; MSKI_FORM_RAW = none */
    bool deep;                      /* something in the body is too deep */
    bool deep_part;                 /* the part that belongs into .body is */
#if MSKI_FAST
    misskey_reading *reading;       /* where the body goes; NULL = nowhere */
#endif
} mski_reader;

static uint8_t mski_form(const mski_type_name *name)
{
    return name == NULL ? (uint8_t)MSKI_FORM_RAW : mski_forms[name->kind];
}

/* The entry for a type; NULL = OTHER. Bare texts and OTHER itself are in the table for their order only. */
static MSKI_NOINLINE const mski_type_name *mski_find_type(misskey_jstr type)
{
    const mski_type_name *t = mski_type_names;
    for (; t < mski_type_names + MSKI_TYPE_NAMES; t++) {
        const uint8_t *rest;
        if (type.len < t->len || t->len == 0 || (*type.ptr != *t->text && *type.ptr != '\\')) continue;
        if (mski_forms[t->kind] == MSKI_FORM_TEXT) continue;
        rest = mski_match(type, t->text, t->len);
        if (rest != NULL && (rest == mski_bytes(type.ptr) + type.len || t->kind == MISSKEY_KIND_API_RESULT)) return t;
    }
    return NULL;
}

/* Steps to the next member of an object: white space, comma, name, colon. p is behind the opening brace or a value.
   Returns the value, with the name in *key; the closing brace, with a missing *key; NULL = syntax error. */
static MSKI_NOINLINE const uint8_t *mski_next_member(mski_scan *s, const uint8_t *p, bool first, misskey_jstr *key)
{
    const uint8_t *q;
    key->ptr = NULL;
    key->len = 0;
    p = mski_white(p, s->end);
    if (p < s->end && *p == '}') return p;
    if (!first) {
        if (p == s->end || *p != ',') return mski_fail(s, p, MISSKEY_ERR_BAD_JSON);
        p = mski_white(p + 1, s->end);
    }
    q = mski_name(s, p);
    if (q == NULL) return NULL;
    *key = mski_jstr(p + 1, q - 1);
    q = mski_colon(s, q);
    return q == NULL ? NULL : mski_white(q, s->end);
}

static void mski_forget_parts(misskey_message *m)
{
    m->id = m->channel = m->event = mski_no_jstr;
    m->body = mski_no_json;
}

/* A member of the root was read. True: it is a type, to be looked up. */
static MSKI_NOINLINE bool mski_note_root(mski_reader *r, misskey_jstr key, misskey_json value)
{
    if (mski_is_name(key, "type")) {
        r->m->type = misskey_json_str(value);
        r->name = NULL;
        return r->m->type.ptr != NULL;
    }
    if (mski_is_name(key, "body")) {
        r->m->raw.len = value.len;
        r->deep = r->s.deep;
    }
    return false;
}

/* A member of the body was read. */
static MSKI_NOINLINE void mski_note_member(mski_reader *r, misskey_jstr key, const uint8_t *at, const uint8_t *end)
{
    const char *const *const names = mski_members[r->walked];
    const misskey_json part = mski_json(at, end);
    unsigned i = 0;
    r->deep = r->deep || r->s.deep;
    while (i < MSKI_PARTS && (names[i] == NULL || !mski_is_name(key, names[i]))) i++;
    if (i == MSKI_PARTS) return;
    if (i == MSKI_PARTS - 1) r->deep_part = r->s.deep;
    MISSKEY_MEMCPY((uint8_t *)r->m + MSKI_AT(id) + i * sizeof part, &part, sizeof part);
}

/* The body begins. True: its form is known by now, so its members are walked. */
static MSKI_NOINLINE bool mski_begin_body(mski_reader *r, const uint8_t *p)
{
    mski_forget_parts(r->m);
    r->m->raw.ptr = (const char *)p;
    r->m->raw.len = 0;
    r->deep = r->deep_part = false;
    r->walked = p < r->s.end && *p == '{' ? mski_form(r->name) : (uint8_t)MSKI_FORM_RAW;
    return r->walked <= MSKI_FORM_API;
}

/* Channel events that are about a note. */
static bool mski_is_note_event(misskey_jstr event)
{
    return mski_is_name(event, "note") || mski_is_name(event, "mention") || mski_is_name(event, "reply") ||
           mski_is_name(event, "renote") || mski_is_name(event, "edited");
}

/* What a body can be read into, going by what is known of the message. */
static misskey_reads mski_reads(unsigned kind, misskey_jstr event)
{
    if (kind == MISSKEY_KIND_NOTE_UPDATED) return MISSKEY_READS_NOTE_UPDATE;
    return kind == MISSKEY_KIND_CHANNEL && mski_is_note_event(event) ? MISSKEY_READS_NOTE : MISSKEY_READS_NOTHING;
}

#if MSKI_FAST
/* The next value is what a reading has. */
static void mski_read_along(mski_scan *s, misskey_reads what, misskey_reading *reading)
{
    s->reading = reading;
    reading->what = what;
    reading->num_files = reading->num_choices = 0;
    s->out = what == MISSKEY_READS_NOTE ? (uint8_t *)&reading->note : (uint8_t *)&reading->update;
    s->shape = mski_piece_shape(reading, s->out);
    mski_zero(s->out, mski_end_of(&s->shape)->at);
}

/* The body of an event comes next, at p: says what it may be, and where it goes. */
static void mski_expect_body(mski_reader *r, unsigned kind, misskey_jstr event, const uint8_t *p)
{
    const misskey_reads what = mski_reads(kind, event);
    r->s.shape.field = NULL;
    r->s.out = NULL;
    if (what == MISSKEY_READS_NOTHING) return;
    if (r->reading == NULL || p == r->s.end || *p != '{') {
        r->s.shape = what == MISSKEY_READS_NOTE ? mski_note_shape() : mski_note_update_shape();
        return;
    }
    mski_read_along(&r->s, what, r->reading);
    r->reading->body_ = (const char *)p;
    r->reading->event_ = event.ptr;
}
#endif

/* Turns the note of a string into its inside. False, and missing, if it is none. */
static bool mski_take_str(misskey_jstr *part)
{
    misskey_json value;
    value.ptr = part->ptr;
    value.len = part->len;
    *part = misskey_json_str(value);
    return part->ptr != NULL;
}

/* The members of an object, of which p is the opening brace: level 0 = the root, and the body within it where its form
   is known by then; level 1 = only the body. */
static const uint8_t *mski_walk(mski_reader *r, const uint8_t *p, unsigned level)
{
    const unsigned base = level;
    bool first = true;
    misskey_jstr key;
    for (p++; (p = mski_next_member(&r->s, p, first, &key)) != NULL;) {
        const uint8_t *const at = p;
        first = false;
        if (key.ptr == NULL) {
            p++;
            if (level == base) break;
            level = 0;
            r->m->raw.len = (size_t)(p - mski_bytes(r->m->raw.ptr));
            continue;
        }
        if (level == 0 && mski_is_name(key, "body") && mski_begin_body(r, p)) {
            level = 1;
            first = true;
            p++;
            continue;
        }
        r->s.deep = false;
#if MSKI_FAST
        r->s.shape.field = NULL;
        r->s.out = NULL;
        if (level > 0 && r->walked == MSKI_FORM_EVENT && mski_is_name(key, "body")) {
            misskey_jstr event = r->m->event;
            mski_expect_body(r, r->name->kind, mski_take_str(&event) ? event : mski_no_jstr, p);
        }
#endif
        p = mski_value(&r->s, p, level + 1);
        if (p == NULL) break;
        if (level > 0) mski_note_member(r, key, at, p);
        else if (mski_note_root(r, key, mski_json(at, p))) r->name = mski_find_type(r->m->type);
    }
    return p;
}

/* A string or a number. False, and missing, if there is something else; a missing one is fine. */
static bool mski_take_id(misskey_message *m)
{
    if (m->id.ptr == NULL) return true;
    m->id_number = *m->id.ptr == '-' || (uint8_t)(*m->id.ptr - '0') < 10;
    return m->id_number || mski_take_str(&m->id);
}

/* true, false, null or absent; servers ignore a connect or capture with anything else. */
static bool mski_take_flag(misskey_jstr *part, bool *flag)
{
    const char first = part->ptr == NULL ? 'n' : *part->ptr;
    *flag = first == 't';
    part->ptr = NULL;
    part->len = 0;
    return first == 't' || first == 'f' || first == 'n';
}

/* Where the first name was absent, what waits under the second. */
static void mski_take_second(misskey_message *m, misskey_jstr *part)
{
    if (part->ptr == NULL) {
        *part = m->channel;
        m->alias = 1;
    }
    m->channel.ptr = NULL;
    m->channel.len = 0;
}

/* Makes members of the parts. False: the body is not of the form. */
static bool mski_take_parts(uint8_t form, misskey_message *m)
{
    switch (form) {
    case MSKI_FORM_EVENT:
        (void)mski_take_id(m);
        (void)mski_take_str(&m->event);
        if (m->body.ptr == NULL) m->body = misskey_json_text("null");
        return true;
    case MSKI_FORM_ID:
        return mski_take_id(m) && mski_take_flag(&m->channel, &m->read) &&
               (!m->read || m->kind == MISSKEY_KIND_SUB_NOTE);
    case MSKI_FORM_CONNECT:
        if (m->body.ptr == NULL) m->body = misskey_json_text("{}");
        return mski_take_id(m) && mski_take_str(&m->channel) && mski_take_flag(&m->event, &m->pong) &&
               *m->body.ptr == '{';
    case MSKI_FORM_NAME:
        return mski_take_str(&m->channel);
    case MSKI_FORM_PARTNER:
        mski_take_second(m, &m->id);
        return mski_take_str(&m->id);
    default: /* MSKI_FORM_API */
        mski_take_second(m, &m->event);
        return mski_take_str(&m->event) && mski_take_id(m);
    }
}

/* Makes a message of what was noted. */
static MSKI_NOINLINE void mski_build_message(mski_reader *r)
{
    misskey_message *const m = r->m;
    const misskey_str body = m->raw;
    const bool alive = r->name != NULL && r->name->kind == MISSKEY_KIND_ALIVE && body.ptr == NULL;
    m->raw = mski_no_str;
    m->kind = MISSKEY_KIND_OTHER;
    if (r->name != NULL) {
        m->kind = (misskey_kind)r->name->kind;
        m->alias = r->name->alias;
    }
    if (r->walked <= MSKI_FORM_API && mski_take_parts(r->walked, m)) {
        r->deep = r->deep_part;
    } else {
        mski_forget_parts(m);
        m->pong = m->read = m->id_number = false;
        if (mski_form(r->name) != MSKI_FORM_RAW && !alive) {
            m->kind = MISSKEY_KIND_OTHER; /* a known type with a body of another form */
            m->alias = 0;
        }
        if (body.len > 0) m->body = mski_json(mski_bytes(body.ptr), mski_bytes(body.ptr) + body.len);
    }
    if (m->kind == MISSKEY_KIND_API_RESULT) {
        m->id = mski_jstr(mski_match(m->type, r->name->text, r->name->len), mski_bytes(m->type.ptr) + m->type.len);
    }
    if (m->kind != MISSKEY_KIND_OTHER) m->type = mski_no_jstr;
    m->deep = r->deep && m->body.ptr != NULL;
    if (!m->deep) return;
    m->raw.ptr = m->body.ptr;
    m->raw.len = m->body.len;
    m->body = mski_no_json;
}

static MSKI_NOINLINE void mski_build_text(const uint8_t *p, size_t len, misskey_message *m)
{
    size_t i;
    MISSKEY_MEMSET(m, 0, sizeof *m);
    m->kind = MISSKEY_KIND_TEXT;
    for (i = MISSKEY_KIND_TEXT_PING; i < MISSKEY_KIND_TEXT; i++) {
        const mski_type_name *const t = &mski_type_names[i];
        if (len == t->len && mski_equal(p, t->text, len)) {
            m->kind = (misskey_kind)i;
            return;
        }
    }
    m->raw.ptr = (const char *)p;
    m->raw.len = len;
}

#if MSKI_FAST
static bool mski_take(const uint8_t **p, const uint8_t *end, const char *text, size_t len)
{
    if ((size_t)(end - *p) < len || !mski_equal(*p, text, len)) return false;
    *p += len;
    return true;
}

/* A string without escapes, *p is behind its opening quote. */
static bool mski_take_plain(const uint8_t **p, const uint8_t *end, misskey_jstr *s)
{
    const uint8_t *const quote = mski_plain(*p, end);
    *s = mski_jstr(*p, quote);
    if (quote == end || *quote != '"') return false;
    *p = quote + 1;
    return true;
}

/* What nearly all messages are, written as all servers write it. False: it is something else, or broken (s.err). */
static bool mski_parse_event(mski_reader *r, const uint8_t *p)
{
    const uint8_t *const end = r->s.end, *begin;
    misskey_message *const m = r->m;
    misskey_jstr type, id, event;
    misskey_kind kind = MISSKEY_KIND_CHANNEL;
    if (!mski_take(&p, end, MSKI_STR("{\"type\":\"")) || !mski_take_plain(&p, end, &type)) return false;
    if (mski_is_name(type, "noteUpdated")) kind = MISSKEY_KIND_NOTE_UPDATED;
    else if (!mski_is_name(type, "channel")) return false;
    if (!mski_take(&p, end, MSKI_STR(",\"body\":{\"id\":\"")) || !mski_take_plain(&p, end, &id) ||
        !mski_take(&p, end, MSKI_STR(",\"type\":\"")) || !mski_take_plain(&p, end, &event) ||
        !mski_take(&p, end, MSKI_STR(",\"body\":")) || p == end || *p <= ' ') return false;
    begin = p;
    mski_expect_body(r, (unsigned)kind, event, p);
    p = mski_value(&r->s, p, 2);
    if (p == NULL || end - p != 2 || p[0] != '}' || p[1] != '}') return false;
    m->kind = kind;
    m->id = id;
    m->event = event;
    m->deep = r->s.deep;
    if (m->deep) {
        m->raw.ptr = (const char *)begin;
        m->raw.len = (size_t)(p - begin);
    } else {
        m->body = mski_json(begin, p);
    }
    return true;
}
#endif

/* utf8: has to be checked as well. */
static misskey_err mski_parse(const uint8_t *text, size_t len, bool utf8, misskey_message *m, misskey_reading *reading)
{
    const uint8_t *p;
    mski_reader r;
    mski_zero(m, sizeof *m);
    mski_scan_init(&r.s, text, text + len, utf8);
    r.m = m;
    r.name = NULL;
    r.walked = MSKI_FORM_RAW;
    r.deep = r.deep_part = false;
#if MSKI_FAST
    r.reading = reading;
    if (reading != NULL) reading->body_ = NULL;
    if (mski_parse_event(&r, text)) return MISSKEY_ERR_OK;
    r.s.shape.field = NULL;
    r.s.out = NULL;
    r.s.deep = false;
#else
    (void)reading; /* read afterwards, see mski_finish_reading */
#endif
    p = mski_white(text, r.s.end);
    if (r.s.err != MISSKEY_ERR_OK) p = NULL;
    else if (p < r.s.end && *p == '{') p = mski_walk(&r, p, 0);
    else p = mski_fail(&r.s, p, MISSKEY_ERR_BAD_JSON);
    if (p != NULL && mski_white(p, r.s.end) != r.s.end) p = mski_fail(&r.s, p, MISSKEY_ERR_BAD_JSON);
    if (p == NULL && utf8 && mski_utf8_skip(r.s.bad, r.s.end, false) != r.s.end) {
        MISSKEY_MEMSET(m, 0, sizeof *m);
        return MISSKEY_ERR_BAD_UTF8;
    }
    if (p == NULL || m->type.ptr == NULL) {
        mski_build_text(text, len, m);
        return MISSKEY_ERR_OK;
    }
    if (m->raw.len > 0 && *m->raw.ptr == '{' && mski_form(r.name) != r.walked) {
        mski_forget_parts(m);
        r.deep_part = false;
        r.walked = mski_form(r.name);
        if (r.walked <= MSKI_FORM_API) (void)mski_walk(&r, mski_bytes(m->raw.ptr), 1);
    }
    mski_build_message(&r);
    return MISSKEY_ERR_OK;
}

/* Makes a whole JSON text of the beginning of one, in place: drops what is cut off and closes what is open. Whether it
   was JSON is for the parser to find. Returns its length. */
static size_t mski_close_beginning(uint8_t *text, size_t len)
{
    const uint8_t *const end = text + len, *p = text;
    uint32_t open = 0, open_at_cut = 0;     /* a bit for each container, the innermost lowest: 1 = object */
    unsigned depth = 0, depth_at_cut = 0;
    size_t cut = 0;
    while (p < end) {
        const uint8_t c = *p;
        const bool opens = c == '{' || c == '[', closes = c == '}' || c == ']';
        if (c == '"') p = mski_skip_string(p + 1, end);
        else if (opens && depth == 32) p = mski_skip_container(p, end);
        else p++;
        if (opens && depth < 32) open = open << 1 | (c == '{'), depth++;
        if (closes && depth > 0) open >>= 1, depth--;
        if (c != ',' && !closes && (!opens || depth == 32)) continue;
        if ((size_t)(p - text) + depth > len) break;
        cut = (size_t)(p - text) - (c == ',');
        open_at_cut = open;
        depth_at_cut = depth;
    }
    for (; depth_at_cut > 0; depth_at_cut--, open_at_cut >>= 1) text[cut++] = open_at_cut & 1 ? '}' : ']';
    return cut;
}

MISSKEY_API misskey_err misskey_message_parse(const char *text, size_t len, misskey_message *out)
{
    return mski_parse(mski_bytes(text), len, true, out, NULL);
}

MISSKEY_API misskey_json misskey_json_text(const char *text)
{
    misskey_json v;
    v.ptr = text;
    v.len = text == NULL ? 0 : MISSKEY_STRLEN(text);
    return v;
}

MISSKEY_API misskey_jstr misskey_jstr_text(const char *text)
{
    misskey_jstr s;
    s.ptr = text;
    s.len = text == NULL ? 0 : MISSKEY_STRLEN(text);
    return s;
}

/* A member of an object, as it is; left out where it is missing, or where the form has no such member. */
static void mski_put_member(misskey_jw *w, const char *name, const char *quote, const char *ptr, size_t len)
{
    if (ptr == NULL || name == NULL) return;
    mski_put_text(w, w->state_ == MSKI_JW_NEXT ? ",\"" : "\"");
    mski_put_text(w, name);
    mski_put_text(w, "\":");
    mski_put_text(w, quote);
    mski_put(w, ptr, len);
    mski_put_text(w, quote);
    w->state_ = MSKI_JW_NEXT;
}

static void mski_put_str_member(misskey_jw *w, const char *name, misskey_jstr s)
{
    mski_put_member(w, name, "\"", s.ptr, s.len);
}

static void mski_write_parts(misskey_jw *w, const misskey_message *m, uint8_t form)
{
    const char *const *const names = mski_members[form];
    const bool second = m->alias == 1;
    const char *const id = names[form == MSKI_FORM_PARTNER && second ? 1 : 0];
    mski_put_str_member(w, "channel", m->channel);
    mski_put_member(w, id, m->id_number ? "" : "\"", m->id.ptr, m->id.len);
    mski_put_str_member(w, names[form == MSKI_FORM_API && second ? 1 : 2], m->event);
    mski_put_member(w, names[3], "", m->body.ptr, m->body.len);
    if (m->pong) mski_put_member(w, "pong", "", MSKI_STR("true"));
    if (m->read) mski_put_member(w, "read", "", MSKI_STR("true"));
}

/* Returns the length needed. */
static MSKI_NOINLINE size_t mski_write_message(const misskey_message *m, char *dst, size_t cap)
{
    const uint8_t form = mski_forms[m->kind];
    const mski_type_name *t = &mski_type_names[m->kind];
    misskey_jw w;
    size_t i;
    misskey_jw_init(&w, dst, cap);
    for (i = 0; i < MSKI_TYPE_NAMES; i++) {
        if (mski_type_names[i].kind == m->kind && mski_type_names[i].alias == m->alias) t = &mski_type_names[i];
    }
    if (form == MSKI_FORM_TEXT) {
        mski_put(&w, t->text, t->len);
        mski_put(&w, m->raw.ptr, m->raw.len);
        return w.len;
    }
    mski_put_text(&w, "{\"type\":\"");
    mski_put(&w, t->text, t->len);
    if (m->kind == MISSKEY_KIND_API_RESULT) mski_put(&w, m->id.ptr, m->id.len);
    mski_put(&w, m->type.ptr, m->type.len);
    mski_put_char(&w, '"');
    w.state_ = MSKI_JW_NEXT;
    if (form == MSKI_FORM_RAW) {
        mski_put_member(&w, "body", "", m->body.ptr, m->body.len);
    } else if (form != MSKI_FORM_EMPTY) {
        mski_put_text(&w, ",\"body\":{");
        w.state_ = MSKI_JW_FIRST;
        mski_write_parts(&w, m, form);
        mski_put_char(&w, '}');
    }
    mski_put_char(&w, '}');
    return w.len;
}

static MSKI_NOINLINE bool mski_same_message(const misskey_message *a, const misskey_message *b)
{
    misskey_str x, y;
    size_t at;
    if (a->kind != b->kind || a->alias != b->alias || a->id_number != b->id_number) return false;
    if (a->pong != b->pong || a->read != b->read) return false;
    for (at = MSKI_AT(type); at <= MSKI_AT(raw); at += sizeof x) {
        MISSKEY_MEMCPY(&x, (const uint8_t *)a + at, sizeof x);
        MISSKEY_MEMCPY(&y, (const uint8_t *)b + at, sizeof y);
        if ((x.ptr == NULL) != (y.ptr == NULL) || x.len != y.len) return false;
        if (x.len > 0 && !mski_equal(x.ptr, y.ptr, x.len)) return false;
    }
    return true;
}

/* Nothing is checked while writing. What was written is read back instead and must give the same message: that covers
   every way to break the text, and is the promise that the caller gets. */
MISSKEY_API misskey_err misskey_message_write(const misskey_message *message, char *dst, size_t cap, size_t *len)
{
    misskey_message back;
    *len = 0;
    if ((unsigned)message->kind > MISSKEY_KIND_TEXT || message->deep) return MISSKEY_ERR_BAD_ARG;
    *len = mski_write_message(message, dst, cap);
    if (*len > cap) return MISSKEY_ERR_TOO_SMALL;
    if (mski_parse(mski_bytes(dst), *len, true, &back, NULL) != MISSKEY_ERR_OK) return MISSKEY_ERR_BAD_UTF8;
    if (back.deep) return MISSKEY_ERR_DEPTH;
    if (mski_same_message(message, &back)) return MISSKEY_ERR_OK;
    if (mski_forms[message->kind] == MSKI_FORM_TEXT) return MISSKEY_ERR_BAD_ARG;
    return mski_forms[back.kind] == MSKI_FORM_TEXT ? MISSKEY_ERR_BAD_JSON : MISSKEY_ERR_BAD_ARG;
}

/* ================================================================================================================== */
/* MARK: - implementation: vocabulary                                                              >>impl-vocabulary  */
/* ================================================================================================================== */

#define MSKI_COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Names stand one behind the other in one string, so that a linker that drops the table drops them as well. */
static const char *mski_nth(const char *names, size_t i)
{
    for (; i > 0; i--) names += MISSKEY_STRLEN(names) + 1;
    return names;
}

/* Which of them a text is; count = none. Most differ in the first letter or two. */
static MSKI_NOINLINE size_t mski_find_name(const char *names, size_t count, misskey_jstr text)
{
    size_t i;
    for (i = 0; i < count && text.ptr != NULL; i++, names += MISSKEY_STRLEN(names) + 1) {
        if (mski_is_name(text, names)) return i;
    }
    return count;
}

/* The whole of a look-up: the names of the rows that are there, and their enumerators. */
#define MSKI_FIRST_(first, ...) first
#define MSKI_NAME_(row, ...) MSKI_FIRST_(__VA_ARGS__, 0) "\0"
#define MSKI_LOOK_UP(LIST, VALUE, type, text, other) \
    static const char names[] = LIST(MSKI_NAME_, MSKI_OLD(MSKI_NAME_), MSKI_FORK(MSKI_NAME_)); \
    static const uint8_t values[] = { LIST(VALUE, MSKI_OLD(VALUE), MSKI_FORK(VALUE)) }; \
    const size_t i = mski_find_name(names, sizeof values, text); \
    return i < sizeof values ? (type)values[i] : other

typedef struct mski_channel_kind { uint8_t kind, share; bool credential; } mski_channel_kind;

#define MISSKEY_X_(kind, name, credential, share, ...) { MISSKEY_CHANNEL_##kind, MISSKEY_SHARE_##share, credential },
static const mski_channel_kind mski_channel_kinds[] = {
    MISSKEY_CHANNEL_LIST(MISSKEY_X_, MSKI_OLD(MISSKEY_X_), MSKI_FORK(MISSKEY_X_))
};
#undef MISSKEY_X_
static const char mski_channel_names[] =
    MISSKEY_CHANNEL_LIST(MSKI_NAME_, MSKI_OLD(MSKI_NAME_), MSKI_FORK(MSKI_NAME_));

static const mski_channel_kind *mski_find_channel_kind(misskey_jstr name)
{
    const size_t i = mski_find_name(mski_channel_names, MSKI_COUNT(mski_channel_kinds), name);
    return i < MSKI_COUNT(mski_channel_kinds) ? &mski_channel_kinds[i] : NULL;
}

MISSKEY_API misskey_channel_kind misskey_channel_find(misskey_jstr name)
{
    const mski_channel_kind *const kind = mski_find_channel_kind(name);
    return kind == NULL ? MISSKEY_CHANNEL_OTHER : (misskey_channel_kind)kind->kind;
}

#define MISSKEY_X_(kind, name, credential, share, releases, permission, events, first, last) releases,
#define MISSKEY_Y_(kind, name, credential, share, releases, permission, events, first, last) \
    permission "\0" first "\0" last "\0"
MISSKEY_API bool misskey_channel_about(misskey_channel_kind kind, misskey_channel_info *info)
{
    static const bool releases[] = { MISSKEY_CHANNEL_LIST(MISSKEY_X_, MSKI_OLD(MISSKEY_X_), MSKI_FORK(MISSKEY_X_)) };
    static const char texts[] = MISSKEY_CHANNEL_LIST(MISSKEY_Y_, MSKI_OLD(MISSKEY_Y_), MSKI_FORK(MISSKEY_Y_));
    size_t i = 0;
    MISSKEY_MEMSET(info, 0, sizeof *info);
    while (i < sizeof releases && mski_channel_kinds[i].kind != (unsigned)kind) i++;
    if (i == sizeof releases) return false;
    info->name = mski_nth(mski_channel_names, i);
    info->permission = mski_nth(texts, 3 * i);
    info->first = mski_nth(texts, 3 * i + 1);
    info->last = mski_nth(texts, 3 * i + 2);
    info->credential = mski_channel_kinds[i].credential;
    info->releases = releases[i];
    info->share = (misskey_share)mski_channel_kinds[i].share;
    return true;
}
#undef MISSKEY_X_
#undef MISSKEY_Y_

#define MISSKEY_X_(event, name) MISSKEY_CHANNEL_EVENT_##event,
MISSKEY_API misskey_channel_event misskey_channel_event_find(misskey_jstr type)
{
    MSKI_LOOK_UP(MISSKEY_CHANNEL_EVENT_LIST, MISSKEY_X_, misskey_channel_event, type, MISSKEY_CHANNEL_EVENT_OTHER);
}
#undef MISSKEY_X_

#define MISSKEY_X_(update, name, first, last) MISSKEY_NOTE_UPDATE_##update,
MISSKEY_API misskey_note_update_type misskey_note_update_find(misskey_jstr type)
{
    MSKI_LOOK_UP(MISSKEY_NOTE_UPDATE_LIST, MISSKEY_X_, misskey_note_update_type, type, MISSKEY_NOTE_UPDATE_OTHER);
}
#undef MISSKEY_X_

#define MISSKEY_X_(notification, name, first, last) MISSKEY_NOTIFICATION_##notification,
MISSKEY_API misskey_notification_type misskey_notification_find(misskey_jstr type)
{
#if !MISSKEY_NO_HISTORIC
    if (mski_is_name(type, "poll_vote")) return MISSKEY_NOTIFICATION_POLL_VOTE; /* v10 */
#endif
    {
        MSKI_LOOK_UP(MISSKEY_NOTIFICATION_LIST, MISSKEY_X_, misskey_notification_type, type,
                     MISSKEY_NOTIFICATION_OTHER);
    }
}
#undef MISSKEY_X_

#define MISSKEY_X_(operation, name, group, first, last) MISSKEY_OPERATION_##operation,
MISSKEY_API misskey_operation_kind misskey_operation_find(misskey_jstr type)
{
    MSKI_LOOK_UP(MISSKEY_OPERATION_LIST, MISSKEY_X_, misskey_operation_kind, type, MISSKEY_OPERATION_OTHER);
}

MISSKEY_API const char *misskey_operation_name(misskey_operation_kind kind)
{
    static const char names[] = MISSKEY_OPERATION_LIST(MSKI_NAME_, MSKI_OLD(MSKI_NAME_), MSKI_FORK(MSKI_NAME_));
    static const uint8_t kinds[] = { MISSKEY_OPERATION_LIST(MISSKEY_X_, MSKI_OLD(MISSKEY_X_), MSKI_FORK(MISSKEY_X_)) };
    size_t i = 0;
    while (i < sizeof kinds && kinds[i] != (unsigned)kind) i++;
    return i < sizeof kinds ? mski_nth(names, i) : "";
}
#undef MISSKEY_X_

/* ================================================================================================================== */
/* MARK: - implementation: typed                                                                        >>impl-typed  */
/* ================================================================================================================== */

static bool mski_read(misskey_json value, const mski_shape *all, void *out)
{
    mski_zero(out, mski_end_of(all)->at);
    if (misskey_json_type(value) != MISSKEY_TYPE_OBJECT) return false;
    if (all->field->has != 0) mski_read_members(value, all, all, (uint8_t *)out);
    mski_read_rest(value, all, NULL, (uint8_t *)out);
    return true;
}

#define MISSKEY_X_(entity, ENTITY) \
    MISSKEY_API bool misskey_##entity##_read(misskey_json value, misskey_##entity *out) \
    { \
        const mski_shape all = mski_##entity##_shape(); \
        return mski_read(value, &all, out); \
    }
MISSKEY_ENTITY_LIST(MISSKEY_X_)
#undef MISSKEY_X_

/* As many as there is room for. */
static MSKI_NOINLINE void mski_read_files(misskey_reading *r)
{
    misskey_iter it = misskey_json_iter(r->note.files);
    r->num_files = 0;
    while (r->num_files < sizeof r->files / sizeof *r->files && misskey_json_next(&it)) {
        (void)misskey_file_read(it.value, &r->files[r->num_files++]);
    }
}

#if !MSKI_FAST
static MSKI_NOINLINE void mski_read_choices(misskey_reading *r)
{
    misskey_iter it = misskey_json_iter(r->poll.choices);
    r->num_choices = 0;
    while (r->num_choices < sizeof r->choices / sizeof *r->choices && misskey_json_next(&it)) {
        (void)misskey_poll_choice_read(it.value, &r->choices[r->num_choices++]);
    }
}
#endif

#if MSKI_FAST
/* Of duplicates the last counts: what was read along of one before is void if that has nothing to be read. And the
   other way round: files under the name that they once had. */
static void mski_settle(misskey_reading *r)
{
    const size_t empty = 2; /* bytes of {} and [], which are not entered */
    if (r->note.user.len <= empty) mski_zero(&r->user, sizeof r->user);
    if (r->note.poll.len <= empty) mski_zero(&r->poll, sizeof r->poll);
    if (r->poll.choices.len <= empty) r->num_choices = 0;
    if (r->note.files.len <= empty) r->num_files = 0;
    else if (r->num_files == 0) mski_read_files(r);
}

/* What could not be read while the message was checked, since it was not known yet what it is. */
static MSKI_SELDOM void mski_read_body(misskey_json body, misskey_reads what, misskey_reading *r)
{
    mski_scan s;
    mski_scan_init(&s, mski_bytes(body.ptr), mski_bytes(body.ptr) + body.len, false);
    mski_read_along(&s, what, r);
    (void)mski_value(&s, s.begin, 0);
}
#else
static void mski_read_body(misskey_json body, misskey_reads what, misskey_reading *r)
{
    if (what == MISSKEY_READS_NOTE_UPDATE) {
        (void)misskey_note_update_read(body, &r->update);
        return;
    }
    (void)misskey_note_read(body, &r->note);
    (void)misskey_user_read(r->note.user, &r->user);
    (void)misskey_poll_read(r->note.poll, &r->poll);
    mski_read_files(r);
    mski_read_choices(r);
}
#endif

/* What was not read while the message was checked is read now. */
static void mski_finish_reading(bool message, const misskey_message *m, misskey_reading *r)
{
    const bool done = MSKI_FAST && message && r->body_ != NULL && m->body.ptr == r->body_ &&
                      m->event.ptr == r->event_ &&
                      m->kind == (r->what == MISSKEY_READS_NOTE ? MISSKEY_KIND_CHANNEL : MISSKEY_KIND_NOTE_UPDATED);
    if (!done) {
        r->what = MISSKEY_READS_NOTHING;
        if (message && misskey_json_type(m->body) == MISSKEY_TYPE_OBJECT) {
            r->what = mski_reads((unsigned)m->kind, m->event);
        }
        if (r->what != MISSKEY_READS_NOTHING) mski_read_body(m->body, r->what, r);
    }
#if MSKI_FAST
    if (r->what == MISSKEY_READS_NOTE) mski_settle(r);
#endif
}

MISSKEY_API misskey_err misskey_message_read(const char *text, size_t len, misskey_message *out,
                                             misskey_reading *reading)
{
    const misskey_err err = mski_parse(mski_bytes(text), len, true, out, reading);
    mski_finish_reading(err == MISSKEY_ERR_OK, out, reading);
    return err;
}

MISSKEY_API bool misskey_note_minimized(const misskey_note *note)
{
    return note->id.ptr != NULL && note->user_id.ptr == NULL && note->created_at.ptr == NULL;
}

static bool mski_is_empty(misskey_json container)
{
    misskey_iter it = misskey_json_iter(container);
    return !misskey_json_next(&it);
}

/* What makes a quote of a renote (protocol/events.md section 3), each missing where it is null or of another kind. */
typedef struct mski_added {
    misskey_jstr text, cw, reply_id;
    misskey_json poll, event, file_ids, files;
    bool has_poll;
} mski_added;

static bool mski_adds_nothing(const mski_added *a)
{
    return a->text.ptr == NULL && a->cw.ptr == NULL && a->reply_id.ptr == NULL && a->poll.ptr == NULL &&
           a->event.ptr == NULL && !a->has_poll && mski_is_empty(a->file_ids.ptr != NULL ? a->file_ids : a->files);
}

MISSKEY_API bool misskey_note_is_renote(const misskey_note *note)
{
    mski_added a;
    a.text = note->text;
    a.cw = note->cw;
    a.reply_id = note->reply_id;
    a.poll = note->poll;
    a.event = note->event;
    a.file_ids = note->file_ids;
    a.files = note->files;
    a.has_poll = note->has_poll;
    return note->renote_id.ptr != NULL && mski_adds_nothing(&a);
}

/* --- numbers, times --- */

/* Zeros wait until a digit behind them counts, so that 1.50 and 15e-1 are the same. */
MISSKEY_API bool misskey_json_decimal(misskey_json value, misskey_decimal *out)
{
    const uint8_t *p = mski_bytes(value.ptr), *const end = p + value.len;
    const uint64_t most = UINT64_C(9223372036854775807);
    const bool minus = value.len > 0 && *p == '-';
    int64_t exponent, zeros = 0; /* as many as there may be digits */
    bool point = false, huge;
    uint64_t m = 0;
    if (!mski_is_number(value)) return false;
    exponent = mski_exponent(p, end);
    huge = exponent >= 100000000 || exponent <= -100000000; /* mski_exponent says no more than that */
    for (p += minus; p < end && (*p | 0x20) != 'e'; p++) {
        const unsigned digit = (unsigned)(*p - '0');
        if (*p == '.') {
            point = true;
            continue;
        }
        exponent -= point;
        zeros++;
        if (digit == 0) continue;
        for (; zeros > 0; zeros--) {
            if (m > MSKI_TENTH) return false;
            m *= 10;
        }
        if (m > most - digit) return false;
        m += digit;
    }
    exponent += zeros;
    if (m == 0) exponent = 0;
    else if (huge || exponent > INT32_MAX || exponent < INT32_MIN) return false;
    for (; exponent > 0 && m <= MSKI_TENTH; exponent--) m *= 10;
    out->mantissa = minus ? -(int64_t)m : (int64_t)m;
    out->exponent = (int32_t)exponent;
    out->text = value;
    return true;
}

/* Digits of a string, decoded, and what has to stand between them. */
typedef struct mski_clock { const uint8_t *p, *end; bool ok; } mski_clock;

static void mski_expect(mski_clock *c, char what)
{
    c->ok = c->ok && c->p < c->end && mski_ascii(&c->p, c->end) == (uint8_t)what;
}

/* A number of so many digits. */
static int32_t mski_number_of(mski_clock *c, unsigned digits, int32_t least, int32_t most)
{
    int32_t n = 0;
    for (; digits > 0 && c->p < c->end; digits--) {
        const unsigned digit = mski_ascii(&c->p, c->end) - '0';
        c->ok = c->ok && digit < 10;
        n = n * 10 + (int32_t)(digit & 15);
    }
    c->ok = c->ok && digits == 0 && n >= least && n <= most;
    return n;
}

/* Milliseconds of a fraction with its point, if there is one. */
static int32_t mski_fraction(mski_clock *c)
{
    static const uint8_t units[] = { 100, 10, 1, 0 }; /* of the digits, the rest like the last one */
    const uint8_t *p = c->p;
    int32_t ms = 0;
    unsigned i = 0;
    bool any = false;
    if (p == c->end || mski_ascii(&p, c->end) != '.') return 0;
    for (c->p = p; p < c->end; c->p = p, any = true) {
        const unsigned digit = mski_ascii(&p, c->end) - '0';
        if (digit > 9) break;
        ms += (int32_t)(units[i] * digit);
        i += i < 3;
    }
    c->ok = c->ok && any;
    return ms;
}

/* Days from 1970-01-01 to a day of the Gregorian calendar, which repeats itself every 400 years. No division:
   y * 5243 >> 19 is y / 100 below 10000. */
static int32_t mski_days(int32_t year, int32_t month, int32_t day)
{
    static const uint16_t before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
    int32_t y, hundreds;
    for (; year >= 2000; year -= 400) day += 146097;
    for (; year < 1600; year += 400) day -= 146097;
    y = month > 2 ? year : year - 1; /* the last year whose leap day counts */
    hundreds = y * 5243 >> 19;
    return 365 * year + (y >> 2) - hundreds + (hundreds >> 2) + before[month - 1] + day - 719528;
}

static int32_t mski_days_of_month(int32_t year, int32_t month)
{
    return month == 12 ? 31 : mski_days(year, month + 1, 1) - mski_days(year, month, 1);
}

/* A year: four digits, or six behind a sign. There is no year -0. */
static int32_t mski_year(mski_clock *c)
{
    const uint8_t *p = c->p;
    const unsigned sign = p < c->end ? mski_ascii(&p, c->end) : 0;
    if (sign != '+' && sign != '-') return mski_number_of(c, 4, 0, 9999);
    c->p = p;
    return sign == '+' ? mski_number_of(c, 6, 0, 999999) : -mski_number_of(c, 6, 1, 999999);
}

MISSKEY_API bool misskey_jstr_time(misskey_jstr date, int64_t *ms)
{
    const int64_t most = INT64_C(8640000000000000); /* ECMA-262, Time Values and Time Range */
    mski_clock c;
    int32_t year, month, day, hour, minute, second, rest;
    int64_t time;
    c.p = mski_bytes(date.ptr);
    c.end = c.p + date.len;
    c.ok = true;
    year = mski_year(&c);
    mski_expect(&c, '-');
    month = mski_number_of(&c, 2, 1, 12);
    mski_expect(&c, '-');
    day = mski_number_of(&c, 2, 1, 31);
    mski_expect(&c, 'T');
    hour = mski_number_of(&c, 2, 0, 23);
    mski_expect(&c, ':');
    minute = mski_number_of(&c, 2, 0, 59);
    mski_expect(&c, ':');
    second = mski_number_of(&c, 2, 0, 59);
    rest = mski_fraction(&c);
    mski_expect(&c, 'Z');
    if (!c.ok || c.p != c.end || day > mski_days_of_month(year, month)) return false;
    time = mski_days(year, month, day) * INT64_C(86400) + hour * INT32_C(3600) + minute * 60 + second;
    time = time * 1000 + rest;
    if (time < -most || time > most) return false;
    *ms = time;
    return true;
}

/* Value of a digit in the bases of ids; 255 = none. Crockford's base 32 leaves out I, L, O and U. */
static unsigned mski_id_digit(char c, unsigned base)
{
    static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    unsigned i;
    if (base == 32) {
        for (i = 0; i < 32; i++) if (crockford[i] == c) return i;
        return 255;
    }
    if (c >= '0' && c <= '9') return (unsigned)(c - '0');
    return c >= 'a' && (unsigned)(c - 'a') + 10 < base ? (unsigned)(c - 'a') + 10 : 255;
}

/* The first digits of an id as a number; -1 if anything in it is no digit. */
static int64_t mski_id_number(const char *id, size_t len, unsigned digits, unsigned base)
{
    int64_t n = 0;
    size_t i;
    for (i = 0; i < len; i++) {
        const unsigned digit = mski_id_digit(id[i], base);
        if (digit == 255) return -1;
        if (i < digits) n = n * (int64_t)base + (int64_t)digit;
    }
    return n;
}

MISSKEY_API bool misskey_id_time(misskey_jstr id, int64_t *ms)
{
    char text[28];
    const size_t len = misskey_jstr_copy(id, text, sizeof text);
    int64_t n = -1;
    if (len == 10 || len == 16) {                                       /* aid, aidx */
        n = mski_id_number(text, len, 8, 36);
        if (n >= 0) n += INT64_C(946684800000);
    } else if (len == 24 && text[0] == 'g') {                           /* meidg */
        n = mski_id_number(text + 1, 23, 11, 16);
    } else if (len == 24 && text[0] >= '8') {                           /* meid: the highest bit is always set */
        n = mski_id_number(text, len, 12, 16);
        if (n >= 0) n -= INT64_C(0x800000000000);
    } else if (len == 24) {                                             /* objectid */
        n = mski_id_number(text, len, 8, 16);
        if (n >= 0) n *= 1000;
    } else if (len == 26 && text[0] <= '7') {                           /* ulid */
        n = mski_id_number(text, len, 10, 32);
    }
    if (n < 0) return false;
    *ms = n;
    return true;
}

/* --- maps and lists --- */

MISSKEY_API bool misskey_reactions_next(misskey_iter *it, misskey_jstr *reaction, int64_t *count)
{
    if (!misskey_json_next(it)) return false;
    *reaction = it->key;
    *count = 0;
    misskey_json_i64(it->value, count);
    return true;
}

MISSKEY_API bool misskey_emojis_next(misskey_iter *it, misskey_jstr *name, misskey_jstr *url)
{
    do {
        if (!misskey_json_next(it)) return false;
        if (it->key.ptr != NULL) {
            *name = it->key;
            *url = misskey_json_str(it->value);
        } else {
            *name = misskey_json_str(misskey_json_get(it->value, "name"));
            *url = misskey_json_str(misskey_json_get(it->value, "url"));
        }
    } while (name->ptr == NULL || url->ptr == NULL);
    return true;
}

/* Peers choose the times: is the sum one? */
static bool mski_add(int64_t *sum, int64_t n)
{
    if (n < 0 ? *sum < INT64_MIN - n : *sum > INT64_MAX - n) return false;
    *sum += n;
    return true;
}

MISSKEY_API bool misskey_reversi_logs_next(misskey_iter *it, misskey_move *move)
{
    int64_t part[4];
    misskey_iter parts;
    unsigned i;
    if (!misskey_json_next(it)) return false;
    parts = misskey_json_iter(it->value);
    for (i = 0; i < 4; i++) if (!misskey_json_next(&parts) || !misskey_json_i64(parts.value, &part[i])) return false;
    if (part[2] != 0 || !mski_add(&move->time, part[0])) return false; /* 0 = put: there is no other operation */
    move->black = part[1] == 1;
    move->pos = part[3];
    return true;
}

/* --- reactions --- */

/* A reaction, for its normal form character by character. Colons and @ may be spelled with escapes. */
typedef struct mski_reaction {
    const uint8_t *p, *end;
    const uint8_t *colon;       /* :name: without a host: its last character; else NULL */
    const uint8_t *name, *at, *last; /* after the first character; the first @, or NULL; the last character */
    bool custom;                /* between colons */
    bool joined;                /* has U+200D: U+FE0F stays */
    bool dot;                   /* the @ of @. was given */
} mski_reaction;

static MSKI_NOINLINE mski_reaction mski_reaction_begin(misskey_jstr text)
{
    mski_reaction r;
    const uint8_t *p;
    uint8_t out[4];
    r.p = r.last = p = mski_bytes(text.ptr);
    r.end = p + text.len;
    r.name = r.at = NULL;
    r.custom = r.joined = r.dot = false;
    out[0] = 0;
    while (p < r.end) {
        unsigned n;
        r.last = p;
        n = mski_decode(&p, r.end, out);
        if (n == 3 && out[0] == 0xE2 && out[1] == 0x80 && out[2] == 0x8D) r.joined = true;
        if (r.name == NULL) {
            r.custom = out[0] == ':';
            r.name = p;
        }
        if (out[0] == '@' && r.at == NULL) r.at = r.last;
    }
    r.custom = r.custom && out[0] == ':' && r.last > r.name; /* :: has no name */
    r.colon = r.custom && r.at == NULL ? r.last : NULL;
    return r;
}

MISSKEY_API bool misskey_reaction_split(misskey_jstr reaction, misskey_jstr *name, misskey_jstr *host)
{
    mski_reaction r = mski_reaction_begin(reaction);
    uint8_t out[4];
    *name = reaction;
    *host = mski_no_jstr;
    if (!r.custom) return false;
    *name = mski_jstr(r.name, r.at == NULL ? r.last : r.at);
    if (r.at == NULL) return true;
    (void)mski_decode(&r.at, r.end, out);
    if (r.at < r.last) *host = mski_jstr(r.at, r.last);
    if (misskey_jstr_eq(*host, ".")) *host = mski_no_jstr;
    return true;
}

/* Returns the number of bytes; 0 at the end. */
static unsigned mski_reaction_next(mski_reaction *r, uint8_t out[4])
{
    unsigned n;
    do {
        if (r->p == r->end) return 0;
        if (r->p == r->colon) {
            out[0] = r->dot ? '.' : '@';
            if (r->dot) r->colon = NULL;
            r->dot = true;
            return 1;
        }
        n = mski_decode(&r->p, r->end, out);
    } while (!r->joined && n == 3 && out[0] == 0xEF && out[1] == 0xB8 && out[2] == 0x8F);
    return n;
}

MISSKEY_API size_t misskey_reaction_copy(misskey_jstr reaction, char *dst, size_t cap)
{
    mski_reaction r = mski_reaction_begin(reaction);
    mski_copy c = mski_copy_begin(dst, cap);
    uint8_t out[4];
    unsigned n;
    while ((n = mski_reaction_next(&r, out)) > 0) mski_copy_put(&c, out, n);
    return mski_copy_end(&c);
}

static MSKI_NOINLINE bool mski_reaction_same(mski_reaction *r, const mski_reaction *other)
{
    mski_reaction q;
    uint8_t x[4], y[4];
    unsigned n, i;
    q.p = other->p; /* one by one: small compilers call memcpy for a struct */
    q.end = other->end;
    q.colon = other->colon;
    q.joined = other->joined;
    q.dot = other->dot;
    do {
        n = mski_reaction_next(r, x);
        if (n != mski_reaction_next(&q, y)) return false;
        for (i = 0; i < n; i++) if (x[i] != y[i]) return false;
    } while (n > 0);
    return true;
}

MISSKEY_API bool misskey_reaction_eq(misskey_jstr a, misskey_jstr b)
{
    mski_reaction r, q;
    if (a.ptr == NULL || b.ptr == NULL) return false;
    r = mski_reaction_begin(a);
    q = mski_reaction_begin(b);
    return mski_reaction_same(&r, &q);
}

/* ================================================================================================================== */
/* MARK: - implementation: params                                                                      >>impl-params  */
/* ================================================================================================================== */

enum { MSKI_MUST, MSKI_MAY, MSKI_EITHER };

/* Room for the NUL is kept back, then it is written. */
static void mski_begin_text(misskey_jw *w, char *dst, size_t cap) { misskey_jw_init(w, dst, cap > 0 ? cap - 1 : 0); }

static misskey_err mski_end_text(const misskey_jw *w, size_t *len)
{
    misskey_json text;
    const misskey_err err = misskey_jw_done(w, &text);
    if (len != NULL) *len = w->len;
    if (err == MISSKEY_ERR_OK) w->dst[w->len] = 0;
    return err;
}

/* --- params of channels --- */

enum { MSKI_STR_PARAM, MSKI_FLAG_PARAM, MSKI_INT_PARAM, MSKI_TAGS_PARAM };

typedef struct mski_param { uint16_t at; uint8_t kind; } mski_param;

#define MISSKEY_X_(kind, member, name, unless) { (uint16_t)offsetof(misskey_params, member), MSKI_##kind##_PARAM },
#define MISSKEY_Y_(kind, member, name, unless) name "\0"
static const mski_param mski_params[] = { MISSKEY_PARAM_LIST(MISSKEY_X_, MISSKEY_X_, MISSKEY_X_) };
static const char mski_param_names[] = MISSKEY_PARAM_LIST(MISSKEY_Y_, MISSKEY_Y_, MISSKEY_Y_);
#undef MISSKEY_X_
#undef MISSKEY_Y_

#define MISSKEY_X_(kind, member, name, unless) MSKI_PARAM_##member,
enum { MISSKEY_PARAM_LIST(MISSKEY_X_, MISSKEY_X_, MISSKEY_X_) MSKI_PARAMS };
#undef MISSKEY_X_
typedef char mski_assert_params[MSKI_PARAMS <= 32 ? 1 : -1];

typedef struct mski_channel_param { uint8_t channel, param, need; } mski_channel_param;

#define MISSKEY_X_(channel, member, need, first, last) { MISSKEY_CHANNEL_##channel, MSKI_PARAM_##member, MSKI_##need },
static const mski_channel_param mski_channel_params[] = {
    MISSKEY_CHANNEL_PARAM_LIST(MISSKEY_X_, MSKI_OLD(MISSKEY_X_), MSKI_FORK(MISSKEY_X_))
};
#undef MISSKEY_X_

static bool mski_param_set(const misskey_params *params, unsigned i)
{
    const uint8_t *at;
    if (params == NULL) return false;
    at = (const uint8_t *)params + mski_params[i].at;
    switch (mski_params[i].kind) {
    case MSKI_STR_PARAM: return *(const char *const *)(const void *)at != NULL;
    case MSKI_FLAG_PARAM: return *(const misskey_flag *)(const void *)at != MISSKEY_DEFAULT;
    case MSKI_INT_PARAM: return *(const int64_t *)(const void *)at != 0;
    default: return ((const misskey_tags *)(const void *)at)->num > 0;
    }
}

/* An array of alternatives, each an array of tags. */
static void mski_put_tags(misskey_jw *w, const misskey_tags *tags)
{
    bool divided = true;
    size_t i;
    misskey_jw_open(w, '[');
    for (i = 0; i <= tags->num; i++) {
        const char *const tag = i < tags->num ? tags->tag[i] : NULL;
        if (tag == NULL && divided) mski_jw_fail(w, MISSKEY_ERR_BAD_ARG); /* no tag: it would match everything */
        if (tag == NULL) {
            misskey_jw_close(w);
        } else {
            if (divided) misskey_jw_open(w, '[');
            if (*tag == 0 || *tag == '#') mski_jw_fail(w, MISSKEY_ERR_BAD_ARG);
            misskey_jw_str(w, tag, MISSKEY_STRLEN(tag));
        }
        divided = tag == NULL;
    }
    misskey_jw_close(w);
}

static void mski_put_param(misskey_jw *w, const misskey_params *params, unsigned i)
{
    const void *const at = (const uint8_t *)params + mski_params[i].at;
    const char *text;
    misskey_jw_key(w, mski_nth(mski_param_names, i));
    switch (mski_params[i].kind) {
    case MSKI_STR_PARAM:
        text = *(const char *const *)at;
        if (*text == 0) mski_jw_fail(w, MISSKEY_ERR_BAD_ARG);
        misskey_jw_str(w, text, MISSKEY_STRLEN(text));
        break;
    case MSKI_FLAG_PARAM:
        if (*(const misskey_flag *)at > MISSKEY_NO) mski_jw_fail(w, MISSKEY_ERR_BAD_ARG);
        misskey_jw_bool(w, *(const misskey_flag *)at == MISSKEY_YES);
        break;
    case MSKI_INT_PARAM:
        misskey_jw_i64(w, *(const int64_t *)at);
        break;
    default:
        mski_put_tags(w, (const misskey_tags *)at);
        break;
    }
}

MISSKEY_API misskey_err misskey_params_write(misskey_channel_kind channel, const misskey_params *params, char *dst,
                                             size_t cap, size_t *len)
{
    misskey_jw w;
    uint32_t allowed = 0;
    unsigned either = 0, eithers = 0;
    size_t i;
    bool known = false;
    mski_begin_text(&w, dst, cap);
    for (i = 0; i < MSKI_COUNT(mski_channel_kinds); i++) known |= mski_channel_kinds[i].kind == (unsigned)channel;
    if (!known) mski_jw_fail(&w, MISSKEY_ERR_BAD_ARG);
    misskey_jw_open(&w, '{');
    for (i = 0; i < MSKI_COUNT(mski_channel_params); i++) {
        const mski_channel_param row = mski_channel_params[i];
        const bool set = mski_param_set(params, row.param);
        if (row.channel != (unsigned)channel) continue;
        allowed |= UINT32_C(1) << row.param;
        if (row.need == MSKI_EITHER) eithers++;
        if (row.need == MSKI_EITHER && set) either++;
        if (row.need == MSKI_MUST && !set) mski_jw_fail(&w, MISSKEY_ERR_BAD_ARG);
        if (set) mski_put_param(&w, params, row.param);
    }
    if (eithers > 0 && either != 1) mski_jw_fail(&w, MISSKEY_ERR_BAD_ARG);
    for (i = 0; i < MSKI_PARAMS; i++) {
        if ((allowed >> i & 1) == 0 && mski_param_set(params, (unsigned)i)) mski_jw_fail(&w, MISSKEY_ERR_BAD_ARG);
    }
    misskey_jw_close(&w);
    return mski_end_text(&w, len);
}

/* --- bodies of operations --- */

enum { MSKI_PART_id, MSKI_PART_key, MSKI_PART_text, MSKI_PART_value, MSKI_PART_number, MSKI_PART_yes };

typedef struct mski_body_part { uint8_t operation, part, need; } mski_body_part;

#define MISSKEY_X_(operation, part, need, name) { MISSKEY_OPERATION_##operation, MSKI_PART_##part, MSKI_##need },
#define MISSKEY_Y_(operation, part, need, name) name "\0"
static const mski_body_part mski_body_parts[] = {
    MISSKEY_BODY_PART_LIST(MISSKEY_X_, MSKI_OLD(MISSKEY_X_), MSKI_FORK(MISSKEY_X_))
};
static const char mski_body_names[] = MISSKEY_BODY_PART_LIST(MISSKEY_Y_, MSKI_OLD(MISSKEY_Y_), MSKI_FORK(MISSKEY_Y_));
#undef MISSKEY_X_
#undef MISSKEY_Y_

static const char *mski_part_text(const misskey_operation *o, unsigned part)
{
    switch (part) {
    case MSKI_PART_id: return o->id;
    case MSKI_PART_key: return o->key;
    case MSKI_PART_text: return o->text;
    default: return o->value;
    }
}

static bool mski_part_set(const misskey_operation *o, unsigned part)
{
    if (part == MSKI_PART_number) return o->number != 0;
    return part == MSKI_PART_yes ? o->yes : mski_part_text(o, part) != NULL;
}

static void mski_put_part(misskey_jw *w, const misskey_operation *o, const mski_body_part *row, const char *name)
{
    const char *const text = mski_part_text(o, row->part);
    if (row->need == MSKI_MAY && !mski_part_set(o, row->part)) return;
    if (*name != 0) misskey_jw_key(w, name);
    if (row->part == MSKI_PART_number) misskey_jw_i64(w, o->number);
    else if (row->part == MSKI_PART_yes) misskey_jw_bool(w, o->yes);
    else if (text == NULL) mski_jw_fail(w, MISSKEY_ERR_BAD_ARG);
    else if (row->part == MSKI_PART_value) misskey_jw_json(w, misskey_json_text(text));
    else misskey_jw_str(w, text, MISSKEY_STRLEN(text));
}

MISSKEY_API misskey_err misskey_operation_write(const misskey_operation *operation, char *dst, size_t cap, size_t *len)
{
    misskey_jw w;
    unsigned parts = 0, i;
    bool bare = false;
    size_t row;
    mski_begin_text(&w, dst, cap);
    if (*misskey_operation_name(operation->kind) == 0) mski_jw_fail(&w, MISSKEY_ERR_BAD_ARG);
    for (row = 0; row < MSKI_COUNT(mski_body_parts); row++) {
        if (mski_body_parts[row].operation != (unsigned)operation->kind) continue;
        bare |= *mski_nth(mski_body_names, row) == 0;
        parts |= 1u << mski_body_parts[row].part;
    }
    for (i = MSKI_PART_id; i <= MSKI_PART_yes; i++) {
        if ((parts >> i & 1) == 0 && mski_part_set(operation, i)) mski_jw_fail(&w, MISSKEY_ERR_BAD_ARG);
    }
    if (!bare) misskey_jw_open(&w, '{');
    for (row = 0; row < MSKI_COUNT(mski_body_parts); row++) {
        if (mski_body_parts[row].operation == (unsigned)operation->kind) {
            mski_put_part(&w, operation, &mski_body_parts[row], mski_nth(mski_body_names, row));
        }
    }
    if (!bare) misskey_jw_close(&w);
    return mski_end_text(&w, len);
}

/* ================================================================================================================== */
/* MARK: - implementation: url                                                                           >>impl-url  */
/* ================================================================================================================== */

static bool mski_alnum(char c)
{
    return (uint8_t)(c - '0') < 10 || (uint8_t)((c | 0x20) - 'a') < 26;
}

static bool mski_contains(const char *set, char c)
{
    while (*set != 0 && *set != c) set++;
    return *set == c && c != 0;
}

/* NUL-terminated text without control characters and spaces; not empty. path: without a fragment and without what is
   not ASCII. */
static bool mski_clean(const char *text, bool path)
{
    const uint8_t *p;
    for (p = mski_bytes(text); *p > ' ' && *p != 0x7F && !(path && (*p == '#' || *p > 0x7F)); p++) {}
    return *p == 0 && p != mski_bytes(text);
}

static bool mski_clean_path(const char *path)
{
    return path == NULL || (*path == '/' && mski_clean(path, true));
}

/* Moves past a decimal number. NULL: there is none, or it is above most. */
static const uint8_t *mski_decimal(const uint8_t *p, uint32_t most, uint32_t *n)
{
    const uint8_t *const first = p;
    for (*n = 0; (uint8_t)(*p - '0') < 10 && *n <= most; p++) *n = *n * 10 + (*p - '0');
    return p == first || *n > most ? NULL : p;
}

/* Moves past an IPv6 address and the bracket that closes it (RFC 3986 section 3.2.2); NULL: it is none. A zone is
   refused: it means nothing to the peer and must not be sent (RFC 6874 section 4). */
static const uint8_t *mski_ipv6(const uint8_t *p)
{
    unsigned groups = 0, digits, i;
    uint32_t octet;
    bool gap = false;
    for (;;) {
        if (p[0] == ':' && p[1] == ':') {
            if (gap) return NULL;
            gap = true;
            p += 2;
            if (*p == ']') break;
        } else if (groups > 0) {
            if (*p != ':') break;
            p++;
        }
        for (digits = 0; digits < 4 && mski_hex(p[digits]) < 16; digits++) {}
        if (digits == 0) return NULL;
        if (p[digits] != '.') {
            p += digits;
            groups++;
            continue;
        }
        for (i = 0; i < 4; i++) { /* the last two groups as an IPv4 address */
            if (i > 0 && *p++ != '.') return NULL;
            p = *p == '0' ? p + 1 : mski_decimal(p, 255, &octet);
            if (p == NULL) return NULL;
        }
        groups += 2;
        break;
    }
    return *p == ']' && (gap ? groups < 8 : groups == 8) ? p + 1 : NULL;
}

/* Moves past a host and its port: a name or an IPv4 address, or an IPv6 address in brackets; the port is 1 to 65535
   (RFC 9110 section 7.2). Stops at any byte that can be in neither, so the text needs no length; NULL: it is no host.
   idn: names may have bytes that are not ASCII. */
static const uint8_t *mski_host(const uint8_t *p, bool idn)
{
    const uint8_t *const name = p;
    uint32_t port;
    if (*p == '[') {
        p = mski_ipv6(p + 1);
        if (p == NULL) return NULL;
    } else {
        while (mski_alnum((char)*p) || mski_contains("-._~!$&'()*+,;=", (char)*p) || (idn && *p > 0x7F)) p++;
        if (p == name) return NULL;
    }
    if (*p != ':') return p;
    do p++; while (*p == '0');
    return mski_decimal(p, 65535, &port);
}

static bool mski_is_host(const char *host, bool idn)
{
    const uint8_t *const end = mski_host(mski_bytes(host), idn);
    return end != NULL && *end == 0 && (!idn || mski_utf8_valid(host, MISSKEY_STRLEN(host), false));
}

/* The path, and the token behind it with every byte encoded that is not unreserved (RFC 3986 section 2.3): servers
   decode the query as a form, where + is a space. */
static void mski_put_target(misskey_jw *w, const char *path, const char *token)
{
    static const char hex[] = "0123456789ABCDEF";
    if (path == NULL) path = "/streaming";
    mski_put_text(w, path);
    if (token == NULL) return;
    mski_put_text(w, mski_contains(path, '?') ? "&i=" : "?i=");
    for (; *token != 0; token++) {
        char text[3];
        text[0] = '%';
        text[1] = hex[(uint8_t)*token >> 4];
        text[2] = hex[(uint8_t)*token & 15];
        if (mski_alnum(*token) || mski_contains("-_.~", *token)) mski_put_char(w, *token);
        else mski_put(w, text, 3);
    }
}

MISSKEY_API misskey_err misskey_url_write(const misskey_url *url, char *dst, size_t cap, size_t *len)
{
    const char *p;
    misskey_jw w;
    if (len != NULL) *len = 0;
    if (!mski_is_host(url->host, true) || !mski_clean_path(url->path)) return MISSKEY_ERR_BAD_ARG;
    if (url->token != NULL && *url->token == 0) return MISSKEY_ERR_BAD_ARG;
    if (url->cache_buster != NULL) {
        for (p = url->cache_buster; mski_alnum(*p); p++) {}
        if (*p != 0 || p == url->cache_buster) return MISSKEY_ERR_BAD_ARG;
    }
    misskey_jw_init(&w, dst, cap);
    mski_put_text(&w, url->plain ? "ws://" : "wss://");
    mski_put_text(&w, url->host);
    mski_put_target(&w, url->path, url->token);
    if (url->cache_buster != NULL) {
        const bool query = url->token != NULL || (url->path != NULL && mski_contains(url->path, '?'));
        mski_put_text(&w, query ? "&_t=" : "?_t=");
        mski_put_text(&w, url->cache_buster);
    }
    if (len != NULL) *len = w.len;
    mski_put_char(&w, 0);
    return w.len > cap ? MISSKEY_ERR_TOO_SMALL : MISSKEY_ERR_OK;
}

/* ================================================================================================================== */
/* MARK: - implementation: SHA-1 and base64                                                              >>impl-sha1  */
/* ================================================================================================================== */

static uint32_t mski_rotate(uint32_t v, unsigned n) { return v << n | v >> (32 - n); }

/* One 64-byte block, given as words; the schedule is made in place (FIPS 180-4 section 6.1.3). */
static void mski_sha1_block(uint32_t h[5], uint32_t w[16])
{
    static const uint32_t k[4] = { 0x5A827999u, 0x6ED9EBA1u, 0x8F1BBCDCu, 0xCA62C1D6u };
    uint32_t v[5], f, next;
    unsigned i, stage;
    for (i = 0; i < 5; i++) v[i] = h[i];
    for (i = 0, stage = 0; i < 80; i++) {
        uint32_t *const word = &w[i & 15];
        if (i == 20 || i == 40 || i == 60) stage++;
        if (i >= 16) *word = mski_rotate(w[(i + 13) & 15] ^ w[(i + 8) & 15] ^ w[(i + 2) & 15] ^ *word, 1);
        if (stage == 0) f = v[3] ^ (v[1] & (v[2] ^ v[3]));
        else if (stage == 2) f = (v[1] & v[2]) | (v[3] & (v[1] | v[2]));
        else f = v[1] ^ v[2] ^ v[3];
        next = mski_rotate(v[0], 5) + f + v[4] + k[stage] + *word;
        v[4] = v[3];
        v[3] = v[2];
        v[2] = mski_rotate(v[1], 30);
        v[1] = v[0];
        v[0] = next;
    }
    for (i = 0; i < 5; i++) h[i] += v[i];
}

static void mski_base64(const uint8_t *src, size_t n, uint8_t *dst)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (; n > 0; src += 3, dst += 4) {
        const unsigned b = n > 1 ? src[1] : 0, c = n > 2 ? src[2] : 0;
        dst[0] = (uint8_t)digits[src[0] >> 2];
        dst[1] = (uint8_t)digits[(src[0] & 3u) << 4 | b >> 4];
        dst[2] = n > 1 ? (uint8_t)digits[(b & 15) << 2 | c >> 6] : '=';
        dst[3] = n > 2 ? (uint8_t)digits[c & 63] : '=';
        n -= n > 3 ? 3 : n;
    }
}

/* Sec-WebSocket-Accept for a key: base64(SHA-1(key + GUID)), RFC 6455 section 4.2.2. The hashed text has always 60
   bytes, so it is two blocks: padding and bit length (480) have fixed places. */
static void mski_accept_key(const uint8_t key[24], uint8_t accept[28])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    static const uint32_t initial[5] = { 0x67452301u, 0xEFCDAB89u, 0x98BADCFEu, 0x10325476u, 0xC3D2E1F0u };
    uint32_t h[5], w[16];
    uint8_t digest[20];
    unsigned i;
    MISSKEY_MEMCPY(h, initial, sizeof h);
    for (i = 0; i < 64; i++) {
        const unsigned byte = i < 24 ? key[i] : i < 60 ? (uint8_t)guid[i - 24] : i == 60 ? 0x80 : 0;
        w[i >> 2] = (i & 3) == 0 ? byte : w[i >> 2] << 8 | byte;
    }
    mski_sha1_block(h, w);
    MISSKEY_MEMSET(w, 0, sizeof w);
    w[15] = 480;
    mski_sha1_block(h, w);
    for (i = 0; i < 20; i++) digest[i] = (uint8_t)(h[i >> 2] >> (24 - 8 * (i & 3)));
    mski_base64(digest, sizeof digest, accept);
}

/* ================================================================================================================== */
/* MARK: - implementation: send memory                                                                     >>impl-tx  */
/* ================================================================================================================== */

enum { /* state_ */
    MSKI_IDLE,              /* no transport, or CLOSED was given */
    MSKI_HEAD,              /* reading the peer's HTTP head */
    MSKI_ASK,               /* server: the application has to accept or reject */
    MSKI_OPENING,           /* server: accepted, OPEN is due */
    MSKI_OPEN,
    MSKI_CLOSING,           /* our Close is sent, the peer's is awaited */
    MSKI_ENDING             /* nothing is read any more; CLOSED follows when tx has left */
};

enum { /* flags_ */
    MSKI_EOF = 1,           /* the transport has ended */
    MSKI_WORK = 2,          /* poll has something to do */
    MSKI_OUT = 4,           /* an event with views into rx was given */
    MSKI_SECRET = 8,        /* tx holds the request with the token */
    MSKI_PONG = 0x10,       /* ctrl_ is a pong that waits for room */
    MSKI_PINGED = 0x20,     /* own ping sent at since_, nothing heard yet */
    MSKI_FRAME = 0x40,      /* within a frame */
    MSKI_MESSAGE = 0x80,    /* within a message */
    MSKI_BINARY = 0x100,    /* ... which is binary */
    MSKI_SKIP = 0x200,      /* ... which is larger than rx */
    MSKI_WHOLE = 0x400,     /* ... which was complete at first sight: UTF-8 is checked at the end, with the JSON if
                               possible */
    MSKI_REASON = 0x800,    /* ctrl_ is the peer's valid Close */
    MSKI_STARTED = 0x1000,  /* head: start line seen */
    MSKI_LONG = 0x2000,     /* head: within a line that is larger than rx */
    MSKI_MISFIT = 0x4000,   /* head: something makes the upgrade impossible */
    MSKI_VERSION = 0x8000   /* head: a WebSocket version other than 13 */
};

static bool mski_is_server(const misskey_ws *ws)
{
#if MISSKEY_NO_SERVER
    (void)ws; /* the compiler drops what only a server does */
    return false;
#else
    return ws->d_.server;
#endif
}

static bool mski_is_wide(const misskey_ws *ws)
{
#if MSKI_WIDE
    return ws->wide_;
#else
    (void)ws;
    return false;
#endif
}

static bool mski_has(const misskey_ws *ws, unsigned flag) { return (ws->flags_ & flag) != 0; }
static void mski_set(misskey_ws *ws, unsigned flags) { ws->flags_ = (uint16_t)(ws->flags_ | flags); }
static void mski_clear(misskey_ws *ws, unsigned flags) { ws->flags_ = (uint16_t)(ws->flags_ & ~flags); }

#define MSKI_CONTROL_MAX 131u /* largest control frame: header 2, mask 4, payload 125 (RFC 6455 section 5.5) */
#define MSKI_CLOSE_MIN 8u     /* a Close with a code and no reason: header 2, mask 4, payload 2 */

/* What a pong leaves free in tx, so that a Close never waits: room for the largest one, as messages do, or in the
   smallest tx what the largest pong leaves, which is more than MSKI_CLOSE_MIN. */
static size_t mski_close_room(const misskey_ws *ws)
{
    const size_t rest = ws->d_.tx.size - MSKI_CONTROL_MAX;
    return rest < MSKI_CONTROL_MAX ? rest : MSKI_CONTROL_MAX;
}

#if MSKI_FAST
/* The key from some byte of the payload on, as it is in memory. */
static inline uint32_t mski_key(const uint8_t mask[4], size_t at)
{
    const uint64_t twice = mski_four(mask) * UINT64_C(0x100000001);
    uint8_t bytes[8];
    MISSKEY_MEMCPY(bytes, &twice, 8);
    return mski_four(bytes + (at & 3));
}
#endif

#if MSKI_VECTOR
static inline mski_vector mski_key_vector(const uint8_t mask[4], size_t at)
{
#if defined(__SSE2__)
    return _mm_set1_epi32((int)mski_key(mask, at));
#else
    return vreinterpretq_s8_u32(vdupq_n_u32(mski_key(mask, at)));
#endif
}

/* At least 16 bytes. Stores across lines of the cache are slow, so the steps between the first and the last begin where
   dst is aligned. These two overlap the others: they are made before, and stored behind them. */
static void mski_mask_steps(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t mask[4], size_t phase)
{
    const mski_vector first = mski_xor(mski_load(src), mski_key_vector(mask, phase));
    const mski_vector last = mski_xor(mski_load(src + n - 16), mski_key_vector(mask, phase + n));
    size_t i = (0 - (size_t)(uintptr_t)dst) & 15;
    const mski_vector k = mski_key_vector(mask, phase + i);
    for (; i + 64 <= n; i += 64) {
        const mski_vector a = mski_load(src + i), b = mski_load(src + i + 16);
        const mski_vector c = mski_load(src + i + 32), d = mski_load(src + i + 48);
        mski_save(dst + i, mski_xor(a, k));
        mski_save(dst + i + 16, mski_xor(b, k));
        mski_save(dst + i + 32, mski_xor(c, k));
        mski_save(dst + i + 48, mski_xor(d, k));
    }
    for (; i + 16 <= n; i += 16) mski_save(dst + i, mski_xor(mski_load(src + i), k));
    mski_save(dst, first);
    mski_save(dst + n - 16, last);
}
#endif

/* dst and src may be the same, or dst lower. phase: how many bytes of the payload came before. */
static void mski_mask(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t mask[4], unsigned phase)
{
    size_t i = 0;
#if MSKI_VECTOR
    if (n >= 16) {
        mski_mask_steps(dst, src, n, mask, phase);
        return;
    }
#endif
#if MSKI_FAST
    {
        const uint64_t k = mski_key(mask, phase) * UINT64_C(0x100000001);
        for (; n - i >= 8; i += 8) {
            const uint64_t v = mski_eight(src + i) ^ k;
            MISSKEY_MEMCPY(dst + i, &v, 8);
        }
    }
#endif
    for (; i < n; i++) dst[i] = (uint8_t)(src[i] ^ mask[(phase + i) & 3]);
}

static uint8_t *mski_tx(const misskey_ws *ws) { return (uint8_t *)ws->d_.tx.ptr; }

static size_t mski_tx_free(const misskey_ws *ws) { return ws->d_.tx.size - (ws->tx_end_ - ws->tx_); }

static void mski_tx_drop(misskey_ws *ws)
{
    if (mski_has(ws, MSKI_SECRET)) MISSKEY_MEMSET(mski_tx(ws), 0, ws->d_.tx.size);
    mski_clear(ws, MSKI_SECRET);
    ws->tx_ = ws->tx_end_ = ws->tx_rest_ = 0;
}

/* A phase with a time limit begins. Its clock starts with the next tick, as the last one may be long ago. */
static void mski_start_clock(misskey_ws *ws)
{
    ws->since_ = ws->now_;
    ws->fresh_ = true;
}

/* Nothing leaves any more. What is still in tx stays to be counted, but for the token. */
static void mski_cut(misskey_ws *ws)
{
    if (mski_has(ws, MSKI_SECRET)) mski_tx_drop(ws);
    mski_set(ws, MSKI_EOF | MSKI_WORK);
}

/* The connection is over without a word to the peer. */
static void mski_die(misskey_ws *ws, misskey_err err)
{
    mski_cut(ws);
    ws->err_ = (uint8_t)err;
    ws->state_ = MSKI_ENDING;
}

/* Place for n bytes behind what is queued; the caller knows that so many are free. */
static uint8_t *mski_tx_room(misskey_ws *ws, size_t n)
{
    uint8_t *const tx = mski_tx(ws);
    if (ws->d_.tx.size - ws->tx_end_ < n) {
        ws->tx_end_ -= ws->tx_;
        MISSKEY_MEMMOVE(tx, tx + ws->tx_, ws->tx_end_);
        ws->tx_ = 0;
    }
    return tx + ws->tx_end_;
}

static size_t mski_header_size(const misskey_ws *ws, size_t len)
{
    return (len < 126 ? 2u : len < 65536 ? 4u : 10u) + (mski_is_server(ws) ? 0u : 4u);
}

/* Where the payload of the next frame belongs. */
static uint8_t *mski_tx_payload(misskey_ws *ws, size_t len)
{
    return mski_tx_room(ws, mski_header_size(ws, len) + len) + mski_header_size(ws, len);
}

/* Puts a header before len bytes of payload at src, which may be in their final place already, and queues both (RFC
   6455 section 5.2). False: entropy failed, the connection is dead. */
static bool mski_send_frame(misskey_ws *ws, unsigned op, const uint8_t *src, size_t len)
{
    const size_t header = mski_header_size(ws, len);
    uint8_t *p = mski_tx_room(ws, header + len);
    unsigned shift;
    *p++ = (uint8_t)(0x80 | op);
    *p++ = (uint8_t)((mski_is_server(ws) ? 0 : 0x80) | (len < 126 ? len : len < 65536 ? 126u : 127u));
    if (len >= 126) {
        for (shift = len < 65536 ? 16 : 64; shift > 0; shift -= 8) *p++ = (uint8_t)((uint64_t)len >> (shift - 8));
    }
    if (!mski_is_server(ws)) {
        if (!ws->d_.entropy(ws->d_.user, p, 4)) {
            mski_die(ws, MISSKEY_ERR_ENTROPY);
            return false;
        }
        mski_mask(p + 4, src, len, p, 0);
    } else if (p != src && len > 0) {
        MISSKEY_MEMCPY(p, src, len);
    }
    ws->tx_end_ += header + len;
    return true;
}

/* A ping or pong, if there is room beside the reserve of the Close. */
static bool mski_send_control(misskey_ws *ws, unsigned op, const uint8_t *payload, size_t len)
{
    if (mski_tx_free(ws) < mski_header_size(ws, len) + len + mski_close_room(ws)) return false;
    return mski_send_frame(ws, op, payload, len);
}

/* Pings whose pong proves that nothing sent before it was lost. The length of the payload tells their pongs apart from
   each other and from those of the empty pings that ask whether the peer is there. */
#define MSKI_PROBES 15u         /* probe_: length of the last one's payload, 1 to 15 */
#define MSKI_PROVEN 0x80u       /* probe_: its pong has come */

static bool mski_probe(misskey_ws *ws)
{
    static const uint8_t zeros[MSKI_PROBES] = { 0 };
    const uint8_t len = (uint8_t)((ws->probe_ & MSKI_PROBES) == MSKI_PROBES ? 1 : (ws->probe_ & MSKI_PROBES) + 1);
    if (!mski_send_control(ws, 9, zeros, len)) return false;
    ws->probe_ = len;
    return true;
}

static void mski_flush_pong(misskey_ws *ws)
{
    if (!mski_has(ws, MSKI_PONG)) return;
    if (ws->state_ == MSKI_OPEN && !mski_send_control(ws, 10, ws->in_.ctrl, ws->ctrl_len_)) return;
    mski_clear(ws, MSKI_PONG);
}

/* Our Close. code 0 or 1005: without a body. The reason is left out where a pong has taken its room. */
static void mski_send_close(misskey_ws *ws, unsigned code, const char *reason, size_t len)
{
    uint8_t *p;
    mski_start_clock(ws);
    len = code == 0 || code == 1005 ? 0 : len + 2;
    if (mski_tx_free(ws) < mski_header_size(ws, len) + len) len = 2;
    if (mski_tx_free(ws) < MSKI_CLOSE_MIN) { /* tx is still full of the upgrade request: as before OPEN, it just ends */
        mski_cut(ws);
        return;
    }
    p = mski_tx_payload(ws, len);
    if (len > 0) {
        p[0] = (uint8_t)(code >> 8);
        p[1] = (uint8_t)code;
    }
    if (len > 2) MISSKEY_MEMCPY(p + 2, reason, len - 2);
    (void)mski_send_frame(ws, 8, p, len);
}

/* The peer did something wrong: say so with a Close, unless ours is out already, and read no further. */
static void mski_fail_peer(misskey_ws *ws, misskey_err err, unsigned code)
{
    if (ws->state_ == MSKI_OPEN) {
        ws->code_ = (uint16_t)code;
        mski_send_close(ws, code, NULL, 0);
    }
    if (ws->err_ != MISSKEY_ERR_ENTROPY) ws->err_ = (uint8_t)err;
    ws->state_ = MSKI_ENDING;
    mski_set(ws, MSKI_WORK);
}

/* ================================================================================================================== */
/* MARK: - implementation: HTTP head                                                                     >>impl-head  */
/* ================================================================================================================== */

/* The head is read line by line. A line is dropped as soon as it is understood; the few values that an event needs are
   moved together at the beginning of rx. So any head passes through 256 bytes, as long as the lines that matter fit. */

enum { MSKI_MORE, MSKI_AGAIN, MSKI_EVENT }; /* of a parsing step: needs bytes, can go on, gave an event */

enum { /* kept_ */
    MSKI_KEPT_REASON = 0, MSKI_KEPT_LOCATION = 1,                          /* client */
    MSKI_KEPT_TARGET = 0, MSKI_KEPT_TOKEN = 1, MSKI_KEPT_PROTOCOLS = 2     /* server */
};

enum { /* names of headers, in the order of mski_header_id. Those before UPGRADE begin with Sec-WebSocket-. Up to
          TRANSFER_ENCODING they are the library's own, but for PROTOCOL */
    MSKI_ACCEPT, MSKI_EXTENSIONS, MSKI_PROTOCOL, MSKI_KEY, MSKI_WS_VERSION, MSKI_WS_OTHER,
    MSKI_UPGRADE, MSKI_CONNECTION, MSKI_HOST, MSKI_AUTHORIZATION, MSKI_CONTENT_LENGTH, MSKI_TRANSFER_ENCODING,
    MSKI_USER_AGENT, MSKI_RETRY_AFTER, MSKI_LOCATION, MSKI_DATE, MSKI_OTHER, MSKI_NO_HEADER
};

#define MSKI_HEAD_MAX 65536u /* bytes of a whole head */
#define MSKI_LINE_ROOM 128u  /* what the kept values leave free for a line */
#define MSKI_SEEN(id) (1u << (id)) /* bit of a header in seen */
#define MSKI_RETRY_UNKNOWN 60u     /* seconds to wait where Retry-After is not understood */
#define MSKI_RETRY_MAX 100000000u  /* seconds; above it digits are ignored */

/* What an upgrade needs. */
#define MSKI_NEEDED_ANSWER (MSKI_SEEN(MSKI_UPGRADE) | MSKI_SEEN(MSKI_CONNECTION) | MSKI_SEEN(MSKI_ACCEPT))
#define MSKI_NEEDED_REQUEST (MSKI_SEEN(MSKI_UPGRADE) | MSKI_SEEN(MSKI_CONNECTION) | MSKI_SEEN(MSKI_KEY) | \
                             MSKI_SEEN(MSKI_WS_VERSION) | MSKI_SEEN(MSKI_HOST))

/* What must not be lost because rx is too small for it. */
#define MSKI_JUDGED_ANSWER (MSKI_NEEDED_ANSWER | MSKI_SEEN(MSKI_EXTENSIONS) | MSKI_SEEN(MSKI_PROTOCOL))
#define MSKI_JUDGED_REQUEST (MSKI_NEEDED_REQUEST | MSKI_SEEN(MSKI_PROTOCOL) | MSKI_SEEN(MSKI_AUTHORIZATION) | \
                             MSKI_SEEN(MSKI_CONTENT_LENGTH) | MSKI_SEEN(MSKI_TRANSFER_ENCODING))

static uint8_t *mski_rx(const misskey_ws *ws) { return (uint8_t *)ws->d_.rx.ptr; }

/* Is p..end the same as text..text_end? fold: whatever the case; text is then in lower case. */
static bool mski_same_text(const uint8_t *p, const uint8_t *end, const uint8_t *text, const uint8_t *text_end,
                           bool fold)
{
    for (; p < end && text < text_end; p++, text++) {
        const unsigned c = fold && *p >= 'A' && *p <= 'Z' ? *p + 32u : *p;
        if (c != *text) return false;
    }
    return p == end && text == text_end;
}

static bool mski_is(const uint8_t *p, const uint8_t *end, const char *text, bool fold)
{
    return mski_same_text(p, end, mski_bytes(text), mski_bytes(text) + MISSKEY_STRLEN(text), fold);
}

static const uint8_t *mski_until(const uint8_t *p, const uint8_t *end, uint8_t c)
{
    while (p < end && *p != c) p++;
    return p;
}

static const uint8_t *mski_trim_left(const uint8_t *p, const uint8_t *end)
{
    while (p < end && (*p == ' ' || *p == '\t')) p++;
    return p;
}

static const uint8_t *mski_trim_right(const uint8_t *p, const uint8_t *end)
{
    while (p < end && (end[-1] == ' ' || end[-1] == '\t')) end--;
    return end;
}

enum { MSKI_LIST_HAS = 1, MSKI_LIST_OTHER = 2 };

/* What a comma-separated list has: the token, other elements. Empty ones do not count (RFC 9110 section 5.6.1.2). */
static unsigned mski_list(const uint8_t *p, const uint8_t *end, const uint8_t *token, const uint8_t *token_end,
                          bool fold)
{
    unsigned has = 0;
    while (p <= end) {
        const uint8_t *const comma = mski_until(p, end, ',');
        p = mski_trim_left(p, comma);
        if (mski_same_text(p, mski_trim_right(p, comma), token, token_end, fold)) has |= MSKI_LIST_HAS;
        else if (p < comma) has |= MSKI_LIST_OTHER;
        p = comma + 1;
    }
    return has;
}

static unsigned mski_list_text(const uint8_t *p, const uint8_t *end, const char *token)
{
    return mski_list(p, end, mski_bytes(token), mski_bytes(token) + MISSKEY_STRLEN(token), true);
}

/* Characters of a token (RFC 9110 section 5.6.2). */
static bool mski_token_char(uint8_t c)
{
    return mski_alnum((char)c) || mski_contains("!#$%&'*+-.^_`|~", (char)c);
}

static unsigned mski_header_id(const uint8_t *p, const uint8_t *end)
{
    static const char after_prefix[] = "accept\0extensions\0protocol\0key\0version";
    static const char others[] = "upgrade\0connection\0host\0authorization\0content-length\0transfer-encoding\0"
                                 "user-agent\0retry-after\0location\0date";
    const char *name = others;
    unsigned id = MSKI_UPGRADE, last = MSKI_OTHER;
    if (end - p >= 14 && mski_is(p, p + 14, "sec-websocket-", true)) {
        p += 14;
        name = after_prefix;
        id = MSKI_ACCEPT;
        last = MSKI_WS_OTHER;
    }
    for (; id < last && !mski_is(p, end, name, true); id++) name += MISSKEY_STRLEN(name) + 1;
    return id;
}

/* May an event show this text? UTF-8 without control characters: C0, DEL, and C1, which are U+0080 to U+009F. */
static bool mski_is_shown(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *q;
    for (q = p; q < end; q++) {
        if (*q < ' ' || *q == 0x7F || (*q == 0xC2 && q + 1 < end && q[1] < 0xA0)) return false;
    }
    return mski_utf8_valid(p, (size_t)(end - p), false);
}

/* The next character of a text that may be percent-encoded, even several times: a %, any number of 25, two digits.
   percent: a % is looked for, so no digits belong to it. */
static unsigned mski_unescaped(const uint8_t **text, const uint8_t *end, bool percent)
{
    const uint8_t *p = *text;
    unsigned c = *p++;
    if (c == '%') {
        while (end - p >= 2 && p[0] == '2' && p[1] == '5') p += 2;
        if (!percent && end - p >= 2 && (mski_hex(p[0]) | mski_hex(p[1])) < 16) {
            c = mski_hex(p[0]) << 4 | mski_hex(p[1]);
            p += 2;
        }
    }
    *text = p;
    return c;
}

/* Does the token of the request begin in p..cut, in any spelling? Proxies repeat what they were asked in reasons and
   addresses. In a form, + stands for a space. */
static bool mski_echoes(const misskey_ws *ws, const uint8_t *p, const uint8_t *cut, const uint8_t *end)
{
    const uint8_t *const token = mski_bytes(ws->d_.token);
    const uint8_t *const token_end = token + MISSKEY_STRLEN((const char *)token);
    for (; token < token_end && p < cut; p++) {
        const uint8_t *q = p, *t = token;
        unsigned want = 0, c = 0;
        while (c == want && t < token_end && q < end) {
            want = mski_unescaped(&t, token_end, false);
            c = mski_unescaped(&q, end, want == '%');
            if (want == '+' && c == ' ') c = want;
        }
        if (c == want && t == token_end) return true;
    }
    return false;
}

/* Moves a value to the others at the beginning of rx. False: not enough room beside them. */
static bool mski_keep(misskey_ws *ws, unsigned slot, const uint8_t *p, const uint8_t *end)
{
    const size_t len = (size_t)(end - p);
    if (ws->msg_len_ + len + MSKI_LINE_ROOM > ws->d_.rx.size) return false;
    MISSKEY_MEMMOVE(mski_rx(ws) + ws->msg_len_, p, len);
    ws->in_.head.kept[slot].at = (uint32_t)ws->msg_len_ + 1; /* 0 = missing */
    ws->in_.head.kept[slot].len = (uint32_t)len;
    ws->msg_len_ += len;
    return true;
}

static void mski_see(misskey_ws *ws, unsigned id)
{
    ws->in_.head.seen = (uint16_t)(ws->in_.head.seen | MSKI_SEEN(id));
}

static misskey_str mski_kept(const misskey_ws *ws, unsigned slot)
{
    misskey_str s = mski_no_str;
    if (ws->in_.head.kept[slot].at == 0) return s;
    s.ptr = (const char *)mski_rx(ws) + ws->in_.head.kept[slot].at - 1;
    s.len = ws->in_.head.kept[slot].len;
    return s;
}

#if !MISSKEY_NO_SERVER
/* Answers a request with a status and ends. */
static void mski_refuse(misskey_ws *ws, misskey_err err, unsigned status, const char *phrase, const char *headers)
{
    misskey_jw w;
    misskey_jw_init(&w, (char *)mski_tx(ws), ws->d_.tx.size);
    mski_put_text(&w, "HTTP/1.1 ");
    mski_put_number(&w, status);
    mski_put_text(&w, phrase);
    mski_put_text(&w, headers);
    mski_put_text(&w, "Connection: close\r\nContent-Length: 0\r\n\r\n");
    ws->tx_ = 0;
    ws->tx_end_ = ws->tx_rest_ = w.len;
    ws->code_ = (uint16_t)status;
    ws->err_ = (uint8_t)err;
    ws->state_ = MSKI_ENDING;
    mski_start_clock(ws);
}
#endif

static void mski_fail_head(misskey_ws *ws, misskey_err err)
{
#if !MISSKEY_NO_SERVER
    if (mski_is_server(ws)) {
        mski_refuse(ws, err, 400, " Bad Request\r\n", "");
        return;
    }
#endif
    ws->code_ = 0;
    mski_die(ws, err);
}

static void mski_start_frames(misskey_ws *ws)
{
    ws->state_ = MSKI_OPEN;
    ws->code_ = 1006;
    ws->heard_ = ws->now_;
    mski_clear(ws, ~(unsigned)(MSKI_EOF | MSKI_WORK | MSKI_SECRET));
    ws->msg_len_ = 0;
    ws->left_ = ws->total_ = 0;
}

/* Can c stand at this place of a status line, or of the version of a request? Any minor version will do, and status 100
   and above. */
static bool mski_version_byte(unsigned i, uint8_t c)
{
    static const char form[] = "HTTP/1.0 100";
    return i < 7 || i == 8 ? c == (uint8_t)form[i] : c >= (uint8_t)form[i] && c <= '9';
}

/* --- client --- */

/* Keeps p..cut for CLOSED, unless it is not to be shown or the token begins there. */
static void mski_keep_text(misskey_ws *ws, unsigned slot, const uint8_t *p, const uint8_t *cut, const uint8_t *end)
{
    if (mski_is_shown(p, cut) && !mski_echoes(ws, p, cut, end)) (void)mski_keep(ws, slot, p, cut);
}

/* Its bytes have been checked. */
static bool mski_status_line(misskey_ws *ws, const uint8_t *p, const uint8_t *end)
{
    if (end - p < 12) return false;
    ws->code_ = (uint16_t)((p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0'));
    if (end - p > 13 && ws->code_ >= 200) mski_keep_text(ws, MSKI_KEPT_REASON, p + 13, end, end);
    return true;
}

static unsigned mski_extra_id(const misskey_header *h)
{
    return mski_header_id(mski_bytes(h->name), mski_bytes(h->name) + MISSKEY_STRLEN(h->name));
}

static bool mski_offered(const misskey_ws *ws, const uint8_t *p, const uint8_t *end)
{
    size_t i;
    for (i = 0; i < ws->d_.num_headers; i++) {
        const misskey_header *const h = &ws->d_.headers[i];
        const uint8_t *const list = mski_bytes(h->value);
        if (mski_extra_id(h) == MSKI_PROTOCOL && p < end &&
            (mski_list(list, list + MISSKEY_STRLEN(h->value), p, end, false) & MSKI_LIST_HAS) != 0) {
            return true;
        }
    }
    return false;
}

enum { MSKI_NO_TIME, MSKI_TIME, MSKI_TIME_SHORT, MSKI_SECONDS }; /* SHORT: the year has two digits */

/* A time of HTTP in seconds since 1970, moved into the years 1970 to 2105. All three forms (RFC 9110 section 5.6.7)
   have the name of a month, and day, year and time of day in this order; where the month comes first, the year is last.
   */
static unsigned mski_http_date(const uint8_t *p, const uint8_t *end, uint32_t *seconds)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    uint32_t n[5], year;
    const uint32_t *clock = n + 2;
    unsigned count = 0, month = 0, form, i;
    while (p < end) {
        if ((uint8_t)(*p - '0') < 10) {
            if (count == 0 && month > 0) clock = n + 1;
            p = count < 5 ? mski_decimal(p, 9999, &n[count++]) : NULL;
            if (p == NULL) return MSKI_NO_TIME;
        } else {
            for (i = 0; i < 12; i++) if (mski_equal(p, months + 3 * i, 3)) month = i + 1;
            p++;
        }
    }
    if (count < 5 || month == 0 || n[0] - 1 > 30) return MSKI_NO_TIME;
    if (clock[0] > 23 || clock[1] > 59 || clock[2] > 60) return MSKI_NO_TIME;
    year = clock == n + 1 ? n[4] : n[1];
    form = year < 100 ? MSKI_TIME_SHORT : MSKI_TIME;
    year = year < 100 ? year + 2000 : year < 1970 ? 1970 : year > 2105 ? 2105 : year;
    *seconds = (uint32_t)mski_days((int32_t)year, (int32_t)month, (int32_t)n[0]) * 86400u + clock[0] * 3600u +
               clock[1] * 60u + clock[2];
    return form;
}

/* How long Retry-After asks to wait, in seconds. What the clock of the server shows is in Date. */
static uint32_t mski_retry_after(const misskey_ws *ws)
{
    const uint32_t retry = ws->in_.head.retry, date = ws->in_.head.date;
    const unsigned form = ws->in_.head.retry_form;
    if ((ws->in_.head.seen & MSKI_SEEN(MSKI_RETRY_AFTER)) == 0) return 0;
    if (form == MSKI_SECONDS) return retry;
    if (form == MSKI_NO_TIME || ws->in_.head.date_form == MSKI_NO_TIME) return MSKI_RETRY_UNKNOWN;
    /* A year of two digits that seems more than 50 years ahead is past: RFC 9110 section 5.6.7. */
    if (retry <= date || (form == MSKI_TIME_SHORT && retry - date > UINT32_C(50) * 31556952)) return 0;
    return retry - date;
}

/* Retry-After, Date and Location of a refusal. */
static void mski_refusal_header(misskey_ws *ws, unsigned id, const uint8_t *p, const uint8_t *end)
{
    const uint8_t *q = p;
    if (id == MSKI_LOCATION) {
        mski_keep_text(ws, MSKI_KEPT_LOCATION, p, mski_until(p, end, '?'), end);
    } else if (id == MSKI_DATE) {
        ws->in_.head.date_form = (uint8_t)mski_http_date(p, end, &ws->in_.head.date);
    } else if (id == MSKI_RETRY_AFTER) {
        while (q < end && (uint8_t)(*q - '0') < 10) q++;
        if (q < end || q == p) {
            ws->in_.head.retry_form = (uint8_t)mski_http_date(p, end, &ws->in_.head.retry);
        } else {
            ws->in_.head.retry_form = MSKI_SECONDS;
            (void)mski_decimal(p, MSKI_RETRY_MAX, &ws->in_.head.retry); /* more digits do not count */
        }
        mski_see(ws, id);
    }
}

/* RFC 6455 section 4.1, "validate the server's response". Repeated headers count as a misfit where they could
   contradict. */
static void mski_upgrade_header(misskey_ws *ws, unsigned id, const uint8_t *p, const uint8_t *end)
{
    const bool repeated = (ws->in_.head.seen & MSKI_SEEN(id)) != 0;
    bool fits = true, counts = true;
    unsigned has;
    switch (id) {
    case MSKI_UPGRADE:
        has = mski_list_text(p, end, "websocket");
        fits = (has & MSKI_LIST_OTHER) == 0;
        counts = has > 0;
        break;
    case MSKI_CONNECTION: counts = (mski_list_text(p, end, "upgrade") & MSKI_LIST_HAS) != 0; break;
    case MSKI_ACCEPT:     fits = !repeated && end - p == 28 && mski_equal(p, ws->in_.head.accept, 28); break;
    case MSKI_EXTENSIONS: fits = mski_list_text(p, end, "") <= MSKI_LIST_HAS; break;
    case MSKI_PROTOCOL:   fits = !repeated && mski_offered(ws, p, end); break;
    default: break;
    }
    if (!fits) mski_set(ws, MSKI_MISFIT);
    if (counts) mski_see(ws, id);
}

/* Nothing counts in an interim answer. */
static void mski_answer_header(misskey_ws *ws, unsigned id, const uint8_t *p, const uint8_t *end)
{
    if (ws->code_ == 101) mski_upgrade_header(ws, id, p, end);
    else if (ws->code_ >= 200) mski_refusal_header(ws, id, p, end);
}

static int mski_answer_end(misskey_ws *ws, misskey_ws_event *ev)
{
    if (ws->code_ < 200 && ws->code_ != 101) { /* an interim answer, RFC 9110 section 15.2 */
        mski_clear(ws, MSKI_STARTED);
        ws->total_ = 0;
        return MSKI_AGAIN;
    }
    if (ws->code_ != 101) {
        mski_die(ws, MISSKEY_ERR_HTTP_STATUS);
        return MSKI_AGAIN;
    }
    if ((ws->in_.head.seen & MSKI_NEEDED_ANSWER) != MSKI_NEEDED_ANSWER || mski_has(ws, MSKI_MISFIT)) {
        mski_die(ws, MISSKEY_ERR_WS_ACCEPT);
        return MSKI_AGAIN;
    }
    mski_start_frames(ws);
    ev->type = MISSKEY_WS_EVENT_OPEN;
    return MSKI_EVENT;
}

/* --- server --- */
#if !MISSKEY_NO_SERVER

enum { /* phase_, in a request line */
    MSKI_METHOD, MSKI_BEFORE_TARGET, MSKI_TARGET, MSKI_HTTP, MSKI_LINE_DONE = MSKI_HTTP + 8
};

/* Can c be the next byte of a request line? Targets are ASCII (RFC 3986). */
static bool mski_request_byte(misskey_ws *ws, uint8_t c, bool first)
{
    switch (ws->phase_) {
    case MSKI_METHOD:
        if (c == ' ' && !first) ws->phase_ = MSKI_BEFORE_TARGET;
        return mski_token_char(c) || ws->phase_ == MSKI_BEFORE_TARGET;
    case MSKI_BEFORE_TARGET:
    case MSKI_TARGET:
        if (c == ' ' && ws->phase_ == MSKI_TARGET) ws->phase_ = MSKI_HTTP;
        else if (c > ' ' && c < 0x7F) ws->phase_ = MSKI_TARGET;
        else return false;
        return true;
    case MSKI_LINE_DONE:
        return c == '\r';
    default:
        return mski_version_byte(ws->phase_++ - (unsigned)MSKI_HTTP, c);
    }
}

static void mski_reverse(uint8_t *p, uint8_t *end)
{
    while (p < end) {
        const uint8_t c = *p;
        *p++ = *--end;
        *end = c;
    }
}

/* Keeps what an UPGRADE event shows. */
static misskey_err mski_keep_shown(misskey_ws *ws, unsigned slot, const uint8_t *p, const uint8_t *end)
{
    if (!mski_is_shown(p, end)) return MISSKEY_ERR_HTTP_SYNTAX;
    return mski_keep(ws, slot, p, end) ? MISSKEY_ERR_OK : MISSKEY_ERR_TOO_BIG;
}

/* Several lines of Sec-WebSocket-Protocol make one list (RFC 9110 section 5.3). The new one is kept behind all values,
   with the byte before it as comma; then what lies between the two, at most the token, changes places with it. */
static misskey_err mski_join_protocols(misskey_ws *ws, const uint8_t *p, const uint8_t *end)
{
    const uint32_t at = ws->in_.head.kept[MSKI_KEPT_PROTOCOLS].at, len = ws->in_.head.kept[MSKI_KEPT_PROTOCOLS].len;
    uint8_t *const between = mski_rx(ws) + at + len - 1, *const more = mski_rx(ws) + ws->msg_len_, *last;
    if (!mski_is_shown(p, end)) return MISSKEY_ERR_HTTP_SYNTAX;
    if (!mski_keep(ws, MSKI_KEPT_PROTOCOLS, p - 1, end)) return MISSKEY_ERR_TOO_BIG;
    last = mski_rx(ws) + ws->msg_len_;
    *more = ',';
    mski_reverse(between, more);
    mski_reverse(more, last);
    mski_reverse(between, last);
    if (ws->in_.head.kept[MSKI_KEPT_TOKEN].at > at) ws->in_.head.kept[MSKI_KEPT_TOKEN].at += (uint32_t)(last - more);
    ws->in_.head.kept[MSKI_KEPT_PROTOCOLS].at = at;
    ws->in_.head.kept[MSKI_KEPT_PROTOCOLS].len = len + (uint32_t)(last - more);
    return MISSKEY_ERR_OK;
}

/* Where the path of a target begins. Of the absolute form (RFC 9112 section 3.2.2) scheme and host are left out, and an
   empty path is a slash (RFC 9110 section 4.2.3), written over the host. NULL: another form, which is no path. */
static uint8_t *mski_path(uint8_t *target)
{
    const uint8_t *p = target;
    if (*p == '/') return target;
    while (mski_alnum((char)*p)) p++;
    if (p == target || p[0] != ':' || p[1] != '/' || p[2] != '/') return NULL;
    p = mski_host(p + 3, false);
    if (p == NULL) return NULL;
    target += p - target;
    if (*p == '/') return target;
    if (*p != '?' && *p != ' ') return NULL;
    *--target = '/';
    return target;
}

/* Splits the kept target into path and token: the first i of the query, decoded in place as a form. */
static misskey_err mski_split_target(misskey_ws *ws)
{
    uint8_t *const target = mski_rx(ws) + ws->in_.head.kept[MSKI_KEPT_TARGET].at - 1, *token, *dst;
    const uint8_t *const end = target + ws->in_.head.kept[MSKI_KEPT_TARGET].len;
    const uint8_t *p = mski_until(target, end, '?'), *next;
    ws->in_.head.kept[MSKI_KEPT_TARGET].len = (uint32_t)(p - target);
    for (; p < end; p = next) {
        p++;
        next = mski_until(p, end, '&');
        if (next - p < 2 || p[0] != 'i' || p[1] != '=') continue;
        p += 2;
        token = dst = target + (p - target);
        for (; p < next; p++) {
            const bool code = *p == '%' && next - p > 2 && (mski_hex(p[1]) | mski_hex(p[2])) < 16;
            *dst++ = code ? (uint8_t)(mski_hex(p[1]) << 4 | mski_hex(p[2])) : *p == '+' ? ' ' : *p;
            if (code) p += 2;
        }
        ws->in_.head.kept[MSKI_KEPT_TOKEN].at = (uint32_t)(token - mski_rx(ws)) + 1;
        ws->in_.head.kept[MSKI_KEPT_TOKEN].len = (uint32_t)(dst - token);
        return mski_is_shown(token, dst) ? MISSKEY_ERR_OK : MISSKEY_ERR_HTTP_SYNTAX;
    }
    return MISSKEY_ERR_OK;
}

/* method SP target SP HTTP/1.x, whose bytes have been checked. What cannot upgrade is answered after the head. */
static misskey_err mski_request_line(misskey_ws *ws, uint8_t *p, const uint8_t *end)
{
    const uint8_t *const space = mski_until(p, end, ' ');
    uint8_t *path;
    if (ws->phase_ != MSKI_LINE_DONE) return MISSKEY_ERR_HTTP_SYNTAX;
    path = mski_path(p + (space - p) + 1);
    if (!mski_is(p, space, "GET", false) || end[-1] == '0' || path == NULL) mski_set(ws, MSKI_MISFIT);
    if (path == NULL) return MISSKEY_ERR_OK;
    if (!mski_keep(ws, MSKI_KEPT_TARGET, path, end - 9)) return MISSKEY_ERR_TOO_BIG;
    return mski_split_target(ws);
}

/* RFC 6455 section 4.2.1. Only what may be repeated is; a request has no body, for what follows it are frames. */
static misskey_err mski_request_header(misskey_ws *ws, unsigned id, const uint8_t *p, const uint8_t *end)
{
    const unsigned once = MSKI_SEEN(MSKI_KEY) | MSKI_SEEN(MSKI_WS_VERSION) | MSKI_SEEN(MSKI_HOST) |
                          MSKI_SEEN(MSKI_AUTHORIZATION);
    const uint8_t *q = p;
    misskey_err err = MISSKEY_ERR_OK;
    if ((ws->in_.head.seen & once & MSKI_SEEN(id)) != 0) mski_set(ws, MSKI_MISFIT);
    switch (id) {
    case MSKI_UPGRADE:
        if ((mski_list_text(p, end, "websocket") & MSKI_LIST_HAS) == 0) return MISSKEY_ERR_OK;
        break;
    case MSKI_CONNECTION:
        if ((mski_list_text(p, end, "upgrade") & MSKI_LIST_HAS) == 0) return MISSKEY_ERR_OK;
        break;
    case MSKI_PROTOCOL:
        err = ws->in_.head.kept[MSKI_KEPT_PROTOCOLS].at > 0 ? mski_join_protocols(ws, p, end) :
              mski_keep_shown(ws, MSKI_KEPT_PROTOCOLS, p, end);
        break;
    case MSKI_HOST: /* may be empty */
        if (p < end && mski_host(p, false) != end) mski_set(ws, MSKI_MISFIT);
        break;
    case MSKI_WS_VERSION:
        if (!mski_is(p, end, "13", false)) mski_set(ws, MSKI_VERSION);
        break;
    case MSKI_KEY:
        while (q < end && (mski_alnum((char)*q) || *q == '+' || *q == '/')) q++;
        if (q - p == 22 && mski_is(q, end, "==", false)) mski_accept_key(p, ws->in_.head.accept);
        else mski_set(ws, MSKI_MISFIT);
        break;
    case MSKI_AUTHORIZATION: /* other schemes are ignored */
        if (end - p > 7 && mski_is(p, p + 7, "bearer ", true)) {
            err = mski_keep_shown(ws, MSKI_KEPT_TOKEN, mski_trim_left(p + 7, end), end);
        }
        break;
    case MSKI_CONTENT_LENGTH:
        while (q < end && *q == '0') q++;
        if (q < end || q == p) mski_set(ws, MSKI_MISFIT);
        break;
    case MSKI_TRANSFER_ENCODING:
        mski_set(ws, MSKI_MISFIT);
        break;
    default:
        break;
    }
    mski_see(ws, id);
    return err;
}

static int mski_request_end(misskey_ws *ws, misskey_ws_event *ev)
{
    if ((ws->in_.head.seen & MSKI_NEEDED_REQUEST) != MSKI_NEEDED_REQUEST || mski_has(ws, MSKI_MISFIT)) {
        mski_fail_head(ws, MISSKEY_ERR_HTTP_STATUS);
        return MSKI_AGAIN;
    }
    if (mski_has(ws, MSKI_VERSION)) {
        mski_refuse(ws, MISSKEY_ERR_HTTP_STATUS, 426, " Upgrade Required\r\n",
                    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
        return MSKI_AGAIN;
    }
    ws->state_ = MSKI_ASK;
    ev->type = MISSKEY_WS_EVENT_UPGRADE;
    ev->text = mski_kept(ws, MSKI_KEPT_TARGET);
    ev->token = mski_kept(ws, MSKI_KEPT_TOKEN);
    ev->protocols = mski_kept(ws, MSKI_KEPT_PROTOCOLS);
    return MSKI_EVENT;
}

#endif /* !MISSKEY_NO_SERVER */

/* --- both --- */

/* Can the byte at p stand there in a start line? An alert of TLS, for example, is told by its first byte. */
static bool mski_start_byte(misskey_ws *ws, const uint8_t *line, const uint8_t *p)
{
    if (p > line && p[-1] == '\r') return false; /* no CR without LF: RFC 9112 section 2.2 */
    if (p == line && *p == '\r') return true;    /* an empty line before it */
#if !MISSKEY_NO_SERVER
    if (mski_is_server(ws)) return mski_request_byte(ws, *p, p == line);
#endif
    (void)ws;
    return p - line < 12 ? mski_version_byte((unsigned)(p - line), *p) : p - line > 12 || *p == ' ' || *p == '\r';
}

static misskey_err mski_start_line(misskey_ws *ws, uint8_t *p, const uint8_t *end)
{
    mski_set(ws, MSKI_STARTED);
#if !MISSKEY_NO_SERVER
    if (mski_is_server(ws)) return mski_request_line(ws, p, end);
#endif
    return mski_status_line(ws, p, end) ? MISSKEY_ERR_OK : MISSKEY_ERR_HTTP_SYNTAX;
}

/* Which header a line has; *text moves to the colon, or to the end if that is not there yet. White space before the
   colon must not pass a server; a client ignores it as a proxy does (RFC 9112 section 5.1). */
static unsigned mski_header_name(const misskey_ws *ws, const uint8_t **text, const uint8_t *end)
{
    const uint8_t *const name = *text, *name_end = name, *p;
    while (name_end < end && mski_token_char(*name_end)) name_end++;
    p = mski_is_server(ws) ? name_end : mski_trim_left(name_end, end);
    *text = p;
    if (name_end == name || (p < end && *p != ':')) return MSKI_NO_HEADER;
    return mski_header_id(name, name_end);
}

static misskey_err mski_header_line(misskey_ws *ws, const uint8_t *p, const uint8_t *end)
{
    const unsigned id = mski_header_name(ws, &p, end);
    const uint8_t *q;
    if (id == MSKI_NO_HEADER || p == end) return MISSKEY_ERR_HTTP_SYNTAX;
    for (q = p; q < end; q++) {
        if ((*q < ' ' && *q != '\t') || *q == 0x7F) return MISSKEY_ERR_HTTP_SYNTAX;
    }
    p = mski_trim_left(p + 1, end);
    end = mski_trim_right(p, end);
#if !MISSKEY_NO_SERVER
    if (mski_is_server(ws)) return mski_request_header(ws, id, p, end);
#endif
    mski_answer_header(ws, id, p, end);
    return MISSKEY_ERR_OK;
}

/* A line that rx cannot hold. What does not matter in it is dropped: the reason of an answer, most headers. */
static misskey_err mski_long_line(misskey_ws *ws, uint8_t *p, const uint8_t *end)
{
    const uint8_t *name = p;
    unsigned id, judged = ws->code_ == 101 ? MSKI_JUDGED_ANSWER : 0;
    mski_set(ws, MSKI_LONG);
    if (!mski_has(ws, MSKI_STARTED)) return mski_is_server(ws) ? MISSKEY_ERR_TOO_BIG : mski_start_line(ws, p, p + 12);
    id = mski_header_name(ws, &name, end);
    if (id == MSKI_NO_HEADER) return MISSKEY_ERR_HTTP_SYNTAX;
    if (mski_is_server(ws)) judged = MSKI_JUDGED_REQUEST;
    if ((judged & MSKI_SEEN(id)) != 0) return MISSKEY_ERR_TOO_BIG;
    if (id == MSKI_RETRY_AFTER) mski_answer_header(ws, id, end, end);
    return MISSKEY_ERR_OK;
}

static bool mski_is_empty_line(const uint8_t *line, const uint8_t *p)
{
    return p == line || (p == line + 1 && *line == '\r');
}

/* The LF that ends the line, or end if more bytes must come: that of a header needs the byte after it, which tells if
   the header goes on (RFC 9112 section 5.2). A client puts spaces where it is folded; a server refuses that. NULL: the
   line is wrong. */
static uint8_t *mski_line_end(misskey_ws *ws, uint8_t *line, uint8_t *end)
{
    const bool started = mski_has(ws, MSKI_STARTED);
    uint8_t *p;
    for (p = line + ws->left_; p < end; p++) {
        if (*p != '\n') {
            if (!started && !mski_start_byte(ws, line, p)) return NULL;
            continue;
        }
        if (!started || (!mski_has(ws, MSKI_LONG) && mski_is_empty_line(line, p))) return p;
        if (p + 1 == end) break;
        if (p[1] != ' ' && p[1] != '\t') return p;
        if (mski_is_server(ws)) return NULL;
        *p = ' ';
        if (p > line && p[-1] == '\r') p[-1] = ' ';
    }
    ws->left_ = (uint32_t)(p - line);
    return end;
}

/* One line. left_: bytes of it searched already; total_: bytes of the head. */
static int mski_head_step(misskey_ws *ws, misskey_ws_event *ev)
{
    uint8_t *const line = mski_rx(ws) + ws->raw_, *const end = mski_rx(ws) + ws->end_;
    const uint8_t *p = mski_line_end(ws, line, end);
    const bool started = mski_has(ws, MSKI_STARTED), rest = mski_has(ws, MSKI_LONG);
    misskey_err err = MISSKEY_ERR_OK;
    uint32_t taken = ws->left_;
    if (p == end && ws->msg_len_ + (size_t)(end - line) < ws->d_.rx.size) return MSKI_MORE;
    if (p != NULL && p < end) taken = (uint32_t)(p - line) + 1;
    ws->raw_ += taken;
    ws->total_ += taken;
    ws->left_ = 0;
    if (p == NULL) {
        err = MISSKEY_ERR_HTTP_SYNTAX;
    } else if (ws->total_ > MSKI_HEAD_MAX) {
        err = MISSKEY_ERR_TOO_BIG;
    } else if (p == end) {
        if (!rest) err = mski_long_line(ws, line, line + taken);
    } else if (rest) {
        mski_clear(ws, MSKI_LONG);
    } else if (!mski_is_empty_line(line, p)) {
        if (p[-1] == '\r') p--;
        err = started ? mski_header_line(ws, line, p) : mski_start_line(ws, line, p);
    } else if (started) { /* others are before the start line: RFC 9112 section 2.2 */
#if !MISSKEY_NO_SERVER
        if (mski_is_server(ws)) return mski_request_end(ws, ev);
#endif
        return mski_answer_end(ws, ev);
    }
    if (err != MISSKEY_ERR_OK) mski_fail_head(ws, err);
    return MSKI_AGAIN;
}

#define MSKI_TEXT_(x) #x
#define MSKI_TEXT(x) MSKI_TEXT_(x)
#define MSKI_VERSION_TEXT \
    MSKI_TEXT(MISSKEY_VERSION_MAJOR) "." MSKI_TEXT(MISSKEY_VERSION_MINOR) "." MSKI_TEXT(MISSKEY_VERSION_PATCH)

/* The client's request. key: base64 of the nonce. */
static void mski_put_request(misskey_jw *w, const misskey_ws_desc *d, const uint8_t key[24])
{
    bool agent = false;
    size_t i;
    mski_put_text(w, "GET ");
    mski_put_target(w, d->path, d->token_in_query ? d->token : NULL);
    mski_put_text(w, " HTTP/1.1\r\nHost: ");
    mski_put_text(w, d->host);
    mski_put_text(w, "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
    mski_put_text(w, "Sec-WebSocket-Key: ");
    mski_put(w, key, 24);
    if (d->token != NULL && !d->token_in_query) {
        mski_put_text(w, "\r\nAuthorization: Bearer ");
        mski_put_text(w, d->token);
    }
    for (i = 0; i < d->num_headers; i++) {
        const misskey_header *const h = &d->headers[i];
        if (mski_extra_id(h) == MSKI_USER_AGENT) {
            agent = true;
            if (*h->value == 0) continue;
        }
        mski_put_text(w, "\r\n");
        mski_put_text(w, h->name);
        mski_put_text(w, ": ");
        mski_put_text(w, h->value);
    }
    if (!agent) mski_put_text(w, "\r\nUser-Agent: misskey_stream.h/" MSKI_VERSION_TEXT);
    mski_put_text(w, "\r\n\r\n");
}

static void mski_send_request(misskey_ws *ws)
{
    uint8_t nonce[16], key[24];
    misskey_jw w;
    if (!ws->d_.entropy(ws->d_.user, nonce, sizeof nonce)) {
        mski_die(ws, MISSKEY_ERR_ENTROPY);
        return;
    }
    mski_base64(nonce, sizeof nonce, key);
    mski_accept_key(key, ws->in_.head.accept);
    misskey_jw_init(&w, (char *)mski_tx(ws), ws->d_.tx.size);
    mski_put_request(&w, &ws->d_, key);
    ws->tx_end_ = ws->tx_rest_ = w.len;
    mski_set(ws, MSKI_SECRET);
}

/* ================================================================================================================== */
/* MARK: - implementation: frames                                                                      >>impl-frames  */
/* ================================================================================================================== */

/* rx holds, in this order: the message being put together (msg_, msg_len_), a gap where headers and control frames
   were, and the bytes not parsed yet (raw_ to end_). Payload slides down over the gap as it is parsed; everything
   slides to the beginning only when poll has no event, if at all, so views stay where they are until then. */

/* Largest message: what rx holds beside one frame header. */
static size_t mski_capacity(const misskey_ws *ws) { return ws->d_.rx.size - 14; }

/* Of a larger one the beginning is kept, with room left to read the rest in pieces that are worth a system call. */
static size_t mski_beginning(const misskey_ws *ws)
{
    const size_t quarter = mski_capacity(ws) / 4;
    return mski_capacity(ws) - (quarter < 4096 ? quarter : 4096);
}

static int mski_broken(misskey_ws *ws)
{
    mski_fail_peer(ws, MISSKEY_ERR_WS_PROTOCOL, 1002);
    return MSKI_AGAIN;
}

static void mski_begin_message(misskey_ws *ws, bool binary)
{
    mski_clear(ws, MSKI_BINARY | MSKI_SKIP | MSKI_WHOLE);
    mski_set(ws, MSKI_MESSAGE | (binary ? MSKI_BINARY : 0));
    ws->msg_ = ws->raw_;
    ws->msg_len_ = 0;
    ws->total_ = 0;
    MISSKEY_MEMSET(ws->utf8_, 0, sizeof ws->utf8_);
}

/* The header of a data frame has been read: limits, and how its UTF-8 will be checked. */
static int mski_begin_data(misskey_ws *ws, unsigned first)
{
    if ((first & 15) != 0) mski_begin_message(ws, (first & 15) == 2);
    if (ws->left_ > ws->d_.max_message - ws->total_) {
        mski_fail_peer(ws, MISSKEY_ERR_TOO_BIG, 1009);
        return MSKI_AGAIN;
    }
    ws->total_ += ws->left_;
    if (ws->total_ > mski_capacity(ws)) {
        mski_set(ws, MSKI_SKIP);
        if (ws->msg_len_ > mski_beginning(ws)) ws->msg_len_ = mski_beginning(ws);
    } else if (first == 0x81 && ws->left_ <= ws->end_ - ws->raw_) {
        mski_set(ws, MSKI_WHOLE);
    }
    return MSKI_AGAIN;
}

#define MSKI_HUGE 0xFFFFFFFFu /* every length of 4 GiB and more; above any max_message */

/* Can the first two bytes of a frame stand here? (RFC 6455 section 5.2) */
static bool mski_frame_fits(const misskey_ws *ws, unsigned first, unsigned second)
{
    const unsigned op = first & 15;
    if ((first & 0x70) != 0 || (second >= 0x80) != mski_is_server(ws)) return false;
    if (op >= 8) return op <= 10 && first >= 0x80 && (second & 0x7F) <= 125;
    return op <= 2 && (op == 0) == mski_has(ws, MSKI_MESSAGE);
}

/* What can be judged by the first two bytes is judged before the others are here. */
static int mski_frame_header(misskey_ws *ws)
{
    const uint8_t *p = mski_rx(ws) + ws->raw_;
    const size_t available = ws->end_ - ws->raw_;
    unsigned extended, i, op;
    uint32_t len, high = 0, least = 0; /* high: the upper half of a 64-bit length; least: what it must not be below */
    if (available < 2) return MSKI_MORE;
    if (!mski_frame_fits(ws, p[0], p[1])) return mski_broken(ws);
    len = p[1] & 0x7F;
    extended = len < 126 ? 0 : len == 126 ? 2 : 8;
    if (available < 2 + extended + (mski_is_server(ws) ? 4u : 0u)) return MSKI_MORE;
    ws->op_ = *p;
    p += 2;
    if (extended > 0) {
        len = 0;
        least = extended == 2 ? 126 : 65536;
    }
    for (i = 0; i < extended; i++) {
        high = high << 8 | len >> 24;
        len = len << 8 | *p++;
    }
    if (high >> 31 != 0 || (high == 0 && len < least)) return mski_broken(ws);
    if (mski_is_server(ws)) {
        MISSKEY_MEMCPY(ws->mask_, p, 4);
        p += 4;
    }
    ws->raw_ = (size_t)(p - mski_rx(ws));
    ws->left_ = high > 0 ? MSKI_HUGE : len;
    ws->phase_ = 0;
    mski_set(ws, MSKI_FRAME);
    op = ws->op_ & 15u;
    if (op < 8) return mski_begin_data(ws, ws->op_);
    if (op == 10) { /* its payload is not kept: a pong of ours may still wait in ctrl */
        if (ws->left_ == ws->probe_) ws->probe_ |= MSKI_PROVEN;
        return MSKI_AGAIN;
    }
    mski_clear(ws, MSKI_PONG);
    ws->ctrl_len_ = 0;
    return MSKI_AGAIN;
}

/* RFC 6455 section 7.4 and the IANA registry. */
static bool mski_close_code(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

static int mski_take_close(misskey_ws *ws)
{
    unsigned code = 1005;
    if (ws->ctrl_len_ == 1) return mski_broken(ws);
    if (ws->ctrl_len_ > 1) {
        code = (unsigned)ws->in_.ctrl[0] << 8 | ws->in_.ctrl[1];
        if (!mski_close_code(code)) return mski_broken(ws);
        if (!mski_utf8_valid(ws->in_.ctrl + 2, ws->ctrl_len_ - 2u, false)) {
            mski_fail_peer(ws, MISSKEY_ERR_WS_UTF8, 1007);
            return MSKI_AGAIN;
        }
        mski_set(ws, MSKI_REASON);
    }
    mski_fail_peer(ws, MISSKEY_ERR_OK, code);
    return MSKI_AGAIN;
}

static int mski_control_payload(misskey_ws *ws)
{
    const size_t available = ws->end_ - ws->raw_;
    const uint32_t n = ws->left_ < available ? ws->left_ : (uint32_t)available;
    const uint8_t *const p = mski_rx(ws) + ws->raw_;
    const unsigned op = ws->op_ & 15u;
    if (op != 10) {
        if (mski_is_server(ws)) mski_mask(ws->in_.ctrl + ws->ctrl_len_, p, n, ws->mask_, ws->ctrl_len_);
        else if (n > 0) MISSKEY_MEMCPY(ws->in_.ctrl + ws->ctrl_len_, p, n);
        ws->ctrl_len_ = (uint8_t)(ws->ctrl_len_ + n);
    }
    ws->raw_ += n;
    ws->left_ -= n;
    if (ws->left_ > 0) return MSKI_MORE;
    mski_clear(ws, MSKI_FRAME);
    if (op == 8) return mski_take_close(ws);
    if (op == 9) {
        mski_set(ws, MSKI_PONG);
        mski_flush_pong(ws);
    }
    return MSKI_AGAIN;
}

/* The sink of every payload byte: n bytes at raw_ are unmasked, checked and joined to the message. Of a message that is
   skipped the beginning is kept. */
static bool mski_sink(misskey_ws *ws, uint32_t n)
{
    uint8_t *const src = mski_rx(ws) + ws->raw_, *const dst = mski_rx(ws) + ws->msg_ + ws->msg_len_;
    const size_t room = (mski_has(ws, MSKI_SKIP) ? mski_beginning(ws) : mski_capacity(ws)) - ws->msg_len_;
    const size_t keep = n < room ? n : room;
    if (mski_is_server(ws)) {
        mski_mask(src, src, n, ws->mask_, ws->phase_);
        ws->phase_ = (uint8_t)((ws->phase_ + n) & 3);
    }
    if (!mski_has(ws, MSKI_BINARY | MSKI_WHOLE) && !mski_utf8_feed(ws->utf8_, src, n, mski_is_wide(ws))) {
        return false;
    }
    if (dst != src && keep > 0) MISSKEY_MEMMOVE(dst, src, keep);
    ws->msg_len_ += keep;
    ws->raw_ += n;
    ws->left_ -= n;
    return true;
}

static int mski_data_payload(misskey_ws *ws, misskey_ws_event *ev)
{
    const size_t available = ws->end_ - ws->raw_;
    const uint32_t n = ws->left_ < available ? ws->left_ : (uint32_t)available;
    const bool last = n == ws->left_ && (ws->op_ & 0x80) != 0;
    if (!mski_sink(ws, n) || (last && ws->utf8_[0] > 0)) {
        mski_fail_peer(ws, MISSKEY_ERR_WS_UTF8, 1007);
        return MSKI_AGAIN;
    }
    if (ws->left_ > 0) return MSKI_MORE;
    mski_clear(ws, MSKI_FRAME);
    if (!last) return MSKI_AGAIN;
    mski_clear(ws, MSKI_MESSAGE);
    ev->type = mski_has(ws, MSKI_SKIP) ? MISSKEY_WS_EVENT_DROPPED : MISSKEY_WS_EVENT_MESSAGE;
    ev->binary = mski_has(ws, MSKI_BINARY);
    ev->size = ws->total_;
    ev->text.ptr = (const char *)mski_rx(ws) + ws->msg_;
    ev->text.len = ws->msg_len_;
    return MSKI_EVENT;
}

static int mski_frame_step(misskey_ws *ws, misskey_ws_event *ev)
{
    if (!mski_has(ws, MSKI_FRAME)) return mski_frame_header(ws);
    return ws->op_ & 8 ? mski_control_payload(ws) : mski_data_payload(ws, ev);
}

/* ================================================================================================================== */
/* MARK: - implementation: websocket                                                                       >>impl-ws  */
/* ================================================================================================================== */

static bool mski_header_allowed(const misskey_header *h)
{
    const char *p;
    unsigned id;
    if (h->name == NULL || h->value == NULL || *h->name == 0) return false;
    for (p = h->name; *p != 0; p++) if (!mski_token_char((uint8_t)*p)) return false;
    id = mski_extra_id(h);
    if (id <= MSKI_TRANSFER_ENCODING && id != MSKI_PROTOCOL) return false;
    for (p = h->value; *p != 0; p++) if (((uint8_t)*p < ' ' && *p != '\t') || *p == 0x7F) return false;
    return true;
}

static misskey_err mski_check_client(const misskey_ws_desc *d)
{
    static const uint8_t key[24] = { 0 };
    misskey_jw w;
    size_t i, agents = 0;
    if (d->entropy == NULL || !mski_is_host(d->host, false) || !mski_clean_path(d->path)) return MISSKEY_ERR_BAD_ARG;
    if (d->token != NULL && !mski_clean(d->token, false)) return MISSKEY_ERR_BAD_ARG;
    if (d->num_headers > 0 && d->headers == NULL) return MISSKEY_ERR_BAD_ARG;
    for (i = 0; i < d->num_headers; i++) {
        if (!mski_header_allowed(&d->headers[i])) return MISSKEY_ERR_BAD_ARG;
        agents += mski_extra_id(&d->headers[i]) == MSKI_USER_AGENT;
    }
    if (agents > 1) return MISSKEY_ERR_BAD_ARG;
    misskey_jw_init(&w, NULL, 0);
    mski_put_request(&w, d, key);
    return w.len > d->tx.size ? MISSKEY_ERR_TOO_SMALL : MISSKEY_ERR_OK;
}

static uint32_t mski_default(uint32_t value, uint32_t otherwise) { return value != 0 ? value : otherwise; }

MISSKEY_API misskey_err misskey_ws_init(misskey_ws *ws, const misskey_ws_desc *desc)
{
    misskey_err err = MISSKEY_ERR_OK;
    MISSKEY_MEMSET(ws, 0, sizeof *ws);
    if (desc->rx.ptr == NULL || desc->tx.ptr == NULL) return MISSKEY_ERR_BAD_ARG;
#if MISSKEY_NO_SERVER
    if (desc->server) return MISSKEY_ERR_BAD_ARG;
#endif
    if (desc->rx.size < 256 || desc->tx.size < 256) return MISSKEY_ERR_TOO_SMALL;
    if (!desc->server) err = mski_check_client(desc);
    if (err != MISSKEY_ERR_OK) return err;
    MISSKEY_MEMCPY(&ws->d_, desc, sizeof *desc);
    ws->d_.max_message = mski_default(desc->max_message, UINT32_C(64) << 20);
    if (ws->d_.max_message == MSKI_HUGE) ws->d_.max_message--;
    ws->d_.handshake_ms = mski_default(desc->handshake_ms, 10000);
    ws->d_.ping_ms = mski_default(desc->ping_ms, 75000);
    ws->d_.pong_ms = mski_default(desc->pong_ms, 15000);
    ws->d_.close_ms = mski_default(desc->close_ms, 5000);
    return MISSKEY_ERR_OK;
}

MISSKEY_API void misskey_ws_transport_up(misskey_ws *ws)
{
    const uint32_t now = ws->now_, clock = ws->clock_;
    const size_t shown = mski_has(ws, MSKI_OUT) ? ws->msg_ + ws->msg_len_ : 0;
    if (ws->d_.rx.ptr == NULL) return; /* init failed */
    mski_tx_drop(ws);
    MISSKEY_MEMSET(ws, 0, offsetof(misskey_ws, d_));
    MISSKEY_MEMSET(&ws->in_, 0, sizeof ws->in_);
    ws->now_ = ws->heard_ = now;
    ws->clock_ = clock;
    mski_start_clock(ws);
    if (shown > 0) { /* the views of the last event live until poll: what comes now goes after them */
        mski_set(ws, MSKI_OUT);
        ws->msg_len_ = ws->raw_ = ws->end_ = shown;
    }
    ws->state_ = MSKI_HEAD;
    ws->err_ = MISSKEY_ERR_TRANSPORT;
#if MSKI_WIDE
    ws->wide_ = mski_find_wide();
#endif
    if (!mski_is_server(ws)) mski_send_request(ws);
}

MISSKEY_API void misskey_ws_transport_down(misskey_ws *ws)
{
    if (ws->state_ != MSKI_IDLE) mski_cut(ws);
}

MISSKEY_API uint8_t *misskey_ws_recv_buf(misskey_ws *ws, size_t *len)
{
    *len = 0;
    if (ws->state_ == MSKI_IDLE || mski_has(ws, MSKI_EOF)) return NULL;
    *len = ws->d_.rx.size - ws->end_;
    return *len > 0 ? mski_rx(ws) + ws->end_ : NULL;
}

MISSKEY_API void misskey_ws_recv_ack(misskey_ws *ws, size_t n)
{
    size_t room;
    (void)misskey_ws_recv_buf(ws, &room);
    if (n == 0 || n > room) return;
    ws->end_ += n;
    ws->heard_ = ws->now_;
    mski_set(ws, MSKI_WORK);
    mski_clear(ws, MSKI_PINGED);
}

MISSKEY_API size_t misskey_ws_feed(misskey_ws *ws, const void *data, size_t len)
{
    size_t room;
    uint8_t *const dst = misskey_ws_recv_buf(ws, &room);
    if (len > room) len = room;
    if (len > 0) MISSKEY_MEMCPY(dst, data, len);
    misskey_ws_recv_ack(ws, len);
    return len;
}

MISSKEY_API const uint8_t *misskey_ws_send_buf(const misskey_ws *ws, size_t *len)
{
    *len = ws->state_ == MSKI_IDLE || mski_has(ws, MSKI_EOF) ? 0 : ws->tx_end_ - ws->tx_;
    return *len > 0 ? mski_tx(ws) + ws->tx_ : NULL;
}

/* Size of the frame queued at an offset of tx. counts: it is a message of the application. Those of the session are
   known by their type; they are sent again anyway. */
static size_t mski_queued_frame(const misskey_ws *ws, size_t at, bool *counts)
{
    static const char *const own[] = { "{\"type\":\"connect\"", "{\"type\":\"disconnect\"", "{\"type\":\"subNote\"",
                                       "{\"type\":\"unsubNote\"", "h" };
    const uint8_t *const p = mski_tx(ws) + at, *payload;
    const unsigned extended = (p[1] & 127u) < 126 ? 0 : (p[1] & 127u) == 126 ? 2 : 8;
    uint8_t text[24];
    size_t len = extended > 0 ? 0 : p[1] & 127u, i, n;
    for (i = 0; i < extended; i++) len = len << 8 | p[2 + i];
    payload = p + 2 + extended + (mski_is_server(ws) ? 0 : 4);
    n = len < sizeof text ? len : sizeof text;
    MISSKEY_MEMCPY(text, payload, n);
    if (!mski_is_server(ws)) mski_mask(text, payload, n, payload - 4, 0);
    *counts = (p[0] & 8) == 0;
    for (i = 0; i < sizeof own / sizeof own[0]; i++) {
        const size_t own_size = MISSKEY_STRLEN(own[i]);
        if (own_size <= n && mski_equal(text, own[i], own_size) && (own_size > 1 || len == 1)) *counts = false;
    }
    return (size_t)(payload - p) + len;
}

/* Messages of the application that have not left whole. */
static uint32_t mski_count_unsent(const misskey_ws *ws)
{
    uint32_t n = ws->tx_rest_ > 0 && ws->tx_counts_ ? 1 : 0;
    size_t at = ws->tx_ + ws->tx_rest_;
    bool counts;
    while (at < ws->tx_end_) {
        at += mski_queued_frame(ws, at, &counts);
        n += counts;
    }
    return n;
}

MISSKEY_API void misskey_ws_send_ack(misskey_ws *ws, size_t n)
{
    size_t len;
    (void)misskey_ws_send_buf(ws, &len);
    if (n > len) return;
    if (n == ws->tx_end_ - ws->tx_) { /* no frame is left that would have to be counted */
        mski_tx_drop(ws);
        n = 0;
    }
    for (; n > 0; n -= len) {
        if (ws->tx_rest_ == 0) ws->tx_rest_ = mski_queued_frame(ws, ws->tx_, &ws->tx_counts_);
        len = n < ws->tx_rest_ ? n : ws->tx_rest_;
        if (mski_has(ws, MSKI_SECRET)) MISSKEY_MEMSET(mski_tx(ws) + ws->tx_, 0, len);
        ws->tx_ += len;
        ws->tx_rest_ -= len;
    }
    mski_flush_pong(ws);
    if (ws->state_ == MSKI_ENDING) mski_set(ws, MSKI_WORK);
}

/* Gives up what the last event showed. */
static void mski_release(misskey_ws *ws)
{
    if (!mski_has(ws, MSKI_OUT)) return;
#if MISSKEY_POISON
    MISSKEY_MEMSET(mski_rx(ws) + ws->msg_, 0xDD, ws->msg_len_);
#endif
    mski_clear(ws, MSKI_OUT);
    ws->msg_len_ = 0;
}

static void mski_compact(misskey_ws *ws)
{
    uint8_t *const rx = mski_rx(ws);
    const size_t left = ws->end_ - ws->raw_;
#if MSKI_FAST
    /* As long as there is room, moving what has come of a message costs more than leaving it where it is. */
    if (ws->msg_len_ + left > 0 && ws->end_ < 8192 && ws->end_ < ws->d_.rx.size / 2) return;
#endif
    if (ws->msg_ > 0 && ws->msg_len_ > 0) MISSKEY_MEMMOVE(rx, rx + ws->msg_, ws->msg_len_);
    if (ws->raw_ > ws->msg_len_ && left > 0) MISSKEY_MEMMOVE(rx + ws->msg_len_, rx + ws->raw_, left);
#if MISSKEY_POISON
    MISSKEY_MEMSET(rx + ws->msg_len_ + left, 0xDD, ws->end_ - ws->msg_len_ - left);
#endif
    ws->msg_ = 0;
    ws->raw_ = ws->msg_len_;
    ws->end_ = ws->msg_len_ + left;
}

/* Once everything received was parsed: can nothing else come? */
static bool mski_is_over(const misskey_ws *ws)
{
    const bool sent = ws->state_ == MSKI_ENDING && ws->tx_ == ws->tx_end_;
    return ws->state_ != MSKI_IDLE && (sent || mski_has(ws, MSKI_EOF));
}

/* CLOSED, when nothing else can come. */
static bool mski_finish(misskey_ws *ws, misskey_ws_event *ev)
{
    if (!mski_is_over(ws)) return false;
    if (ws->state_ < MSKI_OPEN) ws->code_ = 0;
    ev->type = MISSKEY_WS_EVENT_CLOSED;
    ev->code = ws->code_;
    ev->err = (misskey_err)ws->err_;
    if (mski_has(ws, MSKI_REASON)) { /* moved to rx, where all views are */
        const uint8_t *const reason = ws->in_.ctrl + 2, *const end = ws->in_.ctrl + ws->ctrl_len_;
        ws->msg_ = ws->msg_len_ = 0;
        if (!mski_echoes(ws, reason, end, end)) {
            ev->text.ptr = (const char *)mski_rx(ws);
            ev->text.len = ws->msg_len_ = (size_t)(end - reason);
            MISSKEY_MEMCPY(mski_rx(ws), reason, ws->msg_len_);
        }
    } else if (ws->err_ == MISSKEY_ERR_HTTP_STATUS && !mski_is_server(ws)) {
        ev->retry_after = mski_retry_after(ws);
        ev->text = mski_kept(ws, MSKI_KEPT_REASON);
        ev->location = mski_kept(ws, MSKI_KEPT_LOCATION);
    }
    ws->state_ = MSKI_IDLE;
    ws->fresh_ = false;
    ws->raw_ = ws->end_;
    return true;
}

static int mski_step(misskey_ws *ws, misskey_ws_event *ev)
{
    switch (ws->state_) {
    case MSKI_HEAD:
        return mski_head_step(ws, ev);
    case MSKI_OPENING:
        mski_start_frames(ws);
        ev->type = MISSKEY_WS_EVENT_OPEN;
        return MSKI_EVENT;
    case MSKI_OPEN:
    case MSKI_CLOSING:
        return mski_frame_step(ws, ev);
    case MSKI_ENDING:
        ws->raw_ = ws->end_;
        return MSKI_MORE;
    default:
        return MSKI_MORE;
    }
}

#if MSKI_FAST
/* What nearly every message of a server is: a text in one frame that is here whole. False: something else; nothing has
   changed then, and mski_step takes it. */
static inline bool mski_take_text(misskey_ws *ws, misskey_str *text)
{
    const uint8_t *frame;
    size_t available, header = 2, len;
    if (mski_has(ws, MSKI_PONG | MSKI_FRAME | MSKI_MESSAGE) || ws->state_ != MSKI_OPEN) return false;
    frame = mski_rx(ws) + ws->raw_;
    available = ws->end_ - ws->raw_;
    if (available < 4 || mski_is_server(ws) || frame[0] != 0x81) return false;
    len = frame[1];
    if (len == 126) {
        header = 4;
        len = (size_t)frame[2] << 8 | frame[3];
        if (len < 126) return false;
    } else if (len > 126) {
        return false;
    }
    if (len > available - header || len > mski_capacity(ws) || len > ws->d_.max_message) return false;
    mski_release(ws);
    ws->flags_ = (uint16_t)((ws->flags_ & ~(MSKI_BINARY | MSKI_SKIP)) | MSKI_WHOLE | MSKI_OUT);
    ws->msg_ = ws->raw_ + header;
    ws->msg_len_ = len;
    ws->raw_ += header + len;
    text->ptr = (const char *)frame + header;
    text->len = len;
    return true;
}
#endif

/* Milliseconds left of a span. */
static uint32_t mski_remaining(uint32_t now, uint32_t since, uint32_t span)
{
    const uint32_t passed = now - since;
    if (span == MISSKEY_FOREVER) return span;
    return passed >= span ? 0 : span - passed;
}

/* Until the state times out. */
static uint32_t mski_deadline(const misskey_ws *ws)
{
    switch (ws->state_) {
    case MSKI_IDLE:
        return MISSKEY_FOREVER;
    case MSKI_OPEN:
        if (mski_has(ws, MSKI_PINGED)) return mski_remaining(ws->now_, ws->since_, ws->d_.pong_ms);
        return mski_remaining(ws->now_, ws->heard_, ws->d_.ping_ms);
    case MSKI_CLOSING:
    case MSKI_ENDING:
        return mski_remaining(ws->now_, ws->since_, ws->d_.close_ms);
    default:
        return mski_remaining(ws->now_, ws->since_, ws->d_.handshake_ms);
    }
}

/* The peer had its time. Judged by poll, after what had arrived: a caller that slept may find the answer in its
   socket. */
static void mski_check_deadline(misskey_ws *ws)
{
    const bool ping = ws->state_ == MSKI_OPEN && !mski_has(ws, MSKI_PINGED);
    if (ping || mski_deadline(ws) > 0) return;
    if (ws->state_ < MSKI_OPEN) ws->code_ = 0;
    mski_die(ws, ws->state_ == MSKI_ENDING ? (misskey_err)ws->err_ : MISSKEY_ERR_TIMEOUT);
}

/* The next event. Text with MSKI_WHOLE in flags_ has still to be checked for UTF-8 by the caller. */
static bool mski_poll(misskey_ws *ws, misskey_ws_event *ev)
{
    int result;
    mski_zero(ev, sizeof *ev);
#if MSKI_FAST
    if (mski_take_text(ws, &ev->text)) {
        ev->type = MISSKEY_WS_EVENT_MESSAGE;
        ev->size = ev->text.len;
        return true;
    }
#endif
    if (ws->d_.rx.ptr == NULL) return false; /* init failed */
    mski_release(ws);
    if (mski_has(ws, MSKI_PONG)) mski_flush_pong(ws);
    do result = mski_step(ws, ev); while (result == MSKI_AGAIN);
    if (result == MSKI_MORE) mski_check_deadline(ws);
    if (result == MSKI_EVENT || mski_finish(ws, ev)) {
        mski_set(ws, MSKI_OUT);
        return true;
    }
    mski_compact(ws);
    mski_clear(ws, MSKI_WORK);
    return false;
}

MISSKEY_API bool misskey_ws_poll(misskey_ws *ws, misskey_ws_event *event)
{
    while (mski_poll(ws, event)) {
        if (event->type != MISSKEY_WS_EVENT_MESSAGE || !mski_has(ws, MSKI_WHOLE)) return true;
        if (mski_utf8_valid(event->text.ptr, event->text.len, mski_is_wide(ws))) return true;
        mski_fail_peer(ws, MISSKEY_ERR_WS_UTF8, 1007);
    }
    return false;
}

/* A step back of the clock is no time; one of three days or more cannot be told from a long time without a tick. */
#define MSKI_STEP_BACK 0x10000000u

/* Brings the time up to a caller's clock. Returns how much of it has passed. */
static uint32_t mski_advance(uint32_t *now, uint32_t *clock, uint32_t clock_now)
{
    const uint32_t step = clock_now - *clock;
    *clock = clock_now;
    if (step > 0u - MSKI_STEP_BACK) return 0;
    *now += step;
    return step;
}

/* The first tick of a phase. Did the caller come when it was told to, give or take a few milliseconds? Then it slept,
   and the time counts; else it did something else before the phase began. */
static bool mski_was_told(uint32_t passed, uint32_t told) { return passed - told <= 5; }

MISSKEY_API void misskey_ws_tick(misskey_ws *ws, uint32_t now_ms)
{
    const uint32_t told = mski_deadline(ws);
    const uint32_t passed = mski_advance(&ws->now_, &ws->clock_, now_ms);
    if (ws->fresh_ && !mski_was_told(passed, told)) ws->since_ = ws->now_;
    ws->fresh_ = false;
    mski_flush_pong(ws);
    if (mski_deadline(ws) > 0) return;
    if (ws->state_ == MSKI_OPEN && !mski_has(ws, MSKI_PINGED)) {
        ws->since_ = ws->now_;
        mski_set(ws, MSKI_PINGED);
        (void)mski_send_control(ws, 9, NULL, 0);
    }
}

MISSKEY_API uint32_t misskey_ws_timeout(const misskey_ws *ws)
{
    return mski_has(ws, MSKI_WORK) ? 0 : mski_deadline(ws);
}

/* Room for an application message of len bytes? A pong that waits goes first. */
static misskey_err mski_can_send(misskey_ws *ws, size_t len)
{
    const size_t beside = mski_header_size(ws, len) + MSKI_CONTROL_MAX;
    if (ws->state_ != MSKI_OPEN || mski_has(ws, MSKI_EOF)) return MISSKEY_ERR_BAD_STATE;
    if (ws->d_.tx.size < beside || ws->d_.tx.size - beside < len) return MISSKEY_ERR_TOO_SMALL;
    if (mski_has(ws, MSKI_PONG) || mski_tx_free(ws) < beside + len) return MISSKEY_ERR_WOULD_BLOCK;
    return MISSKEY_ERR_OK;
}

MISSKEY_API misskey_err misskey_ws_send(misskey_ws *ws, const void *data, size_t len, bool binary)
{
    misskey_err err = mski_can_send(ws, len);
    if (err == MISSKEY_ERR_OK && !binary && !mski_utf8_valid(data, len, mski_is_wide(ws))) err = MISSKEY_ERR_BAD_UTF8;
    if (err != MISSKEY_ERR_OK) return err;
    return mski_send_frame(ws, binary ? 2 : 1, (const uint8_t *)data, len) ? MISSKEY_ERR_OK : MISSKEY_ERR_ENTROPY;
}

/* The text is written where the frame will have it; the header goes before it. */
MISSKEY_API misskey_err misskey_ws_send_message(misskey_ws *ws, const misskey_message *message)
{
    size_t len;
    uint8_t *payload;
    misskey_err err = misskey_message_write(message, NULL, 0, &len);
    if (err != MISSKEY_ERR_OK && err != MISSKEY_ERR_TOO_SMALL) return err;
    err = mski_can_send(ws, len);
    if (err != MISSKEY_ERR_OK) return err;
    payload = mski_tx_payload(ws, len);
    err = misskey_message_write(message, (char *)payload, len, &len);
    if (err != MISSKEY_ERR_OK) return err;
    return mski_send_frame(ws, 1, payload, len) ? MISSKEY_ERR_OK : MISSKEY_ERR_ENTROPY;
}

MISSKEY_API misskey_err misskey_ws_close(misskey_ws *ws, uint16_t code, const char *reason)
{
    const size_t len = reason == NULL ? 0 : MISSKEY_STRLEN(reason);
    if (code == 0 ? len > 0 : !mski_close_code(code) || len > 123) return MISSKEY_ERR_BAD_ARG;
    if (!mski_utf8_valid(reason, len, false)) return MISSKEY_ERR_BAD_UTF8;
    if (ws->state_ == MSKI_IDLE || ws->state_ >= MSKI_CLOSING) return MISSKEY_ERR_BAD_STATE;
    mski_set(ws, MSKI_WORK);
    if (ws->state_ != MSKI_OPEN) {
        mski_die(ws, MISSKEY_ERR_OK);
        ws->code_ = 0;
        return MISSKEY_ERR_OK;
    }
    ws->state_ = MSKI_CLOSING;
    ws->code_ = code == 0 ? 1005 : code;
    mski_send_close(ws, code, reason, len);
    return MISSKEY_ERR_OK;
}

#if !MISSKEY_NO_SERVER

MISSKEY_API misskey_err misskey_ws_accept(misskey_ws *ws, const char *protocol)
{
    const char *p = protocol;
    misskey_jw w;
    if (ws->state_ != MSKI_ASK) return MISSKEY_ERR_BAD_STATE;
    if (protocol != NULL) {
        while (mski_token_char((uint8_t)*p)) p++;
        if (*p != 0 || p == protocol) return MISSKEY_ERR_BAD_ARG;
    }
    misskey_jw_init(&w, (char *)mski_tx(ws), ws->d_.tx.size);
    mski_put_text(&w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
    mski_put_text(&w, "Sec-WebSocket-Accept: ");
    mski_put(&w, ws->in_.head.accept, sizeof ws->in_.head.accept);
    if (protocol != NULL) {
        mski_put_text(&w, "\r\nSec-WebSocket-Protocol: ");
        mski_put_text(&w, protocol);
    }
    mski_put_text(&w, "\r\n\r\n");
    if (w.len > w.cap - MSKI_CLOSE_MIN) return MISSKEY_ERR_TOO_SMALL; /* a Close may follow before it has left */
    ws->tx_end_ = ws->tx_rest_ = w.len;
    ws->state_ = MSKI_OPENING;
    mski_set(ws, MSKI_WORK);
    return MISSKEY_ERR_OK;
}

MISSKEY_API misskey_err misskey_ws_reject(misskey_ws *ws, uint16_t status)
{
    if (ws->state_ != MSKI_ASK) return MISSKEY_ERR_BAD_STATE;
    if (status < 300 || status > 599) return MISSKEY_ERR_BAD_ARG;
    mski_refuse(ws, MISSKEY_ERR_HTTP_STATUS, status, " Refused\r\n", "");
    mski_set(ws, MSKI_WORK);
    return MISSKEY_ERR_OK;
}

#endif

/* ================================================================================================================== */
/* MARK: - implementation: session                                                                    >>impl-session  */
/* ================================================================================================================== */

enum { /* state_ of a session */
    MSKI_UNMADE,            /* zeroed, or init failed */
    MSKI_DOWN,              /* waiting until since_ */
    MSKI_DIALLING,          /* DIAL was given; it comes again at since_ */
    MSKI_JOINING,           /* the transport is there, OPEN is not */
    MSKI_UP,
    MSKI_STOPPED            /* refused for good, or closed by the application */
};

enum { /* flags_ of a session */
    MSKI_DIAL_DUE = 1,
    MSKI_RESUMED = 2,       /* was open before */
    MSKI_CHANNELS = 4,      /* some channel may have a frame to send */
    MSKI_NOTICES = 8,       /* some channel has an event to give */
    MSKI_BEAT = 0x10,       /* a bare h is due */
    MSKI_BORROWED = 0x20,   /* text_ is the caller's, until poll returns false (alone) */
    MSKI_HELD = 0x40,       /* text_ is a message that waits behind the events that it caused */
    MSKI_QUIT = 0x80,       /* the application closed */
    MSKI_OPENED = 0x100,    /* the transport is up, OPEN is due (alone) */
    MSKI_LENT = 0x200,      /* text_ is a message not yet given (alone) */
    MSKI_BLOCKED = 0x400,   /* what is next to be sent waits for room in tx (connection) */
    MSKI_FRESH = 0x800,     /* what since_ tells has begun after the last tick */
    MSKI_STALLED = 0x1000,  /* what comes may have waited since before_ */
    MSKI_PROBE = 0x2000,    /* ... so long that a ping is due (connection) */
    MSKI_PROBED = 0x8000,   /* ... and it was sent */
    MSKI_OVERDUE = 0x4000   /* acknowledgements are, if they are not among what has arrived */
};

enum { /* state_ of a channel */
    MSKI_FREE,
    MSKI_WANTED,            /* no connect sent on this transport */
    MSKI_ASKED,             /* connect sent, no answer yet */
    MSKI_READY,
    MSKI_REFUSED            /* no answer in time; takes one of the server's places all the same */
};

enum { /* flags_ of a channel */
    MSKI_GOING = 1,         /* closed by the application: disconnect as soon as the connect is answered or has timed out
                               */
    MSKI_LOST = 2,          /* was ready when a transport was lost, at lost_; no GAP given yet */
    MSKI_TELL_READY = 4,
    MSKI_TELL_REFUSED = 8,
    MSKI_TELL_GAP = 0x10
};

#define MSKI_NONE 0xFFFFu           /* no capture slot */
#define MSKI_REFS 0x3FFFu           /* refs_: count */
#define MSKI_ON_WIRE 0x4000u        /* refs_: subNote was sent on this transport */
#define MSKI_QUEUED 0x8000u         /* refs_: in subs_ or unsubs_ */

static bool mski_same_string(const char *a, const char *b)
{
    const size_t len = MISSKEY_STRLEN(a);
    return len == MISSKEY_STRLEN(b) && mski_equal(a, b, len);
}

static bool mski_shared(const misskey_session *s, const char *name)
{
    const mski_channel_kind *const kind = mski_find_channel_kind(misskey_jstr_text(name));
    return kind != NULL && kind->share > (s->d_.old_timelines ? MISSKEY_SHARE_ANY : MISSKEY_SHARE_UNTIL_2023_10);
}

/* --- time --- */

static uint32_t mski_least(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* At most rate messages in any second: after so many of them without a second's pause, a second's pause. */
static uint32_t mski_pace(const misskey_session *s)
{
    return s->burst_ < s->d_.rate ? 0 : mski_remaining(s->now_, s->paced_, 1000);
}

static void mski_count_paced(misskey_session *s)
{
    if (s->now_ - s->paced_ >= 1000) s->burst_ = 0;
    s->burst_++;
    s->paced_ = s->now_;
}

/* A part of span, drawn evenly; without entropy all of it. */
static uint32_t mski_spread(const misskey_session *s, uint32_t span)
{
    uint32_t r = 0xFFFFFFFFu;
    if (s->d_.entropy != NULL && !s->d_.entropy(s->d_.user, &r, sizeof r)) r = 0xFFFFFFFFu;
    return (uint32_t)(((uint64_t)span + 1) * r >> 32);
}

/* --- captures: a hash table with chains, and two queues, all in the slots --- */

/* The chain of an id among so many; it is NUL-padded to 32 bytes. */
static uint16_t mski_bucket(const char *id, uint16_t chains)
{
    uint32_t h = 2166136261u; /* FNV-1a; the multiplication spreads it over the table without a division */
    unsigned i;
    for (i = 0; i < 32 && id[i] != 0; i++) h = (h ^ (uint8_t)id[i]) * 16777619u;
    return (uint16_t)((uint64_t)h * chains >> 32);
}

/* The slot of an id that is NUL-padded to 32 bytes. */
static uint16_t mski_find_capture(const misskey_session *s, const char *id)
{
    uint16_t i;
    if (s->d_.num_captures == 0) return MSKI_NONE;
    for (i = s->d_.captures[mski_bucket(id, s->d_.num_captures)].head_; i != MSKI_NONE; i = s->d_.captures[i].next_) {
        if (mski_equal(s->d_.captures[i].id_, id, 32)) break;
    }
    return i;
}

static void mski_free_capture(misskey_session *s, uint16_t i)
{
    misskey_capture_slot *const slots = s->d_.captures;
    uint16_t *link = &slots[mski_bucket(slots[i].id_, s->d_.num_captures)].head_;
    while (*link != i) link = &slots[*link].next_;
    *link = slots[i].next_;
    slots[i].next_ = s->free_;
    slots[i].refs_ &= MSKI_QUEUED; /* in subs_ it stays until its turn, whoever has it by then */
    slots[i].id_[0] = 0;
    s->free_ = i;
}

static void mski_queue_capture(misskey_session *s, uint16_t i, uint16_t *first, uint16_t *last)
{
    misskey_capture_slot *const slots = s->d_.captures;
    if (slots[i].refs_ & MSKI_QUEUED) return;
    slots[i].refs_ |= MSKI_QUEUED;
    slots[i].queue_ = MSKI_NONE;
    if (*first == MSKI_NONE) *first = i;
    else slots[*last].queue_ = i;
    *last = i;
}

/* First slot of a queue that still needs its message (subs_: wanted; unsubs_: not wanted); the others leave it on the
   way. */
static uint16_t mski_queue_head(misskey_session *s, uint16_t *first, bool wanted)
{
    misskey_capture_slot *const slots = s->d_.captures;
    while (*first != MSKI_NONE) {
        const uint16_t i = *first;
        if (((slots[i].refs_ & MSKI_REFS) != 0) == wanted) break;
        *first = slots[i].queue_;
        slots[i].refs_ = (uint16_t)(slots[i].refs_ & ~MSKI_QUEUED);
    }
    return *first;
}

/* Next slot whose subNote belongs to the resume. */
static uint16_t mski_resume_head(misskey_session *s)
{
    for (; s->resume_ < s->d_.num_captures; s->resume_++) {
        const uint16_t refs = s->d_.captures[s->resume_].refs_;
        if ((refs & MSKI_REFS) != 0) return s->resume_;
    }
    return MSKI_NONE;
}

static void mski_reset_captures(misskey_session *s)
{
    uint16_t i;
    s->subs_ = s->unsubs_ = MSKI_NONE;
    s->resume_ = 0;
    for (i = 0; i < s->d_.num_captures; i++) {
        misskey_capture_slot *const slot = &s->d_.captures[i];
        slot->refs_ &= MSKI_REFS;
        if (slot->refs_ == 0 && slot->id_[0] != 0) mski_free_capture(s, i);
    }
}

static bool mski_is_id(const char *id, size_t len)
{
    size_t i;
    for (i = 0; i < len; i++) {
        if (id[i] <= ' ' || id[i] > '~' || id[i] == '"' || id[i] == '\\') return false;
    }
    return len > 0 && len <= 32;
}

/* Copies an id, padded. False: it is none. */
static bool mski_note_id(char out[32], const char *id, size_t len)
{
    if (!mski_is_id(id, len)) return false;
    MISSKEY_MEMSET(out, 0, 32);
    MISSKEY_MEMCPY(out, id, len);
    return true;
}

/* Decodes an id, padded. False: it is too long, or has a NUL, which is what ids are padded with. */
static bool mski_plain_id(char out[32], misskey_jstr id)
{
    const uint8_t *p = mski_bytes(id.ptr), *const end = p + id.len;
    unsigned n = 0;
    MISSKEY_MEMSET(out, 0, 32);
    while (p < end) {
        if (n == 32) return false;
        out[n] = (char)mski_ascii(&p, end);
        if (out[n++] == 0) return false;
    }
    return true;
}

static misskey_jstr mski_padded_id(const char *id, size_t size)
{
    misskey_jstr s;
    s.ptr = id;
    for (s.len = 0; s.len < size && id[s.len] != 0; s.len++) {}
    return s;
}

MISSKEY_API misskey_err misskey_note_capture(misskey_session *session, const char *id, size_t len)
{
    misskey_capture_slot *slots = session->d_.captures;
    char key[32];
    uint16_t i, bucket;
    if (session->state_ == MSKI_UNMADE) return MISSKEY_ERR_BAD_STATE;
    if (!mski_note_id(key, id, len)) return MISSKEY_ERR_BAD_ARG;
    i = mski_find_capture(session, key);
    if (i == MSKI_NONE) {
        if (session->free_ == MSKI_NONE) return MISSKEY_ERR_FULL;
        i = session->free_;
        session->free_ = slots[i].next_;
        bucket = mski_bucket(key, session->d_.num_captures);
        MISSKEY_MEMCPY(slots[i].id_, key, 32);
        slots[i].next_ = slots[bucket].head_;
        slots[bucket].head_ = i;
    }
    if ((slots[i].refs_ & MSKI_REFS) == MSKI_REFS) return MISSKEY_ERR_FULL;
    slots[i].refs_++;
    if ((slots[i].refs_ & MSKI_ON_WIRE) == 0 && i < session->resume_) { /* else the resume is still to come to it */
        mski_queue_capture(session, i, &session->subs_, &session->subs_end_);
    }
    return MISSKEY_ERR_OK;
}

MISSKEY_API misskey_err misskey_note_release(misskey_session *session, const char *id, size_t len)
{
    misskey_capture_slot *slots = session->d_.captures;
    char key[32];
    uint16_t i;
    if (!mski_note_id(key, id, len)) return MISSKEY_ERR_BAD_ARG;
    i = mski_find_capture(session, key);
    if (i == MSKI_NONE || (slots[i].refs_ & MSKI_REFS) == 0) return MISSKEY_ERR_STALE;
    slots[i].refs_--;
    if ((slots[i].refs_ & MSKI_REFS) == 0 && (slots[i].refs_ & MSKI_ON_WIRE) != 0) {
        mski_queue_capture(session, i, &session->unsubs_, &session->unsubs_end_);
    } else if ((slots[i].refs_ & MSKI_REFS) == 0) {
        mski_free_capture(session, i);
    }
    return MISSKEY_ERR_OK;
}

/* --- channels --- */

static misskey_channel mski_handle(const misskey_session *s, const misskey_channel_slot *slot)
{
    misskey_channel channel;
    channel.id = (uint32_t)slot->generation_ << 16 | (uint32_t)(slot - s->d_.channels);
    return channel;
}

static misskey_channel_slot *mski_channel_of(const misskey_session *s, misskey_channel channel)
{
    const uint32_t i = channel.id & 0xFFFF;
    if (i >= s->d_.num_channels || channel.id >> 16 == 0) return NULL;
    if (s->d_.channels[i].refs_ == 0 || s->d_.channels[i].generation_ != channel.id >> 16) return NULL;
    return &s->d_.channels[i];
}

/* The id on the wire: slot and number of the connect, in hexadecimal. Never the same twice on a connection. */
static misskey_jstr mski_wire_id(uint32_t slot, uint32_t wire, char text[16])
{
    static const char hex[] = "0123456789abcdef";
    uint32_t part = slot;
    misskey_jstr id;
    int i = 16;
    for (id.len = 0; id.len < 2; id.len++) {
        if (id.len == 1) text[--i] = '.';
        part = id.len == 0 ? wire : slot;
        do text[--i] = hex[part & 15]; while ((part >>= 4) != 0);
    }
    id.ptr = text + i;
    id.len = (size_t)(16 - i);
    return id;
}

/* 0 is never the number of a connect. */
static uint32_t mski_next_wire(const misskey_session *s) { return s->wire_ + 1 == 0 ? 1 : s->wire_ + 1; }

/* The slot that an id on the wire means; NULL if it is none of this connection, or not any more. */
static misskey_channel_slot *mski_channel_by_wire(const misskey_session *s, misskey_jstr id)
{
    uint32_t part[2] = { 0, 0 };
    unsigned n = 0;
    size_t i;
    for (i = 0; i < id.len; i++) {
        const unsigned digit = mski_hex((uint8_t)id.ptr[i]);
        if (id.ptr[i] == '.' && n == 0) n++;
        else if (digit > 15 || part[n] >> 28 != 0) return NULL;
        else part[n] = part[n] << 4 | digit;
    }
    if (n == 0 || part[0] >= s->d_.num_channels || part[1] == 0) return NULL;
    return s->d_.channels[part[0]].wire_ == part[1] ? &s->d_.channels[part[0]] : NULL;
}

/* Another channel of the same name that the server has, or may have. */
static const misskey_channel_slot *mski_same_name(const misskey_session *s, const misskey_channel_slot *than,
                                                  const char *name)
{
    uint16_t i;
    for (i = 0; i < s->d_.num_channels; i++) {
        const misskey_channel_slot *const slot = &s->d_.channels[i];
        if (slot != than && slot->state_ > MSKI_WANTED && mski_same_string(slot->name_, name)) return slot;
    }
    return NULL;
}

static void mski_free_channel(misskey_channel_slot *slot)
{
    slot->state_ = MSKI_FREE;
    slot->wire_ = 0;
}

/* Plain text that is the same as the inside of a JSON string. */
static bool mski_needs_no_escape(const char *text)
{
    const uint8_t *const p = mski_bytes(text), *const end = p + MISSKEY_STRLEN(text);
    mski_scan s;
    mski_scan_init(&s, p, end, true);
    return p < end && mski_characters(&s, p) == end && !mski_contains(text, '\\');
}

/* JSON text without white space around it. */
static misskey_err mski_check_value(const char *text)
{
    const size_t len = MISSKEY_STRLEN(text);
    misskey_json value;
    const misskey_err err = misskey_json_check(text, len, &value, NULL);
    if (err != MISSKEY_ERR_OK) return err;
    return value.len == len ? MISSKEY_ERR_OK : MISSKEY_ERR_BAD_JSON;
}

static void mski_connect_message(const char *name, const char *params, misskey_jstr id, misskey_message *m)
{
    MISSKEY_MEMSET(m, 0, sizeof *m);
    m->kind = MISSKEY_KIND_CONNECT;
    m->channel = misskey_jstr_text(name);
    m->id = id;
    m->body = misskey_json_text(params);
    m->pong = true;
}

/* What can be known before anything is sent. */
static MSKI_NOINLINE misskey_err mski_check_channel(const misskey_session *s, const char *name, const char *params)
{
    const mski_channel_kind *kind;
    misskey_message m;
    char id[16];
    if (*params != '{') return MISSKEY_ERR_BAD_JSON;
    kind = mski_find_channel_kind(misskey_jstr_text(name));
    if (kind != NULL && kind->credential && s->d_.anonymous) return MISSKEY_ERR_NO_TOKEN;
    mski_connect_message(name, params, mski_wire_id(0xFFFF, 0xFFFFFFFFu, id), &m);
    return mski_write_message(&m, NULL, 0) > s->limit_ ? MISSKEY_ERR_TOO_SMALL : MISSKEY_ERR_OK;
}

/* An open, or closing, channel that the server would share with a new one of this name. */
static misskey_channel_slot *mski_share(const misskey_session *s, const char *name, const char *params, bool going)
{
    const uint16_t count = mski_shared(s, name) ? s->d_.num_channels : 0;
    uint16_t i;
    for (i = 0; i < count; i++) {
        misskey_channel_slot *const slot = &s->d_.channels[i];
        if (slot->state_ == MSKI_FREE || ((slot->flags_ & MSKI_GOING) != 0) != going) continue;
        if (mski_same_string(slot->name_, name) && (!going || mski_same_string(slot->params_, params))) return slot;
    }
    return NULL;
}

static void mski_tell(misskey_session *s, misskey_channel_slot *slot, unsigned notice)
{
    slot->flags_ = (uint8_t)(slot->flags_ | notice);
    s->flags_ |= MSKI_NOTICES;
}

static uint16_t mski_channels_in_use(const misskey_session *s, uint8_t from)
{
    uint16_t i, n = 0;
    for (i = 0; i < s->d_.num_channels; i++) if (s->d_.channels[i].state_ >= from) n++;
    return n;
}

/* For one more channel; NULL: there is no slot, or the server has no place. */
static misskey_channel_slot *mski_free_slot(const misskey_session *s)
{
    const uint16_t used = mski_channels_in_use(s, MSKI_WANTED);
    misskey_channel_slot *slot = s->d_.channels;
    if (used >= s->d_.max_channels || used == s->d_.num_channels) return NULL;
    while (slot->state_ != MSKI_FREE) slot++;
    return slot;
}

MISSKEY_API misskey_err misskey_channel_open(misskey_session *session, const char *name, const char *params, void *user,
                                             misskey_channel *channel)
{
    const char *const text = params == NULL ? "{}" : params;
    misskey_err err = mski_check_value(text);
    misskey_channel_slot *slot;
    uint16_t generation;
    if (session->state_ == MSKI_UNMADE) return MISSKEY_ERR_BAD_STATE;
    if (name == NULL || !mski_needs_no_escape(name)) return MISSKEY_ERR_BAD_ARG;
    if (err == MISSKEY_ERR_OK) err = mski_check_channel(session, name, text);
    if (err != MISSKEY_ERR_OK) return err;
    slot = mski_share(session, name, text, false);
    if (slot != NULL) {
        if (!mski_same_string(slot->params_, text)) return MISSKEY_ERR_SHARED;
        if (slot->refs_ == 0xFFFF) return MISSKEY_ERR_FULL;
        slot->refs_++;
        *channel = mski_handle(session, slot);
        return MISSKEY_ERR_OK;
    }
    slot = mski_share(session, name, text, true);
    if (slot == NULL) {
        slot = mski_free_slot(session);
        if (slot == NULL) return MISSKEY_ERR_FULL;
        generation = slot->generation_;
        MISSKEY_MEMSET(slot, 0, sizeof *slot);
        slot->generation_ = generation == 0 ? 1 : generation;
        slot->state_ = MSKI_WANTED;
    }
    slot->flags_ = 0; /* if it was going, its disconnect has not been sent: it stays */
    if (slot->state_ == MSKI_READY) mski_tell(session, slot, MSKI_TELL_READY);
    if (slot->state_ == MSKI_REFUSED) mski_tell(session, slot, MSKI_TELL_REFUSED);
    slot->name_ = name;
    slot->params_ = text;
    slot->user_ = user;
    slot->refs_ = 1;
    session->flags_ |= MSKI_CHANNELS;
    *channel = mski_handle(session, slot);
    return MISSKEY_ERR_OK;
}

MISSKEY_API misskey_err misskey_channel_close(misskey_session *session, misskey_channel channel)
{
    misskey_channel_slot *const slot = mski_channel_of(session, channel);
    if (slot == NULL) return MISSKEY_ERR_STALE;
    if (--slot->refs_ > 0) return MISSKEY_ERR_OK;
    slot->generation_ = (uint16_t)(slot->generation_ == 0xFFFF ? 1 : slot->generation_ + 1);
    slot->flags_ = MSKI_GOING;
    slot->last_len_ = 0;
    session->flags_ |= MSKI_CHANNELS;
    if (slot->state_ == MSKI_WANTED) mski_free_channel(slot);
    return MISSKEY_ERR_OK;
}

/* The server has the channel. */
static void mski_channel_ready(misskey_session *s, misskey_channel_slot *slot)
{
    if (slot->state_ == MSKI_READY) return;
    slot->state_ = MSKI_READY;
    s->flags_ |= MSKI_CHANNELS; /* a disconnect may have waited for this */
    if (slot->flags_ & MSKI_GOING) return;
    mski_tell(s, slot, MSKI_TELL_READY);
    if ((slot->flags_ & MSKI_LOST) == 0) return;
    if (s->now_ - slot->lost_ >= s->d_.blink_ms) mski_tell(s, slot, MSKI_TELL_GAP);
    else slot->flags_ &= (uint8_t)~MSKI_LOST;
}

static misskey_reason mski_probable_reason(const misskey_session *s, const misskey_channel_slot *slot)
{
    const mski_channel_kind *const kind = mski_find_channel_kind(misskey_jstr_text(slot->name_));
    if (kind == NULL) return MISSKEY_REASON_NAME;
    if (kind->share != MISSKEY_SHARE_ANY && mski_same_name(s, slot, slot->name_) != NULL) return MISSKEY_REASON_SHARED;
    return mski_channels_in_use(s, MSKI_ASKED) >= s->d_.max_channels ? MISSKEY_REASON_LIMIT : MISSKEY_REASON_UNKNOWN;
}

static bool mski_is_overdue(const misskey_session *s, const misskey_channel_slot *slot)
{
    return slot->state_ == MSKI_ASKED && mski_remaining(s->now_, slot->asked_, s->d_.ack_ms) == 0;
}

/* All that had arrived was looked at: acknowledgements that are overdue will not come. */
static void mski_give_up_overdue(misskey_session *s)
{
    uint16_t i;
    if ((s->flags_ & MSKI_OVERDUE) == 0) return;
    s->flags_ = (uint16_t)(s->flags_ & ~MSKI_OVERDUE);
    for (i = 0; i < s->d_.num_channels; i++) {
        misskey_channel_slot *const slot = &s->d_.channels[i];
        if (!mski_is_overdue(s, slot)) continue;
        slot->state_ = MSKI_REFUSED;
        s->flags_ |= MSKI_CHANNELS;
        if ((slot->flags_ & MSKI_GOING) == 0) mski_tell(s, slot, MSKI_TELL_REFUSED);
    }
}

/* The channel that the next event is about: one whose READY was given and whose GAP was not comes first. */
static misskey_channel_slot *mski_next_notice(const misskey_session *s)
{
    const unsigned all = MSKI_TELL_READY | MSKI_TELL_REFUSED | MSKI_TELL_GAP;
    misskey_channel_slot *found = NULL;
    uint16_t i;
    for (i = 0; i < s->d_.num_channels; i++) {
        misskey_channel_slot *const slot = &s->d_.channels[i];
        const unsigned notice = slot->flags_ & all;
        if (notice == MSKI_TELL_GAP) return slot;
        if (notice != 0 && found == NULL) found = slot;
    }
    return found;
}

/* The next event about a channel: READY or REFUSED, then GAP. */
static bool mski_notice(misskey_session *s, misskey_event *event)
{
    misskey_channel_slot *slot;
    if ((s->flags_ & MSKI_NOTICES) == 0) return false;
    slot = mski_next_notice(s);
    if (slot == NULL) {
        s->flags_ = (uint16_t)(s->flags_ & ~MSKI_NOTICES);
        return false;
    }
    mski_zero(event, sizeof *event);
    event->channel = mski_handle(s, slot);
    event->user = slot->user_;
    if (slot->flags_ & MSKI_TELL_REFUSED) {
        event->type = MISSKEY_EVENT_CHANNEL_REFUSED;
        event->reason = mski_probable_reason(s, slot);
        slot->flags_ &= (uint8_t)~MSKI_TELL_REFUSED;
    } else if (slot->flags_ & MSKI_TELL_READY) {
        event->type = MISSKEY_EVENT_CHANNEL_READY;
        slot->flags_ &= (uint8_t)~MSKI_TELL_READY;
    } else {
        event->type = MISSKEY_EVENT_GAP;
        event->outage_ms = s->now_ - slot->lost_;
        if (slot->last_len_ > 0) {
            event->last_id.ptr = slot->last_;
            event->last_id.len = slot->last_len_;
        }
        slot->flags_ &= (uint8_t)~(MSKI_TELL_GAP | MSKI_LOST);
    }
    return true;
}

/* --- what is to be sent --- */

typedef struct mski_outgoing {
    misskey_message message;
    misskey_channel_slot *channel;  /* connect, disconnect */
    uint16_t capture;               /* subNote, unsubNote */
    char id[16];
} mski_outgoing;

static misskey_channel_slot *mski_next_channel(misskey_session *s, bool going)
{
    uint16_t i;
    for (i = 0; i < s->d_.num_channels; i++) {
        misskey_channel_slot *const slot = &s->d_.channels[i];
        if (going && (slot->flags_ & MSKI_GOING) != 0 && slot->state_ > MSKI_ASKED) return slot;
        if (!going && slot->state_ == MSKI_WANTED &&
            !(mski_shared(s, slot->name_) && mski_same_name(s, slot, slot->name_) != NULL)) {
            return slot;
        }
    }
    return NULL;
}

static void mski_out_capture(const misskey_session *s, mski_outgoing *out, misskey_kind kind, uint16_t i)
{
    out->message.kind = kind;
    out->message.id = mski_padded_id(s->d_.captures[i].id_, 32);
    out->capture = i;
}

/* The next message, in the order of their claim on free room. False: none now. */
static bool mski_next_message(misskey_session *s, mski_outgoing *out)
{
    misskey_jstr id;
    uint16_t i;
    MISSKEY_MEMSET(out, 0, sizeof *out);
    if (s->state_ != MSKI_UP) return false;
    if (s->flags_ & MSKI_BEAT) {
        out->message.kind = MISSKEY_KIND_TEXT_H;
        return true;
    }
    if (mski_pace(s) > 0) return false;
    if ((s->flags_ & MSKI_CHANNELS) != 0 && (out->channel = mski_next_channel(s, true)) != NULL) {
        out->message.kind = MISSKEY_KIND_DISCONNECT;
        out->message.id = mski_wire_id((uint32_t)(out->channel - s->d_.channels), out->channel->wire_, out->id);
        return true;
    }
    if ((i = mski_queue_head(s, &s->unsubs_, false)) != MSKI_NONE) {
        mski_out_capture(s, out, MISSKEY_KIND_UNSUB_NOTE, i);
        return true;
    }
    if ((s->flags_ & MSKI_CHANNELS) != 0 && (out->channel = mski_next_channel(s, false)) != NULL) {
        id = mski_wire_id((uint32_t)(out->channel - s->d_.channels), mski_next_wire(s), out->id);
        mski_connect_message(out->channel->name_, out->channel->params_, id, &out->message);
        return true;
    }
    s->flags_ = (uint16_t)(s->flags_ & ~MSKI_CHANNELS);
    i = mski_resume_head(s);
    if (i == MSKI_NONE) i = mski_queue_head(s, &s->subs_, true);
    if (i != MSKI_NONE) mski_out_capture(s, out, MISSKEY_KIND_SUB_NOTE, i);
    return i != MSKI_NONE;
}

static void mski_trace(misskey_session *s, bool sent, const char *text, size_t len)
{
    if (sent) s->counters.sent++;
    if (s->d_.trace != NULL) s->d_.trace(s->d_.user, sent, text, len);
}

/* The message was handed out. */
static void mski_message_sent(misskey_session *s, const mski_outgoing *out)
{
    misskey_capture_slot *capture;
    s->beat_ = s->now_;
    s->flags_ = (uint16_t)(s->flags_ & ~MSKI_BEAT);
    if (out->message.kind == MISSKEY_KIND_TEXT_H) return;
    mski_count_paced(s);
    switch (out->message.kind) {
    case MISSKEY_KIND_DISCONNECT:
        mski_free_channel(out->channel);
        break;
    case MISSKEY_KIND_CONNECT:
        out->channel->wire_ = s->wire_ = mski_next_wire(s);
        out->channel->state_ = MSKI_ASKED;
        out->channel->asked_ = s->now_;
        break;
    case MISSKEY_KIND_UNSUB_NOTE:
        s->unsubs_ = s->d_.captures[out->capture].queue_;
        s->d_.captures[out->capture].refs_ = 0;
        mski_free_capture(s, out->capture);
        break;
    default: /* subNote: of the resume, or of the queue behind it */
        capture = &s->d_.captures[out->capture];
        if (capture->refs_ & MSKI_QUEUED) s->subs_ = capture->queue_;
        else s->resume_++;
        capture->refs_ = (uint16_t)((capture->refs_ & MSKI_REFS) | MSKI_ON_WIRE);
    }
}

/* --- what has come --- */

enum { MSKI_DELIVER, MSKI_HOLD, MSKI_SWALLOW };

static MSKI_NOINLINE bool mski_captured(const misskey_session *s, misskey_jstr id)
{
    char plain[32];
    uint16_t i;
    if (!mski_plain_id(plain, id)) return false;
    i = mski_find_capture(s, plain);
    return i != MSKI_NONE && (s->d_.captures[i].refs_ & MSKI_REFS) != 0;
}

/* The last note of a channel: where a gap begins. Servers write the id of a note first, so the walk is short. */
static MSKI_NOINLINE void mski_remember_note(const misskey_session *s, const misskey_event *event)
{
    misskey_channel_slot *const slot = mski_channel_of(s, event->channel);
    misskey_iter it = misskey_json_iter(event->message.body);
    const uint8_t *p, *end;
    misskey_jstr id;
    uint8_t n;
    if (slot == NULL || !mski_is_name(event->message.event, "note")) return;
    while (misskey_json_next(&it)) {
        if (!mski_is_name(it.key, "id")) continue;
        id = misskey_json_str(it.value);
        p = mski_bytes(id.ptr);
        end = p + id.len;
        for (n = 0; p < end && n < sizeof slot->last_; n++) slot->last_[n] = (char)mski_ascii(&p, end);
        slot->last_len_ = p == end ? n : 0;
        return;
    }
}

/* A message of a channel, or its acknowledgement. */
static MSKI_NOINLINE int mski_route_channel(misskey_session *s, misskey_event *event)
{
    misskey_channel_slot *const slot = mski_channel_by_wire(s, event->message.id);
    const bool fresh = slot != NULL && slot->state_ != MSKI_READY;
    if (slot == NULL) {
        s->counters.leaked++;
        return MSKI_SWALLOW;
    }
    mski_channel_ready(s, slot);
    if (event->message.kind == MISSKEY_KIND_CONNECTED) return MSKI_SWALLOW;
    if (slot->flags_ & MSKI_GOING) {
        s->counters.leaked++;
        return MSKI_SWALLOW;
    }
    if (fresh && event->type == MISSKEY_EVENT_MESSAGE) return MSKI_HOLD;
    event->channel = mski_handle(s, slot);
    event->user = slot->user_;
    return MSKI_DELIVER;
}

/* A message that came for the first time (not held back before): counts it, and says what becomes of it. */
static int mski_route(misskey_session *s, misskey_event *event)
{
    switch (event->message.kind) {
    case MISSKEY_KIND_CHANNEL:
    case MISSKEY_KIND_CONNECTED:
        return s->d_.num_channels > 0 ? mski_route_channel(s, event) : MSKI_DELIVER;
    case MISSKEY_KIND_NOTE_UPDATED:
        if (s->d_.num_captures == 0 || mski_captured(s, event->message.id)) return MSKI_DELIVER;
        s->counters.leaked++;
        return MSKI_SWALLOW;
    case MISSKEY_KIND_PING:
        s->flags_ |= MSKI_BEAT;
        return MSKI_DELIVER;
    default:
        if (event->type != MISSKEY_EVENT_MESSAGE) return MSKI_DELIVER;
        if (mski_forms[event->message.kind] == MSKI_FORM_TEXT) s->counters.texts++;
        return MSKI_DELIVER;
    }
}

/* --- the transport --- */

static void mski_enter_state(misskey_session *s, uint8_t state, uint32_t since)
{
    s->state_ = state;
    s->since_ = since;
    s->flags_ = (uint16_t)(s->flags_ & ~(MSKI_DIAL_DUE | MSKI_FRESH));
}

static void mski_session_open(misskey_session *s, misskey_event *event)
{
    event->type = MISSKEY_EVENT_OPEN;
    event->resumed = (s->flags_ & MSKI_RESUMED) != 0;
    event->size = s->unsent_;
    s->unsent_ = 0;
    mski_enter_state(s, MSKI_UP, s->now_);
    s->came_ = s->sure_ = s->beat_ = s->now_;
    s->flags_ = (uint16_t)((s->flags_ & ~(MSKI_STALLED | MSKI_PROBE | MSKI_PROBED)) | MSKI_RESUMED | MSKI_CHANNELS);
}

/* When to dial again. status: HTTP status or Close code. The longest wait: a server that had enough of us (1008, 1013),
   and one that took this token before, as a 403 then comes from something in between. */
static void mski_plan_dial(misskey_session *s, uint16_t status, uint32_t retry_after)
{
    const bool refused = status == 401 || (status == 403 && (s->flags_ & MSKI_RESUMED) == 0);
    uint32_t span = s->d_.retry_ms;
    unsigned i;
    if (status == 1008 || status == 1013 || status == 403) s->failures_ = 31;
    for (i = 0; i < s->failures_ && span < s->d_.retry_max_ms; i++) span = span >> 31 != 0 ? 0xFFFFFFFFu : span << 1;
    span = 500 + mski_spread(s, mski_least(mski_least(span, s->d_.retry_max_ms), 0x3FFFFFFFu));
    if (retry_after > 0) span = 1000 * mski_least(retry_after, 1000000) + mski_spread(s, 999);
    if (s->failures_ < 31) s->failures_++;
    mski_enter_state(s, refused || (s->flags_ & MSKI_QUIT) != 0 ? MSKI_STOPPED : MSKI_DOWN, s->now_ + span);
}

static void mski_session_lost(misskey_session *s, uint16_t status, uint32_t retry_after)
{
    uint16_t i;
    if (s->state_ == MSKI_UP) {
        s->counters.outages++;
    }
    for (i = 0; i < s->d_.num_channels; i++) {
        misskey_channel_slot *const slot = &s->d_.channels[i];
        if (slot->state_ == MSKI_FREE) continue;
        if (slot->flags_ & MSKI_GOING) mski_free_channel(slot);
        if (slot->state_ == MSKI_READY && (slot->flags_ & MSKI_LOST) == 0) {
            slot->flags_ |= MSKI_LOST;
            slot->lost_ = s->sure_;
        }
        slot->flags_ &= MSKI_LOST;
        slot->wire_ = 0;
        if (slot->state_ != MSKI_FREE) slot->state_ = MSKI_WANTED;
    }
    mski_reset_captures(s);
    s->flags_ = (uint16_t)(s->flags_ & ~(MSKI_BEAT | MSKI_NOTICES | MSKI_OPENED | MSKI_OVERDUE));
    mski_plan_dial(s, status, retry_after);
}

/* After DIAL the caller has the longest wait to connect; who let the event pass gets another one. */
static bool mski_dial_event(misskey_session *s, misskey_event *event)
{
    if ((s->flags_ & MSKI_DIAL_DUE) == 0) return false;
    mski_zero(event, sizeof *event);
    event->type = MISSKEY_EVENT_DIAL;
    mski_enter_state(s, MSKI_DIALLING, s->now_ + mski_least(s->d_.retry_max_ms, 0x3FFFFFFFu));
    s->dialled_ = s->now_;
    return true;
}

MISSKEY_API void misskey_session_dial_now(misskey_session *session)
{
    if (session->state_ == MSKI_STOPPED && (session->flags_ & MSKI_QUIT) == 0) session->state_ = MSKI_DOWN;
    if (session->state_ != MSKI_DOWN) return;
    session->since_ = session->now_ + mski_remaining(session->now_, session->dialled_, 500);
    if (session->since_ == session->now_) session->flags_ |= MSKI_DIAL_DUE;
}

static void mski_joining(misskey_session *s)
{
    mski_enter_state(s, MSKI_JOINING, s->now_);
    s->dialled_ = s->now_;
}

/* --- what time does --- */

/* A tick so long after the last one (milliseconds) is a stall: either nothing happened, or the caller was asleep (a
   closed lid, SIGSTOP, a full pipe, a slow handler). The two look alike, so what is read next may have waited all that
   time, and what followed it may be lost. This doubt ends with a pong to a ping sent after the stall, or when nothing
   can be waiting any more. */
#define MSKI_STALL 2000u
#define MSKI_SLEEP 10000u       /* so late, the caller was asleep for certain: a ping is worth it */
#define MSKI_CALM 1000u         /* nothing came for so long, and one turn of the loop found nothing to read */
#define MSKI_CAUGHT_UP 60000u   /* so long without a stall, whatever came meanwhile */

#define MSKI_STALL_FLAGS (MSKI_STALLED | MSKI_PROBE | MSKI_PROBED)

/* told: how long the caller could sleep at most. */
static void mski_watch_stalls(misskey_session *s, uint32_t passed, uint32_t told)
{
    const uint32_t last = s->now_ - passed, since = s->now_ - s->stalled_;
    if (passed >= MSKI_STALL) {
        if ((s->flags_ & MSKI_STALLED) == 0 || s->came_ != last) s->before_ = last;
        s->stalled_ = s->now_;
        s->flags_ = (uint16_t)((s->flags_ & ~MSKI_PROBED) | MSKI_STALLED);
        if (passed > told && passed - told >= MSKI_SLEEP) s->flags_ |= MSKI_PROBE;
    } else if (since >= MSKI_CAUGHT_UP || (since >= MSKI_CALM && s->now_ - s->came_ >= MSKI_CALM && s->came_ != last)) {
        s->flags_ = (uint16_t)(s->flags_ & ~MSKI_STALL_FLAGS);
    }
}

static bool mski_came_after_stall(const misskey_session *s) { return s->came_ - s->stalled_ <= s->now_ - s->stalled_; }

/* What has come is whole: nothing before it is missing, as far as its age is known. */
static void mski_came(misskey_session *s, uint32_t when)
{
    s->came_ = when;
    if ((s->flags_ & MSKI_STALLED) == 0) s->sure_ = when;
    else if (mski_came_after_stall(s)) s->sure_ = s->before_;
}

static void mski_pass_time(misskey_session *s, uint32_t now_ms, uint32_t told)
{
    const uint32_t passed = mski_advance(&s->now_, &s->clock_, now_ms);
    const uint32_t wait = s->since_ - (s->now_ - passed);
    uint16_t i;
    if (s->state_ == MSKI_DOWN || s->state_ == MSKI_DIALLING) {
        if ((s->flags_ & MSKI_FRESH) != 0 && !mski_was_told(passed, wait)) s->since_ += passed;
        else if (passed >= wait) s->flags_ |= MSKI_DIAL_DUE;
    }
    s->flags_ = (uint16_t)(s->flags_ & ~MSKI_FRESH);
    if (s->state_ != MSKI_UP) return;
    for (i = 0; i < s->d_.num_channels; i++) {
        if (mski_is_overdue(s, &s->d_.channels[i])) s->flags_ |= MSKI_OVERDUE;
    }
    mski_watch_stalls(s, passed, told);
    if (s->now_ - s->since_ >= s->d_.stable_ms) s->failures_ = 0;
    if (mski_remaining(s->now_, s->beat_, s->d_.heartbeat_ms) == 0) s->flags_ |= MSKI_BEAT;
}

/* --- public --- */

MISSKEY_API misskey_err misskey_session_init(misskey_session *session, const misskey_session_desc *desc)
{
    misskey_session_desc *const d = &session->d_;
    uint16_t i;
    MISSKEY_MEMSET(session, 0, sizeof *session);
    if ((desc->num_channels > 0 && desc->channels == NULL) || (desc->num_captures > 0 && desc->captures == NULL) ||
        desc->num_captures >= MSKI_NONE) {
        return MISSKEY_ERR_BAD_ARG;
    }
    MISSKEY_MEMCPY(d, desc, sizeof *desc);
    if (d->max_channels == 0) d->max_channels = 32;
    if (d->rate == 0) d->rate = 64;
    d->ack_ms = mski_default(d->ack_ms, 10000);
    d->heartbeat_ms = mski_default(d->heartbeat_ms, MISSKEY_FOREVER);
    d->retry_ms = mski_default(d->retry_ms, 1000);
    d->retry_max_ms = mski_default(d->retry_max_ms, 60000);
    d->stable_ms = mski_default(d->stable_ms, 30000);
    if (d->num_channels > 0) MISSKEY_MEMSET(d->channels, 0, d->num_channels * sizeof *d->channels);
    if (d->num_captures > 0) MISSKEY_MEMSET(d->captures, 0, d->num_captures * sizeof *d->captures);
    for (i = 0; i < d->num_captures; i++) {
        d->captures[i].head_ = MSKI_NONE;
        d->captures[i].next_ = (uint16_t)(i + 1 < d->num_captures ? i + 1u : MSKI_NONE);
    }
    session->free_ = d->num_captures > 0 ? 0 : MSKI_NONE;
    session->subs_ = session->unsubs_ = MSKI_NONE;
    session->limit_ = 0xFFFFFFFFu;
    session->paced_ = 0u - 1000;
    session->state_ = MSKI_DOWN;
    session->flags_ = MSKI_DIAL_DUE;
    return MISSKEY_ERR_OK;
}

MISSKEY_API void misskey_session_transport_up(misskey_session *session)
{
    if (session->state_ == MSKI_UP) mski_session_lost(session, 0, 0);
    if (session->state_ == MSKI_UNMADE) return;
    mski_joining(session);
    session->flags_ |= MSKI_OPENED;
}

MISSKEY_API void misskey_session_transport_down(misskey_session *session, uint16_t status, uint32_t retry_after)
{
    if (session->state_ < MSKI_DIALLING || session->state_ > MSKI_UP) return;
    mski_session_lost(session, status, retry_after);
    session->flags_ |= MSKI_FRESH;
}

MISSKEY_API misskey_err misskey_session_recv_message(misskey_session *session, const char *text, size_t len)
{
    if (session->state_ == MSKI_UNMADE) return MISSKEY_ERR_BAD_STATE;
    if (session->flags_ & MSKI_BORROWED) return MISSKEY_ERR_WOULD_BLOCK;
    if (!mski_utf8_valid(text, len, false)) return MISSKEY_ERR_BAD_UTF8;
    session->text_.ptr = text;
    session->text_.len = len;
    mski_came(session, session->now_);
    session->flags_ |= MSKI_LENT | MSKI_BORROWED;
    return MISSKEY_ERR_OK;
}

MISSKEY_API misskey_err misskey_session_send_message(misskey_session *session, char *dst, size_t cap, size_t *len)
{
    mski_outgoing out;
    *len = 0;
    if (!mski_next_message(session, &out)) return MISSKEY_ERR_WOULD_BLOCK;
    *len = mski_write_message(&out.message, dst, cap);
    if (*len > cap) return MISSKEY_ERR_TOO_SMALL;
    mski_trace(session, true, dst, *len);
    mski_message_sent(session, &out);
    return MISSKEY_ERR_OK;
}

static misskey_err mski_check_operation(const misskey_session *s, misskey_channel channel, const char *type,
                                        const char *body)
{
    const misskey_channel_slot *const slot = mski_channel_of(s, channel);
    if (slot == NULL) return MISSKEY_ERR_STALE;
    if (slot->state_ != MSKI_READY) return MISSKEY_ERR_NOT_READY;
    if (type == NULL || !mski_needs_no_escape(type)) return MISSKEY_ERR_BAD_ARG;
    return body == NULL ? MISSKEY_ERR_OK : mski_check_value(body);
}

/* The message for an operation on a channel that is ready. */
static void mski_operation(const misskey_session *s, misskey_channel channel, const char *type, const char *body,
                           char id[16], misskey_message *m)
{
    const misskey_channel_slot *const slot = mski_channel_of(s, channel);
    MISSKEY_MEMSET(m, 0, sizeof *m);
    m->kind = MISSKEY_KIND_CHANNEL;
    m->id = mski_wire_id((uint32_t)(slot - s->d_.channels), slot->wire_, id);
    m->event = misskey_jstr_text(type);
    m->body = misskey_json_text(body == NULL ? "{}" : body);
}

static MSKI_NOINLINE misskey_err mski_operate(misskey_session *session, misskey_channel channel, const char *type,
                                              const char *body, char *dst, size_t cap, size_t *len)
{
    misskey_message m;
    char id[16];
    mski_operation(session, channel, type, body, id, &m);
    *len = mski_write_message(&m, dst, cap);
    if (*len > cap) return MISSKEY_ERR_TOO_SMALL;
    mski_trace(session, true, dst, *len);
    session->beat_ = session->now_;
    return MISSKEY_ERR_OK;
}

MISSKEY_API misskey_err misskey_session_channel_send(misskey_session *session, misskey_channel channel,
                                                     const char *type, const char *body, char *dst, size_t cap,
                                                     size_t *len)
{
    const misskey_err err = mski_check_operation(session, channel, type, body);
    *len = 0;
    return err != MISSKEY_ERR_OK ? err : mski_operate(session, channel, type, body, dst, cap, len);
}

/* A message, taken apart already. True: give it now; false: it is held back, or swallowed. */
static bool mski_take_message(misskey_session *s, misskey_event *event)
{
    int what;
    if ((s->flags_ & MSKI_HELD) == 0) {
        s->counters.messages++;
        mski_trace(s, false, event->text.ptr, event->text.len);
    }
    s->flags_ = (uint16_t)(s->flags_ & ~MSKI_HELD);
    what = mski_route(s, event);
    if (what == MSKI_HOLD) {
        s->text_ = event->text;
        s->flags_ |= MSKI_HELD;
    }
    return what == MSKI_DELIVER;
}

static bool mski_session_poll(misskey_session *session, misskey_event *event, misskey_reading *reading)
{
    bool give;
    for (;;) {
        mski_zero(event, sizeof *event);
        if (session->flags_ & MSKI_OPENED) {
            session->flags_ = (uint16_t)(session->flags_ & ~MSKI_OPENED);
            mski_session_open(session, event);
            return true;
        }
        if (mski_dial_event(session, event) || mski_notice(session, event)) return true;
        if ((session->flags_ & MSKI_LENT) == 0) {
            session->flags_ = (uint16_t)(session->flags_ & ~MSKI_BORROWED);
            mski_give_up_overdue(session);
            return mski_notice(session, event);
        }
        event->type = MISSKEY_EVENT_MESSAGE;
        event->text = session->text_;
        (void)mski_parse(mski_bytes(event->text.ptr), event->text.len, false, &event->message, reading);
        give = mski_take_message(session, event);
        if (give) mski_remember_note(session, event);
        if ((session->flags_ & MSKI_HELD) == 0) session->flags_ = (uint16_t)(session->flags_ & ~MSKI_LENT);
        if (give) return true;
    }
}

MISSKEY_API bool misskey_session_poll(misskey_session *session, misskey_event *event)
{
    return mski_session_poll(session, event, NULL);
}

MISSKEY_API bool misskey_session_read(misskey_session *session, misskey_event *event, misskey_reading *reading)
{
    const bool give = mski_session_poll(session, event, reading);
    mski_finish_reading(give, &event->message, reading);
    return give;
}

MISSKEY_API void misskey_session_tick(misskey_session *session, uint32_t now_ms)
{
    mski_pass_time(session, now_ms, MISSKEY_FOREVER);
}

/* Until the session has something to do. room: what it wants to send can be sent. */
static uint32_t mski_session_deadline(const misskey_session *s, bool room)
{
    const bool waiting = (s->flags_ & MSKI_CHANNELS) != 0 || s->resume_ < s->d_.num_captures || s->subs_ != MSKI_NONE ||
                         s->unsubs_ != MSKI_NONE;
    uint32_t least = MISSKEY_FOREVER;
    uint16_t i;
    if (s->flags_ & (MSKI_OPENED | MSKI_LENT | MSKI_NOTICES | MSKI_DIAL_DUE)) return 0;
    if (s->state_ == MSKI_DOWN || s->state_ == MSKI_DIALLING) return s->since_ - s->now_;
    if (s->state_ != MSKI_UP) return least;
    if ((s->flags_ & MSKI_STALLED) != 0 && mski_came_after_stall(s)) least = MSKI_CALM;
    if ((s->flags_ & MSKI_BEAT) == 0) least = mski_least(least, mski_remaining(s->now_, s->beat_, s->d_.heartbeat_ms));
    else if (room) return 0;
    if (room && waiting) least = mski_least(least, mski_pace(s));
    for (i = 0; i < s->d_.num_channels; i++) {
        const misskey_channel_slot *const slot = &s->d_.channels[i];
        if (slot->state_ == MSKI_ASKED) least = mski_least(least, mski_remaining(s->now_, slot->asked_, s->d_.ack_ms));
    }
    return least;
}

MISSKEY_API uint32_t misskey_session_timeout(const misskey_session *session)
{
    return mski_session_deadline(session, true);
}

/* ================================================================================================================== */
/* MARK: - implementation: store                                                                        >>impl-store  */
/* ================================================================================================================== */

/* A slot is its header, the text of the note, free room, and what is remembered: a number for each doing of a user, the
   latest first. Slots that are not held, free ones included, are in a list by use; those whose capture waits for its
   release also in a queue, where they stay until their turn, whoever has them by then. */

#define MSKI_USED 1u                /* flags_ */
#define MSKI_VIEWED 2u              /* a minimized form has come: what it says of the viewer stays */
#define MSKI_DELETED 4u
#define MSKI_EDITED 8u              /* REFETCH was reported */
#define MSKI_CAPTURED 16u           /* by the store */
#define MSKI_WAITING 32u            /* in the queue */
#define MSKI_AGAIN 64u              /* released anew while in the queue */
#define MSKI_COMPLETE 128u          /* more than minimized forms have come */
#define MSKI_TAKEN_BACK 4096u       /* an update has counted down */
#define MSKI_UNDATED 8192u          /* the last edit did not say when it was */

/* What updates have said since the note was fetched: a copy that was packed before them must not take it back. In
   flags_, each bit of MSKI_TOLD moved by MSKI_TOLD_AT. */
#define MSKI_TOLD \
    (MISSKEY_CHANGED_REACTIONS | MISSKEY_CHANGED_MY_REACTION | MISSKEY_CHANGED_POLL | MISSKEY_CHANGED_TEXT)
#define MSKI_TOLD_AT 7
#define MSKI_TOLD_FLAGS ((unsigned)MSKI_TOLD << MSKI_TOLD_AT)

static misskey_note_slot *mski_slot(const misskey_store *s, uint16_t i)
{
    return (misskey_note_slot *)(void *)((uint8_t *)s->d_.mem.ptr + i * s->stride_);
}

static char *mski_text(misskey_note_slot *slot) { return (char *)(slot + 1); }

/* Doings that a slot can remember, and where. */
static uint16_t mski_doings(const misskey_store *s)
{
    return s->d_.note_size >> 5 < 4096 ? (uint16_t)(s->d_.note_size >> 5) : 4096;
}

static uint64_t *mski_seen(const misskey_store *s, misskey_note_slot *slot)
{
    return (uint64_t *)(void *)((uint8_t *)slot + s->stride_) - mski_doings(s);
}

/* Is this text a view into the slot? */
static bool mski_is_within(const misskey_store *s, const misskey_note_slot *slot, const char *text)
{
    return (uintptr_t)text - (uintptr_t)slot < s->stride_;
}

static misskey_json mski_note_text(misskey_note_slot *slot)
{
    const uint8_t *const p = (const uint8_t *)mski_text(slot);
    return mski_json(p, p + slot->len_);
}

/* --- look-up and use --- */

static uint16_t mski_find_note(const misskey_store *s, const char *id)
{
    uint16_t i = s->num_ > 0 ? mski_slot(s, mski_bucket(id, s->num_))->head_ : MSKI_NONE;
    while (i != MSKI_NONE && !mski_equal(mski_slot(s, i)->id_, id, 32)) i = mski_slot(s, i)->next_;
    return i;
}

static MSKI_NOINLINE uint16_t mski_find_note_of(const misskey_store *s, misskey_jstr id)
{
    char plain[32];
    return id.len > 0 && mski_plain_id(plain, id) ? mski_find_note(s, plain) : (uint16_t)MSKI_NONE;
}

static void mski_unlist(misskey_store *s, uint16_t i)
{
    const misskey_note_slot *const slot = mski_slot(s, i);
    if (slot->newer_ == MSKI_NONE) s->newest_ = slot->older_;
    else mski_slot(s, slot->newer_)->older_ = slot->older_;
    if (slot->older_ == MSKI_NONE) s->oldest_ = slot->newer_;
    else mski_slot(s, slot->older_)->newer_ = slot->newer_;
}

static void mski_list_newest(misskey_store *s, uint16_t i)
{
    misskey_note_slot *const slot = mski_slot(s, i);
    slot->newer_ = MSKI_NONE;
    slot->older_ = s->newest_;
    if (s->newest_ == MSKI_NONE) s->oldest_ = i;
    else mski_slot(s, s->newest_)->newer_ = i;
    s->newest_ = i;
}

static void mski_touch(misskey_store *s, uint16_t i)
{
    if (mski_slot(s, i)->holds_ > 0) return;
    mski_unlist(s, i);
    mski_list_newest(s, i);
}

static void mski_uncapture(misskey_store *s, misskey_note_slot *slot)
{
    if ((slot->flags_ & MSKI_CAPTURED) == 0) return;
    slot->flags_ = (uint16_t)(slot->flags_ & ~MSKI_CAPTURED);
    misskey_note_release(s->d_.session, slot->id_, mski_padded_id(slot->id_, 32).len);
}

static void mski_forget_note(misskey_store *s, uint16_t i)
{
    misskey_note_slot *const slot = mski_slot(s, i);
    uint16_t *link = &mski_slot(s, mski_bucket(slot->id_, s->num_))->head_;
    mski_uncapture(s, slot);
    while (*link != i) link = &mski_slot(s, *link)->next_;
    *link = slot->next_;
    slot->flags_ &= MSKI_WAITING;
}

/* The text with nothing but the id. */
static void mski_empty_note(const misskey_store *s, misskey_note_slot *slot)
{
    misskey_jw w;
    misskey_jw_init(&w, mski_text(slot), s->d_.note_size);
    misskey_jw_open(&w, '{');
    misskey_jw_key(&w, "id");
    misskey_jw_str(&w, slot->id_, mski_padded_id(slot->id_, 32).len);
    misskey_jw_close(&w);
    slot->len_ = (uint32_t)w.len;
}

/* A slot for a new note; the one unused for longest makes room. */
static uint16_t mski_new_note(misskey_store *s, misskey_jstr id)
{
    const uint16_t i = s->oldest_;
    misskey_note_slot *slot, *chain;
    if (i == MSKI_NONE) return i;
    slot = mski_slot(s, i);
    if (slot->flags_ & MSKI_USED) mski_forget_note(s, i);
    mski_note_id(slot->id_, id.ptr, id.len);
    chain = mski_slot(s, mski_bucket(slot->id_, s->num_));
    slot->next_ = chain->head_;
    chain->head_ = i;
    slot->flags_ |= MSKI_USED;
    slot->seen_ = slot->along_ = 0;
    slot->inner_ = MSKI_NONE;
    mski_empty_note(s, slot);
    mski_touch(s, i);
    return i;
}

/* --- what is remembered --- */

#define MSKI_FNV_BASIS UINT64_C(0xCBF29CE484222325)
#define MSKI_FNV_PRIME UINT64_C(0x100000001B3)

static uint64_t mski_hash(uint64_t h, const uint8_t *p, size_t n)
{
    for (; n > 0; n--) h = (h ^ *p++) * MSKI_FNV_PRIME;
    return h;
}

/* The parts of a string before and after the first of this character, however it is spelled. False: it has none. */
static MSKI_NOINLINE bool mski_split(misskey_jstr s, char at, misskey_jstr *before, misskey_jstr *after)
{
    const uint8_t *p = mski_bytes(s.ptr), *const begin = p, *const end = p + s.len;
    uint8_t out[4];
    while (p < end) {
        const uint8_t *const here = p;
        if (mski_decode(&p, end, out) != 1 || out[0] != (uint8_t)at) continue;
        *before = mski_jstr(begin, here);
        *after = mski_jstr(p, end);
        return true;
    }
    return false;
}

/* What a user did, as a number whose last bit is free: it says whether it was done, or taken back. A vote has no
   reaction. */
static MSKI_NOINLINE uint64_t mski_doing(misskey_jstr user, misskey_jstr reaction, int64_t choice)
{
    const uint8_t *p = mski_bytes(user.ptr), *const end = p + user.len;
    mski_reaction r = mski_reaction_begin(reaction);
    uint64_t h = MSKI_FNV_BASIS;
    uint8_t out[4] = { 0, 0, 0, 0 };
    unsigned n;
    while (p < end) {
        n = mski_decode(&p, end, out);
        h = mski_hash(h, out, n);
    }
    out[0] = reaction.ptr == NULL ? 1 : 0;
    h = mski_hash(h, out, 1);
    while ((n = mski_reaction_next(&r, out)) > 0) h = mski_hash(h, out, n);
    for (n = 0; n < 8 && reaction.ptr == NULL; n++) h = (h ^ ((uint64_t)choice >> (n * 8) & 0xFF)) * MSKI_FNV_PRIME;
    return h & ~UINT64_C(1);
}

/* Where a doing is remembered; .seen_ = it is not. */
static uint16_t mski_recall(const misskey_store *s, misskey_note_slot *slot, uint64_t doing)
{
    const uint64_t *const seen = mski_seen(s, slot);
    uint16_t i = 0;
    while (i < slot->seen_ && (seen[i] & ~UINT64_C(1)) != doing) i++;
    return i;
}

/* Makes it the latest one. False: the same was known already. */
static bool mski_remember(const misskey_store *s, misskey_note_slot *slot, uint64_t doing, bool done)
{
    uint64_t *const seen = mski_seen(s, slot);
    uint16_t i = mski_recall(s, slot, doing);
    const bool known = i < slot->seen_ && (seen[i] & 1) == done;
    if (i == slot->seen_ && i < mski_doings(s)) slot->seen_++;
    if (i == slot->seen_) i--;
    MISSKEY_MEMMOVE(seen + 1, seen, i * sizeof *seen);
    seen[0] = doing | done;
    return !known;
}

/* --- changing the text of a note --- */

/* A note being changed, and what of it was. */
typedef struct mski_edit {
    misskey_note_slot *slot;
    size_t limit;                   /* bytes that the text may have */
    uint32_t changed;
    uint32_t told;                  /* parts that updates have said something of */
    uint16_t left;                  /* members that may still be merged */
    bool fetched;                   /* the copy is the truth */
} mski_edit;

/* What a member stands for. first: it comes before the others where not everything fits. viewer: minimized forms have
   it, made for who looks at it. adds: older copies may add members to it. */
typedef struct mski_part { uint16_t changed, told; bool first, viewer, adds; } mski_part;

static MSKI_NOINLINE const mski_part *mski_part_of(misskey_jstr key)
{
    static const char names[] =
        "id\0createdAt\0userId\0renoteId\0replyId\0visibility\0reactions\0reactionCount\0reactionEmojis\0"
        "reactionCounts\0myReaction\0poll\0text\0cw\0files\0fileIds\0media\0mediaIds\0deletedAt\0updatedAt\0"
        "user\0reply\0renote";
    enum {
        MSKI_COUNTS = MISSKEY_CHANGED_REACTIONS, MSKI_MINE = MISSKEY_CHANGED_MY_REACTION,
        MSKI_VOTES = MISSKEY_CHANGED_POLL, MSKI_WORDS = MISSKEY_CHANGED_TEXT, MSKI_REST = MISSKEY_CHANGED_REST
    };
    static const mski_part parts[] = {
        { MSKI_REST, 0, true, false, false },               { MSKI_REST, 0, true, false, false },
        { MSKI_REST, 0, true, false, false },               { MSKI_REST, 0, true, false, false },
        { MSKI_REST, 0, true, false, false },               { MSKI_REST, 0, true, false, false },
        { MSKI_COUNTS, MSKI_COUNTS, true, false, false },   { MSKI_COUNTS, MSKI_COUNTS, true, false, false },
        { MSKI_COUNTS, MSKI_COUNTS, true, false, true },    { MSKI_COUNTS, MSKI_COUNTS, true, false, false },
        { MSKI_MINE, MSKI_MINE, true, true, false },        { MSKI_VOTES, MSKI_VOTES, true, true, true },
        { MSKI_WORDS, MSKI_WORDS, true, false, false },     { MSKI_WORDS, MSKI_WORDS, true, false, false },
        { MSKI_WORDS, MSKI_WORDS, false, false, false },    { MSKI_WORDS, MSKI_WORDS, false, false, false },
        { MSKI_WORDS, MSKI_WORDS, false, false, false },    { MSKI_WORDS, MSKI_WORDS, false, false, false },
        { MISSKEY_CHANGED_DELETED, 0, true, false, false }, { MSKI_REST, MSKI_WORDS, false, false, false },
        { MSKI_REST, 0, false, true, false },               { MSKI_REST, 0, false, true, false },
        { MSKI_REST, 0, false, true, false },               { MSKI_REST, 0, false, false, false } /* every other */
    };
    return &parts[mski_find_name(names, MSKI_COUNT(parts) - 1, key)];
}

/* Replaces n bytes of the text by a gap of other size. NULL: no room. */
static char *mski_edit_splice(mski_edit *e, const char *at, size_t n, size_t gap)
{
    misskey_note_slot *const slot = e->slot;
    char *const text = mski_text(slot), *const p = text + (at - text);
    const size_t behind = slot->len_ - (size_t)(p - text) - n;
    if (gap > n && slot->len_ + (gap - n) > e->limit) {
        e->changed |= MISSKEY_CHANGED_CUT;
        return NULL;
    }
    MISSKEY_MEMMOVE(p + gap, p + n, behind);
    slot->len_ = (uint32_t)(slot->len_ - n + gap);
    return p;
}

static bool mski_same_bytes(const char *a, size_t n, const char *b, size_t m) { return n == m && mski_equal(a, b, n); }

/* Finds a member; of duplicates the last. */
static MSKI_NOINLINE bool mski_find_member(const misskey_json *object, const misskey_jstr *key, misskey_iter *member)
{
    misskey_iter it = misskey_json_iter(*object);
    bool found = false;
    while (misskey_json_next(&it)) {
        if (!mski_same_jstr(it.key, *key)) continue;
        MISSKEY_MEMCPY(member, &it, sizeof it);
        found = true;
    }
    return found;
}

static MSKI_NOINLINE misskey_json mski_member(misskey_json object, misskey_jstr key)
{
    misskey_iter member;
    return mski_find_member(&object, &key, &member) ? member.value : mski_no_json;
}

/* Puts a member into an object of the text, or a new value into its place. keep: what is there already stays. The value
   must not be in the text. True: something changed; other views into the text are invalid then. */
static MSKI_NOINLINE bool mski_edit_member(mski_edit *e, const misskey_json *object, misskey_jstr key,
                                           misskey_json value, bool keep)
{
    const misskey_json old = mski_member(*object, key);
    char *p;
    if (old.ptr != NULL) {
        if (keep || mski_same_bytes(old.ptr, old.len, value.ptr, value.len)) return false;
        p = mski_edit_splice(e, old.ptr, old.len, value.len);
    } else {
        const bool comma = !mski_is_empty(*object);
        p = mski_edit_splice(e, object->ptr + object->len - 1, 0, comma + key.len + 3 + value.len);
        if (p == NULL) return false;
        if (comma) *p++ = ',';
        *p++ = '"';
        MISSKEY_MEMCPY(p, key.ptr, key.len);
        p += key.len;
        *p++ = '"';
        *p++ = ':';
    }
    if (p == NULL) return false;
    MISSKEY_MEMCPY(p, value.ptr, value.len);
    return true;
}

/* Takes a member out, and one comma with it. */
static MSKI_NOINLINE void mski_edit_drop(mski_edit *e, const misskey_iter *it)
{
    const char *from = it->key.ptr - 1, *to = it->value.ptr + it->value.len;
    const char *const next = (const char *)mski_white(mski_bytes(to), mski_bytes(it->end_));
    if (*next == ',') {
        to = next + 1;
    } else {
        while (from[-1] != ',' && from[-1] != '{') from--;
        if (from[-1] == ',') from--;
    }
    mski_edit_splice(e, from, (size_t)(to - from), 0);
}

static MSKI_NOINLINE misskey_json mski_edit_get(mski_edit *e, const char *name)
{
    return misskey_json_get(mski_note_text(e->slot), name);
}

static MSKI_NOINLINE void mski_edit_set(mski_edit *e, const char *name, misskey_json value)
{
    const misskey_jstr key = misskey_jstr_text(name);
    const misskey_json text = mski_note_text(e->slot);
    if (mski_edit_member(e, &text, key, value, false)) e->changed |= mski_part_of(key)->changed;
}

/* A member that counts; value holds the digits. */
static MSKI_NOINLINE void mski_edit_number(mski_edit *e, const misskey_json *object, const misskey_jstr *key, int64_t n,
                                           uint32_t flag)
{
    char digits[24];
    misskey_jw w;
    misskey_json value;
    misskey_jw_init(&w, digits, sizeof digits);
    misskey_jw_i64(&w, n);
    misskey_jw_done(&w, &value);
    if (mski_edit_member(e, object, *key, value, false)) e->changed |= flag;
}

/* One more, or one less but not below 0; what is no count stays as it is. */
static int64_t mski_one_more(int64_t n, bool up)
{
    if (up) return n < INT64_MAX ? n + 1 : n;
    return n > 0 ? n - 1 : n;
}

/* Finds the count of a reaction, however it is spelled; of duplicates the last. */
static MSKI_NOINLINE bool mski_find_count(misskey_json reactions, misskey_jstr reaction, misskey_iter *count,
                                          int64_t *n)
{
    const mski_reaction wanted = mski_reaction_begin(reaction);
    misskey_iter it = misskey_json_iter(reactions);
    bool found = false;
    *n = 0;
    while (misskey_json_next(&it)) {
        mski_reaction key = mski_reaction_begin(it.key);
        if (found ? !mski_same_jstr(it.key, count->key) : !mski_reaction_same(&key, &wanted)) continue;
        if (!misskey_json_i64(it.value, n)) *n = 0;
        MISSKEY_MEMCPY(count, &it, sizeof it);
        found = true;
    }
    return found;
}

/* The choice with this index, or on v10 with this id; missing if there is none. */
static MSKI_NOINLINE misskey_json mski_choice(mski_edit *e, int64_t choice)
{
    misskey_iter it = misskey_json_iter(misskey_json_get(mski_edit_get(e, "poll"), "choices"));
    int64_t i;
    for (i = 0; misskey_json_next(&it); i++) {
        int64_t at = i;
        misskey_json_i64(misskey_json_get(it.value, "id"), &at);
        if (at == choice && misskey_json_type(it.value) == MISSKEY_TYPE_OBJECT) return it.value;
    }
    return mski_no_json;
}

/* --- putting a note --- */

/* Members that one call merges, those of inner objects too: each is looked for in all others, so that the time stays
   linear in the texts. No server sends half as many. */
#define MSKI_MERGED 256u

/* How a note is to be taken. */
typedef struct mski_outline {
    misskey_jstr id;
    misskey_jstr repeated;          /* id of the note that it repeats without adding anything; missing: it does not */
    misskey_jstr updated_at;
    misskey_json inner;             /* renote */
    misskey_json pairs;             /* reactionAndUserPairCache */
    bool minimized;                 /* the least, made for who looks at it */
    bool whole;                     /* few enough members */
} mski_outline;

static misskey_json mski_of_type(misskey_json value, misskey_type type)
{
    return misskey_json_type(value) == type ? value : mski_no_json;
}

/* One walk for all of it. */
static MSKI_NOINLINE void mski_outline_of(misskey_json note, mski_outline *out)
{
    enum {
        MSKI_OF_ID, MSKI_OF_CREATED_AT, MSKI_OF_USER_ID, MSKI_OF_UPDATED_AT, MSKI_OF_TEXT, MSKI_OF_CW, MSKI_OF_PAIRS,
        MSKI_OF_FILES, MSKI_OF_FILE_IDS, MSKI_OF_REPLY_ID, MSKI_OF_RENOTE_ID, MSKI_OF_POLL, MSKI_OF_HAS_POLL,
        MSKI_OF_EVENT, MSKI_OF_RENOTE, MSKI_OF_NOTE
    };
    static const char names[] =
        "id\0createdAt\0userId\0updatedAt\0text\0cw\0reactionAndUserPairCache\0files\0fileIds\0replyId\0renoteId\0"
        "poll\0hasPoll\0event\0renote";
    misskey_json value[MSKI_OF_NOTE + 1];    /* the last one: every other */
    misskey_iter it = misskey_json_iter(note);
    mski_added added;
    unsigned members = 0;
    MISSKEY_MEMSET(value, 0, sizeof value);
    for (; misskey_json_next(&it); members++) {
        misskey_json *const v = &value[mski_find_name(names, MSKI_OF_NOTE, it.key)];
        v->ptr = it.value.ptr; /* one by one: small compilers call memcpy for the two of them */
        v->len = it.value.len;
    }
    out->id = misskey_json_str(value[MSKI_OF_ID]);
    out->repeated = misskey_json_str(value[MSKI_OF_RENOTE_ID]);
    out->updated_at = misskey_json_str(value[MSKI_OF_UPDATED_AT]);
    out->inner = value[MSKI_OF_RENOTE];
    out->pairs = value[MSKI_OF_PAIRS];
    out->minimized = misskey_json_str(value[MSKI_OF_USER_ID]).ptr == NULL &&
                     misskey_json_str(value[MSKI_OF_CREATED_AT]).ptr == NULL;
    out->whole = members < MSKI_MERGED;
    added.text = misskey_json_str(value[MSKI_OF_TEXT]);
    added.cw = misskey_json_str(value[MSKI_OF_CW]);
    added.reply_id = misskey_json_str(value[MSKI_OF_REPLY_ID]);
    added.poll = mski_of_type(value[MSKI_OF_POLL], MISSKEY_TYPE_OBJECT);
    added.event = mski_of_type(value[MSKI_OF_EVENT], MISSKEY_TYPE_OBJECT);
    added.file_ids = mski_of_type(value[MSKI_OF_FILE_IDS], MISSKEY_TYPE_ARRAY);
    added.files = mski_of_type(value[MSKI_OF_FILES], MISSKEY_TYPE_ARRAY);
    added.has_poll = false;
    misskey_json_bool(value[MSKI_OF_HAS_POLL], &added.has_poll);
    if (!mski_adds_nothing(&added) || !mski_is_id(out->repeated.ptr, out->repeated.len)) out->repeated = mski_no_jstr;
}

/* Of duplicates the last counts. */
static MSKI_NOINLINE bool mski_is_last(const misskey_iter *member)
{
    misskey_iter it;
    it.at_ = member->at_;
    it.end_ = member->end_;
    it.key = mski_no_jstr;
    while (misskey_json_next(&it)) {
        if (mski_same_jstr(it.key, member->key)) return false;
    }
    return true;
}

/* May one more member be merged? */
static bool mski_may_merge(mski_edit *e)
{
    if (e->left == 0) {
        e->changed |= MISSKEY_CHANGED_CUT;
        return false;
    }
    e->left--;
    return true;
}

/* The members of an object that is in both. */
static MSKI_NOINLINE void mski_merge_part(mski_edit *e, const misskey_iter *member, bool keep)
{
    misskey_iter it = misskey_json_iter(member->value);
    while (misskey_json_next(&it) && mski_may_merge(e)) {
        const misskey_json object = mski_member(mski_note_text(e->slot), member->key);
        if (keep && !mski_is_last(&it)) continue;
        if (mski_edit_member(e, &object, it.key, it.value, keep)) e->changed |= MISSKEY_CHANGED_REST;
    }
}

/* Has an earlier form, or an update, said more of this part than a whole note does? What minimized forms said of the
   viewer stays unless the truth says something else; the viewer's reaction is often left out of whole notes. */
static bool mski_is_kept(const mski_edit *e, const mski_part *part)
{
    if ((part->told & e->told) != 0) return true;
    return part->viewer &&
           ((e->slot->flags_ & MSKI_VIEWED) != 0 || part->changed == MISSKEY_CHANGED_MY_REACTION);
}

/* One member of a newer form. A minimized form goes over what is there. A value that does not fit leaves nothing, as
   the old one is wrong by now. */
static MSKI_NOINLINE void mski_merge_member(mski_edit *e, const misskey_iter *it, bool minimized)
{
    const mski_part *const part = mski_part_of(it->key);
    const misskey_json text = mski_note_text(e->slot);
    const bool viewed = !minimized && part->viewer && (e->slot->flags_ & MSKI_VIEWED) != 0;
    const bool keep = viewed && part->told != 0 && !e->fetched; /* the own reaction, and the poll with the own votes */
    const uint32_t cut = e->changed & MISSKEY_CHANGED_CUT;
    misskey_iter old;
    const bool there = mski_find_member(&text, &it->key, &old);
    const bool told = there && (part->told & e->told) != 0;
    const bool objects = there && misskey_json_type(old.value) == MISSKEY_TYPE_OBJECT &&
                         misskey_json_type(it->value) == MISSKEY_TYPE_OBJECT;
    const bool merged = objects && (minimized || viewed || (told && part->adds));
    if ((merged || keep) && !mski_is_last(it)) return; /* else the last one goes over those before it */
    if (merged || told) {
        if (merged) mski_merge_part(e, it, keep || told);
        return;
    }
    e->changed &= ~(uint32_t)MISSKEY_CHANGED_CUT;
    if (mski_edit_member(e, &text, it->key, it->value, keep)) {
        e->changed |= MISSKEY_CHANGED_REST;
    } else if (there && (e->changed & MISSKEY_CHANGED_CUT) != 0) {
        mski_edit_drop(e, &old);
        e->changed |= MISSKEY_CHANGED_REST;
    }
    e->changed |= cut;
}

/* One pass over what comes first, one over the rest. */
static MSKI_NOINLINE void mski_merge_once(mski_edit *e, misskey_json note, bool minimized)
{
    int rest;
    for (rest = 0; rest < 2; rest++) {
        misskey_iter it = misskey_json_iter(note);
        while (misskey_json_next(&it)) {
            if (mski_part_of(it.key)->first == (rest == 1)) continue;
            if (!mski_may_merge(e)) return;
            if (!misskey_jstr_eq(it.key, "id")) mski_merge_member(e, &it, minimized); /* the id is there */
        }
    }
}

/* Where something did not fit, members that became shorter behind it may have made room. */
static void mski_merge(mski_edit *e, misskey_json note, bool minimized)
{
    int rounds = 3;
    do {
        e->changed = 0;
        e->left = MSKI_MERGED;
        mski_merge_once(e, note, minimized);
    } while ((e->changed & MISSKEY_CHANGED_CUT) != 0 && e->changed != MISSKEY_CHANGED_CUT && e->left > 0 &&
             --rounds > 0);
}

/* Does a stored member stay when a whole note comes? */
static MSKI_NOINLINE bool mski_stays(mski_edit *e, misskey_json note, const misskey_iter *member)
{
    if (mski_is_kept(e, mski_part_of(member->key))) return true;
    if (e->left == 0) return false;
    e->left--;
    return mski_member(note, member->key).ptr != NULL;
}

/* Takes out what a whole note has no more. */
static MSKI_NOINLINE void mski_drop_missing(mski_edit *e, misskey_json note)
{
    misskey_iter it = misskey_json_iter(mski_note_text(e->slot));
    char *const text = mski_text(e->slot), *to = text + 1;
    e->left = MSKI_MERGED;
    while (misskey_json_next(&it)) {
        const char *const from = it.key.ptr - 1;
        const size_t n = (size_t)(it.value.ptr + it.value.len - from);
        if (!mski_stays(e, note, &it)) continue;
        if (to > text + 1) *to++ = ',';
        MISSKEY_MEMMOVE(to, from, n);
        to += n;
    }
    *to++ = '}';
    e->slot->len_ = (uint32_t)(to - text);
}

/* A number that can only grow; value: what a copy says. */
static void mski_raise(mski_edit *e, const misskey_json *object, const misskey_jstr *key, int64_t old,
                       misskey_json value)
{
    int64_t n;
    if (misskey_json_i64(value, &n) && n > old) mski_edit_number(e, object, key, n, MISSKEY_CHANGED_REST);
}

static MSKI_NOINLINE void mski_raise_reactions(mski_edit *e, misskey_json copy, const char *name)
{
    misskey_iter it = misskey_json_iter(misskey_json_get(copy, name)), known;
    while (misskey_json_next(&it) && mski_may_merge(e)) {
        const misskey_json reactions = mski_edit_get(e, name);
        int64_t n;
        bool there;
        if (misskey_json_type(reactions) != MISSKEY_TYPE_OBJECT) return;
        there = mski_find_count(reactions, it.key, &known, &n);
        mski_raise(e, &reactions, there ? &known.key : &it.key, n, it.value);
    }
}

/* The choices of a poll that are looked at; servers allow fewer. */
#define MSKI_CHOICES 64

static MSKI_NOINLINE void mski_raise_choice(mski_edit *e, misskey_json copy, int64_t at)
{
    misskey_jstr key = misskey_jstr_text("votes");
    misskey_json choice;
    int64_t votes = 0;
    bool voted = false;
    misskey_json_i64(misskey_json_get(copy, "id"), &at);
    misskey_json_bool(misskey_json_get(copy, "isVoted"), &voted);
    choice = mski_choice(e, at);
    if (choice.ptr == NULL) return;
    misskey_json_i64(misskey_json_get(choice, "votes"), &votes);
    mski_raise(e, &choice, &key, votes, misskey_json_get(copy, "votes"));
    if (!voted) return;
    choice = mski_choice(e, at);
    key = misskey_jstr_text("isVoted");
    mski_edit_member(e, &choice, key, misskey_json_text("true"), false);
}

static MSKI_NOINLINE void mski_raise_votes(mski_edit *e, misskey_json copy)
{
    misskey_iter it = misskey_json_iter(misskey_json_get(misskey_json_get(copy, "poll"), "choices"));
    int i;
    for (i = 0; i < MSKI_CHOICES && misskey_json_next(&it); i++) mski_raise_choice(e, it.value, i);
}

static MSKI_NOINLINE void mski_raise_total(mski_edit *e, misskey_json copy)
{
    const misskey_json text = mski_note_text(e->slot);
    const misskey_jstr key = misskey_jstr_text("reactionCount");
    int64_t n;
    if (misskey_json_i64(mski_member(text, key), &n)) mski_raise(e, &text, &key, n, mski_member(copy, key));
}

/* Counts that an update has changed, and a copy. Counts grow until something is taken back, so the greater one is the
   newer one. */
static MSKI_NOINLINE void mski_raise_counts(mski_edit *e, misskey_json copy)
{
    e->left = MSKI_MERGED;
    if ((e->told & MISSKEY_CHANGED_POLL) != 0 || (e->slot->flags_ & MSKI_VIEWED) != 0) mski_raise_votes(e, copy);
    if ((e->told & MISSKEY_CHANGED_REACTIONS) == 0 || (e->slot->flags_ & MSKI_TAKEN_BACK) != 0) return;
    mski_raise_reactions(e, copy, "reactions");
    mski_raise_reactions(e, copy, "reactionCounts");
    mski_raise_total(e, copy);
}

/* The choices of the poll that were voted for here. */

static MSKI_NOINLINE void mski_restore_votes(const misskey_store *s, mski_edit *e)
{
    const misskey_json yes = misskey_json_text("true");
    const misskey_jstr voted = misskey_jstr_text("isVoted");
    const misskey_jstr me = misskey_jstr_text(s->d_.me);
    misskey_iter it = misskey_json_iter(misskey_json_get(mski_edit_get(e, "poll"), "choices"));
    int64_t i = 0, at;
    for (; i < MSKI_CHOICES && misskey_json_next(&it); i++) {
        const size_t from = (size_t)(it.value.ptr - mski_text(e->slot));
        at = i;
        misskey_json_i64(misskey_json_get(it.value, "id"), &at);
        if (misskey_json_type(it.value) != MISSKEY_TYPE_OBJECT) continue;
        if (mski_recall(s, e->slot, mski_doing(me, mski_no_jstr, at)) == e->slot->seen_) continue;
        if (!mski_edit_member(e, &it.value, voted, yes, false)) continue;
        /* the text has moved: go on behind this choice */
        it = misskey_json_iter(misskey_json_get(mski_edit_get(e, "poll"), "choices"));
        while (misskey_json_next(&it) && (size_t)(it.value.ptr - mski_text(e->slot)) < from) {}
    }
}

/* After the truth has come, what users did before counts no more, only the own votes: they cannot be taken back. */
static MSKI_NOINLINE void mski_forget_doings(const misskey_store *s, mski_edit *e)
{
    const misskey_jstr me = misskey_jstr_text(s->d_.me);
    misskey_iter it = misskey_json_iter(misskey_json_get(mski_edit_get(e, "poll"), "choices"));
    int64_t i, at;
    e->slot->seen_ = 0;
    for (i = 0; i < MSKI_CHOICES && misskey_json_next(&it); i++) {
        bool voted = false;
        at = i;
        misskey_json_i64(misskey_json_get(it.value, "id"), &at);
        misskey_json_bool(misskey_json_get(it.value, "isVoted"), &voted);
        if (voted && me.ptr != NULL) mski_remember(s, e->slot, mski_doing(me, mski_no_jstr, at), true);
    }
}

/* Does a copy count more of this reaction than is stored? */
static MSKI_NOINLINE bool mski_counts_more(mski_edit *e, misskey_json copy, misskey_jstr reaction)
{
    misskey_iter it;
    int64_t came, had;
    return mski_find_count(misskey_json_get(copy, "reactions"), reaction, &it, &came) &&
           (!mski_find_count(mski_edit_get(e, "reactions"), reaction, &it, &had) || came > had);
}

/* Who has reacted so far, as far as the server says: "userId/reaction". It says 16 at most. Of a copy that is taken for
   its counts only where those are greater, the same holds for who has reacted. */
static MSKI_NOINLINE void mski_learn_reactions(const misskey_store *s, mski_edit *e, misskey_json copy,
                                               const mski_outline *outline)
{
    misskey_iter it = misskey_json_iter(outline->pairs);
    const bool told = (e->told & MISSKEY_CHANGED_REACTIONS) != 0;
    int left;
    if (told && (e->slot->flags_ & MSKI_TAKEN_BACK) != 0) return;
    for (left = 64; left > 0 && misskey_json_next(&it); left--) {
        misskey_jstr user, reaction;
        uint64_t doing;
        if (!mski_split(misskey_json_str(it.value), '/', &user, &reaction)) continue;
        if (told && !mski_counts_more(e, copy, reaction)) continue;
        doing = mski_doing(user, reaction, 0);
        if (mski_recall(s, e->slot, doing) == e->slot->seen_) mski_remember(s, e->slot, doing, true);
    }
}

/* For each bit of MISSKEY_CHANGED_ up to REST the sum of a number for each member that it stands for, in whatever
   order. What a note was is subtracted and what it is now added: what is not 0 then has changed. */
typedef struct mski_sums { uint32_t of[7]; } mski_sums;

static MSKI_NOINLINE void mski_sum_up(misskey_note_slot *slot, mski_sums *sums, bool now)
{
    misskey_iter it = misskey_json_iter(mski_note_text(slot));
    while (misskey_json_next(&it)) {
        const uint32_t changed = mski_part_of(it.key)->changed;
        const uint8_t *const key = mski_bytes(it.key.ptr);
        const uint32_t h = (uint32_t)mski_hash(mski_hash(MSKI_FNV_BASIS, key, it.key.len + 1), /* its quote as well */
                                               mski_bytes(it.value.ptr), it.value.len);
        unsigned k = 0;
        while (changed >> k != 1) k++;
        if (changed == MISSKEY_CHANGED_DELETED && misskey_json_type(it.value) == MISSKEY_TYPE_NULL) continue;
        sums->of[k] += now ? h : 0 - h;
    }
}

static uint32_t mski_differing(const mski_sums *sums)
{
    uint32_t changed = 0;
    unsigned k;
    for (k = 0; k < MSKI_COUNT(sums->of); k++) if (sums->of[k] != 0) changed |= 1u << k;
    return changed;
}

/* Is the text of this copy younger than what is stored? Only some forks say when a note was edited. */
static MSKI_NOINLINE bool mski_is_edited_later(mski_edit *e, misskey_jstr updated_at)
{
    int64_t came, had;
    return (e->slot->flags_ & MSKI_UNDATED) == 0 && misskey_jstr_time(updated_at, &came) &&
           misskey_jstr_time(misskey_json_str(mski_edit_get(e, "updatedAt")), &had) && came > had;
}

/* How a copy of a note came to be known: MSKI_COPY may be older than the updates that came before it. */
typedef enum mski_source { MSKI_COPY, MSKI_EDIT, MSKI_FETCHED } mski_source;

/* What an older copy must not change. */
static uint32_t mski_told(mski_edit *e, const mski_outline *outline, mski_source source)
{
    const uint32_t told = (uint32_t)e->slot->flags_ >> MSKI_TOLD_AT & MSKI_TOLD;
    if (source == MSKI_FETCHED) return 0;
    if (source == MSKI_EDIT || ((told & MISSKEY_CHANGED_TEXT) != 0 && mski_is_edited_later(e, outline->updated_at))) {
        return told & ~(uint32_t)MISSKEY_CHANGED_TEXT;
    }
    return told;
}

/* What the flags say once this form has come. After the truth, too, an older copy may come. What was counted before a
   whole note came began at nothing, so counting down says nothing then. */
static void mski_set_flags(misskey_note_slot *slot, const mski_outline *outline, mski_source source)
{
    uint32_t told = 0, flags = slot->flags_;
    if (source == MSKI_FETCHED) told = MISSKEY_CHANGED_REACTIONS | MISSKEY_CHANGED_POLL;
    if (source == MSKI_FETCHED) flags &= ~MSKI_TOLD_FLAGS;
    if (source == MSKI_EDIT) told = MISSKEY_CHANGED_TEXT;
    if (source != MSKI_COPY) flags &= ~MSKI_UNDATED;
    if (source == MSKI_FETCHED || (!outline->minimized && (flags & MSKI_COMPLETE) == 0)) flags &= ~MSKI_TAKEN_BACK;
    if (outline->minimized) flags |= MSKI_VIEWED;
    else flags = (flags & ~MSKI_EDITED) | MSKI_COMPLETE;
    slot->flags_ = (uint16_t)(flags | told << MSKI_TOLD_AT);
}

/* One form of a note over what its slot has. A new one that fits is taken as it is. */
static MSKI_NOINLINE void mski_take_form(mski_edit *e, misskey_json note, const mski_outline *outline, bool fresh)
{
    misskey_note_slot *const slot = e->slot;
    if (fresh && outline->whole && note.len <= e->limit) {
        MISSKEY_MEMCPY(mski_text(slot), note.ptr, note.len);
        slot->len_ = (uint32_t)note.len;
    } else if (!mski_same_bytes(mski_text(slot), slot->len_, note.ptr, note.len)) {
        if (!fresh && !outline->minimized) mski_drop_missing(e, note);
        mski_merge(e, note, outline->minimized);
    }
}

static MSKI_NOINLINE uint32_t mski_put_note(const misskey_store *s, misskey_note_slot *slot, misskey_json note,
                                            const mski_outline *outline, mski_source source, bool fresh)
{
    mski_sums sums;
    mski_edit e;
    e.slot = slot;
    e.limit = s->d_.note_size - (s->d_.note_size >> 2);
    e.changed = 0;
    e.left = 0;
    e.fetched = source == MSKI_FETCHED;
    if ((slot->flags_ & MSKI_DELETED) != 0 || mski_is_within(s, slot, note.ptr)) return 0;
    MISSKEY_MEMSET(&sums, 0, sizeof sums);
    if (!fresh) mski_sum_up(slot, &sums, false);
    e.told = mski_told(&e, outline, source);
    mski_set_flags(slot, outline, source);
    if (!e.fetched) mski_learn_reactions(s, &e, note, outline);
    mski_take_form(&e, note, outline, fresh);
    mski_raise_counts(&e, note);
    if (s->d_.me != NULL) mski_restore_votes(s, &e);
    if (e.fetched) mski_forget_doings(s, &e);
    if (e.fetched) mski_learn_reactions(s, &e, note, outline);
    e.changed &= MISSKEY_CHANGED_CUT;
    if (fresh) return MISSKEY_CHANGED_NEW | e.changed;
    mski_sum_up(slot, &sums, true);
    return mski_differing(&sums) | e.changed;
}

/* The note that another one repeats. */
typedef struct mski_repeated {
    misskey_jstr id;
    misskey_json note;
    mski_outline outline;           /* of .note */
    uint16_t at;                    /* its slot; MSKI_NONE: it has none yet, but there is room */
} mski_repeated;

/* What note i repeats. came: what came with it (NULL: what is stored of it). False: nothing, or there is no room. */
static MSKI_NOINLINE bool mski_find_inner(const misskey_store *s, uint16_t i, const misskey_json *came,
                                          mski_repeated *inner)
{
    mski_outline_of(mski_note_text(mski_slot(s, i)), &inner->outline);
    inner->id = inner->outline.repeated;
    inner->note = came != NULL ? *came : inner->outline.inner;
    inner->at = mski_find_note_of(s, inner->id);
    mski_outline_of(inner->note, &inner->outline);
    if (inner->id.ptr == NULL || inner->at == i) return false;
    if (inner->outline.id.ptr != NULL) { /* minimized ones do not say which one they are */
        if (!mski_same_jstr(inner->outline.id, inner->id)) return false;
    } else if (inner->at == MSKI_NONE) {
        return false;
    }
    if (inner->at != MSKI_NONE) return true;
    return s->oldest_ != MSKI_NONE && (s->oldest_ != i || s->newest_ != i);
}

/* Gives the note that note i repeats a slot of its own, and puts what came with i over it. MSKI_NONE: there is none, or
   no room. */
static MSKI_NOINLINE uint16_t mski_put_inner(misskey_store *s, uint16_t i, const misskey_json *came,
                                             mski_source source)
{
    mski_repeated inner;
    bool fresh;
    if (!mski_find_inner(s, i, came, &inner)) return MSKI_NONE;
    fresh = inner.at == MSKI_NONE;
    if (fresh) inner.at = mski_new_note(s, inner.id);
    if ((came != NULL || fresh) && misskey_json_type(inner.note) == MISSKEY_TYPE_OBJECT) {
        mski_put_note(s, mski_slot(s, inner.at), inner.note, &inner.outline, source, fresh);
    }
    mski_touch(s, inner.at);
    mski_touch(s, i);
    return inner.at;
}

/* How often the application holds a note. */
static uint16_t mski_holds(const misskey_note_slot *slot) { return (uint16_t)(slot->holds_ - slot->along_); }

static misskey_err mski_capture(const misskey_store *s, misskey_note_slot *slot)
{
    const misskey_err err = misskey_note_capture(s->d_.session, slot->id_, mski_padded_id(slot->id_, 32).len);
    if (err == MISSKEY_ERR_OK) slot->flags_ |= MSKI_CAPTURED;
    return err;
}

static void mski_hold(misskey_store *s, uint16_t i)
{
    if (mski_slot(s, i)->holds_++ == 0) mski_unlist(s, i);
}

/* As long as the application holds note i, what it repeats is held along: that note alone, not what it repeats in
   turn, so that no chain and no ring of renotes holds itself. */
static void mski_hold_along(misskey_store *s, uint16_t i, uint16_t inner)
{
    mski_slot(s, i)->inner_ = inner;
    mski_slot(s, inner)->along_++;
    mski_hold(s, inner);
}

/* A renote that is held learns what it repeats. */
static void mski_hold_inner(misskey_store *s, uint16_t i, uint16_t inner)
{
    const misskey_note_slot *const slot = mski_slot(s, i);
    misskey_note_slot *held;
    if (inner == MSKI_NONE || mski_holds(slot) == 0 || slot->inner_ != MSKI_NONE) return;
    held = mski_slot(s, inner);
    if (held->holds_ == 0xFFFF) return;
    if ((slot->flags_ & MSKI_CAPTURED) != 0 && (held->flags_ & MSKI_CAPTURED) == 0) (void)mski_capture(s, held);
    mski_hold_along(s, i, inner);
}

/* A note that came, put. */
typedef struct mski_row {
    misskey_json inner;             /* renote */
    uint32_t changed;
    uint16_t at;                    /* its slot */
    bool repeats;                   /* another note, or it is minimized and does not say */
} mski_row;

/* Without what it repeats. */
static MSKI_NOINLINE misskey_err mski_put_row(misskey_store *s, misskey_json note, mski_source source, mski_row *row)
{
    mski_outline outline;
    misskey_jstr inner_id;
    uint16_t i;
    bool fresh;
    mski_outline_of(note, &outline);
    inner_id = misskey_json_str(misskey_json_get(outline.inner, "id"));
    i = mski_find_note_of(s, outline.repeated);
    if (i != MSKI_NONE && (inner_id.ptr == NULL || mski_same_jstr(inner_id, outline.repeated))) {
        mski_touch(s, i); /* it must not be pushed out */
    }
    i = mski_find_note_of(s, outline.id);
    fresh = i == MSKI_NONE;
    if (fresh) i = mski_new_note(s, outline.id);
    if (i == MSKI_NONE) return MISSKEY_ERR_FULL;
    row->at = i;
    row->inner = outline.inner;
    row->repeats = (outline.repeated.ptr != NULL || outline.minimized) && !mski_is_within(s, mski_slot(s, i), note.ptr);
    row->changed = mski_put_note(s, mski_slot(s, i), note, &outline, source, fresh);
    mski_touch(s, i);
    return MISSKEY_ERR_OK;
}

/* The slot that a text is a view into and that could make room; MSKI_NONE: there is none. Found bit by bit: small
   processors cannot divide. */
static uint16_t mski_slot_with(const misskey_store *s, const char *text)
{
    const uintptr_t at = (uintptr_t)text - (uintptr_t)s->d_.mem.ptr;
    unsigned i = 0, step;
    for (step = 0x8000; step > 0; step >>= 1) {
        if (i + step < s->num_ && (i + step) * s->stride_ <= at) i += step;
    }
    if (at - i * s->stride_ >= s->stride_ || mski_slot(s, (uint16_t)i)->holds_ > 0) return MSKI_NONE;
    return (uint16_t)i;
}

static misskey_err mski_put_from(misskey_store *s, misskey_json note, mski_source source, uint32_t *changed)
{
    mski_row row;
    misskey_jstr id;
    misskey_err err;
    uint16_t own;
    if (s->num_ == 0) return MISSKEY_ERR_BAD_STATE;
    row.changed = 0;
    row.repeats = false;
    id = misskey_json_str(misskey_json_get(note, "id"));
    if (!mski_is_id(id.ptr, id.len)) return MISSKEY_ERR_BAD_ARG;
    own = mski_slot_with(s, note.ptr);
    if (own != MSKI_NONE) mski_hold(s, own);
    err = mski_put_row(s, note, source, &row);
    if (err == MISSKEY_ERR_OK && row.repeats) {
        mski_hold_inner(s, row.at, mski_put_inner(s, row.at, &row.inner, source));
    }
    if (own != MSKI_NONE && --mski_slot(s, own)->holds_ == 0) mski_list_newest(s, own);
    if (err == MISSKEY_ERR_OK && changed != NULL) *changed = row.changed;
    return err;
}

MISSKEY_API misskey_err misskey_store_put(misskey_store *store, misskey_json note, uint32_t *changed)
{
    return mski_put_from(store, note, MSKI_COPY, changed);
}

MISSKEY_API misskey_err misskey_store_put_fetched(misskey_store *store, misskey_json note, uint32_t *changed)
{
    return mski_put_from(store, note, MSKI_FETCHED, changed);
}

/* --- updates --- */

/* The normal form of a reaction as a JSON string, quotes and all, written to the end of the free room: the text must
   not grow over it. There must be room. */
static misskey_json mski_normal(mski_edit *e, misskey_jstr reaction)
{
    misskey_jw w;
    char *const end = mski_text(e->slot) + e->limit;
    size_t len = 0;
    int pass;
    for (pass = 0; pass < 2; pass++) { /* the first one measures */
        mski_reaction r = mski_reaction_begin(reaction);
        uint8_t out[4];
        unsigned n;
        misskey_jw_init(&w, end - len, len);
        mski_put_char(&w, '"');
        while ((n = mski_reaction_next(&r, out)) > 0) mski_put_escaped(&w, out, out + n);
        mski_put_char(&w, '"');
        len = w.len;
    }
    e->limit -= len;
    return mski_json((const uint8_t *)end - len, (const uint8_t *)end);
}

/* Counts up or down. True: it was there, or is now. */
static MSKI_NOINLINE bool mski_edit_count(mski_edit *e, misskey_jstr reaction, bool up)
{
    misskey_json reactions = mski_edit_get(e, "reactions");
    misskey_iter it;
    int64_t n;
    if (reactions.ptr == NULL) reactions = mski_edit_get(e, "reactionCounts"); /* v10 */
    if (misskey_json_type(reactions) != MISSKEY_TYPE_OBJECT) {
        if (!up) return false;
        mski_edit_set(e, "reactions", misskey_json_text("{}"));
        reactions = mski_edit_get(e, "reactions");
    }
    if (mski_find_count(reactions, reaction, &it, &n)) {
        if (!up && n <= 1) mski_edit_drop(e, &it);
        else mski_edit_number(e, &reactions, &it.key, mski_one_more(n, up), MISSKEY_CHANGED_REACTIONS);
        e->changed |= MISSKEY_CHANGED_REACTIONS;
        return true;
    }
    if (up) mski_edit_number(e, &reactions, &reaction, 1, MISSKEY_CHANGED_REACTIONS);
    return up;
}

/* The picture of a custom emoji of another server. Those of the own one (name, or name@.) the application has. */
static MSKI_NOINLINE void mski_learn_emoji(mski_edit *e, misskey_json emoji)
{
    const misskey_jstr name = misskey_json_str(misskey_json_get(emoji, "name"));
    const misskey_json url = misskey_json_get(emoji, "url");
    misskey_jstr shortcode, host;
    misskey_json known;
    if (misskey_json_type(url) != MISSKEY_TYPE_STRING || !mski_split(name, '@', &shortcode, &host)) return;
    if (host.len == 0 || misskey_jstr_eq(host, ".")) return;
    known = mski_edit_get(e, "reactionEmojis");
    if (misskey_json_type(known) != MISSKEY_TYPE_OBJECT) {
        mski_edit_set(e, "reactionEmojis", misskey_json_text("{}"));
        known = mski_edit_get(e, "reactionEmojis");
    }
    if (mski_member(known, name).ptr == NULL && mski_edit_member(e, &known, name, url, false)) {
        e->changed |= MISSKEY_CHANGED_REACTIONS;
    }
}

static MSKI_NOINLINE bool mski_is_me(const misskey_store *s, misskey_jstr user)
{
    return s->d_.me != NULL && misskey_jstr_eq(user, s->d_.me);
}

/* Was this known? Else it is from now on, if there is room for what follows from it. */
static bool mski_news(const misskey_store *s, mski_edit *e, uint64_t doing, bool done, size_t growth)
{
    const uint16_t i = mski_recall(s, e->slot, doing);
    const bool known = i < e->slot->seen_ && (mski_seen(s, e->slot)[i] & 1) == done;
    if (!known && e->slot->len_ + growth > e->limit) {
        e->changed |= MISSKEY_CHANGED_CUT;
        return false;
    }
    return mski_remember(s, e->slot, doing, done);
}

static MSKI_NOINLINE void mski_reacted(const misskey_store *s, mski_edit *e, misskey_json body, bool up)
{
    const misskey_jstr user = misskey_json_str(misskey_json_get(body, "userId"));
    const misskey_jstr reaction = misskey_json_str(misskey_json_get(body, "reaction"));
    const misskey_json emoji = misskey_json_get(body, "emoji");
    const bool mine = mski_is_me(s, user);
    const misskey_json null = misskey_json_text("null");
    misskey_json normal;
    int64_t total;
    if (reaction.ptr == NULL) return;
    e->told = MISSKEY_CHANGED_REACTIONS | (mine ? MISSKEY_CHANGED_MY_REACTION : 0);
    /* the reaction three times at most (normal form, key, my own), the emoji, and the names of members */
    if (!mski_news(s, e, mski_doing(user, reaction, 0), up, 3 * reaction.len + emoji.len + 128)) return;
    if (!up) e->slot->flags_ |= MSKI_TAKEN_BACK;
    normal = mski_normal(e, reaction);
    if (mski_edit_count(e, misskey_json_str(normal), up) &&
        misskey_json_i64(mski_edit_get(e, "reactionCount"), &total)) {
        const misskey_json text = mski_note_text(e->slot);
        const misskey_jstr key = misskey_jstr_text("reactionCount");
        mski_edit_number(e, &text, &key, mski_one_more(total, up), MISSKEY_CHANGED_REACTIONS);
    }
    if (up) mski_learn_emoji(e, emoji);
    if (mine && up) mski_edit_set(e, "myReaction", normal);
    else if (mine && misskey_reaction_eq(misskey_json_str(mski_edit_get(e, "myReaction")), reaction)) {
        mski_edit_set(e, "myReaction", null);
    }
}

static MSKI_NOINLINE void mski_voted(const misskey_store *s, mski_edit *e, misskey_json body)
{
    const misskey_jstr user = misskey_json_str(misskey_json_get(body, "userId"));
    const misskey_json yes = misskey_json_text("true");
    misskey_json choice;
    misskey_jstr key;
    int64_t which, votes = 0;
    if (!misskey_json_i64(misskey_json_get(body, "choice"), &which)) return;
    choice = mski_choice(e, which);
    if (choice.ptr != NULL) e->told = MISSKEY_CHANGED_POLL;
    if (choice.ptr == NULL || !mski_news(s, e, mski_doing(user, mski_no_jstr, which), true, 64)) return;
    misskey_json_i64(misskey_json_get(choice, "votes"), &votes);
    key = misskey_jstr_text("votes");
    mski_edit_number(e, &choice, &key, mski_one_more(votes, true), MISSKEY_CHANGED_POLL);
    if (!mski_is_me(s, user)) return;
    choice = mski_choice(e, which);
    key = misskey_jstr_text("isVoted");
    mski_edit_member(e, &choice, key, yes, false);
}

static MSKI_NOINLINE void mski_deleted(const misskey_store *s, mski_edit *e, misskey_json body)
{
    misskey_json at = misskey_json_get(body, "deletedAt");
    if (misskey_json_type(at) != MISSKEY_TYPE_STRING || at.len > 64) at = misskey_json_text("\"\"");
    mski_edit_set(e, "deletedAt", at);
    if ((e->changed & MISSKEY_CHANGED_CUT) != 0) { /* no room beside the note */
        mski_empty_note(s, e->slot);
        mski_edit_set(e, "deletedAt", at);
    }
    e->changed |= MISSKEY_CHANGED_DELETED;
    e->slot->flags_ |= MSKI_DELETED;
}

/* What has changed of a note. False: the update does not say. Again where something did not fit, as in mski_merge. */
static MSKI_NOINLINE bool mski_edit_told(mski_edit *e, misskey_json body)
{
    static const char *const members[] = { "text", "cw", "fileIds", "files", "updatedAt", "deleteAt" };
    uint32_t changed = e->changed;
    bool told = false;
    size_t i;
    do {
        e->changed = 0;
        for (i = 0; i < MSKI_COUNT(members); i++) {
            const misskey_json value = misskey_json_get(body, members[i]);
            if (value.ptr == NULL) continue;
            if (i < 4) e->told = MISSKEY_CHANGED_TEXT;
            mski_edit_set(e, members[i], value);
            told = told || i < 2;
        }
        changed |= e->changed & ~(uint32_t)MISSKEY_CHANGED_CUT;
    } while ((e->changed & MISSKEY_CHANGED_CUT) != 0 && e->changed != MISSKEY_CHANGED_CUT);
    e->changed |= changed;
    if (misskey_json_get(body, "updatedAt").ptr != NULL) e->slot->flags_ = (uint16_t)(e->slot->flags_ & ~MSKI_UNDATED);
    else if (e->told != 0) e->slot->flags_ |= MSKI_UNDATED;
    return told;
}

/* The forms of all forks: the whole note, what has changed of it, or only that something has. */
static MSKI_NOINLINE uint32_t mski_edited(const misskey_store *s, mski_edit *e, misskey_json body)
{
    const misskey_json note = misskey_json_get(body, "note");
    if (misskey_json_type(note) == MISSKEY_TYPE_OBJECT) {
        mski_outline outline;
        char key[32];
        mski_outline_of(note, &outline);
        if (!mski_plain_id(key, outline.id) || !mski_equal(key, e->slot->id_, 32)) return 0;
        return mski_put_note(s, e->slot, note, &outline, MSKI_EDIT, false);
    }
    if (!mski_edit_told(e, body) && (e->slot->flags_ & MSKI_EDITED) == 0) {
        e->slot->flags_ |= MSKI_EDITED;
        e->changed |= MISSKEY_CHANGED_REFETCH;
    }
    return e->changed;
}

static uint32_t mski_apply_update(const misskey_store *s, mski_edit *e, const misskey_message *message)
{
    switch (misskey_note_update_find(message->event)) {
    case MISSKEY_NOTE_UPDATE_REACTED: mski_reacted(s, e, message->body, true); break;
    case MISSKEY_NOTE_UPDATE_UNREACTED: mski_reacted(s, e, message->body, false); break;
    case MISSKEY_NOTE_UPDATE_POLL_VOTED: mski_voted(s, e, message->body); break;
    case MISSKEY_NOTE_UPDATE_MADE_PRIVATE:
    case MISSKEY_NOTE_UPDATE_DELETED: mski_deleted(s, e, message->body); break;
    case MISSKEY_NOTE_UPDATE_UPDATED: return mski_edited(s, e, message->body);
    default: break;
    }
    return e->changed;
}

MISSKEY_API uint32_t misskey_store_update(misskey_store *store, const misskey_message *message)
{
    const uint16_t i = mski_find_note_of(store, message->id);
    uint32_t changed;
    mski_edit e;
    if (message->kind != MISSKEY_KIND_NOTE_UPDATED || i == MSKI_NONE) return 0;
    MISSKEY_MEMSET(&e, 0, sizeof e);
    e.slot = mski_slot(store, i);
    e.limit = store->d_.note_size;
    if (e.slot->flags_ & MSKI_DELETED) return 0;
    changed = mski_apply_update(store, &e, message);
    if ((changed & MISSKEY_CHANGED_CUT) != 0) return changed; /* an older copy may say it once there is room */
    e.slot->flags_ = (uint16_t)(e.slot->flags_ | e.told << MSKI_TOLD_AT);
    return changed;
}

MISSKEY_API misskey_json misskey_store_get(misskey_store *store, misskey_jstr id)
{
    const uint16_t i = mski_find_note_of(store, id);
    if (i == MSKI_NONE) return mski_no_json;
    mski_touch(store, i);
    return mski_note_text(mski_slot(store, i));
}

/* --- holding and capturing --- */

static void mski_wait(misskey_store *s, uint16_t i)
{
    misskey_note_slot *const slot = mski_slot(s, i);
    slot->flags_ |= MSKI_WAITING;
    slot->waiting_ = MSKI_NONE;
    if (s->first_ == MSKI_NONE) s->first_ = i;
    else mski_slot(s, s->last_)->waiting_ = i;
    s->last_ = i;
}

static void mski_drop_hold(misskey_store *s, uint16_t i)
{
    misskey_note_slot *const slot = mski_slot(s, i);
    if (--slot->holds_ > 0) return;
    mski_list_newest(s, i);
    if ((slot->flags_ & MSKI_CAPTURED) == 0) return;
    slot->released_ = s->now_;
    if (slot->flags_ & MSKI_WAITING) slot->flags_ |= MSKI_AGAIN;
    else mski_wait(s, i);
}

/* Is the note young enough to be worth a capture? */
static bool mski_is_young(const misskey_store *s, misskey_note_slot *slot, int64_t unix_ms)
{
    const misskey_json text = mski_note_text(slot);
    int64_t made;
    if (s->d_.session == NULL || (slot->flags_ & MSKI_DELETED) != 0) return false;
    if (unix_ms == 0 || s->d_.max_age_ms == MISSKEY_FOREVER) return true;
    if (!misskey_jstr_time(misskey_json_str(misskey_json_get(text, "createdAt")), &made) &&
        !misskey_id_time(misskey_json_str(misskey_json_get(text, "id")), &made)) return true;
    return unix_ms <= made || (uint64_t)unix_ms - (uint64_t)made <= s->d_.max_age_ms;
}

/* Captures what a hold of note i needs captured, all of it or nothing: the note, and what it repeats, which may have no
   slot yet. *repeats: there is something to be held along. */
static MSKI_NOINLINE misskey_err mski_begin_hold(misskey_store *s, uint16_t i, bool young, bool *repeats)
{
    misskey_note_slot *const slot = mski_slot(s, i), *held;
    const bool captured = (slot->flags_ & MSKI_CAPTURED) != 0;
    mski_repeated inner;
    misskey_err err;
    *repeats = slot->inner_ == MSKI_NONE && mski_find_inner(s, i, NULL, &inner);
    if (!*repeats) inner.at = slot->inner_;
    held = inner.at != MSKI_NONE ? mski_slot(s, inner.at) : NULL;
    if (slot->holds_ == 0xFFFF || (*repeats && held != NULL && held->holds_ == 0xFFFF)) return MISSKEY_ERR_FULL;
    err = young && !captured ? mski_capture(s, slot) : MISSKEY_ERR_OK;
    if (!young || err != MISSKEY_ERR_OK) return err;
    if (held != NULL && (held->flags_ & (MSKI_CAPTURED | MSKI_DELETED)) == 0) err = mski_capture(s, held);
    else if (held == NULL && *repeats) err = misskey_note_capture(s->d_.session, inner.id.ptr, inner.id.len);
    if (err != MISSKEY_ERR_OK && !captured) mski_uncapture(s, slot);
    return err;
}

MISSKEY_API misskey_err misskey_store_hold(misskey_store *store, misskey_jstr id, int64_t unix_ms)
{
    const uint16_t i = mski_find_note_of(store, id);
    misskey_err err;
    bool repeats, young;
    uint16_t j;
    if (i == MSKI_NONE) return MISSKEY_ERR_STALE;
    young = mski_is_young(store, mski_slot(store, i), unix_ms);
    err = mski_begin_hold(store, i, young, &repeats);
    if (err != MISSKEY_ERR_OK) return err;
    mski_hold(store, i);
    if (!repeats) return MISSKEY_ERR_OK;
    j = mski_put_inner(store, i, NULL, MSKI_COPY);
    if (young && (mski_slot(store, j)->flags_ & MSKI_DELETED) == 0) mski_slot(store, j)->flags_ |= MSKI_CAPTURED;
    mski_hold_along(store, i, j);
    return MISSKEY_ERR_OK;
}

MISSKEY_API misskey_err misskey_store_release(misskey_store *store, misskey_jstr id)
{
    const uint16_t i = mski_find_note_of(store, id);
    misskey_note_slot *slot;
    if (i == MSKI_NONE || mski_holds(mski_slot(store, i)) == 0) return MISSKEY_ERR_STALE;
    slot = mski_slot(store, i);
    if (mski_holds(slot) == 1 && slot->inner_ != MSKI_NONE) {
        mski_slot(store, slot->inner_)->along_--;
        mski_drop_hold(store, slot->inner_);
        slot->inner_ = MSKI_NONE;
    }
    mski_drop_hold(store, i);
    return MISSKEY_ERR_OK;
}

/* Milliseconds until the first slot of the queue has to be looked at. */
static uint32_t mski_grace_left(const misskey_store *s)
{
    const misskey_note_slot *slot;
    if (s->num_ == 0 || s->first_ == MSKI_NONE) return MISSKEY_FOREVER;
    slot = mski_slot(s, s->first_);
    if (slot->holds_ > 0 || (slot->flags_ & MSKI_CAPTURED) == 0) return 0;
    return mski_remaining(s->now_, slot->released_, s->d_.grace_ms);
}

MISSKEY_API void misskey_store_tick(misskey_store *store, uint32_t now_ms)
{
    if (store->num_ == 0) return;
    if (!store->ticked_) store->clock_ = now_ms; /* time begins with the first tick */
    store->ticked_ = true;
    mski_advance(&store->now_, &store->clock_, now_ms);
    while (store->first_ != MSKI_NONE) {
        const uint16_t i = store->first_;
        misskey_note_slot *const slot = mski_slot(store, i);
        const uint32_t left = mski_grace_left(store);
        if (left > 0 && (slot->flags_ & MSKI_AGAIN) == 0) break;
        store->first_ = slot->waiting_;
        slot->flags_ = (uint16_t)(slot->flags_ & ~(MSKI_WAITING | MSKI_AGAIN));
        if (left > 0) {             /* its time began anew: back to the end */
            mski_wait(store, i);
        } else if (slot->holds_ == 0) {
            mski_uncapture(store, slot);
        }
    }
}

MISSKEY_API uint32_t misskey_store_timeout(const misskey_store *store) { return mski_grace_left(store); }

MISSKEY_API misskey_err misskey_store_init(misskey_store *store, const misskey_store_desc *desc)
{
    size_t left;
    uint16_t i = 0;
    MISSKEY_MEMSET(store, 0, sizeof *store);
    if (desc->mem.ptr == NULL || ((uintptr_t)desc->mem.ptr & 7) != 0) return MISSKEY_ERR_BAD_ARG;
    store->stride_ = MISSKEY_STORE_STRIDE(desc->note_size);
    if (desc->note_size < 256 || desc->mem.size >> 1 < store->stride_) return MISSKEY_ERR_TOO_SMALL;
    MISSKEY_MEMCPY(&store->d_, desc, sizeof *desc);
    if (store->d_.grace_ms == 0) store->d_.grace_ms = 10000;
    if (store->d_.grace_ms != MISSKEY_FOREVER) store->d_.grace_ms = mski_least(store->d_.grace_ms, 0x80000000u);
    if (store->d_.max_age_ms == 0) store->d_.max_age_ms = 300000;
    store->newest_ = store->oldest_ = store->first_ = store->last_ = MSKI_NONE;
    for (left = desc->mem.size; left >= store->stride_; left -= store->stride_, i++) {
        misskey_note_slot *const slot = mski_slot(store, i);
        if (i == MSKI_NONE - 1) return MISSKEY_ERR_BAD_ARG;
        MISSKEY_MEMSET(slot, 0, sizeof *slot);
        slot->head_ = MSKI_NONE;
        mski_list_newest(store, i);
    }
    store->num_ = i;
    return MISSKEY_ERR_OK;
}

/* ================================================================================================================== */
/* MARK: - implementation: connection                                                                    >>impl-conn  */
/* ================================================================================================================== */

MISSKEY_API misskey_err misskey_conn_init(misskey_conn *conn, const misskey_conn_desc *desc)
{
    misskey_session_desc session;
    misskey_err err;
    MISSKEY_MEMSET(conn, 0, sizeof *conn);
    if (desc->ws.server) return MISSKEY_ERR_BAD_ARG;
    MISSKEY_MEMCPY(&session, &desc->session, sizeof session);
    session.entropy = desc->ws.entropy;
    session.user = desc->ws.user;
    session.anonymous = desc->ws.token == NULL;
    err = misskey_ws_init(&conn->ws_, &desc->ws);
    if (err == MISSKEY_ERR_OK) err = misskey_session_init(&conn->session, &session);
    if (err != MISSKEY_ERR_OK) {
        MISSKEY_MEMSET(conn, 0, sizeof *conn);
        return err;
    }
    if (desc->ws.tx.size < 0xFFFFFFFFu) conn->session.limit_ = (uint32_t)(desc->ws.tx.size - MSKI_CONTROL_MAX - 14);
    return err;
}

/* Writes a message that is known to be sound into tx. */
static misskey_err mski_conn_put(misskey_conn *conn, const misskey_message *message)
{
    misskey_ws *const ws = &conn->ws_;
    const size_t len = mski_write_message(message, NULL, 0);
    const misskey_err err = mski_can_send(ws, len);
    uint8_t *payload;
    if (err != MISSKEY_ERR_OK) return err;
    payload = mski_tx_payload(ws, len);
    (void)mski_write_message(message, (char *)payload, len);
    mski_trace(&conn->session, true, (char *)payload, len);
    return mski_send_frame(ws, 1, payload, len) ? MISSKEY_ERR_OK : MISSKEY_ERR_ENTROPY;
}

/* Hands to tx what the session wants to send, as far as there is room. */
static void mski_conn_fill(misskey_conn *conn)
{
    misskey_session *const s = &conn->session;
    mski_outgoing out;
    s->flags_ = (uint16_t)(s->flags_ & ~MSKI_BLOCKED);
    while (mski_next_message(s, &out)) {
        if (mski_conn_put(conn, &out.message) != MISSKEY_ERR_OK) {
            s->flags_ |= MSKI_BLOCKED;
            break;
        }
        mski_message_sent(s, &out);
    }
}

/* A message of the application goes behind those of the session. */
static misskey_err mski_conn_can_send(misskey_conn *conn)
{
    mski_conn_fill(conn);
    if (mski_can_send(&conn->ws_, 0) == MISSKEY_ERR_BAD_STATE) return MISSKEY_ERR_BAD_STATE;
    return conn->session.flags_ & MSKI_BLOCKED ? MISSKEY_ERR_WOULD_BLOCK : MISSKEY_ERR_OK;
}

/* Written twice: the first time into free room of tx, to be checked. */
MISSKEY_API misskey_err misskey_conn_send(misskey_conn *conn, const misskey_message *message)
{
    size_t len;
    misskey_err err = misskey_message_write(message, NULL, 0, &len);
    if (err != MISSKEY_ERR_OK && err != MISSKEY_ERR_TOO_SMALL) return err;
    err = mski_conn_can_send(conn);
    if (err == MISSKEY_ERR_OK) err = mski_can_send(&conn->ws_, len);
    if (err == MISSKEY_ERR_OK) {
        err = misskey_message_write(message, (char *)mski_tx_payload(&conn->ws_, len), len, &len);
    }
    if (err == MISSKEY_ERR_OK) err = mski_conn_put(conn, message);
    if (err == MISSKEY_ERR_OK) conn->session.beat_ = conn->session.now_;
    return err;
}

static MSKI_NOINLINE misskey_err mski_conn_operate(misskey_conn *conn, misskey_channel channel, const char *type,
                                                   const char *body)
{
    misskey_message m;
    char id[16];
    misskey_err err;
    mski_operation(&conn->session, channel, type, body, id, &m);
    err = mski_conn_put(conn, &m);
    if (err == MISSKEY_ERR_OK) conn->session.beat_ = conn->session.now_;
    return err;
}

MISSKEY_API misskey_err misskey_conn_channel_send(misskey_conn *conn, misskey_channel channel, const char *type,
                                                  const char *body)
{
    misskey_err err = mski_check_operation(&conn->session, channel, type, body);
    if (err == MISSKEY_ERR_OK) err = mski_conn_can_send(conn);
    return err != MISSKEY_ERR_OK ? err : mski_conn_operate(conn, channel, type, body);
}

static void mski_conn_lost(misskey_conn *conn, uint16_t status, uint32_t retry_after)
{
    const uint32_t unsent = conn->session.unsent_ + mski_count_unsent(&conn->ws_);
    conn->session.unsent_ = (uint16_t)mski_least(unsent, 0xFFFF);
    mski_session_lost(&conn->session, status, retry_after);
}

MISSKEY_API void misskey_conn_transport_up(misskey_conn *conn)
{
    if (conn->session.state_ == MSKI_UNMADE) return;
    if (conn->session.state_ == MSKI_UP) mski_conn_lost(conn, 0, 0);
    mski_joining(&conn->session);
    conn->session.flags_ = (uint16_t)(conn->session.flags_ & ~(MSKI_QUIT | MSKI_HELD));
    misskey_ws_transport_up(&conn->ws_);
}

MISSKEY_API void misskey_conn_transport_down(misskey_conn *conn)
{
    if (conn->ws_.state_ == MSKI_IDLE) misskey_session_transport_down(&conn->session, 0, 0);
    misskey_ws_transport_down(&conn->ws_);
}

MISSKEY_API uint8_t *misskey_conn_recv_buf(misskey_conn *conn, size_t *len)
{
    return misskey_ws_recv_buf(&conn->ws_, len);
}

MISSKEY_API void misskey_conn_recv_ack(misskey_conn *conn, size_t n) { misskey_ws_recv_ack(&conn->ws_, n); }

MISSKEY_API size_t misskey_conn_feed(misskey_conn *conn, const void *data, size_t len)
{
    return misskey_ws_feed(&conn->ws_, data, len);
}

MISSKEY_API const uint8_t *misskey_conn_send_buf(const misskey_conn *conn, size_t *len)
{
    return misskey_ws_send_buf(&conn->ws_, len);
}

MISSKEY_API void misskey_conn_send_ack(misskey_conn *conn, size_t n)
{
    misskey_ws_send_ack(&conn->ws_, n);
    mski_conn_fill(conn);
}

MISSKEY_API uint32_t misskey_conn_timeout(const misskey_conn *conn)
{
    const bool room = (conn->session.flags_ & MSKI_BLOCKED) == 0;
    return mski_least(misskey_ws_timeout(&conn->ws_), mski_session_deadline(&conn->session, room));
}

MISSKEY_API void misskey_conn_tick(misskey_conn *conn, uint32_t now_ms)
{
    misskey_session *const s = &conn->session;
    const uint32_t told = now_ms - s->clock_ < MSKI_STALL ? MISSKEY_FOREVER : misskey_conn_timeout(conn);
    s->came_ = conn->ws_.heard_;
    misskey_ws_tick(&conn->ws_, now_ms);
    mski_pass_time(s, now_ms, told);
    mski_conn_fill(conn);
}

MISSKEY_API misskey_err misskey_conn_close(misskey_conn *conn, uint16_t code, const char *reason)
{
    const misskey_err err = misskey_ws_close(&conn->ws_, code, reason);
    if (err != MISSKEY_ERR_OK && err != MISSKEY_ERR_BAD_STATE) return err;
    if (conn->session.state_ == MSKI_UNMADE) return MISSKEY_ERR_BAD_STATE;
    conn->session.flags_ |= MSKI_QUIT;
    if (conn->ws_.state_ == MSKI_IDLE) mski_enter_state(&conn->session, MSKI_STOPPED, 0);
    return MISSKEY_ERR_OK;
}

/* Called when everything received was parsed. After a sleep, sends the ping whose pong proves that nothing is missing
   before it. */
static MSKI_NOINLINE void mski_conn_caught_up(misskey_conn *conn)
{
    misskey_session *const s = &conn->session;
    misskey_ws *const ws = &conn->ws_;
    if (ws->state_ != MSKI_OPEN) return;
    if (ws->raw_ == ws->end_ && !mski_has(ws, MSKI_FRAME | MSKI_MESSAGE)) mski_came(s, ws->heard_);
    if ((s->flags_ & MSKI_PROBE) != 0 && mski_came_after_stall(s) && mski_probe(ws)) {
        s->flags_ = (uint16_t)((s->flags_ & ~MSKI_PROBE) | MSKI_PROBED);
    }
    if ((s->flags_ & MSKI_PROBED) != 0 && (ws->probe_ & MSKI_PROVEN) != 0) {
        s->flags_ = (uint16_t)(s->flags_ & ~MSKI_STALL_FLAGS);
        s->sure_ = s->came_;
    }
}

/* An event of the WebSocket as ours; a message not yet taken apart. Its own frame, so that the scanner's stack does not
   come on top of it. */
static MSKI_NOINLINE bool mski_conn_next(misskey_conn *conn, misskey_event *event)
{
    misskey_ws_event in;
    mski_zero(event, sizeof *event);
#if MSKI_FAST
    if (mski_take_text(&conn->ws_, &event->text)) {
        mski_came(&conn->session, conn->ws_.heard_);
        event->type = MISSKEY_EVENT_MESSAGE;
        event->size = event->text.len;
        return true;
    }
#endif
    if (!mski_poll(&conn->ws_, &in)) {
        mski_conn_caught_up(conn);
        return false;
    }
    if (in.type == MISSKEY_WS_EVENT_MESSAGE || in.type == MISSKEY_WS_EVENT_DROPPED) {
        mski_came(&conn->session, conn->ws_.heard_);
    }
    event->type = in.type == MISSKEY_WS_EVENT_OPEN    ? MISSKEY_EVENT_OPEN
                : in.type == MISSKEY_WS_EVENT_CLOSED  ? MISSKEY_EVENT_CLOSED
                : in.type == MISSKEY_WS_EVENT_MESSAGE && !in.binary ? MISSKEY_EVENT_MESSAGE
                                                      : MISSKEY_EVENT_DROPPED;
    event->err = in.err;
    event->code = in.code;
    event->retry_after = in.retry_after;
    event->size = in.size;
    event->location = in.location;
    if (!in.binary) event->text = in.text;
    return true;
}

/* event has the text of a message, or the beginning of one. True: give it. */
static MSKI_NOINLINE bool mski_conn_message(misskey_conn *conn, misskey_event *event, misskey_reading *reading)
{
    const bool dropped = event->type == MISSKEY_EVENT_DROPPED;
    const bool utf8 = mski_has(&conn->ws_, MSKI_WHOLE) && (conn->session.flags_ & MSKI_HELD) == 0;
    if (dropped && event->text.len > 0) {
        event->text.len = mski_close_beginning(mski_rx(&conn->ws_) + conn->ws_.msg_, event->text.len);
    }
    if (mski_parse(mski_bytes(event->text.ptr), event->text.len, utf8, &event->message, reading) != MISSKEY_ERR_OK) {
        mski_fail_peer(&conn->ws_, MISSKEY_ERR_WS_UTF8, 1007);
        return false;
    }
    if (!dropped) return mski_take_message(&conn->session, event);
    conn->session.counters.dropped++;
    event->text = event->message.raw = mski_no_str;
    return mski_route(&conn->session, event) == MSKI_DELIVER;
}

static bool mski_conn_poll(misskey_conn *conn, misskey_event *event, misskey_reading *reading)
{
    misskey_session *const s = &conn->session;
    for (;;) {
        if (mski_dial_event(s, event) || mski_notice(s, event)) return true;
        if (s->flags_ & MSKI_HELD) {
            mski_zero(event, sizeof *event);
            event->type = MISSKEY_EVENT_MESSAGE;
            event->text = s->text_;
        } else if (!mski_conn_next(conn, event)) {
            mski_give_up_overdue(s);
            if (mski_notice(s, event)) return true;
            mski_conn_fill(conn);
            if (!mski_is_over(&conn->ws_)) return false;
            continue; /* what was to be sent found no entropy */
        }
        switch (event->type) {
        case MISSKEY_EVENT_OPEN:
            mski_session_open(s, event);
            return true;
        case MISSKEY_EVENT_CLOSED:
            mski_conn_lost(conn, event->code, event->retry_after);
            return true;
        default:
            if (mski_conn_message(conn, event, reading)) {
                mski_remember_note(s, event);
                return true;
            }
        }
    }
}

MISSKEY_API bool misskey_conn_poll(misskey_conn *conn, misskey_event *event)
{
    return mski_conn_poll(conn, event, NULL);
}

MISSKEY_API bool misskey_conn_read(misskey_conn *conn, misskey_event *event, misskey_reading *reading)
{
    const bool give = mski_conn_poll(conn, event, reading);
    mski_finish_reading(give, &event->message, reading);
    return give;
}

/* ================================================================================================================== */
/* MARK: - implementation: pump                                                                          >>impl-pump  */
/* ================================================================================================================== */

#define MSKI_PUMP_MAX 32767u /* the largest int of 16 bits */

static size_t mski_pump_size(size_t n) { return n < MSKI_PUMP_MAX ? n : MSKI_PUMP_MAX; }

MISSKEY_API bool misskey_ws_pump(misskey_ws *ws, const misskey_io *io)
{
    const uint8_t *out;
    uint8_t *in;
    size_t len;
    bool broken;
    int n = 0;
    while ((out = misskey_ws_send_buf(ws, &len)) != NULL) {
        n = io->write(io->user, out, mski_pump_size(len));
        if (n <= 0) break;
        misskey_ws_send_ack(ws, (size_t)n);
    }
    broken = n < 0; /* whoever has ended the stream may have said why: all of that is read before */
    do {
        in = misskey_ws_recv_buf(ws, &len);
        if (in == NULL) return true;
        n = io->read(io->user, in, mski_pump_size(len));
        if (n > 0) misskey_ws_recv_ack(ws, (size_t)n);
    } while (broken && n > 0);
    if (n >= 0 && !broken) return true;
    misskey_ws_transport_down(ws);
    return false;
}

MISSKEY_API bool misskey_conn_pump(misskey_conn *conn, const misskey_io *io)
{
    const bool alive = misskey_ws_pump(&conn->ws_, io);
    mski_conn_fill(conn);
    return alive;
}

#endif /* MISSKEY_STREAM_IMPLEMENTED */
#endif /* MISSKEY_STREAM_IMPLEMENTATION */

/* ================================================================================================================== */
/* MARK: - history                                                                                         >>history  */
/* ================================================================================================================== */

/*
    0.1.0   JSON, all messages of the stream, WebSocket client and server, session, connection, pump; vocabulary,
            readers of all entities, builders, note store; check and read in one pass.
*/

/* ================================================================================================================== */
/* MARK: - licence                                                                                         >>licence  */
/* ================================================================================================================== */

/*
This software is available under two licences; choose whichever you prefer.

ALTERNATIVE A - the Unlicense (public domain, https://unlicense.org)

This is free and unencumbered software released into the public domain.

Anyone is free to copy, modify, publish, use, compile, sell, or distribute this software, either in source code form or
as a compiled binary, for any purpose, commercial or non-commercial, and by any means.

In jurisdictions that recognize copyright laws, the author or authors of this software dedicate any and all copyright
interest in the software to the public domain. We make this dedication for the benefit of the public at large and to the
detriment of our heirs and successors. We intend this dedication to be an overt act of relinquishment in perpetuity of
all present and future rights to this software under copyright law.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS BE
LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT
OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.

ALTERNATIVE B - MIT No Attribution (MIT-0)

Copyright (c) 2026 the misskey_stream.h authors

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
*/
