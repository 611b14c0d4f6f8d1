package console

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAPersonSetsUpABoxInForms(t *testing.T) {
	e := newEmulator(t, 80, 24)
	done := e.sits(Setup{Forms: e.forms(), Confirm: "Shall the box be set up like this?"}, twoCards())
	e.sees("| Name of this director")
	e.sends(clear0 + "lb_1" + enter)
	e.sees(`! "lb_1" is no host name: write letters`)
	e.sees("> lb_1") // to be corrected
	e.sends("\x7f\x7f1" + enter)
	e.sees("> 1) no             one card")
	e.sends("<") // of which messages tell
	e.sees("| > lb1")
	e.sends(clear0 + "<" + enter)
	e.sees("! This is the first question.")
	e.sends(clear0 + "lb1" + enter)
	e.sees("> 1) no             one card")
	e.sends(enter)
	e.sees("| Which network card?")
	e.sends(down + down + enter) // auto
	e.sees("The card is eth0.")
	e.sees("| VLAN on it")
	e.sends(enter)
	e.sees("| How does the box get its address?")
	e.sends(enter)
	e.sees("| Address of this box, with the length of its network")
	e.sends("192.168.12.11" + enter)
	e.sees("! The length of the network is missing")
	e.sends("/24" + enter)
	e.sees("| Gateway to other networks")
	e.sends("192.168.12.1" + enter)
	e.sees("| Name servers (DNS)")
	e.sends(shiftTab)
	e.sees("| > 192.168.12.1")
	e.sends("\x1b\t") // Shift+Tab of Linux's own screen
	e.sees("| > 192.168.12.11/24")
	e.sends(enter + enter)
	e.sees("| Name servers (DNS)")
	e.sends("192.168.12.1" + enter)
	e.sees("| Do the real servers have a network of their own?")
	e.sends(down + enter)
	e.sees("| Password of the console")
	e.sends("correct horse" + enter)
	e.sees("| The password again")
	e.sends("correct house" + enter)
	e.sees("! This is not the same as the first: write it again, or < to go back to the")
	e.sends("correct horse" + enter)
	e.sees("| Public key for SSH")
	e.sends(enter)
	e.sees("| Time servers (NTP)")
	e.sends(clear0 + "192.168.12.1" + enter)
	e.sees("| One director, or two that stand in for each other?")
	e.sends(down + enter) // first
	e.sees("| Address of the other director, if adverts can't go by multicast")
	e.sends(enter)
	e.sees("| VIPs, each with the length of its network")
	e.sends("192.168.12.135/24" + enter + enter + enter)
	e.sees("| Name of the virtual server")
	e.sends(enter)
	e.sees("| Protocol")
	e.sends(enter + enter)
	e.sees("| How do packets reach the real servers?")
	golden(t, "forms.screen", e.shown())
	documented(t, "forms.screen")
	e.sends(enter)
	e.sees("| Real servers")
	e.sends("192.168.12.246 192.168.12.237:8080" + enter)
	e.sees("! With dr packets arrive at the port they were sent to: write")
	golden(t, "wrong.screen", e.shown())
	e.sends(clear0 + "192.168.12.246 192.168.12.237" + enter)
	e.sees("| Which real server gets a new connection?")
	e.sends("2" + enter + enter)
	e.sees("| How is a real server known to work?")
	e.sends(enter)
	e.sees("| Page to ask for")
	e.sends(clear0 + "/health" + enter + enter)
	e.sees("| Name of one more virtual server")
	e.sends(enter)
	e.sees("| Who gets a mail")
	e.sends(enter)
	e.sees("| Shall the box be set up like this?")
	golden(t, "confirm.screen", e.shown())
	e.sends(escapeKey)
	e.sees("| Who gets a mail")
	e.sends(enter)
	e.sees("| Shall the box be set up like this?")
	e.sends(pageDown + pageDown + pageDown + pageDown)
	e.sees("192.168.12.237:80")
	e.sends("y" + enter)
	got := <-done
	if got.err != nil {
		t.Fatal(got.err)
	}
	screen, err := os.ReadFile("testdata/box.screen")
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.TrimSpace(string(got.files.Joined())); !strings.Contains(string(screen), want) {
		t.Errorf("lines make another configuration than forms, which make\n%s", want)
	}
	if strings.Contains(e.screen(), "correct ho") {
		t.Error("a password was on the screen")
	}
}

func TestALargeTerminalOfUTF8HasLinesInUTF8(t *testing.T) {
	e := newEmulator(t, 200, 60)
	if err := control(e.tty, func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: 200, Row: 60})
	}); err != nil {
		t.Fatal(err)
	}
	done := e.sits(Setup{Forms: e.forms("LANG=de_DE.UTF-8")}, twoCards())
	e.sees("\u2503 Name of this director")
	e.sees(strings.Repeat("\u2500", 70))
	e.sees("\nEnter next   Esc back")
	for i, line := range strings.Split(e.shown(), "\n") {
		if n := len([]rune(line)); n > 100 {
			t.Errorf("line %d has %d columns, which is hard to read: %s", i+1, n, line)
		}
	}
	e.master.Close()
	if got := <-done; !errors.Is(got.err, ErrHangup) {
		t.Errorf("got %v", got.err)
	}
}

func TestTheFormsFollowTheSizeOfTheTerminal(t *testing.T) {
	e := newEmulator(t, 80, 24)
	done := e.sits(Setup{Forms: e.forms()}, twoCards())
	e.sees("| Name of this director")
	e.sends("x")
	e.sees("> lb1x")
	e.resizes(60, 20)
	e.sends(ctrlL) // a serial line does not tell
	e.sees("This terminal has 60 columns and 20 lines, and forms need 80\nand 24. Make it larger, or press Ctrl+T for lines of text.")
	e.resizes(132, 50)
	e.sends(ctrlL)
	e.sees("> lb1x")
	e.sees(strings.Repeat("-", 99))
	if columns, rows := e.terminal().Size(); columns != 132 || rows != 50 {
		t.Errorf("the kernel was told of %d columns and %d lines", columns, rows)
	}
	e.master.Close()
	if got := <-done; !errors.Is(got.err, ErrHangup) {
		t.Errorf("got %v", got.err)
	}
}

func TestNobodyWhoWantsNoColoursGetsAny(t *testing.T) {
	colour := regexp.MustCompile("\x1b\\[([0-9;]*;)?[349][0-9]([0-9;]*)m")
	for env, want := range map[string]bool{"NO_COLOR=1": false, "NO_COLOR=": true} {
		e := newEmulator(t, 80, 24)
		done := e.sits(Setup{Forms: e.forms(env)}, twoCards())
		e.sees("| Name of this director")
		e.sends("_" + enter)
		e.sees("is no host name")
		e.sends(clear0 + enter)
		e.sees("> 1) no")
		if got := colour.MatchString(e.screen()); got != want {
			t.Errorf("with %s there are colours: %v", env, got)
		}
		if bad := regexp.MustCompile("\x1b\\[[>=<]|\\$p|\x1b\\]|\x1bP").FindString(e.screen()); bad != "" {
			t.Errorf("%q is not for every terminal", bad)
		}
		e.master.Close()
		<-done
	}
}
