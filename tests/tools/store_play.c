/* store_play - a note store driven by lines on stdin, one line of answer each, for tests/tools/store_model.mjs
   usage: store_play [--twice]
     init NOTES SIZE [ME]    name of the error; first of all, and again to start anew
     put NOTE                name of the error, and if that is OK, what changed, as a number
     put_fetched NOTE        the same of a note that is the truth
     update MESSAGE          what changed; MESSAGE is the whole text of a noteUpdated
     get ID                  the note, - if it is not here
     hold ID [MS]            name of the error
     release ID              name of the error
   --twice: what is put or told is put or told again at once, which must change nothing (but not what was cut:
   there may be room the next time). Every change is looked at, which counts as a use.
   Exit status: 0; 1 the line on stderr says why (a second time changed something, a note is no valid JSON, no such
   command, ...); 2 usage. */
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../../misskey_stream.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct play {
    misskey_store store;
    void *mem;
    char me[40];
    bool twice;
    const char *wrong;          /* why the run ends */
} play;

/* One line without its end, in memory that grows; NULL: there is none. */
static char *read_line(char **line, size_t *cap)
{
    size_t len = 0;
    int c;
    while ((c = getchar()) != EOF && c != '\n') {
        if (len + 1 >= *cap) {
            char *const more = realloc(*line, *cap = *cap * 2 + 256);
            if (more == NULL) return NULL;
            *line = more;
        }
        (*line)[len++] = (char)c;
    }
    if (c == EOF && len == 0) return NULL;
    if (*line != NULL) (*line)[len] = '\0';
    return *line;
}

/* In a block of its own, so that a sanitizer sees what is read behind its end. NULL: no memory. */
static char *own_copy(const char *text, size_t len)
{
    char *const copy = malloc(len + (len == 0));
    if (copy != NULL) memcpy(copy, text, len);
    return copy;
}

static misskey_json look(play *p, misskey_jstr id)
{
    const misskey_json note = misskey_store_get(&p->store, id);
    misskey_json whole;
    if (note.ptr == NULL) return note;
    if (misskey_json_check(note.ptr, note.len, &whole, NULL) != MISSKEY_ERR_OK || whole.len != note.len ||
        misskey_json_type(note) != MISSKEY_TYPE_OBJECT) p->wrong = "the store holds what is no JSON object";
    return note;
}

static const char *init(play *p, const char *args)
{
    misskey_store_desc desc;
    unsigned long notes = 0, size = 0;
    memset(&desc, 0, sizeof desc);
    p->me[0] = '\0';
    if (sscanf(args, "%lu %lu %39s", &notes, &size, p->me) < 2 || notes == 0 || notes > 65534 || size > 1u << 30) {
        p->wrong = "init needs a number of notes and a size";
        return "";
    }
    free(p->mem);
    desc.mem.size = MISSKEY_STORE_SIZE(notes, size);
    desc.mem.ptr = p->mem = malloc(desc.mem.size);
    desc.note_size = size;
    desc.me = p->me[0] != '\0' ? p->me : NULL;
    return misskey_err_name(misskey_store_init(&p->store, &desc));
}

enum { COPY, FETCHED, UPDATE };

static misskey_err apply(play *p, int what, misskey_json note, const misskey_message *message, uint32_t *changed)
{
    if (what == COPY) return misskey_store_put(&p->store, note, changed);
    if (what == FETCHED) return misskey_store_put_fetched(&p->store, note, changed);
    *changed = misskey_store_update(&p->store, message);
    return MISSKEY_ERR_OK;
}

/* A put or an update, and with --twice the same again. */
static misskey_err change(play *p, int what, misskey_json note, const misskey_message *message, uint32_t *changed)
{
    const misskey_jstr id = what == UPDATE ? message->id : misskey_json_str(misskey_json_get(note, "id"));
    misskey_json first;
    misskey_err err = apply(p, what, note, message, changed);
    char *before;
    uint32_t second = 0;
    if (!p->twice || err != MISSKEY_ERR_OK || p->wrong != NULL) return err;
    first = look(p, id);
    if (first.ptr == NULL || (*changed & MISSKEY_CHANGED_CUT) != 0) return err;
    before = own_copy(first.ptr, first.len);
    err = apply(p, what, note, message, &second);
    if ((second & ~(uint32_t)MISSKEY_CHANGED_CUT) != 0) p->wrong = "the second time something changed";
    if (before == NULL || first.len != look(p, id).len || memcmp(before, look(p, id).ptr, first.len) != 0) {
        p->wrong = "the second time made another text";
    }
    free(before);
    return err;
}

static void put(play *p, int what, const char *args)
{
    const size_t len = strlen(args);
    char *const text = own_copy(args, len);
    misskey_json note = { NULL, 0 };
    misskey_err err;
    uint32_t changed = 0;
    if (text == NULL || misskey_json_check(text, len, &note, NULL) != MISSKEY_ERR_OK) p->wrong = "put needs JSON";
    err = change(p, what, note, NULL, &changed);
    if (err == MISSKEY_ERR_OK) printf("OK %lu\n", (unsigned long)changed);
    else printf("%s\n", misskey_err_name(err));
    free(text);
}

static void update(play *p, const char *args)
{
    const size_t len = strlen(args);
    char *const text = own_copy(args, len);
    const misskey_json none = { NULL, 0 };
    misskey_message message;
    uint32_t changed = 0;
    if (text == NULL || misskey_message_parse(text, len, &message) != MISSKEY_ERR_OK) {
        p->wrong = "update needs a message in UTF-8";
    } else {
        change(p, UPDATE, none, &message, &changed);
        printf("%lu\n", (unsigned long)changed);
    }
    free(text);
}

static void get(play *p, const char *args)
{
    const misskey_json note = look(p, misskey_jstr_text(args));
    if (note.ptr == NULL) putchar('-');
    else fwrite(note.ptr, 1, note.len, stdout);
    putchar('\n');
}

static const char *hold(play *p, char *args)
{
    char *const space = strchr(args, ' ');
    const int64_t now = space != NULL ? (int64_t)strtoll(space + 1, NULL, 10) : 0;
    if (space != NULL) *space = '\0';
    return misskey_err_name(misskey_store_hold(&p->store, misskey_jstr_text(args), now));
}

static const char *release(play *p, const char *args)
{
    return misskey_err_name(misskey_store_release(&p->store, misskey_jstr_text(args)));
}

/* Does the line begin with this word? Then *args is what follows. */
static bool is_command(char *line, const char *word, char **args)
{
    const size_t len = strlen(word);
    if (strncmp(line, word, len) != 0 || line[len] != ' ') return false;
    *args = line + len + 1;
    return true;
}

static void run(play *p, char *line)
{
    char *args;
    if (is_command(line, "init", &args)) puts(init(p, args));
    else if (p->mem == NULL) p->wrong = "the first command is init";
    else if (is_command(line, "put", &args)) put(p, COPY, args);
    else if (is_command(line, "put_fetched", &args)) put(p, FETCHED, args);
    else if (is_command(line, "update", &args)) update(p, args);
    else if (is_command(line, "get", &args)) get(p, args);
    else if (is_command(line, "hold", &args)) puts(hold(p, args));
    else if (is_command(line, "release", &args)) puts(release(p, args));
    else p->wrong = "no such command";
}

int main(int argc, char **argv)
{
    play p;
    char *line = NULL;
    size_t cap = 0;
    unsigned long number = 0;
    memset(&p, 0, sizeof p);
    p.twice = argc == 2 && strcmp(argv[1], "--twice") == 0;
    if (argc > 2 || (argc == 2 && !p.twice)) {
        fprintf(stderr, "usage: store_play [--twice]    (commands on standard input)\n");
        return 2;
    }
    while (p.wrong == NULL && read_line(&line, &cap) != NULL) {
        number++;
        run(&p, line);
    }
    if (p.wrong != NULL) fprintf(stderr, "store_play: line %lu: %s: %.400s\n", number, p.wrong, line);
    free(line);
    free(p.mem);
    return p.wrong == NULL ? 0 : 1;
}
