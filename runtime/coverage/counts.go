package coverage

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"cabitrans/runtime/engine"
)

// How many rows of each list are written unless all are wanted; the rest is summed up.
const (
	maxBlocks    = 20
	maxFunctions = 20
	maxSites     = 50
	maxTargets   = 8 // of a site
)

// programCounts is what was counted of a program.
type programCounts struct {
	path string

	blocks    []row // most frequent first
	entered   uint64
	insns     uint64
	functions []row // instructions
	sites     []siteRow
	indirect  uint64
	opcodes   []row
	different int // blocks
}

// A row is a number and what it is of.
type row struct {
	n    uint64
	what string
}

// A siteRow is an indirect branch and its targets.
type siteRow struct {
	row
	targets []row
}

// sortRows puts the largest first.
func sortRows(rows []row) []row {
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(b.n, a.n), strings.Compare(a.what, b.what)) })
	return rows
}

func rowsOf(m map[string]uint64) (rows []row) {
	for what, n := range m {
		rows = append(rows, row{n, what})
	}
	return sortRows(rows)
}

// address is an address with its name.
func (p *Program) address(addr uint64) string {
	if s := p.Place(addr); s != "" {
		return fmt.Sprintf("%#x %s", addr, s)
	}
	return fmt.Sprintf("%#x", addr)
}

func (r *Recorder) addCounts(p *Program, all []*engine.Block, targets map[engine.Target]uint64, executed map[uint64]uint64) {
	c := programCounts{path: p.Path}
	if r.want.Counts&Blocks != 0 {
		c.countBlocks(p, all)
	}
	if r.want.Counts&Insns != 0 {
		c.countInsns(p, executed)
	}
	if r.want.Counts&Indirect != 0 {
		c.countTargets(p, all, targets)
	}
	if r.want.Counts&Opcodes != 0 {
		opcodes := make(map[string]uint64)
		for _, b := range all {
			for in, n := range b.Executed {
				opcodes[mnemonic(in.Text(b.Code[in.PC-b.PC:], nil))] += n
			}
		}
		c.opcodes = rowsOf(opcodes)
	}
	r.counts = append(r.counts, c)
}

// mnemonic is an instruction's name, with the prefix that changes what it does.
func mnemonic(text string) string {
	words := strings.Fields(text)
	for i, w := range words {
		switch w {
		case "data16", "addr32", "bnd", "notrack", "cs", "ds", "es", "ss", "fs", "gs":
			continue
		case "rep", "repz", "repnz", "lock", "xacquire", "xrelease":
			if i+1 < len(words) {
				return w + " " + words[i+1]
			}
		}
		return w
	}
	return text
}

func (c *programCounts) countBlocks(p *Program, all []*engine.Block) {
	c.different = len(all)
	for _, b := range all {
		n := 0
		for range b.Insts {
			n++
		}
		c.entered += b.Count
		c.blocks = append(c.blocks, row{b.Count, fmt.Sprintf("%6d  %s", n, p.address(b.PC))})
	}
	sortRows(c.blocks)
}

func (c *programCounts) countInsns(p *Program, executed map[uint64]uint64) {
	functions := make(map[string]uint64)
	for pc, n := range executed {
		c.insns += n
		name, _ := p.Function(pc)
		if name == "" {
			name = "[code without a symbol]"
		}
		functions[name] += n
	}
	c.functions = rowsOf(functions)
}

func (c *programCounts) countTargets(p *Program, all []*engine.Block, targets map[engine.Target]uint64) {
	texts := make(map[uint64]string) // of the instructions that end blocks
	for _, b := range all {
		for _, in := range b.Insts {
			if in.End() == b.PC+uint64(len(b.Code)) {
				texts[in.PC] = in.Text(b.Code[in.PC-b.PC:], nil)
			}
		}
	}
	bySite := make(map[uint64]*siteRow)
	for t, n := range targets {
		s := bySite[t.Site]
		if s == nil {
			s = &siteRow{row: row{0, fmt.Sprintf("%s: %s", p.address(t.Site), texts[t.Site])}}
			bySite[t.Site] = s
		}
		s.n += n
		c.indirect += n
		s.targets = append(s.targets, row{n, p.address(t.To)})
	}
	for _, s := range bySite {
		sortRows(s.targets)
		c.sites = append(c.sites, *s)
	}
	slices.SortFunc(c.sites, func(a, b siteRow) int { return cmp.Or(cmp.Compare(b.n, a.n), strings.Compare(a.what, b.what)) })
}

// WriteCounts writes what was counted, for people: the most frequent of each, or all.
func (r *Recorder) WriteCounts(to io.Writer, all bool) error {
	w := bufio.NewWriter(to)
	for i := range r.counts {
		r.counts[i].write(&table{w, all}, r.want.Counts)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("the counts cannot be written: %w", err)
	}
	return nil
}

// A table is where rows are written: up to a limit, or all.
type table struct {
	io.Writer
	all bool
}

func (c *programCounts) write(w *table, kinds Kinds) {
	fmt.Fprintf(w, "%s\n", c.path)
	if kinds&Insns != 0 {
		fmt.Fprintf(w, "\ninstructions executed: %d\n", c.insns)
		w.rows("  ", c.functions, maxFunctions, "functions")
	}
	if kinds&Blocks != 0 {
		fmt.Fprintf(w, "\nblocks entered: %d, %d different; each with its instructions\n", c.entered, c.different)
		w.rows("  ", c.blocks, maxBlocks, "blocks")
	}
	if kinds&Indirect != 0 {
		fmt.Fprintf(w, "\nindirect jumps and calls: %d, at %d places\n", c.indirect, len(c.sites))
		for i, s := range c.sites {
			if i == maxSites && !w.all {
				fmt.Fprintf(w, "  … %d more places\n", len(c.sites)-i)
				break
			}
			fmt.Fprintf(w, "  %12d  %s\n", s.n, s.what)
			w.rows("      ", s.targets, maxTargets, "targets")
		}
	}
	if kinds&Opcodes != 0 {
		fmt.Fprintf(w, "\ninstructions by mnemonic\n")
		w.rows("  ", c.opcodes, len(c.opcodes), "")
	}
	fmt.Fprintln(w)
}

// rows writes up to limit rows, and how many more there are.
func (w *table) rows(indent string, rows []row, limit int, what string) {
	for i, x := range rows {
		if i == limit && !w.all {
			sum := uint64(0)
			for _, x := range rows[i:] {
				sum += x.n
			}
			fmt.Fprintf(w, "%s%12d  … %d more %s\n", indent, sum, len(rows)-i, what)
			break
		}
		fmt.Fprintf(w, "%s%12d  %s\n", indent, x.n, x.what)
	}
}
