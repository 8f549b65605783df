package bench

import (
	"bufio"
	"io"
	"net"
	"os"
	"time"

	"cabitrans/runtime"
)

// A tool is what can watch a program.
type tool struct {
	name string // the flags of cabitrans run that ask for it
	// watch makes a program be watched, and done undoes what watch did itself; nil for nothing.
	watch func(*runtime.Config) (done func(), err error)
}

// tools are all that there are, after none: that one twice, so that there is a measure of
// noise.
var tools = []tool{
	{name: "nothing"},
	{name: "nothing, again"},
	{"--tier=cache", simply(func(c *runtime.Config) { c.Tier = runtime.TierCache })},
	{"--timeout=1h --memory=1G", simply(func(c *runtime.Config) { c.Limits = runtime.Limits{Timeout: time.Hour, Memory: 1 << 30} })},
	{"--strace", traced(runtime.TraceOptions{})},
	{"--strace -c", traced(runtime.TraceOptions{Summary: true})},
	{"--profile", profiled(runtime.DefaultProfileHz)},
	{"--profile --profile-hz=1000", profiled(1000)},
	{"--perf-map", simply(func(c *runtime.Config) { c.PerfMap = io.Discard })},
	{"-d in_asm", logged("in_asm")},
	{"-d out_asm", logged("out_asm")},
	{"--coverage", simply(func(c *runtime.Config) { c.Coverage = &runtime.Coverage{To: io.Discard} })},
	{"--count=blocks", counted("blocks")},
	{"--count=insns", counted("insns")},
	{"--count=opcodes", counted("opcodes")},
	{"--count=indirect", counted("indirect")},
	{"--gdb, idle", debugged},
}

// simply is a tool that needs nothing of its own.
func simply(set func(*runtime.Config)) func(*runtime.Config) (func(), error) {
	return func(c *runtime.Config) (func(), error) {
		set(c)
		return func() {}, nil
	}
}

// traced writes system calls down.
func traced(o runtime.TraceOptions) func(*runtime.Config) (func(), error) {
	return func(c *runtime.Config) (func(), error) {
		f, err := os.OpenFile(os.DevNull, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return nil, err
		}
		c.Trace = &runtime.Trace{TraceOptions: o, To: f}
		return func() { _ = f.Close() }, nil
	}
}

func profiled(hz int) func(*runtime.Config) (func(), error) {
	return simply(func(c *runtime.Config) { c.Profile = &runtime.Profile{To: io.Discard, Hz: hz} })
}

func logged(items string) func(*runtime.Config) (func(), error) {
	return func(c *runtime.Config) (func(), error) {
		parsed, err := runtime.ParseCodeLogItems(items)
		c.CodeLog = &runtime.CodeLog{To: io.Discard, Items: parsed}
		return func() {}, err
	}
}

func counted(kinds string) func(*runtime.Config) (func(), error) {
	return func(c *runtime.Config) (func(), error) {
		parsed, err := runtime.ParseCountKinds(kinds)
		c.Counts = &runtime.Counts{To: io.Discard, Kinds: parsed, All: true}
		return func() {}, err
	}
}

// debugged has a debugger connect that lets the program run, and leaves when it has ended.
func debugged(c *runtime.Config) (func(), error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	conn, err := net.Dial("tcp", l.Addr().String())
	if err == nil {
		_, err = io.WriteString(conn, "$QStartNoAckMode#b0+$c#63")
	}
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	left := make(chan struct{})
	go func() {
		defer close(left)
		_, _ = bufio.NewReader(conn).ReadString('W') // W, and a status: it has ended
		_ = conn.Close()
	}()
	c.Debug = &runtime.Debug{Listener: l, Wait: true}
	return func() { _ = conn.Close(); <-left }, nil
}
