package profile

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// MaxHz is the highest rate of samples; DefaultHz the one that is right for most.
const (
	MaxHz     = 1000
	DefaultHz = 100
)

// A Recorder gathers the samples of a process. Its methods may be called by several
// threads, but for EndProgram and Write.
type Recorder struct {
	period time.Duration
	began  time.Time
	made   builder

	mu   sync.Mutex
	done []*Thread // ended since the last EndProgram
	lost int       // threads that could not be sampled
	err  error     // the first reason for that
}

// New returns a Recorder that takes hz samples in a second of a thread's CPU time, 1 to
// MaxHz.
func New(hz int) *Recorder {
	return &Recorder{period: time.Second / time.Duration(hz), began: time.Now()}
}

// missed notes that a thread cannot be sampled.
func (r *Recorder) missed(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lost++
	if r.err == nil {
		r.err = err
	}
}

// ended takes what a thread has counted.
func (r *Recorder) ended(t *Thread) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done = append(r.done, t)
}

// EndProgram gives names to the samples taken since the last EndProgram. No thread is
// left of the program that p describes.
func (r *Recorder) EndProgram(p Program) {
	r.made.begin(&p)
	for _, t := range r.done {
		r.made.add(t)
	}
	r.done = nil
}

// Write writes the profile, compressed. It is an error, too, that threads are missing.
func (r *Recorder) Write(w io.Writer) error {
	comment := ""
	if r.lost > 0 {
		comment = fmt.Sprintf("%d threads are missing: %v", r.lost, r.err)
	}
	if err := r.made.form.write(w, r.began, time.Since(r.began), r.period, comment); err != nil {
		return fmt.Errorf("the profile cannot be written: %w", err)
	}
	if r.lost > 0 {
		return fmt.Errorf("%d threads are missing in the profile: %w", r.lost, r.err)
	}
	return nil
}
