package rtnetlink

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A Message is one that the kernel sent: of a type (unix.RTM_NEWADDR …), and what comes after the header.
type Message struct {
	Type     uint16
	Payload  []byte
	flags    uint16
	sequence uint32
}

// headerLength is that of struct nlmsghdr: length, type, flags, sequence number, port.
const headerLength = 16

// encode returns a request, without sequence number.
func encode(kind, flags uint16, payload []byte) []byte {
	b := make([]byte, headerLength, align(headerLength+len(payload)))
	binary.NativeEndian.PutUint32(b, uint32(headerLength+len(payload)))
	binary.NativeEndian.PutUint16(b[4:], kind)
	binary.NativeEndian.PutUint16(b[6:], flags)
	b = append(b, payload...)
	return b[:align(len(b))]
}

// align rounds up to NLMSG_ALIGNTO.
func align(n int) int { return (n + 3) &^ 3 }

// next cuts the first message off a datagram.
func next(data []byte) (m Message, rest []byte, err error) {
	if len(data) < headerLength {
		return m, nil, fmt.Errorf("a netlink message of %d bytes", len(data))
	}
	n := int(binary.NativeEndian.Uint32(data))
	if n < headerLength || n > len(data) {
		return m, nil, fmt.Errorf("a netlink message of %d bytes says that it has %d", len(data), n)
	}
	m = Message{
		Type:     binary.NativeEndian.Uint16(data[4:]),
		flags:    binary.NativeEndian.Uint16(data[6:]),
		sequence: binary.NativeEndian.Uint32(data[8:]),
		Payload:  data[headerLength:n],
	}
	return m, data[min(align(n), len(data)):], nil
}

// Each calls f for every message of a datagram that was read from a socket of the caller's.
func Each(datagram []byte, f func(Message)) error {
	for len(datagram) > 0 {
		m, rest, err := next(datagram)
		if err != nil {
			return err
		}
		f(m)
		datagram = rest
	}
	return nil
}

// An Error is the kernel's refusal with its own words.
type Error struct {
	Errno unix.Errno
	Text  string
}

// Error returns both.
func (e *Error) Error() string { return fmt.Sprintf("%v (%s)", e.Errno, e.Text) }

// Unwrap returns the number.
func (e *Error) Unwrap() error { return e.Errno }

// answer reads NLMSG_ERROR: an error number, 0 for none; the header of the request; attributes if flags say so.
func (m Message) answer() error {
	if len(m.Payload) < 4 {
		return fmt.Errorf("an answer of %d bytes", len(m.Payload))
	}
	number := unix.Errno(-int32(binary.NativeEndian.Uint32(m.Payload)))
	if number == 0 {
		return nil
	}
	const text = 4 + headerLength
	if m.flags&unix.NLM_F_ACK_TLVS == 0 || len(m.Payload) < text {
		return number
	}
	d, err := netlink.NewAttributeDecoder(m.Payload[text:])
	if err != nil {
		return number
	}
	for d.Next() {
		if d.Type() == unix.NLMSGERR_ATTR_MSG {
			return &Error{Errno: number, Text: string(bytes.TrimRight(d.Bytes(), "\x00"))}
		}
	}
	return number
}

// payload joins a fixed part and attributes.
func payload(fixed []byte, attributes func(*netlink.AttributeEncoder)) []byte {
	e := netlink.NewAttributeEncoder()
	if attributes != nil {
		attributes(e)
	}
	b, err := e.Encode()
	if err != nil {
		panic(err) // only for what no name, address or number can be: longer than 64 KiB
	}
	return append(fixed, b...)
}

// attributes calls f for every attribute that comes after the fixed part.
func attributes(b []byte, fixed int, f func(*netlink.AttributeDecoder)) error {
	if len(b) < fixed {
		return fmt.Errorf("a message of %d bytes is shorter than %d", len(b), fixed)
	}
	d, err := netlink.NewAttributeDecoder(b[fixed:])
	if err != nil {
		return err
	}
	for d.Next() {
		f(d)
	}
	return d.Err()
}
