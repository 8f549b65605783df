package gdb_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"cabitrans/runtime/gdb"
	"cabitrans/runtime/gdb/gdbtest"
)

// A fake is a Target of two threads and some memory, which notes what is asked of it.
type fake struct {
	mu    sync.Mutex
	log   []string
	stops chan gdb.Stop
	regs  gdb.Registers
	mem   []byte // from address 0x1000 on
}

func newFake() *fake {
	return &fake{stops: make(chan gdb.Stop, 1), mem: []byte("0123456789abcdef$#}*"), regs: gdb.Registers{
		XSave: make([]byte, 4096), RIP: 0x1234,
	}}
}

func (f *fake) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, fmt.Sprintf(format, args...))
}

// took returns and forgets what has been noted.
func (f *fake) took() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := strings.Join(f.log, "; ")
	f.log = nil
	return s
}

func (f *fake) Attach() error                                        { f.note("attach"); return nil }
func (f *fake) Detach()                                              { f.note("detach") }
func (f *fake) Kill()                                                { f.note("kill") }
func (f *fake) Threads() []gdb.ThreadID                              { return []gdb.ThreadID{0x10, 0x11} }
func (f *fake) ThreadName(id gdb.ThreadID) string                    { return fmt.Sprintf("<%v>", id) }
func (f *fake) Stops() <-chan gdb.Stop                               { return f.stops }
func (f *fake) Registers(gdb.ThreadID) (*gdb.Registers, error)       { r := f.regs; return &r, nil }
func (f *fake) TLSAddress(id gdb.ThreadID, o uint64) (uint64, error) { return uint64(id)<<16 + o, nil }

func (f *fake) Program() gdb.Program {
	text := "the executable, with $ and # and } and *"
	return gdb.Program{
		Path: "/bin/guest", Created: true, File: strings.NewReader(text), Size: int64(len(text)),
		Base: 0x4000, Entry: 0x4100, Phdr: 0x4040, Phnum: 7,
	}
}

func (f *fake) SetRegisters(id gdb.ThreadID, r *gdb.Registers) error {
	f.note("registers %v rip=%x", id, r.RIP)
	if r.RIP == 0xbad {
		return gdb.ErrInCall
	}
	f.regs = *r
	return nil
}

func (f *fake) ReadMemory(b []byte, addr uint64) int {
	if addr < 0x1000 || addr >= 0x1000+uint64(len(f.mem)) {
		return 0
	}
	return copy(b, f.mem[addr-0x1000:])
}

func (f *fake) WriteMemory(addr uint64, b []byte) error {
	if addr != 0x1000 {
		return errors.New("no")
	}
	copy(f.mem, b)
	return nil
}

func (f *fake) SetPoint(p gdb.Point) error {
	f.note("set %+v", p)
	if p.Kind == gdb.WatchRead {
		return gdb.ErrUnsupported
	}
	return nil
}

func (f *fake) ClearPoint(p gdb.Point) error { f.note("clear %+v", p); return nil }

func (f *fake) Resume(a []gdb.Action) error {
	f.note("resume %+v", a)
	for _, x := range a {
		if x.Signal == 99 {
			return errors.New("no such signal")
		}
	}
	return nil
}

func (f *fake) Interrupt() {
	f.note("interrupt")
	select {
	case f.stops <- gdb.Stop{Thread: 0x10, Signal: gdb.SIGINT}:
	default:
	}
}

// connect serves a fake to a client.
func connect(t *testing.T) (*fake, *gdbtest.Client, *gdb.Server) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := newFake()
	s := gdb.Serve(l, f)
	t.Cleanup(func() { s.Close() })
	c := gdbtest.Dial(t, l.Addr())
	if got := f.took(); got != "attach" {
		t.Fatalf("a connection means %q", got)
	}
	return f, c, s
}

const stopAtFirst = "T0506:0000000000000000;07:0000000000000000;10:3412000000000000;thread:10;"

// TestAnswers is packets and their answers, and what they ask of the target.
func TestAnswers(t *testing.T) {
	f, c, _ := connect(t)
	x := func(s string) string { return hex.EncodeToString([]byte(s)) }
	for _, q := range []struct{ packet, answer, target string }{
		{"?", stopAtFirst, ""},
		{"", "", ""},
		{"!", "", ""},
		{"qC", "QC10", ""},
		{"qfThreadInfo", "m10,11", ""},
		{"qsThreadInfo", "l", ""},
		{"qThreadExtraInfo,11", x("<11>"), ""},
		{"qThreadExtraInfo,12", "E.no thread 12", ""},
		{"T11", "OK", ""},
		{"T12", "E.no thread 12", ""},
		{"Hg11", "OK", ""},
		{"qC", "QC11", ""},
		{"Hg12", "E.no thread 12", ""},
		{"Hg0", "OK", ""}, // any: it stays
		{"qC", "QC11", ""},
		{"Hg10", "OK", ""},
		{"Hc-1", "OK", ""},
		{"Hx10", "", ""},
		{"H", "E.the packet is malformed", ""},
		{"qAttached", "0", ""},
		{"qOffsets", "Text=4000;Data=4000;Bss=4000", ""},
		{"qSymbol::", "OK", ""},
		{"qGetTLSAddr:11,8,0", "110008", ""},
		{"qGetTLSAddr:11", "E.the packet is malformed", ""},
		{"qXfer:exec-file:read::0,fff", "l/bin/guest", ""},
		{"qXfer:exec-file:read::0,4", "m/bin", ""},
		{"qXfer:exec-file:read::99,4", "E.the packet is malformed", ""},
		{"qXfer:features:read:other.xml:0,4", "E00", ""},
		{"qXfer:threads:read::0,fff", "l<?xml version=\"1.0\"?>\n<threads>\n<thread id=\"10\">&lt;10&gt;</thread>\n" +
			"<thread id=\"11\">&lt;11&gt;</thread>\n</threads>\n", ""},
		{"qXfer:libraries-svr4:read::0,fff", "l<library-list-svr4 version=\"1.0\" main-lm=\"0x4001\"/>", ""},
		{"qXfer:siginfo:read::0,80", "E.the thread has no signal", ""},
		{"qXfer:nothing:read::0,80", "", ""},
		{"qXfer:auxv:write::0:00", "", ""},
		{"qNobodyKnows", "", ""},
		{"vNobodyKnows", "", ""},
		{"vCont?", "vCont;c;C;s;S;r", ""},
		{"QNonStop:1", "", ""}, // refused: gdb then says so
		{"m1000,4", x("0123"), ""},
		{"m1010,ff", x("$#}*"), ""}, // as much as there is
		{"m0,4", "E0e", ""},
		{"mxyz", "E.the packet is malformed", ""},
		{"x1010,4", "b$#}*", ""},
		{"M1000,2:" + x("ab"), "OK", ""},
		{"X1000,3:#$}", "OK", ""},
		{"X1000,0:", "OK", ""},
		{"m1000,4", x("#$}3"), ""},
		{"M2000,1:00", "E.no", ""},
		{"M1000,2:00", "E.the packet is malformed", ""},
		{"p10", "3412000000000000", ""},
		{"p", "E.the packet is malformed", ""},
		{"pfff", "E.no register 0xfff", ""},
		{"P10=3512000000000000", "OK", "registers 10 rip=1235"},
		{"P10=3512000000000000", "OK", ""}, // it has that value
		{"P10=ad0b000000000000", "E.the thread is in a system call: its registers cannot be changed", "registers 10 rip=bad"},
		{"P10=00", "E.register rip has 8 bytes, not 1", ""},
		{"P12=01000000", "E.register cs cannot be changed", ""},
		{"P39=0000000000000000", "OK", "registers 10 rip=1235"}, // orig_rax
		{"Z0,1000,1", "OK", "set {Kind:0 Addr:4096 Len:1}"},
		{"z0,1000,1", "OK", "clear {Kind:0 Addr:4096 Len:1}"},
		{"Z2,1000,8", "OK", "set {Kind:2 Addr:4096 Len:8}"},
		{"Z3,1000,8", "", "set {Kind:3 Addr:4096 Len:8}"},
		{"Z9,1000,8", "", ""},
		{"Z0,1000", "E.the packet is malformed", ""},
		{"vFile:setfs:0", "F0", ""},
		{"vFile:open:" + x("/etc/passwd") + ",0,0", "F-1,2", ""},
		{"vFile:open:" + x("/bin/guest") + ",1,0", "F-1,d", ""},
		{"vFile:open:" + x("/bin/guest") + ",0,0", "F0", ""},
		{"vFile:pread:0,10,20", "F8; } and *", ""},
		{"vFile:pread:0,10,100", "F0;", ""},
		{"vFile:pread:1,10,0", "F-1,9", ""},
		{"vFile:close:0", "F0", ""},
		{"vFile:close:0", "F-1,9", ""},
		{"vFile:unlink:00", "F-1,58", ""},
		{"vCont;q", "E.an action that is none of c, C, s, S and r", ""},
		{"vCont;C63:10", "E.no such signal", "resume [{Thread:10 Step:false Lo:0 Hi:0 Signal:99}]"},
		{"c1000", "E.to go on at another address, the register has to be set first", ""},
	} {
		if got := c.Do(q.packet); got != q.answer {
			t.Errorf("%s is answered %q, want %q", q.packet, got, q.answer)
		}
		if got := f.took(); got != q.target {
			t.Errorf("%s means %q, want %q", q.packet, got, q.target)
		}
	}
}

// TestResume: what resuming packets mean for each thread, and how stops are said.
func TestResume(t *testing.T) {
	f, c, _ := connect(t)
	go1, go2 := "{Thread:10 Step:false Lo:0 Hi:0 Signal:0}", "{Thread:11 Step:false Lo:0 Hi:0 Signal:0}"
	trap := gdb.Stop{Thread: 0x11, Signal: gdb.SIGTRAP}
	with := func(change func(*gdb.Stop)) gdb.Stop { s := trap; change(&s); return s }
	regs := "06:0000000000000000;07:0000000000000000;10:3412000000000000;thread:11;"
	for _, q := range []struct {
		packet  string
		stop    gdb.Stop
		answer  string
		actions string
	}{
		{"c", trap, "T05" + regs, go1 + " " + go2},
		{"vCont;c", trap, "T05" + regs, go1 + " " + go2},
		{"s", trap, "T05" + regs, go1 + " {Thread:11 Step:true Lo:0 Hi:0 Signal:0}"},
		{"vCont;s:11", with(func(s *gdb.Stop) { s.Kind = gdb.StopBreak }), "T05swbreak:;" + regs,
			"{Thread:11 Step:true Lo:0 Hi:0 Signal:0}"},
		{"vCont;r1000,1010:11;c", with(func(s *gdb.Stop) { s.Kind, s.Addr = gdb.StopWatch, 0x1008 }), "T05watch:1008;" + regs,
			"{Thread:11 Step:true Lo:4096 Hi:4112 Signal:0} " + go1},
		{"vCont;C0b:11;c:-1", with(func(s *gdb.Stop) { s.Kind, s.Addr = gdb.StopAccess, 8 }), "T05awatch:8;" + regs,
			"{Thread:11 Step:false Lo:0 Hi:0 Signal:11} " + go1},
		{"C0b", with(func(s *gdb.Stop) { s.Kind = gdb.StopExec }), "T05exec:2f62696e2f6775657374;" + regs,
			go1 + " {Thread:11 Step:false Lo:0 Hi:0 Signal:11}"},
		{"vCont;c", gdb.Stop{Kind: gdb.StopNoResumed, Thread: 0x10}, "N", go1 + " " + go2},
		{"vCont;c", gdb.Stop{Kind: gdb.StopExited, Code: 7}, "W07", go1 + " " + go2},
	} {
		f.stops <- q.stop
		if got := c.Do(q.packet); got != q.answer {
			t.Errorf("%s is answered %q, want %q", q.packet, got, q.answer)
		}
		if got, want := f.took(), "resume ["+q.actions+"]"; got != want {
			t.Errorf("%s means %q, want %q", q.packet, got, want)
		}
	}
	c.Want("?", "W07")
	c.Want("g", "E01")
}

func TestInterrupt(t *testing.T) {
	f, c, _ := connect(t)
	c.Write("\x03") // nothing runs: nothing happens
	c.Send("vCont;c")
	if s := c.Interrupt(); s.Kind != 'T' || s.Signal != gdb.SIGINT {
		t.Errorf("%+v", s)
	}
	if got := f.took(); !strings.HasSuffix(got, "; interrupt") || strings.Count(got, "interrupt") != 1 {
		t.Errorf("asked for was %q", got)
	}
}

// TestLeave: the ways in which a debugger goes.
func TestLeave(t *testing.T) {
	for _, q := range []struct {
		name, want string
		leave      func(*gdbtest.Client)
	}{
		{"detach", "detach", func(c *gdbtest.Client) { c.Want("D", "OK"); c.Ended() }},
		{"kill", "kill", func(c *gdbtest.Client) { c.Send("k"); c.Ended() }},
		{"vKill", "kill", func(c *gdbtest.Client) { c.Want("vKill;1", "OK"); c.Ended() }},
		{"vanish", "detach", func(c *gdbtest.Client) { c.Close() }},
		{"vanish in a packet", "detach", func(c *gdbtest.Client) { c.Write("$g#"); c.Close() }},
		{"vanish while it runs", "interrupt; detach", func(c *gdbtest.Client) { c.Send("c"); c.Close() }},
		{"nonsense", "detach", func(c *gdbtest.Client) { c.Write("$g#00"); c.Ended() }},
	} {
		f, c, s := connect(t)
		q.leave(c)
		for gdbtest.TryDial(t, s.Addr()) == nil { // until the server is done with this one
		}
		got, _, _ := strings.Cut(strings.TrimPrefix(f.took(), "resume [{Thread:10 Step:false Lo:0 Hi:0 Signal:0} "+
			"{Thread:11 Step:false Lo:0 Hi:0 Signal:0}]; "), "; attach")
		if got != q.want {
			t.Errorf("%s: the target was asked for %q, want %q", q.name, got, q.want)
		}
	}
}

// TestAcknowledge: before noAck a packet with a wrong checksum is asked for again, an
// answer is sent again, and a packet that the debugger had to send again is answered once.
func TestAcknowledge(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := gdb.Serve(l, newFake())
	defer s.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, q := range []struct{ send, want string }{
		{"$qC#00", "-"}, {"$qC#b4", "+$QC10#f5"}, {"-", "$QC10#f5"}, {"+", ""}, {"$qC#b4", "+$QC10#f5"},
		{"$qC#b4$qC#b4$qC#b4", "+$QC10#f5"}, {"-", "$QC10#f5"},
	} {
		c.Write([]byte(q.send))
		got := make([]byte, len(q.want))
		for n := 0; n < len(got); {
			k, err := c.Read(got[n:])
			if err != nil {
				t.Fatal(err)
			}
			n += k
		}
		if string(got) != q.want {
			t.Errorf("%q is answered %q, want %q", q.send, got, q.want)
		}
	}
}

// TestBusy: a second debugger is turned away, and a closed server ends the first.
func TestBusy(t *testing.T) {
	_, c, s := connect(t)
	second, err := net.Dial(s.Addr().Network(), s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if n, err := second.Read(make([]byte, 1)); err == nil {
		t.Errorf("it gets %d bytes", n)
	}
	c.Want("qC", "QC10")
	s.Close()
	c.Ended()
}

// TestRegistersPacket: all at once, of the size that the parts have.
func TestRegistersPacket(t *testing.T) {
	_, c, _ := connect(t)
	g := c.Do("g")
	if len(g) != 2*(17*8+7*4+8*10+8*4+16*16+4+8+16) {
		t.Errorf("a packet of all registers has %d digits", len(g))
	}
	c.Want("G"+g, "OK")
	if !bytes.Equal([]byte(c.Do("g")), []byte(g)) {
		t.Error("they have changed")
	}
}
