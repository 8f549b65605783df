package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"cabitrans/argdata"
)

// ChildCommand is the hidden command of cabitrans that calls Child.
const ChildCommand = "bench-child"

// Child is a fresh process of this program, to be measured: "empty" does nothing, and
// "hello" with a tier and a TLS strategy runs the smallest guest. Both then write how
// much memory they had resident at most, in KiB; 0 when the host does not tell. It
// returns the exit status.
func Child(args []string, stdout, stderr io.Writer) int {
	switch {
	case len(args) == 1 && args[0] == "empty":
	case len(args) == 3 && args[0] == "hello":
		p, err := Embedded("hello")
		if err == nil {
			s := Setup{More: argdata.Map{{Key: argdata.String("message"), Value: argdata.String("hi")}}}
			_, _, err = translated(context.Background(), p, s, Mode{Tier: args[1], TLS: args[2]})
		}
		if err != nil {
			fmt.Fprintf(stderr, "cabitrans: %v\n", err)
			return 1
		}
	default:
		fmt.Fprintf(stderr, "cabitrans: %s is for cabitrans bench to call\n", ChildCommand)
		return 1
	}
	fmt.Fprintf(stdout, "%d\n", residentKiB())
	return 0
}

// residentKiB is the most memory that this process has had resident.
func residentKiB() (kib uint64) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			_, _ = fmt.Sscanf(rest, "%d kB", &kib)
		}
	}
	return kib
}
