package docs

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A block is a piece of a document that is code.
type block struct {
	line     int    // of its first line
	script   string // commands; empty for a session
	session  []step // commands with what each of them writes, instead
	output   string // what the commands write, … standing for anything
	compared bool   // output is there
	until    int    // the line of the fence that ends output
	program  string // a whole Go program, instead of commands
	norun    string // why the commands are not run
	needs    []string
}

// A step is a command of a session, and its output.
type step struct{ command, output string }

// languages are those of fenced blocks that hold nothing to run: what they are called in a
// document is for the reader's editor.
var languages = []string{"", "yaml", "c", "json", "diff", "dockerfile", "asm", "gdb"}

var (
	marker   = regexp.MustCompile(`^<!-- (norun|needs): (.*) -->$`)
	listItem = regexp.MustCompile(`^ {0,3}([-*+]|[0-9]+[.)]) `)
	// command looks like something that a reader would type.
	command = regexp.MustCompile(`(?m)^(\$ |cabitrans (run|inspect|disasm|bench|binfmt|help) |go (run|test|build|tool) |make |gdb )`)
)

// parse finds the blocks of a document.
//
// Commands are what is indented by four columns, or fenced with the language sh. They are
// run from the repository's root, with cabitrans on PATH, by one shell for each block. A
// fence of the language text that follows is what they write. Where the first line begins
// with "$ ", each such line is a command and what follows it is its output. A comment
// before the block says why it is not run, or which programs it needs:
//
//	<!-- norun: takes minutes -->
//	<!-- needs: gdb perf -->
//
// or the line of the fence does: ```sh norun: takes minutes. What is not run may be in any
// language: ```bat norun: it is for cmd.
func parse(text string) (blocks []block, err error) {
	lines := strings.Split(text, "\n")
	var mark block // what a comment says of the next block
	list, blank := false, true
	fail := func(n int, format string, args ...any) ([]block, error) {
		return nil, fmt.Errorf("line %d: %s", n+1, fmt.Sprintf(format, args...))
	}
	for i := 0; i < len(lines); i++ {
		l := lines[i]
		begin := i
		var code []string
		kind := "sh"
		switch {
		case strings.HasPrefix(l, "```"):
			kind = strings.TrimPrefix(l, "```")
			for i++; i < len(lines) && lines[i] != "```"; i++ {
				code = append(code, lines[i])
			}
			if i == len(lines) {
				return fail(begin, "the fence has no end")
			}
		case blank && !list && strings.HasPrefix(l, "    "):
			for ; i < len(lines) && (strings.HasPrefix(lines[i], "    ") || lines[i] == ""); i++ {
				code = append(code, strings.TrimPrefix(lines[i], "    "))
			}
			i--
		default:
			blank = strings.TrimSpace(l) == ""
			if m := marker.FindStringSubmatch(l); m != nil {
				if mark.set(m[1], m[2]); m[2] == "" {
					return fail(i, "%s needs a reason", m[1])
				}
			} else if !blank {
				mark = block{}
			}
			list = listItem.MatchString(l) || list && (blank || strings.HasPrefix(l, " "))
			continue
		}
		list, blank = false, true
		b := mark
		mark = block{}
		b.line = begin + 1
		body := strings.Trim(strings.Join(code, "\n"), "\n")
		kind, remark, _ := strings.Cut(kind, " ")
		if remark != "" {
			if what, value, ok := strings.Cut(remark, ": "); !ok || value == "" || !b.set(what, value) {
				return fail(begin, "after the language there can be norun: REASON or needs: PROGRAMS, not %q", remark)
			}
		}
		switch {
		case kind == "text":
			if len(blocks) == 0 || blocks[len(blocks)-1].compared || blocks[len(blocks)-1].script == "" {
				return fail(begin, "output without commands before it; a fence without language is not compared")
			}
			last := &blocks[len(blocks)-1]
			last.output, last.compared, last.until = body, true, i+1
		case kind == "go":
			if b.program = body; !strings.HasPrefix(body, "package main\n") {
				return fail(begin, "a Go block is a whole program, which begins with package main; others cannot be compiled")
			}
			blocks = append(blocks, b)
		case kind == "sh" && strings.HasPrefix(body, "$ "):
			b.session = steps(body)
			blocks = append(blocks, b)
		case kind == "sh":
			b.script = body
			blocks = append(blocks, b)
		case b.norun != "": // in the language of another shell
			blocks = append(blocks, b)
		case !slices.Contains(languages, kind):
			return fail(begin, "the language %q is not known to the test of documents: sh, text, go, %s", kind, strings.Join(languages[1:], ", "))
		case command.MatchString(body):
			return fail(begin, "%q looks like a command, which would not be run: fence it with ```sh, or ```sh norun: REASON",
				command.FindString(body))
		}
	}
	return blocks, nil
}

// set notes a remark on a block; false if there is none of that kind.
func (b *block) set(what, value string) bool {
	switch what {
	case "norun":
		b.norun = value
	case "needs":
		b.needs = strings.Fields(value)
	default:
		return false
	}
	return true
}

// steps splits a session. A command whose line ends with a backslash goes on.
func steps(body string) (s []step) {
	more := false
	for line := range strings.Lines(body + "\n") {
		switch c, isCommand := strings.CutPrefix(line, "$ "); {
		case isCommand:
			s = append(s, step{command: c})
			more = strings.HasSuffix(c, "\\\n")
		case more:
			s[len(s)-1].command += line
			more = strings.HasSuffix(line, "\\\n")
		default:
			s[len(s)-1].output += line
		}
	}
	return s
}

// agrees compares what came with what a document promises, where a line that is … stands for
// any number of lines and … in a line for any text. The columns between words do not count
// at the end of a line.
func agrees(got, promised string) bool {
	var re strings.Builder
	re.WriteString(`\A`)
	for line := range strings.Lines(strings.TrimRight(promised, "\n") + "\n") {
		line = strings.TrimRight(line, " \n")
		if strings.TrimSpace(line) == "…" {
			re.WriteString(`(?:.*\n)*?`)
			continue
		}
		re.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + ` *\n`)
	}
	re.WriteString(`\z`)
	return regexp.MustCompile(re.String()).MatchString(strings.TrimRight(got, "\n") + "\n")
}

func TestParse(t *testing.T) {
	const doc = "# title\n\ntext\n\n    one\n\n    two\n\nIt prints\n\n```text\n1\n…\n```\n\n<!-- norun: slow -->\n\n    three\n\n" +
		"```sh needs: gdb perf\nfour\n```\n\n- item\n\n      not code\n\nafter\n\n```yaml\na: 1\n```\n\n" +
		"    $ five\n    5\n    $ six \\\n    more\n    …\n    6\n\n```go\npackage main\n\nfunc main() {}\n```\n"
	got, err := parse(doc)
	want := []block{
		{line: 5, script: "one\n\ntwo", output: "1\n…", compared: true, until: 14},
		{line: 18, script: "three", norun: "slow"},
		{line: 20, script: "four", needs: []string{"gdb", "perf"}},
		{line: 34, session: []step{{"five\n", "5\n"}, {"six \\\nmore\n", "…\n6\n"}}},
		{line: 41, program: "package main\n\nfunc main() {}"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	for text, want := range map[string]string{
		"```sh\nx\n":                          "line 1: the fence has no end",
		"```text\nx\n```":                     "line 1: output without commands before it",
		"```sh norun:\nx\n```":                "line 1: after the language there can be",
		"```sh later: x\nx\n```":              "line 1: after the language there can be",
		"```bat\nx\n```":                      `line 1: the language "bat" is not known`,
		"```perl\nx\n```":                     `line 1: the language "perl" is not known`,
		"\n```\ncabitrans run x\n```":         `line 2: "cabitrans run " looks like a command`,
		"```go\nfunc f()\n```":                "line 1: a Go block is a whole program",
		"    x\n\n```text\n```\n```text\n```": "line 5: output without commands",
	} {
		if _, err := parse(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestAgrees(t *testing.T) {
	for _, c := range []struct {
		got, promised string
		want          bool
	}{
		{"a\nb\n", "a\nb", true}, {"a\nb\n", "a", false}, {"a\nb\n", "a\n…", true}, {"a\n", "a\n…", true},
		{"a\nb\nc\n", "…\nc", true}, {"a\nb\nc\n", "a\n  …\nc", true}, {"a\nb\n", "…\nc", false},
		{"pid 17 is (x)\n", "pid … is (x)", true}, {"pid 17\nis x\n", "pid … is x", false},
		{"a  \n", "a", true}, {"", "", true}, {"a", "", false},
	} {
		if got := agrees(c.got, c.promised); got != c.want {
			t.Errorf("agrees(%q, %q) = %v", c.got, c.promised, got)
		}
	}
}
