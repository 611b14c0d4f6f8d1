package console

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/appliance/wizard"
)

// sysfs makes a folder like /sys/class/net of files "NAME/FILE: content".
func sysfs(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		name, content, _ := strings.Cut(f, ": ")
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if filepath.Base(path) == "driver" {
			err = os.Symlink(content, path)
		} else {
			err = os.WriteFile(path, []byte(content+"\n"), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func twoCardsAndABridge(t *testing.T) string {
	return sysfs(t, "lo/type: 772", "lo/address: 00:00:00:00:00:00", "lo/carrier: 1",
		"br0/type: 1", "br0/address: 52:54:00:12:34:58", "br0/carrier: 1",
		"eth0/type: 1", "eth0/address: 52:54:00:12:34:56", "eth0/carrier: 0", "eth0/device/driver: ../../../bus/virtio/drivers/virtio_net",
		"eth1/type: 1", "eth1/address: 52:54:00:12:34:57", "eth1/device/driver: ../../../bus/pci/drivers/e1000e")
}

func TestCardsAreThoseWithADeviceAndTheyAreSetUpToSeeTheirCables(t *testing.T) {
	var up []string
	c := Cards{Dir: twoCardsAndABridge(t), Up: func(name string) error { up = append(up, name); return nil }}
	want := []wizard.Card{
		{Name: "eth0", MAC: "52:54:00:12:34:56", Driver: "virtio_net"},
		{Name: "eth1", MAC: "52:54:00:12:34:57", Driver: "e1000e"},
	}
	if d := cmp.Diff(want, c.List()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"eth0", "eth1"}, up); d != "" {
		t.Errorf("set up (-want +got):\n%s", d)
	}
	c.All = true
	want = append([]wizard.Card{{Name: "br0", MAC: "52:54:00:12:34:58", Link: true}}, want...)
	if d := cmp.Diff(want, c.List()); d != "" {
		t.Errorf("with all interfaces (-want +got):\n%s", d)
	}
	if got := (Cards{Dir: "/nonexistent"}).List(); got != nil {
		t.Errorf("a machine without sysfs has %v", got)
	}
}

func TestTheCardIsFoundByItsCable(t *testing.T) {
	dir := twoCardsAndABridge(t)
	carrier := filepath.Join(dir, "eth0/carrier")
	write := func(s string) {
		if err := os.WriteFile(carrier, []byte(s), 0o644); err != nil {
			t.Error(err)
		}
	}
	write("1") // it is in already, is unplugged, and plugged in again
	looks := 0
	c := Cards{Dir: dir, Every: time.Millisecond, Timeout: 20 * time.Second, Up: func(name string) error {
		if name == "eth0" {
			looks++
			switch looks {
			case 4:
				write("0")
			case 8:
				write("1")
			}
		}
		return nil
	}}
	got, err := c.Plugged(t.Context())
	if err != nil || got != "eth0" || looks != 8 {
		t.Errorf("got %q, %v after %d looks; want eth0 after 8", got, err, looks)
	}
}

func TestNobodyWaitsForACableForEver(t *testing.T) {
	c := Cards{Dir: twoCardsAndABridge(t), Every: time.Millisecond, Timeout: 10 * time.Millisecond}
	if got, err := c.Plugged(t.Context()); err == nil || !strings.Contains(err.Error(), "or name the card") {
		t.Errorf("got %q, %v", got, err)
	}
}
