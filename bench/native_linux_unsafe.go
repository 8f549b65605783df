//go:build linux && amd64

package bench

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"cabitrans/runtime/loader"
)

// callOn calls fn(n) on another stack.
//
//go:noescape
func callOn(fn, stack, n uintptr) uint64

const nativeStack = 4 << 20

// A Native is a guest program mapped for native execution in this process.
type Native struct {
	image, stack []byte
	kernel       uintptr
}

// OpenNative maps the program and applies its relocations. It must be a kernel:
// position-independent, with a function named kernel.
func OpenNative(r io.ReaderAt, size int64) (n *Native, err error) {
	img, err := loader.Parse(r, size)
	if err != nil {
		return nil, err
	}
	if !img.PIE {
		return nil, fmt.Errorf("bench: the program is not position-independent")
	}
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	offset, err := kernelOf(f)
	if err != nil {
		return nil, err
	}
	n = new(Native)
	defer func() {
		if err != nil {
			n.Close()
		}
	}()
	if n.image, err = unix.Mmap(-1, 0, int(img.Hi), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON); err != nil {
		return n, err
	}
	if n.stack, err = unix.Mmap(-1, 0, nativeStack, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON); err != nil {
		return n, err
	}
	base := uintptr(unsafe.Pointer(unsafe.SliceData(n.image)))
	if err = n.fill(r, img, f, uint64(base)); err != nil {
		return n, err
	}
	n.kernel = base + uintptr(offset)
	return n, nil
}

// kernelOf finds the function kernel.
func kernelOf(f *elf.File) (uint64, error) {
	syms, err := f.Symbols()
	if err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	for _, s := range syms {
		if s.Name == "kernel" && elf.ST_TYPE(s.Info) == elf.STT_FUNC {
			return s.Value, nil
		}
	}
	return 0, fmt.Errorf("bench: the program has no function kernel")
}

func (n *Native) fill(r io.ReaderAt, img *loader.Image, f *elf.File, base uint64) error {
	plan, err := img.Plan(0)
	if err != nil {
		return err
	}
	for _, c := range plan.Copies {
		if _, err := r.ReadAt(n.image[c.Addr:c.Addr+c.Len], int64(c.Off)); err != nil {
			return err
		}
	}
	if s := f.Section(".rela.dyn"); s != nil {
		rela, err := s.Data()
		if err != nil {
			return err
		}
		for ; len(rela) >= 24; rela = rela[24:] {
			at, addend := binary.LittleEndian.Uint64(rela), binary.LittleEndian.Uint64(rela[16:])
			binary.LittleEndian.PutUint64(n.image[at:], base+addend)
		}
	}
	for _, m := range plan.Maps {
		if m.Prot&1 != 0 { // executable
			if err := unix.Mprotect(n.image[m.Addr:m.Addr+m.Len], unix.PROT_READ|unix.PROT_EXEC); err != nil {
				return err
			}
		}
	}
	return nil
}

// Run calls kernel(arg) and says what it answered and how long it took.
func (n *Native) Run(arg uint64) (result uint64, d time.Duration) {
	top := uintptr(unsafe.Pointer(unsafe.SliceData(n.stack))) + nativeStack - 64
	begin := time.Now()
	result = callOn(n.kernel, top, uintptr(arg))
	return result, time.Since(begin)
}

// Close unmaps the program.
func (n *Native) Close() {
	if n.image != nil {
		_ = unix.Munmap(n.image)
	}
	if n.stack != nil {
		_ = unix.Munmap(n.stack)
	}
	n.image, n.stack = nil, nil
}
