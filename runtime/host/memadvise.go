package host

// Advice says how guest memory will be accessed.
type Advice uint8

const (
	AdviceNormal Advice = iota
	AdviceRandom
	AdviceSequential
	AdviceWillNeed
	AdviceCold // not soon; the contents stay
)
