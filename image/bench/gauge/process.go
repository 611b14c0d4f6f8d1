package gauge

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// procFS is where the kernel shows processes.
var procFS = os.DirFS("/proc")

// ProcessMemory is the memory of a process, in KiB.
type ProcessMemory struct {
	Name    string `json:"name"`
	PSS     int    `json:"pss"`     // a page that several processes share counts in parts
	RSS     int    `json:"rss"`     // every page in memory counts in full
	Private int    `json:"private"` // pages that it has written to, and shares with nobody
}

// memory returns that of a process and all below it.
func memory(proc fs.FS, pid int) ([]ProcessMemory, error) {
	all, err := tree(proc, pid)
	if err != nil {
		return nil, err
	}
	var list []ProcessMemory
	for _, p := range all {
		dir := strconv.Itoa(p)
		command, err := fs.ReadFile(proc, dir+"/cmdline")
		if err != nil {
			return nil, err
		}
		rollup, err := fs.ReadFile(proc, dir+"/smaps_rollup")
		if err != nil {
			return nil, err
		}
		m := ProcessMemory{Name: commandName(command)}
		for line := range bytes.Lines(rollup) {
			var n int
			key, rest, _ := bytes.Cut(line, []byte(":"))
			if _, err := fmt.Sscan(string(rest), &n); err != nil {
				continue // the first line, which names an address range
			}
			switch string(key) {
			case "Pss":
				m.PSS = n
			case "Rss":
				m.RSS = n
			case "Private_Dirty":
				m.Private = n
			}
		}
		list = append(list, m)
	}
	return list, nil
}

// commandName is a command line's program without its folder, and what follows up to the first option.
func commandName(cmdline []byte) string {
	words := strings.Split(strings.TrimRight(string(cmdline), "\x00"), "\x00")
	words[0] = words[0][strings.LastIndexByte(words[0], '/')+1:]
	if i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "-") }); i > 0 {
		words = words[:i]
	}
	return strings.Join(words, " ")
}

// tree returns a process and all below it. Processes that have ended and wait for their parent are none.
func tree(proc fs.FS, pid int) ([]int, error) {
	dirs, err := fs.Glob(proc, "[1-9]*/status")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	found := false
	for _, d := range dirs {
		p, err := strconv.Atoi(strings.TrimSuffix(d, "/status"))
		if err != nil {
			continue
		}
		b, err := fs.ReadFile(proc, d)
		if err != nil {
			continue // it has ended meanwhile
		}
		parent, zombie := parseStatus(b)
		if zombie {
			continue
		}
		found = found || p == pid
		children[parent] = append(children[parent], p)
	}
	if !found {
		return nil, fmt.Errorf("there is no process %d", pid)
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all, nil
}

func parseStatus(status []byte) (parent int, zombie bool) {
	for s := bufio.NewScanner(bytes.NewReader(status)); s.Scan(); {
		key, value, _ := strings.Cut(s.Text(), ":")
		value = strings.TrimSpace(value)
		switch key {
		case "PPid":
			parent, _ = strconv.Atoi(value) // the kernel writes numbers
		case "State":
			zombie = strings.HasPrefix(value, "Z")
		}
	}
	return parent, zombie
}
