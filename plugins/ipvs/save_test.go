package ipvs

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// The files in testdata/save are what ipvsadm 1.31 saved of these tables; the test in a virtual machine asks it anew.
func TestATableIsSavedAsIpvsadmDoes(t *testing.T) {
	for name, options := range map[string][]SaveOption{"everything": nil, "everything_thresholds": {WithThresholds()}} {
		var got bytes.Buffer
		if err := Save(everything(), &got, options...); err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("testdata", "save", name))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got.String()); d != "" {
			t.Errorf("%s, -want +got:\n%s", name, d)
		}
	}
}

func TestIpvsadmsOwnWaysAreKept(t *testing.T) {
	mark := func(m uint32, scheduler string, flags ...string) sdk.Service {
		return sdk.Service{Key: sdk.ServiceKey{Mark: m}, Scheduler: scheduler, Flags: flags}
	}
	six := sdk.Service{Key: sdk.ServiceKey{Protocol: sdk.TCP, Address: addr("2001:db8::5"), Port: 80, IPv6: true}, Scheduler: "wlc",
		Persistence: sdk.Persistence{Timeout: 1500 * time.Millisecond, Prefix: 64},
		Destinations: []sdk.Destination{
			{Address: addr("2001:db8::99"), Port: 80, Forward: sdk.TUN, Weight: 1},
			{Address: addr("::1"), Port: 80, Forward: sdk.DR, Weight: 1},
			{Address: addr("10.0.0.3"), Port: 80, Forward: sdk.TUN, Weight: 1},
			{Address: addr("::1.2.3.4"), Port: 80, Forward: sdk.DR, Weight: 1},
		}}
	var got strings.Builder
	if err := Save(tableWith(six, mark(4294967290, "mh", "flag-3"), mark(4, "rr", "flag-3", "flag-1"), mark(3, "sh", "sh-port")), &got); err != nil {
		t.Fatal(err)
	}
	// Marks are signed numbers and negative ones come first; the third flag of mh has no name; real servers of both
	// families are sorted by their bytes; an address of zeros ends in dotted numbers.
	want := `-A -f -6 -s mh -b ` + `
-A -t [2001:db8::5]:80 -s wlc -p 2 -M 64
-a -t [2001:db8::5]:80 -r [::1]:80 -g -w 1
-a -t [2001:db8::5]:80 -r [::1.2.3.4]:80 -g -w 1
-a -t [2001:db8::5]:80 -r 10.0.0.3:80 -i -w 1 --tun-type ipip
-a -t [2001:db8::5]:80 -r [2001:db8::99]:80 -i -w 1 --tun-type ipip
-A -f 3 -s sh -b sh-port
-A -f 4 -s rr -b flag-1,flag-3
`
	if d := cmp.Diff(want, got.String()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestATableThatIPVSCannotHoldIsNotSaved(t *testing.T) {
	bad := web(server(1, 1))
	bad.Flags = []string{"nonsense"}
	var got strings.Builder
	if err := Save(tableWith(bad), &got); err == nil || got.Len() > 0 {
		t.Errorf("error %v, and %q", err, got.String())
	}
}
