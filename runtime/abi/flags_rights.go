package abi

import "strings"

// This file: the rights of descriptors.
// Source: both ABI files, sections of the same names.

// Rights is a set of actions a descriptor allows, or may pass on.
type Rights uint64

// Values of Rights.
const (
	RightFDDatasync           Rights = 0x0000000000000001
	RightFDRead               Rights = 0x0000000000000002
	RightFDSeek               Rights = 0x0000000000000004
	RightFDStatPutFlags       Rights = 0x0000000000000008
	RightFDSync               Rights = 0x0000000000000010
	RightFDTell               Rights = 0x0000000000000020
	RightFDWrite              Rights = 0x0000000000000040
	RightFileAdvise           Rights = 0x0000000000000080
	RightFileAllocate         Rights = 0x0000000000000100
	RightFileCreateDirectory  Rights = 0x0000000000000200
	RightFileCreateFile       Rights = 0x0000000000000400
	RightFileCreateFifo       Rights = 0x0000000000000800 // 2016-08 only
	RightFileLinkSource       Rights = 0x0000000000001000
	RightFileLinkTarget       Rights = 0x0000000000002000
	RightFileOpen             Rights = 0x0000000000004000
	RightFileReaddir          Rights = 0x0000000000008000
	RightFileReadlink         Rights = 0x0000000000010000
	RightFileRenameSource     Rights = 0x0000000000020000
	RightFileRenameTarget     Rights = 0x0000000000040000
	RightFileStatFget         Rights = 0x0000000000080000
	RightFileStatFputSize     Rights = 0x0000000000100000
	RightFileStatFputTimes    Rights = 0x0000000000200000
	RightFileStatGet          Rights = 0x0000000000400000
	RightFileStatPutTimes     Rights = 0x0000000000800000
	RightFileSymlink          Rights = 0x0000000001000000
	RightFileUnlink           Rights = 0x0000000002000000
	RightMemMap               Rights = 0x0000000004000000
	RightMemMapExec           Rights = 0x0000000008000000
	RightPollFDReadwrite      Rights = 0x0000000010000000
	RightPollModify           Rights = 0x0000000020000000 // 2016-08 only
	RightPollProcTerminate    Rights = 0x0000000040000000
	RightPollWait             Rights = 0x0000000080000000 // 2016-08 only
	RightProcExec             Rights = 0x0000000100000000
	RightSockAccept           Rights = 0x0000000200000000 // 2016-08 only
	RightSockBindDirectory    Rights = 0x0000000400000000 // 2016-08 only
	RightSockBindSocket       Rights = 0x0000000800000000 // 2016-08 only
	RightSockConnectDirectory Rights = 0x0000001000000000 // 2016-08 only
	RightSockConnectSocket    Rights = 0x0000002000000000 // 2016-08 only
	RightSockListen           Rights = 0x0000004000000000 // 2016-08 only
	RightSockShutdown         Rights = 0x0000008000000000
	RightSockStatGet          Rights = 0x0000010000000000 // 2016-08 only
)

var rightsNames = []valueName{
	{uint64(RightFDDatasync), "RIGHT_FD_DATASYNC"},
	{uint64(RightFDRead), "RIGHT_FD_READ"},
	{uint64(RightFDSeek), "RIGHT_FD_SEEK"},
	{uint64(RightFDStatPutFlags), "RIGHT_FD_STAT_PUT_FLAGS"},
	{uint64(RightFDSync), "RIGHT_FD_SYNC"},
	{uint64(RightFDTell), "RIGHT_FD_TELL"},
	{uint64(RightFDWrite), "RIGHT_FD_WRITE"},
	{uint64(RightFileAdvise), "RIGHT_FILE_ADVISE"},
	{uint64(RightFileAllocate), "RIGHT_FILE_ALLOCATE"},
	{uint64(RightFileCreateDirectory), "RIGHT_FILE_CREATE_DIRECTORY"},
	{uint64(RightFileCreateFile), "RIGHT_FILE_CREATE_FILE"},
	{uint64(RightFileCreateFifo), "RIGHT_FILE_CREATE_FIFO"},
	{uint64(RightFileLinkSource), "RIGHT_FILE_LINK_SOURCE"},
	{uint64(RightFileLinkTarget), "RIGHT_FILE_LINK_TARGET"},
	{uint64(RightFileOpen), "RIGHT_FILE_OPEN"},
	{uint64(RightFileReaddir), "RIGHT_FILE_READDIR"},
	{uint64(RightFileReadlink), "RIGHT_FILE_READLINK"},
	{uint64(RightFileRenameSource), "RIGHT_FILE_RENAME_SOURCE"},
	{uint64(RightFileRenameTarget), "RIGHT_FILE_RENAME_TARGET"},
	{uint64(RightFileStatFget), "RIGHT_FILE_STAT_FGET"},
	{uint64(RightFileStatFputSize), "RIGHT_FILE_STAT_FPUT_SIZE"},
	{uint64(RightFileStatFputTimes), "RIGHT_FILE_STAT_FPUT_TIMES"},
	{uint64(RightFileStatGet), "RIGHT_FILE_STAT_GET"},
	{uint64(RightFileStatPutTimes), "RIGHT_FILE_STAT_PUT_TIMES"},
	{uint64(RightFileSymlink), "RIGHT_FILE_SYMLINK"},
	{uint64(RightFileUnlink), "RIGHT_FILE_UNLINK"},
	{uint64(RightMemMap), "RIGHT_MEM_MAP"},
	{uint64(RightMemMapExec), "RIGHT_MEM_MAP_EXEC"},
	{uint64(RightPollFDReadwrite), "RIGHT_POLL_FD_READWRITE"},
	{uint64(RightPollModify), "RIGHT_POLL_MODIFY"},
	{uint64(RightPollProcTerminate), "RIGHT_POLL_PROC_TERMINATE"},
	{uint64(RightPollWait), "RIGHT_POLL_WAIT"},
	{uint64(RightProcExec), "RIGHT_PROC_EXEC"},
	{uint64(RightSockAccept), "RIGHT_SOCK_ACCEPT"},
	{uint64(RightSockBindDirectory), "RIGHT_SOCK_BIND_DIRECTORY"},
	{uint64(RightSockBindSocket), "RIGHT_SOCK_BIND_SOCKET"},
	{uint64(RightSockConnectDirectory), "RIGHT_SOCK_CONNECT_DIRECTORY"},
	{uint64(RightSockConnectSocket), "RIGHT_SOCK_CONNECT_SOCKET"},
	{uint64(RightSockListen), "RIGHT_SOCK_LISTEN"},
	{uint64(RightSockShutdown), "RIGHT_SOCK_SHUTDOWN"},
	{uint64(RightSockStatGet), "RIGHT_SOCK_STAT_GET"},
}

// RightByName finds a right by its name in the ABI text, such as "fd_read".
func RightByName(name string) (Rights, bool) {
	for _, n := range rightsNames {
		if strings.ToLower(n.name[len("RIGHT_"):]) == name {
			return Rights(n.value), true
		}
	}
	return 0, false
}

// String gives the ABI names of the set bits, joined by "|"; "0" for none; unknown bits in hexadecimal.
func (v Rights) String() string { return flagsString(uint64(v), rightsNames) }
