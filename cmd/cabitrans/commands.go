package main

// A subcommand is what can follow the name cabitrans. Its line in subcommands is all that
// help, manual page and completions need.
type subcommand struct {
	name    string
	args    string // what follows the name
	short   string // what it does, in a few words
	long    string // more of that, in sentences; may be empty
	options func() []option
	words   []string // its arguments, if they are words; otherwise they are files
	status  string   // what its exit status says, in sentences
	do      func(*command, []string) int
}

// subcommands are all commands, in the order of the help text.
func subcommands() []subcommand {
	return []subcommand{
		{name: "run", args: "[flags] PROGRAM", short: "run a program", options: new(runFlags).options,
			do: (*command).run, status: "The program's own; 127 if it could not be started; 128 and the number " +
				"of the signal if a signal ended it; 124 if --timeout did."},
		{name: "inspect", args: "[flags] PROGRAM", short: "say what is in a program", options: new(inspectFlags).options,
			do: (*command).inspect, status: "0 if the program would run here, 1 if not, 127 if it could not be read."},
		{name: "disasm", args: "[flags] PROGRAM [SYMBOL|ADDRESS]", short: "show instructions and their translation",
			long:    "It shows one function, or all; an address begins with 0x.",
			options: new(disasmFlags).options, do: (*command).disasm, status: "0, or 127 if it failed."},
		{name: "bench", args: "[flags]", short: "measure what translation costs on this machine", long: benchLong,
			options: new(benchFlags).options, do: (*command).bench,
			status: "0, 1 if a mean is above its bound, or 127 if something could not be measured or written."},
		{name: "binfmt", args: "[flags]", short: "let the kernel start programs by their names", options: new(binfmtFlags).options,
			long: "For Linux: with the registration a CloudABI program is started like any other, its configuration on standard " +
				"input. To register it takes root, and the file system binfmt_misc.",
			do: (*command).binfmt, status: "0, or 127 if it failed."},
		{name: "completion", args: "bash|zsh|fish", short: "print what the shell needs to complete this",
			long: `The output is code of that shell. For this session: source <(cabitrans completion bash) in bash and zsh, ` +
				`cabitrans completion fish | source in fish.`,
			words: []string{"bash", "zsh", "fish"}, do: (*command).completion, status: "0, or 127 if it failed."},
		{name: "help", args: "[COMMAND|man]", short: "show this text, that of a command, or the manual page",
			long:  `The manual page is for man: cabitrans help man > cabitrans.1.`,
			words: []string{"man"}, do: (*command).help, status: "0, or 127 if it failed."},
	}
}

// subcommandOf finds a command by its name; nil if there is none.
func subcommandOf(name string) *subcommand {
	for _, s := range subcommands() {
		if s.name == name {
			return &s
		}
	}
	return nil
}

// opts are the command's flags.
func (s *subcommand) opts() []option {
	if s.options == nil {
		return nil
	}
	return s.options()
}
