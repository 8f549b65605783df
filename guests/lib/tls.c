#include "tls.h"
#include "string.h"

struct tls_image tls_image;

void tls_describe(const struct elf_phdr *phdr, const u8 *base) {
  tls_image.align = 8;
  if (phdr == 0) return;
  tls_image.start = base + phdr->vaddr;
  tls_image.filesz = phdr->filesz;
  tls_image.memsz = phdr->memsz;
  if (phdr->align > 8) tls_image.align = phdr->align;
  // The linker keeps the first variable congruent to its virtual address and
  // the thread pointer aligned.
  u64 mask = (phdr->align > 1 ? phdr->align : 1) - 1;
  tls_image.below = phdr->memsz + (-(phdr->vaddr + phdr->memsz) & mask);
}

size_t tls_room(void) { return tls_image.below + tls_image.align - 1 + 8; }

void *tls_fill(u8 *buffer) {
  uintptr_t pointer = (uintptr_t)buffer + tls_image.below + tls_image.align - 1;
  pointer &= -tls_image.align;
  u8 *first = (u8 *)pointer - tls_image.below;
  memcpy(first, tls_image.start, tls_image.filesz);
  memset(first + tls_image.filesz, 0, tls_image.below - tls_image.filesz);
  return (void *)pointer;
}
