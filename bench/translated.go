package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"cabitrans/runtime"
)

// A Measurement is what a kernel program prints about itself.
type Measurement struct {
	N            uint64 // the argument
	Result       uint64
	Best, Median time.Duration // of its calls

	// Of what was translated, and zero otherwise:
	Stats runtime.Stats
	Tier  string
	Whole time.Duration // from the program's start to its end
}

// A Mode says how a program is translated.
type Mode struct {
	TLS  string // runtime.Config.TLS
	Tier string // runtime.Config.Tier
	// Without is runtime.Config.Without.
	Without string
	tool    *tool // watches the program; nil for none
}

// Translated runs a program as a guest.
func Translated(ctx context.Context, p Program, s Setup, mode Mode) (m Measurement, err error) {
	out, m, err := translated(ctx, p, s, mode)
	if err != nil {
		return m, fmt.Errorf("bench: %s, translated: %w", p.Name, err)
	}
	return m, m.parse(string(out))
}

// translated is Translated for any output, which is not parsed.
func translated(ctx context.Context, p Program, s Setup, mode Mode) (out []byte, m Measurement, err error) {
	args, err := s.argData()
	if err != nil {
		return nil, m, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, m, err
	}
	defer r.Close()
	defer w.Close()
	c := runtime.Config{
		Executable: p.Image, Size: p.Size, Name: p.Name, ArgData: args, FDs: append([]int{int(w.Fd())}, s.FDs...),
		TLS: mode.TLS, Tier: mode.Tier, Without: mode.Without,
	}
	if p.Name == switchKernel {
		c.Without += ",clock" // its call would else be answered without a switch
	}
	if mode.tool != nil && mode.tool.watch != nil {
		done, err := mode.tool.watch(&c)
		if err != nil {
			return nil, m, err
		}
		defer done()
	}
	begin := hostClock()
	process, err := runtime.Start(ctx, c)
	if err != nil {
		return nil, m, err
	}
	exit := process.Wait() // what it prints fits into the pipe
	m.Whole, m.Tier, m.Stats = time.Duration(hostClock()-begin), process.Tier(), process.Stats()
	w.Close()
	if out, err = io.ReadAll(r); err != nil {
		return nil, m, err
	}
	if exit.Fault != nil {
		return nil, m, fmt.Errorf("%s", exit.Fault.Report())
	}
	if exit.Status() != 0 {
		return nil, m, fmt.Errorf("it ended with status %d: %s", exit.Status(), out)
	}
	return out, m, nil
}
