package network

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/vishvananda/netlink"

	"github.com/evenkeel/evenkeel/hcl/config"
)

// A Keeper keeps the network as the appliance block says. Its fields are set before Run; its methods may be called from
// any goroutine.
type Keeper struct {
	Log   hclog.Logger
	Files Files
	// LeaseDir is where leases are kept for the next process, which goes on with them; "": nowhere. A folder in memory will do.
	LeaseDir string

	mu      sync.Mutex
	block   *config.Appliance
	known   bool // block was set
	wake    chan struct{}
	answers map[string]*answer
	silence map[string]error // why an interface has no lease
	result  Result
	applied bool
}

// A Status is how the network is.
type Status struct {
	Applied  bool // at least once
	Problems []Problem
	Leases   map[string]Lease // by interface
}

// Set says what the block says now; nil: there is none. It does not wait.
func (k *Keeper) Set(ap *config.Appliance) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.block, k.known = ap, true
	k.rouse()
}

// rouse wakes Run. mu is held.
func (k *Keeper) rouse() {
	if k.wake == nil {
		k.wake = make(chan struct{}, 1)
	}
	select {
	case k.wake <- struct{}{}:
	default: // it is to wake up anyway
	}
}

// Status says how everything is.
func (k *Keeper) Status() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	return Status{Applied: k.applied, Problems: slices.Clone(k.result.Problems), Leases: k.leases()}
}

// leases are those that are held. mu is held.
func (k *Keeper) leases() map[string]Lease {
	ls := map[string]Lease{}
	for name, a := range k.answers {
		if a != nil {
			ls[name] = a.Lease
		} else {
			ls[name] = Lease{} // known to have none: its address must go
		}
	}
	return ls
}

// settle bounds how often Run works when the kernel has much to say, as while it fails over.
const (
	settle = 200 * time.Millisecond
	period = 30 * time.Second
)

// Run keeps the network until ctx ends, and leaves it as it is then: traffic goes on.
func (k *Keeper) Run(ctx context.Context) error {
	k.mu.Lock()
	k.rouse()
	k.answers, k.silence = map[string]*answer{}, map[string]error{}
	k.mu.Unlock()

	news := make(chan struct{}, 1)
	links := make(chan netlink.LinkUpdate)
	addresses := make(chan netlink.AddrUpdate)
	// Without these, a difference is found within the period.
	if err := netlink.LinkSubscribe(links, ctx.Done()); err != nil {
		k.Log.Warn("the kernel does not say when cards come and go", "error", err)
		links = nil
	}
	if err := netlink.AddrSubscribe(addresses, ctx.Done()); err != nil {
		k.Log.Warn("the kernel does not say when addresses come and go", "error", err)
		addresses = nil
	}
	holders := map[string]*held{}
	var all sync.WaitGroup
	defer all.Wait()
	carrier := map[string]bool{}
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case u, ok := <-links:
			if !ok {
				links = nil
				continue
			}
			at := u.Attrs()
			has := at.RawFlags&lowerUp != 0
			had, seen := carrier[at.Name]
			if h := holders[at.Name]; h != nil && has && seen && !had {
				h.plugged()
			}
			carrier[at.Name] = has
			soon(news)
		case _, ok := <-addresses:
			if !ok {
				addresses = nil
				continue
			}
			soon(news)
		case <-news:
			if _, ok := sleep(ctx, settle, nil); !ok {
				return nil
			}
			k.apply(ctx, holders, &all)
		case <-k.wake:
			k.apply(ctx, holders, &all)
		case <-t.C:
			k.apply(ctx, holders, &all)
			t.Reset(period)
		}
	}
}

func soon(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// apply is one round.
func (k *Keeper) apply(ctx context.Context, holders map[string]*held, all *sync.WaitGroup) {
	k.mu.Lock()
	block, known, leases := k.block, k.known, k.leases()
	k.mu.Unlock()
	if !known {
		return
	}
	r := Apply(block, leases, k.Files)
	for _, c := range r.Changes {
		k.Log.Info("network", "change", c)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, i := range interfaces(block) {
		if err := k.silence[i.Name]; i.DHCP && err != nil {
			r.Problems = append(r.Problems, Problem{Interface: i.Name, Text: err.Error()})
		}
	}
	for _, p := range r.Problems {
		if !slices.Contains(k.result.Problems, p) {
			k.Log.Error("network", "problem", p.String())
		}
	}
	k.result, k.applied = r, true
	k.hold(ctx, block, holders, all)
}

func interfaces(ap *config.Appliance) []config.ApplianceInterface {
	if ap == nil {
		return nil
	}
	return ap.Interfaces
}

// A held is a running holder.
type held struct {
	cancel   context.CancelFunc
	again    chan struct{}
	hostname string
}

func (h *held) plugged() { soon(h.again) }

// hold starts and stops holders, so that each interface that is to ask a DHCP server has one. mu is held.
func (k *Keeper) hold(ctx context.Context, block *config.Appliance, holders map[string]*held, all *sync.WaitGroup) {
	hostname := ""
	if block != nil {
		hostname = block.Hostname
	}
	want := map[string]bool{}
	for _, i := range interfaces(block) {
		want[i.Name] = i.DHCP
	}
	for name, h := range maps.Clone(holders) {
		if want[name] && h.hostname == hostname {
			continue
		}
		h.cancel()
		delete(holders, name)
		if !want[name] {
			delete(k.answers, name)
			delete(k.silence, name)
			k.forget(name)
		}
	}
	for name, dhcp := range want {
		if !dhcp || holders[name] != nil {
			continue
		}
		hctx, cancel := context.WithCancel(ctx)
		h := &held{cancel: cancel, again: make(chan struct{}, 1), hostname: hostname}
		holders[name] = h
		former := k.answers[name]
		if former == nil {
			former = k.remembered(name)
		}
		run := &holder{talk: &client{iface: name, hostname: hostname}, former: former, again: h.again, told: func(a *answer, err error) {
			k.told(hctx, name, a, err)
		}}
		all.Go(func() { run.run(hctx) })
	}
}

// told is what a holder says.
func (k *Keeper) told(ctx context.Context, name string, a *answer, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if ctx.Err() != nil {
		return // nobody wants to know any more
	}
	if a != nil && (k.answers[name] == nil || k.answers[name].Address != a.Address) {
		k.Log.Info("a DHCP server has given an address", "interface", name, "address", a.Address, "server", a.Server, "expires", a.Expires.Format(time.RFC3339))
	}
	k.answers[name], k.silence[name] = a, err
	if a != nil {
		k.remember(name, a)
	} else {
		k.forget(name)
	}
	k.rouse()
}

func (k *Keeper) leaseFile(name string) string {
	return filepath.Join(k.LeaseDir, "lease-"+name+".json")
}

func (k *Keeper) remember(name string, a *answer) {
	if k.LeaseDir == "" {
		return
	}
	b, err := json.Marshal(a)
	if err == nil {
		err = os.MkdirAll(k.LeaseDir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(k.leaseFile(name)+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(k.leaseFile(name)+".new", k.leaseFile(name))
	}
	if err != nil {
		k.Log.Warn("the lease could not be kept for the next start", "interface", name, "error", err)
	}
}

// remembered is the lease of an earlier process; one that can't be read is none.
func (k *Keeper) remembered(name string) *answer {
	if k.LeaseDir == "" {
		return nil
	}
	b, err := os.ReadFile(k.leaseFile(name))
	if err != nil {
		return nil
	}
	a := &answer{}
	if err := json.Unmarshal(b, a); err != nil || !a.Address.IsValid() {
		return nil
	}
	return a
}

func (k *Keeper) forget(name string) {
	if k.LeaseDir != "" {
		os.Remove(k.leaseFile(name))
	}
}
