package inspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cabitrans/internal/golden"
	"cabitrans/runtime/loader"
)

// guestBytes is the file of a guest program of the repository.
func guestBytes(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "guests", "bin", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func open(name string, b []byte) (*Program, error) {
	return Open(name, bytes.NewReader(b), int64(len(b)))
}

func openGuest(t testing.TB, name string) *Program {
	t.Helper()
	p, err := open(name, guestBytes(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestReportGolden(t *testing.T) {
	for _, name := range []string{"hello", "hello-v0", "tls", "tls-fpic", "threads", "regs-v0"} {
		t.Run(name, func(t *testing.T) {
			r, err := openGuest(t, name).Report(false)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := r.WriteText(&b); err != nil {
				t.Fatal(err)
			}
			golden.Check(t, filepath.Join("testdata", name+".txt"), b.String())
			b.Reset()
			if err := r.WriteJSON(&b); err != nil {
				t.Fatal(err)
			}
			if !json.Valid(b.Bytes()) {
				t.Errorf("no JSON: %s", &b)
			}
			if name == "hello-v0" {
				golden.Check(t, filepath.Join("testdata", name+".json"), b.String())
			}
		})
	}
}

// Of each guest it is known by what it was built as.
func TestGenerations(t *testing.T) {
	for name, want := range map[string]int{
		"hello": 3, "hello-v0": 0, "hello-v1": 1, "hello-v2": 2, "threads-v1": 1, "tls-v2": 2, "fork-v0": 0, "regs-v1": 1,
		"tls-safestack": 3, "calls": 3,
	} {
		r, err := openGuest(t, name).Report(false)
		if err != nil {
			t.Fatal(err)
		}
		if r.Generation.Number != want || !r.Generation.Certain && name != "calls" {
			t.Errorf("%s: %+v, want %d", name, r.Generation, want)
		}
	}
}

// What no guest of the repository is.
func TestOtherGenerations(t *testing.T) {
	table := VDSO{Form: formName, Names: []string{"fd_read", nameTCBSet}}
	later := VDSO{Form: formName, Names: []string{"fd_read"}}
	some := Syscalls{Count: 2, Calls: []RawSyscall{{Number: 10, Name: "fd_read"}}}
	sets := Syscalls{Count: 2, Calls: []RawSyscall{{Number: 55, Name: nameTCBSet}}}
	dark := Syscalls{Count: 2, Unknown: 1}
	for _, c := range []struct {
		name    string
		pie     bool
		v       VDSO
		s       Syscalls
		number  int
		certain bool
	}{
		{"falls back on all of 2016-06", true, table, sets, 2, false},
		{"falls back on all of 2017-01", true, later, some, 3, false},
		{"names, and its own base", true, later, sets, 1, false},
		{"a call that may be any", true, VDSO{}, dark, 2, false},
		{"no calls", true, VDSO{}, Syscalls{}, 3, false},
		{"fixed, no calls", false, VDSO{}, Syscalls{}, 0, false},
		{"fixed, unknown calls", false, VDSO{}, dark, 0, true},
		{"fixed, with names", false, later, Syscalls{}, 3, false},
	} {
		g := generation(c.pie, &Contents{VDSO: c.v, Syscalls: c.s})
		if g.Number != c.number || g.Certain != c.certain || g.Why == "" {
			t.Errorf("%s: %+v, want %d, %v", c.name, g, c.number, c.certain)
		}
	}
}

// All sites are listed on demand.
func TestAllSites(t *testing.T) {
	r, err := openGuest(t, "tls-fpic").Report(true)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.FS.Forms {
		if f.Count != len(f.Sites) || f.Count == 0 {
			t.Errorf("%s: %d sites of %d", f.Text, len(f.Sites), f.Count)
		}
	}
	if f := r.FS.Forms[0]; f.Text != "mov %fs:0x0,%r64" || f.Count <= shortList {
		t.Errorf("the most frequent form is %q, %d times", f.Text, f.Count)
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "not an ELF executable: the file is empty"},
		{"script", []byte("#!/bin/sh\n"), "not an ELF executable: it is a script"},
		{"truncated", guestBytes(t, "hello")[:3000], "the file is truncated"},
		{"half a header", guestBytes(t, "hello")[:40], "the file is truncated"},
	} {
		_, err := open(c.name, c.file)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
			continue
		}
		r := Refused(c.name, int64(len(c.file)), err)
		var b bytes.Buffer
		if err := r.WriteText(&b); err != nil || !strings.Contains(b.String(), "it would not run here: "+c.want) {
			t.Errorf("%s: %v, %q", c.name, err, &b)
		}
		b.Reset()
		var back map[string]any
		if err := r.WriteJSON(&b); err != nil || json.Unmarshal(b.Bytes(), &back) != nil || back["runs"] != false || len(back) != 4 {
			t.Errorf("%s: %v, %s", c.name, err, &b)
		}
	}
}

// A file that shrinks after its headers were read.
func TestShrinks(t *testing.T) {
	b := guestBytes(t, "hello")
	p, err := open("hello", b)
	if err != nil {
		t.Fatal(err)
	}
	p.r = bytes.NewReader(b[:2000])
	if _, err := p.Report(false); err == nil || !strings.Contains(err.Error(), loader.ErrTruncated.Error()) {
		t.Errorf("%v", err)
	}
}

func FuzzReport(f *testing.F) {
	for _, name := range []string{"hello", "hello-v0", "tls-fpic"} {
		f.Add(guestBytes(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := open("x", b)
		if err != nil {
			return
		}
		r, err := p.Report(false)
		if err != nil {
			t.Fatal(err) // all of the file can be read
		}
		x := r.Text
		if x.Undecodable > x.Bytes || x.InFunctions > x.Bytes || uint64(x.Instructions) > x.Bytes {
			t.Fatalf("%+v", x)
		}
		var out bytes.Buffer
		if err := r.WriteJSON(&out); err != nil || !json.Valid(out.Bytes()) {
			t.Fatal(err)
		}
		if err := r.WriteText(&out); err != nil {
			t.Fatal(err)
		}
		n := uint64(0)
		err = p.Disasm(Query{}, func(l *Listing) error {
			for _, line := range l.Lines[0] {
				n += uint64(len(line.Guest.Bytes))
			}
			return nil
		})
		if !errors.Is(err, ErrPlace) && (err != nil || n != x.Bytes) {
			t.Fatalf("%v, %d bytes of %d", err, n, x.Bytes)
		}
	})
}
