// Package network makes the network of a box as the appliance block says, and keeps it so.
//
// It works level-triggered: [Apply] compares what is with what should be and changes the difference, so it may be called at
// any time and any number of times. A [Keeper] calls it: at once, when the block changes, when a DHCP server has said
// something, when the kernel says that a card or an address has come or gone, and every half minute.
//
// What is ours is marked: addresses by IFA_PROTO (Linux 5.18), routes by their protocol, VLANs and bonds by their alias. A
// mark is what lets a later process know what an earlier one has made. What has no owner's mark (protocol 0 of an address,
// RTPROT_BOOT and RTPROT_STATIC of a route) is adopted if it is wanted and taken away if not; what has another owner's mark
// is never touched: virtual addresses (112, VRRP's protocol number), and what the kernel makes itself, link-local addresses
// and those of router advertisements.
//
// A card that is missing, or anything else that the kernel refuses, is a [Problem] in words; the rest is done even so.
package network

// mark is what addresses and routes of ours carry: a number that nobody else uses (rtnetlink(7): user space has those above
// RTPROT_STATIC to itself).
const mark = 69

// alias marks links of ours (IFLA_IFALIAS), "ip link" shows it.
const alias = "evenkeel"
