package pair

import (
	"fmt"
	"strings"
	"time"
)

// An Instance is a virtual router, as both daemons are told of it.
type Instance struct {
	Name      string
	ID        int
	Version   int // 2 or 3
	Priority  int
	Advert    time.Duration
	Addresses []string // with prefix length
	Auth      string   // "", "pass" or "ah", with the password Password
	Peer      string   // unicast to this one; "": multicast
	NoPreempt bool
	VMAC      bool
	Track     string // a file: while it is missing, the instance is in FAULT
	Words     string // more attributes and blocks, in evenkeel's language
	RFC5798   bool   // the checksum of version 3 over IPv4, which is all that keepalived 2.2.7 knows
}

// Password is what instances with authentication have.
const Password = "s3cret"

// A Config is what one router is to do.
type Config struct {
	Instances []Instance
	Group     bool   // all instances are one sync group
	Words     string // more blocks, in evenkeel's language
}

// A Daemon is a program that speaks VRRP.
type Daemon interface {
	// Name is "evenkeel" or "keepalived".
	Name() string
	// Config writes the daemon's configuration.
	Config(Config) string
	// Command returns the command line, with the configuration's file and a folder for what the daemon keeps.
	Command(config, dir string) []string
}

// Keepalived is Debian's keepalived.
type Keepalived struct{}

// Name implements Daemon.
func (Keepalived) Name() string { return "keepalived" }

// Command implements Daemon: in the foreground, logging to it, and VRRP only.
func (Keepalived) Command(config, dir string) []string {
	return []string{"/usr/sbin/keepalived", "-n", "-l", "-D", "-P", "-f", config, "-p", dir + "/pid", "-r", dir + "/vrrp.pid"}
}

// Config implements Daemon.
func (Keepalived) Config(c Config) string {
	var b strings.Builder
	b.WriteString("global_defs {\n  router_id lab\n  script_user root\n  enable_script_security\n}\n")
	for _, i := range c.Instances {
		if i.Track != "" {
			fmt.Fprintf(&b, "vrrp_script %s {\n  script \"/usr/bin/test -e %s\"\n  interval 0.2\n  timeout 1\n  fall 1\n  rise 1\n}\n", i.Name, i.Track)
		}
		fmt.Fprintf(&b, "vrrp_instance %s {\n  state BACKUP\n  interface eth0\n  virtual_router_id %d\n  version %d\n  priority %d\n  advert_int %g\n",
			i.Name, i.ID, i.Version, i.Priority, i.Advert.Seconds())
		if i.Auth != "" {
			fmt.Fprintf(&b, "  authentication {\n    auth_type %s\n    auth_pass %s\n  }\n", strings.ToUpper(i.Auth), Password)
		}
		if i.Peer != "" {
			fmt.Fprintf(&b, "  unicast_peer {\n    %s\n  }\n", i.Peer)
		}
		if i.NoPreempt {
			b.WriteString("  nopreempt\n")
		}
		if i.VMAC {
			fmt.Fprintf(&b, "  use_vmac\n")
		}
		fmt.Fprintf(&b, "  virtual_ipaddress {\n    %s\n  }\n", strings.Join(i.Addresses, "\n    "))
		if i.Track != "" {
			fmt.Fprintf(&b, "  track_script {\n    %s\n  }\n", i.Name)
		}
		b.WriteString("}\n")
	}
	if c.Group {
		b.WriteString("vrrp_sync_group all {\n  group {\n")
		for _, i := range c.Instances {
			fmt.Fprintf(&b, "    %s\n", i.Name)
		}
		b.WriteString("  }\n}\n")
	}
	return b.String()
}

// Evenkeel is a binary of evenkeel.
type Evenkeel struct{ Binary string }

// Name implements Daemon.
func (Evenkeel) Name() string { return "evenkeel" }

// Command implements Daemon.
func (e Evenkeel) Command(config, dir string) []string {
	return []string{e.Binary, "run", "--config", config, "--state", dir + "/state", "--socket", dir + "/control.sock", "--run-dir", dir + "/run"}
}

// Config implements Daemon.
func (Evenkeel) Config(c Config) string {
	var b strings.Builder
	var names []string
	for _, i := range c.Instances {
		names = append(names, "vrrp_instance."+i.Name)
		if i.Track != "" {
			fmt.Fprintf(&b, "check \"script\" %q {\n  command  = [\"/usr/bin/test\", \"-e\", %q]\n  interval = \"200ms\"\n  timeout  = \"200ms\"\n  user     = \"root\"\n}\n", i.Name, i.Track)
		}
		fmt.Fprintf(&b, "vrrp_instance %q {\n  interface         = \"eth0\"\n  virtual_router_id = %d\n  version           = %d\n  priority          = %d\n  advert_int        = %q\n  virtual_addresses = %s\n",
			i.Name, i.ID, i.Version, i.Priority, i.Advert, list(i.Addresses))
		if i.Peer != "" {
			fmt.Fprintf(&b, "  unicast_peers     = [%q]\n", i.Peer)
		}
		if i.NoPreempt {
			b.WriteString("  preempt           = false\n")
		}
		if i.VMAC {
			b.WriteString("  use_vmac          = true\n")
		}
		if i.RFC5798 && i.Version == 3 {
			b.WriteString("  checksum          = \"rfc5798\"\n")
		}
		if i.Auth != "" {
			fmt.Fprintf(&b, "  authentication {\n    type     = %q\n    password = %q\n  }\n", i.Auth, Password)
		}
		if i.Track != "" {
			fmt.Fprintf(&b, "  track {\n    check = check.script.%s\n  }\n", i.Name)
		}
		b.WriteString(i.Words + "}\n")
	}
	b.WriteString(c.Words)
	if c.Group {
		fmt.Fprintf(&b, "vrrp_sync_group \"all\" {\n  members = [%s]\n}\n", strings.Join(names, ", "))
	}
	return b.String()
}

func list(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = fmt.Sprintf("%q", w)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
