package abi

// Every call of either version, in the order of the 2016-08 numbers. The parameters of the 49 common calls are the same in
// both versions (only names of parameters differ; those of 2020-09 are used).
const (
	CallClockResGet Call = iota
	CallClockTimeGet
	CallCondvarSignal
	CallFDClose
	CallFDCreate1
	CallFDCreate2
	CallFDDatasync
	CallFDDup
	CallFDPread
	CallFDPwrite
	CallFDRead
	CallFDReplace
	CallFDSeek
	CallFDStatGet
	CallFDStatPut
	CallFDSync
	CallFDWrite
	CallFileAdvise
	CallFileAllocate
	CallFileCreate
	CallFileLink
	CallFileOpen
	CallFileReaddir
	CallFileReadlink
	CallFileRename
	CallFileStatFget
	CallFileStatFput
	CallFileStatGet
	CallFileStatPut
	CallFileSymlink
	CallFileUnlink
	CallLockUnlock
	CallMemAdvise
	CallMemLock
	CallMemMap
	CallMemProtect
	CallMemSync
	CallMemUnlock
	CallMemUnmap
	CallPoll
	CallProcExec
	CallProcExit
	CallProcFork
	CallProcRaise
	CallRandomGet
	CallSockAccept
	CallSockBind
	CallSockConnect
	CallSockListen
	CallSockRecv
	CallSockSend
	CallSockShutdown
	CallSockStatGet
	CallThreadCreate
	CallThreadExit
	CallThreadTcbSet
	CallThreadYield
	CallPollFD

	// NumCalls is the number of calls of both versions together.
	NumCalls = iota
)

var callTable = [NumCalls]CallInfo{
	CallClockResGet: {Name: "clock_res_get", Num2016: 0, In2020: true, Params: []Param{
		{"clock_id", TypeClockid, ModeValue},
	}, Results: []Result{{"resolution", TypeTimestamp, ModeValue}}},
	CallClockTimeGet: {Name: "clock_time_get", Num2016: 1, In2020: true, Params: []Param{
		{"clock_id", TypeClockid, ModeValue},
		{"precision", TypeTimestamp, ModeValue},
	}, Results: []Result{{"time", TypeTimestamp, ModeValue}}},
	CallCondvarSignal: {Name: "condvar_signal", Num2016: 2, In2020: true, Params: []Param{
		{"condvar", TypeCondvar, ModeAtomic},
		{"scope", TypeScope, ModeValue},
		{"nwaiters", TypeNthreads, ModeValue},
	}},
	CallFDClose: {Name: "fd_close", Num2016: 3, In2020: true, Params: []Param{
		{"fd", TypeFD, ModeValue},
	}},
	CallFDCreate1: {Name: "fd_create1", Num2016: 4, In2020: true, Params: []Param{
		{"type", TypeFiletype, ModeValue},
	}, Results: []Result{{"fd", TypeFD, ModeValue}}},
	CallFDCreate2: {Name: "fd_create2", Num2016: 5, In2020: true, Params: []Param{
		{"type", TypeFiletype, ModeValue},
	}, Results: []Result{{"fd1", TypeFD, ModeValue}, {"fd2", TypeFD, ModeValue}}},
	CallFDDatasync: {Name: "fd_datasync", Num2016: 6, In2020: true, Params: []Param{
		{"fd", TypeFD, ModeValue},
	}},
	CallFDDup: {Name: "fd_dup", Num2016: 7, In2020: true, Params: []Param{
		{"from", TypeFD, ModeValue},
	}, Results: []Result{{"fd", TypeFD, ModeValue}}},
	CallFDPread: {Name: "fd_pread", Num2016: 8, In2020: true, Params: []Param{
		{"fd", TypeFD, ModeValue},
		{"iovs", TypeIovec, ModeCRange},
		{"offset", TypeFilesize, ModeValue},
	}, Results: []Result{{"nread", TypeSize, ModeValue}}},
	CallFDPwrite: {Name: "fd_pwrite", Num2016: 9, In2020: true, Params: []Param{
		{"fd", TypeFD, ModeValue},
		{"iovs", TypeCiovec, ModeCRange},
		{"offset", TypeFilesize, ModeValue},
	}, Results: []Result{{"nwritten", TypeSize, ModeValue}}},
	CallFDRead: {Name: "fd_read", Num2016: 10, In2020: true, Params: []Param{
		{"fd", TypeFD, ModeValue},
		{"iovs", TypeIovec, ModeCRange},
	}, Results: []Result{{"nread", TypeSize, ModeValue}}},
	CallFDReplace: {Name: "fd_replace", Num2016: 11, In2020: true, Params: []Param{
		{"from", TypeFD, ModeValue},
		{"to", TypeFD, ModeValue},
	}},
	CallFDSeek: {Name: "fd_seek", Num2016: 12, In2020: true, Params: []Param{
		{"fd", TypeFD, ModeValue},
		{"offset", TypeFiledelta, ModeValue},
		{"whence", TypeWhence, ModeValue},
	}, Results: []Result{{"newoffset", TypeFilesize, ModeValue}}},
	CallFDStatGet: {Name: "fd_stat_get", Num2016: 13, In2020: true, Params: []Param{
		{"fd", TypeFD, ModeValue},
		{"buf", TypeFdstat, ModePtr},
	}},
	CallFDStatPut: {Name: "fd_stat_put", Num2016: 14, In2020: true, Params: []Param{
		{"fd", TypeFD, ModeValue},
		{"buf", TypeFdstat, ModeCPtr},
		{"flags", TypeFdsflags, ModeValue},
	}},
	CallFDSync: {Name: "fd_sync", Num2016: 15, In2020: true, Params: []Param{
		{"fd", TypeFD, ModeValue},
	}},
	CallFDWrite: {Name: "fd_write", Num2016: 16, In2020: true, Params: []Param{
		{"fd", TypeFD, ModeValue},
		{"iovs", TypeCiovec, ModeCRange},
	}, Results: []Result{{"nwritten", TypeSize, ModeValue}}},
	CallFileAdvise: {Name: "file_advise", Num2016: 17, In2020: true, Params: []Param{
		{"fd", TypeFD, ModeValue},
		{"offset", TypeFilesize, ModeValue},
		{"len", TypeFilesize, ModeValue},
		{"advice", TypeAdvice, ModeValue},
	}},
	CallFileAllocate: {Name: "file_allocate", Num2016: 18, In2020: true, Params: []Param{
		{"fd", TypeFD, ModeValue},
		{"offset", TypeFilesize, ModeValue},
		{"len", TypeFilesize, ModeValue},
	}},
	CallFileCreate: {Name: "file_create", Num2016: 19, In2020: true, Params: []Param{
		{"fd", TypeFD, ModeValue},
		{"path", TypeChar, ModeCRange},
		{"type", TypeFiletype, ModeValue},
	}},
	CallFileLink: {Name: "file_link", Num2016: 20, In2020: true, Params: []Param{
		{"fd1", TypeLookup, ModeValue},
		{"path1", TypeChar, ModeCRange},
		{"fd2", TypeFD, ModeValue},
		{"path2", TypeChar, ModeCRange},
	}},
	CallFileOpen: {Name: "file_open", Num2016: 21, In2020: true, Params: []Param{
		{"dirfd", TypeLookup, ModeValue},
		{"path", TypeChar, ModeCRange},
		{"oflags", TypeOflags, ModeValue},
		{"fds", TypeFdstat, ModeCPtr},
	}, Results: []Result{{"fd", TypeFD, ModeValue}}},
	CallFileReaddir: {Name: "file_readdir", Num2016: 22, In2020: true, Params: []Param{
		{"fd", TypeFD, ModeValue},
		{"buf", TypeVoid, ModeRange},
		{"cookie", TypeDircookie, ModeValue},
	}, Results: []Result{{"bufused", TypeSize, ModeValue}}},
	CallFileReadlink: {Name: "file_readlink", Num2016: 23, In2020: true, Params: []Param{
		{"fd", TypeFD, ModeValue},
		{"path", TypeChar, ModeCRange},
		{"buf", TypeChar, ModeRange},
	}, Results: []Result{{"bufused", TypeSize, ModeValue}}},
	CallFileRename: {Name: "file_rename", Num2016: 24, In2020: true, Params: []Param{
		{"fd1", TypeFD, ModeValue},
		{"path1", TypeChar, ModeCRange},
		{"fd2", TypeFD, ModeValue},
		{"path2", TypeChar, ModeCRange},
	}},
	CallFileStatFget: {Name: "file_stat_fget", Num2016: 25, In2020: true, Params: []Param{
		{"fd", TypeFD, ModeValue},
		{"buf", TypeFilestat, ModePtr},
	}},
	CallFileStatFput: {Name: "file_stat_fput", Num2016: 26, In2020: true, Params: []Param{
		{"fd", TypeFD, ModeValue},
		{"buf", TypeFilestat, ModeCPtr},
		{"flags", TypeFsflags, ModeValue},
	}},
	CallFileStatGet: {Name: "file_stat_get", Num2016: 27, In2020: true, Params: []Param{
		{"fd", TypeLookup, ModeValue},
		{"path", TypeChar, ModeCRange},
		{"buf", TypeFilestat, ModePtr},
	}},
	CallFileStatPut: {Name: "file_stat_put", Num2016: 28, In2020: true, Params: []Param{
		{"fd", TypeLookup, ModeValue},
		{"path", TypeChar, ModeCRange},
		{"buf", TypeFilestat, ModeCPtr},
		{"flags", TypeFsflags, ModeValue},
	}},
	CallFileSymlink: {Name: "file_symlink", Num2016: 29, In2020: true, Params: []Param{
		{"path1", TypeChar, ModeCRange},
		{"fd", TypeFD, ModeValue},
		{"path2", TypeChar, ModeCRange},
	}},
	CallFileUnlink: {Name: "file_unlink", Num2016: 30, In2020: true, Params: []Param{
		{"fd", TypeFD, ModeValue},
		{"path", TypeChar, ModeCRange},
		{"flags", TypeUlflags, ModeValue},
	}},
	CallLockUnlock: {Name: "lock_unlock", Num2016: 31, In2020: true, Params: []Param{
		{"lock", TypeLock, ModeAtomic},
		{"scope", TypeScope, ModeValue},
	}},
	CallMemAdvise: {Name: "mem_advise", Num2016: 32, In2020: true, Params: []Param{
		{"mapping", TypeVoid, ModeRange},
		{"advice", TypeAdvice, ModeValue},
	}},
	CallMemLock: {Name: "mem_lock", Num2016: 33, In2020: false, Params: []Param{
		{"mem", TypeVoid, ModeCRange},
	}},
	CallMemMap: {Name: "mem_map", Num2016: 34, In2020: true, Params: []Param{
		{"addr", TypeVoid, ModePtr},
		{"len", TypeSize, ModeValue},
		{"prot", TypeMprot, ModeValue},
		{"flags", TypeMflags, ModeValue},
		{"fd", TypeFD, ModeValue},
		{"off", TypeFilesize, ModeValue},
	}, Results: []Result{{"mem", TypeVoid, ModePtr}}},
	CallMemProtect: {Name: "mem_protect", Num2016: 35, In2020: true, Params: []Param{
		{"mapping", TypeVoid, ModeRange},
		{"prot", TypeMprot, ModeValue},
	}},
	CallMemSync: {Name: "mem_sync", Num2016: 36, In2020: true, Params: []Param{
		{"mapping", TypeVoid, ModeRange},
		{"flags", TypeMsflags, ModeValue},
	}},
	CallMemUnlock: {Name: "mem_unlock", Num2016: 37, In2020: false, Params: []Param{
		{"mem", TypeVoid, ModeCRange},
	}},
	CallMemUnmap: {Name: "mem_unmap", Num2016: 38, In2020: true, Params: []Param{
		{"mapping", TypeVoid, ModeRange},
	}},
	CallPoll: {Name: "poll", Num2016: 39, In2020: true, Params: []Param{
		{"in", TypeSubscription, ModeCPtr},
		{"out", TypeEvent, ModePtr},
		{"nsubscriptions", TypeSize, ModeValue},
	}, Results: []Result{{"nevents", TypeSize, ModeValue}}},
	CallProcExec: {Name: "proc_exec", Num2016: 40, In2020: true, Params: []Param{
		{"fd", TypeFD, ModeValue},
		{"data", TypeVoid, ModeCRange},
		{"fds", TypeFD, ModeCRange},
	}},
	CallProcExit: {Name: "proc_exit", Num2016: 41, In2020: true, NoReturn: true, Params: []Param{
		{"rval", TypeExitcode, ModeValue},
	}},
	CallProcFork: {Name: "proc_fork", Num2016: 42, In2020: true, Results: []Result{{"fd", TypeFD, ModeValue}, {"tid", TypeTID, ModeValue}}},
	CallProcRaise: {Name: "proc_raise", Num2016: 43, In2020: true, Params: []Param{
		{"sig", TypeSignal, ModeValue},
	}},
	CallRandomGet: {Name: "random_get", Num2016: 44, In2020: true, Params: []Param{
		{"buf", TypeVoid, ModeRange},
	}},
	CallSockAccept: {Name: "sock_accept", Num2016: 45, In2020: false, Params: []Param{
		{"sock", TypeFD, ModeValue},
		{"buf", TypeSockstat, ModePtr},
	}, Results: []Result{{"conn", TypeFD, ModeValue}}},
	CallSockBind: {Name: "sock_bind", Num2016: 46, In2020: false, Params: []Param{
		{"sock", TypeFD, ModeValue},
		{"fd", TypeFD, ModeValue},
		{"path", TypeChar, ModeCRange},
	}},
	CallSockConnect: {Name: "sock_connect", Num2016: 47, In2020: false, Params: []Param{
		{"sock", TypeFD, ModeValue},
		{"fd", TypeFD, ModeValue},
		{"path", TypeChar, ModeCRange},
	}},
	CallSockListen: {Name: "sock_listen", Num2016: 48, In2020: false, Params: []Param{
		{"sock", TypeFD, ModeValue},
		{"backlog", TypeBacklog, ModeValue},
	}},
	CallSockRecv: {Name: "sock_recv", Num2016: 49, In2020: true, Params: []Param{
		{"sock", TypeFD, ModeValue},
		{"in", TypeRecvIn, ModeCPtr},
		{"out", TypeRecvOut, ModePtr},
	}},
	CallSockSend: {Name: "sock_send", Num2016: 50, In2020: true, Params: []Param{
		{"sock", TypeFD, ModeValue},
		{"in", TypeSendIn, ModeCPtr},
		{"out", TypeSendOut, ModePtr},
	}},
	CallSockShutdown: {Name: "sock_shutdown", Num2016: 51, In2020: true, Params: []Param{
		{"sock", TypeFD, ModeValue},
		{"how", TypeSdflags, ModeValue},
	}},
	CallSockStatGet: {Name: "sock_stat_get", Num2016: 52, In2020: false, Params: []Param{
		{"sock", TypeFD, ModeValue},
		{"buf", TypeSockstat, ModePtr},
		{"flags", TypeSsflags, ModeValue},
	}},
	CallThreadCreate: {Name: "thread_create", Num2016: 53, In2020: true, Params: []Param{
		{"attr", TypeThreadattr, ModePtr},
	}, Results: []Result{{"tid", TypeTID, ModeValue}}},
	CallThreadExit: {Name: "thread_exit", Num2016: 54, In2020: true, NoReturn: true, Params: []Param{
		{"lock", TypeLock, ModeAtomic},
		{"scope", TypeScope, ModeValue},
	}},
	CallThreadTcbSet: {Name: "thread_tcb_set", Num2016: 55, In2020: false, Params: []Param{
		{"tcb", TypeVoid, ModePtr},
	}},
	CallThreadYield: {Name: "thread_yield", Num2016: 56, In2020: true},
	CallPollFD: {Name: "poll_fd", Num2016: 57, In2020: false, Params: []Param{
		{"fd", TypeFD, ModeValue},
		{"in", TypeSubscription, ModeCRange},
		{"out", TypeEvent, ModeRange},
		{"timeout", TypeSubscription, ModeCPtr},
	}, Results: []Result{{"nevents", TypeSize, ModeValue}}},
}
