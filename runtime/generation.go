package runtime

import (
	"bytes"
	"io"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/loader"
)

// Programs built between 2016-04 and 2017-08 call through the vDSO, but what they
// ask and expect is 2016-08: also the calls that are gone since. The C library of the
// first months falls back on the raw instruction where the vDSO lacks a function;
// later ones get ENOSYS. To find functions, it has the names of all calls in its
// data, one after another, each ended by a zero byte, and those tell the two times
// apart. What depends on it: the functions of the vDSO, and what fd_stat_get and the
// like show.

// nameOf2016 is in no program built since sock_accept was dropped (2017-08-29).
var nameOf2016 = []byte("\x00sock_accept\x00")

// of2016 tells whether an executable's C library knows the calls of 2016 by name.
// One that cannot be read does not.
func of2016(exe io.ReaderAt, image *loader.Image) bool {
	buf := make([]byte, 32<<10)
	for _, s := range image.Segments {
		if s.Prot&abi.ProtWrite != 0 {
			continue // the names are constants
		}
		keep := 0 // bytes of the last piece, in which the name may begin
		for off := uint64(0); off < s.Filesz; {
			n := min(uint64(len(buf)-keep), s.Filesz-off)
			if got, err := exe.ReadAt(buf[keep:uint64(keep)+n], int64(s.Off+off)); uint64(got) < n && err != nil {
				return false // loading it will say what is wrong
			}
			have := buf[:uint64(keep)+n]
			if bytes.Contains(have, nameOf2016) {
				return true
			}
			off += n
			keep = copy(buf, have[max(0, len(have)-len(nameOf2016)+1):])
		}
	}
	return false
}
