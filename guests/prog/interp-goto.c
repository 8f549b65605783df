// interp-goto: an interpreter with a dispatch behind every operation: computed
// goto through a table of addresses in memory, jmp *(table,operation,8).
// kernel(n) runs n rounds of the program; results are those of interp-switch.
#include "guest.h"
#include "interp.h"
#include "kernel.h"

static struct machine machine;

// The table is filled at run time, so that the image needs no relocations for
// it, and the compiler cannot put differences in its place.
static void *labels[NOPERATIONS];

NOINLINE static void run(struct machine *m, const u32 *code) {
#define LABEL(name) labels[OP_##name] = &&do_##name;
  OPERATIONS(LABEL)
  u32 pc = 0, w;
#define NEXT                \
  do {                      \
    w = code[pc++];         \
    goto *labels[w & 0xff]; \
  } while (0)
#define STEP(name) \
  do_##name : DO_##name; \
  NEXT;
  NEXT;
  STEP(SET)
  STEP(MOVE)
  STEP(ADD)
  STEP(SUB)
  STEP(MUL)
  STEP(XOR)
  STEP(SHIFT)
  STEP(LOAD)
  STEP(STORE)
  STEP(ODD)
  STEP(LESS)
do_HALT:
  return;
}

u64 kernel(u64 n) {
  for (int i = 0; i < 256; i++) machine.memory[i] = 0;
  machine.r[0] = n;
  run(&machine, program);
  return machine.r[7] ^ machine.memory[17];
}

int guest_main(const struct value *args) { return kernel_main(args, "interp-goto", 1500000, 5, kernel); }
