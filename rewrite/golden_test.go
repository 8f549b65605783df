package rewrite

import (
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"cabitrans/codegen"
	"cabitrans/decode"
	"cabitrans/internal/golden"
)

const (
	testCache = 0x6000_0000
	testCold  = 0x6800_0000
	testPC    = 0x40_1000
)

// testCode is the machine code whose translation the golden files hold, one
// instruction a line.
var testCode = []string{
	// Copied.
	"90", "4889d8", "f30f58c1", "c5f877", "48b8efcdab8967452301", "0f0b", "0fa2", "f348a5", "9c",
	// RIP-relative, all widths of immediate, and lea.
	"488b0510000000", "488d3d00100000", "c7052000000001000000", "66c7052000000001 00", "c6052000000001", "62f17c481005 40000000",
	// %fs in the forms compilers emit, padding prefixes included.
	"64488b042500000000", "644c8b3c2500000000", "66666664488b042500000000", "6448890c2500000000", "64a10000000000000000",
	// %fs elsewhere.
	"64480104d8", "644883042508000000 01", "64f0480fb10a", "64c5fc1006", "64d94010", "64480fc30b", "6466480fd60e", "64678b0424", "648d042500000000",
	"64408a38", "6448f7250a000000",
	// %fs in every kind of operand: bases and indices, rsp and rbp among them, rip, 32-bit addresses.
	"644803442410", "64488b4500", "644c8b942478563412", "64488b0510000000", "64678b442408", "6467488b0510000000",
	"64673e83048d0800000005", "64480fc70e", "64480fc70c3e", "64f00fc70c3e", "644c0fc1642408",
	// Explicit and implicit operands of the stack.
	"64ff742408", "648f442408", "64668f0424", "64678f442410", "64ff3500000000", "64ff7500",
	// Addresses that are no ModRM operand.
	"64a18877665544332211", "6448a38877665544332211", "6467a278563412", "6466a30000000000000000",
	"64a4", "64f348a7", "6467f3ac", "64d7", "64670fd7c1", "640ff7c1", "6467660ff7c1", "64c5f9f7c1", "640f01fc", "64640f01fa",
	// State, x87, direct stores.
	"640fae00", "64480fae642440", "64db2c25 00000000", "64d93424", "64dd742408", "64 66 0f38f80e", "6467660f38f80e", "64 0f38f90e",
	// VEX of two and three bytes, with and without an index, and immediates; XOP; EVEX with disp8, broadcast and mask.
	"64c5f8104c2404", "64c57810 0c25 00000000", "64c4a17d6f4c2108", "64c4c3790f4d0007", "64c4e2f3f60c33", "648fe9788104 24",
	"6462f17c48104c2401", "6462b17c495844a501", "6462d1fd58584f02", "6462f3fd4825442402ff",
	// Gathers and scatters.
	"64c4e2759004 0d00000000", "64c4e2f19204c6", "64c4a2719344 4540", "6462f27d499044a510", "6462f2fd41a204ca", "6462b27d419044e501",
	"6467c4e2719204c6",
	// Out of reach of %rip.
	"488b05f0ffff7f", "ff25f0ffff7f", "83 3d f0ffff7f 05",
	// A REX prefix that others follow does not count.
	"4864 8b0b", "4864 488b0b",
	// %gs, and both.
	"65488b042500000000", "6564488b042500000000", "6465488b042500000000",
	// Direct branches.
	"eb10", "e900010000", "7410", "0f8500010000", "e2fe", "67e3f0", "e8fb0f0000",
	// Returns.
	"c3", "c21000",
	// Indirect branches.
	"ffe0", "41ffe5", "41ffe3", "ffe4", "ff24c500204000", "ff2510000000", "64ff242508000000", "ff2424", "64ff6424f8", "6441ff23", "64ff2510000000", "6467ff24f5 00000000",
	"64ff542408", "6443ff149b", "66ffe0", "6648ffe0",
	"ffd0", "41ffd3", "ff542408", "ff1510000000",
	// Traps and emulation.
	"cc", "cd80", "f4", "0f05", "0f34", "9d", "f30faec0", "f30faed8", "f3480faed0", "c7f800000000", "8ed8", "ec", "cf", "0f01f8",
}

// segmentCode names segment registers, and what else a process may not do.
var segmentCode = []string{
	"8ed8", "8ec0", "8ed0", "8ee0", "8ee8", "8e20", "658e18", "8cd8", "8ce0", "8c28", "0fa0", "66 0fa9", "0fa1", "0fa8",
	"0fb200", "0fb400", "480fb500", "f30faed8", "f3480faec0", "0f01f8", "f30faee3",
	"cb", "ca0800", "48cb", "48cf", "66cf", "ff28", "48ff28", "ff18", "64ff28",
	"0f07", "0f35", "0faa", "fa", "fb", "0f20c0", "0f20c8", "0f22d8", "0f2100", "0f30", "0f32", "0f06", "0f08", "0f09", "0f0110", "0f0138", "0f01f0",
	"0f00d0", "0f01c1", "0f01c8", "0f01c9", "0f01ca", "0f01d1", "0f01d4", "0f01d7", "0f01d8", "0f01d9", "0f01c0", "0f01cf", "0f0100", "0f01e0", "0f01ef",
	"f30f01ec", "f30f01ee", "f30f01ef", "f30fc7f0", "f20f01ca", "0fc718", "0fc728", "0fc730", "0f78c0", "660f38800e", "660f38820e", "660f38f500",
	"0f37", "f30f38dcc1", "f30f3af0c000", "c4e77bf6c001020304", "f20f38f8c0", "8fe97812c0", "cd04", "cd03", "f1", "e410", "6c", "f36f",
}

// gsCode is operands in a %gs whose base the guest has set.
var gsCode = []string{
	"65488b042500000000", "65ac", "65ff30", "65488b0424", "6564488b00", "6465488b00", "65a4", "6564a4", "65ff20", "65d7",
	"65c4e27990048c", "658d00", "65a10800000000000000", "658ed8", "658e18", "65f3480faed8",
}

// branchCode is indirect branches, for the look-up table of Packed.
var branchCode = []string{
	"c3", "c21000", "ffe0", "41ffe3", "ffe4", "ff24c500204000", "64ff242508000000", "41ff23", "ffd0", "41ffd3", "ff542408",
}

// testPacked has the table at 16 GiB.
var testPacked = Packed{Lea: 0x7800_0000, Disp: 0x4000_0000}

// TestPackedTable: the words of an address, and back.
func TestPackedTable(t *testing.T) {
	for _, pc := range []uint64{0, 1, 0x40_1234, 1<<32 - 1} {
		if got := testPacked.PC(testPacked.Index(pc)); got != pc {
			t.Errorf("%#x becomes %#x", pc, got)
		}
	}
	if got := 8*testPacked.Index(0) + uint64(testPacked.Disp); got != 16<<30 {
		t.Errorf("the table is at %#x", got)
	}
}

// TestJumpMiss: what a jump without translation comes to.
func TestJumpMiss(t *testing.T) {
	var out strings.Builder
	r := newTestRewriter(lastSlots, Options{})
	r.JumpMiss()
	dump(t, &out, r.Hot, r.HotMarks, r.CacheBase, "")
	golden.Check(t, filepath.Join("testdata", "jump-miss.txt"), out.String())
}

func TestGolden(t *testing.T) {
	for _, c := range []struct {
		name string
		tls  TLS
		opt  Options
		code []string
	}{
		{"segments", GS{}, Options{}, segmentCode},
		{"moving-gs", GS{}, Options{MovingGS: true}, gsCode},
		{"gs", GS{}, Options{}, testCode},
		{"gs-moving", GS{}, Options{MovingBase: true}, testCode},
		{"gs-keepr11", GS{}, Options{KeepR11: true}, testCode},
		{"gs-strict", GS{}, Options{KeepR11: true, Strict: true}, testCode},
		{"teb", lastSlots, Options{}, testCode},
		{"teb-moving", lastSlots, Options{MovingBase: true}, testCode},
		{"pthread", firstKeys, Options{}, testCode},
		{"pthread-moving", firstKeys, Options{MovingBase: true}, testCode},
		{"indirect", Indirect{}, Options{}, testCode},
		{"indirect-keepr11", Indirect{}, Options{KeepR11: true}, testCode},
		{"swap", Swap{}, Options{}, testCode},
		{"packed", lastSlots, Options{}, branchCode},
		{"packed-keepr11", lastSlots, Options{KeepR11: true}, branchCode},
		{"packed-strict", lastSlots, Options{KeepR11: true, Strict: true}, branchCode},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			for _, h := range c.code {
				r := newTestRewriter(c.tls, c.opt)
				if strings.HasPrefix(c.name, "packed") {
					r.Packed = testPacked
				}
				translateText(t, &out, h, r)
			}
			golden.Check(t, filepath.Join("testdata", c.name+".txt"), out.String())
		})
	}
}

// testBlock is where the cells are when the %gs base is the thread block.
var testBlock = codegen.Cells{
	Spill: [5]int32{0x10038, 0x10040, 0x10048, 0x10050, 0x10058}, FSBase: 0x10030, RIP: 0x100e0, ExitArg: 0x10024,
}

func newTestRewriter(s TLS, o Options) *Rewriter {
	return &Rewriter{
		Hot: codegen.NewBuffer(make([]byte, 4096), testCache), Cold: codegen.NewBuffer(make([]byte, 4096), testCold),
		CacheBase: testCache, Table: 0x7000_0000, Guard: 0x1_0000, Calls: Calls{Lea: 0x7fff_fff0, Disp: 0x7000_0100}, Options: o,
		Fields: FieldsOf(s.Cells(testBlock)), FS: s.FS(),
		Stubs: &codegen.Stubs{ExitLink: testCache + 0x10, ExitSyscall: testCache + 0x20, ExitTrap: testCache + 0x30, ExitCall: testCache + 0x40},
		Known: func(uint64) bool { return false },
	}
}

func translateText(t *testing.T, out *strings.Builder, hexCode string, r *Rewriter) {
	t.Helper()
	code, err := hex.DecodeString(strings.ReplaceAll(hexCode, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	var in decode.Inst
	if err := in.Decode(code, testPC); err != nil {
		t.Fatalf("%s: %v", hexCode, err)
	}
	if int(in.Len) != len(code) {
		t.Fatalf("%s: decoded %d bytes of %d", hexCode, in.Len, len(code))
	}
	r.Inst(&in, code)
	fmt.Fprintf(out, "%x: %s\n", code, decode.Text(code, testPC, nil))
	dump(t, out, r.Hot, r.HotMarks, r.CacheBase, "")
	dump(t, out, r.Cold, r.ColdMarks, r.CacheBase, "cold ")
	for _, ref := range r.Refs {
		fmt.Fprintf(out, "\tref %#x kind %d at +%d\n", ref.Target, ref.Kind, ref.Pos)
		if ref.Pos%4 != 0 {
			t.Errorf("%s: the displacement of a branch to be patched is not aligned", hexCode)
		}
	}
	out.WriteByte('\n')
}

// dump writes the host instructions with their marks. It fails when a mark does
// not stand at an instruction boundary.
func dump(t *testing.T, out *strings.Builder, b *codegen.Buffer, marks []Mark, base uint64, prefix string) {
	t.Helper()
	start := b.PC() - uint64(b.Len())
	for off := 0; off < b.Len(); {
		pc := start + uint64(off)
		var in decode.Inst
		if err := in.Decode(b.Code(off), pc); err != nil {
			t.Fatalf("emitted code at +%d does not decode: %v: % x", off, err, b.Code(off))
		}
		text := decode.Text(b.Code(off)[:in.Len], pc, nil)
		if len(marks) > 0 && marks[0].Host == uint32(pc-base) {
			text = fmt.Sprintf("%-44s %s", text, markText(marks[0]))
			marks = marks[1:]
		}
		fmt.Fprintf(out, "\t%s%s\n", prefix, text)
		off += int(in.Len)
	}
	if len(marks) > 0 {
		t.Errorf("a mark stands at no instruction: %+v", marks[0])
	}
}

func markText(m Mark) string {
	s := fmt.Sprintf("; %#x", m.Guest)
	for i, n := range [...]string{"r11", "reg1", "reg2", "pc", "slotpc", "index", "table", "guard"} {
		if m.Fix>>i&1 != 0 {
			s += " " + n
		}
	}
	if m.RSP != 0 {
		s += fmt.Sprintf(" rsp%+d", int(m.RSP)*8)
	}
	if m.Fix&FixReg1 != 0 {
		s += fmt.Sprintf(" reg1=%d", m.Reg1)
	}
	if m.Fix&FixReg2 != 0 {
		s += fmt.Sprintf(" reg2=%d", m.Reg2)
	}
	return s
}
