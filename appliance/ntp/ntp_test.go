package ntp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
)

// A fakeClock is off from the true time, which is synctest's, and is moved by what is done to it.
type fakeClock struct {
	off  time.Duration // positive: ahead
	slow time.Time     // since when it loses a hundredth; zero: it does not
	log  []string
}

func (f *fakeClock) settle() {
	if !f.slow.IsZero() {
		f.off -= time.Since(f.slow) / 100
		f.slow = time.Time{}
	}
}

func (f *fakeClock) Now() time.Time { return time.Now().Add(f.off) }

func (f *fakeClock) Forward(d time.Duration) error {
	f.settle()
	f.off += d
	f.log = append(f.log, fmt.Sprintf("forward %v", d.Round(time.Second)))
	return nil
}

func (f *fakeClock) Pull(d, _ time.Duration) error {
	f.settle()
	f.off += d
	f.log = append(f.log, fmt.Sprintf("pull %v", d.Round(time.Millisecond)))
	return nil
}

func (f *fakeClock) Slow(d time.Duration) (time.Duration, error) {
	f.settle()
	f.slow = time.Now()
	f.log = append(f.log, fmt.Sprintf("slow %v", d.Round(time.Second)))
	return d * 100, nil
}

// run keeps a clock for a time by servers that are each off from the true time, or silent.
func run(t *testing.T, clock *fakeClock, d time.Duration, servers map[string]any) *Client {
	c := &Client{Clock: clock, Log: hclog.NewNullLogger()}
	c.Query = func(_ context.Context, s string) (time.Duration, error) {
		switch said := servers[s].(type) {
		case time.Duration:
			clock.settle()
			return said - clock.off, nil
		default:
			return 0, errors.New("time server " + s + ": silence")
		}
	}
	var names []string
	for s := range servers {
		names = append(names, s)
	}
	c.Set(names)
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := c.Run(ctx); err != nil {
		t.Error(err)
	}
	return c
}

func TestTheClockIsNeverSetBack(t *testing.T) {
	truth := map[string]any{"a": time.Duration(0)}
	for name, c := range map[string]struct {
		off  time.Duration
		want string // the first that is done to it
	}{
		"right":           {0, "pull 0s"},
		"a little ahead":  {300 * time.Millisecond, "pull -300ms"},
		"a little behind": {-300 * time.Millisecond, "pull 300ms"},
		"years behind":    {-10 * 365 * 24 * time.Hour, "forward 87600h0m0s"},
		"ahead":           {20 * time.Second, "slow 20s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock := &fakeClock{off: c.off}
				client := run(t, clock, 2*time.Hour, truth)
				if clock.log[0] != c.want {
					t.Errorf("at first: %s, want %s", clock.log[0], c.want)
				}
				if clock.settle(); clock.off.Abs() > 10*time.Millisecond || !client.Status().Synchronized {
					t.Errorf("after two hours it is off by %v: %v, %+v", clock.off, clock.log, client.Status())
				}
			})
		})
	}
}

func TestOneOfThreeServersMayBeWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &fakeClock{}
		run(t, clock, time.Hour, map[string]any{"a": time.Duration(0), "b": time.Hour, "c": time.Millisecond})
		if clock.off > 10*time.Millisecond {
			t.Errorf("the clock followed the wrong one: %v, %v", clock.off, clock.log)
		}
	})
}

func TestASilentServerIsAProblemUntilItAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &fakeClock{off: -time.Hour}
		c := run(t, clock, time.Hour, map[string]any{"a": nil})
		want := Status{Problem: "time server a: silence"}
		if diff := cmp.Diff(want, c.Status()); diff != "" || clock.log != nil {
			t.Errorf("%v (-want +got):\n%s", clock.log, diff)
		}
	})
}

func TestAClockThatNobodyLooksAtDoesNotRunSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &fakeClock{off: time.Hour}
		servers := map[string]any{"a": time.Duration(0)}
		time.AfterFunc(10*time.Minute, func() { servers["a"] = nil })
		run(t, clock, time.Hour, servers)
		if !clock.slow.IsZero() {
			t.Errorf("it runs slow without a server: %v", clock.log)
		}
		clock = &fakeClock{off: time.Hour}
		run(t, clock, time.Minute, map[string]any{"a": time.Duration(0)})
		if !clock.slow.IsZero() {
			t.Errorf("it runs slow without us: %v", clock.log)
		}
	})
}

func TestACenturyIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &fakeClock{}
		c := run(t, clock, time.Hour, map[string]any{"a": 64 * 365 * 24 * time.Hour})
		if clock.log != nil || c.Status().Problem == "" {
			t.Errorf("%v, %+v", clock.log, c.Status())
		}
	})
}

func TestServersAreAskedEverMoreSeldomUpToAQuarterOfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &fakeClock{}
		run(t, clock, 10*time.Hour, map[string]any{"a": time.Duration(0)})
		if n := len(clock.log); n < 35 || n > 45 {
			t.Errorf("measured %d times in ten hours", n)
		}
	})
}

// A server is heard by what RFC 5905 says of packets; one that says that it is not synchronized is not believed.
func TestServersAreAskedByNTP(t *testing.T) {
	for name, c := range map[string]struct {
		leap, stratum byte
		good          bool
	}{"good": {0, 2, true}, "not synchronized": {3, 2, false}, "kiss of death": {0, 0, false}} {
		t.Run(name, func(t *testing.T) {
			server, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			go func() {
				b := make([]byte, 100)
				n, from, err := server.ReadFrom(b)
				if err != nil || n < 48 {
					return
				}
				r := make([]byte, 48)
				r[0], r[1], r[2] = c.leap<<6|4<<3|4, c.stratum, 6
				now := time.Now().Add(time.Hour)
				for _, at := range []int{16, 32, 40} {
					binary.BigEndian.PutUint32(r[at:], uint32(now.Unix()+2208988800))
					binary.BigEndian.PutUint32(r[at+4:], uint32(uint64(now.Nanosecond())<<32/1e9))
				}
				copy(r[24:32], b[40:48])
				_, _ = server.WriteTo(r, from)
			}()
			offset, err := Query(t.Context(), server.LocalAddr().String())
			if (err == nil) != c.good {
				t.Fatalf("offset %v, %v", offset, err)
			}
			if c.good && (offset-time.Hour).Abs() > time.Second {
				t.Errorf("the offset is %v, want an hour", offset)
			}
		})
	}
}
