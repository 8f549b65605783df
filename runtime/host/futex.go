package host

// FutexResult says why FutexWait returned.
type FutexResult uint8

const (
	FutexWoken       FutexResult = iota // a FutexWake has found the thread
	FutexChanged                        // the word was another one
	FutexTimedOut                       // the deadline has passed, and nobody has woken the thread
	FutexInterrupted                    // the thread is kicked, and nobody has woken it
	FutexFault                          // there is no such word
)

// FutexAll, as the number of threads of a FutexWake, means all.
const FutexAll = ^uint32(0)
