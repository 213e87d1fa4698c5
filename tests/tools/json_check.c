/* json_check - is a file one valid JSON text (RFC 8259) in valid UTF-8?  usage: json_check FILE, - is standard input
   Exit status: 0 it is, 1 it is not or is nested deeper than MISSKEY_MAX_DEPTH, 2 usage or unreadable. */
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../../misskey_stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { VALID, INVALID, USAGE };

/* All of a file; NULL: could not be read, errno says why. */
static char *read_all(FILE *file, size_t *len)
{
    size_t cap = 65536;
    char *text = malloc(cap), *more;
    *len = 0;
    while (text != NULL) {
        *len += fread(text + *len, 1, cap - *len, file);
        if (ferror(file)) break;
        if (*len < cap) return text;
        more = realloc(text, cap *= 2);
        if (more == NULL) break;
        text = more;
    }
    free(text);
    return NULL;
}

static int check(const char *name, const char *text, size_t len)
{
    misskey_json value;
    size_t at;
    const misskey_err err = misskey_json_check(text, len, &value, &at);
    if (err == MISSKEY_ERR_OK) return VALID;
    if (err == MISSKEY_ERR_DEPTH)
        fprintf(stderr, "json_check: %s: nested deeper than %d levels, which is as far as this program goes\n", name,
                MISSKEY_MAX_DEPTH);
    else
        fprintf(stderr, "json_check: %s: byte %lu: %s\n", name, (unsigned long)at,
                err == MISSKEY_ERR_BAD_UTF8 ? "not valid UTF-8" : "not valid JSON");
    return INVALID;
}

int main(int argc, char **argv)
{
    const bool from_stdin = argc == 2 && strcmp(argv[1], "-") == 0;
    FILE *file;
    char *text = NULL;
    size_t len;
    int status;
    if (argc != 2 || (argv[1][0] == '-' && !from_stdin)) {
        fprintf(stderr, "usage: json_check FILE    (- reads standard input)\n");
        return USAGE;
    }
    file = from_stdin ? stdin : fopen(argv[1], "rb");
    if (file != NULL) text = read_all(file, &len);
    if (text == NULL) {
        fprintf(stderr, "json_check: cannot read %s: %s\n", argv[1], strerror(errno));
        return USAGE;
    }
    status = check(argv[1], text, len);
    free(text);
    fclose(file);
    return status;
}
