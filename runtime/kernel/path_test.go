package kernel

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cabitrans/runtime/abi"
)

// Where paths lead, and what is answered on the way, for a call that follows the
// last symbolic link and for one that does not.
func TestResolution(t *testing.T) {
	notOnWindows(t, lacksLinks)
	long := strings.Repeat("n", 255)
	deep := strings.Repeat("d/../", 800)
	chain := func(n int) string { return "chain" + strings.Repeat("x", n) }
	tests := []struct {
		path             string
		nofollow, follow abi.Errno
		base             string // of where it leads with follow, on the host, if that is not its end
	}{
		{"f", 0, 0, ""},
		{"./f", 0, 0, ""},
		{"d/./f", 0, 0, ""},
		{"d//f", 0, 0, ""},
		{"d/../f", 0, 0, ""},
		{"d/e/../../f", 0, 0, ""},
		{".", 0, 0, "."},
		{"./", 0, 0, "."},
		{"./.", 0, 0, "."},
		{"d/..", 0, 0, "."},
		{"d/../", 0, 0, "."},
		{"d/.", 0, 0, "d"},
		{"d/", 0, 0, "d"},
		{"d///", 0, 0, "d"},
		{"d/e/..", 0, 0, "d"},
		{deep + "f", 0, 0, "f"},
		{"", abi.ENOENT, abi.ENOENT, ""},
		{"none", abi.ENOENT, abi.ENOENT, ""},
		{"none/", abi.ENOENT, abi.ENOENT, ""},
		{"none/f", abi.ENOENT, abi.ENOENT, ""},
		{"none/..", abi.ENOENT, abi.ENOENT, ""},
		{"none/../f", abi.ENOENT, abi.ENOENT, ""},
		{"f/", abi.ENOTDIR, abi.ENOTDIR, ""},
		{"f/.", abi.ENOTDIR, abi.ENOTDIR, ""},
		{"f/..", abi.ENOTDIR, abi.ENOTDIR, ""},
		{"f/x", abi.ENOTDIR, abi.ENOTDIR, ""},
		// Links.
		{"lf", 0, 0, "f"},
		{"lf/", abi.ENOTDIR, abi.ENOTDIR, ""},
		{"lf/.", abi.ENOTDIR, abi.ENOTDIR, ""},
		{"ld", 0, 0, "d"},
		{"ld/", 0, 0, "d"},
		{"ld/.", 0, 0, "d"},
		{"ld/..", 0, 0, "."},
		{"ld/f", 0, 0, "d/f"},
		{"d/up/f", 0, 0, "f"},
		{"d/up", 0, 0, "."},
		{"d/upf", 0, 0, "f"},
		{"slashed", 0, 0, "d"},
		{"slashed/f", 0, 0, "d/f"},
		{"fslashed", 0, abi.ENOTDIR, ""},
		{"dangling", 0, abi.ENOENT, ""},
		{"dangling/", abi.ENOENT, abi.ENOENT, ""},
		{"dangling/x", abi.ENOENT, abi.ENOENT, ""},
		{"loop", 0, abi.ELOOP, ""},
		{"loop/", abi.ELOOP, abi.ELOOP, ""},
		{"loop/x", abi.ELOOP, abi.ELOOP, ""},
		{"two", 0, abi.ELOOP, ""},
		{"self/self/self/f", 0, 0, "f"},
		{chain(40), 0, 0, "f"},
		{chain(41), 0, abi.ELOOP, ""},
		{strings.Repeat("self/", 40) + "f", 0, 0, "f"},
		{strings.Repeat("self/", 41) + "f", abi.ELOOP, abi.ELOOP, ""},
		// Out.
		{"/", abi.ENOTCAPABLE, abi.ENOTCAPABLE, ""},
		{"//", abi.ENOTCAPABLE, abi.ENOTCAPABLE, ""},
		{"/f", abi.ENOTCAPABLE, abi.ENOTCAPABLE, ""},
		{"/etc/passwd", abi.ENOTCAPABLE, abi.ENOTCAPABLE, ""},
		{"..", abi.ENOTCAPABLE, abi.ENOTCAPABLE, ""},
		{"../", abi.ENOTCAPABLE, abi.ENOTCAPABLE, ""},
		{"../root", abi.ENOTCAPABLE, abi.ENOTCAPABLE, ""},
		{"../root/f", abi.ENOTCAPABLE, abi.ENOTCAPABLE, ""},
		{"../outside/file", abi.ENOTCAPABLE, abi.ENOTCAPABLE, ""},
		{"d/../../root/f", abi.ENOTCAPABLE, abi.ENOTCAPABLE, ""},
		{"d/e/../../..", abi.ENOTCAPABLE, abi.ENOTCAPABLE, ""},
		{"ld/../..", abi.ENOTCAPABLE, abi.ENOTCAPABLE, ""},
		{"abs", 0, abi.ENOTCAPABLE, ""},
		{"abs/", abi.ENOTCAPABLE, abi.ENOTCAPABLE, ""},
		{"abs/f", abi.ENOTCAPABLE, abi.ENOTCAPABLE, ""},
		{"out", 0, abi.ENOTCAPABLE, ""},
		{"out/", abi.ENOTCAPABLE, abi.ENOTCAPABLE, ""},
		{"out/file", abi.ENOTCAPABLE, abi.ENOTCAPABLE, ""},
		{"outfile", 0, abi.ENOTCAPABLE, ""},
		{"viaout", 0, abi.ENOTCAPABLE, ""},
		{"d/out2", 0, abi.ENOTCAPABLE, ""},
		{"self/../f", abi.ENOTCAPABLE, abi.ENOTCAPABLE, ""},
		// Lengths and bytes.
		{long, 0, 0, ""},
		{"d/" + long + "n", abi.ENAMETOOLONG, abi.ENAMETOOLONG, ""},
		{long + "n/", abi.ENAMETOOLONG, abi.ENAMETOOLONG, ""},
		{long + "n/..", abi.ENAMETOOLONG, abi.ENAMETOOLONG, ""},
		{"none/" + long + "n", abi.ENOENT, abi.ENOENT, ""},
		{"f/" + long + "n", abi.ENOTDIR, abi.ENOTDIR, ""},
		{strings.Repeat("./", 2047) + "f", 0, 0, "f"},
		{strings.Repeat("./", 2047) + "ff", abi.ENAMETOOLONG, abi.ENAMETOOLONG, ""},
		{"f\x00", abi.EILSEQ, abi.EILSEQ, ""},
		{"\x00", abi.EILSEQ, abi.EILSEQ, ""},
		{"d/\x00/f", abi.EILSEQ, abi.EILSEQ, ""},
		{"\xff\xfe", 0, 0, ""},
	}
	eachFS(t, func(f *fs) {
		f.make("d/e/", "f", "d/f", "lf>f", "ld>d", "d/up>..", "d/upf>../f", "slashed>d/", "fslashed>f/", "dangling>none",
			"loop>loop", "two>three", "three>two", "self>.", "abs>/etc", "out>../outside", "outfile>../outside/file",
			"viaout>out/file", "d/out2>../../outside", long, "\xff\xfe", chain(0)+">f")
		for n := range 41 {
			f.make(chain(n+1) + ">" + chain(n))
		}
		// The chain of n names has n+1 links.
		f.rename(chain(0), "chain")
		f.check(os.Remove(filepath.Join(f.root, "chain")))
		f.check(os.Link(filepath.Join(f.root, "f"), filepath.Join(f.root, chain(0))))
		for _, tt := range tests {
			name := tt.path
			if len(name) > 60 {
				name = name[:60] + "…"
			}
			st, e := f.stat(0, tt.path)
			if e != tt.nofollow {
				f.Errorf("stat %q: %v, want %v", name, e, tt.nofollow)
			}
			if e == 0 && !strings.ContainsAny(tt.path, "/.") {
				f.same(name, st, tt.path, os.Lstat)
			}
			st, e = f.stat(follow, tt.path)
			if e != tt.follow {
				f.Errorf("stat following %q: %v, want %v", name, e, tt.follow)
			}
			base := tt.base
			if base == "" {
				base = tt.path
			}
			if e == 0 {
				f.same(name, st, base, os.Stat)
			}
			// What can be described can be opened, and fails alike.
			if e := f.open(follow, tt.path, 0, abi.RightFDRead); e != tt.follow {
				f.Errorf("open following %q: %v, want %v", name, e, tt.follow)
			}
			want := tt.nofollow
			if st, _ := f.stat(0, tt.path); st.Filetype == abi.FiletypeSymbolicLink {
				want = abi.ELOOP
			}
			if e := f.open(0, tt.path, 0, abi.RightFDRead); e != want {
				f.Errorf("open %q: %v, want %v", name, e, want)
			}
			if e := f.statPut(follow, tt.path, abi.Filestat{}, 0); e != tt.follow {
				f.Errorf("stat_put following %q: %v, want %v", name, e, tt.follow)
			}
			if e := f.statPut(0, tt.path, abi.Filestat{}, 0); e != tt.nofollow {
				f.Errorf("stat_put %q: %v, want %v", name, e, tt.nofollow)
			}
		}
	})
}

func (f *fs) check(err error) {
	f.Helper()
	if err != nil {
		f.Error(err)
	}
}

// same checks that st is of the file at a path on the host.
func (f *fs) same(name string, st abi.Filestat, path string, stat func(string) (os.FileInfo, error)) {
	f.Helper()
	info, err := stat(filepath.Join(f.root, path))
	if err != nil {
		f.Errorf("%q: %v", name, err)
		return
	}
	if ino := inode(info); uint64(st.Ino) != ino {
		f.Errorf("%q is file %d, want %d (%s)", name, st.Ino, ino, path)
	}
}

// Memory that is not there, and lengths that nothing could hold.
func TestPathPointers(t *testing.T) {
	notOnWindows(t, lacksLinks)
	eachFS(t, func(f *fs) {
		good, n, st := f.bytes([]byte("f")), uint64(1), f.alloc(64)
		end := f.data + (fsMemory-1)*abi.PageSize
		f.check(f.fixture.mem.Protect(end, abi.PageSize, 0))
		for _, tt := range []struct {
			addr, n uint64
			want    abi.Errno
		}{
			{badAddr, 1, abi.EFAULT},
			{0, 1, abi.EFAULT},
			{end - 1, 4000, abi.EFAULT},
			{^uint64(0), 4000, abi.EFAULT},
			{0xc000000000, 8, abi.EFAULT}, // Go's own
			{badAddr, 0, abi.ENOENT},
			{badAddr, 4096, abi.ENAMETOOLONG},
			{end - 1, 1 << 40, abi.ENAMETOOLONG},
			{end - 1, ^uint64(0), abi.ENAMETOOLONG},
		} {
			for _, c := range []struct {
				call abi.Call
				args []uint64
			}{
				{abi.CallFileOpen, []uint64{0, tt.addr, tt.n, 0, st}},
				{abi.CallFileCreate, []uint64{0, tt.addr, tt.n, uint64(abi.FiletypeDirectory)}},
				{abi.CallFileLink, []uint64{0, tt.addr, tt.n, 0, good, n}},
				{abi.CallFileLink, []uint64{0, good, n, 0, tt.addr, tt.n}},
				{abi.CallFileReadlink, []uint64{0, tt.addr, tt.n, st, 64}},
				{abi.CallFileRename, []uint64{0, tt.addr, tt.n, 0, good, n}},
				{abi.CallFileRename, []uint64{0, good, n, 0, tt.addr, tt.n}},
				{abi.CallFileStatGet, []uint64{0, tt.addr, tt.n, st}},
				{abi.CallFileStatPut, []uint64{0, tt.addr, tt.n, st, 0}},
				{abi.CallFileSymlink, []uint64{tt.addr, tt.n, 0, good, n}},
				{abi.CallFileSymlink, []uint64{good, n, 0, tt.addr, tt.n}},
				{abi.CallFileUnlink, []uint64{0, tt.addr, tt.n, 0}},
			} {
				f.make("f")
				if _, e := f.do(c.call, c.args...); e != tt.want {
					f.Errorf("%v(%#x): %v, want %v", c.call, c.args, e, tt.want)
				}
			}
		}
	})
}
