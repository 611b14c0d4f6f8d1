package sdk

import (
	"fmt"
	"net/netip"

	"github.com/evenkeel/evenkeel/plugins/sdk/pluginv1"
)

func instanceOut(i VRRPInstance) *pluginv1.VRRPInstance {
	return &pluginv1.VRRPInstance{
		Name:                   i.Name,
		Interface:              i.Interface,
		VirtualRouterId:        uint32(i.VirtualRouterID),
		Version:                uint32(i.Version),
		Priority:               uint32(i.Priority),
		AdvertInterval:         durationOut(i.AdvertInterval),
		Preempt:                i.Preempt,
		PreemptDelay:           durationOut(i.PreemptDelay),
		UnicastPeers:           addrsOut(i.UnicastPeers),
		Addresses:              each(i.Addresses, virtualAddressOut),
		AuthenticationType:     i.Authentication.Type,
		AuthenticationPassword: i.Authentication.Password,
		SyncGroup:              i.SyncGroup,
		PriorityChange:         int32(max(min(i.PriorityChange, 255), -255)), // RFC 9568 has no more
		Fault:                  text(i.Fault),
		Released:               i.Released,
	}
}

func instanceIn(m *pluginv1.VRRPInstance) (i VRRPInstance, err error) {
	i = VRRPInstance{
		Name:           m.GetName(),
		Interface:      m.GetInterface(),
		Preempt:        m.GetPreempt(),
		Authentication: VRRPAuthentication{Type: m.GetAuthenticationType(), Password: m.GetAuthenticationPassword()},
		SyncGroup:      m.GetSyncGroup(),
		PriorityChange: int(m.GetPriorityChange()),
		Fault:          m.GetFault(),
		Released:       m.GetReleased(),
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("vrrp instance %q: %w", clip(i.Name), err)
		}
	}()
	if i.VirtualRouterID, err = fit[uint8]("virtual router id", m.GetVirtualRouterId()); err != nil {
		return i, err
	}
	if i.Version, err = fit[uint8]("version", m.GetVersion()); err != nil {
		return i, err
	}
	if i.Priority, err = fit[uint8]("priority", m.GetPriority()); err != nil {
		return i, err
	}
	if i.AdvertInterval, err = durationIn("advert interval", m.GetAdvertInterval()); err != nil {
		return i, err
	}
	if i.PreemptDelay, err = durationIn("preempt delay", m.GetPreemptDelay()); err != nil {
		return i, err
	}
	if i.UnicastPeers, err = addrsIn(m.GetUnicastPeers()); err != nil {
		return i, err
	}
	i.Addresses, err = eachIn(m.GetAddresses(), virtualAddressIn)
	return i, err
}

func virtualAddressOut(a VirtualAddress) *pluginv1.VirtualAddress {
	m := &pluginv1.VirtualAddress{Interface: a.Interface, Label: a.Label}
	if a.Prefix.IsValid() {
		m.Prefix = a.Prefix.String()
	}
	return m
}

func virtualAddressIn(m *pluginv1.VirtualAddress) (VirtualAddress, error) {
	p, err := netip.ParsePrefix(m.GetPrefix())
	if err != nil {
		return VirtualAddress{}, fmt.Errorf("reading virtual address %q: not an address with a prefix length", clip(m.GetPrefix()))
	}
	return VirtualAddress{Prefix: p, Interface: m.GetInterface(), Label: m.GetLabel()}, nil
}

func vrrpStateIn(s string) (VRRPState, error) {
	switch v := VRRPState(s); v {
	case "", VRRPInitialize, VRRPBackup, VRRPMaster, VRRPFault: // "": there was none before
		return v, nil
	}
	return "", fmt.Errorf("reading vrrp state %q: not a state", clip(s))
}

func transitionOut(t VRRPTransition) *pluginv1.VRRPServiceWatchResponse {
	return &pluginv1.VRRPServiceWatchResponse{
		Instance: t.Instance,
		From:     string(t.From),
		To:       string(t.To),
		Reason:   text(t.Reason),
		Time:     timeOut(t.Time),
	}
}

func transitionIn(m *pluginv1.VRRPServiceWatchResponse) (t VRRPTransition, err error) {
	t = VRRPTransition{Instance: m.GetInstance(), Reason: text(m.GetReason())}
	if t.From, err = vrrpStateIn(m.GetFrom()); err != nil {
		return t, err
	}
	if t.To, err = vrrpStateIn(m.GetTo()); err != nil {
		return t, err
	}
	t.Time, err = timeIn("time of the transition", m.GetTime())
	return t, err
}
