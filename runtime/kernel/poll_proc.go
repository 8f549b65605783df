package kernel

import (
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// terminated completes the event of a process descriptor that is readable. A
// process that is gone without a word was killed.
func (o *object) terminated(ev *abi.Event) {
	end, killed, _ := host.PeekEnd(o.fd)
	if killed {
		end = host.End{Signal: uint8(abi.SIGKILL)}
	}
	ev.Signal, ev.Exitcode = abi.Signal(end.Signal), abi.Exitcode(end.Code)
}
