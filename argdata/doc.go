// Package argdata holds CloudABI argument data: its binary form, and the way
// from a YAML configuration to it.
//
// # In a nutshell
//
// A CloudABI program has no argv. It gets one tree of typed values, among them
// descriptors, as a block of bytes (AT_ARGDATA, AT_ARGDATALEN). A user writes
// that tree as YAML; tags mark the places where a descriptor is granted:
//
//	YAML ── ParseYAML ──▶ Config{Value, Grants} ── Encode(Value) ──▶ bytes for the guest
//	                              └─ Grants[i] describes the guest's descriptor i
//
// ParseYAML opens nothing. Whoever starts the program opens what Grants
// describe and installs them as descriptors 0, 1, … before the guest runs.
//
// # The binary form
//
// A value is a string of bytes whose length is known from outside: the whole
// block, or the subfield it lies in. Source: NuxiNL/argdata, src/argdata_impl.h
// and the argdata_create_* and argdata_get_* files beside it.
//
//	null       no bytes at all
//	binary     01, the octets
//	bool       02 for false, 02 01 for true
//	fd         03, the descriptor number in 4 bytes; ff ff ff ff is "no descriptor"
//	float      04, the 8 bytes of an IEEE 754 double
//	int        05, two's complement, fewest bytes that keep the sign; zero has none
//	map        06, then key and value as subfields, in turn
//	seq        07, then every element as a subfield
//	str        08, UTF-8 (zero bytes allowed), one closing zero byte
//	timestamp  09, nanoseconds since 1970-01-01T00:00:00Z, written like an int
//
// All numbers are big-endian. Integers span −2^63 to 2^64−1, so up to 9 bytes;
// timestamps span 64-bit seconds, so up to 12. A subfield is a length and that
// many bytes. The length is written in digits of 7 bits, most significant
// first; only the last digit has its top bit set, and the first is never 00.
//
// [Encode] writes the one canonical form. [Decode] is strict about structure
// where the reference's getters would fail one by one, and as lenient as they
// are about integers longer than they need to be. Neither looks for duplicate
// keys: the reference does not, and the order of a map is kept.
//
// # YAML
//
// The behaviour follows cloudabi-run (NuxiNL/cloudabi-utils, src/cloudabi-run,
// and NuxiNL/yaml2argdata): untagged plain scalars resolve by the core schema of
// YAML 1.2, section 10.3.2. So yes, 1_000, 2001-12-14 and << are strings. Where
// that version refuses what its predecessor took (floats, !!binary,
// !!timestamp, 0x and 0o integers), this package takes it.
//
//	!fd stdin|stdout|stderr|N   descriptor N of the host process
//	!file {path: …}             that file or directory, opened for reading
//	!file {path: …, access: …}  opened as the attributes say (grant_file.go)
//	!executable                 the program being started
//	!socket {bind: …}           a socket bound to an address, and listening (grant_socket.go)
//
// where ! stands for tag:nuxi.nl,2015:cloudabi/ after a %TAG line, or the tag is
// written in full as !<tag:nuxi.nl,2015:cloudabi/fd>.
//
// Guest descriptors are numbered in order of first appearance, keys before their
// values. One host descriptor is one guest descriptor however often it is
// named, and so is the executable; every !file is a descriptor of its own,
// unless an alias repeats it (argdata_serialize.c numbers them so).
//
// Differences from the reference, all on purpose: an empty stream, a second
// document, a duplicate key, and a value after !executable are refused instead
// of being passed over; aliases work; integers outside 64 bits are always an
// error.
//
// # Invariants
//
//   - No input makes a function panic or recurse deeper than [MaxDepth] or the
//     YAML scanner's own limit of 10,000.
//   - An anchored node is converted once and its Value shared by all aliases, so
//     work grows with the text, never with what the aliases expand to; the
//     expansion is measured and refused above [MaxSize].
//   - Encode accepts every Value that ParseYAML returns.
//   - Every refusal of the text is a *[SyntaxError] with file, line and column.
//
// The package has no state and takes no locks. It imports no other package of
// this module.
package argdata
