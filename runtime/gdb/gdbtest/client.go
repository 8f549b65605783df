// Package gdbtest is a debugger for tests: it speaks gdb's remote protocol, with code of
// its own for the packets, and knows as much of it as tests want to say.
package gdbtest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"
)

// limit is how long an answer may take: on a busy machine, under the race detector.
const limit = time.Minute

// A Client is a connection to a server. Its methods fail the test when the server does
// not answer; they run on the test's goroutine.
type Client struct {
	t    testing.TB
	conn net.Conn
	r    *bufio.Reader
	acks bool
}

// Dial connects, and agrees on what is said without acknowledgements.
func Dial(t testing.TB, addr net.Addr) *Client {
	t.Helper()
	conn, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	c := &Client{t: t, conn: conn, r: bufio.NewReader(conn), acks: true}
	c.agree()
	return c
}

// TryDial is Dial for a server that may turn the client away; nil if it has.
func TryDial(t testing.TB, addr net.Addr) *Client {
	t.Helper()
	conn, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(limit))
	_, _ = conn.Write([]byte(Packet("!"))) // of which nothing is expected but an answer
	c := &Client{t: t, conn: conn, r: bufio.NewReader(conn), acks: true}
	if _, err := c.receive(); err != nil {
		_ = conn.Close()
		return nil
	}
	t.Cleanup(func() { _ = conn.Close() })
	c.agree()
	return c
}

// agree says what the client knows, and that nothing is acknowledged from now on.
func (c *Client) agree() {
	c.t.Helper()
	c.Do("qSupported:swbreak+;hwbreak+;exec-events+;no-resumed+")
	c.Want("QStartNoAckMode", "OK")
	c.acks = false
}

// Close vanishes, without a word.
func (c *Client) Close() { _ = c.conn.Close() }

// Write sends bytes as they are.
func (c *Client) Write(s string) {
	c.t.Helper()
	_ = c.conn.SetDeadline(time.Now().Add(limit))
	if _, err := c.conn.Write([]byte(s)); err != nil {
		c.t.Fatalf("cannot send %q: %v", s, err)
	}
}

// Send sends a packet.
func (c *Client) Send(body string) {
	c.t.Helper()
	c.Write(Packet(body))
}

// Packet is body as a packet, escaped where that is needed.
func Packet(body string) string {
	var b strings.Builder
	for i := range len(body) {
		if strings.IndexByte("$#}*", body[i]) >= 0 {
			b.WriteByte('}')
			b.WriteByte(body[i] ^ 0x20)
		} else {
			b.WriteByte(body[i])
		}
	}
	sum := byte(0)
	for i := range b.Len() {
		sum += b.String()[i]
	}
	return fmt.Sprintf("$%s#%02x", b.String(), sum)
}

// Receive returns the body of the next packet.
func (c *Client) Receive() string {
	c.t.Helper()
	body, err := c.receive()
	if err != nil {
		c.t.Fatalf("no packet comes: %v", err)
	}
	return body
}

func (c *Client) receive() (string, error) {
	_ = c.conn.SetDeadline(time.Now().Add(limit))
	if _, err := c.r.ReadString('$'); err != nil {
		return "", err
	}
	raw, err := c.r.ReadBytes('#')
	if err != nil {
		return "", err
	}
	var sum [2]byte
	for i := range sum {
		if sum[i], err = c.r.ReadByte(); err != nil {
			return "", err
		}
	}
	raw = raw[:len(raw)-1]
	have := byte(0)
	for _, b := range raw {
		have += b
	}
	if fmt.Sprintf("%02x", have) != string(sum[:]) {
		return "", fmt.Errorf("%q has the checksum %s, not %02x", raw, sum, have)
	}
	if c.acks {
		c.Write("+")
	}
	return decode(raw), nil
}

// decode undoes escapes and runs.
func decode(raw []byte) string {
	var b bytes.Buffer
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '}':
			i++
			b.WriteByte(raw[i] ^ 0x20)
		case '*':
			i++
			last := b.Bytes()[b.Len()-1]
			b.Write(bytes.Repeat([]byte{last}, int(raw[i])-29))
		default:
			b.WriteByte(raw[i])
		}
	}
	return b.String()
}

// Ended waits until the server has closed the connection.
func (c *Client) Ended() {
	c.t.Helper()
	if body, err := c.receive(); err == nil {
		c.t.Fatalf("instead of the end comes %q", body)
	}
}

// Do sends a packet and returns the answer.
func (c *Client) Do(body string) string {
	c.t.Helper()
	c.Send(body)
	return c.Receive()
}

// Want is Do for an answer that is known.
func (c *Client) Want(body, answer string) {
	c.t.Helper()
	if got := c.Do(body); got != answer {
		c.t.Fatalf("%s is answered %q, not %q", body, got, answer)
	}
}

// Match is Do for an answer that a regular expression describes; it returns what its
// groups have matched.
func (c *Client) Match(body, pattern string) []string {
	c.t.Helper()
	got := c.Do(body)
	m := regexp.MustCompile("^(?:" + pattern + ")$").FindStringSubmatch(got)
	if m == nil {
		c.t.Fatalf("%s is answered %q, which is not %s", body, got, pattern)
	}
	return m[1:]
}

// Threads lists the threads.
func (c *Client) Threads() []string {
	c.t.Helper()
	return strings.Split(c.Match("qfThreadInfo", "m(.+)")[0], ",")
}

// Register reads the register of that number in the target description.
func (c *Client) Register(n int) uint64 {
	c.t.Helper()
	b, err := hex.DecodeString(c.Do(fmt.Sprintf("p%x", n)))
	if err != nil {
		c.t.Fatalf("register %d: %v", n, err)
	}
	var w [8]byte
	copy(w[:], b)
	return binary.LittleEndian.Uint64(w[:])
}

// The numbers of registers.
const (
	RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP = 0, 1, 2, 3, 4, 5, 6, 7
	RIP, EFLAGS                            = 16, 17
	XMM0                                   = 40
	FSBase                                 = 58
)

// Memory reads n bytes.
func (c *Client) Memory(addr uint64, n int) []byte {
	c.t.Helper()
	b, err := hex.DecodeString(c.Do(fmt.Sprintf("m%x,%x", addr, n)))
	if err != nil || len(b) != n {
		c.t.Fatalf("%d bytes of memory at %#x: % x, %v", n, addr, b, err)
	}
	return b
}

// Word reads 8 bytes.
func (c *Client) Word(addr uint64) uint64 {
	c.t.Helper()
	return binary.LittleEndian.Uint64(c.Memory(addr, 8))
}

// A Stop is a stop reply.
type Stop struct {
	Kind   byte // of the packet: T, W, X, N
	Signal int  // or exit code
	Thread string
	Fields map[string]string // of a T packet, by name
}

// ParseStop reads a stop reply.
func ParseStop(t testing.TB, body string) (s Stop) {
	t.Helper()
	s.Fields = make(map[string]string)
	if len(body) > 0 {
		s.Kind = body[0]
	}
	if s.Kind == 'N' {
		return s
	}
	if _, err := fmt.Sscanf(body, string(s.Kind)+"%02x", &s.Signal); err != nil || strings.IndexByte("TWX", s.Kind) < 0 {
		t.Fatalf("%q is no stop", body)
	}
	if s.Kind == 'T' {
		for f := range strings.SplitSeq(strings.TrimSuffix(body[3:], ";"), ";") {
			name, value, _ := strings.Cut(f, ":")
			s.Fields[name] = value
		}
	}
	s.Thread = s.Fields["thread"]
	return s
}

// Resume sends a resuming packet and waits for the stop.
func (c *Client) Resume(body string) Stop {
	c.t.Helper()
	return ParseStop(c.t, c.Do(body))
}

// Interrupt sends the byte that asks for a stop, and waits for it.
func (c *Client) Interrupt() Stop {
	c.t.Helper()
	c.Write("\x03")
	return ParseStop(c.t, c.Receive())
}
