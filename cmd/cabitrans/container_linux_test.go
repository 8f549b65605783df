package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestContainer runs the executable that packaging/Containerfile makes in a root directory
// that holds nothing else, as a container engine would: with /proc, in namespaces of its own.
func TestContainer(t *testing.T) {
	if testing.Short() {
		t.Skip("it links cabitrans again; leave out -short")
	}
	recipe, err := os.ReadFile("../../packaging/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	const build = "go build -trimpath -o /cabitrans ./cmd/cabitrans"
	if !strings.Contains(string(recipe), "RUN CGO_ENABLED=0 "+build+"\n") {
		t.Fatalf("the recipe does not say %s", build)
	}
	root := t.TempDir()
	// Without -trimpath, which changes names only: the packages are built already.
	cmd := exec.Command("go", "build", "-o", filepath.Join(root, "cabitrans"), ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, name := range []string{"hello", "fork"} {
		if err := os.Link(guest(t, name), filepath.Join(root, name)); err != nil {
			b, err := os.ReadFile(guest(t, name))
			if err == nil {
				err = os.WriteFile(filepath.Join(root, name), b, 0o755)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Mkdir(filepath.Join(root, "proc"), 0o755); err != nil {
		t.Fatal(err)
	}
	enclosed := func(stdin, script string) (string, error) {
		cmd := exec.Command("unshare", "-rmpf", "sh", "-c", "mount -t proc proc "+root+"/proc && "+script)
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := enclosed("", "true"); err != nil {
		t.Skipf("this host does not let its users have namespaces: %v: %s", err, out)
	}
	for name, want := range map[string]string{"hello": helloText, "fork": "fork ok\n"} {
		out, err := enclosed(helloConf, "exec chroot "+root+" /cabitrans run /"+name)
		if err != nil || !strings.HasSuffix(out, want) {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
}
