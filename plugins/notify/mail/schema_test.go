package mail

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatIsNoMailAddressIsRefusedAtItsPlace(t *testing.T) {
	ds := Plugin().Validate([]byte(`{"to":["dba@example.com","dba at example.com"],"from":"evenkeel@lb1","smtp":{"server":"192.0.2.1:25","timeout":"30s"}}`))
	var paths [][]string
	for _, d := range ds {
		paths = append(paths, d.Path)
	}
	if diff := cmp.Diff([][]string{{"to", "1"}}, paths); diff != "" {
		t.Errorf("complaints (-want +got):\n%s\n%v", diff, ds)
	}
}

func TestAGoodBlockIsAccepted(t *testing.T) {
	if ds := Plugin().Validate([]byte(`{"to":["dba@example.com"],"from":"Evenkeel <evenkeel@lb1.example.com>","smtp":{"server":"192.0.2.1:25"}}`)); len(ds) != 0 {
		t.Errorf("got %v", ds)
	}
}
