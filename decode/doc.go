// Package decode tells of every amd64 instruction in 64-bit mode how long it is, where its parts lie, where control
// goes next, whether a segment override matters, and which general registers and flags it reads and writes. It does
// not execute, and it knows no mnemonics: text comes from another decoder (Text) and is for people only.
//
// # In a nutshell
//
//	code, pc ─▶ prefixes ─▶ opcode map ─▶ decision tree ─▶ entry ─▶ ModRM, SIB, disp, imm ─▶ effects ─▶ Inst
//
// Decode walks the bytes once, allocates nothing, and looks at no more than MaxLen of them. All knowledge of single
// opcodes is in entries, which are shared by opcodes that behave alike.
//
// # The path of a byte
//
// Prefixes (prefixKind in decode.go) are collected until a byte is none. Of F2 and F3 the last one acts; of the
// overrides 64 and 65 the last one, whatever null overrides (26, 2E, 36, 3E) follow it; a REX acts only if the opcode
// is next. C4, C5, 62, and 8F when the low five bits of the next byte name a map from 8 up, lead to vex.go, which
// fills the same fields that REX and a mandatory prefix fill. The opcode byte then selects a row of tableMaps, one of
// 28 spaces: legacy maps, 3DNow!, and the maps of VEX, EVEX and XOP. A row holds an entry or a split: which bits
// (mandatory prefix, ModRM.mod, reg or rm, W, vector length, EVEX.b) choose among its children in tableKids. Splits
// nest; the order is that of the split kinds in table.go. The entry says whether ModRM, and which immediate, follow.
// Last, effects.go turns the entry's actions on operands into register sets.
//
// # Where the tables come from
//
// tables/*.txt list the opcodes, one line each, in the order of the manuals' opcode maps; each file names its source
// (Intel SDM volume 2, appendix A and the instruction pages; AMD APM volumes 3 to 6) at the top, and
// internal/tablegen/tokens.go explains the columns. To check a line, hold it against the page of the instruction it
// names: the constraint column against the opcode column there ("66.m./6.w0.l1" is 66, a memory operand, /6, W0, 256
// bits), the operands (E is ModRM.rm, G ModRM.reg, B VEX.vvvv, O the opcode's register, A the accumulator; r reads, w
// writes, x both) against the operand encoding table, and f:/F: against "Flags Affected". "go generate" writes
// tables_gen.go from them. A test fails when the two differ, and the generator fails on a row that can never match.
//
// # Invariants
//
//   - Decode depends on nothing but the bytes of the instruction, pc and the Vendor. Bytes behind it do not matter,
//     and each proper beginning of an instruction gives ErrTruncated.
//   - Reads holds at least every register on whose old value any result, address or fault depends. Writes holds at
//     least every register that may change. Kills, within Writes less Reads, holds only registers that surely get a
//     new 64-bit value: so not the destination of cmov, bsf, bsr, setcc, an 8- or 16-bit move, nor anything behind a
//     repeat prefix, whose count may be zero. An instruction that faults has changed nothing, so faults do not enter
//     into it.
//   - FlagsRead and FlagsWritten bound flags in the same way. A flag that a manual leaves undefined counts as
//     overwritten only where CPUs are known to overwrite it: AMD's keep SF, ZF, AF and PF in mul, and OF in tzcnt.
//   - What the operating system does in a system call is no effect of the instruction: syscall kills rcx and r11, and
//     reads rax.
//   - SegMatters is true whenever moving the base of the override could change anything that guest code can see.
//     Prefetches, lea and nops with memory operands do not access memory, so it is false for them.
//   - Refusing is riskier than accepting. Code that a CPU executes must decode, because the translator makes a fault
//     of a refusal; what only the CPU refuses is copied, and the CPU says so itself. So Decode accepts reserved
//     values that do not change the length (vvvv other than 1111, masks and zeroing where there are none, gathers
//     with equal registers), W and EVEX.b where one vendor ignores what the other refuses, and instructions that the
//     host lacks.
//
// # What is unknown
//
// ErrUnknown is for encodings that have, or will have, a meaning that this package does not know, so that no length
// can be claimed: D5 (REX2), EVEX map 4, and EVEX with B4 or X4, all of APX; and EVEX opcodes without an entry, among
// which are those that APX takes from VEX, and those of AVX10.2. No CPU without these executes any of them.
// All other encodings without an entry are ErrInvalid. An address that is not canonical is ErrAddress, whatever is there.
//
// # Vendors
//
// 66 before a near branch, call or return is ignored by Intel's CPUs (SDM volume 2, pages of JMP, Jcc, CALL and RET).
// AMD's take it for a 16-bit operand size: rel16 in place of rel32, and the instruction pointer is cut to 16 bits
// (APM volume 3, the same pages; seen on a CPU); REX.W overrides it. Linkers use such a prefix with REX.W as padding
// of TLS calls. Decode follows Intel unless SetVendor says otherwise: package engine has it follow the CPU that the
// guest runs on, once, before it decodes anything. ClassVendor marks such instructions. Everything else the CPU decides
// for itself.
//
// # How it is checked
//
// Lengths: against GNU objdump and LLVM over whole programs, over random code and over every opcode behind all sets of
// up to three prefixes; and against the CPU, for which the instruction is laid at the end of the last executable page:
// it must not fetch behind its last byte, and must when that byte is missing. Flow: against the disassemblers'
// mnemonics. Effects: against the operands that objdump prints, and against the CPU under ptrace, from states that
// differ in nothing the instruction may read. The fuzz target and testdata/decode.txt hold the rest. The tests' short
// forms are for every day; the long ones take
//
//	CABITRANS_DECODE_N       the number of byte sequences for each random test
//	CABITRANS_DECODE_SEED    another seed, for others
//	CABITRANS_DECODE_FILES   patterns of programs and libraries to compare whole (TestPrograms)
//
// CABITRANS_REQUIRE_TOOLS=1 makes a missing oracle a failure.
//
// The package imports only x86asm beyond the standard library, and that only for text. It must never import another
// package of this project, and holds no lock: Inst values belong to their callers, tables are constant, and SetVendor
// comes before the first Decode.
package decode
