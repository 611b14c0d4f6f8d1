package traffic_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/image/lab/traffic"
)

func TestStreamAsksAtItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := traffic.Start(t.Context(), 100*time.Millisecond, func(ctx context.Context) (string, error) {
			// Half a second in, the real server is gone for 0.3 s.
			if d := time.Since(began); d >= 500*time.Millisecond && d < 800*time.Millisecond {
				return "", errors.New("connection refused")
			}
			return "rs1", nil
		})
		time.Sleep(1050 * time.Millisecond)
		answers := s.Stop()
		if d := cmp.Diff(map[string]int{"rs1": 8, traffic.Failed: 3}, traffic.Tally(answers)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if f := traffic.Failures(answers); len(f) != 3 || f[0].Began.Sub(began) != 500*time.Millisecond {
			t.Errorf("failures: %+v, want three from 0.5 s on", f)
		}
		late := traffic.Between(answers, began.Add(800*time.Millisecond), began.Add(time.Second))
		if d := cmp.Diff(map[string]int{"rs1": 2}, traffic.Tally(late)); d != "" {
			t.Errorf("from 0.8 to 1 s (-want +got):\n%s", d)
		}
	})
}

func TestRequestThatIsBrokenOffByStopDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := traffic.Start(t.Context(), time.Second, func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		})
		time.Sleep(time.Second)
		if answers := s.Stop(); len(answers) != 0 {
			t.Errorf("got %+v, want nothing", answers)
		}
	})
}
