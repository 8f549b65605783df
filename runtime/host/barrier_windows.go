//go:build amd64

package host

// Barrier makes every running thread of the process pass a full memory barrier. It lets
// the entry stub publish State and read Kick with plain accesses. Wine before version 10
// does nothing here; there the kick that came before is a barrier, since it has stopped
// the thread and seen its registers.
func Barrier() error {
	_, _, _ = procFlushProcessWriteBuffers.Call() // it has no result
	return procFlushProcessWriteBuffers.Find()
}

var procFlushProcessWriteBuffers = kernel32.NewProc("FlushProcessWriteBuffers")
