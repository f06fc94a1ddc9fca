package handoff

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Endpoint is where events go; all of it comes from the configuration, nothing from a request.
type Endpoint struct {
	URL    string         // https; http only to loopback
	Secret string         // whsec_ and base64; two separated by a space while rotating
	Allow  []netip.Prefix // private, link-local and other special ranges that may be dialled; loopback always may
	Source string         // CloudEvents source, a URI reference; "": that of the options
	Key    string         // where its settings stand, for messages; default case_system.webhook
}

// equal tells whether e is the endpoint that f configures.
func (e Endpoint) equal(f Endpoint, o Options) bool {
	return e.URL == f.URL && e.Secret == f.Secret && slices.Equal(e.Allow, f.Allow) && e.Source == cmp.Or(f.Source, o.Source)
}

// bad says what is wrong with a setting of the endpoint.
func (e Endpoint) bad(setting, what string) error {
	return errors.New(cmp.Or(e.Key, "case_system.webhook") + "." + setting + ": " + what)
}

// Check tells what is wrong with e, without repeating the secret.
func (e Endpoint) Check() error {
	_, err := newTarget(e, Options{})
	return err
}

// target is an endpoint made ready; immutable.
type target struct {
	of     Endpoint
	url    string
	signer []*standardwebhooks.Webhook
	client *http.Client
}

func newTarget(e Endpoint, o Options) (*target, error) {
	u, err := url.Parse(e.URL)
	if err != nil || u.Host == "" || u.User != nil {
		return nil, e.bad("url", "not an absolute URL without user and password: write https://host/path")
	}
	plain := u.Scheme == "http"
	if !plain && u.Scheme != "https" {
		return nil, e.bad("url", "its scheme must be https")
	}
	if plain && !loopbackName(u.Hostname()) {
		return nil, e.bad("url", "plain http goes only to this machine: use https")
	}
	t := &target{of: e, url: u.String()}
	t.of.Source = cmp.Or(e.Source, o.Source)
	secrets := strings.Fields(e.Secret)
	if len(secrets) == 0 || len(secrets) > 2 {
		return nil, e.bad("secret", "one secret is needed, or two separated by a space while rotating")
	}
	for _, s := range secrets {
		wh, err := standardwebhooks.NewWebhook(s)
		if err != nil || len(strings.TrimPrefix(s, "whsec_")) == 0 {
			return nil, e.bad("secret", "not whsec_ and base64: make one with: echo whsec_$(openssl rand -base64 32)")
		}
		t.signer = append(t.signer, wh)
	}
	t.client = newClient(e.Allow, plain, o)
	return t, nil
}

func newClient(allow []netip.Prefix, plain bool, o Options) *http.Client {
	tlsConfig := &tls.Config{}
	if o.TLS != nil {
		tlsConfig = o.TLS.Clone()
	}
	tlsConfig.MinVersion = max(tlsConfig.MinVersion, tls.VersionTLS12)
	dialer := &net.Dialer{Timeout: o.Timeout, Control: control(allow, plain)}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil, // a proxy would dial in our place, past the check of the address
			DialContext:            dialer.DialContext,
			TLSClientConfig:        tlsConfig,
			TLSHandshakeTimeout:    o.Timeout,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
			MaxIdleConnsPerHost:    o.Workers,
			IdleConnTimeout:        time.Minute,
			MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// sign sets the headers of Standard Webhooks; each secret signs, so that the receiver may hold either.
func (t *target) sign(hd http.Header, id string, at time.Time, body []byte) error {
	signatures := make([]string, 0, len(t.signer))
	for _, wh := range t.signer {
		s, err := wh.Sign(id, at, body)
		if err != nil {
			return fmt.Errorf("handoff: sign: %w", err)
		}
		signatures = append(signatures, s)
	}
	hd.Set(standardwebhooks.HeaderWebhookID, id)
	hd.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	hd.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	return nil
}

func loopbackName(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
