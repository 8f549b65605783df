// debug: something of everything that a debugger shows, built with debug information and
// without optimisation. `threads` (default 2) workers run beside the initial thread, each
// with a thread-local variable of its own, until they are told to stop: at once, or with
// `forever` by a debugger that clears that variable. With `raise` it ends itself by SIGABRT;
// with `become` it then becomes itself (`self`) again, which ends at once with 4.
#include "guest.h"

typedef float v4 __attribute__((vector_size(16)));

struct point {
  s32 x, y;
  const char *name;
};

enum { MAX_THREADS = 16 };
static struct thread threads[MAX_THREADS];
static struct point corner = {3, 4, "corner"};
static volatile u64 counter, work;
static volatile u32 forever, stop;
static _Thread_local u64 own = 42;

NOINLINE static u64 add(u64 a, u64 b) {
  u64 sum = a + b;
  return sum;
}

NOINLINE static u64 sum_to(u64 n) {
  u64 result = 0;
  for (u64 i = 1; i <= n; i++) {
    result = add(result, i);
    counter = result;
  }
  return result;
}

NOINLINE static v4 scale(v4 v, float by) {
  v4 scaled = v * by;
  return scaled;
}

NOINLINE static s32 area(const struct point *p) { return p->x * p->y; }

NOINLINE static void once_around(u64 i) { work += i; }

static void worker(void *argument) {
  u64 i = (u64)argument;
  own = 100 + i;
  while (!stop) once_around(i);
  CHECK(own == 100 + i);
}

int guest_main(const struct value *args) {
  u32 self;
  if (!arg_fd(args, "self", &self)) return 4;
  u64 n = arg_u64(args, "threads", 2);
  if (n > MAX_THREADS) fail("threads must be 0 to %d, not %lu", MAX_THREADS, n);
  forever = (u32)arg_u64(args, "forever", 0);
  for (u64 i = 0; i < n; i++) CHECK_ERRNO(thread_start(&threads[i], worker, (void *)(i + 1)), 0);
  own = 7;
  u64 total = sum_to(10);
  v4 vector = scale((v4){1, 2, 3, 4}, 1.5f);
  s32 rectangle = area(&corner);
  while (forever) sleep_ns(1000000);
  if (arg_u64(args, "raise", 0)) sys_proc_raise(SIGABRT);
  stop = 1;
  for (u64 i = 0; i < n; i++) thread_join(&threads[i]);
  if (arg_u64(args, "become", 0)) CHECK_ERRNO(sys_proc_exec(self, 0, 0, 0, 0), 0);
  print("debug ok total=%lu vector=%lu area=%lu\n", total, (u64)vector[3], (u64)rectangle);
  return 3;
}
