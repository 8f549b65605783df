package abi

// Sizes in bytes of the structures of poll.
const (
	SubscriptionSize = 56
	EventSize        = 32
)

// Subscription is one element of poll's input. Type says which of the other fields mean something; Encode writes and Decode
// reads only those.
//
//	offset 0 userdata u64, 8 unused u16 (2016-08: flags), 10 type u8, then by type:
//	clock           16 identifier u64, 24 clock_id u32, 32 timeout u64, 40 precision u64, 48 flags u16
//	condvar         16 condvar u64, 24 lock u64, 32 condvar_scope u8, 33 lock_scope u8
//	fd_read/write   16 fd u32, 20 flags u16
//	lock_rd/wrlock  16 lock u64, 24 lock_scope u8
//	proc_terminate  16 fd u32
type Subscription struct {
	Userdata Userdata
	Flags    Subflags // poll_fd of 2016-08 only; to be ignored by poll
	Type     Eventtype

	Clock         SubClock         // EventtypeClock
	Condvar       SubCondvar       // EventtypeCondvar
	FDReadwrite   SubFDReadwrite   // EventtypeFDRead, EventtypeFDWrite
	Lock          SubLock          // EventtypeLockRdlock, EventtypeLockWrlock
	ProcTerminate SubProcTerminate // EventtypeProcTerminate
}

// SubClock waits until a clock reaches a time.
type SubClock struct {
	Identifier Userdata // identifies the timer among those of one polling queue (2016-08)
	ClockID    Clockid
	Timeout    Timestamp // relative, unless Flags has SubscriptionClockAbstime
	Precision  Timestamp // how much later the event may come
	Flags      Subclockflags
}

// SubCondvar releases a lock, waits for a condition variable, and acquires the lock again for writing.
type SubCondvar struct {
	Condvar      uint64 // guest address of a Condvar
	Lock         uint64 // guest address of a Lock
	CondvarScope Scope
	LockScope    Scope
}

// SubFDReadwrite waits for a descriptor to become readable or writable.
type SubFDReadwrite struct {
	FD    FD
	Flags Subrwflags
}

// SubLock acquires a lock for reading or writing.
type SubLock struct {
	Lock  uint64 // guest address of a Lock
	Scope Scope
}

// SubProcTerminate waits for a process to end.
type SubProcTerminate struct {
	FD FD
}

// Encode writes s to b[:SubscriptionSize], unused bytes as zero.
func (s *Subscription) Encode(b []byte) {
	b = zeroed(b, SubscriptionSize)
	put64(b, uint64(s.Userdata))
	put16(b[8:], uint16(s.Flags))
	b[10] = byte(s.Type)
	switch s.Type {
	case EventtypeClock:
		put64(b[16:], uint64(s.Clock.Identifier))
		put32(b[24:], uint32(s.Clock.ClockID))
		put64(b[32:], uint64(s.Clock.Timeout))
		put64(b[40:], uint64(s.Clock.Precision))
		put16(b[48:], uint16(s.Clock.Flags))
	case EventtypeCondvar:
		put64(b[16:], s.Condvar.Condvar)
		put64(b[24:], s.Condvar.Lock)
		b[32], b[33] = byte(s.Condvar.CondvarScope), byte(s.Condvar.LockScope)
	case EventtypeFDRead, EventtypeFDWrite:
		put32(b[16:], uint32(s.FDReadwrite.FD))
		put16(b[20:], uint16(s.FDReadwrite.Flags))
	case EventtypeLockRdlock, EventtypeLockWrlock:
		put64(b[16:], s.Lock.Lock)
		b[24] = byte(s.Lock.Scope)
	case EventtypeProcTerminate:
		put32(b[16:], uint32(s.ProcTerminate.FD))
	}
}

// Decode reads s from b[:SubscriptionSize]. An unknown Type leaves all variants zero.
func (s *Subscription) Decode(b []byte) {
	b = b[:SubscriptionSize]
	*s = Subscription{Userdata: Userdata(get64(b)), Flags: Subflags(get16(b[8:])), Type: Eventtype(b[10])}
	switch s.Type {
	case EventtypeClock:
		s.Clock = SubClock{Userdata(get64(b[16:])), Clockid(get32(b[24:])), Timestamp(get64(b[32:])),
			Timestamp(get64(b[40:])), Subclockflags(get16(b[48:]))}
	case EventtypeCondvar:
		s.Condvar = SubCondvar{get64(b[16:]), get64(b[24:]), Scope(b[32]), Scope(b[33])}
	case EventtypeFDRead, EventtypeFDWrite:
		s.FDReadwrite = SubFDReadwrite{FD(get32(b[16:])), Subrwflags(get16(b[20:]))}
	case EventtypeLockRdlock, EventtypeLockWrlock:
		s.Lock = SubLock{get64(b[16:]), Scope(b[24])}
	case EventtypeProcTerminate:
		s.ProcTerminate = SubProcTerminate{FD(get32(b[16:]))}
	}
}

// Event is one element of poll's output.
//
//	offset 0 userdata u64, 8 error u16, 10 type u8, then by type:
//	clock           16 identifier u64 (2016-08; unused in 2020-09)
//	condvar         16 condvar u64 (2016-08)
//	fd_read/write   16 nbytes u64, 24 fd u32 (2016-08), 28 flags u16
//	lock_rd/wrlock  16 lock u64 (2016-08)
//	proc_terminate  16 fd u32 (2016-08), 20 signal u8, 24 exitcode u32
//
// 2020-09 calls the fields marked 2016-08 unused or leaves them out. Filling them is right in both.
type Event struct {
	Userdata Userdata // copied from the subscription
	Error    Errno    // why the subscription could not be served
	Type     Eventtype

	Ident    uint64       // clock: identifier; condvar, lock: guest address (2016-08)
	FD       FD           // fd_read, fd_write, proc_terminate: the subscription's descriptor (2016-08)
	Nbytes   Filesize     // fd_read, fd_write
	Flags    Eventrwflags // fd_read, fd_write
	Signal   Signal       // proc_terminate: 0 if the process exited
	Exitcode Exitcode     // proc_terminate
}

// Encode writes e to b[:EventSize], unused bytes as zero.
func (e *Event) Encode(b []byte) {
	b = zeroed(b, EventSize)
	put64(b, uint64(e.Userdata))
	put16(b[8:], uint16(e.Error))
	b[10] = byte(e.Type)
	switch e.Type {
	case EventtypeClock, EventtypeCondvar, EventtypeLockRdlock, EventtypeLockWrlock:
		put64(b[16:], e.Ident)
	case EventtypeFDRead, EventtypeFDWrite:
		put64(b[16:], uint64(e.Nbytes))
		put32(b[24:], uint32(e.FD))
		put16(b[28:], uint16(e.Flags))
	case EventtypeProcTerminate:
		put32(b[16:], uint32(e.FD))
		b[20] = byte(e.Signal)
		put32(b[24:], uint32(e.Exitcode))
	}
}

// Decode reads e from b[:EventSize]. An unknown Type leaves the variant fields zero.
func (e *Event) Decode(b []byte) {
	b = b[:EventSize]
	*e = Event{Userdata: Userdata(get64(b)), Error: Errno(get16(b[8:])), Type: Eventtype(b[10])}
	switch e.Type {
	case EventtypeClock, EventtypeCondvar, EventtypeLockRdlock, EventtypeLockWrlock:
		e.Ident = get64(b[16:])
	case EventtypeFDRead, EventtypeFDWrite:
		e.Nbytes, e.FD, e.Flags = Filesize(get64(b[16:])), FD(get32(b[24:])), Eventrwflags(get16(b[28:]))
	case EventtypeProcTerminate:
		e.FD, e.Signal, e.Exitcode = FD(get32(b[16:])), Signal(b[20]), Exitcode(get32(b[24:]))
	}
}
