package console

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheNetworkIsShownWithItsAddresses(t *testing.T) {
	var out strings.Builder
	if err := Network(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "lo  ") || !strings.Contains(out.String(), "mtu ") {
		t.Errorf("got\n%s", out.String())
	}
}

func TestWhatIsLiveIsShownAgainUntilEnterIsPressed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		typed, typing := io.Pipe()
		var out strings.Builder
		shown := 0
		go func() {
			time.Sleep(7 * time.Second)
			_, _ = io.WriteString(typing, "\n")
		}()
		l := NewLines(pipe{typed, &out})
		err := Live(t.Context(), l, 2*time.Second, func(w io.Writer) error {
			shown++
			if shown == 2 {
				return errors.New("no evenkeel answers")
			}
			fmt.Fprintf(w, "status %d\n", shown)
			return nil
		})
		if err != nil || shown != 4 {
			t.Errorf("shown %d times, %v; want 4", shown, err)
		}
		if !strings.Contains(out.String(), "status 4\n") || !strings.Contains(out.String(), "! No evenkeel answers.") {
			t.Errorf("got\n%s", out.String())
		}
	})
}
