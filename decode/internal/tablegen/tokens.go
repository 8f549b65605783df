package main

import (
	"fmt"
	"strings"
)

// One-word tokens, by what they set.
var (
	flowTokens = map[string]string{
		"jmp": "FlowJump", "jcc": "FlowCond", "loop": "FlowLoop", "call": "FlowCall", "jmpind": "FlowJumpInd",
		"callind": "FlowCallInd", "ret": "FlowRet", "far": "FlowFar", "syscall": "FlowSyscall",
		"sysenter": "FlowSysenter", "int": "FlowInt", "ud": "FlowUndefined", "hlt": "FlowHalt",
		"xbegin": "FlowXbegin", "xabort": "FlowXabort",
	}
	immTokens = map[string]string{
		"ib": "imm8", "iw": "imm16", "iz": "immZ", "iv": "immV", "enter": "immEnter", "ibib": "immPair",
		"moffs": "immMoffs", "j8": "immJ8", "jz": "immJZ", "jx": "immJX",
	}
	classTokens = map[string]string{
		"priv": "ClassPrivileged", "io": "ClassIO", "segload": "ClassSegLoad", "segstore": "ClassSegStore",
		"fsbase": "ClassFSBase", "swapgs": "ClassSwapGS", "popf": "ClassPopf", "pushf": "ClassPushf",
		"string": "ClassString", "vsib": "ClassVSIB", "x87": "ClassX87", "sse": "ClassSSE",
		"stack": "ClassStackImplicit", "trap": "ClassMustTrap", "cet": "ClassCET", "addronly": "ClassAddrOnly",
		"seg": "ClassImplicitSeg", "hint": "ClassHint", "state": "ClassState", "tsx": "ClassTSX", "amx": "ClassAMX",
		"time": "ClassTime", "lock": "ClassLockable", "stringaddr": "ClassStringAddr", "uintr": "ClassUINTR",
		"kl": "ClassKL", "flagdata": "ClassFlags0",
	}
	attrTokens = map[string]string{
		"modrm": "attrModRM", "kv": "attrKV", "nop90": "attrNop90", "shift": "attrShift", "idiom": "attrIdiom",
		"regmod": "attrRegMod", "sib": "attrSIB", "bcst": "attrBcast", "rnd": "attrRound", "unknown": "attrUnknown",
		"nov": "attrNoV", "elem2": "attrElem2",
	}
	sizeTokens  = map[string]string{"byte": "sizeB", "d64": "sizeD64", "f64": "sizeF64"}
	tupleTokens = map[string]string{
		"full": "tupleFull", "half": "tupleHalf", "quarter": "tupleQuarter", "eighth": "tupleEighth", "n1": "tuple1",
		"n2": "tuple2", "n4": "tuple4", "n8": "tuple8", "n16": "tuple16", "n32": "tuple32", "n64": "tuple64",
		"dup": "tupleDup",
	}
	regNames = strings.Fields("rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15")
)

// implied classes: the left one brings the right one.
var mustTrap = strings.Fields("priv io segload fsbase swapgs popf far syscall sysenter int hlt xbegin")

// tokens reads the rest of a row:
//
//	Ev:x Gb:r Bv:w Ov:r Av:w  operand (E = ModRM.rm, G = ModRM.reg, B = vvvv, O = opcode, A = accumulator),
//	                          width (b, w, v = operand size, y = 32 or 64), action (r, w, x = both, n = none)
//	r:rax,rcx w: k:           implicit registers read, maybe written, overwritten
//	f:cz F:oszapc             flags read, surely overwritten ("all" = every one)
//	ib iz j8 ...              immediate
func (r *row) tokens(ts []string) error {
	e := &r.entry
	e.class, e.attr = map[string]bool{}, map[string]bool{}
	if r.space >= 9 {
		e.attr["attrModRM"] = true
	}
	if r.masks[dimMod] != 3 || r.masks[dimReg] != 255 || r.masks[dimRM] != 255 {
		e.attr["attrModRM"] = true
	}
	switch {
	case r.space >= 17 && r.space < 24:
		e.class["ClassEVEX"] = true
	case r.space >= 9:
		e.class["ClassVEX"] = true
	}
	first := true
	for _, t := range ts {
		key, val, has := strings.Cut(t, ":")
		switch {
		case !has:
			if err := e.word(t); err != nil {
				return err
			}
		case key == "f":
			e.fr |= flags(val)
		case key == "F":
			e.fw |= flags(val)
		case key == "r" || key == "w" || key == "k":
			set, err := regs(val)
			if err != nil {
				return err
			}
			switch key {
			case "r":
				e.impR |= set
			case "w":
				e.impW |= set
			case "k":
				e.impK |= set
			}
		case len(key) == 2:
			if err := e.operand(key, val, first); err != nil {
				return err
			}
			first = false
		default:
			return fmt.Errorf("unknown token %q", t)
		}
	}
	for _, m := range mustTrap {
		if e.class[classTokens[m]] || e.flow != "" && e.flow == flowTokens[m] {
			e.class["ClassMustTrap"] = true
		}
	}
	return nil
}

func (e *entry) word(t string) error {
	if t == "nomodrm" {
		delete(e.attr, "attrModRM")
		return nil
	}
	if t == "noeffect" {
		return nil
	}
	n := 0
	set := func(m map[string]string, p *string) {
		if v, ok := m[t]; ok {
			*p = v
			n++
		}
	}
	set(flowTokens, &e.flow)
	set(immTokens, &e.imm)
	set(sizeTokens, &e.size)
	set(tupleTokens, &e.tuple)
	if v, ok := classTokens[t]; ok {
		e.class[v] = true
		n++
	}
	if v, ok := attrTokens[t]; ok {
		e.attr[v] = true
		n++
	}
	if n == 0 {
		return fmt.Errorf("unknown token %q", t)
	}
	return nil
}

func (e *entry) operand(key, act string, first bool) error {
	width := map[byte]string{'b': "widthB", 'w': "widthW", 'v': "widthV", 'y': "widthF"}[key[1]]
	action := map[string]string{"r": "actR", "w": "actW", "x": "actRW", "n": ""}
	a, ok := action[act]
	if width == "" || !ok {
		return fmt.Errorf("bad operand %s:%s", key, act)
	}
	if first && key[1] == 'b' && e.size == "" {
		e.size = "sizeB"
	}
	expr := ""
	if a != "" {
		expr = width + "|" + a
	}
	switch key[0] {
	case 'E':
		e.rm = expr
		e.attr["attrModRM"] = true
	case 'G':
		e.reg = expr
		e.attr["attrModRM"] = true
	case 'B':
		e.vv = expr
	case 'O':
		e.op = expr
	case 'A': // the accumulator: rax is implicit; partial writes overwrite nothing
		if act == "r" || act == "x" {
			e.impR |= 1
		}
		if act == "w" || act == "x" {
			switch key[1] {
			case 'v':
				e.impK |= 1
				e.attr["attrKV"] = true
			case 'y':
				e.impK |= 1
			default:
				e.impW |= 1
			}
		}
	default:
		return fmt.Errorf("bad operand %s", key)
	}
	return nil
}

func flags(s string) (m uint8) {
	if s == "all" {
		return 0x7f
	}
	for i := range s {
		m |= 1 << strings.IndexByte("cpazsdo", s[i])
	}
	return
}

func regs(s string) (m uint16, err error) {
next:
	for _, n := range strings.Split(s, ",") {
		for i, r := range regNames {
			if r == n {
				m |= 1 << i
				continue next
			}
		}
		return 0, fmt.Errorf("unknown register %q", n)
	}
	return m, nil
}
