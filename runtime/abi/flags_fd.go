package abi

// This file: the values that describe descriptors and files.
// Source: both ABI files, sections of the same names.

// Fdflags are the flags of an open descriptor (fdstat.fs_flags).
type Fdflags uint16

// Values of Fdflags.
const (
	FdflagAppend   Fdflags = 0x01
	FdflagDsync    Fdflags = 0x02
	FdflagNonblock Fdflags = 0x04
	FdflagRsync    Fdflags = 0x08
	FdflagSync     Fdflags = 0x10
)

var fdflagsNames = []valueName{
	{uint64(FdflagAppend), "FDFLAG_APPEND"},
	{uint64(FdflagDsync), "FDFLAG_DSYNC"},
	{uint64(FdflagNonblock), "FDFLAG_NONBLOCK"},
	{uint64(FdflagRsync), "FDFLAG_RSYNC"},
	{uint64(FdflagSync), "FDFLAG_SYNC"},
}

// String gives the ABI names of the set bits, joined by "|"; "0" for none; unknown bits in hexadecimal.
func (v Fdflags) String() string { return flagsString(uint64(v), fdflagsNames) }

// Fdsflags choose which fields fd_stat_put applies.
type Fdsflags uint16

// Values of Fdsflags.
const (
	FdsflagFlags  Fdsflags = 0x01
	FdsflagRights Fdsflags = 0x02
)

var fdsflagsNames = []valueName{
	{uint64(FdsflagFlags), "FDSTAT_FLAGS"},
	{uint64(FdsflagRights), "FDSTAT_RIGHTS"},
}

// String gives the ABI names of the set bits, joined by "|"; "0" for none; unknown bits in hexadecimal.
func (v Fdsflags) String() string { return flagsString(uint64(v), fdsflagsNames) }

// Fsflags choose which fields file_stat_put and file_stat_fput apply.
type Fsflags uint16

// Values of Fsflags.
const (
	FsflagAtim    Fsflags = 0x01
	FsflagAtimNow Fsflags = 0x02
	FsflagMtim    Fsflags = 0x04
	FsflagMtimNow Fsflags = 0x08
	FsflagSize    Fsflags = 0x10
)

var fsflagsNames = []valueName{
	{uint64(FsflagAtim), "FILESTAT_ATIM"},
	{uint64(FsflagAtimNow), "FILESTAT_ATIM_NOW"},
	{uint64(FsflagMtim), "FILESTAT_MTIM"},
	{uint64(FsflagMtimNow), "FILESTAT_MTIM_NOW"},
	{uint64(FsflagSize), "FILESTAT_SIZE"},
}

// String gives the ABI names of the set bits, joined by "|"; "0" for none; unknown bits in hexadecimal.
func (v Fsflags) String() string { return flagsString(uint64(v), fsflagsNames) }

// Filetype is the type of a descriptor or of a file.
type Filetype uint8

// Values of Filetype.
const (
	FiletypeUnknown         Filetype = 0x00
	FiletypeBlockDevice     Filetype = 0x10
	FiletypeCharacterDevice Filetype = 0x11
	FiletypeDirectory       Filetype = 0x20
	FiletypeFifo            Filetype = 0x30 // 2016-08 only
	FiletypePoll            Filetype = 0x40 // 2016-08 only
	FiletypeProcess         Filetype = 0x50
	FiletypeRegularFile     Filetype = 0x60
	FiletypeSharedMemory    Filetype = 0x70
	FiletypeSocketDgram     Filetype = 0x80
	FiletypeSocketSeqpacket Filetype = 0x81 // 2016-08 only
	FiletypeSocketStream    Filetype = 0x82
	FiletypeSymbolicLink    Filetype = 0x90
)

var filetypeNames = []valueName{
	{uint64(FiletypeUnknown), "FILETYPE_UNKNOWN"},
	{uint64(FiletypeBlockDevice), "FILETYPE_BLOCK_DEVICE"},
	{uint64(FiletypeCharacterDevice), "FILETYPE_CHARACTER_DEVICE"},
	{uint64(FiletypeDirectory), "FILETYPE_DIRECTORY"},
	{uint64(FiletypeFifo), "FILETYPE_FIFO"},
	{uint64(FiletypePoll), "FILETYPE_POLL"},
	{uint64(FiletypeProcess), "FILETYPE_PROCESS"},
	{uint64(FiletypeRegularFile), "FILETYPE_REGULAR_FILE"},
	{uint64(FiletypeSharedMemory), "FILETYPE_SHARED_MEMORY"},
	{uint64(FiletypeSocketDgram), "FILETYPE_SOCKET_DGRAM"},
	{uint64(FiletypeSocketSeqpacket), "FILETYPE_SOCKET_SEQPACKET"},
	{uint64(FiletypeSocketStream), "FILETYPE_SOCKET_STREAM"},
	{uint64(FiletypeSymbolicLink), "FILETYPE_SYMBOLIC_LINK"},
}

// String gives the ABI name, or the type and number of an unknown value.
func (v Filetype) String() string { return enumString(uint64(v), filetypeNames, "Filetype") }

// Lookupflags say how the last component of a path is resolved.
type Lookupflags uint32

// Values of Lookupflags.
const (
	LookupSymlinkFollow Lookupflags = 1
)

var lookupflagsNames = []valueName{
	{uint64(LookupSymlinkFollow), "LOOKUP_SYMLINK_FOLLOW"},
}

// String gives the ABI names of the set bits, joined by "|"; "0" for none; unknown bits in hexadecimal.
func (v Lookupflags) String() string { return flagsString(uint64(v), lookupflagsNames) }

// Oflags are the creation flags of file_open.
type Oflags uint16

// Values of Oflags.
const (
	OCreat     Oflags = 0x01
	ODirectory Oflags = 0x02
	OExcl      Oflags = 0x04
	OTrunc     Oflags = 0x08
)

var oflagsNames = []valueName{
	{uint64(OCreat), "O_CREAT"},
	{uint64(ODirectory), "O_DIRECTORY"},
	{uint64(OExcl), "O_EXCL"},
	{uint64(OTrunc), "O_TRUNC"},
}

// String gives the ABI names of the set bits, joined by "|"; "0" for none; unknown bits in hexadecimal.
func (v Oflags) String() string { return flagsString(uint64(v), oflagsNames) }

// Ulflags are the flags of file_unlink.
type Ulflags uint8

// Values of Ulflags.
const (
	UnlinkRemovedir Ulflags = 0x01
)

var ulflagsNames = []valueName{
	{uint64(UnlinkRemovedir), "UNLINK_REMOVEDIR"},
}

// String gives the ABI names of the set bits, joined by "|"; "0" for none; unknown bits in hexadecimal.
func (v Ulflags) String() string { return flagsString(uint64(v), ulflagsNames) }

// Whence is the origin of fd_seek. The order differs from POSIX.
type Whence uint8

// Values of Whence.
const (
	WhenceCur Whence = 1
	WhenceEnd Whence = 2
	WhenceSet Whence = 3
)

var whenceNames = []valueName{
	{uint64(WhenceCur), "WHENCE_CUR"},
	{uint64(WhenceEnd), "WHENCE_END"},
	{uint64(WhenceSet), "WHENCE_SET"},
}

// String gives the ABI name, or the type and number of an unknown value.
func (v Whence) String() string { return enumString(uint64(v), whenceNames, "Whence") }

// Advice tells the system how memory or a file will be accessed.
type Advice uint8

// Values of Advice.
const (
	AdviceDontneed   Advice = 1
	AdviceNoreuse    Advice = 2
	AdviceNormal     Advice = 3
	AdviceRandom     Advice = 4
	AdviceSequential Advice = 5
	AdviceWillneed   Advice = 6
)

var adviceNames = []valueName{
	{uint64(AdviceDontneed), "ADVICE_DONTNEED"},
	{uint64(AdviceNoreuse), "ADVICE_NOREUSE"},
	{uint64(AdviceNormal), "ADVICE_NORMAL"},
	{uint64(AdviceRandom), "ADVICE_RANDOM"},
	{uint64(AdviceSequential), "ADVICE_SEQUENTIAL"},
	{uint64(AdviceWillneed), "ADVICE_WILLNEED"},
}

// String gives the ABI name, or the type and number of an unknown value.
func (v Advice) String() string { return enumString(uint64(v), adviceNames, "Advice") }
