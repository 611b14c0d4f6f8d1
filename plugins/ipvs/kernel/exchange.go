package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Lengths of struct nlmsghdr and struct genlmsghdr.
const (
	messageHeader = unix.NLMSG_HDRLEN
	genlHeader    = 4
)

// send hands the kernel one datagram; when it returns, the kernel has carried it out and made its answers.
func (n *Netlink) send(b []byte) error {
	n.sent++
	var err error
	ctlErr := n.raw.Write(func(fd uintptr) bool {
		err = unix.Sendto(int(fd), b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		return err != unix.EAGAIN
	})
	if err = errors.Join(ctlErr, err); err != nil {
		return fmt.Errorf("send to the kernel: %w", err)
	}
	return nil
}

// A header is what matters of struct nlmsghdr.
type header struct {
	typ, flags uint16
}

// errNoAnswer says that an answer is missing. All are there when send returns, and of a dump the next part when the one before
// has been read: to wait for one would be to wait for ever.
var errNoAnswer = errors.New("the kernel has not answered")

// receive reads answers until the one to the message with the sequence number last is complete. Answers to earlier
// requests, from an exchange that failed, are passed over. Refusals go to refused, or are returned when that is nil.
func (n *Netlink) receive(first, last uint32, answer func(uint32, header, []byte) error, refused func(uint32, unix.Errno)) error {
	for {
		b, err := n.datagram()
		if err != nil {
			return fmt.Errorf("read the kernel's answer: %w", err)
		}
		done, err := eachMessage(b, func(h header, seq uint32, payload []byte) (bool, error) {
			if seq-first > last-first {
				return false, nil
			}
			switch h.typ {
			case unix.NLMSG_ERROR, unix.NLMSG_DONE:
				var errno unix.Errno
				if len(payload) >= 4 {
					errno = unix.Errno(-int32(binary.NativeEndian.Uint32(payload)))
				}
				if errno != 0 && refused == nil {
					return true, errno
				}
				if errno != 0 {
					refused(seq, errno)
				}
				return seq == last, nil
			case n.family:
				if answer != nil {
					return false, answer(seq, h, payload)
				}
			}
			return false, nil
		})
		if done || err != nil {
			return err
		}
	}
}

// datagram reads one datagram, which is valid until the next call.
func (n *Netlink) datagram() ([]byte, error) {
	var got int
	var err error
	ctlErr := n.raw.Read(func(fd uintptr) bool {
		for err = unix.EINTR; err == unix.EINTR; {
			// With MSG_TRUNC the kernel says how long the datagram is, also when it did not fit.
			got, _, err = unix.Recvfrom(int(fd), n.in, unix.MSG_TRUNC|unix.MSG_DONTWAIT)
		}
		return true
	})
	if err == unix.EAGAIN {
		err = errNoAnswer
	}
	if err = errors.Join(ctlErr, err); err != nil {
		return nil, err
	}
	if got > len(n.in) {
		return nil, fmt.Errorf("datagram of %d bytes, more than %d", got, len(n.in))
	}
	return n.in[:got], nil
}

// eachMessage calls f with every message of a datagram until f says that it is done or fails.
func eachMessage(b []byte, f func(h header, seq uint32, payload []byte) (bool, error)) (bool, error) {
	for len(b) > 0 {
		if len(b) < messageHeader {
			return false, fmt.Errorf("netlink message of %d bytes", len(b))
		}
		size := binary.NativeEndian.Uint32(b)
		if size < messageHeader || uint64(size) > uint64(len(b)) {
			return false, fmt.Errorf("netlink message of %d bytes in %d", size, len(b))
		}
		h := header{typ: binary.NativeEndian.Uint16(b[4:]), flags: binary.NativeEndian.Uint16(b[6:])}
		done, err := f(h, binary.NativeEndian.Uint32(b[8:]), b[messageHeader:size])
		if done || err != nil {
			return done, err
		}
		b = b[min(align(int(size)), len(b)):]
	}
	return false, nil
}
