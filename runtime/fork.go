package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"cabitrans/rewrite"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/engine"
	"cabitrans/runtime/host"
	"cabitrans/runtime/kernel"
	"cabitrans/runtime/loader"
	"cabitrans/runtime/memory"
	"cabitrans/runtime/strace"
)

// A forked guest continues in a host process of its own, a fresh start of the same
// program, because Go's run-time system cannot be forked. The parent sends it, over
// the two ends of the process descriptor (package host), one message: the
// descriptors, and a snapshot of guest memory with this note.
type handover struct {
	Program string
	Exe     bool            // the last descriptor is the executable's
	Trace   *strace.Options // the one before it is that of the trace
	Plan    loader.Plan
	VDSO    engine.VDSO
	Stack   uint64 // program.stackSize
	Of2016  bool   // program.of2016
	TLS     string // name of the strategy
	Tier    string // Process.tier
	Strict  bool
	Without rewrite.Without
	Limits  Limits // Timeout is what is left of it
	Memory  *memory.Image
	FDs     *kernel.Descriptors
	Thread  engine.State
	Watch   watchHandover
}

// watchHandover is what the copy writes to files that it opens itself; empty paths are nothing.
type watchHandover struct {
	CodeLog                   *codeLogHandover `json:",omitempty"`
	Coverage, Counts, Profile string
	Lines                     bool // of Coverage
	Kinds                     CountKinds
	Hz                        int // of Profile
}

// codeLogHandover is a CodeLog whose file the copy opens itself.
type codeLogHandover struct {
	Items  CodeLogItems
	Filter string
	Forked string
}

func (p *Process) handWatchOver() (w watchHandover) {
	if l := p.codeLog; l != nil && l.Forked != "" {
		w.CodeLog = &codeLogHandover{Items: l.Items, Filter: l.Filter.String(), Forked: l.Forked}
	}
	if c := p.coverage; c != nil {
		w.Coverage, w.Lines = c.Forked, c.Lines
	}
	if c := p.counts; c != nil {
		w.Counts, w.Kinds = c.Forked, c.Kinds
	}
	if c := p.profile; c != nil {
		w.Profile, w.Hz = c.Forked, c.Hz
	}
	return w
}

// forks is set once a fresh start of this program would continue a forked guest.
var forks atomic.Bool

// Fork is proc_fork: it starts the copy, which says by itself when it runs. It
// implements kernel.Engine.
func (p threads) Fork(t *kernel.Thread) (fd int, err error) {
	if !forks.Load() {
		return 0, abi.ENOSYS
	}
	holder, child, err := host.NewProcessPair()
	if err != nil {
		return 0, err
	}
	err = host.StartSelf(child) // while it starts, there is time for the snapshot
	_ = host.CloseFD(child)
	if err == nil {
		err = p.sendCopy(t, holder)
	}
	if err != nil {
		_ = host.CloseFD(holder) // which ends the copy
		return 0, err
	}
	return holder, nil
}

// sendCopy sends all that a copy of the process needs.
func (p threads) sendCopy(t *kernel.Thread, to int) error {
	h := handover{
		Program: p.program.name, Exe: p.program.exeFD >= 0, Plan: *p.plan, VDSO: p.vdso,
		Stack: p.program.stackSize, Of2016: p.program.of2016, TLS: p.tls.Name(), Tier: p.tier, Strict: p.strict,
		Without: p.without, Limits: p.left(),
		Thread: p.engine.Capture(t.Host),
	}
	h.Plan.Maps, h.Plan.Copies = nil, nil
	if p.trace != nil {
		h.Trace = &p.trace.TraceOptions
	}
	h.Watch = p.handWatchOver()
	snap, err := host.NewSnapshot()
	if err != nil {
		return err
	}
	defer snap.Close()
	img, refs, err := p.mem.Snapshot(snap, p.engine.Quiesce)
	if err != nil {
		return err
	}
	defer func() {
		for _, r := range refs {
			r.Release()
		}
	}()
	h.Memory = img
	var fds []int
	var release func()
	if h.FDs, fds, release, err = t.Process().Describe(refs); err != nil {
		return err
	}
	defer release()
	note, err := json.Marshal(&h)
	if err != nil {
		panic("runtime: a handover cannot be written: " + err.Error())
	}
	if err := snap.WriteNote(note); err != nil {
		return err
	}
	fds = append([]int{snap.FD()}, fds...)
	if h.Trace != nil {
		fds = append(fds, int(p.trace.To.Fd()))
	}
	if h.Exe {
		fds = append(fds, p.program.exeFD)
	}
	return host.SendMessage(to, []byte("copy"), fds)
}

// receiveCopy is the other side of sendCopy.
func receiveCopy(from int) (h *handover, snap *host.Snapshot, fds []int, err error) {
	msg, fds, err := host.ReceiveMessage(from)
	if err != nil {
		return nil, nil, nil, err
	}
	if string(msg) != "copy" || len(fds) == 0 {
		return nil, nil, nil, errors.New("no copy of a process has come")
	}
	snap, fds = host.OpenSnapshot(fds[0]), fds[1:]
	note, err := snap.ReadNote()
	if err != nil {
		return nil, nil, nil, err
	}
	h = new(handover)
	if err := json.Unmarshal(note, h); err != nil {
		return nil, nil, nil, fmt.Errorf("the copy of a process cannot be read: %w", err)
	}
	if h.Memory == nil || h.FDs == nil {
		return nil, nil, nil, errors.New("the copy of a process lacks its memory or its descriptors")
	}
	return h, snap, fds, nil
}
