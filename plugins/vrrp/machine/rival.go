package machine

// meet notes another master that this one does not yield to. Of several, the first is the rival until it ends.
func (in *Instance) meet(a Advert) {
	if !in.rival.Source.IsValid() {
		in.rivalSince = in.router.now
		in.rival = a
		in.router.emit(Action{Instance: in, Kind: Rival, Begins: true, Peer: a.Source, Priority: a.Priority})
	}
	if in.rival.Source == a.Source {
		in.rival = a
		in.set(rivalSilent, in.router.now+masterDownTime(in.config.Version, in.priority, in.intervalOf(a)))
	}
}

// rivalGone ends the rival and announces once more: what it announced last may have come after our own.
func (in *Instance) rivalGone(reason string) {
	in.endRival(reason)
	in.announce(in.config.Announce.LowerPriorityRepeat)
}

// endRival forgets the rival, if there is one.
func (in *Instance) endRival(reason string) {
	if in.rival.Source.IsValid() {
		in.router.emit(Action{Instance: in, Kind: Rival, Peer: in.rival.Source, Priority: in.rival.Priority, Reason: reason})
	}
	in.rival, in.rivalSince = Advert{}, 0
	in.set(rivalSilent, never)
}

// stubborn says whether the sender is a second owner of the addresses that should have yielded to this one long ago:
// it was answered for three of its intervals. Two owners are a mistake that neither can correct; then this one yields,
// for an address in one place is better than in two.
func (in *Instance) stubborn(a Advert) bool {
	return a.Priority == Owner && in.priority == Owner && a.Source == in.rival.Source &&
		in.router.now-in.rivalSince >= 3*max(in.intervalOf(a), in.config.AdvertInterval)
}
