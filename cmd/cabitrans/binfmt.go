package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"cabitrans/runtime"
)

// binfmtName is the name by which the kernel starts cabitrans for a program, with the
// program's path as its only argument; and that of the registration.
const binfmtName = "cabitrans-binfmt"

// binfmtDir is where the kernel takes registrations.
const binfmtDir = "/proc/sys/fs/binfmt_misc"

// How the kernel knows a CloudABI executable: ELF, 64 bits, little-endian, the OSABI 17 at
// byte 7, type 2 or 3, machine 62. What the mask has as 00 does not count: the version of
// the ABI and the padding behind it, which all generations leave 0 and nobody reads.
const (
	binfmtMagic = `\x7fELF\x02\x01\x01\x11\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00`
	binfmtMask  = `\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\xfe\xff\xff\xff`
)

// binfmtFlags is the command line of binfmt.
type binfmtFlags struct{ print, install, remove bool }

func (f *binfmtFlags) options() []option {
	return []option{
		toggle("print", &f.print, "print what would be registered; this is what happens without a flag"),
		toggle("install", &f.install, "register it with the kernel, until the next start of the system, and make the link "+
			binfmtName+" beside cabitrans, which it is called by"),
		toggle("remove", &f.remove, "take back what --install has done"),
	}
}

// binfmt is the command cabitrans binfmt.
func (c *command) binfmt(args []string) int {
	var f binfmtFlags
	args, status := c.options("binfmt", f.options(), args)
	switch {
	case status >= 0:
		return status
	case len(args) > 0:
		return c.fail("binfmt takes no argument, but there is %q", args[0])
	case f.install && f.remove || f.print && (f.install || f.remove):
		return c.fail("binfmt does one thing at a time: --print, --install or --remove")
	}
	exe, err := os.Executable()
	if err == nil {
		exe, err = filepath.EvalSymlinks(exe)
	}
	if err != nil {
		return c.fail("cannot say where cabitrans lies: %v", reason(err))
	}
	b := registration{dir: binfmtDir, exe: exe, link: filepath.Join(filepath.Dir(exe), binfmtName)}
	switch {
	case f.install:
		err = b.install()
	case f.remove:
		err = b.remove()
	default:
		return c.print("the registration", b.line()+"\n")
	}
	if err != nil {
		return c.fail("%v", err)
	}
	return 0
}

// A registration is that of cabitrans with the kernel whose directory is dir.
type registration struct{ dir, exe, link string }

// line is what is written to the file register (Linux, admin-guide/binfmt-misc).
func (b registration) line() string {
	return ":" + binfmtName + ":M::" + binfmtMagic + ":" + binfmtMask + ":" + b.link + ":"
}

func (b registration) install() error {
	if strings.Contains(b.link, ":") {
		return fmt.Errorf("the kernel takes no path with a colon, such as %s: put cabitrans somewhere else", b.link)
	}
	if _, err := os.Lstat(filepath.Join(b.dir, binfmtName)); err == nil {
		return fmt.Errorf("%s is registered already; cabitrans binfmt --remove takes that back", binfmtName)
	}
	made, err := b.makeLink()
	if err != nil {
		return err
	}
	if err := b.tell("register", b.line()); err != nil {
		if made {
			_ = os.Remove(b.link) // the first error counts
		}
		return err
	}
	return nil
}

// makeLink makes the link by whose name the kernel calls cabitrans, unless it is there.
func (b registration) makeLink() (made bool, err error) {
	if to, err := os.Readlink(b.link); err == nil && to == filepath.Base(b.exe) {
		return false, nil
	}
	if err := os.Symlink(filepath.Base(b.exe), b.link); err != nil {
		return false, fmt.Errorf("cannot make the link %s: %w", b.link, reason(err))
	}
	return true, nil
}

func (b registration) remove() error {
	if _, err := os.Stat(filepath.Join(b.dir, "register")); err == nil {
		if _, err := os.Stat(filepath.Join(b.dir, binfmtName)); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is not registered", binfmtName)
		}
	}
	if err := b.tell(binfmtName, "-1"); err != nil {
		return err
	}
	if to, err := os.Readlink(b.link); err == nil && to == filepath.Base(b.exe) {
		if err := os.Remove(b.link); err != nil {
			return fmt.Errorf("cannot remove the link %s: %w", b.link, reason(err))
		}
	}
	return nil
}

// tell writes to a file of the kernel's.
func (b registration) tell(file, text string) error {
	path := filepath.Join(b.dir, file)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(text)
		if closed := f.Close(); err == nil {
			err = closed
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no %s: mount -t binfmt_misc binfmt_misc %s, as root, on Linux", path, b.dir)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("only root can write to %s; cabitrans binfmt --print shows what has to get there", path)
	}
	return fmt.Errorf("cannot write to %s: %w", path, reason(err))
}

// binfmtRun is the command under the name by which the kernel calls it: its arguments are
// the program's path and what followed that. The configuration is on standard input.
func (c *command) binfmtRun(args []string) int {
	switch {
	case len(args) == 0:
		return c.fail("the kernel calls %s, with the path of a program; cabitrans run is for people", binfmtName)
	case len(args) > 1:
		return c.fail("unexpected argument %q: CloudABI programs take no command line, their arguments are in the configuration, "+
			"on standard input", args[1])
	}
	if err := prepare(); err != nil {
		return c.fail("%v", err)
	}
	return c.start(args[0], c.stdin, "stdin", new(runFlags), runtime.Config{})
}
