// The little machine that interp-switch and interp-goto interpret: the same
// programs and the same instructions, so that only the dispatch differs.
//
// Eight registers of 64 bits, 256 words of memory. An instruction is a 32-bit
// word: operation, a, b, c, from the low byte up.
#ifndef GUEST_INTERP_H
#define GUEST_INTERP_H

#include "abi.h"

// clang-format off
#define OPERATIONS(OP) \
  OP(HALT)    /* end */ \
  OP(SET)     /* r[a] = the number b + 256*c */ \
  OP(MOVE)    /* r[a] = r[b] */ \
  OP(ADD)     /* r[a] = r[b] + r[c] */ \
  OP(SUB)     /* r[a] = r[b] - r[c] */ \
  OP(MUL)     /* r[a] = r[b] * r[c] */ \
  OP(XOR)     /* r[a] = r[b] ^ r[c] */ \
  OP(SHIFT)   /* r[a] = r[b] >> c */ \
  OP(LOAD)    /* r[a] = memory[r[b] % 256] */ \
  OP(STORE)   /* memory[r[b] % 256] = r[a] */ \
  OP(ODD)     /* if r[a] is even, go to word b */ \
  OP(LESS)    /* if r[a] < r[b], go to word c */
// clang-format on

enum {
#define OP(name) OP_##name,
  OPERATIONS(OP)
#undef OP
      NOPERATIONS,
};

#define WORD(op, a, b, c) (OP_##op | (u32)(a) << 8 | (u32)(b) << 16 | (u32)(c) << 24)

// The program fills memory with a congruential sequence and mixes it, r0 times.
// r0 is the count; r7 is the result.
static const u32 program[] = {
    /* 0 */ WORD(SET, 1, 0, 0),       // r1: round
    /* 1 */ WORD(SET, 2, 0x4d, 0x19), // r2: multiplier
    /* 2 */ WORD(SET, 3, 1, 0),       // r3: 1
    /* 3 */ WORD(SET, 7, 0x39, 0x30),
    /* 4 */ WORD(MUL, 7, 7, 2), // the loop
    /* 5 */ WORD(ADD, 7, 7, 3),
    /* 6 */ WORD(SHIFT, 4, 7, 23),
    /* 7 */ WORD(ODD, 4, 12, 0),
    /* 8 */ WORD(LOAD, 5, 4, 0),
    /* 9 */ WORD(XOR, 5, 5, 7),
    /* 10 */ WORD(STORE, 5, 4, 0),
    /* 11 */ WORD(ADD, 7, 7, 5),
    /* 12 */ WORD(SHIFT, 6, 7, 31),
    /* 13 */ WORD(ODD, 6, 17, 0),
    /* 14 */ WORD(SUB, 7, 7, 6),
    /* 15 */ WORD(MOVE, 5, 7, 0),
    /* 16 */ WORD(STORE, 5, 1, 0),
    /* 17 */ WORD(ADD, 1, 1, 3),
    /* 18 */ WORD(LESS, 1, 0, 4),
    /* 19 */ WORD(HALT, 0, 0, 0),
};

struct machine {
  u64 r[8];
  u64 memory[256];
};

#define A(word) ((word) >> 8 & 7)
#define B(word) ((word) >> 16 & 0xff)
#define C(word) ((word) >> 24)
#define R(i) (m->r[(i) & 7])

// What each operation does, given the word w; pc already points behind it.
#define DO_SET R(A(w)) = w >> 16
#define DO_MOVE R(A(w)) = R(B(w))
#define DO_ADD R(A(w)) = R(B(w)) + R(C(w))
#define DO_SUB R(A(w)) = R(B(w)) - R(C(w))
#define DO_MUL R(A(w)) = R(B(w)) * R(C(w))
#define DO_XOR R(A(w)) = R(B(w)) ^ R(C(w))
#define DO_SHIFT R(A(w)) = R(B(w)) >> (C(w) & 63)
#define DO_LOAD R(A(w)) = m->memory[R(B(w)) % 256]
#define DO_STORE m->memory[R(B(w)) % 256] = R(A(w))
#define DO_ODD \
  if (R(A(w)) % 2 == 0) pc = B(w)
#define DO_LESS \
  if (R(A(w)) < R(B(w))) pc = C(w)

#endif
