package boot

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestAConsoleIsEveryTerminalThatAPersonMaySitAt(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"as the image starts":          {map[string]string{"console/active": "tty0 ttyS0\n", "ttyS0/type": "4\n", "tty1/dev": "4:1\n"}, []string{"tty1", "ttyS0"}},
		"a serial line of no hardware": {map[string]string{"console/active": "tty0\n", "ttyS0/type": "0\n", "tty1/dev": "4:1\n"}, []string{"tty1"}},
		"another serial line":          {map[string]string{"console/active": "ttyS1\n", "ttyS0/type": "4\n", "tty1/dev": "4:1\n"}, []string{"ttyS1", "ttyS0", "tty1"}},
		"a hypervisor's":               {map[string]string{"console/active": "hvc0\n"}, []string{"hvc0"}},
		"none":                         {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			sys := t.TempDir()
			for file, text := range c.files {
				path := filepath.Join(sys, "class/tty", file)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got := consoles(sys); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
