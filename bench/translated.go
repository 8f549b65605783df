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
	Stats        runtime.Stats // zero if it was not translated
}

// A Mode says how a program is translated.
type Mode struct {
	TLS  string // runtime.Config.TLS
	Tier string // runtime.Config.Tier
}

// Translated runs a program as a guest.
func Translated(ctx context.Context, p Program, s Setup, mode Mode) (m Measurement, err error) {
	out, stats, err := translated(ctx, p, s, mode)
	if err != nil {
		return m, fmt.Errorf("bench: %s, translated: %w", p.Name, err)
	}
	m.Stats = stats
	return m, m.parse(string(out))
}

// translated is Translated for any output.
func translated(ctx context.Context, p Program, s Setup, mode Mode) (out []byte, stats runtime.Stats, err error) {
	args, err := s.argData()
	if err != nil {
		return nil, stats, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, stats, err
	}
	defer r.Close()
	defer w.Close()
	process, err := runtime.Start(ctx, runtime.Config{
		Executable: p.Image, Size: p.Size, Name: p.Name, ArgData: args, FDs: append([]int{int(w.Fd())}, s.FDs...),
		TLS: mode.TLS, Tier: mode.Tier,
	})
	if err != nil {
		return nil, stats, err
	}
	exit := process.Wait() // what it prints fits into the pipe
	w.Close()
	if out, err = io.ReadAll(r); err != nil {
		return nil, stats, err
	}
	stats = process.Stats()
	if exit.Fault != nil {
		return nil, stats, fmt.Errorf("%s", exit.Fault.Report())
	}
	if exit.Status() != 0 {
		return nil, stats, fmt.Errorf("it ended with status %d: %s", exit.Status(), out)
	}
	return out, stats, nil
}
