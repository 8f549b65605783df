package listing

import (
	"fmt"
	"io"
)

// Widths of columns, of bytes in hexadecimal and of text.
const (
	bytesWidth = 30 // ten bytes; more push what follows to the right
	textWidth  = 44

	// LeftWidth is that of the guest's side.
	LeftWidth = 2 + 8 + 2 + bytesWidth + 1 + textWidth
)

// Left is the guest's side of a line.
func Left(mark byte, g *Code) string {
	return fmt.Sprintf("%c %8x  %-*s %s", mark, g.Addr, bytesWidth, fmt.Sprintf("% x", g.Bytes), g.Text)
}

// WriteHost writes a translation to the right of left, the text of which is only in the first line.
func WriteHost(w io.Writer, left string, host []Code) {
	if len(host) == 0 {
		fmt.Fprintf(w, "%-*s |           (left out)\n", LeftWidth, left)
	}
	for i := range host {
		fmt.Fprintf(w, "%-*s | %s\n", LeftWidth, left, Right(&host[i]))
		left = ""
	}
}

// Right is a host instruction.
func Right(c *Code) string {
	return fmt.Sprintf("%8x  %-*s %s", c.Addr, bytesWidth, fmt.Sprintf("% x", c.Bytes), c.Text)
}
