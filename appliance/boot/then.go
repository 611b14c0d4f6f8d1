package boot

// How a person goes on after a step of the way up has failed. The console prints it below what went wrong.
const (
	noWatchdog = `The box works, but a box that hangs is not reset by itself.`
	noData     = `The box runs without it: what it is told now is gone after a restart.
If the disk is too small: give the machine one of 2 GiB or more, and start it
again. If it is damaged: "dmesg | tail -50" in Shell of the menu says how. Try
another disk; or write the image to this one again, which removes everything
that the box was told.`
	mendedData = `See Configuration in the menu for whether it is complete, and put a good
version in use again. A disk that does this again is worn out.`
	noConfiguration = `The configuration can be put in use at this console: choose Configuration in
the menu.`
)
