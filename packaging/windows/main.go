// Command windows builds cabitrans.exe and packs it, with licence, README and a guest to
// try it with, into a zip file: the same bytes from the same sources and toolchain.
package main

import (
	"archive/zip"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// files are what goes in beside the executable, by their names there.
var files = []struct{ name, from string }{
	{"LICENSE.txt", "LICENSE"},
	{"README.md", "README.md"},
	{"windows.md", "docs/windows.md"},
	{"hello", "guests/bin/hello"},
	{"hello.yaml", "guests/hello.yaml"},
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./packaging/windows FILE.zip, from the repository's root")
		os.Exit(2)
	}
	if err := pack(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "cannot pack", os.Args[1]+":", err)
		os.Exit(1)
	}
}

func pack(out string) (err error) {
	tmp, err := os.MkdirTemp("", "cabitrans-windows-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	exe := filepath.Join(tmp, "cabitrans.exe")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", exe, "./cmd/cabitrans")
	build.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return err
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z := zip.NewWriter(f)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	if err := add(z, "cabitrans.exe", exe); err != nil {
		return err
	}
	for _, x := range files {
		if err := add(z, x.name, x.from); err != nil {
			return err
		}
	}
	return z.Close()
}

// add stores a file; a fixed time keeps the result the same from one build to the next.
func add(z *zip.Writer, name, from string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	w, err := z.CreateHeader(&zip.FileHeader{
		Name: "cabitrans/" + name, Method: zip.Deflate, Modified: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
	})
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}
