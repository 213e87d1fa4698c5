/* misskey-tail - prints the stream of a Misskey server as a person reads a timeline
   What to copy: the section "a server" is a whole client: its poll loop, its reconnects and its end, over TCP or TLS
   (wire.h). What stands above prints what has come, and plays recordings. POSIX: popen, poll, sigaction.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#define _POSIX_C_SOURCE 200809L
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../misskey_stream.h"
#include "account.h"
#include "miauth.h"
#include "record.h"
#include "replay.h"
#include "show.h"
#include "timeline.h"
#include "wire.h"

#include <ctype.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>

static const char help[] =
    "usage: misskey-tail [options] HOST[:PORT]\n"
    "       misskey-tail [options] --replay DIR\n"
    "Prints the stream of a Misskey server as a timeline: the local one, without an account. A note that comes on\n"
    "several channels is shown once. Connects again, and asks again for all it had, for as long as it takes.\n"
    "what to show\n"
    "  --channel NAME[:JSON]  a channel, with parameters: main, homeTimeline, 'userList:{\"listId\":\"9a\"}';\n"
    "                         may be given several times (default: localTimeline)\n"
    "  --capture              reactions, votes, edits and deletions of the notes shown, as they happen\n"
    "  --filter NAME,NAME     only these: note, notification, mention, noteUpdated, reacted, emojiAdded, ...\n"
    "  --count N              end after N of them\n"
    "  --seconds S            end after S seconds\n"
    "account\n"
    "  --token-file FILE      access token, the first line of FILE; or put it into the environment, MISSKEY_TOKEN;\n"
    "                         else the one that --login has stored for this HOST is used\n"
    "  --token-in-query       send it in the address, for servers before 13.14; proxies may log it\n"
    "  --login                get a token: prints an address to open in a browser, waits, stores the token in\n"
    "                         --token-file or ~/.config/misskey-tail/HOST. Needs TLS\n"
    "connection\n"
    "  --plain                without TLS: ws://, port 80\n"
    "  --ca FILE              certificates of the authorities to trust (default: those of the system)\n"
    "  --record DIR           write all that goes over the wire into DIR, without the token\n"
    "  --replay DIR           play a recording: server.bin, client.bin and chunks.jsonl in DIR, or packed as .gz\n"
    "  --speed N              N times as fast as it was recorded; 0.5 = half as fast (default: no waiting)\n"
    "output\n"
    "  --json                 every event as one line with a JSON object; t: milliseconds since the start, of a\n"
    "                         recording since the connection was made. Members may be added; [] = not always there\n"
    "    {\"t\",\"event\":\"open\"[,\"resumed\":true]}\n"
    "    {\"t\",\"event\":\"message\"[,\"channel\"],\"message\"}  as it came; channel: the NAME it came on\n"
    "    {\"t\",\"event\":\"text\"[,\"channel\"],\"text\"}        a text that is no message, or nested too deep\n"
    "    {\"t\",\"event\":\"dropped\",\"size\"}                 a message that is too large, or binary\n"
    "    {\"t\",\"event\":\"ready\",\"channel\"}                the server has acknowledged it\n"
    "    {\"t\",\"event\":\"refused\",\"channel\",\"reason\"}     it has not: UNKNOWN, LIMIT, SHARED or NAME\n"
    "    {\"t\",\"event\":\"gap\",\"channel\",\"outage\",\"lastId\"}  milliseconds; last note before, or null\n"
    "    {\"t\",\"event\":\"closed\",\"code\",\"error\",\"reason\"}  error: OK, or its name\n"
    "    {\"t\",\"event\":\"failed\",\"reason\"}                no connection came about\n"
    "    {\"t\",\"event\":\"retry\",\"delay\"}                  milliseconds until it connects again\n"
    "    {\"t\",\"event\":\"stats\",...}                     with --stats, at the end\n"
    "  --raw                  every message as it came, one per line; all else goes to stderr\n"
    "  --stats                numbers at the end, on stderr\n"
    "  --no-color             no colours; they are used on a terminal, unless NO_COLOR is set\n"
    "  --help                 this text\n"
    "Exit status: 0 ended as asked: a signal, --count, --seconds, the recording was played; 1 no Misskey stream, or a\n"
    "broken one; 2 wrong option, or something cannot be read or written; 3 no connection; 4 no TLS, or not to be\n"
    "trusted; 5 the server refuses the token or the account, or wants a token.\n";

enum { PROTOCOL = 1, USAGE, NETWORK, TLS, CREDENTIAL };     /* exit status */
enum { ROWS = 512, NOTE_SIZE = 8192 };      /* notes that are remembered, and how much of each */
enum { CAPTURED_ROWS = 240, CAPTURES = 500 };   /* a renote takes two captures, and Sharkey gives 512 */
enum { OTHERS = 256 };                      /* notifications and chat messages that are remembered */
enum { MAX_CHANNELS = 32 };
enum { LOGIN_MS = 2000 };                   /* between two questions */

static struct {
    const char *host, *token_file, *ca, *record, *replay, *filter;
    char *channels[MAX_CHANNELS];           /* "NAME" or "NAME:JSON" */
    size_t num_channels;
    bool capture, token_in_query, login, plain, json, raw, stats, no_color;
    double speed, count, seconds;           /* 0 = not given */
} options;

static misskey_json now = { "0", 1 };       /* "t" of what is shown */
static misskey_conn conn;
static account me;
static misskey_store store, others_store;
static timeline shown_notes, others;
static double num_shown;
static uint64_t received, sent;             /* bytes */
static unsigned connections;

/* One line on stderr, safe for a terminal: what a server said may be in it. */
static void complain(const char *format, va_list args)
{
    char text[1024];
    vsnprintf(text, sizeof text, format, args);
    fflush(stdout);
    fputs("misskey-tail: ", stderr);
    show_plain_to(stderr, text, strlen(text), false);
    fputc('\n', stderr);
}

static void fail(int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain(format, args);
    va_end(args);
    exit(status);
}

/* --- text --- */

static void begin_line(void)
{
    const time_t date = time(NULL);
    char text[16];
    show_style("2");
    if (options.replay != NULL) printf("%8.1fs ", strtod(now.ptr, NULL) / 1000);
    else if (strftime(text, sizeof text, "%H:%M:%S", localtime(&date)) > 0) printf("%s  ", text);
    show_style("0");
}

static void end_line(void)
{
    show_style("0");
    putchar('\n');
}

/* A line about the connection; with --raw and --json on stderr. */
static void status(const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    if (options.raw || options.json) {
        complain(format, args);
    } else {
        vsnprintf(text, sizeof text, format, args);
        begin_line();
        show_style("2");
        show_plain(text, strlen(text), false);
        end_line();
    }
    va_end(args);
}

/* What has an id goes into a timeline, so that all of it is shown once: chat messages come on two channels as well, and
   notifications under two names. Those two into one of their own: only notes are captured. */
static const struct form { const char *event; void (*print)(misskey_json body); timeline *line; } forms[] = {
    { "note", show_note, &shown_notes }, { "mention", show_note, &shown_notes }, { "reply", show_note, &shown_notes },
    { "renote", show_note, &shown_notes }, { "edited", show_note, &shown_notes },
    { "message", show_chat, &others }, { "newChatMessage", show_chat, &others },
    { "notification", show_notification, &others }, { "unreadNotification", show_notification, &others }
};

/* NULL: none of those */
static const struct form *form_of(const misskey_message *m)
{
    const bool has_id = m->kind == MISSKEY_KIND_CHANNEL && misskey_json_get(m->body, "id").ptr != NULL;
    size_t i;
    for (i = 0; has_id && i < sizeof forms / sizeof forms[0]; i++)
        if (misskey_jstr_eq(m->event, forms[i].event)) return &forms[i];
    return NULL;
}

static void print_message(const misskey_message *m)
{
    const struct form *const form = form_of(m);
    begin_line();
    if (misskey_jstr_eq(m->event, "edited")) fputs("edited: ", stdout);
    if (m->kind == MISSKEY_KIND_NOTE_UPDATED) show_note_update(m, misskey_store_get(&store, m->id));
    else if (form != NULL) form->print(m->body);
    else show_other(m);
    end_line();
}

/* Puts it where it belongs. False: nothing new. Updates up to UPDATED change a note that is here, unless the change was
   known or the note is deleted. */
static bool is_news(const misskey_message *m)
{
    const struct form *const form = form_of(m);
    misskey_note note;
    if (m->kind == MISSKEY_KIND_NOTE_UPDATED) {
        return timeline_update(&shown_notes, m) != 0 ||
               misskey_note_update_find(m->event) > MISSKEY_NOTE_UPDATE_UPDATED ||
               !misskey_note_read(misskey_store_get(&store, m->id), &note);
    }
    if (form != NULL && form->print == show_chat) show_meet(m->body);
    return form == NULL || timeline_note(form->line, m->body) != TIMELINE_DUPLICATE ||
           misskey_jstr_eq(m->event, "edited");
}

static const char *channel_name(const misskey_event *e) { return e->user != NULL ? (const char *)e->user : ""; }

static void print_status(const misskey_event *e)
{
    static const char *const reasons[] = {
        [MISSKEY_REASON_UNKNOWN] = "wrong parameters, or no permission?",
        [MISSKEY_REASON_LIMIT] = "more channels than it allows?",
        [MISSKEY_REASON_SHARED] = "it gives this one once per connection.",
        [MISSKEY_REASON_NAME] = "no known server has a channel of this name."
    };
    const char *const text = e->err != MISSKEY_ERR_OK ? misskey_err_text(e->err) : "";
    switch (e->type) {
    case MISSKEY_EVENT_OPEN:
        status(e->resumed ? "connected again" : "connected");
        break;
    case MISSKEY_EVENT_CHANNEL_READY:
        status("%s is on", channel_name(e));
        break;
    case MISSKEY_EVENT_CHANNEL_REFUSED:
        status("%s: the server does not answer: %s", channel_name(e), reasons[e->reason]);
        break;
    case MISSKEY_EVENT_GAP:
        status("gap: %s was off for %.1f s%s%.*s", channel_name(e), e->outage_ms / 1e3,
               e->last_id.len > 0 ? "; the last note before it: " : "", (int)e->last_id.len,
               e->last_id.len > 0 ? e->last_id.ptr : "");
        break;
    case MISSKEY_EVENT_DROPPED:
        status("%llu bytes left out", (unsigned long long)e->size);
        break;
    case MISSKEY_EVENT_CLOSED:
        status("closed (%u)%s%s%s%.*s", (unsigned)e->code, *text != '\0' ? " " : "", text, e->text.len > 0 ? ": " : "",
               (int)e->text.len, e->text.len > 0 ? e->text.ptr : "");
        break;
    default:
        break;
    }
}

/* --- JSON --- */

/* Can it be part of a line of JSON? A message may have members so deep that the library takes them unchecked. */
static bool is_json(const misskey_event *e)
{
    misskey_json all;
    return e->message.kind < MISSKEY_KIND_TEXT_PING &&
           misskey_json_check(e->text.ptr, e->text.len, &all, NULL) == MISSKEY_ERR_OK;
}

static void json_member(const char *name, const char *text, size_t len)
{
    char *literal = NULL;
    size_t size = 0;
    FILE *const memory = open_memstream(&literal, &size);
    if (memory == NULL) fail(USAGE, "out of memory");
    record_json_string(memory, text, len);
    if (fclose(memory) != 0) fail(USAGE, "out of memory");
    printf(",\"%s\":", name);
    show_json(literal, size);
    free(literal);
}

static void json_line(const char *event) { printf("{\"t\":%.*s,\"event\":\"%s\"", (int)now.len, now.ptr, event); }

static void print_json_message(const misskey_event *e)
{
    const bool json = is_json(e);
    json_line(json ? "message" : "text");
    if (e->user != NULL) json_member("channel", channel_name(e), strlen(channel_name(e)));
    if (json) {
        fputs(",\"message\":", stdout);
        show_json(e->text.ptr, e->text.len);
    } else {
        json_member("text", e->text.ptr, e->text.len);
    }
    puts("}");
}

static void print_json_status(const misskey_event *e)
{
    static const char *const reasons[] = { "UNKNOWN", "LIMIT", "SHARED", "NAME" };
    switch (e->type) {
    case MISSKEY_EVENT_OPEN:
        json_line("open");
        if (e->resumed) fputs(",\"resumed\":true", stdout);
        break;
    case MISSKEY_EVENT_DROPPED:
        json_line("dropped");
        printf(",\"size\":%llu", (unsigned long long)e->size);
        break;
    case MISSKEY_EVENT_CLOSED:
        json_line("closed");
        printf(",\"code\":%u,\"error\":\"%s\"", (unsigned)e->code, misskey_err_name(e->err));
        json_member("reason", e->text.ptr, e->text.len);
        break;
    case MISSKEY_EVENT_CHANNEL_READY:
    case MISSKEY_EVENT_CHANNEL_REFUSED:
    case MISSKEY_EVENT_GAP:
        json_line(e->type == MISSKEY_EVENT_GAP ? "gap" : e->type == MISSKEY_EVENT_CHANNEL_READY ? "ready" : "refused");
        json_member("channel", channel_name(e), strlen(channel_name(e)));
        if (e->type == MISSKEY_EVENT_CHANNEL_REFUSED) printf(",\"reason\":\"%s\"", reasons[e->reason]);
        if (e->type != MISSKEY_EVENT_GAP) break;
        printf(",\"outage\":%lu", (unsigned long)e->outage_ms);
        if (e->last_id.ptr != NULL) json_member("lastId", e->last_id.ptr, e->last_id.len);
        else fputs(",\"lastId\":null", stdout);
        break;
    default:
        return;
    }
    puts("}");
}

/* --- events --- */

/* Can a message have this name? Those that only a client sends, and acknowledgements, are never shown. */
static bool is_name(misskey_jstr name)
{
    static const misskey_kind kinds[] = {
        MISSKEY_KIND_CHANNEL, MISSKEY_KIND_NOTE_UPDATED, MISSKEY_KIND_EMOJI_ADDED, MISSKEY_KIND_EMOJI_UPDATED,
        MISSKEY_KIND_EMOJI_DELETED, MISSKEY_KIND_ANNOUNCEMENT_CREATED, MISSKEY_KIND_USER_UPDATED, MISSKEY_KIND_PING,
        MISSKEY_KIND_PONG, MISSKEY_KIND_API_RESULT
    };
    size_t i;
    for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (misskey_jstr_eq(name, show_type_names_[kinds[i]])) return true;
    return misskey_channel_event_find(name) != MISSKEY_CHANNEL_EVENT_OTHER ||
           misskey_note_update_find(name) != MISSKEY_NOTE_UPDATE_OTHER;
}

static void check_filter(const char *list)
{
    const char *name = list;
    for (;; name++) {
        const size_t len = strcspn(name, ",");
        const misskey_jstr one = { name, len };
        if (len == 0) fail(USAGE, "--filter %s: a name is empty", list);
        if (!is_name(one) && misskey_notification_find(one) != MISSKEY_NOTIFICATION_OTHER)
            fail(USAGE, "--filter %.*s: this is a type of notification: use notification", (int)len, name);
        if (!is_name(one))
            fail(USAGE, "--filter %.*s: no message has this name; --help lists the usual ones", (int)len, name);
        name += len;
        if (*name == '\0') return;
    }
}

/* Is the name one of NAME,NAME? */
static bool is_listed(const char *list, misskey_jstr name)
{
    char one[64];
    while (*list != '\0') {
        const size_t len = strcspn(list, ",");
        snprintf(one, sizeof one, "%.*s", (int)len, list);
        if (name.ptr != NULL && misskey_jstr_eq(name, one)) return true;
        list += len + (list[len] == ',');
    }
    return false;
}

static bool is_wanted(const misskey_message *m)
{
    return options.filter == NULL || is_listed(options.filter, show_type(m)) || is_listed(options.filter, m->event);
}

static bool all_shown(void) { return options.count > 0 && num_shown >= options.count; }

static void show_event(const misskey_event *e)
{
    const bool news = e->type == MISSKEY_EVENT_MESSAGE && is_news(&e->message);
    if (e->type != MISSKEY_EVENT_MESSAGE) {
        if (options.json) print_json_status(e);
        else if (options.replay == NULL || !options.raw) print_status(e);
        return;
    }
    if (all_shown() || !is_wanted(&e->message) || (!news && !options.json && !options.raw)) return;
    if (options.json) {
        print_json_message(e);
    } else if (options.raw) {
        if (is_json(e)) show_json(e->text.ptr, e->text.len);
        else show_plain(e->text.ptr, e->text.len, false);
        putchar('\n');
    } else {
        print_message(&e->message);
    }
    if (e->message.kind != MISSKEY_KIND_CONNECTED) num_shown++;     /* a recording of a client that is not known */
}

static void print_stats(void)
{
    const misskey_counters *const c = &conn.session.counters;
    const char *const format = options.json
        ? "{\"t\":%.*s,\"event\":\"stats\",\"shown\":%.0f,\"messages\":%lu,\"texts\":%lu,\"leaked\":%lu,"
          "\"dropped\":%lu,\"sent\":%lu,\"connections\":%u,\"bytesReceived\":%llu,\"bytesSent\":%llu}\n"
        : "misskey-tail: %.*s ms; %.0f shown of %lu messages (no JSON: %lu, not asked for: %lu, left out: %lu); "
          "%lu sent; %u connections; %llu bytes received, %llu sent\n";
    fflush(stdout);
    fprintf(options.json ? stdout : stderr, format, (int)now.len, now.ptr, num_shown, (unsigned long)c->messages,
            (unsigned long)c->texts, (unsigned long)c->leaked, (unsigned long)c->dropped, (unsigned long)c->sent,
            connections, (unsigned long long)received, (unsigned long long)sent);
}

/* --- memory --- */

/* The rest of desc, and where notes are kept. */
static misskey_err set_up(misskey_conn_desc *desc)
{
    static uint8_t rx[MISSKEY_RX_SIZE(1 << 20)], tx[MISSKEY_TX_SIZE(1 << 14)];
    static uint64_t notes[MISSKEY_STORE_SIZE(2 * ROWS, NOTE_SIZE) / 8];    /* a renote needs two */
    static uint64_t other_notes[MISSKEY_STORE_SIZE(OTHERS, 256) / 8];
    static timeline_row rows[ROWS], other_rows[OTHERS];
    const misskey_store_desc kept = { .mem = { notes, sizeof notes }, .note_size = NOTE_SIZE, .grace_ms = 1,
                                      .session = options.capture ? &conn.session : NULL };
    const misskey_store_desc others_kept = { .mem = { other_notes, sizeof other_notes }, .note_size = 256 };
    const timeline_desc line = { .rows = rows, .num_rows = options.capture ? CAPTURED_ROWS : ROWS, .store = &store };
    const timeline_desc others_line = { .rows = other_rows, .num_rows = OTHERS, .store = &others_store };
    desc->ws.rx.ptr = rx;
    desc->ws.rx.size = sizeof rx;
    desc->ws.tx.ptr = tx;
    desc->ws.tx.size = sizeof tx;
    (void)misskey_store_init(&store, &kept);
    (void)misskey_store_init(&others_store, &others_kept);
    (void)timeline_init(&shown_notes, &line);
    (void)timeline_init(&others, &others_line);
    return misskey_conn_init(&conn, desc);
}

/* --- a recording --- */

#define ATTEMPT "attempt-%02u"      /* folder of a connection after the first */

static replay recorded;
static bool closed;                 /* CLOSED has come */
static misskey_err why;

/* What the recorded client has connected: the id of a channel, and its name. The oldest goes first. */
static struct { char id[64], name[64]; } asked[1024];
static size_t num_asked;
static misskey_ws listener;         /* stands for the server that heard it */

static void begin_listening(void)
{
    static uint8_t rx[MISSKEY_RX_SIZE(1 << 16)], tx[MISSKEY_TX_SIZE(1 << 10)];
    misskey_ws_desc desc;
    memset(&desc, 0, sizeof desc);
    desc.server = true;
    desc.rx.ptr = rx;
    desc.rx.size = sizeof rx;
    desc.tx.ptr = tx;
    desc.tx.size = sizeof tx;
    num_asked = 0;
    (void)misskey_ws_init(&listener, &desc);
    misskey_ws_transport_up(&listener);
}

static void note_connect(const misskey_ws_event *e)
{
    const size_t at = num_asked % (sizeof asked / sizeof asked[0]);
    misskey_message m;
    if (misskey_message_parse(e->text.ptr, e->text.len, &m) != MISSKEY_ERR_OK || m.kind != MISSKEY_KIND_CONNECT) return;
    (void)misskey_jstr_copy(m.id, asked[at].id, sizeof asked[at].id);
    (void)misskey_jstr_copy(m.channel, asked[at].name, sizeof asked[at].name);
    num_asked++;
}

/* Bytes of the recorded client. */
static void listen_to(const char *data, size_t len)
{
    misskey_ws_event e;
    size_t n = 1, out;
    for (; len > 0 && n > 0; data += n, len -= n) {
        n = misskey_ws_feed(&listener, data, len);
        while (misskey_ws_poll(&listener, &e)) {
            if (e.type == MISSKEY_WS_EVENT_UPGRADE) (void)misskey_ws_accept(&listener, NULL);
            if (e.type == MISSKEY_WS_EVENT_MESSAGE) note_connect(&e);
        }
        while (misskey_ws_send_buf(&listener, &out) != NULL) misskey_ws_send_ack(&listener, out);
    }
}

/* Gives an event the channel that the recorded client gave its id to. An acknowledgement becomes what a session makes
   of it. */
static void name_channel(misskey_event *e)
{
    const size_t cap = sizeof asked / sizeof asked[0], first = num_asked > cap ? num_asked - cap : 0;
    const misskey_kind kind = e->message.kind;
    size_t i = num_asked;
    if (e->type != MISSKEY_EVENT_MESSAGE || (kind != MISSKEY_KIND_CHANNEL && kind != MISSKEY_KIND_CONNECTED)) return;
    while (i > first && !misskey_jstr_eq(e->message.id, asked[(i - 1) % cap].id)) i--;
    if (i == first) return;
    e->user = asked[(i - 1) % cap].name;
    if (kind == MISSKEY_KIND_CONNECTED) e->type = MISSKEY_EVENT_CHANNEL_READY;
}

/* Takes all events, and discards what is to be sent. */
static void handle_recorded(void)
{
    misskey_event e;
    size_t len;
    while (misskey_conn_poll(&conn, &e)) {
        name_channel(&e);
        show_event(&e);
        if (e.type == MISSKEY_EVENT_OPEN) connections++;
        if (e.type == MISSKEY_EVENT_CLOSED) {
            closed = true;
            why = e.err;
        }
    }
    while (misskey_conn_send_buf(&conn, &len) != NULL) misskey_conn_send_ack(&conn, len);
}

/* The clock stands still (no tick): a recording cannot answer pings. */
static void feed(const char *data, size_t len)
{
    received += len;
    while (len > 0 && !closed && !all_shown()) {
        const size_t n = misskey_conn_feed(&conn, data, len);
        data += n;
        len -= n;
        handle_recorded();
    }
}

/* Not at all where the recording goes back in time. */
static void wait_ms(double ms)
{
    fflush(stdout);
    if (ms > 0) (void)poll(NULL, 0, ms < 1e9 ? (int)ms : 1000000000);
}

/* Up to its end, or as far as was asked for. */
static void play(void)
{
    static char text[32];
    double last = 0;
    while (!closed && !all_shown() && replay_next(&recorded)) {
        if (options.seconds > 0 && recorded.ms > options.seconds * 1000) return;
        snprintf(text, sizeof text, "%.15g", recorded.ms);
        now = misskey_json_text(text);
        if (recorded.sent) {
            listen_to(recorded.data, recorded.len);
            continue;
        }
        if (options.speed > 0) wait_ms((recorded.ms - last) / options.speed);
        last = recorded.ms;
        feed(recorded.data, recorded.len);
    }
    if (recorded.error[0] != '\0') fail(PROTOCOL, "%s", recorded.error);
    if (all_shown()) return;
    misskey_conn_transport_down(&conn);
    handle_recorded();
}

/* One connection. The first one makes conn, whose desc then lends what recorded has of the others as well. */
static void replay_one(const char *dir, bool first)
{
    misskey_conn_desc desc;
    memset(&desc, 0, sizeof desc);
    if (!replay_open(&recorded, dir)) fail(USAGE, "%s", recorded.error);
    replay_ask(&recorded, &desc.ws);
    if (first && set_up(&desc) != MISSKEY_ERR_OK) fail(PROTOCOL, "the request in client.bin cannot be repeated");
    closed = false;
    why = MISSKEY_ERR_OK;
    now = misskey_json_text("0");
    begin_listening();
    misskey_conn_transport_up(&conn);
    play();
    if (why == MISSKEY_ERR_WS_ACCEPT) fail(PROTOCOL, "server.bin does not answer the Sec-WebSocket-Key of client.bin");
    if (why != MISSKEY_ERR_OK && why != MISSKEY_ERR_HTTP_STATUS && why != MISSKEY_ERR_TRANSPORT)
        fail(PROTOCOL, "the stream is broken: %s", misskey_err_text(why));
    replay_close(&recorded);
}

/* What --record has written: the first connection in DIR, those that followed in DIR/attempt-01 and so on. */
static void play_recording(const char *dir)
{
    char name[32];
    unsigned i;
    replay_one(dir, true);
    for (i = 1; !all_shown(); i++) {
        snprintf(name, sizeof name, ATTEMPT, i);
        if (access(name, F_OK) != 0) break;
        replay_one(name, false);
        if (chdir("..") != 0) fail(USAGE, "cannot leave the folder %s: %s", name, strerror(errno));
    }
}

/* --- a server --- */

enum { CLOSE_MS = 2000 };           /* for the answer to our Close */
enum { TOO_OFTEN = 3 };             /* connections in a row that the server closes at once */

static wire peer;

static struct {
    bool was_open, closing, over;
    bool deaf;                      /* whoever read our output is gone */
    bool heard;                     /* a message has come, ever */
    bool down;                      /* a connection is gone, which has not been announced yet */
    unsigned at_once;               /* connections in a row that the server closed before it said anything */
    bool said_something;            /* on this connection */
    uint32_t clock;
    uint64_t elapsed;               /* ms */
    int status;                     /* exit status, and why */
    char why[800];
} run;

static char host[256], port[8], host_header[NET_HOST_HEADER];
static recording record;
static unsigned recordings;
static volatile sig_atomic_t interrupted;
static int wake[2];                 /* a pipe that ends poll() when a signal has come */

static void on_signal(int number)
{
    const int error = errno;
    (void)number;
    interrupted = 1;
    (void)!write(wake[1], "", 1);
    errno = error;
}

/* The connection is gone, or did not come about. Exit status, 0: the session tries again. */
static void lost(int exit_status, const char *reason)
{
    snprintf(run.why, sizeof run.why, "%s", reason);
    run.down = true;
    run.over = run.over || exit_status != 0;
    if (run.status == 0) run.status = exit_status;
}

/* - the connection: what moves over it is counted and recorded - */

static int peer_read(void *user, void *dst, size_t len)
{
    const misskey_io *const io = (const misskey_io *)user;
    const int n = io->read(io->user, dst, len);
    if (n <= 0) return n;
    received += (unsigned)n;
    record_data(&record, false, dst, (size_t)n, run.clock);
    return n;
}

static int peer_write(void *user, const void *src, size_t len)
{
    const misskey_io *const io = (const misskey_io *)user;
    const int n = io->write(io->user, src, len);
    if (n <= 0) return n;
    sent += (unsigned)n;
    record_data(&record, true, src, (size_t)n, run.clock);
    return n;
}

/* The folder of the connection with this number. Nothing in it is written over. */
static void recording_path(char *path, size_t cap, const char *file)
{
    const int n = recordings == 0 ? snprintf(path, cap, "%s%s", options.record, file)
                                  : snprintf(path, cap, "%s/" ATTEMPT "%s", options.record, recordings, file);
    if (n < 0 || (size_t)n >= cap) fail(USAGE, "the name of the folder is too long: %s", options.record);
}

static void begin_recording(void)
{
    char path[4096];
    recording_path(path, sizeof path, "/server.bin");
    if (access(path, F_OK) == 0) fail(USAGE, "there is a recording already: %s", path);
    recording_path(path, sizeof path, "");
    if ((mkdir(path, 0700) != 0 && errno != EEXIST) || !record_begin(&record, path, run.clock))
        fail(USAGE, "cannot write into %s: %s", path, strerror(errno));
    recordings++;
}

/* The connection is of no more use. who: of them ended it */
static void hang_up(const char *who)
{
    if (!record_end(&record, who, run.clock)) lost(USAGE, "the recording cannot be written: is the disk full?");
    wire_close(&peer);
}

/* Why the last connection is gone, and how long the session waits. Once all events have been taken. */
static void announce_retry(void)
{
    const uint32_t delay = misskey_conn_timeout(&conn);
    run.down = false;
    if (options.json) {
        json_line("retry");
        printf(",\"delay\":%lu}\n", (unsigned long)delay);
    } else {
        status("%s; connecting again in %.1f s", run.why, delay / 1e3);
    }
}

/* Does the server perhaps not speak TLS at all? Not once it has a certificate; and port 443 is for TLS, so nobody is
   told there to go without. */
static bool is_tls_missing(void)
{
    const char *const distrust = "TLS: the certificate";
    return peer.tls_failed && !run.was_open && strcmp(port, "443") != 0 &&
           strncmp(peer.error, distrust, strlen(distrust)) != 0;
}

/* No connection came about. The first one must; what was open once is tried for ever. */
static void on_failed(void)
{
    char reason[800];
    wire_close(&peer);
    misskey_conn_transport_down(&conn);
    if (options.json) {
        json_line("failed");
        json_member("reason", peer.error, strlen(peer.error));
        puts("}");
    }
    snprintf(reason, sizeof reason, "%s%s", peer.error, is_tls_missing() ? "; a server without TLS needs --plain" : "");
    lost(run.was_open ? 0 : peer.tls_failed ? TLS : NETWORK, reason);
}

/* Moves on what is there to be moved. */
static void drive(void)
{
    const wire_state before = peer.state;
    misskey_io below, io = { peer_read, peer_write, &below };
    if (wire_drive(&peer, run.clock) == WIRE_FAILED) on_failed();
    if (peer.state != WIRE_UP) return;
    if (before != WIRE_UP) {
        run.said_something = false;
        if (options.record != NULL) begin_recording();
        misskey_conn_transport_up(&conn);
    }
    below = wire_io(&peer);
    (void)misskey_conn_pump(&conn, &io);
}

/* - the end of a connection - */

/* Does the server perhaps expect TLS, where there is none? Some send an alert then, some 400, some only hang up. */
static bool is_tls_wanted(const misskey_event *e)
{
    return options.plain && !run.was_open &&
           (e->err == MISSKEY_ERR_HTTP_SYNTAX || (e->err == MISSKEY_ERR_HTTP_STATUS && e->code == 400) ||
            (e->err == MISSKEY_ERR_TRANSPORT && e->code == 0));
}

/* Sharkey accepts everybody, and closes at once if the token is bad. */
static bool is_shut_out(void) { return run.at_once >= TOO_OFTEN && *me.token != '\0' && !run.heard; }

/* Exit status; 0: it is worth another try, which the session makes. A 403 after a good connection comes from something
   in between. 4001: how Sharkey ends those whose account is suspended. */
static int judge_end(const misskey_event *e)
{
    const bool refused = e->err == MISSKEY_ERR_HTTP_STATUS;
    if (refused && (e->code == 401 || (e->code == 403 && !run.was_open))) return CREDENTIAL;
    if (is_shut_out() || (e->err == MISSKEY_ERR_OK && e->code == 4001)) return CREDENTIAL;
    if (run.was_open || (refused && (e->code >= 500 || e->code == 429 || e->code == 408))) return 0;
    return e->err == MISSKEY_ERR_TRANSPORT || e->err == MISSKEY_ERR_TIMEOUT ? NETWORK : PROTOCOL;
}

static void on_closed(const misskey_event *e)
{
    static const char advice[] = "; if it has TLS, leave out --plain";
    char reason[800];
    int exit_status;
    account_explain(&me, e, host, peer.error, reason, sizeof reason - sizeof advice);
    if (is_tls_wanted(e)) strcat(reason, advice);
    run.at_once = e->err == MISSKEY_ERR_OK && !run.said_something ? run.at_once + 1 : 0;
    exit_status = judge_end(e);
    if (options.json) show_event(e);
    else if (run.closing) status(e->err == MISSKEY_ERR_OK ? "closed" : "closed; the server did not answer");
    hang_up(e->err == MISSKEY_ERR_TRANSPORT ? "server-closed" : "client-closed");
    if (run.over) return;
    if (run.closing) run.over = true;
    else if (is_shut_out()) lost(exit_status, "the server closes every connection at once: it refuses the token");
    else lost(exit_status, reason);
}

/* - the loop - */

static void handle_events(void)
{
    misskey_event e;
    while (!run.over && misskey_conn_poll(&conn, &e)) {
        const char *const advice = account_advice(&me, &e, channel_name(&e));
        switch (e.type) {
        case MISSKEY_EVENT_DIAL:
            if (wire_dial(&peer, net_now()) == WIRE_FAILED) on_failed();
            break;
        case MISSKEY_EVENT_CLOSED:
            on_closed(&e);
            break;
        case MISSKEY_EVENT_OPEN:
            connections++;
            run.was_open = true;
            show_event(&e);
            break;
        default:
            run.said_something = true;
            run.heard = true;
            show_event(&e);
            if (advice != NULL) status("%s", advice);
        }
    }
    if (run.down && !run.over) announce_retry();
}

/* Closes as RFC 6455 wants it: our Close, the answer of the server, then the connection. */
static void begin_close(void)
{
    run.closing = true;
    if (peer.state == WIRE_UP) {
        (void)misskey_conn_close(&conn, 1000, NULL);
        return;
    }
    hang_up("client-closed");
    run.over = true;
}

static void take_time(void)
{
    static char text[24];
    const uint32_t clock = net_now();
    run.elapsed += clock - run.clock;
    run.clock = clock;
    snprintf(text, sizeof text, "%llu", (unsigned long long)run.elapsed);
    now = misskey_json_text(text);
    misskey_conn_tick(&conn, clock);
    timeline_tick(&shown_notes, clock, 0);
}

static bool time_is_over(void) { return options.seconds > 0 && (double)run.elapsed >= options.seconds * 1000; }

static int least(int a, uint32_t b) { return b < (uint32_t)a ? (int)b : a; }

/* Sleeps until something can be done. */
static void wait_for_more(void)
{
    struct pollfd fds[1 + NET_FDS] = { { .fd = wake[0], .events = POLLIN } };
    const double left = options.seconds * 1000 - (double)run.elapsed;
    char byte;
    size_t len;
    nfds_t num;
    int ms = least(60000, misskey_conn_timeout(&conn));
    ms = least(ms, misskey_store_timeout(&store));
    ms = least(ms, wire_timeout(&peer, run.clock));
    num = 1 + wire_poll_fds(&peer, misskey_conn_send_buf(&conn, &len) != NULL, fds + 1);
    if (options.seconds > 0 && !run.closing) ms = least(ms, left < 1 ? 1 : left < 60000 ? (uint32_t)left + 1 : 60000);
    if (poll(fds, num, ms) > 0 && (fds[0].revents & POLLIN)) (void)!read(wake[0], &byte, 1);
}

static void flush_output(void)
{
    if (run.deaf || (fflush(stdout) == 0 && !ferror(stdout))) return;
    if (errno != EPIPE) fail(USAGE, "cannot write: %s", strerror(errno));
    run.deaf = true;
    if (!run.closing) begin_close();
}

static void open_channels(void)
{
    static char *local[] = { "localTimeline" };
    char **const names = options.num_channels > 0 ? options.channels : local;
    const size_t num = options.num_channels > 0 ? options.num_channels : 1;
    misskey_channel channel;
    misskey_err err;
    size_t i;
    for (i = 0; i < num; i++) {
        char *const params = strchr(names[i], ':');
        if (params != NULL) *params = '\0';
        err = misskey_channel_open(&conn.session, names[i], params != NULL ? params + 1 : NULL, names[i], &channel);
        if (err == MISSKEY_ERR_NO_TOKEN)
            fail(CREDENTIAL, "%s needs an account: give --token-file FILE, or get a token with --login", names[i]);
        if (err != MISSKEY_ERR_OK) fail(USAGE, "--channel %s: %s", names[i], misskey_err_text(err));
    }
}

static void set_up_server(void)
{
    static misskey_channel_slot channels[MAX_CHANNELS];
    static misskey_capture_slot captures[CAPTURES];
    static const misskey_header agent = { "User-Agent", "misskey-tail" };   /* some proxies refuse those without */
    misskey_conn_desc desc = {
        .ws = { .host = host_header, .entropy = net_entropy,
                .close_ms = CLOSE_MS, .headers = &agent, .num_headers = 1 },
        .session = { .channels = channels, .num_channels = MAX_CHANNELS }
    };
    misskey_err err;
    account_show(&me, &desc.ws);
    if (options.capture) {
        desc.session.captures = captures;
        desc.session.num_captures = CAPTURES;
    }
    err = set_up(&desc);
    if (err != MISSKEY_ERR_OK) fail(USAGE, "this name of a server cannot be used: %s", host);
    open_channels();
}

static void set_up_signals(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = (int)SA_RESETHAND | SA_RESTART;   /* the second one ends it at once */
    if (pipe(wake) != 0 || fcntl(wake[1], F_SETFL, O_NONBLOCK) != 0) fail(USAGE, "no pipe: %s", strerror(errno));
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

/* A server may be gone while it is written to, which is no reason to die. */
static void open_wire(bool with_tls)
{
    (void)signal(SIGPIPE, SIG_IGN);
    if (!wire_init(&peer, host, port, with_tls, options.ca)) fail(USAGE, "%s", peer.error);
}

static void tail(void)
{
    char path[4096];
    open_wire(!options.plain);
    if (options.record != NULL) {   /* said before anything is asked of a server */
        recording_path(path, sizeof path, "/server.bin");
        if (access(path, F_OK) == 0) fail(USAGE, "there is a recording already: %s", path);
    }
    set_up_server();
    set_up_signals();
    run.clock = net_now();
    while (!run.over) {
        take_time();
        drive();
        handle_events();
        if (!run.closing && !run.over && (interrupted || all_shown() || time_is_over())) begin_close();
        flush_output();
        if (record.on && record.failed) fail(USAGE, "cannot write into %s: is the disk full?", options.record);
        if (!run.over) wait_for_more();
    }
    if (options.stats) print_stats();
    if (run.status == 0 && !run.was_open && !interrupted && time_is_over())
        fail(NETWORK, "no connection in %g s%s%s", options.seconds, *run.why != '\0' ? ": " : "", run.why);
    if (run.status != 0) fail(run.status, "%s", run.why);
}

/* --- the token --- */

static void read_token(void)
{
    me.in_query = options.token_in_query;
    if (!account_read(&me, host_header, options.token_file, options.plain))
        fail(me.no_token ? CREDENTIAL : USAGE, "%s", me.error);
    if (me.in_query && *me.token == '\0')
        fail(CREDENTIAL, "--token-in-query, but there is no token: give --token-file FILE, or get one with --login");
}

static void login(void)
{
    static miauth auth;
    char path[4096], said[sizeof auth.error] = "";
    miauth_state state;
    if (options.token_file != NULL) snprintf(path, sizeof path, "%s", options.token_file);
    else if (!account_file(path, sizeof path, host_header))
        fail(USAGE, "where to store the token? Give --token-file FILE");
    open_wire(true);
    if (!miauth_init(&auth, &peer, host_header, "misskey-tail", "read:account,read:chat"))
        fail(USAGE, "no random bytes");
    state = miauth_ask(&auth);     /* so that nobody opens an address in vain */
    if (state == MIAUTH_FAILED) fail(auth.answered ? PROTOCOL : peer.tls_failed ? TLS : NETWORK, "%s", auth.error);
    printf("Open this address in a browser, and allow it. This program waits for that.\n%s\n", auth.address);
    if (fflush(stdout) != 0) fail(USAGE, "cannot write: %s", strerror(errno));
    while (state != MIAUTH_DONE) {  /* the server knows MiAuth: what goes wrong now, a proxy or a restart, passes */
        (void)poll(NULL, 0, LOGIN_MS);
        state = miauth_ask(&auth);
        if (state == MIAUTH_FAILED && auth.allowed) fail(PROTOCOL, "%s", auth.error);
        if (state != MIAUTH_FAILED || strcmp(said, auth.error) == 0) continue;
        snprintf(said, sizeof said, "%s", auth.error);
        status("%s; asking again", said);
        (void)fflush(stdout);
    }
    if (!account_take(&me, auth.token, "the answer of the server")) fail(CREDENTIAL, "%s", me.error);
    if (!miauth_store(path, me.token)) fail(USAGE, "cannot write %s: %s", path, strerror(errno));
    printf("The token is in %s\n", path);
}

/* --- options --- */

static const struct option { const char *name, *what; void *where; } option_list[] = {
    /* what follows it, and where it goes; NULL: a flag */
    { "--channel", "name", NULL }, { "--token-file", "file", &options.token_file }, { "--ca", "file", &options.ca },
    { "--record", "folder", &options.record }, { "--replay", "folder", &options.replay },
    { "--filter", "name", &options.filter }, { "--speed", "number above 0", &options.speed },
    { "--count", "number above 0", &options.count }, { "--seconds", "number above 0", &options.seconds },
    { "--token-in-query", NULL, &options.token_in_query },
    { "--capture", NULL, &options.capture }, { "--login", NULL, &options.login }, { "--plain", NULL, &options.plain },
    { "--json", NULL, &options.json }, { "--raw", NULL, &options.raw }, { "--stats", NULL, &options.stats },
    { "--no-color", NULL, &options.no_color }
};

static void take_number(const struct option *o, const char *value)
{
    char *end;
    const double number = strtod(value, &end);
    if (*value == '\0' || *end != '\0' || !(number > 0 && number < 1e9))
        fail(USAGE, "%s needs a number above 0", o->name);
    *(double *)o->where = number;
}

/* True: the value was used. */
static bool take_option(const char *name, char *value)
{
    const struct option *o = option_list;
    const struct option *const end = o + sizeof option_list / sizeof *o;
    while (o < end && strcmp(o->name, name) != 0) o++;
    if (o == end) fail(USAGE, "unknown option %s; --help lists the options", name);
    if (o->what == NULL) {
        *(bool *)o->where = true;
        return false;
    }
    if (strcmp(o->what, "number above 0") == 0) {
        take_number(o, value != NULL ? value : "");
    } else if (value == NULL || *value == '\0') {
        fail(USAGE, "no %s after %s; --help lists the options", o->what, name);
    } else if (o->where != NULL) {
        *(const char **)o->where = value;
    } else {
        if (options.num_channels == MAX_CHANNELS) fail(USAGE, "more than %d channels", MAX_CHANNELS);
        options.channels[options.num_channels++] = value;
    }
    return true;
}

/* HOST[:PORT], or the same as an address: with a scheme, a slash or /streaming at its end, in capitals. */
static void take_address(const char *text)
{
    static const struct { const char *name; bool plain; } schemes[] = {
        { "https://", false }, { "wss://", false }, { "http://", true }, { "ws://", true }
    };
    const char *const usual = options.plain ? "80" : "443", *name = text, *rest;
    char server[300];
    size_t i;
    for (i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (strncasecmp(text, schemes[i].name, strlen(schemes[i].name)) != 0) continue;
        name = text + strlen(schemes[i].name);
        if (schemes[i].plain && !options.plain)
            fail(USAGE, "%s is without TLS: give --plain too, or write https://", schemes[i].name);
        if (!schemes[i].plain && options.plain)
            fail(USAGE, "%s is with TLS, --plain is without: leave out one of them", schemes[i].name);
    }
    rest = name + strcspn(name, "/");
    snprintf(server, sizeof server, "%.*s", (int)(rest - name), name);
    if (strcmp(rest, "/") != 0 && strcmp(rest, "/streaming") != 0 && *rest != '\0') *server = '\0';
    if (strpbrk(server, "@?# ") != NULL || !net_address(server, usual, host, port))    /* a query may have a token */
        fail(USAGE, "%.*s is no HOST[:PORT]; --help lists the options", (int)strcspn(text, "?"), text);
    for (i = 0; host[i] != '\0'; i++) host[i] = (char)tolower((unsigned char)host[i]);
    net_host_header(host_header, host, port, usual);
}

static void check_options(void)
{
    const char *const name = options.host;
    if (options.json && options.raw) fail(USAGE, "either --json or --raw, not both");
    if (options.filter != NULL) check_filter(options.filter);
    if (options.replay != NULL) {
        if (name != NULL) fail(USAGE, "either HOST or --replay DIR, not both");
        if (options.login || options.record != NULL || options.capture || options.token_in_query)
            fail(USAGE, "--login, --record, --capture and --token-in-query need a server");
        return;
    }
    if (name == NULL) fail(USAGE, "nothing to do: name a server, or give --replay DIR; --help lists the options");
    if (options.speed > 0) fail(USAGE, "--speed goes with --replay");
    if (options.login && options.plain) fail(USAGE, "--login needs TLS: leave out --plain");
    take_address(name);
}

int main(int argc, char **argv)
{
    int i;
    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) return fputs(help, stdout) < 0 || fflush(stdout) != 0 ? USAGE : 0;
        if (*argv[i] == '-') i += take_option(argv[i], i + 1 < argc ? argv[i + 1] : NULL);
        else if (options.host == NULL) options.host = argv[i];
        else fail(USAGE, "a second server: %s; --help lists the options", argv[i]);
    }
    check_options();
    show_colour = !options.json && !options.raw && !options.no_color && isatty(STDOUT_FILENO) &&
                  getenv("NO_COLOR") == NULL;
    if (options.replay != NULL) {
        play_recording(options.replay);
        if (options.stats) print_stats();
    } else if (options.login) {
        login();
    } else {
        read_token();
        tail();
    }
    if (!run.deaf && (fflush(stdout) != 0 || ferror(stdout))) fail(USAGE, "cannot write: %s", strerror(errno));
    return 0;
}
