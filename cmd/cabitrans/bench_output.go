package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"cabitrans/bench"
	"cabitrans/bench/chart"
)

// An output is a form of the report, and where it goes.
type output struct {
	name  string
	to    io.Writer
	file  *os.File // nil for standard output
	write func(io.Writer, *bench.Report) error
}

type outputs []output

// openOutputs creates the files before anything is measured.
func (c *command) openOutputs(f *benchFlags) (outs outputs, err error) {
	plain := true
	for _, o := range []struct {
		path  string
		write func(io.Writer, *bench.Report) error
	}{
		{f.json, func(w io.Writer, r *bench.Report) error { return r.WriteJSON(w) }},
		{f.text, func(w io.Writer, r *bench.Report) error { return r.WriteBenchfmt(w) }},
		{f.html, chart.WriteHTML},
	} {
		if o.path == "" {
			continue
		}
		out, err := c.openOutput(o.path)
		if err != nil {
			outs.close()
			return nil, err
		}
		plain = plain && out.file != nil
		out.write = o.write
		outs = append(outs, out)
	}
	if plain {
		outs = append(outs, output{name: "standard output", to: c.stdout,
			write: func(w io.Writer, r *bench.Report) error { return r.WriteText(w) }})
	}
	return outs, nil
}

func (c *command) openOutput(path string) (output, error) {
	if path == "-" {
		return output{name: "standard output", to: c.stdout}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return output{}, fmt.Errorf("cannot write to %s: %w", path, reason(err))
	}
	return output{name: path, to: f, file: f}, nil
}

func (outs outputs) write(r *bench.Report) error {
	for _, o := range outs {
		err := o.write(o.to, r)
		if err == nil && o.file != nil {
			err = o.file.Close()
		}
		if err != nil {
			return fmt.Errorf("cannot write to %s: %w", o.name, reason(err))
		}
	}
	return nil
}

func (outs outputs) close() {
	for _, o := range outs {
		if o.file != nil {
			o.file.Close()
		}
	}
}

// makeDir makes the directory for charts, if there is to be one.
func makeDir(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("cannot make the directory %s: %w", dir, reason(err))
	}
	return nil
}

// writeCharts writes each chart to a file of its own.
func writeCharts(dir string, r *bench.Report) error {
	charts, err := chart.Charts(r)
	if err != nil {
		return err
	}
	for _, c := range charts {
		name := filepath.Join(dir, c.Name+".svg")
		if err := os.WriteFile(name, c.SVG, 0o666); err != nil {
			return fmt.Errorf("cannot write to %s: %w", name, reason(err))
		}
	}
	return nil
}
