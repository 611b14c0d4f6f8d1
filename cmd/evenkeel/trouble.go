package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/appliance/problem"
)

// A condition is how a box is, as far as a person may have to do something about it.
type condition struct {
	network    []string      // what the appliance block asks for and can't be
	ill        error         // why evenkeel does not do its work; nil: it does
	since      time.Duration // for as long
	free, size uint64        // of the data partition, in MiB
}

const (
	// startPatience is how long evenkeel may take to start, or to start a plugin again, before a person is told.
	startPatience = 30 * time.Second
	// fullPercent is what has to be left of the data partition.
	fullPercent = 3
)

// problems are in words what is wrong, and how to go on.
func (c condition) problems() []problem.Problem {
	var ps []problem.Problem
	for _, n := range c.network {
		ps = append(ps, problem.Problem{What: "network: " + n, Then: `Plug the cable in, or choose Network in the menu to see which cards there are, and Configuration to name another.`})
	}
	if c.ill != nil && c.since > startPatience {
		ps = append(ps, problem.Problem{What: c.ill.Error(), Then: `It is tried again and again. Choose Events or Status in the menu for why; "dmesg" in Shell says more.`})
	}
	if c.size > 0 && c.free*100 < c.size*fullPercent {
		ps = append(ps, problem.Problem{What: fmt.Sprintf("the data partition is full: %d of %d MiB are left", c.free, c.size), Then: `Changes of the configuration can't be kept, and the log is not. Choose Shell in the menu, and remove what is large:
du -xk /data | sort -n | tail`})
	}
	return ps
}

// room returns what is left on a file system, and how large it is, in MiB.
func room(dir string) (free, size uint64) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return 0, 0 // that it is missing is said by who mounts it
	}
	return fs.Bavail * uint64(fs.Bsize) >> 20, fs.Blocks * uint64(fs.Bsize) >> 20
}

// feels notes how evenkeel is.
func (b *box) feels(ill error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ill == nil {
		b.since = time.Now()
	}
	b.ill = ill
}

// tell tells whoever comes to a console what is wrong.
func (b *box) tell(ctx context.Context) error {
	last := ""
	return every(ctx, 5*time.Second, func() {
		var c condition
		c.free, c.size = room(dataFolder)
		for _, p := range b.network.Status().Problems {
			c.network = append(c.network, p.String())
		}
		b.mu.Lock()
		c.ill, c.since = b.ill, time.Since(b.since)
		b.mu.Unlock()
		ps := c.problems()
		if now := fmt.Sprint(ps); now != last {
			last = now
			if err := problem.Tell(problem.DefaultDir, "box", ps); err != nil {
				b.log.Error("the consoles do not say what is wrong", "error", err)
			}
		}
	})
}
