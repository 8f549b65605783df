package host

// ParkResult says why Park returned.
type ParkResult uint8

const (
	ParkWoken       ParkResult = iota // an Unpark was consumed
	ParkTimedOut                      // the deadline has passed
	ParkInterrupted                   // the thread is kicked; an Unpark, if any, is kept
)
