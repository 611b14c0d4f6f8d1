package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/evenkeel/evenkeel/appliance/archive"
	"github.com/evenkeel/evenkeel/appliance/network"
	"github.com/evenkeel/evenkeel/appliance/ntp"
)

const boxConfiguration = `director {
  name = "lb1"
}

appliance {
  hostname = "lb1"

  interface "eth7" {
    addresses = ["192.0.2.11/24"]
    gateway   = "192.0.2.1"
  }
}
`

// onDisk is a desk of a box whose things are all in a folder, with a name so short that no path breaks a line of the screen.
func onDisk(t *testing.T) *desk {
	t.Helper()
	d := sitting(t)
	dir := shortDir(t)
	d.archive, d.exports, d.password.Path = filepath.Join(dir, "config"), filepath.Join(dir, "support"), filepath.Join(dir, "console", "password")
	if _, err := d.store().Save(archive.Files{"box.hcl": []byte(boxConfiguration)}, archive.Note{Who: "the wizard"}); err != nil {
		t.Fatal(err)
	}
	return d
}

func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "ek")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// configured is the configuration in use.
func (d *desk) configured(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(d.store().Current(), "box.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func sees(t *testing.T, screen string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(screen, want) {
			t.Errorf("there is no %q on the screen:\n%s", want, screen)
		}
	}
}

func TestTheNetworkIsChangedInTheMenuAndByCommand(t *testing.T) {
	d := onDisk(t)
	screen := d.typing(t, "2", "2", "9", "1", "static", "192.0.2.12", "192.0.2.12/24", "192.0.2.2", "", "no", "2", "eth7", "", "192.0.2.12/24", "", "", "yes", "0")
	sees(t, screen, `"9" is none of the choices`, `"192.0.2.12" is no address with the length of its network`, "What was in use before is in use again.", "Version 4 is kept.")
	sees(t, d.configured(t), `addresses = ["192.0.2.12/24"]`, `gateway   = "192.0.2.1"`)
	screen = d.typing(t, "2", "3", "lb9", "192.0.2.53", "none", "", "yes", "0")
	sees(t, screen, "Name servers [none]: ", "Version 5 is kept.")
	sees(t, d.configured(t), `hostname = "lb9"`, `nameservers = ["192.0.2.53"]`)

	set := func(args ...string) (string, error) {
		return d.output(t.Context(), append([]string{"network", "set"}, args...)...)
	}
	if out, err := set("eth7", "--dhcp"); err != nil || !strings.Contains(out, "version 6 is in use") || !strings.Contains(d.configured(t), "dhcp = true") {
		t.Errorf("%v\n%s\n%s", err, out, d.configured(t))
	}
	for want, args := range map[string][]string{
		"say how the interface gets its address": {"eth7"},
		`"x" is no address with the length`:      {"eth7", "--address", "x"},
		`"x" is no address of a gateway`:         {"eth7", "--dhcp", "--gateway", "x"},
		"leave the interface out":                {"eth7", "--hostname", "x"},
		"are an interface's: name it":            {"--dhcp"},
		"say what is to be changed":              nil,
		"Gateway out of reach":                   {"eth7", "--address", "192.0.2.12/24", "--gateway", "198.51.100.1"},
	} {
		if out, err := set(args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("set %q: %v\n%s", args, err, out)
		}
	}
}

func TestVersionsAreComparedAndBroughtBackInTheMenu(t *testing.T) {
	d := onDisk(t)
	if _, err := d.store().Save(archive.Files{"box.hcl": []byte(strings.Replace(boxConfiguration, "192.0.2.11", "192.0.2.15", 1))}, archive.Note{Who: "test", Why: "a second one"}); err != nil {
		t.Fatal(err)
	}
	export := filepath.Join(shortDir(t), "lb1.tar.gz")
	screen := d.typing(t, "3", "6", "7", "", "", "9", export, "8", "7", "1", "", "yes", "3", "10", export, "1", "no", "5", "0")
	sees(t, screen, "a second one", `+    addresses = ["192.0.2.15/24"]`, export+" is written. There may be passwords", "There is no version 7", "Version 3 is kept.", "config/current: ok",
		"What was in use before is in use again.", "nothing waits to be confirmed")
	sees(t, d.configured(t), "192.0.2.11/24")
	if _, err := d.store().Try(archive.Files{"box.hcl": []byte("director {}\n")}, archive.Note{}, time.Hour); err != nil {
		t.Fatal(err)
	}
	sees(t, d.typing(t, "3", "4", "0"), "A change is being tried: version 5 comes back in ", "version 6 is kept")
}

func TestKeysOfSSHComeAndGo(t *testing.T) {
	public, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		t.Fatal(err)
	}
	key := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public))) + " operator@desk"
	d := onDisk(t)
	screen := d.typing(t, "10", "2", "3", "-----BEGIN OPENSSH PRIVATE KEY-----", "what", "3", key, "3", key, "2", "4", "2", "4", "1", "2", "0")
	sees(t, screen, "there is none", "This is no public key", "added ssh-ed25519 SHA256:", "is there already", "   1) ssh-ed25519 SHA256:", " operator@desk", `There is no key "2"`, "removed ssh-ed25519 SHA256:")
	path := filepath.Join(filepath.Dir(d.password.Path), "authorized_keys")
	if info, err := os.Stat(path); err != nil || info.Size() != 0 || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
	if _, err := keyFile(path).add("-----BEGIN OPENSSH PRIVATE KEY-----"); err == nil || !strings.Contains(err.Error(), "private key") {
		t.Errorf("a private key: %v", err)
	}
}

func TestAFactoryResetIsAskedForTwice(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	d := onDisk(t)
	sees(t, d.typing(t, "16", "no", "16", "yes", "another", "15", "no"), "This is another name: nothing was changed", "Shall the box forget everything?", "Switch it off now?")
	// With the right name the command is run, which finds that this is no box.
	sees(t, d.typing(t, "16", "yes", host), "This is no box that was started from one of its slots.")
}

func TestThePacketsToCaptureAreAskedFor(t *testing.T) {
	d := onDisk(t)
	screen := d.typing(t, "6", "eth99", "lo", "tpc", "vrrp", "x", "", "0", "", "file", "show", "")
	sees(t, screen, `There is no interface "eth99": write one of `, `"tpc" is none of them: write one of arp, gre, icmp`, `"x" is no address`, `"0" is no port`, `"file" is none of them`)
	for range 7 {
		if _, err := d.place("box", "support-", ".tar.gz"); err != nil {
			t.Fatal(err)
		}
		path, err := d.place("box", "capture-", ".pcap")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path, path+fmt.Sprint(time.Now().UnixNano())); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := os.ReadDir(d.exports); err != nil || len(all) != 5 {
		t.Errorf("%d files are kept, %v", len(all), err)
	}
}

func TestTheSupportBundleHasWhatThereIs(t *testing.T) {
	d := onDisk(t)
	out, err := d.output(t.Context(), "support", "-", "--config", d.archive+"/current")
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		b, err2 := io.ReadAll(r)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(h.Name, "evenkeel-support/")] = string(b)
	}
	sees(t, files["configuration/box.hcl"], "192.0.2.11/24")
	sees(t, files["about.txt"], "version   evenkeel ", "memory    ")
	sees(t, files["network.txt"], "lo  ")
	sees(t, files["problems.txt"], "status.json: no evenkeel runs")
}

func TestAboutReadsTheMachine(t *testing.T) {
	root := t.TempDir()
	for path, text := range map[string]string{
		"proc/sys/kernel/hostname": "lb1\n", "proc/sys/kernel/osrelease": "6.1.0-56-amd64\n", "proc/uptime": "93784.12 1.00\n",
		"proc/meminfo": "MemTotal:      1048576 kB\nMemAvailable:   524288 kB\n", "sys/class/dmi/id/sys_vendor": "Dell Inc.\n",
		"sys/class/dmi/id/product_name": "PowerEdge R440\n", "sys/class/dmi/id/product_serial": "7XK2\n", "sys/firmware/efi/runtime": "", "proc/cmdline": "quiet\n",
	} {
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(path)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := about(&out, root, root); err != nil {
		t.Fatal(err)
	}
	sees(t, out.String(), "name      lb1\n", "slot      none: this is no box\n", "kernel    6.1.0-56-amd64\n", "up        1d2h\n", "machine   Dell Inc. PowerEdge R440\n", "serial    7XK2\n",
		"firmware  UEFI, unknown\n", "memory    512 MiB available of 1024 MiB\n", " MiB free of ")
}

func TestTheStateOfTheClockIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run", "box.json")
	query := func(_ context.Context, server string) (time.Duration, error) {
		if server == "192.0.2.2" {
			return 0, errors.New("time server 192.0.2.2: i/o timeout")
		}
		return -1500 * time.Microsecond, nil
	}
	show := func() string {
		t.Helper()
		var out bytes.Buffer
		if err := showTime(t.Context(), &out, path, []string{"192.0.2.1", "192.0.2.2"}, query); err != nil {
			out.WriteString(err.Error())
		}
		return out.String()
	}
	sees(t, show(), "no \"evenkeel box\" runs here that would keep the clock\n", "192.0.2.1 says that the clock is 1.50 ms ahead\n", "PROBLEM: time server 192.0.2.2: i/o timeout\n")
	now := time.Now()
	write := func(s boxState) {
		t.Helper()
		if err := writeState(path, s); err != nil {
			t.Fatal(err)
		}
	}
	write(boxState{At: now, Clock: ntp.Status{Problem: "nobody answers"}})
	sees(t, show(), "PROBLEM: no time server has set the clock yet\n", "PROBLEM: nobody answers\n")
	write(boxState{At: now, Clock: ntp.Status{Synchronized: true, Offset: 2 * time.Millisecond, At: now.Add(-time.Minute)}})
	sees(t, show(), "the clock is kept by time servers: it was 2.00 ms behind 1m0s ago\n")
	write(boxState{At: now.Add(-time.Hour)})
	sees(t, show(), "\"evenkeel box\" has said nothing for 1h0m")

	write(boxState{At: now, Network: network.Status{Problems: []network.Problem{{Interface: "eth9", Text: "there is no such card"}}}})
	var out bytes.Buffer
	if err := showNetwork(&out, path); err != nil {
		t.Fatal(err)
	}
	sees(t, out.String(), "PROBLEM: ", "eth9", "there is no such card", "lo  ")
}

// The console dies in the middle of its question: the guard goes back.
func TestAChangeOfAConsoleThatDiesGoesBack(t *testing.T) {
	d := onDisk(t)
	a := d.store()
	if _, err := a.Save(archive.Files{"box.hcl": []byte("director {\n  name = \"new\"\n}\n")}, archive.Note{}); err != nil {
		t.Fatal(err)
	}
	c := program(t, "console", "--dir", d.archive, "--password-file", d.password.Path, "--socket", *d.socket)
	typed, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(typed, "3\n8\n1\n1\n"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the older version is tried", func() bool { v, err := a.InUse(); return err == nil && v.ID == 3 })
	killed(t, c)
	sees(t, d.configured(t), "192.0.2.11/24")
	later := d.store()
	later.Now = func() time.Time { return time.Now().Add(2 * time.Minute) }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- guard(ctx, later, *d.socket, func(string) { cancel() }, func(err error) { t.Error(err) })
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	sees(t, d.configured(t), `name = "new"`)
}
