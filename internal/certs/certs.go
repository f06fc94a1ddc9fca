package certs

import (
	"crypto/tls"
	"sync"

	"go.uber.org/zap"
)

// Source gives a tls.Config that is as new as its files.
type Source struct {
	read func() (*tls.Config, error)
	log  *zap.Logger

	mu   sync.Mutex
	last *tls.Config // guarded by mu: the last that could be read
	said string      // guarded by mu: what was wrong, as it was logged
}

// New reads for the first time. read must give a fresh configuration each time.
func New(read func() (*tls.Config, error), log *zap.Logger) (*Source, error) {
	if log == nil {
		log = zap.NewNop()
	}
	s := &Source{read: read, log: log}
	return s, s.Reload()
}

// Reload reads the files now. Where that fails the last good configuration stays in use.
func (s *Source) Reload() error {
	next, err := s.read()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		return err
	}
	s.last, s.said = next, ""
	return nil
}

// Config is for one new connection: read from the files, else the last good one, which is logged once.
func (s *Source) Config() (*tls.Config, error) {
	err := s.Reload()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && s.said != err.Error() {
		s.said = err.Error()
		s.log.Warn("certificates cannot be read again; those read before stay in use", zap.Error(err))
	}
	return s.last, nil
}

// ClientCertificate is for tls.Config.GetClientCertificate, where the rest of the configuration is fixed.
func (s *Source) ClientCertificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	c, _ := s.Config()
	if len(c.Certificates) == 0 {
		return &tls.Certificate{}, nil // none is shown
	}
	return &c.Certificates[0], nil
}

// Server is for a listener: its certificate is that of the files at each handshake.
func (s *Source) Server() *tls.Config {
	s.mu.Lock()
	c := s.last.Clone()
	s.mu.Unlock()
	c.Certificates = nil
	c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		now, _ := s.Config()
		return &now.Certificates[0], nil
	}
	return c
}
