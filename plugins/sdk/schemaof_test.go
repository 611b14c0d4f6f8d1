package sdk

import (
	"context"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// everything has one of each.
type everything struct {
	Text    string            `attr:"text" default:"/" doc:"what to ask for"`
	Method  string            `attr:"method" default:"GET" oneof:"GET,HEAD"`
	On      bool              `attr:"on" default:"true"`
	Count   int               `attr:"count" default:"3"`
	Small   uint8             `attr:"small"`
	Share   float64           `attr:"share" default:"0.5"`
	Timeout time.Duration     `attr:"wait" default:"1.5s"`
	Source  netip.Addr        `attr:"source"`
	Port    uint16            `attr:"proxy_port" type:"port" default:"3128"`
	Status  []string          `attr:"status" default:"200-299,304"`
	Headers map[string]string `attr:"headers"`
	Token   string            `attr:"token" required:"true" sensitive:"true"`
	Maybe   *int              `attr:"maybe"`
	SMTP    *server           `block:"smtp" doc:"the mail server"`
	TLS     server            `block:"tls"`
	Steps   []server          `block:"step" required:"true"`
	private string            //lint:ignore U1000 a field that is not exported is no attribute
}

type server struct {
	Name  string        `attr:"name" default:"localhost"`
	After time.Duration `attr:"after"`
	Inner []inner       `block:"inner"`
}

type inner struct {
	N int `attr:"n" required:"true"`
}

func TestASchemaComesFromAStruct(t *testing.T) {
	s := SchemaOf[everything]()
	want := map[string]Attribute{
		"text":       {Type: TypeString, Default: json.RawMessage(`"/"`), Doc: "what to ask for"},
		"method":     {Type: TypeString, Default: json.RawMessage(`"GET"`), OneOf: []string{"GET", "HEAD"}},
		"on":         {Type: TypeBool, Default: json.RawMessage(`true`)},
		"count":      {Type: TypeInt, Default: json.RawMessage(`3`)},
		"small":      {Type: TypeInt},
		"share":      {Type: TypeNumber, Default: json.RawMessage(`0.5`)},
		"wait":       {Type: TypeDuration, Default: json.RawMessage(`"1.5s"`)},
		"source":     {Type: TypeAddress},
		"proxy_port": {Type: TypePort, Default: json.RawMessage(`3128`)},
		"status":     {Type: TypeStringList, Default: json.RawMessage(`["200-299","304"]`)},
		"headers":    {Type: TypeStringMap},
		"token":      {Type: TypeString, Required: true, Sensitive: true},
		"maybe":      {Type: TypeInt},
	}
	got := make(map[string]Attribute)
	for _, a := range s.Attributes {
		name := a.Name
		a.Name = ""
		got[name] = a
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("attributes:\n%s", d)
	}
	in := BlockType{Name: "inner", Repeated: true, Schema: Schema{Attributes: []Attribute{{Name: "n", Type: TypeInt, Required: true}}}}
	body := Schema{Attributes: []Attribute{{Name: "name", Type: TypeString, Default: json.RawMessage(`"localhost"`)}, {Name: "after", Type: TypeDuration}}, Blocks: []BlockType{in}}
	smtp := body
	smtp.Doc = "the mail server"
	blocks := []BlockType{{Name: "smtp", Schema: smtp}, {Name: "tls", Schema: body}, {Name: "step", Schema: body, Repeated: true, Required: true}}
	if d := cmp.Diff(blocks, s.Blocks); d != "" {
		t.Errorf("blocks:\n%s", d)
	}
}

func TestAConfigurationIsDecodedWithItsDefaults(t *testing.T) {
	got, err := Decode[everything](json.RawMessage(`{"token":"x","step":[{"name":"a","after":"2s"},{"inner":[{"n":1},{"n":2}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := everything{
		Text: "/", Method: "GET", On: true, Count: 3, Share: 0.5, Timeout: 1500 * time.Millisecond, Port: 3128,
		Status: []string{"200-299", "304"}, Token: "x",
		TLS:   server{Name: "localhost"},
		Steps: []server{{Name: "a", After: 2 * time.Second}, {Name: "localhost", Inner: []inner{{1}, {2}}}},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(everything{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
		t.Errorf("decoded:\n%s", d)
	}

	got, err = Decode[everything](json.RawMessage(`{"text":"","method":"HEAD","on":false,"count":-1,"small":255,"share":1e3,
		"wait":"0s","source":"2001:db8::1","proxy_port":1,"status":[],"headers":{"A":"b"},"token":"","maybe":0,
		"smtp":{"name":"mx"},"tls":{"after":"1ms"},"step":[{}]}`))
	if err != nil {
		t.Fatal(err)
	}
	zero := 0
	want = everything{
		Method: "HEAD", Count: -1, Small: 255, Share: 1000, Source: netip.MustParseAddr("2001:db8::1"), Port: 1,
		Status: []string{}, Headers: map[string]string{"A": "b"}, Maybe: &zero,
		SMTP: &server{Name: "mx"}, TLS: server{Name: "localhost", After: time.Millisecond}, Steps: []server{{Name: "localhost"}},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(everything{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
		t.Errorf("decoded:\n%s", d)
	}
}

func TestAConfigurationThatIsWrongIsRefusedWhereItIsWrong(t *testing.T) {
	for config, want := range map[string]string{
		`{"step":[{}]}`:                                           "token: it is required",
		`{"token":"x"}`:                                           "step: the block is required",
		`{"token":"x","step":[]}`:                                 "step: the block is required",
		`{"token":"x","step":[{}],"tokem":"y"}`:                   "tokem: there is no such attribute",
		`{"token":7,"step":[{}]}`:                                 "token: 7 is not a string",
		`{"token":null,"step":[{}]}`:                              "token: null is not a string",
		`{"token":"x","step":[{}],"on":"yes"}`:                    `on: "yes" is not true or false`,
		`{"token":"x","step":[{}],"count":1.5}`:                   "count: 1.5 is not a whole number",
		`{"token":"x","step":[{}],"count":"1"}`:                   `count: "1" is not a whole number`,
		`{"token":"x","step":[{}],"small":256}`:                   "small: 256 is out of range",
		`{"token":"x","step":[{}],"small":-1}`:                    "small: -1 is out of range",
		`{"token":"x","step":[{}],"wait":5}`:                      `wait: 5 is not a duration with a unit, as in "1.5s"`,
		`{"token":"x","step":[{}],"wait":"5"}`:                    `wait: "5" is not a duration with a unit, as in "1.5s"`,
		`{"token":"x","step":[{}],"wait":"0"}`:                    `wait: "0" is not a duration with a unit, as in "1.5s"`,
		`{"token":"x","step":[{}],"wait":"-1s"}`:                  `wait: "-1s" is negative`,
		`{"token":"x","step":[{}],"source":"host"}`:               `source: "host" is not an IP address`,
		`{"token":"x","step":[{}],"proxy_port":0}`:                "proxy_port: 0 is not a port: 1 to 65535",
		`{"token":"x","step":[{}],"method":"PUT"}`:                `method: "PUT" is not allowed: write one of GET, HEAD`,
		`{"token":"x","step":[{}],"status":"200"}`:                `status: "200" is not a list of strings`,
		`{"token":"x","step":[{}],"smtp":[{}]}`:                   "smtp: [{}] is not a block",
		`{"token":"x","step":{}}`:                                 "step: {} is not a list of blocks",
		`{"token":"x","step":[{},{"inner":[{"n":1},{"n":"x"}]}]}`: `step: 1: inner: 1: n: "x" is not a whole number`,
		`{"token":"x","step":[{"inner":[{}]}]}`:                   "step: 0: inner: 0: n: it is required",
		`[]`:                                                      "[] is not a block",
		`{"token"`:                                                `{"token" is not a block`,
	} {
		_, err := Decode[everything](json.RawMessage(config))
		if err == nil || err.Error() != want {
			t.Errorf("%s\n  is refused with %v\n  want            %s", config, err, want)
		}
	}
	_, all := decode[everything](json.RawMessage(`{"a":1,"on":2}`))
	if len(all) != 4 {
		t.Errorf("of four mistakes, these are found: %v", all)
	}
}

func TestAPluginsOwnRulesAreAsked(t *testing.T) {
	_, err := Decode[pathConfig](json.RawMessage(`{"path":"x"}`))
	if err == nil || err.Error() != "path: it must begin with /" {
		t.Errorf("Decode says %v", err)
	}
	if d := checkPlugin().Validate(json.RawMessage(`{"path":"x"}`)); len(d) != 1 || d[0].Path[0] != "path" {
		t.Errorf("Validate says %v", d)
	}
}

type prepared struct {
	Pattern string `attr:"pattern"`
	length  int
}

func (p *prepared) Validate() []Diagnostic {
	p.length = len(p.Pattern)
	return nil
}

func TestValidateMayPrepareTheConfiguration(t *testing.T) {
	if c, err := Decode[prepared](json.RawMessage(`{"pattern":"abc"}`)); err != nil || c.length != 3 {
		t.Errorf("decoded: %+v, %v", c, err)
	}
}

func TestASchemaThatMakesNoSenseIsRefused(t *testing.T) {
	deep := Schema{}
	for range 20 {
		deep = Schema{Blocks: []BlockType{{Name: "b", Schema: deep}}}
	}
	attribute := func(a Attribute) Schema { return Schema{Attributes: []Attribute{a}} }
	for want, s := range map[string]Schema{
		"is not a name":         attribute(Attribute{Name: "Path", Type: TypeString}),
		`type "path" does not`:  attribute(Attribute{Name: "x", Type: "path"}),
		"one_of is for strings": attribute(Attribute{Name: "x", Type: TypeInt, OneOf: []string{"1"}}),
		"is not JSON":           attribute(Attribute{Name: "x", Type: TypeInt, Default: []byte("{")}),
		`"1" is not a whole`:    attribute(Attribute{Name: "x", Type: TypeInt, Default: []byte(`"1"`)}),
		"is not allowed":        attribute(Attribute{Name: "x", Type: TypeString, OneOf: []string{"a"}, Default: []byte(`"b"`)}),
		"required and has":      attribute(Attribute{Name: "x", Type: TypeInt, Required: true, Default: []byte(`1`)}),
		"declared twice":        {Attributes: []Attribute{{Name: "x", Type: TypeInt}}, Blocks: []BlockType{{Name: "x"}}},
		"more than 8 deep":      deep,
		"at most 256":           {Attributes: make([]Attribute, 1000)},
	} {
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Check says %v, want %q", err, want)
		}
	}
	taken := Info{Kind: KindCheck, Name: "x", Schema: attribute(Attribute{Name: "interval", Type: TypeDuration})}
	if err := taken.Check(); err == nil || !strings.Contains(err.Error(), "belongs to every check block") {
		t.Errorf("an attribute of the language's own: %v", err)
	}
}

func TestAStructThatCannotBeASchemaPanics(t *testing.T) {
	for name, f := range map[string]func(){
		"a channel": func() {
			SchemaOf[struct {
				C chan int `attr:"c"`
			}]()
		},
		"a bad default": func() {
			SchemaOf[struct {
				N int `attr:"n" default:"many"`
			}]()
		},
		"a field nobody sees": func() {
			SchemaOf[struct {
				n int `attr:"n"`
			}]()
		},
		"both": func() {
			SchemaOf[struct {
				N int `attr:"n" block:"n"`
			}]()
		},
		"a port that is a string": func() {
			SchemaOf[struct {
				P string `attr:"p" type:"port"`
			}]()
		},
		"no struct": func() { SchemaOf[int]() },
		"a name of a kind": func() {
			NewCheck(Info{Name: "Not A Name"}, func(context.Context, Target, struct{}) error { return nil })
		},
	} {
		func() {
			defer func() {
				if p := recover(); p == nil {
					t.Errorf("%s makes a schema", name)
				} else if s, ok := p.(string); !ok || !strings.HasPrefix(s, "sdk: ") {
					t.Errorf("%s: panic %v", name, p)
				}
			}()
			f()
		}()
	}
}

// shared are attributes that several types have.
type shared struct {
	Verify bool     `attr:"verify" default:"true"`
	Inner  []server `block:"inner"`
	seen   bool     //lint:ignore U1000 the type's own
}

func TestTheAttributesOfAnEmbeddedStructAreThoseOfTheOneAroundIt(t *testing.T) {
	type config struct {
		Path string `attr:"path"`
		shared
		Host string `attr:"host"`
	}
	var names []string
	s := SchemaOf[config]()
	for _, a := range s.Attributes {
		names = append(names, a.Name)
	}
	if got := strings.Join(names, " "); got != "path verify host" || len(s.Blocks) != 1 || s.Blocks[0].Name != "inner" {
		t.Errorf("the schema has %s and %v", got, s.Blocks)
	}
	c, err := Decode[config](json.RawMessage(`{"path":"/a","host":"h","inner":[{"name":"n"}]}`))
	if err != nil || c.Path != "/a" || c.Host != "h" || !c.Verify || len(c.Inner) != 1 || c.Inner[0].Name != "n" {
		t.Errorf("decoded as %+v, %v", c, err)
	}
	if c, err := Decode[config](json.RawMessage(`{"verify":false}`)); err != nil || c.Verify {
		t.Errorf("decoded as %+v, %v", c, err)
	}
}

func TestAnAttributeThatIsEmbeddedAndWrittenOnceMoreIsRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("it is taken")
		}
	}()
	SchemaOf[struct {
		shared
		Again bool `attr:"verify"`
	}]()
}
