package gauge

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func proc(list ...[3]string) fstest.MapFS {
	fs := fstest.MapFS{"self/status": {Data: []byte("PPid:\t0\n")}}
	for i, p := range list {
		dir := fmt.Sprint(i + 1)
		fs[dir+"/status"] = &fstest.MapFile{Data: []byte("Name:\tx\nState:\t" + p[1] + " (something)\nPPid:\t" + p[0] + "\nUid:\t0\n")}
		fs[dir+"/cmdline"] = &fstest.MapFile{Data: []byte(p[2])}
		fs[dir+"/smaps_rollup"] = &fstest.MapFile{Data: []byte("00400000-7ffd [rollup]\nRss:        300 kB\nPss:     " + dir +
			"00 kB\nPss_Anon:   1 kB\nPrivate_Clean:  2 kB\nPrivate_Dirty:   50 kB\n")}
	}
	return fs
}

func TestTreeIsAProcessAndAllBelowItThatLive(t *testing.T) {
	fs := proc(
		[3]string{"0", "S", "init"},   // 1
		[3]string{"1", "S", "daemon"}, // 2
		[3]string{"2", "R", "child"},  // 3
		[3]string{"1", "S", "other"},  // 4
		[3]string{"3", "S", "below"},  // 5
		[3]string{"2", "Z", "dead"},   // 6
	)
	got, err := tree(fs, 2)
	if d := cmp.Diff([]int{2, 3, 5}, got); err != nil || d != "" {
		t.Error(err, d)
	}
	for _, gone := range []int{6, 99} {
		if got, err := tree(fs, gone); err == nil {
			t.Errorf("process %d: %v, want an error", gone, got)
		}
	}
}

func TestMemoryOfEachProcess(t *testing.T) {
	fs := proc([3]string{"0", "S", "/usr/sbin/evenkeel\x00run\x00--config\x00x\x00"}, [3]string{"1", "S", "/proc/self/exe\x00plugin\x00ipvs\x00"})
	got, err := memory(fs, 1)
	want := []ProcessMemory{{"evenkeel run", 100, 300, 50}, {"exe plugin ipvs", 200, 300, 50}}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Error(err, d)
	}
}
