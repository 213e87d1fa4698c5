/* Replays fuzz/corpus and fuzz/regressions through the fuzz targets, without libFuzzer. A target that finds something
   says where and aborts; the last line before that names the input. */
#if defined(__unix__) || defined(__APPLE__)
#define _DEFAULT_SOURCE 1
#define _DARWIN_C_SOURCE 1
#include <dirent.h>
#define HAVE_DIRENT 1
#else
#define HAVE_DIRENT 0
#endif

#define LLVMFuzzerTestOneInput fuzz_json
#include "../fuzz/fuzz_json.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_message
#include "../fuzz/fuzz_message.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_ws_client
#include "../fuzz/fuzz_ws_client.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_ws_server
#include "../fuzz/fuzz_ws_server.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_conn
#include "../fuzz/fuzz_conn.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_api
#include "../fuzz/fuzz_api.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_store
#include "../fuzz/fuzz_store.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_typed
#include "../fuzz/fuzz_typed.c"
#undef LLVMFuzzerTestOneInput

#include "greatest.h"

typedef int target(const uint8_t *data, size_t size);

#if HAVE_DIRENT

static bool replay_file(const char *path, target *run)
{
    static uint8_t data[1 << 20];
    FILE *const file = fopen(path, "rb");
    size_t size;
    if (file == NULL) return false;
    size = fread(data, 1, sizeof data, file);
    fclose(file);
    printf("replaying %s\n", path);
    fflush(stdout);
    (void)run(data, size);
    return true;
}

/* Every file of a folder; how many there were, or -1 if one cannot be read. */
static int replay_folder(const char *kind, const char *name, target *run)
{
    char path[512];
    struct dirent *entry;
    DIR *folder;
    int count = 0;
    snprintf(path, sizeof path, "fuzz/%s/%s", kind, name);
    folder = opendir(path);
    if (folder == NULL) return 0;
    while (count >= 0 && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "fuzz/%s/%s/%s", kind, name, entry->d_name);
        count = replay_file(path, run) ? count + 1 : -1;
    }
    closedir(folder);
    return count;
}

TEST replay(const char *name, target *run)
{
    ASSERTm("fuzz/corpus has no inputs for it, or they cannot be read", replay_folder("corpus", name, run) > 0);
    ASSERT(replay_folder("regressions", name, run) >= 0);
    PASS();
}

#else

TEST replay(const char *name, target *run)
{
    (void)name;
    (void)run;
    SKIPm("no dirent.h to list the inputs with");
}

#endif

SUITE(regressions)
{
    static const struct { const char *name; target *run; } targets[] = {
        { "json", fuzz_json }, { "message", fuzz_message }, { "ws_client", fuzz_ws_client },
        { "ws_server", fuzz_ws_server }, { "conn", fuzz_conn }, { "api", fuzz_api }, { "store", fuzz_store },
        { "typed", fuzz_typed }
    };
    size_t i;
    for (i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        greatest_set_test_suffix(targets[i].name);
        RUN_TESTp(replay, targets[i].name, targets[i].run);
    }
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(regressions);
    GREATEST_MAIN_END();
}
