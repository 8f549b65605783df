// Package coverage says which code of a program was executed in a run, and how often.
//
// # In a nutshell
//
//	engine.Blocks ─ EndProgram ─▶ Recorder ─ WriteDRCov ─▶ a file for Lighthouse, Ghidra and the like (drcov.go)
//	                                       ├ WriteLCOV ──▶ source lines, for genhtml and editors (lcov.go)
//	                                       └ WriteCounts ▶ text (counts.go)
//
// Blocks are those of the engine (engine/blocks.go): a block that is there was entered, and if blocks are counted, each
// of its instructions has an exact number of times that it was executed, over all threads.
//
// # Several programs
//
// A process becomes another program by proc_exec. EndProgram takes what the engine knows of the one that ends while
// its symbols are there; the same file at the same address is one module. Code outside of the executable, which a
// program has made itself, is a module of its own in drcov's form, and in no lcov file.
//
// # What counts as an instruction
//
// What the vDSO does is the host's, and not counted. A repeated string instruction counts once, however often it is
// interrupted. One that the translator carries out in several steps counts for each; those are string instructions in %fs
// under strategies that have no segment for it.
//
// A Recorder is used when no guest thread exists. The package imports decode, engine and srcline, and must never import
// package runtime.
package coverage
