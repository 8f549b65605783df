// Package docs runs every command of the documents: of README.md and of the guides beside
// this file. How a document says what is run, and what it prints: parse.
package docs

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const root = ".."

// inside is set for what documents run.
const inside = "CABITRANS_DOCUMENTS"

// documents are all files whose blocks are run, from the root on.
func documents(t *testing.T) []string {
	guides, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	docs := []string{"README.md"}
	for _, g := range guides {
		docs = append(docs, filepath.Join("docs", g))
	}
	return docs
}

// TestDocuments runs the commands of all documents, one after the other: they may write files
// to the root, which are removed.
func TestDocuments(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program and runs it some hundred times; leave out -short")
	}
	if os.Getenv(inside) != "" {
		t.Skip("a document runs the tests")
	}
	t.Setenv(inside, "1")
	dependOnSources(t)
	bin := t.TempDir()
	env := append(os.Environ(), "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"), "CGO_ENABLED=0")
	build := exec.Command("go", "build", "-o", filepath.Join(bin, "cabitrans"), "./cmd/cabitrans")
	build.Dir, build.Env = root, env
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, doc := range documents(t) {
		t.Run(doc, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(root, doc))
			if err != nil {
				t.Fatal(err)
			}
			checkLinks(t, doc, string(text))
			blocks, err := parse(string(text))
			if err != nil {
				t.Fatalf("%s: %v", doc, err)
			}
			defer tidy(t, string(text))()
			for _, b := range slices.Backward(blocks) { // the last first, so that lines keep their numbers
				t.Run(fmt.Sprintf("line %d", b.line), func(t *testing.T) {
					if now := b.run(t, env); now != "" {
						text = []byte(b.replaced(string(text), now))
					}
				})
			}
			if *update {
				if err := os.WriteFile(filepath.Join(root, doc), text, 0o666); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

var update = flag.Bool("update", false, "rewrite what commands print, where nothing in it varies")

// replaced is a document in which a block's output is another.
func (b *block) replaced(text, output string) string {
	lines := strings.Split(text, "\n")
	end := b.until - 1
	begin := end - len(strings.Split(b.output, "\n"))
	return strings.Join(slices.Concat(lines[:begin], strings.Split(output, "\n"), lines[end:]), "\n")
}

// run runs a block. It returns what the document should have, with -update.
func (b *block) run(t *testing.T, env []string) (now string) {
	if b.norun != "" {
		t.Skipf("the document says: %s", b.norun)
	}
	for _, n := range b.needs {
		if _, err := exec.LookPath(n); err != nil && os.Getenv("CABITRANS_REQUIRE_TOOLS") == "1" {
			t.Fatalf("%s is missing", n)
		} else if err != nil {
			t.Skipf("%s is missing", n)
		}
	}
	if b.program != "" {
		file := filepath.Join(t.TempDir(), "main.go")
		if err := os.WriteFile(file, []byte(b.program+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		b.script = "go vet '" + file + "'"
	}
	for _, s := range b.session {
		if got := shell(t, s.command, env); !agrees(got, s.output) {
			t.Errorf("%swrites\n%s\nbut the document has\n%s", s.command, got, s.output)
		}
	}
	if b.script == "" {
		return ""
	}
	if got := shell(t, b.script, env); b.compared && !agrees(got, b.output) {
		if *update && !strings.Contains(b.output, "…") {
			trimmed := regexp.MustCompile(`(?m) +$`).ReplaceAllString(got, "")
			return strings.Trim(trimmed, "\n")
		}
		t.Errorf("%s\nwrites\n%s\nbut the document has\n%s", b.script, got, b.output)
	}
	return ""
}

// shell runs commands, none of which may fail, and returns all that they write.
func shell(t *testing.T, script string, env []string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-e", "-c", script)
	var out bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = root, env, &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second // for what it has left in the background
	if err := cmd.Run(); err != nil {
		t.Errorf("%s\nfails: %v, %v\n%s", script, err, ctx.Err(), out.String())
	}
	return out.String()
}

// tidy notes what there is in the root. The function that it returns removes what is new
// and what the document names, and complains of everything else.
func tidy(t *testing.T, text string) func() {
	list := func() (names []string) {
		entries, err := os.ReadDir(root)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	before := list()
	return func() {
		for _, name := range list() {
			if slices.Contains(before, name) {
				continue
			}
			if !regexp.MustCompile(`(?m)(^|[\s=>'"/])` + regexp.QuoteMeta(name) + `\b`).MatchString(text) {
				t.Errorf("a command has left a file %s, which the document does not name", name)
				continue
			}
			if err := os.RemoveAll(filepath.Join(root, name)); err != nil {
				t.Error(err)
			}
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)

// checkLinks: what a document links to within the repository is there.
func checkLinks(t *testing.T, doc, text string) {
	for _, m := range link.FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join(root, filepath.Dir(doc), m[1])); err != nil {
			t.Errorf("%s links to %s: %v", doc, m[1], err)
		}
	}
}

// dependOnSources looks at all files that the commands may use: the go command remembers a
// test's result until one changes that the test itself has looked at.
func dependOnSources(t *testing.T) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // it was another test's
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata"):
			return fs.SkipDir
		}
		_, err = os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
