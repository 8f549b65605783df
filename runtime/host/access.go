package host

import "errors"

// ErrFault is returned when guest memory is not accessible as asked: it is
// unmapped, protected, or lies past the end of the object behind it.
var ErrFault = errors.New("guest memory fault")
