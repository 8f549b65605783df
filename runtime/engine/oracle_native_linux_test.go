//go:build amd64

package engine

import (
	"golang.org/x/sys/unix"

	"cabitrans/codegen"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// Native runs on Linux: %fs is the guest's.

// nativeTLS is the strategy of native runs.
var nativeTLS = rewrite.Swap{How: codegen.SwitchSyscall}

const nativeStubs = nativeBase - stubsSize

// faultsDestroyStack says that the bytes below rsp are not what they were when a fault is seen.
const faultsDestroyStack = false

// defaultWays are those of the default strategy that TestOracleCalls goes through beside those of all.
func defaultWays() []way {
	return []way{{rewrite.GS{}, rewrite.Options{KeepR11: true, Strict: true, MovingBase: true}}, {rewrite.GS{}, rewrite.Options{}}}
}

// fsWays are those that TestOracleFS goes through.
func fsWays() []way {
	ways := []way{{rewrite.GS{}, rewrite.Options{MovingBase: true}}}
	for _, tls := range strategies() {
		ways = append(ways, way{tls, rewrite.Options{}}, way{tls, rewrite.Options{MovingGS: true}})
	}
	return ways
}

// prepareNative makes the stubs.
func (c *comparer) prepareNative() {
	if err := c.engine.space.Execute(nativeStubs, host.CacheLo+host.CacheSize); err != nil {
		c.Fatal(err)
	}
	buf := codegen.NewBuffer(c.engine.space.Code()[nativeStubs-host.CacheLo:][:stubsSize], nativeStubs)
	s, err := codegen.MakeStubs(buf, stubLayout(nativeTLS))
	if err != nil {
		c.Fatal(err)
	}
	c.native = s
}

// become makes the calling thread one of another strategy, with other stubs.
func (c *comparer) become(ht *host.Thread, tls rewrite.TLS, s *codegen.Stubs) {
	for _, step := range []func() error{ht.Detach, func() error { return UseTLS(tls) }, ht.Attach} {
		if err := step(); err != nil {
			c.Error(err)
		}
	}
	setStubs(s)
}

// natively makes the thread one of native runs for as long as f takes.
func (c *comparer) natively(ht *host.Thread, f func()) {
	c.become(ht, nativeTLS, c.native)
	defer c.become(ht, c.engine.tls, c.engine.stubs)
	f()
}

// executable lets the CPU fetch the guest's text, or no more.
func (c *comparer) executable(on bool) {
	prot := uintptr(unix.PROT_READ)
	if on {
		prot |= unix.PROT_EXEC
	}
	if _, _, e := unix.Syscall(unix.SYS_MPROTECT, uintptr(c.code), callsText, prot); e != 0 {
		c.Errorf("make guest text executable: %v", e)
	}
}
