// Kernels: programs that measure one computation.
//
// The symbol `kernel` of such a program can also be called from outside, in an
// image that was mapped and relocated but not started: it needs no thread-local
// storage, no system call and no set-up, and a call leaves nothing behind that
// changes the next one's result. (sysloop and tlsloop are exceptions: what they
// measure needs a started program.)
#ifndef GUEST_KERNEL_H
#define GUEST_KERNEL_H

#include "argument.h"

#define KERNEL __attribute__((noinline, used, visibility("default")))
KERNEL u64 kernel(u64 n);

// kernel_main calls f(n) `repeats` times, n and repeats being arguments of
// the program with the defaults given, and prints
//
//   NAME n=N result=HEX ns=BEST median=MEDIAN
//
// Times are those that pass, or with the argument cpu=1 those that the calling thread runs.
// It fails if two calls differ in their results. Repeats are at most 1000.
int kernel_main(const struct value *args, const char *name, u64 n, u64 repeats, u64 (*f)(u64));

// random64 is a generator with 64 bits of state (never 0) and the same numbers
// everywhere: xorshift64*, Marsaglia 2003 and Vigna 2016.
static inline u64 random64(u64 *state) {
  u64 x = *state;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  *state = x;
  return x * 0x2545f4914f6cdd1dull;
}

#endif
