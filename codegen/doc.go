// Package codegen lays host instructions down.
//
// In a nutshell: a Buffer is a stretch of the code cache seen twice, as bytes to
// write and as addresses to execute; the methods in encode_*.go append the few
// dozen instructions that rewriting needs; patch.go links and unlinks branches
// that other threads may be executing; stubs.go assembles, once per process,
// the routines through which a thread enters and leaves translated code.
//
// Two ways of making instructions, each where it is strong. Rewritten code is
// encoded by hand: a call appends at most fifteen bytes and costs one or two
// nanoseconds. The stubs are assembled from readable instruction lists by
// golang-asm, whose builder costs a hundred microseconds and is therefore used
// once. The test of the encoder uses golang-asm as its oracle.
//
// The stubs find the thread block by the %gs base, or by a cell that holds its address
// (Cells): then rewritten code stores what it has to say in other cells, and the stubs
// copy them. They may also exchange %fs on the way in and out (Switch); that comes after
// Block.State says guest and before it says host, so that a thread which is not in the
// guest always has the host's.
//
// A call need not save what the ABI lets it lose, and MXCSR only once code that loads it is known (Layout.Control).
//
// Invariants:
//   - A Buffer never grows: callers ask Room first. Emit methods do not check.
//   - Nothing here knows guest instructions; operands are host registers,
//     offsets from %gs and host addresses.
//   - A branch that may be patched while it executes has its displacement
//     aligned to four bytes (AlignRel32), so the store is atomic to the fetch.
//
// The package must not import anything else of the project.
package codegen
