package main

import (
	"strings"
	"testing"
)

// TestWindowsConfiguration: what editors of Windows write, and paths as they are there.
func TestWindowsConfiguration(t *testing.T) {
	hello := guest(t, "hello")
	for _, path := range []string{`C:/windows`, `C:\windows`, `'C:\windows'`, `"C:\\windows"`, `'c:\windows\system32\..'`} {
		conf := "\ufeff" + strings.ReplaceAll(declare+"stdout: !fd stdout\nmessage: hi\nmore: [!file {path: "+path+"}]\n", "\n", "\r\n")
		if o := cabitrans(conf, "run", hello).run(t); o != (outcome{stdout: helloText}) {
			t.Errorf("%s: %+v", path, o)
		}
	}
	for path, want := range map[string]string{
		`"C:\windows"`:        `'C:\dir'`, // \w is no escape of YAML's; the sentence says what to write
		`'C:\no\such\folder'`: `C:\no\such\folder`,
		`'Q:\'`:               `Q:\`,
	} {
		o := cabitrans(declare+"more: [!file {path: "+path+"}]\n", "run", hello).run(t)
		if o.status != 127 || !strings.Contains(o.stderr, want) || strings.Count(o.stderr, "\n") != 1 {
			t.Errorf("%s: %+v, want a sentence with %s", path, o, want)
		}
	}
}
