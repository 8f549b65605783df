// Package ehframe reads the unwind tables of an executable, .eh_frame_hdr and .eh_frame, and walks stacks by them.
//
// # In a nutshell
//
//	address ─ Table.Find ─▶ FDE ─ row ─▶ where the caller's registers are ─ Walker ─▶ return addresses
//
// Open takes the search table that the program header PT_GNU_EH_FRAME names; Table.All lists the functions in it.
// A Walker goes from frame to frame: by the tables where they know the code, by the frame pointer where they do not,
// so that code with neither ends the walk, and code with both is exact at every instruction.
//
// # What is read
//
// The forms that compilers and linkers write (Linux Standard Base, core, chapter 10; DWARF 5, 6.4): a sorted search
// table of 4-byte words, common entries of versions 1, 3 and 4 with a "z" augmentation or none, pointers of 2, 4 and 8
// bytes, absolute or relative to their place. Rules that are DWARF expressions end the tables' knowledge of that
// function: compilers write them for procedure linkage tables and signal frames, which CloudABI has not, and
// for realigned stacks, whose frame pointer does instead.
//
// # Invariants
//
//   - Tables are input: nothing in them makes the package panic, loop without end, or read beyond them.
//   - Each step of a walk goes up the stack, so that it ends.
//   - Find, and a Walker's steps, allocate nothing: they run in samples of a profile.
//   - A Table is not changed once it is open, and may be used by several goroutines; a Walker belongs to one.
//
// Addresses are those of the file; a Walker adds its Bias. The package imports the standard library only.
package ehframe
