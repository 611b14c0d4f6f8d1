package address

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// A Refusal drops packets to virtual addresses that the machine answers for but does not accept: RFC 9568's Accept_Mode is
// false. It is one nftables table, "inet evenkeel-vrrp", with a chain and two sets of addresses.
//
// The rules stand as long as the configuration says so, whether the instance is master or not: they match nothing while the
// address is elsewhere, and a failover need not wait for them.
//
// What is dropped is what would be delivered to the machine itself. What is forwarded is not touched, and neither is what
// IPVS forwards: IPVS takes packets to its virtual services out of the hook LOCAL_IN at priority 99 (NF_IP_PRI_NAT_SRC - 1,
// net/netfilter/ipvs/ip_vs_core.c), and the chain stands behind it, at 150. So a virtual address may be that of an instance
// with accept = false and of a virtual server, and answers nothing but the service. Two things of IPVS pass on from there to
// the machine itself, and are dropped: packets for a real server that is the director, with forward = "dr" or "tun", and
// an ICMP echo request to the address, since IPVS answers none.
//
// ICMPv6 neighbour solicitations and advertisements pass, as RFC 9568 section 6.1 demands; ARP is no matter of netfilter's
// family inet.
type Refusal struct {
	name string
}

// Refused is the name of the table.
const Refused = "evenkeel-vrrp"

// behindIPVS is the chain's priority at the hook LOCAL_IN.
const behindIPVS = 150

// ErrNoInet says that the kernel was built without what a refusal is made of (CONFIG_NF_TABLES_INET).
var ErrNoInet = errors.New("the kernel's nf_tables has no family inet, which accept = false needs")

// NewRefusal returns the table in the network namespace of whichever thread calls its methods. It need not exist.
func NewRefusal() *Refusal { return &Refusal{name: Refused} }

// Apply makes the table refuse the addresses and no others, in one transaction, and says whether anything was written. With
// none there is no table.
func (r *Refusal) Apply(addresses []netip.Addr) (changed bool, err error) {
	addresses = slices.Clone(addresses)
	slices.SortFunc(addresses, netip.Addr.Compare)
	addresses = slices.Compact(addresses)
	c, err := nftables.New(nftables.AsLasting())
	if err != nil {
		return false, fmt.Errorf("open nftables: %w", err)
	}
	defer c.CloseLasting()
	have, state, err := r.read(c)
	if err != nil {
		if len(addresses) == 0 {
			return false, nil // a kernel without nftables refuses nothing
		}
		return false, fmt.Errorf("read nftables table %s: %w", r.name, err)
	}
	if len(addresses) == 0 && state == absent || len(addresses) > 0 && state == whole && slices.Equal(have, addresses) {
		return false, nil
	}
	table := &nftables.Table{Name: r.name, Family: nftables.TableFamilyINet}
	c.AddTable(table) // so that there is one to delete
	c.DelTable(table)
	if len(addresses) > 0 {
		c.AddTable(table)
		if err := r.fill(c, table, addresses); err != nil {
			return false, err
		}
	}
	if err := c.Flush(); errors.Is(err, unix.EOPNOTSUPP) {
		return false, ErrNoInet
	} else if err != nil {
		return false, fmt.Errorf("replace nftables table %s: %w", r.name, err)
	}
	return true, nil
}

// A half is one family's share of the table.
type half struct {
	set      string
	kind     nftables.SetDatatype
	protocol byte   // meta nfproto
	offset   uint32 // of the destination in the header: RFC 791, RFC 8200
	length   uint32
}

var halves = [2]half{
	{"refused4", nftables.TypeIPAddr, unix.NFPROTO_IPV4, 16, 4},
	{"refused6", nftables.TypeIP6Addr, unix.NFPROTO_IPV6, 24, 16},
}

func (r *Refusal) fill(c *nftables.Conn, table *nftables.Table, addresses []netip.Addr) error {
	chain := c.AddChain(&nftables.Chain{
		Name: "input", Table: table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityRef(behindIPVS),
	})
	rule := func(exprs ...expr.Any) { c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: exprs}) }
	const register = unix.NFT_REG_1
	// icmpv6 type { 135, 136 } accept
	rule(
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register},
		&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: []byte{unix.IPPROTO_ICMPV6}},
		&expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: 0, Len: 1},
		&expr.Range{Op: expr.CmpOpEq, Register: register, FromData: []byte{135}, ToData: []byte{136}},
		&expr.Verdict{Kind: expr.VerdictAccept},
	)
	for i, h := range halves {
		set := &nftables.Set{Table: table, Name: h.set, ID: uint32(i + 1), KeyType: h.kind}
		var elements []nftables.SetElement
		for _, a := range addresses {
			if uint32(len(a.AsSlice())) == h.length {
				elements = append(elements, nftables.SetElement{Key: a.AsSlice()})
			}
		}
		if err := c.AddSet(set, elements); err != nil {
			return fmt.Errorf("fill nftables set %s: %w", h.set, err)
		}
		// ip daddr @refused4 counter drop
		rule(
			&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: register},
			&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: []byte{h.protocol}},
			&expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: h.offset, Len: h.length},
			&expr.Lookup{SourceRegister: register, SetName: h.set, SetID: set.ID},
			&expr.Counter{},
			&expr.Verdict{Kind: expr.VerdictDrop},
		)
	}
	return nil
}

// How much of a table there is.
const (
	absent = iota
	broken // not as this package leaves it
	whole
)

// read returns the addresses that the table refuses, sorted, and how much of it there is.
func (r *Refusal) read(c *nftables.Conn) (addresses []netip.Addr, state int, err error) {
	tables, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return nil, absent, err
	}
	i := slices.IndexFunc(tables, func(t *nftables.Table) bool { return t.Name == r.name })
	if i < 0 {
		return nil, absent, nil
	}
	table := tables[i]
	table.Family = nftables.TableFamilyINet
	for _, h := range halves {
		elements, err := c.GetSetElements(&nftables.Set{Table: table, Name: h.set, KeyType: h.kind})
		if errors.Is(err, unix.ENOENT) {
			return nil, broken, nil
		}
		if err != nil {
			return nil, absent, err
		}
		for _, e := range elements {
			if a, ok := netip.AddrFromSlice(e.Key); ok {
				addresses = append(addresses, a)
			}
		}
	}
	slices.SortFunc(addresses, netip.Addr.Compare)
	rules, err := c.GetRules(table, &nftables.Chain{Name: "input", Table: table})
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return nil, absent, err
	}
	if table.Flags != 0 || len(rules) != 1+len(halves) {
		return addresses, broken, nil // dormant, or with other rules
	}
	return addresses, whole, nil
}
