package sdk

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// A door is a Prober that can be closed.
type door struct{ closed int }

func (d *door) Probe(context.Context, Target, pathConfig) error {
	if d.closed > 0 {
		return errors.New("closed")
	}
	return nil
}

func (d *door) Close() error { d.closed++; return nil }

func TestAProberIsOpenedWithTheCoresGreetingAndClosedAtTheEnd(t *testing.T) {
	var doors []*door
	p := NewProber(Info{Name: "door", Version: "1.0.0"}, func(Host) (Prober[pathConfig], error) {
		doors = append(doors, &door{})
		return doors[len(doors)-1], nil
	})
	conn, done := ServeInProcess(p, nil)
	defer done()
	if len(doors) != 0 {
		t.Error("it is open before the core has said anything")
	}
	client := NewPluginClient(conn)
	for range 2 {
		if _, err := client.Describe(t.Context(), "test", false); err != nil {
			t.Fatal(err)
		}
	}
	if err := NewCheckerClient(conn).Probe(t.Context(), configured("a", "/")); err != nil {
		t.Error(err)
	}
	if len(doors) != 1 || doors[0].closed != 0 {
		t.Errorf("%d are open", len(doors))
	}
	if err := client.Stop(t.Context(), time.Second, false); err != nil {
		t.Error(err)
	}
	if doors[0].closed != 1 {
		t.Errorf("it was closed %d times", doors[0].closed)
	}
}

func TestAProberThatCannotBeOpenedIsToldToTheCore(t *testing.T) {
	p := NewProber(Info{Name: "door", Version: "1.0.0"}, func(Host) (Prober[pathConfig], error) {
		return nil, errors.New("it is locked")
	})
	conn, done := ServeInProcess(p, nil)
	defer done()
	if _, err := NewPluginClient(conn).Describe(t.Context(), "test", false); err == nil || !strings.Contains(err.Error(), "it is locked") {
		t.Errorf("the core hears %v", err)
	}
}

// A revolving door is a Starter that lets targets with the path "/" through at once, and nobody else.
type revolving struct {
	door
	begun []int
	ids   []string
	shut  chan struct{}
}

func (d *revolving) Takes(_ Target, c pathConfig) bool { return c.Path == "/" }

func (d *revolving) Start(n int, t Target, c pathConfig) {
	d.begun, d.ids = append(d.begun, n), append(d.ids, t.ID+c.Path+" "+t.Schedule.Timeout.String())
}
func (d *revolving) Stop(int) error { return errors.New("stopped") }

func (d *revolving) Ended(over func(int, error)) {
	for _, n := range d.begun {
		over(n, errors.New("it turns"))
	}
	d.begun = nil
}

func (d *revolving) Wait() bool { <-d.shut; return false }

func (d *revolving) Close() error { close(d.shut); return d.door.Close() }

func TestAProberThatIsAStarterProbesWhatItTakes(t *testing.T) {
	d := &revolving{shut: make(chan struct{})}
	p := NewProber(Info{Name: "door", Version: "1.0.0"}, func(Host) (Prober[pathConfig], error) { return d, nil })
	conn, done := ServeInProcess(p, nil)
	defer done()
	client := NewPluginClient(conn)
	if _, err := client.Describe(t.Context(), "test", false); err != nil {
		t.Fatal(err)
	}
	checker := NewCheckerClient(conn)
	if err := checker.Apply(t.Context(), TargetUpdate{Full: true, Targets: []Target{configured("a", "/"), configured("b", "/b")}}); err != nil {
		t.Fatal(err)
	}
	said := make(map[string]string)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	checker.Watch(ctx, func(r CheckReport) {
		for _, v := range r.Verdicts {
			if v.State != StateUnknown {
				said[v.TargetID] = v.State.String() + " " + v.Reason
			}
		}
		if len(said) == 2 {
			cancel()
		}
	})
	if said["a"] != "down it turns" || said["b"] != "up " {
		t.Errorf("verdicts are %v", said)
	}
	if err := client.Stop(t.Context(), time.Second, false); err != nil {
		t.Error(err)
	}
	if len(d.ids) != 1 || d.ids[0] != "a/ 1s" || d.closed != 1 {
		t.Errorf("begun %v, closed %d times", d.ids, d.closed)
	}
}
