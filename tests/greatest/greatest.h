/* A small test runner with the public macros of greatest 1.5.0. The upstream file dropped in its place works unchanged:
   make test GREATEST=/path/to/dir (github.com/silentbicycle/greatest).
   Left out: shuffling, longjmp, ASSERT_EQUAL_T, timing.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef GREATEST_H
#define GREATEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum greatest_test_res { GREATEST_TEST_RES_PASS, GREATEST_TEST_RES_FAIL, GREATEST_TEST_RES_SKIP };

struct greatest_run {
    unsigned passed, failed, skipped, assertions;
    bool verbose, list, exact;
    const char *want_suite, *want_test;     /* filters; NULL = all */
    const char *suffix;                     /* of the next test's name */
    char name[128];                         /* of the test that runs */
    const char *why, *file;                 /* result of that test: message and place */
    unsigned line;
};
extern struct greatest_run greatest_info;

static inline bool greatest_wanted(const char *name, const char *filter)
{
    if (filter == NULL) return true;
    return greatest_info.exact ? strcmp(name, filter) == 0 : strstr(name, filter) != NULL;
}

static inline void greatest_set_test_suffix(const char *suffix)
{
    greatest_info.suffix = suffix;
}

/* Is this test to run now? */
static inline bool greatest_begin(const char *name)
{
    struct greatest_run *g = &greatest_info;
    if (g->suffix != NULL) snprintf(g->name, sizeof g->name, "%s_%s", name, g->suffix);
    else snprintf(g->name, sizeof g->name, "%s", name);
    g->suffix = NULL;
    if (!greatest_wanted(g->name, g->want_test)) return false;
    if (g->list) printf("    %s\n", g->name);
    return !g->list;
}

static inline void greatest_end(enum greatest_test_res res)
{
    struct greatest_run *g = &greatest_info;
    const char *why = g->why != NULL ? g->why : "";
    const char *colon = g->why != NULL ? ": " : "";
    if (res == GREATEST_TEST_RES_FAIL) {
        g->failed++;
        printf("FAIL %s%s%s (%s:%u)\n", g->name, colon, why, g->file, g->line);
    } else if (res == GREATEST_TEST_RES_SKIP) {
        g->skipped++;
        printf("SKIP %s%s%s\n", g->name, colon, why);
    } else {
        g->passed++;
        if (g->verbose) printf("PASS %s%s%s\n", g->name, colon, why);
    }
    fflush(stdout);
}

static inline void greatest_run_suite(void (*suite)(void), const char *name)
{
    if (!greatest_wanted(name, greatest_info.want_suite)) return;
    if (greatest_info.list || greatest_info.verbose) printf("%s\n", name);
    suite();
}

static inline bool greatest_mem_eq(const void *expected, const void *got, size_t size)
{
    const unsigned char *a = (const unsigned char *)expected, *b = (const unsigned char *)got;
    size_t at = 0, i;
    while (at < size && a[at] == b[at]) at++;
    if (at == size) return true;
    printf("first difference at byte %lu of %lu\n", (unsigned long)at, (unsigned long)size);
    printf("  expected");
    for (i = at; i < size && i < at + 16; i++) printf(" %02x", a[i]);
    printf("\n  got     ");
    for (i = at; i < size && i < at + 16; i++) printf(" %02x", b[i]);
    printf("\n");
    return false;
}

static inline bool greatest_strings(bool same, const char *expected, const char *got)
{
    if (!same) printf("  expected \"%s\"\n  got      \"%s\"\n", expected, got);
    return same;
}

static inline bool greatest_str_eq(const char *expected, const char *got)
{
    return greatest_strings(strcmp(expected, got) == 0, expected, got);
}

static inline bool greatest_strn_eq(const char *expected, const char *got, size_t size)
{
    return greatest_strings(strncmp(expected, got, size) == 0, expected, got);
}

static inline void greatest_usage(FILE *to, const char *program)
{
    fprintf(to, "usage: %s [-v] [-l] [-e] [-s SUITE] [-t TEST] [-h]\n", program);
    fprintf(to, "  -v        name every test that passes\n");
    fprintf(to, "  -l        list suites and tests, run none\n");
    fprintf(to, "  -s SUITE  run the suites whose name contains SUITE\n");
    fprintf(to, "  -t TEST   run the tests whose name contains TEST\n");
    fprintf(to, "  -e        -s and -t give the whole name\n");
    fprintf(to, "  -h        this text\n");
}

static inline void greatest_options(int argc, char **argv)
{
    struct greatest_run *g = &greatest_info;
    int i;
    for (i = 1; i < argc; i++) {
        const char *arg = argv[i];
        bool more = i + 1 < argc;
        if (strcmp(arg, "-v") == 0) g->verbose = true;
        else if (strcmp(arg, "-l") == 0) g->list = true;
        else if (strcmp(arg, "-e") == 0) g->exact = true;
        else if (strcmp(arg, "-s") == 0 && more) g->want_suite = argv[++i];
        else if (strcmp(arg, "-t") == 0 && more) g->want_test = argv[++i];
        else if (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0) {
            greatest_usage(stdout, argv[0]);
            exit(EXIT_SUCCESS);
        } else {
            fprintf(stderr, "%s: unknown option, or one without its name: %s\n", argv[0], arg);
            greatest_usage(stderr, argv[0]);
            exit(EXIT_FAILURE);
        }
    }
}

static inline int greatest_report(void)
{
    const struct greatest_run *g = &greatest_info;
    if (g->list) return EXIT_SUCCESS;
    printf("passed %u, failed %u, skipped %u (%u assertions)\n", g->passed, g->failed, g->skipped, g->assertions);
    return g->failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define GREATEST_RESULT_(RES, MSG) \
    do { \
        greatest_info.why = (MSG); \
        greatest_info.file = __FILE__; \
        greatest_info.line = (unsigned)__LINE__; \
        return GREATEST_TEST_RES_##RES; \
    } while (0)

/* one assertion that holds if COND does */
#define GREATEST_ASSERT_(MSG, COND) \
    do { \
        greatest_info.assertions++; \
        if (!(COND)) GREATEST_RESULT_(FAIL, MSG); \
    } while (0)

#define GREATEST_MAIN_DEFS() struct greatest_run greatest_info
#define GREATEST_MAIN_BEGIN() greatest_options(argc, argv)
#define GREATEST_MAIN_END() return greatest_report()

#define TEST static enum greatest_test_res
#define SUITE(NAME) SUITE_EXTERN(NAME); void NAME(void)
#define SUITE_EXTERN(NAME) extern void NAME(void)
#define RUN_SUITE(NAME) greatest_run_suite(NAME, #NAME)
#define RUN_TEST(NAME) do { if (greatest_begin(#NAME)) greatest_end(NAME()); } while (0)
#define RUN_TEST1(NAME, ARG) do { if (greatest_begin(#NAME)) greatest_end(NAME(ARG)); } while (0)
#define RUN_TESTp(NAME, ...) do { if (greatest_begin(#NAME)) greatest_end(NAME(__VA_ARGS__)); } while (0)
#define IGNORE_TEST(NAME) (void)NAME
#define CHECK_CALL(CALL) \
    do { \
        enum greatest_test_res greatest_res_ = (CALL); \
        if (greatest_res_ != GREATEST_TEST_RES_PASS) return greatest_res_; \
    } while (0)

#define PASS() PASSm(NULL)
#define FAIL() FAILm(NULL)
#define SKIP() SKIPm(NULL)
#define PASSm(MSG) GREATEST_RESULT_(PASS, MSG)
#define FAILm(MSG) GREATEST_RESULT_(FAIL, MSG)
#define SKIPm(MSG) GREATEST_RESULT_(SKIP, MSG)

#define ASSERT(COND) GREATEST_ASSERT_(#COND, COND)
#define ASSERTm(MSG, COND) GREATEST_ASSERT_(MSG, COND)
#define ASSERT_FALSE(COND) GREATEST_ASSERT_("not " #COND, !(COND))
#define ASSERT_FALSEm(MSG, COND) GREATEST_ASSERT_(MSG, !(COND))
#define ASSERT_EQ(EXP, GOT) GREATEST_ASSERT_(#EXP " == " #GOT, (EXP) == (GOT))
#define ASSERT_EQm(MSG, EXP, GOT) GREATEST_ASSERT_(MSG, (EXP) == (GOT))
#define ASSERT_NEQ(EXP, GOT) GREATEST_ASSERT_(#EXP " != " #GOT, (EXP) != (GOT))
#define ASSERT_NEQm(MSG, EXP, GOT) GREATEST_ASSERT_(MSG, (EXP) != (GOT))
#define ASSERT_GT(EXP, GOT) GREATEST_ASSERT_(#EXP " > " #GOT, (EXP) > (GOT))
#define ASSERT_GTm(MSG, EXP, GOT) GREATEST_ASSERT_(MSG, (EXP) > (GOT))
#define ASSERT_GTE(EXP, GOT) GREATEST_ASSERT_(#EXP " >= " #GOT, (EXP) >= (GOT))
#define ASSERT_GTEm(MSG, EXP, GOT) GREATEST_ASSERT_(MSG, (EXP) >= (GOT))
#define ASSERT_LT(EXP, GOT) GREATEST_ASSERT_(#EXP " < " #GOT, (EXP) < (GOT))
#define ASSERT_LTm(MSG, EXP, GOT) GREATEST_ASSERT_(MSG, (EXP) < (GOT))
#define ASSERT_LTE(EXP, GOT) GREATEST_ASSERT_(#EXP " <= " #GOT, (EXP) <= (GOT))
#define ASSERT_LTEm(MSG, EXP, GOT) GREATEST_ASSERT_(MSG, (EXP) <= (GOT))
#define ASSERT_STR_EQ(EXP, GOT) ASSERT_STR_EQm(#EXP " is the string " #GOT, EXP, GOT)
#define ASSERT_STR_EQm(MSG, EXP, GOT) GREATEST_ASSERT_(MSG, greatest_str_eq(EXP, GOT))
#define ASSERT_STRN_EQ(EXP, GOT, SIZE) ASSERT_STRN_EQm(#EXP " begins as " #GOT, EXP, GOT, SIZE)
#define ASSERT_STRN_EQm(MSG, EXP, GOT, SIZE) GREATEST_ASSERT_(MSG, greatest_strn_eq(EXP, GOT, SIZE))
#define ASSERT_MEM_EQ(EXP, GOT, SIZE) ASSERT_MEM_EQm(#EXP " has the bytes of " #GOT, EXP, GOT, SIZE)
#define ASSERT_MEM_EQm(MSG, EXP, GOT, SIZE) GREATEST_ASSERT_(MSG, greatest_mem_eq(EXP, GOT, SIZE))
#define ASSERT_EQ_FMT(EXP, GOT, FMT) ASSERT_EQ_FMTm(#EXP " == " #GOT, EXP, GOT, FMT)
#define ASSERT_EQ_FMTm(MSG, EXP, GOT, FMT) \
    do { \
        greatest_info.assertions++; \
        if ((EXP) != (GOT)) { \
            printf("  expected "); \
            printf(FMT, EXP); \
            printf(", got "); \
            printf(FMT, GOT); \
            printf("\n"); \
            GREATEST_RESULT_(FAIL, MSG); \
        } \
    } while (0)
#define ASSERT_ENUM_EQ(EXP, GOT, TEXT) ASSERT_ENUM_EQm(#EXP " == " #GOT, EXP, GOT, TEXT)
#define ASSERT_ENUM_EQm(MSG, EXP, GOT, TEXT) \
    do { \
        int greatest_exp_ = (int)(EXP), greatest_got_ = (int)(GOT); \
        greatest_info.assertions++; \
        if (greatest_exp_ != greatest_got_) { \
            printf("  expected %s, got %s\n", TEXT(greatest_exp_), TEXT(greatest_got_)); \
            GREATEST_RESULT_(FAIL, MSG); \
        } \
    } while (0)

#endif
