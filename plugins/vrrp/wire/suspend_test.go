package wire

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A machine that was suspended for a day differs from others in CLOCK_BOOTTIME, which a time namespace can have as well
// (time_namespaces(7)). So this test runs itself in one.
func TestNSDeadlinesGoOnWhileTheMachineIsSuspended(t *testing.T) {
	const inside, day = "EVENKEEL_TEST_SUSPENDED", 24 * time.Hour
	if os.Getenv(inside) == "" {
		if os.Geteuid() != 0 {
			t.Skip("makes a time namespace, which takes root")
		}
		c := exec.CommandContext(t.Context(), "unshare", "--time", "--boottime", "86400", "--fork", "--kill-child", os.Args[0], "-test.run", "^"+t.Name()+"$")
		c.Env = append(os.Environ(), inside+"=1")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	var awake unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &awake); err != nil {
		t.Fatal(err)
	}
	if asleep := Now() - time.Duration(awake.Nano()); asleep < day {
		t.Fatalf("the clock is %v ahead of the time awake, want a day or more", asleep)
	}
	p := poller(t)
	began := time.Now()
	deadline(t, p, Now()+20*time.Millisecond)
	if got := wait(t, p, 1); len(got) != 1 || got[0] != Timer {
		t.Errorf("%v is ready", got)
	}
	if took := time.Since(began); took < 15*time.Millisecond || took > time.Second {
		t.Errorf("a deadline in 20 ms came after %v", took)
	}
	deadline(t, p, Now()-day) // what was due while it was suspended
	if got := wait(t, p, 1); len(got) != 1 || got[0] != Timer {
		t.Errorf("%v is ready", got)
	}
}
