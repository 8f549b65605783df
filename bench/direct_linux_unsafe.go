//go:build linux && amd64

package bench

import (
	"fmt"
	goruntime "runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/loader"
)

// A directBlock is what one thread's exchange needs. Assembly knows its fields, and
// where it is from the guest's thread control block.
type directBlock struct {
	sp, bx, bp, r12, r13, r14, r15 uint64 // the guest's, while the host runs
	ax                             uint64 // number of the call; then its result
	di, si, dx, cx, r8, r9         uint64 // arguments
	hostSP, hostBP                 uint64
	hostFS, guestFS                uint64
	wrfsbase                       uint64 // not 0: exchange by that instruction

	run  *directRun
	tid  uint32
	word uint64 // the guest's %fs:0, until it sets another: the address of tcb
	tcb  uint64 // the address of this block
}

// A directRun is one program that runs untranslated.
type directRun struct {
	calls    []abi.Call // by slot of the vDSO
	wrfsbase bool
	tids     atomic.Uint32
	threads  sync.WaitGroup

	mu     sync.Mutex
	maps   map[uint64]uint64 // memory that is the program's: address to length
	blocks []*directBlock    // keeps them alive, which only guest memory names
	out    []byte            // what it wrote to its descriptor 0
	code   uint32
	err    error
}

// leaveAddress is that of the assembly routine that entries of the vDSO jump to.
var leaveAddress uintptr

// enterScheduler lets assembly call entersyscall, whose ABI it cannot name.
var enterScheduler = entersyscall

//go:linkname entersyscall runtime.entersyscall
//go:nosplit
func entersyscall()

//go:linkname exitsyscall runtime.exitsyscall
//go:nosplit
func exitsyscall()

// visitDirect runs the guest until serveDirect answers 0.
//
//go:noescape
func visitDirect(b *directBlock)

// serveDirect makes the call that the guest asked for; 0 ends the thread.
//
//go:nosplit
func serveDirect(b *directBlock) uintptr {
	exitsyscall()
	if b.run.call(b) {
		return 1
	}
	return 0
}

// Direct runs a program untranslated in this process: mapped as its file says,
// relocated by itself, with %fs exchanged at every call by the instruction WRFSBASE
// or by arch_prctl. That is the native baseline, and what an emulator costs that
// does not translate.
//
// No signal is delivered to a thread while it may have a foreign %fs: all are
// blocked from its first visit to the guest to its last. A fault ends this process.
// There are only the calls that kernels make (direct_calls_linux_unsafe.go).
func Direct(p Program, s Setup, exchange Exchange) (m Measurement, err error) {
	out, err := direct(p, s, exchange)
	if err != nil {
		return m, fmt.Errorf("bench: %s, run directly: %w", p.Name, err)
	}
	return m, m.parse(string(out))
}

// direct is Direct for any output.
func direct(p Program, s Setup, exchange Exchange) (out []byte, err error) {
	r := &directRun{calls: abi.CallsOfVDSO(false), wrfsbase: exchange == ByWRFSBASE, maps: make(map[uint64]uint64)}
	defer r.unmap()
	entry, sp, di, err := r.load(p, s)
	if err != nil {
		return nil, err
	}
	r.start(entry, sp, di, 0, r.tids.Add(1))
	r.threads.Wait()
	switch {
	case r.err != nil:
		return nil, r.err
	case r.code != 0:
		return nil, fmt.Errorf("it ended with status %d: %s", r.code, r.out)
	}
	return r.out, nil
}

// start begins a thread at entry, with a zero return address on its stack.
func (r *directRun) start(entry, sp, di, si uint64, tid uint32) {
	b := &directBlock{run: r, tid: tid, di: di, si: si, sp: sp - 8}
	if r.wrfsbase {
		b.wrfsbase = 1
	}
	b.tcb = uint64(uintptr(unsafe.Pointer(b)))
	b.word = uint64(uintptr(unsafe.Pointer(&b.tcb)))
	b.guestFS = uint64(uintptr(unsafe.Pointer(&b.word)))
	*word64(b.sp) = entry
	r.mu.Lock()
	r.blocks = append(r.blocks, b)
	r.mu.Unlock()
	r.threads.Go(func() {
		goruntime.LockOSThread()
		defer goruntime.UnlockOSThread()
		var all, before unix.Sigset_t
		for i := range all.Val {
			all.Val[i] = ^uint64(0)
		}
		if err := unix.PthreadSigmask(unix.SIG_BLOCK, &all, &before); err != nil {
			r.fail(err)
			return
		}
		defer func() { _ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil) }()
		const archGetFS = 0x1003
		if _, _, e := unix.RawSyscall(unix.SYS_ARCH_PRCTL, archGetFS, uintptr(unsafe.Pointer(&b.hostFS)), 0); e != 0 {
			r.fail(e)
			return
		}
		visitDirect(b)
	})
}

// load maps the program, the vDSO, its arguments and a stack.
func (r *directRun) load(p Program, s Setup) (entry, sp, di uint64, err error) {
	img, err := loader.Parse(p.Image, p.Size)
	if err != nil {
		return 0, 0, 0, err
	}
	if !img.PIE {
		return 0, 0, 0, fmt.Errorf("it is not position-independent")
	}
	args, err := s.argData()
	if err != nil {
		return 0, 0, 0, err
	}
	at, err := r.mmap(img.Hi+img.Align, protRW)
	if err != nil {
		return 0, 0, 0, err
	}
	plan, err := img.Plan((at + img.Align - 1) &^ (img.Align - 1))
	if err != nil {
		return 0, 0, 0, err
	}
	for _, c := range plan.Copies {
		if _, err := p.Image.ReadAt(memory(c.Addr, c.Len), int64(c.Off)); err != nil {
			return 0, 0, 0, err
		}
	}
	for _, m := range plan.Maps {
		if err := protect(m.Addr, m.Len, m.Prot); err != nil {
			return 0, 0, 0, err
		}
	}
	vdso, err := r.mapVDSO()
	if err != nil {
		return 0, 0, 0, err
	}
	argAt, err := r.mmap(uint64(len(args)), protRW)
	if err != nil {
		return 0, 0, 0, err
	}
	copy(memory(argAt, uint64(len(args))), args)
	const stack = 8 << 20
	lo, err := r.mmap(stack, protRW)
	if err != nil {
		return 0, 0, 0, err
	}
	start := loader.Start{
		StackLo: lo, StackHi: lo + stack, Base: plan.Base, Phdr: plan.Phdr, Phnum: img.Phnum, Phdrs: img.Phdrs,
		VDSO: vdso, ArgAddr: argAt, ArgLen: uint64(len(args)), NCPUs: goruntime.NumCPU(), TID: 1,
	}
	block, err := start.Build()
	if err != nil {
		return 0, 0, 0, err
	}
	copy(memory(block.Addr, uint64(len(block.Bytes))), block.Bytes)
	return plan.Entry, block.RSP, block.RDI, nil
}

// mapVDSO maps the shared object with entries of our own: they jump to leaveDirect.
func (r *directRun) mapVDSO() (uint64, error) {
	so := loader.BuildVDSO(callNames(r.calls))
	size := uint64(len(so.Image))
	at, err := r.mmap(size+abi.PageSize, protRW)
	if err != nil {
		return 0, err
	}
	image := memory(at, size+abi.PageSize)
	copy(image, so.Image)
	// movabs $leaveDirect, %r11; jmp *%r11
	copy(image[size:], []byte{0x49, 0xbb})
	*word64(at + size + 2) = uint64(leaveAddress)
	copy(image[size+10:], []byte{0x41, 0xff, 0xe3})
	for i := range r.calls {
		slot := so.Text + uint64(i)*so.Stride
		image[slot] = 0xb8 // mov $i, %eax; jmp
		*word32(at + slot + 1) = uint32(i)
		image[slot+5] = 0xe9
		*word32(at + slot + 6) = uint32(size - (slot + 10))
	}
	return at, protect(at+so.Text, size+abi.PageSize-so.Text, abi.ProtRead|abi.ProtExec)
}
