package box_test

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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
	first, second := boot(t, one), boot(t, two)
	key := filepath.Join(t.TempDir(), "key")
	run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "alice@laptop", "-f", key)
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}

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
		reply{"Public key for SSH", strings.TrimSpace(string(public))},
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
	n.reachesBySSH(t, key)

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
	n.servesAllBut(t, back)
	first.logsIn()
	first.isInState("master")
	second.isInState("backup")

	n.updatesThePair(t, first, stream)
}

// reachesBySSH does over SSH to the first director what docs/appliance.md says, with OpenSSH's client and the key that the wizard
// was given.
func (n *network) reachesBySSH(t *testing.T, key string) {
	t.Helper()
	run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key+"2")
	ssh := func(key, input, words string) (string, int) {
		t.Helper()
		out, status, err := n.lab.Client.Run(t.Context(), "printf '"+input+"' | ssh -F none -o IdentitiesOnly=yes -o BatchMode=yes"+
			" -o UserKnownHostsFile="+key+".hosts -o StrictHostKeyChecking=accept-new -i "+key+" -l admin "+words)
		if err != nil {
			t.Fatal(err)
		}
		return out, status
	}
	for _, c := range []struct{ input, words, want string }{
		{"", "10.77.0.11 vrrp status", `(?m)^vips +master `},
		{"", "10.77.0.11 config export - | tar -tz", `(?m)^box\.hcl\nshared\.hcl$`},
		{`1\n\n0\n`, "-tt 10.77.0.11", `(?s)Your choice.*vips +master `},
	} {
		if out, status := ssh(key, c.input, c.words); status != 0 || !regexp.MustCompile(c.want).MatchString(out) {
			t.Errorf("ssh %s: status %d, %q", c.words, status, out)
		}
	}
	if out, status := ssh(key+"2", "", "10.77.0.11 vrrp status"); status != 255 || !strings.Contains(out, "Permission denied") {
		t.Errorf("somebody with another key: status %d, %q", status, out)
	}
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

// servesAllBut fails unless every request was answered, but for the one that may be under way in the moment in which another
// director becomes master: a connection so young is known to the former one alone. The kernel tells of a connection after its
// third packet, and within two seconds (net/netfilter/ipvs/ip_vs_sync.c).
func (n *network) servesAllBut(t *testing.T, answers []traffic.Answer) {
	t.Helper()
	const moment = 100 * time.Millisecond
	var changes []time.Time
	var master netip.Addr
	for _, f := range n.wire.Since(answers[0].Began.Add(-5 * time.Second)) { // some adverts before it
		if f.Kind != pair.Advert || f.Priority == 0 || f.Source == master {
			continue
		}
		// The last advert of a master that yields belongs to the same change.
		if master.IsValid() && (changes == nil || f.Time.Sub(changes[len(changes)-1]) > moment) {
			changes = append(changes, f.Time)
		}
		master = f.Source
	}
	for _, a := range traffic.Failures(answers) {
		i := slices.IndexFunc(changes, func(at time.Time) bool { return at.After(a.Began.Add(-moment)) && at.Before(a.Ended.Add(moment)) })
		if i < 0 {
			t.Errorf("a request failed, and not when another director became master, or not as the only one then: %s", a)
			continue
		}
		changes = slices.Delete(changes, i, i+1)
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
