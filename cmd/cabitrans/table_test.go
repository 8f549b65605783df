package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cabitrans/internal/testdir"
)

// tool finds a program that a test needs, or skips it; with CABITRANS_REQUIRE_TOOLS=1 it fails.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("CABITRANS_REQUIRE_TOOLS") == "1" {
		t.Fatalf("%s is missing: %v", name, err)
	}
	t.Skipf("%s is missing: %v", name, err)
	return ""
}

// TestTable: what the table says can be shown and parsed: every flag has a text that is no
// sentence yet, no name is there twice, and words that are values are taken.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range subcommands() {
		if seen[s.name] || s.do == nil || s.short == "" || !strings.HasSuffix(s.status, ".") {
			t.Errorf("command %q: twice, or without function, text or status", s.name)
		}
		seen[s.name] = true
		flags := map[string]bool{"h": true, "help": true}
		for _, o := range s.opts() {
			if flags[o.name] || o.set == nil || o.help == "" || strings.HasSuffix(o.help, ".") {
				t.Errorf("%s %s: twice, without function, or its text is none or ends with a full stop", s.name, o.flag())
			}
			flags[o.name] = true
			for _, w := range o.words {
				fresh := find(t, s.name, o.name)
				if err := fresh.set(w); err != nil {
					t.Errorf("%s %s=%s: %v", s.name, o.flag(), w, err)
				}
			}
		}
	}
}

// find makes a flag anew.
func find(t *testing.T, command, flag string) option {
	opts := subcommandOf(command).opts()
	i := slices.IndexFunc(opts, func(o option) bool { return o.name == flag })
	if i < 0 {
		t.Fatalf("%s has lost its flag %s", command, flag)
	}
	return opts[i]
}

// TestHelpTexts: the help text, that of a command and the manual page hold every flag, and
// no line is wider than a terminal.
func TestHelpTexts(t *testing.T) {
	all := cabitrans("", "help").run(t).stdout
	man := cabitrans("", "help", "man").run(t).stdout
	for _, s := range subcommands() {
		own := cabitrans("", "help", s.name).run(t)
		if own.status != 0 || own.stdout != cabitrans("", s.name, "--help").run(t).stdout && len(s.opts()) > 0 {
			t.Errorf("help %s: %+v", s.name, own)
		}
		for _, o := range s.opts() {
			line := regexp.MustCompile(`(?m)^  ` + regexp.QuoteMeta(o.usage()) + `( |$)`)
			if !line.MatchString(all) || !line.MatchString(own.stdout) || !strings.Contains(man, "\n.B "+roff(o.usage())+"\n") {
				t.Errorf("%s %s is not in the help texts", s.name, o.usage())
			}
		}
	}
	for line := range strings.Lines(all) {
		if len(line) > helpWidth+1 && strings.Contains(strings.TrimSpace(line), " ") {
			t.Errorf("too long: %s", line)
		}
	}
	for args, want := range map[string]string{
		"help walk":    `there is no help on "walk"; cabitrans help lists what there is`,
		"help run man": `help takes one argument, but "man" follows it`,
	} {
		cabitrans("", strings.Fields(args)...).run(t).expect(t, outcome{stderr: "cabitrans: " + want + "\n", status: 127})
	}
}

// TestManual: others can read the manual page.
func TestManual(t *testing.T) {
	mandoc := tool(t, "mandoc")
	page := filepath.Join(testdir.New(t), "cabitrans.1")
	if err := os.WriteFile(page, []byte(manual()), 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(mandoc, "-T", "lint", "-W", "warning", page).CombinedOutput(); err != nil {
		for line := range strings.Lines(string(out)) {
			if !strings.Contains(line, "missing date") { // a page that says the same every day has none
				t.Errorf("%s", line)
			}
		}
	}
	out, err := exec.Command(mandoc, "-T", "ascii", page).Output()
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`.\x08`).ReplaceAllString(string(out), "") // bold and underlined
	for _, want := range []string{"--config FILE\n", "data: !file { path: /var/lib/data }\n", `all but those after a "!"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
}

// TestCompletionSyntax: each shell reads what it gets.
func TestCompletionSyntax(t *testing.T) {
	for shell, args := range map[string][]string{"bash": {"-n"}, "zsh": {"-n"}, "fish": {"--no-execute"}} {
		t.Run(shell, func(t *testing.T) {
			program := tool(t, shell)
			o := cabitrans("", "completion", shell).run(t)
			path := filepath.Join(testdir.New(t), "code")
			if err := os.WriteFile(path, []byte(o.stdout), 0o666); err != nil || o.status != 0 {
				t.Fatal(err, o)
			}
			if out, err := exec.Command(program, append(args, path)...).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%v: %s", err, out)
			}
			for _, s := range subcommands() {
				for _, o2 := range s.opts() {
					if !strings.Contains(o.stdout, o2.name) {
						t.Errorf("%s %s is not completed", s.name, o2.flag())
					}
				}
			}
		})
	}
	for args, want := range map[string]string{
		"completion":      "completion needs the name of one shell: bash, zsh or fish",
		"completion tcsh": `there is no completion for "tcsh", only for bash, zsh and fish`,
	} {
		cabitrans("", strings.Fields(args)...).run(t).expect(t, outcome{stderr: "cabitrans: " + want + "\n", status: 127})
	}
}

// TestBashCompletion asks bash what it would offer.
func TestBashCompletion(t *testing.T) {
	bash := tool(t, "bash")
	dir := testdir.New(t)
	for name, text := range map[string]string{"code": bashCompletion(), "some file": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	const ask = `source ./code; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cabitrans; printf '%s\n' "${COMPREPLY[@]}"`
	for _, c := range []struct {
		words []string
		want  string // among them, in this order
	}{
		{[]string{"cabitrans", ""}, "run inspect disasm help"},
		{[]string{"cabitrans", "in"}, "inspect"},
		{[]string{"cabitrans", "run", "--st"}, "--stats --strict --strace"},
		{[]string{"cabitrans", "run", "--tls", "in"}, "indirect"},
		{[]string{"cabitrans", "run", "--tls", "=", "in"}, "indirect"},
		{[]string{"cabitrans", "run", "--stats", "="}, "text json"},
		{[]string{"cabitrans", "run", "--stats", "=", "j"}, "json"},
		{[]string{"cabitrans", "run", "--config", "some"}, "some file"},
		{[]string{"cabitrans", "run", "--profile-hz", ""}, ""},
		{[]string{"cabitrans", "run", "--stats", "so"}, "some file"},
		{[]string{"cabitrans", "disasm", "so"}, "some file"},
		{[]string{"cabitrans", "help", "ma"}, "man"},
		{[]string{"cabitrans", "help", "r"}, "run"},
		{[]string{"cabitrans", "completion", ""}, "bash zsh fish"},
	} {
		cmd := exec.Command(bash, append([]string{"--norc", "-c", ask, "bash"}, c.words...)...)
		cmd.Dir = dir
		out, err := cmd.Output()
		got := strings.Join(strings.Split(strings.TrimSuffix(string(out), "\n"), "\n"), " ")
		pattern := strings.ReplaceAll(regexp.QuoteMeta(c.want), " ", " (?:.* )?")
		if err != nil || !regexp.MustCompile(`(?:^| )`+pattern+`(?:$| )`).MatchString(got) || c.want == "" && got != "" {
			t.Errorf("%q: %q, %v; want %q", c.words, got, err, c.want)
		}
	}
}

// TestFishCompletion asks fish.
func TestFishCompletion(t *testing.T) {
	fish := tool(t, "fish")
	path := filepath.Join(testdir.New(t), "code")
	if err := os.WriteFile(path, []byte(fishCompletion()), 0o666); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"cabitrans insp": "inspect", "cabitrans run --stri": "--strict", "cabitrans run --tls=ind": "--tls=indirect",
		"cabitrans completion z": "zsh",
	} {
		cmd := exec.Command(fish, "--no-config", "-c", "source $argv[1]; complete -C $argv[2]", path, line)
		cmd.Env = append(os.Environ(), "HOME="+testdir.New(t))
		out, err := cmd.Output()
		if first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\t"); err != nil || first != want {
			t.Errorf("%q: %q, %v; want %q", line, out, err, want)
		}
	}
}
