package argdata

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// A source is the text of a configuration and the way from places in it to
// places in an editor.
type source struct {
	name string
	text []byte // UTF-8 without byte order mark

	lines []int // byte offset of every line
	// The last place looked up by at, so that places asked for in order cost
	// no more than the text is long.
	line, column, offset int
}

// newSource takes UTF-8 or, by its byte order mark, UTF-16.
func newSource(name string, raw []byte) (*source, error) {
	s := &source{name: name}
	switch {
	case bytes.HasPrefix(raw, []byte("\xff\xfe")):
		s.text = fromUTF16(raw[2:], binary.LittleEndian)
	case bytes.HasPrefix(raw, []byte("\xfe\xff")):
		s.text = fromUTF16(raw[2:], binary.BigEndian)
	default:
		s.text = bytes.Clone(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")))
	}
	for off := 0; off < len(s.text); {
		r, n := utf8.DecodeRune(s.text[off:])
		if r == utf8.RuneError && n == 1 {
			return nil, s.position(off).Errorf(
				"byte %#02x is not UTF-8 text: save the configuration as UTF-8", s.text[off])
		}
		off += n
	}
	acceptVersion(s.text)
	return s, nil
}

func fromUTF16(raw []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = order.Uint16(raw[2*i:])
	}
	text := []byte(string(utf16.Decode(units)))
	if len(raw)%2 != 0 {
		text = append(text, 0xff) // half a character: refused as not UTF-8
	}
	return text
}

var versionLine = lazyRegexp(`^%YAML[ \t]+1\.([0-9]+)[ \t\r]*(#.*)?$`)

// acceptVersion turns %YAML 1.N in the directives before the document into
// %YAML 1.1, in place and without moving a column: the parser knows only 1.1,
// and the specification asks for other minor versions to be tried.
func acceptVersion(text []byte) {
	for line := range bytes.Lines(text) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if m := versionLine().FindSubmatchIndex(line); m != nil {
			minor := line[m[2]:m[3]]
			copy(minor, bytes.Repeat([]byte("0"), len(minor)))
			minor[len(minor)-1] = '1'
		}
		if blank := bytes.TrimSpace(line); len(blank) > 0 && blank[0] != '#' && line[0] != '%' {
			return
		}
	}
}

// lineBreak returns the size of the line break at the start of b, 0 if there is
// none; the parser counts these.
func lineBreak(b []byte) int {
	switch {
	case bytes.HasPrefix(b, []byte("\r\n")), bytes.HasPrefix(b, []byte("\u0085")):
		return 2
	case bytes.HasPrefix(b, []byte("\n")), bytes.HasPrefix(b, []byte("\r")):
		return 1
	case bytes.HasPrefix(b, []byte("\u2028")), bytes.HasPrefix(b, []byte("\u2029")):
		return 3
	}
	return 0
}

// position returns the place of the character at byte off.
func (s *source) position(off int) Position {
	start, line := 0, 1
	for i := 0; i < off; {
		if n := lineBreak(s.text[i:]); n > 0 && i+n <= off {
			i += n
			start, line = i, line+1
			continue
		}
		i++
	}
	return Position{File: s.name, Line: line, Column: 1 + utf8.RuneCount(s.text[start:off])}
}

// at returns the text from the given place on.
func (s *source) at(line, column int) []byte {
	if s.lines == nil {
		s.lines = []int{0}
		for i := 0; i < len(s.text); {
			n := lineBreak(s.text[i:])
			i += max(n, 1)
			if n > 0 {
				s.lines = append(s.lines, i)
			}
		}
	}
	if line != s.line || column < s.column {
		s.line, s.column, s.offset = line, 1, s.lines[min(line, len(s.lines))-1]
	}
	for s.column < column && s.offset < len(s.text) {
		_, n := utf8.DecodeRune(s.text[s.offset:])
		s.offset += n
		s.column++
	}
	return s.text[s.offset:]
}

// root parses the text, which must be one document, and returns its root node.
func (s *source) root() (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(s.text))
	first, err := nextDocument(dec)
	if errors.Is(err, io.EOF) {
		return nil, s.position(0).Errorf(
			`the configuration is empty: write "null" if the program takes no arguments`)
	}
	if err != nil {
		return nil, s.broken(err)
	}
	second, err := nextDocument(dec)
	if err == nil {
		return nil, s.place(second).Errorf(
			"a second YAML document starts here, but a program gets one: remove it")
	}
	if !errors.Is(err, io.EOF) {
		return nil, s.broken(err)
	}
	return first.Content[0], nil
}

func (s *source) place(n *yaml.Node) Position {
	return Position{File: s.name, Line: n.Line, Column: n.Column}
}

// nextDocument reads one document. The parser reports some broken input by
// panicking; that is an error like any other here.
func nextDocument(dec *yaml.Decoder) (doc *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	doc = new(yaml.Node)
	if err := dec.Decode(doc); err != nil {
		return nil, err
	}
	return doc, nil
}

var (
	parserPrefix  = lazyRegexp(`^yaml: (line \d+: )?`)
	unknownAnchor = lazyRegexp(`^unknown anchor '(.*)' referenced$`)
)

// broken makes a SyntaxError of a parser's error. The parser gives no column and
// sometimes the wrong line, so the text is parsed again through a reader that
// hands out single bytes: the last character read is where it gave up, or a
// few characters after.
func (s *source) broken(cause error) *SyntaxError {
	problem := parserPrefix().ReplaceAllString(cause.Error(), "")
	r := byteReader{text: s.text}
	dec := yaml.NewDecoder(&r)
	for {
		if _, err := nextDocument(dec); err != nil {
			break
		}
	}
	read := s.text[:r.n]
	if m := unknownAnchor().FindStringSubmatch(problem); m != nil {
		return s.position(max(bytes.LastIndex(read, []byte("*"+m[1])), 0)).Errorf(
			"the alias *%s stands for nothing: put the anchor &%s before it", m[1], m[1])
	}
	read = bytes.TrimRight(read, " \t\r\n")
	_, last := utf8.DecodeLastRune(read)
	hint := ""
	if strings.Contains(problem, "unknown escape character") { // most likely a path of Windows
		hint = `; a backslash in double quotes begins an escape: write 'C:\dir' in single quotes`
	}
	return s.position(len(read)-last).Errorf(
		"the YAML is broken here or shortly before: %s%s", strings.TrimSpace(problem), hint)
}

type byteReader struct {
	text []byte
	n    int
}

func (r *byteReader) Read(p []byte) (int, error) {
	if r.n == len(r.text) {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	p[0] = r.text[r.n]
	r.n++
	return 1, nil
}
