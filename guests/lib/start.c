// _start: auxiliary vector, self-relocation, vDSO, RELRO, TLS, guest_main.
//
// Until relocation is done nothing here may use an address stored in data, and
// until tls_enter nothing may use a thread-local variable.
#include "elf.h"
#include "guest.h"
#include "tls.h"

extern const u8 __ehdr_start[] __attribute__((visibility("hidden")));

struct process process;

static const struct elf_phdr *find(const struct elf_phdr *phdr, u64 n, u32 type) {
  for (u64 i = 0; i < n; i++)
    if (phdr[i].type == type) return &phdr[i];
  return 0;
}

#if GENERATION > 0
// relocate applies the relative relocations of the dynamic section and
// answers whether there was any it does not know.
static int relocate(const struct elf_phdr *dynamic, u8 *base) {
  if (dynamic == 0) return 0;
  const struct elf_rela *rela = 0;
  u64 size = 0;
  for (const struct elf_dyn *d = (const struct elf_dyn *)(base + dynamic->vaddr); d->tag != DT_NULL; d++) {
    if (d->tag == DT_RELA) rela = (const struct elf_rela *)(base + d->value);
    if (d->tag == DT_RELASZ) size = d->value;
  }
  int unknown = 0;
  for (; size >= sizeof(*rela); size -= sizeof(*rela), rela++) {
    if ((u32)rela->info != R_X86_64_RELATIVE)
      unknown = 1;
    else
      *(u64 *)(base + rela->offset) = (u64)base + (u64)rela->addend;
  }
  return unknown;
}
#endif

// protect_relro makes the pages read-only that the linker set apart: the range
// starts with a segment, so nothing else lies before it in its first page, and
// the linker lets it end where a page ends.
static void protect_relro(const struct elf_phdr *relro, const u8 *base, u64 page) {
  if (relro == 0) return;
  u64 lo = ((u64)base + relro->vaddr) & -page;
  u64 hi = ((u64)base + relro->vaddr + relro->memsz) & -page;
  if (hi > lo && sys_mem_protect((void *)lo, hi - lo, PROT_READ) != 0) sys_proc_exit(124);
}

#ifdef SAFESTACK
static u8 initial_unsafe_stack[64 * 1024] ALIGNED(16);
#endif

// Exit codes 123 to 125 say which step of start-up failed.
_Noreturn void _start(const struct auxv *auxv) {
  u8 *base = 0;
  const struct elf_phdr *phdr = 0;
  u64 phnum = 0, pagesz = 4096, ncpus = 1, tid = 1;
  const void *vdso = 0;
  struct value args = {0, 0};
  for (; auxv->type != AT_NULL; auxv++) {
    void *p = (void *)auxv->value;
    switch (auxv->type) {
      case AT_BASE: base = p; break;
      case AT_PHDR: phdr = p; break;
      case AT_PHNUM: phnum = auxv->value; break;
      case AT_PAGESZ: pagesz = auxv->value; break;
      case AT_NCPUS: ncpus = auxv->value; break;
      case AT_TID: tid = auxv->value; break;
      case AT_SYSINFO_EHDR: vdso = p; break;
      case AT_ARGDATA: args.data = p; break;
      case AT_ARGDATALEN: args.len = auxv->value; break;
    }
  }
#if GENERATION == 0
  base = 0; // linked for its place
  int unknown = 0;
#else
  int unknown = relocate(find(phdr, phnum, PT_DYNAMIC), base);
#endif
  link_calls(vdso);
  if (unknown) sys_proc_exit(123);
#if GENERATION > 0
  if (base != __ehdr_start) sys_proc_exit(125);
#endif
  protect_relro(find(phdr, phnum, PT_GNU_RELRO), base, pagesz);
  process = (struct process){base, ncpus, pagesz, tid, vdso};
  tls_describe(find(phdr, phnum, PT_TLS), base);

  u8 room[tls_room()];
  void *word;
  tls_enter(tls_fill(room), &word);
  self_tid = tid;
#ifdef SAFESTACK
  __safestack_unsafe_stack_ptr = initial_unsafe_stack + sizeof(initial_unsafe_stack);
#endif
  print_setup(&args);
  sys_proc_exit(guest_main(&args));
  __builtin_trap();
}
