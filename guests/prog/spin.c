// spin: loops for ever in `threads` threads (default 1), one of which is the
// initial one. Prints a line before, so that a parent knows it is under way.
#include "guest.h"

static void spin(void *argument) {
  volatile u64 *count = argument;
  for (;;) *count = *count + 1;
}

enum { MAX_THREADS = 256 };
static struct thread threads[MAX_THREADS];
static u64 counts[MAX_THREADS];

int guest_main(const struct value *args) {
  u64 n = arg_u64(args, "threads", 1);
  if (n < 1 || n > MAX_THREADS) fail("threads must be 1 to %d, not %lu", MAX_THREADS, n);
  for (u64 i = 1; i < n; i++) CHECK_ERRNO(thread_start(&threads[i], spin, &counts[i]), 0);
  print("spinning threads=%lu\n", n);
  spin(&counts[0]);
  return 0;
}
