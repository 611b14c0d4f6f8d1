package director

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
)

// Every attribute of a virtual server, also one that is new to the language, must be seen when it changes: this goes
// through all fields there are, changes one at a time, and expects a config event.
func TestNoChangedAttributeIsOverlooked(t *testing.T) {
	full := func() *config.Config {
		cfg := web(1)
		vs := cfg.VirtualServers[0]
		vs.Service = config.ServiceAddress{Mark: 1, Match: []config.Match{{Protocol: "tcp", Ports: []config.PortRange{{First: 1, Last: 2}}}}}
		vs.Flags = []string{"sh-port"}
		vs.Persistence = &config.Persistence{Timeout: time.Minute}
		vs.SorryServer = sorry("127.0.0.9:80")
		vs.SorryPage = &config.SorryPage{Status: 503}
		vs.RealServers[0].Checks[0].Config = json.RawMessage(`{}`)
		return cfg
	}
	// What means nothing with the mark that the service has.
	ignored := map[string]bool{".Service.Address": true, ".Service.Port": true, ".Service.Protocol": true}
	count := 0
	walk(reflect.ValueOf(full().VirtualServers[0]).Elem(), "", func(path string) {
		if strings.HasSuffix(path, ".Position") || ignored[path] {
			return
		}
		count++
		cfg := full()
		changed := false
		walk(reflect.ValueOf(cfg.VirtualServers[0]).Elem(), "", func(p string) {}, func(p string, v reflect.Value) {
			if p == path {
				alter(t, p, v)
				changed = true
			}
		})
		d, _ := New(full(), Seed{})
		out := reload(d, cfg)
		if !changed || len(out.Events) == 0 || out.Events[0].Kind != "config" || out.Events[0].Reason == "" {
			t.Errorf("%s was changed (%v), and the events are %v", path, changed, text(out.Events))
		}
	})
	if count < 40 {
		t.Errorf("only %d attributes were changed", count)
	}
}

// walk calls visit for the path of each leaf, and with each its value.
func walk(v reflect.Value, path string, visit func(string), with ...func(string, reflect.Value)) {
	switch {
	case v.Type() == reflect.TypeFor[netip.Addr](), v.Type() == reflect.TypeFor[config.Position](), v.Type() == reflect.TypeFor[json.RawMessage]():
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			walk(v.Field(i), path+"."+v.Type().Field(i).Name, visit, with...)
		}
		return
	case v.Kind() == reflect.Pointer:
		walk(v.Elem(), path, visit, with...)
		return
	case v.Kind() == reflect.Slice && v.Len() > 0:
		walk(v.Index(0), path+"[0]", visit, with...)
		return
	}
	visit(path)
	for _, f := range with {
		f(path, v)
	}
}

func alter(t *testing.T, path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(v.Uint() + 1)
	default:
		switch v.Interface().(type) {
		case netip.Addr:
			v.Set(reflect.ValueOf(netip.MustParseAddr("203.0.113.9")))
		case json.RawMessage:
			v.Set(reflect.ValueOf(json.RawMessage(`{"path":"/x"}`)))
		default:
			t.Fatalf("%s is a %v, which this test cannot change", path, v.Type())
		}
	}
}

func TestALongListOfDifferencesIsCut(t *testing.T) {
	weights := make([]uint32, 10)
	d, _ := New(web(weights...), Seed{})
	for i := range weights {
		weights[i] = 1
	}
	out := reload(d, web(weights...))
	got := out.Events[0].Reason
	if !strings.HasPrefix(got, "real_server 10.1.0.1:80: weight 0 -> 1, ") || !strings.HasSuffix(got, ", and 2 more") {
		t.Errorf("reason %q", got)
	}
}
