package inspect

import (
	"slices"

	"cabitrans/runtime/abi"
)

// Generation says of which time the executable is. No header names it, so it is told by what a program does.
//
//	0  until 2016-03  at a fixed address   raw system calls   sets its own %fs base
//	1  until 2016-04  anywhere             raw                sets its own %fs base
//	2  until 2016-08  anywhere             vDSO, else raw     leaves the base alone
//	3  since 2016-08  anywhere             vDSO               leaves the base alone
type Generation struct {
	Number  int    `json:"number"`
	Certain bool   `json:"certain"`
	Why     string `json:"why"`
}

// generation weighs the evidence; pie tells that the image can be loaded anywhere.
func generation(pie bool, c *Contents) Generation {
	sets := slices.ContainsFunc(c.Syscalls.Calls, func(r RawSyscall) bool { return r.Name == nameTCBSet })
	raw, vdso := c.Syscalls.Count > 0, c.VDSO.Form != ""
	switch {
	case !pie:
		return fixedGeneration(sets, raw, vdso)
	case vdso && !raw:
		return Generation{3, true, "it knows the vDSO's names, and has no raw system calls"}
	case vdso && slices.Contains(c.VDSO.Names, nameTCBSet):
		// Here a raw thread_tcb_set is one of the calls to fall back on, and says nothing.
		return Generation{2, false, "it knows the vDSO's names, " + nameTCBSet + " among them, which ended in 2016-08, " +
			"and has raw system calls to fall back on"}
	case vdso && sets:
		return Generation{1, false, "it sets its own %fs base by a raw system call, but knows the vDSO's names"}
	case vdso:
		return Generation{3, false, "it knows the vDSO's names, and has raw system calls to fall back on: so did some of " +
			"generation 2, and generation 3 until 2017-07"}
	case sets:
		return Generation{1, true, "it can be loaded anywhere, and sets its own %fs base by a raw system call"}
	case raw && c.Syscalls.Unknown > 0:
		return Generation{2, false, "it makes raw system calls; of some the sweep could not tell the number, so it may " +
			"set its own %fs base, as generation 1 did"}
	case raw:
		return Generation{2, true, "it can be loaded anywhere, makes raw system calls, and leaves its %fs base alone"}
	}
	return Generation{3, false, noCalls}
}

func fixedGeneration(sets, raw, vdso bool) Generation {
	const fixed = "it lies at a fixed address"
	switch {
	case vdso:
		return Generation{3, false, fixed + ", as only generation 0 did, but knows the vDSO's names"}
	case sets:
		return Generation{0, true, fixed + ", and sets its own %fs base by a raw system call"}
	case raw:
		return Generation{0, true, fixed + ", and makes raw system calls"}
	}
	return Generation{0, false, fixed + "; " + noCalls}
}

const noCalls = "there are no system calls that the sweep could see"

// nameTCBSet is the call by which a program sets its %fs base.
var nameTCBSet = abi.CallThreadTcbSet.Info().Name
