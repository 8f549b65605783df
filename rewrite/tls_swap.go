package rewrite

import (
	"errors"

	"cabitrans/codegen"
)

// Swap rewrites no operand: in the guest %fs is the guest's, and every way between
// guest and host exchanges it. That is what translation is measured against. Every
// signal handler of the process must then begin and end with an exchange of its own.
type Swap struct {
	How codegen.Switch // SwitchSyscall or SwitchFSGSBase
}

func (s Swap) Name() string {
	if s.How == codegen.SwitchFSGSBase {
		return "swap-wrfsbase"
	}
	return "swap-arch_prctl"
}

// Check refuses hosts without the way of exchanging.
func (s Swap) Check(h Host) error {
	if !h.is("linux") {
		return errors.New("needs Linux")
	}
	if s.How == codegen.SwitchFSGSBase && !h.FSGSBase {
		return errors.New("needs a CPU and a kernel that let user space use WRFSBASE (Linux 5.9 does)")
	}
	return nil
}

func (Swap) FS() FS                                  { return FS{Prefix: prefixFS} }
func (Swap) Cells(block codegen.Cells) codegen.Cells { return block }
func (s Swap) Switch() codegen.Switch                { return s.How }
func (Swap) GSBase() int32                           { return 0 }
func (s Swap) On(Host) TLS                           { return s }
