package kernel

import (
	"testing"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// FuzzPath resolves paths with the host's help and without, which must answer
// alike, and must not lead out.
func FuzzPath(f *testing.F) {
	for _, p := range []string{"", "f", "d/../f", "..", "/", "out/file", "deep",
		"ld//e/./..", "back", "d/out/x/", "loop/",
	} {
		f.Add(p, true)
	}
	f.Fuzz(func(t *testing.T, path string, followed bool) {
		if len(path) > 4000 {
			return
		}
		newFS(t, false, func(f *fs) {
			c := newCanary(f)
			f.inside("case")
			f.reopen(func() { f.plant(c.dir) }) // it is another directory then
			f.make("loop>loop")
			flags := abi.Lookupflags(0)
			if followed {
				flags = follow
			}
			var answers [2][2]any
			for i, walk := range []bool{false, true} {
				host.WalkOnly(walk)
				a := attack{f: f, c: c}
				st, e := f.stat(flags, path)
				a.saw(path, st, e)
				answers[i] = [2]any{st.Ino, e}
				a.look(path)
			}
			host.WalkOnly(false)
			if answers[0] != answers[1] {
				t.Errorf("%q: %v with the host's help, %v without", path, answers[0], answers[1])
			}
			c.intact(f, path)
		})
	})
}
