// Package listing shows guest instructions beside their translation, as text: what the command disasm prints of a
// program, and run -d of a run.
//
//	guest bytes ─ decode ─ Guest ─▶ text ┐
//	                                     ├ Line ─ Left, WriteHost ─▶ two columns
//	host bytes ─ decode ─ Host ─▶ []Code ┘
//
// It knows instructions and columns only: what an address is called its callers say. It imports decode, and must
// never import the engine or what is above it.
package listing
