package stage_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/image/lab/stage"
)

func TestTableOfIpvsadm(t *testing.T) {
	got, err := stage.ParseTable(`-A -t 10.77.0.100:80 -s wrr
-a -t 10.77.0.100:80 -r 10.77.0.21:80 -g -w 1
-a -t 10.77.0.100:80 -r 10.77.0.22:80 -g -w 0
-A -u [fd00:77::100]:53 -s sh -b sh-fallback -o
-a -u [fd00:77::100]:53 -r [fd00:77::21]:53 -i -w 3 -x 10 -y 5 --tun-type ipip
-A -f 7 -s wlc
`)
	if err != nil {
		t.Fatal(err)
	}
	want := stage.Table{
		"-t 10.77.0.100:80":    {"10.77.0.21:80": 1, "10.77.0.22:80": 0},
		"-u [fd00:77::100]:53": {"[fd00:77::21]:53": 3},
		"-f 7":                 {},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestWhatIsNoTableIsAnError(t *testing.T) {
	for _, text := range []string{
		"Can't initialize ipvs: Protocol not available",
		"-a -t 10.77.0.100:80 -r 10.77.0.21:80 -g -w 1",
		"-A -t 10.77.0.100:80 -s wrr\n-a -t 10.77.0.100:80 -r 10.77.0.21:80 -g -w x",
		"-A -t 10.77.0.100:80 -s wrr\n-a -t 10.77.0.100:80 -g -w 1",
	} {
		if got, err := stage.ParseTable(text); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

func TestEmptyTableIsEmpty(t *testing.T) {
	if got, err := stage.ParseTable("\n"); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}
