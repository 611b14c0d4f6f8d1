package supervisor

import "runtime"

// A forker starts processes from one thread that lives as long as they do. The kernel sends a child its Pdeathsig when
// the thread that forked it ends, not the process (prctl(2), golang/go#27505), and Go's threads come and go.
type forker struct {
	jobs chan func()
	done chan struct{}
}

func newForker() *forker {
	f := &forker{jobs: make(chan func()), done: make(chan struct{})}
	go func() {
		defer close(f.done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread() // there are no children any more
		for job := range f.jobs {
			job()
		}
	}()
	return f
}

// do calls start on the thread.
func (f *forker) do(start func() error) (err error) {
	done := make(chan struct{})
	f.jobs <- func() {
		defer close(done)
		err = start()
	}
	<-done
	return err
}

// close ends the thread. All processes must have ended.
func (f *forker) close() {
	close(f.jobs)
	<-f.done
}
