package bench

// A Kernel is a guest program that measures itself.
type Kernel struct {
	Name string
	// Small is an argument for which it takes about a millisecond.
	Small uint64
}

// Kernels lists the kernels of guests/bin.
var Kernels = []Kernel{
	{"fib", 27},
	{"nbody", 10_000},
	{"mandelbrot", 40},
	{"sha256", 50},
	{"interp-switch", 100_000},
	{"interp-goto", 100_000},
	{"qsort", 10_000},
	{"bintree", 10},
	{"matmul", 64},
	{"virtual", 100_000},
	{"setjmp", 10_000},
	{"memcpy", 10},
	{"hash", 20_000},
	{"cold", 1},
	{"tlsloop", 100_000},
	{"sysloop", 10_000},
}
