package kernel

import "cabitrans/runtime/abi"

// A handler executes one system call on the thread that made it. a holds the
// machine arguments without result pointers; narrow ones may have garbage above
// their width, so handlers convert each to its type, once. r0 and r1 are the
// results, zero-extended. What it may block in, it leaves with errRestart when
// the thread is kicked, and is then called again with the same arguments.
type handler func(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno)

// table lists the system calls that are built; every other one is ENOSYS.
var table = []struct {
	call abi.Call
	do   handler
	note string
}{
	{abi.CallClockResGet, clockResGet, ""},
	{abi.CallClockTimeGet, clockTimeGet, "precision is not needed: every answer is exact"},
	{abi.CallCondvarSignal, condvarSignal, ""},
	{abi.CallFDClose, fdClose, ""},
	{abi.CallFDCreate1, fdCreate1, ""},
	{abi.CallFDCreate2, fdCreate2, ""},
	{abi.CallFDDatasync, fdDatasync, ""},
	{abi.CallFDDup, fdDup, ""},
	{abi.CallFDPread, fdPread, ""},
	{abi.CallFDPwrite, fdPwrite, ""},
	{abi.CallFDRead, fdRead, ""},
	{abi.CallFDReplace, fdReplace, ""},
	{abi.CallFDSeek, fdSeek, ""},
	{abi.CallFDStatGet, fdStatGet, ""},
	{abi.CallFDStatPut, fdStatPut, "dsync, rsync and sync cannot be changed after opening: ENOTSUP"},
	{abi.CallFDSync, fdSync, ""},
	{abi.CallFDWrite, fdWrite, ""},
	{abi.CallFileAdvise, fileAdvise, ""},
	{abi.CallFileAllocate, fileAllocate, "ENOTSUP where the file system cannot promise the space"},
	{abi.CallFileCreate, fileCreate, "FIFOs for 2016-08's callers of the vDSO, too"},
	{abi.CallFileLink, fileLink, ""},
	{abi.CallFileOpen, fileOpen, "oflags creat with directory is EINVAL"},
	{abi.CallFileReaddir, fileReaddir, ""},
	{abi.CallFileReadlink, fileReadlink, ""},
	{abi.CallFileRename, fileRename, ""},
	{abi.CallFileStatFget, fileStatFget, ""},
	{abi.CallFileStatFput, fileStatFput, ""},
	{abi.CallFileStatGet, fileStatGet, ""},
	{abi.CallFileStatPut, fileStatPut, ""},
	{abi.CallFileSymlink, fileSymlink, ""},
	{abi.CallFileUnlink, fileUnlink, ""},
	{abi.CallLockUnlock, lockUnlock, ""},
	{abi.CallMemAdvise, memAdvise, ""},
	{abi.CallMemLock, memLock, "2016 only"},
	{abi.CallMemMap, memMap, ""},
	{abi.CallMemProtect, memProtect, ""},
	{abi.CallMemSync, memSync, ""},
	{abi.CallMemUnlock, memUnlock, "2016 only"},
	{abi.CallMemUnmap, memUnmap, ""},
	{abi.CallPoll, pollCall, "locks with others: ENOSYS; without subscriptions it sleeps for ever, as upstream"},
	{abi.CallProcExec, procExec, ""},
	{abi.CallPollFD, pollFDCall, "2016 only"},
	{abi.CallProcExit, procExit, ""},
	{abi.CallProcFork, procFork, ""},
	{abi.CallProcRaise, procRaise, ""},
	{abi.CallRandomGet, randomGet, ""},
	{abi.CallSockAccept, sockAccept, "2016 only"},
	{abi.CallSockBind, sockBind, "2016 only; the last component has at most about 85 bytes"},
	{abi.CallSockConnect, sockConnect, "2016 only"},
	{abi.CallSockListen, sockListen, "2016 only"},
	{abi.CallSockRecv, sockRecv, "addresses, for programs of 2016: local sockets, and the sender of an internet datagram"},
	{abi.CallSockSend, sockSend, "at most 252 descriptors; restricted ones take a manifest along, see doc.go"},
	{abi.CallSockShutdown, sockShutdown, ""},
	{abi.CallSockStatGet, sockStatGet, "2016 only; ss_error only with clear_error: the host cannot tell it otherwise"},
	{abi.CallThreadCreate, threadCreate, ""},
	{abi.CallThreadExit, threadExit, ""},
	{abi.CallThreadTcbSet, threadTcbSet, "raw only"},
	{abi.CallThreadYield, threadYield, ""},
}

// A dispatch is a table row in the form that dispatch needs.
type dispatch struct {
	do      handler
	params  uint8    // machine arguments before the result pointers
	results uint8    // 0 to 2
	size    [2]uint8 // bytes of each result
	pure    bool     // has no effect but its result
	// checked says that the call must not be made if its results cannot be stored: one that does
	// something must not find out afterwards that it cannot tell the caller.
	checked bool
}

// calls has a place for every value of an abi.Call: no index is out of range.
var calls [256]dispatch

func init() {
	for _, row := range table {
		info := row.call.Info()
		c := &calls[row.call]
		c.do = row.do
		c.params, c.results = uint8(info.NParamArgs()), uint8(len(info.Results))
		for i, r := range info.Results {
			c.size[i] = uint8(r.Size())
		}
	}
	calls[abi.CallClockResGet].pure = true
	calls[abi.CallClockTimeGet].pure = true
	for i := range calls {
		c := &calls[i]
		c.checked = c.results > 0 && !c.pure
	}
}
