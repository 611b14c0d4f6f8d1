// Package kmod loads modules into the kernel: by name, by alias, and all that the hardware asks for. It is the box's
// modprobe. The modules of a kernel lie in one folder with the indexes of modules.dep(5).
package kmod

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A Loader loads the modules of one kernel. It remembers what it has loaded, or could not; it is no goroutine's but one's.
type Loader struct {
	// Insert gives the kernel a module file and its parameters; finit_module(2) when nil. That a module is there already
	// is unix.EEXIST.
	Insert func(file, params string) error
	// Params has the parameters of modules by their names, each as the kernel takes it: "conn_tab_bits=20".
	Params map[string][]string

	dir     string
	needs   map[string][]string // names, the last to be loaded first
	before  map[string][]string // names or aliases that are loaded before a module if there are such
	aliases map[string][]alias  // by what is before the first colon
	builtin map[string]bool
	done    map[string]error
	asked   map[string]bool
	loaded  []string
}

type alias struct{ pattern, module string }

// Open reads the indexes of a folder of modules: /lib/modules/6.1.0.
func Open(dir string) (*Loader, error) {
	l := &Loader{
		dir: dir, needs: map[string][]string{}, before: map[string][]string{}, aliases: map[string][]alias{},
		builtin: map[string]bool{}, done: map[string]error{}, asked: map[string]bool{},
	}
	for _, index := range []struct {
		file string
		line func(string)
	}{
		{"modules.dep", l.dep}, {"modules.alias", l.alias}, {"modules.softdep", l.softdep},
		{"modules.builtin", func(s string) { l.builtin[name(s)] = true }},
	} {
		if err := lines(filepath.Join(dir, index.file), index.line); err != nil {
			return nil, fmt.Errorf("read the kernel modules' index: %w", err)
		}
	}
	return l, nil
}

func lines(path string, each func(string)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		each(s.Text())
	}
	return s.Err()
}

func (l *Loader) dep(line string) {
	module, needs, ok := strings.Cut(line, ":")
	if !ok {
		return
	}
	var names []string
	for _, n := range strings.Fields(needs) {
		names = append(names, name(n))
	}
	l.needs[name(module)] = names
}

func (l *Loader) alias(line string) {
	if f := strings.Fields(line); len(f) == 3 && f[0] == "alias" {
		bus, _, _ := strings.Cut(f[1], ":")
		l.aliases[bus] = append(l.aliases[bus], alias{f[1], name(f[2])})
	}
}

func (l *Loader) softdep(line string) {
	if f := strings.Fields(line); len(f) > 3 && f[0] == "softdep" && f[2] == "pre:" {
		l.before[name(f[1])] = f[3:]
	}
}

// name makes "kernel/net/ip6-tunnel.ko" the module's name, "ip6_tunnel".
func name(s string) string {
	return strings.ReplaceAll(strings.TrimSuffix(filepath.Base(s), ".ko"), "-", "_")
}

// Loaded returns the names of the modules that were loaded, in their order.
func (l *Loader) Loaded() []string { return slices.Clone(l.loaded) }

// ErrNone is the error for a name that is neither a module's nor an alias of one.
var ErrNone = errors.New("no such module")

// Load loads a module and all that it needs, or every module of which the name is an alias. What is built in or there
// already needs nothing.
func (l *Loader) Load(what string) error {
	n := strings.ReplaceAll(what, "-", "_")
	if _, ok := l.needs[n]; ok {
		return l.module(n)
	}
	if l.builtin[n] {
		return nil
	}
	bus, _, _ := strings.Cut(what, ":")
	var failed error
	found := false
	// An alias without a bus may begin with anything: "fs-ext4", "crypto-*".
	for _, a := range slices.Concat(l.aliases[bus], l.wild(bus)) {
		if a.pattern == what || match(a.pattern, what) {
			found = true
			if err := l.module(a.module); err != nil {
				failed = err
			}
		}
	}
	if !found {
		return fmt.Errorf("%s: %w", what, ErrNone)
	}
	return failed
}

// wild returns the aliases that begin with a pattern, which no map finds.
func (l *Loader) wild(bus string) (as []alias) {
	for b, list := range l.aliases {
		if b != bus && strings.ContainsAny(b, "*?[") {
			as = append(as, list...)
		}
	}
	return as
}

func (l *Loader) module(n string) error {
	needs := l.needs[n]
	for i := len(needs) - 1; i >= 0; i-- {
		if err := l.insert(needs[i]); err != nil {
			return err
		}
	}
	return l.insert(n)
}

// insert loads one module whose needs are met.
func (l *Loader) insert(n string) error {
	if err, tried := l.done[n]; tried {
		return err
	}
	l.done[n] = nil // a circle of soft dependencies ends here
	for _, b := range l.before[n] {
		_ = l.Load(b) // it is asked for, not needed
	}
	insert := l.Insert
	if insert == nil {
		insert = finit
	}
	file, err := l.file(n)
	if err == nil {
		err = insert(file, strings.Join(l.Params[n], " "))
	}
	switch {
	case err == nil:
		l.loaded = append(l.loaded, n)
	case errors.Is(err, unix.EEXIST):
		err = nil
	default:
		err = fmt.Errorf("load kernel module %s: %w", n, err)
	}
	l.done[n] = err
	return err
}

// file finds a module's file, which may have hyphens where its name has underscores.
func (l *Loader) file(n string) (string, error) {
	plain := filepath.Join(l.dir, n+".ko")
	if _, err := os.Stat(plain); err == nil {
		return plain, nil
	}
	all, err := filepath.Glob(filepath.Join(l.dir, strings.ReplaceAll(n, "_", "?")+".ko"))
	if err != nil || len(all) == 0 {
		return "", fs.ErrNotExist
	}
	return all[0], nil
}

func finit(file, params string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.FinitModule(int(f.Fd()), params, 0)
}

// Coldplug loads the modules of all hardware that there is, by the file "modalias" of each device below a folder
// (/sys/devices), until no new ones turn up. Those of the processor are left out: they are only faster
// ways to encrypt, which come when somebody encrypts. A driver that does not load is no reason to stop; failed has their errors.
func (l *Loader) Coldplug(devices string) (failed []error) {
	const rounds = 8 // a bus behind a bus behind a bus
	for range rounds {
		before := len(l.loaded)
		_ = filepath.WalkDir(devices, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.Name() != "modalias" {
				return nil // a device that has just gone
			}
			text, err := os.ReadFile(path)
			a := strings.TrimSpace(string(text))
			if err != nil || a == "" || l.asked[a] || strings.HasPrefix(a, "cpu:") {
				return nil
			}
			l.asked[a] = true
			if err := l.Load(a); err != nil && !errors.Is(err, ErrNone) {
				failed = append(failed, err)
			}
			return nil
		})
		if len(l.loaded) == before {
			return failed
		}
	}
	return failed
}
