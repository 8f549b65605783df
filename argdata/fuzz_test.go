package argdata

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// FuzzDecode: what decodes has a canonical form that decodes to itself.
func FuzzDecode(f *testing.F) {
	for _, v := range vectors {
		f.Add(unhex(f, v.hex))
	}
	f.Add(mustEncode(f, nest(Int(1), 40)))
	f.Fuzz(func(t *testing.T, in []byte) {
		v, err := Decode(in)
		if err != nil {
			var typed *DecodeError
			if !errors.As(err, &typed) || typed.Offset < 0 || typed.Offset > len(in) {
				t.Fatalf("error %#v", err)
			}
			return
		}
		enc := mustEncode(t, v)
		if len(enc) > len(in) {
			t.Fatalf("% x grew to % x", in, enc)
		}
		back, err := Decode(enc)
		if err != nil {
			t.Fatalf("% x: %v", enc, err)
		}
		if again := mustEncode(t, back); !bytes.Equal(again, enc) {
			t.Fatalf("% x encoded again: % x", enc, again)
		}
	})
}

// FuzzParseYAML: what parses can be encoded and decoded, all its descriptors are
// granted, and what does not parse says where.
func FuzzParseYAML(f *testing.F) {
	files, err := filepath.Glob("testdata/yaml/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, tt := range refusals {
		if len(tt.in) < 200 {
			f.Add([]byte(tt.in))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseYAML(bytes.NewReader(text), "fuzz")
		if err != nil {
			var typed *SyntaxError
			if !errors.As(err, &typed) || typed.Line < 1 || typed.Column < 1 || typed.Msg == "" || typed.File != "fuzz" {
				t.Fatalf("error %#v", err)
			}
			return
		}
		enc := mustEncode(t, c.Value)
		v, err := Decode(enc)
		if err != nil {
			t.Fatalf("% x: %v", enc, err)
		}
		used := make([]bool, len(c.Grants))
		markFDs(t, v, used)
		for i, ok := range used {
			if !ok {
				t.Fatalf("grant %d, %+v, is nowhere in the value", i, c.Grants[i])
			}
		}
	})
}

func markFDs(t *testing.T, v Value, used []bool) {
	switch v := v.(type) {
	case FD:
		if int(v) >= len(used) {
			t.Fatalf("descriptor %d of %d", v, len(used))
		}
		used[v] = true
	case Seq:
		for _, part := range v {
			markFDs(t, part, used)
		}
	case Map:
		for _, pair := range v {
			markFDs(t, pair.Key, used)
			markFDs(t, pair.Value, used)
		}
	}
}
