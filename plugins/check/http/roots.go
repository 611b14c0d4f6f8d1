package http

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// roots are the certificates of a ca_file. The file is read again when it has changed.
type roots struct {
	file string

	mu       sync.Mutex
	read     *x509.CertPool // nil: not read yet
	size     int64
	modified time.Time
}

// maxRoots is the size of the largest ca_file, in bytes.
const maxRoots = 16 << 20

// pool returns the certificates to trust.
func (r *roots) pool() (*x509.CertPool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	info, err := os.Stat(r.file)
	if err != nil {
		return nil, r.failed(err)
	}
	if r.read != nil && info.Size() == r.size && info.ModTime().Equal(r.modified) {
		return r.read, nil
	}
	if !info.Mode().IsRegular() {
		return nil, r.failed(errors.New("not a file"))
	}
	f, err := os.Open(r.file)
	if err != nil {
		return nil, r.failed(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxRoots))
	if err != nil {
		return nil, r.failed(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, r.failed(errors.New("there is no certificate in it"))
	}
	r.read, r.size, r.modified = pool, info.Size(), info.ModTime()
	return pool, nil
}

func (r *roots) failed(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return fmt.Errorf("ca_file %s: %w", r.file, err)
}
