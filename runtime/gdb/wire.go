package gdb

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// A wire is a connection, as packets. One goroutine reads, another one writes.
type wire struct {
	conn  net.Conn
	acks  atomic.Bool // every packet is acknowledged, in both directions
	last  []byte      // sent, to be sent again after '-'
	input chan input  // closed when the connection ends
	quit  chan struct{}
}

// An input is a packet, or a byte outside of packets ('-' or the interrupt).
type input struct {
	packet []byte
	single byte
}

// sendTimeout bounds the time that a debugger takes to read what it gets.
const sendTimeout = 10 * time.Second

func newWire(c net.Conn) *wire {
	w := &wire{conn: c, input: make(chan input), quit: make(chan struct{})}
	w.acks.Store(true)
	go w.read()
	return w
}

// close ends the connection.
func (w *wire) close() {
	close(w.quit)
	_ = w.conn.Close()
}

// read passes on what comes, and acknowledges it.
func (w *wire) read() {
	defer close(w.input)
	r := bufio.NewReader(w.conn)
	for {
		body, single, err := readPacket(r)
		if err == nil && single == 0 && w.acks.Load() && sentAgain(r, body) {
			continue
		}
		switch {
		case errors.Is(err, errChecksum), errors.Is(err, errTooLong), errors.Is(err, errRun):
			if !w.acks.Load() {
				return // there is no way to ask for it again
			}
			if w.write([]byte{'-'}) != nil {
				return
			}
			continue
		case err != nil:
			return
		case single == '+':
			continue
		case single == 0 && w.acks.Load() && w.write([]byte{'+'}) != nil:
			return
		}
		select {
		case w.input <- input{body, single}:
		case <-w.quit:
			return
		}
	}
}

// sentAgain reports whether a packet has come twice before it was acknowledged: gdb waits for that for two seconds, which a
// busy machine may not have. It must not be answered twice.
func sentAgain(r *bufio.Reader, body []byte) bool {
	rest, _ := r.Peek(r.Buffered())
	next, single, err := readPacket(bufio.NewReader(bytes.NewReader(rest)))
	return err == nil && single == 0 && bytes.Equal(next, body)
}

// send sends a packet. A connection that is lost is noticed when reading.
func (w *wire) send(body []byte) {
	w.last = appendPacket(w.last[:0], body)
	_ = w.write(w.last)
}

// again sends the last packet once more.
func (w *wire) again() { _ = w.write(w.last) }

func (w *wire) write(b []byte) error {
	_ = w.conn.SetWriteDeadline(time.Now().Add(sendTimeout))
	_, err := w.conn.Write(b)
	if err != nil && !errors.Is(err, io.ErrClosedPipe) {
		_ = w.conn.Close() // so that the reader learns of it
	}
	return err
}
