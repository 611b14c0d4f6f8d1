package lab_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/image/lab"
	"github.com/evenkeel/evenkeel/image/lab/stage"
	"github.com/evenkeel/evenkeel/image/lab/traffic"
)

// otherVIP is the address of the second instance of a dual-master pair.
const otherVIP = "10.77.0.101"

// dualMaster is the configuration of a director that is master of one instance and backup of the other.
func dualMaster(name string, first, second int) string {
	const web = `
virtual_server "%s" {
  address   = "%s:80"
  protocol  = "tcp"
  scheduler = "rr"
  forward   = "dr"

  check "http" {
    interval = "1s"
    timeout  = "1s"
    path     = "/"
  }

  real_server "10.77.0.21:80" {}
  real_server "10.77.0.22:80" {}
}
`
	return fmt.Sprintf(`director {
  name = %q
}

vrrp_instance "VI_1" {
  interface         = "eth0"
  virtual_router_id = 51
  priority          = %d
  advert_int        = "200ms"
  virtual_addresses = [%q]
}

vrrp_instance "VI_2" {
  interface         = "eth0"
  virtual_router_id = 52
  priority          = %d
  advert_int        = "200ms"
  virtual_addresses = [%q]
}

ipvs {
  sync {
    interface = "eth1"
    id        = 51
    follow    = vrrp_instance.VI_1
  }
}
`, name, first, lab.VIP+"/32", second, otherVIP+"/32") + fmt.Sprintf(web, "one", lab.VIP) + fmt.Sprintf(web, "two", otherVIP)
}

// has waits until a director has these virtual addresses of the two, and its kernel runs this side of the synchronisation.
func has(t *testing.T, s *stage.Stage, side string, want ...string) {
	t.Helper()
	if _, err := s.Until(ctx, 20*time.Second, func() error {
		out := run(t, s.Director, "ip -o address show dev eth0; ipvsadm -L --daemon")
		for _, a := range []string{lab.VIP, otherVIP} {
			held, wanted := strings.Contains(out, " "+a+"/"), strings.Contains(strings.Join(want, " "), a)
			if held != wanted {
				return fmt.Errorf("%s holds %s: %v, want %v", s.Director.Name(), a, held, wanted)
			}
		}
		if !strings.Contains(out, side+" sync daemon (mcast=eth1, syncid=51") {
			return errors.New("no " + side + " sync daemon: " + out)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// Two directors, each master of one address, and each with all of it when the other is gone.
func TestVMDualMaster(t *testing.T) {
	need(t, lab.UML)
	l := newLab(t, lab.Options{
		Directors: 2, RealServers: 2, NoVIP: true,
		Director: lab.VMOptions{Files: []lab.File{stage.Program(evenkeel(t))}},
	})
	for _, r := range l.RealServers {
		run(t, r.Node, "ip address add "+otherVIP+"/32 dev lo")
	}
	priorities := [][2]int{{150, 100}, {100, 150}}
	start := func(i int) *stage.Stage {
		t.Helper()
		s := stage.New(l, i)
		if err := s.Configure(ctx, dualMaster(fmt.Sprintf("dir%d", i+1), priorities[i][0], priorities[i][1])); err != nil {
			t.Fatal(err)
		}
		if err := s.Start(ctx); err != nil {
			t.Fatal(err)
		}
		return s
	}
	one, two := start(0), start(1)
	has(t, one, "master", lab.VIP)
	has(t, two, "backup", otherVIP)
	answer := func(vip string) {
		t.Helper()
		ask := func(ctx context.Context) (string, error) { return one.Client.HTTP(ctx, vip+":80") }
		if n := traffic.Count(ctx, 10, ask); n["rs1"] != 5 || n["rs2"] != 5 {
			t.Errorf("%s is answered by %v", vip, n)
		}
	}
	for _, s := range []*stage.Stage{one, two} {
		for _, vip := range []string{lab.VIP, otherVIP} {
			if _, err := s.UntilTable(ctx, 20*time.Second, "-t "+vip+":80", map[string]int{"10.77.0.21:80": 1, "10.77.0.22:80": 1}); err != nil {
				t.Fatal(err)
			}
		}
	}
	answer(lab.VIP)
	answer(otherVIP)

	l.Directors[0].Kill()
	has(t, two, "master", lab.VIP, otherVIP)
	answer(lab.VIP)
	answer(otherVIP)

	if _, err := l.StartDirector(ctx, 0); err != nil {
		t.Fatal(err)
	}
	one = start(0)
	has(t, one, "master", lab.VIP)
	has(t, two, "backup", otherVIP)
	answer(lab.VIP)
	answer(otherVIP)
}
