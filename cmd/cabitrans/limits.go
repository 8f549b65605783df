package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"cabitrans/runtime"
)

// exitTimeout is the exit status of a run that --timeout has ended, that of timeout(1).
const exitTimeout = 124

// limitOptions are the flags of run that bound what a program takes.
func limitOptions(l *runtime.Limits) []option {
	return []option{
		{name: "timeout", value: "TIME", help: "end the program, and the processes that it has forked, when it has run for " +
			"TIME, such as 1.5, 90s or 2m; the exit status is then 124",
			set: func(s string) (err error) { l.Timeout, err = parseTime(s); return err }},
		{name: "memory", value: "SIZE", help: "let each process map at most SIZE bytes, such as 64M or 1G, its segments and its " +
			"stack included",
			set: func(s string) (err error) { l.Memory, err = parseSize(s); return err }},
		{name: "max-fds", value: "N", help: "let each process have at most N descriptors", set: countOption(&l.FDs)},
		{name: "max-threads", value: "N", help: "let each process have at most N threads", set: countOption(&l.Threads)},
	}
}

// parseTime reads a duration as Go writes it, or a number of seconds.
func parseTime(s string) (time.Duration, error) {
	if n, err := strconv.ParseFloat(s, 64); err == nil && n*float64(time.Second) < math.MaxInt64 {
		s = strconv.FormatFloat(n, 'f', -1, 64) + "s"
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, errors.New("it is a time, such as 1.5, 90s or 2m")
	}
	return d, nil
}

// parseSize reads a number of bytes, or of units of 2^10, 2^20, 2^30 bytes.
func parseSize(s string) (uint64, error) {
	number, shift := s, 0
	if n := len(s); n > 0 {
		if i := strings.IndexByte("KMG", s[n-1]&^0x20); i >= 0 {
			number, shift = s[:n-1], 10*(i+1)
		}
	}
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || n == 0 || n > math.MaxUint64>>shift {
		return 0, errors.New("it is a number of bytes, such as 65536, 64K, 64M or 1G")
	}
	return n << shift, nil
}

// countOption sets a number of things.
func countOption(to *int) func(string) error {
	return func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return fmt.Errorf("it is a number from 1 on")
		}
		*to = n
		return nil
	}
}
