// Package conflict sees when somebody else says that a virtual address which we hold is his: another master after the network
// was split, or a machine that somebody gave the same address.
//
// He says it by ARP, in any packet whose sender protocol address is the virtual one, or by a neighbour advertisement whose
// target it is. A [Listener] has two packet sockets for the whole network namespace, with a classic BPF program that passes
// nothing else: a frame of other traffic costs the program's first instructions and no system call. Frames from our own
// hardware addresses are none of it, which includes those that a loop in the network brings back.
//
// Nobody is asked. A second master announces the address when it becomes one, and answers whoever asks for it, by broadcast
// or to him alone: what is for others' ears only is not seen here. The other master's adverts are, by the protocol.
//
// A [Ledger] turns what is heard, which repeats, into a beginning and an end.
package conflict
