package smpp

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// Link keeps one operator's sessions bound and gives out the places of their windows.
type Link struct {
	o     LinkOptions
	lanes []*lane // immutable; their fields are guarded by mu
	taps  taps    // changed under mu, read by the sessions without it
	pulse pulse   // counted by the sessions

	mu sync.Mutex // nothing blocks, and no callback runs, while it is held

	windowUsed prometheus.Gauge // nil where nothing is counted
	keepers    []*keeper
	waiters    []*waiter
	changed    chan struct{}
	status     LinkStatus // as it was told last
	certs      Certificates
	shaken     chan struct{} // one slot: a handshake told of certificates
	closing    bool
	standby    bool // another daemon may bind, we may not
	history    []LinkChange
}

// NewLink checks the options; nothing is dialled before Run.
func NewLink(o LinkOptions) (*Link, error) {
	o.setDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	l := &Link{o: o, changed: make(chan struct{}), shaken: make(chan struct{}, 1)}
	for i := range o.Sessions {
		ln := &lane{index: i}
		l.lanes = append(l.lanes, ln)
		if o.Bind == BindPair {
			l.keepers = append(l.keepers, newKeeper(l, ln, CmdBindReceiver), newKeeper(l, ln, CmdBindTransmitter))
		} else {
			l.keepers = append(l.keepers, newKeeper(l, ln, CmdBindTransceiver))
		}
	}
	l.standby = o.Lease != nil
	l.status = l.compute()
	l.status.Since = time.Now()
	l.remember(l.status)
	o.Metrics.begin(o.Name)
	return l, nil
}

// show shows the link's gauges: not before Run, since of two links of one name the earlier may have to end first.
func (l *Link) show() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.windowUsed = l.o.Metrics.window(l.o.Name)
	l.o.Metrics.show(l.status)
	l.showWindow()
}

// Name is the link's name.
func (l *Link) Name() string { return l.o.Name }

// Run keeps the link bound until ctx ends. Then it answers new deliveries with
// ESME_RX_T_APPN, waits for those in hand and for outstanding submits up to
// ShutdownTimeout, unbinds and closes. It returns nil.
func (l *Link) Run(ctx context.Context) error {
	l.show()
	closing := context.AfterFunc(ctx, l.refuseWaiters)
	defer closing()
	var g errgroup.Group
	if l.o.Lease != nil {
		g.Go(func() error { return l.o.Lease.Hold(ctx, l.hold) })
	} else {
		g.Go(func() error { l.keep(ctx); return nil })
	}
	if l.o.TLS != nil {
		g.Go(func() error { l.warn(ctx); return nil })
	}
	err := g.Wait()
	l.refuseWaiters()
	return err
}

// keep keeps all connections bound until ctx ends.
func (l *Link) keep(ctx context.Context) {
	var g sync.WaitGroup
	for _, k := range l.keepers {
		g.Go(func() { k.run(ctx) })
	}
	g.Wait()
}

// hold is one time of holding the lease. Its sessions have surely ended when it does.
func (l *Link) hold(ctx context.Context) {
	l.change(func() { l.standby = false })
	ended := make(chan struct{})
	var g sync.WaitGroup
	g.Go(func() {
		select {
		case <-ctx.Done():
		case <-ended:
			return
		}
		for left := time.Until(l.o.Lease.Until()); left > 0; left = time.Until(l.o.Lease.Until()) {
			select {
			case <-ended:
				return
			case <-time.After(left):
			}
		}
		l.Drop("its lease has ended: another daemon may bind")
	})
	l.keep(ctx)
	close(ended)
	g.Wait()
	l.change(func() { l.standby = true })
}

// Elsewhere tells that another daemon holds the bind.
func (l *Link) Elsewhere() bool {
	l.mu.Lock()
	standby := l.standby
	l.mu.Unlock()
	return standby && l.o.Lease.Holder() != ""
}

// Drop closes all sessions at once, without handing on what was read and not
// handled, without writing what was not written. Run binds anew.
func (l *Link) Drop(reason string) {
	l.mu.Lock()
	var live []*Session
	for _, k := range l.keepers {
		if k.session != nil {
			live = append(live, k.session)
		}
	}
	l.mu.Unlock()
	for _, s := range live {
		s.drop()
	}
	if len(live) > 0 {
		l.o.Log.Warn("link dropped", zap.String("link", l.o.Name), zap.String("reason", reason))
	}
}

// LinkStatus is what an operator wants to know of a link.
type LinkStatus struct {
	Name       string
	State      string // connecting, bound, waiting (to try again), refused, standby (another daemon is bound), closed
	Reason     string // why it is not bound, in words
	Since      time.Time
	Sessions   []SessionStatus
	WindowUsed int // places taken: submitted, or their outcome not stored yet
	WindowSize int

	Certificates Certificates // zero: plain TCP, or no handshake yet
}

// SessionStatus is one connection of a link.
type SessionStatus struct {
	ID          string
	Bind        string // bind_transceiver, bind_transmitter, bind_receiver
	State       State
	Since       time.Time
	InHand      int // deliveries that wait for our answer
	Outstanding int // submit_sm that wait for theirs
}

// The states of a link.
const (
	LinkConnecting = "connecting"
	LinkBound      = "bound"
	LinkWaiting    = "waiting"
	LinkRefused    = "refused"
	LinkClosed     = "closed"
	LinkStandby    = "standby" // another daemon holds the bind
)

var linkStates = []string{LinkConnecting, LinkBound, LinkWaiting, LinkRefused, LinkClosed, LinkStandby}

// Bound tells whether messages can come and go.
func (l *Link) Bound() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status.State == LinkBound
}

// Status is the link as it is now.
func (l *Link) Status() LinkStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.compute()
	s.Since = l.status.Since
	return s
}

// Changes is closed at the next change of the link's state; then there is a new one.
func (l *Link) Changes() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// change runs f under the lock and tells everybody if the link looks different.
func (l *Link) change(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	s := l.compute()
	if s.State == l.status.State {
		s.Since = l.status.Since
	} else {
		s.Since = time.Now()
		l.remember(s)
	}
	l.status = s
	l.o.Metrics.show(s)
	close(l.changed)
	l.changed = make(chan struct{})
	l.grant()
}

// compute sums the keepers up. mu is held.
func (l *Link) compute() LinkStatus {
	s := LinkStatus{Name: l.o.Name, WindowSize: l.o.Window * len(l.lanes), Certificates: l.certs}
	for _, ln := range l.lanes {
		s.WindowUsed += ln.used
	}
	var tx, rx bool
	worst := -1
	for _, k := range l.keepers {
		if sess := k.session; sess != nil {
			s.Sessions = append(s.Sessions, SessionStatus{
				ID: sess.id, Bind: k.bindAs.String(), State: sess.State(), Since: k.since,
				InHand: int(sess.counts.inHand.Load()), Outstanding: int(sess.counts.outstanding.Load()),
			})
		}
		tx = tx || k.state == LinkBound && k.bindAs != CmdBindReceiver
		rx = rx || k.state == LinkBound && k.bindAs != CmdBindTransmitter
		// What needs an operator most is told: refused, waiting, connecting.
		if rank := slices.Index([]string{LinkClosed, LinkConnecting, LinkWaiting, LinkRefused}, k.state); rank > worst {
			worst, s.State, s.Reason = rank, k.state, k.reason
		}
	}
	if l.standby && !l.closing {
		s.State, s.Reason = LinkStandby, "one daemon of several binds"
		if other := l.o.Lease.Holder(); other != "" {
			s.Reason = "daemon " + other + " holds the bind"
		}
	}
	if tx && rx {
		s.State = LinkBound // s.Reason stays: one of several sessions may be down
		if s.Reason == "" {
			s.Reason = l.certs.Warning(time.Now())
		}
	}
	return s
}
