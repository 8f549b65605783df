package loader

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cabitrans/internal/testdir"
	"cabitrans/runtime/abi"

	"golang.org/x/arch/x86/x86asm"
)

func vdsoNames() []string {
	var names []string
	for _, c := range abi.Calls2020() {
		names = append(names, c.Info().Symbol())
	}
	return names
}

func manyNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("cloudabi_sys_number_%d", i*i)
	}
	return names
}

var vdsoCases = map[string][]string{"none": nil, "one": {"f"}, "2020": vdsoNames(), "thousand": manyNames(1000)}

func TestVDSOParsesAsELF(t *testing.T) {
	for name, names := range vdsoCases {
		v := BuildVDSO(names)
		f, err := elf.NewFile(bytes.NewReader(v.Image))
		if err != nil {
			t.Fatal(name, err)
		}
		if f.Type != elf.ET_DYN || f.Machine != elf.EM_X86_64 || f.OSABI != abi.ELFOSABI || f.Class != elf.ELFCLASS64 {
			t.Errorf("%s: %+v", name, f.FileHeader)
		}
		if got, err := f.DynString(elf.DT_SONAME); err != nil || !slices.Equal(got, []string{"cloudabi-vdso.so.1"}) {
			t.Errorf("%s: DT_SONAME %v, %v", name, got, err)
		}
		syms, err := f.DynamicSymbols()
		if len(names) > 0 && err != nil {
			t.Fatal(name, err)
		}
		if len(syms) != len(names) || v.Count != len(names) {
			t.Fatalf("%s: %d symbols, Count %d, want %d", name, len(syms), v.Count, len(names))
		}
		for i, s := range syms {
			if s.Name != names[i] || s.Value != v.Text+uint64(i)*v.Stride || s.Info != 0x12 || s.Other != 0 ||
				f.Sections[s.Section].Name != ".text" || s.Size != 8 {
				t.Errorf("%s: symbol %d: %+v", name, i, s)
			}
		}
	}
}

// The mappings must be the pages of the segments, and give the sections what they need.
func TestVDSOMaps(t *testing.T) {
	for name, names := range vdsoCases {
		v := BuildVDSO(names)
		f, err := elf.NewFile(bytes.NewReader(v.Image))
		if err != nil {
			t.Fatal(err)
		}
		var end uint64
		for _, m := range v.Maps {
			if m.Addr != end || m.Len == 0 || m.Len&pageMask != 0 {
				t.Errorf("%s: mapping %+v after %#x", name, m, end)
			}
			end = m.Addr + m.Len
		}
		if end != uint64(len(v.Image)) || v.Text&pageMask != 0 {
			t.Errorf("%s: mappings end at %#x of %#x, text at %#x", name, end, len(v.Image), v.Text)
		}
		for _, p := range f.Progs {
			if p.Off != p.Vaddr {
				t.Errorf("%s: offset is not address: %+v", name, p.ProgHeader)
			}
			for _, m := range v.Maps {
				overlaps := p.Vaddr < m.Addr+m.Len && p.Vaddr+p.Memsz > m.Addr
				if overlaps && protOf(p.Flags) != m.Prot {
					t.Errorf("%s: %+v lies in %+v", name, p.ProgHeader, m)
				}
			}
		}
	}
}

func TestVDSOSlots(t *testing.T) {
	v := BuildVDSO(manyNames(300))
	for i := range v.Count {
		slot := v.Image[v.Text+uint64(i)*v.Stride:][:v.Stride]
		var text []string
		for off := 0; off < 8; {
			inst, err := x86asm.Decode(slot[off:], 64)
			if err != nil {
				t.Fatal(err)
			}
			if inst.Op == x86asm.RET && uint64(off) != v.RetOffset {
				t.Errorf("ret of slot %d at %d, RetOffset %d", i, off, v.RetOffset)
			}
			text = append(text, strings.TrimSpace(x86asm.GNUSyntax(inst, 0, nil)))
			off += inst.Len
		}
		want := fmt.Sprintf("mov $0x%x,%%eax; ud2; retq", i)
		if got := strings.Join(text, "; "); got != want {
			t.Errorf("slot %d: %s, want %s", i, got, want)
		}
		if !bytes.Equal(slot[8:], bytes.Repeat([]byte{0xcc}, 8)) {
			t.Errorf("slot %d ends with % x", i, slot[8:])
		}
	}
	for i := v.Text + 300*v.Stride; i < uint64(len(v.Image)); i++ {
		if v.Image[i] != 0xcc {
			t.Fatalf("%#x behind the slots is %#x", i, v.Image[i])
		}
	}
}

// memory reads the vDSO as a guest does: at an address, by the words of its dynamic section.
type memory struct {
	image              []byte
	hash, symtab, strs uint64
}

func (m *memory) u32(at uint64) uint32 { return binary.LittleEndian.Uint32(m.image[at:]) }
func (m *memory) u64(at uint64) uint64 { return binary.LittleEndian.Uint64(m.image[at:]) }

func (m *memory) str(at uint64) string {
	s, _, _ := strings.Cut(string(m.image[at:]), "\x00")
	return s
}

func link(t *testing.T, image []byte) *memory {
	m := &memory{image: image}
	phoff, phnum := m.u64(32), binary.LittleEndian.Uint16(image[56:])
	for i := range uint64(phnum) {
		ph := phoff + i*56
		if m.u32(ph) != uint32(elf.PT_DYNAMIC) {
			continue
		}
		for d := m.u64(ph + 16); m.u64(d) != 0; d += 16 {
			switch elf.DynTag(m.u64(d)) {
			case elf.DT_HASH:
				m.hash = m.u64(d + 8)
			case elf.DT_SYMTAB:
				m.symtab = m.u64(d + 8)
			case elf.DT_STRTAB:
				m.strs = m.u64(d + 8)
			}
		}
		return m
	}
	t.Fatal("no PT_DYNAMIC")
	return nil
}

// The C library takes the count of symbols from DT_HASH and walks all of them.
func TestVDSOLinksByCount(t *testing.T) {
	for name, names := range vdsoCases {
		v := BuildVDSO(names)
		m := link(t, v.Image)
		found := map[string]uint64{}
		count := m.u32(m.hash + 4)
		for i := range uint64(count) {
			s := m.symtab + i*24
			if m.image[s+4] == 0x12 && m.image[s+5]&3 == 0 {
				found[m.str(m.strs+uint64(m.u32(s)))] = m.u64(s + 8)
			}
		}
		if len(found) != len(names) || int(count) != len(names)+1 {
			t.Errorf("%s: %d functions, %d symbols, want %d", name, len(found), count, len(names))
		}
		for i, n := range names {
			if found[n] != v.Text+uint64(i)*v.Stride {
				t.Errorf("%s: %s at %#x", name, n, found[n])
			}
		}
	}
}

// A dynamic linker looks up by hash. The hash function here is written from the ABI's text, apart from the builder's.
func TestVDSOLinksByHash(t *testing.T) {
	find := func(m *memory, name string) (uint64, int) {
		var h uint64
		for _, c := range []byte(name) {
			h = h<<4 + uint64(c)
			if g := h & 0xf0000000; g != 0 {
				h ^= g >> 24
			}
			h &= 0x0fffffff
		}
		nbucket := uint64(m.u32(m.hash))
		buckets, chains, steps := m.hash+8, m.hash+8+4*nbucket, 0
		for y := uint64(m.u32(buckets + 4*(h%nbucket))); y != 0; y = uint64(m.u32(chains + 4*y)) {
			if steps++; m.str(m.strs+uint64(m.u32(m.symtab+24*y))) == name {
				return m.u64(m.symtab + 24*y + 8), steps
			}
		}
		return 0, steps
	}
	for name, names := range vdsoCases {
		v := BuildVDSO(names)
		m := link(t, v.Image)
		for i, n := range names {
			if at, steps := find(m, n); at != v.Text+uint64(i)*v.Stride || steps > 16 {
				t.Errorf("%s: %s at %#x after %d steps", name, n, at, steps)
			}
		}
		if at, _ := find(m, "cloudabi_sys_no_such_call"); at != 0 {
			t.Errorf("%s: found what is not there, at %#x", name, at)
		}
	}
}

// Values that descriptions of the hash give as examples, and the trivial ones.
func TestSysvHash(t *testing.T) {
	for name, want := range map[string]uint32{
		"": 0, "a": 0x61, "printf": 0x77905a6, "exit": 0x6cf04, "syscall": 0xb09985c,
	} {
		if got := sysvHashOf(name); got != want {
			t.Errorf("%q: %#x, want %#x", name, got, want)
		}
	}
}

func TestVDSOSymbols(t *testing.T) {
	v := BuildVDSO(vdsoNames())
	tab, err := symbols(v.Image)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range vdsoNames() {
		if name, off, ok := tab.Lookup(v.Text + uint64(i)*v.Stride + 5); !ok || name != want || off != 5 {
			t.Errorf("%s+%d, %v, want %s+5", name, off, ok, want)
		}
	}
}

func TestVDSOPanics(t *testing.T) {
	for _, names := range [][]string{{""}, {"a\x00b"}, {"a", "b", "a"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q were taken", names)
				}
			}()
			BuildVDSO(names)
		}()
	}
}

// tool skips the test if a program is missing.
func tool(t *testing.T, name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CABITRANS_REQUIRE_TOOLS") == "1" {
			t.Fatalf("%s is missing: %v", name, err)
		}
		t.Skipf("%s is missing: %v", name, err)
	}
	return path
}

// Other readers of ELF files must find nothing to say.
func TestVDSOTools(t *testing.T) {
	path := filepath.Join(testdir.New(t), "vdso.so")
	if err := os.WriteFile(path, BuildVDSO(vdsoNames()).Image, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"readelf", "-aW"}, []string{
			"Nuxi CloudABI", "DYN (Shared object file)", "cloudabi-vdso.so.1",
			"FUNC    GLOBAL DEFAULT    5 cloudabi_sys_poll",
		}},
		{[]string{"llvm-readelf", "-a"}, []string{"cloudabi-vdso.so.1", "cloudabi_sys_poll"}},
		{[]string{"objdump", "-dT"}, []string{"<cloudabi_sys_poll>:", "ud2"}},
	} {
		t.Run(tt.args[0], func(t *testing.T) {
			cmd := exec.Command(tool(t, tt.args[0]), append(tt.args[1:], path)...)
			cmd.Env = append(os.Environ(), "LC_ALL=C")
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil || stderr.String() != "" {
				t.Errorf("%v: %s", err, stderr.String())
			}
			for _, want := range tt.want {
				if !bytes.Contains(out, []byte(want)) {
					t.Errorf("%q is missing in\n%s", want, out)
				}
			}
			if low := bytes.ToLower(out); bytes.Contains(low, []byte("warning")) || bytes.Contains(low, []byte("error")) {
				t.Errorf("complaints in\n%s", out)
			}
		})
	}
}
