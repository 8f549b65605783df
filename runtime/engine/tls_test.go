package engine

import (
	"testing"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

func TestFixedBase(t *testing.T) { eachTLS(t, testFixedBase) }

func testFixedBase(t *testing.T, tls rewrite.TLS) {
	g := newGuestTLS(t, tls)
	g.put(g.code, `
		64 48 8b 04 25 00 00 00 00              ;   0 movq %fs:0, %rax
		64 48 8b 08                             ;   9 movq %fs:(%rax), %rcx
		64 48 c7 04 25 18 00 00 00 4d 00 00 00  ;   d movq $77, %fs:24
		64 48 8b 14 25 18 00 00 00              ;  1a movq %fs:24, %rdx
		66 66 66 64 48 8b 1c 25 00 00 00 00     ;  23 movq %fs:0, %rbx
		f3 48 0f ae c6                          ;  2f rdfsbaseq %rsi
		64 48 8d 6e 08                          ;  34 leaq %fs:8(%rsi), %rbp
		65 4c 8b 07                             ;  39 movq %gs:(%rdi), %r8
		0f 0b                                   ;  3d ud2`)
	var word uint64
	f := g.run(g.code, func(ht *host.Thread) {
		word = ht.FSWord
		if err := host.Store64(word, 16); err != nil {
			t.Error(err)
		}
		if err := host.Store64(word+16, 0x1234); err != nil {
			t.Error(err)
		}
		ht.Block().Regs[decode.RDI] = word + 24
	})
	if f == nil || f.RIP != g.code+0x3d {
		t.Fatalf("%+v", f)
	}
	for r, want := range map[decode.Reg]uint64{
		decode.RAX: 16, decode.RCX: 0x1234, decode.RDX: 77, decode.RBX: 16,
		decode.RSI: word, decode.RBP: word + 8, decode.R8: 77,
	} {
		if f.Regs[r] != want {
			t.Errorf("register %d is %#x, want %#x", r, f.Regs[r], want)
		}
	}
}

// TestMovingBase changes the %fs base by thread_tcb_set and by wrfsbase after
// code has been translated for the fixed one.
func TestMovingBase(t *testing.T) { eachTLS(t, testMovingBase) }

func testMovingBase(t *testing.T, tls rewrite.TLS) {
	g := newGuestTLS(t, tls)
	g.put(g.code, `
		64 48 8b 1c 25 00 00 00 00           ;   0 movq %fs:0, %rbx
		48 c7 07 92 10 00 00                 ;   9 movq $4242, (%rdi)
		b8 37 00 00 00                       ;  10 movl $55, %eax
		0f 05                                ;  15 syscall
		64 48 8b 0c 25 00 00 00 00           ;  17 movq %fs:0, %rcx
		be 07 00 00 00                       ;  20 movl $7, %esi
		64 48 8b 14 f5 08 00 00 00           ;  25 movq %fs:8(,%rsi,8), %rdx
		64 48 ff 04 25 00 00 00 00           ;  2e incq %fs:0
		f3 48 0f ae c5                       ;  37 rdfsbaseq %rbp
		48 8d b7 00 01 00 00                 ;  3c leaq 256(%rdi), %rsi
		f3 48 0f ae d6                       ;  43 wrfsbaseq %rsi
		64 c7 04 25 04 00 00 00 09 00 00 00  ;  48 movl $9, %fs:4
		64 4c 8b 08                          ;  54 movq %fs:(%rax), %r9
		0f 0b                                ;  58 ud2`)
	if err := g.mem.Store64(g.data+64, 99); err != nil {
		t.Fatal(err)
	}
	f := g.run(g.code, func(ht *host.Thread) {
		_ = host.Store64(ht.FSWord, 0x77)
		ht.Block().Regs[decode.RDI] = g.data
	})
	if f == nil || f.RIP != g.code+0x58 {
		t.Fatalf("%+v", f)
	}
	for r, want := range map[decode.Reg]uint64{
		decode.RBX: 0x77, decode.RCX: 4242, decode.RDX: 99, decode.RBP: g.data, decode.RSI: g.data + 256,
		decode.R9: 9 << 32, decode.RAX: 0,
	} {
		if f.Regs[r] != want {
			t.Errorf("register %d is %#x, want %#x", r, f.Regs[r], want)
		}
	}
	if v, _ := g.mem.Load64(g.data); v != 4243 {
		t.Errorf("the word is %d, want 4243", v)
	}
}

// TestVirtualFlags: AC never reaches the host, all other flags do. What becomes of TF
// is a case of TestSegments.
func TestVirtualFlags(t *testing.T) { eachTLS(t, testVirtualFlags) }

func testVirtualFlags(t *testing.T, tls rewrite.TLS) {
	g := newGuestTLS(t, tls)
	g.put(g.code, `
		68 d5 08 00 00      ;   0 pushq $2261
		9d                  ;   5 popfq
		9c                  ;   6 pushfq
		58                  ;   7 popq %rax
		68 d5 0a 04 00      ;   8 pushq $264917, with AC
		9d                  ;   d popfq
		9c                  ;   e pushfq
		59                  ;   f popq %rcx
		fc                  ;  10 cld
		0f 0b               ;  11 ud2`)
	f := g.run(g.code, nil)
	if f == nil || f.RIP != g.code+0x11 {
		t.Fatalf("%+v", f)
	}
	if f.Regs[decode.RAX] != 0xad7 || f.Regs[decode.RCX] != 0xad7 {
		t.Errorf("flags %#x and %#x, want 0xad7 twice", f.Regs[decode.RAX], f.Regs[decode.RCX])
	}
}
