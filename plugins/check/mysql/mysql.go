// Package mysql is check "mysql": a real server is up when it lets a user log in and answers a query, in the protocol of
// MySQL and MariaDB.
package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"

	"github.com/go-sql-driver/mysql"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Plugin is check "mysql".
func Plugin() sdk.Plugin {
	return sdk.NewCheck(sdk.Info{
		Name: "mysql", Version: "1.0.0",
		Schema: sdk.Schema{Doc: "Logs in to MySQL or MariaDB and asks something.", Egress: true},
	}, probe)
}

func probe(ctx context.Context, t sdk.Target, c Config) error {
	conn, err := dialog.Dial(ctx, t)
	if err != nil {
		return err
	}
	defer conn.Close()
	p := &probing{ctx: ctx, target: t, config: &c, line: &line{Conn: conn}}
	if err := p.line.greet(); err != nil {
		return err
	}
	session, err := p.login()
	if err != nil {
		return err
	}
	defer session.Close()
	if c.Query == "" {
		if err := session.(driver.Pinger).Ping(ctx); err != nil {
			return p.reason(err, "waiting for the answer to a ping")
		}
		return nil
	}
	return p.query(session)
}

// A probing is one probe under way.
type probing struct {
	ctx    context.Context
	target sdk.Target
	config *Config
	line   *line
}

// mostBytes bounds a packet of the server's, in bytes: what comes from it is an error or the beginning of a result.
const mostBytes = 1 << 20

// login shakes hands and logs in.
func (p *probing) login() (driver.Conn, error) {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.DBName = p.config.User, p.config.Password, p.config.Database
	c.Net, c.Addr = "tcp", netip.AddrPortFrom(p.target.Address, p.target.Port).String()
	c.Logger = &mysql.NopLogger{}
	c.MaxAllowedPacket = mostBytes // or it is asked for, at the price of a query
	c.CheckConnLiveness = false
	c.DialFunc = func(context.Context, string, string) (net.Conn, error) { return p.line, nil }
	name := ""
	if p.config.TLS.On {
		var err error
		if c.TLS, err = p.config.TLS.Config(p.target, ""); err != nil {
			return nil, err
		}
		name = c.TLS.ServerName
		c.AllowCleartextPasswords = true // within TLS a server may want it, as PAM does
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	session, err := connector.Connect(p.ctx)
	switch {
	case err == nil:
		return session, nil
	case errors.Is(err, mysql.ErrNoTLS):
		return nil, errors.New("the server does not speak TLS")
	case name != "" && p.line.secure:
		var refused *mysql.MySQLError
		if !errors.As(err, &refused) && !broken(err) {
			return nil, dialog.HandshakeReason(p.ctx, p.target, err, name)
		}
	}
	return nil, p.reason(err, "logging in")
}

// query asks, and looks at the first row. The others are not read.
func (p *probing) query(session driver.Conn) error {
	const asking = "waiting for the answer to the query"
	rows, err := session.(driver.QueryerContext).QueryContext(p.ctx, p.config.Query, nil)
	if err != nil {
		return p.reason(err, asking)
	}
	if len(rows.Columns()) == 0 {
		return errors.New("the query returns no rows: it is no SELECT")
	}
	row := make([]driver.Value, len(rows.Columns()))
	switch err := rows.Next(row); {
	case err == io.EOF:
		return errors.New("the query returns no row")
	case err != nil:
		return p.reason(err, asking)
	}
	if p.config.row == nil {
		return nil
	}
	if got := text(row[0]); !p.config.row.MatchString(got) {
		return fmt.Errorf("the query returns %q, which does not match %q", dialog.Short(got), p.config.RowMatch)
	}
	return nil
}

// text is a value as the mysql client shows it.
func text(v driver.Value) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case []byte:
		return string(v)
	}
	return fmt.Sprint(v)
}
