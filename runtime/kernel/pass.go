package kernel

import (
	"encoding/binary"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// Descriptors travel over a local socket as host descriptors, and the receiver
// gives each the rights of its type and access mode. A descriptor with fewer
// rights than that must not regain them on the way: a message that holds one
// carries a further host descriptor behind the guest's, the manifest, a sealed
// memory object that lists the rights of all others. A receiver of ours takes it
// off and gives nobody more than it says; a native one sees it (doc.go).

// maxPassed is the number of descriptors in one message; the manifest needs one
// place of those the host has.
const maxPassed = host.MaxMessageFDs - 1

// A manifest is laid out, in little-endian order, as
//
//	offset 0 manifestMagic, 16 count u64, then for each: type u64, base u64, inheriting u64
const (
	manifestMagic = "cabitrans/fds/1\n"
	manifestHead  = len(manifestMagic) + 8
	manifestEntry = 24
	manifestName  = "cabitrans-rights"
)

// passing is a thread's memory for the descriptors of one message. It is made
// when the thread meets the first.
type passing struct {
	entries [maxPassed]*entry // sent; each with a reference to its object
	host    [host.MaxMessageFDs]int32
	guest   [host.MaxMessageFDs]abi.FD // received, already in the table
	bytes   [host.MaxMessageFDs * 4]byte
}

func (t *Thread) passing() *passing {
	if t.pass == nil {
		t.pass = new(passing)
	}
	return t.pass
}

// pack prepares the n descriptors whose numbers the guest has at addr for
// sending, and returns those of the host. The caller calls unpack afterwards.
// EINVAL for more than maxPassed.
func (t *Thread) pack(addr, n uint64) (fds []int32, e abi.Errno) {
	if n == 0 {
		return nil, 0
	}
	if n > maxPassed {
		return nil, abi.EINVAL
	}
	p := t.passing()
	b := p.bytes[:4*n]
	if err := t.proc.mem.CopyIn(b, addr); err != nil {
		return nil, toErrno(err)
	}
	restricted := false
	for i := range int(n) {
		en, e := t.proc.fds.entry(abi.FD(binary.LittleEndian.Uint32(b[4*i:])), 0)
		if e == 0 && en.obj.queue != nil {
			en.obj.release()
			e = abi.ENOTSUP // as FreeBSD: what it reports is its process's own
		}
		if e != 0 {
			p.unpack(i, false)
			return nil, e
		}
		p.entries[i], p.host[i] = en, int32(en.obj.fd)
		restricted = restricted || en.restricted()
	}
	fds = p.host[:n]
	if !restricted {
		// Nor may the receiver take the guest's last one for a manifest.
		_, restricted = readManifest(int(fds[n-1]))
	}
	if restricted {
		m, err := newManifest(p.entries[:n])
		if err != nil {
			p.unpack(int(n), false)
			return nil, errnoOf(err)
		}
		fds = append(fds, int32(m)) // within p.host
	}
	return fds, 0
}

// unpack gives back what pack took for n descriptors.
func (p *passing) unpack(n int, manifest bool) {
	for i := range n {
		p.entries[i].obj.release()
		p.entries[i] = nil
	}
	if manifest {
		_ = host.CloseFD(int(p.host[n]))
	}
}

// restricted tells whether a receiver that sees nothing but the host descriptor
// would take the entry for more, or for something else, than it is.
func (en *entry) restricted() bool {
	c, err := classify(en.obj.fd)
	return err != nil || c.typ != en.obj.typ || c.base&^en.base != 0 || c.inheriting&^en.inheriting != 0
}

func newManifest(entries []*entry) (fd int, err error) {
	b := make([]byte, 0, manifestHead+len(entries)*manifestEntry)
	b = append(b, manifestMagic...)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(entries)))
	for _, en := range entries {
		b = binary.LittleEndian.AppendUint64(b, uint64(en.obj.typ))
		b = binary.LittleEndian.AppendUint64(b, uint64(en.base))
		b = binary.LittleEndian.AppendUint64(b, uint64(en.inheriting))
	}
	return host.NewSealed(manifestName, b)
}

// A manifest's list of rights.
type manifest []byte

// readManifest returns the list in a host descriptor, and false when that is no
// manifest.
func readManifest(fd int) (m manifest, ok bool) {
	b, ok := host.ReadSealed(fd, manifestHead+maxPassed*manifestEntry)
	if !ok || len(b) < manifestHead || string(b[:len(manifestMagic)]) != manifestMagic {
		return nil, false
	}
	n := binary.LittleEndian.Uint64(b[len(manifestMagic):])
	b = b[manifestHead:]
	return b, n <= maxPassed && len(b) == int(n)*manifestEntry
}

func (m manifest) len() int { return len(m) / manifestEntry }

// limit lowers the rights of c to those of place i. A native program can make a
// list of its own, so the list never raises them. A type it changes only for
// pipes, which the host cannot tell apart.
func (m manifest) limit(i int, c *class) {
	b := m[i*manifestEntry:]
	if typ := abi.Filetype(binary.LittleEndian.Uint64(b)); typ == abi.FiletypeFifo && c.kind == host.KindPipe {
		c.typ = typ
	}
	c.base &= abi.Rights(binary.LittleEndian.Uint64(b[8:]))
	c.inheriting &= abi.Rights(binary.LittleEndian.Uint64(b[16:]))
}

// adopt puts the n host descriptors of p that have arrived into the table, room
// of them at most, and closes the others. cut says that some were lost on the
// way. It returns how many the guest gets and whether that is not all.
func (t *Thread) adopt(n int, room uint64, cut bool) (got int, truncated bool) {
	p := t.passing()
	fds := p.host[:n]
	var list manifest
	if n > 0 {
		if m, ok := readManifest(int(fds[n-1])); ok {
			list = m
			_ = host.CloseFD(int(fds[n-1]))
			fds = fds[:n-1]
		}
	}
	if cut && list == nil || list != nil && list.len() != len(fds) {
		// The host has run out of descriptors, and the list may be among the lost;
		// or somebody has put together what does not belong together.
		closeAll(fds)
		return 0, true
	}
	for i, fd := range fds {
		if uint64(got) == room {
			closeAll(fds[i:])
			return got, true
		}
		c, err := classify(int(fd))
		if err != nil {
			c = class{} // it can be closed and passed on
		}
		if list != nil {
			list.limit(i, &c)
		}
		number, e := t.proc.fds.insert(c.object(int(fd)), c.base, c.inheriting)
		if e != 0 {
			closeAll(fds[i+1:])
			return got, true
		}
		p.guest[got] = number
		got++
	}
	return got, cut
}

func closeAll(fds []int32) {
	for _, fd := range fds {
		_ = host.CloseFD(int(fd))
	}
}

// tell stores the numbers of n adopted descriptors for the guest. If it cannot,
// they are closed.
func (t *Thread) tell(addr uint64, n int) abi.Errno {
	p := t.pass
	for i, fd := range p.guest[:n] {
		binary.LittleEndian.PutUint32(p.bytes[4*i:], uint32(fd))
	}
	if err := t.proc.mem.CopyOut(addr, p.bytes[:4*n]); err != nil {
		t.disown(n)
		return toErrno(err)
	}
	return 0
}

// disown closes n adopted descriptors, whose numbers nobody has been told.
func (t *Thread) disown(n int) {
	for _, fd := range t.pass.guest[:n] {
		_ = t.proc.fds.close(fd)
	}
}
