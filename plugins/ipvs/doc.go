// Package ipvs is the balancer plugin: it owns the kernel's IPVS table, and makes it hold the virtual services and real
// servers that the core wants.
//
// [Balancer] keeps the table: it adopts what it finds, writes only differences, in an order that never leaves a service
// with fewer real servers than it should have, and looks every 30 seconds whether somebody else has changed something.
// Package kernel speaks netlink, package nft marks packets. [Save] writes a table as ipvsadm does, without a kernel.
package ipvs
