#include "guest.h"

static u64 read_clock(u32 clock) {
  u64 t = 0;
  u16 error = sys_clock_time_get(clock, 0, &t);
  if (error != 0) fail("clock_time_get: errno %d", error);
  return t;
}

u64 now(void) { return read_clock(CLOCK_MONOTONIC); }

u64 cpu_time(void) { return read_clock(CLOCK_THREAD); }

void sleep_ns(u64 ns) {
  struct subscription s = {.type = EVENT_CLOCK};
  s.clock.clock_id = CLOCK_MONOTONIC;
  s.clock.timeout = ns;
  struct event event;
  size_t n = 0;
  u16 error = sys_poll(&s, &event, 1, &n);
  if (error != 0 || n != 1 || event.error != 0) fail("poll for a clock: errno %d", error ? error : event.error);
}
