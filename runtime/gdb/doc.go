// Package gdb is a server of gdb's remote serial protocol: a debugger that connects
// sees one guest process, and nothing of how it is run.
//
// # In a nutshell
//
// Serve accepts connections, one at a time, and makes each a session:
//
//	debugger ─ bytes ─ wire (packets, checksums) ─ session (what they ask for) ─ Target ─ threads
//
// The session is one goroutine, with another that reads the connection. It is in one of
// two states. While the process is stopped, a packet is a question and gets its answer.
// After a resuming packet (vCont, c, s, C, S) the session waits for the first of: a stop
// that the Target reports, an interrupt (the byte 0x03), the end of the connection. All
// threads stop when one does (all-stop); the other mode of the protocol, non-stop, is
// not offered.
//
// # What a debugger gets
//
// Registers, in the form of a target description (target.xml) with the features that the
// host's CPU has: registers.go. The place of a position-independent executable, in three
// ways, for debuggers differ in which they believe: the auxiliary vector, in the terms of
// Linux (auxv.go), qOffsets, and the list of libraries. The executable itself, by name
// (qXfer:exec-file) and by content (vFile), so that a debugger needs no copy of it; no
// other file can be opened.
//
// Breakpoints of both kinds, software and hardware, are the Target's to make, and never
// change memory. Watchpoints are refused, in the protocol's way, where it has none.
//
// # When the debugger goes
//
// After a detach, and when the connection is lost, breakpoints and watchpoints are gone,
// the process goes on, and another debugger may connect. Only a kill ends it.
//
// # Who is trusted
//
// Whoever can connect can do everything that this program can: there is no
// authentication in the protocol. Listen on an address that only the user can reach.
//
// The package knows nothing of the guest but Target. It imports the standard library
// only, and must never import another package of this module.
package gdb
