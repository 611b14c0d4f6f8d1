// Package pair runs VRRP routers on one network, each of them evenkeel or keepalived, and watches them on the wire.
//
// The routers are network namespaces of a lab, on its front bridge: VRRP needs no IPVS, and here its times are the
// kernel's own, which they are not in a virtual machine. A Capture on the bridge sees every advert, every gratuitous ARP and
// every neighbor advertisement, with the time at which the kernel had it.
package pair
