package config

import (
	"net/netip"
	"time"
)

// An Appliance is the appliance block: the box itself, where evenkeel is the whole system of it.
type Appliance struct {
	Position    Position
	Hostname    string // "": the box keeps the name it has
	Nameservers []netip.Addr
	Search      []string // domains in which short names are looked up
	NTPServers  []string
	Watchdog    time.Duration // after which a box that hangs is reset; default 60 s; 0: none
	Interfaces  []ApplianceInterface
	Syslogs     []Syslog
}

// An ApplianceInterface is an interface block of the appliance block. At most one of VLAN and Bond is set; one with neither
// is a card.
type ApplianceInterface struct {
	Name      string
	Position  Position
	MAC       string // of the card that gets this name, "52:54:00:12:34:56"; "": the card that has the name already
	MTU       int    // bytes; 0: as it is
	Addresses []netip.Prefix
	Gateway   netip.Addr // the zero Addr: none
	DHCP      bool       // ask for an IPv4 address and what comes with it
	AcceptRA  bool       // take IPv6 addresses and routes from router advertisements; default: as DHCP
	Routes    []ApplianceRoute
	VLAN      *VLAN
	Bond      *Bond
}

// An ApplianceRoute is a route block of an interface.
type ApplianceRoute struct {
	Position    Position
	Destination netip.Prefix // masked
	Via         netip.Addr   // the zero Addr: neighbours on the interface itself
	Metric      uint32       // 0: the kernel's own
}

// A VLAN is a vlan block: the interface is a VLAN of another one (IEEE 802.1Q).
type VLAN struct {
	Interface string
	ID        uint16 // 1 to 4094
}

// A Bond is a bond block: the interface is several cards at once.
type Bond struct {
	Interfaces []string
	Mode       string // the kernel's word: "active-backup", "802.3ad" ... (Documentation/networking/bonding.rst)
	Primary    string // of active-backup: the member that is used while it works; ""
	HashPolicy string // of 802.3ad and balance-xor: the kernel's xmit_hash_policy; "": the kernel's default
	LACPFast   bool   // of 802.3ad: ask the other side for a LACPDU every second, not every 30 s
}

// A Syslog is a syslog block: a server that gets the box's logs by RFC 5424.
type Syslog struct {
	Position Position
	Host     string // address or name
	Port     uint16 // default 514 for udp, 601 for tcp, 6514 for tls
	Protocol string // "udp" (RFC 5426), "tcp" (RFC 6587) or "tls" (RFC 5425)
	CAFile   string // of tls: PEM file of who may have signed the server's certificate; "": the system's
}
