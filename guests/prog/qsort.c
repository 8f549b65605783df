// qsort: calls through a function pointer. kernel(n) sorts n elements with a
// general quicksort, in two orders, and answers a digest of both.
#include "guest.h"
#include "kernel.h"

struct element {
  u64 key, payload;
};

typedef int comparison(const void *, const void *);

enum { MAX = 1 << 18 };
static struct element elements[MAX];

static int by_key(const void *a, const void *b) {
  u64 x = ((const struct element *)a)->key, y = ((const struct element *)b)->key;
  return x < y ? -1 : x > y;
}

static int by_payload_down(const void *a, const void *b) {
  u64 x = ((const struct element *)a)->payload, y = ((const struct element *)b)->payload;
  return x > y ? -1 : x < y;
}

static void swap(u8 *a, u8 *b, size_t size) {
  for (size_t i = 0; i < size; i++) {
    u8 t = a[i];
    a[i] = b[i];
    b[i] = t;
  }
}

static void insertion_sort(u8 *a, size_t n, size_t size, comparison *compare) {
  for (size_t i = 1; i < n; i++)
    for (u8 *p = a + i * size; p > a && compare(p - size, p) > 0; p -= size) swap(p - size, p, size);
}

// sort partitions around the middle element (Hoare) and loops on the larger
// part, so the stack stays below log2(n) frames.
NOINLINE static void sort(u8 *a, size_t n, size_t size, comparison *compare) {
  while (n > 8) {
    swap(a, a + n / 2 * size, size);
    size_t i = 0, j = n;
    for (;;) {
      do i++;
      while (i < n && compare(a + i * size, a) < 0);
      do j--;
      while (compare(a, a + j * size) < 0);
      if (i >= j) break;
      swap(a + i * size, a + j * size, size);
    }
    swap(a, a + j * size, size);
    size_t right = n - j - 1;
    if (j < right) {
      sort(a, j, size, compare);
      a += (j + 1) * size;
      n = right;
    } else {
      sort(a + (j + 1) * size, right, size, compare);
      n = j;
    }
  }
  insertion_sort(a, n, size, compare);
}

static u64 digest(u64 n) {
  u64 d = 0;
  for (u64 i = 0; i < n; i++) d = d * 0x100000001b3ull ^ elements[i].key ^ elements[i].payload;
  return d;
}

u64 kernel(u64 n) {
  if (n > MAX) n = MAX;
  u64 seed = 1;
  for (u64 i = 0; i < n; i++) elements[i] = (struct element){random64(&seed) >> 40, i};
  sort((u8 *)elements, n, sizeof(elements[0]), by_key);
  for (u64 i = 1; i < n; i++)
    if (elements[i - 1].key > elements[i].key) return 0;
  u64 d = 0;
  for (u64 i = 0; i < n; i++) d = d * 0x100000001b3ull ^ elements[i].key; // equal keys come in any order
  sort((u8 *)elements, n, sizeof(elements[0]), by_payload_down);
  return d ^ digest(n);
}

int guest_main(const struct value *args) { return kernel_main(args, "qsort", 250000, 5, kernel); }
