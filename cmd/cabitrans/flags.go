package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// runFlags is the command line of run.
type runFlags struct {
	config string // empty for standard input
	stats  statsFormat
	trace  traceFlags
	time   profileFlags
	tls    string // empty for the host's default
	strict bool
	help   bool
	args   []string // what follows the flags
}

// statsFormat is how counts are written; empty for not at all.
type statsFormat string

const (
	statsNone statsFormat = ""
	statsText statsFormat = "text"
	statsJSON statsFormat = "json"
)

func parseFlags(args []string) (*runFlags, error) {
	f := new(runFlags)
	fs := flag.NewFlagSet("cabitrans run", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // the caller writes one sentence instead
	var stats *string
	fileFlag(fs, "config", &f.config, "configuration")
	fs.BoolFunc("stats", "", func(format string) error {
		if stats != nil && *stats != format {
			return fmt.Errorf("--stats=%s was given before", *stats)
		}
		stats = &format
		return nil
	})
	f.trace.define(fs)
	f.time.define(fs)
	fs.BoolVar(&f.strict, "strict", false, "")
	fs.Func("tls", "", func(name string) error { return setTLS(&f.tls, name) })
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		f.help = true
		return f, nil
	}
	if err != nil {
		return nil, err
	}
	if err = f.trace.check(); err == nil {
		err = f.time.check()
	}
	if err != nil {
		return nil, err
	}
	f.args = fs.Args()
	if stats == nil {
		return f, nil
	}
	switch *stats {
	case "true", "text": // without a format the flag package says true
		f.stats = statsText
	case "json":
		f.stats = statsJSON
	default:
		return nil, fmt.Errorf("--stats has no format %q, only text and json", *stats)
	}
	return f, nil
}

// fileFlag defines a flag that names a file, which may be given once; what is what
// the file holds.
func fileFlag(fs *flag.FlagSet, name string, to *string, what string) {
	fs.Func(name, "", func(path string) error {
		switch {
		case path == "":
			return errors.New("it is the name of a file")
		case *to != "":
			return fmt.Errorf("there can be only one %s", what)
		}
		*to = path
		return nil
	})
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
