package boot

// How a person goes on after a step of the way up has failed. The console prints it below what went wrong.
const (
	noWatchdog = `The box works, but a box that hangs is not reset by itself.`
	noData     = `The box runs without it: what it is told now is gone after a restart.
With a disk that is too small: give the machine a larger one (2 GiB are enough) and start it again.
With a file system that is damaged: choose Shell in the menu and mend it with "e2fsck -y DEVICE", which may lose files; or write the
image to the disk again. "dmesg" says more.`
	noConfiguration = `The configuration can be put in use at this console: choose Configuration in the menu.`
)
