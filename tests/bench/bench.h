/* What the benches share: time, medians, corpora, shared objects, checks that end the program. */
#ifndef BENCH_H
#define BENCH_H

#include "peer.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define OURS "misskey_stream.h"     /* how the names of the library's own rows begin */

static inline void need(bool good, const char *what, const char *detail)
{
    if (good) return;
    fprintf(stderr, "bench: %s %s\n", what, detail);
    exit(1);
}

static inline void *room_for(size_t num, size_t size)
{
    void *const p = calloc(num > 0 ? num : 1, size);
    need(p != NULL, "out of memory", "");
    return p;
}

static inline double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts. */
static inline double median(double *values, size_t num)
{
    qsort(values, num, sizeof *values, by_size);
    return values[num / 2];
}

/* Median of a[i] / b[i], which were measured one right after the other. */
static inline double median_ratio(const double *a, const double *b, size_t num)
{
    double *const ratio = (double *)room_for(num, sizeof *ratio);
    double m;
    size_t i;
    for (i = 0; i < num; i++) ratio[i] = a[i] / b[i];
    m = median(ratio, num);
    free(ratio);
    return m;
}

/* --- corpus: one message a line --- */

typedef struct text { const char *ptr; size_t len; } text;

typedef struct corpus {
    const char *name;
    text *messages;
    size_t num, bytes, longest;
} corpus;

static inline char *whole_file(const char *path, size_t *len)
{
    FILE *const f = fopen(path, "rb");
    char *bytes;
    long size;
    need(f != NULL, "cannot read", path);
    need(fseek(f, 0, SEEK_END) == 0, "cannot read", path);
    size = ftell(f);
    need(size > 0, "nothing in", path);
    rewind(f);
    bytes = (char *)room_for((size_t)size + 1, 1);
    *len = fread(bytes, 1, (size_t)size, f);
    need(*len == (size_t)size, "cannot read", path);
    fclose(f);
    return bytes;
}

static inline corpus corpus_read(const char *path)
{
    corpus c;
    size_t len, lines = 1, i;
    const char *const bytes = whole_file(path, &len), *at = bytes, *const end = bytes + len, *stop;
    memset(&c, 0, sizeof c);
    c.name = strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1;
    for (i = 0; i < len; i++) lines += bytes[i] == '\n';
    c.messages = (text *)room_for(lines, sizeof *c.messages);
    for (; at < end; at = stop + 1) {
        stop = (const char *)memchr(at, '\n', (size_t)(end - at));
        if (stop == NULL) stop = end;
        if (stop == at) continue;
        c.messages[c.num].ptr = at;
        c.messages[c.num++].len = (size_t)(stop - at);
        c.bytes += (size_t)(stop - at);
        if ((size_t)(stop - at) > c.longest) c.longest = (size_t)(stop - at);
    }
    return c;
}

/* --- shared objects --- */

typedef void visit(const void *table);

/* Calls each with the table of this name out of every shared object that has it. */
static inline void each_table(char **files, int num, const char *table, visit *each)
{
    int i;
    for (i = 0; i < num; i++) {
        char path[1024];
        void *object;
        const void *rows;
        snprintf(path, sizeof path, "%s%s", strchr(files[i], '/') == NULL ? "./" : "", files[i]);
        object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        need(object != NULL, "cannot load", object == NULL ? dlerror() : "");
        rows = dlsym(object, table);
        if (rows != NULL) each(rows);
    }
}

static inline bool is_ours(const char *name) { return strncmp(name, OURS, sizeof OURS - 1) == 0; }

/* Others are compared with it. */
static inline bool is_measure(const char *name) { return is_ours(name) && strchr(name, '+') == NULL; }

#endif
