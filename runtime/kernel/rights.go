package kernel

import (
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// The rights that each type of descriptor starts with (upstream's table:
// cloudabi-utils, src/libemulator/rights.h, as of 2016, when it had the rights of
// the calls that went later). A right that no operation on the type could use is
// left out, so that sharing a descriptor shares nothing else.
const (
	rightsAll = abi.RightFDDatasync | abi.RightFDRead | abi.RightFDSeek |
		abi.RightFDStatPutFlags | abi.RightFDSync | abi.RightFDTell | abi.RightFDWrite |
		abi.RightFileAdvise | abi.RightFileAllocate | abi.RightFileCreateDirectory |
		abi.RightFileCreateFile | abi.RightFileLinkSource | abi.RightFileLinkTarget |
		abi.RightFileOpen | abi.RightFileReaddir | abi.RightFileReadlink |
		abi.RightFileRenameSource | abi.RightFileRenameTarget | abi.RightFileStatFget |
		abi.RightFileStatFputSize | abi.RightFileStatFputTimes | abi.RightFileStatGet |
		abi.RightFileStatPutTimes | abi.RightFileSymlink | abi.RightFileUnlink |
		abi.RightMemMap | abi.RightMemMapExec | abi.RightPollFDReadwrite |
		abi.RightPollProcTerminate | abi.RightProcExec | abi.RightSockShutdown |
		rights2016

	// rights2016 are those that only the ABI of 2016 has: callers of the vDSO are not
	// told of them, unless their program is of that time.
	rights2016 = abi.RightFileCreateFifo | abi.RightPollModify | abi.RightPollWait |
		abi.RightSockAccept | abi.RightSockBindDirectory | abi.RightSockBindSocket |
		abi.RightSockConnectDirectory | abi.RightSockConnectSocket | abi.RightSockListen |
		abi.RightSockStatGet

	// rightsRawOnly are those of directories.
	rightsRawOnly = abi.RightFileCreateFifo | abi.RightSockBindDirectory | abi.RightSockConnectDirectory

	rightsDirectory = rightsRawOnly | rightsDirectory2020

	rightsDirectory2020 = abi.RightFDStatPutFlags | abi.RightFDSync |
		abi.RightFileAdvise | abi.RightFileCreateDirectory | abi.RightFileCreateFile |
		abi.RightFileLinkSource | abi.RightFileLinkTarget | abi.RightFileOpen |
		abi.RightFileReaddir | abi.RightFileReadlink | abi.RightFileRenameSource |
		abi.RightFileRenameTarget | abi.RightFileStatFget | abi.RightFileStatFputTimes |
		abi.RightFileStatGet | abi.RightFileStatPutTimes | abi.RightFileSymlink |
		abi.RightFileUnlink | abi.RightPollFDReadwrite

	rightsRegular = abi.RightFDDatasync | abi.RightFDRead | abi.RightFDSeek |
		abi.RightFDStatPutFlags | abi.RightFDSync | abi.RightFDTell | abi.RightFDWrite |
		abi.RightFileAdvise | abi.RightFileAllocate | abi.RightFileStatFget |
		abi.RightFileStatFputSize | abi.RightFileStatFputTimes | abi.RightMemMap |
		abi.RightMemMapExec | abi.RightPollFDReadwrite | abi.RightProcExec

	rightsSharedMemory = abi.RightFDRead | abi.RightFDWrite | abi.RightFileStatFget |
		abi.RightFileStatFputSize | abi.RightMemMap | abi.RightMemMapExec

	rightsPoll = abi.RightFileStatFget | abi.RightPollModify | abi.RightPollWait

	rightsTTY = abi.RightFDRead | abi.RightFDStatPutFlags | abi.RightFDWrite |
		abi.RightFileStatFget | abi.RightPollFDReadwrite

	// One end of a pipe has these and the right to read or to write.
	rightsFifo = abi.RightFDStatPutFlags | abi.RightFileStatFget | abi.RightPollFDReadwrite

	rightsSocket = rightsTTY | abi.RightSockShutdown | abi.RightSockAccept |
		abi.RightSockBindSocket | abi.RightSockConnectSocket | abi.RightSockListen |
		abi.RightSockStatGet

	rightsProcess = abi.RightFileStatFget | abi.RightPollProcTerminate
)

// typeRights returns the guest's type of a host object and the rights a
// descriptor of it starts with; ok is false for objects that have no type in the
// ABI. A pipe is a stream, as upstream has it.
func typeRights(k host.FileKind) (t abi.Filetype, base, inheriting abi.Rights, ok bool) {
	switch k {
	case host.KindBlockDevice:
		return abi.FiletypeBlockDevice, rightsAll, rightsAll, true
	case host.KindCharDevice:
		return abi.FiletypeCharacterDevice, rightsAll, rightsAll, true
	case host.KindTTY:
		return abi.FiletypeCharacterDevice, rightsTTY, 0, true
	case host.KindDirectory:
		return abi.FiletypeDirectory, rightsDirectory, rightsDirectory | rightsRegular, true
	case host.KindRegular:
		return abi.FiletypeRegularFile, rightsRegular, 0, true
	case host.KindPipe, host.KindStreamSocket:
		return abi.FiletypeSocketStream, rightsSocket, rightsAll, true
	case host.KindDatagramSocket:
		return abi.FiletypeSocketDgram, rightsSocket, rightsAll, true
	case host.KindSeqpacketSocket:
		return abi.FiletypeSocketSeqpacket, rightsSocket, rightsAll, true
	case host.KindSharedMemory:
		return abi.FiletypeSharedMemory, rightsSharedMemory, 0, true
	case host.KindProcess:
		return abi.FiletypeProcess, rightsProcess, 0, true
	}
	return abi.FiletypeUnknown, 0, 0, false
}
