package listing

import (
	"fmt"

	"cabitrans/decode"
)

// Code is one instruction, of the guest or of the host.
type Code struct {
	Addr  uint64
	Bytes []byte
	Text  string

	// Sense is the same for instructions that do the same at different places.
	Sense string
}

// A Line is a guest instruction with its translation.
type Line struct {
	Guest Code   // without bytes if the translation is of no instruction; Text then says what it is
	Host  []Code // empty if the instruction needs none
	Mark  byte   // ' ' copied as it is, '*' rewritten, '!' an exit to the runtime, which emulates it or lets it fault
}

// Names say what addresses are called.
type Names struct {
	// Place names a guest address, as in "main+0x12"; empty if nothing is known of it.
	Place func(addr uint64) string
	// Label is what an address that has no place is written as; nil for hexadecimal digits.
	Label func(addr uint64) string
	// Host names where branches of translated code lead.
	Host map[uint64]string
}

// label is a name for a guest address, whatever is known of it.
func (n *Names) label(addr uint64) string {
	if s := n.Place(addr); s != "" {
		return s
	}
	if n.Label != nil {
		return n.Label(addr)
	}
	return fmt.Sprintf("%#x", addr)
}

// Guest is a guest instruction's text, with the names of addresses in it.
func (n *Names) Guest(in *decode.Inst, code []byte) string {
	text := in.Text(code, nil)
	if relative(in) {
		if s := n.Place(in.Target); s != "" {
			text += " <" + s + ">"
		}
	} else if addr, ok := in.Addr(); ok && in.RIPRel() {
		text += " <" + n.label(addr) + ">"
	}
	return text
}

// HostCode takes translated code apart, which lies at pc.
func (n *Names) HostCode(code []byte, pc uint64) (out []Code) {
	for len(code) > 0 {
		var in decode.Inst
		if err := in.Decode(code, pc); err != nil {
			panic(fmt.Sprintf("listing: the translator's code does not decode: %v: % x", err, code)) // a broken invariant
		}
		c := Code{Addr: in.PC, Bytes: code[:in.Len:in.Len], Text: in.Text(code, nil)}
		c.Sense = c.Text
		if relative(&in) {
			to := fmt.Sprintf("+%#x", in.Target-in.PC) // inside of the translation
			if name, ok := n.Host[in.Target]; ok {
				c.Text += " <" + name + ">"
				to = name
			}
			c.Sense = fmt.Sprintf("%x %s", code[:in.ImmOff], to)
		} else if addr, ok := in.Addr(); ok && in.RIPRel() {
			c.Text += " <" + n.label(addr) + ">"
			c.Sense = fmt.Sprintf("%x %#x %x", code[:in.DispOff], addr, code[in.DispOff+4:in.Len])
		}
		out = append(out, c)
		code, pc = code[in.Len:], in.End()
	}
	return out
}

func relative(in *decode.Inst) bool {
	switch in.Flow {
	case decode.FlowJump, decode.FlowCond, decode.FlowLoop, decode.FlowCall, decode.FlowXbegin:
		return true
	}
	return false
}
