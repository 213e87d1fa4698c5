/* Public calls in any order on one object, then a good peer: see fuzz/fuzz_api.c and seeds.h. */
#include "../fuzz/fuzz_api.c"
#include "seeds.h"
