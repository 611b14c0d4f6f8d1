package lab

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/image/lab/cpio"
	"github.com/evenkeel/evenkeel/image/lab/guest"
	"github.com/evenkeel/evenkeel/image/lab/kmod"
)

// modules are those that an image holds, as far as the kernel has them. What a program needs it asks the kernel for, and
// the kernel asks modprobe, as on a real system.
var modules = strings.Fields(`
	ip_vs ip_vs_rr ip_vs_wrr ip_vs_lc ip_vs_wlc ip_vs_fo ip_vs_ovf ip_vs_lblc ip_vs_lblcr ip_vs_dh ip_vs_sh ip_vs_mh
	ip_vs_sed ip_vs_nq ip_vs_twos ip_vs_pe_sip
	nf_conntrack nf_conntrack_netlink nf_nat nf_tables nft_ct nft_masq nft_nat nft_chain_nat nft_reject nft_reject_inet
	nft_limit nft_log nft_hash nft_numgen nft_fib_inet nft_redir nft_compat
	ip_tables iptable_mangle iptable_nat iptable_filter ip6_tables ip6table_mangle ip6table_nat
	xt_mark xt_MASQUERADE xt_conntrack xt_ipvs xt_multiport xt_tcpudp
	ipip ip_gre ip6_gre gre fou fou6 ip6_tunnel sit
	ipv6 af_packet packet_diag inet_diag tcp_diag udp_diag dummy macvlan veth bridge 8021q bonding vxlan tun sctp softdog
	crc32c_generic`)

// virtio are the modules without which a QEMU machine sees neither network nor host.
var virtio = []string{"virtio_pci", "virtio_net", "virtio_console"}

// A File is a file to be put into a machine's image.
type File struct {
	Path   string // in the machine
	Source string // a file of the host; or
	Data   []byte // its content
	Mode   uint32 // 0: 0644 for Data, that of Source otherwise
}

// baseImage returns the part of the image that all machines of a kind have in common: busybox, the agent, ipvsadm, ip, modules.
// It is made once and kept.
func (s store) baseImage(k kernel, agent string, omit []string) (string, error) {
	tree, err := kmod.Open(k.modules)
	if err != nil {
		return "", err
	}
	list, err := tree.Closure(append(slices.Clone(virtio), modules...)...)
	if err != nil {
		return "", err
	}
	list = without(list, omit)
	key := sha256.New()
	fmt.Fprintln(key, "layout 2", k.image, list)
	for _, f := range []string{agent, k.image, busybox, ipvsadm} {
		st, err := os.Stat(f)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(key, f, st.Size(), st.ModTime())
	}
	file := filepath.Join(s.dir, fmt.Sprintf("base-%s-%x.cpio", k.kind, key.Sum(nil)[:6]))
	if _, err := os.Stat(file); err == nil {
		now := time.Now()
		return file, os.Chtimes(file, now, now)
	}
	s.forgetBases()
	var b bytes.Buffer
	if err := writeBase(cpio.NewWriter(&b), agent, tree.Release, list); err != nil {
		return "", fmt.Errorf("make the image: %w", err)
	}
	temp, err := os.CreateTemp(s.dir, "base-new-")
	if err != nil {
		return "", err
	}
	defer os.Remove(temp.Name())
	if _, err := temp.Write(b.Bytes()); err != nil {
		return "", err
	}
	if err := temp.Close(); err != nil {
		return "", err
	}
	return file, os.Rename(temp.Name(), file)
}

// forgetBases removes bases that nobody has used for a day.
func (s store) forgetBases() {
	files, _ := filepath.Glob(filepath.Join(s.dir, "base-*"))
	for _, f := range files {
		if st, err := os.Stat(f); err == nil && time.Since(st.ModTime()) > 24*time.Hour {
			os.Remove(f)
		}
	}
}

// without removes modules, and those that need them.
func without(list []kmod.Module, omit []string) []kmod.Module {
	gone := slices.Clone(omit)
	return slices.DeleteFunc(list, func(m kmod.Module) bool {
		if slices.Contains(gone, m.Name) || slices.ContainsFunc(m.Depends, func(d string) bool { return slices.Contains(gone, d) }) {
			gone = append(gone, m.Name)
			return true
		}
		return false
	})
}

func writeBase(w *cpio.Writer, agent, release string, list []kmod.Module) error {
	for _, dir := range []string{"bin", "sbin", "usr/bin", "usr/sbin", "etc", "dev", "proc", "sys", "run", "tmp", "root", "var/lib"} {
		if err := w.Dir(dir); err != nil {
			return err
		}
	}
	if err := w.CharDevice("dev/console", 5, 1); err != nil {
		return err
	}
	applets, err := exec.Command(busybox, "--list").Output()
	if err != nil {
		return fmt.Errorf("%s --list: %w", busybox, err)
	}
	for _, a := range strings.Fields(string(applets)) {
		if a == "busybox" {
			continue
		}
		if err := w.Symlink("bin/"+a, "busybox"); err != nil {
			return err
		}
	}
	for _, l := range [][2]string{
		{"sbin/modprobe", "../bin/busybox"}, // where the kernel looks for it
		{"var/run", "../run"},
		{"init", "usr/bin/evenkeel-lab"},
	} {
		if err := w.Symlink(l[0], l[1]); err != nil {
			return err
		}
	}
	text := map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
		"etc/group":  "root:x:0:\nnogroup:x:65534:\n",
		"etc/hosts":  "127.0.0.1 localhost\n::1 localhost\n",
	}
	text["lib/modules/"+release+"/modules.dep"] = kmod.Dep(list)
	text["lib/modules/"+release+"/modules.alias"] = kmod.Alias(list)
	for _, name := range slices.Sorted(keys(text)) {
		if err := w.File(name, 0o644, []byte(text[name])); err != nil {
			return err
		}
	}
	files := []File{{Path: "bin/busybox", Source: busybox}, {Path: "usr/bin/evenkeel-lab", Source: agent, Mode: 0o755}}
	// Beside busybox's ip, which is smaller and starts sooner but knows less.
	ip, err := exec.LookPath("ip")
	if err != nil {
		return err
	}
	for _, p := range []string{ipvsadm, ip} {
		list, err := program(p)
		if err != nil {
			return err
		}
		if p == ip {
			list[0].Path = "usr/sbin/ip"
		}
		files = append(files, list...)
	}
	for _, m := range list {
		files = append(files, File{Path: "lib/modules/" + release + "/" + filepath.Base(m.File), Source: m.File})
	}
	return addFiles(w, files)
}

func keys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// addFiles adds each path once.
func addFiles(w *cpio.Writer, files []File) error {
	seen := map[string]bool{}
	for _, f := range files {
		if seen[f.Path] {
			continue
		}
		seen[f.Path] = true
		data, mode := f.Data, f.Mode
		if f.Source != "" {
			st, err := os.Stat(f.Source)
			if err != nil {
				return err
			}
			if mode == 0 {
				mode = uint32(st.Mode().Perm())
			}
			if data, err = os.ReadFile(f.Source); err != nil {
				return err
			}
		}
		if mode == 0 {
			mode = 0o644
		}
		if err := w.File(f.Path, mode, data); err != nil {
			return err
		}
	}
	return w.Close()
}

// writeImage writes a machine's whole image, base and its own part, and returns its size in bytes.
func writeImage(file, base string, node guest.Node, o VMOptions) (size int64, err error) {
	f, err := os.Create(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	b, err := os.Open(base)
	if err != nil {
		return 0, err
	}
	defer b.Close()
	if _, err := io.Copy(f, b); err != nil {
		return 0, err
	}
	text, err := json.MarshalIndent(node, "", "  ")
	if err != nil {
		return 0, err
	}
	files := append([]File{{Path: guest.NodeFile, Data: text}}, o.Files...)
	for _, p := range o.Programs {
		list, err := program(p)
		if err != nil {
			return 0, err
		}
		files = append(files, list...)
	}
	if err := addFiles(cpio.NewWriter(f), files); err != nil {
		return 0, err
	}
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), f.Close()
}

// moduleFiles returns the files of modules and of what they need, in the order to load them.
func moduleFiles(k kernel, names, omit []string) ([]string, error) {
	tree, err := kmod.Open(k.modules)
	if err != nil {
		return nil, err
	}
	list, err := tree.Closure(names...)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, m := range without(list, omit) {
		files = append(files, filepath.Base(m.File))
	}
	return files, nil
}
