package main

import (
	"fmt"
	"io"
	"strings"
)

// example is a configuration that shows what there can be in one.
const example = `%TAG ! tag:nuxi.nl,2015:cloudabi/
---
message: hello
output: !fd stdout
data: !file { path: /var/lib/data }
`

const (
	title = "cabitrans runs CloudABI executables."
	about = "The program's argument data and descriptors are described in YAML, read from standard input or from the " +
		"file that --config names:"
)

// helpWidth is how many columns the help text has.
const helpWidth = 80

// help prints what was asked for.
func (c *command) help(args []string) int {
	text := ""
	switch {
	case len(args) > 1:
		return c.fail("help takes one argument, but %q follows it", args[1])
	case len(args) == 0:
		text = helpText()
	case args[0] == "man":
		text = manual()
	default:
		s := subcommandOf(args[0])
		if s == nil {
			return c.fail("there is no help on %q; cabitrans help lists what there is", args[0])
		}
		text = s.helpText()
	}
	return c.print("the help text", text)
}

// print writes a text to standard output; what is what it is called.
func (c *command) print(what, text string) int {
	if _, err := io.WriteString(c.stdout, text); err != nil {
		return c.fail("cannot write %s: %v", what, reason(err))
	}
	return 0
}

// helpText is all that cabitrans help says.
func helpText() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nUsage:\n\n", title)
	for _, s := range subcommands() {
		column(&b, "cabitrans "+s.name+" "+s.args, 36, s.short)
	}
	fmt.Fprintf(&b, "\n%s\n\n  %s", wrap(about, helpWidth), indent(example, "  "))
	for _, s := range subcommands() {
		if opts := s.opts(); len(opts) > 0 {
			fmt.Fprintf(&b, "\nFlags of %s:\n\n", s.name)
			describe(&b, opts)
		}
	}
	b.WriteString("\nExit status:\n\n")
	for _, s := range subcommands() {
		column(&b, s.name, 17, s.status)
	}
	return b.String()
}

// helpText is all that there is to say of a command.
func (s *subcommand) helpText() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cabitrans %s %s\n\n", s.name, s.args)
	fmt.Fprintln(&b, wrap(capital(s.short)+" "+s.long, helpWidth))
	if opts := s.opts(); len(opts) > 0 {
		b.WriteString("\nFlags:\n\n")
		describe(&b, opts)
	}
	fmt.Fprintf(&b, "\nExit status: %s\n", wrap(s.status, helpWidth-13))
	return b.String()
}

// describe lists flags.
func describe(b *strings.Builder, opts []option) {
	for _, o := range opts {
		column(b, o.usage(), 17, o.help)
	}
}

// column writes a name, and to its right, from a column on, a text of several lines.
func column(b *strings.Builder, name string, width int, text string) {
	lines := indent(wrap(text, helpWidth-2-width), strings.Repeat(" ", 2+width))
	if len(name) >= width {
		fmt.Fprintf(b, "  %s\n%*s%s\n", name, 2+width, "", lines)
	} else {
		fmt.Fprintf(b, "  %-*s%s\n", width, name, lines)
	}
}

// indent puts a margin before each line but the first.
func indent(text, margin string) string {
	body, end := strings.CutSuffix(text, "\n")
	body = strings.ReplaceAll(body, "\n", "\n"+margin)
	if end {
		body += "\n"
	}
	return body
}

// wrap breaks a text into lines of at most so many columns.
func wrap(text string, width int) string {
	var b strings.Builder
	at := 0
	for _, word := range strings.Fields(text) {
		switch {
		case at == 0:
		case at+1+len(word) > width:
			b.WriteByte('\n')
			at = 0
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	return b.String()
}

// capital makes a sentence of a few words.
func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }
