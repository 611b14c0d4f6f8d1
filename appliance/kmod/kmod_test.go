package kmod_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/appliance/kmod"
)

// loader returns a Loader of a folder with these indexes and a file for each module, and what it was asked to insert.
func loader(t *testing.T) (*kmod.Loader, *[]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"modules.dep": "nf_conntrack.ko: nf_defrag_ipv6.ko\nnf_defrag_ipv6.ko: \nip_vs.ko: nf_conntrack.ko nf_defrag_ipv6.ko\n" +
			"ip_vs_rr.ko: ip_vs.ko nf_conntrack.ko nf_defrag_ipv6.ko\next4.ko: \ncrc32c-intel.ko: \ne1000.ko: \nvirtio_net.ko: \n",
		"modules.alias": "alias net-pf-16-proto-16-family-IPVS ip_vs\nalias fs-ext4 ext4\nalias crc32c crc32c_intel\n" +
			"alias pci:v00008086d0000100[EF]sv*sd*bc*sc*i* e1000\nalias virtio:d00000001v* virtio_net\n",
		"modules.softdep": "softdep ext4 pre: crc32c nothing\n",
		"modules.builtin": "unix.ko\n",
	} {
		write(t, filepath.Join(dir, name), text)
	}
	for _, m := range strings.Fields("nf_conntrack nf_defrag_ipv6 ip_vs ip_vs_rr ext4 crc32c-intel e1000 virtio_net") {
		write(t, filepath.Join(dir, m+".ko"), "")
	}
	l, err := kmod.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	l.Insert = func(file, params string) error {
		asked = append(asked, strings.TrimSpace(strings.TrimSuffix(filepath.Base(file), ".ko")+" "+params))
		return nil
	}
	return l, &asked
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestModuleIsLoadedAfterWhatItNeeds(t *testing.T) {
	for _, c := range []struct{ what, want string }{
		{"ip_vs_rr", "nf_defrag_ipv6 nf_conntrack ip_vs ip_vs_rr"},
		{"ip-vs", "nf_defrag_ipv6 nf_conntrack ip_vs"},                          // the kernel asks with either
		{"net-pf-16-proto-16-family-IPVS", "nf_defrag_ipv6 nf_conntrack ip_vs"}, // by alias
		{"fs-ext4", "crc32c-intel ext4"},                                        // what is only asked for before, if there is such
		{"pci:v00008086d0000100Fsv00001AF4sd00001100bc02sc00i00", "e1000"},
		{"unix", ""}, // built in
	} {
		l, asked := loader(t)
		if err := l.Load(c.what); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if d := cmp.Diff(c.want, strings.Join(*asked, " ")); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, d)
		}
	}
}

func TestModuleIsLoadedOnce(t *testing.T) {
	l, asked := loader(t)
	for range 2 {
		if err := l.Load("ip_vs"); err != nil {
			t.Fatal(err)
		}
	}
	if len(*asked) != 3 || len(l.Loaded()) != 3 {
		t.Errorf("inserted %v, want each of three once", *asked)
	}
}

func TestUnknownNameIsAnErrorOfItsOwn(t *testing.T) {
	l, _ := loader(t)
	for _, what := range []string{"e100", "pci:v00008086d00001010sv0", "net-pf-1"} {
		if err := l.Load(what); !errors.Is(err, kmod.ErrNone) {
			t.Errorf("%s: got %v, want ErrNone", what, err)
		}
	}
}

func TestModuleThatIsThereAlreadyIsNoError(t *testing.T) {
	l, _ := loader(t)
	l.Insert = func(string, string) error { return unix.EEXIST }
	if err := l.Load("ip_vs"); err != nil || len(l.Loaded()) != 0 {
		t.Errorf("got %v, loaded %v", err, l.Loaded())
	}
}

func TestWithoutWhatItNeedsAModuleIsNotTried(t *testing.T) {
	l, _ := loader(t)
	var asked []string
	l.Insert = func(file, _ string) error { asked = append(asked, filepath.Base(file)); return unix.ENOMEM }
	if err := l.Load("ip_vs"); !errors.Is(err, unix.ENOMEM) || !strings.Contains(err.Error(), "nf_defrag_ipv6") {
		t.Errorf("got %v, want an error that names the module", err)
	}
	if len(asked) != 1 {
		t.Errorf("tried %v, want the first only", asked)
	}
}

func TestParametersComeFromTheFileAndThenTheCommandLine(t *testing.T) {
	params := kmod.Params("# comment\nip_vs conn_tab_bits=20 # a million\n\nsoftdog soft_margin=60\n",
		"console=ttyS0 ip-vs.conn_tab_bits=12 evenkeel.slot=A quiet\n")
	if d := cmp.Diff([]string{"conn_tab_bits=20", "conn_tab_bits=12"}, params["ip_vs"]); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	l, asked := loader(t)
	l.Params = params
	if err := l.Load("ip_vs"); err != nil {
		t.Fatal(err)
	}
	if got, want := (*asked)[2], "ip_vs conn_tab_bits=20 conn_tab_bits=12"; got != want {
		t.Errorf("inserted %q, want %q", got, want)
	}
}

func TestHardwareGetsItsDriversAlsoThoseBehindABus(t *testing.T) {
	l, asked := loader(t)
	devices := t.TempDir()
	write(t, filepath.Join(devices, "pci0/modalias"), "pci:v00008086d0000100Esv1sd2bc3sc4i5\n")
	write(t, filepath.Join(devices, "cpu/modalias"), "cpu:type:x86,ven0000\n")
	write(t, filepath.Join(devices, "other/modalias"), "usb:v1\n")
	insert := l.Insert
	l.Insert = func(file, params string) error {
		if filepath.Base(file) == "e1000.ko" { // the driver finds another device
			write(t, filepath.Join(devices, "pci0/virtio0/modalias"), "virtio:d00000001v00001AF4\n")
		}
		return insert(file, params)
	}
	if failed := l.Coldplug(devices); failed != nil {
		t.Errorf("errors: %v", failed)
	}
	if d := cmp.Diff([]string{"e1000", "virtio_net"}, *asked); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
