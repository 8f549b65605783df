package host

// FileKind is what a host descriptor refers to.
type FileKind uint8

const (
	KindUnknown FileKind = iota
	KindBlockDevice
	KindCharDevice
	KindTTY // a character device that is a terminal
	KindDirectory
	KindRegular
	KindPipe // a pipe or a named FIFO
	KindStreamSocket
	KindDatagramSocket
	KindSeqpacketSocket
	KindSymlink
	KindSharedMemory // memory without a name, as NewSharedObject makes it
	KindProcess      // a process descriptor of ours
)

// Messages tells whether a read takes one message, of which it loses what it
// cannot store.
func (k FileKind) Messages() bool { return k == KindDatagramSocket || k == KindSeqpacketSocket }

// Socket tells whether it is a socket of the guest's.
func (k FileKind) Socket() bool { return k == KindStreamSocket || k.Messages() }

// FileInfo is what the host knows about a file. Times are nanoseconds since 1970,
// Size is in bytes.
type FileInfo struct {
	Kind                FileKind
	Dev, Ino            uint64
	Nlink               uint32
	Size                int64
	Atime, Mtime, Ctime uint64
}

// StatusFlags are the changeable and the visible properties of an open file
// description. Two descriptors that were duplicated from one another share them.
type StatusFlags uint8

const (
	FlagAppend StatusFlags = 1 << iota
	FlagNonblock
	FlagDSync // data is written through
	FlagSync  // data and metadata are written through
)

// Iovec is one buffer of guest memory in a vectored call, laid out as the host
// and the guest both have it.
type Iovec struct{ Addr, Len uint64 }

// PollFD is one descriptor of Thread.Poll, laid out as the host has it. A
// negative FD is skipped.
type PollFD struct {
	FD      int32
	Events  int16
	Revents int16
}

// Events of PollFD, the same numbers on every Unix system that matters here.
const (
	PollIn   = 0x01
	PollOut  = 0x04
	PollErr  = 0x08
	PollHup  = 0x10
	PollNval = 0x20
)

// Whence values of Seek.
const (
	SeekSet = 0
	SeekCur = 1
	SeekEnd = 2
)

// DirEntry is one entry of a directory.
type DirEntry struct {
	Ino  uint64
	Next uint64 // position after it
	Kind FileKind
	Name []byte
}

// FileAdvice says how a part of a file will be used.
type FileAdvice uint8

const (
	FileAdviceNormal FileAdvice = iota
	FileAdviceRandom
	FileAdviceSequential
	FileAdviceWillNeed
	FileAdviceDontNeed
	FileAdviceNoReuse
)
