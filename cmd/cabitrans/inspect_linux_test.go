package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// inspectFile writes a file for a test.
func inspectFile(t *testing.T, name string, b []byte, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// farAway is hello-v0 linked where guest memory ends: the program headers say so,
// which is all that is looked at before it would be loaded.
func farAway(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile(guest(t, "hello-v0"))
	if err != nil {
		t.Fatal(err)
	}
	const up = 0x6 // of 2^28 bytes: added to the highest byte of 32-bit addresses
	b[24+3] += up << 4
	for at := 64; at < 64+6*56; at += 56 {
		if b[at] != 0 && b[at+16+2] == 0x20 { // an address of this program
			b[at+16+3] += up << 4
		}
	}
	return b
}

func TestInspectStatus(t *testing.T) {
	hello, err := os.ReadFile(guest(t, "hello"))
	if err != nil {
		t.Fatal(err)
	}
	const runs = "\nit would run here\n"
	for _, c := range []struct {
		name   string
		args   []string
		status int
		want   string // the end of what it writes, or begins in standard error if the status is 127
	}{
		{"runs", []string{guest(t, "hello")}, 0, runs},
		{"fixed address", []string{guest(t, "hello-v0")}, 0, runs},
		{"Linux program", []string{"/proc/self/exe"}, 1, "compile it for x86_64-unknown-cloudabi\n"},
		{"script", []string{inspectFile(t, "x", []byte("#!/bin/sh\n"), 0o755)}, 1,
			"not an ELF executable: it is a script; give a program compiled for x86_64-unknown-cloudabi\n"},
		{"truncated", []string{inspectFile(t, "x", hello[:3000], 0o755)}, 1, "copy or build it again\n"},
		{"not to be executed", []string{inspectFile(t, "x", hello, 0o644)}, 1,
			"\nit would not run here: it is not marked as executable; chmod +x allows it to run\n"},
		{"far away", []string{inspectFile(t, "x", farAway(t), 0o755)}, 1,
			"it must lie at addresses 0x60200000 to 0x60204000, outside of guest memory (0x20000 to 0x60000000)\n"},
		{"flag behind", []string{guest(t, "hello"), "-v"}, 0, runs},
		{"a name like a flag", []string{"--", "-v"}, 127, "cabitrans: cannot inspect -v: no such file or directory\n"},
		{"no program", nil, 127, "cabitrans: inspect needs the path of one program; cabitrans help shows how\n"},
		{"two programs", []string{"a", "b"}, 127, "cabitrans: inspect needs the path of one program; cabitrans help shows how\n"},
		{"no such file", []string{"/nowhere"}, 127, "cabitrans: cannot inspect /nowhere: no such file or directory\n"},
		{"a directory", []string{"/"}, 127, "cabitrans: cannot inspect /: it is a directory\n"},
		{"a device", []string{"/dev/null"}, 127, "cabitrans: cannot inspect /dev/null: it is not a regular file\n"},
		{"no such flag", []string{"--yaml", "x"}, 127,
			"cabitrans: flag provided but not defined: -yaml; cabitrans help lists the flags\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := cabitrans("", append([]string{"inspect"}, c.args...)...).run(t)
			if o.status != c.status {
				t.Errorf("status %d, want %d: %+v", o.status, c.status, o)
			}
			if c.status == 127 {
				o.expect(t, outcome{stderr: c.want, status: 127})
			} else if !strings.HasSuffix(o.stdout, c.want) || o.stderr != "" {
				t.Errorf("%+v, want %q", o, c.want)
			}
		})
	}
}

func TestInspectJSON(t *testing.T) {
	for _, c := range []struct {
		path   string
		status int
		keys   []string
	}{
		{guest(t, "hello"), 0, []string{"file", "size", "runs", "type", "generation", "entry", "segments", "tls", "notes",
			"symbols", "relocations", "vdso", "syscalls", "fs", "gs", "special", "text"}},
		{"/proc/self/exe", 1, []string{"file", "size", "runs", "why"}},
	} {
		o := cabitrans("", "inspect", c.path, "--json").run(t)
		var got map[string]any
		if err := json.Unmarshal([]byte(o.stdout), &got); err != nil || o.status != c.status || o.stderr != "" {
			t.Fatalf("%v in %+v", err, o)
		}
		for _, k := range c.keys {
			if _, ok := got[k]; !ok {
				t.Errorf("%s: no %q", c.path, k)
			}
		}
		if got["runs"] != (c.status == 0) || len(got) != len(c.keys) {
			t.Errorf("%s: %v", c.path, got)
		}
	}
}

// What cannot be written is no success.
func TestInspectFull(t *testing.T) {
	o := call{args: []string{"cabitrans", "inspect", guest(t, "hello")}, shell: `"$@" >/dev/full`}.run(t)
	o.expect(t, outcome{stderr: "cabitrans: cannot write the report: no space left on device\n", status: 127})
}
