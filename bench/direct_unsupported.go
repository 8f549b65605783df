//go:build !(linux && amd64)

package bench

// directly says that Direct works here.
const directly = false

// Direct cannot be had on this system.
func Direct(p Program, s Setup, exchange Exchange) (Measurement, error) {
	return Measurement{}, ErrNoDirect
}

func direct(p Program, s Setup, exchange Exchange) ([]byte, error) { return nil, ErrNoDirect }
