package smsc

import (
	"crypto/tls"
	"strconv"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// ReceiptMode says which submits get delivery receipts.
type ReceiptMode int

// The modes.
const (
	ReceiptsAsked  ReceiptMode = iota // those whose registered_delivery asks
	ReceiptsNever                     // none
	ReceiptsAlways                    // all
)

// ReceiptForm says where a receipt tells its story.
type ReceiptForm int

// The forms.
const (
	FormTextAndTLVs ReceiptForm = iota
	FormText
	FormTLVs
)

// Options of a [Server]; the zero value is useful.
type Options struct {
	SystemID, Password string // what a bind must say; empty: anything
	Name               string // system_id of our bind responses; empty: "aduan-smsc"

	Window          int           // deliver_sm outstanding on a session; 0: 10
	PerPhone        int           // outstanding of one telephone; 0: 1, which keeps order whatever fails
	ResponseTimeout time.Duration // for answers of the ESME; 0: 10 s
	EnquireLink     time.Duration // idle time before we ask; 0: 30 s, negative: never
	RetryMin        time.Duration // pause after a temporary error, doubled each time; 0: 500 ms
	RetryMax        time.Duration // up to this; 0: 30 s
	BindLimit       int           // bound sessions at once, beyond: ESME_RALYBND; 0: no limit
	ShutdownTimeout time.Duration // for unbind_resp when Run ends; 0: 2 s

	Alphabet     string // what data_coding 0 means here, as in package segment; empty: gsm7
	CountryCode  string // of destinations that begin with 0; empty: 62
	StrictLength bool   // refuse a short_message that is longer than one SMS (ESME_RINVMSGLEN)

	Receipts    ReceiptMode
	ReceiptForm ReceiptForm
	ReceiptID   func(id string) string // a message id as receipts write it; nil: as submit_sm_resp did

	JournalLimit int // newest entries kept; 0: 1,000,000, negative: no journal
	InboxLimit   int // newest SMS kept by a telephone; 0: 10,000

	TLS *tls.Config // spoken on each connection; nil: plain TCP

	SubmitDelay time.Duration // before each answer to a submit
	BindDelay   time.Duration // before each answer to a bind

	Seed      uint64           // of what is left to chance: sizes of pieces, shares of refusals
	MessageID func() string    // nil: decimal, rising, not repeated by a later process
	Now       func() time.Time // nil: time.Now
	OnEvent   func(Event)      // called in order by one goroutine of Run
	Log       *zap.Logger      // no number and no text is logged
}

func (o Options) withDefaults() Options {
	set(&o.Name, "aduan-smsc")
	set(&o.Window, 10)
	set(&o.PerPhone, 1)
	set(&o.ResponseTimeout, 10*time.Second)
	set(&o.EnquireLink, 30*time.Second)
	set(&o.RetryMin, 500*time.Millisecond)
	set(&o.RetryMax, 30*time.Second)
	set(&o.ShutdownTimeout, 2*time.Second)
	set(&o.Alphabet, "gsm7")
	set(&o.CountryCode, "62")
	set(&o.JournalLimit, 1_000_000)
	set(&o.InboxLimit, 10_000)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.MessageID == nil {
		var n atomic.Uint64
		n.Store(uint64(o.Now().UnixMilli()) * 1000)
		o.MessageID = func() string { return strconv.FormatUint(n.Add(1), 10) }
	}
	return o
}

func set[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}
