package main

import (
	"fmt"
	"strings"
)

// manual is the manual page, in the language of man(7).
func manual() string {
	var b strings.Builder
	b.WriteString(`.TH CABITRANS 1 "" "cabitrans" "User Commands"` + "\n.SH NAME\n")
	b.WriteString(`cabitrans \- run CloudABI executables` + "\n.SH SYNOPSIS\n")
	for i, s := range subcommands() {
		if i > 0 {
			b.WriteString(".br\n")
		}
		fmt.Fprintf(&b, ".B %s\n%s\n", roff("cabitrans "+s.name), roff(s.args))
	}
	fmt.Fprintf(&b, ".SH DESCRIPTION\n%s\n%s\n.PP\n.nf\n%s.fi\n", roff(title), roff(about), roff(example))
	b.WriteString(".SH COMMANDS\n")
	for _, s := range subcommands() {
		fmt.Fprintf(&b, ".SS %s\n%s\n", roff("cabitrans "+s.name+" "+s.args), roff(capital(s.short)))
		if s.long != "" {
			fmt.Fprintln(&b, roff(s.long))
		}
		for _, o := range s.opts() {
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(o.usage()), roff(capital(o.help)))
		}
	}
	b.WriteString(".SH EXIT STATUS\n")
	for _, s := range subcommands() {
		fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(s.name), roff(s.status))
	}
	return b.String()
}

// roff is text with what its language would take for commands made plain.
func roff(text string) string {
	lines := strings.Split(strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
