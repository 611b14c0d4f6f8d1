package tcp

import (
	"bytes"
	"fmt"
	"io"

	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// maxAnswer is how much is read of an answer, in bytes.
const maxAnswer = 8 << 10

// converse says what is to be said, and listens until what is expected has come.
func (c *Config) converse(conn *dialog.Conn) error {
	if !c.listens() {
		return nil
	}
	doing := "waiting for the greeting"
	if c.Send != "" {
		io.WriteString(conn, c.Send) // one that does not listen may have said why
		doing = "waiting for the answer"
	}
	conn.Bound(maxAnswer)
	var answer []byte
	for {
		var buf [1 << 10]byte
		n, err := conn.Read(buf[:])
		answer = append(answer, buf[:n]...)
		switch {
		case c.good(answer):
			return nil
		case err != nil && len(answer) == 0:
			return conn.Reason(err, doing)
		case err != nil:
			return fmt.Errorf("%w, and %s in %q", conn.Reason(err, doing), c.missing(), dialog.Short(string(answer)))
		}
	}
}

// good says whether what has come of an answer is enough.
func (c *Config) good(answer []byte) bool {
	if c.match != nil {
		return c.match.Match(answer)
	}
	return bytes.Contains(answer, []byte(c.Expect))
}

// missing says what is not in an answer.
func (c *Config) missing() string {
	if c.match != nil {
		return fmt.Sprintf("nothing that matches %q", c.ExpectMatch)
	}
	return fmt.Sprintf("no %q", c.Expect)
}
