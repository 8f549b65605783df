// sysloop: the price of a system call. kernel(n) makes n calls and answers how
// many succeeded; the argument `call` chooses clock (clock_time_get, monotonic)
// or write (fd_write of no bytes to stdout). A second line tells the price.
#include "guest.h"
#include "kernel.h"

static int write;
static u32 out;
static u64 last, spent;

static u16 once(void) {
  size_t put;
  struct iovec nothing = {&out, 0};
  return write ? sys_fd_write(out, &nothing, 1, &put) : sys_clock_time_get(CLOCK_MONOTONIC, 0, &last);
}

u64 kernel(u64 n) {
  u64 start = now(), good = 0;
  for (u64 i = 0; i < n; i++) good += once() == 0;
  u64 ns = now() - start;
  if (ns < spent || spent == 0) spent = ns;
  return good;
}

int guest_main(const struct value *args) {
  const char *call = arg_str(args, "call", "clock");
  write = equal(call, "write");
  if (!write && !equal(call, "clock")) fail("call must be clock or write, not %s", call);
  if (write && !arg_fd(args, "stdout", &out)) fail("writing needs the argument stdout, a descriptor");
  u64 n = arg_u64(args, "n", 500000);
  if (n == 0) fail("n must be at least 1");
  if (kernel(1) != 1) fail("the call %s fails", call);
  spent = 0;
  int status = kernel_main(args, "sysloop", n, 5, kernel);
  print("sysloop call=%s ns_per_call=%lu.%02lu\n", call, spent / n, spent * 100 / n % 100);
  return status;
}
