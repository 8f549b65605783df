package bench

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// pin keeps every thread of this process, and those that they start, on one processor.
func pin(cpu int) error {
	var now, set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &now); err != nil {
		return err
	}
	if !now.IsSet(cpu) {
		return fmt.Errorf("this program may not run on processor %d; taskset -p shows on which it may", cpu)
	}
	set.Set(cpu)
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range tasks {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(tid, &set); err != nil && err != unix.ESRCH { // one that has ended
			return fmt.Errorf("cannot stay on processor %d: %w", cpu, err)
		}
	}
	return nil
}
