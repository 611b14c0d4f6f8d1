// Package wire is where adverts meet the kernel: raw sockets, the wait for them and for a deadline, and the terms on which
// one thread may have the processor.
//
// # One thread, one epoll
//
// A loop on one locked thread waits in a Poller for its sockets, its deadline and a word from another goroutine, and does
// all else by system calls that do not block. There is no goroutine for each socket and no use of Go's own poller, which
// would put a scheduler between a packet and its reader. Nothing is allocated for a packet.
//
//	grant, err := wire.RealTime(50) // before the first deadline
//	p, err := wire.NewPoller()
//	s, err := wire.Open(wire.Key{Index: 2, Address: advert.Group(false)})
//	s.Admit(vrids)
//	p.Add(s.FD(), token)
//	for {
//		p.SetDeadline(next)
//		n, err := p.Wait(tokens)
//		for _, t := range tokens[:n] { // sockets first, the timer last: what has arrived is read before a timer runs
//			...
//		}
//	}
//
// # The sockets
//
// A Socket is one for each interface, family, protocol (112, or 51 for AH) and multicast group, and all virtual routers
// there share it; or one for each address at which unicast adverts arrive. Being bound to its group or address and to its
// interface, the kernel gives it nothing else, and a filter (BPF, run in the kernel) drops the adverts of virtual routers
// that are not ours: a segment full of other people's VRRP wakes nobody. Version, type and all that a misconfigured peer of
// ours could have wrong pass the filter, so that they can be counted by reason.
//
// An IPv4 socket sends packets with their IP header, so that the source address is free, on an interface without an
// address too; the kernel fills in the header's checksum. An IPv6 socket sends the message from the given source address.
//
// # When an interface goes
//
// A socket belongs to the interface's index. While the interface is down, Send fails, and it works again once that is up.
// When the interface is gone (ENODEV) the socket is dead, and the one that comes back under the same name has another index:
// close the socket, and open one with the new Key.
package wire
