package phone

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"aduan/smpp/segment"
)

// Limits of the page: a trial for one visitor, not a service.
const (
	MaxTelephones = 20
	MaxSMS        = 200 // kept for each telephone
	MaxSegments   = 10  // of one SMS written here
	maxLinkNews   = 8
)

// What a visitor may ask for in vain.
var (
	ErrTooMany  = errors.New("all telephones are in use: remove one first")
	ErrNoSuch   = errors.New("there is no such telephone")
	ErrLastOne  = errors.New("the last telephone stays")
	ErrEmpty    = errors.New("an SMS needs a text")
	ErrSegments = errors.New("the text takes more than " + strconv.Itoa(MaxSegments) + " segments: shorten it")
)

// firstNumber and those after it are invented: 6281200000001 to …20.
const firstNumber = 6281200000001

// message is an SMS as the page shows it.
type message struct {
	id, rev  uint64 // rev: the book's revision at its last change
	out      bool   // written on the telephone
	at       time.Time
	text     string
	alphabet string
	segments int
	progress Progress  // of out
	settled  time.Time // when out was seen to be acknowledged or refused
	sent     Sent
}

// telephone is one in the drawer or on the table. It keeps its conversation in the drawer: the line remembers it too.
type telephone struct {
	number  string
	device  Telephone
	sms     []*message
	putAway uint64 // revision at which it was put into the drawer; 0: never used
}

// linkNews is one change of the link.
type linkNews struct {
	State  string    `json:"state"` // a state of the link, or "cut": the visitor's doing
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

// book is what all visitors see. Reading it brings it up to date: nothing runs while nobody looks.
type book struct {
	sim       Simulator
	shortCode string
	linkState func() (state, reason string)
	now       func() time.Time

	mu     sync.Mutex
	rev    uint64 // counts changes
	lastID uint64
	table  []*telephone // shown, in order
	drawer []*telephone // not shown
	link   []linkNews   // newest last
	linkAt uint64       // revision of the last change of link
}

func newBook(o Options) *book {
	b := &book{sim: o.SMSC, shortCode: o.ShortCode, linkState: o.LinkState, now: o.Now}
	for i := range MaxTelephones {
		number := strconv.Itoa(firstNumber + i)
		b.drawer = append(b.drawer, &telephone{number: number, device: o.SMSC.Telephone(number)})
	}
	b.table, b.drawer = b.drawer[:1:1], b.drawer[1:]
	return b
}

// add puts a telephone on the table: one never used while there is one, else that which lay longest in the drawer.
func (b *book) add() (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.drawer) == 0 {
		return "", ErrTooMany
	}
	t := slices.MinFunc(b.drawer, func(x, y *telephone) int { return cmp.Compare(x.putAway, y.putAway) })
	b.drawer = slices.DeleteFunc(b.drawer, func(x *telephone) bool { return x == t })
	b.table = append(b.table, t)
	b.rev++
	for _, m := range t.sms {
		m.rev = b.rev // to be told again to those who forgot it
	}
	return t.number, nil
}

func (b *book) remove(number string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.find(number)
	if t == nil {
		return ErrNoSuch
	}
	if len(b.table) == 1 {
		return ErrLastOne
	}
	b.rev++
	t.putAway = b.rev
	b.table = slices.DeleteFunc(b.table, func(x *telephone) bool { return x == t })
	b.drawer = append(b.drawer, t)
	return nil
}

// send gives an SMS to the simulated operator.
func (b *book) send(number, text string) error {
	if text == "" {
		return ErrEmpty
	}
	alphabet, segments, _ := segment.Count(text)
	if segments > MaxSegments {
		return ErrSegments
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.find(number)
	if t == nil {
		return ErrNoSuch
	}
	m := &message{out: true, at: b.now(), text: text, alphabet: alphabet, segments: segments, progress: Waiting}
	m.sent = t.device.Send(b.shortCode, text)
	b.keep(t, m)
	return nil
}

// cut cuts the connections and remembers that it was the visitor.
func (b *book) cut() int {
	n := b.sim.CutLinks()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rev++
	b.linkAt = b.rev
	b.note(linkNews{State: "cut", At: b.now()})
	return n
}

// find is a telephone on the table. The caller holds mu.
func (b *book) find(number string) *telephone {
	i := slices.IndexFunc(b.table, func(t *telephone) bool { return t.number == number })
	if i < 0 {
		return nil
	}
	return b.table[i]
}

// keep adds m to t. The caller holds mu.
func (b *book) keep(t *telephone, m *message) {
	b.rev++
	b.lastID++
	m.id, m.rev = b.lastID, b.rev
	t.sms = append(t.sms, m)
	if over := len(t.sms) - MaxSMS; over > 0 {
		t.sms = slices.Delete(t.sms, 0, over)
	}
}

// note adds to the link's news. The caller holds mu.
func (b *book) note(n linkNews) {
	b.link = append(b.link, n)
	if over := len(b.link) - maxLinkNews; over > 0 {
		b.link = slices.Delete(b.link, 0, over)
	}
}

// refresh takes in what happened at the simulator and at the link since. The caller holds mu.
func (b *book) refresh() {
	for _, t := range b.table {
		// Acknowledgements first: an answer is never shown beside a complaint that seems to be waiting still.
		got := t.device.News()
		for _, m := range t.sms {
			if m.sent == nil || m.progress != Waiting {
				continue
			}
			if p := m.sent.Progress(); p != Waiting {
				b.rev++
				m.rev, m.progress, m.settled, m.sent = b.rev, p, b.now(), nil
			}
		}
		for _, r := range got {
			b.keep(t, &message{at: r.At, text: r.Text, alphabet: r.Alphabet, segments: r.Segments})
		}
	}
	b.refreshLink()
}

// refreshLink notes a new state of the link. The caller holds mu.
func (b *book) refreshLink() {
	state, reason := b.linkState()
	told := b.lastState()
	// A link may heal between two looks: then "cut" must not stand for ever.
	healed := len(b.link) > 0 && b.link[len(b.link)-1].State == "cut" && state == "bound" &&
		b.sim.Sessions() > 0 && b.now().Sub(b.link[len(b.link)-1].At) > time.Second
	switch {
	case healed || told == nil || told.State != state:
		b.note(linkNews{State: state, Reason: reason, At: b.now()})
	case told.Reason != reason:
		told.Reason = reason
	default:
		return
	}
	b.rev++
	b.linkAt = b.rev
}

// lastState is the newest of the link's news that the link itself told, or nil. The caller holds mu.
func (b *book) lastState() *linkNews {
	for i := len(b.link) - 1; i >= 0; i-- {
		if b.link[i].State != "cut" {
			return &b.link[i]
		}
	}
	return nil
}
