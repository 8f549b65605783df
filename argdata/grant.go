package argdata

import (
	"math"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// A GrantKind says where a descriptor comes from.
type GrantKind int

// Kinds of grants. The zero GrantKind is none of them.
const (
	// GrantHostFD: descriptor HostFD of the process that starts the program.
	GrantHostFD GrantKind = iota + 1
	// GrantFile: the file or directory at Path, to be opened as File says.
	GrantFile
	// GrantExecutable: the program that is being started, opened for
	// execution if the host can, else for reading.
	GrantExecutable
	// GrantSocket: a socket that is opened as Socket says.
	GrantSocket
)

// A Grant is one descriptor that the configuration asks for. Its index in
// Config.Grants is the number under which the guest sees it.
type Grant struct {
	Kind   GrantKind
	HostFD int    // of GrantHostFD: 0 to 2^31−1
	Path   string // of GrantFile: a path of the host, not empty, without zero bytes
	File   FileMode
	Socket Socket
	Pos    Position
}

// grantTags is what the tags of grants start with.
const grantTags = "tag:nuxi.nl,2015:cloudabi/"

// unbuilt holds the tags of the reference, past and present, that are not
// supported, and what to do instead.
var unbuilt = map[string]string{
	"flower_switchboard_handle":  "connect to the switchboard outside and grant the socket with !fd and its number",
	"flower_switchboard_channel": "connect to the switchboard outside and grant the socket with !fd and its number",
}

// knownGrant holds the names of all tags that mean something under grantTags.
var knownGrant = func() map[string]bool {
	known := map[string]bool{"fd": true, "file": true, "executable": true, "socket": true}
	for name := range unbuilt {
		known[name] = true
	}
	return known
}()

// A grantTable hands out the numbers of guest descriptors in order.
type grantTable struct {
	grants     []Grant
	hostFDs    map[int]FD
	executable *FD
}

func (t *grantTable) add(g Grant) FD {
	t.grants = append(t.grants, g)
	return FD(len(t.grants) - 1)
}

// buildGrant builds a node whose tag is grantTags and name.
func (b *builder) buildGrant(n *yaml.Node, name string) (built, error) {
	var fd FD
	var err error
	switch name {
	case "fd":
		fd, err = b.hostFD(n)
	case "file":
		fd, err = b.file(n)
	case "executable":
		fd, err = b.program(n)
	case "socket":
		fd, err = b.socket(n)
	default:
		if remedy, ok := unbuilt[name]; ok {
			return built{}, b.errorf(n, "the tag %q is not supported yet: %s", grantTags+name, remedy)
		}
		return built{}, b.errorf(n, "the tag %q is unknown: only fd, file, socket and executable can follow the slash", grantTags+name)
	}
	if err != nil {
		return built{}, err
	}
	return b.leaf(n, fd)
}

// hostFD grants a descriptor of this process, the same one for every mention.
func (b *builder) hostFD(n *yaml.Node) (FD, error) {
	if n.Kind != yaml.ScalarNode {
		return 0, b.errorf(n, "!fd is followed by %s: write stdin, stdout, stderr or a descriptor number after it", kindName(n))
	}
	number := map[string]int{"stdin": 0, "stdout": 1, "stderr": 2}
	host, ok := number[n.Value]
	if !ok {
		u, err := strconv.ParseUint(n.Value, 10, 64)
		if err != nil || u > math.MaxInt32 {
			return 0, b.errorf(n, "%q is not a descriptor: write stdin, stdout, stderr or a number from 0 to %d after !fd",
				clip(n.Value), math.MaxInt32)
		}
		host = int(u)
	}
	if fd, ok := b.hostFDs[host]; ok {
		return fd, nil
	}
	fd := b.add(Grant{Kind: GrantHostFD, HostFD: host, Pos: b.src.place(n)})
	if b.hostFDs == nil {
		b.hostFDs = map[int]FD{}
	}
	b.hostFDs[host] = fd
	return fd, nil
}

// program grants the executable. The reference passes over a value after the
// tag; one that looks like it chose something is refused here.
func (b *builder) program(n *yaml.Node) (FD, error) {
	if n.Kind != yaml.ScalarNode || !isNull(n.Value) {
		return 0, b.errorf(n, "!executable takes no value, it always means the program being started: remove what follows it")
	}
	if b.executable == nil {
		fd := b.add(Grant{Kind: GrantExecutable, Pos: b.src.place(n)})
		b.executable = &fd
	}
	return *b.executable, nil
}
