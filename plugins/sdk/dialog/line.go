package dialog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxLine is the length of the longest line, in bytes.
const maxLine = 8 << 10

// ReadLine reads a line, without its break, LF or CR LF. Lines of more than 8 KiB, and a last one without a break, are
// none. doing is for the reason: "waiting for the greeting".
func (c *Conn) ReadLine(doing string) (string, error) {
	if c.lines == nil {
		c.lines = bufio.NewReaderSize(c, maxLine)
	}
	b, err := c.lines.ReadSlice('\n')
	line := strings.TrimRight(string(b), "\r\n")
	var bound *BoundError
	switch {
	case err == nil:
		return line, nil
	case errors.Is(err, bufio.ErrBufferFull):
		return "", fmt.Errorf("%s: the line is longer than %d bytes, it begins with %q", doing, maxLine, beginning(line))
	case line == "", errors.As(err, &bound):
		return "", c.Reason(err, doing)
	}
	return "", fmt.Errorf("%w, of which came %q", c.Reason(err, doing), beginning(line))
}

// WriteLine writes a line and its break, CR LF. It returns no error: a server that no longer listens may have said why,
// so the next ReadLine has the last word.
func (c *Conn) WriteLine(line string) { io.WriteString(c.Conn, line+"\r\n") }

// TakeLeave says a last line, "QUIT", and awaits what the server says to it, whatever that is: Close is a reset, and what
// is still under way would be lost. Only a time-out is an error.
func (c *Conn) TakeLeave(line string) error {
	c.WriteLine(line)
	_, err := c.ReadLine("waiting for the answer to " + line)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// OneLine says whether a text can be sent as part of a line.
func OneLine(s string) bool { return !strings.ContainsAny(s, "\r\n\x00") }

// Short returns the beginning of a text of the server's.
func Short(s string) string {
	if len(s) > 100 {
		return s[:100] + "..."
	}
	return s
}

// beginning is enough of a line to know it by.
func beginning(line string) string { return line[:min(len(line), 40)] }
