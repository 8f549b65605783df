package calltest

import (
	"cabitrans/internal/testdir"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// A Grant opens host descriptors for one test. Run closes them.
type Grant func(t testing.TB) []*os.File

// File is a new file with the given content, open for reading and writing.
func File(content string) Grant {
	return func(t testing.TB) []*os.File {
		f, err := os.CreateTemp(testdir.New(t), "file")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(content); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		return []*os.File{f}
	}
}

// Path opens what lies at a path of the host, with flags as for os.OpenFile.
func Path(path string, flags int) Grant {
	return func(t testing.TB) []*os.File {
		f, err := os.OpenFile(path, flags, 0)
		if err != nil {
			t.Fatal(err)
		}
		return []*os.File{f}
	}
}

// Pipe is a pipe: its end to read, and its end to write.
func Pipe() Grant {
	return func(t testing.TB) []*os.File {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		return []*os.File{r, w}
	}
}

// Dir is a new directory with the given files; a name that ends with a slash is an
// empty directory.
func Dir(files map[string]string) Grant {
	return func(t testing.TB) []*os.File {
		dir := testdir.New(t)
		for name, content := range files {
			path := filepath.Join(dir, name)
			at, isFile := filepath.Dir(path), true
			if name[len(name)-1] == '/' {
				at, isFile = path, false
			}
			err := os.MkdirAll(at, 0o777)
			if err == nil && isFile {
				err = os.WriteFile(path, []byte(content), 0o666)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		f, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		return []*os.File{f}
	}
}
