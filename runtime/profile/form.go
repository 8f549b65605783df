package profile

import (
	"compress/gzip"
	"encoding/binary"
	"io"
	"time"
)

// A form is a profile in the format of pprof: the message Profile of profile.proto, whose fields
// have the numbers below. It is written here, field by field, and not by pprof's own
// package, which compiles a score of regular expressions whenever a process starts, nor by a library
// for protocol buffers, which reads the executable then. pprof's package reads it in the tests.
//
// Identifiers begin with 1; 0 is none.
type form struct {
	body                                     []byte // the fields so far, but for the strings
	mappings, locations, functions, nStrings uint64
	strings                                  map[string]uint64 // index in the table
	table                                    []byte            // its fields
}

// Fields of Profile.
const (
	profileSampleType = 1 + iota
	profileSample
	profileMapping
	profileLocation
	profileFunction
	profileString
	_ // drop_frames
	_ // keep_frames
	profileTime
	profileDuration
	profilePeriodType
	profilePeriod
	profileComment
)

// A message is a message in the making, in the encoding of protocol buffers. A field that is 0
// is left out, as proto3 has it.
type message []byte

// Wire types: how a field's value is encoded.
const (
	wireVarint = 0
	wireBytes  = 2
)

func (m *message) uint(field int, v uint64) {
	if v != 0 {
		*m = binary.AppendUvarint(binary.AppendUvarint(*m, uint64(field<<3|wireVarint)), v)
	}
}

func (m *message) bytes(field int, v []byte) {
	*m = binary.AppendUvarint(binary.AppendUvarint(*m, uint64(field<<3|wireBytes)), uint64(len(v)))
	*m = append(*m, v...)
}

// packed adds a repeated field of numbers.
func (m *message) packed(field int, list []uint64) {
	var p []byte
	for _, v := range list {
		p = binary.AppendUvarint(p, v)
	}
	m.bytes(field, p)
}

func (f *form) add(field int, m message) { (*message)(&f.body).bytes(field, m) }

// string is the index of s in the table; that of the empty one is 0.
func (f *form) string(s string) uint64 {
	if f.strings == nil {
		f.strings = make(map[string]uint64)
		if s != "" {
			f.string("")
		}
	}
	i, ok := f.strings[s]
	if !ok {
		i = f.nStrings
		f.nStrings++
		f.strings[s] = i
		(*message)(&f.table).bytes(profileString, []byte(s))
	}
	return i
}

// valueType is a ValueType.
func (f *form) valueType(kind, unit string) (m message) {
	m.uint(1, f.string(kind))
	m.uint(2, f.string(unit))
	return m
}

// sample adds a Sample: a stack of locations, the innermost first, with a value for each of write's types, and
// a label.
func (f *form) sample(stack []uint64, values []int64, key, label string) {
	var m, l message
	m.packed(1, stack)
	var v []uint64
	for _, n := range values {
		v = append(v, uint64(n))
	}
	m.packed(2, v)
	l.uint(1, f.string(key))
	l.uint(2, f.string(label))
	m.bytes(3, l)
	f.add(profileSample, m)
}

// A mapping is a segment of a file in memory; lines says that source lines are known.
type mapping struct {
	start, limit, offset uint64
	file                 string
	lines                bool
}

// mapping adds a Mapping, and returns its identifier.
func (f *form) mapping(p mapping) uint64 {
	f.mappings++
	var m message
	m.uint(1, f.mappings)
	m.uint(2, p.start)
	m.uint(3, p.limit)
	m.uint(4, p.offset)
	m.uint(5, f.string(p.file))
	m.uint(7, 1) // has functions
	if p.lines {
		m.uint(8, 1) // has file names
		m.uint(9, 1) // has line numbers
	}
	f.add(profileMapping, m)
	return f.mappings
}

// A location is an address, in a mapping and at a line of a function, if there are such.
type location struct {
	addr, mapping, function uint64
	line                    int
}

// location adds a Location, and returns its identifier.
func (f *form) location(p location) uint64 {
	f.locations++
	var m message
	m.uint(1, f.locations)
	m.uint(2, p.mapping)
	m.uint(3, p.addr)
	if p.function != 0 {
		var l message
		l.uint(1, p.function)
		l.uint(2, uint64(p.line))
		m.bytes(4, l)
	}
	f.add(profileLocation, m)
	return f.locations
}

// function adds a Function, and returns its identifier.
func (f *form) function(name, file string, line int) uint64 {
	f.functions++
	var m message
	m.uint(1, f.functions)
	m.uint(2, f.string(name))
	m.uint(3, f.string(name)) // as the system has it
	m.uint(4, f.string(file))
	m.uint(5, uint64(line))
	f.add(profileFunction, m)
	return f.functions
}

// write adds what is about the whole, and writes it, compressed.
func (f *form) write(w io.Writer, began time.Time, took, period time.Duration, comment string) error {
	cpu := f.valueType("cpu", "nanoseconds")
	m := message(f.body)
	m.bytes(profileSampleType, f.valueType("samples", "count"))
	m.bytes(profileSampleType, cpu)
	m.uint(profileTime, uint64(began.UnixNano()))
	m.uint(profileDuration, uint64(took))
	m.bytes(profilePeriodType, cpu)
	m.uint(profilePeriod, uint64(period))
	if comment != "" {
		m.packed(profileComment, []uint64{f.string(comment)})
	}
	z := gzip.NewWriter(w)
	for _, part := range [][]byte{m, f.table} {
		if _, err := z.Write(part); err != nil {
			return err
		}
	}
	return z.Close()
}
