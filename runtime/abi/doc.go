// Package abi is CloudABI for x86-64 as data: types, constants, names, structure layouts and the table of system calls, of
// the last published version (2020-09) and of the last one with call numbers (2016-08).
//
// # In a nutshell
//
// One set of Go types serves both versions. Where 2016-08 has more (socket addresses, polling queues, FIFOs), the extra
// values and structures are here too and say "2016-08 only"; where both have a thing, its numbers and offsets are the same.
//
//	register arguments ─ ByNum2016 / the vDSO function ─▶ Call ─ Info ─▶ CallInfo: parameters, results, their places
//	guest bytes ─ Decode ─▶ structure ─ kernel ─▶ structure ─ Encode ─▶ guest bytes
//	value ─ String ─▶ the ABI's own name, for traces and messages
//
// # The two call forms
//
// vDSO: a C function. Arguments, then one pointer per result; returns an Errno. Raw: number in rax, the same arguments
// without result pointers, results in rax and rdx, carry for failure. A range parameter is an address and a count, two
// arguments; Lookup is a structure of 8 bytes passed in one register; everything else is one argument. The upper bits of a
// narrow argument are undefined: use Param.Clean or convert to the Go type of its width.
//
// # Invariants
//
// Structures are encoded field by field, little-endian, at offsets stated beside each type; no layout of the Go compiler is
// relied upon. Encode clears padding. Encode and Decode panic if the slice is shorter than the Size constant: sizes are the
// caller's, never the guest's.
//
// # Imports
//
// The standard library only, nothing of this project, and nothing of the operating system.
package abi
