// Memory and string routines: the four the compiler may call, and a few more.
#ifndef GUEST_STRING_H
#define GUEST_STRING_H

#include "abi.h"

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t length(const char *s);
int equal(const char *a, const char *b);

#endif
