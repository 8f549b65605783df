package bench

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/loader"
)

// A generated program is made of functions that are all different, which it calls in
// turn and times: the first call of each, by call instructions in 64ths of a thousand
// places, then once more; then the same through one indirect call, twice. It writes
// generatedStamps readings of the clock, in nanoseconds, to descriptor 0.
//
// No compiler could make 50 MB of it in a moment. The code follows the ABI as a
// compiler's does: functions change caller-saved registers only, use the red zone, and
// lie near those that call them; constants are small.
type generated struct {
	Program
	Functions int
	Text      int // bytes
}

// rounds is how long each time took that it has called everything, in nanoseconds, by what it has written.
func (g *generated) rounds(out []byte) (ns [generatedStamps - 1]float64, err error) {
	var stamps [generatedStamps]uint64
	if n, err := binary.Decode(out, binary.LittleEndian, &stamps); err != nil || n != len(out) {
		return ns, fmt.Errorf("the generated program wrote %d bytes, not %d", len(out), 8*generatedStamps)
	}
	for i := range ns {
		ns[i] = float64(stamps[i+1] - stamps[i])
	}
	return ns, nil
}

const (
	generatedStamps = 5
	functionsACall  = 64 // functions that a function of calls calls
	maxConstant     = 4096
)

// Places in the generated file, which are those in memory, too.
const (
	generatedText = abi.PageSize
	ehdrSize      = 64
	phdrSize      = 56
)

// generate makes a program with about that many bytes of text, the same for the same
// size.
func generate(textBytes int) generated {
	g := newGenerator(uint64(textBytes), generatedStamps-1)
	for len(g.text) < textBytes || len(g.functions) == 0 {
		g.function(12 + g.random.IntN(12))
	}
	return g.program()
}

// generateFunctions makes a program of n functions like those of the kernel cold: of 14
// instructions on average, where those of generate have 21. They are called once, by call
// instructions; only the first two stamps mean something.
func generateFunctions(n int) generated {
	g := newGenerator(uint64(n), 1)
	for range n {
		g.function(7 + g.random.IntN(8))
	}
	return g.program()
}

// newGenerator begins a program that calls everything as often, less than generatedStamps times.
func newGenerator(seed uint64, rounds int) *generator {
	g := &generator{random: rand.New(rand.NewPCG(1, seed))}
	g.so = loader.BuildVDSO(callNames(abi.CallsOfVDSO(false)))
	g.start(rounds)
	g.throughPointers()
	return g
}

// program completes the program.
func (g *generator) program() generated {
	all := g.callers()
	for _, at := range g.direct {
		g.displace(at, int(all))
	}
	binary.LittleEndian.PutUint32(g.text[g.count:], uint32(len(g.functions)))
	image := g.link()
	return generated{Program: programOf("generated", image), Functions: len(g.functions), Text: len(g.text)}
}

type generator struct {
	random    *rand.Rand
	so        *loader.VDSO
	text      []byte
	functions []uint32 // offsets in text
	ranges    []span   // of these and of what calls them, ascending
	// What nobody calls yet: functions, callers of functions, callers of those, and so on.
	waiting [][]uint32
	// Displacements to fill in, by their place in text: of calls of the two ways to
	// call everything, and of data.
	direct, indirect []int
	data             []dataRef
	count            int // the place of the number of functions
}

// A span is the text of a function, [lo, hi) in bytes from its begin.
type span struct{ lo, hi uint32 }

// closed notes that the function that began at lo has ended.
func (g *generator) closed(lo int) {
	g.ranges = append(g.ranges, span{uint32(lo), uint32(len(g.text))})
}

// A dataRef is a displacement, the 4 bytes at place, to an offset in the data.
type dataRef struct{ place, offset int }

// Offsets in the data: the stamps, one iovec, the count that fd_write answers, and the
// functions' offsets in text.
const (
	dataStamps = 0
	dataIovec  = 8 * generatedStamps
	dataCount  = dataIovec + 16
	dataTable  = dataCount + 8
)

func (g *generator) emit(b ...byte) { g.text = append(g.text, b...) }

func (g *generator) emit32(v uint32) { g.text = binary.LittleEndian.AppendUint32(g.text, v) }

// toData emits a displacement to an offset in the data, the last bytes of an instruction.
func (g *generator) toData(offset int) {
	g.data = append(g.data, dataRef{len(g.text), offset})
	g.emit32(0)
}

// start emits the entry: rdi is the auxiliary vector, rsp%16 is 8.
func (g *generator) start(rounds int) {
	g.emit(0x53)                                       // push %rbx
	g.emit(0x81, 0x3f)                                 // 1: cmpl $AT_SYSINFO_EHDR, (%rdi)
	g.emit32(uint32(abi.ATSysinfoEhdr))                //
	g.emit(0x74, 0x06, 0x48, 0x83, 0xc7, abi.AuxvSize) // je 2f; add $16, %rdi
	g.emit(0xeb, 0xf2, 0x48, 0x8b, 0x5f, 0x08)         // jmp 1b; 2: mov 8(%rdi), %rbx
	for i := range rounds + 1 {
		if i > 0 {
			g.emit(0xe8) // call
			ways := &g.direct
			if i > 2 {
				ways = &g.indirect
			}
			*ways = append(*ways, len(g.text))
			g.emit32(0)
		}
		g.emit(0xbf, byte(abi.ClockMonotonic), 0, 0, 0, 0x31, 0xf6) // mov $monotonic, %edi; xor %esi, %esi
		g.emit(0x48, 0x8d, 0x15)                                    // lea stamp(%rip), %rdx
		g.toData(dataStamps + 8*i)
		g.call(abi.CallClockTimeGet)
	}
	g.emit(0x48, 0x8d, 0x05) // lea stamps(%rip), %rax
	g.toData(dataStamps)
	g.emit(0x48, 0x89, 0x05) // mov %rax, iovec(%rip)
	g.toData(dataIovec)
	g.emit(0x31, 0xff, 0x48, 0x8d, 0x35) // xor %edi, %edi; lea iovec(%rip), %rsi
	g.toData(dataIovec)
	g.emit(0xba, 1, 0, 0, 0, 0x48, 0x8d, 0x0d) // mov $1, %edx; lea count(%rip), %rcx
	g.toData(dataCount)
	g.call(abi.CallFDWrite)
	g.emit(0x0f, 0xb7, 0xf8) // movzwl %ax, %edi
	g.call(abi.CallProcExit)
	g.emit(0x0f, 0x0b) // ud2
}

// call emits a call through the vDSO, whose address is in rbx.
func (g *generator) call(c abi.Call) {
	for i, o := range abi.CallsOfVDSO(false) {
		if o == c {
			g.emit(0x48, 0x8d, 0x83) // lea slot(%rbx), %rax
			g.emit32(uint32(g.so.Text + uint64(i)*g.so.Stride))
			g.emit(0xff, 0xd0) // call *%rax
		}
	}
}

// function emits one, of as many instructions or, with conditions, some more.
func (g *generator) function(instructions int) {
	for len(g.text)%16 != 0 {
		g.emit(0xcc)
	}
	lo := len(g.text)
	g.functions = append(g.functions, uint32(lo))
	for range instructions {
		g.instruction()
	}
	g.emit(0xc3)
	g.closed(lo)
	g.wait(0, uint32(lo))
}

// wait notes that somebody must call what is at the offset lo in text, and is above as many calls; when there
// are enough, who does so follows.
func (g *generator) wait(level int, lo uint32) {
	if level == len(g.waiting) {
		g.waiting = append(g.waiting, nil)
	}
	g.waiting[level] = append(g.waiting[level], lo)
	if len(g.waiting[level]) == functionsACall {
		g.callWaiting(level)
	}
}

// callWaiting emits a function that calls, in turn, what waits at a level.
func (g *generator) callWaiting(level int) {
	lo := len(g.text)
	for _, to := range g.waiting[level] {
		g.emit(0xe8)
		g.emit32(to - uint32(len(g.text)+4))
	}
	g.emit(0xc3)
	g.closed(lo)
	g.waiting[level] = nil
	g.wait(level+1, uint32(lo))
}

// callers emits the calls of all that still waits, and returns where the one is that calls everything.
func (g *generator) callers() (all uint32) {
	for level := 0; ; level++ {
		if level == len(g.waiting)-1 && level > 0 && len(g.waiting[level]) == 1 {
			return g.waiting[level][0]
		}
		if len(g.waiting[level]) > 0 {
			g.callWaiting(level)
		}
	}
}

// instruction emits what compilers do much of.
func (g *generator) instruction() {
	r := func() byte { return [...]byte{0, 1, 2, 6, 7}[g.random.IntN(5)] } // rax, rcx, rdx, rsi, rdi
	modrm := 0xc0 | r()<<3 | r()
	switch g.random.IntN(10) {
	case 0:
		g.emit(0x48, 0x01, modrm) // add
	case 1:
		g.emit(0x48, 0x31, modrm) // xor
	case 2:
		g.emit(0x48, 0x0f, 0xaf, modrm) // imul
	case 3:
		g.emit(0xb8 | r()) // mov $imm32
		g.emit32(g.random.Uint32N(maxConstant))
	case 4:
		g.emit(0x48, 0x8d, 0x40|r()<<3|r(), byte(g.random.IntN(128))) // lea disp8(%reg), %reg
	case 5:
		g.emit(0x48, 0x89, 0x44|r()<<3, 0x24, 0xc0) // mov %reg, -64(%rsp)
	case 6:
		g.emit(0x48, 0x8b, 0x44|r()<<3, 0x24, 0xc0) // mov -64(%rsp), %reg
	case 7:
		g.emit(0x48, 0xc1, 0xe0|r(), byte(g.random.IntN(63))) // shl $imm8
	case 8:
		g.emit(0x48, 0x85, modrm, 0x78, 0x03, 0x48, 0x29, modrm) // test; js over; sub
	case 9:
		g.emit(0x89, modrm) // mov %r32, %r32
	}
}

// throughPointers emits the function that calls everything through a pointer.
func (g *generator) throughPointers() {
	lo := len(g.text)
	g.emit(0x53, 0x55, 0x41, 0x54, 0x4c, 0x8d, 0x25) // push %rbx; push %rbp; push %r12; lea table(%rip), %r12
	g.toData(dataTable)
	g.emit(0x48, 0x8d, 0x1d) // lea text(%rip), %rbx
	g.emit32(uint32(-(len(g.text) + 4)))
	g.emit(0x31, 0xed)                               // xor %ebp, %ebp
	g.emit(0x41, 0x8b, 0x04, 0xac, 0x48, 0x01, 0xd8) // 1: mov (%r12,%rbp,4), %eax; add %rbx, %rax
	g.emit(0xff, 0xd0, 0xff, 0xc5, 0x81, 0xfd)       // call *%rax; inc %ebp; cmp $functions, %ebp
	g.count = len(g.text)
	g.emit32(0)
	g.emit(0x72, 0xed, 0x41, 0x5c, 0x5d, 0x5b, 0xc3) // jb 1b; pop %r12; pop %rbp; pop %rbx; ret
	g.closed(lo)
	for _, at := range g.indirect {
		g.displace(at, lo)
	}
}

// displace fills in the displacement at a place in text.
func (g *generator) displace(place, to int) {
	binary.LittleEndian.PutUint32(g.text[place:], uint32(to-(place+4)))
}

// link makes the file: headers, text, unwind tables, data.
func (g *generator) link() []byte {
	unwindAt := pageUp(generatedText + len(g.text))
	unwind := g.unwind(unwindAt)
	dataAt := pageUp(unwindAt + len(unwind))
	for _, ref := range g.data {
		g.displace(ref.place, dataAt-generatedText+ref.offset)
	}
	data := make([]byte, dataTable, dataTable+4*len(g.functions))
	binary.LittleEndian.PutUint64(data[dataIovec+8:], 8*generatedStamps)
	for _, f := range g.functions {
		data = binary.LittleEndian.AppendUint32(data, f)
	}
	const phdrs = 5
	image := make([]byte, dataAt, dataAt+len(data))
	// Executable, of CloudABI; position-independent, for x86-64.
	copy(image, []byte{0x7f, 'E', 'L', 'F', 2, 1, 1, abi.ELFOSABI})
	le := binary.LittleEndian
	le.PutUint16(image[16:], 3) // ET_DYN
	le.PutUint16(image[18:], abi.ELFMachine)
	le.PutUint32(image[20:], 1)
	le.PutUint64(image[24:], generatedText) // entry
	le.PutUint64(image[32:], ehdrSize)      // program headers
	le.PutUint16(image[52:], ehdrSize)
	le.PutUint16(image[54:], phdrSize)
	le.PutUint16(image[56:], phdrs)
	const read, write, exec = 4, 2, 1
	const load, ehFrame = 1, 0x6474e550
	for i, h := range [phdrs]struct {
		kind, flags uint32
		at, size    int
	}{
		{load, read, 0, ehdrSize + phdrs*phdrSize},
		{load, read | exec, generatedText, len(g.text)},
		{load, read, unwindAt, len(unwind)},
		{load, read | write, dataAt, len(data)},
		{ehFrame, read, unwindAt, unwindHeader + unwindRow*len(g.ranges)},
	} {
		putHeader(image[ehdrSize+i*phdrSize:], h.kind, h.flags, h.at, h.size)
	}
	copy(image[generatedText:], g.text)
	copy(image[unwindAt:], unwind)
	return append(image, data...)
}

func pageUp(n int) int { return (n + abi.PageSize - 1) &^ (abi.PageSize - 1) }

// Sizes in bytes of the parts of unwind tables (Linux Standard Base, core, chapter 10).
const (
	unwindHeader = 12
	unwindRow    = 8
	unwindCIE    = 24
	unwindFDE    = 20
)

// unwind makes the unwind tables: a search table, and the entries that it leads to, which
// say where functions are. at is where they are going to be.
func (g *generator) unwind(at int) []byte {
	cie := unwindHeader + unwindRow*len(g.ranges) // where it is in b
	b := make([]byte, 0, cie+unwindCIE+unwindFDE*len(g.ranges)+4)
	le := binary.LittleEndian
	word := func(v int) { b = le.AppendUint32(b, uint32(v)) }
	b = append(b, 1, 0x1b, 3, 0x3b) // version; forms of: the pointer to the entries, the count, rows
	word(cie - len(b))
	word(len(g.ranges))
	for i, f := range g.ranges {
		word(generatedText + int(f.lo) - at)
		word(cie + unwindCIE + unwindFDE*i)
	}
	word(unwindCIE - 4)
	word(0)
	// Version, augmentation; factors of code and data 1 and -8, return address in 16;
	// addresses are 4 bytes relative to their place; the frame is at rsp+8, and above it
	// the return address.
	b = append(b, 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1, 0, 0)
	for _, f := range g.ranges {
		word(unwindFDE - 4)
		word(len(b) - cie)
		word(generatedText + int(f.lo) - at - len(b))
		word(int(f.hi - f.lo))
		word(0) // no augmentation, nothing else to say
	}
	word(0)
	return b
}

// putHeader writes the program header of a segment that is in memory where it is in the
// file.
func putHeader(b []byte, kind, flags uint32, at, size int) {
	le := binary.LittleEndian
	le.PutUint32(b, kind)
	le.PutUint32(b[4:], flags)
	for i, v := range []int{at, at, at, size, size, abi.PageSize} {
		le.PutUint64(b[8+8*i:], uint64(v))
	}
}
