// The workloads of `locks`, for any platform that defines struct rwlock and
// struct cond, zero when new, and the functions below. The host's own threads run
// the same text: bench/testdata/locks.c.
enum { MAX_WORKERS = 32 };

static void lock_write(struct rwlock *l);
static void lock_read(struct rwlock *l);
static void unlock(struct rwlock *l);
static void unlock_write(struct rwlock *l);
static void cond_await(struct cond *c, struct rwlock *l);
static void cond_wake_one(struct cond *c);
static void worker_start(int i, void (*run)(void *), void *argument);
static void worker_join(int i);
static unsigned long clock_ns(void);

static struct rwlock the_lock;
static struct cond turns[2];
static volatile unsigned long shared[8];
static volatile int turn;
static unsigned long rounds, inside, outside; // per worker; lengths of pauses

// pause_for takes about n cycles or a few times that.
static void pause_for(unsigned long n) {
  for (; n > 0; n--) __asm__ volatile("" : : : "memory");
}

static void write_often(void *unused) {
  (void)unused;
  for (unsigned long i = 0; i < rounds; i++) {
    lock_write(&the_lock);
    shared[0]++;
    pause_for(inside);
    unlock_write(&the_lock);
    pause_for(outside);
  }
}

static void read_often(void *unused) {
  (void)unused;
  for (unsigned long i = 0; i < rounds; i++) {
    lock_read(&the_lock);
    unsigned long before = shared[0];
    pause_for(inside);
    if (shared[0] != before) __builtin_trap();
    unlock(&the_lock);
    pause_for(outside);
  }
}

static void take_turns(void *argument) {
  int me = argument != 0;
  for (unsigned long i = 0; i < rounds; i++) {
    lock_write(&the_lock);
    while (turn != me) cond_await(&turns[me], &the_lock);
    turn = !me;
    cond_wake_one(&turns[!me]);
    unlock_write(&the_lock);
  }
}

static void nothing(void *unused) { (void)unused; }

// run_all has n threads run and answers how long that took, in ns.
static unsigned long run_all(int n, void (*first)(void *), void (*others)(void *)) {
  unsigned long start = clock_ns();
  for (int i = 0; i < n; i++) worker_start(i, i == 0 ? first : others, i == 0 ? 0 : &the_lock);
  for (int i = 0; i < n; i++) worker_join(i);
  return clock_ns() - start;
}

// workload runs one of them, n operations in all, and answers its time in ns; 0
// for a name that is none of them:
//
//	c  create: a thread is made and joined
//	h  hand-over: two threads after one lock, which each holds for a while
//	m  many: eight threads after one lock
//	r  readers: one writer and seven readers, who hold the lock for a while
//	t  turns: two threads wake each other by condition variables
static unsigned long workload(char name, unsigned long n) {
  switch (name) {
  case 'c': {
    unsigned long ns = 0;
    for (unsigned long i = 0; i < n; i++) ns += run_all(1, nothing, nothing);
    return ns;
  }
  case 'h':
    rounds = n / 2, inside = 1000, outside = 100;
    return run_all(2, write_often, write_often);
  case 'm':
    rounds = n / 8, inside = 0, outside = 0;
    return run_all(8, write_often, write_often);
  case 'r':
    rounds = n / 8, inside = 300, outside = 300;
    return run_all(8, write_often, read_often);
  case 't':
    rounds = n / 2;
    return run_all(2, take_turns, take_turns);
  }
  return 0;
}
