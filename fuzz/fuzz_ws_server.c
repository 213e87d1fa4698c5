/* misskey_ws as a server: see ws.h. */
#include "ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ws_target(true, data, size);
    return 0;
}
