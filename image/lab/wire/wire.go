// Package wire is how the lab talks to the agent inside a virtual machine: frames over a serial line, many processes over
// one line. Each frame carries its length and a checksum, so that a line that loses or adds a byte is noticed at once and
// never mistaken for an answer.
package wire

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"
)

// A Kind says what a frame is.
type Kind uint8

// The kinds of frames. Those about a process carry its number, chosen by the host.
const (
	Hello      Kind = iota + 1 // guest: I am up; a Greeting
	Exec                       // host: start a process; a Command
	Stdin                      // host: bytes for its standard input
	CloseStdin                 // host: the end of them
	Signal                     // host: a Kill
	Output                     // guest: bytes it wrote to its standard output or error
	Exit                       // guest: it ended; an Ended
	taken                      // guest: so many more bytes have been read from the line; 4 bytes
)

// A Greeting is the content of a Hello frame.
type Greeting struct {
	Release string  // of the kernel, as uname -r prints it
	Uptime  float64 // seconds since the kernel started
	Warning string  // what went wrong on the way up, "" if nothing
}

// A Command is the content of an Exec frame.
type Command struct {
	Argv  []string
	Env   []string // added to the agent's own
	Stdin bool     // Stdin frames follow; otherwise it reads /dev/null
}

// A Kill is the content of a Signal frame.
type Kill struct {
	Signal int
	Group  bool // the process and its children that stayed in its group
}

// An Ended is the content of an Exit frame.
type Ended struct {
	Code  int    // as a shell has it: 128+signal for a process that was killed
	Error string // it could not be started
}

// A Frame is one message.
type Frame struct {
	Kind    Kind
	Process uint32
	Body    []byte
}

// Decode reads the JSON of a frame's body into v.
func (f Frame) Decode(v any) error {
	if err := json.Unmarshal(f.Body, v); err != nil {
		return fmt.Errorf("read a frame of kind %d: %w", f.Kind, err)
	}
	return nil
}

const (
	magic     = 0xe7e4
	headSize  = 2 + 1 + 4 + 4 + 4
	maxBody   = 1 << 20
	pieceSize = 16 << 10 // of a long stream, so that others get their turn
)

// ErrCorrupt is the error for a line that did not deliver what was sent.
var ErrCorrupt = errors.New("the line delivered a damaged frame")

// window is how many bytes the host sends before the guest has taken some off the line. User Mode Linux's serial line stops
// for ever when the guest's terminal buffer (4 KiB, drivers/tty/n_tty.c) fills up and the driver holds the line back
// (arch/um/drivers/line.c, line_throttle), so it never may.
const window = 2048

// A Conn is one end of the line. Its methods may be called from several goroutines, except Receive.
type Conn struct {
	mu   sync.Mutex // one frame after the other
	w    io.Writer
	r    *bufio.Reader
	flow *flow // at the host's end; nil at the guest's
}

// Host returns the end of a line that leads to a guest. Send may wait until somebody else calls Receive.
func Host(line io.ReadWriter) *Conn {
	return &Conn{w: line, r: bufio.NewReaderSize(line, 64<<10), flow: newFlow()}
}

// Guest returns the guest's end.
func Guest(line io.ReadWriter) *Conn {
	c := &Conn{w: line}
	c.r = bufio.NewReaderSize(reporter{line, c}, window)
	return c
}

// A reporter tells the host what has been taken off the line.
type reporter struct {
	io.Reader
	c *Conn
}

func (r reporter) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 && err == nil {
		err = r.c.Send(taken, 0, binary.BigEndian.AppendUint32(nil, uint32(n)))
	}
	return n, err
}

// Send sends a frame. A body that is not a []byte is sent as JSON.
func (c *Conn) Send(k Kind, process uint32, body any) error {
	data, ok := body.([]byte)
	if !ok && body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return err
		}
	}
	for first := true; first || len(data) > 0; first = false {
		piece := data
		if ok { // a stream may be cut
			piece = data[:min(len(data), pieceSize)]
		}
		data = data[len(piece):]
		if err := c.send(k, process, piece); err != nil {
			return err
		}
	}
	return nil
}

func (c *Conn) send(k Kind, process uint32, body []byte) error {
	if len(body) > maxBody {
		return fmt.Errorf("send a frame of kind %d: %d bytes are more than %d", k, len(body), maxBody)
	}
	b := make([]byte, headSize, headSize+len(body))
	binary.BigEndian.PutUint16(b, magic)
	b[2] = byte(k)
	binary.BigEndian.PutUint32(b[3:], process)
	binary.BigEndian.PutUint32(b[7:], uint32(len(body)))
	b = append(b, body...)
	binary.BigEndian.PutUint32(b[11:], checksum(b))
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(b) > 0 {
		piece := b
		if c.flow != nil {
			n, err := c.flow.take(len(b))
			if err != nil {
				return err
			}
			piece = b[:n]
		}
		if _, err := c.w.Write(piece); err != nil {
			return err
		}
		b = b[len(piece):]
	}
	return nil
}

// Receive waits for the next frame. io.EOF means that the other end is gone.
func (c *Conn) Receive() (Frame, error) {
	for {
		f, err := c.receive()
		if c.flow == nil || err == nil && f.Kind != taken {
			return f, err
		}
		if err == nil && len(f.Body) != 4 {
			err = fmt.Errorf("%w: %d bytes to say how much was taken", ErrCorrupt, len(f.Body))
		}
		if err != nil {
			c.flow.end(err)
			return Frame{}, err
		}
		c.flow.give(int(binary.BigEndian.Uint32(f.Body)))
	}
}

func (c *Conn) receive() (Frame, error) {
	var head [headSize]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return Frame{}, err
	}
	n := binary.BigEndian.Uint32(head[7:])
	if binary.BigEndian.Uint16(head[:]) != magic || n > maxBody {
		return Frame{}, fmt.Errorf("%w: it begins with %q", ErrCorrupt, head[:])
	}
	sum := binary.BigEndian.Uint32(head[11:])
	clear(head[11:])
	b := append(head[:], make([]byte, n)...)
	if _, err := io.ReadFull(c.r, b[headSize:]); err != nil {
		return Frame{}, err
	}
	if checksum(b) != sum {
		return Frame{}, fmt.Errorf("%w: wrong checksum over %d bytes", ErrCorrupt, n)
	}
	return Frame{Kind: Kind(b[2]), Process: binary.BigEndian.Uint32(b[3:]), Body: b[headSize:]}, nil
}

// checksum is over the whole frame with zeros in the checksum's place.
func checksum(b []byte) uint32 {
	sum := crc32.ChecksumIEEE(b[:11])
	return crc32.Update(sum, crc32.IEEETable, b[headSize:])
}
