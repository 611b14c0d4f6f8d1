package core

import (
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/core/journal"
)

func TestTheLastGoodConfigurationIsThatOfTheDirectorsStateFolder(t *testing.T) {
	dir := t.TempDir()
	if _, err := LastGood(nil, dir); err == nil {
		t.Error("there is one before any was kept")
	}
	keep := func(text string) {
		t.Helper()
		j, err := journal.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		if err := j.SaveConfig(map[string][]byte{"box.hcl": []byte(text)}, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	keep(`director { name = "lb7" }`)
	if cfg, err := LastGood(nil, dir); err != nil || cfg.Director.Name != "lb7" {
		t.Errorf("got %+v, %v", cfg, err)
	}
	keep(`director {`)
	if _, err := LastGood(nil, dir); err == nil {
		t.Error("one with errors is taken for good")
	}
}
