package decode

// Block decodes the basic block at the start of code, guest address pc: up to and including the first instruction
// after which control may go elsewhere, at most max instructions. The instructions are appended to out, whose capacity
// is reused; nothing is allocated while it suffices. When an instruction cannot be decoded Block returns those before
// it and, if there are none, the error of Decode; otherwise the error is nil and the next call, at the end of the last
// one, meets it.
func Block(code []byte, pc uint64, max int, out []Inst) ([]Inst, error) {
	for n := 0; n < max; n++ {
		out = append(out, Inst{})
		in := &out[len(out)-1]
		if err := in.Decode(code, pc); err != nil {
			out = out[:len(out)-1]
			if n == 0 {
				return out, err
			}
			return out, nil
		}
		if in.EndsBlock() {
			break
		}
		code = code[in.Len:]
		pc += uint64(in.Len)
	}
	return out, nil
}

// Fault reports whether err means that the CPU would raise #UD at the instruction, as opposed to code that cannot be
// fetched (ErrTruncated) or is refused for its length (ErrTooLong) or address (ErrAddress), both #GP.
func Fault(err error) bool { return err == ErrInvalid || err == ErrUnknown }
