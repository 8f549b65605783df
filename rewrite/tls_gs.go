package rewrite

import (
	"errors"

	"cabitrans/codegen"
)

// GS makes the %gs base the thread block, whose first word is the guest's %fs word:
// only the prefix changes. It needs a host that leaves %gs to user space.
type GS struct{}

func (GS) Name() string { return "gs" }

// Check refuses hosts that use %gs themselves.
func (GS) Check(h Host) error {
	if !h.is("linux", "freebsd") {
		return errors.New("needs a host that lets user space choose its %gs base")
	}
	return nil
}

func (GS) FS() FS                                  { return FS{Prefix: prefixGS} }
func (GS) Cells(block codegen.Cells) codegen.Cells { return block }
func (GS) Switch() codegen.Switch                  { return codegen.SwitchNone }
func (GS) GSBase() int32                           { return 0 }
func (s GS) On(Host) TLS                           { return s }
