#include "guest.h"
#include "tls.h"

_Thread_local u32 self_tid;

#ifdef SAFESTACK
_Thread_local void *__safestack_unsafe_stack_ptr;
#endif

u64 lock_slow_acquires, lock_slow_releases;

static int swap(u32 *word, u32 from, u32 to, int order) {
  return __atomic_compare_exchange_n(word, &from, to, 0, order, __ATOMIC_RELAXED);
}

int lock_try(struct lock *l) { return swap(&l->word, LOCK_UNLOCKED, self_tid | LOCK_WRLOCKED, __ATOMIC_ACQUIRE); }

static void wait_for(struct subscription *s) {
  struct event event;
  size_t n = 0;
  u16 error = sys_poll(s, &event, 1, &n);
  if (error != 0) fail("poll for type %d: errno %d", s->type, error);
  if (n != 1 || event.type != s->type || event.userdata != s->userdata || event.error != 0)
    fail("poll for type %d: %d events, type %d, errno %d", s->type, (int)n, event.type, event.error);
}

void lock_acquire(struct lock *l) {
  for (int i = 0; i < 16; i++)
    if (lock_try(l)) return;
  __atomic_fetch_add(&lock_slow_acquires, 1, __ATOMIC_RELAXED);
  struct subscription s = {.userdata = (u64)l ^ self_tid, .type = EVENT_LOCK_WRLOCK};
  s.lock.lock = &l->word;
  s.lock.lock_scope = SCOPE_PRIVATE;
  wait_for(&s);
  u32 owner = __atomic_load_n(&l->word, __ATOMIC_RELAXED) & ~LOCK_KERNEL_MANAGED;
  if (owner != (self_tid | LOCK_WRLOCKED)) fail("lock word %x after acquiring it as %x", owner, self_tid);
}

void lock_release(struct lock *l) {
  if (swap(&l->word, self_tid | LOCK_WRLOCKED, LOCK_UNLOCKED, __ATOMIC_RELEASE)) return;
  __atomic_fetch_add(&lock_slow_releases, 1, __ATOMIC_RELAXED);
  u16 error = sys_lock_unlock(&l->word, SCOPE_PRIVATE);
  if (error != 0) fail("lock_unlock: errno %d", error);
}

void cond_wait(struct cond *c, struct lock *l) {
  struct subscription s = {.userdata = (u64)c ^ self_tid, .type = EVENT_CONDVAR};
  s.condvar.condvar = &c->word;
  s.condvar.lock = &l->word;
  s.condvar.condvar_scope = SCOPE_PRIVATE;
  s.condvar.lock_scope = SCOPE_PRIVATE;
  wait_for(&s);
}

static void wake(struct cond *c, u32 n) {
  if (__atomic_load_n(&c->word, __ATOMIC_RELAXED) == CONDVAR_NO_WAITERS) return;
  u16 error = sys_condvar_signal(&c->word, SCOPE_PRIVATE, n);
  if (error != 0) fail("condvar_signal: errno %d", error);
}

void cond_signal(struct cond *c) { wake(c, 1); }
void cond_broadcast(struct cond *c) { wake(c, 0xffffffff); }

enum { STACK = 64 * 1024 };

// Creator and thread both replace LOCK_BOGUS in the join lock: whichever comes
// first knows the identifier.
static void own_join_lock(struct thread *t, u32 tid) {
  swap(&t->join.word, LOCK_BOGUS, tid | LOCK_WRLOCKED, __ATOMIC_ACQUIRE);
}

static void thread_entry(u32 tid, void *argument) {
  struct thread *t = argument;
  u8 room[tls_room()];
  void *word;
  tls_enter(tls_fill(room), &word);
  self_tid = tid;
#ifdef SAFESTACK
  __safestack_unsafe_stack_ptr = (u8 *)t->unsafe_stack + STACK;
#endif
  own_join_lock(t, tid);
  t->run(t->argument);
  sys_thread_exit(&t->join.word, SCOPE_PRIVATE);
  __builtin_trap();
}

static u16 map_stack(void **stack) {
  return sys_mem_map(0, STACK, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE, MAP_ANON_FD, 0, stack);
}

static void unmap_stack(void *stack) {
  u16 error = stack == 0 ? 0 : sys_mem_unmap(stack, STACK);
  if (error != 0) fail("mem_unmap of a stack: errno %d", error);
}

u16 thread_start(struct thread *t, void (*run)(void *), void *argument) {
  *t = (struct thread){.join = {LOCK_BOGUS}, .run = run, .argument = argument};
  u16 error = map_stack(&t->stack);
#ifdef SAFESTACK
  if (error == 0) error = map_stack(&t->unsafe_stack);
#endif
  if (error != 0) return error;
  struct threadattr attr = {thread_entry, t->stack, STACK, t};
  u32 tid = 0;
  error = sys_thread_create(&attr, &tid);
  if (error != 0) {
    unmap_stack(t->stack);
    unmap_stack(t->unsafe_stack);
    return error;
  }
  if (tid == 0 || tid >= LOCK_WRLOCKED) fail("thread_create answered identifier %x", tid);
  t->tid = tid;
  own_join_lock(t, tid);
  return 0;
}

void thread_join(struct thread *t) {
  lock_acquire(&t->join);
  lock_release(&t->join);
  unmap_stack(t->stack);
  unmap_stack(t->unsafe_stack);
}
