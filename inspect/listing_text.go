package inspect

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"cabitrans/runtime/listing"
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
		listing.WriteHost(w, left, l.Lines[0][i].Host)
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
		fmt.Fprintf(w, "%*s |%s:\n", listing.LeftWidth, "", who)
		listing.WriteHost(w, "", l.Lines[k][i].Host)
	}
}

// left is the guest's side of line i.
func (l *Listing) left(i int) string {
	mark := byte(' ')
	for _, lines := range l.Lines {
		if m := lines[i].Mark; m == '!' || mark == ' ' {
			mark = m
		}
	}
	return listing.Left(mark, &l.Lines[0][i].Guest)
}

// same reports whether translations do the same, wherever they lie. What aligns a branch is no difference.
func same(a, b []Code) bool {
	padding := func(c Code) bool { return strings.HasPrefix(c.Text, "nop") }
	a, b = slices.DeleteFunc(slices.Clone(a), padding), slices.DeleteFunc(slices.Clone(b), padding)
	return slices.EqualFunc(a, b, func(x, y Code) bool { return x.Sense == y.Sense })
}
