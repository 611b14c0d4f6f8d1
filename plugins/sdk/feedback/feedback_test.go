package feedback

import (
	"fmt"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// probed is what becomes of a line: "down: REASON", "up", or "33%: REASON".
func probed(t testing.TB, line string) string {
	ctx, said := sdk.Weighing(t.Context())
	if err := Probe(ctx, "the agent", line); err != nil {
		return "down: " + err.Error()
	}
	f, reason := said()
	if f == 0 {
		return "up"
	}
	return f.String() + ": " + reason
}

func TestWhatALineMeans(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"up", "up"},
		{"ready", "up"},
		{"UP Ready", "up"},
		{"75%", "75%: the agent says 75%"},
		{"up 75%", "75%: the agent says 75%"},
		{"ready,up,\t75%", "75%: the agent says 75%"},
		{"0%", "0%: the agent says 0%"},
		{"150% # cache is warm", "150%: the agent says 150%: cache is warm"},
		{"1001%", "1000%: the agent says 1000%"},
		{"99999999999999999999999%", "1000%: the agent says 1000%"},
		{"80% 20%", "20%: the agent says 20%"},
		{"drain", "0%: the agent says drain"},
		{"drain 50%", "0%: the agent says drain"},
		{"ready drain#patching", "0%: the agent says drain: patching"},
		{"maxconn:30", "up"},
		{"up maxconn:30 50%", "50%: the agent says 50%"},
		{"down", "down: the agent says down"},
		{"down #disk is full, up to the brim", "down: the agent says down: disk is full, up to the brim"},
		{"fail", "down: the agent says fail"},
		{"FAILED", "down: the agent says failed"},
		{"stopped # on purpose", "down: the agent says stopped: on purpose"},
		{"maint", "down: the agent says maint"},
		{"up 100% down", "down: the agent says down"},
		{"", "down: the agent says nothing"},
		{" , \t", "down: the agent says nothing"},
		{"# nothing but words", "down: the agent says nothing"},
		{"75", `down: the agent says "75", which is no word of it: up, down, drain, maint, 75%`},
		{"-5%", `down: the agent says "-5%", which is no word of it: up, down, drain, maint, 75%`},
		{"%", `down: the agent says "%", which is no word of it: up, down, drain, maint, 75%`},
		{"maxconn:", `down: the agent says "maxconn:", which is no word of it: up, down, drain, maint, 75%`},
		{"uptime 3 days", `down: the agent says "uptime", which is no word of it: up, down, drain, maint, 75%`},
		{strings.Repeat("x", 100), `down: the agent says "` + strings.Repeat("x", 40) + `...", which is no word of it: up, down, drain, maint, 75%`},
	} {
		if got := probed(t, tt.line); got != tt.want {
			t.Errorf("%q:\ngot  %s\nwant %s", tt.line, got, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"up 75%", "down # x", "drain,maint", "maxconn:1", "\xff%", "#", "000000000000000000000000001%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		b, err := Parse(line)
		switch {
		case err != nil && b != (Feedback{}) && b.Why == "":
			t.Errorf("%q is wrong, and means %+v", line, b)
		case err == nil && (b.Percent < 0 || b.Percent > sdk.MaxPercent || b.Percent != 0 && !b.Weighs):
			t.Errorf("%q means %+v", line, b)
		case err != nil && len(fmt.Sprint(err)) > 512:
			t.Errorf("%q: a reason of %d bytes", line, len(err.Error()))
		}
	})
}
