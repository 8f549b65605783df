//go:build windows && amd64

package host

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// What is read from a pipe or device comes by way of memory of ours. The system would take
// it from the pipe and then find that the guest's page has been write-protected meanwhile,
// as pages are whose code is translated. What cannot be stored in the guest waits (unread)
// for the next read, which is the same call's once it has the page writable again.

// streamChunk is how many bytes are read at once.
const streamChunk = 64 << 10

// readStream reads as much as comes at once from a pipe or device. The end is 0.
func (t *Thread) readStream(f *file, v []Iovec) (n int, e syscall.Errno) {
	want := total(v)
	if want == 0 {
		return 0, 0
	}
	if n, e := f.storeUnread(v); n > 0 || e != 0 {
		return n, e
	}
	if f.kind == KindPipe && f.status()&FlagNonblock != 0 {
		switch ready, err := peekPipe(f.h); {
		case err == windows.ERROR_BROKEN_PIPE:
			return 0, 0
		case err == nil && ready == 0:
			return 0, syscall.EAGAIN
		}
	}
	if t.io.chunk == nil {
		t.io.chunk = make([]byte, streamChunk)
	}
	b := t.io.chunk[:min(want, streamChunk)]
	if e := t.begin(); e != 0 {
		return 0, e
	}
	done, err := t.transferOnce(procReadFile, f, uint64(uintptr(unsafe.Pointer(&b[0]))), uint32(len(b)), new(windows.Overlapped))
	runtime.KeepAlive(b)
	t.end()
	switch {
	case err == windows.ERROR_BROKEN_PIPE, err == windows.ERROR_HANDLE_EOF:
		return int(done), 0
	case err != nil && done == 0:
		return 0, errnoIn(err)
	}
	return f.store(v, b[:done])
}

// store stores what was read, or keeps it.
func (f *file) store(v []Iovec, b []byte) (n int, e syscall.Errno) {
	for _, part := range v {
		k, err := CopyOut(part.Addr, b[:min(uint64(len(b)), part.Len)])
		n, b = n+k, b[k:]
		if err != nil {
			f.mu.Lock()
			f.unread = append(append([]byte(nil), b...), f.unread...)
			f.mu.Unlock()
			if n > 0 {
				return n, 0
			}
			return 0, syscall.EFAULT
		}
	}
	return n, 0
}

// storeUnread stores what an earlier read could not; 0 if there is nothing.
func (f *file) storeUnread(v []Iovec) (int, syscall.Errno) {
	f.mu.Lock()
	k := min(uint64(len(f.unread)), total(v))
	b := f.unread[:k]
	f.unread = f.unread[k:]
	f.mu.Unlock()
	if k == 0 {
		return 0, 0
	}
	return f.store(v, b)
}

// unreadBytes is how much of it there is.
func (f *file) unreadBytes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.unread)
}
