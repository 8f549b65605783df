package ehframe

// Memory is what a Walker reads stacks from: reads of any address are safe, and fail where there is nothing.
type Memory interface {
	Load64(addr uint64) (uint64, error)
	// Executable reports whether code can be fetched at addr.
	Executable(addr uint64) bool
}

// Regs are a frame's registers: the general ones in encoding order, and the address of an instruction.
type Regs struct {
	R  [16]uint64
	PC uint64
}

// Numbers of registers in Regs.R.
const (
	rsp = 4
	rbp = 5
)

// How says how callers were found; bits of it are of several steps.
type How uint8

// The ways.
const (
	ByTables How = 1 << iota
	ByFramePointers
)

// String says it as a report does.
func (h How) String() string {
	switch h {
	case ByTables:
		return "unwind tables"
	case ByFramePointers:
		return "frame pointers"
	case ByTables | ByFramePointers:
		return "unwind tables and frame pointers"
	}
	return "nothing"
}

// A Walker finds the callers of guest code.
type Walker struct {
	Memory Memory
	Table  *Table // nil for none
	Bias   uint64 // what was added to the file's addresses
}

// Walk appends to frames, as far as its capacity reaches, the return addresses of the callers of the code at r,
// innermost first. exact tells that r.PC is the instruction to be executed next; else it is a return address, and the
// call before it is what counts.
func (w *Walker) Walk(frames []uint64, r *Regs, exact bool) ([]uint64, How) {
	var how How
	for len(frames) < cap(frames) {
		by, ok := w.Step(r, exact)
		if !ok || !w.Memory.Executable(r.PC) {
			break
		}
		how |= by
		frames, exact = append(frames, r.PC), false
	}
	return frames, how
}

// Knows reports whether the tables know the code at pc, as in Walk.
func (w *Walker) Knows(pc uint64, exact bool) bool {
	if w.Table == nil {
		return false
	}
	if !exact {
		pc--
	}
	_, ok := w.Table.Find(pc - w.Bias)
	return ok
}

// Step makes r the registers of the caller; false if that is unknown, or if there is none.
func (w *Walker) Step(r *Regs, exact bool) (How, bool) {
	pc := r.PC - w.Bias
	if !exact {
		pc-- // the call may be the last instruction of its function
	}
	if w.Table != nil {
		if f, ok := w.Table.Find(pc); ok {
			if row, ok := f.row(pc); ok && row.rules[columnRA].kind != ruleUnknown {
				return ByTables, w.apply(&row, r)
			}
		}
	}
	return ByFramePointers, w.byFramePointer(r)
}

// apply goes to the caller by the rules of a row.
func (w *Walker) apply(row *row, r *Regs) bool {
	if row.cfaReg >= 16 {
		return false
	}
	cfa := r.R[encodings[row.cfaReg]] + uint64(row.cfaOff)
	if cfa <= r.R[rsp] { // no frame is below its own stack pointer
		return false
	}
	old := *r
	r.R[rsp] = cfa
	for column, rule := range row.rules {
		var v uint64
		switch rule.kind {
		case ruleSame, ruleUnknown:
			if column == columnRA {
				return false
			}
			continue
		case ruleUndefined:
			if column == columnRA {
				return false // there is no caller
			}
			continue
		case ruleOffset:
			var err error
			if v, err = w.Memory.Load64(cfa + uint64(rule.n)); err != nil {
				return false
			}
		case ruleValue:
			v = cfa + uint64(rule.n)
		case ruleRegister:
			if uint64(rule.n) >= 16 {
				return false
			}
			v = old.R[encodings[rule.n]]
		}
		if column == columnRA {
			r.PC = v
		} else {
			r.R[encodings[column]] = v
		}
	}
	return r.R[rsp] > old.R[rsp]
}

// byFramePointer goes to the caller by the frame that rbp points to, if it can be one.
func (w *Walker) byFramePointer(r *Regs) bool {
	frame := r.R[rbp]
	if frame < r.R[rsp] || frame%8 != 0 {
		return false
	}
	next, err1 := w.Memory.Load64(frame)
	ret, err2 := w.Memory.Load64(frame + 8)
	if err1 != nil || err2 != nil {
		return false
	}
	r.R[rbp], r.PC, r.R[rsp] = next, ret, frame+16
	return true
}
