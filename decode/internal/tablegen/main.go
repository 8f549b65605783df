// Command tablegen turns decode/tables/*.txt into decode/tables_gen.go. Run it with go generate in decode. With
// -check it writes nothing and fails when the file is out of date.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
)

func main() {
	dir := flag.String("dir", ".", "the decode folder")
	check := flag.Bool("check", false, "compare instead of writing")
	flag.Parse()
	if err := run(*dir, *check); err != nil {
		fmt.Fprintln(os.Stderr, "tablegen:", err)
		os.Exit(1)
	}
}

func run(dir string, check bool) error {
	files, err := filepath.Glob(filepath.Join(dir, "tables", "*.txt"))
	if err != nil {
		return err
	}
	sort.Strings(files)
	var rows []row
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		r, err := parse(filepath.Base(f), string(text))
		if err != nil {
			return err
		}
		rows = append(rows, r...)
	}
	out, err := generate(rows)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "tables_gen.go")
	if check {
		old, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !bytes.Equal(old, out) {
			return fmt.Errorf("%s is out of date: run go generate", path)
		}
		return nil
	}
	return os.WriteFile(path, out, 0o644)
}
