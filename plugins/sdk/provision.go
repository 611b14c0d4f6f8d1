package sdk

import (
	"context"
	"encoding/json"
	"net/netip"
)

// A Provisioning is what a real server needs to serve a VIP: with dr and tun, the address without ARP for it.
type Provisioning struct {
	Name    string          // the provision block's name
	Config  json.RawMessage // the attributes of the type's own schema, defaults filled in
	Server  netip.Addr      // the real server
	VIPs    []netip.Addr
	Forward Forward
}

// A ProvisionReport is a step that was taken, or would be taken.
type ProvisionReport struct {
	Server  netip.Addr
	Step    string // "ip addr add 192.0.2.1/32 dev lo"
	Changed bool
	Error   string
}

// A Provisioner is a provision plugin as the core sees it.
type Provisioner interface {
	// Apply prepares the real servers, reporting each step; doing it twice changes nothing the second time.
	// With plan it only reports what it would do.
	Apply(ctx context.Context, servers []Provisioning, plan bool, report func(ProvisionReport)) error
}
