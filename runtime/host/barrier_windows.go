//go:build amd64

package host

// Barrier makes every running thread of the process pass a full memory barrier. It lets
// the entry stub publish State and read Kick with plain accesses.
func Barrier() error {
	_, _, _ = procFlushProcessWriteBuffers.Call() // it has no result
	return procFlushProcessWriteBuffers.Find()
}

var procFlushProcessWriteBuffers = kernel32.NewProc("FlushProcessWriteBuffers")
