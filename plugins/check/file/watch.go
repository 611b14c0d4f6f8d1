package file

import (
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/hashicorp/go-hclog"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// A watch hears of changes by inotify(7). It watches the folders of the files: editors put a new file in the place of the
// old one. What it does not hear of, as on a network file system, the interval finds.
type watch struct {
	logger hclog.Logger
	now    func() time.Time
	events *fsnotify.Watcher // nil: there is no inotify to be had
	ended  chan struct{}

	mu      sync.Mutex
	folders map[string]bool                 // those that are watched
	files   map[string]map[string]*listener // by path and target
	sweepAt time.Time
}

// A listener is a target whose file is watched.
type listener struct {
	hasten func()
	until  time.Time // of one that is not probed any more nobody says so
}

func newWatch(logger hclog.Logger) *watch {
	w := &watch{
		logger:  logger,
		now:     time.Now,
		ended:   make(chan struct{}),
		folders: make(map[string]bool),
		files:   make(map[string]map[string]*listener),
	}
	var err error
	if w.events, err = fsnotify.NewWatcher(); err != nil {
		logger.Warn("files are not watched, but read at their intervals", "error", err)
		close(w.ended)
		return w
	}
	go w.listen()
	return w
}

// follow watches a file for a target, until it has not been probed for three intervals.
func (w *watch) follow(path string, t sdk.Target, hasten func()) {
	if w.events == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	if w.files[path] == nil {
		w.files[path] = make(map[string]*listener)
	}
	w.files[path][t.ID] = &listener{hasten, now.Add(3*max(t.Schedule.Interval, t.Schedule.RetryInterval) + t.Schedule.Timeout)}
	if folder := filepath.Dir(path); !w.folders[folder] {
		w.folders[folder] = w.events.Add(folder) == nil // it may be there at the next probe
	}
	if now.After(w.sweepAt) {
		w.sweep(now)
	}
}

// sweep forgets the files that nobody asks for any more.
func (w *watch) sweep(now time.Time) {
	w.sweepAt = now.Add(time.Minute)
	needed := make(map[string]bool)
	for path, listeners := range w.files {
		for id, l := range listeners {
			if now.After(l.until) {
				delete(listeners, id)
			}
		}
		if len(listeners) == 0 {
			delete(w.files, path)
			continue
		}
		needed[filepath.Dir(path)] = true
	}
	for folder, watched := range w.folders {
		if needed[folder] {
			continue
		}
		delete(w.folders, folder)
		if watched {
			_ = w.events.Remove(folder) // an error means that it is gone
		}
	}
}

// listen hears of changes until the watch is closed.
func (w *watch) listen() {
	defer close(w.ended)
	for {
		select {
		case e, ok := <-w.events.Events:
			if !ok {
				return
			}
			w.changed(filepath.Clean(e.Name))
			if e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
				w.gone(filepath.Clean(e.Name))
			}
		case err, ok := <-w.events.Errors:
			if !ok {
				return
			}
			w.logger.Warn("watching files", "error", err)
			w.all() // events were lost: fsnotify.ErrEventOverflow
		}
	}
}

// changed has the targets of a file probed.
func (w *watch) changed(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.files[path] {
		l.hasten()
	}
}

// gone notes that a folder, if it was one, is no longer watched.
func (w *watch) gone(folder string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.folders[folder] {
		return
	}
	_ = w.events.Remove(folder) // which inotify may have done
	w.folders[folder] = false
	for path, listeners := range w.files {
		if filepath.Dir(path) == folder {
			for _, l := range listeners {
				l.hasten()
			}
		}
	}
}

// all has all targets probed.
func (w *watch) all() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, listeners := range w.files {
		for _, l := range listeners {
			l.hasten()
		}
	}
}

// close ends the watch.
func (w *watch) close() error {
	if w.events == nil {
		return nil
	}
	err := w.events.Close()
	<-w.ended
	return err
}
