//go:build !linux

package hosttest

func occupy() bool { return false }
