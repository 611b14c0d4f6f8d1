package wizard

import (
	"fmt"
	"slices"
)

// questions are all questions in their order. What a question may look at are the answers before it.
func questions() []entry {
	return slices.Concat(thisDirector(), networks(), access(), pair(), addresses(), services(), gateway(), mails())
}

// The two answers of a question that is no more than that.
const (
	yes = "yes"
	no  = "no"
)

func yesOrNo(*known) []Option {
	return []Option{{Value: yes}, {Value: no}}
}

// always is a default that does not depend on anything.
func always(s string) func(*known) string { return func(*known) string { return s } }

// options are choices that do not depend on anything, as values and their meanings in turn.
func options(pairs ...string) func(*known) []Option {
	var all []Option
	for p := range slices.Chunk(pairs, 2) {
		all = append(all, Option{Value: p[0], Text: p[1]})
	}
	return func(*known) []Option { return all }
}

// plain makes the rule of an answer that depends on nothing else.
func plain(check func(string) (string, error)) func(string, *known) (string, error) {
	return func(s string, _ *known) (string, error) { return check(s) }
}

func (k *known) box() bool { return k.Box }

func thisDirector() []entry {
	return []entry{{
		key: "hostname", section: "This director",
		text: "Name of this director",
		help: `It stands in mails, logs and on the console, and is the host name of a box.
Letters, digits, hyphens and dots. The two of a pair need different names.`,
		preset: func(k *known) string {
			if name, err := hostName(k.Hostname); err == nil && name != "localhost" && name != "evenkeel" {
				return name
			}
			return "lb1"
		},
		check: plain(hostName),
	}}
}

// access is who may use the box, and what its clock follows.
func access() []entry {
	return []entry{{
		key: "password", section: "Access", kind: Secret, when: (*known).box,
		text: "Password of the console",
		help: `It is asked for at the serial line and at the screen. There is no other one:
a box whose password is forgotten is reset to what it was when it was new,
from the boot menu. At least 8 characters. Nothing is shown while you write
it.`,
		check: plain(password),
	}, {
		key: "password.again", section: "Access", kind: Secret, when: (*known).box,
		text: "The password again",
		help: "So that it is not lost by a slip of the finger. < goes back to the first.",
		check: func(s string, k *known) (string, error) {
			if s != k.Answers["password"] {
				return "", fmt.Errorf("this is not the same as the first: write it again, or < to go back to the first")
			}
			return s, nil
		},
	}, {
		key: "ssh_key", section: "Access", optional: true, when: (*known).box,
		text: "Public key for SSH",
		help: `The line of a file such as ~/.ssh/id_ed25519.pub. With it, and only with it,
the owner of the key may come in by SSH. Without one, SSH stays off.`,
		check: plain(publicKey),
	}, {
		key: "ntp", section: "Time", optional: true, when: (*known).box,
		text: "Time servers (NTP)",
		help: `Addresses or names, with blanks between them. With "none" the clock is the
box's own. Times are shown in UTC.`,
		preset: func(k *known) string {
			if k.Answers["network1.by"] == "static" && k.None("nameservers") {
				return "" // names could not be looked up
			}
			return "0.debian.pool.ntp.org 1.debian.pool.ntp.org"
		},
		check: func(s string, _ *known) (string, error) { return list(s, host, same) },
	}}
}

// mails are who is told.
func mails() []entry {
	mailed := func(k *known) bool { return k.shares() && !k.None("mail.to") }
	return []entry{{
		key: "mail.to", section: "Mail", optional: true, when: (*known).shares,
		text: "Who gets a mail when a real server fails or a director takes over",
		help: "Mail addresses, with blanks between them.",
		check: func(s string, _ *known) (string, error) {
			return list(s, mailAddress, same)
		},
	}, {
		key: "mail.from", section: "Mail", when: mailed,
		text:   "Sender of these mails",
		help:   "A mail address that your mail server accepts as a sender.",
		preset: func(k *known) string { return "evenkeel@" + k.Answers["hostname"] },
		check:  plain(mailAddress),
	}, {
		key: "mail.server", section: "Mail", when: mailed,
		text: "Mail server that takes them",
		help: "Its address or name, and its port if that is not 25.",
		check: func(s string, _ *known) (string, error) {
			return hostPort(s, 25)
		},
	}}
}
