// Package lab is a network of virtual machines and network namespaces on one Linux host, for tests that need the real IPVS
// and for the demonstration.
//
//	client 10.77.0.10 --veth--+
//	rs1..3 10.77.0.21-23 -----+-- br0, front 10.77.0.0/24 \
//	dir1   10.77.0.11 -- tap -+                            > one namespace; the machines' processes run inside it
//	dir1   10.77.1.1  -- tap ---- br1, back  10.77.1.0/24 /   (nat: rs1..3 10.77.1.21-23, default route via 10.77.1.1)
//	virtual addresses 10.77.0.100 and fd00:77::100
//
// Directors are virtual machines with a Debian kernel that has ip_vs: User Mode Linux for the everyday tests (boots in
// about 2 s, no special rights but root's), QEMU with software emulation for a second opinion. The client and the real
// servers are network namespaces; with forwarding by tunnel, which needs the ipip module, real servers are machines too.
//
// A machine's disk is an initial RAM file system, made here. Inside runs an agent (package guest) which starts programs,
// passes bytes and reports ends over a serial line of its own; the console is kept as a log, and its tail is part of every
// error.
//
// Nothing of a lab is left after Close: the machines are in a PID namespace each and die with the process that made them;
// network namespaces carry the lab's name, and those of a lab whose process is gone are removed by the next New.
//
// The package knows nothing of evenkeel but the path of its binary.
package lab
