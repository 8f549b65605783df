//go:build amd64

package engine

import (
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"

	"cabitrans/runtime/host"
)

// needsBehindWord: what lies behind a thread's %fs word is the guest's here.
func needsBehindWord(*testing.T) {}

func hostTID() int { return unix.Gettid() }

var stressSignals = []unix.Signal{unix.SIGURG, unix.SIGPROF, unix.Signal(host.KickSignal)}

// disturb sends one of the signals that Go and kicks use. It fails for a thread that has
// ended.
func (th *stressThread) disturb(r *rand.Rand) {
	_ = unix.Tgkill(unix.Getpid(), th.tid, stressSignals[r.IntN(len(stressSignals))])
}
