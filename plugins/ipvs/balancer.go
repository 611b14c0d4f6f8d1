package ipvs

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/ipvs/kernel"
	"github.com/evenkeel/evenkeel/plugins/ipvs/nft"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Packets keeps the rules that mark and masquerade packets; nft.Table is the real one.
type Packets interface {
	// Apply makes the rules so, and says whether anything had to be written.
	Apply(nft.Rules) (changed bool, err error)
}

// Options are what a Balancer works with.
type Options struct {
	Kernel  kernel.Kernel // the table that is read, and unless in a dry run written
	Packets Packets       // nil: services with match blocks and fullnat are refused
	Sysctl  func(name, value string) (changed bool, err error)
	// Interface returns the interface by which an address is reached; nil: nobody knows.
	Interface func(netip.Addr) (string, error)
	DryRun    bool          // write nothing
	Interval  time.Duration // between two looks for drift; 0: 30 s
	Logger    hclog.Logger  // nil: none
	Now       func() time.Time
}

// A Balancer makes the kernel's IPVS hold the table that the core wants. It owns the whole table: what is in it and not
// wanted goes. It keeps a mirror of what the kernel holds, so that a change is written without reading the kernel, and
// reads again at its start, when the kernel refuses what the mirror says is right, and every Interval.
type Balancer struct {
	Options
	write kernel.Kernel // the kernel, or in a dry run a table in memory

	mu       sync.Mutex
	want     *desired                   // nil before the first Apply
	have     *table                     // the mirror; nil: not known
	written  map[kernel.ServiceKey]bool // while the table is read beside, what was written meanwhile; of no service: time-outs, daemons
	packets  nft.Rules
	packetOK bool                // packets is what is in force
	answers  map[netip.Addr]bool // real servers whose answers to probes are let in
	adopted  bool
	// packetDrift is set when the packet rules had to be written although they were to be as before.
	packetDrift bool
	failing     []sdk.Failure // as reported last by a look for drift

	reports reports
	stop    context.CancelFunc
	stopped chan struct{}
}

var _ sdk.Balancer = (*Balancer)(nil)
var _ sdk.Stopper = (*Balancer)(nil)

const defaultInterval = 30 * time.Second

// New returns a Balancer, which looks for drift until Stop is called. The kernel is not changed before the first Apply.
func New(o Options) *Balancer {
	if o.Interval == 0 {
		o.Interval = defaultInterval
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	b := &Balancer{Options: o, write: o.Kernel, stopped: make(chan struct{})}
	if o.DryRun {
		b.write = nil // made of what the kernel holds, at the first Apply
	}
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	go func() {
		defer close(b.stopped)
		b.look(ctx)
	}()
	return b
}

// Apply makes the kernel hold the updated table, writing only the difference.
func (b *Balancer) Apply(ctx context.Context, u sdk.TableUpdate) (sdk.ApplyResult, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return sdk.ApplyResult{}, err
	}
	want, touched, err := b.want.desire(u)
	if err != nil {
		return sdk.ApplyResult{}, err
	}
	b.want = want
	first := !b.adopted
	if b.have == nil {
		touched = nil // something may be wrong anywhere
	}
	result, err := b.converge(touched, first)
	if err != nil {
		b.want.doubtful = true
		b.have = nil
		return result, err
	}
	b.adopted = true
	result.Failures = append(want.complaints(touched), result.Failures...)
	if result.Writes > 0 || len(result.Failures) > 0 {
		b.Logger.Debug("table applied", "generation", u.Generation, "writes", result.Writes, "failures", len(result.Failures), "dry_run", b.DryRun)
	}
	return result, nil
}

// converge brings the services touched (nil: everything) from what the kernel holds to what it should hold. With foreign,
// services that go are reported: nobody here made them.
func (b *Balancer) converge(touched []kernel.ServiceKey, foreign bool) (sdk.ApplyResult, error) {
	var result sdk.ApplyResult
	for range 3 { // the kernel's table may change under our hands, but not for ever
		if b.have == nil {
			if err := b.adopt(); err != nil {
				return result, err
			}
		}
		p := planOf(b.have, b.want.table, touched, b.want.leave)
		if foreign {
			b.reportForeign(p)
		}
		result.Failures = nil
		b.mark(beforeServices, &result)
		b.acceptLocal(&result)
		surprised, err := b.carryOut(p, &result)
		if err != nil {
			return result, err
		}
		b.mark(afterServices, &result)
		if !surprised {
			return result, nil
		}
		// Somebody else has changed the table since it was read: what the mirror says is not so.
		if err := b.surprise(); err != nil {
			return result, err
		}
		touched, foreign = nil, false
	}
	return result, nil
}

// adopt reads the kernel's table into the mirror. A dry run goes on from there in memory.
func (b *Balancer) adopt() error {
	if b.write == nil {
		memory, err := kernel.Copy(b.Kernel)
		if err != nil {
			return err
		}
		b.write = memory
	}
	have, err := readTable(b.write)
	if err != nil {
		return err
	}
	b.have = have
	return nil
}

// surprise reads the table again and reports in what it is other than the mirror.
func (b *Balancer) surprise() error {
	before := b.have
	if err := b.adopt(); err != nil {
		return err
	}
	b.report(sdk.BalancerReport{Drift: differences(b.have, before, nil)})
	return nil
}

// carryOut does the steps and notes in the mirror what the kernel accepted. surprised means that the kernel's answer shows
// the mirror to be wrong: something is there that should not be, or the other way round.
func (b *Balancer) carryOut(p plan, result *sdk.ApplyResult) (surprised bool, err error) {
	unborn := make(map[kernel.ServiceKey]bool) // new services that the kernel refused
	ops := make([]kernel.Op, 0, min(len(p), atOnce))
	for steps := range slices.Chunk(p, atOnce) {
		ops = ops[:0]
		for i := range steps {
			ops = append(ops, steps[i].op())
		}
		refused, err := b.write.Do(ops)
		if err != nil {
			return false, fmt.Errorf("write to the kernel's IPVS: %w", err)
		}
		for i, o := range ops {
			key := o.Service.ServiceKey
			switch err := refused[i]; {
			case err == nil:
				result.Writes++
				b.have.apply(o)
				if b.written != nil {
					b.written[key] = true
				}
			case o.Command == kernel.NewDestination && unborn[key]:
				// It has no service, which is reported already.
			default:
				if o.Command == kernel.NewService {
					unborn[key] = true
				}
				surprised = surprised || contradicts(o.Command, err)
				result.Failures = append(result.Failures, b.failure(steps[i].what, o, err))
			}
		}
	}
	return surprised, nil
}

// atOnce is how many steps are made into operations at a time: a few datagrams' worth.
const atOnce = 4 * kernel.BatchSize

// contradicts says whether an answer shows that the table is not what it was thought to be.
func contradicts(c kernel.Command, err error) bool {
	switch {
	case errors.Is(err, unix.EEXIST), errors.Is(err, unix.ESRCH):
		return true
	case errors.Is(err, unix.ENOENT):
		return c == kernel.SetDestination || c == kernel.DelDestination
	}
	return false
}

func (b *Balancer) reportForeign(p plan) {
	var lines []string
	for _, s := range p {
		if s.command == kernel.DelService {
			lines = append(lines, fmt.Sprintf("%s: found in the kernel and not wanted, with %d real servers", s.service.ServiceKey, len(s.service.destinations)))
		}
	}
	b.report(sdk.BalancerReport{Drift: lines})
}

// Read returns what the kernel holds, with its counters.
func (b *Balancer) Read(ctx context.Context) (sdk.Observed, error) {
	return b.observe(ctx)
}

// Stop ends the look for drift. With release, what is in the kernel goes.
func (b *Balancer) Stop(ctx context.Context, release bool) error {
	b.stop()
	<-b.stopped
	b.mu.Lock()
	defer b.mu.Unlock()
	var err error
	if release && b.want != nil && !b.DryRun {
		b.want = newDesired()
		var result sdk.ApplyResult
		if result, err = b.converge(nil, false); err == nil && len(result.Failures) > 0 {
			err = fmt.Errorf("remove the table from the kernel: %s: %s", result.Failures[0].Operation, result.Failures[0].Error)
		}
	}
	return errors.Join(err, b.Kernel.Close())
}
