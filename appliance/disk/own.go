package disk

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/diskfs/go-diskfs/partition/gpt"
	"github.com/google/uuid"
)

const (
	imageGUID = "65766b00-0000-4000-8000-" // how the GUIDs of an image begin, that no box has made its own
	align     = 1 << 20
	// LeastData is the smallest data partition that is made.
	LeastData = 32 << 20
)

// dataName is what the data partition is called in the partition table.
const dataName = "evenkeel-data"

// A Span is a part of a disk, in bytes.
type Span struct{ Start, Size int64 }

// A Change is what has become of the data partition.
type Change int

// What may have: it was there, it was made, it has got the room that a disk has more now.
const (
	None Change = iota
	Made
	Grown
)

// Own makes a disk this box's own: a disk that carries the GUIDs of an image gets new ones, one without a data partition
// gets one in the room behind the slots, whose first part is made empty first; one that is larger than it was gets a larger
// data partition. A partition table that is damaged is written again from its copy at the disk's end. It returns where the
// data partition is, and what has become of it now. A power cut meanwhile leaves the table as it was or as it should be.
func Own(f *os.File) (data Span, what Change, err error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return Span{}, None, err
	}
	t, err := gpt.Read(f, sector, sector)
	if err != nil {
		return Span{}, None, fmt.Errorf("read the partition table: %w", err)
	}
	changed := t.RecoveredFromBackup
	if strings.HasPrefix(strings.ToLower(t.GUID), imageGUID) {
		changed = true
		t.GUID = uuid.NewString()
		for _, p := range t.Partitions {
			p.GUID = uuid.NewString()
		}
	}
	used := uint64(0)
	var last *gpt.Partition
	for _, p := range t.Partitions {
		if p.Type != gpt.Unused && p.End >= used {
			used, last = p.End+1, p
		}
		if p.Type != gpt.Unused && p.Index == Data {
			data = Span{Start: int64(p.Start) * sector, Size: int64(p.End-p.Start+1) * sector}
		}
	}
	switch {
	case data.Size == 0:
		changed, what = true, Made
		data.Start = (int64(used)*sector + align - 1) / align * align
		data.Size = room(t, size, data.Start)
		if data.Size < LeastData {
			return Span{}, None, fmt.Errorf("the disk has %d MiB: too small, it leaves %d MiB for data, at least %d are needed",
				size>>20, max(data.Size, 0)>>20, LeastData>>20)
		}
		// What an earlier system left there must not be taken for this one's.
		if _, err := f.WriteAt(make([]byte, align), data.Start); err != nil {
			return Span{}, None, fmt.Errorf("empty the room for data: %w", err)
		}
		t.Partitions = append(t.Partitions, &gpt.Partition{
			Index: Data, Name: dataName, Type: gpt.LinuxFilesystem, GUID: uuid.NewString(),
			Start: uint64(data.Start / sector), End: uint64((data.Start+data.Size)/sector - 1), Size: uint64(data.Size),
		})
	case last.Index == Data:
		if more := room(t, size, data.Start); more > data.Size {
			changed, what = true, Grown
			data.Size = more
			last.End, last.Size = uint64((data.Start+data.Size)/sector-1), uint64(data.Size)
		}
	}
	if !changed {
		return data, None, nil
	}
	t.ProtectiveMBR = true
	if err := t.Write(f, size); err != nil {
		return Span{}, None, fmt.Errorf("write the partition table: %w", err)
	}
	return data, what, f.Sync()
}

// room is how much a partition from start on may have on a disk of this size, whose table then is one for the whole disk.
func room(t *gpt.Table, size, start int64) int64 {
	t.Resize(uint64(size))
	return (int64(t.LastDataSector()+1)*sector - start) / align * align
}
