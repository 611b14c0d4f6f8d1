package director

import (
	"testing"

	"github.com/evenkeel/evenkeel/hcl/config"
)

func TestAVerdictLeadsStepByStepToTheTable(t *testing.T) {
	cfg := web(3, 1)
	cfg.VirtualServers[0].Quorum = 3
	cfg.VirtualServers[0].SorryServer = sorry("127.0.0.9:80")
	ids := journal(up(id(1), id(2)))
	d, _ := New(cfg, Seed{Now: start, NextEvent: 41, Verdicts: ids})

	out := take(d, down(id(1)))
	expectEvents(t, out,
		"41 check web/10.1.0.1:80/tcp up->down (0)",
		"42 real_server web/10.1.0.1:80 up->down (41)",
		"43 quorum web gained->lost (42)",
		"44 sorry_server web/127.0.0.9:80 out->in (43)",
		"45 weight web/10.1.0.1:80 3->0 (42)",
		"46 weight web/10.1.0.2:80 1->0 (43)")
	for i, want := range []string{
		"HTTP 503",
		"HTTP 503",
		"the weight of the up servers, 1, is below 3",
		"the quorum is lost",
		"the real server is down: HTTP 503; it is out of the table",
		"the quorum is lost; it is out of the table",
	} {
		if got := out.Events[i].Reason; got != want {
			t.Errorf("reason of event %d: %q, want %q", out.Events[i].ID, got, want)
		}
	}

	out = take(d, up(id(1)))
	expectEvents(t, out,
		"47 check web/10.1.0.1:80/tcp down->up (0)",
		"48 real_server web/10.1.0.1:80 down->up (47)",
		"49 quorum web lost->gained (48)",
		"50 sorry_server web/127.0.0.9:80 in->out (49)",
		"51 weight web/10.1.0.1:80 0->3 (49)",
		"52 weight web/10.1.0.2:80 0->1 (49)")
	if got, want := out.Events[2].Reason, "the weight of the up servers, 4, has reached 3"; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
}

func TestAQuorumWithoutASorryServerMovesNoOtherWeight(t *testing.T) {
	cfg := web(3, 1)
	cfg.VirtualServers[0].Quorum = 4
	d := allUp(cfg, 2)
	expectEvents(t, take(d, down(id(2))),
		"1 check web/10.1.0.2:80/tcp up->down (0)",
		"2 real_server web/10.1.0.2:80 up->down (1)",
		"3 quorum web gained->lost (2)",
		"4 weight web/10.1.0.2:80 1->0 (2)")
	expectTable(t, d, "1=3")
}

func TestABatchGivesChecksThenVirtualServersInTheOrderOfTheFiles(t *testing.T) {
	cfg := web(1, 1)
	shop := web(1).VirtualServers[0]
	shop.Name, shop.Service.Port = "shop", 443
	cfg.VirtualServers = append(cfg.VirtualServers, shop)
	d, _ := New(cfg, Seed{Now: start})
	out := take(d, up("shop/10.1.0.1:80/tcp"), down(id(2)), up(id(1)))
	expectEvents(t, out,
		"1 check web/10.1.0.1:80/tcp unknown->up (0)",
		"2 check web/10.1.0.2:80/tcp unknown->down (0)",
		"3 check shop/10.1.0.1:80/tcp unknown->up (0)",
		"4 real_server web/10.1.0.1:80 unknown->up (1)",
		"5 real_server web/10.1.0.2:80 unknown->down (2)",
		"6 quorum web lost->gained (4)",
		"7 weight web/10.1.0.1:80 0->1 (4)",
		"8 real_server shop/10.1.0.1:80 unknown->up (3)",
		"9 quorum shop lost->gained (8)",
		"10 weight shop/10.1.0.1:80 0->1 (8)")
	if n := len(out.Table.Changed); n != 2 || out.Table.Generation != 2 {
		t.Errorf("%d changes in generation %d", n, out.Table.Generation)
	}
}

func TestARealServerThatIsDownNamesTheCheckThatTookItDown(t *testing.T) {
	cfg := web(1)
	rs := cfg.VirtualServers[0].RealServers[0]
	rs.Checks = append(rs.Checks, &config.Check{Type: "http"}, &config.Check{Type: "smtp"})
	d, _ := New(cfg, Seed{Now: start})
	out := take(d, up(id(1)), down("web/10.1.0.1:80/http"), up("web/10.1.0.1:80/smtp"))
	if e := out.Events[3]; e.Kind != "real_server" || e.Cause != 2 || e.Reason != "HTTP 503" {
		t.Errorf("got %+v", e)
	}
}

// One named check may belong to several real servers, of several virtual servers.
func TestASharedCheckTakesAllItsServersDown(t *testing.T) {
	cfg := web(1, 1)
	shared := &config.Check{Type: "script", Name: "gateway"}
	cfg.Checks = []*config.Check{shared}
	for _, rs := range cfg.VirtualServers[0].RealServers {
		rs.Checks = append(rs.Checks, shared)
	}
	d, _ := New(cfg, Seed{Now: start, Verdicts: journal(up(id(1), id(2), "check.script.gateway"))})
	expectTable(t, d, "1=1 2=1")
	expectEvents(t, take(d, down("check.script.gateway")),
		"1 check check.script.gateway up->down (0)",
		"2 real_server web/10.1.0.1:80 up->down (1)",
		"3 real_server web/10.1.0.2:80 up->down (1)",
		"4 quorum web gained->lost (3)",
		"5 weight web/10.1.0.1:80 1->0 (2)",
		"6 weight web/10.1.0.2:80 1->0 (3)")
	expectTable(t, d, "")
}

func TestACheckThatNoServerHasIsAnEventAlone(t *testing.T) {
	cfg := web()
	cfg.Checks = []*config.Check{{Type: "script", Name: "nginx"}}
	d, _ := New(cfg, Seed{Now: start})
	out := take(d, down("check.script.nginx"))
	expectEvents(t, out, "1 check check.script.nginx unknown->down (0)")
	if out.Table.Generation != 0 {
		t.Errorf("the table changed: %+v", out.Table)
	}
}
