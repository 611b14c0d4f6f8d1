package main

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/evenkeel/evenkeel/core/control/controlv1"
)

func TestABrakeThatHoldsStandsOut(t *testing.T) {
	now := time.Now()
	var b strings.Builder
	printBrake(&b, &controlv1.Brake{Since: timestamppb.New(now.Add(-12 * time.Second)), Until: timestamppb.New(now.Add(18 * time.Second)), Reason: "12 of 20 have gone down", Held: 13, Up: 7}, now)
	want := `THE BRAKE HOLDS for 12s now, and for another 18s at most: 12 of 20 have gone down. Now 13 are down and stay in, 7 are up. "evenkeel brake release" takes out what is down.` + "\n"
	if b.String() != want {
		t.Errorf("got  %s\nwant %s", b.String(), want)
	}
	b.Reset()
	if printBrake(&b, nil, now); b.Len() > 0 {
		t.Errorf("one that holds nothing: %s", b.String())
	}
}
