// What the program calls and package runtime/internal/calltest agree on.
#ifndef GUEST_CALLSCRIPT_H
#define GUEST_CALLSCRIPT_H

enum {
  OP_CALL = 1,
  OP_POKE = 2,
  OP_CMP = 3,
  OP_STORE = 4,
  OP_LOAD = 5,
  OP_SET = 6,
  OP_CHECK = 7,
  OP_SPIN = 8,
  OP_THREAD = 9,
  OP_WAIT = 10,
  OP_JUMP = 11,
  OP_FORGET = 12,
};

enum { CALL_RAW = 1, CALL_NARROW = 2 }; // NARROW << i: result i has 4 bytes

enum { REL_EQ = 0, REL_NE = 1, REL_BELOW = 2, REL_ATMOST = 3, REL_ALLBITS = 4, REL_NOBITS = 5 };

// Registers: always 0; bases of the vDSO and the image; the thread's own
// identifier and stack; the vDSO's thread_exit; identifiers of started threads;
// variables of all threads, and of each thread its own.
enum {
  REG_VDSO = 1,
  REG_IMAGE = 2,
  REG_TID = 3,
  REG_STACK = 4,
  REG_EXIT = 5,
  REG_TIDS = 8,
  REG_OWN = 48,
  REGISTERS = 64,
};
enum { NUMBER_THREAD_EXIT = 54 };
enum { THREADS = 8 };

// Memory of a case, at fixed addresses. The page after the scratch memory is not
// mapped, nor is what follows the last page.
#define SCRATCH 0x10000000ull
enum { SCRATCH_SIZE = 0x10000, AREA_SIZE = 0x40000 };
#define PAGE_READ (SCRATCH + 0x11000)
#define PAGE_NONE (SCRATCH + 0x12000)
#define PAGE_EXEC (SCRATCH + 0x13000)

// The first descriptor of a case.
enum { FIRST_FD = 256 };

enum { RECORD_BEGIN = 1, RECORD_FAIL = 2, RECORD_DONE = 3 };
enum { EXIT_FAIL = 3, EXIT_NO_REPORT = 4 };

// What a failed CALL or SPIN found.
enum { WHAT_ERRNO = 0, WHAT_RAX = 1, WHAT_OVERRUN = 2, WHAT_PATIENCE = 3, WHAT_SCRIPT = 4 };

#endif
