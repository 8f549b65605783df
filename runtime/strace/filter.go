package strace

import (
	"fmt"
	"slices"
	"strings"

	"cabitrans/runtime/abi"
)

// A Filter is a set of calls. The zero value has all.
type Filter struct {
	text string // as it was parsed
	some bool
	has  [abi.NumCalls]bool
}

// Has reports whether c is in the set. Calls that do not exist are in the full one.
func (f *Filter) Has(c abi.Call) bool {
	return !f.some || int(c) < len(f.has) && f.has[c]
}

// groups are the names that stand for several calls.
var groups = map[string]func(name string) bool{
	"all":     func(string) bool { return true },
	"desc":    func(n string) bool { return hasPrefix(n, "fd_", "sock_", "poll") || strings.Contains(n, "_f") },
	"file":    func(n string) bool { return hasPrefix(n, "file_") && n != "file_advise" && n != "file_allocate" },
	"memory":  func(n string) bool { return hasPrefix(n, "mem_") },
	"network": func(n string) bool { return hasPrefix(n, "sock_") || n == "fd_create2" },
	"process": func(n string) bool { return hasPrefix(n, "proc_") },
	"thread":  func(n string) bool { return hasPrefix(n, "thread_", "lock_", "condvar_", "poll") },
	"time":    func(n string) bool { return hasPrefix(n, "clock_") },
}

func hasPrefix(s string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
}

// ParseFilter reads names of calls and of groups, separated by commas; a group may
// have a percent sign before it. With an exclamation mark before all of them, it is
// the calls that are not named. The empty string means all.
func ParseFilter(s string) (Filter, error) {
	var f Filter
	list, not := strings.CutPrefix(s, "!")
	if s == "" {
		return f, nil
	}
	f.some, f.text = true, s
	for _, name := range strings.Split(list, ",") {
		name = strings.TrimPrefix(strings.TrimSpace(name), "%")
		if c, ok := abi.ByName(name); ok {
			f.has[c] = true
			continue
		}
		in, ok := groups[name]
		if !ok {
			return f, fmt.Errorf("there is no system call or group %q; the groups are %s", name, groupNames())
		}
		for c := range f.has {
			f.has[c] = f.has[c] || in(abi.Call(c).String())
		}
	}
	if not {
		for c := range f.has {
			f.has[c] = !f.has[c]
		}
	}
	return f, nil
}

// MarshalText returns what ParseFilter was given.
func (f Filter) MarshalText() ([]byte, error) { return []byte(f.text), nil }

// UnmarshalText is ParseFilter.
func (f *Filter) UnmarshalText(b []byte) (err error) {
	*f, err = ParseFilter(string(b))
	return err
}

func groupNames() string {
	var names []string
	for name := range groups {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
