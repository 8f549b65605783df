//go:build !(windows && amd64)

package host

// Supervise does nothing: every fault reaches a handler here.
func Supervise() (status int, done bool) { return 0, false }

// Ended is for hosts where Supervise does something.
func Ended() {}
