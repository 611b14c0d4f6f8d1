package ping

import (
	"fmt"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Config is what check "ping" may hold beside what every check has.
type Config struct {
	Count int `attr:"count" default:"1" doc:"echo requests of one probe, spread over its time-out; one reply is enough"`
	Size  int `attr:"size" default:"56" doc:"data in each request, in bytes"`
	TTL   int `attr:"ttl" default:"64" doc:"time to live of the requests, in hops"`
}

// maxSize keeps a request within the largest IPv4 packet: 65535 less the headers of IP and ICMP.
const maxSize = 65507

// Validate refuses what cannot work.
func (c Config) Validate() []sdk.Diagnostic {
	var list []sdk.Diagnostic
	within := func(attribute string, value, first, last int) {
		if value < first || value > last {
			list = append(list, sdk.Diagnostic{Path: []string{attribute}, Summary: "out of range",
				Detail: fmt.Sprintf("it is a number from %d to %d", first, last)})
		}
	}
	within("count", c.Count, 1, 10)
	within("size", c.Size, nonceBytes, maxSize)
	within("ttl", c.TTL, 1, 255)
	return list
}
