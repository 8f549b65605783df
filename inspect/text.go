package inspect

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// WriteText writes the report for people. It ends with whether the program would run.
func (r *Report) WriteText(w io.Writer) error {
	t := &text{}
	t.line("%s: %d bytes", r.File, r.Size)
	if r.Contents != nil {
		t.header(r.Contents)
		t.calls(r.Contents)
		t.thread(r.Contents)
		t.special(r.Contents)
		t.coverage(r.Contents)
	}
	if r.Runs {
		t.line("\nit would run here")
	} else {
		t.line("\nit would not run here: %s", r.Why)
	}
	_, err := io.WriteString(w, t.String())
	return err
}

// text builds the lines.
type text struct{ strings.Builder }

func (t *text) line(format string, args ...any) {
	fmt.Fprintf(t, format, args...)
	t.WriteByte('\n')
}

func (p Place) String() string {
	if p.Symbol == "" {
		return p.Addr.String()
	}
	return fmt.Sprintf("%v %s", p.Addr, p.Symbol)
}

func (t *text) header(c *Contents) {
	sure := "certainly"
	if !c.Generation.Certain {
		sure = "probably"
	}
	what := "at a fixed address"
	if c.Type == "ET_DYN" {
		what = "can be loaded anywhere"
	}
	t.line("type         %s, %s", c.Type, what)
	t.line("generation   %d, %s: %s", c.Generation.Number, sure, c.Generation.Why)
	t.line("entry        %v", c.Entry)
	for i, s := range c.Segments {
		name := ""
		if i == 0 {
			name = "segments"
		}
		t.line("%-12s %s  %#x to %#x, %d bytes; %d of them from offset %#x",
			name, s.Prot, uint64(s.Addr), uint64(s.Addr)+s.MemSize, s.MemSize, s.FileSize, s.Offset)
	}
	if c.TLS == nil {
		t.line("TLS          none")
	} else {
		t.line("TLS          %d bytes, aligned to %d; %d of them are initialized", c.TLS.Size, c.TLS.Align, c.TLS.FileSize)
	}
	for _, n := range c.Notes {
		t.line("note         %q, type %d: %s", n.Name, n.Type, n.Desc)
	}
	if c.SymbolsWhy != "" {
		t.line("symbols      none: %s", c.SymbolsWhy)
	} else {
		t.line("symbols      %s", some(c.Symbols))
	}
	if c.Relocations.Relative < c.Relocations.Count {
		t.line("relocations  %d, of which %d are R_X86_64_RELATIVE", c.Relocations.Count, c.Relocations.Relative)
	} else {
		t.line("relocations  %s", some(c.Relocations.Count))
	}
}

func some(n int) string {
	if n == 0 {
		return "none"
	}
	return fmt.Sprint(n)
}

func (t *text) calls(c *Contents) {
	t.line("\nsystem calls")
	switch c.VDSO.Form {
	case formSymbol:
		t.line("  by name, through the vDSO: %d", len(c.VDSO.Names))
		t.words(c.VDSO.Names)
	case formName:
		t.line("  by name, through the vDSO: a table of %d", len(c.VDSO.Names))
		t.words(c.VDSO.Names)
	default:
		t.line("  by name, through the vDSO: none")
	}
	switch n := len(c.VDSO.Functions); {
	case n > 0 && slices.Equal(c.VDSO.Names, c.VDSO.Functions):
		t.line("  with functions for all of them, by the symbol table")
	case n > 0:
		t.line("  functions for system calls, by the symbol table: %d", n)
		t.words(c.VDSO.Functions)
	}
	if c.Syscalls.Count == 0 {
		t.line("  by number, raw: none")
		return
	}
	t.line("  by number, raw: %d instructions", c.Syscalls.Count)
	for _, r := range c.Syscalls.Calls {
		name := r.Name
		if name == "" {
			name = "(no such call)"
		}
		t.line("    %3d %-24s %s", r.Number, name, sites(r.Sites, r.Count))
	}
	if c.Syscalls.Unknown > 0 {
		t.line("      ? %-24s %s", "number unknown", sites(c.Syscalls.Sites, c.Syscalls.Unknown))
	}
}

// words writes words in lines of up to 100 columns.
func (t *text) words(words []string) {
	const lead, width = "   ", 100
	line := lead
	for _, w := range words {
		if len(line)+1+len(w) > width && line != lead {
			t.line("%s", line)
			line = lead
		}
		line += " " + w
	}
	t.line("%s", line)
}

// sites is a shortened list of n places.
func sites(list []Place, n int) string {
	var b strings.Builder
	for i, p := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.String())
	}
	if left := n - len(list); left > 0 {
		fmt.Fprintf(&b, ", and %d more", left)
	}
	return b.String()
}

// listed writes a finding and below it where it is.
func (t *text) listed(what string, n int, list []Place) {
	t.line("  %d × %s", n, what)
	for _, p := range list {
		t.line("      %v", p)
	}
	if left := n - len(list); left > 0 {
		t.line("      and %d more; -v lists all", left)
	}
}

func (t *text) thread(c *Contents) {
	t.line("\noperands in %%fs: %s", some(c.FS.Count))
	for _, f := range c.FS.Forms {
		t.listed(f.Text, f.Count, f.Sites)
	}
	if c.GS > 0 {
		t.line("operands in %%gs: %d", c.GS)
	}
}

// actions are what Special.Action means, in the order shown.
var actions = []struct{ action, text string }{
	{actionEmulated, "emulated"},
	{actionFaults, "that fault, as they do on a CPU"},
	{actionRefused, "that are refused: the program ends with a report"},
	{actionEmulated + moving, "emulated once the program has moved its %fs base"},
	{actionRefused + moving, "refused once the program has moved its %fs base"},
	{actionFaults + moving, "that fault once the program has moved its %fs base"},
}

func (t *text) special(c *Contents) {
	if len(c.Special) == 0 {
		t.line("\ninstructions to emulate or refuse: none")
		return
	}
	for _, a := range actions {
		first := true
		for _, s := range c.Special {
			if s.Action != a.action {
				continue
			}
			if first {
				t.line("\ninstructions %s", a.text)
				first = false
			}
			t.listed(s.Text, s.Count, s.Sites)
		}
	}
}

func (t *text) coverage(c *Contents) {
	x := &c.Text
	t.line("\nlooked at %d instructions in %d bytes of text", x.Instructions, x.Bytes)
	t.line("  in %d functions that symbols or .eh_frame know: %d bytes", x.Functions, x.InFunctions)
	t.line("  outside of them, where the sweep may be out of step: %d bytes (padding is part of it)", x.Outside)
	if x.Undecodable == 0 {
		return
	}
	t.line("  not covered, since it does not decode: %d bytes", x.Undecodable)
	n := uint64(0)
	for _, s := range x.Skipped {
		t.line("      %v to %v", s.Lo, s.Hi)
		n += uint64(s.Hi - s.Lo)
	}
	if n < x.Undecodable {
		t.line("      and %d bytes more; -v lists all", x.Undecodable-n)
	}
}
