package director

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func TestANoteIsAnEventAndChangesNothingElse(t *testing.T) {
	d, _ := New(&config.Config{}, Seed{NextEvent: 7})
	before := d.Table()
	now := time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC)
	out := d.Step(Note{Now: now, Kind: "plugin", Subject: "check-http", To: "backoff", Reason: "exit status 2"})
	want := Output{Events: []sdk.Event{{ID: 7, Time: now, Kind: "plugin", Subject: "check-http", To: "backoff", Reason: "exit status 2"}}}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("the step's output (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, d.Table()); diff != "" {
		t.Errorf("the table changed (-before +after):\n%s", diff)
	}
}
