//go:build amd64

package host_test

import (
	"testing"
	"time"

	"cabitrans/runtime/host"
)

// TestBegin: what Begin returns without waiting is the identifier of the Thread that is made.
func TestBegin(t *testing.T) {
	if err := host.Go(func() {}); err != nil {
		t.Fatal(err)
	}
	type made struct {
		id      uint32
		current bool
	}
	c := make(chan made, 1)
	begin := func() uint32 {
		return host.Begin(func(ht *host.Thread) {
			c <- made{ht.ID(), ht.Current()}
			ht.Close()
		})
	}
	id := begin()
	for until := time.Now().Add(time.Minute); id == 0; id = begin() { // no worker waits yet
		if time.Now().After(until) {
			t.Fatal("a worker that has nothing to do does not wait for more")
		}
		time.Sleep(time.Millisecond)
	}
	if m := <-c; m.id != id || !m.current {
		t.Errorf("Begin said %d; %+v", id, m)
	}
}
