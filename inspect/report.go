package inspect

import (
	"encoding/json"
	"io"
	"strconv"
)

// Addr is an address of the file; in JSON it is a string such as "0x19d0".
type Addr uint64

func (a Addr) String() string { return "0x" + strconv.FormatUint(uint64(a), 16) }

// MarshalText gives JSON its form.
func (a Addr) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Report is what is known of an executable. Its JSON keys are stable.
type Report struct {
	File      string              `json:"file"`
	Size      int64               `json:"size"`          // of the file, in bytes
	Runs      bool                `json:"runs"`          // whether it would be loaded on this host
	Why       string              `json:"why,omitempty"` // if not: the loader's sentence
	*Contents `json:",omitempty"` // nil if the loader refuses the file: then nothing is known
}

// Contents is what is in an executable that the loader accepts.
type Contents struct {
	Type       string     `json:"type"` // ET_EXEC or ET_DYN
	Generation Generation `json:"generation"`
	Entry      Place      `json:"entry"`
	Segments   []Segment  `json:"segments"`
	TLS        *TLS       `json:"tls,omitempty"`
	Notes      []Note     `json:"notes"`

	Symbols     int         `json:"symbols"`
	SymbolsWhy  string      `json:"symbols_error,omitempty"` // why there are none
	Relocations Relocations `json:"relocations"`

	VDSO     VDSO     `json:"vdso"`
	Syscalls Syscalls `json:"syscalls"`
	FS       Accesses `json:"fs"`
	GS       int      `json:"gs"` // instructions with an operand in %gs

	Special []Special `json:"special"`
	Text    Coverage  `json:"text"`
}

// Place is an address and, if there is a symbol, where that is.
type Place struct {
	Addr   Addr   `json:"addr"`
	Symbol string `json:"symbol,omitempty"` // name, or name+0x12
}

// Segment is a PT_LOAD.
type Segment struct {
	Addr     Addr   `json:"addr"`
	MemSize  uint64 `json:"memory_size"`
	Offset   uint64 `json:"file_offset"`
	FileSize uint64 `json:"file_size"`
	Prot     string `json:"protection"` // such as "r-x"
}

// TLS is PT_TLS: what each thread has of its own.
type TLS struct {
	Size     uint64 `json:"size"`
	FileSize uint64 `json:"file_size"` // the part that is not zero at first
	Align    uint64 `json:"alignment"`
}

// Note is an entry of a PT_NOTE.
type Note struct {
	Name string `json:"name"`
	Type uint32 `json:"type"`
	Desc string `json:"desc"` // in hexadecimal; no more than 64 bytes of it
}

// Relocations are those the program applies to itself.
type Relocations struct {
	Count    int `json:"count"`
	Relative int `json:"relative"` // R_X86_64_RELATIVE among them
}

// VDSO is how the program finds system calls by name.
type VDSO struct {
	// Form is how names are written in its data: "symbol" for cloudabi_sys_fd_read, "name" for a table that has
	// fd_read, empty if there are none.
	Form  string   `json:"form"`
	Names []string `json:"names"` // without the prefix, as the program has them
	// Functions are those that the symbol table has code for: what the program was linked with.
	Functions []string `json:"functions"`
}

// Syscalls are the raw syscall instructions.
type Syscalls struct {
	Count   int          `json:"count"`
	Unknown int          `json:"unknown"` // those whose number the sweep could not tell
	Calls   []RawSyscall `json:"calls"`   // ascending by number
	Sites   []Place      `json:"sites"`   // of the unknown ones, shortened
}

// RawSyscall is a number with which syscall is executed.
type RawSyscall struct {
	Number uint64  `json:"number"`
	Name   string  `json:"name"` // empty if 2016-08 has no such call
	Count  int     `json:"count"`
	Sites  []Place `json:"sites"` // shortened
}

// Accesses are the instructions with an operand in %fs, by form, the most frequent first.
type Accesses struct {
	Count int    `json:"count"`
	Forms []Form `json:"forms"`
}

// Form is one form: the text with %r64 and the like for registers.
type Form struct {
	Text  string  `json:"text"`
	Count int     `json:"count"`
	Sites []Place `json:"sites"` // shortened
}

// Special are instructions that are not simply executed.
type Special struct {
	// Action is "emulated", "faults" (as on a CPU) or "refused" (a CPU would run it; the program ends with a report);
	// with "_moving" behind it if only once the program has moved its %fs base.
	Action string  `json:"action"`
	Text   string  `json:"text"` // the form
	Count  int     `json:"count"`
	Sites  []Place `json:"sites"` // shortened
}

// Coverage says how much of the text the findings rest on.
type Coverage struct {
	Bytes        uint64    `json:"bytes"` // of executable segments in the file
	Instructions int       `json:"instructions"`
	Functions    int       `json:"functions"` // by symbols and .eh_frame
	InFunctions  uint64    `json:"in_functions"`
	Outside      uint64    `json:"outside"`     // swept, but perhaps out of step; padding is part of it
	Undecodable  uint64    `json:"undecodable"` // not looked into
	Skipped      []Stretch `json:"skipped"`     // where that is, shortened
}

// Stretch is a range of addresses.
type Stretch struct {
	Lo Addr `json:"lo"`
	Hi Addr `json:"hi"`
}

// WriteJSON writes the report as one JSON object, indented.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
