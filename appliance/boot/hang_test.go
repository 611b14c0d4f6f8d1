package boot

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/evenkeel/evenkeel/appliance/heartbeat"
)

func TestTheWatchdogIsFedUnlessWhoRunsDoesNotAnswerForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		powerOn := time.Now()
		j := &judge{beat: heartbeat.Beat{
			File:   filepath.Join(t.TempDir(), "beat"),
			Uptime: func() (time.Duration, error) { return time.Since(powerOn), nil },
		}}
		fed := func(when string) {
			t.Helper()
			if err := j.hangs(); err != nil {
				t.Errorf("%s: it is not fed: %v", when, err)
			}
		}
		starves := func(when string) {
			t.Helper()
			if j.hangs() == nil {
				t.Errorf("%s: it is fed", when)
			}
		}
		beat := func() {
			if err := j.beat.Write(); err != nil {
				t.Fatal(err)
			}
		}
		j.begin("the start of the box", startTime)
		time.Sleep(5 * time.Minute)
		fed("while the data partition is checked")
		time.Sleep(startTime)
		starves("a start that does not end")

		director, box := time.Now(), time.Now()
		running := true
		j.watch(
			func() time.Duration {
				if !running {
					return 0
				}
				return time.Since(director)
			},
			func() time.Duration { return time.Since(box) },
		)
		time.Sleep(hangTime - time.Second)
		fed("a director that has just started and not answered yet")
		time.Sleep(2 * time.Second)
		starves("a director that has never answered")
		beat()
		fed("one that answers")
		time.Sleep(hangTime)
		fed("one that has answered a minute ago")
		time.Sleep(time.Second)
		starves("one that has not for longer")
		running = false
		fed("one that has crashed, or is not to run")
		running, director = true, time.Now()
		fed("one that was started again")
		time.Sleep(hangTime + time.Second)
		starves("one that was started again and hangs")
		box = time.Now()
		fed("when it is the one who asks that was started again")

		j.begin("the way down", endTime)
		time.Sleep(endTime)
		fed("on the way down")
		time.Sleep(time.Second)
		starves("a way down that does not end")
	})
}
