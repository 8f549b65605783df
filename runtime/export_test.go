package runtime

import "cabitrans/rewrite"

// AnyTLS lets Start take the strategies of all systems that the host can imitate, until the returned
// function is called: on Linux a thread can have a block that looks like theirs.
func AnyTLS() (end func()) {
	before := tlsHost
	if before().OS != "linux" {
		return func() {}
	}
	tlsHost = func() rewrite.Host { return rewrite.Host{OS: rewrite.AnyOS, FSGSBase: before().FSGSBase} }
	return func() { tlsHost = before }
}
