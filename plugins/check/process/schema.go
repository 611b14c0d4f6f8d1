package process

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Config is what check "process" may hold beside what every check has.
type Config struct {
	Name  string `attr:"name" required:"true" doc:"the program's name, or what its command line matches"`
	Match string `attr:"match" default:"name" oneof:"name,command" doc:"what name is: the program's name, or a regular expression that the whole command line must match"`
	User  string `attr:"user" doc:"whose processes count, a name or a number; everybody's without it"`
	Min   int    `attr:"min" default:"1" doc:"fewer processes are a failure"`
	Max   int    `attr:"max" default:"0" doc:"more processes are a failure; 0: any number is good"`

	command *regexp.Regexp // nil: by name
}

// Validate refuses what cannot work, and compiles the expression.
func (c *Config) Validate() (list []sdk.Diagnostic) {
	add := func(attribute, summary, detail string) {
		list = append(list, sdk.Diagnostic{Path: []string{attribute}, Summary: summary, Detail: detail})
	}
	switch {
	case c.Name == "":
		add("name", "no process is named", `Write name = "nginx".`)
	case c.Match == "command":
		var err error
		if c.command, err = regexp.Compile(c.Name); err != nil {
			add("name", "not a regular expression", err.Error()+".")
		}
	case strings.ContainsAny(c.Name, "/\x00"):
		add("name", "not a name", `Write it without its folder, name = "nginx"; with match = "command" it is looked for in the whole command line.`)
	}
	if c.Min < 0 {
		add("min", "less than none", "Write a number from 0 on.")
	}
	if c.Max < 0 || c.Max > 0 && c.Max < c.Min {
		add("max", "less than min", "Write a number from min on, or 0.")
	}
	if c.Min == 0 && c.Max == 0 {
		add("min", "any number is good", "With min = 0, write max: how many there may be.")
	}
	return list
}

// what is what the check counts, in words.
func (c *Config) what() string {
	s := "process " + c.Name
	if c.command != nil {
		s = fmt.Sprintf("process with command line %q", c.Name)
	}
	if c.User != "" {
		s += " of user " + c.User
	}
	return s
}
