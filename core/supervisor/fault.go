package supervisor

// A Fault is what a plugin does against the contract before it works, and what its author can do about it.
type Fault struct {
	Err error  // what is wrong; all that Error says
	Do  string // a sentence for the author: what the contract wants
}

// Error says what is wrong, without what to do.
func (f *Fault) Error() string { return f.Err.Error() }

// Unwrap returns what is wrong.
func (f *Fault) Unwrap() error { return f.Err }

// What authors are told.
const (
	doHandshake = "The first line on stdout must be the handshake, 1|1|unix|PATH|grpc. Print everything else after it, or to stderr."
	doVersion   = "The second field of the handshake is the version of the contract: make the plugin with the kit of this version of evenkeel."
	doGRPC      = "The fifth field of the handshake must be grpc."
	doSocket    = "Listen on a unix socket in the folder that PLUGIN_UNIX_SOCKET_DIR names, and say its path in the handshake."
	doHurry     = "A plugin prints its handshake as soon as it accepts connections. Is it flushed? Output to a pipe is buffered in many languages. Is it a plugin at all?"
	doAnswer    = "Describe must answer at once. What takes long is done later; what is missing on this machine is said with FAILED_PRECONDITION."
	doDescribe  = "PluginService.Describe must answer with kind, name, version, schema and services: plugins/sdk/pluginv1/plugin.proto."
	doGoOn      = "A plugin goes on until it is told to stop, and this one ended before it had said what it is. Is it a plugin at all?"
	doListen    = "The process that was started, or a child in its process group, must itself listen on the socket."
)
