package abi

import "strconv"

// Call names a system call independently of the version of the ABI. The zero value is CallClockResGet.
type Call uint8

// Mode says how a parameter or result is passed.
type Mode uint8

// Modes. The range modes take two machine arguments, the address and then the number of elements; all others take one.
const (
	ModeValue  Mode = iota // the value itself; Lookup, an 8-byte structure, travels by value in one register
	ModePtr                // address of one object that the call writes (thread_create only reads it); or an untyped address
	ModeCPtr               // address of one object that the call only reads
	ModeAtomic             // address of a word shared with other threads
	ModeRange              // address and count of objects that the call writes
	ModeCRange             // address and count of objects that the call only reads
)

// Param describes one parameter of a call.
type Param struct {
	Name string
	Type Type
	Mode Mode
}

// NArgs is the number of machine arguments the parameter takes: 1 or 2.
func (p Param) NArgs() int {
	if p.Mode == ModeRange || p.Mode == ModeCRange {
		return 2
	}
	return 1
}

// Clean cuts the first machine argument of p to the width of its type: compiled guests leave garbage above a narrow
// argument's width. Addresses and 64-bit values pass unchanged.
func (p Param) Clean(raw uint64) uint64 {
	if p.Mode != ModeValue || p.Type.Size() >= 8 {
		return raw
	}
	return raw & (1<<(8*p.Type.Size()) - 1)
}

// Result describes one result of a call.
type Result struct {
	Name string
	Type Type
	Mode Mode // ModeValue, or ModePtr for mem_map's address
}

// Size is the width in bytes of the object that the vDSO form stores: 4 or 8. The raw form returns it zero-extended.
func (r Result) Size() int {
	if r.Mode != ModeValue {
		return PointerSize
	}
	return r.Type.Size()
}

// CallInfo describes a call. The parameters and results of a call are the same in every version that has it.
type CallInfo struct {
	Name     string // without the prefix, for example "fd_read"
	Num2016  int    // number in rax of the raw form; every call has one
	In2020   bool   // part of 2020-09, and so offered by the vDSO
	NoReturn bool   // proc_exit and thread_exit
	Params   []Param
	Results  []Result // at most two; raw form: rax, then rdx
}

// SymbolPrefix precedes a call's name in the symbol table of the vDSO.
const SymbolPrefix = "cloudabi_sys_"

// Symbol is the name of the call's function in the vDSO.
func (c *CallInfo) Symbol() string { return SymbolPrefix + c.Name }

// NParamArgs is the number of machine arguments without result pointers, at most 6: the arguments of the raw form (rdi,
// rsi, rdx, r10, r8, r9).
func (c *CallInfo) NParamArgs() int {
	n := 0
	for _, p := range c.Params {
		n += p.NArgs()
	}
	return n
}

// NArgs is the number of machine arguments of the vDSO form (rdi, rsi, rdx, rcx, r8, r9, then the stack), result pointers
// included: at most 7. Only mem_map and poll_fd exceed 6.
func (c *CallInfo) NArgs() int { return c.NParamArgs() + len(c.Results) }

// ArgIndex is the index of the first machine argument of parameter i.
func (c *CallInfo) ArgIndex(i int) int {
	n := 0
	for _, p := range c.Params[:i] {
		n += p.NArgs()
	}
	return n
}

// ResultArg is the index, in the vDSO form, of the argument that points to where result i is stored. Index 6 is the first
// stack argument, at 8(%rsp) on entry.
func (c *CallInfo) ResultArg(i int) int { return c.NParamArgs() + i }

// Info returns the description of c, to be read only. It panics if c is not below NumCalls.
func (c Call) Info() *CallInfo { return &callTable[c] }

// String is the call's name without the prefix.
func (c Call) String() string {
	if int(c) < len(callTable) {
		return callTable[c].Name
	}
	return "Call(" + strconv.Itoa(int(c)) + ")"
}

// Num2016Limit is one more than the largest number of the raw form.
const Num2016Limit = 58

var (
	callByNum  [Num2016Limit]Call
	callByName = make(map[string]Call, NumCalls)
)

func init() {
	for i := range callTable {
		callByNum[callTable[i].Num2016] = Call(i)
		callByName[callTable[i].Name] = Call(i)
	}
}

// ByNum2016 finds the call a raw system call instruction means. n is the whole of rax.
func ByNum2016(n uint64) (Call, bool) {
	if n >= Num2016Limit {
		return 0, false
	}
	return callByNum[n], true
}

// ByName finds a call by its name without the prefix "cloudabi_sys_".
func ByName(name string) (Call, bool) {
	c, ok := callByName[name]
	return c, ok
}

// CallsOfVDSO lists the calls that the vDSO offers to a program: those of 2020-09, and to one of the time between 2016-08
// and 2017-08 also those that went later, as the vDSO of that time did. thread_tcb_set never had a function there.
func CallsOfVDSO(of2016 bool) []Call {
	cs := Calls2020()
	if !of2016 {
		return cs
	}
	for i := range callTable {
		if !callTable[i].In2020 && Call(i) != CallThreadTcbSet {
			cs = append(cs, Call(i))
		}
	}
	return cs
}

// Calls2020 lists the calls of 2020-09 in table order: what the vDSO offers.
func Calls2020() []Call {
	var cs []Call
	for i := range callTable {
		if callTable[i].In2020 {
			cs = append(cs, Call(i))
		}
	}
	return cs
}
