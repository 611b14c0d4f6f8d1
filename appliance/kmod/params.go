package kmod

import "strings"

// Params reads the parameters of modules from a file of lines "MODULE NAME=VALUE...", with comments after #, and then from a kernel's command
// line, where one is MODULE.NAME=VALUE: the kernel gives those to built-in modules only.
func Params(file, cmdline string) map[string][]string {
	params := map[string][]string{}
	for _, line := range strings.Split(file, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if f := strings.Fields(line); len(f) > 1 {
			n := name(f[0])
			params[n] = append(params[n], f[1:]...)
		}
	}
	for _, word := range strings.Fields(cmdline) {
		key, _, hasValue := strings.Cut(word, "=")
		module, param, ok := strings.Cut(key, ".")
		if ok && hasValue && module != "" && param != "" {
			n := name(module)
			params[n] = append(params[n], strings.TrimPrefix(word, module+"."))
		}
	}
	return params
}
