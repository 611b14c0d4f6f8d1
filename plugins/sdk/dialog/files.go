package dialog

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// files are those that the attributes of TLS name. They are read again when they have changed.
type files struct {
	mu          sync.Mutex
	roots       file // no path: the system's
	pool        *x509.CertPool
	cert, key   file // no path: no certificate
	certificate *tls.Certificate
}

func newFiles(o *TLS) *files {
	f := &files{
		roots: file{attribute: "ca_file", path: o.CAFile},
		cert:  file{attribute: "cert_file", path: o.CertFile},
		key:   file{attribute: "key_file", path: o.KeyFile},
	}
	if o.KeyFile == "" {
		f.key.path = o.CertFile
	}
	return f
}

// into puts what the files hold into a configuration.
func (f *files) into(c *tls.Config) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.roots.path != "" {
		if err := f.readRoots(); err != nil {
			return err
		}
		c.RootCAs = f.pool
	}
	if f.cert.path == "" {
		return nil
	}
	if err := f.readCertificate(); err != nil {
		return err
	}
	shown := f.certificate
	// Not Certificates: of those none is shown to a server that says it trusts other authorities, without a word.
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return shown, nil }
	return nil
}

func (f *files) readRoots() error {
	if changed, err := f.roots.changed(); err != nil || !changed && f.pool != nil {
		return err
	}
	f.pool = nil
	b, err := f.roots.read()
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return f.roots.failed(errors.New("there is no certificate in it"))
	}
	f.pool = pool
	return nil
}

func (f *files) readCertificate() error {
	newCert, err := f.cert.changed()
	if err != nil {
		return err
	}
	newKey, err := f.key.changed()
	if err != nil || !newCert && !newKey && f.certificate != nil {
		return err
	}
	f.certificate = nil
	cert, err := f.cert.read()
	if err != nil {
		return err
	}
	key, err := f.key.read()
	if err != nil {
		return err
	}
	c, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return f.cert.failed(errors.New(Plain(err)))
	}
	f.certificate = &c
	return nil
}

// A file is one that an attribute names.
type file struct {
	attribute, path string

	size     int64 // as it was when it was read
	modified time.Time
}

// maxFile is how much is read of a file, in bytes.
const maxFile = 16 << 20

// changed says whether the file is another one than was read.
func (f *file) changed() (bool, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return false, f.failed(err)
	}
	if !info.Mode().IsRegular() {
		return false, f.failed(errors.New("not a file"))
	}
	return info.Size() != f.size || !info.ModTime().Equal(f.modified), nil
}

// read reads the file.
func (f *file) read() ([]byte, error) {
	in, err := os.Open(f.path)
	if err != nil {
		return nil, f.failed(err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return nil, f.failed(err)
	}
	b, err := io.ReadAll(io.LimitReader(in, maxFile))
	if err != nil {
		return nil, f.failed(err)
	}
	f.size, f.modified = info.Size(), info.ModTime()
	return b, nil
}

func (f *file) failed(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return fmt.Errorf("%s %s: %w", f.attribute, f.path, err)
}
