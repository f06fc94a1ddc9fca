package smpp

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// certified notes what the last handshake told of the certificates.
func (l *Link) certified(c Certificates) {
	l.mu.Lock()
	if c.Theirs.IsZero() {
		c.Theirs = l.certs.Theirs // not seen this time
	}
	l.certs = c
	l.mu.Unlock()
	l.o.Metrics.certified(l.o.Name, c)
	select {
	case l.shaken <- struct{}{}:
	default:
	}
}

func (l *Link) certificates() Certificates {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.certs
}

// warnEvery is how often the log tells of a certificate that expires soon.
const warnEvery = 24 * time.Hour

// warn tells the log of certificates that expire soon: a session that stays bound for months never looks at them again.
func (l *Link) warn(ctx context.Context) {
	t := time.NewTicker(time.Hour)
	defer t.Stop()
	var told time.Time
	for {
		if w := l.certificates().Warning(time.Now()); w != "" && time.Since(told) >= warnEvery {
			told = time.Now()
			l.o.Log.Warn("a certificate expires soon", zap.String("link", l.o.Name), zap.String("what", w))
		}
		select {
		case <-ctx.Done():
			return
		case <-l.shaken:
		case <-t.C:
		}
	}
}

// RenewCertificates looks at our client certificate again, for Status, metrics and the log. A connection reads it
// anyway when it is made; those that stand stay as they are.
func (l *Link) RenewCertificates() {
	if l.o.TLS == nil {
		return
	}
	config, err := l.o.TLS()
	if err != nil {
		return // the next dial tells
	}
	c := l.certificates()
	c.Ours = ownEnd(config)
	l.certified(c)
}
