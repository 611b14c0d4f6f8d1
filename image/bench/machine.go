package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/image/bench/gauge"
	"github.com/evenkeel/evenkeel/image/lab"
)

// A machine is the virtual machine in which both daemons run, one after the other.
type machine struct {
	vm     *lab.VM
	size   Size
	report *Report
}

// realServers is the number of real servers of each virtual server in a machine.
const realServers = 10

// Files in the machine. A daemon's configuration is copied from the one with the weight that is wanted.
const (
	confDir      = "/etc/bench/"
	savedTable   = confDir + "table"
	evenkeelBin  = "/usr/sbin/evenkeel"
	evenkeelSock = "/run/evenkeel/control.sock"
	daemonLog    = "/run/daemon.log"
)

// machine measures what needs IPVS: start into an empty table, reload, start with the table in place, memory.
func (o *Options) machine(ctx context.Context, r *Report, checks Checking) error {
	size := Size{VirtualServers: o.Scale, RealServers: realServers, Checks: checks, Weight: 1, Watched: checks != NoChecks}
	fmt.Fprintf(o.Log, "%s, in a machine of kind %s\n", size.name(), o.Kind)
	l, err := lab.New(ctx, lab.Options{Kind: o.Kind, Directors: -1, RealServers: -1, Log: o.Log})
	if err != nil {
		return err
	}
	defer l.Close()
	vm, err := l.Boot(ctx, o.vm(size))
	if err != nil {
		return err
	}
	m := &machine{vm: vm, size: size, report: r}
	if checks != NoChecks {
		if _, err := vm.Start(ctx, nil, append([]string{"/usr/bin/evenkeel-lab", "gauge", "sink", "--ask", controlAddress}, size.watchedServers()...)...); err != nil {
			return err
		}
	}
	m.goals()
	daemons := []daemon{m.evenkeel(), m.keepalived(o.Keepalived)}
	if o.Evenkeel == "" {
		daemons = daemons[1:]
	}
	for i := range o.reps(5) {
		fmt.Fprintf(o.Log, "run %d\n", i+1)
		if err := m.round(ctx, daemons); err != nil {
			return fmt.Errorf("%s: %w", size.name(), err)
		}
	}
	return nil
}

// name is "1000x10, no checks".
func (s Size) name() string {
	if s.Checks == NoChecks {
		return fmt.Sprintf("%dx%d, no checks", s.VirtualServers, s.RealServers)
	}
	return fmt.Sprintf("%dx%d, %d TCP checks", s.VirtualServers, s.RealServers, s.total())
}

// vm describes the machine. Every real server's address is one of its own, so that a check has somebody to answer it.
func (o *Options) vm(size Size) lab.VMOptions {
	v := lab.VMOptions{
		Name: "bench", Kind: o.Kind, Memory: 1024,
		Modules:  []string{"ip_vs", "ip_vs_wrr"},
		Sysctls:  []string{"net.ipv4.ip_local_port_range=1024 65535", "net.core.somaxconn=4096", "net.ipv4.tcp_max_syn_backlog=8192"},
		Setup:    "ip addr add " + serverNetwork + " dev lo\nmkdir -p /etc/evenkeel /etc/keepalived /var/lib/evenkeel\n",
		Files:    []lab.File{{Path: savedTable, Data: size.Save()}},
		Programs: []string{o.Keepalived},
	}
	if o.Evenkeel != "" {
		v.Files = append(v.Files, lab.File{Path: evenkeelBin, Source: o.Evenkeel, Mode: 0o755})
	}
	for _, w := range append([]int{1}, newWeights...) {
		size.Weight = w
		v.Files = append(v.Files,
			lab.File{Path: fmt.Sprintf("%sevenkeel.%d", confDir, w), Data: size.Evenkeel()},
			lab.File{Path: fmt.Sprintf("%skeepalived.%d", confDir, w), Data: size.Keepalived()})
	}
	return v
}

// What is measured, after the size's name.
const (
	startRow      = ": exec to full table, s"
	restartRow    = ": start after a stop, until ready, s"
	reloadRow     = ": first SIGHUP to changed weight, s"
	againRow      = ": later SIGHUPs to changed weight, s"
	restartWrites = ": kernel writes of a start into the full table"
	reloadWrites  = ": kernel writes of each reload"
	emptyRow      = ": kernel writes of the first start"
	stopRow       = ": SIGTERM to all processes gone, s"
	memoryRow     = ": memory of all processes (PSS), MiB"
	privateRow    = ": of it written to and not shared, MiB"
	tableRow      = ": failing probe's end to changed weight in the kernel, median, ms"
	slowTableRow  = ": failing probe's end to changed weight in the kernel, maximum, ms"
)

// goals also fixes the order of the rows.
func (m *machine) goals() {
	n := m.size.name()
	m.report.goal(n+startRow, 1)
	m.report.Row(n + restartRow)
	m.report.goal(n+reloadRow, 0.1)
	m.report.goal(n+againRow, 0.1)
	m.report.count(n+emptyRow, m.size.VirtualServers+m.size.total())
	m.report.count(n+restartWrites, 0)
	m.report.count(n+reloadWrites, 1)
	if m.size.Watched {
		m.report.most(n+tableRow, 5)
		m.report.most(n+slowTableRow, 5)
	}
}

func (m *machine) add(row string, column int, v float64) { m.report.add(m.size.name()+row, column, v) }

// round measures each program once.
func (m *machine) round(ctx context.Context, daemons []daemon) error {
	for _, d := range daemons {
		if err := m.life(ctx, d); err != nil {
			return fmt.Errorf("%s: %w", names[d.column], err)
		}
	}
	if err := m.sh(ctx, "ipvsadm -C"); err != nil {
		return err
	}
	g, err := m.gauge(ctx, "run", "--input", savedTable, "--", "ipvsadm", "-R")
	if err != nil {
		return err
	}
	m.add(startRow, ipvsadm, g.Seconds)
	return m.sh(ctx, "ipvsadm -C")
}

// A daemon is one of the two, as the machine starts it.
type daemon struct {
	column int
	conf   string   // its configuration; what is copied there is in confDir, one file for each weight
	argv   []string // its command
	fresh  string   // a script that makes it forget
	writes []string // a command that says how many writes to the kernel it has done; nil: it does not tell
	ready  string   // what its log says when it is ready with the table in place; "": that is when the table is there
}

func (m *machine) evenkeel() daemon {
	const conf, state = "/etc/evenkeel/evenkeel.hcl", "/var/lib/evenkeel"
	return daemon{
		column: evenkeel, conf: conf,
		argv:   []string{evenkeelBin, "run", "--config", conf, "--state", state, "--run-dir", "/run/evenkeel", "--socket", evenkeelSock},
		fresh:  "rm -rf " + state + "; mkdir -p " + state,
		writes: []string{evenkeelBin, "status", "--brief", "--json", "--socket", evenkeelSock},
		ready:  "the table is in place",
	}
}

func (m *machine) keepalived(bin string) daemon {
	const conf = "/etc/keepalived/keepalived.conf"
	return daemon{column: keepalived, conf: conf, argv: []string{bin, "-n", "-C", "-f", conf}, fresh: "rm -f /run/keepalived*"}
}

// life is a daemon's: a start into an empty table, reloads, a stop, and another start and stop.
func (m *machine) life(ctx context.Context, d daemon) error {
	if err := m.sh(ctx, "ipvsadm -C; "+d.fresh+"\n"+m.copyConf(d, 1)); err != nil {
		return err
	}
	g, err := m.start(ctx, d, "")
	if err != nil {
		return fmt.Errorf("first start: %w", err)
	}
	pid := strconv.Itoa(g.PID)
	m.add(startRow, d.column, g.Seconds)
	if err := m.rest(ctx); err != nil {
		return err
	}
	n, err := m.writes(ctx, d)
	if err != nil {
		return err
	}
	m.addWrites(emptyRow, d, n)
	if err := m.memory(ctx, d, pid); err != nil {
		return err
	}
	if m.size.Watched {
		if err := m.react(ctx, d); err != nil {
			return fmt.Errorf("real servers that fail: %w", err)
		}
	}
	row := reloadRow
	for _, weight := range newWeights {
		if err := m.reload(ctx, d, pid, weight, row); err != nil {
			return fmt.Errorf("reload: %w", err)
		}
		row = againRow
	}
	if err := m.stop(ctx, d, pid); err != nil {
		return err
	}
	if g, err = m.start(ctx, d, d.ready); err != nil {
		return fmt.Errorf("start after a stop: %w", err)
	}
	m.add(restartRow, d.column, g.Seconds)
	if err := m.rest(ctx); err != nil {
		return err
	}
	if n, err = m.writes(ctx, d); err != nil {
		return err
	}
	m.addWrites(restartWrites, d, n)
	return m.stop(ctx, d, strconv.Itoa(g.PID))
}

// newWeights are those that the first real server gets, one reload after the other. The first reload of a daemon's life is
// apart: the memory that it takes is there for the following ones.
var newWeights = []int{7, 5, 3}

// reload gives the first real server another weight.
func (m *machine) reload(ctx context.Context, d daemon, pid string, weight int, row string) error {
	if err := m.sh(ctx, m.copyConf(d, weight)); err != nil {
		return err
	}
	before, err := m.writes(ctx, d)
	if err != nil {
		return err
	}
	g, err := m.gauge(ctx, "reload", "--pid", pid, "--first", m.first(), "--servers", strconv.Itoa(realServers), "--weight", strconv.Itoa(weight))
	if err != nil {
		return err
	}
	m.add(row, d.column, g.Seconds)
	if err := m.rest(ctx); err != nil {
		return err
	}
	after, err := m.writes(ctx, d)
	m.addWrites(reloadWrites, d, after-before)
	return err
}

// react has the watched real servers fail, one after the other.
func (m *machine) react(ctx context.Context, d daemon) error {
	watched := netip.AddrPortFrom(after(firstService, m.size.VirtualServers-1), port).String()
	g, err := m.gauge(ctx, append([]string{"react", "--ask", controlAddress, "--first", watched}, m.size.watchedServers()...)...)
	if err != nil {
		return err
	}
	var took Series
	for _, seconds := range g.Each {
		took = append(took, seconds*1e3)
	}
	m.add(tableRow, d.column, took.Median())
	m.add(slowTableRow, d.column, took.Max())
	return nil
}

// rest lets a daemon come to rest: one that checks has first looked at everything then.
func (m *machine) rest(ctx context.Context) error {
	if m.size.Checks == NoChecks {
		return pause(ctx, 2*time.Second)
	}
	if err := pause(ctx, 5*time.Second); err != nil { // what checks may begin only now
		return err
	}
	_, err := m.gauge(ctx, "calm")
	return err
}

func (m *machine) copyConf(d daemon, weight int) string {
	name := names[d.column]
	return fmt.Sprintf("cp %s%s.%d %s", confDir, name, weight, d.conf)
}

func (m *machine) first() string { return netip.AddrPortFrom(firstService, port).String() }

func (m *machine) start(ctx context.Context, d daemon, said string) (gauge.Reading, error) {
	return m.gauge(ctx, append([]string{"start", "--log", daemonLog, "--said", said, "--first", m.first(),
		"--services", strconv.Itoa(m.size.VirtualServers), "--servers", strconv.Itoa(realServers), "--"}, d.argv...)...)
}

func (m *machine) stop(ctx context.Context, d daemon, pid string) error {
	g, err := m.gauge(ctx, "stop", "--pid", pid)
	if err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	m.add(stopRow, d.column, g.Seconds)
	return nil
}

func (m *machine) writes(ctx context.Context, d daemon) (uint64, error) {
	if d.writes == nil {
		return 0, nil
	}
	g, err := m.gauge(ctx, append([]string{"writes", "--"}, d.writes...)...)
	return g.Writes, err
}

func (m *machine) addWrites(row string, d daemon, n uint64) {
	if d.writes != nil {
		m.add(row, d.column, float64(n))
	}
}

func (m *machine) memory(ctx context.Context, d daemon, pid string) error {
	g, err := m.gauge(ctx, "memory", "--pid", pid)
	if err != nil {
		return err
	}
	pss, private := 0, 0
	for _, p := range g.Memory {
		pss, private = pss+p.PSS, private+p.Private
		fmt.Fprintf(m.report.Log, "    %-40s PSS %d KiB, RSS %d, private and written %d\n", p.Name, p.PSS, p.RSS, p.Private)
	}
	m.add(memoryRow, d.column, float64(pss)/1024)
	m.add(privateRow, d.column, float64(private)/1024)
	return nil
}

// gauge runs a command of package gauge in the machine.
func (m *machine) gauge(ctx context.Context, args ...string) (gauge.Reading, error) {
	p, err := m.vm.Start(ctx, nil, append([]string{"/usr/bin/evenkeel-lab", "gauge"}, args...)...)
	if err != nil {
		return gauge.Reading{}, err
	}
	exit, err := p.Wait(ctx)
	if err != nil {
		return gauge.Reading{}, err
	}
	if exit != 0 {
		return gauge.Reading{}, errors.New(strings.TrimSpace(p.Output()))
	}
	var g gauge.Reading
	if err := json.Unmarshal([]byte(p.Output()), &g); err != nil {
		return g, fmt.Errorf("read what the gauge says: %w: %s", err, firstLines(p.Output()))
	}
	return g, nil
}

// sh runs a script in the machine that must succeed.
func (m *machine) sh(ctx context.Context, script string) error {
	out, exit, err := m.vm.Run(ctx, "set -e\n"+script)
	if err == nil && exit != 0 {
		err = fmt.Errorf("exit %d: %s", exit, firstLines(out))
	}
	if err != nil {
		return fmt.Errorf("%q: %w", script, err)
	}
	return nil
}
