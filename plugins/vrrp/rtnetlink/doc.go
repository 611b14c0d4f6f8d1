// Package rtnetlink is the part of the kernel's routing netlink (rtnetlink(7), linux/rtnetlink.h) that a virtual router
// needs: addresses, routes, interfaces and their settings.
//
// It is here, beside two libraries that speak the protocol too, for what a failover asks of it:
//
//   - Many changes are one system call. A netlink datagram may hold many requests, the kernel carries them out one after
//     the other before write(2) returns, and answers each. A [Batch] is such a datagram, built ahead; to send it
//     allocates nothing.
//   - One change that fails does not hide what became of the others: every request has an answer of its own.
//   - A socket is a file descriptor that one thread polls, and nothing reads it behind that thread's back.
//   - IFA_PROTO, by which an address says who made it, is in none of them.
//
// A [Conn] belongs to the network namespace of the thread that opened it, and to one thread at a time.
package rtnetlink
