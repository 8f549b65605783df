//go:build !(linux && amd64)

package host

import "sync"

// An event lets one goroutine wait for another.
type event struct {
	once sync.Once
	c    chan struct{}
}

func (e *event) init() { e.once.Do(func() { e.c = make(chan struct{}, 1) }) }

// wait returns when set has been called, once for each.
func (e *event) wait() {
	e.init()
	<-e.c
}

// set makes the current or the next wait return.
func (e *event) set() {
	e.init()
	select {
	case e.c <- struct{}{}:
	default:
	}
}
