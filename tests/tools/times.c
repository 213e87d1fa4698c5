/* times - what misskey_jstr_time makes of dates
   usage: times <DATES, one a line
   Prints a line for each: milliseconds since 1970, or NaN for what is no date to it.
   POSIX: getline. */
#define _POSIX_C_SOURCE 200809L
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../../misskey_stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while ((n = getline(&line, &cap, stdin)) > 0) {
        misskey_jstr date;
        int64_t ms;
        date.ptr = line;
        date.len = (size_t)n - (line[n - 1] == '\n');
        if (misskey_jstr_time(date, &ms)) printf("%" PRId64 "\n", ms);
        else puts("NaN");
    }
    free(line);
    return 0;
}
