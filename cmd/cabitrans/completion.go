package main

import (
	"fmt"
	"strings"
)

// completion prints code for a shell, by which it completes command lines of cabitrans.
func (c *command) completion(args []string) int {
	shells := map[string]func() string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
	if len(args) != 1 {
		return c.fail("completion needs the name of one shell: bash, zsh or fish")
	}
	code := shells[args[0]]
	if code == nil {
		return c.fail("there is no completion for %q, only for bash, zsh and fish", args[0])
	}
	return c.print("the completion", code())
}

// choices are the words that can stand as the value of a flag or the argument of a
// command. That of help can be a command.
func (s *subcommand) choices() []string {
	w := s.words
	if s.name == "help" {
		for _, other := range subcommands() {
			w = append(w, other.name)
		}
	}
	return w
}

// quote makes one word of a text, as all three shells read it.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// bashSource is where bash takes the words from that complete a value: arguments of its
// compgen.
func bashSource(words []string, file bool) string {
	if len(words) == 0 && file {
		return "-f"
	}
	return "-W " + quote(strings.Join(words, " "))
}

func bashCompletion() string {
	var names []string
	var values, flags strings.Builder
	for _, s := range subcommands() {
		names = append(names, s.name)
		words := s.choices()
		rest := bashSource(words, true)
		for _, o := range s.opts() {
			words = append(words, o.flag())
			if o.value == "" {
				continue
			}
			pattern := fmt.Sprintf("%s=%s=", s.name, o.flag())
			if !o.optional() { // the value may be the next word
				pattern += fmt.Sprintf(" | %s=%s", s.name, o.flag())
			}
			fmt.Fprintf(&values, "\t%s) _cabitrans_from %s; return;;\n", pattern, bashSource(o.words, o.value == "FILE"))
		}
		fmt.Fprintf(&flags, "\t%s=-*) _cabitrans_from %s;;\n", s.name, bashSource(words, false))
		fmt.Fprintf(&flags, "\t%s=*) _cabitrans_from %s;;\n", s.name, rest)
	}
	return `# bash completion of cabitrans: source <(cabitrans completion bash)

_cabitrans_from() {
	if [ "$1" = -f ]; then compopt -o filenames 2>/dev/null; fi
	mapfile -t COMPREPLY < <(compgen "$@" -- "$cur")
}

_cabitrans() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		_cabitrans_from ` + bashSource(names, false) + `
		return
	fi
	# An equals sign is a word of its own.
	if [ "$cur" = "=" ]; then
		prev=$prev= cur=
	elif [ "$prev" = "=" ]; then
		prev=${COMP_WORDS[COMP_CWORD-2]}=
	fi
	case $command=$prev in
` + values.String() + `	esac
	case $command=$cur in
` + flags.String() + `	esac
}
complete -F _cabitrans cabitrans
`
}

// zshSpec is a flag as the function _arguments of zsh takes it.
func (o *option) zshSpec() string {
	help := "[" + strings.NewReplacer("[", "(", "]", ")", ":", " -").Replace(o.help) + "]"
	if o.value == "" {
		return o.flag() + help
	}
	what := ":" + strings.Trim(o.value, "[=]") + ":"
	switch {
	case len(o.words) > 0:
		what += "(" + strings.Join(o.words, " ") + ")"
	case o.value == "FILE":
		what += "_files"
	default:
		what += " "
	}
	switch {
	case o.optional():
		return o.flag() + "=-" + help + ":" + what
	case len(o.name) > 1:
		return o.flag() + "=" + help + what
	}
	return o.flag() + help + what
}

func zshCompletion() string {
	var names, cases strings.Builder
	for _, s := range subcommands() {
		fmt.Fprintf(&names, "\t\t\t%s\n", quote(s.name+":"+s.short))
		fmt.Fprintf(&cases, "\t%s)\n\t\t_arguments", s.name)
		for _, o := range s.opts() {
			fmt.Fprintf(&cases, " \\\n\t\t\t%s", quote(o.zshSpec()))
		}
		rest := "*:file:_files"
		if len(s.words) > 0 {
			rest = "1:argument:(" + strings.Join(s.choices(), " ") + ")"
		}
		fmt.Fprintf(&cases, " \\\n\t\t\t%s\n\t\t;;\n", quote(rest))
	}
	return `#compdef cabitrans
# zsh completion of cabitrans: source <(cabitrans completion zsh)

_cabitrans() {
	local -a commands
	if (( CURRENT == 2 )); then
		commands=(
` + names.String() + `		)
		_describe command commands
		return
	fi
	local command=$words[2]
	shift words
	(( CURRENT-- ))
	case $command in
` + cases.String() + `	esac
}

if [ "$funcstack[1]" = _cabitrans ]; then
	_cabitrans "$@"
else
	compdef _cabitrans cabitrans
fi
`
}

// fishQuote makes one word of a text for fish, whose quotes know \' and \\ inside.
func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}

// fishValue is how fish completes the value of a flag.
func (o *option) fishValue() string {
	switch {
	case len(o.words) > 0 && o.optional():
		return " -f -a " + fishQuote(strings.Join(o.words, " "))
	case len(o.words) > 0:
		return " -x -a " + fishQuote(strings.Join(o.words, " "))
	case o.value == "FILE":
		return " -r -F"
	case o.value != "" && !o.optional():
		return " -x"
	}
	return ""
}

func fishCompletion() string {
	var b strings.Builder
	b.WriteString("# fish completion of cabitrans: cabitrans completion fish | source\n")
	for _, s := range subcommands() {
		fmt.Fprintf(&b, "complete -c cabitrans -n __fish_use_subcommand -f -a %s -d %s\n", s.name, fishQuote(s.short))
		here := fmt.Sprintf("complete -c cabitrans -n '__fish_seen_subcommand_from %s'", s.name)
		for _, o := range s.opts() {
			kind := "-l"
			if len(o.name) == 1 {
				kind = "-s"
			}
			fmt.Fprintf(&b, "%s %s %s%s -d %s\n", here, kind, o.name, o.fishValue(), fishQuote(o.help))
		}
		if len(s.words) > 0 {
			fmt.Fprintf(&b, "%s -f -a %s\n", here, fishQuote(strings.Join(s.choices(), " ")))
		}
	}
	return b.String()
}
