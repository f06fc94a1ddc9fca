package certs_test

import (
	"crypto/tls"
	"net"
	"os"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"aduan/configs"
	"aduan/internal/certs"
	"aduan/internal/certs/certstest"
)

func TestARenewedCertificateIsTakenUpAndABrokenOneIsNot(t *testing.T) {
	ca, dir := certstest.New(t), t.TempDir()
	first, second := ca.Issue(certstest.Options{}), ca.Issue(certstest.Options{})
	f := ca.Write(dir, "ours", first)
	seen, logs := observer.New(zap.WarnLevel)
	on := configs.ClientTLS{Enabled: true, CAFile: f.CA, CertFile: f.Cert, KeyFile: f.Key}
	s, err := certs.New(func() (*tls.Config, error) { return on.Config("smsc.example:2775") }, zap.New(seen))
	if err != nil {
		t.Fatal(err)
	}
	shown := func() string {
		c, err := s.Config()
		if err != nil {
			t.Fatal(err)
		}
		return c.Certificates[0].Leaf.SerialNumber.String()
	}
	if shown() != first.Leaf.SerialNumber.String() {
		t.Error("not the first")
	}
	if err := os.WriteFile(f.Cert, []byte("half wri"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if shown() != first.Leaf.SerialNumber.String() {
			t.Error("a broken file took the good certificate away")
		}
	}
	if err := s.Reload(); err == nil {
		t.Error("a broken file is no error")
	}
	if logs.Len() != 1 {
		t.Errorf("%d lines of log, want one", logs.Len())
	}
	ca.Write(dir, "ours", second)
	if shown() != second.Leaf.SerialNumber.String() {
		t.Error("not the second")
	}
	c, err := s.ClientCertificate(nil)
	if err != nil || c.Leaf.SerialNumber.Cmp(second.Leaf.SerialNumber) != 0 {
		t.Errorf("the client certificate: %v", err)
	}
}

func TestAListenerShowsTheCertificateOfItsFiles(t *testing.T) {
	ca, dir := certstest.New(t), t.TempDir()
	f := ca.Write(dir, "http", ca.Issue(certstest.Options{}))
	s, err := certs.New(configs.ServerTLS{CertFile: f.Cert, KeyFile: f.Key}.Config, nil)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", s.Server())
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_ = c.(*tls.Conn).HandshakeContext(t.Context())
			_ = c.Close()
		}
	}()
	shown := func() string {
		c, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", ln.Addr().String(), &tls.Config{RootCAs: ca.Pool()})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	before := shown()
	renewed := ca.Issue(certstest.Options{})
	ca.Write(dir, "http", renewed)
	if after := shown(); after == before || after != renewed.Leaf.SerialNumber.String() {
		t.Error("the renewed certificate is not shown")
	}
	_ = ln.Close()
	<-done
}
