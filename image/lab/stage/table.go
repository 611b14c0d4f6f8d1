package stage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Table is a kernel's IPVS table: the weights of real servers by service, both named as ipvsadm -Sn does: "-t 10.77.0.100:80",
// "10.77.0.21:80".
type Table map[string]map[string]int

// ParseTable reads what ipvsadm -Sn prints.
func ParseTable(text string) (Table, error) {
	t := Table{}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if line == "" {
			continue
		}
		word := strings.Fields(line)
		if len(word) < 3 {
			return nil, fmt.Errorf("a line of ipvsadm -Sn that is none: %q", line)
		}
		service := word[1] + " " + word[2]
		switch word[0] {
		case "-A":
			t[service] = map[string]int{}
			continue
		case "-a":
		default:
			return nil, fmt.Errorf("a line of ipvsadm -Sn that is none: %q", line)
		}
		server, weight := "", -1
		for i := 3; i+1 < len(word); i++ {
			switch word[i] {
			case "-r":
				server = word[i+1]
			case "-w":
				w, err := strconv.Atoi(word[i+1])
				if err != nil {
					return nil, fmt.Errorf("a weight of ipvsadm -Sn: %w", err)
				}
				weight = w
			}
		}
		if t[service] == nil || server == "" || weight < 0 {
			return nil, fmt.Errorf("a real server of ipvsadm -Sn that is none: %q", line)
		}
		t[service][server] = weight
	}
	return t, nil
}

// Table reads the kernel's table.
func (s *Stage) Table(ctx context.Context) (Table, error) {
	out, exit, err := s.Director.Run(ctx, "ipvsadm -Sn")
	if err != nil {
		return nil, err
	}
	if exit != 0 {
		return nil, fmt.Errorf("ipvsadm: exit %d: %s", exit, out)
	}
	return ParseTable(out)
}

// UntilTable waits until a service has these real servers with these weights, and returns how long that took.
func (s *Stage) UntilTable(ctx context.Context, timeout time.Duration, service string, want map[string]int) (time.Duration, error) {
	return s.Until(ctx, timeout, func() error {
		t, err := s.Table(ctx)
		if err != nil {
			return err
		}
		if got, ok := t[service]; !ok || !maps.Equal(got, want) {
			return fmt.Errorf("%s has %s, want %s", service, servers(got), servers(want))
		}
		return nil
	})
}

func servers(m map[string]int) string {
	var list []string
	for _, s := range slices.Sorted(maps.Keys(m)) {
		list = append(list, fmt.Sprintf("%s weight %d", s, m[s]))
	}
	if list == nil {
		return "no real server"
	}
	return strings.Join(list, ", ")
}
