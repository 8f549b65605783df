// locks: what contended locks, condition variables and new threads cost. Runs the
// workload `workload` (a letter: see locks.h) with `n` operations, its locks being
// of scope `scope`, private (the default) or shared, and prints
//
//   locks WORKLOAD n=N ns=NS
//
// Fast paths are those of the C library: one attempt, then the kernel.
#include "guest.h"

struct rwlock {
  u32 word;
};

#include "locks.h"

static u8 scope = SCOPE_PRIVATE;
static _Thread_local u32 reading; // read locks that the thread has

static int swap(u32 *word, u32 *from, u32 to) {
  return __atomic_compare_exchange_n(word, from, to, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static void wait_for(struct subscription *s) {
  struct event event;
  size_t n;
  u16 error = sys_poll(s, &event, 1, &n);
  if (error != 0 || n != 1 || event.error != 0) fail("poll: errno %d, %d", error, event.error);
}

static void wait_for_lock(struct rwlock *l, u8 type) {
  struct subscription s = {.type = type};
  s.lock.lock = &l->word;
  s.lock.lock_scope = scope;
  wait_for(&s);
}

static void lock_write(struct rwlock *l) {
  u32 old = LOCK_UNLOCKED;
  if (!swap(&l->word, &old, self_tid | LOCK_WRLOCKED)) wait_for_lock(l, EVENT_LOCK_WRLOCK);
}

static void lock_read(struct rwlock *l) {
  u32 old = LOCK_UNLOCKED;
  while (!swap(&l->word, &old, old + 1)) {
    if ((old & LOCK_WRLOCKED) != 0 || ((old & LOCK_KERNEL_MANAGED) != 0 && reading == 0)) {
      wait_for_lock(l, EVENT_LOCK_RDLOCK);
      break;
    }
  }
  reading++;
}

static void unlock_by_kernel(struct rwlock *l) {
  u16 error = sys_lock_unlock(&l->word, scope);
  if (error != 0) fail("lock_unlock: errno %d", error);
}

static void unlock_write(struct rwlock *l) {
  u32 old = self_tid | LOCK_WRLOCKED;
  if (!swap(&l->word, &old, LOCK_UNLOCKED)) unlock_by_kernel(l);
}

static void unlock(struct rwlock *l) {
  reading--;
  u32 old = __atomic_load_n(&l->word, __ATOMIC_RELAXED);
  for (;;) {
    int last = old == (1 | LOCK_KERNEL_MANAGED);
    if (swap(&l->word, &old, last ? self_tid | LOCK_WRLOCKED | LOCK_KERNEL_MANAGED : old - 1)) {
      if (last) unlock_by_kernel(l);
      return;
    }
  }
}

static void cond_await(struct cond *c, struct rwlock *l) {
  struct subscription s = {.type = EVENT_CONDVAR};
  s.condvar.condvar = &c->word;
  s.condvar.lock = &l->word;
  s.condvar.condvar_scope = s.condvar.lock_scope = scope;
  wait_for(&s);
}

static void cond_wake_one(struct cond *c) {
  if (__atomic_load_n(&c->word, __ATOMIC_RELAXED) == CONDVAR_NO_WAITERS) return;
  u16 error = sys_condvar_signal(&c->word, scope, 1);
  if (error != 0) fail("condvar_signal: errno %d", error);
}

static struct thread workers[MAX_WORKERS];

static void worker_start(int i, void (*run)(void *), void *argument) {
  u16 error = thread_start(&workers[i], run, argument);
  if (error != 0) fail("thread_create: errno %d", error);
}

static void worker_join(int i) { thread_join(&workers[i]); }

static unsigned long clock_ns(void) { return now(); }

int guest_main(const struct value *args) {
  const char *name = arg_str(args, "workload", "m");
  u64 n = arg_u64(args, "n", 100000);
  const char *in = arg_str(args, "scope", "private");
  if (equal(in, "shared")) scope = SCOPE_SHARED;
  else if (!equal(in, "private")) fail("scope must be private or shared, not %s", in);
  u64 ns = workload(name[0], n);
  if (ns == 0) fail("there is no workload %s", name);
  if (the_lock.word != LOCK_UNLOCKED) fail("at the end the lock word is %x", the_lock.word);
  print("locks %s n=%lu ns=%lu\n", name, n, ns);
  return 0;
}
