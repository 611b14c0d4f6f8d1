package sdk

import "testing"

type declaredConfig struct {
	Command []string `attr:"command" required:"true" doc:"what to run"`
}

func TestADeclaredPluginHasASchemaAndNothingToServe(t *testing.T) {
	p := Declare[declaredConfig](Info{Kind: KindNotify, Name: "script"})
	if !p.Declared() {
		t.Error("it is not declared only")
	}
	if a := p.Info().Schema.Attributes; len(a) != 1 || a[0].Name != "command" || !a[0].Required {
		t.Errorf("its schema has %+v", a)
	}
	if ds := p.Validate([]byte(`{"command":["/bin/true"]}`)); len(ds) != 0 {
		t.Errorf("a good block is refused: %v", ds)
	}
	if ds := p.Validate([]byte(`{"command":"true"}`)); len(ds) == 0 {
		t.Error("a bad block is accepted")
	}
}

func TestADeclarationThatCannotBeRightPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a plugin without a kind was declared")
		}
	}()
	Declare[declaredConfig](Info{Name: "script"})
}
