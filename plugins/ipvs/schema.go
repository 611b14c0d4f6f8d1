package ipvs

import "github.com/evenkeel/evenkeel/plugins/sdk"

// schema says that the plugin has no attributes of its own: what it balances is in the virtual_server and ipvs blocks of
// the configuration, which the core makes a table of.
func schema() sdk.Schema {
	return sdk.Schema{Doc: "Holds the kernel's IPVS table: virtual services and the real servers behind them."}
}
