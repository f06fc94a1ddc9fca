package smpp

import (
	"context"
	cryptorand "crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"go.uber.org/zap"
)

// BindMode is how a link binds.
type BindMode int

// The ways to bind.
const (
	BindTransceiver BindMode = iota // one connection for both directions
	BindPair                        // a transmitter and a receiver
)

// String is the name used in the configuration.
func (b BindMode) String() string {
	if b == BindPair {
		return "pair"
	}
	return "transceiver"
}

// LinkOptions say how to reach an operator. The zero value of each field but
// Address and Handler is useful.
type LinkOptions struct {
	Name         string
	Address      string  // host:port; resolved at each connect
	SystemID     string  // at most 15 octets
	Password     string  // at most 64 octets; the specification's 8 are often exceeded
	SystemType   string  // at most 12 octets
	AddressRange string  // at most 40 octets
	ServiceType  string  // for submit_sm that name none
	Source       Address // TON and NPI for submit_sm that give neither
	Destination  Address

	Bind            BindMode
	Sessions        int           // parallel binds, or pairs of them; default 1
	Window          int           // submit_sm outstanding per session; default 50
	EnquireLink     time.Duration // silence after which the peer is asked; default 30 s
	ResponseTimeout time.Duration // for connecting, binding, each request and each write; default 10 s
	AckWithin       time.Duration // a later ESME_ROK is never proven; default 5 s, at most half of the SMSC's own response timer
	ReconnectMin    time.Duration // default 1 s
	ReconnectMax    time.Duration // default 60 s
	ShutdownTimeout time.Duration // for draining and unbinding; default 20 s
	// ShutdownWithin is ShutdownTimeout where that may change: asked when the link begins to end. Nil: ShutdownTimeout.
	ShutdownWithin func() time.Duration
	MaxInHand      int // citizens' messages not yet answered on a session, and likewise receipts; beyond: ESME_RX_T_APPN at once; default 1000
	MaxPDU         int // octets; default DefaultMaxPDU

	// TLS gives the configuration for each new connection, so that certificates can be renewed; nil: plain TCP.
	TLS     func() (*tls.Config, error)
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	Handler Handler
	Gate    Gate
	Lease   Lease // nil: every daemon binds
	Metrics *Metrics
	Log     *zap.Logger

	SessionID func() string  // unique among all daemons; default 64 random bits
	Rand      func() float64 // in [0, 1), for the pauses between attempts
}

func (o *LinkOptions) setDefaults() {
	orInt := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	orTime := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	orInt(&o.Sessions, 1)
	orInt(&o.Window, 50)
	orInt(&o.MaxInHand, 1000)
	orInt(&o.MaxPDU, DefaultMaxPDU)
	orTime(&o.EnquireLink, 30*time.Second)
	orTime(&o.ResponseTimeout, 10*time.Second)
	orTime(&o.AckWithin, 5*time.Second)
	orTime(&o.ReconnectMin, time.Second)
	orTime(&o.ReconnectMax, 60*time.Second)
	orTime(&o.ShutdownTimeout, 20*time.Second)
	o.ReconnectMax = max(o.ReconnectMax, o.ReconnectMin)
	if o.ShutdownWithin == nil {
		within := o.ShutdownTimeout
		o.ShutdownWithin = func() time.Duration { return within }
	}
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.SessionID == nil {
		o.SessionID = randomID
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
}

// check refuses what no SMSC could be told.
func (o *LinkOptions) check() error {
	if o.Handler == nil {
		return errors.New("smpp: a link needs a Handler")
	}
	if _, _, err := net.SplitHostPort(o.Address); err != nil {
		return fmt.Errorf("smpp: link %s: address: %w; write host:port", o.Name, err)
	}
	_, err := AppendBind(nil, 1, &Bind{
		ID: CmdBindTransceiver, SystemID: o.SystemID, Password: o.Password, SystemType: o.SystemType, AddressRange: o.AddressRange,
	})
	var bad *PDUError
	if errors.As(err, &bad) {
		return fmt.Errorf("smpp: link %s: %s: %s", o.Name, bad.Field, bad.What)
	}
	return err
}

// proofDelay is how long a ROK may wait for something else to prove it.
func (o *LinkOptions) proofDelay() time.Duration { return min(time.Second, o.AckWithin/5) }

func randomID() string {
	var b [8]byte
	if _, err := cryptorand.Read(b[:]); err != nil {
		panic(err) // never happens: crypto/rand ends the process itself
	}
	return hex.EncodeToString(b[:])
}
