package argdata

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Access says what a file is opened for. The zero Access is the reference runner's:
// a file is opened for reading, and a directory with all rights there are.
type Access int

// Kinds of access.
const (
	AccessDefault Access = iota
	AccessRead
	AccessWrite
	AccessReadWrite
)

// A FileMode is how a GrantFile is opened.
type FileMode struct {
	Access                   Access
	Create, Append, Truncate bool        // only with AccessWrite or AccessReadWrite
	Rights                   []RightName // nil: all that come of the type and the access
	Limited                  bool        // Rights counts, even if it is empty
}

// A RightName is the name of a right, as written; whether there is such a right is
// for whoever carries the configuration out to say.
type RightName struct {
	Name string
	Pos  Position
}

// file grants a file of its own for every mention.
func (b *builder) file(n *yaml.Node) (FD, error) {
	g := Grant{Kind: GrantFile, Pos: b.src.place(n)}
	given, err := b.attributes(n, "!file", "path", "path, access, create, append, truncate or rights",
		func(name string, key, n *yaml.Node, v Value) error {
			set, ok := fileAttributes[name]
			if !ok {
				return b.errorf(key,
					"!file has no attribute %q: path, access, create, append, truncate and rights are known", clip(name))
			}
			return set(b, &g, n, v)
		})
	if err != nil {
		return 0, err
	}
	if g.Path == "" {
		return 0, b.errorf(n, "!file lacks the attribute path: write where the file is")
	}
	for _, name := range []string{"create", "append", "truncate"} {
		on := map[string]bool{"create": g.File.Create, "append": g.File.Append, "truncate": g.File.Truncate}[name]
		if on && g.File.Access != AccessWrite && g.File.Access != AccessReadWrite {
			return 0, b.errorf(given[name], "%s is for files that are written to: add access: write or access: read-write", name)
		}
	}
	return b.add(g), nil
}

// fileAttributes reads the value of each attribute of !file.
var fileAttributes = map[string]func(b *builder, g *Grant, n *yaml.Node, v Value) error{
	"path": func(b *builder, g *Grant, n *yaml.Node, v Value) error {
		text, ok := v.(String)
		if !ok {
			return b.errorf(n, "the path of a !file must be a string: put it in quotes")
		}
		if text == "" || strings.ContainsRune(string(text), 0) {
			return b.errorf(n, "the path of a !file must not be empty or hold a zero byte: write where the file is")
		}
		g.Path = string(text)
		return nil
	},
	"access": func(b *builder, g *Grant, n *yaml.Node, v Value) error {
		kinds := map[Value]Access{
			String("read"): AccessRead, String("write"): AccessWrite, String("read-write"): AccessReadWrite,
		}
		text, ok := v.(String)
		if g.File.Access = kinds[text]; !ok || g.File.Access == AccessDefault {
			return b.errorf(n, "the access of a !file is not known: write read, write or read-write")
		}
		return nil
	},
	"create":   fileSwitch("create", func(m *FileMode) *bool { return &m.Create }),
	"append":   fileSwitch("append", func(m *FileMode) *bool { return &m.Append }),
	"truncate": fileSwitch("truncate", func(m *FileMode) *bool { return &m.Truncate }),
	"rights":   (*builder).fileRights,
}

func fileSwitch(name string, field func(*FileMode) *bool) func(*builder, *Grant, *yaml.Node, Value) error {
	return func(b *builder, g *Grant, n *yaml.Node, v Value) error {
		on, ok := v.(Bool)
		if !ok {
			return b.errorf(n, "%s is not set to a boolean here: write true or false", name)
		}
		*field(&g.File) = bool(on)
		return nil
	}
}

func (b *builder) fileRights(g *Grant, n *yaml.Node, v Value) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	list, ok := v.(Seq)
	if !ok || n.Kind != yaml.SequenceNode {
		return b.errorf(n,
			"the rights of a !file are a sequence of names, such as [fd_read, fd_seek]: write brackets around them")
	}
	g.File.Limited = true
	for i, v := range list {
		text, ok := v.(String)
		if !ok {
			return b.errorf(n.Content[i], "a right is named by a string, such as fd_read: write one")
		}
		g.File.Rights = append(g.File.Rights, RightName{string(text), b.src.place(n.Content[i])})
	}
	return nil
}
