//go:build linux || windows

package engine

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// stepCode uses every kind of rewritten sequence, and counts in memory, so that
// an instruction carried out twice shows.
const stepCode = `
			48 89 fb                      ;   0 movq %rdi, %rbx
			41 bb 34 12 00 00             ;   3 movl $4660, %r11d # imm = 0x1234
			b9 03 00 00 00                ;   9 movl $3, %ecx
			e2 fe                         ;   e loop 0xe +0xe>
			e3 02                         ;  10 jrcxz 0x14 +0x14>
			0f 0b                         ;  12 ud2
			ff c1                         ;  14 incl %ecx
			e1 fc                         ;  16 loope 0x14 +0x14>
			48 8d 05 47 01 00 00          ;  18 leaq 327(%rip), %rax # 0x166 <f>
			ff d0                         ;  1f callq *%rax
			48 89 03                      ;  21 movq %rax, (%rbx)
			ff 13                         ;  24 callq *(%rbx)
			49 89 db                      ;  26 movq %rbx, %r11
			41 ff 13                      ;  29 callq *(%r11)
			49 89 c3                      ;  2c movq %rax, %r11
			41 ff d3                      ;  2f callq *%r11
			48 89 44 24 f8                ;  32 movq %rax, -8(%rsp)
			ff 54 24 f8                   ;  37 callq *-8(%rsp)
			50                            ;  3b pushq %rax
			ff 14 24                      ;  3c callq *(%rsp)
			58                            ;  3f popq %rax
			e8 21 01 00 00                ;  40 callq 0x166 <f>
			48 8d 15 0a 00 00 00          ;  45 leaq 10(%rip), %rdx # 0x56 <l1>
			41 bb 4d 00 00 00             ;  4c movl $77, %r11d
			ff e2                         ;  52 jmpq *%rdx
			0f 0b                         ;  54 ud2
			4c 8d 1d 08 00 00 00          ;  56 leaq 8(%rip), %r11 # 0x65 <l2>
			ff 43 1c                      ;  5d incl 28(%rbx)
			41 ff e3                      ;  60 jmpq *%r11
			0f 0b                         ;  63 ud2
			48 8d 15 0f 00 00 00          ;  65 leaq 15(%rip), %rdx # 0x7b <l3>
			48 89 53 08                   ;  6c movq %rdx, 8(%rbx)
			41 bb 4e 00 00 00             ;  70 movl $78, %r11d
			ff 63 08                      ;  76 jmpq *8(%rbx)
			0f 0b                         ;  79 ud2
			48 8d 15 11 00 00 00          ;  7b leaq 17(%rip), %rdx # 0x93 <l4>
			4c 01 5b 20                   ;  82 addq %r11, 32(%rbx)
			48 89 53 08                   ;  86 movq %rdx, 8(%rbx)
			49 89 db                      ;  8a movq %rbx, %r11
			41 ff 63 08                   ;  8d jmpq *8(%r11)
			0f 0b                         ;  91 ud2
			48 8d 15 0f 00 00 00          ;  93 leaq 15(%rip), %rdx # 0xa9 <l5>
			4c 01 5b 20                   ;  9a addq %r11, 32(%rbx)
			48 89 54 24 f8                ;  9e movq %rdx, -8(%rsp)
			ff 64 24 f8                   ;  a3 jmpq *-8(%rsp)
			0f 0b                         ;  a7 ud2
			48 8d 15 04 00 00 00          ;  a9 leaq 4(%rip), %rdx # 0xb4 <l6>
			52                            ;  b0 pushq %rdx
			c3                            ;  b1 retq
			0f 0b                         ;  b2 ud2
			48 8d 15 0a 00 00 00          ;  b4 leaq 10(%rip), %rdx # 0xc5 <l7>
			6a 01                         ;  bb pushq $1
			6a 02                         ;  bd pushq $2
			52                            ;  bf pushq %rdx
			c2 10 00                      ;  c0 retq $16
			0f 0b                         ;  c3 ud2
			48 89 e5                      ;  c5 movq %rsp, %rbp
			48 8d 15 12 00 00 00          ;  c8 leaq 18(%rip), %rdx # 0xe1 <l8>
			48 89 53 40                   ;  cf movq %rdx, 64(%rbx)
			48 8d 63 40                   ;  d3 leaq 64(%rbx), %rsp
			48 87 d4                      ;  d7 xchgq %rsp, %rdx
			48 89 ec                      ;  da movq %rbp, %rsp
			ff 22                         ;  dd jmpq *(%rdx)
			0f 0b                         ;  df ud2
			48 87 d4                      ;  e1 xchgq %rsp, %rdx
			48 8d 25 04 00 00 00          ;  e4 leaq 4(%rip), %rsp # 0xef <l9>
			ff e4                         ;  eb jmpq *%rsp
			0f 0b                         ;  ed ud2
			48 89 ec                      ;  ef movq %rbp, %rsp
			64 48 8b 14 25 00 00 00 00    ;  f2 movq %fs:0, %rdx
			64 48 89 14 25 08 00 00 00    ;  fb movq %rdx, %fs:8
			be 08 00 00 00                ; 104 movl $8, %esi
			64 83 46 08 03                ; 109 addl $3, %fs:8(%rsi)
			64 48 ff 44 36 08             ; 10e incq %fs:8(%rsi,%rsi)
			64 f0 48 0f c1 14 25 10 00 00 00; 114 lock xaddq %rdx, %fs:16
			48 c7 c2 ff ff ff ff          ; 11f movq $-1, %rdx
			64 48 83 3e 01                ; 126 cmpq $1, %fs:(%rsi)
			64 83 14 25 28 00 00 00 09    ; 12b adcl $9, %fs:40
			64 44 8b 04 25 28 00 00 00    ; 134 movl %fs:40, %r8d
			45 31 c9                      ; 13d xorl %r9d, %r9d
			41 83 e9 01                   ; 140 subl $1, %r9d
			72 02                         ; 144 jb 0x148 <l10>
			0f 0b                         ; 146 ud2
			9c                            ; 148 pushfq
			41 5a                         ; 149 popq %r10
			41 52                         ; 14b pushq %r10
			9d                            ; 14d popfq
			48 8d bb 80 00 00 00          ; 14e leaq 128(%rbx), %rdi
			48 8d 73 10                   ; 155 leaq 16(%rbx), %rsi
			b9 14 00 00 00                ; 159 movl $20, %ecx
			f3 a4                         ; 15e rep movsb (%rsi), %es:(%rdi)
			eb 02                         ; 160 jmp 0x164 <l11>
			0f 0b                         ; 162 ud2
			eb 1c                         ; 164 jmp 0x182 <fs>
			ff 43 18                      ; 166 incl 24(%rbx)
			8b 53 18                      ; 169 movl 24(%rbx), %edx
			f7 c2 01 00 00 00             ; 16c testl $1, %edx
			74 01                         ; 172 je 0x175 <f2>
			c3                            ; 174 retq
			52                            ; 175 pushq %rdx
			e8 02 00 00 00                ; 176 callq 0x17d <f3>
			5a                            ; 17b popq %rdx
			c3                            ; 17c retq
			83 43 24 10                   ; 17d addl $16, 36(%rbx)
			c3                            ; 181 retq
			64 48 8b 14 25 00 00 00 00    ; 182 movq %fs:0, %rdx
			48 8d 15 19 00 00 00          ; 18b leaq 25(%rip), %rdx # 0x1ab <l12>
			64 48 89 14 25 30 00 00 00    ; 192 movq %rdx, %fs:48
			41 bb 4f 00 00 00             ; 19b movl $79, %r11d
			64 ff 24 25 30 00 00 00       ; 1a1 jmpq *%fs:48
			0f 0b                         ; 1a9 ud2
			b9 10 00 00 00                ; 1ab movl $16, %ecx
			48 8d 15 af ff ff ff          ; 1b0 leaq -81(%rip), %rdx # 0x166 <f>
			64 48 89 14 25 38 00 00 00    ; 1b7 movq %rdx, %fs:56
			64 ff 54 09 18                ; 1c0 callq *%fs:24(%rcx,%rcx)
			64 ff 71 28                   ; 1c5 pushq %fs:40(%rcx)
			64 8f 41 10                   ; 1c9 popq %fs:16(%rcx)
			6a 07                         ; 1cd pushq $7
			64 67 66 8f 41 14             ; 1cf popw %fs:20(%ecx)
			48 83 c4 06                   ; 1d5 addq $6, %rsp
			49 89 f0                      ; 1d9 movq %rsi, %r8
			be 38 00 00 00                ; 1dc movl $56, %esi
			48 8d 7b 30                   ; 1e1 leaq 48(%rbx), %rdi
			64 a4                         ; 1e5 movsb %fs:(%rsi), %es:(%rdi)
			b9 03 00 00 00                ; 1e7 movl $3, %ecx
			f3 64 67 a4                   ; 1ec rep movsb %fs:(%esi), %es:(%edi)
			b9 05 00 00 00                ; 1f0 movl $5, %ecx
			be 10 00 00 00                ; 1f5 movl $16, %esi
			48 8d 7b 30                   ; 1fa leaq 48(%rbx), %rdi
			f3 64 a6                      ; 1fe rep cmpsb %es:(%rdi), %fs:(%rsi)
			48 89 dd                      ; 201 movq %rbx, %rbp
			bb 38 00 00 00                ; 204 movl $56, %ebx
			31 c0                         ; 209 xorl %eax, %eax
			64 d7                         ; 20b xlatb
			bf 18 00 00 00                ; 20d movl $24, %edi
			48 c7 c1 ff ff ff ff          ; 212 movq $-1, %rcx
			48 0f 6e c1                   ; 219 movq %rcx, %mm0
			64 0f f7 c0                   ; 21d maskmovq %mm0, %mm0
			0f 77                         ; 221 emms
			48 89 eb                      ; 223 movq %rbp, %rbx
			64 48 a1 38 00 00 00 00 00 00 00; 226 movabsq %fs:56, %rax
			31 d2                         ; 231 xorl %edx, %edx
			be 20 00 00 00                ; 233 movl $32, %esi
			bf 08 00 00 00                ; 238 movl $8, %edi
			31 c9                         ; 23d xorl %ecx, %ecx
			64 0f c7 0c 3e                ; 23f cmpxchg8b %fs:(%rsi,%rdi)
			64 67 0f c7 0c 3e             ; 244 cmpxchg8b %fs:(%esi,%edi)
			65 48 8b 03                   ; 24a movq %gs:(%rbx), %rax
			65 83 43 08 03                ; 24e addl $3, %gs:8(%rbx)
			65 48 ff 43 10                ; 253 incq %gs:16(%rbx)
			65 ff 33                      ; 258 pushq %gs:(%rbx)
			65 8f 43 18                   ; 25b popq %gs:24(%rbx)
			8c e8                         ; 25f movl %gs, %eax
			8c d9                         ; 261 movl %ds, %ecx
			0f a0                         ; 263 pushq %fs
			5a                            ; 265 popq %rdx
			48 8d 05 0b 00 00 00          ; 266 leaq 11(%rip), %rax # 0x278
			89 43 60                      ; 26d movl %eax, 96(%rbx)
			8c 4b 64                      ; 270 movw %cs, 100(%rbx)
			ff 6b 60                      ; 273 ljmpl *96(%rbx)
			0f 0b                         ; 276 ud2
			48 8d 05 08 00 00 00          ; 278 leaq 8(%rip), %rax # 0x287
			89 43 60                      ; 27f movl %eax, 96(%rbx)
			ff 5b 60                      ; 282 lcalll *96(%rbx)
			eb 01                         ; 285 jmp 0x288
			cb                            ; 287 lretl
			48 89 e2                      ; 288 movq %rsp, %rdx
			8c d0                         ; 28b movl %ss, %eax
			50                            ; 28d pushq %rax
			52                            ; 28e pushq %rdx
			68 47 0c 00 00                ; 28f pushq $3143
			8c c8                         ; 294 movl %cs, %eax
			50                            ; 296 pushq %rax
			48 8d 05 05 00 00 00          ; 297 leaq 5(%rip), %rax # 0x2a3
			50                            ; 29e pushq %rax
			48 cf                         ; 29f iretq
			0f 0b                         ; 2a1 ud2
			fc                            ; 2a3 cld
			f3 48 0f ae c9                ; 2a4 rdgsbaseq %rcx
			f3 48 0f ae c2                ; 2a9 rdfsbaseq %rdx
			48 29 d2                      ; 2ae subq %rdx, %rdx
			49 89 e4                      ; 2b1 movq %rsp, %r12
			54                            ; 2b4 pushq %rsp
			5a                            ; 2b5 popq %rdx
			4c 29 e2                      ; 2b6 subq %r12, %rdx
			54                            ; 2b9 pushq %rsp
			5c                            ; 2ba popq %rsp
			6a 05                         ; 2bb pushq $5
			ff 34 24                      ; 2bd pushq (%rsp)
			8f 44 24 08                   ; 2c0 popq 8(%rsp)
			ff 34 24                      ; 2c4 pushq (%rsp)
			8f 04 24                      ; 2c7 popq (%rsp)
			4c 89 e4                      ; 2ca movq %r12, %rsp
			66 54                         ; 2cd pushw %sp
			66 5c                         ; 2cf popw %sp
			c8 10 00 00                   ; 2d1 enter $16, $0
			c9                            ; 2d5 leave
			48 8d 15 06 00 00 00          ; 2d6 leaq 6(%rip), %rdx # 0x2e3 <l13>
			52                            ; 2dd pushq %rdx
			ff 24 24                      ; 2de jmpq *(%rsp)
			0f 0b                         ; 2e1 ud2
			5a                            ; 2e3 popq %rdx
			31 d2                         ; 2e4 xorl %edx, %edx
			0f 0b                         ; 2e6 ud2`

const stepEnd = 0x2e6

// TestKickEverywhere kicks a thread at every host instruction of a program in
// turn (stop); nothing the guest can see may change.
func TestKickEverywhere(t *testing.T) { eachTLS(t, testKickEverywhere) }

func testKickEverywhere(t *testing.T, tls rewrite.TLS) {
	for nth, o := range optionsOf(tls) {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			g := newGuestTLS(t, tls)
			g.setOptions(o)
			g.put(g.code, stepCode)
			s := stepper{g: g, keep: o.KeepR11}
			want := s.run(0)
			for range 3 {
				if got := s.run(0); !got.same(want) {
					t.Fatalf("two runs differ without a kick:\n%v\n%v", want, got)
				}
			}
			if want.fault.Signal != SigILL || want.fault.RIP != g.code+stepEnd {
				t.Fatalf("%+v", want.fault)
			}
			e := g.engine
			hit, short := 0, 0
			marks := slices.Concat(slices.Concat(e.hotMarks...), e.rw.HotMarks, slices.Concat(e.coldMarks...), e.rw.ColdMarks)
			at := make(map[uint32]bool)
			for _, m := range marks {
				at[m.Host] = true
			}
			for i, m := range marks {
				if testing.Short() && stopSize > 1 && i%3 != nth%3 {
					continue // a stop takes 9 ms there: the options share the instructions
				}
				if stopSize > 1 && at[m.Host+1] {
					short++
					continue
				}
				got := s.run(m.Host)
				if s.hits > 0 {
					hit++
				}
				if !got.same(want) {
					t.Errorf("a kick at host offset %#x (%+v, guest code+%#x) changes the outcome:\n%v\n%v",
						m.Host, m, uint64(m.Guest)-g.code, want, got)
				}
			}
			t.Logf("%d of %d host instructions were executed; %d that are shorter than what stops a thread were left out",
				hit, len(at), short)
			if least := 200; hit < least && (!testing.Short() || stopSize == 1 || hit < least/3) {
				t.Errorf("only %d host instructions were executed", hit)
			}
		})
	}
}

type stepper struct {
	g    *guest
	keep bool // r11 counts
	hits int
}

// outcome is all that the guest could see.
type outcome struct {
	fault *Fault
	data  []byte
	fs    []byte
}

func (o *outcome) same(p *outcome) bool {
	return o.fault != nil && p.fault != nil && *o.fault == *p.fault && bytes.Equal(o.data, p.data) && bytes.Equal(o.fs, p.fs)
}

func (o *outcome) String() string {
	return fmt.Sprintf("%+v\n data %x\n fs %x", o.fault, o.data, o.fs)
}

// run executes the program with a kick each time the host instruction at offset
// at of the code cache is reached; 0 for none.
func (s *stepper) run(at uint32) *outcome {
	g := s.g
	s.hits = 0
	code := g.engine.space.Code()
	if err := g.mem.CopyOut(g.data, make([]byte, 256)); err != nil {
		g.Fatal(err)
	}
	var word uint64
	var st *stop
	f := g.runSeen(g.code, func(ht *host.Thread) {
		word = ht.FSWord
		if _, err := host.CopyOut(word, append([]byte{0x77}, make([]byte, 63)...)); err != nil {
			g.Error(err)
		}
		ht.Block().Regs[decode.RDI] = g.data
		if at != 0 {
			st = newStop(ht, code, at)
		}
	}, func(b *host.Block) {
		if st != nil && st.reached(b) {
			s.hits++
		}
	})
	if st != nil {
		st.end()
	}
	o := &outcome{fault: f, data: make([]byte, 256), fs: make([]byte, 64)}
	if err := g.mem.CopyIn(o.data, g.data); err != nil {
		g.Fatal(err)
	}
	if _, err := host.CopyIn(o.fs, word); err != nil {
		g.Fatal(err)
	}
	if f != nil {
		f.Flags &^= 0x10000 // RF tells whether the CPU came back from an exception
		if !s.keep {
			f.Regs[decode.R11] = 0
		}
	}
	return o
}
