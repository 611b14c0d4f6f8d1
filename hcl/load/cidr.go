package load

import (
	"fmt"
	"math/big"
	"net"
	"net/netip"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

var (
	network = function.Parameter{Name: "prefix", Type: cty.String}
	number  = cty.Number
)

// cidrHost is cidrhost(prefix, number): the address of a host in a network, "10.1.0.11" for ("10.1.0.0/24", 11). A negative
// number counts from the end.
var cidrHost = function.New(&function.Spec{
	Description: "the address of host number NUMBER in a network",
	Params:      []function.Parameter{network, {Name: "number", Type: number}},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		p, err := netip.ParsePrefix(args[0].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(0, "not a network: write one as in \"10.1.0.0/24\"")
		}
		n, err := integer(args[1])
		if err != nil {
			return cty.NilVal, function.NewArgError(1, err)
		}
		addr, err := host(p, n)
		if err != nil {
			return cty.NilVal, function.NewArgError(1, err)
		}
		return cty.StringVal(addr.String()), nil
	},
})

// cidrSubnet is cidrsubnet(prefix, newbits, number): a smaller network within a network.
var cidrSubnet = function.New(&function.Spec{
	Description: "network number NUMBER among those with NEWBITS more bits in a network",
	Params:      []function.Parameter{network, {Name: "newbits", Type: number}, {Name: "number", Type: number}},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		p, err := netip.ParsePrefix(args[0].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(0, "not a network: write one as in \"10.1.0.0/16\"")
		}
		more, err := integer(args[1])
		if err != nil {
			return cty.NilVal, function.NewArgError(1, err)
		}
		n, err := integer(args[2])
		if err != nil {
			return cty.NilVal, function.NewArgError(2, err)
		}
		if !more.IsInt64() || more.Sign() < 0 || more.Int64() > int64(p.Addr().BitLen()-p.Bits()) {
			return cty.NilVal, function.NewArgErrorf(1, "%s has no room for %s more bits", p, more)
		}
		bits := p.Bits() + int(more.Int64())
		if n.Sign() < 0 || n.BitLen() > int(more.Int64()) {
			return cty.NilVal, function.NewArgErrorf(2, "there are only 2^%s such networks in %s, and %s is not one of them", more, p, n)
		}
		n.Lsh(n, uint(p.Addr().BitLen()-bits))
		return cty.StringVal(netip.PrefixFrom(plus(p.Masked().Addr(), n), bits).String()), nil
	},
})

// cidrNetmask is cidrnetmask(prefix): "255.255.255.0" for "10.1.0.0/24".
var cidrNetmask = function.New(&function.Spec{
	Description: "the netmask of an IPv4 network",
	Params:      []function.Parameter{network},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		p, err := netip.ParsePrefix(args[0].AsString())
		if err != nil || !p.Addr().Is4() {
			return cty.NilVal, function.NewArgErrorf(0, "not an IPv4 network: write one as in \"10.1.0.0/24\"")
		}
		return cty.StringVal(net.IP(net.CIDRMask(p.Bits(), 32)).String()), nil
	},
})

// cidrPrefix is cidrprefix(prefix): the length of a network's prefix, 24 for "10.1.0.0/24".
var cidrPrefix = function.New(&function.Spec{
	Description: "the prefix length of a network",
	Params:      []function.Parameter{network},
	Type:        function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		p, err := netip.ParsePrefix(args[0].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(0, "not a network: write one as in \"10.1.0.0/24\"")
		}
		return cty.NumberIntVal(int64(p.Bits())), nil
	},
})

func integer(v cty.Value) (*big.Int, error) {
	f := v.AsBigFloat()
	// No address has more than 128 bits; a number far beyond is not worth writing out.
	if !f.IsInt() || f.MantExp(nil) > 129 {
		return nil, fmt.Errorf("a whole number of at most 128 bits is needed")
	}
	n, _ := f.Int(nil)
	return n, nil
}

func host(p netip.Prefix, n *big.Int) (netip.Addr, error) {
	size := new(big.Int).Lsh(big.NewInt(1), uint(p.Addr().BitLen()-p.Bits()))
	at := new(big.Int).Set(n)
	if n.Sign() < 0 {
		at.Add(at, size)
	}
	if at.Sign() < 0 || at.Cmp(size) >= 0 {
		return netip.Addr{}, fmt.Errorf("%s has %s addresses, and %s is not one of them", p, size, n)
	}
	return plus(p.Masked().Addr(), at), nil
}

func plus(a netip.Addr, n *big.Int) netip.Addr {
	sum := new(big.Int).SetBytes(a.AsSlice())
	sum.Add(sum, n)
	out := make([]byte, a.BitLen()/8)
	sum.FillBytes(out)
	addr, _ := netip.AddrFromSlice(out) // of 4 or 16 bytes, as made above
	return addr
}
