package sdk

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"
)

// The core reads a plugin's stderr. One that is stopped reads nothing, and the pipe fills: a vrrp plugin must go on.
func TestALogThatNobodyReadsHoldsUpNobody(t *testing.T) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	b := &backlog{to: descriptor(pipe[1])}
	log := hclog.New(&hclog.LoggerOptions{Output: b, JSONFormat: true, Level: hclog.Debug})
	const lines = 20_000
	done := make(chan time.Duration)
	go func() {
		var longest time.Duration
		for n := range lines {
			began := time.Now()
			log.Debug("transition", "number", n)
			longest = max(longest, time.Since(began))
		}
		done <- longest
	}()
	select {
	case longest := <-done:
		t.Logf("the longest of %d lines took %v", lines, longest)
	case <-time.After(20 * time.Second):
		t.Fatal("who logs waits for who reads")
	}
	kept := b.take()
	if len(kept) != backlogMost || !bytes.Contains(kept[backlogMost-1], fmt.Appendf(nil, `"number":%d`, lines-1)) {
		t.Errorf("%d lines are kept, and the last is %s", len(kept), kept[len(kept)-1])
	}
}
