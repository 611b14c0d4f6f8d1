package http

import (
	"encoding/json"
	"fmt"
	"testing"
)

func TestAConfigurationIsCompiledOnce(t *testing.T) {
	p := open(t)
	raw := json.RawMessage(`{"body_match":"a"}`)
	first, err := p.plans.of(raw, decoded(t, string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := p.plans.of(raw, decoded(t, string(raw))); again != first {
		t.Error("it is compiled again")
	}
	other := json.RawMessage(`{"body_match":"b"}`)
	if second, _ := p.plans.of(other, decoded(t, string(other))); second == first {
		t.Error("two configurations have one plan")
	}
	if _, err := p.plans.of(nil, Config{}); err == nil {
		t.Error("a configuration without a path has a plan")
	}
}

func TestTheNumberOfPlansIsBounded(t *testing.T) {
	p := open(t)
	c := decoded(t, `{}`)
	for i := range maxPlans + 10 {
		if _, err := p.plans.of(json.RawMessage(fmt.Sprintf(`{"path":"/%d"}`, i)), c); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(p.plans.byConfig); n > maxPlans {
		t.Errorf("there are %d", n)
	}
}
