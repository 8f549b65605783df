package host

// MaxMessageFDs is the most descriptors that the host lets travel with one
// message (SCM_MAX_FD of Linux).
const MaxMessageFDs = 253

// MessageFlags are the flags of one transfer on a socket, given and returned.
type MessageFlags uint8

const (
	MsgPeek         MessageFlags = 1 << iota // leave the message where it is
	MsgWaitAll                               // wait for as much as fits
	MsgDontWait                              // EAGAIN instead of sleeping
	MsgEndOfRecord                           // the message ends, or ended, a record
	MsgTruncated                             // returned: the message was longer
	MsgFDsTruncated                          // returned: there were descriptors that had no room
)

// An Address is the name of a socket as far as the guest can be told.
type Address struct {
	Family AddressFamily
	IP     [16]byte // network order; the first 4 bytes for IPv4
	Port   uint16
}

// AddressFamily is the kind of an Address.
type AddressFamily uint8

const (
	FamilyUnknown AddressFamily = iota
	FamilyLocal                 // a UNIX socket, whatever its path
	FamilyIPv4
	FamilyIPv6
)
