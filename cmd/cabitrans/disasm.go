package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"

	"cabitrans/inspect"
)

// disasm is the command cabitrans disasm.
func (c *command) disasm(args []string) int {
	var q inspect.Query
	fs := flag.NewFlagSet("cabitrans disasm", flag.ContinueOnError)
	fs.Func("tls", "", func(name string) error { return setTLS(&q.TLS, name) })
	fs.BoolVar(&q.Moving, "moving", false, "")
	args, status := c.studyFlags(fs, args)
	switch {
	case status >= 0:
		return status
	case len(args) == 2 && args[1] == "":
		return c.fail("the name of a symbol is empty; cabitrans help shows how")
	case len(args) == 2:
		q.What = args[1]
	case len(args) != 1:
		return c.fail("disasm needs the path of a program, then at most one symbol or address; cabitrans help shows how")
	}
	exe, size, err := openStudied(args[0])
	if err != nil {
		return c.fail("cannot disassemble %s: %v", args[0], err)
	}
	defer exe.Close()
	p, err := inspect.Open(args[0], exe, size)
	if err != nil {
		return c.fail("cannot disassemble %s: %v", args[0], err)
	}
	w := bufio.NewWriterSize(c.stdout, 64<<10)
	err = p.Disasm(q, func(l *inspect.Listing) error {
		if err := l.WriteText(w); err != nil {
			return fmt.Errorf("%w: %w", errOutput, reason(err))
		}
		return nil
	})
	if flushed := w.Flush(); err == nil && flushed != nil {
		err = fmt.Errorf("%w: %w", errOutput, reason(flushed))
	}
	switch {
	case errors.Is(err, errOutput):
		return c.fail("%v", err)
	case err != nil:
		return c.fail("cannot disassemble %s: %v", args[0], err)
	}
	return 0
}

var errOutput = errors.New("cannot write the listing")
