// Package link watches the machine's interfaces and their addresses.
//
// A [Monitor] is one socket of routing netlink that the loop polls: it never blocks, has no goroutine, and reads again
// everything when the kernel says that the socket could not hold all changes (ENOBUFS), so that what it knows is always what
// is, a moment ago. Changes come out as events, for a log and to act on; everything else is a question to the monitor.
//
// [Debounce] keeps an interface that comes and goes from taking the virtual router with it.
package link
