package kernel

import (
	"fmt"
	"testing"

	"cabitrans/runtime/abi"
)

// What a call on a path costs: the host's own calls are most of it.
func BenchmarkPaths(b *testing.B) {
	newFS(b, false, func(f *fs) {
		f.make("d/e/", "d/e/f", "l>d/e/f")
		for i := range 1000 {
			f.make(fmt.Sprintf("d/file%d", i))
		}
		st, buf, n := f.alloc(abi.FilestatSize), f.alloc(4096), f.alloc(8)
		open := f.alloc(abi.FdstatSize)
		path, link := f.bytes([]byte("d/e/f")), f.bytes([]byte("l"))
		dir, _ := f.openAt(0, 0, "d", 0, abi.Fdstat{RightsBase: abi.RightFileReaddir})
		run := func(name string, do func()) {
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					do()
				}
			})
		}
		run("stat", func() { f.expect(f.th, 0, abi.CallFileStatGet, 0, path, 5, st) })
		run("stat-link", func() { f.expect(f.th, 0, abi.CallFileStatGet, at(0, follow), link, 1, st) })
		run("open-close", func() {
			f.expect(f.th, 0, abi.CallFileOpen, 0, path, 5, 0, open, n)
			f.expect(f.th, 0, abi.CallFDClose, uint64(f.get32(n)))
		})
		run("readdir-1000", func() {
			for cookie := uint64(0); ; {
				f.expect(f.th, 0, abi.CallFileReaddir, dir, buf, 4096, cookie, n)
				list := f.entries(f.get(buf, int(f.get64(n))))
				if f.get64(n) < 4096 {
					break
				}
				cookie = uint64(list[len(list)-1].Next)
			}
		})
		f.close(dir)
	})
}
