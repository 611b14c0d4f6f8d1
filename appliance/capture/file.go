package capture

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"golang.org/x/sys/unix"
)

// ErrFull ends a capture whose file has reached its bound.
var ErrFull = errors.New("the file is as large as it may be")

// A File is a file of packets, as tcpdump and Wireshark read it (draft-ietf-opsawg-pcap), of a bounded size.
type File struct {
	w    *pcapgo.Writer
	left int64
	// Room says how many bytes more the disk may be given; nil: it is not asked.
	Room func() (int64, error)
	due  int64 // bytes until Room is asked again
}

// headerSize and recordSize are what the file, and each packet in it, begin with, in bytes.
const (
	headerSize = 24
	recordSize = 16
)

// NewFile begins a file of at most so many bytes.
func NewFile(w io.Writer, link layers.LinkType, snap int, most int64) (*File, error) {
	f := &File{w: pcapgo.NewWriter(w), left: most - headerSize}
	if err := f.w.WriteFileHeader(uint32(snap), link); err != nil {
		return nil, fmt.Errorf("writing the packets: %w", err)
	}
	return f, nil
}

// askEvery is after how many bytes the disk's room is looked at again.
const askEvery = 1 << 20

// Add writes a packet. A packet for which there is no room is ErrFull, and is not written.
func (f *File) Add(p Packet) error {
	size := int64(recordSize + len(p.Data))
	if f.left -= size; f.left < 0 {
		return ErrFull
	}
	if f.due -= size; f.due < 0 && f.Room != nil {
		f.due = askEvery
		room, err := f.Room()
		if err != nil {
			return err
		}
		if room < askEvery+size {
			return fmt.Errorf("the disk has too little room left: %w", ErrFull)
		}
	}
	info := gopacket.CaptureInfo{Timestamp: p.Time, CaptureLength: len(p.Data), Length: p.Length}
	if err := f.w.WritePacket(info, p.Data); err != nil {
		return fmt.Errorf("writing the packets: %w", err)
	}
	return nil
}

// RoomBeside says how much may be written to the disk of a file, so that a tenth of it stays free.
func RoomBeside(path string) func() (int64, error) {
	return func() (int64, error) {
		var s unix.Statfs_t
		if err := unix.Statfs(filepath.Dir(path), &s); err != nil {
			return 0, fmt.Errorf("asking how much room there is for %s: %w", path, err)
		}
		return (int64(s.Bavail) - int64(s.Blocks)/10) * s.Bsize, nil
	}
}
