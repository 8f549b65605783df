// Formatted output to the descriptor that the arguments call "stdout".
#ifndef GUEST_PRINT_H
#define GUEST_PRINT_H

#include "abi.h"
#include "argument.h"

// print knows %s %c %d %u %x %l-forms of the last three, %%, and a width with
// leading zeros (%08x). A call is one write if the text has up to 1000 bytes;
// without an output descriptor it does nothing.
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

// fail writes "FAIL: " and the message to "stderr" if granted, else "stdout",
// and ends the process with exit code 1.
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define CHECK(condition) \
  do {                   \
    if (!(condition)) fail("%s:%d: %s", __FILE_NAME__, __LINE__, #condition); \
  } while (0)

// CHECK_ERRNO runs a system call once and compares its errno.
#define CHECK_ERRNO(call, expected)                                                                 \
  do {                                                                                              \
    u16 error_ = (call);                                                                            \
    if (error_ != (expected))                                                                       \
      fail("%s:%d: %s gave errno %d, not %d", __FILE_NAME__, __LINE__, #call, error_, (expected)); \
  } while (0)

void print_setup(const struct value *args);
void print_to(u32 fd);

#endif
