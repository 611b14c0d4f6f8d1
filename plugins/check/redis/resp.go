package redis

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// The protocol, RESP (https://redis.io/docs/latest/develop/reference/protocol-spec/), as far as a probe needs it: what is
// read of it are single lines. A client library would be a hundred times as much, with pools and subscriptions.

// command adds a command: a list of strings with their lengths, which may have anything in them.
func command(b []byte, words ...string) []byte {
	b = fmt.Appendf(b, "*%d\r\n", len(words))
	for _, w := range words {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b
}

// A value is one that is no list, or the beginning of a list, whose values follow.
type value struct {
	kind  byte // the first byte of its line: + simple, : number, $ string, * list
	text  string
	count int // of a list
}

// A reader reads answers.
type reader struct{ conn *dialog.Conn }

// value reads one. An error of the server's is one of value's.
func (r *reader) value(doing string) (value, error) {
	line, err := r.conn.ReadLine(doing)
	if err != nil {
		return value{}, err
	}
	if line == "" {
		return value{}, dialog.NotSpoken("Redis", line)
	}
	v := value{kind: line[0], text: line[1:]}
	switch v.kind {
	case '+', ':':
		return v, nil
	case '-':
		return v, errors.New("the server refuses: " + dialog.Short(v.text))
	case '*', '$':
		if v.count, err = strconv.Atoi(v.text); err != nil || v.count < -1 {
			return v, dialog.NotSpoken("Redis", line)
		}
	default:
		return v, dialog.NotSpoken("Redis", line)
	}
	if v.kind == '*' || v.count < 0 { // -1 is no string, and no list
		return v, nil
	}
	size := v.count
	if v.text, err = r.conn.ReadLine(doing); err != nil {
		return v, err
	}
	if len(v.text) != size {
		return v, fmt.Errorf("not Redis: a string of %d bytes has %d", size, len(v.text))
	}
	return v, nil
}
