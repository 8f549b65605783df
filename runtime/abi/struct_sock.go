package abi

// Sizes in bytes of the structures of socket calls.
const (
	RecvInSize   = 40
	RecvOutSize  = 64
	SendInSize   = 40
	SendOutSize  = 8
	SockaddrSize = 20
	SockstatSize = 48
)

// RecvIn is sock_recv's input.
//
//	offset 0 ri_data u64, 8 ri_data_len u64, 16 ri_fds u64, 24 ri_fds_len u64, 32 ri_flags u16
type RecvIn struct {
	Data    uint64 // guest address of DataLen Iovecs
	DataLen uint64
	FDs     uint64 // guest address of room for FDsLen descriptors, 4 bytes each
	FDsLen  uint64
	Flags   Riflags
}

// Encode writes r to b[:RecvInSize], padding as zero.
func (r *RecvIn) Encode(b []byte) {
	encodeMessage(b[:RecvInSize], r.Data, r.DataLen, r.FDs, r.FDsLen, uint16(r.Flags))
}

// Decode reads r from b[:RecvInSize].
func (r *RecvIn) Decode(b []byte) {
	b = b[:RecvInSize]
	*r = RecvIn{get64(b), get64(b[8:]), get64(b[16:]), get64(b[24:]), Riflags(get16(b[32:]))}
}

// SendIn is sock_send's input, laid out as RecvIn.
type SendIn struct {
	Data    uint64 // guest address of DataLen Iovecs
	DataLen uint64
	FDs     uint64 // guest address of FDsLen descriptors, 4 bytes each
	FDsLen  uint64
	Flags   Siflags // 2020-09: none defined; 2016-08: Msgflags
}

// Encode writes s to b[:SendInSize], padding as zero.
func (s *SendIn) Encode(b []byte) {
	encodeMessage(b[:SendInSize], s.Data, s.DataLen, s.FDs, s.FDsLen, uint16(s.Flags))
}

// Decode reads s from b[:SendInSize].
func (s *SendIn) Decode(b []byte) {
	b = b[:SendInSize]
	*s = SendIn{get64(b), get64(b[8:]), get64(b[16:]), get64(b[24:]), Siflags(get16(b[32:]))}
}

func encodeMessage(b []byte, data, dataLen, fds, fdsLen uint64, flags uint16) {
	clear(b)
	put64(b, data)
	put64(b[8:], dataLen)
	put64(b[16:], fds)
	put64(b[24:], fdsLen)
	put16(b[32:], flags)
}

// RecvOut is sock_recv's output.
//
//	offset 0 ro_datalen u64, 8 ro_fdslen u64, 16 ro_sockname and 36 ro_peername (2016-08; unused in 2020-09), 56 ro_flags u16
type RecvOut struct {
	Datalen            uint64 // bytes stored
	FDslen             uint64 // descriptors stored
	Sockname, Peername Sockaddr
	Flags              Roflags
}

// Encode writes r to b[:RecvOutSize], padding as zero.
func (r *RecvOut) Encode(b []byte) {
	b = zeroed(b, RecvOutSize)
	put64(b, r.Datalen)
	put64(b[8:], r.FDslen)
	r.Sockname.Encode(b[16:])
	r.Peername.Encode(b[36:])
	put16(b[56:], uint16(r.Flags))
}

// Decode reads r from b[:RecvOutSize].
func (r *RecvOut) Decode(b []byte) {
	b = b[:RecvOutSize]
	*r = RecvOut{Datalen: get64(b), FDslen: get64(b[8:]), Flags: Roflags(get16(b[56:]))}
	r.Sockname.Decode(b[16:])
	r.Peername.Decode(b[36:])
}

// SendOut is sock_send's output.
type SendOut struct {
	Datalen uint64 // bytes sent
}

// Encode writes s to b[:SendOutSize].
func (s *SendOut) Encode(b []byte) { put64(b[:SendOutSize], s.Datalen) }

// Decode reads s from b[:SendOutSize].
func (s *SendOut) Decode(b []byte) { s.Datalen = get64(b[:SendOutSize]) }

// Sockaddr is a socket address (2016-08 only). The zero value means an unknown family.
//
//	offset 0 sa_family u8; inet: 2 addr 4 bytes, 6 port u16; inet6: 2 addr 16 bytes, 18 port u16
type Sockaddr struct {
	Family SaFamily
	Addr   [16]byte // network order; the first 4 bytes for AFInet
	Port   uint16   // host order
}

// Encode writes a to b[:SockaddrSize], unused bytes as zero.
func (a *Sockaddr) Encode(b []byte) {
	b = zeroed(b, SockaddrSize)
	b[0] = byte(a.Family)
	switch a.Family {
	case AFInet:
		copy(b[2:6], a.Addr[:4])
		put16(b[6:], a.Port)
	case AFInet6:
		copy(b[2:18], a.Addr[:])
		put16(b[18:], a.Port)
	}
}

// Decode reads a from b[:SockaddrSize].
func (a *Sockaddr) Decode(b []byte) {
	b = b[:SockaddrSize]
	*a = Sockaddr{Family: SaFamily(b[0])}
	switch a.Family {
	case AFInet:
		copy(a.Addr[:4], b[2:6])
		a.Port = get16(b[6:])
	case AFInet6:
		copy(a.Addr[:], b[2:18])
		a.Port = get16(b[18:])
	}
}

// Sockstat is the output of sock_stat_get and sock_accept (2016-08 only).
//
//	offset 0 ss_sockname, 20 ss_peername, 40 ss_error u16, 44 ss_state u32
type Sockstat struct {
	Sockname, Peername Sockaddr
	Error              Errno
	State              Sstate
}

// Encode writes s to b[:SockstatSize], padding as zero.
func (s *Sockstat) Encode(b []byte) {
	b = zeroed(b, SockstatSize)
	s.Sockname.Encode(b)
	s.Peername.Encode(b[20:])
	put16(b[40:], uint16(s.Error))
	put32(b[44:], uint32(s.State))
}

// Decode reads s from b[:SockstatSize].
func (s *Sockstat) Decode(b []byte) {
	b = b[:SockstatSize]
	s.Sockname.Decode(b)
	s.Peername.Decode(b[20:])
	s.Error, s.State = Errno(get16(b[40:])), Sstate(get32(b[44:]))
}
