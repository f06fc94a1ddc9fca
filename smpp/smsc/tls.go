package smsc

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// tlsConfig is how the profile's SMSC speaks TLS; nil: plain TCP.
func (p Profile) tlsConfig() (*tls.Config, error) {
	switch {
	case p.TLSCert == "" && p.TLSKey == "" && p.TLSClientCA == "":
		return nil, nil
	case p.TLSCert == "" || p.TLSKey == "":
		return nil, errors.New("script: profile: TLS takes a certificate and its key: give tls_cert and tls_key")
	}
	cert, err := tls.LoadX509KeyPair(p.TLSCert, p.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("script: profile: tls_cert, tls_key: %w", err)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}
	if p.TLSClientCA != "" {
		pem, err := os.ReadFile(p.TLSClientCA)
		if err != nil {
			return nil, fmt.Errorf("script: profile: tls_client_ca: %w", err)
		}
		c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		if !c.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("script: profile: tls_client_ca: %s holds no certificate in PEM", p.TLSClientCA)
		}
	}
	return c, nil
}
