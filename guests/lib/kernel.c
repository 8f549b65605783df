#include "kernel.h"
#include "guest.h"

enum { MAX_REPEATS = 1000 };

// insert puts ns into sorted, which has count elements, in order.
static void insert(u64 *sorted, u64 count, u64 ns) {
  for (; count > 0 && sorted[count - 1] > ns; count--) sorted[count] = sorted[count - 1];
  sorted[count] = ns;
}

int kernel_main(const struct value *args, const char *name, u64 n, u64 repeats, u64 (*f)(u64)) {
  static u64 sorted[MAX_REPEATS];
  n = arg_u64(args, "n", n);
  repeats = arg_u64(args, "repeats", repeats);
  if (repeats < 1 || repeats > MAX_REPEATS) fail("repeats must be 1 to %d, not %lu", MAX_REPEATS, repeats);
  u64 (*clock)(void) = arg_u64(args, "cpu", 0) ? cpu_time : now;
  u64 result = 0;
  for (u64 i = 0; i < repeats; i++) {
    u64 start = clock();
    u64 r = f(n);
    u64 ns = clock() - start;
    if (i > 0 && r != result) fail("%s: call %lu gave %lx, the first %lx", name, i + 1, r, result);
    result = r;
    insert(sorted, i, ns);
  }
  print("%s n=%lu result=%lx ns=%lu median=%lu\n", name, n, result, sorted[0], sorted[repeats / 2]);
  return 0;
}
