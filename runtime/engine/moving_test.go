package engine

import (
	"fmt"
	"sync"
	"testing"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// TestMovingBaseWhileRunning lets threads, all in code translated for the fixed
// base, set bases of their own at different times: the first of them switches the
// translations of all others under their feet.
func TestMovingBaseWhileRunning(t *testing.T) { eachTLS(t, testMovingBaseWhileRunning) }

func testMovingBaseWhileRunning(t *testing.T, tls rewrite.TLS) {
	g := newGuestTLS(t, tls)
	own := uint64(8) // of guest's memory behind the word at the initial base
	if packed {
		own = 0 // on Windows what is behind the word belongs to others: it is a slot of the TEB
	}
	g.put(g.code, fmt.Sprintf(`
		; rbx = word at the initial base, rcx = turns, rdi = new base, r12 = word there
		64 48 8b 04 25 00 00 00 00    ;   0 movq %%fs:0, %%rax
		48 39 d8                      ;   9 cmpq %%rbx, %%rax
		75 3e                         ;   c jne 0x4c <bad>
		64 48 8b 14 25 %02x 00 00 00  ;   e movq %%fs:own, %%rdx
		48 39 da                      ;  17 cmpq %%rbx, %%rdx
		75 30                         ;  1a jne 0x4c <bad>
		48 ff c9                      ;  1c decq %%rcx
		75 df                         ;  1f jne 0x0
		b8 37 00 00 00                ;  21 movl $55, %%eax
		0f 05                         ;  26 syscall
		b9 a0 86 01 00                ;  28 movl $100000, %%ecx
		64 48 8b 04 25 00 00 00 00    ;  2d movq %%fs:0, %%rax
		4c 39 e0                      ;  36 cmpq %%r12, %%rax
		75 11                         ;  39 jne 0x4c <bad>
		64 48 83 04 25 08 00 00 00 01 ;  3b addq $1, %%fs:8
		48 ff c9                      ;  45 decq %%rcx
		75 e3                         ;  48 jne 0x2d
		0f 0b                         ;  4a ud2
		cc                            ;  4c int3`, own))
	const threads = 8
	var wg sync.WaitGroup
	for i := range uint64(threads) {
		base := g.data + 64*i
		// Of its own: some systems write a fault's record to it.
		stack := g.pages(stackSize/abi.PageSize, abi.ProtRead|abi.ProtWrite) + stackSize
		if err := g.mem.Store64(base, 1000+i); err != nil {
			t.Fatal(err)
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			f := g.run(g.code, func(ht *host.Thread) {
				_ = host.Store64(ht.FSWord, i)
				_ = host.Store64(ht.FSWord+own, i)
				r := &ht.Block().Regs
				r[decode.RBX], r[decode.RCX], r[decode.RDI], r[decode.R12] = i, 1_000_000*(i+1), base, 1000+i
				r[decode.RSP] = stack
			})
			if f == nil || f.RIP != g.code+0x4a {
				t.Errorf("thread %d: %+v", i, f)
			}
		}()
	}
	wg.Wait()
	for i := range uint64(threads) {
		if v, err := g.mem.Load64(g.data + 64*i + 8); err != nil || v != 100_000 {
			t.Errorf("thread %d counted to %d (%v)", i, v, err)
		}
	}
	want := uint64(1)
	if tls.FS().Follows() {
		want = 0
	}
	if n := g.engine.Stats().Flushes; n != want {
		t.Errorf("%d flushes, want %d", n, want)
	}
}
