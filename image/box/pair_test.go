package box_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/image/box"
	"github.com/evenkeel/evenkeel/image/lab"
	"github.com/evenkeel/evenkeel/image/lab/pair"
	"github.com/evenkeel/evenkeel/image/lab/traffic"
)

// TestImageMakesAPairThatSurvivesAPowerCut is the story of docs/appliance.md: two new boxes, whose operator answers the
// wizard, and a client who goes on asking while one of them loses its power and comes back.
func TestImageMakesAPairThatSurvivesAPowerCut(t *testing.T) {
	n := newNetwork(t, 2)
	one, two := n.newBox(t, "one"), n.newBox(t, "two")
	one.Volumes = []string{pack(t, "2.0", slot(t), releaseKey(t))}
	first, second := boot(t, one), boot(t, two)

	first.answers(
		reply{"Name of this director [lb1]", "\xff\xfe\x80 lb1"},
		reply{"write it with the letters a to z.\n\nName of this director [lb1]", strings.Repeat("lb", 3000)},
		reply{"as in \"lb1\" or \"lb1.example.com\".\n\nName of this director [lb1]", "lb1"},
	)
	first.plugsTheCableIn()
	first.answers(reply{"VLAN on it", ""})
	first.hangsUp("How does the box get its address?")
	first.answers(
		reply{"How does the box get its address?", "static"},
		reply{"Address of this box", "10.77.0.11"},
		reply{"\"10.77.0.11/24\".\n\nAddress of this box", "10.77.0.11/24"},
		reply{"Gateway to other networks", ""},
		reply{"Name servers", ""},
		reply{"Do the real servers have a network of their own?", "no"},
		reply{"Password of the console", password},
		reply{"The password again", password},
		reply{"Public key for SSH", ""},
		reply{"Time servers", ""},
		reply{"One director, or two", "first"},
		reply{"Address of the other director", ""},
		reply{"VIPs, each with the length", lab.VIP + "/24"},
		reply{"Virtual router id", ""},
		reply{"survive a failover", ""},
		reply{"Name of the virtual server", ""},
		reply{"Protocol", ""},
		reply{"Address and port that clients connect to", ""},
		reply{"How do packets reach the real servers?", "dr"},
		reply{"Real servers", "10.77.0.21 10.77.0.22"},
		reply{"Which real server gets a new connection?", "rr"},
		reply{"How long does a client stay", ""},
		reply{"How is a real server known to work?", "http"},
		reply{"Page to ask for", ""},
		reply{"Name of the site", ""},
		reply{"Name of one more virtual server", ""},
		reply{"Who gets a mail", ""},
		reply{"Shall the box be set up like this?", "yes"},
	)
	confirmed := time.Now()
	advert := n.isMaster(t, 100)
	n.answered(t, "rs1", "rs2")
	t.Logf("measured: from the last answer of the wizard to the first advert: %.1f s, to answers of both real servers: %.1f s",
		advert.Sub(confirmed).Seconds(), time.Since(confirmed).Seconds())

	first.chooses("Pair: a code for the second director")
	code := strings.TrimSpace(first.shows(`10\.77\.0\.11/[0-9A-Z-]{19}\s`))
	second.answers(
		reply{"Name of this director [lb1]", "lb2"},
		reply{"Which network card?", ""},
		reply{"VLAN on it", ""},
		reply{"How does the box get its address?", ""},
		reply{"Address of this box", "10.77.0.12/24"},
		reply{"Gateway to other networks", ""},
		reply{"Name servers", ""},
		reply{"Do the real servers have a network of their own?", "no"},
		reply{"Password of the console", password},
		reply{"The password again", password},
		reply{"Public key for SSH", ""},
		reply{"Time servers", ""},
		reply{"One director, or two", "second"},
		reply{"Code that the first director shows", "10.77.0.11/AAAA-AAAA-AAAA-AAAA"},
		reply{"Code that the first director shows", code},
		reply{"Shall the box be set up like this?", "yes"},
	)
	first.says(`"lb2" at 10.77.0.12 has fetched it`)
	first.types("") // back to the menu
	n.isMaster(t, 100)
	first.isInState("master")
	second.isInState("backup")
	for _, name := range []string{"first boot", "set up", "code", "master"} {
		first.isDocumented(name)
	}
	second.isDocumented("second")

	stream := traffic.Start(t.Context(), 20*time.Millisecond, n.ask)
	defer stream.Stop()
	n.hears(t, 20)
	cut := time.Now()
	first.CutPower()
	n.isMaster(t, 50)
	n.answered(t, "rs1", "rs2")
	n.tells(t, "the master's power was cut", traffic.Between(stream.Answers(), cut.Add(-time.Second), time.Now()))

	// Somebody has put another card in, in the slot before the one that the wizard found.
	one.Cards = append([]box.Card{{MAC: "52:54:00:12:34:56"}}, one.Cards...)
	first = boot(t, one)
	master := n.isMaster(t, 100)
	t.Logf("measured: from power-on to the first advert of a director that was one before: %.1f s", master.Sub(first.Started()).Seconds())
	n.hears(t, 20)
	n.tells(t, "the former master has its power back, and starts", traffic.Between(stream.Answers(), first.Started(), master.Add(-time.Second)))
	back := traffic.Between(stream.Answers(), master.Add(-time.Second), time.Now())
	n.tells(t, "the former master takes over again", back)
	if failed := traffic.Failures(back); len(failed) > 0 {
		t.Errorf("%d of %d requests failed when the former master took over again, the first at %s", len(failed), len(back), failed[0])
	}
	first.logsIn()
	first.isInState("master")
	second.isInState("backup")

	n.updatesThePair(t, first, stream)
}

// plugsTheCableIn lets the box find its card by its cable, which is pulled and plugged in until it was seen.
func (s *session) plugsTheCableIn() {
	s.t.Helper()
	s.asks("Which network card?")
	s.types("auto")
	s.shows("Now plug the cable in.")
	for range 20 {
		s.plug(false)
		time.Sleep(time.Second) // as a hand does
		s.plug(true)
		ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
		_, next, err := s.Wait(ctx, s.at, `The card is eth0\.`)
		cancel()
		if err == nil {
			s.at = next
			return
		}
	}
	s.t.Fatal("the card is not found by its cable")
}

func (s *session) plug(in bool) {
	s.t.Helper()
	if err := s.Plug(0, in); err != nil {
		s.t.Fatal(err)
	}
}

// hangsUp pulls the cable of the serial line when a question is asked, and puts it in again: the question is still there.
func (s *session) hangsUp(question string) {
	s.t.Helper()
	s.asks(question)
	s.HangUp()
	if err := s.Connect(); err != nil {
		s.t.Fatal(err)
	}
	s.types("?")
}

// isInState waits until the menu's status says of the box what it is.
func (s *session) isInState(state string) {
	s.t.Helper()
	s.chooses("Status")
	s.shows(`vips +` + state + ` `)
	s.types("")
}

// A network is a client and real servers, and boxes with a cable to them.
type network struct {
	lab    *lab.Lab
	wire   *pair.Capture
	client traffic.Client
}

func newNetwork(t *testing.T, realServers int) *network {
	t.Helper()
	image(t) // a reason to skip
	if os.Geteuid() != 0 {
		t.Skip("only root makes the network namespaces that boxes, client and real servers are joined by: run make test-image")
	}
	l, err := lab.New(t.Context(), lab.Options{Directors: -1, RealServers: realServers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	n := &network{lab: l, client: traffic.Client{Dial: l.Client.Dial}}
	if n.wire, err = pair.Watch(l); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.wire.Close)
	return n
}

// newBox returns a new box with one card, on the network to the clients.
func (n *network) newBox(t *testing.T, name string) box.Options {
	t.Helper()
	tap, mac, err := n.lab.AddTap(t.Context(), name, 0, lab.Front)
	if err != nil {
		t.Fatal(err)
	}
	return box.Options{Disk: newDisk(t), Cards: []box.Card{{Tap: tap, MAC: mac}}, Launch: n.launch}
}

func (n *network) launch(cmd *exec.Cmd) error { return n.lab.InFabric(cmd.Start) }

// ask asks the virtual server once.
func (n *network) ask(ctx context.Context) (string, error) { return n.client.HTTP(ctx, lab.VIP+":80") }

// answered waits until each of some real servers has answered the client through the VIP.
func (n *network) answered(t *testing.T, names ...string) {
	t.Helper()
	left := map[string]bool{}
	for _, name := range names {
		left[name] = true
	}
	end := time.Now().Add(patience)
	for len(left) > 0 {
		who, err := n.ask(t.Context())
		delete(left, who)
		if time.Now().After(end) {
			t.Fatalf("%v have not answered through the VIP; the last answer was %q, %v", left, who, err)
		}
		if err != nil {
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// isMaster waits for an advert with a priority, and returns when it was.
func (n *network) isMaster(t *testing.T, priority uint8) time.Time {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	f, err := n.wire.Next(ctx, time.Now(), func(f pair.Frame) bool { return f.Kind == pair.Advert && f.Priority == priority })
	if err != nil {
		t.Fatalf("no advert with priority %d: %v", priority, err)
	}
	return f.Time
}

// hears waits for a number of adverts, whoever they come from.
func (n *network) hears(t *testing.T, adverts int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for since := time.Now(); adverts > 0; adverts-- {
		f, err := n.wire.Next(ctx, since, func(f pair.Frame) bool { return f.Kind == pair.Advert })
		if err != nil {
			t.Fatal(err)
		}
		since = f.Time.Add(time.Microsecond)
	}
}

// tells logs how the client fared while something happened.
func (n *network) tells(t *testing.T, what string, answers []traffic.Answer) {
	t.Helper()
	var longest time.Duration
	var last time.Time
	for _, a := range answers {
		if a.Err != nil {
			continue
		}
		if !last.IsZero() {
			longest = max(longest, a.Ended.Sub(last))
		}
		last = a.Ended
	}
	t.Logf("measured: %s: %d of %d requests failed, at most %.1f s without an answer", what, len(traffic.Failures(answers)), len(answers), longest.Seconds())
}
