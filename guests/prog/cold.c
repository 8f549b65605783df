// cold: 5,000 different functions, each called once per round, so that what is
// measured is how fast new code starts to run. kernel(n) makes n rounds. One
// call is the default: with several the best time is no longer that of cold code.
#include "guest.h"
#include "kernel.h"

static u64 memory[64];

// Function i is one of five forms with constants of its own.
#define FUNCTION(i)                                                        \
  NOINLINE static u64 f##i(u64 x) {                                        \
    u64 *m = &memory[i % 61];                                              \
    switch (i % 5) {                                                       \
      case 0:                                                              \
        if (x & 1 << i % 17) *m += x * (i * 2654435761u);                  \
        return x ^ *m ^ i;                                                 \
      case 1:                                                              \
        for (u32 j = 0; j < 2 + i % 3; j++) x = x * 0x5851f42d4c957f2d + i; \
        return x ^ x >> 29;                                                \
      case 2: *m ^= x << i % 13 | x >> (64 - i % 13 - 1); return *m + i;   \
      case 3:                                                              \
        if (x % 3 == i % 3) return f_mix(x + i, m);                        \
        return x - *m * i;                                                 \
      default:                                                             \
        if ((s64)x < 0 && *m > i) return x / (i | 1);                      \
        *m = x ^ i;                                                        \
        return x + (x << 7) + i;                                           \
    }                                                                      \
  }

NOINLINE static u64 f_mix(u64 x, u64 *m) {
  *m += x;
  return x ^ x >> 31 ^ *m << 11;
}

#define CALL_ONCE(i) x = f##i(x);

#define TEN(DO, i) DO(i##0) DO(i##1) DO(i##2) DO(i##3) DO(i##4) DO(i##5) DO(i##6) DO(i##7) DO(i##8) DO(i##9)
#define HUNDRED(DO, i)                                                                              \
  TEN(DO, i##0) TEN(DO, i##1) TEN(DO, i##2) TEN(DO, i##3) TEN(DO, i##4) TEN(DO, i##5) TEN(DO, i##6) \
  TEN(DO, i##7) TEN(DO, i##8) TEN(DO, i##9)

// GROUP(i) is a hundred functions and one that calls them all.
#define GROUP(i)                      \
  HUNDRED(FUNCTION, i)                \
  NOINLINE static u64 group##i(u64 x) { \
    HUNDRED(CALL_ONCE, i)             \
    return x;                         \
  }
#define CALL_GROUP(i) x = group##i(x);

// Fifty groups, 10 to 59: numbers with no leading zero, which would be octal. A
// macro is not expanded inside itself, so this cannot use TEN.
#define DECADE(DO, i) DO(i##0) DO(i##1) DO(i##2) DO(i##3) DO(i##4) DO(i##5) DO(i##6) DO(i##7) DO(i##8) DO(i##9)
#define GROUPS(DO) DECADE(DO, 1) DECADE(DO, 2) DECADE(DO, 3) DECADE(DO, 4) DECADE(DO, 5)

GROUPS(GROUP)

u64 kernel(u64 n) {
  for (int i = 0; i < 64; i++) memory[i] = (u64)i * 0x9e3779b97f4a7c15;
  u64 x = 1;
  for (u64 i = 0; i < n; i++) {
    GROUPS(CALL_GROUP)
  }
  return x;
}

int guest_main(const struct value *args) { return kernel_main(args, "cold", 1, 1, kernel); }
