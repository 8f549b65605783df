// Package testdir gives tests a directory of their own, also under Wine 8: there the
// removal that testing.T.TempDir ends with fails, because Wine does not know the way in
// which Go's os.RemoveAll asks for it.
package testdir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

// New makes a directory that is removed when the test ends.
func New(t testing.TB) string {
	t.Helper()
	if runtime.GOOS != "windows" {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("", "cabitrans-test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := RemoveAll(dir); err != nil {
			t.Errorf("removing what the test leaves: %v", err)
		}
	})
	return dir
}

// RemoveAll is os.RemoveAll, entry by entry: what is inside of a directory first.
func RemoveAll(dir string) error {
	var paths []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, p := range slices.Backward(paths) {
		if err := os.Remove(p); err != nil {
			return err
		}
	}
	return nil
}
