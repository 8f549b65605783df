package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// An option is a flag of a command. What parses it, the help text, the manual page and
// what shells complete are made from this.
type option struct {
	name  string             // of one letter: -n, otherwise --name
	value string             // what stands for its value: FILE, or [=LIST] if it can be left out; empty for a switch
	set   func(string) error // takes the value; "true" for one that was left out
	help  string             // what it does, without a full stop
	words []string           // the values that there are, when they are few
}

// flag is the option as it is written, without a value.
func (o *option) flag() string {
	if len(o.name) == 1 {
		return "-" + o.name
	}
	return "--" + o.name
}

// usage is the option with what stands for its value.
func (o *option) usage() string {
	if o.value == "" || o.optional() {
		return o.flag() + o.value
	}
	if len(o.words) > 0 {
		return o.flag() + "=" + o.value
	}
	return o.flag() + " " + o.value
}

// optional says that the value may be left out, and follows an equals sign if not.
func (o *option) optional() bool { return strings.HasPrefix(o.value, "[") }

// toggle is a switch.
func toggle(name string, to *bool, help string) option {
	return option{name: name, help: help, set: func(s string) (err error) {
		if *to, err = strconv.ParseBool(s); err != nil {
			err = errors.New("it is true or false")
		}
		return err
	}}
}

// fileOption names a file, which may be given once; what is what the file holds.
func fileOption(name string, to *string, what, help string) option {
	return option{name: name, value: "FILE", help: help, set: func(path string) error {
		switch {
		case path == "":
			return errors.New("it is the name of a file")
		case *to != "":
			return fmt.Errorf("there can be only one %s", what)
		}
		*to = path
		return nil
	}}
}

// parseOptions sets options from args, and returns what else there is: all from the first
// argument that is no flag on or, if flags may stand anywhere, every argument that is none.
func parseOptions(options []option, args []string, anywhere bool) (rest []string, err error) {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // the caller writes one sentence instead
	var refused error        // said better than package flag does of what it takes for a switch
	for _, o := range options {
		if o.value == "" || o.optional() {
			fs.BoolFunc(o.name, "", func(s string) error {
				err := o.set(s)
				if err != nil {
					refused = fmt.Errorf("invalid value %q for flag -%s: %w", s, o.name, err)
				}
				return err
			})
		} else {
			fs.Func(o.name, "", o.set)
		}
	}
	for {
		if err := fs.Parse(args); err != nil {
			return nil, cmp.Or(refused, err)
		}
		left := fs.Args()
		n := len(args) - len(left)
		if !anywhere || len(left) == 0 || n > 0 && args[n-1] == "--" {
			return append(rest, left...), nil
		}
		rest, args = append(rest, left[0]), left[1:]
	}
}

// options parses the flags of a command, which may stand anywhere among its arguments. The
// status is that of an invocation that ends here, or negative.
func (c *command) options(name string, options []option, args []string) (rest []string, status int) {
	rest, err := parseOptions(options, args, true)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return nil, c.help([]string{name})
	case err != nil:
		return nil, c.fail("%v; cabitrans help lists the flags", err)
	}
	return rest, -1
}
