package boot

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/evenkeel/evenkeel/appliance/heartbeat"
	"github.com/evenkeel/evenkeel/appliance/watchdog"
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
			if _, err := j.look(); err != nil {
				t.Errorf("%s: it is not fed: %v", when, err)
			}
		}
		starves := func(when string) {
			t.Helper()
			if _, err := j.look(); err == nil {
				t.Errorf("%s: it is fed", when)
			}
		}
		limit := time.Minute
		beat := func() {
			if err := j.beat.Write(limit); err != nil {
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
		time.Sleep(answerTime - time.Second)
		fed("a director that has just started and not answered yet")
		time.Sleep(2 * time.Second)
		starves("a director that has never answered")
		beat()
		fed("one that answers")
		time.Sleep(limit - watchdog.Timeout)
		fed("one that has answered not long ago")
		time.Sleep(time.Second)
		starves("one that has to be reset when the minute is over")
		for l, timeout := range map[time.Duration]time.Duration{10 * time.Second: 5 * time.Second, 10 * time.Minute: watchdog.Timeout, 0: 0} {
			limit = l
			beat()
			time.Sleep(limit - timeout)
			fed("one that may take this long")
			if got, _ := j.look(); got != timeout {
				t.Errorf("with a limit of %v the machine is reset after %v, want %v", limit, got, timeout)
			}
			time.Sleep(time.Second)
			if limit > 0 {
				starves("one that has to be reset when the limit is over")
			}
		}
		time.Sleep(time.Hour)
		limit = 0
		beat()
		time.Sleep(time.Hour)
		fed("one that is never to be reset")
		limit = time.Minute
		beat()
		time.Sleep(limit)
		running = false
		fed("one that has crashed, or is not to run")
		running, director = true, time.Now()
		fed("one that was started again")
		time.Sleep(answerTime + time.Second)
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
