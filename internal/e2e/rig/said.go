package rig

import (
	"regexp"
	"slices"
	"sync/atomic"

	"aduan/smpp"
	"aduan/smpp/segment"
	"aduan/smpp/smsc"
)

var (
	tokens       atomic.Int64
	tokenPattern = regexp.MustCompile(`qx[b-m]{6}z`)
)

// Token is a word that no other text of this test run holds; the audit follows it. It fits every alphabet, and no rule of
// the conversation reads anything in it.
func Token() string {
	n := tokens.Add(1)
	word := []byte("qx......z")
	for i := 7; i >= 2; i-- {
		word[i] = byte('b' + n%12)
		n /= 12
	}
	return string(word)
}

// said is one message of a telephone as the SMSC's journals tell it.
type said struct {
	smsc, phone string
	id          uint64 // of the simulator
	text        string // joined; "" where it is no text
	parts       map[int]*part
	total       int
}

type part struct {
	message *smpp.Message
	acked   bool   // answered ESME_ROK, seen by the SMSC or not
	firstN  uint64 // when it was sent first
	ackN    uint64 // when it was acknowledged first
	open    bool   // its last attempt has no final answer
}

// acked says that every part was answered ESME_ROK: the text must be in the store.
func (s *said) acked() bool {
	for n := 1; n <= s.total; n++ {
		if p := s.parts[n]; p == nil || !p.acked {
			return false
		}
	}
	return true
}

func (s *said) open() bool {
	for n := 1; n <= s.total; n++ {
		if p := s.parts[n]; p == nil || p.open {
			return true
		}
	}
	return false
}

// before says that s was acknowledged before next was sent (promise 4).
func (s *said) before(next *said) bool {
	if s.smsc != next.smsc || !s.acked() {
		return false
	}
	var last uint64
	for _, p := range s.parts {
		last = max(last, p.ackN)
	}
	for _, p := range next.parts {
		if p.firstN < last {
			return false
		}
	}
	return true
}

// whatWasSaid reads the journals: the messages of each telephone, in the order of their sending.
func whatWasSaid(all []*SMSC) map[string][]*said {
	type key struct {
		smsc string
		id   uint64
	}
	byID := map[key]*said{}
	for _, s := range all {
		for _, e := range s.Journal() {
			if e.Kind != smsc.EntryDeliver || e.Receipt {
				continue
			}
			k := key{s.Addr(), e.OutgoingID}
			m := byID[k]
			if m == nil {
				m = &said{smsc: s.Addr(), phone: e.Phone, id: e.OutgoingID, parts: map[int]*part{}, total: e.Parts}
				byID[k] = m
			}
			p := m.parts[e.Part]
			if p == nil {
				p = &part{message: e.Message, firstN: e.N}
				m.parts[e.Part] = p
			}
			if e.Acknowledged() && !p.acked {
				p.acked, p.ackN = true, e.AnsweredN
			}
			p.open = e.Outcome != smsc.Answered || e.Status.Class() != smpp.ClassOK && e.Status.Class() != smpp.ClassPermanent
		}
	}
	out := map[string][]*said{}
	for _, m := range byID {
		m.text = m.join()
		out[m.phone] = append(out[m.phone], m)
	}
	for _, list := range out {
		slices.SortFunc(list, func(a, b *said) int { return int(a.id) - int(b.id) })
	}
	return out
}

func (s *said) join() string {
	segments := make([]segment.Segment, 0, s.total)
	for n := 1; n <= s.total; n++ {
		p := s.parts[n]
		if p == nil {
			return "" // a part was never sent
		}
		udh, text := p.message.Content()
		segments = append(segments, segment.Segment{UDH: udh, Text: text})
	}
	text, _ := segment.Join(s.parts[1].message.DataCoding, "gsm7", segments)
	return text
}

// heard is one SMS as it was submitted to a telephone: its text's place in the order of first submits, and how often it
// came.
type heard struct {
	text  string
	times int
}

// whatWasHeard is the SMS that came to each telephone, in the order in which they came first.
func whatWasHeard(all []*SMSC, phones map[string][]*said) map[string][]*heard {
	out := map[string][]*heard{}
	for phone := range phones {
		at := map[string]*heard{}
		for _, s := range all {
			for _, sms := range s.Phone(phone).Inbox() {
				h := at[sms.Text]
				if h == nil {
					h = &heard{text: sms.Text}
					at[sms.Text] = h
					out[phone] = append(out[phone], h)
				}
				h.times++
			}
		}
	}
	return out
}
