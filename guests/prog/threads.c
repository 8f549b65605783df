// threads: creation and joining, contended locks, condition variables, in
// `threads` threads (default 4), each `rounds` rounds (default 20000). Prints
// one line for each part that held.
#include "guest.h"

enum { MAX_THREADS = 64 };
static struct thread threads[MAX_THREADS];
static u64 count, rounds;

static void start_all(void (*run)(void *)) {
  for (u64 i = 0; i < count; i++) CHECK_ERRNO(thread_start(&threads[i], run, (void *)i), 0);
}

static void join_all(void) {
  for (u64 i = 0; i < count; i++) thread_join(&threads[i]);
}

// --- Creation: identifiers of living threads differ, the entry gets its own,
// joining waits.

static u32 seen[MAX_THREADS];
static struct lock go;

static void record(void *argument) {
  u64 i = (u64)argument;
  lock_acquire(&go);
  lock_release(&go);
  if (i % 2 == 0) sleep_ns(1000000);
  seen[i] = self_tid;
}

static void test_create(void) {
  for (int round = 0; round < 10; round++) {
    for (u64 i = 0; i < count; i++) seen[i] = 0;
    lock_acquire(&go);
    start_all(record);
    for (u64 i = 0; i < count; i++)
      for (u64 j = 0; j < i; j++) CHECK(threads[i].tid != threads[j].tid);
    lock_release(&go);
    join_all();
    for (u64 i = 0; i < count; i++) CHECK(seen[i] == threads[i].tid && seen[i] != self_tid);
  }
  print("create ok threads=%lu\n", count * 10);
}

// --- A lock that all want: nobody is inside at the same time.

static struct lock lock;
static volatile u64 counter;
static volatile u32 inside;

static void contend(void *argument) {
  for (u64 i = 0; i < rounds; i++) {
    lock_acquire(&lock);
    CHECK(inside == 0);
    inside = self_tid;
    u64 c = counter;
    if (i % 64 == 0) sys_thread_yield();
    counter = c + 1;
    CHECK(inside == self_tid);
    inside = 0;
    lock_release(&lock);
  }
}

static void test_lock(void) {
  start_all(contend);
  join_all();
  CHECK(counter == count * rounds);
  CHECK(lock.word == LOCK_UNLOCKED);
  print("lock ok acquired=%lu\n", counter);
}

// --- A condition variable: everyone waits, one broadcast wakes all, in turns.

static struct cond gate, ready;
static u64 generation, waiting;

enum { TURNS = 50 };

static void wait_turns(void *argument) {
  for (u64 turn = 0; turn < TURNS; turn++) {
    lock_acquire(&lock);
    if (++waiting == count) cond_signal(&ready);
    while (generation == turn) cond_wait(&gate, &lock);
    CHECK(generation == turn + 1);
    lock_release(&lock);
  }
}

static void test_broadcast(void) {
  start_all(wait_turns);
  for (u64 turn = 0; turn < TURNS; turn++) {
    lock_acquire(&lock);
    while (waiting < count) cond_wait(&ready, &lock);
    CHECK(waiting == count);
    waiting = 0;
    generation++;
    cond_broadcast(&gate);
    lock_release(&lock);
  }
  join_all();
  CHECK(gate.word == CONDVAR_NO_WAITERS);
  print("broadcast ok turns=%d\n", TURNS);
}

// --- Signals: one item, one wake; every item is taken once.

static struct cond more;
static u64 items, taken;
static int closed;

static void consume(void *argument) {
  lock_acquire(&lock);
  for (;;) {
    while (items == 0 && !closed) cond_wait(&more, &lock);
    if (items == 0) break;
    items--;
    taken++;
  }
  lock_release(&lock);
}

static void test_signal(void) {
  start_all(consume);
  u64 n = rounds / 10;
  for (u64 i = 0; i < n; i++) {
    lock_acquire(&lock);
    items++;
    cond_signal(&more);
    lock_release(&lock);
  }
  lock_acquire(&lock);
  closed = 1;
  cond_broadcast(&more);
  lock_release(&lock);
  join_all();
  CHECK(taken == n && items == 0);
  print("signal ok items=%lu\n", taken);
}

// --- Timeouts: a wait that nobody ends lasts as long as its clock says, and
// the lock is held again afterwards.

static u16 wait_with_timeout(struct cond *c, struct lock *l, u64 ns, int *woken) {
  struct subscription s[2] = {{.userdata = 1, .type = EVENT_CONDVAR}, {.userdata = 2, .type = EVENT_CLOCK}};
  s[0].condvar.condvar = &c->word;
  s[0].condvar.lock = &l->word;
  s[0].condvar.condvar_scope = s[0].condvar.lock_scope = SCOPE_PRIVATE;
  s[1].clock.clock_id = CLOCK_MONOTONIC;
  s[1].clock.timeout = ns;
  struct event events[2];
  size_t n = 0;
  u16 error = sys_poll(s, events, 2, &n);
  *woken = 0;
  for (size_t i = 0; error == 0 && i < n; i++) {
    CHECK_ERRNO(events[i].error, 0);
    if (events[i].userdata == 1) *woken = 1;
  }
  return error;
}

static void test_timeout(void) {
  struct cond nobody = {CONDVAR_NO_WAITERS};
  lock_acquire(&lock);
  u64 start = now(), ns = 20 * 1000000;
  int woken;
  CHECK_ERRNO(wait_with_timeout(&nobody, &lock, ns, &woken), 0);
  u64 took = now() - start;
  CHECK(!woken && took >= ns);
  CHECK((lock.word & ~LOCK_KERNEL_MANAGED) == (self_tid | LOCK_WRLOCKED));
  lock_release(&lock);
  CHECK(lock.word == LOCK_UNLOCKED);
  CHECK(nobody.word == CONDVAR_NO_WAITERS);
  print("timeout ok\n");
}

int guest_main(const struct value *args) {
  count = arg_u64(args, "threads", 4);
  rounds = arg_u64(args, "rounds", 20000);
  if (count < 1 || count > MAX_THREADS) fail("threads must be 1 to %d, not %lu", MAX_THREADS, count);
  test_create();
  test_lock();
  test_broadcast();
  test_signal();
  test_timeout();
  print("threads ok\n");
  return 0;
}
