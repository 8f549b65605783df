package inspect

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Widths of columns, of bytes in hexadecimal and of text.
const (
	bytesWidth = 30 // ten bytes; more push what follows to the right
	textWidth  = 44
)

// WriteText writes guest instructions to the left and their translation to the right. With several strategies, those
// whose translation of an instruction is the same share lines.
func (l *Listing) WriteText(out io.Writer) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "%v", Addr(l.Addr))
	if l.Name != "" {
		fmt.Fprintf(w, " <%s>", l.Name)
	}
	fmt.Fprintln(w, ":")
	for i := range l.Lines[0] {
		l.line(w, i)
	}
	fmt.Fprintln(w)
	return w.Flush()
}

// line writes line i of every strategy.
func (l *Listing) line(w io.Writer, i int) {
	left := l.left(i)
	var seen []int // the first strategy of each different translation
	for k := range l.Lines {
		if !slices.ContainsFunc(seen, func(j int) bool { return same(l.Lines[j][i].Host, l.Lines[k][i].Host) }) {
			seen = append(seen, k)
		}
	}
	if len(l.Lines) == 1 || len(seen) == 1 {
		l.host(w, left, &l.Lines[0][i])
		return
	}
	fmt.Fprintf(w, "%s\n", left)
	for _, k := range seen {
		who := ""
		for j := range l.Lines {
			if same(l.Lines[j][i].Host, l.Lines[k][i].Host) {
				who += " " + l.TLS[j]
			}
		}
		fmt.Fprintf(w, "%*s |%s:\n", leftWidth, "", who)
		l.host(w, "", &l.Lines[k][i])
	}
}

// host writes the translation beside left, the text of which is only in the first line.
func (l *Listing) host(w io.Writer, left string, line *Line) {
	if len(line.Host) == 0 {
		fmt.Fprintf(w, "%-*s |           (left out)\n", leftWidth, left)
	}
	for _, c := range line.Host {
		fmt.Fprintf(w, "%-*s | %8x  %-*s %s\n", leftWidth, left, c.Addr, bytesWidth, fmt.Sprintf("% x", c.Bytes), c.Text)
		left = ""
	}
}

const leftWidth = 2 + 8 + 2 + bytesWidth + 1 + textWidth

// left is the guest's side of line i.
func (l *Listing) left(i int) string {
	mark := byte(' ')
	for _, lines := range l.Lines {
		if m := lines[i].Mark; m == '!' || mark == ' ' {
			mark = m
		}
	}
	g := &l.Lines[0][i].Guest
	return fmt.Sprintf("%c %8x  %-*s %s", mark, g.Addr, bytesWidth, fmt.Sprintf("% x", g.Bytes), g.Text)
}

// same reports whether translations do the same, wherever they lie. What aligns a branch is no difference.
func same(a, b []Code) bool {
	padding := func(c Code) bool { return strings.HasPrefix(c.Text, "nop") }
	a, b = slices.DeleteFunc(slices.Clone(a), padding), slices.DeleteFunc(slices.Clone(b), padding)
	return slices.EqualFunc(a, b, func(x, y Code) bool { return x.sense == y.sense })
}
