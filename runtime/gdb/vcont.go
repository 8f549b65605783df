package gdb

import (
	"fmt"
	"strings"
)

var errAction = fmt.Errorf("an action that is none of c, C, s, S and r")

// actions are what a resuming packet means for each thread.
func (s *session) actions(p string) ([]Action, error) {
	if rest, ok := strings.CutPrefix(p, "vCont;"); ok {
		return s.vCont(rest)
	}
	// The older form names one thread by Hc, and an address at which to go on.
	a, rest, err := action(p)
	if err != nil {
		return nil, err
	}
	if rest = strings.TrimPrefix(rest, ";"); rest != "" {
		return nil, fmt.Errorf("to go on at another address, the register has to be set first")
	}
	id := s.moving
	if id == anyThread || id == allThreads {
		if !a.Step && a.Signal == 0 {
			return s.everyone(a), nil
		}
		// One thread steps or gets the signal, the others run.
		id = s.general
		out := s.everyone(Action{})
		for i := range out {
			if out[i].Thread == id {
				a.Thread = id
				out[i] = a
			}
		}
		return out, nil
	}
	a.Thread = id
	return []Action{a}, nil
}

// vCont reads actions, each with the thread that it is for, or for all others.
func (s *session) vCont(p string) ([]Action, error) {
	var out []Action
	seen := make(map[ThreadID]bool)
	add := func(a Action, id ThreadID) {
		if !seen[id] {
			seen[id] = true
			a.Thread = id
			out = append(out, a)
		}
	}
	for _, item := range strings.Split(p, ";") {
		what, who, named := strings.Cut(item, ":")
		a, rest, err := action(what)
		if err != nil {
			return nil, err
		}
		if rest != "" {
			return nil, errAction
		}
		id := allThreads
		if named {
			var ok bool
			if id, ok = parseThread(who); !ok {
				return nil, fmt.Errorf("no thread %q", who)
			}
		}
		if id == anyThread {
			id = s.general
		}
		if id != allThreads {
			add(a, id)
			continue
		}
		for _, t := range s.target.Threads() {
			add(a, t)
		}
	}
	return out, nil
}

// action reads what a thread is to do, and returns what follows.
func action(p string) (a Action, rest string, err error) {
	switch {
	case p == "":
		return a, "", errAction
	case p[0] == 'c':
		return a, p[1:], nil
	case p[0] == 's':
		return Action{Step: true}, p[1:], nil
	case (p[0] == 'C' || p[0] == 'S') && len(p) >= 3:
		sig, ok := parseHex(p[1:3])
		if !ok {
			return a, "", errAction
		}
		return Action{Step: p[0] == 'S', Signal: int(sig)}, p[3:], nil
	case p[0] == 'r':
		lo, hi, ok := parseRange(p[1:])
		if !ok {
			return a, "", errAction
		}
		return Action{Step: true, Lo: lo, Hi: hi}, "", nil
	}
	return a, "", errAction
}

// everyone is an action for all threads.
func (s *session) everyone(a Action) (out []Action) {
	for _, id := range s.target.Threads() {
		a.Thread = id
		out = append(out, a)
	}
	return out
}
