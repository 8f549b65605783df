package bench

// A Kernel is a guest program that measures itself.
type Kernel struct {
	Name string
	// Small is an argument for which it takes about a millisecond.
	Small uint64
	// Native says that kernel(n) can be called natively.
	Native bool
}

// Kernels lists the kernels of guests/bin.
var Kernels = []Kernel{
	{"fib", 27, true},
	{"nbody", 10_000, true},
	{"mandelbrot", 40, true},
	{"sha256", 50, true},
	{"interp-switch", 100_000, true},
	{"interp-goto", 100_000, true},
	{"qsort", 10_000, true},
	{"bintree", 10, true},
	{"matmul", 64, true},
	{"virtual", 100_000, true},
	{"setjmp", 10_000, true},
	{"memcpy", 10, true},
	{"hash", 20_000, true},
	{"cold", 1, true},
	{"tlsloop", 100_000, false},
	{"sysloop", 10_000, false},
}
