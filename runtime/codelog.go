package runtime

import (
	"fmt"
	"io"
	"os"

	"cabitrans/runtime/codelog"
)

// A CodeLog says what is written down of translations, and where.
type CodeLog struct {
	To     io.Writer
	Items  CodeLogItems
	Filter CodeLogFilter // nil for everything

	// Forked is the path of what forked processes write: each adds a point and its process identifier. Without it they
	// write nothing.
	Forked string
}

// CodeLogItems are what is written of translations; CodeLogFilter says for which addresses.
type (
	CodeLogItems  = codelog.Items
	CodeLogFilter = codelog.Filter
)

// ParseCodeLogItems reads names of items, separated by commas: in_asm, out_asm, blocks, links.
func ParseCodeLogItems(s string) (CodeLogItems, error) { return codelog.ParseItems(s) }

// ParseCodeLogFilter reads ranges, separated by commas: START..END, START+SIZE, or the name of a function.
func ParseCodeLogFilter(s string) (CodeLogFilter, error) { return codelog.ParseFilter(s) }

// setCodeLog makes the log that c asks for.
func (p *Process) setCodeLog(c *CodeLog) {
	if c != nil {
		p.codeLog, p.translations = c, codelog.New(c.To, c.Items)
	}
}

// watchCode makes the log that of p.engine, which is new. That the first program lacks a name of the filter is an error;
// another one may.
func (p *Process) watchCode() error {
	if p.translations == nil {
		return nil
	}
	err := p.translations.Begin(p.codeLog.Filter, p.placeName, p.symbolRange)
	if err != nil && !p.logBegun {
		return err
	}
	p.logBegun = true
	p.engine.Watch(p.translations)
	return nil
}

// placeName names a guest address: symbol+0x12; empty if nothing is known of it.
func (p *Process) placeName(addr uint64) string {
	if addr-p.vdso.Text < p.vdso.Stride*uint64(p.vdso.Count) {
		i := (addr - p.vdso.Text) / p.vdso.Stride
		return p.calls[i].Info().Symbol()
	}
	if addr < p.plan.Lo || addr >= p.plan.Hi {
		return ""
	}
	name, past, ok := p.syms().Lookup(addr - p.plan.Base)
	switch {
	case !ok:
		return ""
	case past == 0:
		return name
	}
	return fmt.Sprintf("%s+%#x", name, past)
}

// symbolRange finds a function in memory. What of its size is unknown is 0.
func (p *Process) symbolRange(name string) (addr, size uint64, ok bool) {
	at, ok := p.syms().Addr(name)
	if !ok {
		return 0, 0, false
	}
	for s := range p.syms().All {
		if s.Addr == at {
			size = max(size, s.Size)
		}
	}
	return at + p.plan.Base, size, true
}

// CodeLogErr waits until the process has ended, and says whether translations could be written down.
func (p *Process) CodeLogErr() error {
	<-p.ended
	if p.translations == nil || p.translations.Err() == nil {
		return nil
	}
	return fmt.Errorf("translations cannot be written down: %w", p.translations.Err())
}

// forkedFile opens what a forked process, this one, writes instead of its parent's file.
func forkedFile(path string) (*os.File, error) {
	f, err := os.Create(fmt.Sprintf("%s.%d", path, os.Getpid()))
	if err != nil {
		return nil, fmt.Errorf("a forked process cannot write what was asked for: %w", err)
	}
	return f, nil
}
