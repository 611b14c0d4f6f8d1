package kernel

import (
	"fmt"
	"os"
	"strings"
)

// SetSysctl sets a kernel parameter, "net/ipv4/vs/conntrack", and says whether it was another before.
func SetSysctl(name, value string) (changed bool, err error) {
	path := "/proc/sys/" + name
	is, err := os.ReadFile(path)
	if err != nil {
		return false, fmt.Errorf("read kernel parameter: %w", err)
	}
	if strings.TrimSpace(string(is)) == value {
		return false, nil
	}
	if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
		return false, fmt.Errorf("set kernel parameter: %w", err)
	}
	return true, nil
}
