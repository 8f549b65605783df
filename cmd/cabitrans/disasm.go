package main

import (
	"bufio"
	"errors"
	"fmt"

	"cabitrans/inspect"
)

// disasmFlags is the command line of disasm.
type disasmFlags struct{ inspect.Query }

func (f *disasmFlags) options() []option {
	return []option{
		tlsOption(&f.TLS, append(inspect.TLSNames(), "all"), "translate as with that TLS strategy, of this host or another, or "+
			"compare all. There are "),
		toggle("moving", &f.Moving, "translate as it is done once a program has set an %fs base of its own, as those built "+
			"before April 2016 do"),
	}
}

// disasm is the command cabitrans disasm.
func (c *command) disasm(args []string) int {
	var f disasmFlags
	args, status := c.options("disasm", f.options(), args)
	q := &f.Query
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
	err = p.Disasm(*q, func(l *inspect.Listing) error {
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
