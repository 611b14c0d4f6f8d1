package boot

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/evenkeel/evenkeel/appliance/disk"
)

func TestADamagedDataPartitionIsMendedAsGentlyAsCanBe(t *testing.T) {
	for name, c := range map[string]struct {
		content disk.Content
		status  map[string]exitStatus
		ran     []string
		mended  bool
		fails   bool
	}{
		"it is clean":              {disk.Ext4, map[string]exitStatus{"-p": 0}, []string{"-p"}, false, false},
		"the power was cut":        {disk.Ext4, map[string]exitStatus{"-p": 1}, []string{"-p"}, false, false},
		"files are lost":           {disk.Ext4, map[string]exitStatus{"-p": 4, "-y": 1}, []string{"-p", "-y"}, true, false},
		"its beginning is lost":    {disk.Damaged, map[string]exitStatus{"-y": 1}, []string{"-y"}, true, false},
		"nothing is left":          {disk.Damaged, map[string]exitStatus{"-y": 8}, []string{"-y"}, false, true},
		"the disk does not answer": {disk.Ext4, map[string]exitStatus{"-p": 8, "-y": 8}, []string{"-p", "-y"}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			var ran []string
			mended, err := mend(c.content, func(option string) error {
				ran = append(ran, option)
				if s := c.status[option]; s != 0 {
					return fmt.Errorf("e2fsck: %w", s)
				}
				return nil
			})
			if mended != c.mended || (err != nil) != c.fails || !slices.Equal(ran, c.ran) {
				t.Errorf("mended %v, %v, after %v", mended, err, ran)
			}
		})
	}
	if _, err := mend(disk.Ext4, func(string) error { return errors.New("no such program") }); err == nil {
		t.Error("a check that could not be started is none")
	}
}
