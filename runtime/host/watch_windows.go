//go:build amd64

package host

// SetWatches answers ErrNoWatches.
func (t *Thread) SetWatches(w []Watch) error { return ErrNoWatches }

// PauseWatches and ResumeWatches have nothing to do.
func (t *Thread) PauseWatches()  {}
func (t *Thread) ResumeWatches() {}
