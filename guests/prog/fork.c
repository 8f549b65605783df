// fork: copies of a process. One line for each part that held.
//
//   stdout   where the report goes
//   depth    generations of children of children (4)
//   storm    children at once, and as many in a row (20)
//   memory   MiB of memory that each of the latter is a copy with (0)
//   hold     when 1: no tests, but a child and its child that live for ever, and the
//            line "holding"
//   fault    when 1: no tests, but a child that faults
#include "guest.h"
#include "process.h"

static u32 global = 11;
static _Thread_local u32 local = 22;
static u32 parent_tid;

static void *map(size_t n, u8 flags, u32 fd) {
  void *p;
  CHECK_ERRNO(sys_mem_map(0, n, PROT_READ | PROT_WRITE, flags, fd, 0, &p), 0);
  return p;
}

static void pair(u32 *a, u32 *b) { CHECK_ERRNO(sys_fd_create2(FILETYPE_SOCKET_STREAM, a, b), 0); }

static void put(u32 fd, const void *p, size_t n) {
  struct iovec v = {p, n};
  size_t done = 0;
  CHECK_ERRNO(sys_fd_write(fd, &v, 1, &done), 0);
  CHECK(done == n);
}

static size_t get(u32 fd, void *p, size_t n) {
  struct iovec v = {p, n};
  size_t done = 0;
  CHECK_ERRNO(sys_fd_read(fd, &v, 1, &done), 0);
  return done;
}

struct memory {
  u32 *own, *shared, *object;
  u32 heap;
};

static u32 change(void *argument) {
  struct memory *m = argument;
  CHECK(self_tid != parent_tid);
  CHECK(global == 11 && local == 22 && *m->own == 33 && m->heap == 44);
  global = local = m->heap = *m->own = 1;
  *m->shared = 55;
  *m->object = 66;
  return 0xdeadbeef;
}

static void test_memory(void) {
  u32 fd;
  CHECK_ERRNO(sys_fd_create1(FILETYPE_SHARED_MEMORY, &fd), 0);
  struct filestat st = {.size = 4096};
  CHECK_ERRNO(sys_file_stat_fput(fd, &st, FILESTAT_SIZE), 0);
  struct memory m = {map(4096, MAP_ANON | MAP_PRIVATE, MAP_ANON_FD), map(4096, MAP_ANON | MAP_SHARED, MAP_ANON_FD),
                     map(4096, MAP_SHARED, fd), 44};
  CHECK_ERRNO(sys_fd_close(fd), 0); // the mapping keeps the object
  *m.own = 33;
  EXPECT_END(proc_spawn(change, &m), 0, 0xdeadbeef);
  CHECK(global == 11 && local == 22 && *m.own == 33 && m.heap == 44);
  CHECK(*m.shared == 55 && *m.object == 66);
  print("memory ok\n");
}

// Pages that are hidden, read-only, or of a private mapping that was written to.
static u32 look(void *argument) {
  u32 *p = argument;
  CHECK_ERRNO(sys_mem_protect(p, 4096, PROT_READ), 0);
  return p[0] == 1 && p[1024] == 2 && p[2048] == 3 && p[3072] == 0 ? 0 : 1;
}

static void test_protection(void) {
  u32 *p = map(4 * 4096, MAP_ANON | MAP_PRIVATE, MAP_ANON_FD);
  p[0] = 1, p[1024] = 2, p[2048] = 3;
  CHECK_ERRNO(sys_mem_protect(p, 4096, 0), 0);
  CHECK_ERRNO(sys_mem_protect(p + 1024, 4096, PROT_READ), 0);
  EXPECT_END(proc_spawn(look, p), 0, 0);
  CHECK_ERRNO(sys_mem_unmap(p + 3072, 4096), 0);
  print("protection ok\n");
}

struct ends {
  u32 mine, yours;
};

static u32 talk(void *argument) {
  struct ends *e = argument;
  CHECK_ERRNO(sys_fd_close(e->mine), 0);
  u8 b[8];
  CHECK(get(e->yours, b, sizeof b) == 5 && memcmp(b, "hello", 5) == 0);
  put(e->yours, "hi", 2);
  return 0;
}

static void test_descriptors(void) {
  struct ends e;
  pair(&e.mine, &e.yours);
  u32 child = proc_spawn(talk, &e);
  struct fdstat st;
  CHECK_ERRNO(sys_fd_stat_get(child, &st), 0);
  CHECK(st.filetype == FILETYPE_PROCESS);
  CHECK_ERRNO(sys_fd_close(e.yours), 0);
  put(e.mine, "hello", 5);
  u8 b[8];
  CHECK(get(e.mine, b, sizeof b) == 2);
  CHECK(get(e.mine, b, sizeof b) == 0); // the child's is gone
  CHECK_ERRNO(sys_fd_close(e.mine), 0);
  EXPECT_END(child, 0, 0);
  print("descriptors ok\n");
}

static u32 raise(void *argument) {
  CHECK_ERRNO(sys_proc_raise(*(u8 *)argument), 0);
  return 9;
}

static u32 wait_for_ever(void *argument) {
  struct ends *e = argument;
  put(e->yours, "!", 1);
  sleep_ns(3600000000000ull);
  return 0;
}

static void test_ends(void) {
  u8 sig = SIGTERM;
  EXPECT_END(proc_spawn(raise, &sig), SIGTERM, 0);
  sig = SIGCHLD;
  EXPECT_END(proc_spawn(raise, &sig), 0, 9);
  struct ends e;
  pair(&e.mine, &e.yours);
  u32 child = proc_spawn(wait_for_ever, &e);
  CHECK_ERRNO(sys_fd_close(e.yours), 0);
  u8 b;
  CHECK(get(e.mine, &b, 1) == 1);
  struct proc_end end;
  CHECK(!proc_wait(child, 1000000, &end));
  u32 copy;
  CHECK_ERRNO(sys_fd_dup(child, &copy), 0);
  CHECK_ERRNO(sys_fd_close(child), 0);
  CHECK(!proc_wait(copy, 1000000, &end));
  CHECK_ERRNO(sys_fd_close(copy), 0); // kills it
  CHECK(get(e.mine, &b, 1) == 0);
  CHECK_ERRNO(sys_fd_close(e.mine), 0);
  print("ends ok\n");
}

static u32 descend(void *argument) {
  u32 *depth = argument;
  if (*depth == 0) return 1;
  u32 more = (*depth)--;
  EXPECT_END(proc_spawn(descend, depth), 0, more);
  return more + 1;
}

// Other threads run and write meanwhile; the child has but one.
static struct lock lock;
static u64 twice[2];
static volatile u32 stop;

static void worker(void *argument) {
  while (!stop) {
    lock_acquire(&lock);
    twice[0]++;
    twice[1]++;
    lock_release(&lock);
  }
}

static u32 alone(void *argument) {
  u64 before = *(volatile u64 *)twice;
  if (twice[0] != twice[1]) return 1;
  sleep_ns(2000000);
  return *(volatile u64 *)twice == before ? 0 : 2;
}

static void test_threads(void) {
  struct thread t[3];
  for (int i = 0; i < 3; i++) CHECK_ERRNO(thread_start(&t[i], worker, 0), 0);
  for (int i = 0; i < 5; i++) {
    lock_acquire(&lock);
    u32 child = proc_spawn(alone, 0);
    lock_release(&lock);
    EXPECT_END(child, 0, 0);
  }
  stop = 1;
  for (int i = 0; i < 3; i++) thread_join(&t[i]);
  CHECK(twice[0] == twice[1]);
  print("threads ok\n");
}

// What a C function call keeps, control words included, and in the raw form also
// the vector registers.
static u32 control(void) {
  u16 x87;
  u32 mxcsr;
  __asm__ volatile("fnstcw %0; stmxcsr %1" : "=m"(x87), "=m"(mxcsr));
  return x87 | (mxcsr & 0xffc0) << 16;
}

static void test_registers(void) {
  u16 x87 = 0x27f;      // 53 bits
  u32 mxcsr = 0x1f80 | 0x6000; // towards zero
  __asm__ volatile("fldcw %0; ldmxcsr %1" : : "m"(x87), "m"(mxcsr));
  u32 before = control(), fd, tid;
#if GENERATION < 3
  u64 in[4] = {1, 2, 3, 4}, out[4];
  u64 rax = 42, rdx = 0;
  __asm__ volatile("movups (%4), %%xmm7; movups 16(%4), %%xmm15; syscall; movups %%xmm7, (%5); movups %%xmm15, 16(%5)"
                   : "+a"(rax), "+d"(rdx), "=m"(out), "=m"(in)
                   : "r"(in), "r"(out)
                   : "rcx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm7", "xmm15", "cc", "memory");
  fd = rax, tid = rdx;
  if (memcmp(in, out, sizeof in) != 0) sys_proc_exit(3);
#else
  CHECK_ERRNO(sys_proc_fork(&fd, &tid), 0);
#endif
  u32 after = control();
  if (fd == FD_PROCESS_CHILD) sys_proc_exit(after == before ? tid != parent_tid ? 0 : 2 : 1);
  x87 = 0x37f, mxcsr = 0x1f80;
  __asm__ volatile("fldcw %0; ldmxcsr %1" : : "m"(x87), "m"(mxcsr));
  CHECK(after == before);
  EXPECT_END(fd, 0, 0);
  print("registers ok\n");
}

static u32 number(void *argument) { return *(u32 *)argument; }

static void test_storm(u32 n) {
  static u32 children[1000];
  CHECK(n <= 1000);
  for (u32 i = 0; i < n; i++) children[i] = proc_spawn(number, &i);
  for (u32 i = 0; i < n; i++) EXPECT_END(children[i], 0, i);
  u64 begin = now();
  for (u32 i = 0; i < n; i++) EXPECT_END(proc_spawn(number, &i), 0, i);
  print("storm ok children=%u ns=%lu\n", 2 * n, (now() - begin) / (n != 0 ? n : 1));
}

// A lock in memory that processes share, and a condition variable. Every process
// adds to what the lock guards.
struct meeting {
  u32 lock, cond;
  u64 sum[2];
  u32 here;
};

enum { ROUNDS = 2000, GUESTS = 3 };

static void lock_shared(u32 *word) {
  u32 free = LOCK_UNLOCKED;
  if (__atomic_compare_exchange_n(word, &free, self_tid | LOCK_WRLOCKED, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
  struct subscription in = {.type = EVENT_LOCK_WRLOCK, .lock = {.lock = word, .lock_scope = SCOPE_SHARED}};
  struct event out;
  size_t n;
  CHECK_ERRNO(sys_poll(&in, &out, 1, &n), 0);
  CHECK(n == 1 && out.error == 0);
}

static void unlock_shared(u32 *word) {
  u32 mine = self_tid | LOCK_WRLOCKED;
  if (__atomic_compare_exchange_n(word, &mine, LOCK_UNLOCKED, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) return;
  CHECK_ERRNO(sys_lock_unlock(word, SCOPE_SHARED), 0);
}

static u32 meet(void *argument) {
  struct meeting *m = argument;
  lock_shared(&m->lock);
  if (++m->here == GUESTS) CHECK_ERRNO(sys_condvar_signal(&m->cond, SCOPE_SHARED, GUESTS), 0);
  while (m->here < GUESTS) {
    struct subscription in = {.type = EVENT_CONDVAR,
                              .condvar = {.condvar = &m->cond, .lock = &m->lock, .condvar_scope = SCOPE_SHARED,
                                          .lock_scope = SCOPE_SHARED}};
    struct event out;
    size_t n;
    CHECK_ERRNO(sys_poll(&in, &out, 1, &n), 0);
    CHECK(n == 1 && out.error == 0);
  }
  unlock_shared(&m->lock);
  for (int i = 0; i < ROUNDS; i++) {
    lock_shared(&m->lock);
    CHECK(m->sum[0] == m->sum[1]);
    m->sum[0]++;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    m->sum[1]++;
    unlock_shared(&m->lock);
  }
  return 0;
}

static void test_locks(void) {
  struct meeting *m = map(4096, MAP_ANON | MAP_SHARED, MAP_ANON_FD);
  u32 children[GUESTS];
  for (int i = 0; i < GUESTS; i++) children[i] = proc_spawn(meet, m);
  for (int i = 0; i < GUESTS; i++) EXPECT_END(children[i], 0, 0);
  CHECK(m->sum[0] == GUESTS * ROUNDS && m->sum[1] == GUESTS * ROUNDS && m->lock == LOCK_UNLOCKED);
  print("locks ok\n");
}

static u32 hold(void *argument) {
  if (argument != 0) proc_spawn(hold, 0);
  for (;;) sleep_ns(3600000000000ull);
}

static NOINLINE u32 fault(void *argument) { return *(volatile u32 *)8; }

static void fill(u64 mib) {
  if (mib == 0) return;
  u8 *p = map(mib << 20, MAP_ANON | MAP_PRIVATE, MAP_ANON_FD);
  for (u64 i = 0; i < mib << 20; i += 4096) p[i] = 1;
}

int guest_main(const struct value *args) {
  if (arg_u64(args, "hold", 0) == 1) {
    proc_spawn(hold, &global);
    print("holding\n");
    hold(0);
  }
  if (arg_u64(args, "fault", 0) == 1) {
    EXPECT_END(proc_spawn(fault, 0), SIGSEGV, 0);
    print("the child has faulted\n");
    return 0;
  }
  parent_tid = process.tid;
  test_memory();
  test_protection();
  test_descriptors();
  test_ends();
  u32 depth = arg_u64(args, "depth", 4);
  CHECK(descend(&depth) == arg_u64(args, "depth", 4) + 1);
  print("depth ok\n");
  test_threads();
  test_registers();
  test_locks();
  fill(arg_u64(args, "memory", 0));
  test_storm(arg_u64(args, "storm", 20));
  print("fork ok\n");
  return 0;
}
