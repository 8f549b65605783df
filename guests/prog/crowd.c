// crowd: many threads, and threads at the end of the process. The argument `how`
// says what to do (default churn):
//
//   churn  starts and joins `threads` threads (default 2000), 40 at a time
//   limit  starts threads until the system refuses, at most `threads`, joins them,
//          and starts one more
//   leave  the initial thread exits while others live on
//   exit   the process exits while its threads block or spin, each in its own way
//   entry  starts a thread where there is no code
//   stack  starts a thread whose stack is too small for a call
#include "guest.h"

enum { MAX_THREADS = 5000, WAVE = 40 };
static struct thread threads[MAX_THREADS];
static u64 count;

// --- Attributes that make no sense are refused, and leave nothing behind.

static void nothing(u32 tid, void *argument) {}

static void test_attributes(void) {
  void *page;
  CHECK_ERRNO(sys_mem_map(0, 8192, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE, MAP_ANON_FD, 0, &page), 0);
  CHECK_ERRNO(sys_mem_protect((u8 *)page + 4096, 4096, PROT_READ), 0);
  static const struct {
    s64 stack; // from page on
    size_t len;
    u16 want;
  } tests[] = {
      {0, 0, EINVAL},          {0, 31, EINVAL},           {0, 8192, EFAULT},     {4096, 4096, EFAULT},
      {-4096, 4096 + 16, EFAULT}, {16, ~(size_t)0, EFAULT}, {0, 1ul << 40, EFAULT}, {0, 1ul << 63, EFAULT},
  };
  u32 tid;
  for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
    struct threadattr a = {nothing, (u8 *)page + tests[i].stack, tests[i].len, 0};
    CHECK_ERRNO(sys_thread_create(&a, &tid), tests[i].want);
  }
  struct threadattr good = {nothing, page, 4096, 0};
  CHECK_ERRNO(sys_thread_create(0, &tid), EFAULT);
  CHECK_ERRNO(sys_thread_create((struct threadattr *)((u8 *)page + 8192 - 8), &tid), EFAULT);
  CHECK_ERRNO(sys_thread_create(&good, (u32 *)((u8 *)page + 4096)), EFAULT);
  CHECK_ERRNO(sys_mem_unmap(page, 8192), 0);
  print("attributes ok\n");
}

// --- Thousands come and go.

static u64 done;

static void add_one(void *argument) { __atomic_fetch_add(&done, 1, __ATOMIC_RELAXED); }

static void churn(void) {
  test_attributes();
  for (u64 i = 0; i < count; i += WAVE) {
    for (u64 j = 0; j < WAVE; j++) CHECK_ERRNO(thread_start(&threads[j], add_one, 0), 0);
    for (u64 j = 0; j < WAVE; j++) thread_join(&threads[j]);
  }
  CHECK(done == (count + WAVE - 1) / WAVE * WAVE);
  print("churn ok threads=%lu\n", done);
}

// --- As many as the system gives.

static struct lock gate;

static void pass(void *argument) {
  lock_acquire(&gate);
  lock_release(&gate);
  add_one(0);
}

static void limit(void) {
  for (int round = 0; round < 2; round++) { // what ended counts no more
    done = 0;
    u64 n = 0;
    u16 error = 0;
    lock_acquire(&gate);
    while (n < count && (error = thread_start(&threads[n], pass, 0)) == 0) n++;
    if (error != 0) CHECK_ERRNO(error, EAGAIN);
    lock_release(&gate);
    for (u64 i = 0; i < n; i++) thread_join(&threads[i]);
    CHECK(done == n);
    print("limit round=%d refused=%d threads=%lu\n", round, error == EAGAIN, n);
  }
  CHECK_ERRNO(thread_start(&threads[0], add_one, 0), 0);
  thread_join(&threads[0]);
}

// --- The initial thread leaves first.

static void outlive(void *argument) {
  sleep_ns(20000000);
  if (__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST) == count) print("leave ok threads=%lu\n", count);
}

static void leave(void) {
  static struct lock never;
  for (u64 i = 0; i < count; i++) CHECK_ERRNO(thread_start(&threads[i], outlive, 0), 0);
  never.word = self_tid | LOCK_WRLOCKED;
  sys_thread_exit(&never.word, SCOPE_PRIVATE);
  fail("the initial thread goes on");
}

// --- The process exits under its threads.

static struct lock held;
static struct cond nobody;
static u32 ends[2];

static void do_lock(void *argument) { lock_acquire(&held); }
static void do_join(void *argument) { thread_join(argument); }
static void do_sleep(void *argument) { sleep_ns(~0ul >> 1); }
static void do_wait(void *argument) {
  static struct lock own;
  lock_acquire(&own);
  for (;;) cond_wait(&nobody, &own);
}
static void do_read(void *argument) {
  u8 byte;
  struct iovec v = {&byte, 1};
  size_t n;
  fail("read: errno %d", sys_fd_read(ends[0], &v, 1, &n));
}
static void do_poll(void *argument) {
  struct subscription s = {.type = EVENT_FD_READ, .fd_readwrite = {ends[0], 0}};
  struct event e;
  size_t n;
  fail("poll: errno %d", sys_poll(&s, &e, 1, &n));
}
static void do_poll_nothing(void *argument) {
  size_t n;
  fail("poll of nothing: errno %d", sys_poll(0, 0, 0, &n));
}
static void do_spin(void *argument) {
  for (;;) __asm__ volatile("");
}
static void do_yield(void *argument) {
  for (;;) sys_thread_yield();
}
static void do_start(void *argument) {
  for (u64 i = 100;; i = i == 1000 ? 100 : i + 1) {
    u16 error = thread_start(&threads[i], add_one, 0);
    if (error == 0) thread_join(&threads[i]);
  }
}

static void leave_behind(void) {
  static void (*const how[])(void *) = {do_lock,         do_join, do_sleep, do_wait, do_read, do_poll,
                                        do_poll_nothing, do_spin, do_yield, do_start};
  CHECK_ERRNO(sys_fd_create2(FILETYPE_SOCKET_STREAM, &ends[0], &ends[1]), 0);
  lock_acquire(&held);
  for (u64 i = 0; i < sizeof(how) / sizeof(how[0]); i++)
    CHECK_ERRNO(thread_start(&threads[i], how[i], &threads[0]), 0);
  sleep_ns(20000000);
  print("exit now\n");
  sys_proc_exit(3);
  fail("the process goes on");
}

// --- Threads that cannot run.

static void fault(void *entry, u8 *stack, size_t len) {
  struct threadattr a = {(void (*)(u32, void *))entry, stack, len, 0};
  u32 tid;
  CHECK_ERRNO(sys_thread_create(&a, &tid), 0);
  sleep_ns(~0ul >> 1);
}

static void needs_stack(u32 tid, void *argument) {
  volatile u8 room[256];
  room[0] = 1;
  sys_thread_exit((u32 *)room, SCOPE_PRIVATE);
}

int guest_main(const struct value *args) {
  const char *how = arg_str(args, "how", "churn");
  count = arg_u64(args, "threads", 2000);
  if (count < 1 || count > MAX_THREADS) fail("threads must be 1 to %d, not %lu", MAX_THREADS, count);
  void *pages;
  CHECK_ERRNO(sys_mem_map(0, 8192, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE, MAP_ANON_FD, 0, &pages), 0);
  CHECK_ERRNO(sys_mem_protect(pages, 4096, 0), 0);
  u8 *page = (u8 *)pages + 4096;
  if (equal(how, "churn")) churn();
  else if (equal(how, "limit")) limit();
  else if (equal(how, "leave")) leave();
  else if (equal(how, "exit")) leave_behind();
  else if (equal(how, "entry")) fault((void *)0x10, page, 4096);
  else if (equal(how, "stack")) fault(needs_stack, page, 64);
  else fail("how is one of churn, limit, leave, exit, entry, stack, not %s", how);
  return 0;
}
