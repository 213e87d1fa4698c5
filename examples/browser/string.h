/* string.h - as much of it as the header and timeline.h ask for, for WebAssembly without a libc: the compiler makes
   memory.copy and memory.fill of the first three (-mbulk-memory).
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef PAGE_STRING_H
#define PAGE_STRING_H
#include <stddef.h>

#define memcpy __builtin_memcpy
#define memmove __builtin_memmove
#define memset __builtin_memset

static inline size_t strlen(const char *s)
{
    size_t n = 0;
    while (s[n] != '\0') n++;
    return n;
}

static inline int strcmp(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}

#endif /* PAGE_STRING_H */
