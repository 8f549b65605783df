package abi

// Sizes in bytes of the structures of process and thread start.
const (
	ThreadattrSize = 32
	AuxvSize       = 16
	TCBSize        = 8
)

// Threadattr is thread_create's input. Entry is called with the thread identifier in edi and Argument in rsi.
//
//	offset 0 entry_point u64, 8 stack u64, 16 stack_len u64, 24 argument u64
type Threadattr struct {
	Entry    uint64 // guest address
	Stack    uint64 // lowest guest address of the stack
	StackLen uint64 // bytes
	Argument uint64
}

// Encode writes t to b[:ThreadattrSize].
func (t *Threadattr) Encode(b []byte) {
	b = b[:ThreadattrSize]
	put64(b, t.Entry)
	put64(b[8:], t.Stack)
	put64(b[16:], t.StackLen)
	put64(b[24:], t.Argument)
}

// Decode reads t from b[:ThreadattrSize].
func (t *Threadattr) Decode(b []byte) {
	b = b[:ThreadattrSize]
	*t = Threadattr{get64(b), get64(b[8:]), get64(b[16:]), get64(b[24:])}
}

// Auxv is one entry of the auxiliary vector, which ends with an entry of type ATNull.
//
//	offset 0 a_type u32, 8 a_val or a_ptr u64
type Auxv struct {
	Type Auxtype
	Val  uint64
}

// Encode writes a to b[:AuxvSize], padding as zero.
func (a *Auxv) Encode(b []byte) {
	b = zeroed(b, AuxvSize)
	put32(b, uint32(a.Type))
	put64(b[8:], a.Val)
}

// Decode reads a from b[:AuxvSize].
func (a *Auxv) Decode(b []byte) {
	b = b[:AuxvSize]
	*a = Auxv{Auxtype(get32(b)), get64(b[8:])}
}

// TCB is the thread control block; the word at %fs:0 holds its address. A guest copies it to its own area and never
// interprets it.
type TCB struct {
	Parent uint64 // the system's to use
}

// Encode writes t to b[:TCBSize].
func (t *TCB) Encode(b []byte) { put64(b[:TCBSize], t.Parent) }

// Decode reads t from b[:TCBSize].
func (t *TCB) Decode(b []byte) { t.Parent = get64(b[:TCBSize]) }
