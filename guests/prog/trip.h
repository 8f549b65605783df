// Everything a thread's registers hold, as trip.S loads and stores it.
#ifndef GUEST_TRIP_H
#define GUEST_TRIP_H

#include "abi.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, NGPR };

struct state {
  u64 gpr[NGPR]; // but rsp
  u64 flags;
  u32 mxcsr;
  u16 control; // x87
  u16 unused;
  u8 x87[8][16]; // 10 bytes each; [0] is the top
  u64 mask[8];   // k0 to k7
  u64 below[16]; // the 128 bytes below rsp
  u64 fill[6];
  u64 vector[32][8] __attribute__((aligned(64)));
};
_Static_assert(offsetof(struct state, mask) == 272 && offsetof(struct state, vector) == 512, "as in trip.S");

// What to load and store besides general registers, flags, mxcsr and the x87
// control word; xmm0 to 15 always.
enum { USE_AVX = 1, USE_AVX512 = 2, USE_X87 = 4 };

// Each loads in, makes its trip and stores out. The trips are
//
//	trip_syscall  the instruction syscall (generations 0 to 2)
//	trip_call     call target (generation 3); the x87 stack is empty and stays so
//	trip_jump     jmp to target, which must come back by jmp *8(%rsp)
void trip_syscall(const struct state *in, struct state *out, u64 use, void *target);
void trip_call(const struct state *in, struct state *out, u64 use, void *target);
void trip_jump(const struct state *in, struct state *out, u64 use, void *target);

#endif
