// System calls through the vDSO (generation 3).
//
// The program links itself: it reads the image's dynamic section, takes the
// number of symbols from the chain count of DT_HASH, and looks its calls up by
// name. A call the vDSO does not have answers ENOSYS.
#include "calls.h"
#include "elf.h"
#include "string.h"

static u16 no_such_call(void) { return ENOSYS; }

enum {
#define CALL(name, params, args) INDEX_##name,
  GUEST_CALLS(CALL)
#undef CALL
      NCALLS,
};

static void *entry[NCALLS];

// The table of names holds addresses, so that a position-independent build
// has relative relocations to apply before it can link. Unless the table is
// marked as used, the compiler replaces the addresses by differences.
__attribute__((used)) static const char *const names[NCALLS] = {
#define CALL(name, params, args) "cloudabi_sys_" #name,
    GUEST_CALLS(CALL)
#undef CALL
};

#define CALL(name, params, args) \
  u16 sys_##name params { return ((u16(*) params)entry[INDEX_##name]) args; }
GUEST_CALLS(CALL)
#undef CALL

static const struct elf_dyn *find_dynamic(const char *base) {
  const struct elf_ehdr *ehdr = (const struct elf_ehdr *)base;
  const struct elf_phdr *phdr = (const struct elf_phdr *)(base + ehdr->phoff);
  for (u16 i = 0; i < ehdr->phnum; i++)
    if (phdr[i].type == PT_DYNAMIC) return (const struct elf_dyn *)(base + phdr[i].vaddr);
  return 0;
}

void link_calls(const void *vdso) {
  for (int i = 0; i < NCALLS; i++) entry[i] = (void *)no_such_call;
  if (vdso == 0) return;
  const char *base = vdso;
  const struct elf_dyn *dyn = find_dynamic(base);
  if (dyn == 0) return;
  const char *strings = 0;
  const struct elf_sym *sym = 0;
  u32 count = 0;
  for (; dyn->tag != DT_NULL; dyn++) {
    const char *at = base + dyn->value;
    if (dyn->tag == DT_HASH) count = ((const u32 *)at)[1];
    if (dyn->tag == DT_STRTAB) strings = at;
    if (dyn->tag == DT_SYMTAB) sym = (const struct elf_sym *)at;
  }
  for (u32 i = 0; i < count; i++) {
    if (sym[i].info != ELF_GLOBAL_FUNC || (sym[i].other & 3) != 0) continue;
    for (int c = 0; c < NCALLS; c++)
      if (equal(strings + sym[i].name, names[c])) entry[c] = (void *)(base + sym[i].value);
  }
}
