package runtime

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"text/tabwriter"
	"time"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// Stats counts what running the guest took.
type Stats struct {
	// Translation.
	Blocks        uint64        `json:"blocks"`
	Regions       uint64        `json:"regions"` // stretches of code translated at once
	Instructions  uint64        `json:"instructions"`
	GuestBytes    uint64        `json:"guest_bytes"`
	HostBytes     uint64        `json:"host_bytes"` // hot code only: exits and landings lie apart
	Growth        float64       `json:"growth"`     // HostBytes / GuestBytes
	TranslateTime time.Duration `json:"translate_ns"`
	FSRewritten   uint64        `json:"fs_rewritten"` // instructions with an %fs operand
	Flushes       uint64        `json:"flushes"`      // times that all translations were dropped

	// Branches.
	Links       uint64 `json:"links"`        // direct branches linked after they were made
	TableMisses uint64 `json:"table_misses"` // indirect branches without a landing yet
	TableBytes  uint64 `json:"table_bytes"`  // of the look-up table in use

	// The home tier: pages of text executed where they lie, those that did not qualify,
	// those that went to the code cache later, and faults at the border of the two.
	HomePages     uint64 `json:"home_pages"`
	HomeRefused   uint64 `json:"home_refused"`
	HomeWithdrawn uint64 `json:"home_withdrawn"`
	HomeCrossings uint64 `json:"home_crossings"`

	// Leaving translated code.
	Switches          uint64            `json:"switches"` // guest to host and back
	Exits             map[string]uint64 `json:"exits"`    // by cause
	TLSSwitchSyscalls uint64            `json:"tls_switch_syscalls"`
	Calls             map[string]uint64 `json:"calls"` // system calls by name

	MappedBytes uint64 `json:"mapped_bytes"` // of guest memory, now or at the end
}

// exitNames names the causes, by host.Exit constant.
var exitNames = [...]string{
	host.ExitCall:    "call",    // through the vDSO
	host.ExitLink:    "link",    // a direct branch to code not yet translated
	host.ExitSyscall: "syscall", // raw
	host.ExitTrap:    "trap",    // an instruction that is emulated or raises a signal
	host.ExitFault:   "fault",   // table misses included
	host.ExitKick:    "kick",
	host.ExitAbort:   "abort", // kicked before the guest was entered
}

// Stats returns the counts so far; those of running threads are approximate.
func (p *Process) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	sum := p.stats
	sum.Exits, sum.Calls = maps.Clone(sum.Exits), maps.Clone(sum.Calls)
	if p.kernel != nil {
		sum.add(p.currentStats())
	}
	sum.TLSSwitchSyscalls += host.TLSSwitches()
	return sum
}

func (p *Process) currentStats() Stats {
	e := p.engine.Stats()
	s := Stats{
		Blocks: e.Blocks, Regions: e.Regions, Instructions: e.Instructions,
		GuestBytes: e.GuestBytes, HostBytes: e.HostBytes, TranslateTime: e.TranslateTime,
		FSRewritten: e.FSRewritten, Flushes: e.Flushes,
		Links: e.Links, TableMisses: e.TableMisses, TableBytes: e.TableBytes,
		HomePages: e.HomePages, HomeRefused: e.HomeRefused, HomeWithdrawn: e.HomeWithdrawn, HomeCrossings: e.HomeCrossings,
		Switches: e.Threads.Switches, Exits: make(map[string]uint64),
		TLSSwitchSyscalls: e.SwitchCalls,
		Calls:             make(map[string]uint64), MappedBytes: p.mem.Mapped(),
	}
	if s.GuestBytes > 0 {
		s.Growth = float64(s.HostBytes) / float64(s.GuestBytes)
	}
	for i, name := range exitNames {
		if n := e.Threads.Exits[i]; name != "" && n > 0 {
			s.Exits[name] = n
		}
	}
	for c, n := range p.kernel.Counts() {
		if n > 0 {
			s.Calls[abi.Call(c).Info().Name] = n
		}
	}
	return s
}

// add adds the counts of another program of the same process. Of the look-up table
// that of the last one is in use.
func (s *Stats) add(o Stats) {
	s.Blocks += o.Blocks
	s.Regions += o.Regions
	s.Instructions += o.Instructions
	s.GuestBytes += o.GuestBytes
	s.HostBytes += o.HostBytes
	s.TranslateTime += o.TranslateTime
	s.FSRewritten += o.FSRewritten
	s.Flushes += o.Flushes
	s.Links += o.Links
	s.TableMisses += o.TableMisses
	s.TableBytes, s.MappedBytes = o.TableBytes, o.MappedBytes
	s.HomePages += o.HomePages
	s.HomeRefused += o.HomeRefused
	s.HomeWithdrawn += o.HomeWithdrawn
	s.HomeCrossings += o.HomeCrossings
	s.Switches += o.Switches
	s.TLSSwitchSyscalls += o.TLSSwitchSyscalls
	addCounts(&s.Exits, o.Exits)
	addCounts(&s.Calls, o.Calls)
	if s.GuestBytes > 0 {
		s.Growth = float64(s.HostBytes) / float64(s.GuestBytes)
	}
}

func addCounts(to *map[string]uint64, from map[string]uint64) {
	if *to == nil {
		*to = make(map[string]uint64)
	}
	for k, n := range from {
		(*to)[k] += n
	}
}

// WriteJSON writes the counts as one JSON object.
func (s Stats) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(s)
}

// WriteText writes the counts as a table for people.
func (s Stats) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	row("translated", "%d instructions in %d blocks, %d regions, %v", s.Instructions, s.Blocks, s.Regions,
		s.TranslateTime.Round(time.Microsecond))
	row("code", "%d bytes of guest, %d of host (%.2f times)", s.GuestBytes, s.HostBytes, s.Growth)
	row("%fs accesses rewritten", "%d", s.FSRewritten)
	row("translations dropped", "%d times", s.Flushes)
	row("direct branches linked", "%d", s.Links)
	row("table misses", "%d", s.TableMisses)
	row("table", "%d KiB", s.TableBytes>>10)
	if s.HomePages+s.HomeRefused > 0 {
		row("pages executed in place", "%d, %d did not qualify, %d withdrawn, %d faults at their border",
			s.HomePages, s.HomeRefused, s.HomeWithdrawn, s.HomeCrossings)
	}
	row("guest memory mapped", "%d KiB", s.MappedBytes>>10)
	row("switches to the guest", "%d", s.Switches)
	row("host system calls for switching TLS", "%d", s.TLSSwitchSyscalls)
	for _, name := range exitNames {
		if n := s.Exits[name]; n > 0 {
			row("exits: "+name, "%d", n)
		}
	}
	for c := range abi.Call(abi.NumCalls) {
		if n := s.Calls[c.Info().Name]; n > 0 {
			row("calls: "+c.Info().Name, "%d", n)
		}
	}
	return t.Flush()
}
