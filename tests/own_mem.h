/* The four functions of <string.h> that the library uses, as a program without libc brings them. volatile keeps the
   compiler from recognising the loops and calling libc after all. */
#include <stddef.h>

static void *own_copy(void *dst, const void *src, size_t n)
{
    volatile unsigned char *d = (volatile unsigned char *)dst;
    const unsigned char *s = (const unsigned char *)src;
    while (n-- > 0) *d++ = *s++;
    return dst;
}

static void *own_move(void *dst, const void *src, size_t n)
{
    volatile unsigned char *d = (volatile unsigned char *)dst;
    const unsigned char *s = (const unsigned char *)src;
    if (d < s) return own_copy(dst, src, n);
    while (n-- > 0) d[n] = s[n];
    return dst;
}

static void *own_set(void *dst, int c, size_t n)
{
    volatile unsigned char *d = (volatile unsigned char *)dst;
    while (n-- > 0) *d++ = (unsigned char)c;
    return dst;
}

static size_t own_len(const char *s)
{
    const volatile char *p = s;
    size_t n = 0;
    while (p[n] != 0) n++;
    return n;
}

#define MISSKEY_MEMCPY own_copy
#define MISSKEY_MEMMOVE own_move
#define MISSKEY_MEMSET own_set
#define MISSKEY_STRLEN own_len
