// tls: thread-local variables of several sizes and alignments, initialised and
// not, in several threads (`threads`, default 4) for some seconds (`seconds`,
// default 1). Every thread finds the initial values first, then keeps changing
// its own copies through functions that are not inlined and checks each value.
#include "guest.h"
#include "tls.h"

struct odd {
  u8 bytes[13];
};

// External linkage, so that a build with -fPIC uses the general model.
#ifdef __PIC__
#define PUBLIC __attribute__((visibility("default")))
#else
#define PUBLIC
#endif

PUBLIC _Thread_local u8 byte = 0x5a;
PUBLIC _Thread_local u16 half = 0x1234;
PUBLIC _Thread_local u32 word = 0xdeadbeef;
PUBLIC _Thread_local u64 quad = 0x0123456789abcdef;
PUBLIC _Thread_local double real = 1.5;
PUBLIC _Thread_local struct odd odd = {"thirteen byte"};
PUBLIC _Thread_local u8 aligned[32] ALIGNED(64) = {9, 8, 7};
PUBLIC _Thread_local u64 zero;
PUBLIC _Thread_local u32 large[256] ALIGNED(16);
static _Thread_local u64 local = 77;

NOINLINE static u8 *byte_at(void) { return &byte; }
NOINLINE static u16 *half_at(void) { return &half; }
NOINLINE static u32 *word_at(void) { return &word; }
NOINLINE static u64 *quad_at(void) { return &quad; }
NOINLINE static double *real_at(void) { return &real; }
NOINLINE static struct odd *odd_at(void) { return &odd; }
NOINLINE static u8 *aligned_at(void) { return aligned; }
NOINLINE static u64 *zero_at(void) { return &zero; }
NOINLINE static u32 *large_at(u32 i) { return &large[i % 256]; }
NOINLINE static u64 next_quad(u64 by) { return quad += by; }
NOINLINE static u64 next_local(u64 by) { return local = local * 3 + by; }

NOINLINE static void spread(u8 *to, u64 v) {
  for (int i = 0; i < 24; i++) to[i] = (u8)(v >> i);
}

// check_stack has a local array whose address leaves the function: built with
// -fsanitize=safe-stack it lies on the unsafe stack, whose pointer is
// thread-local too.
NOINLINE static void check_stack(u64 v) {
  u8 local_bytes[24];
  spread(local_bytes, v);
  for (int i = 0; i < 24; i++) CHECK(local_bytes[i] == (u8)(v >> i));
}

static void check_initial(void) {
  CHECK(*byte_at() == 0x5a && *half_at() == 0x1234 && *word_at() == 0xdeadbeef);
  CHECK(*quad_at() == 0x0123456789abcdef && *real_at() == 1.5 && local == 77);
  CHECK(memcmp(odd_at()->bytes, "thirteen byte", 13) == 0);
  CHECK(aligned_at()[0] == 9 && aligned_at()[2] == 7 && aligned_at()[31] == 0);
  CHECK(*zero_at() == 0);
  for (u32 i = 0; i < 256; i++) CHECK(*large_at(i) == 0);
}

static void check_places(void) {
  CHECK((u64)half_at() % 2 == 0 && (u64)word_at() % 4 == 0 && (u64)quad_at() % 8 == 0);
  CHECK((u64)real_at() % 8 == 0 && (u64)aligned_at() % 64 == 0 && (u64)large_at(0) % 16 == 0);
  void **fs0;
  __asm__("mov %%fs:0, %0" : "=r"(fs0));
  CHECK((u8 *)fs0 > (u8 *)aligned_at() && (u64)((u8 *)fs0 - (u8 *)aligned_at()) <= tls_image.below);
}

// trip number i of thread t sets every variable and finds every one as it was.
static void trip(u64 t, u64 i) {
  u64 v = (i << 8 | t) * 0x9e3779b97f4a7c15;
  *byte_at() = (u8)v;
  *half_at() = (u16)v;
  *word_at() = (u32)v;
  *quad_at() = v;
  *real_at() = (double)(u32)v;
  for (int k = 0; k < 13; k++) odd_at()->bytes[k] = (u8)(v >> k);
  for (int k = 0; k < 32; k++) aligned_at()[k] = (u8)(v >> k);
  *zero_at() += t + 1;
  *large_at((u32)i) += (u32)t + 1;
  u64 before = local;
  check_stack(v);

  CHECK(*byte_at() == (u8)v && *half_at() == (u16)v && *word_at() == (u32)v);
  CHECK(next_quad(5) == v + 5 && *quad_at() == v + 5);
  CHECK(*real_at() == (double)(u32)v);
  for (int k = 0; k < 13; k++) CHECK(odd_at()->bytes[k] == (u8)(v >> k));
  for (int k = 0; k < 32; k++) CHECK(aligned_at()[k] == (u8)(v >> k));
  CHECK(*zero_at() == (t + 1) * (i + 1));
  CHECK(*large_at((u32)i) == (u32)((t + 1) * (i / 256 + 1)));
  CHECK(next_local(t) == before * 3 + t && local == before * 3 + t);
}

struct job {
  struct thread thread;
  u64 number, seconds, trips;
  void *place;
};

static void run(void *argument) {
  struct job *job = argument;
  check_initial();
  check_places();
  job->place = quad_at();
  u64 end = now() + job->seconds * 1000000000;
  do {
    for (int k = 0; k < 1000; k++) trip(job->number, job->trips++);
    CHECK(quad_at() == job->place);
  } while (now() < end);
}

enum { MAX_THREADS = 256 };
static struct job jobs[MAX_THREADS];

int guest_main(const struct value *args) {
  u64 threads = arg_u64(args, "threads", 4), seconds = arg_u64(args, "seconds", 1);
  if (threads > MAX_THREADS) fail("threads must be at most %d", MAX_THREADS);
  check_initial();
  check_places();
  for (u64 i = 0; i < threads; i++) {
    jobs[i].number = i;
    jobs[i].seconds = seconds;
    CHECK_ERRNO(thread_start(&jobs[i].thread, run, &jobs[i]), 0);
  }
  u64 trips = 0;
  for (u64 i = 0; i < threads; i++) {
    thread_join(&jobs[i].thread);
    trips += jobs[i].trips;
    CHECK(jobs[i].place != quad_at());
  }
  check_initial(); // this thread changed nothing
  print("tls ok threads=%lu trips=%lu\n", threads, trips);
  return 0;
}
