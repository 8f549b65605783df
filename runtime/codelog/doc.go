// Package codelog writes down what is translated in a run, and what becomes of it: run -d.
//
// # In a nutshell
//
//	engine ─ Translated, Linked, Missed, Dropped ─▶ Log ─ Filter ─▶ text
//
// A Log is the engine's Watcher. Of a region it writes a head, then its basic blocks (block.go), each with a line that
// says why it ends, its guest instructions, their translation, or both side by side (package listing), as Items ask.
// A branch with a fixed target is said to be linked, or to wait; when what it waits for is translated, that is said,
// too. What is dropped takes all links with it.
//
// # Invariants
//
//   - An event is written with one write before the engine goes on, so that the log of a run that ends badly is whole.
//   - The first error ends the log, not the run; Err has it.
//   - Addresses are those in memory, as the names' are; a Filter is resolved for each program that a process runs.
//
// The engine calls with its lock held: a Log calls nothing of it, and has no lock of its own. It imports decode,
// rewrite, engine and listing, and must never import package runtime.
package codelog
