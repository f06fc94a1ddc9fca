package smpp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

// WarnBefore is how long before a certificate expires its link says so.
const WarnBefore = 30 * 24 * time.Hour

// Certificates are the ends of what a link's last TLS handshake used; zero: none.
type Certificates struct {
	Theirs time.Time // of the chain that the operator showed: the first of it to expire
	Ours   time.Time // of the client certificate
}

// Warning says in words which certificate expires within WarnBefore of now, or has expired; empty: none.
func (c Certificates) Warning(now time.Time) string {
	var all []string
	for _, w := range []struct {
		whose, do string
		end       time.Time
	}{
		{"the operator's certificate", "ask the operator for a new one", c.Theirs},
		{"our client certificate", "have a new one made, put it in place, and send SIGHUP", c.Ours},
	} {
		left := w.end.Sub(now)
		switch {
		case w.end.IsZero() || left >= WarnBefore:
		case left <= 0:
			all = append(all, fmt.Sprintf("%s expired on %s: %s", w.whose, w.end.UTC().Format(time.DateOnly), w.do))
		default:
			all = append(all, fmt.Sprintf("%s expires on %s, in %d days: %s", w.whose, w.end.UTC().Format(time.DateOnly), int(left/(24*time.Hour)), w.do))
		}
	}
	return strings.Join(all, "; ")
}

// TLSError is a connection that could not be made safe. Nothing of ours was sent on it.
type TLSError struct {
	Words string // what is wrong and what to do
	Err   error
}

func (e *TLSError) Error() string { return "TLS: " + e.Words }
func (e *TLSError) Unwrap() error { return e.Err }

// Secure makes conn a TLS connection: 1.2 or newer, the peer's certificate verified for config's ServerName, else the
// host of address. Whatever config says, neither can be switched off. It closes conn where it fails; the error is a *TLSError.
// The certificates are told also where the operator's was refused because it has expired.
func Secure(ctx context.Context, conn net.Conn, config *tls.Config, address string) (*tls.Conn, Certificates, error) {
	config = config.Clone()
	config.InsecureSkipVerify = false
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	ends := Certificates{Ours: ownEnd(config)}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		var invalid x509.CertificateInvalidError
		if errors.As(err, &invalid) && invalid.Cert != nil {
			ends.Theirs = invalid.Cert.NotAfter
		}
		return nil, ends, &TLSError{Words: tlsWords(err, config, ends, time.Now()), Err: err}
	}
	ends.Theirs = chainsEnd(secure.ConnectionState().VerifiedChains)
	return secure, ends, nil
}

// ownEnd is when our client certificate expires.
func ownEnd(config *tls.Config) time.Time {
	var end time.Time
	for _, c := range config.Certificates {
		if c.Leaf != nil && (end.IsZero() || c.Leaf.NotAfter.Before(end)) {
			end = c.Leaf.NotAfter
		}
	}
	return end
}

// chainsEnd is when the longest-lived of the chains breaks.
func chainsEnd(chains [][]*x509.Certificate) time.Time {
	var end time.Time
	for _, chain := range chains {
		var first time.Time
		for _, c := range chain {
			if first.IsZero() || c.NotAfter.Before(first) {
				first = c.NotAfter
			}
		}
		if first.After(end) {
			end = first
		}
	}
	return end
}

// tlsWords says what a failed handshake means and what to do.
func tlsWords(err error, config *tls.Config, ends Certificates, now time.Time) string {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &host):
		return fmt.Sprintf("the operator's certificate is not for %q but for %s: set tls.server_name to the name that the operator gives, or ask for another certificate", config.ServerName, names(host.Certificate))
	case errors.As(err, &unknown) && config.RootCAs != nil:
		return fmt.Sprintf("the operator's certificate%s is signed by no authority of tls.ca_file: ask the operator which authority signs it, and put that one's certificate into the file", issuer(unknown.Cert))
	case errors.As(err, &unknown):
		return fmt.Sprintf("the operator's certificate%s is signed by an authority that is not known here: ask the operator for the certificate of its authority and set tls.ca_file", issuer(unknown.Cert))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if c := invalid.Cert; c != nil && now.Before(c.NotBefore) {
			return fmt.Sprintf("the operator's certificate is valid only from %s on: is our clock right? Else ask the operator", c.NotBefore.UTC().Format(time.RFC3339))
		}
		return fmt.Sprintf("the operator's certificate expired on %s: ask the operator for a new one; is our clock right?", ends.Theirs.UTC().Format(time.RFC3339))
	case errors.As(err, &invalid):
		return "the operator's certificate is not fit for a server (" + strings.TrimPrefix(err.Error(), "tls: failed to verify certificate: ") + "): ask the operator for another one"
	case errors.As(err, &header):
		return "the operator's port does not speak TLS: ask for the port of SMPP over TLS; nothing is ever sent in plain instead"
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		return "the operator took the connection, and the handshake stopped: ask for the port of SMPP over TLS, and whether a firewall breaks TLS on the way"
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET):
		return "the operator closed the connection in the middle of the handshake: ask for the port of SMPP over TLS, the TLS versions, and whether a client certificate (tls.cert_file) is asked for"
	}
	if words := alertWords(err, ends, now); words != "" {
		return words
	}
	return strings.TrimPrefix(err.Error(), "tls: ")
}

// alertWords says what the operator's TLS alert means; empty: err is none. With TLS 1.3 the refusal of a client
// certificate comes only after our side of the handshake has ended.
func alertWords(err error, ends Certificates, now time.Time) string {
	var remote *net.OpError
	if !errors.As(err, &remote) || remote.Op != "remote error" {
		return ""
	}
	said := strings.TrimPrefix(remote.Err.Error(), "tls: ")
	switch {
	case !ends.Ours.IsZero() && !now.Before(ends.Ours):
		return fmt.Sprintf("the operator refuses our client certificate (%s): it expired on %s; put a new one in place, and send SIGHUP", said, ends.Ours.UTC().Format(time.RFC3339))
	case said == "certificate required", said == "handshake failure" && ends.Ours.IsZero():
		return fmt.Sprintf("the operator asks for a client certificate (%s): set tls.cert_file and tls.key_file", said)
	case strings.Contains(said, "certificate"):
		return fmt.Sprintf("the operator refuses our client certificate (%s): compare it with the one that the operator knows, and ask which authority must have signed it", said)
	case said == "protocol version not supported":
		return "the operator speaks no TLS 1.2 or newer: ask for it; older versions are not safe and not spoken here"
	case said == "unrecognized name":
		return "the operator knows no such name: set tls.server_name to the one that the operator gives"
	}
	return fmt.Sprintf("the operator ended the handshake (%s): ask for the TLS versions and ciphers that it takes", said)
}

// AlertWords says what an operator's TLS alert means that came after the handshake, such as the refusal of a client
// certificate in TLS 1.3; empty: err is none.
func AlertWords(err error, now time.Time) string { return alertWords(err, Certificates{}, now) }

func names(c *x509.Certificate) string {
	if c == nil {
		return "another name"
	}
	all := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return "no name at all (it has no subjectAltName)"
	}
	return strings.Join(all, ", ")
}

func issuer(c *x509.Certificate) string {
	if c == nil || c.Issuer.CommonName == "" {
		return ""
	}
	return fmt.Sprintf(" (issuer %q)", c.Issuer.CommonName)
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// ConnectWords says in plain words why no connection to address could be made.
func ConnectWords(err error, address string) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("there is no address for the name %s: correct it, or ask which DNS knows it", dns.Name)
	case errors.As(err, &dns):
		return fmt.Sprintf("DNS does not tell the address of %s: is this machine's DNS reachable?", dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("%s refuses the connection: nothing listens there, or a firewall says no; compare address and port with what the operator gave", address)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fmt.Sprintf("there is no way to %s: is the VPN to the operator up?", address)
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return fmt.Sprintf("%s does not answer: a firewall in between, or our address is not on the operator's list; ask which of our addresses the operator lets in", address)
	}
	return err.Error()
}
