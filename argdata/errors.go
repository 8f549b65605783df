package argdata

import (
	"errors"
	"fmt"
)

// Errors of Encode: what a Value holds that has no encoding.
var (
	ErrNotUTF8     = errors.New("argdata: string is not valid UTF-8")
	ErrNanoseconds = errors.New("argdata: timestamp with nanoseconds outside [0, 1e9)")
	ErrTooDeep     = fmt.Errorf("argdata: more than %d nested maps and sequences", MaxDepth)
	ErrTooLarge    = fmt.Errorf("argdata: encoding larger than %d bytes", MaxSize)
)

// A DecodeError says why bytes are not argument data.
type DecodeError struct {
	Offset int    // of the offending value or length, from the start of the block
	Msg    string // what is wrong there
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("argdata: byte %d: %s", e.Offset, e.Msg)
}

// A Position is a place in a configuration. Lines and columns count from 1,
// columns in characters (Unicode code points).
type Position struct {
	File         string
	Line, Column int
}

func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// Errorf makes a SyntaxError at p. It is also for those who carry a
// configuration out: a file that cannot be opened is reported at its tag.
func (p Position) Errorf(format string, args ...any) *SyntaxError {
	return &SyntaxError{File: p.File, Line: p.Line, Column: p.Column, Msg: fmt.Sprintf(format, args...)}
}

// A SyntaxError is a configuration that is refused, and where.
type SyntaxError struct {
	File         string // as given to ParseYAML
	Line, Column int    // as in Position
	Msg          string // one sentence: what is wrong and what to do
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
}
