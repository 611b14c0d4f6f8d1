package lab_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/image/lab"
)

// kinds runs a test in a machine of each kind.
func kinds(t *testing.T, test func(t *testing.T, v *lab.VM)) {
	for _, k := range []lab.Kind{lab.UML, lab.QEMU} {
		t.Run(string(k), func(t *testing.T) { test(t, boot(t, lab.VMOptions{Kind: k})) })
	}
}

func TestVMRunsPrograms(t *testing.T) {
	kinds(t, func(t *testing.T, v *lab.VM) {
		for script, want := range map[string]struct {
			output string
			exit   int
		}{
			"echo up":                       {"up\n", 0},
			"echo bad >&2; exit 3":          {"bad\n", 3},
			"kill -9 $$":                    {"", 137},
			"nosuchprogram 2>/dev/null":     {"", 127},
			`printf 'a\000b\r\n\377\033[A'`: {"a\x00b\r\n\xff\x1b[A", 0},
			"hostname":                      {"vm1\n", 0},
			"echo " + strings.Repeat("long ", 5000) + "| wc -w": {"5000\n", 0},
		} {
			output, exit, err := v.Run(ctx, script)
			if err != nil || exit != want.exit || output != want.output {
				t.Errorf("%.40q: got %.40q, exit %d, %v, want %.40q, exit %d", script, output, exit, err, want.output, want.exit)
			}
		}
	})
}

func TestVMRunsManyProgramsAtOnce(t *testing.T) {
	kinds(t, func(t *testing.T, v *lab.VM) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				output, exit, err := v.Run(ctx, fmt.Sprintf("for j in $(seq 200); do echo %d; done; exit %d", i, i))
				if want := strings.Repeat(fmt.Sprintln(i), 200); err != nil || exit != i || output != want {
					t.Errorf("program %d: exit %d, %v, %d bytes, want exit %d, %d bytes", i, exit, err, len(output), i, len(want))
				}
			})
		}
		wg.Wait()
	})
}

func TestVMFilesGoInAndOutWhole(t *testing.T) {
	kinds(t, func(t *testing.T, v *lab.VM) {
		data := make([]byte, 1<<20+7)
		for i, r := 0, rand.New(rand.NewPCG(1, 2)); i < len(data); i++ {
			data[i] = byte(r.Uint32())
		}
		if err := v.Put(ctx, "/data/deep/file", data); err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Fields(run(t, v, "sha256sum /data/deep/file"))[0], fmt.Sprintf("%x", sha256.Sum256(data)); got != want {
			t.Errorf("in the machine it has sha256 %s, want %s", got, want)
		}
		got, err := v.Get(ctx, "/data/deep/file")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, data) {
			t.Errorf("it came back with %d bytes, not the %d that went in", len(got), len(data))
		}
		if _, err := v.Get(ctx, "/nowhere"); err == nil || !strings.Contains(err.Error(), "/nowhere") {
			t.Errorf("a file that is not there: got %v", err)
		}
	})
}

func TestVMProgramsRunInTheBackground(t *testing.T) {
	kinds(t, func(t *testing.T, v *lab.VM) {
		p, err := v.Start(ctx, nil, "/bin/sh", "-c", "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.1; done")
		if err != nil {
			t.Fatal(err)
		}
		for p.Output() != "up\n" {
			time.Sleep(10 * time.Millisecond)
		}
		run(t, v, "true") // meanwhile others run
		if err := p.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if exit, err := p.Wait(ctx); exit != 7 || err != nil || p.Output() != "up\nbye\n" {
			t.Errorf("got exit %d, %v, %q", exit, err, p.Output())
		}
	})
}

func TestVMScriptThatTakesTooLongIsEnded(t *testing.T) {
	v := boot(t, lab.VMOptions{Kind: lab.UML})
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if _, _, err := v.Run(short, "echo begun; sleep 77"); err == nil || !strings.Contains(err.Error(), "begun") {
		t.Errorf("got %v, want an error with what it wrote", err)
	}
	if out, exit, err := v.Run(ctx, "pgrep -f 'sleep 7[7]'"); err != nil || exit == 0 {
		t.Errorf("it still runs: %q, %v", out, err)
	}
}

func TestVMHasIPVS(t *testing.T) {
	kinds(t, func(t *testing.T, v *lab.VM) {
		run(t, v, "modprobe ip_vs")
		for _, s := range strings.Fields("rr wrr lc wlc fo ovf lblc lblcr dh sh mh sed nq") {
			run(t, v, "ipvsadm -A -t 192.0.2.1:80 -s "+s+" && ipvsadm -D -t 192.0.2.1:80")
		}
		run(t, v, "ipvsadm -A -t '[2001:db8::1]:80' && ipvsadm -a -t '[2001:db8::1]:80' -r '[2001:db8::2]:80' -g")
		run(t, v, "ipvsadm -A -f 7 -s wrr && ipvsadm -A -u 192.0.2.1:53 -o && ipvsadm -A -t 192.0.2.1:5060 -p 60")
		if out := run(t, v, "ipvsadm -Sn"); strings.Count(out, "-A") != 4 || strings.Count(out, "-a") != 1 {
			t.Errorf("the table is not what was asked for:\n%s", out)
		}
	})
}

// The kernel asks for a module by an alias, and modprobe in the image knows it.
func TestVMKernelLoadsModulesByItself(t *testing.T) {
	kinds(t, func(t *testing.T, v *lab.VM) {
		run(t, v, "ip link add dummy0 type dummy; ip link add t0 type ipip local 192.0.2.1 remote 192.0.2.2; ipvsadm -A -t 192.0.2.1:80 -s mh")
		out := run(t, v, "lsmod")
		for _, m := range []string{"dummy", "ipip", "ip_vs", "ip_vs_mh"} {
			if !strings.Contains(out, "\n"+m+" ") {
				t.Errorf("module %s is not loaded:\n%s", m, out)
			}
		}
	})
}

func TestVMWithoutIPVSIsPossible(t *testing.T) {
	v := boot(t, lab.VMOptions{Omit: []string{"ip_vs"}, Kind: lab.UML})
	if out, exit, err := v.Run(ctx, "ipvsadm -Ln"); err != nil || exit == 0 {
		t.Errorf("ipvsadm: exit %d, %v, want that it fails:\n%s", exit, err, out)
	}
	if out := run(t, v, "find /lib/modules -name 'ip_vs*'"); out != "" {
		t.Errorf("the image has modules that need ip_vs: %s", out)
	}
}

func TestVMPowerCut(t *testing.T) {
	for _, k := range []lab.Kind{lab.UML, lab.QEMU} {
		t.Run(string(k), func(t *testing.T) {
			need(t, k)
			l := newLab(t, lab.Options{Kind: k, RealServers: -1})
			v := l.Directors[0]
			p, err := v.Start(ctx, nil, "/bin/sh", "-c", "echo up; echo seen >/dev/console; exec sleep 60")
			if err != nil {
				t.Fatal(err)
			}
			for p.Output() != "up\n" {
				time.Sleep(10 * time.Millisecond)
			}
			before := run(t, v, "cat /sys/class/net/eth0/address")
			v.Kill()
			if _, err := p.Wait(ctx); err == nil || !strings.Contains(err.Error(), "gone") || !strings.Contains(err.Error(), "seen") {
				t.Errorf("a program of a dead machine ended with %v, want that it is gone, and the console's tail", err)
			}
			if _, _, err := v.Run(ctx, "true"); err == nil {
				t.Error("a dead machine ran a program")
			}
			again, err := l.StartDirector(ctx, 0)
			if err != nil {
				t.Fatal(err)
			}
			if after := run(t, again, "cat /sys/class/net/eth0/address"); after != before {
				t.Errorf("it came back with the hardware address %s, want %s", after, before)
			}
			c, err := l.Client.Dial(ctx, "udp", "10.77.0.11:9")
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
		})
	}
}

func TestVMBootErrorSaysWhatTheMachineSaid(t *testing.T) {
	need(t, lab.UML)
	l := newLab(t, lab.Options{Directors: -1, RealServers: -1})
	_, err := l.Boot(ctx, lab.VMOptions{Name: "vm1", Setup: "nosuchcommand --really"})
	if err == nil || !strings.Contains(err.Error(), "vm1: boot:") || !strings.Contains(err.Error(), "nosuchcommand: not found") {
		t.Errorf("got %v", err)
	}
	began := time.Now()
	_, err = l.Boot(ctx, lab.VMOptions{Name: "vm2", Memory: 20})
	if err == nil || !strings.Contains(err.Error(), "Kernel panic") {
		t.Errorf("a machine with too little memory: got %v, want the kernel's panic", err)
	}
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("a kernel that panics was given up after %v", d)
	}
}
