/* The library, compiled once for all tests that use nothing but its public functions. */
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../misskey_stream.h"
