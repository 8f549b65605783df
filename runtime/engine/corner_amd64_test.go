//go:build linux || windows

package engine

import (
	"strings"
	"testing"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// TestCorners runs code that no compiler makes. Each case runs three times, since
// the first runs translate and fill tables; with KeepR11 set beforehand, too, where
// r11 then must survive whatever the case does.
func TestCorners(t *testing.T) {
	for _, c := range []struct {
		name, code string
		end        uint64 // offset of the ud2
		want       map[decode.Reg]uint64
		keep       map[decode.Reg]uint64 // also, with KeepR11
	}{
		{"ret as a jump", `
			41 bb 2a 00 00 00             ;   0 movl $42, %r11d
			48 8d 05 04 00 00 00          ;   6 leaq 4(%rip), %rax # 0x11 <target>
			50                            ;   d pushq %rax
			c3                            ;   e retq
			0f 0b                         ;   f ud2
			4c 89 d9                      ;  11 movq %r11, %rcx
			0f 0b                         ;  14 ud2`,
			0x14, nil, map[decode.Reg]uint64{decode.RCX: 42}},
		{"call through the red zone", `
			41 bb 2a 00 00 00             ;   0 movl $42, %r11d
			48 8d 05 14 00 00 00          ;   6 leaq 20(%rip), %rax # 0x21 <f>
			48 89 44 24 f8                ;   d movq %rax, -8(%rsp)
			48 c7 44 24 f0 07 00 00 00    ;  12 movq $7, -16(%rsp)
			ff 54 24 f8                   ;  1b callq *-8(%rsp)
			0f 0b                         ;  1f ud2
			59                            ;  21 popq %rcx
			4c 89 da                      ;  22 movq %r11, %rdx
			0f 0b                         ;  25 ud2`,
			0x25, nil, map[decode.Reg]uint64{decode.RDX: 42}},
		{"last slot of the stack", `
			48 8d 67 08                   ;   0 leaq 8(%rdi), %rsp
			e8 18 00 00 00                ;   4 callq 0x21 <f>
			48 8d 05 11 00 00 00          ;   9 leaq 17(%rip), %rax # 0x21 <f>
			ff d0                         ;  10 callq *%rax
			48 89 47 40                   ;  12 movq %rax, 64(%rdi)
			ff 57 40                      ;  16 callq *64(%rdi)
			49 89 c3                      ;  19 movq %rax, %r11
			41 ff d3                      ;  1c callq *%r11
			0f 0b                         ;  1f ud2
			ff c3                         ;  21 incl %ebx
			c3                            ;  23 retq`,
			0x1f, map[decode.Reg]uint64{decode.RBX: 4}, nil},
		{"ret from a stack that cannot be written", `
			48 8d 05 08 00 00 00          ;   0 leaq 8(%rip), %rax
			48 89 e5                      ;   7 movq %rsp, %rbp
			48 89 c4                      ;   a movq %rax, %rsp
			c3                            ;   d retq
			0f 0b                         ;   e ud2`,
			0x20, map[decode.Reg]uint64{decode.RBX: 1}, nil},
	} {
		for _, keep := range []bool{false, true} {
			name := c.name
			if keep {
				name += ", KeepR11"
			}
			t.Run(name, func(t *testing.T) {
				if strings.HasPrefix(name, "last slot of the stack") || strings.HasPrefix(name, "ret from a stack that cannot") {
					needsFaultsWithoutStack(t)
				}
				g := newGuest(t)
				g.put(g.code, c.code)
				if strings.HasPrefix(c.name, "ret from") {
					g.put(g.code+0x0f, hexWord(g.code+0x1e)+"ffff ffff ffff ff ff c3 0f 0b")
				}
				g.setOptions(rewrite.Options{KeepR11: keep})
				page := g.pages(2, abi.ProtRead|abi.ProtWrite)
				if err := g.mem.Protect(page, abi.PageSize, 0); err != nil {
					t.Fatal(err)
				}
				for i := range 3 {
					f := g.run(g.code, func(ht *host.Thread) { ht.Block().Regs[decode.RDI] = page + abi.PageSize })
					if f == nil || f.Signal != SigILL || f.RIP != g.code+c.end {
						t.Fatalf("run %d ended at code+%#x: %+v", i, f.RIP-g.code, f)
					}
					for r, want := range c.want {
						if f.Regs[r] != want {
							t.Errorf("run %d: register %d is %#x, want %#x", i, r, f.Regs[r], want)
						}
					}
					for r, want := range c.keep {
						if keep && f.Regs[r] != want {
							t.Errorf("run %d: register %d is %#x, want %#x", i, r, f.Regs[r], want)
						}
					}
				}
			})
		}
	}
}

func hexWord(v uint64) string {
	const digits = "0123456789abcdef"
	var b []byte
	for range 8 {
		b = append(b, digits[v>>4&15], digits[v&15])
		v >>= 8
	}
	return string(b)
}

func (g *guest) setOptions(o rewrite.Options) {
	g.engine.mu.Lock()
	defer g.engine.mu.Unlock()
	g.engine.setOptions(o)
}

// TestFaultDetails compares what a fault reports with what the CPU reports.
func TestFaultDetails(t *testing.T) {
	g := newGuest(t)
	text := g.pages(2, abi.ProtRead|abi.ProtExec)
	if err := g.mem.Protect(text+abi.PageSize, abi.PageSize, 0); err != nil {
		t.Fatal(err)
	}
	edge := text + abi.PageSize
	for _, c := range []struct {
		name   string
		pc     uint64
		code   string
		rip    uint64
		signal int
		addr   uint64 // 0: none
		fetch  bool
		rsp    uint64
	}{
		{"sixteen bytes", g.code, "66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90", g.code, SigSEGV, 0, false, 0},
		{"int $3", g.code, "cd 03", g.code + 2, SigTRAP, 0, false, 0},
		{"int $0x80", g.code, "cd 80", g.code, SigSEGV, 0, false, 0},
		{"ret without stack", g.code, "c3", g.code, SigSEGV, 0x3000_0000, false, 0x3000_0000},
		{"ret across the end of the stack", g.code, "c3", g.code, SigSEGV, edge, false, edge - 2},
		{"instruction across the end of code", edge - 3, "90 48 b8", edge - 2, SigSEGV, edge, true, 0},
		{"the same, entered there", edge - 2, "48 b8", edge - 2, SigSEGV, edge, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.rsp != 0 {
				needsFaultsWithoutStack(t)
			}
			g.put(c.pc, c.code)
			f := g.run(c.pc, func(ht *host.Thread) {
				if c.rsp != 0 {
					ht.Block().Regs[decode.RSP] = c.rsp
				}
			})
			if f == nil || f.Signal != c.signal || f.RIP != c.rip {
				t.Fatalf("%+v, want signal %d at %#x", f, c.signal, c.rip)
			}
			if f.HasAddr != (c.addr != 0) || f.Addr != c.addr || f.Fetch != c.fetch {
				t.Errorf("address %#x (%v), fetch %v, want %#x, %v", f.Addr, f.HasAddr, f.Fetch, c.addr, c.fetch)
			}
		})
	}
}
