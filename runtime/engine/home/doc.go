// Package home says which pages of guest text may be executed at their own address,
// and what must be patched in them.
//
// # In a nutshell
//
// A page qualifies when every instruction that begins on it is known and may run on the
// host as it is, or with a patch that keeps its length (rewrite.FS.Home), and when no
// byte of it begins one that must never be executed, should a program go astray and
// jump into the middle of an instruction.
//
//	Pages.At ─▶ functions on the page ─ decode in sequence ─▶ starts, branches, patches
//	                                    patched bytes ─ scan at every offset ─▶ hazards
//
// # What is known
//
// Functions tells where functions begin and end: the unwind tables of an executable,
// else its symbol table. A function is decoded from its begin, page by page; the place
// at which its first instruction on a page begins is kept (sync), so that a long
// function is decoded once. What lies between functions must be padding, or else
// decode like code from the end of one function to the begin of the next (_start and
// functions in assembly have no unwind table); such code may not name %fs. Of a program
// that says of no function where it is, nothing qualifies.
//
// Instructions, and the targets of direct branches from everything decoded so far, must
// agree: a target in the middle of an instruction disqualifies the page that it is on,
// whichever of the two is seen first. A page that such a target turns up for later is
// reported (Page.Astray) for its user to withdraw.
//
// # Hazards
//
// Entered in mid-instruction, bytes are other instructions. These disqualify a page on
// which they begin, at any offset and across the seam to the next page: syscall,
// sysenter, int $0x80; wrfsbase, wrgsbase, every load of %fs or %gs (mov, pop, lfs,
// lgs); wrpkru; and with a strategy for which %fs is the host's, what addresses %fs
// without a register, which is where the host keeps its own thread-local storage. Of
// the pages of real programs' text (0.4 to 1.6 MB, five executables) 21 to 29 % have
// one, four in five of them because of 8e, the load of a segment register.
//
// What is left is the limit of the tier. Entered astray, a page may: read or write
// memory by %fs and a register, which is a wild access like any other that a guest can
// make (to refuse these, too, would leave half of the pages); transfer far, which
// faults unless the selector on the stack or in memory happens to be that of a 32-bit
// segment; and pop flags. None of that can happen to a program that jumps to
// instructions only.
//
// # Costs
//
// Measured: doc.go of package engine. The analysis of a page takes about as long as
// decoding it does.
//
// The package imports decode and rewrite, and must never import another package.
package home
