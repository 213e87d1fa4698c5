/* Random inputs for fuzz/fuzz_api.c, without libFuzzer: public calls in any order on one object, then a good peer.
   Environment: API_SEEDS (default 3000) runs, API_FIRST (default 1) the first seed, API_VERBOSE names each seed before
   it runs. A run that finds something says what does not hold and aborts. */
#include "../fuzz/fuzz_api.c"
#include "greatest.h"

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
    const char *const text = getenv(name);
    return text != NULL ? strtoul(text, NULL, 10) : otherwise;
}

TEST random_calls(void)
{
    const unsigned long first = from_environment("API_FIRST", 1), seeds = from_environment("API_SEEDS", 3000);
    const bool verbose = getenv("API_VERBOSE") != NULL;
    unsigned long seed;
    for (seed = first; seed - first < seeds; seed++) {
        uint8_t input[600];
        uint32_t state = (uint32_t)seed * 2654435761u;
        const size_t len = 8 + fuzz_below(&state, sizeof input - 8);
        size_t i;
        for (i = 0; i < len; i++) input[i] = (uint8_t)fuzz_below(&state, 256);
        if (verbose) fprintf(stderr, "API_FIRST=%lu\n", seed);
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
