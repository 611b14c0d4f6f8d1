package main

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/appliance/capture"
	"github.com/evenkeel/evenkeel/plugins/sdk/sdktest/netspace"
)

// Datagrams to two ports go through a network; those of one are captured, and tcpdump reads what is in the file.
func TestNSWhatIsCapturedIsReadByTcpdump(t *testing.T) {
	tcpdump, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip("tcpdump is not installed: make packages-test")
	}
	director, client := netspace.New(t), netspace.New(t)
	netspace.Join(director, "cap0", []string{"10.79.0.1/24", "fd79::1/64"}, client, "cap1", []string{"10.79.0.2/24", "fd79::2/64"})
	c := &capture.Capture{Interface: "cap0", Filter: capture.Filter{Host: netip.MustParseAddr("10.79.0.2"), Port: 5353, Protocol: "udp"}, Snap: 60, Count: 3}
	director.Do(c.Open)
	var file bytes.Buffer
	f, err := capture.NewFile(&file, c.Link(), 60, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	client.Do(func() error {
		for _, to := range []string{"10.79.0.1:5352", "10.79.0.1:5353", "10.79.0.1:5354", "[fd79::1]:5353", "10.79.0.1:5353", "10.79.0.1:5353"} {
			conn, err := net.Dial("udp", to)
			if err != nil {
				return err
			}
			defer conn.Close()
			if _, err := conn.Write(make([]byte, 100)); err != nil {
				return err
			}
		}
		return nil
	})
	var said []string
	r, err := c.Run(t.Context(), func(p capture.Packet) error {
		text := capture.Summary(c.Link(), p)
		said = append(said, text[strings.Index(text, "in "):])
		return f.Add(p)
	})
	if err != nil || r.Packets != 3 || r.Dropped != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, s := range said {
		if !strings.HasPrefix(s, "in  UDP 10.79.0.2:") || !strings.HasSuffix(s, " -> 10.79.0.1:5353, 100 bytes") {
			t.Errorf("said: %s", s)
		}
	}
	path := filepath.Join(t.TempDir(), "x.pcap")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tcpdump, "-nn", "-t", "-r", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	// What is longer than the snap length is known all the same: the record has the packet's length.
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "IP 10.79.0.2.") || !strings.Contains(lines[0], "> 10.79.0.1.5353:") || !bytes.Contains(file.Bytes(), []byte{60, 0, 0, 0, 142, 0, 0, 0}) {
		t.Errorf("tcpdump reads:\n%s", out)
	}
}

func TestNSACaptureEndsWhenItIsToldTo(t *testing.T) {
	s := netspace.New(t)
	c := &capture.Capture{Interface: "lo"}
	s.Do(c.Open)
	s.Do(func() error {
		conn, err := net.Dial("udp", "127.0.0.1:9")
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = conn.Write([]byte("once"))
		return err
	})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var said []string
	r, err := c.Run(ctx, func(p capture.Packet) error {
		if text := capture.Summary(c.Link(), p); strings.Contains(text, "UDP") {
			said = append(said, text[strings.Index(text, "-> "):])
		}
		return nil
	})
	// A loopback has each packet twice; it is seen once.
	if d := cmp.Diff([]string{"-> 127.0.0.1:9, 4 bytes"}, said); d != "" || err != nil {
		t.Errorf("%+v, %v (-want +got):\n%s", r, err, d)
	}
}

func TestNSAnInterfaceThatIsNotThereIsSaid(t *testing.T) {
	c := &capture.Capture{Interface: "eth99"}
	netspace.New(t).Do(func() error {
		if err := c.Open(); err == nil || !strings.Contains(err.Error(), `there is no network interface "eth99"`) {
			t.Errorf("got %v", err)
		}
		return nil
	})
}
