package abi

// Type is an ABI type as it occurs in the parameters and results of calls.
type Type uint8

// Types, scalars first. TypeVoid and TypeChar stand behind pointers only; their size is that of a byte.
const (
	TypeVoid Type = iota
	TypeChar
	TypeSize
	TypeAdvice
	TypeBacklog
	TypeClockid
	TypeCondvar
	TypeDircookie
	TypeExitcode
	TypeFD
	TypeFdsflags
	TypeFiledelta
	TypeFilesize
	TypeFiletype
	TypeFsflags
	TypeLock
	TypeMflags
	TypeMprot
	TypeMsflags
	TypeNthreads
	TypeOflags
	TypeScope
	TypeSdflags
	TypeSignal
	TypeSsflags
	TypeTID
	TypeTimestamp
	TypeUlflags
	TypeWhence

	TypeLookup
	TypeIovec
	TypeCiovec
	TypeEvent
	TypeFdstat
	TypeFilestat
	TypeRecvIn
	TypeRecvOut
	TypeSendIn
	TypeSendOut
	TypeSockstat
	TypeSubscription
	TypeThreadattr
)

var typeTable = [...]struct {
	name string
	size int
}{
	TypeVoid:         {"void", 1},
	TypeChar:         {"char", 1},
	TypeSize:         {"size", 8},
	TypeAdvice:       {"advice", 1},
	TypeBacklog:      {"backlog", 4},
	TypeClockid:      {"clockid", 4},
	TypeCondvar:      {"condvar", 4},
	TypeDircookie:    {"dircookie", 8},
	TypeExitcode:     {"exitcode", 4},
	TypeFD:           {"fd", 4},
	TypeFdsflags:     {"fdsflags", 2},
	TypeFiledelta:    {"filedelta", 8},
	TypeFilesize:     {"filesize", 8},
	TypeFiletype:     {"filetype", 1},
	TypeFsflags:      {"fsflags", 2},
	TypeLock:         {"lock", 4},
	TypeMflags:       {"mflags", 1},
	TypeMprot:        {"mprot", 1},
	TypeMsflags:      {"msflags", 1},
	TypeNthreads:     {"nthreads", 4},
	TypeOflags:       {"oflags", 2},
	TypeScope:        {"scope", 1},
	TypeSdflags:      {"sdflags", 1},
	TypeSignal:       {"signal", 1},
	TypeSsflags:      {"ssflags", 1},
	TypeTID:          {"tid", 4},
	TypeTimestamp:    {"timestamp", 8},
	TypeUlflags:      {"ulflags", 1},
	TypeWhence:       {"whence", 1},
	TypeLookup:       {"lookup", LookupSize},
	TypeIovec:        {"iovec", IovecSize},
	TypeCiovec:       {"ciovec", IovecSize},
	TypeEvent:        {"event", EventSize},
	TypeFdstat:       {"fdstat", FdstatSize},
	TypeFilestat:     {"filestat", FilestatSize},
	TypeRecvIn:       {"recv_in", RecvInSize},
	TypeRecvOut:      {"recv_out", RecvOutSize},
	TypeSendIn:       {"send_in", SendInSize},
	TypeSendOut:      {"send_out", SendOutSize},
	TypeSockstat:     {"sockstat", SockstatSize},
	TypeSubscription: {"subscription", SubscriptionSize},
	TypeThreadattr:   {"threadattr", ThreadattrSize},
}

// Size is the size in bytes of one object of the type.
func (t Type) Size() int { return typeTable[t].size }

// String is the ABI's name of the type.
func (t Type) String() string { return typeTable[t].name }
