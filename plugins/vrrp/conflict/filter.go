package conflict

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Where things are in an Ethernet frame.
const (
	ethernetSource = 6
	ethernetHeader = 14
	arpSender      = ethernetHeader + 8  // hardware address
	arpSenderIP    = ethernetHeader + 14 // RFC 826, for Ethernet and IPv4
	arpLength      = ethernetHeader + 28
	ip6Next        = ethernetHeader + 6
	ip6HopLimit    = ethernetHeader + 7
	icmp6          = ethernetHeader + 40
	icmp6Target    = icmp6 + 8
	ndLength       = icmp6 + 24
)

const (
	whole    = 1 << 16
	nothing  = 0
	longest  = unix.BPF_MAXINSNS
	neighbor = 136 // ICMPv6 neighbour advertisement
)

// arpFilter passes ARP packets that say an address is at a hardware address that is not among ours.
func arpFilter(addresses []netip.Addr, ours [][6]byte) []bpf.Instruction {
	program := notFrom(nil, arpSender, ours)
	program = append(program, bpf.LoadAbsolute{Off: arpSenderIP, Size: 4})
	for _, a := range addresses {
		program = append(program,
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: binary.BigEndian.Uint32(a.AsSlice()), SkipFalse: 1},
			bpf.RetConstant{Val: whole},
		)
	}
	if len(program) >= longest {
		return []bpf.Instruction{bpf.RetConstant{Val: whole}} // Read looks at each anyway
	}
	return append(program, bpf.RetConstant{Val: nothing})
}

// neighbourFilter passes neighbour advertisements likewise. One behind an extension header is not seen, and not honoured by
// any Linux either.
func neighbourFilter(addresses []netip.Addr, ours [][6]byte) []bpf.Instruction {
	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: ip6Next, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.IPPROTO_ICMPV6, SkipTrue: 1},
		bpf.RetConstant{Val: nothing},
		bpf.LoadAbsolute{Off: icmp6, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: neighbor, SkipTrue: 1},
		bpf.RetConstant{Val: nothing},
	}
	start := len(program)
	program = notFrom(program, ethernetSource, ours)
	for _, a := range addresses {
		b := a.As16()
		for word := range 4 {
			program = append(program,
				bpf.LoadAbsolute{Off: uint32(icmp6Target + 4*word), Size: 4},
				// To the next address: over this one's other words, two instructions each, and the return.
				bpf.JumpIf{Cond: bpf.JumpEqual, Val: binary.BigEndian.Uint32(b[4*word:]), SkipFalse: uint8(2*(3-word) + 1)},
			)
		}
		program = append(program, bpf.RetConstant{Val: whole})
	}
	if len(program) >= longest {
		return append(program[:start:start], bpf.RetConstant{Val: whole})
	}
	return append(program, bpf.RetConstant{Val: nothing})
}

// notFrom appends that a frame with one of our hardware addresses at an offset is not passed.
func notFrom(program []bpf.Instruction, offset uint32, ours [][6]byte) []bpf.Instruction {
	for _, h := range ours {
		program = append(program,
			bpf.LoadAbsolute{Off: offset, Size: 4},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: binary.BigEndian.Uint32(h[:4]), SkipFalse: 3},
			bpf.LoadAbsolute{Off: offset + 4, Size: 2},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(binary.BigEndian.Uint16(h[4:])), SkipFalse: 1},
			bpf.RetConstant{Val: nothing},
		)
	}
	return program
}
