package inspect

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cabitrans/decode"
	"cabitrans/internal/golden"
	"cabitrans/rewrite"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/loader"
)

// disasm is the text of what q asks for.
func disasm(p *Program, q Query) (string, error) {
	var b bytes.Buffer
	err := p.Disasm(q, func(l *Listing) error { return l.WriteText(&b) })
	return b.String(), err
}

func TestDisasmGolden(t *testing.T) {
	for _, c := range []struct {
		name, guest string
		q           Query
	}{
		{"disasm-hello", "hello", Query{What: "guest_main"}},
		{"disasm-hello-v0", "hello-v0", Query{What: "raw_thread_tcb_set", TLS: AllTLS}},
		{"disasm-tls", "tls-fpic", Query{What: "next_local", TLS: AllTLS}},
		{"disasm-threads", "threads", Query{What: "thread_entry", TLS: "indirect"}},
		{"disasm-moving", "threads-v0", Query{What: "thread_entry", Moving: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, err := disasm(openGuest(t, c.guest), c.q)
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, filepath.Join("testdata", c.name+".txt"), text)
		})
	}
}

// A listing of a whole program holds each byte of its text once, in order; what is marked as copied is; and all
// strategies have the same guest instructions.
func TestDisasmWhole(t *testing.T) {
	for _, name := range []string{"hello", "hello-v0", "tls-fpic", "regs"} {
		p := openGuest(t, name)
		var want, got []byte
		for _, s := range p.text {
			want = append(want, p.at(s.Vaddr, s.Filesz)...)
		}
		if err := p.Disasm(Query{TLS: AllTLS}, func(l *Listing) error {
			next := l.Addr
			for i := range l.Lines[0] {
				g := l.Lines[0][i].Guest
				if len(g.Bytes) > 0 {
					if g.Addr != next {
						t.Fatalf("%s: %#x behind %#x", name, g.Addr, next)
					}
					next += uint64(len(g.Bytes))
					got = append(got, g.Bytes...)
				}
				for k, lines := range l.Lines {
					checkLine(t, &lines[i], &g, l.TLS[k])
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, want %d", name, len(got), len(want))
		}
	}
}

func checkLine(t *testing.T, l *Line, g *Code, tls string) {
	t.Helper()
	if l.Guest.Addr != g.Addr || !bytes.Equal(l.Guest.Bytes, g.Bytes) {
		t.Fatalf("%s: %+v beside %+v", tls, l.Guest, g)
	}
	var host []byte
	for _, c := range l.Host {
		host = append(host, c.Bytes...)
	}
	if copied := bytes.Equal(host, g.Bytes); copied != (l.Mark == ' ') && l.Mark != '!' {
		t.Fatalf("%s: %#x is marked %q: % x, % x", tls, g.Addr, l.Mark, g.Bytes, host)
	}
	if len(l.Host) == 0 && !strings.HasPrefix(g.Text, "jmp") {
		t.Fatalf("%s: %#x %s has no translation", tls, g.Addr, g.Text)
	}
}

// codeOnly is a program of nothing but code, at 0x30000.
func codeOnly(code string, funcs ...function) *Program {
	p := &Program{r: strings.NewReader(code), size: int64(len(code)), funcs: funcs}
	s := loader.Segment{Vaddr: 0x3_0000, Memsz: uint64(len(code)), Filesz: uint64(len(code)), Prot: abi.ProtRead | abi.ProtExec}
	p.text = []loader.Segment{s}
	p.image = &loader.Image{Lo: 0x3_0000, Hi: 0x4_0000, Segments: p.text}
	return p
}

// Jumps that lead nowhere, and the end of what can be decoded.
func TestDisasmCorners(t *testing.T) {
	for _, c := range []struct {
		name, code string
		want       []string // parts of the text, in this order
	}{
		{"a jump to what follows is left out", "\xeb\x00\x90\xc3", []string{"jmp 0x30002", "(left out)", "nop"}},
		{"but not where nothing follows", "\x90\xeb\x00", []string{"jmp 0x30003", "jmpq", "<0x30003, by exit_link>"}},
		{"falls out", "\x90", []string{"nop", "(what follows)", "<0x30001, by exit_link>"}},
		{"no instruction", "\x06\xc3", []string{"!    30000", "(no instruction)", "exit_trap", "retq"}},
		{"ends inside", "\x90\xe8\x00", []string{"nop", "(no instruction)", "exit_trap"}},
		{"branch into an instruction", "\xeb\xff\xc0", []string{"<0x30001, by exit_link>"}},
		{"a call to itself", "\xe8\xfb\xff\xff\xff\xc3", []string{"callq 0x30000", "pushq $0x30005", "<0x30000>", "retq"}},
		{"popf", "\x9d", []string{"!    30000", "popfq", "exit_trap"}},
		{"loop", "\xe2\xfe", []string{"loop 0x30000", "loop 0x", "jmp 0x", "<0x30000>", "(what follows)"}},
	} {
		got, err := disasm(codeOnly(c.code), Query{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		rest := got
		for _, part := range c.want {
			_, after, ok := strings.Cut(rest, part)
			if !ok {
				t.Errorf("%s: no %q where it should be in\n%s", c.name, part, got)
				break
			}
			rest = after
		}
	}
}

// More instructions than are translated at once.
func TestDisasmPieces(t *testing.T) {
	pieces, n := 0, 0
	if err := codeOnly(strings.Repeat("\x90", 3*maxPiece+5)).Disasm(Query{}, func(l *Listing) error {
		pieces++
		for _, line := range l.Lines[0] {
			n += len(line.Guest.Bytes)
		}
		return nil
	}); err != nil || pieces != 4 || n != 3*maxPiece+5 {
		t.Errorf("%v, %d pieces of %d bytes", err, pieces, n)
	}
}

func TestDisasmRanges(t *testing.T) {
	code := "\x90\x90\xc3\xcc\xcc\x90\xc3"
	funcs := []function{{lo: 0x3_0000, hi: 0x3_0003}, {lo: 0x3_0005, hi: 0x3_0005}}
	for _, c := range []struct {
		what string
		want []stretch
	}{
		{"", []stretch{{0x3_0000, 0x3_0005}, {0x3_0005, 0x3_0007}}},
		{"0x30000", []stretch{{0x3_0000, 0x3_0003}}},
		{"0x30001", []stretch{{0x3_0001, 0x3_0003}}},
		{"0x30003", []stretch{{0x3_0003, 0x3_0005}}}, // padding
		{"0x30006", []stretch{{0x3_0006, 0x3_0007}}},
	} {
		got, err := codeOnly(code, funcs...).ranges(c.what)
		var s []stretch
		for _, f := range got {
			s = append(s, stretch{f.lo, f.hi})
		}
		if err != nil || !slices.Equal(s, c.want) {
			t.Errorf("%q: %v, %+v, want %+v", c.what, err, s, c.want)
		}
	}
}

func TestDisasmRefuses(t *testing.T) {
	hello := openGuest(t, "hello")
	far := codeOnly("\x90")
	far.image.Hi = 0x7000_0000
	broken := errors.New("broken pipe")
	for _, c := range []struct {
		name string
		p    *Program
		q    Query
		kind error
		want string
	}{
		{"no such symbol", hello, Query{What: "nobody"}, ErrNoSymbol,
			`there is no such symbol as "nobody"; an address begins with 0x`},
		{"no symbols", codeOnly("\x90"), Query{What: "nobody"}, ErrNoSymbol,
			`there is no such symbol as "nobody"; the program has none; an address begins with 0x`},
		{"a number without 0x", hello, Query{What: "19d0"}, ErrNoSymbol,
			`there is no such symbol as "19d0"; an address begins with 0x`},
		{"no number", hello, Query{What: "0xyz"}, ErrNoSymbol, `there is no such symbol as "0xyz"; an address begins with 0x`},
		{"too large a number", hello, Query{What: "0x11111111111111111"}, ErrNoSymbol,
			`there is no such symbol as "0x11111111111111111"; an address begins with 0x`},
		{"data", hello, Query{What: "0x4510"}, ErrNotText, `there are no instructions at 0x4510; executable are 0x1980 to 0x350a`},
		{"nothing", hello, Query{What: "0x350a"}, ErrNotText, `there are no instructions at 0x350a; executable are 0x1980 to 0x350a`},
		{"the end of all", hello, Query{What: "0xffffffffffffffff"}, ErrNotText,
			`there are no instructions at 0xffffffffffffffff; executable are 0x1980 to 0x350a`},
		{"strategy", hello, Query{TLS: "magic"}, rewrite.ErrTLS, `there is no TLS strategy "magic"; on this host there are ` +
			strings.Join(TLSNames(), ", ")},
		{"far away", far, Query{}, ErrPlace,
			"it lies outside of guest memory, for which alone there are translations: 0x30000 to 0x70000000"},
		{"output", hello, Query{}, broken, "broken pipe"},
	} {
		err := c.p.Disasm(c.q, func(*Listing) error { return broken })
		if !errors.Is(err, c.kind) || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

func FuzzDisasm(f *testing.F) {
	f.Add([]byte("\x64\x48\x8b\x04\x25\x00\x00\x00\x00\xc3"), false)
	f.Add([]byte("\xe2\xfe\x0f\x05\xff\xe0\xe8\x00\x00\x00\x00\x9d\x06"), true)
	f.Fuzz(func(t *testing.T, code []byte, moving bool) {
		if len(code) == 0 {
			return
		}
		n := 0
		p := codeOnly(string(code), function{lo: 0x3_0000, hi: 0x3_0000})
		if err := p.Disasm(Query{TLS: AllTLS, Moving: moving}, func(l *Listing) error {
			for i := range l.Lines[0] {
				line := &l.Lines[0][i]
				n += len(line.Guest.Bytes)
				if line.Mark == ' ' {
					checkLine(t, line, &line.Guest, l.TLS[0])
				}
				var in decode.Inst
				if len(line.Guest.Bytes) > 1 && in.Decode(line.Guest.Bytes, line.Guest.Addr) != nil {
					t.Fatalf("%+v", line)
				}
			}
			return l.WriteText(new(bytes.Buffer))
		}); err != nil || n != len(code) {
			t.Fatalf("%v, %d bytes of %d", err, n, len(code))
		}
	})
}
