package load

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/hcl/config"
)

// loaded loads a configuration that must be right.
func loaded(t *testing.T, text string) *config.Config {
	t.Helper()
	cfg, diags := Sources([]Source{{Name: "x.hcl", Text: []byte(text)}}, Options{Types: &fakeTypes{}, Hostname: "lb1"})
	if cfg == nil || len(diags.All()) > 0 {
		t.Fatalf("want no diagnostics, got\n%s", diags.Text())
	}
	return cfg
}

// written makes a folder of files.
func written(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func serverNames(servers []*config.VirtualServer) []string {
	var ns []string
	for _, v := range servers {
		ns = append(ns, v.Name)
	}
	return ns
}

func server(name, address, rest string) string {
	return fmt.Sprintf("virtual_server %q {\n  address = %q\n  protocol = \"tcp\"\n  forward = \"nat\"\n%s\n}\n", name, address, rest)
}

func TestFolderIsOneConfiguration(t *testing.T) {
	dir := written(t, map[string]string{
		"20-b.hcl":       server("b", "${local.vip}:80", ""),
		"10-a.hcl":       server("a", "192.0.2.1:80", "") + "provision \"ssh\" \"p\" {\n  virtual_servers = [virtual_server.b]\n  private_key_file = \"/k\"\n}\n",
		"30-locals.hcl":  "locals {\n  vip = \"192.0.2.2\"\n}\n",
		".hidden.hcl":    "nonsense",
		"notes.txt":      "nonsense",
		"10-a.hcl~":      "nonsense",
		"more/other.hcl": "nonsense",
	})
	cfg, diags := Load([]string{dir}, Options{Types: &fakeTypes{}})
	if cfg == nil {
		t.Fatal(diags.Text())
	}
	if diff := cmp.Diff([]string{"a", "b"}, serverNames(cfg.VirtualServers)); diff != "" {
		t.Error(diff)
	}
	if got := cfg.VirtualServers[1].Service.Address.String(); got != "192.0.2.2" {
		t.Errorf("the local of another file is %s", got)
	}
	if cfg.Provisions[0].VirtualServers[0] != cfg.VirtualServers[1] {
		t.Error("the reference does not lead into the other file")
	}
	var read []string
	for _, s := range diags.Sources() {
		read = append(read, filepath.Base(s.Name))
	}
	if diff := cmp.Diff([]string{"10-a.hcl", "20-b.hcl", "30-locals.hcl"}, read); diff != "" {
		t.Errorf("files read: %s", diff)
	}
}

func TestSeveralPathsAreOneConfiguration(t *testing.T) {
	dir := written(t, map[string]string{"a/1.hcl": server("one", "192.0.2.1:80", ""), "2.hcl": server("two", "192.0.2.2:80", "")})
	file := filepath.Join(dir, "2.hcl")
	cfg, diags := Load([]string{file, filepath.Join(dir, "a"), file}, Options{Types: &fakeTypes{}})
	if cfg == nil {
		t.Fatal(diags.Text())
	}
	if diff := cmp.Diff([]string{"two", "one"}, serverNames(cfg.VirtualServers)); diff != "" {
		t.Error(diff)
	}
}

func TestDuplicateNamesAreFoundAcrossFiles(t *testing.T) {
	dir := written(t, map[string]string{"a.hcl": server("web", "192.0.2.1:80", ""), "b.hcl": server("web", "192.0.2.2:80", "")})
	_, diags := Load([]string{dir}, Options{Types: &fakeTypes{}})
	want := filepath.Join(dir, "b.hcl") + ":1,16: Duplicate virtual_server: The first is at " + filepath.Join(dir, "a.hcl") + ":1,16: give this one a name of its own."
	if got := diags.Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFileThatCannotBeRead(t *testing.T) {
	dir := written(t, map[string]string{"empty/readme.txt": ""})
	for _, path := range []string{filepath.Join(dir, "missing.hcl"), filepath.Join(dir, "empty")} {
		cfg, diags := Load([]string{path}, Options{Types: &fakeTypes{}})
		if cfg != nil || diags.Unreadable() == nil || !diags.HasErrors() {
			t.Errorf("%s: cfg %v, unreadable %v", path, cfg, diags.Unreadable())
		}
		if !strings.Contains(diags.Text(), path) {
			t.Errorf("the message does not name %s:\n%s", path, diags.Text())
		}
	}
	if _, diags := Load(nil, Options{}); diags.Unreadable() == nil {
		t.Error("no path at all is not an error")
	}
	if _, diags := Sources([]Source{{Name: "x.hcl", Text: []byte("x")}}, Options{}); diags.Unreadable() != nil {
		t.Error("a file with errors is taken for one that can't be read")
	}
}

func TestKeptSourcesLoadToTheSame(t *testing.T) {
	o := Options{Types: &fakeTypes{}, Hostname: "lb1"}
	first, diags := Load([]string{"testdata/reference.hcl"}, o)
	again, _ := Sources(diags.Sources(), o)
	if diff := cmp.Diff(fmt.Sprintf("%+v", first.VirtualServers[1].Service), fmt.Sprintf("%+v", again.VirtualServers[1].Service)); diff != "" || first.Director != again.Director {
		t.Error(diff)
	}
}

func TestHostnameIsTheDirectorsNameAndAVariable(t *testing.T) {
	if got := loaded(t, "").Director.Name; got != "lb1" {
		t.Errorf("name is %q", got)
	}
	if got := loaded(t, "director {\n  name = \"${hostname}-main\"\n}\n").Director.Name; got != "lb1-main" {
		t.Errorf("name is %q", got)
	}
}

func TestDefaults(t *testing.T) {
	cfg := loaded(t, `
		virtual_server "web" {
		  address  = "192.0.2.1:80"
		  protocol = "tcp"
		  forward  = "nat"
		  persistence {}
		  check "tcp" {}
		  real_server "10.0.0.1" {}
		}
		vrrp_instance "a" {
		  interface         = "eth0"
		  virtual_router_id = 1
		  virtual_addresses = ["192.0.2.1"]
		}`)
	v := cfg.VirtualServers[0]
	if v.Scheduler != "wlc" || v.Quorum != 1 || v.Hysteresis != 0 || v.OnFailure != config.Remove || v.StartState != config.StartDown || v.Persistence.Timeout != 6*time.Minute {
		t.Errorf("virtual server: %+v", v)
	}
	rs := v.RealServers[0]
	if rs.Port != 80 || rs.Weight != 1 || rs.Forward != config.NAT || len(rs.Checks) != 1 {
		t.Errorf("real server: %+v", rs)
	}
	c := rs.Checks[0]
	if c.Interval != 5*time.Second || c.Timeout != 3*time.Second || c.RetryInterval != 0 || c.Fall != 3 || c.Rise != 1 {
		t.Errorf("check: %+v", c)
	}
	i := cfg.VRRPInstances[0]
	if i.Version != 3 || i.Priority != 100 || i.AdvertInterval != time.Second || !i.Preempt || i.PreemptDelay != 0 || i.Addresses[0].Prefix.Bits() != 32 {
		t.Errorf("vrrp instance: %+v", i)
	}
}

func TestDefaultTimeoutIsAtMostTheInterval(t *testing.T) {
	cfg := loaded(t, "check \"script\" \"a\" {\n  command = [\"/bin/true\"]\n  interval = \"1s\"\n}\n")
	if got := cfg.Checks[0].Timeout; got != time.Second {
		t.Errorf("the timeout is %s", got)
	}
}

func TestRealServersShareTheVirtualServersCheckAndAddTheirs(t *testing.T) {
	cfg := loaded(t, server("web", "192.0.2.1:80", `
		check "http" {}
		real_server "10.0.0.1" {}
		real_server "10.0.0.2" {
		  check "tcp" {
		    port = 22
		  }
		}
		real_server "10.0.0.3" {}`))
	rs := cfg.VirtualServers[0].RealServers
	if len(rs[0].Checks) != 1 || len(rs[1].Checks) != 2 || len(rs[2].Checks) != 1 {
		t.Fatalf("%d, %d and %d checks", len(rs[0].Checks), len(rs[1].Checks), len(rs[2].Checks))
	}
	if rs[0].Checks[0] != rs[1].Checks[0] || rs[1].Checks[1].Type != "tcp" || rs[1].Checks[1].Port != 22 {
		t.Error("the checks are not the virtual server's first and then the real server's own")
	}
}

// A hashing scheduler sends the clients of a server with weight 0 nowhere, unless it may fall back.
func TestWeightZeroUnderAHashingSchedulerImpliesFallback(t *testing.T) {
	for _, x := range []struct {
		rest string
		want []string
	}{
		{`scheduler = "sh"`, nil},
		{"scheduler = \"sh\"\non_failure = \"quiesce\"", []string{"sh-fallback"}},
		{"scheduler = \"mh\"\non_failure = \"quiesce\"\nflags = [\"mh-port\"]", []string{"mh-port", "mh-fallback"}},
		{"scheduler = \"mh\"\non_failure = \"quiesce\"\nflags = [\"mh-fallback\"]", []string{"mh-fallback"}},
		{"scheduler = \"sh\"\non_failure = \"quiesce\"\nflags = [\"flag-1\"]", []string{"flag-1"}},
		{"scheduler = \"sh\"\nreal_server \"10.0.0.1\" {\n  weight = 0\n}", []string{"sh-fallback"}},
		{"scheduler = \"wrr\"\non_failure = \"quiesce\"", nil},
		{"scheduler = \"sh\"\nreal_server \"10.0.0.1\" {\n  check \"agent\" {}\n}", []string{"sh-fallback"}}, // which may drain it
	} {
		cfg := loaded(t, server("web", "192.0.2.1:80", x.rest))
		if diff := cmp.Diff(x.want, cfg.VirtualServers[0].Flags); diff != "" {
			t.Errorf("%s: %s", x.rest, diff)
		}
	}
}

func TestTunnelIsTheVirtualServersUnlessTheServerHasItsOwn(t *testing.T) {
	cfg := loaded(t, `
		virtual_server "web" {
		  address  = "192.0.2.1:80"
		  protocol = "tcp"
		  forward  = "tun"
		  tunnel {
		    type = "gue"
		    port = 6080
		  }
		  real_server "10.0.0.1" {}
		  real_server "10.0.0.2" {
		    tunnel {
		      type = "gre"
		    }
		  }
		  real_server "10.0.0.3" {
		    forward = "nat"
		  }
		  sorry_server "10.0.0.4" {}
		}`)
	v := cfg.VirtualServers[0]
	got := []config.Tunnel{v.RealServers[0].Tunnel, v.RealServers[1].Tunnel, v.RealServers[2].Tunnel, v.SorryServer.Tunnel}
	want := []config.Tunnel{{Type: "gue", Port: 6080}, {Type: "gre"}, {}, {Type: "gue", Port: 6080}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNetmaskIsAPrefixLengthAndTheWholeAddressIsNone(t *testing.T) {
	for mask, want := range map[string]int{`"255.255.255.0"`: 24, `"255.255.255.255"`: 0, `"16"`: 16, `8`: 8} {
		cfg := loaded(t, server("web", "192.0.2.1:80", "persistence {\n  netmask = "+mask+"\n}"))
		if got := cfg.VirtualServers[0].Persistence.Prefix; got != want {
			t.Errorf("%s: %d, want %d", mask, got, want)
		}
	}
}

func TestSyncTakesTheIdOfTheInstanceItFollows(t *testing.T) {
	text := `
		vrrp_instance "a" {
		  interface         = "eth0"
		  virtual_router_id = 77
		  virtual_addresses = ["192.0.2.1/24"]
		}
		ipvs {
		  sync {
		    interface = "eth1"
		    follow    = vrrp_instance.a
		    %s
		  }
		}`
	if got := loaded(t, fmt.Sprintf(text, "")).IPVS.Sync[0]; got.ID != 77 || got.Follow != "a" {
		t.Errorf("%+v", got)
	}
	if got := loaded(t, fmt.Sprintf(text, "id = 5")).IPVS.Sync[0].ID; got != 5 {
		t.Errorf("id %d", got)
	}
}

func matching(name, address string) string {
	return fmt.Sprintf("virtual_server %q {\n  forward = \"nat\"\n  match {\n    address = %q\n    protocol = \"tcp\"\n  }\n}\n", name, address)
}

func marks(t *testing.T, text string) map[string]uint32 {
	m := map[string]uint32{}
	for _, v := range loaded(t, text).VirtualServers {
		m[v.Name] = v.Service.Mark
	}
	return m
}

func TestMarkOfAMatchDependsOnTheNameAlone(t *testing.T) {
	alone := marks(t, matching("web", "192.0.2.1"))
	among := marks(t, matching("a", "192.0.2.2")+matching("web", "192.0.2.3")+matching("zz", "192.0.2.4"))
	if alone["web"] != among["web"] || alone["web"]>>16 != 0x4556 {
		t.Errorf("%#x alone, %#x among others", alone["web"], among["web"])
	}
	if among["a"] == among["web"] || among["a"] == among["zz"] {
		t.Errorf("marks are not different: %#x", among)
	}
}

func TestMarkThatIsTakenGoesToTheNextFree(t *testing.T) {
	byHash := map[uint16]string{}
	var one, two string
	for i := 0; one == ""; i++ {
		name := fmt.Sprintf("s%d", i)
		if first, ok := byHash[nameHash(name)]; ok {
			one, two = first, name
		}
		byHash[nameHash(name)] = name
	}
	hash := nameHash(one)
	if one > two {
		one, two = two, one
	}
	explicit := fmt.Sprintf("virtual_server \"explicit\" {\n  fwmark = %d\n  forward = \"nat\"\n}\n", uint32(markBase)|uint32(hash+1))
	want := map[string]uint32{one: markBase | uint32(hash), two: markBase | uint32(hash+2), "explicit": markBase | uint32(hash+1)}
	a, b := matching(one, "192.0.2.1"), matching(two, "192.0.2.2")
	for _, text := range []string{a + b + explicit, explicit + b + a} {
		if diff := cmp.Diff(want, marks(t, text)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestValuesAreValidatedOncePerDistinctValues(t *testing.T) {
	types := &fakeTypes{}
	text := server("web", "192.0.2.1:80", strings.Repeat("check \"http\" {\n  interval = \"1s\"\n}\n", 20)+"check \"http\" {\n  path = \"/other\"\n}\ncheck \"http\" {\n  method = \"GET\"\n}\n")
	if _, diags := Sources([]Source{{Name: "x.hcl", Text: []byte(text)}}, Options{Types: types}); diags.HasErrors() {
		t.Fatal(diags.Text())
	}
	want := []string{
		`{"method":"GET","path":"/","status":["200-299"],"tls":false}`,
		`{"method":"GET","path":"/other","status":["200-299"],"tls":false}`,
	}
	if diff := cmp.Diff(want, types.validated); diff != "" {
		t.Errorf("asked about: %s", diff)
	}
	if types.schemas["check http"] != 1 {
		t.Errorf("the schema was asked for %d times", types.schemas["check http"])
	}
}

func TestPluginBlockBringsItsType(t *testing.T) {
	cfg := loaded(t, `
		plugin "check" "redis" {
		  path   = "/data/plugins/check-redis"
		  sha256 = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08"
		}
		check "redis" "a" {
		  database = 3
		}`)
	if got := string(cfg.Checks[0].Config); got != `{"database":3}` {
		t.Errorf("config %s", got)
	}
	if got := cfg.Plugins[0].SHA256; got != strings.ToLower(got) {
		t.Errorf("sha256 %s is not in lower case", got)
	}
}

func TestWithoutTypesNoTypeIsKnown(t *testing.T) {
	cfg, diags := Sources([]Source{{Name: "x.hcl", Text: []byte(`check "tcp" "a" {}`)}}, Options{})
	if cfg != nil || !strings.Contains(diags.Error(), "Unknown type") {
		t.Error(diags.Error())
	}
}

func TestSubjectsOfANotifyAreReferences(t *testing.T) {
	cfg := loaded(t, server("192.0.2.1:80", "192.0.2.1:80", "")+`
		notify "script" "a" {
		  on      = ["real_server.down"]
		  only    = [virtual_server["192.0.2.1:80"]]
		  command = ["/bin/true"]
		}`)
	if diff := cmp.Diff([]string{`virtual_server["192.0.2.1:80"]`}, cfg.Notifies[0].Only); diff != "" {
		t.Error(diff)
	}
}

func TestDynamicBlocksWorkEverywhere(t *testing.T) {
	cfg := loaded(t, `
		locals {
		  sites = {
		    north = { vip = cidrhost("192.0.2.0/24", 1), servers = 3 }
		    south = { vip = cidrhost("192.0.2.0/24", 2), servers = 1 }
		  }
		}
		dynamic "virtual_server" {
		  for_each = local.sites
		  iterator = site
		  labels   = [upper(site.key)]
		  content {
		    address  = "${site.value.vip}:80"
		    protocol = "tcp"
		    forward  = "nat"
		    dynamic "real_server" {
		      for_each = range(site.value.servers)
		      labels   = [format("10.0.0.%d:80", real_server.value + 1)]
		      content {
		        weight = real_server.value
		        dynamic "check" {
		          for_each = real_server.value > 1 ? ["http"] : []
		          labels   = [check.value]
		          content {
		            path = "/${site.key}"
		            dynamic "request" {
		              for_each = ["a", "b"]
		              content {
		                path = "/${request.value}"
		              }
		            }
		          }
		        }
		      }
		    }
		  }
		}
		vrrp_instance "a" {
		  interface         = "eth0"
		  virtual_router_id = 1
		  dynamic "virtual_address" {
		    for_each = ["192.0.2.1", "192.0.2.2"]
		    labels   = ["${virtual_address.value}/24"]
		    content {
		      interface = "eth${virtual_address.key}"
		    }
		  }
		}
		provision "ssh" "all" {
		  virtual_servers  = values(virtual_server)
		  private_key_file = "/k"
		}`)
	if diff := cmp.Diff([]string{"NORTH", "SOUTH"}, serverNames(cfg.VirtualServers)); diff != "" {
		t.Fatal(diff)
	}
	north := cfg.VirtualServers[0]
	if len(north.RealServers) != 3 || north.RealServers[2].Name != "10.0.0.3:80" || north.RealServers[2].Weight != 2 {
		t.Errorf("real servers: %+v", north.RealServers)
	}
	checks := north.RealServers[2].Checks
	if len(checks) != 1 || !strings.Contains(string(checks[0].Config), `"path":"/north","request":[{"path":"/a"},{"path":"/b"}]`) {
		t.Errorf("checks: %+v", checks)
	}
	if len(north.RealServers[1].Checks) != 0 {
		t.Error("a dynamic block of nothing made a check")
	}
	if got := cfg.VRRPInstances[0].Addresses; len(got) != 2 || got[1].Interface != "eth1" || got[1].Prefix.String() != "192.0.2.2/24" {
		t.Errorf("addresses: %+v", got)
	}
	if len(cfg.Provisions[0].VirtualServers) != 2 {
		t.Errorf("provisioned: %v", serverNames(cfg.Provisions[0].VirtualServers))
	}
}

func TestFunctions(t *testing.T) {
	for expression, want := range map[string]string{
		`format("%s-%02d", "lb", 7)`:                           "lb-07",
		`join(",", concat(["a"], ["b"]))`:                      "a,b",
		`join(",", [for n in range(3) : "${n}"])`:              "0,1,2",
		`lookup(merge({ a = "1" }, { b = "2" }), "b", "none")`: "2",
		`lookup({ a = "1" }, "c", "none")`:                     "none",
		`upper(lower("Ab"))`:                                   "AB",
		`cidrhost("10.1.0.0/24", 11)`:                          "10.1.0.11",
		`cidrhost("10.1.0.77/24", -1)`:                         "10.1.0.255",
		`cidrhost("2001:db8::/64", 256)`:                       "2001:db8::100",
		`cidrsubnet("10.0.0.0/8", 8, 3)`:                       "10.3.0.0/16",
		`cidrsubnet("2001:db8::/32", 16, 65535)`:               "2001:db8:ffff::/48",
		`cidrnetmask("10.0.0.0/20")`:                           "255.255.240.0",
		`tostring(cidrprefix("10.0.0.0/20"))`:                  "20",
		`try(local.sites.none, "else")`:                        "else",
		`tostring(length(split(".", "a.b.c")))`:                "3",
		`element(sort(["b", "a"]), 0)`:                         "a",
		`replace("a.b", ".", "-")`:                             "a-b",
		`hostname == "lb1" ? "first" : "second"`:               "first",
		`jsonencode({ a = [1, true] })`:                        `{"a":[1,true]}`,
	} {
		cfg := loaded(t, "locals {\n  sites = {}\n}\ncheck \"script\" \"a\" {\n  command = [\"/bin/echo\"]\n  user = "+expression+"\n}\n")
		var got struct{ User string }
		if err := json.Unmarshal(cfg.Checks[0].Config, &got); err != nil || got.User != want {
			t.Errorf("%s: %q, want %q (%v)", expression, got.User, want, err)
		}
	}
}

func TestNetworkFunctionsRefuseWhatIsOutside(t *testing.T) {
	for _, expression := range []string{
		`cidrhost("10.0.0.0/30", 4)`, `cidrhost("10.0.0.0/30", -5)`, `cidrhost("10.0.0.0", 1)`, `cidrhost("10.0.0.0/8", 1.5)`, `cidrhost("::/0", 1e100000)`,
		`cidrsubnet("10.0.0.0/30", 3, 0)`, `cidrsubnet("10.0.0.0/8", 8, 256)`, `cidrsubnet("10.0.0.0/8", -1, 0)`, `cidrsubnet("x", 1, 0)`,
		`cidrnetmask("2001:db8::/32")`, `cidrprefix("x")`,
	} {
		text := "director {\n  name = \"${" + expression + "}\"\n}\n"
		if cfg, diags := Sources([]Source{{Name: "x.hcl", Text: []byte(text)}}, Options{}); cfg != nil || !strings.Contains(diags.Error(), "Invalid function argument") {
			t.Errorf("%s: %v", expression, diags.Error())
		}
	}
}

func TestWarningsComeBesideAConfiguration(t *testing.T) {
	text := "check \"script\" \"a\" {\n  command = [\"/bin/true\"]\n  interval = \"1s\"\n  timeout = \"2s\"\n}\n"
	cfg, diags := Sources([]Source{{Name: "x.hcl", Text: []byte(text)}}, Options{Types: &fakeTypes{}})
	if cfg == nil || diags.HasErrors() || len(diags.Warnings()) != 1 || !strings.HasPrefix(diags.Warnings()[0], "x.hcl:4,13: Timeout longer than the interval: ") {
		t.Errorf("%v %q", cfg, diags.Warnings())
	}
	if diags.Error() != "no errors" {
		t.Errorf("error: %s", diags.Error())
	}
}

func TestDiagnosticsInColour(t *testing.T) {
	_, diags := Sources([]Source{{Name: "x.hcl", Text: []byte("director {\n\tnaem = \"a\"\n}\n")}}, Options{})
	var s strings.Builder
	if err := diags.Write(&s, true); err != nil {
		t.Fatal(err)
	}
	want := "\x1b[1;31mError\x1b[0m: Unknown attribute\n  on x.hcl:2,2, in director:\n   2: \t\x1b[1;4mnaem\x1b[0m = \"a\"\n  There is no attribute \"naem\" here. Did you mean \"name\"?\n"
	if diff := cmp.Diff(want, s.String()); diff != "" {
		t.Error(diff)
	}
	plain := "Error: Unknown attribute\n  on x.hcl:2,2, in director:\n   2: \tnaem = \"a\"\n      \t^^^^\n  There is no attribute \"naem\" here. Did you mean \"name\"?\n"
	if diff := cmp.Diff(plain, diags.Text()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(plain, Explain(diags.Sources()[0], diags.All()).Text()); diff != "" {
		t.Error(diff)
	}
}

func TestValuesOfVariablesAreShown(t *testing.T) {
	text := "locals {\n  net = \"10.0.0.0\"\n}\ndirector {\n  name = cidrhost(local.net, 1)\n}\n"
	_, diags := Sources([]Source{{Name: "x.hcl", Text: []byte(text)}}, Options{})
	if !strings.Contains(diags.Text(), "  with local.net = \"10.0.0.0\"\n") {
		t.Error(diags.Text())
	}
}

func TestDiagnosticsAreInTheOrderOfFilesAndLines(t *testing.T) {
	_, diags := Sources([]Source{
		{Name: "z.hcl", Text: []byte("x = 1\ny {}\n")},
		{Name: "a.hcl", Text: []byte(server("web", "nowhere", "quorum = 0"))},
	}, Options{Types: &fakeTypes{}})
	var places []string
	for _, x := range diags.All() {
		places = append(places, place(*x.Subject))
	}
	want := []string{"z.hcl:1,1", "z.hcl:2,1", "a.hcl:2,13", "a.hcl:5,10"}
	if !slices.Equal(places, want) {
		t.Errorf("%v, want %v", places, want)
	}
}

// A full stack ends a process, and a wrong file must not end the one that balances.
func TestDeeplyNestedFileIsAnError(t *testing.T) {
	text := "director {\n  name = " + strings.Repeat("(", 1e5) + "\n}\n"
	cfg, diags := Sources([]Source{{Name: "x.hcl", Text: []byte(text)}}, Options{})
	if cfg != nil || !strings.Contains(diags.Error(), "Nested too deeply") {
		t.Errorf("got %.200s", diags.Error())
	}
}
