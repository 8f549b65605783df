package argdata

// MaxDepth is how many maps and sequences may lie inside one another. The
// format itself has no such limit; this one keeps recursion bounded.
const MaxDepth = 1000

// MaxSize is the largest encoding in bytes that Encode makes and ParseYAML
// allows. No configuration of MaxYAMLSize bytes reaches it without aliases.
const MaxSize = 64 << 20

// A Value is one of Null, Bool, Int, Uint, Float, String, Binary, Timestamp,
// FD, Seq and Map. A nil Value means the same as Null.
type Value interface{ isValue() }

type (
	// Null is the absence of a value.
	Null struct{}

	// Bool is true or false.
	Bool bool

	// Int is an integer of the signed 64-bit range.
	Int int64

	// Uint is an integer of the unsigned 64-bit range. The encoding has one
	// integer type: Int(5) and Uint(5) give the same bytes, and Decode and
	// ParseYAML return Uint only above 2^63−1.
	Uint uint64

	// Float is an IEEE 754 double; the bits of a NaN are kept.
	Float float64

	// String is UTF-8 text. It may hold zero bytes.
	String string

	// Binary is a string of octets.
	Binary []byte

	// FD is a descriptor number of the guest.
	FD uint32

	// Seq is a sequence of values.
	Seq []Value

	// Map is a list of pairs in the order in which the guest meets them. Any
	// Value may be a key. Whether keys are distinct is not checked.
	Map []Entry
)

// InvalidFD is the number the reference writes for a descriptor that does not
// exist; argdata_get_fd answers EBADF for it.
const InvalidFD FD = 1<<32 - 1

// An Entry is one pair of a Map.
type Entry struct{ Key, Value Value }

// A Timestamp is the instant Nsec nanoseconds after Sec seconds after
// 1970-01-01T00:00:00Z. Nsec lies in [0, 1e9), also when Sec is negative.
type Timestamp struct {
	Sec  int64
	Nsec uint32
}

func (Null) isValue()      {}
func (Bool) isValue()      {}
func (Int) isValue()       {}
func (Uint) isValue()      {}
func (Float) isValue()     {}
func (String) isValue()    {}
func (Binary) isValue()    {}
func (Timestamp) isValue() {}
func (FD) isValue()        {}
func (Seq) isValue()       {}
func (Map) isValue()       {}

// Type bytes of the binary form (NuxiNL/argdata, src/argdata_impl.h).
const (
	typeBinary    = 1
	typeBool      = 2
	typeFD        = 3
	typeFloat     = 4
	typeInt       = 5
	typeMap       = 6
	typeSeq       = 7
	typeStr       = 8
	typeTimestamp = 9
)
