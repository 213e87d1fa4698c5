/* The hot path of the library is several programs: which one it is depends on the target and on the options of the
   compiler. tests/agree_path.c is compiled once for each, as a path; tests/tools/agree.c compares them. */
#ifndef AGREE_H
#define AGREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* X(name): the paths. The last one is the scalar one, that the others have to agree with. */
#define AGREE_PATHS(X) X(fast) X(fast_plain) X(small)

enum { AGREE_PATH_COUNT = 3 };

#define AGREE_DEPTH 72 /* MISSKEY_MAX_DEPTH: more than one word of bits, and within the reach of short texts */

/* One text, and what is done with it apart from what is always done. All paths get the same pointers, because digests
   are about them, too. */
typedef struct agree_input {
    const char *text;
    size_t len;
    char *room, *room_end;  /* memory that ends at a page that cannot be read; parts of the text are moved there */
    uint32_t choice;        /* random bits */
    bool all;               /* everything: every reader, every string */
} agree_input;

typedef struct agree_path {
    const char *name;       /* what was compiled: fast or small, and which vectors */
    /* A digest of everything that the library finds in a text. trace: if not NULL, all of it, a line each. */
    uint64_t (*digest)(const agree_input *in, FILE *trace);
    /* Does it find what fuzz/json_reference.h finds: is this JSON, where is the error, is it a message? */
    bool (*is_right)(const char *text, size_t len);
} agree_path;

#define X(name) extern const agree_path agree_##name;
AGREE_PATHS(X)
#undef X

/* What a path says that does not even agree with itself; prints the input and ends the program. */
void agree_fail(const char *path, const char *what);

#endif
