// trail: code of which a reader knows how often each part runs. For coverage, counts and stacks: the program has line
// tables and unwind tables, and its own functions have no frame pointers.
//
// Each of `threads` threads (default 1) does the work `n` times over (default 100):
//
//   trail_loop(n)     counts n down in a loop of three instructions; five are outside of it
//   trail_choose(i)   calls trail_even or trail_odd, through a table, n times
//   trail_rare(i)     runs once in ten
//   trail_never()     runs with `how: never` only
//
// `how` says how it ends: `end` (default); `fault`, by a load from the null page, three calls deep; `fork`, after a
// child has done the same work; `deep`, after n * 1000000 rounds of a loop three calls deep; `wait`, never.
#include "guest.h"
#include "process.h"

enum { MAX_THREADS = 64 };
static struct thread threads[MAX_THREADS];
static u64 n;
static volatile u64 sink;
static u64 (*volatile choices[2])(u64);

#define TRAIL __attribute__((noinline, used, visibility("default")))

// trail_loop is in assembly, so that its number of instructions is that of the source.
u64 trail_loop(u64 n);
__asm__(
    ".pushsection .text.trail_loop,\"ax\",@progbits\n"
    ".globl trail_loop\n"
    ".type trail_loop,@function\n"
    "trail_loop:\n"
    "  xor %eax,%eax\n"
    "  test %rdi,%rdi\n"
    "  je 2f\n"
    "1: add $3,%rax\n"
    "  dec %rdi\n"
    "  jne 1b\n"
    "  nop\n"
    "2: ret\n"
    ".size trail_loop,.-trail_loop\n"
    ".popsection\n");

TRAIL u64 trail_even(u64 i) { return i / 2; }
TRAIL u64 trail_odd(u64 i) { return 3 * i + 1; }

TRAIL void trail_rare(u64 i) {
  if (i % 10 == 0)
    sink = sink + i;
}

TRAIL void trail_never(void) {
  sink = 1;
}

TRAIL u64 trail_choose(u64 i) {
  return choices[i % 2](i) + 1;
}

static void work(void *unused) {
  CHECK(trail_loop(n) == 3 * n);
  u64 sum = 0;
  for (u64 i = 0; i < n; i++) {
    sum += trail_choose(i);
    trail_rare(i);
  }
  sink = sum;
}

TRAIL u64 trail_inner(u64 rounds, u64 fault) {
  u64 x = rounds + 1;
  if (fault) __asm__ volatile("mov 0x10, %%eax" : : : "eax");
  for (u64 i = 0; i < rounds; i++) x = x * 6364136223846793005 + i;
  return x;
}

TRAIL u64 trail_middle(u64 rounds, u64 fault) {
  volatile u64 room[40]; // so that the frames differ in size
  room[rounds % 40] = trail_inner(rounds, fault);
  return room[rounds % 40] + 1;
}

TRAIL u64 trail_outer(u64 rounds, u64 fault) {
  u64 x = 1;
  for (int i = 0; i < 10; i++) x += trail_middle(rounds / 10 + x % 2, fault);
  return x;
}

static u32 child(void *unused) {
  work(NULL);
  return 7;
}

int guest_main(const struct value *args) {
  const char *how = arg_str(args, "how", "end");
  u64 count = arg_u64(args, "threads", 1);
  n = arg_u64(args, "n", 100);
  choices[0] = trail_even;
  choices[1] = trail_odd;
  if (count < 1 || count > MAX_THREADS) fail("threads must be 1 to %d, not %lu", MAX_THREADS, count);
  for (u64 i = 1; i < count; i++) CHECK_ERRNO(thread_start(&threads[i], work, NULL), 0);
  work(NULL);
  for (u64 i = 1; i < count; i++) thread_join(&threads[i]);
  if (equal(how, "never")) trail_never();
  if (equal(how, "fork")) EXPECT_END(proc_spawn(child, NULL), 0, 7);
  if (equal(how, "deep")) sink = trail_outer(n * 1000000, 0);
  if (equal(how, "fault")) sink = trail_outer(n, 1);
  print("trail n=%lu threads=%lu\n", n, count);
  if (equal(how, "wait"))
    for (;;) sink = trail_choose(sink);
  return 0;
}
