//go:build !linux

package bench

import "errors"

func pin(cpu int) error { return errors.New("only Linux lets a program stay on one processor here") }
