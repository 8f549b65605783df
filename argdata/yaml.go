package argdata

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxYAMLSize is the longest configuration in bytes that ParseYAML reads.
const MaxYAMLSize = 16 << 20

// A Config is what a configuration asks for.
type Config struct {
	// Value is the argument data, for Encode. Parts repeated by aliases are
	// shared: do not change it.
	Value Value

	// Grants describes the descriptors of the new process. An FD in Value is
	// an index into it. One host descriptor occurs at most once, and so does
	// the executable.
	Grants []Grant
}

// ParseYAML reads a configuration to its end. It opens and checks none of the
// descriptors and files that the configuration names. Name stands for the
// source in messages, such as a path or "stdin".
//
// A *SyntaxError says what in the text is refused; any other error is r's,
// wrapped.
func ParseYAML(r io.Reader, name string) (*Config, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxYAMLSize+1))
	if err != nil {
		return nil, fmt.Errorf("%s: the configuration cannot be read: %w", name, err)
	}
	if len(raw) > MaxYAMLSize {
		return nil, Position{File: name, Line: 1, Column: 1}.Errorf(
			"the configuration is longer than %d bytes: pass large data in a file, with !file", MaxYAMLSize)
	}
	src, err := newSource(name, raw)
	if err != nil {
		return nil, err
	}
	root, err := src.root()
	if err != nil {
		return nil, err
	}
	b := builder{
		src:  src,
		done: map[*yaml.Node]built{},
		open: map[*yaml.Node]bool{},
	}
	top, err := b.build(root)
	if err != nil {
		return nil, err
	}
	return &Config{Value: top.v, Grants: b.grants}, nil
}

// A builder turns nodes into values, in the order of the text.
type builder struct {
	src  *source
	done map[*yaml.Node]built // anchored nodes already built
	open map[*yaml.Node]bool  // anchored nodes being built

	grantTable
}

// A built value carries what its parents need to know about it, so that no
// value is looked through twice, however often aliases repeat it.
type built struct {
	v      Value
	size   int    // of the encoding, aliases written out
	height int    // maps and sequences inside one another, itself included
	sum    digest // the same for equal values, whatever the order of maps
}

type digest = [sha256.Size]byte

func (b *builder) errorf(n *yaml.Node, format string, args ...any) error {
	return b.src.place(n).Errorf(format, args...)
}

func (b *builder) build(n *yaml.Node) (built, error) {
	if n.Kind == yaml.AliasNode {
		if b.open[n.Alias] {
			return built{}, b.errorf(n, "the alias *%s stands inside its own anchor, so it would never end: remove it", n.Value)
		}
		return b.done[n.Alias], nil // the parser lets no alias come before its anchor
	}
	if n.Anchor == "" {
		return b.buildNode(n)
	}
	b.open[n] = true
	v, err := b.buildNode(n)
	delete(b.open, n)
	b.done[n] = v
	return v, err
}

const coreTags = "tag:yaml.org,2002:"

// buildNode builds a node that is no alias. A tag "" is one that was not
// written or is the non-specific "!".
func (b *builder) buildNode(n *yaml.Node) (built, error) {
	tag := ""
	if n.Style&yaml.TaggedStyle != 0 {
		tag = n.LongTag()
	}
	if name, ok := strings.CutPrefix(tag, grantTags); ok {
		return b.buildGrant(n, name)
	}
	typ, core := strings.CutPrefix(tag, coreTags)
	if tag != "" && !core {
		return built{}, b.unknownTag(n, tag)
	}
	switch n.Kind {
	case yaml.SequenceNode:
		if typ == "" || typ == "seq" {
			return b.buildSeq(n)
		}
	case yaml.MappingNode:
		if typ == "" || typ == "map" {
			return b.buildMap(n)
		}
	case yaml.ScalarNode:
		if tag == "" {
			return b.buildUntagged(n)
		}
		v, ok, err := taggedScalar(typ, n.Value)
		if err != nil {
			return built{}, b.errorf(n, "%q is %v", clip(n.Value), err)
		}
		if ok {
			return b.leaf(n, v)
		}
	}
	if want, ok := coreKinds[typ]; ok {
		return built{}, b.errorf(n, "the tag !!%s is for %s, not for %s: remove it", typ, want, kindName(n))
	}
	return built{}, b.unknownTag(n, tag)
}

// coreKinds says what the tags known under coreTags may stand before.
var coreKinds = map[string]string{
	"seq": "a sequence", "map": "a mapping",
	"null": "a scalar", "bool": "a scalar", "int": "a scalar", "float": "a scalar",
	"str": "a scalar", "binary": "a scalar", "timestamp": "a scalar",
}

// clip shortens text for a message.
func clip(text string) string {
	const most = 40
	for i := range text {
		if i >= most {
			return text[:i] + "…"
		}
	}
	return text
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a sequence"
	case yaml.MappingNode:
		return "a mapping"
	}
	return "a scalar"
}

func (b *builder) unknownTag(n *yaml.Node, tag string) error {
	if name, local := strings.CutPrefix(tag, "!"); local && knownGrant[name] {
		return b.errorf(n, `the tag !%s is not declared: begin the configuration with "%%TAG ! %s" and a line "---"`, name, grantTags)
	}
	return b.errorf(n, "the tag %q is unknown: remove it, or quote the text if it was meant as a string", tag)
}

const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

func (b *builder) buildUntagged(n *yaml.Node) (built, error) {
	if n.Style&quoted != 0 {
		return b.leaf(n, String(n.Value))
	}
	v, err := resolvePlain(n.Value)
	if _, text := v.(String); !text && b.nonSpecific(n) {
		return b.leaf(n, String(n.Value))
	}
	if err != nil {
		return built{}, b.errorf(n, "%q is %v", clip(n.Value), err)
	}
	return b.leaf(n, v)
}

// nonSpecific says whether the tag of a plain scalar without a known tag was
// written as "!", which makes it a string. The parser does not tell, but
// without a tag a plain scalar cannot start with "!".
func (b *builder) nonSpecific(n *yaml.Node) bool {
	const blank = " \t\r\n"
	text := b.src.at(n.Line, n.Column)
	if n.Anchor != "" && bytes.HasPrefix(text, []byte("&"+n.Anchor)) {
		text = bytes.TrimLeft(text[1+len(n.Anchor):], blank)
	}
	return bytes.HasPrefix(text, []byte("!"))
}

func (b *builder) leaf(n *yaml.Node, v Value) (built, error) {
	enc, err := Encode(v)
	if err != nil { // the text is UTF-8 and bounded, so its scalars are
		return built{}, b.errorf(n, "the value cannot be passed: %v", err)
	}
	return built{v: v, size: len(enc), sum: sha256.Sum256(enc)}, nil
}

func (b *builder) buildSeq(n *yaml.Node) (built, error) {
	seq := make(Seq, 0, len(n.Content))
	whole := built{size: 1}
	hash := sha256.New()
	hash.Write([]byte{typeSeq}) // no leaf's encoding starts so
	for _, child := range n.Content {
		part, err := b.build(child)
		if err != nil {
			return built{}, err
		}
		if err := b.include(&whole, child, part); err != nil {
			return built{}, err
		}
		seq = append(seq, part.v)
		hash.Write(part.sum[:])
	}
	whole.v, whole.height = seq, whole.height+1
	hash.Sum(whole.sum[:0])
	return whole, nil
}

func (b *builder) buildMap(n *yaml.Node) (built, error) {
	m := make(Map, 0, len(n.Content)/2)
	whole := built{size: 1}
	keys := make(map[digest]*yaml.Node, len(n.Content)/2)
	sums := make([]digest, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, err := b.build(n.Content[i])
		if err != nil {
			return built{}, err
		}
		if first, ok := keys[key.sum]; ok {
			return built{}, b.errorf(n.Content[i], "this key is already on line %d, column %d of the same mapping: remove one of the two",
				first.Line, first.Column)
		}
		keys[key.sum] = n.Content[i]
		if err := b.include(&whole, n.Content[i], key); err != nil {
			return built{}, err
		}
		value, err := b.build(n.Content[i+1])
		if err != nil {
			return built{}, err
		}
		if err := b.include(&whole, n.Content[i+1], value); err != nil {
			return built{}, err
		}
		m = append(m, Entry{Key: key.v, Value: value.v})
		sums = append(sums, sha256.Sum256(append(key.sum[:], value.sum[:]...)))
	}
	slices.SortFunc(sums, func(x, y digest) int { return bytes.Compare(x[:], y[:]) })
	hash := sha256.New()
	hash.Write([]byte{typeMap})
	for _, sum := range sums {
		hash.Write(sum[:])
	}
	whole.v, whole.height = m, whole.height+1
	hash.Sum(whole.sum[:0])
	return whole, nil
}

// include adds a part to the measures of the map or sequence whole. The node of
// the part is where a refusal points.
func (b *builder) include(whole *built, n *yaml.Node, part built) error {
	whole.size += subfieldSize(part.size)
	if whole.size > MaxSize {
		return b.errorf(n, "with its aliases written out the configuration grows beyond %d bytes here: repeat less", MaxSize)
	}
	whole.height = max(whole.height, part.height)
	if whole.height >= MaxDepth {
		return b.errorf(n, "more than %d mappings and sequences lie inside one another here: flatten them", MaxDepth)
	}
	return nil
}
