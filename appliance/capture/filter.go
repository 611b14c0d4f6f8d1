package capture

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/bpf"
)

// A Filter says which packets are of interest: those for which everything that it names is right. Of a tunnel it looks at the
// outer packet.
type Filter struct {
	Host     netip.Addr // sender or receiver; of ARP, who asks or is asked for. The zero Addr: any
	Port     uint16     // of TCP or UDP, at either side; 0: any
	Protocol string     // one of Protocols, or the number of an IP protocol; "": any
}

// Numbers of IP protocols (https://www.iana.org/assignments/protocol-numbers).
const (
	protocolICMP = 1
	protocolIPIP = 4
	protocolTCP  = 6
	protocolUDP  = 17
	protocolIPv6 = 41
	protocolGRE  = 47
	protocolICM6 = 58
	protocolVRRP = 112
)

// protocols are the names that a filter may have, with their numbers. ARP has none.
var protocols = map[string][]uint32{
	"arp":  nil,
	"gre":  {protocolGRE},
	"icmp": {protocolICMP, protocolICM6},
	"ipip": {protocolIPIP, protocolIPv6},
	"tcp":  {protocolTCP},
	"udp":  {protocolUDP},
	"vrrp": {protocolVRRP},
}

// Protocols are the names that a Filter's Protocol may have.
func Protocols() []string { return slices.Sorted(maps.Keys(protocols)) }

// numbers are those that the protocol field of IP may have; nil: any. onlyARP: no IP packet is wanted at all.
func (f Filter) numbers() (numbers []uint32, onlyARP bool, err error) {
	name := strings.ToLower(f.Protocol)
	numbers, known := protocols[name]
	if n, err := strconv.ParseUint(name, 10, 8); err == nil {
		numbers, known = []uint32{uint32(n)}, true
	}
	switch {
	case name == "arp" && f.Port != 0:
		return nil, false, fmt.Errorf("ARP has no ports: leave the port or the protocol out")
	case name == "arp":
		return nil, true, nil
	case name != "" && !known:
		return nil, false, fmt.Errorf("%q is no protocol: write one of %s, or the number of an IP protocol", f.Protocol, strings.Join(Protocols(), ", "))
	case f.Port != 0 && name == "":
		return []uint32{protocolTCP, protocolUDP}, false, nil
	case f.Port != 0 && name != "tcp" && name != "udp":
		return nil, false, fmt.Errorf("%s has no ports: write tcp or udp, or leave the port out", f.Protocol)
	}
	return numbers, false, nil
}

// A test loads a value and compares it.
type test struct {
	load  []bpf.Instruction
	cond  bpf.JumpTest
	value uint32
}

func is(value uint32, load ...bpf.Instruction) test { return test{load, bpf.JumpEqual, value} }

// at loads size bytes at an offset.
func at(offset uint32, size int) bpf.Instruction { return bpf.LoadAbsolute{Off: offset, Size: size} }

// outgoing is PACKET_OUTGOING of packet(7), as the kernel's extension of BPF has it.
const outgoing = 4

// program is the filter for the kernel: alternatives, of which each is tests that all have to be right. Packets are Ethernet
// frames, or IP packets. On a loopback each packet goes out and comes in; only the coming in is taken then.
func (f Filter) program(ethernet, loopback bool, snap int) ([]bpf.Instruction, error) {
	alternatives, err := f.alternatives(ethernet)
	if err != nil {
		return nil, err
	}
	take := bpf.RetConstant{Val: uint32(snap)}
	var all []bpf.Instruction
	if loopback {
		all = append(all, bpf.LoadExtension{Num: bpf.ExtType}, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: outgoing, SkipTrue: 1}, bpf.RetConstant{})
	}
	if alternatives == nil {
		return append(all, take), nil
	}
	for _, tests := range alternatives {
		var one []bpf.Instruction
		for _, t := range slices.Backward(tests) {
			one = append(append(slices.Clone(t.load), bpf.JumpIf{Cond: t.cond, Val: t.value, SkipFalse: uint8(len(one) + 1)}), one...)
		}
		// A test that fails skips the rest of the alternative, and the taking at its end.
		all = append(append(all, one...), take)
	}
	return append(all, bpf.RetConstant{}), nil
}

// alternatives are nil if everything is of interest.
func (f Filter) alternatives(ethernet bool) ([][]test, error) {
	numbers, onlyARP, err := f.numbers()
	if err != nil || !onlyARP && numbers == nil && !f.Host.IsValid() {
		return nil, err
	}
	host := f.Host.Unmap()
	var all [][]test
	if ethernet && numbers == nil && !host.Is6() {
		all = append(all, arp(host)...)
	}
	if onlyARP {
		if all == nil {
			return nil, fmt.Errorf("there is no ARP for %s, or on this interface", host)
		}
		return all, nil
	}
	if !host.Is6() {
		all = append(all, f.ip(ipv4(ethernet), numbers, host)...)
	}
	if !host.Is4() {
		all = append(all, f.ip(ipv6(ethernet), numbers, host)...)
	}
	return all, nil
}

// arp is the ARP of a host, or all of it (RFC 826, for IPv4 over Ethernet).
func arp(host netip.Addr) [][]test {
	kind := is(0x0806, at(12, 2))
	if !host.IsValid() {
		return [][]test{{kind}}
	}
	a := host.As4()
	address := binary.BigEndian.Uint32(a[:])
	return [][]test{{kind, is(address, at(28, 4))}, {kind, is(address, at(38, 4))}}
}

// A family is where a version of IP has its fields.
type family struct {
	version     test
	protocol    uint32 // offset
	addresses   []uint32
	notFragment []test            // only the first fragment has ports
	header      []bpf.Instruction // puts the length of the header of IP into X
	ports       uint32            // offset without what is in X
}

func ipv4(ethernet bool) family {
	start := uint32(0)
	version := test{[]bpf.Instruction{at(0, 1), bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 4}}, bpf.JumpEqual, 4}
	if ethernet {
		start, version = 14, is(0x0800, at(12, 2))
	}
	return family{
		version: version, protocol: start + 9, addresses: []uint32{start + 12, start + 16},
		notFragment: []test{{[]bpf.Instruction{at(start+6, 2)}, bpf.JumpBitsNotSet, 0x1fff}},
		header:      []bpf.Instruction{bpf.LoadMemShift{Off: start}}, ports: start,
	}
}

// ipv6 has no extension headers before what is looked for, which is so for everything that a director does but fragments.
func ipv6(ethernet bool) family {
	start := uint32(0)
	version := test{[]bpf.Instruction{at(0, 1), bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 4}}, bpf.JumpEqual, 6}
	if ethernet {
		start, version = 14, is(0x86dd, at(12, 2))
	}
	return family{
		version: version, protocol: start + 6, addresses: []uint32{start + 8, start + 24},
		header: []bpf.Instruction{bpf.LoadConstant{Dst: bpf.RegX, Val: 40}}, ports: start,
	}
}

// ip are the packets of a family.
func (f Filter) ip(v family, numbers []uint32, host netip.Addr) [][]test {
	all := [][]test{{v.version}}
	// with makes of each alternative several.
	with := func(choices ...[]test) {
		var more [][]test
		for _, a := range all {
			for _, c := range choices {
				more = append(more, append(slices.Clone(a), c...))
			}
		}
		all = more
	}
	if host.IsValid() {
		var ends [][]test
		for _, offset := range v.addresses {
			var same []test
			for i, b := uint32(0), host.AsSlice(); len(b) > 0; i, b = i+4, b[4:] {
				same = append(same, is(binary.BigEndian.Uint32(b), at(offset+i, 4)))
			}
			ends = append(ends, same)
		}
		with(ends...)
	}
	if numbers != nil {
		var ns [][]test
		for _, n := range numbers {
			ns = append(ns, []test{is(n, at(v.protocol, 1))})
		}
		with(ns...)
	}
	if f.Port != 0 {
		with(v.notFragment)
		var ends [][]test
		for _, side := range []uint32{0, 2} {
			ends = append(ends, []test{is(uint32(f.Port), append(slices.Clone(v.header), bpf.LoadIndirect{Off: v.ports + side, Size: 2})...)})
		}
		with(ends...)
	}
	return all
}
