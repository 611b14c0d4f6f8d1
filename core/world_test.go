package core

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/core/supervisor"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// The tests run this binary as its own plugins: a balancer that keeps its table in memory, and a check that looks whether
// a file exists. Everything between them is real: processes, sockets, the wire.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == somebodyElses { // a copy of this binary, as a plugin that is not built in
		sdk.Serve(sdk.NewCheck(sdk.Info{Name: "flag", Version: "7"}, lookForFile))
		os.Exit(0)
	}
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case supervisor.ExecArgument:
			fmt.Fprintln(os.Stderr, supervisor.Exec(os.Args[2:]))
			os.Exit(1)
		case supervisor.PluginArgument:
			if err := supervisor.Confine(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			for _, p := range testPlugins() {
				if p.Info().String() == os.Args[2] {
					sdk.Serve(p)
					os.Exit(0)
				}
			}
			os.Exit(2)
		}
	}
	os.Exit(m.Run())
}

// somebodyElses is the file name of a plugin that is not built in.
const somebodyElses = "check-flag"

func testPlugins() []sdk.Plugin {
	return []sdk.Plugin{
		sdk.NewBalancer(sdk.Info{Name: "ipvs", Version: "test"}, newMemory),
		sdk.NewCheck(sdk.Info{Name: "file", Version: "test", Schema: sdk.Schema{Weighs: true}}, lookForFile),
		sdk.NewVRRP(sdk.Info{Name: "vrrp", Version: "test"}, newRouter),
	}
}

// eaten is whether a plugin process has taken more memory than it may, as it was told.
var eaten sync.Once

// eat takes more memory than a check plugin may have, and writes to all of it: beside its probes, which go on, and beside
// Go's collector, which would have much to do.
func eat() {
	b, err := unix.Mmap(-1, 0, 600<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	for i := 0; i < len(b); i += os.Getpagesize() {
		b[i] = 1
		if i%(1<<20) == 0 {
			time.Sleep(time.Millisecond)
		}
	}
}

// fileConfig is what check "file" may hold.
type fileConfig struct {
	Path string `attr:"path" required:"true" doc:"up while it exists; a number in it is a weight"`
}

func lookForFile(ctx context.Context, _ sdk.Target, c fileConfig) error {
	b, err := os.ReadFile(c.Path)
	if err != nil {
		return errors.New("no " + filepath.Base(c.Path))
	}
	switch string(b) {
	case "panic":
		panic("what a file")
	case "eat":
		go eaten.Do(eat)
	}
	if n, err := strconv.Atoi(string(b)); err == nil {
		sdk.SetWeight(ctx, n, filepath.Base(c.Path)+" says "+string(b))
	}
	return nil
}

// noIPVS is a file that makes the balancer say that this machine can't have one.
var noIPVS = filepath.Join(os.TempDir(), fmt.Sprintf("evenkeel-test-no-ipvs-%d", os.Getppid()))

// A memory is a balancer whose kernel is a map. Each object that changes is a write.
type memory struct {
	mu         sync.Mutex
	generation uint64
	services   map[sdk.ServiceKey]map[sdk.DestinationKey]sdk.Destination
	order      []sdk.ServiceKey
}

func newMemory(sdk.Host) (sdk.Balancer, error) {
	if _, err := os.Stat(noIPVS); err == nil {
		return nil, errors.New("the kernel has no IPVS: load it with `modprobe ip_vs`")
	}
	return &memory{services: map[sdk.ServiceKey]map[sdk.DestinationKey]sdk.Destination{}}, nil
}

func (m *memory) Apply(_ context.Context, u sdk.TableUpdate) (sdk.ApplyResult, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !u.Full && u.Base != m.generation {
		return sdk.ApplyResult{}, sdk.ErrNeedFull
	}
	m.generation = u.Generation
	writes := 0
	put := func(k sdk.ServiceKey, d sdk.Destination) {
		dk := sdk.DestinationKey{Service: k, Address: d.Address, Port: d.Port}
		if old, ok := m.services[k][dk]; !ok || old != d {
			m.services[k][dk] = d
			writes++
		}
	}
	wanted := map[sdk.ServiceKey]bool{}
	for _, s := range u.Table.Services {
		wanted[s.Key] = true
		if m.services[s.Key] == nil {
			m.services[s.Key] = map[sdk.DestinationKey]sdk.Destination{}
			m.order = append(m.order, s.Key)
			writes++
		}
		keep := map[sdk.DestinationKey]bool{}
		for _, d := range s.Destinations {
			put(s.Key, d)
			keep[sdk.DestinationKey{Service: s.Key, Address: d.Address, Port: d.Port}] = true
		}
		for dk := range m.services[s.Key] {
			if !keep[dk] {
				delete(m.services[s.Key], dk)
				writes++
			}
		}
	}
	gone := u.Removed
	if u.Full {
		for k := range m.services {
			if !wanted[k] {
				gone = append(gone, k)
			}
		}
	}
	for _, k := range gone {
		delete(m.services, k)
		writes++
	}
	for _, c := range u.Changed {
		put(c.Service, c.Destination)
	}
	for _, dk := range u.Gone {
		delete(m.services[dk.Service], dk)
		writes++
	}
	return sdk.ApplyResult{Writes: writes}, nil
}

func (m *memory) Read(context.Context) (sdk.Observed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o := sdk.Observed{Version: "1.2.1", Connections: 4096}
	for _, k := range m.order {
		if m.services[k] == nil {
			continue
		}
		s := sdk.ObservedService{Service: sdk.Service{Key: k}}
		for _, d := range m.services[k] {
			s.Destinations = append(s.Destinations, sdk.ObservedDestination{Destination: d, Active: 7})
		}
		o.Services = append(o.Services, s)
	}
	return o, nil
}

func (m *memory) Watch(ctx context.Context, _ func(sdk.BalancerReport)) error {
	<-ctx.Done()
	return ctx.Err()
}
