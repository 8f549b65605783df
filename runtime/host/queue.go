package host

// QueueEvent is one event of a Queue: Got holds PollIn, PollOut, PollErr and
// PollHup bits of what was added under ID.
type QueueEvent struct {
	ID  uint64
	Got int16
}

// QueueMode says how long a descriptor in a Queue goes on to be reported.
type QueueMode uint8

const (
	QueueLevel   QueueMode = iota // as long as it is ready
	QueueEdge                     // once each time something comes
	QueueOneshot                  // once
)
