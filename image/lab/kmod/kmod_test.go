package kmod_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/image/lab/kmod"
)

// tree makes a folder of modules as a kernel package has it. Each is a real ELF file with nothing but a .modinfo section.
func tree(t *testing.T, modinfo map[string]string, builtin ...string) *kmod.Tree {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "6.1.0")
	for name, info := range modinfo {
		file := filepath.Join(dir, "kernel", name+".ko")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, object(info), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.Join(builtin, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(dir, "modules.builtin"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	tr, err := kmod.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// object is an ELF object file with a .modinfo section.
func object(modinfo string) []byte {
	names := "\x00.modinfo\x00.shstrtab\x00"
	info := strings.ReplaceAll(modinfo, " ", "\x00") + "\x00"
	const head, section = 64, 64
	h := elf.Header64{
		Type: uint16(elf.ET_REL), Machine: uint16(elf.EM_X86_64), Version: 1, Shoff: head, Ehsize: head,
		Shentsize: section, Shnum: 3, Shstrndx: 2,
	}
	copy(h.Ident[:], "\x7fELF\x02\x01\x01")
	data := uint64(head + 3*section)
	sections := []elf.Section64{
		{},
		{Name: 1, Type: uint32(elf.SHT_PROGBITS), Off: data, Size: uint64(len(info))},
		{Name: 10, Type: uint32(elf.SHT_STRTAB), Off: data + uint64(len(info)), Size: uint64(len(names))},
	}
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, h) // a Buffer takes everything
	_ = binary.Write(&b, binary.LittleEndian, sections)
	b.WriteString(info + names)
	return b.Bytes()
}

var ipvs = map[string]string{
	"net/ip_vs":          "license=GPL alias=net-pf-16-proto-16-family-IPVS depends=nf_conntrack,nf-defrag-ipv6",
	"net/ip_vs_rr":       "depends=ip_vs",
	"net/nf_conntrack":   "depends=nf_defrag_ipv6",
	"net/nf_defrag_ipv6": "depends=",
	"net/ipip":           "depends= alias=rtnl-link-ipip",
}

func names(list []kmod.Module) (names []string) {
	for _, m := range list {
		names = append(names, m.Name)
	}
	return names
}

func TestClosureHasDependenciesFirstAndEachOnce(t *testing.T) {
	list, err := tree(t, ipvs).Closure("ip_vs_rr", "ip_vs", "ipip")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"nf_defrag_ipv6", "nf_conntrack", "ip_vs", "ip_vs_rr", "ipip"}
	if d := cmp.Diff(want, names(list)); d != "" {
		t.Errorf("wrong order (-want +got):\n%s", d)
	}
}

func TestModulesAreFoundByTheirPath(t *testing.T) {
	tr := tree(t, ipvs)
	if d := cmp.Diff([]string{"ip_vs", "ip_vs_rr", "ipip", "nf_conntrack", "nf_defrag_ipv6"}, tr.Below("net")); d != "" {
		t.Errorf("a folder (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"ip_vs"}, tr.Below("net/ip_vs")); d != "" {
		t.Errorf("a file (-want +got):\n%s", d)
	}
	if got := tr.Below("ne"); got != nil {
		t.Errorf("half a folder's name: got %v, want nothing", got)
	}
}

func TestWhatIsWantedBeforeAModuleComesWithIt(t *testing.T) {
	// The test's own separator of entries is a space: a softdep has none left but as here.
	tr := tree(t, map[string]string{"fs/ext4": "softdep=pre:\tcrc32c_generic\tpost:\tlater", "crypto/crc32c_generic": "", "fs/later": ""})
	list, err := tr.Closure("ext4")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"crc32c_generic", "ext4"}, names(list)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got, want := kmod.Softdep(list), "softdep ext4 pre: crc32c_generic\n"; got != want {
		t.Errorf("modules.softdep: got %q, want %q", got, want)
	}
}

func TestBuiltInModuleIsThereButNotToBeLoaded(t *testing.T) {
	tr := tree(t, ipvs, "kernel/net/packet/af-packet.ko")
	if !tr.Has("af_packet") || tr.Has("nft_nat") {
		t.Errorf("af_packet: %v, want true; nft_nat: %v, want false", tr.Has("af_packet"), tr.Has("nft_nat"))
	}
	if list, err := tr.Closure("af_packet", "nft_nat"); err != nil || len(list) != 0 {
		t.Errorf("got %v, %v, want nothing", names(list), err)
	}
}

func TestFilesForModprobe(t *testing.T) {
	list, err := tree(t, ipvs).Closure("ip_vs_rr", "ipip")
	if err != nil {
		t.Fatal(err)
	}
	want := "nf_defrag_ipv6.ko: \nnf_conntrack.ko: nf_defrag_ipv6.ko\nip_vs.ko: nf_conntrack.ko nf_defrag_ipv6.ko\n" +
		"ip_vs_rr.ko: ip_vs.ko nf_conntrack.ko nf_defrag_ipv6.ko\nipip.ko: \n"
	if d := cmp.Diff(want, kmod.Dep(list)); d != "" {
		t.Errorf("modules.dep (-want +got):\n%s", d)
	}
	want = "alias net-pf-16-proto-16-family-IPVS ip_vs\nalias rtnl-link-ipip ipip\n"
	if d := cmp.Diff(want, kmod.Alias(list)); d != "" {
		t.Errorf("modules.alias (-want +got):\n%s", d)
	}
}

func TestFileThatIsNoModuleIsAnError(t *testing.T) {
	dir := t.TempDir()
	if _, err := kmod.Open(dir); err == nil {
		t.Error("a folder without modules was taken for a kernel's")
	}
	if err := os.WriteFile(filepath.Join(dir, "ip_vs.ko"), []byte("no ELF"), 0o644); err != nil {
		t.Fatal(err)
	}
	tr, err := kmod.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Closure("ip_vs"); err == nil || !strings.Contains(err.Error(), "ip_vs.ko") {
		t.Errorf("got %v, want an error that names the file", err)
	}
}
