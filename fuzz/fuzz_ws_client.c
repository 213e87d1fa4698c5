/* misskey_ws as a client: see ws.h. */
#include "ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ws_target(false, data, size);
    return 0;
}
