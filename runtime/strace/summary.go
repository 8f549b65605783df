package strace

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"cabitrans/runtime/abi"
)

// A tally is what the summary knows of one call.
type tally struct {
	calls, errors uint64
	time          time.Duration
}

// summary is the table that strace -c prints, the calls that took longest first.
func summary(calls *[abi.NumCalls]tally) string {
	var order []abi.Call
	var sum tally
	for c := range abi.Call(abi.NumCalls) {
		if n := &calls[c]; n.calls > 0 {
			order = append(order, c)
			sum.calls += n.calls
			sum.errors += n.errors
			sum.time += n.time
		}
	}
	slices.SortStableFunc(order, func(a, b abi.Call) int { return cmp.Compare(calls[b].time, calls[a].time) })
	var b strings.Builder
	const rule = "------ ----------- ----------- --------- --------- ----------------\n"
	b.WriteString("% time     seconds  usecs/call     calls    errors syscall\n" + rule)
	for _, c := range order {
		b.WriteString(row(calls[c], sum.time, c.String()))
	}
	b.WriteString(rule + row(sum, sum.time, "total"))
	return b.String()
}

func row(n tally, total time.Duration, name string) string {
	share, each, errs := 100.0, time.Duration(0), ""
	if total > 0 {
		share = 100 * float64(n.time) / float64(total)
	}
	if n.calls > 0 {
		each = n.time / time.Duration(n.calls)
	}
	if n.errors > 0 {
		errs = fmt.Sprint(n.errors)
	}
	return fmt.Sprintf("%6.2f %11.6f %11d %9d %9s %s\n", share, n.time.Seconds(), each.Microseconds(), n.calls, errs, name)
}
