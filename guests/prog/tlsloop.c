// tlsloop: thread-local variables through functions that are not inlined.
// kernel(n) makes n rounds; it needs a thread pointer, so it cannot be called
// from outside the program.
#include "guest.h"
#include "kernel.h"

static _Thread_local u64 counter, sum;
static _Thread_local u32 table[64] = {1};

NOINLINE static u64 count(u64 by) { return counter += by; }

NOINLINE static void add(u64 v) { sum = sum * 3 + v; }

NOINLINE static u32 *entry(u64 i) { return &table[i % 64]; }

u64 kernel(u64 n) {
  counter = sum = 0;
  for (u64 i = 0; i < 64; i++) *entry(i) = (u32)i;
  for (u64 i = 0; i < n; i++) {
    u32 *e = entry(count(i | 1));
    *e += (u32)i;
    add(*e);
  }
  return sum;
}

int guest_main(const struct value *args) { return kernel_main(args, "tlsloop", 8000000, 5, kernel); }
