package argdata

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

const declare = "%TAG ! tag:nuxi.nl,2015:cloudabi/\n---\n"

const intRange = "integer out of range: it must lie between -9223372036854775808 and 18446744073709551615, " +
	"or be quoted to make it a string"

const floatRange = "number out of range of a 64-bit float: write .inf for infinity, or quote it to make it a string"

// refusals holds every reason for which ParseYAML refuses a text.
var refusals = []struct{ name, in, want string }{
	// The stream.
	{"empty", "", `1:1: the configuration is empty: write "null" if the program takes no arguments`},
	{"only comments", "# a\n\n# b\n", `1:1: the configuration is empty: write "null" if the program takes no arguments`},
	{"only a byte order mark", "\ufeff", `1:1: the configuration is empty: write "null" if the program takes no arguments`},
	{"two documents", "a: 1\n---\nb: 2\n", "2:1: a second YAML document starts here, but a program gets one: remove it"},
	{"empty second document", "a\n---\n", "2:1: a second YAML document starts here, but a program gets one: remove it"},
	{"broken second document", "a\n--- [\n", "2:5: the YAML is broken here or shortly before: did not find expected node content"},
	{"latin1", "a: 1\nb: \xe9\n", "2:4: byte 0xe9 is not UTF-8 text: save the configuration as UTF-8"},
	{"latin1 after other line breaks", "1\r2\u00853\u20284\u20295\r\né\xe9", "6:2: byte 0xe9 is not UTF-8 text: save the configuration as UTF-8"},
	{"too long", strings.Repeat("# ", MaxYAMLSize/2) + "#", fmt.Sprintf("1:1: the configuration is longer than %d bytes: pass large data in a file, with !file", MaxYAMLSize)},

	// Broken YAML.
	{"open sequence", "a: [1, 2\nb: 3\n", "2:4: the YAML is broken here or shortly before: did not find expected ',' or ']'"},
	{"open mapping", "{a: 1", "1:5: the YAML is broken here or shortly before: did not find expected ',' or '}'"},
	{"open string", "a: \"x\n\n", "1:5: the YAML is broken here or shortly before: found unexpected end of stream"},
	{"indentation", "a:\n  - 1\n - 2\n", "3:4: the YAML is broken here or shortly before: did not find expected key"},
	{"path of Windows", "a: \"C:\\windows\"\n", "1:8: the YAML is broken here or shortly before: found unknown escape character; " +
		`a backslash in double quotes begins an escape: write 'C:\dir' in single quotes`},
	{"two values", "a: b: c\n", "1:7: the YAML is broken here or shortly before: mapping values are not allowed in this context"},
	{"tabulator", "a:\r\n\tb: 1\r\n", "2:3: the YAML is broken here or shortly before: found character that cannot start any token"},
	{"control character", "a: \x01", "1:4: the YAML is broken here or shortly before: control characters are not allowed"},
	{"zero byte", "a\x00b", "1:3: the YAML is broken here or shortly before: control characters are not allowed"},
	{"text after the end", "'a' b", "1:5: the YAML is broken here or shortly before: did not find expected <document start>"},
	{"handle", "!a!b x", "1:6: the YAML is broken here or shortly before: found undefined tag handle"},
	{"YAML 2", "%YAML 2.0\n--- 1\n", "2:5: the YAML is broken here or shortly before: found incompatible YAML document"},
	{"deep flow", strings.Repeat("[", 20000), "1:10004: the YAML is broken here or shortly before: exceeded max depth of 10000"},

	// Aliases.
	{"unknown anchor", "a: 1\nb: [é, *nope]\nc: 2\n", "2:8: the alias *nope stands for nothing: put the anchor &nope before it"},
	{"later anchor", "[*x, &x 1]", "1:2: the alias *x stands for nothing: put the anchor &x before it"},
	{"recursive sequence", "&a [*a]", "1:5: the alias *a stands inside its own anchor, so it would never end: remove it"},
	{"recursive mapping", "a: &a\n  b: &b\n    c: *a\n", "3:8: the alias *a stands inside its own anchor, so it would never end: remove it"},
	{"recursive key", "&a {*a : 1}", "1:5: the alias *a stands inside its own anchor, so it would never end: remove it"},
	{"billion laughs", bomb(9, 10), fmt.Sprintf("8:3: with its aliases written out the configuration grows beyond %d bytes here: repeat less", MaxSize)},
	{"endless laughs", bomb(500, 2), fmt.Sprintf("23:3: with its aliases written out the configuration grows beyond %d bytes here: repeat less", MaxSize)},
	{"deep aliases", bomb(1500, 1), "1000:3: more than 1000 mappings and sequences lie inside one another here: flatten them"},
	{"deep", strings.Repeat("[", 1002) + strings.Repeat("]", 1002), "1:3: more than 1000 mappings and sequences lie inside one another here: flatten them"},

	// Keys.
	{"duplicate key", "a: 1\nb: 2\na: 3\n", "3:1: this key is already on line 1, column 1 of the same mapping: remove one of the two"},
	{"duplicate number", "{31: a, 0x1f: b}", "1:9: this key is already on line 1, column 2 of the same mapping: remove one of the two"},
	{"duplicate null", "{~: a, null: b}", "1:8: this key is already on line 1, column 2 of the same mapping: remove one of the two"},
	{"duplicate NaN", "{.nan: a, .NaN: b}", "1:11: this key is already on line 1, column 2 of the same mapping: remove one of the two"},
	{"duplicate mapping", "? {a: 1, b: [2]}\n: x\n? {b: [2], a: 1}\n: y\n", "3:3: this key is already on line 1, column 3 of the same mapping: remove one of the two"},
	{"duplicate by alias", "[&k [x], {[x]: 1, *k : 2}]", "1:19: this key is already on line 1, column 11 of the same mapping: remove one of the two"},
	{"duplicate descriptor", declare + "{!fd 1: a, !fd stdout: b}", "3:12: this key is already on line 3, column 2 of the same mapping: remove one of the two"},

	// Scalars.
	{"int above", "a: 18446744073709551616", `1:4: "18446744073709551616" is ` + intRange},
	{"int below", "[-9223372036854775809]", `1:2: "-9223372036854775809" is ` + intRange},
	{"hexadecimal above", "0x10000000000000000", `1:1: "0x10000000000000000" is ` + intRange},
	{"octal above", "0o2000000000000000000000", `1:1: "0o2000000000000000000000" is ` + intRange},
	{"long number", "-" + strings.Repeat("9", 100), `1:1: "-` + strings.Repeat("9", 39) + `…" is ` + intRange},
	{"float above", "1e999", `1:1: "1e999" is ` + floatRange},
	{"float below", "!!float -1e999", `1:1: "-1e999" is ` + floatRange},
	{"tagged null", "!!null nil", `1:1: "nil" is not a null: write null, ~ or nothing`},
	{"tagged bool", "!!bool 1", `1:1: "1" is not a boolean: write true or false`},
	{"tagged int", "!!int 1.0", `1:1: "1.0" is not an integer: write digits, 0x and hexadecimal digits, or 0o and octal digits`},
	{"tagged int empty", "!!int", `1:1: "" is not an integer: write digits, 0x and hexadecimal digits, or 0o and octal digits`},
	{"tagged float", "!!float 0x1p2", `1:1: "0x1p2" is not a floating-point number: write a decimal number, .inf, -.inf or .nan`},
	{"tagged binary", "!!binary a-b_", `1:1: "a-b_" is not base64: write groups of four of A-Z, a-z, 0-9, + and /, the last one filled up with =`},
	{"binary cut", "!!binary aGVsb", `1:1: "aGVsb" is not base64: write groups of four of A-Z, a-z, 0-9, + and /, the last one filled up with =`},
	{"timestamp form", "!!timestamp 2001-1-2", `1:1: "2001-1-2" is not a timestamp: write 2006-01-02 or 2006-01-02T15:04:05.999999999Z`},
	{"timestamp zone", "!!timestamp 2001-01-02T00:00:00+0530", `1:1: "2001-01-02T00:00:00+0530" is not a timestamp: write 2006-01-02 or 2006-01-02T15:04:05.999999999Z`},
	{"timestamp day", "!!timestamp 2001-02-29", `1:1: "2001-02-29" is no such day in the calendar`},
	{"timestamp month", "!!timestamp 2001-13-01", `1:1: "2001-13-01" is no such day in the calendar`},
	{"timestamp hour", "!!timestamp 2001-01-02T24:00:00Z", `1:1: "2001-01-02T24:00:00Z" is no such time of day`},

	// Tags.
	{"unknown tag", "a: !python/object x", `1:4: the tag "!python/object" is unknown: remove it, or quote the text if it was meant as a string`},
	{"unknown core tag", "!!set {a}", `1:1: the tag "tag:yaml.org,2002:set" is unknown: remove it, or quote the text if it was meant as a string`},
	{"unknown core scalar", "!!merge <<", `1:1: the tag "tag:yaml.org,2002:merge" is unknown: remove it, or quote the text if it was meant as a string`},
	{"unknown foreign tag", "- 1\n- !<tag:example.org,2000:x> {}", `2:3: the tag "tag:example.org,2000:x" is unknown: remove it, or quote the text if it was meant as a string`},
	{"undeclared fd", "a: !fd stdout", `1:4: the tag !fd is not declared: begin the configuration with "%TAG ! tag:nuxi.nl,2015:cloudabi/" and a line "---"`},
	{"undeclared socket", "a: !socket {}", `1:4: the tag !socket is not declared: begin the configuration with "%TAG ! tag:nuxi.nl,2015:cloudabi/" and a line "---"`},
	{"unknown cloudabi tag", declare + "!pipe x", `3:1: the tag "tag:nuxi.nl,2015:cloudabi/pipe" is unknown: only fd, file, socket and executable can follow the slash`},
	{"socket", declare + "!socket x", `3:1: !socket is followed by a scalar: write a mapping with the attribute bind or connect after it`},
	{"socket without address", declare + "!socket {type: stream}", `3:1: !socket lacks an address: add the attribute bind or connect`},
	{"socket attribute", declare + "!socket {bind: /x, listen: 1}", `3:20: !socket has no attribute "listen": bind, connect and type are known`},
	{"socket attribute of another type", declare + "!socket {1: 2}", `3:10: attributes of !socket are named by strings: write bind, connect or type`},
	{"socket attribute twice", declare + "!socket {bind: /x, !!str bind: /y}", `3:20: the attribute bind is given twice: remove one of the two`},
	{"socket bound and connected", declare + "!socket {bind: /x, connect: /y}", `3:20: a !socket is bound or connected, not both: remove one of the two`},
	{"socket type", declare + "!socket {type: tcp, bind: /x}", `3:16: the type of a !socket is not known: write stream, dgram or seqpacket`},
	{"socket type, not a string", declare + "!socket {type: 1, bind: /x}", `3:16: the type of a !socket is not known: write stream, dgram or seqpacket`},
	{"socket address, not a string", declare + "!socket {bind: 80}", `3:16: the address of a !socket must be a string: put it in quotes`},
	{"socket address, zero byte", declare + "!socket {bind: \"/x\\0\"}", `3:16: the address of a !socket must not hold a zero byte: remove it`},
	{"socket address, relative", declare + "!socket {bind: sock}", `3:16: "sock" is not an address: write an absolute path, "HOST:PORT" or "[IPV6]:PORT"`},
	{"socket address, no port", declare + "!socket {bind: \"localhost:\"}", `3:16: "localhost:" is not an address: write an absolute path, "HOST:PORT" or "[IPV6]:PORT"`},
	{"socket address, no host", declare + "!socket {connect: \":80\"}", `3:19: ":80" is not an address: write an absolute path, "HOST:PORT" or "[IPV6]:PORT"`},
	{"socket address, no brackets", declare + "!socket {bind: \"::1:80\"}", `3:16: "::1:80" is not an address: write an absolute path, "HOST:PORT" or "[IPV6]:PORT"`},
	{"socket of packets over the internet", declare + "!socket {type: seqpacket, bind: \"1.2.3.4:5\"}", `3:10: sockets of sequenced packets are local only: give a path that begins with a slash, or choose another type`},
	{"switchboard", declare + "!flower_switchboard_handle\nswitchboard_path: /x\n", `3:1: the tag "tag:nuxi.nl,2015:cloudabi/flower_switchboard_handle" is not supported yet: connect to the switchboard outside and grant the socket with !fd and its number`},
	{"old switchboard", "!<tag:nuxi.nl,2015:cloudabi/flower_switchboard_channel> {}", `1:1: the tag "tag:nuxi.nl,2015:cloudabi/flower_switchboard_channel" is not supported yet: connect to the switchboard outside and grant the socket with !fd and its number`},
	{"map before sequence", "!!map [1]", "1:1: the tag !!map is for a mapping, not for a sequence: remove it"},
	{"seq before scalar", "!!seq x", "1:1: the tag !!seq is for a sequence, not for a scalar: remove it"},
	{"int before mapping", "!!int {a: 1}", "1:1: the tag !!int is for a scalar, not for a mapping: remove it"},

	// Grants.
	{"fd word", declare + "!fd stdlog", `3:1: "stdlog" is not a descriptor: write stdin, stdout, stderr or a number from 0 to 2147483647 after !fd`},
	{"fd empty", declare + "- !fd", `3:3: "" is not a descriptor: write stdin, stdout, stderr or a number from 0 to 2147483647 after !fd`},
	{"fd negative", declare + "!fd -1", `3:1: "-1" is not a descriptor: write stdin, stdout, stderr or a number from 0 to 2147483647 after !fd`},
	{"fd above", declare + "!fd 2147483648", `3:1: "2147483648" is not a descriptor: write stdin, stdout, stderr or a number from 0 to 2147483647 after !fd`},
	{"fd printed invalid", declare + `!fd "invalid"`, `3:1: "invalid" is not a descriptor: write stdin, stdout, stderr or a number from 0 to 2147483647 after !fd`},
	{"fd sequence", declare + "!fd [1]", `3:1: !fd is followed by a sequence: write stdin, stdout, stderr or a descriptor number after it`},
	{"file scalar", declare + "!file /tmp", `3:1: !file is followed by a scalar: write a mapping with the attribute path after it`},
	{"file without path", declare + "!file {}", `3:1: !file lacks the attribute path: write where the file is`},
	{"file attribute", declare + "!file\n  path: /tmp\n  mode: rw\n", `5:3: !file has no attribute "mode": path, access, create, append, truncate and rights are known`},
	{"file attribute kind", declare + "!file {1: /tmp}", `3:8: attributes of !file are named by strings: write path, access, create, append, truncate or rights`},
	{"file access", declare + "!file {path: a, access: rw}", `3:25: the access of a !file is not known: write read, write or read-write`},
	{"file access kind", declare + "!file {path: a, access: [read]}", `3:25: the access of a !file is not known: write read, write or read-write`},
	{"file access twice", declare + "!file {access: read, access: read}", `3:22: the attribute access is given twice: remove one of the two`},
	{"file create kind", declare + "!file {path: a, access: write, create: 1}", `3:40: create is not set to a boolean here: write true or false`},
	{"file append kind", declare + "!file {path: a, access: write, append: yes}", `3:40: append is not set to a boolean here: write true or false`},
	{"file create to read", declare + "!file {path: a, access: read, create: true}", `3:31: create is for files that are written to: add access: write or access: read-write`},
	{"file append by default", declare + "!file {path: a, append: true}", `3:17: append is for files that are written to: add access: write or access: read-write`},
	{"file truncate by default", declare + "!file\n  truncate: true\n  path: a", `4:3: truncate is for files that are written to: add access: write or access: read-write`},
	{"file rights kind", declare + "!file {path: a, rights: fd_read}", `3:25: the rights of a !file are a sequence of names, such as [fd_read, fd_seek]: write brackets around them`},
	{"file rights number", declare + "!file {path: a, rights: [fd_read, 2]}", `3:35: a right is named by a string, such as fd_read: write one`},
	{"file path twice", declare + "!file {path: /a, path: /b}", `3:18: the attribute path is given twice: remove one of the two`},
	{"file path kind", declare + "!file {path: 12}", `3:14: the path of a !file must be a string: put it in quotes`},
	{"file path sequence", declare + "!file {path: [a]}", `3:14: the path of a !file must be a string: put it in quotes`},
	{"file path empty", declare + "!file {path: ''}", `3:14: the path of a !file must not be empty or hold a zero byte: write where the file is`},
	{"file path zero", declare + `!file {path: "a\0b"}`, `3:14: the path of a !file must not be empty or hold a zero byte: write where the file is`},
	{"file attribute value", declare + "!file {path: !nope x}", `3:14: the tag "tag:nuxi.nl,2015:cloudabi/nope" is unknown: only fd, file, socket and executable can follow the slash`},
	{"file attribute key", declare + "!file {!nope x: 1}", `3:8: the tag "tag:nuxi.nl,2015:cloudabi/nope" is unknown: only fd, file, socket and executable can follow the slash`},
	{"executable value", declare + "!executable /bin/sh", `3:1: !executable takes no value, it always means the program being started: remove what follows it`},
	{"executable mapping", declare + "!executable {}", `3:1: !executable takes no value, it always means the program being started: remove what follows it`},
}

func TestRefusals(t *testing.T) {
	seen := map[string]bool{}
	for _, tt := range refusals {
		if seen[tt.name] {
			t.Errorf("two cases named %q", tt.name)
		}
		seen[tt.name] = true
		t.Run(tt.name, func(t *testing.T) {
			c, err := parse(tt.in)
			var typed *SyntaxError
			if c != nil || !errors.As(err, &typed) {
				t.Fatalf("ParseYAML = %v, %v, want a SyntaxError", c, err)
			}
			if want := "conf.yaml:" + tt.want; err.Error() != want {
				t.Errorf("got  %s\nwant %s", err, want)
			}
		})
	}
}
