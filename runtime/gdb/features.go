package gdb

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// generalOrder is gdb's order of the general registers, by encoding.
var generalOrder = [16]struct {
	name     string
	encoding int
}{
	{"rax", 0}, {"rbx", 3}, {"rcx", 1}, {"rdx", 2}, {"rsi", 6}, {"rdi", 7}, {"rbp", 5}, {"rsp", 4},
	{"r8", 8}, {"r9", 9}, {"r10", 10}, {"r11", 11}, {"r12", 12}, {"r13", 13}, {"r14", 14}, {"r15", 15},
}

const flagsType = `<flags id="i386_eflags" size="4">
<field name="CF" start="0" end="0"/><field name="" start="1" end="1"/><field name="PF" start="2" end="2"/>
<field name="AF" start="4" end="4"/><field name="ZF" start="6" end="6"/><field name="SF" start="7" end="7"/>
<field name="TF" start="8" end="8"/><field name="IF" start="9" end="9"/><field name="DF" start="10" end="10"/>
<field name="OF" start="11" end="11"/><field name="NT" start="14" end="14"/><field name="RF" start="16" end="16"/>
<field name="VM" start="17" end="17"/><field name="AC" start="18" end="18"/><field name="VIF" start="19" end="19"/>
<field name="VIP" start="20" end="20"/><field name="ID" start="21" end="21"/>
</flags>`

// coreFeature is the registers that every x86-64 has, x87 included.
func coreFeature() feature {
	f := feature{name: "org.gnu.gdb.i386.core", types: flagsType}
	add := func(r register) { f.registers = append(f.registers, r) }
	for _, g := range generalOrder {
		typ := "int64"
		if g.name == "rsp" || g.name == "rbp" {
			typ = "data_ptr"
		}
		add(word(g.name, typ, 64, func(r *Registers) *uint64 { return &r.General[g.encoding] }))
	}
	add(word("rip", "code_ptr", 64, func(r *Registers) *uint64 { return &r.RIP }))
	add(word("eflags", "i386_eflags", 32, func(r *Registers) *uint64 { return &r.Flags }))
	add(selector("cs", func(r *Registers) uint16 { return r.CS }))
	add(selector("ss", func(r *Registers) uint16 { return r.SS }))
	add(selector("ds", func(r *Registers) uint16 { return r.DS }))
	add(selector("es", func(r *Registers) uint16 { return r.ES }))
	add(selector("fs", func(r *Registers) uint16 { return r.FS }))
	add(selector("gs", func(r *Registers) uint16 { return r.GS }))
	for i := range 8 {
		add(component(fmt.Sprintf("st%d", i), "i387_ext", xST+16*i, 10, bitX87))
	}
	add(x87Word("fctrl", xFCW, 2))
	add(x87Word("fstat", xFSW, 2))
	add(register{"ftag", 32, "int",
		func(r *Registers, b []byte) { putUint(b, r.fullTag()) },
		func(r *Registers, b []byte) {
			if len(r.XSave) >= xLegacy {
				r.initialise(bitX87)
				r.XSave[xFTW] = abridge(getUint(b))
			}
		},
	})
	add(x87Word("fiseg", xFIP+4, 2))
	add(x87Word("fioff", xFIP, 4))
	add(x87Word("foseg", xFDP+4, 2))
	add(x87Word("fooff", xFDP, 4))
	add(x87Word("fop", xFOP, 2))
	return f
}

// x87Word is a control register of the x87, of n bytes at off of the XSAVE area.
func x87Word(name string, off, n int) register {
	return register{name, 32, "int",
		func(r *Registers, b []byte) { putUint(b, r.x87(off, n)) },
		func(r *Registers, b []byte) {
			if len(r.XSave) >= xLegacy {
				r.initialise(bitX87)
				copy(r.XSave[off:off+n], b)
			}
		},
	}
}

// vectorTypes are the types of a vector register of 128 bits.
const vectorTypes = `<vector id="v8bf16" type="bfloat16" count="8"/>
<vector id="v4f" type="ieee_single" count="4"/><vector id="v2d" type="ieee_double" count="2"/>
<vector id="v16i8" type="int8" count="16"/><vector id="v8i16" type="int16" count="8"/>
<vector id="v4i32" type="int32" count="4"/><vector id="v2i64" type="int64" count="2"/>
<union id="vec128"><field name="v8_bfloat16" type="v8bf16"/><field name="v4_float" type="v4f"/>
<field name="v2_double" type="v2d"/><field name="v16_int8" type="v16i8"/><field name="v8_int16" type="v8i16"/>
<field name="v4_int32" type="v4i32"/><field name="v2_int64" type="v2i64"/><field name="uint128" type="uint128"/></union>`

const mxcsrType = `<flags id="i386_mxcsr" size="4">
<field name="IE" start="0" end="0"/><field name="DE" start="1" end="1"/><field name="ZE" start="2" end="2"/>
<field name="OE" start="3" end="3"/><field name="UE" start="4" end="4"/><field name="PE" start="5" end="5"/>
<field name="DAZ" start="6" end="6"/><field name="IM" start="7" end="7"/><field name="DM" start="8" end="8"/>
<field name="ZM" start="9" end="9"/><field name="OM" start="10" end="10"/><field name="UM" start="11" end="11"/>
<field name="PM" start="12" end="12"/><field name="FZ" start="15" end="15"/>
</flags>`

// mxcsrMask is the bits of MXCSR that may be set on every CPU with AVX; others fault.
const mxcsrMask = 0xffff

func sseFeature() feature {
	f := feature{name: "org.gnu.gdb.i386.sse", types: vectorTypes + mxcsrType}
	for i := range 16 {
		f.registers = append(f.registers, component(fmt.Sprintf("xmm%d", i), "vec128", xXMM+16*i, 16, bitSSE))
	}
	f.registers = append(f.registers, register{"mxcsr", 32, "i386_mxcsr",
		func(r *Registers, b []byte) {
			if len(r.XSave) >= xLegacy { // whatever XSTATE_BV says
				copy(b, r.XSave[xMXCSR:xMXCSR+4])
			}
		},
		func(r *Registers, b []byte) {
			if len(r.XSave) >= xLegacy {
				binary.LittleEndian.PutUint32(r.XSave[xMXCSR:], binary.LittleEndian.Uint32(b)&mxcsrMask)
			}
		},
	})
	return f
}

// linuxFeature makes gdb take the process for one of Linux, as it does anyway when it was
// built there; it knows no thread-local variables of others. There are no calls to be
// restarted by way of orig_rax: it is always -1, and what gdb writes there, which is that,
// changes nothing.
func linuxFeature() feature {
	return feature{name: "org.gnu.gdb.i386.linux", registers: []register{{"orig_rax", 64, "int",
		func(_ *Registers, b []byte) { putUint(b, ^uint64(0)) },
		func(*Registers, []byte) {},
	}}}
}

func segmentsFeature() feature {
	return feature{name: "org.gnu.gdb.i386.segments", registers: []register{
		word("fs_base", "int", 64, func(r *Registers) *uint64 { return &r.FSBase }),
		word("gs_base", "int", 64, func(r *Registers) *uint64 { return &r.GSBase }),
	}}
}

func avxFeature(x XState) feature {
	f := feature{name: "org.gnu.gdb.i386.avx"}
	for i := range 16 {
		f.registers = append(f.registers, component(fmt.Sprintf("ymm%dh", i), "uint128", x.AVX+16*i, 16, bitAVX))
	}
	return f
}

// avx512Feature splits a zmm register into what lies where in an XSAVE area.
func avx512Feature(x XState) feature {
	f := feature{
		name:  "org.gnu.gdb.i386.avx512",
		types: vectorTypes + `<vector id="v2ui128" type="uint128" count="2"/>`,
	}
	add := func(format string, i int, typ string, off, n int, bit byte) {
		f.registers = append(f.registers, component(fmt.Sprintf(format, i), typ, off, n, bit))
	}
	for i := range 8 {
		add("k%d", i, "uint64", x.Opmask+8*i, 8, bitOpmask)
	}
	for i := range 16 {
		add("zmm%dh", i, "v2ui128", x.ZMMHi+32*i, 32, bitZMMHi)
	}
	for i := range 16 {
		add("xmm%d", 16+i, "vec128", x.ZMM16+64*i, 16, bitZMM16)
	}
	for i := range 16 {
		add("ymm%dh", 16+i, "uint128", x.ZMM16+64*i+16, 16, bitZMM16)
	}
	for i := range 16 {
		add("zmm%dh", 16+i, "v2ui128", x.ZMM16+64*i+32, 32, bitZMM16)
	}
	return f
}

// xml is the target description.
func (l *layout) xml() string {
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n" +
		"<target version=\"1.0\">\n<architecture>i386:x86-64</architecture>\n<osabi>GNU/Linux</osabi>\n")
	for _, f := range l.features {
		fmt.Fprintf(&b, "<feature name=%q>\n", f.name)
		if f.types != "" {
			b.WriteString(f.types + "\n")
		}
		for _, r := range f.registers {
			fmt.Fprintf(&b, "<reg name=%q bitsize=\"%d\" type=%q/>\n", r.name, r.bits, r.typ)
		}
		b.WriteString("</feature>\n")
	}
	b.WriteString("</target>\n")
	return b.String()
}
