package nameset

import "testing"

func TestParse(t *testing.T) {
	names := []string{"one", "two", "three"}
	for _, tt := range []struct {
		in   string
		want uint8
		err  string
	}{
		{"one", 1, ""},
		{"three,one", 5, ""},
		{"two,two", 2, ""},
		{"", 0, "a name is missing; there are one, two, three, separated by commas"},
		{"one,", 0, "a name is missing; there are one, two, three, separated by commas"},
		{"four", 0, `there is no "four"; there are one, two, three, separated by commas`},
	} {
		got, err := Parse[uint8](tt.in, names)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if got != tt.want || text != tt.err {
			t.Errorf("%q: %b, %q; want %b, %q", tt.in, got, text, tt.want, tt.err)
		}
	}
}
