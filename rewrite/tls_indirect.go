package rewrite

import (
	"errors"

	"cabitrans/codegen"
)

// Indirect asks least of a host: some words of a thread's own that code reaches
// without a register. The thread block and the guest's %fs word may be anywhere: one
// of the words holds the address of the former, another the guest's base, and every
// access in %fs loads that first. A guest may move its base at any time: no
// translation depends on it.
type Indirect struct {
	// Over names the words: it is the strategy whose cells they are; nil for a page
	// below the guest's word, where the host lets user space choose its %gs base.
	Over TLS
}

// The page's first word stays free: 0 is no cell.
var pageCells = consecutive(8)

const pageSize = 4096

func (Indirect) Name() string { return "indirect" }

// Check refuses hosts where nobody names the words.
func (i Indirect) Check(h Host) error {
	if i.Over != nil {
		return i.Over.Check(h)
	}
	if !h.is("linux", "freebsd") {
		return errors.New("needs a host that lets user space choose its %gs base")
	}
	return nil
}

// FS says that no segment has the guest's %fs.
func (Indirect) FS() FS { return FS{} }

func (i Indirect) Cells(block codegen.Cells) codegen.Cells {
	if i.Over != nil {
		return i.Over.Cells(block)
	}
	return pageCells.cells()
}

// On has the words that the strategy has whose cells they are.
func (i Indirect) On(h Host) TLS {
	if i.Over != nil {
		i.Over = i.Over.On(h)
	}
	return i
}

func (Indirect) Switch() codegen.Switch { return codegen.SwitchNone }

func (i Indirect) GSBase() int32 {
	if i.Over != nil {
		return i.Over.GSBase()
	}
	return -pageSize
}
