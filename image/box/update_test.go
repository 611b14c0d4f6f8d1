package box_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/image/box"
	"github.com/evenkeel/evenkeel/image/disk"
	"github.com/evenkeel/evenkeel/image/lab/traffic"
)

// pack makes an update of a slot, with tools that are not ours: what a maker of a release could do by hand. It is a disk for the
// box.
func pack(t *testing.T, version, slotFile, key string) string {
	t.Helper()
	dir := t.TempDir()
	content, err := os.ReadFile(slotFile)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := json.Marshal(map[string]any{
		"format": 1, "product": "evenkeel", "architecture": "amd64", "version": version, "size": len(content),
		"sha256": fmt.Sprintf("%x", sha256.Sum256(content)),
	})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "manifest.json"), manifest, 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "slot"), content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	run(t, "minisign", "-S", "-s", key, "-m", filepath.Join(dir, "manifest.json"))
	run(t, "tar", "--format=ustar", "-C", dir, "-cf", filepath.Join(dir, "update"), "manifest.json", "manifest.json.minisig", "slot")
	return filepath.Join(dir, "update")
}

// releaseKey is the secret key whose public one is in the image.
func releaseKey(t *testing.T) string {
	return filepath.Join(filepath.Dir(image(t)), "keys", "test.key")
}

// anotherKey is one that the image does not know.
func anotherKey(t *testing.T) string {
	t.Helper()
	key := filepath.Join(t.TempDir(), "another")
	run(t, "minisign", "-G", "-W", "-s", key+".key", "-p", key+".pub")
	return key + ".key"
}

// panicking is a slot whose kernel panics: it says that its data have another hash than they have.
func panicking(t *testing.T) string {
	t.Helper()
	path := slot(t)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := regexp.MustCompile(`evenkeel-verity 1 [0-9a-f]{64} `).FindIndex(content)
	if at == nil {
		t.Fatal("the slot does not say how it is checked")
	}
	copy(content[at[1]-9:], "00000000")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// cutOff is an update of which the second half is missing.
func cutOff(t *testing.T, update string) string {
	t.Helper()
	content, err := os.ReadFile(update)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "update")
	if err := os.WriteFile(path, content[:len(content)/2&^511], 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// shell takes a box that has just started to a shell at its console. The first time it has no password yet.
func (s *session) shell(first bool) {
	s.t.Helper()
	if first {
		s.answers(reply{"New password", password}, reply{"The password again", password})
	} else {
		s.logsIn()
	}
	s.chooses("Shell")
	s.shows(`comes back to the menu`)
}

// hasMemory measures, at a shell, how many MiB are available (proc_meminfo(5)), and wants so many at least.
func (s *session) hasMemory(least int) {
	s.t.Helper()
	s.types("grep MemAvailable /proc/meminfo")
	line := s.shows(`MemAvailable: +\d+ kB`)
	var kib int
	if _, err := fmt.Sscanf(line, "MemAvailable: %d kB", &kib); err != nil {
		s.t.Fatalf("%q: %v", line, err)
	}
	s.t.Logf("measured: %d MiB of memory are available to a director that works", kib>>10)
	if kib>>10 < least {
		s.t.Errorf("%d MiB of memory are available, want %d", kib>>10, least)
	}
}

// hasSlots waits, at a shell, until evenkeel says of the slots what it should.
func (s *session) hasSlots(lines ...string) {
	s.t.Helper()
	for _, l := range lines {
		s.types(`until evenkeel slots | grep "` + l + `"; do sleep 1; done`)
		s.says(strings.ReplaceAll(l, "  *", " +"))
	}
}

func TestImageTakesAnUpdateAndUndoesOneThatDoesNotComeUp(t *testing.T) {
	t.Parallel()
	good, bad := pack(t, "2.0", slot(t), releaseKey(t)), pack(t, "3.0", panicking(t), releaseKey(t))
	path := newLoggingDisk(t)
	damage(t, path, disk.Counter, 0, disk.CounterSize)
	volumes := []string{good, bad, pack(t, "2.0", slot(t), anotherKey(t)), cutOff(t, good), cidata(t, configuration)}
	const theGood, theBad, anothers, half = "/dev/vdb", "/dev/vdc", "/dev/vdd", "/dev/vde"
	s := boot(t, box.Options{Disk: path, Volumes: volumes})

	s.says(`slot A, tries left: A 2, B 3`)
	s.says(`the boot counter was damaged, .*: it is mended`)
	s.says(`evenkeel \S+, slot A, kernel`)
	s.shell(true)
	s.types("evenkeel update " + anothers)
	s.says(`evenkeel: the update is not signed by a key of this box`)
	s.types("evenkeel update " + half)
	s.says(`evenkeel: the update is cut off`)
	s.hasSlots(`^A .* runs  *3`, `^B .* can take over  *3`)

	s.types("evenkeel update " + theGood)
	s.says(`version 2.0 into slot B`)
	s.says(`verified 100%`)
	s.says(`slot B, tries left: A 3, B 2`)
	s.says(`version 2.0 runs on trial`)
	s.shell(false)
	s.hasSlots(`^B .* runs  *3`)
	s.types("evenkeel update " + theBad)
	for _, left := range []string{"A 2", "A 1", "A 0"} {
		s.says(`slot A, tries left: ` + left)
		s.says(`Kernel panic`)
	}
	s.says(`slot B, tries left: A 0, B 2`)
	s.says(`version 3.0 did not come up; this is the version before it`)
	s.shell(false)
	s.types("evenkeel update " + theBad)
	s.says(`version 3.0 was tried at .* and did not come up; --force tries it again`)

	s.types("evenkeel factory-reset --yes")
	s.says(`slot B, tries left`)
	s.says(`the box has forgotten everything, as it was told to`)
	s.says(`the configuration was taken from`)
	s.shell(true)
}

// A box whose power is cut at any step of an update has a whole system: the old one until the counter is set, the new one then.
func TestImageSurvivesAPowerCutAtEachStepOfAnUpdate(t *testing.T) {
	t.Parallel()
	path := newLoggingDisk(t)
	volumes := []string{pack(t, "2.0", slot(t), releaseKey(t)), cidata(t, configuration)}
	start := func(slotAndTries string) *session {
		t.Helper()
		s := boot(t, box.Options{Disk: path, Volumes: volumes})
		s.says(slotAndTries)
		return s
	}
	for i, step := range []string{`^written 50%`, `^verified 50%`, `^the next start of the box tries it`} {
		s := start(`^slot A, tries left: A 2, B 0`)
		s.shell(i == 0)
		s.types("evenkeel update --no-restart /dev/vdb")
		s.says(step)
		s.CutPower()
	}
	for _, c := range []struct{ tries, step string }{
		{`^slot B, tries left: A 3, B 2`, `initrd.img: OK`},
		{`^slot B, tries left: A 3, B 1`, `version 2.0 runs on trial`},
		{`^slot B, tries left: A 3, B 0`, `its slot is good`},
	} {
		s := start(c.tries)
		s.says(c.step)
		s.CutPower()
	}
	if got, want := counter(t, path), "order=BA left_A=3 left_B=3"; got != want {
		t.Errorf("the counter says %q, want %q", got, want)
	}
}

// publishes has the client's machine serve a file by HTTP, and returns where.
func (n *network) publishes(t *testing.T, path string) string {
	t.Helper()
	if _, err := n.lab.Client.Start(t.Context(), nil, "busybox", "httpd", "-f", "-p", "8000", "-h", filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	return "http://10.77.0.10:8000/" + filepath.Base(path)
}

// updatesThePair updates two directors, on the first of which somebody is at the menu, while a client goes on asking.
func (n *network) updatesThePair(t *testing.T, first *session, stream *traffic.Stream) {
	t.Helper()
	first.chooses("Shell")
	first.shows(`comes back to the menu`)
	first.hasMemory(256)
	from := n.publishes(t, pack(t, "2.0", slot(t), releaseKey(t)))
	begun := time.Now()
	// It is refused until the first director, which has just been started, is good.
	first.types("until evenkeel update --pair " + from + "; do sleep 5; done")
	first.says(`^lb2 runs version \S+, lb1 runs version \S+; both get version 2\.0`)
	first.says(`^lb2: starting again`)
	first.says(`^lb2: does not answer: it is starting`)
	first.says(`^lb2: runs version 2\.0; it has to be well for a minute`)
	first.says(`^lb2 runs version 2\.0 and is well`)
	first.says(`^lb1: hands vips over to lb2`)
	first.says(`^lb1: starting again`)
	n.isMaster(t, 50)
	first.says(`slot B, tries left: A 3, B 2`)
	n.isMaster(t, 100) // it takes its role back when it is good
	n.hears(t, 10)
	all := traffic.Between(stream.Answers(), begun, time.Now())
	n.tells(t, "both directors were updated, one after the other", all)
	n.servesAllBut(t, all)
}
