package e2e

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"aduan/internal/certs/certstest"
	"aduan/internal/e2e/rig"
	"aduan/internal/testenv"
	"aduan/smpp/smsc"
)

// S18: a client certificate that ends soon is told of while the link is bound, and a renewed one is taken up by SIGHUP
// without a restart; a bound session stays.
func TestS18ACertificateIsRenewedUnderARunningLine(t *testing.T) {
	testenv.Require(t, "redis")
	ca := certstest.New(t)
	files := ca.Write(t.TempDir(), "ours", ca.Issue(certstest.Options{To: time.Now().Add(10*24*time.Hour + time.Hour)}))
	var shown atomic.Value // the serial of the client certificate that was shown last
	shown.Store("")
	secure := &tls.Config{
		Certificates: []tls.Certificate{ca.Issue(certstest.Options{})}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool(),
		VerifyConnection: func(s tls.ConnectionState) error {
			shown.Store(s.PeerCertificates[0].SerialNumber.String())
			return nil
		},
	}
	sim := smsc.New(smsc.Options{SystemID: rig.SystemID, Password: rig.Password})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = sim.Run(ctx, tls.NewListener(ln, secure)) }()
	t.Cleanup(func() { stop(); <-ended })

	l := rig.NewLine(t, rig.Options{Conf: func(c *rig.Config) {
		c.Link("main", ln.Addr().String())
		c.Set("smpp.links.main.tls", map[string]any{"enabled": true, "ca_file": files.CA, "cert_file": files.Cert, "key_file": files.Key})
	}})
	first := shown.Load()
	told := func(words string) bool {
		return rig.Poll(10*time.Second, func() bool {
			_, body, err := l.Daemon.Get("/readyz", "")
			return err == nil && strings.Contains(string(body), words)
		})
	}
	if !told("our client certificate expires on ") {
		t.Error("/readyz does not warn")
	}
	if !rig.Poll(5*time.Second, func() bool { return strings.Contains(l.Daemon.Log(), "a certificate expires soon") }) {
		t.Error("the log does not warn")
	}
	if !rig.Poll(5*time.Second, func() bool { // what it shows is a second old
		status := l.Daemon.Run("status", "-c", l.Config.Path)
		return strings.Contains(status, "our certificate") && strings.Contains(status, "the operator's certificate")
	}) {
		t.Error("status does not tell when the certificates end")
	}

	renewed := ca.Issue(certstest.Options{})
	files = ca.Write(strings.TrimSuffix(files.Cert, "/ours.pem"), "ours", renewed)
	l.Daemon.Signal(syscall.SIGHUP)
	if !told(`"main":{"state":"bound","reason":""`) {
		t.Error("the warning stays after the renewal")
	}
	if shown.Load() != first {
		t.Error("the renewal bound the link anew")
	}
	sim.CutLinks()
	if !rig.Poll(10*time.Second, func() bool { return shown.Load() == renewed.Leaf.SerialNumber.String() }) {
		t.Error("the next connection does not show the renewed certificate")
	}
	l.Daemon.WaitReady()
	if report := l.Daemon.Run("doctor", "-c", l.Config.Path, "--link", "main"); !strings.Contains(report, "TLS 1.3, their certificate is valid until") {
		t.Errorf("doctor: %s", report)
	}
}
