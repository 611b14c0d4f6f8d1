package core

import (
	"context"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// savePiece is how many verdicts the loop tells of at a time, of those that are to be saved.
const savePiece = 500

// saveVerdicts writes the verdicts down if any has changed, beside the loop, which tells of them piece by piece: ten
// thousand take the disk a while. One writing is under way at a time.
func (d *daemon) saveVerdicts(ctx context.Context) {
	if d.director == nil || !d.unsaved.Load() || !d.busy.CompareAndSwap(false, true) {
		return
	}
	d.unsaved.Store(false) // what changes from here on is saved the next time
	d.saving.Go(func() {
		defer d.busy.Store(false)
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
