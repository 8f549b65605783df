package kernel

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"cabitrans/internal/testdir"
	"cabitrans/runtime/abi"
)

// A fsCase makes one call in a fresh tree and says what must come of it: an errno,
// and what the tree then has (as fs.list prints it).
type fsCase struct {
	name string
	tree string // as fs.make takes it
	call func(f *fs) abi.Errno
	want abi.Errno
	then string
}

// runCases runs each case in a directory of its own below the root. Cases name paths
// from there, but for what lies outside.
func runCases(t *testing.T, tests []fsCase) {
	eachFS(t, func(f *fs) {
		top := f.root
		skipped := 0
		for _, tt := range tests {
			if runtime.GOOS == "windows" && strings.ContainsAny(tt.tree+tt.then, ">|") {
				skipped++
				continue
			}
			f.root = filepath.Join(top, "case")
			f.check(testdir.RemoveAll(f.root))
			f.check(os.Mkdir(f.root, 0o777))
			f.make(strings.Fields(tt.tree)...)
			fd, e := f.openAt(0, 0, "case", abi.ODirectory, abi.Fdstat{
				RightsBase: rightsDirectory2020 | rightsRaw(f.raw), RightsInheriting: rightsDirectory2020 | rightsRegular})
			if e != 0 {
				f.Fatal(e)
			}
			f.dir = fd
			if e := tt.call(f); e != tt.want {
				f.Errorf("%s: %v, want %v", tt.name, e, tt.want)
			}
			if got := f.list(); got != tt.then {
				f.Errorf("%s: then the tree is %q, want %q", tt.name, got, tt.then)
			}
			f.close(fd)
			f.dir = 0
		}
		if skipped > 0 {
			f.Logf("%d of %d cases skipped: links take a privilege on Windows, and FIFOs are in no file system of it",
				skipped, len(tests))
		}
	})
}

func rightsRaw(raw bool) abi.Rights {
	if raw {
		return rightsRawOnly
	}
	return 0
}

// list prints the tree below the root: "d/", "f", "l>text", "p|" for a FIFO.
func (f *fs) list() string {
	var names []string
	err := filepath.WalkDir(f.root, func(path string, d os.DirEntry, err error) error {
		name, _ := filepath.Rel(f.root, path)
		name = filepath.ToSlash(name)
		switch {
		case err != nil || name == ".":
			return err
		case d.IsDir():
			name += "/"
		case d.Type() == os.ModeSymlink:
			text, _ := os.Readlink(path)
			name += ">" + text
		case d.Type() == os.ModeNamedPipe:
			name += "|"
		}
		names = append(names, name)
		return nil
	})
	if err != nil {
		f.Error(err)
	}
	return strings.Join(names, " ")
}

func TestFileCreate(t *testing.T) {
	dir := func(path string) func(f *fs) abi.Errno {
		return func(f *fs) abi.Errno { return f.create(path, abi.FiletypeDirectory) }
	}
	typ := func(typ abi.Filetype) func(f *fs) abi.Errno {
		return func(f *fs) abi.Errno { return f.create("x", typ) }
	}
	runCases(t, []fsCase{
		{"new", "", dir("d"), 0, "d/"},
		{"slash", "", dir("d/"), 0, "d/"},
		{"slashes", "", dir("d//"), 0, "d/"},
		{"below", "d/", dir("d/e"), 0, "d/ d/e/"},
		{"below a link", "d/ l>d", dir("l/e"), 0, "d/ d/e/ l>d"},
		{"exists", "d/", dir("d"), abi.EEXIST, "d/"},
		{"a file", "f", dir("f"), abi.EEXIST, "f"},
		{"a file, slash", "f", dir("f/"), abi.EEXIST, "f"},
		{"a link to nothing", "l>d", dir("l"), abi.EEXIST, "l>d"},
		{"a link to nothing, slash", "l>d", dir("l/"), 0, "d/ l>d"},
		{"a link out, slash", "l>../../outside/new", dir("l/"), abi.ENOTCAPABLE, "l>../../outside/new"},
		{"dot", "", dir("."), abi.EEXIST, ""},
		{"dot dot", "", dir(".."), abi.ENOTCAPABLE, ""},
		{"dot dot below", "d/", dir("d/.."), abi.EEXIST, "d/"},
		{"out", "", dir("../new"), abi.ENOTCAPABLE, ""},
		{"absolute", "", dir("/new"), abi.ENOTCAPABLE, ""},
		{"empty", "", dir(""), abi.ENOENT, ""},
		{"no parent", "", dir("none/d"), abi.ENOENT, ""},
		{"parent is a file", "f", dir("f/d"), abi.ENOTDIR, "f"},
		{"name too long", "", dir(strings.Repeat("n", 256)), abi.ENAMETOOLONG, ""},
		{"zero byte", "", dir("d\x00"), abi.EILSEQ, ""},
		{"regular file", "", typ(abi.FiletypeRegularFile), abi.EINVAL, ""},
		{"link", "", typ(abi.FiletypeSymbolicLink), abi.EINVAL, ""},
		{"socket", "", typ(abi.FiletypeSocketStream), abi.EINVAL, ""},
		{"no such type", "", typ(0xff), abi.EINVAL, ""},
	})
}

// Only until 2016-08 programs could make FIFOs, with a right of their own.
func TestFileCreateFifo(t *testing.T) {
	notOnWindows(t, lacksLinks)
	eachFS(t, func(f *fs) {
		if e := f.create("p", abi.FiletypeFifo); e != 0 {
			f.Errorf("a FIFO: %v", e)
		}
		if e := f.create("p", abi.FiletypeFifo); e != abi.EEXIST {
			f.Errorf("the same again: %v", e)
		}
		want := abi.FiletypeSocketStream
		if f.raw {
			want = abi.FiletypeFifo
		}
		if st, e := f.stat(0, "p"); e != 0 || st.Filetype != want {
			f.Errorf("it is a %v (%v), want %v", st.Filetype, e, want)
		}
		st := f.fdstat(0)
		if has := st.RightsBase&abi.RightFileCreateFifo != 0; has != f.raw {
			f.Errorf("the right to make one is shown: %v, want %v", has, f.raw)
		}
		f.limit(0, abi.RightFileCreateFifo)
		if e := f.create("q", abi.FiletypeFifo); e != abi.ENOTCAPABLE {
			f.Errorf("without the right: %v", e)
		}
	})
}

// limit takes rights away from a descriptor, of its own and of those to be inherited.
func (f *fs) limit(fd uint64, rights abi.Rights) {
	f.Helper()
	f.limitBoth(fd, rights, rights)
}

func (f *fs) limitBoth(fd uint64, base, inheriting abi.Rights) {
	f.Helper()
	en := f.p.fds.peek(abi.FD(fd))
	if e := f.p.fds.restrict(abi.FD(fd), en.base&^base, en.inheriting&^inheriting); e != 0 {
		f.Error(e)
	}
}

func TestFileLink(t *testing.T) {
	link := func(flags abi.Lookupflags, from, to string) func(f *fs) abi.Errno {
		return func(f *fs) abi.Errno { return f.link(flags, from, to) }
	}
	runCases(t, []fsCase{
		{"file", "f", link(0, "f", "g"), 0, "f g"},
		{"file, following", "f", link(follow, "f", "g"), 0, "f g"},
		{"below", "f d/", link(0, "f", "d/g"), 0, "d/ d/g f"},
		{"link", "l>f f", link(0, "l", "m"), 0, "f l>f m>f"},
		{"link, following", "l>f f", link(follow, "l", "m"), 0, "f l>f m"},
		{"link to nothing", "l>none", link(0, "l", "m"), 0, "l>none m>none"},
		{"link to nothing, following", "l>none", link(follow, "l", "m"), abi.ENOENT, "l>none"},
		{"link out", "l>../../outside/file", link(0, "l", "m"), 0, "l>../../outside/file m>../../outside/file"},
		{"link out, following", "l>../../outside/file", link(follow, "l", "m"), abi.ENOTCAPABLE, "l>../../outside/file"},
		{"directory", "d/", link(0, "d", "e"), abi.EPERM, "d/"},
		{"directory, slash", "d/", link(0, "d/", "e"), abi.EPERM, "d/"},
		{"dot", "", link(0, ".", "e"), abi.EPERM, ""},
		{"file, slash", "f", link(0, "f/", "g"), abi.ENOTDIR, "f"},
		{"link, slash", "f l>f", link(0, "l/", "g"), abi.ENOTDIR, "f l>f"},
		{"to a name with slash", "f", link(0, "f", "g/"), abi.ENOENT, "f"},
		{"exists", "f g", link(0, "f", "g"), abi.EEXIST, "f g"},
		{"to itself", "f", link(0, "f", "f"), abi.EEXIST, "f"},
		{"to a link to nothing", "f l>none", link(0, "f", "l"), abi.EEXIST, "f l>none"},
		{"none", "", link(0, "f", "g"), abi.ENOENT, ""},
		{"empty source", "f", link(0, "", "g"), abi.ENOENT, "f"},
		{"empty target", "f", link(0, "f", ""), abi.ENOENT, "f"},
		{"target's parent", "f", link(0, "f", "none/g"), abi.ENOENT, "f"},
		{"source out", "", link(0, "../../outside/file", "g"), abi.ENOTCAPABLE, ""},
		{"target out", "f", link(0, "f", "../g"), abi.ENOTCAPABLE, "f"},
		{"target by a link out", "f l>../../outside", link(0, "f", "l/g"), abi.ENOTCAPABLE, "f l>../../outside"},
		{"unknown flag", "f", link(2, "f", "g"), abi.EINVAL, "f"},
	})
}

func TestFileRename(t *testing.T) {
	ren := func(from, to string) func(f *fs) abi.Errno {
		return func(f *fs) abi.Errno { return f.rename(from, to) }
	}
	runCases(t, []fsCase{
		{"file", "f", ren("f", "g"), 0, "g"},
		{"into", "f d/", ren("f", "d/g"), 0, "d/ d/g"},
		{"file over file", "f g", ren("f", "g"), 0, "g"},
		{"file over itself", "f", ren("f", "f"), 0, "f"},
		{"file over link", "f l>none", ren("f", "l"), 0, "l"},
		{"link", "l>none", ren("l", "m"), 0, "m>none"},
		{"link over file", "f l>none", ren("l", "f"), 0, "f>none"},
		{"directory", "d/ d/f", ren("d", "e"), 0, "e/ e/f"},
		{"directory, slashes", "d/", ren("d/", "e/"), 0, "e/"},
		{"directory over empty", "d/ d/f e/", ren("d", "e"), 0, "e/ e/f"},
		{"directory over full", "d/ e/ e/f", ren("d", "e"), abi.ENOTEMPTY, "d/ e/ e/f"},
		{"directory into itself", "d/", ren("d", "d/e"), abi.EINVAL, "d/"},
		{"directory deep into itself", "d/e/", ren("d", "d/e/g"), abi.EINVAL, "d/ d/e/"},
		{"directory over its parent", "d/e/", ren("d/e", "d"), abi.ENOTEMPTY, "d/ d/e/"},
		{"directory over file", "d/ f", ren("d", "f"), abi.ENOTDIR, "d/ f"},
		{"file over directory", "d/ f", ren("f", "d"), abi.EISDIR, "d/ f"},
		{"file, slash", "f", ren("f/", "g"), abi.ENOTDIR, "f"},
		{"file to slash", "f", ren("f", "g/"), abi.ENOTDIR, "f"},
		{"link to directory, slash", "d/ l>d", ren("l/", "e"), 0, "e/ l>d"},
		{"none", "", ren("f", "g"), abi.ENOENT, ""},
		{"no parent", "f", ren("f", "none/g"), abi.ENOENT, "f"},
		{"dot", "", ren(".", "g"), abi.EINVAL, ""},
		{"to dot", "d/", ren("d", "."), abi.EINVAL, "d/"},
		{"dot dot", "d/", ren("d/..", "g"), abi.EINVAL, "d/"},
		{"empty", "", ren("", "g"), abi.ENOENT, ""},
		{"to empty", "f", ren("f", ""), abi.ENOENT, "f"},
		{"from outside", "", ren("../../outside/file", "g"), abi.ENOTCAPABLE, ""},
		{"to outside", "f", ren("f", "../g"), abi.ENOTCAPABLE, "f"},
		{"absolute", "f", ren("f", "/tmp/g"), abi.ENOTCAPABLE, "f"},
		{"by a link out", "f l>../../outside", ren("f", "l/g"), abi.ENOTCAPABLE, "f l>../../outside"},
		{"by a link out, backwards", "l>../../outside", ren("l/file", "g"), abi.ENOTCAPABLE, "l>../../outside"},
	})
}

func TestFileSymlink(t *testing.T) {
	notOnWindows(t, lacksLinks)
	sym := func(text, path string) func(f *fs) abi.Errno {
		return func(f *fs) abi.Errno { return f.symlink(text, path) }
	}
	long := strings.Repeat("t", 4095)
	runCases(t, []fsCase{
		{"new", "", sym("text", "l"), 0, "l>text"},
		{"below", "d/", sym("text", "d/l"), 0, "d/ d/l>text"},
		{"says what leads out", "", sym("/etc/passwd", "l"), 0, "l>/etc/passwd"},
		{"longest", "", sym(long, "l"), 0, "l>" + long},
		{"too long", "", sym(long+"t", "l"), abi.ENAMETOOLONG, ""},
		{"says nothing", "", sym("", "l"), abi.ENOENT, ""},
		{"zero byte", "", sym("a\x00b", "l"), abi.EILSEQ, ""},
		{"exists", "f", sym("text", "f"), abi.EEXIST, "f"},
		{"a link exists", "l>none", sym("text", "l"), abi.EEXIST, "l>none"},
		{"slash", "", sym("text", "l/"), abi.ENOENT, ""},
		{"dot", "", sym("text", "."), abi.EEXIST, ""},
		{"empty", "", sym("text", ""), abi.ENOENT, ""},
		{"out", "", sym("text", "../l"), abi.ENOTCAPABLE, ""},
		{"no parent", "", sym("text", "none/l"), abi.ENOENT, ""},
		{"parent is a file", "f", sym("text", "f/l"), abi.ENOTDIR, "f"},
	})
}

func TestFileUnlink(t *testing.T) {
	notOnWindows(t, lacksLinks)
	rm := func(path string) func(f *fs) abi.Errno {
		return func(f *fs) abi.Errno { return f.unlink(path, 0) }
	}
	rmdir := func(path string) func(f *fs) abi.Errno {
		return func(f *fs) abi.Errno { return f.unlink(path, abi.UnlinkRemovedir) }
	}
	runCases(t, []fsCase{
		{"file", "f g", rm("f"), 0, "g"},
		{"link", "f l>f", rm("l"), 0, "f"},
		{"link out", "l>../../outside/file", rm("l"), 0, ""},
		{"directory", "d/", rm("d"), abi.EPERM, "d/"},
		{"file, slash", "f", rm("f/"), abi.ENOTDIR, "f"},
		{"link to file, slash", "f l>f", rm("l/"), abi.ENOTDIR, "f l>f"},
		{"link to directory, slash", "d/ l>d", rm("l/"), abi.EPERM, "d/ l>d"},
		{"none", "", rm("f"), abi.ENOENT, ""},
		{"dot", "", rm("."), abi.EPERM, ""},
		{"dot dot", "d/", rm("d/.."), abi.EPERM, "d/"},
		{"empty", "", rm(""), abi.ENOENT, ""},
		{"out", "", rm("../../outside/file"), abi.ENOTCAPABLE, ""},
		{"by a link out", "l>../../outside", rm("l/file"), abi.ENOTCAPABLE, "l>../../outside"},
		{"rmdir", "d/", rmdir("d"), 0, ""},
		{"rmdir, slash", "d/", rmdir("d/"), 0, ""},
		{"rmdir of full", "d/e/", rmdir("d"), abi.ENOTEMPTY, "d/ d/e/"},
		{"rmdir of file", "f", rmdir("f"), abi.ENOTDIR, "f"},
		{"rmdir of link", "d/ l>d", rmdir("l"), abi.ENOTDIR, "d/ l>d"},
		{"rmdir of link, slash", "d/ l>d", rmdir("l/"), 0, "l>d"},
		{"rmdir of a link out, slash", "l>../../outside/dir", rmdir("l/"), abi.ENOTCAPABLE, "l>../../outside/dir"},
		{"rmdir of dot", "", rmdir("."), abi.EINVAL, ""},
		{"rmdir of dot below", "d/", rmdir("d/."), abi.EINVAL, "d/"},
		{"rmdir of dot dot", "", rmdir(".."), abi.ENOTCAPABLE, ""},
		{"rmdir of none", "", rmdir("d"), abi.ENOENT, ""},
		{"unknown flag", "f", func(f *fs) abi.Errno { return f.unlink("f", 2) }, abi.EINVAL, "f"},
	})
}

func TestFileReadlink(t *testing.T) {
	notOnWindows(t, lacksLinks)
	long := strings.Repeat("t", 4095)
	eachFS(t, func(f *fs) {
		f.make("l>text", "d/", "f", "ld>d", "lf>f", "out>/etc/passwd", "long>"+long, "d/l>x")
		for _, tt := range []struct {
			path string
			n    uint64
			want string
			e    abi.Errno
		}{
			{"l", 100, "text", 0},
			{"l", 4, "text", 0},
			{"l", 3, "tex", 0},
			{"l", 0, "", 0},
			{"l", ^uint64(0), "text", 0},
			{"d/l", 100, "x", 0},
			{"ld/l", 100, "x", 0},
			{"ld", 100, "d", 0},
			{"out", 100, "/etc/passwd", 0},
			{"long", 5000, long, 0},
			{"ld/", 100, "", abi.EINVAL},
			{"lf/", 100, "", abi.ENOTDIR},
			{"f", 100, "", abi.EINVAL},
			{"f/", 100, "", abi.ENOTDIR},
			{"d", 100, "", abi.EINVAL},
			{".", 100, "", abi.EINVAL},
			{"", 100, "", abi.ENOENT},
			{"none", 100, "", abi.ENOENT},
			{"none", 0, "", abi.ENOENT},
			{"..", 100, "", abi.ENOTCAPABLE},
			{"../x", 100, "", abi.ENOTCAPABLE},
		} {
			if got, e := f.readlink(tt.path, tt.n); got != tt.want || e != tt.e {
				f.Errorf("readlink %q, %d bytes: %q, %v; want %q, %v", tt.path, tt.n, got, e, tt.want, tt.e)
			}
		}
		if _, e := f.do(abi.CallFileReadlink, 0, f.str("l"), 1, badAddr, 4); e != abi.EFAULT {
			f.Errorf("to nowhere: %v", e)
		}
		if _, e := f.do(abi.CallFileReadlink, 0, f.str("l"), 1, badAddr, 0); e != 0 {
			f.Errorf("nothing to nowhere: %v", e)
		}
	})
}
