package abi

// This file: the values of sockets.
// Source: both ABI files, sections of the same names.

// Sdflags choose the directions that sock_shutdown closes.
type Sdflags uint8

// Values of Sdflags.
const (
	ShutRD Sdflags = 0x01
	ShutWR Sdflags = 0x02
)

var sdflagsNames = []valueName{
	{uint64(ShutRD), "SHUT_RD"},
	{uint64(ShutWR), "SHUT_WR"},
}

// String gives the ABI names of the set bits, joined by "|"; "0" for none; unknown bits in hexadecimal.
func (v Sdflags) String() string { return flagsString(uint64(v), sdflagsNames) }

// Siflags are the flags of sock_send. 2020-09 defines none; 2016-08 programs may set MsgEor.
type Siflags uint16

// String gives the ABI names of the set bits, joined by "|"; "0" for none; unknown bits in hexadecimal.
func (v Siflags) String() string { return flagsString(uint64(v), nil) }

// Riflags are the flags given to sock_recv.
type Riflags uint16

// Values of Riflags.
const (
	SockRecvPeek    Riflags = 0x04
	SockRecvWaitall Riflags = 0x10
)

var riflagsNames = []valueName{
	{uint64(SockRecvPeek), "SOCK_RECV_PEEK"},
	{uint64(SockRecvWaitall), "SOCK_RECV_WAITALL"},
}

// String gives the ABI names of the set bits, joined by "|"; "0" for none; unknown bits in hexadecimal.
func (v Riflags) String() string { return flagsString(uint64(v), riflagsNames) }

// Roflags are the flags sock_recv returns.
type Roflags uint16

// Values of Roflags.
const (
	SockRecvFDsTruncated  Roflags = 0x01
	SockRecvDataTruncated Roflags = 0x08
)

var roflagsNames = []valueName{
	{uint64(SockRecvFDsTruncated), "SOCK_RECV_FDS_TRUNCATED"},
	{uint64(SockRecvDataTruncated), "SOCK_RECV_DATA_TRUNCATED"},
}

// String gives the ABI names of the set bits, joined by "|"; "0" for none; unknown bits in hexadecimal.
func (v Roflags) String() string { return flagsString(uint64(v), roflagsNames) }

// Msgflags are the flags of sock_send and sock_recv in 2016-08; Riflags, Roflags and Siflags replace them in 2020-09 with the same bits.
type Msgflags uint16

// Values of Msgflags.
const (
	MsgCtrunc  Msgflags = 0x01
	MsgEor     Msgflags = 0x02
	MsgPeek    Msgflags = 0x04
	MsgTrunc   Msgflags = 0x08
	MsgWaitall Msgflags = 0x10
)

var msgflagsNames = []valueName{
	{uint64(MsgCtrunc), "MSG_CTRUNC"},
	{uint64(MsgEor), "MSG_EOR"},
	{uint64(MsgPeek), "MSG_PEEK"},
	{uint64(MsgTrunc), "MSG_TRUNC"},
	{uint64(MsgWaitall), "MSG_WAITALL"},
}

// String gives the ABI names of the set bits, joined by "|"; "0" for none; unknown bits in hexadecimal.
func (v Msgflags) String() string { return flagsString(uint64(v), msgflagsNames) }

// SaFamily is the family of a Sockaddr (2016-08 only).
type SaFamily uint8

// Values of SaFamily.
const (
	AFUnspec SaFamily = 0
	AFInet   SaFamily = 1
	AFInet6  SaFamily = 2
	AFUnix   SaFamily = 3
)

var saFamilyNames = []valueName{
	{uint64(AFUnspec), "AF_UNSPEC"},
	{uint64(AFInet), "AF_INET"},
	{uint64(AFInet6), "AF_INET6"},
	{uint64(AFUnix), "AF_UNIX"},
}

// String gives the ABI name, or the type and number of an unknown value.
func (v SaFamily) String() string { return enumString(uint64(v), saFamilyNames, "SaFamily") }

// Ssflags are the flags of sock_stat_get (2016-08 only).
type Ssflags uint8

// Values of Ssflags.
const (
	SockstatClearError Ssflags = 0x01
)

var ssflagsNames = []valueName{
	{uint64(SockstatClearError), "SOCKSTAT_CLEAR_ERROR"},
}

// String gives the ABI names of the set bits, joined by "|"; "0" for none; unknown bits in hexadecimal.
func (v Ssflags) String() string { return flagsString(uint64(v), ssflagsNames) }

// Sstate is the state of a socket in Sockstat (2016-08 only).
type Sstate uint32

// Values of Sstate.
const (
	SockstateAcceptconn Sstate = 0x01
)

var sstateNames = []valueName{
	{uint64(SockstateAcceptconn), "SOCKSTATE_ACCEPTCONN"},
}

// String gives the ABI names of the set bits, joined by "|"; "0" for none; unknown bits in hexadecimal.
func (v Sstate) String() string { return flagsString(uint64(v), sstateNames) }
