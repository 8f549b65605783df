// Package inspect says what is in an executable without running it, and shows its translations, for people who study
// programs: it is what the commands inspect and disasm of cabitrans print.
//
// # In a nutshell
//
//	file ─ Open ─▶ Program ─ Report ─▶ Report ─▶ text, or JSON
//	                       └ Disasm ─▶ Listing: guest instructions beside their translation ─▶ text
//
// # The path of an executable
//
// Open reads headers and symbols through package loader: what that refuses nobody can look into, and its sentence is
// the answer. Report then looks at three things: the headers (notes, relocations), the bytes of all segments (names of
// system calls, by which programs find them in the vDSO), and the instructions.
//
// Instructions are found by a linear sweep (sweep.go) over executable segments. It begins anew wherever a function
// begins or ends by the symbol table or .eh_frame, so that data between functions do no harm. What lies in no known
// function is swept as well, and counted: there the sweep may be out of step with what a CPU would execute. What cannot
// be decoded is skipped and listed. Each instruction is handed to the translator's own Rewriter, which says which of
// them it would emulate, let fault, or refuse; this package has no opinion of its own.
//
// A Listing is made by the same Rewriter in memory that nobody executes (engine.Paper), so any host can show any
// strategy. It is a translation of a whole function in the guest's order. The engine translates what is reachable from
// where a thread enters, so in a process the same function may come in pieces, aligned and linked otherwise, and with
// r11 kept over returns if the program turns out to need it; else each instruction's own translation is the same.
//
// # Invariants
//
//   - Addresses that a user sees are those of the file. Only what Rewriter gets may be moved, if an image that can be
//     loaded anywhere is linked where guest memory is not.
//   - No input makes the package panic, nor take memory beyond a small multiple of the file's size.
//   - The keys of JSON stay; new ones may come. An address is a string, "0x19d0"; sizes and counts are numbers.
//
// Imports: the standard library, decode, rewrite, abi, ehframe, listing, loader and engine (for Paper). It must never import the host or
// the kernel: whether this host can load the program is for the caller to find out (runtime.Check) and to add.
package inspect
