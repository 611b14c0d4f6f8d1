package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Token is the caller's name for what it waits for.
type Token uint64

// Timer and Woken are the tokens of the deadline and of Wake. A socket has any other.
const (
	Timer Token = ^Token(0)
	Woken Token = ^Token(1)
)

// Now is CLOCK_BOOTTIME, in which deadlines are given. It goes on while the machine is suspended, as the other routers do, so
// that a timer which should have run meanwhile runs at once and is known to be late: CLOCK_MONOTONIC would stand still. It is
// a plain system call of 0.2 us: a loop needs one for each time that it wakes.
func Now() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) != nil {
		return 0 // which the kernel never does with this clock
	}
	return time.Duration(ts.Nano())
}

// A Poller waits for sockets, for one deadline and for Wake. All methods but Wake are one goroutine's.
type Poller struct {
	epoll, timer int
	events       []unix.EpollEvent
	deadline     time.Duration

	mu    sync.Mutex // guards event against a Wake after Close
	event int        // -1 when closed
}

// NewPoller returns a Poller without sockets and without a deadline.
func NewPoller() (*Poller, error) {
	p := &Poller{epoll: -1, timer: -1, event: -1}
	if err := p.open(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Poller) open() (err error) {
	if p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("make an epoll: %w", err)
	}
	if p.timer, err = unix.TimerfdCreate(unix.CLOCK_BOOTTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return fmt.Errorf("make a timer: %w", err)
	}
	if p.event, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("make an event: %w", err)
	}
	if err := p.Add(p.timer, Timer); err != nil {
		return err
	}
	return p.Add(p.event, Woken)
}

// Add waits for a file descriptor to become readable too.
func (p *Poller) Add(fd int, token Token) error {
	e := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(uint32(token)), Pad: int32(uint32(token >> 32))}
	if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &e); err != nil {
		return fmt.Errorf("wait for file descriptor %d: %w", fd, err)
	}
	p.events = append(p.events, unix.EpollEvent{}) // room for all to be ready at once
	return nil
}

// Remove waits for a file descriptor no longer. It must still be open.
func (p *Poller) Remove(fd int) error {
	if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_DEL, fd, nil); err != nil {
		return fmt.Errorf("wait no longer for file descriptor %d: %w", fd, err)
	}
	p.events = p.events[:len(p.events)-1]
	return nil
}

// SetDeadline has Wait return the Timer's token once, at a time of Now's clock, or at once when that has passed. It
// replaces the deadline before; 0 is none.
func (p *Poller) SetDeadline(at time.Duration) error {
	if at == p.deadline {
		return nil
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(at))}
	if err := unix.TimerfdSettime(p.timer, unix.TFD_TIMER_ABSTIME, &spec, nil); err != nil {
		return fmt.Errorf("set the timer: %w", err)
	}
	p.deadline = at
	return nil
}

// Wait blocks until something is ready, and fills in the tokens of what is: sockets, then Woken, then Timer. What found no
// room, or is not read to its end, is ready at the next call.
func (p *Poller) Wait(ready []Token) (int, error) {
	n, err := unix.EpollWait(p.epoll, p.events[:min(len(p.events), len(ready))], -1)
	for err == unix.EINTR {
		n, err = unix.EpollWait(p.epoll, p.events[:min(len(p.events), len(ready))], -1)
	}
	if err != nil {
		return 0, fmt.Errorf("wait for packets and timers: %w", err)
	}
	sockets, woken, timer := 0, false, false
	for i := range n {
		switch t := Token(uint32(p.events[i].Fd)) | Token(uint32(p.events[i].Pad))<<32; t {
		case Timer:
			timer, p.deadline = drain(p.timer), 0
		case Woken:
			woken = drain(p.event)
		default:
			ready[sockets] = t
			sockets++
		}
	}
	n = sockets
	if woken {
		ready[n] = Woken
		n++
	}
	if timer {
		ready[n] = Timer
		n++
	}
	return n, nil
}

// drain reads the count of a timerfd or eventfd, so that it is ready no more. It says whether there was one.
func drain(fd int) bool {
	var count [8]byte
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&count[0])), uintptr(len(count)))
	return errno == 0 && n == 8
}

// Wake has Wait return the token Woken. It may be called from any goroutine, and after Close.
func (p *Poller) Wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.event < 0 {
		return
	}
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	unix.Write(p.event, one[:]) // fails only when 2^64-2 words are waiting already
}

// Close frees the Poller, not the sockets in it.
func (p *Poller) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, fd := range []*int{&p.epoll, &p.timer, &p.event} {
		if *fd >= 0 {
			errs = append(errs, unix.Close(*fd))
			*fd = -1
		}
	}
	return errors.Join(errs...)
}
