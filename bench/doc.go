// Package bench measures what translation costs.
//
// A kernel is a guest program that computes something without system calls, in
// an exported function kernel(n). The same bytes run in two ways in one process:
//
//	native       the image is mapped executable and kernel(n) is called
//	translated   the program runs as a guest and times its own kernel(n)
//
// and both answer a result and a time. Results must agree: that is the
// differential test. Times are compared as ratios within one run, because
// machines differ and are noisy; there is no timed test.
//
// The native side is no guest: no thread-local storage, no system calls, no
// confinement. Kernels that need them (tlsloop, sysloop) have no native side
// here.
//
// The package imports runtime (the public API), argdata and loader, and nothing
// imports it.
package bench
