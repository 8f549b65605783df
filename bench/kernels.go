package bench

// A Kernel is a guest program that measures itself.
type Kernel struct {
	Name string
	// Small is an argument for which it takes about a millisecond.
	Small uint64
	// Apart says why it is left out of geometric means; empty for those that are not.
	Apart string
}

// Kernels lists the kernels of guests/bin.
var Kernels = []Kernel{
	{Name: "fib", Small: 27},
	{Name: "nbody", Small: 10_000},
	{Name: "mandelbrot", Small: 40},
	{Name: "sha256", Small: 50},
	{Name: "interp-switch", Small: 100_000},
	{Name: "interp-goto", Small: 100_000},
	{Name: "qsort", Small: 10_000},
	{Name: "bintree", Small: 10},
	{Name: "matmul", Small: 64},
	{Name: "virtual", Small: 100_000},
	{Name: "setjmp", Small: 10_000},
	{Name: "memcpy", Small: 10},
	{Name: "hash", Small: 20_000},
	{Name: tlsKernel, Small: 100_000},
	{Name: coldKernel, Small: 1, Apart: "it is code that runs once"},
	{Name: switchKernel, Small: 10_000, Apart: "it is nothing but system calls"},
}

// Kernels of which more is said than their ratio.
const (
	tlsKernel    = "tlsloop"
	coldKernel   = "cold"
	switchKernel = "sysloop"
)

// tlsAccesses is how often a round of tlsloop loads the thread pointer.
const tlsAccesses = 3

// KernelNames are the names of Kernels.
func KernelNames() []string {
	names := make([]string, len(Kernels))
	for i, k := range Kernels {
		names[i] = k.Name
	}
	return names
}

func kernelNamed(name string) (Kernel, bool) {
	for _, k := range Kernels {
		if k.Name == name {
			return k, true
		}
	}
	return Kernel{}, false
}
