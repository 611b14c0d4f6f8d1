package ntp

import (
	"fmt"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Config is what check "ntp" may hold beside what every check has.
type Config struct {
	MaxStratum int            `attr:"max_stratum" default:"15" doc:"how far the server may be from a reference clock"`
	MaxOffset  *time.Duration `attr:"max_offset" doc:"how far its clock may be from this machine's; they are not compared without it"`
}

// Validate refuses what cannot work.
func (c Config) Validate() []sdk.Diagnostic {
	var list []sdk.Diagnostic
	if c.MaxStratum < 1 || c.MaxStratum > lastStratum {
		list = append(list, sdk.Diagnostic{Path: []string{"max_stratum"}, Summary: "no such stratum",
			Detail: fmt.Sprintf("it is a number from 1 to %d", lastStratum)})
	}
	if c.MaxOffset != nil && *c.MaxOffset <= 0 {
		list = append(list, sdk.Diagnostic{Path: []string{"max_offset"}, Summary: "no clock is that exact",
			Detail: `write some time: "500ms"`})
	}
	return list
}

// lastStratum is the largest of a clock that is synchronised: RFC 5905, figure 11.
const lastStratum = 15
