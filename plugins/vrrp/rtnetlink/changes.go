package rtnetlink

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Changes is a socket on which the kernel tells of changes of interfaces and of addresses. It does not block.
type Changes struct {
	fd     int
	buffer []byte
}

// Subscribe opens one.
func Subscribe() (*Changes, error) {
	fd, err := open(unix.SOCK_NONBLOCK, unix.RTMGRP_LINK|unix.RTMGRP_IPV4_IFADDR|unix.RTMGRP_IPV6_IFADDR)
	if err != nil {
		return nil, err
	}
	// Two hundred virtual routers with interfaces of their own fill a socket's usual 208 KiB when they go. The memory is
	// taken only while it is needed; a kernel that gives less loses changes, which is noticed.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<20)
	return &Changes{fd: fd, buffer: make([]byte, 64<<10)}, nil
}

// FD returns the descriptor to poll for reading.
func (c *Changes) FD() int { return c.fd }

// Close closes the socket.
func (c *Changes) Close() error { return unix.Close(c.fd) }

// Read reads one datagram, whose messages are given to each. There being none is unix.EAGAIN. unix.ENOBUFS says that the
// kernel had more to say than the socket could hold: some changes are lost, and only a dump tells what is.
func (c *Changes) Read(each func(Message)) error {
	n, err := unix.Read(c.fd, c.buffer)
	switch {
	case err != nil:
		return err
	case n == len(c.buffer):
		return unix.ENOBUFS // cut off
	}
	if err := Each(c.buffer[:n], each); err != nil {
		return fmt.Errorf("read changes from routing netlink: %w", err)
	}
	return nil
}
