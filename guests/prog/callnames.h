// The calls by their numbers of 2016-08, and where the vDSO has them.
#ifndef GUEST_CALLNAMES_H
#define GUEST_CALLNAMES_H

#include "elf.h"
#include "guest.h"

__attribute__((used)) static const char *const call_names[] = {
    "clock_res_get", "clock_time_get", "condvar_signal", "fd_close", "fd_create1", "fd_create2", "fd_datasync",
    "fd_dup", "fd_pread", "fd_pwrite", "fd_read", "fd_replace", "fd_seek", "fd_stat_get", "fd_stat_put", "fd_sync",
    "fd_write", "file_advise", "file_allocate", "file_create", "file_link", "file_open", "file_readdir",
    "file_readlink", "file_rename", "file_stat_fget", "file_stat_fput", "file_stat_get", "file_stat_put",
    "file_symlink", "file_unlink", "lock_unlock", "mem_advise", "mem_lock", "mem_map", "mem_protect", "mem_sync",
    "mem_unlock", "mem_unmap", "poll", "proc_exec", "proc_exit", "proc_fork", "proc_raise", "random_get",
    "sock_accept", "sock_bind", "sock_connect", "sock_listen", "sock_recv", "sock_send", "sock_shutdown",
    "sock_stat_get", "thread_create", "thread_exit", "thread_tcb_set", "thread_yield", "poll_fd",
};
enum { NUMBERS = sizeof(call_names) / sizeof(call_names[0]) };

typedef u16 (*vdso_function)(u64, u64, u64, u64, u64, u64, u64, u64);
static vdso_function vdso_functions[NUMBERS];

// vdso_call answers 0 for a call that the vDSO does not have.
static inline vdso_function vdso_call(u64 number) { return number < NUMBERS ? vdso_functions[number] : 0; }

static const struct elf_dyn *vdso_dynamic(const char *base) {
  const struct elf_ehdr *ehdr = (const struct elf_ehdr *)base;
  const struct elf_phdr *phdr = (const struct elf_phdr *)(base + ehdr->phoff);
  for (u16 i = 0; i < ehdr->phnum; i++)
    if (phdr[i].type == PT_DYNAMIC) return (const struct elf_dyn *)(base + phdr[i].vaddr);
  fail("the vDSO has no dynamic section");
}

static void vdso_lookup(void) {
  static const char prefix[] = "cloudabi_sys_";
  const char *base = process.vdso, *strings = 0;
  const struct elf_sym *sym = 0;
  u32 count = 0;
  for (const struct elf_dyn *d = vdso_dynamic(base); d->tag != DT_NULL; d++) {
    const char *at = base + d->value;
    if (d->tag == DT_HASH) count = ((const u32 *)at)[1];
    if (d->tag == DT_STRTAB) strings = at;
    if (d->tag == DT_SYMTAB) sym = (const struct elf_sym *)at;
  }
  for (u32 i = 1; i < count; i++) {
    const char *name = strings + sym[i].name;
    if (memcmp(name, prefix, sizeof(prefix) - 1) != 0) continue;
    for (u32 n = 0; n < NUMBERS; n++)
      if (equal(name + sizeof(prefix) - 1, call_names[n])) vdso_functions[n] = (vdso_function)(base + sym[i].value);
  }
}

#endif
