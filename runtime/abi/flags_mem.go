package abi

// This file: the values that describe memory, locks and process start.
// Source: both ABI files, sections of the same names.

// Mprot is the protection of a page. Write and exec together are refused by the ABI.
type Mprot uint8

// Values of Mprot.
const (
	ProtExec  Mprot = 0x01
	ProtWrite Mprot = 0x02
	ProtRead  Mprot = 0x04
)

var mprotNames = []valueName{
	{uint64(ProtExec), "PROT_EXEC"},
	{uint64(ProtWrite), "PROT_WRITE"},
	{uint64(ProtRead), "PROT_READ"},
}

// String gives the ABI names of the set bits, joined by "|"; "0" for none; unknown bits in hexadecimal.
func (v Mprot) String() string { return flagsString(uint64(v), mprotNames) }

// Mflags are the flags of mem_map.
type Mflags uint8

// Values of Mflags.
const (
	MapAnon    Mflags = 0x01
	MapFixed   Mflags = 0x02
	MapPrivate Mflags = 0x04
	MapShared  Mflags = 0x08
)

var mflagsNames = []valueName{
	{uint64(MapAnon), "MAP_ANON"},
	{uint64(MapFixed), "MAP_FIXED"},
	{uint64(MapPrivate), "MAP_PRIVATE"},
	{uint64(MapShared), "MAP_SHARED"},
}

// String gives the ABI names of the set bits, joined by "|"; "0" for none; unknown bits in hexadecimal.
func (v Mflags) String() string { return flagsString(uint64(v), mflagsNames) }

// Msflags are the flags of mem_sync.
type Msflags uint8

// Values of Msflags.
const (
	MsAsync      Msflags = 0x01
	MsInvalidate Msflags = 0x02
	MsSync       Msflags = 0x04
)

var msflagsNames = []valueName{
	{uint64(MsAsync), "MS_ASYNC"},
	{uint64(MsInvalidate), "MS_INVALIDATE"},
	{uint64(MsSync), "MS_SYNC"},
}

// String gives the ABI names of the set bits, joined by "|"; "0" for none; unknown bits in hexadecimal.
func (v Msflags) String() string { return flagsString(uint64(v), msflagsNames) }

// Scope says whether a lock or condition variable lies in private or shared memory.
type Scope uint8

// Values of Scope.
const (
	ScopePrivate Scope = 0x04
	ScopeShared  Scope = 0x08
)

var scopeNames = []valueName{
	{uint64(ScopePrivate), "SCOPE_PRIVATE"},
	{uint64(ScopeShared), "SCOPE_SHARED"},
}

// String gives the ABI name, or the type and number of an unknown value.
func (v Scope) String() string { return enumString(uint64(v), scopeNames, "Scope") }

// Auxtype is the key of an auxiliary vector entry. AT_PHNUM is 4 here, not 5 as on Linux.
type Auxtype uint32

// Values of Auxtype.
const (
	ATNull        Auxtype = 0
	ATPhdr        Auxtype = 3
	ATPhnum       Auxtype = 4
	ATPagesz      Auxtype = 6
	ATBase        Auxtype = 7
	ATArgdata     Auxtype = 256
	ATArgdatalen  Auxtype = 257
	ATCanary      Auxtype = 258
	ATCanarylen   Auxtype = 259
	ATNcpus       Auxtype = 260
	ATTID         Auxtype = 261
	ATSysinfoEhdr Auxtype = 262
	ATPID         Auxtype = 263
)

var auxtypeNames = []valueName{
	{uint64(ATNull), "AT_NULL"},
	{uint64(ATPhdr), "AT_PHDR"},
	{uint64(ATPhnum), "AT_PHNUM"},
	{uint64(ATPagesz), "AT_PAGESZ"},
	{uint64(ATBase), "AT_BASE"},
	{uint64(ATArgdata), "AT_ARGDATA"},
	{uint64(ATArgdatalen), "AT_ARGDATALEN"},
	{uint64(ATCanary), "AT_CANARY"},
	{uint64(ATCanarylen), "AT_CANARYLEN"},
	{uint64(ATNcpus), "AT_NCPUS"},
	{uint64(ATTID), "AT_TID"},
	{uint64(ATSysinfoEhdr), "AT_SYSINFO_EHDR"},
	{uint64(ATPID), "AT_PID"},
}

// String gives the ABI name, or the type and number of an unknown value.
func (v Auxtype) String() string { return enumString(uint64(v), auxtypeNames, "Auxtype") }
