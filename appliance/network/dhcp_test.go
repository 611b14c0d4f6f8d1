package network

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/evenkeel/evenkeel/hcl/config"
)

// A dhcpServer is one of Debian's in a namespace of its own, at the other end of eth0.
type dhcpServer struct {
	t   *testing.T
	ns  int // process that holds the namespace
	dir string
	cmd *exec.Cmd
}

func newServer(t *testing.T) *dhcpServer {
	holder := exec.Command("sleep", "120")
	holder.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { holder.Process.Kill(); holder.Wait() })
	sh(t, `ip link add eth0 type veth peer name far0; ip link set far0 netns %d`, holder.Process.Pid)
	s := &dhcpServer{t: t, ns: holder.Process.Pid, dir: t.TempDir()}
	s.in("ip link set lo up; ip addr add 192.0.2.1/24 dev far0; ip link set far0 up")
	return s
}

func (s *dhcpServer) in(script string) {
	s.t.Helper()
	sh(s.t, "nsenter -t %d -n sh -ec '%s'", s.ns, script)
}

// start starts dnsmasq.
func (s *dhcpServer) start(options ...string) {
	s.t.Helper()
	s.run(append([]string{"dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root", "--pid-file=", "--no-ping",
		"--log-facility=-", "--dhcp-authoritative", "--dhcp-leasefile=" + filepath.Join(s.dir, "leases")}, options...)...)
}

func (s *dhcpServer) run(program ...string) {
	s.t.Helper()
	if _, err := exec.LookPath(program[0]); err != nil {
		s.t.Skipf("%s is not installed: make packages-test", program[0])
	}
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	s.cmd = exec.Command("nsenter", append([]string{"-t", strconv.Itoa(s.ns), "-n"}, program...)...)
	s.cmd.Stderr = log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.stop)
}

func (s *dhcpServer) stop() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// heard counts lines of the server's log with a text in them.
func (s *dhcpServer) heard(text string) int {
	b, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return strings.Count(string(b), text)
}

// keep runs a Keeper until the test, or stop, ends it.
func keep(t *testing.T, dir string, ap *config.Appliance) (k *Keeper, stop func()) {
	k = &Keeper{Log: hclog.New(&hclog.LoggerOptions{Output: os.Stderr}), LeaseDir: dir, Files: Files{ResolvConf: filepath.Join(dir, "resolv.conf")}}
	k.Set(ap)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- k.Run(ctx) }()
	ended := false
	stop = func() {
		if cancel(); !ended {
			ended = true
			if err := <-done; err != nil {
				t.Errorf("Run ended with %v", err)
			}
		}
	}
	t.Cleanup(stop)
	return k, stop
}

func dhcpOn(name string) *config.Appliance {
	return &config.Appliance{Interfaces: []config.ApplianceInterface{{Name: name, DHCP: true, AcceptRA: true}}}
}

func TestNSALeaseBecomesAddressRouteNameServersAndName(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	s := newServer(t)
	s.start("--dhcp-range=192.0.2.50,192.0.2.50,255.255.255.0,2m", "--dhcp-option=option:router,192.0.2.1", "--dhcp-option=option:dns-server,192.0.2.53",
		"--dhcp-option=option:ntp-server,192.0.2.123", "--domain=example.com", "--dhcp-option=option:mtu,1400", "--dhcp-option-force=12,box7")
	dir := t.TempDir()
	k, _ := keep(t, dir, dhcpOn("eth0"))
	eventually(t, "the address of the lease", func() bool {
		return strings.Contains(strings.Join(addressesOf(t, "eth0"), " "), "192.0.2.50/24 proto 69")
	})
	eventually(t, "the default route of the lease", func() bool {
		return strings.HasPrefix(sh(t, "ip route show default"), "default via 192.0.2.1 dev eth0 proto 69 metric 1024")
	})
	eventually(t, "the name server", func() bool {
		b, _ := os.ReadFile(filepath.Join(dir, "resolv.conf"))
		return strings.Contains(string(b), "search example.com\nnameserver 192.0.2.53\n")
	})
	if name, _ := os.Hostname(); name != "box7" {
		t.Errorf("the host name is %q", name)
	}
	if mtu := sh(t, "cat /sys/class/net/eth0/mtu 2>/dev/null || ip link show eth0"); !strings.Contains(mtu, "1400") {
		t.Errorf("the mtu is %s", mtu)
	}
	l := k.Status().Leases["eth0"]
	if len(l.NTPServers) != 1 || l.NTPServers[0] != netip.MustParseAddr("192.0.2.123") || l.Server != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("the lease is %+v", l)
	}

	// Without DHCP its address goes.
	k.Set(&config.Appliance{Interfaces: []config.ApplianceInterface{{Name: "eth0", Addresses: prefixes("192.0.2.9/24")}}})
	eventually(t, "the address goes", func() bool { return strings.Join(addressesOf(t, "eth0"), " ") == "192.0.2.9/24 proto 69" })
}

// dnsmasq has no lease that is shorter than two minutes; BusyBox's server has.
func TestNSALeaseIsRenewedBeforeItEnds(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	s := newServer(t)
	conf := filepath.Join(s.dir, "udhcpd.conf")
	text := "start 192.0.2.50\nend 192.0.2.60\ninterface far0\nmin_lease 10\nopt lease 12\nopt subnet 255.255.255.0\nlease_file " + s.dir + "/leases\npidfile " + s.dir + "/pid\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run("udhcpd", "-f", conf)
	k, _ := keep(t, t.TempDir(), dhcpOn("eth0"))
	eventually(t, "an address", func() bool { return len(addressesOf(t, "eth0")) == 1 })
	had, expires := addressesOf(t, "eth0")[0], k.Status().Leases["eth0"].Expires
	eventually(t, "a renewal", func() bool { return k.Status().Leases["eth0"].Expires.After(expires.Add(3 * time.Second)) })
	same(t, "the address", []string{had}, addressesOf(t, "eth0"))
}

func TestNSALeaseIsHeldOverARestartOfOurs(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	s := newServer(t)
	s.start("--dhcp-range=192.0.2.50,192.0.2.60,255.255.255.0,2m")
	dir := t.TempDir()
	_, stop := keep(t, dir, dhcpOn("eth0"))
	eventually(t, "an address", func() bool { return len(addressesOf(t, "eth0")) == 1 })
	had := addressesOf(t, "eth0")[0]
	stop()
	same(t, "the address stays without us", []string{had}, addressesOf(t, "eth0"))

	// The next process goes on with the lease, asks at once whether it is still good, and never for another address.
	asked, discovered := s.heard("DHCPREQUEST"), s.heard("DHCPDISCOVER")
	keep(t, dir, dhcpOn("eth0"))
	eventually(t, "the next one asks again", func() bool { return s.heard("DHCPREQUEST") > asked })
	if s.heard("DHCPDISCOVER") != discovered {
		t.Error("the next one has asked for any address")
	}
	same(t, "the address", []string{had}, addressesOf(t, "eth0"))
}

func TestNSARefusedLeaseGoesAndAnotherComes(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	s := newServer(t)
	s.start("--dhcp-range=192.0.2.50,192.0.2.50,255.255.255.0,2m")
	dir := t.TempDir()
	_, stop := keep(t, dir, dhcpOn("eth0"))
	eventually(t, "an address", func() bool { return strings.Join(addressesOf(t, "eth0"), " ") == "192.0.2.50/24 proto 69" })
	stop()
	s.stop()
	// The box was carried to another network.
	s.in("ip addr flush dev far0; ip addr add 198.51.100.1/24 dev far0")
	os.Remove(filepath.Join(s.dir, "leases"))
	s.start("--dhcp-range=198.51.100.70,198.51.100.70,255.255.255.0,2m")
	keep(t, dir, dhcpOn("eth0"))
	eventually(t, "the other network's address", func() bool { return strings.Join(addressesOf(t, "eth0"), " ") == "198.51.100.70/24 proto 69" })
	if s.heard("DHCPNAK") == 0 {
		t.Error("the server was not asked for the former address")
	}
}

func TestNSASilentServerIsAProblemInWords(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	newServer(t)
	k, _ := keep(t, t.TempDir(), dhcpOn("eth0"))
	for range 60 {
		time.Sleep(500 * time.Millisecond)
		if ps := k.Status().Problems; len(ps) == 1 && ps[0] == (Problem{"eth0", "no DHCP server answers"}) {
			return
		}
	}
	t.Errorf("the status is %+v", k.Status())
}
