// Package vrrp is the vrrp plugin: it speaks VRRP for the instances that the core names, holds the virtual addresses of those
// that it is master of, and tells the network where they are.
//
// Everything happens on one thread, which waits in one epoll and does one thing after the other (loop.go). The thread has
// the processor before ordinary ones and its memory locked, as far as the system allows, and allocates nothing between a
// deadline and what must be sent at it. What is decided, package machine decides: it is told of adverts, time and
// configuration, and answers with actions, which are carried out here. The packages below each know one thing of the
// kernel:
//
//	machine    the protocol's state machine, pure
//	advert     the packet, pure
//	wire       raw sockets, the wait, and real time
//	link       interfaces and whether they are up
//	address    virtual addresses and routes in the kernel
//	vmac       virtual MAC addresses, on macvlans
//	announce   gratuitous ARP and neighbor advertisements
//	conflict   somebody else who answers for an address that is held here
//	keep       what a killed plugin leaves to its successor
//
// The core is not asked for anything while an instance takes over or yields. It tells the plugin what should be (Apply), as
// a whole and as often as it likes, and is told what happened (Watch).
package vrrp
