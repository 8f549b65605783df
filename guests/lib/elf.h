// The few ELF64 structures that start-up and vDSO linking read.
#ifndef GUEST_ELF_H
#define GUEST_ELF_H

#include "abi.h"

enum { PT_DYNAMIC = 2, PT_TLS = 7, PT_GNU_RELRO = 0x6474e552 };
enum { DT_NULL = 0, DT_HASH = 4, DT_STRTAB = 5, DT_SYMTAB = 6, DT_RELA = 7, DT_RELASZ = 8 };
enum { R_X86_64_RELATIVE = 8 };
enum { ELF_GLOBAL_FUNC = 0x12 };

struct elf_ehdr {
  u8 ident[16];
  u16 type, machine;
  u32 version;
  u64 entry, phoff, shoff;
  u32 flags;
  u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_phdr {
  u32 type, flags;
  u64 offset, vaddr, paddr, filesz, memsz, align;
};

struct elf_dyn {
  u64 tag, value;
};

struct elf_sym {
  u32 name;
  u8 info, other;
  u16 shndx;
  u64 value, size;
};

struct elf_rela {
  u64 offset, info;
  s64 addend;
};

#endif
