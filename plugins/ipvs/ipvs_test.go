package ipvs

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func webKey() sdk.ServiceKey {
	return sdk.ServiceKey{Protocol: sdk.TCP, Address: addr("192.0.2.1"), Port: 80}
}

// server is a real server behind dr, 10.0.0.N:80.
func server(n int, weight uint32) sdk.Destination {
	return sdk.Destination{Address: netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}), Port: 80, Forward: sdk.DR, Weight: weight}
}

func web(servers ...sdk.Destination) sdk.Service {
	return sdk.Service{Key: webKey(), Name: "web", Scheduler: "wrr", Destinations: servers}
}

func tableWith(services ...sdk.Service) sdk.Table { return sdk.Table{Services: services} }

func logged(m *kernel.Memory) []string {
	var list []string
	for _, o := range m.Log() {
		list = append(list, o.String())
	}
	return list
}

func wantLog(t *testing.T, m *kernel.Memory, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, logged(m)); d != "" {
		t.Errorf("writes, -want +got:\n%s", d)
	}
}

func TestTheOrderOfWrites(t *testing.T) {
	m := kernel.NewMemory()
	b := newBalancer(t, m)
	apply(t, b, full(1, tableWith(web(server(1, 3), server(2, 1)))))
	wantLog(t, m,
		"add service tcp 192.0.2.1:80",
		"add real server 10.0.0.1:80 of tcp 192.0.2.1:80",
		"add real server 10.0.0.2:80 of tcp 192.0.2.1:80")

	// Up first, then the service, then down, then what goes.
	s := web(server(1, 1), server(3, 1), server(4, 2))
	s.Scheduler, s.Flags = "sh", []string{"sh-fallback"}
	apply(t, b, full(2, tableWith(s)))
	wantLog(t, m,
		"add real server 10.0.0.3:80 of tcp 192.0.2.1:80",
		"add real server 10.0.0.4:80 of tcp 192.0.2.1:80",
		"change service tcp 192.0.2.1:80",
		"change real server 10.0.0.1:80 of tcp 192.0.2.1:80",
		"remove real server 10.0.0.2:80 of tcp 192.0.2.1:80")

	// A service with another key is a new one, and the old one goes when it is there.
	s.Key.Port = 8080
	s.Destinations = s.Destinations[:1]
	apply(t, b, full(3, tableWith(s)))
	wantLog(t, m,
		"add service tcp 192.0.2.1:8080",
		"add real server 10.0.0.1:80 of tcp 192.0.2.1:8080",
		"remove service tcp 192.0.2.1:80")

	// Daemons go first and come last: they exclude real servers of the other family.
	six := sdk.Destination{Address: addr("2001:db8::1"), Port: 80, Forward: sdk.TUN, Weight: 1}
	apply(t, b, full(4, sdk.Table{Services: []sdk.Service{s}, Sync: []sdk.SyncDaemon{{Interface: "eth1"}}}))
	s.Destinations = append(s.Destinations, six)
	apply(t, b, full(5, tableWith(s)))
	s.Destinations = s.Destinations[:1]
	apply(t, b, full(6, sdk.Table{Services: []sdk.Service{s}, Sync: []sdk.SyncDaemon{{Interface: "eth1"}}}))
	wantLog(t, m,
		"start sync daemon (master)",
		"stop sync daemon (master)",
		"add real server [2001:db8::1]:80 of tcp 192.0.2.1:8080",
		"remove real server [2001:db8::1]:80 of tcp 192.0.2.1:8080",
		"start sync daemon (master)")
}

func TestADeltaIsWrittenWithoutReadingTheKernel(t *testing.T) {
	m := kernel.NewMemory()
	counted := &readCounter{Kernel: m}
	b := newBalancer(t, counted)
	apply(t, b, full(1, tableWith(web(server(1, 3), server(2, 1)))))
	m.Log()
	before := counted.reads
	r := apply(t, b, sdk.TableUpdate{Generation: 2, Base: 1, Changed: []sdk.DestinationUpdate{{Service: webKey(), Destination: server(1, 0)}}})
	if r.Writes != 1 {
		t.Errorf("%d writes, want 1", r.Writes)
	}
	wantLog(t, m, "change real server 10.0.0.1:80 of tcp 192.0.2.1:80")
	apply(t, b, full(3, tableWith(web(server(1, 3), server(2, 1)))))
	if counted.reads != before {
		t.Errorf("the kernel was read %d times for two updates over what is known", counted.reads-before)
	}
}

type readCounter struct {
	kernel.Kernel
	reads int
}

func (c *readCounter) Services() ([]kernel.ServiceState, error) {
	c.reads++
	return c.Kernel.Services()
}

func TestAnUpdateThatDoesNotBuildOnWhatIsHereNeedsAFullOne(t *testing.T) {
	m := kernel.NewMemory()
	b := newBalancer(t, m)
	change := []sdk.DestinationUpdate{{Service: webKey(), Destination: server(1, 2)}}
	other := sdk.ServiceKey{Protocol: sdk.UDP, Address: addr("192.0.2.1"), Port: 53}
	refuse := func(what string, u sdk.TableUpdate) {
		t.Helper()
		if _, err := b.Apply(t.Context(), u); !errors.Is(err, sdk.ErrNeedFull) {
			t.Errorf("%s: got %v, want ErrNeedFull", what, err)
		}
	}
	refuse("before any table", sdk.TableUpdate{Generation: 1, Changed: change})
	apply(t, b, full(7, tableWith(web(server(1, 1)))))
	m.Log()
	refuse("over another generation", sdk.TableUpdate{Generation: 9, Base: 8, Changed: change})
	refuse("in a service that is not here", sdk.TableUpdate{Generation: 8, Base: 7, Changed: []sdk.DestinationUpdate{{Service: other, Destination: server(1, 2)}}})
	refuse("out of a service that is not here", sdk.TableUpdate{Generation: 8, Base: 7, Gone: []sdk.DestinationKey{{Service: other, Address: addr("10.0.0.1"), Port: 80}}})
	wantLog(t, m)
	apply(t, b, sdk.TableUpdate{Generation: 8, Base: 7, Changed: change})
	wantLog(t, m, "change real server 10.0.0.1:80 of tcp 192.0.2.1:80")
}

func TestWhatIsInTheKernelAndNotWantedGoesAndIsReported(t *testing.T) {
	m := kernel.NewMemory()
	apply(t, newBalancer(t, m), full(1, tableWith(web(server(1, 1)), sdk.Service{Key: sdk.ServiceKey{Mark: 9}, Scheduler: "rr", Destinations: []sdk.Destination{server(1, 1)}})))
	m.Log()
	b := newBalancer(t, m)
	wantLog(t, m) // nothing before the first Apply
	apply(t, b, full(1, tableWith(web(server(1, 1)))))
	wantLog(t, m, "remove service fwmark 9")
	found, _ := b.reports.take()
	if len(found) != 1 || !slices.Equal(found[0].Drift, []string{"fwmark 9: found in the kernel and not wanted, with 1 real servers"}) {
		t.Errorf("reports: %+v", found)
	}

	// What is taken out of the configuration later is no news.
	apply(t, b, full(2, sdk.Table{}))
	if found, _ := b.reports.take(); len(found) != 0 {
		t.Errorf("reports: %+v", found)
	}
}

func TestWhatTheKernelRefusesDoesNotStopTheRest(t *testing.T) {
	m := kernel.NewMemory()
	m.Schedulers = []string{"wrr"}
	b := newBalancer(t, m)
	twos := sdk.Service{Key: sdk.ServiceKey{Mark: 1}, Scheduler: "twos", Destinations: []sdk.Destination{server(1, 1), server(2, 1)}}
	bad := sdk.Destination{Address: addr("224.0.0.1"), Port: 80, Forward: sdk.DR, Weight: 1}
	r, err := b.Apply(t.Context(), full(1, tableWith(twos, web(bad, server(1, 1)))))
	if err != nil {
		t.Fatal(err)
	}
	want := []sdk.Failure{
		{Service: webKey(), Destination: "224.0.0.1:80", Operation: "add real server", Error: "the kernel takes no such address for a real server: it is neither a host's nor one of its own"},
		{Service: twos.Key, Operation: "add service", Error: "scheduler twos: module ip_vs_twos not available"},
	}
	if d := cmp.Diff(want, r.Failures, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
		t.Errorf("failures, -want +got:\n%s", d)
	}
	if r.Writes != 2 {
		t.Errorf("%d writes, want 2: the service and its good real server", r.Writes)
	}
	wantLog(t, m, "add service tcp 192.0.2.1:80", "add real server 10.0.0.1:80 of tcp 192.0.2.1:80")
}

func TestAServiceThatMakesNoSenseIsAFailureAndLeavesTheKernelsAsItIs(t *testing.T) {
	m := kernel.NewMemory()
	b := newBalancer(t, m)
	apply(t, b, full(1, tableWith(web(server(1, 1)))))
	m.Log()
	s := web(server(1, 1))
	s.Flags = []string{"mh-port"}
	r, err := b.Apply(t.Context(), full(2, tableWith(s)))
	if err != nil || len(r.Failures) != 1 || r.Failures[0].Error != `scheduler wrr has no flag "mh-port"` {
		t.Errorf("got %+v, %v", r, err)
	}
	wantLog(t, m)

	d := server(2, 1)
	d.Forward = "pigeon"
	r, err = b.Apply(t.Context(), full(3, tableWith(web(server(1, 1), d))))
	if err != nil || len(r.Failures) != 1 || r.Failures[0].Destination != "10.0.0.2:80" {
		t.Errorf("got %+v, %v", r, err)
	}
	r, err = b.Apply(t.Context(), full(4, tableWith(sdk.Service{Key: sdk.ServiceKey{Protocol: "icmp", Address: addr("192.0.2.1")}}, web(server(1, 1)))))
	if err != nil || len(r.Failures) != 1 || r.Failures[0].Error != `protocol "icmp" is not tcp, udp or sctp` {
		t.Errorf("got %+v, %v", r, err)
	}
	wantLog(t, m)
}

func TestAnUpdateOverATableThatOthersChangedIsPutRight(t *testing.T) {
	for what, change := range map[string]func(*kernel.Memory) []kernel.Op{
		"emptied": func(*kernel.Memory) []kernel.Op { return []kernel.Op{{Command: kernel.Flush}} },
		"a real server is gone": func(m *kernel.Memory) []kernel.Op {
			return []kernel.Op{{Command: kernel.DelDestination, Service: memoryWeb(m), Destination: memoryServer(m, 1)}}
		},
		"the new service is there already": func(m *kernel.Memory) []kernel.Op {
			s := memoryWeb(m)
			s.Port = 81
			return []kernel.Op{{Command: kernel.NewService, Service: s}, {Command: kernel.NewDestination, Service: s, Destination: memoryServer(m, 9)}}
		},
		"the new real server is there already": func(m *kernel.Memory) []kernel.Op {
			d := memoryServer(m, 1)
			d.Address = addr("10.0.0.3")
			return []kernel.Op{{Command: kernel.NewDestination, Service: memoryWeb(m), Destination: d}}
		},
	} {
		t.Run(what, func(t *testing.T) {
			m := kernel.NewMemory()
			b := newBalancer(t, m)
			aside := sdk.Service{Key: sdk.ServiceKey{Mark: 3}, Scheduler: "rr"} // of which the update does not speak
			apply(t, b, full(1, tableWith(web(server(1, 1), server(2, 1)), aside)))
			if refused, _ := m.Do(change(m)); errors.Join(refused...) != nil {
				t.Fatal(refused)
			}
			second := web(server(1, 1), server(2, 1))
			second.Key.Port = 81
			apply(t, b, sdk.TableUpdate{Generation: 2, Base: 1, Table: tableWith(second), Changed: []sdk.DestinationUpdate{
				{Service: webKey(), Destination: server(1, 5)}, {Service: webKey(), Destination: server(3, 1)},
			}})
			want := tableOf(t, tableWith(web(server(1, 5), server(2, 1), server(3, 1)), second, aside))
			if lines := differences(read(t, m), want, nil); len(lines) > 0 {
				t.Errorf("the kernel does not hold what it should:\n%s", strings.Join(lines, "\n"))
			}
			if found, _ := b.reports.take(); len(found) == 0 {
				t.Error("nothing was reported")
			}
		})
	}
}

func memoryWeb(m *kernel.Memory) kernel.Service {
	key, _ := keyToKernel(webKey())
	s, _, _ := m.Holds(key)
	return s
}

func memoryServer(_ *kernel.Memory, n int) kernel.Destination {
	d, _ := destinationToKernel(server(n, 1))
	return d
}

// broken is a kernel whose exchanges fail.
type broken struct {
	kernel.Kernel
	read, write error
}

func (b *broken) Do(ops []kernel.Op) ([]error, error) {
	if b.write != nil {
		return make([]error, len(ops)), b.write
	}
	return b.Kernel.Do(ops)
}

func (b *broken) Services() ([]kernel.ServiceState, error) {
	if b.read != nil {
		return nil, b.read
	}
	return b.Kernel.Services()
}

func TestAfterAnExchangeThatFailedTheKernelIsReadAgain(t *testing.T) {
	m := kernel.NewMemory()
	k := &broken{Kernel: m, write: unix.ENOBUFS}
	b := newBalancer(t, k)
	if _, err := b.Apply(t.Context(), full(1, tableWith(web(server(1, 1))))); !errors.Is(err, unix.ENOBUFS) {
		t.Fatalf("got %v, want ENOBUFS", err)
	}
	k.write = nil
	if _, err := b.Apply(t.Context(), sdk.TableUpdate{Generation: 2, Base: 1}); !errors.Is(err, sdk.ErrNeedFull) {
		t.Errorf("got %v, want ErrNeedFull", err)
	}
	// Half of it had arrived.
	s, _ := serviceToKernel(web())
	m.Do([]kernel.Op{{Command: kernel.NewService, Service: s}})
	m.Log()
	apply(t, b, full(2, tableWith(web(server(1, 1)))))
	wantLog(t, m, "add real server 10.0.0.1:80 of tcp 192.0.2.1:80")
}

func TestEveryThirtySecondsDriftIsRepairedAndReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := kernel.NewMemory()
		b := New(Options{Kernel: m, Packets: noPackets{}})
		defer b.Stop(t.Context(), false)
		apply(t, b, full(1, tableWith(web(server(5, 3), server(6, 1)))))
		var got []sdk.BalancerReport
		ctx, cancel := context.WithCancel(t.Context())
		watched := make(chan error)
		go func() { watched <- b.Watch(ctx, func(r sdk.BalancerReport) { got = append(got, r) }) }()

		d := memoryServer(m, 5)
		d.Weight = 0
		m.Do([]kernel.Op{{Command: kernel.SetDestination, Service: memoryWeb(m), Destination: d}})
		m.Log()
		time.Sleep(29 * time.Second)
		synctest.Wait()
		wantLog(t, m)
		time.Sleep(time.Second)
		synctest.Wait()
		wantLog(t, m, "change real server 10.0.0.5:80 of tcp 192.0.2.1:80")
		if len(got) != 1 || !slices.Equal(got[0].Drift, []string{"tcp 192.0.2.1:80 -> 10.0.0.5:80: weight 0, should be 3"}) {
			t.Errorf("reports: %+v", got)
		}
		if !got[0].Time.Equal(time.Now()) {
			t.Errorf("report of %v at %v", got[0].Time, time.Now())
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		wantLog(t, m)
		if len(got) != 1 {
			t.Errorf("nothing was wrong any more, and reported: %+v", got[1:])
		}
		cancel()
		if err := <-watched; !errors.Is(err, context.Canceled) {
			t.Errorf("Watch ended with %v", err)
		}
	})
}

func TestAFailureThatStaysIsReportedOnce(t *testing.T) {
	m := kernel.NewMemory()
	m.Schedulers = []string{"wrr"}
	b := newBalancer(t, m)
	s := web()
	s.Scheduler = "twos"
	if _, err := b.Apply(t.Context(), full(1, tableWith(s))); err != nil {
		t.Fatal(err)
	}
	b.repair()
	b.repair()
	if found, _ := b.reports.take(); len(found) != 1 || len(found[0].Failure) != 1 || len(found[0].Drift) != 0 {
		t.Errorf("reports: %+v, want one", found)
	}
	m.Schedulers = nil // the module comes
	m.Log()
	b.repair()
	wantLog(t, m, "add service tcp 192.0.2.1:80")
	b.repair()
	if found, _ := b.reports.take(); len(found) != 0 {
		t.Errorf("reports: %+v", found)
	}
}

func TestALookAtAKernelThatCannotBeReadIsReportedAndTheNextIsRight(t *testing.T) {
	m := kernel.NewMemory()
	k := &broken{Kernel: m}
	b := newBalancer(t, k)
	apply(t, b, full(1, tableWith(web(server(1, 1)))))
	k.read = unix.EPERM
	b.repair()
	if found, _ := b.reports.take(); len(found) != 1 || len(found[0].Failure) != 1 || found[0].Failure[0].Operation != "look for drift" {
		t.Errorf("reports: %+v", found)
	}
	k.read = nil
	m.Do([]kernel.Op{{Command: kernel.Flush}})
	b.repair()
	if lines := differences(read(t, m), tableOf(t, tableWith(web(server(1, 1)))), nil); len(lines) > 0 {
		t.Errorf("not repaired: %v", lines)
	}
}

func TestADeltaAfterAFailedLookPutsEverythingRight(t *testing.T) {
	m := kernel.NewMemory()
	k := &broken{Kernel: m}
	b := newBalancer(t, k)
	aside := sdk.Service{Key: sdk.ServiceKey{Mark: 3}, Scheduler: "rr"}
	apply(t, b, full(1, tableWith(web(server(1, 1)), aside)))
	k.read = unix.ENOBUFS
	b.repair()
	k.read = nil
	m.Do([]kernel.Op{{Command: kernel.Flush}})
	apply(t, b, sdk.TableUpdate{Generation: 2, Base: 1, Changed: []sdk.DestinationUpdate{{Service: webKey(), Destination: server(1, 2)}}})
	if lines := differences(read(t, m), tableOf(t, tableWith(web(server(1, 2)), aside)), nil); len(lines) > 0 {
		t.Errorf("not as it should be: %q", lines)
	}
}

func TestReportsWaitForAWatcherAndTheOldestGoFirst(t *testing.T) {
	b := newBalancer(t, kernel.NewMemory())
	for range keep + 5 {
		b.report(sdk.BalancerReport{Drift: []string{"x"}})
	}
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	b.Watch(ctx, func(sdk.BalancerReport) {
		if n++; n == keep {
			cancel()
		}
	})
	if n != keep {
		t.Errorf("%d reports, want %d", n, keep)
	}
}

func TestStopWithReleaseEmptiesTheTableAndWithoutLeavesIt(t *testing.T) {
	for _, release := range []bool{false, true} {
		m := kernel.NewMemory()
		b := New(Options{Kernel: m, Packets: noPackets{}})
		apply(t, b, full(1, sdk.Table{Services: []sdk.Service{web(server(1, 1))}, Sync: []sdk.SyncDaemon{{Interface: "eth0"}}}))
		m.Log()
		if err := b.Stop(t.Context(), release); err != nil {
			t.Fatal(err)
		}
		var want []string
		if release {
			want = []string{"stop sync daemon (master)", "remove service tcp 192.0.2.1:80"}
		}
		wantLog(t, m, want...)
	}
}

func TestStopBeforeAnyTableLeavesWhatOthersMade(t *testing.T) {
	m := kernel.NewMemory()
	apply(t, newBalancer(t, m), full(1, tableWith(web(server(1, 1)))))
	m.Log()
	if err := New(Options{Kernel: m}).Stop(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	wantLog(t, m)
}

// A paused kernel waits in the middle of being read, until it is told to go on.
type paused struct {
	kernel.Kernel
	reading, goOn chan struct{}
}

func (p *paused) Destinations(k kernel.ServiceKey) ([]kernel.DestinationState, error) {
	list, err := p.Kernel.Destinations(k)
	p.reading <- struct{}{}
	<-p.goOn
	return list, err
}

func TestAChangeDoesNotWaitForTheTableToBeRead(t *testing.T) {
	aside := sdk.Service{Key: sdk.ServiceKey{Mark: 3}, Scheduler: "rr", Destinations: []sdk.Destination{server(3, 1)}}
	for name, look := range map[string]func(*Balancer){
		"status":         func(b *Balancer) { _, _ = b.Read(t.Context()) },
		"look for drift": (*Balancer).repair,
	} {
		m := kernel.NewMemory()
		k := &paused{Kernel: m, reading: make(chan struct{}, 10), goOn: make(chan struct{})}
		b := newBalancer(t, k)
		b.have = newTable() // so that the first table is written without reading
		apply(t, b, full(1, tableWith(web(server(1, 3)), aside)))
		m.Log()
		done := make(chan struct{})
		go func() { defer close(done); look(b) }()
		<-k.reading
		apply(t, b, sdk.TableUpdate{Generation: 2, Base: 1, Removed: []sdk.ServiceKey{aside.Key},
			Changed: []sdk.DestinationUpdate{{Service: webKey(), Destination: server(1, 0)}, {Service: webKey(), Destination: server(2, 1)}}})
		m.Log()
		close(k.goOn)
		<-done
		wantLog(t, m) // nothing is put right that was right
		if found, _ := b.reports.take(); len(found) > 0 {
			t.Errorf("%s: what was written meanwhile is drift: %+v", name, found)
		}
		if lines := differences(read(t, m), tableOf(t, tableWith(web(server(1, 0), server(2, 1)))), nil); len(lines) > 0 {
			t.Errorf("%s: %v", name, lines)
		}
	}
}

func TestDriftIsFoundBesideWhatIsWrittenMeanwhile(t *testing.T) {
	aside := sdk.Service{Key: sdk.ServiceKey{Mark: 3}, Scheduler: "rr", Destinations: []sdk.Destination{server(3, 1)}}
	m := kernel.NewMemory()
	k := &paused{Kernel: m, reading: make(chan struct{}, 10), goOn: make(chan struct{})}
	b := newBalancer(t, k)
	b.have = newTable()
	apply(t, b, full(1, tableWith(web(server(5, 3)), aside)))
	d := memoryServer(m, 5)
	d.Weight = 0
	m.Do([]kernel.Op{{Command: kernel.SetDestination, Service: memoryWeb(m), Destination: d}})
	done := make(chan struct{})
	go func() { defer close(done); b.repair() }()
	<-k.reading
	apply(t, b, sdk.TableUpdate{Generation: 2, Base: 1, Removed: []sdk.ServiceKey{aside.Key}})
	m.Log()
	close(k.goOn)
	<-done
	wantLog(t, m, "change real server 10.0.0.5:80 of tcp 192.0.2.1:80")
	if found, _ := b.reports.take(); len(found) != 1 || len(found[0].Drift) != 1 {
		t.Errorf("reports: %+v, want one", found)
	}
}
