package load

import "github.com/evenkeel/evenkeel/hcl/schema"

// The blocks of the language, and what each may hold. docs/configuration.md describes them.
var (
	topLevelShape = schema.NewShape(nil,
		schema.BlockShape{Type: "director"},
		schema.BlockShape{Type: "vrrp_instance", Labels: []string{"name"}},
		schema.BlockShape{Type: "vrrp_sync_group", Labels: []string{"name"}},
		schema.BlockShape{Type: "ipvs"},
		schema.BlockShape{Type: "virtual_server", Labels: []string{"name"}},
		schema.BlockShape{Type: "check", Labels: []string{"type", "name"}},
		schema.BlockShape{Type: "notify", Labels: []string{"type", "name"}},
		schema.BlockShape{Type: "provision", Labels: []string{"type", "name"}},
		schema.BlockShape{Type: "plugin", Labels: []string{"kind", "name"}},
		schema.BlockShape{Type: "appliance"},
	)

	directorShape = schema.NewShape([]string{"name"}, schema.BlockShape{Type: "brake"})
	brakeShape    = schema.NewShape([]string{"action", "share", "minimum", "within", "limit"})

	instanceShape = schema.NewShape(
		[]string{"interface", "virtual_router_id", "version", "priority", "advert_int", "preempt", "preempt_delay",
			"startup_delay", "checksum", "accept", "source_address", "multicast_group",
			"unicast_peers", "unicast_ttl", "unicast_min_ttl", "unicast_max_ttl",
			"virtual_addresses", "virtual_addresses_excluded", "use_vmac", "vmac_name", "vmac_xmit_base",
			"garp_master_delay", "garp_master_repeat", "garp_master_refresh", "garp_master_refresh_repeat",
			"garp_lower_prio_delay", "garp_lower_prio_repeat", "garp_interval", "gna_interval"},
		schema.BlockShape{Type: "virtual_address", Labels: []string{"address/prefix"}},
		schema.BlockShape{Type: "virtual_route", Labels: []string{"destination"}},
		schema.BlockShape{Type: "authentication"},
		schema.BlockShape{Type: "track"},
	)
	virtualAddressShape = schema.NewShape([]string{"interface", "label", "scope", "peer", "excluded"})
	virtualRouteShape   = schema.NewShape([]string{"via", "interface", "source", "metric", "table"})
	authenticationShape = schema.NewShape([]string{"type", "password"})
	trackShape          = schema.NewShape([]string{"check", "interface", "weight", "up_delay", "down_delay"})
	syncGroupShape      = schema.NewShape([]string{"members"}, schema.BlockShape{Type: "track"})

	ipvsShape     = schema.NewShape(nil, schema.BlockShape{Type: "sync"}, schema.BlockShape{Type: "timeouts"})
	syncShape     = schema.NewShape([]string{"interface", "id", "follow", "group", "port", "ttl", "max_length"})
	timeoutsShape = schema.NewShape([]string{"tcp", "tcp_fin", "udp"})

	virtualServerShape = schema.NewShape(
		[]string{"address", "fwmark", "ip_family", "protocol", "scheduler", "flags", "one_packet", "forward", "quorum",
			"hysteresis", "on_failure", "start_state", "slow_start", "checks_follow"},
		schema.BlockShape{Type: "match"},
		schema.BlockShape{Type: "persistence"},
		schema.BlockShape{Type: "tunnel"},
		schema.BlockShape{Type: "check", Labels: []string{"type"}},
		schema.BlockShape{Type: "real_server", Labels: []string{"address"}},
		schema.BlockShape{Type: "sorry_server", Labels: []string{"address"}},
		schema.BlockShape{Type: "sorry_page"},
	)
	matchShape       = schema.NewShape([]string{"address", "protocol", "ports"})
	persistenceShape = schema.NewShape([]string{"timeout", "netmask", "engine"})
	tunnelShape      = schema.NewShape([]string{"type", "port", "checksum"})
	realServerShape  = schema.NewShape([]string{"weight", "slow_start", "forward", "max_connections", "min_connections"},
		schema.BlockShape{Type: "tunnel"},
		schema.BlockShape{Type: "check", Labels: []string{"type"}},
	)
	sorryServerShape = schema.NewShape([]string{"forward"}, schema.BlockShape{Type: "tunnel"})
	sorryPageShape   = schema.NewShape([]string{"status", "file"})

	pluginShape = schema.NewShape([]string{"path", "sha256"})

	applianceShape = schema.NewShape([]string{"hostname", "nameservers", "search", "ntp_servers", "watchdog"},
		schema.BlockShape{Type: "interface", Labels: []string{"name"}},
		schema.BlockShape{Type: "syslog", Labels: []string{"server"}})
	applianceInterfaceShape = schema.NewShape([]string{"mac", "mtu", "addresses", "gateway", "dhcp", "accept_ra"},
		schema.BlockShape{Type: "route", Labels: []string{"destination"}},
		schema.BlockShape{Type: "vlan"}, schema.BlockShape{Type: "bond"})
	applianceRouteShape = schema.NewShape([]string{"via", "metric"})
	vlanShape           = schema.NewShape([]string{"interface", "id"})
	bondShape           = schema.NewShape([]string{"interfaces", "mode", "primary", "hash_policy", "lacp_fast"})
	syslogShape         = schema.NewShape([]string{"protocol", "ca_file"})
)

// The attributes of these kinds of blocks that are the engine's own, whatever their type.
var commonAttributes = map[string][]string{
	"check": {"address", "port", "interval", "timeout", "retry_interval", "fall", "rise", "spread",
		"source", "interface", "mark", "via"},
	"notify":    {"on", "only"},
	"provision": {"virtual_servers"},
}

// kinds of plugins that a configuration can name.
var kinds = []string{"check", "notify", "provision"}

// hint says where the words of keepalived, ldirectord, ipvsadm and Piranha are here.
func hint(name string) string { return otherWords[name] }

var otherWords = map[string]string{
	// keepalived, virtual servers
	"lb_algo":                 "keepalived's lb_algo is scheduler here.",
	"lvs_sched":               "keepalived's lvs_sched is scheduler here.",
	"lb_kind":                 "keepalived's lb_kind is forward here.",
	"lvs_method":              "keepalived's lvs_method is forward here.",
	"sorry_server_lvs_method": `It is forward in the sorry_server block here.`,
	"persistence_timeout":     `It is a block here: persistence { timeout = "360s" }.`,
	"persistence_granularity": `It is netmask in the persistence block here: persistence { netmask = "255.255.255.0" }.`,
	"persistence_engine":      `It is engine in the persistence block here: persistence { engine = "sip" }.`,
	"delay_loop":              `It is interval in a check block here: check "tcp" { interval = "6s" }.`,
	"connect_timeout":         `It is timeout in a check block here: check "tcp" { timeout = "3s" }.`,
	"connect_port":            "It is port in a check block here.",
	"connect_ip":              "It is address in a check block here.",
	"bindto":                  "It is source in a check block here.",
	"bind_if":                 "It is interface in a check block here.",
	"bind_port":               "Probes of many targets can't share a port: the kernel chooses one for each.",
	"warmup":                  "It is spread in a check block here, for where the default is too quick.",
	"retry":                   "It is fall in a check block here, and counts every failure: retry 3 is fall = 4.",
	"nb_get_retry":            "It is fall in a check block here, and counts every failure: nb_get_retry 3 is fall = 4.",
	"delay_before_retry":      `It is retry_interval in a check block here.`,
	"inhibit_on_failure":      `It is on_failure = "quiesce" on the virtual server here.`,
	"sorry_server_inhibit":    "A sorry server is out of the table here while it is not needed.",
	"alpha":                   `It is start_state = "down" here, which is the default.`,
	"omega":                   "There is no such thing here: events are sent when something happens, and stopping is an event.",
	"uthreshold":              "It is max_connections here.",
	"lthreshold":              "It is min_connections here.",
	"ops":                     "It is one_packet = true here.",
	"sched_flags":             `It is flags here: flags = ["sh-fallback"].`,
	"scheduler_flags":         `It is flags here: flags = ["sh-fallback"].`,
	"ha_suspend":              "It is checks_follow = vrrp_instance.NAME here, which names the instance.",
	"quorum_up":               `It is a notify block here, with on = ["quorum"].`,
	"quorum_down":             `It is a notify block here, with on = ["quorum"].`,
	"notify_up":               `It is a notify block here, with on = ["real_server"].`,
	"notify_down":             `It is a notify block here, with on = ["real_server"].`,
	"smtp_alert":              `It is a notify "mail" block here.`,
	"TCP_CHECK":               `It is check "tcp" { ... } here.`,
	"HTTP_GET":                `It is check "http" { ... } here.`,
	"SSL_GET":                 `It is check "http" { ... } here.`,
	"MISC_CHECK":              `It is check "script" { ... } here.`,
	"SMTP_CHECK":              `It is check "smtp" { ... } here.`,
	"DNS_CHECK":               `It is check "dns" { ... } here.`,
	"PING_CHECK":              `It is check "ping" { ... } here.`,
	"virtual_server_group":    "Several match blocks in one virtual_server do that here.",
	// keepalived, VRRP and the rest
	"state":                           "There is no initial state here: the priority decides.",
	"nopreempt":                       "It is preempt = false here.",
	"auth_type":                       `It is a block here: authentication { type = "pass" }.`,
	"auth_pass":                       `It is a block here: authentication { password = "1111" }.`,
	"virtual_ipaddress":               `It is virtual_addresses = ["192.0.2.1/24"] here.`,
	"virtual_ipaddress_excluded":      `It is virtual_addresses_excluded = ["192.0.2.1/24"] here.`,
	"unicast_peer":                    `It is unicast_peers = ["192.0.2.2"] here.`,
	"unicast_src_ip":                  "It is source_address here.",
	"mcast_src_ip":                    "It is source_address here.",
	"mcast_dst_ip":                    "It is multicast_group here.",
	"vrrp_mcast_group4":               "It is multicast_group in the vrrp_instance here.",
	"vrrp_mcast_group6":               "It is multicast_group in the vrrp_instance here.",
	"min_ttl":                         "It is unicast_min_ttl in the vrrp_instance here, for all peers.",
	"max_ttl":                         "It is unicast_max_ttl in the vrrp_instance here, for all peers.",
	"virtual_routes":                  `A route is a block here: virtual_route "198.51.100.0/24" { via = "192.0.2.254" }.`,
	"v3_checksum_as_v2":               `It is checksum = "rfc9568" here, which is the default.`,
	"no_accept":                       "It is accept = false here.",
	"vrrp_startup_delay":              "It is startup_delay in the vrrp_instance here.",
	"track_process":                   `It is a check "process" "NAME" { ... } here, and a block in the instance: track { check = check.process.NAME }.`,
	"track_file":                      `It is a check "file" "NAME" { ... } here, and a block in the instance: track { check = check.file.NAME }.`,
	"vrrp_track_process":              `It is check "process" "NAME" { ... } here.`,
	"vrrp_track_file":                 `It is check "file" "NAME" { ... } here.`,
	"interface_up_down_delays":        `They are up_delay and down_delay in a track block here.`,
	"dont_track_primary":              "An instance whose own interface is down is always in FAULT here.",
	"vrrp_garp_master_delay":          "It is garp_master_delay in the vrrp_instance here.",
	"vrrp_garp_master_repeat":         "It is garp_master_repeat in the vrrp_instance here.",
	"vrrp_garp_master_refresh":        "It is garp_master_refresh in the vrrp_instance here.",
	"vrrp_garp_master_refresh_repeat": "It is garp_master_refresh_repeat in the vrrp_instance here.",
	"vrrp_garp_lower_prio_delay":      "It is garp_lower_prio_delay in the vrrp_instance here.",
	"vrrp_garp_lower_prio_repeat":     "It is garp_lower_prio_repeat in the vrrp_instance here.",
	"vrrp_garp_interval":              "It is garp_interval in the vrrp_instance here.",
	"vrrp_gna_interval":               "It is gna_interval in the vrrp_instance here.",
	"track_script":                    "It is a block here: track { check = check.script.NAME }.",
	"track_interface":                 `It is a block here: track { interface = "eth1" }.`,
	"vrrp_script":                     `It is check "script" "NAME" { ... } here.`,
	"vrrp_version":                    "It is version in the vrrp_instance here.",
	"notify_master":                   `It is a notify "script" block here, with on = ["vrrp_instance.master"].`,
	"notify_backup":                   `It is a notify "script" block here, with on = ["vrrp_instance.backup"].`,
	"notify_fault":                    `It is a notify "script" block here, with on = ["vrrp_instance.fault"].`,
	"global_defs":                     "It is director { ... } here.",
	"router_id":                       "It is name in the director block here.",
	"lvs_sync_daemon":                 `It is a block in the ipvs block here: ipvs { sync { ... } }.`,
	"lvs_timeouts":                    `It is a block in the ipvs block here: ipvs { timeouts { ... } }.`,
	"notification_email":              `It is to in a notify "mail" block here.`,
	"notification_email_from":         `It is from in a notify "mail" block here.`,
	"include":                         "A folder of .hcl files, or several files on the command line, are one configuration.",
	// ldirectord
	"virtual":          `It is virtual_server "NAME" { address = ... } here.`,
	"real":             `It is real_server "192.0.2.11:80" { ... } here.`,
	"fallback":         `It is sorry_server "127.0.0.1:80" {} here.`,
	"checktype":        `The type is the label of a check block here: check "http" { ... }.`,
	"checkinterval":    "It is interval in a check block here.",
	"checktimeout":     "It is timeout in a check block here.",
	"negotiatetimeout": "It is timeout in a check block here.",
	"checkport":        "It is port in a check block here.",
	"checkcount":       "It is fall in a check block here.",
	"failurecount":     "It is fall in a check block here.",
	"quiescent":        `It is on_failure = "quiesce" here.`,
	"persistent":       `It is a block here: persistence { timeout = "360s" }.`,
	"schedflags":       `It is flags here: flags = ["sh-fallback"].`,
	"emailalert":       `It is a notify "mail" block here.`,
	// other languages on HCL
	"local":    "Locals are written in a block locals { ... }.",
	"variable": "There are no variables from outside; locals { ... } are what this language has.",
	"for_each": `It belongs into a block dynamic "BLOCK" { for_each = ... content { ... } }.`,
	"count":    `To repeat a block write dynamic "BLOCK" { for_each = range(3) content { ... } }.`,
}
