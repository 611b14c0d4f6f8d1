package sdk

import (
	"fmt"

	"github.com/evenkeel/evenkeel/plugins/sdk/pluginv1"
)

func provisioningOut(p Provisioning) *pluginv1.Provisioning {
	return &pluginv1.Provisioning{
		Name:       p.Name,
		ConfigJson: p.Config,
		Server:     addrOut(p.Server),
		Vips:       addrsOut(p.VIPs),
		Forward:    string(p.Forward),
	}
}

func provisioningIn(m *pluginv1.Provisioning) (p Provisioning, err error) {
	p = Provisioning{Name: m.GetName(), Config: configIn(m.GetConfigJson()), Forward: Forward(m.GetForward())}
	if p.Server, err = addrIn(m.GetServer()); err != nil {
		return p, fmt.Errorf("provision %q: %w", clip(p.Name), err)
	}
	if p.VIPs, err = addrsIn(m.GetVips()); err != nil {
		return p, fmt.Errorf("provision %q: %w", clip(p.Name), err)
	}
	return p, nil
}

func provisionReportOut(r ProvisionReport) *pluginv1.ProvisionServiceApplyResponse {
	return &pluginv1.ProvisionServiceApplyResponse{
		Server:  addrOut(r.Server),
		Step:    text(r.Step),
		Changed: r.Changed,
		Error:   text(r.Error),
	}
}

func provisionReportIn(m *pluginv1.ProvisionServiceApplyResponse) (r ProvisionReport, err error) {
	r = ProvisionReport{Step: m.GetStep(), Changed: m.GetChanged(), Error: text(m.GetError())}
	r.Server, err = addrIn(m.GetServer())
	return r, err
}
