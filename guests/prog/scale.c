// scale: the same work by one thread or several. kernel(n) shares n rounds out among
// `threads` threads, the first one included, and waits for all.
#include "guest.h"
#include "kernel.h"

enum { MAX_THREADS = 64, WORDS = 512 };

struct share {
  struct thread thread;
  u64 rounds, result;
} ALIGNED(128); // no two threads write to the same cache line

static struct share shares[MAX_THREADS];
static u64 threads;

NOINLINE static u64 step(u64 *words, u64 *state) {
  u64 r = random64(state);
  u64 *w = &words[r % WORDS];
  if (r >> 63) return *w += r >> 7;
  return *w ^= r;
}

// work walks through memory of its own, with calls and unpredictable branches.
static void work(void *argument) {
  struct share *s = argument;
  u64 words[WORDS] = {0}, state = 1, sum = 0;
  for (u64 i = 0; i < s->rounds; i++) sum += step(words, &state);
  s->result = sum;
}

u64 kernel(u64 n) {
  for (u64 i = 0; i < threads; i++) shares[i].rounds = n / threads;
  for (u64 i = 1; i < threads; i++) CHECK_ERRNO(thread_start(&shares[i].thread, work, &shares[i]), 0);
  work(&shares[0]);
  u64 sum = shares[0].result;
  for (u64 i = 1; i < threads; i++) {
    thread_join(&shares[i].thread);
    sum += shares[i].result;
  }
  return sum;
}

int guest_main(const struct value *args) {
  threads = arg_u64(args, "threads", 1);
  if (threads < 1 || threads > MAX_THREADS) fail("threads must be 1 to %d, not %lu", MAX_THREADS, threads);
  return kernel_main(args, "scale", 30000000, 5, kernel);
}
