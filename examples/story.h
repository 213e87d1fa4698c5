/* story.h - what misskey-serve plays to one client, step after step: a recording of a real server, or a script
   What to copy: story_recording() reads messages.jsonl of a recording, packed by gzip or not. POSIX: popen.

   A script is a text with one command per line; empty lines and lines that begin with # are nothing. Commands that
   concern channels or notes wait until the client has connected its channels. Each client gets the whole script; when
   its connection ends by refuse, drop, drop-after or close, the next client with the same token goes on behind that.

        wait MS                    nothing for so long
        post [TEXT]                a note, on the timelines that the client has
        react [REACTION]           to the last note posted here, if the client captured it; this, and the next four,
                                   wait half a second for that
        unreact [REACTION]
        vote CHOICE                0 = the first
        delete
        update TYPE [JSON]         any other noteUpdated; without JSON its body is {}
        notify TYPE                a notification, on main
        event CHANNEL TYPE [JSON]  an event of every channel of that name
        text TEXT                  a message with this text, whatever it is
        refuse STATUS [SECONDS]    the next upgrade, with Retry-After; a client that is connected is cut off
        drop                       cut the TCP connection
        drop-after N               the same after N more messages
        close CODE [REASON]
        stall MS                   neither read nor write for so long
        slow BYTES                 write no more than so many in a second; 0 = at full speed again
        garbage N                  N random bytes instead of a frame
        bytes HEX                  these bytes
        ping N                     N pings at once
        repeat N ... end           the commands between them, N times; may be nested
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef STORY_H
#define STORY_H
#ifndef MISSKEY_STREAM_H
#error "include misskey_stream.h before story.h"
#endif
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct story_channel { char *id, *name, *params; } story_channel;

/* X(op, command, has a number, needs a text) */
#define STORY_LIST(X) \
    X(POST, "post", 0, 0) X(REACT, "react", 0, 0) X(UNREACT, "unreact", 0, 0) X(VOTE, "vote", 1, 0) \
    X(DELETE, "delete", 0, 0) X(UPDATE, "update", 0, 1) X(NOTIFY, "notify", 0, 1) X(EVENT, "event", 0, 1) \
    X(TEXT, "text", 0, 1) X(REFUSE, "refuse", 1, 0) X(DROP, "drop", 0, 0) X(DROP_AFTER, "drop-after", 1, 0) \
    X(CLOSE, "close", 1, 0) X(STALL, "stall", 1, 0) X(SLOW, "slow", 1, 0) X(GARBAGE, "garbage", 1, 0) \
    X(BYTES, "bytes", 0, 1) X(PING, "ping", 1, 0) X(WAIT, "wait", 1, 0) X(REPEAT, "repeat", 1, 0) X(END, "end", 0, 0)
#define STORY_X(op, command, number, text) STORY_##op,
typedef enum story_op { STORY_LIST(STORY_X) STORY_RECORDED } story_op;
#undef STORY_X

typedef struct story_step {
    double wait;                    /* milliseconds since the step before */
    story_op op;
    uint32_t number;
    char *text;                     /* RECORDED: the message; else what follows the command */
    size_t len;
    bool binary;
    misskey_kind kind;
    size_t id_at, id_len;           /* CHANNEL: where the id stands in the text, with its quotes */
    const story_channel *channel;   /* CHANNEL: as the recorded client connected it; NULL: it never did */
} story_step;

typedef struct story {
    story_step *steps;
    size_t num;
    bool recorded;                  /* it ends with a Close */
    const story_channel *channels[64];  /* that have events, each name with its params once */
    size_t num_channels;
    char *refusal;                  /* the recorded server did not upgrade: what it sent instead */
    size_t refusal_len;
} story;

static void story_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("misskey-serve: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(2);
}

static void *story_allocate(void *old, size_t size)
{
    void *const p = realloc(old, size);
    if (p == NULL) story_fail("out of memory");
    return p;
}

static char *story_copy(const char *text, size_t len)
{
    char *const p = (char *)story_allocate(NULL, len + 1);
    if (len > 0) memcpy(p, text, len);
    p[len] = '\0';
    return p;
}

/* A whole stream, NUL-terminated. */
static char *story_slurp(FILE *f, size_t *len)
{
    size_t cap = 1 << 16, n;
    char *all = (char *)story_allocate(NULL, cap);
    *len = 0;
    while ((n = fread(all + *len, 1, cap - *len - 1, f)) > 0) {
        *len += n;
        if (cap - *len < 2) all = (char *)story_allocate(all, cap *= 2);
    }
    all[*len] = '\0';
    return all;
}

/* dir/name, or dir/name.gz through gzip. NULL: there is neither. */
static char *story_file(const char *dir, const char *name, size_t *len)
{
    char path[1024], command[1100], *text;
    FILE *f;
    if (snprintf(path, sizeof path, "%s/%s", dir, name) + 4 > (int)sizeof path)
        story_fail("%s: the name is too long", dir);
    f = fopen(path, "rb");
    if (f != NULL) {
        text = story_slurp(f, len);
        fclose(f);
        return text;
    }
    (void)strcat(path, ".gz");
    f = strchr(path, '\'') != NULL ? NULL : fopen(path, "rb");
    if (f == NULL) return NULL;
    fclose(f);
    (void)snprintf(command, sizeof command, "gzip -dc '%s'", path);
    f = popen(command, "r");
    if (f == NULL) return NULL;
    text = story_slurp(f, len);
    if (pclose(f) != 0) story_fail("%s: gzip cannot unpack it", path);
    return text;
}

static story_step *story_add(story *s)
{
    if ((s->num & (s->num - 1)) == 0)
        s->steps = (story_step *)story_allocate(s->steps, (s->num > 0 ? s->num * 2 : 1) * sizeof *s->steps);
    memset(&s->steps[s->num], 0, sizeof *s->steps);
    return &s->steps[s->num++];
}

/* The channels that the recorded client connected; of an id used twice the last one counts from then on. */
typedef struct story_registry { const story_channel *list[4096]; size_t num; } story_registry;

static void story_sent(story_registry *r, const char *text, size_t len)
{
    misskey_message m;
    story_channel *c;
    if (misskey_message_parse(text, len, &m) != MISSKEY_ERR_OK || m.kind != MISSKEY_KIND_CONNECT) return;
    if (r->num == sizeof r->list / sizeof r->list[0]) return;
    c = (story_channel *)story_allocate(NULL, sizeof *c);
    c->id = story_copy(m.id.ptr, m.id.len);
    c->name = story_copy(m.channel.ptr, m.channel.len);
    c->params = story_copy(m.body.ptr, m.body.len);
    r->list[r->num++] = c;
}

static void story_used(story *s, const story_channel *c)
{
    size_t i;
    for (i = 0; i < s->num_channels; i++) {
        if (strcmp(s->channels[i]->name, c->name) == 0 && strcmp(s->channels[i]->params, c->params) == 0) return;
    }
    if (i < sizeof s->channels / sizeof s->channels[0]) s->channels[s->num_channels++] = c;
}

static void story_received(story *s, const story_registry *r, char *text, size_t len, bool binary, double wait)
{
    story_step *const step = story_add(s);
    misskey_message m;
    size_t i;
    step->wait = wait;
    step->text = text;
    step->len = len;
    step->binary = binary;
    step->op = STORY_RECORDED;
    if (misskey_message_parse(text, len, &m) != MISSKEY_ERR_OK) return;
    step->kind = m.kind;
    if (m.kind == MISSKEY_KIND_CHANNEL) {
        step->id_at = (size_t)(m.id.ptr - text) - !m.id_number;
        step->id_len = m.id.len + (m.id_number ? 0 : 2);
    }
    for (i = r->num; m.kind == MISSKEY_KIND_CHANNEL && i-- > 0 && step->channel == NULL; ) {
        const story_channel *const c = r->list[i];
        if (strlen(c->id) == m.id.len && memcmp(c->id, m.id.ptr, m.id.len) == 0) step->channel = c;
    }
    if (step->channel != NULL) story_used(s, step->channel);
}

/* A recording of the kind that tests/recordings/README.md describes. */
static void story_recording(story *s, const char *dir)
{
    static story_registry registry;
    size_t len;
    char *const all = story_file(dir, "messages.jsonl", &len);
    char *const wire = story_file(dir, "server.bin", &s->refusal_len);
    char *line, *end;
    double last = 0;
    if (all == NULL || wire == NULL) story_fail("%s: no messages.jsonl or server.bin there that can be read", dir);
    s->recorded = true;
    if (s->refusal_len > 9 && memcmp(wire + 9, "101", 3) != 0) s->refusal = wire;
    for (line = all; line != NULL && line[0] != '\0'; line = *end == '\n' ? end + 1 : NULL) {
        misskey_json json, data;
        char *text;
        double t;
        bool binary = false;
        end = strchr(line, '\n');
        if (end == NULL) end = line + strlen(line);
        if (misskey_json_check(line, (size_t)(end - line), &json, NULL) != MISSKEY_ERR_OK)
            story_fail("%s: messages.jsonl has a line that is no JSON, at byte %ld", dir, (long)(line - all));
        data = misskey_json_get(json, "data");
        text = (char *)story_allocate(NULL, data.len + 1);
        len = misskey_jstr_copy(misskey_json_str(data), text, data.len + 1);
        (void)misskey_json_bool(misskey_json_get(json, "binary"), &binary);
        t = strtod(misskey_json_get(json, "t").ptr != NULL ? misskey_json_get(json, "t").ptr : "0", NULL);
        if (misskey_jstr_eq(misskey_json_str(misskey_json_get(json, "dir")), "send")) {
            story_sent(&registry, text, len);
            free(text);
            continue;
        }
        story_received(s, &registry, text, len, binary, s->num > 0 ? t - last : 0);
        last = t;
    }
    free(all);
    if (s->refusal == NULL) free(wire);
}

static const struct { const char *name; bool number, text; } story_commands[] = {
#define STORY_X(op, command, number, text) { command, number, text },
    STORY_LIST(STORY_X)
#undef STORY_X
};

static bool story_close_code(uint32_t code)
{
    return code == 0 || (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

/* Is there JSON behind so many words, or nothing? */
static bool story_json(const char *text, int words)
{
    misskey_json json;
    for (; words > 0; words--) {
        if (*text == '\0') return false;
        text += strcspn(text, " ");
        text += strspn(text, " ");
    }
    return *text == '\0' || misskey_json_check(text, strlen(text), &json, NULL) == MISSKEY_ERR_OK;
}

/* One line of a script: a step behind the others. */
static void story_line(story *s, const char *name, unsigned line, char *text)
{
    const size_t len = strcspn(text, " ");
    char *rest = text + len + strspn(text + len, " "), *end;
    story_step *step;
    int op = 0;
    while (op < STORY_RECORDED && (strncmp(story_commands[op].name, text, len) != 0 ||
                                   story_commands[op].name[len] != '\0')) op++;
    if (op == STORY_RECORDED) story_fail("%s, line %u: no command %.*s", name, line, (int)len, text);
    step = story_add(s);
    step->op = (story_op)op;
    if (story_commands[op].number) {
        const unsigned long n = strtoul(rest, &end, 10);
        if (end == rest || *rest == '-' || n > 1000000000) story_fail("%s, line %u: needs a number", name, line);
        step->number = (uint32_t)n;
        rest = end + strspn(end, " ");
    }
    if (story_commands[op].text && *rest == '\0') story_fail("%s, line %u: needs a text", name, line);
    if (strlen(rest) > 500 && (op == STORY_POST || op == STORY_REACT || op == STORY_UNREACT || op == STORY_NOTIFY))
        story_fail("%s, line %u: more than 500 bytes", name, line);
    if (op == STORY_REFUSE && (step->number < 200 || step->number > 599))
        story_fail("%s, line %u: a status is from 200 to 599", name, line);
    if (op == STORY_CLOSE && !story_close_code(step->number))
        story_fail("%s, line %u: a code is 1000 to 1003, 1007 to 1014, 3000 to 4999, or 0 for none", name, line);
    if ((op == STORY_UPDATE || op == STORY_EVENT) && !story_json(rest, op == STORY_EVENT ? 2 : 1))
        story_fail("%s, line %u: no words with JSON behind them", name, line);
    if (op == STORY_BYTES && (strlen(rest) % 2 != 0 || rest[strspn(rest, "0123456789ABCDEFabcdef")] != '\0'))
        story_fail("%s, line %u: needs pairs of hexadecimal digits", name, line);
    step->text = rest;
    step->len = strlen(rest);
}

/* The steps from the repeat that is at number first, to the end: as often as it says, without it. */
static void story_unroll(story *s, size_t first)
{
    const size_t num = s->num - first - 1;
    const uint32_t times = s->steps[first].number;
    size_t i;
    if (num > 0 && times > 1000000 / num) story_fail("repeat %u: that are more than 1000000 steps", (unsigned)times);
    for (i = first; i < first + num; i++) s->steps[i] = s->steps[i + 1];
    s->num -= times > 0 ? 1 : num + 1;
    for (i = num; times > 0 && i < num * times; i++) {
        story_step *const step = story_add(s);
        *step = s->steps[first + i - num];
    }
}

static void story_script(story *s, const char *name)
{
    size_t len, depth = 0, open[16];
    unsigned number = 0;
    FILE *const f = fopen(name, "rb");
    char *line, *next;
    if (f == NULL) story_fail("cannot read %s: %s", name, strerror(errno));
    line = story_slurp(f, &len);        /* stays: the steps point into it */
    fclose(f);
    for (; *line != '\0'; line = next) {
        const size_t n = strcspn(line, "\r\n");
        number++;
        next = line + n + (line[n] == '\r' && line[n + 1] == '\n' ? 2 : line[n] != '\0');
        line[n] = '\0';
        line += strspn(line, " \t");
        if (*line == '\0' || *line == '#') continue;
        story_line(s, name, number, line);
        if (s->steps[s->num - 1].op == STORY_REPEAT) {
            if (depth == sizeof open / sizeof open[0]) story_fail("%s, line %u: repeat nested too deep", name, number);
            open[depth++] = s->num - 1;
        } else if (s->steps[s->num - 1].op == STORY_END) {
            if (depth == 0) story_fail("%s, line %u: no repeat before this end", name, number);
            s->num--;
            story_unroll(s, open[--depth]);
        }
    }
    if (depth > 0) story_fail("%s: a repeat has no end", name);
}

#endif /* STORY_H */
