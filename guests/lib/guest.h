// Everything a guest program includes.
//
// A program defines guest_main; its result is the exit code. Start-up has then
// relocated the image, linked the system calls and set up thread-local storage.
#ifndef GUEST_H
#define GUEST_H

#include "abi.h"
#include "argument.h"
#include "calls.h"
#include "print.h"
#include "string.h"
#include "thread.h"

#ifndef GENERATION
#error "GENERATION must be 0 to 3"
#endif

#define NOINLINE __attribute__((noinline))
#define ALIGNED(n) __attribute__((aligned(n)))

// What start-up learnt from the auxiliary vector.
struct process {
  const u8 *base;  // where virtual address 0 of the image lies
  u32 ncpus;
  u32 pagesz;
  u32 tid;          // of the initial thread
  const void *vdso; // 0 without one
};
extern struct process process;

int guest_main(const struct value *args);

// now answers the monotonic clock in nanoseconds.
u64 now(void);
// cpu_time answers how long the calling thread has run, in nanoseconds.
u64 cpu_time(void);

// sleep_ns blocks the calling thread through poll.
void sleep_ns(u64 ns);

#endif
