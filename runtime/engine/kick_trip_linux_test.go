//go:build amd64

package engine

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
	"cabitrans/runtime/kernel"
	"cabitrans/runtime/memory"
)

// tripCode leaves translated code in every way there is: each leg loads all
// registers, leaves, comes back, and records all registers. It is put at tripPC,
// as its addresses are absolute.
const tripCode = `
			e8 69 01 00 00                ;   0 callq 0x16e <load>
			0f ae 14 25 18 00 00 20       ;   5 ldmxcsr 536870936
			bf 01 00 00 00                ;   d movl $1, %edi
			be 00 01 00 20                ;  12 movl $536871168, %esi
			41 bb 11 11 00 00             ;  17 movl $4369, %r11d
			ff 14 25 08 00 00 20          ;  1d callq *536870920
			e8 ea 01 00 00                ;  24 callq 0x213 <record>
			e8 40 01 00 00                ;  29 callq 0x16e <load>
			bf 01 00 00 00                ;  2e movl $1, %edi
			be 08 01 00 20                ;  33 movl $536871176, %esi
			48 8b 04 25 08 00 00 20       ;  38 movq 536870920, %rax
			ff d0                         ;  40 callq *%rax
			e8 cc 01 00 00                ;  42 callq 0x213 <record>
			e8 22 01 00 00                ;  47 callq 0x16e <load>
			31 ff                         ;  4c xorl %edi, %edi
			be 20 00 00 20                ;  4e movl $536870944, %esi
			ba 01 00 00 00                ;  53 movl $1, %edx
			b9 10 01 00 20                ;  58 movl $536871184, %ecx
			48 8b 04 25 10 00 00 20       ;  5d movq 536870928, %rax
			ff d0                         ;  65 callq *%rax
			e8 a7 01 00 00                ;  67 callq 0x213 <record>
			e8 fd 00 00 00                ;  6c callq 0x16e <load>
			41 bb 22 22 00 00             ;  71 movl $8738, %r11d
			b8 00 00 00 00                ;  77 movl $0, %eax
			bf 01 00 00 00                ;  7c movl $1, %edi
			0f 05                         ;  81 syscall
			e8 8b 01 00 00                ;  83 callq 0x213 <record>
			e8 e1 00 00 00                ;  88 callq 0x16e <load>
			41 bb 22 22 00 00             ;  8d movl $8738, %r11d
			b8 0a 00 00 00                ;  93 movl $10, %eax
			bf 00 00 00 00                ;  98 movl $0, %edi
			be 40 00 00 20                ;  9d movl $536870976, %esi
			ba 01 00 00 00                ;  a2 movl $1, %edx
			0f 05                         ;  a7 syscall
			e8 65 01 00 00                ;  a9 callq 0x213 <record>
			e8 bb 00 00 00                ;  ae callq 0x16e <load>
			41 bb 33 33 00 00             ;  b3 movl $13107, %r11d
			e9 a4 00 00 00                ;  b9 jmp 0x162 <direct>
			e8 50 01 00 00                ;  be callq 0x213 <record>
			e8 a6 00 00 00                ;  c3 callq 0x16e <load>
			41 ba 67 01 00 21             ;  c8 movl $553648487, %r10d
			41 bb 44 44 00 00             ;  ce movl $17476, %r11d
			41 ff e2                      ;  d4 jmpq *%r10
			e8 37 01 00 00                ;  d7 callq 0x213 <record>
			e8 8d 00 00 00                ;  dc callq 0x16e <load>
			41 b9 f6 00 00 21             ;  e1 movl $553648374, %r9d
			41 ba 00 80 00 21             ;  e7 movl $553680896, %r10d
			41 bb 55 55 00 00             ;  ed movl $21845, %r11d
			41 ff e2                      ;  f3 jmpq *%r10
			e8 18 01 00 00                ;  f6 callq 0x213 <record>
			e8 6e 00 00 00                ;  fb callq 0x16e <load>
			41 bb 66 66 00 00             ; 100 movl $26214, %r11d
			e8 61 00 00 00                ; 106 callq 0x16c <called>
			e8 03 01 00 00                ; 10b callq 0x213 <record>
			e8 59 00 00 00                ; 110 callq 0x16e <load>
			41 ba 6d 01 00 21             ; 115 movl $553648493, %r10d
			41 ff d2                      ; 11b callq *%r10
			e8 f0 00 00 00                ; 11e callq 0x213 <record>
			e8 46 00 00 00                ; 123 callq 0x16e <load>
			41 ba 34 01 00 21             ; 128 movl $553648436, %r10d
			41 52                         ; 12e pushq %r10
			c3                            ; 130 retq
			cc                            ; 131 int3
			cc                            ; 132 int3
			cc                            ; 133 int3
			e8 da 00 00 00                ; 134 callq 0x213 <record>
			e8 30 00 00 00                ; 139 callq 0x16e <load>
			41 bb 77 77 00 00             ; 13e movl $30583, %r11d
			9c                            ; 144 pushfq
			9d                            ; 145 popfq
			e8 c8 00 00 00                ; 146 callq 0x213 <record>
			e8 1e 00 00 00                ; 14b callq 0x16e <load>
			41 bb 88 88 00 00             ; 150 movl $34952, %r11d
			f3 48 0f ae c3                ; 156 rdfsbaseq %rbx
			e9 a0 01 00 00                ; 15b jmp 0x300 <clocks>
			0f 0b                         ; 160 ud2
			e9 57 ff ff ff                ; 162 jmp 0xbe <back1>
			e9 6b ff ff ff                ; 167 jmp 0xd7 <back2>
			c3                            ; 16c retq
			c3                            ; 16d retq
			b9 00 10 00 20                ; 16e movl $536875008, %ecx
			b8 e7 00 00 00                ; 173 movl $231, %eax
			31 d2                         ; 178 xorl %edx, %edx
			48 0f ae 29                   ; 17a xrstor64 (%rcx)
			48 bb b7 b6 b5 b4 b3 b2 b1 b0 ; 17e movabsq $-5714589967255750985, %rbx
			48 b9 c7 c6 c5 c4 c3 c2 c1 c0 ; 188 movabsq $-4557147201846524217, %rcx
			48 ba d7 d6 d5 d4 d3 d2 d1 d0 ; 192 movabsq $-3399704436437297449, %rdx
			48 bd 57 56 55 54 53 52 51 50 ; 19c movabsq $5787497513998440023, %rbp
			48 be 67 66 65 64 63 62 61 60 ; 1a6 movabsq $6944940279407666791, %rsi
			48 bf 77 76 75 74 73 72 71 70 ; 1b0 movabsq $8102383044816893559, %rdi
			49 b8 87 86 85 84 83 82 81 80 ; 1ba movabsq $-9186918263483431289, %r8
			49 b9 97 96 95 94 93 92 91 90 ; 1c4 movabsq $-8029475498074204521, %r9
			49 ba a7 a6 a5 a4 a3 a2 a1 a0 ; 1ce movabsq $-6872032732664977753, %r10
			49 bc 17 18 15 16 13 14 11 12 ; 1d8 movabsq $1301843839494199319, %r12
			49 bd 18 19 16 17 14 15 11 13 ; 1e2 movabsq $1373902537355565336, %r13
			49 be 19 1a 17 18 15 16 12 14 ; 1ec movabsq $1446242710193642009, %r14
			49 bf 1a 1b 18 19 16 17 13 15 ; 1f6 movabsq $1518582883031718682, %r15
			b0 7f                         ; 200 movb $127, %al
			04 01                         ; 202 addb $1, %al
			b4 d7                         ; 204 movb $-41, %ah
			9e                            ; 206 sahf
			fd                            ; 207 std
			48 b8 f7 f6 f5 f4 f3 f2 f1 f0 ; 208 movabsq $-1084818905618843913, %rax
			c3                            ; 212 retq
			48 89 04 25 60 00 00 20       ; 213 movq %rax, 536871008
			9c                            ; 21b pushfq
			48 8b 04 25 68 00 00 20       ; 21c movq 536871016, %rax
			8f 80 80 00 00 00             ; 224 popq 128(%rax)
			fc                            ; 22a cld
			48 89 48 08                   ; 22b movq %rcx, 8(%rax)
			48 89 50 10                   ; 22f movq %rdx, 16(%rax)
			48 89 58 18                   ; 233 movq %rbx, 24(%rax)
			48 89 60 20                   ; 237 movq %rsp, 32(%rax)
			48 89 68 28                   ; 23b movq %rbp, 40(%rax)
			48 89 70 30                   ; 23f movq %rsi, 48(%rax)
			48 89 78 38                   ; 243 movq %rdi, 56(%rax)
			4c 89 40 40                   ; 247 movq %r8, 64(%rax)
			4c 89 48 48                   ; 24b movq %r9, 72(%rax)
			4c 89 50 50                   ; 24f movq %r10, 80(%rax)
			4c 89 58 58                   ; 253 movq %r11, 88(%rax)
			4c 89 60 60                   ; 257 movq %r12, 96(%rax)
			4c 89 68 68                   ; 25b movq %r13, 104(%rax)
			4c 89 70 70                   ; 25f movq %r14, 112(%rax)
			4c 89 78 78                   ; 263 movq %r15, 120(%rax)
			48 8b 0c 25 60 00 00 20       ; 267 movq 536871008, %rcx
			48 89 08                      ; 26f movq %rcx, (%rax)
			48 89 c1                      ; 272 movq %rax, %rcx
			b8 e7 00 00 00                ; 275 movl $231, %eax
			31 d2                         ; 27a xorl %edx, %edx
			48 0f ae a1 00 04 00 00       ; 27c xsave64 1024(%rcx)
			48 81 04 25 68 00 00 20 00 30 00 00; 284 addq $12288, 536871016
			c3                            ; 290 retq
`

// tripClocks is the rest of it: clocks, the second to where it cannot be stored.
const tripClocks = `
			e8 0e ff ff ff                ; 300 callq 0x213 <record>
			e8 64 fe ff ff                ; 305 callq 0x16e <load>
			bf 01 00 00 00                ; 30a movl $1, %edi
			ba 30 01 00 20                ; 30f movl $536871216, %edx
			48 8b 04 25 30 00 00 20       ; 314 movq 536870960, %rax
			ff d0                         ; 31c callq *%rax
			e8 f0 fe ff ff                ; 31e callq 0x213 <record>
			e8 46 fe ff ff                ; 323 callq 0x16e <load>
			bf 03 00 00 00                ; 328 movl $3, %edi
			ba 00 00 00 22                ; 32d movl $570425344, %edx
			48 8b 04 25 30 00 00 20       ; 332 movq 536870960, %rax
			ff d0                         ; 33a callq *%rax
			48 89 04 25 38 01 00 20       ; 33c movq %rax, 536871224
			e8 ca fe ff ff                ; 344 callq 0x213 <record>
			e9 12 fe ff ff                ; 349 jmp 0x160 <end>
`

const (
	tripPC   = 0x2100_0000
	tripFar  = tripPC + 0x8000 // in a part of the look-up table of its own
	tripEnd  = tripPC + 0x160
	tripData = 0x2000_0000
	tripShut = 0x2200_0000 // a page that the guest may write to, but the host does not let it

	tripFarCode = "41 ff e1" // jmpq *%r9

	tripLegs    = 15
	tripReads   = 2
	tripCalls   = 5 // through the vDSO
	tripRecords = tripData + 0x4000
	tripRecord  = 0x3000 // bytes; the XSAVE area begins at tripXSave
	tripXSave   = 0x400
	tripCursor  = tripData + 0x68
	tripSize    = 0x4000 + tripLegs*tripRecord
)

// tripLegsInfo says what may differ behind each leg from what was loaded.
var tripLegsInfo = [tripLegs]struct {
	name    string
	vdso    bool // a C call: scratch registers, flags and vector state are lost
	changed decode.RegSet
	carry   bool // the carry flag is cleared
}{
	{name: "vDSO", vdso: true},
	{name: "vDSO with a rounding mode", vdso: true},
	{name: "read through the vDSO", vdso: true},
	{name: "raw call", changed: 1<<decode.RAX | 1<<decode.RDX | 1<<decode.RDI | 1<<decode.R11, carry: true},
	{name: "raw read", carry: true,
		changed: 1<<decode.RAX | 1<<decode.RDI | 1<<decode.RSI | 1<<decode.RDX | 1<<decode.R11},
	{name: "direct jump", changed: 1 << decode.R11},
	{name: "indirect jump", changed: 1<<decode.R10 | 1<<decode.R11},
	{name: "indirect jump beyond the table", changed: 1<<decode.R9 | 1<<decode.R10 | 1<<decode.R11},
	{name: "direct call", changed: 1 << decode.R11},
	{name: "indirect call", changed: 1<<decode.R10 | 1<<decode.R11},
	{name: "return", changed: 1<<decode.R10 | 1<<decode.R11},
	{name: "popf", changed: 1 << decode.R11},
	{name: "rdfsbase", changed: 1<<decode.RBX | 1<<decode.R11},
	{name: "clock", vdso: true},
	{name: "clock without a place", vdso: true},
}

// tripLoaded is what the program loads.
var tripLoaded = [16]uint64{
	0xf0f1f2f3f4f5f6f7, 0xc0c1c2c3c4c5c6c7, 0xd0d1d2d3d4d5d6d7, 0xb0b1b2b3b4b5b6b7,
	0, 0x5051525354555657, 0x6061626364656667, 0x7071727374757677,
	0x8081828384858687, 0x9091929394959697, 0xa0a1a2a3a4a5a6a7, 0,
	0x1211141316151817, 0x1311151417161918, 0x1412161518171a19, 0x1513171619181b1a,
}

// A tripper runs the program.
type tripper struct {
	*tracee
	x     *xstate // what is loaded
	full  *xstate
	feed  *os.File // what the guest reads
	fresh bool     // everything is translated anew each time
	late  bool     // the second read finds nothing until a kick has been seen to

	prepare func(*host.Thread)         // called before the run
	before  func(*host.Thread)         // called before each exit is served
	after   func(*host.Thread, uint32) // and after it, with what exit it was
}

func newTripper(tr *tracee, tls rewrite.TLS, o rewrite.Options) *tripper {
	t := tr.t
	tr.g = newGuestTLS(t, tls)
	g := tr.g
	g.engine.Without(g.engine.rw.Without | rewrite.WithoutFlags) // the guest's own returns would lose them
	p := &tripper{tracee: tr, full: g.newXState(rand.New(rand.NewPCG(3, 4)))}
	p.use(0)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	p.feed = w
	g.kernel.Close()
	g.kernel, err = kernel.NewProcess(kernel.Config{Space: g.mem, Engine: g, FDs: []kernel.Grant{{HostFD: int(r.Fd())}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.kernel.Reserve(); err != nil {
		t.Fatal(err)
	}
	for _, m := range []memory.Request{
		{Addr: tripData, Len: tripSize, Prot: abi.ProtRead | abi.ProtWrite, Fixed: true},
		{Addr: tripShut, Len: host.PageSize, Prot: abi.ProtRead | abi.ProtWrite, Fixed: true},
		{Addr: tripPC, Len: 0x9000, Prot: abi.ProtRead | abi.ProtExec, Fixed: true},
	} {
		if _, err := g.mem.Map(m); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, e := unix.Syscall(unix.SYS_MPROTECT, tripShut, host.PageSize, unix.PROT_READ); e != 0 {
		t.Fatal(e)
	}
	g.put(tripPC, tripCode)
	g.put(tripPC+0x300, tripClocks)
	g.put(tripFar, tripFarCode)
	g.put(g.vdso+7, "c3") // where a kick finds a thread on the way back from a call
	g.setOptions(o)
	return p
}

// use makes the program use so many of the components of extended state; 0 stands for all.
func (p *tripper) use(components uint64) {
	p.x = p.full
	if components != 0 {
		p.x = p.full.only(components)
	}
}

// reset makes the program's data what it was.
func (p *tripper) reset() {
	le := binary.LittleEndian
	d := make([]byte, tripSize)
	le.PutUint64(d[8:], slotAddr(p.g, abi.CallClockResGet))
	le.PutUint64(d[0x10:], slotAddr(p.g, abi.CallFDRead))
	le.PutUint32(d[0x18:], host.DefaultMXCSR)
	le.PutUint64(d[0x20:], tripData+0x120) // where the reads go: 1 byte, and 3
	le.PutUint64(d[0x28:], 1)
	le.PutUint64(d[0x30:], slotAddr(p.g, abi.CallClockTimeGet))
	le.PutUint64(d[0x40:], tripData+0x128)
	le.PutUint64(d[0x48:], 3)
	le.PutUint64(d[tripCursor-tripData:], tripRecords)
	copy(d[0x1000:], p.x.image)
	if err := p.g.mem.CopyOut(tripData, d); err != nil {
		p.t.Fatal(err)
	}
	p.write("a")
	if !p.late {
		p.write("bcd")
	}
	if p.fresh {
		p.g.engine.mu.Lock()
		p.g.engine.flush()
		p.g.engine.mu.Unlock()
	}
}

func (p *tripper) write(text string) {
	if _, err := p.feed.WriteString(text); err != nil {
		p.t.Error(err)
	}
}

// writeLate ends the wait of a read when the kick that interrupts it is over.
func (p *tripper) writeLate(ht *host.Thread, done chan<- struct{}) {
	defer close(done)
	defer p.write("bcd")
	begin := time.Now()
	for atomic.LoadUint64(&p.req.Hits) == 0 || ht.Kicked() {
		time.Sleep(20 * time.Microsecond)
		if time.Since(begin) > 10*time.Second {
			p.t.Error("a kick did not interrupt the read")
			return
		}
	}
}

// A tripOutcome is all that a run left.
type tripOutcome struct {
	*trip
	data  []byte
	calls kernel.Counts
	began int64
}

func (p *tripper) run(s *shot) *tripOutcome {
	p.reset()
	before := p.g.kernel.Counts()
	out := &tripOutcome{data: make([]byte, tripSize), began: host.Monotonic()}
	done := make(chan struct{})
	out.trip = p.tracee.run(tripPC, s, func(ht *host.Thread) {
		if p.late {
			p.req.Hits = 0
			go p.writeLate(ht, done)
		} else {
			close(done)
		}
		if p.prepare != nil {
			p.prepare(ht)
		}
	}, p.before, p.after)
	<-done
	out.calls = p.g.kernel.Counts()
	for i := range before {
		out.calls[i] -= before[i]
	}
	if err := p.g.mem.CopyIn(out.data, tripData); err != nil {
		p.t.Fatal(err)
	}
	return out
}

// wrong says where o is not what an undisturbed run leaves; "" if nowhere.
func (p *tripper) wrong(o *tripOutcome) string {
	if o.fault == nil || o.fault.RIP != tripEnd || o.fault.Signal != SigILL {
		return fmt.Sprintf("it ended with %+v", o.fault)
	}
	if !bytes.Equal(o.data[0x120:0x121], []byte("a")) || !bytes.Equal(o.data[0x128:0x12b], []byte("bcd")) {
		return "it read wrongly"
	}
	if o.calls[abi.CallFDRead] != tripReads || o.calls[abi.CallClockResGet] != 3 {
		return "system calls were lost or repeated"
	}
	if n := o.calls[abi.CallClockTimeGet]; n != 2 {
		return fmt.Sprintf("%d clocks for 2 are counted", n)
	}
	le := binary.LittleEndian
	if now := int64(le.Uint64(o.data[0x130:])); now < o.began || now > host.Monotonic() {
		return "a wrong clock"
	}
	if e := le.Uint64(o.data[0x138:]); e != uint64(abi.EFAULT) {
		return fmt.Sprintf("a clock that cannot be stored returns %d", e)
	}
	var bad []string
	for i := range tripLegsInfo {
		if s := p.wrongLeg(i, o.data[tripRecords-tripData+i*tripRecord:]); s != "" {
			bad = append(bad, "behind the "+tripLegsInfo[i].name+": "+s)
		}
	}
	return strings.Join(bad, "; ")
}

func (p *tripper) wrongLeg(i int, rec []byte) string {
	le, leg := binary.LittleEndian, &tripLegsInfo[i]
	same := ^(leg.changed | 1<<decode.R11)
	if leg.vdso {
		same = 1<<decode.RBX | 1<<decode.RBP | 1<<decode.R12 | 1<<decode.R13 | 1<<decode.R14 | 1<<decode.R15
	}
	for r := range decode.Reg(16) {
		want := tripLoaded[r]
		if r == decode.RSP {
			want = p.g.stack - 16 // record was called
		}
		if v := le.Uint64(rec[8*r:]); (same>>r&1 != 0 || r == decode.RSP) && v != want {
			return "register " + decodeName(r)
		}
	}
	flags := le.Uint64(rec[0x80:]) & guestFlags
	area := rec[tripXSave:]
	if leg.vdso {
		mxcsr := uint32(0x7f80)
		if i == 0 {
			mxcsr = host.DefaultMXCSR
		}
		if flags&0x400 != 0 {
			return "direction flag"
		}
		if le.Uint32(area[xstateMXCSR:])&0xffc0 != mxcsr&0xffc0 {
			return "MXCSR"
		}
		if le.Uint16(area) != le.Uint16(p.x.image) {
			return "x87 control word"
		}
		return ""
	}
	want := uint64(guestFlags)
	if leg.carry {
		want &^= carry
	}
	if flags != want {
		return "flags"
	}
	return p.x.differs(area)
}

func decodeName(r decode.Reg) string {
	return [...]string{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"}[r]
}
