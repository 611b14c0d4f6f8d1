package script

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

func TestADynamicExitStatusIsAWeight(t *testing.T) {
	for _, tt := range []struct {
		line    string
		dynamic bool
		want    string
	}{
		{"exit 0", true, "up"},
		{"echo dead; exit 1", true, "down: exit status 1: dead"},
		{"echo going home; exit 2", true, "0%: exit status 2: going home"},
		{"exit 3", true, "1%: exit status 3"},
		{"echo load 3.1; exit 52", true, "50%: exit status 52: load 3.1"},
		{"exit 102", true, "100%: exit status 102"},
		{"exit 255", true, "253%: exit status 255"},
		{"kill -9 $$", true, "down: ended by a signal, killed"},
		{"exit 52", false, "down: exit status 52"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		ctx, said := sdk.Weighing(ctx)
		got := "up"
		err := trusting().probe(ctx, sdk.Target{}, Config{Command: []string{"/bin/sh", "-c", tt.line}, User: me(t), Dynamic: tt.dynamic})
		if err != nil {
			got = "down: " + err.Error()
		} else if f, reason := said(); f != 0 {
			got = f.String() + ": " + reason
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.line, got, tt.want)
		}
	}
}

func TestAnExternalProgramGetsTheArgumentsOfLdirectord(t *testing.T) {
	real := sdk.Target{Address: netip.MustParseAddr("10.1.0.11"), Port: 8080}
	for _, tt := range []struct {
		external string
		target   sdk.Target
		want     string
	}{
		{"192.0.2.1:80", real, "exit status 1: a 192.0.2.1 80 10.1.0.11 8080"},
		{"[2001:db8::1]:80", real, "exit status 1: a 2001:db8::1 80 10.1.0.11 8080"},
		{"99", sdk.Target{Address: real.Address}, "exit status 1: a 99 - 10.1.0.11 -"},
		{"", real, "exit status 1: a"},
		{"99", sdk.Target{}, "external tells a program of a real server, and there is none"},
	} {
		c := Config{Command: []string{"/bin/sh", "-c", `echo "$@"; exit 1`, "sh", "a"}, User: me(t), External: tt.external}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if got := fmt.Sprint(trusting().probe(ctx, tt.target, c)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.external, got, tt.want)
		}
	}
}
