package announce

import "golang.org/x/sys/unix"

// A packet is a socket of packet(7) that is bound to an interface and hears nothing. It does not block.
type packet int

// openPacket opens one. mdlayher/packet would put it under Go's poller, whose lock and deadline every write then passes.
func openPacket(i Interface) (socket, error) {
	// Protocol 0: the kernel hands it no frames, and spends nothing on it.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: i.Index}); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return packet(fd), nil
}

func (p packet) Write(frame []byte) error {
	for {
		if _, err := unix.Write(int(p), frame); err != unix.EINTR {
			return err
		}
	}
}

func (p packet) Close() error { return unix.Close(int(p)) }
