package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/image/lab"
	"github.com/evenkeel/evenkeel/image/lab/stage"
	"github.com/evenkeel/evenkeel/image/lab/traffic"
)

// The priorities of the two directors.
const (
	masterPriority = 150
	backupPriority = 100
)

// startMaster starts evenkeel on dir1, until it has the address and the whole table.
func (d *show) startMaster(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	if err := d.stage.Configure(ctx, configuration("dir1", masterPriority)); err != nil {
		return 0, err
	}
	if err := d.stage.Start(ctx); err != nil {
		return 0, err
	}
	if _, err := d.stage.UntilTable(ctx, patience, service, table(weights)); err != nil {
		return 0, err
	}
	if err := untilHolds(ctx, d.stage, true); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

// untilHolds waits until a director has the virtual address, or has it no more.
func untilHolds(ctx context.Context, s *stage.Stage, want bool) error {
	_, err := s.Until(ctx, patience, func() error {
		out, _, err := s.Director.Run(ctx, "ip -o address show dev eth0")
		if err == nil && strings.Contains(out, " "+lab.VIP+"/") != want {
			err = fmt.Errorf("that %s has the virtual address should be %t: %s", s.Director.Name(), want, out)
		}
		return err
	})
	return err
}

// takeOver cuts the power of the master under traffic that does not stop until it is back.
func (d *show) takeOver(ctx context.Context, l *lab.Lab) error {
	out, exit, err := d.stage.Evenkeel(ctx, "vrrp", "status")
	if err != nil {
		return err
	}
	d.text("Now the directors. dir1 is master, by evenkeel vrrp status:")
	d.block(out)
	d.expect(exit == 0, "evenkeel vrrp status failed")
	d.text("Again the client asks every 20 ms, without a pause.")
	d.stream = traffic.Start(ctx, 20*time.Millisecond, d.ask)
	if err := pause(ctx, time.Second); err != nil {
		return err
	}
	d.step("cutting the power of dir1, until dir2 answers")
	cut := time.Now()
	l.Directors[0].Kill()
	answered, err := d.untilAnswered(ctx, cut)
	if err != nil {
		return err
	}
	d.done("%s", seconds(answered.Sub(cut)))
	if err := untilHolds(ctx, d.backup, true); err != nil {
		return err
	}
	if err := pause(ctx, time.Second); err != nil {
		return err
	}
	d.survived("dir1 lost its power", traffic.Between(d.stream.Answers(), cut.Add(-time.Second), time.Now()))
	return nil
}

// untilAnswered waits for the first answer to a request that began after a time, and returns when it came.
func (d *show) untilAnswered(ctx context.Context, since time.Time) (time.Time, error) {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		for _, a := range traffic.Between(d.stream.Answers(), since, time.Now()) {
			if a.Err == nil {
				return a.Ended, nil
			}
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return time.Time{}, err
		}
	}
	return time.Time{}, fmt.Errorf("the client gets no answer for %v", patience)
}

// survived measures what the client felt of something.
func (d *show) survived(what string, answers []traffic.Answer) {
	var longest time.Duration
	var last time.Time // of the last answer
	for _, a := range answers {
		if a.Err != nil {
			continue
		}
		if !last.IsZero() {
			longest = max(longest, a.Ended.Sub(last))
		}
		last = a.Ended
	}
	failed := traffic.Failures(answers)
	d.measure(what+": requests", "%d", len(answers))
	d.measure("  failed", "%d", len(failed))
	d.measure("  longest time without an answer", "%s", seconds(longest))
	for _, a := range failed {
		d.text("    " + a.String())
	}
}

// comeBack starts dir1 again, which takes the role back.
func (d *show) comeBack(ctx context.Context, l *lab.Lab) error {
	d.step("booting dir1 again and starting evenkeel, until it is master again")
	began := time.Now()
	if _, err := l.StartDirector(ctx, 0); err != nil {
		return err
	}
	d.stage = stage.New(l, 0)
	if _, err := d.startMaster(ctx); err != nil {
		return err
	}
	if err := untilHolds(ctx, d.backup, false); err != nil { // until dir2 has heard of it, the client may be served by either
		return err
	}
	back := time.Now()
	d.done("%s", seconds(back.Sub(began)))
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	all := d.stream.Stop()
	d.survived("dir1 came back", traffic.Between(all, began, time.Now()))
	after := traffic.Failures(traffic.Between(all, back, time.Now()))
	d.expect(len(after) == 0, "%d requests failed after dir1 was back", len(after))
	return untilHolds(ctx, d.backup, false)
}
