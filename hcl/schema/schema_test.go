package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// everything is a schema with one attribute of each type, and blocks.
var everything = Schema{
	Attributes: []Attribute{
		{Name: "text", Type: String, Default: json.RawMessage(`"hello"`)},
		{Name: "word", Type: String, OneOf: []string{"one", "two"}},
		{Name: "yes", Type: Bool, Default: json.RawMessage(`true`)},
		{Name: "count", Type: Int, Default: json.RawMessage(` 7 `)},
		{Name: "share", Type: Number},
		{Name: "wait", Type: Duration, Default: json.RawMessage(`"90s"`)},
		{Name: "from", Type: Address, Default: json.RawMessage(`"2001:DB8:0::1"`)},
		{Name: "port", Type: Port},
		{Name: "list", Type: StringList},
		{Name: "map", Type: StringMap},
	},
	Blocks: []BlockType{
		{Name: "smtp", Schema: Schema{Attributes: []Attribute{{Name: "server", Type: String, Required: true}}}},
		{Name: "request", Repeated: true, Schema: Schema{
			Attributes: []Attribute{{Name: "path", Type: String, Default: json.RawMessage(`"/"`)}},
			Blocks:     []BlockType{{Name: "header", Repeated: true, Schema: Schema{Attributes: []Attribute{{Name: "name", Type: String}}}}},
		}},
	},
}

func compiled(t *testing.T, s Schema, common ...string) *Decoder {
	t.Helper()
	d, err := Compile(s, common...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// block parses a text whose only block is returned.
func block(t *testing.T, text string) Block {
	t.Helper()
	f, diags := hclsyntax.ParseConfig([]byte(text), "x.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	c, diags := Read(Wrap(f.Body.(*hclsyntax.Body), nil), NewShape(nil, BlockShape{Type: "it"}), nil)
	if diags.HasErrors() || len(c.Blocks) != 1 {
		t.Fatal(diags, len(c.Blocks))
	}
	return c.Blocks[0]
}

// decode decodes the body of a block that is written around inner.
func decode(t *testing.T, d *Decoder, inner string) (string, hcl.Diagnostics) {
	t.Helper()
	r := &Reader{Context: &hcl.EvalContext{Variables: map[string]cty.Value{"n": cty.NumberIntVal(3)}}}
	c := r.Read(block(t, "it {\n"+inner+"\n}\n").Body(), d.Shape())
	values, ok := d.Decode(r, &c)
	if ok != (values != nil) {
		t.Errorf("ok is %v and the values %s", ok, values)
	}
	return string(values), r.Diags
}

func TestDefaultsAreFilledIn(t *testing.T) {
	d := compiled(t, everything)
	want := `{"count":7,"from":"2001:db8::1","text":"hello","wait":"1m30s","yes":true}`
	if got := string(d.Defaults()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, diags := decode(t, d, ""); got != want || len(diags) > 0 {
		t.Errorf("got  %s (%v)\nwant %s", got, diags, want)
	}
}

func TestValuesAreDecodedInTheOrderOfTheirNames(t *testing.T) {
	got, diags := decode(t, compiled(t, everything), `
		yes   = false
		word  = "two"
		text  = "a \"quoted\" \u00e9"
		count = -n
		share = 0.25
		wait  = "1500ms"
		from  = "192.0.2.1"
		port  = 443
		list  = ["b", "a${n}"]
		map   = { b = "2", a = "1" }
		smtp {
		  server = "192.0.2.25"
		}
		request {}
		request {
		  path = "/x"
		  header {
		    name = "Host"
		  }
		}`)
	want := `{"count":-3,"from":"192.0.2.1","list":["b","a3"],"map":{"a":"1","b":"2"},"port":443,` +
		`"request":[{"path":"/"},{"header":[{"name":"Host"}],"path":"/x"}],"share":0.25,"smtp":{"server":"192.0.2.25"},` +
		`"text":"a \"quoted\" é","wait":"1.5s","word":"two","yes":false}`
	if got != want || len(diags) > 0 {
		t.Errorf("got  %s (%v)\nwant %s", got, diags, want)
	}
	if !json.Valid([]byte(got)) {
		t.Error("that is no JSON")
	}
}

func TestEqualConfigurationsHaveEqualJSON(t *testing.T) {
	d := compiled(t, everything)
	first, _ := decode(t, d, "wait = \"90s\"\nfrom = \"2001:db8:0:0::1\"\nmap = { x = \"1\", y = \"2\" }")
	for _, inner := range []string{
		"map = { y = \"2\", x = \"1\" }",
		"wait = \"1m30s\"\nfrom = \"2001:DB8::1\"\nmap = { \"x\" = \"1\", y = \"2\" }\ntext = \"hello\"",
		"wait = \"1.5m\"\nmap = { x = \"1\", y = \"2\" }\nyes = true\nport = null",
	} {
		if got, diags := decode(t, d, inner); got != first || len(diags) > 0 {
			t.Errorf("%s\ngot  %s (%v)\nwant %s", inner, got, diags, first)
		}
	}
}

func TestWrongValuesAreReportedWhereTheyStand(t *testing.T) {
	for inner, want := range map[string]string{
		"text = 5":               "2,8: text is a string, and this is a number: write it in quotes.",
		"word = \"tow\"":         "2,8: Did you mean \"two\"? word is one of \"one\", \"two\".",
		"yes = \"true\"":         "2,7: yes is true or false, without quotes, and this is the string \"true\".",
		"count = 1.5":            "2,9: count is a whole number, and this is the number 1.5.",
		"count = 1e30":           "2,9: count is a whole number, and this is the number 1e+30.",
		"share = \"x\"":          "2,9: share is a number, and this is the string \"x\".",
		"share = 1e999":          "2,9: share is too large a number.",
		"wait = 5":               "2,8: wait is a duration, and a bare number does not say of what: write wait = \"5s\" for seconds, or \"5ms\" for milliseconds.",
		"wait = \"5\"":           "2,8: wait: \"5\" has no unit: write \"5s\" for seconds or \"5ms\" for milliseconds.",
		"wait = \"5 s\"":         "2,8: wait: \"5 s\" is no duration: write a number and a unit, as in \"500ms\", \"1.5s\", \"2m\" or \"1h\".",
		"from = \"::1/128\"":     "2,8: from: \"::1/128\" has a prefix length, and an address alone is wanted: write \"::1\".",
		"port = 0":               "2,8: port is a whole number from 1 to 65535, and this is 0.",
		"list = [\"a\", 1]":      "2,14: list is a list of strings, and this is the number 1: write it in quotes.",
		"list = [null]":          "2,9: null is not an element of list.",
		"list = \"a\"":           "2,8: list is a list, and this is the string \"a\".",
		"map = { a = 1 }":        "2,7: The values of map are strings, and \"a\" is the number 1.",
		"map = [\"a\"]":          "2,7: map is an object of strings, as in { \"Accept\" = \"text/html\" }, and this is a list.",
		"smtp {}":                "2,1: \"server\" is required here: add server = ...",
		"request {\n pth = 1\n}": "3,2: There is no attribute \"pth\" here. Did you mean \"path\"?",
		"reqest {}":              "2,1: There is no block \"reqest\" here. Did you mean \"request\"?",
		"request = 1":            "2,1: There is no attribute \"request\" here. request is a block: write it as request { ... }, without the equals sign.",
		"port {}":                "2,1: There is no block \"port\" here. port is an attribute: write port = ..., with an equals sign.",
		"text = nothing":         "2,8: There is no variable named \"nothing\".",
	} {
		got, diags := decode(t, compiled(t, everything), inner)
		unknown := strings.Contains(want, "There is no attribute") || strings.Contains(want, "There is no block")
		if got != "" && !unknown {
			t.Errorf("%s: decoded to %s", inner, got)
		}
		if len(diags) != 1 {
			t.Errorf("%s: %d diagnostics, want one: %v", inner, len(diags), diags)
			continue
		}
		at := diags[0].Subject.Start
		if said := fmt.Sprintf("%d,%d: %s", at.Line, at.Column, diags[0].Detail); said != want {
			t.Errorf("%s:\ngot  %s\nwant %s", inner, said, want)
		}
	}
}

func TestBlockThatMayBeWrittenOnce(t *testing.T) {
	_, diags := decode(t, compiled(t, everything), "smtp {\n server = \"a\"\n}\nsmtp {\n server = \"b\"\n}")
	if len(diags) != 1 || diags[0].Summary != "Duplicate block" || diags[0].Subject.Start.Line != 5 {
		t.Error(diags)
	}
}

func TestRequiredBlock(t *testing.T) {
	d := compiled(t, Schema{Blocks: []BlockType{{Name: "smtp", Required: true}}})
	if d.Defaults() != nil {
		t.Error("a body that needs something has a JSON of defaults")
	}
	_, diags := decode(t, d, "")
	if len(diags) != 1 || diags[0].Summary != "Missing block" || diags[0].Subject.Start.Line != 1 {
		t.Error(diags)
	}
}

func TestCommonAttributesAreSomebodyElses(t *testing.T) {
	d := compiled(t, Schema{Attributes: []Attribute{{Name: "path", Type: String}}}, "interval", "port")
	got, diags := decode(t, d, "interval = \"5s\"\npath = \"/\"\nport = 1")
	if got != `{"path":"/"}` || len(diags) > 0 {
		t.Errorf("%s %v", got, diags)
	}
}

func TestSchemasThatAreWrong(t *testing.T) {
	attribute := func(a Attribute) Schema { return Schema{Attributes: []Attribute{a}} }
	for want, s := range map[string]Schema{
		`"port" is declared, and it is the language's own (port)`:                                     attribute(Attribute{Name: "port", Type: Port}),
		`"a" is declared twice`:                                                                       {Attributes: []Attribute{{Name: "a", Type: Int}}, Blocks: []BlockType{{Name: "a"}}},
		`"A b" is no name for an attribute or a block`:                                                attribute(Attribute{Name: "A b", Type: Int}),
		`"dynamic" is no name for a block`:                                                            {Blocks: []BlockType{{Name: "dynamic"}}},
		`attribute "a" has the unknown type "float"`:                                                  attribute(Attribute{Name: "a", Type: "float"}),
		`default of attribute "a": "5" has no unit: write "5s" for seconds or "5ms" for milliseconds`: attribute(Attribute{Name: "a", Type: Duration, Default: json.RawMessage(`"5"`)}),
		`default of attribute "a": "three" is not one of "one", "two"`:                                attribute(Attribute{Name: "a", Type: String, OneOf: []string{"one", "two"}, Default: json.RawMessage(`"three"`)}),
		`block "b": attribute "a" has the unknown type ""`:                                            {Blocks: []BlockType{{Name: "b", Schema: attribute(Attribute{Name: "a"})}}},
	} {
		if _, err := Compile(s, "port"); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	for _, typ := range []Type{String, Bool, Int, Number, Duration, Address, Port, StringList, StringMap} {
		for _, wrong := range []string{`{"a":1}`, `[{}]`, `"1" "2"`, `70000.5`, `nonsense`} {
			if typ == Number && wrong == `70000.5` {
				continue
			}
			if _, err := Compile(attribute(Attribute{Name: "a", Type: typ, Default: json.RawMessage(wrong)})); err == nil {
				t.Errorf("%s may have the default %s", typ, wrong)
			}
		}
	}
}

func TestPathsLeadToPlacesInTheFile(t *testing.T) {
	b := block(t, `it {
  text = "a"
  list = ["x",
    "y"]
  map = { a = "1", "b" = "2" }
  smtp {
    server = "s"
  }
  request {}
  request {
    path = "/"
    header {
      name = "n"
    }
  }
}
`)
	for path, want := range map[string]string{
		"":                        "1,1",
		"text":                    "2,10",
		"list":                    "3,10",
		"list/1":                  "4,5",
		"list/7":                  "3,10",
		"map/b":                   "5,26",
		"map/c":                   "5,9",
		"smtp":                    "6,3",
		"smtp/server":             "7,14",
		"request/0":               "9,3",
		"request/0/path":          "9,3",
		"request/1/path":          "11,12",
		"request/1/header/0/name": "13,14",
		"request/2":               "1,1",
		"request/x":               "1,1",
		"port":                    "1,1",
		"nothing":                 "1,1",
	} {
		at := compiled(t, everything).Range(b, nil, slices.DeleteFunc(strings.Split(path, "/"), func(s string) bool { return s == "" })...).Start
		if got := fmt.Sprintf("%d,%d", at.Line, at.Column); got != want {
			t.Errorf("%q is at %s, want %s", path, got, want)
		}
	}
}

func TestDynamicBlocksAreExpanded(t *testing.T) {
	_, diags := decode(t, compiled(t, everything), `
		dynamic "request" {
		  for_each = ["/a", "/b"]
		  content {
		    path = request.value
		    dynamic "header" {
		      for_each = range
		      content {}
		    }
		  }
		}`)
	if len(diags) != 2 || !strings.Contains(diags[0].Detail, "range") {
		t.Errorf("%v", diags)
	}
	got, diags := decode(t, compiled(t, everything), `
		dynamic "request" {
		  for_each = ["/a", "/b"]
		  content {
		    path = request.value
		  }
		}`)
	if want := `"request":[{"path":"/a"},{"path":"/b"}]`; !strings.Contains(got, want) || len(diags) > 0 {
		t.Errorf("got %s (%v)", got, diags)
	}
}

func TestAnAttributeMayBeCalledDynamicBesideDynamicBlocks(t *testing.T) {
	d := compiled(t, Schema{
		Attributes: []Attribute{{Name: "dynamic", Type: Bool}},
		Blocks:     []BlockType{{Name: "request", Repeated: true}},
	})
	for body, want := range map[string]string{
		"dynamic = true":             `{"dynamic":true}`,
		"dynamic = true\nrequest {}": `{"dynamic":true,"request":[{}]}`,
		`dynamic = true
		 dynamic "request" {
		   for_each = [1, 2]
		   content {}
		 }`: `{"dynamic":true,"request":[{},{}]}`,
	} {
		if got, diags := decode(t, d, body); got != want || len(diags) > 0 {
			t.Errorf("%s: got %s (%v), want %s", body, got, diags, want)
		}
	}
}

func TestHintsSpeakOfOtherWords(t *testing.T) {
	f, _ := hclsyntax.ParseConfig([]byte("lb_algo = 1\nreal {}\n"), "x.hcl", hcl.InitialPos)
	hints := func(name string) string {
		return map[string]string{"lb_algo": "Say scheduler.", "real": "Say real_server."}[name]
	}
	_, diags := Read(Wrap(f.Body.(*hclsyntax.Body), hints), NewShape([]string{"lb_algos"}), nil)
	if len(diags) != 2 || !strings.HasSuffix(diags[0].Detail, "Say scheduler.") || !strings.HasSuffix(diags[1].Detail, "Say real_server.") {
		t.Error(diags)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"interval", "timeout", "path", "port", "rr", "wrr"}
	for wrong, want := range map[string]string{
		"intervall": "interval", "intreval": "interval", "INTERVAL": "interval", "tmeout": "timeout", "paht": "path", "prot": "port",
		"wr": "rr", "x": "", "": "", "something": "", "int": "",
	} {
		if got := Nearest(wrong, known); got != want {
			t.Errorf("%q is taken for %q, want %q", wrong, got, want)
		}
	}
}

func TestDurationsAreWrittenShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1500 * time.Millisecond: "1.5s", time.Minute: "1m", time.Hour: "1h", 90 * time.Minute: "1h30m", time.Hour + time.Second: "1h0m1s",
		10 * time.Minute: "10m", 20 * time.Hour: "20h", time.Microsecond: "1µs",
	} {
		if got := FormatDuration(d); got != want {
			t.Errorf("%v is written %q, want %q", d, got, want)
		}
		if back, err := ParseDuration(FormatDuration(d)); err != nil || back != d {
			t.Errorf("%v comes back as %v (%v)", d, back, err)
		}
	}
}

// Whatever a body says, what is decoded is JSON with every attribute of the schema's own type.
func FuzzDecode(f *testing.F) {
	for _, inner := range []string{
		"text = \"a\"\nlist = [\"x\"]\nmap = { a = \"b\" }\nrequest {\n  path = \"/\"\n}", "share = 1e10\nwait = \"1h\"", "dynamic \"request\" {\n  for_each = [1]\n  content {}\n}",
		"text = \"\\u0000\\u2028 \U0001F600\"",
	} {
		f.Add(inner)
	}
	d, err := Compile(everything)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, inner string) {
		file, diags := hclsyntax.ParseConfig([]byte(inner), "x.hcl", hcl.InitialPos)
		if diags.HasErrors() || len(inner) > 1000 {
			return
		}
		r := &Reader{Context: &hcl.EvalContext{}}
		c := r.Read(Wrap(file.Body.(*hclsyntax.Body), nil), d.Shape())
		values, ok := d.Decode(r, &c)
		if !ok {
			if len(r.Diags) == 0 {
				t.Fatal("refused without a word")
			}
			return
		}
		var into struct {
			Text    string            `json:"text"`
			Yes     bool              `json:"yes"`
			Count   int64             `json:"count"`
			Share   float64           `json:"share"`
			Wait    string            `json:"wait"`
			From    string            `json:"from"`
			Port    uint16            `json:"port"`
			List    []string          `json:"list"`
			Map     map[string]string `json:"map"`
			Request []struct{ Path string }
		}
		if err := json.Unmarshal(values, &into); err != nil {
			t.Fatalf("%s: %v", values, err)
		}
		if _, err := time.ParseDuration(into.Wait); err != nil {
			t.Fatal(err)
		}
	})
}
