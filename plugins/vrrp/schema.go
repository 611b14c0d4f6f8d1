package vrrp

import "github.com/evenkeel/evenkeel/plugins/sdk"

// schema says that the plugin has no attributes of its own: what it does is in the vrrp_instance and vrrp_sync_group
// blocks of the configuration, which the core makes instances of.
func schema() sdk.Schema {
	return sdk.Schema{Doc: "Holds the virtual addresses, by VRRP version 2 and 3."}
}
