package linkyear

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"aduan/internal/msisdn"
	"aduan/smpp"
)

const shortCode = "1708"

// mode is how the SMSC misbehaves now; the zero value behaves.
type mode struct {
	dial     string      // "", refused, hangs
	bind     string      // "", refused, silent, late, gone, outbind, early
	status   smpp.Status // of refused binds
	answer   string      // "", late, twice, never, unknown, wrong, shuffled, nack, bare
	enquire  string      // "", never, late
	refuse   smpp.Status // of submits
	pieces   bool
	receipts string // "", early, strange
}

// smsc is the operator. All is guarded by mu; nothing waits while it is held.
type smsc struct {
	w *world

	mu       sync.Mutex
	dice     *rand.Rand
	m        mode
	lag      time.Duration // on the way to us and from us
	links    []*link
	lanes    []*lane
	numbers  int
	ids      map[string]string // of an accepted submit_sm → what it was
	seen     map[string]int    // submit_sm read, by what it was
	accepted map[string]int
	refusals map[string]map[smpp.Status]bool
	ways     map[string]*way // of the segments of a long SMS, by telephone
	pumping  bool
	pdus     int
}

// link is one connection as the SMSC sees it.
type link struct {
	s       *smsc
	d       *daemon
	no      int
	conn    *conn
	bound   smpp.CommandID // 0: not yet
	leaving bool           // no more deliver_sm
	gone    bool           // the SMSC has given it up
	hole    bool           // nothing passes, and the SMSC does not know
	seq     uint32
	asked   map[uint32]*attempt
	open    map[uint32]time.Time // submit_sm read and not answered, since when
	behind  time.Time            // when it last read what had lain there for a while
	odd     bool                 // stalled or garbled at some time: what it counts means less
	queue   []byte               // behind a piece
	queued  bool
}

// attempt is one request of the SMSC.
type attempt struct {
	id      smpp.CommandID
	text    *text // nil: of no consequence
	at      time.Time
	answers int
	expired bool // the SMSC waits no more
}

// text is a message of a citizen on its way to us.
type text struct {
	lane   *lane
	m      *smpp.Message
	pdu    []byte
	digest string
	at     time.Time // not before
	flying bool
	done   bool
	part   bool // of a long SMS: digest is the part's
}

// lane is one citizen, whose next message waits for the end of the one before.
type lane struct {
	phone  msisdn.MSISDN
	texts  []*text // all, in order
	next   int
	listed bool
	long   *long // a long SMS is all that it writes
	pushed bool  // it never writes
}

func newSMSC(w *world, seed uint64) *smsc {
	return &smsc{
		w: w, dice: rand.New(rand.NewPCG(seed, 2)), ids: map[string]string{}, seen: map[string]int{}, accepted: map[string]int{}, ways: map[string]*way{},
		refusals: map[string]map[smpp.Status]bool{},
	}
}

func (s *smsc) locked(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// later does something with mu held.
func (s *smsc) later(d time.Duration, f func()) { time.AfterFunc(d, func() { s.locked(f) }) }

func (s *smsc) dial(ctx context.Context, d *daemon) (net.Conn, error) {
	s.mu.Lock()
	how, dead := s.m.dial, d.dead
	s.mu.Unlock()
	switch {
	case dead || how == "refused":
		return nil, errors.New("connection refused")
	case how == "hangs":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	ours, theirs := newConn()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.numbers++
	c := &link{s: s, d: d, no: s.numbers, conn: ours, asked: map[uint32]*attempt{}, open: map[uint32]time.Time{}}
	s.links = append(s.links, c)
	switch s.m.bind {
	case "outbind":
		c.write(outbind())
	case "early":
		c.ask(smpp.CmdDeliverSM, deliver("628000", "too early"))
		c.ask(smpp.CmdEnquireLink, smpp.AppendHeader(nil, smpp.CmdEnquireLink, 0, 0))
	}
	s.w.wg.Go(c.serve)
	return theirs, nil
}

// serve reads what the daemon writes, until either side ends.
func (c *link) serve() {
	fr := smpp.NewFrameReader(c.conn, 0)
	for {
		asked := time.Now()
		frame, err := fr.Next()
		behind := time.Now().Equal(asked) // it lay there: more than the lag has passed since it was written
		lag := c.s.lagNow()
		if lag > 0 && err == nil {
			time.Sleep(lag)
		}
		c.s.mu.Lock()
		if behind && lag > 0 {
			c.behind = time.Now()
		}
		if err != nil || c.gone {
			c.drop()
			c.s.mu.Unlock()
			return
		}
		c.s.pdus++
		c.take(smpp.ParseHeader(frame), frame)
		c.s.mu.Unlock()
	}
}

func (s *smsc) lagNow() (lag time.Duration) {
	s.locked(func() { lag = s.lag })
	return lag
}

// drop gives the connection up: what it carried is delivered again.
func (c *link) drop() {
	if c.gone {
		return
	}
	c.gone = true
	_ = c.conn.Close()
	c.s.links = slices.DeleteFunc(c.s.links, func(x *link) bool { return x == c })
	c.giveBack()
}

func (c *link) giveBack() {
	for _, a := range c.asked {
		if a.answers == 0 && !a.expired {
			a.expire()
		}
	}
	c.s.pump()
}

func (a *attempt) expire() {
	a.expired = true
	if a.text != nil {
		a.text.flying = false
	}
}

func (c *link) take(h smpp.Header, frame []byte) {
	switch h.ID {
	case smpp.CmdBindTransceiver, smpp.CmdBindReceiver, smpp.CmdBindTransmitter:
		c.bindRequest(h)
	case smpp.CmdEnquireLink:
		resp := smpp.AppendHeader(nil, smpp.CmdEnquireLinkResp, 0, h.Seq)
		switch c.s.m.enquire {
		case "never":
		case "late":
			c.s.later(c.s.w.set.response+time.Second, func() { c.write(resp) })
		default:
			c.respond(smpp.CmdEnquireLinkResp, h.Seq, resp)
		}
	case smpp.CmdUnbind:
		c.write(smpp.AppendHeader(nil, smpp.CmdUnbindResp, 0, h.Seq))
		c.leaving = true
		c.giveBack()
	case smpp.CmdUnbindResp:
		c.answered(h)
		c.drop()
	case smpp.CmdSubmitSM:
		c.submit(h, frame)
	default:
		if !h.ID.IsResponse() {
			c.s.w.fail("the link sent %v", h.ID)
			return
		}
		c.answered(h)
	}
}

func (c *link) bindRequest(h smpp.Header) {
	s := c.s
	accept := func() {
		resp, err := smpp.AppendBindResp(nil, h.ID.Response(), 0, h.Seq, "year")
		if err != nil {
			panic(err)
		}
		c.write(resp)
		c.bound = h.ID
		c.alone()
		s.pump()
	}
	switch s.m.bind {
	case "refused":
		c.write(smpp.AppendHeader(nil, h.ID.Response(), s.m.status, h.Seq))
	case "silent":
	case "late":
		s.later(time.Duration(s.dice.IntN(int(2*s.w.set.response))), func() {
			if !c.gone {
				accept()
			}
		})
	case "gone":
		accept()
		c.drop()
	default:
		accept()
	}
}

// alone: on an exclusive link no two daemons are bound at once. What is stalled or half-open may have ended unseen.
func (c *link) alone() {
	if !c.s.w.set.exclusive {
		return
	}
	for _, other := range c.s.links {
		if other.d != c.d && other.bound != 0 && !other.gone && !other.hole && !other.odd && !other.leaving && !other.d.still {
			c.s.w.fail("%s is bound while %s is, and the link is exclusive", c.d.name, other.d.name)
		}
	}
}

// write sends octets, in pieces where it must.
func (c *link) write(pdu []byte) {
	switch {
	case c.gone:
	case c.queued:
		c.queue = append(c.queue, pdu...)
	case c.s.m.pieces:
		n := c.s.dice.IntN(len(pdu))
		_, _ = c.conn.Write(pdu[:n])
		c.hold(pdu[n:], time.Duration(c.s.dice.IntN(300))*time.Millisecond)
	case c.s.lag > 0:
		c.hold(pdu, c.s.lag)
	default:
		_, _ = c.conn.Write(pdu)
	}
}

// hold keeps octets, and all behind them, back for a moment; then they come glued together.
func (c *link) hold(rest []byte, d time.Duration) {
	c.queue, c.queued = append(c.queue, rest...), true
	c.s.later(d, func() {
		q := c.queue
		c.queue, c.queued = nil, false
		if !c.gone {
			_, _ = c.conn.Write(q)
		}
	})
}

// ask sends a request of the SMSC under a number of its own.
func (c *link) ask(id smpp.CommandID, pdu []byte) *attempt {
	for {
		if c.seq >= 0x7FFFFFFF {
			c.seq = 0
		}
		c.seq++
		if a := c.asked[c.seq]; a == nil || a.answers > 0 {
			break
		}
	}
	a := &attempt{id: id, at: time.Now()}
	c.asked[c.seq] = a
	pdu = slices.Clone(pdu)
	pdu[12], pdu[13], pdu[14], pdu[15] = byte(c.seq>>24), byte(c.seq>>16), byte(c.seq>>8), byte(c.seq)
	c.write(pdu)
	return a
}

// answered takes what the link says to a request of ours.
func (c *link) answered(h smpp.Header) {
	a := c.asked[h.Seq]
	switch {
	case a == nil && h.ID == smpp.CmdGenericNack && c.odd: // of what could not be read
		return
	case a == nil:
		c.s.w.fail("%v answers nothing, number %d", h.ID, h.Seq)
		return
	}
	a.answers++
	if a.answers > 1 {
		c.s.w.fail("%v a second time for number %d", h.ID, h.Seq)
	}
	if h.ID != a.id.Response() && h.ID != smpp.CmdGenericNack {
		c.s.w.fail("%v answers %v", h.ID, a.id)
	}
	t := a.text
	if t == nil {
		return
	}
	if h.Status == smpp.StatusROK {
		took, _ := c.s.w.redis.Took(t.lane.phone)
		if t.part && !c.s.w.redis.HasPart(t.lane.phone, t.digest) || !t.part && !slices.Contains(took, t.digest) {
			c.s.w.fail("a message was acknowledged and is not kept")
		}
	}
	if a.expired || t.done { // unseen: the SMSC has given up waiting
		return
	}
	t.flying = false
	switch h.Status {
	case smpp.StatusROK:
		t.done = true
	case smpp.StatusRXTAPPN:
		t.at = time.Now().Add(time.Second + time.Duration(c.s.dice.IntN(4000))*time.Millisecond)
		c.s.later(time.Until(t.at), c.s.pump)
	default:
		c.s.w.fail("a good message was refused for good: %v", h.Status)
		t.done = true
	}
	c.s.pump()
}

// send queues a message of a citizen.
func (s *smsc) send(l *lane, m *smpp.Message, pdu []byte) *text {
	t := s.queue(l, m, pdu)
	s.pump()
	return t
}

func (s *smsc) queue(l *lane, m *smpp.Message, pdu []byte) *text {
	udh, body := m.Content()
	t := &text{
		lane: l, m: m, pdu: pdu,
		digest: s.w.digest([]byte(m.Source.Addr), []byte(m.Destination.Addr), []byte{m.ESMClass, m.DataCoding}, udh, body),
	}
	l.texts = append(l.texts, t)
	if !l.listed {
		l.listed = true
		s.lanes = append(s.lanes, l)
	}
	return t
}

// pump sends what can be sent; mu is held.
func (s *smsc) pump() {
	if s.pumping {
		return
	}
	s.pumping = true
	defer func() { s.pumping = false }()
	s.lanes = slices.DeleteFunc(s.lanes, func(l *lane) bool {
		for l.next < len(l.texts) && l.texts[l.next].done {
			l.next++
		}
		if l.next == len(l.texts) {
			l.listed = false
			return true
		}
		t := l.texts[l.next]
		if t.flying || time.Now().Before(t.at) {
			return false
		}
		if c := s.receiver(); c != nil {
			c.deliver(t)
		}
		return false
	})
}

func (s *smsc) receiver() *link {
	var able []*link
	for _, c := range s.links {
		if c.receives() {
			able = append(able, c)
		}
	}
	if len(able) == 0 {
		return nil
	}
	return able[s.dice.IntN(len(able))]
}

func (c *link) receives() bool {
	return c.bound != 0 && c.bound != smpp.CmdBindTransmitter && !c.gone && !c.leaving
}

func (c *link) deliver(t *text) {
	a := c.ask(smpp.CmdDeliverSM, t.pdu)
	a.text, t.flying = t, true
	c.s.later(timer, func() {
		if a.answers == 0 && !a.expired {
			a.expire()
			c.s.pump()
		}
	})
}
