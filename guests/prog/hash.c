// hash: data-dependent branches and cache misses. kernel(n) inserts, finds and
// removes n keys each in an open-addressing table.
#include "guest.h"
#include "kernel.h"

// Linear probing; key 0 marks a free slot. There are half as many different
// keys as slots.
enum { BITS = 18, SLOTS = 1 << BITS };
static struct slot {
  u64 key, value;
} slots[SLOTS];

static u64 home(u64 key) { return key * 0x9e3779b97f4a7c15ull >> (64 - BITS); }

static u64 some_key(u64 *seed) { return random64(seed) >> (64 - BITS) | 1; }

static u64 next(u64 i) { return (i + 1) & (SLOTS - 1); }

NOINLINE static struct slot *find(u64 key) {
  u64 i = home(key);
  while (slots[i].key != key && slots[i].key != 0) i = next(i);
  return &slots[i];
}

// take removes a slot and moves those up that would be unreachable behind it.
static void take(struct slot *s) {
  u64 hole = (u64)(s - slots);
  for (u64 i = next(hole); slots[i].key != 0; i = next(i)) {
    u64 from = home(slots[i].key);
    if (((i - from) & (SLOTS - 1)) < ((i - hole) & (SLOTS - 1))) continue;
    slots[hole] = slots[i];
    hole = i;
  }
  slots[hole].key = 0;
}

u64 kernel(u64 n) {
  for (u64 i = 0; i < SLOTS; i++) slots[i].key = 0;
  u64 seed = 11, sum = 0;
  for (u64 i = 0; i < n; i++) {
    u64 key = some_key(&seed);
    struct slot *s = find(key);
    if (s->key == 0) *s = (struct slot){key, 0};
    s->value += i;
  }
  for (u64 i = 0; i < n; i++) {
    struct slot *s = find(some_key(&seed));
    if (s->key != 0) sum = sum * 3 + s->value;
  }
  for (u64 i = 0; i < n; i++) {
    struct slot *s = find(some_key(&seed));
    if (s->key == 0) continue;
    sum = sum * 5 + s->value;
    take(s);
  }
  return sum;
}

int guest_main(const struct value *args) { return kernel_main(args, "hash", 2500000, 5, kernel); }
