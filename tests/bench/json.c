/* json - W1 and W2 (peer.h) of every peer over corpora of one message a line
   usage: json REPETITIONS CORPUS... -- PEER.so...    tables; REPETITIONS of 0 only check the sums
          json --once W CORPUS PEER.so                one pass within measured(), for counting instructions
          json --stack CORPUS PEER.so...              bytes of stack and allocations a message
   Each message is copied into one buffer that stays in the cache, with 64 zeros behind it, as if recv had put it there.
   A corpus is cut into slices of 1 MiB; within a slice the peers run one after another, then the next slice, again and
   again, so that noise hits all alike. Speed is the sum of the medians of the slices; a ratio is the median of ratios,
   each of two runs over one slice in one repetition. A corpus "x-shuffled" is compared with the "x" before it.
   Exit status: 0; 1 if a peer refuses a message or its sum is another; 2 on usage. */
#define _POSIX_C_SOURCE 200809L
#include "bench.h"

#include <pthread.h>

enum { SLICE = 1 << 20, MAX_JOBS = 64, PAD = 64, STACK = 1 << 20 };

typedef struct job {
    const peer *peer;
    int w;                          /* 1 or 2 */
    double *times, total;           /* a row of repetitions for each slice; sum of medians */
    double ratio;                   /* times as fast is ours */
    double total_before, ratio_before; /* with the corpus before this one */
    sum sum;
    size_t refused, overwritten;
} job;

static job jobs[MAX_JOBS];
static int num_jobs;
static char *buffer;
static size_t cap;

/* --- allocations --- */

#ifdef __GLIBC__
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
static size_t allocations;
void *malloc(size_t size) { allocations++; return __libc_malloc(size); }
void *calloc(size_t num, size_t size) { allocations++; return __libc_calloc(num, size); }
void *realloc(void *p, size_t size) { allocations++; return __libc_realloc(p, size); }
#endif

/* --- jobs --- */

static void add_peers(const void *table)
{
    const peer *p;
    for (p = (const peer *)table; p->name != NULL; p++) {
        if (!p->usable) continue;
        need(num_jobs + 2 <= MAX_JOBS, "too many peers", "");
        jobs[num_jobs].peer = p;
        jobs[num_jobs++].w = 1;
        jobs[num_jobs].peer = p;
        jobs[num_jobs++].w = 2;
    }
}

static void prepare(const corpus *c)
{
    int k;
    cap = (c->longest + 2 * PAD) / PAD * PAD + PAD;
    free(buffer);
    need(posix_memalign((void **)&buffer, PAD, cap) == 0, "out of memory", "");
    for (k = 0; k < num_jobs; k++) if (jobs[k].peer->init != NULL) jobs[k].peer->init(c->longest);
}

static void put_message(const text *m)
{
    memcpy(buffer, m->ptr, m->len);
    memset(buffer + m->len, 0, PAD);
}

static work *work_of(const job *j) { return j->w == 1 ? j->peer->w1 : j->peer->w2; }

/* Not static, and called through a pointer, so that it has a name to count by. */
size_t measured(work *w, const text *m, size_t num, sum *s);
size_t measured(work *w, const text *m, size_t num, sum *s)
{
    size_t refused = 0;
    for (; num > 0; num--, m++) {
        put_message(m);
        refused += w(buffer, m->len, cap, s) != 0;
    }
    return refused;
}

static size_t (*volatile run)(work *, const text *, size_t, sum *) = measured;

/* Every message once: sums, and whether the text is left as it was. Ends the program if a peer differs. */
static void check(const corpus *c)
{
    int k;
    size_t i;
    for (k = 0; k < num_jobs; k++) {
        job *const j = &jobs[k];
        memset(&j->sum, 0, sizeof j->sum);
        j->refused = j->overwritten = 0;
        for (i = 0; i < c->num; i++) {
            put_message(&c->messages[i]);
            j->refused += work_of(j)(buffer, c->messages[i].len, cap, &j->sum) != 0;
            j->overwritten += memcmp(buffer, c->messages[i].ptr, c->messages[i].len) != 0;
        }
        need(j->refused == 0, "a good message was refused by", j->peer->name);
        need(memcmp(&j->sum, &jobs[j->w - 1].sum, sizeof(sum)) == 0, "something else was read by", j->peer->name);
        need(j->overwritten == 0 || !is_ours(j->peer->name), "the text was written to by", j->peer->name);
    }
    printf("%s: %lu messages, %lu bytes; %d peers read the same: W1 %016llx/%llu, W2 %016llx/%llu\n", c->name,
           (unsigned long)c->num, (unsigned long)c->bytes, num_jobs / 2, (unsigned long long)jobs[0].sum.hash,
           (unsigned long long)jobs[0].sum.count, (unsigned long long)jobs[1].sum.hash,
           (unsigned long long)jobs[1].sum.count);
}

/* --- times --- */

static void measure(const corpus *c, size_t repetitions)
{
    const size_t slices = c->bytes / SLICE + 1;
    size_t r, s, i, at, end, bytes;
    int k;
    for (k = 0; k < num_jobs; k++) jobs[k].times = (double *)room_for(slices * repetitions, sizeof(double));
    for (r = 0; r < repetitions; r++) {
        for (s = 0, at = 0; at < c->num; s++, at = end) {
            for (bytes = 0, end = at; end < c->num && bytes < SLICE; end++) bytes += c->messages[end].len;
            for (i = at; i < end; i++) put_message(&c->messages[i]); /* or the first peer pays for cold memory */
            for (k = 0; k < num_jobs; k++) {
                const double begin = now();
                run(work_of(&jobs[k]), c->messages + at, end - at, &jobs[k].sum);
                jobs[k].times[s * repetitions + r] = now() - begin;
            }
        }
    }
}

/* How many cells of times are in use: the last slice may be empty. */
static size_t cells(const job *j, size_t slices, size_t repetitions)
{
    while (slices > 0 && j->times[slices * repetitions - 1] <= 0) slices--;
    return slices * repetitions;
}

static void add_up(const corpus *c, size_t repetitions)
{
    const size_t slices = c->bytes / SLICE + 1;
    double *const row = (double *)room_for(repetitions, sizeof *row);
    size_t s;
    int k;
    for (k = 0; k < num_jobs; k++) {
        jobs[k].total = 0;
        for (s = 0; s < slices; s++) {
            memcpy(row, jobs[k].times + s * repetitions, repetitions * sizeof *row);
            jobs[k].total += median(row, repetitions);
        }
    }
    free(row);
}

static void print_table(const corpus *c, int w, size_t repetitions)
{
    const size_t num = cells(&jobs[0], c->bytes / SLICE + 1, repetitions);
    int k, o;
    printf("\nW%d, %-42s    MB/s  ns/message   so many times as fast is ours", w, c->name);
    for (k = w + 1; k < num_jobs; k += 2) {
        if (is_measure(jobs[k].peer->name)) printf("%s", strchr(jobs[k].peer->name, ','));
    }
    printf("\n");
    for (k = w - 1; k < num_jobs; k += 2) {
        job *const j = &jobs[k];
        j->ratio = median_ratio(j->times, jobs[w - 1].times, num);
        printf("%-46s %8.0f %11.0f  ", j->peer->name, (double)c->bytes / j->total / 1e6,
               j->total / (double)c->num * 1e9);
        for (o = w - 1; o < num_jobs; o += 2) {
            if (is_measure(jobs[o].peer->name)) printf(" %6.2f", median_ratio(j->times, jobs[o].times, num));
        }
        printf("\n");
    }
}

/* Ratios of one corpus are exact, times of two are not: noise may have come in between. */
static void print_shuffled(void)
{
    int k;
    printf("\nmembers shuffled: the time of          W1 in order     W2    that loss, of ours: W1     W2\n");
    for (k = 0; k < num_jobs; k += 2) {
        const job *const a = &jobs[k], *const b = &jobs[k + 1];
        printf("%-40s %9.2f %6.2f %23.2f %6.2f\n", a->peer->name, a->total / a->total_before,
               b->total / b->total_before, a->ratio_before / a->ratio, b->ratio_before / b->ratio);
    }
}

static bool is_shuffled(const char *name, const char *before)
{
    const size_t len = strlen(before);
    return strncmp(name, before, len) == 0 && strcmp(name + len, "-shuffled") == 0;
}

static void bench(char **paths, int num, size_t repetitions)
{
    const char *before = "-";
    int i, k;
    for (i = 0; i < num; i++) {
        const corpus c = corpus_read(paths[i]);
        prepare(&c);
        if (i > 0) printf("\n");
        check(&c);
        if (repetitions == 0) continue;
        for (k = 0; k < num_jobs; k++) {
            jobs[k].total_before = jobs[k].total;
            jobs[k].ratio_before = jobs[k].ratio;
        }
        measure(&c, repetitions);
        add_up(&c, repetitions);
        print_table(&c, 1, repetitions);
        print_table(&c, 2, repetitions);
        if (is_shuffled(c.name, before)) print_shuffled();
        before = c.name;
        for (k = 0; k < num_jobs; k++) free(jobs[k].times);
    }
}

/* --- stack --- */

static const corpus *stack_corpus;
static work *stack_work;

static int do_nothing(char *t, size_t len, size_t room, sum *s) { (void)t; (void)len; (void)room; (void)s; return 0; }

static void *run_all(void *s)
{
    run(stack_work, stack_corpus->messages, stack_corpus->num, (sum *)s);
    return NULL;
}

/* Bytes of a painted stack that are written to while w reads every message. */
static size_t stack_of(const corpus *c, work *w)
{
    static unsigned char *stack;
    pthread_attr_t attr;
    pthread_t thread;
    sum s = { 0, 0 };
    size_t i = 0;
    if (stack == NULL) need(posix_memalign((void **)&stack, 4096, STACK) == 0, "out of memory", "");
    memset(stack, 0xA5, STACK);
    stack_corpus = c;
    stack_work = w;
    pthread_attr_init(&attr);
    pthread_attr_setstack(&attr, stack, STACK);
    need(pthread_create(&thread, &attr, run_all, &s) == 0, "no thread", "");
    pthread_join(thread, NULL);
    while (i < STACK && stack[i] == 0xA5) i++;
    return STACK - i;
}

static void print_stack(const char *path)
{
    const corpus c = corpus_read(path);
    size_t nothing;
    int k;
    prepare(&c);
    printf("\n");
    check(&c);
    nothing = stack_of(&c, do_nothing);
    printf("\n%-46s stack, bytes: W1      W2  allocations a message: W1      W2   writes into the text\n", c.name);
    for (k = 0; k < num_jobs; k += 2) {
        printf("%-46s %16lu %7lu", jobs[k].peer->name, (unsigned long)(stack_of(&c, jobs[k].peer->w1) - nothing),
               (unsigned long)(stack_of(&c, jobs[k].peer->w2) - nothing));
#ifdef __GLIBC__
        int w;
        for (w = 0; w < 2; w++) {
            sum s = { 0, 0 };
            allocations = 0;
            run(work_of(&jobs[k + w]), c.messages, c.num, &s);
            printf(" %*.1f", w == 0 ? 26 : 7, (double)allocations / (double)c.num);
        }
#else
        printf(" %26s %7s", "?", "?");
#endif
        printf("   %s\n", jobs[k].overwritten + jobs[k + 1].overwritten > 0 ? "yes" : "no");
    }
}

/* --- */

static int usage(void)
{
    fprintf(stderr, "usage: json REPETITIONS CORPUS... -- PEER.so...\n"
                    "       json --once 1|2 CORPUS PEER.so\n"
                    "       json --stack CORPUS PEER.so...\n");
    return 2;
}

int main(int argc, char **argv)
{
    int i;
    if (argc == 5 && strcmp(argv[1], "--once") == 0) {
        const corpus c = corpus_read(argv[3]);
        const int w = atoi(argv[2]);
        sum s = { 0, 0 };
        each_table(argv + 4, 1, "peers", add_peers);
        if (w < 1 || w > 2 || num_jobs == 0) return usage();
        prepare(&c);
        need(run(work_of(&jobs[w - 1]), c.messages, c.num, &s) == 0, "a good message was refused by", argv[4]);
        printf("%lu bytes\n", (unsigned long)c.bytes);
        return 0;
    }
    if (argc >= 4 && strcmp(argv[1], "--stack") == 0) {
        each_table(argv + 3, argc - 3, "peers", add_peers);
        print_stack(argv[2]);
        return 0;
    }
    for (i = 2; i < argc && strcmp(argv[i], "--") != 0; i++) {}
    if (i < 3 || i >= argc - 1) return usage();
    each_table(argv + i + 1, argc - i - 1, "peers", add_peers);
    if (num_jobs == 0) return usage();
    bench(argv + 2, i - 2, (size_t)strtoul(argv[1], NULL, 10));
    return 0;
}
