package wire

import (
	"fmt"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// VRIDs are the virtual routers whose adverts a socket lets through, by number.
type VRIDs [256]bool

// everything is a filter's verdict on a packet that passes: all of its bytes.
const everything = 1 << 18

// program is the filter: it loads the byte that holds the VRID, finds it in a table of 256 bits, and drops the packet or not.
// A packet that ends before that byte is dropped by the kernel's own rule for a load beyond the end. Over IPv4 the filter sees the
// packet from its IP header on, over IPv6 from the message on. Its length does not depend on the table.
func program(key Key, vrids *VRIDs) []bpf.Instruction {
	const vrid = 1 // its offset in the message
	var table [8]uint32
	for i, ours := range vrids {
		if ours {
			table[i/32] |= 1 << (i % 32)
		}
	}
	var p []bpf.Instruction
	switch {
	case !key.Address.Is4():
		p = append(p, bpf.LoadAbsolute{Off: vrid, Size: 1})
	case key.AH:
		p = append(p, bpf.LoadMemShift{Off: 0}, bpf.LoadIndirect{Off: 24 + vrid, Size: 1})
	default:
		p = append(p, bpf.LoadMemShift{Off: 0}, bpf.LoadIndirect{Off: vrid, Size: 1})
	}
	p = append(p,
		bpf.StoreScratch{Src: bpf.RegA, N: 0},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 31},
		bpf.TAX{},
		bpf.LoadScratch{Dst: bpf.RegA, N: 0},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 5},
	)
	const row = 3 // instructions for each word of the table
	for i, word := range table {
		p = append(p,
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(i), SkipTrue: row - 1},
			bpf.LoadConstant{Dst: bpf.RegA, Val: word},
			bpf.Jump{Skip: uint32((len(table) - 1 - i) * row)},
		)
	}
	return append(p,
		bpf.ALUOpX{Op: bpf.ALUOpShiftRight},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 1},
		bpf.RetConstant{Val: everything},
		bpf.RetConstant{Val: 0},
	)
}

// attach puts a filter in place of the one before; no packet slips through between them.
func attach(fd int, p []bpf.Instruction) error {
	raw, err := bpf.Assemble(p)
	if err != nil {
		return fmt.Errorf("assemble the filter: %w", err)
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		filter[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog); err != nil {
		return fmt.Errorf("attach the filter: %w", err)
	}
	return nil
}
