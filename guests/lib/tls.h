// Thread-local storage, variant II: the variables lie below the thread
// pointer, the 8-byte TCB at it. Code reaches both through the word at %fs:0,
// which holds the thread pointer.
#ifndef GUEST_TLS_H
#define GUEST_TLS_H

#include "abi.h"
#include "elf.h"

struct tls_image {
  const void *start;
  size_t filesz;
  size_t memsz;
  size_t align; // at least 8, so that the TCB is aligned too
  size_t below; // distance from the first variable to the thread pointer
};
extern struct tls_image tls_image;

// tls_describe fills tls_image from a PT_TLS header (or 0).
void tls_describe(const struct elf_phdr *phdr, const u8 *base);

// tls_room is the size of a buffer that tls_fill can use.
size_t tls_room(void);

// tls_fill copies the image into buffer and answers its thread pointer. It
// does not use thread-local storage itself.
void *tls_fill(u8 *buffer);

#if GENERATION <= 1
// Generations 0 and 1: the %fs base becomes the address of word, which lives
// as long as the thread.
u16 raw_thread_tcb_set(void **word);
#define tls_enter(pointer, word)  \
  do {                            \
    *(word) = (pointer);          \
    raw_thread_tcb_set(word);     \
  } while (0)
#else
// Since generation 2 the %fs base is fixed. The old TCB is the system's own
// data and moves along; then the word at %fs:0 changes.
static inline void tls_enter(void *pointer, void **word) {
  (void)word;
  u64 *old;
  __asm__ volatile("mov %%fs:0, %0" : "=r"(old));
  *(u64 *)pointer = *old;
  __asm__ volatile("mov %0, %%fs:0" : : "r"(pointer) : "memory");
}
#endif

#endif
