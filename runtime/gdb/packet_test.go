package gdb

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// TestAppendPacket: escapes, runs and checksums, as the gdb manual (E.1) has them.
func TestAppendPacket(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{"", "$#00"},
		{"OK", "$OK#9a"},
		{"a#b$c}d*e", "$a}\x03b}\x04c}]d}\ne#51"},
		{"0000", "$0* #7a"}, // 3 more: the manual's own example
		{"000", "$000#90"},  // not worth it
		{"xxxxxxx", "$x*\"x#3c"},
		{"xxxxxxxx", "$x*\"xx#b4"},           // # and $ count no run
		{strings.Repeat("y", 98), "$y*~#21"}, // the longest
	} {
		got := string(appendPacket(nil, []byte(c.body)))
		if got != c.want {
			t.Errorf("%q is sent as %q, want %q", c.body, got, c.want)
		}
		body, _, err := readPacket(bufio.NewReader(strings.NewReader(got)))
		if err != nil || string(body) != c.body {
			t.Errorf("%q comes back as %q, %v", got, body, err)
		}
	}
}

// TestReadPacket: what comes in, good and bad.
func TestReadPacket(t *testing.T) {
	for _, c := range []struct {
		in, body string
		single   byte
		err      error
	}{
		{"$g#67", "g", 0, nil},
		{"noise$g#67", "g", 0, nil},
		{"+", "", '+', nil},
		{"-", "", '-', nil},
		{"\x03", "", 3, nil},
		{"$lost$g#67", "g", 0, nil},
		{"$a}\x03b#43", "a#b", 0, nil},
		{"$0* #7a", "0000", 0, nil},
		{"$g#68", "", 0, errChecksum},
		{"$g#zz", "", 0, errChecksum},
		{"$* #4a", "", 0, errRun},
		{"$x*#a2", "", 0, errRun},
		{"$g#6", "", 0, io.ErrUnexpectedEOF},
		{"$g", "", 0, io.EOF},
		{"$" + strings.Repeat("x", maxPacket+1) + "#78", "", 0, errTooLong},
		{"$" + strings.Repeat("x*~", maxPacket/90) + "#00", "", 0, errChecksum},
	} {
		body, single, err := readPacket(bufio.NewReader(strings.NewReader(c.in)))
		if string(body) != c.body || single != c.single || !errors.Is(err, c.err) {
			t.Errorf("%.20q is read as %q, %q, %v", c.in, body, single, err)
		}
	}
}

// FuzzPacket: whatever comes, reading ends, and what was read survives being sent.
func FuzzPacket(f *testing.F) {
	for _, s := range []string{"$g#67", "+$0* #7a", "$a}\x03b#c9", "\x03$", "$x*~*~*~#00", "$}#7d"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bufio.NewReader(bytes.NewReader(in))
		for range len(in) + 1 {
			body, single, err := readPacket(r)
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return
			}
			if err != nil || single != 0 {
				continue
			}
			sent := appendPacket(nil, body)
			back, _, err := readPacket(bufio.NewReader(bytes.NewReader(sent)))
			if err != nil || !bytes.Equal(back, body) {
				t.Fatalf("%q was sent as %q and read as %q, %v", body, sent, back, err)
			}
		}
		t.Fatal("reading does not end")
	})
}

func TestHex(t *testing.T) {
	for _, s := range []string{"", "-1", "+1", "1_0", "0x1", "g", "11111111111111111"} {
		if n, ok := parseHex(s); ok {
			t.Errorf("%q is read as %#x", s, n)
		}
	}
	if n, ok := parseHex("fFffffffffffffff"); !ok || n != 1<<64-1 {
		t.Errorf("%#x, %v", n, ok)
	}
	for s, want := range map[string]ThreadID{"-1": allThreads, "0": anyThread, "1f": 31} {
		if id, ok := parseThread(s); !ok || id != want {
			t.Errorf("thread %q is %v, %v", s, id, ok)
		}
	}
	if _, ok := parseThread("-2"); ok {
		t.Error("there is a thread -2")
	}
}
