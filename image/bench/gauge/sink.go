package gauge

import (
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// sinkEvery is how often the sink looks who has come. One connection at a time would cost the machine a change of context
// for each, and halve the checks that it can carry.
const sinkEvery = 10 * time.Millisecond

// sink accepts connections and closes them, for ever, but for those that v answers by HTTP. v, which may be nil, takes down
// which address each came to.
func sink(listen string, v *visits) error {
	a, err := netip.ParseAddrPort(listen)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a socket: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return fmt.Errorf("set SO_REUSEADDR: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}); err != nil {
		return fmt.Errorf("bind to %s: %w", a, err)
	}
	if err := unix.Listen(fd, 8192); err != nil {
		return fmt.Errorf("listen on %s: %w", a, err)
	}
	for {
		for {
			c, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
			if err == unix.EINTR || err == unix.ECONNABORTED {
				continue
			}
			if err == unix.EAGAIN {
				break
			}
			if err != nil {
				return fmt.Errorf("accept on %s: %w", a, err)
			}
			if v != nil {
				if at, err := unix.Getsockname(c); err == nil {
					if four, ok := at.(*unix.SockaddrInet4); ok {
						to := netip.AddrFrom4(four.Addr)
						if v.answers[to] {
							go v.serveSocket(c)
							continue
						}
						v.come(to, time.Now())
					}
				}
			}
			unix.Close(c)
		}
		time.Sleep(sinkEvery)
	}
}
