package loader

import (
	"errors"
	"fmt"
)

// Why a file is no executable that can be run. Parse wraps exactly one of them; the text of the whole error says in one
// sentence what is wrong and what to do.
var (
	ErrNotELF       = errors.New("not an ELF executable")
	ErrTruncated    = errors.New("the file is truncated")
	ErrClass        = errors.New("not a 64-bit executable")
	ErrByteOrder    = errors.New("not a little-endian executable")
	ErrVersion      = errors.New("unknown ELF version")
	ErrNotCloudABI  = errors.New("not a CloudABI executable")
	ErrMachine      = errors.New("an executable for another processor")
	ErrType         = errors.New("not an executable but another kind of ELF file")
	ErrHeaderTable  = errors.New("malformed program header table")
	ErrNoSegments   = errors.New("nothing to load")
	ErrSegmentOrder = errors.New("segments overlap or are not in ascending order")
	ErrSegmentSize  = errors.New("a segment's size or address is impossible")
	ErrSegmentAlign = errors.New("a segment's address and file offset do not agree")
	ErrWriteExec    = errors.New("memory both writable and executable")
	ErrSpan         = errors.New("the address range is impossible or too large")
	ErrEntry        = errors.New("the entry point is not in executable memory")
	ErrDynamic      = errors.New("a dynamically linked executable")
)

// ErrSymbols is why Symbols found none although the file has section headers; it too comes in a FormatError.
var ErrSymbols = errors.New("unusable symbol table")

// ErrStack is what Start.Build wraps if the stack is too small.
var ErrStack = errors.New("the stack is too small for what the program is told at its start")

// FormatError is the error of Parse and Symbols: one of the sentinels above, and where and what.
type FormatError struct {
	Kind   error  // one of the sentinels
	Detail string // continues the sentence: what was found, and what to do
}

// Error is the sentence for the user; it does not name the file, which the caller knows.
func (e *FormatError) Error() string { return e.Kind.Error() + ": " + e.Detail }

// Unwrap gives the sentinel.
func (e *FormatError) Unwrap() error { return e.Kind }

func bad(kind error, format string, args ...any) error {
	return &FormatError{Kind: kind, Detail: fmt.Sprintf(format, args...)}
}
