package ssh

import (
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func TestOneBadLineIsNamedOnceAndTheOthersAreGood(t *testing.T) {
	a, b := newKey(t), newKey(t)
	text := []byte("# keys\n" + line(a) + "\r\n\nno-pty " + line(a) + "\n   " + line(b) + " bob")
	var log journal
	var ring keyring
	logger := hclog.New(&hclog.LoggerOptions{Output: &log})
	for range 3 {
		if got := ring.read(logger, "/data/console/authorized_keys", text); len(got) != 2 || got[string(b.PublicKey().Marshal())].Comment != "bob" {
			t.Errorf("the keys are %v", got)
		}
	}
	if s := log.String(); strings.Count(s, "authorized_keys:") != 1 || !strings.Contains(s, "line=/data/console/authorized_keys:4") {
		t.Errorf("the log is\n%s", s)
	}
	if got := ring.read(logger, "x", nil); len(got) != 0 {
		t.Errorf("an empty file has keys: %v", got)
	}
}
