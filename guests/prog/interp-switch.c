// interp-switch: an interpreter with one dispatch, a switch: a jump table of
// differences and one indirect jump. kernel(n) runs n rounds of the program.
#include "guest.h"
#include "interp.h"
#include "kernel.h"

static struct machine machine;

NOINLINE static void run(struct machine *m, const u32 *code) {
  for (u32 pc = 0;;) {
    u32 w = code[pc++];
    switch (w & 0xff) {
#define CASE(name) \
  case OP_##name: DO_##name; break;
      CASE(SET)
      CASE(MOVE)
      CASE(ADD)
      CASE(SUB)
      CASE(MUL)
      CASE(XOR)
      CASE(SHIFT)
      CASE(LOAD)
      CASE(STORE)
      CASE(ODD)
      CASE(LESS)
      default: return;
    }
  }
}

u64 kernel(u64 n) {
  for (int i = 0; i < 256; i++) machine.memory[i] = 0;
  machine.r[0] = n;
  run(&machine, program);
  return machine.r[7] ^ machine.memory[17];
}

int guest_main(const struct value *args) { return kernel_main(args, "interp-switch", 1500000, 5, kernel); }
