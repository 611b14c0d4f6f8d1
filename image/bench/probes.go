package bench

import (
	"context"
	_ "embed" // the library that keepalived is started with
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/image/bench/gauge"
	"github.com/evenkeel/evenkeel/image/lab"
	"github.com/evenkeel/evenkeel/image/lab/pair"
)

//go:embed swallow/swallow.c
var swallow []byte

// probing measures what checks cost, natively: virtual machines make system calls several times as dear as they are. The
// daemon and the sink that answers it are in one network namespace, and neither writes to a kernel's table: evenkeel by
// --dry-run, keepalived by a library that swallows what it says.
type probing struct {
	o       *Options
	report  *Report
	dir     string
	swallow string
}

// probes measures tcp with 2,000 and 10,000 targets and http with 2,000.
func (o *Options) probes(ctx context.Context, r *Report) error {
	dir, err := os.MkdirTemp("", "evenkeel-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	m := &probing{o: o, report: r, dir: dir, swallow: filepath.Join(dir, "swallow.so")}
	source := filepath.Join(dir, "swallow.c")
	if err := os.WriteFile(source, swallow, 0o600); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "gcc", "-O2", "-shared", "-fPIC", "-o", m.swallow, source).CombinedOutput(); err != nil {
		return fmt.Errorf("compiling what keepalived is started with: %w: %s", err, out)
	}
	populations := []population{{"tcp", 2000}, {"tcp", 10_000}, {"http", 2000}}
	populations = slices.DeleteFunc(populations, func(p population) bool { return o.Checks != "" && o.Checks != p.check })
	for _, p := range populations {
		m.goals(p)
	}
	for i := range o.reps(3) {
		for _, p := range populations {
			for column, binary := range []string{evenkeel: o.Evenkeel, keepalived: o.Keepalived} {
				if binary == "" {
					continue
				}
				fmt.Fprintf(o.Log, "run %d: %s, %s\n", i+1, names[column], p.name())
				if err := m.life(ctx, prober{column: column, binary: binary, logs: p.check == "http", swallow: m.swallow}, p); err != nil {
					return fmt.Errorf("%s, %s: %w", names[column], p.name(), err)
				}
			}
		}
	}
	return nil
}

// What is measured, after the population's name.
const (
	rateRow     = ": checks a second"
	costRow     = ": CPU of all processes per 1,000 checks, ms"
	coreRow     = ": CPU of the core, % of a processor"
	probesRow   = ": memory of all processes (PSS), MiB"
	lateRow     = ": latest check, % of its interval"
	late99Row   = ": 99 of 100 checks not later than, % of the interval"
	reactionRow = ": failing probe's end to decision, median, ms"
	slowestRow  = ": failing probe's end to decision, maximum, ms"
)

// goals also fixes the order of the rows.
func (m *probing) goals(p population) {
	n, ratio := p.name(), 1.0
	if p.check == "http" {
		ratio = 1.25
	}
	m.report.Row(n + rateRow)
	m.report.goal(n+costRow, ratio)
	m.report.most(n+coreRow, 2)
	m.report.Row(n + probesRow)
	m.report.most(n+lateRow, 10)
	m.report.Row(n + late99Row)
	if p.check == "http" {
		m.report.most(n+reactionRow, 5)
		m.report.most(n+slowestRow, 5)
	}
}

// A node is a namespace with a sink, in which a daemon is started.
type node struct {
	*pair.Router
	*gauge.Asker       // of the sink
	sink         []int // processes that are not the daemon's
	said         *lines
}

const controlAddress = "127.0.0.1:8081"

// life is one daemon's with one population.
func (m *probing) life(ctx context.Context, d prober, p population) error {
	d.config = p.evenkeel()
	if d.column == keepalived {
		d.config = p.keepalived()
	}
	l, err := lab.New(ctx, lab.Options{Kind: m.o.Kind, Directors: -1, RealServers: -1, Log: m.o.Log})
	if err != nil {
		return err
	}
	defer l.Close()
	n, err := m.node(ctx, l, d, p)
	if err != nil {
		return err
	}
	defer n.Asker.Close()
	daemon, err := n.Host.Start(ctx, n.said, d.Command(n.Dir+"/config.hcl", n.Dir)...)
	if err != nil {
		return err
	}
	if err := m.settle(ctx, n, daemon.Done()); err != nil {
		return err
	}
	select {
	case <-daemon.Done():
		return fmt.Errorf("it has ended: %s", firstLines(daemon.Output()))
	default:
	}
	if err := m.measure(ctx, n, d, p); err != nil {
		return err
	}
	if p.check == "http" {
		return m.reaction(ctx, n, d, p)
	}
	return nil
}

// settle waits until the daemon does nothing but what it does all the time: for ten seconds it has needed about the same processor
// time, and not all of a processor. The beginning of keepalived with 2,000 HTTP checks takes 7 s of one, as much as 35 s of checks.
// On a machine that others use so much that this is not seen within three minutes, it is measured all the same.
func (m *probing) settle(ctx context.Context, n *node, ended <-chan struct{}) error {
	const window, windows = 2 * time.Second, 5
	var spent Series
	var before time.Duration
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); {
		if err := pause(ctx, window); err != nil {
			return err
		}
		select {
		case <-ended:
			return nil
		default:
		}
		pids, err := n.daemons()
		if err != nil {
			return err
		}
		now, err := costOf(pids)
		if err != nil {
			return err
		}
		spent = append(spent, float64(now.cpu-before))
		before = now.cpu
		last := spent[max(0, len(spent)-windows):]
		if len(last) == windows && last.Max() < 1.25*last.Min() && last.Max() < 0.9*float64(window) {
			return nil
		}
	}
	fmt.Fprintln(m.o.Log, "  the processor time that it needs still changes from one second to the next: its beginning may be in what follows")
	return nil
}

// node makes the namespace, and starts the sink.
func (m *probing) node(ctx context.Context, l *lab.Lab, d prober, p population) (*node, error) {
	dir, err := os.MkdirTemp(m.dir, "life")
	if err != nil {
		return nil, err
	}
	r, err := pair.New(ctx, l, d, dir, 1)
	if err != nil {
		return nil, err
	}
	const setup = `ip address add ` + serverNetwork + ` dev lo
echo 1024 65535 >/proc/sys/net/ipv4/ip_local_port_range
echo 8192 >/proc/sys/net/core/somaxconn
echo 8192 >/proc/sys/net/ipv4/tcp_max_syn_backlog`
	if out, exit, err := r.Host.Run(ctx, setup); err != nil || exit != 0 {
		return nil, fmt.Errorf("preparing the namespace: exit %d, %w: %s", exit, err, out)
	}
	if err := r.Configure(pair.Config{}); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if _, err := r.Host.Start(ctx, nil, self, "gauge", "sink", "--ask", controlAddress, fmt.Sprintf("--http=%t", p.check == "http")); err != nil {
		return nil, err
	}
	n := &node{Router: r, said: &lines{}}
	for end := time.Now().Add(5 * time.Second); n.Asker == nil; {
		switch c, err := r.Host.Dial(ctx, "tcp", controlAddress); {
		case err == nil:
			n.Asker = gauge.NewAsker(c)
		case time.Now().After(end):
			return nil, fmt.Errorf("the sink does not answer: %w", err)
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return nil, err
		}
	}
	n.sink, err = r.Pids()
	return n, err
}

// daemons returns the daemon's processes.
func (n *node) daemons() ([]int, error) {
	pids, err := n.Pids()
	return slices.DeleteFunc(pids, func(pid int) bool { return slices.Contains(n.sink, pid) }), err
}

// measure looks on for a while.
func (m *probing) measure(ctx context.Context, n *node, d prober, p population) error {
	pids, err := n.daemons()
	if err != nil {
		return err
	}
	before, err := costOf(pids)
	if err != nil {
		return err
	}
	first, err := firstOf(pids)
	if err != nil {
		return err
	}
	core, err := processorTime(first)
	if err != nil {
		return err
	}
	began := time.Now()
	if _, err := n.Ask("read"); err != nil {
		return err
	}
	if err := pause(ctx, m.o.span(30*time.Second)); err != nil {
		return err
	}
	seen, err := n.Ask("read")
	if err != nil {
		return err
	}
	span := time.Since(began)
	after, err := costOf(pids)
	if err != nil {
		return err
	}
	coreAfter, err := processorTime(first)
	if err != nil {
		return err
	}
	if seen.Count == 0 {
		return fmt.Errorf("no check has come: %s", lastLines(n.said.text()))
	}
	add := func(row string, v float64) { m.report.add(p.name()+row, d.column, v) }
	add(rateRow, float64(seen.Count)/span.Seconds())
	add(costRow, float64((after.cpu-before.cpu).Milliseconds())/float64(seen.Count)*1e3)
	if d.column == evenkeel {
		add(coreRow, float64(coreAfter-core)/float64(span)*100)
	}
	add(probesRow, float64(after.pss)/(1<<20))
	add(lateRow, seen.Late*100)
	add(late99Row, seen.Late99*100)
	return nil
}

// decided finds in a log that the weight of a server has changed, and is on its way to the kernel.
var decided = [columns]*regexp.Regexp{
	evenkeel:   regexp.MustCompile(`weight: subject=\S+/([0-9.]+):\d+ from=1 to=0`),
	keepalived: regexp.MustCompile(`Removing service \[([0-9.]+)\]`),
}

// reaction breaks some servers, of places all over the interval, and waits until the daemon takes them out.
func (m *probing) reaction(ctx context.Context, n *node, d prober, p population) error {
	var broken []string
	const servers = 20
	for i := range servers {
		broken = append(broken, after(firstServer, i*p.targets/servers).String())
	}
	if _, err := n.Ask("break " + strings.Join(broken, " ")); err != nil {
		return err
	}
	if err := pause(ctx, 3*time.Second); err != nil {
		return err
	}
	seen, err := n.Ask("read")
	if err != nil {
		return err
	}
	out := n.said.matching(decided[d.column])
	var took Series
	for _, a := range broken {
		failed, ok := seen.Failed[a]
		at, told := out[a]
		if !ok || !told {
			return fmt.Errorf("%s was broken, and is not taken out: %s", a, lastLines(n.said.text()))
		}
		took = append(took, float64(at.UnixNano()-failed)/1e6)
	}
	m.report.add(p.name()+reactionRow, d.column, took.Median())
	m.report.add(p.name()+slowestRow, d.column, took.Max())
	return nil
}

// pause waits, but not beyond the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
