//go:build amd64

package engine

import (
	"golang.org/x/sys/windows"

	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// Native runs on Windows: there is no %fs to give to native code, and %gs stays the system's.
// So the guest's %fs begins at a page of guest memory, whose address native code has in
// its displacements. No register or flag is then anything but the guest's, and the stubs are those
// of the translations.

// faultsDestroyStack says that the bytes below rsp are not what they were when a fault is seen:
// the system has written its record of the fault there.
const faultsDestroyStack = true

// defaultWays are those of the default strategy that TestOracleCalls goes through beside those of all:
// only those with a base that moves have operands in %fs.
func defaultWays() []way {
	teb := rewrite.TEB{}.On(TLSHost())
	return []way{
		{teb, rewrite.Options{KeepR11: true, Strict: true, MovingBase: true}},
		{teb, rewrite.Options{KeepR11: true, MovingBase: true}},
		{teb, rewrite.Options{}},
	}
}

// fsWays are those that TestOracleFS goes through: the base is never the thread's word.
func fsWays() (ways []way) {
	for _, tls := range strategies() {
		ways = append(ways, way{tls, rewrite.Options{MovingBase: !tls.FS().Follows()}}, way{tls, rewrite.Options{MovingGS: true}})
	}
	return ways
}

func (c *comparer) prepareNative() {
	c.native, c.fs = c.engine.stubs, c.fencedPages(1)
}

// natively is what runs of native code are in.
func (c *comparer) natively(_ *host.Thread, f func()) { f() }

// executable lets the CPU fetch the guest's text, or no more.
func (c *comparer) executable(on bool) {
	prot := uint32(windows.PAGE_READONLY)
	if on {
		prot = windows.PAGE_EXECUTE_READ
	}
	if err := windows.VirtualProtect(uintptr(c.code), callsText, prot, &prot); err != nil {
		c.Errorf("make guest text executable: %v", err)
	}
}
