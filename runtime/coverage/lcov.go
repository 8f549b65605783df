package coverage

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"cabitrans/runtime/srcline"
)

// ErrNoLines says that a program cannot have coverage by source lines.
var ErrNoLines = errors.New("the program has no line tables; build it with -g, or take the format drcov")

// CheckLines returns ErrNoLines for an executable without line tables.
func CheckLines(exe io.ReaderAt) error {
	if len(srcline.Read(exe)) == 0 {
		return ErrNoLines
	}
	return nil
}

// A sourceFile is one that instructions were made of.
type sourceFile struct {
	lines     map[int]uint64 // by number: how often it was executed
	functions map[string]function
}

type function struct {
	line  int
	times uint64
}

// addLines adds what was executed of a program, by source lines. A line counts as often as the most frequent instruction
// that one of its pieces begins with.
func (r *Recorder) addLines(p *Program, executed map[uint64]uint64) {
	table := srcline.Read(p.Exe)
	if len(table) == 0 {
		r.noLines = append(r.noLines, p.Path)
		return
	}
	most := make(map[string]map[int]uint64) // of this program
	for _, row := range table {
		if row.File == "" || row.Line == 0 {
			continue
		}
		if most[row.File] == nil {
			most[row.File] = make(map[int]uint64)
		}
		most[row.File][row.Line] = max(most[row.File][row.Line], executed[row.Addr+p.Base])
	}
	for path, lines := range most {
		f := r.sourceFile(path)
		for n, times := range lines {
			f.lines[n] += times
		}
	}
	for name, begin := range p.Functions {
		path, line := table.Find(begin - p.Base)
		if path == "" || line == 0 {
			continue
		}
		f := r.sourceFile(path)
		f.functions[name] = function{line: line, times: f.functions[name].times + executed[begin]}
	}
}

func (r *Recorder) sourceFile(path string) *sourceFile {
	f := r.lines[path]
	if f == nil {
		f = &sourceFile{lines: make(map[int]uint64), functions: make(map[string]function)}
		r.lines[path] = f
	}
	return f
}

// WriteLCOV writes source lines in the form of lcov's tracefiles (geninfo(1)).
func (r *Recorder) WriteLCOV(to io.Writer) error {
	w := bufio.NewWriter(to)
	for _, path := range ascending(r.lines) {
		r.lines[path].write(w, path)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("the coverage cannot be written: %w", err)
	}
	if len(r.noLines) > 0 {
		return fmt.Errorf("the coverage lacks %s: %w", strings.Join(r.noLines, ", "), ErrNoLines)
	}
	return nil
}

func (f *sourceFile) write(w io.Writer, path string) {
	fmt.Fprintf(w, "TN:\nSF:%s\n", path)
	hit := 0
	names := ascending(f.functions)
	for _, name := range names {
		fmt.Fprintf(w, "FN:%d,%s\n", f.functions[name].line, name)
	}
	for _, name := range names {
		fmt.Fprintf(w, "FNDA:%d,%s\n", f.functions[name].times, name)
		if f.functions[name].times > 0 {
			hit++
		}
	}
	fmt.Fprintf(w, "FNF:%d\nFNH:%d\n", len(names), hit)
	hit = 0
	for _, n := range ascending(f.lines) {
		fmt.Fprintf(w, "DA:%d,%d\n", n, f.lines[n])
		if f.lines[n] > 0 {
			hit++
		}
	}
	fmt.Fprintf(w, "LF:%d\nLH:%d\nend_of_record\n", len(f.lines), hit)
}
