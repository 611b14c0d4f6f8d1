package gauge

import (
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"
	"testing/synctest"
)

// A load is a /proc in which each look finds some more ticks of work and of idling.
type load struct {
	each       [][2]uint64
	work, idle uint64
}

func (l *load) Open(string) (fs.File, error) {
	if len(l.each) > 0 {
		l.work, l.idle = l.work+l.each[0][0], l.idle+l.each[0][1]
		l.each = l.each[1:]
	}
	text := fmt.Sprintf("cpu  %d 0 1 %d 0 0 2 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n", l.work, l.idle)
	return fstest.MapFS{"stat": {Data: []byte(text)}}.Open("stat")
}

func TestAMachineIsCalmWhenItIsIdleForHalfOfTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busyAtFirst := &load{each: [][2]uint64{{100, 5000}, {300, 0}, {200, 100}, {150, 150}, {0, 300}}}
		if seconds, err := calm(t.Context(), busyAtFirst); err != nil || seconds != 9 {
			t.Errorf("calm after %v s, %v, want 9", seconds, err)
		}
	})
	if _, err := calm(t.Context(), fstest.MapFS{"stat": {Data: []byte("intr 1\n")}}); err == nil {
		t.Error("a /proc/stat of another form is no error")
	}
}
