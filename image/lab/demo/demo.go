// Package demo shows evenkeel at work: two directors in virtual machines, three real servers and a client; a real server that
// dies and comes back, then the master of the two, and a table of what was measured. Anything that is not as it should be
// is an error.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/image/lab"
	"github.com/evenkeel/evenkeel/image/lab/stage"
	"github.com/evenkeel/evenkeel/image/lab/traffic"
)

// Options say what is shown.
type Options struct {
	Evenkeel string   // the binary
	Agent    string   // the static evenkeel-lab; "": the running program
	Kind     lab.Kind // of the director; default UML
}

// The virtual server that is shown.
const service = "-t " + lab.VIP + ":80"

// configuration is a director's. Only the name and the priority are its own.
func configuration(name string, priority int) string {
	return fmt.Sprintf(`director {
  name = %q
}

vrrp_instance "VI_1" {
  interface         = "eth0"
  virtual_router_id = 51
  priority          = %d
  advert_int        = "200ms"
  virtual_addresses = ["10.77.0.100/32"]
}
`, name, priority) + balancing
}

const balancing = `
virtual_server "web" {
  address   = "10.77.0.100:80"
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "dr"

  check "http" {
    interval       = "1s"
    timeout        = "1s"
    retry_interval = "100ms"
    fall           = 3
    rise           = 1
    path           = "/"
    status         = ["200"]
  }

  real_server "10.77.0.21:80" {
    weight = 1
  }
  real_server "10.77.0.22:80" {
    weight = 2
  }
  real_server "10.77.0.23:80" {
    weight = 3
  }
}
`

// weights are the real servers' by the name with which they answer, and addresses where they are.
var (
	weights   = map[string]int{"rs1": 1, "rs2": 2, "rs3": 3}
	addresses = map[string]string{"rs1": "10.77.0.21:80", "rs2": "10.77.0.22:80", "rs3": "10.77.0.23:80"}
)

// patience is how long anything may take that must come: on a computer with much else to do, minutes.
const patience = 2 * time.Minute

// Run shows it, and writes what it does while it does it.
func Run(ctx context.Context, out io.Writer, o Options) (err error) {
	d := &show{printer: printer{out: out, began: time.Now()}}
	defer func() {
		if err != nil {
			d.fail()
		}
	}()
	d.title("evenkeel: two directors, three real servers, one client, all on this computer")
	l, err := d.boot(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	for _, act := range []func(context.Context, *lab.Lab) error{d.balance, d.kill, d.revive, d.takeOver, d.comeBack} {
		if err := act(ctx, l); err != nil {
			return err
		}
	}
	return d.finish()
}

// A show is the demonstration while it runs.
type show struct {
	printer
	stage    *stage.Stage // of dir1
	backup   *stage.Stage // of dir2
	stream   *traffic.Stream
	measured []row
	wrong    []string // what is not as it should be
	said     string   // by evenkeel, until the first of it
	verdict  time.Time
	killed   time.Time
}

// A row is a line of the table at the end.
type row struct{ what, value string }

func (d *show) measure(what, format string, args ...any) {
	d.measured = append(d.measured, row{what, fmt.Sprintf(format, args...)})
}

func seconds(t time.Duration) string { return fmt.Sprintf("%.2f s", t.Seconds()) }

func (d *show) boot(ctx context.Context, o Options) (*lab.Lab, error) {
	kind := "User Mode Linux"
	if o.Kind == lab.QEMU {
		kind = "QEMU"
	}
	d.step("booting the directors, two virtual machines (%s)", kind)
	began := time.Now()
	l, err := lab.New(ctx, lab.Options{
		Agent: o.Agent, Kind: o.Kind, Directors: 2, NoVIP: true,
		Director: lab.VMOptions{Files: []lab.File{stage.Program(o.Evenkeel)}},
	})
	if err != nil {
		return nil, err
	}
	d.done("%s, Linux %s", seconds(time.Since(began)), l.Directors[0].Greeting.Release)
	d.stage, d.backup = stage.New(l, 0), stage.New(l, 1)
	return l, nil
}

// balance starts evenkeel and counts who answers.
func (d *show) balance(ctx context.Context, l *lab.Lab) error {
	d.text("The configuration of dir1, " + stage.ConfigFile + ":")
	d.block(configuration("dir1", masterPriority))
	d.text(fmt.Sprintf("dir2 has the same, with priority = %d.", backupPriority))
	d.gap()
	d.step("starting evenkeel on both, until dir1 has the address and all three real servers")
	if err := d.backup.Configure(ctx, configuration("dir2", backupPriority)); err != nil {
		return err
	}
	if err := d.backup.Start(ctx); err != nil {
		return err
	}
	took, err := d.startMaster(ctx)
	if err != nil {
		return err
	}
	d.done("%s", seconds(took))
	d.measure("start of evenkeel to address and full table", "%s", seconds(took))

	const requests = 120
	d.step("asking http://%s/ %d times, each time on a new connection", lab.VIP, requests)
	answers := traffic.Ask(ctx, requests, d.ask)
	d.done("")
	d.answers(traffic.Tally(answers), weights)
	d.checkShares(answers, weights)
	return ctx.Err()
}

func (d *show) ask(ctx context.Context) (string, error) {
	return d.stage.Client.HTTP(ctx, lab.VIP+":80")
}

// kill takes rs3 away under traffic that does not stop until the end of the show.
func (d *show) kill(ctx context.Context, l *lab.Lab) error {
	d.text("From here on the client asks every 20 ms, without a pause.")
	d.stream = traffic.Start(ctx, 20*time.Millisecond, d.ask)
	if err := pause(ctx, time.Second); err != nil {
		return err
	}
	d.step("killing the server on rs3 (SIGKILL), until it is out of the table")
	d.killed = time.Now()
	if err := l.RealServers[2].Kill(ctx); err != nil {
		return err
	}
	rest := map[string]int{"rs1": 1, "rs2": 2}
	if _, err := d.stage.UntilTable(ctx, patience, service, table(rest)); err != nil {
		return err
	}
	d.verdict = time.Now()
	took := d.verdict.Sub(d.killed)
	d.done("%s", seconds(took))
	d.measure("rs3 killed, until out of the table", "%s", seconds(took))
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	if err := d.look(ctx); err != nil {
		return err
	}
	answers := traffic.Between(d.stream.Answers(), d.verdict, time.Now())
	d.text("Who answered since:")
	d.answers(traffic.Tally(answers), rest)
	d.checkShares(answers, rest)
	return nil
}

// look shows the director's own views.
func (d *show) look(ctx context.Context) error {
	out, exit, err := d.stage.Director.Run(ctx, "ipvsadm -Ln")
	if err != nil {
		return err
	}
	d.text("The kernel's table, by ipvsadm -Ln:")
	d.block(out)
	d.expect(exit == 0 && !strings.Contains(out, addresses["rs3"]), "ipvsadm still shows rs3, or failed")
	out, exit, err = d.stage.Evenkeel(ctx, "status")
	if err != nil {
		return err
	}
	d.text("And by evenkeel status:")
	d.block(out)
	d.expect(exit == 0, "evenkeel status failed")
	st, err := d.stage.Status(ctx)
	if err != nil {
		return err
	}
	d.expect(st.State(addresses["rs3"]) == "down", "evenkeel status calls rs3 %q, not down", st.State(addresses["rs3"]))
	return nil
}

// revive brings rs3 back.
func (d *show) revive(ctx context.Context, l *lab.Lab) error {
	d.step("starting the server on rs3 again, until it is back in the table")
	began := time.Now()
	if err := l.RealServers[2].Start(ctx); err != nil {
		return err
	}
	if _, err := d.stage.UntilTable(ctx, patience, service, table(weights)); err != nil {
		return err
	}
	back := time.Now()
	d.done("%s", seconds(back.Sub(began)))
	d.measure("rs3 started, until back in the table", "%s", seconds(back.Sub(began)))
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	all := d.stream.Stop()
	now := traffic.Between(all, back, time.Now())
	d.text("Who answered since:")
	d.answers(traffic.Tally(now), weights)
	d.checkShares(now, weights)

	failed := traffic.Failures(all)
	after := traffic.Between(failed, d.verdict, time.Now())
	early := 0 // one that was under way when rs3 was killed may have died with it
	for _, a := range failed {
		if a.Ended.Before(d.killed) {
			early++
		}
	}
	d.measure("requests while rs3 died and came back", "%d", len(all))
	d.measure("  failed before rs3 was killed", "%d", early)
	d.measure("  failed between the kill and the verdict", "%d", len(failed)-early-len(after))
	d.measure("  failed after the verdict", "%d", len(after))
	d.expect(len(after) == 0, "%d requests failed after the verdict", len(after))
	d.expect(early == 0, "%d requests failed before anything was killed", early)
	return nil
}

func table(weights map[string]int) map[string]int {
	t := map[string]int{}
	for name, w := range weights {
		t[addresses[name]] = w
	}
	return t
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
