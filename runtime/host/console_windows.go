//go:build amd64

package host

import (
	"sync"
	"syscall"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/sys/windows"
)

// A console talks UTF-16; programs read and write UTF-8.
type console struct {
	mu  sync.Mutex // not file.mu: a read may last, and others want the flags meanwhile
	in  []byte     // characters that were read, for the next reads
	eof bool       // a Ctrl-Z began the last line
	out []byte     // the beginning of a character whose end is still to be written
}

// consoleChunk is how many characters are read or written at once.
const consoleChunk = 8 << 10

// readConsole reads what was typed, a line at most. A line that begins with Ctrl-Z is
// the end of the file, once.
func (t *Thread) readConsole(f *file, v []Iovec) (n int, e syscall.Errno) {
	c := f.tty
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.in) == 0 {
		if f.status()&FlagNonblock != 0 {
			var events uint32
			if windows.GetNumberOfConsoleInputEvents(f.h, &events) == nil && events == 0 {
				return 0, syscall.EAGAIN
			}
		}
		if e := t.begin(); e != 0 {
			return 0, e
		}
		chars := make([]uint16, consoleChunk)
		var got uint32
		err := windows.ReadConsole(f.h, &chars[0], uint32(len(chars)), &got, nil)
		t.end()
		switch {
		case err == nil && got == 0 && t.Kicked():
			return 0, syscall.EINTR // a key that ends programs
		case err != nil:
			return 0, errnoIn(err)
		case got > 0 && chars[0] == 0x1a:
			return 0, 0
		}
		c.in = typed(chars[:got])
	}
	for _, b := range v {
		k := min(uint64(len(c.in)), b.Len)
		if _, err := CopyOut(b.Addr, c.in[:k]); err != nil {
			return n, syscall.EFAULT
		}
		n, c.in = n+int(k), c.in[k:]
	}
	return n, 0
}

// typed converts to UTF-8, and the ends of lines to those of programs.
func typed(chars []uint16) []byte {
	var b []byte
	for _, r := range utf16.Decode(chars) {
		if r == '\n' && len(b) > 0 && b[len(b)-1] == '\r' {
			b = b[:len(b)-1]
		}
		b = utf8.AppendRune(b, r)
	}
	return b
}

// writeConsole writes whole characters; of one whose bytes come in several writes, when
// its last has come.
func (t *Thread) writeConsole(f *file, v []Iovec) (n int, e syscall.Errno) {
	f.tty.mu.Lock()
	defer f.tty.mu.Unlock()
	for _, b := range v {
		for b.Len > 0 {
			part := make([]byte, min(b.Len, consoleChunk))
			if _, err := CopyIn(part, b.Addr); err != nil {
				if n > 0 {
					return n, 0
				}
				return 0, syscall.EFAULT
			}
			if err := f.tty.show(f.h, part); err != nil {
				return n, errnoIn(err)
			}
			n += len(part)
			b.Addr, b.Len = b.Addr+uint64(len(part)), b.Len-uint64(len(part))
		}
	}
	return n, 0
}

func (c *console) show(h windows.Handle, text []byte) error {
	text = append(c.out, text...)
	whole := len(text)
	for i := 1; i < utf8.UTFMax && i <= len(text); i++ {
		if r := text[len(text)-i]; utf8.RuneStart(r) {
			if !utf8.FullRune(text[len(text)-i:]) {
				whole = len(text) - i
			}
			break
		}
	}
	chars := utf16.Encode([]rune(string(text[:whole])))
	c.out = append([]byte(nil), text[whole:]...)
	for len(chars) > 0 {
		var done uint32
		if err := windows.WriteConsole(h, &chars[0], uint32(min(len(chars), consoleChunk)), &done, nil); err != nil {
			return err
		}
		chars = chars[done:]
	}
	return nil
}
