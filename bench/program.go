package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"cabitrans/argdata"
	"cabitrans/guests"
	"cabitrans/runtime/abi"
)

// A Program is a CloudABI executable.
type Program struct {
	Name  string
	Image io.ReaderAt
	Size  int64
}

// Embedded is one of the programs that this binary has in it.
func Embedded(name string) (Program, error) {
	b, err := guests.CloudABI(name)
	if err != nil {
		return Program{}, fmt.Errorf("bench: no program %q is embedded", name)
	}
	return programOf(name, b), nil
}

func programOf(name string, image []byte) Program {
	return Program{Name: name, Image: bytes.NewReader(image), Size: int64(len(image))}
}

// A Setup is what a program is told.
type Setup struct {
	N       uint64 // the kernel's argument; 0 leaves it to the program
	Repeats int    // how often it is called; 0 leaves it to the program
	CPU     bool   // times are those that the calling thread runs, not those that pass

	// More arguments, and descriptors of the host for them, from 1 on.
	More argdata.Map
	FDs  []int
}

// argData encodes the arguments. Descriptor 0 is what the program reports to.
func (s *Setup) argData() ([]byte, error) {
	m := append(argdata.Map{{Key: argdata.String("stdout"), Value: argdata.FD(0)}}, s.More...)
	if s.N > 0 {
		m = append(m, argdata.Entry{Key: argdata.String("n"), Value: argdata.Uint(s.N)})
	}
	if s.Repeats > 0 {
		m = append(m, argdata.Entry{Key: argdata.String("repeats"), Value: argdata.Uint(uint64(s.Repeats))})
	}
	if s.CPU {
		m = append(m, argdata.Entry{Key: argdata.String("cpu"), Value: argdata.Uint(1)})
	}
	return argdata.Encode(m)
}

// Exchange is how %fs is exchanged around untranslated guest code.
type Exchange string

// The ways there are.
const (
	ByArchPrctl Exchange = "arch_prctl" // two host system calls for each of the guest's
	ByWRFSBASE  Exchange = "wrfsbase"   // the instruction, where the host lets processes use it
)

// ErrNoDirect says that guest code cannot run untranslated on this host.
var ErrNoDirect = errors.New("guest code runs untranslated on Linux/amd64 only")

func callNames(calls []abi.Call) []string {
	names := make([]string, len(calls))
	for i, c := range calls {
		names[i] = c.Info().Symbol()
	}
	return names
}

// parse reads NAME n=N result=HEX ns=BEST median=MEDIAN.
func (m *Measurement) parse(line string) error {
	var name string
	var best, median uint64
	if _, err := fmt.Sscanf(line, "%s n=%d result=%x ns=%d median=%d", &name, &m.N, &m.Result, &best, &median); err != nil {
		return fmt.Errorf("bench: the program printed %q: %w", line, err)
	}
	m.Best, m.Median = time.Duration(best), time.Duration(median)
	return nil
}
