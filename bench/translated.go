package bench

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"time"

	"cabitrans/argdata"
	"cabitrans/runtime"
)

// A Measurement is what a kernel program prints about itself.
type Measurement struct {
	N            uint64 // the argument
	Result       uint64
	Best, Median time.Duration
	Stats        runtime.Stats
}

// Translated runs the program at path as a guest: kernel(n), repeats times; 0
// leaves a number to the program.
func Translated(ctx context.Context, path string, n uint64, repeats int) (m Measurement, err error) {
	return TranslatedTLS(ctx, path, n, repeats, "")
}

// TranslatedTLS is Translated under a TLS strategy; empty for the default.
func TranslatedTLS(ctx context.Context, path string, n uint64, repeats int, tls string) (m Measurement, err error) {
	return translated(ctx, path, n, repeats, tls, nil)
}

// translated is Translated with more arguments, and descriptors for them from 1 on.
func translated(
	ctx context.Context, path string, n uint64, repeats int, tls string, more argdata.Map, fds ...int,
) (m Measurement, err error) {
	exe, err := os.Open(path)
	if err != nil {
		return m, err
	}
	defer exe.Close()
	info, err := exe.Stat()
	if err != nil {
		return m, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return m, err
	}
	defer r.Close()
	defer w.Close()
	config := append(argdata.Map{{Key: argdata.String("stdout"), Value: argdata.FD(0)}}, more...)
	if n > 0 {
		config = append(config, argdata.Entry{Key: argdata.String("n"), Value: argdata.Uint(n)})
	}
	if repeats > 0 {
		config = append(config, argdata.Entry{Key: argdata.String("repeats"), Value: argdata.Uint(uint64(repeats))})
	}
	args, err := argdata.Encode(config)
	if err != nil {
		return m, err
	}
	p, err := runtime.Start(ctx, runtime.Config{
		Executable: exe, Size: info.Size(), Name: path, ArgData: args, FDs: append([]int{int(w.Fd())}, fds...),
		TLS: tls,
	})
	if err != nil {
		return m, err
	}
	line := make(chan string, 1)
	go func() { // the program prints one line, which fits into the pipe
		s, _ := bufio.NewReader(r).ReadString('\n')
		line <- s
	}()
	exit := p.Wait()
	w.Close()
	m.Stats = p.Stats()
	if exit.Fault != nil {
		return m, fmt.Errorf("bench: %s", exit.Fault.Report())
	}
	if exit.Status() != 0 {
		return m, fmt.Errorf("bench: %s ended with status %d", path, exit.Status())
	}
	return m, m.parse(<-line)
}

// parse reads NAME n=N result=HEX ns=BEST median=MEDIAN.
func (m *Measurement) parse(line string) error {
	var name string
	var best, median uint64
	if _, err := fmt.Sscanf(line, "%s n=%d result=%x ns=%d median=%d", &name, &m.N, &m.Result, &best, &median); err != nil {
		return fmt.Errorf("bench: the program printed %q: %w", line, err)
	}
	m.Best, m.Median = time.Duration(best), time.Duration(median)
	return nil
}
