package supervisor

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// unknown is a script that becomes a bad plugin, of which nobody says what it is.
func unknown(t *testing.T, way string) Plugin {
	t.Helper()
	binary := thirdParty(t, thisBinary(t), 0o755)
	p := thirdParty(t, fmt.Appendf(nil, "#!/bin/sh\nexec %s plugin check-%s\n", binary.Path, way), 0o755)
	p.Kind, p.Name = "", ""
	return p
}

func TestAnUnknownPluginIsAskedWhatItIs(t *testing.T) {
	b := newBench(t)
	d, err := b.Describe(t.Context(), unknown(t, "port"))
	if err != nil {
		t.Fatal(err)
	}
	if d.Info.Kind != sdk.KindCheck || d.Info.Name != "port" || d.Instance().Conn() == nil {
		t.Errorf("it is %+v", d.Info)
	}
	d.Close()
	select {
	case <-d.Ended():
	case <-time.After(patience):
		t.Error("its process has not ended")
	}
}

func TestAMistakeOfTheAuthorsIsAFaultThatSaysWhatToDo(t *testing.T) {
	b := newBench(t)
	for way, do := range map[string]string{
		"exits-at-once":     doGoOn,
		"prints-first":      doHandshake,
		"endless-line":      doHandshake,
		"other-version":     doVersion,
		"elsewhere":         doSocket,
		"other-process":     doListen,
		"lies-about-schema": doDescribe,
		"no-service":        doDescribe,
	} {
		_, err := b.Describe(t.Context(), unknown(t, way))
		var fault *Fault
		if !errors.As(err, &fault) || fault.Do != do {
			t.Errorf("%s: %v, whose author is told %+v", way, err, fault)
		}
	}
}

func TestAPluginThatTakesTooLongIsAFaultThatSaysWithWhat(t *testing.T) {
	for way, do := range map[string]string{
		"silent":            doHurry,
		"hangs-in-describe": doAnswer,
	} {
		for timeout := time.Second; ; timeout *= 4 { // on a busy machine one that hangs later takes too long to begin with
			b := newBench(t, func(o *Options) { o.StartTimeout = timeout })
			_, err := b.Describe(t.Context(), unknown(t, way))
			var fault *Fault
			if errors.As(err, &fault) && fault.Do == do {
				break
			}
			if timeout > patience {
				t.Fatalf("%s: %v, whose author is told %+v", way, err, fault)
			}
		}
	}
}

func TestAFileThatCantBeExecutedSaysWhy(t *testing.T) {
	b := newBench(t)
	for content, want := range map[string]string{
		"\x01\x02 no program":      "it can't be started: executing ",
		"#!/no/such/interpreter\n": "the interpreter that its first line names, or its loader, is not there",
	} {
		_, err := b.Describe(t.Context(), thirdParty(t, []byte(content), 0o755))
		if err == nil || !strings.Contains(err.Error(), want) || errors.As(err, new(*Fault)) {
			t.Errorf("%q: %v", content, err)
		}
	}
}

func TestATemporarySupervisorLeavesNothing(t *testing.T) {
	s, err := NewTemporary(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context(), Ending{}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left", s.folder)
	}
}
