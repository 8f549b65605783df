package abi

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"testing"
)

// field is a place in a structure, worked out by hand from the C rules (each member at a multiple of its size, the whole
// padded to its widest member), and the value expected there.
type field struct {
	off, size int
	value     uint64
}

type codec interface {
	Encode([]byte)
	Decode([]byte)
}

var (
	inet4 = Sockaddr{Family: AFInet, Addr: [16]byte{1, 2, 3, 4}, Port: 0x5678}
	inet6 = Sockaddr{Family: AFInet6, Addr: [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, Port: 0x9abc}
)

const (
	q1 = 0x1122334455667788
	q2 = 0x2132435465768798
	q3 = 0x8192a3b4c5d6e7f8
	q4 = 0x0f1e2d3c4b5a6978
)

var structTests = []struct {
	name   string
	size   int
	value  codec
	fields []field
}{
	{"fdstat", 24, &Fdstat{FiletypeSocketStream, FdflagNonblock | FdflagSync, q1, q2},
		[]field{{0, 1, 0x82}, {2, 2, 0x14}, {8, 8, q1}, {16, 8, q2}}},
	{"filestat", 56, &Filestat{q1, q2, FiletypeDirectory, 0x12345678, q3, q4, 5, 6},
		[]field{{0, 8, q1}, {8, 8, q2}, {16, 1, 0x20}, {20, 4, 0x12345678}, {24, 8, q3}, {32, 8, q4}, {40, 8, 5}, {48, 8, 6}}},
	{"dirent", 24, &Dirent{q1, q2, 0x12345678, FiletypeSymbolicLink},
		[]field{{0, 8, q1}, {8, 8, q2}, {16, 4, 0x12345678}, {20, 1, 0x90}}},
	{"iovec", 16, &Iovec{q1, q2}, []field{{0, 8, q1}, {8, 8, q2}}},
	{"threadattr", 32, &Threadattr{q1, q2, q3, q4}, []field{{0, 8, q1}, {8, 8, q2}, {16, 8, q3}, {24, 8, q4}}},
	{"auxv", 16, &Auxv{ATSysinfoEhdr, q1}, []field{{0, 4, 262}, {8, 8, q1}}},
	{"tcb", 8, &TCB{q1}, []field{{0, 8, q1}}},
	{"recv_in", 40, &RecvIn{q1, q2, q3, q4, SockRecvWaitall},
		[]field{{0, 8, q1}, {8, 8, q2}, {16, 8, q3}, {24, 8, q4}, {32, 2, 0x10}}},
	{"send_in", 40, &SendIn{q1, q2, q3, q4, 0x0203},
		[]field{{0, 8, q1}, {8, 8, q2}, {16, 8, q3}, {24, 8, q4}, {32, 2, 0x0203}}},
	{"send_out", 8, &SendOut{q1}, []field{{0, 8, q1}}},
	{"recv_out", 64, &RecvOut{Datalen: q1, FDslen: q2, Flags: SockRecvDataTruncated},
		[]field{{0, 8, q1}, {8, 8, q2}, {56, 2, 8}}},
	{"recv_out with addresses", 64, &RecvOut{q1, q2, inet4, inet6, SockRecvFDsTruncated},
		[]field{{0, 8, q1}, {8, 8, q2}, {16, 1, 1}, {18, 4, 0x04030201}, {22, 2, 0x5678}, {36, 1, 2},
			{38, 8, 0x0807060504030201}, {46, 8, 0x100f0e0d0c0b0a09}, {54, 2, 0x9abc}, {56, 2, 1}}},
	{"sockaddr unix", 20, &Sockaddr{Family: AFUnix}, []field{{0, 1, 3}}},
	{"sockstat", 48, &Sockstat{inet4, inet6, ECONNRESET, SockstateAcceptconn},
		[]field{{0, 1, 1}, {2, 4, 0x04030201}, {6, 2, 0x5678}, {20, 1, 2}, {22, 8, 0x0807060504030201},
			{30, 8, 0x100f0e0d0c0b0a09}, {38, 2, 0x9abc}, {40, 2, 15}, {44, 4, 1}}},

	{"subscription clock", 56, &Subscription{Userdata: q1, Flags: SubscriptionOneshot, Type: EventtypeClock,
		Clock: SubClock{q2, ClockThreadCputimeID, q3, q4, SubscriptionClockAbstime}},
		[]field{{0, 8, q1}, {8, 2, 0x20}, {10, 1, 1}, {16, 8, q2}, {24, 4, 4}, {32, 8, q3}, {40, 8, q4}, {48, 2, 1}}},
	{"subscription condvar", 56, &Subscription{Userdata: q1, Type: EventtypeCondvar,
		Condvar: SubCondvar{q2, q3, ScopeShared, ScopePrivate}},
		[]field{{0, 8, q1}, {10, 1, 2}, {16, 8, q2}, {24, 8, q3}, {32, 1, 8}, {33, 1, 4}}},
	{"subscription fd_write", 56, &Subscription{Userdata: q1, Type: EventtypeFDWrite,
		FDReadwrite: SubFDReadwrite{0x12345678, SubscriptionFDReadwritePoll}},
		[]field{{0, 8, q1}, {10, 1, 4}, {16, 4, 0x12345678}, {20, 2, 1}}},
	{"subscription lock_rdlock", 56, &Subscription{Userdata: q1, Type: EventtypeLockRdlock,
		Lock: SubLock{q2, ScopeShared}}, []field{{0, 8, q1}, {10, 1, 5}, {16, 8, q2}, {24, 1, 8}}},
	{"subscription proc_terminate", 56, &Subscription{Userdata: q1, Type: EventtypeProcTerminate,
		ProcTerminate: SubProcTerminate{77}}, []field{{0, 8, q1}, {10, 1, 7}, {16, 4, 77}}},

	{"event clock", 32, &Event{Userdata: q1, Error: EINVAL, Type: EventtypeClock, Ident: q2},
		[]field{{0, 8, q1}, {8, 2, 28}, {10, 1, 1}, {16, 8, q2}}},
	{"event fd_read", 32, &Event{Userdata: q1, Type: EventtypeFDRead, Nbytes: q2, FD: 9, Flags: EventFDReadwriteHangup},
		[]field{{0, 8, q1}, {10, 1, 3}, {16, 8, q2}, {24, 4, 9}, {28, 2, 1}}},
	{"event proc_terminate", 32, &Event{Userdata: q1, Type: EventtypeProcTerminate, FD: 9, Signal: SIGSEGV, Exitcode: 0xfedcba98},
		[]field{{0, 8, q1}, {10, 1, 7}, {16, 4, 9}, {20, 1, 13}, {24, 4, 0xfedcba98}}},
}

func TestStructLayout(t *testing.T) {
	for _, tt := range structTests {
		t.Run(tt.name, func(t *testing.T) {
			want := make([]byte, tt.size)
			for _, f := range tt.fields {
				var v [8]byte
				binary.LittleEndian.PutUint64(v[:], f.value)
				copy(want[f.off:f.off+f.size], v[:])
			}
			// One byte more than the structure, all dirty: Encode must clear the padding and stop at the end.
			got := bytes.Repeat([]byte{0xee}, tt.size+1)
			tt.value.Encode(got)
			if !bytes.Equal(got[:tt.size], want) {
				t.Errorf("Encode\n got %x\nwant %x", got[:tt.size], want)
			}
			if got[tt.size] != 0xee {
				t.Error("Encode wrote behind the structure")
			}
			back := reflect.New(reflect.TypeOf(tt.value).Elem()).Interface().(codec)
			back.Decode(got)
			if !reflect.DeepEqual(back, tt.value) {
				t.Errorf("Decode\n got %+v\nwant %+v", back, tt.value)
			}
		})
	}
}

// Decode and Encode have only the caller's sizes to trust: a short slice is a bug and must not pass silently.
func TestShortSlicePanics(t *testing.T) {
	for _, tt := range structTests {
		for name, f := range map[string]func([]byte){"Encode": tt.value.Encode, "Decode": tt.value.Decode} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: %s of %d bytes did not panic", tt.name, name, tt.size-1)
					}
				}()
				f(make([]byte, tt.size-1))
			}()
		}
	}
}

func TestLookupArg(t *testing.T) {
	l := Lookup{FD: 0xfffffff0, Flags: LookupSymlinkFollow}
	if got := l.Arg(); got != 0x1_fffffff0 {
		t.Errorf("Arg = %#x", got)
	}
	if got := LookupFromArg(0x1_fffffff0); got != l {
		t.Errorf("LookupFromArg = %+v", got)
	}
}
