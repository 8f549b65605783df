// The workloads of the guest program `locks` on the host's own threads. Its
// arguments are the workload, the number of operations, and private or shared.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// A mutex where nobody reads: that is what a program would have.
struct rwlock {
  pthread_mutex_t mutex;
  pthread_rwlock_t rw;
};
struct cond {
  pthread_cond_t cond;
};

#include "locks.h"

static int readers;

static void check(int error) {
  if (error == 0) return;
  fprintf(stderr, "%s\n", strerror(error));
  exit(1);
}

static void lock_write(struct rwlock *l) {
  check(readers ? pthread_rwlock_wrlock(&l->rw) : pthread_mutex_lock(&l->mutex));
}
static void lock_read(struct rwlock *l) { check(pthread_rwlock_rdlock(&l->rw)); }
static void unlock(struct rwlock *l) { check(pthread_rwlock_unlock(&l->rw)); }
static void unlock_write(struct rwlock *l) {
  check(readers ? pthread_rwlock_unlock(&l->rw) : pthread_mutex_unlock(&l->mutex));
}
static void cond_await(struct cond *c, struct rwlock *l) { check(pthread_cond_wait(&c->cond, &l->mutex)); }
static void cond_wake_one(struct cond *c) { check(pthread_cond_signal(&c->cond)); }

static pthread_t workers[MAX_WORKERS];
static struct {
  void (*run)(void *);
  void *argument;
} work[MAX_WORKERS];

static void *worker(void *argument) {
  long i = (long)argument;
  work[i].run(work[i].argument);
  return 0;
}

static void worker_start(int i, void (*run)(void *), void *argument) {
  work[i].run = run, work[i].argument = argument;
  check(pthread_create(&workers[i], 0, worker, (void *)(long)i));
}

static void worker_join(int i) { check(pthread_join(workers[i], 0)); }

static unsigned long clock_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ul + t.tv_nsec;
}

static void prepare(int pshared) {
  pthread_mutexattr_t m;
  pthread_rwlockattr_t r;
  pthread_condattr_t c;
  check(pthread_mutexattr_init(&m)), check(pthread_mutexattr_setpshared(&m, pshared));
  check(pthread_rwlockattr_init(&r)), check(pthread_rwlockattr_setpshared(&r, pshared));
  check(pthread_condattr_init(&c)), check(pthread_condattr_setpshared(&c, pshared));
  check(pthread_mutex_init(&the_lock.mutex, &m));
  check(pthread_rwlock_init(&the_lock.rw, &r));
  check(pthread_cond_init(&turns[0].cond, &c)), check(pthread_cond_init(&turns[1].cond, &c));
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  readers = argv[1][0] == 'r';
  prepare(strcmp(argv[3], "shared") == 0 ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE);
  unsigned long n = strtoul(argv[2], 0, 10), ns = workload(argv[1][0], n);
  if (ns == 0) return 2;
  printf("locks %s n=%lu ns=%lu\n", argv[1], n, ns);
  return 0;
}
