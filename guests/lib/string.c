// The loops are volatile-free C; -fno-builtin keeps the compiler from turning
// them into calls of themselves.
#include "string.h"

void *memcpy(void *restrict to, const void *restrict from, size_t n) {
  u8 *t = to;
  const u8 *f = from;
  while (n-- > 0) *t++ = *f++;
  return to;
}

void *memmove(void *to, const void *from, size_t n) {
  u8 *t = to;
  const u8 *f = from;
  if ((uintptr_t)t - (uintptr_t)f >= n) return memcpy(to, from, n);
  while (n-- > 0) t[n] = f[n];
  return to;
}

void *memset(void *to, int value, size_t n) {
  u8 *t = to;
  while (n-- > 0) *t++ = (u8)value;
  return to;
}

int memcmp(const void *a, const void *b, size_t n) {
  const u8 *x = a, *y = b;
  for (; n > 0; n--, x++, y++)
    if (*x != *y) return *x - *y;
  return 0;
}

size_t length(const char *s) {
  size_t n = 0;
  while (s[n] != 0) n++;
  return n;
}

int equal(const char *a, const char *b) {
  while (*a == *b && *a != 0) a++, b++;
  return *a == *b;
}
