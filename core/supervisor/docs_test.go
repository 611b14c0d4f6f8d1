package supervisor

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// row writes a line of the table in docs/plugins.md.
func row(name string, p Privileges) string {
	user, caps, gain := "nobody", "none", "no"
	names := map[uintptr]string{
		unix.CAP_NET_ADMIN: "NET_ADMIN", unix.CAP_NET_RAW: "NET_RAW", unix.CAP_IPC_LOCK: "IPC_LOCK",
		unix.CAP_SYS_NICE: "SYS_NICE", unix.CAP_DAC_READ_SEARCH: "DAC_READ_SEARCH",
	}
	var have []string
	for _, c := range p.Capabilities {
		have = append(have, names[c])
	}
	if len(have) > 0 {
		caps = strings.Join(have, " ")
	}
	if p.Root {
		user, caps = "root", "all"
	}
	if p.NewPrivileges {
		gain = "yes"
	}
	return fmt.Sprintf("    %-17s %-7s %-45s %-15s %-5s %d MiB", name, user, caps, gain, p.View, p.Memory/mebibyte)
}

func TestTheTableInTheDocumentationIsTheOneInTheCode(t *testing.T) {
	b, err := os.ReadFile("../../docs/plugins.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(b), "compares these lines with the code -->\n")
	table, _, _ = strings.Cut(table, "<!-- end -->")
	if !found {
		t.Fatal("docs/plugins.md has no table")
	}
	got := strings.Split(strings.TrimRight(table, "\n"), "\n")[1:]
	var want []string
	for _, p := range []Plugin{
		{Kind: sdk.KindBalancer, Name: "ipvs"}, {Kind: sdk.KindVRRP, Name: "vrrp"},
		{Kind: sdk.KindCheck, Name: "ping"}, {Kind: sdk.KindCheck, Name: "file"}, {Kind: sdk.KindCheck, Name: "load"}, {Kind: sdk.KindCheck, Name: "script"},
		{Kind: sdk.KindNotify, Name: "script"}, {Kind: sdk.KindNotify, Name: "service"}, {Kind: sdk.KindProvision, Name: "ssh"},
	} {
		p.Builtin = true
		want = append(want, row(p.String(), privilegesOf(p)))
	}
	want = append(want, row("any other", privilegesOf(Plugin{Kind: sdk.KindCheck, Name: "http", Builtin: true})))
	want = append(want, row("somebody else's", privilegesOf(Plugin{Kind: sdk.KindCheck, Name: "script"})))
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("docs/plugins.md has the lines\n%s\nand the code\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}
