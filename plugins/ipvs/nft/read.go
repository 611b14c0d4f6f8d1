package nft

import (
	"fmt"

	"github.com/google/nftables/userdata"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A seen is a rule as the kernel reports it: enough to know it again.
type seen struct {
	chain   string
	comment string
	exprs   int
}

// rules reads a table's rules. google/nftables v0.3.0 cannot: it takes the direction of a ct expression, which the kernel
// gives as one byte, for four, and fails.
func (t *Table) rules() ([]seen, error) {
	c, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{NetNS: t.netNS})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	name, err := netlink.MarshalAttributes([]netlink.Attribute{{Type: unix.NFTA_RULE_TABLE, Data: append([]byte(t.name), 0)}})
	if err != nil {
		return nil, err
	}
	request := netlink.Message{
		Header: netlink.Header{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETRULE, Flags: netlink.Request | netlink.Dump},
		Data:   append([]byte{unix.NFPROTO_INET, unix.NFNETLINK_V0, 0, 0}, name...), // struct nfgenmsg
	}
	messages, err := c.Execute(request)
	if err != nil {
		return nil, err
	}
	var list []seen
	for _, m := range messages {
		s, err := parseRule(m.Data)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

func parseRule(b []byte) (seen, error) {
	const header = 4 // struct nfgenmsg
	if len(b) < header {
		return seen{}, fmt.Errorf("rule of %d bytes", len(b))
	}
	ad, err := netlink.NewAttributeDecoder(b[header:])
	if err != nil {
		return seen{}, err
	}
	var s seen
	for ad.Next() {
		switch ad.Type() {
		case unix.NFTA_RULE_CHAIN:
			s.chain = ad.String()
		case unix.NFTA_RULE_USERDATA:
			s.comment, _ = userdata.GetString(ad.Bytes(), userdata.TypeComment)
		case unix.NFTA_RULE_EXPRESSIONS:
			ad.Nested(func(in *netlink.AttributeDecoder) error {
				for in.Next() {
					s.exprs++
				}
				return nil
			})
		}
	}
	return s, ad.Err()
}
