package lab_test

import (
	"os"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/image/lab/pair"
)

// lossy has a router hear every other advert, until heal is called: as a bad cable does, at random.
func (p *routers) lossy(r *pair.Router) (heal func()) {
	p.t.Helper()
	namespace, err := os.Open("/run/netns/" + r.Host.Namespace())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { namespace.Close() })
	c, err := nftables.New(nftables.WithNetNSFd(int(namespace.Fd())))
	if err != nil {
		p.t.Fatal(err)
	}
	table := c.AddTable(&nftables.Table{Name: "lossy", Family: nftables.TableFamilyIPv4})
	chain := c.AddChain(&nftables.Chain{
		Name: "in", Table: table, Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityRaw,
	})
	const register = unix.NFT_REG_1
	// meta l4proto 112 numgen random mod 2 == 0 drop
	c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register},
		&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: []byte{112}},
		&expr.Numgen{Register: register, Modulus: 2, Type: unix.NFT_NG_RANDOM},
		&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: []byte{0, 0, 0, 0}},
		&expr.Verdict{Kind: expr.VerdictDrop},
	}})
	if err := c.Flush(); err != nil {
		p.t.Skipf("this kernel drops nothing at random (CONFIG_NFT_NUMGEN): %v", err)
	}
	return func() {
		c.DelTable(table)
		if err := c.Flush(); err != nil {
			p.t.Fatal(err)
		}
	}
}

// Where every other advert is lost there are fail-overs, and each is over soon; when none is lost there is one master.
func TestNSAPairThatLosesAdvertsEndsWithOneMaster(t *testing.T) {
	p := two(t, pair.Config{Instances: []pair.Instance{plain("")}})
	heal := []func(){p.lossy(p.high), p.lossy(p.low)}
	begin := time.Now()
	p.await(begin.Add(10*time.Second), "the master goes on", by(p.high, 150))
	for _, h := range heal {
		h()
	}
	healed := time.Now()
	p.holds(p.low, false)
	p.holds(p.high, true)
	p.await(healed.Add(time.Second), "the master goes on", by(p.high, 150))
	var last, longest time.Time
	var gap time.Duration
	both := 0
	for _, f := range p.wire.Since(begin) {
		switch {
		case by(p.low, 100)(f) && f.Time.After(healed.Add(500*time.Millisecond)):
			t.Errorf("the backup goes on: %v", f)
		case by(p.low, 100)(f):
			both++
		case by(p.high, 150)(f):
			if !last.IsZero() && f.Time.Sub(last) > gap {
				gap, longest = f.Time.Sub(last), f.Time
			}
			last = f.Time
		}
	}
	// The better router yields to nobody, whatever it does not hear.
	if gap > time.Second {
		t.Errorf("the master was silent for %v until %v", gap, longest)
	}
	if both == 0 {
		t.Error("there was no fail-over: no advert was lost")
	}
	t.Logf("%d adverts of the backup in 10 s, the largest gap of the master's %v", both, gap)
}
