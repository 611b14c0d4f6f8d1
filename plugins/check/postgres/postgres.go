// Package postgres is check "postgres": a real server is up when it lets a user log in to PostgreSQL and answers a query with
// a row.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/evenkeel/evenkeel/plugins/sdk"
	"github.com/evenkeel/evenkeel/plugins/sdk/dialog"
)

// Plugin is check "postgres".
func Plugin() sdk.Plugin {
	return sdk.NewCheck(sdk.Info{
		Name: "postgres", Version: "1.0.0",
		Schema: sdk.Schema{Doc: "Logs in to PostgreSQL and asks for a row.", Egress: true},
	}, probe)
}

func probe(ctx context.Context, t sdk.Target, c Config) error {
	conn, err := dialog.Dial(ctx, t)
	if err != nil {
		return err
	}
	defer conn.Close()
	if c.TLS.On {
		if err := upgrade(conn, &c.TLS); err != nil {
			return err
		}
	}
	p := &probing{ctx: ctx, config: &c, line: &line{Conn: conn}}
	session, err := p.logIn()
	if err != nil {
		return p.reason(err, "logging in")
	}
	f := session.Frontend()
	defer func() { // the server notes in its log who goes without a word
		f.Send(&pgproto3.Terminate{})
		_ = f.Flush()
	}()
	return p.query(f)
}

// mostBytes bounds a message of the server's, in bytes.
const mostBytes = dialog.MaxBytes

// login prepares what does not change from one probe to the next. What the environment and the files of libpq say of
// logins is not this check's business.
func login(c *Config) (*pgconn.Config, error) {
	l, err := pgconn.ParseConfig("host=127.0.0.1 port=5432 user=- password=- dbname=- sslmode=disable passfile=/dev/null servicefile=/dev/null target_session_attrs=any")
	if err != nil {
		return nil, err
	}
	l.User, l.Password, l.Database = c.User, c.Password, c.Database
	l.RuntimeParams = map[string]string{"application_name": "evenkeel"}
	l.MaxProtocolMessageBodyLen = mostBytes
	l.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	return l, nil
}

// A probing is one probe under way.
type probing struct {
	ctx    context.Context
	config *Config
	line   *line
}

// logIn logs in.
func (p *probing) logIn() (*pgconn.PgConn, error) {
	c := p.config.login.Copy()
	c.DialFunc = func(context.Context, string, string) (net.Conn, error) { return p.line, nil }
	return pgconn.ConnectConfig(p.ctx, c)
}

// query asks, and looks at the first row. The others are not read. It speaks the simple query protocol by itself: what the
// library makes of it forgets why a connection broke.
func (p *probing) query(f *pgproto3.Frontend) error {
	const asking = "waiting for the answer to the query"
	f.Send(&pgproto3.Query{String: p.config.Query})
	if err := f.Flush(); err != nil {
		return p.reason(err, asking)
	}
	columns := false
	for {
		message, err := f.Receive()
		if err != nil {
			return p.reason(err, asking)
		}
		switch m := message.(type) {
		case *pgproto3.ErrorResponse:
			return p.reason(pgconn.ErrorResponseToPgError(m), asking)
		case *pgproto3.RowDescription:
			columns = true
		case *pgproto3.DataRow:
			return p.judge(m.Values)
		case *pgproto3.ReadyForQuery:
			if columns {
				return errors.New("the query returns no row")
			}
			return errors.New("the query returns no rows: it is no SELECT")
		}
	}
}

// judge looks at the first column of a row.
func (p *probing) judge(row [][]byte) error {
	if p.config.row == nil {
		return nil
	}
	got := "NULL"
	switch {
	case len(row) == 0:
		return errors.New("the query returns a row without columns")
	case row[0] != nil:
		got = string(row[0])
	}
	if !p.config.row.MatchString(got) {
		return fmt.Errorf("the query returns %q, which does not match %q", dialog.Short(got), p.config.RowMatch)
	}
	return nil
}
