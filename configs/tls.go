package configs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
)

// Config is the TLS configuration towards address (host:port): TLS 1.2 or newer, always verified; nil where TLS is
// not enabled. The files are read now: call it again to take up new certificates.
func (t ClientTLS) Config(address string) (*tls.Config, error) {
	if !t.Enabled {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if c.ServerName == "" {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			host = address
		}
		c.ServerName = host
	}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, &fileError{"ca_file", fmt.Errorf("%s cannot be read: %s", t.CAFile, reason(err))}
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, &fileError{"ca_file", fmt.Errorf("%s holds no certificate in PEM", t.CAFile)}
		}
	}
	if t.CertFile != "" || t.KeyFile != "" {
		cert, err := pair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{*cert}
	}
	return c, nil
}

// Config is the listener's TLS configuration; nil where it serves plain HTTP.
func (t ServerTLS) Config() (*tls.Config, error) {
	if t.CertFile == "" && t.KeyFile == "" {
		return nil, nil
	}
	cert, err := pair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*cert}}, nil
}

// fileError is what is wrong with the file of one key.
type fileError struct {
	key string // ca_file, cert_file or key_file
	err error
}

func (e *fileError) Error() string { return e.key + ": " + e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }

func pair(certFile, keyFile string) (*tls.Certificate, error) {
	switch {
	case certFile == "":
		return nil, &fileError{"cert_file", errors.New("key_file is given without cert_file")}
	case keyFile == "":
		return nil, &fileError{"key_file", errors.New("cert_file is given without key_file")}
	}
	for _, f := range []struct{ key, name string }{{"cert_file", certFile}, {"key_file", keyFile}} {
		in, err := os.Open(f.name)
		if err != nil {
			return nil, &fileError{f.key, fmt.Errorf("%s cannot be read: %s", f.name, reason(err))}
		}
		_ = in.Close()
	}
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, &fileError{"cert_file", fmt.Errorf("%s and %s are no pair: %w", certFile, keyFile, err)}
	}
	return &cert, nil
}
