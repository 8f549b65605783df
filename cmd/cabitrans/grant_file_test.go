package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cabitrans/argdata"
	"cabitrans/internal/testdir"
	"cabitrans/runtime"
)

// granting opens what a configuration of one !file asks for.
func granting(t *testing.T, attributes string) (*granted, error) {
	t.Helper()
	c, err := argdata.ParseYAML(strings.NewReader(declare+"!file {"+attributes+"}"), "conf")
	if err != nil {
		t.Fatal(err)
	}
	g, err := openGrants(c.Grants, nil)
	if err == nil {
		t.Cleanup(g.close)
	}
	return g, err
}

func TestFileAttributes(t *testing.T) {
	for _, tt := range []struct {
		attributes  string
		read, write bool
		then        string // the file, after "new" was written if that works
	}{
		{"", true, false, "contents"},
		{"access: read", true, false, "contents"},
		{"access: write", false, true, "newtents"},
		{"access: read-write", true, true, "newtents"},
		{"access: write, append: true", false, true, "contentsnew"},
		{"access: write, truncate: true", false, true, "new"},
		{"access: read-write, create: true", true, true, "newtents"},
	} {
		path := filepath.Join(testdir.New(t), "file")
		if err := os.WriteFile(path, []byte("contents"), 0o666); err != nil {
			t.Fatal(err)
		}
		g, err := granting(t, fmt.Sprintf("path: %q, %s", path, tt.attributes))
		if err != nil {
			t.Errorf("%s: %v", tt.attributes, err)
			continue
		}
		if _, err := g.files[0].(*os.File).WriteString("new"); (err == nil) != tt.write {
			t.Errorf("%s: writing: %v", tt.attributes, err)
		}
		if _, err := io.ReadAll(g.files[0].(*os.File)); (err == nil) != tt.read {
			t.Errorf("%s: reading: %v", tt.attributes, err)
		}
		if b, _ := os.ReadFile(path); string(b) != tt.then {
			t.Errorf("%s: the file is %q, want %q", tt.attributes, b, tt.then)
		}
	}
}

func TestFileAttributesOfWhatIsThere(t *testing.T) {
	dir := testdir.New(t)
	none := filepath.Join(dir, "none")
	for _, tt := range []struct {
		path, attributes, want string
	}{
		{dir, "", ""},
		{dir, "access: read", ""},
		{dir, "access: read-write", ""},
		{dir, "access: write",
			"is a directory: grant it with access: read or access: read-write, and nothing else of that kind"},
		{dir, "access: read-write, create: true", "is a directory: grant it"},
		{dir, "access: read-write, truncate: true", "is a directory: grant it"},
		{none, "access: write", "cannot open"},
		{none, "access: read-write", "cannot open"},
		{none, "access: write, create: true", ""},
	} {
		_, err := granting(t, fmt.Sprintf("path: %q, %s", tt.path, tt.attributes))
		ok := err == nil
		if tt.want != "" && err != nil {
			ok = strings.HasPrefix(err.Error(), "conf:3:1: ") && strings.Contains(err.Error(), tt.want)
		}
		if !ok || err == nil != (tt.want == "") {
			t.Errorf("%s, %s: %v, want %q", tt.path, tt.attributes, err, tt.want)
		}
	}
	if _, err := os.Stat(none); err != nil {
		t.Errorf("it was not created: %v", err)
	}
}

func TestFileRights(t *testing.T) {
	right := func(name string) runtime.Rights {
		r, ok := runtime.ParseRight(name)
		if !ok {
			t.Errorf("no right %s", name)
		}
		return r
	}
	for _, tt := range []struct {
		attributes   string
		kept, absent string
	}{
		{"", "fd_read fd_write file_unlink", ""},
		{"access: read", "fd_read file_open file_readdir file_stat_get",
			"fd_write file_unlink file_create_file file_symlink"},
		{"rights: [fd_read, file_open]", "fd_read file_open", "fd_write file_readdir fd_seek"},
		{"access: read, rights: [fd_read, fd_write]", "fd_read", "fd_write file_open"},
		{"rights: []", "", "fd_read file_open"},
	} {
		g, err := granting(t, fmt.Sprintf("path: %q, %s", testdir.New(t), tt.attributes))
		if err != nil {
			t.Errorf("%s: %v", tt.attributes, err)
			continue
		}
		for _, n := range strings.Fields(tt.kept) {
			if g.drop[0]&right(n) != 0 {
				t.Errorf("%s: %s was dropped", tt.attributes, n)
			}
		}
		for _, n := range strings.Fields(tt.absent) {
			if g.drop[0]&right(n) == 0 {
				t.Errorf("%s: %s was kept", tt.attributes, n)
			}
		}
	}
	_, err := granting(t, "path: '.', rights: [fd_read, FD_WRITE]")
	const want = `conf:3:37: there is no right "FD_WRITE": write the names of the ABI, such as fd_read or file_open`
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
