package loader

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"strings"

	"cabitrans/runtime/abi"
)

// Shape of a slot of the vDSO.
const (
	vdsoStride = 16
	vdsoRet    = 7 // offset of ret
	vdsoCode   = 8 // bytes of code, the size of the symbol
	vdsoSoname = "cloudabi-vdso.so.1"
)

// VDSO is a shared object whose functions are the system calls. Slot i, at Text + i*Stride, is
//
//	mov $i, %eax
//	ud2
//	ret
//
// followed by int3. Whoever runs the guest takes control no later than at the ud2, finds the number of the call in eax
// and the arguments where a C function finds them, and goes on at the ret with eax set. Code that is copied out and run
// as it is faults, instead of calling the host.
type VDSO struct {
	Image     []byte    // as in the file and as in memory, a multiple of abi.PageSize; map it at any page
	Text      uint64    // offset of slot 0, a multiple of abi.PageSize
	Stride    uint64    // bytes from slot to slot
	Count     int       // number of slots
	RetOffset uint64    // offset of ret in a slot
	Maps      []Mapping // protections of all of Image; Addr is an offset in it
}

// BuildVDSO makes the shared object in which names[i] is a global function at slot i. The C library reads, of
// everything that is here, PT_DYNAMIC, the symbol count of DT_HASH, DT_SYMTAB and DT_STRTAB; d_ptr values are offsets
// from the beginning of Image, to which it adds the address it was given in AT_SYSINFO_EHDR. Section headers are for
// people with readelf and objdump. Names are the program's own, so a bad or double one is a broken invariant and
// panics.
func BuildVDSO(names []string) *VDSO {
	checkVDSONames(names)
	dynstr := newStrtab()
	dynsym := vdsoSymbols(names, dynstr)
	soname := dynstr.add(vdsoSoname)
	shstr := newStrtab()
	l := vdsoLayout(names, dynstr.size(), shstr)
	text := l.part[vText]

	for i := range names {
		sym := dynsym[(i+1)*symSize:]
		binary.LittleEndian.PutUint16(sym[6:], vText)
		binary.LittleEndian.PutUint64(sym[8:], text.off+uint64(i)*vdsoStride)
	}
	image := make([]byte, pageUp(text.off+text.size))
	for i := text.off; i < uint64(len(image)); i++ {
		image[i] = 0xcc // int3
	}
	for i := range names {
		putSlot(image[text.off+uint64(i)*vdsoStride:], uint32(i))
	}
	copy(image, l.ehdr())
	copy(image[ehdrSize:], l.phdrs())
	copy(image[l.part[vDynsym].off:], dynsym)
	copy(image[l.part[vDynstr].off:], dynstr.bytes())
	copy(image[l.part[vHash].off:], sysvHash(names))
	copy(image[l.part[vDynamic].off:], l.dynamic(soname))
	copy(image[l.part[vShstrtab].off:], shstr.bytes())
	copy(image[l.shdrs:], l.sectionHeaders())
	return &VDSO{
		Image: image, Text: text.off, Stride: vdsoStride, Count: len(names), RetOffset: vdsoRet,
		Maps: vdsoMaps(text.off, uint64(len(image))),
	}
}

func vdsoMaps(text, end uint64) []Mapping {
	maps := []Mapping{{Addr: 0, Len: text, Prot: abi.ProtRead}}
	if end > text {
		maps = append(maps, Mapping{Addr: text, Len: end - text, Prot: abi.ProtRead | abi.ProtExec})
	}
	return maps
}

func checkVDSONames(names []string) {
	seen := make(map[string]bool, len(names))
	for i, name := range names {
		if name == "" || strings.IndexByte(name, 0) >= 0 || seen[name] {
			panic(fmt.Sprintf("loader: name %d of the vDSO, %q, is empty, holds a zero byte or is there twice", i, name))
		}
		seen[name] = true
	}
}

func putSlot(b []byte, i uint32) {
	b[0] = 0xb8 // mov $i, %eax
	binary.LittleEndian.PutUint32(b[1:], i)
	b[5], b[6] = 0x0f, 0x0b // ud2
	b[vdsoRet] = 0xc3       // ret
}

// vdsoSymbols makes the symbol table without the addresses, which depend on its size.
func vdsoSymbols(names []string, strtab *strtab) []byte {
	b := make([]byte, (len(names)+1)*symSize)
	for i, name := range names {
		sym := b[(i+1)*symSize:]
		binary.LittleEndian.PutUint32(sym, strtab.add(name))
		sym[4] = byte(elf.STB_GLOBAL)<<4 | byte(elf.STT_FUNC)
		sym[5] = byte(elf.STV_DEFAULT)
		binary.LittleEndian.PutUint64(sym[16:], vdsoCode)
	}
	return b
}

// sysvHash makes the table of DT_HASH, a bucket per symbol: counts, heads of chains, and links. Symbol i+1 is names[i].
func sysvHash(names []string) []byte {
	n := vdsoBuckets(len(names))
	table := make([]uint32, 2+n+len(names)+1)
	table[0], table[1] = uint32(n), uint32(len(names)+1)
	buckets, chains := table[2:2+n], table[2+n:]
	for i, name := range names {
		head := &buckets[sysvHashOf(name)%uint32(n)]
		chains[i+1] = *head
		*head = uint32(i + 1)
	}
	b := make([]byte, 4*len(table))
	for i, v := range table {
		binary.LittleEndian.PutUint32(b[4*i:], v)
	}
	return b
}

func vdsoBuckets(names int) int { return names | 1 }

// sysvHashOf is the hash function of the System V ABI, chapter 5, "Hash Table".
func sysvHashOf(name string) uint32 {
	var h uint32
	for i := range len(name) {
		h = h<<4 + uint32(name[i])
		top := h & 0xf0000000
		h = (h ^ top>>24) &^ top
	}
	return h
}

func pageUp(n uint64) uint64 { return (n + pageMask) &^ pageMask }
