package vmac

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/vrrp/rtnetlink"
)

// A router that leaves the mastership takes its IPv6 addresses away, and the kernel then tells the switches by MLD that the
// macvlan has left their multicast groups: some seconds later, and from the virtual hardware address, whose place the switches
// had just learned from the new master. So reports of membership (MLD and IGMP) leave with the real interface's hardware
// address: switches that listen to them still know where the groups are.
//
// It is a chain of nftables at the macvlan's egress (Linux 5.16, CONFIG_NETFILTER_EGRESS), in a table of its own. Where the
// kernel has no such hook there is none, and a failover over IPv6 may cost those clients an advert interval.

// tableOf is the name of the table for a macvlan.
func tableOf(name string) *nftables.Table {
	return &nftables.Table{Name: "evenkeel-" + name, Family: nftables.TableFamilyNetdev}
}

const register = unix.NFT_REG_1

// report has reports of membership leave the macvlan with a hardware address.
func report(name string, hardware rtnetlink.HardwareAddress) error {
	c := &nftables.Conn{}
	table := tableOf(name)
	c.AddTable(table) // so that there is one to delete
	c.DelTable(table)
	c.AddTable(table)
	accept := nftables.ChainPolicyAccept
	chain := c.AddChain(&nftables.Chain{
		Name: "egress", Table: table, Type: nftables.ChainTypeFilter, Device: name, Policy: &accept,
		Hooknum: nftables.ChainHookEgress, Priority: nftables.ChainPriorityFilter,
	})
	load := &expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register}
	is := func(value byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: []byte{value}} }
	kind := &expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: 0, Len: 1}
	for _, match := range [][]expr.Any{
		{load, is(unix.IPPROTO_IGMP)},
		{load, is(unix.IPPROTO_ICMPV6), kind, is(131)}, // MLD report, RFC 2710
		{load, is(unix.IPPROTO_ICMPV6), kind, is(132)}, // MLD done
		{load, is(unix.IPPROTO_ICMPV6), kind, is(143)}, // MLDv2 report, RFC 3810
	} {
		c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: append(match,
			&expr.Immediate{Register: register, Data: hardware[:]},
			&expr.Payload{OperationType: expr.PayloadWrite, SourceRegister: register, Base: expr.PayloadBaseLLHeader, Offset: 6, Len: 6},
		)})
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("rewrite reports of multicast membership by nftables: %w", err)
	}
	return nil
}

// reports says whether the table of a macvlan is there.
func reports(name string) bool {
	tables, err := (&nftables.Conn{}).ListTablesOfFamily(nftables.TableFamilyNetdev)
	return err == nil && slices.ContainsFunc(tables, func(t *nftables.Table) bool { return t.Name == tableOf(name).Name })
}

// unsupported says whether the kernel has no nftables, or not that hook.
func unsupported(err error) bool {
	return errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EPROTONOSUPPORT)
}

// forget removes the table of a macvlan that is gone, and its chain with it.
func forget(name string) {
	c := &nftables.Conn{}
	table := tableOf(name)
	c.AddTable(table)
	c.DelTable(table)
	_ = c.Flush() // without nftables there is none
}
