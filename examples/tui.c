/* misskey-tui - home, local timeline and notifications of a Misskey server side by side on a terminal, up to date
   What to copy: "events" is the client, draw_note() reads all that a note has, run() is the loop: one poll() for the
   socket, the keys, the signals and the time. screen.h draws. POSIX. No curses, no thread.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#define _POSIX_C_SOURCE 200809L
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../misskey_stream.h"
#include "account.h"
#include "replay.h"
#include "screen.h"
#include "screen_svg.h"
#include "timeline.h"
#include "wire.h"

static const char help[] =
    "usage: misskey-tui HOST[:PORT] [--plain] [--ca FILE] [--token-file FILE] [--token-in-query]\n"
    "       misskey-tui --replay DIR [--speed N] [--svg WIDTHxHEIGHT]\n"
    "Shows home, local timeline and notifications of a Misskey server side by side, with the reactions as they come.\n"
    "Without a token there is only the local timeline.\n"
    "  --plain            no TLS: ws instead of wss\n"
    "  --ca FILE          trust the authorities in FILE (PEM) instead of the system's\n"
    "  --token-file FILE  the first line of FILE is the access token; without it MISSKEY_TOKEN, else what\n"
    "                     misskey-tail --login has stored, which is for TLS only\n"
    "  --token-in-query   for servers before 13.14: the token goes into ?i=, where proxies may log it\n"
    "  --replay DIR       play a recording: server.bin, client.bin and chunks.jsonl in DIR\n"
    "  --speed N          N times as fast as it was recorded (default: 1)\n"
    "  --svg WIDTHxHEIGHT print the screen as it is at the end of the recording, as a picture\n"
    "Keys: Tab, left, right: column; j, k, arrows, Page Up, Page Down: scroll; g, G: newest, oldest; c: show what is\n"
    "behind the next content warning on the screen, or hide it all; q: quit.\n"
    "Colours are used unless NO_COLOR is set.\n"
    "Exit status: 0; 1 the recording is broken; 2 wrong option, or something cannot be read.\n";

enum { BROKEN = 1, UNUSABLE = 2 };      /* exit status */
enum { ROWS = 200, NOTE_SIZE = 8192 };  /* rows of a column, and how much of each note is kept */
enum { FRAME_MS = 33 };                 /* least time between two frames */
enum { TOO_OFTEN = 3 };                 /* so many connections were closed before anything came */
enum { NARROW = 60 };                   /* a screen below so many columns shows one timeline */

static void fail(int status, const char *format, ...)
{
    va_list args;
    screen_leave();
    va_start(args, format);
    fputs("misskey-tui: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(status);
}

enum {
    TEXT, DIM, BORDER, BAR, BAR_DIM, BAR_GOOD, BAR_BAD, TITLE, WARNING, FILES, CHIP, GAP,
    NAME_0, NAME_1, NAME_2, NAME_3, NAME_4, NAME_5, NAMES = 6
};

static const screen_look looks[] = {
    [TEXT] = { 0, 0, 0 },       [DIM] = { 2, 0, 0 },          [BORDER] = { 2, 0, 0 },     [BAR] = { 1, 255, 237 },
    [BAR_DIM] = { 0, 248, 237 }, [BAR_GOOD] = { 1, 113, 237 }, [BAR_BAD] = { 1, 209, 237 }, [TITLE] = { 1, 112, 0 },
    [WARNING] = { 0, 178, 0 },  [FILES] = { 0, 139, 0 },      [CHIP] = { 0, 255, 238 },   [GAP] = { 0, 178, 0 },
    [NAME_0] = { 1, 75, 0 },    [NAME_1] = { 1, 114, 0 },     [NAME_2] = { 1, 176, 0 },   [NAME_3] = { 1, 173, 0 },
    [NAME_4] = { 1, 141, 0 },   [NAME_5] = { 1, 79, 0 }
};

static void put_str(misskey_jstr s, int lines)
{
    static char plain[NOTE_SIZE];
    size_t len = misskey_jstr_copy(s, plain, sizeof plain);
    if (len >= sizeof plain) len = strlen(plain);
    while (len > 0 && plain[len - 1] == '\n') len--;
    pen_text(plain, len, lines);
}

/* --- rows: each begins on a line of its own and leaves the pen on the line behind it --- */

static misskey_store notes, inbox;      /* inbox: notifications; nobody captures those */

/* Name and handle, and the time at the right. */
static void draw_user(misskey_json json, int64_t time)
{
    const time_t seconds = (time_t)(time / 1000);
    misskey_user user;
    char clock[8] = "";
    unsigned sum = 0;
    size_t i;
    const struct tm *const local = localtime(&seconds);
    if (local != NULL) (void)strftime(clock, sizeof clock, "%H:%M", local);
    (void)misskey_user_read(json, &user);
    for (i = 0; i < user.username.len; i++) sum = sum * 31 + (unsigned char)user.username.ptr[i];
    pen.columns -= 6;
    pen.look = (int)(NAME_0 + sum % NAMES);
    put_str(user.name.len > 0 ? user.name : user.username, 1);
    pen.look = DIM;
    if (user.name.len > 0) {
        pen_put(" @");
        put_str(user.username, 1);
    }
    if (user.host.len > 0) pen_put("@");
    put_str(user.host, 1);
    pen.columns += 6;
    pen_to(pen.columns - 5);
    pen_put(clock);
    pen_line();
}

static struct { bool open, met; } warning;  /* of the row being drawn: what it hides is shown; it hides something */

/* Another note in few words: of what stands behind a warning only that, unless it is open. */
static void draw_excerpt(const char *sign, misskey_json json, int lines)
{
    misskey_note note;
    misskey_user user;
    if (!misskey_note_read(json, &note)) return;
    pen.look = DIM;
    pen_put(sign);
    if (misskey_user_read(note.user, &user)) {
        pen_put("@");
        put_str(user.username, 1);
        pen_put(" ");
    }
    warning.met = warning.met || note.cw.ptr != NULL;
    pen_put(note.cw.ptr != NULL ? "CW: " : note.text.len == 0 ? "(no text)" : "");
    put_str(note.cw.ptr != NULL ? note.cw : note.text, lines);
    pen_line();
    if (note.cw.ptr == NULL || !warning.open || note.text.len == 0) return;
    put_str(note.text, 20);
    pen_line();
}

static void draw_files(misskey_json files)
{
    misskey_iter it = misskey_json_iter(files);
    misskey_file file;
    while (misskey_json_next(&it)) {
        if (!misskey_file_read(it.value, &file)) continue;
        pen.look = FILES;
        pen_put("▣ ");
        put_str(file.comment.len > 0 ? file.comment : file.name, 1);
        pen_line();
    }
}

static void draw_poll(misskey_json json)
{
    misskey_poll poll;
    misskey_poll_choice choice;
    misskey_iter it;
    char votes[32];
    (void)misskey_poll_read(json, &poll);
    it = misskey_json_iter(poll.choices);
    while (misskey_json_next(&it) && misskey_poll_choice_read(it.value, &choice)) {
        const int len = snprintf(votes, sizeof votes, "%lld", (long long)choice.votes);
        pen.look = FILES;
        pen.columns -= len + 1;
        pen_put("○ ");
        put_str(choice.text, 1);
        pen.columns += len + 1;
        pen_to(pen.columns - len);
        pen_put(votes);
        pen_line();
    }
}

/* Of a custom emoji of this server the name alone; an emoji gets back the U+FE0F that servers take away. */
static void copy_reaction(misskey_jstr reaction, char dst[160])
{
    misskey_jstr name, host;
    uint32_t c;
    char plain[128];
    const bool own = misskey_reaction_split(reaction, &name, &host) && host.ptr == NULL;
    bool bare;
    misskey_jstr_copy(own ? name : reaction, plain, sizeof plain);
    bare = width_decode(plain, strlen(plain), &c) == strlen(plain) && width_of(c) == WIDTH_TEXT;
    snprintf(dst, 160, "%s%s%s", own ? ":" : "", plain, own ? ":" : bare ? "\xEF\xB8\x8F" : "");
}

static void draw_reactions(misskey_json reactions)
{
    misskey_iter it = misskey_json_iter(reactions);
    misskey_jstr reaction;
    int64_t count;
    char emoji[160], text[200];
    bool any = false;
    while (misskey_reactions_next(&it, &reaction, &count)) {
        copy_reaction(reaction, emoji);
        snprintf(text, sizeof text, " %s %lld ", emoji, (long long)count);
        if (any && pen.x + pen_columns(text) > pen.columns) pen_line();
        pen.look = CHIP;
        pen_put(text);
        if (pen.x < pen.columns) pen.x++;
        any = true;
    }
    if (any) pen_line();
}

static void draw_note(const timeline *t, const timeline_row *row)
{
    misskey_note note, outer;
    misskey_user user;
    if (!timeline_read(t, row, &note)) return;
    (void)misskey_note_read(misskey_store_get(&notes, misskey_jstr_text(row->id)), &outer);
    if (misskey_note_is_renote(&outer) && misskey_user_read(outer.user, &user)) {
        pen.look = DIM;
        pen_put("↻ renoted by ");
        put_str(user.name.len > 0 ? user.name : user.username, 1);
        pen_line();
    }
    draw_user(note.user, row->time);
    pen.look = DIM;
    if (row->kind == TIMELINE_DELETED) {
        pen_put("(deleted)");
        pen_line();
        return;
    }
    draw_excerpt("↳ ", note.reply, 1);
    pen.look = WARNING;
    if (note.cw.ptr != NULL) {
        warning.met = true;
        pen_put("CW: ");
        put_str(note.cw, 2);
        pen_line();
    }
    if (note.text.len > 0 && (note.cw.ptr == NULL || warning.open)) {
        pen.look = TEXT;
        put_str(note.text, 20);
        pen_line();
    }
    draw_files(note.files);
    draw_poll(note.poll);
    draw_excerpt("» ", note.renote, 2);
    draw_reactions(note.reactions);
}

static void draw_notification(const timeline_row *row)
{
    static const struct { const char *type, *sign, *words; } kinds[] = {
        { "follow", "+", "followed you" }, { "mention", "@", "mentioned you" }, { "reply", "↳", "replied" },
        { "renote", "↻", "renoted" }, { "quote", "»", "quoted" }, { "reaction", "", "reacted" },
        { "pollEnded", "○", "a poll has ended" }, { "receiveFollowRequest", "?", "asks to follow you" },
        { "followRequestAccepted", "+", "lets you follow" }
    };
    const size_t num = sizeof kinds / sizeof kinds[0];
    misskey_notification n;
    char emoji[160];
    size_t i = 0;
    if (!misskey_notification_read(misskey_store_get(&inbox, misskey_jstr_text(row->id)), &n)) return;
    while (i < num && !misskey_jstr_eq(n.type, kinds[i].type)) i++;
    if (n.user.ptr != NULL) draw_user(n.user, row->time);
    pen.look = TEXT;
    copy_reaction(n.reaction, emoji);
    pen_put(emoji);
    if (*emoji != '\0') pen_put(" ");
    if (i < num) pen_put(kinds[i].sign);
    if (i < num && *kinds[i].sign != '\0') pen_put(" ");
    if (i < num) pen_put(kinds[i].words);
    else put_str(n.type, 1);
    pen_put(n.message.len + n.body.len + n.achievement.len > 0 ? ": " : "");
    put_str(n.message, 2);
    put_str(n.body, 2);
    put_str(n.achievement, 1);
    pen_line();
    draw_excerpt("", n.note, 2);
}

static void draw_gap(const timeline_row *row)
{
    char text[48];
    int i;
    snprintf(text, sizeof text, "── gap of %.1f s ", row->outage_ms / 1000.0);
    pen.look = GAP;
    pen_put(text);
    for (i = pen.x; i < pen.columns; i++) pen_put("─");
    pen_line();
}

/* --- columns --- */

typedef struct column {
    const char *channel, *title;
    timeline line;
    timeline_row rows[ROWS];
    timeline_row *top;          /* the row at the top of the screen; NULL = the newest, whichever that is */
    char top_id[33];
    int skip;                   /* lines of it that are above the screen */
    char opened[ROWS][33];      /* by row: id of the note of which everything is shown */
    const char *words;          /* what is said while it is empty */
    bool here;                  /* it is shown */
} column;

enum { HOME, LOCAL, NOTIFICATIONS, COLUMNS };
static column columns[COLUMNS] = {
    { .channel = "homeTimeline", .title = "Home" },
    { .channel = "localTimeline", .title = "Local" },
    { .channel = "main", .title = "Notifications" }
};
static int active = LOCAL;

static int body_lines(void) { return screen.height - 3; }

static bool is_open(const column *c, const timeline_row *row)
{
    return row->kind == TIMELINE_NOTE && strcmp(c->opened[row - c->rows], row->id) == 0;
}

static int draw_row(const column *c, const timeline_row *row)
{
    const int y = pen.y;
    warning.open = is_open(c, row);
    warning.met = false;
    if (row->kind == TIMELINE_GAP) draw_gap(row);
    else if (c == &columns[NOTIFICATIONS]) draw_notification(row);
    else draw_note(&c->line, row);
    pen_line();
    return pen.y - y;
}

/* Lines of a row: it is drawn where nothing is. */
static int row_lines(const column *c, const timeline_row *row)
{
    const int top = pen.top, bottom = pen.bottom, y = pen.y;
    int lines;
    pen.top = pen.bottom = pen.y = 0;
    lines = draw_row(c, row);
    pen.top = top;
    pen.bottom = bottom;
    pen.y = y;
    return lines;
}

/* The row at the top; *above: how many are newer. It may have left, and its place may be another's. */
static timeline_row *top_row(column *c, int *above)
{
    timeline_row *row = c->line.newest;
    *above = 0;
    if (c->top == NULL) return row;
    for (; row != NULL; row = row->older, ++*above) {
        if (row == c->top && strcmp(row->id, c->top_id) == 0) return row;
    }
    c->top = c->line.oldest;
    c->skip = 0;
    *above = (int)c->line.num - 1;
    if (c->top != NULL) strcpy(c->top_id, c->top->id);
    return c->top;
}

/* Where the columns that are shown stand: left edge of number i. */
static int edge(int i)
{
    return i * (screen.width + 1) / (screen.width < NARROW ? 1 : columns[HOME].here ? COLUMNS : 1);
}

/* The pen onto a column, with a blank on either side. */
static void aim(const column *c)
{
    int i = 0, k;
    for (k = 0; k < COLUMNS && screen.width >= NARROW && &columns[k] != c; k++) i += columns[k].here;
    pen_window(edge(i) + 1, edge(i + 1) - edge(i) - 3, 1, screen.height - 1);
}

static bool more_below(const column *c, const timeline_row *row)
{
    int lines = -c->skip - 1;   /* the empty line behind the last row need not be seen */
    for (; row != NULL && lines <= body_lines(); row = row->older) lines += row_lines(c, row);
    return lines > body_lines();
}

static void scroll(column *c, int lines)
{
    int above;
    timeline_row *row = top_row(c, &above);
    aim(c);
    for (; row != NULL && lines > 0 && more_below(c, row); lines--) {
        if (++c->skip < row_lines(c, row)) continue;
        row = row->older;
        c->skip = 0;
    }
    for (; row != NULL && lines < 0 && (c->skip > 0 || row->newer != NULL); lines++) {
        if (c->skip == 0) {
            row = row->newer;
            c->skip = row_lines(c, row);
        }
        c->skip--;
    }
    c->top = row == c->line.newest && c->skip == 0 ? NULL : row;
    if (c->top != NULL) strcpy(c->top_id, c->top->id);
}

/* Opens the first content warning on the screen that is closed; if there is none, closes all of them. */
static void turn_warnings(column *c)
{
    int above, y = -c->skip, lines;
    timeline_row *const top = top_row(c, &above), *row;
    aim(c);
    for (row = top; row != NULL && y < body_lines(); row = row->older, y += lines) {
        lines = row_lines(c, row);
        if (y + lines <= 1 || !warning.met || is_open(c, row)) continue;    /* its last line is empty */
        strcpy(c->opened[row - c->rows], row->id);
        return;
    }
    for (row = top, y = -c->skip; row != NULL && y < body_lines(); row = row->older, y += lines) {
        lines = row_lines(c, row);
        c->opened[row - c->rows][0] = '\0';
    }
    if (top != NULL && c->skip >= row_lines(c, top)) c->skip = row_lines(c, top) - 1;
}

/* So that the last line that says something is the last on the screen. */
static void scroll_to_oldest(column *c)
{
    if (c->line.oldest == NULL) return;
    aim(c);
    c->top = c->line.oldest;
    strcpy(c->top_id, c->top->id);
    c->skip = row_lines(c, c->top) - 1;
    scroll(c, -body_lines());
}

static void draw_column(column *c)
{
    char title[64];
    int above;
    const timeline_row *row = top_row(c, &above);
    aim(c);
    snprintf(title, sizeof title, above > 0 ? "%s ▲ %d" : "%s", c->title, above);
    pen.look = c == &columns[active] ? TITLE : DIM;
    pen_put(title);
    pen_line();
    pen.top = 2;
    pen.y = 2 - c->skip;
    if (row == NULL) {
        pen.look = DIM;
        pen_text(c->words, strlen(c->words), 12);
    }
    for (; row != NULL && pen.y < pen.bottom; row = row->older) draw_row(c, row);
}

/* --- the screen --- */

static misskey_conn conn;
static char host[256], header[NET_HOST_HEADER];
static account me;
static char state[800];                 /* of the connection, in words */
static char trouble[800];               /* why there is none: shown in empty columns, where it is not cut off */
static int state_look = BAR_DIM;
static bool dirty;                      /* the screen is to be drawn anew */

static void say(int look, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(state, sizeof state, format, args);
    va_end(args);
    state_look = look;
    dirty = true;
}

static void begin_bar(int y)
{
    screen_fill(y, y + 1, BAR);
    pen_window(0, screen.width, y, y + 1);
}

static void draw_screen(void)
{
    char text[64];
    int y, k;
    screen_fill(0, screen.height, TEXT);
    for (k = 0; k < COLUMNS; k++) {
        if (!columns[k].here || (screen.width < NARROW && k != active)) continue;
        draw_column(&columns[k]);
        for (y = 1; y < screen.height - 1 && pen.left > 1; y++)
            screen_set(pen.left - 2, y, "│", strlen("│"), 1, BORDER);
    }
    begin_bar(0);
    pen.look = BAR;
    pen_put(" misskey-tui  ");
    pen.look = state_look;
    pen_put("● ");
    pen.look = BAR;
    pen_put(host);
    pen.look = BAR_DIM;
    pen_put("  ");
    pen_put(state);
    snprintf(text, sizeof text, "%lu messages ", (unsigned long)conn.session.counters.messages);
    if (pen.x + (int)strlen(text) < screen.width) {
        pen_to(screen.width - (int)strlen(text));
        pen_put(text);
    }
    begin_bar(screen.height - 1);
    pen.look = BAR_DIM;
    pen_put(" Tab ←→ column   j k ↑ ↓ PgUp PgDn scroll   g newest   G oldest   c CW   q quit");
}

/* --- events --- */

static wire peer = { .tcp = { .fd = -1 }, .error = "" };
static bool replaying, closed;
static bool failed;                     /* and it is not said yet */
static bool heard;                      /* some connection has brought a message */
static char port[8];

static struct { char id[40]; column *c; } asked[64];    /* replay: the channels of the recorded client */
static size_t num_asked;

static column *column_named(misskey_jstr channel)
{
    int k;
    for (k = 0; k < COLUMNS; k++) if (misskey_jstr_eq(channel, columns[k].channel)) return &columns[k];
    return NULL;
}

/* The channels of a live connection are known by what they were opened with. */
static column *column_of(const misskey_event *e)
{
    size_t i;
    for (i = num_asked; i-- > 0;) if (misskey_jstr_eq(e->message.id, asked[i].id)) return asked[i].c;
    return e->user;
}

static void handle_message(const misskey_event *e)
{
    const misskey_message *const m = &e->message;
    const misskey_channel_event event = misskey_channel_event_find(m->event);
    column *c;
    uint32_t changed;
    if (m->kind == MISSKEY_KIND_NOTE_UPDATED) {
        changed = misskey_store_update(&notes, m);
        timeline_mark(&columns[HOME].line, m->id, changed);
        timeline_mark(&columns[LOCAL].line, m->id, changed);
    }
    if (m->kind != MISSKEY_KIND_CHANNEL || (c = column_of(e)) == NULL) return;
    if (c == &columns[NOTIFICATIONS] ? event == MISSKEY_CHANNEL_EVENT_NOTIFICATION ||
                                       event == MISSKEY_CHANNEL_EVENT_UNREAD_NOTIFICATION
                                     : event == MISSKEY_CHANNEL_EVENT_NOTE)
        (void)timeline_note(&c->line, m->body);
}

/* Sharkey accepts everybody, and closes at once if the token is bad. */
static void handle_closed(const misskey_event *e)
{
    static int at_once;
    closed = failed = true;
    at_once = e->err == MISSKEY_ERR_OK && !heard ? at_once + 1 : 0;
    account_explain(&me, e, host, peer.error, trouble, sizeof trouble);
    if (at_once >= TOO_OFTEN && *me.token != '\0')
        snprintf(trouble, sizeof trouble, "the server closes every connection at once: it refuses the token");
    wire_close(&peer);
}

/* No connection came about. */
static void give_up(void)
{
    failed = true;
    snprintf(trouble, sizeof trouble, "%s", peer.error);
    misskey_conn_transport_down(&conn);
}

static void dial(void)
{
    say(BAR_DIM, "connecting");
    closed = false;
    if (wire_dial(&peer, net_now()) == WIRE_FAILED) give_up();
}

/* In the columns that are empty. */
static void say_in_columns(const char *words)
{
    int k;
    for (k = 0; k < COLUMNS; k++) columns[k].words = words;
}

/* Before the reason: when the next attempt is, if there is one. */
static void say_trouble(void)
{
    const uint32_t ms = misskey_conn_timeout(&conn);
    failed = false;
    if (replaying || ms == MISSKEY_FOREVER) say(BAR_BAD, "%s", trouble);
    else say(BAR_BAD, "again in %.1f s: %s", ms / 1000.0, trouble);
    if (!replaying) say_in_columns(trouble);
}

static void handle_events(void)
{
    misskey_event e;
    column *c;
    const char *advice;
    while (misskey_conn_poll(&conn, &e)) {
        c = e.user;
        advice = c != NULL ? account_advice(&me, &e, c->channel) : NULL;
        dirty = true;
        switch (e.type) {
        case MISSKEY_EVENT_DIAL:            dial(); break;
        case MISSKEY_EVENT_OPEN:
            say(BAR_GOOD, "connected");
            if (!replaying) say_in_columns("Connecting ...");
            break;
        case MISSKEY_EVENT_MESSAGE:         heard = true; handle_message(&e); break;
        case MISSKEY_EVENT_CHANNEL_READY:   c->words = "Nothing yet."; break;
        case MISSKEY_EVENT_CHANNEL_REFUSED:
            c->words = advice != NULL ? advice : "No answer. Does the token allow this?";
            break;
        case MISSKEY_EVENT_GAP:             (void)timeline_gap(&c->line, &e); break;
        case MISSKEY_EVENT_CLOSED:          handle_closed(&e); break;
        default: break;
        }
    }
    if (failed) say_trouble();
}

/* --- a recording --- */

static replay recording;
static bool ended;
static double speed = 1;

/* What the recorded client sent: which channels it connected. */
static void learn(const char *data, size_t len)
{
    static uint8_t rx[MISSKEY_RX_SIZE(1 << 16)], tx[MISSKEY_TX_SIZE(256)];
    static misskey_ws ws;
    static bool up;
    const misskey_ws_desc desc = { .rx = { rx, sizeof rx }, .tx = { tx, sizeof tx }, .server = true };
    misskey_ws_event e;
    misskey_message m;
    size_t n = 1, out;
    column *c;
    if (!up) (void)misskey_ws_init(&ws, &desc);
    if (!up) misskey_ws_transport_up(&ws);
    for (up = true; len > 0 && n > 0; data += n, len -= n) {
        n = misskey_ws_feed(&ws, data, len);
        while (misskey_ws_poll(&ws, &e)) {
            if (e.type == MISSKEY_WS_EVENT_UPGRADE) (void)misskey_ws_accept(&ws, NULL);
            if (e.type != MISSKEY_WS_EVENT_MESSAGE || num_asked == sizeof asked / sizeof asked[0]) continue;
            if (misskey_message_parse(e.text.ptr, e.text.len, &m) != MISSKEY_ERR_OK) continue;
            if (m.kind != MISSKEY_KIND_CONNECT || (c = column_named(m.channel)) == NULL) continue;
            misskey_jstr_copy(m.id, asked[num_asked].id, sizeof asked[0].id);
            asked[num_asked++].c = c;
        }
        while (misskey_ws_send_buf(&ws, &out) != NULL) misskey_ws_send_ack(&ws, out);
    }
}

/* The clock of the connection stands still (no tick): a recording cannot answer pings. */
static void play_piece(void)
{
    size_t at = 0, out;
    if (recording.sent) learn(recording.data, recording.len);
    while (!recording.sent && at < recording.len && !closed) {
        at += misskey_conn_feed(&conn, recording.data + at, recording.len - at);
        handle_events();
        while (misskey_conn_send_buf(&conn, &out) != NULL) misskey_conn_send_ack(&conn, out);
    }
    ended = closed || !replay_next(&recording);
    if (recording.error[0] != '\0') fail(BROKEN, "%s", recording.error);
}

/* Everything up to that time. */
static void play(double ms)
{
    while (!ended && recording.ms <= ms) play_piece();
    if (!ended || closed) return;
    closed = true;
    say(BAR_DIM, "end of the recording");
}

/* --- the program --- */

static void set_up(const misskey_ws_desc *ws)
{
    static uint8_t rx[MISSKEY_RX_SIZE(1 << 20)], tx[MISSKEY_TX_SIZE(4096)];
    static uint64_t memory[MISSKEY_STORE_SIZE(4 * ROWS, NOTE_SIZE) / 8], other[MISSKEY_STORE_SIZE(ROWS, NOTE_SIZE) / 8];
    static misskey_channel_slot channels[COLUMNS];
    static misskey_capture_slot captures[4 * ROWS];     /* a renote needs two */
    const misskey_store_desc desc = { .mem = { memory, sizeof memory }, .note_size = NOTE_SIZE,
                                      .session = replaying ? NULL : &conn.session };
    const misskey_store_desc desc_inbox = { .mem = { other, sizeof other }, .note_size = NOTE_SIZE };
    misskey_conn_desc all = { .ws = *ws };
    misskey_channel channel;
    misskey_err err;
    int k;
    all.ws.rx.ptr = rx;
    all.ws.rx.size = sizeof rx;
    all.ws.tx.ptr = tx;
    all.ws.tx.size = sizeof tx;
    if (!replaying) {
        all.session.channels = channels;
        all.session.num_channels = COLUMNS;
        all.session.captures = captures;
        all.session.num_captures = 4 * ROWS;
    }
    err = misskey_conn_init(&conn, &all);
    if (err != MISSKEY_ERR_OK) fail(UNUSABLE, "this name of a server cannot be used: %s", host);
    (void)misskey_store_init(&notes, &desc);
    (void)misskey_store_init(&inbox, &desc_inbox);
    for (k = 0; k < COLUMNS; k++) {
        column *const c = &columns[k];
        const timeline_desc line = { c->rows, ROWS, k == NOTIFICATIONS ? &inbox : &notes, false };
        (void)timeline_init(&c->line, &line);
        c->words = replaying ? "Nothing yet." : "Connecting ...";
        c->here = replaying || misskey_channel_open(&conn.session, c->channel, NULL, c, &channel) == MISSKEY_ERR_OK;
    }
    active = columns[HOME].here ? HOME : LOCAL;
}

/* False: quit. */
static bool handle_key(char key)
{
    static const struct { const char *sequence; char key; } names[] = {
        { "A", 'k' }, { "B", 'j' }, { "C", 'l' }, { "D", 'h' }, { "Z", 'h' }, { "H", 'g' }, { "F", 'G' }, { "5~", 'b' },
        { "6~", ' ' }, { "1~", 'g' }, { "7~", 'g' }, { "4~", 'G' }, { "8~", 'G' }
    };
    static char sequence[8];    /* behind "ESC [" or "ESC O" */
    static int escape;          /* 1: ESC came, 2: and one of these */
    static size_t len;
    column *const c = &columns[active];
    size_t i;
    if (escape == 2) {
        if (len < sizeof sequence - 1) sequence[len++] = key;
        sequence[len] = '\0';
        if ((key >= '0' && key <= '9') || key == ';') return true;
        for (key = '\0', i = 0; i < sizeof names / sizeof names[0]; i++)
            if (strcmp(sequence, names[i].sequence) == 0) key = names[i].key;
    }
    escape = key == '\033' ? 1 : escape == 1 && (key == '[' || key == 'O') ? 2 : 0;
    len = 0;
    if (escape > 0) return true;
    dirty = true;
    switch (key) {
    case 'j': scroll(c, 1); break;
    case 'k': scroll(c, -1); break;
    case ' ': scroll(c, body_lines() - 1); break;
    case 'b': scroll(c, 1 - body_lines()); break;
    case 'g': c->top = NULL; c->skip = 0; break;
    case 'G': scroll_to_oldest(c); break;
    case 'c': turn_warnings(c); break;
    case '\t': case 'l': do active = (active + 1) % COLUMNS; while (!columns[active].here); break;
    case 'h': do active = (active + COLUMNS - 1) % COLUMNS; while (!columns[active].here); break;
    case 'q': return false;
    default: break;
    }
    return true;
}

/* False: quit. */
static bool handle_signal(char number)
{
    if (number == SIGTSTP) {
        screen_leave();
        (void)raise(SIGSTOP);
        screen_enter();
    }
    if (!screen_resize(0, 0)) fail(UNUSABLE, "out of memory");
    dirty = true;
    return number == SIGTSTP || number == SIGWINCH;
}

static void step_network(uint32_t now)
{
    const misskey_io io = wire_io(&peer);
    misskey_conn_tick(&conn, now);
    if (peer.state == WIRE_CONNECTING || peer.state == WIRE_SECURING) {
        const wire_state how = wire_drive(&peer, now);
        if (how == WIRE_FAILED) give_up();
        if (how == WIRE_UP) misskey_conn_transport_up(&conn);
    }
    if (peer.state == WIRE_UP) (void)misskey_conn_pump(&conn, &io);
    handle_events();
    if (peer.state == WIRE_UP) (void)misskey_conn_pump(&conn, &io);
}

/* Sleeps until there is something to do. False: quit. */
static bool wait_for_work(uint32_t timeout)
{
    struct pollfd fds[2 + NET_FDS] = { { .fd = STDIN_FILENO, .events = POLLIN },
                                       { .fd = screen.signals, .events = POLLIN } };
    char bytes[64];
    ssize_t n, i;
    size_t out;
    const nfds_t num = 2 + wire_poll_fds(&peer, misskey_conn_send_buf(&conn, &out) != NULL, fds + 2);
    if (poll(fds, num, timeout < 60000 ? (int)timeout : 60000) < 0) return errno == EINTR;
    if (fds[1].revents != 0) {
        n = read(screen.signals, bytes, sizeof bytes);
        for (i = 0; i < n; i++) if (!handle_signal(bytes[i])) return false;
    }
    if (fds[0].revents == 0) return true;
    n = read(STDIN_FILENO, bytes, sizeof bytes);
    for (i = 0; i < n; i++) if (!handle_key(bytes[i])) return false;
    return n > 0;   /* else the terminal is gone */
}

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* Milliseconds until the next piece of the recording. */
static uint32_t replay_timeout(uint32_t elapsed)
{
    const double left = recording.ms / speed - elapsed;
    return left < 0 ? 0 : left < 60000 ? (uint32_t)left + 1 : 60000;
}

static void run(void)
{
    const uint32_t begun = net_now();
    uint32_t now = begun, drawn = begun - FRAME_MS, timeout;
    do {
        int k;
        now = net_now();
        for (k = 0; k < COLUMNS; k++) timeline_tick(&columns[k].line, now, replaying ? 0 : (int64_t)time(NULL) * 1000);
        if (replaying) play((now - begun) * speed);
        else step_network(now);
        if (dirty && now - drawn >= FRAME_MS) {
            draw_screen();
            screen_show();
            dirty = false;
            drawn = now;
        }
        timeout = dirty ? FRAME_MS - least(now - drawn, FRAME_MS) : MISSKEY_FOREVER;
        if (replaying && !ended) timeout = least(timeout, replay_timeout(now - begun));
        if (!replaying) timeout = least(timeout, least(misskey_conn_timeout(&conn), wire_timeout(&peer, now)));
    } while (wait_for_work(timeout));
}

struct options { const char *dir, *address, *token_file, *ca; bool plain; int columns, rows; };

static void begin_live(const struct options *o)
{
    static const misskey_header agent = { "User-Agent", "misskey-tui" };
    const char *const usual = o->plain ? "80" : "443";
    misskey_ws_desc ws = { .host = header, .entropy = net_entropy, .headers = &agent, .num_headers = 1 };
    if (!net_address(o->address, usual, host, port)) fail(UNUSABLE, "%s is no HOST or HOST:PORT", o->address);
    net_host_header(header, host, port, usual);
    if (!account_read(&me, header, o->token_file, o->plain)) fail(UNUSABLE, "%s", me.error);
    if (me.in_query && *me.token == '\0') fail(UNUSABLE, "--token-in-query, but there is no token");
    account_show(&me, &ws);
    if (!wire_init(&peer, host, port, !o->plain, o->ca)) fail(UNUSABLE, "%s", peer.error);
    set_up(&ws);
    (void)signal(SIGPIPE, SIG_IGN);
}

/* A Close frame, if the socket takes it; nobody waits for the answer. */
static void end_live(void)
{
    const misskey_io io = wire_io(&peer);
    (void)misskey_conn_close(&conn, 1000, NULL);
    if (peer.state == WIRE_UP) (void)misskey_conn_pump(&conn, &io);
    wire_close(&peer);
}

static void begin_replay(const char *dir)
{
    misskey_ws_desc ws = { 0 };
    if (!replay_open(&recording, dir)) fail(UNUSABLE, "%s", recording.error);
    replaying = true;
    replay_ask(&recording, &ws);
    replay_header(&recording, "Host:", host, sizeof host);
    set_up(&ws);
    misskey_conn_transport_up(&conn);
    ended = !replay_next(&recording);
    if (recording.error[0] != '\0') fail(BROKEN, "%s", recording.error);
}

/* One with a value. Returns how many arguments that is more. */
static int take_option(struct options *o, const char *option, const char *value)
{
    char *end, rest;
    if (strcmp(option, "--replay") == 0) o->dir = value;
    else if (strcmp(option, "--token-file") == 0) o->token_file = value;
    else if (strcmp(option, "--ca") == 0) o->ca = value;
    else if (strcmp(option, "--speed") == 0) {
        speed = strtod(value, &end);
        if (*end != '\0' || !(speed > 0 && speed < 1e9)) fail(UNUSABLE, "--speed needs a number above 0");
    } else if (strcmp(option, "--svg") == 0) {
        if (sscanf(value, "%3dx%3d%c", &o->columns, &o->rows, &rest) != 2 || o->columns < 20 || o->rows < 5)
            fail(UNUSABLE, "--svg needs WIDTHxHEIGHT, 20x5 to 999x999");
    } else fail(UNUSABLE, "unknown option %s; --help lists the options", option);
    if (*value == '\0') fail(UNUSABLE, "nothing after %s; --help lists the options", option);
    return 1;
}

static struct options read_options(int argc, char **argv)
{
    struct options o = { 0 };
    int i;
    for (i = 1; i < argc; i++) {
        const char *const option = argv[i];
        if (strcmp(option, "--help") == 0) exit(fputs(help, stdout) < 0 ? UNUSABLE : 0);
        if (strcmp(option, "--plain") == 0) o.plain = true;
        else if (strcmp(option, "--token-in-query") == 0) me.in_query = true;
        else if (*option != '-' && o.address == NULL) o.address = option;
        else i += take_option(&o, option, i + 1 < argc ? argv[i + 1] : "");
    }
    if ((o.dir == NULL) == (o.address == NULL)) fail(UNUSABLE, "give HOST or --replay DIR; --help lists the options");
    if (o.rows > 0 && o.dir == NULL) fail(UNUSABLE, "--svg needs --replay DIR");
    if (o.dir != NULL && (o.plain || o.ca != NULL || o.token_file != NULL || me.in_query))
        fail(UNUSABLE, "--plain, --ca, --token-file and --token-in-query need a server");
    return o;
}

int main(int argc, char **argv)
{
    const struct options o = read_options(argc, argv);
    if (o.dir != NULL) begin_replay(o.dir);
    else begin_live(&o);
    if (o.rows > 0) {
        while (!ended) play_piece();
        screen.looks = looks;
        if (!screen_resize(o.columns, o.rows)) fail(UNUSABLE, "out of memory");
        draw_screen();
        screen_svg();
        return fflush(stdout) != 0 || ferror(stdout) ? UNUSABLE : 0;
    }
    if (!screen_open(looks, getenv("NO_COLOR") == NULL)) fail(UNUSABLE, "this needs a terminal");
    (void)handle_signal(SIGWINCH);
    run();
    screen_leave();
    if (!replaying) end_live();
    return 0;
}
