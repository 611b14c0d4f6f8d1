package link

import (
	"testing"
	"time"
)

const second = time.Second

func TestWithoutDelaysAnInterfaceIsBelievedAtOnce(t *testing.T) {
	d := NewDebounce(true, 0, 0)
	if !d.See(5*second, false) || d.Up() {
		t.Error("down is not believed")
	}
	if d.See(5*second, false) {
		t.Error("down is news twice")
	}
	if !d.See(6*second, true) || !d.Up() {
		t.Error("up is not believed")
	}
}

func TestAnInterfaceIsBelievedWhenItHasStayedSo(t *testing.T) {
	d := NewDebounce(true, 3*second, 1*second)
	if _, ok := d.Next(); ok {
		t.Error("a delay runs at the start")
	}
	if d.See(10*second, false) || !d.Up() {
		t.Error("down is believed at once")
	}
	d.See(10500*time.Millisecond, false) // the same again does not begin the delay anew
	if at, ok := d.Next(); !ok || at != 11*second {
		t.Errorf("next is at %v, want 11 s", at)
	}
	if d.Expire(11*second-1) || !d.Expire(11*second) || d.Up() {
		t.Error("down is not believed after just one second")
	}
	if d.See(20*second, true) || d.Expire(23*second-1) || !d.Expire(23*second) || !d.Up() {
		t.Error("up is not believed after just three seconds")
	}
}

func TestAnInterfaceThatFlapsStaysWhatItWas(t *testing.T) {
	d := NewDebounce(false, 3*second, 0)
	for i := range time.Duration(10) {
		if d.See(4*i*second, true) || d.See((4*i+2)*second, false) {
			t.Fatal("two seconds up are believed")
		}
	}
	if _, ok := d.Next(); ok || d.Up() {
		t.Error("a delay runs although it is what is believed")
	}
}
