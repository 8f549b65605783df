package engine

import (
	"flag"
	"os"
	"os/exec"
	"testing"
)

var without = flag.String("without", "", "optimisations that the engines of tests leave out, as rewrite.ParseWithout reads them")

// TestWithout runs what tests translations most with all optimisations out, and at length
// with each of them alone.
func TestWithout(t *testing.T) {
	if *without != "" {
		t.Skip("this is such a run")
	}
	list := []string{"all"}
	if !testing.Short() {
		list = append(list, "short", "flags", "landings", "tails", "leaves", "ahead", "dead", "control")
	}
	for _, w := range list {
		t.Run(w, func(t *testing.T) {
			out, err := exec.Command(os.Args[0], "-test.short", "-without="+w,
				"-test.run=^Test(Oracle.*|Corners|CallsAndReturns|WildBranches|R11|SwitchReadsR11|FaultDetails|MovingBase|Refused|StackGrowsOnTheWay)$",
			).CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
