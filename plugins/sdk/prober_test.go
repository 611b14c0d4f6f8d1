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
