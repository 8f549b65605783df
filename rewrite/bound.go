package rewrite

import "cabitrans/decode"

// Bounds in bytes on what the methods emit in the hot buffer.
const (
	MaxJump       = 5 + 3   // Jump, padding included
	MaxEntry      = 2*9 + 5 // the entries that stand before a body
	maxCond       = 6 + 3
	maxCall       = 5 + 5 + 3 + 9 // with the landing behind it
	maxMovingLoad = 9 + 9 + 8
	maxRet        = 9 + 5 + 3 + 8 + 2 + 8 + 8 + 8 + 1
)

// Bound is a bound on the bytes that Inst appends to the hot buffer for in: a good one
// for what is common in compiled code, MaxEmit for the rest.
func (r *Rewriter) Bound(in *decode.Inst) uint32 {
	const copied = decode.ClassPopf | decode.ClassFSBase | decode.ClassPrivileged | decode.ClassIO | decode.ClassSwapGS |
		decode.ClassSegLoad | decode.ClassSegStore | decode.ClassMustTrap
	switch in.Flow {
	case decode.FlowNext:
		switch {
		case in.Class&copied != 0:
			return MaxEmit
		case r.based(in) && plainLoad(in):
			return maxMovingLoad
		case r.based(in):
			return MaxEmit
		case in.RIPRel():
			if target := int64(in.End()) + in.Disp; target != int64(int32(target)) {
				return MaxEmit
			}
			return uint32(in.Len) + 1
		}
		return uint32(in.Len)
	case decode.FlowCond:
		return maxCond
	case decode.FlowJump: // laid out apart
		return 0
	case decode.FlowCall:
		return maxCall
	case decode.FlowRet:
		if !r.Options.Strict {
			return maxRet
		}
	}
	return MaxEmit
}
