package host

import "os"

// MaxStarts bounds how often a program is started anew because Go's heap, which the
// host places at random, lies where guest memory belongs (ErrNoSpace).
const MaxStarts = 8

// StartAnew replaces this program by a fresh start of it: the same command line and
// descriptors, with count, how often that has happened, in the environment variable
// env. It returns only if it fails.
func StartAnew(env, count string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.Setenv(env, count); err != nil {
		return err
	}
	return replace(exe)
}
