// Package loader turns the bytes of a CloudABI executable into a description of a process image, and builds the other
// things a process finds in memory when it starts: the vDSO and the start-up block on the initial stack.
//
// # In a nutshell
//
//	file ─ Parse ─▶ Image ─ Plan(bias) ─▶ Plan: address range, byte copies, final protections ─ caller ─▶ guest memory
//	file ─ Symbols ─▶ SymTab: address ⇄ name, for fault reports
//	names, code ─ BuildVDSO ─▶ VDSO: a small shared object, found by the guest through AT_SYSINFO_EHDR
//	Start ─ Build ─▶ Block: auxiliary vector and what it points to; the registers rsp and rdi of the first instruction
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
// # Imports
//
// abi and the standard library; never the host, the kernel or the engine. No locks: every value is built once and read
// afterwards.
package loader
