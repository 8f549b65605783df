package engine

import (
	"runtime"

	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// TLSHost is what strategies are told about this host.
func TLSHost() rewrite.Host {
	return rewrite.Host{OS: runtime.GOOS, FSGSBase: host.HasFSGSBase(), Slots: host.TLSSlots(rewrite.SlotCount)}
}
