package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"cabitrans/guests"
)

// A Peer is another program that runs programs of Linux on x86-64. Its command gets
// the path of a kernel's Linux build and the arguments behind its own.
type Peer struct {
	Name    string
	Command []string // empty: the Linux build as it is
}

// ParsePeer reads NAME=COMMAND PREFIX, whose words are separated by spaces. The
// command must exist.
func ParsePeer(s string) (Peer, error) { return parseCommand(s, "qemu=qemu-x86_64") }

func parseCommand(s, example string) (p Peer, err error) {
	name, command, ok := strings.Cut(s, "=")
	p = Peer{Name: strings.TrimSpace(name), Command: strings.Fields(command)}
	switch {
	case !ok || p.Name == "":
		return p, fmt.Errorf("it has the form NAME=COMMAND, such as %s", example)
	case strings.ContainsAny(p.Name, "/: \t\n"):
		return p, fmt.Errorf("the name %q may not have spaces, colons or slashes in it", p.Name)
	case len(p.Command) == 0:
		return p, fmt.Errorf("the command of %s is empty", p.Name)
	}
	if _, err := exec.LookPath(p.Command[0]); err != nil {
		return p, fmt.Errorf("there is no program %s to run as %s", p.Command[0], p.Name)
	}
	return p, nil
}

// peerNative is the name of the column of Linux builds that the host runs itself: it
// shows how well they compare with the CloudABI builds.
const peerNative = "linux"

// peerColumns are those of the peers, and one of the builds as they are.
func peerColumns(peers []Peer, builds *linuxBuilds) (cs []Column) {
	for _, p := range append([]Peer{{Name: peerNative}}, peers...) {
		about := "the Linux build, run by the host"
		if len(p.Command) > 0 {
			about = "the Linux build, run by " + strings.Join(p.Command, " ")
		}
		cs = append(cs, Column{Name: p.Name, Kind: KindPeer, Command: p.Command, About: about, builds: builds})
	}
	return cs
}

// runPeer runs a kernel's Linux build.
func (c *Column) runPeer(ctx context.Context, kernel string, s Setup) (m Measurement, err error) {
	command := append(slices.Clone(c.Command), filepath.Join(c.builds.dir, kernel))
	if s.N > 0 {
		command = append(command, fmt.Sprintf("n=%d", s.N))
	}
	if s.Repeats > 0 {
		command = append(command, fmt.Sprintf("repeats=%d", s.Repeats))
	}
	var stderr bytes.Buffer
	if s.CPU {
		command = append(command, "cpu=1")
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return m, fmt.Errorf("bench: %s: %w: %s", strings.Join(command, " "), err, lastLine(stderr.String()))
	}
	return m, m.parse(string(out))
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}

// linuxBuilds are the embedded Linux builds as files, for others to run.
type linuxBuilds struct{ dir string }

func newLinuxBuilds() (b *linuxBuilds, err error) {
	dir, err := os.MkdirTemp("", "cabitrans-bench-")
	if err != nil {
		return nil, fmt.Errorf("no place for the Linux builds of the kernels: %w", err)
	}
	b = &linuxBuilds{dir}
	for _, k := range Kernels {
		if k.Name == switchKernel {
			continue
		}
		image, err := guests.Linux(k.Name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, k.Name), image, 0o755)
		}
		if err != nil {
			b.remove()
			return nil, fmt.Errorf("the Linux build of %s cannot be written: %w", k.Name, err)
		}
	}
	return b, nil
}

func (b *linuxBuilds) remove() {
	if b != nil {
		_ = os.RemoveAll(b.dir)
	}
}
