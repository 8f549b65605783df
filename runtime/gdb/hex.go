package gdb

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// Numbers are hexadecimal without a prefix, most significant digit first; memory and
// registers are pairs of digits in the order of the bytes.

func appendHex(b, data []byte) []byte { return hex.AppendEncode(b, data) }

func hexString(s string) string { return hex.EncodeToString([]byte(s)) }

// parseHex reads a number of 1 to 16 digits.
func parseHex(s string) (uint64, bool) {
	if s == "" || s[0] == '+' || s[0] == '-' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 16, 64)
	return n, err == nil && !strings.ContainsRune(s, '_')
}

// parseBytes reads pairs of digits.
func parseBytes(s string) ([]byte, bool) {
	b, err := hex.DecodeString(s)
	return b, err == nil
}

// parseRange reads "addr,length".
func parseRange(s string) (addr, n uint64, ok bool) {
	a, l, found := strings.Cut(s, ",")
	addr, ok1 := parseHex(a)
	n, ok2 := parseHex(l)
	return addr, n, found && ok1 && ok2
}

// Threads that packets name besides single ones.
const (
	allThreads ThreadID = -1
	anyThread  ThreadID = 0
)

// parseThread reads a thread's number: -1 for all, 0 for any.
func parseThread(s string) (ThreadID, bool) {
	if s == "-1" {
		return allThreads, true
	}
	n, ok := parseHex(s)
	return ThreadID(n), ok && n < 1<<62
}

func (id ThreadID) String() string { return strconv.FormatInt(int64(id), 16) }
