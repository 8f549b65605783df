package runtime

import (
	"cabitrans/rewrite"
	"cabitrans/runtime/engine"
)

// ErrTLS is wrapped by Start when Config.TLS names a strategy that does not exist or
// cannot run on this host. The message says which can.
var ErrTLS = rewrite.ErrTLS

// tlsHost is what strategies are told about this host.
var tlsHost = engine.TLSHost

// TLSStrategies returns the names that Config.TLS may have on this host, the default
// first.
func TLSStrategies() []string { return rewrite.TLSNames(tlsHost()) }
