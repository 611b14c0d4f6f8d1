package capture

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// addressesSize is the length of the two addresses that an Ethernet frame begins with, in bytes.
const addressesSize = 12

// auxiliary finds what the kernel says of a packet among control messages.
func auxiliary(oob []byte) (aux unix.TpacketAuxdata, ok bool) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return aux, false
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_PACKET && m.Header.Type == unix.PACKET_AUXDATA && len(m.Data) >= int(unsafe.Sizeof(aux)) {
			_, err := binary.Decode(m.Data, binary.NativeEndian, &aux)
			return aux, err == nil
		}
	}
	return aux, false
}

// tagged puts the VLAN tag, which the kernel has taken out, back to where it was on the wire. frame has room for it at its end.
func tagged(frame []byte, aux unix.TpacketAuxdata) []byte {
	copy(frame[addressesSize+vlanSize:], frame[addressesSize:])
	tpid := uint16(0x8100)
	if aux.Status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		tpid = aux.Vlan_tpid
	}
	binary.BigEndian.PutUint16(frame[addressesSize:], tpid)
	binary.BigEndian.PutUint16(frame[addressesSize+2:], aux.Vlan_tci)
	return frame
}
