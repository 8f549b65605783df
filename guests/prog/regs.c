// regs: does register state survive? In `threads` threads (default 4) for
// `seconds` seconds (default 1) each trip loads every register with random
// values, leaves the thread's code, and compares what comes back:
//
//   call   a system call. Raw ones must keep all but rax, rcx, rdx, r8 to r11
//          and the flags; calls of the vDSO what C functions must keep.
//   jump   a jump to an instruction that was never run before, and back, which
//          must keep everything, flags and the bytes below rsp included.
//
// The argument `trips` is call, jump or both (the default).
#include "guest.h"
#include "trip.h"
#include "kernel.h"

enum { MAX_THREADS = 64, POOL = 16384, STUB = 16 };

enum { CARRY = 1, DIRECTION = 0x400, ARITHMETIC = 0x8d5 };

struct job {
  struct thread thread;
  u64 seed;
  u64 calls, jumps;
  u8 *pool; // of stubs
  u32 next; // offset of the first that has not run
  struct state in, out;
};

static struct job jobs[MAX_THREADS];
static u64 features, seconds;
static int do_calls, do_jumps;

static void cpuid(u32 leaf, u32 *b, u32 *c) {
  u32 a = leaf, d;
  *c = 0;
  __asm__ volatile("cpuid" : "+a"(a), "+c"(*c), "=b"(*b), "=d"(d));
}

// detect finds out which vector state processor and system both have.
static void detect(void) {
  enum { OSXSAVE = 1 << 27, AVX = 1 << 28, AVX512F = 1 << 16, AVX512BW = 1 << 30 };
  u32 b, c, low, high;
  cpuid(1, &b, &c);
  if ((c & OSXSAVE) == 0 || (c & AVX) == 0) return;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low & 6) != 6) return;
  features |= USE_AVX;
  cpuid(7, &b, &c);
  if ((b & AVX512F) != 0 && (b & AVX512BW) != 0 && (low & 0xe6) == 0xe6) features |= USE_AVX512;
}

// scramble fills s with a state that is valid, but for the flags random.
static void scramble(struct state *s, u64 *seed) {
  u64 *p = (u64 *)s;
  for (size_t i = 0; i < sizeof(*s) / 8; i++) p[i] = random64(seed);
  u64 r = random64(seed);
  s->flags = r & ARITHMETIC;
  s->mxcsr = (r >> 16 & 0xe07f) | 0x1f80; // all exceptions masked
  static const u8 precision[4] = {0, 2, 3, 3};
  s->control = (u16)(0x7f | precision[r >> 40 & 3] << 8 | (r >> 42 & 3) << 10);
  for (int i = 0; i < 8; i++) {
    s->x87[i][7] |= 0x80; // normal numbers: integer bit set,
    s->x87[i][8] |= 1;    // exponent neither 0
    s->x87[i][9] &= 0xbf; // nor all ones
  }
}

static void same(const char *trip, const char *what, int number, const void *in, const void *out, size_t n) {
  if (memcmp(in, out, n) == 0) return;
  const u8 *a = in, *b = out;
  size_t i = 0;
  while (a[i] == b[i]) i++;
  fail("%s: %s%d changed: byte %lu is %02x and was %02x", trip, what, number, (u64)i, b[i], a[i]);
}

// compare_all compares everything but general registers and flags.
static void compare_all(const char *trip, const struct job *j) {
  const struct state *in = &j->in, *out = &j->out;
  size_t width = features & USE_AVX512 ? 64 : features & USE_AVX ? 32 : 16;
  for (int i = 0; i < (features & USE_AVX512 ? 32 : 16); i++)
    same(trip, "vector", i, in->vector[i], out->vector[i], width);
  for (int i = 0; i < 8 && features & USE_AVX512; i++) same(trip, "mask", i, &in->mask[i], &out->mask[i], 8);
  for (int i = 0; i < 8; i++) same(trip, "x87 register ", i, in->x87[i], out->x87[i], 10);
  same(trip, "mxcsr", 0, &in->mxcsr, &out->mxcsr, 4);
  same(trip, "x87 control word", 0, &in->control, &out->control, 2);
  for (int i = 0; i < 16; i++) same(trip, "word below rsp ", i, &in->below[i], &out->below[i], 8);
}

// compare_registers compares those of set, a bit each.
static void compare_registers(const char *trip, const struct job *j, u32 set) {
  for (int i = 0; i < NGPR; i++)
    if (set >> i & 1) same(trip, "register ", i, &j->in.gpr[i], &j->out.gpr[i], 8);
}

enum {
  CALLEE_SAVED = 1 << RBX | 1 << RBP | 1 << R12 | 1 << R13 | 1 << R14 | 1 << R15,
  RAW_SAVED = CALLEE_SAVED | 1 << RSI | 1 << RDI,
  ALL_SAVED = 0xffff & ~(1 << RSP),
};

// A call is thread_yield, which takes no arguments, or clock_time_get.
#if GENERATION <= 2
enum { CLOCK_TIME_GET = 1, THREAD_YIELD = 56 };

static void call(struct job *j, int clock) {
  j->in.gpr[RAX] = clock ? CLOCK_TIME_GET : THREAD_YIELD;
  if (clock) j->in.gpr[RDI] = CLOCK_MONOTONIC;
  u64 before = clock ? now() : 0;
  trip_syscall(&j->in, &j->out, features | USE_X87, 0);
  CHECK((j->out.flags & (CARRY | DIRECTION)) == 0);
  u64 rax = j->out.gpr[RAX];
  if (clock) CHECK(rax >= before && rax <= now());
  if (!clock) CHECK(rax == 0);
  compare_registers("syscall", j, RAW_SAVED);
  compare_all("syscall", j);
}
#else
static void call(struct job *j, int clock) {
  u64 time = 0;
  if (clock) {
    j->in.gpr[RDI] = CLOCK_MONOTONIC;
    j->in.gpr[RDX] = (u64)&time;
  }
  u64 before = clock ? now() : 0;
  trip_call(&j->in, &j->out, features, clock ? (void *)sys_clock_time_get : (void *)sys_thread_yield);
  CHECK((j->out.flags & DIRECTION) == 0);
  CHECK((u16)j->out.gpr[RAX] == 0);
  if (clock) CHECK(time >= before && time <= now());
  compare_registers("vDSO call", j, CALLEE_SAVED);
  // Control bits are kept; the sticky exception flags are anybody's.
  u32 in = j->in.mxcsr & ~0x3fu, out = j->out.mxcsr & ~0x3fu;
  same("vDSO call", "mxcsr", 0, &in, &out, 4);
  same("vDSO call", "x87 control word", 0, &j->in.control, &j->out.control, 2);
}
#endif

// refill gives the job a pool of stubs that never ran: jmp *8(%rsp) each.
static void refill(struct job *j) {
  void *p;
  if (j->pool != 0) CHECK_ERRNO(sys_mem_unmap(j->pool, POOL), 0);
  CHECK_ERRNO(sys_mem_map(0, POOL, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE, MAP_ANON_FD, 0, &p), 0);
  j->pool = p;
  j->next = 0;
  for (u32 i = 0; i < POOL; i += STUB) memcpy(j->pool + i, "\xff\x64\x24\x08", 4);
  CHECK_ERRNO(sys_mem_protect(j->pool, POOL, PROT_READ | PROT_EXEC), 0);
}

static void jump(struct job *j) {
  if (j->pool == 0 || j->next == POOL) refill(j);
  if (random64(&j->seed) % 2 == 0) j->in.flags |= DIRECTION;
  trip_jump(&j->in, &j->out, features | USE_X87, j->pool + j->next);
  j->next += STUB;
  u64 in = j->in.flags & (ARITHMETIC | DIRECTION), out = j->out.flags & (ARITHMETIC | DIRECTION);
  same("jump", "flags", 0, &in, &out, 8);
  compare_registers("jump", j, ALL_SAVED);
  compare_all("jump", j);
}

static void run(void *argument) {
  struct job *j = argument;
  u64 end = now() + seconds * 1000000000;
  do {
    for (int i = 0; i < 64 && do_calls; i++) {
      scramble(&j->in, &j->seed);
      call(j, i % 2);
      j->calls++;
    }
    for (int i = 0; i < 64 && do_jumps; i++) {
      scramble(&j->in, &j->seed);
      jump(j);
      j->jumps++;
    }
  } while (now() < end);
}

int guest_main(const struct value *args) {
  u64 threads = arg_u64(args, "threads", 4);
  seconds = arg_u64(args, "seconds", 1);
  const char *trips = arg_str(args, "trips", "both");
  do_calls = equal(trips, "call") || equal(trips, "both");
  do_jumps = equal(trips, "jump") || equal(trips, "both");
  if (threads < 1 || threads > MAX_THREADS) fail("threads must be 1 to %d, not %lu", MAX_THREADS, threads);
  if (!do_calls && !do_jumps) fail("trips must be call, jump or both, not %s", trips);
  detect();
  for (u64 i = 0; i < threads; i++) {
    jobs[i].seed = i + 1;
    CHECK_ERRNO(thread_start(&jobs[i].thread, run, &jobs[i]), 0);
  }
  u64 calls = 0, jumps = 0;
  for (u64 i = 0; i < threads; i++) {
    thread_join(&jobs[i].thread);
    calls += jobs[i].calls;
    jumps += jobs[i].jumps;
  }
  print("regs ok threads=%lu calls=%lu jumps=%lu vectors=%s\n", threads, calls, jumps,
        features & USE_AVX512 ? "avx512" : features & USE_AVX ? "avx" : "sse");
  return 0;
}
