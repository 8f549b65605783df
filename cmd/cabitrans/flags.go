package main

import (
	"errors"
	"fmt"
	"strings"

	"cabitrans/runtime"
)

// runFlags is the command line of run.
type runFlags struct {
	config   string // empty for standard input
	stats    statsFormat
	trace    traceFlags
	time     profileFlags
	gdb      gdbFlags
	code     codeFlags
	cover    coverFlags
	tls      string // empty for the host's default
	tier     string // empty for the default
	strict   bool
	limits   runtime.Limits
	progress bool
	args     []string // what follows the flags
}

// statsFormat is how counts are written; empty for not at all.
type statsFormat string

const (
	statsNone statsFormat = ""
	statsText statsFormat = "text"
	statsJSON statsFormat = "json"
)

// options are the flags of run.
func (f *runFlags) options() []option {
	opts := []option{
		fileOption("config", &f.config, "configuration", "read the configuration from FILE; - is standard input"),
		{name: "stats", value: "[=json]", set: f.setStats, words: []string{"text", "json"},
			help: "when the program has ended, write counts to standard error, as text or as one JSON object"},
		tlsOption(&f.tls, runtime.TLSStrategies(), "how guest threads have their thread-local storage; all ways do the "+
			"same, at different cost. Here there are "),
		{name: "tier", value: "NAME", words: runtime.Tiers(), set: func(name string) error { return setTier(&f.tier, name) },
			help: "how the program's code is executed; the first of these by default, if the other flags allow it: " +
				strings.Join(runtime.Tiers(), ", ")},
		toggle("strict", &f.strict, "keep what the ABI lets calls and returns lose, register r11 and the memory below "+
			"the stack; slower"),
	}
	opts = append(opts, limitOptions(&f.limits)...)
	opts = append(opts, f.trace.options()...)
	opts = append(opts, f.time.options()...)
	opts = append(opts, f.gdb.option())
	opts = append(opts, f.code.options()...)
	opts = append(opts, f.cover.options()...)
	opts = append(opts, toggle("progress", &f.progress, "if standard error is a terminal, keep a line there that says how "+
		"far the program is"))
	return opts
}

// parseFlags reads the command line of run. The error is flag.ErrHelp when that asks for help.
func parseFlags(args []string) (f *runFlags, err error) {
	f = new(runFlags)
	if f.args, err = parseOptions(f.options(), args, false); err != nil {
		return nil, err
	}
	for _, check := range []func() error{f.trace.check, f.time.check, f.code.check, f.cover.check} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// setStats notes how counts are written.
func (f *runFlags) setStats(format string) error {
	s := statsFormat(format)
	switch s {
	case "true":
		s = statsText
	case statsText, statsJSON:
	default:
		return fmt.Errorf("there is no format %q, only text and json", format)
	}
	if f.stats != statsNone && f.stats != s {
		return fmt.Errorf("--stats=%s was given before", f.stats)
	}
	f.stats = s
	return nil
}

// tlsOption is the flag that chooses a TLS strategy.
func tlsOption(to *string, names []string, help string) option {
	return option{name: "tls", value: "NAME", words: names, help: help + strings.Join(names, ", "),
		set: func(name string) error { return setTLS(to, name) }}
}

// setTLS notes the name of a TLS strategy; whether there is one of that name is for
// package runtime to say.
func setTLS(tls *string, name string) error {
	switch {
	case name == "":
		return errors.New("it is the name of a TLS strategy")
	case *tls != "" && *tls != name:
		return fmt.Errorf("--tls=%s was given before", *tls)
	}
	*tls = name
	return nil
}

// setTier notes the name of a tier; whether there is one of that name is for package
// runtime to say.
func setTier(tier *string, name string) error {
	switch {
	case name == "":
		return errors.New("it is the name of a tier")
	case *tier != "" && *tier != name:
		return fmt.Errorf("--tier=%s was given before", *tier)
	}
	*tier = name
	return nil
}
