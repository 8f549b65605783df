// Threads, the ABI's user-space lock and its condition variable.
#ifndef GUEST_THREAD_H
#define GUEST_THREAD_H

#include "abi.h"

extern _Thread_local u32 self_tid;

#ifdef SAFESTACK
extern _Thread_local void *__safestack_unsafe_stack_ptr;
#endif

// A lock is one word: 0, or LOCK_WRLOCKED and the owner's identifier, with
// LOCK_KERNEL_MANAGED set while others wait in the kernel.
struct lock {
  u32 word;
};
int lock_try(struct lock *l);
void lock_acquire(struct lock *l);
void lock_release(struct lock *l);

// How often lock_acquire and lock_release had to call the kernel.
extern u64 lock_slow_acquires, lock_slow_releases;

struct cond {
  u32 word;
};
void cond_wait(struct cond *c, struct lock *l);
void cond_signal(struct cond *c);
void cond_broadcast(struct cond *c);

// A thread's descriptor belongs to its creator and must outlive the join.
struct thread {
  struct lock join; // held by the thread until its end
  u32 tid;
  void *stack;
  void *unsafe_stack;
  void (*run)(void *);
  void *argument;
};
u16 thread_start(struct thread *t, void (*run)(void *), void *argument);
void thread_join(struct thread *t);

#endif
