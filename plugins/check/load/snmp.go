package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// What is asked for.
const (
	laLoad           = ".1.3.6.1.4.1.2021.10.1.3." // UCD-SNMP-MIB: and 1, 2 or 3, for 1, 5 and 15 minutes; a string
	hrProcessorFrwID = ".1.3.6.1.2.1.25.3.3.1.1"   // HOST-RESOURCES-MIB (RFC 2790): a row per processor
	hrProcessorLoad  = ".1.3.6.1.2.1.25.3.3.1.2"   // the same: percent of the last minute, once that is over
)

// askSNMP asks for the load average and counts the processors. A server that has no load average, as Windows, has in its
// place the mean use of its processors: all of them busy is a load of 1 each.
func (c *Config) askSNMP(ctx context.Context, t sdk.Target) (m measure, err error) {
	t.Port = c.SNMP.Port
	agent := c.SNMP.agent(ctx, t)
	if err := agent.Connect(); err != nil {
		return m, unanswered(ctx, t, err)
	}
	defer agent.Conn.Close()
	stop := context.AfterFunc(ctx, func() { agent.Conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	average, has, err := loadAverage(agent, c.Minutes)
	if err != nil {
		return m, unanswered(ctx, t, err)
	}
	switch {
	case !has:
		var busy int
		m.processors, busy, err = processors(agent, hrProcessorLoad)
		m.load = float64(busy) / 100
		if err == nil && m.processors == 0 {
			return m, errors.New("the server says neither its load (laLoad) nor that of its processors (hrProcessorLoad)")
		}
	case c.Processors > 0:
		m = measure{average, c.Processors}
	default:
		m.load = average
		m.processors, _, err = processors(agent, hrProcessorFrwID)
		if err == nil && m.processors == 0 {
			return m, errors.New("the server does not say how many processors it has (hrProcessorTable): write processors")
		}
	}
	if err != nil {
		return m, unanswered(ctx, t, err)
	}
	return m, nil
}

// agent is how a server is asked.
func (s *SNMP) agent(ctx context.Context, t sdk.Target) *gosnmp.GoSNMP {
	g := &gosnmp.GoSNMP{
		Target: t.Address.String(), Port: t.Port, Transport: "udp",
		Version: gosnmp.Version2c, Community: s.Community,
		Context: ctx, Timeout: time.Second, Retries: 3, MaxOids: 60,
		Control: t.Egress.Control,
	}
	if t.Egress.Source.IsValid() {
		g.LocalAddr = netip.AddrPortFrom(t.Egress.Source, 0).String()
	}
	if deadline, ok := ctx.Deadline(); ok {
		g.Timeout = max(time.Until(deadline)/2, time.Millisecond) // a datagram may be lost
	}
	if s.Version != "3" {
		return g
	}
	g.Version, g.SecurityModel, g.MsgFlags = gosnmp.Version3, gosnmp.UserSecurityModel, gosnmp.NoAuthNoPriv
	user := &gosnmp.UsmSecurityParameters{UserName: s.User}
	if s.AuthPassword != "" {
		g.MsgFlags = gosnmp.AuthNoPriv
		user.AuthenticationPassphrase = s.AuthPassword
		user.AuthenticationProtocol = map[string]gosnmp.SnmpV3AuthProtocol{
			"MD5": gosnmp.MD5, "SHA": gosnmp.SHA, "SHA256": gosnmp.SHA256, "SHA512": gosnmp.SHA512}[s.Auth]
	}
	if s.PrivacyPassword != "" {
		g.MsgFlags = gosnmp.AuthPriv
		user.PrivacyPassphrase = s.PrivacyPassword
		user.PrivacyProtocol = map[string]gosnmp.SnmpV3PrivProtocol{"DES": gosnmp.DES, "AES": gosnmp.AES, "AES256": gosnmp.AES256}[s.Privacy]
	}
	g.SecurityParameters = user
	return g
}

// loadAverage asks for the load average; has says whether the server has one.
func loadAverage(g *gosnmp.GoSNMP, minutes int) (average float64, has bool, err error) {
	oid := laLoad + strconv.Itoa(column(minutes)+1)
	answer, err := g.Get([]string{oid})
	if err != nil {
		return 0, false, err
	}
	if len(answer.Variables) != 1 || answer.Variables[0].Name != oid {
		return 0, false, errStrange
	}
	switch v := answer.Variables[0]; v.Type {
	case gosnmp.NoSuchObject, gosnmp.NoSuchInstance, gosnmp.Null:
		return 0, false, nil
	case gosnmp.OctetString:
		b, _ := v.Value.([]byte)
		if average, err = parseLoad(strings.TrimSpace(string(b))); err != nil {
			return 0, false, fmt.Errorf("the server's load is %q", beginning(string(b)))
		}
		return average, true, nil
	default:
		return 0, false, errStrange
	}
}

// processors counts the rows of a column that has one per processor, and adds up its numbers.
func processors(g *gosnmp.GoSNMP, column string) (rows, sum int, err error) {
	err = g.BulkWalk(column, func(v gosnmp.SnmpPDU) error {
		if n, ok := v.Value.(int); ok {
			if n < 0 || n > 100 {
				return errStrange
			}
			sum += n
		}
		if rows++; rows > mostProcessors {
			return errStrange
		}
		return nil
	})
	return rows, sum, err
}

// errStrange says that an answer is none to what was asked.
var errStrange = errors.New("the answer by SNMP is not what was asked for")

// unanswered says in an operator's words why there is no answer. The library tells a time-out only in words.
func unanswered(ctx context.Context, t sdk.Target, err error) error {
	const asking = "waiting for an answer by SNMP"
	var errno syscall.Errno
	var network net.Error
	switch {
	case errors.Is(err, errStrange):
		return err
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case errors.As(err, &errno):
		return fmt.Errorf("asking %s by SNMP: %w", netip.AddrPortFrom(t.Address, t.Port), errno)
	case ctx.Err() != nil, errors.As(err, &network) && network.Timeout(), strings.HasPrefix(err.Error(), "request timeout"):
		return fmt.Errorf("%w %s", &sdk.TimeoutError{Target: t}, asking)
	}
	return fmt.Errorf("asking by SNMP: %s", dialog.Short(err.Error()))
}
