package core

import (
	"context"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// savePiece is how many verdicts the loop tells of at a time, of those that are to be saved.
const savePiece = 500

// saveVerdicts writes the verdicts down if any has changed, beside the loop, which tells of them piece by piece: ten
// thousand take a small machine a while, in which it has other things to do. One writing is under way at a time.
func (d *daemon) saveVerdicts(ctx context.Context) {
	if d.director == nil || !d.unsaved.Load() || !d.busy.CompareAndSwap(false, true) {
		return
	}
	begun := time.Now()
	if begun.Before(d.saveAfter) {
		d.busy.Store(false)
		return
	}
	d.unsaved.Store(false) // what changes from here on is saved the next time
	d.saving.Go(func() {
		defer func() {
			d.saveAfter = nextSave(begun, time.Now())
			d.busy.Store(false)
		}()
		verdicts := make(map[string]sdk.Verdict)
		for from, more := 0, true; more; from += savePiece {
			if !d.call(ctx, func() { more = d.director.VerdictsFrom(from, savePiece, verdicts) }) {
				d.unsaved.Store(true)
				return
			}
		}
		d.writeVerdicts(verdicts)
	})
}

// nextSave returns when the verdicts may be written down again after they were from begun to ended: it takes a twentieth of the
// time, but they are not left unwritten for more than half a minute.
func nextSave(begun, ended time.Time) time.Time {
	return ended.Add(min(19*ended.Sub(begun), 30*time.Second))
}

// saveLastVerdicts writes the verdicts down at the end of the loop, and waits for it.
func (d *daemon) saveLastVerdicts() {
	d.saving.Wait()
	if d.director != nil && d.unsaved.Load() {
		d.writeVerdicts(d.director.Verdicts())
	}
}

func (d *daemon) writeVerdicts(verdicts map[string]sdk.Verdict) {
	if err := d.journal.SaveVerdicts(verdicts); err != nil {
		d.log.Error("the verdicts could not be saved; a restart would have to find them anew", "error", err)
	}
}
