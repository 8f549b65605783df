package host

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A process descriptor of the guest is one end of a pair, the holder's; the
// child, the host process that continues a forked guest, has the other: of a socket pair
// on Linux, of handles on Windows (process_windows.go). All that the ABI promises follows
// from that:
//
//   - The child's end becomes readable for the holder, for every duplicate of it
//     in whatever process, when the child has left its End there, or is gone.
//   - When the last duplicate of the holder's end is closed, by whoever has it and
//     however it ends, the host kernel kills the child (KillOnHangup).
//
// Nothing else ties the two together: neither needs to be the other's parent.

// ContinueEnv is the environment variable that tells a program started by
// StartSelf that it is to continue a forked guest.
const ContinueEnv = "CABITRANS_CONTINUE"

// An End is how a guest process ended: by itself with Code, or by Signal, a
// number of the ABI, when that is not 0.
type End struct {
	Code   uint32
	Signal uint8
}

// endSize is the length in bytes of an End as it travels. No other message
// has this length.
const endSize = 9

func (s End) encode() []byte {
	b := binary.LittleEndian.AppendUint32([]byte("end:"), s.Code)
	return append(b, s.Signal)
}

func decodeEnd(b []byte) (s End, ok bool) {
	if len(b) != endSize || string(b[:4]) != "end:" {
		return s, false
	}
	return End{binary.LittleEndian.Uint32(b[4:]), b[8]}, true
}

// A child that has begun to run says ready; one that cannot says why not.
const ready = "ready"

// SendReady tells the holder that the guest runs, or with err why it does not.
func SendReady(fd int, err error) error {
	msg := ready
	if err != nil {
		msg = err.Error()
	}
	return SendMessage(fd, []byte(msg)[:min(len(msg), maxMessage)], nil)
}

// ReceiveReady receives what SendReady sent, as an error that is nil when the guest
// runs.
func ReceiveReady(fd int) error {
	msg, _, err := ReceiveMessage(fd)
	switch {
	case err != nil:
		return fmt.Errorf("the forked process is gone before it has begun: %w", err)
	case string(msg) != ready:
		return errors.New(string(msg))
	}
	return nil
}

// maxMessage bounds one message between the two ends, in bytes; maxMessageFDs the
// descriptors that go with it (SCM_MAX_FD of Linux is 253).
const (
	maxMessage    = 4096
	maxMessageFDs = 240
)
