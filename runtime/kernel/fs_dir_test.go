package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// A dirent is one entry of file_readdir's output.
type dirent struct {
	abi.Dirent
	name string
}

// readdir makes one call with a buffer of n bytes and returns the whole entries, and
// how many bytes were stored.
func (f *fs) readdir(fd, cookie uint64, n int) (list []dirent, used uint64, e abi.Errno) {
	buf := f.mem(nil, n)
	used, e = f.do(abi.CallFileReaddir, fd, buf, uint64(n), cookie)
	if e != 0 {
		return nil, 0, e
	}
	if used > uint64(n) {
		f.Errorf("%d bytes stored in a buffer of %d", used, n)
		return nil, 0, e
	}
	return f.entries(f.get(buf, int(used))), used, 0
}

func (f *fs) entries(b []byte) (list []dirent) {
	for len(b) >= abi.DirentSize {
		var d dirent
		d.Decode(b)
		if b = b[abi.DirentSize:]; uint64(len(b)) < uint64(d.Namlen) {
			break
		}
		d.name = string(b[:d.Namlen])
		b = b[d.Namlen:]
		list = append(list, d)
	}
	return list
}

// readAll reads a directory with a buffer of n bytes from a cookie to the end.
func (f *fs) readAll(fd, cookie uint64, n int) (all []dirent) {
	f.Helper()
	for {
		list, used, e := f.readdir(fd, cookie, n)
		if e != 0 {
			f.Errorf("file_readdir: %v", e)
			return all
		}
		all = append(all, list...)
		if used < uint64(n) {
			return all
		}
		if len(list) == 0 {
			f.Errorf("a buffer of %d bytes takes no entry", n)
			return all
		}
		cookie = uint64(list[len(list)-1].Next)
	}
}

func TestReaddir(t *testing.T) {
	notOnWindows(t, lacksLinks)
	eachFS(t, func(f *fs) {
		long := strings.Repeat("n", 255)
		f.make("d/", "f", "l>f", long)
		want := map[string]abi.Filetype{".": abi.FiletypeDirectory, "..": abi.FiletypeDirectory, "d": abi.FiletypeDirectory,
			"f": abi.FiletypeRegularFile, "l": abi.FiletypeSymbolicLink, long: abi.FiletypeRegularFile}
		if e := f.create("p", abi.FiletypeFifo); e != 0 {
			f.Error(e)
		}
		want["p"] = abi.FiletypeSocketStream
		if f.raw {
			want["p"] = abi.FiletypeFifo
		}
		for _, n := range []int{279, 280, 300, 1000, 4096, 50000} {
			got := map[string]abi.Filetype{}
			for _, d := range f.readAll(0, 0, n) {
				if _, twice := got[d.name]; twice {
					f.Errorf("buffer of %d: %q twice", n, d.name)
				}
				got[d.name] = d.Type
				info, err := os.Lstat(filepath.Join(f.root, d.name))
				if err != nil || inode(info) != uint64(d.Ino) {
					f.Errorf("%q: inode %d, %v", d.name, d.Ino, err)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				f.Errorf("buffer of %d: %v, want %v", n, got, want)
			}
		}
		f.unlink("p", 0)
	})
}

// The buffer is filled to its last byte, with the beginning of an entry if need be,
// which is then still to be read; fewer bytes mean the end.
func TestReaddirTruncates(t *testing.T) {
	eachFS(t, func(f *fs) {
		f.make("a", "bb", "ccc")
		buf := f.mem(nil, 500)
		whole, e := f.do(abi.CallFileReaddir, 0, buf, 500, 0)
		all := f.get(buf, int(whole))
		if e != 0 || whole != 5*abi.DirentSize+1+2+1+2+3 {
			f.Errorf("%d bytes, %v", whole, e)
		}
		for n := range int(whole) + 2 {
			buf := f.mem([]byte(strings.Repeat("?", 500)), 0)
			used, e := f.do(abi.CallFileReaddir, 0, buf, uint64(n), 0)
			got := f.get(buf, 500)
			if m := min(n, int(whole)); e != 0 || used != uint64(m) || string(got[:m]) != string(all[:m]) || got[m] != '?' {
				f.Errorf("a buffer of %d: %d bytes, %v, %q behind", n, used, e, got[m])
			}
		}
		for _, n := range []int{0, 1, 24, 28} {
			// Part of an entry, then all from there.
			list, _, _ := f.readdir(0, 0, n)
			cookie := uint64(0)
			if len(list) > 0 {
				cookie = uint64(list[len(list)-1].Next)
			}
			if rest := f.readAll(0, cookie, 500); len(list)+len(rest) != 5 {
				f.Errorf("after a buffer of %d there are %d and %d entries", n, len(list), len(rest))
			}
		}
	})
}

func TestReaddirErrors(t *testing.T) {
	eachFS(t, func(f *fs) {
		f.make("f")
		fd, _ := f.openAt(0, 0, "f", 0, abi.Fdstat{RightsBase: abi.RightFDRead})
		end := f.data + (fsMemory-1)*abi.PageSize
		f.check(f.fixture.mem.Protect(end, abi.PageSize, 0))
		for _, tt := range []struct {
			name            string
			fd, buf, n, pos uint64
			want            abi.Errno
		}{
			{"a file", fd, f.data, 100, 0, abi.ENOTCAPABLE},
			{"no descriptor", 77, f.data, 100, 0, abi.EBADF},
			{"no memory", 0, badAddr, 100, 0, abi.EFAULT},
			{"memory ends", 0, end - 10, 100, 0, abi.EFAULT},
			{"longer than memory", 0, f.data, ^uint64(0), 0, 0},
			{"nothing to nowhere", 0, badAddr, 0, 0, 0},
			{"cookie", 0, f.data, 100, 1 << 63, abi.EINVAL},
		} {
			if _, e := f.do(abi.CallFileReaddir, tt.fd, tt.buf, tt.n, tt.pos); e != tt.want {
				f.Errorf("%s: %v, want %v", tt.name, e, tt.want)
			}
		}
		f.close(fd)
	})
}

// Any cookie leads back to where it came from: through the same descriptor, another
// one, and from another process's view, which has a stream of its own.
func TestReaddirCookies(t *testing.T) {
	eachFS(t, func(f *fs) {
		for i := range 300 {
			f.make(fmt.Sprintf("file%03d", i))
		}
		other, e := f.openAt(0, 0, ".", abi.ODirectory, abi.Fdstat{RightsBase: abi.RightFileReaddir})
		dup, e2 := f.do(abi.CallFDDup, 0)
		if e != 0 || e2 != 0 {
			f.Error(e, e2)
		}
		all := f.readAll(0, 0, 4096)
		if len(all) != 302 {
			f.Errorf("%d entries", len(all))
		}
		for i, fd := range []uint64{0, other, dup} {
			for j := i; j < len(all); j += 37 {
				rest := f.readAll(fd, uint64(all[j].Next), 1000)
				if fmt.Sprint(rest) != fmt.Sprint(all[j+1:]) {
					f.Errorf("from entry %d by descriptor %d: %d entries, want %d", j, fd, len(rest), len(all)-j-1)
				}
			}
		}
		f.close(other)
		f.close(dup)
		// Whoever shares the open directory on the host notices nothing.
		if off, err := host.Seek(f.p.fds.peek(0).obj.fd, 0, host.SeekCur); off != 0 || err != nil {
			f.Errorf("the descriptor's own offset is %d, %v", off, err)
		}
	})
}

// Two threads read one descriptor, each in its own order, while files come and go.
// Those that stay are seen once by everybody; none is seen that never was.
func TestReaddirShared(t *testing.T) {
	newFS(t, false, func(f *fs) {
		const stay = 500
		for i := range stay {
			f.make(fmt.Sprintf("stay%d", i))
		}
		stop := make(chan struct{})
		var changes sync.WaitGroup
		changes.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				name := filepath.Join(f.root, fmt.Sprintf("go%d", i%100))
				if os.Remove(name) != nil {
					f.check(os.WriteFile(name, nil, 0o666))
				}
			}
		})
		var readers []chan struct{}
		for range 3 {
			mem := f.pages(fsMemory)
			readers = append(readers, f.spawn(func(th *Thread) {
				g := &fs{fixture: f.fixture, th: th, root: f.root, data: mem}
				for range 10 {
					seen := map[string]int{}
					for _, d := range g.readAll(0, 0, 2000) {
						seen[d.name]++
						if d.name != "." && d.name != ".." && !strings.HasPrefix(d.name, "stay") && !strings.HasPrefix(d.name, "go") {
							g.Errorf("an entry %q", d.name)
						}
					}
					for i := range stay {
						if n := seen[fmt.Sprintf("stay%d", i)]; n != 1 {
							g.Errorf("stay%d was seen %d times", i, n)
						}
					}
				}
			}))
		}
		for _, r := range readers {
			<-r
		}
		close(stop)
		changes.Wait()
	})
}

// A directory that is removed while it is open has no entries.
func TestReaddirRemoved(t *testing.T) {
	notOnWindows(t, lacksLinks)
	eachFS(t, func(f *fs) {
		f.make("d/")
		fd, e := f.openAt(0, 0, "d", 0, abi.Fdstat{RightsBase: abi.RightFileReaddir})
		if e != 0 {
			f.Error(e)
		}
		if e := f.unlink("d", abi.UnlinkRemovedir); e != 0 {
			f.Error(e)
		}
		if all := f.readAll(fd, 0, 500); len(all) != 0 {
			f.Errorf("%d entries", len(all))
		}
		f.close(fd)
	})
}

func TestReaddirLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 100,000 files")
	}
	newFS(t, false, func(f *fs) {
		const files = 100_000
		one := filepath.Join(f.root, "0")
		f.check(os.WriteFile(one, nil, 0o666))
		for i := 1; i < files; i++ {
			// Names of a few files: making so many takes long.
			if i%50_000 == 0 {
				one = filepath.Join(f.root, fmt.Sprint(i))
				f.check(os.WriteFile(one, nil, 0o666))
				continue
			}
			if err := os.Link(one, filepath.Join(f.root, fmt.Sprint(i))); err != nil {
				f.Error(err)
				return
			}
		}
		seen := make(map[string]bool, files)
		for _, d := range f.readAll(0, 0, 8192) {
			seen[d.name] = true
		}
		if len(seen) != files+2 {
			f.Errorf("%d entries, want %d", len(seen), files+2)
		}
	})
}
