package runtime

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"

	"cabitrans/runtime/host"
)

// A jitdump is the functions of the program by the host addresses of their translations, with
// the translations' bytes, in the form of the Linux kernel's
// tools/perf/Documentation/jitdump-specification.txt. perf notices the file because the
// process maps it executable; perf inject takes functions from it, each from its time on.
// They get the time of the start, all of them.
type jitdump struct {
	file  *os.File
	start uint64 // ns of the host's monotonic clock, to which perf record -k 1 sets samples
}

// Numbers of the format.
const (
	jitMagic      = 0x4a695444 // "JiTD" by its first byte
	jitVersion    = 1
	jitHeaderSize = 40
	jitCodeLoad   = 0 // kinds of records
	jitCodeClose  = 3
	elfAMD64      = 62
)

// setJITDump makes perf notice the file.
func (p *Process) setJITDump(f *os.File) error {
	if f == nil {
		return nil
	}
	if err := host.MapForPerf(int(f.Fd())); err != nil {
		return fmt.Errorf("the jitdump cannot be mapped: %w", err)
	}
	p.jitdump = &jitdump{file: f, start: uint64(host.Monotonic())}
	return nil
}

// writeJITDump writes the file, if one was asked for.
func (p *Process) writeJITDump() error {
	if p.jitdump == nil || p.engine == nil {
		return nil
	}
	le, pid, index := binary.LittleEndian, uint32(os.Getpid()), uint64(0)
	w := bufio.NewWriter(p.jitdump.file)
	record := func(kind uint32, body []byte) {
		b := le.AppendUint32(nil, kind)
		b = le.AppendUint32(b, uint32(16+len(body)))
		b = le.AppendUint64(b, p.jitdump.start)
		_, _ = w.Write(append(b, body...)) // Flush has the error
	}
	head := le.AppendUint32(nil, jitMagic)
	for _, v := range []uint32{jitVersion, jitHeaderSize, elfAMD64, 0, pid} {
		head = le.AppendUint32(head, v)
	}
	head = le.AppendUint64(head, p.jitdump.start)
	_, _ = w.Write(le.AppendUint64(head, 0))
	p.translated(func(lo, hi uint64, name string) {
		code := make([]byte, hi-lo)
		if n, err := host.CopyIn(code, lo); err != nil {
			code = code[:n]
		}
		b := le.AppendUint32(le.AppendUint32(nil, pid), pid)
		for _, v := range []uint64{lo, lo, uint64(len(code)), index} {
			b = le.AppendUint64(b, v)
		}
		b = append(append(b, name...), 0)
		record(jitCodeLoad, append(b, code...))
		index++
	})
	record(jitCodeClose, nil)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("the jitdump cannot be written: %w", err)
	}
	return nil
}

// JITDumpErr waits until the process has ended, and says whether the jitdump could be
// written.
func (p *Process) JITDumpErr() error {
	<-p.ended
	return p.jitdumpErr
}
