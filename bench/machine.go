package bench

import (
	"os"
	goruntime "runtime"
	"strings"
)

// Machine is what a run was made on. What the host does not tell is empty.
type Machine struct {
	OS         string `json:"os"`
	Arch       string `json:"arch"`
	CPU        string `json:"cpu"`
	Processors int    `json:"processors"` // that this program may use
	Kernel     string `json:"kernel"`
	Go         string `json:"go"`
	LoadBefore string `json:"load_before"` // runnable threads on average over 1, 5, 15 minutes
	LoadAfter  string `json:"load_after"`
}

func describe() Machine {
	return Machine{
		OS: goruntime.GOOS, Arch: goruntime.GOARCH, CPU: cpuModel(), Processors: goruntime.NumCPU(),
		Kernel: kernelRelease(), Go: goruntime.Version(), LoadBefore: loadAverage(),
	}
}

// cpuModel is what Linux calls the first processor.
func cpuModel() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(info)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func kernelRelease() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	f := strings.Fields(string(b))
	return strings.Join(f[:min(3, len(f))], " ")
}
