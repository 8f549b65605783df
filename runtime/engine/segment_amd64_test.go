//go:build linux || windows

package engine

import (
	"encoding/binary"
	"testing"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// TestSegments has programs use segment registers and their bases. rdi is the data,
// whose words are what the case says: "next" and "code" stand for the address of the
// instruction at offset 0x40 and of the code.
func TestSegments(t *testing.T) {
	cs, ss := host.Selectors()
	for _, c := range []struct {
		name   string
		data   func(code uint64) []byte
		code   string // at 0
		next   string // at 0x40
		signal int
		rip    uint64
		want   map[decode.Reg]uint64
	}{
		{"wrgsbase and an operand", words(1, 2), `
			f3 48 0f ae df                ;   0 wrgsbase %rdi
			65 48 8b 04 25 08 00 00 00    ;   5 mov %gs:8, %rax
			f3 48 0f ae cb                ;   e rdgsbase %rbx
			48 29 fb                      ;  13 sub %rdi, %rbx
			0f 0b                         ;  16 ud2`, "", SigILL, 0x16,
			map[decode.Reg]uint64{decode.RAX: 2, decode.RBX: 0}},
		{"%gs without a base", words(7), `
			65 48 8b 07                   ;   0 mov %gs:(%rdi), %rax
			f3 48 0f ae cb                ;   4 rdgsbase %rbx
			0f 0b                         ;   9 ud2`, "", SigILL, 9,
			map[decode.Reg]uint64{decode.RAX: 7, decode.RBX: 0}},
		{"wrgsbase of no address", nil, `
			48 b8 00 00 00 00 00 80 00 00 ;   0 movabs $0x800000000000, %rax
			f3 48 0f ae d8                ;   a wrgsbase %rax`, "", SigSEGV, 0xa, nil},
		{"selectors", words(uint64(ss)), `
			f3 48 0f ae d7                ;   0 wrfsbase %rdi
			8e 27                         ;   5 mov (%rdi), %fs
			8c e3                         ;   7 mov %fs, %ebx
			f3 48 0f ae c1                ;   9 rdfsbase %rcx
			0f a0                         ;   e push %fs
			5a                            ;  10 pop %rdx
			8c e8                         ;  11 mov %gs, %eax
			0f 0b                         ;  13 ud2`, "", SigILL, 0x13,
			map[decode.Reg]uint64{decode.RBX: uint64(ss), decode.RCX: 0, decode.RDX: uint64(ss), decode.RAX: 0}},
		{"a selector that is none", words(0x1234), "8e 2f", "", SigSEGV, 0, nil},
		{"pop of a null selector", nil, `
			6a 03                         ;   0 push $3
			0f a9                         ;   2 pop %gs
			8c e8                         ;   4 mov %gs, %eax
			0f 0b                         ;   6 ud2`, "", SigILL, 6, map[decode.Reg]uint64{decode.RAX: 3}},
		{"lfs", func(uint64) []byte {
			return binary.LittleEndian.AppendUint16([]byte{0x78, 0x56, 0x34, 0x12}, ss)
		}, `
			0f b4 07                      ;   0 lfs (%rdi), %eax
			8c e3                         ;   3 mov %fs, %ebx
			0f 0b                         ;   5 ud2`, "", SigILL, 5,
			map[decode.Reg]uint64{decode.RAX: 0x12345678, decode.RBX: uint64(ss)}},
		{"far jump", far(cs), "ff 2f", "0f 0b", SigILL, 0x40, nil},
		{"far jump to no code", far(ss), "ff 2f", "", SigSEGV, 0, nil},
		{"far call and return", far(cs), `
			89 e3                         ;   0 mov %esp, %ebx
			ff 1f                         ;   2 lcall (%rdi)
			29 e3                         ;   4 sub %esp, %ebx
			0f 0b                         ;   6 ud2`, `
			59                            ;  40 pop %rcx, two words of 4 bytes
			51                            ;  41 push %rcx
			cb                            ;  42 lret`, SigILL, 6, map[decode.Reg]uint64{decode.RBX: 0}},
		{"iret", nil, `
			48 89 e3                      ;   0 mov %rsp, %rbx
			8c d0                         ;   3 mov %ss, %eax
			50                            ;   5 push %rax
			53                            ;   6 push %rbx
			68 d7 0e 00 00                ;   7 push $0xed7
			8c c8                         ;   c mov %cs, %eax
			50                            ;   e push %rax
			48 8d 05 2a 00 00 00          ;   f lea 0x40, %rax
			50                            ;  16 push %rax
			48 cf                         ;  17 iretq`, `
			9c                            ;  40 pushf
			59                            ;  41 pop %rcx
			48 29 e3                      ;  42 sub %rsp, %rbx
			0f 0b                         ;  45 ud2`, SigILL, 0x45,
			map[decode.Reg]uint64{decode.RBX: 0, decode.RCX: 0xed7}},
		{"indirect branches through a moved %fs", func(code uint64) []byte { return words(0, code+0x40, code+0x12)(0) }, `
			f3 48 0f ae d7                ;   0 wrfsbase %rdi
			48 89 e3                      ;   5 mov %rsp, %rbx
			64 ff 14 25 08 00 00 00       ;   8 call *%fs:8
			0f 0b                         ;  10 ud2
			48 29 e3                      ;  12 sub %rsp, %rbx
			0f 0b                         ;  15 ud2`, `
			58                            ;  40 pop %rax
			64 ff 24 25 10 00 00 00       ;  41 jmp *%fs:16`, SigILL, 0x15, map[decode.Reg]uint64{decode.RBX: 0}},
		{"fxsave and fxrstor in a moved %fs", nil, `
			f3 48 0f ae d7                ;   0 wrfsbase %rdi
			0f ae f8                      ;   5 sfence
			66 48 0f 6e c7                ;   8 movq %rdi, %xmm0
			64 48 0f ae 04 25 00 02 00 00 ;   d fxsave64 %fs:0x200
			66 0f ef c0                   ;  17 pxor %xmm0, %xmm0
			64 48 0f ae 0c 25 00 02 00 00 ;  1b fxrstor64 %fs:0x200
			66 48 0f 7e c0                ;  25 movq %xmm0, %rax
			48 29 f8                      ;  2a sub %rdi, %rax
			0f 0b                         ;  2d ud2`, "", SigILL, 0x2d, map[decode.Reg]uint64{decode.RAX: 0}},
		{"xsave and xrstor in a moved %fs", nil, `
			f3 48 0f ae d7                ;   0 wrfsbase %rdi
			b8 03 00 00 00                ;   5 mov $3, %eax
			31 d2                         ;   a xor %edx, %edx
			66 48 0f 6e c7                ;   c movq %rdi, %xmm0
			64 48 0f ae 64 24 40          ;  11 xsave64 %fs:0x40(%rsp)`, "", SigSEGV, 0x11, nil},
		{"popf with TF", nil, `
			68 02 01 00 00                ;   0 push $0x102
			9d                            ;   5 popf
			90                            ;   6 nop
			0f 0b                         ;   7 ud2`, "", SigTRAP, 7, nil},
		{"popf with TF, behind it a taken branch", nil, `
			68 42 01 00 00                ;   0 push $0x142
			9d                            ;   5 popf
			74 38                         ;   6 je 0x40
			0f 0b                         ;   8 ud2`, "0f 0b", SigTRAP, 0x40, nil},
		{"popf with TF, behind it a return", nil, `
			48 8d 05 39 00 00 00          ;   0 lea 0x40, %rax
			50                            ;   7 push %rax
			68 02 01 00 00                ;   8 push $0x102
			9d                            ;   d popf
			c3                            ;   e ret`, "0f 0b", SigTRAP, 0x40, nil},
		{"popf with TF, behind it a fault", nil, `
			68 02 01 00 00                ;   0 push $0x102
			9d                            ;   5 popf
			0f 0b                         ;   6 ud2`, "", SigILL, 6, nil},
		{"popf with TF, behind it what is emulated", nil, `
			68 02 01 00 00                ;   0 push $0x102
			9d                            ;   5 popf
			f3 48 0f ae c1                ;   6 rdfsbase %rcx
			0f 0b                         ;   b ud2`, "", SigTRAP, 0xb, nil},
		{"popf with TF, behind it a raw call", nil, `
			68 02 01 00 00                ;   0 push $0x102
			b8 00 00 00 7f                ;   5 mov $0x7f000000, %eax
			9d                            ;   a popf
			0f 05                         ;   b syscall
			0f 0b                         ;   d ud2`, "", SigTRAP, 0xd, map[decode.Reg]uint64{decode.RAX: uint64(abi.ENOSYS)}},
		{"popf with TF, behind it a repetition", nil, `
			b9 05 00 00 00                ;   0 mov $5, %ecx
			68 02 01 00 00                ;   5 push $0x102
			9d                            ;   a popf
			f3 aa                         ;   b rep stos
			0f 0b                         ;   d ud2`, "", SigTRAP, 0xb, map[decode.Reg]uint64{decode.RCX: 4}},
		{"popf with TF, behind it the end of a repetition", nil, `
			b9 01 00 00 00                ;   0 mov $1, %ecx
			68 02 01 00 00                ;   5 push $0x102
			9d                            ;   a popf
			f3 aa                         ;   b rep stos
			0f 0b                         ;   d ud2`, "", SigTRAP, 0xd, map[decode.Reg]uint64{decode.RCX: 0}},
		{"popf with TF, behind it pushf", nil, `
			68 02 01 00 00                ;   0 push $0x102
			9d                            ;   5 popf
			9c                            ;   6 pushf
			0f 0b                         ;   7 ud2`, "", SigTRAP, 7, nil},
		{"popf with TF, behind it a far jump", far(cs), `
			68 02 01 00 00                ;   0 push $0x102
			9d                            ;   5 popf
			ff 2f                         ;   6 ljmp (%rdi)
			0f 0b                         ;   8 ud2`, "0f 0b", SigTRAP, 0x40, nil},
		{"popf with TF, behind it mov to %ss", nil, `
			8c d0                         ;   0 mov %ss, %eax
			68 02 01 00 00                ;   2 push $0x102
			9d                            ;   7 popf
			8e d0                         ;   8 mov %eax, %ss
			8e d0                         ;   a mov %eax, %ss
			90                            ;   c nop
			90                            ;   d nop
			0f 0b                         ;   e ud2`, "", SigTRAP, 0xd, nil},
		{"popf with TF, behind it mov to %ss and what faults", nil, `
			8c d0                         ;   0 mov %ss, %eax
			68 02 01 00 00                ;   2 push $0x102
			9d                            ;   7 popf
			8e d0                         ;   8 mov %eax, %ss
			0f 0b                         ;   a ud2`, "", SigILL, 0xa, nil},
		{"popf with TF, behind it lss", func(uint64) []byte {
			return binary.LittleEndian.AppendUint16([]byte{0x78, 0x56, 0x34, 0x12}, ss)
		}, `
			68 02 01 00 00                ;   0 push $0x102
			9d                            ;   5 popf
			0f b2 07                      ;   6 lss (%rdi), %eax
			90                            ;   9 nop
			0f 0b                         ;   a ud2`, "", SigTRAP, 9, nil},
		{"code that overlaps itself", nil, `
			eb ff                         ;   0 jmp 1
			c0 48 eb 02                   ;   2 behind ff: inc %eax; then 48 eb 02: jmp 8
			0f 0b 0f 0b                   ;   6 ud2`, "", SigILL, 8, map[decode.Reg]uint64{decode.RAX: 1}},
	} {
		for _, o := range []rewrite.Options{{}, {KeepR11: true, MovingBase: true, MovingGS: true}} {
			t.Run(c.name, func(t *testing.T) {
				g := newGuest(t)
				g.setOptions(o)
				g.put(g.code, c.code)
				if c.next != "" {
					g.put(g.code+0x40, c.next)
				}
				if c.data != nil {
					g.write(g.data, c.data(g.code))
				}
				for range 2 {
					f := g.run(g.code, func(ht *host.Thread) {
						r := &ht.Block().Regs
						r[decode.RDI], r[decode.RAX] = g.data, 0
					})
					if f == nil || f.Signal != c.signal || f.RIP != g.code+c.rip {
						t.Fatalf("%+v, want signal %d at +%#x", f, c.signal, c.rip)
					}
					for reg, want := range c.want {
						if f.Regs[reg] != want {
							t.Errorf("register %d is %#x, want %#x", reg, f.Regs[reg], want)
						}
					}
				}
			})
		}
	}
}

func words(v ...uint64) func(uint64) []byte {
	return func(uint64) (b []byte) {
		for _, w := range v {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
		return b
	}
}

// far is a pointer to code+0x40 in the segment of sel.
func far(sel uint16) func(uint64) []byte {
	return func(code uint64) []byte {
		return binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint32(nil, uint32(code+0x40)), sel)
	}
}
