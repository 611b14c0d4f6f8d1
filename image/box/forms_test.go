package box_test

import (
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/image/box"
)

// TestImageAsksWithFormsWhereTheTerminalSaysItsSize is a new box with somebody at a terminal that can do more than print lines.
func TestImageAsksWithFormsWhereTheTerminalSaysItsSize(t *testing.T) {
	t.Parallel()
	s := boot(t, box.Options{Disk: newDisk(t), Terminal: "\x1b[24;80R"})
	s.shows(`Name of this director`)
	s.shows(`Enter next`)
	if strings.Contains(s.Text(0), "Make it larger") {
		t.Error("a terminal that is large enough is told that it is too small")
	}
	s.types("lb_7") // no host name
	s.shows(`write letters, digits, hyphens and dots`)
	s.types("\x15lb7") // Ctrl-U
	s.shows(`Which network card`)
	s.types("\x14") // Ctrl-T: lines of text
	s.asks("Which network card?")
	s.types("<")
	s.asks("Name of this director [lb7]")
}
