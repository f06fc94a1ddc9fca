package staffapi_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"aduan/internal/certs/certstest"
	"aduan/internal/staffapi"
)

// Settings change while the listener is served: TLS comes and goes with the next connection, and an old one ends with its
// next answer.
func TestSettingsChangeWhileItServes(t *testing.T) {
	a := newAPI(t, func(o *staffapi.Options) {
		o.Extra = map[string]http.Handler{"/phone/": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })}
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.s.Run(ctx, ln) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	authority := certstest.New(t)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority.Pool()}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	get := func(scheme, host string) (status int, major int, closes bool) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, scheme+"://"+ln.Addr().String()+"/phone/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := client.Do(req)
		if err != nil {
			return 0, 0, false
		}
		_, _ = io.Copy(io.Discard, resp.Body) // else the connection is not used again
		_ = resp.Body.Close()
		return resp.StatusCode, resp.ProtoMajor, resp.Close
	}
	if status, _, closes := get("http", ""); status != 200 || closes {
		t.Errorf("plain: %d, closes %v", status, closes)
	}
	if status, _, _ := get("http", "new.example"); status != http.StatusMisdirectedRequest {
		t.Errorf("a name that is not ours: %d", status)
	}
	a.s.Use(staffapi.Settings{
		Hosts: []string{"new.example"}, TLS: &tls.Config{Certificates: []tls.Certificate{authority.Issue(certstest.Options{})}, MinVersion: tls.VersionTLS12},
	})
	if status, _, closes := get("http", "new.example"); status != 200 || !closes {
		t.Errorf("a plain connection that stood: %d, closes %v", status, closes)
	}
	if status, _, _ := get("http", ""); status == 200 {
		t.Error("a new connection is served in plain")
	}
	if status, major, _ := get("https", "new.example"); status != 200 || major != 2 {
		t.Errorf("TLS: %d by HTTP/%d", status, major)
	}
	a.s.Use(staffapi.Settings{})
	transport.CloseIdleConnections()
	if status, _, _ := get("http", ""); status != 200 {
		t.Errorf("plain again: %d", status)
	}
}
