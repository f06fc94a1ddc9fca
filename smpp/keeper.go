package smpp

import (
	"context"
	"errors"
	"net"
	"time"

	"go.uber.org/zap"
)

// keeper keeps one connection of a link bound: dial, bind, serve, pause, again.
type keeper struct {
	link   *Link
	lane   *lane
	bindAs CommandID

	// guarded by link.mu
	state   string
	reason  string
	since   time.Time
	session *Session
}

func newKeeper(l *Link, ln *lane, bindAs CommandID) *keeper {
	return &keeper{link: l, lane: ln, bindAs: bindAs, state: LinkConnecting}
}

func (k *keeper) run(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		k.link.change(func() { k.state = LinkConnecting }) // the reason stands until it is bound
		lasted, err := k.attempt(ctx)
		if ctx.Err() != nil {
			break
		}
		if lasted >= k.steady() {
			failures = 0
		}
		pause := k.pause(failures, err)
		failures++
		k.failed(err, pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	k.link.change(func() { k.state, k.reason = LinkClosed, "" })
}

// attempt returns why the session ended, and how long it was bound.
func (k *keeper) attempt(ctx context.Context) (lasted time.Duration, err error) {
	conn, err := k.dial(ctx)
	if err != nil {
		return 0, err
	}
	o := &k.link.o
	s := newSession(o, o.SessionID(), k.bindAs, conn)
	s.taps, s.pulse = &k.link.taps, &k.link.pulse
	var boundAt time.Time
	s.held = func() int {
		if k.bindAs == CmdBindReceiver {
			return 0
		}
		return k.link.held(k.lane)
	}
	s.onBound = func() {
		boundAt = time.Now()
		k.link.change(func() {
			k.state, k.reason, k.since = LinkBound, "", boundAt
			if k.bindAs != CmdBindReceiver {
				k.lane.tx = s
			}
		})
	}
	s.onEnd = func() {
		k.link.change(func() {
			k.session = nil
			if k.lane.tx == s {
				k.lane.tx = nil
			}
			if k.state == LinkBound {
				k.state = LinkWaiting
			}
		})
	}
	k.link.change(func() { k.session, k.since = s, time.Now() })
	err = s.run(ctx)
	if o.TLS != nil {
		if words := alertWords(err, k.link.certificates(), time.Now()); words != "" {
			err = &TLSError{Words: words, Err: err}
		}
	}
	if !boundAt.IsZero() {
		lasted = time.Since(boundAt)
	}
	return lasted, err
}

func (k *keeper) dial(ctx context.Context) (net.Conn, error) {
	o := &k.link.o
	ctx, cancel := context.WithTimeout(ctx, o.ResponseTimeout)
	defer cancel()
	conn, err := o.Dial(ctx, "tcp", o.Address)
	if err != nil {
		return nil, &connectError{address: o.Address, err: err}
	}
	if o.TLS == nil {
		return conn, nil
	}
	config, err := o.TLS()
	if err != nil {
		_ = conn.Close()
		return nil, &TLSError{Words: err.Error(), Err: err}
	}
	secure, ends, err := Secure(ctx, conn, config, o.Address)
	k.link.certified(ends)
	if err != nil {
		return nil, err
	}
	return secure, nil
}

// connectError is a connection that could not be made.
type connectError struct {
	address string
	err     error
}

func (e *connectError) Error() string { return "cannot connect: " + ConnectWords(e.err, e.address) }
func (e *connectError) Unwrap() error { return e.err }

func (k *keeper) failed(err error, pause time.Duration) {
	state := LinkWaiting
	var refused *BindError
	if errors.As(err, &refused) && !k.waitsOut(refused) {
		state = LinkRefused
	}
	k.link.o.Metrics.reconnects(k.link.o.Name, ending(err))
	what := "session ended"
	if refused != nil {
		what = "bind refused"
	}
	k.link.o.Log.Warn(what, zap.String("link", k.link.o.Name), zap.Stringer("bind", k.bindAs),
		zap.Error(err), zap.Duration("again_in", pause))
	k.link.change(func() { k.state, k.reason = state, reasonOf(err) })
}

// reasonOf is what readyz and doctor show: "ESME_RINVPASWD: the operator refuses the password".
func reasonOf(err error) string {
	var refused *BindError
	if errors.As(err, &refused) {
		return refused.Status.String() + ": " + refused.Status.Advice()
	}
	return err.Error()
}

// steady is how long a bind must last to be called a success. An SMSC that
// binds and drops at once is not hammered.
func (k *keeper) steady() time.Duration {
	return min(k.link.o.ReconnectMax, 10*k.link.o.ReconnectMin)
}

// alreadyBound bounds the pauses after an ESME_RALYBND that is waited out, for so many tries: then the dead session is
// one that the SMSC keeps for minutes, and the pauses grow.
const (
	alreadyBound      = time.Second
	alreadyBoundTries = 30
)

// waitsOut tells that the SMSC still holds the bind of the daemon that had the lease before us: it ends by itself, and
// ours is to follow soon.
func (k *keeper) waitsOut(refused *BindError) bool {
	return refused.Status == StatusRALYBND && k.link.o.Lease != nil
}

// pause is full jitter between ReconnectMin and a ceiling that doubles with each
// failure up to ReconnectMax. A wrong password or system_id is not tried often:
// only a person can mend it, and operators lock accounts.
func (k *keeper) pause(failures int, err error) time.Duration {
	lo, ceiling := k.link.o.ReconnectMin, k.link.o.ReconnectMax
	var refused *BindError
	if errors.As(err, &refused) && k.waitsOut(refused) {
		ceiling = max(lo, min(ceiling, alreadyBound<<min(max(failures-alreadyBoundTries, 0), 12)))
	}
	if errors.As(err, &refused) && (refused.Status == StatusRINVPASWD || refused.Status == StatusRINVSYSID) {
		lo = max(lo, ceiling/2)
	} else if failures < 30 {
		ceiling = min(ceiling, lo<<(failures+1))
	}
	return lo + time.Duration(k.link.o.Rand()*float64(ceiling-lo))
}
