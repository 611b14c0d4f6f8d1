package lab_test

import (
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/image/lab"
	"github.com/evenkeel/evenkeel/image/lab/demo"
)

// What make demo shows must be so.
func TestVMDemo(t *testing.T) {
	need(t, lab.UML)
	var out strings.Builder
	if err := demo.Run(ctx, &out, demo.Options{Evenkeel: evenkeel(t), Agent: agent(t)}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"rs3", "DOWN", "failed after the verdict                            0", "cutting the power of dir1", "All as it should be"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the demonstration does not show %q:\n%s", want, out.String())
		}
	}
	for i, r := range []byte(out.String()) {
		if r != '\n' && (r < ' ' || r > '~') {
			t.Fatalf("byte %d of the demonstration is %q: it must be plain ASCII", i, r)
		}
	}
}

// A core that can't do its work makes the demonstration fail, and its end says why.
func TestVMDemoFailsWithABinaryThatIsNoDirector(t *testing.T) {
	need(t, lab.UML)
	var out strings.Builder
	err := demo.Run(ctx, &out, demo.Options{Evenkeel: "/bin/busybox", Agent: agent(t)})
	if err == nil || !strings.Contains(out.String(), " failed\n") {
		t.Errorf("got %v\n%s", err, out.String())
	}
}
