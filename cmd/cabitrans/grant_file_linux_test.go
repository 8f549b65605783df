package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// What the attributes of a !file say holds for the program that gets it.
func TestFileForProgram(t *testing.T) {
	const old = "old\n"
	const noOutput = 121 // of guests/lib/print.c
	for _, tt := range []struct {
		attributes string
		status     int
		then       func(greeting string) string
	}{
		{"access: write, create: true, truncate: true", 0, func(g string) string { return g }},
		{"access: write, append: true", 0, func(g string) string { return old + g }},
		{"access: read-write, append: true, rights: [fd_write]", 0, func(g string) string { return old + g }},
		{"access: write, append: true, rights: [fd_read]", noOutput, func(string) string { return old }},
		{"access: write, append: true, rights: []", noOutput, func(string) string { return old }},
		{"access: read", noOutput, func(string) string { return old }},
		{"", noOutput, func(string) string { return old }},
	} {
		greeting := cabitrans(declare+"stdout: !fd stdout\nmessage: hi\n", "run", guest(t, "hello")).run(t).stdout
		path := filepath.Join(t.TempDir(), "out")
		if err := os.WriteFile(path, []byte(old), 0o666); err != nil {
			t.Fatal(err)
		}
		conf := fmt.Sprintf("%sstdout: !file { path: %q, %s }\nmessage: hi\n", declare, path, tt.attributes)
		o := cabitrans(conf, "run", guest(t, "hello")).run(t)
		if o.status != tt.status || o.stdout != "" {
			t.Errorf("%s: %+v, want status %d", tt.attributes, o, tt.status)
		}
		if b, err := os.ReadFile(path); err != nil || greeting == "" || string(b) != tt.then(greeting) {
			t.Errorf("%s: the file is %q, %v; want %q", tt.attributes, b, err, tt.then(greeting))
		}
	}
}
