package console

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// A Password is a file with the hash of the console's password (bcrypt), which only root may read. Where the file is missing
// nobody can log in: there is no password that is good everywhere.
type Password struct {
	Path string
	Cost int // of bcrypt; 0: its default
}

// ErrNoPassword is a box that has no password yet.
var ErrNoPassword = errors.New("no password was set yet")

// Set replaces the password.
func (p Password) Set(password string) error {
	cost := p.Cost
	if cost == 0 {
		cost = bcrypt.DefaultCost
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		return fmt.Errorf("hashing the password: %w", err)
	}
	return WriteFile(p.Path, append(hash, '\n'))
}

// Is says whether a password is the right one. Without a good file none is, and the error says why.
func (p Password) Is(password string) (bool, error) {
	hash, err := os.ReadFile(p.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, ErrNoPassword
	case err != nil:
		return false, fmt.Errorf("reading the password's hash: %w", err)
	}
	err = bcrypt.CompareHashAndPassword([]byte(strings.TrimSpace(string(hash))), []byte(password))
	switch {
	case errors.Is(err, bcrypt.ErrMismatchedHashAndPassword), errors.Is(err, bcrypt.ErrPasswordTooLong):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("reading the password's hash in %s: %w", p.Path, err)
	}
	return true, nil
}

// A Login asks for the password until it is right.
type Login struct {
	Lines    *Lines
	Password Password
	Name     string        // of the director
	Wait     time.Duration // after a wrong password; it doubles with each one in a row, up to a minute. 0: 1 s
}

// Run returns when the password was right. ErrHangup is the end of the input, ErrNoPassword a box without one.
func (g Login) Run(ctx context.Context) error {
	if _, err := os.Stat(g.Password.Path); errors.Is(err, fs.ErrNotExist) {
		return ErrNoPassword
	}
	wait := g.Wait
	if wait == 0 {
		wait = time.Second
	}
	for {
		password, err := g.Lines.ReadSecret("\n" + ascii(g.Name) + ": the console is locked.\nPassword: ")
		if err != nil {
			return err
		}
		switch right, err := g.Password.Is(password); {
		case err != nil:
			return err
		case right:
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		wait = min(2*wait, time.Minute)
		g.Lines.Printf("! This is not the password.\n")
	}
}
