package ehframe

// Columns are the general registers by their number in DWARF (AMD64 ABI, figure 3.36), and the return address.
const (
	columns  = 17
	columnRA = 16
)

// encodings are the registers by column: their numbers in instructions.
var encodings = [16]uint8{0, 2, 1, 3, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15}

// A rule says what a register was in the caller.
type rule struct {
	kind ruleKind
	n    int64
}

type ruleKind uint8

const (
	ruleSame      ruleKind = iota // what it is
	ruleUndefined                 // nobody knows; of the return address: there is no caller
	ruleOffset                    // in memory, n bytes from the CFA on
	ruleValue                     // the CFA plus n
	ruleRegister                  // in the register of column n
	ruleUnknown                   // a DWARF expression
)

// A row has the rules for one address. CFA, the canonical frame address, is what rsp was before the call.
type row struct {
	cfaReg uint64 // column
	cfaOff int64
	known  bool // the CFA is a register plus a distance
	rules  [columns]rule
}

// maxRemembered bounds what call frame instructions may put on their stack; compilers use one.
const maxRemembered = 4

// row runs the entry's call frame instructions as far as pc; false when they are not understood.
func (f *FDE) row(pc uint64) (r row, ok bool) {
	m := machine{cie: &f.cie, loc: f.Lo, pc: pc}
	m.row.rules[columnRA] = rule{ruleUndefined, 0}
	if !m.run(f.cie.program) {
		return r, false
	}
	m.initial = m.row
	if !m.done && !m.run(f.program) {
		return r, false
	}
	return m.row, m.row.known
}

// A machine runs call frame instructions (DWARF 5, 6.4.2).
type machine struct {
	cie     *cie
	loc, pc uint64
	done    bool // loc is beyond pc
	row     row
	initial row // behind those of the CIE
	stack   [maxRemembered]row
	depth   int
}

// run runs instructions until loc is beyond pc; false for what is wrong or unknown.
func (m *machine) run(program []byte) bool {
	c := cursor{b: program}
	for c.more() && !m.done {
		op := c.byte()
		ok := true
		switch low := uint64(op & 0x3f); op >> 6 {
		case 0:
			ok = m.extended(low, &c)
		case 1: // DW_CFA_advance_loc
			m.advance(low)
		case 2: // DW_CFA_offset
			ok = m.set(low, rule{ruleOffset, int64(c.uleb()) * m.cie.dataAlign})
		case 3: // DW_CFA_restore
			ok = m.restore(low)
		}
		if !ok || c.bad {
			return false
		}
	}
	return true
}

func (m *machine) advance(n uint64) {
	m.loc += n * m.cie.codeAlign
	m.done = m.loc > m.pc
}

// set gives a register a rule. Columns beyond the general registers are of no interest.
func (m *machine) set(column uint64, r rule) bool {
	if column == m.cie.ra {
		column = columnRA
	}
	if column < columns {
		m.row.rules[column] = r
	}
	return true
}

func (m *machine) restore(column uint64) bool {
	if column == m.cie.ra {
		column = columnRA
	}
	if column < columns {
		m.row.rules[column] = m.initial.rules[column]
	}
	return true
}

// extended runs an instruction whose operands follow it; the cases are in the order of DWARF's table 7.29.
func (m *machine) extended(op uint64, c *cursor) bool {
	switch op {
	case 0x00: // DW_CFA_nop
	case 0x01: // DW_CFA_set_loc
		return false
	case 0x02: // DW_CFA_advance_loc1, 2, 4
		m.advance(c.uint(1))
	case 0x03:
		m.advance(c.uint(2))
	case 0x04:
		m.advance(c.uint(4))
	case 0x05: // DW_CFA_offset_extended
		return m.set(c.uleb(), rule{ruleOffset, int64(c.uleb()) * m.cie.dataAlign})
	case 0x06: // DW_CFA_restore_extended
		return m.restore(c.uleb())
	case 0x07: // DW_CFA_undefined
		return m.set(c.uleb(), rule{ruleUndefined, 0})
	case 0x08: // DW_CFA_same_value
		return m.set(c.uleb(), rule{ruleSame, 0})
	case 0x09: // DW_CFA_register
		return m.set(c.uleb(), rule{ruleRegister, int64(c.uleb())})
	case 0x0a: // DW_CFA_remember_state
		if m.depth == maxRemembered {
			return false
		}
		m.stack[m.depth] = m.row
		m.depth++
	case 0x0b: // DW_CFA_restore_state
		if m.depth == 0 {
			return false
		}
		m.depth--
		m.row = m.stack[m.depth]
	case 0x0c: // DW_CFA_def_cfa
		m.row.cfaReg, m.row.cfaOff, m.row.known = c.uleb(), int64(c.uleb()), true
	case 0x0d: // DW_CFA_def_cfa_register
		m.row.cfaReg = c.uleb()
	case 0x0e: // DW_CFA_def_cfa_offset
		m.row.cfaOff = int64(c.uleb())
	case 0x0f: // DW_CFA_def_cfa_expression
		m.row.known = false
		c.skip(c.uleb())
	case 0x10, 0x16: // DW_CFA_expression, DW_CFA_val_expression
		column := c.uleb()
		c.skip(c.uleb())
		return m.set(column, rule{ruleUnknown, 0})
	case 0x11: // DW_CFA_offset_extended_sf
		return m.set(c.uleb(), rule{ruleOffset, c.sleb() * m.cie.dataAlign})
	case 0x12: // DW_CFA_def_cfa_sf
		m.row.cfaReg, m.row.cfaOff, m.row.known = c.uleb(), c.sleb()*m.cie.dataAlign, true
	case 0x13: // DW_CFA_def_cfa_offset_sf
		m.row.cfaOff = c.sleb() * m.cie.dataAlign
	case 0x14: // DW_CFA_val_offset
		return m.set(c.uleb(), rule{ruleValue, int64(c.uleb()) * m.cie.dataAlign})
	case 0x15: // DW_CFA_val_offset_sf
		return m.set(c.uleb(), rule{ruleValue, c.sleb() * m.cie.dataAlign})
	case 0x2e: // DW_CFA_GNU_args_size
		c.uleb()
	default:
		return false
	}
	return true
}
