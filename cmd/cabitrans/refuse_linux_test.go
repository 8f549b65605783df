package main

import (
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"cabitrans/runtime"
)

// badFiles are files that cannot be run, by name.
func badFiles() map[string][]byte {
	good := exitAt(0x2000_0000, nil)
	header := func(edit func(*elf.Header64)) []byte {
		return exitAt(0x2000_0000, func(h *elf.Header64, _ *[]elf.Prog64) { edit(h) })
	}
	segment := func(edit func(first, second *elf.Prog64)) []byte {
		return exitAt(0x2000_0000, func(_ *elf.Header64, p *[]elf.Prog64) {
			second := elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R), Vaddr: 0x2000_1000, Memsz: 1, Align: 4096}
			edit(&(*p)[0], &second)
			*p = append(*p, second)
		})
	}
	return map[string][]byte{
		"empty": nil, "text": []byte("hello\n"), "script": []byte("#!/bin/sh\n"),
		"stub": good[:20], "cut": good[:len(good)-4],
		"bits32":     header(func(h *elf.Header64) { h.Ident[elf.EI_CLASS] = byte(elf.ELFCLASS32) }),
		"big":        header(func(h *elf.Header64) { h.Ident[elf.EI_DATA] = byte(elf.ELFDATA2MSB) }),
		"linux":      header(func(h *elf.Header64) { h.Ident[elf.EI_OSABI] = 0 }),
		"arm":        header(func(h *elf.Header64) { h.Machine = uint16(elf.EM_AARCH64) }),
		"object":     header(func(h *elf.Header64) { h.Type = uint16(elf.ET_REL) }),
		"noentry":    header(func(h *elf.Header64) { h.Entry = 0 }),
		"wildentry":  header(func(h *elf.Header64) { h.Entry = 0x1234_5678 }),
		"overlap":    segment(func(_, s *elf.Prog64) { s.Vaddr = 0x2000_0010 }),
		"huge":       segment(func(_, s *elf.Prog64) { s.Memsz = 1 << 40 }),
		"outside":    segment(func(_, s *elf.Prog64) { s.Vaddr = 1 << 47 }),
		"behind":     segment(func(f, _ *elf.Prog64) { f.Filesz, f.Memsz = 1<<20, 1<<20 }),
		"more":       segment(func(f, _ *elf.Prog64) { f.Memsz = 10 }),
		"congruence": segment(func(f, _ *elf.Prog64) { f.Off = 8; f.Filesz -= 8 }),
		"wx":         segment(func(f, _ *elf.Prog64) { f.Flags |= uint32(elf.PF_W) }),
		"nothing":    exitAt(0x2000_0000, func(_ *elf.Header64, p *[]elf.Prog64) { *p = nil }),
		"dynamic":    withDynamic(elf.DT_NEEDED),
		"toohigh":    exitAt(0x7000_0000, nil),
		"go":         exitAt(0x40_0000, nil),
	}
}

// layOut fills a directory with the bad files, and with what is no program.
func layOut(t *testing.T) string {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, data := range badFiles() {
		if err := os.WriteFile(at(name), data, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []error{
		os.WriteFile(at("plain"), exitAt(0x2000_0000, nil), 0o644),
		os.WriteFile(at("good"), exitAt(0x2000_0000, nil), 0o755),
		os.WriteFile(at("bad.yaml"), []byte("a: [\n"), 0o644),
		os.WriteFile(at("huge.yaml"), append(make([]byte, 0, 17<<20), strings.Repeat("# text\n", 17<<20/7)...), 0o644),
		os.Symlink("missing", at("dangling")),
		os.Symlink("around", at("around")),
		os.Mkdir(at("dir"), 0o777),
		syscall.Mkfifo(at("fifo"), 0o777),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	return dir
}

const (
	compileIt = "; compile it for x86_64-unknown-cloudabi"
	copyIt    = "; copy or build it again"
	rebuild   = "; build the program again"
	listed    = "; cabitrans help lists the flags"
	noArgs    = `the configuration is empty: write "null" if the program takes no arguments`
)

// TestRefusals holds every way in which a launch fails: one sentence, status 127.
// The programs are read from badFiles.
func TestRefusals(t *testing.T) {
	dir := layOut(t)
	for _, c := range []struct {
		name  string
		args  []string
		stdin string
		want  string
	}{
		// The command line.
		{"no arguments", nil, "", "a command is missing; cabitrans help lists what there is"},
		{"unknown command", []string{"walk"}, "", `there is no command "walk"; cabitrans help lists what there is`},
		{"empty command", []string{""}, "", `there is no command ""; cabitrans help lists what there is`},
		{"flag for a command", []string{"--version"}, "",
			`there is no command "--version"; cabitrans help lists what there is`},
		{"argument of help", []string{"help", "walk"}, "", `there is no help on "walk"; cabitrans help lists what there is`},
		{"arguments of -h", []string{"-h", "run", "x"}, "", `help takes one argument, but "x" follows it`},
		{"no program", []string{"run"}, "", "run needs the path of a program; cabitrans help shows how"},
		{"no program after flags", []string{"run", "--stats", "--"}, "",
			"run needs the path of a program; cabitrans help shows how"},
		{"unknown flag", []string{"run", "--bogus", "good"}, "", "flag provided but not defined: -bogus" + listed},
		{"malformed flag", []string{"run", "---stats", "good"}, "", "bad flag syntax: ---stats" + listed},
		{"argument of the program", []string{"run", "good", "x"}, "",
			`unexpected argument "x" after the program: CloudABI programs take no command line, their ` +
				`arguments are in the configuration`},
		{"empty argument", []string{"run", "good", ""}, "",
			`unexpected argument "" after the program: CloudABI programs take no command line, their ` +
				`arguments are in the configuration`},
		{"flag after the program", []string{"run", "good", "--stats"}, "",
			`unexpected argument "--stats" after the program: flags of run come before it`},
		{"unknown format", []string{"run", "--stats=xml", "good"}, "",
			`invalid value "xml" for flag -stats: there is no format "xml", only text and json` + listed},
		{"empty format", []string{"run", "--stats=", "good"}, "", `invalid value "" for flag -stats: there is no format "", only text and json` + listed},
		{"negated", []string{"run", "--stats=false", "good"}, "",
			`invalid value "false" for flag -stats: there is no format "false", only text and json` + listed},
		{"two formats", []string{"run", "--stats=json", "--stats=text", "good"}, "",
			`invalid value "text" for flag -stats: --stats=json was given before` + listed},
		{"flag without value", []string{"run", "--config"}, "", "flag needs an argument: -config" + listed},
		{"flag with empty value", []string{"run", "--config=", "good"}, "",
			`invalid value "" for flag -config: it is the name of a file` + listed},
		{"two configurations", []string{"run", "--config=a", "--config=b", "good"}, "",
			`invalid value "b" for flag -config: there can be only one configuration` + listed},

		// What is no program.
		{"missing", []string{"run", "missing"}, "null", "cannot run missing: no such file or directory"},
		{"empty path", []string{"run", ""}, "null", "cannot run : no such file or directory"},
		{"dangling link", []string{"run", "dangling"}, "null", "cannot run dangling: no such file or directory"},
		{"link to itself", []string{"run", "around"}, "null", "cannot run around: too many levels of symbolic links"},
		{"behind a file", []string{"run", "good/x"}, "null", "cannot run good/x: not a directory"},
		{"long name", []string{"run", strings.Repeat("x", 300)}, "null",
			"cannot run " + strings.Repeat("x", 300) + ": file name too long"},
		{"directory", []string{"run", "dir"}, "null", "cannot run dir: it is a directory"},
		{"pipe", []string{"run", "fifo"}, "null", "cannot run fifo: it is a pipe, not a regular file"},
		{"device", []string{"run", "/dev/null"}, "null", "cannot run /dev/null: it is not a regular file"},
		{"not executable", []string{"run", "plain"}, "null",
			"cannot run plain: it is not marked as executable; chmod +x allows it to run"},

		// What is no CloudABI program.
		{"", []string{"run", "empty"}, "null",
			"not an ELF executable: the file is empty; give a program compiled for x86_64-unknown-cloudabi"},
		{"", []string{"run", "text"}, "null",
			"not an ELF executable: it does not begin with the ELF magic number; give a program compiled for " +
				"x86_64-unknown-cloudabi"},
		{"", []string{"run", "script"}, "null",
			"not an ELF executable: it is a script; give a program compiled for x86_64-unknown-cloudabi"},
		{"", []string{"run", "stub"}, "null",
			"the file is truncated: it ends after 20 bytes, inside the ELF header" + copyIt},
		{"", []string{"run", "cut"}, "null",
			"the file is truncated: program header 0 needs 0xf4 bytes at 0x0 of a file of 0xf0" + copyIt},
		{"", []string{"run", "bits32"}, "null", "not a 64-bit executable: it is a 32-bit program" + compileIt},
		{"", []string{"run", "big"}, "null", "not a little-endian executable: byte order 2" + compileIt},
		{"", []string{"run", "linux"}, "null",
			"not a CloudABI executable: it is a Linux program (or one of another Unix)" + compileIt},
		{"", []string{"run", "arm"}, "null",
			"an executable for another processor: it is a CloudABI program for 64-bit ARM (aarch64)" + compileIt},
		{"", []string{"run", "object"}, "null",
			"not an executable but another kind of ELF file: it is an object file; link it into an executable first"},
		{"", []string{"run", "noentry"}, "null",
			"the entry point is not in executable memory: it has none; link a program with _start, not a shared library"},
		{"", []string{"run", "wildentry"}, "null", "the entry point is not in executable memory: it is 0x12345678" + rebuild},
		{"", []string{"run", "overlap"}, "null",
			"segments overlap or are not in ascending order: program header 1 begins at 0x20000010, " +
				"before the end 0x200000f4 of its predecessor" + rebuild},
		{"", []string{"run", "huge"}, "null",
			"a segment's size or address is impossible: program header 1 asks for 1099511627776 bytes, more " +
				"than 4294967296" + rebuild},
		{"", []string{"run", "outside"}, "null",
			"a segment's size or address is impossible: program header 1 reaches beyond the address space, " +
				"from 0x800000000000" + rebuild},
		{"", []string{"run", "behind"}, "null",
			"the file is truncated: program header 0 needs 0x100000 bytes at 0x0 of a file of 0xf4" + copyIt},
		{"", []string{"run", "more"}, "null",
			"a segment's size or address is impossible: program header 0 has 244 bytes in the file but only " +
				"10 in memory" + rebuild},
		{"", []string{"run", "congruence"}, "null",
			"a segment's address and file offset do not agree: program header 0 puts file offset 0x8 at address 0x20000000, " +
				"a different place in its page" + rebuild},
		{"", []string{"run", "wx"}, "null",
			"memory both writable and executable: program header 0 asks for it; link without -N or --omagic " +
				"and without executable stacks or data"},
		{"", []string{"run", "nothing"}, "null",
			"nothing to load: it has no program headers; link it into an executable first"},
		{"", []string{"run", "dynamic"}, "null",
			"a dynamically linked executable: it needs shared libraries, which CloudABI does not have; link " +
				"it with -static-pie or -Bstatic"},
		{"", []string{"run", "toohigh"}, "null",
			"it must lie at addresses 0x70000000 to 0x70001000, outside of guest memory (0x20000 to 0x60000000)"},

		// The configuration.
		{"config missing", []string{"run", "--config", "missing", "good"}, "",
			"cannot read the configuration missing: no such file or directory"},
		{"config is a directory", []string{"run", "--config", "dir", "good"}, "",
			"cannot read the configuration dir: it is a directory"},
		{"config broken", []string{"run", "--config", "bad.yaml", "good"}, "",
			"bad.yaml:1:4: the YAML is broken here or shortly before: did not find expected node content"},
		{"config too long", []string{"run", "--config", "huge.yaml", "good"}, "",
			"huge.yaml:1:1: the configuration is longer than 16777216 bytes: pass large data in a file, with !file"},
		{"config empty", []string{"run", "--config", "/dev/null", "good"}, "", "/dev/null:1:1: " + noArgs},
		{"empty", []string{"run", "good"}, "", "stdin:1:1: " + noArgs},
		{"empty, named", []string{"run", "--config", "-", "good"}, "", "stdin:1:1: " + noArgs},
		{"only comments", []string{"run", "good"}, "# nothing\n", "stdin:1:1: " + noArgs},
		{"broken", []string{"run", "good"}, "a: 1\n b: 2\n",
			"stdin:2:5: the YAML is broken here or shortly before: mapping values are not allowed in this context"},
		{"unknown tag", []string{"run", "good"}, declare + "a: !wheel 1\n",
			`stdin:3:4: the tag "tag:nuxi.nl,2015:cloudabi/wheel" is unknown: only fd, file, socket and executable ` +
				`can follow the slash`},
		{"tag without declaration", []string{"run", "good"}, "a: !fd stdin\n",
			`stdin:1:4: the tag !fd is not declared: begin the configuration with "%TAG ! ` +
				`tag:nuxi.nl,2015:cloudabi/" and a line "---"`},
		{"socket", []string{"run", "good"}, declare + "a: !socket { type: stream, bind: x }\n",
			`stdin:3:34: "x" is not an address: write an absolute path, "HOST:PORT" or "[IPV6]:PORT"`},
		{"socket, no such directory", []string{"run", "good"}, declare + "a: !socket { bind: /nowhere/at/all }\n",
			"stdin:3:4: cannot bind a socket to /nowhere/at/all: no such file or directory"},
		{"socket, nobody listens", []string{"run", "good"}, declare + "a: !socket { connect: '/nowhere/at/all' }\n",
			"stdin:3:4: cannot connect a socket to /nowhere/at/all: no such file or directory"},
		{"flower", []string{"run", "good"}, declare + "- [!flower_switchboard_handle { }]\n",
			`stdin:3:4: the tag "tag:nuxi.nl,2015:cloudabi/flower_switchboard_handle" is not supported yet: ` +
				"connect to the switchboard outside and grant the socket with !fd and its number"},
		{"unknown attribute", []string{"run", "good"}, declare + "a:\n  b: !file { path: x, mode: rw }\n",
			`stdin:4:23: !file has no attribute "mode": path, access, create, append, truncate and rights are known`},
		{"no path", []string{"run", "good"}, declare + "!file {}\n",
			"stdin:3:1: !file lacks the attribute path: write where the file is"},
		{"no file", []string{"run", "good"}, declare + "a: 1\nb: !file { path: missing }\n",
			"stdin:4:4: cannot open missing: no such file or directory"},
		{"value after !executable", []string{"run", "good"}, declare + "!executable x\n",
			"stdin:3:1: !executable takes no value, it always means the program being started: remove what follows it"},
		{"no descriptor", []string{"run", "good"}, declare + "!fd out\n",
			`stdin:3:1: "out" is not a descriptor: write stdin, stdout, stderr or a number from 0 to 2147483647 after !fd`},
		{"closed descriptor", []string{"run", "good"}, declare + "a: !fd 77\n",
			"stdin:3:4: descriptor 77 is not open in this process: open it before, as in 77<FILE"},
	} {
		want, name := c.want, c.name
		if name == "" {
			name = c.args[1]
			want = "cannot run " + name + ": " + want
		}
		t.Run(name, func(t *testing.T) {
			run := cabitrans(c.stdin, c.args...)
			run.dir = dir
			run.run(t).expect(t, outcome{stderr: "cabitrans: " + want + "\n", status: exitLaunch})
		})
	}
}

// TestOwnDescriptors: what only this program has open is not granted.
func TestOwnDescriptors(t *testing.T) {
	good := filepath.Join(layOut(t), "good")
	for fd := 3; fd < 24; fd++ {
		if runtime.Inherited(fd) {
			continue // whoever runs the tests has left it open
		}
		cabitrans(fmt.Sprintf("%sa: !fd %d\n", declare, fd), "run", good).run(t).expect(t, outcome{
			stderr: fmt.Sprintf("cabitrans: stdin:3:4: descriptor %d is not open in this process: "+
				"open it before, as in %d<FILE\n", fd, fd),
			status: exitLaunch,
		})
	}
}
