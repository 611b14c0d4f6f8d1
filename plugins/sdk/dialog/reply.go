package dialog

import (
	"fmt"
	"strconv"
	"strings"
)

// A Reply is an answer of SMTP, FTP and their like: three digits and a text, maybe of several lines (RFC 5321, section
// 4.2; RFC 959, section 4.2). net/textproto has this too, but refuses a code without a text, which is a reply by their
// grammars, and takes half a line for a whole one.
type Reply struct {
	Code int
	Text string // lines with "\n" between them
}

// String returns the reply in one short line.
func (r Reply) String() string {
	return strings.TrimSpace(strconv.Itoa(r.Code) + " " + Short(strings.Join(strings.Fields(r.Text), " ")))
}

// Want returns an error unless the reply has the code, or begins with it: 2 is any from 200 to 299, 25 any from 250 to 259.
func (r Reply) Want(code int) error {
	want := strconv.Itoa(code)
	if strings.HasPrefix(strconv.Itoa(r.Code), want) {
		return nil
	}
	return fmt.Errorf("%s expected, got %s", want+strings.Repeat("x", max(0, 3-len(want))), r)
}

// Ask sends a command, "EHLO a.example.com", and reads the reply, which must have the code, as with Want. In reasons only
// the command's first word is told: the others may be a password.
func (c *Conn) Ask(protocol, command string, want int) (Reply, error) {
	c.WriteLine(command)
	verb, _, _ := strings.Cut(command, " ")
	r, err := c.ReadReply(protocol, "waiting for the answer to "+verb)
	if err != nil {
		return r, err
	}
	if err := r.Want(want); err != nil {
		return r, fmt.Errorf("%s: %w", verb, err)
	}
	return r, nil
}

// ReadReply reads a reply, with its continuation lines ("220-"). protocol is what the server should speak, for the reason
// when it speaks another: "SMTP".
func (c *Conn) ReadReply(protocol, doing string) (Reply, error) {
	line, err := c.ReadLine(doing)
	if err != nil {
		return Reply{}, err
	}
	r, more, ok := parseReply(line)
	if !ok {
		return Reply{}, NotSpoken(protocol, line)
	}
	text := []string{r.Text}
	for more {
		if line, err = c.ReadLine(doing); err != nil {
			return Reply{}, err
		}
		if next, again, ok := parseReply(line); ok && next.Code == r.Code {
			line, more = next.Text, again
		} // otherwise it is one of FTP's, which need no code between the first and the last
		text = append(text, line)
	}
	r.Text = strings.Join(text, "\n")
	return r, nil
}

// NotSpoken says that the server does not speak a protocol. line is what it says at first, or more of it.
func NotSpoken(protocol, line string) error {
	if i := strings.IndexAny(line, "\r\n"); i > 0 {
		line = line[:i]
	}
	switch {
	case strings.HasPrefix(line, "\x15\x03"): // an alert, RFC 8446, section 5.1
		return fmt.Errorf("not %s: the server speaks TLS", protocol)
	case line == "":
		return fmt.Errorf("not %s: the answer begins with an empty line", protocol)
	}
	return fmt.Errorf("not %s: the answer begins with %q", protocol, beginning(line))
}

// parseReply reads a line of a reply, and says whether there are more.
func parseReply(line string) (r Reply, more, ok bool) {
	if len(line) < 3 {
		return r, false, false
	}
	code, err := strconv.ParseUint(line[:3], 10, 16)
	if err != nil || code < 100 {
		return r, false, false
	}
	r.Code = int(code)
	switch {
	case len(line) == 3:
		return r, false, true
	case line[3] == ' ', line[3] == '-':
		r.Text = line[4:]
		return r, line[3] == '-', true
	}
	return r, false, false
}
