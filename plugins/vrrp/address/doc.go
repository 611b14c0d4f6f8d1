// Package address puts the virtual addresses and routes of a virtual router into the kernel and takes them out again.
//
// # A set
//
// A [Set] is what one instance holds while it is master. It is prepared when the configuration is read: the requests to
// the kernel are encoded then. Becoming master is [Set.Add]: one system call for 64 of them, and no allocation. The kernel
// takes about 7 us for an IPv4 address and 30 us for an IPv6 one, whose route and multicast group come with it. Leaving is
// [Set.Remove], the other way round. [Set.Sync] looks first and then does what is missing: call it when the monitor has
// seen that something changed, and after a start.
//
// All three say exactly what they changed, and what they could not: one address that fails keeps no other from its place. An
// interface that does not exist is an error of the addresses on it; when it is back, the next Sync gives them to it.
//
// # Whose an address is
//
// What a set names is the set's. An address that is there already, because somebody configured it or an earlier process
// left it, is adopted: nothing is written if it is as it should be, and it goes when the set goes. So it must be: a backup
// that keeps the address answers for it beside the master. The log has a line about each that was somebody else's
// ([Taken]).
//
// What we make is marked: IFA_PROTO (Linux 5.18) of an address and rtm_protocol of a route are 112, VRRP's number among the
// protocols of IP. A successor after a kill -9 finds by it what it held
// ([Set.Held]) and what nobody wants any more ([Kernel.Sweep]), and never takes an operator's address for one of ours.
// Before Linux 5.18 addresses bear no mark: there, what a dead predecessor left is found only if it is still configured.
//
// # How an address is made
//
// IPv4: as "ip address add" makes it. The kernel takes an address for secondary when the interface has one in the same
// prefix; then it is never the source of the machine's own packets. A /32 is the primary address of a prefix of its own, but
// comes after those that the interface already has, which is where the kernel looks first. Removing the primary address of a
// prefix takes the secondary ones with it unless net.ipv4.conf.INTERFACE.promote_secondaries is 1, so Remove sets that: an
// operator's address that was added after ours stays.
//
// IPv6: without duplicate address detection (IFA_F_NODAD), since the address must work now, and the one who had it may be
// dead and may be not; and with a preferred lifetime of 0, which makes it deprecated (RFC 4862 section 5.5.4): it answers,
// but the machine does not choose it as the source of what it begins itself, health checks for example, whose answers
// would go to the other director after a failover. [Address.Preferred] undoes that.
//
// # Addresses that are not accepted
//
// [Refusal] drops packets to addresses whose instance says accept = false.
package address
