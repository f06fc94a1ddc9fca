package staffapi

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"go.uber.org/zap"

	"aduan/internal/desk"
	"aduan/store"
)

const (
	maxSecret = 256           // octets of a key
	rightOf   = "aduan:right" // name in an operation's metadata
)

type keyContext struct{}

// asker is who made a request, and from where.
type asker struct {
	key  store.APIKey
	from string // an address; "": not known
}

// viewer is who asks, as the desk wants to know it.
func viewer(ctx context.Context) (store.APIKey, desk.Viewer) {
	a, _ := ctx.Value(keyContext{}).(asker)
	return a.key, ViewerOf(a.key, a.from)
}

// ViewerOf is who asks with a key, as the desk wants to know it; from is the address that asks.
func ViewerOf(key store.APIKey, from string) desk.Viewer {
	return desk.Viewer{
		Name: key.Name, Agency: key.Agency, Reveal: key.Allows(ScopePII),
		KeyID: key.ID, From: from, Scopes: slices.Clone(key.Scopes),
	}
}

// requireKey is huma's middleware: no operation runs without a key that has its scope.
func (s *Server) requireKey(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	right, ok := ctx.Operation().Metadata[rightOf].(Right)
	if !ok {
		writeProblem(w, newProblem(http.StatusForbidden)) // no row, no right
		return
	}
	key, err := s.authorize(r, right)
	if err != nil {
		writeProblem(w, err)
		return
	}
	next(huma.WithValue(ctx, keyContext{}, asker{key: key, from: s.address(r)}))
}

// authorize finds the caller's key and checks its rate and what it may do.
func (s *Server) authorize(r *http.Request, right Right) (store.APIKey, error) {
	key, err := s.authenticate(r)
	if err != nil {
		return key, err
	}
	if ok, wait := s.keyRates.take(key.ID, s.o.Now()); !ok {
		return key, withRetry(newProblem(http.StatusTooManyRequests), wait)
	}
	if p := denied(key.Allows, key.Agency, right); p != nil {
		return key, huma.ErrorWithHeaders(p,
			http.Header{"Www-Authenticate": {`Bearer realm="aduan", error="insufficient_scope", scope="` + right.Scope + `"`}})
	}
	return key, nil
}

// authenticate finds the caller's key. Who failed too often is not even looked up, unless the key was good a while ago: callers
// behind one address must not lock each other out.
func (s *Server) authenticate(r *http.Request) (store.APIKey, error) {
	secret, ok := bearer(r)
	if !ok {
		return store.APIKey{}, unauthenticated("")
	}
	return s.Authenticate(r, secret)
}

// Authenticate finds the key of a secret that came by r in another way than its Authorization header: at the console's
// sign-in. Its failures count with those of the API.
func (s *Server) Authenticate(r *http.Request, secret string) (store.APIKey, error) {
	now, caller := s.o.Now(), s.caller(r)
	digest := sha256.Sum256([]byte(secret))
	if !s.known.has(digest, now) {
		if ok, wait := s.failures.left(caller, now); !ok {
			s.metrics.logins.WithLabelValues("limited").Inc()
			return store.APIKey{}, withRetry(newProblem(http.StatusTooManyRequests), wait)
		}
	}
	key, err := store.APIKey{}, store.ErrNoKey
	if len(secret) <= maxSecret {
		key, err = s.o.Keys.FindKey(r.Context(), secret)
	}
	switch {
	case err == nil && !key.Revoked && (key.Expires.IsZero() || now.Before(key.Expires)):
		s.known.add(digest, now)
		return key, nil
	case err != nil && !errors.Is(err, store.ErrNoKey):
		s.o.Log.Warn("API key not looked up", zap.Error(err))
		return key, withRetry(newProblem(http.StatusServiceUnavailable), 5*time.Second)
	default:
		s.known.drop(digest)
		s.failures.take(caller, now)
		s.metrics.logins.WithLabelValues("refused").Inc()
		return key, unauthenticated(`, error="invalid_token"`)
	}
}

func unauthenticated(reason string) error {
	return huma.ErrorWithHeaders(newProblem(http.StatusUnauthorized), http.Header{"Www-Authenticate": {`Bearer realm="aduan"` + reason}})
}

func bearer(r *http.Request) (string, bool) {
	scheme, secret, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	secret = strings.TrimSpace(secret)
	return secret, ok && secret != "" && strings.EqualFold(scheme, "Bearer")
}

// Failed counts a failed sign-in of r's caller that was none of a key: by a link that is used up.
func (s *Server) Failed(r *http.Request) {
	s.failures.take(s.caller(r), s.o.Now())
	s.metrics.logins.WithLabelValues("refused").Inc()
}

// Admit takes one request of a key's rate, or tells how long to wait for the next: the console's requests count with the API's.
func (s *Server) Admit(keyID string) (ok bool, wait time.Duration) {
	return s.keyRates.take(keyID, s.o.Now())
}

// Caller is where a request comes from, behind the proxies that are trusted.
func (s *Server) Caller(r *http.Request) netip.Prefix { return s.caller(r) }

// Secure tells whether nobody reads along between the browser and us: TLS, here or up to a proxy that is trusted.
func (s *Server) Secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && s.trusted(ap.Addr().Unmap()) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// caller is where a request comes from: an IPv4 address, or the /64 of an IPv6 one, which one machine may roam at will.
func (s *Server) caller(r *http.Request) netip.Prefix {
	addr, ok := s.addr(r)
	if !ok {
		return netip.Prefix{}
	}
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// address is where a request comes from, for the audit trail; "": not known.
func (s *Server) address(r *http.Request) string {
	addr, ok := s.addr(r)
	if !ok {
		return ""
	}
	return addr.String()
}

// addr is the address of who asks: of the connection, or the one that a proxy of ours names.
func (s *Server) addr(r *http.Request) (netip.Addr, bool) {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	addr := ap.Addr().Unmap()
	if s.trusted(addr) {
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for _, hop := range slices.Backward(hops) { // the last that no proxy of ours wrote itself
			a, err := netip.ParseAddr(strings.TrimSpace(hop))
			if err != nil {
				break
			}
			if addr = a.Unmap(); !s.trusted(addr) {
				break
			}
		}
	}
	return addr.WithZone(""), true
}

func (s *Server) trusted(addr netip.Addr) bool {
	return slices.ContainsFunc(s.settings.Load().TrustedProxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}
