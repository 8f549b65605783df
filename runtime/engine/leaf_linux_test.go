//go:build amd64

package engine

import (
	"testing"

	"cabitrans/rewrite"
)

// leafCode calls functions that are copied: one that only reads, one that writes, one with
// branches and two returns, one that drops arguments, one with a frame, one that changes its
// return address, and one with operands in %fs. Indirect calls enter copies, too, from a
// function that leaves r11 alone.
const leafCode = `
			48 89 fb                      ;   0 mov %rdi,%rbx
			b9 03 00 00 00                ;   3 mov $0x3,%ecx
			e8 04 00 00 00                ;   8 call 11 <work>
			31 c0                         ;   d xor %eax,%eax
			0f 0b                         ;   f ud2
			e8 61 00 00 00                ;  11 call 77 <l1>
			e8 6e 00 00 00                ;  16 call 89 <l2>
			e8 6d 00 00 00                ;  1b call 8d <l3>
			6a 05                         ;  20 push $0x5
			6a 06                         ;  22 push $0x6
			e8 79 00 00 00                ;  24 call a2 <l4>
			e8 7c 00 00 00                ;  29 call aa <l5>
			e8 83 00 00 00                ;  2e call b6 <l6>
			0f 0b                         ;  33 ud2
			e8 82 00 00 00                ;  35 call bc <l7>
			48 8d 05 4c 00 00 00          ;  3a lea 0x4c(%rip),%rax # 8d <l3>
			ff d0                         ;  41 call *%rax
			48 89 43 28                   ;  43 mov %rax,0x28(%rbx)
			ff 53 28                      ;  47 call *0x28(%rbx)
			48 8d 05 38 00 00 00          ;  4a lea 0x38(%rip),%rax # 89 <l2>
			48 89 43 28                   ;  51 mov %rax,0x28(%rbx)
			ff 53 28                      ;  55 call *0x28(%rbx)
			ff d0                         ;  58 call *%rax
			48 8d 05 76 00 00 00          ;  5a lea 0x76(%rip),%rax # d7 <l8>
			6a 08                         ;  61 push $0x8
			ff d0                         ;  63 call *%rax
			48 8d 05 36 00 00 00          ;  65 lea 0x36(%rip),%rax # a2 <l4>
			6a 09                         ;  6c push $0x9
			6a 0a                         ;  6e push $0xa
			ff d0                         ;  70 call *%rax
			ff c9                         ;  72 dec %ecx
			75 9b                         ;  74 jne 11 <work>
			c3                            ;  76 ret
			64 48 8b 04 25 00 00 00 00    ;  77 mov %fs:0x0,%rax
			48 8d 50 08                   ;  80 lea 0x8(%rax),%rdx
			48 83 c2 01                   ;  84 add $0x1,%rdx
			c3                            ;  88 ret
			ff 43 18                      ;  89 incl 0x18(%rbx)
			c3                            ;  8c ret
			f7 c1 01 00 00 00             ;  8d test $0x1,%ecx
			74 04                         ;  93 je 99 <l3a>
			03 53 18                      ;  95 add 0x18(%rbx),%edx
			c3                            ;  98 ret
			83 c2 07                      ;  99 add $0x7,%edx
			eb 00                         ;  9c jmp 9e <l3b>
			83 f2 09                      ;  9e xor $0x9,%edx
			c3                            ;  a1 ret
			48 8b 74 24 08                ;  a2 mov 0x8(%rsp),%rsi
			c2 10 00                      ;  a7 ret $0x10
			55                            ;  aa push %rbp
			48 89 e5                      ;  ab mov %rsp,%rbp
			0f b6 43 18                   ;  ae movzbl 0x18(%rbx),%eax
			01 c2                         ;  b2 add %eax,%edx
			5d                            ;  b4 pop %rbp
			c3                            ;  b5 ret
			48 83 04 24 02                ;  b6 addq $0x2,(%rsp)
			c3                            ;  bb ret
			64 89 14 25 10 00 00 00       ;  bc mov %edx,%fs:0x10
			64 83 04 25 08 00 00 00 02    ;  c4 addl $0x2,%fs:0x8
			64 83 3c 25 18 00 00 00 00    ;  cd cmpl $0x0,%fs:0x18
			c3                            ;  d6 ret
			8b 73 18                      ;  d7 mov 0x18(%rbx),%esi
			01 f2                         ;  da add %esi,%edx
			c2 08 00                      ;  dc ret $0x8`

const leafEnd = 0xf

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
