package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"

	"golang.org/x/sys/unix"
)

// A canary is all that lies outside of the granted directory.
type canary struct {
	dir    string
	before string
	inodes map[uint64]bool
}

func newCanary(f *fs) *canary {
	top := filepath.Dir(f.root)
	c := &canary{dir: filepath.Join(top, "outside"), inodes: map[uint64]bool{}}
	c.before = c.look(f)
	c.note(f, top)
	return c
}

func (c *canary) note(f *fs, path string) {
	info, err := os.Lstat(path)
	f.check(err)
	c.inodes[inode(info)] = true
}

// look describes everything there but times of access.
func (c *canary) look(f *fs) string {
	var b strings.Builder
	f.check(filepath.WalkDir(c.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		c.inodes[st.Ino] = true
		fmt.Fprintln(&b, path, st.Ino, st.Mode, st.Nlink, st.Size, st.Mtim, st.Ctim)
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(path)
			fmt.Fprintf(&b, "%q\n", text)
			return err
		}
		return nil
	}))
	return b.String()
}

// intact checks that nothing was changed.
func (c *canary) intact(f *fs, after string) {
	if now := c.look(f); now != c.before {
		f.Errorf("after %s what lies outside has changed from\n%s to\n%s", after, c.before, now)
		c.before = now
	}
}

// An attack does all that can be done by paths, and returns the errnos.
type attack struct {
	f *fs
	c *canary
	e []abi.Errno
}

// saw checks a file that the guest got to see.
func (a *attack) saw(what string, st abi.Filestat, e abi.Errno) {
	a.e = append(a.e, e)
	if e == 0 && a.c.inodes[uint64(st.Ino)] {
		a.f.Errorf("%s leads to file %d outside", what, st.Ino)
	}
}

// look uses path in calls that change nothing.
func (a *attack) look(path string) {
	f := a.f
	st, e := f.stat(0, path)
	a.saw("stat "+path, st, e)
	st, e = f.stat(follow, path)
	a.saw("stat following "+path, st, e)
	_, e = f.readlink(path, 10)
	a.e = append(a.e, e)
	a.opens(0, path, 0, abi.RightFDRead)
	a.opens(follow, path, 0, 0)
}

func (a *attack) opens(flags abi.Lookupflags, path string, o abi.Oflags, base abi.Rights) {
	f := a.f
	fd, e := f.openAt(f.dir, flags, path, o, abi.Fdstat{RightsBase: base | abi.RightFileStatFget})
	if e != 0 {
		a.e = append(a.e, e)
		return
	}
	st, e := f.statFD(fd)
	a.saw("open "+path, st, e)
	if base&abi.RightFDWrite != 0 && e == 0 {
		_, _ = f.write(fd, "written")
	}
	f.close(fd)
}

// changes are the calls that do change something.
func (a *attack) changes() []func(path string) abi.Errno {
	f := a.f
	write := func(flags abi.Lookupflags, o abi.Oflags) func(string) abi.Errno {
		return func(path string) abi.Errno {
			a.opens(flags, path, o, abi.RightFDWrite)
			return 0
		}
	}
	return []func(string) abi.Errno{
		write(follow, abi.OCreat|abi.OTrunc),
		write(0, abi.OCreat|abi.OExcl),
		write(follow, abi.OTrunc),
		func(p string) abi.Errno { return f.create(p, abi.FiletypeDirectory) },
		func(p string) abi.Errno { return f.unlink(p, 0) },
		func(p string) abi.Errno { return f.unlink(p, abi.UnlinkRemovedir) },
		func(p string) abi.Errno { return f.symlink("text", p) },
		func(p string) abi.Errno { return f.rename(p, "renamed") },
		func(p string) abi.Errno { return f.rename("f", p) },
		func(p string) abi.Errno { return f.rename("d", p) },
		func(p string) abi.Errno { return f.link(0, "f", p) },
		func(p string) abi.Errno { return f.link(follow, p, "linked") },
		func(p string) abi.Errno { return f.statPut(follow, p, abi.Filestat{}, abi.FsflagAtim|abi.FsflagMtim) },
	}
}

// trickyPaths combines components that go up, out, around and nowhere.
func trickyPaths(abs string, most int) []string {
	parts := []string{"..", ".", "", "d", "f", "new", "up", "ld", "out", "outfile", "abs", "back", "deep", abs[1:]}
	all := []string{abs, abs + "/file", "/", "//" + abs, "/proc/self/root", "/proc/self/cwd"}
	level := []string{""}
	for range most {
		var next []string
		for _, p := range level {
			for _, c := range parts {
				next = append(next, p+c, p+c+"/")
			}
		}
		all = append(all, next...)
		level = level[:0]
		for _, p := range next {
			if strings.HasSuffix(p, "/") {
				level = append(level, p)
			}
		}
	}
	return all
}

func (f *fs) plant(abs string) {
	f.check(os.RemoveAll(f.root))
	f.check(os.Mkdir(f.root, 0o777))
	f.make("d/e/", "f", "d/f", "d/up>..", "up>..", "ld>d", "out>../../outside", "outfile>../../outside/file",
		"abs>"+abs, "back>../"+filepath.Base(f.root)+"/d", "deep>d/e/../../../../outside", "d/out>../../../outside/dir")
}

// Nothing that any path does reaches what lies outside; and both ways of resolving
// paths answer alike.
func TestEscape(t *testing.T) {
	most := 2
	if testing.Short() {
		most = 1
	}
	answers := map[bool][]string{}
	for _, walk := range []bool{false, true} {
		t.Run(fmt.Sprintf("walk=%v", walk), func(t *testing.T) {
			host.WalkOnly(walk)
			defer host.WalkOnly(false)
			newFS(t, false, func(f *fs) {
				c := newCanary(f)
				f.inside("case")
				f.reopen(func() { f.plant(c.dir) }) // it is another directory then
				tree := f.list()
				n := 0
				for _, p := range trickyPaths(c.dir, most) {
					a := attack{f: f, c: c}
					a.look(p)
					for _, do := range a.changes() {
						a.e = append(a.e, do(p))
						if f.list() != tree {
							f.reopen(func() { f.plant(c.dir) })
						}
						n++
					}
					name := strings.ReplaceAll(p, c.dir[1:], "OUTSIDE")
					answers[walk] = append(answers[walk], fmt.Sprint(name, " ", a.e))
				}
				c.intact(f, "all paths")
				t.Logf("%d paths, %d changes tried", len(answers[walk]), n)
			})
		})
	}
	for i, a := range answers[false] {
		if b := answers[true][i]; a != b {
			t.Errorf("%s with the host's help, %s without", a, b)
		}
	}
}

// inside makes paths begin at a directory below the root.
func (f *fs) inside(name string) {
	f.root = filepath.Join(f.root, name)
	f.check(os.MkdirAll(f.root, 0o777))
	f.reopen(func() {})
}

// reopen opens the directory again after its change.
func (f *fs) reopen(change func()) {
	if f.dir != 0 {
		f.close(f.dir)
	}
	change()
	fd, e := f.openAt(0, 0, filepath.Base(f.root), abi.ODirectory, abi.Fdstat{
		RightsBase: rightsDirectory2020, RightsInheriting: rightsDirectory2020 | rightsRegular})
	if e != 0 {
		f.Error(e)
	}
	f.dir = fd
}

// The same while others exchange directories for links that lead out, and move
// directories about, out of the granted one and back.
func TestEscapeRaces(t *testing.T) {
	length := 2 * time.Second
	if testing.Short() {
		length = 300 * time.Millisecond
	}
	for _, walk := range []bool{false, true} {
		t.Run(fmt.Sprintf("walk=%v", walk), func(t *testing.T) {
			host.WalkOnly(walk)
			defer host.WalkOnly(false)
			newFS(t, false, func(f *fs) { f.race(t, length) })
		})
	}
}

func (f *fs) race(t *testing.T, length time.Duration) {
	c := newCanary(f)
	parent := filepath.Dir(f.root)
	f.make("d/e/g/", "swap/dir/", "swap/file", "swapfile", "move/x/y/", "f", "deep/er/")
	for _, l := range [][2]string{
		{"swap", "../outside"}, {"swapfile", "../outside/file"}, {"deep/er", "../../outside/dir"},
	} {
		f.check(os.Symlink(l[1], filepath.Join(parent, "link-"+filepath.Base(l[0]))))
	}
	var stop atomic.Bool
	var others sync.WaitGroup
	var swaps, tries, hits atomic.Int64
	disturb := func(do func() error) {
		others.Go(func() {
			for !stop.Load() {
				if do() == nil {
					swaps.Add(1)
				}
			}
		})
	}
	exchange := func(a, b string) error {
		return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	}
	for _, n := range []string{"swap", "swapfile", "deep/er"} {
		inside, link := filepath.Join(f.root, n), filepath.Join(parent, "link-"+filepath.Base(n))
		disturb(func() error { return exchange(inside, link) })
	}
	move, moved := filepath.Join(f.root, "move", "x"), filepath.Join(parent, "moved")
	disturb(func() error {
		if err := os.Rename(move, moved); err != nil {
			return err
		}
		return os.Rename(moved, move)
	})
	paths := []string{
		"swap/file", "swap/new", "swap/dir/new", "swap/../f", "swap/dir/../file", "swapfile", "deep/er/new", "deep/er",
		"deep/er/", "deep/er/../../f", "swap/", "swap", "swap/.", "swap/dir/", "d/e/../../swap/file",
		"move/x/../../../outside/file", "move/x/y/../../../../outside/file", "move/x/../outside/file", "move/x/../file",
		"move/x/y/../../outside/new", "move/x/..", "move/x/y/../..", "move/x/y/../../..",
	}
	var guests []chan struct{}
	until := time.Now().Add(length)
	for range 2 {
		mem := f.pages(fsMemory)
		guests = append(guests, f.spawn(func(th *Thread) {
			g := &fs{fixture: f.fixture, th: th, root: f.root, data: mem}
			for time.Now().Before(until) {
				for _, p := range paths {
					a := attack{f: g, c: c}
					a.look(p)
					for _, do := range a.changes() {
						a.e = append(a.e, do(p))
					}
					for _, e := range a.e {
						tries.Add(1)
						if e == 0 {
							hits.Add(1)
						}
					}
				}
				// What the changes above use up.
				_ = os.MkdirAll(filepath.Join(f.root, "d/e/g"), 0o777)
				_ = os.MkdirAll(filepath.Join(f.root, "swap/dir"), 0o777)
				for _, n := range []string{"f", "swapfile"} {
					if h, err := os.OpenFile(filepath.Join(f.root, n), os.O_CREATE|os.O_EXCL, 0o666); err == nil {
						h.Close()
					}
				}
				_ = os.RemoveAll(filepath.Join(f.root, "renamed"))
				_ = os.RemoveAll(filepath.Join(f.root, "linked"))
			}
		}))
	}
	for _, g := range guests {
		<-g
	}
	stop.Store(true)
	others.Wait()
	c.intact(f, "the races")
	t.Logf("%d exchanges, %d calls, %d successful", swaps.Load(), tries.Load(), hits.Load())
}
