/* seeds.h - random inputs for a fuzz target, without libFuzzer. The source file includes the target before this.
   Environment: SEEDS (default 1000) runs, FIRST_SEED (default 1), VERBOSE names each seed before it runs. A run that
   finds something says what does not hold and aborts. */
#ifndef SEEDS_H
#define SEEDS_H
#include "greatest.h"

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
    const char *const text = getenv(name);
    return text != NULL ? strtoul(text, NULL, 10) : otherwise;
}

TEST random_calls(void)
{
    const unsigned long first = from_environment("FIRST_SEED", 1), seeds = from_environment("SEEDS", 1000);
    const bool verbose = getenv("VERBOSE") != NULL;
    unsigned long seed;
    for (seed = first; seed - first < seeds; seed++) {
        uint8_t input[600];
        uint32_t state = (uint32_t)seed * 2654435761u;
        const size_t len = 8 + fuzz_below(&state, sizeof input - 8);
        size_t i;
        for (i = 0; i < len; i++) input[i] = (uint8_t)fuzz_below(&state, 256);
        if (verbose) fprintf(stderr, "FIRST_SEED=%lu\n", seed);
        (void)LLVMFuzzerTestOneInput(input, len);
    }
    PASS();
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_TEST(random_calls);
    GREATEST_MAIN_END();
}

#endif /* SEEDS_H */
