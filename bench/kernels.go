package bench

// A Kernel is a guest program that measures itself.
type Kernel struct {
	Name string
	// Small is an argument for tests.
	Small uint64
	// N is one for which a call takes a few milliseconds: on a busy machine the best of
	// many short calls is a time that nobody has disturbed.
	N uint64
	// Apart says why it is left out of geometric means; empty for those that are not.
	Apart string
}

// Kernels lists the kernels of guests/bin.
var Kernels = []Kernel{
	{Name: "fib", Small: 27, N: 31},
	{Name: "nbody", Small: 10_000, N: 40_000},
	{Name: "mandelbrot", Small: 40, N: 120},
	{Name: "sha256", Small: 50, N: 3000},
	{Name: "interp-switch", Small: 100_000, N: 40_000},
	{Name: "interp-goto", Small: 100_000, N: 40_000},
	{Name: "qsort", Small: 10_000, N: 20_000},
	{Name: "bintree", Small: 10, N: 20},
	{Name: "matmul", Small: 64, N: 192},
	{Name: "virtual", Small: 100_000, N: 150_000},
	{Name: "setjmp", Small: 10_000, N: 150_000},
	{Name: "memcpy", Small: 10, N: 30},
	{Name: "hash", Small: 20_000, N: 100_000},
	{Name: tlsKernel, Small: 100_000, N: 300_000},
	{Name: coldKernel, Small: 1, N: 1, Apart: "it is code that runs once"},
	{Name: switchKernel, Small: 10_000, N: 20_000, Apart: "it is nothing but system calls"},
}

// Kernels of which more is said than their ratio.
const (
	tlsKernel    = "tlsloop"
	coldKernel   = "cold"
	switchKernel = "sysloop"

	scaleProgram = "scale" // by several threads
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
