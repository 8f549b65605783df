// memcpy: string instructions and vector loads. kernel(n) makes n rounds of
// copies of 16 bytes to 256 KiB, with rep movsb and with 16-byte moves, at
// changing alignments, and answers a digest of the last state.
#include <emmintrin.h>

#include "guest.h"
#include "kernel.h"

enum { SIZE = 512 * 1024 };
static u8 from[SIZE] ALIGNED(64), to[SIZE] ALIGNED(64);

static void copy_string(u8 *t, const u8 *f, size_t n) {
  __asm__ volatile("rep movsb" : "+D"(t), "+S"(f), "+c"(n) : : "memory");
}

// copy_vector needs n to be a multiple of 16.
NOINLINE static void copy_vector(u8 *t, const u8 *f, size_t n) {
  for (size_t i = 0; i < n; i += 16) _mm_storeu_si128((__m128i *)(t + i), _mm_loadu_si128((const __m128i *)(f + i)));
}

u64 kernel(u64 n) {
  u64 seed = 3;
  for (size_t i = 0; i < SIZE; i += 8) {
    *(u64 *)(from + i) = random64(&seed);
    *(u64 *)(to + i) = 0;
  }
  for (u64 round = 0; round < n; round++) {
    for (size_t size = 16; size <= 256 * 1024; size *= 4) {
      // Small copies more often, so that each size moves some bytes.
      for (size_t i = 0; i < 65536 / size + 1; i++) {
        u64 r = random64(&seed);
        copy_string(to + (r & 0xffff), from + (r >> 16 & 0xffff), size);
        copy_vector(to + (r >> 32 & 0xffff), from + (r >> 48), size);
      }
    }
    from[round % SIZE] ^= to[round * 7 % SIZE];
  }
  u64 digest = 0;
  for (size_t i = 0; i < SIZE; i += 8) digest = digest * 0x100000001b3ull ^ *(u64 *)(to + i);
  return digest;
}

int guest_main(const struct value *args) { return kernel_main(args, "memcpy", 600, 5, kernel); }
