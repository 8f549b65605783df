//go:build linux || windows

package engine

import (
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"

	"cabitrans/decode"
	"cabitrans/runtime/host"
)

// reach says where the operand of in is in the oracle's starts; false if it may be
// in memory that is not the oracle's: what that holds is not the same in two runs.
func reach(in *decode.Inst, data uint64) (where string, ok bool) {
	lo, hi := in.Disp, in.Disp
	add := func(from, to int64) { lo, hi = lo+from, hi+to }
	switch in.Base {
	case decode.NoReg:
	case decode.RIP:
		add(int64(in.End()), int64(in.End()))
	case fsReg:
		add(0x200, 0x200)
	default:
		add(int64(data)+oracleData/2, int64(data)+oracleData/2+3*64)
	}
	if in.Index != decode.NoReg {
		add(-32*int64(in.Scale), 32*int64(in.Scale))
	}
	const size = 512 // of fxsave, which is the largest
	hi += size
	end := int64(data) + oracleData
	switch {
	case in.Seg == decode.SegFS:
		return "fs", lo >= 0 && hi <= host.PageSize
	case hi < 1<<16:
		return "null", lo > -1<<16 // wraps to where no process has memory
	}
	return "data", lo >= int64(data) && hi <= end
}

// TestSequenceOperands: what random instructions address is the oracle's own, however they
// do it. The instructions that once did not are first.
func TestSequenceOperands(t *testing.T) {
	const data = 0x7000_0000
	where := make(map[string]int)
	check := func(name string, in *decode.Inst, code []byte) {
		if !in.HasMem || in.Class&decode.ClassAddrOnly != 0 {
			return
		}
		w, ok := reach(in, data)
		if where[w]++; !ok {
			t.Errorf("%s: % x: %s reaches beyond", name, code[:in.Len], in.Text(code, nil))
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct{ name, code string }{
		{"r14, where %fs has an offset, without %fs", "498b86 00000070"},
		{"with an index", "4b8b842e 00f0ff6f"},
		{"%fs with an index alone", "64428b04ed 00000000"},
		{"with a wide vector", "62d17c481046 7f"},
		{"of a byte", "418a4680"},
	} {
		code, err := hex.DecodeString(strings.ReplaceAll(c.code, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		took := 0
		for range 1000 {
			s := &sequence{r: r, pc: 0x10_0000, data: data}
			b := append([]byte(nil), code...)
			var in decode.Inst
			if err := in.Decode(b, s.pc); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if s.address(&in, b) && in.Decode(b, s.pc) == nil {
				took++
				check(c.name, &in, b)
			}
		}
		if took == 0 {
			t.Errorf("%s: never", c.name)
		}
	}
	for range 2000 {
		s := &sequence{r: r, pc: 0x10_0000, data: data, native: 0x20_0000}
		s.generate()
		for i := range s.insts {
			in := &s.insts[i]
			check("a sequence", in, s.code[in.PC-s.pc:])
		}
	}
	t.Logf("operands: %v", where)
	if where["data"] < 1000 || where["fs"] < 100 || where["null"] < 10 {
		t.Errorf("operands: %v", where)
	}
}
