package nft

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A Table is the running kernel's nftables table of one name in the family inet.
type Table struct {
	mu    sync.Mutex
	name  string
	netNS int // 0: of the calling thread
}

// Name is the name of evenkeel's table.
const Name = "evenkeel"

// New returns evenkeel's table in the network namespace of whichever thread calls its methods. It need not exist.
func New() *Table { return &Table{name: Name} }

// ErrNoInet says that the kernel was built without what the table is made of (CONFIG_NF_TABLES_INET).
var ErrNoInet = errors.New("the kernel's nf_tables has no family inet, which marks and masquerade need")

// socketBuffer is room for a transaction, and for its acknowledgements, of some thousand rules.
const socketBuffer = 8 << 20

func (t *Table) dial() (*nftables.Conn, error) {
	options := []nftables.ConnOption{
		nftables.AsLasting(),
		nftables.WithSockOptions(
			func(c *netlink.Conn) error { return c.SetWriteBuffer(socketBuffer) },
			func(c *netlink.Conn) error { return c.SetReadBuffer(socketBuffer) },
		),
	}
	if t.netNS != 0 {
		options = append(options, nftables.WithNetNSFd(t.netNS))
	}
	c, err := nftables.New(options...)
	if err != nil {
		return nil, fmt.Errorf("open nftables: %w", err)
	}
	return c, nil
}

// Apply makes the table hold the rules, and says whether anything had to be written. The old rules are in force until the
// new ones are, all at once.
func (t *Table) Apply(r Rules) (changed bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.Sort()
	c, err := t.dial()
	if err != nil {
		if r.Empty() {
			return false, nil // a kernel without nftables has no table to remove
		}
		return false, err
	}
	defer c.CloseLasting()
	have, err := t.read(c)
	if err != nil {
		if r.Empty() {
			return false, nil
		}
		return false, fmt.Errorf("read nftables table %s: %w", t.name, err)
	}
	want := t.chains(r)
	if same(have, want) {
		return false, nil
	}
	table := &nftables.Table{Name: t.name, Family: nftables.TableFamilyINet}
	c.AddTable(table) // so that there is one to delete
	c.DelTable(table)
	if len(want) > 0 {
		c.AddTable(table)
	}
	for _, chain := range want {
		chain.Table = table
		c.AddChain(chain.Chain)
		for _, rule := range chain.rules {
			c.AddRule(&nftables.Rule{Table: table, Chain: chain.Chain, Exprs: rule.exprs, UserData: userdata.AppendString(nil, userdata.TypeComment, rule.comment)})
		}
	}
	if err := c.Flush(); errors.Is(err, unix.EOPNOTSUPP) {
		return false, ErrNoInet
	} else if err != nil {
		return false, fmt.Errorf("replace nftables table %s: %w", t.name, err)
	}
	return true, nil
}

// A chain is a chain with its rules, which are known again by their comments and lengths: the kernel has no way to change a
// rule in place, and nobody gives a new one the old one's comment by chance.
type chain struct {
	*nftables.Chain
	rules []rule
}

// chains are those that the rules need, none without rules.
func (t *Table) chains(r Rules) []chain {
	var list []chain
	if len(r.Marks) > 0 {
		var marks []rule
		for _, m := range r.Marks {
			marks = append(marks, markRule(m))
		}
		list = append(list,
			// Before IPVS sees a packet: its hook is at the end of LOCAL_IN.
			chain{&nftables.Chain{Name: "mark_in", Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityMangle}, marks},
			// The machine's own packets, which pass no PREROUTING.
			chain{&nftables.Chain{Name: "mark_out", Type: nftables.ChainTypeRoute, Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityMangle}, marks},
		)
	}
	if len(r.Masquerade) > 0 {
		var masquerade []rule
		for _, m := range r.Masquerade {
			masquerade = append(masquerade, masqueradeRule(m))
		}
		list = append(list, chain{&nftables.Chain{Name: "masquerade", Type: nftables.ChainTypeNAT, Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource}, masquerade})
	}
	return list
}

// read returns the table's chains by name, or none when there is no table.
func (t *Table) read(c *nftables.Conn) ([]chain, error) {
	tables, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(tables, func(x *nftables.Table) bool { return x.Name == t.name })
	if i < 0 {
		return nil, nil
	}
	var list []chain
	all, err := c.ListChainsOfTableFamily(nftables.TableFamilyINet)
	if err != nil {
		return nil, err
	}
	rules, err := t.rules()
	if err != nil {
		return nil, err
	}
	for _, ch := range all {
		if ch.Table.Name != t.name {
			continue
		}
		to := chain{Chain: ch}
		for _, r := range rules {
			if r.chain == ch.Name {
				to.rules = append(to.rules, rule{comment: r.comment, exprs: make([]expr.Any, r.exprs)})
			}
		}
		list = append(list, to)
	}
	if tables[i].Flags != 0 || len(list) == 0 {
		// Dormant, or empty: not as this package leaves it.
		list = append(list, chain{Chain: &nftables.Chain{Name: "?"}})
	}
	return list, nil
}

// same compares chains by name, hook, priority and rules.
func same(have, want []chain) bool {
	if len(have) != len(want) {
		return false
	}
	for _, w := range want {
		i := slices.IndexFunc(have, func(h chain) bool { return h.Name == w.Name })
		if i < 0 {
			return false
		}
		h := have[i]
		if h.Type != w.Type || h.Hooknum == nil || *h.Hooknum != *w.Hooknum || h.Priority == nil || *h.Priority != *w.Priority {
			return false
		}
		if !slices.EqualFunc(h.rules, w.rules, func(a, b rule) bool { return a.comment == b.comment && len(a.exprs) == len(b.exprs) }) {
			return false
		}
	}
	return true
}
