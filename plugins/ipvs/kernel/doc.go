// Package kernel speaks to the kernel's IPVS: it reads the table of virtual services and real servers, and changes it.
//
// [Netlink] is the real one, over the generic netlink family "IPVS" (include/uapi/linux/ip_vs.h); [Memory] is a table in
// memory that keeps the same rules and answers with the same error numbers. Both are a [Kernel].
//
// # Changes go in batches
//
// The kernel handles all messages of one datagram in order before sendmsg(2) returns (netlink_rcv_skb in
// net/netlink/af_netlink.c), and answers a message without NLM_F_ACK only when it failed. So [Netlink.Do] packs up to
// [BatchSize] messages into one datagram and asks for an acknowledgement of the last alone: a batch that the kernel
// accepts costs one send and one receive. What it refuses is known by sequence number.
//
// # What moby/ipvs is used for
//
// The names and numbers of forwarding methods and schedulers come from github.com/moby/ipvs. Its Handle is not used for the
// running table: version 1.1.0 reports success on a kernel without ip_vs, reads weights as 16 bits, knows neither
// 64-bit counters, tunnel types nor sync daemons, waits for ever on EAGAIN, and makes a round trip per object. The tests
// in a virtual machine use it as a second witness: what this package writes it must read, and the other way round.
package kernel
