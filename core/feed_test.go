package core

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

func TestANewFeedWantsTheWholeStateFirst(t *testing.T) {
	f := newFeed[int]()
	f.put(1)
	if updates, full := f.take(); !full || updates != nil {
		t.Errorf("took %v, full %v", updates, full)
	}
	f.put(2)
	f.put(3)
	updates, full := f.take()
	if diff := cmp.Diff([]int{2, 3}, updates); diff != "" || full {
		t.Errorf("then, full %v (-want +got):\n%s", full, diff)
	}
}

func TestAFeedThatNobodyTakesFromDoesNotGrow(t *testing.T) {
	f := newFeed[int]()
	f.take()
	for i := range 10 * feedLimit {
		f.put(i)
		if len(f.waiting) > feedLimit {
			t.Fatalf("%d updates wait", len(f.waiting))
		}
	}
	if _, full := f.take(); !full {
		t.Error("what was dropped is not made good by a full update")
	}
}

func TestAPumpSendsTheWholeThenEachChangeInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed[int]()
		ctx, cancel := context.WithCancel(t.Context())
		var sent []int
		done := make(chan error, 1)
		f.needFull()
		go func() {
			done <- f.pump(ctx, func() (int, bool) { return 100, true }, func(u int) error {
				sent = append(sent, u)
				return nil
			})
		}()
		synctest.Wait()
		f.put(101)
		f.put(102)
		synctest.Wait()
		f.needFull()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the pump ended with %v", err)
		}
		if diff := cmp.Diff([]int{100, 101, 102, 100}, sent); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
	})
}

func TestAPumpEndsWhenThePluginRefuses(t *testing.T) {
	f := newFeed[int]()
	f.needFull()
	refusal := errors.New("no")
	err := f.pump(t.Context(), func() (int, bool) { return 1, true }, func(int) error { return refusal })
	if !errors.Is(err, refusal) {
		t.Errorf("got %v", err)
	}
}
