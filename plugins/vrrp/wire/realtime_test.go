package wire

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What RealTime takes it takes for the process, so that each test of it starts one: this test binary, with this variable.
const childVariable = "EVENKEEL_REALTIME_CHILD"

func TestMain(m *testing.M) {
	if kind := os.Getenv(childVariable); kind != "" {
		if err := child(kind); err != nil {
			fmt.Println("child:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child calls RealTime, and prints what it got.
func child(kind string) error {
	switch kind {
	case "unprivileged":
		for resource, most := range map[int]uint64{unix.RLIMIT_MEMLOCK: 8 << 20, unix.RLIMIT_RTPRIO: 0, unix.RLIMIT_RTTIME: 200000} {
			if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: most / 2, Max: most}); err != nil {
				return err
			}
		}
		if err := syscall.Setuid(65534); err != nil {
			return err
		}
	case "limited":
		if err := unix.Setrlimit(unix.RLIMIT_RTTIME, &unix.Rlimit{Cur: 1000, Max: math.MaxUint64}); err != nil {
			return err
		}
	}
	idle := make(chan struct{})
	for range 3 { // some threads of other goroutines, before and after
		go func() { runtime.LockOSThread(); <-idle }()
	}
	time.Sleep(10 * time.Millisecond)
	grant, err := RealTime(40)
	for range 3 {
		go func() { runtime.LockOSThread(); <-idle }()
	}
	time.Sleep(10 * time.Millisecond)
	fmt.Printf("grant: %v\nerror: %v\nself: %d\n", grant, err, unix.Gettid())
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	os.Stdout.Write(regexp.MustCompile(`VmLck:.*\n`).Find(status))
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			return err
		}
		attr, err := unix.SchedGetAttr(id, 0)
		if err != nil {
			return err
		}
		fmt.Printf("thread %d: policy %d priority %d\n", id, attr.Policy, attr.Priority)
	}
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_RTTIME, &l); err != nil {
		return err
	}
	fmt.Printf("time: %d\n", l.Cur)
	if kind == "busy" {
		lateness()
	}
	return nil
}

// run returns what a child of a kind printed.
func run(t *testing.T, kind string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("gives a process real-time scheduling and takes it away, which takes root")
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+kind)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

func wants(t *testing.T, out string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile(p).MatchString(out) {
			t.Errorf("%q is not in:\n%s", p, out)
		}
	}
}

func TestNSRealTimeTakesTheWholeProcess(t *testing.T) {
	out := run(t, "privileged")
	wants(t, out, "grant: memory is locked, scheduled in real time\n", "error: <nil>", `VmLck:\s+[1-9]`, "time: 18446744073709551615")
	self := regexp.MustCompile(`self: (\d+)`).FindStringSubmatch(out)[1]
	threads := regexp.MustCompile(`thread (\d+): (.*)`).FindAllStringSubmatch(out, -1)
	if len(threads) < 7 {
		t.Errorf("only %d threads", len(threads))
	}
	for _, thread := range threads {
		want := "policy 2 priority 39"
		if thread[1] == self {
			want = "policy 2 priority 40"
		}
		if thread[2] != want {
			t.Errorf("thread %s (the loop is %s): %s, want %s", thread[1], self, thread[2], want)
		}
	}
}

func TestNSRealTimeSaysInWordsWhatItCouldNotHave(t *testing.T) {
	out := run(t, "unprivileged")
	wants(t, out, "grant: nothing\n", "lock memory: no CAP_IPC_LOCK, and RLIMIT_MEMLOCK is at most 8388608",
		"schedule the threads in real time at priority (39|40): operation not permitted",
		`RLIMIT_RTTIME \(in microseconds\) is at most 200000`, `VmLck:\s+0`, "time: 200000")
	if strings.Contains(out, "policy 2") {
		t.Errorf("some threads are scheduled in real time:\n%s", out)
	}
}

func TestNSRealTimeLiftsTheTimeLimit(t *testing.T) {
	wants(t, run(t, "limited"), "error: <nil>", "time: 18446744073709551615")
}

// lateness prints how late deadlines come, 10 ms apart, while memory is allocated and freed.
func lateness() {
	p, err := NewPoller()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	go func() {
		for {
			bytes.Repeat([]byte("x"), 64<<10)
			time.Sleep(time.Millisecond)
		}
	}()
	tokens := make([]Token, 1)
	var late []time.Duration
	for next := Now(); len(late) < 200; next += 10 * time.Millisecond {
		if err := p.SetDeadline(next); err != nil {
			fmt.Println(err)
		}
		if _, err := p.Wait(tokens); err != nil {
			fmt.Println(err)
		}
		late = append(late, Now()-next)
	}
	slices.Sort(late)
	fmt.Printf("late: median %v, 99 of 100 %v, most %v\n", late[100], late[198], late[199])
}

func TestNSTimerPrecisionIsPrinted(t *testing.T) {
	out := run(t, "busy")
	wants(t, out, "late: median")
	t.Log(regexp.MustCompile("late: .*").FindString(out))
}
