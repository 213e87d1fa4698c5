/* Calls of the note store in any order: see fuzz/fuzz_store.c and seeds.h. */
#include "../fuzz/fuzz_store.c"
#include "seeds.h"
