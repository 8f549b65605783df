// Package loader turns the bytes of a CloudABI executable into a description of a process image, and builds the other
// things a process finds in memory when it starts: the vDSO and the start-up block on the initial stack.
//
// # In a nutshell
//
//	file ─ Parse ─▶ Image ─ Plan(bias) ─▶ Plan: address range, byte copies, final protections ─ caller ─▶ guest memory
//	file ─ Symbols ─▶ SymTab: address ⇄ name, for fault reports
//	names ─ BuildVDSO ─▶ VDSO: a small shared object, found by the guest through AT_SYSINFO_EHDR
//	Start ─ Build ─▶ Block: auxiliary vector and what it points to; rsp and rdi of the first instruction
//
// The package maps nothing and opens nothing. It reads through an io.ReaderAt and returns values, so that it can be
// tested and fuzzed anywhere; opening the file (and saying that it is a directory or may not be read) is the caller's.
//
// # How segments become pages
//
// Linkers lay out segments in two ways. Either every PT_LOAD starts on a page, or (lld's default) its address and its
// file offset are only congruent modulo the page size: then the end of one segment and the start of the next share a
// page of the file, but lie on different pages of memory. Plan copies exactly the bytes of each segment to its address
// into fresh zero pages, which is right for both, leaves no neighbour's bytes in page tails, and works on hosts whose
// mapping granularity is larger than a page.
//
// Nothing forbids two segments on one page of memory. Such a page gets the union of both protections, since anything
// less breaks one of the segments. If the union would be writable and executable, Parse refuses the file: the ABI
// forbids such pages, no linker makes them, and guessing which half matters would fail later and darker.
//
// # Invariants
//
// An Image that Parse returns has at least one segment; segments ascend without overlap, lie inside the file and below
// 2^47, none is writable and executable, and their span is at most MaxSpan; the entry point lies in an executable one.
// All its addresses are link-time addresses: add the bias for a position-independent image, 0 otherwise. Everything
// read from the file is checked before it is used as a size.
//
// The executable applies its own relocations, protects its own PT_GNU_RELRO and sets up its own TLS; the loader only
// reports where they are.
//
// It refuses executables that need shared libraries (DT_NEEDED). PT_INTERP alone is accepted: some linkers put it into
// every position-independent executable, and the program relocates itself all the same.
//
// # What a process finds
//
// The vDSO is one image, the same in the file and in memory, with addresses that are offsets; its text has pages of its
// own, so that the caller maps VDSO.Image by VDSO.Maps at any page. A slot only says which call it is; the engine gives
// it meaning.
//
// Argument data may be megabytes, so the caller maps them by themselves. Everything else is one block at the top of the
// stack, of some 300 bytes; random bytes and identifiers come from the caller, so that a start can be repeated.
//
// # Symbols
//
// Symbols serve reports. They are read when a report needs them, not at every start: a table of 200,000 symbols takes
// about 35 ms and 40 MB to read (measured); the headers and the plan of a program take about 2 µs. Work and memory are
// bounded by the file's size and by fixed limits, whatever the section headers claim.
//
// # Imports
//
// abi and the standard library; never the host, the kernel or the engine. No locks: every value is built once and read
// afterwards.
package loader
