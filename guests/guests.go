// Package guests holds the executables that the benchmark runs, so that a single
// binary can measure wherever it is copied. Their sources lie beside it; README.md
// says what each is and how it is built.
package guests

import (
	"embed"
	"io/fs"
)

//go:embed bin/hello bin/fib bin/nbody bin/mandelbrot bin/sha256 bin/interp-switch bin/interp-goto bin/qsort bin/bintree
//go:embed bin/matmul bin/virtual bin/setjmp bin/memcpy bin/hash bin/cold bin/tlsloop bin/sysloop bin/scale
//go:embed bin-linux
var bin embed.FS

// CloudABI returns the executable of that name; the error is fs.ErrNotExist for one
// that is not embedded.
func CloudABI(name string) ([]byte, error) { return fs.ReadFile(bin, "bin/"+name) }

// Linux returns the kernel of that name as a static executable of Linux; the error is
// fs.ErrNotExist for one that there is not.
func Linux(name string) ([]byte, error) { return fs.ReadFile(bin, "bin-linux/"+name) }
