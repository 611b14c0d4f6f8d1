package capture

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"
)

func TestAFileIsNeverLargerThanItMayBe(t *testing.T) {
	var out bytes.Buffer
	f, err := NewFile(&out, layers.LinkTypeEthernet, 100, 24+2*(16+100)+50)
	if err != nil {
		t.Fatal(err)
	}
	p := Packet{Time: time.Unix(1, 0), Data: make([]byte, 100), Length: 100}
	for i, want := range []error{nil, nil, ErrFull, ErrFull} {
		if err := f.Add(p); !errors.Is(err, want) {
			t.Errorf("packet %d: %v, want %v", i, err, want)
		}
	}
	if out.Len() != 24+2*116 {
		t.Errorf("the file has %d bytes", out.Len())
	}
}

func TestADiskThatIsNearlyFullGetsNothing(t *testing.T) {
	var out bytes.Buffer
	f, err := NewFile(&out, layers.LinkTypeEthernet, 100, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	room := int64(3 << 19) // one and a half of what may be written before it is asked again
	f.Room = func() (int64, error) { return room - int64(out.Len()), nil }
	p := Packet{Data: make([]byte, 1000), Length: 1000}
	for range 10000 {
		if err = f.Add(p); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrFull) || int64(out.Len()) > room {
		t.Errorf("%d bytes were written of %d, %v", out.Len(), room, err)
	}
	if room, err := RoomBeside("/proc/x")(); err != nil || room > 0 {
		t.Errorf("a disk without room has %d bytes, %v", room, err)
	}
}
