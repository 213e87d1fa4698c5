/* story.h - what misskey-serve plays to one client, step after step: a recording of a real server, or a script
   What to copy: story_recording() reads messages.jsonl of a recording, packed by gzip or not. POSIX: popen.
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

typedef struct story_step {
    double wait;                    /* milliseconds since the step before */
    char *text;                     /* the message */
    size_t len;
    bool binary;
    misskey_kind kind;
    const story_channel *channel;   /* CHANNEL: as the recorded client connected it; NULL: it never did */
} story_step;

typedef struct story {
    story_step *steps;
    size_t num, largest;            /* largest: bytes of the longest text */
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

static void story_received(story *s, const story_registry *r, char *text, size_t len, bool binary, double wait)
{
    story_step *const step = story_add(s);
    misskey_message m;
    size_t i;
    step->wait = wait;
    step->text = text;
    step->len = len;
    step->binary = binary;
    if (len > s->largest) s->largest = len;
    if (misskey_message_parse(text, len, &m) != MISSKEY_ERR_OK) return;
    step->kind = m.kind;
    for (i = r->num; m.kind == MISSKEY_KIND_CHANNEL && i-- > 0 && step->channel == NULL; ) {
        const story_channel *const c = r->list[i];
        if (strlen(c->id) == m.id.len && memcmp(c->id, m.id.ptr, m.id.len) == 0) step->channel = c;
    }
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

#endif /* STORY_H */
