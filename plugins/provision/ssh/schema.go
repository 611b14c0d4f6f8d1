// Package ssh prepares real servers over SSH: the VIP on lo, and no ARP for it. So far it declares its part of the
// language, so that configurations are checked; its machinery comes with real-server provisioning.
package ssh

import "github.com/evenkeel/evenkeel/plugins/sdk"

// Config is what provision "ssh" may hold.
type Config struct {
	User           string `attr:"user" default:"root" doc:"whom to log in as"`
	Port           uint16 `attr:"port" type:"port" default:"22" doc:"where the real servers' SSH listens"`
	PrivateKeyFile string `attr:"private_key_file" required:"true" doc:"the key to log in with"`
	KnownHostsFile string `attr:"known_hosts_file" required:"true" doc:"the real servers' host keys; one that is not in it is refused"`
	Persist        bool   `attr:"persist" default:"true" doc:"whether it survives a reboot of the real server"`
}

// Plugin is what the language knows of it.
func Plugin() sdk.Plugin {
	return sdk.Declare[Config](sdk.Info{Kind: sdk.KindProvision, Name: "ssh"})
}
