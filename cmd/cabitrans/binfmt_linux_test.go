package main

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// unescape reads the kernel's escapes.
func unescape(t *testing.T, s string) []byte {
	t.Helper()
	b := regexp.MustCompile(`\\x[0-9a-f]{2}`).ReplaceAllStringFunc(s, func(e string) string {
		b, err := hex.DecodeString(e[2:])
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	})
	return []byte(b)
}

// TestBinfmtMagic: the kernel would start cabitrans for every guest, and for nothing else.
func TestBinfmtMagic(t *testing.T) {
	magic, mask := unescape(t, binfmtMagic), unescape(t, binfmtMask)
	if len(magic) != 20 || len(mask) != len(magic) {
		t.Fatalf("%d bytes, and %d of the mask", len(magic), len(mask))
	}
	matches := func(path string) bool {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		head := bytes.Clone(b[:len(magic)])
		for i := range head {
			head[i] &= mask[i]
		}
		return bytes.Equal(head, magic)
	}
	guests, err := filepath.Glob("../../guests/bin/*")
	if err != nil || len(guests) < 50 {
		t.Fatal(guests, err)
	}
	for _, g := range guests {
		if !matches(g) {
			t.Errorf("%s is not recognized", g)
		}
	}
	if matches("/proc/self/exe") {
		t.Error("a Linux program is taken for one of CloudABI")
	}
}

// TestBinfmtRegistration plays the kernel's part in a directory.
func TestBinfmtRegistration(t *testing.T) {
	dir := t.TempDir()
	b := registration{dir: filepath.Join(dir, "kernel"), exe: filepath.Join(dir, "cabitrans"), link: filepath.Join(dir, binfmtName)}
	expect := func(err error, want string) {
		t.Helper()
		if err == nil && want != "" || err != nil && !strings.Contains(err.Error(), want) || err != nil && want == "" {
			t.Errorf("%v, want %q", err, want)
		}
	}
	linked := func(want bool) {
		t.Helper()
		if _, err := os.Lstat(b.link); (err == nil) != want {
			t.Errorf("the link: %v", err)
		}
	}
	expect(b.install(), "mount -t binfmt_misc")
	expect(b.remove(), "mount -t binfmt_misc")
	linked(false)
	if err := os.Mkdir(b.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	register := filepath.Join(b.dir, "register")
	if err := os.WriteFile(register, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	expect(b.remove(), "is not registered")
	expect(b.install(), "")
	linked(true)
	if line, err := os.ReadFile(register); err != nil || string(line) != b.line() {
		t.Errorf("registered %q, %v", line, err)
	}
	entry := filepath.Join(b.dir, binfmtName)
	if err := os.WriteFile(entry, []byte("enabled\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	expect(b.install(), "is registered already")
	expect(b.remove(), "")
	linked(false)
	if text, err := os.ReadFile(entry); err != nil || string(text) != "-1abled\n" { // the kernel's files are no files
		t.Errorf("told %q, %v", text, err)
	}
	if err := os.Remove(entry); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(register, 0o444); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() != 0 {
		expect(b.install(), "only root can write to")
		linked(false)
	}
	b.link = filepath.Join(dir, "a:b")
	expect(b.install(), "no path with a colon")
}

// TestBinfmtCommand: what is printed, and how the kernel's call is taken.
func TestBinfmtCommand(t *testing.T) {
	o := cabitrans("", "binfmt").run(t)
	want := ":" + binfmtName + ":M::" + binfmtMagic + ":" + binfmtMask + ":/"
	if o.status != 0 || o.stderr != "" || !strings.HasPrefix(o.stdout, want) || !strings.HasSuffix(o.stdout, "/"+binfmtName+":\n") {
		t.Errorf("%+v", o)
	}
	hello := guest(t, "hello")
	kernel := func(args ...string) call {
		return call{args: append([]string{"/usr/bin/" + binfmtName}, args...), stdin: helloConf}
	}
	kernel(hello).run(t).expect(t, outcome{stdout: helloText})
	kernel(hello, "x").run(t).expect(t, outcome{status: 127, stderr: `cabitrans: unexpected argument "x": CloudABI programs take no ` +
		"command line, their arguments are in the configuration, on standard input\n"})
	kernel().run(t).expect(t, outcome{status: 127,
		stderr: "cabitrans: the kernel calls cabitrans-binfmt, with the path of a program; cabitrans run is for people\n"})
	for args, want := range map[string]string{
		"binfmt x":                  `binfmt takes no argument, but there is "x"`,
		"binfmt --print --remove":   "binfmt does one thing at a time: --print, --install or --remove",
		"binfmt --install --remove": "binfmt does one thing at a time: --print, --install or --remove",
	} {
		cabitrans("", strings.Fields(args)...).run(t).expect(t, outcome{stderr: "cabitrans: " + want + "\n", status: 127})
	}
}
