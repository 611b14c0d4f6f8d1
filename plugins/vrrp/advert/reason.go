package advert

// A Reason says which check an advert failed. An advert that fails any of them changes nothing.
type Reason uint8

// The reasons. Accepted is none.
const (
	Accepted Reason = iota
	Truncated
	Length
	ProtocolNumber
	UnknownRouter
	Own
	TTL
	Destination
	NotPeer
	Version
	Type
	AHMissing
	AHUnexpected
	AuthenticationType
	WrongPassword
	Interval
	Count
	Checksum
	ICV
	Replay
	Addresses

	// Reasons is how many there are, for an array of counters.
	Reasons = int(Addresses) + 1
)

// words are each reason's name and sentence.
func (r Reason) words() (name, sentence string) {
	switch r {
	case Accepted:
		return "accepted", "the advert passed every check"
	case Truncated:
		return "truncated", "the packet ends before its headers, addresses and authentication data do"
	case Length:
		return "length", "the packet goes on after its addresses and authentication data"
	case ProtocolNumber:
		return "protocol", "the packet is not VRRP's: another IP version, or another protocol number"
	case UnknownRouter:
		return "unknown_virtual_router", "no virtual router here has this number"
	case Own:
		return "own_packet", "the sender has our own address: our packet came back, or two routers share an address"
	case TTL:
		return "ttl", "the TTL or hop limit is not 255, or not in the peer's range: a router forwarded the packet"
	case Destination:
		return "destination", "it came by unicast and this virtual router speaks multicast, or the other way round"
	case NotPeer:
		return "not_a_peer", "the sender is not one of the unicast peers"
	case Version:
		return "version", "the sender speaks another version of VRRP"
	case Type:
		return "type", "the message is not an advertisement"
	case AHMissing:
		return "ah_missing", "there is no authentication header, and this virtual router wants one"
	case AHUnexpected:
		return "ah_unexpected", "there is an authentication header, and this virtual router uses none"
	case AuthenticationType:
		return "authentication_type", "the sender uses another type of authentication"
	case WrongPassword:
		return "password", "the password is not ours"
	case Interval:
		return "interval", "the advertisement interval is not ours (version 2), or 0 (version 3)"
	case Count:
		return "count", "the advert lists no address"
	case Checksum:
		return "checksum", "the checksum is wrong"
	case ICV:
		return "icv", "the authentication header's check value is wrong: another password, or a changed packet"
	case Replay:
		return "replay", "the sequence number is not newer than the last: a packet was sent again"
	case Addresses:
		return "addresses", "the advert lists other addresses than ours"
	}
	return "unknown", "unknown reason"
}

// String is the reason's name for a counter: snake_case.
func (r Reason) String() string { name, _ := r.words(); return name }

// Sentence is the reason for a person.
func (r Reason) Sentence() string { _, sentence := r.words(); return sentence }
