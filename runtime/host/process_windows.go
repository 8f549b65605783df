//go:build amd64

package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/windows"
)

// On Windows the holder's end of a process descriptor is the handle of the child, which
// tells when it is gone, and that of a job: the system ends what is in it when the last
// handle of it is closed, by whomever and however. What the two sides have to say to one
// another lies in a page that both map (control). The child finds what it needs of that by
// the numbers of handles in its environment, which it alone inherits.

// handlesEnv is the environment variable that lists them: controlSection and its
// neighbours, in this order, and those of the family.
const handlesEnv = "CABITRANS_HANDLES"

const (
	controlSection  = iota
	controlToChild  // event: a message has come
	controlToHolder // event: the child waits for a message, or has said how its start went
	controlHandles  // how many there are
)

// A process is one side of a process descriptor.
type process struct {
	handles [controlHandles]windows.Handle
	control *control
	child   windows.Handle // the process, 0 in itself, and before it was started
	job     windows.Handle
}

// A control is what both sides map. Each field is written once, before an event tells so.
type control struct {
	state  atomic.Uint32 // how far the child is: controlWaits, controlText
	pid    uint32        // with controlWaits: whom the message is for, StartAnew makes it another
	ended  atomic.Uint32
	code   uint32
	signal uint32
	text   [maxMessage]byte // the child's word
	length uint32
	// What the holder sends: a memory object, as a handle of the child, and its length.
	message, size uint64
}

// said is the child's word.
func (c *control) said() string { return string(c.text[:min(c.length, maxMessage)]) }

const (
	controlWaits = 1 + iota // for a message
	controlText             // it has said something
)

// NewProcessPair makes the two ends of a process descriptor. The child's is only to start
// it with.
func NewProcessPair() (holder, child int, err error) {
	p := new(process)
	if err := p.make(); err != nil {
		p.close()
		return -1, -1, fmt.Errorf("cannot make a process descriptor: %w", errorOf(err))
	}
	return newFD(&file{kind: KindProcess, proc: p}), newFD(&file{kind: KindUnknown, start: p}), nil
}

func (p *process) make() (err error) {
	inherited := &windows.SecurityAttributes{Length: uint32(securityAttributesSize), InheritHandle: 1}
	h := &p.handles
	if h[controlSection], err = windows.CreateFileMapping(windows.InvalidHandle, inherited, windows.PAGE_READWRITE,
		0, controlSize, nil); err != nil {
		return err
	}
	for _, i := range []int{controlToChild, controlToHolder} {
		if h[i], err = windows.CreateEvent(inherited, 1, 0, nil); err != nil {
			return err
		}
	}
	if p.job, err = newJob(); err != nil {
		return err
	}
	return p.open()
}

// open maps the page that both sides share.
func (p *process) open() error {
	at, err := mapView(p.handles[controlSection], windows.FILE_MAP_WRITE, 0)
	if err == nil {
		p.control = (*control)(pointer(at))
	}
	return err
}

// close gives up what this side has; the child ends with the last handle of the job.
func (p *process) close() {
	if p.control != nil {
		_ = windows.UnmapViewOfFile(addressOfControl(p.control))
	}
	for _, h := range append(p.handles[:], p.child, p.job) {
		if h != 0 {
			_ = windows.CloseHandle(h)
		}
	}
}

// StartSelf starts this program anew with child as its end and the standard handles as
// they are.
func StartSelf(child int) error {
	f, e := fileOf(child)
	if e != 0 {
		return e
	}
	if err := ours.join([familyHandles]windows.Handle{}); err != nil {
		return err
	}
	p := f.start
	numbers, inherited := numbersOf(append(p.handles[:], ours.handles[:]...)...)
	env := append(os.Environ(), ContinueEnv+"=1", handlesEnv+"="+strings.Join(numbers, ","))
	pid, h, err := startSuspended(p.job, 0, env, []*os.File{os.Stdin, os.Stdout, os.Stderr}, inherited)
	if err != nil {
		return fmt.Errorf("cannot start this program anew for a forked process: %w (%v)", errorOf(err), err)
	}
	p.child = h
	if err := startWithRoom(pid); err != nil {
		_ = windows.TerminateProcess(p.child, 1)
		return fmt.Errorf("a forked process cannot begin: %w (%v)", errorOf(err), err)
	}
	return nil
}

// Continued returns the child's end, in a program that StartSelf has started.
func Continued() (fd int, err error) {
	numbers := strings.Split(os.Getenv(handlesEnv), ",")
	const count = controlHandles + familyHandles
	if len(numbers) != count {
		return -1, fmt.Errorf("%s is for forked processes, and should list %d handles", handlesEnv, count)
	}
	_ = os.Unsetenv(handlesEnv)
	var all [count]windows.Handle
	for i, s := range numbers {
		h, err := strconv.ParseUint(s, 16, 64)
		if err != nil {
			return -1, fmt.Errorf("%s lists no handles: %w", handlesEnv, err)
		}
		all[i] = windows.Handle(h)
		if i < controlHandles { // later processes hold it in vain
			_ = windows.SetHandleInformation(all[i], windows.HANDLE_FLAG_INHERIT, 0)
		}
	}
	if err := ours.join([familyHandles]windows.Handle(all[controlHandles:])); err != nil {
		return -1, err
	}
	p := &process{handles: [controlHandles]windows.Handle(all[:])}
	if err := p.open(); err != nil {
		return -1, fmt.Errorf("the page that a forked process shares with its parent cannot be mapped: %w", errorOf(err))
	}
	return newFD(&file{kind: KindUnknown, start: p}), nil
}

// handed are the handles that this program was started with by StartSelf, for a start in
// its place (StartAnew); nil in any other, and once it has taken them.
func handed() (out []syscall.Handle) {
	for s := range strings.SplitSeq(os.Getenv(handlesEnv), ",") {
		if h, err := strconv.ParseUint(s, 16, 64); err == nil {
			out = append(out, syscall.Handle(h))
		}
	}
	return out
}

// ends returns the side of a process descriptor that fd is, and whether it is the child's.
func ends(fd int) (p *process, child bool, e syscall.Errno) {
	f, e := fileOf(fd)
	switch {
	case e != 0:
		return nil, false, e
	case f.proc != nil:
		return f.proc, false, 0
	case f.start != nil:
		return f.start, true, 0
	}
	return nil, false, syscall.EINVAL
}

// SendMessage sends msg, at most maxMessage bytes, from one end of a process descriptor to
// the other, once in each direction; to the child any number of descriptors too.
func SendMessage(fd int, msg []byte, fds []int) error {
	p, child, e := ends(fd)
	if e != 0 {
		return e
	}
	c := p.control
	if child {
		c.length = uint32(copy(c.text[:], msg))
		c.state.Store(controlText)
		return errorOf(windows.SetEvent(p.handles[controlToHolder]))
	}
	to, err := p.addressee()
	if err != nil {
		return err
	}
	defer windows.CloseHandle(to)
	l := letter{Text: msg}
	for _, fd := range fds {
		given, err := give(fd, to)
		if err != nil {
			return fmt.Errorf("descriptor %d cannot be handed to a forked process: %w", fd, err)
		}
		l.Files = append(l.Files, given)
	}
	b, err := json.Marshal(&l)
	if err != nil {
		panic("host: a message to a forked process cannot be written: " + err.Error())
	}
	s, err := NewSnapshot() // used as a file without a name
	if err != nil {
		return err
	}
	defer s.Close()
	f, _ := fileOf(s.fd)
	if err := s.writeAt(b, 0); err != nil {
		return err
	}
	h, err := giveHandle(f.h, to)
	if err != nil {
		return err
	}
	c.message, c.size = h, uint64(len(b))
	return errorOf(windows.SetEvent(p.handles[controlToChild]))
}

// addressee opens the process that a message is for, once it waits for one. Nothing may be
// put among its handles any earlier: while Wine starts a process, that closes some by
// numbers that its parent has told it, whatever has these numbers by then.
func (p *process) addressee() (windows.Handle, error) {
	if _, err := windows.WaitForMultipleObjects(p.news(), false, windows.INFINITE); err != nil {
		return 0, errorOf(err)
	}
	switch p.control.state.Load() {
	case controlWaits:
	case controlText:
		return 0, errors.New(p.control.said())
	default:
		return 0, errors.New("a forked process is gone before it has begun")
	}
	if err := windows.ResetEvent(p.handles[controlToHolder]); err != nil {
		return 0, errorOf(err)
	}
	h, err := windows.OpenProcess(windows.PROCESS_DUP_HANDLE|windows.PROCESS_QUERY_LIMITED_INFORMATION, false, p.control.pid)
	return h, errorOf(err)
}

// A letter is what a child receives.
type letter struct {
	Text  []byte
	Files []given
}

// ReceiveMessage receives what SendMessage sent; io.EOF when the other end is gone.
func ReceiveMessage(fd int) (msg []byte, fds []int, err error) {
	p, child, e := ends(fd)
	if e != 0 {
		return nil, nil, e
	}
	c := p.control
	if !child {
		if _, err := windows.WaitForMultipleObjects(p.news(), false, windows.INFINITE); err != nil {
			return nil, nil, errorOf(err)
		}
		if c.state.Load() != controlText {
			return nil, nil, io.EOF
		}
		return []byte(c.said()), nil, nil
	}
	c.pid = windows.GetCurrentProcessId()
	c.state.Store(controlWaits)
	if err := windows.SetEvent(p.handles[controlToHolder]); err != nil {
		return nil, nil, errorOf(err)
	}
	// A parent that is gone takes this process along.
	if _, err := windows.WaitForSingleObject(p.handles[controlToChild], windows.INFINITE); err != nil {
		return nil, nil, errorOf(err)
	}
	return readLetter(windows.Handle(c.message), c.size)
}

// news are the handles that tell the holder that the child has said something, or is gone.
func (p *process) news() []windows.Handle {
	return []windows.Handle{p.handles[controlToHolder], p.child}
}

func readLetter(h windows.Handle, size uint64) (msg []byte, fds []int, err error) {
	defer windows.CloseHandle(h)
	b := make([]byte, size)
	if _, err := readFileAt(h, b, 0); err != nil {
		return nil, nil, errorOf(err)
	}
	var l letter
	if err := json.Unmarshal(b, &l); err != nil {
		return nil, nil, fmt.Errorf("a message from the parent of a forked process cannot be read: %w", err)
	}
	for i := range l.Files {
		f, err := l.Files[i].take()
		if err != nil {
			return nil, fds, fmt.Errorf("a descriptor from the parent of a forked process cannot be used: %w", err)
		}
		fds = append(fds, newFD(f))
	}
	return l.Text, fds, nil
}

// AwaitMessage waits, on a guest thread, until a message has come to the holder's end, or
// never will; EINTR when the thread is kicked.
func (t *Thread) AwaitMessage(fd int) syscall.Errno {
	p, _, e := ends(fd)
	if e != 0 {
		return e
	}
	news := p.news()
	for {
		if n, err := windows.WaitForMultipleObjects(news, false, 0); err != nil || n < uint32(len(news)) {
			return errnoIn(err)
		}
		if e := t.sleep(-1, longest, news...); e != 0 {
			return e
		}
	}
}

// KillOnHangup has nothing to do: the job ends the process with its descriptor.
func KillOnHangup(fd int) error { return nil }

// SendEnd leaves a process's status for whoever holds its descriptor.
func SendEnd(fd int, s End) error {
	p, _, e := ends(fd)
	if e != 0 {
		return e
	}
	p.control.code, p.control.signal = s.Code, uint32(s.Signal)
	p.control.ended.Store(1)
	return nil
}

// PeekEnd returns the status that the process behind a holder's end has left,
// and false while it lives. One that is gone without was killed: Killed is true.
func PeekEnd(fd int) (s End, killed, ended bool) {
	p, _, e := ends(fd)
	if e != 0 || !p.gone() {
		return s, false, false
	}
	if p.control.ended.Load() == 0 {
		return s, true, true
	}
	return End{p.control.code, uint8(p.control.signal)}, false, true
}

// gone reports whether the child has ended.
func (p *process) gone() bool {
	s, err := windows.WaitForSingleObject(p.child, 0)
	return err == nil && s == windows.WAIT_OBJECT_0
}

// NameFD is the path that a descriptor, or a handle, was opened by, as far as the host knows.
func NameFD(fd int) string {
	h := windows.Handle(fd)
	if slotOf(fd) >= 0 {
		h = 0
		if f, e := fileOf(fd); e == 0 {
			h = f.h
		}
	}
	if h != 0 {
		b := make([]uint16, windows.MAX_LONG_PATH)
		if n, err := windows.GetFinalPathNameByHandle(h, &b[0], uint32(len(b)), 0); err == nil && n < uint32(len(b)) {
			return strings.TrimPrefix(windows.UTF16ToString(b[:n]), `\\?\`)
		}
	}
	return fmt.Sprintf("descriptor %d", fd)
}

// KillSelf ends this process at once, as when its last descriptor is closed.
func KillSelf() { _ = windows.TerminateProcess(windows.CurrentProcess(), 1) }

// ready is PollIn once the child has ended.
func (p *process) ready() int16 {
	if p.gone() {
		return PollIn
	}
	return 0
}
