package codelog

import (
	"fmt"
	"strings"

	"cabitrans/decode"
	"cabitrans/runtime/engine"
)

// A block is a basic block of a run: instructions [first, last).
type block struct {
	run         *engine.Run
	first, last int
}

func (b block) lo() uint64 { return b.run.Insts[b.first].PC }
func (b block) hi() uint64 { return b.run.Insts[b.last-1].End() }

// blocks splits the runs of a region where control may leave them, and where branches of the region enter.
func blocks(t *engine.Translation) (out []block) {
	entered := map[uint64]bool{t.Entry: true}
	for i := range t.Refs {
		entered[t.Refs[i].Target] = true
	}
	for i := range t.Runs {
		r := &t.Runs[i]
		first := 0
		for k := range r.Insts {
			if end := k + 1; end == len(r.Insts) || r.Insts[k].Flow != decode.FlowNext || entered[r.Insts[end].PC] {
				out = append(out, block{r, first, end})
				first = end
			}
		}
	}
	return out
}

// ending says why a block ends.
func (l *Log) ending(b block) string {
	in := &b.run.Insts[b.last-1]
	next := l.address(in.End())
	switch in.Flow {
	case decode.FlowNext, decode.FlowXabort:
		switch {
		case b.last < len(b.run.Insts) || b.run.End == engine.EndsJoin:
			return "falls through to " + next
		case b.run.End == engine.EndsTrap:
			return "comes to " + next + ", which is no instruction"
		case b.run.End == engine.EndsFetch:
			return "comes to " + next + ", where there is no code"
		}
		return "ends"
	case decode.FlowCond, decode.FlowLoop, decode.FlowXbegin:
		return fmt.Sprintf("ends with %s to %s, else goes to %s", l.mnemonic(b, in), l.address(in.Target), next)
	case decode.FlowJump:
		return "ends with jmp to " + l.address(in.Target)
	case decode.FlowCall:
		return fmt.Sprintf("ends with call of %s, and goes on at %s", l.address(in.Target), next)
	case decode.FlowCallInd:
		return "ends with an indirect call, and goes on at " + next
	case decode.FlowJumpInd:
		return "ends with an indirect jump"
	case decode.FlowSyscall:
		return "ends with a system call, and goes on at " + next
	}
	return "ends with " + l.mnemonic(b, in)
}

// mnemonic is the name of an instruction.
func (l *Log) mnemonic(b block, in *decode.Inst) string {
	name, _, _ := strings.Cut(in.Text(b.code(in), nil), " ")
	return name
}

// code is the bytes of an instruction of the block.
func (b block) code(in *decode.Inst) []byte { return b.run.Code[in.PC-b.run.PC:][:in.Len] }
