package abi

// Sizes in bytes of the structures that describe descriptors and files.
const (
	FdstatSize   = 24
	FilestatSize = 56
	DirentSize   = 24
	IovecSize    = 16
	LookupSize   = 8
)

// Fdstat holds the attributes of a descriptor.
//
//	offset 0 fs_filetype u8, 2 fs_flags u16, 8 fs_rights_base u64, 16 fs_rights_inheriting u64
type Fdstat struct {
	Filetype         Filetype
	Flags            Fdflags
	RightsBase       Rights // what may be done with the descriptor itself
	RightsInheriting Rights // upper bound for descriptors made from it
}

// Encode writes s to b[:FdstatSize], padding as zero.
func (s *Fdstat) Encode(b []byte) {
	b = zeroed(b, FdstatSize)
	b[0] = byte(s.Filetype)
	put16(b[2:], uint16(s.Flags))
	put64(b[8:], uint64(s.RightsBase))
	put64(b[16:], uint64(s.RightsInheriting))
}

// Decode reads s from b[:FdstatSize].
func (s *Fdstat) Decode(b []byte) {
	b = b[:FdstatSize]
	*s = Fdstat{Filetype(b[0]), Fdflags(get16(b[2:])), Rights(get64(b[8:])), Rights(get64(b[16:]))}
}

// Filestat holds the attributes of a file.
//
//	offset 0 st_dev u64, 8 st_ino u64, 16 st_filetype u8, 20 st_nlink u32, 24 st_size u64, 32 st_atim u64, 40 st_mtim u64,
//	48 st_ctim u64
type Filestat struct {
	Dev              Device
	Ino              Inode
	Filetype         Filetype
	Nlink            Linkcount
	Size             Filesize
	Atim, Mtim, Ctim Timestamp
}

// Encode writes s to b[:FilestatSize], padding as zero.
func (s *Filestat) Encode(b []byte) {
	b = zeroed(b, FilestatSize)
	put64(b, uint64(s.Dev))
	put64(b[8:], uint64(s.Ino))
	b[16] = byte(s.Filetype)
	put32(b[20:], uint32(s.Nlink))
	put64(b[24:], uint64(s.Size))
	put64(b[32:], uint64(s.Atim))
	put64(b[40:], uint64(s.Mtim))
	put64(b[48:], uint64(s.Ctim))
}

// Decode reads s from b[:FilestatSize].
func (s *Filestat) Decode(b []byte) {
	b = b[:FilestatSize]
	*s = Filestat{
		Dev: Device(get64(b)), Ino: Inode(get64(b[8:])), Filetype: Filetype(b[16]), Nlink: Linkcount(get32(b[20:])),
		Size: Filesize(get64(b[24:])), Atim: Timestamp(get64(b[32:])), Mtim: Timestamp(get64(b[40:])),
		Ctim: Timestamp(get64(b[48:])),
	}
}

// Dirent precedes each name in the output of file_readdir. The name's Namlen bytes follow at once, without a terminator,
// and the next entry follows the name without alignment.
//
//	offset 0 d_next u64, 8 d_ino u64, 16 d_namlen u32, 20 d_type u8
type Dirent struct {
	Next   Dircookie // where file_readdir continues after this entry
	Ino    Inode
	Namlen uint32
	Type   Filetype
}

// Encode writes d to b[:DirentSize], padding as zero.
func (d *Dirent) Encode(b []byte) {
	b = zeroed(b, DirentSize)
	put64(b, uint64(d.Next))
	put64(b[8:], uint64(d.Ino))
	put32(b[16:], d.Namlen)
	b[20] = byte(d.Type)
}

// Decode reads d from b[:DirentSize].
func (d *Dirent) Decode(b []byte) {
	b = b[:DirentSize]
	*d = Dirent{Dircookie(get64(b)), Inode(get64(b[8:])), get32(b[16:]), Filetype(b[20])}
}

// Iovec is a guest buffer; the ABI's ciovec has the same layout.
//
//	offset 0 buf u64, 8 buf_len u64
type Iovec struct {
	Buf uint64 // guest address
	Len uint64 // bytes
}

// Encode writes v to b[:IovecSize].
func (v *Iovec) Encode(b []byte) {
	b = b[:IovecSize]
	put64(b, v.Buf)
	put64(b[8:], v.Len)
}

// Decode reads v from b[:IovecSize].
func (v *Iovec) Decode(b []byte) {
	b = b[:IovecSize]
	*v = Iovec{get64(b), get64(b[8:])}
}

// Lookup is a directory descriptor with the way to resolve a path below it. Calls take it by value in one register.
//
//	offset 0 fd u32, 4 flags u32
type Lookup struct {
	FD    FD
	Flags Lookupflags
}

// LookupFromArg unpacks the register form.
func LookupFromArg(v uint64) Lookup { return Lookup{FD(uint32(v)), Lookupflags(v >> 32)} }

// Arg packs l into the register form.
func (l Lookup) Arg() uint64 { return uint64(l.FD) | uint64(l.Flags)<<32 }
