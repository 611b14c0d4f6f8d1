package kernel

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// BatchSize is how many operations go into one datagram. Should the kernel refuse every one of them, its answers are
// about 1 KiB each of the socket's receive buffer, and must all fit: sendmsg(2) returns only when all are made.
const BatchSize = 128

const (
	familyName    = "IPVS"
	receiveBuffer = 1 << 20 // bytes; several times a batch of refusals
	dumpAttempts  = 5
)

// ErrNoIPVS says that the running kernel has no IPVS.
var ErrNoIPVS = errors.New("the kernel has no IPVS (genetlink family IPVS not found): load it with `modprobe ip_vs`, or install a kernel that has it")

// A Netlink is the running kernel's table, in the network namespace in which it was opened.
type Netlink struct {
	mu     sync.Mutex // one request at a time
	conn   *genetlink.Conn
	raw    syscall.RawConn
	family uint16
	seq    uint32
	out    []byte
	in     []byte

	sent int // datagrams, for tests
}

var _ Kernel = (*Netlink)(nil)

// Open connects to the kernel's IPVS in the network namespace of the calling thread. When it is not there, load is called
// to bring it in (nil: nothing is tried); the error is ErrNoIPVS when it still is not there. See Modprobe.
func Open(load func(module string) error) (*Netlink, error) {
	conn, err := genetlink.Dial(&netlink.Config{})
	if err != nil {
		return nil, fmt.Errorf("open generic netlink: %w", err)
	}
	n, err := open(conn, load)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return n, nil
}

func open(conn *genetlink.Conn, load func(string) error) (*Netlink, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("open generic netlink: %w", err)
	}
	n := &Netlink{conn: conn, raw: raw, seq: uint32(time.Now().UnixNano()), in: make([]byte, 64<<10)}
	if err := n.resolve(); errors.Is(err, ErrNoIPVS) && load != nil {
		if loadErr := load("ip_vs"); loadErr != nil {
			return nil, fmt.Errorf("%w (%v)", ErrNoIPVS, loadErr)
		}
		if err := n.resolve(); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	// A refusal repeats the request unless asked not to.
	if err := conn.SetOption(netlink.CapAcknowledge, true); err != nil {
		return nil, fmt.Errorf("prepare generic netlink: %w", err)
	}
	if err := conn.SetReadBuffer(receiveBuffer); err != nil {
		return nil, fmt.Errorf("prepare generic netlink: %w", err)
	}
	if _, err := n.Info(); err != nil {
		return nil, err
	}
	return n, nil
}

// resolve asks for the number that the family has now: it changes when the module is loaded again.
func (n *Netlink) resolve() error {
	f, err := n.conn.GetFamily(familyName)
	if errors.Is(err, unix.ENOENT) {
		return ErrNoIPVS
	}
	if err != nil {
		return fmt.Errorf("look for IPVS in the kernel: %w", err)
	}
	n.family = f.ID
	return nil
}

// Close ends the connection; the table stays.
func (n *Netlink) Close() error { return n.conn.Close() }

// Info returns IPVS's version and table size.
func (n *Netlink) Info() (Info, error) {
	var info Info
	err := n.read("version", getInfo, nil, false, func(b []byte) (err error) {
		info, err = parseInfo(b)
		return err
	})
	return info, err
}

// Timeouts returns the idle time-outs.
func (n *Netlink) Timeouts() (Timeouts, error) {
	var t Timeouts
	err := n.read("time-outs", getConfig, nil, false, func(b []byte) (err error) {
		t, err = parseTimeouts(b)
		return err
	})
	return t, err
}

// Services returns every service.
func (n *Netlink) Services() ([]ServiceState, error) {
	var list []ServiceState
	err := n.dump("services", getService, nil, func() { list = list[:0] }, func(b []byte) error {
		s, err := parseService(b)
		list = append(list, s)
		return err
	})
	return list, err
}

// Destinations returns the real servers of a service.
func (n *Netlink) Destinations(k ServiceKey) ([]DestinationState, error) {
	var list []DestinationState
	err := n.dump("real servers of "+k.String(), getDestination, appendServiceKey(nil, k), func() { list = list[:0] }, func(b []byte) error {
		d, err := parseDestination(b, k.Family)
		list = append(list, d)
		return err
	})
	return list, err
}

// Daemons returns the sync daemons that run.
func (n *Netlink) Daemons() ([]Daemon, error) {
	var list []Daemon
	err := n.dump("sync daemons", getDaemon, nil, func() { list = list[:0] }, func(b []byte) error {
		d, err := parseDaemon(b)
		list = append(list, d)
		return err
	})
	return list, err
}

var errInterrupted = errors.New("the table changed meanwhile")

// dump reads a list, again when it changed under the kernel's hands (NLM_F_DUMP_INTR).
func (n *Netlink) dump(what string, c Command, args []byte, reset func(), each func([]byte) error) error {
	var err error
	for range dumpAttempts {
		reset()
		if err = n.read(what, c, args, true, each); !errors.Is(err, errInterrupted) {
			return err
		}
	}
	return err
}

// read sends a request and calls each with every answer's attributes. A family that is gone is looked up once more: the
// module may have been loaded again.
func (n *Netlink) read(what string, c Command, args []byte, dump bool, each func([]byte) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	err := n.request(c, args, dump, each)
	if errors.Is(err, unix.ENOENT) {
		if err = n.resolve(); err == nil {
			err = n.request(c, args, dump, each)
		}
	}
	if err != nil {
		return fmt.Errorf("read %s from the kernel's IPVS: %w", what, err)
	}
	return nil
}

func (n *Netlink) request(c Command, args []byte, dump bool, each func([]byte) error) error {
	flags := uint16(unix.NLM_F_ACK)
	if dump {
		flags = unix.NLM_F_DUMP
	}
	n.seq++
	n.out = append(appendHeader(n.out[:0], c, n.family, n.seq, flags), args...)
	if err := n.send(endMessage(n.out, 0)); err != nil {
		return err
	}
	interrupted := false
	var bad error // the first answer that could not be read; the others must be taken off the socket all the same
	err := n.receive(n.seq, n.seq, func(seq uint32, h header, payload []byte) error {
		interrupted = interrupted || h.flags&unix.NLM_F_DUMP_INTR != 0
		if len(payload) < genlHeader {
			bad = cmp.Or(bad, fmt.Errorf("answer of %d bytes", len(payload)))
			return nil
		}
		bad = cmp.Or(bad, each(payload[genlHeader:]))
		return nil
	}, nil)
	if err == nil && interrupted {
		return errInterrupted
	}
	return cmp.Or(err, bad)
}

// Do carries out the operations in batches.
func (n *Netlink) Do(ops []Op) ([]error, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	results := make([]error, len(ops))
	for start := 0; start < len(ops); start += BatchSize {
		batch := ops[start:min(start+BatchSize, len(ops))]
		if err := n.do(batch, results[start:]); err != nil {
			return results, fmt.Errorf("%s, and what follows: %w", batch[0], err)
		}
	}
	return results, nil
}

func (n *Netlink) do(batch []Op, results []error) error {
	first := n.seq + 1
	n.seq += uint32(len(batch))
	n.out = appendBatch(n.out[:0], batch, n.family, first)
	if err := n.send(n.out); err != nil {
		return err
	}
	err := n.receive(first, n.seq, nil, func(seq uint32, errno unix.Errno) {
		results[seq-first] = errno
	})
	if errors.Is(err, errNoAnswer) && batch[len(batch)-1].Command == DelDaemon {
		// The kernel answers nothing to EINTR (netlink_rcv_skb), and EINTR is what comes of stopping a daemon whose thread
		// has not run yet (kthread_stop in stop_sync_thread). It is stopped.
		return nil
	}
	return err
}

// appendBatch appends operations as messages with ascending sequence numbers. The last alone is acknowledged: the kernel's
// answer to it says that it has been through all of them.
func appendBatch(b []byte, batch []Op, family uint16, first uint32) []byte {
	for i, o := range batch {
		var flags uint16
		if i == len(batch)-1 {
			flags = unix.NLM_F_ACK
		}
		b = appendMessage(b, o, family, first+uint32(i), flags)
	}
	return b
}
