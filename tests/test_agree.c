/* All paths of the library find the same in every recorded text, and in 25000 mutated ones; tests/check_paths.sh goes
   further. POSIX: popen, find and gzip. */
#define AGREE_NO_MAIN 1
#include "tools/agree.c"
#include "greatest.h"

TEST recorded_texts_agree(void)
{
    FILE *const all = popen("find tests/recordings -name messages.jsonl -exec cat {} +", "r");
    ASSERT(all != NULL);
    recorded(all);
    pclose(all);
    ASSERT(now.given > 1000);
    PASS();
}

TEST mutated_texts_agree(void)
{
    mutated(25000);
    ASSERT_EQ_FMT(25000ul, (unsigned long)now.mutated, "%lu");
    PASS();
}

SUITE(agree)
{
    RUN_TEST(recorded_texts_agree);
    RUN_TEST(mutated_texts_agree);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    begin(argv[0], 1, 0, 1);
    RUN_SUITE(agree);
    GREATEST_MAIN_END();
}
