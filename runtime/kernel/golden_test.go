package kernel

import (
	"bytes"
	"fmt"
	"testing"
	"text/tabwriter"

	"cabitrans/internal/golden"
	"cabitrans/runtime/abi"
)

// What is built, what is not, and what is known about it, as one reads it.
func TestTableGolden(t *testing.T) {
	notes := map[abi.Call]string{}
	for _, row := range table {
		notes[row.call] = row.note
	}
	var b bytes.Buffer
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "raw\tvDSO\tcall\tanswer\tnote")
	for n := range uint64(abi.Num2016Limit) {
		c, ok := abi.ByNum2016(n)
		if !ok {
			t.Fatalf("no call has number %d", n)
		}
		vdso, answer := "-", "ENOSYS"
		if c.Info().In2020 {
			vdso = "yes"
		}
		if calls[c].do != nil {
			answer = "built"
		}
		fmt.Fprintf(tw, "%d\t%s\t%v\t%s\t%s\n", n, vdso, c, answer, notes[c])
	}
	tw.Flush()
	var got []byte
	for line := range bytes.Lines(b.Bytes()) {
		got = append(append(got, bytes.TrimRight(line, " \n")...), '\n')
	}
	golden.Check(t, "testdata/calls.golden", string(got))
}
