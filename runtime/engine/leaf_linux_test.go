//go:build amd64

package engine

import (
	"testing"

	"cabitrans/rewrite"
)

// leafCode calls functions that are copied: one that only reads, one that writes, one with
// branches and two returns, one that drops arguments, one with a frame, one that changes its
// return address, and one with operands in %fs.
const leafCode = `
			48 89 fb                      ;   0 mov %rdi,%rbx
			41 bb 34 12 00 00             ;   3 mov $0x1234,%r11d
			b9 03 00 00 00                ;   9 mov $0x3,%ecx
			e8 2a 00 00 00                ;   e call 3d <l1>
			e8 37 00 00 00                ;  13 call 4f <l2>
			e8 36 00 00 00                ;  18 call 53 <l3>
			6a 05                         ;  1d push $0x5
			6a 06                         ;  1f push $0x6
			e8 42 00 00 00                ;  21 call 68 <l4>
			e8 45 00 00 00                ;  26 call 70 <l5>
			e8 4c 00 00 00                ;  2b call 7c <l6>
			0f 0b                         ;  30 ud2
			e8 4b 00 00 00                ;  32 call 82 <l7>
			ff c9                         ;  37 dec %ecx
			75 d3                         ;  39 jne e <loop>
			0f 0b                         ;  3b ud2
			64 48 8b 04 25 00 00 00 00    ;  3d mov %fs:0x0,%rax
			48 8d 50 08                   ;  46 lea 0x8(%rax),%rdx
			48 83 c2 01                   ;  4a add $0x1,%rdx
			c3                            ;  4e ret
			ff 43 18                      ;  4f incl 0x18(%rbx)
			c3                            ;  52 ret
			f7 c1 01 00 00 00             ;  53 test $0x1,%ecx
			74 04                         ;  59 je 5f <l3a>
			03 53 18                      ;  5b add 0x18(%rbx),%edx
			c3                            ;  5e ret
			83 c2 07                      ;  5f add $0x7,%edx
			eb 00                         ;  62 jmp 64 <l3b>
			83 f2 09                      ;  64 xor $0x9,%edx
			c3                            ;  67 ret
			48 8b 74 24 08                ;  68 mov 0x8(%rsp),%rsi
			c2 10 00                      ;  6d ret $0x10
			55                            ;  70 push %rbp
			48 89 e5                      ;  71 mov %rsp,%rbp
			0f b6 43 18                   ;  74 movzbl 0x18(%rbx),%eax
			01 c2                         ;  78 add %eax,%edx
			5d                            ;  7a pop %rbp
			c3                            ;  7b ret
			48 83 04 24 02                ;  7c addq $0x2,(%rsp)
			c3                            ;  81 ret
			64 89 14 25 10 00 00 00       ;  82 mov %edx,%fs:0x10
			64 83 04 25 08 00 00 00 02    ;  8a addl $0x2,%fs:0x8
			64 83 3c 25 18 00 00 00 00    ;  93 cmpl $0x0,%fs:0x18
			c3                            ;  9c ret`

const leafEnd = 0x3b

// TestTracedLeaves kicks a thread at every host instruction of leafCode.
func TestTracedLeaves(t *testing.T) { eachTLS(t, testTracedLeaves) }

func testTracedLeaves(t *testing.T, tls rewrite.TLS) {
	traced(t, func(tr *tracee) {
		for _, o := range optionsOf(tls) {
			s := &sequencer{code: leafCode, end: leafEnd, least: 40}
			tracedProgram(tr, tls, o, s)
			if s.leaves < 3 && *without == "" {
				tr.t.Errorf("%+v: %d copies", o, s.leaves)
			}
		}
	})
}
