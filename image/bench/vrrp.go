package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/evenkeel/evenkeel/image/lab"
	"github.com/evenkeel/evenkeel/image/lab/pair"
)

// routing measures VRRP, in network namespaces of the host, where times are the kernel's own.
type routing struct {
	o      *Options
	report *Report
	dir    string
}

// vrrp measures take-overs, adverts on a busy machine, and 200 instances.
func (o *Options) vrrp(ctx context.Context, r *Report) error {
	dir, err := os.MkdirTemp("", "evenkeel-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	m := &routing{o: o, report: r, dir: dir}
	for _, v := range speeds {
		m.near(fmt.Sprintf("%s, kill -9: last advert to the backup's first, ms", v.name()))
		m.near(fmt.Sprintf("%s, kill -9: last advert to the backup's first ARP, ms", v.name()))
		m.near(fmt.Sprintf("%s, SIGTERM: goodbye to the backup's first, ms", v.name()))
		m.near(fmt.Sprintf("%s, SIGTERM: goodbye to the backup's first ARP, ms", v.name()))
	}
	for column, d := range o.routers() {
		if d == nil {
			continue
		}
		for _, v := range speeds {
			if err := m.takeOvers(ctx, column, d, v); err != nil {
				return fmt.Errorf("%s, %s: %w", d.Name(), v.name(), err)
			}
		}
		if err := m.busy(ctx, column, d); err != nil {
			return fmt.Errorf("%s on a busy machine: %w", d.Name(), err)
		}
		if err := m.many(ctx, column, d); err != nil {
			return fmt.Errorf("%s with many instances: %w", d.Name(), err)
		}
	}
	return nil
}

// routers are the daemons by column.
func (o *Options) routers() [columns]pair.Daemon {
	var d [columns]pair.Daemon
	d[keepalived] = pair.Keepalived{}
	if o.Evenkeel != "" {
		d[evenkeel] = pair.Evenkeel{Binary: o.Evenkeel}
	}
	return d
}

// A speed is a version and an interval of adverts.
type speed struct {
	version int
	advert  time.Duration
}

var speeds = []speed{{2, time.Second}, {3, 100 * time.Millisecond}, {3, 10 * time.Millisecond}}

func (s speed) name() string { return fmt.Sprintf("v%d, %v", s.version, s.advert) }

// instance is a virtual router of that speed.
func (s speed) instance(id int) pair.Instance {
	return pair.Instance{
		Name: fmt.Sprintf("VI_%d", id), ID: id, Version: s.version, Priority: 150, Advert: s.advert, RFC5798: s.version == 3,
		Addresses: []string{fmt.Sprintf("10.77.1.%d/32", id)},
	}
}

// near says of a row that evenkeel's median should be within 1 ms of keepalived's, and its maximum at most 2 ms above.
func (m *routing) near(what string) {
	row := m.report.Row(what)
	row.Goal = "median +- 1, max + 2"
	row.met = func(row *Row) bool {
		e, k := row.Columns[evenkeel], row.Columns[keepalived]
		return len(k) > 0 && e.Median()-k.Median() <= 1 && e.Max() <= k.Max()+2
	}
}

// A bout is two routers with the same daemon on one bridge, the first with priority 150, the second with 100.
type bout struct {
	lab       *lab.Lab
	wire      *pair.Capture
	high, low *pair.Router
}

// bout makes the routers, configured but not started.
func (m *routing) bout(ctx context.Context, d pair.Daemon, instances []pair.Instance) (_ *bout, err error) {
	l, err := lab.New(ctx, lab.Options{Kind: m.o.Kind, Directors: -1, RealServers: -1, Log: m.o.Log})
	if err != nil {
		return nil, err
	}
	b := &bout{lab: l}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.wire, err = pair.Watch(l); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(m.dir, "bout")
	if err != nil {
		return nil, err
	}
	if b.high, err = pair.New(ctx, l, d, dir, 1); err != nil {
		return nil, err
	}
	if b.low, err = pair.New(ctx, l, d, dir, 2); err != nil {
		return nil, err
	}
	if err := b.high.Configure(pair.Config{Instances: instances}); err != nil {
		return nil, err
	}
	lower := make([]pair.Instance, len(instances))
	for i, v := range instances {
		v.Priority = 100
		lower[i] = v
	}
	return b, b.low.Configure(pair.Config{Instances: lower})
}

func (b *bout) close() {
	if b.wire != nil {
		b.wire.Close()
	}
	b.lab.Close() // the daemons end with their namespaces
}

// from says whether a frame is an advert of a router with a priority.
func from(r *pair.Router, priority uint8) func(pair.Frame) bool {
	return func(f pair.Frame) bool {
		return f.Kind == pair.Advert && f.Priority == priority && f.Source.String() == "10.77.0."+r.Host.Name()[1:]
	}
}

// next waits for a frame.
func (b *bout) next(ctx context.Context, since time.Time, wanted func(pair.Frame) bool) (pair.Frame, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return b.wire.Next(ctx, since, wanted)
}

// takeOvers measures how long the backup takes from the master's last word to its own first.
func (m *routing) takeOvers(ctx context.Context, column int, d pair.Daemon, v speed) error {
	b, err := m.bout(ctx, d, []pair.Instance{v.instance(51)})
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.low.Start(ctx); err != nil {
		return err
	}
	for range m.o.reps(10) {
		for _, kill := range []bool{true, false} {
			if err := m.takeOver(ctx, column, b, v, kill); err != nil {
				return fmt.Errorf("%w\n%s", err, firstLines(b.low.Log()))
			}
		}
	}
	return nil
}

func (m *routing) takeOver(ctx context.Context, column int, b *bout, v speed, kill bool) error {
	began := time.Now()
	if err := b.high.Start(ctx); err != nil {
		return err
	}
	if _, err := b.next(ctx, began, from(b.high, 150)); err != nil {
		return err
	}
	select { // both are at rest
	case <-time.After(3*v.advert + 500*time.Millisecond):
	case <-ctx.Done():
		return ctx.Err()
	}
	end, what, last := b.high.Kill, "kill -9: last advert", from(b.high, 150)
	if !kill {
		end, what, last = b.high.Stop, "SIGTERM: goodbye", from(b.high, 0)
	}
	ended, err := end()
	if err != nil {
		return err
	}
	taken, err := b.next(ctx, ended, from(b.low, 100))
	if err != nil {
		return err
	}
	arp, err := b.next(ctx, ended, func(f pair.Frame) bool { return f.Kind == pair.ARP && f.MAC.String() == taken.MAC.String() })
	if err != nil {
		return err
	}
	var word pair.Frame
	for _, f := range b.wire.Since(began) {
		if last(f) && f.Time.Before(taken.Time) {
			word = f
		}
	}
	if word.Time.IsZero() {
		return fmt.Errorf("the master has not said its last word")
	}
	name := fmt.Sprintf("%s, %s to the backup's first", v.name(), what)
	m.report.add(name+", ms", column, taken.Time.Sub(word.Time).Seconds()*1e3)
	m.report.add(name+" ARP, ms", column, arp.Time.Sub(word.Time).Seconds()*1e3)
	// kill -9 leaves the address where it was.
	_, _, err = b.high.Host.Run(ctx, "ip address flush dev eth0 to 10.77.1.0/24")
	return err
}

// busy keeps every processor busy for a minute of adverts every 10 ms.
func (m *routing) busy(ctx context.Context, column int, d pair.Daemon) error {
	v := speed{3, 10 * time.Millisecond}
	const what = "v3, 10ms, all processors busy for 60 s: "
	m.report.count(what+"adverts of the backup", 0)
	b, err := m.bout(ctx, d, []pair.Instance{v.instance(51)})
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.high.Start(ctx); err != nil {
		return err
	}
	if err := b.low.Start(ctx); err != nil {
		return err
	}
	if _, err := b.next(ctx, time.Time{}, from(b.high, 150)); err != nil {
		return err
	}
	time.Sleep(time.Second)
	for range 2 * runtime.NumCPU() {
		hog := exec.Command("/bin/sh", "-c", "while :; do :; done")
		hog.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := hog.Start(); err != nil {
			return err
		}
		defer func() { // the error is that it was killed
			_ = hog.Process.Kill()
			_ = hog.Wait()
		}()
	}
	began := time.Now()
	select {
	case <-time.After(m.o.span(60 * time.Second)):
	case <-ctx.Done():
		return ctx.Err()
	}
	frames := b.wire.Since(began)
	strangers := 0
	for _, f := range frames {
		if f.Kind == pair.Advert && !from(b.high, 150)(f) {
			strangers++
		}
	}
	m.report.add(what+"adverts of the backup", column, float64(strangers))
	m.report.add(what+"largest gap between adverts, ms", column, largestGap(frames, from(b.high, 150)).Seconds()*1e3)
	return nil
}

// largestGap returns the longest time between two frames of one virtual router.
func largestGap(frames []pair.Frame, wanted func(pair.Frame) bool) (gap time.Duration) {
	last := map[uint8]time.Time{}
	for _, f := range frames {
		if !wanted(f) {
			continue
		}
		if t, ok := last[f.ID]; ok {
			gap = max(gap, f.Time.Sub(t))
		}
		last[f.ID] = f.Time
	}
	return gap
}

// many measures 200 instances at 1 s: processor time, memory, and the adverts over a reload.
func (m *routing) many(ctx context.Context, column int, d pair.Daemon) error {
	const n, what = 200, "v3, 1s, 200 instances: "
	m.report.goal(what+"CPU, % of a core", 2)
	row := m.report.Row(what + "largest gap over a reload, s")
	row.Goal = "<= 1.01"
	row.met = func(r *Row) bool { return r.Columns[evenkeel].Max() <= 1.01 }
	v := speed{3, time.Second}
	var instances []pair.Instance
	for id := 1; id <= n; id++ {
		instances = append(instances, v.instance(id))
	}
	b, err := m.bout(ctx, d, instances)
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.high.Start(ctx); err != nil {
		return err
	}
	last := func(f pair.Frame) bool { return from(b.high, 150)(f) && f.ID == n }
	if _, err := b.next(ctx, time.Time{}, last); err != nil {
		return err
	}
	select { // all is announced, and written down: what follows is everyday life
	case <-time.After(8 * time.Second):
	case <-ctx.Done():
		return ctx.Err()
	}
	for range m.o.reps(3) {
		used, err := cost(b.high)
		if err != nil {
			return err
		}
		span := m.o.span(20 * time.Second)
		select {
		case <-time.After(span):
		case <-ctx.Done():
			return ctx.Err()
		}
		now, err := cost(b.high)
		if err != nil {
			return err
		}
		m.report.add(what+"CPU, % of a core", column, float64(now.cpu-used.cpu)/float64(span)*100)
		m.report.add(what+"memory of all processes (PSS), MiB", column, float64(now.pss)/(1<<20))
		instances[0].Priority ^= 1
		if err := b.high.Configure(pair.Config{Instances: instances}); err != nil {
			return err
		}
		began := time.Now().Add(-time.Second)
		if err := b.high.Signal(syscall.SIGHUP); err != nil {
			return err
		}
		select {
		case <-time.After(3 * time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
		gap := largestGap(b.wire.Since(began), func(f pair.Frame) bool { return f.Kind == pair.Advert && f.Priority >= 150 })
		m.report.add(what+"largest gap over a reload, s", column, gap.Seconds())
	}
	return nil
}
