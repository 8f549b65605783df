package main

import (
	"testing"

	"cabitrans/internal/debugregs"
)

// TestLLDB drives lldb as a person does: it finds the program at its entry, and has breakpoints, source, stacks,
// registers, threads, steps, watchpoints and memory.
func TestLLDB(t *testing.T) {
	debugregs.Need(t)
	commands := []string{
		"breakpoint set --name add --condition 'b == 5'", "continue", "bt", "p a", "register read rip fs_base xmm0", "thread list",
		"step", "finish", "si", "disassemble -c 2", "breakpoint delete -f", "watchpoint set variable counter", "continue",
		"watchpoint delete -f", "memory read --format hex --size 8 --count 2 &counter", "expression work = 0", "register write rcx 5",
		"breakpoint set --name area", "continue", "p *p", "expression forever = 0", "continue",
	}
	s, o := debugged(t, nil, "debug", debugConf+"forever: 1\n", func(_, socket string) []string {
		args := []string{toolPath(t, "lldb"), "--batch", "--no-lldbinit", "-o", "process connect --plugin gdb-remote unix-connect://" + socket}
		for _, c := range commands {
			args = append(args, "-o", c)
		}
		return append(args, guest(t, "debug"))
	})
	inOrder(t, s, `stop reason = signal SIGSTOP`, `debug.?_start`, `stop reason = breakpoint 1`, `debug.?add\(a=10, b=5\)`,
		`frame #1: .*sum_to\(n=10\)`, `frame #2: .*guest_main`, `\(u64\) \$0 = 10`, `rip = 0x\w+ +debug.?add`, `fs_base = 0x\w*[1-9a-f]`,
		`xmm0 = \{`, `\* thread #1: .*add`, `stop reason = step in`, `stop reason = step out`, `Return value: .* = 15`,
		`stop reason = instruction step`, `Watchpoint created`, `old value: 10$`, `new value: 15$`, `stop reason = watchpoint 1`,
		`0x\w+: 0x000000000000000f`, `stop reason = breakpoint 2`, `x = 3, y = 4|x = 3\n`, `exited with status = 3`)
	o.expect(t, outcome{debugDone, "", 3})
}
