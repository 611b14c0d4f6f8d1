package load

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/plugins/sdk"
)

// Config is what check "load" may hold beside what every check has.
type Config struct {
	Low         float64 `attr:"low" default:"0.5" doc:"load per processor up to which the server gets its whole weight"`
	High        float64 `attr:"high" required:"true" doc:"load per processor from which on it gets only least"`
	Least       int     `attr:"least" default:"10" doc:"the smallest part of the weight, in percent"`
	Minutes     int     `attr:"minutes" default:"1" doc:"over how long the load is an average: 1, 5 or 15"`
	Processors  int     `attr:"processors" default:"0" doc:"how many processors the server has; 0: it is asked"`
	Unreachable string  `attr:"unreachable" default:"down" oneof:"down,keep" doc:"what a server that does not answer means: it is down, or it keeps state and weight"`
	SSH         *SSH    `block:"ssh" doc:"ask by SSH"`
	SNMP        *SNMP   `block:"snmp" doc:"ask by SNMP"`
}

// SSH says how to log in.
type SSH struct {
	User           string `attr:"user" required:"true" doc:"whom to log in as"`
	PrivateKeyFile string `attr:"private_key_file" required:"true" doc:"the key to log in with, without a passphrase"`
	KnownHostsFile string `attr:"known_hosts_file" required:"true" doc:"the real servers' host keys; one that is not in it is refused"`
	Port           uint16 `attr:"port" type:"port" default:"22" doc:"where the real server's SSH listens"`
}

// SNMP says how to ask.
type SNMP struct {
	Version         string `attr:"version" default:"2c" oneof:"2c,3" doc:"of the protocol"`
	Community       string `attr:"community" default:"public" sensitive:"true" doc:"of version 2c"`
	User            string `attr:"user" doc:"of version 3"`
	Auth            string `attr:"auth" default:"SHA" oneof:"MD5,SHA,SHA256,SHA512" doc:"how version 3 proves who asks, if there is an auth_password"`
	AuthPassword    string `attr:"auth_password" sensitive:"true" doc:"the user's, at least 8 bytes"`
	Privacy         string `attr:"privacy" default:"AES" oneof:"DES,AES,AES256" doc:"how version 3 encrypts, if there is a privacy_password"`
	PrivacyPassword string `attr:"privacy_password" sensitive:"true" doc:"for the encryption, at least 8 bytes"`
	Port            uint16 `attr:"port" type:"port" default:"161" doc:"where the real server's SNMP agent listens"`
}

// Validate refuses what cannot work.
func (c *Config) Validate() (list []sdk.Diagnostic) {
	add := func(summary, detail string, path ...string) {
		list = append(list, sdk.Diagnostic{Path: path, Summary: summary, Detail: detail})
	}
	if c.Low < 0 {
		add("less than no load", "Write a number from 0 on.", "low")
	}
	if c.High <= c.Low {
		add("not above low", "Write the load per processor that is too much: high = 2.", "high")
	}
	if c.Least < 1 || c.Least > 99 {
		add("not a part", "Write a percentage from 1 to 99: a server without weight would be none, and under load all of them.", "least")
	}
	if !slices.Contains([]int{1, 5, 15}, c.Minutes) {
		add("not an average", "There are those of 1, 5 and 15 minutes.", "minutes")
	}
	if c.Processors < 0 {
		add("less than none", "Write how many there are, or 0.", "processors")
	}
	switch {
	case c.SSH == nil && c.SNMP == nil:
		add("nobody is asked", `Write a block ssh {} or snmp {}.`)
	case c.SSH != nil && c.SNMP != nil:
		add("either ssh or snmp", "Leave one of the blocks out.", "snmp")
	case c.SSH != nil:
		for attribute, path := range map[string]string{"private_key_file": c.SSH.PrivateKeyFile, "known_hosts_file": c.SSH.KnownHostsFile} {
			if !filepath.IsAbs(path) {
				add("not a whole path", "Write the whole path, from /.", "ssh", attribute)
			}
		}
		if c.SSH.User == "" || strings.ContainsRune(c.SSH.User, 0) {
			add("not a user", `Write user = "evenkeel".`, "ssh", "user")
		}
	default:
		c.SNMP.validate(func(attribute, summary, detail string) { add(summary, detail, "snmp", attribute) })
	}
	return list
}

// shortestPassword is that of RFC 3414, section 11.2.
const shortestPassword = 8

func (s *SNMP) validate(add func(attribute, summary, detail string)) {
	if s.Version == "2c" {
		for attribute, value := range map[string]string{"user": s.User, "auth_password": s.AuthPassword, "privacy_password": s.PrivacyPassword} {
			if value != "" {
				add(attribute, "this is for version 3 only", `Write version = "3" beside it.`)
			}
		}
		return
	}
	if s.User == "" {
		add("user", "version 3 needs a user", `Write user = "evenkeel".`)
	}
	if s.AuthPassword == "" && s.PrivacyPassword != "" {
		add("privacy_password", "encryption without a login", "Write auth_password beside it.")
	}
	for attribute, value := range map[string]string{"auth_password": s.AuthPassword, "privacy_password": s.PrivacyPassword} {
		if value != "" && len(value) < shortestPassword {
			add(attribute, "too short", "It has at least 8 bytes.")
		}
	}
}
